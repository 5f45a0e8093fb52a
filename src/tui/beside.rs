//! Who else looks at this same screen through tmux: the engine cannot know them, as they share one terminal.
//!
//! tmux is asked seldom, with a limit, and never waited for; where it does not answer, nobody is named.

use crate::model::Printable;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::watch;

/// Between two questions: people come and go, and each question is a process.
const SELDOM: Duration = Duration::from_secs(15);
/// The first one waits until the screen stands.
const FIRST: Duration = Duration::from_millis(500);
/// tmux answers in milliseconds; one that hangs is not waited for.
const LIMIT: Duration = Duration::from_secs(2);
/// A login, and for old versions of tmux, which do not tell it, the terminal.
const FORMAT: &str = "#{client_user}\t#{client_name}";

/// Asks on, as long as somebody listens. Nothing is asked outside of tmux.
#[must_use]
pub fn asked(pane: Option<String>) -> watch::Receiver<Vec<Printable>> {
    let (to, names) = watch::channel(Vec::new());
    if let Some(pane) = pane {
        tokio::spawn(async move {
            tokio::time::sleep(FIRST).await;
            while !to.is_closed() {
                let now = ask(&pane).await;
                to.send_if_modified(|names| {
                    let is_news = *names != now;
                    *names = now;
                    is_news
                });
                tokio::time::sleep(SELDOM).await;
            }
        });
    }
    names
}

async fn ask(pane: &str) -> Vec<Printable> {
    let mut tmux = Command::new("tmux");
    tmux.args(["list-clients", "-t", pane, "-F", FORMAT]);
    tmux.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(LIMIT, tmux.output()).await {
        Ok(Ok(said)) if said.status.success() => names(&String::from_utf8_lossy(&said.stdout)),
        Ok(Ok(_) | Err(_)) | Err(_) => Vec::new(),
    }
}

/// A name for each client.
fn names(said: &str) -> Vec<Printable> {
    let name = |line: &str| match line.split_once('\t') {
        Some(("", terminal)) => Printable::new(terminal.trim_start_matches("/dev/")),
        Some((login, _)) => Printable::new(login),
        None => Printable::new(line),
    };
    said.lines().filter(|line| !line.is_empty()).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_told_and_terminals_where_tmux_knows_none() {
        let told = names("anna\t/dev/pts/3\n\t/dev/pts/4\nev\u{1b}[2Jil\t/dev/pts/5\n");
        let told: Vec<&str> = told.iter().map(Printable::as_str).collect();
        assert_eq!(told, ["anna", "pts/4", "ev␛[2Jil"]);
        assert!(names("").is_empty());
    }
}
