//! Everything that is no table and no row: types, views, functions, triggers, policies, grants, what is dropped, what is tuned.

use super::super::operation::{Kind, Object, Operation};
use super::names::{below, has, holds, named, object, text, tokens, unquoted, word};
use super::{cascades, unknown};
use squawk_syntax::ast::{self, AlterDomainAction, AlterTypeAction, AstNode, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

pub(super) fn read(stmt: &Stmt) -> Option<Vec<Operation>> {
    created(stmt).map(|one| vec![one]).or_else(|| dropped(stmt)).or_else(|| altered(stmt)).or_else(|| ruled(stmt))
}

/// The name of what a `CREATE` makes: the first path or plain name in it.
fn new_name(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Object {
    let found = node.descendants().find(|one| kinds.contains(&one.kind()));
    found.map(|found| object(&found)).unwrap_or_default()
}

fn created(stmt: &Stmt) -> Option<Operation> {
    let node = stmt.syntax();
    let replace = has(node, SyntaxKind::OR_REPLACE);
    let path = || new_name(node, &[SyntaxKind::PATH]);
    let make = |kind, object| Some(Operation::Create { kind, object });
    let last_word =
        || Object::new(node.children().find(|child| !has_no_name(child.kind())).map(|child| word(&child)).unwrap_or_default());
    match stmt {
        Stmt::CreateView(_) => Some(Operation::CreateView { view: path(), replace, materialized: false }),
        Stmt::CreateMaterializedView(_) => Some(Operation::CreateView { view: path(), replace: false, materialized: true }),
        Stmt::CreateFunction(_) | Stmt::CreateProcedure(_) | Stmt::CreateAggregate(_) => {
            Some(Operation::CreateFunction { function: path(), replace })
        }
        Stmt::CreateTrigger(create) => Some(Operation::CreateTrigger {
            table: create.on_relation().and_then(|on| named(on.syntax(), SyntaxKind::PATH_REF)).unwrap_or_default(),
            name: create.trigger().map(|name| word(name.syntax())).unwrap_or_default(),
        }),
        Stmt::CreatePolicy(create) => Some(Operation::RowSecurity {
            table: create.on_table().and_then(|on| named(on.syntax(), SyntaxKind::PATH_REF)).unwrap_or_default(),
            enable: true,
            policy: create.policy().map(|name| word(name.syntax())),
        }),
        Stmt::CreateRule(_) => Some(Operation::Rule { table: new_name(node, &[SyntaxKind::PATH_REF]) }),
        Stmt::CreateType(create) => {
            let is_enum = create.kind().is_some_and(|kind| text(kind.syntax()).to_ascii_lowercase().starts_with("as enum"));
            make(if is_enum { Kind::Enum } else { Kind::Type }, path())
        }
        Stmt::CreateDomain(_) => make(Kind::Domain, path()),
        Stmt::CreateSequence(_) => make(Kind::Sequence, path()),
        Stmt::CreateSchema(_) => make(Kind::Schema, last_word()),
        Stmt::CreateExtension(_) => make(Kind::Extension, last_word()),
        Stmt::CreatePublication(_) => make(Kind::Publication, last_word()),
        Stmt::CreateSubscription(_) => make(Kind::Subscription, last_word()),
        Stmt::CreateRole(_) | Stmt::CreateUser(_) | Stmt::CreateGroup(_) => make(Kind::Role, last_word()),
        Stmt::CreateDatabase(_) => make(Kind::Database, last_word()),
        Stmt::CreateStatistics(_) => make(Kind::Statistics, path()),
        Stmt::CreateEventTrigger(_) => {
            Some(Operation::CreateTrigger { table: Object::new("the database"), name: last_word().name })
        }
        Stmt::CreateAccessMethod(_)
        | Stmt::CreateCast(_)
        | Stmt::CreateCollation(_)
        | Stmt::CreateConversion(_)
        | Stmt::CreateForeignDataWrapper(_)
        | Stmt::CreateLanguage(_)
        | Stmt::CreateOperator(_)
        | Stmt::CreateOperatorClass(_)
        | Stmt::CreateOperatorFamily(_)
        | Stmt::CreatePropertyGraph(_)
        | Stmt::CreateServer(_)
        | Stmt::CreateTablespace(_)
        | Stmt::CreateTextSearchConfiguration(_)
        | Stmt::CreateTextSearchDictionary(_)
        | Stmt::CreateTextSearchParser(_)
        | Stmt::CreateTextSearchTemplate(_)
        | Stmt::CreateTransform(_)
        | Stmt::CreateUserMapping(_)
        | Stmt::ImportForeignSchema(_) => make(Kind::Other, last_word()),
        _ => None,
    }
}

fn has_no_name(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::IF_EXISTS
            | SyntaxKind::IF_NOT_EXISTS
            | SyntaxKind::OR_REPLACE
            | SyntaxKind::CASCADE
            | SyntaxKind::RESTRICT
            | SyntaxKind::ON_RELATION
            | SyntaxKind::ON_TABLE
    )
}

fn dropped(stmt: &Stmt) -> Option<Vec<Operation>> {
    let node = stmt.syntax();
    let kind = match stmt {
        Stmt::DropTable(_) | Stmt::DropForeignTable(_) => Kind::Table,
        Stmt::DropView(_) => Kind::View,
        Stmt::DropMaterializedView(_) => Kind::MaterializedView,
        Stmt::DropSequence(_) => Kind::Sequence,
        Stmt::DropSchema(_) => Kind::Schema,
        Stmt::DropType(_) => Kind::Type,
        Stmt::DropDomain(_) => Kind::Domain,
        Stmt::DropExtension(_) => Kind::Extension,
        Stmt::DropFunction(_) | Stmt::DropProcedure(_) | Stmt::DropRoutine(_) | Stmt::DropAggregate(_) => Kind::Function,
        Stmt::DropTrigger(_) | Stmt::DropEventTrigger(_) => Kind::Trigger,
        Stmt::DropPolicy(_) => Kind::Policy,
        Stmt::DropRule(_) => Kind::Rule,
        Stmt::DropPublication(_) => Kind::Publication,
        Stmt::DropSubscription(_) => Kind::Subscription,
        Stmt::DropRole(_) | Stmt::DropUser(_) | Stmt::DropGroup(_) => Kind::Role,
        Stmt::DropDatabase(_) => Kind::Database,
        Stmt::DropStatistics(_) => Kind::Statistics,
        Stmt::DropOwned(_) => {
            return Some(vec![Operation::Drop {
                kind: Kind::Database,
                object: Object::new("all that a role owns"),
                cascade: false,
                if_exists: false,
            }]);
        }
        Stmt::DropAccessMethod(_)
        | Stmt::DropCast(_)
        | Stmt::DropCollation(_)
        | Stmt::DropConversion(_)
        | Stmt::DropForeignDataWrapper(_)
        | Stmt::DropLanguage(_)
        | Stmt::DropOperator(_)
        | Stmt::DropOperatorClass(_)
        | Stmt::DropOperatorFamily(_)
        | Stmt::DropPropertyGraph(_)
        | Stmt::DropServer(_)
        | Stmt::DropTablespace(_)
        | Stmt::DropTextSearchConfig(_)
        | Stmt::DropTextSearchDict(_)
        | Stmt::DropTextSearchParser(_)
        | Stmt::DropTextSearchTemplate(_)
        | Stmt::DropTransform(_)
        | Stmt::DropUserMapping(_) => Kind::Other,
        _ => return None,
    };
    let if_exists = has(node, SyntaxKind::IF_EXISTS);
    let on = node.children().find(|child| matches!(child.kind(), SyntaxKind::ON_RELATION | SyntaxKind::ON_TABLE));
    let table = on.and_then(|on| named(&on, SyntaxKind::PATH_REF)).map(|table| table.key());
    let one = |name: &SyntaxNode| {
        let object = object(name);
        let object = Object { schema: table.clone().or(object.schema), name: object.name };
        Operation::Drop { kind, object, cascade: cascades(stmt), if_exists }
    };
    let names = node.children().filter(|child| !has_no_name(child.kind())).flat_map(|child| {
        let is_list = matches!(child.kind(), SyntaxKind::FUNCTION_SIG_LIST) || format!("{:?}", child.kind()).ends_with("_LIST");
        if is_list { child.children().collect() } else { vec![child] }
    });
    let found: Vec<Operation> = names.map(|name| one(&name)).collect();
    Some(if found.is_empty() { vec![one(node)] } else { found })
}

fn altered(stmt: &Stmt) -> Option<Vec<Operation>> {
    let node = stmt.syntax();
    match stmt {
        Stmt::AlterType(alter) => return Some(alter_type(alter)),
        Stmt::AlterDomain(alter) => return Some(vec![alter_domain(alter)]),
        Stmt::AlterSequence(_) => return Some(vec![alter_sequence(node)]),
        Stmt::AlterPolicy(alter) if !holds(node, SyntaxKind::RENAME_KW) => {
            let table = alter.on_table().and_then(|on| named(on.syntax(), SyntaxKind::PATH_REF)).unwrap_or_default();
            let policy = below(node, SyntaxKind::POLICY_REF).map(|name| word(&name));
            return Some(vec![Operation::RowSecurity { table, enable: true, policy }]);
        }
        Stmt::AlterDefaultPrivileges(_) if holds(node, SyntaxKind::REVOKE_KW) => {
            return Some(vec![Operation::Revoke { on: vec![] }]);
        }
        Stmt::AlterDefaultPrivileges(_) => return Some(vec![Operation::Grant { on: vec![] }]),
        Stmt::AlterSystem(_) => return Some(vec![Operation::Stray { what: "ALTER SYSTEM".to_owned() }]),
        _ => {}
    }
    let (kind, target) = altered_kind(stmt)?;
    let object = named(node, target).or_else(|| named(node, SyntaxKind::PATH_REF)).unwrap_or_default();
    Some(vec![alter_other(node, kind, object)])
}

/// What an `ALTER` is about, and which node names it.
fn altered_kind(stmt: &Stmt) -> Option<(Kind, SyntaxKind)> {
    Some(match stmt {
        Stmt::AlterView(_) => (Kind::View, SyntaxKind::VIEW_REF),
        Stmt::AlterMaterializedView(_) => (Kind::MaterializedView, SyntaxKind::PATH_REF),
        Stmt::AlterIndex(_) => (Kind::Index, SyntaxKind::INDEX_REF),
        Stmt::AlterFunction(_) | Stmt::AlterProcedure(_) | Stmt::AlterRoutine(_) | Stmt::AlterAggregate(_) => {
            (Kind::Function, SyntaxKind::PATH_REF)
        }
        Stmt::AlterTrigger(_) | Stmt::AlterEventTrigger(_) => (Kind::Trigger, SyntaxKind::TRIGGER_REF),
        Stmt::AlterSchema(_) => (Kind::Schema, SyntaxKind::SCHEMA_REF),
        Stmt::AlterExtension(_) => (Kind::Extension, SyntaxKind::EXTENSION_REF),
        Stmt::AlterPublication(_) => (Kind::Publication, SyntaxKind::PUBLICATION_REF),
        Stmt::AlterSubscription(_) => (Kind::Subscription, SyntaxKind::SUBSCRIPTION_REF),
        Stmt::AlterRole(_) | Stmt::AlterUser(_) | Stmt::AlterGroup(_) => (Kind::Role, SyntaxKind::ROLE_REF),
        Stmt::AlterDatabase(_) => (Kind::Database, SyntaxKind::DATABASE_REF),
        Stmt::AlterStatistics(_) => (Kind::Statistics, SyntaxKind::STATISTICS_REF),
        Stmt::AlterForeignTable(_) => (Kind::Other, SyntaxKind::PATH_REF),
        Stmt::AlterRule(_) => (Kind::Rule, SyntaxKind::RULE_REF),
        Stmt::AlterPolicy(_) => (Kind::Policy, SyntaxKind::POLICY_REF),
        Stmt::AlterCollation(_)
        | Stmt::AlterConversion(_)
        | Stmt::AlterForeignDataWrapper(_)
        | Stmt::AlterLanguage(_)
        | Stmt::AlterLargeObject(_)
        | Stmt::AlterOperator(_)
        | Stmt::AlterOperatorClass(_)
        | Stmt::AlterOperatorFamily(_)
        | Stmt::AlterPropertyGraph(_)
        | Stmt::AlterServer(_)
        | Stmt::AlterTablespace(_)
        | Stmt::AlterTextSearchConfiguration(_)
        | Stmt::AlterTextSearchDictionary(_)
        | Stmt::AlterTextSearchParser(_)
        | Stmt::AlterTextSearchTemplate(_)
        | Stmt::AlterUserMapping(_) => (Kind::Other, SyntaxKind::PATH_REF),
        _ => return None,
    })
}

/// `RENAME`, `SET SCHEMA`, `OWNER TO`, options: what all kinds of objects have in common.
fn alter_other(node: &SyntaxNode, kind: Kind, object: Object) -> Operation {
    let action = node.children().last();
    let renames = holds(node, SyntaxKind::RENAME_KW);
    if renames && holds(node, SyntaxKind::COLUMN_NAME_REF) {
        let names: Vec<String> = node
            .descendants()
            .filter(|one| matches!(one.kind(), SyntaxKind::COLUMN_NAME_REF | SyntaxKind::COLUMN_NAME))
            .map(|one| word(&one))
            .collect();
        let mut names = names.into_iter();
        let column = names.next().unwrap_or_default();
        return Operation::RenameColumn { table: object, column, to: names.next().unwrap_or_default() };
    }
    if renames {
        let to = action.map(|action| tokens(&action).last().map(|token| super::names::fold(token.text())).unwrap_or_default());
        return Operation::Rename { kind, object, to: to.unwrap_or_default() };
    }
    if holds(node, SyntaxKind::SET_SCHEMA) {
        return Operation::MoveSchema { kind, object };
    }
    match kind {
        Kind::Index if holds(node, SyntaxKind::SET_TABLESPACE) => {
            Operation::RewriteTable { table: object, what: "SET TABLESPACE" }
        }
        Kind::Publication | Kind::Subscription if holds(node, SyntaxKind::DROP_KW) => {
            Operation::Drop { kind: Kind::Other, object, cascade: false, if_exists: false }
        }
        Kind::View if holds(node, SyntaxKind::ALTER_VIEW_COLUMN) => {
            Operation::Tune { kind, object, what: "the default of a column" }
        }
        Kind::Extension => Operation::Tune { kind, object, what: "the version" },
        _ => Operation::Tune { kind, object, what: "owner or options" },
    }
}

fn alter_type(alter: &ast::AlterType) -> Vec<Operation> {
    let node = alter.syntax();
    let object = alter.type_name_ref().map(|name| object(name.syntax())).unwrap_or_default();
    let literal = || below(node, SyntaxKind::LITERAL).map(|literal| unquoted(&text(&literal))).unwrap_or_default();
    let Some(action) = alter.action() else { return vec![unknown("an ALTER TYPE that is not known")] };
    match &action {
        AlterTypeAction::AddValue(_) => vec![Operation::AddEnumValue { object, value: literal() }],
        AlterTypeAction::RenameValue(_) => vec![Operation::RenameEnumValue { object, value: literal() }],
        AlterTypeAction::AlterTypeAttributeActionList(list) => {
            let each = list.syntax().children().map(|action| {
                let column =
                    below(&action, SyntaxKind::COMPOSITE_FIELD_REF).or_else(|| below(&action, SyntaxKind::COMPOSITE_FIELD));
                let column = column.map(|name| word(&name)).unwrap_or_default();
                match action.kind() {
                    SyntaxKind::DROP_ATTRIBUTE => {
                        Operation::DropColumn { table: object.clone(), column, cascade: holds(&action, SyntaxKind::CASCADE) }
                    }
                    SyntaxKind::ALTER_ATTRIBUTE => {
                        Operation::ChangeType { table: object.clone(), column, from: None, to: None, using: false }
                    }
                    _ => {
                        let column = super::super::operation::Column { name: column, ..Default::default() };
                        Operation::AddColumn { table: object.clone(), column, if_not_exists: false }
                    }
                }
            });
            each.collect()
        }
        AlterTypeAction::RenameAttribute(rename) => {
            let name = |kind| below(rename.syntax(), kind).map(|name| word(&name)).unwrap_or_default();
            let (column, to) = (name(SyntaxKind::COMPOSITE_FIELD_REF), name(SyntaxKind::COMPOSITE_FIELD));
            vec![Operation::RenameColumn { table: object, column, to }]
        }
        AlterTypeAction::TypeRenameTo(rename) => {
            let to = tokens(rename.syntax()).last().map(|token| super::names::fold(token.text())).unwrap_or_default();
            vec![Operation::Rename { kind: Kind::Type, object, to }]
        }
        AlterTypeAction::SetSchema(_) => vec![Operation::MoveSchema { kind: Kind::Type, object }],
        AlterTypeAction::OwnerTo(_) | AlterTypeAction::SetOptions(_) => {
            vec![Operation::Tune { kind: Kind::Type, object, what: "owner or options" }]
        }
    }
}

fn alter_domain(alter: &ast::AlterDomain) -> Operation {
    let object = alter.domain_ref().map(|name| object(name.syntax())).unwrap_or_default();
    let node = alter.syntax();
    match alter.action() {
        Some(AlterDomainAction::AddConstraint(_)) => {
            Operation::AlterDomain { object, tightens: true, not_valid: holds(node, SyntaxKind::NOT_VALID) }
        }
        Some(AlterDomainAction::SetNotNull(_)) => Operation::AlterDomain { object, tightens: true, not_valid: false },
        Some(AlterDomainAction::DropConstraint(_) | AlterDomainAction::DropNotNull(_)) => {
            Operation::AlterDomain { object, tightens: false, not_valid: false }
        }
        Some(AlterDomainAction::SetDefault(_) | AlterDomainAction::DropDefault(_)) => {
            Operation::Tune { kind: Kind::Domain, object, what: "the default" }
        }
        Some(AlterDomainAction::ValidateConstraint(_)) => Operation::ValidateConstraint {
            table: object,
            name: below(node, SyntaxKind::CONSTRAINT_NAME_REF).map(|name| word(&name)).unwrap_or_default(),
        },
        Some(
            AlterDomainAction::DomainRenameTo(_)
            | AlterDomainAction::SetSchema(_)
            | AlterDomainAction::OwnerTo(_)
            | AlterDomainAction::RenameConstraint(_),
        )
        | None => alter_other(node, Kind::Domain, object),
    }
}

fn alter_sequence(node: &SyntaxNode) -> Operation {
    let object = named(node, SyntaxKind::PATH_REF).unwrap_or_default();
    if text(node).to_ascii_lowercase().contains("owned by none") {
        return Operation::AlterIdentity { table: object, column: String::new(), drops: true };
    }
    alter_other(node, Kind::Sequence, object)
}

fn ruled(stmt: &Stmt) -> Option<Vec<Operation>> {
    let node = stmt.syntax();
    Some(vec![match stmt {
        Stmt::Grant(_) => Operation::Grant { on: granted(node) },
        Stmt::Revoke(_) => Operation::Revoke { on: granted(node) },
        Stmt::CommentOn(_) => {
            let object = named(node, SyntaxKind::PATH_REF).unwrap_or_default();
            Operation::Tune { kind: Kind::Other, object, what: "a comment" }
        }
        Stmt::SecurityLabel(_) => Operation::Tune { kind: Kind::Other, object: Object::default(), what: "a security label" },
        Stmt::Analyze(_) => Operation::Tune {
            kind: Kind::Other,
            object: named(node, SyntaxKind::PATH_REF).unwrap_or_default(),
            what: "statistics",
        },
        Stmt::Refresh(_) => Operation::RefreshView {
            view: named(node, SyntaxKind::PATH_REF).unwrap_or_default(),
            concurrently: holds(node, SyntaxKind::CONCURRENTLY_KW),
        },
        Stmt::Reindex(_) => Operation::Reindex { concurrently: holds(node, SyntaxKind::CONCURRENTLY_KW) },
        Stmt::Reassign(_) => Operation::Tune { kind: Kind::Role, object: Object::default(), what: "the owner" },
        Stmt::Checkpoint(_) => Operation::Stray { what: "CHECKPOINT".to_owned() },
        _ => return None,
    }])
}

/// What a grant is on: tables, functions, schemas by name.
fn granted(node: &SyntaxNode) -> Vec<Object> {
    let Some(on) = below(node, SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE) else { return vec![] };
    let kinds = [
        SyntaxKind::TABLE_NAME_REF,
        SyntaxKind::RELATION_NAME_REF,
        SyntaxKind::FUNCTION_NAME_REF,
        SyntaxKind::PROCEDURE_NAME_REF,
        SyntaxKind::ROUTINE_NAME_REF,
        SyntaxKind::SCHEMA_REF,
        SyntaxKind::SEQUENCE_REF,
        SyntaxKind::TYPE_NAME_REF,
    ];
    on.descendants().filter(|one| kinds.contains(&one.kind())).map(|one| object(&one)).collect()
}
