//! Methods of the file, and functions of other files of its project, followed where they are called.
//!
//! What is done in another file is told at the place of the call. Read next: [`super::super::abroad`].

use super::{MOST_METHODS, Walk};
use crate::migration::script::called::Called;
use crate::migration::script::value::Value;
use std::collections::BTreeMap;
use std::ops::Range;

impl Walk<'_> {
    /// Follows a method of this file. `None`: there is none of that name, or it is being followed already.
    pub fn follow(&mut self, name: &str, called: Option<&Called>) -> Option<Value> {
        let method = self.methods.get(name)?.clone();
        if self.following.iter().any(|other| other == name) || self.following.len() >= MOST_METHODS {
            return None;
        }
        let mut scope = BTreeMap::new();
        for (place, parameter) in method.names.iter().enumerate() {
            let given = called.and_then(|called| {
                let by_name = called.named.iter().find(|(key, _)| *key == parameter.name).map(|(_, value)| value);
                by_name.or_else(|| called.arguments.get(place)).cloned()
            });
            let value = match (given, &parameter.default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.value(default),
                (None, None) => Value::Unknown(parameter.name.clone()),
            };
            scope.insert(parameter.name.clone(), value);
        }
        if let Some(block) = called.and_then(|called| called.block.clone()) {
            scope.insert("&".to_owned(), Value::Block(block));
        }
        self.following.push(name.to_owned());
        self.scopes.push(scope);
        let outer = (self.returned.take(), std::mem::take(&mut self.stopped), std::mem::take(&mut self.uncertain));
        let last = self.statement(&method.body);
        let given = match self.returned.take() {
            None | Some(Value::Nil) => last,
            Some(value) if value == last || matches!(last, Value::Nil) => value,
            Some(_) => Value::Unknown(name.to_owned()),
        };
        (self.returned, self.stopped, self.uncertain) = outer;
        self.scopes.pop();
        self.following.pop();
        Some(given)
    }

    /// A name of this file stands for one of another file.
    pub(super) fn import(&mut self, module: &str, names: &[(String, String)]) {
        self.abroad.import(module, names);
    }

    /// Follows a function that this file takes from another one of its project. What it does is told at the place where it is
    /// called. `None`: it is from elsewhere.
    pub(super) fn follow_abroad(&mut self, called: &Called) -> Option<Value> {
        if called.block.is_some() {
            // What is in its block is of this file, and counts more.
            return None;
        }
        let (module, function) = self.abroad.home_of(called)?;
        self.follow_into(&module, &function, Some(called), &called.span)
    }

    /// Follows a function of another file that goes by this name here.
    pub fn follow_imported(&mut self, name: &str, span: &Range<usize>) -> Option<Value> {
        let (module, function) = self.abroad.home_of_name(name)?;
        self.follow_into(&module, &function, None, span)
    }

    fn follow_into(&mut self, module: &str, function: &str, called: Option<&Called>, span: &Range<usize>) -> Option<Value> {
        let vocabulary = self.vocabulary;
        let nodes = self.abroad.enter(module, function, |module, function| vocabulary.module(module, function))?;
        let before = self.acts.len();
        // The other file's own names; nothing of this one is seen there.
        let scopes = std::mem::replace(&mut self.scopes, vec![BTreeMap::new()]);
        let (methods, classes) = (std::mem::take(&mut self.methods), std::mem::take(&mut self.classes));
        let (imports, following) = (self.abroad.take_imports(), std::mem::take(&mut self.following));
        // Its constants are read at their own cost, and only so many times.
        let read_so_far = (self.steps, self.is_over);
        self.learn(&nodes);
        (self.steps, self.is_over) = read_so_far;
        let given = self.follow(function, called);
        (self.scopes, self.methods, self.classes, self.following) = (scopes, methods, classes, following);
        self.abroad.leave(imports);
        for act in self.acts.iter_mut().skip(before) {
            act.span = span.clone();
        }
        // An operation or a table that it gives counts; what it works out is not relied on.
        given.map(
            |given| {
                if matches!(given, Value::Made(_) | Value::Rows { .. }) { given } else { Value::Unknown(function.to_owned()) }
            },
        )
    }
}
