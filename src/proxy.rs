//! The built-in balancer (`halfstep serve`): an HTTP/1.1 reverse proxy whose every dispatch is known and counted.
//!
//! ```text
//!  client ── connection ──▶ forward ──▶ rotation: whose turn? ──▶ pool: a connection ──▶ rotation: dispatch ──▶ member
//!                              ▲ body                                                        ▲
//!  console ── Unix socket ──▶ control ───────────────── one change, between two dispatches ──┘
//! ```
//!
//! It decides who takes a request and nothing about rollouts; it does not check health and ends no TLS. Read next:
//! [`rotation`] (the lock that makes a switch exact), [`forward`] (the way of one request), [`control`] (the API).

pub mod body;
pub mod control;
pub mod forward;
pub mod headers;
pub mod kept;
pub mod listen;
pub mod member;
pub mod pool;
pub mod rotation;

use crate::model::{Address, Failure, MemberName, Rotation};
use control::Control;
use forward::Forwarding;
use kept::Kept;
use listen::Doors;
use member::Member;
use rotation::{Order, Rotations};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What `halfstep serve` serves.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeSettings {
    /// Where clients come in. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where the Unix socket of the control API is made, with mode 0600. State and a lock are kept beside it.
    pub control: PathBuf,
    /// At least one. A name may not come twice.
    pub members: Vec<MemberSettings>,
    /// How long a member may be silent before its answer begins.
    pub answer_within: Duration,
}

/// One member of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberSettings {
    pub name: MemberName,
    pub address: Address,
    /// Its share of the requests, relative to the others. More than 0.
    pub weight: f64,
    /// Where the state file says nothing about it.
    pub rotation: Rotation,
}

impl ServeSettings {
    /// Long enough for a slow report page; what takes longer is held to be dead.
    pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);

    /// Every member with the same weight and in rotation, and one minute for an answer.
    #[must_use]
    pub fn new(listen: SocketAddr, control: PathBuf, members: impl IntoIterator<Item = (MemberName, Address)>) -> ServeSettings {
        let member = |(name, address)| MemberSettings { name, address, weight: 1.0, rotation: Rotation::In };
        ServeSettings { listen, control, members: members.into_iter().map(member).collect(), answer_within: Self::ANSWER_WITHIN }
    }
}

/// Serves until `shutdown`, then lets requests finish for at most ten seconds.
pub async fn serve(settings: ServeSettings, shutdown: CancellationToken) -> Result<(), Failure> {
    let proxy = Proxy::start(settings).await?;
    shutdown.cancelled().await;
    proxy.stop(Duration::from_secs(10)).await;
    Ok(())
}

/// A running balancer. Dropping it ends it abruptly.
#[derive(Debug)]
pub struct Proxy {
    forwarding: Arc<Forwarding>,
    doors: Doors,
}

impl Proxy {
    /// Listens on both doors, with every member as the state file says, and serves from now on. Needs a tokio runtime.
    pub async fn start(settings: ServeSettings) -> Result<Proxy, Failure> {
        check(&settings)?;
        let socket = listen::ControlSocket::bind(&settings.control)?;
        let kept = Kept::beside(&settings.control);
        let before = kept.read()?;
        let members = settings.members.into_iter().map(|member| {
            let rotation = before.get(&member.name).copied().unwrap_or(member.rotation);
            (Member::new(member.name, member.address, member.weight), rotation)
        });
        let forwarding = Arc::new(Forwarding { rotations: Rotations::new(members), answer_within: settings.answer_within });
        kept.write(&forwarding.rotations.now())?;
        let control =
            Control { forwarding: forwarding.clone(), kept, generation: generation(), changing: tokio::sync::Mutex::default() };
        let doors = Doors::open(settings.listen, socket, forwarding.clone(), Arc::new(control)).await?;
        Ok(Proxy { forwarding, doors })
    }

    /// Where clients come in.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.doors.address()
    }

    /// The dispatch order around the latest switch, with what was dispatched since.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        self.forwarding.rotations.order()
    }

    /// Takes no new connection, lets requests finish for at most so long, and closes.
    pub async fn stop(self, patience: Duration) {
        self.doors.close(patience).await;
    }
}

/// Tells one start from another: process ids come again, the clock of a process start does not.
fn generation() -> String {
    let now = jiff::Timestamp::now();
    format!("{}-{}", std::process::id(), now.as_nanosecond())
}

fn check(settings: &ServeSettings) -> Result<(), Failure> {
    if settings.members.is_empty() {
        return Err(Failure::new("the built-in balancer has no members").next("name at least two servers"));
    }
    for (index, member) in settings.members.iter().enumerate() {
        if settings.members[..index].iter().any(|other| other.name == member.name) {
            return Err(
                Failure::new(format!("two members are called {}", member.name)).next("give each server its own member name")
            );
        }
        if !(member.weight.is_finite() && member.weight > 0.0) {
            return Err(Failure::new(format!("the weight of {} is {}", member.name, member.weight)).next("use a number above 0"));
        }
    }
    Ok(())
}
