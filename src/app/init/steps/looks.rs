//! The fourth part of the talk: how servers are asked for their health and version, tried with all of them as they run now.

use super::halves::state;
use crate::app::hands;
use crate::app::init::asked::{self, Servers, Standing, Target};
use crate::app::init::draft::{ServerDraft, VersionAt};
use crate::app::init::look::{Found, Source};
use crate::app::init::talk::{Manner, Question, Stop, Talk};
use crate::balancer::listing::{Listed, Listing, Speaks};
use crate::cli::init::InitArguments;
use crate::cli::text::{Table, say};
use crate::model::{Failure, Printable, Rotation};
use crate::probe::{Extract, Scheme, explore};
use std::time::Duration;

/// Finds out who answers, before anything is asked of them.
pub async fn meet(members: &[Listed], servers: &[ServerDraft]) -> Servers {
    let target = |(member, server): (&Listed, &ServerDraft)| Target {
        name: server.name.clone(),
        address: server.address.clone(),
        word: Printable::new(&state(member)),
        standing: match (member.rotation, member.healthy) {
            (Rotation::In, Some(true) | None) => Standing::Serves,
            (Rotation::In, Some(false)) | (Rotation::Draining | Rotation::Out, _) => Standing::Aside,
        },
    };
    let is_https = members.iter().all(|member| member.speaks == Speaks::Https);
    let scheme = if is_https { Scheme::Https } else { Scheme::Http };
    let met = Servers::meet(members.iter().zip(servers).map(target).collect(), scheme).await;
    if !met.is_anybody_there() {
        say("  no server answers this machine over HTTP: health and version cannot be tried");
    }
    met
}

fn request_path(text: &str) -> Result<String, String> {
    match text.starts_with('/') && !text.contains(char::is_whitespace) {
        true => Ok(text.to_owned()),
        false => Err("a path begins with /, as /healthz, and has no blanks".to_owned()),
    }
}

fn path_or_none(text: &str) -> Result<Option<String>, String> {
    if text == "none" { Ok(None) } else { request_path(text).map(Some) }
}

fn indented(table: &Table) {
    table.to_string().lines().for_each(|line| say(format!("  {line}")));
}

/// The path of health; none where a version is enough. Tried at every server, and shown.
pub async fn health(
    talk: &mut Talk,
    arguments: &mut InitArguments,
    found: &Found,
    listing: &Listing,
    met: &Servers,
) -> Result<Option<String>, Stop> {
    let known = found
        .hints
        .cfg
        .as_ref()
        .and_then(|cfg| cfg.backends.get(&listing.name)?.httpchk.clone())
        .filter(|path| path.starts_with('/'));
    let mut proposal = match &arguments.health {
        Some(said) => Some(said.clone()),
        None => Some(met.health(known.as_deref()).await.unwrap_or_else(|| "none".to_owned())),
    };
    let mut said = arguments.health.clone();
    loop {
        let path = match said.take() {
            Some(said) => path_or_none(&said).map_err(|why| Failure::new(format!("--health {said}: {why}")))?,
            None => {
                let help =
                    "asked at each server, past the balancer: 2xx is healthy. none: a server that answers its version is healthy";
                let question = Question {
                    ask: "Path that says whether a server is healthy, or none",
                    flag: "--health",
                    help,
                    proposal: proposal.clone(),
                };
                talk.answer(&question, path_or_none).await?
            }
        };
        arguments.health = Some(path.clone().unwrap_or_else(|| "none".to_owned()));
        let Some(path) = path else { return Ok(None) };
        let answers = met.ask(&path).await;
        indented(&asked::table(met, Some(&answers), None));
        let (good, of) = asked::count(met, |at| answers[at].as_ref().is_ok_and(explore::Page::is_good));
        let tells_nothing = met.tells_nothing(&answers);
        let is_enough = good == of && of > 0 && !tells_nothing;
        if is_enough || talk.manner() == Manner::TakesProposals || !met.is_anybody_there() {
            return Ok(Some(path));
        }
        let ask = match tells_nothing {
            true => format!("These servers answer every path like {path}, so it tells nothing of them. Take it all the same"),
            false => format!("{good} of {of} that serve answer {path} well. Take it all the same"),
        };
        if talk.agrees(&Question { ask: &ask, flag: "--health", help: "", proposal: Some("n".into()) }).await? {
            return Ok(Some(path));
        }
        proposal = None;
    }
}

