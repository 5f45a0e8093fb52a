//! Finds a server of the pool by its name, or by its member's, without looking through the whole pool: with a thousand
//! servers every turn asks for each of them. Made once from the beginning, which never changes.

use super::event::Beginning;
use crate::model::{MemberName, ServerName};
use std::collections::{BTreeMap, BTreeSet};

/// Places in [`Pool::servers`](crate::model::Pool), by both names, and who answers a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    by_name: BTreeMap<ServerName, usize>,
    by_member: BTreeMap<MemberName, usize>,
    without_version: BTreeSet<ServerName>,
}

impl Index {
    /// The index of that beginning. Of servers with one name, which no config has, the first counts.
    #[must_use]
    pub fn of(beginning: &Beginning) -> Index {
        let servers = || beginning.pool.servers.iter().enumerate().rev();
        Index {
            by_name: servers().map(|(place, server)| (server.name.clone(), place)).collect(),
            by_member: servers().filter_map(|(place, server)| Some((server.member.clone()?, place))).collect(),
            without_version: beginning.has.iter().filter(|has| !has.answers_version).map(|has| has.server.clone()).collect(),
        }
    }

    /// Where the server of that name stands.
    #[must_use]
    pub fn server(&self, name: &ServerName) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Where the server stands that the balancer knows by that name.
    #[must_use]
    pub fn member(&self, name: &MemberName) -> Option<usize> {
        self.by_member.get(name).copied()
    }

    /// Is there a source for its version?
    #[must_use]
    pub fn answers_version(&self, name: &ServerName) -> bool {
        !self.without_version.contains(name)
    }
}
