//! A value that is never shown, logged or journaled.

use std::fmt;

/// A password, token or the like, resolved from `env:NAME` or `file:PATH`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_shown_even_inside_something_else() {
        let shown = format!("{:?} {:#?}", Secret::new("hunter2"), Some(vec![Secret::new("hunter2")]));
        assert!(!shown.contains("hunter2") && shown.contains("(secret)"), "{shown}");
    }
}
