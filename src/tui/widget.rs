//! Pieces of the picture. Each draws what a [`View`] holds into a rectangle, and knows nothing of its neighbours.

pub mod activity;
pub mod chart;
pub mod coach;
pub mod gates;
pub mod half;
pub mod header;
pub mod migrations;
pub mod money;
pub mod nodes;
pub mod people;
pub mod phases;
pub mod prompt;
pub mod row;
pub mod scale;
pub mod seesaw;
pub mod text;

use super::coach::Pane;
use super::filter::Filter;
use super::keymap::Keymap;
use super::theme::{Role, Theme};
use crate::engine::snapshot::Snapshot;
use crate::model::{Printable, ServerName, Version};
use crate::rollout::people::ScreenNumber;
use jiff::Zoned;
use ratatui::style::Style;
use ratatui::text::Span;
use std::time::Duration;

/// When a picture is drawn: handed in, so that a test draws the same one twice.
#[derive(Debug, Clone)]
pub struct Now {
    /// The clock in the header, and the time zone of the activity.
    pub wall: Zoned,
    /// Since the engine last said anything.
    pub since_news: Duration,
    /// Since the snapshot that is shown came. A sign of life brings no newer one.
    pub since_snapshot: Duration,
}

impl Now {
    /// An engine gives a sign of life twice a second; after this it is called silent. Two seconds are promised.
    pub const QUIET: Duration = Duration::from_millis(1600);

    /// A moment for what does not show any.
    #[must_use]
    pub fn unimportant() -> Now {
        Now {
            wall: Zoned::new(jiff::Timestamp::UNIX_EPOCH, jiff::tz::TimeZone::UTC),
            since_news: Duration::ZERO,
            since_snapshot: Duration::ZERO,
        }
    }

    /// How far times in the snapshot have gone on since it came. No further than the engine is believed.
    #[must_use]
    pub fn ahead_ms(&self) -> f64 {
        self.since_snapshot.min(Now::QUIET).as_secs_f64() * 1000.0
    }
}

/// Is there still somebody at the other end?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    There,
    Gone,
}

/// May this screen command?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Driver,
    Observer,
}

/// Something said to the person at the screen, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: Printable,
    pub role: Role,
}

/// All that a widget may look at.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub snapshot: &'a Snapshot,
    pub theme: Theme,
    pub keys: &'a Keymap,
    pub now: &'a Now,
    pub engine: Engine,
    /// Why the engine hung up on this screen, if it said so: then the rollout goes on.
    pub hung_up: Option<&'a Printable>,
    pub part: Part,
    /// Under which number this screen is among the people; `None` in front of an engine that gives none.
    pub seat: Option<ScreenNumber>,
    /// Who looks at this same screen through tmux.
    pub beside: &'a [Printable],
    pub selected: Option<&'a ServerName>,
    /// Which servers are shown.
    pub filter: &'a Filter,
    pub notice: Option<&'a Notice>,
    pub coach: Pane,
    /// Only servers in whose name, version or state this occurs are shown; empty: all of them.
    pub scales: scale::Scales,
}

impl View<'_> {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// A piece of text in a role. Text from outside comes as [`Printable`] or through `Display` of a name, never raw.
    #[must_use]
    pub fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.style(role))
    }

    /// The role of a version: which of the two it is.
    #[must_use]
    pub fn version_role(&self, version: Option<&Version>) -> Role {
        let rollout = &self.snapshot.rollout;
        if version.is_none() {
            Role::Dim
        } else if version == rollout.next.as_ref() {
            Role::Next
        } else if version == rollout.current.as_ref() {
            Role::Current
        } else {
            Role::Warning
        }
    }

    /// Are the figures older than they should be?
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.snapshot.rollout.outcome.is_none() && (self.engine == Engine::Gone || self.now.since_news > Now::QUIET)
    }
}
