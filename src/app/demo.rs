//! `halfstep demo`: a pool, a balancer, clients and a rollout of its own, on loopback, with nothing but this program.
//!
//! It is an ordinary rollout of an ordinary config over real processes; only the world is ours, and ends with us. Read
//! next: [`stage`] (the world), [`scene`] (what a fault breaks), [`summary`] (what is said at the end).

pub mod front;
pub mod scene;
pub mod stage;
pub mod summary;

use super::begin::{Refusal, Request};
use super::engine::Job;
use super::spawn::{self, Started};
use super::{Answer, run};
use crate::cli::rollout::{Drive, Face};
use crate::cli::{DemoArguments, DemoBalancer, ExitStatus};
use crate::engine::client::{Client, News};
use crate::engine::snapshot::{PhaseState, Snapshot};
use crate::engine::wire::Hello;
use crate::lab::traffic::{self, Traffic, TrafficSettings};
use crate::model::{Failure, PhaseName, Release};
use crate::rollout::event::StartPace;
use crate::tui;
use scene::{NEXT, SERVERS, Scene};
use stage::Stage;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Clients that ask for something that is answered at once.
const CLIENTS: usize = 16;
/// Between an answer and the next request of a client.
const PAUSE: Duration = Duration::from_millis(20);
/// Clients finish what they have begun, but not for longer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Plays the demo, and ends everything that it started.
pub async fn demo(arguments: &DemoArguments) -> Answer {
    let drive = &arguments.drive;
    let face = drive.face(run::terminal());
    let scene = Scene::new(arguments.fault, face);
    let stage = Stage::raise(arguments.balancer, &scene).map_err(Refusal::Failed)?;
    if face != Face::Events {
        println!("{}", opening(arguments.balancer, &stage));
    }
    // First the slow ones, so that each server has one.
    let slow = scene.stragglers.map(|time| clients(stage.address, SERVERS.len(), &format!("/slow?ms={}", time.as_millis())));
    let traffic = clients(stage.address, CLIENTS, "/");
    let started = begin(&stage, drive, face)?;
    let _engine = Engine(started.pid);
    let seen = Arc::new(Mutex::new(Snapshot::default()));
    let keeper = stage.front.as_ref().filter(|_| scene.balancer_ends).map(front::Front::keeper);
    let watching = tokio::spawn(watch(started.clone(), seen.clone(), keeper));
    let status = show(face, drive, &started).await;
    // The engine publishes its last state to every screen before it goes.
    let _ = tokio::time::timeout(Duration::from_secs(1), watching).await;
    let counts = traffic.counts();
    let _ = tokio::time::timeout(LAST_ANSWERS, traffic.stop()).await;
    if face != Face::Events {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        print!("{}", summary::text(&seen, &counts));
    }
    if arguments.keep {
        keep(&stage).await;
    }
    drop(slow);
    status
}

fn opening(kind: DemoBalancer, stage: &Stage) -> String {
    let balancer = match kind {
        DemoBalancer::Builtin => "halfstep serve",
        DemoBalancer::Haproxy => "HAProxy",
        DemoBalancer::Apache => "Apache httpd",
    };
    format!(
        "Six servers on {} behind {balancer} at http://{}, {CLIENTS} clients. The config is {}; all of it goes when the demo ends.",
        scene::CURRENT,
        stage.address,
        stage.config().display()
    )
}

fn clients(target: SocketAddr, clients: usize, path: &str) -> Traffic {
    let settings = TrafficSettings::new(target, clients, PAUSE);
    Traffic::start(TrafficSettings { path: path.to_owned(), keep: traffic::Keep::Counts, ..settings })
}

/// Starts the engine, as `run` does; it hangs on this process.
fn begin(stage: &Stage, drive: &Drive, face: Face) -> Result<Started, Refusal> {
    let pace = match face {
        Face::Console | Face::Plain => run::pace(face, drive),
        // Nobody is there to press Enter, and a demo goes to its end by itself.
        Face::Headless | Face::Events => StartPace::NonStop,
    };
    let request = Request {
        config: stage.config(),
        state: None,
        to: Some(Release::new(NEXT).map_err(Refusal::Failed)?),
        from: None,
        expect: None,
        only: vec![],
        leave: vec![],
        take: vec![],
        contract: None,
        on_failure: None,
        pace,
        hold_at: drive.hold_at.clone(),
        who: crate::engine::account::own_login(),
        why: Some("a demo".into()),
        with: Some(std::process::id()),
    };
    spawn::start(&Job::Begin(request))
}

async fn show(face: Face, drive: &Drive, started: &Started) -> Answer {
    if face != Face::Console {
        return run::show(face, drive, started).await;
    }
    let client = Client::connect(&started.socket, &Hello::new(true, drive.facing.observe)).await?;
    match run::console(client, drive, started).await? {
        tui::Left::Quit => Ok(ExitStatus::Done),
        tui::Left::Ended(outcome) => {
            println!("{}", outcome.text);
            Ok(outcome.word.into())
        }
        tui::Left::EngineGone => Err(Refusal::Failed(Failure::new("the engine of the demo died"))),
    }
}

/// Looks on as one more screen: keeps what it saw last, and ends the balancer when half A is updated, where that is played.
async fn watch(started: Started, seen: Arc<Mutex<Snapshot>>, mut balancer: Option<u32>) {
    let Ok(mut client) = Client::connect(&started.socket, &Hello::new(false, true)).await else { return };
    loop {
        match client.news().await {
            News::Gone => return,
            News::Answer { .. } => {}
            News::Snapshot => {
                let is_updating = |snapshot: &Snapshot| {
                    snapshot.phases.iter().any(|phase| phase.name == PhaseName::UpdateA && phase.state != PhaseState::ToDo)
                };
                if is_updating(&client.snapshot)
                    && let Some(keeper) = balancer.take()
                {
                    front::terminate(keeper);
                }
                let is_over = client.snapshot.rollout.outcome.is_some();
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = client.snapshot.clone();
                if is_over {
                    return;
                }
            }
        }
    }
}

/// Leaves everything running until Ctrl-C.
async fn keep(stage: &Stage) {
    println!("The pool stays until Ctrl-C. From another terminal: halfstep status -c {}", stage.config().display());
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
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
