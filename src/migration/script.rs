//! Migrations that are programs, Ruby and Python alike, in one small tree, and what a walk over it needs.
//!
//! ```text
//!  ruby/parse (prism) ─┐                     ┌─ ruby/…: Rails and its relatives ─┐
//!                      ├─▶ Node ─▶ walk ─▶ a vocabulary                          ├─▶ Acts
//!  python/parse (t-s) ─┘                     └─ python/…: Alembic, Django ───────┘
//! ```
//!
//! The walk runs nothing: it follows assignments, constants, loops over lists that stand in the text, and methods of the same
//! file; both ways of a condition are taken. What a call does to the database is a vocabulary's business, and what it may
//! cost is the judge's. What is not known stays [`value::Value::Unknown`] with a name. Read next: [`walk`].

mod abroad;
pub mod builtin;
pub mod called;
mod placeholders;
pub mod value;
pub mod vocabulary;
pub mod walk;

use std::ops::Range;
use std::rc::Rc;

use super::Dialect;
use super::operation::Act;

/// Code that is nested deeper than this is not read: no migration is, and the walk would need a stack as deep.
pub const DEEPEST: usize = 120;

/// A longer text is no migration that anybody wrote.
pub const LONGEST: usize = 4 << 20;

/// What a reader of programs is told beside the text.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    pub dialect: Dialect,
    /// Reads the SQL that a program hands to the database. The spans in its answer count for nothing.
    pub sql: &'a dyn Fn(&str) -> Vec<Act>,
}

/// What a program does, up to where it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// In the order in which they run.
    pub acts: Vec<Act>,
    /// Does the tool put it into one transaction? False for `disable_ddl_transaction!`, `atomic = False`.
    pub in_transaction: bool,
}

/// An expression or a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// In the file, in bytes.
    pub span: Range<usize>,
    pub form: Form,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    Nil,
    Bool(bool),
    Number(String),
    /// A string or a symbol.
    Text(String),
    /// A string with holes: its parts.
    Pieces(Vec<Node>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// `*list`, `**map`.
    Splat(Box<Node>),
    /// A local, a constant, `@name`; in Python any name.
    Name(String),
    /// `object.name` without a call. Python.
    Member(Box<Node>, String),
    Call(Box<Call>),
    /// A lambda.
    Block(Rc<Block>),
    Assign {
        names: Vec<String>,
        value: Box<Node>,
    },
    Do(Vec<Node>),
    /// `if`, `unless`, `case`, `? :`: the ways that it can go. With two ways the first is for a test that holds.
    Branch {
        test: Box<Node>,
        ways: Vec<Node>,
    },
    /// `for`, and comprehensions.
    Each {
        names: Vec<String>,
        over: Box<Node>,
        body: Box<Node>,
    },
    /// `begin … rescue`, `try … except`: the body, and what is run when it fails.
    Attempt {
        body: Box<Node>,
        rescue: Box<Node>,
    },
    Method(Rc<Method>),
    Class(Rc<Class>),
    /// `from module import name as other`, where a file says so: what it is called here, and there. Python.
    Import {
        module: String,
        names: Vec<(String, String)>,
    },
    Return(Box<Node>),
    /// A form that says nothing about a database: how it is called.
    Other(String),
}

/// A call, with or without a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub receiver: Option<Node>,
    pub name: String,
    pub arguments: Vec<Node>,
    /// Keyword arguments; without a name: `**map`.
    pub named: Vec<(Option<String>, Node)>,
    pub block: Option<Rc<Block>>,
}

/// A block, a lambda, the body of a `with`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub names: Vec<String>,
    pub body: Node,
}

/// A method or a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    pub name: String,
    pub names: Vec<Parameter>,
    pub body: Node,
}

/// A parameter and its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub default: Option<Node>,
}

/// A class or a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    pub name: String,
    /// As written: `ActiveRecord::Migration[7.1]`.
    pub parent: String,
    pub body: Vec<Node>,
}

impl Node {
    /// A node that says nothing.
    #[must_use]
    pub fn other(span: Range<usize>, what: impl Into<String>) -> Node {
        Node { span, form: Form::Other(what.into()) }
    }

    /// Statements in a row; one alone is itself.
    #[must_use]
    pub fn sequence(span: Range<usize>, mut nodes: Vec<Node>) -> Node {
        match (nodes.pop(), nodes.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                nodes.push(last);
                Node { span, form: Form::Do(nodes) }
            }
            (None, _) => Node { span, form: Form::Nil },
        }
    }

    /// The statements that it consists of.
    #[must_use]
    pub fn statements(&self) -> &[Node] {
        match &self.form {
            Form::Do(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// How a person would write it in short: `connection.execute`, `Gitlab::Database`.
    #[must_use]
    pub fn path(&self) -> String {
        match &self.form {
            Form::Name(name) => name.clone(),
            Form::Text(text) => text.clone(),
            Form::Member(object, name) => format!("{}.{name}", object.path()),
            Form::Call(call) => match &call.receiver {
                Some(receiver) => format!("{}.{}", receiver.path(), call.name),
                None => call.name.clone(),
            },
            Form::Other(what) => what.clone(),
            Form::Nil
            | Form::Bool(_)
            | Form::Number(_)
            | Form::Pieces(_)
            | Form::List(_)
            | Form::Map(_)
            | Form::Splat(_)
            | Form::Block(_)
            | Form::Assign { .. }
            | Form::Do(_)
            | Form::Branch { .. }
            | Form::Each { .. }
            | Form::Attempt { .. }
            | Form::Method(_)
            | Form::Import { .. }
            | Form::Class(_)
            | Form::Return(_) => "…".to_owned(),
        }
    }
}
