//! Helpers of GitLab, Mastodon, Discourse and the gems for migrations without downtime that do several things at once.
//!
//! What each is to a rollout follows what its makers document: a rename that begins with a second column and triggers is the
//! first half of a split, its clean-up the last. It knows names and no Ruby. Read next: [`super::schema`].

use crate::migration::operation::{Effect, Kind, Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::Value;
use crate::migration::script::walk::Walk;

/// They add beside the old what the new version needs, and keep both in step.
const ADDS: &[&str] = &[
    "rename_column_concurrently",
    "undo_cleanup_concurrent_column_rename",
    "change_column_type_concurrently",
    "undo_cleanup_concurrent_column_type_change",
    "rename_table_safely",
    "undo_finalize_table_rename",
    "initialize_conversion_of_integer_to_bigint",
    "restore_conversion_of_integer_to_bigint",
    "create_temporary_columns_and_triggers",
    "install_rename_triggers",
    "install_bigint_assignment_trigger",
    "install_sharding_key_assignment_trigger",
    "partition_table_by_date",
    "partition_table_by_int_range",
    "partition_table_by_list",
    "partition_table_by_hash",
    "create_hash_partitions",
    "create_list_partitions",
    "create_trigger_to_sync_tables",
    "initialize_column_rename",
    "initialize_columns_rename",
    "revert_finalize_column_rename",
    "initialize_table_rename",
    "revert_finalize_table_rename",
    "initialize_column_type_change",
    "initialize_columns_type_change",
    "add_columns_for_type_change",
];

/// They take away what only the old version uses.
const REMOVES: &[&str] = &[
    "cleanup_concurrent_column_rename",
    "undo_rename_column_concurrently",
    "cleanup_concurrent_column_type_change",
    "undo_change_column_type_concurrently",
    "undo_rename_table_safely",
    "finalize_table_rename",
    "cleanup_conversion_of_integer_to_bigint",
    "revert_initialize_conversion_of_integer_to_bigint",
    "remove_rename_triggers",
    "remove_rename_triggers_for_postgresql",
    "remove_sharding_key_assignment_trigger",
    "drop_trigger_to_sync_tables",
    "drop_partitioned_table_for",
    "drop_nonpartitioned_archive_table",
    "sidekiq_queue_migrate",
    "sidekiq_remove_jobs",
    "finalize_column_rename",
    "finalize_columns_rename",
    "revert_initialize_column_rename",
    "revert_initialize_columns_rename",
    "revert_initialize_table_rename",
    "revert_initialize_column_type_change",
    "revert_initialize_columns_type_change",
    "cleanup_column_type_change",
    "cleanup_columns_type_change",
];

/// Both versions live with them either way.
const NEUTRAL: &[&str] = &[
    "prepare_async_index",
    "prepare_async_index_from_sql",
    "prepare_async_index_removal",
    "prepare_partitioned_async_index",
    "prepare_async_foreign_key_validation",
    "prepare_partitioned_async_foreign_key_validation",
    "prepare_async_check_constraint_validation",
    "prepare_partitioned_async_check_constraint_validation",
    "unprepare_async_index",
    "unprepare_async_index_by_name",
    "unprepare_partitioned_async_index",
    "unprepare_partitioned_async_index_by_name",
    "unprepare_async_foreign_key_validation",
    "unprepare_partitioned_async_foreign_key_validation",
    "unprepare_async_check_constraint_validation",
    "queue_batched_background_migration",
    "delete_batched_background_migration",
    "ensure_batched_background_migration_is_finished",
    "finalize_batched_background_migration",
    "requeue_batched_background_migration",
    "gitlab_schema_for_batched_migration",
    "backfill_conversion_of_integer_to_bigint",
    "revert_backfill_conversion_of_integer_to_bigint",
    "ensure_backfill_conversion_of_integer_to_bigint_is_finished",
    "enqueue_partitioning_data_migration",
    "cleanup_partitioning_data_migration",
    "finalize_backfilling_partitioned_table",
    "queue_background_migration_jobs_by_range_at_intervals",
    "requeue_background_migration_jobs_by_range_at_intervals",
    "queue_background_migration_jobs_range",
    "finalize_background_migration",
    "finalise_background_migration",
    "delete_queued_jobs",
    "delete_job_tracking",
    "migrate_in",
    "migrate_async",
    "bulk_migrate_in",
    "bulk_migrate_async",
    "replace_with_partitioned_table",
    "rollback_replace_with_partitioned_table",
    "swap_columns",
    "swap_columns_default",
    "swap_foreign_keys",
    "swap_partitioned_indexes",
    "swap_primary_key",
    "unswap_primary_key",
    "swap_column_names",
    "finalize_column_type_change",
    "finalize_columns_type_change",
    "revert_finalize_column_type_change",
    "revert_finalize_columns_type_change",
    "backfill_column_for_type_change",
    "backfill_columns_for_type_change",
    "prepare_constraint_for_list_partitioning",
    "revert_preparing_constraint_for_list_partitioning",
    "convert_table_to_first_list_partition",
    "revert_converting_table_to_first_list_partition",
    "copy_indexes",
    "copy_foreign_keys",
    "copy_check_constraints",
    "reset_trigger_function",
    "track_record_deletions",
    "track_record_deletions_override_table_name",
    "untrack_record_deletions",
    "lock_tables",
    "replace_foreign_key",
    "set_lock_timeout",
    "change_column_statistics",
    "backfill_column_in_background",
    "backfill_columns_in_background",
    "copy_column_in_background",
    "copy_columns_in_background",
    "enqueue_background_data_migration",
    "enqueue_background_migration",
    "ensure_background_data_migration_succeeded",
    "ensure_background_migration_succeeded",
    "ensure_background_schema_migration_succeeded",
    "remove_background_data_migration",
    "perform_action_on_relation_in_background",
    "reset_counters_in_background",
    "delete_orphaned_records_in_background",
    "delete_associated_records_in_background",
];

/// All of them, for the tests.
#[cfg(test)]
pub const TABLES: [(&[&str], Effect); 3] = [(ADDS, Effect::Adds), (REMOVES, Effect::Removes), (NEUTRAL, Effect::Neutral)];

/// A helper. `None`: it is none that is known.
pub fn call(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    if dropper(walk, called) {
        return Some(Value::Nil);
    }
    let name = called.name.as_str();
    if name == "update_column_in_batches" || name == "update_columns_in_batches" || name == "update_in_batches" {
        super::rows::update(walk, &called.span, called.table(0, "table"), true, called.words(1, "column"));
        return Some(Value::Nil);
    }
    if matches!(name, "up_migrate_to_setting" | "up_migrate_to_jsonb_setting") {
        let column = called.option("jsonb_column_name").or_else(|| called.option("setting_name"));
        let sets = column.map(Value::names).unwrap_or_default();
        super::rows::update(walk, &called.span, Object::new("application_settings"), true, sets);
        return Some(Value::Nil);
    }
    if name.ends_with("_cascading_namespace_setting") {
        cascading(walk, called);
        return Some(Value::Nil);
    }
    let effect = if ADDS.contains(&name) {
        Effect::Adds
    } else if REMOVES.contains(&name) {
        Effect::Removes
    } else if NEUTRAL.contains(&name) || is_background(called) {
        Effect::Neutral
    } else {
        return None;
    };
    let is_of_table = !name.contains("background_migration") && !name.starts_with("sidekiq_") && !is_background(called);
    let table = called
        .arguments
        .first()
        .or_else(|| called.option("table"))
        .filter(|value| is_of_table && matches!(value, Value::Text { .. }));
    let operation = Operation::Helper { name: name.to_owned(), table: table.map(|name| object(&name.shown())), effect };
    walk.act(&called.span, operation);
    Some(Value::Unknown(name.to_owned()))
}

/// Is it about the jobs of GitLab's background migrations, and not the work of one?
fn is_background(called: &Called) -> bool {
    let is_about = |path: &str| path.contains("BackgroundMigration") || path.contains("BatchedMigration");
    let is_receiver = match &called.receiver {
        Some(Value::Unknown(path)) => is_about(path),
        _ => is_about(&called.path),
    };
    is_receiver && called.is_statement && called.name != "perform" && called.name != "reset_column_information"
}

/// A setting of GitLab that is kept for the whole installation and for each namespace, with a lock beside it.
fn cascading(walk: &mut Walk<'_>, called: &Called) {
    let setting = called.word(0, "setting");
    for table in ["application_settings", "namespace_settings"] {
        for name in [setting.clone(), format!("lock_{setting}")] {
            let table = Object::new(table);
            let operation = if called.name.starts_with("add") {
                let column = super::schema::plain(&name);
                Operation::AddColumn { table, column, if_not_exists: false }
            } else {
                Operation::DropColumn { table, column: name, cascade: false }
            };
            walk.act(&called.span, operation);
        }
    }
}

/// Discourse's classes that drop what was made read-only earlier.
fn dropper(walk: &mut Walk<'_>, called: &Called) -> bool {
    let is_column = called.path.ends_with("ColumnDropper");
    if !is_column && !called.path.ends_with("TableDropper") && !called.path.ends_with("BaseDropper") {
        return false;
    }
    match called.name.as_str() {
        "execute_drop" | "drop" if is_column => {
            let table = called.table(0, "table");
            for column in called.words(1, "columns") {
                walk.act(&called.span, Operation::DropColumn { table: table.clone(), column, cascade: false });
            }
        }
        "execute_drop" | "drop" => {
            for name in called.words(0, "tables") {
                let object = object(&name);
                walk.act(&called.span, Operation::Drop { kind: Kind::Table, object, cascade: false, if_exists: true });
            }
        }
        "drop_readonly" | "create_readonly_function" | "drop_readonly_function" => {
            let operation = Operation::Helper { name: called.full(), table: None, effect: Effect::Neutral };
            walk.act(&called.span, operation);
        }
        // The trigger refuses what the old version writes, unless it was told to stop a version ago: no text tells.
        _ => walk.act(&called.span, Operation::Opaque { what: called.full() }),
    }
    true
}
