//! Which half a server is in when the config does not say: split evenly, in order, alternating zones. Pure.

use crate::model::Half;

/// What of a server decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What the config says.
    pub half: Option<Half>,
    pub zone: Option<String>,
    pub weight: f64,
}

/// A half for each, in the same order. What the config says stands; the rest is filled up so that
///
/// 1. each zone has as many servers in A as in B, or one more in one of them, which alternates from zone to zone;
/// 2. within a zone the first ones are in A, the others in B;
/// 3. the weights of A and B are as near to each other as swaps and moves that keep 1 can make them (without zones, any).
#[must_use]
pub fn split(candidates: &[Candidate]) -> Vec<Half> {
    let mut halves: Vec<Half> = candidates.iter().map(|candidate| candidate.half.unwrap_or(Half::B)).collect();
    let mut zones: Vec<Option<&str>> = Vec::new();
    for candidate in candidates {
        if !zones.contains(&candidate.zone.as_deref()) {
            zones.push(candidate.zone.as_deref());
        }
    }
    let (mut in_a, mut in_b) = (0usize, 0usize);
    for zone in zones {
        let here: Vec<usize> = (0..candidates.len()).filter(|at| candidates[*at].zone.as_deref() == zone).collect();
        let said_a = here.iter().filter(|at| candidates[**at].half == Some(Half::A)).count();
        let wanted = if in_a <= in_b { here.len().div_ceil(2) } else { here.len() / 2 };
        let free = here.iter().filter(|at| candidates[**at].half.is_none());
        for at in free.take(wanted.saturating_sub(said_a)) {
            halves[*at] = Half::A;
        }
        let now_a = here.iter().filter(|at| halves[**at] == Half::A).count();
        in_a += now_a;
        in_b += here.len() - now_a;
    }
    balance(candidates, &mut halves);
    halves
}

/// Takes the best swap or move, of equal ones a later server's, until none brings the weights nearer by a thousandth of them all.
fn balance(candidates: &[Candidate], halves: &mut [Half]) {
    let weight = |half: Half, halves: &[Half]| -> f64 {
        candidates.iter().zip(halves).filter(|(_, one)| **one == half).map(|(candidate, _)| candidate.weight).sum()
    };
    let free: Vec<usize> = (0..candidates.len()).filter(|at| candidates[*at].half.is_none()).collect();
    let worth = candidates.iter().map(|candidate| candidate.weight).sum::<f64>() / 1000.0;
    for _ in 0..candidates.len() {
        let over = weight(Half::A, halves) - weight(Half::B, halves);
        let mut best = (over.abs() - worth, None);
        for one in free.iter().rev().copied() {
            let sign = if halves[one] == Half::A { 2.0 } else { -2.0 };
            let moved = (over - sign * candidates[one].weight).abs();
            if moved < best.0 && may_leave(candidates, halves, one) {
                best = (moved, Some((one, None)));
            }
            if halves[one] == Half::B {
                continue;
            }
            for other in free.iter().copied().filter(|other| halves[*other] == Half::B) {
                let swapped = (over - 2.0 * (candidates[one].weight - candidates[other].weight)).abs();
                if swapped < best.0 && candidates[one].zone == candidates[other].zone {
                    best = (swapped, Some((one, Some(other))));
                }
            }
        }
        let Some((one, other)) = best.1 else { return };
        halves[one] = halves[one].other();
        if let Some(other) = other {
            halves[other] = halves[other].other();
        }
    }
}

/// May this one change sides without emptying its half or leaning its zone over?
fn may_leave(candidates: &[Candidate], halves: &[Half], one: usize) -> bool {
    let side = halves[one];
    if halves.iter().filter(|half| **half == side).count() < 2 {
        return false;
    }
    let Some(zone) = &candidates[one].zone else { return true };
    let here = || candidates.iter().zip(halves).filter(|(candidate, _)| candidate.zone.as_ref() == Some(zone));
    let mine = here().filter(|(_, half)| **half == side).count();
    mine > here().count() - mine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(list: &[(Option<Half>, &str, f64)]) -> String {
        let candidates: Vec<Candidate> = list
            .iter()
            .map(|(half, zone, weight)| Candidate {
                half: *half,
                zone: (!zone.is_empty()).then(|| (*zone).to_owned()),
                weight: *weight,
            })
            .collect();
        split(&candidates).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn in_order_and_even() {
        assert_eq!(halves(&[(None, "", 1.0); 6]), "AAABBB");
        assert_eq!(halves(&[(None, "", 1.0); 2]), "AB");
        assert_eq!(halves(&[(None, "", 1.0); 5]), "AAABB");
    }

    #[test]
    fn each_zone_is_split_and_odd_ones_alternate() {
        assert_eq!(halves(&[(None, "x", 1.0), (None, "y", 1.0), (None, "x", 1.0), (None, "y", 1.0)]), "AABB");
        let odd = [(None, "x", 1.0), (None, "x", 1.0), (None, "x", 1.0), (None, "y", 1.0), (None, "y", 1.0), (None, "y", 1.0)];
        assert_eq!(halves(&odd), "AABABB");
    }

    #[test]
    fn weights_are_evened_out() {
        assert_eq!(halves(&[(None, "", 3.0), (None, "", 1.0), (None, "", 1.0), (None, "", 1.0)]), "ABBB");
        assert_eq!(halves(&[(None, "", 2.0), (None, "", 2.0), (None, "", 1.0), (None, "", 1.0)]).matches('A').count(), 2);
        assert_eq!(halves(&[(None, "x", 4.0), (None, "x", 1.0), (None, "y", 4.0), (None, "y", 1.0)]), "ABBA");
    }

    #[test]
    fn what_the_config_says_stands_and_the_rest_is_filled_up() {
        assert_eq!(halves(&[(Some(Half::B), "", 1.0), (None, "", 1.0), (None, "", 1.0), (None, "", 1.0)]), "BAAB");
        assert_eq!(halves(&[(Some(Half::A), "", 1.0), (Some(Half::A), "", 1.0), (None, "", 1.0), (None, "", 1.0)]), "AABB");
        assert_eq!(halves(&[(Some(Half::A), "", 1.0), (Some(Half::A), "", 1.0)]), "AA");
    }
}
