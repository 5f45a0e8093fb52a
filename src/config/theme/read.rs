//! The text of a theme to a [`Look`]: the palette, the styles, and all that is wrong with them.
//!
//! ```text
//! good = "leaf on night bold"       COLOUR [on COLOUR] [bold|dim|italic|underline|reverse]…
//! ```

use super::{ANSI, Attribute, Colour, Look, Origin, Paint, Paints, Rgb, Role};
use crate::config::keys::{Key, Section as Keys, Shape};
use crate::config::mistake::Mistakes;
use crate::config::reading::Said;
use crate::config::section::{Section, kind_of};
use crate::config::value::{self, Wrong};
use crate::config::{LONGEST, ProcessEnvironment, read_document};
use std::path::Path;

/// Reads the text of a theme. `path` is for messages.
pub fn parse(name: &str, text: &str, path: &Path, origin: Origin) -> Result<Look, Mistakes> {
    if text.len() > LONGEST {
        return Err(Mistakes::of_file(path, "the theme is longer than 1 MiB".to_owned(), None));
    }
    read_document(text, path, &ProcessEnvironment, |reading, document| {
        let root = Section::open(reading, "", 0..0, document, &ROOT);
        let palette = palette(&root);
        let title = root.parsed("title", value::line).map_or_else(|| name.to_owned(), |said| said.value);
        let roles = root.inner("roles", "[roles]", &ROLES);
        let paints = paints(&root, &roles, Known::Palette(&palette));
        let sixteen = root.inner("sixteen", "[sixteen]", &SIXTEEN);
        let sixteen = sixteen.is_there().then(|| self::paints(&sixteen, &sixteen, Known::Sixteen));
        Look { name: name.to_owned(), title, origin, paints, sixteen }
    })
}

const fn key(name: &'static str, doc: &'static str) -> Key {
    Key { name, shape: Shape::Text, doc }
}

const ROLE_KEYS: &[Key] = &[
    key("text", "Plain text."),
    key("dim", "What has less weight."),
    key("title", "The pool, titles of panes."),
    key("frame", "Lines around panes, axes of charts. Left out: as dim."),
    key("key", "A key that can be pressed."),
    key("good", "Up, in rotation, passed."),
    key("warning", "Draining, unknown, waiting."),
    key("bad", "Down, failed."),
    key("current", "What stands on current: its version, its half, its curve."),
    key("next", "What stands on next."),
    key("selected", "The selected row."),
    key("stale", "A figure that is older than it should be. Left out: as dim."),
    key("command", "A raw command, as sent. Left out: as dim."),
    key("prompt", "What Enter does now. Left out: as text."),
    key("coach", "What the coach says. Left out: as text."),
    key("overlay", "The frame of what lies over the screen. Left out: as key."),
    key("mark", "The switch in a chart, the beam of the seesaw. Left out: as title."),
];

const ROLES: Keys = Keys { groups: &[ROLE_KEYS], required: &[] };
const SIXTEEN: Keys =
    Keys { groups: &[ROLE_KEYS, &[key("background", "Behind everything. Left out: the terminal's own.")]], required: &[] };

/// What stands in a theme file, for the schema too.
pub(in crate::config) const ROOT: Keys = Keys {
    groups: &[&[
        key("title", "A few words, for the list of themes."),
        key("background", "Behind everything: a name of the palette, or a colour. Left out: the terminal's own."),
        Key { name: "palette", shape: Shape::Pairs, doc: "Names for colours, as night = \"#15181e\"." },
        Key {
            name: "roles",
            shape: Shape::Section(&ROLES),
            doc: "How each role is drawn: \"COLOUR [on COLOUR] [bold] [dim] …\".",
        },
        Key {
            name: "sixteen",
            shape: Shape::Section(&SIXTEEN),
            doc: "The same in the terminal's own sixteen colours, by name. Left out: the nearest ones.",
        },
    ]],
    required: &["roles"],
};

