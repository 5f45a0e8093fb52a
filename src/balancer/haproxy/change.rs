//! Which commands carry out a change, and which changes are refused before anything is sent.
//!
//! Pure. It decides the order (everybody in before anybody out, in all backends), what comes before the switch (`maint` to
//! `drain`, so that checks run again), and that members go to `maint` where users stick to their server, since `drain`
//! would go on serving them. What a rotation is stands in `stat`.

use super::look::{Backend, Look};
use super::stat::Row;
use crate::model::{Change, Failure, MemberName, Rotation};
use std::collections::{BTreeMap, BTreeSet};

/// What brings incoming members out of maintenance before the switch, so that HAProxy checks them again: from `maint`
/// straight to `ready` a server is given requests before its first check. Not where users stick to their server: a
/// drained server would be given theirs. `standing`: where members are, if otherwise than that look says.
pub(super) fn preparation(look: Option<&Look>, change: &Change, standing: &BTreeMap<MemberName, Rotation>) -> Vec<String> {
    let Some(look) = look else { return Vec::new() };
    let stands = |backend, member| standing.get(member).copied().or_else(|| rotation(backend, member));
    places(look, change.into())
        .filter(|(backend, member)| backend.sticky.is_none() && stands(backend, member) == Some(Rotation::Out))
        .map(|(backend, member)| state(&backend.name, member, "drain"))
        .collect()
}

/// The switch: one list, in the order in which it is sent. Before the first reading every backend is taken to have every
/// member, and none to be sticky.
pub(super) fn switch(backends: &[String], look: Option<&Look>, change: &Change) -> Vec<String> {
    let Some(look) = look else {
        let all = |members: &BTreeSet<MemberName>, word: &str| -> Vec<String> {
            backends
                .iter()
                .flat_map(|backend| members.iter().map(|member| state(backend, member, word)).collect::<Vec<_>>())
                .collect()
        };
        return [all(change.into(), "ready"), all(change.out(), "drain")].concat();
    };
    let into = places(look, change.into()).map(|(backend, member)| state(&backend.name, member, "ready"));
    let out = places(look, change.out())
        .map(|(backend, member)| state(&backend.name, member, if backend.sticky.is_some() { "maint" } else { "drain" }));
    into.chain(out).collect()
}

/// Incoming servers that must pass HAProxy's check before the switch, with what it says of them: those that came out of
/// maintenance and did not pass since (`unproven`: backend and member), and all of a backend where nobody else is well.
/// Where users stick to their server nothing can be waited for: checks do not run in maintenance.
pub(super) fn not_ready(look: &Look, change: &Change, unproven: &BTreeSet<(String, MemberName)>) -> Vec<String> {
    let mut sick = Vec::new();
    for backend in look.backends.iter().filter(|backend| backend.sticky.is_none()) {
        let incoming: Vec<&Row> = backend.rows.iter().filter(|row| change.into().contains(&row.name)).collect();
        let is_anybody_well = incoming.iter().any(|row| row.is_ready_for_traffic() || row.rotation() == Rotation::In);
        let awaited = |row: &&&Row| !is_anybody_well || unproven.contains(&(backend.name.clone(), row.name.clone()));
        for row in incoming.iter().filter(awaited).filter(|row| !row.is_ready_for_traffic()) {
            sick.push(format!("{}/{} {} {}", row.backend, row.name, row.status, row.check).trim_end().to_owned());
        }
    }
    sick
}

/// One command with the same words for each member in each of its backends, as `shutdown sessions server shop/web1`.
pub(super) fn each(look: &Look, members: &BTreeSet<MemberName>, before: &str, after: &str) -> Vec<String> {
    places(look, members).map(|(backend, member)| format!("{before} {}/{}{after}", backend.name, member.as_str())).collect()
}

/// Refuses a change that HAProxy would carry out only in part, or that would leave a backend without a server.
pub(super) fn refuse_impossible(look: &Look, change: &Change) -> Result<(), Failure> {
    refuse_unknown(look, change.into().union(change.out()))?;
    for backend in &look.backends {
        let has = |members: &BTreeSet<MemberName>| members.iter().any(|member| rotation(backend, member).is_some());
        if has(change.out()) && !has(change.into()) {
            return Err(Failure::new(format!(
                "backend {} has none of {}: it would have no server",
                backend.name,
                list(change.into())
            ))
            .next(format!("add them to backend {} in HAProxy's config, or leave that backend out of `backend`", backend.name)));
        }
    }
    for (backend, member) in places(look, change.into()) {
        if backend.rows.iter().any(|row| row.name == *member && row.weight == 0) {
            return Err(Failure::new(format!("{}/{member} has weight 0: it would take no requests", backend.name))
                .next(format!("give it a weight: set server {}/{member} weight 100%", backend.name)));
        }
    }
    Ok(())
}

/// Refuses members that no backend has, and lists those that are there.
pub(super) fn refuse_unknown<'a>(look: &Look, members: impl IntoIterator<Item = &'a MemberName>) -> Result<(), Failure> {
    let known = look.members();
    let unknown: BTreeSet<MemberName> = members.into_iter().filter(|member| !known.contains(member)).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let backends: Vec<&str> = look.backends.iter().map(|backend| backend.name.as_str()).collect();
    let has = if known.is_empty() { "no servers".to_owned() } else { list(&known) };
    Err(Failure::new(format!("HAProxy's backend {} has no server {}; it has {has}", backends.join(", "), list(&unknown)))
        .next("write the server's name at HAProxy as `member` of its [[server]]"))
}

