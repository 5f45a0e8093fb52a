//! What of a config a running plan stands on, as flat keys and values: for its fingerprint, and for saying what changed.
//!
//! Secrets are in the file only as `env:NAME` or `file:PATH`, and their values are never looked up here.

use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// `server.web1.address` → `10.0.0.11:3000`. Servers and nodes stand under their names, so that their order shows only where
/// it counts. `[state]` is left out: where a rollout is kept is no part of it.
#[must_use]
pub fn flatten(text: &str) -> BTreeMap<String, String> {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut flat = BTreeMap::new();
    for (key, value) in document.get_ref() {
        if key.get_ref() != "state" {
            spread(&mut flat, key.get_ref().to_string(), value.get_ref());
        }
    }
    flat
}

fn spread(flat: &mut BTreeMap<String, String>, at: String, value: &DeValue<'_>) {
    let text = match value {
        DeValue::Table(table) => {
            for (key, value) in table {
                spread(flat, format!("{at}.{}", key.get_ref()), value.get_ref());
            }
            return;
        }
        DeValue::Array(list) if list.iter().any(|one| one.get_ref().is_table()) => {
            for (place, one) in list.iter().enumerate() {
                let name = one.get_ref().get("name").and_then(|name| name.get_ref().as_str().map(str::to_owned));
                let name = name.filter(|name| !flat.contains_key(&format!("{at}.{name}.name")));
                spread(flat, format!("{at}.{}", name.unwrap_or_else(|| (place + 1).to_string())), one.get_ref());
            }
            return;
        }
        DeValue::Array(list) => {
            let list: Vec<String> = list.iter().map(|one| scalar(one.get_ref())).collect();
            format!("[{}]", list.join(", "))
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            scalar(value)
        }
    };
    flat.insert(at, text);
}

fn scalar(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(list) => list.iter().map(|one| scalar(one.get_ref())).collect::<Vec<_>>().join(", "),
        DeValue::Table(_) => String::new(),
    }
}

/// Eight hexadecimal digits over all keys and values.
#[must_use]
pub fn fingerprint(flat: &BTreeMap<String, String>) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for (key, value) in flat {
        for piece in [key, value] {
            hasher.update(&(piece.len() as u64).to_le_bytes());
            hasher.update(piece.as_bytes());
        }
    }
    format!("{:08x}", hasher.finalize())
}

/// A key whose value is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As `server.web1.address`.
    pub key: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What differs between two flat configs, in the order of the keys.
#[must_use]
pub fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Difference> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| Difference { key: key.clone(), before: before.get(key).cloned(), after: after.get(key).cloned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "[commands]\nstop = 'a'\n[state]\ndir = '/x'\n[[server]]\nname = 'web1'\naddress = 'a:1'\n";

    #[test]
    fn comments_order_and_state_do_not_count() {
        let after = "# moved\n[[server]]\naddress = \"a:1\"\nname = \"web1\"\n[commands]\nstop = \"a\"\n[state]\ndir = '/y'\n";
        assert_eq!(fingerprint(&flatten(BEFORE)), fingerprint(&flatten(after)));
    }

    #[test]
    fn a_changed_command_is_named() {
        let after = BEFORE.replace("stop = 'a'", "stop = 'b'").replace("web1", "web2");
        let found = differences(&flatten(BEFORE), &flatten(&after));
        assert!(found.contains(&Difference { key: "commands.stop".into(), before: Some("a".into()), after: Some("b".into()) }));
        assert!(found.iter().any(|one| one.key == "server.web2.address" && one.before.is_none()), "{found:?}");
        assert_ne!(fingerprint(&flatten(BEFORE)), fingerprint(&flatten(&after)));
    }
}
