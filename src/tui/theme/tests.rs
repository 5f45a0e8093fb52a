//! Every theme on every kind of terminal: can it be read, and are the states told apart, also by eyes that do not tell red
//! from green?

use super::colour::{SIXTEEN, contrast, distance, linear, of_256};
use super::*;
use crate::config::theme::{Rgb, built_in, built_in_names};
use ratatui::layout::Rect;

/// The states that stand beside each other.
const STATES: [Role; 5] = [Role::Good, Role::Warning, Role::Bad, Role::Current, Role::Next];

/// What a cell's colour is on a terminal with xterm's palette; `None`: its own.
fn rgb(colour: Color) -> Option<Rgb> {
    match colour {
        Color::Rgb(red, green, blue) => Some(Rgb(red, green, blue)),
        Color::Indexed(index) => Some(of_256(index)),
        other => (0..16).find(|index| named(*index) == other).map(|index| SIXTEEN[usize::from(index)]),
    }
}

fn themes(colours: Colours) -> Vec<(&'static str, Theme)> {
    let look = |name| built_in(name).expect("a theme that is read");
    built_in_names().map(|name| (name, Theme::new(&look(name), colours, Glyphs::Unicode))).collect()
}

/// Text and ground of a role, for themes that have a ground of their own.
fn pair(theme: &Theme, role: Role) -> Option<(Rgb, Rgb)> {
    let ground = rgb(theme.background())?;
    let style = theme.style(role);
    let text = style.fg.or(theme.style(Role::Plain).fg).and_then(rgb)?;
    Some((text, style.bg.and_then(rgb).unwrap_or(ground)))
}

#[test]
fn every_word_of_every_theme_stands_out_from_its_ground() {
    let mut seen = 0;
    for colours in [Colours::True, Colours::TwoFiftySix, Colours::Sixteen] {
        for (name, theme) in themes(colours) {
            for role in Role::ALL {
                let Some((text, ground)) = pair(&theme, role) else { continue };
                seen += 1;
                let least = match (role, name, colours) {
                    // Lines are no words.
                    (Role::Frame, _, _) => 1.9,
                    (_, "high-contrast", Colours::True | Colours::TwoFiftySix) => 7.0,
                    (_, _, Colours::True) => 4.5,
                    // Of few colours the nearest may be a little fainter.
                    (_, _, Colours::TwoFiftySix | Colours::Sixteen | Colours::None) => 3.9,
                };
                let found = contrast(text, ground);
                assert!(found >= least, "{name} in {colours:?}: {role:?} has {found:.2}:1, at least {least}:1");
            }
        }
    }
    assert!(seen > 300, "only {seen} were looked at");
}

/// Palettes that terminals really have: their ground, and their sixteen from black to bright white.
const PALETTES: [(&str, u32, [u32; 16]); 7] = [
    ("xterm", 0x00_0000, XTERM),
    ("Linux console", 0x00_0000, LINUX),
    ("GNOME, dark", 0x1e_1e1e, GNOME),
    ("GNOME, light", 0xff_ffff, GNOME),
    ("macOS, light", 0xff_ffff, MACOS),
    ("Solarized, dark", 0x00_2b36, SOLARIZED),
    ("Solarized, light", 0xfd_f6e3, SOLARIZED),
];
const XTERM: [u32; 16] = [
    0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5, 0x7f_7f7f, 0xff_0000, 0x00_ff00,
    0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
];
const LINUX: [u32; 16] = [
    0x00_0000, 0xaa_0000, 0x00_aa00, 0xaa_5500, 0x00_00aa, 0xaa_00aa, 0x00_aaaa, 0xaa_aaaa, 0x55_5555, 0xff_5555, 0x55_ff55,
    0xff_ff55, 0x55_55ff, 0xff_55ff, 0x55_ffff, 0xff_ffff,
];
const GNOME: [u32; 16] = [
    0x17_1421, 0xc0_1c28, 0x26_a269, 0xa2_734c, 0x12_488b, 0xa3_47ba, 0x2a_a1b3, 0xd0_cfcc, 0x5e_5c64, 0xf6_6151, 0x33_da7a,
    0xe9_ad0c, 0x2a_7bde, 0xc0_61cb, 0x33_c7de, 0xff_ffff,
];
const MACOS: [u32; 16] = [
    0x00_0000, 0x99_0000, 0x00_a600, 0x99_9900, 0x00_00b2, 0xb2_00b2, 0x00_a6b2, 0xbf_bfbf, 0x66_6666, 0xe5_0000, 0x00_d900,
    0xe5_e500, 0x00_00ff, 0xe5_00e5, 0x00_e5e5, 0xe5_e5e5,
];
const SOLARIZED: [u32; 16] = [
    0x07_3642, 0xdc_322f, 0x85_9900, 0xb5_8900, 0x26_8bd2, 0xd3_3682, 0x2a_a198, 0xee_e8d5, 0x00_2b36, 0xcb_4b16, 0x58_6e75,
    0x65_7b83, 0x83_9496, 0x6c_71c4, 0x93_a1a1, 0xfd_f6e3,
];

fn hex(colour: u32) -> Rgb {
    let [_, red, green, blue] = colour.to_be_bytes();
    Rgb(red, green, blue)
}

