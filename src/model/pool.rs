//! The pool and its servers, as the config names them.

use super::half::Half;
use super::printable::Printable;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; showing it goes through [`Printable`].
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The raw text, for comparing and for the balancer. For people use `Display`.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(Printable::new(&self.0).as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name_type!(
    /// What the config calls a server, as `web1`.
    ServerName
);
name_type!(
    /// What the balancer calls it: the server name (HAProxy), the address (Apache, the built-in balancer).
    MemberName
);
name_type!(
    /// One running load balancer, as `lb1`: the config's `name`, else its kind and place.
    NodeName
);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// A name or an IP address; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What a server is to the rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Behind the balancer, in one of the halves.
    Half(Half),
    /// Not behind the balancer, updated after half B. The word is the config's `role`.
    Worker(String),
    /// Never touched; must answer next before Contract.
    Observed,
}

/// One server of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Server {
    pub name: ServerName,
    /// Its name at the balancer. Workers and observed processes have none.
    pub member: Option<MemberName>,
    pub address: Address,
    pub role: Role,
    /// Where commands run with `run_on = "ssh"`: `deploy@web1.dc1`, or the host of the address.
    pub ssh: String,
    pub zone: Option<String>,
    /// Share of the load, relative to the others; 1 where nothing is said.
    pub weight: f64,
    /// Requests a second that it carries, where the config knows.
    pub capacity: Option<f64>,
}

impl Server {
    /// Its half, unless it is a worker or observed.
    #[must_use]
    pub fn half(&self) -> Option<Half> {
        match self.role {
            Role::Half(half) => Some(half),
            Role::Worker(_) | Role::Observed => None,
        }
    }
}

/// The servers of one rollout: those behind the balancer, workers and observed processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    /// In the order of the config.
    pub servers: Vec<Server>,
    /// Members of the balancer that are none of our business.
    pub ignore: Vec<MemberName>,
}

impl Pool {
    /// The server of that name.
    #[must_use]
    pub fn server(&self, name: &ServerName) -> Option<&Server> {
        self.servers.iter().find(|server| server.name == *name)
    }

    /// The servers of a half, in the order of the config.
    pub fn half(&self, half: Half) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(move |server| server.half() == Some(half))
    }

    /// All servers that stand behind the balancer.
    pub fn balanced(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.half().is_some())
    }

    /// The servers that are updated with the rest without standing behind the balancer.
    pub fn workers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| matches!(server.role, Role::Worker(_)))
    }

    /// The server that the balancer knows by that name.
    #[must_use]
    pub fn by_member(&self, member: &MemberName) -> Option<&Server> {
        self.servers.iter().find(|server| server.member.as_ref() == Some(member))
    }
}
