//! This program in a pseudo-terminal, as a person has it: keys in, picture out. It ends with the test.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// A terminal with the program in it.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts it, 120x40.
    pub fn start(program: &str, words: &[&str], config: &Path) -> Terminal {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.arg("-c");
        command.arg(config);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        for name in ["NO_COLOR", "SSH_CONNECTION", "TMUX", "STY"] {
            command.env_remove(name);
        }
        let child = pty.slave.spawn_command(command).expect("started");
        drop(pty.slave);
        let cells = |count| NonZero::new(count).expect("not zero");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(size.rows), cells(size.cols), 0)));
        let (to, mut output) = (Arc::clone(&screen), pty.master.try_clone_reader().expect("a reader"));
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                to.lock().expect("not poisoned").process(&chunk[..read]);
            }
        });
        let keys = pty.master.take_writer().expect("a writer");
        Terminal { child, keys, screen, _master: pty.master }
    }

    /// Presses keys, as the terminal sends them.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("typed");
    }

    /// All that it shows.
    pub fn shown(&self) -> String {
        self.screen.lock().expect("not poisoned").screen().contents()
    }

    /// Waits until it shows that text.
    #[track_caller]
    pub fn until_shown(&self, text: &str) {
        let limit = Instant::now() + LIMIT;
        while !self.shown().contains(text) {
            assert!(Instant::now() < limit, "never shows `{text}`:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn until_ended(&mut self) {
        let limit = Instant::now() + LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) {
            assert!(Instant::now() < limit, "does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
