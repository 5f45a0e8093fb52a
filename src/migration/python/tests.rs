//! Small migrations and what is read of them.

use super::super::operation::{Column, Constraint, ConstraintKind, Fill, Kind, Object};
use super::*;

/// A reader of SQL that says only that there was some.
fn sql(text: &str) -> Vec<Act> {
    vec![Act { operation: Operation::Session { what: text.trim().to_owned() }, span: 0..0 }]
}

fn operations(text: &str) -> Vec<Operation> {
    let surroundings = Surroundings { dialect: Dialect::Postgres, sql: &sql };
    read(text, "shop", surroundings, &|_| None).acts.into_iter().map(|act| act.operation).collect()
}

/// What a body of `upgrade()` does.
fn up(body: &str) -> Vec<Operation> {
    let body = body.replace('\n', "\n    ");
    operations(&format!(
        "from alembic import op\nimport sqlalchemy as sa\n\n\ndef upgrade():\n    {body}\n\n\ndef downgrade():\n    op.drop_table('t')\n"
    ))
}

/// What a list of Django's operations does.
fn django(list: &str) -> Vec<Operation> {
    let text = format!(
        "from django.db import migrations, models\n\n\ndef fill(apps, schema_editor):\n    Book = apps.get_model('shop', 'Book')\n    for book in Book.objects.filter(a=1):\n        book.save()\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('shop', '0001')]\n    operations = [\n        {list}\n    ]\n"
    );
    operations(&text)
}

/// In one word each, with what is touched.
fn short(operations: &[Operation]) -> Vec<String> {
    let word = |operation: &Operation| {
        let what = match operation {
            Operation::AddColumn { column, .. } => column.name.clone(),
            Operation::DropColumn { column, .. }
            | Operation::RenameColumn { column, .. }
            | Operation::SetNotNull { column, .. }
            | Operation::DropNotNull { column, .. }
            | Operation::DropDefault { column, .. }
            | Operation::Redefine { column, .. }
            | Operation::ChangeType { column, .. } => column.clone(),
            Operation::Opaque { what } | Operation::Session { what } | Operation::Unknown { what } => what.clone(),
            _ => String::new(),
        };
        let table =
            operation.subject().map_or_else(|| operation.touches().into_iter().next().unwrap_or_default(), ToString::to_string);
        format!("{} {table} {what}", operation.word()).replace("  ", " ").trim().to_owned()
    };
    operations.iter().map(word).collect()
}

#[test]
fn tables_and_columns_of_alembic() {
    let operations = up(
        "op.create_table('t', sa.Column('id', sa.Integer(), primary_key=True), sa.Column('name', sa.String(20), nullable=False, server_default='x'), sa.Column('u', sa.Integer(), sa.ForeignKey('users.id')), sa.UniqueConstraint('name'))\nop.add_column('t', sa.Column('at', sa.DateTime(timezone=True), server_default=sa.func.now()))\nop.drop_column('t', 'old')\nop.rename_table('a', 'b')\nop.drop_table('c')",
    );
    let Operation::CreateTable { columns, constraints, .. } = &operations[0] else { panic!("{operations:?}") };
    assert!(columns[0].primary_key && columns[1].not_null && !columns[2].not_null);
    assert_eq!(columns[1].data_type.as_deref(), Some("character varying(20)"));
    assert_eq!(columns[2].references, Some(Object::new("users")));
    assert!(matches!(&constraints[..], [Constraint { kind: ConstraintKind::Unique, .. }]));
    let Operation::AddColumn { column: Column { default, data_type, .. }, .. } = &operations[1] else { panic!() };
    assert_eq!(*default, Fill::Stable("now()".to_owned()));
    assert_eq!(data_type.as_deref(), Some("timestamp with time zone"));
    assert_eq!(short(&operations[2..]), ["drop-column t old", "rename-table a", "drop-table c"]);
}

