//! What PostgreSQL's recipes share: NOT NULL without a long lock, and copies of all that hangs on a column.

use crate::migration::catalogue::{Column, Index};
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Mark, Script, Statement, Unit, expression, name, shared};

/// Above what takes an exclusive lock: it gives up soon, and is tried again.
pub(super) const LOCK: &str = "SET LOCAL lock_timeout = '500ms'";

/// In one transaction that does not wait long for its locks.
pub(super) fn locked(statements: impl IntoIterator<Item = String>) -> Script {
    Script::together(std::iter::once(LOCK.to_owned()).chain(statements))
}

/// Types without equality: they are compared as text.
const NO_EQUALITY: [&str; 8] = ["json", "xml", "point", "polygon", "line", "pg_node_tree", "txid_snapshot", "pg_snapshot"];

/// Do two expressions of that type differ?
pub(super) fn differ(data_type: &str, one: &str, other: &str) -> String {
    let base = data_type.split(['(', '[', ' ']).next().unwrap_or(data_type);
    if NO_EQUALITY.contains(&base) {
        format!("({one})::text IS DISTINCT FROM ({other})::text")
    } else {
        format!("{one} IS DISTINCT FROM {other}")
    }
}

/// A body between dollars that it does not hold.
pub(super) fn dollar(body: &str) -> String {
    let tag =
        (0..).map(|number| if number == 0 { "$hs$".to_owned() } else { format!("$hs{number}$") }).find(|tag| !body.contains(tag));
    let tag = tag.unwrap_or_default();
    format!("{tag}{body}{tag}")
}

/// An `UPDATE` to walk in batches.
pub(super) fn batch(subject: &Subject, set: &str, condition: &str) -> Result<Statement, Human> {
    let (table, key) = (subject.place(), subject.q(&subject.key()?));
    let sql = format!("UPDATE {table} SET {set} WHERE ({condition})");
    Ok(Statement { mark: Some(Mark::Batch { table, key }), sql })
}

/// The column's type with its collation.
pub(super) fn typed(column: &Column) -> String {
    match &column.collation {
        Some(collation) if collation != "default" => format!("{} COLLATE {}", column.data_type, collated(collation)),
        Some(_) | None => column.data_type.clone(),
    }
}

fn collated(collation: &str) -> String {
    if collation.contains('"') { collation.to_owned() } else { format!("\"{}\"", collation.replace('.', "\".\"")) }
}

