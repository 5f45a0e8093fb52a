//! Commands behind ssh: the same worker on the far side, its output and its end brought here.
//!
//! A link that is lost is opened again, and the end looked for, as long as the command may take; it is never started
//! twice. Read next: `far.sh` (the other end of the conversation), `link` (the connection).

use super::link::{Links, cannot, complaint_of, digits, remove};
use super::local::{ended, not_started, seconds};
use super::record::{End, Record, last_line};
use super::{GRACE, KEPT_OUTPUT, MOST_OUTPUT, WORKER, advice};
use crate::hand::Invocation;
use crate::model::{Exit, Failure, Printable};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader};
use tokio::process::ChildStdout;

/// The other end, in POSIX sh.
const FAR: &str = include_str!("far.sh");

/// Between two attempts to open a link that was lost.
const AGAIN: Duration = Duration::from_millis(500);

/// A short conversation (look whether commands can run, cancel) takes no longer.
const SHORT: Duration = Duration::from_secs(30);

/// How a conversation ended.
enum Told {
    /// It ended like this.
    End(End),
    /// Its worker is gone and wrote nothing.
    Lost,
    /// It never began, and now never will.
    Never,
    /// The far side cannot do it.
    Bad(String),
    /// There was nothing to tell.
    Nothing,
    /// The link broke: what ssh said.
    Broken(String),
}

/// What is asked of the far side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Start,
    Find,
    Cancel,
}

/// One conversation at a time about one operation.
struct Talk<'a> {
    links: &'a Links,
    destination: &'a str,
    /// As much of the far log is here.
    offset: u64,
    /// What the far host calls itself as long as it remembers what ran.
    id: String,
    record: Option<&'a Record>,
}

/// Makes sure that a shell runs there.
pub async fn open(links: &Links, destination: &str) -> Result<(), Failure> {
    links.open(destination).await?;
    let mut talk = Talk { links, destination, offset: 0, id: String::new(), record: None };
    match tokio::time::timeout(SHORT, talk.hold(&head(Mode::Open, "", "", 0))).await {
        Ok(Told::Nothing) => {
            links.learn(destination, &talk.id);
            Ok(())
        }
        Ok(Told::Bad(why)) => Err(Failure::new(format!("{}: {why}", Printable::new(destination)))),
        Ok(Told::Broken(complaint)) => Err(cannot(destination, &complaint)),
        Ok(Told::End(_) | Told::Lost | Told::Never) | Err(_) => {
            Err(Failure::new(format!("no shell answers at {} within {SHORT:?}", Printable::new(destination)))
                .next("log in there and look what the login shell of that account waits for"))
        }
    }
}

/// Runs it to its end, its limit, or until this future is dropped.
pub async fn run(links: &Arc<Links>, destination: &str, invocation: &Invocation) -> Exit {
    let record = Record::of(invocation);
    if let Err(error) = record.clear().and_then(|()| remove(&record.file("sent"))) {
        return not_started(&format!("{} cannot be written: {error}", record.file("log").display()));
    }
    let Some(script) = script_of(invocation) else {
        return not_started("the command or its environment holds a NUL byte, which no command can take");
    };
    if let Err(failure) = open(links, destination).await {
        return Exit { advice: Some(failure.to_string()), ..not_started(failure.what.as_str()) };
    }
    if let Err(error) = std::fs::write(record.file("sent"), links.learned(destination)) {
        return not_started(&format!("{} cannot be written: {error}", record.file("sent").display()));
    }
    follow(links, destination, invocation, &record, Mode::Start, &script)
        .await
        .unwrap_or_else(|| not_started(&format!("the link to {} broke before it began", Printable::new(destination))))
}

/// How a command ended that was started by an engine that is gone. `None`: it never began, and now never will.
pub async fn recover(links: &Arc<Links>, destination: &str, invocation: &Invocation) -> Option<Exit> {
    let record = Record::of(invocation);
    if let Some(end) = record.end() {
        return Some(ended(invocation, &record, Some(end), Duration::ZERO));
    }
    if !record.file("sent").exists() {
        return None;
    }
    // The far log is sent again from its beginning.
    if let Err(error) = std::fs::File::create(record.file("log")) {
        return Some(not_started(&format!("{} cannot be written: {error}", record.file("log").display())));
    }
    follow(links, destination, invocation, &record, Mode::Find, "").await
}