#[test]
fn alter_column_changes_what_it_says() {
    let body = "op.alter_column('t', 'a', existing_type=sa.Integer(), type_=sa.BigInteger(), nullable=False, existing_nullable=True)\nop.alter_column('t', 'b', nullable=True)\nop.alter_column('t', 'c', new_column_name='d')\nop.alter_column('t', 'e', server_default=None)\nop.alter_column('t', 'f', existing_type=sa.String(), type_=sa.String())";
    assert_eq!(
        short(&up(body)),
        ["change-type t a", "set-not-null t a", "drop-not-null t b", "rename-column t c", "drop-default t e", "tune table.t"]
            .map(|word| word.replace("table.t", &short(&up("op.create_table_comment('t', 'x')"))[0].replace("tune ", "")))
    );
}

#[test]
fn batches_indexes_and_constraints() {
    let body = "with op.batch_alter_table('t', schema=None) as batch_op:\n    batch_op.add_column(sa.Column('a', sa.Text()))\n    batch_op.drop_constraint('fk', type_='foreignkey')\n    batch_op.create_index(batch_op.f('ix'), ['a'], unique=True)\nop.create_foreign_key('fk', 't', 'users', ['user_id'], ['id'])\nwith op.get_context().autocommit_block():\n    op.create_index('i', 't', ['a'], postgresql_concurrently=True)\nop.drop_index('i', table_name='t')\nop.create_check_constraint('c', 't', 'a > 0')";
    let operations = up(body);
    assert_eq!(
        short(&operations),
        [
            "add-column t a",
            "drop-foreign-key t",
            "create-unique-index t",
            "add-foreign-key t",
            "create-index t",
            "drop-index t",
            "add-check t"
        ]
    );
    assert!(matches!(&operations[2], Operation::CreateIndex { name: Some(name), unique: true, .. } if name == "ix"));
    assert!(matches!(&operations[4], Operation::CreateIndex { concurrently: true, .. }));
}

#[test]
fn sql_and_rows_of_alembic() {
    let body = "op.execute('one')\nop.execute(sa.text('two'))\nname = 't'\nop.execute(f'three {name} {what}')\nop.execute('four %s {}' % name)\nt = sa.table('t', sa.column('a'))\nop.execute(t.update().where(t.c.a == 1).values(a=2))\nconn = op.get_bind()\nconn.execute(sa.delete(t))\nop.bulk_insert(t, [{'a': 1}])\nsa.Enum('x', name='mood').create(op.get_bind())\nmystery(conn)";
    let operations = up(body);
    assert_eq!(short(&operations[..4]), ["session one", "session two", "session three t what", "session four t {}"]);
    assert!(matches!(&operations[4], Operation::Update { table, bounded: true, sets } if table.name == "t" && *sets == ["a"]));
    assert!(matches!(&operations[5], Operation::Delete { bounded: false, .. }));
    assert!(matches!(&operations[6], Operation::Seed { table } if table.name == "t"));
    assert!(matches!(&operations[7], Operation::Create { kind: Kind::Enum, object } if object.name == "mood"));
    assert_eq!(short(&operations[8..]), ["opaque mystery"]);
}

#[test]
fn functions_constants_loops_and_dialects_are_followed() {
    let text = "TABLES = ['a', 'b']\n\ndef drop(table, column='old'):\n    op.drop_column(table, column)\n\ndef upgrade():\n    for table in TABLES:\n        drop(table)\n    if op.get_bind().dialect.name == 'mysql':\n        op.drop_table('never')\n    else:\n        op.drop_table('c')\n";
    assert_eq!(short(&operations(text)), ["drop-column a old", "drop-column b old", "drop-table c"]);
    let several = "def upgrade(name):\n    globals()['upgrade_%s' % name]()\n\ndef upgrade_one():\n    op.drop_table('a')\n";
    assert_eq!(short(&operations(several)), ["drop-table a"]);
}

/// What a migration does that takes its helpers from a project.
fn beside(text: &str, project: &[(&str, &str)]) -> Vec<Act> {
    let surroundings = Surroundings { dialect: Dialect::Postgres, sql: &sql };
    let modules = |name: &str| project.iter().find(|(module, _)| *module == name).map(|(_, text)| (*text).to_owned());
    read(text, "shop", surroundings, &modules).acts
}

