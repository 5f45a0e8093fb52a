//! What the plain screen prints: snapshots in, lines out, each change once. Pure but for the time zone.
//!
//! Figures come only when they matter: of a wait after ten seconds, then more and more seldom, and when `status` asks.

use super::Seat;
use super::coach::Coach;
use crate::engine::snapshot::{
    ActivityView, GateView, PhaseState, PhaseView, PromptView, Purpose, ServerState, ServerView, Snapshot,
};
use crate::model::{GateName, Half, PhaseName, Printable, Verdict};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// More lines than this from before somebody came are told by `halfstep report`.
const EARLIER: u64 = 30;
/// Of the commands behind a prompt so many are printed with it; `plan` prints all.
const COMMANDS: usize = 3;
/// A raw command is cut to this; the journal has it whole.
const LONGEST: usize = 160;
/// As many commands are on their way at once at most, in a pool of ordinary size.
const REMEMBERED: usize = 32;
/// The first word about a wait comes after this; each next one after twice as long, up to [`SELDOM`].
const OFTEN: Duration = Duration::from_secs(10);
const SELDOM: Duration = Duration::from_secs(60);
/// A person who is waited for is told again so often.
const REMIND: Duration = Duration::from_secs(300);

/// What was printed so far.
#[derive(Debug)]
pub struct Teller {
    seat: Seat,
    phase: Option<(Purpose, PhaseName)>,
    /// Activity lines there were; `None` before the first snapshot.
    seen: Option<u64>,
    prompt: u64,
    /// The prompt's own words, since a number may go up without them changing.
    asked: String,
    gates: BTreeMap<GateName, Verdict>,
    /// Commands that were printed of late: that one is done is said without saying it again.
    commands: VecDeque<Printable>,
    wait: Option<Wait>,
    /// Explains, where that is wanted.
    coach: Option<Coach>,
}

/// A wait that goes on.
#[derive(Debug)]
struct Wait {
    what: String,
    next: Instant,
    gap: Duration,
}

impl Teller {
    pub fn new(seat: Seat) -> Teller {
        Teller {
            seat,
            phase: None,
            seen: None,
            prompt: 0,
            asked: String::new(),
            gates: BTreeMap::new(),
            commands: VecDeque::new(),
            wait: None,
            coach: None,
        }
    }

    /// With the coach's words.
    pub fn guided(self) -> Teller {
        Teller { coach: Some(Coach::default()), ..self }
    }

    /// The number of the prompt that was printed last: all of that moment was printed with it.
    pub fn prompt(&self) -> u64 {
        self.prompt
    }

    /// What is new.
    pub fn show(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let mut lines = Vec::new();
        if self.seen.is_none() {
            lines.push(title(snapshot));
            match self.seat {
                Seat::Driver => lines.push("help lists the words that can be typed".to_owned()),
                Seat::Observer => lines.push("this screen only watches; status, price, plan and quit can be typed".to_owned()),
            }
        }
        self.phases(snapshot, &mut lines);
        self.activity(snapshot, &mut lines);
        self.gates(snapshot, &mut lines);
        self.prompts(snapshot, &mut lines);
        if let Some(coach) = &mut self.coach {
            lines.extend(coach.show(snapshot, self.seat));
        }
        lines
    }

    fn phases(&mut self, snapshot: &Snapshot, lines: &mut Vec<String>) {
        let current = |phase: &PhaseView| matches!(phase.state, PhaseState::Now | PhaseState::Failed);
        let Some(now) = snapshot.phases.iter().position(current) else { return };
        let purpose = snapshot.rollout.purpose;
        // A phase may begin and end between two looks; one plan's phases follow each other.
        let since = match self.phase {
            None => now,
            Some((of, _)) if of != purpose => {
                lines.push(title(snapshot));
                0
            }
            Some((_, told)) => {
                let told = snapshot.phases.iter().position(|phase| phase.name == told);
                told.filter(|told| *told <= now).map_or(now, |told| told + 1)
            }
        };
        for (place, phase) in snapshot.phases.iter().enumerate().take(now + 1).skip(since) {
            if phase.state != PhaseState::Nothing {
                self.phase = Some((purpose, phase.name));
                lines.push(format!("phase {}, {} of {}", phase.name, place + 1, snapshot.phases.len()));
            }
        }
    }

    fn activity(&mut self, snapshot: &Snapshot, lines: &mut Vec<String>) {
        let count = snapshot.rollout.activity_count;
        let new = match self.seen {
            Some(seen) => count.saturating_sub(seen),
            None if count > EARLIER => {
                lines.push(format!("{count} lines were told before: halfstep report"));
                0
            }
            None => count,
        };
        self.seen = Some(count);
        let skip = snapshot.activity.len().saturating_sub(usize::try_from(new).unwrap_or(usize::MAX));
        lines.extend(snapshot.activity[skip..].iter().map(|line| self.happened(line)));
    }

