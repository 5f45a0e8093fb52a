//! One screen or shell command: its greeting, what it asks, and the parts that it has not seen.

use super::{Asked, Attached, Door};
use crate::engine::wire::{Hello, NO_COMMAND, PROTOCOL, ToEngine, ToScreen};
use crate::model::Printable;
use crate::rollout::people::{Person, ScreenNumber, Wish};
use futures_util::StreamExt;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;

/// Notes and reasons are a line that somebody typed; this is many times that.
const LONGEST_LINE: usize = 64 << 10;

type Lines = FramedRead<OwnedReadHalf, LinesCodec>;

/// Counts a connection for as long as it lives.
struct Counted(Arc<Attached>);

impl Counted {
    fn new(attached: &Arc<Attached>) -> Counted {
        attached.connections.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(attached))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Somebody at a screen, for as long as it lives.
struct Seated(Arc<Attached>, ScreenNumber);

impl Seated {
    fn new(attached: &Arc<Attached>, person: Person) -> Seated {
        let seated = Seated(Arc::clone(attached), person.screen);
        attached.screens().push(person);
        seated
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.0.screens().retain(|person| person.screen != self.1);
        self.0.people.notify_one();
    }
}

/// Serves one connection to its end.
pub async fn serve(stream: UnixStream, login: Printable, door: Door) {
    let (read, write) = stream.into_split();
    let mut lines = FramedRead::new(read, LinesCodec::new_with_max_length(LONGEST_LINE));
    let mut writer = Writer { write, silence: door.limits.silence };
    let _here = Counted::new(&door.attached);
    let number = door.attached.numbers.fetch_add(1, Ordering::Relaxed) + 1;
    if writer.line(&Hello { number: Some(number), ..Hello::new(false, false) }).await.is_err() {
        return;
    }
    let hello = match greeting(&mut lines, &door).await {
        Ok(Some(hello)) => hello,
        Ok(None) => return,
        Err(sentence) => {
            let _ = writer.goodbye(&sentence).await;
            return;
        }
    };
    let wish = if hello.observe { Wish::Watch } else { Wish::Drive };
    let person = Person { screen: number, login: login.clone(), wish };
    let _seat = hello.screen.then(|| Seated::new(&door.attached, person));
    door.attached.came.notify_one();
    door.attached.people.notify_one();
    let (answers, to_write) = mpsc::channel(1);
    let Door { newest, encoded, beats, attached, asks, closing, .. } = door;
    let from = newest.borrow().number.max(attached.owed.load(Ordering::Relaxed)).max(1);
    drop(newest);
    let hear = Ear { lines, login, screen: hello.screen.then_some(number), observe: hello.observe, asks, answers };
    let listening = async {
        match hear.until(closing).await {
            Heard::HungUp => {}
            // The writer ends when it has written what there is.
            Heard::Enough => std::future::pending().await,
        }
    };
    tokio::select! {
        () = listening => {}
        _ = writer.tell(encoded, beats, from, to_write) => {}
    }
}

/// Their greeting; `None` when they hung up; else what is wrong with it.
async fn greeting(lines: &mut Lines, door: &Door) -> Result<Option<Hello>, String> {
    if door.attached.connections.load(Ordering::Relaxed) > super::MOST_CONNECTIONS {
        return Err(format!("{} connections to this engine are open already", super::MOST_CONNECTIONS));
    }
    let line = match tokio::time::timeout(door.limits.greeting, lines.next()).await {
        Err(_) => return Err("no greeting came".to_owned()),
        Ok(None) => return Ok(None),
        Ok(Some(line)) => line.map_err(|error| what_is_wrong(&error))?,
    };
    let hello: Hello = serde_json::from_str(&line).map_err(|_| format!("`{}` is no greeting", Printable::cut(&line, 60)))?;
    if hello.protocol != PROTOCOL {
        let ours = env!("CARGO_PKG_VERSION");
        return Err(format!("this engine is halfstep {ours} and speaks protocol {PROTOCOL}, not {}", hello.protocol));
    }
    Ok(Some(hello))
}

/// What is to be written between two states.
enum Said {
    Answer(ToScreen),
    /// The last sentence.
    Goodbye(String),
}

/// Why nothing more is read.
enum Heard {
    HungUp,
    /// The engine closes, or they said what cannot be understood.
    Enough,
}

/// What they ask.
struct Ear {
    lines: Lines,
    login: Printable,
    screen: Option<ScreenNumber>,
    observe: bool,
    asks: mpsc::Sender<Asked>,
    answers: mpsc::Sender<Said>,
}

impl Ear {
    /// Hands on what they ask, one at a time; what is asked already is answered when the engine closes.
    async fn until(mut self, closing: CancellationToken) -> Heard {
        loop {
            let line = tokio::select! {
                line = self.lines.next() => line,
                () = closing.cancelled() => return Heard::Enough,
            };
            let said = match line {
                None => return Heard::HungUp,
                Some(Err(error)) => Said::Goodbye(what_is_wrong(&error)),
                Some(Ok(line)) => match serde_json::from_str::<ToEngine>(&line) {
                    Err(_) => Said::Goodbye(format!("`{}` is no command", Printable::cut(&line, 60))),
                    Ok(request) => Said::Answer(self.ask(request).await),
                },
            };
            let was_last = matches!(said, Said::Goodbye(_));
            if self.answers.send(said).await.is_err() {
                return Heard::HungUp;
            }
            if was_last {
                return Heard::Enough;
            }
        }
    }