#[test]
fn helpers_of_the_same_project_are_followed_to_where_they_are() {
    let helpers = "from alembic import op\nfrom project.deeper import drop as take_away\nTABLE = 'orders'\n\ndef add_note(name='note'):\n    if not has_column(TABLE, name):\n        op.add_column(TABLE, sa.Column(name, sa.Text()))\n\ndef clean():\n    take_away(TABLE)\n\ndef wrapped():\n    yield\n";
    let project = [("project.helpers", helpers), ("project.deeper", "def drop(table):\n    op.drop_table(table)\n")];
    let text = "from project.helpers import add_note as note\nfrom project import helpers\nTABLE = 'other'\n\ndef upgrade():\n    note()\n    helpers.clean()\n    note(name='more')\n    helpers.away()\n    unheard_of()\n";
    let acts = beside(text, &project);
    let told: Vec<Operation> = acts.iter().map(|act| act.operation.clone()).collect();
    assert_eq!(
        short(&told),
        ["add-column orders note", "drop-table orders", "add-column orders more", "opaque helpers.away", "opaque unheard_of"]
    );
    // Told at the place of the call, in the file that is read.
    assert_eq!(&text[acts[0].span.clone()], "note()");
    assert_eq!(&text[acts[1].span.clone()], "helpers.clean()");
    let around = "from project.helpers import wrapped\n\ndef upgrade():\n    with wrapped():\n        op.drop_table('a')\n";
    assert_eq!(beside(around, &project).len(), 1, "a block is of the file that has it");
    let django = "from project.deeper import forwards\n\nclass Migration(migrations.Migration):\n    operations = [migrations.RunPython(forwards)]\n";
    let forwards = "def forwards(apps, schema_editor):\n    apps.get_model('shop', 'Book').objects.filter(a=1).delete()\n";
    let acts = beside(django, &[("project.deeper", forwards)]);
    assert!(matches!(&acts[0].operation, Operation::Delete { table, bounded: true } if table.name == "shop_book"), "{acts:?}");
}

#[test]
fn helpers_that_take_each_other_in_come_to_an_end() {
    let one = "from project.two import b\n\ndef a():\n    b()\n    b()\n    op.drop_table('a')\n";
    let two = "from project.one import a\n\ndef b():\n    a()\n    a()\n    op.drop_table('b')\n";
    let text = "from project.one import a\n\ndef upgrade():\n    for name in names:\n        a()\n";
    let acts = beside(text, &[("project.one", one), ("project.two", two)]);
    assert!(acts.iter().any(|act| matches!(act.operation, Operation::Opaque { .. })), "what is not followed is said");
}

#[test]
fn rows_of_a_session_tell_which_columns_they_are_given() {
    let text = |given: &str| {
        format!(
            "class Slice(Base):\n    __tablename__ = 'slices'\n\nclass User(Base):\n    __tablename__ = 'users'\n\ndef upgrade():\n    session = db.Session(bind=op.get_bind())\n    for user in session.query(User):\n        for slc in session.query(Slice).filter(Slice.id > 1).all():\n            {given}\n    session.commit()\n"
        )
    };
    let updates = |given: &str| -> Vec<(String, Vec<String>)> {
        let told = operations(&text(given)).into_iter().filter_map(|operation| match operation {
            Operation::Update { table, sets, .. } => Some((table.name, sets)),
            _ => None,
        });
        told.collect()
    };
    let one = |table: &str, column: &str| (table.to_owned(), vec![column.to_owned()]);
    assert_eq!(updates("slc.perm = user.name"), [one("slices", "perm")], "users were only looked at");
    assert_eq!(updates("other.perm = 1"), [one("slices", "perm"), one("users", "perm")], "whose row it is is not known");
    assert_eq!(updates("change(slc)"), [("slices".to_owned(), vec![]), ("users".to_owned(), vec![])]);
}

#[test]
fn rows_that_stand_in_the_text_are_told_from_copies() {
    let alembic = |body: &str| short(&up(body)).len() == 1 && matches!(&up(body)[0], Operation::Seed { .. });
    let t = "t = sa.table('t', sa.column('a'))\n";
    assert!(alembic(&format!("{t}op.bulk_insert(t, [{{'a': 1}}, {{'a': sa.func.now()}}])")));
    assert!(alembic(&format!("{t}op.execute(t.insert().values(a='x'))")));
    assert!(!alembic(&format!("{t}op.bulk_insert(t, rows)")));
    assert!(!alembic(&format!("{t}for row in conn.execute(sa.select(t)):\n    op.execute(t.insert().values(a=1))")));
    let django = |body: &str| {
        let text = format!(
            "def fill(apps, editor):\n    Book = apps.get_model('shop', 'Book')\n    {body}\n\nclass Migration(migrations.Migration):\n    operations = [migrations.RunPython(fill)]\n"
        );
        matches!(&operations(&text)[..], [Operation::Seed { .. }])
    };
    assert!(django("Book.objects.create(title='a', made=timezone.now())"));
    assert!(django("Book.objects.bulk_create([Book(title='a'), Book(title='b')])"));
    assert!(!django("Book.objects.update_or_create(title='a')"));
    assert!(!django("for old in Book.objects.all():\n        Book.objects.create(title='a', of=old)"));
}

