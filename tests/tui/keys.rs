//! Keys in, commands out: a key means what the screen said when it was pressed.

use crate::pictures::{app, now, picture};
use crate::samples;
use halfstep::engine::snapshot::{ServerState, Snapshot};
use halfstep::model::{GateName, Printable, ServerName};
use halfstep::rollout::{Command, ContractWhen, DrainChoice};
use halfstep::tui::app::{App, Ask};
use halfstep::tui::input::{Input, translate};
use halfstep::tui::theme::{Colours, Glyphs, Theme};
use halfstep::tui::widget::Part;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// Presses a key as a terminal sends it.
pub fn press(app: &mut App, code: KeyCode) -> Ask {
    match translate(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), app.context(), app.keys()) {
        Some(Input::Action(action)) => app.update(action),
        Some(Input::Resized | Input::Pasted) | None => Ask::Nothing,
    }
}

pub fn letters(app: &mut App, text: &str) -> Ask {
    text.chars().fold(Ask::Nothing, |_, c| press(app, KeyCode::Char(c)))
}

pub fn sends(prompt: u64, command: Command) -> Ask {
    Ask::Send { prompt, command }
}

pub fn screen(app: &mut App) -> String {
    picture(app, (80, 24), &now()).backend().to_string()
}

pub fn web(number: u8) -> ServerName {
    ServerName::new(&format!("web{number}"))
}

#[test]
fn enter_sends_go_with_the_number_of_the_prompt_shown() {
    let mut app = app(samples::before_switch());
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Go));
}

#[test]
fn a_second_enter_does_nothing_until_the_answer_was_drawn() {
    let shown = samples::before_switch();
    let mut app = app(shown.clone());
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Go));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    app.sent(1);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    app.answered(1, None);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "answered, and the picture is still the old one");
    app.show(&shown);
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Go));
}

#[test]
fn another_prompt_frees_enter_and_carries_its_own_number() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Enter);
    let mut next = samples::before_switch();
    next.prompt.number = 13;
    app.show(&next);
    assert_eq!(press(&mut app, KeyCode::Enter), sends(13, Command::Go));
}

#[test]
fn a_refused_command_says_why_and_frees_enter() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Enter);
    app.sent(4);
    app.answered(4, Some(Printable::new("the prompt has changed: look again")));
    assert!(screen(&mut app).contains("the prompt has changed: look again"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Go));
}

#[test]
fn space_holds_at_once_everywhere_but_in_text() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Enter);
    assert_eq!(press(&mut app, KeyCode::Char(' ')), sends(12, Command::Hold), "also while Enter is under way");
    for key in ['?', 'p', 'l', 'R', 'A'] {
        let mut app = self::app(samples::before_switch());
        press(&mut app, KeyCode::Char(key));
        assert_eq!(press(&mut app, KeyCode::Char(' ')), sends(12, Command::Hold), "over {key}");
    }
    press(&mut app, KeyCode::Char('n'));
    assert_eq!(press(&mut app, KeyCode::Char(' ')), Ask::Nothing);
}

#[test]
fn a_key_that_cannot_be_used_says_why() {
    let mut app = app(samples::before_switch());
    for (key, why) in [
        ('s', "there is no bake now"),
        ('w', "nothing was switched yet"),
        ('r', "no server failed"),
        ('L', "contract comes after"),
    ] {
        assert_eq!(press(&mut app, KeyCode::Char(key)), Ask::Nothing);
        assert!(screen(&mut app).contains(why), "{key}: {why}");
    }
    assert_eq!(press(&mut app, KeyCode::Char('z')), Ask::Nothing);
    assert!(screen(&mut app).contains("z means nothing here"));
    let mut app = self::app(samples::bake());
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    assert!(screen(&mut app).contains("the bake is not over"));
}

#[test]
fn dear_commands_show_what_will_happen_and_ask_for_enter() {
    let wanted = [('R', Command::RollBack), ('A', Command::Automatic), ('s', Command::SkipBake)];
    for (key, command) in wanted {
        let mut app = app(samples::bake());
        assert_eq!(press(&mut app, KeyCode::Char(key)), Ask::Nothing);
        assert_eq!(press(&mut app, KeyCode::Enter), sends(14, command.clone()), "{key}");
        assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "a second Enter is not Go");
        let mut app = self::app(samples::bake());
        press(&mut app, KeyCode::Char(key));
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.overlays_open(), 0);
    }
}

#[test]
fn rolling_back_shows_its_price_and_steps() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Char('R'));
    let shown = screen(&mut app);
    for said in [
        "about 40 s",
        "1. restore half A (web1, web2, web3)",
        "web1: stop, restore, start",
        "$ ssh deploy@web1.dc1 shop-link 1.41.0",
    ] {
        assert!(shown.contains(said), "{shown}");
    }
}

