//! `halfstep init` over real balancers: what it proposes, asks and refuses, and that a rollout runs over what it wrote.

use crate::apache::{Conf, Httpd};
use crate::rollout::builtin::behind_builtin;
use crate::rollout::pool::{CURRENT, Clients, NEXT, Pool, Run, Settings, daemon, port, until};
use crate::support::is_installed;
use crate::talk::Talk;
use crate::terminal::{Answers, Terminal, plain};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

const PROGRAM: &str = "/usr/sbin/haproxy";

/// A pool of servers behind one HAProxy with four backends, of which `shop` and `ws` have the pool's servers; `None`, said aloud, where HAProxy is
/// not installed.
struct Fronted {
    pool: Pool,
    front: SocketAddr,
    /// Its TCP socket, of level operator.
    control: String,
}

impl Fronted {
    /// `lines`: of the backend `shop`, besides its servers. `ends`: what stands behind each of its server lines.
    async fn start(lines: &str, ends: [&str; 4]) -> Option<Fronted> {
        if !is_installed(PROGRAM, "haproxy") {
            return None;
        }
        let pool = Pool::start(4);
        let (front, control) = (SocketAddr::from((Ipv4Addr::LOCALHOST, port())), format!("127.0.0.1:{}", port()));
        let socket = pool.path("admin.sock");
        let mut text = format!(
            "global\n  stats socket ipv4@{control} level operator\n  stats socket \"{}\" level admin\n  nbthread 2\n\
             defaults\n  mode http\n  timeout connect 2s\n  timeout client 20s\n  timeout server 20s\n  timeout check 5s\n  retries 2\n\
             frontend front\n  bind {front}\n  default_backend shop\n\
             backend single\n  server only 127.0.0.1:1\n\
             backend shop\n  option httpchk GET /healthz\n  default-server inter 200ms fall 2 rise 1\n{lines}",
            socket.display()
        );
        for ((server, port), end) in pool.servers.iter().zip(ends) {
            let _ = writeln!(text, "  server {server} 127.0.0.1:{port} check {end}");
        }
        text.push_str("backend ws\n");
        for (server, port) in &pool.servers {
            let _ = writeln!(text, "  server {server} 127.0.0.1:{port} check inter 200ms");
        }
        text.push_str("backend other\n  cookie SRV insert\n  server x 127.0.0.1:2 cookie x\n  server y 127.0.0.1:3 cookie y\n");
        std::fs::write(pool.path("haproxy.cfg"), text).expect("written");
        let mut fronted = Fronted { pool, front, control };
        let config = fronted.pool.path("haproxy.cfg").display().to_string();
        fronted.pool.daemons.push(daemon(PROGRAM, &["-W", "-db", "-f", &config], &fronted.pool.path("haproxy.log")));
        until("haproxy has checked everybody", async || TcpStream::connect(front).is_ok() && fronted.is_checked()).await;
        Some(fronted)
    }

    fn is_checked(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.pool.path("admin.sock")) else { return false };
        let mut answer = String::new();
        let asked = stream.write_all(b"show stat shop 4 -1\n").and_then(|()| stream.read_to_string(&mut answer));
        asked.is_ok() && answer.matches("L7OK").count() == 4
    }
}

/// The options that say how the servers of a [`Pool`] are stopped, updated and started.
fn commands(pool: &Pool) -> Vec<String> {
    let app = pool.path("app").display().to_string();
    let words = [
        format!("--stop=sh {app} stop {{server}}"),
        format!("--update=sh {app} update {{server}} {{release}}"),
        format!("--start=sh {app} start {{server}} {{port}}"),
        "--run-on=local".to_owned(),
    ];
    words.into()
}

/// Runs `init` with these words, the pool's commands, and a state directory of its own.
async fn init(pool: &Pool, words: &[&str]) -> Run {
    let (commands, state) = (commands(pool), pool.path("state").display().to_string());
    let mut all: Vec<&str> = vec!["init", "--state", &state];
    all.extend(words);
    all.extend(commands.iter().map(String::as_str));
    pool.halfstep(&all).await
}

fn written(pool: &Pool) -> String {
    std::fs::read_to_string(pool.path("halfstep.toml")).expect("a config was written")
}

