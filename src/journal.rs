//! Lines on a disk: appended whole or not at all, durable when asked, each with a checksum. It decides what counts as a
//! torn or a damaged line, and what a full disk gives up first. It refuses to know what a line means.
//!
//! A line is a JSON object with one field more, always last: `"crc"`, the CRC-32 (as gzip and zlib have it) of the line's
//! bytes with that field, the comma before it and the line feed taken away, in eight hex digits. Checked by hand:
//!
//! ```text
//! $ sed -n 7p journal.jsonl
//! {"at":1.5,"event":"woke","crc":"13abe7e6"}
//! $ sed -n 7p journal.jsonl | sed 's/,\{0,1\}"crc":"[0-9a-f]*"}$/}/' | python3 -c 'import sys, zlib; print("%08x" % zlib.crc32(sys.stdin.read().rstrip("\n").encode()))'
//! 13abe7e6
//! ```
//!
//! Read next: `engine::home`, which says where journals lie.

use crate::model::{Failure, Printable};
use serde_json::Value;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file beside a journal that is given up when the disk is full, so that a hold and a rollback can still be written.
pub const BALLAST: &str = "ballast";

/// Some two hundred lines of a rollout that is being held and taken back. Smaller, and a full disk ends it half way.
const BALLAST_BYTES: usize = 64 << 10;

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Where the next line begins: the length of what is known to be whole.
    end: u64,
    /// What to give up when the disk is full; `None`: nothing, or spent.
    ballast: Option<PathBuf>,
    /// Set when a line could be neither written nor taken back: nothing may follow it.
    broken: bool,
    last_sync: Duration,
}

/// A line that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// From 1, as an editor counts.
    pub number: u64,
    /// The object, without the checksum.
    pub value: Value,
}

/// The end of a file that was being written when its writer died. It was never answered for, so nothing was done on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The line that it would have been.
    pub line: u64,
    /// How many bytes of it there were.
    pub bytes: u64,
    /// How it began.
    pub text: Printable,
}

impl Journal {
    /// Makes a new journal, durable as a name in its directory, with a ballast beside it. Fails when the file exists, or
    /// when the disk has no room for the ballast; then no journal is left. The file may be read and written by whom the directory is for.
    pub fn create(path: &Path) -> io::Result<Journal> {
        let ballast = lay_ballast(path)?;
        Ok(Journal { ballast: Some(ballast), ..Journal::create_without_ballast(path)? })
    }

    /// The same for lines that are not worth a ballast: the first to be lost when the disk is full.
    pub fn create_without_ballast(path: &Path) -> io::Result<Journal> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_permissions(as_the_directory(path)?)?;
        file.sync_all()?;
        File::open(parent(path))?.sync_all()?;
        Ok(Journal { file, path: path.to_owned(), end: 0, ballast: None, broken: false, last_sync: Duration::ZERO })
    }

    /// Opens a journal to go on with it. A torn last line is cut off the file and told; a damaged one before the end is
    /// an error that names it. A ballast that was spent is laid again if there is room.
    pub fn open(path: &Path) -> Result<(Journal, Vec<Line>, Option<TornTail>), Failure> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| unreadable(path, "opened for writing", &error))?;
        let (lines, torn, end) = parse(path, &fs::read(path).map_err(|error| unreadable(path, "read", &error))?)?;
        if torn.is_some() {
            file.set_len(end).and_then(|()| file.sync_all()).map_err(|error| unreadable(path, "cut at its torn end", &error))?;
        }
        let ballast = lay_ballast(path).ok();
        let journal = Journal { file, path: path.to_owned(), end, ballast, broken: false, last_sync: Duration::ZERO };
        Ok((journal, lines, torn))
    }

    /// Writes one line; `sync`ed, it is on the disk when this returns.
    ///
    /// After an error the file is as it was before, and the error says so; the one exception says the contrary, and then
    /// nothing more can be appended. On a full disk the ballast is given up first. The value must be an object without `crc`.
    pub fn append(&mut self, value: &Value, sync: Durability) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("the journal ends in a line that could not be taken back; nothing is written after it"));
        }
        let line = encode(value)?;
        loop {
            let Err(error) = self.write(line.as_bytes(), sync) else { return Ok(()) };
            if let Err(worse) = self.file.set_len(self.end) {
                self.broken = true;
                let text =
                    format!("{} was not written ({error}) and its end could not be taken back ({worse})", self.path.display());
                return Err(io::Error::new(error.kind(), text));
            }
            // Otherwise a power failure could bring the line back. A disk that cannot do this either has said so already.
            let _ = self.file.sync_data();
            if !(is_full(&error) && self.give_up_the_ballast()) {
                let text = format!("{}: {error}; the line was taken back, the file is as before", self.path.display());
                return Err(io::Error::new(error.kind(), text));
            }
        }
    }

    fn give_up_the_ballast(&mut self) -> bool {
        self.ballast.take().is_some_and(|ballast| fs::remove_file(ballast).is_ok())
    }

    fn write(&mut self, line: &[u8], sync: Durability) -> io::Result<()> {
        self.file.write_all_at(line, self.end)?;
        if sync == Durability::Now {
            let began = Instant::now();
            self.file.sync_data()?;
            self.last_sync = began.elapsed();
        }
        self.end += line.len() as u64;
        Ok(())
    }

    /// How long the disk took over the last durable line.
    #[must_use]
    pub fn last_sync(&self) -> Duration {
        self.last_sync
    }

    /// Is there still something to give up when the disk is full?
    #[must_use]
    pub fn has_ballast(&self) -> bool {
        self.ballast.is_some()
    }
}

