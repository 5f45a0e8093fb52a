//! PostgreSQL's catalogue, read without a lock on any table: whoever holds one for long does not hold us.

use super::{PgSession, Session};
use crate::hand::database::SqlError;
use crate::migration::catalogue::{Check, Column, Dependant, ForeignKey, Index, Table, Trigger};
use crate::migration::{Catalogue, Dialect};
use std::collections::BTreeMap;

/// Tables, views, and what a name of theirs is: as it is seen, else with its schema.
const TABLES: &str = "
SELECT c.oid, CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END,
       c.relkind, CASE WHEN c.reltuples > 0 THEN c.reltuples::bigint
            ELSE coalesce(nullif(pg_stat_get_live_tuples(c.oid), 0), CASE WHEN c.reltuples = 0 THEN 0 END) END,
       CASE WHEN c.relpages > 0 THEN c.relpages::bigint * current_setting('block_size')::bigint END,
       c.relrowsecurity, obj_description(c.oid, 'pg_class')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

const COLUMNS: &str = "
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
       (SELECT quote_ident(l.collname) FROM pg_collation l JOIN pg_type t ON t.oid = a.atttypid
         WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation),
       col_description(a.attrelid, a.attnum), nullif(a.attstattarget, -1), a.attnum
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY a.attrelid, a.attnum";

const GRANTS: &str = "
SELECT a.attrelid, a.attname, 'GRANT ' || g.privilege_type || ' (' || quote_ident(a.attname) || ') ON ' || a.attrelid::regclass || ' TO '
       || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
       || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
  FROM pg_attribute a, aclexplode(a.attacl) g WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL";

const INDEXES: &str = "
SELECT i.indrelid, c.relname, i.indisunique, i.indisprimary,
       EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')),
       (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts),
       pg_get_indexdef(i.indexrelid), i.indisvalid, pg_get_expr(i.indpred, i.indrelid), i.indexprs IS NOT NULL
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY c.relname";

