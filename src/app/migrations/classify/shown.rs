//! What is said of files, for programs and for people.

use super::{Classification, Classified};
use crate::migration::judgement::JudgedStatement;
use crate::migration::{Cost, Judgement, Phase, Reversible, Source};
use crate::model::Printable;
use serde_json::{Value, json};
use std::fmt::Write;

/// Is the text coloured?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Coloured,
}

const PHASES: [Phase; 5] = [Phase::Expand, Phase::Contract, Phase::Either, Phase::Split, Phase::Human];

/// For programs.
pub fn json(all: &Classification) -> Value {
    let files: Vec<Value> = all.files.iter().map(file_json).collect();
    json!({ "files": files, "summary": summary(all) })
}

fn file_json(file: &Classified) -> Value {
    let judgement = &file.judgement;
    json!({
        "path": file.loaded.path,
        "phase": judgement.phase.word(),
        "why": judgement.why,
        "source": source(judgement.source),
        "dialect": file.loaded.dialect.word(),
        "dialect_guessed": !file.loaded.knows_dialect,
        "tool": file.loaded.layout.tool.word(),
        "contradicted": judgement.contradicted,
        "remarks": judgement.remarks,
        "statements": judgement.statements.iter().map(statement_json).collect::<Vec<_>>(),
    })
}

fn statement_json(statement: &JudgedStatement) -> Value {
    let mut value = judgement_json(&statement.judgement);
    if let Value::Object(fields) = &mut value {
        fields.insert("line".to_owned(), json!(statement.line));
        fields.insert("span".to_owned(), json!([statement.span.start, statement.span.end]));
        if !statement.parts.is_empty() {
            fields.insert("parts".to_owned(), statement.parts.iter().map(judgement_json).collect());
        }
    }
    value
}

fn judgement_json(judgement: &Judgement) -> Value {
    json!({
        "operation": judgement.operation,
        "row": judgement.row,
        "phase": judgement.phase.word(),
        "proposed": judgement.proposed.map(Phase::word),
        "cost": judgement.cost_word(),
        "costs": judgement.costs.iter().map(|cost| cost.word()).collect::<Vec<_>>(),
        "reversible": judgement.reversible.word(),
        "why": judgement.why,
        "advice": judgement.advice,
        "hard": judgement.hard,
        "source": source(judgement.source),
        "touches": judgement.touches,
    })
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Read => "read",
        Source::Observed => "observed",
        Source::Marked => "marked",
    }
}

fn count(all: &Classification, phase: Phase) -> usize {
    all.files.iter().filter(|file| file.judgement.phase == phase).count()
}

fn statements(all: &Classification) -> impl Iterator<Item = &JudgedStatement> {
    all.files.iter().flat_map(|file| &file.judgement.statements)
}

fn unread(statement: &JudgedStatement) -> bool {
    let is_unknown = |judgement: &Judgement| judgement.operation == "unknown";
    is_unknown(&statement.judgement) || statement.parts.iter().any(is_unknown)
}

fn summary(all: &Classification) -> Value {
    let mut summary = json!({
        "files": all.files.len(),
        "statements": statements(all).count(),
        "unread": statements(all).filter(|statement| unread(statement)).count(),
        "contradicted": all.files.iter().filter(|file| file.judgement.contradicted).count(),
        "left_out": all.left_out,
        "remarks": all.remarks,
    });
    if let Value::Object(fields) = &mut summary {
        for phase in PHASES {
            fields.insert(phase.word().to_owned(), json!(count(all, phase)));
        }
    }
    summary
}

