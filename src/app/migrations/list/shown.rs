//! A project's migrations as text and as JSON. It decides no more than their form.

use super::super::project::{Judged, Project};
use crate::migration::Phase;
use crate::migration_source::{State, Weight, source};
use crate::model::Printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// For people: where it stands, what is pending, what is wrong, what to do.
pub(super) fn text(project: &Project, all: bool) -> String {
    let mut out = String::new();
    let listing = &project.listing;
    let roots: Vec<String> = listing.roots.iter().map(|root| Printable::new(&root.to_string_lossy()).to_string()).collect();
    let _ = writeln!(out, "{}: {} ({})", roots.join(", "), listing.tool, Printable::new(&listing.why));
    match &project.database {
        Some(place) if project.standing.has_table => {
            let table = source(listing.tool).table(project.dialect);
            let _ = writeln!(out, "{}: {table}", Printable::new(place));
        }
        Some(place) => {
            let _ = writeln!(out, "{}: no tracking table yet, all is pending", Printable::new(place));
        }
        None => {
            let _ = writeln!(out, "no database is named, so all counts as pending (--database, or [migrations] database_url)");
        }
    }
    let _ = writeln!(out);
    applied(&mut out, project, all);
    for judged in &project.pending {
        pending(&mut out, project, judged);
    }
    let _ = writeln!(out, "{}", summary(project));
    for problem in project.problems() {
        let sign = if problem.weight == Weight::Blocks { "✘" } else { "!" };
        let _ = writeln!(out, "{sign} {}", problem.what);
    }
    next(&mut out, project);
    out
}

fn applied(out: &mut String, project: &Project, all: bool) {
    let rows: Vec<_> = project.listing.migrations.iter().zip(&project.standing.states).collect();
    let done: Vec<_> = rows.iter().filter(|(_, state)| !matches!(state, State::Pending | State::Failed)).collect();
    let hidden = if all { 0 } else { done.len().saturating_sub(2) };
    if hidden > 0 {
        let _ = writeln!(out, "  applied   … {hidden} more (--all)");
    }
    for (migration, state) in done.into_iter().skip(hidden) {
        let (word, at) = match state {
            State::Applied { at } => ("applied", at.as_deref().unwrap_or("")),
            State::PassedOver => ("passed", "the tool never runs it: older than what ran, or replaced"),
            State::Pending | State::Failed => ("pending", ""),
        };
        let _ = writeln!(out, "  {word:<9} {}  {}", Printable::new(&migration.label), Printable::new(at));
    }
}

fn pending(out: &mut String, project: &Project, judged: &Judged) {
    let Some(migration) = project.migration(judged) else { return };
    let said = &judged.judgement;
    let failed = project.standing.states.get(judged.at) == Some(&State::Failed);
    let mark = migration.mark.as_ref().map(|mark| format!("  marked by {}", Printable::cut(&mark.said, 60))).unwrap_or_default();
    let begun = if failed { "  begun, and not ended" } else { "" };
    let _ = writeln!(out, "  {:<9} {}{mark}{begun}", said.phase.word(), Printable::new(&migration.label));
    let _ = writeln!(out, "            {}", Printable::new(&said.why));
    for remark in &said.remarks {
        let _ = writeln!(out, "            ! {}", Printable::new(remark));
    }
}

fn summary(project: &Project) -> String {
    let count = |phase: Phase| project.pending.iter().filter(|judged| judged.judgement.phase == phase).count();
    let phases = [Phase::Expand, Phase::Either, Phase::Contract, Phase::Split, Phase::Human];
    let counts: Vec<String> = phases
        .into_iter()
        .map(|phase| (phase, count(phase)))
        .filter(|(_, many)| *many > 0)
        .map(|(phase, many)| format!("{many} {}", phase.word()))
        .collect();
    let total = project.listing.migrations.len();
    let applied = project.applied();
    match counts.is_empty() {
        true => format!("{applied} of {total} applied, nothing is pending"),
        false => format!("{applied} of {total} applied, {} pending: {}", project.pending.len(), counts.join(", ")),
    }
}

/// What can be done with them.
fn next(out: &mut String, project: &Project) {
    let has = |phase: Phase| project.pending.iter().any(|judged| judged.judgement.phase == phase);
    if let Some(hint) = project.listing.tool.by_command().filter(|_| !project.pending.is_empty()) {
        let _ = writeln!(out, "→ {hint}");
    } else if !project.pending.is_empty() {
        let _ = writeln!(out, "→ the tool's own way: {}", source(project.listing.tool).switch());
    }
    if has(Phase::Split) {
        let _ = writeln!(out, "→ halfstep migrations split FILE makes two files of one that needs both phases");
    }
    if has(Phase::Human) {
        let _ = writeln!(
            out,
            "→ halfstep migrations prove tries what the text does not tell; or write -- halfstep: phase=… reason=\"…\""
        );
    }
}

/// For programs.
pub(super) fn json(project: &Project) -> Value {
    let listing = &project.listing;
    let migrations: Vec<Value> = listing
        .migrations
        .iter()
        .zip(&project.standing.states)
        .enumerate()
        .map(|(at, (migration, state))| {
            let judged = project.pending.iter().find(|judged| judged.at == at).map(|judged| &judged.judgement);
            let (word, moment) = match state {
                State::Applied { at } => ("applied", at.clone()),
                State::Pending => ("pending", None),
                State::Failed => ("failed", None),
                State::PassedOver => ("passed-over", None),
            };
            json!({
                "name": Printable::new(&migration.label),
                "path": migration.path,
                "version": migration.part().map(|part| part.version.as_str()),
                "state": word,
                "applied_at": moment,
                "phase": judged.map(|said| said.phase.word()),
                "source": judged.map(|said| said.source),
                "why": judged.map(|said| Printable::new(&said.why)),
                "remarks": judged.map(|said| said.remarks.iter().map(|remark| Printable::new(remark)).collect::<Vec<_>>()),
                "mark": migration.mark.as_ref().map(|mark| json!({
                    "phase": mark.phase.word(), "said": Printable::new(&mark.said), "reason": mark.reason.as_deref().map(Printable::new), "line": mark.line,
                })),
                "in_transaction": migration.file.in_transaction(),
            })
        })
        .collect();
    let problems: Vec<Value> = project
        .problems()
        .into_iter()
        .map(
            |problem| json!({ "blocks": problem.weight == Weight::Blocks, "what": problem.what.what, "next": problem.what.next }),
        )
        .collect();
    json!({
        "tool": listing.tool.word(),
        "why": Printable::new(&listing.why),
        "paths": listing.roots,
        "dialect": project.dialect.word(),
        "database": project.database,
        "has_table": project.standing.has_table,
        "migrations": migrations,
        "problems": problems,
        "summary": {
            "applied": project.applied(),
            "pending": project.pending.len(),
            "expand": project.pending.iter().filter(|judged| judged.judgement.phase == Phase::Expand).count(),
            "either": project.pending.iter().filter(|judged| judged.judgement.phase == Phase::Either).count(),
            "contract": project.pending.iter().filter(|judged| judged.judgement.phase == Phase::Contract).count(),
            "split": project.pending.iter().filter(|judged| judged.judgement.phase == Phase::Split).count(),
            "human": project.pending.iter().filter(|judged| judged.judgement.phase == Phase::Human).count(),
        },
        "switch": source(listing.tool).switch(),
        "by_command": listing.tool.by_command(),
    })
}
