//! The `command` kind: the sample program against a real HAProxy, and programs that do not keep the contract.

use crate::haproxy::served;
use crate::haproxy::world::{Extra, World, change, get, names, rotations};
use crate::support::{Daemon, free_port, is_installed, within};
use halfstep::balancer::command::{Program, Settings, Way};
use halfstep::hand::Balancer;
use halfstep::lab::traffic::{Traffic, TrafficSettings};
use halfstep::model::{Failure, InFlight};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

const MAPPED: &str = "
  use_backend %[str(active),map($DIR/active.map,all)]
backend half_a
  option httpchk GET /healthz
  default-server inter 200ms fall 2 rise 1
  server a $A check
  server b $B check
backend half_b
  option httpchk GET /healthz
  default-server inter 200ms fall 2 rise 1
  server c $C check
  server d $D check
backend all
  server a $A track half_a/a
  server b $B track half_a/b
  server c $C track half_b/c
  server d $D track half_b/d
backend app
";

/// Written by another process: a file that this one has open for writing could not be run by its other threads.
fn program(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("my-balancer");
    let mut writer = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh runs");
    writer.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    assert!(writer.wait().expect("ended").success());
    path
}

async fn open(program: PathBuf, timeout: Duration) -> Result<Program, Failure> {
    Program::open(Settings { program, timeout }, Way::Direct).await
}

/// The sample for this world, over its socket of level `level`.
async fn sample(world: &World, level: &str) -> Program {
    let text = format!(
        "#!/bin/sh\nMY_BALANCER_SOCKET={0}/{level}.sock MY_BALANCER_MAP={0}/active.map exec {1}/sample-configs/my-balancer \"$@\"\n",
        world.dir.path().display(),
        env!("CARGO_MANIFEST_DIR"),
    );
    open(program(world.dir.path(), &text), Duration::from_secs(20)).await.expect("the sample answers")
}

