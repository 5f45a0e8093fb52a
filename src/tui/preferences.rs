//! What the operator likes, and what the terminal can show: from both follows how the console looks and which keys it has.
//!
//! Reads no file: what stands in `console.toml` comes as [`Console`], the themes as [`Look`]s.

use super::keymap::{Keymap, rebind};
use super::theme::terminal::Shows;
use super::theme::{Glyphs, Theme};
use crate::config::console::{Bell, Colours, Console};
use crate::config::theme::{Look, built_in, built_in_names, default_look};
use std::path::PathBuf;

/// How this console looks and listens.
#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    /// All themes that can be chosen; never empty.
    looks: Vec<Look>,
    chosen: String,
    /// Why this theme and so many colours, for people.
    pub why: String,
    pub colours: Colours,
    pub glyphs: Glyphs,
    pub keys: Keymap,
    pub bell: Bell,
    /// Explain each step, whatever the command line says.
    pub guided: bool,
    /// Where a theme that is kept is written; `None` where there is no home.
    pub file: Option<PathBuf>,
}

impl Preferences {
    /// Puts together what the operator says and what the terminal can show. `NO_COLOR` counts more than `colours`.
    #[must_use]
    pub fn new(console: &Console, looks: Vec<Look>, shows: Shows) -> Preferences {
        let (colours, depth) = match console.colours {
            Some(colours) if shows.colours != Colours::None => (colours, "colours in console.toml".to_owned()),
            Some(_) | None => (shows.colours, shows.why),
        };
        let default = default_look();
        let chosen = console.theme.clone().unwrap_or_else(|| default.name.clone());
        let theme = if console.theme.is_some() { "theme in console.toml" } else { "no theme is chosen" };
        Preferences {
            looks: if looks.is_empty() { vec![default] } else { looks },
            chosen,
            why: format!("{theme}; {} by {depth}", count(colours)),
            colours,
            glyphs: if console.ascii { Glyphs::Ascii } else { shows.glyphs },
            keys: rebind::keymap(&console.keys),
            bell: console.bell,
            guided: console.guided,
            file: console.path.clone(),
        }
    }

    /// As it is where nobody says anything: the themes of the program, on such a terminal.
    #[must_use]
    pub fn plain(colours: Colours, glyphs: Glyphs) -> Preferences {
        let shows = Shows { colours, why: "the terminal".to_owned(), glyphs };
        Preferences::new(&Console::default(), built_in_names().filter_map(built_in).collect(), shows)
    }

    /// The themes.
    #[must_use]
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// The name of the theme in use.
    #[must_use]
    pub fn chosen(&self) -> &str {
        &self.chosen
    }

    /// Chooses another; `None`, and nothing is changed, where there is no such theme.
    pub fn choose(&mut self, name: &str) -> Option<Theme> {
        let look = self.looks.iter().find(|look| look.name == name)?;
        self.chosen.clone_from(&look.name);
        Some(Theme::new(look, self.colours, self.glyphs))
    }

    /// The theme in use, as this terminal shows it.
    #[must_use]
    pub fn theme(&self) -> Theme {
        let look = self.looks.iter().find(|look| look.name == self.chosen).cloned().unwrap_or_else(default_look);
        Theme::new(&look, self.colours, self.glyphs)
    }
}

/// So many colours, in words.
#[must_use]
pub fn count(colours: Colours) -> &'static str {
    match colours {
        Colours::None => "no colours",
        Colours::Sixteen => "16 colours",
        Colours::TwoFiftySix => "256 colours",
        Colours::True => "all colours",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(colours: Colours) -> Shows {
        Shows { colours, why: "TERM=x".to_owned(), glyphs: Glyphs::Unicode }
    }

    #[test]
    fn the_operator_says_how_many_colours_but_not_against_no_color() {
        let console = Console { colours: Some(Colours::True), ..Console::default() };
        assert_eq!(Preferences::new(&console, vec![], shows(Colours::Sixteen)).colours, Colours::True);
        assert_eq!(Preferences::new(&console, vec![], shows(Colours::None)).colours, Colours::None);
        let unsaid = Preferences::new(&Console::default(), vec![], shows(Colours::Sixteen));
        assert_eq!((unsaid.colours, unsaid.why.as_str()), (Colours::Sixteen, "no theme is chosen; 16 colours by TERM=x"));
    }

    #[test]
    fn a_theme_that_is_not_there_changes_nothing() {
        let mut likes = Preferences::plain(Colours::True, Glyphs::Unicode);
        let before = likes.theme();
        assert_eq!(likes.choose("none-such"), None);
        assert_eq!((likes.theme(), likes.chosen()), (before, "default"));
        assert_eq!(likes.choose("nord"), Some(likes.theme()));
        assert_ne!(likes.theme(), before);
    }
}
