//! What is played: the times of the demo's rollout, and what each fault changes. A fault breaks a server, a request or the
//! balancer; what follows from it, the rollout has to measure like anybody else's.

use crate::cli::DemoFault;
use crate::cli::rollout::Face;
use crate::lab::fault::Fault;
use std::time::Duration;

/// The release that runs when the demo begins.
pub const CURRENT: &str = "1.41.0";
/// The release that it rolls out.
pub const NEXT: &str = "1.42.0";
/// The servers; the first three are half A.
pub const SERVERS: [&str; 6] = ["web1", "web2", "web3", "web4", "web5", "web6"];
/// The one that is broken where one is.
pub const BROKEN: &str = "web2";

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
}

impl Scene {
    /// With somebody at the screen there is more time to look.
    #[must_use]
    pub fn new(fault: Option<DemoFault>, face: Face) -> Scene {
        let (bake, countdown) = match face {
            Face::Console | Face::Plain => (Duration::from_secs(20), Duration::from_secs(10)),
            Face::Headless | Face::Events => (Duration::from_secs(3), Duration::from_secs(2)),
        };
        let scene = Scene {
            within: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(20),
            bake,
            auto_rollback: None,
            broken: vec![],
            stragglers: None,
            balancer_ends: false,
        };
        let ill = |fault| Scene { within: Duration::from_secs(5), broken: vec![(BROKEN, fault)], ..scene.clone() };
        match fault {
            None => scene,
            Some(DemoFault::SlowStart) => ill(Fault::SlowStart(Duration::from_secs(60))),
            Some(DemoFault::WrongVersion) => ill(Fault::WrongVersion("1.41.9".into())),
            // Shorter than three looks at it.
            Some(DemoFault::Flapping) => ill(Fault::Flapping(Duration::from_millis(250))),
            Some(DemoFault::Straggler) => {
                Scene { drain_timeout: Duration::from_secs(3), stragglers: Some(Duration::from_secs(120)), ..scene }
            }
            Some(DemoFault::BalancerGone) => Scene { balancer_ends: true, ..scene },
            Some(DemoFault::ErrorsAfterSwitch) => {
                let errors = Fault::Errors { share: 0.25, after: 50 };
                let broken = SERVERS.iter().map(|server| (*server, errors.clone())).collect();
                Scene { bake: Duration::from_secs(20), auto_rollback: Some(countdown), broken, ..scene }
            }
        }
    }
}
