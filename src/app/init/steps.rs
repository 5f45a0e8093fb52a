//! The five parts of the talk, in order: the balancer and the pool (here), then `halves`, `looks` and `commands`. Each answer goes
//! into the options, so that a talk that is broken off can be gone on with.

mod commands;
mod halves;
mod looks;
mod public;
mod workers;

use super::advice::{Advice, advices};
use super::draft::{Asked, Commands, Draft, Health, VersionAt};
use super::look::{self, Found, Source};
use super::propose;
use super::talk::{Manner, Question, Stop, Talk};
use super::topic::Topic;
use crate::app::hands;
use crate::balancer::listing::{Listed, Listing};
use crate::cli::init::{InitArguments, InitBalancer, InitRunOn};
use crate::model::{Failure, Printable, Rotation};
use crate::probe::{Extract, Scheme};
use crate::runner::Runners;
use commands::commands;
use halves::halves;
use workers::workers;

/// What came out of the talk.
pub struct Made {
    pub draft: Draft,
    pub advice: Vec<Advice>,
}

/// A balancer that cannot be found is asked for so often.
const MOST_PLACES: u32 = 5;

/// The whole talk.
pub async fn make(talk: &mut Talk, arguments: &mut InitArguments) -> Result<Made, Stop> {
    let ways = arguments.ssh.is_some().then(hands::runners);
    let made = ask(talk, arguments, ways.as_ref()).await;
    if let Some(ways) = &ways {
        ways.close().await;
    }
    made
}

async fn ask(talk: &mut Talk, arguments: &mut InitArguments, ways: Option<&Runners>) -> Result<Made, Stop> {
    talk.title(0, arguments);
    let found = balancer(talk, arguments, ways).await?;
    talk.about(&found.source.place());
    talk.title(1, arguments);
    talk.tell(format!("{} answers", found.source.place()).as_str());
    let listing = pool(talk, arguments, &found).await?;
    let (members, ignore) = usable(talk, &listing, &found)?;
    let (together, apart) = companions(talk, &found, &listing, &members);
    let name = pool_name(talk, arguments, &found, &listing).await?;
    talk.about(&format!("{name} · {}", found.source.place()));
    talk.title(2, arguments);
    let servers = halves(talk, arguments, &found, &members).await?;
    let workers = workers(talk, arguments, &servers).await?;
    let mut draft = Draft {
        pool: name,
        source: found.source.clone(),
        ssh: arguments.ssh.clone(),
        backends: together,
        state_file: state_file(&found),
        public: None,
        ignore,
        asked: Asked { scheme: Scheme::Http, insecure: false },
        health: Health::AsVersion,
        version: VersionAt { path: "/".into(), extract: Extract::Body, instance: None },
        commands: Commands { run_on: InitRunOn::Ssh, stop: None, update: "true".into(), start: None },
        servers,
        workers,
    };
    talk.title(3, arguments);
    let met = looks::meet(talk, &members, &draft).await?;
    draft.asked = met.asked;
    draft.health = looks::health(talk, arguments, (&found, &listing), &met, &draft).await?;
    draft.version = looks::version(talk, arguments, &met, &draft.health).await?;
    draft.public = public::public(talk, arguments, &found, &listing, &draft.version).await?;
    talk.title(4, arguments);
    commands(talk, arguments, &mut draft).await?;
    let advice = advices(&found, &listing, &draft, &apart);
    Ok(Made { draft, advice })
}

async fn balancer(talk: &mut Talk, arguments: &mut InitArguments, ways: Option<&Runners>) -> Result<Found, Stop> {
    for _ in 0..MOST_PLACES {
        if let Some(path) = arguments.password.as_ref().and_then(|place| place.strip_prefix("file:")) {
            // The config looks for it from its own directory.
            arguments.password = std::path::absolute(path).ok().map(|path| format!("file:{}", path.display()));
        }
        match talk.wait("Looking for the balancer", look::look(arguments, ways)).await? {
            Ok(mut found) if found.len() == 1 => return Ok(found.remove(0)),
            Ok(found) => return several(talk, arguments, found).await,
            Err(failure) if talk.manner() == Manner::TakesProposals => return Err(failure.into()),
            Err(failure) => {
                talk.warn(failure.to_string().as_str());
                elsewhere(talk, arguments, failure.what.as_str().contains(" answered 401")).await?;
            }
        }
    }
    Err(Failure::new("no balancer was found").next("give --socket, --url, or its own config file").into())
}

