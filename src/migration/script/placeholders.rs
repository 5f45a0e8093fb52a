//! SQL whose values a program gives beside it: what stands for them is no SQL, and readers of SQL want a value there.

/// SQL whose values are given beside it, as Python's drivers write it (`%s`, `%(name)s`): each stands for a value.
pub fn filled(text: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let named = from.strip_prefix("%(").and_then(|name| Some(name.split_once(")s")?.1));
        let after = from.strip_prefix("%s").or(named);
        let stands_alone = before.ends_with([' ', '(', ',', '=', '\n']) || before.is_empty() && filled.is_empty();
        match after.filter(|after| stands_alone && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')) {
            Some(after) => {
                filled.push_str("NULL");
                rest = after;
            }
            None => {
                filled.push('%');
                rest = &from[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn values_are_filled_and_patterns_stay() {
        for (text, wished) in [
            ("a >= %s AND a <= %s", "a >= NULL AND a <= NULL"),
            ("VALUES (%s, %(name)s)", "VALUES (NULL, NULL)"),
            ("x LIKE '%such%' AND y % 2 = 0", "x LIKE '%such%' AND y % 2 = 0"),
            ("a = %s", "a = NULL"),
            ("100%", "100%"),
            ("%(unclosed", "%(unclosed"),
        ] {
            assert_eq!(filled(text), wished, "{text}");
        }
    }
}
