//! The set flip: which requests make a change, in which order, and the moment between *ready* and *done*.
//!
//! The lowest `lbset` with a usable member gets everything, so one bit on one member can move all traffic:
//!
//! 1. *away*: those that go out move to set 1. While nobody in set 0 is usable they go on serving.
//! 2. *enter*: those that come in are cleared of `N`, `D` and `S` in set 0, one request each. **The first moves all traffic.**
//! 3. *leave*: those that go out get `N` and are put back to set 0, so that no set is left changed.
//! 4. *shut*: with sticky sessions they get `D` too, since a cookie defeats sets and `N`.
//!
//! `D` is cleared in step 2 and not before, because a drained member without it takes the users of its cookie. Every
//! request names a state and not a difference. A switch does step 1 while it prepares; when some of those that come
//! in serve already (a drain, a rejoin, the second try of a switch), all of it is done by the commit. Step 3 waits for a
//! usable member among those that come in: if all are in `Err`, those that were to go out stay behind them as fallback.
//! Requests themselves: [`super::request`].

use super::member::{self, takes_requests};
use super::page::{Balancer, Page, Worker};
use super::request::Pass;
use super::{Inner, pick};
use crate::hand::Armed;
use crate::model::{Failure, Printable, Receipt, Rotation};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Fields = &'static [(&'static str, &'static str)];

const AWAY: Fields = &[("w_ls", "1")];
const ENTER: Fields = &[("w_ls", "0"), ("w_status_D", "0"), ("w_status_S", "0"), ("w_status_N", "0")];
const LEAVE: Fields = &[("w_status_N", "1"), ("w_ls", "0")];
const SHUT: Fields = &[("w_status_D", "1")];

/// How long an entering half may stay in `Err` before the others are left in as its fallback. `retry=1` clears it in 1 s.
const RECOVERY: Duration = Duration::from_millis(1200);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Looks at which incoming members took requests and are still usable. A refused connection shows at the second.
const GOOD_LOOKS: u32 = 2;
/// Without any request in that time nothing can be seen, and the change goes on.
const QUIET: Duration = Duration::from_millis(50);

/// One request: the worker's URL and what is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub worker: String,
    pub fields: Fields,
}

impl Post {
    /// As shown and journaled: without the nonce.
    pub fn shown(&self, path: &str, balancer: &str) -> String {
        let fields: String = self.fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        Printable::new(&format!("POST {path} b={balancer} w={}{fields}", self.worker)).to_string()
    }
}

fn posts(workers: &[String], fields: Fields) -> Vec<Post> {
    workers.iter().map(|worker| Post { worker: worker.clone(), fields }).collect()
}

/// `D` for members that take nothing any more.
pub fn rest(workers: &[String]) -> Vec<Post> {
    posts(workers, &[("w_status_N", "1"), ("w_status_D", "1")])
}

/// The steps of a change, each a list of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    pub away: Vec<Post>,
    pub enter: Vec<Post>,
    pub leave: Vec<Post>,
}

impl Steps {
    /// The steps for these worker URLs.
    pub fn new(into: &[String], out: &[String], sticky: bool) -> Steps {
        let mut leave = posts(out, LEAVE);
        if sticky {
            leave.extend(posts(out, SHUT));
        }
        Steps { away: posts(out, AWAY), enter: posts(into, ENTER), leave }
    }

    /// All requests in their order.
    pub fn all(&self) -> impl Iterator<Item = &Post> {
        self.away.iter().chain(&self.enter).chain(&self.leave)
    }
}

/// What is known and done before the commit.
#[derive(Debug)]
pub struct Readied {
    into: Vec<String>,
    out: Vec<String>,
    steps: Steps,
    /// Sent while preparing; moves nothing.
    before: Vec<Post>,
    /// Does the commit still have to do [`Steps::away`]?
    away_is_due: bool,
    /// Did none of those that come in serve before?
    flips: bool,
}

/// Decides what can be done without moving a request.
pub fn ready(into: &[Worker], out: &[Worker], balancer: &Balancer) -> Readied {
    let rotations = member::rotations(&balancer.workers);
    let serves = |worker: &Worker| {
        let row = balancer.workers.iter().zip(&rotations).find(|(row, _)| row.url == worker.url);
        row.is_some_and(|(row, rotation)| *rotation == Rotation::In && takes_requests(row))
    };
    let is_ours = |worker: &Worker| into.iter().chain(out).any(|ours| ours.url == worker.url);
    // A member that is none of ours and serves in a low set would get everything while the others stand in set 1.
    let foreign = balancer.workers.iter().any(|worker| !is_ours(worker) && takes_requests(worker) && worker.set <= 1);

    let mut entering: Vec<&Worker> = into.iter().collect();
    entering.sort_by_key(|worker| (worker.says("Err") || worker.says("HcFl"), !serves(worker)));
    let urls = |workers: &[&Worker]| workers.iter().map(|worker| worker.url.clone()).collect::<Vec<_>>();
    let (into_urls, out_urls) = (urls(&entering), urls(&out.iter().collect::<Vec<_>>()));
    let mut steps = Steps::new(&into_urls, &out_urls, balancer.sticky.is_some());
    let mut before = Vec::new();
    let flips = !into.iter().any(serves);
    if foreign {
        steps.away.clear();
    } else if flips && !out.is_empty() {
        // Enabled behind the serving half: they would share its set in a moment.
        let behind = into.iter().filter(|worker| takes_requests(worker)).map(|worker| worker.url.clone()).collect::<Vec<_>>();
        before.extend(posts(&behind, LEAVE));
        before.extend(steps.away.iter().cloned());
    }
    Readied { into: into_urls, out: out_urls, steps, before, away_is_due: !flips && !foreign, flips }
}

