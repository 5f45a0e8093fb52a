//! Tables, their columns, constraints and indexes.

use super::super::operation::{Act, ConstraintKind, Fill, Kind, Object, Operation};
use super::names::{below, columns, has, holds, named, object, text, word};
use super::{cascades, column};
use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode, Stmt};
use std::ops::Range;

pub(super) fn read(stmt: &Stmt) -> Option<Vec<Operation>> {
    Some(match stmt {
        Stmt::CreateTable(create) => vec![create_table(create)],
        Stmt::CreateTableAs(create) => vec![Operation::CreateTable {
            table: create.table_name().map(|name| object(name.syntax())).unwrap_or_default(),
            columns: vec![],
            constraints: vec![],
            if_not_exists: create.if_not_exists().is_some(),
            filled: true,
            temporary: is_temporary(create.persistence().as_ref()),
            partition_of: None,
        }],
        Stmt::SelectInto(select) => vec![Operation::CreateTable {
            table: named(select.syntax(), SyntaxKind::PATH)
                .or_else(|| named(select.syntax(), SyntaxKind::INTO_CLAUSE))
                .unwrap_or_default(),
            columns: vec![],
            constraints: vec![],
            if_not_exists: false,
            filled: true,
            temporary: false,
            partition_of: None,
        }],
        Stmt::CreateForeignTable(create) => vec![Operation::CreateTable {
            table: named(create.syntax(), SyntaxKind::PATH).unwrap_or_default(),
            columns: vec![],
            constraints: vec![],
            if_not_exists: has(create.syntax(), SyntaxKind::IF_NOT_EXISTS),
            filled: false,
            temporary: false,
            partition_of: None,
        }],
        Stmt::CreateIndex(create) => vec![create_index(create)],
        Stmt::DropIndex(drop) => {
            let each = drop.syntax().children().filter(|node| node.kind() == SyntaxKind::INDEX_REF);
            let one = |node| Operation::DropIndex {
                table: None,
                name: Some(word(&node)),
                columns: vec![],
                concurrently: has(drop.syntax(), SyntaxKind::CONCURRENTLY_KW),
                cascade: cascades(stmt),
            };
            each.map(one).collect()
        }
        Stmt::Truncate(truncate) => {
            let each = truncate.syntax().descendants().filter(|node| node.kind() == SyntaxKind::TABLE_RELATION_NAME);
            each.map(|node| Operation::Truncate { table: object(&node), cascade: cascades(stmt) }).collect()
        }
        _ => return None,
    })
}

fn is_temporary(persistence: Option<&ast::Persistence>) -> bool {
    persistence.is_some_and(|persistence| text(persistence.syntax()).to_ascii_lowercase().contains("temp"))
}

fn create_table(create: &ast::CreateTable) -> Operation {
    let table = create.table_name().map(|name| object(name.syntax())).unwrap_or_default();
    let mut columns = vec![];
    let mut constraints = vec![];
    for arg in create.table_arg_list().into_iter().flat_map(|list| list.syntax().children().collect::<Vec<_>>()) {
        if let Some(one) = ast::Column::cast(arg.clone()) {
            let name = one.name().map(|name| word(name.syntax())).unwrap_or_default();
            constraints.extend(column::named_checks(&arg, &table.name, &name));
            columns.push(column::read(&arg, name, one.ty()));
        } else if let Some(one) = ast::Constraint::cast(arg) {
            constraints.push(column::constraint(&one));
        }
    }
    Operation::CreateTable {
        table,
        columns,
        constraints,
        if_not_exists: create.if_not_exists().is_some(),
        filled: false,
        temporary: is_temporary(create.persistence().as_ref()),
        partition_of: create.partition_of().and_then(|of| named(of.syntax(), SyntaxKind::TABLE_NAME_REF)),
    }
}

fn create_index(create: &ast::CreateIndex) -> Operation {
    let node = create.syntax();
    let items = create.partition_item_list().into_iter().flat_map(|list| list.syntax().children().collect::<Vec<_>>());
    Operation::CreateIndex {
        table: create.table_relation_name().map(|name| object(name.syntax())).unwrap_or_default(),
        name: create.index().map(|name| word(name.syntax())),
        columns: items.flat_map(|item| columns(&item).into_iter().take(1)).collect(),
        unique: create.unique_token().is_some(),
        concurrently: create.concurrently_token().is_some(),
        if_not_exists: has(node, SyntaxKind::IF_NOT_EXISTS),
        special: false,
    }
}

