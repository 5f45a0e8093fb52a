//! Which key means what, as data: the footer, the help and the documentation come from these tables, as the operator
//! changed them ([`Keymap`]).
//!
//! Letters, Enter, Space, Esc, arrows: no F-keys and no Alt, which tmux and screen eat. Reading a key from the terminal
//! is done in [`super::input`]. Read next: [`map`] (the tables in use), [`rebind`] (which changes are refused).

pub mod map;
pub mod rebind;

pub use map::{Bound, Keymap};

use super::action::Action;
use super::overlay::migrations::Closer;
use crate::rollout::DrainChoice;
use std::fmt;

/// A key, whatever the terminal sent for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Char(char),
    /// Control and a letter.
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Char(' ') => f.write_str("Space"),
            Key::Char(c) => write!(f, "{c}"),
            Key::Ctrl(c) => write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            Key::Enter => f.write_str("Enter"),
            Key::Esc => f.write_str("Esc"),
            Key::Tab => f.write_str("Tab"),
            Key::Backspace => f.write_str("Backspace"),
            Key::Up => f.write_str("Up"),
            Key::Down => f.write_str("Down"),
            Key::Left => f.write_str("Left"),
            Key::Right => f.write_str("Right"),
            Key::PageUp => f.write_str("PageUp"),
            Key::PageDown => f.write_str("PageDown"),
            Key::Home => f.write_str("Home"),
            Key::End => f.write_str("End"),
        }
    }
}

/// Where a key was pressed: each has its own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The main screen.
    Rollout,
    /// Something is shown and Enter does it.
    Confirm,
    /// A line is typed.
    Text,
    /// A command is typed.
    CommandLine,
    /// Words are typed by which servers are shown.
    Filter,
    /// A text is typed that is looked for.
    Search,
    /// The drain of one server.
    Drain,
    /// Plan and gates.
    Gates,
    /// The list of what was done.
    Commands,
    /// The output of one command.
    Output,
    /// Migrations, statement by statement.
    Migrations,
    /// To whom the wheel goes.
    Seats,
    Help,
    /// The list of themes.
    Themes,
}

impl Context {
    /// All of them.
    pub const ALL: [Context; 14] = [
        Context::Rollout,
        Context::Confirm,
        Context::Text,
        Context::CommandLine,
        Context::Filter,
        Context::Search,
        Context::Drain,
        Context::Gates,
        Context::Commands,
        Context::Output,
        Context::Migrations,
        Context::Seats,
        Context::Help,
        Context::Themes,
    ];

    /// Are letters, and Space, text there?
    #[must_use]
    pub fn is_text(self) -> bool {
        match self {
            Context::Text | Context::CommandLine | Context::Filter | Context::Search => true,
            Context::Rollout
            | Context::Confirm
            | Context::Drain
            | Context::Gates
            | Context::Commands
            | Context::Output
            | Context::Migrations
            | Context::Seats
            | Context::Help
            | Context::Themes => false,
        }
    }

    /// As a title of its keys.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Context::Rollout => "On the rollout",
            Context::Confirm => "Where something asks for Enter",
            Context::Text => "Where a line is typed",
            Context::CommandLine => "On the command line",
            Context::Filter => "In the filter",
            Context::Search => "In a search",
            Context::Drain => "In a drain",
            Context::Gates => "In plan and gates",
            Context::Commands => "In the list of commands",
            Context::Output => "In an output",
            Context::Migrations => "In the migrations",
            Context::Seats => "Where the wheel is handed over",
            Context::Help => "In this help",
            Context::Themes => "In the list of themes",
        }
    }
}

/// One line of a table, as it is where nobody changed it.
#[derive(Debug)]
pub struct Binding {
    /// The first one is shown.
    pub keys: &'static [Key],
    pub action: Action,
    /// One or two words for the footer.
    pub title: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// The word under which the prompt says that it would be refused.
    pub word: Option<&'static str>,
}

const fn binding(keys: &'static [Key], action: Action, title: &'static str, help: &'static str) -> Binding {
    Binding { keys, action, title, help, word: None }
}

const fn command(keys: &'static [Key], action: Action, title: &'static str, help: &'static str, word: &'static str) -> Binding {
    Binding { keys, action, title, help, word: Some(word) }
}

