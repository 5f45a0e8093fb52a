//! The words of a framework, as a walk asks for them.
//!
//! It knows none itself: they are in `ruby` and `python`. Read next: [`super::walk`].

use super::Node;
use super::called::Called;
use super::value::Value;
use super::walk::Walk;
use crate::migration::operation::{Column, Constraint, Object, Operation};

/// The words of a framework.
pub trait Vocabulary {
    /// What a call does and gives. `None`: it is none of its words.
    fn call(&self, walk: &mut Walk<'_>, called: &Called) -> Option<Value>;

    /// What a name stands for that the file does not say. `None`: not known.
    fn name(&self, walk: &Walk<'_>, name: &str) -> Option<Value>;

    /// `receiver.name` without a call. `None`: not known.
    fn member(&self, _receiver: &Value, _name: &str) -> Option<Value> {
        None
    }

    /// The statements of another file of the project, by the name under which it is taken in, if this function is in it.
    fn module(&self, _name: &str, _function: &str) -> Option<Vec<Node>> {
        None
    }

    /// The rows that a value gives one by one. `None`: it gives none that are known.
    fn rows(&self, _value: &Value) -> Option<Value> {
        None
    }

    /// A call that nobody knows.
    fn unknown(&self, walk: &mut Walk<'_>, called: &Called) -> Value;
}

/// A table that is being made.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub table: Object,
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    /// What comes right behind the table: its indexes.
    pub after: Vec<Operation>,
}
