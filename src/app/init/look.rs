//! Finds the balancer: where the options say, else in the usual places of this machine. It decides what counts as found (what
//! answers); what is done with it is for [`super`]. It changes nothing.
//!
//! Read next: [`super::haproxy_cfg`], [`super::httpd_conf`] (what config files tell), `crate::balancer::listing`.

use super::haproxy_cfg::{self, HaproxyCfg};
use super::httpd_conf::{self, HttpdConf};
use crate::app::hands;
use crate::balancer::listing::Listing;
use crate::balancer::{apache, builtin, haproxy};
use crate::cli::init::{InitArguments, InitBalancer};
use crate::hand::Tunnel;
use crate::model::{Failure, Secret};
use crate::runner::Runners;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// A config file that is longer than this is none.
const LONGEST_FILE: u64 = 4 << 20;
/// HAProxy's own file, where packages put it.
const HAPROXY_CFG: &str = "/etc/haproxy/haproxy.cfg";
/// Directories that hold sockets of HAProxy, and of halfstep serve.
const SOCKETS: &[&str] = &["/run/haproxy", "/var/run/haproxy", "/run/halfstep"];
/// Apache's own files and directories, where packages put them.
const HTTPD_CONFS: &[&str] = &[
    "/etc/apache2/apache2.conf",
    "/etc/apache2/sites-enabled",
    "/etc/apache2/conf-enabled",
    "/etc/apache2/mods-enabled",
    "/etc/httpd/conf/httpd.conf",
    "/etc/httpd/conf.d",
];

/// A balancer as the config will name it.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Haproxy {
        socket: String,
    },
    /// The password as it is written: `env:NAME` or `file:PATH`.
    Apache {
        url: String,
        user: Option<(String, String)>,
    },
    Builtin {
        control: PathBuf,
    },
}

/// What its own config file told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hints {
    pub cfg: Option<HaproxyCfg>,
    pub conf: Option<HttpdConf>,
}

/// A balancer that answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub source: Source,
    pub listings: Vec<Listing>,
    pub hints: Hints,
}

/// Where one may be.
#[derive(Debug, Clone, PartialEq)]
struct Lead {
    source: Source,
    hints: Hints,
}

impl Source {
    /// The place, for people.
    pub fn place(&self) -> String {
        match self {
            Source::Haproxy { socket } => format!("HAProxy at {socket}"),
            Source::Apache { url, .. } => format!("Apache at {url}"),
            Source::Builtin { control } => format!("halfstep serve at {}", control.display()),
        }
    }
}

