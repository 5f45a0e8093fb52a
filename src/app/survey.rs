//! The pool as it is found: one look at every node and server, before a rollout begins. It changes nothing.

use super::hands::{Hands, opens};
use crate::config::Config;
use crate::model::{
    CommandKind, Failure, Half, Health, MemberName, NodeName, Observation, Per, Printable, Reading, Rotation, Server, ServerName,
    Version,
};
use crate::rollout::event::{FoundMember, Has, NodeBeginning};
use crate::rollout::fact::{Fact, MemberFact, NodeSeen, ServerFact};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A node that does not answer for so long is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was found.
pub struct Survey {
    pub nodes: BTreeMap<NodeName, Result<Reading, Printable>>,
    pub servers: BTreeMap<ServerName, Observation>,
}

/// Why a server is not as a rollout wants to find it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unclean {
    pub server: ServerName,
    pub why: Printable,
    /// Was it found out of rotation while healthy: on purpose, as it seems? Then leaving it alone is the natural answer.
    pub on_purpose: bool,
    /// Where it was found, at the node that does most with it.
    pub rotation: Rotation,
}

/// What somebody can decide about a server that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Never touched, never put in.
    Leave,
    /// Updated and verified with its half.
    Take,
    /// Out of rotation before anything else is changed, and then as if taken along.
    DrainFirst,
}

impl Choice {
    /// The option that says so where nobody is there to ask.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Choice::Leave => "--leave",
            Choice::Take => "--take",
            Choice::DrainFirst => "--drain-first",
        }
    }
}

impl Unclean {
    /// What can be decided: one that takes requests cannot be left alone, and one that is out needs no drain.
    #[must_use]
    pub fn choices(&self) -> &'static [Choice] {
        match self.rotation {
            Rotation::In => &[Choice::Take, Choice::DrainFirst],
            Rotation::Draining => &[Choice::Leave, Choice::Take, Choice::DrainFirst],
            Rotation::Out => &[Choice::Leave, Choice::Take],
        }
    }

    /// The options that decide, spelled out.
    #[must_use]
    pub fn options(&self) -> String {
        let each: Vec<String> = self.choices().iter().map(|choice| format!("{} {}", choice.option(), self.server)).collect();
        match each.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
            Some(_) | None => each.concat(),
        }
    }
}

impl Survey {
    /// Looks at everything once, all at the same time.
    pub async fn take(config: &Config, hands: &Hands) -> Survey {
        let servers = join_all(config.pool.servers.iter().filter_map(|server| {
            let probe = hands.probes.get(&server.name)?;
            Some(async move { (server.name.clone(), probe.check(server).await) })
        }));
        let (nodes, servers) = tokio::join!(read(hands), servers);
        Survey { nodes, servers: servers.into_iter().collect() }
    }

    /// Why a rollout cannot work with the nodes: one that cannot be read, a member that is not there, nodes that disagree.
    #[must_use]
    pub fn trouble(&self, config: &Config) -> Vec<Failure> {
        let mut all = self.unusable(config);
        all.extend(self.disagreements(config));
        all
    }

    /// Why nothing can be told to the nodes: one that cannot be read, a member that is not there.
    #[must_use]
    pub fn unusable(&self, config: &Config) -> Vec<Failure> {
        let mut all = Vec::new();
        for (name, read) in &self.nodes {
            match read {
                Err(why) => all.push(Failure::new(format!("{name}: {why}"))),
                Ok(reading) => all.extend(missing(config, name, reading)),
            }
        }
        all
    }

    fn disagreements(&self, config: &Config) -> Vec<Failure> {
        let mut all = Vec::new();
        for server in config.pool.balanced() {
            let rotations: BTreeSet<bool> = self.rotations(server).into_iter().map(|rotation| rotation == Rotation::In).collect();
            if rotations.len() > 1 {
                all.push(
                    Failure::new(format!(
                        "the nodes disagree about {}: it is in rotation at some and out at others",
                        server.name
                    ))
                    .next("bring them in step (halfstep switch both), then begin"),
                );
            }
        }
        all
    }

    /// What the nodes that can be read do with that server.
    #[must_use]
    pub fn rotations(&self, server: &Server) -> Vec<Rotation> {
        let Some(member) = &server.member else { return vec![] };
        self.nodes.values().filter_map(|read| read.as_ref().ok()?.member(member)).map(|member| member.rotation).collect()
    }

