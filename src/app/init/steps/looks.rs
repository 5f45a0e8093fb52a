//! The fourth part of the talk: how servers are asked for their health and version, tried with all of them as they run now.
//! Where clients ask is in [`super::public`].

use super::halves::state;
use crate::app::init::asked::{self, Servers, Standing, Target};
use crate::app::init::draft::{Draft, Health, ServerDraft, VersionAt, WorkerDraft};
use crate::app::init::look::Found;
use crate::app::init::talk::{Manner, Question, Stop, Talk};
use crate::app::init::topic::Topic;
use crate::balancer::listing::{Listed, Listing, Speaks};
use crate::cli::init::InitArguments;
use crate::model::{Failure, Printable, Rotation};
use crate::probe::{Extract, Scheme};

/// Finds out who answers, before anything is asked of them.
pub async fn meet(talk: &mut Talk, members: &[Listed], draft: &Draft) -> Result<Servers, Stop> {
    let target = |(member, server): (&Listed, &ServerDraft)| Target {
        name: server.name.clone(),
        address: server.address.clone(),
        word: Printable::new(&state(member)),
        standing: match (member.rotation, member.healthy) {
            (Rotation::In, Some(true) | None) => Standing::Serves,
            (Rotation::In, Some(false)) | (Rotation::Draining | Rotation::Out, _) => Standing::Aside,
        },
    };
    let worker = |worker: &WorkerDraft| Target {
        name: worker.name.clone(),
        address: worker.address.clone(),
        word: Printable::new("worker"),
        standing: Standing::Aside,
    };
    let is_https = members.iter().all(|member| member.speaks == Speaks::Https);
    let scheme = if is_https { Scheme::Https } else { Scheme::Http };
    let targets = members.iter().zip(&draft.servers).map(target).chain(draft.workers.iter().map(worker)).collect();
    let met = talk.wait("Asking the servers", Servers::meet(targets, scheme)).await?;
    if !met.is_anybody_there() {
        talk.warn("no server answers this machine over HTTP: health and version cannot be tried");
    }
    Ok(met)
}

fn request_path(text: &str) -> Result<String, String> {
    match text.starts_with('/') && !text.contains(char::is_whitespace) {
        true => Ok(text.to_owned()),
        false => Err("a path begins with /, as /healthz, and has no blanks".to_owned()),
    }
}

/// What says whether a server is healthy. Tried at every server, and shown.
pub async fn health(
    talk: &mut Talk,
    arguments: &mut InitArguments,
    (found, listing): (&Found, &Listing),
    met: &Servers,
    draft: &Draft,
) -> Result<Health, Stop> {
    let judge = |text: &str| {
        let health = Health::read(text)?;
        draft.with_health(&health).map(|_| health)
    };
    let mut said = arguments.health.clone();
    let mut proposal = match &said {
        Some(said) => Some(said.clone()),
        None => {
            let known = found.hints.cfg.as_ref().and_then(|cfg| cfg.backends.get(&listing.name)?.httpchk.clone());
            let known = known.filter(|path| path.starts_with('/'));
            let path = talk.wait("Looking for a health page", met.health(known.as_deref())).await?;
            Some(path.unwrap_or_else(|| if met.is_anybody_there() { "none" } else { "tcp" }.to_owned()))
        }
    };
    loop {
        let health = match said.take() {
            Some(said) => judge(&said).map_err(|why| Failure::new(format!("--health {said}: {why}")))?,
            None => {
                let question = Question {
                    topic: Topic::Health,
                    ask: "Path that says whether a server is healthy; or tcp, command: …, none",
                    help: "/healthz is asked at each server, past the balancer: 2xx is healthy.\n\
                           tcp: healthy when its port takes a connection.\n\
                           command: pg_isready -h {host} -p {port} runs here for each server: healthy when it exits with 0.\n\
                           none: a server that answers its version is healthy.",
                    proposal: proposal.clone(),
                };
                talk.answer(&question, judge).await?
            }
        };
        arguments.health = Some(health.word());
        if health == Health::AsVersion {
            return Ok(health);
        }
        let (tries, tells_nothing) = match &health {
            Health::Path(path) => {
                let answers = talk.wait("Asking every server for its health", met.ask(path)).await?;
                let tells_nothing = met.tells_nothing(&answers);
                (asked::tries(&answers), tells_nothing)
            }
            Health::AsVersion | Health::Tcp | Health::Command(_) => {
                let trial = draft.with_health(&health).map_err(Failure::new)?;
                (talk.wait("Trying it with every server", asked::try_all(&trial)).await??, false)
            }
        };
        talk.table(&asked::table(met, Some(&tries), None));
        let (good, of) = asked::count(met, |at| tries.get(at).is_some_and(|tried| tried.is_good));
        let is_enough = good == of && of > 0 && !tells_nothing;
        let can_be_tried = met.is_anybody_there() || !matches!(health, Health::Path(_));
        if is_enough || talk.manner() == Manner::TakesProposals || !can_be_tried {
            return Ok(health);
        }
        let word = health.word();
        let ask = match tells_nothing {
            true => format!("These servers answer every path like {word}, so it tells nothing of them. Take it all the same"),
            false => format!("{good} of {of} that serve answer {word} well. Take it all the same"),
        };
        if talk.agrees(&Question { topic: Topic::Health, ask: &ask, help: "", proposal: Some("n".into()) }).await? {
            return Ok(health);
        }
        proposal = None;
    }
}

/// Where the version stands. Tried at every server, and shown.
pub async fn version(talk: &mut Talk, arguments: &mut InitArguments, met: &Servers, health: &Health) -> Result<VersionAt, Stop> {
    let looking = "Looking for the version";
    let mut proposal = talk.wait(looking, met.version(arguments.version_path.as_deref())).await?;
    if let (None, None, Health::Path(path)) = (&proposal, &arguments.version_path, health) {
        proposal = talk.wait(looking, met.version(Some(path))).await?;
    }
    loop {
        let path = match &arguments.version_path {
            Some(path) => request_path(path).map_err(|why| Failure::new(format!("--version-path {path}: {why}")))?,
            None => {
                let help = "asked at each server, past the balancer; the answer must name the version that runs";
                let proposal = proposal.as_ref().map(|proposal| proposal.path.clone());
                talk.answer(
                    &Question { topic: Topic::VersionPath, ask: "Path that answers the version", help, proposal },
                    request_path,
                )
                .await?
            }
        };
        if proposal.as_ref().is_none_or(|proposal| proposal.path != path) {
            proposal = talk.wait(looking, met.version(Some(&path))).await?;
        }
        let extract = place(talk, arguments, proposal.as_ref()).await?;
        let answers = talk.wait("Asking every server for its version", met.ask(&path)).await?;
        talk.table(&asked::table(met, None, Some((&answers, &extract))));
        let (good, of) = asked::count(met, |at| answers[at].as_ref().is_ok_and(|page| page.value(&extract).is_ok()));
        let taken = match good == of && of > 0 || talk.manner() == Manner::TakesProposals || !met.is_anybody_there() {
            true => true,
            false => {
                let ask = format!("{good} of {of} that serve answer a version there. Take it all the same");
                talk.agrees(&Question { topic: Topic::VersionPath, ask: &ask, help: "", proposal: Some("n".into()) }).await?
            }
        };
        if taken {
            let instance = talk.wait(looking, met.instance(&path)).await?;
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
        topic: Topic::VersionPlace,
        ask: "Where in that answer: a JSON pointer, a header, or body",
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
