//! Questions and answers, line by line or on a full screen. It decides how a question is put, what an empty line means, when
//! the talk is over, and where Esc leads; what is asked, and what is a good answer, is for whoever asks.
//!
//! Read next: `lines` (line by line), `crate::tui::setup` (the screen), [`super::topic`].

mod lines;

use super::topic::{Topic, known};
use crate::app::begin::Refusal;
use crate::cli::init::InitArguments;
use crate::cli::text::{Table, say};
use crate::model::{Failure, Half, Printable};
use crate::tui::setup::halves::{Halves, Row};
use crate::tui::setup::page::{Page, Told};
use crate::tui::setup::query::{Answer, Kind, List, Query, Text, Typing};
use crate::tui::setup::{Desk, Left};
use crate::tui::theme::Role;
pub use lines::{Lines, Look};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

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

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The input ended, or Ctrl-C.
    Ended,
    /// To the question before.
    Back,
    Refused(Refusal),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Refused(Refusal::Usage(failure))
    }
}

impl From<Left> for Stop {
    fn from(left: Left) -> Stop {
        match left {
            Left::Back => Stop::Back,
            Left::Broken => Stop::Ended,
            Left::Lost(failure) => failure.into(),
        }
    }
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub topic: Topic,
    pub ask: &'a str,
    /// What `?` says.
    pub help: &'a str,
    pub proposal: Option<String>,
}

/// How it is talked.
pub enum Face {
    Proposals,
    Lines(Lines),
    Screen(Box<Desk>),
}

/// The parts of the talk: as its titles count them, and their short names. The file itself is a part only on the screen.
pub const STEPS: [(&str, &str); 6] = [
    ("The balancer", "the balancer"),
    ("The pool", "the pool"),
    ("The halves", "the halves"),
    ("Health and version", "health and version"),
    ("The commands", "the commands"),
    ("The file", "the file"),
];

/// The first picture of the screen.
#[must_use]
pub fn page() -> Page {
    Page::new("init", STEPS.iter().map(|(_, name)| *name).collect())
}

/// The talk.
pub struct Talk {
    face: Face,
    /// What a person was asked and has answered, in order.
    answered: Vec<Topic>,
    /// Of it what stands in no option.
    settled: BTreeSet<Topic>,
    /// What is asked now.
    asking: Option<Topic>,
    /// What was answered before somebody went back.
    before: BTreeMap<Topic, String>,
}

impl Talk {
    #[must_use]
    pub fn new(face: Face) -> Talk {
        Talk { face, answered: Vec::new(), settled: BTreeSet::new(), asking: None, before: BTreeMap::new() }
    }

    pub fn manner(&self) -> Manner {
        match self.face {
            Face::Proposals => Manner::TakesProposals,
            Face::Lines(_) | Face::Screen(_) => Manner::Asks,
        }
    }

    /// Is it a full screen?
    pub fn has_screen(&self) -> bool {
        matches!(self.face, Face::Screen(_))
    }

    /// Forgets the last answer, so that the talk, begun anew, comes to that question again.
    pub fn goes_back(&mut self, arguments: &mut InitArguments) {
        let asking = self.asking.take();
        while self.answered.last().copied() == asking && asking.is_some() {
            self.answered.pop();
        }
        for topic in self.answered.pop().into_iter().chain(asking) {
            topic.forget(arguments);
            self.settled.remove(&topic);
        }
    }

    /// The part of that number begins.
    pub fn title(&mut self, at: usize, arguments: &InitArguments) {
        let (title, _) = STEPS[at.min(STEPS.len() - 1)];
        match &mut self.face {
            Face::Proposals => say(format!("\n{} of {}  {title}", at + 1, STEPS.len() - 1)),
            Face::Lines(lines) => lines.title(&format!("{} of {}  {title}", at + 1, STEPS.len() - 1)),
            Face::Screen(desk) => {
                desk.page.step(at, known(arguments));
                desk.title(&format!("halfstep init: {title}"));
            }
        }
    }

