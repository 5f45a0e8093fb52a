//! The repository looks at itself: floors, tables, what the documentation names, sizes, words that must not stay.
//!
//! It reads files as text and knows no behaviour. What it holds is drawn in `src/lib.rs` and told in `docs/ARCHITECTURE.md`.

use clap::CommandFactory;
use halfstep::config::{self, Environment};
use halfstep::tui::keymap;
use regex::Regex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/source.rs"]
mod source;

/// Longer than this, a file is two files.
const MOST_LINES: usize = 500;

/// Files that are longer, and why they are one.
const LONG: &[(&str, &str)] = &[
    ("tests/it/apache.rs", "one daemon's behaviour, a test for each"),
    ("tests/sim/engine.rs", "the engine's loop in simulated time, in one place to compare with src/engine/run.rs"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below with that ending, as paths from the root.
fn files(below: &str, ending: &str) -> Vec<String> {
    let mut open = vec![root().join(below)];
    let mut found = vec![];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<String> {
    ["src", "tests", "benches"].into_iter().flat_map(|folder| files(folder, ".rs")).collect()
}

fn holds(mistakes: &[String]) {
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}

/// Room → floor, as the map in `src/lib.rs` draws it.
fn floors() -> BTreeMap<String, u8> {
    let map = read("src/lib.rs");
    let line = Regex::new(r"^//! (\d) +(.*)$").expect("a pattern");
    let modules: Vec<&str> = map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut floors = BTreeMap::new();
    for drawn in map.lines().filter_map(|text| line.captures(text)) {
        let floor: u8 = drawn[1].parse().expect("a digit");
        for cell in drawn[2].split("  ").filter(|cell| !cell.trim().is_empty()) {
            let room = cell.split_whitespace().next().expect("a word");
            if modules.contains(&room) {
                assert!(floors.insert(room.to_owned(), floor).is_none(), "{room} is drawn twice");
            }
        }
    }
    for module in modules {
        assert!(floors.contains_key(module), "{module} is not on the map of src/lib.rs");
    }
    floors
}

#[test]
fn imports_go_down_only() {
    let floors = floors();
    let mut mistakes = vec![];
    let mut seen = 0;
    for path in files("src", ".rs") {
        let Some(room) = source::room(&path) else { continue };
        let here = floors[&room];
        for (line, other) in source::rooms_named(&path, &read(&path), &floors) {
            seen += 1;
            let there = floors[&other];
            if other != room && there >= here {
                mistakes.push(format!("{path}:{line}: {room} (floor {here}) names {other} (floor {there})"));
            }
        }
    }
    assert!(seen > 300, "the reader of paths found only {seen}");
    holds(&mistakes);
}

#[test]
fn exceptions_are_needed() {
    for (path, why) in LONG {
        assert!(read(path).lines().count() > MOST_LINES, "{path} is short now ({why}): take the exception away");
    }
}

#[test]
fn decisions_and_words_are_pure() {
    let impure = Regex::new(
        r"\b(std::(fs|env|net::(Tcp|Udp)|process|thread|os)|tokio|reqwest|hyper|rustix|SystemTime|async fn)\b|(time::|use .*\b)Instant\b|Instant::now|Timestamp::now|\.await",
    )
    .expect("a pattern");
    let mut mistakes = vec![];
    let rooms = ["src/rollout", "src/migration", "src/model"];
    for path in rooms.into_iter().flat_map(|room| files(room, ".rs")) {
        for (number, line) in source::code_only(&read(&path)).lines().enumerate() {
            if let Some(found) = impure.find(line) {
                mistakes.push(format!("{path}:{}: {} has no place in a pure room", number + 1, found.as_str()));
            }
        }
    }
    holds(&mistakes);
}

#[test]
fn words_that_must_not_stay() {
    let words = [
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("to", "do!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("#[", "ignore"),
    ];
    let mut mistakes = vec![];
    for path in rust_files() {
        for (number, line) in read(&path).lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                mistakes.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    holds(&mistakes);
}

#[test]
fn files_open_with_what_they_decide_and_stay_short() {
    let mut mistakes = vec![];
    for path in rust_files() {
        let text = read(&path);
        let is_listed = LONG.iter().any(|(long, _)| *long == path);
        if text.lines().count() > MOST_LINES && !is_listed {
            mistakes.push(format!("{path}: {} lines, at most {MOST_LINES}", text.lines().count()));
        }
        if !text.starts_with("//!") {
            mistakes.push(format!("{path}: does not open with //!"));
        }
    }
    holds(&mistakes);
}

/// A file that no other one names is not compiled: its tests pass because they never run.
#[test]
fn every_file_is_a_module_of_another() {
    let all = rust_files();
    let is_named = |path: &str| {
        let at = Path::new(path);
        let name = at.file_stem().expect("a name").to_string_lossy().into_owned();
        let folder = at.parent().expect("a folder").to_string_lossy().into_owned();
        let is_root = name == "main" || folder == "benches" || path == "src/lib.rs" || path == "tests/tidy.rs";
        let named = Regex::new(&format!(r"(?m)^\s*(pub(\([a-z]+\))? )?mod {name};")).expect("a pattern");
        let around = [format!("{folder}.rs"), format!("{folder}/main.rs"), format!("{folder}/lib.rs")];
        // What benches share is named by each of them, within another module.
        let named_by =
            all.iter().filter(|other| around.contains(other) || folder == "benches/common" && other.starts_with("benches/"));
        is_root || named_by.into_iter().any(|other| named.is_match(&read(other)))
    };
    let mistakes: Vec<String> =
        all.iter().filter(|path| !is_named(path)).map(|path| format!("{path}: no other file names it")).collect();
    holds(&mistakes);
}

#[test]
fn every_kind_of_balancer_is_whole() {
    let table = Regex::new(r#"KindSettings::\w+\(_\) => "(\w+)""#).expect("a pattern");
    let source = read("src/balancer.rs");
    let kinds: Vec<&str> = table.captures_iter(&source).map(|kind| kind.get(1).expect("a word").as_str()).collect();
    assert!(kinds.len() >= 4, "{kinds:?}");
    let listed = read("tests/it/main.rs");
    let mut mistakes = vec![];
    for kind in kinds {
        let sample = format!("sample-configs/{kind}.toml");
        if !read(&sample).contains(&format!("kind = \"{kind}\"")) {
            mistakes.push(format!("{sample} does not say kind = \"{kind}\""));
        }
        for page in ["README.md", "docs/ARCHITECTURE.md", "sample-configs/full.toml"] {
            if !read(page).contains(&format!("`{kind}`")) && !read(page).contains(&format!("\"{kind}\"")) {
                mistakes.push(format!("{page} does not name the kind {kind}"));
            }
        }
        let tests = format!("tests/it/{kind}.rs");
        let below = files(&format!("tests/it/{kind}"), ".rs");
        let count: usize = below.iter().chain([&tests]).map(|path| source::tests_in(&read(path))).sum();
        if count < 5 || !listed.contains(&format!("mod {kind};")) {
            mistakes.push(format!("{tests}: {count} tests against the real thing, listed in tests/it/main.rs"));
        }
        if !read(&format!("src/balancer/{kind}.rs")).contains("impl Balancer for ") {
            mistakes.push(format!("src/balancer/{kind}.rs has no Balancer"));
        }
    }
    holds(&mistakes);
}

#[test]
fn paths_that_are_named_exist() {
    let path =
        Regex::new(r"(?:^|[\s`(\[/])((?:src|tests|docs|benches|sample-configs|themes|\.ci)/[A-Za-z0-9_./-]*[A-Za-z0-9_/])")
            .expect("a pattern");
    let pages = ["README.md"].map(str::to_owned).into_iter().chain(files("docs", ".md"));
    let mut mistakes = vec![];
    for page in pages.chain(rust_files()).chain(files("sample-configs", "")).chain(["tests/run".to_owned()]) {
        for (number, line) in read(&page).lines().enumerate() {
            let is_prose = !page.ends_with(".rs") || line.trim_start().starts_with("//");
            for named in path.captures_iter(line).filter(|_| is_prose) {
                // NAME stands for a kind that somebody will add.
                if !root().join(&named[1]).exists() && !named[1].contains("NAME") {
                    mistakes.push(format!("{page}:{}: {} is not there", number + 1, &named[1]));
                }
            }
        }
    }
    holds(&mistakes);
}

#[test]
fn every_promise_has_its_place_and_its_mutation() {
    let promises = read("src/rollout/promise.rs");
    let opening: String = promises.lines().take_while(|line| line.starts_with("//!")).collect();
    let mutations = read("tests/sim/mutation.rs");
    let mut mistakes = vec![];
    for number in 1..=10 {
        let function = Regex::new(&format!(r"(?s)/// {number}\. [^\n]*\n(?:///[^\n]*\n)*fn (\w+)\(")).expect("a pattern");
        match function.captures(&promises).map(|found| found[1].to_owned()) {
            Some(name) if promises.matches(&name).count() < 2 => {
                mistakes.push(format!("promise {number}: {name} is never asked"))
            }
            Some(_) => {}
            None if opening.contains(&format!("{number} (")) => {}
            None if [9, 10].contains(&number) && opening.contains("9 and 10") => {}
            None => mistakes.push(format!("promise {number} has no function and no reason in src/rollout/promise.rs")),
        }
        // 9 and 10 are types, with tests beside them: there is no world to break them in.
        if number <= 8 && !mutations.contains(&format!("fn promise_{number}_notices")) {
            mistakes.push(format!("promise {number} has no mutation in tests/sim/mutation.rs"));
        }
    }
    for types in ["src/model/printable.rs", "src/model/secret.rs"] {
        if source::tests_in(&read(types)) == 0 {
            mistakes.push(format!("{types} has no test, and a promise stands on it"));
        }
    }
    holds(&mistakes);
}

/// The environment of whoever tries the configs of the documentation.
struct Given;

impl Environment for Given {
    fn variable(&self, _: &str) -> Option<String> {
        Some("secret".to_owned())
    }

    fn read(&self, _: &Path) -> std::io::Result<String> {
        Ok("secret\n".to_owned())
    }

    fn is_file(&self, _: &Path) -> bool {
        true
    }

    fn config_folder(&self) -> Option<PathBuf> {
        None
    }
}

#[test]
fn configs_of_samples_and_pages_load() {
    let block = Regex::new(r"(?s)```toml\n(.*?)```").expect("a pattern");
    let mut configs: Vec<(String, String)> =
        files("sample-configs", ".toml").into_iter().map(|path| (path.clone(), read(&path))).collect();
    for page in ["README.md".to_owned()].into_iter().chain(files("docs", ".md")) {
        let text = read(&page);
        let whole = block.captures_iter(&text).filter(|found| found[1].contains("[pool]"));
        configs.extend(whole.map(|found| (page.clone(), found[1].to_owned())));
    }
    let in_readme = configs.iter().filter(|(page, _)| page == "README.md").count();
    assert!(in_readme >= 2, "the README has a first config for HAProxy and for Apache");
    let mut mistakes = vec![];
    for (place, text) in &configs {
        if let Err(found) = config::parse(text, Path::new("halfstep.toml"), &Given) {
            mistakes.push(format!("{place}:\n{found}"));
        }
    }
    holds(&mistakes);
}

#[test]
fn the_readme_names_every_command_key_and_exit_status() {
    let readme = read("README.md");
    let mut mistakes = vec![];
    for command in halfstep::cli::Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        if ![format!("halfstep {name}"), format!("`{name}`"), format!("`{name} ")].iter().any(|said| readme.contains(said)) {
            mistakes.push(format!("README.md does not name `halfstep {name}`"));
        }
    }
    for binding in keymap::defaults(keymap::Context::Rollout) {
        let key = binding.keys[0].to_string();
        if !readme.contains(&format!("`{key}`")) {
            mistakes.push(format!("README.md does not name the key `{key}` ({})", binding.title));
        }
    }
    for status in 0..=5 {
        if !readme.contains(&format!("| {status} |")) {
            mistakes.push(format!("README.md does not name the exit status {status}"));
        }
    }
    holds(&mistakes);
}