/// Most needed first: a narrow footer shows the first ones.
const ROLLOUT: &[Binding] = &[
    command(&[Key::Enter], Action::Go, "go", "do what the prompt says; goes on out of a hold too", "go"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new; what runs finishes; only ever holds", "hold"),
    command(&[Key::Char('R')], Action::RollBack, "roll back", "shows the price of going back to current, then Enter", "rollback"),
    binding(&[Key::Char('?')], Action::Help, "help", "this list"),
    binding(&[Key::Char('q')], Action::Quit, "leave", "leave the screen; the rollout goes on"),
    command(&[Key::Char('A')], Action::Automatic, "automatic", "go on by itself while every gate passes", "automatic"),
    command(&[Key::Char('r')], Action::Retry, "retry", "try the failed step of the selected server again", "retry"),
    command(
        &[Key::Char('x')],
        Action::Exclude,
        "exclude",
        "leave the selected server out to the end; once more declares it gone",
        "exclude",
    ),
    binding(&[Key::Char('d')], Action::Drain, "drain", "what is in flight on the selected server, and four ways on"),
    binding(&[Key::Char('p')], Action::Gates, "plan", "phases and gates; an unknown gate can be accepted there"),
    binding(&[Key::Char('l')], Action::Commands, "log", "commands as sent, and their output"),
    binding(&[Key::Char('m')], Action::Migrations, "migrations", "each statement: its phase, its cost, why, and how far it is"),
    command(&[Key::Char('s')], Action::SkipBake, "skip bake", "end the bake now", "skip-bake"),
    command(
        &[Key::Char('w')],
        Action::SwitchAgain,
        "switch",
        "after a flip back: half A in and half B out once more",
        "switch-again",
    ),
    command(&[Key::Char('L')], Action::ContractLater, "later", "leave the contract migrations for later", "contract"),
    command(&[Key::Char('n')], Action::Note, "note", "write a line into the journal", "note"),
    binding(&[Key::Char('h')], Action::HandOver, "hand over", "who drives hands over; who observes takes over, with a reason"),
    binding(&[Key::Char('a')], Action::Approve, "approve", "a second person's yes, where one is asked for"),
    binding(&[Key::Char('g')], Action::Coach, "guide", "the coach's pane, which explains each step, on or off"),
    binding(&[Key::Char('e')], Action::Explain, "explain", "all that the coach has to say about this moment"),
    binding(&[Key::Char(':')], Action::CommandLine, "command", "type any command; Tab completes it"),
    binding(&[Key::Char('/')], Action::Filter, "filter", "show only servers with these words in name, version or state"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "select the next server"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "select the server before"),
    binding(&[Key::Tab, Key::Left, Key::Right], Action::OtherHalf, "half", "select in the other half"),
    binding(&[Key::PageDown], Action::PageDown, "page", "ten servers on"),
    binding(&[Key::PageUp], Action::PageUp, "page", "ten servers back"),
    binding(&[Key::Home], Action::First, "first", "the first server of the half"),
    binding(&[Key::End], Action::Last, "last", "the last server of the half"),
    binding(&[Key::Char('T')], Action::Themes, "themes", "other colours, tried on this screen"),
    binding(&[Key::Esc], Action::Back, "back", "out of an overlay; clears what was said"),
];

const CONFIRM: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "do it", "do what is shown"),
    binding(&[Key::Esc, Key::Char('q')], Action::Back, "no", "back, nothing is done"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "a line on"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "a line back"),
    binding(&[Key::PageDown], Action::PageDown, "page down", "a page on"),
    binding(&[Key::PageUp], Action::PageUp, "page up", "a page back"),
];

const TEXT: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "send", "send the line"),
    binding(&[Key::Esc], Action::Back, "no", "back, nothing is sent"),
    binding(&[Key::Backspace, Key::Ctrl('h')], Action::Rub, "rub out", "the last character away"),
    binding(&[Key::Ctrl('u')], Action::RubAll, "rub out all", "the whole line away"),
];

const COMMAND_LINE: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "do it", "do what the line says; what is dear still asks"),
    binding(&[Key::Esc], Action::Back, "no", "back, nothing is done"),
    binding(&[Key::Tab], Action::Complete, "complete", "the word that is being typed, to its end"),
    binding(&[Key::Up], Action::Up, "earlier", "the line that was typed before"),
    binding(&[Key::Down], Action::Down, "later", "the line that was typed after"),
    binding(&[Key::Backspace, Key::Ctrl('h')], Action::Rub, "rub out", "the last character away"),
    binding(&[Key::Ctrl('u')], Action::RubAll, "rub out all", "the whole line away"),
];

const FILTER: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "keep", "keep the filter; empty shows all servers"),
    binding(&[Key::Esc], Action::Back, "as before", "back to the filter as it was"),
    binding(&[Key::Backspace, Key::Ctrl('h')], Action::Rub, "rub out", "the last character away"),
    binding(&[Key::Ctrl('u')], Action::RubAll, "all servers", "the whole line away"),
];