/// A rollout over what was written, with a bake that a test can wait for; not one request fails.
async fn roll_out(pool: &Pool, front: SocketAddr) {
    let text = written(pool);
    std::fs::write(
        pool.path("halfstep.toml"),
        format!("{text}\n[rollout]\nbake = \"300ms\"\ndrain_timeout = \"30s\"\nswitch_timeout = \"15s\"\n"),
    )
    .expect("written");
    let clients = Clients::of(&[front]);
    let state = pool.path("state").display().to_string();
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes", "--state", &state]).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_haproxys_own_file_to_a_rollout_over_its_unix_socket() {
    let Some(Fronted { pool, front, .. }) = Fronted::start("", ["weight 30", "weight 10", "weight 10", "weight 10"]).await else {
        return;
    };
    let cfg = pool.path("haproxy.cfg").display().to_string();
    let run = init(&pool, &[&cfg, "--yes"]).await.ended(2);
    assert!(run.err.contains("several pools: single, shop, ws, other") && run.err.contains("--pool"), "{run:?}");
    assert!(!pool.path("halfstep.toml").exists());
    let run = init(&pool, &[&cfg, "--yes", "--pool", "shop"]).await.ended(0);
    let run =
        run.says("a rollout can begin").says("server-state-file").says("option redispatch").says("halfstep plan --to RELEASE");
    assert!(!run.out.contains("option httpchk"), "it has that one: {}", run.out);
    let text = written(&pool);
    for line in [
        "backend = [\"shop\", \"ws\"]",
        "path = \"/healthz\"",
        "json = \"/build/version\"",
        "instance = \"/build/started_at\"",
        "weight = 30 ",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    assert!(text.contains(&format!("public = \"http://{front}/version\"")), "the front that answers was found:\n{text}");
    assert!(
        text.contains(&format!("socket = \"{}\"", pool.path("admin.sock").display())),
        "of two sockets the one that may:\n{text}"
    );
    let halves: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("half = ")).collect();
    assert_eq!(halves, ["\"A\"", "\"B\"", "\"B\"", "\"B\""], "as much weight in both");
    let again = init(&pool, &[&cfg, "--yes", "--pool", "shop"]).await.ended(2).says("nothing was written");
    assert!(again.err.contains("--force"), "{again:?}");
    assert_eq!(written(&pool), text);
    init(&pool, &[&cfg, "--yes", "--pool", "shop", "--force", "--half", "web2=A", "--half", "web1=B"]).await.ended(0);
    assert!(written(&pool) != text);
    roll_out(&pool, front).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_may_not_change_a_server_that_is_down_and_users_who_stick() {
    let ends = ["cookie a", "cookie b", "cookie c", "cookie d"];
    let Some(Fronted { pool, control, .. }) = Fronted::start("  cookie SRV insert\n", ends).await else { return };
    pool.kill("web3");
    until("haproxy finds it down", async || {
        let mut stream = UnixStream::connect(pool.path("admin.sock")).expect("it listens");
        let mut answer = String::new();
        stream.write_all(b"show stat shop 4 -1\n").and_then(|()| stream.read_to_string(&mut answer)).expect("answered");
        answer.contains(",DOWN,")
    })
    .await;
    let run = init(&pool, &[&control, "--yes", "--pool", "shop", "--name", "web"]).await.ended(0);
    let run = run.says("level admin").says("cookie SRV").says("init-state down").says("web3 is in rotation and down");
    assert!(run.out.lines().any(|line| line.contains("web3") && line.contains("DOWN")), "{}", run.out);
    let text = written(&pool);
    assert!(text.contains(&format!("socket = \"{control}\"")) && text.contains("name = \"web\""), "{text}");
    let run = init(&pool, &[&control, "--yes", "--pool", "single", "--force"]).await.ended(2);
    assert!(run.err.contains("has 1 server, and half a pool needs two"), "{run:?}");
    assert_eq!(written(&pool), text, "what was written before stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apache_that_asks_for_a_password_is_talked_to_and_rolled_out() {
    let pool = Pool::start(4);
    let passwords = pool.path("passwords");
    // SHA-1 of `password`.
    std::fs::write(&passwords, "deploy:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n").expect("written");
    std::fs::set_permissions(&passwords, std::fs::Permissions::from_mode(0o644)).expect("rights");
    std::fs::set_permissions(pool.path(""), std::fs::Permissions::from_mode(0o755)).expect("rights");
    std::fs::write(pool.path("secret"), "password\n").expect("written");
    let shop: String = pool.servers.iter().map(|(_, port)| format!("BalancerMember http://127.0.0.1:{port} retry=1\n")).collect();
    let manager = format!("AuthType Basic\nAuthName \"ops\"\nAuthUserFile {}\nRequire valid-user", passwords.display());
    let modules = vec!["auth_basic", "authn_core", "authn_file", "authz_user"];
    let Some(httpd) = Httpd::start(Conf { shop, manager, modules, ..Conf::default() }).await else { return };
    let url = httpd.settings().url;
    let run = init(&pool, &[&url, "--yes"]).await.ended(2);
    assert!(run.err.contains("401") && run.err.contains("`user` and `password`"), "{run:?}");
    let (commands, state, out) =
        (commands(&pool), pool.path("state").display().to_string(), pool.path("halfstep.toml").display().to_string());
    let mut words = vec!["init", &url, "--plain", "--state", &state, "--out", &out];
    words.extend(commands.iter().map(String::as_str));
    let mut talk = Talk::piped(&words, &pool.path(""), &[("HALFSTEP_TEST_WRONG", "hunter2")]);
    talk.hears("User of that page");
    talk.says("deploy");
    talk.hears("env:NAME or file:PATH: ");
    talk.says("password");
    talk.hears("a password is given as env:NAME or file:PATH");
    talk.says("env:HALFSTEP_TEST_WRONG");
    talk.hears("is wrong");
    talk.says("");
    talk.hears("Where its password is");
    talk.says("file:secret");
    talk.hears("Name of the pool in halfstep [shop]: ");
    talk.says("");
    talk.hears("web1");
    talk.hears("moves a server [these]: ");
    talk.says("web9=A");
    talk.hears("there is no server web9");
    talk.says("these");
    talk.hears("or none [none]: ");
    talk.says("jobs1");
    talk.hears("write it as jobs1=10.0.0.21:3000");
    talk.says(&format!("jobs1=127.0.0.1:{}", pool.servers[0].1));
    talk.hears("[/healthz]: ");
    talk.says("/nothing-here");
    talk.hears("answer every path like /nothing-here");
    talk.says("");
    talk.hears("tcp, command: …, none: ");
    talk.says("command: test '{port}' -gt 0");
    talk.hears("quotes");
    talk.says("command: test {port} -lt 0");
    talk.hears("0 of 4 that serve");
    talk.says("");
    talk.hears("tcp, command: …, none: ");
    talk.says("tcp");
    talk.hears("well");
    talk.hears("[/version]: ");
    talk.says("");
    talk.hears("[/build/version]: ");
    talk.says("?");
    talk.hears("the option for it is --version-json");
    talk.says("");
    talk.hears(&format!("[http://{}/version]: ", httpd.address()));
    talk.says("");
    let said = talk.ended(0);
    assert!(said.contains("Written: ") && said.contains("BalancerPersist On") && !said.contains("hunter2"), "{said}");
    let text = written(&pool);
    assert!(text.contains(&format!("password = \"file:{}\"", pool.path("secret").display())), "{text}");
    assert!(text.contains("balancer = \"shop\"") && !text.contains("member = "), "{text}");
    assert!(text.contains("[health]\ntcp = true") && text.contains("role = \"worker\""), "{text}");
    // The worker of this talk is one of the servers: it cannot be stopped by itself.
    let without = text.split("\n# Workers:").next().unwrap_or_default().to_owned();
    std::fs::write(pool.path("halfstep.toml"), without).expect("written");
    roll_out(&pool, httpd.address()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halfstep_serve_is_looked_at_too() {
    let (pool, front) = behind_builtin(Settings::default()).await;
    std::fs::rename(pool.path("halfstep.toml"), pool.path("serve.toml")).expect("moved");
    let socket = pool.path("front.sock").display().to_string();
    let public = format!("http://{front}/version");
    let run = init(&pool, &["--socket", &socket, "--yes", "--public", &public, "--name", "shop"]).await.ended(0);
    run.says("halfstep serve at").says("all fine: a rollout can begin");
    let text = written(&pool);
    assert!(text.contains("kind = \"builtin\"") && text.contains(&format!("control = \"{socket}\"")), "{text}");
    roll_out(&pool, front).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balancer_of_another_host_is_reached_through_ssh() {
    let Some(far) = crate::ssh::Far::start().await else { return };
    let Some(Fronted { pool, .. }) = Fronted::start("", ["", "", "", ""]).await else { return };
    let (socket, out) = (pool.path("admin.sock").display().to_string(), pool.path("halfstep.toml").display().to_string());
    let (commands, state, ssh) =
        (commands(&pool), pool.path("state").display().to_string(), far.client_config().display().to_string());
    let mut words =
        vec!["init", "--ssh", "web1", "--socket", &socket, "--pool", "shop", "--yes", "--out", &out, "--state", &state];
    words.extend(commands.iter().map(String::as_str));
    let said = Talk::piped(&words, &pool.path(""), &[("HALFSTEP_SSH_CONFIG", &ssh)]).ended(0);
    assert!(said.contains("a rollout can begin"), "checked through ssh too: {said}");
    let text = written(&pool);
    assert!(text.contains("ssh = \"web1\"") && text.contains(&format!("socket = \"{socket}\"")), "{text}");
    words[2] = "nobody-there";
    words.push("--force");
    let said = Talk::piped(&words, &pool.path(""), &[("HALFSTEP_SSH_CONFIG", &ssh)]).ended(2);
    assert!(said.contains("nobody-there"), "{said}");
    assert_eq!(written(&pool), text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_talk_at_a_terminal_that_is_broken_off_loses_nothing_and_writes_nothing() {
    let Some(Fronted { pool, .. }) = Fronted::start("", ["", "", "", ""]).await else { return };
    let (cfg, out) = (pool.path("haproxy.cfg").display().to_string(), pool.path("halfstep.toml").display().to_string());
    let words = ["init", &cfg, "--plain", "--out", &out];
    let mut talk = Talk::at_terminal(&words, &pool.path(""), &[("TERM", "xterm-256color")]);
    talk.hears("Which pool: ");
    talk.says("nine");
    talk.hears("a number from 1 to 4, or a name of the list");
    talk.says("shop");
    talk.hears("Name of the pool in halfstep [shop]: ");
    talk.says("Shop Web");
    talk.hears("shop-web would do");
    talk.says("shop-web");
    talk.hears("moves a server [these]: ");
    talk.says("web4=A");
    talk.hears("moves a server [these]: ");
    talk.says("");
    talk.hears("or none [none]: ");
    talk.says("");
    talk.hears("[/healthz]: ");
    talk.says("");
    talk.hears("[/version]: ");
    talk.types("\u{3}");
    talk.hears("To go on with all that was answered so far:");
    let said = talk.ended(2);
    let line =
        said.lines().map(str::trim).find(|line| line.starts_with("halfstep init ")).expect("the line to go on with").to_owned();
    let words = shlex::split(&line).expect("words of a shell");
    for part in [["--pool", "shop"], ["--name", "shop-web"], ["--half", "web4=A"], ["--health", "/healthz"]] {
        assert!(words.windows(2).any(|pair| pair == part), "{part:?}: {line}");
    }
    assert!(!pool.path("halfstep.toml").exists());
    let left: Vec<_> = std::fs::read_dir(pool.path("")).expect("a directory").flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("halfstep-")), "{left:?}");
    let (commands, state) = (commands(&pool), pool.path("state").display().to_string());
    let mut words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    words.extend(["--yes", "--state", &state]);
    words.extend(commands.iter().map(String::as_str));
    pool.halfstep_without_config(&words).await.ended(0);
    let text = written(&pool);
    assert!(text.contains("name = \"shop-web\""), "{text}");
    let halves: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("half = ")).collect();
    assert_eq!(halves.iter().filter(|half| **half == "\"A\"").count(), 2, "{text}");
    assert!(text.contains("name = \"web4\"\naddress"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_guessed_is_named_with_its_option() {
    let (pool, _) = behind_builtin(Settings::default()).await;
    std::fs::remove_file(pool.path("halfstep.toml")).expect("it was there");
    let socket = pool.path("front.sock").display().to_string();
    let run = pool.halfstep(&["init", "--socket", &socket]).await.ended(2);
    assert!(run.err.contains("--yes") && run.err.contains("--plain"), "nobody is at a terminal: {run:?}");
    let run = pool.halfstep(&["init", "--socket", &socket, "--yes"]).await.ended(2);
    assert!(run.err.contains("--update") && run.err.contains("--stop"), "{run:?}");
    let run = pool.halfstep(&["init", "--socket", &socket, "--yes", "--update", "up '{release}' {host"]).await.ended(2);
    assert!(run.err.contains("--update"), "{run:?}");
    let run = pool.halfstep(&["init", "--socket", "/nonexistent/x.sock", "--yes"]).await.ended(2);
    assert!(run.err.contains("there is no socket /nonexistent/x.sock"), "{run:?}");
    for (server, _) in &pool.servers {
        pool.kill(server);
    }
    let run = init(&pool, &["--socket", &socket, "--yes"]).await.ended(2);
    assert!(run.err.contains("--version-path"), "no server answers: {run:?}");
    assert!(!pool.path("halfstep.toml").exists());
}

/// The full screen in a pseudo-terminal of that size.
fn screen(pool: &Pool, size: (u16, u16), words: &[&str]) -> Terminal {
    let mut command = plain(env!("CARGO_BIN_EXE_halfstep"), words);
    command.cwd(pool.path(""));
    command.env("XDG_CONFIG_HOME", pool.path("no-config"));
    Terminal::start(command, size, Duration::ZERO, Answers::Yes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_screen_from_the_balancer_to_a_file_that_a_rollout_runs_over() {
    let Some(Fronted { pool, front, .. }) = Fronted::start("", ["", "", "", ""]).await else { return };
    let (cfg, state, out) = (
        pool.path("haproxy.cfg").display().to_string(),
        pool.path("state").display().to_string(),
        pool.path("halfstep.toml").display().to_string(),
    );
    let mut person = screen(&pool, (80, 24), &["init", &cfg, "--state", &state, "--out", &out]);
    person.until_shown("Which pool");
    person.press("j?");
    person.until_shown("The option for it is --pool");
    person.press("\x1b");
    person.until_gone("The option for it");
    person.press("\r");
    person.until_shown("Name of the pool in halfstep");
    person.press("\r");
    person.until_shown("Which server is in which half");
    // web1 to half B, and web4, the last of half B, to half A.
    person.press("\x1b[C\x1b[F");
    person.until_shown("▸ web4");
    person.press("\x1b[D\r");
    person.until_shown("not behind the balancer");
    person.press("x\r");
    person.until_shown("write it as jobs1=10.0.0.21:3000");
    person.press("\x15\r");
    person.until_shown("Path that says whether a server is healthy");
    person.press("\x1b");
    person.until_shown("not behind the balancer");
    person.press("\x1b");
    person.until_shown("▸ web2");
    person.press("\r");
    person.until_shown("not behind the balancer");
    person.press("\r");
    person.until_shown("Path that says whether a server is healthy");
    person.press("/nowhere\r");
    person.until_shown("yes: take it all the same");
    person.press("\r");
    person.until_gone("yes: take it");
    person.press("\x1b[200~/healthz\r\x1b[201~");
    person.until_shown("> /healthz");
    person.press("\r");
    person.until_shown("Path that answers the version");
    person.resize((60, 18));
    person.until_shown("3 done");
    person.press("\r");
    person.until_shown("Where in that answer");
    person.press("\r");
    person.until_shown("URL that clients ask");
    person.until_shown("1.41.0");
    person.press("\r");
    person.until_shown("Where they run");
    for (question, option) in ["Where they run", "to stop", "to update", "to start"].into_iter().zip(
        std::iter::once("local".to_owned())
            .chain(commands(&pool).iter().filter_map(|word| word.split_once('=').map(|(_, command)| command.to_owned()))),
    ) {
        person.until_shown(question);
        person.press(&format!("{option}\r"));
    }
    person.until_shown("This would be written to");
    assert!(!pool.path("halfstep.toml").exists());
    person.press("\x1b[F");
    person.until_shown("option redispatch");
    person.press("\r");
    person.until_given_back();
    assert_eq!(person.until_ended().exit_code(), 0, "{}", person.shown());
    assert!(person.shown().contains("Next: halfstep plan --to RELEASE"), "{}", person.shown());
    let text = written(&pool);
    let halves: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("half = ")).collect();
    assert_eq!(halves.iter().filter(|half| **half == "\"A\"").count(), 2, "{text}");
    let of = |server: &str| text.split(&format!("name = \"{server}\"")).nth(1).and_then(|rest| rest.split("half = ").nth(1));
    assert!(of("web1").is_some_and(|half| half.starts_with("\"B")) && of("web4").is_some_and(|half| half.starts_with("\"A")));
    roll_out(&pool, front).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_screen_that_is_left_gives_the_terminal_back_and_says_how_to_go_on() {
    let Some(Fronted { pool, .. }) = Fronted::start("", ["", "", "", ""]).await else { return };
    let cfg = pool.path("haproxy.cfg").display().to_string();
    let mut person = screen(&pool, (120, 40), &["init", &cfg]);
    person.until_shown("Which pool");
    // Two answers in one go: the second question was not on the screen when its Enter was pressed.
    person.press("j\r\r\r");
    person.until_shown("press it again");
    person.press("\x03");
    person.until_given_back();
    assert_eq!(person.until_ended().exit_code(), 2);
    let said = person.shown();
    assert!(said.contains("Nothing was written") && said.contains("--pool shop"), "{said}");
    assert!(!pool.path("halfstep.toml").exists());
    let mut small = screen(&pool, (50, 12), &["init", &cfg]);
    small.until_shown("Which pool: ");
    small.press("\x03");
    small.until_shown("To go on with all that was answered so far:");
    assert_eq!(small.until_ended().exit_code(), 2);
}

/// A balancer that names its members as nobody should. It answers one request after the other until the test ends.
fn hostile(socket: &std::path::Path, ports: &[u16]) {
    let names = ["we\u{1b}[2Jb", "x\"\n[commands]\nupdate = \"rm", "fine", "al'so\u{e9}", "--out"];
    let member = |(name, port): (&str, &u16)| {
        serde_json::json!({
            "name": name, "rotation": "in", "word": "\u{1b}]0;owned\u{7}in", "healthy": null, "in_flight": 0, "total": 0, "errors": 0,
            "weight": 1, "raw": { "address": format!("127.0.0.1:{port}"), "weight": "1" },
        })
    };
    let members: Vec<_> = names.into_iter().zip(ports.iter().cycle()).map(member).collect();
    let body =
        serde_json::json!({ "members": members, "generation": "1", "sticky": "\u{1b}[31mcookie", "advice": ["\u{1b}[2J"] })
            .to_string();
    let listener = UnixListener::bind(socket).expect("a socket");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let answer = match request[..read].starts_with(b"GET /state") {
                true => format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                ),
                false => "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).ok();
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_a_hostile_balancer_move_no_cursor_and_write_no_key() {
    let pool = Pool::start(2);
    let ports: Vec<u16> = (0..5).map(|at| pool.servers.get(at).map_or_else(port, |(_, port)| *port)).collect();
    let ports = [ports[2], ports[3], ports[0], ports[1], ports[4]];
    let socket = pool.path("evil.sock");
    hostile(&socket, &ports);
    let socket = socket.display().to_string();
    let run = init(&pool, &["--socket", &socket, "--yes", "--name", "shop"]).await;
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{run:?}");
    let text = written(&pool);
    assert!(!text.contains('\u{1b}') && text.matches("[commands]").count() == 1, "{text}");
    assert_eq!(text.matches("\n[[server]]").count(), 2, "three cannot be servers of a config:\n{text}");
    assert!(text.contains("name = \"fine\"") && text.contains("member = \"al'so\u{e9}\""), "{text}");
    assert!(!text.contains(CURRENT), "no version is written: {text}");
}
