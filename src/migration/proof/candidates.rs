//! Values that a constraint may take or refuse: the literals in its text and their neighbours, patterns filled in, lengths met.
//!
//! It guesses. Whether a value is taken, the database says when `migrate::prove` tries it.

use super::shape::Shape;
use crate::migration::Dialect;
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Token, Tokenizer};

/// How a column is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// By its type, another value for each row.
    Nth,
    Null,
    /// The same for each row.
    Fixed(String),
    /// The number of the row in the place of `{n}`.
    Pattern(String),
    /// So many characters, another text for each row.
    Wide(usize),
    /// Left to the server: the column is not named.
    Omitted,
}

/// Texts of many common forms: a check by a regular expression takes one of them, more often than not.
const FORMS: [&str; 12] = [
    "hs{n}@example.org",
    "https://example.org/{n}",
    "hs-{n}",
    "HS{n}",
    "{n}",
    "a",
    "A",
    "+100000{n}",
    "#aabbcc",
    "{n}.0.0",
    "EUR",
    "en",
];

/// What is written in a text as literals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mined {
    pub texts: Vec<String>,
    pub numbers: Vec<i128>,
}

/// The literals in an SQL expression.
#[must_use]
pub fn mined(dialect: Dialect, expression: &str) -> Mined {
    let tokens = match dialect {
        Dialect::Postgres => Tokenizer::new(&PostgreSqlDialect {}, expression).tokenize(),
        Dialect::Mysql => Tokenizer::new(&MySqlDialect {}, expression).tokenize(),
        Dialect::Sqlite => Tokenizer::new(&SQLiteDialect {}, expression).tokenize(),
    };
    let mut mined = Mined::default();
    for token in tokens.unwrap_or_default() {
        match token {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => mined.texts.push(text),
            Token::Number(number, _) => {
                mined.numbers.extend(number.split('.').next().and_then(|whole| whole.parse::<i128>().ok()))
            }
            _ => {}
        }
    }
    mined
}

impl How {
    /// The value of this column in row `n`; `None`: NULL.
    #[must_use]
    pub fn value(&self, shape: &Shape, n: usize) -> Option<String> {
        match self {
            How::Nth => shape.nth(n),
            How::Null | How::Omitted => None,
            How::Fixed(text) => Some(text.clone()),
            How::Pattern(pattern) => Some(pattern.replace("{n}", &n.to_string())),
            How::Wide(width) => {
                let text = Shape::Text(Some(*width)).nth(n).unwrap_or_default();
                Some(format!("{}{text}", "x".repeat(width.saturating_sub(text.len()))))
            }
        }
    }
}

/// What to try for a column that is held by these constraints, the likeliest first.
#[must_use]
pub fn of(shape: &Shape, nullable: bool, defaulted: bool, checks: &[Mined]) -> Vec<How> {
    let mut all = vec![How::Nth];
    let fixed = |text: &str| How::Fixed(text.to_owned());
    let texts = checks.iter().flat_map(|check| &check.texts);
    let numbers: Vec<i128> = checks.iter().flat_map(|check| check.numbers.iter().copied()).take(12).collect();
    match shape {
        Shape::Text(most) => {
            for text in texts {
                if text.contains(['%', '_']) {
                    all.push(How::Pattern(text.replace('%', "{n}").replace('_', "a")));
                }
                all.push(fixed(text));
            }
            let most = most.unwrap_or(usize::MAX);
            let widths = numbers.iter().filter_map(|number| usize::try_from(*number).ok());
            all.extend(widths.filter(|width| *width > 0 && *width <= most.min(2000)).map(How::Wide));
            all.extend(numbers.iter().map(|number| How::Fixed(number.to_string())));
            if nullable {
                all.push(How::Null);
            }
            all.extend(FORMS.iter().map(|form| How::Pattern((*form).to_owned())));
        }
        Shape::Whole { .. } | Shape::Decimal { .. } | Shape::Float(_) | Shape::Year => {
            all.extend(
                numbers
                    .iter()
                    .flat_map(|number| [number.saturating_add(1), *number, number.saturating_sub(1)])
                    .map(|n| How::Fixed(n.to_string())),
            );
            all.extend(texts.map(|text| fixed(text)));
            all.extend(shape.limits().into_iter().map(How::Fixed));
        }
        Shape::Truth
        | Shape::Bytes(_)
        | Shape::Uuid
        | Shape::Date
        | Shape::Time
        | Shape::Moment { .. }
        | Shape::Span
        | Shape::Json
        | Shape::OneOf(_)
        | Shape::Range(_)
        | Shape::Many(_)
        | Shape::Net
        | Shape::Mac
        | Shape::Bits(_)
        | Shape::Point
        | Shape::Unknown => {
            all.extend(texts.map(|text| fixed(text)));
            all.extend(shape.limits().into_iter().map(How::Fixed));
        }
    }
    if nullable {
        all.push(How::Null);
    }
    if defaulted {
        all.push(How::Omitted);
    }
    let mut unique: Vec<How> = vec![];
    for how in all {
        if !unique.contains(&how) {
            unique.push(how);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_a_check_are_tried() {
        let check =
            mined(Dialect::Postgres, "CHECK (((status)::text = ANY ((ARRAY['new'::character varying, 'paid'::text])::text[])))");
        assert_eq!(check.texts, ["new", "paid"]);
        let all = of(&Shape::Text(Some(20)), true, false, &[check]);
        assert_eq!(all[1], How::Fixed("new".to_owned()));
        assert!(all.contains(&How::Null));
    }

    #[test]
    fn patterns_and_lengths_are_met() {
        let like = mined(Dialect::Postgres, "CHECK ((email ~~ '%@%'::text))");
        let all = of(&Shape::Text(None), false, false, &[like]);
        assert!(all.contains(&How::Pattern("{n}@{n}".to_owned())), "{all:?}");
        let length = mined(Dialect::Postgres, "CHECK ((char_length(country) = 2))");
        let all = of(&Shape::Text(None), false, false, &[length]);
        let wide = all.iter().find(|how| matches!(how, How::Wide(2))).expect("two characters");
        assert_eq!(wide.value(&Shape::Text(None), 7).map(|text| text.len()), Some(2));
    }
}