    /// What the talk is about is known now.
    pub fn about(&mut self, what: &str) {
        if let Face::Screen(desk) = &mut self.face {
            desk.page.about = Printable::new(what);
        }
    }

    /// Something that was found.
    pub fn tell(&mut self, text: impl Into<Printable>) {
        self.tell_as(Role::Plain, text);
    }

    /// Something that a person should not pass over.
    pub fn warn(&mut self, text: impl Into<Printable>) {
        self.tell_as(Role::Warning, text);
    }

    fn tell_as(&mut self, role: Role, text: impl Into<Printable>) {
        let text = text.into();
        match &mut self.face {
            Face::Proposals | Face::Lines(_) => say(format!("  {text}")),
            Face::Screen(desk) => desk.page.tell(Told::Sentence(role, text)),
        }
    }

    pub fn table(&mut self, table: &Table) {
        let text = table.to_string();
        match &mut self.face {
            Face::Proposals | Face::Lines(_) => text.lines().for_each(|line| say(format!("  {line}"))),
            Face::Screen(desk) => desk.page.tell(Told::Table(text.lines().map(Printable::new).collect())),
        }
    }

    /// Does some work that may take a while, and can be broken off.
    pub async fn wait<T>(&mut self, what: &str, work: impl Future<Output = T>) -> Result<T, Stop> {
        match &mut self.face {
            Face::Proposals => Ok(work.await),
            Face::Lines(lines) => lines.wait(work).await,
            Face::Screen(desk) => Ok(desk.wait(what, work).await?),
        }
    }

    /// Asks until an answer is good. `judge` says why one is not.
    pub async fn answer<T>(&mut self, question: &Question<'_>, judge: impl Fn(&str) -> Result<T, String>) -> Result<T, Stop> {
        let flag = question.topic.flag();
        if self.manner() == Manner::TakesProposals {
            let Some(proposal) = &question.proposal else {
                return Err(Failure::new(format!("{}: nothing is safe to propose", question.ask))
                    .next(format!("say it with {flag}"))
                    .into());
            };
            say(format!("  {}: {}", question.ask, Printable::new(proposal)));
            return judge(proposal).map_err(|why| Failure::new(why).next(format!("say it with {flag}")).into());
        }
        self.asking = Some(question.topic);
        let proposal = self.before.get(&question.topic).cloned().or_else(|| question.proposal.clone());
        let mut wrong: Option<String> = None;
        for _ in 0..MOST_WRONG {
            let text = match &mut self.face {
                Face::Proposals => return Err(Stop::Ended),
                Face::Lines(lines) => {
                    wrong.iter().flat_map(|why| why.lines()).for_each(|line| say(format!("    {}", Printable::new(line))));
                    lines.ask(question, question.proposal.as_deref()).await?
                }
                Face::Screen(desk) => {
                    let answer = match &wrong {
                        Some(why) => desk.again(why).await?,
                        None => desk.ask(query(question, Kind::Line(Typing::new(proposal.clone())))).await?,
                    };
                    text_of(answer)
                }
            };
            match judge(&text) {
                Ok(good) => {
                    self.knows(question.topic, &text);
                    return Ok(good);
                }
                Err(why) => wrong = Some(why),
            }
        }
        wrong.iter().filter(|_| matches!(self.face, Face::Lines(_))).for_each(|why| say(format!("    {}", Printable::new(why))));
        Err(Failure::new(format!("{}: {MOST_WRONG} answers were no answer", question.ask))
            .next(format!("say it with {flag}"))
            .into())
    }

    /// That is answered now.
    fn knows(&mut self, topic: Topic, text: &str) {
        self.asking = None;
        self.answered.push(topic);
        self.before.insert(topic, text.to_owned());
        if let Face::Screen(desk) = &mut self.face {
            desk.page.knows(topic.label(), text);
        }
    }

