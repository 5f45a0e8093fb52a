//! Commands and ways behind a real sshd, through the system's own ssh.

mod far;

pub use far::Far;

use crate::support::until;
use far::NASTY;
use halfstep::hand::{Host, Invocation, Runner, Tunnel};
use halfstep::model::Address;
use halfstep::runner::Runners;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn processes() -> impl Iterator<Item = (i32, String)> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let process = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some((process, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
}

fn kill(process: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(process).unwrap(), rustix::process::Signal::KILL).ok();
}

fn lives(process: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn number_in(file: &Path) -> Option<i32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn status_output_and_environment_come_through_as_they_are() {
    let Some(far) = Far::start().await else { return };
    far.runners.open(&Host::Ssh(String::from("web1"))).await.unwrap();
    let exit = far.run("a", "echo out; echo err >&2; printf 'x\\000y\\nlast\\033[2J'; exit 3").await;
    assert_eq!((exit.status, exit.last_line.as_str()), (Some(3), "last␛[2J"), "{exit:?}");
    assert_eq!(far.log("a"), "out\nerr\nx\0y\nlast\x1b[2J");
    let exit = far.run("b", "cat; printf %s \"$HALFSTEP_SERVER\"").await;
    assert!(exit.is_success(), "{exit:?}");
    assert_eq!(far.log("b"), NASTY);
    assert!(!Path::new("/tmp/halfstep-nasty-ssh").exists());
    let exit = far.run("c", "true").await;
    assert!(exit.is_success() && exit.advice.is_none(), "{exit:?}");
    let exit = far.run("d", "no-such-program").await;
    assert!(exit.status == Some(127) && exit.advice.as_deref().unwrap().contains("on web1"), "{exit:?}");
    let exit = far.run("e", "kill -9 $$").await;
    assert_eq!(exit.status, Some(137), "{exit:?}");
    let exit = far.run("f", "read x </dev/tty").await;
    assert!(exit.advice.as_deref().unwrap().contains("wanted a terminal"), "{exit:?}");
}

#[tokio::test]
async fn a_limit_ends_the_group_on_the_far_side() {
    let Some(far) = Far::start().await else { return };
    let script =
        format!("trap '' TERM; sleep 300 & echo $! >{}; echo begun; while :; do sleep 1; done", far.path("child").display());
    let invocation = Invocation { timeout: Duration::from_millis(500), ..far.invocation("a", &script) };
    let exit = far.runners.run(&invocation).await;
    assert!(exit.timed_out && exit.last_line.as_str() == "begun", "{exit:?}");
    assert!(exit.took >= Duration::from_secs(5) && exit.took < Duration::from_secs(12), "{exit:?}");
    let child = number_in(&far.path("child")).unwrap();
    until("the child is gone", async || !lives(child)).await;
}

#[tokio::test]
async fn whoever_stops_waiting_ends_the_group_on_the_far_side() {
    let Some(far) = Far::start().await else { return };
    let file = far.path("child");
    let invocation = far.invocation("a", &format!("sleep 300 & echo $! >{}; wait", file.display()));
    let task = tokio::spawn({
        let runners = far.runners.clone();
        async move { runners.run(&invocation).await }
    });
    until("the command runs", async || number_in(&file).is_some()).await;
    let child = number_in(&file).unwrap();
    task.abort();
    until("the child is gone", async || !lives(child)).await;
}

#[tokio::test]
async fn a_link_that_is_lost_loses_neither_output_nor_end() {
    let Some(far) = Far::start().await else { return };
    let script = format!(
        "echo ran >>{0}; echo one; while [ ! -e {1} ]; do sleep 0.05; done; echo two; exit 5",
        far.path("runs").display(),
        far.path("go").display()
    );
    let invocation = far.invocation("a", &script);
    let task = tokio::spawn({
        let runners = far.runners.clone();
        async move { runners.run(&invocation).await }
    });
    until("the first line is here", async || far.path("a.log").exists() && far.log("a") == "one\n").await;
    far.cut_the_link();
    std::fs::write(far.path("go"), "").unwrap();
    let exit = task.await.unwrap();
    assert_eq!((exit.status, exit.timed_out), (Some(5), false), "{exit:?}");
    assert_eq!(far.log("a"), "one\ntwo\n");
    assert_eq!(std::fs::read_to_string(far.path("runs")).unwrap(), "ran\n");
}

#[tokio::test]
async fn sshd_itself_may_be_restarted_meanwhile() {
    let Some(mut far) = Far::start().await else { return };
    let invocation =
        far.invocation("a", &format!("echo one; while [ ! -e {} ]; do sleep 0.05; done; echo two", far.path("go").display()));
    let task = tokio::spawn({
        let runners = far.runners.clone();
        async move { runners.run(&invocation).await }
    });
    until("the first line is here", async || far.path("a.log").exists() && far.log("a") == "one\n").await;
    far.sshd = None;
    far.cut_the_link();
    std::fs::write(far.path("go"), "").unwrap();
    far.boot();
    let exit = task.await.unwrap();
    assert!(exit.is_success(), "{exit:?}");
    assert_eq!(far.log("a"), "one\ntwo\n");
}

#[tokio::test]
async fn after_a_crash_the_end_is_found_and_nothing_runs_twice() {
    let Some(far) = Far::start().await else { return };
    let script = format!("echo ran >>{0}; sleep 1; echo done; exit 7", far.path("runs").display());
    let invocation = far.invocation("a", &script);
    assert_eq!(far.runners.recover(&invocation).await, None, "it never began");
    // The engine dies: its runtime is gone at once, with all that it would still have done.
    let crash = std::thread::spawn({
        let (options, sockets, invocation) = (far.options.clone(), far.path("s"), invocation.clone());
        let runs = far.path("runs");
        move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.spawn(async move { Runners::new(sockets, options).run(&invocation).await });
            while !runs.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            runtime.shutdown_background();
        }
    });
    crash.join().unwrap();
    let again = Runners::new(far.path("s"), far.options.clone());
    let exit = again.recover(&invocation).await.unwrap();
    assert!(matches!(exit.status, Some(7 | 143)), "{exit:?}");
    assert_eq!(std::fs::read_to_string(far.path("runs")).unwrap(), "ran\n");
    assert_eq!(again.recover(&invocation).await.unwrap().status, exit.status, "the end is on the near disk now");
}

