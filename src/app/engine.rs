//! `halfstep engine`: the process of one rollout, a restart or a switch too. Takes the pool, looks at it, writes the first line, and answers `ready`
//! or its refusal on standard output; from then on it is on its own.

use super::begin::{self, Refusal, Request};
use super::hands::Hands;
use super::migrations::rollout::{self, Found};
use super::survey::Survey;
use super::switch::{self, SwitchRequest};
use crate::cli::internal::EngineArguments;
use crate::config::{self, Config};
use crate::engine::activity::Activity;
use crate::engine::home::{Home, LockInfo, NotTaken, PoolHome, RolloutDir, TargetLock};
use crate::engine::run::Engine;
use crate::engine::turn::{self, Turns};
use crate::engine::world::Names;
use crate::journal::{self, Journal};
use crate::lab::process::{Lifetime, end_of};
use crate::model::{Failure, Printable};
use crate::rollout::event::Purpose;
use crate::rollout::{Beginning, Command, End, Event, operate};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the engine's process is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Job {
    Begin(Request),
    Switch(SwitchRequest),
    /// Goes on with a rollout whose engine died.
    Resume(ResumeRequest),
}

/// Which rollout goes on, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResumeRequest {
    pub config: PathBuf,
    pub state: Option<PathBuf>,
    pub pool: String,
    pub rollout: String,
    pub accept_config: bool,
    /// As in [`Request::with`]: what the dead engine hung on.
    pub with: Option<u32>,
    /// Who asked for what before it goes on; passed by where it would be refused.
    pub order: Option<(Printable, Command)>,
}

/// Its one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    Ready { rollout: PathBuf, socket: PathBuf, pid: u32 },
    Refused(Refusal),
}

/// Runs the process.
pub fn main(arguments: &EngineArguments) -> Result<(), Failure> {
    let path = arguments.request.as_ref().ok_or_else(|| Failure::new("the engine is started by halfstep run and resume"))?;
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let _ = std::fs::remove_file(path);
    let job: Job = serde_json::from_str(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let hangs_on = match &job {
        Job::Begin(Request { with, .. }) | Job::Resume(ResumeRequest { with, .. }) => *with,
        Job::Switch(_) => None,
    };
    let lifetime = hangs_on.map_or(Lifetime::UntilSignalled, Lifetime::With);
    // A session of its own: a terminal that closes takes nothing with it.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        match prepare(job).await {
            Err(refusal) => {
                reply(&Reply::Refused(refusal))?;
                Ok(())
            }
            Ok(engine) => {
                log_to(&engine.dir);
                let ready = Reply::Ready {
                    rollout: engine.dir.path.clone(),
                    socket: engine.lock.info().socket.clone(),
                    pid: std::process::id(),
                };
                tokio::select! {
                    end = engine.run(move || reply(&ready)) => end.map(|_| ()),
                    _ = end_of(lifetime) => Ok(()),
                }
            }
        }
    })
}

fn reply(reply: &Reply) -> Result<(), Failure> {
    let mut text = serde_json::to_string(reply).map_err(|error| Failure::new(error.to_string()))?;
    text.push('\n');
    // Whoever asked may be gone; the rollout begins all the same, as its lock and journal say.
    let _ = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
    if let Ok(nothing) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nothing);
        let _ = rustix::stdio::dup2_stderr(&nothing);
    }
    Ok(())
}

fn log_to(dir: &RolloutDir) {
    if let Ok(file) = std::fs::OpenOptions::new().create(true).append(true).open(dir.engine_log()) {
        let writer = std::sync::Mutex::new(file);
        let _ = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).try_init();
    }
}

async fn prepare(job: Job) -> Result<Engine, Refusal> {
    match job {
        Job::Begin(request) => {
            let Request { config, state, why, with, .. } = &request;
            let info = LockInfo { with: *with, ..LockInfo::new(config, why.clone()) };
            let pending = if request.to.is_some() { Pending::Looked } else { Pending::Nothing };
            let beginning = |config: &Config, hands: &Hands, survey: &Survey, found: &Found| {
                begin::beginning(config, hands, survey, found, &request)
            };
            begin(info, state.as_deref(), pending, beginning).await
        }
        Job::Switch(request) => {
            let info = LockInfo::new(&request.config, Some(request.why()));
            let state = request.state.clone();
            let beginning =
                |config: &Config, hands: &Hands, survey: &Survey, _: &Found| switch::beginning(config, hands, survey, &request);
            begin(info, state.as_deref(), Pending::Nothing, beginning).await
        }
        Job::Resume(request) => resume(request).await,
    }
}

