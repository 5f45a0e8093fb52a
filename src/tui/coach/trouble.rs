//! What went wrong, or who stopped it: what it means for the users now, and the keys that lead on, with what each costs.

use super::figures::{Figures, capital, cut, short};
use super::moment::{Failing, Moment};
use super::{Advice, Lead};
use crate::engine::snapshot::{GateView, NodeView, ServerView};
use crate::model::{Half, PhaseName, Printable};
use crate::rollout::state::Cause;

/// The words for a moment of trouble.
#[must_use]
pub fn advise(figures: &Figures, moment: &Moment) -> Advice {
    match moment {
        Moment::EngineGone => engine_gone(figures),
        Moment::HungUp => hung_up(figures),
        Moment::Journal(why) => journal(figures, why),
        Moment::Failed(failing) => failed(figures, failing),
        Moment::Held(cause, why, phase) => held(figures, *cause, why, *phase),
        Moment::ErrorsInBake(gate) => errors(figures, gate),
        Moment::NodeLost(node, phase) => node_lost(figures, node, *phase),
        Moment::Over(_)
        | Moment::GateOpen(..)
        | Moment::WillGoBack
        | Moment::Look
        | Moment::Back(_)
        | Moment::Next(_)
        | Moment::Runs(_) => Advice::new(String::new(), String::new()),
    }
}

/// Who serves, in a sentence: the first thing that one wants to know when something is wrong.
fn users(figures: &Figures) -> String {
    let half = |half: Half| figures.half(half).serves();
    let (current, next) = (&figures.current, &figures.next);
    let changed = |half: Half| {
        let next = figures.snapshot.rollout.next.as_ref();
        figures.half(half).members.iter().any(|server| server.version.is_some() && server.version.as_ref() == next)
    };
    match (half(Half::A), half(Half::B)) {
        (true, true) => format!("users are served: {} by all {} servers", figures.load(), figures.a.count() + figures.b.count()),
        (true, false) => {
            format!(
                "users are served: half A answers {} on {}",
                figures.whole_load(),
                if changed(Half::A) { next } else { current }
            )
        }
        (false, true) => {
            format!(
                "users are served: half B answers {} on {}",
                figures.whole_load(),
                if changed(Half::B) { next } else { current }
            )
        }
        (false, false) => "no server of the two halves is in rotation as far as is known".to_owned(),
    }
}

fn failed(figures: &Figures, failing: &Failing) -> Advice {
    match failing {
        Failing::WrongVersion(server, version) => wrong_version(figures, server, version.as_str()),
        Failing::Unhealthy(server) => unhealthy(figures, server),
        Failing::Command(server, doing) => command_failed(figures, server, doing),
        Failing::SwitchReverted(why) => switch_reverted(figures, why),
        Failing::SwitchBroken(why) => switch_broken(figures, why),
        Failing::NoServer(why) => no_server(figures, why),
    }
}

/// The ways on from one failed server.
fn ways(figures: &Figures, server: &ServerView) -> String {
    let name = short(server.name.as_str());
    let rest = server.half().map_or(0, |half| figures.half(half).count().saturating_sub(1));
    let half = server.half().map(|half| format!(" of half {half}")).unwrap_or_default();
    format!("‹r› tries {name} again; ‹x› leaves it out, and {rest}{half} carry its share.")
}

fn wrong_version(figures: &Figures, server: &ServerView, version: &str) -> Advice {
    let name = short(server.name.as_str());
    Advice::new(
        format!("{name} answers {}", short(version)),
        format!("{name} is up, and answers {} although its update said ok. {}", short(version), ways(figures, server)),
    )
    .with(
        Lead::Why,
        format!("only what a server answers counts: switched in like this, two versions would serve. Now {}.", users(figures)),
    )
    .with(Lead::See, "‹l›, then Enter on a command: what stop, update and start printed; often the old process still runs.")
    .with(Lead::Out, figures.out())
}

fn unhealthy(figures: &Figures, server: &ServerView) -> Advice {
    let name = short(server.name.as_str());
    let why = server.why.as_ref().map(|why| format!(": {}", cut(why.as_str(), 70))).unwrap_or_default();
    Advice::new(
        format!("{name} is not healthy"),
        format!("{name} did not become healthy in time{why}. {}", ways(figures, server)),
    )
    .with(Lead::Why, format!("a server that is not healthy gets no users. Nobody notices: {}.", users(figures)))
    .with(Lead::See, "its own log tells most; ‹l›, then Enter, shows what its start command printed. Put it right, then ‹r›.")
    .with(Lead::Out, figures.out())
}

