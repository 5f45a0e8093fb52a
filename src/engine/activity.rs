//! What happened, in lines that a person reads: made from events, so that a replay and a new engine show the same.

use super::snapshot::{ActivityView, Tone};
use super::world::{World, words};
use crate::model::moment::millis::as_millis;
use crate::model::{PhaseName, Printable, ServerName, Verdict};
use crate::rollout::event::{Event, Operation, OperationId, Outcome, Purpose, Stamped};
use crate::rollout::fact::Fact;
use crate::rollout::lane::failure;
use crate::rollout::{Command, State, gate};
use std::collections::BTreeMap;
use std::time::Duration;

/// More than a screen ever scrolls through in one night; fewer would lose the beginning of a pool of a thousand.
const KEPT: usize = 400;

/// The lines so far.
#[derive(Debug, Default)]
pub struct Activity {
    pub lines: Vec<ActivityView>,
    /// Counts all lines there ever were.
    pub count: u64,
    asked: BTreeMap<OperationId, Duration>,
}

impl Activity {
    /// Takes an event and what the state made of it.
    pub fn take(&mut self, world: &World, before: Option<&State>, stamped: &Stamped, after: &State) {
        // An event belongs to where it happened, and not to where it led.
        let phase = stands_at(before.unwrap_or(after));
        match &stamped.event {
            Event::Answered { id, outcome } => {
                if let Some(operation) = before.and_then(|before| before.outstanding.get(id)) {
                    let began = self.asked.remove(id).unwrap_or(stamped.at.since_start);
                    let phase = before.and_then(|before| phase_of(before, *id)).unwrap_or(phase);
                    self.push(answered(stamped, phase, *id, operation, outcome, stamped.at.since_start.saturating_sub(began)));
                }
            }
            Event::Commanded { who, command: Command::Note(text), .. } => {
                self.push(line(stamped, phase, who.clone(), text.as_str(), Tone::Warning));
            }
            Event::Commanded { who, command, .. } => {
                self.push(line(stamped, phase, who.clone(), &format!("asks: {command}"), Tone::Plain));
            }
            Event::Saw(fact) => {
                if let Some(view) = saw(before, stamped, phase, fact, after) {
                    self.push(view);
                }
            }
            Event::Resumed { build } => {
                self.push(line(stamped, phase, "engine".into(), &format!("resumed by halfstep {build}"), Tone::Warning));
            }
            Event::Began(beginning) => {
                let text = match beginning.purpose {
                    Purpose::Rollout => "the rollout begins",
                    Purpose::Restart => "the restart begins",
                    Purpose::Switch(_) => "the switch begins",
                };
                self.push(line(stamped, PhaseName::Preflight, "engine".into(), text, Tone::Plain));
            }
            Event::Ended(end) => self.push(line(stamped, phase, "engine".into(), end.word(), Tone::Good)),
            Event::Came(person) => {
                let part = if after.people.driver == Some(person.screen) { "drives" } else { "observes" };
                self.push(line(stamped, phase, person.login.clone(), &format!("came, {part}"), Tone::Plain));
            }
            Event::Left(screen) => {
                if let Some(person) = before.and_then(|before| before.people.at(*screen)) {
                    let drove = before.is_some_and(|before| before.people.driver == Some(*screen));
                    let text = if drove { "left the screen; nobody drives now" } else { "left the screen" };
                    self.push(line(stamped, phase, person.login.clone(), text, Tone::Plain));
                }
            }
            Event::Woke => {}
        }
        // What an event ended stands above what it began.
        for (id, operation) in &after.outstanding {
            let is_new = before.is_none_or(|before| !before.outstanding.contains_key(id));
            if is_new {
                self.asked.insert(*id, stamped.at.since_start);
                self.push(asked(world, after, stamped, *id, operation));
            }
        }
        let held = |state: &State| state.hold.as_ref().map(|hold| hold.why.clone());
        if let Some(why) = held(after)
            && before.and_then(held).as_ref() != Some(&why)
        {
            self.push(line(stamped, stands_at(after), "held".into(), why.as_str(), Tone::Warning));
        }
    }

    fn push(&mut self, view: ActivityView) {
        self.count += 1;
        let view = ActivityView { number: self.count, ..view };
        if self.lines.len() >= KEPT {
            self.lines.remove(0);
        }
        self.lines.push(view);
    }
}

/// The phase in work, or the one before which it stands.
fn stands_at(state: &State) -> PhaseName {
    state.phase().map_or(PhaseName::Report, |phase| phase.name)
}

/// The phase that asked for an operation, while its plan is still the one at work.
fn phase_of(state: &State, id: OperationId) -> Option<PhaseName> {
    let phase = state.plan.phases.get(usize::from(id.phase)).filter(|_| id.plan == state.plan_number)?;
    Some(phase.name)
}

/// Is something being done to that server, so that its being down is no news?
fn is_worked_on(state: &State, server: &ServerName) -> bool {
    state.outstanding.values().any(|operation| operation.interrupts() && operation.servers().contains(server))
}

fn line(stamped: &Stamped, phase: PhaseName, place: Printable, text: &str, tone: Tone) -> ActivityView {
    ActivityView {
        number: 0,
        wall: stamped.at.wall,
        phase,
        place,
        text: Printable::cut(text, 600),
        command: None,
        output: None,
        took_ms: None,
        tone,
    }
}

