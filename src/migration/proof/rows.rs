//! Rows to fill tables with: what each column holds in row `n`, foreign keys and unique keys respected.
//!
//! The same number gives the same row, whichever side it is written on. Which way of filling a column the database takes is
//! found out by `migrate::prove` and kept here.

use super::candidates::{self, How, Mined};
use super::shape::{self, Shape};
use super::{Inventory, column, quoted};
use crate::migration::Catalogue;
use crate::migration::catalogue::{Check, Column, ForeignKey, Table};
use std::collections::{BTreeMap, BTreeSet};

/// So many rows a table gets, at most.
pub const MOST_ROWS: usize = 200;

/// The number of a row that no loaded row has.
pub const FRESH: usize = 100_001;

/// Deeper than this no chain of foreign keys is followed.
const DEEPEST: usize = 12;

/// How tables are filled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// What was found to work, by table and column; what is not named is [`How::Nth`].
    pub hows: BTreeMap<(String, String), How>,
    /// How many rows each table holds.
    pub loaded: BTreeMap<String, usize>,
    /// Where sequences go on from, next time: past what triggers have taken while rows were loaded.
    pub sequences: u32,
}

/// One column with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    pub column: String,
    pub value: Option<String>,
    pub literal: String,
}

/// The tables in an order in which they can be filled: a referenced one first, as far as that is possible.
#[must_use]
pub fn order(catalogue: &Catalogue, inventory: &Inventory) -> Vec<String> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut order = vec![];
    let mut open: Vec<&String> =
        catalogue.tables.iter().filter(|(name, table)| is_filled(name, table, inventory)).map(|(name, _)| name).collect();
    while !open.is_empty() {
        let known: BTreeSet<&str> = open.iter().map(|name| name.as_str()).collect();
        let waits = |name: &str| {
            let keys = catalogue.tables.get(name).map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
            keys.iter().any(|key| {
                key.references != name && known.contains(key.references.as_str()) && !done.contains(key.references.as_str())
            })
        };
        let (mut ready, later): (Vec<&String>, Vec<&String>) = open.iter().partition(|name| !waits(name));
        let mut later = later;
        if ready.is_empty() {
            ready.push(later.remove(0));
        }
        done.extend(ready.iter().map(|name| name.as_str()));
        order.extend(ready.into_iter().cloned());
        open = later;
    }
    order
}

/// A table that rows are written to: no view, no partition (they are filled through the table that they are part of).
#[must_use]
pub fn is_filled(name: &str, table: &Table, inventory: &Inventory) -> bool {
    !table.is_view && !inventory.foreign_tables.contains(name) && !inventory.partitions.contains_key(name)
}

/// May code give a value for it?
#[must_use]
pub fn is_given(table: &str, column: &Column, inventory: &Inventory) -> bool {
    column.generated.is_none() && !inventory.always.contains(&(table.to_owned(), column.name.clone()))
}

impl Rows {
    /// How a column is filled.
    #[must_use]
    pub fn how(&self, table: &str, column: &str) -> How {
        self.hows.get(&(table.to_owned(), column.to_owned())).cloned().unwrap_or(How::Nth)
    }

    /// The value of a column in row `n`; the outer `None`: the column is left to the server.
    #[must_use]
    pub fn value(
        &self,
        catalogue: &Catalogue,
        inventory: &Inventory,
        table: &str,
        column: &str,
        n: usize,
    ) -> Option<Option<String>> {
        self.deep(catalogue, inventory, table, column, n, 0)
    }

    fn deep(
        &self,
        catalogue: &Catalogue,
        inventory: &Inventory,
        table: &str,
        column: &str,
        n: usize,
        depth: usize,
    ) -> Option<Option<String>> {
        let definition = catalogue.tables.get(table)?;
        let described = definition.column(column)?;
        let how = self.how(table, column);
        if how == How::Omitted {
            return None;
        }
        // Some of the loaded rows hold NULL where they may.
        if how == How::Nth && depth == 0 && n <= MOST_ROWS && n % 7 == 3 && described.nullable {
            return Some(None);
        }
        if how == How::Nth
            && depth < DEEPEST
            && let Some((key, parent)) = key_of(definition, column)
        {
            if key.references == table {
                return match described.nullable {
                    true => Some(None),
                    false => self.deep(catalogue, inventory, table, parent, n, depth + 1),
                };
            }
            if !catalogue.tables.contains_key(&key.references) {
                return Some(None);
            }
            let rows = self.loaded.get(&key.references).copied().unwrap_or(0);
            if rows == 0 && described.nullable {
                return Some(None);
            }
            return self.deep(catalogue, inventory, &key.references, parent, parent_row(n, rows), depth + 1);
        }
        Some(how.value(&shape::of(&described.data_type, catalogue, inventory), n))
    }