#[test]
fn what_a_column_was_is_taken_from_the_text() {
    let operations = up(
        "op.alter_column('t', 'a', existing_type=sa.String(20), type_=sa.String(40))\nop.alter_column('t', 'b', existing_type=sa.Enum('x', name='mood'), type_=sa.Enum('x', 'y', name='mood'))\nop.alter_column('t', 'c', existing_type=sa.Enum('x', 'y', name='mood'), type_=sa.Enum('y', name='mood'))",
    );
    assert!(matches!(&operations[0], Operation::ChangeType { from: Some(from), .. } if from == "character varying(20)"));
    assert!(matches!(&operations[1], Operation::AddEnumValue { object, value } if object.name == "mood" && value == "y"));
    assert!(matches!(&operations[2], Operation::ChangeType { .. }), "a value that goes is no addition");
}

#[test]
fn a_value_that_is_chosen_is_no_statement_and_an_unknown_table_no_reading() {
    let body = "kind = dialects.mysql.DATETIME(fsp=6) if is_mysql else sa.DateTime\nschema = context.schema + '.' if context.schema else ''\nop.add_column('t', sa.Column('a', kind))\nop.execute(somewhere.table.update().values(a=1))";
    let told = short(&up(body));
    assert_eq!(told[0], "add-column t a");
    assert!(told.len() == 2 && told[1].starts_with("opaque"), "{told:?}");
}

#[test]
fn models_of_django() {
    let operations = django(
        "migrations.CreateModel(name='Book', fields=[('id', models.AutoField(primary_key=True)), ('title', models.CharField(max_length=20)), ('author', models.ForeignKey(to='people.Author', on_delete=models.CASCADE, null=True)), ('tags', models.ManyToManyField(to='shop.Tag'))], options={'db_table': 'books'}),\n        migrations.DeleteModel('Old'), migrations.RenameModel('A', 'B'), migrations.AlterModelTable('Book', 'tomes'), migrations.AlterModelOptions('Book', {})",
    );
    let Operation::CreateTable { table, columns, .. } = &operations[0] else { panic!("{operations:?}") };
    assert_eq!(table.name, "books");
    let names: Vec<(&str, bool)> = columns.iter().map(|column| (column.name.as_str(), column.not_null)).collect();
    assert_eq!(names, [("id", true), ("title", true), ("author_id", false)]);
    assert_eq!(columns[2].references, Some(Object::new("people_author")));
    assert_eq!(
        short(&operations[1..]),
        ["create-table books_tags", "drop-table shop_old", "rename-table shop_a", "rename-table books"]
    );
}

#[test]
fn fields_of_django() {
    let add = |field: &str| short(&django(&format!("migrations.AddField('Book', 'c', {field})")));
    assert_eq!(add("models.TextField(null=True)"), ["add-column shop_book c"]);
    assert_eq!(add("models.TextField(default='')"), ["add-column shop_book c", "drop-default shop_book c"]);
    assert_eq!(add("models.TextField(db_default='')"), ["add-column shop_book c"]);
    assert_eq!(add("models.ManyToManyField('shop.Tag')"), ["create-table shop_book_c"]);
    assert_eq!(add("models.ManyToManyField('shop.Tag', through='shop.Link')"), Vec::<String>::new());
    let rest = "migrations.RemoveField(model_name='book', name='a'), migrations.RenameField('book', 'b', 'c'), migrations.AlterField('book', 'd', models.IntegerField())";
    assert_eq!(short(&django(rest)), ["drop-column shop_book a", "rename-column shop_book b", "redefine-column shop_book d"]);
}

