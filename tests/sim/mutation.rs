//! One tampering for each promise: the law must notice it, or it proves nothing.

use crate::dice::Dice;
use crate::engine::Tamper;
use crate::law::UNDECIDED;
use crate::{pools, run, run_with};

/// How many seeds are tried until the promise is seen to break.
const TRIES: u64 = 150;

fn notices(tamper: Tamper, promise: u8) {
    let broken = |seed| run(seed, tamper).world.law.broken;
    let seen = (0..TRIES).any(|seed| broken(seed).iter().any(|(number, _)| *number == promise));
    assert!(seen, "{tamper:?} goes unnoticed by promise {promise} in {TRIES} seeds");
}

#[test]
fn promise_1_notices_a_node_that_takes_everybody_out() {
    notices(Tamper::TakesAllOut, 1);
}

#[test]
fn promise_2_notices_a_stop_without_a_drain() {
    notices(Tamper::LiesDrained, 2);
}

#[test]
fn promise_3_notices_a_server_that_comes_in_unverified() {
    notices(Tamper::LiesVerified, 3);
}

#[test]
fn promise_4_notices_a_switch_that_only_enables() {
    notices(Tamper::OnlyEnables, 4);
}

#[test]
fn promise_5_notices_a_contract_that_comes_too_early() {
    let broken = |seed, tamper| run_with(pools::watched(), Dice::new(seed), tamper).world.law.broken;
    assert_eq!(broken(1, Tamper::Nothing), []);
    let notices = |seed| broken(seed, Tamper::LiesAboutOthers).iter().any(|(number, _)| *number == 5);
    assert!((0..TRIES).any(notices), "it goes unnoticed in {TRIES} seeds");
}

#[test]
fn promise_6_notices_a_command_that_runs_again_after_a_crash() {
    notices(Tamper::ForgetsWhatRan, 6);
}

#[test]
fn promise_6_notices_a_journal_that_lost_a_line() {
    notices(Tamper::LosesLines, 6);
}

#[test]
fn promise_7_notices_a_node_that_only_says_that_it_did() {
    notices(Tamper::DoesNothing, 7);
}

#[test]
fn promise_8_notices_a_hold_that_nobody_was_told_of() {
    notices(Tamper::LosesHolds, 8);
}

#[test]
fn the_law_notices_a_migration_that_nobody_decided_about() {
    notices(Tamper::Decides, UNDECIDED);
}

#[test]
fn nothing_is_noticed_where_nobody_tampers() {
    for seed in 0..10 {
        let ran = run_with(pools::plain(), Dice::new(seed), Tamper::Nothing);
        assert!(ran.world.law.broken.is_empty(), "{}", ran.tell(seed, "the plain pool"));
    }
}
