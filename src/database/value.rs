//! Values as text: what a server sends in its own binary form, written as it would write it in its text form.

use std::fmt::Write as _;

/// Bytes that are text as they are, others as `\x…`.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| hex(error.as_bytes()))
}

/// `\x…`, as PostgreSQL writes bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A date or a time of MySQL's binary protocol; the first byte is the length of the rest.
pub(super) fn mysql_time(kind: &str, bytes: &[u8]) -> Option<String> {
    let rest = bytes.get(1..)?;
    let byte = |at: usize| rest.get(at).copied().unwrap_or(0);
    let four = |at: usize| u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    let mut text = String::new();
    let fraction = if kind == "TIME" {
        let hours = u64::from(four(1)) * 24 + u64::from(byte(5));
        let sign = if byte(0) == 1 { "-" } else { "" };
        write!(text, "{sign}{hours:02}:{:02}:{:02}", byte(6), byte(7)).ok()?;
        four(8)
    } else {
        write!(text, "{:04}-{:02}-{:02}", u16::from_le_bytes([byte(0), byte(1)]), byte(2), byte(3)).ok()?;
        if kind != "DATE" {
            write!(text, " {:02}:{:02}:{:02}", byte(4), byte(5), byte(6)).ok()?;
        }
        four(7)
    };
    if fraction > 0 && kind != "DATE" {
        write!(text, ".{fraction:06}").ok()?;
    }
    Some(text)
}

/// A number, a date or a text of MySQL's binary protocol.
pub(super) fn mysql_binary(kind: &str, bytes: Vec<u8>) -> String {
    let is_unsigned = kind.ends_with("UNSIGNED") || kind == "YEAR";
    let written = match (kind, bytes.as_slice()) {
        ("FLOAT", [a, b, c, d]) => Some(f32::from_le_bytes([*a, *b, *c, *d]).to_string()),
        ("DOUBLE" | "FLOAT", [a, b, c, d, e, f, g, h]) => Some(f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]).to_string()),
        ("DATE" | "TIME" | "DATETIME" | "TIMESTAMP", _) => mysql_time(kind, &bytes),
        (whole, _) if whole == "BOOLEAN" || whole == "YEAR" || whole.contains("INT") => whole_number(&bytes, is_unsigned),
        _ => None,
    };
    written.unwrap_or_else(|| text(bytes))
}

fn whole_number(bytes: &[u8], is_unsigned: bool) -> Option<String> {
    let last = *bytes.last()?;
    let fill = if !is_unsigned && last & 0x80 != 0 { 0xff } else { 0 };
    let mut eight = [fill; 8];
    eight.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(if is_unsigned { u64::from_le_bytes(eight).to_string() } else { i64::from_le_bytes(eight).to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_values_are_written_as_the_text_protocol_has_them() {
        assert_eq!(mysql_binary("INT", vec![0xff; 4]), "-1");
        assert_eq!(mysql_binary("INT UNSIGNED", vec![0xff; 4]), "4294967295");
        assert_eq!(mysql_binary("BIGINT", vec![1, 0, 0, 0, 0, 0, 0, 0]), "1");
        assert_eq!(mysql_binary("YEAR", vec![0xe8, 7]), "2024");
        assert_eq!(mysql_binary("DATETIME", vec![7, 0xe8, 7, 2, 29, 13, 5, 9]), "2024-02-29 13:05:09");
        assert_eq!(mysql_binary("DATE", vec![4, 0xe8, 7, 2, 29]), "2024-02-29");
        assert_eq!(mysql_binary("TIME", vec![8, 1, 1, 0, 0, 0, 2, 3, 4]), "-26:03:04");
        assert_eq!(mysql_binary("VARCHAR", b"x".to_vec()), "x");
        assert_eq!(mysql_binary("VARBINARY", vec![0xff, 0]), "\\xff00");
    }
}
