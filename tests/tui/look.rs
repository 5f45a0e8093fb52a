//! Themes and keys of one's own: what the picker does to the screen, and that every sentence names the keys in use.

use crate::keys::{press, screen, sends};
use crate::pictures::{now, picture};
use crate::samples;
use halfstep::config::console::{self, Console};
use halfstep::config::theme::{self, Origin, Role};
use halfstep::config::{Environment, Mistakes};
use halfstep::engine::snapshot::Snapshot;
use halfstep::rollout::Command;
use halfstep::tui::app::{App, Ask};
use halfstep::tui::keymap::rebind;
use halfstep::tui::preferences::Preferences;
use halfstep::tui::theme::terminal::Shows;
use halfstep::tui::theme::{Colours, Glyphs};
use halfstep::tui::widget::Part;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;
use std::path::{Path, PathBuf};

/// A home with these files in it.
struct Home(Vec<(&'static str, &'static str)>);

impl Environment for Home {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, path: &Path) -> std::io::Result<String> {
        let found = self.0.iter().find(|(name, _)| Path::new("/home/halfstep").join(name) == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.read(path).is_ok()
    }

    fn config_folder(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/home/halfstep"))
    }

    fn files(&self, folder: &Path) -> Vec<String> {
        let inside = |name: &str| Some(Path::new("/home/halfstep").join(name).strip_prefix(folder).ok()?.to_str()?.to_owned());
        self.0.iter().filter_map(|(name, _)| inside(name)).collect()
    }
}

fn likes(home: &Home) -> Result<Preferences, Mistakes> {
    let console = console::load(home, &rebind::judge)?;
    let looks = theme::all(home).into_iter().filter_map(|(_, look)| look.ok()).collect();
    let shows = Shows { colours: Colours::True, why: "a test".to_owned(), glyphs: Glyphs::Unicode };
    Ok(Preferences::new(&console, looks, shows))
}

fn app(home: &Home, snapshot: Snapshot) -> App {
    let likes = likes(home).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    App::liking(snapshot, likes, Part::Driver)
}

/// What lies behind everything.
fn ground(app: &mut App) -> Color {
    picture(app, (80, 24), &now()).backend().buffer()[(0, 0)].bg
}

const MINE: &str = "title = \"mine\"\nbackground = \"#102030\"\n[roles]\ntext = \"#ffffff\"\ngood = \"#00ff00\"\n";

#[test]
fn the_picker_shows_each_theme_on_the_screen_itself_and_esc_brings_the_old_one_back() {
    let home = Home(vec![("console.toml", "theme = \"nord\"\n"), ("themes/mine.toml", MINE)]);
    let mut app = app(&home, samples::bake());
    let nord = Color::Rgb(0x2e, 0x34, 0x40);
    assert_eq!(ground(&mut app), nord);
    press(&mut app, KeyCode::Char('T'));
    let shown = screen(&mut app);
    assert!(shown.contains("▸ nord") && shown.contains("mine (yours)"), "{shown}");
    press(&mut app, KeyCode::End);
    assert_eq!(ground(&mut app), Color::Rgb(0x10, 0x20, 0x30), "its own, tried at once");
    press(&mut app, KeyCode::Home);
    assert_eq!(ground(&mut app), Color::Reset, "the terminal's own");
    press(&mut app, KeyCode::Esc);
    assert_eq!((ground(&mut app), app.overlays_open()), (nord, 0));

    press(&mut app, KeyCode::Char('T'));
    press(&mut app, KeyCode::Char('j'));
    assert_eq!(press(&mut app, KeyCode::Enter), Ask::KeepTheme("gruvbox".to_owned()));
    assert_eq!((ground(&mut app), app.overlays_open()), (Color::Rgb(0x28, 0x28, 0x28), 0));
    app.kept(Ok(()));
    assert!(screen(&mut app).contains("gruvbox it is, from now on"));
}

#[test]
fn a_theme_that_is_not_there_is_said_and_changes_nothing() {
    let mut app = app(&Home(vec![]), samples::bake());
    assert_eq!(app.keep_theme("nrod"), Ask::Nothing);
    assert!(screen(&mut app).contains("there is no theme nrod; there are default, dark"));
    assert_eq!(ground(&mut app), Color::Reset);
    assert_eq!(app.keep_theme("light"), Ask::KeepTheme("light".to_owned()));
}

