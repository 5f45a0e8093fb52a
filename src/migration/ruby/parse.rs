//! Ruby, as prism parses it, in the small tree of [`super::super::script`].
//!
//! It knows Ruby's forms and no word of Rails. What says nothing about a database becomes [`Form::Other`]; what is nested too
//! deep is not read. Read next: [`super::super::script::walk`].

use crate::migration::script::{Block, Call, Class, DEEPEST, Form, LONGEST, Method, Node, Parameter};
use ruby_prism::{ArgumentsNode, CallNode, Node as Prism, ParametersNode, StatementsNode};
use std::ops::Range;
use std::rc::Rc;

/// Statements of a file, or where and why it is not Ruby.
pub fn parse(text: &str) -> Result<Vec<Node>, Mistake> {
    if text.len() > LONGEST || is_too_deep(text) {
        return Err(Mistake { at: 0, what: "the text is longer or nested deeper than a migration".to_owned() });
    }
    let parsed = ruby_prism::parse(text.as_bytes());
    if let Some(error) = parsed.errors().next() {
        let what = String::from_utf8_lossy(error.message()).into_owned();
        return Err(Mistake { at: error.location().start() as usize, what });
    }
    let Some(program) = parsed.node().as_program_node() else { return Ok(vec![]) };
    Ok(Reader { depth: 0 }.statements(Some(program.statements())))
}

/// Why a text is not Ruby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// In bytes.
    pub at: usize,
    pub what: String,
}

/// Prism's own stack is not without end, and what it meets may be no migration at all. On the 2 MiB of a thread it parses
/// about a thousand things within each other; this is far more than a migration has, and well below that.
const MOST_OPEN: usize = 400;

/// May it be nested deeper than prism can stand? An estimate that sees more nesting than there is: brackets and blocks that
/// are open, and words of a line that goes on, of which each can be the argument of the one before.
fn is_too_deep(text: &str) -> bool {
    let (mut brackets, mut blocks, mut row) = (0_usize, 0_usize, 0_usize);
    for line in text.lines() {
        let mut last = ' ';
        for letter in line.chars() {
            match letter {
                '(' | '[' | '{' => brackets += 1,
                ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            let begins_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            row += usize::from((begins_word(letter) && !begins_word(last)) || (last, letter) == ('-', '>') || letter == '!');
            last = letter;
            if brackets > MOST_OPEN || row > 2 * MOST_OPEN {
                return true;
            }
        }
        for word in line.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
            match word {
                "begin" | "case" | "def" | "class" | "module" | "while" | "until" | "for" | "do" | "if" | "unless" => blocks += 1,
                "end" => blocks = blocks.saturating_sub(1),
                _ => {}
            }
        }
        if blocks > 2 * MOST_OPEN {
            return true;
        }
        if !line.trim_end().ends_with(['=', '?', ':', '\\', '*', '&', '|', '>', '!', '+', '-', '.', '(', '[', '{']) {
            row = 0;
        }
    }
    false
}

struct Reader {
    depth: usize,
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn span(node: &Prism<'_>) -> Range<usize> {
    let location = node.location();
    location.start() as usize..location.end() as usize
}

impl Reader {
    fn statements(&mut self, statements: Option<StatementsNode<'_>>) -> Vec<Node> {
        let Some(statements) = statements else { return vec![] };
        statements.body().iter().map(|node| self.node(&node)).collect()
    }

    fn sequence(&mut self, at: &Range<usize>, statements: Option<StatementsNode<'_>>) -> Node {
        let nodes = self.statements(statements);
        Node::sequence(at.clone(), nodes)
    }

    /// What stands in a body: statements, `begin`, or nothing.
    fn body(&mut self, at: &Range<usize>, body: Option<Prism<'_>>) -> Node {
        match body {
            Some(node) => self.node(&node),
            None => Node { span: at.clone(), form: Form::Nil },
        }
    }

    fn node(&mut self, node: &Prism<'_>) -> Node {
        let at = span(node);
        if self.depth >= DEEPEST {
            return Node::other(at, "code nested too deep");
        }
        self.depth += 1;
        let form = self
            .literal(node)
            .or_else(|| self.name(node))
            .or_else(|| self.writing(node, &at))
            .or_else(|| self.control(node, &at))
            .or_else(|| self.repeated(node, &at))
            .or_else(|| self.definition(node, &at))
            .unwrap_or_else(|| Form::Other("code".to_owned()));
        self.depth -= 1;
        Node { span: at, form }
    }

