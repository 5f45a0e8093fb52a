//! The Apache hand against a real httpd: drain, switch, flip back, rejoin under traffic; Referer, nonce, password, TLS.

use crate::support::{ANY, Daemon, crypto, free_port, is_installed, until};
use halfstep::balancer::apache::{Apache, Settings};
use halfstep::hand::Balancer;
use halfstep::lab::app::{App, AppSettings};
use halfstep::lab::traffic::{Traffic, TrafficSettings};
use halfstep::model::{Change, Failure, MemberName, Reading, Rotation, Secret};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";

/// A running httpd with a config of its own.
pub struct Httpd {
    daemon: Daemon,
    port: u16,
    directory: tempfile::TempDir,
}

/// The parts of a config that tests differ in.
#[derive(Default)]
pub struct Conf {
    /// `BalancerMember` lines and `ProxySet` of `balancer://Shop`.
    pub shop: String,
    /// Of the main server.
    pub server: String,
    /// In `<Location /balancer-manager>`.
    pub manager: String,
    pub modules: Vec<&'static str>,
}

impl Httpd {
    /// `None`, said aloud, where httpd is not installed.
    pub async fn start(conf: Conf) -> Option<Httpd> {
        crypto();
        if !is_installed(PROGRAM, "apache2") {
            return None;
        }
        for _ in 0..5 {
            let directory = tempfile::tempdir().expect("a directory");
            std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).expect("rights");
            if let Some(httpd) = Httpd::at(free_port(), directory, &conf).await {
                return Some(httpd);
            }
        }
        panic!("httpd does not start");
    }

    async fn at(port: u16, directory: tempfile::TempDir, conf: &Conf) -> Option<Httpd> {
        let file = directory.path().join("httpd.conf");
        std::fs::write(&file, text(conf, port, directory.path())).expect("a config");
        let child = Command::new(PROGRAM).arg("-f").arg(&file).arg("-DFOREGROUND").process_group(0).spawn().expect("httpd");
        let mut daemon = Daemon(child);
        let limit = std::time::Instant::now() + Duration::from_secs(20);
        while resumed(directory.path()) == 0 || std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if matches!(daemon.0.try_wait(), Ok(Some(_))) || std::time::Instant::now() > limit {
                eprintln!("{}", std::fs::read_to_string(directory.path().join("error.log")).unwrap_or_default());
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(Httpd { daemon, port, directory })
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub fn settings(&self) -> Settings {
        Settings {
            url: format!("http://127.0.0.1:{}/balancer-manager", self.port),
            balancer: "shop".into(),
            user: None,
            password: None,
            ca: None,
        }
    }

    pub fn apache(&self) -> Apache {
        Apache::new(self.settings(), &[]).expect("settings")
    }

    /// `apachectl graceful`, and waits until the new generation answers.
    pub async fn graceful(&self) {
        let before = resumed(self.directory.path());
        let pid = rustix::process::Pid::from_child(&self.daemon.0);
        rustix::process::kill_process(pid, rustix::process::Signal::USR1).expect("a signal");
        until("httpd is reloaded", async || resumed(self.directory.path()) > before).await;
    }

    /// Another client's click on the page, by hand.
    async fn click(&self, worker: &MemberName, fields: &str) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = self.settings().url;
        let page = client.get(&url).send().await.expect("a page").text().await.expect("text");
        let nonce = page.split("nonce=").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
        let body = format!("b=shop&w={}&nonce={nonce}&{fields}", worker.as_str());
        let request = client.post(&url).header("Referer", "http://127.0.0.1/x").body(body);
        request.header("Content-Type", "application/x-www-form-urlencoded").send().await.expect("a reply");
    }
}

/// How often it began to serve, by its log.
fn resumed(directory: &Path) -> usize {
    let log = std::fs::read_to_string(directory.join("error.log")).unwrap_or_default();
    log.matches("resuming normal operations").count()
}