async fn follow(
    links: &Arc<Links>,
    destination: &str,
    invocation: &Invocation,
    record: &Record,
    mut mode: Mode,
    script: &str,
) -> Option<Exit> {
    let began = Instant::now();
    let key = key(invocation);
    let mut cancel = Cancel { links: Arc::clone(links), destination: destination.to_owned(), key: Some(key.clone()) };
    let mut talk = Talk { links, destination, offset: 0, id: String::new(), record: Some(record) };
    let limit = invocation.timeout + GRACE;
    let mut complaint = String::new();
    while let Some(left) = limit.checked_sub(began.elapsed()) {
        let words = head(mode, &key, if mode == Mode::Start { script } else { "" }, talk.offset);
        let told = tokio::time::timeout(left, async {
            links.open(destination).await.map_err(|failure| failure.to_string())?;
            Ok::<Told, String>(talk.hold(&words).await)
        });
        match told.await {
            Err(_) => break,
            Ok(Ok(Told::End(end))) => {
                cancel.key = None;
                return Some(ended(invocation, record, Some(end), began.elapsed()));
            }
            Ok(Ok(Told::Never | Told::Nothing)) if std::fs::read_to_string(record.file("sent")).is_ok_and(|id| id == talk.id) => {
                cancel.key = None;
                return None;
            }
            // The host forgot what ran (it was started anew), so nobody knows.
            Ok(Ok(Told::Never | Told::Nothing | Told::Lost)) => {
                cancel.key = None;
                return Some(ended(invocation, record, None, began.elapsed()));
            }
            Ok(Ok(Told::Bad(why))) => {
                cancel.key = None;
                return Some(not_started(&why));
            }
            Ok(Ok(Told::Broken(said)) | Err(said)) => complaint = said,
        }
        // Whether it began or not is the far side's to say now.
        mode = Mode::Find;
        tokio::time::sleep(AGAIN).await;
    }
    Some(out_of_reach(invocation, record, &key, &complaint, began.elapsed()))
}

/// The link did not come back in time.
fn out_of_reach(invocation: &Invocation, record: &Record, key: &str, complaint: &str, took: Duration) -> Exit {
    let said = last_line(complaint);
    let next = advice::ssh(&invocation.host, complaint).unwrap_or_default();
    let advice = format!(
        "the link was lost and how it ended is not known ({said}); it may still run there: look at /tmp/halfstep-*/{key}.log there, then retry or exclude. {next}"
    );
    let advice = Some(advice.trim_end().to_owned());
    Exit { status: None, timed_out: false, last_line: last_line(&record.tail()), took, advice }
}

/// Ends the command on the far side when whoever waits for it goes away.
struct Cancel {
    links: Arc<Links>,
    destination: String,
    key: Option<String>,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        let (Some(key), Ok(runtime)) = (self.key.take(), tokio::runtime::Handle::try_current()) else { return };
        let (links, destination) = (Arc::clone(&self.links), self.destination.clone());
        runtime.spawn(async move {
            let mut talk = Talk { links: &links, destination: &destination, offset: 0, id: String::new(), record: None };
            // Its own limit ends it there if this does not arrive.
            let _ = tokio::time::timeout(SHORT, talk.hold(&head(Mode::Cancel, &key, "", 0))).await;
        });
    }
}

/// What stands before `far.sh`: its settings, quoted.
fn head(mode: Mode, key: &str, script: &str, offset: u64) -> String {
    let mode = match mode {
        Mode::Open => "open",
        Mode::Start => "start",
        Mode::Find => "find",
        Mode::Cancel => "cancel",
    };
    format!("mode={mode} key={} offset={offset}\n{script}", quoted(key).unwrap_or_default())
}

/// Everything that only a start needs: the worker, the script and its environment. None where a NUL byte is in it.
fn script_of(invocation: &Invocation) -> Option<String> {
    let mut text = String::new();
    for (name, value) in &invocation.environment {
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            writeln!(text, "export {name}={}", quoted(value)?).ok()?;
        }
    }
    writeln!(text, "limit={} most={MOST_OUTPUT}", seconds(invocation.timeout)).ok()?;
    writeln!(text, "worker={}", quoted(WORKER)?).ok()?;
    writeln!(text, "script={}", quoted(&invocation.script)?).ok()?;
    Some(text)
}

