//! All backends of one HAProxy with their servers and addresses, for `halfstep init`.

use super::node::Node;
use super::{Settings, Way};
use crate::balancer::listing::{Listed, Listing, Speaks};
use crate::model::{Address, Failure};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Where a server is, by the names of backend and server.
type Places<'a> = BTreeMap<(&'a str, &'a str), Columns<'a>>;
/// One row, by the names of its columns.
type Columns<'a> = BTreeMap<&'a str, &'a str>;

/// Every backend that has servers, in HAProxy's order. Changes nothing.
pub async fn list(socket: &str, way: Way) -> Result<Vec<Listing>, Failure> {
    let settings = |backends| Settings { socket: socket.to_owned(), backends, state_file: None };
    let node = Node::new(settings(Vec::new()), way.clone());
    let answers = node.endpoint.ask(&["show backend".to_owned(), "show servers state".to_owned()]).await?;
    let names = answers[0].lines().map(str::trim).filter(|name| !name.is_empty() && !name.starts_with('#'));
    let places = places(&answers[1]);
    let mut all = Vec::new();
    for name in names.filter(|name| places.keys().any(|(backend, _)| backend == name)) {
        let node = Node::new(settings(vec![name.to_owned()]), way.clone());
        let look = node.look().await?;
        let reading = node.reading(&look);
        let rows = look.backends.iter().flat_map(|backend| &backend.rows);
        let members = rows.zip(&reading.members).map(|(row, member)| {
            let place = places.get(&(name, row.name.as_str()));
            let text = |column: &str| place.and_then(|place| place.get(column)).copied().unwrap_or("");
            Listed {
                name: row.name.clone(),
                address: address(text("srv_fqdn"), text("srv_addr"), text("srv_port")),
                speaks: if text("srv_use_ssl") == "1" { Speaks::Https } else { Speaks::Http },
                weight: text("srv_iweight").parse().unwrap_or(1.0),
                rotation: member.rotation,
                word: member.word.clone(),
                healthy: member.healthy,
                route: None,
            }
        });
        let members = members.collect();
        all.push(Listing { name: name.to_owned(), members, sticky: reading.sticky, advice: reading.advice });
    }
    Ok(all)
}

/// The rows of `show servers state`, by the names of their columns.
fn places(state: &str) -> Places<'_> {
    let mut lines = state.lines();
    let Some(header) = lines.find_map(|line| line.strip_prefix("# ")) else { return Places::new() };
    let columns: Vec<&str> = header.split_whitespace().collect();
    let mut places = Places::new();
    for line in lines {
        places.extend(row(line, &columns));
    }
    places
}

fn row<'a>(line: &'a str, columns: &[&'a str]) -> Option<((&'a str, &'a str), Columns<'a>)> {
    let fields: Columns<'_> = columns.iter().copied().zip(line.split_whitespace()).collect();
    Some(((*fields.get("be_name")?, *fields.get("srv_name")?), fields))
}

/// The name where HAProxy resolves one, else the address. None for a server that waits for an address.
fn address(name: &str, address: &str, port: &str) -> Option<Address> {
    let port = port.parse().ok().filter(|port| *port > 0)?;
    if !name.is_empty() && name != "-" {
        return Some(Address { host: name.to_owned(), port });
    }
    let address: IpAddr = address.parse().ok()?;
    (!address.is_unspecified()).then(|| Address { host: address.to_string(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_before_an_address_and_who_waits_for_one_has_none() {
        let shown = |name, at, port| address(name, at, port).map(|address| address.to_string());
        assert_eq!(shown("-", "10.0.0.1", "80").as_deref(), Some("10.0.0.1:80"));
        assert_eq!(shown("web1.example", "10.0.0.1", "80").as_deref(), Some("web1.example:80"));
        assert_eq!(shown("-", "::1", "80").as_deref(), Some("[::1]:80"));
        assert_eq!((shown("-", "-", "80"), shown("-", "0.0.0.0", "80"), shown("-", "10.0.0.1", "0")), (None, None, None));
    }
}
