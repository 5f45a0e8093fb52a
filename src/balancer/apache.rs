//! Apache httpd's `mod_proxy_balancer`, through its balancer-manager page.
//!
//! One member takes one request to change, so a switch is a *set flip* ([`change`]): one request decides, the others
//! follow within milliseconds. httpd says 200 to everything; the only proof of a change is the state in the page that
//! comes back. `Busy` leaks, so that in-flight is an estimate and `total` standing still is the better sign of a drain.
//! Read next: [`page`] (the HTML), [`member`] (what a row means), [`request`] (Referer, nonce, TLS), [`change`].

use crate::hand::{Armed, Balancer};
use crate::model::{Capabilities, Change, Failure, InFlight, MemberName, Printable, Reading, Receipt, Rotation, Secret};
use async_trait::async_trait;
use change::{Post, Ready, Steps};
use page::Page;
use request::{Desk, Pass};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

mod change;
mod list;
mod member;
mod page;
mod request;

pub use list::list;

/// `kind = "apache"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The balancer-manager page, as `https://lb1/balancer-manager`.
    pub url: String,
    /// The balancer's name, as `shop` of `balancer://shop`.
    pub balancer: String,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// A PEM file with the certificate authority to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// One httpd. Cheap to make; nothing is asked until something is read.
#[derive(Debug)]
pub struct Apache {
    inner: Arc<Inner>,
}

impl Apache {
    /// A node that is reached straight. `known` are the members' names in the config: an address there, as
    /// `10.0.0.11:3000`, stands for the one worker URL at that address, and readings use the config's spelling.
    ///
    /// The process must have a rustls crypto provider installed before. Fails on a url that cannot be one, and on a `ca`
    /// file that cannot be read.
    pub fn new(settings: Settings, known: &[MemberName]) -> Result<Apache, Failure> {
        Apache::build(settings, known, None)
    }

    /// A node that is reached through a Unix socket of this machine, which leads to the url's host and port.
    pub fn through(settings: Settings, known: &[MemberName], socket: &Path) -> Result<Apache, Failure> {
        Apache::build(settings, known, Some(socket))
    }

    fn build(settings: Settings, known: &[MemberName], socket: Option<&Path>) -> Result<Apache, Failure> {
        let desk = Desk::new(&settings, socket)?;
        let balancer = settings.balancer.strip_prefix("balancer://").unwrap_or(&settings.balancer).to_owned();
        Ok(Apache { inner: Arc::new(Inner { desk, balancer, known: known.to_vec(), memory: Mutex::default() }) })
    }
}

/// What is shared with changes that wait for their moment.
#[derive(Debug)]
struct Inner {
    desk: Desk,
    balancer: String,
    known: Vec<MemberName>,
    memory: Mutex<Memory>,
}

/// What the last reading said; for showing commands without asking, and for seeing counters fall.
#[derive(Debug, Default)]
struct Memory {
    urls: BTreeMap<MemberName, String>,
    sticky: bool,
    elected: u64,
    resets: u32,
}

/// The configured balancer of a page, in whatever case it is written.
fn pick<'a>(page: &'a Page, inner: &Inner) -> Result<&'a page::Balancer, Failure> {
    page.balancers.iter().find(|balancer| balancer.name.eq_ignore_ascii_case(&inner.balancer)).ok_or_else(|| {
        let real: Vec<&str> = page.balancers.iter().map(|balancer| balancer.name.as_str()).collect();
        let failure = Failure::new(format!("{} has no balancer://{}", inner.desk.at(), inner.balancer));
        match real.is_empty() {
            true => failure.next("this virtual host has none: use the url of the one that defines it, or `BalancerInherit On`"),
            false => failure.next(format!("it has {}; set `balancer`", Printable::cut(&real.join(", "), 500))),
        }
    })
}

impl Inner {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workers' URLs as the last reading had them.
    fn urls(&self, names: &BTreeSet<MemberName>) -> Vec<String> {
        let memory = self.memory();
        let url = |name: &MemberName| match memory.urls.get(name) {
            Some(url) => url.clone(),
            None if name.as_str().contains("://") => name.as_str().to_owned(),
            None => format!("http://{}", name.as_str()),
        };
        names.iter().map(url).collect()
    }