/// Does it roll out a version, with the migrations that wait for it?
enum Pending {
    Looked,
    Nothing,
}

/// Takes the pool, looks at it, and writes the first line, unless `beginning` refuses what was seen.
async fn begin(
    info: LockInfo,
    state: Option<&Path>,
    pending: Pending,
    beginning: impl FnOnce(&Config, &Hands, &Survey, &Found) -> Result<Beginning, Refusal>,
) -> Result<Engine, Refusal> {
    let path = info.config.clone();
    let config = load(&path)?;
    let (home, pool) = places(&config, state)?;
    let mut lock = pool.take(info, &has_end).map_err(|taken| not_taken(&taken))?;
    let looked = async {
        let targets = target_locks(&config, &home)?;
        let hands = Hands::build(&config).await?;
        let survey = Survey::take(&config, &hands).await;
        let found = match pending {
            Pending::Looked => rollout::look(&config).await?,
            Pending::Nothing => Found::default(),
        };
        let beginning = beginning(&config, &hands, &survey, &found)?;
        Ok((targets, hands, survey, found, beginning))
    };
    let (targets, hands, survey, found, beginning) = match looked.await {
        Ok(looked) => looked,
        Err(refusal) => {
            let _ = lock.release();
            return Err(refusal);
        }
    };
    let dir = lock.begin()?;
    let mut world = hands.world(&config, Names::of(&beginning), dir.output());
    found.settle(&mut world, &path, &dir.path)?;
    let journal =
        Journal::create(&dir.journal()).map_err(|error| Failure::new(format!("the journal cannot be begun: {error}")))?;
    let (mut turns, mut first) =
        Turns::begin(beginning, journal).map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))?;
    for note in notes(&config, &survey) {
        let event = Event::Commanded { who: "preflight".into(), screen: None, command: Command::Note(note) };
        first.extend(turns.take(event).map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))?);
    }
    keep_config(&dir, &path);
    let mut activity = Activity::default();
    replay(&world, &dir, &mut activity)?;
    Ok(Engine { world, turns, first, activity, lock, targets, dir })
}

async fn resume(request: ResumeRequest) -> Result<Engine, Refusal> {
    let ResumeRequest { config: path, state, pool, rollout, accept_config, with, order } = request;
    let config = load(&path)?;
    let home = Home::open(state.as_deref().or(config.state.dir.as_deref()), config.state.group.as_deref())?;
    let pool = home.pool(&pool)?;
    let info = LockInfo { with, ..LockInfo::new(&path, None) };
    let mut lock = pool.take_again(info).map_err(|taken| not_taken(&taken))?;
    let dir = pool.rollout(&rollout)?;
    let (journal, lines, _torn) = Journal::open(&dir.journal())?;
    let (before, _) = turn::refold(&lines)?;
    // Decided, but not written down before the crash: that is still to be done.
    if how_it_ended(&dir.journal()).is_some() {
        return Err(Failure::new(format!("{rollout} is over")).next("halfstep report tells how it went").into());
    }
    let beginning = before.beginning.clone();
    if beginning.fingerprint != config.fingerprint() && !accept_config {
        return Err(changed(&dir, &path).into());
    }
    lock.go_on_with(&dir)?;
    let targets = target_locks(&config, &home)?;
    let hands = Hands::build(&config).await?;
    let mut world = hands.world(&config, Names::of(&beginning), dir.output());
    rollout::again(&mut world, &path, &dir.path)?;
    let (mut turns, mut first) = Turns::resume(journal, &lines)?;
    if let Some((who, command)) = order.filter(|(_, command)| operate::refusal(turns.state(), command).is_none()) {
        let event = Event::Commanded { who, screen: None, command };
        first.extend(turns.take(event).map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))?);
    }
    let mut activity = Activity::default();
    replay(&world, &dir, &mut activity)?;
    Ok(Engine { world, turns, first, activity, lock, targets, dir })
}

/// What is no reason to refuse and somebody should know: what a reload would lose, and what a logout would end.
fn notes(config: &Config, survey: &Survey) -> Vec<Printable> {
    let readings = survey.nodes.iter().filter_map(|(node, read)| Some((node, read.as_ref().ok()?)));
    let advice = readings.flat_map(|(node, reading)| reading.advice.iter().map(move |text| format!("{node}: {text}")));
    let logout = super::check::logout::findings(config);
    let logout = logout.iter().map(|finding| format!("{}: {}", finding.what, finding.next.as_deref().unwrap_or_default()));
    advice.chain(logout).map(|text| Printable::cut(&text, 500)).collect()
}