/// Asks where it is, or for the password that was missing or wrong there.
async fn elsewhere(talk: &mut Talk, arguments: &mut InitArguments, wants_password: bool) -> Result<(), Stop> {
    if wants_password {
        let user = Question {
            ask: "User of that page",
            topic: Topic::User,
            help: "as in Apache's AuthUserFile",
            proposal: arguments.user.clone(),
        };
        arguments.user = Some(talk.answer(&user, |text| Ok(text.to_owned())).await?);
        let password = Question {
            ask: "Where its password is, env:NAME or file:PATH",
            topic: Topic::Password,
            help: "the config holds only the place: an environment variable, or a file that this account may read",
            proposal: arguments.password.clone(),
        };
        let judge = |text: &str| look::secret(text).map(|_| text.to_owned()).map_err(|failure| failure.to_string());
        arguments.password = Some(talk.answer(&password, judge).await?);
        return Ok(());
    }
    let place = Question {
        ask: "Where is the balancer",
        topic: Topic::Place,
        help: "HAProxy's stats socket (/run/haproxy/admin.sock, or 127.0.0.1:9999), the URL of Apache's balancer-manager, the \
               control socket of halfstep serve, or the balancer's own config file",
        proposal: None,
    };
    let place = talk.answer(&place, |text| Ok(text.to_owned())).await?;
    (arguments.place, arguments.socket, arguments.url) = (Some(place), None, None);
    Ok(())
}

async fn several(talk: &mut Talk, arguments: &mut InitArguments, mut found: Vec<Found>) -> Result<Found, Stop> {
    let shown: Vec<String> = found
        .iter()
        .map(|one| {
            let pools: Vec<&str> =
                one.listings.iter().map(|listing| listing.name.as_str()).filter(|name| !name.is_empty()).collect();
            format!("{}  {}", one.source.place(), pools.join(", "))
        })
        .collect();
    if talk.manner() == Manner::TakesProposals {
        return Err(Failure::new(format!("several balancers answer: {}", shown.join("; ")))
            .next("say which one with --socket or --url")
            .into());
    }
    let question = Question {
        ask: "Which one",
        topic: Topic::Which,
        help: "the one in front of the servers that are to be rolled out",
        proposal: None,
    };
    let one = found.remove(talk.choose(&question, &shown).await?);
    (arguments.place, arguments.socket, arguments.url) = (None, None, None);
    match &one.source {
        Source::Haproxy { socket } => {
            (arguments.socket, arguments.balancer) = (Some(socket.clone()), Some(InitBalancer::Haproxy))
        }
        Source::Apache { url, .. } => arguments.url = Some(url.clone()),
        Source::Builtin { control } => {
            (arguments.socket, arguments.balancer) = (Some(control.to_string_lossy().into_owned()), Some(InitBalancer::Builtin));
        }
    }
    Ok(one)
}

async fn pool(talk: &mut Talk, arguments: &mut InitArguments, found: &Found) -> Result<Listing, Stop> {
    let lists: Vec<&Listing> = found.listings.iter().filter(|listing| !listing.members.is_empty()).collect();
    let names = || lists.iter().map(|listing| Printable::new(&listing.name).to_string()).collect::<Vec<_>>().join(", ");
    let at = match (&arguments.pool, lists.as_slice()) {
        (_, []) => {
            return Err(Failure::new(format!("{} lists no servers", found.source.place())).next("is it the right one?").into());
        }
        (Some(name), _) => lists.iter().position(|listing| listing.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            Failure::new(format!("{} has no pool {name}; it has {}", found.source.place(), names())).next("correct --pool")
        })?,
        (None, [_]) => 0,
        (None, _) if talk.manner() == Manner::TakesProposals => {
            return Err(Failure::new(format!("{} has several pools: {}", found.source.place(), names()))
                .next("say which one with --pool")
                .into());
        }
        (None, _) => {
            let shown: Vec<String> = lists.iter().map(|listing| format!("{:<20} {}", listing.name, summary(listing))).collect();
            let help = "a pool is one backend of HAProxy, or one balancer of Apache";
            talk.choose(&Question { topic: Topic::Pool, ask: "Which pool", help, proposal: None }, &shown).await?
        }
    };
    let listing = lists[at].clone();
    if !listing.name.is_empty() {
        arguments.pool = Some(listing.name.clone());
    }
    Ok(listing)
}