    fn literal(&mut self, node: &Prism<'_>) -> Option<Form> {
        let text = |bytes: &[u8]| Form::Text(name(bytes));
        Some(match node {
            Prism::StringNode { .. } => text(node.as_string_node()?.unescaped()),
            Prism::SymbolNode { .. } => text(node.as_symbol_node()?.unescaped()),
            Prism::XStringNode { .. } => Form::Other("shell command".to_owned()),
            Prism::InterpolatedStringNode { .. } => {
                let parts = node.as_interpolated_string_node()?.parts();
                Form::Pieces(parts.iter().map(|part| self.piece(&part)).collect())
            }
            Prism::InterpolatedSymbolNode { .. } => {
                let parts = node.as_interpolated_symbol_node()?.parts();
                Form::Pieces(parts.iter().map(|part| self.piece(&part)).collect())
            }
            Prism::IntegerNode { .. } | Prism::FloatNode { .. } | Prism::RationalNode { .. } => {
                Form::Number(name(node.location().as_slice()).replace('_', ""))
            }
            Prism::TrueNode { .. } => Form::Bool(true),
            Prism::FalseNode { .. } => Form::Bool(false),
            Prism::NilNode { .. } => Form::Nil,
            Prism::ArrayNode { .. } => {
                let elements = node.as_array_node()?.elements();
                Form::List(elements.iter().map(|element| self.node(&element)).collect())
            }
            Prism::HashNode { .. } => {
                let elements = node.as_hash_node()?.elements();
                Form::Map(elements.iter().map(|element| self.pair(&element)).collect())
            }
            Prism::KeywordHashNode { .. } => {
                let elements = node.as_keyword_hash_node()?.elements();
                Form::Map(elements.iter().map(|element| self.pair(&element)).collect())
            }
            Prism::SplatNode { .. } => match node.as_splat_node()?.expression() {
                Some(inner) => Form::Splat(Box::new(self.node(&inner))),
                None => Form::Other("arguments".to_owned()),
            },
            Prism::RangeNode { .. } => Form::Other("range".to_owned()),
            Prism::ImplicitNode { .. } => self.node(&node.as_implicit_node()?.value()).form,
            Prism::ParenthesesNode { .. } => self.body(&span(node), node.as_parentheses_node()?.body()).form,
            Prism::EmbeddedStatementsNode { .. } => {
                self.sequence(&span(node), node.as_embedded_statements_node()?.statements()).form
            }
            Prism::EmbeddedVariableNode { .. } => self.node(&node.as_embedded_variable_node()?.variable()).form,
            Prism::LambdaNode { .. } => {
                let lambda = node.as_lambda_node()?;
                let body = self.body(&span(node), lambda.body());
                Form::Block(Rc::new(Block { names: self.block_names(lambda.parameters()), body }))
            }
            _ => return None,
        })
    }

    fn piece(&mut self, part: &Prism<'_>) -> Node {
        self.node(part)
    }

    fn pair(&mut self, element: &Prism<'_>) -> (Node, Node) {
        if let Some(pair) = element.as_assoc_node() {
            return (self.node(&pair.key()), self.node(&pair.value()));
        }
        let nothing = Node { span: span(element), form: Form::Nil };
        match element.as_assoc_splat_node().and_then(|splat| splat.value()) {
            Some(value) => (nothing, self.node(&value)),
            None => (nothing.clone(), nothing),
        }
    }

    fn name(&mut self, node: &Prism<'_>) -> Option<Form> {
        Some(match node {
            Prism::LocalVariableReadNode { .. } => Form::Name(name(node.as_local_variable_read_node()?.name().as_slice())),
            Prism::ItLocalVariableReadNode { .. } => Form::Name("it".to_owned()),
            Prism::InstanceVariableReadNode { .. } => Form::Name(name(node.as_instance_variable_read_node()?.name().as_slice())),
            Prism::ClassVariableReadNode { .. } => Form::Name(name(node.as_class_variable_read_node()?.name().as_slice())),
            Prism::GlobalVariableReadNode { .. } => Form::Name(name(node.as_global_variable_read_node()?.name().as_slice())),
            Prism::ConstantReadNode { .. } => Form::Name(name(node.as_constant_read_node()?.name().as_slice())),
            Prism::ConstantPathNode { .. } => {
                let path: String = name(node.location().as_slice()).split_whitespace().collect();
                Form::Name(path.trim_start_matches("::").to_owned())
            }
            Prism::SelfNode { .. } => Form::Name("self".to_owned()),
            _ => return None,
        })
    }