    fn shown<'a>(&self, posts: impl Iterator<Item = &'a Post>) -> Vec<String> {
        let balancer = self.balancer.to_ascii_lowercase();
        posts.map(|post| post.shown(self.desk.path(), &balancer)).collect()
    }

    fn reading(&self, page: &Page) -> Result<Reading, Failure> {
        let balancer = pick(page, self)?;
        let workers = &balancer.workers;
        let mut members = Vec::with_capacity(workers.len());
        let names = member::Index::new(workers).names(&self.known);
        for ((worker, rotation), name) in workers.iter().zip(member::rotations(workers)).zip(names) {
            members.push(member::reading(worker, name, rotation));
        }
        let mut memory = self.memory();
        memory.urls = members.iter().zip(workers).map(|(member, worker)| (member.name.clone(), worker.url.clone())).collect();
        memory.sticky = balancer.sticky.is_some();
        let generation = memory.generation(balancer);
        drop(memory);
        let sticky = balancer.sticky.as_deref().map(|by| Printable::cut(&format!("stickysession {by}"), 120));
        Ok(Reading { members, generation, sticky, advice: advice(page, balancer) })
    }

    /// A Referer and nonce that httpd takes for changes of this balancer.
    async fn pass(&self, page: &Page, balancer: &page::Balancer, worker: &str) -> Result<Pass, Failure> {
        let at = self.desk.at();
        let Some(nonce) = &balancer.nonce else {
            return Err(Failure::new(format!("{at}: balancer://{} has no nonce, so httpd refuses changes", balancer.name))
                .next("take `nonce=None` out of its ProxySet"));
        };
        for referer in self.desk.referers(page) {
            let pass = Pass { referer, nonce: nonce.clone(), balancer: balancer.name.clone() };
            if self.desk.proven(&pass, worker).await? {
                return Ok(pass);
            }
        }
        Err(Failure::new(format!("{at} does not take changes for {worker}: it drops the request's parameters"))
            .next("use the name in the url that httpd knows itself by (ServerName, or UseCanonicalName Off); AH10187 in its error log is this"))
    }

    /// Sends them one after the other; the page is that of the last answer, unless nothing was sent.
    async fn send(&self, pass: &Pass, posts: &[Post]) -> Result<Option<Page>, Failure> {
        let mut last = None;
        for post in posts {
            last = Some(self.desk.change(pass, &post.worker, post.fields).await?);
        }
        last.map(|answer| self.desk.parse(&answer)).transpose()
    }
}

impl Memory {
    /// The nonce, which is new after each reload unless `BalancerPersist` keeps it and the state with it; and, for a
    /// nonce fixed by `ProxySet`, how often the sum of `Elected` fell by half or more. The nonce itself is not shown.
    fn generation(&mut self, balancer: &page::Balancer) -> String {
        let elected = balancer.workers.iter().filter_map(|worker| worker.elected).sum::<u64>();
        if elected < self.elected / 2 {
            self.resets += 1;
        }
        self.elected = elected;
        let nonce = crc32fast::hash(balancer.nonce.as_deref().unwrap_or("").as_bytes());
        match self.resets {
            0 => format!("nonce {nonce:08x}"),
            resets => format!("nonce {nonce:08x}, counters fell {resets} times"),
        }
    }
}

fn advice(page: &Page, balancer: &page::Balancer) -> Vec<Printable> {
    let mut advice = Vec::new();
    if page.persisted != Some(true) {
        advice.push("a reload or restart of httpd puts every member back to its config: set BalancerPersist On".into());
    }
    if balancer.nonce.is_none() {
        advice.push("httpd refuses changes: take `nonce=None` out of the balancer's ProxySet".into());
    }
    for worker in balancer.workers.iter().filter(|worker| worker.says("Err")) {
        let text =
            format!("httpd passes over {} for `retry` seconds (60 unless set): set retry=1 on its BalancerMember", worker.url);
        advice.push(Printable::cut(&text, 300));
    }
    advice
}

