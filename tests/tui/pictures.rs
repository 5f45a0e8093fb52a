//! Pictures of the screen at the sizes that people have, as text. What a wrong width, a lost line or a jump does shows in
//! the difference.

use crate::samples;
use halfstep::engine::snapshot::{Snapshot, TrafficView};
use halfstep::model::Printable;
use halfstep::tui::action::Action;
use halfstep::tui::app::App;
use halfstep::tui::preferences::Preferences;
use halfstep::tui::theme::{Colours, Glyphs, Theme};
use halfstep::tui::widget::{Now, Part};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::style::Color;
use std::sync::LazyLock;
use std::time::Duration;

pub const SIZES: [(u16, u16); 4] = [(60, 18), (80, 24), (120, 40), (200, 50)];

/// The theme of these pictures.
pub fn colour() -> Theme {
    Theme::plain(Colours::Sixteen, Glyphs::Unicode)
}

pub fn now() -> Now {
    let wall = jiff::Timestamp::from_second(1_750_000_200).expect("a time").to_zoned(jiff::tz::TimeZone::UTC);
    Now { wall, since_news: Duration::ZERO, since_snapshot: Duration::ZERO }
}

/// Draws, and returns what stands on the terminal.
pub fn picture(app: &mut App, size: (u16, u16), now: &Now) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
    terminal.draw(|frame| app.draw(now, frame.area(), frame.buffer_mut())).expect("drawn");
    terminal
}

pub fn app(snapshot: Snapshot) -> App {
    // Reading the themes takes longer than all else in most tests.
    static LIKES: LazyLock<Preferences> = LazyLock::new(|| Preferences::plain(Colours::Sixteen, Glyphs::Unicode));
    App::liking(snapshot, LIKES.clone(), Part::Driver)
}

fn text(terminal: &Terminal<TestBackend>) -> String {
    terminal.backend().to_string()
}