fn summary(listing: &Listing) -> String {
    let count = |rotation| listing.members.iter().filter(|member| member.rotation == rotation).count();
    let of = [(Rotation::In, "in"), (Rotation::Draining, "draining"), (Rotation::Out, "out")];
    let counts: Vec<String> = of
        .into_iter()
        .map(|(rotation, word)| (count(rotation), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} servers: {}", listing.members.len(), counts.join(", "))
}

/// Members that can be servers of a config, and the names of those that cannot, which a rollout has to leave alone.
fn usable(talk: &mut Talk, listing: &Listing, found: &Found) -> Result<(Vec<Listed>, Vec<String>), Stop> {
    let mut members: Vec<Listed> = Vec::new();
    let mut ignore = Vec::new();
    for member in &listing.members {
        let name = member.name.as_str();
        let is_plain = !name.is_empty()
            && !name.starts_with('-')
            && !name.contains(char::is_whitespace)
            && Printable::new(name).as_str() == name;
        let is_twice = member.address.is_some() && members.iter().any(|other| other.address == member.address);
        let why = match (&member.address, is_plain) {
            (_, false) => "its name cannot stand in a config",
            (None, true) => "the balancer has no address for it",
            (Some(_), true) if is_twice => "another one has the same address",
            (Some(_), true) => {
                members.push(member.clone());
                continue;
            }
        };
        talk.warn(format!("{} is left out: {why}", member.name).as_str());
        if is_plain {
            ignore.push(name.to_owned());
        }
    }
    if members.len() < 2 {
        let pool = if listing.name.is_empty() { "it".to_owned() } else { format!("pool {}", Printable::new(&listing.name)) };
        let what = format!("{}: {pool} has {} server, and half a pool needs two", found.source.place(), members.len());
        return Err(Failure::new(what).next("add a second server, which may be on another port of the same host").into());
    }
    Ok((members, ignore))
}

/// The pools that are switched together: this one, and those of HAProxy that have its servers under the same names. And those
/// that have some of its servers, but cannot be switched with it: a server that is stopped would be stopped under their users.
fn companions(talk: &mut Talk, found: &Found, listing: &Listing, members: &[Listed]) -> (Vec<String>, Vec<String>) {
    let (mut together, mut apart) = (vec![listing.name.clone()], Vec::new());
    for other in found.listings.iter().filter(|other| other.name != listing.name) {
        let same = |member: &&Listed| members.iter().any(|ours| ours.address == member.address);
        let shared: Vec<&Listed> = other.members.iter().filter(same).collect();
        let same_name = |member: &&Listed| members.iter().any(|ours| ours.name == member.name && ours.address == member.address);
        match &found.source {
            _ if shared.is_empty() => {}
            Source::Haproxy { .. } if shared.iter().all(same_name) => {
                talk.tell(format!("{} has the same servers: it is switched together with {}", other.name, listing.name).as_str());
                together.push(other.name.clone());
            }
            Source::Haproxy { .. } | Source::Apache { .. } | Source::Builtin { .. } => apart.push(other.name.clone()),
        }
    }
    (together, apart)
}

async fn pool_name(talk: &mut Talk, arguments: &mut InitArguments, found: &Found, listing: &Listing) -> Result<String, Stop> {
    let of_file = match &found.source {
        Source::Builtin { control } => control.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        Source::Haproxy { .. } | Source::Apache { .. } => None,
    };
    let proposal = arguments.name.clone().or_else(|| propose::name(of_file.as_deref().unwrap_or(&listing.name)));
    let judge = |text: &str| match propose::name(text) {
        Some(name) if name == text => Ok(name),
        Some(near) => Err(format!("a name has a-z 0-9 . _ - only: {near} would do")),
        None => Err("a name has a-z 0-9 . _ - only".to_owned()),
    };
    let name = match &arguments.name {
        Some(name) => judge(name).map_err(|why| Failure::new(format!("--name {name}: {why}")))?,
        None => {
            let help = "it stands on screen, in journals, and in front of -c";
            talk.answer(&Question { topic: Topic::Name, ask: "Name of the pool in halfstep", help, proposal }, judge).await?
        }
    };
    arguments.name = Some(name.clone());
    Ok(name)
}

fn state_file(found: &Found) -> Option<String> {
    let cfg = found.hints.cfg.as_ref().filter(|cfg| cfg.loads_state)?;
    cfg.state_file.clone().filter(|path| path.starts_with('/'))
}
