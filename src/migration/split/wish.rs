//! What is wished: the change as somebody wrote it in one statement, with what only a person can add to it.

use crate::migration::operation::Object;

/// One change that is to be split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    RenameColumn {
        table: Object,
        column: String,
        to: String,
    },
    RenameTable {
        table: Object,
        to: String,
    },
    ChangeType {
        table: Object,
        column: String,
        to: String,
        fill: Fill,
    },
    DropColumn {
        table: Object,
        column: String,
        fill: Fill,
    },
    /// Required, and without a default.
    AddColumn {
        table: Object,
        column: String,
        data_type: String,
        fill: Fill,
    },
    SetNotNull {
        table: Object,
        column: String,
        fill: Fill,
    },
    AddCheck {
        table: Object,
        name: Option<String>,
        condition: String,
    },
    AddForeignKey {
        table: Object,
        name: Option<String>,
        columns: Vec<String>,
        target: Object,
        target_columns: Vec<String>,
        options: String,
    },
    /// A unique constraint, or a unique index: then `index` is what stands behind the table, from its `(` on.
    AddUnique {
        table: Object,
        name: Option<String>,
        columns: Vec<String>,
        index: Option<String>,
    },
    RenameEnumValue {
        object: Object,
        value: String,
        to: String,
    },
}

/// What only a person knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fill {
    /// The new value, as an expression that names the column.
    pub up: Option<String>,
    /// The old value out of the new one, as an expression that names the column.
    pub down: Option<String>,
    /// The value where there is none, as an SQL expression.
    pub value: Option<String>,
}

impl Wish {
    /// A word for file names.
    #[must_use]
    pub fn slug(&self) -> String {
        let words = match self {
            Wish::RenameColumn { table, column, .. } => format!("rename {} {column}", table.name),
            Wish::RenameTable { table, .. } => format!("rename {}", table.name),
            Wish::ChangeType { table, column, .. } => format!("retype {} {column}", table.name),
            Wish::DropColumn { table, column, .. } => format!("drop {} {column}", table.name),
            Wish::AddColumn { table, column, .. } => format!("add {} {column}", table.name),
            Wish::SetNotNull { table, column, .. } => format!("require {} {column}", table.name),
            Wish::AddCheck { table, name, .. } => format!("check {} {}", table.name, name.as_deref().unwrap_or_default()),
            Wish::AddForeignKey { table, columns, .. } => format!("reference {} {}", table.name, columns.join(" ")),
            Wish::AddUnique { table, columns, name, .. } => {
                let what = if columns.is_empty() { name.clone().unwrap_or_default() } else { columns.join(" ") };
                format!("unique {} {what}", table.name)
            }
            Wish::RenameEnumValue { object, value, .. } => format!("rename {} {value}", object.name),
        };
        super::name::slug(&words)
    }

    /// One line for people. Names in it are foreign text.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Wish::RenameColumn { table, column, to } => format!("rename {table}.{column} to {to}"),
            Wish::RenameTable { table, to } => format!("rename {table} to {to}"),
            Wish::ChangeType { table, column, to, .. } => format!("change the type of {table}.{column} to {to}"),
            Wish::DropColumn { table, column, .. } => format!("drop {table}.{column}"),
            Wish::AddColumn { table, column, .. } => format!("add {table}.{column}, required"),
            Wish::SetNotNull { table, column, .. } => format!("require {table}.{column}"),
            Wish::AddCheck { table, name, .. } => match name {
                Some(name) => format!("check {name} on {table}"),
                None => format!("a check on {table}"),
            },
            Wish::AddForeignKey { table, columns, target, .. } => {
                format!("foreign key from {table} ({}) to {target}", columns.join(", "))
            }
            Wish::AddUnique { table, columns, name, .. } => match name {
                Some(name) => format!("unique {name} on {table}"),
                None => format!("unique {table} ({})", columns.join(", ")),
            },
            Wish::RenameEnumValue { object, value, to } => format!("rename the value {value} of {object} to {to}"),
        }
    }

    /// Does it need to know what the database holds?
    #[must_use]
    pub fn needs_catalogue(&self) -> bool {
        !matches!(self, Wish::AddColumn { .. } | Wish::RenameEnumValue { .. })
    }
}
