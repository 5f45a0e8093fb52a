//! What single texts of the config become: durations, percentages, names, addresses, URLs, placeholders.
//!
//! Knows no section and no file. Each function says what is wrong and what to write instead.

use crate::model::{Address, Printable, Template};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Why a text is no such value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub what: String,
    pub help: Option<String>,
}

impl Wrong {
    pub fn new(what: impl Into<String>) -> Wrong {
        Wrong { what: what.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Wrong {
        self.help = Some(help.into());
        self
    }

    /// The same sentence with section and key before it.
    pub fn of(mut self, section: &str, key: &str) -> Wrong {
        self.what = format!("{section} {key} {}", self.what);
        self
    }
}

/// A text from the file as it can be shown: in quotes, safe, not too long.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", Printable::cut(text, 60))
}

/// The nearest of some names, if it is near enough to be meant.
pub(super) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let name: String = name.to_lowercase().chars().take(40).collect();
    names
        .into_iter()
        .map(|known| (distance(&name, &known.to_lowercase()), known))
        .filter(|(far, known)| *far <= 1.max(known.len().min(name.len()) / 3))
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// How many letters differ; two that changed places count once.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let same = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (rows[i - 1][j - 1] + same).min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// A duration as a person writes it.
pub(super) fn length(duration: Duration) -> String {
    jiff::fmt::friendly::SpanPrinter::new().unsigned_duration_to_string(&duration)
}

/// `500ms`, `5m`, `1h30m`.
pub(super) fn duration(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, Wrong> {
    let units = "a duration is a number with a unit, as \"500ms\", \"30s\", \"5m\" or \"1h30m\"";
    let parsed = jiff::fmt::friendly::SpanParser::new().parse_unsigned_duration(text.trim());
    let duration = parsed.map_err(|_| Wrong::new(format!("cannot be {}", quoted(text))).help(units))?;
    if range.contains(&duration) {
        return Ok(duration);
    }
    let limits = format!("from {} to {}", length(*range.start()), length(*range.end()));
    Err(Wrong::new(format!("cannot be {}", quoted(text))).help(limits))
}

/// `50%` as 0.5.
pub(super) fn share(text: &str) -> Result<f64, Wrong> {
    text.strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|number| (0.0..=100.0).contains(number))
        .map(|number| number / 100.0)
        .ok_or_else(|| Wrong::new(format!("cannot be {}", quoted(text))).help("a percentage from \"0%\" to \"100%\""))
}

/// A name of ours: pool, server, node, role.
pub(super) fn name(text: &str) -> Result<String, Wrong> {
    let wrong = |why: &str| Wrong::new(format!("cannot be {}: {why}", quoted(text)));
    let rule = "a name is made of a-z 0-9 . _ - and begins with a letter or a digit";
    let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    if text.is_empty() {
        Err(wrong("it is empty").help(rule))
    } else if text.starts_with('-') {
        Err(wrong("it looks like an option").help(rule))
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err(wrong("it begins with neither a letter nor a digit").help(rule))
    } else if text.len() > 64 {
        Err(wrong("it is longer than 64 characters"))
    } else if text.chars().all(may) {
        Ok(text.to_owned())
    } else if text.to_lowercase().chars().all(may) {
        Err(wrong("it has capital letters")
            .help(format!("write {}; what the balancer calls it can be said with member", quoted(&text.to_lowercase()))))
    } else {
        Err(wrong("it has other characters").help(rule))
    }
}

/// A word for other programs: no white space, no control characters, not like an option.
pub(super) fn token(text: &str) -> Result<String, Wrong> {
    let why = if text.is_empty() {
        "it is empty"
    } else if text.starts_with('-') {
        "it looks like an option"
    } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "it has white space or control characters"
    } else {
        return Ok(text.to_owned());
    };
    Err(Wrong::new(format!("cannot be {}: {why}", quoted(text))))
}

