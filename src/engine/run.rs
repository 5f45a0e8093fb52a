//! The loop around the turns: events from hands, polls, people and the clock, one after the other; the snapshot after each.
//!
//! The engine is a process of its own. It ends when the rollout is over and its last state has reached every screen; a
//! screen that goes away changes nothing.

use super::activity::Activity;
use super::dispatch::{Back, Dispatch};
use super::home::{Lock, RolloutDir, TargetLock};
use super::listen::{Asked, Limits, Listener};
use super::live::Live;
use super::planned::Planned;
use super::report::samples::{self, ByVersion};
use super::turn::Turns;
use super::view::{self, Setting};
use super::watch::{self, Looked, Watch};
use super::world::World;
use crate::journal::{Durability, Journal};
use crate::model::{Failure, Printable};
use crate::rollout::event::{Effect, End, Event, Stamped};
use crate::rollout::fact::Fact;
use crate::rollout::{Command, Operation, State, operate};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch as watching};

/// Answers and looks that wait for a turn. When there are more, hands and polls wait, not the engine.
const WAITING: usize = 1024;
/// Between two snapshots that show nothing but new figures; those are renewed as often and no more.
const FIGURES: Duration = Duration::from_secs(1);
/// Between two snapshots of turns that leave the prompt as it is: a thousand servers that come up at once are one picture.
const TURNS: Duration = Duration::from_millis(100);
/// Of the figures that an engine before this one wrote so much is read: some twenty minutes of a large pool.
const MOST_SAMPLES: u64 = 16 << 20;
/// Between two signs of life: a screen calls an engine silent that has missed three.
const BEAT: Duration = Duration::from_millis(500);

/// What an engine is made of, once the pool is taken.
pub struct Engine {
    pub world: World,
    pub turns: Turns,
    pub first: Vec<Effect>,
    pub activity: Activity,
    pub lock: Lock,
    pub targets: Vec<TargetLock>,
    pub dir: RolloutDir,
}

struct Running {
    world: Arc<World>,
    turns: Turns,
    dispatch: Dispatch,
    watch: Watch,
    live: Live,
    activity: Activity,
    planned: Planned,
    listener: Listener,
    setting: Setting,
    samples: Option<Journal>,
    published: watching::Sender<Arc<State>>,
    shown: Shown,
    ended: Option<End>,
    /// Events that could not be written down yet.
    waiting: VecDeque<Event>,
    journal: std::path::PathBuf,
    lost: bool,
    /// When the nodes were last told something: what they said before is old news, however late it is heard.
    told: Instant,
}

/// The snapshot that the screens have.
struct Shown {
    at: Instant,
    prompt: u64,
    /// When a turn that it does not show is to be shown.
    due: Option<Instant>,
}

impl Engine {
    /// Runs to the end of the rollout. `ready` is called once screens can connect.
    pub async fn run(self, ready: impl FnOnce() -> Result<(), Failure>) -> Result<End, Failure> {
        let mode = self.lock.access().file_mode();
        let (listener, mut asked) = Listener::bind(&self.lock.info().socket, mode, Limits::default())?;
        let (back, mut answers) = mpsc::channel(WAITING);
        let (looked, mut looks) = mpsc::channel(WAITING);
        let (published, state) = watching::channel(self.turns.state().clone());
        let world = Arc::new(self.world);
        let dispatch = Dispatch::new(world.clone(), self.turns.state().beginning.clone(), back);
        let mut live = Live::resumed(self.turns.state());
        live.remember(self.turns.state(), &samples::read_end(&self.dir.samples(), MOST_SAMPLES), jiff::Timestamp::now());
        let samples = Journal::create_without_ballast(&self.dir.samples())
            .or_else(|_| Journal::open(&self.dir.samples()).map(|(journal, ..)| journal))
            .ok();
        let mut running = Running {
            live,
            world: world.clone(),
            turns: self.turns,
            dispatch,
            watch: Watch::default(),
            activity: self.activity,
            planned: Planned::default(),
            listener,
            setting: Setting { id: self.dir.id.clone(), trouble: None },
            samples,
            published,
            shown: Shown { at: Instant::now(), prompt: 0, due: None },
            ended: None,
            waiting: VecDeque::new(),
            journal: self.dir.journal(),
            lost: false,
            told: Instant::now(),
        };
        running.publish();
        ready()?;
        watch::start(&world, &state, running.dispatch.gates(), &looked);
        running.hand_out(self.first);
        let mut second = tokio::time::interval(FIGURES);
        let mut beat = tokio::time::interval(BEAT);
        let (mut term, mut interrupt) = signals()?;
        while running.ended.is_none() {
            if running.lost {
                return Err(Failure::new("the journal was removed: nothing more is done"));
            }
            let wake = running.next_deadline();
            let people = running.listener.people();
            tokio::select! {
                biased;
                Some(back) = answers.recv() => running.back(back),
                Some(request) = asked.recv() => running.asked(request),
                Some(news) = looks.recv() => running.looked(news),
                () = people => running.seat(),
                () = sleep_until(wake) => running.take(Event::Woke),
                _ = second.tick() => running.second(),
                () = sleep_until(running.shown.due) => running.publish(),
                _ = beat.tick() => running.listener.beat(),
                _ = term.recv() => running.signal(),
                _ = interrupt.recv() => running.signal(),
            }
        }
        running.finish(self.lock, self.targets).await
    }
}

