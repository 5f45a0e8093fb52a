//! The console of this program in a real pseudo-terminal, before a person.

#[path = "../tui/terminal.rs"]
#[expect(dead_code, reason = "what the tests of the terminal's manners look at is not looked at here")]
mod pty;

pub use pty::{Answers, Terminal};

use portable_pty::CommandBuilder;
use std::path::Path;
use std::time::Duration;

/// This program with these words on a screen of 120x40, over a link that takes so long one way; `-c` is added.
pub fn console(program: &str, words: &[&str], config: &Path, link: Duration) -> Terminal {
    let mut command = plain(program, words);
    command.arg("-c");
    command.arg(config);
    command.env("XDG_CONFIG_HOME", config.with_file_name("no-config"));
    Terminal::start(command, (120, 40), link, Answers::Yes)
}

/// Any program with these words on such a screen.
pub fn started(program: &str, words: &[&str]) -> Terminal {
    Terminal::start(plain(program, words), (120, 40), Duration::ZERO, Answers::Yes)
}

/// Any program with these words, in the environment of a good terminal.
pub fn plain(program: &str, words: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.args(words);
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    for variable in ["NO_COLOR", "SSH_CONNECTION", "TMUX", "STY"] {
        command.env_remove(variable);
    }
    command
}
