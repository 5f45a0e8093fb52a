//! The probes of a table: inserts, updates to each value at a limit, deletes, upserts on each unique index, reading by names;
//! and of a view: reading.

use super::rows::{self, FRESH, Filled, Rows};
use super::shape::{self, Shape};
use super::{Ask, Cell, Fill, Inventory, Kind, Probe, column, listed, quoted};
use crate::migration::catalogue::{Column, Index, Table};
use crate::migration::{Catalogue, Dialect};
use std::collections::BTreeSet;

/// So many values are written into one column, at most.
const MOST_VALUES: usize = 14;

/// What the probes of one table are made from.
struct Bench<'a> {
    catalogue: &'a Catalogue,
    inventory: &'a Inventory,
    rows: &'a Rows,
    name: &'a str,
    table: &'a Table,
    dialect: Dialect,
    loaded: usize,
}

/// All probes of one table or view.
#[must_use]
pub fn table(catalogue: &Catalogue, inventory: &Inventory, rows: &Rows, name: &str) -> Vec<Probe> {
    let Some(table) = catalogue.tables.get(name).filter(|table| !table.columns.is_empty()) else { return Vec::new() };
    let loaded = rows.loaded.get(name).copied().unwrap_or(0);
    let bench = Bench { catalogue, inventory, rows, name, table, dialect: catalogue.dialect, loaded };
    let mut all = vec![bench.select()];
    if rows::is_filled(name, table, inventory) {
        all.extend(bench.inserts());
        all.extend(bench.partitions());
        all.extend(bench.duplicate());
        if loaded > 0 {
            all.extend(bench.updates());
            all.extend(bench.upserts());
            all.extend(bench.deletes());
        }
    }
    all
}

