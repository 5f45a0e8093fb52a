//! The console. It shows a [`Snapshot`](crate::engine::snapshot::Snapshot) and sends commands; it decides nothing.
//!
//! ```text
//! terminal event ─▶ input ─▶ keymap ─▶ Action ─▶ App::update ─▶ Ask ─▶ this file: socket, file, terminal
//! news of the engine ─▶ App::show ─▶ App::draw: screen ─▶ widgets, then the overlay on top
//! ```
//!
//! One task owns the terminal. Keys and news are taken as they come; frames are drawn after them, not on a clock, and no
//! more often than a link bears. Read next: [`app`], then [`screen::rollout`].

pub mod action;
pub mod app;
pub mod coach;
pub mod input;
pub mod keymap;
pub mod overlay;
pub mod screen;
pub mod terminal;
pub mod theme;
pub mod widget;

use crate::engine::client::{Client, News};
use crate::engine::snapshot::OutcomeView;
use crate::model::{Failure, Printable};
use action::Action;
use app::{App, Ask};
use coach::Guide;
use futures_util::StreamExt;
use input::Input;
use overlay::{Output, output::Cut};
use ratatui::crossterm::event::EventStream;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use terminal::Screen;
use theme::{Glyphs, Theme};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};
use widget::{Now, Part};

/// Between frames on this machine: ten a second are as many as anybody reads.
const FRAME_HERE: Duration = Duration::from_millis(100);
/// Between frames through ssh: four a second of a kilobyte or two do not fill a slow link.
const FRAME_AWAY: Duration = Duration::from_millis(250);
/// The clock in the header shows seconds.
const CLOCK: Duration = Duration::from_secs(1);
/// How often the bell is rung again while a person is needed.
const BELL: Duration = Duration::from_secs(300);
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
    let mut theme = Theme::from_environment(|name| std::env::var(name).ok());
    if options.ascii {
        theme.glyphs = Glyphs::Ascii;
    }
    let part = if options.observe { Part::Observer } else { Part::Driver };
    let over_ssh = std::env::var_os("SSH_CONNECTION").is_some();
    let mut signals = Signals::new()?;
    let mut console = Console {
        app: seated(App::new(client.snapshot.clone(), theme, part).guided(options.guide), &client),
        screen: Screen::take()?,
        keys: EventStream::new(),
        client,
        rollout_dir: options.rollout_dir,
        frame: if over_ssh { FRAME_AWAY } else { FRAME_HERE },
        drawn: None,
        changed: true,
        news: Instant::now(),
        rung: None,
        gone: false,
    };
    console.run(&mut signals).await
}

fn seated(mut app: App, client: &Client) -> App {
    app.sit(client.number);
    app
}

struct Console {
    app: App,
    screen: Screen,
    keys: EventStream,
    client: Client,
    rollout_dir: PathBuf,
    /// The least time between two frames.
    frame: Duration,
    drawn: Option<Instant>,
    /// Is there something to draw?
    changed: bool,
    /// When the engine last said something.
    news: Instant,
    /// When the bell was last rung, while a person is needed.
    rung: Option<Instant>,
    gone: bool,
}

/// What ended the waiting.
enum Woken {
    Key(Option<std::io::Result<ratatui::crossterm::event::Event>>),
    News(News),
    Signal,
    Time,
}

impl Console {
    async fn run(&mut self, signals: &mut Signals) -> Result<Left, Failure> {
        loop {
            let draw_at = match self.drawn {
                None => Instant::now(),
                Some(drawn) if self.changed => drawn + self.frame,
                Some(drawn) => drawn + CLOCK,
            };
            let woken = tokio::select! {
                key = self.keys.next() => Woken::Key(key),
                news = self.client.news(), if !self.gone => Woken::News(news),
                () = signals.any() => Woken::Signal,
                () = sleep_until(draw_at) => Woken::Time,
            };
            match woken {
                Woken::Key(Some(Ok(event))) => {
                    if let Some(left) = self.key(&event).await? {
                        return Ok(left);
                    }
                }
                // The terminal is gone; the rollout is not.
                Woken::Key(Some(Err(_)) | None) | Woken::Signal => return Ok(self.left()),
                Woken::News(news) => self.hear(news),
                Woken::Time => self.draw()?,
            }
        }
    }

    fn left(&self) -> Left {
        match (&self.client.snapshot.rollout.outcome, self.gone && !self.app.was_hung_up_on()) {
            (Some(outcome), _) => Left::Ended(outcome.clone()),
            (None, true) => Left::EngineGone,
            (None, false) => Left::Quit,
        }
    }

    fn hear(&mut self, news: News) {
        self.changed = true;
        match news {
            News::Snapshot => self.news = Instant::now(),
            News::Answer { id, refused } => self.app.answered(id, refused),
            News::Gone => {
                self.gone = true;
                // What came before the end is still shown.
                self.app.show(&self.client.snapshot);
                self.app.gone();
            }
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        self.app.show(&self.client.snapshot);
        let now = Now { wall: jiff::Zoned::now(), since_news: self.news.elapsed() };
        let took = self.screen.draw(|area, buffer| self.app.draw(&now, area, buffer))?;
        if took > FRAME_HERE {
            // The link takes longer than a frame lasts: half as many.
            self.frame = (self.frame * 2).min(CLOCK);
        }
        self.drawn = Some(Instant::now());
        self.changed = false;
        self.ring()
    }

    fn ring(&mut self) -> Result<(), Failure> {
        if !self.client.snapshot.rollout.needs_person || self.gone {
            self.rung = None;
        } else if self.rung.is_none_or(|rung| rung.elapsed() >= BELL) {
            self.rung = Some(Instant::now());
            self.screen.ring()?;
        }
        Ok(())
    }

    async fn key(&mut self, event: &ratatui::crossterm::event::Event) -> Result<Option<Left>, Failure> {
        let Some(input) = input::translate(event, self.app.context()) else { return Ok(None) };
        self.changed = true;
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
                Err(_) => self.hear(News::Gone),
            },
            Ask::Read(path) => {
                let output = read_end(&self.rollout_dir, path).await;
                self.app.read(output);
            }
            Ask::Redraw => self.screen.redraw()?,
            Ask::Suspend => self.suspend()?,
            Ask::Leave => return Ok(Some(self.left())),
        }
        Ok(None)
    }

    /// Back to the shell that started us, until it says `fg`. Only this process stops: the engine is another one.
    fn suspend(&mut self) -> Result<(), Failure> {
        terminal::give_back();
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        self.screen.enter()?;
        self.keys = EventStream::new();
        stopped.map_err(|error| Failure::new(format!("cannot stop this process: {error}")))
    }
}

/// Signals on which a screen goes away.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Failure> {
        let of = |kind| signal(kind).map_err(|error| Failure::new(format!("cannot wait for signals: {error}")));
        Ok(Signals {
            hangup: of(SignalKind::hangup())?,
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.hangup.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
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
