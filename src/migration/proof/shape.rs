//! Values of a type: plain ones, each another, and those at its limits. From the type as the database writes it.
//!
//! It knows no constraint; [`super::candidates`] looks for values that a constraint takes.

use crate::migration::proof::Inventory;
use crate::migration::{Catalogue, Dialect};

/// What values of a type look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    Whole {
        low: i128,
        high: i128,
    },
    /// `None`: without a limit.
    Decimal {
        digits: Option<u32>,
        scale: u32,
    },
    /// The largest power of ten.
    Float(u32),
    Truth,
    /// How many characters, at most.
    Text(Option<usize>),
    Bytes(Option<usize>),
    Uuid,
    Date,
    Time,
    /// Without and with a time zone; `narrow`: MySQL's `TIMESTAMP`.
    Moment {
        narrow: bool,
    },
    Span,
    Json,
    OneOf(Vec<String>),
    Range(Box<Shape>),
    Many(Box<Shape>),
    Net,
    Mac,
    Bits(u32),
    Year,
    Point,
    /// A type that is not known.
    Unknown,
}

/// Longer texts than this find a check on their length.
const LONG_TEXT: usize = 20_001;

/// The shape of a column's type.
#[must_use]
pub fn of(data_type: &str, catalogue: &Catalogue, inventory: &Inventory) -> Shape {
    if let Some(element) = data_type.strip_suffix("[]") {
        return Shape::Many(Box::new(of(element, catalogue, inventory)));
    }
    let bare = data_type.trim_matches('"');
    if let Some(labels) = catalogue.enums.get(data_type).or_else(|| catalogue.enums.get(bare)) {
        return Shape::OneOf(labels.clone());
    }
    if let Some(domain) = inventory.domains.get(data_type).or_else(|| inventory.domains.get(bare)) {
        return of(&domain.base, catalogue, inventory);
    }
    match catalogue.dialect {
        Dialect::Sqlite => sqlite(data_type),
        Dialect::Postgres | Dialect::Mysql => server(data_type, catalogue.dialect),
    }
}

/// The numbers in the brackets of a type.
fn numbers(data_type: &str) -> Vec<u32> {
    let Some((_, rest)) = data_type.split_once('(') else { return Vec::new() };
    let inner = rest.split(')').next().unwrap_or_default();
    inner.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// The labels of MySQL's `enum('a','b')`.
fn labels(data_type: &str) -> Vec<String> {
    let inner = data_type.split_once('(').map_or("", |(_, rest)| rest.rsplit_once(')').map_or(rest, |(inner, _)| inner));
    let mut labels = vec![];
    let mut chars = inner.chars().peekable();
    while chars.any(|c| c == '\'') {
        let mut label = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.peek() == Some(&'\'') => label.extend(chars.next()),
                '\'' => break,
                c => label.push(c),
            }
        }
        labels.push(label);
    }
    labels
}

fn whole(bits: u32, unsigned: bool) -> Shape {
    match unsigned {
        true => Shape::Whole { low: 0, high: (1_i128 << bits) - 1 },
        false => Shape::Whole { low: -(1_i128 << (bits - 1)), high: (1_i128 << (bits - 1)) - 1 },
    }
}