fn text(conf: &Conf, port: u16, directory: &Path) -> String {
    let at = directory.display();
    let modules =
        ["mpm_event", "authz_core", "authz_host", "proxy", "proxy_http", "proxy_balancer", "slotmem_shm", "lbmethod_byrequests"];
    let load = |name: &&str| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n");
    let modules: String = modules.iter().chain(&conf.modules).map(load).collect();
    let Conf { shop, server, manager, .. } = conf;
    format!(
        "ServerRoot {at}\nDefaultRuntimeDir {at}\nPidFile {at}/pid\nErrorLog {at}/error.log\nServerName localhost\n\
         User www-data\nGroup www-data\nListen 127.0.0.1:{port}\n{modules}\
         StartServers 2\nServerLimit 2\nThreadsPerChild 64\nThreadLimit 64\nMaxRequestWorkers 128\nMaxKeepAliveRequests 0\n\
         <Proxy balancer://Shop>\n{shop}\n</Proxy>\n<Location /balancer-manager>\nSetHandler balancer-manager\n{manager}\n</Location>\n\
         ProxyPass /balancer-manager !\n{server}\nProxyPass / balancer://Shop/\n"
    )
}

/// Apps of a pool and their names at the balancer.
pub struct Pool {
    apps: Vec<App>,
    pub members: Vec<MemberName>,
}

impl Pool {
    pub async fn start(versions: &[&str]) -> Pool {
        let mut pool = Pool { apps: Vec::new(), members: Vec::new() };
        for (number, version) in versions.iter().enumerate() {
            let app = start_app(number, version, ANY).await;
            pool.members.push(MemberName::new(&format!("http://{}", app.address())));
            pool.apps.push(app);
        }
        pool
    }

    pub fn conf(&self, more: &str) -> String {
        let line =
            |(number, member): (usize, &MemberName)| format!("BalancerMember {} route=r{number} retry=1\n", member.as_str());
        self.members.iter().enumerate().map(line).collect::<String>() + more
    }

    fn change(&self, into: &[usize], out: &[usize]) -> Change {
        let names = |numbers: &[usize]| numbers.iter().map(|n| self.members[*n].clone()).collect::<Vec<_>>();
        Change::new(names(into), names(out)).expect("a change")
    }

    fn some(&self, numbers: &[usize]) -> BTreeSet<MemberName> {
        numbers.iter().map(|n| self.members[*n].clone()).collect()
    }

    /// Stops and starts it with another version at the same address.
    async fn update(&mut self, number: usize, version: &str) {
        let address = self.apps[number].address();
        self.apps.remove(number).stop().await;
        self.apps.insert(number, start_app(number, version, address).await);
    }

    /// Waits until nothing more arrives there, as the balancer and the apps tell.
    async fn drained(&self, apache: &Apache, traffic: &Traffic, numbers: &[usize]) {
        let total = async || {
            let reading = apache.read().await.expect("a reading");
            numbers.iter().map(|n| reading.member(&self.members[*n]).and_then(|m| m.total)).collect::<Vec<_>>()
        };
        until("members are drained", async || {
            let before = total().await;
            // Several requests of each client, and none of them went there.
            let goal = traffic.counts().requests + 200;
            until("the clients go on", async || traffic.counts().requests >= goal).await;
            before == total().await && numbers.iter().all(|n| self.apps[*n].in_flight() == 0)
        })
        .await;
    }

    fn rotations(&self, reading: &Reading) -> Vec<Rotation> {
        self.members.iter().map(|name| reading.member(name).expect("a member").rotation).collect()
    }
}

async fn start_app(number: usize, version: &str, at: SocketAddr) -> App {
    let settings = AppSettings { name: format!("web{number}"), version: version.into(), ..AppSettings::default() };
    App::start(settings, at).await.expect("an app")
}

async fn make(apache: &Apache, change: &Change) -> Reading {
    let receipt = apache.prepare(change).await.expect("ready").commit().await.expect("a receipt");
    let again = apache.read().await.expect("a reading");
    let reading = receipt.reading.expect("a reading");
    let states = |reading: &Reading| reading.members.iter().map(|m| (m.rotation, m.word.clone())).collect::<Vec<_>>();
    assert_eq!(states(&reading), states(&again), "the receipt holds what the node says");
    reading
}

fn failure<T>(result: Result<T, Failure>) -> String {
    result.map(|_| ()).expect_err("a failure").to_string()
}

