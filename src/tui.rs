//! The console. It shows a [`Snapshot`](crate::engine::snapshot::Snapshot) and sends commands; it decides nothing.
//!
//! ```text
//! terminal event ─▶ input ─▶ keymap ─▶ Action ─▶ App::update ─▶ Ask ─▶ this file: socket, file, terminal
//! news of the engine ─▶ App::show ─▶ App::draw: screen ─▶ widgets, then the overlay on top
//! ```
//!
//! One task owns the terminal. Keys and news are taken as they come. A key, and what presses, is drawn at once; figures
//! once a second ([`pace`]). A frame that is under way is never waited for ([`terminal`]): the newest picture is drawn
//! when it is out. Read next: [`app`], then [`screen::rollout`].

pub mod action;
pub mod app;
mod aside;
pub mod beside;
mod came;
pub mod clipboard;
pub mod coach;
pub mod filter;
pub mod input;
pub mod keyboard;
pub mod keymap;
pub mod overlay;
pub mod pace;
pub mod preferences;
mod reading;
pub mod screen;
pub mod setup;
pub mod sight;
mod signals;
pub mod terminal;
pub mod theme;
pub mod widget;

use crate::config::console::{self, Bell};
use crate::engine::client::{Client, News};
use crate::engine::snapshot::{OutcomeView, PhaseState};
use crate::model::{Failure, Printable};
use action::Action;
use app::{App, Ask};
use aside::Aside;
use came::Came;
use clipboard::Copied;
use coach::Guide;
use input::Input;
use keyboard::{Keyboard, Typed};
use pace::Pace;
use preferences::Preferences;
use sight::Question;
use signals::{Signalled, Signals};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use terminal::manners::Manners;
use terminal::{Drawn, Screen};
use theme::Glyphs;
use tokio::sync::watch;
use widget::{Now, Part};

/// For the first snapshot to come, before a picture without one is better than none.
const FIRST: Duration = Duration::from_millis(500);
/// How often a person is called again while one is needed.
const CALL: Duration = Duration::from_secs(300);
/// A stop that was asked for has happened by then, unless nobody would ever wake us: then there is none.
const STOPPED: Duration = Duration::from_millis(200);
/// An engine that hung up on a screen that was asleep is asked once more, if that is noticed so soon after waking.
const WAKING: Duration = Duration::from_secs(5);
/// For connecting again.
const AGAIN: Duration = Duration::from_secs(2);
/// Between two looks whether an output that is followed has grown.
const FOLLOW: Duration = Duration::from_millis(500);
/// A terminal that has not answered anything by then never will: what is drawn counts as seen. Longer than the slowest
/// link takes both ways.
const ANSWERS_WITHIN: Duration = Duration::from_secs(6);
/// Answers that are still on their way when the screen is left would be typed into the shell.
const LAST_ANSWER: Duration = Duration::from_secs(5);
/// Is the terminal able to show a frame at once?
const CAN_SYNCHRONISE: &[u8] = b"\x1b[?2026$p";

/// How the screen was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// ASCII only, whatever the locale says.
    pub ascii: bool,
    /// This screen only watches.
    pub observe: bool,
    /// How much the coach explains.
    pub guide: Guide,
    /// Where the output files of commands are.
    pub rollout_dir: PathBuf,
    /// What the operator likes.
    pub likes: Preferences,
}

/// Why the screen was left.
#[derive(Debug, Clone, PartialEq)]
pub enum Left {
    /// By a person, or a signal: the rollout goes on.
    Quit,
    /// The rollout ended, and was seen to end.
    Ended(OutcomeView),
    /// The engine went away without an end.
    EngineGone,
}

/// Takes the terminal and shows the rollout until a person leaves. Fails where there is no terminal, or it cannot be
/// written to any more; it is given back then too.
pub async fn run(mut client: Client, options: Options) -> Result<Left, Failure> {
    // The first picture is a whole one, unless the engine takes too long for it.
    if let Ok(first) = tokio::time::timeout(FIRST, first_picture(&mut client)).await {
        first?;
    }
    let mut likes = options.likes;
    if options.ascii {
        likes.glyphs = Glyphs::Ascii;
    }
    let part = if options.observe { Part::Observer } else { Part::Driver };
    let variable = |name: &str| std::env::var(name).ok();
    let mut app = App::liking(client.snapshot.clone(), likes, part).guided(options.guide);
    app.sit(client.number);
    let now = Instant::now();
    let mut console = Console {
        app,
        signals: Signals::new()?,
        beside: beside::asked(variable("TMUX").and_then(|_| variable("TMUX_PANE"))),
        screen: Screen::take(Manners::from_environment(variable))?,
        keys: keyboard()?,
        client,
        rollout_dir: options.rollout_dir,
        pace: Pace::new(now),
        sending: Sending::Nothing,
        fresh: true,
        heard: now,
        came: Came::nothing(now),
        aside: Aside::default(),
        shown: now,
        quiet: false,
        woke: None,
        called: None,
        followed: now,
        asked: now,
        gone: false,
    };
    console.ask_the_terminal();
    console.run().await
}

