//! What the screen knows, and what an action does to it. It asks for things ([`Ask`]) and does none itself: no clock, no
//! terminal, no socket.
//!
//! A key means what the screen said when it was pressed. So everything here looks at the snapshot that was drawn last,
//! not at the one that came last, and each command carries the number of the prompt in it. What keys mean in an overlay
//! is in [`super::overlay::update`].

mod heard;
mod look;
mod people;
mod seen;
mod select;

use seen::Before;

use super::action::Action;
use super::coach::{self, Arrival, Guide, Pane};
use super::filter::Filter;
use super::keymap::{Context, Keymap};
use super::overlay::{CommandLine, Explain, Help, Log, Migrations, Overlay, Plan, Purpose, TextField, Themes};
use super::preferences::Preferences;
use super::screen;
use super::sight::Sight;
use super::theme::{Role, Theme};
use super::widget::{
    Engine, Notice, Now, Part, View, half,
    prompt::{engine_gone_text, hung_up_text},
    scale::Scales,
};
use crate::engine::snapshot::{ServerView, Snapshot};
use crate::model::{Half, Printable, ServerName};
use crate::rollout::people::ScreenNumber;
use crate::rollout::{Command, ContractWhen};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What the screen wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Nothing,
    /// Send this, with the number of the prompt that was shown; then tell [`App::sent`].
    Send {
        prompt: u64,
        command: Command,
    },
    /// Read the end of that file, under the rollout's directory; then tell [`App::read`].
    Read(String),
    /// Run this program with these words; then tell [`App::read`] what it said.
    Work(Vec<String>),
    /// Take this to the clipboard; then tell [`App::copied`].
    Copy(String),
    /// Draw everything anew.
    Redraw,
    /// Write that theme into the operator's file; then tell [`App::kept`].
    KeepTheme(String),
    /// Back to the shell until `fg`.
    Suspend,
    /// Give the terminal back and go.
    Leave,
}

/// A command that the engine has not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Awaited {
    id: Option<u64>,
    prompt: u64,
    command: Command,
    answered: bool,
}

/// The state of the screen.
#[derive(Debug)]
pub struct App {
    /// As it was drawn last.
    pub(super) shown: Snapshot,
    theme: Theme,
    pub(super) likes: Preferences,
    part: Part,
    /// This screen's number at the engine.
    seat: Option<ScreenNumber>,
    /// Who looks at this same screen through tmux.
    beside: Vec<Printable>,
    pub(super) engine: Engine,
    hung_up: Option<Printable>,
    pub(super) overlays: Vec<Overlay>,
    pub(super) selected: Option<ServerName>,
    pub(super) filter: Filter,
    /// Lines of the command line, oldest first.
    pub(super) typed: Vec<String>,
    notice: Option<Notice>,
    scales: Scales,
    awaited: Vec<Awaited>,
    guide: Guide,
    /// Why this screen is here, once a whole picture was shown.
    arrival: Option<Arrival>,
    sight: Sight,
    /// Goes up whenever what lies over the screen changes.
    turn: u64,
    /// What the key that is at work was pressed on.
    pressed_on: Before,
    /// The size of the last picture.
    pub(super) size: (u16, u16),
}

impl App {
    /// A screen over the first snapshot, with the keys as they are where nobody changed them.
    #[must_use]
    pub fn new(snapshot: Snapshot, theme: Theme, part: Part) -> App {
        let likes = Preferences::plain(theme.colours(), theme.glyphs());
        App { theme, ..App::liking(snapshot, likes, part) }
    }

    /// A screen over the first snapshot, as its operator likes it.
    #[must_use]
    pub fn liking(snapshot: Snapshot, likes: Preferences, part: Part) -> App {
        let mut scales = Scales::default();
        scales.follow(&snapshot);
        App {
            shown: snapshot,
            theme: likes.theme(),
            likes,
            part,
            seat: None,
            beside: Vec::new(),
            engine: Engine::There,
            hung_up: None,
            overlays: Vec::new(),
            selected: None,
            filter: Filter::default(),
            typed: Vec::new(),
            notice: None,
            scales,
            awaited: Vec::new(),
            guide: Guide::Off,
            arrival: None,
            sight: Sight::trusted(),
            turn: 0,
            pressed_on: Before::This,
            size: (80, 24),
        }
    }

