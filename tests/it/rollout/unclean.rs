//! What is not clean: servers out of rotation, strangers, servers that answer the wrong version, commands that hang, flood
//! or fork, requests that do not end, gates that fail, a half that dies, another account.

use super::builtin::{behind_builtin, rotation};
use super::pool::{CURRENT, Clients, NEXT, PROGRAM, Pool, Settings, rollout, until};
use super::story::reaches;
use halfstep::balancer::builtin;
use halfstep::hand::Balancer;
use halfstep::model::{Change, MemberName};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const RUN: [&str; 5] = ["run", "--to", NEXT, "--headless", "--yes"];

fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    RUN.into_iter().chain(more.iter().copied()).collect()
}

async fn pool(settings: Settings) -> (Pool, Clients) {
    let (pool, front) = behind_builtin(settings).await;
    (pool, Clients::of(&[front]))
}

fn member(pool: &Pool, number: usize) -> MemberName {
    MemberName::new(&format!("127.0.0.1:{}", pool.servers[number].1))
}

/// Somebody takes that server out, before any rollout.
async fn take_out(pool: &Pool, number: usize) {
    let others: std::collections::BTreeSet<_> =
        (0..pool.servers.len()).filter(|other| *other != number).map(|other| member(pool, other)).collect();
    let change = Change::new(others, std::collections::BTreeSet::from([member(pool, number)])).expect("a change");
    let balancer = builtin::Builtin::new(builtin::Settings { control: pool.path("front.sock"), listen: None });
    balancer.prepare(&change).await.expect("ready").commit().await.expect("done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_out_is_left_alone_when_told_so() {
    let (pool, clients) = pool(Settings::default()).await;
    take_out(&pool, 3).await;
    pool.halfstep(&RUN).await.ended(5).says("web4 is not in rotation").says("--leave web4").says("--take web4");
    let before = rotation(&pool).await;
    pool.halfstep(&run(&["--leave", "web4"])).await.ended(0);
    assert_eq!(pool.versions().await, [NEXT, NEXT, NEXT, CURRENT]);
    assert_eq!(rotation(&pool).await.matches(":in").count(), 3, "{before}\n{}", rotation(&pool).await);
    assert_eq!((pool.ran("stop web4"), pool.ran(&format!("update web4 {NEXT}"))), (0, 0));
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_out_is_taken_along_when_told_so() {
    let (pool, clients) = pool(Settings::default()).await;
    take_out(&pool, 3).await;
    pool.halfstep(&run(&["--take", "web4"])).await.ended(0);
    pool.answer(NEXT).await;
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_nobody_named_is_in_the_way_until_it_is_ignored() {
    let (pool, clients) = pool(Settings::default()).await;
    let config = pool.path("halfstep.toml");
    let text = std::fs::read_to_string(&config).expect("a config");
    let (known, _) = text.rsplit_once("[[server]]").expect("servers");
    std::fs::write(&config, known).expect("written");
    let stranger = member(&pool, 3);
    pool.halfstep(&RUN).await.ended(5).says("also lists").says(stranger.as_str()).says("ignore");
    let known = known.replace("name = \"shop\"", &format!("name = \"shop\"\nignore = [\"{stranger}\"]"));
    std::fs::write(&config, known).expect("written");
    pool.halfstep(&RUN).await.ended(0);
    assert_eq!(pool.versions().await, [NEXT, NEXT, NEXT, CURRENT]);
    clients.none_failed().await;
}

fn impatient() -> Settings {
    let health = "healthy_after = 2\ninterval = \"50ms\"\ntimeout = \"8s\"\nwithin = \"3s\"".into();
    Settings { health, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_another_version_never_serves() {
    let (pool, clients) = pool(impatient()).await;
    std::fs::write(pool.path("web2.fault"), "wrong-version=1.41.9").expect("written");
    pool.halfstep(&RUN).await.ended(1).says("web2 answers 1.41.9 and not 1.42.0");
    assert_eq!(rotation(&pool).await.matches(":in").count(), 2, "one half serves");
    std::fs::remove_file(pool.path("web2.fault")).expect("it was there");
    pool.halfstep(&["retry", "web2"]).await.ended(0);
    pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
    pool.answer(NEXT).await;
    assert_eq!(pool.ran(&format!("update web1 {NEXT}")), 1);
    let tally = clients.none_failed().await.remove(0);
    assert!(!tally.versions.contains(&"1.41.9".to_owned()), "{:?}", tally.versions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_failed_half_the_way_back_restores_what_was_touched() {
    let (pool, clients) = pool(impatient()).await;
    std::fs::write(pool.path("web2.fault"), "wrong-version=1.41.9").expect("written");
    pool.halfstep(&RUN).await.ended(1);
    pool.halfstep(&["rollback"]).await.ended(0);
    pool.answer(CURRENT).await;
    assert_eq!(rotation(&pool).await.matches(":in").count(), 4);
    assert_eq!(pool.ran("stop web3") + pool.ran("stop web4"), 0, "half B was never touched");
    clients.none_failed().await;
}

/// Is a process with this word in its command line alive?
fn lives(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("there is /proc").flatten();
    processes
        .filter_map(|one| std::fs::read(one.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(word))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_hangs_and_ignores_term_is_ended_and_told_of() {
    let settings = Settings { commands: "timeout = \"30s\"\nupdate_timeout = \"1s\"".into(), ..Settings::default() };
    let (pool, clients) = pool(settings).await;
    let mark = format!("7{}", pool.servers[0].1);
    pool.hook("update", "web1", Some(&format!("trap '' TERM; echo waits for a lock; sleep {mark}")));
    pool.halfstep(&RUN).await.ended(1).says("web1").says("waits for a lock");
    until("it is gone", async || !lives(&mark)).await;
    pool.hook("update", "web1", None);
    pool.halfstep(&["rollback"]).await.ended(0);
    pool.answer(CURRENT).await;
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_may_flood_and_leave_a_daemon_behind() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.hook("update", "web1", Some("head -c 20000000 /dev/zero | tr '\\0' x; printf '\\033[2J\\033]0;gone\\007\\n'"));
    let mark = format!("8{}", pool.servers[0].1);
    pool.hook("update", "web3", Some(&format!("setsid sleep {mark} & echo $! >left")));
    let done = pool.halfstep(&RUN).await.ended(0);
    assert!(!done.out.contains('\u{1b}'), "a command's output moved the cursor");
    assert!(lives(&mark), "what a command leaves in its own session stays");
    let left: i32 = std::fs::read_to_string(pool.path("left")).expect("a process id").trim().parse().expect("a process id");
    rustix::process::kill_process(rustix::process::Pid::from_raw(left).expect("a process id"), rustix::process::Signal::KILL)
        .ok();
    pool.answer(NEXT).await;
    clients.none_failed().await;
}

/// Requests that take so long, one for each server.
fn stragglers(front: SocketAddr, time: Duration) -> Vec<TcpStream> {
    let ask = |_| {
        let mut stream = TcpStream::connect(front).expect("it listens");
        write!(stream, "GET /slow?ms={} HTTP/1.1\r\nhost: x\r\n\r\n", time.as_millis()).expect("sent");
        stream
    };
    (0..4).map(ask).collect()
}

/// A rollout that is held because its first half does not drain.
async fn overdue(slow: Duration) -> (Pool, Clients, Vec<TcpStream>) {
    let settings = Settings {
        rollout: rollout("200ms").replace("drain_timeout = \"30s\"", "drain_timeout = \"1s\""),
        ..Settings::default()
    };
    let (pool, front) = behind_builtin(settings).await;
    let slow = stragglers(front, slow);
    let clients = Clients::of(&[front]);
    pool.halfstep(&RUN).await.ended(1).says("requests in flight");
    assert_eq!(pool.ran("stop web1") + pool.ran("stop web2"), 0, "it was stopped with a request in flight");
    (pool, clients, slow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_drain_may_be_gone_on_with() {
    let (pool, clients, _slow) = overdue(Duration::from_secs(4)).await;
    for server in ["web1", "web2"] {
        let run = pool.halfstep(&["cut", server, "--how", "go-on"]).await;
        assert!(run.status == Some(0) || run.err.contains("not being drained"), "{run:?}");
    }
    until("it goes on", async || pool.ran(&format!("update web2 {NEXT}")) == 1).await;
    pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
    pool.answer(NEXT).await;
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_drain_may_be_waited_for() {
    let (pool, clients, _slow) = overdue(Duration::from_secs(4)).await;
    for server in ["web1", "web2"] {
        let run = pool.halfstep(&["cut", server, "--how", "wait"]).await;
        assert!(matches!(run.status, Some(0)) || run.err.contains("not being drained"), "{run:?}");
    }
    until("it goes on", async || {
        let run = pool.halfstep(&["resume", "--headless", "--yes"]).await;
        if run.status != Some(0) {
            for server in ["web1", "web2"] {
                pool.halfstep(&["cut", server, "--how", "wait"]).await;
            }
        }
        run.status == Some(0)
    })
    .await;
    pool.answer(NEXT).await;
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_drain_may_be_put_back() {
    let (pool, clients, slow) = overdue(Duration::from_secs(60)).await;
    let run = pool.halfstep(&["cut", "web1", "--how", "put-back"]).await;
    if run.status != Some(0) {
        pool.halfstep(&["cut", "web2", "--how", "put-back"]).await.ended(0);
    }
    pool.halfstep(&["resume"]).await;
    until("it is over", async || pool.engine().is_none()).await;
    pool.halfstep(&["resume"]).await.ended(3);
    assert_eq!(rotation(&pool).await.matches(":in").count(), 4);
    assert_eq!(pool.ran("stop web1") + pool.ran("stop web2"), 0);
    clients.none_failed().await;
    drop(slow);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_drain_may_be_cut() {
    let (pool, clients, slow) = overdue(Duration::from_secs(60)).await;
    for server in ["web1", "web2"] {
        let run = pool.halfstep(&["cut", server, "--how", "kill"]).await;
        assert!(run.status == Some(0) || run.err.contains("not being drained"), "{run:?}");
    }
    // Those of half B hang up before its turn comes.
    drop(slow);
    until("it goes on", async || pool.ran(&format!("update web2 {NEXT}")) == 1).await;
    pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
    pool.answer(NEXT).await;
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_that_cannot_carry_the_load_is_not_left_alone_with_it() {
    let (pool, clients) = pool(Settings { gates: "capacity = 1".into(), ..Settings::default() }).await;
    let run = pool.halfstep(&RUN).await;
    assert!(matches!(run.status, Some(1 | 4)), "{run:?}");
    run.says("of 2 req/s");
    assert_eq!(rotation(&pool).await.matches(":in").count(), 4);
    pool.halfstep(&["rollback"]).await.ended(0);
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_next_in_the_bake_roll_back_by_themselves() {
    let gates = "error_rate = \"5%\"\nmin_requests = 20\nauto_rollback = \"500ms\"".into();
    let (pool, clients) = pool(Settings { rollout: rollout("60s"), gates, ..Settings::default() }).await;
    for server in ["web1", "web2"] {
        std::fs::write(pool.path(&format!("{server}.fault")), "errors=0.5").expect("written");
    }
    let run = pool.halfstep(&RUN).await;
    println!("{run:?}");
    let back = pool.halfstep(&["rollback"]).await;
    assert!(run.status == Some(3) || back.status == Some(0), "{run:?} {back:?}");
    assert!(run.out.contains("error"), "{run:?}");
    pool.answer(CURRENT).await;
    assert_eq!(rotation(&pool).await.matches(":in").count(), 4);
    drop(clients);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_serving_half_dies_the_dark_one_comes_in_by_itself() {
    let (pool, clients) = pool(Settings { rollout: rollout("60s"), ..Settings::default() }).await;
    let running = pool.spawn(&RUN);
    reaches(&pool, "bake").await;
    pool.kill("web1");
    pool.kill("web2");
    let b = [member(&pool, 2), member(&pool, 3)];
    until("half B is in", async || {
        let now = rotation(&pool).await;
        b.iter().all(|one| now.contains(&format!("{one}:in")))
    })
    .await;
    let run = pool.wait(running, &RUN).await;
    assert!(matches!(run.status, Some(1 | 3 | 4)), "{run:?}");
    pool.order(&["start", "web1", &pool.servers[0].1.to_string()]);
    pool.order(&["start", "web2", &pool.servers[1].1.to_string()]);
    let back = pool.halfstep(&["rollback"]).await;
    let over = pool.halfstep(&["resume"]).await;
    assert_eq!(over.status, Some(3), "{run:?} {back:?} {over:?}");
    pool.answer(CURRENT).await;
    assert_eq!(rotation(&pool).await.matches(":in").count(), 4);
    drop(clients);
}

/// This program as another account.
fn as_nobody(pool: &Pool, groups: &str, words: &[&str]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", groups, PROGRAM]).args(words).arg("-c").arg(pool.path("halfstep.toml"));
    let output = command.env("HOME", "/nonexistent").output().expect("setpriv runs");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

/// Lets every account reach the config, but not what is private.
fn open_up(pool: &Pool) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(pool.path(""), std::fs::Permissions::from_mode(0o755)).expect("rights");
    std::fs::set_permissions(pool.path("halfstep.toml"), std::fs::Permissions::from_mode(0o644)).expect("rights");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_is_refused_with_a_sentence() {
    let (pool, clients) = pool(Settings::default()).await;
    open_up(&pool);
    pool.halfstep(&run(&["--hold-at", "switch"])).await.ended(4);
    for words in [&["status"][..], &["go"], &["rollback"], &["run", "--to", NEXT, "--headless"]] {
        let (status, text) = as_nobody(&pool, "--clear-groups", words);
        assert!(matches!(status, Some(1 | 2 | 5)), "{words:?}: {status:?} {text}");
        assert!(text.contains("state") && text.to_lowercase().contains("permission denied"), "{words:?}: {text}");
    }
    pool.halfstep(&["rollback"]).await.ended(0);
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_the_group_sees_and_leads_the_rollout() {
    let (pool, clients) = pool(Settings::default()).await;
    open_up(&pool);
    let config = pool.path("halfstep.toml");
    let text = std::fs::read_to_string(&config).expect("a config").replace("[state]\n", "[state]\ngroup = \"nogroup\"\n");
    std::fs::write(&config, text).expect("written");
    pool.halfstep(&run(&["--hold-at", "switch"])).await.ended(4);
    let (status, text) = as_nobody(&pool, "--clear-groups", &["status"]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = as_nobody(&pool, "--clear-groups", &["rollback"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(pool.journal().iter().any(|line| line.contains("\"who\":\"nobody\"")), "who asked is recorded");
    pool.answer(CURRENT).await;
    clients.none_failed().await;
}