/// Until there is something to show, and this screen is among the people in it.
async fn first_picture(client: &mut Client) -> Result<(), Failure> {
    loop {
        client.first_snapshot().await?;
        if client.number.is_none_or(|number| client.snapshot.rollout.people.at(number).is_some()) {
            return Ok(());
        }
    }
}

struct Console {
    app: App,
    screen: Screen,
    keys: Keyboard,
    signals: Signals,
    client: Client,
    /// Who looks at this same terminal.
    beside: watch::Receiver<Vec<Printable>>,
    rollout_dir: PathBuf,
    pace: Pace,
    sending: Sending,
    /// Is there news that must be shown with the next frame, whatever figures do?
    fresh: bool,
    /// When the engine last said something.
    heard: Instant,
    came: Came,
    aside: Aside,
    /// When the snapshot that is shown came.
    shown: Instant,
    /// Was it said that the engine is silent?
    quiet: bool,
    /// When we were last started again after a stop.
    woke: Option<Instant>,
    /// When a person was last called, while one is needed.
    called: Option<Instant>,
    /// When an output that is followed was last looked at.
    followed: Instant,
    /// When the terminal was first asked for anything.
    asked: Instant,
    gone: bool,
}

/// Is a frame under way?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Frame,
    Nothing,
}

/// What ended the waiting.
enum Woken {
    Key(Option<std::io::Result<Typed>>),
    News(News),
    Signal(Signalled),
    /// The frame is out, after so long.
    Sent(Duration),
    Beside,
    Aside(Option<overlay::Output>),
    Follow,
    Time,
}

impl Console {
    async fn run(&mut self) -> Result<Left, Failure> {
        loop {
            self.listen_for_silence();
            let now = Instant::now();
            if self.sending == Sending::Nothing && self.pace.due(now) <= now {
                self.draw()?;
            }
            match self.wait().await {
                Woken::Key(Some(Ok(typed))) => {
                    if let Some(left) = self.typed(&typed).await? {
                        self.hear_the_last_answer().await;
                        return Ok(left);
                    }
                }
                // The terminal is gone; the rollout is not.
                Woken::Key(Some(Err(_)) | None) | Woken::Signal(Signalled::Leave) => return Ok(self.left()),
                Woken::Signal(Signalled::Continue) => self.wake().await?,
                Woken::News(news) => self.hear(news).await,
                Woken::Sent(took) => {
                    self.sending = Sending::Nothing;
                    self.pace.wrote(took);
                }
                Woken::Beside => {
                    let names = self.beside.borrow_and_update().clone();
                    self.app.beside(names);
                    self.pace.press();
                }
                Woken::Aside(said) => {
                    said.into_iter().for_each(|output| self.app.read(output));
                    self.pace.press();
                }
                Woken::Follow => self.follow().await,
                Woken::Time => {}
            }
        }
    }

    /// Keys first: whatever else there is, they are not waited for.
    async fn wait(&mut self) -> Woken {
        let now = Instant::now();
        let silence = self.heard + Now::QUIET;
        let due = if self.quiet || self.gone { self.pace.due(now) } else { self.pace.due(now).min(silence) };
        tokio::select! {
            biased;
            key = self.keys.next() => Woken::Key(key),
            signal = self.signals.any() => Woken::Signal(signal),
            news = self.client.news(), if !self.gone => Woken::News(news),
            took = self.screen.idle(), if self.sending == Sending::Frame => Woken::Sent(took),
            Ok(()) = self.beside.changed() => Woken::Beside,
            said = self.aside.said(), if self.aside.is_busy() => Woken::Aside(said),
            () = tokio::time::sleep_until((self.followed + FOLLOW).into()), if self.app.follows().is_some() => Woken::Follow,
            () = tokio::time::sleep_until(due.into()), if self.sending == Sending::Nothing => Woken::Time,
        }
    }