const CONSTRAINTS: &str = "
SELECT k.conrelid, k.conname, k.contype, k.convalidated,
       (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
       k.confrelid,
       (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
          JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number),
       pg_get_constraintdef(k.oid)
  FROM pg_constraint k WHERE k.contype IN ('f', 'c') AND k.conrelid <> 0 ORDER BY k.conname";

const TRIGGERS: &str = "
SELECT t.tgrelid, t.tgname,
       CASE WHEN t.tgtype & 2 <> 0 THEN 'BEFORE' WHEN t.tgtype & 64 <> 0 THEN 'INSTEAD OF' ELSE 'AFTER' END,
       concat_ws(' ', CASE WHEN t.tgtype & 4 <> 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 16 <> 0 THEN 'UPDATE' END,
                 CASE WHEN t.tgtype & 8 <> 0 THEN 'DELETE' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'TRUNCATE' END),
       t.tgenabled <> 'D', pg_get_triggerdef(t.oid)
  FROM pg_trigger t WHERE NOT t.tgisinternal ORDER BY t.tgname";

/// What hangs on a table: the table, the kind, the name, one column or none.
const DEPENDANTS: &str = "
SELECT DISTINCT d.refobjid, CASE WHEN c.relkind = 'm' THEN 'materialized view' WHEN r.rulename = '_RETURN' THEN 'view' ELSE 'rule' END,
       CASE WHEN r.rulename = '_RETURN' THEN r.ev_class::regclass::text ELSE r.rulename::text END, a.attname::text
  FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
 WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
   AND (d.refobjid <> r.ev_class OR r.rulename <> '_RETURN')
UNION SELECT p.polrelid, 'policy', p.polname::text, a.attname::text
  FROM pg_policy p LEFT JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
   AND d.refobjid = p.polrelid AND d.refobjsubid > 0
  LEFT JOIN pg_attribute a ON a.attrelid = p.polrelid AND a.attnum = d.refobjsubid
UNION SELECT r.prrelid, 'publication', p.pubname::text, NULL FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
UNION SELECT k.confrelid, 'foreign key', k.conrelid::regclass || '.' || k.conname, a.attname::text
  FROM pg_constraint k CROSS JOIN unnest(k.confkey) number JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = number
 WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
UNION SELECT d.refobjid, 'generated column', own.attname::text, a.attname::text
  FROM pg_depend d JOIN pg_attrdef e ON e.oid = d.objid AND e.adrelid = d.refobjid AND e.adnum <> d.refobjsubid
  JOIN pg_attribute own ON own.attrelid = e.adrelid AND own.attnum = e.adnum AND own.attgenerated <> ''
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
UNION SELECT d.refobjid, 'function', p.oid::regprocedure::text, a.attname::text
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass
UNION SELECT p.partrelid, 'partition key', p.partrelid::regclass::text, a.attname::text
  FROM pg_partitioned_table p CROSS JOIN unnest(p.partattrs::int2[]) number
  JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = number
ORDER BY 1, 2, 3, 4";

const ENUMS: &str = "
SELECT CASE WHEN pg_type_is_visible(t.oid) THEN t.typname ELSE n.nspname || '.' || t.typname END, e.enumlabel
  FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace ORDER BY t.oid, e.enumsortorder";

const FUNCTIONS: &str = "
SELECT CASE WHEN pg_function_is_visible(p.oid) THEN p.proname ELSE n.nspname || '.' || p.proname END, 1
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')";

/// A row whose values are there, or empty.
struct Cells(Vec<Option<String>>);

impl Cells {
    fn maybe(&self, at: usize) -> Option<String> {
        self.0.get(at).cloned().flatten()
    }

    fn text(&self, at: usize) -> String {
        self.maybe(at).unwrap_or_default()
    }

    fn holds(&self, at: usize) -> bool {
        self.text(at) == "true"
    }

    fn list(&self, at: usize) -> Vec<String> {
        serde_json::from_str(&self.text(at)).unwrap_or_default()
    }
}

struct Reader<'s> {
    session: &'s mut PgSession,
    /// Object number → table.
    tables: BTreeMap<String, (String, Table)>,
}

pub(super) async fn read(session: &mut PgSession) -> Result<Catalogue, SqlError> {
    let mut catalogue = Catalogue::empty(Dialect::Postgres);
    let version = session.query("SELECT current_setting('server_version')", &[]).await?;
    catalogue.server = version.into_iter().flatten().flatten().next().unwrap_or_default();
    let mut reader = Reader { session, tables: BTreeMap::new() };
    reader.tables().await?;
    reader.columns().await?;
    reader.indexes().await?;
    reader.constraints().await?;
    reader.hangers_on().await?;
    for row in reader.ask(ENUMS).await? {
        catalogue.enums.entry(row.text(0)).or_default().push(row.text(1));
    }
    for row in reader.ask(FUNCTIONS).await? {
        *catalogue.functions.entry(row.text(0)).or_default() += 1;
    }
    catalogue.tables = reader.tables.into_values().collect();
    Ok(catalogue)
}

