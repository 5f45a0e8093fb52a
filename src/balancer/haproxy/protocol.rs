//! HAProxy's runtime API as bytes: one line of commands in, one answer for each, then the end of the stream.
//!
//! It decides when an answer is whole and whether it is HAProxy that speaks. It does not know what the commands mean:
//! for that see `stat` (reading) and `change` (changing). Every answer ends with an empty line, an answer to a successful
//! `set` is only that line, and there is no status: anything else that such a command answers is an error.

use crate::model::Failure;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long connecting may take, and how long a whole answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Larger answers are refused. 16 MB are the statistics of about 40 000 servers.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// HAProxy takes a line of at most `tune.bufsize` (16 384 as shipped) less its reserve; longer ones are several writes.
const LONGEST_LINE: usize = 15_000;

/// Where the runtime API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp(String),
}

impl Endpoint {
    /// A text with a slash is the path of a Unix socket, any other is a host and port.
    pub(super) fn new(socket: &str) -> Endpoint {
        if socket.contains('/') { Endpoint::Unix(PathBuf::from(socket)) } else { Endpoint::Tcp(socket.to_owned()) }
    }

    /// Opens a connection that waits for its line. HAProxy closes it when none comes for `stats timeout` (10 s as shipped).
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        let opening = async {
            Ok::<Box<dyn Stream>, std::io::Error>(match self {
                Endpoint::Unix(path) => Box::new(UnixStream::connect(path).await?),
                Endpoint::Tcp(address) => {
                    let stream = TcpStream::connect(address.as_str()).await?;
                    stream.set_nodelay(true)?;
                    Box::new(stream)
                }
            })
        };
        match timeout(PATIENCE, opening).await {
            Ok(Ok(stream)) => Ok(Connection { stream, endpoint: self.clone() }),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(Failure::new(format!("no connection to HAProxy at {self} within {} s", PATIENCE.as_secs()))
                .next("look whether HAProxy runs there and whether a firewall is between")),
        }
    }

    /// Opens a connection, sends the commands as one line, and gives back one answer for each.
    pub(super) async fn ask(&self, commands: &[String]) -> Result<Vec<String>, Failure> {
        self.connect().await?.ask(commands).await
    }

    fn refused(&self, error: &std::io::Error) -> Failure {
        match (self, error.kind()) {
            (Endpoint::Unix(path), ErrorKind::NotFound) => Failure::new(format!("there is no socket {}", path.display())).next(format!(
                "look whether HAProxy runs and whether the global section of its config has: stats socket {} mode 600 level admin",
                path.display()
            )),
            (Endpoint::Unix(path), ErrorKind::PermissionDenied) => {
                Failure::new(format!("this account may not open the socket {}", path.display()))
                    .next("give it the group of the socket: stats socket … group GROUP mode 660 level admin")
            }
            (Endpoint::Unix(_) | Endpoint::Tcp(_), ErrorKind::ConnectionRefused) => {
                Failure::new(format!("nobody listens at {self}")).next("look whether HAProxy runs, and what its `stats socket` line says")
            }
            (Endpoint::Unix(_) | Endpoint::Tcp(_), _) => Failure::new(format!("no connection to HAProxy at {self}: {error}")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "{}", path.display()),
            Endpoint::Tcp(address) => f.write_str(address),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection that has not been used yet. One line goes through it.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    endpoint: Endpoint,
}

/// What became of a line.
pub(super) enum Exchange {
    Answered(Vec<String>),
    /// The connection ended before the first byte of an answer, as one does that waited for too long.
    Closed,
}

impl Connection {
    /// Sends the commands as one line and one write, and gives back one answer for each.
    pub(super) async fn ask(self, commands: &[String]) -> Result<Vec<String>, Failure> {
        let endpoint = self.endpoint.clone();
        match self.exchange(commands).await? {
            Exchange::Answered(answers) => Ok(answers),
            Exchange::Closed => Err(Failure::new(format!("{endpoint} closed the connection without an answer"))
                .next("look whether it is HAProxy that listens there, and into its log")),
        }
    }

    /// As [`Connection::ask`], but tells apart that the line cannot have been heard.
    pub(super) async fn exchange(mut self, commands: &[String]) -> Result<Exchange, Failure> {
        let endpoint = self.endpoint.clone();
        let line = format!("{}\n", commands.join("; "));
        let talk = async {
            if let Err(error) = self.stream.write_all(line.as_bytes()).await {
                return hung_up(&endpoint, &error);
            }
            let mut answer = Vec::new();
            let mut bounded = self.stream.take(LARGEST_ANSWER as u64 + 1);
            if let Err(error) = bounded.read_to_end(&mut answer).await
                && answer.is_empty()
            {
                return hung_up(&endpoint, &error);
            }
            Ok(answer)
        };
        let answer = timeout(PATIENCE, talk).await.map_err(|_| {
            Failure::new(format!("{endpoint} did not finish its answer within {} s", PATIENCE.as_secs()))
                .next("look whether it is HAProxy that listens there, and whether its machine is overloaded")
        })??;
        if answer.is_empty() {
            return Ok(Exchange::Closed);
        }
        if answer.len() > LARGEST_ANSWER {
            return Err(Failure::new(format!("{endpoint} answered more than {} MB", LARGEST_ANSWER / 1024 / 1024))
                .next("look whether it is HAProxy that listens there"));
        }
        split(&endpoint, &String::from_utf8_lossy(&answer), commands.len()).map(Exchange::Answered)
    }
}

/// An end of the connection before any answer is no answer; any other trouble is a failure.
fn hung_up(endpoint: &Endpoint, error: &std::io::Error) -> Result<Vec<u8>, Failure> {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => Ok(Vec::new()),
        _ => Err(Failure::new(format!("the connection to HAProxy at {endpoint} failed: {error}"))),
    }
}

