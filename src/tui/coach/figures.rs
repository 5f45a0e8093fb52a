//! The numbers of this pool in the words of a sentence: who is in which half, what they carry, what is in flight, what going
//! back costs. It decides how a number is said, and refuses to know when.

use crate::engine::snapshot::{GateView, PriceKind, ServerState, ServerView, Snapshot, Tone};
use crate::model::figure::rate;
use crate::model::{GateName, Half, Health, PhaseName, Rotation};
use crate::tui::widget::text::clock;

/// More names than these are said as a number.
const NAMES: usize = 4;
/// A name or a version that is longer is cut: a sentence has to stay one.
const LONGEST: usize = 24;

/// One half, or all workers, as a sentence needs it.
#[derive(Debug)]
pub struct Team<'a> {
    pub members: Vec<&'a ServerView>,
}

impl Team<'_> {
    /// `web1, web2, web3`, or of many `web0000 to web0499`.
    #[must_use]
    pub fn names(&self) -> String {
        let name = |server: &&ServerView| short(server.name.as_str());
        match self.members.as_slice() {
            [] => "nobody".to_owned(),
            few if few.len() <= NAMES => few.iter().map(name).collect::<Vec<_>>().join(", "),
            [first, .., last] => format!("{} to {}", name(first), name(last)),
            [_] => String::new(),
        }
    }

    /// How many it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// How many of them are up.
    #[must_use]
    pub fn up(&self) -> usize {
        self.members.iter().filter(|server| server.health == Health::Up).count()
    }

    /// Requests in flight on all of them.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.members.iter().filter_map(|server| server.in_flight).sum()
    }

    /// `3 (web2: 2, web3: 1)`: who still has requests in flight.
    #[must_use]
    pub fn holders(&self) -> String {
        let busy: Vec<String> = self
            .members
            .iter()
            .filter(|server| server.in_flight.is_some_and(|count| count > 0))
            .map(|server| format!("{}: {}", short(server.name.as_str()), server.in_flight.unwrap_or_default()))
            .collect();
        match busy.len() {
            0 => "0".to_owned(),
            1..=NAMES => format!("{} ({})", self.in_flight(), busy.join(", ")),
            more => format!("{} (on {more} servers)", self.in_flight()),
        }
    }

    /// Does the balancer send one of them requests?
    #[must_use]
    pub fn serves(&self) -> bool {
        self.members.iter().any(|server| server.rotation == Some(Rotation::In))
    }
}

/// The numbers of one picture.
#[derive(Debug)]
pub struct Figures<'a> {
    pub snapshot: &'a Snapshot,
    pub current: String,
    pub next: String,
    pub a: Team<'a>,
    pub b: Team<'a>,
    pub workers: Team<'a>,
}

