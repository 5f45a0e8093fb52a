//! Comments: ours, and those for other tools, in `--` and `#` alike.

use super::{Directive, Instruction, Marks, Mistake, Note, PhaseMark, Waiver, phase_of_words};
use crate::migration::progress::ContractStep;

/// A mark of the whole file stands in its first lines.
pub(super) const HEAD: usize = 20;

/// Words that begin a comment for another tool, and whose they are.
const OTHERS: &[(&str, &str)] = &[
    ("squawk-ignore", "squawk"),
    ("atlas:nolint", "atlas"),
    ("eugene: ignore", "eugene"),
    ("eugene-ignore", "eugene"),
    ("noqa", "sqlfluff"),
];

pub(super) fn read(text: &str) -> Marks {
    let mut marks = Marks::default();
    let mut counted = (0, 1);
    for (at, _) in text.match_indices("halfstep:") {
        let Some((start, end)) = comment_around(text, at) else { continue };
        let line = line_of(text, at, &mut counted);
        let said = text.get(at + "halfstep:".len()..end).unwrap_or("").trim();
        take(said, start..end, line, &mut marks);
    }
    let mut counted = (0, 1);
    if ["ignore", "nolint", "noqa"].iter().any(|word| text.contains(word)) {
        for (word, tool) in OTHERS {
            for (at, _) in text.match_indices(word) {
                let Some((_, end)) = comment_around(text, at) else { continue };
                if at < counted.0 {
                    counted = (0, 1);
                }
                let line = line_of(text, at, &mut counted);
                marks.notes.push(Note { tool, said: text.get(at..end).unwrap_or("").to_owned(), line });
            }
        }
    }
    marks.notes.sort_by_key(|note| note.line);
    marks
}

/// The line comment that this place begins, up to the end of its line: before it stand only space and the comment's sign.
fn comment_around(text: &str, at: usize) -> Option<(usize, usize)> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |feed| feed + 1);
    let before = text.get(start..at)?.trim();
    if before != "--" && before != "#" && before != "//" {
        return None;
    }
    let rest = text.get(at..)?;
    let end = at + rest.find('\n').unwrap_or(rest.len());
    Some((start, end - usize::from(text.get(..end)?.ends_with('\r'))))
}

/// Which line a place is on; places come in order.
fn line_of(text: &str, at: usize, counted: &mut (usize, usize)) -> usize {
    counted.1 += text.get(counted.0..at).map_or(0, |between| between.matches('\n').count());
    counted.0 = at;
    counted.1
}

/// One comment of ours: words and `key=value` pairs.
fn take(said: &str, at: std::ops::Range<usize>, line: usize, marks: &mut Marks) {
    let mut mistake = |what: String| marks.mistakes.push(Mistake { line, what });
    let pairs = pairs(said);
    let value = |key: &str| pairs.iter().find(|(name, _)| *name == key).and_then(|(_, value)| *value);
    let reason = value("reason").map(unquoted);
    let known = ["phase", "ok", "reason", "batch", "table", "key", "verify", "step", "no-transaction"];
    if let Some((strange, _)) = pairs.iter().find(|(name, _)| !known.contains(name)) {
        mistake(format!("`halfstep: {strange}` is not understood; known are phase=, ok=, batch, verify, step=, no-transaction"));
        return;
    }
    for (name, value) in &pairs {
        let value = value.map(unquoted);
        match (*name, value.as_deref()) {
            ("phase", Some(word)) if line <= HEAD => match phase_of_words([word]) {
                Some(phase) => {
                    let said = format!("halfstep: phase={word}");
                    marks.phases.push(PhaseMark { phase, reason: reason.clone(), said, line: Some(line), weight: 4 });
                }
                None => mistake(format!("phase={word} is no phase; write phase=expand or phase=contract")),
            },
            ("phase", Some(_)) => mistake(format!("a phase is read in the first {HEAD} lines only; move the comment up")),
            ("ok", Some(rows)) => {
                for row in rows.split(',').map(str::trim).filter(|row| !row.is_empty()) {
                    let row = row.to_ascii_uppercase();
                    marks.waivers.push(Waiver { row, reason: reason.clone(), at: at.clone(), line });
                }
            }
            ("batch", None) => match (self::value(&pairs, "table"), self::value(&pairs, "key")) {
                (Some(table), Some(key)) => {
                    let what = Instruction::Batch { table: table.to_owned(), key: key.to_owned() };
                    marks.directives.push(Directive { what, at: at.clone(), line });
                }
                (_, _) => mistake("batch wants table=NAME and key=COLUMN".to_owned()),
            },
            ("verify", None) => marks.directives.push(Directive { what: Instruction::Verify, at: at.clone(), line }),
            ("step", Some("detach")) => marks.directives.push(step(ContractStep::Detach, at.clone(), line)),
            ("step", Some("drop")) => marks.directives.push(step(ContractStep::Drop, at.clone(), line)),
            ("step", _) => mistake("a step is step=detach or step=drop".to_owned()),
            ("no-transaction", None) => marks.no_transaction = true,
            ("reason" | "table" | "key", _) => {}
            (name, Some(_)) => mistake(format!("{name} takes no value")),
            (name, None) => mistake(format!("{name} wants a value, as {name}=…")),
        }
    }
    if pairs.is_empty() {
        mistake("`halfstep:` says nothing".to_owned());
    }
}

