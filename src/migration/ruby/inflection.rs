//! Names of tables and what is called after them, as Rails makes them from each other.
//!
//! The rules of English that tables of real projects need; where a name is irregular in another way, the table is not found in
//! the catalogue, and nothing worse. Read next: [`super::rows`].

/// The plural of a word, as Rails makes it, for the words that tables are called after.
#[must_use]
pub fn plural(word: &str) -> String {
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    let vowel_y = ["ay", "ey", "oy", "uy"];
    if let Some(stem) = word.strip_suffix("person") {
        format!("{stem}people")
    } else if ends(&["news", "series", "equipment", "information", "metadata", "people", "children", "data"]) {
        word.to_owned()
    } else if let Some(stem) = word.strip_suffix("child") {
        format!("{stem}children")
    } else if let (Some(stem), false) = (word.strip_suffix('y'), ends(&vowel_y)) {
        format!("{stem}ies")
    } else if let Some(stem) = word.strip_suffix("sis") {
        format!("{stem}ses")
    } else if ends(&["status", "alias", "ss", "sh", "ch", "x", "z", "us"]) {
        format!("{word}es")
    } else if ends(&["s"]) {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}

/// The singular of a table's name, as Rails makes it.
#[must_use]
pub fn singular(word: &str) -> String {
    for (ending, other) in [
        ("people", "person"),
        ("children", "child"),
        ("ies", "y"),
        ("sses", "ss"),
        ("statuses", "status"),
        ("aliases", "alias"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("series", "series"),
        ("news", "news"),
        ("ss", "ss"),
        ("status", "status"),
    ] {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{other}");
        }
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

/// The table that a class is called after: `UserRole` is `user_roles`.
#[must_use]
pub fn tableized(class: &str) -> String {
    let mut name = String::new();
    for letter in class.chars() {
        if letter.is_uppercase() && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    plural(&name)
}