/// Cuts the text into one answer for each command, without the empty lines between.
fn split(endpoint: &Endpoint, text: &str, expected: usize) -> Result<Vec<String>, Failure> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    if first.starts_with("HTTP/") || first.starts_with('<') {
        return Err(Failure::new(format!("what answers at {endpoint} is not HAProxy's runtime API: it says `{first}`"))
            .next("give the address of the `stats socket` line, not that of a frontend or of the statistics page"));
    }
    if first.starts_with("Unknown command") && expected > 1 {
        return Err(Failure::new(format!("{endpoint} does not know the commands of a worker: it says `{first}`"))
            .next("if it is the master's socket (haproxy -S), give that of the `stats socket` line instead"));
    }
    let mut answers = Vec::with_capacity(expected);
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some("") => answers.push(std::mem::take(&mut lines).join("\n")),
            Some(whole) => lines.push(whole),
            None => lines.push(line),
        }
    }
    if !lines.is_empty() || answers.len() != expected {
        let last = text.trim_end().lines().next_back().unwrap_or("");
        let last: String = last.chars().take(80).collect();
        return Err(Failure::new(format!(
            "the answer of {endpoint} breaks off after {} of {expected} parts, at `{last}`",
            answers.len().min(expected)
        ))
        .next("look whether it is HAProxy that listens there, and into its log"));
    }
    Ok(answers)
}

/// Cuts a list of commands into as few lines as HAProxy takes, in order.
pub(super) fn lines(commands: &[String]) -> Vec<Vec<String>> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for command in commands {
        let length = command.len() + 2;
        match lines.last_mut() {
            Some(line) if length <= room => {
                room -= length;
                line.push(command.clone());
            }
            Some(_) | None => {
                room = LONGEST_LINE.saturating_sub(length);
                lines.push(vec![command.clone()]);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("/run/haproxy/admin.sock")
    }

    #[test]
    fn a_slash_makes_a_path() {
        assert_eq!(Endpoint::new("/run/x"), Endpoint::Unix("/run/x".into()));
        assert_eq!(Endpoint::new("127.0.0.1:9999"), Endpoint::Tcp("127.0.0.1:9999".into()));
    }

    #[test]
    fn a_socket_that_may_not_be_opened_says_which_line_to_change() {
        let failure = endpoint().refused(&std::io::Error::from(ErrorKind::PermissionDenied));
        assert!(failure.to_string().contains("may not open the socket /run/haproxy/admin.sock; give it the group"), "{failure}");
    }

    #[test]
    fn each_command_has_its_answer_and_a_blank_one_is_success() {
        let answers = split(&endpoint(), "a\nb\n\n\n\nNo such server.\n\n", 4).unwrap();
        assert_eq!(answers, ["a\nb", "", "", "No such server."]);
    }

    #[test]
    fn half_an_answer_and_one_too_few_are_refused() {
        for text in ["1\n# be_id be_na", "a\n\nb\n", "a\n\n"] {
            let failure = split(&endpoint(), text, 2).unwrap_err();
            assert!(failure.what.as_str().contains("breaks off"), "{failure}");
        }
    }

    #[test]
    fn a_web_server_and_the_master_socket_are_named() {
        let failure = split(&endpoint(), "HTTP/1.1 400 Bad Request\r\n\r\n", 1).unwrap_err();
        assert!(failure.to_string().contains("is not HAProxy's runtime API: it says `HTTP/1.1 400 Bad Request`"), "{failure}");
        let failure = split(&endpoint(), "Unknown command, but maybe one of …\n  help\n\n", 2).unwrap_err();
        assert!(failure.to_string().contains("master's socket"), "{failure}");
    }

    #[test]
    fn a_long_list_becomes_several_lines_in_order() {
        let commands: Vec<String> = (0..1000).map(|i| format!("set server shop/web{i:04} state ready")).collect();
        let cut = lines(&commands);
        assert!(cut.len() > 1);
        assert!(cut.iter().all(|line| line.join("; ").len() < LONGEST_LINE));
        assert_eq!(cut.concat(), commands);
        assert_eq!(lines(&commands[..6]).len(), 1);
    }
}
