//! Pictures of what lies over the screen, at every size, and what can be done in it.

use crate::keys::{letters, press, screen, sends, web};
use crate::pictures::{SIZES, app, now, picture};
use crate::samples;
use halfstep::engine::snapshot::Snapshot;
use halfstep::model::{GateName, Printable};
use halfstep::rollout::{Command, ContractWhen, DrainChoice};
use halfstep::tui::action::Action;
use halfstep::tui::app::{App, Ask};
use halfstep::tui::overlay::{Output, output::Cut};
use halfstep::tui::theme::{Colours, Glyphs, Theme};
use halfstep::tui::widget::Part;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;

/// Each overlay: how it comes to be on the screen.
fn overlays() -> Vec<(&'static str, App)> {
    let typed = |text: &str| text.chars().map(Action::Type).collect::<Vec<_>>();
    let opened = |snapshot: Snapshot, actions: &[Action], then: &[Action]| {
        let mut app = app(snapshot);
        for action in actions.iter().chain(then) {
            app.update(*action);
        }
        app
    };
    let with_output = |then: &[Action]| {
        let mut app = opened(samples::failed(), &[Action::Commands], &[]);
        let line = |number: usize| match number % 7 {
            3 => format!(
                "[{number:03}] error: Unit shop.service not found, tried /etc/systemd/system and /lib/systemd/system in vain"
            ),
            _ => format!("[{number:03}] starting shop"),
        };
        let lines = (0..60).map(|number| Printable::new(&line(number))).collect();
        app.read(Output::new("output/start-2.log".to_owned(), Ok(lines), Cut::Whole, 999));
        for action in then {
            app.update(*action);
        }
        app
    };
    let search: Vec<Action> = std::iter::once(Action::Search).chain(typed("ERROR")).chain([Action::Confirm]).collect();
    let exclude = [Action::Down, Action::Down, Action::Exclude];
    let kill = [Action::Last, Action::Drain, Action::Choose(DrainChoice::Kill)];
    let unfold = [Action::Gates, Action::First, Action::Down, Action::Down, Action::Down, Action::Confirm];
    let mut watched = samples::failed();
    watched.prompt.refused.insert("hold".to_owned(), Printable::new("it is held already"));
    vec![
        ("roll_back", opened(samples::before_switch(), &[Action::RollBack], &[])),
        ("flip_back", opened(samples::bake(), &[Action::RollBack], &[])),
        ("automatic", opened(samples::before_switch(), &[Action::Automatic], &[])),
        ("exclude", opened(samples::failed(), &exclude, &[])),
        ("skip_bake", opened(samples::bake(), &[Action::SkipBake], &[])),
        ("later", opened(samples::contract(), &[Action::ContractLater], &[])),
        ("drain", opened(samples::drain_overdue(), &kill, &[])),
        ("plan", opened(samples::before_switch(), &[Action::Gates], &[])),
        ("plan_unfolded", opened(samples::bake(), &unfold, &[])),
        ("accept", opened(samples::before_switch(), &[Action::Gates, Action::Confirm], &typed("seen on the graphs"))),
        ("log", opened(samples::failed(), &[Action::Commands], &[])),
        ("migrations", opened(samples::pending::undecided(), &[Action::Migrations], &[])),
        ("migrations_at_work", opened(samples::pending::expanding(), &[Action::Migrations, Action::Down], &[])),
        ("migrations_commands", opened(samples::bake(), &[Action::Migrations], &[])),
        ("decide", opened(samples::pending::undecided(), &[Action::Migrations, Action::Judge], &typed("expand it only"))),
        ("output", with_output(&[])),
        ("output_found", with_output(&search)),
        ("output_search", with_output(&search[..4])),
        ("note", opened(samples::bake(), &[Action::Note], &typed("hi"))),
        ("typed_word", opened(samples::contract(), &[Action::Go], &typed("c"))),
        ("command_line", opened(samples::failed(), &[Action::CommandLine], &[])),
        ("command_line_word", opened(samples::failed(), &[Action::CommandLine], &typed("cut web"))),
        ("filter", opened(samples::failed(), &[Action::Filter], &typed("web !failed"))),
        ("help", opened(watched, &[Action::Help], &[])),
    ]
}

