//! A table renamed: in one transaction the new name, and a view that goes by the old one; later the view goes.

use super::Made;
use super::parts::{dollar, locked};
use crate::migration::Catalogue;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Unit, name};

pub(super) fn units(catalogue: &Catalogue, table: &Object, to: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let new = Object { schema: table.schema.clone(), name: to.to_owned() };
    let mut reasons = vec![];
    if catalogue.table(&new.to_string()).is_some() {
        reasons.push(format!("there is a table {new} already"));
    }
    if subject.table.row_security {
        reasons.push(format!("{table} has row security, which a view would pass by: rename it when nobody is served"));
    }
    if !reasons.is_empty() {
        return Err(Human { reasons });
    }
    let (old, q) = (subject.place(), subject.q(to));
    let new_place = name::place(subject.dialect, &new);
    let view = format!("CREATE VIEW {old} AS SELECT * FROM {new_place}");
    let up = [format!("ALTER TABLE {old} RENAME TO {q}"), view.clone(), rights(&subject, &new_place)];
    let gone = format!("DROP VIEW {old}");
    let down = [gone.clone(), format!("ALTER TABLE {new_place} RENAME TO {}", subject.q(&table.name))];
    let again = [view, rights(&subject, &new_place)];
    let units =
        vec![Unit::expand("table", locked(up)).back(locked(down)), Unit::detach("view", locked([gone])).back(locked(again))];
    let remarks = vec![
        format!(
            "through the view {table} the old version can read, insert, update, delete and upsert; TRUNCATE, COPY into it, a foreign key to it and pg_get_serial_sequence on it fail"
        ),
        format!(
            "an ORM that looks the primary key up in the schema does not find one for {table}: tell it, or rename the model later"
        ),
    ];
    Ok((units, remarks))
}

/// Who may do what with the table may do it with the view.
fn rights(subject: &Subject, new: &str) -> String {
    let dialect = subject.dialect;
    let (view, table) = (name::literal(dialect, &subject.place()), name::literal(dialect, new));
    let body = format!(
        "
DECLARE
  held record;
BEGIN
  EXECUTE format('ALTER VIEW %s OWNER TO %I', {view}, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = {table}::regclass));
  FOR held IN
    SELECT a.privilege_type, a.grantee, pg_get_userbyid(a.grantee) AS role
      FROM pg_class AS c, aclexplode(c.relacl) AS a
     WHERE c.oid = {table}::regclass AND a.grantee <> c.relowner
       AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s', held.privilege_type, {view},
      CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(held.role) END);
  END LOOP;
END
"
    );
    format!("DO {}", dollar(&body))
}