const SEARCH: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "find", "find it; empty looks for nothing any more"),
    binding(&[Key::Esc], Action::Back, "no", "back, as it was"),
    binding(&[Key::Backspace, Key::Ctrl('h')], Action::Rub, "rub out", "the last character away"),
    binding(&[Key::Ctrl('u')], Action::RubAll, "rub out all", "the whole line away"),
];

const DRAIN: &[Binding] = &[
    binding(&[Key::Char('w')], Action::Choose(DrainChoice::Wait), "wait", "wait for another drain_timeout"),
    binding(&[Key::Char('g')], Action::Choose(DrainChoice::GoOn), "go on", "stop although something is in flight"),
    binding(&[Key::Char('x')], Action::Choose(DrainChoice::Kill), "kill sessions", "the balancer cuts what is in flight"),
    binding(&[Key::Char('b')], Action::Choose(DrainChoice::PutBack), "put back", "the server back into rotation"),
    command(&[Key::Enter], Action::Confirm, "do it", "do what is chosen", "cut"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('d')], Action::Back, "back", "back, nothing is done"),
];

const GATES: &[Binding] = &[
    command(
        &[Key::Enter],
        Action::Confirm,
        "accept",
        "on a gate: accept it, with a reason; on a phase: show or hide its steps",
        "accept",
    ),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('p')], Action::Back, "back", "back to the rollout"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "the next line"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "the line before"),
    binding(&[Key::Char('y')], Action::CopyLine, "copy", "the commands of the selected step to the clipboard"),
    binding(&[Key::PageDown], Action::PageDown, "page down", "ten lines on"),
    binding(&[Key::PageUp], Action::PageUp, "page up", "ten lines back"),
    binding(&[Key::Home], Action::First, "first", "the first phase"),
    binding(&[Key::End], Action::Last, "last", "the last line"),
];

const COMMANDS: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "output", "the output of the selected command"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('l')], Action::Back, "back", "back to the rollout"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "the next line"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "the line before"),
    binding(&[Key::Char('/')], Action::Search, "search", "find a text in the list"),
    binding(&[Key::Char('n')], Action::SearchNext, "next", "where the text is found next"),
    binding(&[Key::Char('N')], Action::SearchBack, "before", "where it is found before"),
    binding(&[Key::Char('y')], Action::CopyLine, "copy", "the selected command to the clipboard"),
    binding(&[Key::Char('Y')], Action::CopyAll, "copy all", "all lines to the clipboard"),
    binding(&[Key::PageDown], Action::PageDown, "page down", "a page on"),
    binding(&[Key::PageUp], Action::PageUp, "page up", "a page back"),
    binding(&[Key::Home], Action::First, "oldest", "the oldest line"),
    binding(&[Key::End], Action::Last, "newest", "the newest line, and stay with it"),
];

const OUTPUT: &[Binding] = &[
    binding(&[Key::Char('/')], Action::Search, "search", "find a text in the output"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('l')], Action::Back, "back", "back to the list"),
    binding(&[Key::Char('n')], Action::SearchNext, "next", "where the text is found next"),
    binding(&[Key::Char('N')], Action::SearchBack, "before", "where it is found before"),
    binding(&[Key::Char('f')], Action::Follow, "follow", "stay with what is printed, or no longer"),
    binding(&[Key::Char('y')], Action::CopyLine, "copy", "the selected line to the clipboard"),
    binding(&[Key::Char('Y')], Action::CopyAll, "copy all", "all that was read to the clipboard"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "a line on"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "a line back"),
    binding(&[Key::PageDown], Action::PageDown, "page down", "a page on"),
    binding(&[Key::PageUp], Action::PageUp, "page up", "a page back"),
    binding(&[Key::Home], Action::First, "top", "the first line that was read"),
    binding(&[Key::End], Action::Last, "end", "the last line, and follow"),
    binding(&[Key::Enter], Action::Confirm, "read again", "read the file again"),
];

