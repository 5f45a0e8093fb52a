//! What Apache's config says of its balancer-manager pages and members: enough to propose, never to decide. Pure.

/// The parts of a config file that matter here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HttpdConf {
    /// URLs at which a balancer-manager of this machine may answer.
    pub managers: Vec<String>,
    /// Members that are written without `retry=`.
    pub without_retry: Vec<String>,
}

/// Could this be such a file?
pub fn is_one(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["<location", "<virtualhost", "<proxy", "balancermember", "sethandler", "loadmodule"].iter().any(|word| lower.contains(word))
}

/// Where a `<VirtualHost>` or the main server listens.
#[derive(Clone)]
struct Server {
    port: u16,
    scheme: &'static str,
}

/// Reads it. What is not understood is passed over.
pub fn read(text: &str) -> HttpdConf {
    let mut conf = HttpdConf::default();
    let listens = text.lines().find_map(|line| port_after(line, "listen"));
    let main = Server { port: listens.unwrap_or(80), scheme: "http" };
    let mut server = main.clone();
    let mut location: Option<String> = None;
    let mut found: Vec<(Server, String)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let first = words.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        match first.as_str() {
            "<virtualhost" => server = Server { port: port_after(line, "<virtualhost").unwrap_or(main.port), ..main.clone() },
            "</virtualhost>" => server = main.clone(),
            "sslengine" if words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("on")) => server.scheme = "https",
            "<location" => {
                location = words.get(1).map(|path| path.trim_matches(['"', '>']).to_owned()).filter(|path| path.starts_with('/'))
            }
            "</location>" => location = None,
            "sethandler" if words.get(1).is_some_and(|word| word.trim_matches('"').eq_ignore_ascii_case("balancer-manager")) => {
                found.extend(location.clone().map(|path| (server.clone(), path)));
            }
            "balancermember" if !line.to_ascii_lowercase().contains("retry=") => {
                conf.without_retry.extend(words.get(1).map(|url| url.trim_matches('"').to_owned()));
            }
            _ => {}
        }
    }
    conf.managers = found.into_iter().map(|(Server { port, scheme }, path)| url(scheme, port, &path)).collect();
    conf.managers.dedup();
    conf
}

fn url(scheme: &str, port: u16, path: &str) -> String {
    match (scheme, port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://127.0.0.1{path}"),
        _ => format!("{scheme}://127.0.0.1:{port}{path}"),
    }
}

/// `Listen 8080`, `Listen 10.0.0.1:80 https`, `<VirtualHost *:8080>`.
fn port_after(line: &str, word: &str) -> Option<u16> {
    let mut words = line.split_whitespace();
    if !words.next()?.eq_ignore_ascii_case(word) {
        return None;
    }
    words.next()?.trim_end_matches('>').rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_and_members_without_retry_are_found() {
        let text = "Listen 8080\n<Proxy balancer://shop>\nBalancerMember http://10.0.0.1:3000\nBalancerMember http://10.0.0.2:3000 retry=1\n</Proxy>\n\
                    <Location \"/balancer-manager\">\n  SetHandler balancer-manager\n</Location>\n<VirtualHost *:443>\nSSLEngine on\n\
                    <Location /lb>\nsethandler \"balancer-manager\"\n</Location>\n</VirtualHost>\n# <Location /no>\n";
        assert!(is_one(text));
        let conf = read(text);
        assert_eq!(conf.managers, ["http://127.0.0.1:8080/balancer-manager", "https://127.0.0.1/lb"]);
        assert_eq!(conf.without_retry, ["http://10.0.0.1:3000"]);
    }

    #[test]
    fn nonsense_is_passed_over() {
        assert_eq!(read("<Location\nSetHandler\nListen\n<VirtualHost\nBalancerMember\n"), HttpdConf::default());
    }
}
