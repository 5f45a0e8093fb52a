//! What a server answers to a path that nobody has configured yet, and where in the answer its version could stand. For
//! `halfstep init`: it only ever asks with GET, and follows nothing.

use super::extract::{Answer, Extractor};
use super::http::Asker;
use super::{Extract, HttpRequest, Scheme};
use crate::model::{Address, Version};
use std::time::{Duration, Instant};

/// Of an answer this much is read.
const MOST: usize = 64 << 10;
/// A version is short; a longer text is something else.
const LONGEST_VERSION: usize = 64;

/// Names under which programs tell their version in JSON, the likelier first. Compared in small letters, without `_` and `-`.
const VERSION_KEYS: &[&str] = &[
    "version",
    "appversion",
    "releaseversion",
    "buildversion",
    "release",
    "tag",
    "gitsha",
    "gitcommit",
    "commit",
    "sha",
    "revision",
    "build",
];
/// The same for what changes when a process restarts.
const INSTANCE_KEYS: &[&str] = &["startedat", "starttime", "started", "bootid", "instanceid", "processid", "pid"];
/// Headers whose name says version and that tell of something else.
const OTHER_HEADERS: &[&str] = &["x-aspnet-version", "x-aspnetmvc-version", "x-api-version", "api-version", "mime-version"];

/// What was answered.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub took: Duration,
    answer: Answer,
}

/// A GET request for that path, as the config would have it.
#[must_use]
pub fn request(path: &str, scheme: Scheme, insecure: bool) -> HttpRequest {
    HttpRequest {
        path: path.to_owned(),
        scheme,
        port: None,
        host_header: None,
        headers: Vec::new(),
        ca: None,
        insecure,
        status: Vec::new(),
        contains: None,
    }
}

/// Asks that server. The error is a sentence.
pub async fn get(address: &Address, request: &HttpRequest, limit: Duration) -> Result<Page, String> {
    let asker = Asker::new(request).map_err(|failure| failure.to_string())?;
    let began = Instant::now();
    let answer = asker.ask(address, None, limit, MOST).await?;
    Ok(Page { status: answer.status, took: began.elapsed(), answer })
}

impl Page {
    /// 2xx.
    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Is it the same document, as a server gives that answers every path alike?
    #[must_use]
    pub fn is_like(&self, other: &Page) -> bool {
        self.status == other.status && self.answer.body == other.answer.body
    }

    /// What stands there, or why nothing does.
    pub fn value(&self, extract: &Extract) -> Result<Version, String> {
        Extractor::new(extract)?.take(&self.answer).map(|text| Version::new(&text))
    }

    /// Where a version could stand, the likelier first.
    #[must_use]
    pub fn versions(&self) -> Vec<Extract> {
        let mut all: Vec<Extract> = self.json(VERSION_KEYS);
        let headers = self.answer.headers.keys().map(reqwest::header::HeaderName::as_str);
        let tells = |name: &&str| {
            name.starts_with("x-")
                && ["version", "release", "revision"].iter().any(|word| name.contains(word))
                && !OTHER_HEADERS.contains(name)
        };
        all.extend(headers.filter(tells).map(|name| Extract::Header(name.to_owned())));
        all.push(Extract::Body);
        all.retain(|extract| self.value(extract).is_ok_and(|version| is_a_version(version.as_str())));
        all
    }

    /// Where in the JSON something stands that changes with each start.
    #[must_use]
    pub fn instances(&self) -> Vec<String> {
        let pointer = |extract| match extract {
            Extract::Json(pointer) => Some(pointer),
            Extract::Header(_) | Extract::Regex(_) | Extract::Body => None,
        };
        self.json(INSTANCE_KEYS).into_iter().filter_map(pointer).collect()
    }

    fn json(&self, keys: &[&str]) -> Vec<Extract> {
        let Ok(document) = serde_json::from_slice::<serde_json::Value>(&self.answer.body) else { return Vec::new() };
        let mut found = Vec::new();
        walk(&document, "", &mut |pointer, value| {
            let name: String = pointer.rsplit('/').next().unwrap_or("").chars().filter(char::is_ascii_alphanumeric).collect();
            let rank = keys.iter().position(|key| name.eq_ignore_ascii_case(key));
            let is_plain = value.is_string() || value.is_number();
            if let Some(rank) = rank.filter(|_| is_plain) {
                found.push((rank, pointer.matches('/').count(), pointer.to_owned()));
            }
        });
        found.sort();
        found.into_iter().map(|(_, _, pointer)| Extract::Json(pointer)).collect()
    }
}

/// Every value of a document that is not deep, with the way to it.
fn walk(value: &serde_json::Value, at: &str, look: &mut impl FnMut(&str, &serde_json::Value)) {
    if let (serde_json::Value::Object(fields), true) = (value, at.matches('/').count() < 4) {
        for (key, inner) in fields.iter().take(200) {
            walk(inner, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), look);
        }
    } else {
        look(at, value);
    }
}

/// One word with a digit in it, as 1.42.0, v7, 2026-11-23 or a1b2c3d.
fn is_a_version(text: &str) -> bool {
    text.len() <= LONGEST_VERSION
        && text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+:".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str, headers: &[(&str, &str)]) -> Page {
        let mut answer = Answer { status: 200, body: body.as_bytes().to_vec(), ..Answer::default() };
        for (name, value) in headers {
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).expect("a name");
            answer.headers.insert(name, value.parse().expect("a value"));
        }
        Page { status: 200, took: Duration::ZERO, answer }
    }

    fn first(body: &str, headers: &[(&str, &str)]) -> Option<Extract> {
        page(body, headers).versions().into_iter().next()
    }

    #[test]
    fn the_likeliest_place_of_a_version_comes_first() {
        let json = |pointer: &str| Some(Extract::Json(pointer.to_owned()));
        assert_eq!(first(r#"{"name":"web1","build":{"version":"1.41.0","started_at":"x"}}"#, &[]), json("/build/version"));
        assert_eq!(first(r#"{"commit":"a1b2c3d","version":"7"}"#, &[]), json("/version"));
        assert_eq!(first(r#"{"deep":{"version":"2"},"version":"1"}"#, &[]), json("/version"));
        assert_eq!(first(r#"{"git":{"commit":{"id":"9"}},"app-version":"3.1"}"#, &[]), json("/app-version"));
        assert_eq!(first("ok", &[("x-app-version", "1.2")]), Some(Extract::Header("x-app-version".into())));
        assert_eq!(first("1.41.0\n", &[]), Some(Extract::Body));
    }

    #[test]
    fn what_is_no_version_is_not_taken_for_one() {
        for body in
            ["ok", "web1 1.41.0", "<html>1</html>", "", r#"{"version":""}"#, r#"{"version":{"a":[1]}}"#, r#"{"version":null}"#]
        {
            assert_eq!(first(body, &[("x-api-version", "2"), ("server", "nginx/1.2")]), None, "{body}");
        }
    }

    #[test]
    fn an_instance_is_found_and_a_page_that_answers_everything_is_known() {
        let one = page(r#"{"build":{"version":"1","started_at":"12-3"}}"#, &[]);
        assert_eq!(one.instances(), ["/build/started_at"]);
        assert!(one.is_like(&page(r#"{"build":{"version":"1","started_at":"12-3"}}"#, &[])) && !one.is_like(&page("ok", &[])));
    }
}
