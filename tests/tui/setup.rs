//! Pictures of the setup dialogue at every size, with colour and without, and what keys do in it.

use crate::pictures::{SIZES, styled};
use halfstep::model::{Half, Printable};
use halfstep::tui::keymap::Key;
use halfstep::tui::setup::draw::draw;
use halfstep::tui::setup::halves::{Halves, Row};
use halfstep::tui::setup::page::{Known, Page, Told};
use halfstep::tui::setup::query::{Answer, Kind, List, Query, Text, Turn, Typing};
use halfstep::tui::theme::{Colours, Glyphs, Role, Theme};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

const STEPS: [&str; 6] = ["the balancer", "the pool", "the halves", "health and version", "the commands", "the file"];

fn page(at: usize, told: Vec<Told>, ask: &str, kind: Kind) -> Page {
    let mut page = Page::new("init", STEPS.to_vec());
    let known = [
        ("at", "/run/haproxy/admin.sock"),
        ("pool", "shop"),
        ("name", "shop-世界"),
        ("health", "command: check {server} {port}"),
    ];
    page.step(at, known.iter().map(|(label, answer)| Known { label, answer: Printable::new(answer) }).collect());
    page.about = Printable::new("shop · HAProxy at /run/haproxy/admin.sock");
    told.into_iter().for_each(|told| page.tell(told));
    let help = vec!["What it is for, in a sentence that is longer than a line of a small terminal.".to_owned()];
    page.put(Query { ask: ask.to_owned(), help, kind });
    page
}

fn row((at, half): (usize, Half)) -> Row {
    let name = if at == 2 { "web3-世界世界世界.example.internal".to_owned() } else { format!("web{}", at + 1) };
    let facts = ["dc1", "weight 30", if at == 4 { "in, DOWN" } else { "in, UP" }, "10.0.0.11:3000", ""];
    let facts = facts.iter().map(|fact| Printable::new(fact)).collect();
    Row { name: Printable::new(&name), half, weight: 1.0, facts }
}

fn answers() -> Told {
    let rows = (1..=30).map(|at| format!("web{at:<4} 10.0.0.{at:<3}:3000  in, UP    200      {}", at % 9));
    Told::Table(
        std::iter::once("server   address        balancer  health  ms".to_owned())
            .chain(rows)
            .map(|row| Printable::new(&row))
            .collect(),
    )
}

/// Each kind of question: how it comes to be on the screen.
fn pages() -> Vec<(&'static str, Page)> {
    let line = |text: &str, proposal: Option<&str>| {
        let mut typing = Typing::new(proposal.map(str::to_owned));
        text.chars().for_each(|c| typing.insert(c));
        Kind::Line(typing)
    };
    let list = List { rows: vec!["shop   6 servers: 6 in".into(), "api    2 servers: 1 in, 1 out".into()], selected: 1 };
    let halves = Halves::new((0..6).map(|at| row((at, if at < 3 { Half::A } else { Half::B }))).collect());
    let file =
        "# Made by `halfstep init`\n\n[pool]\nname = \"shop\"                 # in journals\n\n[commands]\nupdate = \"a # b\"\n";
    let lines = file.lines().cycle().take(60).map(Printable::new).collect();
    let warned = Told::Sentence(Role::Warning, "web9 is left out: another one has the same address".into());
    let mut wrong = page(3, vec![answers()], "Path that says whether a server is healthy", line("healthz", Some("/healthz")));
    wrong.wrong("a path begins with /, as /healthz, and has no blanks; or tcp, command: …, none");
    let mut helped = page(3, vec![], "Path that answers the version", line("", Some("/version")));
    helped.press(Key::Char('?'));
    let mut busy = page(3, vec![answers()], "Path", line("", None));
    busy.begins("Asking every server for its health");
    vec![
        ("line", page(3, vec![], "Path that answers the version", line("", Some("/version")))),
        ("wrong", wrong),
        ("help", helped),
        ("busy", busy),
        ("list", page(1, vec![warned], "Which pool", Kind::List(list))),
        ("halves", page(2, vec![], "Which server is in which half", Kind::Halves(halves))),
        ("file", page(5, vec![], "This would be written to halfstep.toml", Kind::Text(Text { lines, from: 3 }))),
        ("long", page(4, vec![], "Command to stop a server", line(&"sudo systemctl stop shop@{port} ".repeat(9), None))),
    ]
}

fn picture(page: &Page, theme: &Theme, size: (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
    terminal.draw(|frame| draw(page, theme, frame.area(), frame.buffer_mut())).expect("drawn");
    terminal
}

#[test]
fn every_question_at_every_size() {
    let theme = Theme::plain(Colours::Sixteen, Glyphs::Unicode);
    for (name, page) in pages() {
        for size in SIZES {
            let shown = picture(&page, &theme, size).backend().to_string();
            insta::assert_snapshot!(format!("setup_{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn colours_say_what_words_say_there_too() {
    let mono = Theme::plain(Colours::None, Glyphs::Unicode);
    let colour = Theme::plain(Colours::Sixteen, Glyphs::Unicode);
    let ascii = Theme::plain(Colours::None, Glyphs::Ascii);
    for (name, page) in pages() {
        for size in SIZES {
            let plain = picture(&page, &mono, size);
            assert_eq!(plain.backend().to_string(), picture(&page, &colour, size).backend().to_string(), "{name} at {size:?}");
            let cells = &plain.backend().buffer().content;
            assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset), "{name} at {size:?}");
            assert!(picture(&page, &ascii, size).backend().to_string().is_ascii(), "{name} at {size:?}");
        }
        insta::assert_snapshot!(format!("colour_setup_{name}"), styled(&picture(&page, &colour, (80, 24))));
    }
}

#[test]
fn nothing_of_any_size_panics_and_the_way_on_is_seen() {
    let theme = Theme::plain(Colours::True, Glyphs::Unicode);
    for (name, page) in pages() {
        for size in [(1, 1), (2, 50), (59, 17), (61, 19), (99, 24), (100, 18), (300, 100)] {
            picture(&page, &theme, size);
        }
        for size in SIZES {
            let shown = picture(&page, &theme, size).backend().to_string();
            assert!(shown.contains("Esc") && shown.contains(" of 6"), "{name} at {size:?}:\n{shown}");
        }
    }
    let shown = picture(&pages()[0].1, &theme, (40, 10)).backend().to_string();
    assert!(shown.contains("--plain"), "{shown}");
}

#[test]
fn pasted_text_goes_into_a_line_and_never_presses_a_key() {
    let mut all = pages();
    let line = &mut all[0].1;
    assert_eq!(line.pasted("\n  /healthz\r\nrm -rf /\n"), Turn::Stays);
    assert_eq!(line.press(Key::Enter), Turn::Answers(Answer::Text("/healthz".to_owned())));
    let halves = &mut all[5].1;
    assert_eq!(halves.pasted("\r"), Turn::Stays);
    assert!(halves.wrong.is_some());
    for (name, page) in &mut pages() {
        assert_eq!(page.press(Key::Ctrl('c')), Turn::Leaves, "{name}");
    }
    let mut helped = pages().remove(2).1;
    assert_eq!(helped.press(Key::Esc), Turn::Stays, "it closes the help");
    assert_eq!(helped.press(Key::Esc), Turn::Back);
}
