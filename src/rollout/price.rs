//! What rolling back would cost now, from what is observed now, on the screen at all times; and at the end, how it ended.

use super::event::{End, Goal, Purpose};
use super::fact::NodeFact;
use super::plan::{Direction, Plan, Stage, Step, back};
use super::state::{Contract, State};
use crate::model::{CommandKind, Half, NodeName, Printable, ServerName};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The price of `R`.
#[derive(Debug, Clone, PartialEq)]
pub enum Price {
    /// Nothing was changed yet.
    Nothing,
    /// A change of the balancer is all; this share of the half that takes over is up.
    Instant {
        up: usize,
        of: usize,
        half: Half,
    },
    /// Servers have to be restored first.
    Seconds {
        about: Duration,
        first: Half,
    },
    Blocked(Printable),
    /// A node cannot be read, so it cannot be told either: this much once it answers again.
    Waits {
        node: NodeName,
        then: Box<Price>,
    },
}

impl State {
    /// What `R` would cost now.
    ///
    /// 1. Blocked once Contract has begun.
    /// 2. Nothing, before anything was changed.
    /// 3. Instant, at what is up of it, where the half that takes over was not touched.
    /// 4. The seconds of restoring it, where it was.
    /// 5. The seconds of restoring half A, while half B serves current.
    #[must_use]
    pub fn price(&self) -> Price {
        let price = self.price_with_all_nodes();
        match (&price, self.silent_node()) {
            (Price::Instant { .. } | Price::Seconds { .. }, Some(node)) => {
                Price::Waits { node: node.clone(), then: Box::new(price) }
            }
            (Price::Nothing | Price::Blocked(_) | Price::Waits { .. }, _) | (_, None) => price,
        }
    }

    /// The first node that was heard once and cannot be read now.
    fn silent_node(&self) -> Option<&NodeName> {
        let silent = |fact: &NodeFact| fact.heard && fact.seen.trouble.is_some();
        self.beginning.nodes.iter().map(|node| &node.name).find(|name| self.facts.nodes.get(*name).is_some_and(silent))
    }

    fn price_with_all_nodes(&self) -> Price {
        if self.contract == Contract::Begun {
            return Price::Blocked(Printable::new(&self.blocked_by()));
        }
        if self.plan.direction == Direction::Forward && !self.has_begun_to_change() {
            return Price::Nothing;
        }
        let taking_over = if self.half_serves(Half::A) && back::changed(self, Half::A) { Half::B } else { Half::A };
        let current_serves = self.half_serves(Half::B) && !back::changed(self, Half::B) && taking_over == Half::A;
        if back::changed(self, taking_over) && !current_serves {
            return Price::Seconds { about: self.restoring(taking_over), first: taking_over };
        }
        if back::changed(self, Half::A) && taking_over == Half::A {
            return Price::Seconds { about: self.restoring(Half::A), first: Half::A };
        }
        let half: Vec<_> = self.taking_part(taking_over).collect();
        let up = half.iter().filter(|name| self.verified_now(name)).count();
        Price::Instant { up, of: half.len(), half: taking_over }
    }

    /// How long restoring a half takes about: from the longest commands so far, and the checks that must pass.
    fn restoring(&self, half: Half) -> Duration {
        let policy = &self.beginning.policy;
        let one: Duration = [CommandKind::Stop, CommandKind::Update, CommandKind::Start]
            .iter()
            .filter_map(|kind| self.longest.get(kind.word()))
            .sum();
        let servers = self.taking_part(half).count().max(1);
        let rounds = servers.div_ceil(usize::from(policy.parallel.max(1)));
        one * u32::try_from(rounds).unwrap_or(1) + policy.health_interval * policy.healthy_after
    }

    /// What rolling back would do, a line a phase.
    #[must_use]
    pub fn way_back(&self) -> Vec<String> {
        let plan: Plan = back::plan(self);
        plan.phases.iter().filter(|phase| !phase.stages.is_empty()).map(|phase| describe(&phase.does, &phase.stages)).collect()
    }
}

impl State {
    /// One sentence about an end: which version serves where.
    #[must_use]
    pub fn told(&self, end: &End) -> String {
        let (current, next) = (&self.beginning.current, &self.beginning.next);
        let but = self.but_for();
        match (end, self.beginning.purpose) {
            (End::Done, Purpose::Rollout) => format!("{next} serves everywhere{but}"),
            (End::ContractPending, _) => format!("{next} serves everywhere{but}; contract is pending"),
            (End::Done, Purpose::Restart) => format!("all servers were restarted on {current}{but}"),
            (End::Done, Purpose::Switch(Goal::Both)) => format!("both halves are in rotation{}", self.answering()),
            (End::Done, Purpose::Switch(goal)) => format!("{goal} is in rotation{}, the other is out", self.answering()),
            (End::RolledBack, Purpose::Switch(_)) => "not done; every node is as it was before".into(),
            (End::RolledBack, Purpose::Rollout | Purpose::Restart) => format!("everything is back on {current}{but}"),
            (End::Abandoned(why), _) => format!("abandoned: {why}"),
        }
    }

    /// What those in rotation answer, where they tell.
    fn answering(&self) -> String {
        let next = &self.beginning.next;
        if next.as_str().is_empty() { String::new() } else { format!(" on {next}") }
    }

    /// Who is not as the sentence says, and needs a person.
    fn but_for(&self) -> String {
        let names = |names: Vec<&ServerName>| names.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let left = names(self.beginning.left.iter().collect());
        let excluded = names(self.servers.iter().filter(|(_, server)| server.excluded).map(|(name, _)| name).collect());
        let is_out = |name: &&ServerName| !self.wished.into.contains(*name) && !self.servers[*name].excluded;
        let apart = self.strays.union(&self.beginning.on_next);
        let out = names(apart.filter(is_out).collect());
        let told = [(left, "left alone"), (excluded, "excluded"), (out, "out of rotation: found down or on another version")];
        let told: Vec<String> =
            told.iter().filter(|(who, _)| !who.is_empty()).map(|(who, how)| format!("{who} ({how})")).collect();
        if told.is_empty() { String::new() } else { format!(" but on {}", told.join(" and ")) }
    }
}

fn describe(does: &str, stages: &[Stage]) -> String {
    let steps: Vec<&str> = stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::Lanes { lanes, .. } => lanes.first(),
            Stage::Change { .. } | Stage::Wait { .. } => None,
        })
        .flat_map(|lane| lane.steps.iter().map(|step: &Step| step.word()))
        .collect();
    if steps.is_empty() { does.to_owned() } else { format!("{does}: {}", steps.join(", ")) }
}

impl Price {
    /// The price in words, as the screen shows it.
    #[must_use]
    pub fn words(&self, current: &crate::model::Version) -> String {
        match self {
            Price::Nothing => "nothing to undo".into(),
            Price::Instant { up, of, half } if up == of => format!("instant: {up} of {of} of half {half} up on {current}"),
            Price::Instant { up, of, half } => {
                format!(
                    "instant, at {:.0} % of half {half}: {up} of {of} up on {current}",
                    super::gate::share(*up as f64, *of as f64)
                )
            }
            Price::Seconds { about, first } => format!("about {} s: restart {first} on {current}", about.as_secs().max(1)),
            Price::Blocked(why) => format!("blocked: {why}"),
            Price::Waits { node, then } => format!("waits for {node}, which cannot be read; then {}", then.words(current)),
        }
    }
}