impl Readied {
    /// The requests of the preparation.
    pub fn before(&self) -> &[Post] {
        &self.before
    }

    /// A member to show the pass for.
    pub fn first(&self) -> &str {
        self.into.first().map_or("", String::as_str)
    }

    /// Did the preparation take hold, as that page tells?
    pub fn holds(&self, balancer: &Balancer) -> bool {
        let set = |url: &String| balancer.workers.iter().find(|worker| worker.url == *url).map(|worker| worker.set);
        self.before.is_empty() || self.away_is_due || self.out.iter().all(|url| set(url) == Some(1))
    }

    fn is_done(&self, balancer: &Balancer) -> bool {
        let row = |url: &String| balancer.workers.iter().find(|worker| worker.url == *url);
        let is_in = |worker: &Worker| worker.set == 0 && !["Drn", "Dis", "Stop"].iter().any(|word| worker.says(word));
        self.into.iter().all(|url| row(url).is_some_and(is_in))
            && self.out.iter().all(|url| row(url).is_some_and(|worker| worker.says("Drn")))
    }

    /// Is one of those that come in usable in the lowest set?
    fn carries(&self, balancer: &Balancer) -> bool {
        let is_ours = |worker: &&Worker| self.into.contains(&worker.url);
        balancer.workers.iter().filter(is_ours).any(|worker| worker.set == 0 && takes_requests(worker))
    }

    fn elected(&self, balancer: &Balancer) -> u64 {
        let is_ours = |worker: &&Worker| self.into.contains(&worker.url);
        balancer.workers.iter().filter(is_ours).filter_map(|worker| worker.elected).sum()
    }

    /// Is something not as asked, and not because the incoming half is in `Err`?
    fn was_ignored(&self, balancer: &Balancer) -> bool {
        !self.asked_in(balancer) || (self.carries(balancer) && !self.is_done(balancer))
    }

    fn asked_in(&self, balancer: &Balancer) -> bool {
        let is_ours = |worker: &&Worker| self.into.contains(&worker.url);
        balancer.workers.iter().filter(is_ours).all(|worker| worker.set == 0 && !worker.says("Drn") && !worker.says("Dis"))
    }
}

/// A change that waits for its moment.
pub struct Ready {
    pub inner: Arc<Inner>,
    pub pass: Pass,
    pub readied: Readied,
}

#[async_trait]
impl Armed for Ready {
    async fn commit(mut self: Box<Self>) -> Result<Receipt, Failure> {
        let mut sent = Vec::new();
        for post in &self.readied.before {
            sent.push(self.shown(post));
        }
        let began = Instant::now();
        let mut page = self.attempt(&mut sent).await?;
        if self.readied.was_ignored(pick(&page, &self.inner)?) {
            // A reload since the preparation made a new nonce. All of it again with that one.
            let balancer = pick(&page, &self.inner)?.clone();
            self.pass = self.inner.pass(&page, &balancer, self.readied.first()).await?;
            self.readied.away_is_due = !self.readied.steps.away.is_empty();
            page = self.attempt(&mut sent).await?;
        }
        let took = began.elapsed();
        let reading = self.inner.reading(&page)?;
        Ok(Receipt { sent, took, reading: Some(reading), window: None })
    }
}

impl Ready {
    fn shown(&self, post: &Post) -> String {
        post.shown(self.inner.desk.path(), &self.pass.balancer)
    }

    async fn attempt(&self, sent: &mut Vec<String>) -> Result<Page, Failure> {
        let steps = &self.readied.steps;
        if self.readied.away_is_due {
            self.send(&steps.away, sent).await?;
        }
        let entered = match self.send(&steps.enter, sent).await? {
            Some(page) => page,
            None => self.inner.desk.page().await?,
        };
        let (page, carried) = self.carried(entered).await?;
        if !carried {
            return Ok(page);
        }
        let mut last = self.send(&steps.leave, sent).await?.unwrap_or(page);
        if !self.readied.is_done(pick(&last, &self.inner)?) {
            last = self.inner.desk.page().await?;
        }
        Ok(last)
    }

