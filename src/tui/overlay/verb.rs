//! The words of the command line, as data: what each takes, what it is called in the help, and under which word the prompt
//! says that it would be refused. Pure: from a line and what is known to an order, or to what is possible in its place.

use crate::model::{GateName, ServerName};
use crate::rollout::{ContractWhen, DrainChoice};
use crate::tui::action::Action;
use clap::ValueEnum;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The same as a key on the rollout.
    Key(Action),
    Retry(ServerName),
    Exclude(ServerName),
    Gone(ServerName),
    Drain(ServerName),
    Cut(ServerName, DrainChoice),
    Contract(ContractWhen),
    /// With the reason as far as it was typed.
    Accept(GateName, String),
    Note(String),
    /// Empty: all servers.
    Filter(String),
    Theme(String),
}

/// What a word after the first one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Server,
    Choice,
    Gate,
    When,
    Theme,
    /// The rest of the line.
    Words(&'static str),
}

/// One line of the table.
#[derive(Debug)]
pub struct Verb {
    /// The first one is shown.
    pub words: &'static [&'static str],
    pub takes: &'static [Takes],
    pub help: &'static str,
    /// The word under which the prompt says that it would be refused.
    pub refused: Option<&'static str>,
    means: Means,
}

#[derive(Debug, Clone, Copy)]
enum Means {
    Key(Action),
    Retry,
    Exclude,
    Gone,
    Drain,
    Cut,
    Contract,
    Accept,
    Note,
    Filter,
    Theme,
}

const fn key(words: &'static [&'static str], action: Action, help: &'static str, refused: Option<&'static str>) -> Verb {
    Verb { words, takes: &[], help, refused, means: Means::Key(action) }
}

const fn verb(
    words: &'static [&'static str],
    takes: &'static [Takes],
    help: &'static str,
    refused: Option<&'static str>,
    means: Means,
) -> Verb {
    Verb { words, takes, help, refused, means }
}

/// All of them, most needed first.
pub const VERBS: &[Verb] = &[
    key(&["go"], Action::Go, "what Enter does now", Some("go")),
    key(&["hold"], Action::Hold, "start nothing new", Some("hold")),
    key(&["rollback", "back"], Action::RollBack, "shows the way back and its price, then Enter", Some("rollback")),
    key(&["automatic", "auto"], Action::Automatic, "go on by itself; asks", Some("automatic")),
    verb(&["retry"], &[Takes::Server], "the failed step of a server again", Some("retry"), Means::Retry),
    verb(&["exclude"], &[Takes::Server], "leave a server out to the end; asks", Some("exclude"), Means::Exclude),
    verb(&["gone"], &[Takes::Server], "an excluded server will not come back; its name is typed", Some("gone"), Means::Gone),
    verb(&["drain"], &[Takes::Server], "what is in flight on a server, and four ways on", None, Means::Drain),
    verb(&["cut"], &[Takes::Server, Takes::Choice], "one of the ways on of a drain; asks", Some("cut"), Means::Cut),
    key(&["skip-bake"], Action::SkipBake, "end the bake now; asks", Some("skip-bake")),
    key(&["switch-again"], Action::SwitchAgain, "after a flip back, half A in once more; asks", Some("switch-again")),
    verb(
        &["contract"],
        &[Takes::When],
        "the migrations that remove: now (the word is typed) or later (asks)",
        Some("contract"),
        Means::Contract,
    ),
    verb(&["accept"], &[Takes::Gate, Takes::Words("REASON")], "let an unknown gate pass; asks", Some("accept"), Means::Accept),
    verb(&["note"], &[Takes::Words("TEXT")], "a line into the journal", Some("note"), Means::Note),
    verb(&["filter"], &[Takes::Words("WORDS")], "show only servers with these words; none shows all", None, Means::Filter),
    key(&["plan", "gates"], Action::Gates, "plan and gates", None),
    key(&["log", "commands"], Action::Commands, "commands as sent, and their output", None),
    verb(&["theme"], &[Takes::Theme], "other colours, from now on", None, Means::Theme),
    key(&["themes"], Action::Themes, "other colours, tried on this screen", None),
    key(&["coach", "guide"], Action::Coach, "the coach's pane on or off", None),
    key(&["explain"], Action::Explain, "all that the coach has to say about this moment", None),
    key(&["hand-over"], Action::HandOver, "hand over, or take over with a reason", None),
    key(&["help"], Action::Help, "the keys", None),
    key(&["quit", "q", "leave"], Action::Quit, "leave the screen; the rollout goes on", None),
];

