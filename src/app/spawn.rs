//! Starts an engine as a process of its own: this program again, in its own session, with no terminal.

use super::begin::Refusal;
use super::engine::{Job, Reply};
use crate::model::Failure;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A running engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    pub rollout: PathBuf,
    pub socket: PathBuf,
    pub pid: u32,
}

/// Starts it and waits for its answer.
pub fn start(job: &Job) -> Result<Started, Refusal> {
    let request = request_file(job)?;
    let program = std::env::current_exe().map_err(|error| trouble("this program cannot be found", &error))?;
    let mut child = Command::new(program)
        .arg("engine")
        .arg("--request")
        .arg(&request)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| trouble("the engine cannot be started", &error))?;
    let mut line = String::new();
    let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    let answered = matches!(read, Some(Ok(length)) if length > 0);
    if !answered {
        let mut said = String::new();
        if let Some(mut error) = child.stderr.take() {
            let _ = std::io::Read::read_to_string(&mut error, &mut said);
        }
        let _ = child.wait();
        return Err(Failure::new(format!("the engine ended before it was ready: {}", said.trim())).into());
    }
    match serde_json::from_str(&line) {
        Ok(Reply::Ready { rollout, socket, pid }) => Ok(Started { rollout, socket, pid }),
        Ok(Reply::Refused(refusal)) => {
            let _ = child.wait();
            Err(refusal)
        }
        Err(_) => Err(Failure::new(format!("the engine answered something else: {}", line.trim())).into()),
    }
}

/// The job as a file that only we can read; the engine removes it.
fn request_file(job: &Job) -> Result<PathBuf, Failure> {
    let text = serde_json::to_string(job).map_err(|error| Failure::new(error.to_string()))?;
    let name = format!("halfstep-job-{}-{}.json", std::process::id(), jiff::Timestamp::now().as_nanosecond());
    let path = std::env::temp_dir().join(name);
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| trouble(&format!("{} cannot be written", path.display()), &error))?;
    Ok(path)
}

fn trouble(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("{what}: {error}"))
}
