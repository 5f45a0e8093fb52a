//! Holes that a template engine fills before the SQL runs: Go's `{{ … }}`, ERB's `<%= … %>`, `${…}`, `:name`.
//!
//! A hole is filled with a word of the same length, so that every span stays where it is. What really stands there later is
//! not known; which operation it is mostly is.

use std::borrow::Cow;

/// Tags that steer a template and leave nothing behind.
const STEERING: &[&str] = &[
    "if", "else", "end", "range", "with", "define", "block", "template", "/*", "each", "for", "#", "elsif", "elif", "endif",
    "unless",
];

/// Fills holes that no SQL can be mistaken for. Nothing is copied where there are none.
#[must_use]
pub fn fill(text: &str) -> Cow<'_, str> {
    if !["{{", "<%", "${", "{%"].iter().any(|opening| text.contains(opening)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let hole = [("{{", "}}"), ("<%", "%>"), ("${", "}"), ("{%", "%}")].into_iter().find_map(|(opening, closing)| {
            let inside = rest.strip_prefix(opening)?;
            let end = inside.find(closing).filter(|end| *end < 400)?;
            // `'{{1,2},{3,4}}'` is an array and no hole.
            let is_array = inside.starts_with(|c: char| c.is_ascii_digit() || c == '"' || c == '{') && opening == "{{";
            (!is_array).then(|| (inside.get(..end), opening.len() + end + closing.len()))
        });
        match hole {
            Some((inside, length)) => {
                let inside = inside.unwrap_or_default().trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '=' | '~'));
                let steers = STEERING.iter().any(|word| {
                    inside.strip_prefix(word).is_some_and(|behind| !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                });
                // Lines stay lines, and every byte stays one.
                let filler = |c: char| {
                    if c == '\n' {
                        '\n'
                    } else if steers {
                        ' '
                    } else {
                        'h'
                    }
                };
                let (hole, behind) = rest.split_at(length);
                out.extend(hole.chars().flat_map(|c| std::iter::repeat_n(filler(c), c.len_utf8())));
                rest = behind;
            }
            None => {
                let next =
                    rest.char_indices().skip(1).find(|(_, c)| matches!(c, '{' | '<' | '$')).map_or(rest.len(), |(at, _)| at);
                let (plain, behind) = rest.split_at(next);
                out.push_str(plain);
                rest = behind;
            }
        }
    }
    Cow::Owned(out)
}

/// Fills `:name`, `:'name'`, `%(name)s`, `@name@` and `?`, which could be SQL: only where a statement cannot be read without. `None`: there are none.
#[must_use]
pub fn fill_names(statement: &str) -> Option<String> {
    let mut out: Vec<u8> = statement.as_bytes().to_vec();
    let mut found = false;
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = statement.as_bytes();
    let mut quoted = false;
    for at in 0..bytes.len() {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        match bytes[at] {
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b':' if before != Some(b':') && !is_word(before.as_ref()) && is_word(bytes.get(at + 1)) => {
                out[at] = b'_';
                found = true;
            }
            b'@' | b'?' if is_word(bytes.get(at + 1)) || is_word(before.as_ref()) => {
                out[at] = b'_';
                found = true;
            }
            _ => {}
        }
    }
    found.then(|| String::from_utf8(out).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn holes_become_words_of_the_same_length() {
        let text = "{{ if .x }}ALTER TABLE {{ .ns }}.users ADD a int DEFAULT ${a};\n<% end %>SELECT '{{1,2},{3,4}}'";
        let filled = fill(text);
        assert_eq!(filled.len(), text.len());
        assert!(filled.contains("ALTER TABLE hhhhhhhhh.users ADD a int DEFAULT hhhh;"), "{filled}");
        assert!(filled.ends_with("SELECT '{{1,2},{3,4}}'"), "{filled}");
        assert_eq!(fill_names("SELECT :a, b::int, ':c', x[1:n]").as_deref(), Some("SELECT _a, b::int, ':c', x[1:n]"));
    }

    proptest! {
        #[test]
        fn the_length_stays(text in "(\\PC|\\{\\{|\\}\\}|<%|%>|\\$\\{|\\}|if |é){0,40}") {
            prop_assert_eq!(fill(&text).len(), text.len());
            if let Some(filled) = fill_names(&text) {
                prop_assert_eq!(filled.len(), text.len());
            }
        }
    }
}
