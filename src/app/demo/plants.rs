//! What the tour breaks on the way, and puts right again, so that whoever only presses Enter comes to the end too. Each is
//! told in the journal when it happens. It looks on like a shell command and knows the rollout only from its snapshots.
//!
//! | when | what | how it ends |
//! |---|---|---|
//! | drain A | somebody's download on one server | by itself, [`DOWNLOAD`] after the drain is overdue |
//! | verify A | one server answers the old version | `r`; [`PATIENCE`] later it is retried here |
//! | the first bake | next fails some requests | on the way back, or after [`ERRORS`] |

use super::play::World;
use super::scene::{FAILING, HELD, STALE};
use crate::engine::client::{Client, News};
use crate::engine::snapshot::{PhaseState, Purpose, ServerState, Snapshot};
use crate::engine::wire::Hello;
use crate::lab::tour::Note;
use crate::model::{PhaseName, Printable, ServerName};
use crate::rollout::Command;
use crate::rollout::state::Cause;
use crate::tui::coach::moment;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The download that holds up the drain ends so long after a person was asked.
const DOWNLOAD: Duration = Duration::from_secs(20);
/// After the switch all is well for so long.
const CALM: Duration = Duration::from_secs(4);
/// The new version fails requests for so long. Then the gate needs about as long again to pass.
const ERRORS: Duration = Duration::from_secs(15);
/// Nobody retried the failed server for so long.
const PATIENCE: Duration = Duration::from_secs(90);

/// Looks on, and breaks what the tour breaks. Tells how many screens there are.
pub fn spawn(world: &World, screens: watch::Sender<usize>) {
    let socket = world.started.socket.clone();
    let plants = world.scene.tour.then(|| Plants::new(&world.stage.dir));
    let front = world.stage.front.as_ref().filter(|_| world.scene.balancer_ends).map(super::front::Front::keeper);
    tokio::spawn(async move { look_on(&socket, plants, front, screens).await });
}

/// Ends with the engine.
async fn look_on(socket: &Path, mut plants: Option<Plants>, mut front: Option<u32>, screens: watch::Sender<usize>) {
    let Ok(mut client) = Client::connect(socket, &Hello::new(false, false)).await else { return };
    loop {
        match client.news().await {
            News::Gone => return,
            News::Answer { .. } => continue,
            News::Snapshot => {}
        }
        screens.send_replace(client.snapshot.rollout.people.there.len());
        if stands(&client.snapshot, PhaseName::UpdateA, PhaseState::Now)
            && let Some(front) = front.take()
        {
            super::front::terminate(front);
        }
        let Some(plants) = &mut plants else { continue };
        for command in plants.tend(&client.snapshot, Instant::now()) {
            // Refused is as good: then it is not needed.
            if client.send(None, command).await.is_err() {
                return;
            }
        }
    }
}

fn stands(snapshot: &Snapshot, name: PhaseName, state: PhaseState) -> bool {
    snapshot.phases.iter().any(|phase| phase.name == name && phase.state == state)
}

/// Where each of them stands.
#[derive(Debug)]
struct Plants {
    dir: PathBuf,
    /// What is told, once.
    told: bool,
    overdue: Option<Instant>,
    download_ended: bool,
    stale_since: Option<Instant>,
    helped: bool,
    errors: Errors,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Errors {
    NotYet,
    /// Bakes since then.
    Calm(Instant),
    Since(Instant),
    Over,
}

impl Plants {
    fn new(dir: &Path) -> Plants {
        Plants {
            dir: dir.to_owned(),
            told: false,
            overdue: None,
            download_ended: false,
            stale_since: None,
            helped: false,
            errors: Errors::NotYet,
        }
    }