/// The activity of the lines so far.
fn replay(world: &crate::engine::world::World, dir: &RolloutDir, activity: &mut Activity) -> Result<(), Failure> {
    let (lines, _) = journal::read(&dir.journal())?;
    let entries = turn::entries(&lines)?;
    turn::fold(&entries, |before, entry, after| activity.take(world, before, &entry.stamped, after)).map(|_| ())
}

/// The config as it was when the rollout began, beside the journal: a resume shows what has changed since.
fn keep_config(dir: &RolloutDir, config: &Path) {
    if let Ok(text) = std::fs::read_to_string(config) {
        let _ = std::fs::write(dir.path.join("halfstep.toml"), text);
    }
}

fn changed(dir: &RolloutDir, path: &Path) -> Failure {
    let old = std::fs::read_to_string(dir.path.join("halfstep.toml")).unwrap_or_default();
    let new = std::fs::read_to_string(path).unwrap_or_default();
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let lines: Vec<String> = config::differences(&config::flatten(&old), &config::flatten(&new))
        .iter()
        .map(|one| format!("{} was {} and is {}", one.key, shown(&one.before), shown(&one.after)))
        .collect();
    Failure::new(format!("the config has changed since the rollout began: {}", lines.join(" · ")))
        .next("put it back, or go on with it as it is: halfstep resume --accept-config")
}

/// The state directory, made, and the pool's part of it.
fn places(config: &Config, state: Option<&Path>) -> Result<(Home, PoolHome), Failure> {
    let home = Home::open(state.or(config.state.dir.as_deref()), config.state.group.as_deref())?;
    home.make()?;
    let pool = home.pool(&config.pool.name)?;
    Ok((home, pool))
}

/// The locks of every balancer that the config drives.
fn target_locks(config: &Config, home: &Home) -> Result<Vec<TargetLock>, Failure> {
    let target = |node: &crate::balancer::NodeSettings| match &node.ssh {
        Some(host) => format!("{host} {}", node.kind.target()),
        None => node.kind.target(),
    };
    let lock = |node| home.target_lock(&target(node), &config.pool.name, &has_end).map_err(|taken| not_taken(&taken));
    config.nodes.iter().map(lock).collect()
}

/// A config that holds no mistake, or all of them.
pub fn load(path: &Path) -> Result<Config, Refusal> {
    config::load(path).map_err(|mistakes| Refusal::Mistakes(mistakes.to_string()))
}

/// Has that journal an end?
#[must_use]
pub fn has_end(path: &Path) -> bool {
    how_it_ended(path).is_some()
}

/// The end that a journal holds; `None` where it has none, or cannot be read.
#[must_use]
pub fn how_it_ended(path: &Path) -> Option<End> {
    let (lines, _) = journal::read(path).ok()?;
    turn::entries(&lines).ok()?.into_iter().rev().find_map(|entry| entry.stamped.event.end().cloned())
}

/// What the rollout of that journal is for; `None` where its first line cannot be read.
#[must_use]
pub fn purpose(path: &Path) -> Option<Purpose> {
    let (lines, _) = journal::read(path).ok()?;
    match turn::entries(lines.get(..1)?).ok()?.pop()?.stamped.event {
        Event::Began(beginning) => Some(beginning.purpose),
        Event::Commanded { .. }
        | Event::Answered { .. }
        | Event::Saw(_)
        | Event::Came(_)
        | Event::Left(_)
        | Event::Woke
        | Event::Resumed { .. }
        | Event::Ended(_) => None,
    }
}

/// Who has the pool, since when, why, and the ways on.
#[must_use]
pub fn not_taken(taken: &NotTaken) -> Failure {
    match taken {
        NotTaken::Failed(failure) => failure.clone(),
        NotTaken::TargetTaken(target) => {
            Failure::new(format!("the pool {} works on this balancer ({}) now", target.pool, target.target))
                .next("wait for it to end, or look: halfstep status")
        }
        NotTaken::Taken { info, rollout, alive } => {
            let rollout = rollout.as_deref().unwrap_or("a rollout");
            let by = info.as_ref().map_or_else(String::new, |info| {
                let why = info.why.as_ref().map(|why| format!(", why: {why}")).unwrap_or_default();
                format!(" by {} on {} (pid {}) since {:.0}{why}", info.login, info.host, info.pid, info.since)
            });
            if *alive {
                Failure::new(format!("the pool is taken: {rollout} runs{by}"))
                    .next("halfstep attach shows it; halfstep status, halfstep hold and halfstep rollback work from here too")
            } else {
                Failure::new(format!("{rollout} was begun{by} and never ended; its engine is dead")).next(
                    "halfstep resume goes on with it, halfstep rollback goes back, halfstep run --abandon \"why\" gives it up",
                )
            }
        }
    }
}