    /// The engine knows this screen under that number; whether it drives is in each snapshot from now on.
    pub fn sit(&mut self, seat: Option<ScreenNumber>) {
        self.seat = seat;
    }

    /// Who looks at this same screen through tmux.
    pub fn beside(&mut self, names: Vec<Printable>) {
        self.beside = names;
    }

    /// Does this screen drive, as far as was shown?
    #[must_use]
    pub fn part(&self) -> Part {
        match self.seat {
            Some(seat) if self.shown.rollout.people.driver == Some(seat) => Part::Driver,
            Some(_) => Part::Observer,
            None => self.part,
        }
    }

    /// With the coach's pane.
    #[must_use]
    pub fn guided(self, guide: Guide) -> App {
        App { guide, ..self }
    }

    /// From now on it looks like that.
    pub fn wear(&mut self, theme: Theme) {
        self.theme = theme;
    }

    /// Takes a newer snapshot, which will be drawn next. From here on keys mean what it says.
    pub fn show(&mut self, snapshot: &Snapshot) {
        let before = self.part();
        // What was not answered yet is waited for over any number of prompts: its refusal must still be said.
        self.awaited.retain(|awaited| !awaited.answered);
        self.shown.clone_from(snapshot);
        self.tell_part(before);
        if self.arrival.is_none() && !snapshot.phases.is_empty() {
            self.arrival = Some(coach::arrival(snapshot));
        }
        self.scales.follow(snapshot);
        if self.selected.as_ref().is_some_and(|name| self.server(name).is_none()) {
            self.selected = None;
        }
    }

    /// Shows and selects only servers in whose name, version or state this occurs; all of them for an empty text.
    pub fn filter(&mut self, text: String) {
        self.filter = Filter::new(&text);
        let shown = |name: &ServerName| {
            Half::BOTH.iter().any(|half| half::members(&self.shown, &self.filter, *half).any(|server| server.name == *name))
        };
        if self.selected.as_ref().is_some_and(|name| !shown(name)) {
            self.selected = None;
        }
    }