/// NOT NULL by a check that is validated without blocking anybody: three units.
pub(super) fn not_null(subject: &Subject, column: &str) -> [Unit; 3] {
    let (table, q) = (subject.place(), subject.q(column));
    let check = subject.q(&subject.own(&format!("hs_{}_{column}_nn", subject.object.name)));
    let add = format!("ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({q} IS NOT NULL) NOT VALID");
    let set =
        [format!("ALTER TABLE {table} ALTER COLUMN {q} SET NOT NULL"), format!("ALTER TABLE {table} DROP CONSTRAINT {check}")];
    [
        Unit::expand("not_null_check", locked([add]))
            .back(locked([format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}")])),
        Unit::expand("not_null_validate", Script::together([format!("ALTER TABLE {table} VALIDATE CONSTRAINT {check}")]))
            .back(Script::nothing("The check goes with the step before.")),
        Unit::expand("not_null", locked(set)).back(locked([format!("ALTER TABLE {table} ALTER COLUMN {q} DROP NOT NULL")])),
    ]
}

/// NOT NULL again, in a way back: the same by statements that each stand alone.
pub(super) fn not_null_again(subject: &Subject, column: &str) -> Script {
    let (table, q) = (subject.place(), subject.q(column));
    let check = subject.q(&subject.own(&format!("hs_{}_{column}_nn", subject.object.name)));
    Script::apart([
        format!("ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({q} IS NOT NULL) NOT VALID"),
        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {check}"),
        format!("ALTER TABLE {table} ALTER COLUMN {q} SET NOT NULL"),
        format!("ALTER TABLE {table} DROP CONSTRAINT {check}"),
    ])
}

/// A second column with the type of the first: comment, statistics and rights with it, nothing that forbids.
pub(super) fn twin(subject: &Subject, column: &Column, new: &str, data_type: &str) -> Vec<String> {
    let (table, q) = (subject.place(), subject.q(new));
    let mut made = vec![format!("ALTER TABLE {table} ADD COLUMN {q} {data_type}")];
    if let Some(comment) = &column.comment {
        made.push(format!("COMMENT ON COLUMN {table}.{q} IS {}", name::literal(subject.dialect, comment)));
    }
    if let Some(target) = column.statistics {
        made.push(format!("ALTER TABLE {table} ALTER COLUMN {q} SET STATISTICS {target}"));
    }
    made.extend(column.grants.iter().filter_map(|grant| granted(subject, grant, &column.name, new)));
    made
}

/// `GRANT SELECT (c) ON t TO r` for another column: only what stands in the parentheses changes.
fn granted(subject: &Subject, grant: &str, column: &str, new: &str) -> Option<String> {
    let tokens = expression::tokens(subject.dialect, grant)?;
    let mut edges = tokens.iter().filter_map(|(token, range)| {
        use sqlparser::tokenizer::Token;
        matches!(token, Token::LParen | Token::RParen).then_some(range)
    });
    let (open, close) = (edges.next()?.end, edges.next()?.start);
    let inside = expression::replaced(subject.dialect, grant.get(open..close)?, column, &subject.q(new))?;
    Some(format!("{}{inside}{}", grant.get(..open)?, grant.get(close..)?.trim_end_matches(';')))
}

/// What was copied from one column to the other.
#[derive(Default)]
pub(super) struct Copied {
    pub units: Vec<Unit>,
    /// Old name, new name, is it a constraint.
    pub indexes: Vec<(Index, String)>,
    pub foreign_keys: Vec<(String, String)>,
    pub checks: Vec<(String, String)>,
}

/// Copies indexes, unique constraints, foreign keys and checks of one column to another; how the copies are called is said by
/// the caller.
pub(super) fn copies(subject: &Subject, column: &str, new: &str, called: &dyn Fn(&str) -> String) -> Result<Copied, Human> {
    let mut copied = Copied::default();
    let (table, q) = (subject.place(), subject.q(new));
    for index in indexes_of(subject, column) {
        let name = subject.free(&called(&index.name));
        copied.units.extend(index_copy(subject, index, column, &q, &name)?);
        copied.indexes.push((index.clone(), name));
    }
    for key in subject.table.foreign_keys.iter().filter(|key| key.columns.iter().any(|one| one == column)) {
        let name = subject.free(&called(&key.name));
        let columns: Vec<String> =
            key.columns.iter().map(|one| if one == column { new.to_owned() } else { one.clone() }).collect();
        let body = format!("FOREIGN KEY ({}) {}", name::list(subject.dialect, &columns), unvalidated(&key.definition));
        copied.units.extend(constraint_copy(&table, "foreign_key", &subject.q(&name), &body, key.validated));
        copied.foreign_keys.push((key.name.clone(), name));
    }
    for check in &subject.table.checks {
        let places = expression::places(subject.dialect, &check.definition, column);
        if places.as_ref().is_some_and(Vec::is_empty) && !check.columns.iter().any(|one| one == column) {
            continue;
        }
        let body = expression::replaced(subject.dialect, unvalidated(&check.definition), column, &q)
            .ok_or_else(|| Human::because(format!("the check {} cannot be read: copy it by hand", check.name)))?;
        let name = subject.free(&called(&check.name));
        copied.units.extend(constraint_copy(&table, "check", &subject.q(&name), &body, check.validated));
        copied.checks.push((check.name.clone(), name));
    }
    Ok(copied)
}

fn unvalidated(definition: &str) -> &str {
    definition.trim().strip_suffix("NOT VALID").unwrap_or(definition).trim()
}

/// The indexes that name the column, in their columns, expressions or condition.
pub(super) fn indexes_of<'a>(subject: &Subject<'a>, column: &str) -> Vec<&'a Index> {
    let names = |index: &&Index| {
        let body = expression::index_parts(subject.dialect, &index.definition).map(|(_, body)| body);
        let written = body.and_then(|body| expression::places(subject.dialect, &body, column));
        index.columns.iter().any(|one| one == column) || written.is_some_and(|places| !places.is_empty())
    };
    subject.table.indexes.iter().filter(|index| index.valid).filter(names).collect()
}