fn command_failed(figures: &Figures, server: &ServerView, doing: &Printable) -> Advice {
    let name = short(server.name.as_str());
    Advice::new(format!("a command failed on {name}"), format!("{name}: {}. {}", cut(doing.as_str(), 80), ways(figures, server)))
        .with(Lead::Why, format!("what runs elsewhere finishes, nothing new begins. Now {}.", users(figures)))
        .with(Lead::See, "‹l›, then Enter on the red line: the command's whole output, and its exit status.")
        .with(Lead::Out, figures.out())
}

fn switch_reverted(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "the change did not happen".to_owned(),
        format!("All of {} are as they were before: {}. Enter tries again.", figures.nodes(), cut(why.as_str(), 110)),
    )
    .with(Lead::Why, format!("a change of the balancer is whole or not at all; {}.", users(figures)))
    .with(Lead::See, "each node's own words in Activity; ‹p› shows the gates.")
    .with(Lead::Out, figures.out())
}

fn switch_broken(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "the nodes do not agree".to_owned(),
        format!("{}. Look at the nodes themselves first: Enter tells them all once more.", capital(&cut(why.as_str(), 150))),
    )
    .with(Lead::Why, format!("halfstep does not guess which of {} is right: two versions may be serving.", figures.nodes()))
    .with(Lead::See, "what each node says, beside its name; the raw commands under ‹l› can be sent by hand.")
    .with(Lead::Out, figures.out())
}

fn no_server(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "a step failed".to_owned(),
        format!("{}. Enter tries it again; now {}.", capital(&cut(why.as_str(), 120)), users(figures)),
    )
    .with(Lead::Why, "nothing that comes after it begins before it went well, or before you go back.")
    .with(Lead::See, "‹l›, then Enter on the red line: what the command printed, and its exit status.")
    .with(Lead::Out, figures.out())
}

fn errors(figures: &Figures, gate: &GateView) -> Advice {
    let (current, next) = (&figures.current, &figures.next);
    Advice::new(
        format!("{} answers worse", next),
        format!(
            "Since the switch {next} does worse than {current} did: {}. ‹R›, then Enter, puts half B back.",
            cut(gate.text.as_str(), 90)
        ),
    )
    .with(Lead::Why, format!("half B ({}) still runs {current}, for just this moment: {}.", figures.b.names(), figures.price()))
    .with(Lead::See, "the errors per second beside the rows of half A, and in which requests under your own app's log.")
    .with(Lead::Out, "waiting is allowed too: update B begins only when the figure is good.")
}

fn node_lost(figures: &Figures, node: &NodeView, phase: PhaseName) -> Advice {
    let name = short(node.name.as_str());
    let why = node.trouble.as_ref().map(|why| cut(why.as_str(), 90)).unwrap_or_default();
    Advice::new(
        format!("{} · {name} does not answer", figures.step(phase)),
        format!("The balancer {name} cannot be read: {why}. It may still serve; what it does is not known."),
    )
    .with(Lead::Why, "no step that changes the balancer begins until every node was read; figures from before are old.")
    .with(Lead::See, format!("whether {name} runs, and its socket or page from this machine. It is asked again all the time."))
    .with(Lead::Out, figures.out())
}

fn held(figures: &Figures, cause: Cause, why: &Printable, phase: PhaseName) -> Advice {
    match cause {
        Cause::Drain => overdue(figures, phase),
        Cause::Drift => drift(figures, why),
        Cause::Version => two_versions(figures, why),
        Cause::Capacity => too_few(figures, why),
        Cause::Gate => gate_shut(figures, why),
        Cause::Promise => promise(figures, why),
        Cause::Asked | Cause::Stop | Cause::Failure => asked(figures, why, phase),
    }
}

fn asked(figures: &Figures, why: &Printable, phase: PhaseName) -> Advice {
    Advice::new(
        format!("{} · held", figures.step(phase)),
        format!("It is {}: what ran has finished or finishes, nothing new begins. Enter goes on.", cut(why.as_str(), 60)),
    )
    .with(Lead::Why, "Space only ever holds: it can be pressed at any time and breaks nothing off.")
    .with(Lead::See, super::figures::sentences([format!("{}.", users(figures)), figures.at_half()]))
    .with(Lead::Out, figures.out())
}

