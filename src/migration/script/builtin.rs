//! What the languages themselves know: lists, maps, texts, comparisons. No word of a framework, and nothing of a database.
//!
//! Read next: [`super::walk`].

use super::Call;
use super::called::Called;
use super::value::Value;
use super::walk::Walk;

/// `&&`, `||`, `!`, as both languages' words for them are called here: the right side may not be run at all. `None`: it is none of them.
pub fn connective(walk: &mut Walk<'_>, call: &Call, left: Option<&Value>, is_statement: bool) -> Option<Value> {
    let known = left.and_then(Value::truth);
    match (call.name.as_str(), call.arguments.as_slice()) {
        ("&&", [right]) if left.is_some() => Some(match known {
            Some(false) => Value::Bool(false),
            _ => joined(known, walk.right(right, is_statement)),
        }),
        ("||", [right]) if left.is_some() => Some(match left {
            Some(value) if known == Some(true) || (value.is_known() && known.is_none()) => value.clone(),
            _ => joined(known.map(|truth| !truth), walk.right(right, is_statement)),
        }),
        ("!", []) if left.is_some() => Some(match known {
            Some(truth) => Value::Bool(!truth),
            None => Value::Unknown("condition".to_owned()),
        }),
        _ => None,
    }
}

/// The right side counts where the left one is known; else the whole is not known.
fn joined(is_decided: Option<bool>, right: Value) -> Value {
    if is_decided.is_some() || right == Value::Bool(false) { right } else { Value::Unknown("condition".to_owned()) }
}

/// A method of a list, a map, a text, or a comparison. `None`: it is none of them, or of something that is not known.
pub fn call(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    let receiver = called.receiver.as_ref()?;
    if let Some(value) = comparison(receiver, called) {
        return Some(value);
    }
    if let Some(value) = with_block(walk, called, receiver) {
        return Some(value);
    }
    match receiver {
        Value::Text { .. } => text(receiver, called),
        Value::List(items) => list(items, called),
        Value::Map(pairs) => map(receiver, pairs, called),
        Value::Number(_) | Value::Bool(_) | Value::Nil => Some(Value::Unknown(called.full())),
        Value::Block(block) if matches!(called.name.as_str(), "call" | "()") => {
            let block = block.clone();
            Some(walk.block(&block, &called.arguments))
        }
        Value::Block(_) | Value::Made(_) | Value::Rows { .. } | Value::Handle(_) | Value::Unknown(_) => None,
    }
}

/// Methods that go through a list, or hand their receiver on, and run a block for it.
const WITH_BLOCK: &[&str] = &[
    "each",
    "each_with_index",
    "each_pair",
    "each_value",
    "each_slice",
    "map",
    "flat_map",
    "collect",
    "each_with_object",
    "filter_map",
    "select",
    "reject",
    "filter",
    "times",
    "sort_by",
    "to_h",
    "find",
    "detect",
    "any?",
    "all?",
    "each_key",
    "index_with",
    "group_by",
    "sum",
    "then",
    "tap",
    "reverse_each",
    "in_groups_of",
    "each_entry",
    "each_line",
    "upto",
    "inject",
    "reduce",
    "partition",
    "none?",
    "count",
    "each_cons",
    "find_index",
    "uniq",
];

fn with_block(walk: &mut Walk<'_>, called: &Called, receiver: &Value) -> Option<Value> {
    let block = called.block.as_ref()?;
    if !WITH_BLOCK.contains(&called.name.as_str()) {
        return None;
    }
    let given = match called.name.as_str() {
        "then" | "tap" => vec![walk.block(block, std::slice::from_ref(receiver))],
        "each_value" | "each_slice" | "each_key" | "times" | "in_groups_of" | "inject" | "reduce" => {
            walk.each(block, &Value::Unknown(called.path.clone()))
        }
        _ => walk.each(block, receiver),
    };
    Some(match called.name.as_str() {
        "map" | "collect" if matches!(receiver, Value::List(_) | Value::Map(_)) => Value::List(given),
        "flat_map" if matches!(receiver, Value::List(_) | Value::Map(_)) => {
            Value::List(given.iter().flat_map(Value::items).collect())
        }
        "each" | "each_with_index" | "each_pair" | "tap" => receiver.clone(),
        _ => Value::Unknown(called.full()),
    })
}

