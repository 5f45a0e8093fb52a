//! Reads Rust as text, as far as the tidy test needs it: what is code, which rooms it names, how many tests it has.
//!
//! No parser: a word after `crate::` or after as many `super::` as lead to the crate's root is the name of a room.

use std::collections::BTreeMap;

/// The room that a file under `src` is in; the crate's own two files are in none.
pub fn room(path: &str) -> Option<String> {
    let inside = path.strip_prefix("src/")?;
    let room = inside.split('/').next()?.trim_end_matches(".rs");
    (!["main", "lib"].contains(&room)).then(|| room.to_owned())
}

/// Comments, strings and characters blanked out, lines kept.
pub fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => position(&chars, at, |rest| rest[0] == '\n'),
            ('/', Some('*')) => position(&chars, at + 2, |rest| rest.starts_with(&['*', '/'])) + 2,
            ('r', Some('"' | '#')) if !is_word(&chars, at.wrapping_sub(1)) => raw_string(&chars, at),
            ('"', _) => string(&chars, at),
            ('\'', Some('\\')) => position(&chars, at + 3, |rest| rest[0] == '\'') + 1,
            ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
            _ => {
                code.push(chars[at]);
                at += 1;
                continue;
            }
        };
        let end = end.min(chars.len());
        code.extend(chars[at..end].iter().filter(|c| **c == '\n'));
        code.push(' ');
        at = end;
    }
    code
}

fn is_word(chars: &[char], at: usize) -> bool {
    chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

fn position(chars: &[char], from: usize, found: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|at| found(&chars[*at..])).unwrap_or(chars.len())
}

fn string(chars: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at + 1;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    position(chars, at + 2 + hashes, |rest| rest.starts_with(&close)) + close.len()
}

/// Words and marks, each with its line.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = vec![];
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                c if c.is_alphanumeric() || c == '_' => {
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
                }
                ':' if rest.starts_with("::") => 2,
                other => other.len_utf8(),
            };
            tokens.push((number + 1, rest[..length].to_owned()));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Each room that the file names, with the line.
pub fn rooms_named(path: &str, text: &str, rooms: &BTreeMap<String, u8>) -> Vec<(usize, String)> {
    let depth_of_file = path.trim_start_matches("src/").split('/').count();
    let tokens = tokens(&code_only(text));
    let word = |at: usize| tokens.get(at).map_or("", |(_, word)| word.as_str());
    let mut braces = 0_usize;
    let mut inline: Vec<usize> = vec![];
    let mut named = vec![];
    let mut at = 0;
    while at < tokens.len() {
        match word(at) {
            "{" => {
                braces += 1;
                if at >= 2 && word(at - 2) == "mod" {
                    inline.push(braces);
                }
            }
            "}" => {
                if inline.last() == Some(&braces) {
                    inline.pop();
                }
                braces = braces.saturating_sub(1);
            }
            "crate" | "super" if word(at + 1) == "::" && (at == 0 || word(at - 1) != "::") => {
                let mut up = 0;
                let is_crate = word(at) == "crate";
                while ["crate", "super"].contains(&word(at)) && word(at + 1) == "::" {
                    up += 1;
                    at += 2;
                }
                if is_crate || up == depth_of_file + inline.len() {
                    let (found, end) = firsts(&tokens, at);
                    named.extend(found.into_iter().filter(|(_, room)| rooms.contains_key(room)));
                    // What a group opens it also closes.
                    at = end;
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    named
}

/// The first words of a path, or of each path of a group in braces; and where reading goes on.
fn firsts(tokens: &[(usize, String)], at: usize) -> (Vec<(usize, String)>, usize) {
    if tokens.get(at).is_none_or(|(_, word)| word != "{") {
        return (tokens.get(at).cloned().into_iter().collect(), at + 1);
    }
    let mut depth = 0;
    let mut found = vec![];
    let mut end = at;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        end = place + 1;
        match token.1.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && ["{", ","].contains(&tokens[place - 1].1.as_str()) => found.push(token.clone()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    (found, end)
}

/// How many tests a file has, those of `proptest!` included.
pub fn tests_in(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(path: &str, text: &str) -> Vec<String> {
        let all = ["app", "cli", "model", "engine"].map(|room| (room.to_owned(), 1)).into();
        rooms_named(path, text, &all).into_iter().map(|(_, room)| room).collect()
    }

    #[test]
    fn paths_groups_and_supers_are_found() {
        assert_eq!(rooms("src/cli/a.rs", "use crate::{app::b, model::{engine, c}};"), ["app", "model"]);
        assert_eq!(rooms("src/cli/a.rs", "fn f() { super::super::engine::go(super::app) }"), ["engine"]);
        assert_eq!(
            rooms("src/cli.rs", "mod tests { use super::app; use super::super::model; } use super::engine;"),
            ["model", "engine"]
        );
    }

    #[test]
    fn what_is_no_code_names_no_room() {
        assert_eq!(
            rooms("src/cli.rs", "// crate::app\nconst A: &str = \"crate::app \\\" crate::cli\"; /* crate::model */"),
            [] as [&str; 0]
        );
        assert_eq!(rooms("src/cli.rs", "let a = r#\"crate::app\"#; let b = '\"'; crate::model::X"), ["model"]);
        assert_eq!(rooms("src/cli.rs", "fn f<'a>(x: &'a str) -> char { '\\'' } use crate::engine;"), ["engine"]);
    }
}
