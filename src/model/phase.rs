//! The twelve parts of a rollout, in order, and their names in commands.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One of the twelve phases. The order of the variants is the order of a rollout forward.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    Preflight,
    Expand,
    DrainA,
    UpdateA,
    VerifyA,
    Switch,
    Bake,
    UpdateB,
    VerifyB,
    RejoinB,
    Contract,
    Report,
}

impl PhaseName {
    /// All twelve, in order.
    pub const ALL: [PhaseName; 12] = [
        PhaseName::Preflight,
        PhaseName::Expand,
        PhaseName::DrainA,
        PhaseName::UpdateA,
        PhaseName::VerifyA,
        PhaseName::Switch,
        PhaseName::Bake,
        PhaseName::UpdateB,
        PhaseName::VerifyB,
        PhaseName::RejoinB,
        PhaseName::Contract,
        PhaseName::Report,
    ];

    /// The name in commands, config and JSON, as `drain-a`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PhaseName::Preflight => "preflight",
            PhaseName::Expand => "expand",
            PhaseName::DrainA => "drain-a",
            PhaseName::UpdateA => "update-a",
            PhaseName::VerifyA => "verify-a",
            PhaseName::Switch => "switch",
            PhaseName::Bake => "bake",
            PhaseName::UpdateB => "update-b",
            PhaseName::VerifyB => "verify-b",
            PhaseName::RejoinB => "rejoin-b",
            PhaseName::Contract => "contract",
            PhaseName::Report => "report",
        }
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
