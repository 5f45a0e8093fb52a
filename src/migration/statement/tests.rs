//! Real spellings of each dialect, and whatever else a file can hold.

use super::*;
use proptest::prelude::*;

fn pieces(text: &str, dialect: Dialect) -> Vec<&str> {
    let how = Cut { dialect, delimiter: None, whole: &[] };
    cut(text, 0..text.len(), how).into_iter().map(|statement| &text[statement.span]).collect()
}

#[test]
fn quotes_and_comments_hold_semicolons() {
    let text = "SELECT ';', E'\\';', \"a;b\"; -- c; d\n/* e; /* f; */ g; */ SELECT $$;$$, $x$;$$;$x$, $1;\nSELECT 2";
    assert_eq!(pieces(text, Dialect::Postgres), ["SELECT ';', E'\\';', \"a;b\"", "SELECT $$;$$, $x$;$$;$x$, $1", "SELECT 2"]);
    let text = "# a; b\nSELECT 'it\\'s;', `c;d`; SELECT 5--3; /*! SET x = 1 */; SELECT 1";
    assert_eq!(pieces(text, Dialect::Mysql), ["SELECT 'it\\'s;', `c;d`", "SELECT 5--3", "/*! SET x = 1 */", "SELECT 1"]);
    let text = "SELECT 'a\\'; SELECT `b;c`";
    assert_eq!(pieces(text, Dialect::Sqlite), ["SELECT 'a\\'", "SELECT `b;c`"]);
}

#[test]
fn bodies_hold_semicolons() {
    let text = "CREATE TRIGGER a AFTER INSERT ON b BEGIN UPDATE c SET d = CASE WHEN 1 THEN 2 END; DELETE FROM e; END; SELECT 1;";
    assert_eq!(pieces(text, Dialect::Sqlite).len(), 2);
    let text = "CREATE DEFINER=`r`@`%` PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; CASE x WHEN 1 THEN SELECT 2; END CASE; END; SELECT 3";
    assert_eq!(pieces(text, Dialect::Mysql).len(), 2);
    let text = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; BEGIN; SELECT 1; END;";
    assert_eq!(pieces(text, Dialect::Postgres).len(), 4);
    let text = "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)); SELECT 1;";
    assert_eq!(pieces(text, Dialect::Postgres).len(), 2);
    let text = "DELIMITER //\nCREATE TRIGGER a BEFORE INSERT ON b FOR EACH ROW BEGIN SET x = 1; END//\nDELIMITER ;\nSELECT 1;";
    assert_eq!(pieces(text, Dialect::Mysql).len(), 2);
}

#[test]
fn what_clients_read_ends_statements() {
    let text = "\\set x 1\nCOPY a (b) FROM stdin;\n1;2\n\\\\x\n\\.\nSELECT 1 \\gexec\nSELECT 2;\n";
    let how = Cut { dialect: Dialect::Postgres, delimiter: None, whole: &[] };
    let found = cut(text, 0..text.len(), how);
    let told: Vec<(&str, usize, Nature)> = found.iter().map(|one| (&text[one.span.clone()], one.line, one.nature)).collect();
    assert_eq!(
        told,
        [
            ("\\set x 1", 1, Nature::Client),
            ("COPY a (b) FROM stdin", 2, Nature::Sql),
            ("SELECT 1", 6, Nature::Sql),
            ("SELECT 2", 7, Nature::Sql)
        ]
    );
    let text = "ALTER TABLE a ADD b int--> statement-breakpoint\nSELECT 1";
    assert_eq!(pieces(text, Dialect::Postgres), ["ALTER TABLE a ADD b int", "SELECT 1"]);
}

#[test]
fn an_open_quote_spoils_only_its_own_statement() {
    let text = "SELECT 1;\nSELECT 'a;\nDROP TABLE b;\n";
    let how = Cut { dialect: Dialect::Postgres, delimiter: None, whole: &[] };
    let natures: Vec<Nature> = cut(text, 0..text.len(), how).into_iter().map(|one| one.nature).collect();
    assert_eq!(natures, [Nature::Sql, Nature::Unclosed, Nature::Sql]);
}

#[test]
fn whole_pieces_and_other_delimiters_are_kept() {
    let text = "SELECT 1; SELECT 2; SELECT 3;";
    let whole = [Range { start: 10, end: 19 }];
    let how = Cut { dialect: Dialect::Postgres, delimiter: None, whole: &whole };
    let found: Vec<&str> = cut(text, 0..text.len(), how).into_iter().map(|one| &text[one.span]).collect();
    assert_eq!(found, ["SELECT 1", "SELECT 2;", "SELECT 3"]);
    let how = Cut { dialect: Dialect::Postgres, delimiter: Some("GO"), whole: &[] };
    let text = "SELECT 1; SELECT 2\nGO\nSELECT 3";
    assert_eq!(cut(text, 0..text.len(), how).len(), 2);
}

proptest! {
    #[test]
    fn nothing_panics_and_spans_lie_in_order(text in "(\\PC|[;'\"$`\\\\\n#/*-]|BEGIN |END |CREATE TRIGGER |DELIMITER |\\$\\$|\\{\\{|COPY a FROM stdin;\n){0,60}") {
        for dialect in Dialect::ALL {
            let mut last = 0;
            for statement in cut(&text, 0..text.len(), Cut { dialect, delimiter: None, whole: &[] }) {
                prop_assert!(statement.span.start >= last && text.get(statement.span.clone()).is_some_and(|code| !code.is_empty()));
                last = statement.span.end;
            }
        }
    }
}
