//! The full screen of a dialogue that sets something up: one question after the other, with what was found above it, in
//! the manner of the console.
//!
//! ```text
//!  halfstep init   HAProxy at /run/haproxy/admin.sock                                        3 of 6
//!  ✔ balancer  ✔ pool  ▶ halves  · health and version  · commands  · the file
//! ╭ The halves ──────────────────────────────────────────────────────────────────────────────────────╮
//! │ what was found, then a list, the two halves, or the file that would be written                   │
//! ╰──────────────────────────────────────────────────────────────────────────────────────────────────╯
//!  the question
//!  > what is typed; else what is proposed
//!  Enter goes on   Esc back   ? help   Ctrl-C leaves, nothing is written
//! ```
//!
//! It owns the terminal, and knows neither what is asked nor what a good answer is: whoever asks judges, and says what is
//! wrong. An Enter counts only for a question that the terminal has confirmed to show ([`super::sight`]). Read next:
//! [`page`] (what is shown), [`query`] (what keys do).

pub mod draw;
pub mod halves;
pub mod page;
pub mod query;

use super::input;
use super::keyboard::{Keyboard, Typed};
use super::keymap::Key;
use super::preferences::Preferences;
use super::sight::{Picture, Question as Asks, Sight};
use super::signals::{Signalled, Signals};
use super::terminal::manners::Manners;
use super::terminal::{self, Drawn, Screen};
use super::theme::{Role, Theme};
use super::{ANSWERS_WITHIN, CAN_SYNCHRONISE, LAST_ANSWER, STOPPED};
use crate::model::{Failure, Printable};
use page::Page;
use query::{Answer, Query, Turn};
use ratatui::crossterm::event::Event;
use std::future::Future;
use std::pin::pin;
use std::time::Instant;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Esc: to the question before.
    Back,
    /// Ctrl-C, a signal, or the terminal went away.
    Broken,
    /// The terminal cannot be written to.
    Lost(Failure),
}

impl From<Failure> for Left {
    fn from(failure: Failure) -> Left {
        Left::Lost(failure)
    }
}

/// A person before a terminal. Dropping it gives the terminal back.
pub struct Desk {
    pub page: Page,
    theme: Theme,
    screen: Screen,
    keys: Keyboard,
    signals: Signals,
    sight: Sight,
    /// When the terminal was first asked whether it shows a picture.
    asked: Instant,
    /// Is a frame under way?
    sending: bool,
}

/// What happened.
enum Heard {
    Key(Key),
    Pasted(String),
    Broken,
}

impl Desk {
    /// Takes the terminal. Fails where there is none.
    pub fn open(likes: &Preferences, page: Page) -> Result<Desk, Failure> {
        let mut desk = Desk {
            page,
            theme: likes.theme(),
            signals: Signals::new()?,
            screen: Screen::take(Manners::from_environment(|name| std::env::var(name).ok()))?,
            keys: super::keyboard()?,
            sight: Sight::asked(),
            asked: Instant::now(),
            sending: false,
        };
        desk.screen.say(CAN_SYNCHRONISE);
        Ok(desk)
    }

    /// Shows a question, and waits for what is answered. The question stays until the next one.
    pub async fn ask(&mut self, query: Query) -> Result<Answer, Left> {
        self.page.put(query);
        self.answer().await
    }

