//! Ways on, as they have to be typed: a sentence that names one of our commands gets the options by which this command
//! line found its pool. It decides what counts as such a name; it refuses to know what the sentences say.

use super::{Global, Source};
use std::path::Path;

/// Those that mean a pool. `demo`, `schema` and their like mean none, and get nothing.
const COMMANDS: [&str; 19] = [
    "approve", "attach", "check", "contract", "cut", "exclude", "go", "history", "hold", "plan", "report", "restart", "resume",
    "retry", "rollback", "run", "serve", "status", "switch",
];

/// The options that find the same pool again; none where none were given, as the next command finds it without too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Again(String);

impl Again {
    /// As this command line has them.
    #[must_use]
    pub fn of(global: &Global) -> Again {
        let mut options = String::new();
        match &global.config {
            Some(Source::File(path)) => options.push_str(&format!(" -c {}", quoted(path))),
            Some(Source::Pool(name)) => options.push_str(&format!(" -c {}", quoted(Path::new(name)))),
            None => {}
        }
        if let Some(state) = &global.state {
            options.push_str(&format!(" --state {}", quoted(state)));
        }
        Again(options)
    }

    /// The sentence with them behind each command that it names and that has none yet.
    #[must_use]
    pub fn tell(&self, sentence: &str) -> String {
        const NAME: &str = "halfstep ";
        let mut told = String::new();
        let mut rest = sentence;
        while let Some(at) = rest.find(NAME) {
            let is_ours = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'));
            let (before, after) = rest.split_at(at + NAME.len());
            told.push_str(before);
            rest = after;
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if is_ours && COMMANDS.contains(&word) && !after.starts_with(" -c ") {
                told.push_str(word);
                told.push_str(&self.0);
                rest = after;
            }
        }
        told + rest
    }
}

/// For a shell, if it needs that.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), |quoted| quoted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Format;

    fn again(config: Option<Source>, state: Option<&str>) -> Again {
        Again::of(&Global { config, format: Format::Text, state: state.map(Into::into) })
    }

    #[test]
    fn each_command_that_is_named_gets_what_finds_the_pool_again() {
        let again = again(Some(Source::File("my shop.toml".into())), Some("/s"));
        for (sentence, told) in [
            ("halfstep go: web1 in", "halfstep go -c 'my shop.toml' --state /s: web1 in"),
            (
                "halfstep resume goes on, halfstep run --abandon \"why\" gives it up",
                "halfstep resume -c 'my shop.toml' --state /s goes on, halfstep run -c 'my shop.toml' --state /s --abandon \"why\" gives it up",
            ),
            ("`halfstep contract` runs it", "`halfstep contract -c 'my shop.toml' --state /s` runs it"),
            ("(halfstep switch both)", "(halfstep switch -c 'my shop.toml' --state /s both)"),
        ] {
            assert_eq!(again.tell(sentence), told);
        }
    }

    #[test]
    fn other_words_stay_and_nothing_is_said_twice() {
        let again = again(Some(Source::Pool("shop".into())), None);
        for sentence in [
            "the halfstep that wrote it",
            "halfstep demo --keep leaves it",
            "halfstep status -c /tmp/x.toml",
            "/var/lib/halfstep run",
            "by halfstep 0.1.0",
            "halfstep going",
            "ends in halfstep ",
        ] {
            assert_eq!(again.tell(sentence), sentence);
        }
        assert_eq!(again.tell("halfstep attach"), "halfstep attach -c shop");
        assert_eq!(Again::default().tell("halfstep attach"), "halfstep attach");
    }

    #[test]
    fn the_commands_are_real_ones() {
        use clap::CommandFactory;
        let all: Vec<String> = crate::cli::Cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect();
        for command in COMMANDS {
            assert!(all.iter().any(|one| one == command), "{command}");
        }
    }
}
