//! The catalogue of MySQL and MariaDB, from `information_schema`: the two differ in how they write defaults, checks and what a
//! view stands on.

use super::{MySession, Session};
use crate::hand::database::SqlError;
use crate::migration::catalogue::{Check, Column, Dependant, ForeignKey, Index, Table, Trigger};
use crate::migration::{Catalogue, Dialect};

const TABLES: &str = "
SELECT table_name, table_type, table_rows, data_length, table_comment, create_options
  FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')";

const COLUMNS: &str = "
SELECT table_name, column_name, column_type, is_nullable, column_default, extra, generation_expression, collation_name,
       column_comment, data_type
  FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position";

const INDEXES: &str = "
SELECT table_name, index_name, non_unique, column_name, index_type, sub_part
  FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index";

const FOREIGN_KEYS: &str = "
SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name,
       r.delete_rule, r.update_rule
  FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
    ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
 WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
 ORDER BY k.table_name, k.constraint_name, k.ordinal_position";

const MARIADB_CHECKS: &str = "
SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()";

const MYSQL_CHECKS: &str = "
SELECT t.table_name, c.constraint_name, c.check_clause
  FROM information_schema.check_constraints c JOIN information_schema.table_constraints t
    ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name
 WHERE c.constraint_schema = DATABASE()";

const TRIGGERS: &str = "
SELECT event_object_table, trigger_name, action_timing, event_manipulation, action_statement
  FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY event_object_table, action_order";

const VIEWS: &str = "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = DATABASE()";

const ROUTINES: &str = "
SELECT routine_name, routine_type, routine_definition FROM information_schema.routines WHERE routine_schema = DATABASE()";

type Cells = Vec<Option<String>>;

