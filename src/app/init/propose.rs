//! Names, zones and halves for what a balancer lists. Pure: the same list gives the same proposal.

use crate::balancer::listing::Listed;
use crate::config::{Candidate, split};
use crate::model::Half;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

/// Names of the config are at most so long.
const LONGEST_NAME: usize = 64;

/// A name as the config takes it, a-z 0-9 . _ -, as near to that text as can be. `None` where nothing is left.
pub fn name(text: &str) -> Option<String> {
    let may = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(may).collect();
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches('-');
    let text: String = text.chars().take(LONGEST_NAME).collect();
    (!text.is_empty()).then_some(text)
}

/// A name for each, all different: as the balancer calls it, else after its route or host, else `web1`, `web2` and so on.
pub fn names(members: &[Listed]) -> Vec<String> {
    let wished: Vec<Option<String>> = members.iter().map(wish).collect();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut named: Vec<Option<String>> = Vec::new();
    for (member, wish) in members.iter().zip(&wished) {
        let is_alone = wished.iter().filter(|other| *other == wish).count() == 1;
        let with_port = || Some(format!("{}-{}", wish.as_ref()?, member.address.as_ref()?.port));
        let name = if is_alone { wish.clone() } else { with_port() };
        named.push(name.filter(|name| name.len() <= LONGEST_NAME && taken.insert(name.clone())));
    }
    let mut number = 0;
    let mut next = || loop {
        number += 1;
        let name = format!("web{number}");
        if taken.insert(name.clone()) {
            return name;
        }
    };
    named.into_iter().map(|name| name.unwrap_or_else(&mut next)).collect()
}

fn wish(member: &Listed) -> Option<String> {
    let text = member.name.as_str();
    let is_address = text.contains("://") || member.address.as_ref().is_some_and(|address| text == address.to_string());
    if !is_address {
        return name(text);
    }
    let host = member.address.as_ref().map(|address| address.host.as_str()).filter(|host| host.parse::<IpAddr>().is_err());
    let label = host.filter(|host| *host != "localhost").and_then(|host| host.split('.').next());
    member.route.as_deref().or(label).and_then(name)
}

/// A zone for each, where the names or the networks tell one for all of them; else none for anybody.
pub fn zones(members: &[Listed]) -> Vec<Option<String>> {
    let by_name: Vec<Option<String>> = members.iter().map(zone_in_name).collect();
    let by_network: Vec<Option<String>> = members.iter().map(network).collect();
    [by_name, by_network].into_iter().find(|zones| tells(zones)).unwrap_or_else(|| vec![None; members.len()])
}

/// At least two zones, and each with at least two: a zone for each server would only be another name for it.
fn tells(zones: &[Option<String>]) -> bool {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in zones {
        let Some(zone) = zone else { return false };
        *counts.entry(zone).or_default() += 1;
    }
    counts.len() >= 2 && counts.values().all(|count| *count >= 2)
}

/// `dc2`, `az-b`, `rack4` as a part of a name, or `eu-west-1a` anywhere in it.
fn zone_in_name(member: &Listed) -> Option<String> {
    static REGION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[a-z]{2}-[a-z]+-[0-9][a-z]?\b").ok());
    static PLACE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[-._])((?:dc|az|zone|rack|site|room|hall)-?(?:[0-9]+[a-z]?|[a-z]))(?:$|[-._])").ok());
    let host = member.address.as_ref().map(|address| address.host.to_lowercase()).unwrap_or_default();
    let texts = [member.name.as_str().to_lowercase(), host];
    let found = |pattern: &Option<Regex>| {
        let pattern = pattern.as_ref()?;
        texts.iter().find_map(|text| {
            pattern.captures(text).map(|found| found.get(1).or(found.get(0)).map_or("", |part| part.as_str()).to_owned())
        })
    };
    found(&REGION).or_else(|| found(&PLACE))
}

/// The first three numbers of an IPv4 address that is not this machine's own.
fn network(member: &Listed) -> Option<String> {
    let address: Ipv4Addr = member.address.as_ref()?.host.parse().ok()?;
    let [a, b, c, _] = address.octets();
    (!address.is_loopback()).then(|| format!("{a}.{b}.{c}"))
}

/// Weights as the config has them: each its own where they differ, 1 where they do not, or where the balancer gives none.
pub fn weights(members: &[Listed]) -> Vec<f64> {
    let usable = |weight: f64| if weight >= 0.001 { weight } else { 1.0 };
    let weights: Vec<f64> = members.iter().map(|member| usable(member.weight)).collect();
    if weights.windows(2).all(|pair| pair[0] == pair[1]) { vec![1.0; weights.len()] } else { weights }
}