#[test]
fn every_overlay_at_every_size() {
    for (name, mut app) in overlays() {
        for size in SIZES {
            let shown = picture(&mut app, size, &now()).backend().to_string();
            insta::assert_snapshot!(format!("overlay_{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

/// Without colour the words are the same and no cell has a colour; in plain ASCII nothing else is left of them.
#[test]
fn every_overlay_without_colour_and_in_ascii_says_the_same() {
    let plain = Theme::plain(Colours::None, Glyphs::Unicode);
    let ascii = Theme::plain(Colours::None, Glyphs::Ascii);
    for (name, mut app) in overlays() {
        for size in SIZES {
            let coloured = picture(&mut app, size, &now()).backend().to_string();
            app.wear(plain);
            let terminal = picture(&mut app, size, &now());
            assert_eq!(terminal.backend().to_string(), coloured, "{name} at {size:?}");
            let cells = &terminal.backend().buffer().content;
            assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset), "{name} at {size:?}");
            app.wear(ascii);
            let shown = picture(&mut app, size, &now()).backend().to_string();
            assert!(shown.is_ascii(), "{name} at {size:?}:\n{shown}");
            if size == (80, 24) {
                insta::assert_snapshot!(format!("overlay_{name}_ascii"), shown);
            }
            app.wear(crate::pictures::colour());
        }
    }
}

/// What Enter does, what it costs and how to get out: on the smallest screen too.
#[test]
fn the_way_on_and_the_way_out_are_seen_at_every_size() {
    for (name, mut app) in overlays() {
        let asks = [
            "roll_back",
            "flip_back",
            "automatic",
            "exclude",
            "skip_bake",
            "later",
            "drain",
            "accept",
            "decide",
            "note",
            "typed_word",
        ];
        for size in SIZES {
            let shown = picture(&mut app, size, &now()).backend().to_string();
            assert!(shown.contains("Going back now"), "{name} at {size:?}:\n{shown}");
            if asks.contains(&name) {
                assert!(shown.contains("Enter") && shown.contains("Esc back, nothing is done"), "{name} at {size:?}:\n{shown}");
            }
        }
    }
    let shown = picture(&mut app(samples::before_switch()), (60, 18), &now()).backend().to_string();
    assert!(!shown.contains("nothing is done"), "the words are the overlay's own");
}

#[test]
fn the_way_back_names_every_server_its_commands_and_who_is_not_touched() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Char('R'));
    let mut seen = String::new();
    for _ in 0..20 {
        seen += &screen(&mut app);
        press(&mut app, KeyCode::Char('j'));
    }
    for said in [
        "web3: stop, restore, start",
        "$ ssh deploy@web3.dc1 sudo systemctl stop shop",
        "everybody in",
        "not touched: web4, web5",
    ] {
        assert!(seen.contains(said), "{said} in\n{seen}");
    }
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::RollBack), "scrolling changes nothing");
}

#[test]
fn a_drain_says_what_each_way_costs_and_which_cannot_be_gone() {
    let mut shown = samples::drain_overdue();
    shown.drains[0].refused.insert("kill".into(), Printable::new("this balancer cannot cut requests in flight"));
    let mut app = app(shown);
    letters(&mut app, "jjjd");
    let seen = screen(&mut app);
    for said in [
        "3 in flight, estimated",
        "01:01 so far: drain_timeout is over",
        "41 → 3",
        "2 at lb1 · 1 at lb2",
        "up to 01:00 more at half capacity",
        "about 3 users may see",
        "the rollout goes back",
    ] {
        assert!(seen.contains(said), "{said} in\n{seen}");
    }
    assert_eq!(press(&mut app, KeyCode::Char('x')), Ask::Nothing);
    assert!(screen(&mut app).contains("cannot cut requests"));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "and it was not chosen");
    press(&mut app, KeyCode::Char('b'));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(7, Command::Cut(web(3), DrainChoice::PutBack)));
}

fn line(app: &mut App, text: &str) -> Ask {
    press(app, KeyCode::Char(':'));
    letters(app, text);
    press(app, KeyCode::Enter)
}

