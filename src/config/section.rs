//! Reading one section of the file: typed values with their places; what cannot be read is noted and left out.
//!
//! Knows what a value looks like (`keys`), not what it means. A section may lie over another one: `[role.worker.health]`
//! over `[health]`, so that a role says only what differs. Read next: `value` for what texts become.

use super::keys::{self, Shape};
use super::reading::{Reading, Said};
use super::value::{self, Wrong};
use crate::model::Printable;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

#[derive(Clone)]
struct Layer<'a> {
    name: String,
    table: &'a DeTable<'a>,
    shape: &'static keys::Section,
}

/// One section, with those that lie beneath it.
pub(super) struct Section<'a> {
    pub reading: &'a Reading<'a>,
    /// As `[health]`, for messages; empty for the file itself.
    pub name: String,
    /// Its head, for what is left out.
    pub at: Range<usize>,
    layers: Vec<Layer<'a>>,
}

impl<'a> Section<'a> {
    /// Notes keys that are not in `shape` and those that are required and left out.
    pub fn open(
        reading: &'a Reading<'a>,
        name: &str,
        at: Range<usize>,
        table: &'a DeTable<'a>,
        shape: &'static keys::Section,
    ) -> Section<'a> {
        let section = Section { reading, name: name.to_owned(), at, layers: vec![Layer { name: name.to_owned(), table, shape }] };
        for key in table.keys() {
            section.known(key, shape);
        }
        for required in shape.required {
            if !table.contains_key(*required) {
                let doc = shape.key(required).map(|key| key.doc.to_owned());
                let what = match name {
                    "" => format!("[{required}] is left out"),
                    name => format!("{name} {required} is left out"),
                };
                reading.note(section.at.clone(), what, doc);
            }
        }
        section
    }

    /// The same section lying over another one that answers what this one leaves out.
    pub fn over(mut self, below: &Section<'a>) -> Section<'a> {
        self.layers.extend(below.layers.iter().cloned());
        self
    }

    /// The same lying over a table, called `name`, of which only the keys of `shape` count.
    pub fn over_keys(mut self, name: &str, table: &'a DeTable<'a>, shape: &'static keys::Section) -> Section<'a> {
        if shape.keys().any(|key| table.contains_key(key.name)) {
            self.layers.push(Layer { name: name.to_owned(), table, shape });
        }
        self
    }

    /// How far down the first layer lies that has one of these keys; 0 is the uppermost.
    pub fn depth(&self, names: &[&str]) -> Option<usize> {
        self.layers
            .iter()
            .position(|layer| names.iter().any(|name| layer.shape.key(name).is_some() && layer.table.contains_key(*name)))
    }

    /// A section that is not in the file.
    pub fn empty(reading: &'a Reading<'a>, name: &str) -> Section<'a> {
        Section { reading, name: name.to_owned(), at: 0..0, layers: Vec::new() }
    }

    fn known(&self, key: &Spanned<toml::de::DeString<'a>>, shape: &'static keys::Section) {
        let name: &str = key.get_ref();
        match shape.key(name) {
            Some(_) => {}
            None => {
                let known: Vec<&str> = shape.keys().map(|key| key.name).collect();
                let help = value::nearest(name, known.iter().copied())
                    .map_or_else(|| elsewhere(&self.name, name, &known), |near| format!("did you mean {near}?"));
                let what = match self.name.as_str() {
                    "" => format!("there is no section or key {} here", value::quoted(name)),
                    section => format!("{section} has no key {}", value::quoted(name)),
                };
                self.reading.note(key.span(), what, help);
            }
        }
    }

    /// Is it in the file at all?
    pub fn is_there(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Of keys that exclude each other, the one that the uppermost layer with any of them has. Notes a second one.
    pub fn one_of(&self, names: &[&'static str]) -> Option<&'static str> {
        for layer in &self.layers {
            let mut said = names.iter().filter(|name| layer.shape.key(name).is_some() && layer.table.contains_key(**name));
            let first = said.next().copied();
            for second in said {
                if let (Some((key, _)), Some(first)) = (layer.table.get_key_value(*second), first) {
                    let what = format!("{} has both {first} and {second}", self.name);
                    self.reading.note(
                        key.span(),
                        what,
                        format!("leave one of them out: only one of {} can be", names.join(", ")),
                    );
                }
            }
            if first.is_some() {
                return first;
            }
        }
        None
    }

    /// The section that a key is really in, as `[health]`.
    pub fn name_of(&self, key: &str) -> &str {
        let mut layers = self.layers.iter().filter(|layer| layer.shape.key(key).is_some());
        layers.find(|layer| layer.table.contains_key(key)).map_or(self.name.as_str(), |layer| layer.name.as_str())
    }

    /// The place of a key, else the head of the section.
    pub fn key_at(&self, name: &str) -> Range<usize> {
        let mut layers = self.layers.iter().filter(|layer| layer.shape.key(name).is_some());
        layers.find_map(|layer| layer.table.get_key_value(name)).map_or(self.at.clone(), |(key, _)| key.span())
    }

    /// The value as it stands in the file.
    pub fn raw(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.layers.iter().filter(|layer| layer.shape.key(name).is_some()).find_map(|layer| layer.table.get(name))
    }

    /// Notes that a value is not what the key takes.
    fn misfit(&self, name: &str, value: &Spanned<DeValue<'a>>, takes: &str, instead: Option<String>) {
        let what = format!("{} {name} takes {takes}, and this is {}", self.name_of(name), kind_of(value.get_ref()));
        self.reading.note(value.span(), what, instead);
    }

    pub fn text(&self, name: &str) -> Option<Said<String>> {
        self.text_like(name, "a text in quotes")
    }

    fn text_like(&self, name: &str, takes: &str) -> Option<Said<String>> {
        let value = self.raw(name)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Said { value: text.to_string(), at: value.span() }),
            DeValue::Integer(number) => {
                self.misfit(name, value, takes, Some(format!("write {name} = \"{}\"", number.as_str())));
                None
            }
            DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.misfit(name, value, takes, None);
                None
            }
        }
    }

    /// A text that becomes something.
    pub fn parsed<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<Said<T>> {
        let said = self.text(name)?;
        self.reading.take(said, |text| read(text).map_err(|wrong| wrong.of(self.name_of(name), name)))
    }

    pub fn texts(&self, name: &str) -> Vec<Said<String>> {
        let Some(value) = self.raw(name) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(list) => list.iter().filter_map(|one| self.text_of(name, one)).collect(),
            DeValue::String(text) if self.shape_of(name).is_some_and(|shape| matches!(shape, Shape::TextOrTexts)) => {
                vec![Said { value: text.to_string(), at: value.span() }]
            }
            DeValue::String(text) => {
                let instead = format!("write {name} = [{}]", value::quoted(text));
                self.misfit(name, value, "a list of texts", Some(instead));
                Vec::new()
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                let takes = match self.shape_of(name) {
                    Some(Shape::TextOrTexts) => "a text or a list of texts",
                    Some(_) | None => "a list of texts",
                };
                self.misfit(name, value, takes, None);
                Vec::new()
            }
        }
    }

    fn text_of(&self, name: &str, one: &Spanned<DeValue<'a>>) -> Option<Said<String>> {
        match one.get_ref().as_str() {
            Some(text) => Some(Said { value: text.to_owned(), at: one.span() }),
            None => {
                self.misfit(name, one, "a list of texts", None);
                None
            }
        }
    }

    fn shape_of(&self, name: &str) -> Option<Shape> {
        self.layers.iter().find_map(|layer| layer.shape.key(name)).map(|key| key.shape)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        let value = self.raw(name)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.misfit(name, value, "true or false", Some(format!("write {name} = true, without quotes")));
        }
        flag
    }

    /// A whole number in a range.
    pub fn whole(&self, name: &str, range: RangeInclusive<u64>) -> Option<Said<u64>> {
        self.raw(name).and_then(|value| self.whole_of(name, value, range))
    }

    fn whole_of(&self, name: &str, value: &Spanned<DeValue<'a>>, range: RangeInclusive<u64>) -> Option<Said<u64>> {
        let Some(number) = value.get_ref().as_integer() else {
            self.misfit(name, value, "a whole number", unquoted(name, value));
            return None;
        };
        match u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number)) {
            Some(number) => Some(Said { value: number, at: value.span() }),
            None => {
                let what = format!("{} {name} cannot be {}", self.name_of(name), number.as_str());
                self.reading.note(value.span(), what, format!("a whole number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }

    /// One whole number or a list of them.
    pub fn wholes(&self, name: &str, range: RangeInclusive<u64>) -> Vec<u64> {
        let Some(value) = self.raw(name) else { return Vec::new() };
        let list: Vec<&Spanned<DeValue<'a>>> = match value.get_ref().as_array() {
            Some(list) => list.iter().collect(),
            None => vec![value],
        };
        list.into_iter().filter_map(|one| self.whole_of(name, one, range.clone())).map(|said| said.value).collect()
    }

    /// A number in a range.
    pub fn number(&self, name: &str, range: RangeInclusive<f64>) -> Option<Said<f64>> {
        let value = self.raw(name)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64),
            DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.misfit(name, value, "a number", unquoted(name, value));
                return None;
            }
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(Said { value: number, at: value.span() }),
            None => {
                let shown = Printable::cut(self.reading.text.get(value.span()).unwrap_or_default(), 40);
                let what = format!("{} {name} cannot be {shown}", self.name_of(name));
                self.reading.note(value.span(), what, format!("a number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }

    /// A duration in a range.
    pub fn length(&self, name: &str, range: RangeInclusive<Duration>) -> Option<Said<Duration>> {
        let value = self.raw(name)?;
        if let Some(number) = value.get_ref().as_integer() {
            let instead = format!("write {name} = \"{}s\" for seconds, \"{0}ms\" for thousandths", number.as_str());
            self.misfit(name, value, "a duration in quotes", Some(instead));
            return None;
        }
        let said = self.text_like(name, "a duration in quotes, as \"30s\"")?;
        self.reading.take(said, |text| value::duration(text, &range).map_err(|wrong| wrong.of(self.name_of(name), name)))
    }

    /// A percentage as a share of 1.
    pub fn share(&self, name: &str) -> Option<f64> {
        let value = self.raw(name)?;
        if let DeValue::Integer(_) | DeValue::Float(_) = value.get_ref() {
            let raw = self.reading.text.get(value.span()).unwrap_or_default();
            let instead = match raw.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => format!("{}%", (share * 1e6).round() / 1e4),
                Ok(percent) if percent <= 100.0 => format!("{percent}%"),
                Ok(_) | Err(_) => "50%".to_owned(),
            };
            self.misfit(name, value, "a percentage in quotes", Some(format!("write {name} = \"{instead}\"")));
            return None;
        }
        let said = self.text_like(name, "a percentage in quotes, as \"50%\"")?;
        self.reading
            .take(said, |text| value::share(text).map_err(|wrong| wrong.of(self.name_of(name), name)))
            .map(|said| said.value)
    }

    /// One of the words that the table lists, as our own type has them.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Option<Said<T>> {
        let Some(Shape::Word(words) | Shape::Words(words)) = self.shape_of(name) else { return None };
        let said = self.text(name)?;
        self.word_of(name, said, words)
    }

    /// A list of such words.
    pub fn words<T: DeserializeOwned>(&self, name: &str) -> Option<Vec<T>> {
        let Some(Shape::Words(words)) = self.shape_of(name) else { return None };
        self.raw(name)?;
        Some(self.texts(name).into_iter().filter_map(|said| self.word_of(name, said, words)).map(|said| said.value).collect())
    }

    fn word_of<T: DeserializeOwned>(&self, name: &str, said: Said<String>, words: &[&'static str]) -> Option<Said<T>> {
        self.reading.take(said, |text| {
            let from: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
            words.contains(&text).then(|| T::deserialize(from).ok()).flatten().ok_or_else(|| {
                let near = value::nearest(text, words.iter().copied()).map(|near| format!("did you mean {near}? "));
                let all = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
                Wrong::new(format!("cannot be {}", value::quoted(text)))
                    .help(format!("{}one of {all}", near.unwrap_or_default()))
                    .of(self.name_of(name), name)
            })
        })
    }

    /// A section inside this one; an empty one where it is left out.
    pub fn inner(&self, name: &str, shown: &str, shape: &'static keys::Section) -> Section<'a> {
        let layer = self.layers.iter().find_map(|layer| layer.table.get_key_value(name));
        match layer {
            Some((key, value)) => match value.get_ref() {
                DeValue::Table(table) => Section::open(self.reading, shown, key.span(), table, shape),
                DeValue::Array(list) if list.iter().any(|one| one.get_ref().is_table()) => {
                    let what = format!("{shown} can be there only once");
                    self.reading.note(key.span(), what, format!("write [{name}] once, in single brackets"));
                    Section::empty(self.reading, shown)
                }
                other => {
                    let what = format!("{name} is {}, and should be a section", kind_of(other));
                    self.reading.note(value.span(), what, format!("write {shown} on a line of its own and its keys below"));
                    Section::empty(self.reading, shown)
                }
            },
            None => Section::empty(self.reading, shown),
        }
    }

    /// The sections of a list of sections, each with its place; one section alone counts as a list of one.
    pub fn tables(&self, name: &str) -> Vec<Said<&'a DeTable<'a>>> {
        let Some((key, value)) = self.layers.iter().find_map(|layer| layer.table.get_key_value(name)) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Table(table) => vec![Said { value: table, at: key.span() }],
            DeValue::Array(list) => list.iter().filter_map(|one| self.table_of(name, one)).collect(),
            DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                let what = format!("{name} is {}, and should be a section", kind_of(value.get_ref()));
                self.reading.note(value.span(), what, format!("write [[{name}]] on a line of its own and its keys below"));
                Vec::new()
            }
        }
    }

    fn table_of(&self, name: &str, one: &'a Spanned<DeValue<'a>>) -> Option<Said<&'a DeTable<'a>>> {
        match one.get_ref().as_table() {
            Some(table) => Some(Said { value: table, at: one.span() }),
            None => {
                self.misfit(name, one, "tables, as { path = \"/\" }", None);
                None
            }
        }
    }
}

/// A number in quotes, without them.
fn unquoted(name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let number = value.get_ref().as_str()?.trim();
    number.parse::<f64>().ok().map(|_| format!("write {name} = {number}, without quotes"))
}

/// Where a key that this section has not could belong.
fn elsewhere(section: &str, name: &str, known: &[&str]) -> String {
    let role = section.strip_prefix("[role.").and_then(|role| role.strip_suffix(']'));
    match (role, super::schema::sections_with(name)) {
        (Some(role), Some(sections)) => {
            format!("it is a key of {sections}: write it below a section of the role's own, as [role.{role}.health]")
        }
        (None, Some(sections)) => format!("it is a key of {sections}"),
        (_, None) => format!("the keys here are {}", known.join(", ")),
    }
}

/// What a value is, in words.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
