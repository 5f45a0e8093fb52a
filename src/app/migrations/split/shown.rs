//! What is said of a split: the files by stage, what to know before running them, or what a person has to decide.

use crate::app::{Refusal, print, print_json};
use crate::cli::{Format, Global};
use crate::migration::split::files::{Home, Output};
use crate::migration::split::{Human, Split};
use crate::model::Printable;
use serde_json::json;

type Said = Result<(), Refusal>;

/// What a person has to decide, one line each.
pub(super) fn human(global: &Global, human: &Human) -> Said {
    let reasons: Vec<Printable> = human.reasons.iter().map(|reason| Printable::cut(reason, 600)).collect();
    if global.format == Format::Json {
        print_json(&json!({ "files": [], "remarks": [], "human": reasons }))?;
        return Ok(());
    }
    eprintln!("halfstep: nothing was written; a person has to decide:");
    for reason in &reasons {
        eprintln!("  - {}", reason.as_str());
    }
    Ok(())
}

fn remarks(home: &Home, splits: &[Split], outputs: &[Output]) -> Vec<Printable> {
    let mut seen = vec![];
    let own = splits.iter().flat_map(|split| split.remarks.iter().cloned());
    for remark in own.chain(home.remarks(splits)).chain(home.end_of_expand(outputs)) {
        let remark = Printable::cut(&remark, 600);
        if !seen.contains(&remark) {
            seen.push(remark);
        }
    }
    seen
}

fn document(home: &Home, splits: &[Split], outputs: &[Output], gone: &[String], with_texts: bool) -> serde_json::Value {
    let file = |output: &Output| {
        let mut file = json!({ "path": Printable::new(&output.path), "replaces": output.replaces });
        if with_texts {
            file["text"] = json!(output.text);
        }
        file
    };
    let gone: Vec<Printable> = gone.iter().map(|path| Printable::new(path)).collect();
    json!({
        "tool": home.tool.word(),
        "dialect": home.dialect.word(),
        "files": outputs.iter().map(file).collect::<Vec<_>>(),
        "removed": gone,
        "remarks": remarks(home, splits, outputs),
        "human": [],
    })
}

/// The files themselves, for `--dry-run`.
pub(super) fn dry(global: &Global, home: &Home, splits: &[Split], outputs: &[Output]) -> Said {
    if global.format == Format::Json {
        print_json(&document(home, splits, outputs, &[], true))?;
        return Ok(());
    }
    print(|to| {
        for output in outputs {
            writeln!(to, "==> {} <==", Printable::new(&output.path).as_str())?;
            for line in Printable::lines(&output.text) {
                writeln!(to, "{}", line.as_str())?;
            }
            writeln!(to)?;
        }
        Ok(())
    })?;
    for remark in remarks(home, splits, outputs) {
        eprintln!("note: {}", remark.as_str());
    }
    Ok(())
}

/// Is it a file of the way back alone?
fn is_back(path: &str) -> bool {
    path.contains("halfstep-back/") || path.ends_with("down.sql") || path.contains("/revert/")
}

/// What was written.
pub(super) fn written(global: &Global, home: &Home, splits: &[Split], outputs: &[Output], gone: &[String]) -> Said {
    if global.format == Format::Json {
        print_json(&document(home, splits, outputs, gone, false))?;
        return Ok(());
    }
    print(|to| {
        for split in splits {
            writeln!(to, "{}", Printable::cut(&split.title, 200).as_str())?;
        }
        let (ways_back, others): (Vec<&Output>, Vec<&Output>) = outputs.iter().partition(|output| is_back(&output.path));
        for output in others {
            let what = if output.replaces { "changed" } else { "wrote" };
            writeln!(to, "  {what} {}", Printable::new(&output.path).as_str())?;
        }
        if let Some(first) = ways_back.first() {
            writeln!(to, "  and {} ways back, as {}", ways_back.len(), Printable::new(&first.path).as_str())?;
        }
        for path in gone {
            writeln!(to, "  removed {}", Printable::new(path).as_str())?;
        }
        for remark in remarks(home, splits, outputs) {
            writeln!(to, "note: {}", remark.as_str())?;
        }
        if !home.original.is_empty() && gone.is_empty() {
            let path = Printable::new(&home.original);
            writeln!(to, "next: take {} away, or its statements run a second time; --replace does it", path.as_str())?;
        }
        writeln!(to, "next: read the files, then `halfstep migrations classify` and `halfstep plan`")
    })?;
    Ok(())
}
