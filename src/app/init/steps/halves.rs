//! The third part of the talk: what servers are called, and which half each is in.

use crate::app::init::draft::ServerDraft;
use crate::app::init::look::{Found, Source};
use crate::app::init::propose;
use crate::app::init::talk::{Manner, Question, Stop, Talk};
use crate::app::init::topic::Topic;
use crate::balancer::listing::Listed;
use crate::cli::init::{InitArguments, half};
use crate::cli::text::Table;
use crate::model::{Failure, Half, Printable};
use crate::tui::setup::halves::Row;

/// Names, zones, weights and halves; a person may move servers from one to the other.
pub async fn halves(
    talk: &mut Talk,
    arguments: &mut InitArguments,
    found: &Found,
    members: &[Listed],
) -> Result<Vec<ServerDraft>, Stop> {
    let (names, zones, weights) = (propose::names(members), propose::zones(members), propose::weights(members));
    if let Some((unknown, _)) = arguments.half.iter().find(|(name, _)| !names.contains(name)) {
        let what = format!("--half {unknown}: there is no such server; there are {}", names.join(", "));
        return Err(Failure::new(what).into());
    }
    let propose = |arguments: &InitArguments| {
        let said: Vec<Option<Half>> = names
            .iter()
            .map(|name| arguments.half.iter().rev().find(|(known, _)| known == name).map(|(_, half)| *half))
            .collect();
        propose::halves(&said, &zones, &weights)
    };
    let rows = rows(members, (&names, &zones, &weights, &propose(arguments)));
    let question = Question {
        topic: Topic::Halves,
        ask: "Which server is in which half",
        help: "Half A is updated first, while half B serves; then they change places. Either half must carry the load alone.",
        proposal: None,
    };
    if let Some(halves) = talk.arrange(&question, rows).await? {
        if halves != propose(arguments) {
            arguments.half = names.iter().cloned().zip(halves.iter().copied()).collect();
        }
        return Ok(servers(found, members, (names, zones, weights, halves)));
    }
    loop {
        let halves = propose(arguments);
        let mut table = Table::new(["half", "server", "at the balancer", "address", "zone", "weight", "state"]).right("weight");
        for half in Half::BOTH {
            for at in (0..names.len()).filter(|at| halves[*at] == half) {
                let member = &members[at];
                let called = Some(member.name.to_string()).filter(|called| *called != names[at]).unwrap_or_default();
                let address = member.address.as_ref().map(ToString::to_string).unwrap_or_default();
                let weight = if weights[at] == 1.0 { String::new() } else { weights[at].to_string() };
                table.row([
                    half.to_string(),
                    names[at].clone(),
                    called,
                    address,
                    zones[at].clone().unwrap_or_default(),
                    weight,
                    state(member),
                ]);
            }
        }
        talk.table(&table);
        if Half::BOTH.iter().any(|half| !halves.contains(half)) {
            if talk.manner() == Manner::TakesProposals {
                return Err(Failure::new("all servers are in one half").next("leave some --half out").into());
            }
            talk.warn("all servers are in one half: move some");
        }
        let question = Question {
            topic: Topic::Halves,
            ask: "Enter takes these halves; NAME=A or NAME=B moves a server",
            help: "Half A is updated first, while half B serves; then they change places. Either half must carry the load alone.",
            proposal: Some("these".to_owned()),
        };
        let judge = |text: &str| match text {
            "these" => Ok(None),
            text => {
                let (name, half) = half(text)?;
                names.contains(&name).then_some(Some((name.clone(), half))).ok_or_else(|| format!("there is no server {name}"))
            }
        };
        match talk.answer(&question, judge).await? {
            Some(moved) => arguments.half.push(moved),
            None if Half::BOTH.iter().all(|half| halves.contains(half)) => {
                return Ok(servers(found, members, (names, zones, weights, halves)));
            }
            None => {}
        }
    }
}

/// As the screen shows them.
fn rows(members: &[Listed], (names, zones, weights, halves): Seen<'_>) -> Vec<Row> {
    let row = |(at, member): (usize, &Listed)| {
        let weight = if weights[at] == 1.0 { String::new() } else { format!("weight {}", weights[at]) };
        let address = member.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let called = Some(member.name.to_string()).filter(|called| *called != names[at]).unwrap_or_default();
        let facts = [zones[at].clone().unwrap_or_default(), weight, state(member), address, called];
        let facts = facts.iter().map(|fact| Printable::new(fact)).collect();
        Row { name: Printable::new(&names[at]), half: halves[at], weight: weights[at], facts }
    };
    members.iter().enumerate().map(row).collect()
}

/// The balancer's word for a member, with what that means for new requests.
pub fn state(member: &Listed) -> String {
    match member.word.as_str() {
        word if word == member.rotation.to_string() => word.to_owned(),
        word => format!("{}, {word}", member.rotation),
    }
}

/// Names, zones, weights and halves, each in the order of the members.
type Seen<'a> = (&'a [String], &'a [Option<String>], &'a [f64], &'a [Half]);
type Proposed = (Vec<String>, Vec<Option<String>>, Vec<f64>, Vec<Half>);

fn servers(found: &Found, members: &[Listed], (names, zones, weights, halves): Proposed) -> Vec<ServerDraft> {
    let server = |(at, member): (usize, &Listed)| {
        let address = member.address.clone()?;
        let by_default = match found.source {
            Source::Haproxy { .. } => names[at].clone(),
            Source::Apache { .. } | Source::Builtin { .. } => address.to_string(),
        };
        // httpd's worker URLs are found by their address, unless that is the address of a path too.
        let follows = match found.source {
            Source::Apache { .. } => {
                member.name.as_str().split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(&by_default))
            }
            Source::Haproxy { .. } | Source::Builtin { .. } => member.name.as_str() == by_default,
        };
        Some(ServerDraft {
            name: names[at].clone(),
            address,
            member: (!follows).then(|| member.name.as_str().to_owned()),
            half: halves[at],
            zone: zones[at].clone(),
            weight: weights[at],
        })
    };
    members.iter().enumerate().filter_map(server).collect()
}
