//! Which change of the balancer's own config would make a switch better, and why. Pure.
//!
//! What is said here was measured with real daemons, or is what the balancer itself told; where nothing is known of a
//! setting, nothing is said of it.

use super::draft::{Draft, Health};
use super::look::{Found, Source};
use crate::balancer::listing::Listing;
use crate::model::Rotation;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    pub why: String,
    /// Lines for the balancer's own config, if there are any.
    pub change: Vec<String>,
}

fn advice(why: impl Into<String>, change: &[&str]) -> Advice {
    Advice { why: why.into(), change: change.iter().map(|line| (*line).to_owned()).collect() }
}

/// All of them, the weightier first. `apart`: other pools that send requests to the same servers and are not switched with them.
pub fn advices(found: &Found, listing: &Listing, draft: &Draft, apart: &[String]) -> Vec<Advice> {
    let mut all: Vec<Advice> = apart.iter().map(|other| shared(found, listing, other)).collect();
    all.extend(match &found.source {
        Source::Haproxy { socket } => haproxy(found, listing, draft, socket),
        Source::Apache { url, user } => apache(found, listing, url, user.is_some()),
        Source::Builtin { .. } => Vec::new(),
    });
    all
}

fn shared(found: &Found, listing: &Listing, other: &str) -> Advice {
    let next = match found.source {
        Source::Haproxy { .. } => format!(
            "call these servers in {other} as in {}, and write backend = [\"{}\", \"{other}\"] here",
            listing.name, listing.name
        ),
        Source::Apache { .. } | Source::Builtin { .. } => {
            format!("write a second [[balancer]] here, with balancer = \"{other}\": both are then switched together")
        }
    };
    let why = format!("{other} sends requests to the same servers, and is not switched: its users would see them stop:");
    Advice { why, change: vec![next] }
}

fn haproxy(found: &Found, listing: &Listing, draft: &Draft, socket: &str) -> Vec<Advice> {
    let mut all = Vec::new();
    if listing.advice.iter().any(|text| text.as_str().contains("needs level admin")) {
        let line = format!("stats socket {socket} mode 660 level admin");
        all.push(advice("this socket may not change servers: a switch needs level admin. In the global section:", &[&line]));
    }
    if draft.state_file.is_none() {
        all.push(advice(
            "a reload puts every server back as haproxy.cfg has it, in the middle of a rollout too. So that it keeps who is out, and \
             then state_file here:",
            &["global:    server-state-file /var/lib/haproxy/state", "defaults:  load-server-state-from-file global"],
        ));
    }
    let path = if let Health::Path(path) = &draft.health { path } else { "/healthz" };
    let line = format!("backend {}:  option httpchk GET {path}", listing.name);
    let unchecked = listing.members.iter().any(|member| member.rotation == Rotation::In && member.healthy.is_none());
    let backend = found.hints.cfg.as_ref().and_then(|cfg| cfg.backends.get(&listing.name));
    if unchecked {
        all.push(advice(
            "HAProxy does not check these servers: it sends users to one that is down, and halfstep cannot wait for its check \
             before a switch:",
            &[&line, "and `check` at the end of each of its server lines"],
        ));
    } else if backend.is_some_and(|backend| backend.httpchk.is_none()) {
        all.push(advice("HAProxy checks only that a port is open; an application that cannot answer counts as well:", &[&line]));
    }
    if let Some(sticky) = &listing.sticky {
        all.push(advice(
            format!(
                "users stay with their server ({sticky}), and a drain would go on serving them. So halfstep takes a half out with \
                 `maint`, which moves them at once: what a server keeps of them in memory is lost to them. A server that comes back \
                 from `maint` is given requests before its first check; with HAProxy 3.1 or later this line prevents that:"
            ),
            &["default-server init-state down"],
        ));
    }
    if found.hints.cfg.as_ref().is_some_and(|cfg| !cfg.redispatches) {
        all.push(advice(
            "a request for a server that has just gone fails instead of being given to another one. In defaults:",
            &["option redispatch", "retries 2"],
        ));
    }
    all
}

