//! What can be wrong with a practice server, as the words that its command line takes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// One thing that is wrong with an [`App`](super::app::App).
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// `/healthz` answers 503 for so long after the start.
    SlowStart(Duration),
    /// Answers this version instead of its own.
    WrongVersion(String),
    /// `/healthz` changes between 200 and 503, each for so long.
    Flapping(Duration),
    /// This share (0 to 1) of the requests other than health and version is answered with 500, once `after` were answered.
    Errors { share: f64, after: u64 },
    /// The same as long as that file is there.
    ErrorsWhile { share: f64, file: PathBuf },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::SlowStart(time) => write!(f, "slow-start={}", time.as_millis()),
            Fault::WrongVersion(version) => write!(f, "wrong-version={version}"),
            Fault::Flapping(time) => write!(f, "flapping={}", time.as_millis()),
            Fault::Errors { share, after } => write!(f, "errors={share},{after}"),
            Fault::ErrorsWhile { share, file } => write!(f, "errors-while={share},{}", file.display()),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    /// `slow-start=MS`, `wrong-version=TEXT`, `flapping=MS`, `errors=SHARE`, `errors=SHARE,AFTER` or `errors-while=SHARE,FILE`.
    fn from_str(text: &str) -> Result<Fault, String> {
        let wrong = || {
            let known = "slow-start=MS, wrong-version=TEXT, flapping=MS, errors=SHARE,AFTER, or errors-while=SHARE,FILE";
            format!("{text:?} is no fault: write {known}")
        };
        let share_of = |text: &str| text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(wrong);
        let (word, value) = text.split_once('=').ok_or_else(wrong)?;
        let time = || value.parse().map(Duration::from_millis).map_err(|_| wrong());
        match word {
            "slow-start" => Ok(Fault::SlowStart(time()?)),
            "wrong-version" => Ok(Fault::WrongVersion(value.to_owned())),
            "flapping" => Ok(Fault::Flapping(time()?)),
            "errors" => {
                let (share, after) = value.split_once(',').unwrap_or((value, "0"));
                Ok(Fault::Errors { share: share_of(share)?, after: after.parse().map_err(|_| wrong())? })
            }
            "errors-while" => {
                let (share, file) = value.split_once(',').ok_or_else(wrong)?;
                Ok(Fault::ErrorsWhile { share: share_of(share)?, file: PathBuf::from(file) })
            }
            _ => Err(wrong()),
        }
    }
}

/// Does the request with this number (from 0) fail, so that exactly `share` of all of them do, evenly spread?
#[must_use]
pub fn falls_on(share: f64, number: u64) -> bool {
    ((number + 1) as f64 * share).floor() > (number as f64 * share).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_read_back_as_it_is_written() {
        for fault in [
            Fault::SlowStart(Duration::from_millis(1500)),
            Fault::WrongVersion("1.40.9".into()),
            Fault::Flapping(Duration::from_millis(300)),
            Fault::Errors { share: 0.25, after: 10 },
            Fault::ErrorsWhile { share: 0.5, file: PathBuf::from("/tmp/a, b") },
        ] {
            assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
        }
        for wrong in ["", "errors", "errors=2", "errors-while=0.1", "slow-start=soon", "fire=1"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_share_is_exact_and_spread() {
        assert_eq!((0..1000).filter(|n| falls_on(0.25, *n)).count(), 250);
        assert_eq!((0..1000).filter(|n| falls_on(0.0, *n)).count(), 0);
        assert_eq!((0..1000).filter(|n| falls_on(1.0, *n)).count(), 1000);
    }
}