impl Running {
    /// Takes an event. One that cannot be written down waits and is tried again every second: an answer is never lost, and
    /// until then nothing new begins.
    fn take(&mut self, event: Event) {
        // The end is the last line, though a look may bring several facts.
        if self.ended.is_some() {
            return;
        }
        if !self.waiting.is_empty() {
            self.wait(event);
            return;
        }
        if let Err(event) = self.try_take(event) {
            self.wait(*event);
        }
    }

    fn wait(&mut self, event: Event) {
        match event {
            // A poll sees it again, the clock strikes again, and who is there is looked at again.
            Event::Saw(Fact::Traffic(_)) | Event::Woke | Event::Came(_) | Event::Left(_) => {}
            Event::Saw(_) if self.waiting.len() >= WAITING => {}
            other => self.waiting.push_back(other),
        }
    }

    fn try_again(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            if let Err(event) = self.try_take(event) {
                self.waiting.push_front(*event);
                return;
            }
        }
    }

    fn try_take(&mut self, event: Event) -> Result<(), Box<Event>> {
        let before = self.turns.state().clone();
        let stamped = Stamped { at: self.turns.clock().moment(), event: event.clone() };
        match self.turns.take(event.clone()) {
            Ok(effects) => {
                self.setting.trouble = None;
                let after = self.turns.state().clone();
                self.activity.take(&self.world, Some(&before), &stamped, &after);
                self.install(&before, after);
                // Screens wait for the hands, not the other way round.
                self.hand_out(effects);
                self.show();
                if let Event::Ended(end) = event {
                    self.ended = Some(end);
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the journal cannot be written; nothing new begins");
                let text =
                    format!("the journal cannot be written, so nothing new begins: {error}; make room, it goes on by itself");
                self.setting.trouble = Some(Printable::new(&text));
                self.publish();
                Err(Box::new(event))
            }
        }
    }

    /// Those who watch servers are woken only by a new life: waking a thousand of them at every turn costs more than the turn.
    fn install(&self, before: &State, after: Arc<State>) {
        let lives = |state: &State| state.servers.values().map(|progress| progress.life).collect::<Vec<_>>();
        let is_news = lives(before) != lives(&after);
        self.published.send_if_modified(|state| {
            *state = after;
            is_news
        });
    }

    fn hand_out(&mut self, effects: Vec<Effect>) {
        let end = effects.iter().find_map(|effect| match effect {
            Effect::End(end) => Some(end.clone()),
            Effect::Ask(..) | Effect::AskAgain(..) => None,
        });
        self.dispatch.hand_out(effects);
        if let Some(end) = end {
            self.take(Event::Ended(end));
        }
    }

    fn back(&mut self, back: Back) {
        match back {
            Back::Answered(id, outcome) => {
                let tells = |operation: &Operation| match operation {
                    Operation::Prepare { .. } | Operation::Commit { .. } | Operation::Rest(_) | Operation::CutSessions(_) => true,
                    Operation::Open(_)
                    | Operation::Run { .. }
                    | Operation::WarmUp(_)
                    | Operation::Smoke(_)
                    | Operation::Persist => false,
                };
                if self.turns.state().outstanding.get(&id).is_some_and(tells) {
                    self.told = Instant::now();
                }
                self.take(Event::Answered { id, outcome });
            }
            Back::Saw(fact) => self.take(Event::Saw(fact)),
            Back::Looked { server, seen } => {
                let life = self.turns.state().servers.get(&server).map_or(0, |progress| progress.life);
                self.looked(Looked::Server { server, life, seen, at: Instant::now() });
            }
        }
    }

    fn looked(&mut self, news: Looked) {
        let state = self.turns.state().clone();
        match news {
            Looked::Server { server, life, seen, at } => {
                let shown = self.live.servers.entry(server.clone()).or_default();
                shown.looked = Some(at);
                shown.answer = seen.took.filter(|_| seen.health.is_ok());
                if let Some(fact) = self.watch.server(&state, &server, life, &seen) {
                    self.take(Event::Saw(fact));
                }
            }
            Looked::Node { at, .. } if at < self.told => {}
            Looked::Node { node, read, at } => {
                let traffic = self.live.node(&state, &node, &read, at);
                for fact in self.watch.node(&state, &node, &read).into_iter().chain(traffic) {
                    self.take(Event::Saw(fact));
                }
            }
        }
    }

    /// Writes down who has come and who has left, and shows whoever came the state as it is now.
    fn seat(&mut self) {
        let there = self.listener.screens();
        let known = self.turns.state().people.there.clone();
        for gone in known.iter().filter(|known| !there.contains(known)) {
            self.take(Event::Left(gone.screen));
        }
        for person in there.into_iter().filter(|person| !known.contains(person)) {
            self.take(Event::Came(person));
        }
        self.publish();
    }

    fn asked(&mut self, request: Asked) {
        // It may have come before its screen was seen to come.
        if request.screen.is_some_and(|screen| self.turns.state().people.at(screen).is_none()) {
            self.seat();
        }
        let state = self.turns.state().clone();
        let command = request.request.command.clone();
        if let Some(why) = refusal(&state, &request) {
            request.refuse(Printable::new(&why));
            return;
        }
        let event = Event::Commanded { who: request.login.clone(), screen: request.screen, command };
        match self.waiting.is_empty().then(|| self.try_take(event)) {
            Some(Ok(())) => {
                // Whoever comes after the answer must not be shown what was before the order.
                self.publish();
                request.accept();
            }
            Some(Err(_)) | None => {
                let why = "the journal cannot be written, so nothing new may begin: make room on the disk of the state directory";
                request.refuse(why.into());
            }
        }
    }

    /// A signal to the engine is a hold, as a closed terminal is nothing.
    fn signal(&mut self) {
        if operate::refusal(self.turns.state(), &Command::Hold).is_none() {
            self.take(Event::Commanded { who: "a signal".into(), screen: None, command: Command::Hold });
        }
    }

    fn second(&mut self) {
        let state = self.turns.state().clone();
        self.live.tick(&state);
        self.try_again();
        self.seat_again();
        self.lost = self.lost_its_journal();
        let state = self.turns.state().clone();
        let policy = &state.beginning.policy;
        let limit = (policy.health_interval * 2) + Duration::from_secs(3);
        let late: Vec<Fact> = self
            .live
            .servers
            .iter()
            .filter(|(_, shown)| shown.looked.is_some_and(|then| then.elapsed() > limit))
            .filter_map(|(name, _)| Watch::stale(&state, name))
            .collect();
        for fact in late {
            self.take(Event::Saw(fact));
        }
        self.sample();
        if let Some(own) = &self.world.own_migrations {
            own.refresh();
            own.tell_pace(self.turns.state(), self.live.seen());
        }
        self.publish();
    }

    /// Who could not be written down when they came or left is tried again.
    fn seat_again(&mut self) {
        if self.listener.screens() != self.turns.state().people.there {
            self.seat();
        }
    }

    /// Was the journal removed from under us? Then nobody could go on after us, and nothing more may be done.
    fn lost_its_journal(&self) -> bool {
        matches!(self.journal.try_exists(), Ok(false))
    }

    /// Numbers for charts, a line a second; the first thing to be lost on a full disk.
    fn sample(&mut self) {
        let at = self.turns.clock().moment();
        let rates: serde_json::Map<String, serde_json::Value> = self
            .live
            .servers
            .iter()
            .filter_map(|(name, shown)| {
                Some((
                    name.as_str().to_owned(),
                    serde_json::json!([shown.rate?.round(), shown.errors.map(f64::round), shown.in_flight]),
                ))
            })
            .collect();
        if rates.is_empty() {
            return;
        }
        let mut versions = ByVersion::default();
        for (name, shown) in &self.live.servers {
            let version = self.turns.state().facts.servers.get(name).and_then(|fact| fact.version.as_ref());
            if let (Some(rate), Some(version)) = (shown.rate, version) {
                versions.add(version, rate, shown.errors);
            }
        }
        if let Some(samples) = &mut self.samples {
            let line =
                serde_json::json!({ "at": at, "servers": rates, "versions": versions, "errors": self.live.errors_so_far() });
            if samples.append(&line, Durability::Later).is_err() {
                self.samples = None;
            }
        }
    }

    /// Publishes what Enter does now at once, all else with the turns that follow closely.
    fn show(&mut self) {
        if self.turns.state().prompt != self.shown.prompt || self.shown.at.elapsed() >= TURNS {
            self.publish();
        } else {
            self.shown.due = Some(self.shown.at + TURNS);
            self.listener.skip();
        }
    }

    fn publish(&mut self) {
        self.shown = Shown { at: Instant::now(), prompt: self.turns.state().prompt, due: None };
        if !self.listener.is_anybody_there() && self.turns.state().ended.is_none() {
            self.listener.skip();
            return;
        }
        let now = self.turns.clock().since_start();
        let mut snapshot =
            view::snapshot(&self.world, self.turns.state(), &self.live, &self.activity, &self.setting, now, Instant::now());
        self.planned.show(&mut snapshot, &self.world, self.turns.state(), &self.live, now);
        self.listener.publish(snapshot);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.turns.state().deadlines().first().map(|(at, _)| self.turns.clock().instant(*at))
    }

    async fn finish(mut self, lock: Lock, targets: Vec<TargetLock>) -> Result<End, Failure> {
        self.publish();
        self.world.runner.close().await;
        let end = self.ended.take().unwrap_or(End::Done);
        for target in targets {
            let _ = target.release();
        }
        lock.release().map_err(|error| Failure::new(format!("the lock could not be given back: {error}")))?;
        self.listener.close().await;
        Ok(end)
    }
}

/// Why what was asked for is not done: an observer, a prompt that has changed, or a command that means nothing now.
fn refusal(state: &State, request: &Asked) -> Option<String> {
    if request.observe && request.screen.is_none() {
        return Some("this connection only watches".into());
    }
    let command = &request.request.command;
    if let Some(why) = state.people.refusal(request.screen, command) {
        return Some(why);
    }
    let is_stale = request.request.prompt.is_some_and(|shown| shown != state.prompt);
    let depends = !matches!(command, Command::Hold | Command::Note(_) | Command::HandOver(_) | Command::TakeOver { .. });
    if is_stale && depends {
        return Some("the screen has changed since that key was pressed: look, and press it again".into());
    }
    operate::refusal(state, command)
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

type Signals = (tokio::signal::unix::Signal, tokio::signal::unix::Signal);

fn signals() -> Result<Signals, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let trouble = |error: std::io::Error| Failure::new(format!("signals cannot be caught: {error}"));
    Ok((signal(SignalKind::terminate()).map_err(trouble)?, signal(SignalKind::interrupt()).map_err(trouble)?))
}
