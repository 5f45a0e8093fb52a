//! Python, as tree-sitter parses it, in the small tree of [`super::super::script`].
//!
//! It knows Python's forms and no word of a framework. tree-sitter always gives a tree: where the text is not Python there is an
//! error in it, and its place is told. Read next: [`super::super::script::walk`].

use crate::migration::script::{Block, Call, Class, DEEPEST, Form, LONGEST, Method, Node, Parameter};
use std::ops::Range;
use std::rc::Rc;
use tree_sitter::{Node as Tree, Parser};

/// A file.
pub struct Parsed {
    pub nodes: Vec<Node>,
    /// Where it is not Python, in bytes: the first place.
    pub mistake: Option<usize>,
}

/// Statements of a file.
pub fn parse(text: &str) -> Parsed {
    let mut parser = Parser::new();
    let language = tree_sitter::Language::new(tree_sitter_python::LANGUAGE);
    if text.len() > LONGEST || parser.set_language(&language).is_err() {
        return Parsed { nodes: vec![], mistake: Some(0) };
    }
    let Some(tree) = parser.parse(text, None) else { return Parsed { nodes: vec![], mistake: Some(0) } };
    let root = tree.root_node();
    let mistake = root.has_error().then(|| mistake(root));
    Parsed { nodes: Reader { text, depth: 0 }.statements(root), mistake }
}