/// Refuses members that take requests.
pub(super) fn refuse_in_rotation(look: &Look, members: &BTreeSet<MemberName>, act: &str) -> Result<(), Failure> {
    refuse_unknown(look, members)?;
    let inside: Vec<&MemberName> = members.iter().filter(|member| look.rotation(member) == Some(Rotation::In)).collect();
    if inside.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{} takes requests: not {act}", list(inside))).next("switch it out of rotation first"))
}

/// Names in a row.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a MemberName>) -> String {
    names.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn places<'a>(look: &'a Look, members: &'a BTreeSet<MemberName>) -> impl Iterator<Item = (&'a Backend, &'a MemberName)> {
    look.backends.iter().flat_map(move |backend| {
        members.iter().filter(|member| rotation(backend, member).is_some()).map(move |member| (backend, member))
    })
}

fn rotation(backend: &Backend, member: &MemberName) -> Option<Rotation> {
    backend.rows.iter().find(|row| row.name == *member).map(Row::rotation)
}

fn state(backend: &str, member: &MemberName, word: &str) -> String {
    format!("set server {backend}/{} state {word}", member.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::look;
    use super::*;

    fn change(into: &[&str], out: &[&str]) -> Change {
        Change::new(into.iter().map(|name| MemberName::new(name)), out.iter().map(|name| MemberName::new(name))).unwrap()
    }

    #[test]
    fn everybody_comes_in_before_anybody_goes_out() {
        let backends = ["app".to_owned(), "ws".to_owned()];
        let expected = [
            "set server app/a state ready",
            "set server ws/a state ready",
            "set server app/b state drain",
            "set server ws/b state drain",
        ];
        assert_eq!(switch(&backends, None, &change(&["a"], &["b"])), expected);
        let known = look(&[("app", None, &[("a", 8), ("b", 0)]), ("ws", None, &[("a", 8), ("b", 0)])]);
        assert_eq!(switch(&backends, Some(&known), &change(&["a"], &["b"])), expected);
    }

    #[test]
    fn where_users_stick_members_go_to_maint_and_are_not_drained_before() {
        let known = look(&[("app", Some("cookie SRV"), &[("a", 1), ("b", 0)])]);
        let wish = change(&["a"], &["b"]);
        assert_eq!(switch(&[], Some(&known), &wish), ["set server app/a state ready", "set server app/b state maint"]);
        assert!(preparation(Some(&known), &wish, &BTreeMap::new()).is_empty());
    }

    #[test]
    fn only_who_is_in_maintenance_is_drained_before() {
        let known = look(&[("app", None, &[("a", 1), ("b", 8), ("c", 0)])]);
        assert_eq!(preparation(Some(&known), &change(&["a", "b", "c"], &[]), &BTreeMap::new()), ["set server app/a state drain"]);
        let later = BTreeMap::from([(MemberName::new("a"), Rotation::In), (MemberName::new("c"), Rotation::Out)]);
        assert_eq!(preparation(Some(&known), &change(&["a", "b", "c"], &[]), &later), ["set server app/c state drain"]);
        assert!(preparation(None, &change(&["a"], &[]), &BTreeMap::new()).is_empty());
    }

    #[test]
    fn unknown_names_list_the_real_ones() {
        let known = look(&[("app", None, &[("a", 0), ("b", 0)])]);
        let failure = refuse_impossible(&known, &change(&["a"], &["x"])).unwrap_err();
        assert!(failure.what.as_str().contains("has no server x; it has a, b"), "{failure}");
    }

    #[test]
    fn no_backend_is_left_without_a_server() {
        let known = look(&[("app", None, &[("a", 0), ("b", 0)]), ("ws", None, &[("b", 0)])]);
        let failure = refuse_impossible(&known, &change(&["a"], &["b"])).unwrap_err();
        assert!(failure.what.as_str().contains("backend ws has none of a"), "{failure}");
        assert!(refuse_impossible(&known, &change(&["b"], &["a"])).is_ok());
    }

    #[test]
    fn who_came_out_of_maintenance_is_waited_for_and_a_dead_one_only_when_nobody_else_is_well() {
        let mut known = look(&[("app", None, &[("a", 8), ("b", 8), ("c", 0)])]);
        let wish = change(&["a", "b"], &["c"]);
        let unproven = BTreeSet::from([("app".to_owned(), MemberName::new("a"))]);
        let sick = |row: &mut Row| (row.operation, row.status, row.check) = (0, "DOWN".to_owned(), "L4CON".to_owned());
        assert!(not_ready(&known, &wish, &unproven).is_empty());
        sick(&mut known.backends[0].rows[0]);
        assert_eq!(not_ready(&known, &wish, &unproven), ["app/a DOWN L4CON"]);
        assert!(not_ready(&known, &wish, &BTreeSet::new()).is_empty(), "b is well");
        sick(&mut known.backends[0].rows[1]);
        assert_eq!(not_ready(&known, &wish, &BTreeSet::new()).len(), 2);
        known.backends[0].sticky = Some("cookie SRV".into());
        assert!(not_ready(&known, &wish, &unproven).is_empty());
    }

    #[test]
    fn weight_0_and_who_takes_requests_are_refused() {
        let mut known = look(&[("app", None, &[("a", 8), ("b", 0)])]);
        assert!(refuse_in_rotation(&known, &[MemberName::new("a")].into(), "put into maintenance").is_ok());
        let failure = refuse_in_rotation(&known, &[MemberName::new("b")].into(), "put into maintenance").unwrap_err();
        assert!(failure.what.as_str().contains("b takes requests: not put into maintenance"), "{failure}");
        known.backends[0].rows[0].weight = 0;
        assert!(refuse_impossible(&known, &change(&["a"], &["b"])).unwrap_err().to_string().contains("weight 0"));
    }
}