/// For people: each file with its statements, then what concerns all.
pub fn text(all: &Classification, ink: Ink) -> String {
    let mut out = String::new();
    for file in &all.files {
        one_file(&mut out, file, ink);
    }
    for remark in &all.remarks {
        let _ = writeln!(out, "{} {}", paint("!", Colour::Warning, ink), Printable::new(remark).as_str());
    }
    if !all.remarks.is_empty() {
        out.push('\n');
    }
    let counts: Vec<String> = PHASES
        .iter()
        .map(|phase| (phase, count(all, *phase)))
        .filter(|(_, count)| *count > 0)
        .map(|(phase, count)| paint(&format!("{count} {}", phase.word()), Colour::Phase(*phase), ink))
        .collect();
    let files = if all.files.len() == 1 { "1 file" } else { &format!("{} files", all.files.len()) };
    let _ = writeln!(out, "{files}, {} statements: {}", statements(all).count(), counts.join(", "));
    let unread = statements(all).filter(|statement| unread(statement)).count();
    if unread > 0 {
        let _ = writeln!(out, "{unread} statements could not be read");
    }
    if all.left_out > 0 {
        let _ = writeln!(out, "{} files are left out: of the way back, or no migrations", all.left_out);
    }
    out
}

fn one_file(out: &mut String, file: &Classified, ink: Ink) {
    let judgement = &file.judgement;
    let taken = if file.loaded.knows_dialect { "" } else { "taken for " };
    let dialect = format!(", {taken}{}", file.loaded.dialect.word());
    let _ = writeln!(
        out,
        "{}  {} {}",
        paint(&format!("{:8}", judgement.phase.word()), Colour::Phase(judgement.phase), ink),
        paint(Printable::new(&file.loaded.path).as_str(), Colour::Strong, ink),
        paint(&format!("({}{dialect})", file.loaded.layout.tool.word()), Colour::Faint, ink),
    );
    // What is true of several statements together stands at none of them.
    if judgement.source == Source::Marked || (judgement.phase == Phase::Split && judgement.statements.len() > 1) {
        let _ = writeln!(out, "          {}", Printable::new(&judgement.why).as_str());
    }
    for remark in &judgement.remarks {
        let _ = writeln!(out, "        {} {}", paint("!", Colour::Warning, ink), Printable::new(remark).as_str());
    }
    for statement in &judgement.statements {
        one_statement(out, statement, ink);
    }
    out.push('\n');
}

fn one_statement(out: &mut String, statement: &JudgedStatement, ink: Ink) {
    let each = if statement.parts.is_empty() { std::slice::from_ref(&statement.judgement) } else { statement.parts.as_slice() };
    for (number, judgement) in each.iter().enumerate() {
        let line = if number == 0 { statement.line.to_string() } else { String::new() };
        let lost = match judgement.reversible {
            Reversible::Yes => "",
            Reversible::RollbackTaint | Reversible::DataLoss => judgement.reversible.word(),
        };
        let costs: Vec<&str> = judgement.costs.iter().map(|cost: &Cost| cost.word()).collect();
        let phase = paint(&format!("{:8}", judgement.phase.word()), Colour::Phase(judgement.phase), ink);
        let facts = [costs.join(" "), lost.to_owned()].into_iter().filter(|fact| !fact.is_empty()).collect::<Vec<_>>().join(" ");
        let facts = paint(&facts, Colour::Faint, ink);
        let head = format!("{line:>8}  {phase}  {:<20} {:<4} {facts}", judgement.operation, judgement.row);
        let _ = writeln!(out, "{}", head.trim_end());
        let _ = writeln!(out, "          {}", Printable::new(&judgement.why).as_str());
        if !judgement.advice.is_empty() {
            let _ = writeln!(out, "          {} {}", paint("→", Colour::Faint, ink), Printable::new(&judgement.advice).as_str());
        }
    }
}

enum Colour {
    Phase(Phase),
    Strong,
    Faint,
    Warning,
}

fn paint(text: &str, colour: Colour, ink: Ink) -> String {
    if ink == Ink::Plain || text.is_empty() {
        return text.to_owned();
    }
    let code = match colour {
        Colour::Phase(Phase::Expand) => "32",
        Colour::Phase(Phase::Contract) => "33",
        Colour::Phase(Phase::Either) => "36",
        Colour::Phase(Phase::Split) => "35",
        Colour::Phase(Phase::Human) | Colour::Warning => "31",
        Colour::Strong => "1",
        Colour::Faint => "2",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
