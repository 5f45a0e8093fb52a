//! Commands that have their name and not yet their rooms: each gets one sentence and what to do meanwhile.

use super::Order;
use crate::model::Failure;

/// Why this cannot be done yet, for those that cannot. They end with [`super::ExitStatus::Usage`].
#[must_use]
pub fn not_yet(order: &Order) -> Option<Failure> {
    let (command, meanwhile) = match order {
        Order::Approve => ("approve", "stops wait for a driver: `halfstep go`, or Enter in `halfstep attach`"),
        Order::Replay(_) => ("replay", "`halfstep report` tells what happened, the journal every event"),
        Order::Rehearse => ("rehearse", "`halfstep plan` shows every step, `halfstep demo` a whole rollout"),
        Order::Migrations(_)
        | Order::Demo(_)
        | Order::Init(_)
        | Order::Check
        | Order::Plan(_)
        | Order::Run(_)
        | Order::Restart(_)
        | Order::Attach(_)
        | Order::Status
        | Order::Go(_)
        | Order::Hold
        | Order::Rollback
        | Order::Resume(_)
        | Order::Retry(_)
        | Order::Exclude(_)
        | Order::Cut(_)
        | Order::Contract(_)
        | Order::Report(_)
        | Order::History
        | Order::Serve(_)
        | Order::Switch(_)
        | Order::Themes
        | Order::Schema(_)
        | Order::Completions(_)
        | Order::Man
        | Order::Engine(_)
        | Order::LabApp(_)
        | Order::LabStage(_)
        | Order::LabKeep(_) => return None,
    };
    Some(Failure::new(format!("`halfstep {command}` is not in this version")).next(meanwhile))
}
