//! Asks the servers themselves, as they run now: which paths they answer, and where their version stands. What is found is
//! proposed; only `GET`, and nothing that a server could take for more than a look.

use super::draft::{Asked, VersionAt};
use crate::app::hands;
use crate::cli::text::Table;
use crate::config::Config;
use crate::hand::Probe;
use crate::model::{Address, Failure, Printable};
use crate::probe::explore::{self, Page};
use crate::probe::{Extract, Scheme};
use futures_util::future::join_all;
use std::time::Duration;

/// How long a server has for one answer.
const LIMIT: Duration = Duration::from_secs(2);
/// So many servers are asked at once.
const AT_ONCE: usize = 64;
/// So many are asked about each path that might be there.
const SCOUTS: usize = 2;
/// Rows of a table; of more, those that answer badly are shown first.
const ROWS: usize = 24;
/// A path that no server has: one that answers it well answers everything.
const NOTHING: &str = "/halfstep-init-asks-for-a-path-that-nobody-has";

/// Paths that tell health, the likelier first.
const HEALTH: &[&str] = &[
    "/healthz",
    "/health",
    "/up",
    "/livez",
    "/readyz",
    "/ready",
    "/ping",
    "/-/healthy",
    "/actuator/health",
    "/healthcheck",
    "/health-check",
    "/status",
];
/// Paths that tell a version, the likelier first.
const VERSION: &[&str] = &[
    "/version",
    "/version.json",
    "/version.txt",
    "/api/version",
    "/build",
    "/info",
    "/actuator/info",
    "/healthz",
    "/health",
    "/status",
    "/up",
    "/",
];

/// A server to be asked.
#[derive(Debug, Clone)]
pub struct Target {
    pub name: String,
    pub address: Address,
    /// The balancer's own word.
    pub word: Printable,
    /// Is it, by the balancer's word, one that should answer?
    pub standing: Standing,
}

/// What the balancer thinks of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Serves,
    /// Out of rotation, or down.
    Aside,
}

/// All servers of a pool, and how they are asked.
pub struct Servers {
    pub targets: Vec<Target>,
    pub asked: Asked,
    /// Those that are asked about paths that might be there.
    scouts: Vec<usize>,
    /// What a path that nobody has is answered with.
    anything: Option<Page>,
}

pub type Answers = Vec<Result<Page, String>>;

/// How one try of health went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// A status, or why not.
    said: String,
    took: Option<Duration>,
    pub is_good: bool,
}

/// Of requests.
pub fn tries(answers: &Answers) -> Vec<Tried> {
    let tried = |answer: &Result<Page, String>| match answer {
        Ok(page) => Tried { said: page.status.to_string(), took: Some(page.took), is_good: page.is_good() },
        Err(why) => Tried { said: Printable::cut(why, 60).to_string(), took: None, is_good: false },
    };
    answers.iter().map(tried).collect()
}

/// Tries the health of that config at all of its servers, as a rollout would.
pub async fn try_all(config: &Config) -> Result<Vec<Tried>, Failure> {
    let settings = crate::probe::Settings { version: None, ..config.probe.clone() };
    let probes = hands::asks_here(settings)?;
    let mut all = Vec::new();
    for some in config.pool.servers.chunks(AT_ONCE) {
        all.extend(join_all(some.iter().map(|server| probes.check(server))).await);
    }
    let tried = |observed: crate::model::Observation| match &observed.health {
        Ok(()) => Tried { said: "well".to_owned(), took: observed.took, is_good: true },
        Err(why) => Tried { said: Printable::cut(why.as_str(), 60).to_string(), took: None, is_good: false },
    };
    Ok(all.into_iter().map(tried).collect())
}

impl Servers {
    /// Finds out who answers at all.
    pub async fn meet(targets: Vec<Target>, scheme: Scheme) -> Servers {
        let mut servers =
            Servers { targets, asked: Asked { scheme, insecure: scheme == Scheme::Https }, scouts: Vec::new(), anything: None };
        let mut order: Vec<usize> = (0..servers.targets.len()).collect();
        order.sort_by_key(|at| servers.targets[*at].standing == Standing::Aside);
        for at in order.into_iter().take(8) {
            if let Ok(page) = servers.get(at, NOTHING).await {
                servers.anything.get_or_insert(page);
                servers.scouts.push(at);
            }
            if servers.scouts.len() == SCOUTS {
                break;
            }
        }
        if scheme == Scheme::Https && !servers.scouts.is_empty() {
            servers.asked.insecure = false;
            let trusted = servers.get(servers.scouts[0], NOTHING).await;
            servers.asked.insecure = trusted.is_err();
        }
        servers
    }

    /// Does any of them answer this machine?
    pub fn is_anybody_there(&self) -> bool {
        !self.scouts.is_empty()
    }

    async fn get(&self, at: usize, path: &str) -> Result<Page, String> {
        let request = explore::request(path, self.asked.scheme, self.asked.insecure);
        explore::get(&self.targets[at].address, &request, LIMIT).await
    }

    /// What every server answers to that path, in order.
    pub async fn ask(&self, path: &str) -> Answers {
        let mut answers = Vec::new();
        let all: Vec<usize> = (0..self.targets.len()).collect();
        for some in all.chunks(AT_ONCE) {
            answers.extend(join_all(some.iter().map(|at| self.get(*at, path))).await);
        }
        answers
    }