#[test]
fn every_moment_at_every_size() {
    let moments = [
        ("preflight", samples::pool(halfstep::model::PhaseName::Preflight)),
        ("before_switch", samples::before_switch()),
        ("updating", samples::updating()),
        ("bake", samples::bake()),
        ("rolling_back", samples::rolling_back()),
        ("failed", samples::failed()),
        ("drain_overdue", samples::drain_overdue()),
        ("thousand", samples::thousand()),
        ("strange", samples::strange()),
        ("contract", samples::contract()),
        ("over", samples::over()),
        ("busy", samples::busy()),
        ("sixteen", samples::sixteen()),
        ("odd", samples::odd()),
        ("undecided", samples::pending::undecided()),
        ("expanding", samples::pending::expanding()),
    ];
    for (name, snapshot) in moments {
        for size in SIZES {
            let mut app = app(snapshot.clone());
            let shown = text(&picture(&mut app, size, &now()));
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

/// Sizes between those that people have: where the halves begin to stand side by side, and where there is height but no width.
#[test]
fn in_between_sizes() {
    for (name, snapshot) in [("failed", samples::failed()), ("sixteen", samples::sixteen()), ("bake", samples::bake())] {
        for size in [(100, 30), (112, 34), (90, 50), (140, 45)] {
            insta::assert_snapshot!(
                format!("{name}_{}x{}", size.0, size.1),
                text(&picture(&mut app(snapshot.clone()), size, &now()))
            );
        }
    }
}

#[test]
fn a_filter_is_said_and_shows_only_what_it_lets_through() {
    for (name, filter) in [("name", "WEB04"), ("state", "down"), ("nothing", "db")] {
        let mut app = app(samples::thousand());
        app.filter(filter.to_owned());
        insta::assert_snapshot!(format!("filter_{name}"), text(&picture(&mut app, (120, 40), &now())));
    }
    let mut app = app(samples::thousand());
    app.filter("web0411".to_owned());
    picture(&mut app, (80, 24), &now());
    app.update(Action::Down);
    assert!(text(&picture(&mut app, (80, 24), &now())).contains("▸ web0411"));
}

#[test]
fn the_engine_is_gone() {
    for size in SIZES {
        let mut app = app(samples::bake());
        app.gone();
        let quiet = Now { since_news: Duration::from_secs(90), since_snapshot: Duration::from_secs(90), ..now() };
        insta::assert_snapshot!(format!("gone_{}x{}", size.0, size.1), text(&picture(&mut app, size, &quiet)));
    }
}

/// Each row, and below it what of it is not plain: from which column to which, and how.
pub fn styled(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let mut said = String::new();
    for y in 0..buffer.area.height {
        let row: Vec<&Cell> = (0..buffer.area.width).map(|x| &buffer[(x, y)]).collect();
        let text: String = row.iter().map(|cell| cell.symbol()).collect();
        said += text.trim_end();
        said.push('\n');
        let mut from = 0;
        for run in row.chunk_by(|one, two| one.style() == two.style()) {
            let style = run[0].style();
            let plain = run[0].fg == Color::Reset && run[0].bg == Color::Reset && run[0].modifier.is_empty();
            if !plain && run.iter().any(|cell| cell.symbol() != " ") {
                let words = [run[0].fg, run[0].bg]
                    .map(|colour| if colour == Color::Reset { String::new() } else { format!(" {colour}") });
                let modifier = if style.add_modifier.is_empty() { String::new() } else { format!(" {:?}", style.add_modifier) };
                said += &format!("    {from}..{}{}{modifier}\n", from + run.len(), words.concat());
            }
            from += run.len();
        }
    }
    said
}

#[test]
fn colours_say_what_words_say() {
    let mono = Theme::plain(Colours::None, Glyphs::Unicode);
    for (name, snapshot) in [("bake", samples::bake()), ("failed", samples::failed()), ("over", samples::over())] {
        for (look, theme) in [("colour", colour()), ("mono", mono)] {
            for size in [(80, 24), (120, 40)] {
                let mut app = App::new(snapshot.clone(), theme, Part::Driver);
                app.update(Action::Down);
                let name = format!("{look}_{name}_{}x{}", size.0, size.1);
                insta::assert_snapshot!(name, styled(&picture(&mut app, size, &now())));
            }
        }
    }
}

#[test]
fn in_ascii_nothing_is_a_question_mark_that_was_none() {
    let theme = Theme::plain(Colours::None, Glyphs::Ascii);
    for (name, snapshot) in [("bake", samples::bake()), ("failed", samples::failed()), ("sixteen", samples::sixteen())] {
        for size in [(80, 24), (120, 40)] {
            let asked = text(&picture(&mut app(snapshot.clone()), size, &now())).matches('?').count();
            let shown = text(&picture(&mut App::new(snapshot.clone(), theme, Part::Driver), size, &now()));
            assert!(shown.is_ascii(), "{shown}");
            assert_eq!(shown.matches('?').count(), asked, "{shown}");
            insta::assert_snapshot!(format!("ascii_{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn too_small_is_a_sentence() {
    let mut app = app(samples::bake());
    insta::assert_snapshot!("too_small_40x10", text(&picture(&mut app, (40, 10), &now())));
}

#[test]
fn without_colour_no_cell_has_one() {
    let theme = Theme::plain(Colours::None, Glyphs::Ascii);
    for size in SIZES {
        let mut app = App::new(samples::failed(), theme, Part::Driver);
        app.update(Action::Down);
        let terminal = picture(&mut app, size, &now());
        let cells = &terminal.backend().buffer().content;
        assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    }
}

#[test]
fn nothing_of_any_size_panics_and_no_line_is_lost() {
    for (width, height) in [(1, 1), (2, 50), (59, 17), (60, 18), (61, 19), (79, 23), (99, 24), (100, 24), (101, 33), (500, 200)] {
        for snapshot in [Snapshot::default(), samples::strange(), samples::thousand(), samples::failed()] {
            let mut app = app(snapshot);
            for action in [Action::Down, Action::Help, Action::Back, Action::Gates, Action::Back, Action::Commands, Action::Up] {
                app.update(action);
                picture(&mut app, (width, height), &now());
            }
        }
    }
}

#[test]
fn what_matters_most_is_on_the_smallest_screen() {
    let mut app = app(samples::failed());
    let shown = text(&picture(&mut app, (60, 18), &now()));
    for said in ["1.41.0", "1.42.0", "web2", "failed", "Going back now", "Half A", "Half B", "errors", "Enter", "R roll back"] {
        assert!(shown.contains(said), "{said} is missing:\n{shown}");
    }
}

#[test]
fn lines_stay_where_they_are_while_things_go_wrong() {
    for size in SIZES {
        let places = |snapshot: Snapshot| {
            let shown = text(&picture(&mut app(snapshot), size, &now()));
            ["Half A", "Half B", "Capacity", "Going back now", "Activity"]
                .map(|title| shown.lines().position(|line| line.contains(title)))
        };
        let calm = places(samples::before_switch());
        assert_eq!(calm, places(samples::failed()), "{size:?}");
        assert_eq!(calm, places(samples::bake()), "{size:?}");
        let mut trouble = samples::bake();
        trouble.nodes[0].trouble = Some(Printable::new("no answer"));
        trouble.traffic = TrafficView::default();
        assert_eq!(calm, places(trouble), "{size:?}");
    }
}

#[test]
fn text_from_outside_cannot_move_the_cursor() {
    let mut app = app(samples::strange());
    for size in SIZES {
        let terminal = picture(&mut app, size, &now());
        for cell in &terminal.backend().buffer().content {
            assert!(!cell.symbol().chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
        }
    }
}

#[test]
fn old_figures_are_called_old() {
    let mut app = app(samples::bake());
    let quiet = Now { since_news: Duration::from_secs(8), since_snapshot: Duration::from_secs(8), ..now() };
    let shown = text(&picture(&mut app, (80, 24), &quiet));
    assert!(shown.contains("no news for 8 s"), "{shown}");
    assert!(shown.contains("as last seen"), "{shown}");
    let shown = text(&picture(&mut app, (80, 24), &now()));
    assert!(!shown.contains("no news"), "{shown}");
}

#[test]
fn the_selected_server_is_shown_among_a_thousand() {
    let mut app = app(samples::thousand());
    picture(&mut app, (80, 24), &now());
    app.update(Action::Last);
    let shown = text(&picture(&mut app, (80, 24), &now()));
    assert!(shown.contains("▸ web0499"), "{shown}");
    app.update(Action::OtherHalf);
    let shown = text(&picture(&mut app, (80, 24), &now()));
    assert!(shown.contains("▸ web0900"), "the worst one of half B comes first:\n{shown}");
}

/// Without colours what is bad is reversed; the row of errors is none of it, or a pool without an error shows a white bar.
#[test]
fn without_colour_a_row_without_errors_is_empty() {
    let mut app = app(samples::before_switch());
    app.wear(Theme::plain(Colours::None, Glyphs::Unicode));
    let terminal = picture(&mut app, (120, 40), &now());
    let shown = text(&terminal);
    let row = shown.lines().position(|line| line.contains("  err  ")).expect("the row of errors");
    let buffer = terminal.backend().buffer();
    let reversed = (0..buffer.area.width)
        .filter(|x| buffer[(*x, u16::try_from(row).expect("a row"))].modifier.contains(ratatui::style::Modifier::REVERSED));
    assert_eq!(reversed.count(), 0, "{shown}");
}
