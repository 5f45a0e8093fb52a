//! Configs from files: the samples load, the wrong ones get their expected messages, garbage never panics.

use halfstep::config::{self, Config, Environment, Mistakes};
use halfstep::model::{Half, PhaseName, Role};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An environment with the secrets of the samples and nothing else.
struct Given;

impl Environment for Given {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "LB_PASSWORD" => Some("hunter2".to_owned()),
            "DATABASE_URL" => Some("postgres://app:hunter2@db1/shop".to_owned()),
            _ => None,
        }
    }

    fn read(&self, path: &Path) -> std::io::Result<String> {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("probe-token") => Ok("Bearer abc\n".to_owned()),
            Some(_) | None => std::fs::read_to_string(path),
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        [Path::new("halfstep.toml"), Path::new("/xdg/halfstep/shop.toml"), Path::new("mine.toml")].contains(&path)
    }

    fn config_folder(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/xdg/halfstep"))
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(name)).expect("the directory");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn parse(text: &str) -> Result<Config, Mistakes> {
    config::parse(text, Path::new("halfstep.toml"), &Given)
}

fn sample(name: &str) -> Config {
    let path = folder("sample-configs").join(name);
    config::load_in(&path, &Given).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn every_sample_loads() {
    let samples = files("sample-configs");
    assert!(samples.len() >= 5, "{samples:?}");
    for path in samples {
        if let Err(mistakes) = config::load_in(&path, &Given) {
            panic!("{mistakes}");
        }
    }
}

#[test]
fn every_wrong_config_gets_its_message() {
    let wrong = files("tests/invalid_configs");
    assert!(wrong.len() >= 10, "{wrong:?}");
    let write = std::env::var_os("HALFSTEP_WRITE_EXPECTED").is_some();
    let mut different = Vec::new();
    for path in wrong {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("the config");
        let mistakes = match config::parse(&text, Path::new(&name), &Given) {
            Err(mistakes) => mistakes,
            Ok(_) => panic!("{name} is taken for good"),
        };
        let shown = format!("{mistakes}\n");
        let expected = path.with_extension("txt");
        if write {
            std::fs::write(&expected, &shown).expect("written");
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != shown {
            different.push(format!("{name} now says:\n{shown}"));
        }
    }
    assert!(different.is_empty(), "{}\nHALFSTEP_WRITE_EXPECTED=1 writes the new messages", different.join("\n"));
}

#[test]
fn ten_mistakes_are_told_at_once_with_their_lines() {
    let text = std::fs::read_to_string(folder("tests/invalid_configs/ten_mistakes.toml")).expect("the config");
    let mistakes = parse(&text).expect_err("wrong");
    assert_eq!(mistakes.list().len(), 10, "{mistakes}");
    let marked: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| line.contains("# wrong")).map(|(at, _)| at + 1).collect();
    let json = mistakes.to_json();
    let lines: Vec<usize> =
        json.as_array().expect("a list").iter().map(|one| one["line"].as_u64().expect("a line") as usize).collect();
    assert_eq!(lines, marked, "{mistakes}");
    assert!(json[0]["column"].as_u64().is_some_and(|column| column > 0));
    assert!(json.as_array().expect("a list").iter().all(|one| one["help"].is_string()), "{json:#}");
}

#[test]
fn a_literal_secret_is_refused_and_never_shown() {
    let text = "[balancer]\nkind = \"apache\"\nurl = \"https://u:hunter3@lb/\"\nbalancer = \"shop\"\nuser = \"x\"\npassword = \"hunter2\"\n\
                [version]\npath = \"/v\"\nbody = true\nheaders = { X-Api-Key = \"hunter4\" }\n";
    let mistakes = parse(text).expect_err("wrong");
    for shown in [mistakes.to_string(), mistakes.to_json().to_string(), mistakes.render(config::Look::Coloured)] {
        assert!(!shown.contains("hunter"), "{shown}");
    }
    assert!(mistakes.to_string().contains("env:NAME"), "{mistakes}");
    let broken = parse("[balancer]\npassword = \"hunter2\n").expect_err("wrong").to_string();
    assert!(!broken.contains("hunter"), "{broken}");
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = sample("haproxy.toml");
    let policy = &config.policy;
    assert_eq!((policy.healthy_after, policy.parallel, policy.gates.min_requests), (3, 4, 100));
    assert_eq!((policy.bake, policy.drain_timeout), (Duration::from_secs(300), Duration::from_secs(60)));
    assert_eq!((policy.poll, policy.probe), (Duration::from_millis(500), Some(Duration::from_millis(2))));
    assert_eq!(policy.stop_before, [PhaseName::Switch, PhaseName::UpdateB, PhaseName::Contract]);
    assert_eq!((policy.gates.error_rate, policy.gates.capacity, policy.gates.auto_rollback), (None, None, None));
    assert_eq!(config.commands.timeouts.any, Duration::from_secs(600));
    let servers: Vec<(&str, &str, Option<Half>, &str)> = config
        .pool
        .servers
        .iter()
        .map(|server| {
            (server.name.as_str(), server.member.as_ref().map_or("", |name| name.as_str()), server.half(), server.ssh.as_str())
        })
        .collect();
    assert_eq!(servers[0], ("web1", "web1", Some(Half::A), "10.0.0.11"));
    assert_eq!(servers[3], ("web4", "web4", Some(Half::B), "10.0.0.14"));
    assert_eq!(config.nodes[0].name.as_str(), "haproxy");
    let builtin = sample("builtin.toml");
    assert_eq!(builtin.pool.servers[1].member.as_ref().map(|name| name.as_str()), Some("127.0.0.1:3002"));
}

#[test]
fn a_role_says_only_what_differs() {
    let config = sample("full.toml");
    let worker = config.pool.workers().next().expect("a worker");
    assert_eq!(worker.role, Role::Worker("worker".into()));
    let commands = config.commands_of(worker);
    assert_eq!(commands.stop.as_deref(), Some("sudo systemctl stop shop-jobs"));
    assert_eq!(commands.update.as_deref(), Some("shop-link {release}"));
    assert_eq!(commands.timeouts.any, Duration::from_secs(1800));
    assert_eq!(commands.timeouts.stop, Some(Duration::from_secs(120)));
    let version = config.probe_of(worker).version.as_ref().expect("a version");
    assert_eq!(version.extract, halfstep::probe::Extract::Body, "the general json place is not for the role's own command");
    assert_eq!(version.instance, None);
    assert_eq!(worker.member, None);
    let password = match &config.nodes[1].kind {
        halfstep::balancer::KindSettings::Apache(settings) => settings.password.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(password.expect("a password").expose(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_config_is_found_by_file_by_pool_or_here() {
    let found = |option| config::find(option, &Given).map_err(|failure| failure.to_string());
    assert_eq!(found(None), Ok(PathBuf::from("halfstep.toml")));
    assert_eq!(found(Some("mine.toml")), Ok(PathBuf::from("mine.toml")));
    assert_eq!(found(Some("shop")), Ok(PathBuf::from("/xdg/halfstep/shop.toml")));
    let missing = found(Some("other")).expect_err("missing");
    assert!(missing.contains("/xdg/halfstep/other.toml") && missing.contains("sample-configs/"), "{missing}");
}

#[test]
fn deep_and_long_texts_are_refused_and_never_overflow() {
    let deep = ["[".repeat(20_000), "a.".repeat(20_000), "{a=".repeat(20_000), "a = [".repeat(2_000)];
    let dotted = format!("[{}b]\nx = 1\n", "a.".repeat(5_000));
    let many = "x = 1\n".repeat(20_000);
    let long = "#".repeat(2 * 1024 * 1024);
    for text in deep.into_iter().chain([dotted, many, long]) {
        let mistakes = parse(&text).expect_err("wrong");
        assert!(!mistakes.to_string().is_empty());
    }
}

#[test]
fn a_file_that_is_missing_or_no_text_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a directory");
    let missing = config::load(&folder.path().join("none.toml")).expect_err("missing").to_string();
    assert!(missing.contains("none.toml") && missing.contains("sample-configs/"), "{missing}");
    let path = folder.path().join("latin1.toml");
    std::fs::write(&path, b"[pool]\nname = \"caf\xe9\"\n").expect("written");
    let latin = config::load(&path).expect_err("not UTF-8").to_string();
    assert!(latin.contains("UTF-8"), "{latin}");
}

/// The keys of a schema and those of a table, compared downwards; gives the key paths that the schema has.
fn walk(schema: &serde_json::Value, value: Option<&toml::Value>, at: &str, unsaid: &mut Vec<String>) {
    let alternatives: Vec<&serde_json::Value> = schema["anyOf"].as_array().map_or(vec![schema], |list| list.iter().collect());
    for schema in alternatives {
        let inner: Vec<&toml::Value> = match value {
            Some(toml::Value::Array(list)) => list.iter().collect(),
            Some(other) => vec![other],
            None => vec![],
        };
        let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
        if let Some(named) = schema.get("additionalProperties").filter(|named| named["properties"].is_object()) {
            let all = inner.iter().filter_map(|value| value.as_table()).flat_map(|table| table.values()).next();
            walk(named, all, &format!("{at}.NAME"), unsaid);
        }
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            let said: Vec<toml::Value> = inner.iter().filter_map(|value| value.get(key)).cloned().collect();
            if said.is_empty() {
                unsaid.push(format!("{at}.{key}"));
            } else {
                let flat: Vec<toml::Value> =
                    said.into_iter().flat_map(|one| one.as_array().cloned().unwrap_or_else(|| vec![one.clone()])).collect();
                walk(schema, Some(&toml::Value::Array(flat)), &format!("{at}.{key}"), unsaid);
            }
        }
        for table in inner.iter().filter_map(|value| value.as_table()).filter(|_| schema["properties"].is_object()) {
            for key in table.keys() {
                assert!(schema["properties"].get(key).is_some(), "{at}.{key} is not in the schema");
            }
        }
    }
}

#[test]
fn the_schema_knows_every_key_of_the_samples_and_the_full_sample_every_key_of_the_schema() {
    let schema = config::schema();
    for path in files("sample-configs") {
        let text = std::fs::read_to_string(&path).expect("the sample");
        let value: toml::Value = toml::from_str(&text).expect("TOML");
        let mut unsaid = Vec::new();
        walk(&schema, Some(&value), "", &mut unsaid);
        if path.ends_with("full.toml") {
            unsaid.retain(|key| !text.contains(&format!("{} =", key.rsplit('.').next().expect("a name"))));
            assert!(unsaid.is_empty(), "full.toml does not show {unsaid:?}");
        }
    }
}

#[test]
fn the_fingerprint_changes_with_a_command_and_not_with_a_comment() {
    let text = std::fs::read_to_string(folder("sample-configs/haproxy.toml")).expect("the sample");
    let before = parse(&text).expect("good");
    let commented = parse(&format!("# a comment\n{text}")).expect("good");
    let changed = parse(&text.replace("shop-link", "shop-relink")).expect("good");
    assert_eq!(before.fingerprint(), commented.fingerprint());
    assert_ne!(before.fingerprint(), changed.fingerprint());
    let found = config::differences(&before.flat, &changed.flat);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].key.as_str(), found[0].after.as_deref()), ("commands.update", Some("shop-relink {release}")));
}

proptest! {
    #[test]
    fn any_text_is_a_config_or_mistakes(text in "\\PC{0,200}") {
        if let Err(mistakes) = parse(&text) {
            prop_assert!(!mistakes.list().is_empty());
            let _ = mistakes.render(config::Look::Coloured);
        }
    }

    #[test]
    fn a_spoilt_sample_is_a_config_or_mistakes(at in 0usize..5000, cut in 0usize..40, put in "[\\[\\]{}=\"'#\\\\.\n\r\t\u{1b}é0-9a-c -]{0,6}") {
        let text = std::fs::read_to_string(folder("sample-configs/full.toml")).expect("the sample");
        let start = text.floor_char_boundary(at.min(text.len()));
        let end = text.floor_char_boundary((start + cut).min(text.len()));
        let spoilt = format!("{}{put}{}", &text[..start], &text[end..]);
        if let Err(mistakes) = parse(&spoilt) {
            let shown = mistakes.to_string();
            prop_assert!(!shown.contains('\u{1b}') && !shown.contains("hunter2"), "{shown}");
            prop_assert!(!mistakes.list().is_empty());
        }
    }
}
