//! What the program answers, as `docs/command-balancer.md` writes it down. Pure.
//!
//! Keys that the contract does not have are refused: a key that is spelled wrong would otherwise be a figure that is never
//! there.

use crate::model::{Capabilities, Failure, InFlight, MemberName, MemberReading, Printable, Reading, Rotation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Can {
    switch: String,
    in_flight: InFlight,
    cut: bool,
    traffic: bool,
    errors: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    members: Vec<Member>,
    revision: String,
    sticky: Option<String>,
    #[serde(default)]
    advice: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    name: MemberName,
    rotation: Rotation,
    word: Option<String>,
    healthy: Option<bool>,
    in_flight: Option<u64>,
    total: Option<u64>,
    errors: Option<u64>,
    time_ms: Option<f64>,
    weight: Option<u32>,
    #[serde(default)]
    raw: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    #[serde(default)]
    sent: Vec<String>,
}

/// The answer to `capabilities`.
pub(super) fn capabilities(text: &str) -> Result<Capabilities, Failure> {
    let Can { switch, in_flight, cut, traffic, errors } = parse("capabilities", text)?;
    Ok(Capabilities { switch: Printable::cut(&switch, 200).as_str().to_owned(), in_flight, cut, traffic, errors })
}

/// The answer to `state`.
pub(super) fn state(text: &str) -> Result<Reading, Failure> {
    let State { members, revision, sticky, advice } = parse("state", text)?;
    let mut listed: Vec<MemberReading> = Vec::with_capacity(members.len());
    for member in members {
        if listed.iter().any(|known| known.name == member.name) {
            return Err(Failure::new(format!("`state` lists {} twice", member.name)));
        }
        listed.push(member.into());
    }
    Ok(Reading {
        members: listed,
        generation: Printable::cut(&revision, 200).as_str().to_owned(),
        sticky: sticky.map(|by| Printable::cut(&by, 200)),
        advice: advice.iter().map(|text| Printable::cut(text, 600)).collect(),
    })
}

impl From<Member> for MemberReading {
    fn from(member: Member) -> MemberReading {
        let time = member.time_ms.filter(|ms| ms.is_finite() && (0.0..1e12).contains(ms));
        MemberReading {
            word: Printable::cut(&member.word.unwrap_or_else(|| member.rotation.to_string()), 120),
            name: member.name,
            rotation: member.rotation,
            healthy: member.healthy,
            in_flight: member.in_flight,
            total: member.total,
            errors: member.errors,
            time: time.map(|ms| Duration::from_micros((ms * 1000.0).round() as u64)),
            weight: member.weight,
            raw: member.raw,
        }
    }
}

/// The answer to a verb that does something: what the program itself sent. Nothing at all is an answer too.
pub(super) fn done(verb: &str, text: &str) -> Result<Option<Vec<String>>, Failure> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let Done { sent } = parse(verb, text)?;
    Ok(Some(sent.iter().map(|line| Printable::cut(line, 2000).as_str().to_owned()).collect()))
}

fn parse<T: DeserializeOwned>(verb: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let first: String = text.trim_start().lines().next().unwrap_or("").chars().take(120).collect();
        Failure::new(format!("the program's answer to `{verb}` is not as agreed: {error}; it begins `{first}`"))
            .next("compare it with docs/command-balancer.md; only JSON may go to standard output, words for people go to standard error")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_needs_only_a_name_and_a_rotation() {
        let reading = state(r#"{"members":[{"name":"a","rotation":"draining"}],"revision":"7"}"#).unwrap();
        let a = &reading.members[0];
        assert_eq!((a.rotation, a.word.as_str(), a.healthy, a.total), (Rotation::Draining, "draining", None, None));
        assert_eq!((reading.generation.as_str(), reading.sticky), ("7", None));
        let full = r#"{"name":"a","rotation":"in","word":"U\u001bP","healthy":true,"in_flight":1,"total":2,"errors":3,"time_ms":1.5,"weight":4}"#;
        let reading = state(&format!(r#"{{"members":[{full}],"revision":"","sticky":"cookie S","advice":["x"]}}"#)).unwrap();
        assert_eq!(reading.members[0].time, Some(Duration::from_micros(1500)));
        assert_eq!(reading.members[0].word.as_str(), "U␛P");
    }

    #[test]
    fn what_is_not_as_agreed_is_refused_and_shown() {
        for (text, why) in [
            ("", "EOF"),
            ("OK", "begins `OK`"),
            (r#"{"members":[{"name":"a","rotation":"up"}],"revision":"7"}"#, "up"),
            (r#"{"members":[{"name":"a","rotation":"in","inflight":1}],"revision":"7"}"#, "inflight"),
            (r#"{"members":[{"name":"a","rotation":"in","total":-1}],"revision":"7"}"#, "-1"),
            (r#"{"members":[]}"#, "revision"),
            (r#"{"members":[{"name":"a","rotation":"in"},{"name":"a","rotation":"in"}],"revision":""}"#, "lists a twice"),
        ] {
            let failure = state(text).unwrap_err();
            assert!(failure.what.as_str().contains(why), "{failure}");
        }
        assert!(capabilities(r#"{"switch":"x","in_flight":"some","cut":true,"traffic":true,"errors":true}"#).is_err());
    }

    #[test]
    fn nothing_is_an_answer_to_a_verb_that_does_something() {
        assert_eq!(done("rest", "\n").unwrap(), None);
        assert_eq!(done("rest", "{}").unwrap(), Some(vec![]));
        assert_eq!(done("rest", r#"{"sent":["a\nb"]}"#).unwrap(), Some(vec!["a␊b".to_owned()]));
        assert!(done("rest", "done!").is_err());
    }
}
