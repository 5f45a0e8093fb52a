//! Command lines, read.

use super::rollout::{Events, Face, Terminal};
use super::*;
use crate::model::{OnFailure, PhaseName, Release, Version};

fn read(line: &str) -> Cli {
    Cli::read(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn wrong(line: &str) -> String {
    let error = Cli::read(line.split_whitespace()).expect_err(line);
    assert_eq!(error.exit_code(), i32::from(ExitStatus::Usage.code()), "{line}");
    error.to_string()
}

#[test]
fn the_arguments_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_of_the_contract_parses() {
    for line in [
        "demo",
        "init",
        "check",
        "plan --to 1.42.0",
        "run --to 1.42.0",
        "restart",
        "attach --observe",
        "status",
        "go",
        "hold",
        "rollback",
        "resume",
        "retry web1",
        "exclude web1 --gone",
        "cut web1",
        "contract",
        "approve",
        "report",
        "replay x",
        "history",
        "rehearse",
        "migrations list",
        "migrations classify",
        "migrations classify db/migrate a.sql --dialect mysql --strict",
        "migrations prove",
        "migrations prove a.sql --database env:DATABASE_URL --role app",
        "migrations split a.sql",
        "migrations run --phase expand",
        "migrations run --phase contract --step detach --release 1.42.0",
        "serve",
        "switch A",
        "switch b",
        "switch both",
        "themes",
        "schema",
        "completions bash",
        "man",
        "engine --request /r.json",
        "engine /state/shop/x",
        "lab-app --name web1 --version-file v --listen 127.0.0.1:0 --fault slow-start=100",
    ] {
        read(&format!("halfstep {line}"));
    }
}

#[test]
fn run_takes_all_its_options() {
    let line = "halfstep run --to v2 -c ./shop.toml --yes --hold-at switch --hold-at update-b --from v1 --expect 2.0 --only web1 \
                --only web2 --leave web3 --take web4 --drain-first web5 --why CVE --contract later --on-failure rollback --events json --guided \
                --observe --plain --ascii --state /s --headless --abandon gone";
    let cli = read(line);
    assert_eq!(cli.global.config, Some(Source::File("./shop.toml".into())));
    assert_eq!(cli.global.state, Some("/s".into()));
    let Order::Run(run) = cli.order else { panic!("not run") };
    assert_eq!(run.to, Release("v2".into()));
    assert_eq!(run.scope.from, Some(Release("v1".into())));
    assert_eq!(run.scope.expect, Some(Version::new("2.0")));
    assert_eq!(run.scope.only, [ServerName::new("web1"), ServerName::new("web2")]);
    assert_eq!((run.scope.leave, run.scope.take), (vec![ServerName::new("web3")], vec![ServerName::new("web4")]));
    assert_eq!(run.scope.drain_first, [ServerName::new("web5")]);
    assert_eq!((run.scope.contract, run.scope.on_failure), (Some(ContractWhen::Later), Some(OnFailure::Rollback)));
    assert_eq!((run.begin.why, run.begin.abandon), (Some("CVE".into()), Some("gone".into())));
    assert_eq!(run.drive.hold_at, [PhaseName::Switch, PhaseName::UpdateB]);
    assert_eq!(run.drive.events, Some(Events::Json));
    let Facing { guided, observe, plain, ascii } = run.drive.facing;
    assert!(run.drive.yes && run.drive.headless && guided && observe && plain && ascii);
}

#[test]
fn a_face_follows_from_the_options_and_the_terminal() {
    for (options, terminal, face) in [
        ("", Terminal::There, Face::Console),
        ("", Terminal::NotThere, Face::Headless),
        ("--headless", Terminal::There, Face::Headless),
        ("--headless --events json", Terminal::There, Face::Events),
        ("--events json", Terminal::NotThere, Face::Events),
        ("--plain", Terminal::There, Face::Plain),
        ("", Terminal::Dumb, Face::Plain),
        ("--headless", Terminal::Dumb, Face::Headless),
        ("--plain", Terminal::NotThere, Face::Plain),
    ] {
        let Order::Restart(restart) = read(&format!("halfstep restart {options}")).order else { panic!("not restart") };
        assert_eq!(restart.drive.face(terminal), face, "{options} {terminal:?}");
    }
}

#[test]
fn global_options_stand_before_or_after() {
    for line in ["halfstep -c shop-web --format json status", "halfstep status --config shop-web --format json"] {
        let global = read(line).global;
        assert_eq!((global.config, global.format), (Some(Source::Pool("shop-web".into())), Format::Json), "{line}");
    }
    assert_eq!(read("halfstep -c shop.toml check").global.config, Some(Source::File("shop.toml".into())));
    assert_eq!(read("halfstep report x --format markdown").global.format, Format::Markdown);
    assert!(wrong("halfstep status --format markdown").contains("only `halfstep report`"));
}

#[test]
fn defaults_are_the_ones_that_the_contract_names() {
    let Order::Cut(cut) = read("halfstep cut web1").order else { panic!("not cut") };
    assert_eq!(cut.how, DrainChoice::GoOn);
    let Order::Cut(cut) = read("halfstep cut web1 --how put-back").order else { panic!("not cut") };
    assert_eq!(cut.how, DrainChoice::PutBack);
    let Order::Contract(contract) = read("halfstep contract").order else { panic!("not contract") };
    assert_eq!(contract.when, ContractWhen::Now);
    let Order::Demo(demo) = read("halfstep demo --fault errors-after-switch").order else { panic!("not demo") };
    assert_eq!((demo.fault, demo.balancer), (Some(DemoFault::ErrorsAfterSwitch), DemoBalancer::Builtin));
}

#[test]
fn wrong_usage_says_what_and_ends_with_two() {
    for (line, said) in [
        ("halfstep run", "--to <RELEASE>"),
        ("halfstep run --to --force", "looks like an option"),
        ("halfstep run --to=-x", "looks like an option"),
        ("halfstep run --to 1 --hold-at lunch", "update-a"),
        ("halfstep retry", "<NAME>"),
        ("halfstep engine", "ROLLOUT"),
        ("halfstep go --accept error-rate", "--why <TEXT>"),
        ("halfstep go --accept drained --why x", "error-rate"),
        ("halfstep cut web1 --how gently", "put-back"),
        ("halfstep demo --fault fire", "wrong-version"),
        ("halfstep frobnicate", "frobnicate"),
        ("halfstep", "Usage"),
    ] {
        let error = wrong(line);
        assert!(error.contains(said), "{line}: {error}");
    }
    let help = Cli::read(["halfstep", "--help"]).expect_err("help");
    assert_eq!(help.exit_code(), 0);
    assert!(help.to_string().contains("Exit status: 0 done") && !help.to_string().contains("lab-app"));
}

#[test]
fn what_comes_later_gets_a_sentence_and_the_rest_does_not() {
    for line in ["approve", "replay", "rehearse"] {
        let failure = later::not_yet(&read(&format!("halfstep {line}")).order).expect(line);
        assert!(failure.what.as_str().contains("is not in this version") && failure.next.is_some());
    }
    for line in ["run --to 1", "history", "schema", "serve", "demo", "themes", "migrations run --phase expand"] {
        assert_eq!(later::not_yet(&read(&format!("halfstep {line}")).order), None, "{line}");
    }
}

#[test]
fn completions_and_the_manual_name_every_command_that_is_not_hidden() {
    for shell in clap_complete::Shell::value_variants() {
        let mut script = Vec::new();
        pages::completions(*shell, &mut script).expect("written");
        let script = String::from_utf8(script).expect("text");
        assert!(script.contains("rollback") && script.contains("hold-at"), "{shell}");
    }
    let mut page = Vec::new();
    pages::manual(&mut page).expect("written");
    let page = String::from_utf8(page).expect("text");
    for order in Cli::command().get_subcommands() {
        let title = format!("HALFSTEP {}\"", order.get_name().to_uppercase());
        assert_eq!(page.contains(&title), !order.is_hide_set(), "{title}");
    }
    assert!(page.contains("\\-\\-abandon"));
}
