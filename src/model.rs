//! Words: the types that every floor above shares. One meaning each, as the glossary in `README.md` has them.
//!
//! Nothing here knows a clock, a file, a network or a decision. Read next: [`change`] (what a balancer is asked for),
//! [`reading`] (what it says), [`observation`] (what a server says of itself).

pub mod change;
pub mod commands;
pub mod figure;
pub mod gate;
pub mod half;
pub mod moment;
pub mod observation;
pub mod outcome;
pub mod pending;
pub mod phase;
pub mod policy;
pub mod pool;
pub mod printable;
pub mod reading;
pub mod secret;
pub mod template;
pub mod version;

pub use change::{Change, ChangeError};
pub use commands::{Aim, CommandKind, CommandTimeouts, Commands, Per, RunOn};
pub use gate::{GateName, Verdict};
pub use half::Half;
pub use moment::Moment;
pub use observation::{Health, Observation};
pub use outcome::{Exit, Failure};
pub use pending::{MigrationPhase, PendingMigration};
pub use phase::PhaseName;
pub use policy::{GatePolicy, OnDrainTimeout, OnFailure, Policy, Rescue};
pub use pool::{Address, MemberName, NodeName, Pool, Role, Server, ServerName};
pub use printable::Printable;
pub use reading::{Capabilities, InFlight, MemberReading, Reading, Receipt, Rotation, Window, WindowSource};
pub use secret::Secret;
pub use template::{FillError, Template, TemplateError};
pub use version::{Matching, Release, Version};
