//! The built-in balancer (`halfstep serve`), through its control socket.

use std::path::PathBuf;

/// `kind = "builtin"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The Unix socket that `halfstep serve` answers on.
    pub control: PathBuf,
}