    /// All columns that can be given, in row `n`.
    #[must_use]
    pub fn row(&self, catalogue: &Catalogue, inventory: &Inventory, table: &str, n: usize) -> Vec<Filled> {
        let Some(definition) = catalogue.tables.get(table) else { return Vec::new() };
        let given = definition.columns.iter().filter(|column| is_given(table, column, inventory));
        given
            .filter_map(|described| {
                let value = self.value(catalogue, inventory, table, &described.name, n)?;
                let shape = shape::of(&described.data_type, catalogue, inventory);
                let literal = shape::literal(catalogue.dialect, &shape, value.as_deref());
                Some(Filled { column: described.name.clone(), value, literal })
            })
            .collect()
    }

    /// A row for loading: as [`Rows::row`], with those columns too that only the server gives otherwise, so that its key is known.
    #[must_use]
    pub fn load(
        &self,
        catalogue: &Catalogue,
        inventory: &Inventory,
        table: &str,
        numbers: std::ops::RangeInclusive<usize>,
    ) -> Option<String> {
        let definition = catalogue.tables.get(table)?;
        let dialect = catalogue.dialect;
        let forced: Vec<&Column> =
            definition.columns.iter().filter(|c| c.generated.is_none() && !is_given(table, c, inventory)).collect();
        let mut names: Vec<String> = vec![];
        let mut values = vec![];
        for n in numbers {
            let mut row = self.row(catalogue, inventory, table, n);
            for described in &forced {
                let shape = shape::of(&described.data_type, catalogue, inventory);
                let value = shape.nth(n);
                let literal = shape::literal(dialect, &shape, value.as_deref());
                row.push(Filled { column: described.name.clone(), value, literal });
            }
            names = row.iter().map(|filled| column(dialect, &filled.column)).collect();
            values.push(format!("({})", row.iter().map(|filled| filled.literal.as_str()).collect::<Vec<_>>().join(", ")));
        }
        if names.is_empty() {
            return None;
        }
        let overriding = if forced.is_empty() { "" } else { " OVERRIDING SYSTEM VALUE" };
        Some(format!("INSERT INTO {} ({}){overriding} VALUES {}", quoted(dialect, table), names.join(", "), values.join(", ")))
    }

    /// How many rows a table gets: fewer where a unique key is a foreign key as well, so that free parents stay.
    #[must_use]
    pub fn wanted(&self, catalogue: &Catalogue, table: &str) -> usize {
        let Some(definition) = catalogue.tables.get(table) else { return 0 };
        let mut most = MOST_ROWS;
        for index in definition.indexes.iter().filter(|index| index.unique) {
            for key in &definition.foreign_keys {
                if index.columns.iter().all(|column| key.columns.contains(column)) && key.references != table {
                    most = most.min(self.loaded.get(&key.references).copied().unwrap_or(0) / 2);
                }
            }
        }
        most
    }

    /// The columns that may be why a row was refused, each with what to try: those of a constraint that the message names,
    /// else those of all checks and of types that are not known.
    #[must_use]
    pub fn suspects(&self, catalogue: &Catalogue, inventory: &Inventory, table: &str, message: &str) -> Vec<(String, Vec<How>)> {
        let Some(definition) = catalogue.tables.get(table) else { return Vec::new() };
        let named = |check: &&Check| message.contains(&check.name) || message.contains(&check.definition);
        let mut columns: BTreeSet<&str> =
            definition.checks.iter().filter(named).flat_map(|check| check.columns.iter().map(String::as_str)).collect();
        if columns.is_empty() {
            columns.extend(
                definition
                    .columns
                    .iter()
                    .filter(|c| message.contains(&c.name) || c.data_type.len() > 2 && message.contains(&c.data_type))
                    .map(|c| c.name.as_str()),
            );
        }
        if columns.is_empty() {
            columns.extend(definition.checks.iter().flat_map(|check| check.columns.iter().map(String::as_str)));
            let unknown = definition.columns.iter().filter(|c| shape::of(&c.data_type, catalogue, inventory) == Shape::Unknown);
            columns.extend(unknown.map(|c| c.name.as_str()));
        }
        let tried = |name: &str| {
            let described = definition.column(name).filter(|described| is_given(table, described, inventory))?;
            let mined = constraints(catalogue, inventory, table, described);
            let shape = shape::of(&described.data_type, catalogue, inventory);
            let defaulted = described.default.is_some() || described.is_identity;
            let mut all = candidates::of(&shape, described.nullable, defaulted, &mined);
            if let Some(bounds) = key_values(catalogue, inventory, table, name) {
                all.splice(1..1, bounds.into_iter().map(How::Fixed));
            }
            Some((name.to_owned(), all))
        };
        columns.into_iter().filter_map(tried).collect()
    }
}

