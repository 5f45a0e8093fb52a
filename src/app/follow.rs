//! Follows a rollout without a console, to its end, a hold or the engine's death: as lines for people, or as JSON events.

use super::engine::how_it_ended;
use super::report;
use crate::cli::text::say;
use crate::cli::{Again, ExitStatus};
use crate::engine::client::{Client, News};
use crate::engine::home::RolloutDir;
use crate::engine::report::Life;
use crate::engine::snapshot::{ActivityView, OutcomeWord, Pace, PhaseState, PhaseView, Purpose, ServerState, Snapshot};
use crate::engine::view;
use crate::model::{Failure, PhaseName, Printable, Verdict};
use crate::rollout::Command;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Of a raw command so much stands in a line; all of it is among the events, and in `halfstep report --format markdown`.
const MOST_COMMAND: usize = 100;

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

/// Follows the rollout of that directory until then. Answers with how it ended. Ways on are told as `again` has them typed.
pub async fn follow(
    mut client: Client,
    rollout: &Path,
    print: Print,
    until: Until,
    again: &Again,
) -> Result<ExitStatus, Failure> {
    // What was before an order was given is told by `halfstep report`.
    let seen = client.snapshot.rollout.activity_count;
    let mut printer = Printer { seen, ..Printer::new(print, again) };
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
    let mut outcome = view::outcome(&how_it_ended(&rollout.join("journal.jsonl"))?);
    let name = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let dir = RolloutDir { id: name(Some(rollout)), path: rollout.to_owned() };
    if let Ok(report) = report::of(&dir, Life::Unknown) {
        outcome.text = report.outcome.text;
    }
    let mut snapshot = Snapshot::default();
    snapshot.rollout.id = dir.id;
    snapshot.rollout.pool = name(rollout.parent());
    snapshot.rollout.outcome = Some(outcome.clone());
    let nothing_more = Again::default();
    let printer = Printer { phase: Some(PhaseName::Report), ..Printer::new(print, &nothing_more) };
    printer.finished(&snapshot, outcome.word, outcome.text.as_str());
    Some(outcome.word.into())
}

/// Is it at a stop where nobody will press a key?
async fn stopped(
    client: &mut Client,
    snapshot: &Snapshot,
    until: Until,
    printer: &mut Printer<'_>,
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

struct Printer<'a> {
    print: Print,
    again: &'a Again,
    phase: Option<PhaseName>,
    purpose: Option<Purpose>,
    /// Activity lines printed so far, by the last one's stamp and number.
    seen: u64,
    held: Option<Printable>,
    /// The command that was printed last for each place: it is not printed once more when it is answered.
    commands: BTreeMap<Printable, Printable>,
}

impl<'a> Printer<'a> {
    fn new(print: Print, again: &'a Again) -> Printer<'a> {
        Printer { print, again, phase: None, purpose: None, seen: 0, held: None, commands: BTreeMap::new() }
    }

    fn show(&mut self, snapshot: &Snapshot) {
        let new = snapshot.rollout.activity_count.saturating_sub(self.seen);
        let skip = snapshot.activity.len().saturating_sub(usize::try_from(new).unwrap_or(usize::MAX));
        let one_plan = self.purpose.is_none_or(|purpose| purpose == snapshot.rollout.purpose);
        for line in &snapshot.activity[skip..] {
            // A plan that was given up has its phases no more.
            if one_plan {
                self.reach(snapshot, line.phase);
            }
            self.activity(line);
        }
        self.seen = snapshot.rollout.activity_count;
        if !one_plan {
            self.phase = None;
        }
        self.purpose = Some(snapshot.rollout.purpose);
        let current = |phase: &&PhaseView| matches!(phase.state, PhaseState::Now | PhaseState::Failed);
        if let Some(now) = snapshot.phases.iter().find(current) {
            self.reach(snapshot, now.name);
        }
        if snapshot.rollout.held != self.held {
            self.held.clone_from(&snapshot.rollout.held);
            if let Some(why) = &snapshot.rollout.held {
                // An activity line has said it.
                self.event(snapshot, "held", &json!({ "why": why, "enter": snapshot.prompt.enter }), "");
            }
        }
    }

    /// Tells the phases that have begun since the last one that was told, up to that one: one may begin and end between
    /// two looks.
    fn reach(&mut self, snapshot: &Snapshot, phase: PhaseName) {
        let place = |name| snapshot.phases.iter().position(|phase| phase.name == name);
        let Some(now) = place(phase) else { return };
        let since = self.phase.and_then(place).map_or(now, |told| told + 1);
        let has_begun = |phase: &&PhaseView| match phase.state {
            PhaseState::Now | PhaseState::Done | PhaseState::Failed => true,
            PhaseState::ToDo | PhaseState::Nothing => false,
        };
        for phase in snapshot.phases.iter().take(now + 1).skip(since).filter(has_begun) {
            self.phase = Some(phase.name);
            self.event(snapshot, "phase", &json!({ "purpose": snapshot.rollout.purpose }), &format!("── {}", phase.name));
        }
    }

    fn activity(&mut self, line: &ActivityView) {
        match self.print {
            Print::Lines => {
                let time = line.wall.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S");
                let command = self.news(line).map(|raw| format!("  $ {}", Printable::cut(raw.as_str(), MOST_COMMAND)));
                let text = self.again.tell(line.text.as_str());
                say(format!("{time} {:<9} {:<8} {text}{}", line.phase, line.place, command.unwrap_or_default()));
            }
            Print::Json => say(json!({
                "event": "activity", "at": line.wall, "phase": line.phase, "place": line.place, "text": line.text,
                "command": line.command, "took_ms": line.took_ms, "tone": line.tone,
            })
            .to_string()),
            Print::Nothing => {}
        }
    }

    /// Its command, unless it is the one that was told last for that place.
    fn news<'b>(&mut self, line: &'b ActivityView) -> Option<&'b Printable> {
        let command = line.command.as_ref()?;
        let last = self.commands.insert(line.place.clone(), command.clone());
        (last.as_ref() != Some(command)).then_some(command)
    }

    fn event(&self, snapshot: &Snapshot, event: &str, more: &serde_json::Value, text: &str) {
        match self.print {
            Print::Lines if !text.is_empty() => say(text),
            Print::Json => {
                let phase = self.phase.unwrap_or_else(|| next_phase(snapshot));
                let mut object =
                    json!({ "event": event, "at": jiff::Timestamp::now(), "phase": phase, "pool": snapshot.rollout.pool });
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
        let ways: Vec<String> = ways.iter().map(|way| self.again.tell(way)).collect();
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

/// The one before which it stands.
fn next_phase(snapshot: &Snapshot) -> PhaseName {
    let open = |phase: &&PhaseView| !matches!(phase.state, PhaseState::Done | PhaseState::Nothing);
    snapshot.phases.iter().find(open).map_or(PhaseName::Report, |phase| phase.name)
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
