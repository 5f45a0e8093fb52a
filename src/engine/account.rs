//! Accounts of this machine by name: who asks, and which group shares a state directory. It refuses to know what they may do.
//!
//! The files under `/etc` are asked first, then `getent`, which knows directories on the network too.

use crate::model::Printable;
use std::fs;
use std::process::{Command, Stdio};

/// The login name of a user id; `uid 1234` where nobody knows one.
#[must_use]
pub fn login_of(uid: u32) -> Printable {
    let wanted = uid.to_string();
    let name = entry("passwd", |fields| fields.get(2).is_some_and(|field| *field == wanted), &wanted);
    Printable::new(&name.and_then(|fields| fields.into_iter().next()).unwrap_or_else(|| format!("uid {uid}")))
}

/// The login name of this process.
#[must_use]
pub fn own_login() -> Printable {
    login_of(rustix::process::geteuid().as_raw())
}

/// The id of a group, if there is one of that name.
#[must_use]
pub fn group_id(name: &str) -> Option<u32> {
    entry("group", |fields| fields.first().is_some_and(|field| *field == name), name)?.get(2)?.parse().ok()
}

/// The name of this machine.
#[must_use]
pub fn host_name() -> Printable {
    let asked = || {
        let said = Command::new("hostname").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        Some(String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(asked).unwrap_or_default();
    Printable::new(name.trim())
}

fn entry(database: &str, wanted: impl Fn(&[&str]) -> bool, key: &str) -> Option<Vec<String>> {
    let find = |text: &str| {
        text.lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| wanted(fields))
            .map(|fields| fields.into_iter().map(str::to_owned).collect())
    };
    let local = fs::read_to_string(format!("/etc/{database}")).ok().and_then(|text| find(&text));
    local.or_else(|| {
        let said = Command::new("getent").args(["--", database, key]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        find(&String::from_utf8_lossy(&said.stdout))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_names_and_strangers_have_numbers() {
        assert_eq!(login_of(0).as_str(), "root");
        assert_eq!(login_of(3_999_999_999).as_str(), "uid 3999999999");
        assert!(group_id("no-such-group-here").is_none());
        assert!(!host_name().is_empty());
    }
}
