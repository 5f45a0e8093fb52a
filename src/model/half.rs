//! The two parts of a pool that change together.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Half A is updated first, half B after the switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Half {
    A,
    B,
}

impl Half {
    /// Both halves, A first.
    pub const BOTH: [Half; 2] = [Half::A, Half::B];

    /// The half that this one is not.
    #[must_use]
    pub fn other(self) -> Half {
        match self {
            Half::A => Half::B,
            Half::B => Half::A,
        }
    }
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Half::A => "A",
            Half::B => "B",
        })
    }
}