/// The literals in all constraints on a column, those of its domain too.
#[must_use]
pub fn constraints(catalogue: &Catalogue, inventory: &Inventory, table: &str, described: &Column) -> Vec<Mined> {
    let checks = catalogue.tables.get(table).map(|table| table.checks.as_slice()).unwrap_or_default();
    let mine = |text: &String| candidates::mined(catalogue.dialect, text);
    let of_table = checks.iter().filter(|check| check.columns.contains(&described.name)).map(|check| mine(&check.definition));
    let of_domain = inventory.domains.get(&described.data_type).into_iter().flat_map(|domain| domain.checks.values()).map(mine);
    of_table.chain(of_domain).collect()
}

/// For a column of a partition key: values that lie in a partition, one for each, from its bounds.
#[must_use]
pub fn key_values(catalogue: &Catalogue, inventory: &Inventory, table: &str, name: &str) -> Option<Vec<String>> {
    let at = inventory.partition_keys.get(table)?.iter().position(|key| key == name)?;
    let bounds = inventory.partitions.values().filter(|partition| partition.of == table);
    let values = bounds.filter_map(|partition| {
        let mined = candidates::mined(catalogue.dialect, &partition.bounds);
        mined.texts.get(at).cloned().or_else(|| mined.numbers.get(at).map(ToString::to_string))
    });
    Some(values.collect())
}

/// The foreign key that fills a column, the widest of those that hold it, and the column that it takes its value from.
fn key_of<'a>(table: &'a Table, column: &str) -> Option<(&'a ForeignKey, &'a str)> {
    let holding = table.foreign_keys.iter().filter_map(|key| {
        let at = key.columns.iter().position(|name| name == column)?;
        Some((key, key.referenced_columns.get(at)?.as_str()))
    });
    holding.max_by_key(|(key, _)| key.columns.len())
}

/// Loaded rows refer to the first half of their parents, one each; fresh ones to the second half, whose rows nobody refers to.
fn parent_row(n: usize, rows: usize) -> usize {
    let half = (rows / 2).max(1);
    match n {
        n if n <= MOST_ROWS => 1 + n.saturating_sub(1) % half,
        n => (1 + half + n.saturating_sub(FRESH) % (rows - rows / 2).max(1)).min(rows.max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Dialect;

    fn shop() -> Catalogue {
        let mut shop = Catalogue::empty(Dialect::Postgres);
        let column =
            |name: &str, data_type: &str| Column { name: name.to_owned(), data_type: data_type.to_owned(), ..Column::default() };
        let users = Table {
            columns: vec![column("id", "integer"), column("name", "text")],
            primary_key: vec!["id".to_owned()],
            ..Table::default()
        };
        let key = ForeignKey {
            columns: vec!["user_id".to_owned()],
            references: "users".to_owned(),
            referenced_columns: vec!["id".to_owned()],
            ..ForeignKey::default()
        };
        let orders = Table {
            columns: vec![column("id", "integer"), column("user_id", "integer")],
            foreign_keys: vec![key],
            ..Table::default()
        };
        shop.tables.insert("orders".to_owned(), orders);
        shop.tables.insert("users".to_owned(), users);
        shop
    }

    #[test]
    fn referenced_tables_come_first_and_rows_refer_to_rows_that_are_there() {
        let (shop, inventory) = (shop(), Inventory::default());
        assert_eq!(order(&shop, &inventory), ["users", "orders"]);
        let rows = Rows { loaded: [("users".to_owned(), 200)].into(), ..Rows::default() };
        for n in (1..=200).chain([FRESH, FRESH + 1]) {
            let value =
                rows.value(&shop, &inventory, "orders", "user_id", n).flatten().and_then(|text| text.parse::<usize>().ok());
            assert!(value.is_some_and(|value| (1..=200).contains(&value) && (value <= 100) == (n <= 200)), "{n}: {value:?}");
        }
        assert_eq!(
            rows.load(&shop, &inventory, "orders", 1..=2).as_deref(),
            Some("INSERT INTO \"orders\" (\"id\", \"user_id\") VALUES ('1', '1'), ('2', '2')")
        );
    }

    #[test]
    fn a_circle_of_foreign_keys_ends() {
        let mut shop = shop();
        let back = ForeignKey {
            columns: vec!["id".to_owned()],
            references: "orders".to_owned(),
            referenced_columns: vec!["user_id".to_owned()],
            ..ForeignKey::default()
        };
        shop.tables.get_mut("users").expect("a table").foreign_keys.push(back);
        assert_eq!(order(&shop, &Inventory::default()).len(), 2);
        let rows = Rows::default();
        assert!(rows.value(&shop, &Inventory::default(), "orders", "user_id", 1).is_some());
    }
}