impl Bench<'_> {
    fn probe(&self, kind: Kind, does: String, asks: Vec<Ask>) -> Probe {
        Probe { object: self.name.to_owned(), does, kind, asks }
    }

    fn quoted(&self) -> String {
        quoted(self.dialect, self.name)
    }

    fn shape(&self, column: &Column) -> Shape {
        shape::of(&column.data_type, self.catalogue, self.inventory)
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        self.table.columns.iter().map(|column| column.name.as_str())
    }

    /// Can a write answer what it wrote?
    fn returns(&self, update: bool) -> bool {
        match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => true,
            Dialect::Mysql => !update && self.catalogue.server.contains("MariaDB"),
        }
    }

    fn select(&self) -> Probe {
        let sql = format!("SELECT {} FROM {}", listed(self.dialect, self.columns()), self.quoted());
        let cells = self.table.columns.iter().map(|_| Cell::Read).collect();
        let mut asks = vec![Ask::question(sql, cells)];
        if self.table.is_view {
            return self.probe(Kind::View, "reads all columns by name".to_owned(), asks);
        }
        let count = format!("SELECT count(*) FROM {}", self.quoted());
        asks.push(Ask { sql: count, cells: vec![Cell::Read], as_owner: true });
        self.probe(Kind::Select, "reads all columns by name".to_owned(), asks)
    }

    /// The cells of a row that was written with these values.
    fn cells(&self, written: &[Filled]) -> Vec<Cell> {
        let cell = |described: &Column| {
            if described.generated.is_some() {
                return Cell::Read;
            }
            match written.iter().find(|filled| filled.column == described.name) {
                Some(filled) => Cell::Written { column: filled.column.clone(), value: filled.value.clone() },
                None => Cell::Omitted { column: described.name.clone(), fill: fill(described) },
            }
        };
        self.table.columns.iter().map(cell).collect()
    }

    fn insert_of(&self, row: &[Filled]) -> String {
        let names = listed(self.dialect, row.iter().map(|filled| filled.column.as_str()));
        let values = row.iter().map(|filled| filled.literal.as_str()).collect::<Vec<_>>().join(", ");
        match (row.is_empty(), self.dialect) {
            (true, Dialect::Mysql) => format!("INSERT INTO {} () VALUES ()", self.quoted()),
            (true, Dialect::Postgres | Dialect::Sqlite) => format!("INSERT INTO {} DEFAULT VALUES", self.quoted()),
            (false, _) => format!("INSERT INTO {} ({names}) VALUES ({values})", self.quoted()),
        }
    }

    /// An insert that reads back what it wrote.
    fn insert(&self, row: &[Filled]) -> Ask {
        let sql = self.insert_of(row);
        match self.returns(false) {
            true => Ask::question(format!("{sql} RETURNING {}", listed(self.dialect, self.columns())), self.cells(row)),
            false => Ask::order(sql),
        }
    }

    fn fresh(&self) -> Vec<Filled> {
        self.rows.row(self.catalogue, self.inventory, self.name, FRESH)
    }

    fn inserts(&self) -> Vec<Probe> {
        let fresh = self.fresh();
        let by = |keep: &dyn Fn(&Column) -> bool| {
            let kept = |filled: &&Filled| self.table.column(&filled.column).is_some_and(keep);
            fresh.iter().filter(kept).cloned().collect::<Vec<_>>()
        };
        let given = by(&|described| described.default.is_none() && !described.is_identity);
        let required = by(&|described| described.default.is_none() && !described.is_identity && !described.nullable);
        let mut all = vec![self.probe(Kind::Insert, "inserts a row, all columns named".to_owned(), vec![self.insert(&fresh)])];
        for (row, does) in [
            (&given, "inserts a row, columns with a default left out"),
            (&required, "inserts a row, only columns that must be given"),
        ] {
            all.push(self.probe(Kind::Insert, does.to_owned(), vec![self.insert(row)]));
        }
        // Who may write is not always one who may read.
        let does = "inserts a row and reads nothing back".to_owned();
        all.push(self.probe(Kind::Insert, does, vec![Ask::order(self.insert_of(&given))]));
        all
    }

    /// A row into each partition.
    fn partitions(&self) -> Vec<Probe> {
        let keys = self.inventory.partition_keys.get(self.name).map(Vec::as_slice).unwrap_or_default();
        let [key] = keys else { return Vec::new() };
        let values = rows::key_values(self.catalogue, self.inventory, self.name, key).unwrap_or_default();
        let row = |value: &String| {
            let mut row = self.fresh();
            let filled = row.iter_mut().find(|filled| filled.column == *key)?;
            filled.literal = shape::literal(self.dialect, &Shape::Text(None), Some(value));
            filled.value = Some(value.clone());
            Some(self.probe(Kind::Insert, format!("inserts a row with {key} {value}"), vec![self.insert(&row)]))
        };
        values.iter().take(MOST_VALUES).filter_map(row).collect()
    }

    /// Two rows that are equal in all that no unique key keeps apart.
    fn duplicate(&self) -> Option<Probe> {
        let uniques = self.table.indexes.iter().filter(|index| index.unique).map(|index| index.columns.as_slice());
        let primary = std::iter::once(self.table.primary_key.as_slice());
        let apart: BTreeSet<&String> = uniques.chain(primary).filter_map(<[String]>::last).collect();
        let second = self.rows.row(self.catalogue, self.inventory, self.name, FRESH + 1);
        let fresh = self.fresh();
        if fresh.is_empty() {
            return None;
        }
        let twin: Vec<Filled> = fresh
            .iter()
            .map(|filled| match apart.contains(&filled.column) {
                true => second.iter().find(|other| other.column == filled.column).unwrap_or(filled).clone(),
                false => filled.clone(),
            })
            .collect();
        let asks = vec![Ask::order(self.insert_of(&fresh)), Ask::order(self.insert_of(&twin))];
        Some(self.probe(Kind::Insert, "inserts two rows that differ only in their keys".to_owned(), asks))
    }

    /// The value of a column in a loaded row, as it is written; `None` where it is not known or is NULL.
    fn value(&self, name: &str, n: usize) -> Option<Filled> {
        let described = self.table.column(name)?;
        let shape = self.shape(described);
        let value = match rows::is_given(self.name, described, self.inventory) {
            true => self.rows.value(self.catalogue, self.inventory, self.name, name, n)??,
            false if described.generated.is_some() => return None,
            false => shape.nth(n)?,
        };
        let literal = shape::literal(self.dialect, &shape, Some(&value));
        Some(Filled { column: name.to_owned(), value: Some(value), literal })
    }

    /// The condition that finds loaded row `n`, and the columns that it names.
    fn finds(&self, n: usize) -> Option<(String, Vec<String>)> {
        let equals = |filled: &Filled| format!("{} = {}", column(self.dialect, &filled.column), filled.literal);
        let key: Option<Vec<Filled>> = self.table.primary_key.iter().map(|name| self.value(name, n)).collect();
        let known = key.filter(|key| !key.is_empty()).unwrap_or_else(|| {
            let finding = self.table.columns.iter().filter(|described| self.shape(described).finds_rows());
            finding.filter_map(|described| self.value(&described.name, n)).collect()
        });
        if known.is_empty() {
            return None;
        }
        let condition = known.iter().map(equals).collect::<Vec<_>>().join(" AND ");
        Some((condition, known.into_iter().map(|filled| filled.column).collect()))
    }

    fn updates(&self) -> Vec<Probe> {
        let Some((condition, names)) = self.finds(self.loaded) else { return Vec::new() };
        let mut all = vec![];
        for described in self.table.columns.iter().filter(|c| rows::is_given(self.name, c, self.inventory)) {
            let shape = self.shape(described);
            for value in self.values(described, &shape) {
                let literal = shape::literal(self.dialect, &shape, value.as_deref());
                let name = column(self.dialect, &described.name);
                let update = format!("UPDATE {} SET {name} = {literal} WHERE {condition}", self.quoted());
                let cells = vec![Cell::Written { column: described.name.clone(), value: value.clone() }];
                let asks = match (self.returns(true), value.is_none() && names.contains(&described.name)) {
                    (true, _) => vec![Ask::question(format!("{update} RETURNING {name}"), cells)],
                    (false, true) => vec![Ask::order(update)],
                    (false, false) => {
                        let found = match names.contains(&described.name) {
                            true => format!("{name} = {literal}"),
                            false => condition.clone(),
                        };
                        let read = format!("SELECT {name} FROM {} WHERE {found}", self.quoted());
                        vec![Ask::order(update), Ask::question(read, cells)]
                    }
                };
                let shown = value.as_deref().map_or("NULL".to_owned(), short);
                all.push(self.probe(Kind::Update, format!("writes {shown} into {}", described.name), asks));
            }
        }
        all
    }

    /// What is written into a column: another plain value, those at the limits of its type, literals of its constraints, what
    /// another row holds, NULL.
    fn values(&self, described: &Column, shape: &Shape) -> Vec<Option<String>> {
        let plain = self.value(&described.name, FRESH).and_then(|filled| filled.value);
        let twin = self.value(&described.name, 1).and_then(|filled| filled.value);
        let mut all: Vec<Option<String>> = plain.into_iter().chain(twin).map(Some).collect();
        let refers = self.table.foreign_keys.iter().any(|key| key.columns.contains(&described.name));
        match refers {
            true => all.push(shape.nth(FRESH + 7)),
            false => {
                let mined = rows::constraints(self.catalogue, self.inventory, self.name, described);
                let texts = mined.iter().flat_map(|mined| mined.texts.iter().cloned());
                let numbers = mined.iter().flat_map(|mined| &mined.numbers).flat_map(|n| [*n, n.saturating_add(1)]);
                all.extend(shape.limits().into_iter().map(Some));
                match shape {
                    Shape::Whole { .. } | Shape::Decimal { .. } | Shape::Float(_) => {
                        all.extend(numbers.map(|number| Some(number.to_string())));
                    }
                    _ => all.extend(texts.map(Some)),
                }
            }
        }
        if described.nullable {
            all.insert(0, None);
        }
        let mut seen = BTreeSet::new();
        all.retain(|value| seen.insert(value.clone()));
        all.truncate(MOST_VALUES);
        all
    }

    fn upserts(&self) -> Vec<Probe> {
        let uniques = self.table.indexes.iter().filter(|index| index.unique && index.valid && !index.has_expressions);
        uniques.filter(|index| !index.columns.is_empty()).filter_map(|index| self.upsert(index)).collect()
    }

    fn upsert(&self, index: &Index) -> Option<Probe> {
        let mut row = match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => self.rows.row(self.catalogue, self.inventory, self.name, self.loaded),
            Dialect::Mysql => self.fresh(),
        };
        for name in &index.columns {
            let held = self.value(name, self.loaded)?;
            *row.iter_mut().find(|filled| filled.column == *name)? = held;
        }
        let changed = row.iter().find(|filled| !index.columns.contains(&filled.column)).or(row.first())?;
        let name = column(self.dialect, &changed.column);
        let on = listed(self.dialect, index.columns.iter().map(String::as_str));
        let insert = self.insert_of(&row);
        let predicate = index.predicate.as_deref().map(|text| format!(" WHERE {text}")).unwrap_or_default();
        let asks = match self.dialect {
            Dialect::Postgres | Dialect::Sqlite => {
                vec![Ask::order(format!("{insert} ON CONFLICT ({on}){predicate} DO UPDATE SET {name} = EXCLUDED.{name}"))]
            }
            Dialect::Mysql => vec![
                Ask::order(format!("{insert} ON DUPLICATE KEY UPDATE {name} = VALUES({name})")),
                Ask::question(format!("SELECT count(*) FROM {}", self.quoted()), vec![Cell::Read]),
            ],
        };
        Some(self.probe(Kind::Upsert, format!("upserts on ({})", index.columns.join(", ")), asks))
    }

    fn deletes(&self) -> Vec<Probe> {
        let refers = |other: &Table| other.foreign_keys.iter().any(|key| key.references == self.name);
        let is_referenced = self.catalogue.tables.values().any(refers);
        let numbers = [(self.loaded, "deletes a row"), (1, "deletes a row that others refer to")];
        let delete = |(n, does): (usize, &str)| {
            let (condition, names) = self.finds(n)?;
            let sql = format!("DELETE FROM {} WHERE {condition}", self.quoted());
            let left = format!("SELECT count(*) FROM {} WHERE {condition}", self.quoted());
            let name = names.first()?;
            let order = match self.returns(false) {
                // A delete that finds nothing says nothing.
                true => {
                    let value = self.value(name, n).and_then(|filled| filled.value);
                    let cells = vec![Cell::Written { column: name.clone(), value }];
                    Ask::question(format!("{sql} RETURNING {}", column(self.dialect, name)), cells)
                }
                false => Ask::order(sql),
            };
            Some(self.probe(Kind::Delete, does.to_owned(), vec![order, Ask::question(left, vec![Cell::Read])]))
        };
        numbers.into_iter().take(if is_referenced { 2 } else { 1 }).filter_map(delete).collect()
    }
}

/// A value in a sentence.
fn short(value: &str) -> String {
    let text: String = value.chars().take(24).collect();
    match text.len() < value.len() {
        true => format!("'{text}…' ({} characters)", value.chars().count()),
        false => format!("'{text}'"),
    }
}

/// What the server puts into a column that is left out.
fn fill(described: &Column) -> Fill {
    match described.default.as_deref() {
        _ if described.is_identity => Fill::Computed("a number of its own".to_owned()),
        None => Fill::Nothing,
        Some(default) => {
            let lower = default.to_lowercase();
            let computed = lower.contains('(') || lower.starts_with("current_") || lower.starts_with("local");
            match computed {
                true => Fill::Computed(default.to_owned()),
                false => Fill::Constant(default.to_owned()),
            }
        }
    }
}