#[test]
fn the_command_line_does_what_the_keys_do() {
    let go = |text| line(&mut app(samples::before_switch()), text);
    assert_eq!(go("go"), sends(12, Command::Go));
    assert_eq!(go("hold"), sends(12, Command::Hold));
    assert_eq!(go("note it is late"), sends(12, Command::Note(Printable::new("it is late"))));
    assert_eq!(go("q"), Ask::Leave);
    assert_eq!(line(&mut app(samples::failed()), "retry web2"), sends(12, Command::Retry(web(2))));
    let mut overdue = app(samples::drain_overdue());
    assert_eq!(line(&mut overdue, "cut web3 kill"), Ask::Nothing, "it asks");
    assert_eq!(press(&mut overdue, KeyCode::Enter), sends(7, Command::Cut(web(3), DrainChoice::Kill)));
    let mut gated = app(samples::before_switch());
    assert_eq!(line(&mut gated, "accept capacity seen on the graphs"), Ask::Nothing, "it asks");
    let accept = Command::Accept(GateName::Capacity, Printable::new("seen on the graphs"));
    assert_eq!(press(&mut gated, KeyCode::Enter), sends(12, accept));
    let mut contract = app(samples::contract());
    assert_eq!(line(&mut contract, "contract now"), Ask::Nothing, "the word is still asked for");
    assert_eq!(press(&mut contract, KeyCode::Enter), Ask::Nothing);
    letters(&mut contract, "contract");
    assert_eq!(press(&mut contract, KeyCode::Enter), sends(30, Command::Contract(ContractWhen::Now)));
}

/// Nothing but what a key does at once goes out without a second Enter.
#[test]
fn what_is_dear_asks_on_the_command_line_too() {
    let dear = [
        (samples::before_switch(), "rollback", Command::RollBack),
        (samples::before_switch(), "automatic", Command::Automatic),
        (samples::bake(), "skip-bake", Command::SkipBake),
        (samples::failed(), "exclude web2", Command::Exclude(web(2))),
        (samples::contract(), "contract later", Command::Contract(ContractWhen::Later)),
    ];
    for (snapshot, text, command) in dear {
        let number = snapshot.prompt.number;
        let mut app = app(snapshot);
        assert_eq!(line(&mut app, text), Ask::Nothing, "{text}");
        assert_eq!(press(&mut app, KeyCode::Enter), sends(number, command), "{text}");
    }
    let mut gone = samples::failed();
    gone.prompt.refused.remove("gone");
    let mut app = app(gone);
    assert_eq!(line(&mut app, "gone web2"), Ask::Nothing);
    letters(&mut app, "web2");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Gone(web(2))));
}

#[test]
fn a_line_that_is_not_understood_stays_and_says_what_is_possible() {
    let mut app = app(samples::failed());
    assert_eq!(line(&mut app, "retry web7"), Ask::Nothing);
    assert!(screen(&mut app).contains("there is no server web7; there are web2, web1"), "{}", screen(&mut app));
    press(&mut app, KeyCode::Backspace);
    letters(&mut app, "2");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Retry(web(2))));
    let mut refused = self::app(samples::before_switch());
    assert_eq!(line(&mut refused, "skip-bake"), Ask::Nothing);
    assert!(screen(&mut refused).contains("there is no bake now"));
}

#[test]
fn tab_completes_and_the_arrows_call_lines_back() {
    let mut app = app(samples::failed());
    press(&mut app, KeyCode::Char(':'));
    letters(&mut app, "ret");
    press(&mut app, KeyCode::Tab);
    letters(&mut app, "jobs");
    press(&mut app, KeyCode::Tab);
    assert!(screen(&mut app).contains(":retry jobs1"), "{}", screen(&mut app));
    press(&mut app, KeyCode::Esc);
    line(&mut app, "note one");
    app.answered(0, None);
    line(&mut app, "filter web");
    press(&mut app, KeyCode::Char(':'));
    letters(&mut app, "x");
    for (key, wanted) in [
        (KeyCode::Up, ":filter web"),
        (KeyCode::Up, ":note one"),
        (KeyCode::Up, ":note one"),
        (KeyCode::Down, ":filter web"),
        (KeyCode::Down, ":x"),
    ] {
        press(&mut app, key);
        assert!(screen(&mut app).contains(wanted), "{wanted} in\n{}", screen(&mut app));
    }
}

#[test]
fn a_line_typed_over_a_prompt_that_went_on_asks_again() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Char(':'));
    letters(&mut app, "go");
    let mut next = samples::before_switch();
    next.prompt.number = 13;
    app.show(&next);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    assert!(screen(&mut app).contains("moved on"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(13, Command::Go));
}

#[test]
fn a_filter_hides_servers_as_it_is_typed_and_esc_brings_them_back() {
    let mut app = app(samples::failed());
    letters(&mut app, "/web2");
    let shown = screen(&mut app);
    assert!(shown.contains("1 of 7 servers") && shown.contains("web2") && !shown.contains("web1 "), "{shown}");
    press(&mut app, KeyCode::Enter);
    let shown = screen(&mut app);
    assert!(shown.contains("/web2 1 of 3") && !shown.contains("web3 "), "{shown}");
    letters(&mut app, "jr");
    assert!(screen(&mut app).contains("web2"), "what is hidden cannot be selected");
    letters(&mut app, "/");
    press(&mut app, KeyCode::Char('9'));
    press(&mut app, KeyCode::Esc);
    assert!(screen(&mut app).contains("/web2 1 of 3"), "as it was before");
    line(&mut app, "filter");
    assert!(screen(&mut app).contains("web3"), "{}", screen(&mut app));
}

