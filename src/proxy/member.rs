//! One server behind the balancer: its counters, its connections, and the ticket that each request on it holds.
//!
//! Whether it takes requests is not known here: [`super::rotation`].

use super::pool::Pool;
use crate::model::{Address, MemberName};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// One server behind the balancer.
#[derive(Debug)]
pub struct Member {
    pub name: MemberName,
    pub address: Address,
    /// Its share of the requests, relative to the others.
    pub weight: f64,
    pub pool: Pool,
    in_flight: AtomicU64,
    total: AtomicU64,
    errors: AtomicU64,
    /// Nanoseconds until an answer's head, averaged over about the last [`Member::MEMORY`] answers; 0: none yet.
    time: AtomicU64,
    /// Ends what is in flight. Replaced when it was used.
    cut: Mutex<CancellationToken>,
}

impl Member {
    /// Small enough to follow a change within a second of ordinary traffic, large enough not to jump.
    const MEMORY: u64 = 32;

    /// A member without requests.
    #[must_use]
    pub fn new(name: MemberName, address: Address, weight: f64) -> Member {
        Member {
            pool: Pool::new(address.clone()),
            name,
            address,
            weight,
            in_flight: AtomicU64::new(0),
            total: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            time: AtomicU64::new(0),
            cut: Mutex::new(CancellationToken::new()),
        }
    }

    /// Requests given to it and not answered to the end. Exact.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(SeqCst)
    }

    /// Requests given to it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(SeqCst)
    }

    /// Requests that it answered with 5xx, or not.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.load(SeqCst)
    }

    /// Mean time until an answer's head, of late.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        Some(self.time.load(SeqCst)).filter(|time| *time > 0).map(Duration::from_nanos)
    }

    /// Ends every request that is in flight on it now.
    pub fn cut(&self) {
        let mut token = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *token).cancel();
    }
}

/// A request on its way to a member, from the moment it is dispatched until nobody needs the member for it any more.
/// It counts as in flight as long as the ticket lives.
#[derive(Debug)]
pub struct Ticket {
    pub member: Arc<Member>,
    /// Cancelled when an operator cuts what is in flight.
    pub cut: CancellationToken,
    began: Instant,
    /// When the client's body last moved, in nanoseconds since `began`.
    moved: AtomicU64,
    /// Counts as an error already: an answer can be a 5xx and end too early, too.
    failed: AtomicBool,
}

impl Ticket {
    /// Counts the request. Only [`super::rotation`] may call it, inside its lock: that is what makes the counter exact.
    #[must_use]
    pub fn new(member: Arc<Member>, began: Instant) -> Ticket {
        member.in_flight.fetch_add(1, SeqCst);
        member.total.fetch_add(1, SeqCst);
        let cut = member.cut.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ticket { member, cut, began, moved: AtomicU64::new(0), failed: AtomicBool::new(false) }
    }

    /// The member never saw a byte of it.
    pub fn take_back(&self) {
        self.member.total.fetch_sub(1, SeqCst);
    }

    /// A piece of the client's body went by.
    pub fn moved(&self) {
        self.moved.store(nanos(self.began.elapsed()), SeqCst);
    }

    /// When something last went towards the member.
    #[must_use]
    pub fn last_moved(&self) -> Instant {
        self.began + Duration::from_nanos(self.moved.load(SeqCst))
    }

    /// The member answered.
    pub fn answered(&self, status: hyper::StatusCode) {
        if status.is_server_error() {
            self.failed();
        }
        let took = nanos(self.began.elapsed());
        let blend = |mean: u64| Some(if mean == 0 { took } else { mean - mean / Member::MEMORY + took / Member::MEMORY });
        // It always has a next value; the error case does not exist.
        let _ = self.member.time.fetch_update(SeqCst, SeqCst, blend);
    }

    /// The member did not answer, or not to the end.
    pub fn failed(&self) {
        if !self.failed.swap(true, SeqCst) {
            self.member.errors.fetch_add(1, SeqCst);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.member.in_flight.fetch_sub(1, SeqCst);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