    /// Waits until the incoming members carry the traffic, as the last page says; `false` if they do not.
    ///
    /// A switch has moved all traffic when this begins, so that looking twice costs nothing; and a server that refuses
    /// its first requests is seen here, while the others can still step in.
    async fn carried(&self, mut page: Page) -> Result<(Page, bool), Failure> {
        let began = Instant::now();
        let before = self.readied.elected(pick(&page, &self.inner)?);
        let mut quiet_since = began;
        let mut good_looks = 0;
        loop {
            let balancer = pick(&page, &self.inner)?;
            if !self.readied.asked_in(balancer) {
                return Ok((page, false));
            }
            if !self.readied.carries(balancer) {
                good_looks = 0;
                quiet_since = Instant::now();
            } else if !self.readied.flips {
                return Ok((page, true));
            } else if self.readied.elected(balancer) > before {
                good_looks += 1;
            }
            if good_looks >= GOOD_LOOKS || quiet_since.elapsed() > QUIET {
                return Ok((page, true));
            }
            if began.elapsed() > RECOVERY {
                return Ok((page, false));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            page = self.inner.desk.page().await?;
        }
    }

    async fn send(&self, posts: &[Post], sent: &mut Vec<String>) -> Result<Option<Page>, Failure> {
        sent.extend(posts.iter().map(|post| self.shown(post)));
        self.inner.send(&self.pass, posts).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(rows: &[(&str, u32, &str)]) -> Balancer {
        let worker = |(url, set, words): &(&str, u32, &str)| Worker {
            url: (*url).into(),
            set: *set,
            words: words.split(' ').map(str::to_owned).collect(),
            ..Worker::default()
        };
        Balancer { name: "shop".into(), workers: rows.iter().map(worker).collect(), ..Balancer::default() }
    }

    fn ready_for(into: &[&str], out: &[&str], balancer: &Balancer) -> Readied {
        let rows = |urls: &[&str]| {
            let row = |url: &&str| balancer.workers.iter().find(|worker| worker.url == *url).cloned();
            urls.iter().filter_map(row).collect::<Vec<_>>()
        };
        ready(&rows(into), &rows(out), balancer)
    }

    fn lines(posts: &[Post]) -> Vec<String> {
        posts.iter().map(|post| post.shown("", "shop").replacen("POST  b=shop w=", "", 1)).collect()
    }

    #[test]
    fn a_switch_moves_the_serving_half_up_beforehand() {
        let pool = pool(&[("a", 0, "Init Drn Dis"), ("b", 0, "Init Ok"), ("c", 0, "Init Ok")]);
        let readied = ready_for(&["a"], &["b", "c"], &pool);
        assert_eq!(lines(&readied.before), ["b w_ls=1", "c w_ls=1"]);
        assert!(!readied.away_is_due);
        assert_eq!(lines(&readied.steps.enter), ["a w_ls=0 w_status_D=0 w_status_S=0 w_status_N=0"]);
        assert_eq!(lines(&readied.steps.leave), ["b w_status_N=1 w_ls=0", "c w_status_N=1 w_ls=0"]);
    }

    #[test]
    fn a_drain_moves_nothing_beforehand() {
        let pool = pool(&[("a", 0, "Init Ok"), ("b", 0, "Init Ok")]);
        let readied = ready_for(&["b"], &["a"], &pool);
        assert!(readied.before.is_empty() && readied.away_is_due);
    }

    #[test]
    fn going_back_from_half_a_switch_first_hushes_those_that_stand_behind() {
        let pool = pool(&[("a", 0, "Init Ok"), ("b", 1, "Init Ok"), ("c", 1, "Init Ok")]);
        let readied = ready_for(&["b", "c"], &["a"], &pool);
        assert_eq!(lines(&readied.before), ["b w_status_N=1 w_ls=0", "c w_status_N=1 w_ls=0", "a w_ls=1"]);
    }

    #[test]
    fn with_a_stranger_in_rotation_sets_are_left_alone() {
        let pool = pool(&[("a", 0, "Init Drn Ok"), ("b", 0, "Init Ok"), ("x", 0, "Init Ok")]);
        let readied = ready_for(&["a"], &["b"], &pool);
        assert!(readied.before.is_empty() && readied.steps.away.is_empty() && !readied.away_is_due);
        assert_eq!(lines(&readied.steps.leave), ["b w_status_N=1 w_ls=0"]);
    }

    #[test]
    fn a_member_in_err_does_not_go_first() {
        let pool = pool(&[("a", 0, "Init Drn Err"), ("b", 0, "Init Drn Ok"), ("c", 0, "Init Ok")]);
        assert_eq!(ready_for(&["a", "b"], &["c"], &pool).into, ["b", "a"]);
    }

    #[test]
    fn sticky_users_are_moved_with_d() {
        let mut pool = pool(&[("a", 0, "Init Drn Ok"), ("b", 0, "Init Ok")]);
        pool.sticky = Some("ROUTE".into());
        let readied = ready_for(&["a"], &["b"], &pool);
        assert_eq!(lines(&readied.steps.leave), ["b w_status_N=1 w_ls=0", "b w_status_D=1"]);
    }
}