    /// Is it in rotation, at every node that can be read?
    #[must_use]
    pub fn is_in(&self, server: &Server) -> bool {
        let rotations = self.rotations(server);
        !rotations.is_empty() && rotations.iter().all(|rotation| *rotation == Rotation::In)
    }

    /// Where it stands, at the node that does most with it; out where no node tells.
    #[must_use]
    pub fn stands(&self, server: &Server) -> Rotation {
        let all = self.rotations(server);
        [Rotation::In, Rotation::Draining].into_iter().find(|rotation| all.contains(rotation)).unwrap_or(Rotation::Out)
    }

    /// What that server answers as its version.
    #[must_use]
    pub fn version(&self, server: &ServerName) -> Option<&Version> {
        self.servers.get(server)?.version.as_ref().ok()
    }

    /// Is it healthy by one look?
    #[must_use]
    pub fn is_up(&self, server: &ServerName) -> bool {
        self.servers.get(server).is_some_and(|seen| seen.health.is_ok())
    }

    /// The version that most servers in rotation answer; of two with as many, the one that the first server answers.
    #[must_use]
    pub fn current(&self, config: &Config) -> Option<Version> {
        let mut counts: Vec<(Version, usize)> = Vec::new();
        for version in config.pool.balanced().filter(|server| self.is_in(server)).filter_map(|server| self.version(&server.name))
        {
            match counts.iter_mut().find(|(seen, _)| config.policy.matching.same(seen, version)) {
                Some((_, count)) => *count += 1,
                None => counts.push((version.clone(), 1)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max()?;
        counts.into_iter().find(|(_, count)| *count == most).map(|(version, _)| version)
    }

    /// The servers behind the balancer that are out, down, or on another version than current.
    #[must_use]
    pub fn unclean(&self, config: &Config, current: &Version) -> Vec<Unclean> {
        let judge = |server: &Server| {
            let up = self.is_up(&server.name);
            let version = self.version(&server.name);
            let other = version.filter(|version| !config.policy.matching.same(version, current));
            let seen = self.servers.get(&server.name);
            let why = match (self.is_in(server), up, other) {
                (false, true, None) => "is not in rotation".to_owned(),
                (false, true, Some(version)) => format!("is not in rotation and answers {version}"),
                (false, false, _) => "is not in rotation, and down".to_owned(),
                (true, true, Some(version)) => format!("is in rotation and answers {version}, not {current}"),
                (true, false, _) => match seen.and_then(|seen| seen.health.as_ref().err()) {
                    Some(why) => format!("is in rotation and down: {why}"),
                    None => "is in rotation and down".to_owned(),
                },
                (true, true, None) if version.is_none() => match seen.and_then(|seen| seen.version.as_ref().err()) {
                    Some(why) => format!("does not tell its version: {why}"),
                    None => "does not tell its version".to_owned(),
                },
                (true, true, None) => return None,
            };
            Some(Unclean {
                server: server.name.clone(),
                why: Printable::new(&why),
                on_purpose: !self.is_in(server) && up,
                rotation: self.stands(server),
            })
        };
        config.pool.balanced().filter_map(judge).collect()
    }

    /// Members that neither the config names nor `ignore`.
    #[must_use]
    pub fn strangers(&self, config: &Config) -> Vec<MemberName> {
        let readings = self.nodes.values().filter_map(|read| read.as_ref().ok());
        let mut found: Vec<MemberName> = readings
            .flat_map(|reading| reading.members.iter().map(|member| member.name.clone()))
            .filter(|member| config.pool.by_member(member).is_none() && !config.pool.ignore.contains(member))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// Weights and bits of every member, as they were found.
    #[must_use]
    pub fn members(&self) -> Vec<FoundMember> {
        let of = |(node, reading): (&NodeName, &Reading)| -> Vec<FoundMember> {
            let found = |member: &crate::model::MemberReading| FoundMember {
                node: node.clone(),
                member: member.name.clone(),
                word: member.word.clone(),
                weight: member.weight,
                raw: member.raw.clone(),
            };
            reading.members.iter().map(found).collect()
        };
        self.nodes.iter().filter_map(|(node, read)| Some((node, read.as_ref().ok()?))).flat_map(of).collect()
    }

    /// What was found, as the facts that a rollout begins with. A server that answered once counts as up: it is not put in by that.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (server, seen) in &self.servers {
            let fact = ServerFact {
                life: 0,
                health: if seen.health.is_ok() { Health::Up } else { Health::Down },
                why: seen.health.as_ref().err().cloned(),
                version: seen.version.as_ref().ok().cloned(),
                instance: seen.instance.as_ref().and_then(|instance| instance.as_ref().ok()).map(|text| Printable::new(text)),
                seen_down: false,
                stale: false,
            };
            facts.push(Fact::Server { server: server.clone(), seen: fact });
        }
        for (node, read) in &self.nodes {
            let Ok(reading) = read else { continue };
            facts.push(Fact::Node {
                node: node.clone(),
                seen: NodeSeen { trouble: None, generation: reading.generation.clone() },
            });
            for member in &reading.members {
                let drained = member.rotation != Rotation::In && member.in_flight == Some(0);
                let seen = MemberFact { rotation: member.rotation, drained, healthy: member.healthy };
                facts.push(Fact::Member { node: node.clone(), member: member.name.clone(), seen });
            }
        }
        facts
    }
}

/// Reads every node, all at the same time.
pub async fn read(hands: &Hands) -> BTreeMap<NodeName, Result<Reading, Printable>> {
    let one = |(name, node): (&NodeName, &crate::engine::world::Node)| {
        let (name, balancer) = (name.clone(), node.balancer.clone());
        async move {
            let read = match tokio::time::timeout(PATIENCE, balancer.read()).await {
                Ok(Ok(reading)) => Ok(reading),
                Ok(Err(failure)) => Err(Printable::new(&failure.to_string())),
                Err(_) => Err(Printable::new(&format!("no answer in {PATIENCE:?}"))),
            };
            (name, read)
        }
    };
    join_all(hands.nodes.iter().map(one)).await.into_iter().collect()
}

fn missing(config: &Config, node: &NodeName, reading: &Reading) -> Vec<Failure> {
    let real = reading.members.iter().map(|member| member.name.to_string()).collect::<Vec<_>>().join(", ");
    let lost = |server: &Server| {
        let member = server.member.as_ref()?;
        reading.member(member).is_none().then(|| {
            Failure::new(format!("{node} has no member {member} (server {}); it lists {real}", server.name))
                .next("set member = \"…\" to one of these")
        })
    };
    config.pool.balanced().filter_map(lost).collect()
}

/// Which commands and requests each server has.
#[must_use]
pub fn has(config: &Config) -> Vec<Has> {
    let of = |server: &Server| {
        let (commands, probe) = (config.commands_of(server), config.probe_of(server));
        Has {
            server: server.name.clone(),
            commands: CommandKind::OF_A_SERVER.into_iter().filter(|kind| commands.template(*kind).is_some()).collect(),
            opens: opens(config, server),
            by_half: commands.per == Per::Half && server.half().is_some(),
            warms_up: !probe.warm_up.is_empty(),
            smokes: !probe.smoke.is_empty(),
            answers_version: probe.version.is_some(),
        }
    };
    config.pool.servers.iter().map(of).collect()
}

/// The nodes, as a rollout begins with them.
#[must_use]
pub fn nodes(config: &Config, hands: &Hands) -> Vec<NodeBeginning> {
    let kind =
        |name: &NodeName| config.nodes.iter().find(|node| node.name == *name).map(|node| node.kind.word()).unwrap_or_default();
    let of = |(name, node): (&NodeName, &crate::engine::world::Node)| NodeBeginning {
        name: name.clone(),
        kind: kind(name).to_owned(),
        capabilities: node.balancer.capabilities(),
    };
    hands.nodes.iter().map(of).collect()
}

/// Is there somebody in both halves?
pub fn halves_are_filled(config: &Config, left: &BTreeSet<ServerName>) -> Result<(), Failure> {
    for half in Half::BOTH {
        if config.pool.half(half).all(|server| left.contains(&server.name)) {
            return Err(Failure::new(format!("nobody is left in half {half}: all of its servers are left alone"))
                .next("take some of them along (--take NAME), or move servers between the halves in the config"));
        }
    }
    Ok(())
}
