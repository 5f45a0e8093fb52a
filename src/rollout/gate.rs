//! What must hold before the next phase, read from facts. Unknown never passes by itself.

use super::event::Purpose;
use super::fact::Tally;
use super::plan::{Direction, Stage, Wish};
use super::state::State;
use crate::model::{Aim, GateName, Half, Health, Printable, Rotation, ServerName, Verdict};

#[cfg(test)]
mod tests;

/// A gate and what it says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateReading {
    pub name: GateName,
    pub verdict: Verdict,
    pub text: Printable,
}

/// The gates before the phase at which we stand.
#[must_use]
pub fn readings(state: &State) -> Vec<GateReading> {
    state.phase().map_or_else(Vec::new, |phase| phase.gates.iter().map(|name| read(state, *name)).collect())
}

/// Do they let the phase begin? An accepted unknown counts as passed.
#[must_use]
pub fn all_pass(state: &State) -> bool {
    readings(state).iter().all(|gate| passes(state, gate))
}

/// Does this one?
#[must_use]
pub fn passes(state: &State, gate: &GateReading) -> bool {
    match gate.verdict {
        Verdict::Pass | Verdict::Off => true,
        Verdict::Unknown => gate.name.may_be_accepted() && state.accepted.contains(&gate.name),
        Verdict::Wait | Verdict::Fail => false,
    }
}

/// What one gate says.
#[must_use]
pub fn read(state: &State, name: GateName) -> GateReading {
    let (verdict, text) = match name {
        GateName::Nodes => nodes(state),
        GateName::Members => members(state),
        GateName::Verified => verified(state),
        GateName::Drained => (Verdict::Off, "told by each server".into()),
        GateName::Restarted => restarted(state),
        GateName::Serving => serving(state),
        GateName::Capacity => capacity(state),
        GateName::ErrorRate => error_rate(state),
        GateName::Latency => latency(state),
        GateName::EveryoneOnNext => everyone_on_next(state),
        GateName::Migrations => migrations(state),
    };
    GateReading { name, verdict, text: Printable::new(&text) }
}

fn migrations(state: &State) -> (Verdict, String) {
    let open = state.undecided();
    match open.as_slice() {
        [] => (Verdict::Pass, format!("of {} pending, each has its phase", state.beginning.pending.len())),
        [one] => (Verdict::Fail, format!("a person has to decide about {}: {}", one.name, one.why)),
        [first, rest @ ..] => {
            (Verdict::Fail, format!("a person has to decide about {} and {} more: {}", first.name, rest.len(), first.why))
        }
    }
}

fn nodes(state: &State) -> (Verdict, String) {
    let total = state.beginning.nodes.len();
    for node in &state.beginning.nodes {
        let Some(fact) = state.facts.nodes.get(&node.name).filter(|fact| fact.heard) else {
            return (Verdict::Unknown, format!("{} has not been heard yet", node.name));
        };
        if let Some(trouble) = &fact.seen.trouble {
            return (Verdict::Unknown, format!("{} cannot be read: {trouble}", node.name));
        }
        if let Some(wrong) = super::drift::differs(state, fact) {
            return (Verdict::Wait, format!("{}: {wrong}", node.name));
        }
    }
    (Verdict::Pass, format!("{total} of {total} say what they were told"))
}

fn members(state: &State) -> (Verdict, String) {
    let strangers = strangers(state);
    if strangers.is_empty() {
        (Verdict::Pass, "no member that the config does not name".into())
    } else {
        let next = "name it as [[server]], or in [pool] ignore";
        (Verdict::Fail, format!("the balancer also lists {}: {next}", strangers.join(", ")))
    }
}