const MIGRATIONS: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "statements", "show the statements of the selected file, or hide them"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new; a backfill pauses", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('m')], Action::Back, "back", "back to the rollout"),
    command(&[Key::Char('o')], Action::Judge, "decide", "say in which phase the selected file runs, with a reason", "judge"),
    binding(&[Key::Char('S')], Action::Look(Closer::Split), "split", "what would be written in its place: before and after"),
    binding(
        &[Key::Char('P')],
        Action::Look(Closer::Prove),
        "prove",
        "run it on a copy of the schema, between statements of both versions",
    ),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "the next line"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "the line before"),
    binding(&[Key::Char('y')], Action::CopyLine, "copy", "the selected statement, or all of the file, to the clipboard"),
    binding(&[Key::PageDown], Action::PageDown, "page down", "ten lines on"),
    binding(&[Key::PageUp], Action::PageUp, "page up", "ten lines back"),
    binding(&[Key::Home], Action::First, "first", "the first file"),
    binding(&[Key::End], Action::Last, "last", "the last line"),
];

const SEATS: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "hand over", "to who is selected"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('h')], Action::Back, "back", "back, nothing is done"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "the next one"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "the one before"),
];

const HELP: &[Binding] = &[
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('?'), Key::Char('e'), Key::Enter], Action::Back, "back", "back to the rollout"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "a line on"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "a line back"),
    binding(&[Key::PageDown], Action::PageDown, "page down", "a page on"),
    binding(&[Key::PageUp], Action::PageUp, "page up", "a page back"),
    binding(&[Key::Home], Action::First, "top", "the beginning"),
    binding(&[Key::End], Action::Last, "end", "the end"),
];

const THEMES: &[Binding] = &[
    binding(&[Key::Enter], Action::Confirm, "keep", "keep this theme, here and from now on"),
    command(&[Key::Char(' ')], Action::Hold, "hold", "start nothing new", "hold"),
    binding(&[Key::Esc, Key::Char('q'), Key::Char('T')], Action::Back, "back", "back, with the theme as it was"),
    binding(&[Key::Char('j'), Key::Down], Action::Down, "down", "the next theme"),
    binding(&[Key::Char('k'), Key::Up], Action::Up, "up", "the theme before"),
    binding(&[Key::Home], Action::First, "first", "the first theme"),
    binding(&[Key::End], Action::Last, "last", "the last theme"),
];

/// In every context.
const EVERYWHERE: &[Binding] = &[
    binding(&[Key::Ctrl('l')], Action::Redraw, "redraw", "draw everything anew"),
    binding(&[Key::Ctrl('c')], Action::Interrupt, "what now", "ends nothing: says how to leave and how to hold"),
    binding(&[Key::Ctrl('z')], Action::Suspend, "suspend", "back to the shell; fg comes back; the rollout goes on"),
];

/// The table of a context, as it is where nobody changed it.
#[must_use]
pub fn defaults(context: Context) -> &'static [Binding] {
    match context {
        Context::Rollout => ROLLOUT,
        Context::Confirm => CONFIRM,
        Context::Text => TEXT,
        Context::CommandLine => COMMAND_LINE,
        Context::Filter => FILTER,
        Context::Search => SEARCH,
        Context::Drain => DRAIN,
        Context::Gates => GATES,
        Context::Commands => COMMANDS,
        Context::Output => OUTPUT,
        Context::Migrations => MIGRATIONS,
        Context::Seats => SEATS,
        Context::Help => HELP,
        Context::Themes => THEMES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for context in Context::ALL {
            let keys: Vec<Key> = defaults(context).iter().chain(EVERYWHERE).flat_map(|binding| binding.keys).copied().collect();
            for (at, key) in keys.iter().enumerate() {
                assert!(!keys[at + 1..].contains(key), "{key} twice in {context:?}");
            }
        }
    }

    #[test]
    fn every_place_but_a_text_field_can_hold_and_every_overlay_has_a_way_back() {
        let keys = Keymap::default();
        for context in Context::ALL {
            assert!(defaults(context).iter().any(|binding| binding.action == Action::Back), "{context:?}");
            if !context.is_text() {
                assert_eq!(keys.meaning(context, Key::Char(' ')), Some(Action::Hold), "{context:?}");
            }
        }
    }

    #[test]
    fn letters_are_text_only_in_a_text_field() {
        let keys = Keymap::default();
        assert_eq!(keys.meaning(Context::Text, Key::Char('q')), Some(Action::Type('q')));
        assert_eq!(keys.meaning(Context::Text, Key::Char(' ')), Some(Action::Type(' ')));
        assert_eq!(keys.meaning(Context::Rollout, Key::Char('q')), Some(Action::Quit));
        assert_eq!(keys.meaning(Context::Rollout, Key::Char('z')), Some(Action::Unbound('z')));
    }

    #[test]
    fn multiplexers_prefixes_are_free() {
        for context in Context::ALL {
            for prefix in ['a', 'b'] {
                assert_eq!(Keymap::default().meaning(context, Key::Ctrl(prefix)), None);
            }
        }
    }
}