/// Where the version stands. Tried at every server, and shown.
pub async fn version(
    talk: &mut Talk,
    arguments: &mut InitArguments,
    met: &Servers,
    health: Option<&str>,
) -> Result<VersionAt, Stop> {
    let mut proposal = met.version(arguments.version_path.as_deref()).await;
    if proposal.is_none() && arguments.version_path.is_none() {
        proposal = match health {
            Some(path) => met.version(Some(path)).await,
            None => None,
        };
    }
    loop {
        let path = match &arguments.version_path {
            Some(path) => request_path(path).map_err(|why| Failure::new(format!("--version-path {path}: {why}")))?,
            None => {
                let help = "asked at each server, past the balancer; the answer must name the version that runs";
                let proposal = proposal.as_ref().map(|proposal| proposal.path.clone());
                talk.answer(
                    &Question { ask: "Path that answers the version", flag: "--version-path", help, proposal },
                    request_path,
                )
                .await?
            }
        };
        if proposal.as_ref().is_none_or(|proposal| proposal.path != path) {
            proposal = met.version(Some(&path)).await;
        }
        let extract = place(talk, arguments, proposal.as_ref()).await?;
        let answers = met.ask(&path).await;
        indented(&asked::table(met, None, Some((&answers, &extract))));
        let (good, of) = asked::count(met, |at| answers[at].as_ref().is_ok_and(|page| page.value(&extract).is_ok()));
        let taken = match good == of && of > 0 || talk.manner() == Manner::TakesProposals || !met.is_anybody_there() {
            true => true,
            false => {
                let ask = format!("{good} of {of} that serve answer a version there. Take it all the same");
                talk.agrees(&Question { ask: &ask, flag: "--version-path", help: "", proposal: Some("n".into()) }).await?
            }
        };
        if taken {
            let instance = met.instance(&path).await;
            note(arguments, &path, &extract);
            return Ok(VersionAt { path, extract, instance });
        }
        (arguments.version_path, arguments.version_json, arguments.version_header, arguments.version_body) =
            (None, None, None, false);
        proposal = None;
    }
}

/// Puts the place into the options.
fn note(arguments: &mut InitArguments, path: &str, extract: &Extract) {
    arguments.version_path = Some(path.to_owned());
    match extract {
        Extract::Json(pointer) => arguments.version_json = Some(pointer.clone()),
        Extract::Header(name) => arguments.version_header = Some(name.clone()),
        Extract::Body => arguments.version_body = true,
        Extract::Regex(_) => {}
    }
}

/// Where in the answer: as the options say, as was found, or asked for.
async fn place(talk: &mut Talk, arguments: &InitArguments, proposal: Option<&VersionAt>) -> Result<Extract, Stop> {
    if let Some(pointer) = &arguments.version_json {
        return Ok(Extract::Json(pointer.clone()));
    }
    if let Some(name) = &arguments.version_header {
        return Ok(Extract::Header(name.clone()));
    }
    if arguments.version_body {
        return Ok(Extract::Body);
    }
    let words = |extract: &Extract| match extract {
        Extract::Json(pointer) => pointer.clone(),
        Extract::Header(name) => name.clone(),
        Extract::Regex(_) | Extract::Body => "body".to_owned(),
    };
    let question = Question {
        ask: "Where in that answer: a JSON pointer, a header, or body",
        flag: "--version-json, --version-header or --version-body",
        help: "/build/version is {\"build\": {\"version\": …}}; X-App-Version is a header; body is all of it",
        proposal: proposal.map(|proposal| words(&proposal.extract)),
    };
    let judge = |text: &str| match text {
        "body" => Ok(Extract::Body),
        pointer if pointer.starts_with('/') => Ok(Extract::Json(pointer.to_owned())),
        name if name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) => Ok(Extract::Header(name.to_owned())),
        _ => Err("a JSON pointer as /version, a header as X-App-Version, or body".to_owned()),
    };
    talk.answer(&question, judge).await
}

/// The URL that clients ask: proposed where one answers the version already.
pub async fn public(
    talk: &mut Talk,
    arguments: &mut InitArguments,
    found: &Found,
    listing: &Listing,
    version: &VersionAt,
) -> Result<Option<String>, Stop> {
    let judge = |text: &str| match text {
        "none" => Ok(None),
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(Some(url.to_owned())),
        _ => Err("a URL, as http://shop.example/version, or none".to_owned()),
    };
    let public = match &arguments.public {
        Some(said) => judge(said).map_err(|why| Failure::new(format!("--public {said}: {why}")))?,
        None => {
            let proposal = Some(front(found, listing, version).await.unwrap_or_else(|| "none".to_owned()));
            let help = "asked through the balancer during the switch, some hundred times a second, so that the time in which two versions\n\
                        serve is measured and not estimated; it must answer the version in the same way";
            talk.answer(
                &Question { ask: "URL that clients ask and that answers the version, or none", flag: "--public", help, proposal },
                judge,
            )
            .await?
        }
    };
    arguments.public = Some(public.clone().unwrap_or_else(|| "none".to_owned()));
    Ok(public)
}

/// A front of the pool that answers the version now.
async fn front(found: &Found, listing: &Listing, version: &VersionAt) -> Option<String> {
    let fronts: Vec<String> = match &found.source {
        Source::Haproxy { .. } => {
            let cfg = found.hints.cfg.as_ref()?;
            cfg.fronts
                .iter()
                .filter(|(backend, _)| *backend == listing.name)
                .map(|(_, port)| format!("http://127.0.0.1:{port}"))
                .collect()
        }
        Source::Apache { url, .. } => {
            let url = reqwest::Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
            vec![format!("http://{}:{}", url.host_str()?, url.port_or_known_default()?)]
        }
        Source::Builtin { .. } => Vec::new(),
    };
    for front in fronts {
        let url = format!("{front}{}", version.path);
        let Ok(address) = hands::url_address(&url) else { continue };
        let request = explore::request(&version.path, Scheme::Http, false);
        let page = explore::get(&address, &request, Duration::from_secs(2)).await;
        if page.is_ok_and(|page| page.is_good() && page.value(&version.extract).is_ok()) {
            return Some(url);
        }
    }
    None
}
