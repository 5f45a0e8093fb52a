//! What is known when a statement is judged: what the statements before it made and changed, what comes after it in its
//! file, and what the live database holds.
//!
//! Two kinds of knowledge, and the difference matters. *Known* is a fact about the schema: this column is NOT NULL. *Fresh*
//! means that neither version in service has ever used it, since the same pending set made it: whatever is done to it harms
//! nobody. [`Context::settle`] turns fresh into known, where files are a history and not one pending set.
//!
//! It knows no rules. Read next: [`facts`] (what one statement changes in here), then [`super::judge()`].

mod facts;

use super::catalogue::{self, Catalogue};
use super::operation::{self, ConstraintKind, Fill, Kind, Object, Operation};
use std::collections::{HashMap, HashSet};

/// A table with fewer rows is judged to cost only its lock: reading or writing it anew takes less than a moment.
const SMALL_ROWS: u64 = 10_000;

/// What is known. It is walked along with the statements: [`Context::foresee`] a file, then judge and [`Context::after`]
/// one operation after the other.
#[derive(Debug, Clone, Default)]
pub struct Context<'a> {
    catalogue: Option<&'a Catalogue>,
    /// Did everything that there is come from the statements before?
    knows_all: bool,
    tables: HashMap<String, Table>,
    things: HashMap<(Family, String), Thing>,
    indexes: HashMap<String, Index>,
    dropped_indexes: HashMap<String, Index>,
    /// Types that were created as domains.
    domains: HashSet<String>,
    ahead: Ahead,
}

/// What comes later in the same file.
#[derive(Debug, Clone, Default)]
struct Ahead {
    /// How many creations of that name are still to come.
    created: HashMap<(Family, String), usize>,
    /// Columns, and tables as a whole, on which something is tightened in the file.
    tightened: HashSet<(String, Option<String>)>,
}

#[derive(Debug, Clone, Default)]
struct Table {
    fresh: bool,
    dropped: bool,
    /// Are all of its columns and constraints among these, since the set made it?
    is_whole: bool,
    columns: HashMap<String, Column>,
    constraints: HashMap<String, Constraint>,
    /// Constraints dropped in the pending set, by their names and by their columns, with the condition where it was known.
    dropped_constraints: HashMap<String, Option<String>>,
}

/// What is known of a column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// Made in the same pending set.
    pub fresh: bool,
    pub data_type: Option<String>,
    pub nullable: Option<bool>,
    /// As written; empty text: there is none.
    pub default: Option<String>,
    /// The server fills it: identity, serial, generated.
    pub is_filled: bool,
}

/// What is known of a constraint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraint {
    pub fresh: bool,
    pub kind: ConstraintKind,
    pub columns: Vec<String>,
    pub not_null_of: Option<String>,
    pub condition: Option<String>,
    pub validated: bool,
}

/// What is known of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    pub fresh: bool,
    pub table: String,
    pub unique: bool,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Thing {
    fresh: bool,
    dropped: bool,
}

/// Kinds that share one space of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Family {
    Relation,
    Type,
    Function,
    Trigger,
    Policy,
    Index,
    Constraint,
    Other(Kind),
}

fn family(kind: Kind) -> Family {
    match kind {
        Kind::Table | Kind::View | Kind::MaterializedView | Kind::Sequence => Family::Relation,
        Kind::Enum | Kind::Type | Kind::Domain => Family::Type,
        Kind::Function => Family::Function,
        Kind::Trigger => Family::Trigger,
        Kind::Policy => Family::Policy,
        Kind::Index => Family::Index,
        Kind::Schema
        | Kind::Extension
        | Kind::Rule
        | Kind::Publication
        | Kind::Subscription
        | Kind::Role
        | Kind::Database
        | Kind::Statistics
        | Kind::Event
        | Kind::Other => Family::Other(kind),
    }
}

impl<'a> Context<'a> {
    /// Nothing is known but what a live database says.
    #[must_use]
    pub fn new(catalogue: Option<&'a Catalogue>) -> Context<'a> {
        Context { catalogue, ..Context::default() }
    }

    /// The same, where the statements that will be walked are all that the database ever saw.
    #[must_use]
    pub fn knowing_all(self) -> Context<'a> {
        Context { knows_all: true, ..self }
    }