fn step(step: ContractStep, at: std::ops::Range<usize>, line: usize) -> Directive {
    Directive { what: Instruction::Step(step), at, line }
}

fn value<'a>(pairs: &[(&'a str, Option<&'a str>)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|(name, _)| *name == key).and_then(|(_, value)| *value)
}

/// `word`, `key=value`, `key="a value"`; quotes of SQL names stay.
fn pairs(said: &str) -> Vec<(&str, Option<&str>)> {
    let mut found = vec![];
    let mut rest = said.trim();
    while !rest.is_empty() {
        let mut quote = None;
        let end = rest.char_indices().find(|(_, c)| match quote {
            Some(open) => {
                if *c == open {
                    quote = None;
                }
                false
            }
            None if *c == '"' || *c == '`' => {
                quote = Some(*c);
                false
            }
            None => c.is_whitespace(),
        });
        let (token, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        found.push(match token.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (token, None),
        });
        rest = after.trim_start();
    }
    found
}

fn unquoted(value: &str) -> String {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Phase;

    #[test]
    fn ours_are_read_in_every_comment_language() {
        for text in ["-- halfstep: phase=post\n", "# halfstep: phase=contract\n", "  --halfstep: phase=contract\r\n"] {
            let marks = read(text);
            assert_eq!(marks.phases.iter().map(|mark| mark.phase).collect::<Vec<_>>(), [Phase::Contract], "{text:?}");
        }
        assert!(read("SELECT '-- halfstep: phase=contract';\n").phases.is_empty());
    }

    #[test]
    fn steps_verify_and_no_transaction() {
        let marks = read("-- halfstep: no-transaction\n-- halfstep: step=detach\nx;\n-- halfstep: verify\ny;\n");
        let what: Vec<_> = marks.directives.iter().map(|directive| (directive.line, &directive.what)).collect();
        assert_eq!(what, [(2, &Instruction::Step(ContractStep::Detach)), (4, &Instruction::Verify)]);
        assert!(marks.no_transaction && marks.mistakes.is_empty());
    }

    #[test]
    fn a_misspelt_comment_is_said_and_not_passed_over() {
        for text in [
            "-- halfstep: phase=contrakt",
            "-- halfstep: fase=contract",
            "-- halfstep: batch table=a",
            "-- halfstep: step=both",
            "-- halfstep: verify=1",
            "-- halfstep:",
        ] {
            let marks = read(text);
            assert_eq!((marks.mistakes.len(), marks.phases.len(), marks.directives.len()), (1, 0, 0), "{text}: {marks:?}");
        }
        let late = format!("{}-- halfstep: phase=contract\n", "\n".repeat(HEAD));
        assert_eq!(read(&late).mistakes[0].line, HEAD + 1);
    }

    #[test]
    fn words_to_other_tools_are_notes() {
        let marks = read("-- squawk-ignore ban-drop-column\nx;\n-- atlas:nolint destructive\ny;\n");
        let notes: Vec<_> = marks.notes.iter().map(|note| (note.tool, note.line)).collect();
        assert_eq!(notes, [("squawk", 1), ("atlas", 3)]);
    }
}