#[test]
fn the_default_theme_can_be_read_on_dark_and_on_light_terminals() {
    for colours in [Colours::Sixteen, Colours::True] {
        let theme = Theme::plain(colours, Glyphs::Unicode);
        assert_eq!(theme.background(), Color::Reset, "the terminal's own");
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!(style.bg, None, "{role:?}");
            let Some(text) = style.fg else { continue };
            let index = (0..16).find(|index| named(*index) == text).expect("one of the sixteen");
            for (palette, ground, sixteen) in PALETTES {
                let found = contrast(hex(sixteen[usize::from(index)]), hex(ground));
                assert!(found >= 2.8, "{palette}: {role:?} has {found:.2}:1");
            }
        }
    }
}

#[test]
fn states_are_told_apart_in_every_theme() {
    for colours in [Colours::True, Colours::TwoFiftySix] {
        for (name, theme) in themes(colours).into_iter().filter(|(name, _)| *name != "mono") {
            for (at, one) in STATES.into_iter().enumerate() {
                for other in &STATES[at + 1..] {
                    let far = apart(&theme, one, *other, |light| light);
                    assert!(far >= 0.05, "{name}: {one:?} and {other:?} are {far:.3} apart");
                }
            }
        }
    }
}

/// How light reaches eyes without one kind of cones, after Machado, Oliveira and Fernandes (2009).
const PROTANOPIA: [[f64; 3]; 3] =
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
const DEUTERANOPIA: [[f64; 3]; 3] =
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];

fn seen_by(cones: [[f64; 3]; 3]) -> impl Fn(Rgb) -> Rgb {
    move |colour| {
        let light = linear(colour);
        let mixed = cones.map(|row| row.iter().zip(light).map(|(part, light)| part * light).sum::<f64>().clamp(0.0, 1.0));
        let part = |light: f64| if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        let [red, green, blue] = mixed.map(|light| (part(light) * 255.0).round() as u8);
        Rgb(red, green, blue)
    }
}

/// How different two roles look, by what stands out of each: its ground where it has one, else its text.
fn apart(theme: &Theme, one: Role, other: Role, seen: impl Fn(Rgb) -> Rgb) -> f64 {
    let shown = |role| {
        let style = theme.style(role);
        style.bg.and_then(rgb).or(style.fg.and_then(rgb)).unwrap_or(Rgb(255, 255, 255))
    };
    distance(seen(shown(one)), seen(shown(other)))
}

#[test]
fn the_colour_blind_theme_is_told_apart_without_red_or_green() {
    let look = built_in("colour-blind").expect("a theme");
    for colours in [Colours::True, Colours::TwoFiftySix, Colours::Sixteen] {
        let theme = Theme::new(&look, colours, Glyphs::Unicode);
        for (at, one) in STATES.into_iter().enumerate() {
            for other in &STATES[at + 1..] {
                for (eyes, cones) in [("protanopes", PROTANOPIA), ("deuteranopes", DEUTERANOPIA)] {
                    let far = apart(&theme, one, *other, seen_by(cones));
                    assert!(far >= 0.15, "{colours:?}: {one:?} and {other:?} are {far:.3} apart for {eyes}");
                }
            }
        }
    }
    // The test can fail: red and green of the default theme are as one to them.
    let usual = Theme::plain(Colours::Sixteen, Glyphs::Unicode);
    assert!(apart(&usual, Role::Good, Role::Warning, seen_by(DEUTERANOPIA)) < 0.15);
}

#[test]
fn in_ascii_nothing_else_is_left() {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 16, 1));
    buffer.set_string(0, 0, "✔ é世 ≤▶│⣿⡀", Style::new());
    Theme::plain(Colours::None, Glyphs::Ascii).finish(&mut buffer);
    assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    assert!(buffer.content[0].symbol() == "+");
}

#[test]
fn without_colour_no_role_of_any_theme_has_one() {
    for (name, theme) in themes(Colours::None) {
        for role in Role::ALL {
            assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None), "{name} {role:?}");
        }
        assert_eq!(theme.background(), Color::Reset, "{name}");
    }
}

#[test]
fn sixteen_and_256_colours_never_send_more() {
    for (name, theme) in themes(Colours::Sixteen) {
        let all = Role::ALL.into_iter().flat_map(|role| [theme.style(role).fg, theme.style(role).bg]);
        for colour in all.flatten().chain([theme.background()]) {
            assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{name}: {colour:?}");
        }
    }
    for (name, theme) in themes(Colours::TwoFiftySix) {
        let all = Role::ALL.into_iter().flat_map(|role| [theme.style(role).fg, theme.style(role).bg]);
        assert!(!all.flatten().any(|colour| matches!(colour, Color::Rgb(..))), "{name}");
    }
}

#[test]
fn a_theme_with_a_ground_paints_every_cell() {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 2));
    buffer.set_string(0, 0, "ab", Style::new());
    let theme = Theme::new(&built_in("nord").expect("a theme"), Colours::True, Glyphs::Unicode);
    theme.finish(&mut buffer);
    assert!(buffer.content.iter().all(|cell| cell.bg == Color::Rgb(0x2e, 0x34, 0x40) && cell.fg != Color::Reset));
    let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 2));
    Theme::plain(Colours::True, Glyphs::Unicode).finish(&mut buffer);
    assert!(buffer.content.iter().all(|cell| cell.bg == Color::Reset && cell.fg == Color::Reset));
}