/// One operation for each action.
pub(super) fn alter(alter: &ast::AlterTable, span: &Range<usize>) -> Vec<Act> {
    let table = alter.table_relation_name().map(|name| object(name.syntax())).unwrap_or_default();
    let start = usize::from(alter.syntax().text_range().start());
    let mut acts = vec![];
    for action in alter.actions() {
        let range = action.syntax().text_range();
        let place = |offset: usize| span.start + offset - start;
        let span = place(usize::from(range.start()))..place(usize::from(range.end()));
        acts.push(Act { operation: act(&table, &action), span });
    }
    if acts.is_empty() {
        let operation = if alter.all_in_tablespace().is_some() {
            Operation::RewriteTable { table, what: "SET TABLESPACE" }
        } else {
            super::unknown("an ALTER TABLE without an action that is known")
        };
        acts.push(Act { operation, span: span.clone() });
    }
    acts
}

fn act(table: &Object, action: &AlterTableAction) -> Operation {
    let node = action.syntax();
    let on = table.clone();
    let column_ref = || below(node, SyntaxKind::COLUMN_NAME_REF).map(|name| word(&name)).unwrap_or_default();
    match action {
        AlterTableAction::AddColumn(add) => {
            let name = add.column_name().map(|name| word(name.syntax())).unwrap_or_default();
            let column = column::read(node, name, add.ty());
            Operation::AddColumn { table: on, column, if_not_exists: add.if_not_exists().is_some() }
        }
        AlterTableAction::AlterColumn(alter) => match alter.option() {
            Some(option) => alter_column(on, column_ref(), &option),
            None => super::unknown("an ALTER COLUMN that is not known"),
        },
        AlterTableAction::DropColumn(_) => {
            Operation::DropColumn { table: on, column: column_ref(), cascade: holds(node, SyntaxKind::CASCADE) }
        }
        AlterTableAction::RenameColumn(rename) => {
            let to = rename.column_name().map(|name| word(name.syntax())).unwrap_or_default();
            Operation::RenameColumn { table: on, column: column_ref(), to }
        }
        AlterTableAction::TableRenameTo(rename) => {
            let to = rename.table_name().map(|name| object(name.syntax())).unwrap_or_default();
            Operation::RenameTable { table: on, to: Object { schema: table.schema.clone(), ..to } }
        }
        AlterTableAction::AddConstraint(add) => match add.constraint() {
            Some(constraint) => Operation::AddConstraint { table: on, constraint: column::constraint(&constraint) },
            None => super::unknown("a constraint that is not known"),
        },
        AlterTableAction::DropConstraint(_) => Operation::DropConstraint {
            table: on,
            name: below(node, SyntaxKind::CONSTRAINT_NAME_REF).map(|name| word(&name)),
            kind: ConstraintKind::Unknown,
            columns: vec![],
            cascade: holds(node, SyntaxKind::CASCADE),
        },
        AlterTableAction::ValidateConstraint(_) => {
            let name = below(node, SyntaxKind::CONSTRAINT_NAME_REF).map(|name| word(&name)).unwrap_or_default();
            Operation::ValidateConstraint { table: on, name }
        }
        AlterTableAction::RenameConstraint(rename) => Operation::Rename {
            kind: Kind::Other,
            object: Object::new(below(node, SyntaxKind::CONSTRAINT_NAME_REF).map(|name| word(&name)).unwrap_or_default()),
            to: rename.constraint_name().map(|name| word(name.syntax())).unwrap_or_default(),
        },
        _ => whole(on, action),
    }
}

