//! Commands on this machine, really run.

use crate::support::within;
use halfstep::hand::{Host, Invocation, Runner};
use halfstep::model::Exit;
use halfstep::runner::Runners;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn invocation(output: &Path, operation: &str, script: &str) -> Invocation {
    Invocation {
        operation: operation.to_owned(),
        host: Host::Local,
        script: script.to_owned(),
        environment: vec![("HALFSTEP_SERVER".to_owned(), NASTY.to_owned())],
        timeout: Duration::from_secs(20),
        output: output.to_path_buf(),
    }
}

/// What must reach a command as it is, and never a shell.
const NASTY: &str = "a 'b' \"c\" $(touch /tmp/halfstep-nasty) `id` ; rm -rf ./x & \\ \n line two * é 漢字 -n";

fn runners(scratch: &tempfile::TempDir) -> Runners {
    Runners::new(scratch.path().join("ssh"), Vec::new())
}

async fn run(script: &str) -> (Exit, String) {
    let scratch = tempfile::tempdir().unwrap();
    let exit = runners(&scratch).run(&invocation(scratch.path(), "op", script)).await;
    (exit, std::fs::read_to_string(scratch.path().join("op.log")).unwrap_or_default())
}

/// Waits until that holds, at most ten seconds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    within(Duration::from_secs(10), what, async || holds()).await;
}

