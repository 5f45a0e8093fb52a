//! Which changes of `[keys]` in `console.toml` are taken, and why the others are not.
//!
//! 1. The action has a name ([`Action::name`]), the key is a letter, a mark, or one of Enter, Space, Esc and the arrows:
//!    F-keys and Alt do not come through tmux and screen, Ctrl-A and Ctrl-B are theirs.
//! 2. Enter goes on, Esc goes back and Space holds, whatever else is changed: hands know them, and so do the sentences of
//!    the engine. Space can mean nothing but hold.
//! 3. No key means two things on the main screen.
//! 4. A capital and its small letter are never a step apart in danger: one that acts at once may not share its letter with
//!    one that only looks ([`Danger`]).

use super::{Context, Key, Keymap, defaults};
use crate::config::Mistake;
use crate::config::console::Rebound;
use crate::tui::action::Action;

/// What one press of a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Changes nothing but the screen, or can only hold.
    Looks,
    /// Shows what it would do, and asks for Enter, a word or a line.
    Asks,
    /// Does it.
    Acts,
}

/// The table of dangers.
#[must_use]
pub fn danger(action: Action) -> Danger {
    match action {
        Action::Go | Action::Retry | Action::Approve | Action::Confirm => Danger::Acts,
        Action::Automatic
        | Action::RollBack
        | Action::Exclude
        | Action::SkipBake
        | Action::SwitchAgain
        | Action::ContractLater
        | Action::HandOver
        | Action::Judge
        | Action::Note => Danger::Asks,
        Action::Hold
        | Action::Drain
        | Action::Gates
        | Action::Commands
        | Action::Migrations
        | Action::Look(_)
        | Action::Help
        | Action::Coach
        | Action::Explain
        | Action::Themes
        | Action::Quit
        | Action::Back
        | Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::First
        | Action::Last
        | Action::OtherHalf
        | Action::Choose(_)
        | Action::Type(_)
        | Action::Rub
        | Action::RubAll
        | Action::Redraw
        | Action::Interrupt
        | Action::Suspend
        | Action::Unbound(_)
        | Action::CommandLine
        | Action::Filter
        | Action::Search
        | Action::SearchNext
        | Action::SearchBack
        | Action::Follow
        | Action::CopyLine
        | Action::CopyAll
        | Action::Complete => Danger::Looks,
    }
}

/// The keymap with these changes; those that [`judge`] finds wrong are left out.
#[must_use]
pub fn keymap(lines: &[Rebound]) -> Keymap {
    Keymap::changed(&changes(lines).into_iter().filter_map(|(_, change)| change.ok()).collect::<Vec<_>>())
}

/// All that is wrong with the lines of `[keys]`.
#[must_use]
pub fn judge(lines: &[Rebound]) -> Vec<Mistake> {
    let changes = changes(lines);
    let good: Vec<(Action, Key)> = changes.iter().filter_map(|(_, change)| change.as_ref().ok().copied()).collect();
    let keys = Keymap::changed(&good);
    let mut mistakes = Vec::new();
    for (line, change) in changes {
        match change {
            Err(mistake) => mistakes.push(mistake),
            Ok((action, key)) => mistakes.extend(clash(&keys, line, action, key).or_else(|| slip(&keys, line, action, key))),
        }
    }
    mistakes
}

type Change<'l> = (&'l Rebound, Result<(Action, Key), Mistake>);

fn changes(lines: &[Rebound]) -> Vec<Change<'_>> {
    lines.iter().map(|line| (line, change(line))).collect()
}

fn change(line: &Rebound) -> Result<(Action, Key), Mistake> {
    let action = named(line)?;
    let key = key(line)?;
    let fixed = [
        (Key::Char(' '), Action::Hold, "only ever holds"),
        (Key::Enter, Action::Go, "goes on"),
        (Key::Esc, Action::Back, "goes back"),
    ];
    for (reserved, owner, what) in fixed {
        if key == reserved && action != owner {
            let help = format!("give {} another key: hands know that {reserved} {what}", line.action);
            return Err(at_key(line, format!("[keys] {} cannot be {reserved}, which {what}", line.action), help));
        }
    }
    if matches!(action, Action::Go | Action::Back) && ![Key::Enter, Key::Esc].contains(&key) {
        let stays = if action == Action::Go { Key::Enter } else { Key::Esc };
        let help = "leave the line out".to_owned();
        return Err(at_key(line, format!("[keys] {} stays on {stays}", line.action), help));
    }
    let arrow = matches!(key, Key::Up | Key::Down | Key::Left | Key::Right);
    let moves = matches!(action, Action::Up | Action::Down | Action::OtherHalf);
    if arrow && !moves {
        let help = "as a letter".to_owned();
        return Err(at_key(line, format!("[keys] {} cannot be {key}: arrows move the selection", line.action), help));
    }
    Ok((action, key))
}

