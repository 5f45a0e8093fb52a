//! A theme file: a palette, and how each role on the screen is drawn with it.
//!
//! ```text
//! themes/*.toml (built in) ┐
//! halfstep/themes/*.toml   ┴─▶ this file ─▶ Look ─▶ tui::theme, which brings it down to what the terminal can show
//! ```
//!
//! It decides which roles there are and what a theme may say; it knows no terminal. A role that a theme leaves out looks
//! as the one that it comes from ([`Role::kin`]). Read next: [`parse`].

mod read;

pub(super) use read::ROOT;
pub use read::parse;

use super::Environment;
use super::mistake::Mistakes;
use super::value;
use std::path::{Path, PathBuf};

/// What a piece of the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Plain,
    /// Of less weight.
    Dim,
    /// The pool, titles of panes.
    Title,
    /// Lines around panes, axes of charts.
    Frame,
    /// A key that can be pressed.
    Key,
    Good,
    Warning,
    Bad,
    /// What stands on current, and the half that does; its curve in charts, its side of the seesaw.
    Current,
    /// What stands on next, and the half that does; its curve in charts, its side of the seesaw.
    Next,
    /// The selected row.
    Selected,
    /// A figure that is older than it should be.
    Stale,
    /// A raw command, as sent.
    Command,
    /// What Enter does now.
    Prompt,
    /// What the coach says.
    Coach,
    /// The frame of what lies over the screen.
    Overlay,
    /// A moment in a chart: the switch; the beam of the seesaw.
    Mark,
}

impl Role {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Role; 17] = [
        Role::Plain,
        Role::Dim,
        Role::Title,
        Role::Frame,
        Role::Key,
        Role::Good,
        Role::Warning,
        Role::Bad,
        Role::Current,
        Role::Next,
        Role::Selected,
        Role::Stale,
        Role::Command,
        Role::Prompt,
        Role::Coach,
        Role::Overlay,
        Role::Mark,
    ];

    /// Its name in theme files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Role::Plain => "text",
            Role::Dim => "dim",
            Role::Title => "title",
            Role::Frame => "frame",
            Role::Key => "key",
            Role::Good => "good",
            Role::Warning => "warning",
            Role::Bad => "bad",
            Role::Current => "current",
            Role::Next => "next",
            Role::Selected => "selected",
            Role::Stale => "stale",
            Role::Command => "command",
            Role::Prompt => "prompt",
            Role::Coach => "coach",
            Role::Overlay => "overlay",
            Role::Mark => "mark",
        }
    }

    /// As which role it looks where a theme does not name it; `None` for the plain text.
    #[must_use]
    pub const fn kin(self) -> Option<Role> {
        match self {
            Role::Plain => None,
            Role::Dim | Role::Title | Role::Key | Role::Good | Role::Warning | Role::Bad => Some(Role::Plain),
            Role::Current | Role::Next | Role::Selected | Role::Prompt | Role::Coach => Some(Role::Plain),
            Role::Frame | Role::Stale | Role::Command => Some(Role::Dim),
            Role::Overlay => Some(Role::Key),
            Role::Mark => Some(Role::Title),
        }
    }
}

/// Red, green and blue, as sRGB has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A colour as a theme names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Colour {
    /// The terminal's own: of its text, or of its background.
    #[default]
    Own,
    /// One of the terminal's sixteen, in the order of [`ANSI`].
    Ansi(u8),
    Rgb(Rgb),
}

/// The names of the sixteen.
pub const ANSI: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// What text is besides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    Bold,
    Dim,
    Italic,
    Underline,
    Reverse,
}

impl Attribute {
    const ALL: [(&'static str, Attribute); 5] = [
        ("bold", Attribute::Bold),
        ("dim", Attribute::Dim),
        ("italic", Attribute::Italic),
        ("underline", Attribute::Underline),
        ("reverse", Attribute::Reverse),
    ];
}

/// How one role is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paint {
    pub colour: Colour,
    /// Behind the text; [`Colour::Own`] is the theme's background.
    pub on: Colour,
    pub attributes: Vec<Attribute>,
}

