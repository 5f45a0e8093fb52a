//! Another run of this program that a key asked for, beside the rollout: what it says is shown when it has ended. It changes
//! nothing of the rollout, and the screen does not wait for it.

use super::overlay::{Output, output::Cut};
use crate::model::Printable;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// A look takes no longer.
const LONGEST: Duration = Duration::from_secs(300);
/// Of what it says this much is kept.
const MOST: usize = 256 << 10;

/// The run at work, if one is.
#[derive(Debug, Default)]
pub struct Aside(Option<JoinHandle<Output>>);

impl Aside {
    /// Begins a run with these words after the program's name. One that is at work is ended.
    pub fn start(&mut self, words: Vec<String>) {
        if let Some(before) = self.0.replace(tokio::spawn(run(words))) {
            before.abort();
        }
    }

    /// Is one at work?
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// What it said, once it has ended. May be dropped and asked again.
    pub async fn said(&mut self) -> Option<Output> {
        let said = self.0.as_mut()?.await.ok();
        self.0 = None;
        said
    }
}

async fn run(words: Vec<String>) -> Output {
    let title = format!("halfstep {}", words.join(" "));
    let failed = |why: String| Output::new(title.clone(), Err(Printable::new(&why)), Cut::Whole, 0);
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return failed(format!("this program does not know where it is: {error}")),
    };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).env("NO_COLOR", "1").kill_on_drop(true);
    match tokio::time::timeout(LONGEST, command.output()).await {
        Err(_) => failed(format!("it took longer than {LONGEST:?} and was ended")),
        Ok(Err(error)) => failed(format!("it could not be started: {error}")),
        Ok(Ok(ended)) => {
            let mut text = String::from_utf8_lossy(&ended.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&ended.stderr));
            let mut end = text.len().min(MOST);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            Output::said(title, Printable::lines(&text[..end]).collect())
        }
    }
}