/// The first place that is wrong.
fn mistake(root: Tree<'_>) -> usize {
    let mut node = root;
    loop {
        let mut cursor = node.walk();
        let wrong = node.children(&mut cursor).find(|child| child.has_error() || child.is_missing());
        match wrong {
            Some(child) if !child.is_error() && !child.is_missing() => node = child,
            Some(child) => return child.start_byte(),
            None => return node.start_byte(),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn raw(&self, node: Tree<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn children<'t>(node: Tree<'t>) -> Vec<Tree<'t>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
    }

    fn statements(&mut self, node: Tree<'_>) -> Vec<Node> {
        Self::children(node).into_iter().map(|child| self.node(child)).collect()
    }

    fn body(&mut self, node: Option<Tree<'_>>, at: &Range<usize>) -> Node {
        match node {
            Some(node) => Node::sequence(at.clone(), self.statements(node)),
            None => Node { span: at.clone(), form: Form::Nil },
        }
    }

    fn field(&mut self, node: Tree<'_>, name: &str) -> Node {
        match node.child_by_field_name(name) {
            Some(child) => self.node(child),
            None => Node { span: node.byte_range(), form: Form::Nil },
        }
    }

    fn node(&mut self, node: Tree<'_>) -> Node {
        let at = node.byte_range();
        if self.depth >= DEEPEST {
            return Node::other(at, "code nested too deep");
        }
        self.depth += 1;
        let form = self
            .literal(node)
            .or_else(|| self.operator(node))
            .or_else(|| self.statement(node, &at))
            .or_else(|| self.around(node, &at))
            .or_else(|| self.definition(node, &at))
            .unwrap_or_else(|| Form::Other("code".to_owned()));
        self.depth -= 1;
        Node { span: at, form }
    }

    fn literal(&mut self, node: Tree<'_>) -> Option<Form> {
        Some(match node.kind() {
            "none" => Form::Nil,
            "true" => Form::Bool(true),
            "false" => Form::Bool(false),
            "integer" | "float" => Form::Number(self.raw(node).replace('_', "")),
            "string" => self.string(node),
            "concatenated_string" => Form::Pieces(self.statements(node)),
            "list" | "tuple" | "set" | "expression_list" | "pattern_list" => Form::List(self.statements(node)),
            "dictionary" => Form::Map(
                Self::children(node)
                    .into_iter()
                    .map(|child| match child.kind() {
                        "pair" => (self.field(child, "key"), self.field(child, "value")),
                        _ => {
                            let nothing = Node { span: child.byte_range(), form: Form::Nil };
                            let inner = Self::children(child).first().map(|inner| self.node(*inner));
                            (nothing.clone(), inner.unwrap_or(nothing))
                        }
                    })
                    .collect(),
            ),
            "identifier" => Form::Name(self.raw(node).to_owned()),
            "attribute" => {
                let object = self.field(node, "object");
                let name = node.child_by_field_name("attribute").map(|name| self.raw(name).to_owned()).unwrap_or_default();
                Form::Member(Box::new(object), name)
            }
            "list_splat" | "dictionary_splat" => Form::Splat(Box::new(self.first(node))),
            "parenthesized_expression" | "expression_statement" | "await" | "type" => self.first(node).form,
            "keyword_argument" => self.field(node, "value").form,
            _ => return None,
        })
    }

    fn first(&mut self, node: Tree<'_>) -> Node {
        match Self::children(node).first() {
            Some(child) => self.node(*child),
            None => Node { span: node.byte_range(), form: Form::Nil },
        }
    }

    fn string(&mut self, node: Tree<'_>) -> Form {
        let mut cursor = node.walk();
        let start = node.children(&mut cursor).find(|child| child.kind() == "string_start");
        let prefix = start.map(|start| self.raw(start).to_lowercase()).unwrap_or_default();
        let is_raw = prefix.trim_end_matches(['"', '\'']).contains('r');
        let mut pieces = vec![];
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "string_content" => {
                    let raw = self.raw(child);
                    let text = if is_raw { raw.to_owned() } else { unescaped(raw) };
                    pieces.push(Node { span: child.byte_range(), form: Form::Text(text) });
                }
                "interpolation" => pieces.push(self.field(child, "expression")),
                _ => {}
            }
        }
        match pieces.as_mut_slice() {
            [] => Form::Text(String::new()),
            [Node { form: Form::Text(text), .. }] => Form::Text(std::mem::take(text)),
            _ => Form::Pieces(pieces),
        }
    }

    fn operator(&mut self, node: Tree<'_>) -> Option<Form> {
        let call = |receiver: Node, name: &str, arguments: Vec<Node>| {
            Form::Call(Box::new(Call { receiver: Some(receiver), name: name.to_owned(), arguments, named: vec![], block: None }))
        };
        Some(match node.kind() {
            "call" => self.call(node),
            "subscript" => {
                let receiver = self.field(node, "value");
                let place = self.field(node, "subscript");
                call(receiver, "[]", vec![place])
            }
            "binary_operator" | "boolean_operator" => {
                let operator = node.child_by_field_name("operator").map(|operator| self.raw(operator).to_owned());
                let (left, right) = (self.field(node, "left"), self.field(node, "right"));
                let name = match operator.as_deref() {
                    Some("and") => "&&",
                    Some("or") => "||",
                    Some(other) => other,
                    None => "+",
                };
                call(left, name, vec![right])
            }
            "not_operator" => {
                let inner = self.field(node, "argument");
                call(inner, "!", vec![])
            }
            "unary_operator" => match self.field(node, "argument").form {
                Form::Number(number) => Form::Number(format!("-{number}")),
                _ => Form::Other("number".to_owned()),
            },
            "comparison_operator" => {
                let mut sides = Self::children(node);
                let operators: Vec<String> = {
                    let mut cursor = node.walk();
                    node.children_by_field_name("operators", &mut cursor).map(|operator| self.raw(operator).to_owned()).collect()
                };
                sides.retain(|side| !matches!(side.kind(), "is not" | "not in"));
                let (Some(left), Some(right), [operator]) = (sides.first(), sides.get(1), operators.as_slice()) else {
                    return Some(Form::Other("condition".to_owned()));
                };
                let (left, right) = (self.node(*left), self.node(*right));
                call(left, operator, vec![right])
            }
            "conditional_expression" => {
                let parts = Self::children(node);
                let [yes, test, no] = parts.as_slice() else { return None };
                // Their value is what they are there for: no statements.
                let ways = [*yes, *no].map(|way| Node { span: way.byte_range(), form: Form::Splat(Box::new(self.node(way))) });
                let ways = ways.into();
                Form::Branch { test: Box::new(self.node(*test)), ways }
            }
            "lambda" => {
                let names =
                    node.child_by_field_name("parameters").map(|parameters| self.parameters(parameters)).unwrap_or_default();
                let body = self.field(node, "body");
                Form::Block(Rc::new(Block { names: names.into_iter().map(|parameter| parameter.name).collect(), body }))
            }
            "list_comprehension" | "generator_expression" | "set_comprehension" => {
                let inner = self.field(node, "body");
                // Its value is what it is there for: no statement.
                let body = Node { span: inner.span.clone(), form: Form::Splat(Box::new(inner)) };
                let clauses: Vec<Tree<'_>> =
                    Self::children(node).into_iter().filter(|child| child.kind() == "for_in_clause").collect();
                let [clause] = clauses.as_slice() else { return Some(Form::Other("list".to_owned())) };
                let names = self.names(clause.child_by_field_name("left"));
                Form::Each { names, over: Box::new(self.field(*clause, "right")), body: Box::new(body) }
            }
            _ => return None,
        })
    }

    fn call(&mut self, node: Tree<'_>) -> Form {
        let (mut arguments, mut named) = (vec![], vec![]);
        if let Some(list) = node.child_by_field_name("arguments") {
            if list.kind() == "argument_list" {
                for argument in Self::children(list) {
                    match argument.kind() {
                        "keyword_argument" => {
                            let name = argument.child_by_field_name("name").map(|name| self.raw(name).to_owned());
                            let value = self.field(argument, "value");
                            named.push((name, value));
                        }
                        "dictionary_splat" => named.push((None, self.first(argument))),
                        _ => arguments.push(self.node(argument)),
                    }
                }
            } else {
                arguments.push(self.node(list));
            }
        }
        let (receiver, name) = match node.child_by_field_name("function") {
            Some(function) => match self.node(function) {
                Node { form: Form::Member(object, name), .. } => (Some(*object), name),
                Node { form: Form::Name(name), .. } => (None, name),
                other => (Some(other), "()".to_owned()),
            },
            None => (None, String::new()),
        };
        Form::Call(Box::new(Call { receiver, name, arguments, named, block: None }))
    }

    fn statement(&mut self, node: Tree<'_>, at: &Range<usize>) -> Option<Form> {
        Some(match node.kind() {
            "assignment" | "named_expression" => {
                let names = self.names(node.child_by_field_name("left").or_else(|| node.child_by_field_name("name")));
                let value = match node.child_by_field_name("right") {
                    Some(right) => self.node(right),
                    None => self.field(node, "value"),
                };
                Form::Assign { names, value: Box::new(value) }
            }
            "augmented_assignment" => {
                let names = self.names(node.child_by_field_name("left"));
                let left = self.field(node, "left");
                let right = self.field(node, "right");
                let call =
                    Call { receiver: Some(left), name: "+".to_owned(), arguments: vec![right], named: vec![], block: None };
                Form::Assign { names, value: Box::new(Node { span: at.clone(), form: Form::Call(Box::new(call)) }) }
            }
            "block" | "module" | "else_clause" | "finally_clause" => Node::sequence(at.clone(), self.statements(node)).form,
            "if_statement" => {
                let test = Box::new(self.field(node, "condition"));
                let yes = self.body(node.child_by_field_name("consequence"), at);
                let alternatives: Vec<Tree<'_>> = {
                    let mut cursor = node.walk();
                    node.children_by_field_name("alternative", &mut cursor).collect()
                };
                let no = self.otherwise(&alternatives, at);
                Form::Branch { test, ways: vec![yes, no] }
            }
            "return_statement" => Form::Return(Box::new(self.first(node))),
            "import_from_statement" | "import_statement" => self.import(node),
            "future_import_statement"
            | "pass_statement"
            | "assert_statement"
            | "raise_statement"
            | "global_statement"
            | "delete_statement"
            | "break_statement"
            | "continue_statement" => Form::Nil,
            _ => return None,
        })
    }

    /// `from a.b import c as d`, `import a.b as d`.
    fn import(&self, node: Tree<'_>) -> Form {
        let from = node.child_by_field_name("module_name");
        let mut cursor = node.walk();
        let names: Vec<(String, String)> = node
            .children_by_field_name("name", &mut cursor)
            .map(|name| {
                let there = self.raw(name.child_by_field_name("name").unwrap_or(name)).to_owned();
                let here = name.child_by_field_name("alias").map_or_else(|| there.clone(), |alias| self.raw(alias).to_owned());
                (here, there)
            })
            .collect();
        match (from, names.as_slice()) {
            (Some(from), _) => Form::Import { module: self.raw(from).to_owned(), names },
            (None, [(here, module)]) => Form::Import { module: module.clone(), names: vec![(here.clone(), String::new())] },
            (None, _) => Form::Nil,
        }
    }

    /// Loops, `with`, `try`, `match`.
    fn around(&mut self, node: Tree<'_>, at: &Range<usize>) -> Option<Form> {
        Some(match node.kind() {
            "for_statement" => {
                let names = self.names(node.child_by_field_name("left"));
                let over = Box::new(self.field(node, "right"));
                let body = Box::new(self.body(node.child_by_field_name("body"), at));
                Form::Each { names, over, body }
            }
            "while_statement" => {
                let body = Box::new(self.body(node.child_by_field_name("body"), at));
                Form::Each { names: vec![], over: Box::new(Node::other(at.clone(), "loop")), body }
            }
            "with_statement" => self.with(node, at),
            "try_statement" => {
                let mut nodes = vec![self.body(node.child_by_field_name("body"), at)];
                for child in Self::children(node) {
                    if matches!(child.kind(), "else_clause" | "finally_clause") {
                        nodes.extend(Self::children(child).into_iter().map(|block| self.node(block)).collect::<Vec<_>>());
                    }
                }
                let rescue = Box::new(Node { span: at.clone(), form: Form::Nil });
                Form::Attempt { body: Box::new(Node::sequence(at.clone(), nodes)), rescue }
            }
            "match_statement" => {
                let test = Box::new(self.field(node, "subject"));
                let mut ways = vec![];
                for case in node.child_by_field_name("body").map(Self::children).unwrap_or_default() {
                    ways.push(self.body(case.child_by_field_name("consequence"), at));
                }
                ways.push(Node { span: at.clone(), form: Form::Nil });
                Form::Branch { test, ways }
            }
            _ => return None,
        })
    }

    fn otherwise(&mut self, alternatives: &[Tree<'_>], at: &Range<usize>) -> Node {
        let Some((first, rest)) = alternatives.split_first() else { return Node { span: at.clone(), form: Form::Nil } };
        if first.kind() != "elif_clause" || self.depth >= DEEPEST {
            return self.body(first.child_by_field_name("body"), at);
        }
        self.depth += 1;
        let test = Box::new(self.field(*first, "condition"));
        let yes = self.body(first.child_by_field_name("consequence"), at);
        let no = self.otherwise(rest, at);
        self.depth -= 1;
        Node { span: first.byte_range(), form: Form::Branch { test, ways: vec![yes, no] } }
    }

    /// `with a() as b, c():` is `a` with a block that gets `b`; the last one has the body.
    fn with(&mut self, node: Tree<'_>, at: &Range<usize>) -> Form {
        let mut inner = self.body(node.child_by_field_name("body"), at);
        let clause = Self::children(node).into_iter().find(|child| child.kind() == "with_clause");
        for item in clause.map(Self::children).unwrap_or_default().into_iter().rev() {
            let Some(value) = item.child_by_field_name("value") else { continue };
            let (value, names) = match value.kind() {
                "as_pattern" => {
                    let names = value.child_by_field_name("alias").map(|alias| self.raw(alias).to_owned()).into_iter().collect();
                    (self.first(value), names)
                }
                _ => (self.node(value), vec![]),
            };
            let span = inner.span.clone();
            inner = match value.form {
                Form::Call(mut call) => {
                    call.block = Some(Rc::new(Block { names, body: inner }));
                    Node { span, form: Form::Call(call) }
                }
                form => {
                    let context = Node { span: value.span, form };
                    let assign = Form::Assign { names, value: Box::new(context) };
                    Node { span: span.clone(), form: Form::Do(vec![Node { span, form: assign }, inner]) }
                }
            };
        }
        inner.form
    }

    fn names(&self, target: Option<Tree<'_>>) -> Vec<String> {
        match target {
            Some(target) if matches!(target.kind(), "pattern_list" | "tuple_pattern" | "list_pattern") => {
                Self::children(target).into_iter().map(|name| self.raw(name).to_owned()).collect()
            }
            Some(target) => vec![self.raw(target).to_owned()],
            None => vec![],
        }
    }

    fn definition(&mut self, node: Tree<'_>, at: &Range<usize>) -> Option<Form> {
        Some(match node.kind() {
            "decorated_definition" => self.field(node, "definition").form,
            "function_definition" => {
                let name = node.child_by_field_name("name").map(|name| self.raw(name).to_owned()).unwrap_or_default();
                let names =
                    node.child_by_field_name("parameters").map(|parameters| self.parameters(parameters)).unwrap_or_default();
                let body = self.body(node.child_by_field_name("body"), at);
                Form::Method(Rc::new(Method { name, names, body }))
            }
            "class_definition" => {
                let name = node.child_by_field_name("name").map(|name| self.raw(name).to_owned()).unwrap_or_default();
                let parent = node.child_by_field_name("superclasses").map(|list| self.raw(list).to_owned()).unwrap_or_default();
                let body = node.child_by_field_name("body").map(|body| self.statements(body)).unwrap_or_default();
                Form::Class(Rc::new(Class { name, parent, body }))
            }
            _ => return None,
        })
    }

    fn parameters(&mut self, parameters: Tree<'_>) -> Vec<Parameter> {
        let mut names = vec![];
        for child in Self::children(parameters) {
            let name = match child.kind() {
                "identifier" => self.raw(child).to_owned(),
                "typed_parameter" => Self::children(child).first().map(|name| self.raw(*name).to_owned()).unwrap_or_default(),
                _ => child.child_by_field_name("name").map(|name| self.raw(name).to_owned()).unwrap_or_default(),
            };
            let default = child.child_by_field_name("value").map(|value| self.node(value));
            names.push(Parameter { name, default });
        }
        names
    }
}

/// A string's text without its escapes.
fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('\n') | None => {}
            Some(other @ ('\\' | '\'' | '"')) => text.push(other),
            Some(other) => text.extend(['\\', other]),
        }
    }
    text
}