impl<'a> Figures<'a> {
    /// Reads them out of a picture.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot) -> Figures<'a> {
        let takes_part = |server: &&ServerView| !matches!(server.state, ServerState::Excluded | ServerState::Left);
        let half = |half| Team {
            members: snapshot.servers.iter().filter(takes_part).filter(|server| server.half() == Some(half)).collect(),
        };
        let others = snapshot.servers.iter().filter(takes_part).filter(|server| server.half().is_none());
        let version = |version: &Option<crate::model::Version>, other: &str| {
            version.as_ref().map_or(other.to_owned(), |version| short(version.as_str()))
        };
        Figures {
            snapshot,
            current: version(&snapshot.rollout.current, "the current version"),
            next: version(&snapshot.rollout.next, "the next version"),
            a: half(Half::A),
            b: half(Half::B),
            workers: Team { members: others.collect() },
        }
    }

    /// One of the halves.
    #[must_use]
    pub fn half(&self, half: Half) -> &Team<'a> {
        match half {
            Half::A => &self.a,
            Half::B => &self.b,
        }
    }

    /// `740 req/s`, or `the traffic` where nobody counts.
    #[must_use]
    pub fn load(&self) -> String {
        match self.snapshot.traffic.requests_per_second {
            // A number is not broken in two at the end of a line.
            Some(load) => format!("{} req/s", rate(load)).replace(' ', "\u{a0}"),
            None => "the traffic".to_owned(),
        }
    }

    /// `all 740 req/s`, or `all the traffic`.
    #[must_use]
    pub fn whole_load(&self) -> String {
        format!("all {}", self.load())
    }

    /// The balancer's nodes by name.
    #[must_use]
    pub fn nodes(&self) -> String {
        let names: Vec<String> = self.snapshot.nodes.iter().map(|node| short(node.name.as_str())).collect();
        match names.as_slice() {
            [] => "the balancer".to_owned(),
            few if few.len() <= NAMES => few.join(" and "),
            many => format!("{} nodes", many.len()),
        }
    }

    /// Who drives.
    #[must_use]
    pub fn driver(&self) -> String {
        let driver = self.snapshot.rollout.people.driving();
        driver.map_or_else(|| "nobody".to_owned(), |driver| short(driver.login.as_str()))
    }

    /// `4 of 12`.
    #[must_use]
    pub fn step(&self, phase: PhaseName) -> String {
        let at = PhaseName::ALL.iter().position(|one| *one == phase).unwrap_or_default() + 1;
        format!("{at} of {}", PhaseName::ALL.len())
    }

    /// What is left of what is waited for: ` · 14 s left`; empty where nobody knows.
    #[must_use]
    pub fn left(&self) -> String {
        match self.snapshot.prompt.countdown_ms {
            Some(ms) if ms > 0.0 => format!("{} left", clock(ms)),
            Some(_) | None => String::new(),
        }
    }

    /// What a gate says, where it stands before this phase and says something.
    #[must_use]
    pub fn gate(&self, name: GateName) -> Option<&'a GateView> {
        self.snapshot.gates.iter().find(|gate| gate.name == name)
    }

    /// What preflight found that is no reason to stop, and that somebody should know: the first such line.
    #[must_use]
    pub fn amber(&self) -> Option<String> {
        let first = |phase| matches!(phase, PhaseName::Preflight | PhaseName::Expand | PhaseName::DrainA);
        let is_amber = |line: &&crate::engine::snapshot::ActivityView| line.tone == Tone::Warning && first(line.phase);
        let line = self.snapshot.activity.iter().find(is_amber)?;
        Some(cut(line.text.as_str().trim_start_matches(crate::lab::tour::BEGINS), 120))
    }

    /// The price, without the age of the look that it comes from.
    #[must_use]
    pub fn price(&self) -> String {
        let said = self.snapshot.price.text.as_str();
        said.split(", seen ").next().unwrap_or(said).to_owned()
    }

    /// How to get out, as the last sentence of an advice.
    #[must_use]
    pub fn out(&self) -> String {
        if let Some(why) = self.snapshot.prompt.refused.get("rollback") {
            return format!("no ‹R› now: {}. Space holds.", cut(why.as_str(), 120));
        }
        match self.snapshot.price.kind {
            PriceKind::Nothing => "‹R›, then Enter: it ends here, and nothing was changed yet.".to_owned(),
            PriceKind::Instant | PriceKind::Partly | PriceKind::Seconds => {
                format!("‹R›, then Enter: back on {}; {}.", self.current, self.price())
            }
            PriceKind::Blocked => format!("there is no way back any more ({}), only forward.", self.price()),
        }
    }

    /// How long one half has carried everything, where that is long enough to be said; else empty.
    #[must_use]
    pub fn at_half(&self) -> String {
        const WORTH_SAYING: f64 = 120_000.0;
        match self.snapshot.rollout.at_half_ms {
            Some(ms) if ms >= WORTH_SAYING => {
                let waits = if self.snapshot.rollout.needs_person { ", and waits for you" } else { "" };
                format!("Half of the pool has carried {} for {}{waits}.", self.whole_load(), clock(ms))
            }
            Some(_) | None => String::new(),
        }
    }
}

/// With a capital at its beginning.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A name as a sentence can bear it.
#[must_use]
pub fn short(text: &str) -> String {
    cut(text, LONGEST)
}

/// At most so many columns.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    crate::tui::widget::text::cut(text, columns)
}

/// Sentences one after the other, the empty ones left out.
#[must_use]
pub fn sentences<const N: usize>(all: [String; N]) -> String {
    all.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" ")
}