fn comparison(receiver: &Value, called: &Called) -> Option<Value> {
    let [other] = called.arguments.as_slice() else { return None };
    let unknown = || Some(Value::Unknown("condition".to_owned()));
    match called.name.as_str() {
        "==" | "!=" if receiver.is_known() && other.is_known() => Some(Value::Bool((receiver == other) == (called.name == "=="))),
        "in" | "not in" if receiver.is_known() && other.is_known() => {
            let Value::List(items) = other else { return unknown() };
            Some(Value::Bool(items.contains(receiver) == (called.name == "in")))
        }
        "==" | "!=" | "<" | ">" | "<=" | ">=" | "in" | "not in" | "is" | "is not" | "=~" | "!~" | "===" | "<=>" => unknown(),
        _ => None,
    }
}

fn text(receiver: &Value, called: &Called) -> Option<Value> {
    let marked = receiver.marked();
    let holes = !receiver.is_known();
    let with = |text: String, holes: bool| Some(Value::Text { text, holes });
    let first = called.arguments.first();
    match called.name.as_str() {
        "to_sym" | "to_s" | "freeze" | "dup" | "strip" | "squish" | "strip_heredoc" | "html_safe" | "-@" | "+@" | "lower"
        | "downcase" | "chomp" | "strip!" | "lstrip" | "rstrip" | "itself" | "to_str" | "presence" | "squish!" | "underscore"
        | "dedent" => {
            with(if called.name == "downcase" || called.name == "lower" { marked.to_lowercase() } else { marked }, holes)
        }
        // Changed in a way that is not followed; what it is about stays.
        "gsub" | "sub" | "tr" | "delete" | "replace" | "indent" => with(marked, true),
        "upcase" | "upper" if !holes => with(marked.to_uppercase(), false),
        "+" | "<<" | "concat" => {
            let other = first?;
            with(format!("{marked}{}", other.marked()), holes || !other.is_known())
        }
        "%" | "format" => {
            let given: Vec<Value> = called.arguments.iter().flat_map(Value::items).collect();
            Some(filled(&marked, holes, &given, called))
        }
        "join" => {
            let Some(Value::List(items)) = first else { return with(marked, true) };
            with(items.iter().map(Value::marked).collect::<Vec<_>>().join(&marked), holes || !items.iter().all(Value::is_known))
        }
        "split" if !holes => {
            let separator = first.map(Value::shown).filter(|separator| !separator.is_empty());
            let words: Vec<Value> = match separator {
                Some(separator) => marked.split(separator.as_str()).map(Value::text).collect(),
                None => marked.split_whitespace().map(Value::text).collect(),
            };
            Some(Value::List(words))
        }
        _ => Some(Value::Unknown(called.full())),
    }
}

