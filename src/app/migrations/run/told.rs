//! What `halfstep migrations run` prints: a line for each thing that happens, for people or as JSON, and how it ended.

use crate::cli::ExitStatus;
use crate::cli::migrations::EventsAs;
use crate::engine::pending::progress_file;
use crate::migrate::run::report::Listener;
use crate::migrate::run::{Ended, Event, Job};
use crate::migration::progress::{Blocker, ContractStep, Progress, StepState};
use crate::migration::{Phase, Reversible};
use std::io::Write as _;
use std::path::Path;

/// Files that this run leaves alone stay in a rollout's document, in front of those that it runs.
pub fn keep_others(progress: &mut Progress, rollout: Option<&Path>) {
    let text = rollout.and_then(|rollout| std::fs::read_to_string(progress_file(rollout)).ok()).unwrap_or_default();
    let Ok(before) = serde_json::from_str::<Progress>(&text) else { return };
    let mut files: Vec<_> =
        before.files.into_iter().filter(|file| !progress.files.iter().any(|own| own.name == file.name)).collect();
    files.append(&mut progress.files);
    progress.files = files;
    progress.config = before.config;
    progress.remarks = before.remarks;
}

/// What a contract or a way back takes away, before its word is typed.
pub fn before(job: &Job, step: Option<ContractStep>) {
    for file in &job.files {
        println!("{}", crate::model::Printable::new(&file.name));
        for statement in &file.statements {
            let waits = step == Some(ContractStep::Detach) && statement.step() == ContractStep::Drop;
            let word = match (waits, statement.judgement.reversible) {
                (true, _) => "  later   ",
                (false, Reversible::DataLoss) => "  is gone ",
                (false, _) => "          ",
            };
            let line: Vec<&str> = statement.text.split_whitespace().collect();
            println!("{word}{}", crate::model::Printable::cut(&line.join(" "), 160));
            if waits {
                break;
            }
        }
    }
}

/// Prints events as they come.
#[must_use]
pub fn listener(as_json: bool) -> Listener {
    Box::new(move |event| {
        let line = if as_json { serde_json::to_string(event).unwrap_or_default() } else { line(event) };
        // A reader that has read enough is no reason to stop.
        let _ = writeln!(std::io::stdout(), "{line}");
    })
}

fn line(event: &Event) -> String {
    match event {
        Event::Remark { text } => format!("note: {text}"),
        Event::File { file, state } => format!("{file}: {}", word(*state)),
        Event::Statement { file, line, text, state, took_ms, error } => {
            let took = took_ms.filter(|_| *state == StepState::Done).map(|took| format!(" in {took:.0} ms")).unwrap_or_default();
            let why = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            format!("{file}:{line} {}{took}  {text}{why}", word(*state))
        }
        Event::Retry { file, line, tries, waits_for } => {
            format!("{file}:{line} no lock, try {tries} is over{}", in_the_way(waits_for))
        }
        Event::Batch { file, line, batch } => {
            let of = batch.rows_total.map(|total| format!(" of about {total}")).unwrap_or_default();
            let left = batch.seconds_left.map(|left| format!(", about {left:.0} s left")).unwrap_or_default();
            let (rate, size) = (batch.rows_a_second, batch.size);
            format!("{file}:{line} {}{of} rows, {rate:.0} rows/s in batches of {size}{left}", batch.rows_done)
        }
        Event::Verified { file, line, diverged } => format!("{file}:{line} verified: {diverged} rows differ"),
    }
}

fn in_the_way(blockers: &[Blocker]) -> String {
    blockers.first().map_or_else(String::new, |one| {
        format!("; in the way: session {} ({}), {} s: {}", one.id, one.who, one.seconds, one.query)
    })
}

fn word(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "waits",
        StepState::Running => "runs",
        StepState::Paused => "paused",
        StepState::Done => "done",
        StepState::Failed => "failed",
        StepState::Unclear => "unclear",
    }
}

/// How it ended; without a phase: on the way back.
pub fn ended(ended: Ended, phase: Option<Phase>, events: EventsAs) -> ExitStatus {
    let what = match (ended, phase) {
        (Ended::Done, None) => "taken back: the schema is as it was before",
        (Ended::Done, Some(Phase::Contract)) => "contract is done",
        (Ended::Done, _) => "expand is done: both versions live with the schema as it is now",
        (Ended::HeldBack, _) => "detached; the drops wait: halfstep migrations run --phase contract",
        (Ended::Stopped, _) => "stopped; run it again, and it goes on from here",
    };
    match events {
        EventsAs::Text => println!("{what}"),
        EventsAs::Json => println!("{}", serde_json::json!({ "event": "ended", "what": what })),
    }
    ended.into()
}
