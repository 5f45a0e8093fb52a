//! The fifth part of the talk: where commands run, and what stops, updates and starts a server. Nothing of it can be guessed, so
//! nothing is; what is typed is read as the config will read it.

use crate::app::init::draft::Draft;
use crate::app::init::talk::{Manner, Question, Stop, Talk};
use crate::app::init::topic::Topic;
use crate::cli::init::{InitArguments, InitRunOn};
use crate::config::{self, ProcessEnvironment};
use crate::model::Failure;
use std::net::IpAddr;
use std::path::Path;

/// Asks for them, and puts them into the draft.
pub async fn commands(talk: &mut Talk, arguments: &mut InitArguments, draft: &mut Draft) -> Result<(), Stop> {
    talk.tell("Run for each server, by sh. {server} {host} {port} {release} and the like are filled in, quoted for the shell.");
    let is_here = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let run_on = match arguments.run_on {
        Some(run_on) => run_on,
        None => {
            let proposal = if draft.servers.iter().all(|server| is_here(&server.address.host)) { "local" } else { "ssh" };
            let question = Question {
                topic: Topic::RunOn,
                ask: "Where they run: ssh (on each server's host) or local (here)",
                help: "ssh and sudo must not ask for anything: there is no terminal",
                proposal: Some(proposal.to_owned()),
            };
            let judge = |text: &str| match text {
                "ssh" => Ok(InitRunOn::Ssh),
                "local" => Ok(InitRunOn::Local),
                _ => Err("ssh or local".to_owned()),
            };
            talk.answer(&question, judge).await?
        }
    };
    (arguments.run_on, draft.commands.run_on) = (Some(run_on), run_on);
    let example = |ssh: &'static str, local: &'static str| if run_on == InitRunOn::Ssh { ssh } else { local };
    if talk.manner() == Manner::TakesProposals && arguments.update.is_none() {
        return Err(Failure::new("what stops, updates and starts a server cannot be guessed")
            .next("say it with --stop, --update and --start (and --run-on ssh or local)")
            .into());
    }
    let stop = example("sudo systemctl stop shop", "systemctl stop shop@{port}");
    draft.commands.stop = optional(talk, arguments.stop.clone(), draft, (Topic::Stop, "stop"), stop).await?;
    arguments.stop = Some(draft.commands.stop.clone().unwrap_or_else(|| "none".to_owned()));
    let update = example("sudo shop-link {release}", "shop-link {release} {port}");
    draft.commands.update = command(talk, arguments.update.clone(), draft, (Topic::Update, "update"), update).await?;
    arguments.update = Some(draft.commands.update.clone());
    let start = example("sudo systemctl start shop", "systemctl start shop@{port}");
    draft.commands.start = optional(talk, arguments.start.clone(), draft, (Topic::Start, "start"), start).await?;
    arguments.start = Some(draft.commands.start.clone().unwrap_or_else(|| "none".to_owned()));
    Ok(())
}

/// A command that may be none.
async fn optional(
    talk: &mut Talk,
    said: Option<String>,
    draft: &Draft,
    key: (Topic, &str),
    example: &str,
) -> Result<Option<String>, Stop> {
    if said.is_none() && talk.manner() == Manner::TakesProposals {
        return Ok(None);
    }
    let text = command(talk, said, draft, key, example).await?;
    Ok((text != "none").then_some(text))
}

async fn command(
    talk: &mut Talk,
    said: Option<String>,
    draft: &Draft,
    (topic, key): (Topic, &str),
    example: &str,
) -> Result<String, Stop> {
    let judge = |text: &str| match (text, key) {
        ("none", "stop" | "start") => Ok(text.to_owned()),
        _ => is_good(draft, key, text).map(|()| text.to_owned()),
    };
    if let Some(said) = said {
        return Ok(judge(&said).map_err(|why| Failure::new(format!("--{key}: {why}")))?);
    }
    let none = if key == "update" { "" } else { ", or none if update does it" };
    let ask = format!("Command to {key} a server (as `{example}`){none}");
    let help = "it must end, with 0 where it went well; what a server runs on must not hang on it (systemd does that)";
    talk.answer(&Question { topic, ask: &ask, help, proposal: None }, judge).await
}

/// Would the config take that command?
fn is_good(draft: &Draft, key: &str, text: &str) -> Result<(), String> {
    let mut tried = draft.clone();
    tried.commands.update = text.to_owned();
    (tried.commands.stop, tried.commands.start) = (None, None);
    match config::parse(&tried.text("today"), Path::new("halfstep.toml"), &ProcessEnvironment) {
        Ok(_) => Ok(()),
        Err(mistakes) => {
            let told = |mistake: &config::Mistake| {
                let help = mistake.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
                format!("{}{help}", mistake.what.replace("[commands] update", &format!("[commands] {key}")))
            };
            Err(mistakes.list().iter().map(told).collect::<Vec<_>>().join("\n"))
        }
    }
}
