//! What an exit means to a person: one sentence, with the line to run.
//!
//! It reads only the status and the end of the output, so it may be wrong about a command that prints another's words;
//! therefore it is advice and decides nothing.

use super::record::End;
use crate::hand::{Host, Invocation};
use crate::model::Printable;

/// What can be said about a command that ended like this, after printing that. `None` for a good end.
pub fn of(invocation: &Invocation, end: End, tail: &str) -> Option<String> {
    if end.timed_out {
        let limit = invocation.timeout.as_secs_f64();
        return Some(format!(
            "it did not end within {limit} s, so its process group was ended{}: find out what it waits for, or give it more with a timeout in [commands]",
            place(&invocation.host)
        ));
    }
    if end.status == 0 {
        return None;
    }
    sudo(invocation, tail)
        .or_else(|| ssh(&invocation.host, tail))
        .or_else(|| terminal(tail))
        .or_else(|| status(invocation, end.status, tail))
}

/// The worker is gone and wrote no exit status.
pub fn unknown_end(invocation: &Invocation) -> String {
    format!(
        "how it ended is not known: it was killed together with the shell that watched it{}; look at the server, then retry or exclude it",
        place(&invocation.host)
    )
}

fn place(host: &Host) -> String {
    match host {
        Host::Local => String::new(),
        Host::Ssh(destination) => format!(" on {}", machine(destination)),
    }
}

/// `web1` of `deploy@web1`.
fn machine(destination: &str) -> Printable {
    Printable::new(destination.rsplit('@').next().unwrap_or(destination))
}

fn sudo(invocation: &Invocation, tail: &str) -> Option<String> {
    let asked = [
        "sudo: a password is required",
        "sudo: a terminal is required",
        "sudo: no tty present",
        "sudo: sorry, you must have a tty",
    ];
    if !asked.iter().any(|words| tail.contains(words)) {
        return None;
    }
    let (host, user) = match &invocation.host {
        Host::Local => (String::from("this machine"), std::env::var("USER").ok()),
        Host::Ssh(destination) => {
            (machine(destination).to_string(), destination.rsplit_once('@').map(|(user, _)| user.to_owned()))
        }
    };
    let user = Printable::new(user.as_deref().unwrap_or("USER"));
    if tail.contains("you must have a tty") {
        return Some(format!("sudo wants a terminal on {host}: allow it without with \"Defaults:{user} !requiretty\""));
    }
    let command = after_sudo(&invocation.script).unwrap_or_else(|| String::from("COMMAND"));
    Some(format!(
        "sudo asked for a password on {host}: allow it with \"{user} ALL=(root) NOPASSWD: {}\"",
        Printable::new(&command)
    ))
}

/// The command that stands behind the first `sudo` of a script, its program with a full path where one can be guessed.
fn after_sudo(script: &str) -> Option<String> {
    let mut words = script.split([';', '|', '&', '>', '(', ')', '\n']).find_map(|command| {
        let mut words = command.split_whitespace();
        words.find(|word| *word == "sudo" || word.ends_with("/sudo")).map(|_| words.skip_while(|word| word.starts_with('-')))
    })?;
    let program = words.next()?;
    let program = if program.starts_with('/') { program.to_owned() } else { format!("/usr/bin/{program}") };
    Some(std::iter::once(program.as_str()).chain(words).collect::<Vec<_>>().join(" "))
}

