//! The plain screen: rollouts driven by words, through pipes and at a terminal, over the built-in balancer and HAProxy.

use crate::rollout::builtin::behind_builtin;
use crate::rollout::pool::{CURRENT, Clients, NEXT, Pool, Settings};
use crate::support::is_installed;
use crate::talk::Talk;

fn words<'a>(pool: &'a Pool, words: &[&'a str], config: &'a str) -> Vec<&'a str> {
    assert!(config.starts_with(&pool.path("").display().to_string()));
    words.iter().copied().chain(["-c", config]).collect()
}

fn piped(pool: &Pool, with: &[&str]) -> Talk {
    let config = pool.path("halfstep.toml").display().to_string();
    Talk::piped(&words(pool, with, &config), &pool.path(""), &[])
}

fn at_terminal(pool: &Pool, with: &[&str], kind: &str) -> Talk {
    let config = pool.path("halfstep.toml").display().to_string();
    Talk::at_terminal(&words(pool, with, &config), &pool.path(""), &[("TERM", kind)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_driven_by_words_and_each_prompt_has_its_number() {
    let (pool, front) = behind_builtin(Settings::default()).await;
    let clients = Clients::of(&[front]);
    let mut talk = piped(&pool, &["run", "--to", NEXT, "--plain"]);
    talk.hears(&format!("shop from {CURRENT} to {NEXT}"));
    let first = talk.prompt("go is: ");
    talk.says(&format!("go {}", first + 7));
    talk.hears("refused: prompt");
    talk.says("status");
    talk.hears("web1, half A, in, up, 1.41.0");
    talk.hears("rolling back now: ");
    talk.says("plan");
    talk.hears("to come: ");
    talk.says("price");
    talk.says("note\tthe first one");
    talk.hears("the first one");
    talk.says(&format!("go {first}"));
    let mut asked = vec![first];
    while !talk.all().contains("serves everywhere") {
        let number = talk.prompt("");
        talk.says(&format!("go {number}"));
        asked.push(number);
        if asked.len() > 20 {
            panic!("{}", talk.all());
        }
        let before = talk.all();
        crate::rollout::pool::until("it goes on", async || {
            talk.all()[before.len()..].contains("prompt ") || talk.all().contains("serves everywhere")
        })
        .await;
    }
    assert!(asked.windows(2).all(|pair| pair[0] < pair[1]), "{asked:?}");
    let said = talk.ended(0);
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "no cursor is moved: {said:?}");
    assert!(said.contains("phase switch, 6 of 12") && said.contains("mixed-version window"), "{said}");
    clients.none_failed().await;
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_input_leaves_and_the_rollout_goes_on() {
    let (pool, _) = behind_builtin(Settings::default()).await;
    let mut talk = piped(&pool, &["run", "--to", NEXT, "--plain"]);
    talk.prompt("go is: ");
    talk.says("go");
    talk.ends_the_input();
    let said = talk.ended(0);
    let back = said.lines().find_map(|line| line.strip_prefix("The rollout goes on. Come back with: halfstep attach "));
    assert!(back.is_some_and(|back| back.starts_with("-c ") && back.ends_with(" --plain")), "{said}");
    let mut talk = piped(&pool, &["attach", "--plain"]);
    talk.prompt("");
    talk.says("hold");
    talk.hears("held");
    talk.says("go on please");
    talk.hears("number of a prompt");
    talk.says("frobnicate \u{1b}[2J");
    talk.hears("unknown word `frobnicate`: help lists them");
    talk.says("rollback");
    let said = talk.ended(3);
    assert!(said.contains("rolled back") || said.contains("goes back"), "{said}");
    pool.answer(CURRENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_were_sent_before_anything_was_read_go_on_by_one_prompt_at_most() {
    let (pool, _) = behind_builtin(Settings::default()).await;
    for server in ["web1", "web2"] {
        pool.hook("stop", server, Some("sleep 1"));
    }
    let mut talk = piped(&pool, &["run", "--to", NEXT, "--plain", "--hold-at", "update-a"]);
    talk.types("go\ngo\ngo\ngo\ngo\ngo\n");
    talk.ends_the_input();
    talk.ended(0);
    let status = pool.status().await;
    let begun = status["phases"].as_array().expect("phases").iter().filter(|phase| phase["state"] != "to-do").count();
    assert!(begun <= 3, "six words in one write did not run through six prompts: {status}");
    assert_eq!(pool.ran("stop web1"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_is_told_everything_and_moves_nothing() {
    let (pool, _) = behind_builtin(Settings::default()).await;
    let mut driver = piped(&pool, &["run", "--to", NEXT, "--plain"]);
    let number = driver.prompt("go is: ");
    let mut observer = piped(&pool, &["attach", "--plain", "--observe", "--guided"]);
    observer.hears("this screen only watches");
    assert_eq!(observer.prompt("go is: "), number);
    observer.hears("coach, ");
    observer.hears("you watch");
    for word in ["go", "hold", "rollback", "contract now", "retry web1"] {
        observer.says(word);
        observer.hears("refused: this screen only watches");
    }
    driver.says("go");
    observer.prompt("");
    observer.says("status");
    observer.hears("driver ");
    observer.says("quit");
    observer.ended(0);
    let mut second = piped(&pool, &["attach", "--plain"]);
    second.prompt("");
    second.says("go");
    second.hears("here: take WHY");
    second.says("take it is my turn");
    second.hears("take-over: it is my turn");
    second.says("hold");
    second.hears("asks: hold");
    driver.says("hold");
    driver.hears("here: take WHY");
    driver.says("quit");
    driver.ended(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_tried_again_and_contract_takes_the_word() {
    let more = "[migrations]\nexpand = \"echo pre >>migrated\"\ncontract = \"echo post >>migrated\"\n".to_owned();
    let (pool, _) = behind_builtin(Settings { more, ..Settings::default() }).await;
    pool.hook("update", "web2", Some("echo the disk is full; exit 7"));
    let mut talk = piped(&pool, &["run", "--to", NEXT, "--plain", "--yes"]);
    talk.hears("the disk is full");
    talk.hears("held");
    pool.hook("update", "web2", None);
    talk.says("retry web9");
    talk.hears("refused: ");
    talk.says("retry web2");
    talk.hears("asks: retry web2");
    talk.says("automatic");
    let mut said_go = 0;
    loop {
        let before = talk.all();
        if before.contains(": contract now, or contract later") {
            break;
        }
        let number = talk.prompt("");
        if !talk.all().contains(": contract now, or contract later") {
            talk.says(&format!("go {number}"));
        }
        said_go += 1;
        assert!(said_go < 30, "{before}");
    }
    talk.says("contract now");
    talk.hears("Type the word contract");
    talk.says("yes");
    talk.hears("the migrations were not begun");
    assert!(!std::fs::read_to_string(pool.path("migrated")).expect("pre").contains("post"));
    talk.says("contract now");
    talk.hears("Type the word contract");
    talk.says("contract");
    talk.ended(0);
    assert_eq!(std::fs::read_to_string(pool.path("migrated")).expect("both"), "pre\npost\n");
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dumb_terminal_gets_the_plain_screen_and_ctrl_c_holds_first() {
    let (pool, _) = behind_builtin(Settings::default()).await;
    let mut talk = at_terminal(&pool, &["run", "--to", NEXT], "dumb");
    talk.hears("TERM is dumb: this is the plain screen");
    talk.prompt("go is: ");
    talk.types("\u{3}");
    talk.hears("Ctrl-C holds the rollout; once more leaves this screen");
    talk.hears("held");
    talk.types("\u{3}");
    talk.hears("The rollout goes on");
    let said = talk.ended(0);
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert!(pool.status().await["rollout"]["held"].as_str().is_some_and(|why| why.contains("held by")));
    // What is typed and not ended with Enter is nothing yet; Ctrl-D on an empty line is the end of the input.
    let mut talk = at_terminal(&pool, &["attach", "--plain"], "xterm-256color");
    talk.prompt("");
    talk.types("rollb\u{15}");
    talk.types("\u{4}");
    talk.ended(0);
    assert_eq!(pool.status().await["rollout"]["purpose"], "rollout");
}

#[test]
fn a_demo_over_haproxy_is_driven_by_words_at_a_terminal() {
    if !is_installed("/usr/sbin/haproxy", "haproxy") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let temporary = directory.path().display().to_string();
    let environment = [("TERM", "xterm"), ("TMPDIR", temporary.as_str())];
    let mut talk = Talk::at_terminal(&["demo", "--plain", "--balancer", "haproxy"], directory.path(), &environment);
    let at_expand = talk.prompt("go is: run the migrations that add");
    talk.hears("migrations run");
    talk.hears("coach, 2 of 12, next: expand: go runs 3 files of migrations");
    talk.says(&format!("go {at_expand}"));
    talk.prompt("go is: take half A");
    talk.hears("$ set server ");
    talk.hears("coach, 3 of 12, next: drain A: go takes half A");
    talk.hears("coach, out: rollback: ");
    talk.says("automatic");
    let at_switch = talk.prompt("SWITCH");
    talk.hears("$ ");
    let command = talk.line();
    assert!(command.contains("set server "), "{command}");
    talk.says(&format!("go {at_switch}"));
    talk.hears("phase bake");
    talk.says("rollback");
    talk.hears("demo goes back from 1.42.0 to 1.41.0");
    talk.hears("phase switch, 1 of 5");
    let said = talk.ended(3);
    assert!(said.contains("the clients sent ") && said.contains(", 0 failed"), "{said}");
}
