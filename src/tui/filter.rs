//! Which servers are shown: those that match every word of the filter, by name, version and state.
//!
//! It decides what a word matches; where rows stand is decided in [`super::widget::half`].

use crate::engine::snapshot::{ServerState, ServerView};
use crate::model::{Health, Printable, Role, Rotation};

/// Words; a server matches when each of them is found in it, those with `!` before them when they are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    words: Vec<String>,
}

impl Filter {
    /// From what was typed; without a word it matches everybody.
    #[must_use]
    pub fn new(text: &str) -> Filter {
        Filter { words: text.split_whitespace().map(str::to_lowercase).collect() }
    }

    /// Does it leave anybody out?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// As it was typed, in lower case.
    #[must_use]
    pub fn text(&self) -> Printable {
        Printable::new(&self.words.join(" "))
    }

    /// Is that server shown?
    #[must_use]
    pub fn matches(&self, server: &ServerView) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let about = about(server);
        let found = |word: &str| about.iter().any(|text| text.contains(word));
        self.words.iter().all(|word| match word.strip_prefix('!') {
            Some(without) => without.is_empty() || !found(without),
            None => found(word),
        })
    }
}

/// All words by which a server is found, in lower case.
fn about(server: &ServerView) -> Vec<String> {
    let rotation = match server.rotation {
        Some(Rotation::In) => "in",
        Some(Rotation::Draining) => "draining",
        Some(Rotation::Out) => "out",
        None => "",
    };
    let health = match server.health {
        Health::Up => "up",
        Health::Down => "down",
        Health::Unknown => "unknown",
    };
    let state = match server.state {
        ServerState::Waiting => "waiting",
        ServerState::Working => "working",
        ServerState::Failed => "failed",
        ServerState::Excluded => "excluded",
        ServerState::Left => "left",
        ServerState::Done => "done",
    };
    let role = match &server.role {
        Role::Half(half) => format!("half {half}").to_lowercase(),
        Role::Worker(role) => format!("worker {}", role.to_lowercase()),
        Role::Observed => "observed".to_owned(),
    };
    let stale = if server.stale { "stale" } else { "" };
    let version = server.version.as_ref().map_or("?", |version| version.as_str()).to_lowercase();
    let word = server.word.as_str().to_lowercase();
    let doing = server.doing.as_ref().map_or_else(String::new, |doing| doing.as_str().to_lowercase());
    let fixed = [rotation, health, state, stale, &word, &doing].map(str::to_owned);
    fixed.into_iter().chain([server.name.to_string().to_lowercase(), version, role]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Half, ServerName, Version};

    fn server(name: &str, state: ServerState) -> ServerView {
        ServerView {
            name: ServerName::new(name),
            role: Role::Half(Half::A),
            rotation: Some(Rotation::Out),
            word: Printable::default(),
            nodes_differ: false,
            health: Health::Up,
            why: None,
            answer_ms: None,
            version: Some(Version::new("1.42.0")),
            state,
            doing: None,
            requests_per_second: None,
            errors_per_second: None,
            in_flight: None,
            in_flight_estimated: false,
            age_ms: 0.0,
            stale: false,
            history: Vec::new(),
        }
    }

    #[test]
    fn every_word_must_be_found_in_name_version_or_state() {
        let web1 = server("web1", ServerState::Failed);
        for text in ["", "WEB", "1.42", "failed out", "web1 up", "!working", "half a"] {
            assert!(Filter::new(text).matches(&web1), "{text}");
        }
        for text in ["web2", "1.41", "failed in-rotation", "!failed", "web !1.42"] {
            assert!(!Filter::new(text).matches(&web1), "{text}");
        }
    }
}
