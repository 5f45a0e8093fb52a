//! The keys as they are in use: the tables, with what the operator changed.
//!
//! An overlay follows the main screen: what leaves it, opens it or moves in it is the same key there. It trusts the
//! changes that it is given; which ones are refused is decided in [`super::rebind`].

use super::{Binding, Context, EVERYWHERE, Key, defaults};
use crate::tui::action::Action;
use std::sync::Arc;

/// One line of a table in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The first one is shown. Never empty.
    pub keys: Vec<Key>,
    pub action: Action,
    /// One or two words for the footer.
    pub title: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// The word under which the prompt says that it would be refused.
    pub word: Option<&'static str>,
}

impl Bound {
    /// The key that is shown.
    #[must_use]
    pub fn key(&self) -> Key {
        self.keys.first().copied().unwrap_or(Key::Esc)
    }
}

/// Which key means what, everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    tables: Arc<Vec<(Context, Vec<Bound>)>>,
    everywhere: Arc<Vec<Bound>>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::changed(&[])
    }
}

impl Keymap {
    /// With other keys for some actions.
    #[must_use]
    pub fn changed(changes: &[(Action, Key)]) -> Keymap {
        let table = |context| (context, defaults(context).iter().map(|binding| bound(binding, context, changes)).collect());
        let mut tables: Vec<(Context, Vec<Bound>)> = Context::ALL.into_iter().map(table).collect();
        for (context, table) in &mut tables {
            if *context != Context::Rollout {
                without_doubles(table);
            }
        }
        let everywhere = EVERYWHERE.iter().map(plain).collect();
        Keymap { tables: Arc::new(tables), everywhere: Arc::new(everywhere) }
    }

    /// The table of a context.
    #[must_use]
    pub fn bindings(&self, context: Context) -> &[Bound] {
        self.tables.iter().find(|(known, _)| *known == context).map_or(&[], |(_, table)| table)
    }

    /// What means the same in every context.
    #[must_use]
    pub fn everywhere(&self) -> &[Bound] {
        &self.everywhere
    }

    /// What a key means there.
    #[must_use]
    pub fn meaning(&self, context: Context, key: Key) -> Option<Action> {
        let bound = self.bindings(context).iter().chain(self.everywhere()).find(|bound| bound.keys.contains(&key));
        match (bound, context, key) {
            (Some(bound), _, _) => Some(bound.action),
            (None, context, Key::Char(c)) if context.is_text() => Some(Action::Type(c)),
            (None, _, Key::Char(c)) => Some(Action::Unbound(c)),
            (None, _, _) => None,
        }
    }

    /// The key of an action on the main screen, as it is said to people: `R`, `Space`.
    #[must_use]
    pub fn said(&self, action: Action) -> String {
        let of = |context| self.bindings(context).iter().find(|bound| bound.action == action);
        let found = of(Context::Rollout).or_else(|| Context::ALL.into_iter().find_map(of));
        found.map_or_else(|| "no key".to_owned(), |bound| bound.key().to_string())
    }

    /// The key of an action in that place.
    #[must_use]
    pub fn said_in(&self, context: Context, action: Action) -> String {
        let found = self.bindings(context).iter().chain(self.everywhere()).find(|bound| bound.action == action);
        found.map_or_else(|| "no key".to_owned(), |bound| bound.key().to_string())
    }
}

fn plain(binding: &Binding) -> Bound {
    Bound { keys: binding.keys.to_vec(), action: binding.action, title: binding.title, help: binding.help, word: binding.word }
}

fn bound(binding: &Binding, context: Context, changes: &[(Action, Key)]) -> Bound {
    let mut bound = plain(binding);
    let own = changes.iter().find(|(action, _)| *action == binding.action);
    match (context, own) {
        (Context::Text | Context::CommandLine | Context::Filter | Context::Search, _) => {}
        (Context::Rollout, Some((Action::Hold, key))) => bound.keys.push(*key),
        (Context::Rollout, Some((_, key))) => {
            // Arrows and the like stay what they are beside the letter.
            bound.keys.retain(|old| !matches!(old, Key::Char(_) | Key::Enter) && old != key);
            bound.keys.insert(0, *key);
        }
        (Context::Rollout, None) => {}
        (_, _) => follow(&mut bound.keys, changes),
    }
    bound
}

/// A letter that on the main screen belongs to an action with another key now becomes that key.
fn follow(keys: &mut [Key], changes: &[(Action, Key)]) {
    for key in keys.iter_mut().filter(|key| matches!(key, Key::Char(c) if *c != ' ')) {
        let there = defaults(Context::Rollout).iter().find(|binding| binding.keys.contains(key));
        let moves = there.filter(|binding| binding.word.is_none());
        if let Some((_, new)) = moves.and_then(|binding| changes.iter().find(|(action, _)| *action == binding.action)) {
            *key = *new;
        }
    }
}

/// What has a meaning of its own in an overlay keeps it: a key that followed the main screen gives way.
fn without_doubles(table: &mut [Bound]) {
    let mut taken: Vec<Key> =
        table.iter().filter(|bound| matches!(bound.action, Action::Choose(_))).flat_map(|bound| bound.keys.clone()).collect();
    for bound in table.iter_mut().filter(|bound| !matches!(bound.action, Action::Choose(_))) {
        bound.keys.retain(|key| {
            let free = !taken.contains(key);
            if free {
                taken.push(*key);
            }
            free
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_moves_the_action_and_frees_its_old_key() {
        let keys = Keymap::changed(&[
            (Action::RollBack, Key::Char('B')),
            (Action::Down, Key::Char('n')),
            (Action::Note, Key::Char('N')),
        ]);
        assert_eq!(keys.meaning(Context::Rollout, Key::Char('B')), Some(Action::RollBack));
        assert_eq!(keys.meaning(Context::Rollout, Key::Char('R')), Some(Action::Unbound('R')));
        assert_eq!(keys.meaning(Context::Rollout, Key::Char('n')), Some(Action::Down));
        assert_eq!(keys.meaning(Context::Rollout, Key::Down), Some(Action::Down), "arrows stay");
        assert_eq!(keys.meaning(Context::Gates, Key::Char('n')), Some(Action::Down), "overlays follow");
        assert_eq!((keys.said(Action::RollBack), keys.said(Action::Hold)), ("B".to_owned(), "Space".to_owned()));
    }

    #[test]
    fn space_holds_whatever_else_does() {
        let keys = Keymap::changed(&[(Action::Hold, Key::Char('H'))]);
        for key in [Key::Char(' '), Key::Char('H')] {
            assert_eq!(keys.meaning(Context::Rollout, key), Some(Action::Hold));
        }
        assert_eq!(keys.said(Action::Hold), "Space");
    }

    #[test]
    fn an_overlay_keeps_its_own_letters_and_its_way_back() {
        let keys = Keymap::changed(&[(Action::Quit, Key::Char('g')), (Action::Gates, Key::Char('z'))]);
        assert!(matches!(keys.meaning(Context::Drain, Key::Char('g')), Some(Action::Choose(_))));
        assert_eq!(keys.meaning(Context::Gates, Key::Char('g')), Some(Action::Back));
        assert_eq!(keys.meaning(Context::Gates, Key::Char('z')), Some(Action::Back), "what opens it closes it");
        for context in Context::ALL {
            assert_eq!(keys.meaning(context, Key::Esc), Some(Action::Back), "{context:?}");
            for bound in keys.bindings(context) {
                assert!(!bound.keys.is_empty(), "{context:?} {:?}", bound.action);
            }
        }
    }
}