fn overdue(figures: &Figures, phase: PhaseName) -> Advice {
    let half = if phase >= PhaseName::UpdateB { Half::B } else { Half::A };
    let team = figures.half(half);
    let busy = team.members.iter().find(|server| server.in_flight.is_some_and(|count| count > 0));
    let name = busy.map_or("the server".to_owned(), |server| short(server.name.as_str()));
    let estimated = busy.is_some_and(|server| server.in_flight_estimated);
    let count = if estimated { format!("{}, estimated", team.in_flight()) } else { team.holders() };
    Advice::new(
        format!("{name} does not run empty"),
        format!("Half {half} gets nothing new, and {name} still answers somebody: in flight {count}. ‹d› shows four ways on."),
    )
    .with(Lead::Why, "a long download or an open connection; stopped now, that user sees an error. Cutting is yours to decide.")
    .with(
        Lead::See,
        "wait costs time only; go on and kill cost those users an error; put back goes back. At 0 it goes on by itself.",
    )
    .with(Lead::Out, figures.out())
}

fn drift(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "somebody changed the balancer".to_owned(),
        format!("{}. Ask first who it was, and why.", capital(&cut(why.as_str(), 150))),
    )
    .with(Lead::Why, "a node that restarted is put right at once; one that a person changed is a question, not a mistake.")
    .with(Lead::See, format!("the column rotation against what you expect; {}.", users(figures)))
    .with(Lead::Out, figures.out())
}

fn two_versions(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "two versions serve".to_owned(),
        format!("{}. Somebody else put it there or changed it.", capital(&cut(why.as_str(), 150))),
    )
    .with(Lead::Why, format!("pages of {} may ask for parts that {} does not have.", figures.next, figures.current))
    .with(Lead::See, "the version column: which server it is. Take it out of rotation, or bring it to the version of its half.")
    .with(Lead::Out, figures.out())
}

fn too_few(figures: &Figures, why: &Printable) -> Advice {
    let up =
        figures.a.members.iter().chain(&figures.b.members).filter(|server| server.rotation == Some(crate::model::Rotation::In));
    let (mut of, mut alive) = (0, 0);
    for server in up {
        of += 1;
        alive += usize::from(server.health == crate::model::Health::Up);
    }
    Advice::new(
        "too little serves".to_owned(),
        format!("{}. Up of those in rotation: {alive} of {of}, for {}.", cut(why.as_str(), 130), figures.load()),
    )
    .with(Lead::Why, "going on would take more away. Users come first, the rollout second.")
    .with(Lead::See, "health of the rows that are in; req/s of those that are left.")
    .with(Lead::Out, figures.out())
}

fn gate_shut(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "a gate does not pass".to_owned(),
        format!(
            "{}. It went on by itself until here; Enter asks the gate again and goes on when it passes.",
            capital(&cut(why.as_str(), 150))
        ),
    )
    .with(Lead::Why, "nobody was there to look, so it holds rather than waits unseen.")
    .with(Lead::See, format!("‹p›: every gate with its figure; an unknown one can be accepted there. Now {}.", users(figures)))
    .with(Lead::Out, figures.out())
}

fn promise(figures: &Figures, why: &Printable) -> Advice {
    Advice::new(
        "stopped by a promise".to_owned(),
        format!("The next step would break a promise of halfstep: {}.", cut(why.as_str(), 150)),
    )
    .with(Lead::Why, "some things are never done, whoever asks: the last server is not taken out, nobody is cut off unasked.")
    .with(Lead::See, format!("what has changed since the step was planned; now {}.", users(figures)))
    .with(Lead::Out, figures.out())
}

fn journal(figures: &Figures, why: &Printable) -> Advice {
    Advice::new("the journal".to_owned(), format!("{}.", capital(&cut(why.as_str(), 170))))
        .with(Lead::Why, "nothing is done that is not written down first, so that a crash can be gone on from.")
        .with(Lead::See, format!("room on the disk of the state directory (df). Now {}.", users(figures)))
        .with(Lead::Out, "nothing is lost by waiting: it goes on by itself as soon as it can write.")
}

fn engine_gone(figures: &Figures) -> Advice {
    Advice::new(
        "the engine is gone".to_owned(),
        "The engine of this rollout died; the servers and the balancer go on as they were told last. ‹q›, then: halfstep resume."
            .to_owned(),
    )
    .with(Lead::Why, "all that was done is in the journal, written before it was done: a new engine goes on from there.")
    .with(Lead::See, format!("this picture is the last one: {}, and nothing in it is newer.", figures.load()))
    .with(Lead::Out, "halfstep rollback goes back instead; halfstep status tells what is known.")
}

fn hung_up(figures: &Figures) -> Advice {
    Advice::new(
        "this screen was let go".to_owned(),
        "The engine closed this screen and goes on with the rollout. ‹q›, then halfstep attach: the same place again.".to_owned(),
    )
    .with(Lead::Why, "a screen that takes nothing for long is not waited for.")
    .with(Lead::See, format!("{} when it was last seen; halfstep status tells how it is now.", figures.load()))
    .with(Lead::Out, "from any shell: halfstep hold, halfstep rollback.")
}