/// `"… %s …" % value`, `"… {} …".format(value)`: each place gets its value, or the one of its name.
fn filled(marked: &str, mut holes: bool, given: &[Value], called: &Called) -> Value {
    let named = |name: &str| called.option(name).or_else(|| given.iter().find_map(|value| value.at(name)));
    let mut given = given.iter();
    let (mut text, mut rest) = (String::new(), marked);
    let is_percent = called.name == "%";
    while let Some(at) = rest.find(if is_percent { '%' } else { '{' }) {
        text.push_str(&rest[..at]);
        let place = &rest[at..];
        let (length, name) = match (is_percent, place.find(['}', 's', 'd', 'r'])) {
            (true, _) if place.starts_with("%%") => (2, None),
            (true, _) if place.starts_with("%(") => match place.find(')') {
                Some(end) => ((end + 2).min(place.len()), Some(&place[2..end])),
                None => (1, None),
            },
            (true, Some(1)) => (2, Some("")),
            (false, _) if place.starts_with("{{") => (2, None),
            (false, _) => match place.find('}') {
                Some(end) => (end + 1, Some(place[1..end].split([':', '!']).next().unwrap_or_default())),
                None => (1, None),
            },
            _ => (1, None),
        };
        let length = (length..=place.len()).find(|end| place.is_char_boundary(*end)).unwrap_or(place.len());
        match name {
            None => text.push_str(&place[..length.min(1)]),
            Some(name) => {
                let value = if name.is_empty() || name.parse::<usize>().is_ok() { given.next() } else { named(name) };
                holes |= value.is_none_or(|value| !value.is_known());
                text.push_str(&value.map_or_else(|| Value::Unknown(name.to_owned()).marked(), Value::marked));
            }
        }
        rest = &place[length..];
    }
    text.push_str(rest);
    Value::Text { text, holes }
}

fn list(items: &[Value], called: &Called) -> Option<Value> {
    let again = || Some(Value::List(items.to_vec()));
    match called.name.as_str() {
        "freeze" | "dup" | "to_a" | "compact" | "uniq" | "sort" | "to_set" | "copy" | "shuffle" | "presence"
        | "compact_blank" => again(),
        "map" | "each" | "collect" if called.block.is_none() => again(),
        "flatten" => Some(Value::List(items.iter().flat_map(Value::items).collect())),
        "reverse" => Some(Value::List(items.iter().rev().cloned().collect())),
        "first" if called.arguments.is_empty() => Some(items.first().cloned().unwrap_or(Value::Nil)),
        "last" if called.arguments.is_empty() => Some(items.last().cloned().unwrap_or(Value::Nil)),
        "+" | "|" | "concat" | "<<" | "push" | "append" => {
            let more = called.arguments.iter().flat_map(Value::items);
            Some(Value::List(items.iter().cloned().chain(more).collect()))
        }
        "join" => {
            let separator = called.arguments.first().map(Value::marked).unwrap_or_default();
            let holes = !items.iter().all(Value::is_known);
            Some(Value::Text { text: items.iter().map(Value::marked).collect::<Vec<_>>().join(&separator), holes })
        }
        "[]" => match called.arguments.as_slice() {
            [Value::Number(number)] => number.parse().ok().and_then(|place: usize| items.get(place)).cloned(),
            _ => None,
        }
        .or_else(|| Some(Value::Unknown(called.full()))),
        _ => Some(Value::Unknown(called.full())),
    }
}

fn map(receiver: &Value, pairs: &[(Value, Value)], called: &Called) -> Option<Value> {
    match called.name.as_str() {
        "freeze" | "dup" | "to_h" | "copy" | "compact" | "symbolize_keys" | "with_indifferent_access" => Some(receiver.clone()),
        "keys" => Some(Value::List(pairs.iter().map(|(key, _)| key.clone()).collect())),
        "values" => Some(Value::List(pairs.iter().map(|(_, value)| value.clone()).collect())),
        "items" | "to_a" => {
            Some(Value::List(pairs.iter().map(|(key, value)| Value::List(vec![key.clone(), value.clone()])).collect()))
        }
        "merge" | "update" | "|" => {
            let mut merged = pairs.to_vec();
            for other in &called.arguments {
                if let Value::Map(more) = other {
                    merged.extend(more.iter().cloned());
                }
            }
            merged.extend(called.named.iter().map(|(key, value)| (Value::text(key.clone()), value.clone())));
            Some(Value::Map(merged))
        }
        "[]" | "fetch" | "get" | "dig" => {
            let value = called.arguments.first().and_then(|key| receiver.at(&key.shown()));
            Some(value.cloned().unwrap_or_else(|| Value::Unknown(called.full())))
        }
        _ => Some(Value::Unknown(called.full())),
    }
}