/// Members of the balancer that nobody has named.
#[must_use]
pub fn strangers(state: &State) -> Vec<String> {
    let pool = &state.beginning.pool;
    let mut found: Vec<String> = state
        .facts
        .nodes
        .values()
        .flat_map(|node| node.members.keys())
        .filter(|member| state.by_member(member).is_none() && !pool.ignore.contains(member))
        .map(ToString::to_string)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The wish of the change that the phase begins with, if it begins with one.
fn coming(state: &State) -> Option<&Wish> {
    state.phase()?.stages.iter().find_map(|stage| match stage {
        Stage::Change { wish, .. } => Some(wish),
        Stage::Lanes { .. } | Stage::Wait { .. } => None,
    })
}

/// A flip back does not wait for the last server of its half: those not verified stay out until everybody goes in.
fn verified(state: &State) -> (Verdict, String) {
    let coming: Vec<&ServerName> = coming(state).map(|wish| wish.into.iter().collect()).unwrap_or_default();
    let coming: Vec<&ServerName> = coming.into_iter().filter(|name| !state.servers[*name].excluded).collect();
    if coming.is_empty() {
        return (Verdict::Fail, "no server is left that could be in rotation".into());
    }
    let not: Vec<String> = coming.iter().filter(|name| !state.verified_now(name)).map(|name| lacks(state, name)).collect();
    if not.is_empty() {
        return (Verdict::Pass, format!("{} of {} healthy and on their version", coming.len(), coming.len()));
    }
    let up = coming.len() - not.len();
    let enough = up as f64 + 1e-9 >= coming.len() as f64 * state.beginning.policy.min_serving;
    if state.flips_back() && up > 0 && enough {
        return (Verdict::Pass, format!("{up} of {} healthy and on their version, the others come later", coming.len()));
    }
    (Verdict::Wait, not.join(", "))
}

/// Why a server is not verified, in words.
#[must_use]
pub fn lacks(state: &State, name: &ServerName) -> String {
    lacks_for(state, name, state.servers.get(name).map(|progress| progress.aim))
}

fn lacks_for(state: &State, name: &ServerName, aim: Option<Aim>) -> String {
    let Some(fact) = state.facts.servers.get(name) else { return format!("{name} has not been seen") };
    let expected = aim.map(|aim| state.expected(aim).clone());
    match (fact.health, &fact.version) {
        _ if fact.stale => format!("{name} has not been heard of lately"),
        (Health::Up, Some(version)) => match expected {
            Some(expected) => format!("{name} answers {version} and not {expected}"),
            None => format!("{name} answers {version}"),
        },
        (Health::Up, None) => format!("{name} is up and does not answer a version"),
        (Health::Down | Health::Unknown, _) => match &fact.why {
            Some(why) => format!("{name} is {}: {why}", fact.health),
            None => format!("{name} is {}", fact.health),
        },
    }
}

fn restarted(state: &State) -> (Verdict, String) {
    if state.beginning.purpose != Purpose::Restart {
        return (Verdict::Off, "the version is proof enough".into());
    }
    let unproven: Vec<String> = state
        .servers
        .iter()
        .filter(|(_, progress)| progress.stopped && !progress.excluded)
        .filter(|(name, progress)| {
            let fact = state.facts.servers.get(*name);
            let instance = fact.and_then(|fact| fact.instance.clone());
            let changed = instance.is_some() && progress.instance_before.is_some() && instance != progress.instance_before;
            !changed && !fact.is_some_and(|fact| fact.seen_down)
        })
        .map(|(name, _)| name.to_string())
        .collect();
    if unproven.is_empty() {
        (Verdict::Pass, "every server was seen to restart".into())
    } else {
        let next = "set [version] instance, or retry them";
        (Verdict::Unknown, format!("{} answered all along and may not have restarted: {next}", unproven.join(", ")))
    }
}

fn serving(state: &State) -> (Verdict, String) {
    let names: Vec<&ServerName> = state.serving().collect();
    let seen = |name: &&&ServerName| state.facts.servers.get(**name).filter(|fact| !fact.stale).map(|fact| fact.health);
    let up = names.iter().filter(|name| seen(name) == Some(Health::Up)).count();
    let open = names.iter().filter(|name| matches!(seen(name), None | Some(Health::Unknown))).count();
    let enough =
        |count: usize| count > 0 && count as f64 / names.len().max(1) as f64 + 1e-9 >= state.beginning.policy.min_serving;
    let text = format!("{up} of {} in rotation are up", names.len());
    if enough(up) {
        (Verdict::Pass, text)
    } else if open > 0 && enough(up + open) {
        (Verdict::Wait, format!("{text}, {open} not looked at often enough yet"))
    } else {
        (Verdict::Fail, format!("{text}, at least {:.0} % must be", state.beginning.policy.min_serving * 100.0))
    }
}

/// The half that carries the load once the phase has begun.
fn carrying(state: &State) -> Vec<&ServerName> {
    match coming(state) {
        Some(wish) => wish.into.iter().filter(|name| !state.servers[*name].excluded).collect(),
        None => state.serving().collect(),
    }
}

/// How many requests a second those servers carry, where the config says so for each.
#[must_use]
pub fn carries(state: &State, names: &[&ServerName]) -> Option<f64> {
    let general = state.beginning.policy.gates.capacity;
    names.iter().map(|name| state.server(name).and_then(|server| server.capacity).or(general)).sum()
}

fn capacity(state: &State) -> (Verdict, String) {
    let names = carrying(state);
    let Some(can) = carries(state, &names) else {
        return (Verdict::Off, "no [gates] capacity is set".into());
    };
    let Some(load) = state.facts.traffic.load else {
        let why =
            if state.counts_requests() { "two looks at the balancer are needed first" } else { "no balancer counts requests" };
        return (Verdict::Unknown, why.into());
    };
    let text = format!("{load:.0} of {can:.0} req/s ({:.0} %) on {} servers", share(load, can), names.len());
    if load <= can { (Verdict::Pass, text) } else { (Verdict::Fail, text) }
}

/// A share in percent.
#[must_use]
pub fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole * 100.0 } else { 0.0 }
}

