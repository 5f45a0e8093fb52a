//! The pending migrations that halfstep itself runs: in which phase each belongs, as was found or as a person said, and what
//! is gone after contract.
//!
//! A decision counts until its phase has begun: nothing is moved out of what may have run. What statements do is not known
//! here.

use super::plan::Direction;
use super::state::{Contract, State};
use crate::model::{CommandKind, MigrationPhase, PendingMigration, PhaseName, Printable};

impl State {
    /// Where a pending migration belongs by now.
    #[must_use]
    pub fn phase_of(&self, migration: &PendingMigration) -> MigrationPhase {
        self.judged.get(&migration.name).map_or(migration.phase, |(phase, _)| *phase)
    }

    /// Those that somebody has to decide about.
    #[must_use]
    pub fn undecided(&self) -> Vec<&PendingMigration> {
        self.beginning.pending.iter().filter(|one| self.phase_of(one) == MigrationPhase::Undecided).collect()
    }

    /// Has a phase of migrations something to run? Commands of the config always do.
    #[must_use]
    pub fn has_migrations(&self, kind: CommandKind) -> bool {
        let Some(phase) = phase_of_kind(kind) else { return false };
        self.beginning.migrations.contains(&kind)
            && (!self.beginning.own.contains(&kind) || self.pending_in(phase).next().is_some())
    }

    /// The pending migrations of a phase, in order.
    pub fn pending_in(&self, phase: MigrationPhase) -> impl Iterator<Item = &PendingMigration> {
        self.beginning.pending.iter().filter(move |one| self.phase_of(one) == phase)
    }

    /// Why a decision about a migration would be refused.
    pub(super) fn refuse_judging(&self, name: &Printable, phase: MigrationPhase, why: &Printable) -> Option<String> {
        let Some(migration) = self.beginning.pending.iter().find(|one| one.name == *name) else {
            let names: Vec<&str> = self.beginning.pending.iter().map(|one| one.name.as_str()).collect();
            return Some(match names.as_slice() {
                [] => "no migration of this rollout is run by halfstep itself".into(),
                names => format!("no migration {name} is pending; there are {}", names.join(", ")),
            });
        };
        if phase == MigrationPhase::Undecided {
            return Some("say expand or contract".into());
        }
        if why.is_empty() {
            return Some("a decision about a migration needs a reason".into());
        }
        let forward = self.plan.direction == Direction::Forward;
        let begun = self.times.iter().any(|time| time.direction == Direction::Forward && time.name == PhaseName::Expand);
        let was = self.phase_of(migration);
        if self.contract == Contract::Begun || !forward {
            return Some("migrations are run already, or the rollout goes back: nothing is decided any more".into());
        }
        (begun && (was == MigrationPhase::Expand || phase == MigrationPhase::Expand))
            .then(|| "expand has begun: what belongs there is decided before it".into())
    }

    /// What going back meets after contract, in words.
    #[must_use]
    pub fn blocked_by(&self) -> String {
        let gone: Vec<&PendingMigration> = self.pending_in(MigrationPhase::Contract).collect();
        let named = gone.iter().find_map(|one| one.removes.as_ref().map(|what| (one, what)));
        match (named, gone.first()) {
            (Some((one, what)), _) => format!("{} ran {what}", one.name),
            (None, Some(one)) => format!("{} has begun", one.name),
            (None, None) => "migrations that remove have begun".into(),
        }
    }
}