    /// Waits for another answer to the same question, after what was wrong with the one before.
    pub async fn again(&mut self, wrong: &str) -> Result<Answer, Left> {
        self.page.wrong(wrong);
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer, Left> {
        loop {
            let turn = match self.next().await? {
                Heard::Broken => return Err(Left::Broken),
                Heard::Pasted(text) => self.page.pasted(&text),
                Heard::Key(Key::Enter) if !self.sight.sees(self.picture()) => {
                    self.page
                        .notice(Role::Warning, "that Enter was pressed before this question was on the screen: press it again");
                    Turn::Stays
                }
                Heard::Key(key) => self.page.press(key),
            };
            match turn {
                Turn::Stays => {}
                Turn::Answers(answer) => return Ok(answer),
                Turn::Back => return Err(Left::Back),
                Turn::Leaves => return Err(Left::Broken),
            }
        }
    }

    /// Says what is under way until it is done. Esc and Ctrl-C break it off.
    pub async fn wait<T>(&mut self, what: &str, work: impl Future<Output = T>) -> Result<T, Left> {
        self.page.begins(what);
        let mut work = pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                done = &mut work => break Ok(done),
                heard = self.next() => match heard {
                    Ok(Heard::Broken | Heard::Key(Key::Ctrl('c'))) => break Err(Left::Broken),
                    Ok(Heard::Key(Key::Esc)) => break Err(Left::Back),
                    Ok(Heard::Key(_) | Heard::Pasted(_)) => {}
                    Err(left) => break Err(left),
                },
            }
        };
        self.page.ends();
        done
    }

    /// The title of the window.
    pub fn title(&mut self, text: &str) {
        self.screen.title(Printable::new(text).to_string());
    }

    /// What is on its way from the terminal is no key of the shell that gets it back.
    pub async fn close(mut self) {
        let answers = async {
            while self.sight.is_waiting() {
                match self.keys.next().await {
                    Some(Ok(Typed::Cursor(column))) => self.sight.answered(column),
                    Some(Ok(Typed::Event(_) | Typed::Synchronised(_))) => {}
                    Some(Err(_)) | None => break,
                }
            }
        };
        let _ = tokio::time::timeout(LAST_ANSWER, answers).await;
    }

    fn picture(&self) -> Picture {
        Picture { prompt: self.page.number(), turn: 0 }
    }

    /// Draws, and waits for the next key. May be given up and called again.
    async fn next(&mut self) -> Result<Heard, Left> {
        loop {
            self.draw()?;
            let silent_at = self.asked + ANSWERS_WITHIN;
            tokio::select! {
                biased;
                typed = self.keys.next() => match typed {
                    None | Some(Err(_)) => return Ok(Heard::Broken),
                    Some(Ok(Typed::Cursor(column))) => self.sight.answered(column),
                    Some(Ok(Typed::Synchronised(answer))) => self.screen.synchronise(answer),
                    Some(Ok(Typed::Event(Event::Paste(text)))) => return Ok(Heard::Pasted(text)),
                    Some(Ok(Typed::Event(Event::Key(event)))) => match input::key(&event) {
                        Some(Key::Ctrl('z')) => self.suspend().await?,
                        Some(Key::Ctrl('l')) => self.screen.redraw(),
                        Some(key) => return Ok(Heard::Key(key)),
                        None => {}
                    },
                    // Another size is seen when it is drawn.
                    Some(Ok(Typed::Event(_))) => {}
                },
                signal = self.signals.any() => match signal {
                    Signalled::Leave => return Ok(Heard::Broken),
                    Signalled::Continue => self.enter()?,
                },
                _ = self.screen.idle(), if self.sending => self.sending = false,
                () = tokio::time::sleep_until(silent_at.into()), if !self.sight.is_settled() => self.sight.waited_in_vain(),
            }
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        if self.sending {
            return Ok(());
        }
        if let Asks::Ask(column) = self.sight.draws(self.picture()) {
            self.screen.ask(format!("\x1b[2;{column}H\x1b[6n").as_bytes());
        }
        let (page, theme) = (&self.page, &self.theme);
        let drawn = self.screen.draw(|area, buffer| draw::draw(page, theme, area, buffer))?;
        self.sending = drawn != Drawn::Nothing;
        Ok(())
    }

    /// Back to the shell that started us, until it says `fg`.
    async fn suspend(&mut self) -> Result<(), Failure> {
        terminal::give_back();
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        // Which thread takes the signal, and when, the system decides: until it is over nothing may touch the terminal.
        let _ = tokio::time::timeout(STOPPED, self.signals.woken.recv()).await;
        self.enter()?;
        stopped.map_err(|error| Failure::new(format!("cannot stop this process: {error}")))
    }

    /// The shell has had the terminal.
    fn enter(&mut self) -> Result<(), Failure> {
        self.screen.enter()?;
        self.screen.say(CAN_SYNCHRONISE);
        (self.sight, self.asked, self.sending) = (Sight::asked(), Instant::now(), false);
        Ok(())
    }
}
