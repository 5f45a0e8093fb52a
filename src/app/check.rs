//! `halfstep check`: the config and everything that it names, looked at without changing anything. It decides what a person should
//! know before a rollout, and how bad it is.
//!
//! Read next: [`look`] (what is asked of whom), [`judge`] (what it means), [`hosts`] (connections and checking commands), [`logout`]
//! (what the end of this login would take along), [`text`].

mod hosts;
mod judge;
pub(super) mod logout;
mod look;
mod migrations;
mod text;

use super::begin::Refusal;
use super::engine::load;
use super::hands::Hands;
use super::{Answer, place};
use crate::cli::{ExitStatus, Format, Global};
use crate::model::{
    Capabilities, Failure, GateName, Half, Health, MemberName, NodeName, Printable, Rotation, ServerName, Version,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    pub pool: Printable,
    pub config: PathBuf,
    /// The worst of the findings.
    pub verdict: Weight,
    /// What most servers in rotation answer.
    pub current: Option<Version>,
    pub nodes: Vec<NodeRow>,
    pub servers: Vec<ServerRow>,
    pub hosts: Vec<HostRow>,
    /// Gates without a source, and why.
    pub gates_off: BTreeMap<GateName, Printable>,
    pub load: Load,
    /// Where journals and locks lie.
    pub state: PathBuf,
    pub findings: Vec<Finding>,
}

/// One node.
#[derive(Debug, Serialize)]
pub struct NodeRow {
    pub name: NodeName,
    pub kind: &'static str,
    /// Why it cannot be read.
    pub trouble: Option<Printable>,
    /// All that it lists.
    pub members: Vec<MemberName>,
    pub sticky: Option<Printable>,
    pub capabilities: Capabilities,
}

/// One server.
#[derive(Debug, Serialize)]
pub struct ServerRow {
    pub name: ServerName,
    /// `A`, `B`, the role of a worker, or `observed`.
    pub part: String,
    pub member: Option<MemberName>,
    /// By node; a node that does not list it is left out.
    pub rotation: BTreeMap<NodeName, Rotation>,
    pub health: Health,
    pub why: Option<Printable>,
    pub answer_ms: Option<f64>,
    pub version: Option<Version>,
    pub instance: Option<Printable>,
    /// Over all nodes, where they count.
    pub in_flight: Option<u64>,
    pub requests_per_second: Option<f64>,
}

/// A connection, or a command that changes nothing, on a host.
#[derive(Debug, Serialize)]
pub struct HostRow {
    pub host: Printable,
    /// `connect`, `check` or `restore_check`.
    pub what: &'static str,
    pub servers: Vec<ServerName>,
    /// As it was run.
    pub command: Option<Printable>,
    /// Why it failed.
    pub trouble: Option<Printable>,
}

/// The present load, and what each half carries.
#[derive(Debug, Default, Serialize)]
pub struct Load {
    /// Over about a second; `None` where no balancer counts.
    pub requests_per_second: Option<f64>,
    /// Where `[gates] capacity`, or each server's own, says so.
    pub half_a_carries: Option<f64>,
    pub half_b_carries: Option<f64>,
}

impl Load {
    fn carries(&self, half: Half) -> Option<f64> {
        match half {
            Half::A => self.half_a_carries,
            Half::B => self.half_b_carries,
        }
    }
}

/// How bad something is; decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    Fine,
    /// Worth knowing; a rollout works.
    Advice,
    /// Somebody has to decide or repair something.
    Person,
    /// A rollout would be refused.
    Refused,
}

/// Something to know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub weight: Weight,
    pub what: Printable,
    pub next: Option<String>,
}

impl Finding {
    fn new(weight: Weight, failure: Failure) -> Finding {
        Finding { weight, what: failure.what, next: failure.next }
    }
}

/// Looks, and prints what was found.
pub async fn check(global: &Global) -> Answer {
    let path = place::config_file(global).map_err(Refusal::Usage)?;
    let config = load(&path)?;
    let hands = Hands::build(&config).await?;
    let report = look::report(&config, hands, global.state.as_deref()).await;
    match global.format {
        Format::Json => super::print_json(&report)?,
        Format::Text | Format::Markdown | Format::Html => super::print(|to| write!(to, "{}", text::Text(&report)))?,
    };
    Ok(match report.verdict {
        Weight::Fine | Weight::Advice => ExitStatus::Done,
        Weight::Person => ExitStatus::Failed,
        Weight::Refused => ExitStatus::Refused,
    })
}