    /// Forgets that anything is fresh, and keeps what is known of it.
    pub fn settle(&mut self) {
        for table in self.tables.values_mut() {
            table.fresh = false;
            table.dropped_constraints.clear();
            table.columns.values_mut().for_each(|column| column.fresh = false);
            table.constraints.values_mut().for_each(|constraint| constraint.fresh = false);
        }
        self.things.values_mut().for_each(|thing| *thing = Thing { fresh: false, ..*thing });
        self.indexes.values_mut().for_each(|index| index.fresh = false);
        self.dropped_indexes.clear();
    }

    /// Was the table made in the pending set, and is it not a new one under the name of an old one?
    #[must_use]
    pub fn is_fresh_table(&self, table: &Object) -> bool {
        self.tables.get(&table.key()).is_some_and(|known| known.fresh && !known.dropped)
    }

    /// Was the column made in the pending set?
    #[must_use]
    pub fn is_fresh_column(&self, table: &Object, column: &str) -> bool {
        self.tables.get(&table.key()).is_some_and(|known| {
            known.fresh && !known.dropped || known.columns.get(&column.to_lowercase()).is_some_and(|column| column.fresh)
        })
    }

    /// Were all of them made in the pending set? No columns at all: not known, so no.
    #[must_use]
    pub fn are_fresh_columns(&self, table: &Object, columns: &[String]) -> bool {
        !columns.is_empty() && columns.iter().all(|column| self.is_fresh_column(table, column))
    }

    /// Is one of them made in the pending set, and left NULL by old code? Rows with a NULL break no unique key and no foreign key.
    #[must_use]
    pub fn leaves_null(&self, table: &Object, columns: &[String]) -> bool {
        columns
            .iter()
            .filter_map(|column| self.column(table, column))
            .any(|known| known.fresh && known.nullable == Some(true) && known.has_default() == Some(false) && !known.is_filled)
    }

    /// Was the view, type, function… made in the pending set?
    #[must_use]
    pub fn is_fresh(&self, kind: Kind, object: &Object) -> bool {
        (family(kind) == Family::Relation && self.is_fresh_table(object))
            || self.things.get(&(family(kind), object.key())).is_some_and(|thing| thing.fresh && !thing.dropped)
    }

    /// Is something of that kind and name made later in the same file? Of triggers and policies the name alone counts.
    #[must_use]
    pub fn comes_again(&self, kind: Kind, object: &Object) -> bool {
        let key = match kind {
            Kind::Trigger | Kind::Policy => object.name.to_lowercase(),
            _ => object.key(),
        };
        self.ahead.created.get(&(family(kind), key)).is_some_and(|count| *count > 0)
    }

    /// Is a constraint of that name made later in the same file?
    #[must_use]
    pub fn constraint_comes_again(&self, table: &Object, name: &str) -> bool {
        let name = constraint_name(table, name);
        self.ahead.created.get(&(Family::Constraint, name)).is_some_and(|count| *count > 0)
    }

    /// Was something of that kind and name, which was there before, dropped earlier in the pending set?
    #[must_use]
    pub fn was_dropped(&self, kind: Kind, object: &Object) -> bool {
        let key = object.key();
        self.things.get(&(family(kind), key.clone())).is_some_and(|thing| thing.dropped)
            || (family(kind) == Family::Relation && self.tables.get(&key).is_some_and(|table| table.dropped))
    }

    /// Was a constraint of that name, or a foreign key of these columns, dropped earlier in the pending set?
    #[must_use]
    pub fn constraint_was_dropped(&self, table: &Object, name: Option<&str>, columns: &[String]) -> bool {
        let Some(known) = self.tables.get(&table.key()) else { return false };
        name.is_some_and(|name| known.dropped_constraints.contains_key(&name.to_lowercase()))
            || (!columns.is_empty() && known.dropped_constraints.contains_key(&facts::columns_key(columns)))
    }

    /// The condition of a check that was dropped earlier in the pending set.
    #[must_use]
    pub fn dropped_condition(&self, table: &Object, name: &str) -> Option<&str> {
        self.tables.get(&table.key())?.dropped_constraints.get(&name.to_lowercase())?.as_deref()
    }

    /// Is something tightened later in the file: a column made NOT NULL, a constraint or unique index over it (`column`), or
    /// over anything of that table (`None`)?
    #[must_use]
    pub fn is_tightened(&self, table: &Object, column: Option<&str>) -> bool {
        self.ahead.tightened.contains(&(table.key(), column.map(str::to_lowercase)))
    }