fn server(data_type: &str, dialect: Dialect) -> Shape {
    let lower = data_type.to_lowercase();
    let numbers = numbers(&lower);
    let first = numbers.first().copied();
    let size = first.map(|most| most as usize);
    let unsigned = lower.contains("unsigned");
    let word: String = lower.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    match word.as_str() {
        "tinyint" if first == Some(1) => Shape::Truth,
        "tinyint" => whole(8, unsigned),
        "smallint" | "int2" | "smallserial" => whole(16, unsigned),
        "mediumint" => whole(24, unsigned),
        "integer" | "int" | "int4" | "serial" => whole(32, unsigned),
        "bigint" | "int8" | "bigserial" => whole(64, unsigned),
        "oid" => whole(32, true),
        "numeric" | "decimal" => {
            let digits = first.or((dialect == Dialect::Mysql).then_some(10));
            let scale = numbers.get(1).copied().unwrap_or(if digits.is_some() { 0 } else { 6 });
            Shape::Decimal { digits, scale }
        }
        "money" => Shape::Decimal { digits: Some(15), scale: 2 },
        "real" | "float" | "float4" => Shape::Float(if dialect == Dialect::Postgres && word == "float" { 300 } else { 37 }),
        "double" | "float8" => Shape::Float(300),
        "boolean" | "bool" => Shape::Truth,
        "uuid" => Shape::Uuid,
        "date" => Shape::Date,
        "time" | "timetz" => Shape::Time,
        "timestamp" | "timestamptz" | "datetime" => Shape::Moment { narrow: dialect == Dialect::Mysql && word == "timestamp" },
        "interval" => Shape::Span,
        "json" | "jsonb" => Shape::Json,
        "bytea" | "blob" | "longblob" | "mediumblob" => Shape::Bytes(None),
        "tinyblob" => Shape::Bytes(Some(255)),
        "binary" | "varbinary" => Shape::Bytes(Some(size.unwrap_or(1))),
        "enum" => Shape::OneOf(labels(data_type)),
        "set" => Shape::OneOf(labels(data_type)),
        "year" => Shape::Year,
        "bit" => Shape::Bits(first.unwrap_or(1)),
        "int4range" => Shape::Range(Box::new(whole(32, false))),
        "int8range" => Shape::Range(Box::new(whole(64, false))),
        "numrange" => Shape::Range(Box::new(Shape::Decimal { digits: None, scale: 0 })),
        "daterange" => Shape::Range(Box::new(Shape::Date)),
        "tsrange" | "tstzrange" => Shape::Range(Box::new(Shape::Moment { narrow: false })),
        "inet" | "cidr" => Shape::Net,
        "macaddr" => Shape::Mac,
        "point" => Shape::Point,
        _ => text(&word, &lower, size),
    }
}

fn text(word: &str, lower: &str, size: Option<usize>) -> Shape {
    match word {
        "varchar" => Shape::Text(size),
        "character" if lower.starts_with("character varying") => Shape::Text(size),
        "char" | "character" | "bpchar" => Shape::Text(Some(size.unwrap_or(1))),
        "tinytext" => Shape::Text(Some(63)),
        "text" | "mediumtext" | "longtext" | "citext" | "tsvector" | "xml" => Shape::Text(None),
        "name" => Shape::Text(Some(63)),
        _ => Shape::Unknown,
    }
}

/// By SQLite's rules of affinity, and by what people mean with their words.
fn sqlite(data_type: &str) -> Shape {
    let lower = data_type.to_lowercase();
    let has = |word: &str| lower.contains(word);
    match () {
        () if has("bool") => Shape::Truth,
        () if has("int") => whole(64, false),
        () if has("char") || has("clob") || has("text") => Shape::Text(None),
        () if has("uuid") => Shape::Uuid,
        () if has("json") => Shape::Json,
        () if has("blob") || lower.is_empty() => Shape::Bytes(None),
        () if has("real") || has("floa") || has("doub") => Shape::Float(300),
        () if has("datetime") || has("timestamp") => Shape::Moment { narrow: false },
        () if has("date") => Shape::Date,
        () if has("time") => Shape::Time,
        () => Shape::Decimal { digits: None, scale: 2 },
    }
}

impl Shape {
    /// The `n`th plain value, another one for each `n` where the type has so many.
    #[must_use]
    pub fn nth(&self, n: usize) -> Option<String> {
        let value = match self {
            Shape::Whole { high, .. } => fit(n, *high).to_string(),
            Shape::Decimal { digits: Some(digits), scale } => {
                let high = 10_i128.checked_pow(digits.saturating_sub(*scale)).map_or(i128::MAX, |power| power - 1);
                fit(n, high).to_string()
            }
            Shape::Decimal { digits: None, .. } | Shape::Float(_) => n.to_string(),
            Shape::Truth => (if n.is_multiple_of(2) { "0" } else { "1" }).to_owned(),
            Shape::Text(most) => short(n, *most),
            Shape::Bytes(most) => {
                let bytes = most.unwrap_or(4).min(4);
                format!("{n:08x}")[8 - bytes * 2..].to_owned()
            }
            Shape::Uuid => format!("00000000-0000-4000-8000-{n:012x}"),
            Shape::Date => day(n),
            Shape::Time => format!("{:02}:{:02}:{:02}", n / 3600 % 24, n / 60 % 60, n % 60),
            Shape::Moment { .. } => format!("{} 12:00:00", day(n)),
            Shape::Span => format!("{n} minutes"),
            Shape::Json => format!("{{\"n\": {n}}}"),
            Shape::OneOf(labels) => labels.get(n % labels.len().max(1))?.clone(),
            Shape::Range(of) => format!("[{},{})", of.nth(2 * n)?, of.nth(2 * n + 1)?),
            Shape::Many(of) => format!("{{{}}}", inner(&of.nth(n)?)),
            Shape::Net => format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255),
            Shape::Mac => format!("02:00:00:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
            Shape::Bits(width) => bits(n, *width),
            Shape::Year => (1970 + n % 100).to_string(),
            Shape::Point => format!("({n},{n})"),
            Shape::Unknown => format!("hs{n}"),
        };
        Some(value)
    }

