//! The end of the third part of the talk: workers, which run the same application and are not behind the balancer, so that
//! nothing lists them.

use crate::app::hands;
use crate::app::init::draft::{ServerDraft, WorkerDraft};
use crate::app::init::propose;
use crate::app::init::talk::{Question, Stop, Talk};
use crate::app::init::topic::Topic;
use crate::cli::init::InitArguments;
use crate::model::Failure;

/// The answer that there are none.
const NONE: &str = "none";

/// Asks for them; the options may have said them.
pub async fn workers(talk: &mut Talk, arguments: &mut InitArguments, servers: &[ServerDraft]) -> Result<Vec<WorkerDraft>, Stop> {
    let judge = |text: &str| read(text, servers);
    if !arguments.worker.is_empty() {
        let said = arguments.worker.join(" ");
        return judge(&said).map_err(|why| Failure::new(format!("--worker {said}: {why}")).into());
    }
    let question = Question {
        topic: Topic::Workers,
        ask: "Workers that run the same application, not behind the balancer: NAME=HOST:PORT with blanks between, or none",
        help: "job runners, cron machines: updated after half B, and asked for health and version as the servers are. One that \
               answers elsewhere gets a section [role.worker] in the file",
        proposal: Some(NONE.to_owned()),
    };
    let workers = talk.answer(&question, judge).await?;
    arguments.worker = workers.iter().map(|worker| format!("{}={}", worker.name, worker.address)).collect();
    if arguments.worker.is_empty() {
        arguments.worker.push(NONE.to_owned());
    }
    Ok(workers)
}

fn read(text: &str, servers: &[ServerDraft]) -> Result<Vec<WorkerDraft>, String> {
    let mut workers: Vec<WorkerDraft> = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if word == NONE {
            return if text.trim() == NONE { Ok(Vec::new()) } else { Err("none stands alone".to_owned()) };
        }
        let (name, address) = word.split_once('=').ok_or_else(|| format!("{word}: write it as jobs1=10.0.0.21:3000"))?;
        match propose::name(name) {
            Some(good) if good == name => {}
            Some(near) => return Err(format!("a name has a-z 0-9 . _ - only: {near} would do")),
            None => return Err(format!("{word}: a name has a-z 0-9 . _ - only")),
        }
        if servers.iter().any(|server| server.name == name) || workers.iter().any(|worker| worker.name == name) {
            return Err(format!("{name} is there already: give each a name of its own"));
        }
        let address = hands::address(address).filter(|address| !address.host.is_empty() && address.port > 0);
        let address = address.ok_or_else(|| format!("{word}: write its address as 10.0.0.21:3000"))?;
        workers.push(WorkerDraft { name: name.to_owned(), address });
    }
    if workers.is_empty() { Err("name one as jobs1=10.0.0.21:3000, or none".to_owned()) } else { Ok(workers) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::init::draft::tests::draft;

    #[test]
    fn workers_have_names_of_their_own_and_addresses() {
        let servers = draft().servers;
        let names = |text: &str| read(text, &servers).map(|all| all.into_iter().map(|one| one.name).collect::<Vec<_>>());
        assert_eq!(names("none"), Ok(vec![]));
        assert_eq!(names("jobs1=10.0.0.21:3000, cron=[::1]:9"), Ok(vec!["jobs1".to_owned(), "cron".to_owned()]));
        for wrong in ["", "jobs1", "jobs1=host", "Jobs=h:1", "web1=h:1", "a=h:1 a=h:2", "a=h:0", "a=:1", "none a=h:1"] {
            assert!(names(wrong).is_err(), "{wrong}");
        }
    }
}