fn at_key(line: &Rebound, what: String, help: String) -> Mistake {
    Mistake { at: Some(line.key_at.clone()), what, help: Some(help) }
}

fn named(line: &Rebound) -> Result<Action, Mistake> {
    let bound = || defaults(Context::Rollout).iter().map(|binding| binding.action);
    bound().find(|action| action.name() == Some(line.action.as_str())).ok_or_else(|| {
        let names: Vec<&str> = bound().filter_map(Action::name).collect();
        let shown = crate::model::Printable::cut(&line.action, 40);
        Mistake {
            at: Some(line.action_at.clone()),
            what: format!("[keys] there is no action {shown}"),
            help: Some(format!("there are {}", names.join(", "))),
        }
    })
}

/// One letter or mark, or a name.
fn key(line: &Rebound) -> Result<Key, Mistake> {
    let shown = crate::model::Printable::cut(&line.key, 20);
    let wrong = |why: &str| {
        let help = "a letter, a mark as ? or /, or one of Enter, Space, Esc, Up, Down, Left, Right".to_owned();
        Err(at_key(line, format!("[keys] {} cannot be \"{shown}\": {why}", line.action), help))
    };
    let mut letters = line.key.chars();
    match (letters.next(), letters.next()) {
        (Some(' '), None) => return Ok(Key::Char(' ')),
        (Some(c), None) if c.is_ascii_alphabetic() || c.is_ascii_punctuation() => return Ok(Key::Char(c)),
        (Some(c), None) if c.is_ascii_digit() => return wrong("it is a digit, kept for counts"),
        (Some(_), None) => return wrong("not every keyboard has it"),
        (None, _) => return wrong("it is empty"),
        (Some(_), Some(_)) => {}
    }
    let lower = line.key.to_ascii_lowercase();
    let names = [
        ("enter", Key::Enter),
        ("space", Key::Char(' ')),
        ("esc", Key::Esc),
        ("up", Key::Up),
        ("down", Key::Down),
        ("left", Key::Left),
        ("right", Key::Right),
    ];
    if let Some((_, key)) = names.iter().find(|(name, _)| *name == lower) {
        return Ok(*key);
    }
    let is_f = lower.strip_prefix('f').is_some_and(|number| number.parse::<u8>().is_ok());
    let begins = |with: [&str; 3]| with.iter().any(|with| lower.starts_with(with));
    match &lower {
        _ if is_f => wrong("F-keys do not come through tmux and screen"),
        _ if begins(["alt", "meta", "m-"]) => wrong("Alt does not come through tmux and screen"),
        _ if begins(["ctrl-a", "ctrl-b", "c-a"]) || lower == "c-b" => wrong("Ctrl-A and Ctrl-B belong to screen and tmux"),
        _ if begins(["ctrl", "c-", "^"]) => wrong("control keys belong to the terminal"),
        _ => wrong("there is no such key"),
    }
}

/// Another action with the same key.
fn clash(keys: &Keymap, line: &Rebound, action: Action, key: Key) -> Option<Mistake> {
    let other = keys.bindings(Context::Rollout).iter().find(|bound| bound.action != action && bound.keys.contains(&key))?;
    let name = other.action.name().unwrap_or(other.title);
    let help = format!("give {name} another key too, or {} one that is free", line.action);
    Some(at_key(line, format!("[keys] {key} is both {} and {name}", line.action), help))
}

/// An action under the other case of the same letter that is a step apart in danger.
fn slip(keys: &Keymap, line: &Rebound, action: Action, key: Key) -> Option<Mistake> {
    let other_key = other_case(key)?;
    let other = keys.bindings(Context::Rollout).iter().find(|bound| bound.keys.contains(&other_key))?;
    if !step_apart(action, other.action) {
        return None;
    }
    let name = other.action.name().unwrap_or(other.title);
    let (looks, acts) = if danger(action) == Danger::Acts { (name, line.action.as_str()) } else { (line.action.as_str(), name) };
    let what = format!("[keys] {key} is {} and {other_key} is {name}: a slip of the shift key apart", line.action);
    Some(at_key(line, what, format!("{looks} only looks and {acts} acts at once: give one of them another letter")))
}

