//! Sets of files, each judged in its order: what one file makes, the next one of its set knows.
//!
//! A set is a folder of one tool. A few files are taken for what is pending now: what one of them makes is new to both
//! versions. More are taken for a history: what they make is known afterwards, and no longer new.

use super::load::{Loaded, Trouble};
use super::{Classification, Classified};
use crate::cli::migrations::ClassifyArguments;
use crate::migration::{Context, Dialect, Language, Phase, Tool, file, judge_file, mark, read, set};
use crate::migration_source::beside;
use crate::model::Printable;
use std::collections::BTreeMap;
use std::path::Path;

/// More files of one folder than this are no single release.
const MOST_PENDING: usize = 12;

/// Judges all files, set by set.
pub fn judge(loaded: Vec<Loaded>, arguments: &ClassifyArguments) -> Classification {
    let (left_out, loaded): (Vec<Loaded>, Vec<Loaded>) = loaded.into_iter().partition(|one| one.left_out);
    let mut sets: BTreeMap<String, Vec<Loaded>> = BTreeMap::new();
    for one in loaded {
        sets.entry(set_of(&one)).or_default().push(one);
    }
    let mut all = Classification { files: vec![], remarks: vec![], left_out: left_out.len() };
    for (place, mut members) in sets {
        members.sort_by(|a, b| (&a.layout.order, &a.path).cmp(&(&b.layout.order, &b.path)));
        settle_dialect(&mut members, arguments.dialect);
        let is_pending = arguments.pending || (!arguments.history && members.len() <= MOST_PENDING);
        if !is_pending && !arguments.history {
            let place = Printable::cut(if place.is_empty() { "this folder" } else { &place }, 120);
            all.remarks.push(format!(
                "{}: {} files are more than one release; each is judged as if the earlier ones had run (--pending: as one release)",
                place.as_str(),
                members.len()
            ));
        }
        let judged = judge_set(members, is_pending);
        if is_pending {
            all.remarks.extend(interleaved(&judged));
        }
        all.files.extend(judged);
    }
    all
}

fn judge_set(members: Vec<Loaded>, is_pending: bool) -> Vec<Classified> {
    let context = Context::new(None);
    let mut context = if is_pending { context } else { context.knowing_all() };
    let mut judged = vec![];
    for loaded in members {
        let mut judgement = match &loaded.trouble {
            Some(Trouble::Unreadable(why)) => file::unreadable(why),
            Some(Trouble::Remark(_)) | None => {
                judge_file(&loaded.text, &loaded.layout, &loaded.contents, loaded.dialect, &mut context)
            }
        };
        if let Some(Trouble::Remark(remark)) = &loaded.trouble {
            judgement.remarks.push(remark.clone());
        }
        if !is_pending {
            context.settle();
        }
        judged.push(Classified { loaded, judgement });
    }
    judged
}

/// The folder whose files one tool runs in one order. Folders that only say a phase, or hold one migration each, are not it.
fn set_of(loaded: &Loaded) -> String {
    let mut folder = Path::new(&loaded.path).parent().unwrap_or(Path::new(""));
    if matches!(loaded.layout.tool, Tool::Diesel | Tool::Prisma) {
        folder = folder.parent().unwrap_or(Path::new(""));
    }
    let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let says_phase = mark::of_folder(&format!("{}/x", folder.display())).is_some();
    if says_phase || matches!(name(folder).as_str(), "migrate" | "post_migrate") {
        folder = folder.parent().unwrap_or(Path::new(""));
    }
    folder.to_string_lossy().into_owned()
}

/// A file that does not show its dialect has that of most others in its set.
fn settle_dialect(members: &mut [Loaded], asked: Option<Dialect>) {
    if asked.is_some() {
        return;
    }
    let count = |dialect: Dialect| members.iter().filter(|one| one.knows_dialect && one.dialect == dialect).count();
    let most = Dialect::ALL.into_iter().rev().max_by_key(|dialect| count(*dialect)).unwrap_or(Dialect::Postgres);
    // A program's text does not show it, and one name such as `fix_mysql_charset` says nothing of a hundred others.
    let is_programs = members.iter().any(|one| one.layout.language != Language::Sql);
    let too_few = count(most) == 0 || (is_programs && count(most) * 2 < members.len());
    if too_few || most == Dialect::Postgres {
        return;
    }
    for one in members.iter_mut().filter(|one| !one.knows_dialect) {
        one.dialect = most;
        let path = Path::new(&one.path);
        one.contents = read::read_beside(&one.text, &one.layout, most, &|name: &str| beside::module(path, name));
    }
}

/// Files that stand in each other's way, told.
fn interleaved(judged: &[Classified]) -> Vec<String> {
    let files: Vec<_> = judged.iter().map(|one| &one.judgement).collect();
    let name = |place: usize| judged.get(place).map(|one| Printable::cut(&one.loaded.path, 120)).unwrap_or_default();
    let is_linear = |place: usize| {
        judged.get(place).is_some_and(|one| {
            matches!(one.loaded.layout.tool, Tool::GolangMigrate | Tool::Drizzle | Tool::Flyway | Tool::Sqitch | Tool::Refinery)
        })
    };
    let told = |one: set::Interleaving| {
        let (before, after) = (name(one.before), name(one.after));
        let word = judged.get(one.after).map_or(Phase::Contract, |file| file.judgement.phase).word();
        if !one.common.is_empty() {
            let common: Vec<String> = one.common.iter().take(5).map(|name| format!("`{name}`")).collect();
            Some(format!(
                "interleaved: {} belongs before and comes after {} ({word}), and both touch {}: ship them in two releases",
                before.as_str(),
                after.as_str(),
                common.join(", ")
            ))
        } else if is_linear(one.after) {
            Some(format!(
                "interleaved: {} belongs before and comes after {} ({word}); they touch nothing in common, but the tool counts one \
                 version and cannot skip a file: give {} the lower number",
                before.as_str(),
                after.as_str(),
                before.as_str()
            ))
        } else {
            None
        }
    };
    set::interleavings(&files).into_iter().filter_map(told).collect()
}
