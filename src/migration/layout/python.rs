//! What Django and Alembic files say of their order: what they depend on, which revision they are. Nothing is run.

use std::ops::Range;
use tree_sitter::{Node, Parser};

/// The links of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Alembic's `revision`.
    pub revision: Option<String>,
    /// Alembic's `down_revision`.
    pub parents: Vec<String>,
    /// Alembic's `depends_on`.
    pub depends_on: Vec<String>,
    /// Alembic's `branch_labels`.
    pub labels: Vec<String>,
    /// Django's `dependencies`: app and name.
    pub dependencies: Vec<(String, String)>,
    /// Django's `run_before`.
    pub run_before: Vec<(String, String)>,
    /// Django's `replaces`: a squashed migration stands for these.
    pub replaces: Vec<(String, String)>,
    /// It has a `class Migration`.
    pub is_django: bool,
    /// Where the list of Django's `operations` stands, in bytes.
    pub operations: Option<Range<usize>>,
    /// Where its imports stand, in bytes.
    pub imports: Vec<Range<usize>>,
    /// What it defines beside the migration: functions, classes, values.
    pub names: Vec<String>,
}

/// Reads the assignments of a file that say its place among the others.
#[must_use]
pub fn links(text: &str) -> Links {
    let mut links = Links::default();
    let mut parser = Parser::new();
    if parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_err() {
        return links;
    }
    let Some(tree) = parser.parse(text, None) else { return links };
    let root = tree.root_node();
    for statement in children(root) {
        match statement.kind() {
            "class_definition" => class(statement, text, &mut links),
            "function_definition" => {
                links.names.extend(statement.child_by_field_name("name").map(|name| of(name, text).to_owned()))
            }
            "import_statement" | "import_from_statement" => links.imports.push(statement.byte_range()),
            _ => assignment(statement, text, &mut links),
        }
    }
    links
}

fn class(node: Node<'_>, text: &str, links: &mut Links) {
    let name = node.child_by_field_name("name").map_or("", |name| of(name, text));
    if name != "Migration" {
        return links.names.push(name.to_owned());
    }
    let Some(body) = node.child_by_field_name("body") else { return };
    links.is_django = true;
    for statement in children(body) {
        assignment(statement, text, links);
    }
}

/// `name = value`, `name: type = value`.
fn assignment(statement: Node<'_>, text: &str, links: &mut Links) {
    let Some(node) = children(statement).into_iter().find(|child| child.kind() == "assignment") else { return };
    let (Some(name), Some(value)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else { return };
    match of(name, text) {
        "revision" => links.revision = strings(value, text).into_iter().next(),
        "down_revision" => links.parents = strings(value, text),
        "depends_on" => links.depends_on = strings(value, text),
        "branch_labels" => links.labels = strings(value, text),
        "dependencies" => links.dependencies = pairs(value, text),
        "run_before" => links.run_before = pairs(value, text),
        "replaces" => links.replaces = pairs(value, text),
        "operations" if links.is_django => links.operations = Some(value.byte_range()),
        other if !links.is_django => links.names.push(other.to_owned()),
        _ => {}
    }
}

/// All plain strings in an expression.
fn strings(node: Node<'_>, text: &str) -> Vec<String> {
    if node.kind() == "string" {
        let content = children(node).into_iter().find(|child| child.kind() == "string_content");
        return vec![content.map_or(String::new(), |content| of(content, text).to_owned())];
    }
    children(node).into_iter().flat_map(|child| strings(child, text)).collect()
}

/// `[("app", "name"), …]`; what is computed (`swappable_dependency(…)`) is left out.
fn pairs(node: Node<'_>, text: &str) -> Vec<(String, String)> {
    let tuples = children(node).into_iter().filter(|child| child.kind() == "tuple");
    tuples
        .filter_map(|tuple| match strings(tuple, text).as_slice() {
            [app, name] => Some((app.clone(), name.clone())),
            _ => None,
        })
        .collect()
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    (0..node.named_child_count()).filter_map(|at| u32::try_from(at).ok().and_then(|at| node.named_child(at))).collect()
}

fn of<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alembic_says_revision_parents_and_labels() {
        let text = "\"\"\"drop\n\nRevision ID: ab12\n\"\"\"\nfrom alembic import op\nrevision: str = 'ab12'\ndown_revision: Union[str, None] = ('cd34', \"ef56\")\nbranch_labels = ('contract',)\ndepends_on = None\n";
        let links = links(text);
        assert_eq!(
            (links.revision.as_deref(), links.parents, links.labels),
            (Some("ab12"), vec!["cd34".to_owned(), "ef56".to_owned()], vec!["contract".to_owned()])
        );
    }

    #[test]
    fn django_says_what_it_depends_on() {
        let text = "class Migration(migrations.Migration):\n    dependencies = [\n        migrations.swappable_dependency(settings.AUTH_USER_MODEL),\n        ('shop', '0001_initial'),\n    ]\n    replaces = [('shop', '0002_a')]\n    operations = [x('dependencies')]\n";
        let links = links(text);
        let pair = |app: &str, name: &str| (app.to_owned(), name.to_owned());
        assert_eq!((links.dependencies, links.replaces), (vec![pair("shop", "0001_initial")], vec![pair("shop", "0002_a")]));
        assert!(links.is_django);
    }

    #[test]
    fn what_is_no_python_says_nothing() {
        assert_eq!(links("class Migration(\u{0} ((('"), Links::default());
        assert_eq!(links(""), Links::default());
    }
}
