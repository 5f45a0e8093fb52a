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
pub mod beside;
pub mod coach;
pub mod input;
pub mod keymap;
pub mod overlay;
pub mod pace;
pub mod preferences;
pub mod screen;
pub mod terminal;
pub mod theme;
pub mod widget;

use crate::config::console::{self, Bell};
use crate::engine::client::{Client, News};
use crate::engine::snapshot::{OutcomeView, PhaseState, Snapshot};
use crate::model::{Failure, Printable};
use action::Action;
use app::{App, Ask};
use coach::Guide;
use futures_util::StreamExt;
use input::Input;
use overlay::{Output, output::Cut};
use pace::Pace;
use preferences::Preferences;
use ratatui::crossterm::event::EventStream;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};
use terminal::manners::Manners;
use terminal::{Drawn, Screen};
use theme::Glyphs;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use widget::{Now, Part};

/// How often a person is called again while one is needed.
const CALL: Duration = Duration::from_secs(300);
/// A stop that was asked for has happened by then, unless nobody would ever wake us: then there is none.
const STOPPED: Duration = Duration::from_millis(200);
/// An engine that hung up on a screen that was asleep is asked once more, if that is noticed so soon after waking.
const WAKING: Duration = Duration::from_secs(5);
/// For connecting again.
const AGAIN: Duration = Duration::from_secs(2);
/// Of an output file this much is read, from its end: a command may flood it.
const MOST_OUTPUT: u64 = 256 << 10;

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
pub async fn run(client: Client, options: Options) -> Result<Left, Failure> {
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
        keys: EventStream::new(),
        client,
        rollout_dir: options.rollout_dir,
        pace: Pace::new(now),
        sending: Sending::Nothing,
        fresh: true,
        heard: now,
        came: Came { stamp: 0.0, at: now },
        shown: now,
        quiet: false,
        woke: None,
        called: None,
        gone: false,
    };
    console.run().await
}

struct Console {
    app: App,
    screen: Screen,
    keys: EventStream,
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
    /// When the snapshot that is shown came.
    shown: Instant,
    /// Was it said that the engine is silent?
    quiet: bool,
    /// When we were last started again after a stop.
    woke: Option<Instant>,
    /// When a person was last called, while one is needed.
    called: Option<Instant>,
    gone: bool,
}

/// Is a frame under way?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Frame,
    Nothing,
}

/// When the newest snapshot came: known by the engine's own clock in it, as a sign of life looks like one with nothing new.
struct Came {
    stamp: f64,
    at: Instant,
}

impl Came {
    fn look(&mut self, snapshot: &Snapshot, now: Instant) {
        if self.stamp.to_bits() != snapshot.rollout.since_start_ms.to_bits() {
            *self = Came { stamp: snapshot.rollout.since_start_ms, at: now };
        }
    }
}

/// What ended the waiting.
enum Woken {
    Key(Option<std::io::Result<ratatui::crossterm::event::Event>>),
    News(News),
    Signal(Signalled),
    /// The frame is out, after so long.
    Sent(Duration),
    Beside,
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
                Woken::Key(Some(Ok(event))) => {
                    if let Some(left) = self.key(&event).await? {
                        return Ok(left);
                    }
                }
                // The terminal is gone; the rollout is not.
                Woken::Key(Some(Err(_)) | None) | Woken::Signal(Signalled::Leave) => return Ok(self.left()),
                Woken::Signal(Signalled::Continue) => self.wake()?,
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
                let output = read_end(&self.rollout_dir, path).await;
                self.app.read(output);
            }
            Ask::KeepTheme(name) => {
                let nowhere = || Failure::new("there is no config directory: HOME is not set");
                let file = self.app.likes().file.clone().ok_or_else(nowhere);
                self.app.kept(file.and_then(|file| console::keep_theme(&file, &name)));
            }
            Ask::Redraw => self.screen.redraw(),
            Ask::Suspend => self.suspend().await?,
            Ask::Leave => return Ok(Some(self.left())),
        }
        Ok(None)
    }

    /// Back to the shell that started us, until it says `fg`. Only this process stops: the engine is another one.
    async fn suspend(&mut self) -> Result<(), Failure> {
        terminal::give_back();
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        // Which thread takes the signal, and when, the system decides: until it is over nothing may touch the terminal.
        let _ = tokio::time::timeout(STOPPED, self.signals.woken.recv()).await;
        self.wake()?;
        stopped.map_err(|error| Failure::new(format!("cannot stop this process: {error}")))
    }

    /// Started again after a stop, whoever asked for it: the shell has had the terminal.
    fn wake(&mut self) -> Result<(), Failure> {
        self.screen.enter()?;
        self.keys = EventStream::new();
        self.sending = Sending::Nothing;
        self.heard = Instant::now();
        self.woke = Some(self.heard);
        self.show_now();
        Ok(())
    }
}

