//! The end of a command's output file, read for [`super::overlay::output`] and made safe to show.

use super::overlay::{Output, output::Cut};
use crate::model::Printable;
use std::path::{Component, Path};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Of an output file this much is read, from its end: a command may flood it.
const MOST_OUTPUT: u64 = 256 << 10;

/// The end of an output file, made safe to show. A path that leads out of the rollout's directory is not read.
pub async fn end(directory: &Path, path: String) -> Output {
    let inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
    let read = if inside { tail(&directory.join(&path)).await } else { Err(std::io::ErrorKind::InvalidInput.into()) };
    match read {
        Ok((text, cut, length)) => Output::new(path, Ok(Printable::lines(&text).collect()), cut, length),
        Err(error) => {
            let why = format!("{} cannot be read: {error}", directory.join(&path).display());
            Output::new(path, Err(Printable::new(&why)), Cut::Whole, 0)
        }
    }
}

async fn tail(path: &Path) -> std::io::Result<(String, Cut, u64)> {
    let mut file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let from = length.saturating_sub(MOST_OUTPUT);
    file.seek(std::io::SeekFrom::Start(from)).await?;
    let mut bytes = Vec::new();
    file.take(MOST_OUTPUT).read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if from == 0 {
        return Ok((text, Cut::Whole, length));
    }
    // The first line is most likely a piece of one.
    let whole_lines = text.split_once('\n').map_or_else(String::new, |(_, rest)| rest.to_owned());
    Ok((whole_lines, Cut::OnlyTheEnd, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_output_outside_the_rollout_is_not_read() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("secret"), "x").expect("written");
        let inner = directory.path().join("rollout");
        std::fs::create_dir(&inner).expect("made");
        for path in ["../secret", "/etc/hostname", "output/../../secret"] {
            assert!(end(&inner, path.to_owned()).await.lines.is_err(), "{path}");
        }
    }

    #[tokio::test]
    async fn a_flooded_output_shows_its_end_and_is_safe() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut text = "line of a flood\n".repeat(100_000);
        text.push_str("\x1b[2Jlast");
        std::fs::write(directory.path().join("out.log"), &text).expect("written");
        let output = end(directory.path(), "out.log".to_owned()).await;
        let lines = output.lines.expect("read");
        assert_eq!(output.cut, Cut::OnlyTheEnd);
        assert!(lines.len() * 16 <= 256 << 10);
        assert_eq!(lines.last().map(Printable::as_str), Some("␛[2Jlast"));
        assert_eq!(lines[0].as_str(), "line of a flood");
    }
}
