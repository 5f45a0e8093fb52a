//! What a key means. It knows no key: those are in [`super::keymap`]; what an action does is in [`super::app`].

use super::overlay::migrations::Closer;
use crate::rollout::DrainChoice;

/// What an operator wants, said to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// What the prompt says.
    Go,
    Automatic,
    Hold,
    RollBack,
    /// The selected server again.
    Retry,
    /// The selected server out to the end; one that is out already is declared gone.
    Exclude,
    /// The selected server's drain and its choices.
    Drain,
    SkipBake,
    SwitchAgain,
    ContractLater,
    /// Plan and gates.
    Gates,
    /// Migrations, statement by statement.
    Migrations,
    /// In which phase the selected migration belongs.
    Judge,
    /// A closer look at the selected migration.
    Look(Closer),
    /// Commands and output.
    Commands,
    Note,
    /// The wheel: given by who drives, taken by who observes.
    HandOver,
    /// A second person's yes.
    Approve,
    Help,
    /// The coach's pane on or off.
    Coach,
    /// All that the coach has to say about this moment.
    Explain,
    /// Another theme.
    Themes,
    Quit,
    /// A command is typed.
    CommandLine,
    /// Words are typed by which servers are shown.
    Filter,
    /// A text is typed that is looked for.
    Search,
    /// Where it is found next, and before.
    SearchNext,
    SearchBack,
    /// Stay with what comes, or no longer.
    Follow,
    /// The selected line to the clipboard.
    CopyLine,
    /// All of it to the clipboard.
    CopyAll,
    /// The word that is being typed, to its end.
    Complete,
    /// Out of an overlay.
    Back,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    OtherHalf,
    /// Yes, to what an overlay shows.
    Confirm,
    /// One of the ways on of a drain.
    Choose(DrainChoice),
    /// A character for a text field.
    Type(char),
    /// The last character of a text field away.
    Rub,
    /// All of a text field away.
    RubAll,
    /// Draw everything anew: the terminal was spoilt.
    Redraw,
    /// Ctrl-C, which ends nothing here.
    Interrupt,
    Suspend,
    /// A key that means nothing here; it is said.
    Unbound(char),
}

impl Action {
    /// Its name in `console.toml` and on the command line; `None` for what only an overlay or a text field knows.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Action::Go => "go",
            Action::Automatic => "automatic",
            Action::Hold => "hold",
            Action::RollBack => "roll-back",
            Action::Retry => "retry",
            Action::Exclude => "exclude",
            Action::Drain => "drain",
            Action::SkipBake => "skip-bake",
            Action::SwitchAgain => "switch-again",
            Action::ContractLater => "contract-later",
            Action::Gates => "plan",
            Action::Migrations => "migrations",
            Action::Commands => "log",
            Action::Note => "note",
            Action::HandOver => "hand-over",
            Action::Approve => "approve",
            Action::Help => "help",
            Action::Coach => "coach",
            Action::Explain => "explain",
            Action::Themes => "themes",
            Action::Quit => "leave",
            Action::Back => "back",
            Action::Up => "up",
            Action::Down => "down",
            Action::PageUp => "page-up",
            Action::PageDown => "page-down",
            Action::First => "first",
            Action::Last => "last",
            Action::OtherHalf => "other-half",
            Action::CommandLine => "command-line",
            Action::Filter => "filter",
            Action::Judge
            | Action::Look(_)
            | Action::Search
            | Action::SearchNext
            | Action::SearchBack
            | Action::Follow
            | Action::CopyLine
            | Action::CopyAll
            | Action::Complete
            | Action::Confirm
            | Action::Choose(_)
            | Action::Type(_)
            | Action::Rub
            | Action::RubAll
            | Action::Redraw
            | Action::Interrupt
            | Action::Suspend
            | Action::Unbound(_) => return None,
        })
    }
}
