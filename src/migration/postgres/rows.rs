//! Rows, queries, sessions and transactions.

use super::super::operation::{Object, Operation};
use super::names::{has, holds, named, object, text, tokens, word};
use super::{block, column};
use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Functions whose calls in a `SELECT` change nothing that code sees.
const HARMLESS: &[&str] = &[
    "set_config",
    "count",
    "version",
    "pg_sleep",
    "pg_typeof",
    "max",
    "min",
    "sum",
    "avg",
    "string_agg",
    "array_agg",
    "json_agg",
    "jsonb_agg",
    "row_number",
    "rank",
    "unnest",
    "generate_series",
    "exists",
    "to_regclass",
    "has_table_privilege",
    "pg_get_constraintdef",
    "format",
    "position",
    "regexp_replace",
    "random",
    "gen_random_uuid",
    "extract",
];
/// Functions that set where a sequence goes on.
const SEQUENCES: &[&str] =
    &["setval", "nextval", "currval", "pg_get_serial_sequence", "max", "min", "coalesce", "greatest", "count"];

pub(super) fn read(stmt: &Stmt) -> Option<Vec<Operation>> {
    let node = stmt.syntax();
    let session = |what: &str| vec![Operation::Session { what: what.to_owned() }];
    let transaction = |what: &str| vec![Operation::Transaction { what: what.to_owned() }];
    Some(match stmt {
        Stmt::Insert(_) => changes(node),
        Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) => changes(node),
        Stmt::Select(_) | Stmt::CompoundSelect(_) | Stmt::ParenSelect(_) | Stmt::Values(_) | Stmt::Table(_) => select(node),
        Stmt::Copy(copy) => {
            if holds(node, SyntaxKind::PROGRAM_KW) {
                return Some(vec![Operation::Stray { what: "COPY … PROGRAM".to_owned() }]);
            }
            let table = copy.copy_table().and_then(|table| named(table.syntax(), SyntaxKind::TABLE_NAME_REF));
            match (table, holds(node, SyntaxKind::COPY_FROM)) {
                (Some(table), true) => vec![Operation::Insert { table, idempotent: false }],
                _ => vec![Operation::Read],
            }
        }
        Stmt::Explain(_) | Stmt::Show(_) | Stmt::Fetch(_) | Stmt::Declare(_) | Stmt::Close(_) | Stmt::Move(_) => {
            vec![Operation::Read]
        }
        Stmt::Do(block) => block::read(block).unwrap_or_else(|why| vec![Operation::Opaque { what: why.to_owned() }]),
        Stmt::Call(call) => {
            let name = call.procedure_name_ref().map(|name| object(name.syntax()).to_string()).unwrap_or_default();
            vec![Operation::Opaque { what: format!("CALL {name}") }]
        }
        Stmt::Execute(_) | Stmt::Prepare(_) => vec![Operation::Opaque { what: "a prepared statement".to_owned() }],
        Stmt::Begin(_) => transaction("BEGIN"),
        Stmt::Commit(_) => transaction("COMMIT"),
        Stmt::Rollback(_) => transaction("ROLLBACK"),
        Stmt::SavepointCreate(_) | Stmt::ReleaseSavepoint(_) => transaction("SAVEPOINT"),
        Stmt::PrepareTransaction(_) => transaction("PREPARE TRANSACTION"),
        Stmt::SetTransaction(_) | Stmt::SetConstraints(_) => transaction("SET of a transaction"),
        Stmt::Set(_) | Stmt::Reset(_) => session("SET"),
        Stmt::Deallocate(_) | Stmt::Discard(_) => session("DISCARD"),
        Stmt::Listen(_) | Stmt::Unlisten(_) | Stmt::Notify(_) => session("LISTEN and NOTIFY"),
        Stmt::Load(_) => session("LOAD"),
        Stmt::SetRole(_) | Stmt::ResetRole(_) | Stmt::SetSessionAuth(_) | Stmt::ResetSessionAuth(_) => {
            vec![Operation::Stray { what: "SET ROLE".to_owned() }]
        }
        Stmt::Lock(_) => vec![Operation::Stray { what: "LOCK TABLE".to_owned() }],
        Stmt::Vacuum(vacuum) => {
            let table = named(node, SyntaxKind::PATH_REF).unwrap_or_default();
            if vacuum.full_token().is_some() || text(node).to_ascii_lowercase().contains("full") {
                vec![Operation::RewriteTable { table, what: "VACUUM FULL" }]
            } else {
                vec![Operation::Stray { what: "VACUUM".to_owned() }]
            }
        }
        Stmt::Cluster(_) | Stmt::Repack(_) => {
            let table = named(node, SyntaxKind::TABLE_NAME_REF).unwrap_or_default();
            vec![Operation::RewriteTable { table, what: "CLUSTER" }]
        }
        _ => return None,
    })
}

