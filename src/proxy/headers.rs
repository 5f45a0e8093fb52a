//! Which header fields pass a proxy, as RFC 9110 §7.6 has it. Pure.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Uri, Version};
use std::net::IpAddr;

/// How we name ourselves in `Via`.
const VIA: HeaderValue = HeaderValue::from_static("1.1 halfstep");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Fields of one connection, whatever `Connection` says: RFC 9110 §7.6.1, and the two that speak to the nearest proxy.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

/// Removes what belongs to one connection only, the fields that `Connection` names included.
pub fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers).filter_map(|token| token.parse().ok()).collect();
    for name in named {
        // Without these a message cannot be understood; naming them is a mistake or an attack.
        if name != header::HOST && name != header::CONTENT_LENGTH {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What the message asks to change the protocol to, if it does.
#[must_use]
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    asked.then(|| headers.get(header::UPGRADE).cloned()).flatten()
}

/// Says again what [`strip`] removed, towards the other side.
pub fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Makes a client's request head into ours: origin form, HTTP/1.1, one `Host`, `Via` and `X-Forwarded-For` added.
/// The error is a sentence for the client.
pub fn toward_server(parts: &mut Parts, client: IpAddr) -> Result<(), &'static str> {
    if parts.method == Method::CONNECT {
        return Err("CONNECT is not offered here");
    }
    let protocol = if parts.version == Version::HTTP_11 { upgrade(&parts.headers) } else { None };
    strip(&mut parts.headers);
    if let Some(protocol) = protocol {
        set_upgrade(&mut parts.headers, protocol);
    }
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| "this is no host name")?;
        parts.headers.insert(header::HOST, host);
    }
    match (parts.headers.get_all(header::HOST).iter().count(), parts.version) {
        (1, _) => {}
        (0, Version::HTTP_10 | Version::HTTP_09) => {
            parts.headers.insert(header::HOST, HeaderValue::from_static(""));
        }
        _ => return Err("a request has to name exactly one Host"),
    }
    parts.uri = parts.uri.path_and_query().cloned().map_or(Uri::from_static("/"), Uri::from);
    parts.version = Version::HTTP_11;
    parts.headers.append(header::VIA, VIA);
    let so_far = parts.headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let chain = so_far.map(str::to_owned).chain([client.to_string()]).collect::<Vec<_>>().join(", ");
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        parts.headers.insert(FORWARDED_FOR, chain);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn parts(fields: &[(&str, &str)], uri: &str) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn what_connection_names_goes_and_the_rest_stays() {
        let fields = [
            ("host", "shop"),
            ("connection", "close, X-Secret , host"),
            ("Connection", "Keep-Alive,x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("proxy-authorization", "x"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ];
        let mut parts = parts(&fields, "/a?b");
        toward_server(&mut parts, CLIENT).expect("fine");
        let mut left: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "host", "via", "x-forwarded-for"]);
        assert_eq!(parts.uri, "/a?b");
    }

    #[test]
    fn the_chain_of_clients_grows_at_its_end_and_cannot_be_removed_by_the_client() {
        let fields = [("host", "shop"), ("x-forwarded-for", "10.0.0.1"), ("x-forwarded-for", "10.0.0.2")];
        let mut forwarded = parts(&fields, "/");
        toward_server(&mut forwarded, CLIENT).expect("fine");
        assert_eq!(forwarded.headers["x-forwarded-for"], "10.0.0.1, 10.0.0.2, 192.0.2.7");
        let mut hidden = parts(&[("host", "shop"), ("connection", "x-forwarded-for, via")], "/");
        toward_server(&mut hidden, CLIENT).expect("fine");
        assert_eq!(hidden.headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(hidden.headers["via"], "1.1 halfstep");
    }

    #[test]
    fn a_request_names_one_host_and_an_absolute_target_wins() {
        assert!(toward_server(&mut parts(&[], "/"), CLIENT).is_err());
        assert!(toward_server(&mut parts(&[("host", "a"), ("host", "b")], "/"), CLIENT).is_err());
        let mut absolute = parts(&[("host", "a")], "http://b:81/x?y");
        toward_server(&mut absolute, CLIENT).expect("fine");
        assert_eq!((absolute.headers["host"].to_str().ok(), absolute.uri.to_string()), (Some("b:81"), "/x?y".into()));
    }

    #[test]
    fn an_upgrade_passes_only_when_connection_names_it() {
        let asked = parts(&[("connection", "Upgrade"), ("upgrade", "websocket")], "/");
        assert_eq!(upgrade(&asked.headers), Some(HeaderValue::from_static("websocket")));
        assert_eq!(upgrade(&parts(&[("upgrade", "websocket")], "/").headers), None);
    }
}