impl Reader<'_> {
    async fn ask(&mut self, sql: &str) -> Result<Vec<Cells>, SqlError> {
        Ok(self.session.query(sql, &[]).await?.into_iter().map(Cells).collect())
    }

    fn table(&mut self, number: &str) -> Option<&mut Table> {
        self.tables.get_mut(number).map(|(_, table)| table)
    }

    async fn tables(&mut self) -> Result<(), SqlError> {
        for row in self.ask(TABLES).await? {
            let kind = row.text(2);
            let is_view = kind == "v" || kind == "m";
            let table = Table {
                is_view,
                is_partitioned: kind == "p",
                rows: row.maybe(3).filter(|_| kind != "v").and_then(|rows| rows.parse().ok()),
                bytes: row.maybe(4).and_then(|bytes| bytes.parse().ok()),
                row_security: row.holds(5),
                comment: row.maybe(6),
                ..Table::default()
            };
            self.tables.insert(row.text(0), (row.text(1), table));
        }
        Ok(())
    }

    async fn columns(&mut self) -> Result<(), SqlError> {
        for row in self.ask(COLUMNS).await? {
            let Some(table) = self.table(&row.text(0)) else { continue };
            let is_generated = !row.text(5).is_empty();
            let expression = row.maybe(4);
            let is_serial = expression.as_deref().is_some_and(|default| default.starts_with("nextval("));
            table.columns.push(Column {
                name: row.text(1),
                data_type: row.text(2),
                nullable: row.holds(3),
                is_identity: is_serial || !row.text(6).is_empty(),
                default: expression.clone().filter(|_| !is_generated),
                generated: expression.filter(|_| is_generated),
                collation: row.maybe(7),
                comment: row.maybe(8),
                grants: vec![],
                statistics: row.maybe(9).and_then(|target| target.parse().ok()),
            });
        }
        for row in self.ask(GRANTS).await? {
            let Some(table) = self.table(&row.text(0)) else { continue };
            if let Some(column) = table.columns.iter_mut().find(|column| column.name == row.text(1)) {
                column.grants.push(row.text(2));
            }
        }
        Ok(())
    }

    async fn indexes(&mut self) -> Result<(), SqlError> {
        for row in self.ask(INDEXES).await? {
            let Some(table) = self.table(&row.text(0)) else { continue };
            let index = Index {
                name: row.text(1),
                unique: row.holds(2),
                is_primary: row.holds(3),
                is_constraint: row.holds(4),
                columns: row.list(5),
                definition: row.text(6),
                valid: row.holds(7),
                predicate: row.maybe(8),
                has_expressions: row.holds(9),
            };
            if index.is_primary {
                table.primary_key.clone_from(&index.columns);
            }
            table.indexes.push(index);
        }
        Ok(())
    }

    async fn constraints(&mut self) -> Result<(), SqlError> {
        for row in self.ask(CONSTRAINTS).await? {
            let references = self.tables.get(&row.text(5)).map(|(name, _)| name.clone()).unwrap_or_default();
            let Some(table) = self.table(&row.text(0)) else { continue };
            let definition = row.text(7).trim_end_matches(" NOT VALID").to_owned();
            if row.text(2) == "f" {
                let at = definition.find("REFERENCES").unwrap_or(0);
                table.foreign_keys.push(ForeignKey {
                    name: row.text(1),
                    columns: row.list(4),
                    references,
                    referenced_columns: row.list(6),
                    definition: definition.get(at..).unwrap_or_default().to_owned(),
                    validated: row.holds(3),
                });
            } else {
                let check = Check { name: row.text(1), definition, columns: row.list(4), validated: row.holds(3) };
                table.checks.push(check);
            }
        }
        Ok(())
    }

    async fn hangers_on(&mut self) -> Result<(), SqlError> {
        for row in self.ask(TRIGGERS).await? {
            let Some(table) = self.table(&row.text(0)) else { continue };
            table.triggers.push(Trigger {
                name: row.text(1),
                timing: row.text(2),
                events: row.text(3).split(' ').map(str::to_owned).collect(),
                enabled: row.holds(4),
                definition: row.text(5),
            });
        }
        for row in self.ask(DEPENDANTS).await? {
            let Some(table) = self.table(&row.text(0)) else { continue };
            let (kind, name) = (row.text(1), row.text(2));
            let at = table.dependants.iter().position(|one| one.kind == kind && one.name == name).unwrap_or_else(|| {
                table.dependants.push(Dependant { kind, name, columns: vec![] });
                table.dependants.len() - 1
            });
            table.dependants[at].columns.extend(row.maybe(3));
        }
        Ok(())
    }
}
