//! Can a tool's books hold a run that leaves some files for later? A tool that keeps one version counts all before it as
//! applied: a file that must wait then stops every later one.
//!
//! It judges no statement: it takes files with their phases, in the tool's order.

use super::Phase;

/// What the books of a tool can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Every applied file has its line: any may wait.
    Set,
    /// The same, but the tool's own command refuses an older file that is missing. The sentence says how.
    Strict(&'static str),
    /// One place, and all before it count as applied. The sentence says it of the tool.
    Linear(&'static str),
}

/// A file that waits, with one behind it that does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// The place of the file that waits, in the list that was given.
    pub waits: usize,
    /// The places of those behind it that would have to run before it.
    pub behind: Vec<usize>,
    /// False: only the tool's own command minds, in the time between.
    pub stops: bool,
    /// One sentence. Names in it come from files: show it as `Printable`.
    pub what: String,
    /// What to do.
    pub next: String,
}

/// Finds the first file that must wait (contract, or one that nobody has decided) and stands before one of Expand.
///
/// `pending`: names and phases in the tool's order.
#[must_use]
pub fn standstill(pending: &[(&str, Phase)], keeping: Keeping) -> Option<Standstill> {
    let why = match keeping {
        Keeping::Set => return None,
        Keeping::Strict(why) | Keeping::Linear(why) => why,
    };
    let stops = matches!(keeping, Keeping::Linear(_));
    let waits = pending.iter().position(|(_, phase)| matches!(phase, Phase::Contract | Phase::Split | Phase::Human))?;
    let behind: Vec<usize> =
        pending.iter().enumerate().skip(waits + 1).filter(|(_, (_, phase))| *phase == Phase::Expand).map(|(at, _)| at).collect();
    let (waiting, phase) = pending.get(waits)?;
    let first = behind.first().and_then(|at| pending.get(*at))?.0;
    let others = match behind.len() {
        1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    let role = match phase {
        Phase::Split => "needs both phases",
        Phase::Human => "is not decided",
        Phase::Contract | Phase::Either | Phase::Expand => "runs in contract",
    };
    let what = format!("{waiting} {role}, and {first}{others}, which must run in expand, stands behind it: {why}");
    let next = match phase {
        Phase::Contract if stops => {
            format!("give {waiting} a number behind the last expand file, or ship it in a release of its own")
        }
        Phase::Contract => {
            format!("halfstep runs {first} and leaves {waiting}; the tool's own command must wait until contract is done")
        }
        Phase::Split => format!("halfstep migrations split {waiting}"),
        Phase::Human | Phase::Either | Phase::Expand => {
            format!("say its phase in a comment in its first lines: -- halfstep: phase=expand reason=\"…\" (in {waiting})")
        }
    };
    Some(Standstill { waits, behind, stops, what, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINEAR: Keeping = Keeping::Linear("it keeps one version");

    #[test]
    fn a_contract_before_an_expand_stops_a_tool_that_keeps_one_version() {
        let pending =
            [("41_add", Phase::Expand), ("42_drop", Phase::Contract), ("43_add", Phase::Expand), ("44_x", Phase::Expand)];
        let found = standstill(&pending, LINEAR).unwrap();
        assert_eq!((found.waits, found.behind, found.stops), (1, vec![2, 3], true));
        assert!(found.what.contains("42_drop") && found.what.contains("43_add and 1 more"), "{}", found.what);
        assert!(standstill(&pending, Keeping::Set).is_none());
        assert!(!standstill(&pending, Keeping::Strict("x")).unwrap().stops);
    }

    #[test]
    fn what_may_run_in_either_phase_stops_nothing() {
        let pending =
            [("1", Phase::Expand), ("2", Phase::Either), ("3", Phase::Contract), ("4", Phase::Either), ("5", Phase::Contract)];
        assert!(standstill(&pending, LINEAR).is_none());
        assert!(standstill(&[], LINEAR).is_none());
    }

    #[test]
    fn what_is_not_decided_stops_too() {
        let found = standstill(&[("1", Phase::Human), ("2", Phase::Expand)], LINEAR).unwrap();
        assert!(found.what.contains("not decided") && found.next.contains("phase="));
    }
}
