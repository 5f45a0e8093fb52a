//! The plan, the way back and a drain of the pool that the samples show.

use super::{CURRENT, NEXT};
use halfstep::engine::snapshot::{DrainView, PhaseState, PlanPhaseView, PlanStepView};
use halfstep::model::{GateName, PhaseName, Printable, ServerName};
use std::collections::BTreeMap;

fn step(place: &str, what: &str, commands: &[&str]) -> PlanStepView {
    let commands = commands.iter().map(|command| Printable::new(command)).collect();
    PlanStepView { place: Printable::new(place), what: Printable::new(what), commands, state: PhaseState::ToDo }
}

fn phase(name: PhaseName, does: &str, gates: &[GateName], steps: Vec<PlanStepView>) -> PlanPhaseView {
    PlanPhaseView {
        name,
        does: Printable::new(does),
        stops: matches!(name, PhaseName::Switch | PhaseName::UpdateB | PhaseName::Contract),
        gates: gates.to_vec(),
        price: Printable::new(if name < PhaseName::Switch { "half A back in: instant" } else { "flip back: instant" }),
        steps,
        more: 0,
    }
}

fn change(into: [&str; 3], out: [&str; 3]) -> Vec<PlanStepView> {
    let tell = |names: [&str; 3], state: &str| names.map(|name| format!("set server shop/{name} state {state}")).join("; ");
    let (into_text, out_text) = (tell(into, "ready"), tell(out, "drain"));
    let both = ["lb1", "lb2"].map(|node| [format!("{node}: {into_text}"), format!("{node}: {out_text}")]).concat();
    let commands: Vec<&str> = both.iter().map(String::as_str).collect();
    vec![step("", &format!("in: {} · out: {}", into.join(", "), out.join(", ")), &commands)]
}

const A: [&str; 3] = ["web1", "web2", "web3"];
const B: [&str; 3] = ["web4", "web5", "web6"];

fn update(names: [&str; 3]) -> Vec<PlanStepView> {
    let one = |name: &str| {
        let at = format!("ssh deploy@{name}.dc1");
        [
            ("stop", "sudo systemctl stop shop".to_owned()),
            ("update", format!("shop-link {NEXT}")),
            ("start", "sudo systemctl start shop".to_owned()),
        ]
        .map(|(word, command)| step(name, word, &[&format!("{at} {command}")]))
    };
    names.into_iter().flat_map(one).collect()
}

fn each(names: [&str; 3], what: &str) -> Vec<PlanStepView> {
    names.iter().map(|name| step(name, what, &[])).collect()
}

/// All twelve, as far as the rollout has come.
pub fn forward(at: PhaseName) -> Vec<PlanPhaseView> {
    use GateName::{Capacity, ErrorRate, EveryoneOnNext, Latency, Members, Nodes, Serving, Verified};
    let mut phases = vec![
        phase(PhaseName::Preflight, "connect to every host, run the checks and fetch the release", &[], each(A, "connect")),
        phase(PhaseName::Expand, "run the migrations that add", &[], vec![]),
        phase(
            PhaseName::DrainA,
            "take half A out of rotation and let its requests end",
            &[Nodes, Members, Verified, Serving, Capacity],
            change(B, A),
        ),
        phase(PhaseName::UpdateA, "stop, update and start half A (web1, web2, web3)", &[Nodes], update(A)),
        phase(
            PhaseName::VerifyA,
            "see half A healthy and on next, warm it up and try it",
            &[],
            each(A, "verify, warm up, smoke"),
        ),
        phase(
            PhaseName::Switch,
            "SWITCH: half A (web1, web2, web3) in, half B (web4, web5, web6) out",
            &[Nodes, Members, Verified, Capacity],
            change(A, B),
        ),
        phase(PhaseName::Bake, "watch next while half B stays dark on current", &[], vec![step("", "wait 300 s", &[])]),
        phase(
            PhaseName::UpdateB,
            "stop, update and start half B (web4, web5, web6), then the workers",
            &[Nodes, Serving, Capacity, ErrorRate, Latency],
            update(B),
        ),
        phase(
            PhaseName::VerifyB,
            "see half B healthy and on next, warm it up and try it",
            &[],
            each(B, "verify, warm up, smoke"),
        ),
        phase(
            PhaseName::RejoinB,
            "half B (web4, web5, web6) in",
            &[Nodes, Verified],
            vec![step("", "in: web1, web2, web3, web4, web5, web6", &["lb1: set server shop/web4 state ready"])],
        ),
        phase(
            PhaseName::Contract,
            "run the migrations that remove: there is no way back after it",
            &[Nodes, Members, EveryoneOnNext],
            vec![step("", "contract", &["bin/migrate post"])],
        ),
        phase(PhaseName::Report, "write down the balancer's state and give the lock back", &[], vec![step("", "persist", &[])]),
    ];
    for phase in &mut phases {
        let state = match phase.name.cmp(&at) {
            std::cmp::Ordering::Less => PhaseState::Done,
            std::cmp::Ordering::Equal => PhaseState::Now,
            std::cmp::Ordering::Greater => PhaseState::ToDo,
        };
        phase.steps.iter_mut().for_each(|step| step.state = state);
    }
    phases
}

/// From where half A is on next and dark.
pub fn restore_a() -> Vec<PlanPhaseView> {
    let one = |name: &str| {
        let at = format!("ssh deploy@{name}.dc1");
        [
            ("stop", "sudo systemctl stop shop".to_owned()),
            ("restore", format!("shop-link {CURRENT}")),
            ("start", "sudo systemctl start shop".to_owned()),
        ]
        .map(|(word, command)| step(name, word, &[&format!("{at} {command}")]))
    };
    vec![
        phase(PhaseName::UpdateA, "restore half A (web1, web2, web3) to current", &[], A.into_iter().flat_map(one).collect()),
        phase(PhaseName::VerifyA, "see half A healthy and on current", &[], each(A, "verify")),
        phase(
            PhaseName::RejoinB,
            "everybody in, on current",
            &[],
            vec![step(
                "",
                "in: web1, web2, web3, web4, web5, web6",
                &["lb1: set server shop/web1 state ready", "lb2: set server shop/web1 state ready"],
            )],
        ),
        phase(PhaseName::Report, "write down the balancer's state and give the lock back", &[], vec![step("", "persist", &[])]),
    ]
}

/// From the bake.
pub fn flip_back() -> Vec<PlanPhaseView> {
    let flip = phase(PhaseName::Switch, "FLIP BACK: half B in, half A out", &[], change(B, A));
    std::iter::once(flip).chain(restore_a()).collect()
}

/// The drain of web3, which does not end.
pub fn overdue() -> DrainView {
    DrainView {
        server: ServerName::new("web3"),
        since_ms: 61_000.0,
        left_ms: None,
        timeout_ms: 60_000.0,
        sank: (0..60).map(|second| Some(3 + 38 / (1 + second))).collect(),
        held_by: vec![(Printable::new("lb1"), 2), (Printable::new("lb2"), 1)],
        refused: BTreeMap::new(),
    }
}
