//! Django's and Alembic's migrations: raw SQL in them, backfills in batches, since the tools run them themselves.

use super::sql::{head, marks};
use super::{Home, Output, Page};
use crate::migration::Dialect;
use crate::migration::progress::ContractStep;
use crate::migration::split::{Human, Mark, Script};
use regex::Regex;

/// Walks a table in batches, with a cursor of the driver.
const DJANGO_WALK: &str = r#"
def in_batches(execute, table, key, statement):
    last = None
    while True:
        after, values = ("", ()) if last is None else (f" WHERE {key} > %s", (last,))
        rows = execute(f"SELECT {key} FROM {table}{after} ORDER BY {key} LIMIT 2000", values)
        if not rows:
            return
        last = rows[-1][0]
        execute(f"{statement} AND {key} >= %s AND {key} <= %s", (rows[0][0], last))
"#;

/// The same with SQLAlchemy.
const ALEMBIC_WALK: &str = r#"
def in_batches(bind, table, key, statement):
    last = None
    while True:
        after, values = ("", {}) if last is None else (f" WHERE {key} > :last", {"last": last})
        rows = bind.execute(sa.text(f"SELECT {key} FROM {table}{after} ORDER BY {key} LIMIT 2000"), values).fetchall()
        if not rows:
            return
        first, last = rows[0][0], rows[-1][0]
        bind.execute(sa.text(f"{statement} AND {key} >= :first AND {key} <= :last"), {"first": first, "last": last})
"#;

/// Who runs the statements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    Django,
    Alembic,
}

impl Through {
    /// A text in which the driver, or SQLAlchemy, fills nothing in.
    fn safe(self, sql: &str) -> String {
        match self {
            Through::Django => sql.replace('%', "%%"),
            Through::Alembic => sql.replace(':', "\\:"),
        }
    }

    fn plain(self, sql: &str) -> String {
        match self {
            Through::Django => format!("execute({}, None)", literal(sql)),
            Through::Alembic => format!("op.execute(sa.text({}))", literal(&self.safe(sql))),
        }
    }

    fn count(self, sql: &str) -> String {
        match self {
            Through::Django => format!("execute({}, None)[0][0]", literal(sql)),
            Through::Alembic => format!("op.get_bind().execute(sa.text({})).scalar()", literal(&self.safe(sql))),
        }
    }

    fn walk(self, [table, key, sql]: [&str; 3]) -> String {
        let [table, key, sql] = [table, key, sql].map(|text| literal(&self.safe(text)));
        let with = if self == Through::Django { "execute" } else { "op.get_bind()" };
        format!("in_batches({with}, {table}, {key}, {sql})")
    }
}

/// A text as Python writes it.
fn literal(text: &str) -> String {
    let mut out = String::from("\"\"\"");
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            c => out.push(c),
        }
    }
    out.push_str("\"\"\"");
    out
}

/// The calls of one script, each on lines of its own.
fn calls(script: &Script, step: Option<ContractStep>, indent: &str, through: Through) -> String {
    let mut text = String::new();
    for note in &script.notes {
        text.push_str(&format!("{indent}# {}\n", super::Printable::new(note).as_str()));
    }
    for statement in &script.statements {
        for line in marks(statement, step) {
            text.push_str(&format!("{indent}# {line}\n"));
        }
        text.push_str(&match &statement.mark {
            None => format!("{indent}{}\n", through.plain(&statement.sql)),
            Some(Mark::Verify) => format!(
                "{indent}count = {}\n{indent}if count != 0:\n{indent}    raise RuntimeError(f\"{{count}} rows are not as they must be\")\n",
                through.count(&statement.sql)
            ),
            Some(Mark::Batch { table, key }) => format!("{indent}{}\n", through.walk([table, key, &statement.sql])),
        });
    }
    if script.statements.is_empty() {
        text.push_str(&format!("{indent}pass\n"));
    }
    text
}

fn alone(page: &Page, home: &Home) -> bool {
    let apart = |script: &Script| {
        let batch = script.statements.iter().any(|one| matches!(one.mark, Some(Mark::Batch { .. })));
        home.dialect == Dialect::Postgres && (!script.is_transaction || batch)
    };
    apart(&page.unit.up) || apart(&page.unit.down)
}

