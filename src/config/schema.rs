//! The JSON Schema of the config file, for editors: made from the table in `keys`, so it says what is really read.

use super::keys::{self, Key, Section, Shape};
use serde_json::{Map, Value, json};

/// What `halfstep schema` prints (JSON Schema, draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    of(&keys::ROOT, "halfstep.toml")
}

/// The schema of another file, from its own table.
pub(super) fn of(root: &Section, title: &str) -> Value {
    let mut schema = section(root);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".into(), json!(title));
    }
    schema
}

fn section(section: &Section) -> Value {
    let keys = section.keys();
    let properties: Map<String, Value> = keys.map(|key| (key.name.to_owned(), property(key))).collect();
    json!({ "type": "object", "properties": properties, "required": section.required, "additionalProperties": false })
}

fn property(key: &Key) -> Value {
    let mut value = shape(key.shape);
    if let Some(object) = value.as_object_mut() {
        object.insert("description".into(), json!(key.doc));
    }
    value
}

fn shape(shape: Shape) -> Value {
    let text = json!({ "type": "string" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let list = |of: &Value| json!({ "type": "array", "items": of });
    match shape {
        Shape::Text => text,
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole => whole,
        Shape::Number => json!({ "type": "number" }),
        Shape::Length => json!({ "type": "string", "examples": ["500ms", "30s", "5m", "1h30m"] }),
        Shape::LengthOrOff => json!({ "type": "string", "examples": ["2ms", "off"] }),
        Shape::Share => json!({ "type": "string", "pattern": "^[0-9.]+ *%$" }),
        Shape::Word(words) => json!({ "type": "string", "enum": words }),
        Shape::Texts => list(&text),
        Shape::TextOrTexts => json!({ "anyOf": [text, list(&text)] }),
        Shape::WholeOrWholes => json!({ "anyOf": [whole, list(&whole)] }),
        Shape::Words(words) => list(&json!({ "type": "string", "enum": words })),
        Shape::Pairs => json!({ "type": "object", "additionalProperties": text }),
        Shape::Section(inner) => section(inner),
        Shape::SectionOrSections(inner) => json!({ "anyOf": [section(inner), list(&section(inner))] }),
        Shape::Sections(inner) => list(&section(inner)),
        Shape::Named(inner) => json!({ "type": "object", "additionalProperties": section(inner) }),
    }
}

/// The sections that have a key of that name, as `[health] and [version]`.
pub(super) fn sections_with(name: &str) -> Option<String> {
    let has = |key: &&'static Key| match key.shape {
        Shape::Section(inner) | Shape::SectionOrSections(inner) | Shape::Sections(inner) => inner.key(name).is_some(),
        Shape::Text | Shape::Flag | Shape::Whole | Shape::Number | Shape::Length | Shape::LengthOrOff | Shape::Share => false,
        Shape::Word(_) | Shape::Texts | Shape::TextOrTexts | Shape::WholeOrWholes | Shape::Words(_) | Shape::Pairs => false,
        Shape::Named(_) => false,
    };
    let found: Vec<String> = keys::ROOT.keys().filter(has).map(|key| format!("[{}]", key.name)).collect();
    (!found.is_empty()).then(|| found.join(" and "))
}