    /// What is known of a column, from the pending set and before it from the database.
    #[must_use]
    pub fn column(&self, table: &Object, column: &str) -> Option<Column> {
        if let Some(known) = self.tables.get(&table.key()).and_then(|table| table.columns.get(&column.to_lowercase())) {
            return Some(known.clone());
        }
        let table = self.catalogue?.table(&table.key())?;
        let found = table.columns.iter().find(|one| one.name.eq_ignore_ascii_case(column))?;
        Some(Column {
            fresh: false,
            data_type: Some(found.data_type.clone()),
            nullable: Some(found.nullable),
            default: Some(found.default.clone().unwrap_or_default()),
            is_filled: found.is_identity || found.generated.is_some(),
        })
    }

    /// All columns of a table, by their names in lower case, where all are known.
    #[must_use]
    pub fn columns(&self, table: &Object) -> Option<Vec<(String, Column)>> {
        let known = self.tables.get(&table.key());
        if let Some(known) = known
            && (known.is_whole || known.dropped)
        {
            return known.is_whole.then(|| known.columns.iter().map(|(name, column)| (name.clone(), column.clone())).collect());
        }
        let live = self.live(table)?;
        let names = live.columns.iter().map(|column| column.name.to_lowercase());
        let added = known.into_iter().flat_map(|known| known.columns.keys().cloned());
        let names: std::collections::BTreeSet<String> = names.chain(added).collect();
        Some(names.into_iter().filter_map(|name| self.column(table, &name).map(|column| (name, column))).collect())
    }

    /// Has the table a constraint of that kind over these columns, or of that name? `None`: not known.
    #[must_use]
    pub fn has_constraint(&self, table: &Object, wanted: &operation::Constraint) -> Option<bool> {
        if wanted.name.as_ref().is_some_and(|name| self.constraint(table, name).is_some()) {
            return Some(true);
        }
        let columns = facts::columns_key(&wanted.columns);
        let is_it = |kind: ConstraintKind, named: &[String]| kind == wanted.kind && facts::columns_key(named) == columns;
        if let Some(known) = self.tables.get(&table.key())
            && known.is_whole
        {
            return Some(known.constraints.values().any(|constraint| is_it(constraint.kind, &constraint.columns)));
        }
        let live = self.live(table)?;
        let is_unique = |index: &catalogue::Index| {
            index.unique
                && is_it(if index.is_primary { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique }, &index.columns)
        };
        Some(
            live.foreign_keys.iter().any(|key| is_it(ConstraintKind::ForeignKey, &key.columns))
                || live.indexes.iter().any(is_unique)
                || live.checks.iter().any(|check| is_it(ConstraintKind::Check, &check.columns))
                || is_it(ConstraintKind::PrimaryKey, &live.primary_key),
        )
    }

    /// What is known of a constraint by its name.
    #[must_use]
    pub fn constraint(&self, table: &Object, name: &str) -> Option<Constraint> {
        let name = name.to_lowercase();
        if let Some(known) = self.tables.get(&table.key()).and_then(|table| table.constraints.get(&name)) {
            return Some(known.clone());
        }
        let table = self.catalogue?.table(&table.key())?;
        let is_it = |one: &str| one.eq_ignore_ascii_case(&name);
        let said =
            |kind, columns: &[String]| Constraint { kind, columns: columns.to_vec(), validated: true, ..Constraint::default() };
        let key =
            table.foreign_keys.iter().find(|key| is_it(&key.name)).map(|key| said(ConstraintKind::ForeignKey, &key.columns));
        let check = || {
            let check = table.checks.iter().find(|check| is_it(&check.name))?;
            Some(Constraint { condition: Some(check.definition.clone()), ..said(ConstraintKind::Check, &check.columns) })
        };
        let index = || {
            let index = table.indexes.iter().find(|index| index.is_constraint && is_it(&index.name))?;
            Some(said(if index.is_primary { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique }, &index.columns))
        };
        key.or_else(check).or_else(index)
    }

