//! A value out of an answer: JSON pointer, header, regular expression, or all of it. Pure.
//!
//! An answer that has no such value is told in a way that shows what to write instead. Settings: [`super::Extract`].

use super::Extract;
use crate::model::Printable;
use reqwest::header::HeaderMap;

/// What was answered, as far as it was read.
#[derive(Debug, Default)]
pub struct Answer {
    /// Zero for a command.
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// There was more than this many bytes, which were not read.
    pub cut_at: Option<usize>,
}

/// An [`Extract`] that is ready to be used.
#[derive(Debug)]
pub enum Extractor {
    Json(String),
    Header(String),
    Regex(regex::Regex),
    Body,
}

impl Extractor {
    /// Fails on a regular expression that is none.
    pub fn new(extract: &Extract) -> Result<Extractor, String> {
        Ok(match extract {
            Extract::Json(pointer) => Extractor::Json(pointer.clone()),
            Extract::Header(name) => Extractor::Header(name.clone()),
            Extract::Regex(pattern) => {
                Extractor::Regex(regex::Regex::new(pattern).map_err(|error| format!("regex \"{pattern}\": {error}"))?)
            }
            Extract::Body => Extractor::Body,
        })
    }

    /// The value, white space around it dropped, never empty; or why there is none.
    pub fn take(&self, answer: &Answer) -> Result<String, String> {
        let text = String::from_utf8_lossy(&answer.body);
        let found = match self {
            Extractor::Header(name) => return header(answer, name),
            Extractor::Regex(pattern) => match pattern.captures(&text) {
                Some(captures) => Ok(captures.get(1).or(captures.get(0)).map_or("", |found| found.as_str()).to_owned()),
                None => Err(format!("the answer does not match \"{pattern}\": {}", beginning(&text))),
            },
            Extractor::Json(pointer) => json(pointer, &text),
            Extractor::Body => Ok(text.into_owned()),
        };
        match (found, answer.cut_at) {
            (_, Some(most)) if !matches!(self, Extractor::Regex(_)) => Err(longer_than(most)),
            (Err(why), Some(most)) => Err(format!("{}; {why}", longer_than(most))),
            (Err(why), None) => Err(why),
            (Ok(value), _) if value.trim().is_empty() => Err("the value in the answer is empty".to_owned()),
            (Ok(value), _) => Ok(value.trim().to_owned()),
        }
    }
}

/// The sentence for an answer that was not read to its end.
pub fn longer_than(most: usize) -> String {
    match most >> 20 {
        0 => format!("answer longer than {} kB", most >> 10),
        megabytes => format!("answer longer than {megabytes} MB"),
    }
}

fn header(answer: &Answer, name: &str) -> Result<String, String> {
    let value = answer.headers.get(name).ok_or_else(|| {
        let names: Vec<&str> = answer.headers.keys().map(reqwest::header::HeaderName::as_str).take(12).collect();
        format!("no header {name} in the answer; it has: {}", names.join(", "))
    })?;
    match String::from_utf8_lossy(value.as_bytes()).trim() {
        "" => Err(format!("the header {name} is empty")),
        value => Ok(value.to_owned()),
    }
}

fn json(pointer: &str, text: &str) -> Result<String, String> {
    use serde_json::Value;
    let whole: Value =
        serde_json::from_str(text).map_err(|error| format!("the answer is no JSON ({error}): {}", beginning(text)))?;
    match whole.pointer(pointer) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Bool(yes)) => Ok(yes.to_string()),
        Some(Value::Null) => Err(format!("{pointer} is null in the answer")),
        Some(Value::Array(_)) => Err(format!("{pointer} is a list in the answer, not a value")),
        Some(Value::Object(keys)) => Err(format!("{pointer} is no value; below it are: {}", listed(keys.keys()))),
        None => Err(format!("no {pointer} in the answer; {}", nearest(&whole, pointer))),
    }
}

/// What there is where the pointer leaves the path.
fn nearest(whole: &serde_json::Value, pointer: &str) -> String {
    use serde_json::Value;
    let mut parts: Vec<&str> = pointer.split('/').collect();
    while parts.pop().is_some() {
        let above = parts.join("/");
        let place = if above.is_empty() { String::from("it") } else { above.clone() };
        match whole.pointer(&above) {
            Some(Value::Object(keys)) if keys.is_empty() => return format!("{place} is empty"),
            Some(Value::Object(keys)) => return format!("{place} has: {}", listed(keys.keys())),
            Some(Value::Array(items)) => return format!("{place} is a list of {}", items.len()),
            Some(_) => return format!("{place} is a value"),
            None => {}
        }
    }
    String::from("a pointer begins with /")
}

fn listed<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<String> = keys.take(13).map(|key| Printable::cut(key, 40).to_string()).collect();
    if names.len() == 13 {
        names.pop();
        names.push(String::from("…"));
    }
    names.join(", ")
}

/// The first words of an answer, to recognise an error page by.
pub fn beginning(text: &str) -> String {
    match text.trim() {
        "" => String::from("it is empty"),
        text => format!("it begins with \"{}\"", Printable::cut(text, 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer { status: 200, body: body.as_bytes().to_vec(), ..Answer::default() }
    }

    fn take(extract: Extract, body: &str) -> Result<String, String> {
        Extractor::new(&extract).unwrap().take(&answer(body))
    }

    fn pointer(pointer: &str, body: &str) -> Result<String, String> {
        take(Extract::Json(pointer.to_owned()), body)
    }

    #[test]
    fn json_values_are_taken_and_a_missing_one_says_what_there_is() {
        let body = r#"{"build": {"version": "1.42.0", "number": 7, "clean": true, "tag": null}, "name": "shop"}"#;
        assert_eq!(pointer("/build/version", body).as_deref(), Ok("1.42.0"));
        assert_eq!(pointer("/build/number", body).as_deref(), Ok("7"));
        assert_eq!(pointer("/build/clean", body).as_deref(), Ok("true"));
        assert_eq!(pointer("/build/tag", body).unwrap_err(), "/build/tag is null in the answer");
        assert_eq!(
            pointer("/build/versoin", body).unwrap_err(),
            "no /build/versoin in the answer; /build has: clean, number, tag, version"
        );
        assert_eq!(pointer("/version", body).unwrap_err(), "no /version in the answer; it has: build, name");
        assert_eq!(pointer("/build", body).unwrap_err(), "/build is no value; below it are: clean, number, tag, version");
        assert!(pointer("/version", "<html>").unwrap_err().contains("begins with \"<html>\""));
    }

    #[test]
    fn a_regular_expression_gives_its_first_capture_or_all_of_its_match() {
        assert_eq!(take(Extract::Regex("v([0-9.]+)".to_owned()), "shop v1.2 ok").as_deref(), Ok("1.2"));
        assert_eq!(take(Extract::Regex("[0-9.]+".to_owned()), "shop v1.2 ok").as_deref(), Ok("1.2"));
        assert!(take(Extract::Regex("z+".to_owned()), "shop").unwrap_err().contains("does not match"));
    }

    #[test]
    fn an_answer_that_was_cut_or_is_empty_is_no_version() {
        let cut = Answer { cut_at: Some(1 << 20), ..answer("1.2") };
        assert_eq!(Extractor::Body.take(&cut).unwrap_err(), "answer longer than 1 MB");
        assert!(take(Extract::Body, " \n").unwrap_err().contains("empty"));
        assert_eq!(take(Extract::Body, " 1.2\n").as_deref(), Ok("1.2"));
    }
}
