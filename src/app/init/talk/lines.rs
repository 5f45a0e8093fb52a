//! Line by line: a question with its proposal in brackets, one line back. For pipes, screen readers and small terminals.

use super::{MOST_WRONG, Question, Stop};
use crate::app::stdin;
use crate::cli::text::say;
use crate::model::{Failure, Printable};
use ratatui::crossterm::style::Stylize;
use std::future::Future;
use std::io::Write;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// How titles look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    /// With bold titles, at a terminal that may have them.
    Styled,
}

/// Standard input and output.
pub struct Lines {
    look: Look,
    lines: mpsc::Receiver<String>,
    interrupt: Signal,
}

impl Lines {
    pub fn new(look: Look) -> Result<Lines, Failure> {
        let interrupt =
            signal(SignalKind::interrupt()).map_err(|error| Failure::new(format!("signals cannot be caught: {error}")))?;
        Ok(Lines { look, lines: stdin::lines(), interrupt })
    }

    pub fn title(&self, line: &str) {
        match self.look {
            Look::Plain => say(format!("\n{line}")),
            Look::Styled => say(format!("\n{}", line.bold())),
        }
    }

    /// Ctrl-C breaks it off.
    pub async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            done = work => Ok(done),
            _ = self.interrupt.recv() => Err(Stop::Ended),
        }
    }

    /// Asks until something is said that could be an answer.
    pub async fn ask(&mut self, question: &Question<'_>, proposal: Option<&str>) -> Result<String, Stop> {
        for _ in 0..MOST_WRONG {
            let shown = proposal.map(|text| format!(" [{}]", Printable::new(text))).unwrap_or_default();
            print!("  {}{shown}: ", question.ask);
            let _ = std::io::stdout().flush();
            let line = self.line().await?;
            match (line.trim(), proposal) {
                ("?", _) => {
                    question
                        .help
                        .lines()
                        .chain([format!("the option for it is {}", question.topic.flag()).as_str()])
                        .for_each(|line| say(format!("    {line}")));
                }
                ("", Some(proposal)) => return Ok(proposal.to_owned()),
                ("", None) => say("    an answer is needed; ? explains"),
                (text, _) if text.chars().any(char::is_control) => say("    that holds control characters: type it anew"),
                (text, _) => return Ok(text.to_owned()),
            }
        }
        Err(Failure::new(format!("{}: {MOST_WRONG} answers were no answer", question.ask))
            .next(format!("say it with {}", question.topic.flag()))
            .into())
    }

    async fn line(&mut self) -> Result<String, Stop> {
        tokio::select! {
            line = self.lines.recv() => line.ok_or(Stop::Ended),
            _ = self.interrupt.recv() => Err(Stop::Ended),
        }
    }
}
