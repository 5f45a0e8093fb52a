//! What the terminal can show, by its environment: how many colours, which glyphs. Asks the terminal itself nothing: an
//! answer that comes late through a slow link would be taken for key presses.

use super::Glyphs;
use crate::config::console::Colours;

/// What it can show, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shows {
    pub colours: Colours,
    /// As `COLORTERM=truecolor`.
    pub why: String,
    pub glyphs: Glyphs,
}

/// Terminals that know all colours and say so in `TERM` only.
const TRUE: [&str; 7] = ["direct", "kitty", "alacritty", "ghostty", "foot", "wezterm", "contour"];

/// Looks at the environment.
///
/// 1. `NO_COLOR`, if it is not empty, or a terminal without colours.
/// 2. GNU screen takes 256 at most, whatever the terminal around it says in `COLORTERM`; as a plain `screen`, sixteen.
/// 3. `COLORTERM`; tmux brings down by itself what the terminal around it cannot show.
/// 4. `TERM`.
#[must_use]
pub fn look(variable: impl Fn(&str) -> Option<String>) -> Shows {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let (colours, why) = colours(&set);
    Shows { colours, why, glyphs: glyphs(&set) }
}

fn colours(set: &impl Fn(&str) -> Option<String>) -> (Colours, String) {
    let term = set("TERM").unwrap_or_default();
    let by_term = format!("TERM={}", crate::model::Printable::cut(&term, 40));
    if set("NO_COLOR").is_some() {
        return (Colours::None, "NO_COLOR is set".to_owned());
    }
    if term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-mono") || term.ends_with("-m") {
        return (Colours::None, by_term);
    }
    let many = if term.contains("256color") { Colours::TwoFiftySix } else { Colours::Sixteen };
    if set("TMUX").is_none() && (set("STY").is_some() || term.starts_with("screen")) {
        return (many, format!("{by_term}, in screen"));
    }
    if let Some(said @ ("truecolor" | "24bit")) = set("COLORTERM").as_deref() {
        return (Colours::True, format!("COLORTERM={said}"));
    }
    if term.split(['-', '+']).any(|part| TRUE.contains(&part)) {
        return (Colours::True, by_term);
    }
    (many, by_term)
}

/// By the locale, as POSIX ranks its three variables. Where none is named at all, as in a bare container, the terminal is
/// taken to know UTF-8.
fn glyphs(set: &impl Fn(&str) -> Option<String>) -> Glyphs {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).map(|value| value.to_lowercase());
    let utf8 = locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"));
    if utf8 { Glyphs::Unicode } else { Glyphs::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(pairs: &[(&str, &str)]) -> Shows {
        look(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn colours(pairs: &[(&str, &str)]) -> Colours {
        shows(pairs).colours
    }

    #[test]
    fn no_color_and_dumb_terminals_get_none() {
        assert_eq!(colours(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), Colours::None);
        assert_eq!(colours(&[("TERM", "xterm"), ("NO_COLOR", "")]), Colours::Sixteen);
        for term in ["dumb", "vt100", "vt220", "xterm-mono"] {
            assert_eq!(colours(&[("TERM", term), ("COLORTERM", "truecolor")]), Colours::None, "{term}");
        }
    }

    #[test]
    fn terminals_get_what_they_say_that_they_know() {
        let known = [("linux", Colours::Sixteen), ("xterm", Colours::Sixteen), ("xterm-256color", Colours::TwoFiftySix)];
        for (term, wanted) in known.into_iter().chain([("xterm-kitty", Colours::True), ("foot", Colours::True)]) {
            assert_eq!(colours(&[("TERM", term)]), wanted, "{term}");
        }
        let said = shows(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]);
        assert_eq!((said.colours, said.why.as_str()), (Colours::True, "COLORTERM=truecolor"));
    }

    #[test]
    fn screen_gets_no_more_than_it_takes_and_tmux_what_is_around_it() {
        let around = ("COLORTERM", "truecolor");
        assert_eq!(colours(&[("TERM", "screen"), ("STY", "1.pts"), around]), Colours::Sixteen);
        assert_eq!(colours(&[("TERM", "screen.xterm-256color"), ("STY", "1.pts"), around]), Colours::TwoFiftySix);
        assert_eq!(colours(&[("TERM", "screen-256color"), around]), Colours::TwoFiftySix, "through ssh out of screen");
        assert_eq!(colours(&[("TERM", "screen-256color"), ("TMUX", "/tmp/x"), around]), Colours::True);
        assert_eq!(colours(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x")]), Colours::TwoFiftySix);
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        assert_eq!(shows(&[("LANG", "de_DE.UTF-8")]).glyphs, Glyphs::Unicode);
        assert_eq!(shows(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]).glyphs, Glyphs::Ascii);
        assert_eq!(shows(&[("LC_ALL", "C.utf8")]).glyphs, Glyphs::Unicode);
        assert_eq!(shows(&[]).glyphs, Glyphs::Unicode);
    }
}
