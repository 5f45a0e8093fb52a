//! Django's and Alembic's migrations: raw SQL in them, backfills in batches, since the tools run them themselves.

use super::sql::{head, marks};
use super::{Home, Output, Page, chain};
use crate::migration::progress::ContractStep;
use crate::migration::split::{Human, Mark, Script};
use crate::migration::{Dialect, Phase};

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

/// Must each of its statements, or batches, be committed by itself?
fn apart(script: &Script, home: &Home) -> bool {
    let batch = script.statements.iter().any(|one| matches!(one.mark, Some(Mark::Batch { .. })));
    home.dialect == Dialect::Postgres && (!script.is_transaction || batch)
}

fn alone(page: &Page, home: &Home) -> bool {
    apart(&page.unit.up, home) || apart(&page.unit.down, home)
}

pub(super) fn django(pages: &[Page], home: &Home) -> Result<Vec<Output>, Human> {
    let label = home.folder.trim_end_matches('/').rsplit('/').nth(1).filter(|label| !label.is_empty());
    let Some(label) = label else {
        return Err(Human::because(
            "the app of these migrations is not known: give the path of the file from the project's root",
        ));
    };
    let mut last = chain::django(home, label)?;
    let state = chain::state(home);
    // The new code comes after what expands.
    let learns = pages.iter().rposition(|page| page.unit.phase == Phase::Expand).unwrap_or(pages.len().saturating_sub(1));
    let mut outputs = vec![];
    for (at, page) in pages.iter().enumerate() {
        let name = format!("{}_{}", page.version, page.name);
        let before = last.as_ref().map_or(String::new(), |last| format!("({}, {})", plain(label), plain(last)));
        // One direction must stand alone; the other keeps its transaction.
        let body = |script: &Script, step| {
            if alone(page, home) && !apart(script, home) && script.statements.len() > 1 {
                let calls = calls(script, step, "        ", Through::Django);
                format!("    with transaction.atomic(using=schema_editor.connection.alias):\n{calls}")
            } else {
                calls(script, step, "    ", Through::Django)
            }
        };
        let (up, down) = (body(&page.unit.up, page.unit.step), body(&page.unit.down, None));
        let words =
            if up.contains("transaction.") || down.contains("transaction.") { "migrations, transaction" } else { "migrations" };
        let (imports, knows) = match state.as_ref().filter(|_| at == learns) {
            Some(state) => (
                format!("{}\n", state.imports),
                format!(
                    "\n        # What Django knows of the models, without a statement.\n        migrations.SeparateDatabaseAndState(state_operations={}),\n    ",
                    state.operations
                ),
            ),
            None => (String::new(), String::new()),
        };
        let runs = if knows.is_empty() {
            "migrations.RunPython(forwards, backwards)"
        } else {
            "\n        migrations.RunPython(forwards, backwards),"
        };
        let text = format!(
            "{}from django.db import {words}\n{imports}\n{DJANGO_WALK}\n\ndef runner(schema_editor):\n    def execute(sql, values):\n        with schema_editor.connection.cursor() as cursor:\n            cursor.execute(sql, values)\n            return cursor.fetchall() if cursor.description else []\n\n    return execute\n\n\ndef forwards(apps, schema_editor):\n    execute = runner(schema_editor)\n{}\n\ndef backwards(apps, schema_editor):\n    execute = runner(schema_editor)\n{}\n\nclass Migration(migrations.Migration):\n    atomic = {}\n    dependencies = [{before}]\n    operations = [{runs}{knows}]\n",
            head(page, &page.unit.up, home, "#"),
            up,
            down,
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
    let mut before = chain::alembic(home)?;
    let mut outputs = vec![];
    for page in pages {
        let seed = format!("{}{}", before.as_deref().unwrap_or_default(), page.name);
        let (one, two) = (crc32fast::hash(seed.as_bytes()), crc32fast::hash(page.name.as_bytes()));
        let revision = format!("{one:08x}{:04x}", two & 0xffff);
        let down = before.as_deref().map_or("None".to_owned(), plain);
        // Statements that stand alone, and batches, commit by themselves.
        let wrap = |script: &Script, step| {
            if apart(script, home) {
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
