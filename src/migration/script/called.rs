//! A call of a migration with its parts evaluated, and the ways in which a vocabulary asks for them.
//!
//! It knows no vocabulary. Read next: [`super::walk`].

use super::Block;
use super::value::{Handle, Value};
use crate::migration::operation::Object;
use std::ops::Range;
use std::rc::Rc;

/// A call with its parts evaluated.
#[derive(Debug, Clone)]
pub struct Called {
    pub receiver: Option<Value>,
    /// The receiver as a person would write it; empty without one.
    pub path: String,
    pub name: String,
    pub arguments: Vec<Value>,
    pub named: Vec<(String, Value)>,
    pub block: Option<Rc<Block>>,
    pub span: Range<usize>,
    /// Nobody uses what it gives: it is there for what it does.
    pub is_statement: bool,
}

impl Called {
    /// A keyword argument, or an entry of a map that stands last.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&Value> {
        let named = self.named.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value);
        named.or_else(|| self.arguments.last()?.at(name))
    }

    /// Is that option there and true?
    #[must_use]
    pub fn says(&self, name: &str) -> bool {
        self.option(name).is_some_and(|value| !matches!(value, Value::Nil | Value::Bool(false)))
    }

    /// An argument by its place, or by its keyword.
    #[must_use]
    pub fn argument(&self, place: usize, name: &str) -> Option<&Value> {
        let placed = self.arguments.get(place).filter(|value| !matches!(value, Value::Map(_)));
        placed.or_else(|| self.option(name))
    }

    /// An argument as a name.
    #[must_use]
    pub fn word(&self, place: usize, name: &str) -> String {
        self.argument(place, name).map_or_else(|| format!("{{{name}}}"), Value::shown)
    }

    /// An argument as a table.
    #[must_use]
    pub fn table(&self, place: usize, name: &str) -> Object {
        object(&self.word(place, name))
    }

    /// An argument as the names that it lists.
    #[must_use]
    pub fn words(&self, place: usize, name: &str) -> Vec<String> {
        self.argument(place, name).map(Value::names).unwrap_or_default()
    }

    /// The arguments from a place on that are names, flattened.
    #[must_use]
    pub fn rest(&self, from: usize) -> Vec<String> {
        let named = self.arguments.iter().skip(from).filter(|value| !matches!(value, Value::Map(_)));
        named.flat_map(Value::names).collect()
    }

    /// What the block around works on, where that is the receiver.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        match &self.receiver {
            Some(Value::Handle(handle)) => Some(handle),
            _ => None,
        }
    }

    /// The receiver and the name.
    #[must_use]
    pub fn full(&self) -> String {
        if self.path.is_empty() { self.name.clone() } else { format!("{}.{}", self.path, self.name) }
    }
}

/// `schema.name`, or a name alone.
#[must_use]
pub fn object(text: &str) -> Object {
    match text.split_once('.') {
        Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !text.contains(['{', '"', '\'']) => {
            Object { schema: Some(schema.to_owned()), name: name.to_owned() }
        }
        _ => Object::new(text),
    }
}
