//! What runs inside of the database under both versions: functions, triggers, row security, rules: P54 to P59, P78.
//!
//! Their text does not tell what they do to old code. `prove` finds out.

use super::super::operation::{Kind, Operation};
use super::super::{Context, Cost, Judgement, Phase};
use super::{contract, either, expand, human};

const PROVE: &str = "read what it does, or let `halfstep migrations prove` run it under statements of both versions";

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::CreateFunction { function, replace } => {
            let is_new = !context.was_dropped(Kind::Function, function);
            if is_new && (!*replace || context.is_new(Kind::Function, function)) {
                return Some(expand("P54", format!("old code does not know `{function}`, new code needs it")));
            }
            human("P55", format!("if `{function}` is there already, old code calls the new body at once"))
                .proposing(Phase::Expand)
                .advise("if it is new, say CREATE FUNCTION; if it changes, give the new one another name, or let `halfstep migrations prove` try it")
        }
        Operation::CreateTrigger { table, name } => {
            human("P57", format!("the trigger `{name}` fires for the writes of old code to `{table}` at once"))
                .costing(Cost::Lock)
                .proposing(Phase::Expand)
                .advise(PROVE)
        }
        Operation::SwitchTrigger { table, enable } => {
            let phase = if *enable { Phase::Expand } else { Phase::Contract };
            human("P58", format!("whether old code needs the trigger of `{table}` is not in the text"))
                .costing(Cost::Lock)
                .proposing(phase)
                .advise(PROVE)
        }
        Operation::Drop { kind: Kind::Trigger, object, .. } => {
            if context.comes_again(Kind::Trigger, object) {
                return Some(
                    either("P58", format!("the trigger `{object}` is made again in the same file; it is judged there"))
                        .costing(Cost::Lock),
                );
            }
            human("P58", format!("old code may count on what the trigger `{object}` does"))
                .costing(Cost::Lock)
                .proposing(Phase::Contract)
                .advise(PROVE)
        }
        Operation::RowSecurity { .. }
        | Operation::Create { kind: Kind::Policy, .. }
        | Operation::Drop { kind: Kind::Policy, .. } => return security(operation, context),
        Operation::Rule { table } => {
            human("P78", format!("a rule rewrites statements of both versions on `{table}`")).costing(Cost::Lock).advise(PROVE)
        }
        Operation::Drop { kind: Kind::Rule, object, .. } => {
            human("P78", format!("old code may count on what the rule `{object}` rewrites"))
                .costing(Cost::Lock)
                .proposing(Phase::Contract)
                .advise(PROVE)
        }
        _ => return None,
    })
}

/// Who sees which rows.
fn security(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::RowSecurity { table, policy: Some(policy), .. } => {
            human("P59", format!("the policy `{policy}` changes who sees which rows of `{table}`, for both versions"))
                .costing(Cost::Lock)
                .proposing(Phase::Expand)
                .advise("run `halfstep migrations prove` as the application's role")
        }
        Operation::RowSecurity { table, enable, .. } => {
            let why = if *enable {
                format!("rows of `{table}` may vanish for old code, or its writes be refused: what no policy allows is denied")
            } else {
                format!("who sees which rows of `{table}` changes for both versions")
            };
            human("P59", why)
                .costing(Cost::Lock)
                .proposing(Phase::Contract)
                .advise("run `halfstep migrations prove` as the application's role")
        }
        Operation::Create { kind: Kind::Policy, object } => {
            human("P59", format!("the policy `{object}` changes who sees which rows, for both versions"))
                .costing(Cost::Lock)
                .proposing(Phase::Expand)
                .advise("run `halfstep migrations prove` as the application's role")
        }
        Operation::Drop { kind: Kind::Policy, object, .. } => {
            if context.comes_again(Kind::Policy, object) {
                return Some(
                    either("P59", format!("the policy `{object}` is made again in the same file; it is judged there"))
                        .costing(Cost::Lock),
                );
            }
            contract("P59", format!("old code may see rows only thanks to the policy `{object}`"))
                .soft()
                .costing(Cost::Lock)
                .advise("run `halfstep migrations prove` as the application's role")
        }
        _ => return None,
    })
}