fn other_case(key: Key) -> Option<Key> {
    match key {
        Key::Char(c) if c.is_ascii_lowercase() => Some(Key::Char(c.to_ascii_uppercase())),
        Key::Char(c) if c.is_ascii_uppercase() => Some(Key::Char(c.to_ascii_lowercase())),
        _ => None,
    }
}

/// Does one act at once where the other only looks?
fn step_apart(one: Action, other: Action) -> bool {
    matches!((danger(one), danger(other)), (Danger::Acts, Danger::Looks) | (Danger::Looks, Danger::Acts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(action: &str, key: &str) -> Rebound {
        Rebound { action: action.to_owned(), action_at: 0..1, key: key.to_owned(), key_at: 2..3 }
    }

    fn said(lines: &[Rebound]) -> Vec<String> {
        judge(lines).into_iter().map(|mistake| format!("{}; {}", mistake.what, mistake.help.unwrap_or_default())).collect()
    }

    fn refused(action: &str, key: &str, why: &str) {
        let said = said(&[line(action, key)]);
        assert!(said.len() == 1 && said[0].contains(why), "{action} = {key}: {said:?}");
    }

    #[test]
    fn other_letters_are_taken() {
        assert!(said(&[line("roll-back", "B"), line("plan", "z"), line("other-half", "Left"), line("hold", "H")]).is_empty());
        assert!(said(&[line("roll-back", "r"), line("retry", "R")]).is_empty(), "changed with each other");
        assert!(said(&[line("hold", "Space"), line("go", "enter")]).is_empty(), "as they are");
        assert_eq!(keymap(&[line("roll-back", "B")]).said(Action::RollBack), "B");
    }

    #[test]
    fn space_enter_and_esc_stay_what_they_are() {
        refused("roll-back", "Space", "only ever holds");
        refused("roll-back", " ", "only ever holds");
        refused("exclude", "Enter", "goes on");
        refused("leave", "Esc", "goes back");
        refused("go", "g", "stays on Enter");
    }

    #[test]
    fn keys_that_do_not_come_through_are_refused_with_the_reason() {
        refused("plan", "F5", "F-keys do not come through");
        refused("plan", "Alt-p", "Alt does not come through");
        refused("plan", "Ctrl-A", "belong to screen and tmux");
        refused("plan", "C-b", "belong to screen and tmux");
        refused("plan", "Ctrl-P", "belong to the terminal");
        refused("plan", "é", "not every keyboard");
        refused("plan", "", "it is empty");
        refused("plan", "Up", "arrows move");
        refused("fly", "z", "there is no action fly; there are go, hold, roll-back");
    }

    #[test]
    fn a_clash_names_both() {
        refused("roll-back", "x", "x is both roll-back and exclude");
        let both = said(&[line("plan", "z"), line("log", "z")]);
        assert_eq!(both.len(), 2);
        assert!(both[0].contains("z is both plan and log") && both[1].contains("z is both log and plan"), "{both:?}");
    }

    #[test]
    fn a_capital_and_its_small_letter_are_never_a_step_apart_in_danger() {
        refused("retry", "D", "drain only looks and retry acts at once");
        refused("help", "R", "R is both help and roll-back");
        let swapped = said(&[line("roll-back", "B"), line("log", "R")]);
        assert!(swapped.len() == 1 && swapped[0].contains("a slip of the shift key apart"), "{swapped:?}");
    }

    #[test]
    fn the_keys_as_they_are_keep_the_rules() {
        let keys = Keymap::default();
        for bound in keys.bindings(Context::Rollout) {
            for key in &bound.keys {
                let Some(other) = other_case(*key).and_then(|key| match keys.meaning(Context::Rollout, key) {
                    Some(Action::Unbound(_)) | None => None,
                    Some(action) => Some(action),
                }) else {
                    continue;
                };
                assert!(!step_apart(bound.action, other), "{key}: {:?} and {other:?}", bound.action);
            }
        }
    }

    #[test]
    fn every_action_of_the_main_screen_has_a_name_of_its_own() {
        let names: Vec<&str> = defaults(Context::Rollout)
            .iter()
            .map(|binding| binding.action.name().unwrap_or_else(|| panic!("{:?} has no name", binding.action)))
            .collect();
        for (at, name) in names.iter().enumerate() {
            assert!(!names[at + 1..].contains(name), "{name} twice");
        }
    }
}