async fn mapped_world() -> Option<World> {
    if Command::new("python3").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("skipped: python3 is not installed");
        return None;
    }
    World::start_with(MAPPED, Extra::default(), &[("active.map", "active all\n")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_switches_a_map_under_load_and_survives_a_reload() {
    let Some(world) = mapped_world().await else { return };
    let balancer = sample(&world, "operator").await;
    let can = balancer.capabilities();
    assert_eq!((can.switch.as_str(), can.in_flight, can.cut), ("one word in a map", InFlight::Exact, false));
    let before = balancer.read().await.unwrap();
    assert_eq!(rotations(&before), "a:in b:in c:in d:in");
    assert!(before.members.iter().all(|member| member.healthy == Some(true)));

    let traffic = Traffic::start(TrafficSettings::new(world.front, 32, Duration::from_millis(3)));
    for (into, out) in [(["c", "d"], ["a", "b"]), (["a", "b"], ["c", "d"])] {
        let wish = change(&into, &out);
        let planned = balancer.commands(&wish);
        let receipt = balancer.prepare(&wish).await.unwrap().commit().await.unwrap();
        assert_eq!(receipt.sent[..2], planned);
        assert!(receipt.sent[2].starts_with("set map ") && receipt.sent.len() == 3, "{:?}", receipt.sent);
        let reading = receipt.reading.unwrap();
        let now: Vec<_> = reading.members.iter().filter(|m| m.rotation == halfstep::model::Rotation::In).collect();
        assert_eq!(now.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), into);
        assert_eq!(reading.generation, before.generation);
        served(&traffic, 200).await;
    }
    let tally = traffic.stop().await;
    assert_eq!(tally.counts.failed, 0, "{:?}", tally.counts.reasons);
    assert!(tally.counts.versions["v1"] > 0 && tally.counts.versions["v2"] > 0);

    let receipt = balancer.rest(&names(&["c"])).await.unwrap();
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:out d:out");
    let receipt = balancer.persist().await.unwrap().expect("it needs something");
    assert!(receipt.sent[1].starts_with("echo active half_a > "), "{:?}", receipt.sent);
    world.reload();
    let limit = Instant::now() + Duration::from_secs(15);
    let after = loop {
        match balancer.read().await {
            Ok(reading) if reading.generation != before.generation => break reading,
            Ok(_) | Err(_) => assert!(Instant::now() < limit, "never reloaded"),
        }
    };
    assert_eq!(rotations(&after), "a:in b:in c:out d:out");
    assert_ne!(get(world.front, "/", "").await.1, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_refuses_what_it_cannot_do_and_cuts_with_level_admin() {
    let Some(world) = mapped_world().await else { return };
    let balancer = sample(&world, "operator").await;
    let failure = balancer.prepare(&change(&["a"], &["b", "c", "d"])).await.err().expect("refused");
    assert!(failure.what.as_str().contains("no backend holds exactly a: half_a holds a b"), "{failure}");
    let failure = balancer.prepare(&change(&["a", "b"], &["x"])).await.err().expect("refused");
    assert!(failure.what.as_str().contains("no member x; it has a, b, c, d"), "{failure}");
    assert!(balancer.rest(&names(&["a"])).await.unwrap_err().what.as_str().contains("a takes requests: no rest"));
    assert!(balancer.cut(&names(&["a"])).await.unwrap_err().what.as_str().contains("cannot cut what is in flight"));

    let balancer = sample(&world, "admin").await;
    let front = world.front;
    let slow: Vec<_> = (0..4).map(|_| tokio::spawn(async move { get(front, "/slow?ms=20000", "").await })).collect();
    let c_and_d_busy = || async {
        let reading = balancer.read().await.unwrap();
        reading.members.iter().all(|member| member.in_flight == Some(1))
    };
    let limit = Instant::now() + Duration::from_secs(15);
    while !c_and_d_busy().await {
        assert!(Instant::now() < limit);
    }
    let receipt = balancer.prepare(&change(&["a", "b"], &["c", "d"])).await.unwrap().commit().await.unwrap();
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:draining d:draining");
    balancer.cut(&names(&["c", "d"])).await.unwrap();
    let limit = Instant::now() + Duration::from_secs(10);
    while rotations(&balancer.read().await.unwrap()) != "a:in b:in c:out d:out" {
        assert!(Instant::now() < limit);
    }
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

const ANSWERS: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$1" >> verbs
case $1 in
capabilities) echo '{"switch":"s","in_flight":"unknown","cut":true,"traffic":false,"errors":false}' ;;
state) echo '{"members":[{"name":"a","rotation":"in"},{"name":"$(touch pwned) \"b;","rotation":"out"}],"revision":"1"}' ;;
BEHAVIOUR
esac
"#;

async fn behaving(dir: &Path, behaviour: &str, timeout: Duration) -> Program {
    open(program(dir, &ANSWERS.replace("BEHAVIOUR", behaviour)), timeout).await.expect("capabilities are answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn names_reach_the_program_untouched_and_no_shell_sees_them() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = behaving(dir.path(), "prepare) ;;\nchange|cut) cat > given ;;", Duration::from_secs(10)).await;
    let odd = "$(touch pwned) \"b;";
    let receipt = balancer.prepare(&change(&["a"], &[odd])).await.unwrap().commit().await.unwrap();
    let given =
        || serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(dir.path().join("given")).unwrap()).unwrap();
    assert_eq!(given(), serde_json::json!({"into": ["a"], "out": [odd]}));
    assert_eq!(std::fs::read_to_string(dir.path().join("verbs")).unwrap(), "capabilities\nstate\nprepare\nchange\nstate\n");
    balancer.cut(&names(&[odd])).await.unwrap();
    assert_eq!(given(), serde_json::json!({"members": [odd]}));
    // The line that is shown does the same when it is copied into a shell.
    std::fs::remove_file(dir.path().join("given")).unwrap();
    assert!(Command::new("sh").args(["-c", &receipt.sent[1]]).current_dir(dir.path()).status().unwrap().success());
    assert_eq!(given(), serde_json::json!({"into": ["a"], "out": [odd]}));
    assert!(!dir.path().join("pwned").exists());
    assert_eq!(balancer.persist().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_fails_gives_its_last_line_as_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let behaviour = "prepare) yes noise | head -c 300000 >&2; echo 'the vault is \u{1b}[31mlocked' >&2; exit 3 ;;";
    let balancer = behaving(dir.path(), behaviour, Duration::from_secs(10)).await;
    let failure = balancer.prepare(&change(&["a"], &[])).await.err().expect("refused");
    assert!(failure.what.as_str().ends_with("failed (exit status: 3): the vault is ␛[31mlocked"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_and_no_json_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let balancer = behaving(dir.path(), "rest) yes ;;\nprepare) echo fine ;;", Duration::from_secs(20)).await;
    let begun = Instant::now();
    let failure = balancer.rest(&names(&["$(touch pwned) \"b;"])).await.unwrap_err();
    assert!(failure.what.as_str().contains("wrote more than 1 MB and was ended"), "{failure}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it did not wait for the limit");
    let failure = balancer.prepare(&change(&["a"], &[])).await.err().expect("refused");
    assert!(failure.to_string().contains("it begins `fine`; compare it with docs/command-balancer.md"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_is_ended_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let behaviour = "prepare|persist) sleep 600 & echo $! > child; wait ;;";
    let balancer = behaving(dir.path(), behaviour, Duration::from_millis(1500)).await;
    let failure = balancer.prepare(&change(&["a"], &[])).await.err().expect("refused");
    assert!(failure.what.as_str().contains("did not end within 1.5 s and was ended"), "{failure}");
    gone(dir.path()).await;

    // Given up from outside: the same.
    std::fs::remove_file(dir.path().join("child")).unwrap();
    let calling = tokio::spawn(async move { balancer.persist().await.map(|_| ()) });
    within(Duration::from_secs(10), "its child is told", async || {
        assert!(!calling.is_finished());
        std::fs::read_to_string(dir.path().join("child")).is_ok_and(|text| text.ends_with('\n'))
    })
    .await;
    calling.abort();
    gone(dir.path()).await;
}

/// Waits until the process whose id stands in `child` is no more.
async fn gone(dir: &Path) {
    let text = std::fs::read_to_string(dir.join("child")).expect("it was started");
    let pid = rustix::process::Pid::from_raw(text.trim().parse().expect("a pid")).expect("not 0");
    let is_alive = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        state.is_ok_and(|state| !state.contains(") Z "))
    };
    within(Duration::from_secs(10), "the child is gone", async || !is_alive()).await;
}

#[tokio::test]
async fn a_program_that_cannot_be_run_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = open(dir.path().join("none"), Duration::from_secs(5)).await.unwrap_err();
    assert!(missing.what.as_str().contains("there is no program"), "{missing}");
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "hello").unwrap();
    let refused = open(plain, Duration::from_secs(5)).await.unwrap_err();
    assert!(refused.to_string().contains("may not be run by this account; chmod +x"), "{refused}");
    let text = open(program(dir.path(), "no interpreter\n"), Duration::from_secs(5)).await.unwrap_err();
    assert!(text.what.as_str().contains("is not a program"), "{text}");
    let silent = open(program(dir.path(), "#!/bin/sh\n"), Duration::from_secs(5)).await.unwrap_err();
    assert!(silent.what.as_str().contains("answer to `capabilities` is not as agreed"), "{silent}");
}

/// An sshd of this account on loopback, and the words that lead to it. `None`, said aloud, where there is none.
fn sshd(dir: &Path) -> Option<(Daemon, Vec<String>)> {
    if !is_installed("/usr/sbin/sshd", "sshd") {
        return None;
    }
    // Where sshd runs as root it wants this directory, which the system's own start makes otherwise.
    std::fs::create_dir_all("/run/sshd").ok();
    for name in ["host", "user"] {
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(name)).status();
        assert!(made.expect("ssh-keygen runs").success());
    }
    let port = free_port().to_string();
    let at = dir.display();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nPidFile none\n\
         StrictModes no\nUsePAM no\nPermitRootLogin yes\n"
    );
    std::fs::write(dir.join("sshd_config"), config).expect("a config");
    let child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(dir.join("sshd_config"))
        .stderr(std::fs::File::create(dir.join("sshd.log")).expect("a log"))
        .process_group(0)
        .spawn()
        .expect("sshd starts");
    let key = dir.join("user").display().to_string();
    let mut words: Vec<&str> = vec!["ssh", "-F", "none", "-i", &key, "-p", &port];
    for option in ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"] {
        words.extend(["-o", option]);
    }
    words.push("127.0.0.1");
    Some((Daemon(child), words.into_iter().map(str::to_owned).collect()))
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_ssh_it_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_daemon, words)) = sshd(dir.path()) else { return };
    let there = dir.path().join("a host's own");
    std::fs::create_dir(&there).unwrap();
    let script = program(&there, &ANSWERS.replace("BEHAVIOUR", "prepare) ;;\nchange) cat > given ;;\npersist) exit 7 ;;"));
    let settings = Settings { program: script, timeout: Duration::from_secs(20) };
    let way = Way::Ssh { words };
    let mut opened = None;
    within(Duration::from_secs(15), "sshd answers", async || {
        match Program::open(settings.clone(), way.clone()).await {
            Ok(balancer) => opened = Some(balancer),
            Err(failure) => assert!(failure.to_string().contains("refused"), "{failure}"),
        }
        opened.is_some()
    })
    .await;
    let balancer = opened.expect("it was opened");
    let odd = "$(touch pwned) \"b;";
    let wish = change(&["a"], &[odd]);
    let receipt = balancer.prepare(&wish).await.unwrap().commit().await.unwrap();
    assert_eq!(receipt.sent, balancer.commands(&wish));
    let given = || std::fs::read_to_string(there.join("given")).unwrap();
    let wanted = serde_json::json!({"into": ["a"], "out": [odd]}).to_string();
    assert_eq!(given(), wanted);
    std::fs::remove_file(there.join("given")).unwrap();
    assert!(Command::new("sh").args(["-c", &receipt.sent[1]]).current_dir(dir.path()).status().unwrap().success());
    assert_eq!(given().trim_end(), wanted, "the line that is shown does the same");
    assert!(balancer.persist().await.unwrap_err().what.as_str().contains("exit status: 7"));
    let missing = Program::open(Settings { program: "/nonexistent/program".into(), ..settings }, way).await.unwrap_err();
    assert!(missing.what.as_str().contains("/nonexistent/program"), "{missing}");
}