/// Colours for one depth: those of the theme, or those that it names for sixteen colours itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paints {
    pub background: Colour,
    roles: Vec<(Role, Paint)>,
}

impl Paints {
    /// How a role is drawn, if these colours say so, or that of its kin.
    #[must_use]
    pub fn of(&self, role: Role) -> Paint {
        let mut asked = Some(role);
        while let Some(role) = asked {
            if let Some((_, paint)) = self.roles.iter().find(|(named, _)| *named == role) {
                return paint.clone();
            }
            asked = role.kin();
        }
        Paint::default()
    }
}

/// Where a theme came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    /// The operator's own.
    File(PathBuf),
}

/// A theme, as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub name: String,
    /// A few words on it.
    pub title: String,
    pub origin: Origin,
    pub paints: Paints,
    /// For terminals with sixteen colours; `None`: the nearest ones.
    pub sixteen: Option<Paints>,
}

/// Where nothing is chosen.
pub const DEFAULT: &str = "default";

/// The directory below the config directory where the operator's own themes lie.
pub const FOLDER: &str = "themes";

/// A theme is a line in this table and its file.
const BUILT_IN: [(&str, &str); 10] = [
    (DEFAULT, include_str!("../../themes/default.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
    ("solarized-dark", include_str!("../../themes/solarized-dark.toml")),
    ("solarized-light", include_str!("../../themes/solarized-light.toml")),
    ("nord", include_str!("../../themes/nord.toml")),
    ("gruvbox", include_str!("../../themes/gruvbox.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// The names of the themes that are in the program.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The theme of that name that is in the program.
#[must_use]
pub fn built_in(name: &str) -> Option<Look> {
    let (name, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
    parse(name, text, Path::new(&format!("{name}.toml")), Origin::BuiltIn).ok()
}

/// The theme that is used where nothing is chosen.
#[must_use]
pub fn default_look() -> Look {
    built_in(DEFAULT).unwrap_or_else(|| Look {
        name: DEFAULT.to_owned(),
        title: String::new(),
        origin: Origin::BuiltIn,
        paints: Paints::default(),
        sixteen: None,
    })
}

/// Where the operator's own theme of that name would lie.
#[must_use]
pub fn own_path(name: &str, environment: &dyn Environment) -> Option<PathBuf> {
    let folder = environment.config_folder()?.join(FOLDER);
    value::name(name).ok().map(|name| folder.join(format!("{name}.toml")))
}

/// The theme of that name: the operator's own, else one of the program. `None` where there is neither.
pub fn load(name: &str, environment: &dyn Environment) -> Option<Result<Look, Mistakes>> {
    match own_path(name, environment).filter(|path| environment.is_file(path)) {
        Some(path) => Some(load_file(name, &path, environment)),
        None => built_in(name).map(Ok),
    }
}

/// All themes, those of the program first; one's own of the same name stands in its place.
pub fn all(environment: &dyn Environment) -> Vec<(String, Result<Look, Mistakes>)> {
    let mut names: Vec<String> = built_in_names().map(str::to_owned).collect();
    let own = environment.config_folder().map(|folder| environment.files(&folder.join(FOLDER))).unwrap_or_default();
    for name in own.iter().filter_map(|file| file.strip_suffix(".toml")).filter(|name| value::name(name).is_ok()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.into_iter().filter_map(|name| load(&name, environment).map(|look| (name, look))).collect()
}

fn load_file(name: &str, path: &Path, environment: &dyn Environment) -> Result<Look, Mistakes> {
    match environment.read(path) {
        Ok(text) => parse(name, &text, path, Origin::File(path.to_owned())),
        Err(error) => Err(Mistakes::of_file(path, format!("the theme {name} cannot be read: {error}"), None)),
    }
}