    fn writing(&mut self, node: &Prism<'_>, at: &Range<usize>) -> Option<Form> {
        let one = |reader: &mut Reader, target: &[u8], value: &Prism<'_>| Form::Assign {
            names: vec![name(target)],
            value: Box::new(reader.node(value)),
        };
        // `||=` and the like: what the name has may be kept.
        let perhaps = |reader: &mut Reader, target: &[u8], value: &Prism<'_>| {
            let old = Node { span: at.clone(), form: Form::Name(name(target)) };
            let right = reader.node(value);
            let call = Call { receiver: Some(old), name: "||".to_owned(), arguments: vec![right], named: vec![], block: None };
            Form::Assign {
                names: vec![name(target)],
                value: Box::new(Node { span: at.clone(), form: Form::Call(Box::new(call)) }),
            }
        };
        macro_rules! write {
            ($as:ident, $how:ident) => {{
                let write = node.$as()?;
                $how(self, write.name().as_slice(), &write.value())
            }};
        }
        Some(match node {
            Prism::LocalVariableWriteNode { .. } => write!(as_local_variable_write_node, one),
            Prism::InstanceVariableWriteNode { .. } => write!(as_instance_variable_write_node, one),
            Prism::ClassVariableWriteNode { .. } => write!(as_class_variable_write_node, one),
            Prism::ConstantWriteNode { .. } => write!(as_constant_write_node, one),
            Prism::LocalVariableOrWriteNode { .. } => write!(as_local_variable_or_write_node, perhaps),
            Prism::InstanceVariableOrWriteNode { .. } => write!(as_instance_variable_or_write_node, perhaps),
            Prism::ConstantOrWriteNode { .. } => write!(as_constant_or_write_node, one),
            Prism::LocalVariableOperatorWriteNode { .. } => {
                let write = node.as_local_variable_operator_write_node()?;
                let target = name(write.name().as_slice());
                let old = Node { span: at.clone(), form: Form::Name(target.clone()) };
                let right = self.node(&write.value());
                let operator = name(write.binary_operator().as_slice());
                let call = Call { receiver: Some(old), name: operator, arguments: vec![right], named: vec![], block: None };
                Form::Assign { names: vec![target], value: Box::new(Node { span: at.clone(), form: Form::Call(Box::new(call)) }) }
            }
            Prism::MultiWriteNode { .. } => {
                let write = node.as_multi_write_node()?;
                let names = write.lefts().iter().map(|left| target_name(&left)).collect();
                Form::Assign { names, value: Box::new(self.node(&write.value())) }
            }
            _ => return None,
        })
    }

    fn control(&mut self, node: &Prism<'_>, at: &Range<usize>) -> Option<Form> {
        Some(match node {
            Prism::StatementsNode { .. } => self.sequence(at, node.as_statements_node()).form,
            Prism::IfNode { .. } => {
                let branch = node.as_if_node()?;
                let test = Box::new(self.node(&branch.predicate()));
                let yes = self.sequence(at, branch.statements());
                let no = self.body(at, branch.subsequent());
                Form::Branch { test, ways: vec![yes, no] }
            }
            Prism::UnlessNode { .. } => {
                let branch = node.as_unless_node()?;
                let test = Box::new(self.node(&branch.predicate()));
                let no = self.sequence(at, branch.statements());
                let yes = self.sequence(at, branch.else_clause().and_then(|other| other.statements()));
                Form::Branch { test, ways: vec![yes, no] }
            }
            Prism::ElseNode { .. } => self.sequence(at, node.as_else_node()?.statements()).form,
            Prism::CaseNode { .. } => {
                let case = node.as_case_node()?;
                let test = Box::new(self.body(at, case.predicate()));
                let mut ways: Vec<Node> = case
                    .conditions()
                    .iter()
                    .filter_map(|when| when.as_when_node().map(|when| self.sequence(at, when.statements())))
                    .collect();
                ways.push(self.sequence(at, case.else_clause().and_then(|other| other.statements())));
                ways.push(Node { span: at.clone(), form: Form::Nil });
                Form::Branch { test, ways }
            }
            Prism::AndNode { .. } => {
                let and = node.as_and_node()?;
                self.connective("&&", &and.left(), &and.right())
            }
            Prism::OrNode { .. } => {
                let or = node.as_or_node()?;
                self.connective("||", &or.left(), &or.right())
            }
            Prism::YieldNode { .. } => {
                let given = node.as_yield_node()?.arguments().map(|arguments| self.arguments(&arguments));
                let (arguments, named) = given.unwrap_or_default();
                Form::Call(Box::new(Call { receiver: None, name: "yield".to_owned(), arguments, named, block: None }))
            }
            Prism::ReturnNode { .. } => {
                let value = node.as_return_node()?.arguments().and_then(|arguments| arguments.arguments().iter().next());
                Form::Return(Box::new(self.body(at, value)))
            }
            _ => return None,
        })
    }

    /// Loops, and what is run when something fails.
    fn repeated(&mut self, node: &Prism<'_>, at: &Range<usize>) -> Option<Form> {
        Some(match node {
            Prism::WhileNode { .. } => {
                let body = self.sequence(at, node.as_while_node()?.statements());
                self.again(at, body)
            }
            Prism::UntilNode { .. } => {
                let body = self.sequence(at, node.as_until_node()?.statements());
                self.again(at, body)
            }
            Prism::ForNode { .. } => {
                let each = node.as_for_node()?;
                let over = Box::new(self.node(&each.collection()));
                let body = Box::new(self.sequence(at, each.statements()));
                Form::Each { names: vec![target_name(&each.index())], over, body }
            }
            Prism::BeginNode { .. } => {
                let begin = node.as_begin_node()?;
                let mut nodes = self.statements(begin.statements());
                nodes.extend(self.statements(begin.else_clause().and_then(|other| other.statements())));
                nodes.extend(self.statements(begin.ensure_clause().and_then(|ensure| ensure.statements())));
                let body = Box::new(Node::sequence(at.clone(), nodes));
                let rescue = Box::new(self.sequence(at, begin.rescue_clause().and_then(|rescue| rescue.statements())));
                Form::Attempt { body, rescue }
            }
            Prism::RescueModifierNode { .. } => {
                let rescue = node.as_rescue_modifier_node()?;
                let body = Box::new(self.node(&rescue.expression()));
                Form::Attempt { body, rescue: Box::new(Node { span: at.clone(), form: Form::Nil }) }
            }
            _ => return None,
        })
    }

    fn again(&mut self, at: &Range<usize>, body: Node) -> Form {
        let over = Box::new(Node::other(at.clone(), "loop"));
        Form::Each { names: vec![], over, body: Box::new(body) }
    }

    fn connective(&mut self, word: &str, left: &Prism<'_>, right: &Prism<'_>) -> Form {
        let (receiver, right) = (Some(self.node(left)), self.node(right));
        Form::Call(Box::new(Call { receiver, name: word.to_owned(), arguments: vec![right], named: vec![], block: None }))
    }

    fn definition(&mut self, node: &Prism<'_>, at: &Range<usize>) -> Option<Form> {
        Some(match node {
            Prism::CallNode { .. } => self.call(&node.as_call_node()?),
            Prism::DefNode { .. } => {
                let def = node.as_def_node()?;
                let names = def.parameters().map(|parameters| self.parameters(&parameters)).unwrap_or_default();
                let body = self.body(at, def.body());
                Form::Method(Rc::new(Method { name: name(def.name().as_slice()), names, body }))
            }
            Prism::ClassNode { .. } => {
                let class = node.as_class_node()?;
                let parent = class.superclass().map(|parent| name(parent.location().as_slice())).unwrap_or_default();
                let body = self.body(at, class.body());
                Form::Class(Rc::new(Class { name: name(class.name().as_slice()), parent, body: body.statements().to_vec() }))
            }
            Prism::ModuleNode { .. } => {
                let module = node.as_module_node()?;
                let body = self.body(at, module.body());
                Form::Class(Rc::new(Class {
                    name: name(module.name().as_slice()),
                    parent: String::new(),
                    body: body.statements().to_vec(),
                }))
            }
            Prism::SingletonClassNode { .. } => self.body(at, node.as_singleton_class_node()?.body()).form,
            _ => return None,
        })
    }

    fn call(&mut self, call: &CallNode<'_>) -> Form {
        let receiver = call.receiver().filter(|receiver| receiver.as_self_node().is_none()).map(|receiver| self.node(&receiver));
        let (arguments, named) = call.arguments().map(|arguments| self.arguments(&arguments)).unwrap_or_default();
        let block = call.block().and_then(|block| self.block(&block));
        Form::Call(Box::new(Call { receiver, name: name(call.name().as_slice()), arguments, named, block }))
    }

    fn arguments(&mut self, arguments: &ArgumentsNode<'_>) -> (Vec<Node>, Vec<(Option<String>, Node)>) {
        let (mut placed, mut named) = (vec![], vec![]);
        for argument in &arguments.arguments() {
            let Some(words) = argument.as_keyword_hash_node() else {
                placed.push(self.node(&argument));
                continue;
            };
            let mut rest = vec![];
            for element in &words.elements() {
                match self.pair(&element) {
                    (Node { form: Form::Text(key), .. }, value) => named.push((Some(key), value)),
                    (Node { form: Form::Nil, .. }, value) => named.push((None, value)),
                    pair => rest.push(pair),
                }
            }
            if !rest.is_empty() {
                placed.push(Node { span: span(&argument), form: Form::Map(rest) });
            }
        }
        (placed, named)
    }

    fn block(&mut self, block: &Prism<'_>) -> Option<Rc<Block>> {
        let block = block.as_block_node()?;
        let body = self.body(&span(&block.as_node()), block.body());
        Some(Rc::new(Block { names: self.block_names(block.parameters()), body }))
    }

    fn block_names(&mut self, parameters: Option<Prism<'_>>) -> Vec<String> {
        match parameters {
            Some(Prism::NumberedParametersNode { .. }) => vec!["_1".to_owned(), "_2".to_owned()],
            Some(Prism::ItParametersNode { .. }) => vec!["it".to_owned()],
            Some(node) => {
                let parameters = node.as_block_parameters_node().and_then(|parameters| parameters.parameters());
                let names = parameters.map(|parameters| self.parameters(&parameters)).unwrap_or_default();
                names.into_iter().map(|parameter| parameter.name).collect()
            }
            None => vec![],
        }
    }

    fn parameters(&mut self, parameters: &ParametersNode<'_>) -> Vec<Parameter> {
        let mut names: Vec<Parameter> = vec![];
        for required in &parameters.requireds() {
            match required.as_multi_target_node() {
                Some(several) => {
                    names.extend(several.lefts().iter().map(|left| Parameter { name: target_name(&left), default: None }))
                }
                None => names.push(Parameter { name: target_name(&required), default: None }),
            }
        }
        for optional in &parameters.optionals() {
            if let Some(optional) = optional.as_optional_parameter_node() {
                let default = Some(self.node(&optional.value()));
                names.push(Parameter { name: name(optional.name().as_slice()), default });
            }
        }
        for keyword in &parameters.keywords() {
            if let Some(keyword) = keyword.as_optional_keyword_parameter_node() {
                let default = Some(self.node(&keyword.value()));
                names.push(Parameter { name: name(keyword.name().as_slice()), default });
            } else if let Some(keyword) = keyword.as_required_keyword_parameter_node() {
                names.push(Parameter { name: name(keyword.name().as_slice()), default: None });
            }
        }
        names
    }
}

fn target_name(target: &Prism<'_>) -> String {
    let found = match target {
        Prism::LocalVariableTargetNode { .. } => {
            target.as_local_variable_target_node().map(|target| name(target.name().as_slice()))
        }
        Prism::RequiredParameterNode { .. } => target.as_required_parameter_node().map(|target| name(target.name().as_slice())),
        Prism::ConstantTargetNode { .. } => target.as_constant_target_node().map(|target| name(target.name().as_slice())),
        _ => None,
    };
    found.unwrap_or_else(|| "_".to_owned())
}