fn word(row: &Cells, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

pub(super) async fn read(session: &mut MySession) -> Result<Catalogue, SqlError> {
    let mut catalogue = Catalogue::empty(Dialect::Mysql);
    let version = session.query("SELECT VERSION()", &[]).await?;
    catalogue.server = version.into_iter().flatten().flatten().next().unwrap_or_default();
    for row in session.query(TABLES, &[]).await? {
        let is_view = word(&row, 1) == "VIEW";
        let table = Table {
            is_view,
            is_partitioned: word(&row, 5).contains("partitioned"),
            rows: row.get(2).cloned().flatten().and_then(|rows| rows.parse().ok()),
            bytes: row.get(3).cloned().flatten().and_then(|bytes| bytes.parse().ok()),
            comment: Some(word(&row, 4)).filter(|comment| !comment.is_empty() && !is_view),
            ..Table::default()
        };
        catalogue.tables.insert(word(&row, 0), table);
    }
    for row in session.query(COLUMNS, &[]).await? {
        let is_mariadb = session.is_mariadb;
        if let Some(table) = catalogue.tables.get_mut(&word(&row, 0)) {
            table.columns.push(column(&row, is_mariadb));
        }
    }
    indexes(session, &mut catalogue).await?;
    constraints(session, &mut catalogue).await?;
    for row in session.query(TRIGGERS, &[]).await? {
        let (name, timing, event) = (word(&row, 1), word(&row, 2), word(&row, 3));
        let on = word(&row, 0);
        let definition =
            format!("CREATE TRIGGER {} {timing} {event} ON {} FOR EACH ROW {}", quoted(&name), quoted(&on), word(&row, 4));
        let trigger = Trigger { name, timing, events: vec![event], enabled: true, definition };
        if let Some(table) = catalogue.tables.get_mut(&on) {
            table.triggers.push(trigger);
        }
    }
    hangers_on(session, &mut catalogue).await?;
    Ok(catalogue)
}

fn column(row: &Cells, is_mariadb: bool) -> Column {
    let extra = word(row, 5).to_lowercase();
    let generated = Some(word(row, 6)).filter(|expression| !expression.is_empty());
    let said = row.get(4).cloned().flatten();
    let default = said.and_then(|default| match (is_mariadb, default.as_str()) {
        (true, "NULL") => None,
        (true, _) => Some(default),
        (false, _) if extra.contains("default_generated") => {
            let is_now = default.to_uppercase().starts_with("CURRENT_TIMESTAMP");
            Some(if is_now { default } else { format!("({default})") })
        }
        (false, _) => {
            let kind = word(row, 9).to_lowercase();
            let is_bare = kind.contains("int") || ["decimal", "float", "double", "bit", "year"].contains(&kind.as_str());
            Some(if is_bare { default } else { format!("'{}'", default.replace('\\', "\\\\").replace('\'', "''")) })
        }
    });
    Column {
        name: word(row, 1),
        data_type: word(row, 2),
        nullable: word(row, 3) == "YES",
        default: default.filter(|_| generated.is_none()),
        generated,
        is_identity: extra.contains("auto_increment"),
        collation: row.get(7).cloned().flatten(),
        comment: Some(word(row, 8)).filter(|comment| !comment.is_empty()),
        grants: vec![],
        statistics: None,
    }
}

async fn indexes(session: &mut MySession, catalogue: &mut Catalogue) -> Result<(), SqlError> {
    for row in session.query(INDEXES, &[]).await? {
        let (on, name) = (word(&row, 0), word(&row, 1));
        let Some(table) = catalogue.tables.get_mut(&on) else { continue };
        let at = table.indexes.iter().position(|index| index.name == name).unwrap_or_else(|| {
            let is_primary = name == "PRIMARY";
            let unique = word(&row, 2) == "0";
            let kind = match word(&row, 4).as_str() {
                "FULLTEXT" => "FULLTEXT ",
                "SPATIAL" => "SPATIAL ",
                _ if unique => "UNIQUE ",
                _ => "",
            };
            let definition = format!("CREATE {kind}INDEX {} ON {} (", quoted(&name), quoted(&on));
            let index = Index {
                name: name.clone(),
                unique,
                is_primary,
                is_constraint: is_primary,
                definition,
                valid: true,
                ..Index::default()
            };
            table.indexes.push(index);
            table.indexes.len() - 1
        });
        let index = &mut table.indexes[at];
        let Some(column) = row.get(3).cloned().flatten() else {
            index.has_expressions = true;
            continue;
        };
        let length = row.get(5).cloned().flatten().map(|length| format!("({length})")).unwrap_or_default();
        let comma = if index.columns.is_empty() { "" } else { ", " };
        index.definition.push_str(&format!("{comma}{}{length}", quoted(&column)));
        index.columns.push(column);
    }
    for table in catalogue.tables.values_mut() {
        for index in &mut table.indexes {
            index.definition.push(')');
            if index.is_primary {
                table.primary_key.clone_from(&index.columns);
            }
        }
    }
    Ok(())
}

async fn constraints(session: &mut MySession, catalogue: &mut Catalogue) -> Result<(), SqlError> {
    for row in session.query(FOREIGN_KEYS, &[]).await? {
        let Some(table) = catalogue.tables.get_mut(&word(&row, 0)) else { continue };
        let name = word(&row, 1);
        let at = table.foreign_keys.iter().position(|key| key.name == name).unwrap_or_else(|| {
            // The actions, until the columns are known.
            let definition = format!(" ON DELETE {} ON UPDATE {}", word(&row, 5), word(&row, 6));
            table.foreign_keys.push(ForeignKey {
                name,
                references: word(&row, 3),
                definition,
                validated: true,
                ..ForeignKey::default()
            });
            table.foreign_keys.len() - 1
        });
        table.foreign_keys[at].columns.push(word(&row, 2));
        table.foreign_keys[at].referenced_columns.push(word(&row, 4));
    }
    let mut referenced = vec![];
    for (name, table) in &mut catalogue.tables {
        for key in &mut table.foreign_keys {
            let columns: Vec<String> = key.referenced_columns.iter().map(|column| quoted(column)).collect();
            key.definition = format!("REFERENCES {} ({}){}", quoted(&key.references), columns.join(", "), key.definition);
            let dependant = Dependant {
                kind: "foreign key".to_owned(),
                name: format!("{name}.{}", key.name),
                columns: key.referenced_columns.clone(),
            };
            referenced.push((name.clone(), key.references.clone(), dependant));
        }
    }
    for (from, to, dependant) in referenced.into_iter().filter(|(from, to, _)| from != to) {
        let _ = from;
        if let Some(table) = catalogue.tables.get_mut(&to) {
            table.dependants.push(dependant);
        }
    }
    let checks = if session.is_mariadb { MARIADB_CHECKS } else { MYSQL_CHECKS };
    // Servers before checks were known have no such table.
    for row in session.query(checks, &[]).await.unwrap_or_default() {
        let Some(table) = catalogue.tables.get_mut(&word(&row, 0)) else { continue };
        let clause = word(&row, 2);
        let columns = named_in(&clause, table.columns.iter().map(|column| column.name.as_str()));
        table.checks.push(Check { name: word(&row, 1), definition: format!("CHECK ({clause})"), columns, validated: true });
    }
    Ok(())
}

async fn hangers_on(session: &mut MySession, catalogue: &mut Catalogue) -> Result<(), SqlError> {
    let mut found = vec![];
    for row in session.query(VIEWS, &[]).await? {
        let (view, definition) = (word(&row, 0), word(&row, 1));
        for (name, table) in catalogue.tables.iter().filter(|(name, _)| **name != view) {
            if definition.contains(&format!("`{name}`")) {
                let columns = named_in(&definition, table.columns.iter().map(|column| column.name.as_str()));
                found.push((name.clone(), Dependant { kind: "view".to_owned(), name: view.clone(), columns }));
            }
        }
    }
    for row in session.query(ROUTINES, &[]).await? {
        let (name, kind, body) = (word(&row, 0), word(&row, 1).to_lowercase(), word(&row, 2));
        *catalogue.functions.entry(name.clone()).or_default() += 1;
        for (on, table) in &catalogue.tables {
            if !named_in(&body, [on.as_str()].into_iter()).is_empty() {
                let columns = named_in(&body, table.columns.iter().map(|column| column.name.as_str()));
                found.push((on.clone(), Dependant { kind: kind.clone(), name: name.clone(), columns }));
            }
        }
    }
    for table in catalogue.tables.iter() {
        for column in table.1.columns.iter() {
            let Some(expression) = &column.generated else { continue };
            let columns = named_in(expression, table.1.columns.iter().map(|column| column.name.as_str()));
            found.push((table.0.clone(), Dependant { kind: "generated column".to_owned(), name: column.name.clone(), columns }));
        }
    }
    for (name, dependant) in found {
        if let Some(table) = catalogue.tables.get_mut(&name) {
            table.dependants.push(dependant);
        }
    }
    Ok(())
}

/// Those of the names that stand in the text as a word, in quotes or without.
fn named_in<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let words: std::collections::BTreeSet<String> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    // A name that is more than a word stands in back-ticks; its words are no names of their own there.
    let bare = text.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
    let alone = |name: &str| {
        words.contains(&name.to_lowercase()) && (text.contains(&quoted(name)) || bare.contains(&name.to_lowercase()))
    };
    names.filter(|name| alone(name) || text.contains(&quoted(name))).map(str::to_owned).collect()
}

/// A name in back-ticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_only() {
        let names = ["id", "name", "odd name"];
        assert_eq!(named_in("`t`.`id` > 1 and full_name <> ''", names.into_iter()), ["id"]);
        assert_eq!(named_in("`odd name` = 1", names.into_iter()), ["odd name"]);
    }
}
