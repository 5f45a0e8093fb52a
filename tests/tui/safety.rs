//! Safety at the keyboard: what a key may begin, by the tables of the keymap; and that it means what the screen said when it
//! was pressed, whatever lies between the key and the program.

use crate::keys::{press, screen};
use crate::pictures::app;
use crate::pty::Stage;
use crate::samples;
use crate::terminal::Answers;
use halfstep::engine::snapshot::Snapshot;
use halfstep::engine::wire::{ToEngine, ToScreen};
use halfstep::rollout::Command;
use halfstep::tui::action::Action;
use halfstep::tui::app::{App, Ask};
use halfstep::tui::keymap::{Context, Key, Keymap, defaults};
use halfstep::tui::sight::Question;
use ratatui::crossterm::event::KeyCode;
use std::time::{Duration, Instant};

/// One way, as over a satellite and a congested line.
const SLOW: Duration = Duration::from_secs(2);

fn moments() -> Vec<Snapshot> {
    vec![
        samples::before_switch(),
        samples::bake(),
        samples::failed(),
        samples::drain_overdue(),
        samples::contract(),
        samples::rolling_back(),
        samples::updating(),
        samples::pending::undecided(),
        samples::strange(),
    ]
}

/// The ways to each place: keys on the rollout.
fn ways(context: Context) -> &'static [&'static str] {
    match context {
        Context::Rollout => &[""],
        Context::Confirm => &["R", "A", "s", "jx", "L"],
        Context::Text => &["n"],
        Context::CommandLine => &[":"],
        Context::Filter => &["/"],
        Context::Search => &["l/"],
        Context::Drain => &["jd", "jdw", "jdx", "jdg", "jdb"],
        Context::Gates => &["p"],
        Context::Commands => &["l"],
        Context::Migrations => &["m"],
        // Opened by an answer of the loop, not by a key alone.
        Context::Output | Context::Seats => &[],
        Context::Help => &["?"],
        Context::Themes => &["T"],
    }
}

/// What one letter sends in a place, at any of the moments.
fn sent(context: Context, key: KeyCode) -> Vec<Command> {
    let mut sent = Vec::new();
    for snapshot in moments() {
        for way in ways(context) {
            let mut app = app(snapshot.clone());
            for letter in way.chars() {
                press(&mut app, KeyCode::Char(letter));
            }
            if app.context() == context
                && let Ask::Send { command, .. } = press(&mut app, key)
            {
                sent.push(command);
            }
        }
    }
    sent
}

/// By the tables: what a letter, capital or small, sends by itself in any place at any moment is a hold, or once more what
/// failed. So the wrong case of a letter can begin nothing but that.
#[test]
fn no_letter_begins_anything_but_a_hold_or_a_retry() {
    let mut held = 0;
    let mut retried = 0;
    for context in Context::ALL {
        for letter in ('!'..='~').chain([' ']) {
            for command in sent(context, KeyCode::Char(letter)) {
                match command {
                    Command::Hold => {
                        assert_eq!(letter, ' ', "only Space holds, in {context:?}");
                        held += 1;
                    }
                    Command::Retry(_) => {
                        assert_eq!((context, letter), (Context::Rollout, 'r'));
                        retried += 1;
                    }
                    other => panic!("{letter} in {context:?} sends {other}"),
                }
            }
        }
    }
    assert!(held > 20 && retried > 0, "the test itself presses nothing: {held} holds, {retried} retries");
}

/// Where both cases of a letter are bound, the one that sends something and the one that opens something dear are never
/// the two: r begins a retry, R only shows the price.
#[test]
fn capital_and_small_letters_are_never_a_step_apart_in_danger() {
    let mut pairs = 0;
    for context in Context::ALL {
        for small in 'a'..='z' {
            let capital = small.to_ascii_uppercase();
            let bound = |c| matches!(Keymap::default().meaning(context, Key::Char(c)), Some(action) if !matches!(action, Action::Unbound(_) | Action::Type(_)));
            if !(bound(small) && bound(capital)) {
                continue;
            }
            pairs += 1;
            let sends = |c| !sent(context, KeyCode::Char(c)).is_empty();
            assert!(!(sends(small) && sends(capital)), "{small} and {capital} both act in {context:?}");
            assert!(!sends(capital), "a capital letter acts at once: {capital} in {context:?}");
        }
    }
    assert!(pairs >= 5, "{pairs} pairs: the table is not read");
}

#[test]
fn space_holds_in_every_place_that_is_no_text_and_does_nothing_else() {
    for context in Context::ALL {
        let spaces: Vec<Action> = defaults(context)
            .iter()
            .filter(|binding| binding.keys.contains(&Key::Char(' ')))
            .map(|binding| binding.action)
            .collect();
        if context.is_text() {
            assert!(
                spaces.is_empty() && Keymap::default().meaning(context, Key::Char(' ')) == Some(Action::Type(' ')),
                "{context:?}"
            );
            assert!(sent(context, KeyCode::Char(' ')).is_empty(), "{context:?}");
        } else {
            assert_eq!(spaces, [Action::Hold], "{context:?}");
            assert!(sent(context, KeyCode::Char(' ')).iter().all(|command| *command == Command::Hold), "{context:?}");
        }
    }
}

