//! What is played, and the world in which it plays: the stage, clients, and the engine of the rollout. Dropping the world
//! ends all of it.

use super::scene::{NEXT, SERVERS, Scene, Script};
use super::stage::Stage;
use crate::app::begin::{Refusal, Request};
use crate::app::engine::Job;
use crate::app::spawn::{self, Started};
use crate::cli::DemoBalancer;
use crate::lab::tally::Counts;
use crate::lab::traffic::{self, Traffic, TrafficSettings};
use crate::model::{PhaseName, Release};
use crate::rollout::ContractWhen;
use crate::rollout::event::StartPace;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Clients that ask for something that is answered at once.
pub const CLIENTS: usize = 16;
/// Between an answer and the next request of a client.
const PAUSE: Duration = Duration::from_millis(20);
/// Clients finish what they have begun, but not for longer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// A request to a server of our own that is not answered for so long is given up.
const ANSWER: Duration = Duration::from_secs(2);
/// Before a download the turn of so many servers passes, so that it lands on one of half A.
const TURNS: usize = 2;

/// What is played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Play {
    pub balancer: DemoBalancer,
    pub script: Script,
    pub pace: StartPace,
    pub hold_at: Vec<PhaseName>,
}

/// The running world.
pub struct World {
    pub stage: Stage,
    pub scene: Scene,
    pub started: Started,
    traffic: Option<Traffic>,
    _slow: Option<Traffic>,
    _download: Option<TcpStream>,
    _engine: Engine,
}

impl World {
    /// Raises the stage, lets the clients in, and begins the rollout.
    pub fn raise(play: &Play) -> Result<World, Refusal> {
        let (stage, scene) = Stage::raise(play.balancer, play.script).map_err(Refusal::Failed)?;
        let download = scene.tour.then(|| download(stage.address)).and_then(Result::ok);
        // First the slow ones, so that each server has one.
        let slow = scene.stragglers.map(|time| clients(stage.address, SERVERS.len(), &format!("/slow?ms={}", time.as_millis())));
        let traffic = clients(stage.address, CLIENTS, "/");
        let started = begin(&stage, play)?;
        let engine = Engine(started.pid);
        Ok(World { stage, scene, started, traffic: Some(traffic), _slow: slow, _download: download, _engine: engine })
    }

    /// What the clients saw so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.traffic.as_ref().map(Traffic::counts).unwrap_or_default()
    }

    /// Lets the clients finish, and gives what they saw.
    pub async fn stop_clients(&mut self) -> Counts {
        let counts = self.counts();
        if let Some(traffic) = self.traffic.take() {
            let _ = tokio::time::timeout(LAST_ANSWERS, traffic.stop()).await;
        }
        counts
    }
}

fn clients(target: SocketAddr, clients: usize, path: &str) -> Traffic {
    let settings = TrafficSettings::new(target, clients, PAUSE);
    Traffic::start(TrafficSettings { path: path.to_owned(), keep: traffic::Keep::Counts, ..settings })
}

/// Begins a download that lasts, while nobody else asks: the balancers here take turns.
fn download(address: SocketAddr) -> io::Result<TcpStream> {
    for _ in 0..TURNS {
        ask(address, "/")?.read_to_end(&mut Vec::new())?;
    }
    let mut stream = ask(address, "/held")?;
    // Its first piece: the request is with a server.
    stream.read_exact(&mut [0; 12])?;
    Ok(stream)
}

fn ask(address: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    Ok(stream)
}

/// Starts the engine, as `run` does; it hangs on this process.
fn begin(stage: &Stage, play: &Play) -> Result<Started, Refusal> {
    let request = Request {
        config: stage.config(),
        state: None,
        to: Some(Release::new(NEXT).map_err(Refusal::Failed)?),
        from: None,
        expect: None,
        only: vec![],
        leave: vec![],
        take: vec![],
        drain_first: vec![],
        // Where nobody types the word, it was said before.
        contract: matches!(play.script, Script::Unwatched(_)).then_some(ContractWhen::Now),
        on_failure: None,
        pace: play.pace,
        hold_at: play.hold_at.clone(),
        who: crate::engine::account::own_login(),
        why: Some("a demo".into()),
        with: Some(std::process::id()),
    };
    spawn::start(&Job::Begin(request))
}

/// The engine's process, ended with this value: our own child, so its number is nobody else's.
struct Engine(u32);

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(engine) = i32::try_from(self.0).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(engine, rustix::process::Signal::KILL);
            let _ = rustix::process::waitpid(Some(engine), rustix::process::WaitOptions::empty());
        }
    }
}