#[test]
fn commands_and_output_are_searched_and_copied() {
    let mut app = app(samples::failed());
    letters(&mut app, "l/shop-link");
    press(&mut app, KeyCode::Enter);
    assert_eq!(press(&mut app, KeyCode::Char('y')), Ask::Copy("ssh deploy@web1.dc1 shop-link 1.42.0".into()));
    let Ask::Copy(all) = press(&mut app, KeyCode::Char('Y')) else { panic!("nothing is copied") };
    assert!(all.lines().count() > 3 && all.contains("$ ssh deploy@web2.dc1"), "{all}");
    letters(&mut app, "/nowhere");
    press(&mut app, KeyCode::Enter);
    assert!(screen(&mut app).contains("nowhere is not in it"));
    let lines = ["one", "two error", "three"].map(Printable::new).to_vec();
    app.read(Output::new("output/x.log".into(), Ok(lines), Cut::Whole, 9));
    assert_eq!(app.follows(), Some(("output/x.log", 9)));
    letters(&mut app, "/ERROR");
    press(&mut app, KeyCode::Enter);
    assert_eq!(press(&mut app, KeyCode::Char('y')), Ask::Copy("two error".into()));
    assert_eq!(press(&mut app, KeyCode::Char('Y')), Ask::Copy("one\ntwo error\nthree\n".into()));
    assert_eq!(app.follows(), None, "who looks for something does not want to be moved");
    assert_eq!(press(&mut app, KeyCode::Char('f')), Ask::Read("output/x.log".into()));
    app.copied(Ok((10, 90)));
    assert!(screen(&mut app).contains("the last 10 of 90 bytes"));
}

#[test]
fn the_commands_of_a_step_are_copied_from_the_plan() {
    let mut app = app(samples::failed());
    letters(&mut app, "p");
    for _ in 0..60 {
        if let Ask::Copy(text) = press(&mut app, KeyCode::Char('y'))
            && text == "ssh deploy@web2.dc1 shop-link 1.42.0"
        {
            return;
        }
        press(&mut app, KeyCode::Down);
    }
    panic!("no step of the plan has that command:\n{}", screen(&mut app));
}

#[test]
fn help_says_why_a_key_cannot_be_used_now() {
    let mut watching = App::new(samples::failed(), crate::pictures::colour(), Part::Observer);
    press(&mut watching, KeyCode::Char('?'));
    assert!(screen(&mut watching).contains("not now: this screen only watches"));
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Char('?'));
    let mut seen = String::new();
    for _ in 0..30 {
        seen += &screen(&mut app);
        press(&mut app, KeyCode::PageDown);
    }
    for said in
        ["not now: there is no bake now", "not now: nothing was switched yet", "In an output", "rotation: what the balancer"]
    {
        assert!(seen.contains(said), "{said}");
    }
}

#[test]
fn an_overlay_takes_every_key_on_every_snapshot() {
    let opening = ['R', 'A', 'p', 'l', '?', ':', '/', 'n', 'd', 's', 'x', 'h'];
    for snapshot in [Snapshot::default(), samples::strange(), samples::drain_overdue()] {
        for opens in opening {
            for code in ('!'..='~').map(KeyCode::Char).chain([
                KeyCode::Enter,
                KeyCode::Tab,
                KeyCode::Up,
                KeyCode::End,
                KeyCode::Backspace,
            ]) {
                let mut app = app(snapshot.clone());
                press(&mut app, KeyCode::Char(opens));
                press(&mut app, code);
                press(&mut app, KeyCode::Enter);
                press(&mut app, code);
            }
        }
    }
    for snapshot in [Snapshot::default(), samples::strange(), samples::thousand(), samples::failed()] {
        let mut app = app(snapshot.clone());
        for opens in opening {
            press(&mut app, KeyCode::Char(opens));
            for size in [(60, 18), (61, 19), (99, 24), (101, 33), (500, 200)] {
                picture(&mut app, size, &now());
            }
            press(&mut app, KeyCode::Esc);
            press(&mut app, KeyCode::Esc);
        }
    }
}
