//! What a balancer says: its members, their traffic, and the receipt of a change.

use super::moment::millis;
use super::pool::MemberName;
use super::printable::Printable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What a balancer does with new requests for a member. Not to be mixed with health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rotation {
    /// Takes new requests.
    In,
    /// Takes no new ones (but perhaps those of sticky users); what is in flight goes on.
    Draining,
    /// Takes none at all.
    Out,
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Rotation::In => "in",
            Rotation::Draining => "draining",
            Rotation::Out => "out",
        })
    }
}

/// How well a kind of balancer counts what is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InFlight {
    /// Zero means zero.
    Exact,
    /// The counter may leak or lag; drained is when counters stand still ([`MemberReading::total`] above all).
    Estimated,
    /// Nothing is counted; only time tells.
    Unknown,
}

/// What a kind of balancer can do, said in `check`, `plan` and on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// One sentence: how close to one atomic act a switch is, as `one write of 6 commands`.
    pub switch: String,
    pub in_flight: InFlight,
    /// Can it cut what is in flight on one member?
    pub cut: bool,
    /// Does it count requests per member?
    pub traffic: bool,
    /// Does it count errors (5xx) per member?
    pub errors: bool,
}

/// One member, as the balancer lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberReading {
    pub name: MemberName,
    pub rotation: Rotation,
    /// The balancer's own word for the state, as `DRAIN` or `Init Drn Ok`.
    pub word: Printable,
    /// Does the balancer itself believe that it can take requests? `None`: it does not check.
    pub healthy: Option<bool>,
    /// Requests in flight and queued, if counted.
    pub in_flight: Option<u64>,
    /// Requests given to it since the balancer's counters began, if counted.
    pub total: Option<u64>,
    /// Those answered with 5xx, or not at all, if counted.
    pub errors: Option<u64>,
    /// Mean answer time of late, if measured.
    #[serde(with = "millis::option", default)]
    pub time: Option<Duration>,
    /// The balancer's weight or factor.
    pub weight: Option<u32>,
    /// Bits and settings worth keeping in the journal, in the balancer's own words.
    pub raw: BTreeMap<String, String>,
}

/// All that one node says at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub members: Vec<MemberReading>,
    /// Changes when the node restarted or reloaded (pid and start, nonce): what we set at run time may be gone.
    pub generation: String,
    /// Are there sticky users, and by what? As `cookie SRV`.
    pub sticky: Option<Printable>,
    /// What an operator should know and change, as `a reload would put web1 back in: set server-state-file`.
    pub advice: Vec<Printable>,
}

impl Reading {
    /// The member of that name.
    #[must_use]
    pub fn member(&self, name: &MemberName) -> Option<&MemberReading> {
        self.members.iter().find(|member| member.name == *name)
    }

    /// All members by their names, for whoever asks for many of them.
    #[must_use]
    pub fn by_name(&self) -> BTreeMap<&MemberName, &MemberReading> {
        // Of two with one name the first counts, as for `member`.
        self.members.iter().rev().map(|member| (&member.name, member)).collect()
    }
}

/// How a mixed-version window was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowSource {
    /// By the balancer's own dispatch order.
    Exact,
    /// By requests through the balancer, every few milliseconds.
    Probe,
    /// From when the nodes acknowledged.
    Estimated,
}

/// From the first request that reached next to the last that reached current.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Zero when both versions were never served at once.
    #[serde(with = "millis")]
    pub length: Duration,
    /// The figure is good to this: the probe's interval.
    #[serde(with = "millis")]
    pub resolution: Duration,
    pub source: WindowSource,
}

/// What a node did with a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The commands as sent, secrets left out.
    pub sent: Vec<String>,
    /// From sending the first byte to the node's last acknowledgement.
    #[serde(with = "millis")]
    pub took: Duration,
    /// What the node said afterwards. `None` where the act changes no rotation.
    pub reading: Option<Reading>,
    /// Where the balancer knows it exactly.
    pub window: Option<Window>,
}