/// A half for each: `said` stands, the rest is split by zone and weight.
pub fn halves(said: &[Option<Half>], zones: &[Option<String>], weights: &[f64]) -> Vec<Half> {
    let candidates: Vec<Candidate> = said
        .iter()
        .zip(zones)
        .zip(weights)
        .map(|((half, zone), weight)| Candidate { half: *half, zone: zone.clone(), weight: *weight })
        .collect();
    split(&candidates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::listing::Speaks;
    use crate::model::{Address, MemberName, Rotation};

    fn listed(name: &str, address: &str, route: Option<&str>) -> Listed {
        let (host, port) = address.rsplit_once(':').expect("an address");
        Listed {
            name: MemberName::new(name),
            address: Some(Address { host: host.to_owned(), port: port.parse().expect("a port") }),
            speaks: Speaks::Http,
            weight: 1.0,
            rotation: Rotation::In,
            word: "UP".into(),
            healthy: None,
            route: route.map(str::to_owned),
        }
    }

    #[test]
    fn names_are_those_of_the_balancer_or_else_of_the_host_or_counted() {
        let all = [listed("Web1", "10.0.0.1:80", None), listed("web_2", "10.0.0.2:80", None), listed("é", "10.0.0.3:80", None)];
        assert_eq!(names(&all), ["web1", "web_2", "web2"]);
        let apache = [
            listed("http://10.0.0.1:80", "10.0.0.1:80", None),
            listed("http://shop7.example:80", "shop7.example:80", None),
            listed("http://10.0.0.3:80", "10.0.0.3:80", Some("node-c")),
        ];
        assert_eq!(names(&apache), ["web1", "shop7", "node-c"]);
        let one_host = [listed("http://app:3001", "app:3001", None), listed("http://app:3002", "app:3002", None)];
        assert_eq!(names(&one_host), ["app-3001", "app-3002"]);
        let twice = [listed("A", "10.0.0.1:80", None), listed("a", "10.0.0.2:80", None)];
        assert_eq!(names(&twice), ["a-80", "web1"]);
    }

    #[test]
    fn a_name_is_made_of_what_the_config_takes() {
        assert_eq!(name("Shop Web/2").as_deref(), Some("shop-web-2"));
        assert_eq!(name("--x").as_deref(), Some("x"));
        assert_eq!(name("\u{1b}[2J").as_deref(), Some("2j"));
        assert_eq!(name("---"), None);
        assert_eq!(name(&"x".repeat(100)).map(|name| name.len()), Some(64));
    }

    #[test]
    fn zones_come_from_names_or_networks_and_only_if_they_tell_something() {
        let zones_of = |list: &[(&str, &str)]| {
            let members: Vec<Listed> = list.iter().map(|(name, address)| listed(name, address, None)).collect();
            zones(&members).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            zones_of(&[("web1-dc1", "a:1"), ("web2-dc1", "b:1"), ("web3-dc2", "c:1"), ("web4-dc2", "d:1")]),
            "dc1 dc1 dc2 dc2"
        );
        assert_eq!(
            zones_of(&[
                ("a", "a.eu-west-1a.x:1"),
                ("b", "b.eu-west-1a.x:1"),
                ("c", "c.eu-west-1b.x:1"),
                ("d", "d.eu-west-1b.x:1")
            ]),
            "eu-west-1a eu-west-1a eu-west-1b eu-west-1b"
        );
        assert_eq!(
            zones_of(&[("a", "10.0.1.1:1"), ("b", "10.0.2.1:1"), ("c", "10.0.1.2:1"), ("d", "10.0.2.2:1")]),
            "10.0.1 10.0.2 10.0.1 10.0.2"
        );
        assert_eq!(zones_of(&[("a", "10.0.1.1:1"), ("b", "10.0.2.1:1")]).trim(), "", "a zone for each is none");
        assert_eq!(
            zones_of(&[("a", "127.0.0.1:1"), ("b", "127.0.0.1:2"), ("c", "127.0.1.1:3"), ("d", "127.0.1.1:4")]).trim(),
            ""
        );
    }

    #[test]
    fn halves_follow_zones_and_weights_and_what_was_said() {
        let zone = |text: &str| Some(text.to_owned());
        let shown = |halves: Vec<Half>| halves.iter().map(ToString::to_string).collect::<String>();
        let zones = [zone("x"), zone("y"), zone("x"), zone("y")];
        assert_eq!(shown(halves(&[None; 4], &zones, &[1.0; 4])), "AABB");
        assert_eq!(shown(halves(&[None; 4], &[None, None, None, None], &[3.0, 1.0, 1.0, 1.0])), "ABBB");
        assert_eq!(shown(halves(&[Some(Half::B), None], &[None, None], &[1.0; 2])), "BA");
        let mut unequal = [listed("a", "a:1", None), listed("b", "b:1", None)];
        assert_eq!(weights(&unequal), [1.0, 1.0]);
        (unequal[0].weight, unequal[1].weight) = (100.0, 0.0);
        assert_eq!(weights(&unequal), [100.0, 1.0]);
    }
}