/// What concerns the table as a whole: partitions, security, triggers, storage.
fn whole(on: Object, action: &AlterTableAction) -> Operation {
    let node = action.syntax();
    let tune = |what| Operation::Tune { kind: Kind::Table, object: on.clone(), what };
    match action {
        AlterTableAction::AttachPartition(_) => {
            Operation::AttachPartition { table: on, partition: named(node, SyntaxKind::TABLE_NAME_REF).unwrap_or_default() }
        }
        AlterTableAction::DetachPartition(_) => Operation::DetachPartition {
            table: on,
            partition: named(node, SyntaxKind::TABLE_NAME_REF).unwrap_or_default(),
            concurrently: holds(node, SyntaxKind::CONCURRENTLY_KW),
        },
        AlterTableAction::EnableRls(_) | AlterTableAction::ForceRls(_) => {
            Operation::RowSecurity { table: on, enable: true, policy: None }
        }
        AlterTableAction::DisableRls(_) | AlterTableAction::NoForceRls(_) => {
            Operation::RowSecurity { table: on, enable: false, policy: None }
        }
        AlterTableAction::EnableTrigger(_)
        | AlterTableAction::EnableAlwaysTrigger(_)
        | AlterTableAction::EnableReplicaTrigger(_) => Operation::SwitchTrigger { table: on, enable: true },
        AlterTableAction::DisableTrigger(_) => Operation::SwitchTrigger { table: on, enable: false },
        AlterTableAction::EnableRule(_)
        | AlterTableAction::EnableAlwaysRule(_)
        | AlterTableAction::EnableReplicaRule(_)
        | AlterTableAction::DisableRule(_) => Operation::Rule { table: on },
        AlterTableAction::SetLogged(_) => Operation::RewriteTable { table: on, what: "SET LOGGED" },
        AlterTableAction::SetUnlogged(_) => Operation::RewriteTable { table: on, what: "SET UNLOGGED" },
        AlterTableAction::SetTablespace(_) => Operation::RewriteTable { table: on, what: "SET TABLESPACE" },
        AlterTableAction::SetAccessMethod(_) => Operation::RewriteTable { table: on, what: "SET ACCESS METHOD" },
        AlterTableAction::SetSchema(_) => Operation::MoveSchema { kind: Kind::Table, object: on },
        AlterTableAction::MergePartitions(_) | AlterTableAction::SplitPartition(_) => Operation::Repartition { table: on },
        AlterTableAction::InheritTable(_) => {
            let parent = named(node, SyntaxKind::TABLE_NAME_REF).unwrap_or_default();
            Operation::AttachPartition { table: parent, partition: on }
        }
        AlterTableAction::NoInheritTable(_) => {
            let parent = named(node, SyntaxKind::TABLE_NAME_REF).unwrap_or_default();
            Operation::DetachPartition { table: parent, partition: on, concurrently: false }
        }
        AlterTableAction::OwnerTo(_) => tune("the owner"),
        AlterTableAction::ReplicaIdentity(_) => tune("the replica identity"),
        AlterTableAction::ClusterOn(_) | AlterTableAction::SetWithoutCluster(_) => tune("the cluster index"),
        AlterTableAction::SetWithoutOids(_) => tune("OIDs"),
        AlterTableAction::OfType(_) | AlterTableAction::NotOf(_) => tune("the type of the table"),
        AlterTableAction::AlterConstraint(_) => tune("when a constraint is checked"),
        AlterTableAction::SetOptions(_)
        | AlterTableAction::ResetOptions(_)
        | AlterTableAction::AlterOptionList(_)
        | AlterTableAction::OptionItemList(_) => tune("options"),
        _ => super::unknown("an action of ALTER TABLE that is not known"),
    }
}

fn alter_column(table: Object, column: String, option: &AlterColumnOption) -> Operation {
    let tune = |what| Operation::Tune { kind: Kind::Table, object: table.clone(), what };
    match option {
        AlterColumnOption::SetType(set) => Operation::ChangeType {
            from: None,
            table,
            column,
            to: set.ty().map(|ty| text(ty.syntax())),
            using: set.using_expr().is_some_and(|using| !is_plain_cast(using.syntax())),
        },
        AlterColumnOption::SetDefault(set) => {
            let default = set.expr().map_or(Fill::Unknown(String::new()), |expr| column::fill(expr.syntax()));
            Operation::SetDefault { table, column, default }
        }
        AlterColumnOption::DropDefault(_) => Operation::DropDefault { table, column },
        AlterColumnOption::SetNotNull(_) => Operation::SetNotNull { table, column },
        AlterColumnOption::DropNotNull(_) => Operation::DropNotNull { table, column },
        AlterColumnOption::DropIdentity(_) | AlterColumnOption::DropExpression(_) => {
            Operation::AlterIdentity { table, column, drops: true }
        }
        AlterColumnOption::AddGenerated(_) | AlterColumnOption::SetGenerated(_) | AlterColumnOption::SetGeneratedOptions(_) => {
            Operation::AlterIdentity { table, column, drops: false }
        }
        AlterColumnOption::SetExpression(_) => Operation::RewriteTable { table, what: "another generated expression" },
        AlterColumnOption::Restart(_) | AlterColumnOption::SetSequenceOption(_) => tune("the sequence of an identity"),
        AlterColumnOption::SetStatistics(_) => tune("statistics"),
        AlterColumnOption::SetStorage(_) => tune("storage"),
        AlterColumnOption::SetCompression(_) => tune("compression"),
        AlterColumnOption::Inherit(_) | AlterColumnOption::NoInherit(_) => tune("inheritance"),
        AlterColumnOption::SetOptions(_) | AlterColumnOption::SetOptionsList(_) | AlterColumnOption::ResetOptions(_) => {
            tune("options of a column")
        }
    }
}

/// `USING c::type` converts no otherwise than PostgreSQL would by itself.
fn is_plain_cast(using: &squawk_syntax::SyntaxNode) -> bool {
    let said = text(using).to_ascii_lowercase();
    !said.contains('(') || below(using, SyntaxKind::CALL_EXPR).is_none() && !holds(using, SyntaxKind::CASE_EXPR)
}