#[tokio::test]
async fn what_is_left_running_stays_and_a_flood_is_cut() {
    let Some(far) = Far::start().await else { return };
    let script = format!(
        "sleep 60 & echo $! >{0}; nohup setsid sleep 60 & echo $! >{1}; echo ok",
        far.path("child").display(),
        far.path("daemon").display()
    );
    let exit = far.run("a", &script).await;
    assert!(exit.is_success() && exit.took < Duration::from_secs(10), "{exit:?}");
    for file in ["child", "daemon"] {
        let process = number_in(&far.path(file)).unwrap();
        assert!(lives(process), "{file} must stay");
        kill(process);
    }
    let exit = far.run("b", "head -c 150000000 /dev/zero | tr '\\0' 'y'; echo; echo last").await;
    assert!(exit.is_success() && exit.last_line.as_str() == "last", "{exit:?}");
    let log = std::fs::metadata(far.path("b.log")).unwrap().len();
    assert!(log < 65 << 20, "{log}");
}

#[tokio::test]
async fn what_ssh_would_ask_is_told_with_the_line_to_run() {
    let Some(far) = Far::start().await else { return };
    let cases =
        [("stranger", "ssh-copy-id stranger"), ("unknown", "\"ssh unknown\" once"), ("nobody-there", "sshd running there")];
    for (destination, part) in cases {
        let host = Host::Ssh(destination.to_owned());
        let failure = far.runners.open(&host).await.unwrap_err().to_string();
        assert!(failure.contains(part) && failure.contains(destination), "{failure}");
        let exit = far.runners.run(&Invocation { host, ..far.invocation("a", "true") }).await;
        assert!(exit.status.is_none() && exit.advice.as_deref().unwrap().contains(part), "{exit:?}");
    }
    let long = Runners::new(far.path(&"x".repeat(90)), far.options.clone());
    let failure = long.open(&Host::Ssh(String::from("web1"))).await.unwrap_err().to_string();
    assert!(failure.contains("too long a path"), "{failure}");
}

#[tokio::test]
async fn ways_lead_to_ports_and_sockets_and_come_back_after_a_lost_link() {
    let Some(far) = Far::start().await else { return };
    let listener = tokio::net::TcpListener::bind(crate::support::ANY).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let unix = tokio::net::UnixListener::bind(far.path("far.sock")).unwrap();
    let tasks = [
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"tcp").await.ok();
            }
        }),
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = unix.accept().await {
                stream.write_all(b"unix").await.ok();
            }
        }),
    ];
    let said = async |path: PathBuf| {
        let mut text = String::new();
        tokio::net::UnixStream::connect(path).await.unwrap().read_to_string(&mut text).await.unwrap();
        text
    };
    let address = Address { host: String::from("127.0.0.1"), port };
    let first = far.runners.to_tcp("web1", &address).await.unwrap();
    assert_eq!(said(first.clone()).await, "tcp");
    assert_eq!(said(far.runners.to_unix("web1", &far.path("far.sock")).await.unwrap()).await, "unix");
    assert_eq!(far.runners.to_tcp("web1", &address).await.unwrap(), first);
    far.cut_the_link();
    let control = far.path("s");
    until("the connection is gone", async || {
        let mut open = false;
        for entry in
            std::fs::read_dir(&control).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("c-"))
        {
            open |= tokio::net::UnixStream::connect(entry.path()).await.is_ok();
        }
        !open
    })
    .await;
    assert_eq!(said(far.runners.to_tcp("web1", &address).await.unwrap()).await, "tcp");
    far.runners.close().await;
    for task in tasks {
        task.abort();
    }
}

/// Whoever watched it is gone as well, and `/tmp`: nobody can know how it ended, and it is not run again by itself.
#[tokio::test]
async fn a_host_that_reboots_forgets_what_ran_and_that_is_told() {
    let Some(mut far) = Far::apart().await else { return };
    let runs = far.path("runs").display().to_string();
    let invocation = far.invocation("a", &format!("echo ran >>{runs}; echo one; sleep 600"));
    let task = tokio::spawn({
        let (runners, invocation) = (far.runners.clone(), invocation.clone());
        async move { runners.run(&invocation).await }
    });
    until("the first line is here", async || far.path("a.log").exists() && far.log("a") == "one\n").await;
    far.halt();
    far.boot();
    let exit = task.await.unwrap();
    assert_eq!((exit.status, exit.timed_out), (None, false), "{exit:?}");
    assert!(exit.advice.as_deref().unwrap().contains("how it ended is not known"), "{exit:?}");
    assert_eq!(far.runners.recover(&invocation).await.unwrap().status, None);
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "ran\n");
    let exit = far.run("b", &format!("echo again >>{runs}")).await;
    assert!(exit.is_success(), "{exit:?}");
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "ran\nagain\n");
}