#[test]
fn a_confirmation_opened_before_things_moved_on_asks_again() {
    let mut app = app(samples::bake());
    press(&mut app, KeyCode::Char('s'));
    let mut next = samples::bake();
    next.prompt.number = 15;
    app.show(&next);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    assert!(screen(&mut app).contains("moved on"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(15, Command::SkipBake));
}

#[test]
fn servers_are_selected_by_name_and_stay_selected() {
    let mut app = app(samples::failed());
    letters(&mut app, "jj");
    assert_eq!(press(&mut app, KeyCode::Char('r')), sends(12, Command::Retry(web(2))));
    let mut reordered = samples::failed();
    reordered.servers.swap(0, 1);
    reordered.prompt.number = 13;
    app.show(&reordered);
    assert_eq!(press(&mut app, KeyCode::Char('r')), sends(13, Command::Retry(web(2))));
}

#[test]
fn the_only_failed_server_needs_no_selection_and_others_do() {
    let mut failed = app(samples::failed());
    assert_eq!(press(&mut failed, KeyCode::Char('r')), sends(12, Command::Retry(web(2))));
    let mut calm = samples::failed();
    calm.servers[1].state = ServerState::Done;
    let mut app = app(calm);
    assert_eq!(press(&mut app, KeyCode::Char('r')), Ask::Nothing);
    assert!(screen(&mut app).contains("select one with j and k"));
}

#[test]
fn a_drain_that_is_overdue_needs_no_selection() {
    let mut shown = samples::drain_overdue();
    shown.servers[2].state = ServerState::Failed;
    let mut app = app(shown);
    letters(&mut app, "dw");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(7, Command::Cut(web(3), DrainChoice::Wait)));
}

#[test]
fn excluding_asks_and_declaring_gone_asks_for_the_name() {
    let mut shown = samples::failed();
    let mut app = app(shown.clone());
    letters(&mut app, "jjx");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Exclude(web(2))));
    shown.servers[1].state = ServerState::Excluded;
    shown.prompt.refused.remove("gone");
    shown.prompt.number = 13;
    app.show(&shown);
    press(&mut app, KeyCode::Char('x'));
    letters(&mut app, "web");
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    letters(&mut app, "2");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(13, Command::Gone(web(2))));
}

#[test]
fn a_drain_has_four_ways_on_and_each_asks_for_enter() {
    for (key, choice) in
        [('w', DrainChoice::Wait), ('g', DrainChoice::GoOn), ('x', DrainChoice::Kill), ('b', DrainChoice::PutBack)]
    {
        let mut app = app(samples::drain_overdue());
        letters(&mut app, "jjjd");
        assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "nothing chosen yet");
        press(&mut app, KeyCode::Char(key));
        assert_eq!(press(&mut app, KeyCode::Enter), sends(7, Command::Cut(web(3), choice)));
    }
}

#[test]
fn contract_now_needs_the_word_and_later_needs_a_key() {
    let mut app = app(samples::contract());
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    for wrong in ["", "contrac", "Contract"] {
        letters(&mut app, wrong);
        assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "{wrong}");
        (0..wrong.len()).for_each(|_| {
            press(&mut app, KeyCode::Backspace);
        });
    }
    letters(&mut app, "contract");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(30, Command::Contract(ContractWhen::Now)));
    let mut app = self::app(samples::contract());
    assert_eq!(press(&mut app, KeyCode::Char('L')), Ask::Nothing, "small and capital l are a step apart: it asks");
    assert!(screen(&mut app).contains("contract pending"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(30, Command::Contract(ContractWhen::Later)));
}

#[test]
fn an_unknown_gate_is_accepted_with_a_reason_and_a_promise_never() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Char('p'));
    assert!(screen(&mut app).contains("Enter accepts it, with a reason"), "the gate in the way is selected at once");
    press(&mut app, KeyCode::Up);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    assert!(screen(&mut app).contains("never accepted by hand"));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Enter);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "no reason, no acceptance");
    letters(&mut app, "seen on the graphs");
    let command = Command::Accept(GateName::Capacity, Printable::new("seen on the graphs"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, command));
}

#[test]
fn a_note_is_sent_as_typed_and_cannot_hold_control_characters() {
    let mut app = app(samples::bake());
    letters(&mut app, "nqR ok");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(14, Command::Note(Printable::new("qR ok"))));
}

#[test]
fn a_screen_that_watches_is_refused_everything_but_looking() {
    let theme = Theme::plain(Colours::Sixteen, Glyphs::Unicode);
    let mut app = App::new(samples::failed(), theme, Part::Observer);
    for code in
        [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Char('R'), KeyCode::Char('r'), KeyCode::Char('A'), KeyCode::Char('n')]
    {
        assert_eq!(press(&mut app, code), Ask::Nothing, "{code:?}");
        assert!(screen(&mut app).contains("only watches"), "{code:?}");
    }
    assert_eq!(press(&mut app, KeyCode::Char('q')), Ask::Leave);
}

#[test]
fn without_an_engine_keys_say_how_it_comes_back_and_q_leaves() {
    let mut app = app(samples::before_switch());
    app.gone();
    for code in [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Char('R')] {
        assert_eq!(press(&mut app, code), Ask::Nothing);
    }
    assert!(screen(&mut app).contains("halfstep resume"));
    assert_eq!(press(&mut app, KeyCode::Char('q')), Ask::Leave);
}