fn number_in(file: PathBuf) -> Option<i32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn lives(process: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn status_output_and_last_line_are_what_the_command_gave() {
    let (exit, log) = run("echo out; echo err >&2; printf 'a\\033[2Jb\\n\\n'; exit 3").await;
    assert_eq!((exit.status, exit.timed_out, exit.last_line.as_str()), (Some(3), false, "a␛[2Jb"));
    assert_eq!(log, "out\nerr\na\x1b[2Jb\n\n");
    let (exit, log) = run("true").await;
    assert!(exit.is_success() && exit.advice.is_none() && log.is_empty(), "{exit:?}");
}

#[tokio::test]
async fn the_environment_arrives_as_it_is_and_standard_input_is_empty() {
    let (exit, log) = run("cat; printf %s \"$HALFSTEP_SERVER\"").await;
    assert!(exit.is_success(), "{exit:?}");
    assert_eq!(log, NASTY);
    assert!(!Path::new("/tmp/halfstep-nasty").exists());
}

#[tokio::test]
async fn a_limit_ends_the_whole_group_even_if_it_ignores_term() {
    let scratch = tempfile::tempdir().unwrap();
    let script = format!(
        "trap '' TERM; sleep 300 & echo $! >{0}/child; echo $$ >{0}/self; wait; wait; sleep 300",
        scratch.path().display()
    );
    let mut invocation = invocation(scratch.path(), "op", &script);
    invocation.timeout = Duration::from_millis(500);
    let exit = runners(&scratch).run(&invocation).await;
    assert!(exit.timed_out && !exit.is_success(), "{exit:?}");
    assert!(exit.took >= Duration::from_secs(5) && exit.took < Duration::from_secs(12), "{exit:?}");
    assert!(exit.advice.unwrap().contains("did not end within 0.5 s"));
    for file in ["child", "self"] {
        let process = number_in(scratch.path().join(file)).unwrap();
        until("the process is gone", || !lives(process)).await;
    }
}

#[tokio::test]
async fn a_limit_is_quick_for_a_command_that_obeys_term() {
    let scratch = tempfile::tempdir().unwrap();
    let mut invocation = invocation(scratch.path(), "op", "echo begun; sleep 300");
    invocation.timeout = Duration::from_millis(300);
    let exit = runners(&scratch).run(&invocation).await;
    assert!(exit.timed_out && exit.last_line.as_str() == "begun", "{exit:?}");
    assert!(exit.took < Duration::from_secs(4), "{exit:?}");
}

#[tokio::test]
async fn whoever_stops_waiting_ends_the_group() {
    let scratch = tempfile::tempdir().unwrap();
    let invocation = invocation(scratch.path(), "op", &format!("sleep 300 & echo $! >{}/child; wait", scratch.path().display()));
    let task = tokio::spawn({
        let runners = runners(&scratch);
        async move { runners.run(&invocation).await }
    });
    let file = scratch.path().join("child");
    until("the command runs", || number_in(file.clone()).is_some()).await;
    let child = number_in(file).unwrap();
    assert!(lives(child));
    task.abort();
    until("the child is gone", || !lives(child)).await;
}

#[tokio::test]
async fn what_is_left_running_stays_and_holds_nobody_up() {
    let scratch = tempfile::tempdir().unwrap();
    let script = format!(
        "setsid sh -c 'echo $$ >{0}/daemon; exec sleep 60' & sleep 60 & echo $! >{0}/child; i=0; while [ $i -lt 20 ]; do (sleep 0.1) & i=$((i+1)); done",
        scratch.path().display()
    );
    let exit = runners(&scratch).run(&invocation(scratch.path(), "op", &script)).await;
    assert!(exit.is_success() && exit.took < Duration::from_secs(5), "{exit:?}");
    until("the daemon has begun", || number_in(scratch.path().join("daemon")).is_some()).await;
    for file in ["child", "daemon"] {
        let process = number_in(scratch.path().join(file)).unwrap();
        assert!(lives(process), "what was started in the background must stay");
        rustix::process::kill_process(rustix::process::Pid::from_raw(process).unwrap(), rustix::process::Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn a_flood_is_cut_and_the_command_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let exit = runners(&scratch)
        .run(&invocation(scratch.path(), "op", "echo first; head -c 200000000 /dev/zero | tr '\\0' 'y'; echo; echo last"))
        .await;
    assert!(exit.is_success(), "{exit:?}");
    assert_eq!(exit.last_line.as_str(), "last");
    let log = std::fs::read(scratch.path().join("op.log")).unwrap();
    assert!(log.len() <= 64 << 20, "{}", log.len());
    assert!(log.starts_with(b"first\ny"));
    assert!(log.windows(27).any(|window| window == b"bytes of output were cut he"));
}

#[tokio::test]
async fn questions_and_missing_programs_get_their_sentence() {
    let (exit, _) = run("echo 'sudo: a terminal is required to read the password' >&2; exit 1; sudo systemctl stop shop").await;
    assert!(exit.advice.as_deref().unwrap().contains("NOPASSWD: /usr/bin/systemctl stop shop"), "{exit:?}");
    let (exit, _) = run("read answer </dev/tty && echo $answer").await;
    assert!(exit.status != Some(0) && exit.advice.as_deref().unwrap().contains("wanted a terminal"), "{exit:?}");
    let (exit, _) = run("no-such-program-at-all").await;
    assert!(exit.status == Some(127) && exit.advice.as_deref().unwrap().contains("full path"), "{exit:?}");
    let (exit, _) = run("/etc/passwd").await;
    assert!(exit.status == Some(126) && exit.advice.as_deref().unwrap().contains("chmod +x"), "{exit:?}");
    let (exit, _) = run("kill -SEGV $$").await;
    assert!(exit.status == Some(139) && exit.advice.as_deref().unwrap().contains("signal 11"), "{exit:?}");
    let (exit, _) = run("kill -KILL $$").await;
    assert!(exit.status == Some(137) && exit.advice.as_deref().unwrap().contains("SIGKILL"), "{exit:?}");
}

#[tokio::test]
async fn output_that_cannot_be_written_is_said_and_nothing_is_started() {
    let scratch = tempfile::tempdir().unwrap();
    let exit = runners(&scratch)
        .run(&invocation(&scratch.path().join("nowhere"), "op", &format!("touch {}/ran", scratch.path().display())))
        .await;
    assert!(exit.status.is_none() && exit.advice.as_deref().unwrap().contains("not started"), "{exit:?}");
    assert!(!scratch.path().join("ran").exists());
}

/// The engine dies: the runtime that waits for the command is gone without a word, and another one looks.
#[test]
fn a_command_outlives_the_engine_and_is_found_again() {
    if std::env::var_os("HALFSTEP_TEST_ENGINE").is_some() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let invocation =
        invocation(scratch.path(), "op", &format!("echo ran >>{}/runs; sleep 1; echo done; exit 7", scratch.path().display()));
    let mut engine = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runner::engine_of_the_test_above", "--nocapture"])
        .env("HALFSTEP_TEST_ENGINE", scratch.path())
        .env("HALFSTEP_TEST_SCRIPT", &invocation.script)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(10);
    while !scratch.path().join("runs").exists() {
        assert!(Instant::now() < limit, "the command never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    engine.kill().unwrap();
    engine.wait().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let exit = runtime.block_on(runners(&scratch).recover(&invocation)).unwrap();
    assert_eq!((exit.status, exit.last_line.as_str()), (Some(7), "done"));
    assert!(exit.took >= Duration::from_millis(800), "{exit:?}");
    assert_eq!(std::fs::read_to_string(scratch.path().join("runs")).unwrap(), "ran\n");
    let again = runtime.block_on(runners(&scratch).recover(&invocation)).unwrap();
    assert_eq!(again.status, Some(7));
}

/// Not a test of its own: the process that the test above kills.
#[tokio::test]
async fn engine_of_the_test_above() {
    let Some(directory) = std::env::var_os("HALFSTEP_TEST_ENGINE") else { return };
    let script = std::env::var("HALFSTEP_TEST_SCRIPT").unwrap();
    let directory = PathBuf::from(directory);
    Runners::new(directory.join("ssh"), Vec::new()).run(&invocation(&directory, "op", &script)).await;
}

#[tokio::test]
async fn what_never_began_is_told_apart_from_what_was_lost() {
    let scratch = tempfile::tempdir().unwrap();
    let runners = runners(&scratch);
    let invocation = invocation(scratch.path(), "op", "echo hello");
    assert_eq!(runners.recover(&invocation).await, None);
    assert_eq!(runners.recover(&invocation).await, None);
    assert!(runners.run(&invocation).await.is_success(), "recover() forbids only the run that it looked for");
    std::fs::remove_file(scratch.path().join("op.exit")).unwrap();
    let exit = runners.recover(&invocation).await.unwrap();
    assert_eq!(exit.status, None);
    assert!(exit.advice.unwrap().contains("not known"));
}
