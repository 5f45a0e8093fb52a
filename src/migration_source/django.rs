//! Django: `django_migrations`, app and name. Python runs its files, so Django does: halfstep lists them.

use super::standing::{State, by_key};
use super::{Entry, Listing, Migration, Order, Source, Stage, rows};
use crate::hand::database::{Session, SqlError};
use crate::migration::layout::python::links;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// Django.
pub(super) struct Django;

#[async_trait]
impl Source for Django {
    fn tool(&self) -> Tool {
        Tool::Django
    }

    fn switch(&self) -> &'static str {
        "python manage.py migrate APP NAME up to the last expand migration; with django-syzygy migrate --pre-deploy; then migrate"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "django_migrations"
    }

    fn create(&self, _: Dialect) -> Vec<String> {
        vec![]
    }

    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError> {
        let key = match dialect {
            Dialect::Postgres | Dialect::Sqlite => "app || '.' || name",
            Dialect::Mysql => "CONCAT(app, '.', name)",
        };
        rows(session, &format!("SELECT {key}, NULL, applied, 1 FROM django_migrations ORDER BY id")).await
    }

    /// A squashed migration counts as applied when all that it replaces are; and where it is taken, those it replaces are not.
    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        let mut states = by_key(listing, entries, |entry, key| entry == key);
        let is_applied = |key: &str| entries.iter().any(|entry| entry.key == key);
        for at in 0..listing.migrations.len() {
            let Some(migration) = listing.migrations.get(at) else { continue };
            if !migration.text.contains("replaces") {
                continue;
            }
            let replaced: Vec<String> =
                links(&migration.text).replaces.into_iter().map(|(app, name)| format!("{app}.{name}")).collect();
            let applied = replaced.iter().filter(|key| is_applied(key)).count();
            let takes_their_place = is_applied(&migration.key) || (!replaced.is_empty() && applied == 0);
            if let Some(state) = states.get_mut(at).filter(|state| **state == State::Pending) {
                match (replaced.len(), applied) {
                    (0, _) | (_, 0) => {}
                    (all, some) if all == some => *state = State::Applied { at: None },
                    // Django goes on with the single ones then.
                    (_, _) => *state = State::PassedOver,
                }
            }
            for (other, state) in listing.migrations.iter().zip(&mut states) {
                if takes_their_place && replaced.contains(&other.key) && *state == State::Pending {
                    *state = State::PassedOver;
                }
            }
        }
        states
    }

    fn record(&self, _: &Migration, _: Stage<'_>, _: Dialect, _: &[Entry]) -> Vec<Order> {
        vec![]
    }
}