    /// The table in which the next key is looked up.
    #[must_use]
    pub fn context(&self) -> Context {
        self.overlays.last().map_or(Context::Rollout, Overlay::context)
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> &Keymap {
        &self.likes.keys
    }

    /// Draws the picture.
    pub fn draw(&mut self, now: &Now, area: Rect, buffer: &mut Buffer) {
        self.size = (area.width, area.height);
        self.looked_at(now, |view| {
            if screen::is_too_small(self.size) {
                screen::draw_too_small(view, area, buffer);
                return;
            }
            screen::rollout::draw(view, self.context(), area, buffer);
            if let Some((top, below)) = self.overlays.split_last() {
                if let Some(below) = below.last().filter(|_| top.shows_below()) {
                    below.draw(view, area, buffer);
                }
                top.draw(view, area, buffer);
            }
        });
        self.theme.finish(buffer);
    }

    /// Does something with what a widget may look at.
    pub(super) fn looked_at<T>(&self, now: &Now, look: impl FnOnce(&View) -> T) -> T {
        look(&View {
            snapshot: &self.shown,
            theme: self.theme,
            keys: &self.likes.keys,
            now,
            engine: self.engine,
            hung_up: self.hung_up.as_ref(),
            part: self.part(),
            seat: self.seat,
            beside: &self.beside,
            selected: self.selected.as_ref(),
            filter: &self.filter,
            notice: self.notice.as_ref(),
            coach: Pane { guide: self.guide, arrival: self.arrival.unwrap_or(Arrival::Began) },
            scales: self.scales,
        })
    }

    /// What an action does.
    pub fn update(&mut self, action: Action) -> Ask {
        self.notice = None;
        self.pressed_on = self.before();
        match action {
            Action::Redraw => Ask::Redraw,
            Action::Suspend => Ask::Suspend,
            Action::Interrupt => {
                let (leave, hold) = (self.keys().said(Action::Quit), self.keys().said(Action::Hold));
                self.say(format!("Ctrl-C ends nothing here: {leave} leaves the screen, {hold} holds the rollout"))
            }
            Action::Hold => self.command(Command::Hold),
            Action::Unbound(c) => {
                let help = self.keys().said(Action::Help);
                self.say(format!("{c} means nothing here: {help} shows the keys"))
            }
            action if !self.overlays.is_empty() => self.update_overlay(action),
            action => self.act(action),
        }
    }

    /// What an action does on the rollout, whatever lies over it.
    pub(super) fn act(&mut self, action: Action) -> Ask {
        match action {
            Action::Go => self.go(),
            Action::Automatic => self.confirm(Command::Automatic),
            Action::RollBack => self.confirm(Command::RollBack),
            Action::SkipBake => self.confirm(Command::SkipBake),
            Action::SwitchAgain => self.confirm(Command::SwitchAgain),
            Action::Hold => self.command(Command::Hold),
            Action::Retry => self.on_server("retry", |app, name| app.command(Command::Retry(name))),
            Action::Exclude => self.exclude(),
            Action::Drain => self.drain(),
            Action::ContractLater => self.contract_later(),
            Action::Note => self.ask_for("note", Purpose::Note),
            Action::HandOver => self.hand_over(),
            Action::Approve => self.say("nothing waits for a second person: who drives decides alone"),
            Action::CommandLine => self.open(Overlay::CommandLine(CommandLine::new(self.shown.prompt.number, self.names()))),
            Action::Filter => {
                let field = TextField::new(Purpose::Filter(self.filter.clone()), self.shown.prompt.number);
                self.open(Overlay::Text(TextField { text: self.filter.text().to_string(), ..field }))
            }
            Action::Gates => self.open(Overlay::Plan(Plan::default())),
            Action::Commands => self.open(Overlay::Log(Log::default())),
            Action::Migrations => self.open(Overlay::Migrations(Migrations::default())),
            Action::Help => self.open(Overlay::Help(Help::default())),
            Action::Coach => self.toggle_coach(),
            Action::Explain => self.open(Overlay::Explain(Explain::default())),
            Action::Themes => self.open(Overlay::Themes(Themes::new(self.likes.looks(), self.likes.chosen()))),
            Action::Quit => Ask::Leave,
            Action::Up => self.select(-1),
            Action::Down => self.select(1),
            Action::PageUp => self.select(-10),
            Action::PageDown => self.select(10),
            Action::First => self.select(isize::MIN),
            Action::Last => self.select(isize::MAX),
            Action::OtherHalf => self.select_other_half(),
            Action::Redraw
            | Action::Suspend
            | Action::Interrupt
            | Action::Unbound(_)
            | Action::Judge
            | Action::Look(_)
            | Action::Search
            | Action::SearchNext
            | Action::SearchBack
            | Action::Follow
            | Action::CopyLine
            | Action::CopyAll
            | Action::Complete
            | Action::Back
            | Action::Confirm
            | Action::Choose(_)
            | Action::Type(_)
            | Action::Rub
            | Action::RubAll => Ask::Nothing,
        }
    }

    /// Why a command of that word cannot be given now.
    #[must_use]
    pub fn refusal(&self, word: &str) -> Option<String> {
        if let Some(why) = self.silence() {
            Some(why)
        } else if let Some(seat) = self.seat
            && self.shown.rollout.people.refusal(Some(seat), &Command::Go).is_some()
        {
            Some(self.drives_not())
        } else if self.part() == Part::Observer {
            Some("this screen only watches: attach without --observe to drive".to_owned())
        } else {
            self.shown.prompt.refused.get(word).map(ToString::to_string)
        }
    }

    /// Why the engine takes no command from anybody.
    fn silence(&self) -> Option<String> {
        if self.shown.rollout.outcome.is_some() {
            Some(format!("the rollout is over: {} leaves", self.keys().said(Action::Quit)))
        } else if self.engine == Engine::Gone {
            Some(match &self.hung_up {
                Some(why) => hung_up_text(why, self.keys()),
                None => engine_gone_text(self.keys()),
            })
        } else {
            None
        }
    }

    /// Why this command would be refused: who may drive is asked about those that change it.
    fn refusal_of(&self, command: &Command) -> Option<String> {
        if matches!(command, Command::HandOver(_) | Command::TakeOver { .. }) {
            return self.silence().or_else(|| self.shown.rollout.people.refusal(self.seat, command));
        }
        self.refusal(command.word())
    }

    /// Did the rollout end, as far as was shown?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shown.rollout.outcome.is_some()
    }