pub(super) fn django(pages: &[Page], home: &Home) -> Result<Vec<Output>, Human> {
    let label = home.folder.trim_end_matches('/').rsplit('/').nth(1).filter(|label| !label.is_empty());
    let Some(label) = label else {
        return Err(Human::because(
            "the app of these migrations is not known: give the path of the file from the project's root",
        ));
    };
    let numbered = |name: &&str| name.ends_with(".py") && name.starts_with(|c: char| c.is_ascii_digit());
    let mut last = home.names().filter(numbered).max().map(|name| name.trim_end_matches(".py").to_owned());
    let mut outputs = vec![];
    for page in pages {
        let name = format!("{}_{}", page.version, page.name);
        let before = last.as_ref().map_or(String::new(), |last| format!("({}, {})", plain(label), plain(last)));
        let text = format!(
            "{}from django.db import migrations\n\n{DJANGO_WALK}\n\ndef runner(schema_editor):\n    def execute(sql, values):\n        with schema_editor.connection.cursor() as cursor:\n            cursor.execute(sql, values)\n            return cursor.fetchall() if cursor.description else []\n\n    return execute\n\n\ndef forwards(apps, schema_editor):\n    execute = runner(schema_editor)\n{}\n\ndef backwards(apps, schema_editor):\n    execute = runner(schema_editor)\n{}\n\nclass Migration(migrations.Migration):\n    atomic = {}\n    dependencies = [{before}]\n    operations = [migrations.RunPython(forwards, backwards)]\n",
            head(page, &page.unit.up, home, "#"),
            calls(&page.unit.up, page.unit.step, "    ", Through::Django),
            calls(&page.unit.down, None, "    ", Through::Django),
            if alone(page, home) { "False" } else { "True" },
        );
        outputs.push(Output { path: home.path(&format!("{name}.py")), text, replaces: false });
        last = Some(name);
    }
    Ok(outputs)
}

/// A short text between quotes.
fn plain(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn alembic(pages: &[Page], home: &Home) -> Result<Vec<Output>, Human> {
    let mut before = match heads(home)?.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => {
            return Err(Human::because(format!(
                "there are {} heads ({}): merge them first (`alembic merge heads`)",
                several.len(),
                several.join(", ")
            )));
        }
    };
    let mut outputs = vec![];
    for page in pages {
        let seed = format!("{}{}", before.as_deref().unwrap_or_default(), page.name);
        let (one, two) = (crc32fast::hash(seed.as_bytes()), crc32fast::hash(page.name.as_bytes()));
        let revision = format!("{one:08x}{:04x}", two & 0xffff);
        let down = before.as_deref().map_or("None".to_owned(), plain);
        // Statements that stand alone, and batches, commit by themselves.
        let wrap = |script: &Script, step| {
            if alone(page, home) {
                format!("    with op.get_context().autocommit_block():\n{}", calls(script, step, "        ", Through::Alembic))
            } else {
                calls(script, step, "    ", Through::Alembic)
            }
        };
        let text = format!(
            "{}\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = {}\ndown_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n{ALEMBIC_WALK}\n\ndef upgrade():\n{}\n\ndef downgrade():\n{}",
            head(page, &page.unit.up, home, "#"),
            plain(&revision),
            wrap(&page.unit.up, page.unit.step),
            wrap(&page.unit.down, None),
        );
        outputs.push(Output { path: home.path(&format!("{revision}_{}.py", page.name)), text, replaces: false });
        before = Some(revision);
    }
    Ok(outputs)
}

/// Revisions that no other one comes after.
fn heads(home: &Home) -> Result<Vec<String>, Human> {
    let (Ok(revision), Ok(down)) = (
        Regex::new(r#"(?m)^revision\s*(?::[^=\n]*)?=\s*['"]([^'"]+)['"]"#),
        Regex::new(r#"(?m)^down_revision\s*(?::[^=\n]*)?=\s*(.+)$"#),
    ) else {
        return Err(Human::because("the revisions cannot be read"));
    };
    let quoted = Regex::new(r#"['"]([^'"]+)['"]"#).map_err(|error| Human::because(error.to_string()))?;
    let (mut all, mut followed) = (vec![], vec![]);
    for text in home.beside.iter().filter_map(|beside| beside.text.as_deref()) {
        all.extend(revision.captures(text).map(|found| found[1].to_owned()));
        if let Some(found) = down.captures(text) {
            followed.extend(quoted.captures_iter(&found[1]).map(|one| one[1].to_owned()));
        }
    }
    Ok(all.into_iter().filter(|one| !followed.contains(one)).collect())
}
