//! MySQL's types: what changes when a column gets another one, and what the server does for it.
//!
//! Measured on MariaDB 10.11.19 with InnoDB; of MySQL 8 its manual. It knows no column and no phase.

/// What a new type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The same, said otherwise.
    Same,
    /// Every old value fits, and the rows stay as they are: INSTANT.
    Wider,
    /// Every old value fits, and the table is copied.
    WiderByCopy,
    /// Labels of an enum or a set are added at the end: INSTANT.
    LabelsAdded,
    /// Labels are added at the end, and each row needs more bytes for them.
    LabelsAddedByCopy,
    /// Labels are taken away, renamed, or get another place.
    LabelsMoved,
    Other,
}

/// A type in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Type {
    name: String,
    figures: Vec<String>,
    unsigned: bool,
    charset: Option<String>,
}

/// What the server tells beside the text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Server<'a> {
    pub(super) is_mariadb: bool,
    /// The collation of the column, where the database says it: `utf8mb4_unicode_ci`.
    pub(super) collation: Option<&'a str>,
}

/// What changes from one type to the other.
pub(super) fn change(from: &str, to: &str, server: Server<'_>) -> Change {
    let (mut old, mut new) = (parse(from), parse(to));
    if server.is_mariadb && old.name == "longtext" && new.name == "json" {
        // MariaDB's JSON is a longtext, and its catalogue says so.
        return Change::Same;
    }
    let known = server.collation.and_then(|collation| collation.split('_').next()).map(charset_name);
    old.charset = old.charset.or_else(|| known.clone());
    new.charset = new.charset.or_else(|| old.charset.clone());
    if old == new {
        return Change::Same;
    }
    if old.name != new.name || old.unsigned != new.unsigned || old.charset != new.charset {
        return Change::Other;
    }
    match new.name.as_str() {
        "varchar" | "varbinary" => longer(&old, &new, server.is_mariadb),
        "enum" | "set" => labels(&old, &new),
        _ => Change::Other,
    }
}

fn longer(old: &Type, new: &Type, is_mariadb: bool) -> Change {
    let width = if new.name == "varbinary" { 1 } else { bytes_of(new.charset.as_deref()) };
    let bytes = |one: &Type| one.figures.first().and_then(|figure| figure.parse::<u64>().ok()).map(|length| length * width);
    let (Some(before), Some(after)) = (bytes(old), bytes(new)) else { return Change::Other };
    if after < before {
        Change::Other
    } else if before > 255 || after <= 255 || (is_mariadb && before <= 127) {
        // A length of one byte stays one, or was two already; MariaDB also keeps up to 127 in both.
        Change::Wider
    } else {
        Change::WiderByCopy
    }
}

fn labels(old: &Type, new: &Type) -> Change {
    if new.figures.len() < old.figures.len() || new.figures[..old.figures.len()] != old.figures[..] {
        return Change::LabelsMoved;
    }
    let bytes = |count: usize| match (new.name.as_str(), count) {
        ("enum", 0..=255) | ("set", 0..=8) => 1,
        ("enum", _) | ("set", 9..=16) => 2,
        ("set", 17..=24) => 3,
        ("set", 25..=32) => 4,
        _ => 8,
    };
    if bytes(old.figures.len()) == bytes(new.figures.len()) { Change::LabelsAdded } else { Change::LabelsAddedByCopy }
}

/// How many bytes a character takes at most; unknown: as utf8mb4, which both servers take unless told otherwise.
fn bytes_of(charset: Option<&str>) -> u64 {
    match charset {
        Some("latin1" | "latin2" | "ascii" | "binary" | "cp1251" | "koi8r" | "hebrew" | "greek") => 1,
        Some("ucs2" | "gbk" | "sjis" | "big5" | "cp932" | "euckr" | "gb2312") => 2,
        Some("utf8mb3" | "ujis") => 3,
        _ => 4,
    }
}

fn charset_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if lower == "utf8" { "utf8mb3".to_owned() } else { lower }
}

fn parse(text: &str) -> Type {
    let text = text.trim();
    let (head, inside, behind) = match text.split_once('(') {
        Some((head, rest)) => {
            let end = end_of_group(rest);
            (head, &rest[..end], rest.get(end + 1..).unwrap_or_default())
        }
        None => (text, "", ""),
    };
    let words = format!("{head} {behind}").to_ascii_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut charset = None;
    let mut unsigned = false;
    let mut name: Vec<&str> = vec![];
    let mut index = 0;
    while let Some(word) = words.get(index) {
        match *word {
            "unsigned" | "zerofill" => unsigned = true,
            "signed" | "binary" if !name.is_empty() => {}
            "character" | "char" if words.get(index + 1) == Some(&"set") => {
                charset = words.get(index + 2).map(|name| charset_name(name));
                index += 2;
            }
            "charset" => {
                charset = words.get(index + 1).map(|name| charset_name(name));
                index += 1;
            }
            word => name.push(word),
        }
        index += 1;
    }
    let name = common_name(&name.join(" ")).to_owned();
    let mut figures = figures(inside);
    match name.as_str() {
        // A width of display is not part of the type.
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => figures.clear(),
        "decimal" => {
            if figures.is_empty() {
                figures.push("10".to_owned());
            }
            if figures.len() == 1 {
                figures.push("0".to_owned());
            }
        }
        "char" | "binary" | "bit" if figures.is_empty() => figures.push("1".to_owned()),
        "datetime" | "timestamp" | "time" if figures == ["0"] => figures.clear(),
        _ => {}
    }
    Type { name, figures, unsigned, charset }
}

