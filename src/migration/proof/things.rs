//! The probes of what code names besides tables: labels of enums, domains, sequences, schemas, extensions, functions. PostgreSQL.

use super::inventory::Function;
use super::shape::{self, Shape};
use super::{Ask, Cell, Inventory, Kind, Probe, quoted};
use crate::migration::{Catalogue, Dialect};

/// All of them.
#[must_use]
pub fn all(catalogue: &Catalogue, inventory: &Inventory) -> Vec<Probe> {
    let dialect = catalogue.dialect;
    let mut all = vec![];
    let mut uses = |object: &str, does: String, sql: String, cell: Cell| {
        let asks = vec![Ask::question(sql, vec![cell])];
        all.push(Probe { object: object.to_owned(), does, kind: Kind::Use, asks });
    };
    for (name, labels) in &catalogue.enums {
        for label in labels {
            let value = shape::literal(dialect, &Shape::Text(None), Some(label));
            uses(name, format!("uses the label '{label}'"), format!("SELECT {value}::{}", quoted(dialect, name)), Cell::Read);
        }
    }
    for name in inventory.domains.keys() {
        let shape = shape::of(name, catalogue, inventory);
        for value in shape.nth(1).into_iter().chain(shape.limits()) {
            let literal = shape::literal(dialect, &shape, Some(&value));
            let shown: String = value.chars().take(24).collect();
            uses(name, format!("makes it of '{shown}'"), format!("SELECT ({literal}::{name})::text"), Cell::Read);
        }
    }
    for name in &inventory.sequences {
        let text = shape::literal(dialect, &Shape::Text(None), Some(&quoted(dialect, name)));
        uses(name, "takes the next number".to_owned(), format!("SELECT nextval({text}::regclass)"), Cell::Ignored);
    }
    for name in &inventory.composites {
        uses(name, "uses the type".to_owned(), format!("SELECT (NULL::{name})::text"), Cell::Ignored);
    }
    for name in &inventory.schemas {
        let text = shape::literal(dialect, &Shape::Text(None), Some(&quoted(dialect, name)));
        uses(name, "uses the schema".to_owned(), format!("SELECT {text}::regnamespace::text"), Cell::Ignored);
    }
    for name in &inventory.extensions {
        let text = shape::literal(dialect, &Shape::Text(None), Some(name));
        let sql = format!("SELECT extname FROM pg_extension WHERE extname = {text}");
        uses(name, "uses the extension".to_owned(), sql, Cell::Read);
    }
    all.extend(inventory.functions.iter().flat_map(|function| calls(catalogue, inventory, function)));
    all
}

/// A function is called with a few sets of values, or only named where that cannot be done.
fn calls(catalogue: &Catalogue, inventory: &Inventory, function: &Function) -> Vec<Probe> {
    let dialect = catalogue.dialect;
    let shapes: Vec<Shape> = function.arguments.iter().map(|of| shape::of(of, catalogue, inventory)).collect();
    if !function.is_plain || !function.is_contained || shapes.contains(&Shape::Unknown) || dialect != Dialect::Postgres {
        let signature = format!("{}({})", quoted(dialect, &function.name), function.signature);
        let text = shape::literal(dialect, &Shape::Text(None), Some(&signature));
        let asks = vec![Ask::question(format!("SELECT {text}::regprocedure::text"), vec![Cell::Ignored])];
        return vec![Probe { object: function.name.clone(), does: "names the function".to_owned(), kind: Kind::Use, asks }];
    }
    let sets: [fn(&Shape) -> Option<String>; 4] = [
        |shape| shape.nth(1),
        |shape| shape.nth(2),
        |shape| shape.limits().first().cloned(),
        |shape| shape.limits().last().cloned(),
    ];
    let mut probes: Vec<Probe> = vec![];
    for set in sets {
        let values: Vec<String> = shapes
            .iter()
            .zip(&function.arguments)
            .map(|(shape, of)| format!("{}::{of}", shape::literal(dialect, shape, set(shape).as_deref())))
            .collect();
        let call = format!("{}({})", quoted(dialect, &function.name), values.join(", "));
        let shown: String = values.join(", ").chars().take(60).collect();
        let asks = vec![Ask::question(format!("SELECT {call}"), vec![Cell::Read])];
        let probe = Probe { object: function.name.clone(), does: format!("calls it with ({shown})"), kind: Kind::Call, asks };
        if !probes.contains(&probe) {
            probes.push(probe);
        }
    }
    probes
}