/// What a signal means to a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signalled {
    /// Go away.
    Leave,
    /// Started again after a stop.
    Continue,
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    woken: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Failure> {
        let of = |kind| signal(kind).map_err(|error| Failure::new(format!("cannot wait for signals: {error}")));
        Ok(Signals {
            hangup: of(SignalKind::hangup())?,
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            quit: of(SignalKind::quit())?,
            woken: of(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    async fn any(&mut self) -> Signalled {
        tokio::select! {
            _ = self.hangup.recv() => Signalled::Leave,
            _ = self.terminate.recv() => Signalled::Leave,
            _ = self.interrupt.recv() => Signalled::Leave,
            _ = self.quit.recv() => Signalled::Leave,
            _ = self.woken.recv() => Signalled::Continue,
        }
    }
}

/// The end of an output file, made safe to show. A path that leads out of the rollout's directory is not read.
async fn read_end(directory: &Path, path: String) -> Output {
    let inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
    let read = if inside { tail(&directory.join(&path)).await } else { Err(std::io::ErrorKind::InvalidInput.into()) };
    match read {
        Ok((text, cut)) => Output { path, lines: Ok(Printable::lines(&text).collect()), cut, up: 0 },
        Err(error) => {
            let why = format!("{} cannot be read: {error}", directory.join(&path).display());
            Output { path, lines: Err(Printable::new(&why)), cut: Cut::Whole, up: 0 }
        }
    }
}

async fn tail(path: &Path) -> std::io::Result<(String, Cut)> {
    let mut file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let from = length.saturating_sub(MOST_OUTPUT);
    file.seek(std::io::SeekFrom::Start(from)).await?;
    let mut bytes = Vec::new();
    file.take(MOST_OUTPUT).read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if from == 0 {
        return Ok((text, Cut::Whole));
    }
    // The first line is most likely a piece of one.
    let whole_lines = text.split_once('\n').map_or_else(String::new, |(_, rest)| rest.to_owned());
    Ok((whole_lines, Cut::OnlyTheEnd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_output_outside_the_rollout_is_not_read() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("secret"), "x").expect("written");
        let inner = directory.path().join("rollout");
        std::fs::create_dir(&inner).expect("made");
        for path in ["../secret", "/etc/hostname", "output/../../secret"] {
            assert!(read_end(&inner, path.to_owned()).await.lines.is_err(), "{path}");
        }
    }

    #[tokio::test]
    async fn a_flooded_output_shows_its_end_and_is_safe() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut text = "line of a flood\n".repeat(100_000);
        text.push_str("\x1b[2Jlast");
        std::fs::write(directory.path().join("out.log"), &text).expect("written");
        let output = read_end(directory.path(), "out.log".to_owned()).await;
        let lines = output.lines.expect("read");
        assert_eq!(output.cut, Cut::OnlyTheEnd);
        assert!(lines.len() * 16 <= 256 << 10);
        assert_eq!(lines.last().map(Printable::as_str), Some("␛[2Jlast"));
        assert_eq!(lines[0].as_str(), "line of a flood");
    }
}
