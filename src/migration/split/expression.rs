//! A column renamed inside an SQL expression: in the definition of an index, in a check, in what converts a value.
//!
//! It reads tokens, not grammar: texts and comments stay, a function or a type of the same name stays. Where even the tokens
//! cannot be read, it says so and a person decides.

use crate::migration::Dialect;
use sqlparser::dialect::{GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// The tokens of a text with where they begin and end, in bytes.
pub(super) fn tokens(dialect: Dialect, text: &str) -> Option<Vec<(Token, std::ops::Range<usize>)>> {
    let rules: Box<dyn sqlparser::dialect::Dialect> = match dialect {
        Dialect::Postgres => Box::new(PostgreSqlDialect {}),
        Dialect::Mysql => Box::new(MySqlDialect {}),
        Dialect::Sqlite => Box::new(SQLiteDialect {}),
    };
    let read = Tokenizer::new(rules.as_ref(), text).with_unescape(false).tokenize_with_location();
    let read = read.or_else(|_| Tokenizer::new(&GenericDialect {}, text).with_unescape(false).tokenize_with_location()).ok()?;
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let byte = |line: u64, column: u64| -> Option<usize> {
        let start = *starts.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let skip = usize::try_from(column).ok()?.checked_sub(1)?;
        Some(text[start..].char_indices().nth(skip).map_or(text.len(), |(at, _)| start + at))
    };
    read.into_iter()
        .map(|TokenWithSpan { token, span }| {
            let range = byte(span.start.line, span.start.column)?..byte(span.end.line, span.end.column)?;
            (range.start <= range.end && range.end <= text.len()).then_some((token, range))
        })
        .collect()
}

/// Is this word that column, as the dialect compares names?
fn is_column(dialect: Dialect, value: &str, quote: Option<char>, column: &str) -> bool {
    match (dialect, quote) {
        (Dialect::Postgres, Some(_)) => value == column,
        (Dialect::Postgres, None) => value.to_lowercase() == column,
        (Dialect::Mysql | Dialect::Sqlite, _) => value.to_lowercase() == column.to_lowercase(),
    }
}

/// Where the column is named in the expression.
pub(super) fn places(dialect: Dialect, text: &str, column: &str) -> Option<Vec<std::ops::Range<usize>>> {
    let all = tokens(dialect, text)?;
    let solid: Vec<&(Token, std::ops::Range<usize>)> =
        all.iter().filter(|(token, _)| !matches!(token, Token::Whitespace(_))).collect();
    let mut found = vec![];
    for (at, (token, range)) in solid.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let unquoted = match word.quote_style {
            Some(quote) => word.value.replace(&format!("{quote}{quote}"), &quote.to_string()),
            None => word.value.clone(),
        };
        if !is_column(dialect, &unquoted, word.quote_style, column) {
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| solid.get(at)).map(|(token, _)| token);
        let behind = solid.get(at + 1).map(|(token, _)| token);
        let prefix = matches!(behind, Some(Token::LParen)) && matches!(solid.get(at + 2), Some((Token::Number(..), _)));
        let is_call = matches!(behind, Some(Token::LParen)) && !(dialect == Dialect::Mysql && prefix);
        let is_type = matches!(before, Some(Token::DoubleColon));
        let is_table = matches!(behind, Some(Token::Period));
        if !is_call && !is_type && !is_table {
            found.push(range.clone());
        }
    }
    Some(found)
}

/// The expression with that text wherever the column is named.
pub(super) fn replaced(dialect: Dialect, text: &str, column: &str, by: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in places(dialect, text, column)? {
        out.push_str(text.get(from..range.start)?);
        out.push_str(by);
        from = range.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

/// The definition of an index from its `(`, and what stands between `ON` and there: the table and the method.
pub(super) fn index_parts(dialect: Dialect, definition: &str) -> Option<(String, String)> {
    let all = tokens(dialect, definition)?;
    let is_on =
        |token: &Token| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("on"));
    let on = all.iter().position(|(token, _)| is_on(token))?;
    let open = all.iter().skip(on).find(|(token, _)| *token == Token::LParen)?.1.start;
    let head = definition.get(all[on].1.end..open)?.trim().to_owned();
    Some((head, definition.get(open..)?.trim().trim_end_matches(';').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_column_is_replaced() {
        let by = |text, column| replaced(Dialect::Postgres, text, column, "neu");
        assert_eq!(by("(lower(full_name), x)", "full_name").as_deref(), Some("(lower(neu), x)"));
        assert_eq!(
            by("(full_name <> 'full_name' AND Full_Name > 1)", "full_name").as_deref(),
            Some("(neu <> 'full_name' AND neu > 1)")
        );
        assert_eq!(by("date(date::date)", "date").as_deref(), Some("date(neu::date)"));
        assert_eq!(by("\"A\"\"b\" > a", "A\"b").as_deref(), Some("neu > a"));
        assert_eq!(by("\"Full\" > full", "full").as_deref(), Some("\"Full\" > neu"));
        assert_eq!(by("ü = 'ä' -- ü\n and ü > 1", "ü").as_deref(), Some("neu = 'ä' -- ü\n and neu > 1"));
        assert_eq!(replaced(Dialect::Mysql, "(`o`(10), b)", "o", "`n`").as_deref(), Some("(`n`(10), b)"));
    }

    #[test]
    fn an_index_is_cut_at_its_columns() {
        let parts = index_parts(Dialect::Postgres, "CREATE INDEX \"on\" ON public.\"a(b\" USING btree (lower(o)) WHERE (o > 1)");
        assert_eq!(parts, Some(("public.\"a(b\" USING btree".to_owned(), "(lower(o)) WHERE (o > 1)".to_owned())));
    }
}