/// Every insert, update and delete in a statement, those of its `WITH` included.
fn changes(node: &SyntaxNode) -> Vec<Operation> {
    node.descendants().filter_map(|one| change(&one)).collect()
}

fn change(node: &SyntaxNode) -> Option<Operation> {
    // The table comes before anything that could name another one, but for WITH.
    let target = |kind| node.children().find(|child| child.kind() == kind).map(|child| object(&child)).unwrap_or_default();
    let bounded = node.children().any(|child| matches!(child.kind(), SyntaxKind::WHERE_CLAUSE | SyntaxKind::WHERE_CURRENT_OF));
    match node.kind() {
        SyntaxKind::INSERT if is_seed(&text(node)) => Some(Operation::Seed { table: target(SyntaxKind::RELATION_NAME_REF) }),
        SyntaxKind::INSERT => Some(Operation::Insert {
            table: target(SyntaxKind::RELATION_NAME_REF),
            idempotent: has(node, SyntaxKind::ON_CONFLICT_CLAUSE) || text(node).to_ascii_lowercase().contains("not exists"),
        }),
        SyntaxKind::UPDATE => {
            let set = node.children().find(|child| child.kind() == SyntaxKind::SET_CLAUSE);
            let targets = set.iter().flat_map(|set| set.descendants().filter(|one| one.kind() == SyntaxKind::COLUMN_TARGET));
            let sets = targets.filter_map(|target| target.first_child().map(|name| word(&name))).collect();
            Some(Operation::Update { table: target(SyntaxKind::RELATION_NAME), bounded, sets })
        }
        SyntaxKind::DELETE => Some(Operation::Delete { table: target(SyntaxKind::RELATION_NAME), bounded }),
        SyntaxKind::MERGE => {
            let table: Object = target(SyntaxKind::TABLE_RELATION_NAME);
            Some(Operation::Update { table, bounded: true, sets: vec![] })
        }
        _ => None,
    }
}

/// Do the values of an `INSERT` stand in it, and does it leave the rows alone that are there?
pub(super) fn is_seed(insert: &str) -> bool {
    let insert = insert.to_ascii_lowercase();
    insert.contains("values") && !["select", "do update", "with "].iter().any(|word| insert.contains(word))
}

/// A `SELECT` reads, unless a `WITH` of it writes, or it calls a function that could.
fn select(node: &SyntaxNode) -> Vec<Operation> {
    let written = changes(node);
    if !written.is_empty() {
        return written;
    }
    let calls = calls(node);
    if calls.iter().any(|call| call == "setval") && calls.iter().all(|call| SEQUENCES.contains(&call.as_str())) {
        let object = Object::new("sequence");
        return vec![Operation::Tune { kind: super::super::operation::Kind::Sequence, object, what: "where it goes on" }];
    }
    match calls_unknown(node) {
        Some(call) => vec![Operation::Opaque { what: format!("SELECT {call}(…)") }],
        None => vec![Operation::Read],
    }
}

fn calls(node: &SyntaxNode) -> Vec<String> {
    let calls = node.descendants().filter(|one| one.kind() == SyntaxKind::CALL_EXPR);
    calls.filter_map(|call| tokens(&call.first_child()?).last().map(|token| token.text().to_lowercase())).collect()
}

/// The first function in it that could change something.
pub(super) fn calls_unknown(node: &SyntaxNode) -> Option<String> {
    calls(node).into_iter().find(|call| !HARMLESS.contains(&call.as_str()) && !column::is_known(call))
}
