//! Programs of the old and of the new version that write to one table, one statement after the other, and time each.

use crate::servers::open;
use halfstep::hand::database::Session;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Which version a program is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Old,
    New,
}

impl Version {
    fn column(self) -> &'static str {
        match self {
            Version::Old => "full_name",
            Version::New => "display_name",
        }
    }
}

/// What they saw since it was last told.
#[derive(Debug, Default)]
struct Seen {
    times: Vec<Duration>,
    errors: Vec<String>,
}

/// The programs that run.
pub struct Writers {
    url: String,
    rows: u64,
    seen: Arc<Mutex<Seen>>,
    running: Vec<(Version, CancellationToken, JoinHandle<()>)>,
}

impl Writers {
    /// None, for a table of so many rows.
    pub fn new(url: &str, rows: u64) -> Writers {
        Writers { url: url.to_owned(), rows, seen: Arc::default(), running: vec![] }
    }

    /// Starts so many of a version.
    pub fn start(&mut self, version: Version, count: u64) {
        for number in 0..count {
            let stop = CancellationToken::new();
            let (url, rows, seen) = (self.url.clone(), self.rows, self.seen.clone());
            let seed = number * 2 + u64::from(version == Version::New) + 1;
            let task = tokio::spawn(write(url, rows, seen, version, seed, stop.clone()));
            self.running.push((version, stop, task));
        }
    }

    /// Ends those of a version, each after its statement.
    pub async fn stop(&mut self, version: Version) {
        let (ending, going): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.running).into_iter().partition(|(of, ..)| *of == version);
        self.running = going;
        for (_, stop, task) in ending {
            stop.cancel();
            task.await.expect("a writer");
        }
    }

    /// Statements, errors, and how long they took, since it was last told.
    pub fn told(&self) -> Value {
        let mut seen = std::mem::take(&mut *self.seen.lock().expect("what was seen"));
        seen.times.sort();
        let at = |share: f64| {
            let place = (seen.times.len() as f64 * share) as usize;
            seen.times.get(place.min(seen.times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        seen.errors.sort();
        seen.errors.dedup();
        json!({
            "statements": seen.times.len(),
            "errors": seen.errors.len(),
            "first_errors": seen.errors.iter().take(3).collect::<Vec<_>>(),
            "median_ms": at(0.5),
            "p99_ms": at(0.99),
            "longest_ms": at(1.0),
        })
    }
}

async fn write(url: String, rows: u64, seen: Arc<Mutex<Seen>>, version: Version, seed: u64, stop: CancellationToken) {
    let mut session = open(&url).session().await.expect("a session");
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let column = version.column();
    while !stop.is_cancelled() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = (dice >> 33) % rows + 1;
        let sql = match (dice >> 20) % 10 {
            0 | 1 => format!("INSERT INTO accounts ({column}, email) VALUES ('new {dice}', 'x')"),
            2..=5 => format!("UPDATE accounts SET {column} = 'changed {dice}' WHERE id = {id}"),
            6 => format!("UPDATE accounts SET email = 'mail {dice}' WHERE id = {id}"),
            _ => format!("SELECT id, {column}, email FROM accounts WHERE id = {id}"),
        };
        one(&mut *session, &sql, &seen).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn one(session: &mut dyn Session, sql: &str, seen: &Mutex<Seen>) {
    let began = Instant::now();
    let answer = session.query(sql, &[]).await;
    let took = began.elapsed();
    let mut seen = seen.lock().expect("what was seen");
    seen.times.push(took);
    if let Err(error) = answer {
        seen.errors.push(error.to_string());
    }
}
