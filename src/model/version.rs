//! Versions as servers answer them, and releases as the update command takes them.

use super::outcome::Failure;
use super::printable::Printable;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a server itself answers. Safe to show: control characters are shown, not obeyed; at most 120 characters are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(Printable);

impl Version {
    /// Takes an answer; white space around it is dropped.
    #[must_use]
    pub fn new(text: &str) -> Version {
        Version(Printable::cut(text.trim(), 120))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

/// The name that the update command takes. Config and command line refuse one that looks like an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Release(pub String);

impl Release {
    /// Takes a release from outside. Refuses one that is empty, looks like an option, is longer than 200 characters or
    /// holds control characters.
    pub fn new(text: &str) -> Result<Release, Failure> {
        let shown = Printable::cut(text, 40);
        let what = if text.is_empty() {
            "a release without a name".to_owned()
        } else if text.starts_with('-') {
            format!("the release \"{shown}\" looks like an option of the command that would get it")
        } else if text.chars().count() > 200 {
            format!("the release \"{shown}\" is longer than 200 characters")
        } else if text.chars().any(char::is_control) {
            format!("the release \"{shown}\" holds control characters")
        } else {
            return Ok(Release(text.to_owned()));
        };
        Err(Failure::new(what).next("give the name that your update command takes, as 1.42.0"))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Printable::new(&self.0).as_str())
    }
}

/// When an answer counts as the version that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    /// To the letter.
    #[default]
    Exact,
    /// One is the beginning of the other, and the shorter has at least [`Matching::LEAST_PREFIX`] characters (git SHAs).
    Prefix,
}

impl Matching {
    /// Git's own default for short SHAs; shorter ones collide.
    pub const LEAST_PREFIX: usize = 7;

    /// Do these two name the same version?
    #[must_use]
    pub fn same(self, one: &Version, other: &Version) -> bool {
        let (one, other) = (one.as_str(), other.as_str());
        match self {
            Matching::Exact => one == other,
            Matching::Prefix => {
                one == other
                    || (one.len().min(other.len()) >= Self::LEAST_PREFIX && (one.starts_with(other) || other.starts_with(one)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_looks_like_an_option_is_refused() {
        assert_eq!(Release::new("1.42.0").map(|release| release.0), Ok("1.42.0".to_owned()));
        for wrong in ["", "-rf", "--help", "a\nb", "a\0", &"x".repeat(201)] {
            assert!(Release::new(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_short_sha_matches_its_long_form_but_not_below_seven() {
        let long = Version::new("0123456789abcdef");
        assert!(Matching::Prefix.same(&Version::new("0123456"), &long));
        assert!(!Matching::Prefix.same(&Version::new("012345"), &long));
        assert!(!Matching::Exact.same(&Version::new("0123456"), &long));
    }
}
