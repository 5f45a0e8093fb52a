//! The plain screen: a rollout as one line per event, with words from standard input. For screen readers, for terminals that
//! cannot move their cursor, and for programs that drive one.
//!
//! Like the console it decides nothing: it prints what the engine says, and sends commands, each with the number of the prompt
//! that was printed last. What is printed is told by [`line`], what may be typed by [`word`].

mod coach;
mod line;
mod word;

use super::stdin;
use crate::cli::Again;
use crate::cli::rollout::Facing;
use crate::cli::text::say;
use crate::engine::client::{Client, News};
use crate::engine::wire::NO_COMMAND;
use crate::model::{Failure, Printable};
use crate::rollout::{Command, ContractWhen};
use crate::tui::Left;
use line::Teller;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use word::Word;

/// A person who says `go` sooner than this after another prompt was printed cannot have read it.
const TOO_SOON: Duration = Duration::from_millis(400);
/// How long answers are waited for when the input has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Between two looks whether there is something to say of the waiting.
const LOOK: Duration = Duration::from_secs(1);

/// Shows the rollout until a person leaves, the input ends, or the rollout is over.
pub async fn plain(client: Client, facing: Facing, again: &Again) -> Result<Left, Failure> {
    let seat = if facing.observe { Seat::Observer } else { Seat::Driver };
    let writer = if std::io::stdin().is_terminal() { Writer::Person } else { Writer::Program };
    let teller = Teller::new(seat);
    let teller = if facing.guided { teller.guided() } else { teller };
    let mut screen = Screen {
        client,
        teller,
        seat,
        writer,
        again: again.clone(),
        open: BTreeSet::new(),
        confirming: None,
        changed: Instant::now(),
        held: false,
    };
    screen.run().await
}

/// What whoever is here may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    Driver,
    /// Only watches.
    Observer,
}

/// Who writes to standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Reads a prompt before answering it, which takes time.
    Person,
    Program,
}

struct Screen {
    client: Client,
    teller: Teller,
    seat: Seat,
    writer: Writer,
    /// Ways on are said so that they find this pool.
    again: Again,
    /// Commands that were sent and not answered.
    open: BTreeSet<u64>,
    /// `contract now` was said at that prompt, and the word is waited for.
    confirming: Option<u64>,
    /// When another prompt was printed.
    changed: Instant,
    /// Ctrl-C has held it once.
    held: bool,
}

enum Woken {
    News(News),
    /// `None`: the input has ended.
    Line(Option<String>),
    Interrupt,
    Leave,
    Time,
}

impl Screen {
    async fn run(&mut self) -> Result<Left, Failure> {
        let (mut interrupt, mut terminate) = signals()?;
        let mut lines: Option<mpsc::Receiver<String>> = None;
        loop {
            let woken = tokio::select! {
                news = self.client.news() => Woken::News(news),
                line = next(&mut lines) => Woken::Line(line),
                _ = interrupt.recv() => Woken::Interrupt,
                _ = terminate.recv() => Woken::Leave,
                () = tokio::time::sleep(LOOK) => Woken::Time,
            };
            match woken {
                Woken::News(News::Gone) => return Ok(self.gone()),
                Woken::News(News::Answer { id, refused }) => self.answered(id, refused.as_ref()),
                Woken::News(News::Snapshot) => {
                    self.show();
                    if let Some(outcome) = self.client.snapshot.rollout.outcome.clone() {
                        return Ok(Left::Ended(outcome));
                    }
                    // Nobody can mean a prompt that was not printed yet.
                    lines.get_or_insert_with(stdin::lines);
                }
                Woken::Line(Some(line)) => {
                    if let Some(left) = self.obey(&line).await {
                        return Ok(left);
                    }
                }
                Woken::Line(None) => return self.drain().await,
                Woken::Interrupt if self.held || self.seat == Seat::Observer => return Ok(Left::Quit),
                Woken::Interrupt => {
                    self.held = true;
                    say("Ctrl-C holds the rollout; once more leaves this screen");
                    self.send(None, Command::Hold).await;
                }
                Woken::Leave => return Ok(Left::Quit),
                Woken::Time => self.wait(),
            }
        }
    }

    fn show(&mut self) {
        let before = self.teller.prompt();
        for line in self.teller.show(&self.client.snapshot) {
            self.say(&line);
        }
        if before != self.teller.prompt() {
            self.changed = Instant::now();
        }
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(line) = self.teller.wait(&self.client.snapshot, std::time::Instant::now()) {
            self.say(&line);
        }
    }

