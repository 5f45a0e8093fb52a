//! Reads what probes name besides tables: functions, sequences, domains, partitions, privileges. PostgreSQL; the other servers
//! have it in their catalogue, or not at all.

use crate::hand::database::{Session, SqlError};
use crate::migration::Dialect;
use crate::migration::proof::inventory::{Domain, Function, Partition, Security};
use crate::migration::proof::{Inventory, guard};
use std::collections::{BTreeMap, BTreeSet};

const RELATIONS: &str = "
SELECT c.relkind, CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END,
       (SELECT CASE WHEN pg_table_is_visible(p.oid) THEN p.relname ELSE pn.nspname || '.' || p.relname END
          FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
         WHERE i.inhrelid = c.oid AND c.relispartition),
       pg_get_expr(c.relpartbound, c.oid),
       (SELECT json_agg(a.attname ORDER BY k.place) FROM pg_partitioned_table t
          CROSS JOIN unnest(t.partattrs::int2[]) WITH ORDINALITY k(number, place)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number WHERE t.partrelid = c.oid),
       (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity = 'a' AND NOT a.attisdropped),
       c.relrowsecurity,
       (SELECT json_agg(concat_ws(' ', p.polname, p.polpermissive, p.polcmd, p.polroles::text, pg_get_expr(p.polqual, c.oid),
               pg_get_expr(p.polwithcheck, c.oid)) ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid),
       (SELECT json_agg(k.conname || ' ' || pg_get_constraintdef(k.oid)) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'x'),
       EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                  AND d.refobjsubid > 0)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm', 'f', 'S', 'c') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

const FUNCTIONS: &str = "
SELECT CASE WHEN pg_function_is_visible(p.oid) THEN p.proname ELSE n.nspname || '.' || p.proname END,
       (SELECT coalesce(json_agg(format_type(u.type, NULL) ORDER BY u.place), '[]') FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u(type, place)
         WHERE u.place <= p.pronargs - p.pronargdefaults),
       oidvectortypes(p.proargtypes), format_type(p.prorettype, NULL), p.proretset, p.prokind = 'f' AND p.provariadic = 0,
       l.lanname, p.prosrc
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
 WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
 ORDER BY 1, 3";

const TRIGGER_FUNCTIONS: &str = "
SELECT p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND p.prorettype = 'trigger'::regtype";

const DOMAINS: &str = "
SELECT format_type(t.oid, NULL), format_type(t.typbasetype, t.typtypmod), t.typnotnull,
       (SELECT json_object_agg(k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint k WHERE k.contypid = t.oid)
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'd' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')";

const NAMES: &str = "
SELECT 'schema', nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
UNION ALL SELECT 'extension', extname FROM pg_extension";

/// Who may do what, without owners, who may everything.
const PRIVILEGES: &str = "
SELECT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END || ': ' || g.privilege_type || ' on ' || o.name
  FROM (SELECT c.relnamespace AS space, c.oid::regclass::text AS name, c.relowner AS owner,
               coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner)) AS acl
          FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        UNION ALL SELECT c.relnamespace, a.attrelid::regclass || '.' || a.attname, c.relowner, a.attacl
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
        UNION ALL SELECT p.pronamespace, p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
          FROM pg_proc p WHERE p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
        UNION ALL SELECT n.oid, 'schema ' || n.nspname, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace n
       ) o JOIN pg_namespace n ON n.oid = o.space CROSS JOIN aclexplode(o.acl) g
 WHERE g.grantee <> o.owner AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";

/// Reads all of it.
pub async fn read(session: &mut dyn Session, dialect: Dialect) -> Result<Inventory, SqlError> {
    let mut inventory = Inventory::default();
    if dialect != Dialect::Postgres {
        return Ok(inventory);
    }
    for row in session.query(RELATIONS, &[]).await? {
        relation(&mut inventory, &Cells(row));
    }
    for row in session.query(FUNCTIONS, &[]).await? {
        inventory.functions.push(function(&Cells(row)));
    }
    for row in session.query(TRIGGER_FUNCTIONS, &[]).await? {
        let row = Cells(row);
        inventory.trigger_functions.insert(row.text(0), row.text(1));
    }
    for row in session.query(DOMAINS, &[]).await? {
        let row = Cells(row);
        let checks: BTreeMap<String, String> = serde_json::from_str(&row.text(3)).unwrap_or_default();
        inventory.domains.insert(row.text(0), Domain { base: row.text(1), not_null: row.holds(2), checks });
    }
    for row in session.query(NAMES, &[]).await? {
        let row = Cells(row);
        match row.text(0).as_str() {
            "schema" => inventory.schemas.insert(row.text(1)),
            _ => inventory.extensions.insert(row.text(1)),
        };
    }
    let privileges = session.query(PRIVILEGES, &[]).await?;
    inventory.privileges = privileges.into_iter().flatten().flatten().collect::<BTreeSet<_>>();
    Ok(inventory)
}

fn relation(inventory: &mut Inventory, row: &Cells) {
    let name = row.text(1);
    match row.text(0).as_str() {
        "S" if row.holds(9) => {
            inventory.owned_sequences.insert(name);
            return;
        }
        "S" => {
            inventory.sequences.insert(name);
            return;
        }
        "c" => {
            inventory.composites.insert(name);
            return;
        }
        "f" => {
            inventory.foreign_tables.insert(name.clone());
        }
        "m" => {
            inventory.materialized.insert(name.clone());
        }
        _ => {}
    }
    if let Some(of) = row.maybe(2) {
        inventory.partitions.insert(name.clone(), Partition { of, bounds: row.text(3) });
    }
    let keys = row.list(4);
    if !keys.is_empty() {
        inventory.partition_keys.insert(name.clone(), keys);
    }
    inventory.always.extend(row.list(5).into_iter().map(|column| (name.clone(), column)));
    let security = Security { on: row.holds(6), policies: row.list(7) };
    if security != Security::default() {
        inventory.security.insert(name.clone(), security);
    }
    let exclusions = row.list(8);
    if !exclusions.is_empty() {
        inventory.exclusions.insert(name, exclusions);
    }
}

fn function(row: &Cells) -> Function {
    let body = row.text(7);
    let is_contained =
        matches!(row.text(6).as_str(), "sql" | "plpgsql") && guard::refusal(Dialect::Postgres, &body, &BTreeSet::new()).is_none();
    Function {
        name: row.text(0),
        arguments: row.list(1),
        signature: row.text(2),
        returns: row.text(3),
        returns_set: row.holds(4),
        is_plain: row.holds(5),
        is_contained,
        body,
    }
}

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
