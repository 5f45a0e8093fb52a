//! The default of a column: is it a literal, the same for every row of one statement, or another one for every row?
//!
//! A function that is not known is taken for the worst.

use super::cursor::{Cursor, text};
use crate::migration::operation::Fill;
use sqlparser::tokenizer::Token;

/// Functions that say the same for every row of one statement, or for the same arguments.
const STABLE: [&str; 53] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "curdate",
    "curtime",
    "utc_timestamp",
    "utc_date",
    "utc_time",
    "unix_timestamp",
    "unixepoch",
    "from_unixtime",
    "current_user",
    "session_user",
    "user",
    "database",
    "schema",
    "version",
    "datetime",
    "date",
    "time",
    "strftime",
    "julianday",
    "cast",
    "convert",
    "concat",
    "concat_ws",
    "coalesce",
    "ifnull",
    "nullif",
    "if",
    "lower",
    "upper",
    "trim",
    "round",
    "floor",
    "json",
    "json_object",
    "json_array",
    "json_quote",
    "unhex",
    "hex",
    "abs",
    "date_format",
    "date_add",
    "date_sub",
    "adddate",
    "str_to_date",
    "timestamp",
    "inet6_aton",
    "char",
];

/// Functions that say another thing every time.
const VOLATILE: [&str; 12] = [
    "uuid",
    "uuid_short",
    "uuid_to_bin",
    "rand",
    "random",
    "randomblob",
    "random_bytes",
    "sysdate",
    "sys_guid",
    "nextval",
    "gen_random_uuid",
    "newid",
];

/// Words that are a function without parentheses.
const BARE: [&str; 7] =
    ["current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "current_user", "session_user"];

/// Reads what stands behind `DEFAULT`.
pub(super) fn read(cursor: &mut Cursor) -> Fill {
    let begin = *cursor;
    if cursor.is_token(&Token::LParen) {
        let inside = cursor.group().unwrap_or_default();
        return expression(inside);
    }
    if cursor.eat_token(&Token::Minus) || cursor.eat_token(&Token::Plus) {
        cursor.advance();
        return Fill::Constant(since(&begin, cursor));
    }
    let is_null = cursor.is("NULL");
    let Some(token) = cursor.advance() else { return Fill::None };
    match token {
        _ if is_null => Fill::Null,
        Token::Word(word) if word.quote_style.is_none() => {
            let lower = word.value.to_ascii_lowercase();
            if cursor.is_token(&Token::LParen) {
                cursor.group();
                return expression(&begin.rest()[..cursor.taken() - begin.taken()]);
            }
            // `_utf8mb4'x'`, `NEXT VALUE FOR s`.
            if lower.starts_with('_') && matches!(cursor.peek(), Some(Token::SingleQuotedString(_))) {
                cursor.advance();
            } else if lower == "next" && cursor.eat_all(&["VALUE", "FOR"]) {
                cursor.object();
                return Fill::Volatile(since(&begin, cursor));
            }
            let said = since(&begin, cursor);
            if BARE.contains(&lower.as_str()) { Fill::Stable(said) } else { Fill::Constant(said) }
        }
        _ => Fill::Constant(since(&begin, cursor)),
    }
}

fn since(begin: &Cursor, cursor: &Cursor) -> String {
    text(&begin.rest()[..cursor.taken() - begin.taken()])
}

/// An expression in parentheses, or a call.
fn expression(tokens: &[Token]) -> Fill {
    let said = text(tokens);
    if let [Token::Word(word)] = tokens
        && word.value.eq_ignore_ascii_case("null")
    {
        return Fill::Null;
    }
    let mut is_constant = true;
    for (index, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let lower = word.value.to_ascii_lowercase();
        let is_call = tokens.get(index + 1) == Some(&Token::LParen);
        if VOLATILE.contains(&lower.as_str()) && is_call {
            return Fill::Volatile(said);
        }
        if is_call
            && !STABLE.contains(&lower.as_str())
            && !["and", "or", "in", "not", "when", "then", "else"].contains(&lower.as_str())
        {
            return Fill::Volatile(said);
        }
        is_constant &= !is_call && !BARE.contains(&lower.as_str());
    }
    if is_constant { Fill::Constant(said) } else { Fill::Stable(said) }
}
