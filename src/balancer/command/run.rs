//! One call of the operator's program: no shell, a limit on time and output, and its whole process group ended with it.
//!
//! It knows nothing of verbs and answers. Read next: `answer`.

use super::{Settings, Way};
use crate::model::Failure;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// More on standard output is refused.
const LARGEST_ANSWER: u64 = 1024 * 1024;
/// What is kept of standard error: its end, where the reason usually stands.
const END_OF_ERRORS: usize = 4096;

/// Runs the program with one argument, gives it the text on standard input, and gives back its standard output. Any exit
/// status but 0 is a failure, whose reason is the last line on standard error.
pub(super) async fn run(settings: &Settings, way: &Way, verb: &str, input: String) -> Result<String, Failure> {
    let limit = settings.timeout;
    let shown = settings.program.display();
    let words = words(&settings.program, way, verb);
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(Path::new(&words[0]), &error))?;
    // Before `child` in the order of dropping, and also when this future is dropped: the group is ended, then reaped.
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (answer, errors, status) = match timeout(limit, talk(&mut child, input)).await {
        Ok(Ok(spoken)) => spoken,
        Ok(Err(Trouble::TooMuch)) => {
            let most = LARGEST_ANSWER / 1024 / 1024;
            return Err(Failure::new(format!("`{shown} {verb}` wrote more than {most} MB and was ended")));
        }
        Ok(Err(Trouble::Pipe(error))) => return Err(Failure::new(format!("`{shown} {verb}` cannot be talked to: {error}"))),
        Err(_) => {
            return Err(Failure::new(format!("`{shown} {verb}` did not end within {:.1} s and was ended", limit.as_secs_f64()))
                .next("run it by hand; what it leaves running must not keep its standard output or error open"));
        }
    };
    group.let_go();
    if !status.success() {
        let reason = String::from_utf8_lossy(&errors);
        let reason = reason.trim_end().lines().next_back().unwrap_or("it wrote no reason to standard error").trim();
        return Err(Failure::new(format!("`{shown} {verb}` failed ({status}): {reason}")).next("run it by hand to see more"));
    }
    String::from_utf8(answer).map_err(|_| Failure::new(format!("`{shown} {verb}` answered what is not UTF-8")))
}

/// The words of the call. Behind ssh a shell of the other host puts them together again, so there they are quoted.
pub(super) fn words(program: &Path, way: &Way, verb: &str) -> Vec<OsString> {
    match way {
        Way::Direct => vec![program.into(), verb.into()],
        Way::Ssh { words } => {
            let remote = format!("{} {verb}", quoted(&program.to_string_lossy()));
            words.iter().map(OsString::from).chain([OsString::from(remote)]).collect()
        }
    }
}

/// One word of a shell command.
pub(super) fn quoted(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

enum Trouble {
    TooMuch,
    Pipe(std::io::Error),
}

/// Standard output, the end of standard error, and how it ended.
async fn talk(child: &mut Child, input: String) -> Result<(Vec<u8>, Vec<u8>, ExitStatus), Trouble> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(Trouble::Pipe(std::io::Error::other("it has no pipes")));
    };
    let telling = async move {
        // A program that does not read its input is none the worse for it.
        stdin.write_all(input.as_bytes()).await.ok();
        Ok(())
    };
    let hearing = async {
        let mut answer = Vec::new();
        stdout.take(LARGEST_ANSWER + 1).read_to_end(&mut answer).await.map_err(Trouble::Pipe)?;
        if answer.len() as u64 > LARGEST_ANSWER { Err(Trouble::TooMuch) } else { Ok(answer) }
    };
    let ((), answer, errors) = tokio::try_join!(telling, hearing, end_of(stderr))?;
    let status = child.wait().await.map_err(Trouble::Pipe)?;
    Ok((answer, errors, status))
}

/// Reads it all and keeps its end.
async fn end_of(mut stream: impl AsyncRead + Unpin) -> Result<Vec<u8>, Trouble> {
    let mut kept = Vec::new();
    let mut piece = vec![0; END_OF_ERRORS];
    loop {
        let read = stream.read(&mut piece).await.map_err(Trouble::Pipe)?;
        if read == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(&piece[..read]);
        let too_much = kept.len().saturating_sub(END_OF_ERRORS);
        kept.drain(..too_much);
    }
}

/// A process group that is ended when this is dropped, unless it was let go.
struct Group(Option<Pid>);

impl Group {
    /// It ended by itself; its id may soon be somebody else's.
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

fn not_started(program: &Path, error: &std::io::Error) -> Failure {
    let shown = program.display();
    match error.kind() {
        ErrorKind::NotFound => Failure::new(format!("there is no program {shown}, or what its first line (#!) names is missing"))
            .next("correct `program` of [balancer]"),
        ErrorKind::PermissionDenied => {
            Failure::new(format!("{shown} may not be run by this account")).next(format!("chmod +x {shown}"))
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            Failure::new(format!("{shown} is not a program")).next("a script begins with #! and its interpreter")
        }
        _ => Failure::new(format!("{shown} cannot be run: {error}")),
    }
}
