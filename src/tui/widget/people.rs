//! Who is there, for the header: who drives, whether that is this screen, and who looks on.

use super::text::cut;
use super::{Part, View};
use crate::engine::snapshot::Snapshot;
use crate::rollout::people::{Person, Wish};
use crate::tui::theme::Role;
use ratatui::text::Span;

/// Longer logins are cut.
const LOGIN: usize = 16;
/// More than so many who watch are counted, not named.
const NAMED: usize = 2;

/// A login, with the number of its screen where the same one sits at several.
#[must_use]
pub fn name(person: &Person, snapshot: &Snapshot) -> String {
    let login = cut(person.login.as_str(), LOGIN);
    let several = snapshot.rollout.people.there.iter().filter(|other| other.login == person.login).count() > 1;
    if several { format!("{login} (screen {})", person.screen) } else { login }
}

/// As `driver deploy`, or `you watch deploy` on the screen of somebody else.
#[must_use]
pub fn driver(view: &View) -> Vec<Span<'static>> {
    let people = &view.snapshot.rollout.people;
    let driver = people.driving().map(|driver| cut(driver.login.as_str(), LOGIN));
    let wish = people.there.iter().find(|person| Some(person.screen) == view.seat).map(|person| person.wish);
    match (driver, view.part, wish) {
        (Some(driver), Part::Driver, _) => vec![Span::raw(format!("  driver {driver}"))],
        (Some(driver), Part::Observer, _) => vec![view.span(Role::Warning, format!("  you watch {driver}"))],
        (None, Part::Observer, Some(Wish::Drive)) => vec![view.span(Role::Warning, "  nobody drives: h")],
        (None, Part::Observer, Some(Wish::Watch) | None) => vec![view.span(Role::Warning, "  you watch")],
        (None, Part::Driver, _) => Vec::new(),
    }
}

/// As `anna, ben watching`: who else looks on, at screens of their own and at this one.
#[must_use]
pub fn watching(view: &View) -> Vec<Span<'static>> {
    let people = &view.snapshot.rollout.people;
    let others: Vec<&Person> =
        people.there.iter().filter(|person| Some(person.screen) != people.driver && Some(person.screen) != view.seat).collect();
    let mut said = Vec::new();
    match others.as_slice() {
        [] => {}
        some if some.len() <= NAMED => {
            let names: Vec<String> = some.iter().map(|person| cut(person.login.as_str(), LOGIN)).collect();
            said.push(Span::raw(format!("  {} watching", names.join(", "))));
        }
        many => said.push(Span::raw(format!("  {} watching", many.len()))),
    }
    if view.beside.len() > 1 {
        let mut names: Vec<String> = view.beside.iter().map(|name| cut(name.as_str(), LOGIN)).collect();
        names.sort();
        names.dedup();
        let all = view.beside.len();
        let text = if names.len() == all && all <= NAMED + 1 { names.join(", ") } else { all.to_string() };
        said.push(Span::raw(format!("  {text} in this tmux")));
    }
    said
}

/// The shorter form of [`watching`]: a count.
#[must_use]
pub fn watching_count(view: &View) -> Vec<Span<'static>> {
    let people = &view.snapshot.rollout.people;
    let screens =
        people.there.iter().filter(|person| Some(person.screen) != people.driver && Some(person.screen) != view.seat).count();
    match screens + view.beside.len().saturating_sub(1) {
        0 => Vec::new(),
        count => vec![Span::raw(format!("  {count} watching"))],
    }
}