    /// How many overlays lie over the screen.
    #[must_use]
    pub fn overlays_open(&self) -> usize {
        self.overlays.len()
    }

    pub(super) fn server(&self, name: &ServerName) -> Option<&ServerView> {
        self.shown.servers.iter().find(|server| server.name == *name)
    }

    /// Gives a command to the engine, unless it would be refused, or one is under way that was not answered yet.
    pub(super) fn command(&mut self, command: Command) -> Ask {
        if let Some(why) = self.refusal_of(&command) {
            return self.refuse(command.word(), why);
        }
        if screen::is_too_small(self.size) && command != Command::Hold {
            return Ask::Nothing;
        }
        let urgent = matches!(command, Command::Hold | Command::RollBack);
        let number = self.shown.prompt.number;
        if self.awaited.iter().any(|awaited| awaited.prompt == number) && !urgent {
            return Ask::Nothing;
        }
        if !self.was_pressed_on_it(&command) {
            return self.say("that key came before this picture was on your screen: look, then press it again");
        }
        let prompt = self.shown.prompt.number;
        self.awaited.push(Awaited { id: None, prompt, command: command.clone(), answered: false });
        self.tell(Role::Dim, format!("{} …", command.word()));
        Ask::Send { prompt, command }
    }

    pub(super) fn say(&mut self, text: impl AsRef<str>) -> Ask {
        self.tell(Role::Warning, text);
        Ask::Nothing
    }

    pub(super) fn refuse(&mut self, word: &str, why: String) -> Ask {
        self.tell(Role::Warning, format!("no {word}: {why}"));
        Ask::Nothing
    }

    pub(super) fn tell(&mut self, role: Role, text: impl AsRef<str>) {
        self.notice = Some(Notice { text: Printable::new(text.as_ref()), role });
    }

    pub(super) fn open(&mut self, overlay: Overlay) -> Ask {
        if !screen::is_too_small(self.size) {
            self.overlays.push(overlay);
            self.turned();
        }
        Ask::Nothing
    }

    pub(super) fn close(&mut self) {
        if self.overlays.pop().is_some() {
            self.turned();
        }
    }

    fn go(&mut self) -> Ask {
        if self.is_over() {
            return Ask::Leave;
        }
        if let Some(word) = self.shown.prompt.typed_word.clone() {
            return self.ask_for("contract", Purpose::Contract(word));
        }
        if self.refusal("go").is_none() && self.shown.prompt.enter.is_empty() {
            let waiting = self.shown.prompt.waiting_for.as_ref();
            let why = waiting.map_or("nothing to decide".to_owned(), |waiting| format!("waiting for {waiting}"));
            return self.say(format!("Enter does nothing now: {why}"));
        }
        self.command(Command::Go)
    }

    fn toggle_coach(&mut self) -> Ask {
        self.guide = match self.guide {
            Guide::Off => Guide::On,
            Guide::On => Guide::Off,
            Guide::Tour => Guide::Rested,
            Guide::Rested => Guide::Tour,
        };
        match self.guide {
            Guide::Off | Guide::Rested => {
                let [back, once] = [Action::Coach, Action::Explain].map(|action| self.keys().said(action));
                self.say(format!("the coach is off: {back} brings it back, {once} explains this moment once"))
            }
            Guide::On | Guide::Tour => Ask::Nothing,
        }
    }

    fn contract_later(&mut self) -> Ask {
        if self.refusal("contract").is_none() && self.shown.prompt.typed_word.is_none() {
            return self.say("nothing to leave for later now: the contract migrations are not next");
        }
        self.confirm(Command::Contract(ContractWhen::Later))
    }
}
