//! What is never run on a scratch copy, because its effect does not stay inside: roles, other databases, files, the server's
//! settings. It looks at words, in bodies and strings too, and refuses rather once too often.

use crate::migration::Dialect;
use regex::Regex;
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Token, Tokenizer};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Words, and what they reach.
const REACHING: [(&str, &str); 9] = [
    (
        r"\b(create|alter|drop|rename)\s+(role|group|database|tablespace|server|subscription)\b",
        "roles, databases and tablespaces belong to the whole server",
    ),
    (r"\b(create|alter|drop)\s+user\b", "users belong to the whole server"),
    (r"\balter\s+system\b|\bset\s+(global|persist)\b|\bset\s+@@global", "settings belong to the whole server"),
    (r"\b(drop|reassign)\s+owned\b", "it reaches other databases of the server"),
    (r"\bcopy\b[^;]*\b(program|from\s+'|to\s+')", "it reaches files and programs of the server"),
    (r"\b(load\s+data|into\s+(outfile|dumpfile)|load_file\s*\()", "it reaches files of the server"),
    (
        r"\b(pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_promote|pg_switch_wal|lo_export|lo_import|pg_read_file|dblink\w*|pg_create_\w*replication_slot|pg_drop_replication_slot|cron\.schedule|http_(get|post))\s*\(",
        "it calls what reaches out of the database",
    ),
    (
        r"^\s*(attach\s|detach\s+database|shutdown\b|install\s+plugin|flush\s|purge\s+binary|reset\s+(master|slave))",
        "it reaches out of the database",
    ),
    (r"^\s*(grant|revoke)\s+[\w\x22`]+(\s*,\s*[\w\x22`]+)*\s+(to|from)\b", "membership of roles belongs to the whole server"),
];

static REACHES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    REACHING.iter().filter_map(|(pattern, why)| Some((Regex::new(&format!("(?i){pattern}")).ok()?, *why))).collect()
});

/// Why this statement is not run on a copy that lies beside other databases; `None`: it may be. `others` are the names of the
/// other databases of a MySQL server.
#[must_use]
pub fn refusal(dialect: Dialect, sql: &str, others: &BTreeSet<String>) -> Option<String> {
    let code = without_comments(dialect, sql);
    let in_table = code.trim_start().get(..11).is_some_and(|head| head.eq_ignore_ascii_case("alter table"));
    for (reaches, why) in REACHES.iter() {
        if let Some(found) = reaches.find(&code)
            && !(in_table && found.start() > 0)
            && !code[found.end()..].trim_start().to_lowercase().starts_with("mapping")
        {
            let words = found.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
            return Some(format!("`{words}` is not run on a copy: {why}"));
        }
    }
    if dialect == Dialect::Mysql {
        let other = other_database(&code, others)?;
        return Some(format!("it names the database {other}, which is not the copy"));
    }
    None
}

/// Comments become spaces; what is in strings and bodies stays.
fn without_comments(dialect: Dialect, sql: &str) -> String {
    let tokens = match dialect {
        Dialect::Postgres => Tokenizer::new(&PostgreSqlDialect {}, sql).with_unescape(false).tokenize(),
        Dialect::Mysql => Tokenizer::new(&MySqlDialect {}, sql).with_unescape(false).tokenize(),
        Dialect::Sqlite => Tokenizer::new(&SQLiteDialect {}, sql).with_unescape(false).tokenize(),
    };
    let Ok(tokens) = tokens else { return sql.to_owned() };
    let kept = |token: &Token| match token {
        Token::Whitespace(_) => " ".to_owned(),
        other => other.to_string(),
    };
    tokens.iter().map(kept).collect()
}

/// The first other database that is named, by `USE` or before a dot.
fn other_database(code: &str, others: &BTreeSet<String>) -> Option<String> {
    let tokens = Tokenizer::new(&MySqlDialect {}, code).tokenize().ok()?;
    let words: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let name = |token: &Token| match token {
        Token::Word(word) => Some(word.value.clone()),
        _ => None,
    };
    if let [Token::Word(first), second, ..] = words.as_slice()
        && first.value.eq_ignore_ascii_case("use")
    {
        return name(second);
    }
    words.windows(2).find_map(|pair| match pair {
        [first, Token::Period] => name(first).filter(|name| others.contains(name)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(dialect: Dialect, sql: &str) -> bool {
        refusal(dialect, sql, &BTreeSet::from(["shop".to_owned()])).is_some()
    }

    #[test]
    fn what_reaches_out_is_not_run() {
        for sql in [
            "ALTER SYSTEM SET work_mem = '1GB'",
            "create role app",
            "CREATE USER app PASSWORD 'x'",
            "DO $$ BEGIN IF true THEN CREATE ROLE app; END IF; END $$",
            "DO $$ BEGIN EXECUTE 'drop ' || 'x'; EXECUTE 'alter system reset all'; END $$",
            "DROP /* really */ DATABASE shop",
            "COPY t TO PROGRAM 'sh'",
            "COPY t FROM '/etc/passwd'",
            "SELECT pg_terminate_backend(1)",
            "GRANT readers TO app",
        ] {
            assert!(refused(Dialect::Postgres, sql), "{sql}");
        }
        for sql in ["ALTER TABLE shop.users ADD c int", "USE shop", "SET GLOBAL x = 1", "INSERT INTO `shop`.t VALUES (1)"] {
            assert!(refused(Dialect::Mysql, sql), "{sql}");
        }
        assert!(refused(Dialect::Sqlite, "ATTACH DATABASE 'x.db' AS x"));
    }

    #[test]
    fn what_stays_inside_is_run() {
        for sql in [
            "ALTER TABLE users DROP COLUMN role",
            "CREATE TABLE roles (id int) -- then create role app",
            "GRANT SELECT ON users TO app",
            "ALTER TABLE t DROP CONSTRAINT a, ADD CHECK (kind <> 'create user')",
            "DO $$ BEGIN EXECUTE 'alter table t drop ' || 'column c'; END $$",
            "CREATE USER MAPPING FOR app SERVER s",
            "COPY t FROM stdin",
        ] {
            assert!(!refused(Dialect::Postgres, sql), "{sql}: {:?}", refusal(Dialect::Postgres, sql, &BTreeSet::new()));
        }
        assert!(!refused(Dialect::Mysql, "ALTER TABLE users ADD c int, ADD d decimal(10.2)"));
    }
}
