//! `halfstep init`: looks at the balancer and the servers, proposes, asks, and writes a config that `check` takes.
//!
//! ```text
//! look ─▶ which pool ─▶ propose: names, zones, halves ─▶ asked: health, version ─▶ commands ─▶ draft ─▶ save ─▶ check
//!            every answer is an option too: what is known so far is the options so far. Esc takes the last one
//!            out of them and begins anew
//! ```
//!
//! It changes nothing but the one file, and that only at the end. Read next: [`steps`] (the questions), [`talk`] (line by line,
//! or on a full screen), [`draft`] (the text).

mod advice;
mod asked;
mod draft;
mod haproxy_cfg;
mod httpd_conf;
mod look;
mod propose;
mod save;
mod steps;
mod talk;
mod topic;

use super::begin::Refusal;
use super::{Answer, check, run};
use crate::cli::init::InitArguments;
use crate::cli::rollout::Terminal;
use crate::cli::text::say;
use crate::cli::{ExitStatus, Global, Source};
use crate::config::{self, DEFAULT_NAME, ProcessEnvironment};
use crate::model::{Failure, Printable};
use crate::tui::setup::Desk;
use advice::Advice;
use save::Existing;
use std::path::{Path, PathBuf};
use steps::Made;
use talk::{Face, Lines, Look, Question, Stop, Talk};
use topic::Topic;

/// Asks, writes the file, checks it, and says what could be better.
pub async fn init(global: &Global, mut arguments: InitArguments) -> Answer {
    let out = out(global, &arguments).map_err(Refusal::Usage)?;
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    save::is_free(&out, existing).map_err(Refusal::Usage)?;
    let mut talk = talk(&arguments)?;
    let (made, text) = loop {
        match talked(&mut talk, &mut arguments, &out).await {
            Err(Stop::Back) => talk.goes_back(&mut arguments),
            Ok(made) => {
                talk.close().await;
                break made;
            }
            Err(Stop::Refused(refusal)) => {
                talk.close().await;
                return Err(refusal);
            }
            Err(Stop::Ended) => {
                talk.close().await;
                say(format!(
                    "\n\nNothing was written. To go on with all that was answered so far:\n  {}",
                    Printable::new(&arguments.line())
                ));
                return Err(Refusal::Usage(Failure::new("the answers ended before everything was known")));
            }
        }
    };
    save::save(&out, &text, existing).map_err(Refusal::Usage)?;
    say(format!("\nWritten: {}\n\nhalfstep check says of it:\n", out.display()));
    let checked = Global { config: Some(Source::File(out.clone())), ..global.clone() };
    let verdict = check::check(&checked).await?;
    print!("{}", advised(&made.advice));
    let shown = shlex::try_quote(&out.to_string_lossy()).map_or_else(|_| out.display().to_string(), |path| path.into_owned());
    let option = if out == Path::new(DEFAULT_NAME) { String::new() } else { format!(" -c {shown}") };
    say(format!("\nNext: halfstep plan --to RELEASE{option}, then halfstep run --to RELEASE{option}"));
    Ok(match verdict {
        // What is wrong with the pool now is for a person, and no fault of the file.
        ExitStatus::Failed => ExitStatus::Done,
        other => other,
    })
}

/// Which file is written.
fn out(global: &Global, arguments: &InitArguments) -> Result<PathBuf, Failure> {
    match (&arguments.out, &global.config) {
        (Some(out), _) => Ok(out.clone()),
        (None, Some(Source::File(path))) => Ok(path.clone()),
        (None, None) => Ok(PathBuf::from(DEFAULT_NAME)),
        (None, Some(Source::Pool(_))) => Err(Failure::new("init writes a file, and -c names a pool")
            .next("name a file: --out shop.toml; the pool's name is --name")),
    }
}

/// All questions, and the file that comes out of them.
async fn talked(talk: &mut Talk, arguments: &mut InitArguments, out: &Path) -> Result<(Made, String), Stop> {
    let made = steps::make(talk, arguments).await?;
    let text = made.draft.text(&jiff::Zoned::now().date().to_string());
    config::parse(&text, out, &ProcessEnvironment).map_err(|mistakes| Stop::Refused(Refusal::Mistakes(mistakes.to_string())))?;
    if talk.has_screen() {
        talk.title(talk::STEPS.len() - 1, arguments);
        let advice = advised(&made.advice);
        if !advice.is_empty() {
            talk.warn(format!("The balancer's own config could be better in {}: below.", counted(made.advice.len())).as_str());
        }
        let ask = format!("This would be written to {}", out.display());
        let help =
            "Nothing is written before Enter. Then `halfstep check` looks at all that the file names, and changes nothing.";
        let question = Question { topic: Topic::File, ask: &ask, help, proposal: None };
        talk.shows(&question, &[text.as_str(), &advice].concat()).await?;
    }
    Ok((made, text))
}

fn counted(things: usize) -> String {
    if things == 1 { "one thing".to_owned() } else { format!("{things} things") }
}

/// Who answers, and how they are asked.
fn talk(arguments: &InitArguments) -> Result<Talk, Refusal> {
    let terminal = run::terminal();
    let room = ratatui::crossterm::terminal::size().unwrap_or((0, 0));
    let has_room = !crate::tui::screen::is_too_small(room);
    let face = match (arguments.yes, arguments.plain, terminal) {
        (true, _, _) => Face::Proposals,
        (false, true, _) => Face::Lines(Lines::new(Look::Plain).map_err(Refusal::Usage)?),
        (false, false, Terminal::There) if has_room => {
            let likes = super::console::checked()?;
            Face::Screen(Box::new(Desk::open(&likes, talk::page()).map_err(Refusal::Usage)?))
        }
        (false, false, Terminal::There | Terminal::Dumb) => {
            let may_style = terminal == Terminal::There && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
            let look = if may_style { Look::Styled } else { Look::Plain };
            Face::Lines(Lines::new(look).map_err(Refusal::Usage)?)
        }
        (false, false, Terminal::NotThere) => {
            return Err(Refusal::Usage(
                Failure::new("init asks questions, and nobody is at a terminal to answer them")
                    .next("--yes takes every proposal, --plain reads the answers from standard input"),
            ));
        }
    };
    Ok(Talk::new(face))
}

/// What the balancer's own config could do better, in lines; nothing where there is nothing.
fn advised(advice: &[Advice]) -> String {
    let mut text = String::new();
    if !advice.is_empty() {
        text.push_str("\nThe balancer's own config could make it better:\n");
    }
    for Advice { why, change } in advice {
        text.push_str(&format!("- {}\n", Printable::new(why)));
        for line in change {
            text.push_str(&format!("    {}\n", Printable::new(line)));
        }
    }
    text
}
