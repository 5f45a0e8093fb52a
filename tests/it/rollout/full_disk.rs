//! A disk that is full while something runs: nothing is lost, nothing new begins, and what the ballast is kept for (a hold
//! and a way back) can still be written.

use super::builtin::{behind_builtin, rotation};
use super::pool::{CURRENT, Clients, NEXT, Pool, Settings, until};
use halfstep::engine::client::Client;
use halfstep::engine::wire::Hello;
use halfstep::model::Printable;
use halfstep::rollout::Command;
use std::io::Write;
use std::path::{Path, PathBuf};

const RUN: [&str; 5] = ["run", "--to", NEXT, "--headless", "--yes"];

/// A small file system of its own under the state directory; unmounted with it. `None`, said aloud, where that is not allowed.
struct Small(PathBuf);

impl Small {
    fn mount(path: &Path) -> Option<Small> {
        std::fs::create_dir_all(path).expect("a directory");
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m,mode=700", "none"]).arg(path).output();
        if !mount.is_ok_and(|output| output.status.success()) {
            println!("skipped: no file system can be mounted here");
            return None;
        }
        Some(Small(path.to_owned()))
    }

    /// Not a byte is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("fill")).expect("a file");
        for size in [4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("fill")).expect("it was there");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

async fn pool() -> Option<(Pool, Clients, Small)> {
    let (pool, front) = behind_builtin(Settings::default()).await;
    let small = Small::mount(&pool.path("state"))?;
    Some((pool, Clients::of(&[front]), small))
}

async fn client(pool: &Pool) -> Client {
    let lock = std::fs::read_to_string(pool.path("state/shop/lock")).expect("a lock");
    let lock: serde_json::Value = serde_json::from_str(lock.trim()).expect("JSON");
    let socket = lock["socket"].as_str().expect("a path");
    Client::connect(socket.as_ref(), &Hello::new(false, false)).await.expect("the engine answers")
}

fn has_ballast(pool: &Pool) -> bool {
    pool.rollout().expect("a rollout").join("ballast").exists()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_begins_until_there_is_room() {
    let Some((pool, clients, small)) = pool().await else { return };
    pool.halfstep(&[&RUN[..], &["--hold-at", "bake"]].concat()).await.ended(4);
    small.fill();
    println!("{:?}", pool.halfstep(&["go"]).await);
    let serving = rotation(&pool).await.matches(":in").count();
    assert!(serving >= 2, "{}", rotation(&pool).await);
    small.make_room();
    until("it goes on", async || pool.halfstep(&["resume", "--headless", "--yes"]).await.status == Some(0)).await;
    pool.answer(NEXT).await;
    clients.none_failed().await;
    pool.crash();
}

/// Full while a server is updated: its end, a hold and the order to go back are written into the room that the ballast
/// gave up; the way back ends when there is room for what its commands say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_update_a_hold_and_a_way_back_can_still_be_written() {
    let Some((pool, clients, small)) = pool().await else { return };
    for server in ["web1", "web2"] {
        pool.hook("update", server, Some("touch updating-$2; while [ ! -e go ]; do sleep 0.02; done"));
    }
    let running = pool.spawn(&RUN);
    until("the updates run", async || ["web1", "web2"].iter().all(|server| pool.path(&format!("updating-{server}")).exists()))
        .await;
    assert!(has_ballast(&pool));
    let before = pool.journal().len();
    small.fill();
    // What is left of the journal's last page is written full first.
    let mut client = client(&pool).await;
    for _ in 0..30 {
        client.ask(None, Command::Note(Printable::new(&"room ".repeat(100)))).await.expect("written");
    }
    assert!(!has_ballast(&pool), "it was not needed: the disk was not full");
    pool.halfstep(&["hold"]).await.ended(0);
    std::fs::write(pool.path("go"), "").expect("written");
    pool.wait(running, &RUN).await.ended(4);
    let updated = |line: &String| line.contains("answered") && line.contains("exited");
    until("its end is written", async || pool.journal()[before..].iter().any(updated)).await;
    assert_eq!(rotation(&pool).await.matches(":in").count(), 2, "half B serves");
    ["web1", "web2"].iter().for_each(|server| pool.hook("update", server, None));
    let back = pool.halfstep(&["rollback"]).await;
    println!("{back:?}");
    assert!(pool.journal().iter().any(|line| line.contains("roll-back")), "the order is written: {back:?}");
    small.make_room();
    until("it is back", async || {
        for server in ["web1", "web2"] {
            pool.halfstep(&["retry", server]).await;
        }
        pool.halfstep(&["resume", "--headless", "--yes"]).await.status == Some(3)
    })
    .await;
    pool.answer(CURRENT).await;
    assert_eq!(rotation(&pool).await.matches(":in").count(), 4);
    assert_eq!(pool.ran(&format!("update web1 {NEXT}")), 1);
    clients.none_failed().await;
}