/// HAProxy's own rule for names of backends and servers; anything else could be a second command on its socket.
pub(super) fn is_haproxy_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
}

/// A text that is not empty and has no control characters.
pub(super) fn line(text: &str) -> Result<String, Wrong> {
    if text.is_empty() {
        Err(Wrong::new("is empty").help("say something, or leave the key out"))
    } else if text.chars().any(char::is_control) {
        Err(Wrong::new(format!("cannot be {}: it has control characters", quoted(text))))
    } else {
        Ok(text.to_owned())
    }
}

/// `10.0.0.11:3000`, `web1:80`, `[::1]:80`.
pub(super) fn address(text: &str) -> Result<Address, Wrong> {
    let wrong = |why: &str| Wrong::new(format!("cannot be {}: {why}", quoted(text)));
    let form = "write host:port, as 10.0.0.11:3000, web1:80 or [::1]:80";
    if let Some((_, rest)) = text.split_once("://") {
        let rest = rest.split('/').next().unwrap_or_default();
        return Err(wrong("it is a URL").help(format!("write {}; the scheme goes into [health] and [version]", quoted(rest))));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:").ok_or_else(|| wrong("it has no port").help(form))?,
        None => text.rsplit_once(':').ok_or_else(|| wrong("it has no port").help(form))?,
    };
    if text.starts_with('[') {
        host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong("between the brackets stands no IPv6 address").help(form))?;
    } else if host.contains(':') {
        return Err(wrong("an IPv6 address needs brackets").help(form));
    } else {
        host_name(host).map_err(|why| wrong(why).help(form))?;
    }
    let port =
        port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| wrong("its port is not from 1 to 65535").help(form))?;
    Ok(Address { host: host.to_owned(), port })
}

fn host_name(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        Err("it has no host")
    } else if host.starts_with('-') {
        Err("it looks like an option")
    } else if host.len() > 253 || !host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)) {
        Err("its host is not a host name or an IP address")
    } else {
        Ok(())
    }
}

/// A destination of the system's ssh: `web1`, `deploy@web1.dc1`, `ssh://deploy@web1:2222`, or an alias of its config.
pub(super) fn ssh(text: &str) -> Result<String, Wrong> {
    let text = token(text)?;
    let host = text.rsplit_once('@').map_or(text.as_str(), |(_, host)| host);
    if !text.starts_with("ssh://") && host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err() {
        let wrong = Wrong::new(format!("cannot be {}: ssh takes no port like this", quoted(&text)));
        return Err(wrong.help(format!("write {}", quoted(&format!("ssh://{text}")))));
    }
    Ok(text)
}

/// `http://…` or `https://…`, without a password in it.
pub(super) fn url(text: &str) -> Result<String, Wrong> {
    let form = "write a URL, as http://shop.example/version";
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match authority {
        None | Some("") => Err(Wrong::new(format!("cannot be {}: it is no http or https URL", quoted(text))).help(form)),
        Some(authority) if authority.contains('@') => Err(Wrong::new("holds a user name or a password")
            .help("leave them out of the URL: user = \"…\" and password = \"env:NAME\" are keys of their own")),
        Some(_) => token(text),
    }
}

/// The path of a request.
pub(super) fn request_path(text: &str) -> Result<String, Wrong> {
    if text.contains("://") {
        return Err(Wrong::new(format!("cannot be {}: it is a URL", quoted(text)))
            .help("write the path only, as \"/healthz\"; host and port are the server's own"));
    }
    if !text.starts_with('/') {
        return Err(Wrong::new(format!("cannot be {}: it begins with no /", quoted(text)))
            .help(format!("write {}", quoted(&format!("/{}", text.trim())))));
    }
    token(text)
}

