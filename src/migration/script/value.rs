//! What an expression of a migration stands for, as far as the text tells.
//!
//! It knows no vocabulary. Read next: [`super::walk`].

use super::Block;
use crate::migration::operation::Object;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Nil,
    Bool(bool),
    Number(String),
    /// `holes`: parts of it are not known. They stand in it as names between two letters of private use, since braces and
    /// all else may be in a text that is known.
    Text {
        text: String,
        holes: bool,
    },
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Block(Rc<Block>),
    /// What a call gives that only a vocabulary understands: `sa.Column("id", …)`.
    Made(Rc<Made>),
    /// Rows of a table. `bounded`: a condition picks some of them.
    Rows {
        table: Object,
        bounded: bool,
    },
    /// What a block gets to work on: `t` of `create_table`, `batch_op`.
    Handle(Handle),
    /// Not known: how it is called in the text.
    Unknown(String),
}

/// A call that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// `sa.Column`.
    pub path: String,
    pub arguments: Vec<Value>,
    pub named: Vec<(String, Value)>,
    weight: usize,
}

/// What a block works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handle {
    /// A table that is being made: the last of the walk's drafts.
    NewTable,
    /// A table that is being changed.
    Table(Object),
    /// `dir` of `reversible`.
    Direction,
}

impl Value {
    /// A text without holes.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text { text: text.into(), holes: false }
    }

    /// As the text of a name; what is not known is `{name}`.
    #[must_use]
    pub fn shown(&self) -> String {
        self.marked().replace(OPEN, "{").replace(CLOSE, "}")
    }

    /// As the text of SQL; what is not known is a name there too, so that most of such texts parse.
    #[must_use]
    pub fn sql(&self) -> String {
        self.marked().replace([OPEN, CLOSE], "")
    }

    /// As a text in which the holes are marked.
    #[must_use]
    pub fn marked(&self) -> String {
        match self {
            Value::Nil => String::new(),
            Value::Bool(bool) => bool.to_string(),
            Value::Number(number) => number.clone(),
            Value::Text { text, .. } => text.clone(),
            Value::Rows { table, .. } | Value::Handle(Handle::Table(table)) => table.to_string(),
            Value::Made(made) => hole(&made.path),
            Value::List(_) | Value::Map(_) | Value::Block(_) | Value::Handle(_) => hole("value"),
            Value::Unknown(what) => hole(what),
        }
    }

    /// Has it no part that is not known?
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Value::Nil | Value::Bool(_) | Value::Number(_) => true,
            Value::Text { holes, .. } => !holes,
            Value::List(values) => values.iter().all(Value::is_known),
            Value::Map(pairs) => pairs.iter().all(|(key, value)| key.is_known() && value.is_known()),
            Value::Block(_) | Value::Made(_) | Value::Rows { .. } | Value::Handle(_) | Value::Unknown(_) => false,
        }
    }

    /// The names that it lists: of one name, of several, of the keys of none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Value::List(values) => values.iter().flat_map(Value::names).collect(),
            Value::Nil => vec![],
            Value::Map(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text { .. }
            | Value::Block(_)
            | Value::Made(_)
            | Value::Rows { .. }
            | Value::Handle(_)
            | Value::Unknown(_) => vec![self.shown()],
        }
    }

    /// It or what it lists.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        match self {
            Value::List(values) => values.clone(),
            other => vec![other.clone()],
        }
    }

    /// A value of a map by its key.
    #[must_use]
    pub fn at(&self, key: &str) -> Option<&Value> {
        let Value::Map(pairs) = self else { return None };
        pairs.iter().rev().find(|(name, _)| matches!(name, Value::Text { text, .. } if text == key)).map(|(_, value)| value)
    }

    /// How much it holds: its parts, and its text.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Value::List(values) => 1 + values.iter().map(Value::weight).sum::<usize>(),
            Value::Map(pairs) => 1 + pairs.iter().map(|(key, value)| key.weight() + value.weight()).sum::<usize>(),
            Value::Text { text, .. } => 1 + text.len() / 64,
            Value::Nil
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Block(_)
            | Value::Rows { .. }
            | Value::Handle(_)
            | Value::Unknown(_) => 1,
            Value::Made(made) => made.weight,
        }
    }

    /// Does it stand for true, as far as it is known?
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Value::Nil => Some(false),
            Value::Bool(bool) => Some(*bool),
            Value::Number(_)
            | Value::Text { .. }
            | Value::List(_)
            | Value::Map(_)
            | Value::Block(_)
            | Value::Made(_)
            | Value::Rows { .. }
            | Value::Handle(_)
            | Value::Unknown(_) => None,
        }
    }
}

/// What holds more than this is not known: nobody writes such a thing, and calls of calls of calls would be walked for ever.
const HEAVIEST: usize = 5_000;

impl Made {
    /// A call that is not carried out.
    #[must_use]
    pub fn value(path: impl Into<String>, arguments: Vec<Value>, named: Vec<(String, Value)>) -> Value {
        let path = path.into();
        let parts = arguments.iter().chain(named.iter().map(|(_, value)| value));
        let weight = parts.fold(1_usize, |sum, value| sum.saturating_add(value.weight()));
        if weight > HEAVIEST { Value::Unknown(path) } else { Value::Made(Rc::new(Made { path, arguments, named, weight })) }
    }

    /// A keyword argument.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.named.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The last part of its path: `Column` of `sa.Column`.
    #[must_use]
    pub fn word(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }
}

/// Around what is not known in a text.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// What stands in a text for what is not known: a plain name between the marks.
fn hole(what: &str) -> String {
    let name: String = what.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).take(40).collect();
    let name = name.trim_matches('_');
    format!("{OPEN}{}{CLOSE}", if name.is_empty() { "value" } else { name })
}

/// How much all of these hold.
#[must_use]
pub fn weight(names: &BTreeMap<String, Value>) -> usize {
    names.values().map(Value::weight).sum()
}

/// What is known after two ways that the code can go: where they differ, nothing.
#[must_use]
pub fn merged(left: BTreeMap<String, Value>, mut right: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    for (name, value) in left {
        match right.get(&name) {
            Some(other) if *other == value => {}
            _ => drop(right.insert(name.clone(), Value::Unknown(name))),
        }
    }
    right
}
