//! The state directory: for whom it is, who holds a pool, and what a dead engine leaves.

use halfstep::engine::home::{Home, Lock, LockInfo, NotTaken, PoolHome};
use halfstep::journal::{Durability, Journal, read};
use serde_json::json;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const DIRECTORY: &str = "HALFSTEP_TEST_DIRECTORY";
const GROUP: &str = "HALFSTEP_TEST_GROUP";

fn info() -> LockInfo {
    LockInfo::new(Path::new("/etc/halfstep.toml"), Some("CVE-2026-1".into()))
}

fn has_end(journal: &Path) -> bool {
    let (lines, _) = read(journal).expect("a journal");
    lines.last().is_some_and(|line| line.value["event"] == "ended")
}

fn write(journal: &Path, event: &str) {
    let mut journal = match Journal::create(journal) {
        Ok(journal) => journal,
        Err(_) => Journal::open(journal).expect("a journal").0,
    };
    journal.append(&json!({ "event": event }), Durability::Now).expect("appended");
}

fn taken(pool: &PoolHome) -> (Option<LockInfo>, Option<String>, bool) {
    match pool.take(info(), &has_end) {
        Err(NotTaken::Taken { info, rollout, alive }) => (info.map(|info| *info), rollout, alive),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("the pool was free"),
    }
}

fn refused(dir: &Path, group: Option<&str>) -> String {
    Home::open(Some(dir), group).and_then(|home| home.make()).expect_err("refused").to_string()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o7777
}

/// The part of a test that runs in a process of its own: takes the pool `shop`, says so, and holds it until it is killed.
#[test]
fn in_a_process_of_its_own() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let group = std::env::var(GROUP).ok();
    let opened = Home::open(Some(Path::new(&directory)), group.as_deref()).and_then(|home| home.pool("shop"));
    let held = opened.map_err(NotTaken::Failed).and_then(|pool| pool.take(info(), &has_end));
    match held {
        Ok(mut lock) => {
            let rollout = lock.begin().expect("a rollout");
            write(&rollout.journal(), "began");
            println!("\nanswer: taken {}", rollout.id);
            std::io::stdin().lines().for_each(drop);
        }
        Err(NotTaken::Failed(failure)) => println!("\nanswer: {failure}"),
        Err(other) => println!("\nanswer: {other:?}"),
    }
}

/// Another process, ended when dropped.
struct Other(Child, String);

impl Other {
    fn start(mut command: Command) -> Other {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let answer = output.lines().map_while(Result::ok).find_map(|line| line.strip_prefix("answer: ").map(str::to_owned));
        Other(child, answer.unwrap_or_default())
    }

    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("waited for");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn this_program(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "home::in_a_process_of_its_own", "--nocapture"]).env(DIRECTORY, directory);
    command
}

/// As another account, from a copy of this program that it may read.
fn as_nobody(copy: &Path, directory: &Path, groups: &str, group: Option<&str>) -> Other {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "nobody", "--regid", "nogroup"]);
    if groups.is_empty() {
        command.arg("--clear-groups")
    } else {
        command.args(["--groups", groups])
    };
    command.arg(copy).args(["--exact", "home::in_a_process_of_its_own", "--nocapture"]).env(DIRECTORY, directory);
    if let Some(group) = group {
        command.env(GROUP, group);
    }
    Other::start(command)
}

fn open_to_all() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("set");
    let copy = dir.path().join("it");
    fs::copy(std::env::current_exe().expect("a program"), &copy).expect("copied");
    (dir, copy)
}

#[test]
fn one_takes_the_pool_and_the_other_hears_who_has_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = Home::open(Some(&dir.path().join("a/b")), None).expect("opened");
    let pool = home.pool("shop").expect("a pool");
    assert!(pool.holder().is_none() && pool.newest().is_none() && home.pools().expect("none").is_empty());

    let mut other = Other::start(this_program(&std::env::current_exe().expect("a program"), home.path()));
    let id = other.1.strip_prefix("taken ").expect("the other took it").to_owned();
    let (who, rollout, alive) = taken(&pool);
    let who = who.expect("a name");
    assert!(alive);
    assert_eq!((who.pid, rollout.as_deref()), (other.0.id(), Some(id.as_str())));
    assert_eq!((who.login.as_str(), who.why.expect("a reason").as_str()), ("root", "CVE-2026-1"));
    assert_eq!(who.socket, pool.path().join(&id).join("socket"));
    assert!(matches!(pool.take_again(info()), Err(NotTaken::Taken { alive: true, .. })));
    assert!(pool.holder().expect("a holder").alive);

    other.kill();
    let holder = pool.holder().expect("the dead one's name");
    assert!(!holder.alive);
    assert_eq!((holder.info.pid, holder.info.rollout.as_str()), (other.0.id(), id.as_str()));
    let (_, rollout, alive) = taken(&pool);
    assert_eq!((rollout.as_deref(), alive), (Some(id.as_str()), false), "an unfinished rollout keeps the pool");
    assert_eq!(pool.holder().expect("still his name").info.pid, other.0.id());

    let mut lock = pool.take_again(info()).expect("free to be resumed");
    let rollout = pool.newest().expect("his rollout");
    lock.go_on_with(&rollout).expect("gone on with");
    assert_eq!(pool.holder().map(|holder| (holder.info.pid, holder.alive)), Some((std::process::id(), true)));
    write(&rollout.journal(), "ended");
    lock.release().expect("given back");
    assert_eq!(pool.holder(), None);
    assert_eq!(home.pools().expect("one").iter().map(PoolHome::name).collect::<Vec<_>>(), ["shop"]);
}