/// Where an operation happens, in a word or two.
fn place(operation: &Operation) -> Printable {
    match operation {
        Operation::Prepare { node, .. } | Operation::Commit { node, .. } => Printable::new(node.as_str()),
        Operation::Rest(_) | Operation::CutSessions(_) | Operation::Persist => "all nodes".into(),
        Operation::Run { on, .. } if on.is_empty() => "here".into(),
        Operation::Open(_) | Operation::Run { .. } | Operation::WarmUp(_) | Operation::Smoke(_) => {
            Printable::new(&operation.servers().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

fn asked(world: &World, after: &State, stamped: &Stamped, id: OperationId, operation: &Operation) -> ActivityView {
    let phase = phase_of(after, id).unwrap_or_else(|| stands_at(after));
    let raw = world.raw(&after.beginning, operation);
    ActivityView {
        command: (!raw.is_empty()).then(|| Printable::new(&raw.join("; "))),
        output: output(id, operation),
        ..line(stamped, phase, place(operation), &words(operation), Tone::Plain)
    }
}

/// Where a command's output is, in the rollout's directory.
pub(super) fn output(id: OperationId, operation: &Operation) -> Option<String> {
    match operation {
        Operation::Run { kind, .. } => Some(format!("output/{kind}-{id}.log")),
        _ => None,
    }
}

fn answered(
    stamped: &Stamped,
    phase: PhaseName,
    id: OperationId,
    operation: &Operation,
    outcome: &Outcome,
    took: Duration,
) -> ActivityView {
    let (text, tone) = match failure(outcome) {
        Some(why) => (format!("{} failed: {why}", words(operation)), Tone::Bad),
        None => match outcome {
            Outcome::Changed(receipt) => {
                let sent = format!("sent {:.1} ms", as_millis(receipt.took));
                (format!("{}  {sent}  read back", words(operation)), Tone::Good)
            }
            Outcome::Done | Outcome::Exited(_) | Outcome::ChangedAll(_) | Outcome::Failed(_) => {
                (format!("{} done", words(operation)), Tone::Good)
            }
        },
    };
    let sent = match outcome {
        Outcome::Changed(receipt) => receipt.sent.clone(),
        Outcome::ChangedAll(receipts) => receipts.iter().flat_map(|(_, receipt)| receipt.sent.clone()).collect(),
        Outcome::Done | Outcome::Exited(_) | Outcome::Failed(_) => vec![],
    };
    ActivityView {
        command: (!sent.is_empty()).then(|| Printable::new(&sent.join("; "))),
        output: output(id, operation),
        took_ms: Some(as_millis(took)),
        ..line(stamped, phase, place(operation), &text, tone)
    }
}

fn saw(before: Option<&State>, stamped: &Stamped, phase: PhaseName, fact: &Fact, after: &State) -> Option<ActivityView> {
    match fact {
        Fact::Server { server, seen } => {
            let old = before.and_then(|before| before.facts.servers.get(server));
            let changed =
                old.is_none_or(|old| old.health != seen.health || old.version != seen.version || old.stale != seen.stale);
            let verified = after.verified_now(server);
            (changed && !is_worked_on(after, server)).then(|| {
                let version = seen.version.as_ref().map(|version| format!(" on {version}")).unwrap_or_default();
                let why = seen.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                let stale = if seen.stale { " (not heard of lately)" } else { "" };
                let tone = if verified { Tone::Good } else { Tone::Plain };
                line(stamped, phase, Printable::new(server.as_str()), &format!("is {}{version}{why}{stale}", seen.health), tone)
            })
        }
        Fact::Node { node, seen } => {
            let text = match (&seen.trouble, before.and_then(|before| before.facts.nodes.get(node))) {
                (Some(trouble), _) => format!("cannot be read: {trouble}"),
                (None, Some(old)) if old.heard && old.seen.generation != seen.generation => "restarted or reloaded".to_owned(),
                (None, _) => "answers".to_owned(),
            };
            let tone = if seen.trouble.is_some() { Tone::Bad } else { Tone::Plain };
            Some(line(stamped, phase, Printable::new(node.as_str()), &text, tone))
        }
        Fact::Window(window) => {
            let thrown_back = window.flip_flops.map(|count| format!(", {count} flip-flops")).unwrap_or_default();
            let text = format!(
                "mixed-version window {} · {} probe requests, {} failed{thrown_back}",
                window_words(window),
                window.requests,
                window.failed
            );
            // It is told when the last answer of the old version has come, and that may be in the bake.
            Some(line(stamped, PhaseName::Switch, "switch".into(), &text, Tone::Good))
        }
        Fact::MemberGone { node, member } => {
            Some(line(stamped, phase, Printable::new(node.as_str()), &format!("{member} is not listed any more"), Tone::Warning))
        }
        Fact::Traffic(_) => gate::bake_fails(after)
            .filter(|gate| gate.verdict == Verdict::Fail && before.is_none_or(|before| gate::bake_fails(before).is_none()))
            .map(|gate| line(stamped, phase, "gate".into(), &format!("{} fails: {}", gate.name, gate.text), Tone::Bad)),
        Fact::Member { .. } => None,
    }
}

/// A window as the screen and the report show it: never without how it was had.
#[must_use]
pub fn window_words(fact: &crate::rollout::fact::WindowFact) -> String {
    use crate::model::WindowSource;
    let window = &fact.window;
    let length = as_millis(window.length);
    match window.source {
        WindowSource::Exact => format!("{length:.1} ms (exact)"),
        WindowSource::Probe if window.length <= window.resolution => format!("≤ {:.0} ms (probe)", as_millis(window.resolution)),
        WindowSource::Probe => format!("{length:.0} ms (probe)"),
        WindowSource::Estimated => format!("{length:.1} ms (estimated)"),
    }
}