/// A JSON pointer (RFC 6901).
pub(super) fn json_pointer(text: &str) -> Result<String, Wrong> {
    let escapes = text.split('~').skip(1).all(|piece| piece.starts_with(['0', '1']));
    if (text.is_empty() || text.starts_with('/')) && escapes {
        return Ok(text.to_owned());
    }
    let guess = format!("/{}", text.trim_start_matches(['$', '.']).replace('.', "/"));
    Err(Wrong::new(format!("cannot be {}: it is no JSON pointer", quoted(text)))
        .help(format!("write the way to it with slashes, as {}", quoted(&guess))))
}

/// The name of an HTTP header.
pub(super) fn header_name(text: &str) -> Result<String, Wrong> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format!("cannot be {}: it is no name of a header", quoted(text))).help("as \"X-App-Version\""))
}

/// A regular expression.
pub(super) fn regex(text: &str) -> Result<String, Wrong> {
    match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(Wrong::new(format!("is no regular expression: {}", Printable::cut(why, 120)))
                .help("as 'version ([0-9.]+)', in single quotes"))
        }
    }
}

/// The placeholders of a command, and those that it has not, each with its place in the text and what to say.
pub(super) fn placeholders(
    text: &str,
    has: &[&str],
    why_not: impl Fn(&str) -> Option<String>,
) -> Vec<(std::ops::Range<usize>, Wrong)> {
    if text.trim().is_empty() {
        return vec![(0..text.len(), Wrong::new("is empty").help("leave the key out; a command that does nothing is \"true\""))];
    }
    if text.contains('\0') {
        return vec![(0..text.len(), Wrong::new("holds a NUL character, which no command can"))];
    }
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            return vec![(error.at, Wrong { what: format!("has {}", error.what), help: error.help })];
        }
    };
    let known: BTreeSet<&str> = has.iter().copied().collect();
    template
        .placeholders()
        .filter(|(name, _)| !known.contains(name))
        .map(|(name, at)| {
            let all = has.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
            let near = nearest(name, has.iter().copied()).map(|near| format!("did you mean {{{near}}}? "));
            let wrong = match why_not(name) {
                Some(why) => Wrong::new(format!("has no {{{name}}}: {why}")).help(format!("it has {all}")),
                None => Wrong::new(format!("has an unknown placeholder {{{name}}}"))
                    .help(format!("{}it has {all}; literal braces are {{{{ and }}}}", near.unwrap_or_default())),
            };
            (at, wrong)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_limits() {
        let range = Duration::from_millis(50)..=Duration::from_secs(86_400);
        assert_eq!(duration("500ms", &range), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h30m", &range), Ok(Duration::from_secs(5400)));
        for wrong in ["5", "1ms", "2 weeks", "-5s", "", "5m ago", "30h", "∞"] {
            assert!(duration(wrong, &range).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for (text, host, port) in [("10.0.0.1:80", "10.0.0.1", 80), ("[::1]:8080", "::1", 8080), ("web_1.dc:1", "web_1.dc", 1)] {
            assert_eq!(address(text), Ok(Address { host: host.into(), port }));
        }
        for wrong in ["", "web1", "::1:80", "[::1]", "[web]:1", "http://a:1", "a:0", "a:65536", "-a:1", "a b:1", ":1", "a/b:1"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_plain_and_never_options() {
        for right in ["web1", "shop-web", "a.b_c", "9"] {
            assert!(name(right).is_ok(), "{right}");
        }
        for wrong in ["", "-x", "Web1", "a b", "..", ".", "a/b", "é", &"x".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["drain_timeout", "bake", "parallel"];
        assert_eq!(nearest("drain_timout", names), Some("drain_timeout"));
        assert_eq!(nearest("baek", names), Some("bake"));
        assert_eq!(nearest("something", names), None);
    }

    #[test]
    fn percentages_are_shares() {
        assert_eq!(share("50%"), Ok(0.5));
        assert_eq!(share("0.5 %"), Ok(0.005));
        for wrong in ["50", "101%", "-1%", "NaN%", "%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