#[test]
fn the_lock_is_the_systems_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let pool = Home::open(Some(dir.path()), None).and_then(|home| home.pool("shop")).expect("a pool");
    let lock: Lock = pool.take(info(), &has_end).expect("free");
    let flock = |file: &Path| Command::new("flock").arg("-n").arg(file).arg("true").status().expect("flock runs").success();
    assert!(!flock(&pool.path().join("lock")));
    drop(lock);
    assert!(flock(&pool.path().join("lock")));
}

#[test]
fn looking_at_a_pool_never_keeps_anybody_from_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let pool = Home::open(Some(dir.path()), None).and_then(|home| home.pool("shop")).expect("a pool");
    pool.take(info(), &has_end).expect("free");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(pool.holder().is_none_or(|holder| holder.info.pid == std::process::id()));
            }
        });
        for _ in 0..50 {
            pool.take(info(), &has_end).expect("free, whoever looks");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn rollouts_follow_each_other_by_name_and_one_that_wrote_nothing_is_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let pool = Home::open(Some(dir.path()), None).and_then(|home| home.pool("shop")).expect("a pool");
    let mut made = Vec::new();
    for _ in 0..3 {
        let mut lock = pool.take(info(), &has_end).expect("free");
        let rollout = lock.begin().expect("a rollout");
        assert!(rollout.output().is_dir());
        assert_eq!(pool.newest(), made.last().cloned(), "no line yet: nothing began");
        write(&rollout.journal(), "ended");
        lock.release().expect("given back");
        made.push(rollout);
    }
    assert!(made.windows(2).all(|two| two[0].id < two[1].id), "{made:?}");
    assert_eq!(pool.rollouts().expect("three"), made);
    assert_eq!(pool.rollout(&made[1].id).expect("it"), made[1]);
    assert!(pool.rollout("2").expect_err("three begin so").to_string().contains("3 rollouts of shop begin with `2`"));
    assert!(pool.rollout("x").expect_err("none").to_string().contains("no rollout `x`"));
}

#[test]
fn two_pools_keep_apart_over_one_balancer_target() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = Home::open(Some(dir.path()), None).expect("opened");
    let mine = home.target_lock("haproxy /run/a.sock shop", "shop", &has_end).expect("free");
    home.target_lock("haproxy /run/a.sock blog", "blog", &has_end).expect("another backend is another target");
    let other = |pool| home.target_lock("haproxy /run/a.sock shop", pool, &has_end);
    assert!(matches!(other("blog"), Err(NotTaken::TargetTaken(by)) if by.pool == "shop" && by.pid == std::process::id()));

    let shop = home.pool("shop").expect("a pool");
    let rollout = shop.take(info(), &has_end).expect("free").begin().expect("a rollout");
    write(&rollout.journal(), "began");
    drop(mine);
    assert!(matches!(other("blog"), Err(NotTaken::TargetTaken(_))), "a dead engine's rollout still has it");
    other("shop").expect("its own pool goes on");
    write(&rollout.journal(), "ended");
    other("blog").expect("free").release().expect("given back");
    other("third").expect("free after it was given back");
}

#[test]
fn a_path_too_long_for_a_socket_gets_a_short_one_that_goes_with_the_rollout() {
    let dir = tempfile::tempdir().expect("a directory");
    let pool = Home::open(Some(&dir.path().join("x".repeat(80))), None).and_then(|home| home.pool("shop")).expect("a pool");
    let mut lock = pool.take(info(), &has_end).expect("free");
    let rollout = lock.begin().expect("a rollout");
    let socket = lock.info().socket.clone();
    let short = socket.parent().expect("a directory").to_owned();
    assert!(socket.as_os_str().len() <= 107 && short.starts_with("/tmp") && !socket.starts_with(&rollout.path), "{socket:?}");
    assert_eq!(mode(&short), 0o700);
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
    assert_eq!(pool.holder().expect("a holder").info.socket, socket);
    drop(lock);
    assert!(short.exists(), "a dead engine leaves it");
    let mut lock = pool.take_again(info()).expect("free");
    lock.go_on_with(&rollout).expect("gone on with");
    assert!(!short.exists(), "the next one clears it away");
    let next = lock.info().socket.parent().expect("a directory").to_owned();
    lock.release().expect("given back");
    assert!(!next.exists());
}

