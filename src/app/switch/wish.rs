//! What `halfstep switch` asks the nodes for, and why it may not. Promises 1 and 3, outside a rollout.

use crate::app::survey::Survey;
use crate::cli::SwitchTo;
use crate::config::Config;
use crate::model::{Change, Failure, Half, MemberName, Server, Version};

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    pub change: Change,
    /// What those that go in answer; `None` where the config names no source for it.
    pub version: Option<Version>,
}

/// The wish. Refused where a node cannot be worked with, or where a server that would go in is not healthy or on another version
/// than the others that go in.
pub fn wish(config: &Config, survey: &Survey, to: SwitchTo) -> Result<Asked, Failure> {
    let unusable = survey.unusable(config);
    if !unusable.is_empty() {
        return Err(Failure::new(unusable.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · ")));
    }
    let comes_in = |server: &&Server| match to {
        SwitchTo::A => server.half() == Some(Half::A),
        SwitchTo::B => server.half() == Some(Half::B),
        SwitchTo::Both => true,
    };
    let (into, out): (Vec<&Server>, Vec<&Server>) = config.pool.balanced().partition(comes_in);
    let version = one_version(config, survey, &into)?;
    let members = |servers: Vec<&Server>| servers.into_iter().filter_map(|server| server.member.clone()).collect();
    let (into, out): (Vec<MemberName>, Vec<MemberName>) = (members(into), members(out));
    let change = Change::new(into, out).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Asked { change, version })
}

/// The one version of those that go in.
fn one_version(config: &Config, survey: &Survey, into: &[&Server]) -> Result<Option<Version>, Failure> {
    let next = "nothing was changed; halfstep check shows every server";
    let down: Vec<String> = into.iter().filter(|server| !survey.is_up(&server.name)).map(|server| sick(survey, server)).collect();
    if !down.is_empty() {
        return Err(Failure::new(format!("{} and cannot go into rotation", down.join(", "))).next(next));
    }
    let mut found: Option<(&Server, &Version)> = None;
    for server in into.iter().filter(|server| config.probe_of(server).version.is_some()) {
        let seen = survey.servers.get(&server.name).map(|seen| &seen.version);
        let version = match seen {
            Some(Ok(version)) => version,
            Some(Err(why)) => return Err(Failure::new(format!("{} does not tell its version: {why}", server.name)).next(next)),
            None => return Err(Failure::new(format!("{} was not asked", server.name)).next(next)),
        };
        match found {
            Some((first, other)) if !config.policy.matching.same(version, other) => {
                return Err(Failure::new(format!(
                    "{} answers {other} and {} answers {version}: two versions would serve",
                    first.name, server.name
                ))
                .next(next));
            }
            Some(_) => {}
            None => found = Some((server, version)),
        }
    }
    Ok(found.map(|(_, version)| version.clone()))
}

fn sick(survey: &Survey, server: &Server) -> String {
    match survey.servers.get(&server.name).and_then(|seen| seen.health.as_ref().err()) {
        Some(why) => format!("{} is down ({why})", server.name),
        None => format!("{} is down", server.name),
    }
}