/// Looks, and gives all that answer, or why none does.
pub async fn look(arguments: &InitArguments, ways: Option<&Runners>) -> Result<Vec<Found>, Failure> {
    let leads = leads(arguments)?;
    let mut found: Vec<Found> = Vec::new();
    let mut troubles: Vec<Failure> = Vec::new();
    for lead in leads {
        let way = arguments.ssh.as_deref().zip(ways);
        match list(&lead.source, way).await {
            Ok(listings) if found.iter().any(|known| known.listings == listings) => {}
            Ok(listings) => found.push(Found { source: lead.source, listings, hints: lead.hints }),
            Err(failure) => troubles.push(failure),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    // Of several guesses at one place the first is the likeliest.
    match (arguments.place.is_some() || arguments.socket.is_some() || arguments.url.is_some(), troubles.first()) {
        (true, Some(failure)) => Err(failure.clone()),
        (_, None) => Err(nowhere("no balancer was found in the usual places of this machine")),
        (false, Some(failure)) => Err(nowhere(&format!("no balancer answers in the usual places of this machine: {failure}"))),
    }
}

fn nowhere(what: &str) -> Failure {
    Failure::new(what)
        .next("say where it is: --socket /run/haproxy/admin.sock, --url http://lb1/balancer-manager, or its own config file")
}

/// Asks a balancer for its pools.
async fn list(source: &Source, way: Option<(&str, &Runners)>) -> Result<Vec<Listing>, Failure> {
    match (source, way) {
        (Source::Haproxy { socket }, None) => haproxy::list(socket, haproxy::Way::Direct).await,
        (Source::Haproxy { socket }, Some((host, ways))) => {
            let near = match hands::address(socket) {
                Some(address) => ways.to_tcp(host, &address).await?,
                None => ways.to_unix(host, Path::new(socket)).await?,
            };
            haproxy::list(socket, haproxy::Way::Tunnel(near)).await
        }
        (Source::Apache { url, user }, way) => {
            let settings = settings(url, user.as_ref())?;
            let near = match way {
                Some((host, ways)) => Some(ways.to_tcp(host, &hands::url_address(url)?).await?),
                None => None,
            };
            apache::list(&settings, near.as_deref()).await
        }
        (Source::Builtin { control }, way) => {
            let settings = builtin::Settings { control: control.clone(), listen: None };
            let node = match way {
                Some((host, ways)) => builtin::Builtin::through(settings, ways.to_unix(host, control).await?),
                None => builtin::Builtin::new(settings),
            };
            Ok(vec![node.list().await?])
        }
    }
}

fn settings(url: &str, user: Option<&(String, String)>) -> Result<apache::Settings, Failure> {
    let password = user.map(|(_, place)| secret(place)).transpose()?;
    let user = user.map(|(name, _)| name.clone());
    Ok(apache::Settings { url: url.to_owned(), balancer: String::new(), user, password, ca: None })
}

/// Looks a password up where the config will. The value is never shown.
pub fn secret(place: &str) -> Result<Secret, Failure> {
    let found = match place.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|_| format!("the environment has no variable {name}")),
        Some(("file", path)) => std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}")),
        Some(_) | None => Err("a password is given as env:NAME or file:PATH".to_owned()),
    };
    let text = found.map_err(|why| Failure::new(why).next("put the password there, and come again"))?;
    Ok(Secret::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

fn leads(arguments: &InitArguments) -> Result<Vec<Lead>, Failure> {
    let user = arguments.user.clone().zip(arguments.password.clone());
    let apache = |url: &str| Source::Apache { url: url.to_owned(), user: user.clone() };
    let plain = |source: Source| Lead { source, hints: Hints::default() };
    let mut all = match (&arguments.socket, &arguments.url, &arguments.place) {
        (Some(socket), _, _) => at_socket(socket),
        (None, Some(url), _) => vec![plain(apache(url))],
        (None, None, Some(place)) if place.starts_with("http://") || place.starts_with("https://") => vec![plain(apache(place))],
        (None, None, Some(place)) => match file(Path::new(place)) {
            Some(text) => in_file(place, &text, &apache)?,
            None if place.contains('/') => at_socket(place),
            None => {
                let mut both = at_socket(place);
                both.push(plain(apache(&format!("http://{place}/balancer-manager"))));
                both
            }
        },
        (None, None, None) if arguments.ssh.is_some() => at_socket("/run/haproxy/admin.sock"),
        (None, None, None) => usual(&apache),
    };
    if let Some(kind) = arguments.balancer {
        all.retain(|lead| is_kind(&lead.source, kind));
    }
    Ok(all)
}

fn is_kind(source: &Source, kind: InitBalancer) -> bool {
    matches!(
        (source, kind),
        (Source::Haproxy { .. }, InitBalancer::Haproxy)
            | (Source::Apache { .. }, InitBalancer::Apache)
            | (Source::Builtin { .. }, InitBalancer::Builtin)
    )
}

/// A socket may be HAProxy's or that of `halfstep serve`: which one it is shows when it is asked.
fn at_socket(socket: &str) -> Vec<Lead> {
    let absolute = match socket.contains('/') {
        true => std::path::absolute(socket).unwrap_or_else(|_| PathBuf::from(socket)),
        false => PathBuf::from(socket),
    };
    let haproxy = Source::Haproxy { socket: absolute.to_string_lossy().into_owned() };
    let builtin = socket.contains('/').then_some(Source::Builtin { control: absolute });
    [Some(haproxy), builtin].into_iter().flatten().map(|source| Lead { source, hints: Hints::default() }).collect()
}

/// The text of an ordinary file.
fn file(path: &Path) -> Option<String> {
    let about = path.metadata().ok().filter(|about| about.is_file() && about.len() <= LONGEST_FILE)?;
    let bytes = std::fs::read(path).ok().filter(|_| about.is_file())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn in_file(place: &str, text: &str, apache: &dyn Fn(&str) -> Source) -> Result<Vec<Lead>, Failure> {
    if haproxy_cfg::is_one(text) {
        let leads = in_haproxy_cfg(text);
        if leads.is_empty() {
            return Err(Failure::new(format!("{place} has no `stats socket`, so that HAProxy takes no orders")).next(
                "write into its global section, and reload it: stats socket /run/haproxy/admin.sock mode 660 level admin",
            ));
        }
        return Ok(leads);
    }
    if httpd_conf::is_one(text) {
        let leads = in_httpd_conf(text, apache);
        if leads.is_empty() {
            return Err(Failure::new(format!("{place} has no <Location> with `SetHandler balancer-manager`"))
                .next("write one, reachable only for you (README.md has it), or give the page with --url"));
        }
        return Ok(leads);
    }
    Err(Failure::new(format!("{place} is neither a config file of HAProxy nor one of Apache"))
        .next("give a socket, a URL, or such a file"))
}

fn in_haproxy_cfg(text: &str) -> Vec<Lead> {
    let cfg = haproxy_cfg::read(text);
    let mut sockets = cfg.sockets.clone();
    // Of several the one that may change something.
    sockets.sort_by_key(|socket| !socket.is_admin);
    let sockets = sockets.into_iter().take(1);
    sockets
        .map(|socket| Lead {
            source: Source::Haproxy { socket: socket.address },
            hints: Hints { cfg: Some(cfg.clone()), conf: None },
        })
        .collect()
}

fn in_httpd_conf(text: &str, apache: &dyn Fn(&str) -> Source) -> Vec<Lead> {
    let conf = httpd_conf::read(text);
    let lead = |url: &String| Lead { source: apache(url), hints: Hints { cfg: None, conf: Some(conf.clone()) } };
    conf.managers.iter().map(lead).collect()
}

fn usual(apache: &dyn Fn(&str) -> Source) -> Vec<Lead> {
    let mut all: Vec<Lead> = file(Path::new(HAPROXY_CFG)).map(|text| in_haproxy_cfg(&text)).unwrap_or_default();
    for folder in SOCKETS {
        for socket in entries(Path::new(folder)).into_iter().filter(|path| is_socket(path)) {
            let known = |lead: &Lead| matches!(&lead.source, Source::Haproxy { socket: known } if Path::new(known) == socket);
            if !all.iter().any(known) {
                all.extend(at_socket(&socket.to_string_lossy()));
            }
        }
    }
    for place in HTTPD_CONFS {
        let path = Path::new(place);
        let files = if path.is_dir() { entries(path) } else { vec![path.to_owned()] };
        for text in files.iter().filter_map(|path| file(path)) {
            all.extend(in_httpd_conf(&text, apache));
        }
    }
    all
}

fn is_socket(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.file_type().is_socket())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(arguments: &InitArguments) -> Vec<String> {
        leads(arguments).expect("leads").iter().map(|lead| lead.source.place()).collect()
    }

    #[test]
    fn a_place_is_a_socket_an_address_a_url_or_a_config_file() {
        let at = |place: &str| places(&InitArguments { place: Some(place.into()), ..InitArguments::default() });
        assert_eq!(at("/run/x.sock"), ["HAProxy at /run/x.sock", "halfstep serve at /run/x.sock"]);
        assert_eq!(at("lb1:9999"), ["HAProxy at lb1:9999", "Apache at http://lb1:9999/balancer-manager"]);
        assert_eq!(at("https://lb1/lb"), ["Apache at https://lb1/lb"]);
        let dir = tempfile::tempdir().expect("a directory");
        let cfg = dir.path().join("haproxy.cfg");
        std::fs::write(&cfg, "global\n stats socket /run/a level user\n stats socket /run/b level admin\nbackend x\n")
            .expect("written");
        assert_eq!(at(&cfg.display().to_string()), ["HAProxy at /run/b"]);
        std::fs::write(&cfg, "global\nbackend x\n").expect("written");
        let failure =
            leads(&InitArguments { place: Some(cfg.display().to_string()), ..InitArguments::default() }).expect_err("no socket");
        assert!(failure.to_string().contains("stats socket /run/haproxy/admin.sock"), "{failure}");
        std::fs::write(&cfg, "hello").expect("written");
        assert!(leads(&InitArguments { place: Some(cfg.display().to_string()), ..InitArguments::default() }).is_err());
    }

    #[test]
    fn the_kind_that_was_said_leaves_the_others_out() {
        let arguments =
            InitArguments { socket: Some("/run/x".into()), balancer: Some(InitBalancer::Builtin), ..InitArguments::default() };
        assert_eq!(places(&arguments), ["halfstep serve at /run/x"]);
    }

    #[test]
    fn a_password_comes_from_where_the_config_will_find_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("password");
        std::fs::write(&path, "geheim\n").expect("written");
        assert_eq!(secret(&format!("file:{}", path.display())).expect("there").expose(), "geheim");
        for place in ["env:HALFSTEP_NO_SUCH_VARIABLE", "file:/nonexistent", "geheim"] {
            let failure = secret(place).expect_err(place).to_string();
            assert!(failure.contains("come again"), "{failure}");
        }
    }
}