#[test]
fn when_it_is_over_enter_and_q_leave() {
    assert_eq!(press(&mut app(samples::over()), KeyCode::Enter), Ask::Leave);
    assert_eq!(press(&mut app(samples::over()), KeyCode::Char('q')), Ask::Leave);
    let mut app = app(samples::over());
    assert_eq!(press(&mut app, KeyCode::Char('R')), Ask::Nothing);
}

#[test]
fn on_a_terminal_that_shows_nothing_only_hold_and_leave_mean_something() {
    let mut app = app(samples::before_switch());
    picture(&mut app, (40, 10), &now());
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    press(&mut app, KeyCode::Char('R'));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
    assert_eq!(press(&mut app, KeyCode::Char(' ')), sends(12, Command::Hold));
    assert_eq!(press(&mut app, KeyCode::Char('q')), Ask::Leave);
}

#[test]
fn enter_on_a_command_reads_its_output() {
    let mut app = app(samples::failed());
    press(&mut app, KeyCode::Char('l'));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Read("output/update-a.web2.3.1.log".to_owned()));
    press(&mut app, KeyCode::Home);
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing);
}

#[test]
fn a_paste_is_ignored_and_said() {
    let mut app = app(samples::before_switch());
    let paste = Event::Paste("\r".to_owned());
    assert_eq!(translate(&paste, app.context(), app.keys()), Some(Input::Pasted));
    app.pasted();
    assert!(screen(&mut app).contains("pasted text is ignored"));
}

#[test]
fn an_empty_snapshot_takes_every_key() {
    for code in ('!'..='~').map(KeyCode::Char).chain([KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::Up, KeyCode::End]) {
        let mut app = app(Snapshot::default());
        press(&mut app, code);
        screen(&mut app);
        press(&mut app, KeyCode::Enter);
        press(&mut app, code);
        screen(&mut app);
    }
}

#[test]
fn who_drives_hands_over_to_somebody_or_to_the_next() {
    let mut app = app(samples::before_switch());
    app.sit(Some(1));
    assert_eq!(press(&mut app, KeyCode::Char('h')), Ask::Nothing);
    assert!(screen(&mut app).contains("whoever takes it next"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::HandOver(Some(2))));
    let mut app = self::app(samples::before_switch());
    app.sit(Some(1));
    letters(&mut app, "hj");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::HandOver(None)));
}

#[test]
fn who_observes_takes_over_with_a_reason_and_is_asked_twice() {
    let mut app = app(samples::before_switch());
    app.sit(Some(2));
    for code in [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Char('R'), KeyCode::Char('n')] {
        assert_eq!(press(&mut app, code), Ask::Nothing, "{code:?}");
        assert!(screen(&mut app).contains("deploy drives and you observe: h takes over"), "{code:?}");
    }
    press(&mut app, KeyCode::Char('h'));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "no reason");
    letters(&mut app, "deploy has gone home");
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::Nothing, "asked once more");
    assert!(screen(&mut app).contains("deploy drives now and will observe"));
    let why = Printable::new("deploy has gone home");
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::TakeOver { from: Some(1), why }));
    app.sent(1);
    app.answered(1, None);
    let mut next = samples::before_switch();
    next.rollout.people.driver = Some(2);
    app.show(&next);
    assert!(screen(&mut app).contains("you drive now"));
    assert_eq!(press(&mut app, KeyCode::Enter), sends(12, Command::Go));
}

#[test]
fn where_nobody_drives_h_takes_it_at_once() {
    let mut shown = samples::before_switch();
    shown.rollout.people.driver = None;
    let mut app = app(shown);
    app.sit(Some(2));
    assert!(screen(&mut app).contains("nobody drives: h"));
    let free = Command::TakeOver { from: None, why: Printable::default() };
    assert_eq!(press(&mut app, KeyCode::Char('h')), sends(12, free));
}

#[test]
fn approving_says_that_nothing_waits_for_it() {
    let mut app = app(samples::before_switch());
    assert_eq!(press(&mut app, KeyCode::Char('a')), Ask::Nothing);
    assert!(screen(&mut app).contains("nothing waits for a second person"));
}

#[test]
fn an_answer_that_comes_after_the_next_prompt_is_still_said() {
    let mut app = app(samples::before_switch());
    press(&mut app, KeyCode::Char(' '));
    app.sent(1);
    let mut next = samples::before_switch();
    next.prompt.number = 13;
    app.show(&next);
    app.answered(1, None);
    assert!(!screen(&mut app).contains("hold …"), "nothing is under way any more");
    press(&mut app, KeyCode::Enter);
    app.sent(2);
    next.prompt.number = 14;
    app.show(&next);
    app.answered(2, Some(Printable::new("the screen has changed since that key was pressed")));
    assert!(screen(&mut app).contains("the screen has changed since that key was pressed"));
}
