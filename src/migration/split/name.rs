//! Names as each dialect writes them: quoted where they must be, shortened to what fits, and free of those that are taken.

use crate::migration::Dialect;
use crate::migration::operation::Object;
use sqlparser::keywords::ALL_KEYWORDS;

/// Reserved words of PostgreSQL and SQLite that the parser's list does not hold.
const MORE_WORDS: [&str; 8] = ["ANALYSE", "PLACING", "NOTNULL", "ISNULL", "VARIADIC", "SYMMETRIC", "ASYMMETRIC", "TABLESAMPLE"];

/// Words that the parser's list holds and no dialect minds as a name.
const PLAIN_WORDS: [&str; 12] =
    ["ID", "NAME", "STATUS", "EMAIL", "TITLE", "REGION", "STATE", "OWNER", "LABEL", "COMMENT", "VALUE", "VERSION"];

/// A name as the dialect writes it.
#[must_use]
pub fn quoted(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
        Dialect::Postgres | Dialect::Sqlite if is_plain(name) => name.to_owned(),
        Dialect::Postgres | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    let upper = name.to_ascii_uppercase();
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(letters)
        && (PLAIN_WORDS.contains(&upper.as_str())
            || ALL_KEYWORDS.binary_search(&upper.as_str()).is_err() && !MORE_WORDS.contains(&upper.as_str()))
}

/// A table, type or function, with its schema where it has one.
#[must_use]
pub fn place(dialect: Dialect, object: &Object) -> String {
    match &object.schema {
        Some(schema) => format!("{}.{}", quoted(dialect, schema), quoted(dialect, &object.name)),
        None => quoted(dialect, &object.name),
    }
}

/// Something else in the schema of that object.
#[must_use]
pub fn beside(dialect: Dialect, object: &Object, name: &str) -> String {
    place(dialect, &Object { schema: object.schema.clone(), name: name.to_owned() })
}

/// Names in a row, with commas.
#[must_use]
pub fn list(dialect: Dialect, names: &[String]) -> String {
    names.iter().map(|name| quoted(dialect, name)).collect::<Vec<_>>().join(", ")
}

/// A text as a literal.
#[must_use]
pub fn literal(dialect: Dialect, text: &str) -> String {
    let text = text.replace('\'', "''");
    match dialect {
        Dialect::Mysql => format!("'{}'", text.replace('\\', "\\\\")),
        Dialect::Postgres | Dialect::Sqlite => format!("'{text}'"),
    }
}

/// A name of ours, cut with a checksum where the dialect allows less. It leaves room for a few letters behind it.
#[must_use]
pub fn fitted(dialect: Dialect, name: &str) -> String {
    let (length, most) = match dialect {
        // 63 bytes.
        Dialect::Postgres => (name.len(), 63),
        // 64 characters.
        Dialect::Mysql => (name.chars().count(), 64),
        Dialect::Sqlite => (name.len(), 200),
    };
    if length <= most {
        return name.to_owned();
    }
    let mut head = String::new();
    for c in name.chars() {
        let size = if dialect == Dialect::Mysql { head.chars().count() + 1 } else { head.len() + c.len_utf8() };
        if size > most - 9 {
            break;
        }
        head.push(c);
    }
    format!("{head}_{:08x}", crc32fast::hash(name.as_bytes()))
}

/// The first of the names that nobody has: as wished, or with a number.
#[must_use]
pub fn free(dialect: Dialect, wished: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let first = fitted(dialect, wished);
    if !is_taken(&first) {
        return first;
    }
    (2..).map(|number| fitted(dialect, &format!("{wished}_{number}"))).find(|name| !is_taken(name)).unwrap_or(first)
}

/// A piece of a file name: lower case letters, digits and `_`.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('_') && !slug.is_empty() {
            slug.push('_');
        }
    }
    let slug = slug.trim_end_matches('_');
    if slug.is_empty() {
        return format!("x{:08x}", crc32fast::hash(text.as_bytes()));
    }
    fitted(Dialect::Postgres, slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        let postgres = |name| quoted(Dialect::Postgres, name);
        assert_eq!(postgres("full_name"), "full_name");
        assert_eq!(postgres("name"), "name");
        for (name, wanted) in [
            ("order", "\"order\""),
            ("user", "\"user\""),
            ("Full", "\"Full\""),
            ("a b", "\"a b\""),
            ("ü", "\"ü\""),
            ("1a", "\"1a\""),
            ("q\"q", "\"q\"\"q\""),
            ("analyse", "\"analyse\""),
        ] {
            assert_eq!(postgres(name), wanted);
        }
        assert_eq!(quoted(Dialect::Mysql, "a`b"), "`a``b`");
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let long = "ä".repeat(60);
        let one = fitted(Dialect::Postgres, &format!("{long}a"));
        let two = fitted(Dialect::Postgres, &format!("{long}b"));
        assert!(one.len() <= 63 && two.len() <= 63 && one != two);
        assert!(fitted(Dialect::Mysql, &"x".repeat(80)).len() == 64);
        assert_eq!(free(Dialect::Postgres, "a", |name| name == "a"), "a_2");
    }

    #[test]
    fn every_text_has_a_slug() {
        assert_eq!(slug("Full Name!"), "full_name");
        assert!(slug("名前").starts_with('x'));
    }
}
