//! What is played: the times of the demo's rollout, and what each fault changes. A fault breaks a server, a request or the
//! balancer; what follows from it, the rollout has to measure like anybody else's.

use crate::cli::DemoFault;
use crate::lab::fault::Fault;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// The release that runs when the demo begins.
pub const CURRENT: &str = "1.41.0";
/// The release that it rolls out.
pub const NEXT: &str = "1.42.0";
/// The servers; the first three are half A.
pub const SERVERS: [&str; 6] = ["web1", "web2", "web3", "web4", "web5", "web6"];
/// The one that is broken where one is.
pub const BROKEN: &str = "web2";

/// The server whose first start with the new release brings up the old one, in the tour.
pub const STALE: &str = "web2";
/// As long as this file is in the demo's directory, a download does not end.
pub const HELD: &str = "held";
/// As long as this file is there, the new version fails some requests.
pub const FAILING: &str = "failing";

/// Which demo is played, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Script {
    /// With somebody at the screen, who wants time to look.
    Watched(DemoFault),
    /// Nobody looks: it goes to its end quickly.
    Unwatched(DemoFault),
    /// The guided tour: small things go wrong, and are put right.
    Tour,
}

/// What differs between demos.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// How long a started server may take to become healthy.
    pub within: Duration,
    pub drain_timeout: Duration,
    pub bake: Duration,
    pub auto_rollback: Option<Duration>,
    /// Servers whose next version is broken, and how.
    pub broken: Vec<(&'static str, Fault)>,
    /// Requests that each take so long, one for each server.
    pub stragglers: Option<Duration>,
    /// Ends the balancer when half A is updated.
    pub balancer_ends: bool,
    /// Requests a second that one server carries.
    pub capacity: u32,
    /// Is it the guided tour, in which things are broken and put right on the way?
    pub tour: bool,
}

impl Scene {
    /// The scene of a script, in that directory.
    #[must_use]
    pub fn new(script: Script, dir: &Path) -> Scene {
        let (fault, bake, countdown) = match script {
            Script::Watched(fault) => (fault, Duration::from_secs(20), Duration::from_secs(10)),
            Script::Unwatched(fault) => (fault, Duration::from_secs(3), Duration::from_secs(2)),
            Script::Tour => return Scene::tour(dir),
        };
        let scene = Scene {
            within: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(20),
            bake,
            auto_rollback: None,
            broken: vec![],
            stragglers: None,
            balancer_ends: false,
            capacity: 400,
            tour: false,
        };
        let ill = |fault| Scene { within: Duration::from_secs(5), broken: vec![(BROKEN, fault)], ..scene.clone() };
        match fault {
            DemoFault::None => scene,
            DemoFault::SlowStart => ill(Fault::SlowStart(Duration::from_secs(60))),
            DemoFault::WrongVersion => ill(Fault::WrongVersion("1.41.9".into())),
            // Shorter than three looks at it.
            DemoFault::Flapping => ill(Fault::Flapping(Duration::from_millis(250))),
            DemoFault::Straggler => {
                Scene { drain_timeout: Duration::from_secs(3), stragglers: Some(Duration::from_secs(120)), ..scene }
            }
            DemoFault::BalancerGone => Scene { balancer_ends: true, ..scene },
            DemoFault::ErrorsAfterSwitch => {
                let errors = Fault::Errors { share: 0.25, after: 50 };
                let broken = SERVERS.iter().map(|server| (*server, errors.clone())).collect();
                Scene { bake: Duration::from_secs(20), auto_rollback: Some(countdown), broken, ..scene }
            }
        }
    }

    /// Times that leave room to read, and errors that come and go with a file. Two servers must carry what three do, as one
    /// may be left out.
    fn tour(dir: &Path) -> Scene {
        let errors = Fault::ErrorsWhile { share: 0.03, file: dir.join(FAILING) };
        Scene {
            within: Duration::from_secs(8),
            drain_timeout: Duration::from_secs(8),
            bake: Duration::from_secs(30),
            auto_rollback: None,
            broken: SERVERS.iter().map(|server| (*server, errors.clone())).collect(),
            stragglers: None,
            balancer_ends: false,
            capacity: 450,
            tour: true,
        }
    }
}
