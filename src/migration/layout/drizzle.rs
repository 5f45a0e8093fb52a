//! Drizzle's journal, `meta/_journal.json`: which files there are, in which order, and the moment that stands for each in
//! the books.

use serde::Deserialize;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Milliseconds since the epoch: Drizzle compares these.
    pub when: i64,
    /// The file without `.sql`.
    pub tag: String,
}

#[derive(Deserialize)]
struct Journal {
    entries: Vec<Entry>,
}

/// Reads the journal; the error is one line.
pub fn journal(text: &str) -> Result<Vec<Entry>, String> {
    let journal: Journal = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(journal.entries)
}

/// The moment that a folder `YYYYMMDDHHMMSS_name` stands for, in milliseconds since the epoch.
#[must_use]
pub fn moment(tag: &str) -> Option<i64> {
    let digits = tag.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|digits| digits.parse::<i16>().ok());
    let small = |range: std::ops::Range<usize>| number(range).and_then(|number| i8::try_from(number).ok());
    let date = jiff::civil::Date::new(number(0..4)?, small(4..6)?, small(6..8)?).ok()?;
    let time = jiff::civil::Time::new(small(8..10)?, small(10..12)?, small(12..14)?, 0).ok()?;
    let moment = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(moment.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_read_and_a_broken_one_said() {
        let text = r#"{"version":"7","dialect":"postgresql","entries":[{"idx":0,"version":"7","when":1700000000000,"tag":"0000_a","breakpoints":true}]}"#;
        assert_eq!(journal(text).unwrap(), [Entry { when: 1_700_000_000_000, tag: "0000_a".to_owned() }]);
        assert!(journal("{").is_err());
    }

    #[test]
    fn a_folder_stands_for_a_moment() {
        assert_eq!(moment("20231114221320_a"), Some(1_700_000_000_000));
        assert_eq!(moment("20231399999999_a"), None);
        assert_eq!(moment("a"), None);
    }
}