/// The names that lines may hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    pub servers: Vec<ServerName>,
    /// Those that stand before the next phase.
    pub gates: Vec<GateName>,
    pub themes: Vec<String>,
}

/// Reads a line, or says what is possible in its place.
pub fn order(line: &str, names: &Names) -> Result<Order, String> {
    let (first, rest) = split(line.trim());
    if first.is_empty() {
        return Err(format!("type one of {}", words().join(", ")));
    }
    let Some(verb) = VERBS.iter().find(|verb| verb.words.contains(&first)) else {
        return Err(format!("there is no {first}; there are {}", words().join(", ")));
    };
    let word = verb.words[0];
    let server = |text: &str| {
        let known = || listed(names.servers.iter().map(ToString::to_string));
        match names.servers.iter().find(|server| server.as_str() == text) {
            Some(server) => Ok(server.clone()),
            None if text.is_empty() => Err(format!("{word} which server? there are {}", known())),
            None => Err(format!("there is no server {text}; there are {}", known())),
        }
    };
    let only = |text: &str, order: Order| {
        if text.is_empty() { Ok(order) } else { Err(format!("{word} ends here: {text} is too much")) }
    };
    let (second, third) = split(rest);
    match verb.means {
        Means::Key(action) => only(rest, Order::Key(action)),
        Means::Retry => only(third, Order::Retry(server(second)?)),
        Means::Exclude => only(third, Order::Exclude(server(second)?)),
        Means::Gone => only(third, Order::Gone(server(second)?)),
        Means::Drain => only(third, Order::Drain(server(second)?)),
        Means::Cut => {
            let (choice, more) = split(third);
            only(more, Order::Cut(server(second)?, value("choice", choice)?))
        }
        Means::Contract => only(third, Order::Contract(value("contract", second)?)),
        Means::Accept => Ok(Order::Accept(value("gate", second)?, third.to_owned())),
        Means::Note if rest.is_empty() => Err("note what? type it after the word".to_owned()),
        Means::Note => Ok(Order::Note(rest.to_owned())),
        Means::Filter => Ok(Order::Filter(rest.to_owned())),
        Means::Theme if names.themes.iter().any(|theme| theme == second) => only(third, Order::Theme(second.to_owned())),
        Means::Theme => Err(format!("which theme? there are {}", names.themes.join(", "))),
    }
}

/// What the last word of a line could become, in the order in which it is likely.
#[must_use]
pub fn candidates(line: &str, names: &Names) -> Vec<String> {
    let line = line.trim_start();
    let Some((first, rest)) = line.split_once(' ') else {
        return VERBS.iter().map(|verb| verb.words[0].to_owned()).filter(|word| word.starts_with(line)).collect();
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.words.contains(&first)) else { return Vec::new() };
    let (mut rest, mut takes) = (rest.trim_start(), verb.takes.iter());
    let mut wanted = takes.next();
    while let Some((_, after)) = rest.split_once(' ') {
        rest = after.trim_start();
        wanted = takes.next();
    }
    let all: Vec<String> = match wanted {
        Some(Takes::Server) => names.servers.iter().map(ToString::to_string).collect(),
        Some(Takes::Choice) => values::<DrainChoice>(),
        Some(Takes::Gate) => names.gates.iter().map(ToString::to_string).collect(),
        Some(Takes::When) => values::<ContractWhen>(),
        Some(Takes::Theme) => names.themes.clone(),
        Some(Takes::Words(_)) | None => Vec::new(),
    };
    all.into_iter().filter(|word| word.starts_with(rest)).collect()
}

/// The line with its last word completed as far as there is no choice.
#[must_use]
pub fn completed(line: &str, names: &Names) -> String {
    let candidates = candidates(line, names);
    let Some(first) = candidates.first() else { return line.to_owned() };
    let start = line.rfind(' ').map_or(0, |at| at + 1);
    let shared = candidates.iter().fold(first.as_str(), |shared, other| {
        let same = shared.char_indices().zip(other.chars()).find(|((_, one), two)| one != two).map(|((at, _), _)| at);
        &shared[..same.unwrap_or_else(|| shared.len().min(other.len()))]
    });
    let space = if candidates.len() == 1 { " " } else { "" };
    format!("{}{shared}{space}", &line[..start])
}

/// The word as it is shown, with what it takes.
#[must_use]
pub fn usage(verb: &Verb) -> String {
    let takes = verb.takes.iter().map(|takes| match takes {
        Takes::Server => "SERVER".to_owned(),
        Takes::Choice => values::<DrainChoice>().join("|"),
        Takes::Gate => "GATE".to_owned(),
        Takes::When => values::<ContractWhen>().join("|"),
        Takes::Theme => "NAME".to_owned(),
        Takes::Words(words) => (*words).to_owned(),
    });
    std::iter::once(verb.words[0].to_owned()).chain(takes).collect::<Vec<_>>().join(" ")
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').map_or((text, ""), |(first, rest)| (first, rest.trim()))
}