    fn left(&self) -> Left {
        match (&self.client.snapshot.rollout.outcome, self.gone && !self.app.was_hung_up_on()) {
            (Some(outcome), _) => Left::Ended(outcome.clone()),
            (None, true) => Left::EngineGone,
            (None, false) => Left::Quit,
        }
    }

    async fn hear(&mut self, news: News) {
        self.heard = Instant::now();
        self.came.look(&self.client.snapshot, self.heard);
        if self.quiet {
            self.quiet = false;
            self.pace.press();
        }
        match news {
            News::Snapshot if pace::presses(&self.app.shown, &self.client.snapshot) => self.show_now(),
            News::Snapshot => {}
            News::Answer { id, refused } => {
                self.app.answered(id, refused);
                self.show_now();
            }
            News::Gone if self.woke.take().is_some_and(|woke| woke.elapsed() < WAKING) && self.attach_again().await => {}
            News::Gone => {
                self.gone = true;
                // What came before the end is still shown.
                self.app.show(&self.client.snapshot);
                self.app.gone();
                self.show_now();
            }
        }
    }

    fn show_now(&mut self) {
        self.fresh = true;
        self.pace.press();
    }

    /// The engine hangs up on a screen that reads nothing; one that was stopped comes back by itself.
    async fn attach_again(&mut self) -> bool {
        let Ok(Ok(client)) = tokio::time::timeout(AGAIN, self.client.again()).await else { return false };
        self.app.sit(client.number);
        self.app.attached_again();
        self.client = client;
        self.show_now();
        true
    }

