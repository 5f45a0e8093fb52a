//! The files that a worker leaves beside a command: who runs it, what it printed, how it ended.
//!
//! Reads and never judges. The format is `worker.sh`'s; the meaning of a status is `advice`'s.

use crate::hand::Invocation;
use crate::model::Printable;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Of the output, this much is read to find the last line and what it complains about.
const TAIL: u64 = 4096;

/// Written as the pid file by whoever finds that a command never began, so that it cannot begin later.
const NEVER: &str = "never";

/// The files of one operation.
pub struct Record {
    base: PathBuf,
}

/// A process, and when it began (`-` where that cannot be told), so that a recycled id is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub id: i32,
    pub started: String,
}

/// Who runs the command.
#[derive(Debug, PartialEq, Eq)]
pub enum Who {
    /// No file: nobody began.
    Nobody,
    /// It is being written just now.
    Unwritten,
    /// Declared so by [`Record::declare_never`].
    Never,
    Running {
        worker: Process,
        group: Process,
    },
}

/// How the worker says that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub status: i32,
    pub timed_out: bool,
}

impl Record {
    /// The files of that invocation, there or not.
    pub fn of(invocation: &Invocation) -> Record {
        Record { base: invocation.output.join(&invocation.operation) }
    }

    /// The common beginning of all file names.
    pub fn base(&self) -> &PathBuf {
        &self.base
    }

    /// The file with that ending.
    pub fn file(&self, ending: &str) -> PathBuf {
        let mut name = self.base.clone().into_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }

    /// Makes room for a new run: an empty log, and nothing of an earlier one.
    pub fn clear(&self) -> io::Result<()> {
        for ending in ["exit", "exit.new", "pid"] {
            match fs::remove_file(self.file(ending)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        File::create(self.file("log")).map(drop)
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<End> {
        End::parse(&fs::read_to_string(self.file("exit")).ok()?)
    }

    /// Writes the end, whole or not at all.
    pub fn write_end(&self, end: End) -> io::Result<()> {
        let text = format!("{} {}\n", end.status, if end.timed_out { "timeout" } else { "" });
        fs::write(self.file("exit.new"), text)?;
        fs::rename(self.file("exit.new"), self.file("exit"))
    }

    /// Who runs it.
    pub fn who(&self) -> Who {
        match fs::read_to_string(self.file("pid")) {
            Ok(text) => Who::parse(&text),
            Err(_) => Who::Nobody,
        }
    }

    /// Makes sure that it cannot begin any more. An error: it did, a moment ago.
    pub fn declare_never(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(self.file("pid"))?;
        io::Write::write_all(&mut file, NEVER.as_bytes())
    }

    /// When it began, by the wall clock.
    pub fn began(&self) -> Option<SystemTime> {
        fs::metadata(self.file("pid")).and_then(|meta| meta.modified()).ok()
    }

    /// From its beginning to its end, by the wall clock; zero where that is not known.
    pub fn took(&self) -> Duration {
        let ended = fs::metadata(self.file("exit")).and_then(|meta| meta.modified()).ok();
        self.began().zip(ended).and_then(|(began, ended)| ended.duration_since(began).ok()).unwrap_or_default()
    }

    /// The end of the output, as printed.
    pub fn tail(&self) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(self.file("log"))?;
            let length = file.seek(SeekFrom::End(0))?;
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut bytes = Vec::new();
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }
}

/// The last line of a text that shows anything.
pub fn last_line(text: &str) -> Printable {
    text.lines()
        .rev()
        .map(|line| Printable::cut(line.trim_end(), 300))
        .find(|line| !line.as_str().trim().is_empty())
        .unwrap_or_default()
}

impl Who {
    fn parse(text: &str) -> Who {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [NEVER] => Who::Never,
            [worker, worker_started, group, group_started] => match (worker.parse(), group.parse()) {
                (Ok(worker), Ok(group)) => Who::Running {
                    worker: Process { id: worker, started: worker_started.to_owned() },
                    group: Process { id: group, started: group_started.to_owned() },
                },
                (Ok(_) | Err(_), Ok(_) | Err(_)) => Who::Unwritten,
            },
            [..] => Who::Unwritten,
        }
    }
}

impl End {
    /// Reads `status` or `status timeout`.
    pub fn parse(text: &str) -> Option<End> {
        let mut words = text.split_whitespace();
        let status = words.next()?.parse().ok()?;
        Some(End { status, timed_out: words.next() == Some("timeout") })
    }
}

impl Process {
    /// Does this very process still run?
    pub fn is_alive(&self) -> bool {
        let Some(pid) = rustix::process::Pid::from_raw(self.id) else { return false };
        match fs::read_to_string(format!("/proc/{}/stat", self.id)) {
            Ok(stat) => {
                let mut fields = stat.rsplit(") ").next().unwrap_or("").split(' ');
                let dead = matches!(fields.next(), Some("Z" | "X"));
                !dead && (self.started == "-" || fields.nth(18) == Some(&self.started))
            }
            Err(_) => self.started == "-" && rustix::process::test_kill_process(pid).is_ok(),
        }
    }

    /// Asks the worker to end its command: TERM, five seconds, KILL.
    pub fn cancel(&self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.id).filter(|_| self.is_alive()) {
            // It may have ended in between, which is what was wanted.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::USR1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workers_lines_are_read_and_half_written_ones_are_not_taken_for_an_answer() {
        assert_eq!(End::parse("3 \n"), Some(End { status: 3, timed_out: false }));
        assert_eq!(End::parse("143 timeout\n"), Some(End { status: 143, timed_out: true }));
        assert_eq!(End::parse(""), None);
        assert_eq!(Who::parse("never"), Who::Never);
        assert_eq!(Who::parse("12 900"), Who::Unwritten);
        assert!(matches!(Who::parse("12 900 13 901\n"), Who::Running { group: Process { id: 13, .. }, .. }));
    }

    #[test]
    fn a_recycled_process_id_is_not_the_process() {
        let own = std::process::id().try_into().unwrap();
        assert!(Process { id: own, started: "-".to_owned() }.is_alive());
        assert!(!Process { id: own, started: "1".to_owned() }.is_alive());
    }

    #[test]
    fn the_last_line_is_the_last_that_shows_anything_and_cannot_move_the_cursor() {
        assert_eq!(last_line("one\n10%\r90%\r\n \n\n").as_str(), "90%");
        assert_eq!(last_line("\x1b[2Jx\n").as_str(), "␛[2Jx");
        assert!(last_line("").is_empty());
    }
}