#[async_trait]
impl Balancer for Apache {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            switch: "one request moves all traffic to one incoming member, the others follow, one request each".to_owned(),
            in_flight: InFlight::Estimated,
            cut: false,
            traffic: true,
            errors: false,
        }
    }

    async fn read(&self) -> Result<Reading, Failure> {
        self.inner.reading(&self.inner.desk.page().await?)
    }

    /// Worker URLs and stickiness are those of the last reading; before one, `http://` is put before an address, and
    /// nothing is sticky.
    fn commands(&self, change: &Change) -> Vec<String> {
        let sticky = self.inner.memory().sticky;
        let steps = Steps::new(&self.inner.urls(change.into()), &self.inner.urls(change.out()), sticky);
        self.inner.shown(steps.all())
    }

    fn rest_commands(&self, members: &BTreeSet<MemberName>) -> Vec<String> {
        self.inner.shown(change::rest(&self.inner.urls(members)).iter())
    }

    async fn prepare(&self, change: &Change) -> Result<Box<dyn Armed>, Failure> {
        let inner = self.inner.clone();
        let page = inner.desk.page().await?;
        let balancer = pick(&page, &inner)?;
        let into = member::find_all(change.into(), balancer, inner.desk.at())?;
        let out = member::find_all(change.out(), balancer, inner.desk.at())?;
        let readied = change::ready(&into, &out, balancer);
        let pass = inner.pass(&page, balancer, readied.first()).await?;
        if let Some(page) = inner.send(&pass, readied.before()).await?
            && !readied.holds(pick(&page, &inner)?)
        {
            return Err(Failure::new(format!("{} did not take the preparation of the change", inner.desk.at()))
                .next("somebody else may be changing this balancer; look at its page, then try again"));
        }
        // Two connections that are open when the moment comes.
        let (one, two) = tokio::join!(inner.desk.proven(&pass, readied.first()), inner.desk.proven(&pass, readied.first()));
        if !(one? && two?) {
            return Err(Failure::new(format!("{} was reloaded while a change was prepared", inner.desk.at())).next("try again"));
        }
        Ok(Box::new(Ready { inner, pass, readied }))
    }

    async fn rest(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        let inner = &self.inner;
        let page = inner.desk.page().await?;
        let balancer = pick(&page, inner)?;
        let workers = member::find_all(members, balancer, inner.desk.at())?;
        let rotations = member::rotations(&balancer.workers);
        let serving = balancer
            .workers
            .iter()
            .zip(rotations)
            .find(|(row, rotation)| *rotation == Rotation::In && workers.iter().any(|worker| worker.url == row.url));
        if let Some((row, _)) = serving {
            return Err(Failure::new(format!("{}: {} is in rotation and cannot be rested", inner.desk.at(), row.url))
                .next("drain it first"));
        }
        let urls: Vec<String> = workers.iter().map(|worker| worker.url.clone()).collect();
        let Some(first) = urls.first() else {
            return Ok(Receipt {
                sent: Vec::new(),
                took: std::time::Duration::ZERO,
                reading: Some(inner.reading(&page)?),
                window: None,
            });
        };
        let pass = inner.pass(&page, balancer, first).await?;
        let posts = change::rest(&urls);
        let began = Instant::now();
        let after = inner.send(&pass, &posts).await?.unwrap_or(page);
        let took = began.elapsed();
        let sent = posts.iter().map(|post| post.shown(inner.desk.path(), &pass.balancer)).collect();
        Ok(Receipt { sent, took, reading: Some(inner.reading(&after)?), window: None })
    }

    async fn cut(&self, _members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        Err(Failure::new("Apache cannot cut requests that are in flight: no bit of mod_proxy_balancer ends one")
            .next("wait for them, or go on, which ends them when the server stops"))
    }

    /// httpd keeps its own state, with `BalancerPersist On`; [`Reading::advice`] says where it does not.
    async fn persist(&self) -> Result<Option<Receipt>, Failure> {
        Ok(None)
    }
}