/// When a line must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before [`Journal::append`] returns.
    Now,
    /// When the system pleases, or with the next durable line.
    Later,
}

/// Reads a journal that somebody else may be writing, and changes nothing. A torn tail may then be a line on its way.
pub fn read(path: &Path) -> Result<(Vec<Line>, Option<TornTail>), Failure> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, "read", &error))?;
    parse(path, &bytes).map(|(lines, torn, _)| (lines, torn))
}

/// The whole lines among the last so many bytes; numbers count from there. For files that grow without end.
pub fn read_end(path: &Path, most: u64) -> Result<Vec<Line>, Failure> {
    let read = || {
        let file = File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(most);
        let mut bytes = Vec::new();
        (&file).seek(SeekFrom::Start(from))?;
        (&file).take(most).read_to_end(&mut bytes)?;
        // The first line has lost its beginning.
        let begins = if from == 0 { 0 } else { bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1) };
        Ok(bytes.split_off(begins))
    };
    let bytes = read().map_err(|error| unreadable(path, "read", &error))?;
    parse(path, &bytes).map(|(lines, ..)| lines)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn encode(value: &Value) -> io::Result<String> {
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text.to_owned());
    let object = value.as_object().ok_or_else(|| invalid("a journal line must be a JSON object"))?;
    if object.contains_key("crc") {
        return Err(invalid("`crc` is the journal's own field"));
    }
    let mut line = serde_json::to_string(object)?;
    let crc = crc32fast::hash(line.as_bytes());
    line.pop();
    let comma = if object.is_empty() { "" } else { "," };
    line.push_str(&format!("{comma}\"crc\":\"{crc:08x}\"}}\n"));
    Ok(line)
}

/// A line without its line feed.
fn decode(line: &[u8]) -> Result<Value, String> {
    /// `"crc":"xxxxxxxx"}`
    const FIELD: usize = 17;
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let no_checksum = || "it does not end in a checksum".to_owned();
    let at = text.len().checked_sub(FIELD).filter(|at| text.is_char_boundary(*at)).ok_or_else(no_checksum)?;
    let (head, field) = text.split_at(at);
    let said = field.strip_prefix("\"crc\":\"").and_then(|rest| rest.strip_suffix("\"}")).ok_or_else(no_checksum)?;
    let bare = format!("{}}}", head.strip_suffix(',').unwrap_or(head));
    let crc = format!("{:08x}", crc32fast::hash(bare.as_bytes()));
    if crc != said {
        return Err(format!("its checksum is {}, its text gives {crc}", Printable::new(said)));
    }
    match serde_json::from_str(&bare) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(error) => Err(format!("its checksum is right but it is not JSON: {error}")),
    }
}

/// The lines, the torn tail, and how many bytes are whole.
fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<Line>, Option<TornTail>, u64), Failure> {
    let mut lines = Vec::new();
    let mut whole = 0;
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let number = lines.len() as u64 + 1;
        let read = match piece.strip_suffix(b"\n") {
            Some(line) => decode(line),
            None => Err("it has no end".to_owned()),
        };
        match read {
            Ok(value) => lines.push(Line { number, value }),
            Err(_) if whole + piece.len() == bytes.len() => {
                let text = Printable::cut(&String::from_utf8_lossy(piece), 200);
                return Ok((lines, Some(TornTail { line: number, bytes: piece.len() as u64, text }), whole as u64));
            }
            Err(why) => {
                return Err(Failure::new(format!("{} is damaged at line {number}: {why}", path.display())).next(
                    "nothing was changed; put the file back from a copy, or look at what the balancer says and begin anew",
                ));
            }
        }
        whole += piece.len();
    }
    Ok((lines, None, whole as u64))
}