#[test]
fn directories_are_ours_alone_or_the_groups() {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, group, directory, file) in [("own", None, 0o700, 0o600), ("shared", Some("daemon"), 0o2770, 0o660)] {
        let home = Home::open(Some(&dir.path().join(name)), group).expect("opened");
        let pool = home.pool("shop").expect("a pool");
        let rollout = pool.take(info(), &has_end).expect("free").begin().expect("a rollout");
        write(&rollout.journal(), "began");
        for path in [home.path(), pool.path(), &rollout.path, &rollout.output()] {
            assert_eq!(mode(path), directory, "{}", path.display());
        }
        for path in [&pool.path().join("lock"), &rollout.journal()] {
            assert_eq!(mode(path), file, "{}", path.display());
            assert_eq!(fs::metadata(path).expect("there").gid() != 0, group.is_some());
        }
    }
}

#[test]
fn what_cannot_be_trusted_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let make = |name: &str, mode: u32, owner: Option<u32>| {
        let path = dir.path().join(name);
        fs::create_dir(&path).expect("made");
        std::os::unix::fs::chown(&path, owner, None).expect("given");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        path
    };
    let open = make("open", 0o777, None);
    assert!(refused(&open, None).contains("may be written by everybody (mode 0777)"));
    assert_eq!(mode(&open), 0o777);
    let said = refused(&make("theirs", 0o700, Some(65534)), None);
    assert!(said.contains("belongs to nobody, not to you") && said.contains("[state] group"), "{said}");
    assert!(refused(&make("group", 0o770, None), None).contains("may be written by its group"));
    assert!(refused(&make("unshared", 0o700, None), Some("daemon")).contains("is not shared with the group `daemon`"));
    assert!(refused(dir.path(), Some("no-such-group")).contains("there is no group `no-such-group`"));
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    assert!(refused(&file, None).contains("is not a directory"));
    let link = dir.path().join("link");
    symlink(make("mine", 0o700, None), &link).expect("linked");
    Home::open(Some(&link), None).expect("a link of our own");
    std::os::unix::fs::lchown(&link, Some(65534), None).expect("given");
    assert!(refused(&link, None).contains("is a link made by somebody else"));

    let home = Home::open(Some(&make("home", 0o700, None)), None).expect("opened");
    for name in ["", ".", "..", "../x", "a/b", "targets", "Shop", "-x", ".x"] {
        assert!(home.pool(name).expect_err("refused").to_string().contains("cannot be a pool's name"));
    }
    symlink("/", home.path().join("shop")).expect("linked");
    std::os::unix::fs::lchown(home.path().join("shop"), Some(65534), None).expect("given");
    assert!(home.pool("shop").expect_err("refused").to_string().contains("is a link made by somebody else"));
}

#[test]
fn another_account_is_told_why_it_may_not() {
    let (dir, copy) = open_to_all();
    let roots = dir.path().join("roots");
    Home::open(Some(&roots), None).and_then(|home| home.make()).expect("made");
    let said = as_nobody(&copy, &roots, "", None).1.clone();
    assert!(said.contains("cannot be read by nobody: Permission denied") && said.contains("[state] group"), "{said}");
    let said = as_nobody(&copy, &dir.path().join("new"), "", None).1.clone();
    assert!(said.contains("cannot be made: Permission denied") && said.contains("--state DIR"), "{said}");
    fs::set_permissions(&roots, Permissions::from_mode(0o755)).expect("set");
    let said = as_nobody(&copy, &roots, "", None).1.clone();
    assert!(said.contains("cannot be written by nobody") && said.contains("--state DIR"), "{said}");
}

#[test]
fn a_member_of_the_group_takes_over_and_others_do_not() {
    let (dir, copy) = open_to_all();
    let shared = dir.path().join("shared");
    let home = Home::open(Some(&shared), Some("daemon")).expect("opened");
    let pool = home.pool("shop").expect("a pool");
    let lock = pool.take(info(), &has_end).expect("free");
    let said = as_nobody(&copy, &shared, "daemon", Some("daemon")).1.clone();
    assert!(said.contains("Taken") && said.contains("CVE-2026-1") && said.contains("alive: true"), "{said}");
    lock.release().expect("given back");
    let said = as_nobody(&copy, &shared, "", Some("daemon")).1.clone();
    assert!(said.contains("cannot be read by nobody") && said.contains("become a member of the group `daemon`"), "{said}");
    let other = as_nobody(&copy, &shared, "daemon", Some("daemon"));
    let id = other.1.strip_prefix("taken ").expect("a member may take it").to_owned();
    assert_eq!(pool.holder().expect("a holder").info.login.as_str(), "nobody");
    drop(other);
    let mut lock = pool.take_again(info()).expect("free to be resumed by another account");
    let rollout = pool.rollout(&id).expect("his rollout");
    lock.go_on_with(&rollout).expect("gone on with");
    write(&rollout.journal(), "ended");
}