fn phase_of_kind(kind: CommandKind) -> Option<MigrationPhase> {
    match kind {
        CommandKind::Expand => Some(MigrationPhase::Expand),
        CommandKind::Contract => Some(MigrationPhase::Contract),
        CommandKind::Prepare
        | CommandKind::Check
        | CommandKind::RestoreCheck
        | CommandKind::Stop
        | CommandKind::Update
        | CommandKind::Start
        | CommandKind::Restore
        | CommandKind::Restart
        | CommandKind::Quiet => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GateName;
    use crate::model::Verdict;
    use crate::rollout::operate::{self, Enter};
    use crate::rollout::{Beginning, Command, example, gate};

    fn pending(name: &str, phase: MigrationPhase, removes: Option<&str>) -> PendingMigration {
        PendingMigration { name: name.into(), phase, why: "it says so".into(), removes: removes.map(Into::into) }
    }

    /// Before Expand, with these.
    fn state(pending: Vec<PendingMigration>) -> State {
        let migrations: std::collections::BTreeSet<CommandKind> = [CommandKind::Expand, CommandKind::Contract].into();
        example::before(Beginning { own: migrations.clone(), migrations, pending, ..example::beginning() }, PhaseName::Expand)
    }

    fn judge(name: &str, phase: MigrationPhase, why: &str) -> Command {
        Command::Judge { migration: name.into(), phase, why: why.into() }
    }

    #[test]
    fn what_nobody_can_decide_stands_in_the_way_until_a_person_says_so_with_a_reason() {
        let mut state = state(vec![pending("0043.sql", MigrationPhase::Undecided, None)]);
        assert_eq!(gate::read(&state, GateName::Migrations).verdict, Verdict::Fail);
        assert!(matches!(operate::enter(&state), Enter::Waits(_)), "{:?}", operate::enter(&state));
        for (command, why) in [
            (judge("0044.sql", MigrationPhase::Expand, "so"), "there are 0043.sql"),
            (judge("0043.sql", MigrationPhase::Expand, ""), "needs a reason"),
            (judge("0043.sql", MigrationPhase::Undecided, "so"), "expand or contract"),
        ] {
            let refused = operate::refusal(&state, &command).unwrap_or_else(|| panic!("{command} was taken"));
            assert!(refused.contains(why), "{refused}");
        }
        operate::obey(&mut state, &"anna".into(), &judge("0043.sql", MigrationPhase::Expand, "it only fills its own table"));
        assert_eq!(gate::read(&state, GateName::Migrations).verdict, Verdict::Pass);
        assert!(state.has_migrations(CommandKind::Expand) && !state.has_migrations(CommandKind::Contract));
        assert!(matches!(operate::enter(&state), Enter::Begins(PhaseName::Expand, _)));
    }

    #[test]
    fn a_phase_without_a_migration_of_its_own_has_nothing_to_run_and_commands_always_do() {
        let state = state(vec![pending("0041.sql", MigrationPhase::Expand, None)]);
        assert!(state.has_migrations(CommandKind::Expand) && !state.has_migrations(CommandKind::Contract));
        let migrations = [CommandKind::Contract].into();
        let commands = example::before(Beginning { migrations, ..example::beginning() }, PhaseName::Expand);
        assert!(commands.has_migrations(CommandKind::Contract) && !commands.has_migrations(CommandKind::Expand));
    }

    #[test]
    fn nothing_is_moved_out_of_what_may_have_run() {
        let mut state = state(vec![
            pending("0041.sql", MigrationPhase::Expand, None),
            pending("0042.sql", MigrationPhase::Contract, Some("ALTER TABLE users DROP COLUMN name")),
        ]);
        assert_eq!(operate::refusal(&state, &judge("0041.sql", MigrationPhase::Contract, "later")), None);
        state.times.push(crate::rollout::state::PhaseTime {
            direction: Direction::Forward,
            name: PhaseName::Expand,
            began: state.now,
            ended: None,
        });
        for (name, phase) in [("0041.sql", MigrationPhase::Contract), ("0042.sql", MigrationPhase::Expand)] {
            let refused = operate::refusal(&state, &judge(name, phase, "now")).unwrap_or_default();
            assert!(refused.contains("expand has begun"), "{refused}");
        }
        state.contract = Contract::Begun;
        assert_eq!(state.blocked_by(), "0042.sql ran ALTER TABLE users DROP COLUMN name");
        assert!(operate::refusal(&state, &judge("0042.sql", MigrationPhase::Contract, "now")).is_some());
    }
}
