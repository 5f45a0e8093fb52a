//! Pending migrations of samples: a rename that is split and under way, one that nobody can decide about, one that removes.

use super::pool;
use halfstep::engine::snapshot::{GateView, MigrationState, Snapshot};
use halfstep::migration::progress::{BatchProgress, Blocker, ContractStep, FileProgress, Progress, StatementProgress, StepState};
use halfstep::migration::{Cost, Phase, Reversible, Source};
use halfstep::model::{GateName, PhaseName, Printable, Verdict};

fn text(said: &str) -> Printable {
    Printable::new(said)
}

fn statement(line: usize, sql: &str, phase: Phase, costs: &[Cost]) -> StatementProgress {
    StatementProgress {
        line,
        text: text(sql),
        row: text("P05"),
        operation: text("add-column"),
        phase,
        costs: costs.to_vec(),
        reversible: Reversible::Yes,
        why: text("the old code does not name it, the new code needs it"),
        advice: text("keep lock_timeout short: it queues behind every open transaction"),
        step: None,
        state: StepState::Pending,
        took_ms: None,
        retries: 0,
        waits_for: vec![],
        batch: None,
        diverged: None,
        error: None,
    }
}

fn file(name: &str, phase: Phase, why: &str, statements: Vec<StatementProgress>) -> FileProgress {
    FileProgress {
        name: text(name),
        phase,
        source: Source::Read,
        why: text(why),
        remarks: vec![],
        state: StepState::Pending,
        statements,
    }
}

/// Before Expand: one file needs a person.
pub fn undecided() -> Snapshot {
    let mut pool = pool(PhaseName::Expand);
    pool.phases[1].state = halfstep::engine::snapshot::PhaseState::ToDo;
    pool.pending = progress();
    pool.gates = vec![GateView {
        name: GateName::Migrations,
        verdict: Verdict::Fail,
        text: text("a person has to decide about 0043_touch.sql: human: DO runs what the text does not tell"),
    }];
    pool.prompt.enter = text("");
    pool.prompt.waiting_for = Some(pool.gates[0].text.clone());
    pool
}

/// In Expand: a column is there, its backfill is under way and waits for a lock.
pub fn expanding() -> Snapshot {
    let mut pool = pool(PhaseName::Expand);
    let mut progress = progress();
    progress.files.remove(2);
    let first = &mut progress.files[0];
    first.state = StepState::Done;
    for one in &mut first.statements {
        one.state = StepState::Done;
        one.took_ms = Some(12.0);
    }
    let second = &mut progress.files[1];
    second.state = StepState::Running;
    let one = &mut second.statements[0];
    one.state = StepState::Running;
    one.retries = 2;
    one.waits_for =
        vec![Blocker { id: text("4711"), who: text("report"), query: text("SELECT count(*) FROM users"), seconds: 12 }];
    one.batch = Some(BatchProgress {
        rows_done: 1_204_331,
        rows_total: Some(2_000_000),
        rows_a_second: 49_900.0,
        seconds_left: Some(16.0),
        size: 2_000,
    });
    pool.pending = progress;
    pool.migrations[0].state = MigrationState::Running;
    pool
}

fn progress() -> Progress {
    let add = statement(3, "ALTER TABLE users ADD COLUMN full_name text", Phase::Expand, &[Cost::Lock]);
    let trigger = statement(
        5,
        "CREATE TRIGGER zz_hs_users_name_sync BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION hs_users_name_sync()",
        Phase::Expand,
        &[Cost::Lock],
    );
    let copy =
        statement(4, "UPDATE users SET full_name = name WHERE (full_name IS DISTINCT FROM name)", Phase::Expand, &[Cost::Bulk]);
    let opaque = statement(1, "DO $$ BEGIN PERFORM touch_all(); END $$", Phase::Human, &[]);
    let drop = StatementProgress {
        step: Some(ContractStep::Drop),
        reversible: Reversible::DataLoss,
        ..statement(3, "ALTER TABLE users DROP COLUMN name", Phase::Contract, &[Cost::Lock])
    };
    let mut doubtful =
        file("0043_touch.sql", Phase::Human, "DO runs what the text does not tell: prove it, or say when it runs", vec![opaque]);
    doubtful.remarks = vec![text("the mark phase=expand has no reason beside it")];
    Progress {
        tool: text("sqlx"),
        database: text("postgres://app@db1:5432/shop"),
        config: "halfstep.toml".into(),
        files: vec![
            file("0041_full_name_1_column.up.sql", Phase::Expand, "adds what the old code does not name", vec![add, trigger]),
            file(
                "0041_full_name_2_backfill.up.sql",
                Phase::Expand,
                "copies into a column that only the new code reads",
                vec![copy],
            ),
            doubtful,
            file("0042_full_name_3_drop.up.sql", Phase::Contract, "takes away what the old code reads", vec![drop]),
        ],
        remarks: vec![],
        written_ms: 1_750_000_199_000,
    }
}
