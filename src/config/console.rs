//! `console.toml`: what the operator likes, which is not the pool's: theme, colours, keys, guided, ascii, bell.
//!
//! It decides what may stand there, and writes one thing into it: the theme that was kept in the picker. What an action
//! is called and which keys it may have is for the console itself: it judges the pairs of `[keys]` ([`Rebound`]) while
//! the file is read, so that all mistakes are told at once.

use super::keys::{Key, Section as Keys, Shape};
use super::mistake::{Mistake, Mistakes};
use super::section::{Section, kind_of};
use super::value::{self, Wrong};
use super::{Environment, LONGEST, theme};
use crate::model::{Failure, Printable};
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// The file's name in the config directory.
pub const NAME: &str = "console.toml";

/// How many colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Colours {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "16")]
    Sixteen,
    #[serde(rename = "256")]
    TwoFiftySix,
    #[serde(rename = "truecolor")]
    True,
}

/// Is the bell rung when a person is needed?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bell {
    #[default]
    Rings,
    Silent,
}

/// What the operator likes. All left out is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Console {
    /// Where it is, or would be; `None` where there is no home.
    pub path: Option<PathBuf>,
    pub theme: Option<String>,
    /// Instead of what the environment says.
    pub colours: Option<Colours>,
    /// Explain each step.
    pub guided: bool,
    /// No other characters than ASCII.
    pub ascii: bool,
    pub bell: Bell,
    pub keys: Vec<Rebound>,
}

/// A line of `[keys]`: an action by name, and the key that it is to have. Both as they stand there, with their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebound {
    pub action: String,
    pub action_at: Range<usize>,
    pub key: String,
    pub key_at: Range<usize>,
}

/// Says what is wrong with the lines of `[keys]`.
pub type Judge<'j> = &'j dyn Fn(&[Rebound]) -> Vec<Mistake>;

const ROOT: Keys = Keys {
    groups: &[&[
        Key {
            name: "theme",
            shape: Shape::Text,
            doc: "A theme of the program, or your own in themes/NAME.toml; `halfstep themes` lists them.",
        },
        Key { name: "colours", shape: Shape::Word(COLOURS), doc: "How many colours. Left out: as the terminal says." },
        Key { name: "guided", shape: Shape::Flag, doc: "Explain each step. Left out: false." },
        Key { name: "ascii", shape: Shape::Flag, doc: "No other characters than ASCII. Left out: as the locale says." },
        Key { name: "bell", shape: Shape::Flag, doc: "Ring when a person is needed. Left out: true." },
        Key { name: "keys", shape: Shape::Pairs, doc: "Other keys, by the action's name, as roll-back = \"B\"." },
    ]],
    required: &[],
};

const COLOURS: &[&str] = &["truecolor", "256", "16", "none"];

/// What `halfstep schema console` prints (JSON Schema, draft 2020-12).
#[must_use]
pub fn schema() -> serde_json::Value {
    super::schema::of(&ROOT, NAME)
}

/// What `halfstep schema theme` prints.
#[must_use]
pub fn theme_schema() -> serde_json::Value {
    super::schema::of(&theme::ROOT, "themes/NAME.toml")
}

/// Reads the operator's file; without one all is as it is by default.
pub fn load(environment: &dyn Environment, judge: Judge<'_>) -> Result<Console, Mistakes> {
    let Some(path) = environment.config_folder().map(|folder| folder.join(NAME)) else { return Ok(Console::default()) };
    let mut console = match environment.read(&path) {
        Ok(text) => parse(&text, &path, environment, judge)?,
        Err(error) if error.kind() == ErrorKind::NotFound => Console::default(),
        Err(error) => {
            let shown = Printable::new(&path.to_string_lossy());
            return Err(Mistakes::of_file(&path, format!("{shown} cannot be read: {error}"), None));
        }
    };
    console.path = Some(path);
    Ok(console)
}

/// Reads its text. `path` is for messages.
pub fn parse(text: &str, path: &Path, environment: &dyn Environment, judge: Judge<'_>) -> Result<Console, Mistakes> {
    if text.len() > LONGEST {
        return Err(Mistakes::of_file(path, "the file is longer than 1 MiB".to_owned(), None));
    }
    super::read_document(text, path, environment, |reading, document| {
        let root = Section::open(reading, "", 0..0, document, &ROOT);
        let theme = root.parsed("theme", |name| known_theme(name, environment)).map(|said| said.value);
        let keys = rebound(&root);
        for mistake in judge(&keys) {
            reading.note(mistake.at.unwrap_or(0..0), mistake.what, mistake.help);
        }
        Console {
            path: None,
            theme,
            colours: root.word::<Colours>("colours").map(|said| said.value),
            guided: root.flag("guided").unwrap_or_default(),
            ascii: root.flag("ascii").unwrap_or_default(),
            bell: if root.flag("bell") == Some(false) { Bell::Silent } else { Bell::Rings },
            keys,
        }
    })
}

fn known_theme(name: &str, environment: &dyn Environment) -> Result<String, Wrong> {
    if theme::load(name, environment).is_some() {
        return Ok(name.to_owned());
    }
    let all: Vec<String> = theme::all(environment).into_iter().map(|(name, _)| name).collect();
    let near = value::nearest(name, all.iter().map(String::as_str)).map(|near| format!("did you mean {near}? "));
    let own = theme::own_path(name, environment).map(|path| format!("; one of your own would be {}", path.display()));
    Err(Wrong::new(format!("cannot be {}: there is no such theme", value::quoted(name))).help(format!(
        "{}there are {}{}",
        near.unwrap_or_default(),
        all.join(", "),
        own.unwrap_or_default()
    )))
}