    /// Prints a line. A raw command in it stays as it was sent.
    fn say(&self, line: &str) {
        let (sentence, command) = line.find("  $ ").map_or((line, ""), |at| line.split_at(at));
        say(format!("{}{command}", self.again.tell(sentence)));
    }

    fn answered(&mut self, id: u64, refused: Option<&Printable>) {
        self.open.remove(&id);
        match refused {
            Some(why) if id == NO_COMMAND => self.say(why.as_str()),
            // The engine names the console's key.
            Some(why) if why.as_str().contains("h takes") => say(format!("refused: {why}; here: take WHY")),
            Some(why) => self.say(&format!("refused: {why}")),
            None => {}
        }
    }

    fn gone(&self) -> Left {
        match &self.client.snapshot.rollout.outcome {
            Some(outcome) => Left::Ended(outcome.clone()),
            None => Left::EngineGone,
        }
    }

    /// Does what a line says. `Some`: the screen is left.
    async fn obey(&mut self, line: &str) -> Option<Left> {
        if let Some(prompt) = self.confirming.take() {
            if line.trim() == "contract" {
                self.send(Some(prompt), Command::Contract(ContractWhen::Now)).await;
                return None;
            }
            say("that is not the word contract: the migrations were not begun");
        }
        let word = match word::read(line) {
            Ok(word) => word,
            Err(why) => {
                say(why);
                return None;
            }
        };
        let snapshot = &self.client.snapshot;
        match word {
            Word::Nothing => {}
            Word::Status => line::status(snapshot).iter().for_each(|line| self.say(line)),
            Word::Price => line::price(snapshot).iter().for_each(|line| self.say(line)),
            Word::Plan => line::plan(snapshot).iter().for_each(|line| self.say(line)),
            Word::Help => word::HELP.lines().for_each(say),
            Word::Quit => return Some(Left::Quit),
            Word::Go(_) | Word::ContractNow | Word::Take(_) | Word::Ask(_) if self.seat == Seat::Observer => {
                say("refused: this screen only watches");
            }
            Word::Go(number) => self.go(number).await,
            Word::ContractNow => self.confirm(),
            Word::Take(why) => {
                let from = snapshot.rollout.people.driver;
                self.send(None, Command::TakeOver { from, why }).await;
            }
            Word::Ask(command) => self.send(Some(self.teller.prompt()), command).await,
        }
        None
    }

    async fn go(&mut self, number: Option<u64>) {
        let shown = self.teller.prompt();
        match number {
            Some(number) if number != shown => {
                say(format!("refused: prompt {number} is not the one that holds now: that is {shown}"))
            }
            None if self.writer == Writer::Person && self.changed.elapsed() < TOO_SOON => {
                say("refused: the prompt has just changed: read it, and say it again");
            }
            Some(_) | None => self.send(Some(shown), Command::Go).await,
        }
    }

    fn confirm(&mut self) {
        match self.client.snapshot.prompt.refused.get("contract") {
            Some(why) => self.say(&format!("refused: {why}")),
            None => {
                self.confirming = Some(self.teller.prompt());
                say("There is no way back after this. Type the word contract to begin:");
            }
        }
    }

    async fn send(&mut self, prompt: Option<u64>, command: Command) {
        match self.client.send(prompt, command).await {
            Ok(id) => {
                self.open.insert(id);
            }
            // The next news is that it has gone.
            Err(failure) => say(failure),
        }
    }

    /// Waits for the answers to what was said last.
    async fn drain(&mut self) -> Result<Left, Failure> {
        let limit = Instant::now() + LAST_ANSWERS;
        while !self.open.is_empty() {
            match tokio::time::timeout_at(limit, self.client.news()).await {
                Ok(News::Answer { id, refused }) => self.answered(id, refused.as_ref()),
                Ok(News::Snapshot) => self.show(),
                Ok(News::Gone) => return Ok(self.gone()),
                Err(_) => break,
            }
        }
        Ok(Left::Quit)
    }
}

async fn next(lines: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

type Signals = (tokio::signal::unix::Signal, tokio::signal::unix::Signal);

fn signals() -> Result<Signals, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let trouble = |error: std::io::Error| Failure::new(format!("signals cannot be caught: {error}"));
    Ok((signal(SignalKind::interrupt()).map_err(trouble)?, signal(SignalKind::terminate()).map_err(trouble)?))
}
