//! What a balancer lists when nobody has said yet which pool is meant: all pools, each with its members and where they are.
//! For `halfstep init`; a rollout reads its own pool only.

use crate::model::{Address, MemberName, Printable, Rotation};

/// One pool: a backend of HAProxy, a balancer of Apache, all of `halfstep serve`.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// As the balancer calls it, not made safe; empty where it has no name.
    pub name: String,
    pub members: Vec<Listed>,
    /// By what users stay with their server, as `cookie SRV`.
    pub sticky: Option<Printable>,
    /// What of the balancer's own config would make a switch better, in its words.
    pub advice: Vec<Printable>,
}

/// One member of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub name: MemberName,
    /// `None`: the balancer has no address for it, as where a name was not resolved.
    pub address: Option<Address>,
    pub speaks: Speaks,
    /// As its config has it; only relative to the others.
    pub weight: f64,
    pub rotation: Rotation,
    /// The balancer's own word for its state.
    pub word: Printable,
    /// What the balancer thinks of it, where it looks.
    pub healthy: Option<bool>,
    /// The name that Apache gives its sessions, where it does.
    pub route: Option<String>,
}

/// What a member is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Http,
    Https,
    /// As ajp or fcgi: it cannot be asked with a plain request.
    Other,
}

/// `host:port`, with the port of its scheme where it names none; an IPv6 address has brackets.
#[must_use]
pub(super) fn place(text: &str, port: Option<u16>) -> Option<Address> {
    let (host, named) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match named {
        Some(named) => named.parse().ok()?,
        None => port?,
    };
    (!host.is_empty() && port > 0).then(|| Address { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_host_and_a_port() {
        let shown = |text, port| place(text, port).map(|address| address.to_string());
        assert_eq!(shown("10.0.0.1:80", None).as_deref(), Some("10.0.0.1:80"));
        assert_eq!(shown("[::1]:80", None).as_deref(), Some("[::1]:80"));
        assert_eq!(shown("web1", Some(443)).as_deref(), Some("web1:443"));
        for text in ["web1", ":80", "web1:0", "web1:x", "[::1"] {
            assert_eq!(shown(text, None), None, "{text}");
        }
    }
}