    fn happened(&mut self, line: &ActivityView) -> String {
        let time = line.wall.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S");
        let new = line.command.as_ref().filter(|raw| !self.commands.contains(raw));
        let command = new.map(|raw| format!("  $ {}", Printable::cut(raw.as_str(), LONGEST))).unwrap_or_default();
        if let Some(raw) = new.cloned() {
            self.commands.push_front(raw);
            self.commands.truncate(REMEMBERED);
        }
        let text = line.text.as_str().split("  ").collect::<Vec<_>>().join(", ");
        format!("{time} {}: {text}{command}", line.place)
    }

    /// Gates in the way, when what they say changes; their figures change all the time.
    fn gates(&mut self, snapshot: &Snapshot, lines: &mut Vec<String>) {
        for gate in &snapshot.gates {
            let before = self.gates.insert(gate.name, gate.verdict);
            let was_bad = before.is_some_and(|verdict| !is_good(verdict));
            if before != Some(gate.verdict) && (!is_good(gate.verdict) || was_bad) {
                lines.push(self::gate(gate));
            }
        }
        self.gates.retain(|name, _| snapshot.gates.iter().any(|gate| gate.name == *name));
    }

    fn prompts(&mut self, snapshot: &Snapshot, lines: &mut Vec<String>) {
        let prompt = &snapshot.prompt;
        let asked = format!("{} {:?} {:?}", prompt.enter, prompt.typed_word, prompt.refused.get("go"));
        if prompt.number == self.prompt && asked == self.asked {
            return;
        }
        (self.prompt, self.asked) = (prompt.number, asked);
        lines.extend(self::prompt(prompt));
        let has_prompt = !prompt.enter.is_empty() || prompt.typed_word.is_some();
        if has_prompt && !snapshot.price.text.is_empty() {
            lines.push(format!("rolling back now: {}", snapshot.price.text));
        }
    }

    /// A word about what is waited for, if it is time for one.
    pub fn wait(&mut self, snapshot: &Snapshot, now: Instant) -> Option<String> {
        let (what, first) = match (&snapshot.prompt.waiting_for, snapshot.rollout.needs_person) {
            (_, true) => ("you".to_owned(), REMIND),
            (Some(what), false) => (what.to_string(), OFTEN),
            (None, false) => {
                self.wait = None;
                return None;
            }
        };
        match &mut self.wait {
            Some(wait) if wait.what == what => {
                if now < wait.next {
                    return None;
                }
                wait.gap = (wait.gap * 2).min(SELDOM).max(first);
                wait.next = now + wait.gap;
                Some(waiting(snapshot, &what))
            }
            Some(_) | None => {
                self.wait = Some(Wait { what, next: now + first, gap: first });
                None
            }
        }
    }
}

fn is_good(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Off)
}