/// The names of the palette, each with its colour.
fn palette(root: &Section<'_>) -> Vec<(String, Rgb)> {
    let Some(value) = root.raw("palette") else { return Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        let what = format!("palette is {}, and should be a section", kind_of(value.get_ref()));
        root.reading.note(value.span(), what, "write [palette] on a line of its own and its colours below".to_owned());
        return Vec::new();
    };
    let mut colours = Vec::new();
    for (name, value) in table {
        if is_word_of_styles(name.get_ref()) {
            let what = format!("[palette] cannot name a colour {}", value::quoted(name.get_ref()));
            root.reading.note(name.span(), what, "that word has its own meaning in a style".to_owned());
        }
        match value.get_ref().as_str() {
            Some(text) => {
                let said = Said { value: text.to_owned(), at: value.span() };
                let read = root.reading.take(said, |text| hex(text).map_err(|wrong| wrong.of("[palette]", name.get_ref())));
                // A colour that cannot be read still has its name, or each use would be a mistake too.
                colours.push((name.get_ref().to_string(), read.map_or(Rgb(0, 0, 0), |said| said.value)));
            }
            None => {
                let what = format!("[palette] {} takes a colour, and this is {}", name.get_ref(), kind_of(value.get_ref()));
                root.reading.note(value.span(), what, "as \"#15181e\"".to_owned());
            }
        }
    }
    colours
}

fn is_word_of_styles(word: &str) -> bool {
    ["on", "default"].contains(&word) || Attribute::ALL.iter().any(|(name, _)| *name == word)
}

/// Which colours a style may name: in `[sixteen]` only those that every terminal has.
#[derive(Clone, Copy)]
enum Known<'p> {
    Palette(&'p [(String, Rgb)]),
    Sixteen,
}

/// The roles of a section, and the background that `ground` names.
fn paints(ground: &Section<'_>, section: &Section<'_>, known: Known<'_>) -> Paints {
    let background = ground.parsed("background", |text| colour(text, known)).map(|said| said.value);
    let roles = Role::ALL
        .into_iter()
        .filter_map(|role| Some((role, section.parsed(role.word(), |text| paint(text, known))?.value)))
        .collect();
    Paints { background: background.unwrap_or_default(), roles }
}

/// `green`, `bright-red bold`, `ink on paper bold underline`.
fn paint(text: &str, known: Known<'_>) -> Result<Paint, Wrong> {
    let mut words = text.split_whitespace().peekable();
    let Some(first) = words.next() else {
        return Err(Wrong::new("is empty").help("as \"green\", \"bright-red bold\" or \"white on blue\""));
    };
    let mut paint = Paint { colour: colour(first, known)?, ..Paint::default() };
    if words.next_if_eq(&"on").is_some() {
        let behind = words.next().ok_or_else(|| Wrong::new("ends with on").help("say on which colour"))?;
        paint.on = colour(behind, known)?;
    }
    for word in words {
        match Attribute::ALL.iter().find(|(name, _)| *name == word) {
            Some((_, attribute)) => paint.attributes.push(*attribute),
            None => {
                let names = Attribute::ALL.map(|(name, _)| name);
                let near = value::nearest(word, names).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
                let help = format!("{near}after the colour: {}, or on COLOUR before them", names.join(", "));
                return Err(Wrong::new(format!("has {} where none can be", value::quoted(word))).help(help));
            }
        }
    }
    Ok(paint)
}

fn colour(word: &str, known: Known<'_>) -> Result<Colour, Wrong> {
    if word == "default" {
        return Ok(Colour::Own);
    }
    let (palette, help) = match known {
        Known::Palette(palette) => {
            (palette, "names of [palette], the terminal's sixteen (red, bright-blue, …), default, or \"#rrggbb\"")
        }
        Known::Sixteen => (&[][..], "here the terminal's sixteen (black, red, bright-blue, …) and default"),
    };
    if let Some((_, rgb)) = palette.iter().find(|(name, _)| name == word) {
        return Ok(Colour::Rgb(*rgb));
    }
    if let Some(at) = ANSI.iter().position(|name| *name == word) {
        return Ok(Colour::Ansi(u8::try_from(at).unwrap_or_default()));
    }
    if let (Known::Palette(_), true) = (known, word.starts_with('#')) {
        return hex(word).map(Colour::Rgb);
    }
    let names = palette.iter().map(|(name, _)| name.as_str()).chain(ANSI);
    let near = value::nearest(word, names).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    let what = format!("has no colour {}", value::quoted(word));
    Err(Wrong::new(what).help(format!("{near}a style begins with a colour: {help}")))
}