    /// An engine that hangs closes nothing: it is only silent.
    fn listen_for_silence(&mut self) {
        if !self.quiet && !self.gone && self.heard.elapsed() >= Now::QUIET {
            self.quiet = true;
            self.pace.press();
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        if self.fresh || self.pace.shows_figures(now) {
            self.fresh = false;
            self.shown = self.came.at;
            self.app.show(&self.client.snapshot);
        }
        let wall = jiff::Zoned::now();
        let into_second = Duration::from_nanos(u64::try_from(wall.subsec_nanosecond()).unwrap_or(0));
        let time = Now { wall, since_news: self.heard.elapsed(), since_snapshot: self.shown.elapsed() };
        self.screen.title(self.title());
        self.call();
        if !self.app.knows_its_terminal() && self.asked.elapsed() > ANSWERS_WITHIN {
            self.app.waited_for_its_terminal();
        }
        if let Question::Ask(column) = self.app.sends_picture() {
            // Not in the first row: there the answer could be a key.
            self.screen.ask(format!("\x1b[2;{column}H\x1b[6n").as_bytes());
        }
        let drawn = self.screen.draw(|area, buffer| self.app.draw(&time, area, buffer))?;
        self.pace.drawn(now, into_second);
        if drawn == Drawn::Sent {
            self.sending = Sending::Frame;
        }
        Ok(())
    }

    /// For the window's title and for whoever is called: the pool, and where it stands.
    fn title(&self) -> String {
        let rollout = &self.app.shown.rollout;
        let now = self.app.shown.phases.iter().find(|phase| matches!(phase.state, PhaseState::Now | PhaseState::Failed));
        let stands = match (&rollout.outcome, now) {
            (Some(_), _) => "over".to_owned(),
            (None, _) if self.gone => "no engine".to_owned(),
            (None, _) if rollout.needs_person => "waits for you".to_owned(),
            (None, Some(phase)) => phase.name.to_string(),
            (None, None) => "running".to_owned(),
        };
        format!("{}: {stands}", rollout.pool)
    }

    fn call(&mut self) {
        if !self.app.shown.rollout.needs_person || self.gone {
            self.called = None;
        } else if self.called.is_none_or(|called| called.elapsed() >= CALL) {
            self.called = Some(Instant::now());
            match self.app.likes().bell {
                Bell::Rings => self.screen.call(&self.title()),
                Bell::Silent => {}
            }
        }
    }

    /// From here on it is asked after each picture whether it is there.
    fn ask_the_terminal(&mut self) {
        self.app.asks_its_terminal();
        self.asked = Instant::now();
        self.screen.say(CAN_SYNCHRONISE);
    }

    /// What is on its way from the terminal is no key of the shell that gets it back.
    async fn hear_the_last_answer(&mut self) {
        let answers = async {
            while self.app.waits_for_its_terminal() {
                match self.keys.next().await {
                    Some(Ok(Typed::Cursor(column))) => self.app.sees(column),
                    Some(Ok(Typed::Event(_) | Typed::Synchronised(_))) => {}
                    Some(Err(_)) | None => break,
                }
            }
        };
        let _ = tokio::time::timeout(LAST_ANSWER, answers).await;
    }

    async fn typed(&mut self, typed: &Typed) -> Result<Option<Left>, Failure> {
        match typed {
            Typed::Event(event) => return self.key(event).await,
            Typed::Cursor(column) => self.app.sees(*column),
            Typed::Synchronised(answer) => self.screen.synchronise(*answer),
        }
        Ok(None)
    }

    async fn key(&mut self, event: &ratatui::crossterm::event::Event) -> Result<Option<Left>, Failure> {
        let Some(input) = input::translate(event, self.app.context(), self.app.keys()) else { return Ok(None) };
        self.pace.press();
        match input {
            Input::Resized => {}
            Input::Pasted => self.app.pasted(),
            Input::Action(action) => return self.act(action).await,
        }
        Ok(None)
    }

    async fn act(&mut self, action: Action) -> Result<Option<Left>, Failure> {
        match self.app.update(action) {
            Ask::Nothing => {}
            Ask::Send { prompt, command } => match self.client.send(Some(prompt), command).await {
                Ok(id) => self.app.sent(id),
                Err(_) => self.hear(News::Gone).await,
            },
            Ask::Read(path) => {
                self.followed = Instant::now();
                let output = reading::end(&self.rollout_dir, path).await;
                self.app.read(output);
            }
            Ask::Work(words) => self.aside.start(words),
            Ask::KeepTheme(name) => {
                let nowhere = || Failure::new("there is no config directory: HOME is not set");
                let file = self.app.likes().file.clone().ok_or_else(nowhere);
                self.app.kept(file.and_then(|file| console::keep_theme(&file, &name)));
            }
            Ask::Copy(text) => self.copy(&text).await,
            Ask::Redraw => self.screen.redraw(),
            Ask::Suspend => self.suspend().await?,
            Ask::Leave => return Ok(Some(self.left())),
        }
        Ok(None)
    }

    /// Reads an output that is followed again, if there is more of it.
    async fn follow(&mut self) {
        self.followed = Instant::now();
        let Some((path, length)) = self.app.follows().map(|(path, length)| (path.to_owned(), length)) else { return };
        let now = tokio::fs::metadata(self.rollout_dir.join(&path)).await.map_or(length, |data| data.len());
        if now != length {
            let output = reading::end(&self.rollout_dir, path).await;
            self.app.read(output);
            self.pace.press();
        }
    }

    async fn copy(&mut self, text: &str) {
        let fitting = clipboard::fitting(text);
        let told = match clipboard::copy(fitting, |name| std::env::var(name).ok()).await {
            Ok(Copied::Send(bytes)) => {
                self.screen.say(&bytes);
                Ok((fitting.len(), text.len()))
            }
            Ok(Copied::Done) => Ok((fitting.len(), text.len())),
            Err(why) => Err(why),
        };
        self.app.copied(told);
    }

    /// Back to the shell that started us, until it says `fg`. Only this process stops: the engine is another one.
    async fn suspend(&mut self) -> Result<(), Failure> {
        self.hear_the_last_answer().await;
        terminal::give_back();
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        // Which thread takes the signal, and when, the system decides: until it is over nothing may touch the terminal.
        let _ = tokio::time::timeout(STOPPED, self.signals.woken.recv()).await;
        self.wake().await?;
        stopped.map_err(|error| Failure::new(format!("cannot stop this process: {error}")))
    }

    /// Started again after a stop, whoever asked for it: the shell has had the terminal.
    async fn wake(&mut self) -> Result<(), Failure> {
        self.screen.enter()?;
        self.ask_the_terminal();
        self.sending = Sending::Nothing;
        self.heard = Instant::now();
        self.woke = Some(self.heard);
        if self.gone && self.attach_again().await {
            self.gone = false;
        }
        self.show_now();
        Ok(())
    }
}

fn keyboard() -> Result<Keyboard, Failure> {
    Keyboard::new().map_err(|error| Failure::new(format!("the keyboard cannot be read: {error}")))
}