    /// Does a validated check prove that the column is never NULL?
    #[must_use]
    pub fn is_proven_not_null(&self, table: &Object, column: &str) -> bool {
        let named = |name: &Option<String>| name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(column));
        let condition = format!("{} is not null", column.to_lowercase());
        let proves = |text: &str| text.to_lowercase().replace(['(', ')', '"'], "").ends_with(&condition);
        self.tables.get(&table.key()).is_some_and(|known| {
            known.constraints.values().any(|constraint| constraint.validated && named(&constraint.not_null_of))
        }) || self.live(table).is_some_and(|live| live.checks.iter().any(|check| check.validated && proves(&check.definition)))
    }

    /// Is the type a domain that an earlier statement made?
    #[must_use]
    pub fn is_domain(&self, data_type: &str) -> bool {
        self.domains.contains(&data_type.to_lowercase())
    }

    /// What is known of an index by its name.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<Index> {
        let name = name.to_lowercase();
        if let Some(known) = self.indexes.get(&name) {
            return Some(known.clone());
        }
        let tables = &self.catalogue?.tables;
        let found = |table: &'a catalogue::Table| table.indexes.iter().find(|index| index.name.eq_ignore_ascii_case(&name));
        let (table, index) = tables.iter().find_map(|(table, known)| Some((table, found(known)?)))?;
        Some(Index { fresh: false, table: table.clone(), unique: index.unique, columns: index.columns.clone() })
    }

    /// What is known of an index that was there before, and that the pending set dropped.
    #[must_use]
    pub fn dropped_index(&self, name: &str) -> Option<&Index> {
        self.dropped_indexes.get(&name.to_lowercase())
    }

    /// The table as the database holds it now. Not for what the pending set changes.
    #[must_use]
    pub fn live(&self, table: &Object) -> Option<&'a catalogue::Table> {
        self.catalogue?.table(&table.key())
    }

    /// What the database holds, where it is reachable.
    #[must_use]
    pub fn catalogue(&self) -> Option<&'a Catalogue> {
        self.catalogue
    }

    /// Is the table known to be small?
    #[must_use]
    pub fn is_small(&self, table: &Object) -> bool {
        self.live(table).and_then(|table| table.rows).is_some_and(|rows| rows < SMALL_ROWS)
    }

    /// Is a function or view of that name surely made for the first time?
    #[must_use]
    pub fn is_new(&self, kind: Kind, object: &Object) -> bool {
        let key = object.key();
        let is_known = || {
            self.things.contains_key(&(family(kind), key.clone()))
                || (family(kind) == Family::Relation && self.tables.contains_key(&key))
        };
        self.is_absent(kind, object) || (self.knows_all && !is_known())
    }

    /// Does the database say that there is no such table, view or function, and does nothing before it make one?
    #[must_use]
    pub fn is_absent(&self, kind: Kind, object: &Object) -> bool {
        let Some(catalogue) = self.catalogue else { return false };
        let key = object.key();
        match family(kind) {
            Family::Relation => {
                kind != Kind::Sequence
                    && catalogue.table(&key).is_none()
                    && !self.tables.contains_key(&key)
                    && !self.things.contains_key(&(Family::Relation, key))
            }
            Family::Function => !catalogue.functions.contains_key(&key) && !self.things.contains_key(&(Family::Function, key)),
            Family::Type | Family::Trigger | Family::Policy | Family::Index | Family::Constraint | Family::Other(_) => false,
        }
    }
}

impl Column {
    /// Does an insert that leaves it out fail?
    #[must_use]
    pub fn is_required(&self) -> Option<bool> {
        if self.is_filled || self.nullable == Some(true) || self.default.as_deref().is_some_and(|default| !default.is_empty()) {
            return Some(false);
        }
        (self.nullable == Some(false) && self.default.is_some()).then_some(true)
    }

    /// Has it a default that is not NULL?
    #[must_use]
    pub fn has_default(&self) -> Option<bool> {
        self.default.as_ref().map(|default| !default.is_empty())
    }
}

/// A default as [`Column::default`] keeps it.
fn filled_by(fill: &Fill) -> String {
    match fill {
        Fill::None | Fill::Null => String::new(),
        Fill::Constant(text) | Fill::Stable(text) | Fill::Volatile(text) | Fill::Unknown(text) => text.clone(),
    }
}

fn constraint_name(table: &Object, name: &str) -> String {
    format!("{} {}", table.key(), name.to_lowercase())
}

/// What an operation makes, by the name under which it can be found again.
fn makes(operation: &Operation) -> Option<(Family, String)> {
    match operation {
        Operation::CreateTable { table, .. } => Some((Family::Relation, table.key())),
        Operation::CreateView { view, .. } => Some((Family::Relation, view.key())),
        Operation::CreateFunction { function, .. } => Some((Family::Function, function.key())),
        Operation::Create { kind, object } => Some((family(*kind), object.key())),
        Operation::CreateTrigger { name, .. } => Some((Family::Trigger, name.to_lowercase())),
        Operation::RowSecurity { policy: Some(name), .. } => Some((Family::Policy, name.to_lowercase())),
        Operation::CreateIndex { name: Some(name), .. } => Some((Family::Index, name.to_lowercase())),
        Operation::AddConstraint { table, constraint } => {
            constraint.name.as_ref().map(|name| (Family::Constraint, constraint_name(table, name)))
        }
        _ => None,
    }
}