    /// Values at the limits of the type: the smallest, the largest, the empty, the unusual.
    #[must_use]
    pub fn limits(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Shape::Whole { low, high } => {
                let mut values: Vec<i128> = vec![*low, -1, 0, 1, *high];
                values.retain(|value| low <= value && value <= high);
                values.dedup();
                values.iter().map(ToString::to_string).collect()
            }
            Shape::Decimal { digits, scale } => decimals(*digits, *scale),
            Shape::Float(power) => {
                let mut all = words(&["0", "-1", "0.125"]);
                all.extend([format!("1e{power}"), format!("-1e{power}")]);
                all
            }
            Shape::Truth => words(&["0", "1"]),
            Shape::Text(most) => {
                let most = most.unwrap_or(LONG_TEXT);
                let mut all = vec![String::new(), "x".repeat(most.min(LONG_TEXT))];
                all.extend(["Ab Cd", "zürich 😀"].into_iter().filter(|text| text.chars().count() <= most).map(str::to_owned));
                all
            }
            Shape::Bytes(most) => vec![String::new(), "ff".repeat(most.unwrap_or(300).min(2000))],
            Shape::Uuid => words(&["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
            Shape::Date => words(&["1000-01-01", "9999-12-31"]),
            Shape::Time => words(&["00:00:00", "23:59:59"]),
            Shape::Moment { narrow: true } => words(&["1971-01-01 00:00:00", "2037-12-31 23:59:59"]),
            Shape::Moment { narrow: false } => words(&["1000-01-01 00:00:00", "9999-12-31 23:59:59"]),
            Shape::Span => words(&["0 minutes", "-1 minutes", "100000 days"]),
            Shape::Json => words(&["null", "[]", "{}", "\"x\"", "7"]),
            Shape::OneOf(labels) => labels.clone(),
            Shape::Range(_) => words(&["empty", "(,)"]),
            Shape::Many(of) => {
                let pair = of.nth(1).zip(of.nth(2)).map(|(a, b)| format!("{{{},{}}}", inner(&a), inner(&b)));
                pair.into_iter().chain(["{}".to_owned()]).collect()
            }
            Shape::Net => words(&["0.0.0.0", "255.255.255.255", "2001:db8::1"]),
            Shape::Mac => words(&["00:00:00:00:00:00"]),
            Shape::Bits(width) => vec![bits(0, *width), bits(usize::MAX, *width)],
            Shape::Year => words(&["1901", "2155"]),
            Shape::Point => words(&["(0,0)"]),
            Shape::Unknown => Vec::new(),
        }
    }

    /// May two values of it be compared with `=`, and is its text the same when it is read back?
    #[must_use]
    pub fn finds_rows(&self) -> bool {
        match self {
            Shape::Whole { .. } | Shape::Text(_) | Shape::Uuid | Shape::Date | Shape::OneOf(_) | Shape::Decimal { .. } => true,
            Shape::Truth
            | Shape::Float(_)
            | Shape::Bytes(_)
            | Shape::Time
            | Shape::Moment { .. }
            | Shape::Span
            | Shape::Json
            | Shape::Range(_)
            | Shape::Many(_)
            | Shape::Net
            | Shape::Mac
            | Shape::Bits(_)
            | Shape::Year
            | Shape::Point
            | Shape::Unknown => false,
        }
    }

    /// A point in time, which servers may fill by their clock.
    #[must_use]
    pub fn is_time(&self) -> bool {
        matches!(self, Shape::Date | Shape::Time | Shape::Moment { .. })
    }
}

/// A value as it is written in a statement. Everything is quoted: the server takes a quoted text for any type, so one text
/// stands for what a driver would bind.
#[must_use]
pub fn literal(dialect: Dialect, shape: &Shape, value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    match (shape, dialect) {
        (Shape::Bytes(_), Dialect::Postgres) => format!("'\\x{value}'"),
        (Shape::Bytes(_), Dialect::Mysql | Dialect::Sqlite) => format!("X'{value}'"),
        (Shape::Bits(_), Dialect::Mysql) => format!("b'{value}'"),
        (Shape::Point, Dialect::Mysql) => "POINT(1, 1)".to_owned(),
        (_, Dialect::Mysql) => format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
        (_, Dialect::Postgres | Dialect::Sqlite) => format!("'{}'", value.replace('\'', "''")),
    }
}

/// Within 1 ..= high, and past the end from the top downwards.
fn fit(n: usize, high: i128) -> i128 {
    let n = n as i128;
    if n <= high { n } else { high - n % (high / 2).max(1) }
}

fn day(n: usize) -> String {
    format!("{:04}-{:02}-{:02}", 2001 + n / 336 % 30, n / 28 % 12 + 1, n % 28 + 1)
}

fn bits(n: usize, width: u32) -> String {
    (0..width.min(2000)).rev().map(|bit| if bit < 64 && n >> bit & 1 == 1 { '1' } else { '0' }).collect()
}

/// A text that tells its number, as short as it must be.
fn short(n: usize, most: Option<usize>) -> String {
    let text = format!("hs{n}");
    let Some(most) = most.filter(|most| *most < text.len()) else { return text };
    let mut rest = n;
    let mut short: Vec<u8> = vec![];
    for _ in 0..most {
        let digit = u8::try_from(rest % 36).unwrap_or(0);
        short.push(if digit < 26 { b'a' + digit } else { b'0' + digit - 26 });
        rest /= 36;
    }
    short.into_iter().rev().map(char::from).collect()
}

/// An element of an array's text.
fn inner(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn decimals(digits: Option<u32>, scale: u32) -> Vec<String> {
    let mut all = vec!["0".to_owned(), "-1".to_owned()];
    let fraction = "9".repeat(scale as usize);
    let before = digits.map_or(30, |digits| digits.saturating_sub(scale)) as usize;
    let most = match (before, scale) {
        (0, _) => format!("0.{fraction}"),
        (_, 0) => "9".repeat(before),
        _ => format!("{}.{fraction}", "9".repeat(before)),
    };
    all.extend([format!("-{most}"), most]);
    if scale > 0 {
        all.push(format!("0.{}", "1".repeat(scale as usize)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(dialect: Dialect, text: &str) -> Shape {
        of(text, &Catalogue::empty(dialect), &Inventory::default())
    }

    #[test]
    fn types_of_the_servers_are_known() {
        assert_eq!(shape(Dialect::Postgres, "character varying(20)"), Shape::Text(Some(20)));
        assert_eq!(shape(Dialect::Postgres, "character(2)"), Shape::Text(Some(2)));
        assert_eq!(shape(Dialect::Postgres, "timestamp with time zone"), Shape::Moment { narrow: false });
        assert_eq!(shape(Dialect::Postgres, "integer[]"), Shape::Many(Box::new(whole(32, false))));
        assert_eq!(shape(Dialect::Postgres, "numeric(10,2)"), Shape::Decimal { digits: Some(10), scale: 2 });
        assert_eq!(shape(Dialect::Mysql, "int(10) unsigned"), whole(32, true));
        assert_eq!(shape(Dialect::Mysql, "enum('a','it''s')"), Shape::OneOf(vec!["a".to_owned(), "it's".to_owned()]));
        assert_eq!(shape(Dialect::Sqlite, "VARCHAR(20)"), Shape::Text(None));
        assert_eq!(shape(Dialect::Postgres, "geometry(Point,4326)"), Shape::Unknown);
    }

    #[test]
    fn plain_values_differ_and_fit() {
        for text in ["smallint", "integer", "character varying(3)", "uuid", "date", "numeric(4,1)"] {
            let shape = shape(Dialect::Postgres, text);
            let values: std::collections::BTreeSet<_> = (1..=200).map(|n| shape.nth(n)).collect();
            assert_eq!(values.len(), 200, "{text}");
            assert!(!values.contains(&shape.nth(100_001)), "{text}");
        }
        assert_eq!(shape(Dialect::Postgres, "character(2)").nth(100_001).map(|text| text.len()), Some(2));
    }

    #[test]
    fn limits_are_within_the_type() {
        assert_eq!(shape(Dialect::Postgres, "smallint").limits(), ["-32768", "-1", "0", "1", "32767"]);
        assert_eq!(shape(Dialect::Mysql, "tinyint(3) unsigned").limits(), ["0", "1", "255"]);
        assert!(shape(Dialect::Postgres, "numeric(4,2)").limits().contains(&"-99.99".to_owned()));
        assert_eq!(literal(Dialect::Postgres, &Shape::Text(None), Some("it's")), "'it''s'");
    }
}
