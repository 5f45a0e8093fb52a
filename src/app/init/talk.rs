//! Questions and answers, line by line. It decides how a question looks, what an empty line means, and when the talk is over;
//! what is asked, and what is a good answer, is for whoever asks.

use crate::app::begin::Refusal;
use crate::app::stdin;
use crate::cli::text::say;
use crate::model::{Failure, Printable};
use ratatui::crossterm::style::Stylize;
use std::io::Write;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Wrong answers to one question before it is given up: a script that answers something else must come to an end.
const MOST_WRONG: u32 = 20;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A person, or a program that plays one.
    Asks,
    /// Nobody: every proposal is taken.
    TakesProposals,
}

/// How titles look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    /// With bold titles, at a terminal that may have them.
    Styled,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The input ended, or Ctrl-C.
    Ended,
    Refused(Refusal),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Refused(Refusal::Usage(failure))
    }
}

/// One question.
#[derive(Debug, Clone, Default)]
pub struct Question<'a> {
    pub ask: &'a str,
    /// The option that answers it beforehand.
    pub flag: &'a str,
    /// What `?` says.
    pub help: &'a str,
    pub proposal: Option<String>,
}

/// The talk.
pub struct Talk {
    manner: Manner,
    look: Look,
    lines: Option<mpsc::Receiver<String>>,
    interrupt: Signal,
    step: u32,
}

/// The parts of the talk, as its titles count them.
const STEPS: u32 = 5;

impl Talk {
    pub fn new(manner: Manner, look: Look) -> Result<Talk, Failure> {
        let interrupt =
            signal(SignalKind::interrupt()).map_err(|error| Failure::new(format!("signals cannot be caught: {error}")))?;
        let lines = (manner == Manner::Asks).then(stdin::lines);
        Ok(Talk { manner, look, lines, interrupt, step: 0 })
    }

    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// The next part begins.
    pub fn title(&mut self, text: &str) {
        self.step += 1;
        let line = format!("{} of {STEPS}  {text}", self.step);
        match self.look {
            Look::Plain => say(format!("\n{line}")),
            Look::Styled => say(format!("\n{}", line.bold())),
        }
    }

    /// Asks until an answer is good. `judge` says why one is not.
    pub async fn answer<T>(&mut self, question: &Question<'_>, judge: impl Fn(&str) -> Result<T, String>) -> Result<T, Stop> {
        if self.manner == Manner::TakesProposals {
            let Some(proposal) = &question.proposal else {
                return Err(Failure::new(format!("{}: nothing is safe to propose", question.ask))
                    .next(format!("say it with {}", question.flag))
                    .into());
            };
            say(format!("  {}: {}", question.ask, Printable::new(proposal)));
            return judge(proposal).map_err(|why| Failure::new(why).next(format!("say it with {}", question.flag)).into());
        }
        for _ in 0..MOST_WRONG {
            let shown = question.proposal.as_ref().map(|text| format!(" [{}]", Printable::new(text))).unwrap_or_default();
            print!("  {}{shown}: ", question.ask);
            let _ = std::io::stdout().flush();
            let line = self.line().await?;
            let line = line.trim();
            let text = match (line, &question.proposal) {
                ("?", _) => {
                    question
                        .help
                        .lines()
                        .chain([format!("the option for it is {}", question.flag).as_str()])
                        .for_each(|line| say(format!("    {line}")));
                    continue;
                }
                ("", Some(proposal)) => proposal.as_str(),
                ("", None) => {
                    say("    an answer is needed; ? explains");
                    continue;
                }
                (text, _) if text.chars().any(char::is_control) => {
                    say("    that holds control characters: type it anew");
                    continue;
                }
                (text, _) => text,
            };
            match judge(text) {
                Ok(good) => return Ok(good),
                Err(why) => why.lines().for_each(|line| say(format!("    {}", Printable::new(line)))),
            }
        }
        Err(Failure::new(format!("{}: {MOST_WRONG} answers were no answer", question.ask))
            .next(format!("say it with {}", question.flag))
            .into())
    }

    /// One of several, by its number or its name.
    pub async fn choose(&mut self, question: &Question<'_>, options: &[String]) -> Result<usize, Stop> {
        for (place, option) in options.iter().enumerate() {
            say(format!("  {:>3}  {}", place + 1, Printable::new(option)));
        }
        let judge = |text: &str| {
            let by_number =
                text.parse::<usize>().ok().filter(|number| (1..=options.len()).contains(number)).map(|number| number - 1);
            by_number
                .or_else(|| options.iter().position(|option| option.split_whitespace().next() == Some(text)))
                .ok_or_else(|| format!("a number from 1 to {}, or a name of the list", options.len()))
        };
        self.answer(question, judge).await
    }

    /// Yes or no.
    pub async fn agrees(&mut self, question: &Question<'_>) -> Result<bool, Stop> {
        let judge = |text: &str| match text {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("y or n".to_owned()),
        };
        self.answer(question, judge).await
    }

    async fn line(&mut self) -> Result<String, Stop> {
        let Some(lines) = &mut self.lines else { return Err(Stop::Ended) };
        tokio::select! {
            line = lines.recv() => line.ok_or(Stop::Ended),
            _ = self.interrupt.recv() => Err(Stop::Ended),
        }
    }
}