fn apache(found: &Found, listing: &Listing, url: &str, has_password: bool) -> Vec<Advice> {
    let mut all = Vec::new();
    let says = |part: &str| listing.advice.iter().any(|text| text.as_str().contains(part));
    if says("BalancerPersist") {
        all.push(advice(
            "every reload, that of a weekly logrotate too, puts all members back as the config has them, in the middle of a rollout \
             too. In that server or virtual host:",
            &["BalancerPersist On"],
        ));
    }
    if says("nonce=None") {
        all.push(advice("httpd refuses every change without a word:", &["take `nonce=None` out of the balancer's ProxySet"]));
    }
    let without: Vec<&String> = found.hints.conf.iter().flat_map(|conf| &conf.without_retry).collect();
    if found.hints.conf.is_none() || !without.is_empty() {
        all.push(advice(
            "a member that failed once gets nothing for `retry` seconds, 60 unless it is set, although it is back:",
            &["retry=1 at the end of each BalancerMember"],
        ));
    }
    if let Some(sticky) = &listing.sticky {
        all.push(advice(
            format!(
                "users stay with their server ({sticky}). halfstep ends the switch with `D`, which moves them at once: what a server \
                 keeps of them in memory is lost to them"
            ),
            &[],
        ));
    }
    let is_far = !["//127.", "//localhost", "//[::1]"].iter().any(|near| url.contains(near));
    if has_password && url.starts_with("http://") && is_far {
        all.push(advice("the password goes over the network as it is: serve the page with https, or reach it with --ssh", &[]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::draft::tests::draft;
    use super::super::haproxy_cfg;
    use super::super::look::Hints;
    use super::*;
    use crate::balancer::listing::{Listed, Speaks};
    use crate::model::MemberName;

    fn found(source: Source, hints: Hints, healthy: Option<bool>, sticky: Option<&str>, said: &[&str]) -> (Found, Listing) {
        let member = Listed {
            name: MemberName::new("web1"),
            address: None,
            speaks: Speaks::Http,
            weight: 1.0,
            rotation: Rotation::In,
            word: "UP".into(),
            healthy,
            route: None,
        };
        let listing = Listing {
            name: "shop".into(),
            members: vec![member],
            sticky: sticky.map(Into::into),
            advice: said.iter().map(|text| (*text).into()).collect(),
        };
        (Found { source, listings: vec![listing.clone()], hints }, listing)
    }

    fn text(all: &[Advice]) -> String {
        all.iter().map(|one| format!("{} {}\n", one.why, one.change.join("; "))).collect()
    }

    #[test]
    fn a_haproxy_without_anything_gets_all_and_a_good_one_nothing() {
        let bad = haproxy_cfg::read("global\n stats socket /s level user\nbackend shop\n");
        let source = Source::Haproxy { socket: "/s".into() };
        let level = "the socket /s gives level user: a switch needs level admin";
        let (found_bad, listing) =
            found(source.clone(), Hints { cfg: Some(bad), conf: None }, None, Some("cookie SRV"), &[level]);
        let said = text(&advices(&found_bad, &listing, &draft(), &[]));
        for part in ["level admin", "server-state-file", "option httpchk GET /healthz", "cookie SRV", "option redispatch"] {
            assert!(said.contains(part), "{part}:\n{said}");
        }
        let good = haproxy_cfg::read(
            "global\n stats socket /s level admin\ndefaults\n option redispatch\nbackend shop\n option httpchk GET /up\n",
        );
        let (found_good, listing) = found(source, Hints { cfg: Some(good), conf: None }, Some(true), None, &[]);
        let mut draft = draft();
        draft.state_file = Some("/var/lib/haproxy/state".into());
        assert_eq!(advices(&found_good, &listing, &draft, &[]), []);
    }

    #[test]
    fn an_apache_is_told_of_persistence_retry_and_its_password() {
        let source = Source::Apache { url: "http://lb1/balancer-manager".into(), user: Some(("u".into(), "env:P".into())) };
        let (found, listing) = found(source, Hints::default(), Some(true), None, &["set BalancerPersist On"]);
        let said = text(&advices(&found, &listing, &draft(), &[]));
        let apart = text(&advices(&found, &listing, &draft(), &["api".to_owned()]));
        assert!(apart.contains("api sends requests to the same servers") && apart.contains("[[balancer]]"), "{apart}");
        for part in ["BalancerPersist On", "retry=1", "https"] {
            assert!(said.contains(part), "{part}:\n{said}");
        }
    }
}
