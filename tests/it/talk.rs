//! A run of this program that a test talks with, line by line: through pipes, or at a real pseudo-terminal.

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// Ends the program when it is dropped.
pub struct Talk {
    child: Child,
    input: Option<Box<dyn Write + Send>>,
    said: Arc<Mutex<Vec<u8>>>,
    /// They end when nobody can say anything more.
    ears: Vec<JoinHandle<()>>,
    /// What was looked for is looked for after this.
    read: usize,
    /// Kept open: without it the terminal hangs up.
    _terminal: Option<Box<dyn portable_pty::MasterPty + Send>>,
}

enum Child {
    Piped(std::process::Child),
    AtTerminal(Box<dyn portable_pty::Child + Send + Sync>),
}

fn listen(mut from: impl Read + Send + 'static, to: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut chunk) {
            to.lock().expect("not poisoned").extend_from_slice(&chunk[..read]);
        }
    })
}

impl Talk {
    /// Both outputs are one text.
    pub fn piped(words: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Talk {
        let mut child = Command::new(env!("CARGO_BIN_EXE_halfstep"))
            .args(words)
            .current_dir(directory)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("halfstep runs");
        let said = Arc::default();
        let ears =
            vec![listen(child.stdout.take().expect("an output"), &said), listen(child.stderr.take().expect("an output"), &said)];
        let input = child.stdin.take().map(|input| Box::new(input) as Box<dyn Write + Send>);
        Talk { child: Child::Piped(child), input, said, ears, read: 0, _terminal: None }
    }

    /// At a terminal of 80 columns that echoes what is typed.
    pub fn at_terminal(words: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Talk {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_halfstep"));
        command.args(words);
        command.cwd(directory);
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).expect("halfstep runs");
        drop(pty.slave);
        let said = Arc::default();
        let ears = vec![listen(pty.master.try_clone_reader().expect("a reader"), &said)];
        let input = Some(pty.master.take_writer().expect("a writer"));
        Talk { child: Child::AtTerminal(child), input, said, ears, read: 0, _terminal: Some(pty.master) }
    }

    pub fn all(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("not poisoned")).into_owned()
    }

    /// Waits until that is said, after what was waited for before, and gives what stood between.
    #[track_caller]
    pub fn hears(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let all = self.said.lock().expect("not poisoned").clone();
            let new = &all[self.read.min(all.len())..];
            if let Some(at) = new.windows(text.len()).position(|window| window == text.as_bytes()) {
                let between = String::from_utf8_lossy(&new[..at]).into_owned();
                self.read += at + text.len();
                return between;
            }
            assert!(start.elapsed() < LIMIT, "`{text}` is not said after byte {} of:\n{}", self.read, self.all());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The number of the next prompt whose words hold that.
    #[track_caller]
    pub fn prompt(&mut self, words: &str) -> u64 {
        loop {
            self.hears("prompt ");
            self.hears(": ");
            let before = self.all();
            let number = before[..self.read - 2].rsplit(' ').next().and_then(|number| number.parse().ok());
            let rest = self.line();
            if let Some(number) = number.filter(|_| rest.contains(words)) {
                return number;
            }
        }
    }

    /// The rest of this line.
    #[track_caller]
    pub fn line(&mut self) -> String {
        self.hears("\n")
    }

    pub fn says(&mut self, line: &str) {
        self.types(&format!("{line}\n"));
    }

    /// As it is, as a terminal would send it.
    pub fn types(&mut self, text: &str) {
        let input = self.input.as_mut().expect("an open input");
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).expect("written");
    }

    pub fn ends_the_input(&mut self) {
        self.input = None;
    }

    /// Waits until the program has ended so, and gives all that it said.
    #[track_caller]
    pub fn ended(mut self, code: u32) -> String {
        let start = Instant::now();
        loop {
            let ended = match &mut self.child {
                Child::Piped(child) => {
                    child.try_wait().expect("asked").map(|status| status.code().map_or(255, i32::unsigned_abs))
                }
                Child::AtTerminal(child) => child.try_wait().expect("asked").map(|status| status.exit_code()),
            };
            // The last words may still be on their way through the pipe.
            if let Some(ended) = ended
                && self.ears.iter().all(JoinHandle::is_finished)
            {
                assert_eq!(ended, code, "{}", self.all());
                return self.all();
            }
            assert!(start.elapsed() < LIMIT, "it, or its output, does not end:\n{}", self.all());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        match &mut self.child {
            Child::Piped(child) => {
                child.kill().ok();
                child.wait().ok();
            }
            Child::AtTerminal(child) => {
                child.kill().ok();
                child.wait().ok();
            }
        }
    }
}
