//! What a rollout did, from its journal alone: the engine may be dead, the config gone. It decides what a report holds
//! and how it is named in JSON (`docs/report.md`); it refuses to know how it is printed.
//!
//! Read next: [`collect`] (what each event adds), [`changes`] (commits, and the measured windows that belong to them),
//! `cli::report` (text and Markdown).

mod changes;
mod collect;
#[cfg(test)]
pub(crate) mod play;
pub mod samples;
#[cfg(test)]
mod tests;

use super::turn::{self, Entry};
use super::view::held_by_failure;
use crate::journal::{Line, TornTail};
use crate::model::{Failure, Half, PhaseName, Printable, Release, ServerName, Version, WindowSource};
use crate::rollout::event::Purpose;
use crate::rollout::fact::Tally;
use crate::rollout::plan::Direction;
use crate::rollout::state::Cause;
use crate::rollout::{End, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Goes up when a key of the JSON changes its meaning or goes away; new keys do not raise it.
pub const FORMAT: u32 = 1;

/// What a rollout did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    pub pool: Printable,
    /// The rollout's name: that of its directory.
    pub rollout: Printable,
    /// Where its journal lies and its commands' output; `None` where only lines were given.
    pub directory: Option<Printable>,
    pub purpose: Purpose,
    pub current: Version,
    pub next: Version,
    /// What the update command was given, and what it is given on the way back.
    pub release: Release,
    pub from: Release,
    pub who: Printable,
    pub why: Option<Printable>,
    pub began: Timestamp,
    /// When the last line of the journal was written, where there is no end.
    pub ended: Timestamp,
    pub seconds: f64,
    /// How long only one half served.
    pub half_capacity_seconds: f64,
    pub outcome: Outcome,
    pub contract: ContractState,
    pub phases: Vec<PhaseReport>,
    /// The changes that took the traffic from one half to the other.
    pub switches: Vec<SwitchReport>,
    /// All else that the balancer was told: drains, rejoins, rests.
    pub changes: Vec<ChangeReport>,
    pub errors: Traffic,
    pub decisions: Vec<Decision>,
    pub holds: Vec<HoldReport>,
    pub failures: Vec<FailureReport>,
    pub servers: Vec<ServerReport>,
    pub left_alone: Vec<LeftAlone>,
    /// What a node lost or somebody changed, what was done about it, and when it could not be read.
    pub drift: Vec<DriftReport>,
    /// When a new engine went on after the old one died.
    pub resumes: Vec<ResumeReport>,
    /// What the reader of this report has to know about it, as a torn last line.
    pub notes: Vec<Printable>,
}

/// How it ended, or where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub word: Word,
    /// One sentence.
    pub text: Printable,
}

/// The ends, and the ways to have none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Done,
    RolledBack,
    Abandoned,
    /// The journal has no end, and it is not known whether an engine works on it.
    Unfinished,
    /// An engine works on it.
    Running,
    /// An engine holds it, as somebody asked.
    Held,
    /// An engine holds it, as something failed.
    Failed,
}

/// Is an engine alive that works on the rollout?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Alive,
    /// Dead, or not known: the journal is all there is.
    Unknown,
}

/// The post-deployment migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractState {
    /// The config has none.
    None,
    /// Not run in this rollout, and none is pending.
    NotRun,
    Done,
    /// `halfstep contract` is to run them.
    Pending,
}

/// One phase, as often as it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseReport {
    pub phase: PhaseName,
    pub direction: Direction,
    pub start: Timestamp,
    /// To the end of the phase, or of the journal where the phase did not end.
    pub seconds: f64,
    /// Was it left, to the next phase or to the way back?
    pub ended: bool,
}

/// A change that took the traffic to a half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SwitchReport {
    pub phase: PhaseName,
    pub to_half: Half,
    /// Who was put in and who was taken out, by name.
    #[serde(default, rename = "in")]
    pub into: Vec<Printable>,
    #[serde(default)]
    pub out: Vec<Printable>,
    pub at: Timestamp,
    /// From the first request that reached the new version to the last that reached the old one; `None` if never had.
    pub mixed_window_ms: Option<f64>,
    pub how: Option<WindowSource>,
    /// What the figure is good to, where requests measured it.
    pub resolution_ms: Option<f64>,
    /// The figure as people read it, with how it was had.
    pub text: Printable,
    /// Did every node say afterwards what it was asked for?
    pub agreed: bool,
    pub nodes: Vec<NodeReport>,
    /// Requests of the probe in the meantime, and those not answered well.
    pub requests: u64,
    pub failed: u64,
}

/// Another change of the balancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeReport {
    pub phase: PhaseName,
    pub at: Timestamp,
    pub kind: ChangeKind,
    /// What, in a few words.
    pub text: Printable,
    pub agreed: bool,
    pub nodes: Vec<NodeReport>,
}

/// What a change of the balancer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Members in and out, one version before and after.
    Rotation,
    /// A node told once more what it had lost.
    Repair,
    /// Drained members fully out.
    Rest,
    /// What was in flight, cut.
    CutSessions,
    /// The balancer's state, written down.
    Persist,
}

/// What one node did with a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    pub node: Printable,
    /// The commands as sent, of all attempts. What a failed attempt sent is not in the journal.
    pub sent: Vec<Printable>,
    /// Of the last attempt that was answered.
    pub took_ms: Option<f64>,
    /// Did it say afterwards what it was asked for? `None`: it was not read back, as nothing in rotation changed.
    pub read_back: Option<bool>,
    pub attempts: u16,
    /// Why not, if not.
    pub why: Option<Printable>,
}

/// Traffic as the balancers counted it: of current before the switch, of next since.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Traffic {
    pub before: Option<TallyReport>,
    pub since: Option<TallyReport>,
}