use Rotation::{Draining, In, Out};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_rollout_and_a_flip_back_under_traffic_lose_no_request() {
    let mut pool = Pool::start(&["1"; 4]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    let traffic = Traffic::start(TrafficSettings::new(httpd.address(), 32, Duration::from_millis(2)));
    let (drain, switch) = (pool.change(&[2, 3], &[0, 1]), pool.change(&[0, 1], &[2, 3]));

    let reading = make(&apache, &drain).await;
    assert_eq!(pool.rotations(&reading), [Draining, Draining, In, In]);
    pool.drained(&apache, &traffic, &[0, 1]).await;
    let receipt = apache.rest(&pool.some(&[0, 1])).await.expect("rested");
    assert_eq!(pool.rotations(&receipt.reading.expect("a reading")), [Out, Out, In, In]);
    pool.update(0, "2").await;
    pool.update(1, "2").await;

    // Preparing moves nothing.
    let arrived = || pool.apps[0].arrivals() + pool.apps[1].arrivals();
    let armed = apache.prepare(&switch).await.expect("ready");
    let before = traffic.counts().requests;
    until("traffic goes on", async || traffic.counts().requests > before + 200).await;
    assert_eq!(arrived(), 0, "a request came to the dark half before the commit");
    let receipt = armed.commit().await.expect("a receipt");
    assert_eq!(receipt.sent, apache.commands(&switch), "what was sent is what the plan shows");
    assert_eq!(pool.rotations(receipt.reading.as_ref().expect("a reading")), [In, In, Draining, Draining]);
    println!("switch: {:?} for {} requests", receipt.took, receipt.sent.len());

    // Twice does no harm; back and forth once more, at once.
    make(&apache, &switch).await;
    pool.drained(&apache, &traffic, &[2, 3]).await;
    assert_eq!(pool.rotations(&make(&apache, &drain).await), [Draining, Draining, In, In]);
    assert_eq!(pool.rotations(&make(&apache, &switch).await), [In, In, Draining, Draining]);

    pool.drained(&apache, &traffic, &[2, 3]).await;
    apache.rest(&pool.some(&[2, 3])).await.expect("rested");
    pool.update(2, "2").await;
    pool.update(3, "2").await;
    let reading = make(&apache, &pool.change(&[0, 1, 2, 3], &[])).await;
    assert_eq!(pool.rotations(&reading), [In; 4]);
    assert!(reading.members.iter().all(|m| m.healthy == Some(true) && m.raw["set"] == "0" && m.raw["status"] == "Init Ok"));
    until("the rejoined half serves", async || pool.apps[2].arrivals() > 20 && pool.apps[3].arrivals() > 20).await;
    let counts = traffic.stop().await.counts;
    assert_eq!(counts.failed, 0, "{:?}", counts.reasons);
    assert!(counts.requests > 500 && counts.versions["2"] > 0, "{:?}", counts.versions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_switch_mixes_versions_for_milliseconds_only() {
    let pool = Pool::start(&["2", "2", "1", "1"]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    make(&apache, &pool.change(&[2, 3], &[0, 1])).await;
    let traffic = Traffic::start(TrafficSettings::new(httpd.address(), 32, Duration::from_millis(2)));
    until("traffic flows", async || traffic.counts().requests > 300).await;
    make(&apache, &pool.change(&[0, 1], &[2, 3])).await;
    let before = traffic.counts().requests;
    until("traffic flows", async || traffic.counts().requests > before + 300).await;
    let tally = traffic.stop().await;
    assert_eq!(tally.counts.failed, 0, "{:?}", tally.counts.reasons);
    assert_eq!(tally.flip_flops("1", "2"), 0);
    let window = tally.arrival_window("1", "2").expect("both versions answered");
    println!("arrival window: {window:?}");
    assert!(window.as_millis() < 200, "{window:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_half_leaves_the_other_in_as_its_fallback() {
    let mut pool = Pool::start(&["1"; 4]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    let back = pool.change(&[2, 3], &[0, 1]);
    make(&apache, &back).await;
    let dead = [pool.apps.remove(0), pool.apps.remove(0)];
    for app in dead {
        app.abort().await;
    }
    let traffic = Traffic::start(TrafficSettings::new(httpd.address(), 8, Duration::from_millis(2)));
    until("traffic flows", async || traffic.counts().requests > 50).await;
    let reading = make(&apache, &pool.change(&[0, 1], &[2, 3])).await;
    assert_eq!(pool.rotations(&reading)[2..], [In, In], "{reading:?}");
    assert!(reading.members.iter().any(|m| m.healthy == Some(false)), "{reading:?}");
    assert!(reading.advice.iter().any(|a| a.as_str().contains("retry=1")), "{:?}", reading.advice);
    assert_eq!(pool.rotations(&make(&apache, &back).await), [Draining, Draining, In, In]);
    let counts = traffic.stop().await.counts;
    assert_eq!(counts.failed, 0, "{:?}", counts.reasons);
}

#[tokio::test]
async fn half_a_switch_goes_back_and_members_that_serve_cannot_be_rested() {
    let pool = Pool::start(&["1"; 4]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    assert!(failure(apache.rest(&pool.some(&[1])).await).contains("is in rotation and cannot be rested"));
    assert!(failure(apache.cut(&pool.some(&[1])).await).contains("cannot cut"));
    assert_eq!(apache.persist().await, Ok(None));

    make(&apache, &pool.change(&[2, 3], &[0, 1])).await;
    drop(apache.prepare(&pool.change(&[0, 1], &[2, 3])).await.expect("ready"));
    let reading = apache.read().await.expect("a reading");
    assert_eq!(pool.rotations(&reading), [Draining, Draining, In, In], "a change that is prepared and dropped moves nothing");
    httpd.click(&pool.members[0], "w_status_N=0").await;
    let reading = apache.read().await.expect("a reading");
    assert_eq!(pool.rotations(&reading), [In, Draining, Draining, Draining]);
    assert!(reading.members[2].word.as_str().contains("resting in set 1"), "{:?}", reading.members[2].word);
    let reading = make(&apache, &pool.change(&[2, 3], &[0, 1])).await;
    assert_eq!(pool.rotations(&reading), [Draining, Draining, In, In]);
    httpd.click(&pool.members[0], "w_status_S=1").await;
    assert_eq!(pool.rotations(&make(&apache, &pool.change(&[0, 1, 2, 3], &[])).await), [In; 4]);
}

#[tokio::test]
async fn an_httpd_that_dies_before_the_commit_is_a_failure_that_says_where() {
    let pool = Pool::start(&["1"; 2]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    make(&apache, &pool.change(&[1], &[0])).await;
    let armed = apache.prepare(&pool.change(&[0], &[1])).await.expect("ready");
    let url = httpd.settings().url;
    drop(httpd);
    let text = failure(armed.commit().await);
    assert!(text.contains(&url) && text.contains("does httpd run"), "{text}");
}

#[tokio::test]
async fn a_stranger_in_rotation_never_gets_all_the_traffic() {
    let pool = Pool::start(&["1"; 3]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    make(&apache, &pool.change(&[1], &[0])).await;
    let armed = apache.prepare(&pool.change(&[0], &[1])).await.expect("ready");
    assert_eq!(pool.rotations(&apache.read().await.expect("a reading")), [Draining, In, In]);
    armed.commit().await.expect("a receipt");
    assert_eq!(pool.rotations(&apache.read().await.expect("a reading")), [In, Draining, In]);
}

#[tokio::test]
async fn a_reload_shows_in_the_generation_and_a_change_begun_before_it_still_works() {
    let pool = Pool::start(&["1"; 2]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    let before = make(&apache, &pool.change(&[1], &[0])).await;
    assert!(before.advice.iter().any(|a| a.as_str().contains("BalancerPersist On")), "{:?}", before.advice);
    assert_eq!(apache.read().await.expect("a reading").generation, before.generation);
    let armed = apache.prepare(&pool.change(&[1], &[0])).await.expect("ready");
    httpd.graceful().await;
    until("the reload shows", async || apache.read().await.expect("a reading").generation != before.generation).await;
    let after = apache.read().await.expect("a reading");
    assert_eq!(pool.rotations(&after), [In, In], "httpd forgot what it was told");
    let receipt = armed.commit().await.expect("a receipt");
    assert_eq!(pool.rotations(&receipt.reading.expect("a reading")), [Draining, In], "{:?}", receipt.sent);
}

#[tokio::test]
async fn with_balancer_persist_a_reload_keeps_state_and_generation() {
    let pool = Pool::start(&["1"; 2]).await;
    let conf = Conf { shop: pool.conf(""), server: "BalancerPersist On".into(), ..Conf::default() };
    let Some(httpd) = Httpd::start(conf).await else { return };
    let apache = httpd.apache();
    let before = make(&apache, &pool.change(&[1], &[0])).await;
    assert_eq!(before.advice, []);
    httpd.graceful().await;
    let after = httpd.apache().read().await.expect("a reading");
    assert_eq!((pool.rotations(&after), &after.generation), (vec![Draining, In], &before.generation));
}

#[tokio::test]
async fn a_fixed_nonce_is_no_generation_but_falling_counters_are() {
    let pool = Pool::start(&["1"; 2]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf("ProxySet nonce=fixed"), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    let traffic = Traffic::start(TrafficSettings::new(httpd.address(), 2, Duration::from_millis(1)));
    until("traffic flows", async || traffic.counts().requests > 40).await;
    traffic.stop().await;
    let before = make(&apache, &pool.change(&[1], &[0])).await;
    httpd.graceful().await;
    until("the reload shows", async || apache.read().await.expect("a reading").generation != before.generation).await;
    let after = apache.read().await.expect("a reading");
    assert!(after.generation.contains("counters fell"), "{}", after.generation);
}

#[tokio::test]
async fn without_a_nonce_changes_are_refused_aloud() {
    let pool = Pool::start(&["1"; 2]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf("ProxySet nonce=None"), ..Conf::default() }).await else { return };
    let apache = httpd.apache();
    match apache.prepare(&pool.change(&[1], &[0])).await {
        Ok(armed) => {
            let receipt = armed.commit().await.expect("a receipt");
            assert_eq!(pool.rotations(&receipt.reading.expect("a reading")), [Draining, In]);
        }
        Err(failure) => assert!(failure.to_string().contains("nonce=None"), "{failure}"),
    }
}

#[tokio::test]
async fn a_cookie_does_not_hold_its_users_on_a_half_that_is_out() {
    let pool = Pool::start(&["2", "1"]).await;
    let conf = Conf { shop: pool.conf("ProxySet stickysession=ROUTE"), ..Conf::default() };
    let Some(httpd) = Httpd::start(conf).await else { return };
    let apache = httpd.apache();
    make(&apache, &pool.change(&[1], &[0])).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let version = async || {
        let request = client.get(format!("http://{}/", httpd.address())).header("Cookie", "ROUTE=x.r1");
        let reply = request.send().await.expect("a reply");
        reply.headers()["x-app-version"].to_str().expect("text").to_owned()
    };
    assert_eq!(version().await, "1");
    let switch = pool.change(&[0], &[1]);
    assert!(apache.commands(&switch).iter().any(|line| line.ends_with("w_status_D=1")), "{:?}", apache.commands(&switch));
    let reading = make(&apache, &switch).await;
    assert_eq!(pool.rotations(&reading), [In, Out]);
    assert_eq!(reading.sticky.expect("sticky").as_str(), "stickysession ROUTE");
    assert_eq!(version().await, "2");
    make(&apache, &pool.change(&[1], &[0])).await;
    assert_eq!(version().await, "1");
}

#[tokio::test]
async fn the_configs_address_stands_for_the_member_and_unknown_names_list_the_real_ones() {
    let pool = Pool::start(&["1"; 2]).await;
    let other = Pool::start(&["9"]).await;
    let server = format!(
        "<Proxy balancer://Other>\nBalancerMember {}\n</Proxy>\nProxyPass /other balancer://Other/",
        other.members[0].as_str()
    );
    let conf = Conf { shop: pool.conf(""), server, modules: vec!["proxy_hcheck"], ..Conf::default() };
    let Some(httpd) = Httpd::start(conf).await else { return };
    let short: Vec<MemberName> = pool.apps.iter().map(|app| MemberName::new(&app.address().to_string())).collect();
    let apache = Apache::new(Settings { balancer: "balancer://SHOP".into(), ..httpd.settings() }, &short).expect("settings");
    let change = Change::new([short[1].clone()], [short[0].clone()]).expect("a change");
    let planned = apache.commands(&change);
    let receipt = apache.prepare(&change).await.expect("ready").commit().await.expect("a receipt");
    assert_eq!(receipt.sent, planned);
    let reading = receipt.reading.expect("a reading");
    assert_eq!(reading.members.iter().map(|m| m.name.clone()).collect::<Vec<_>>(), short);
    assert_eq!(reading.member(&short[0]).expect("a member").rotation, Draining);
    assert!(!receipt.sent.iter().any(|line| line.contains("nonce")));

    let unknown = Change::new([short[0].clone()], [MemberName::new("10.9.9.9:80")]).expect("a change");
    let text = failure(apache.prepare(&unknown).await);
    assert!(text.contains("10.9.9.9:80") && pool.members.iter().all(|m| text.contains(m.as_str())), "{text}");
    let wrong = Apache::new(Settings { balancer: "shopp".into(), ..httpd.settings() }, &[]).expect("settings");
    let text = failure(wrong.read().await);
    assert!(text.contains("no balancer://shopp") && text.contains("shop, other"), "{text}");
}

#[tokio::test]
async fn a_canonical_name_other_than_the_urls_is_found_out() {
    let pool = Pool::start(&["1"; 2]).await;
    let server = "UseCanonicalName On\nServerName lb.example".to_owned();
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), server, ..Conf::default() }).await else { return };
    let reading = make(&httpd.apache(), &pool.change(&[1], &[0])).await;
    assert_eq!(pool.rotations(&reading), [Draining, In]);
}

#[tokio::test]
async fn password_and_refusals_are_sentences() {
    let pool = Pool::start(&["1"; 2]).await;
    let passwords = tempfile::NamedTempFile::new().expect("a file");
    // SHA-1 of `password`.
    std::fs::write(passwords.path(), "deploy:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n").expect("written");
    std::fs::set_permissions(passwords.path(), std::fs::Permissions::from_mode(0o644)).expect("rights");
    let manager = format!("AuthType Basic\nAuthName \"ops\"\nAuthUserFile {}\nRequire valid-user", passwords.path().display());
    let server = "<Location /closed>\nSetHandler balancer-manager\nRequire all denied\n</Location>\nProxyPass /closed !\n\
                  ProxyPass /nowhere !\nRedirect /old http://elsewhere.example/manager\nProxyPass /old !"
        .to_owned();
    let modules = vec!["auth_basic", "authn_core", "authn_file", "authz_user", "alias"];
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), server, manager, modules }).await else { return };
    let with = |user: &str, password: &str, path: &str| {
        let url = format!("http://127.0.0.1:{}{path}", httpd.port);
        let user = (!user.is_empty()).then(|| user.to_owned());
        let settings = Settings { url, user, password: Some(Secret::new(password)), ..httpd.settings() };
        Apache::new(settings, &[]).expect("settings")
    };
    let good = with("deploy", "password", "/balancer-manager");
    assert_eq!(pool.rotations(&make(&good, &pool.change(&[1], &[0])).await), [Draining, In]);
    let wrong = failure(with("deploy", "hunter2", "/balancer-manager").read().await);
    assert!(wrong.contains("401") && wrong.contains("is wrong") && !wrong.contains("hunter2"), "{wrong}");
    let none = failure(with("", "", "/balancer-manager").read().await);
    assert!(none.contains("set `user` and `password`") && none.contains("ops"), "{none}");
    let text = failure(with("", "", "/closed").read().await);
    assert!(text.contains("403") && text.contains("Require ip"), "{text}");
    let text = failure(with("", "", "/nowhere").read().await);
    assert!(text.contains("404") && text.contains("SetHandler balancer-manager"), "{text}");
    let text = failure(with("", "", "/old").read().await);
    assert!(text.contains("302") && text.contains("http://elsewhere.example/manager"), "{text}");
    let text = failure(with("", "", "/").read().await);
    assert!(text.contains("SetHandler balancer-manager"), "the application's page: {text}");
}

fn openssl(directory: &Path, arguments: &[&str]) {
    let run = Command::new("openssl").args(arguments).current_dir(directory).output().expect("openssl");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

fn certificates(directory: &Path) -> PathBuf {
    std::fs::write(directory.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("written");
    let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];
    openssl(directory, &[&new[..], &["ca.key", "-x509", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority"]].concat());
    openssl(directory, &[&new[..], &["lb.key", "-out", "lb.csr", "-subj", "/CN=localhost"]].concat());
    let sign = ["x509", "-req", "-in", "lb.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "lb.pem"];
    openssl(directory, &[&sign[..], &["-days", "2", "-extfile", "names"]].concat());
    directory.join("ca.pem")
}

#[tokio::test]
async fn tls_with_an_authority_of_ones_own() {
    if !is_installed("/usr/bin/openssl", "openssl") {
        return;
    }
    let pool = Pool::start(&["1"; 2]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let ca = certificates(directory.path());
    let at = directory.path().display();
    let server = format!("SSLEngine on\nSSLCertificateFile {at}/lb.pem\nSSLCertificateKeyFile {at}/lb.key");
    let conf = Conf { shop: pool.conf(""), server, modules: vec!["ssl"], ..Conf::default() };
    let Some(httpd) = Httpd::start(conf).await else { return };
    let url = format!("https://localhost:{}/balancer-manager", httpd.port);
    let settings = Settings { url, ca: Some(ca), ..httpd.settings() };
    let apache = Apache::new(settings.clone(), &[]).expect("settings");
    assert_eq!(pool.rotations(&make(&apache, &pool.change(&[1], &[0])).await), [Draining, In]);
    let text = failure(Apache::new(Settings { ca: None, ..settings.clone() }, &[]).expect("settings").read().await);
    assert!(text.contains("certificate") && text.contains("set `ca`"), "{text}");
    let text = failure(Apache::new(Settings { ca: Some(directory.path().join("lb.key")), ..settings }, &[]));
    assert!(text.contains("lb.key") && text.contains("certificate"), "{text}");
}

#[tokio::test]
async fn through_a_unix_socket_that_leads_to_the_node() {
    let pool = Pool::start(&["1"; 2]).await;
    let Some(httpd) = Httpd::start(Conf { shop: pool.conf(""), ..Conf::default() }).await else { return };
    let socket = httpd.directory.path().join("tunnel");
    let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
    let to = httpd.address();
    let tunnel = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = tokio::net::TcpStream::connect(to).await {
                    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
                }
            });
        }
    });
    let settings = Settings { url: "http://lb.internal.example/balancer-manager".into(), ..httpd.settings() };
    let apache = Apache::through(settings, &[], &socket).expect("settings");
    assert_eq!(pool.rotations(&make(&apache, &pool.change(&[1], &[0])).await), [Draining, In]);
    tunnel.abort();
}

/// A server that answers every connection with these bytes and closes it.
async fn answering(bytes: Vec<u8>) -> SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind(ANY).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                if stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {
                    stream.write_all(&bytes).await.ok();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn what_is_no_manager_is_told_apart() {
    crypto();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
    let html = |body: &str| format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let huge = format!("{head}\r\n{}", "x".repeat(9 << 20)).into_bytes();
    let cases = [
        (html("<html><h1>It works!</h1></html>"), "not Apache's balancer-manager"),
        (html("\x1b[2J\u{1}\u{202e}"), "not Apache's balancer-manager"),
        (html("<h1>Load Balancer Manager for x</h1><table><tr><td>"), "half a balancer-manager page"),
        (html("<h1>Load Balancer Manager for x</h1></body></html>"), "has no balancer://shop"),
        (format!("{head}Content-Length: 999\r\n\r\n<html>").into_bytes(), "broke off in the middle"),
        (huge, "more than 8 MB"),
        (b"+ERR what\r\n".to_vec(), "did not answer"),
        (Vec::new(), "did not answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".to_vec(), "application/json"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".to_vec(), "ProxyPass /balancer-manager !"),
    ];
    for (bytes, expected) in cases {
        let url = format!("http://{}/balancer-manager", answering(bytes).await);
        let settings = Settings { url, balancer: "shop".into(), user: None, password: None, ca: None };
        let text = failure(Apache::new(settings, &[]).expect("settings").read().await);
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
    let settings = |url: &str| Settings { url: url.into(), balancer: "shop".into(), user: None, password: None, ca: None };
    let nobody = Apache::new(settings(&format!("http://127.0.0.1:{}/balancer-manager", free_port())), &[]).expect("settings");
    let text = failure(nobody.read().await);
    assert!(text.contains("refused") && text.contains("does httpd run"), "{text}");
    for url in ["lb1/balancer-manager", "ftp://lb1/x", "http://u:geheim@lb1/x", "http://lb1/x?b=1"] {
        let text = failure(Apache::new(settings(url), &[]));
        assert!(!text.contains("geheim") && text.contains("url"), "{text}");
    }
}
