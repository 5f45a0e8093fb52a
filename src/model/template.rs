//! A command with placeholders: what the config checks and the runner fills in.
//!
//! `{name}` stands for a value, `{{` and `}}` for literal braces. Every value is quoted for a POSIX shell, so a placeholder
//! may only stand where a quoted word can stand: never inside quotes, backticks, arithmetic, a comment or a here-document.
//! Which placeholders a command has is the config's to say (`config::commands`), what they hold the engine's.
//! Quoting protects one shell: a value handed on to a second one (`ssh host …`, `eval`) is that command's own business.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A command that was read and can be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder { name: String, at: Range<usize> },
}

/// Why a text is no template: where (bytes of the text), what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct TemplateError {
    pub at: Range<usize>,
    pub what: String,
    pub help: Option<String>,
}

/// Why a template could not be filled in. Names the placeholder, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    #[error("there is no value for {{{0}}}")]
    Missing(String),
    #[error("the value of {{{0}}} begins with \"-\", which a command would take for an option")]
    LooksLikeOption(String),
    #[error("the value of {{{0}}} holds a NUL byte, which no command can take")]
    Nul(String),
}

impl Template {
    /// Reads a command. Fails where a value could not be quoted safely, and where quotes or braces are never closed.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        Reader { text, rest: 0, shell: Vec::new(), here_document: HereDocument::None, plain: String::new(), pieces: Vec::new() }
            .read()
    }

    /// The names of the placeholders, with where they stand.
    pub fn placeholders(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Placeholder { name, at } => Some((name.as_str(), at.clone())),
        })
    }

    /// The same, each name once.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.placeholders().map(|(name, _)| name).collect()
    }

    /// The command with every value quoted for `sh -c`. A list (`{servers}`, `{hosts}`) is one value, joined by commas.
    pub fn fill(&self, values: &BTreeMap<&str, String>) -> Result<String, FillError> {
        let mut command = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => command.push_str(text),
                Piece::Placeholder { name, .. } => {
                    let value = values.get(name.as_str()).ok_or_else(|| FillError::Missing(name.clone()))?;
                    if value.starts_with('-') {
                        return Err(FillError::LooksLikeOption(name.clone()));
                    }
                    command.push_str(&shlex::try_quote(value).map_err(|_| FillError::Nul(name.clone()))?);
                }
            }
        }
        Ok(command)
    }
}

/// What the shell would be inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Single,
    Double,
    Backticks,
    /// `$( … )` or `( … )`: a placeholder may stand here, unless something around it forbids it.
    Parentheses,
    /// `$(( … ))`, where quotes do not quote.
    Arithmetic,
    /// `${ … }`, written `${{ … }}`.
    Braces,
    Comment,
}

impl Inside {
    fn words(self) -> Option<&'static str> {
        match self {
            Inside::Single | Inside::Double => Some("inside quotes"),
            Inside::Backticks => Some("inside backticks"),
            Inside::Arithmetic => Some("inside arithmetic"),
            Inside::Comment => Some("inside a comment"),
            Inside::Parentheses | Inside::Braces => None,
        }
    }
}

/// `<<` was seen; its text begins on the next line and is taken to go on to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HereDocument {
    None,
    Announced,
    Open,
}