fn common_name(name: &str) -> &str {
    match name {
        "integer" | "int4" => "int",
        "int8" => "bigint",
        "int2" => "smallint",
        "int3" | "middleint" => "mediumint",
        "int1" | "bool" | "boolean" => "tinyint",
        "dec" | "numeric" | "fixed" => "decimal",
        "character varying" | "varcharacter" | "char varying" => "varchar",
        "character" => "char",
        "double precision" | "real" | "float8" => "double",
        "float4" => "float",
        "char byte" => "binary",
        other => other,
    }
}

/// Where the parentheses that are open end, strings skipped.
fn end_of_group(rest: &str) -> usize {
    let mut quoted = false;
    for (at, character) in rest.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            ')' if !quoted => return at,
            _ => {}
        }
    }
    rest.len()
}

/// What stands between the commas, strings kept whole.
fn figures(inside: &str) -> Vec<String> {
    let mut found = vec![];
    let mut current = String::new();
    let mut quoted = false;
    for character in inside.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                current.push(character);
            }
            ',' if !quoted => found.push(std::mem::take(&mut current).trim().to_owned()),
            _ => current.push(character),
        }
    }
    if !current.trim().is_empty() {
        found.push(current.trim().to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Change, Server, change};

    fn on_mysql(from: &str, to: &str) -> Change {
        change(from, to, Server::default())
    }

    #[test]
    fn the_same_is_said_in_many_ways() {
        for (from, to) in [
            ("int", "INT(11)"),
            ("INTEGER UNSIGNED", "int(10) unsigned"),
            ("tinyint(1)", "BOOLEAN"),
            ("decimal", "NUMERIC(10)"),
            ("double precision", "real"),
            ("enum('a','b')", "ENUM('a', 'b')"),
            ("varchar(20)", "character varying(20)"),
            ("varchar(20) character set utf8", "varchar(20) charset utf8mb3"),
            ("datetime", "DATETIME(0)"),
        ] {
            assert_eq!(on_mysql(from, to), Change::Same, "{from} to {to}");
        }
    }

    #[test]
    fn a_longer_text_copies_where_its_length_takes_another_byte() {
        for (from, to, expected) in [
            ("varchar(50)", "varchar(60)", Change::Wider),
            ("varchar(50)", "varchar(63)", Change::Wider),
            ("varchar(50)", "varchar(64)", Change::WiderByCopy),
            ("varchar(64)", "varchar(255)", Change::Wider),
            ("varchar(200) character set latin1", "varchar(255) character set latin1", Change::Wider),
            ("varchar(200) character set latin1", "varchar(256) character set latin1", Change::WiderByCopy),
            ("varbinary(50)", "varbinary(256)", Change::WiderByCopy),
            ("varchar(50)", "varchar(40)", Change::Other),
        ] {
            assert_eq!(on_mysql(from, to), expected, "{from} to {to}");
        }
        // Measured: MariaDB keeps the rows where the old length was at most 127 bytes.
        let mariadb = Server { is_mariadb: true, collation: None };
        assert_eq!(change("varbinary(50)", "varbinary(256)", mariadb), Change::Wider);
        assert_eq!(change("varchar(31)", "varchar(200)", mariadb), Change::Wider);
        assert_eq!(change("varchar(32)", "varchar(64)", mariadb), Change::WiderByCopy);
        let latin1 = Server { is_mariadb: false, collation: Some("latin1_swedish_ci") };
        assert_eq!(change("varchar(50)", "varchar(255)", latin1), Change::Wider);
        assert_eq!(change("varchar(50)", "varchar(255) character set utf8mb4", latin1), Change::Other);
    }

    #[test]
    fn labels_at_the_end_and_elsewhere() {
        for (from, to, expected) in [
            ("enum('a','b')", "enum('a','b','c')", Change::LabelsAdded),
            ("enum('a','b')", "enum('a','c','b')", Change::LabelsMoved),
            ("enum('a','b')", "enum('a')", Change::LabelsMoved),
            ("enum('a','b')", "enum('a','x')", Change::LabelsMoved),
            ("enum('a,b','c)')", "enum('a,b','c)','d')", Change::LabelsAdded),
            ("set('a')", "set('a','b')", Change::LabelsAdded),
            ("set('1','2','3','4','5','6','7','8')", "set('1','2','3','4','5','6','7','8','9')", Change::LabelsAddedByCopy),
        ] {
            assert_eq!(on_mysql(from, to), expected, "{from} to {to}");
        }
    }

    #[test]
    fn everything_else_is_another_type() {
        for (from, to) in [
            ("int", "bigint"),
            ("int", "int unsigned"),
            ("varchar(20)", "text"),
            ("text", "mediumtext"),
            ("decimal(10,2)", "decimal(12,2)"),
            ("datetime", "timestamp"),
            ("datetime", "datetime(6)"),
            ("char(4)", "char(8)"),
            ("varchar(", "varchar(9)"),
            ("", "int"),
        ] {
            assert_eq!(on_mysql(from, to), Change::Other, "{from} to {to}");
        }
    }
}