#[test]
fn space_holds_while_themes_are_tried() {
    let mut app = app(&Home(vec![]), samples::before_switch());
    press(&mut app, KeyCode::Char('T'));
    assert_eq!(press(&mut app, KeyCode::Char(' ')), sends(12, Command::Hold));
}

#[test]
fn every_sentence_names_the_keys_in_use() {
    let home = Home(vec![("console.toml", "[keys]\nroll-back = \"B\"\nleave = \"z\"\nhelp = \"H\"\ncontract-later = \"O\"\n")]);
    let mut bake = app(&home, samples::bake());
    let shown = screen(&mut bake);
    assert!(shown.contains("B roll back") && shown.contains("z leave") && !shown.contains("R roll back"), "{shown}");
    press(&mut bake, KeyCode::Char('R'));
    assert!(screen(&mut bake).contains("R means nothing here: H shows the keys"));
    press(&mut bake, KeyCode::Char('B'));
    assert!(screen(&mut bake).contains("Roll back"));
    press(&mut bake, KeyCode::Char('z'));
    assert_eq!(bake.overlays_open(), 0, "what leaves the screen leaves what lies over it");
    press(&mut bake, KeyCode::Char('H'));
    let help = screen(&mut bake);
    assert!(help.contains(" B ") && !help.contains(" R "), "{help}");
    let mut contract = app(&home, samples::contract());
    assert!(screen(&mut contract).contains("O leaves it for later"));
    let mut over = app(&home, samples::over());
    assert!(screen(&mut over).contains("z leaves"));
    assert_eq!(press(&mut over, KeyCode::Char('z')), Ask::Leave);
    let mut gone = app(&home, samples::bake());
    gone.gone();
    assert!(screen(&mut gone).contains("z leaves"));
}

#[test]
fn all_mistakes_of_the_operators_file_come_at_once_with_line_and_caret() {
    let text = "theme = \"nowhere\"\nbel = true\n[keys]\nroll-back = \"x\"\nplan = \"F5\"\nfly = \"f\"\nretry = \"D\"\nnote = \"Space\"\n";
    let mistakes = likes(&Home(vec![("console.toml", text)])).expect_err("mistakes");
    let shown = mistakes.to_string();
    for said in [
        "there is no such theme",
        "did you mean bell?",
        "x is both roll-back and exclude",
        "F-keys do not come through",
        "there is no action fly",
        "a slip of the shift key apart",
        "only ever holds",
        "/home/halfstep/console.toml:4:",
        "^^^",
    ] {
        assert!(shown.contains(said), "{said}\n{shown}");
    }
    assert_eq!(mistakes.list().len(), 7, "{shown}");
}

#[test]
fn what_the_documentation_shows_is_read() {
    let page = include_str!("../../docs/console.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let theme = blocks.iter().find(|block| block.contains("[palette]")).expect("a theme");
    let look =
        theme::parse("mine", theme, Path::new("mine.toml"), Origin::BuiltIn).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_ne!(look.paints.of(Role::Bad), look.paints.of(Role::Good));
    let console = blocks.iter().find(|block| block.contains("[keys]")).expect("a console.toml");
    let read = console::parse(console, Path::new("console.toml"), &Home(vec![]), &rebind::judge);
    assert_ne!(read.unwrap_or_else(|mistakes| panic!("{mistakes}")), Console::default());
    for role in Role::ALL {
        assert!(page.contains(&format!("`{}`", role.word())), "docs/console.md does not name the role {}", role.word());
    }
    for name in theme::built_in_names() {
        assert!(page.contains(&format!("`{name}`")), "docs/console.md does not name the theme {name}");
    }
    for binding in halfstep::tui::keymap::defaults(halfstep::tui::keymap::Context::Rollout) {
        let name = binding.action.name().expect("a name");
        let fixed = ["go", "back"].contains(&name);
        assert!(fixed || page.contains(&format!("`{name}`")), "docs/console.md does not name the action {name}");
    }
}