fn index_copy(subject: &Subject, index: &Index, column: &str, new: &str, name: &str) -> Result<Vec<Unit>, Human> {
    let unreadable = || Human::because(format!("the index {} cannot be read: copy it by hand", index.name));
    if index.is_constraint && !index.unique {
        return Err(Human::because(format!(
            "{} is an exclusion constraint, which no database builds without blocking",
            index.name
        )));
    }
    let (_, body) = expression::index_parts(subject.dialect, &index.definition).ok_or_else(unreadable)?;
    let (head, _) = expression::index_parts(subject.dialect, &index.definition).ok_or_else(unreadable)?;
    let body = expression::replaced(subject.dialect, &body, column, new).ok_or_else(unreadable)?;
    let unique = if index.unique { "UNIQUE " } else { "" };
    let build = format!("CREATE {unique}INDEX CONCURRENTLY {} ON {head} {body}", subject.q(name));
    let gone = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", subject.beside(name));
    let mut units = vec![Unit::expand("index", Script::apart([build])).back(Script::apart([gone]))];
    if index.is_constraint {
        let (table, q) = (subject.place(), subject.q(name));
        let add = format!("ALTER TABLE {table} ADD CONSTRAINT {q} UNIQUE USING INDEX {q}");
        let back = locked([format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {q}")]);
        units.push(Unit::expand("unique", locked([add])).back(back));
    }
    Ok(units)
}

fn constraint_copy(table: &str, word: &str, name: &str, body: &str, validated: bool) -> Vec<Unit> {
    let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {body} NOT VALID");
    let back = locked([format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")]);
    let mut units = vec![Unit::expand(word, locked([add])).back(back)];
    if validated {
        let validate = Script::together([format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")]);
        units.push(
            Unit::expand(format!("{word}_validate"), validate).back(Script::nothing("The constraint goes with the step before.")),
        );
    }
    units
}

/// The units that take away indexes of a column before the column goes, each with its way back.
pub(super) fn index_drops(subject: &Subject, indexes: &[&Index]) -> Vec<Unit> {
    let table = subject.place();
    let mut units = vec![];
    for index in indexes {
        let (q, unique) = (subject.q(&index.name), if index.unique { "UNIQUE " } else { "" });
        if index.is_constraint {
            let back = locked([format!("ALTER TABLE {table} ADD CONSTRAINT {q} UNIQUE USING INDEX {q}")]);
            units.push(Unit::drop("unique", locked([format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {q}")])).back(back));
        }
        let gone = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", subject.beside(&index.name));
        let again = expression::index_parts(subject.dialect, &index.definition)
            .map(|(head, body)| format!("CREATE {unique}INDEX CONCURRENTLY {q} ON {head} {body}"));
        let back = again.map_or_else(|| Script::nothing("Make the index again by hand."), |again| Script::apart([again]));
        units.push(Unit::drop("index", Script::apart([gone])).back(back));
    }
    units
}

/// The units that take away foreign keys of a column, each with its way back.
pub(super) fn foreign_key_drops(subject: &Subject, column: &str) -> Vec<Unit> {
    let table = subject.place();
    let keys = subject.table.foreign_keys.iter().filter(|key| key.columns.iter().any(|one| one == column));
    keys.map(|key| {
        let q = subject.q(&key.name);
        let body = format!("FOREIGN KEY ({}) {}", name::list(subject.dialect, &key.columns), unvalidated(&key.definition));
        let mut back = vec![format!("ALTER TABLE {table} ADD CONSTRAINT {q} {body} NOT VALID")];
        back.extend(key.validated.then(|| format!("ALTER TABLE {table} VALIDATE CONSTRAINT {q}")));
        Unit::drop("foreign_key", locked([format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {q}")]))
            .back(Script::apart(back))
    })
    .collect()
}

/// The unit that lets the old column be left out: NOT NULL and checks go. `None` where nothing forbids it.
pub(super) fn relax(subject: &Subject, column: &Column) -> Option<Unit> {
    let (table, q) = (subject.place(), subject.q(&column.name));
    let (mut up, mut back) = (vec![], Script::apart(Vec::<String>::new()));
    for check in &subject.table.checks {
        let places = expression::places(subject.dialect, &check.definition, &column.name);
        if places.is_some_and(|places| !places.is_empty()) {
            let name = subject.q(&check.name);
            up.push(format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"));
            let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {} NOT VALID", unvalidated(&check.definition));
            back.statements.push(add.into());
            if check.validated {
                back.statements.push(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}").into());
            }
        }
    }
    if !column.nullable && column.default.is_none() {
        up.push(format!("ALTER TABLE {table} ALTER COLUMN {q} DROP NOT NULL"));
        back.statements.extend(not_null_again(subject, &column.name).statements);
    }
    (!up.is_empty()).then(|| Unit::detach("relax", locked(up)).back(back))
}

/// The unit that drops the old column, with a way back that brings an empty one.
pub(super) fn column_drop(subject: &Subject, column: &Column) -> Unit {
    let (table, q) = (subject.place(), subject.q(&column.name));
    let filled = column.default.as_deref().filter(|default| !column.nullable && !shared::is_call(default));
    let data_type = match filled {
        Some(default) => format!("{} DEFAULT {default} NOT NULL", typed(column)),
        None => typed(column),
    };
    let mut again = twin(subject, column, &column.name, &data_type);
    if let (Some(default), None) = (&column.default, filled) {
        again.push(format!("ALTER TABLE {table} ALTER COLUMN {q} SET DEFAULT {default}"));
    }
    Unit::drop("column", locked([format!("ALTER TABLE {table} DROP COLUMN {q}")])).back(locked(again))
}