/// `#15181e`.
fn hex(text: &str) -> Result<Rgb, Wrong> {
    let wrong = || Wrong::new(format!("cannot be {}", value::quoted(text))).help("a colour is \"#rrggbb\", as \"#15181e\"");
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii()).ok_or_else(wrong)?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong());
    Ok(Rgb(part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::BUILT_IN;

    fn read(text: &str) -> Result<Look, Mistakes> {
        parse("mine", text, Path::new("mine.toml"), Origin::BuiltIn)
    }

    #[test]
    fn every_built_in_theme_is_read_and_names_all_that_matters() {
        for (name, text) in BUILT_IN {
            let look = parse(name, text, Path::new(name), Origin::BuiltIn).unwrap_or_else(|mistakes| panic!("{mistakes}"));
            for role in Role::ALL.into_iter().filter(|role| role.kin() == Some(Role::Plain)) {
                let optional = matches!(role, Role::Prompt | Role::Coach);
                assert!(optional || look.paints.roles.iter().any(|(named, _)| *named == role), "{name} leaves out {role:?}");
            }
        }
    }

    #[test]
    fn the_table_of_keys_has_each_role_once() {
        let words: Vec<&str> = ROLE_KEYS.iter().map(|key| key.name).collect();
        assert_eq!(words, Role::ALL.map(Role::word));
    }

    #[test]
    fn styles_are_a_colour_a_ground_and_words() {
        let palette = [("ink".to_owned(), Rgb(1, 2, 3))];
        let known = Known::Palette(&palette);
        let style = paint("ink on bright-white bold underline", known).expect("a style");
        assert_eq!(style.colour, Colour::Rgb(Rgb(1, 2, 3)));
        assert_eq!(style.on, Colour::Ansi(15));
        assert_eq!(style.attributes, [Attribute::Bold, Attribute::Underline]);
        assert_eq!(paint("default", known).expect("a style"), Paint::default());
        for wrong in ["", "bold", "ink on", "ink bald", "inc", "#12345", "#gggggg", "#١٢"] {
            assert!(paint(wrong, known).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_role_that_is_left_out_looks_as_its_kin() {
        let look = read("[roles]\ntext = \"white\"\nkey = \"cyan\"\n").expect("a theme");
        assert_eq!(look.paints.of(Role::Overlay).colour, Colour::Ansi(6));
        assert_eq!(look.paints.of(Role::Coach).colour, Colour::Ansi(7));
        assert_eq!(look.paints.of(Role::Stale).colour, Colour::Ansi(7));
    }

    #[test]
    fn all_mistakes_come_at_once_each_with_its_place() {
        let text = "titel = \"x\"\n[palette]\nink = \"#12345\"\nbold = \"#123456\"\n[roles]\ngood = \"grene\"\nbad = \"ink blod\"\nworse = \"ink\"\n[sixteen]\ngood = \"ink\"\n";
        let mistakes = read(text).expect_err("mistakes");
        let lines: Vec<usize> =
            mistakes.list().iter().map(|mistake| mistakes.line_and_column(mistake.at.as_ref().expect("a place")).0).collect();
        assert_eq!(lines, [1, 3, 4, 6, 7, 8, 10], "{mistakes}");
        let shown = mistakes.to_string();
        for said in ["did you mean title?", "did you mean green?", "did you mean bold?", "^^^^"] {
            assert!(shown.contains(said), "{said}\n{shown}");
        }
    }
}
