//! Follows a rollout without a console, to its end, a hold or the engine's death: as lines for people, or as JSON events.

use super::engine::how_it_ended;
use crate::cli::ExitStatus;
use crate::cli::text::say;
use crate::engine::client::{Client, News};
use crate::engine::snapshot::{ActivityView, OutcomeWord, Pace, PhaseState, PhaseView, Purpose, ServerState, Snapshot};
use crate::engine::view;
use crate::model::{Failure, PhaseName, Printable, Verdict};
use crate::rollout::Command;
use serde_json::json;
use std::path::Path;

/// How what happens is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// A line for each event.
    Lines,
    /// A JSON object for each event.
    Json,
    /// Nothing but errors.
    Nothing,
}

/// When following ends before the rollout does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At every hold and stop: nobody is there to press a key.
    Held,
    /// At the end only; a look after a flip back is passed by. For `rollback`.
    RolledBack,
}

/// Follows the rollout of that directory until then. Answers with how it ended.
pub async fn follow(mut client: Client, rollout: &Path, print: Print, until: Until) -> Result<ExitStatus, Failure> {
    // What was before an order was given is told by `halfstep report`.
    let seen = client.snapshot.rollout.activity_count;
    let mut printer = Printer { print, phase: None, purpose: None, seen, held: None };
    let mut signals = signals()?;
    loop {
        let news = tokio::select! {
            news = client.news() => news,
            _ = signals.0.recv() => { hold(&mut client).await; continue }
            _ = signals.1.recv() => { hold(&mut client).await; continue }
        };
        match news {
            News::Answer { refused, .. } => {
                if let Some(why) = refused {
                    eprintln!("refused: {why}");
                }
            }
            News::Gone => {
                if let Some(outcome) = &client.snapshot.rollout.outcome {
                    return Ok(outcome.word.into());
                }
                let died =
                    || Failure::new("the engine died").next("halfstep resume goes on with it, halfstep rollback goes back");
                return as_it_ended(rollout, print).ok_or_else(died);
            }
            News::Snapshot => {
                let snapshot = client.snapshot.clone();
                printer.show(&snapshot);
                if let Some(outcome) = &snapshot.rollout.outcome {
                    printer.finished(&snapshot, outcome.word, outcome.text.as_str());
                    return Ok(outcome.word.into());
                }
                if let Some(status) = stopped(&mut client, &snapshot, until, &mut printer).await? {
                    return Ok(status);
                }
            }
        }
    }
}

/// How the rollout of that directory ended, told from its journal: for who came when its engine had gone, or whose last
/// news was lost. `None` where it has not ended.
#[must_use]
pub fn as_it_ended(rollout: &Path, print: Print) -> Option<ExitStatus> {
    let outcome = view::outcome(&how_it_ended(&rollout.join("journal.jsonl"))?);
    let name = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let mut snapshot = Snapshot::default();
    snapshot.rollout.id = name(Some(rollout));
    snapshot.rollout.pool = name(rollout.parent());
    snapshot.rollout.outcome = Some(outcome.clone());
    let printer = Printer { print, phase: Some(PhaseName::Report), purpose: None, seen: 0, held: None };
    printer.finished(&snapshot, outcome.word, outcome.text.as_str());
    Some(outcome.word.into())
}

/// Is it at a stop where nobody will press a key?
async fn stopped(
    client: &mut Client,
    snapshot: &Snapshot,
    until: Until,
    printer: &mut Printer,
) -> Result<Option<ExitStatus>, Failure> {
    if !snapshot.rollout.needs_person {
        return Ok(None);
    }
    let looks = snapshot.rollout.held.is_none() && snapshot.rollout.pace == Pace::StepByStep;
    let back = snapshot.rollout.purpose == Purpose::RollingBack;
    // What was asked is answered before it is shown: as long as it could be asked again, this was before.
    if until == Until::RolledBack && !back && !snapshot.prompt.refused.contains_key(Command::RollBack.word()) {
        return Ok(None);
    }
    if until == Until::RolledBack && back && looks && !snapshot.prompt.enter.is_empty() {
        client.send(Some(snapshot.prompt.number), Command::Go).await?;
        return Ok(None);
    }
    let failed = snapshot.rollout.failed;
    let word = if failed { OutcomeWord::Failed } else { OutcomeWord::Held };
    let why = snapshot.rollout.held.clone().unwrap_or_else(|| Printable::new(&format!("waits for: {}", snapshot.prompt.enter)));
    let fails = snapshot.gates.iter().filter(|gate| gate.verdict == Verdict::Fail);
    let fails: String = fails.map(|gate| format!(" · the gate {} fails: {}", gate.name, gate.text)).collect();
    let said = if failed { String::new() } else { fails };
    printer.finished(snapshot, word, &format!("{why}{said}"));
    Ok(Some(word.into()))
}

async fn hold(client: &mut Client) {
    let _ = client.send(None, Command::Hold).await;
}