fn lay_ballast(journal: &Path) -> io::Result<PathBuf> {
    let path = parent(journal).join(BALLAST);
    if fs::metadata(&path).is_ok_and(|found| found.len() == BALLAST_BYTES as u64) {
        return Ok(path);
    }
    let sentence = "halfstep removes this file when the disk is full, so that the journal can still be written.\n";
    let text: String = sentence.chars().cycle().take(BALLAST_BYTES).collect();
    let laid = fs::write(&path, text).and_then(|()| File::open(&path)?.sync_all());
    match laid {
        Ok(()) => Ok(path),
        Err(error) => {
            // Half a ballast only takes the room away that there is; if it cannot be removed either, the error stands.
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// 0600 in a directory of 0700, 0660 in one of 2770.
fn as_the_directory(path: &Path) -> io::Result<Permissions> {
    Ok(Permissions::from_mode(fs::metadata(parent(path))?.permissions().mode() & 0o660))
}

fn unreadable(path: &Path, what: &str, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(dir: &Path, values: &[Value]) -> PathBuf {
        let path = dir.join("journal.jsonl");
        let mut journal = Journal::create(&path).expect("a new journal");
        for value in values {
            journal.append(value, Durability::Later).expect("appended");
        }
        path
    }

    fn values(lines: &[Line]) -> Vec<Value> {
        lines.iter().map(|line| line.value.clone()).collect()
    }

    #[test]
    fn a_line_is_the_object_with_its_checksum_last() {
        let line = encode(&json!({"event": "woke", "at": 1.5})).expect("encoded");
        assert_eq!(line, "{\"at\":1.5,\"event\":\"woke\",\"crc\":\"13abe7e6\"}\n");
        let empty = encode(&json!({})).expect("encoded");
        assert_eq!(decode(empty.trim_end().as_bytes()), Ok(json!({})));
    }

    #[test]
    fn what_is_not_an_object_or_has_a_checksum_of_its_own_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::create(&dir.path().join("j")).expect("a new journal");
        for value in [json!(1), json!([]), json!({"crc": "x"})] {
            let error = journal.append(&value, Durability::Now).expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        assert_eq!(fs::metadata(dir.path().join("j")).expect("there").len(), 0);
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_cut_and_the_journal_goes_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let all = [json!({"event": "began"}), json!({"text": "ü\n\u{1b}"}), json!({"event": "the last, written ⚡"})];
        let path = written(dir.path(), &all);
        let bytes = fs::read(&path).expect("read");
        let two = bytes.len() - encode(&all[2]).expect("encoded").len();
        for cut in two + 1..bytes.len() {
            fs::write(&path, &bytes[..cut]).expect("written");
            let (mut journal, lines, torn) = Journal::open(&path).expect("opened");
            assert_eq!(values(&lines), all[..2], "cut at {cut}");
            let torn = torn.expect("a torn tail");
            assert_eq!((torn.line, torn.bytes), (3, (cut - two) as u64));
            assert_eq!(fs::metadata(&path).expect("there").len(), two as u64);
            journal.append(&all[2], Durability::Now).expect("appended");
            assert_eq!(fs::read(&path).expect("read"), bytes);
        }
        let (_, lines, torn) = Journal::open(&path).expect("opened");
        assert_eq!((values(&lines).as_slice(), torn), (all.as_slice(), None));
        assert_eq!(lines[2].number, 3);
    }

    #[test]
    fn one_bit_turned_is_an_error_that_names_the_line_unless_it_is_the_last() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = written(dir.path(), &[json!({"a": 1}), json!({"b": 2}), json!({"c": 3})]);
        let bytes = fs::read(&path).expect("read");
        let length = bytes.len() / 3;
        for (line, at) in [(1, 3), (2, length + 3)] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).expect("written");
            let failure = Journal::open(&path).expect_err("damaged").to_string();
            assert!(failure.contains(&format!("damaged at line {line}: its checksum")), "{failure}");
            assert_eq!(fs::read(&path).expect("read"), damaged, "a damaged file is left as it is");
        }
        let mut damaged = bytes;
        damaged[2 * length + 3] ^= 1;
        fs::write(&path, &damaged).expect("written");
        let (lines, torn) = read(&path).expect("read");
        assert_eq!((lines.len(), torn.map(|torn| torn.line)), (2, Some(3)));
        assert_eq!(fs::read(&path).expect("read"), damaged, "reading changes nothing");
    }

    #[test]
    fn files_are_for_whom_the_directory_is_for_and_the_ballast_lies_there() {
        let dir = tempfile::tempdir().expect("a directory");
        for (mode, file) in [(0o700, 0o600), (0o2770, 0o660)] {
            let inner = dir.path().join(format!("{mode:o}"));
            fs::create_dir(&inner).expect("made");
            fs::set_permissions(&inner, Permissions::from_mode(mode)).expect("set");
            let path = written(&inner, &[]);
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, file);
            assert_eq!(fs::metadata(inner.join(BALLAST)).expect("there").len(), BALLAST_BYTES as u64);
            assert_eq!(Journal::create(&path).expect_err("exists").kind(), io::ErrorKind::AlreadyExists);
        }
    }
}