fn version(version: Option<&crate::model::Version>) -> String {
    version.map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn title(snapshot: &Snapshot) -> String {
    let rollout = &snapshot.rollout;
    let (current, next) = (version(rollout.current.as_ref()), version(rollout.next.as_ref()));
    match rollout.purpose {
        Purpose::Rollout => format!("{} from {current} to {next}, rollout {}", rollout.pool, rollout.id),
        Purpose::Restart => format!("{} is restarted on {current}, rollout {}", rollout.pool, rollout.id),
        Purpose::Switch => format!("{} is switched to a known state, rollout {}", rollout.pool, rollout.id),
        Purpose::RollingBack => format!("{} goes back from {next} to {current}, rollout {}", rollout.pool, rollout.id),
    }
}

fn gate(gate: &GateView) -> String {
    format!("gate {} {}: {}", gate.name, gate.verdict, gate.text)
}

fn prompt(prompt: &PromptView) -> Vec<String> {
    let mut lines = Vec::new();
    match &prompt.typed_word {
        Some(_) => lines.push(format!("prompt {}: contract now, or contract later", prompt.number)),
        None if prompt.enter.is_empty() => return lines,
        None => match prompt.refused.get("go") {
            Some(why) => lines.push(format!("prompt {}: then {}; not yet, {why}", prompt.number, prompt.enter)),
            None => lines.push(format!("prompt {}: go is: {}", prompt.number, prompt.enter)),
        },
    }
    lines.extend(prompt.commands.iter().take(COMMANDS).map(|raw| format!("  $ {}", Printable::cut(raw.as_str(), LONGEST))));
    if prompt.commands.len() > COMMANDS {
        lines.push(format!("  and {} more commands: plan lists them", prompt.commands.len() - COMMANDS));
    }
    lines
}

fn waiting(snapshot: &Snapshot, what: &str) -> String {
    let left = match snapshot.prompt.countdown_ms {
        Some(left) if what != "you" => format!(", {} left", clock(left)),
        Some(_) | None => String::new(),
    };
    let prompt = if what == "you" { format!(", prompt {}", snapshot.prompt.number) } else { String::new() };
    let half = snapshot.rollout.at_half_ms.map(|time| format!("; at half capacity for {}", clock(time))).unwrap_or_default();
    format!("waiting for {what}{left}{prompt}; {}{half}", traffic(snapshot))
}

fn traffic(snapshot: &Snapshot) -> String {
    let traffic = &snapshot.traffic;
    let errors = traffic.errors_per_second.map(|errors| format!(", {errors:.0} errors a second")).unwrap_or_default();
    format!("{}{errors}", traffic.capacity)
}

fn clock(milliseconds: f64) -> String {
    let seconds = (milliseconds.max(0.0) / 1000.0) as u64;
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// Where everything stands.
pub fn status(snapshot: &Snapshot) -> Vec<String> {
    let rollout = &snapshot.rollout;
    let mut lines = vec![title(snapshot)];
    let at = snapshot.phases.iter().find(|phase| !matches!(phase.state, PhaseState::Done | PhaseState::Nothing));
    if let Some(phase) = at {
        let took = phase.took_ms.map(|took| format!(", for {}", clock(took))).unwrap_or_default();
        lines.push(format!("phase {}{took}", phase.name));
    }
    lines.extend(rollout.held.as_ref().map(|why| format!("held: {why}")));
    if let (Some(_), false) = (&snapshot.prompt.waiting_for, rollout.needs_person) {
        lines.push(waiting(snapshot, snapshot.prompt.waiting_for.as_ref().map_or("", Printable::as_str)));
    } else {
        lines.push(traffic(snapshot));
    }
    for half in Half::BOTH {
        lines.extend(
            snapshot.servers.iter().filter(|one| one.half() == Some(half)).map(|one| server(one, &format!(", half {half}"))),
        );
    }
    lines.extend(snapshot.servers.iter().filter(|one| one.half().is_none()).map(|one| server(one, "")));
    for node in &snapshot.nodes {
        lines.extend(node.trouble.as_ref().map(|why| format!("{} cannot be read: {why}", node.name)));
    }
    let by_version: Vec<String> =
        snapshot.traffic.by_version.iter().map(|(version, rate)| format!("{version} {rate:.0} a second")).collect();
    if !by_version.is_empty() {
        lines.push(format!("requests by version: {}", by_version.join(", ")));
    }
    lines.extend(snapshot.traffic.mixed_window.as_ref().map(|window| format!("mixed window {window}")));
    lines.extend(prompt(&snapshot.prompt));
    lines.push(format!("rolling back now: {}", snapshot.price.text));
    let people = &rollout.people;
    let driver = people.driving().map_or_else(|| "nobody".to_owned(), |driver| driver.login.to_string());
    lines.push(format!("driver {driver}, {} watching", people.there.len() - usize::from(people.driving().is_some())));
    lines
}

fn server(server: &ServerView, half: &str) -> String {
    let rotation = server.rotation.map(|rotation| format!(", {rotation}")).unwrap_or_default();
    let rate = server.requests_per_second.map(|rate| format!(", {rate:.0} a second")).unwrap_or_default();
    let doing = server.doing.as_ref().map(|doing| format!(", {doing}")).unwrap_or_default();
    let failed = if server.state == ServerState::Failed && server.doing.is_none() { ", failed" } else { "" };
    let why = server.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let stale = if server.stale { ", not heard of lately" } else { "" };
    format!(
        "{}{half}{rotation}, {}{why}, {}{rate}{doing}{failed}{stale}",
        server.name,
        server.health,
        version(server.version.as_ref())
    )
}

/// What going back costs now, and what would be done.
pub fn price(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec![format!("rolling back now: {}", snapshot.price.text)];
    lines.extend(snapshot.price.steps.iter().map(|step| format!("  {step}")));
    lines
}

/// Phases, gates, and all commands of the next step.
pub fn plan(snapshot: &Snapshot) -> Vec<String> {
    let named = |state: PhaseState| {
        let names: Vec<&str> =
            snapshot.phases.iter().filter(|phase| phase.state == state).map(|phase| phase.name.word()).collect();
        names.join(" ")
    };
    let told =
        [("done", PhaseState::Done), ("now", PhaseState::Now), ("failed", PhaseState::Failed), ("to come", PhaseState::ToDo)];
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|(title, state)| (title, named(state)))
        .filter(|(_, names)| !names.is_empty())
        .map(|(title, names)| format!("{title}: {names}"))
        .collect();
    lines.extend(snapshot.gates.iter().map(gate));
    if !snapshot.prompt.enter.is_empty() {
        lines.push(format!("next: {}", snapshot.prompt.enter));
    }
    lines.extend(snapshot.prompt.commands.iter().map(|raw| format!("  $ {raw}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::snapshot::{PriceView, Tone};

    fn snapshot(number: u64, enter: &str, at: PhaseName) -> Snapshot {
        let phases = PhaseName::ALL.iter().map(|name| PhaseView {
            name: *name,
            state: match name.cmp(&at) {
                std::cmp::Ordering::Less => PhaseState::Done,
                std::cmp::Ordering::Equal => PhaseState::Now,
                std::cmp::Ordering::Greater => PhaseState::ToDo,
            },
            took_ms: None,
        });
        let mut snapshot = Snapshot { phases: phases.collect(), ..Snapshot::default() };
        snapshot.rollout.pool = "shop".into();
        snapshot.prompt.number = number;
        snapshot.prompt.enter = enter.into();
        snapshot.price = PriceView { text: "nothing to undo".into(), ..PriceView::default() };
        snapshot
    }

    fn happened(snapshot: &mut Snapshot, text: &str) {
        snapshot.rollout.activity_count += 1;
        snapshot.activity.push(ActivityView {
            number: snapshot.rollout.activity_count,
            wall: jiff::Timestamp::UNIX_EPOCH,
            phase: PhaseName::DrainA,
            place: "lb1".into(),
            text: text.into(),
            command: Some("set server shop/web1 state drain".into()),
            output: None,
            took_ms: None,
            tone: Tone::Plain,
        });
    }

    #[test]
    fn each_change_is_told_once_and_a_prompt_with_its_number() {
        let mut teller = Teller::new(Seat::Driver);
        let mut now = snapshot(3, "drain half A", PhaseName::DrainA);
        happened(&mut now, "prepare the change  read back");
        let first = teller.show(&now);
        assert!(first.iter().any(|line| line == "phase drain-a, 3 of 12"), "{first:?}");
        assert!(
            first.iter().any(|line| line.ends_with("lb1: prepare the change, read back  $ set server shop/web1 state drain"))
        );
        assert!(first.iter().any(|line| line == "prompt 3: go is: drain half A"), "{first:?}");
        assert_eq!(teller.prompt(), 3);
        assert!(teller.show(&now).is_empty(), "nothing changed");
        happened(&mut now, "done");
        let lines = teller.show(&now);
        assert!(lines.len() == 1 && lines[0].ends_with("lb1: done"), "the command was told: {lines:?}");
        let later = snapshot(4, "SWITCH", PhaseName::Switch);
        let lines = teller.show(&later);
        assert_eq!(lines[0], "phase update-a, 4 of 12", "a phase that passed between two looks is told");
        assert!(lines.iter().any(|line| line == "prompt 4: go is: SWITCH"), "{lines:?}");
    }

    #[test]
    fn a_wait_is_told_after_ten_seconds_and_then_more_seldom() {
        let mut teller = Teller::new(Seat::Driver);
        let mut now = snapshot(3, "", PhaseName::Bake);
        now.prompt.waiting_for = Some("bake".into());
        now.prompt.countdown_ms = Some(290_000.0);
        let begun = Instant::now();
        let told: Vec<u64> =
            (0..300).filter(|second| teller.wait(&now, begun + Duration::from_secs(*second)).is_some()).collect();
        assert_eq!(told, [10, 30, 70, 130, 190, 250]);
        assert_eq!(waiting(&now, "bake"), "waiting for bake, 04:50 left; ");
        now.rollout.needs_person = true;
        let told = (300..1000).filter(|second| teller.wait(&now, begun + Duration::from_secs(*second)).is_some()).count();
        assert_eq!(told, 2, "a person is reminded every five minutes");
    }

    #[test]
    fn a_gate_is_told_when_its_verdict_changes_and_not_its_figures() {
        let mut teller = Teller::new(Seat::Observer);
        let mut now = snapshot(3, "", PhaseName::Bake);
        let gate = |verdict, text: &str| vec![GateView { name: GateName::Capacity, verdict, text: text.into() }];
        now.gates = gate(Verdict::Pass, "10 of 100");
        assert!(!teller.show(&now).iter().any(|line| line.starts_with("gate")));
        now.gates = gate(Verdict::Fail, "101 of 100");
        assert_eq!(teller.show(&now), ["gate capacity fail: 101 of 100"]);
        now.gates = gate(Verdict::Fail, "102 of 100");
        assert!(teller.show(&now).is_empty());
        now.gates = gate(Verdict::Pass, "99 of 100");
        assert_eq!(teller.show(&now), ["gate capacity pass: 99 of 100"]);
    }

    #[test]
    fn status_has_a_line_for_each_server_and_names_no_prompt_that_is_none() {
        let now = snapshot(3, "", PhaseName::Bake);
        let lines = status(&now);
        assert!(lines.iter().any(|line| line == "phase bake"), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("prompt")));
        assert_eq!(plan(&now)[1], "now: bake");
    }
}
