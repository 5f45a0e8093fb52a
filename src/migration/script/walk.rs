//! Follows a migration without running it, and hands each call to a vocabulary.
//!
//! Constants and locals have the values that stand in the text; a loop over a list that is known goes round once for each
//! item, over any other list once; of a condition that is not known both ways are taken; methods of the same file are
//! followed. What is run only when something fails (`rescue`, `except`) is not. It knows no word of a framework: that is a
//! [`Vocabulary`], as `ruby` and `python` have them.

mod follow;

use super::abroad::Abroad;
use super::called::Called;
use super::value::{Value, merged, weight};
use super::vocabulary::{Draft, Vocabulary};
use super::{Block, Call, Class, Form, Method, Node, Surroundings, builtin};
use crate::migration::operation::{Act, Effect, Object, Operation};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

/// A migration that does more than this is cut, and says so: nested loops over long lists must not take minutes.
const MOST_STEPS: usize = 60_000;
/// A longer list is gone through once, as if it were not known.
const LONGEST_LIST: usize = 200;
/// Expressions within expressions, methods within methods: the stack is not without end.
const DEEPEST_STEP: usize = 150;
/// Methods that call each other.
const MOST_METHODS: usize = 8;

/// Where a walk is.
pub struct Walk<'a> {
    pub surroundings: Surroundings<'a>,
    pub acts: Vec<Act>,
    pub drafts: Vec<Draft>,
    /// What was given to members of objects, as `row.name = value`: the table, where the object is a row of a known one, and
    /// the name.
    pub given: BTreeSet<(Option<Object>, String)>,
    vocabulary: &'a dyn Vocabulary,
    /// What other files of the project give to the one that is read.
    abroad: Abroad,
    /// The file's own names first; then those of each method that is being followed.
    scopes: Vec<BTreeMap<String, Value>>,
    methods: BTreeMap<String, Rc<Method>>,
    classes: BTreeMap<String, Rc<Class>>,
    following: Vec<String>,
    returned: Option<Value>,
    stopped: bool,
    /// How many loops are around that go over what is not in the text: rows, most often.
    pub over_rows: usize,
    /// How many conditions and loops are around that may not be run at all.
    uncertain: usize,
    /// Somebody uses what the method that is being followed gives: its statements may be there for that alone.
    is_asked: bool,
    depth: usize,
    steps: usize,
    is_over: bool,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    #[must_use]
    pub fn new(surroundings: Surroundings<'a>, vocabulary: &'a dyn Vocabulary) -> Walk<'a> {
        Walk {
            surroundings,
            acts: vec![],
            drafts: vec![],
            given: BTreeSet::new(),
            vocabulary,
            abroad: Abroad::default(),
            scopes: vec![BTreeMap::new()],
            methods: BTreeMap::new(),
            classes: BTreeMap::new(),
            following: vec![],
            returned: None,
            stopped: false,
            over_rows: 0,
            uncertain: 0,
            is_asked: false,
            depth: 0,
            steps: 0,
            is_over: false,
        }
    }

    /// Makes the methods, classes and constants of a body known, without following any method.
    pub fn learn(&mut self, nodes: &[Node]) {
        for node in nodes {
            match &node.form {
                Form::Method(method) => drop(self.methods.insert(method.name.clone(), method.clone())),
                Form::Class(class) => drop(self.classes.insert(class.name.clone(), class.clone())),
                Form::Import { module, names } => self.import(module, names),
                Form::Assign { .. } => {
                    let before = self.acts.len();
                    self.value(node);
                    self.acts.truncate(before);
                }
                _ => {}
            }
        }
    }

    /// A class of this file.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Rc<Class>> {
        self.classes.get(name)
    }

    /// A method of this file.
    #[must_use]
    pub fn has_method(&self, name: &str) -> bool {
        self.methods.contains_key(name)
    }

    /// Writes down what is done.
    pub fn act(&mut self, span: &Range<usize>, operation: Operation) {
        self.acts.push(Act { operation, span: span.clone() });
    }

    /// Writes down what SQL does.
    pub fn sql(&mut self, span: &Range<usize>, value: &Value) {
        let text = match value {
            Value::Text { .. } => value.sql(),
            Value::List(values) if values.iter().all(|value| matches!(value, Value::Text { .. })) => {
                values.iter().map(Value::sql).collect::<Vec<_>>().join(";\n")
            }
            _ => {
                return self
                    .act(span, Operation::Opaque { what: format!("SQL that is put together in code: {}", value.shown()) });
            }
        };
        if text.trim().is_empty() {
            return;
        }
        for act in (self.surroundings.sql)(&super::placeholders::filled(&text)) {
            let operation = match act.operation {
                // A program that takes a lock before it changes tables: what it costs, and no change of its own.
                Operation::Stray { what } if what.to_uppercase().contains("LOCK") => {
                    Operation::Helper { name: what, table: None, effect: Effect::Neutral }
                }
                other => other,
            };
            self.acts.push(Act { operation, span: span.clone() });
        }
    }

    /// Gives a name a value.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    /// What a name stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let inner = self.scopes.last().and_then(|scope| scope.get(name));
        inner.or_else(|| self.scopes.first().and_then(|scope| scope.get(name)))
    }

    /// Runs a block with these arguments. It sees and changes the names around it.
    pub fn block(&mut self, block: &Rc<Block>, arguments: &[Value]) -> Value {
        let spread;
        let arguments = match arguments {
            [Value::List(items)] if block.names.len() > 1 => {
                // `|name, (columns, options)|`: names of lists within are in one row too.
                let is_nested = items.len() < block.names.len();
                spread = if is_nested { items.iter().flat_map(Value::items).collect() } else { items.clone() };
                &spread[..]
            }
            other => other,
        };
        for (place, name) in block.names.iter().enumerate() {
            let value = arguments.get(place).cloned().unwrap_or_else(|| Value::Unknown(name.clone()));
            self.set(name, value);
        }
        self.statement(&block.body)
    }

    /// Runs a block once for each of these, or once without knowing for what.
    pub fn each(&mut self, block: &Rc<Block>, over: &Value) -> Vec<Value> {
        self.uncertain += 1;
        let rows = self.vocabulary.rows(over);
        let is_known = rows.is_none() && matches!(over, Value::List(_) | Value::Map(_));
        self.over_rows += usize::from(!is_known);
        let given = match rows.as_ref().unwrap_or(over) {
            Value::List(items) if items.len() <= LONGEST_LIST => {
                items.iter().map(|item| self.block(block, std::slice::from_ref(item))).collect()
            }
            Value::Map(pairs) if pairs.len() <= LONGEST_LIST => {
                pairs.iter().map(|(key, value)| self.block(block, &[Value::List(vec![key.clone(), value.clone()])])).collect()
            }
            Value::Rows { table, .. } => vec![self.block(block, &[Value::Rows { table: table.clone(), bounded: true }])],
            _ => vec![self.block(block, &[])],
        };
        self.over_rows -= usize::from(!is_known);
        self.uncertain -= 1;
        given
    }

    /// What an expression gives; what it does is written down on the way.
    pub fn value(&mut self, node: &Node) -> Value {
        self.steps += 1;
        if self.depth >= DEEPEST_STEP || self.steps > MOST_STEPS {
            if !self.is_over {
                (self.is_over, self.steps) = (true, MOST_STEPS + 1);
                self.act(&node.span, Operation::Unknown { what: "the code goes on for longer than is read".to_owned() });
            }
            return Value::Unknown("…".to_owned());
        }
        self.depth += 1;
        let value = self.evaluate(node);
        self.depth -= 1;
        value
    }

    fn evaluate(&mut self, node: &Node) -> Value {
        match &node.form {
            Form::Nil => Value::Nil,
            Form::Bool(bool) => Value::Bool(*bool),
            Form::Number(number) => Value::Number(number.clone()),
            Form::Text(text) => Value::text(text.clone()),
            Form::Pieces(pieces) => self.pieces(pieces),
            Form::List(nodes) => Value::List(self.list(nodes)),
            Form::Map(pairs) => self.map(pairs),
            Form::Splat(inner) => self.value(inner),
            Form::Return(inner) => self.leave(inner),
            Form::Name(name) => self.named(name),
            Form::Member(object, name) => self.member(node, object, name),
            Form::Call(call) => self.call(node, call, false),
            Form::Block(block) => Value::Block(block.clone()),
            Form::Assign { names, value } => self.assign(names, value),
            Form::Do(nodes) => self.sequence(nodes),
            Form::Branch { test, ways } => self.branch(test, ways),
            Form::Each { names, over, body } => {
                let over = self.value(over);
                let block = Rc::new(Block { names: names.clone(), body: (**body).clone() });
                Value::List(self.each(&block, &over))
            }
            Form::Attempt { body, .. } => self.statement(body),
            Form::Method(method) => {
                self.methods.insert(method.name.clone(), method.clone());
                Value::Nil
            }
            Form::Class(class) => {
                self.classes.insert(class.name.clone(), class.clone());
                Value::Nil
            }
            Form::Import { module, names } => {
                self.import(module, names);
                Value::Nil
            }
            Form::Other(what) => Value::Unknown(what.clone()),
        }
    }

    /// The value of a statement: of a call, nobody uses what it gives.
    fn statement(&mut self, node: &Node) -> Value {
        let Form::Call(call) = &node.form else { return self.value(node) };
        if self.depth >= DEEPEST_STEP || self.steps > MOST_STEPS {
            return self.value(node);
        }
        self.steps += 1;
        self.depth += 1;
        let value = self.call(node, call, true);
        self.depth -= 1;
        value
    }

    /// The right side of `and` and `or`, which may not be run.
    pub fn right(&mut self, node: &Node, is_statement: bool) -> Value {
        self.uncertain += 1;
        let value = if is_statement { self.statement(node) } else { self.value(node) };
        self.uncertain -= 1;
        value
    }

    fn sequence(&mut self, nodes: &[Node]) -> Value {
        let mut last = Value::Nil;
        for node in nodes {
            if self.stopped {
                break;
            }
            last = self.statement(node);
        }
        last
    }

    fn leave(&mut self, node: &Node) -> Value {
        let value = self.value(node);
        if self.uncertain == 0 {
            self.stopped = true;
        }
        if self.returned.is_none() {
            self.returned = Some(value.clone());
        }
        value
    }

    fn pieces(&mut self, pieces: &[Node]) -> Value {
        let (mut text, mut holes) = (String::new(), false);
        for piece in pieces {
            let value = self.value(piece);
            holes |= !value.is_known();
            text.push_str(&value.marked());
        }
        Value::Text { text, holes }
    }

    fn list(&mut self, nodes: &[Node]) -> Vec<Value> {
        let mut values = vec![];
        for node in nodes {
            match (&node.form, self.value(node)) {
                (Form::Splat(_), Value::List(items)) => values.extend(items),
                (_, value) => values.push(value),
            }
        }
        values
    }

    fn map(&mut self, pairs: &[(Node, Node)]) -> Value {
        let mut entries = vec![];
        for (key, value) in pairs {
            let (key, value) = (self.value(key), self.value(value));
            match (key, value) {
                (Value::Nil, Value::Map(spread)) => entries.extend(spread),
                (key, value) => entries.push((key, value)),
            }
        }
        Value::Map(entries)
    }

    fn named(&mut self, name: &str) -> Value {
        if let Some(value) = self.get(name).cloned() {
            // A value that doubles itself must not grow without end.
            self.steps += value.weight() / 16;
            return value;
        }
        let vocabulary = self.vocabulary;
        vocabulary.name(self, name).unwrap_or_else(|| Value::Unknown(name.to_owned()))
    }

    fn member(&mut self, node: &Node, object: &Node, name: &str) -> Value {
        let receiver = self.value(object);
        if let Value::Unknown(_) = receiver {
            let path = node.path();
            let vocabulary = self.vocabulary;
            return vocabulary.name(self, &path).unwrap_or(Value::Unknown(path));
        }
        let vocabulary = self.vocabulary;
        let value = receiver.at(name).cloned().or_else(|| vocabulary.member(&receiver, name));
        value.unwrap_or_else(|| Value::Unknown(node.path()))
    }

    fn assign(&mut self, names: &[String], value: &Node) -> Value {
        let value = self.value(value);
        for (object, member) in names.iter().filter_map(|name| name.split_once('.')) {
            let table = match self.get(object) {
                Some(Value::Rows { table, .. }) => Some(table.clone()),
                _ => None,
            };
            self.given.insert((table, member.to_owned()));
        }
        match (names, &value) {
            ([name], _) => match name.split_once('[') {
                // An item of a list or a map.
                Some((whole, _)) => self.set(whole, Value::Unknown(whole.to_owned())),
                None => self.set(name, value.clone()),
            },
            (_, Value::List(items)) if items.len() == names.len() => {
                for (name, item) in names.iter().zip(items) {
                    self.set(name, item.clone());
                }
            }
            _ => {
                for name in names {
                    self.set(name, Value::Unknown(name.clone()));
                }
            }
        }
        value
    }

    /// What a test that is known picks; else all ways, after which a name that got different values is not known.
    fn branch(&mut self, test: &Node, ways: &[Node]) -> Value {
        let test = self.value(test);
        if let (Some(truth), 2) = (test.truth(), ways.len()) {
            return self.statement(&ways[usize::from(!truth)]);
        }
        let before = self.scopes.last().cloned().unwrap_or_default();
        self.steps += weight(&before) * ways.len() / 16;
        let mut after: Option<BTreeMap<String, Value>> = None;
        let mut values = vec![];
        self.uncertain += 1;
        for way in ways {
            if let Some(scope) = self.scopes.last_mut() {
                scope.clone_from(&before);
            }
            values.push(self.statement(way));
            let scope = self.scopes.last().cloned().unwrap_or_default();
            after = Some(match after {
                None => scope,
                Some(other) => merged(other, scope),
            });
        }
        self.uncertain -= 1;
        if let (Some(scope), Some(after)) = (self.scopes.last_mut(), after) {
            *scope = after;
        }
        values.retain(|value| !matches!(value, Value::Nil));
        match values.first() {
            Some(first) if values.iter().all(|value| value == first) => first.clone(),
            Some(_) => Value::Unknown("value".to_owned()),
            None => Value::Nil,
        }
    }

    fn call(&mut self, node: &Node, call: &Call, is_statement: bool) -> Value {
        let receiver = call.receiver.as_ref().map(|receiver| self.value(receiver));
        if let Some(value) = builtin::connective(self, call, receiver.as_ref(), is_statement) {
            return value;
        }
        let arguments = self.list(&call.arguments);
        let mut named = vec![];
        for (name, node) in &call.named {
            match (name, self.value(node)) {
                (Some(name), value) => named.push((name.clone(), value)),
                (None, Value::Map(pairs)) => named.extend(pairs.into_iter().map(|(key, value)| (key.shown(), value))),
                (None, _) => {}
            }
        }
        let called = Called {
            path: call.receiver.as_ref().map(Node::path).unwrap_or_default(),
            receiver,
            name: call.name.clone(),
            arguments,
            named,
            block: call.block.clone(),
            span: node.span.clone(),
            is_statement: is_statement && !self.is_asked,
        };
        let outer = std::mem::replace(&mut self.is_asked, !called.is_statement);
        let value = self.carry_out(&called);
        self.is_asked = outer;
        if let Some(Node { form: Form::Name(name), .. }) = &call.receiver {
            self.grow(name, &called, &value);
        }
        value
    }

    /// `list << item`, `list.append(item)`: the name has a longer list now, or one that is not known.
    fn grow(&mut self, name: &str, called: &Called, value: &Value) {
        const GROWS: [&str; 10] = ["<<", "append", "push", "extend", "concat", "add", "insert", "update", "merge!", "[]="];
        if !GROWS.contains(&called.name.as_str()) || !matches!(called.receiver, Some(Value::List(_) | Value::Map(_))) {
            return;
        }
        match value {
            Value::List(_) if self.uncertain == 0 => self.set(name, value.clone()),
            _ => self.set(name, Value::Unknown(name.to_owned())),
        }
    }

    fn carry_out(&mut self, called: &Called) -> Value {
        let of_this_file = called.receiver.is_none() || matches!(called.path.as_str(), "self" | "self.class" | "cls");
        if of_this_file {
            if let Some(value) = self.follow(&called.name, Some(called)) {
                return value;
            }
            let name = if called.name == "yield" { "&" } else { &called.name };
            if let Some(Value::Block(block)) = self.get(name).cloned() {
                return self.block(&block, &called.arguments);
            }
        }
        let vocabulary = self.vocabulary;
        if let Some(value) = vocabulary.call(self, called) {
            return value;
        }
        if let Some(value) = builtin::call(self, called) {
            return value;
        }
        if let Some(value) = self.follow_abroad(called) {
            return value;
        }
        vocabulary.unknown(self, called)
    }
}