/// 1. Off where the config gives no figure.
/// 2. Off where no balancer counts errors.
/// 3. Unknown while fewer than `min_requests` have asked next.
/// 4. What current had before the switch, and the figure above it, pass; more fails.
fn error_rate(state: &State) -> (Verdict, String) {
    let Some(allowed) = state.beginning.policy.gates.error_rate else {
        return (Verdict::Off, "no [gates] error_rate is set".into());
    };
    if !state.beginning.nodes.iter().any(|node| node.capabilities.errors) {
        return (Verdict::Off, "no balancer of this pool counts errors".into());
    }
    let rate = |tally: Tally| if tally.requests == 0 { 0.0 } else { tally.errors as f64 / tally.requests as f64 };
    let before = state.facts.traffic.before.map_or(0.0, rate);
    let least = state.beginning.policy.gates.min_requests;
    match state.facts.traffic.since {
        Some(since) if since.requests >= least => {
            let text = format!("{:.2} % of {} requests, {:.2} % before", rate(since) * 100.0, since.requests, before * 100.0);
            if rate(since) <= before + allowed { (Verdict::Pass, text) } else { (Verdict::Fail, text) }
        }
        since => {
            let seen = since.map_or(0, |since| since.requests);
            (Verdict::Unknown, format!("{seen} requests at next so far, at least {least} are needed"))
        }
    }
}

fn latency(state: &State) -> (Verdict, String) {
    let policy = &state.beginning.policy.gates;
    let (before, since) = (state.facts.traffic.before.and_then(|tally| tally.time_ms), state.facts.traffic.since);
    let Some(allowed) = policy.max_latency_ratio else {
        return (Verdict::Off, "no [gates] max_latency_ratio is set".into());
    };
    match (before, since.and_then(|tally| tally.time_ms), since) {
        (Some(before), Some(after), Some(tally)) if tally.requests >= policy.min_requests && before > 0.0 => {
            let text = format!("{after:.1} ms, {before:.1} ms before");
            if after / before <= allowed { (Verdict::Pass, text) } else { (Verdict::Fail, text) }
        }
        (None, _, _) => (Verdict::Off, "no balancer of this pool measures answer times".into()),
        _ => (Verdict::Unknown, "too few requests at next so far".into()),
    }
}

fn everyone_on_next(state: &State) -> (Verdict, String) {
    let holders = holders(state);
    if holders.is_empty() {
        (Verdict::Pass, format!("everybody answers {}", state.beginning.next))
    } else {
        (Verdict::Wait, format!("not yet on {}: {}", state.beginning.next, holders.join(", ")))
    }
}

/// Who keeps Contract locked: everyone who has not answered next, and was not declared gone.
#[must_use]
pub fn holders(state: &State) -> Vec<String> {
    state
        .beginning
        .pool
        .servers
        .iter()
        .filter(|server| !state.servers[&server.name].gone && !state.verified(&server.name, Aim::Next))
        .map(|server| lacks_for(state, &server.name, Some(Aim::Next)))
        .collect()
}

/// Does a gate fail that was passed to get here, so that an automatic rollback may count down? Only in the bake.
#[must_use]
pub fn bake_fails(state: &State) -> Option<GateReading> {
    let baking = state.plan.direction == Direction::Forward
        && state.phase().is_some_and(|phase| phase.name == crate::model::PhaseName::Bake);
    if !baking || state.half_serves(Half::B) {
        return None;
    }
    [GateName::ErrorRate, GateName::Latency].into_iter().map(|name| read(state, name)).find(|gate| gate.verdict == Verdict::Fail)
}

/// Is the member of that server in, on that node?
#[must_use]
pub fn is_in(node: &super::fact::NodeFact, member: &crate::model::MemberName) -> Option<bool> {
    node.members.get(member).map(|seen| seen.rotation == Rotation::In)
}
