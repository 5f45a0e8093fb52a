//! What stands against running a phase: files and books that are wrong, files that nobody has decided about, files that stand in
//! each other's way.

use super::super::project::{Judged, Project};
use crate::migration::{FileJudgement, Phase, set};
use crate::model::{Failure, Printable};

/// The first thing that does.
pub fn check(project: &Project, phase: Phase) -> Result<(), Failure> {
    if let Some(hint) = project.listing.tool.by_command() {
        let tool = project.tool();
        let what = format!("{tool} runs its own files; halfstep reads them and says their phases");
        return Err(Failure::new(what).next(format!("give [migrations] expand and contract as commands: {hint}")));
    }
    for judged in &project.pending {
        is_decided(project, judged, phase)?;
    }
    if phase != Phase::Contract {
        interleaved(project)?;
        // A file that must wait stops those behind it; in contract it is its turn.
        return project.may_run();
    }
    let problems = project.listing.problems.iter().chain(&project.standing.problems);
    let mut blocking = problems.filter(|problem| problem.weight == crate::migration_source::Weight::Blocks);
    blocking.next().map_or(Ok(()), |problem| Err(problem.what.clone()))
}

/// What stands against a rollout, whatever is decided in it.
pub fn in_the_way(project: &Project) -> Result<(), Failure> {
    if let Some(judged) = project.pending.iter().find(|judged| judged.judgement.contradicted) {
        is_decided(project, judged, Phase::Expand)?;
    }
    let open = |judged: &Judged| matches!(judged.judgement.phase, Phase::Split | Phase::Human);
    if project.pending.iter().any(open) {
        // In which order they may run is known once somebody has decided.
        let problems = project.listing.problems.iter().chain(&project.standing.problems);
        let mut blocking = problems.filter(|problem| problem.weight == crate::migration_source::Weight::Blocks);
        return blocking.next().map_or(Ok(()), |problem| Err(problem.what.clone()));
    }
    interleaved(project)?;
    project.may_run()
}

fn name(project: &Project, judged: &Judged) -> Printable {
    project.migration(judged).map(|migration| Printable::new(&migration.label)).unwrap_or_default()
}

fn is_decided(project: &Project, judged: &Judged, phase: Phase) -> Result<(), Failure> {
    let name = name(project, judged);
    let judgement = &judged.judgement;
    let why = Printable::new(&judgement.why);
    if judgement.contradicted {
        let why = judgement.remarks.first().map_or(why, |remark| Printable::new(remark));
        return Err(Failure::new(format!("{name}: {why}")).next("take the mark away, give it a reason, or split the file"));
    }
    match judgement.phase {
        Phase::Split => {
            let path = project.migration(judged).map(|migration| migration.path.to_string_lossy().into_owned());
            let next = format!("halfstep migrations split {}", Printable::new(&path.unwrap_or_default()));
            Err(Failure::new(format!("{name} needs both phases: {why}")).next(next))
        }
        Phase::Human => Err(Failure::new(format!("{name}: a person has to say its phase: {why}"))
            .next("write `-- halfstep: phase=expand reason=\"…\"` or contract in its first lines, or prove it")),
        Phase::Expand if phase == Phase::Contract => Err(Failure::new(format!("{name} runs in expand, and has not run"))
            .next("halfstep migrations run --phase expand, then the new version everywhere, then contract")),
        Phase::Expand | Phase::Contract | Phase::Either => Ok(()),
    }
}

fn interleaved(project: &Project) -> Result<(), Failure> {
    let files: Vec<&FileJudgement> = project.pending.iter().map(|file| &file.judgement).collect();
    let Some(found) = set::interleavings(&files).into_iter().find(|one| !one.common.is_empty()) else { return Ok(()) };
    let name = |at: usize| project.pending.get(at).map(|judged| name(project, judged)).unwrap_or_default();
    let common: Vec<String> = found.common.iter().take(5).map(|one| Printable::new(one).to_string()).collect();
    let what = format!(
        "{} runs in expand and stands behind {}, which does not; both touch {}",
        name(found.before),
        name(found.after),
        common.join(", ")
    );
    Err(Failure::new(what).next("ship them in two releases, or split the earlier one"))
}