#[test]
fn the_rest_of_django() {
    let list = "migrations.AddIndex('book', models.Index(fields=['a', '-b'], name='i')), AddIndexConcurrently('book', models.Index(fields=['a'], name='j')), migrations.RemoveIndex('book', 'i'), migrations.AddConstraint('book', models.UniqueConstraint(fields=['a'], name='u')), migrations.RemoveConstraint('book', 'u'), migrations.AlterUniqueTogether('book', unique_together={('a', 'b')}), migrations.AlterUniqueTogether('book', unique_together=set())";
    let operations = django(list);
    assert_eq!(
        short(&operations),
        [
            "create-index shop_book",
            "create-index shop_book",
            "drop-index shop_book",
            "add-unique shop_book",
            "drop-constraint shop_book",
            "add-unique shop_book",
            "drop-constraint shop_book"
        ]
    );
    assert!(matches!(&operations[5], Operation::AddConstraint { constraint, .. } if constraint.columns == ["a", "b"]));
    let list = "migrations.RunSQL('one', 'back'), migrations.RunSQL([('two', None), 'three']), migrations.RunPython(fill, migrations.RunPython.noop), migrations.RunPython(migrations.RunPython.noop), migrations.RunPython(other), migrations.SeparateDatabaseAndState(database_operations=[migrations.DeleteModel('Old')], state_operations=[migrations.DeleteModel('New')]), TrigramExtension(), Mystery()";
    assert_eq!(
        short(&django(list)),
        [
            "session one",
            "session two",
            "session three",
            "update shop_book",
            "opaque RunPython(other)",
            "drop-table shop_old",
            "create-extension trigram",
            "opaque Mystery"
        ]
    );
    let atomic = "class Migration(migrations.Migration):\n    atomic = False\n    operations = []\n";
    assert!(!read(atomic, "a", Surroundings { dialect: Dialect::Postgres, sql: &sql }, &|_| None).in_transaction);
}

#[test]
fn what_is_not_python_is_said_and_the_rest_is_read() {
    let operations = operations("def upgrade():\n    op.drop_table('a')\n    )))\n");
    assert!(matches!(operations.last(), Some(Operation::Unknown { what }) if what.starts_with("line ")), "{operations:?}");
    assert!(matches!(&super::super::python::tests::operations("print(1)")[..], [Operation::Unknown { .. }]));
    for deep in
        ["(", "[", "not ", "-", "a(", "if a:\n", "lambda: ", "f'{", "{1: ", "a if b else ", "a = ", "a.b", "a[", "with a:\n", "*"]
    {
        for many in [60, 130, 3_000] {
            let _ = up(&deep.repeat(many));
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(150))]

    /// Whatever a text is, it is read without a panic, and what is found lies within it.
    #[test]
    fn any_text_is_read(cut in 0_usize..600, piece in "[ -~\\n\u{e9}]{0,12}", again in 0_usize..600) {
        let text = "from alembic import op\n\nT = ['a', 'b']\n\ndef drop(t, *names, c='x'):\n    for name in names:\n        op.drop_column(t, f'{name}_{c}')\n\ndef upgrade():\n    with op.batch_alter_table('t') as batch_op:\n        batch_op.alter_column('a', nullable=False, server_default=sa.text('now()'))\n    [drop(t, 'n') for t in T]\n    if op.get_bind().dialect.name != 'mysql':\n        op.execute('DELETE FROM %s' % T[0])\n\nclass Migration(migrations.Migration):\n    operations = [migrations.AddField('a', 'b', models.CharField(default=''))]\n";
        let letters: Vec<char> = text.chars().collect();
        let (cut, again) = (cut % letters.len(), again % letters.len());
        let (from, to) = (cut.min(again), cut.max(again));
        for changed in [
            letters[..cut].iter().collect::<String>() + &piece + &letters[cut..].iter().collect::<String>(),
            letters[..from].iter().collect::<String>() + &piece + &letters[to..].iter().collect::<String>(),
        ] {
            let reading = read(&changed, "app", Surroundings { dialect: Dialect::Mysql, sql: &sql }, &|_| None);
            for act in reading.acts {
                proptest::prop_assert!(changed.get(act.span).is_some());
            }
        }
    }
}