    async fn ask(&self, request: ToEngine) -> ToScreen {
        let id = request.id;
        let (answer, answered) = oneshot::channel();
        let gone = || Some(Printable::new("the engine is ending and takes no more commands"));
        let asked = Asked { login: self.login.clone(), screen: self.screen, observe: self.observe, request, answer };
        let refused = match self.asks.send(asked).await {
            Ok(()) => answered.await.unwrap_or_else(|_| gone()),
            Err(_) => gone(),
        };
        ToScreen::Answer { id, refused }
    }
}

fn what_is_wrong(error: &LinesCodecError) -> String {
    match error {
        LinesCodecError::MaxLineLengthExceeded => format!("a line is longer than {LONGEST_LINE} bytes"),
        LinesCodecError::Io(error) => format!("the line could not be read: {error}"),
    }
}

struct Writer {
    write: OwnedWriteHalf,
    silence: Duration,
}

/// They hung up, have read nothing for too long, or were hung up on.
struct Lost;

impl Writer {
    /// Tells every newer state, the first not before `from`, and answers in between, until the engine closes.
    async fn tell(
        &mut self,
        mut encoded: watch::Receiver<Arc<super::parts::Encoded>>,
        mut beats: watch::Receiver<()>,
        from: u64,
        mut answers: mpsc::Receiver<Said>,
    ) -> Result<(), Lost> {
        let mut seen = 0;
        encoded.mark_changed();
        loop {
            tokio::select! {
                biased;
                Some(said) = answers.recv() => self.say(said).await?,
                changed = encoded.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let now = Arc::clone(&encoded.borrow_and_update());
                    let mut news = if now.number < from { Vec::new() } else { now.newer_than(seen) };
                    if !news.is_empty() {
                        seen = now.number;
                        push_line(&mut news, &ToScreen::Complete);
                        self.bytes(&news).await?;
                    }
                }
                // An empty state: nothing is new, and whoever says so lives. Not before the first one.
                Ok(()) = beats.changed(), if seen > 0 => self.line(&ToScreen::Complete).await?,
            }
        }
        while let Some(said) = answers.recv().await {
            self.say(said).await?;
        }
        Ok(())
    }

    async fn say(&mut self, said: Said) -> Result<(), Lost> {
        match said {
            Said::Answer(answer) => self.line(&answer).await,
            Said::Goodbye(sentence) => self.goodbye(&sentence).await.and(Err(Lost)),
        }
    }

    async fn goodbye(&mut self, sentence: &str) -> Result<(), Lost> {
        let sentence = format!("{sentence}; the engine hung up");
        self.line(&ToScreen::Answer { id: NO_COMMAND, refused: Some(Printable::cut(&sentence, 300)) }).await
    }

    async fn line<T: Serialize>(&mut self, value: &T) -> Result<(), Lost> {
        let mut bytes = Vec::new();
        push_line(&mut bytes, value);
        self.bytes(&bytes).await
    }

    /// As slowly as they like, but not without reading at all.
    async fn bytes(&mut self, mut bytes: &[u8]) -> Result<(), Lost> {
        while !bytes.is_empty() {
            match tokio::time::timeout(self.silence, self.write.write(bytes)).await {
                Ok(Ok(written)) if written > 0 => bytes = &bytes[written..],
                Ok(Ok(_) | Err(_)) | Err(_) => return Err(Lost),
            }
        }
        Ok(())
    }
}

fn push_line<T: Serialize>(to: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, and neither type of line has anything that JSON cannot say.
    if serde_json::to_writer(&mut *to, value).is_ok() {
        to.push(b'\n');
    }
}
