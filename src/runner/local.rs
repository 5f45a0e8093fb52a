//! Commands on this machine: the worker as a child in its own session, which stays when we go.
//!
//! Read next: `worker.sh` (what it does), `record` (what it writes).

use super::advice;
use super::record::{End, Process, Record, Who, last_line};
use super::{GRACE, KEPT_OUTPUT, MOST_OUTPUT, WORKER};
use crate::hand::Invocation;
use crate::model::{Exit, Printable};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

/// Between two looks at a command that was started by an engine that is gone.
const LOOK: Duration = Duration::from_millis(50);

/// Ends the command when whoever waits for it goes away.
struct Cancel(Option<Process>);

impl Drop for Cancel {
    fn drop(&mut self) {
        if let Some(worker) = &self.0 {
            worker.cancel();
        }
    }
}

/// Runs it to its end, its limit, or until this future is dropped.
pub async fn run(invocation: &Invocation) -> Exit {
    let record = Record::of(invocation);
    let began = Instant::now();
    if let Err(error) = record.clear() {
        return not_started(&format!("{} cannot be written: {error}", record.file("log").display()));
    }
    let mut child = match spawn(invocation, &record) {
        Ok(child) => child,
        Err(error) => return not_started(&format!("the shell could not be started: {error}")),
    };
    let worker = child.id().and_then(|id| id.try_into().ok()).map(|id| Process { id, started: "-".to_owned() });
    let mut cancel = Cancel(worker);
    let waited = tokio::time::timeout(invocation.timeout + GRACE, child.wait()).await;
    if waited.is_ok() {
        cancel.0 = None;
    }
    let known = waited.ok().and_then(Result::ok).and_then(|status| status.code());
    let end = record.end().or(known.map(|status| End { status, timed_out: false }));
    ended(invocation, &record, end, began.elapsed())
}

fn spawn(invocation: &Invocation, record: &Record) -> io::Result<Box<dyn ChildWrapper>> {
    let mut command = CommandWrap::with_new("sh", |command| {
        command.arg("-c").arg(WORKER).arg("halfstep").arg(record.base());
        command.arg(seconds(invocation.timeout)).arg(&invocation.script);
        command.arg(MOST_OUTPUT.to_string()).arg((KEPT_OUTPUT / 1024).to_string());
        command.envs(invocation.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    });
    command.wrap(ProcessSession);
    Ok(command.spawn()?.into_inner())
}

/// How a command ended that was started by an engine that is gone. `None`: it never began, and now never will.
pub async fn recover(invocation: &Invocation) -> Option<Exit> {
    let record = Record::of(invocation);
    let began = record.began().unwrap_or_else(SystemTime::now);
    let mut cancel = Cancel(None);
    loop {
        let who = record.who();
        if let Some(end) = record.end() {
            cancel.0 = None;
            return Some(ended(invocation, &record, Some(end), record.took()));
        }
        let runs = match &who {
            Who::Nobody if record.declare_never().is_ok() => return None,
            Who::Never => return None,
            Who::Nobody | Who::Unwritten => true,
            Who::Running { worker, group } => {
                cancel.0 = Some(worker.clone());
                worker.is_alive() || group.is_alive()
            }
        };
        let waited = began.elapsed().unwrap_or_default();
        if (!runs && record.end().is_none()) || waited > invocation.timeout + GRACE {
            return Some(ended(invocation, &record, None, waited));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The exit of a command from what its worker wrote.
pub fn ended(invocation: &Invocation, record: &Record, end: Option<End>, took: Duration) -> Exit {
    let tail = record.tail();
    let advice = match end {
        Some(end) => advice::of(invocation, end, &tail),
        None => Some(advice::unknown_end(invocation)),
    };
    Exit {
        status: end.map(|end| end.status),
        timed_out: end.is_some_and(|end| end.timed_out),
        last_line: last_line(&tail),
        took,
        advice,
    }
}

/// The exit of a command that never began.
pub fn not_started(why: &str) -> Exit {
    let last_line = Printable::cut(why, 300);
    let advice = Some(format!("it was not started: {last_line}"));
    Exit { status: None, timed_out: false, last_line, took: Duration::ZERO, advice }
}

/// For `sleep`: whole seconds where that is precise enough, because not every `sleep` takes fractions.
pub fn seconds(limit: Duration) -> String {
    if limit >= Duration::from_secs(10) || limit.subsec_millis() == 0 {
        limit.as_secs().max(1).to_string()
    } else {
        format!("{}.{:03}", limit.as_secs(), limit.subsec_millis())
    }
}