/// What ssh complains about, ours or one that the command itself runs.
pub fn ssh(host: &Host, tail: &str) -> Option<String> {
    let destination = match host {
        Host::Local => Printable::new("HOST"),
        Host::Ssh(destination) => Printable::new(destination),
    };
    let known: [(&str, String); 7] = [
        (
            "REMOTE HOST IDENTIFICATION HAS CHANGED",
            format!(
                "the host key of {destination} is another than before: if that is right, \"ssh-keygen -R {}\", then \"ssh {destination}\" once",
                machine(destination.as_str())
            ),
        ),
        (
            "Host key verification failed",
            format!("the host key of {destination} is not known: run \"ssh {destination}\" once and compare it"),
        ),
        (
            "Permission denied (",
            format!(
                "{destination} takes none of your keys: \"ssh-copy-id {destination}\", or \"ssh-add\" if the key has a passphrase"
            ),
        ),
        (
            "Connection refused",
            format!(
                "nothing listens where ssh knocks at {destination}: is sshd running there, is the port right? try \"ssh -v {destination}\""
            ),
        ),
        (
            "Could not resolve hostname",
            format!(
                "the name of {destination} is not known here: check `ssh` of the server in the config and ~/.ssh/config, then \"ssh {destination}\""
            ),
        ),
        (
            "Connection timed out",
            format!("{destination} does not answer: is it up, is a firewall between? try \"ssh -v {destination}\""),
        ),
        (
            "No route to host",
            format!("there is no way to {destination}: is it up, is a firewall between? try \"ssh -v {destination}\""),
        ),
    ];
    known.into_iter().find(|(words, _)| tail.contains(words)).map(|(_, sentence)| sentence)
}

fn terminal(tail: &str) -> Option<String> {
    let wants = ["/dev/tty", "not a tty", "Inappropriate ioctl for device", "the input device is not a TTY"];
    wants.iter().any(|words| tail.contains(words)).then(|| {
        String::from(
            "it wanted a terminal, and there is none: give it what it asks for as an option, a file or in the environment",
        )
    })
}

fn status(invocation: &Invocation, status: i32, tail: &str) -> Option<String> {
    let place = place(&invocation.host);
    match status {
        126 => Some(format!("it is not executable{place}: \"chmod +x\" it, or look whether its file system is mounted noexec")),
        127 => Some(format!("a command was not found{place}: PATH is short there, so write the full path, or install it")),
        137 => Some(format!(
            "it was killed (SIGKILL){place}: when memory is short the kernel does that, see \"dmesg | grep -i 'killed process'\""
        )),
        129..=192 => Some(format!("it was ended by signal {}{place}", status - 128)),
        _ if tail.contains("No space left on device") => Some(format!("the disk is full{place}: see \"df -h\"")),
        _ if tail.contains("Cannot allocate memory") => Some(format!("memory is short{place}: see \"free -m\"")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn on(host: Host, script: &str) -> Invocation {
        Invocation {
            operation: String::from("x"),
            host,
            script: script.to_owned(),
            environment: Vec::new(),
            timeout: Duration::from_secs(30),
            output: std::path::PathBuf::new(),
        }
    }

    fn web1(script: &str, status: i32, tail: &str) -> String {
        of(&on(Host::Ssh(String::from("deploy@web1")), script), End { status, timed_out: false }, tail).unwrap_or_default()
    }

    #[test]
    fn sudo_that_asks_gets_the_line_for_sudoers() {
        let said = web1("cd / && sudo -n systemctl stop shop; true", 1, "sudo: a password is required\n");
        assert_eq!(
            said,
            "sudo asked for a password on web1: allow it with \"deploy ALL=(root) NOPASSWD: /usr/bin/systemctl stop shop\""
        );
    }

    #[test]
    fn each_usual_complaint_has_its_own_sentence() {
        let cases = [
            (255, "deploy@web1: Permission denied (publickey).", "ssh-copy-id deploy@web1"),
            (255, "Host key verification failed.", "ssh deploy@web1"),
            (255, "ssh: connect to host web1 port 22: Connection refused", "sshd running"),
            (255, "ssh: Could not resolve hostname web1: Name or service not known", "not known here"),
            (127, "sh: 1: shop-link: not found", "full path"),
            (126, "sh: 1: ./x: Permission denied", "chmod +x"),
            (137, "Killed", "memory is short"),
            (143, "", "signal 15"),
            (2, "sh: 1: cannot open /dev/tty: No such device or address", "wanted a terminal"),
            (1, "cp: error writing 'x': No space left on device", "df -h"),
        ];
        for (status, tail, part) in cases {
            let said = web1("x", status, tail);
            assert!(said.contains(part), "{tail}: {said}");
        }
        assert_eq!(of(&on(Host::Local, "x"), End { status: 0, timed_out: false }, "Permission denied (publickey)"), None);
        assert_eq!(of(&on(Host::Local, "x"), End { status: 1, timed_out: false }, "no"), None);
    }
}