    /// One of several, by its number or its name.
    pub async fn choose(&mut self, question: &Question<'_>, options: &[String]) -> Result<usize, Stop> {
        if let Face::Screen(desk) = &mut self.face {
            self.asking = Some(question.topic);
            let before = self.before.get(&question.topic);
            let rows: Vec<Printable> = options.iter().map(|option| Printable::new(option)).collect();
            let selected = options.iter().position(|option| Some(first_word(option)) == before.map(String::as_str)).unwrap_or(0);
            let answer = desk.ask(query(question, Kind::List(List { rows, selected }))).await?;
            let at = if let Answer::Chosen(at) = answer { at.min(options.len().saturating_sub(1)) } else { 0 };
            self.knows(question.topic, options.get(at).map_or("", |option| first_word(option)));
            return Ok(at);
        }
        for (place, option) in options.iter().enumerate() {
            say(format!("  {:>3}  {}", place + 1, Printable::new(option)));
        }
        let judge = |text: &str| {
            let by_number =
                text.parse::<usize>().ok().filter(|number| (1..=options.len()).contains(number)).map(|number| number - 1);
            by_number
                .or_else(|| options.iter().position(|option| first_word(option) == text))
                .ok_or_else(|| format!("a number from 1 to {}, or a name of the list", options.len()))
        };
        self.answer(question, judge).await
    }

    /// Shall an answer that does not look good be taken all the same?
    pub async fn agrees(&mut self, question: &Question<'_>) -> Result<bool, Stop> {
        if let Face::Screen(desk) = &mut self.face {
            self.asking = Some(question.topic);
            let rows = vec!["no: ask again".into(), "yes: take it all the same".into()];
            let answer = desk.ask(query(question, Kind::List(List { rows, selected: 0 }))).await?;
            return Ok(answer == Answer::Chosen(1));
        }
        let judge = |text: &str| match text {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("y or n".to_owned()),
        };
        self.answer(question, judge).await
    }

    /// Has a person put the servers into halves where they see both; `None` where this talk has no screen for it.
    pub async fn arrange(&mut self, question: &Question<'_>, rows: Vec<Row>) -> Result<Option<Vec<Half>>, Stop> {
        let Face::Screen(desk) = &mut self.face else { return Ok(None) };
        if self.settled.contains(&question.topic) {
            return Ok(Some(rows.iter().map(|row| row.half).collect()));
        }
        self.asking = Some(question.topic);
        let answer = desk.ask(query(question, Kind::Halves(Halves::new(rows)))).await?;
        let Answer::Halves(halves) = answer else { return Ok(None) };
        let count = |half| halves.iter().filter(|other| **other == half).count();
        self.settled.insert(question.topic);
        self.knows(question.topic, &format!("A {}, B {}", count(Half::A), count(Half::B)));
        Ok(Some(halves))
    }

    /// Shows what would be written, where there is a screen for it, until a person agrees.
    pub async fn shows(&mut self, question: &Question<'_>, text: &str) -> Result<(), Stop> {
        if let Face::Screen(desk) = &mut self.face {
            self.asking = Some(question.topic);
            let lines = Printable::lines(text).collect();
            desk.ask(query(question, Kind::Text(Text { lines, from: 0 }))).await?;
        }
        Ok(())
    }

    /// Gives the terminal back.
    pub async fn close(self) {
        if let Face::Screen(desk) = self.face {
            desk.close().await;
        }
    }
}

fn first_word(option: &str) -> &str {
    option.split_whitespace().next().unwrap_or_default()
}

fn text_of(answer: Answer) -> String {
    match answer {
        Answer::Text(text) => text,
        Answer::Chosen(_) | Answer::Halves(_) | Answer::Seen => String::new(),
    }
}

/// As a sentence begins; a path or a word of the answer stays as it is typed.
fn capital(line: &str) -> String {
    let is_answer = line.split(' ').next().is_some_and(|word| word.ends_with(':') || word.starts_with('/'));
    let mut letters = line.chars();
    match letters.next() {
        Some(first) if !is_answer => first.to_uppercase().chain(letters).collect(),
        Some(_) | None => line.to_owned(),
    }
}

fn query(question: &Question<'_>, kind: Kind) -> Query {
    let option = format!("The option for it is {}.", question.topic.flag());
    let help = question.help.lines().map(capital).chain([option]).collect();
    Query { ask: question.ask.to_owned(), help, kind }
}
