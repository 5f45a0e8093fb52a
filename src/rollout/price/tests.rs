//! The price of going back, condition by condition.

use super::super::example::{answers, before, beginning, name, only, stands, updated};
use super::*;
use crate::model::{PhaseName, Rotation};

#[test]
fn condition_1_blocked_once_contract_has_begun() {
    let mut state = before(beginning(), PhaseName::Contract);
    state.contract = Contract::Begun;
    assert!(matches!(state.price(), Price::Blocked(_)));
}

#[test]
fn condition_2_nothing_before_anything_was_changed() {
    assert_eq!(before(beginning(), PhaseName::DrainA).price(), Price::Nothing);
}

#[test]
fn condition_3_instant_at_what_is_up_of_the_untouched_half() {
    let mut state = before(beginning(), PhaseName::Bake);
    updated(&mut state, Half::A);
    only(&mut state, Half::A);
    assert_eq!(state.price(), Price::Instant { up: 2, of: 2, half: Half::B });
    state.facts.believe(&answers("web3", 0, None));
    assert_eq!(state.price(), Price::Instant { up: 1, of: 2, half: Half::B });
    assert!(state.price().words(&state.beginning.current).starts_with("instant, at 50 % of half B"));
}

#[test]
fn condition_4_seconds_where_the_half_that_takes_over_was_touched() {
    let mut state = before(beginning(), PhaseName::RejoinB);
    updated(&mut state, Half::A);
    updated(&mut state, Half::B);
    only(&mut state, Half::A);
    state.longest.insert(CommandKind::Start.word(), Duration::from_secs(20));
    // Two servers at once, and three good checks a second apart.
    assert_eq!(state.price(), Price::Seconds { about: Duration::from_secs(23), first: Half::B });
}

#[test]
fn condition_5_seconds_for_half_a_while_current_serves_from_half_b() {
    let mut state = before(beginning(), PhaseName::VerifyA);
    updated(&mut state, Half::A);
    only(&mut state, Half::B);
    assert!(matches!(state.price(), Price::Seconds { first: Half::A, .. }));
}

#[test]
fn who_was_drained_first_counts_as_one_that_is_not_up_and_is_named_at_the_end() {
    let mut beginning = beginning();
    beginning.drain_first.insert(name("web2"));
    beginning.found.push(answers("web2", 0, Some("1.40.0")));
    let mut state = before(beginning, PhaseName::DrainA);
    assert_eq!(state.price(), Price::Nothing);
    state.wished.into.remove(&name("web2"));
    state.wished.out.insert(name("web2"));
    state.facts.believe(&stands("web2", Rotation::Out));
    assert_eq!(state.price(), Price::Instant { up: 1, of: 2, half: Half::A });
    assert!(state.way_back().iter().any(|line| line.contains("web2 out, not on 1.41.0")), "{:?}", state.way_back());
    assert!(state.told(&End::RolledBack).contains("but on web2 (out of rotation"), "{}", state.told(&End::RolledBack));
    // It answers current by now: it goes in again.
    state.facts.believe(&answers("web2", 0, Some("1.41.0")));
    assert!(state.way_back().iter().all(|line| !line.contains("web2 out")), "{:?}", state.way_back());
}