    /// The pages of the scouts, if all answer well and not as they answer everything.
    async fn scout(&self, path: &str) -> Option<Vec<Page>> {
        let pages: Option<Vec<Page>> =
            join_all(self.scouts.iter().map(|at| self.get(*at, path))).await.into_iter().map(Result::ok).collect();
        let pages = pages.filter(|pages| !pages.is_empty() && pages.iter().all(Page::is_good))?;
        Some(pages)
    }

    fn answers_all_alike(&self, page: &Page) -> bool {
        self.anything.as_ref().is_some_and(|anything| anything.is_like(page))
    }

    /// Is a path answered as one that nobody has?
    pub fn tells_nothing(&self, answers: &Answers) -> bool {
        let first = self.scouts.first().and_then(|at| answers.get(*at));
        first.and_then(|answer| answer.as_ref().ok()).is_some_and(|page| self.answers_all_alike(page))
    }

    /// The likeliest path of health: first `known`, which the balancer itself asks.
    pub async fn health(&self, known: Option<&str>) -> Option<String> {
        for path in known.into_iter().chain(HEALTH.iter().copied()) {
            let page = self.scout(path).await;
            if page.is_some_and(|pages| !pages.iter().any(|page| self.answers_all_alike(page))) {
                return Some(path.to_owned());
            }
        }
        None
    }

    /// The likeliest place of the version, at `path` or anywhere.
    pub async fn version(&self, path: Option<&str>) -> Option<VersionAt> {
        let paths: Vec<&str> = path.map_or_else(|| VERSION.to_vec(), |path| vec![path]);
        for path in paths {
            let Some(pages) = self.scout(path).await else { continue };
            let alike = path != "/" && pages.iter().any(|page| self.answers_all_alike(page));
            let places = pages[0].versions().into_iter();
            let mut places = places.filter(|extract| !alike || matches!(extract, Extract::Header(_)));
            if let Some(extract) = places.find(|extract| pages.iter().all(|page| page.value(extract).is_ok())) {
                let instance = instance(&pages);
                return Some(VersionAt { path: path.to_owned(), extract, instance });
            }
        }
        None
    }

    /// What stands in a page's place that changes with each start, for a place that was said.
    pub async fn instance(&self, path: &str) -> Option<String> {
        instance(&self.scout(path).await?)
    }
}

/// It has to stand in each page. Two servers that were started apart tell it apart; of one nothing more can be known.
fn instance(pages: &[Page]) -> Option<String> {
    let places = pages.first()?.instances();
    let text = |page: &Page, pointer: &String| page.value(&Extract::Json(pointer.clone())).ok();
    places.into_iter().find(|pointer| {
        let all: Vec<_> = pages.iter().map(|page| text(page, pointer)).collect();
        all.iter().all(Option::is_some) && (all.len() < 2 || all[0] != all[1])
    })
}

/// How well a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Bad,
    Good,
}

/// What the servers answered, as a table. `health`: by its path; `version`: by its path and place.
pub fn table(servers: &Servers, health: Option<&[Tried]>, version: Option<(&Answers, &Extract)>) -> Table {
    let mut table = Table::new(["server", "address", "balancer", "health", "ms", "version"]).right("ms");
    let mut rows: Vec<(Row, [String; 6])> = Vec::new();
    for (at, target) in servers.targets.iter().enumerate() {
        let (health_text, ms, well) = match health.and_then(|tries| tries.get(at)) {
            None => (String::new(), String::new(), true),
            Some(tried) => {
                let ms = tried.took.map(|took| took.as_millis().to_string()).unwrap_or_default();
                (tried.said.clone(), ms, tried.is_good)
            }
        };
        let told = version.map(|(answers, extract)| match &answers[at] {
            Ok(page) => {
                page.value(extract).map(|version| version.to_string()).map_err(|why| Printable::cut(&why, 60).to_string())
            }
            // Told already, where health was asked too.
            Err(_) if health.is_some() => Err(String::new()),
            Err(why) => Err(Printable::cut(why, 60).to_string()),
        });
        let row = if well && told.as_ref().is_none_or(Result::is_ok) { Row::Good } else { Row::Bad };
        let told = told.map(|told| told.unwrap_or_else(|why| why)).unwrap_or_default();
        rows.push((row, [target.name.clone(), target.address.to_string(), target.word.to_string(), health_text, ms, told]));
    }
    let more = rows.len().saturating_sub(ROWS);
    if more > 0 {
        rows.sort_by_key(|(row, _)| *row);
    }
    for (_, cells) in rows.into_iter().take(ROWS) {
        table.row(cells);
    }
    if more > 0 {
        table.row([format!("and {more} more")]);
    }
    table
}

/// How many of those that should answer do: `(good, of)`.
pub fn count(servers: &Servers, is_good: impl Fn(usize) -> bool) -> (usize, usize) {
    let serve: Vec<usize> = (0..servers.targets.len()).filter(|at| servers.targets[*at].standing == Standing::Serves).collect();
    (serve.iter().filter(|at| is_good(**at)).count(), serve.len())
}