struct Reader<'a> {
    text: &'a str,
    /// Where the text not yet read begins.
    rest: usize,
    /// What is open, with where it was opened; the innermost last.
    shell: Vec<(Inside, usize)>,
    here_document: HereDocument,
    plain: String,
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Template, TemplateError> {
        while let Some(c) = self.text[self.rest..].chars().next() {
            if self.here_document == HereDocument::Open {
                self.brace(c, &self.text[self.rest..])?;
                continue;
            }
            match c {
                '{' | '}' => self.brace(c, &self.text[self.rest..])?,
                '\\' if !matches!(self.inside(), Some(Inside::Single | Inside::Comment)) => self.backslash()?,
                _ => {
                    let length = self.shell_syntax(c);
                    self.take(length);
                }
            }
        }
        self.close()
    }

    fn inside(&self) -> Option<Inside> {
        self.shell.last().map(|(inside, _)| *inside)
    }

    fn take(&mut self, length: usize) {
        self.plain.push_str(&self.text[self.rest..self.rest + length]);
        self.rest += length;
    }

    /// A backslash takes the next character's meaning away; before a placeholder it would take away the value's own quote.
    fn backslash(&mut self) -> Result<(), TemplateError> {
        let after = &self.text[self.rest + 1..];
        if after.starts_with('{') && !after.starts_with("{{") {
            return Err(TemplateError {
                at: self.rest..self.rest + 2,
                what: "a backslash before a placeholder".into(),
                help: Some("leave the backslash out: values are quoted by themselves; a literal brace is {{ or }}".into()),
            });
        }
        let next = after.chars().next().filter(|c| !matches!(c, '{' | '}')).map_or(0, char::len_utf8);
        self.take(1 + next);
        Ok(())
    }

    /// Any character, braces with their meaning to us.
    fn brace(&mut self, c: char, rest: &str) -> Result<(), TemplateError> {
        if rest.starts_with("{{") || rest.starts_with("}}") {
            self.double_brace(c);
            return Ok(());
        }
        if c == '{' {
            return self.placeholder();
        }
        if c == '}' {
            return Err(TemplateError {
                at: self.rest..self.rest + 1,
                what: "a } that closes no placeholder".into(),
                help: Some("a literal brace is written }}".into()),
            });
        }
        self.take(c.len_utf8());
        Ok(())
    }

    fn double_brace(&mut self, c: char) {
        if self.here_document != HereDocument::Open {
            if c == '{' && self.text[..self.rest].ends_with('$') && self.inside() != Some(Inside::Single) {
                self.shell.push((Inside::Braces, self.rest));
            } else if c == '}' && self.inside() == Some(Inside::Braces) {
                self.shell.pop();
            }
        }
        self.plain.push(c);
        self.rest += 2;
    }

    fn placeholder(&mut self) -> Result<(), TemplateError> {
        let start = self.rest;
        let body = &self.text[start + 1..];
        let length = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
        let name = &body[..length];
        if length == 0 || !body[length..].starts_with('}') {
            return Err(TemplateError {
                at: start..start + 1,
                what: "a { that begins no placeholder".into(),
                help: Some("a placeholder is a name in braces, as {release}; a literal brace is written {{".into()),
            });
        }
        let at = start..start + length + 2;
        if self.text[..start].ends_with('$') {
            return Err(TemplateError {
                at: start - 1..at.end,
                what: format!("${{{name}}}, which would be read as a placeholder"),
                help: Some(format!("for the shell's own variable write ${name} or ${{{{{name}}}}}")),
            });
        }
        let place = match self.here_document {
            HereDocument::Open => Some("inside a here-document"),
            HereDocument::None | HereDocument::Announced => self.shell.iter().find_map(|(inside, _)| inside.words()),
        };
        if let Some(place) = place {
            return Err(TemplateError {
                at,
                what: format!("{{{name}}} {place}"),
                help: Some(match place {
                    "inside quotes" => "end the quotes before it and begin them again after it: values are quoted by themselves; literal braces are {{ and }}".to_owned(),
                    _ => "move it out: a value cannot be quoted there; literal braces are {{ and }}".to_owned(),
                }),
            });
        }
        if !self.plain.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.plain)));
        }
        self.pieces.push(Piece::Placeholder { name: name.to_owned(), at: at.clone() });
        self.rest = at.end;
        Ok(())
    }

    /// Follows what the shell makes of a character that is no brace; says how many bytes belong together.
    fn shell_syntax(&mut self, c: char) -> usize {
        let rest = &self.text[self.rest..];
        let open = |reader: &mut Self, inside| reader.shell.push((inside, reader.rest));
        match (self.inside(), c) {
            (Some(Inside::Single), '\'') | (Some(Inside::Double), '"') | (Some(Inside::Backticks), '`') => {
                self.shell.pop();
            }
            (Some(Inside::Single), _) => {}
            (Some(Inside::Comment), '\n') => {
                self.shell.pop();
            }
            (Some(Inside::Comment), _) => {}
            (_, '$') if rest.starts_with("$((") => {
                open(self, Inside::Arithmetic);
                return 3;
            }
            (_, '$') if rest.starts_with("$(") => {
                open(self, Inside::Parentheses);
                return 2;
            }
            (_, '`') => open(self, Inside::Backticks),
            (Some(Inside::Arithmetic), ')') if rest.starts_with("))") => {
                self.shell.pop();
                return 2;
            }
            (Some(Inside::Double), _) => {}
            (_, '"') => open(self, Inside::Double),
            (_, '\'') => open(self, Inside::Single),
            (_, '(') => open(self, Inside::Parentheses),
            (Some(Inside::Parentheses), ')') => {
                self.shell.pop();
            }
            (Some(Inside::Braces | Inside::Arithmetic), _) => {}
            (_, '#') if self.text[..self.rest].chars().next_back().is_none_or(|before| " \t\n;&|(".contains(before)) => {
                open(self, Inside::Comment);
            }
            (_, '<') if rest.starts_with("<<<") => return 3,
            (_, '<') if rest.starts_with("<<") => {
                self.here_document = HereDocument::Announced;
                return 2;
            }
            (_, '\n') if self.here_document == HereDocument::Announced => self.here_document = HereDocument::Open,
            (_, _) => {}
        }
        c.len_utf8()
    }

    fn close(mut self) -> Result<Template, TemplateError> {
        let unclosed = self.shell.iter().find_map(|(inside, at)| {
            let what = match inside {
                Inside::Single | Inside::Double => "a quote that is never closed",
                Inside::Backticks => "a backtick that is never closed",
                Inside::Parentheses | Inside::Arithmetic => "a parenthesis that is never closed",
                Inside::Braces => "a ${{ that is never closed with }}",
                Inside::Comment => return None,
            };
            Some((what, *at))
        });
        if let Some((what, at)) = unclosed {
            let end = at + self.text[at..].chars().next().map_or(0, char::len_utf8);
            return Err(TemplateError { at: at..end, what: what.into(), help: None });
        }
        if !self.plain.is_empty() {
            self.pieces.push(Piece::Text(self.plain));
        }
        Ok(Template { pieces: self.pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    fn fill(template: &str, value: &str) -> Result<String, FillError> {
        Template::parse(template).expect("a template").fill(&values(&[("release", value)]))
    }

    #[test]
    fn values_are_quoted_whatever_they_hold() {
        assert_eq!(fill("link {release} now", "1.42.0").as_deref(), Ok("link 1.42.0 now"));
        assert_eq!(fill("link shop-{release}", "a b; rm -rf /").as_deref(), Ok("link shop-'a b; rm -rf /'"));
        assert_eq!(fill("link {release}", "").as_deref(), Ok("link ''"));
    }

    #[test]
    fn braces_are_doubled() {
        assert_eq!(fill("awk '{{print $1}}' {release} ${{HOME}}", "x").as_deref(), Ok("awk '{print $1}' x ${HOME}"));
    }

    #[test]
    fn a_value_that_looks_like_an_option_or_holds_nul_is_refused() {
        assert_eq!(fill("link {release}", "-rf"), Err(FillError::LooksLikeOption("release".into())));
        assert_eq!(fill("link {release}", "a\0b"), Err(FillError::Nul("release".into())));
        assert_eq!(fill("link {other}", "a"), Err(FillError::Missing("other".into())));
    }

    #[test]
    fn a_placeholder_may_not_stand_where_quoting_does_not_work() {
        for (text, what) in [
            ("echo \"{release}\"", "inside quotes"),
            ("echo '{release}'", "inside quotes"),
            ("echo `x {release}`", "inside backticks"),
            ("echo \"$(x {release})\"", "inside quotes"),
            ("echo $((1 + {release}))", "inside arithmetic"),
            ("true # {release}", "inside a comment"),
            ("cat <<END\n{release}\nEND", "inside a here-document"),
            ("echo \\{release}", "a backslash before"),
            ("echo ${release}", "would be read as a placeholder"),
            ("echo ${{x:-\"{release}\"}}", "inside quotes"),
        ] {
            let error = Template::parse(text).expect_err(text);
            assert!(error.what.contains(what), "{text}: {}", error.what);
            assert!(text[error.at.clone()].contains('{'), "{text}: {:?}", error.at);
        }
    }

    #[test]
    fn a_placeholder_may_stand_in_a_subshell_and_after_quotes_closed() {
        for text in
            ["(cd x && y {release})", "echo $(x {release})", "echo 'a'{release}\"b\"", "echo it\\'s {release}", "a#b {release}"]
        {
            assert!(Template::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_never_closed_is_an_error_with_its_place() {
        for (text, at) in [("echo 'a", 5), ("echo \"a", 5), ("echo {release", 5), ("echo }", 5), ("a $(b", 2), ("{}", 0)] {
            assert_eq!(Template::parse(text).expect_err(text).at.start, at, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_shell_gives_every_value_back(value in "[^\0-]?[^\0]{0,40}") {
            if !value.starts_with('-') {
                let command = fill("printf %s {release}", &value).expect("filled");
                let words = shlex::split(&command).expect("words");
                prop_assert_eq!(&words[2], &value);
            }
        }

        #[test]
        fn any_text_is_a_template_or_an_error_with_a_place_inside_it(text in "[a{}$'\"`\\\\<\n#()é ]{0,24}") {
            if let Err(error) = Template::parse(&text) {
                prop_assert!(text.get(error.at.clone()).is_some(), "{:?} of {:?}", error.at, text);
            }
        }
    }
}
