//! What a balancer is asked for: these members in rotation, those out.

use super::pool::MemberName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The wished state of every member that is ours: `into` takes requests, `out` takes none.
///
/// It names the whole wish and not the difference, so that carrying it out twice does no harm. A change that would leave
/// nobody in rotation, or that names a member twice, cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct Change {
    into: BTreeSet<MemberName>,
    out: BTreeSet<MemberName>,
}

/// Why a change cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("this change would leave no server in rotation")]
    NobodyIn,
    #[error("{0} would be in rotation and out of it at once")]
    Overlap(MemberName),
}

impl Change {
    /// A change with `into` in rotation and `out` out of it.
    pub fn new(
        into: impl IntoIterator<Item = MemberName>,
        out: impl IntoIterator<Item = MemberName>,
    ) -> Result<Change, ChangeError> {
        let into: BTreeSet<_> = into.into_iter().collect();
        let out: BTreeSet<_> = out.into_iter().collect();
        if into.is_empty() {
            return Err(ChangeError::NobodyIn);
        }
        if let Some(both) = into.intersection(&out).next() {
            return Err(ChangeError::Overlap(both.clone()));
        }
        Ok(Change { into, out })
    }

    /// The members that shall take requests. Never empty.
    #[must_use]
    pub fn into(&self) -> &BTreeSet<MemberName> {
        &self.into
    }

    /// The members that shall take none.
    #[must_use]
    pub fn out(&self) -> &BTreeSet<MemberName> {
        &self.out
    }
}

#[derive(Serialize, Deserialize)]
struct Unchecked {
    into: BTreeSet<MemberName>,
    out: BTreeSet<MemberName>,
}

impl TryFrom<Unchecked> for Change {
    type Error = ChangeError;
    fn try_from(from: Unchecked) -> Result<Change, ChangeError> {
        Change::new(from.into, from.out)
    }
}

impl From<Change> for Unchecked {
    fn from(from: Change) -> Unchecked {
        Unchecked { into: from.into, out: from.out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_in_and_an_overlap_cannot_be_built_nor_read() {
        let a = MemberName::new("a");
        assert_eq!(Change::new([], [a.clone()]), Err(ChangeError::NobodyIn));
        assert_eq!(Change::new([a.clone()], [a.clone()]), Err(ChangeError::Overlap(a)));
        assert!(serde_json::from_str::<Change>(r#"{"into":[],"out":["a"]}"#).is_err());
        assert!(serde_json::from_str::<Change>(r#"{"into":["b"],"out":["a"]}"#).is_ok());
    }
}