/// A screen that asks its terminal; what is drawn is confirmed by hand.
fn watched(snapshot: Snapshot) -> App {
    let mut app = app(snapshot);
    app.asks_its_terminal();
    app
}

fn confirm(app: &mut App) {
    match app.sends_picture() {
        Question::Ask(column) => app.sees(column),
        Question::Nothing => {}
    }
}

#[test]
fn before_the_terminal_has_the_picture_only_a_hold_goes_out() {
    let mut app = watched(samples::before_switch());
    let asked = app.sends_picture();
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    assert!(screen(&mut app).contains("before this picture was on your screen"));
    assert!(matches!(press(&mut app, KeyCode::Char(' ')), Ask::Send { command: Command::Hold, .. }));
    app.sent(1);
    app.answered(1, None);
    app.show(&samples::before_switch());
    let Question::Ask(column) = asked else { panic!("nothing was asked") };
    app.sees(column);
    assert!(matches!(press(&mut app, KeyCode::Enter), Ask::Send { prompt: 12, command: Command::Go }));
}

#[test]
fn a_price_must_have_been_seen_before_enter_rolls_back_and_prompts_may_go_on_below_it() {
    let mut app = watched(samples::before_switch());
    confirm(&mut app);
    press(&mut app, KeyCode::Char('R'));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "typed ahead");
    confirm(&mut app);
    let mut next = samples::before_switch();
    next.prompt.number = 13;
    app.show(&next);
    assert!(matches!(press(&mut app, KeyCode::Enter), Ask::Send { prompt: 13, command: Command::RollBack }));
}

#[test]
fn keys_typed_before_the_screen_is_drawn_begin_nothing() {
    let mut stage = Stage::over(&samples::before_switch(), Duration::ZERO, Answers::Yes, "\r\rR\r");
    stage.until_shown("Going back now");
    // Whatever of it came through has only opened the price; nothing was sent: the first command is this hold.
    stage.press("\x1b\x1b ");
    assert_eq!(stage.command().command, Command::Hold);
}

#[test]
fn over_a_slow_link_enter_means_the_picture_that_was_there_when_it_was_pressed() {
    let began = Instant::now();
    let mut stage = Stage::over(&samples::before_switch(), SLOW, Answers::Yes, "\r");
    stage.until_shown("Half A · dark");
    assert!(began.elapsed() >= SLOW, "the link is not slow");
    stage.press("\r");
    assert_eq!(stage.command(), ToEngine { id: 1, prompt: Some(12), command: Command::Go });
    // The engine is quick: the next prompt is drawn long before the person can see it.
    stage.line(&ToScreen::Answer { id: 1, refused: None });
    stage.publish(&samples::bake_is_over());
    // Pressed in impatience, on the picture of prompt 12; it arrives when 15 is drawn, and begins nothing.
    stage.press("\r");
    stage.until_shown("before this picture was on your screen");
    stage.until_shown("update and start half B");
    stage.press("\r");
    assert_eq!(stage.command(), ToEngine { id: 2, prompt: Some(15), command: Command::Go });
}

#[test]
fn over_a_slow_link_a_hold_is_obeyed_at_once_and_a_price_is_seen_first() {
    let mut stage = Stage::over(&samples::before_switch(), SLOW, Answers::Yes, "");
    stage.until_shown("Half A · dark");
    stage.press("R\r ");
    assert_eq!(stage.command().command, Command::Hold, "R and Enter in one go begin nothing");
    stage.line(&ToScreen::Answer { id: 1, refused: None });
    stage.until_shown("restore half A (web1, web2, web3)");
    stage.press("\r");
    assert_eq!(stage.command(), ToEngine { id: 2, prompt: Some(12), command: Command::RollBack });
}

#[test]
fn a_terminal_that_answers_nothing_is_believed_after_a_while() {
    let mut stage = Stage::over(&samples::before_switch(), Duration::ZERO, Answers::Never, "");
    stage.until_shown("Half A · dark");
    stage.press("\r");
    stage.until_shown("before this picture was on your screen");
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(Instant::now() < limit, "it never believes it");
        stage.press("\r");
        if stage.asked(Duration::from_millis(500)) {
            break;
        }
    }
    assert_eq!(stage.command().command, Command::Go);
}

#[test]
fn pasted_text_begins_nothing_in_any_place_and_over_a_slow_link() {
    for opens in ["", "R", "p", ":"] {
        let mut stage = Stage::new(&samples::before_switch());
        stage.until_shown("Half A · dark");
        stage.press(opens);
        stage.press("\x1b[200~go\r \rR\r\x1b[201~");
        stage.until_shown("pasted text is ignored");
        stage.press("\x1b\x1b ");
        assert_eq!(stage.command().command, Command::Hold, "after {opens}");
    }
}
