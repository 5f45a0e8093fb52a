//! Names and texts out of the tree: folded as PostgreSQL folds them, in one spacing.

use super::super::operation::Object;
use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// All tokens but space and comments.
pub(super) fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    node.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT))
}

/// Is a node or token of that kind directly in it?
pub(super) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == kind)
}

/// Is a node or token of that kind anywhere in it?
pub(super) fn holds(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants_with_tokens().any(|element| element.kind() == kind)
}

/// The first node of that kind below it.
pub(super) fn below(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.descendants().find(|one| one.kind() == kind)
}

/// A name with its schema, from a node that begins with it.
pub(super) fn object(node: &SyntaxNode) -> Object {
    let mut parts: Vec<String> = vec![];
    let mut wants_part = true;
    for token in tokens(node) {
        let text = token.text();
        if text == "." {
            wants_part = true;
        } else if token.kind() == SyntaxKind::ONLY_KW && parts.is_empty() || text == "(" && parts.is_empty() {
            continue;
        } else if wants_part && is_name(text) {
            parts.push(fold(text));
            wants_part = false;
        } else {
            break;
        }
    }
    let name = parts.pop().unwrap_or_default();
    Object { schema: parts.pop(), name }
}

/// The name that the first node of this kind holds.
pub(super) fn named(node: &SyntaxNode, kind: SyntaxKind) -> Option<Object> {
    below(node, kind).map(|found| object(&found))
}

/// A plain name.
pub(super) fn word(node: &SyntaxNode) -> String {
    object(node).name
}

/// The text in one spacing.
pub(super) fn text(node: &SyntaxNode) -> String {
    let mut out = String::new();
    let mut last = String::new();
    for token in tokens(node) {
        let text = token.text();
        let tight = ["(", ")", ",", ".", "::", "[", "]", ":"];
        let glue = out.is_empty()
            || matches!(text, "(" | ")" | "," | "." | "::" | "[" | "]" | ":")
            || (tight.contains(&last.as_str()) && last != ")" && last != "," && last != "]");
        if !glue {
            out.push(' ');
        }
        out.push_str(text);
        last = text.to_owned();
    }
    out
}

/// The columns that an expression or a list names, each once.
pub(super) fn columns(node: &SyntaxNode) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for one in node.descendants().filter(|one| matches!(one.kind(), SyntaxKind::NAME_REF | SyntaxKind::COLUMN_NAME_REF)) {
        let is_call = one.next_sibling().is_some_and(|next| next.kind() == SyntaxKind::ARG_LIST);
        let is_type = one.parent().is_some_and(|parent| parent.kind() == SyntaxKind::PATH_TYPE);
        let name = word(&one);
        if !is_call && !is_type && !name.is_empty() && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"' || !c.is_ascii())
}

/// Lower case, unless quoted.
pub(super) fn fold(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_lowercase(),
    }
}

/// The text of a string literal.
pub(super) fn unquoted(text: &str) -> String {
    text.trim_matches('\'').replace("''", "'")
}
