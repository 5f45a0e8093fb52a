//! The pending set as a whole: may its parts be run phase by phase, or do two of them stand in each other's way?
//!
//! A statement that belongs before may run before an earlier file that belongs after only if they touch nothing in common.
//! It knows files by their place in the list only. What a tool's books can hold is `migration_source`'s business.

use super::judgement::{FileJudgement, Phase};
use std::collections::{BTreeSet, HashMap};

/// A file that belongs before, behind one that belongs after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interleaving {
    /// The place of the file that belongs after and comes first.
    pub after: usize,
    /// The place of the file that belongs before and comes later.
    pub before: usize,
    /// What both touch; empty: they can change places.
    pub common: BTreeSet<String>,
}

/// All files that stand the wrong way round, each once, with the earlier one that is most in its way.
#[must_use]
pub fn interleavings(files: &[&FileJudgement]) -> Vec<Interleaving> {
    let mut touched_after: HashMap<&str, usize> = HashMap::new();
    let mut last_after = None;
    let mut found = vec![];
    for (place, file) in files.iter().enumerate() {
        let touches = || file.statements.iter().flat_map(|statement| &statement.judgement.touches);
        match file.phase {
            Phase::Expand => {
                let common: BTreeSet<(usize, &String)> =
                    touches().filter_map(|touched| Some((*touched_after.get(touched.as_str())?, touched))).collect();
                let nearest = common.last().map(|(after, _)| *after);
                let names = common.iter().filter(|(after, _)| Some(*after) == nearest).map(|(_, name)| (*name).clone());
                if let Some(after) = nearest.or(last_after) {
                    found.push(Interleaving { after, before: place, common: names.collect() });
                }
            }
            Phase::Contract | Phase::Split => {
                last_after = Some(place);
                touched_after.extend(touches().map(|touched| (touched.as_str(), place)));
            }
            Phase::Either | Phase::Human => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::judgement::{JudgedStatement, Judgement, Source};
    use super::*;

    fn file(phase: Phase, touches: &str) -> FileJudgement {
        let mut judgement = Judgement::new("P01", phase, "");
        judgement.touches = touches.split(' ').map(str::to_owned).collect();
        FileJudgement {
            phase,
            source: Source::Read,
            statements: vec![JudgedStatement { span: 0..0, line: 1, judgement, parts: vec![] }],
            why: String::new(),
            remarks: vec![],
            contradicted: false,
        }
    }

    #[test]
    fn only_common_objects_hold_an_expand_back() {
        let files =
            [file(Phase::Contract, "a b"), file(Phase::Expand, "c"), file(Phase::Expand, "b d"), file(Phase::Either, "a")];
        let found = interleavings(&files.iter().collect::<Vec<_>>());
        let told: Vec<(usize, usize, Vec<&str>)> =
            found.iter().map(|one| (one.after, one.before, one.common.iter().map(String::as_str).collect())).collect();
        assert_eq!(told, [(0, 1, vec![]), (0, 2, vec!["b"])]);
        let files = [file(Phase::Expand, "a"), file(Phase::Contract, "a")];
        assert!(interleavings(&files.iter().collect::<Vec<_>>()).is_empty());
    }
}
