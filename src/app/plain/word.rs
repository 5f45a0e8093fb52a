//! What may be typed into the plain screen: a line in, what it means out. Pure.

use crate::model::{GateName, Printable, ServerName};
use crate::rollout::{Command, ContractWhen, DrainChoice};
use clap::ValueEnum;

/// What `help` prints. Short lines: it is listened to as often as it is read.
pub const HELP: &str = "\
go                 what the last prompt says; go 12: only if that is prompt 12
hold               start nothing new
automatic          go on by itself while every gate passes
rollback           all servers back; price tells what that costs
retry NAME         the failed step of one server again
exclude NAME       leave one server out to the end
gone NAME          an excluded server will not come back
cut NAME HOW       a drain that does not end: wait, go-on, kill, put-back
skip-bake          end the bake now
switch-again       after a flip back
contract now       asks for the word; contract later puts it off
accept GATE WHY    let a gate pass that cannot be known
note TEXT          a line for the journal
give               let go of the wheel; take WHY: drive from now on
status             where everything stands
plan               phases, gates and the next commands
quit               leave; the rollout goes on";

/// What a line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// An empty line.
    Nothing,
    /// Only if the prompt has that number, where one is named.
    Go(Option<u64>),
    /// Asks for the word before it is sent.
    ContractNow,
    Ask(Command),
    /// Drive from now on, with a reason where somebody else does.
    Take(Printable),
    Status,
    Price,
    Plan,
    Help,
    Quit,
}

/// Reads one line. What is not understood is said with what could be meant.
pub fn read(line: &str) -> Result<Word, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    let alone = |meant: Word| match rest {
        "" => Ok(meant),
        more => Err(format!("{word} stands alone, without `{}`", Printable::cut(more, 40))),
    };
    match word {
        "" => Ok(Word::Nothing),
        "go" if rest.is_empty() => Ok(Word::Go(None)),
        "go" => rest.parse().map(|number| Word::Go(Some(number))).map_err(|_| "go, or go with the number of a prompt".to_owned()),
        "hold" => alone(Word::Ask(Command::Hold)),
        "automatic" => alone(Word::Ask(Command::Automatic)),
        "rollback" => alone(Word::Ask(Command::RollBack)),
        "skip-bake" => alone(Word::Ask(Command::SkipBake)),
        "switch-again" => alone(Word::Ask(Command::SwitchAgain)),
        "retry" => server(word, rest).map(Command::Retry).map(Word::Ask),
        "exclude" => server(word, rest).map(Command::Exclude).map(Word::Ask),
        "gone" => server(word, rest).map(Command::Gone).map(Word::Ask),
        "cut" => cut(rest).map(Word::Ask),
        "contract" => match rest {
            "now" => Ok(Word::ContractNow),
            "later" => Ok(Word::Ask(Command::Contract(ContractWhen::Later))),
            _ => Err("contract now, or contract later".to_owned()),
        },
        "accept" => accept(rest).map(Word::Ask),
        "note" if rest.is_empty() => Err("note TEXT: say something for the journal".to_owned()),
        "note" => Ok(Word::Ask(Command::Note(Printable::cut(rest, 500)))),
        "give" => alone(Word::Ask(Command::HandOver(None))),
        "take" => Ok(Word::Take(Printable::cut(rest, 500))),
        "status" => alone(Word::Status),
        "price" => alone(Word::Price),
        "plan" => alone(Word::Plan),
        "help" | "?" => alone(Word::Help),
        "quit" | "exit" => alone(Word::Quit),
        other => Err(format!("unknown word `{}`: help lists them", Printable::cut(other, 40))),
    }
}

fn server(word: &str, rest: &str) -> Result<ServerName, String> {
    match rest {
        "" => Err(format!("{word} NAME: say which server")),
        name if name.contains(char::is_whitespace) => Err(format!("{word} NAME: one server at a time")),
        name => Ok(ServerName::new(name)),
    }
}

fn cut(rest: &str) -> Result<Command, String> {
    let usage = "cut NAME HOW, with wait, go-on, kill or put-back";
    let (name, how) = rest.split_once(char::is_whitespace).ok_or(usage)?;
    let choice = DrainChoice::from_str(how.trim(), false).map_err(|_| usage)?;
    Ok(Command::Cut(server("cut", name)?, choice))
}

fn accept(rest: &str) -> Result<Command, String> {
    let may = || {
        let names: Vec<&str> =
            GateName::value_variants().iter().filter(|gate| gate.may_be_accepted()).map(|gate| gate.word()).collect();
        names.join(", ")
    };
    let (name, why) = rest.split_once(char::is_whitespace).ok_or_else(|| format!("accept GATE WHY, with one of {}", may()))?;
    match GateName::from_str(name, false) {
        Ok(gate) if gate.may_be_accepted() => Ok(Command::Accept(gate, Printable::cut(why.trim(), 500))),
        Ok(gate) => Err(format!("gate {gate} stands behind a promise and cannot be accepted; these can: {}", may())),
        Err(_) => Err(format!("there is no gate `{}` to accept; there are {}", Printable::cut(name, 40), may())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_help_lists_is_understood() {
        let filled = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[0] {
                "retry" | "exclude" | "gone" => format!("{} web1", words[0]),
                "cut" => "cut web1 put-back".to_owned(),
                "contract" => "contract later".to_owned(),
                "accept" => "accept capacity nobody counts".to_owned(),
                "note" => "note a word".to_owned(),
                word => word.to_owned(),
            }
        };
        for line in HELP.lines() {
            assert!(read(&filled(line)).is_ok(), "{line}");
            assert!(line.chars().count() < 80, "{line}");
        }
    }

    #[test]
    fn words_become_commands() {
        for (line, word) in [
            ("", Word::Nothing),
            ("  go \n", Word::Go(None)),
            ("go 12", Word::Go(Some(12))),
            ("contract now", Word::ContractNow),
            ("contract later", Word::Ask(Command::Contract(ContractWhen::Later))),
            ("retry web1", Word::Ask(Command::Retry(ServerName::new("web1")))),
            ("cut web1 go-on", Word::Ask(Command::Cut(ServerName::new("web1"), DrainChoice::GoOn))),
            ("accept capacity it is night", Word::Ask(Command::Accept(GateName::Capacity, "it is night".into()))),
            ("note  two words ", Word::Ask(Command::Note("two words".into()))),
        ] {
            assert_eq!(read(line), Ok(word), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_says_what_could_be_meant_and_obeys_nothing() {
        for (line, said) in [
            ("Go", "unknown word `Go`"),
            ("y", "help lists them"),
            ("go on", "number of a prompt"),
            ("hold on", "stands alone"),
            ("rollback now", "stands alone"),
            ("retry", "which server"),
            ("retry web1 web2", "one server"),
            ("cut web1", "put-back"),
            ("cut web1 gently", "put-back"),
            ("contract", "contract later"),
            ("accept drained because", "cannot be accepted"),
            ("accept lunch because", "no gate `lunch`"),
            ("accept capacity", "accept GATE WHY"),
            ("\u{1b}[A", "unknown word `␛[A`"),
        ] {
            let why = read(line).expect_err(line);
            assert!(why.contains(said), "{line}: {why}");
        }
    }
}
