//! What people wrote beside a migration to say when it runs: folders, suffixes, comments, attributes. All are read, and
//! `halfstep:` comments are what halfstep writes itself.
//!
//! | mark | says |
//! |---|---|
//! | `-- halfstep: phase=contract reason="…"` in the first 20 lines | the phase of the file |
//! | `-- halfstep: ok=P17 reason="…"` | a judgement that somebody looked at |
//! | `-- halfstep: no-transaction` in the first 20 lines | each statement for itself |
//! | `-- halfstep: batch table=T key=K` above a statement | run in batches over the key |
//! | `-- halfstep: verify` above a `SELECT count(*)` | must answer 0 |
//! | `-- halfstep: step=detach` or `step=drop` above a statement | which step of a contract it is |
//!
//! In Ruby and Python `#` stands for `--`. Nothing here judges: whether a mark is believed is the judge's business.

use super::Phase;
use super::progress::ContractStep;
use std::ops::Range;

mod comments;
mod place;

pub use place::{of_folder, of_python, of_suffix, phase_of_words};

/// Everything that is written beside a file's statements.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marks {
    /// The heaviest first.
    pub phases: Vec<PhaseMark>,
    /// Judgements that somebody accepts.
    pub waivers: Vec<Waiver>,
    /// What stands above single statements.
    pub directives: Vec<Directive>,
    /// Words to other tools: they say that somebody looked, and change nothing.
    pub notes: Vec<Note>,
    /// `halfstep:` comments that are not understood.
    pub mistakes: Vec<Mistake>,
    pub no_transaction: bool,
}

/// A phase that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseMark {
    pub phase: Phase,
    pub reason: Option<String>,
    /// What says it, as it is written: `post_migrate/`, `labels:contract`. Foreign text.
    pub said: String,
    /// From 1; `None`: the path says it.
    pub line: Option<usize>,
    /// 4 a comment of ours or a line of the config, 3 an attribute of the tool, 2 a suffix, 1 a folder.
    pub weight: u8,
}

/// `ok=ROW`: somebody looked at this judgement and accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// As `P17`, in upper case.
    pub row: String,
    pub reason: Option<String>,
    /// The comment, in bytes.
    pub at: Range<usize>,
    /// From 1.
    pub line: usize,
}

/// A comment above a statement that says how it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub what: Instruction,
    /// The comment, in bytes.
    pub at: Range<usize>,
    /// From 1.
    pub line: usize,
}

/// How a statement is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// In batches over a unique key. Both as SQL writes them, quotes included.
    Batch { table: String, key: String },
    /// It must answer 0.
    Verify,
    /// It is a step of a contract.
    Step(ContractStep),
}

/// A comment for another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub tool: &'static str,
    /// What it says. Foreign text.
    pub said: String,
    pub line: usize,
}

/// A `halfstep:` comment that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub line: usize,
    /// One sentence; names in it come from the file.
    pub what: String,
}

impl Marks {
    /// The heaviest phase mark.
    #[must_use]
    pub fn phase(&self) -> Option<&PhaseMark> {
        self.phases.first()
    }

    /// What stands directly above, or at the head of, the statement at this place: between it and the statement's first
    /// word is nothing but space and comments.
    pub fn of_statement<'m>(&'m self, text: &'m str, span: &Range<usize>) -> impl Iterator<Item = &'m Directive> + use<'m> {
        let code = first_word(text, span.start);
        self.directives.iter().filter(move |directive| stands_above(text, &directive.at, code))
    }

    /// The waivers of a statement: those above it, and those of the head of the file, which hold for all.
    pub fn waivers_of<'m>(&'m self, text: &'m str, span: &Range<usize>) -> impl Iterator<Item = &'m Waiver> + use<'m> {
        let code = first_word(text, span.start);
        let first = first_word(text, 0);
        self.waivers.iter().filter(move |waiver| {
            stands_above(text, &waiver.at, code) || (waiver.at.end <= first && waiver.line <= comments::HEAD)
        })
    }
}

/// Reads all marks of a file, from its path and from its text.
#[must_use]
pub fn read(path: &str, text: &str) -> Marks {
    let mut marks = comments::read(text);
    if path.ends_with(".py") {
        marks.phases.extend(of_python(text));
    }
    marks.phases.extend(of_suffix(path));
    marks.phases.extend(of_folder(path));
    marks.phases.sort_by_key(|mark| std::cmp::Reverse(mark.weight));
    marks
}

/// The first place from here on that is neither space nor comment.
fn first_word(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..) {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        at += rest.len() - trimmed.len();
        let length = if trimmed.starts_with("--") || trimmed.starts_with('#') {
            trimmed.find('\n')
        } else if trimmed.starts_with("/*") && !trimmed.starts_with("/*!") {
            trimmed.find("*/").map(|end| end + 2)
        } else {
            return at;
        };
        match length {
            Some(length) => at += length,
            None => return text.len(),
        }
    }
    text.len()
}

fn stands_above(text: &str, comment: &Range<usize>, code: usize) -> bool {
    comment.end <= code && first_word(text, comment.end) == code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_mark_is_first() {
        let text = "-- halfstep: phase=contract reason=\"old readers\"\nDROP TABLE a;\n";
        let marks = read("migrations/expand/0001_a.sql", text);
        let said: Vec<(Phase, u8)> = marks.phases.iter().map(|mark| (mark.phase, mark.weight)).collect();
        assert_eq!(said, [(Phase::Contract, 4), (Phase::Expand, 1)]);
        assert_eq!(marks.phase().unwrap().reason.as_deref(), Some("old readers"));
    }

    #[test]
    fn a_directive_belongs_to_the_statement_below_it() {
        let text = "UPDATE a SET b = 1;\n-- halfstep: batch table=\"A b\" key=id\n-- and why\nUPDATE c SET d = e WHERE (d IS NULL);\n\nSELECT 1;\n";
        let marks = read("a.sql", text);
        let at = |statement: &str| text.find(statement).unwrap();
        let first = marks.of_statement(text, &(0..18)).count();
        // The span of a statement may begin at its comment, or at its first word.
        for start in [at("-- halfstep"), at("UPDATE c")] {
            let found: Vec<_> = marks.of_statement(text, &(start..at("\n\nSELECT"))).collect();
            let batch = Instruction::Batch { table: "\"A b\"".to_owned(), key: "id".to_owned() };
            assert_eq!(found.iter().map(|directive| &directive.what).collect::<Vec<_>>(), [&batch]);
        }
        assert_eq!((first, marks.of_statement(text, &(at("SELECT 1")..text.len())).count()), (0, 0));
    }

    #[test]
    fn a_waiver_holds_below_it_or_from_the_head_for_all() {
        let text = "-- halfstep: ok=p03 reason=\"unused\"\nDROP TABLE a;\n-- halfstep: ok=P17\nALTER TABLE b DROP COLUMN c;\n";
        let marks = read("a.sql", text);
        let rows = |statement: &str| -> Vec<&str> {
            let start = text.find(statement).unwrap();
            marks.waivers_of(text, &(start..text.len())).map(|waiver| waiver.row.as_str()).collect()
        };
        assert_eq!(rows("DROP TABLE"), ["P03"]);
        assert_eq!(rows("ALTER"), ["P03", "P17"]);
    }
}