fn words() -> Vec<&'static str> {
    VERBS.iter().map(|verb| verb.words[0]).collect()
}

fn value<T: ValueEnum>(what: &str, text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let said = if text.is_empty() { format!("which {what}?") } else { format!("there is no {what} {text};") };
        format!("{said} there are {}", values::<T>().join(", "))
    })
}

fn values<T: ValueEnum>() -> Vec<String> {
    let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    names.map(|value| value.get_name().to_owned()).collect()
}

/// A few names, and how many more there are.
fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(6);
    let first = names.into_iter().take(6).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            servers: ["web1", "web2", "web10", "jobs1"].map(ServerName::new).into(),
            gates: vec![GateName::Nodes, GateName::Capacity],
            themes: vec!["dark".to_owned(), "light".to_owned()],
        }
    }

    #[test]
    fn every_word_of_the_table_is_understood() {
        for verb in VERBS {
            let mut line = verb.words[0].to_owned();
            for takes in verb.takes {
                line += match takes {
                    Takes::Server => " web1",
                    Takes::Choice => " kill",
                    Takes::Gate => " capacity",
                    Takes::When => " later",
                    Takes::Theme => " light",
                    Takes::Words(_) => " some words",
                };
            }
            let understood = order(&line, &names());
            assert!(understood.is_ok(), "{line}: {understood:?}");
            for also in verb.words {
                assert_eq!(order(&line.replacen(verb.words[0], also, 1), &names()), understood);
            }
        }
        let mut all: Vec<&str> = VERBS.iter().flat_map(|verb| verb.words).copied().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), VERBS.iter().map(|verb| verb.words.len()).sum::<usize>(), "a word means two things");
    }

    #[test]
    fn orders_as_they_are_typed() {
        let web1 = || ServerName::new("web1");
        let said = [
            ("  go ", Order::Key(Action::Go)),
            ("retry  web1", Order::Retry(web1())),
            ("cut web1 put-back", Order::Cut(web1(), DrainChoice::PutBack)),
            ("contract later", Order::Contract(ContractWhen::Later)),
            ("accept capacity seen on the graphs", Order::Accept(GateName::Capacity, "seen on the graphs".into())),
            ("accept error-rate", Order::Accept(GateName::ErrorRate, String::new())),
            ("note it is late", Order::Note("it is late".into())),
            ("filter", Order::Filter(String::new())),
            ("q", Order::Key(Action::Quit)),
        ];
        for (line, wanted) in said {
            assert_eq!(order(line, &names()), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn a_mistake_says_what_is_possible() {
        let mistakes = [
            ("", "go, hold"),
            ("frobnicate", "there is no frobnicate; there are go, hold"),
            ("retry", "retry which server? there are web1, web2"),
            ("retry web3", "there is no server web3; there are web1"),
            ("retry web1 web2", "web2 is too much"),
            ("cut web1", "which choice? there are wait, go-on, kill, put-back"),
            ("cut web1 chop", "there is no choice chop; there are wait"),
            ("accept gravity", "there is no gate gravity; there are nodes"),
            ("contract maybe", "there are now, later"),
            ("note", "note what?"),
            ("theme", "which theme? there are dark, light"),
            ("theme drak", "there are dark, light"),
            ("hold on", "on is too much"),
        ];
        for (line, wanted) in mistakes {
            let said = order(line, &names()).expect_err(line);
            assert!(said.contains(wanted), "{line}: {said}");
        }
    }

    #[test]
    fn tab_completes_as_far_as_there_is_no_choice() {
        let lines = [
            ("ro", "rollback "),
            ("s", "s"),
            ("sw", "switch-again "),
            ("retry w", "retry web"),
            ("retry web2", "retry web2 "),
            ("cut jobs1 p", "cut jobs1 put-back "),
            ("accept c", "accept capacity "),
            ("accept capacity be", "accept capacity be"),
            ("nothing of this kind", "nothing of this kind"),
            ("", ""),
        ];
        for (line, wanted) in lines {
            assert_eq!(completed(line, &names()), wanted, "{line}");
        }
        assert_eq!(candidates("retry web1", &names()), ["web1", "web10"]);
        assert_eq!(candidates("cut web1 ", &names()), ["wait", "go-on", "kill", "put-back"]);
    }
}
