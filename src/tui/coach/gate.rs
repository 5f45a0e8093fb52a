//! What stands in the way of the next step, gate by gate: not yet, no, or not known.

use super::figures::{Figures, capital, cut, sentences};
use super::forward::title;
use super::{Advice, Lead};
use crate::engine::snapshot::GateView;
use crate::model::{GateName, PhaseName, Verdict};

/// The words for a gate that does not pass.
#[must_use]
pub fn advise(figures: &Figures, phase: PhaseName, gate: &GateView) -> Advice {
    let verdict = match gate.verdict {
        Verdict::Wait => "not yet",
        Verdict::Fail => "no",
        Verdict::Unknown => "unknown",
        Verdict::Pass | Verdict::Off => "passes",
    };
    let said = cut(gate.text.as_str(), 150);
    let now = format!("{} cannot begin: {} ({verdict}): {said}.", capital(title(phase)), question(gate.name));
    Advice::new(format!("{} · gate {}", figures.step(phase), gate.name), now)
        .with(Lead::Why, why(figures, gate.name))
        .with(Lead::See, sentences([way_on(figures, gate), figures.at_half()]))
        .with(Lead::Out, figures.out())
}

/// What the gate asks.
fn question(name: GateName) -> &'static str {
    match name {
        GateName::Nodes => "does every node do as it was told?",
        GateName::Members => "do we know everybody in the pool?",
        GateName::Verified => "are those who come in healthy and on their version?",
        GateName::Drained => "is nothing in flight any more?",
        GateName::Restarted => "did everybody really restart?",
        GateName::Serving => "are enough servers up?",
        GateName::Capacity => "can half of the pool carry the load?",
        GateName::ErrorRate => "does next answer as well as current did?",
        GateName::Latency => "does next answer as fast as current did?",
        GateName::EveryoneOnNext => "does everybody answer next?",
        GateName::Migrations => "is it known when each migration runs?",
    }
}

fn why(figures: &Figures, name: GateName) -> String {
    let (current, next) = (&figures.current, &figures.next);
    match name {
        GateName::Nodes => {
            format!("{} decide who gets requests: acting on what nobody can see would be guessing.", figures.nodes())
        }
        GateName::Members => "a server that nobody named would stay on the old version and go on serving.".to_owned(),
        GateName::Verified => "no server gets users' requests before it was seen healthy and on its version.".to_owned(),
        GateName::Drained => "whoever is in flight on a stopped server sees an error.".to_owned(),
        GateName::Restarted => "a restart that did not happen looks just like one that did.".to_owned(),
        GateName::Serving => format!("{} must be answered by what is left.", figures.whole_load()),
        GateName::Capacity => format!("with half of the pool out, the rest has to answer {}.", figures.whole_load()),
        GateName::ErrorRate => format!("half B still runs {current}: as long as it does, going back from {next} costs nothing."),
        GateName::Latency => format!("what is slow for one half is slower for all; {current} is still one act away."),
        GateName::EveryoneOnNext => format!("the migrations that remove would break whoever still runs {current}."),
        GateName::Migrations => format!("what only {next} lives with must not run while {current} serves."),
    }
}

/// What helps.
fn way_on(figures: &Figures, gate: &GateView) -> String {
    let waits = "it is asked again all the time and passes by itself.";
    match (gate.name, gate.verdict) {
        (name, Verdict::Unknown) if name.may_be_accepted() => {
            format!("wait for more figures; or ‹p›, choose {name}, Enter: you accept it by name, with a reason that is kept.")
        }
        (GateName::Nodes, Verdict::Unknown) => {
            format!("see whether {} runs and can be reached from here; {waits}", figures.nodes())
        }
        (GateName::Nodes, _) => format!("a node that lost its state is told again; {waits}"),
        (GateName::Members, _) => "name it as [[server]] or in [pool] ignore, and begin again: ‹R›, then a new run.".to_owned(),
        (GateName::Verified, _) => format!("look at the rows of those servers; {waits} ‹x› leaves one out to the end."),
        (GateName::Restarted, _) => {
            "‹r› starts the selected server anew; [version] instance in the config would prove it.".to_owned()
        }
        (GateName::Serving, _) => "bring up what is down among those in rotation, or go back.".to_owned(),
        (GateName::Capacity, _) => {
            "wait for a quieter hour; the gate passes as soon as the load fits. Space holds so long.".to_owned()
        }
        (GateName::ErrorRate | GateName::Latency, _) => {
            "‹R› is the answer that costs least. The figure counts since the switch, so it falls when errors stop.".to_owned()
        }
        (GateName::EveryoneOnNext, _) => {
            "bring those named to next; one that is gone for good is declared so: exclude it, then ‹x› and its name.".to_owned()
        }
        (GateName::Migrations, _) => {
            "‹m›, choose the migration, then o: you say expand or contract, with a reason that is kept.".to_owned()
        }
        (GateName::Drained, _) => waits.to_owned(),
    }
}
