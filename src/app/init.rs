//! `halfstep init`: looks at the balancer and the servers, proposes, asks, and writes a config that `check` takes.
//!
//! ```text
//! look ─▶ which pool ─▶ propose: names, zones, halves ─▶ asked: health, version ─▶ commands ─▶ draft ─▶ save ─▶ check
//!                  every answer is an option too: what is known so far is the options so far
//! ```
//!
//! It changes nothing but the one file, and that only at the end. Read next: [`steps`] (the questions), [`draft`] (the text).

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

use super::begin::Refusal;
use super::{Answer, check, run};
use crate::cli::init::InitArguments;
use crate::cli::rollout::Terminal;
use crate::cli::text::say;
use crate::cli::{ExitStatus, Global, Source};
use crate::config::{self, DEFAULT_NAME, ProcessEnvironment};
use crate::model::{Failure, Printable};
use advice::Advice;
use save::Existing;
use std::path::{Path, PathBuf};
use talk::{Look, Manner, Stop, Talk};

/// Asks, writes the file, checks it, and says what could be better.
pub async fn init(global: &Global, mut arguments: InitArguments) -> Answer {
    let out = out(global, &arguments).map_err(Refusal::Usage)?;
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    save::is_free(&out, existing).map_err(Refusal::Usage)?;
    let mut talk = talk(&arguments).map_err(Refusal::Usage)?;
    let made = match steps::make(&mut talk, &mut arguments).await {
        Ok(made) => made,
        Err(Stop::Refused(refusal)) => return Err(refusal),
        Err(Stop::Ended) => {
            say(format!(
                "\n\nNothing was written. To go on with all that was answered so far:\n  {}",
                Printable::new(&arguments.line())
            ));
            return Err(Refusal::Usage(Failure::new("the answers ended before everything was known")));
        }
    };
    let day = jiff::Zoned::now().date().to_string();
    let text = made.draft.text(&day);
    config::parse(&text, &out, &ProcessEnvironment).map_err(|mistakes| Refusal::Mistakes(mistakes.to_string()))?;
    save::save(&out, &text, existing).map_err(Refusal::Usage)?;
    say(format!("\nWritten: {}\n\nhalfstep check says of it:\n", out.display()));
    let checked = Global { config: Some(Source::File(out.clone())), ..global.clone() };
    let verdict = check::check(&checked).await?;
    tell(&made.advice);
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

fn talk(arguments: &InitArguments) -> Result<Talk, Failure> {
    let terminal = run::terminal();
    let manner = match (arguments.yes, arguments.plain, terminal) {
        (true, _, _) => Manner::TakesProposals,
        (false, true, _) | (false, false, Terminal::There | Terminal::Dumb) => Manner::Asks,
        (false, false, Terminal::NotThere) => {
            return Err(Failure::new("init asks questions, and nobody is at a terminal to answer them")
                .next("--yes takes every proposal, --plain reads the answers from standard input"));
        }
    };
    let may_style =
        terminal == Terminal::There && !arguments.plain && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    Talk::new(manner, if may_style { Look::Styled } else { Look::Plain })
}

fn tell(advice: &[Advice]) {
    if advice.is_empty() {
        return;
    }
    say("\nThe balancer's own config could make it better:");
    for Advice { why, change } in advice {
        say(format!("- {}", Printable::new(why)));
        for line in change {
            say(format!("    {}", Printable::new(line)));
        }
    }
}