struct Printer {
    print: Print,
    phase: Option<PhaseName>,
    purpose: Option<Purpose>,
    /// Activity lines printed so far, by the last one's stamp and number.
    seen: u64,
    held: Option<Printable>,
}

impl Printer {
    fn show(&mut self, snapshot: &Snapshot) {
        let current = |phase: &PhaseView| matches!(phase.state, PhaseState::Now | PhaseState::Failed);
        if let Some(now) = snapshot.phases.iter().position(current) {
            let told = snapshot.phases.iter().position(|phase| Some(phase.name) == self.phase);
            // A phase may begin and end between two looks; one plan's phases follow each other.
            let since =
                told.filter(|told| self.purpose == Some(snapshot.rollout.purpose) && *told <= now).map_or(now, |told| told + 1);
            self.purpose = Some(snapshot.rollout.purpose);
            for phase in snapshot.phases.iter().take(now + 1).skip(since).filter(|phase| phase.state != PhaseState::Nothing) {
                self.phase = Some(phase.name);
                self.event(snapshot, "phase", &json!({ "purpose": snapshot.rollout.purpose }), &format!("── {}", phase.name));
            }
        }
        let new = snapshot.rollout.activity_count.saturating_sub(self.seen);
        let skip = snapshot.activity.len().saturating_sub(usize::try_from(new).unwrap_or(usize::MAX));
        for line in &snapshot.activity[skip..] {
            self.activity(line);
        }
        self.seen = snapshot.rollout.activity_count;
        if snapshot.rollout.held != self.held {
            self.held.clone_from(&snapshot.rollout.held);
            if let Some(why) = &snapshot.rollout.held {
                // An activity line has said it.
                self.event(snapshot, "held", &json!({ "why": why, "enter": snapshot.prompt.enter }), "");
            }
        }
    }

    fn activity(&self, line: &ActivityView) {
        match self.print {
            Print::Lines => {
                let time = line.wall.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S");
                let command =
                    line.command.as_ref().map(|raw| format!("  {}", Printable::cut(raw.as_str(), 300))).unwrap_or_default();
                say(format!("{time} {:<9} {:<8} {}{command}", line.phase, line.place, line.text));
            }
            Print::Json => say(json!({
                "event": "activity", "at": line.wall, "phase": line.phase, "place": line.place, "text": line.text,
                "command": line.command, "took_ms": line.took_ms, "tone": line.tone,
            })
            .to_string()),
            Print::Nothing => {}
        }
    }

    fn event(&self, snapshot: &Snapshot, event: &str, more: &serde_json::Value, text: &str) {
        match self.print {
            Print::Lines if !text.is_empty() => say(text),
            Print::Json => {
                let mut object =
                    json!({ "event": event, "at": jiff::Timestamp::now(), "phase": self.phase, "pool": snapshot.rollout.pool });
                if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
                    object.extend(more.clone());
                }
                say(object.to_string());
            }
            Print::Lines | Print::Nothing => {}
        }
    }

    fn finished(&self, snapshot: &Snapshot, word: OutcomeWord, text: &str) {
        let status: ExitStatus = word.into();
        let ways = if snapshot.rollout.outcome.is_none() { ways(snapshot) } else { vec![] };
        let more = json!({ "outcome": word, "text": text, "exit": status.code(), "rollout": snapshot.rollout.id, "ways": ways });
        let window = snapshot.traffic.mixed_window.as_ref().map(|window| format!(" · mixed window {window}")).unwrap_or_default();
        self.event(
            snapshot,
            "finished",
            &more,
            &format!(
                "{}: {text}{window}",
                serde_json::to_value(word).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
            ),
        );
        if self.print == Print::Lines {
            ways.iter().for_each(|way| say(format!("  {way}")));
        }
    }
}

type Signals = (tokio::signal::unix::Signal, tokio::signal::unix::Signal);

fn signals() -> Result<Signals, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let trouble = |error: std::io::Error| Failure::new(format!("signals cannot be caught: {error}"));
    Ok((signal(SignalKind::terminate()).map_err(trouble)?, signal(SignalKind::interrupt()).map_err(trouble)?))
}

/// What can be done now from any shell, each with what it does.
fn ways(snapshot: &Snapshot) -> Vec<String> {
    let allowed = |word: &str| !snapshot.prompt.refused.contains_key(word);
    let mut ways = Vec::new();
    if allowed("go") && !snapshot.prompt.enter.is_empty() {
        ways.push(format!("halfstep go: {}", snapshot.prompt.enter));
    }
    for server in snapshot.servers.iter().filter(|server| server.state == ServerState::Failed) {
        if allowed("cut") {
            ways.push(format!("halfstep cut {} --how wait|go-on|kill|put-back: what to do with its requests", server.name));
        }
        if allowed("retry") {
            ways.push(format!("halfstep retry {}: its failed step again", server.name));
        }
        if allowed("exclude") {
            ways.push(format!("halfstep exclude {}: leave it out to the end", server.name));
        }
    }
    if allowed("rollback") {
        ways.push(format!("halfstep rollback: {}", snapshot.price.text));
    }
    ways
}