fn rebound(root: &Section<'_>) -> Vec<Rebound> {
    let Some(value) = root.raw("keys") else { return Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        let what = format!("keys is {}, and should be a section", kind_of(value.get_ref()));
        root.reading.note(value.span(), what, "write [keys] on a line of its own and one action below each other".to_owned());
        return Vec::new();
    };
    let mut all = Vec::new();
    for (action, key) in table {
        match key.get_ref().as_str() {
            Some(text) => all.push(Rebound {
                action: action.get_ref().to_string(),
                action_at: action.span(),
                key: text.to_owned(),
                key_at: key.span(),
            }),
            None => {
                let shown = Printable::cut(action.get_ref(), 40);
                let what = format!("[keys] {shown} takes a key in quotes, and this is {}", kind_of(key.get_ref()));
                root.reading.note(key.span(), what, format!("as {shown} = \"z\""));
            }
        }
    }
    all.sort_by_key(|one| one.action_at.start);
    all
}

/// The text with this theme in it, and all else, comments too, as it was. Fails where the text is not TOML.
pub fn with_theme(text: &str, name: &str) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(format!("{NAME} is not TOML: {}", error.message())).next("put it right, then choose the theme again")
    })?;
    match document.get_mut("theme").and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = name.into();
            *value.decor_mut() = decor;
        }
        None => document["theme"] = toml_edit::value(name),
    }
    Ok(document.to_string())
}

/// Writes the theme into the operator's file, which is made where it is not there; a link to it stays a link.
pub fn keep_theme(path: &Path, name: &str) -> Result<(), Failure> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let shown = path.display();
    let trouble = |error: std::io::Error| Failure::new(format!("{shown} cannot be written: {error}"));
    let old = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::new(format!("{shown} cannot be read: {error}"))),
    };
    let text = with_theme(&old, name)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(trouble)?;
    let fresh = folder.join(format!(".{NAME}.{}", std::process::id()));
    let written = std::fs::File::create(&fresh).and_then(|mut file| {
        if let Ok(before) = std::fs::metadata(&path) {
            file.set_permissions(before.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)
    });
    written.map_err(|error| {
        let _ = std::fs::remove_file(&fresh);
        trouble(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProcessEnvironment;

    fn read(text: &str) -> Result<Console, Mistakes> {
        parse(text, Path::new("console.toml"), &ProcessEnvironment, &|_| Vec::new())
    }

    #[test]
    fn what_is_said_is_read() {
        let text = "theme = \"nord\"\ncolours = \"256\"\nguided = true\nascii = true\nbell = false\n[keys]\nroll-back = \"B\"\n";
        let console = read(text).expect("a file");
        assert_eq!(console.theme.as_deref(), Some("nord"));
        assert_eq!(console.colours, Some(Colours::TwoFiftySix));
        assert!(console.guided && console.ascii);
        assert_eq!(console.bell, Bell::Silent);
        assert_eq!((console.keys[0].action.as_str(), console.keys[0].key.as_str()), ("roll-back", "B"));
        assert_eq!(&text[console.keys[0].key_at.clone()], "\"B\"");
        assert_eq!(read("").expect("an empty file"), Console::default());
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let text = "theme = \"nrod\"\ncolors = \"256\"\nbell = \"no\"\nascii = 1\n[keys]\nroll-back = 3\n";
        let judge = |_: &[Rebound]| vec![Mistake { at: Some(0..5), what: "judged".into(), help: None }];
        let mistakes = parse(text, Path::new("console.toml"), &ProcessEnvironment, &judge).expect_err("mistakes");
        let shown = mistakes.to_string();
        for said in ["did you mean nord?", "did you mean colours?", "takes true or false", "takes a key in quotes", "judged"] {
            assert!(shown.contains(said), "{said}\n{shown}");
        }
        assert_eq!(mistakes.list().len(), 6, "{shown}");
    }

    #[test]
    fn a_theme_is_written_and_nothing_else_moves() {
        let text = "# mine\ntheme = \"nord\"   # at night\nbell = false\n\n[keys] # other hands\nroll-back = \"B\"\n";
        let kept = with_theme(text, "light").expect("TOML");
        assert_eq!(kept, text.replace("nord", "light"));
        let kept = with_theme("[keys]\nroll-back = \"B\" # so\n", "light").expect("TOML");
        assert_eq!(read(&kept).expect("still good").theme.as_deref(), Some("light"));
        assert!(kept.contains("roll-back = \"B\" # so\n"), "{kept}");
        assert_eq!(with_theme("", "light").expect("TOML"), "theme = \"light\"\n");
        assert!(with_theme("theme =", "light").is_err());
    }

    #[test]
    fn a_link_stays_a_link_and_what_was_there_is_kept() {
        let folder = tempfile::tempdir().expect("a directory");
        let real = folder.path().join("dotfiles.toml");
        std::fs::write(&real, "bell = false # quiet\n").expect("written");
        let link = folder.path().join("console.toml");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        keep_theme(&link, "nord").expect("kept");
        assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
        let text = std::fs::read_to_string(&real).expect("read");
        assert!(text.contains("bell = false # quiet") && text.contains("theme = \"nord\""), "{text}");
        let fresh = folder.path().join("deeper/console.toml");
        keep_theme(&fresh, "mono").expect("kept");
        assert_eq!(std::fs::read_to_string(&fresh).expect("read"), "theme = \"mono\"\n");
        assert_eq!(std::fs::read_dir(folder.path().join("deeper")).expect("a directory").count(), 1, "nothing is left beside it");
    }
}