/// Requests, errors and time over a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TallyReport {
    pub requests: u64,
    pub errors: u64,
    /// Errors by requests, 0 to 1; `None` without requests.
    pub error_rate: Option<f64>,
    /// Mean answer time, where it is known.
    pub time_ms: Option<f64>,
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub at: Timestamp,
    pub phase: PhaseName,
    /// A login, or `halfstep` where a rule of the config decided.
    pub who: Printable,
    /// The command's word, as `rollback`.
    pub command: Printable,
    pub text: Printable,
}

/// A time in which nothing new began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldReport {
    pub at: Timestamp,
    pub phase: PhaseName,
    pub cause: Cause,
    pub why: Printable,
    /// To its end, or to the last line of the journal.
    pub seconds: f64,
    pub ended: bool,
}

/// Something that did not work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureReport {
    pub at: Timestamp,
    pub phase: PhaseName,
    /// The servers or the node that it is about; empty for migrations.
    pub on: Vec<Printable>,
    pub operation: Printable,
    pub why: Printable,
    /// Where the command's output is in [`Report::directory`], if it is one.
    pub output: Option<Printable>,
}

/// One server at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerReport {
    pub name: ServerName,
    /// `A`, `B`, `observed`, or the worker's role.
    pub part: Printable,
    /// What it answered last.
    pub version: Option<Version>,
    /// Which it should answer.
    pub expected: Version,
    /// Was it, when last seen, healthy and on that version?
    pub verified: bool,
    /// Rotation and weight when it was found and at the end, as the nodes said.
    pub found: Option<MemberReport>,
    pub end: Option<MemberReport>,
    /// Left out to the end, since it failed or somebody said so.
    pub excluded: bool,
    /// Declared gone for good.
    pub gone: bool,
    /// Left alone from the beginning.
    pub left: bool,
    /// Was its drain cut, at any time?
    pub cut: bool,
}

/// A member of the balancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// `in`, `draining`, `out`, or a list where nodes disagree.
    pub rotation: Printable,
    /// The balancer's weight, where a node told it in the answer to a change.
    pub weight: Option<u32>,
}

/// What was not touched, or not to the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftAlone {
    pub name: Printable,
    pub why: Printable,
}

/// A node that did not say what it was told, or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    pub at: Timestamp,
    pub node: Printable,
    pub what: Printable,
}

/// A new engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResumeReport {
    pub at: Timestamp,
    pub build: Printable,
    /// Since the last line of the engine before it.
    pub silent_seconds: f64,
}

impl Report {
    /// Makes it from the lines of a journal. `id` is the rollout's name. A journal that another build wrote, and that this
    /// one would have decided otherwise somewhere, is told as far as both agree, with a note.
    ///
    /// Fails when there is no line, or one that cannot be read.
    pub fn of(id: &str, lines: &[Line], torn: Option<&TornTail>, life: Life) -> Result<Report, Failure> {
        let entries = turn::entries(lines)?;
        let (mut report, rest) = collect::report(id, &entries, life)?;
        if let Some(rest) = rest {
            report.notes.push(rest);
        }
        if let Some(torn) = torn.filter(|_| life == Life::Unknown) {
            let text = format!("line {} of the journal was torn in a crash and is left out ({} bytes)", torn.line, torn.bytes);
            report.notes.push(Printable::new(&text));
        }
        Ok(report)
    }

    /// Are post-deployment migrations, pending when it ended, done since? `halfstep contract` leaves a mark beside the journal.
    pub fn contract_was_done_later(&mut self) {
        if self.contract == ContractState::Pending {
            self.contract = ContractState::Done;
            self.outcome.text = "done; contract was run later".into();
        }
    }
}

impl From<Tally> for TallyReport {
    fn from(tally: Tally) -> TallyReport {
        let rate = (tally.requests > 0).then(|| tally.errors as f64 / tally.requests as f64);
        TallyReport { requests: tally.requests, errors: tally.errors, error_rate: rate, time_ms: tally.time_ms }
    }
}

/// How it ended, or where it stands.
fn outcome(state: &State, end: Option<&End>, life: Life) -> Outcome {
    if let Some(end) = end {
        let word = match end {
            End::Done | End::ContractPending => Word::Done,
            End::RolledBack => Word::RolledBack,
            End::Abandoned(_) => Word::Abandoned,
        };
        return Outcome { word, text: Printable::new(&state.told(end)) };
    }
    let phase = state.phase().map_or(PhaseName::Report, |phase| phase.name);
    let back = if state.plan.direction == Direction::Back { " on the way back" } else { "" };
    let place = match &state.hold {
        Some(hold) => format!("held at {phase}{back}: {}", hold.why),
        None => format!("at {phase}{back}"),
    };
    let (word, text) = match (life, &state.hold) {
        (Life::Unknown, _) => (Word::Unfinished, format!("no end in the journal; {place}")),
        (Life::Alive, None) => (Word::Running, place),
        (Life::Alive, Some(_)) if held_by_failure(state) => (Word::Failed, place),
        (Life::Alive, Some(_)) => (Word::Held, place),
    };
    Outcome { word, text: Printable::new(&text) }
}

/// Of all entries, those that [`turn::fold`] follows, and why it stops where it stops.
fn fold(entries: &[Entry], mut look: impl FnMut(Option<&State>, &Entry, &State)) -> Result<(State, Option<Failure>), Failure> {
    let mut followed = 0;
    let whole = turn::fold(entries, |before, entry, after| {
        followed += 1;
        look(before, entry, after);
    });
    match whole {
        Ok((state, _)) => Ok((state, None)),
        Err(why) if followed == 0 => Err(why),
        Err(why) => {
            let (state, _) = turn::fold(&entries[..followed], |_, _, _| {})?;
            Ok((state, Some(why)))
        }
    }
}