    /// Breaks and mends; answers with what is to be written down or asked for.
    fn tend(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<Command> {
        if snapshot.rollout.outcome.is_some() || snapshot.phases.is_empty() {
            return vec![];
        }
        let mut asked = Vec::new();
        if !self.told {
            self.told = true;
            asked.push(note(Note::Place));
        }
        asked.extend(self.tend_download(snapshot, now));
        asked.extend(self.tend_stale(snapshot, now));
        asked.extend(self.tend_errors(snapshot, now));
        asked
    }

    fn tend_download(&mut self, snapshot: &Snapshot, now: Instant) -> Option<Command> {
        let waits = snapshot.rollout.cause == Some(Cause::Drain);
        let past = moment::phase(snapshot) > PhaseName::DrainA;
        if self.download_ended || !(waits || past) {
            return None;
        }
        let since = *self.overdue.get_or_insert(now);
        if waits && now.duration_since(since) < DOWNLOAD {
            return None;
        }
        self.download_ended = true;
        self.remove(HELD);
        waits.then(|| note(Note::DownloadEnded))
    }

    /// One that stays failed for long is retried, so that nobody is stuck.
    fn tend_stale(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<Command> {
        let name = ServerName::new(STALE);
        let fails = snapshot.servers.iter().any(|server| server.name == name && server.state == ServerState::Failed);
        if !fails || self.helped {
            self.stale_since = None;
            return vec![];
        }
        let since = *self.stale_since.get_or_insert(now);
        if now.duration_since(since) < PATIENCE {
            return vec![];
        }
        self.helped = true;
        vec![note(Note::Helped), Command::Retry(name)]
    }

    fn tend_errors(&mut self, snapshot: &Snapshot, now: Instant) -> Option<Command> {
        let back = snapshot.rollout.purpose == Purpose::RollingBack || snapshot.rollout.going_back.is_some();
        let bakes = stands(snapshot, PhaseName::Bake, PhaseState::Now) && !back;
        match self.errors {
            Errors::NotYet if bakes => self.errors = Errors::Calm(now),
            Errors::Calm(_) if back => self.errors = Errors::Over,
            Errors::Calm(since) if now.duration_since(since) >= CALM => {
                self.errors = Errors::Since(now);
                // Where it cannot be made nothing fails, and the tour says less.
                let _ = std::fs::write(self.dir.join(FAILING), "");
                return Some(note(Note::ErrorsBegin));
            }
            Errors::Since(since) if back || now.duration_since(since) >= ERRORS => {
                self.errors = Errors::Over;
                self.remove(FAILING);
                return Some(note(Note::ErrorsEnd));
            }
            Errors::NotYet | Errors::Calm(_) | Errors::Since(_) | Errors::Over => {}
        }
        None
    }

    fn remove(&self, name: &str) {
        // The whole directory may be gone by now.
        let _ = std::fs::remove_file(self.dir.join(name));
    }
}

fn note(note: Note) -> Command {
    Command::Note(Printable::new(note.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::snapshot::{PhaseView, ServerView};
    use crate::model::{Health, Role};

    fn at(phase: PhaseName) -> Snapshot {
        let view =
            |name| PhaseView { name, state: if name == phase { PhaseState::Now } else { PhaseState::ToDo }, took_ms: None };
        Snapshot { phases: PhaseName::ALL.into_iter().filter(|name| *name >= phase).map(view).collect(), ..Snapshot::default() }
    }

    fn plants(dir: &Path) -> Plants {
        Plants { told: true, ..Plants::new(dir) }
    }

    #[test]
    fn the_download_ends_by_itself_a_while_after_a_person_was_asked() {
        let dir = tempfile::tempdir().expect("a directory");
        let held = dir.path().join(HELD);
        std::fs::write(&held, "").expect("written");
        let (mut plants, now) = (plants(dir.path()), Instant::now());
        let mut drain = at(PhaseName::DrainA);
        assert!(plants.tend(&drain, now).is_empty() && held.exists());
        drain.rollout.cause = Some(Cause::Drain);
        assert!(plants.tend(&drain, now).is_empty() && held.exists());
        assert_eq!(plants.tend(&drain, now + DOWNLOAD), [note(Note::DownloadEnded)]);
        assert!(!held.exists());
        assert!(plants.tend(&drain, now + DOWNLOAD * 2).is_empty());
    }

    #[test]
    fn nobody_is_stuck_at_the_server_that_answers_the_old_version() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut plants, now) = (plants(dir.path()), Instant::now());
        let mut verify = at(PhaseName::VerifyA);
        verify.servers = vec![failed()];
        assert!(plants.tend(&verify, now).is_empty());
        let asked = plants.tend(&verify, now + PATIENCE);
        assert_eq!(asked, [note(Note::Helped), Command::Retry(ServerName::new(STALE))]);
        assert!(plants.tend(&verify, now + PATIENCE * 3).is_empty(), "once is help, twice is a loop");
    }

    fn failed() -> ServerView {
        serde_json::from_value(serde_json::json!({
            "name": STALE, "role": serde_json::to_value(Role::Observed).expect("JSON"), "rotation": null, "word": "", "nodes_differ": false,
            "health": serde_json::to_value(Health::Up).expect("JSON"), "why": null, "answer_ms": null, "version": null, "state": "failed",
            "doing": null, "requests_per_second": null, "errors_per_second": null, "in_flight": null, "in_flight_estimated": false,
            "age_ms": 0.0, "stale": false, "history": [],
        }))
        .expect("a server")
    }

    #[test]
    fn errors_come_in_the_first_bake_only_and_go_with_the_way_back_or_by_themselves() {
        let dir = tempfile::tempdir().expect("a directory");
        let failing = dir.path().join(FAILING);
        let now = Instant::now();
        let bake = at(PhaseName::Bake);
        let mut back = at(PhaseName::Switch);
        back.rollout.purpose = Purpose::RollingBack;
        for end in [&bake, &back] {
            let mut plants = plants(dir.path());
            assert!(plants.tend(&bake, now).is_empty() && !failing.exists());
            assert_eq!(plants.tend(&bake, now + CALM), [note(Note::ErrorsBegin)]);
            assert!(failing.exists());
            assert_eq!(plants.tend(end, now + CALM + ERRORS), [note(Note::ErrorsEnd)]);
            assert!(!failing.exists());
            assert!(plants.tend(&bake, now + ERRORS * 9).is_empty() && !failing.exists());
        }
    }
}
