//! The coach's sentences for a screen on which words are typed: `‹R›, then Enter` becomes `rollback`. Pure.

/// What is said in the place of a key, the longer phrases first. A word does what its key and Enter do.
const PHRASES: &[(&str, &str)] = &[
    ("‹p›, choose ", "accept "),
    (", Enter: you accept it by name, with a reason", " WHY: you accept it by name, with a reason"),
    ("‹l›, then Enter on the red line: ", "in the rollout's directory, under output: "),
    ("‹l›, then Enter on a command: ", "in the rollout's directory, under output: "),
    ("‹l›, then Enter, shows", "the rollout's directory, under output, shows"),
    ("the raw commands under ‹l›", "the raw commands"),
    ("‹l›", "the rollout's directory, under output,"),
    ("the column rotation:", "in status, the rotation:"),
    ("health and version in each row;", "in status, health and version of each server;"),
    ("the command and its output in Activity", "the command"),
    ("stands in Activity", "is printed"),
    ("in Activity", "in the lines here"),
    ("‹d› shows who holds a server up", "status shows who holds a server up"),
    ("‹d› shows four ways on", "cut NAME and one of wait, go-on, kill, put-back"),
    ("‹d›, and read", "cut NAME HOW: help lists how; read"),
    ("‹x› and its name", "gone NAME"),
    ("‹m›, choose the migration, then o: you say", "in the console, m, choose the migration, then o: you say"),
    ("press ‹R› once, then Enter,", "say rollback once"),
    ("‹R›, then Enter", "rollback"),
    ("‹R› and Enter", "rollback"),
    ("‹w›, to switch again,", "switch-again"),
    ("‹w›, then Enter", "switch-again"),
    ("‹w› and Enter", "switch-again"),
    ("‹R›", "rollback"),
    ("‹w›", "switch-again"),
    ("‹r›", "retry NAME"),
    ("‹x›", "exclude NAME"),
    ("‹d›", "cut NAME HOW"),
    ("‹s›", "skip-bake"),
    ("‹L›", "contract later"),
    ("‹p›", "plan"),
    ("‹q›", "quit"),
    ("‹?›", "help"),
    ("Space holds so long", "hold keeps it here so long"),
    ("Space holds", "hold keeps it here"),
    ("Space only ever holds", "hold only ever holds"),
    ("Space", "hold"),
    ("Enter, then the word contract,", "contract now, and then the word contract,"),
    ("Enter", "go"),
];

/// Puts words in the places of keys.
pub(super) fn with_words(said: &str) -> String {
    let text = PHRASES.iter().fold(said.to_owned(), |text, (key, word)| text.replace(key, word));
    // A key that no word stands for is one of the console.
    text.replace('‹', "in the console ").replace('›', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::{Context, Key, defaults};

    #[test]
    fn keys_become_words_and_two_keys_one_word() {
        for (said, words) in [
            ("‹R›, then Enter: back on 1.41.0; instant.", "rollback: back on 1.41.0; instant."),
            ("no ‹R› now: x. Space holds.", "no rollback now: x. hold keeps it here."),
            ("Enter takes half A (web1) out", "go takes half A (web1) out"),
            (
                "wait; or ‹p›, choose capacity, Enter: you accept it by name, with a reason that is kept.",
                "wait; or accept capacity WHY: you accept it by name, with a reason that is kept.",
            ),
            ("‹m› shows it", "in the console m shows it"),
        ] {
            assert_eq!(with_words(said), words);
        }
    }

    #[test]
    fn every_marked_key_of_the_table_is_one_of_the_console() {
        for (key, _) in PHRASES.iter().filter_map(|(phrase, word)| Some((phrase.split_once('‹')?.1.split_once('›')?.0, word)))
        {
            let key = Key::Char(key.chars().next().expect("a key"));
            assert!(defaults(Context::Rollout).iter().any(|binding| binding.keys.contains(&key)), "{key}");
        }
    }
}