fn quoted(text: &str) -> Option<String> {
    shlex::try_quote(text).ok().map(std::borrow::Cow::into_owned)
}

/// The operation's name on the far side: another rollout, or another machine's, has another one.
fn key(invocation: &Invocation) -> String {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    format!("{}.{}", invocation.operation, digits(&format!("{machine}{}", invocation.output.display())))
}

/// Differs each time, so that nothing that is printed can be taken for the beginning.
fn token() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    digits(&format!("{} {number} {:?}", std::process::id(), std::time::SystemTime::now()))
}

impl Talk<'_> {
    /// Sends the script and listens to the end.
    async fn hold(&mut self, settings: &str) -> Told {
        let mut child = match self.links.session(self.destination) {
            Ok(child) => child,
            Err(error) => return Told::Broken(format!("ssh could not be run: {error}")),
        };
        let token = token();
        let keep = KEPT_OUTPUT / 1024;
        let text = format!("token={token} keep={keep}\n{settings}\n{FAR}");
        let complaint = tokio::spawn(complaint_of(child.stderr().take()));
        let (Some(mut input), Some(output)) = (child.stdin().take(), child.stdout().take()) else {
            return Told::Broken(String::from("ssh has no pipes"));
        };
        let mut output = BufReader::new(output);
        // A far side that is gone says so on the other pipe.
        let _ = input.write_all(text.as_bytes()).await;
        let told = match self.begin(&mut output, &token).await {
            false => None,
            true => self.listen(&mut output).await,
        };
        if let (Some(Told::End(end)), Some(record)) = (&told, self.record)
            && record.write_end(*end).is_ok()
        {
            // If it does not arrive the files stay there, and go after a week.
            let _ = input.write_all(b"kept\n").await;
        }
        drop(input);
        let _ = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
        if let Some(told) = told {
            return told;
        }
        let complaint = tokio::time::timeout(AGAIN, complaint).await.ok().and_then(Result::ok).unwrap_or_default();
        Told::Broken(complaint)
    }

    /// Passes over what a login shell says. False: the link broke.
    async fn begin(&mut self, output: &mut BufReader<ChildStdout>, token: &str) -> bool {
        let wished = format!("halfstep {token} ");
        while let Some(line) = line(output).await {
            if let Some(id) = line.strip_prefix(&wished) {
                self.id = id.to_owned();
                return true;
            }
        }
        false
    }

    /// None: the link broke before the end was told.
    async fn listen(&mut self, output: &mut BufReader<ChildStdout>) -> Option<Told> {
        while let Some(line) = line(output).await {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "data" => {
                    let (bytes, offset) = rest.split_once(' ')?;
                    self.take(output, bytes.parse().ok()?).await.ok()?;
                    self.offset = offset.parse().ok()?;
                }
                "cut" => self.note(&format!("\n[halfstep: {rest} bytes of output were not fetched]\n")).await.ok()?,
                "exit" => return Some(End::parse(rest).map_or(Told::Lost, Told::End)),
                "lost" => return Some(Told::Lost),
                "never" => return Some(Told::Never),
                "bad" => return Some(Told::Bad(rest.to_owned())),
                _ => return None,
            }
        }
        self.record.is_none().then_some(Told::Nothing)
    }

    async fn log(&self) -> io::Result<File> {
        let record = self.record.ok_or_else(|| io::Error::other("no output is expected"))?;
        tokio::fs::OpenOptions::new().append(true).open(record.file("log")).await
    }

    async fn take(&self, output: &mut BufReader<ChildStdout>, bytes: u64) -> io::Result<()> {
        let mut log = self.log().await?;
        let length = log.seek(io::SeekFrom::End(0)).await?;
        if length + bytes > MOST_OUTPUT {
            log.set_len(length.min(KEPT_OUTPUT)).await?;
            log.write_all(b"\n[halfstep: output was cut here]\n").await?;
        }
        let copied = tokio::io::copy(&mut output.take(bytes), &mut log).await?;
        log.flush().await?;
        if copied == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    async fn note(&self, text: &str) -> io::Result<()> {
        let mut log = self.log().await?;
        log.write_all(text.as_bytes()).await?;
        log.flush().await
    }
}

/// The next line, without its end, at most 4 kB of it. None: there is no more.
async fn line(output: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut bytes = Vec::new();
    output.take(4096).read_until(b'\n', &mut bytes).await.ok().filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
