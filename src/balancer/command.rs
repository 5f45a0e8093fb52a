//! Any other balancer, through a program of the operator's own: a verb as first argument, JSON on standard output.
//!
//! `docs/command-balancer.md` is the contract. What the adapter decides: unknown members and resting or cutting one that
//! takes requests are refused before the program hears of it, and each change is read back. Read next: `answer` (the
//! JSON), `run` (the process).

use crate::hand::{Armed, Balancer};
use crate::model::{Capabilities, Change, Failure, MemberName, Reading, Receipt, Rotation};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

mod answer;
mod run;

/// `kind = "command"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub program: PathBuf,
    /// For each verb.
    pub timeout: Duration,
}

/// Where the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// On this machine.
    Direct,
    /// On another host. The words of the ssh call up to the destination, as `ssh -S /run/master lb1`; never empty. A call
    /// that takes too long is ended here; what it does there then goes on to its end.
    Ssh { words: Vec<String> },
}

/// A balancer behind a program.
#[derive(Debug)]
pub struct Program {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    way: Way,
    capabilities: Capabilities,
}

impl Program {
    /// Asks the program for its `capabilities`, once. Fails where it cannot be run or does not answer as agreed.
    pub async fn open(settings: Settings, way: Way) -> Result<Program, Failure> {
        if matches!(&way, Way::Ssh { words } if words.is_empty()) {
            return Err(Failure::new("the ssh call has no words"));
        }
        let text = run::run(&settings, &way, "capabilities", String::new()).await?;
        let capabilities = answer::capabilities(&text)?;
        Ok(Program { shared: Arc::new(Shared { settings, way, capabilities }) })
    }

    /// Refuses members that are not there or that take requests, runs the verb for the others and reads back.
    async fn tidy(&self, verb: &str, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        let reading = self.read().await?;
        refuse_unknown(&reading, members)?;
        let inside = |name: &&MemberName| reading.member(name).is_some_and(|member| member.rotation == Rotation::In);
        if let Some(name) = members.iter().find(inside) {
            return Err(Failure::new(format!("{name} takes requests: no {verb}")).next("switch it out of rotation first"));
        }
        let input = list(members);
        let mut sent = vec![self.shared.line(verb, &input)];
        let begun = Instant::now();
        sent.extend(self.shared.act(verb, input).await?.unwrap_or_default());
        let took = begun.elapsed();
        Ok(Receipt { sent, took, reading: Some(self.read().await?), window: None })
    }
}

impl Shared {
    async fn act(&self, verb: &str, input: String) -> Result<Option<Vec<String>>, Failure> {
        answer::done(verb, &run::run(&self.settings, &self.way, verb, input).await?)
    }

    async fn read(&self) -> Result<Reading, Failure> {
        answer::state(&run::run(&self.settings, &self.way, "state", String::new()).await?)
    }

    /// The call as a line for a shell, to copy and try.
    fn line(&self, verb: &str, input: &str) -> String {
        let words = run::words(&self.settings.program, &self.way, verb);
        let call: Vec<String> = words.iter().map(|word| run::quoted(&word.to_string_lossy())).collect();
        if input.is_empty() { call.join(" ") } else { format!("echo {} | {}", run::quoted(input), call.join(" ")) }
    }
}

#[async_trait]
impl Balancer for Program {
    fn capabilities(&self) -> Capabilities {
        self.shared.capabilities.clone()
    }

    async fn read(&self) -> Result<Reading, Failure> {
        self.shared.read().await
    }

    /// The two calls of the program. What the program itself sends stands behind each of them in the receipt, if it says so.
    fn commands(&self, change: &Change) -> Vec<String> {
        let input = wish(change);
        ["prepare", "change"].iter().map(|verb| self.shared.line(verb, &input)).collect()
    }

    fn rest_commands(&self, members: &BTreeSet<MemberName>) -> Vec<String> {
        vec![self.shared.line("rest", &list(members))]
    }

    async fn prepare(&self, change: &Change) -> Result<Box<dyn Armed>, Failure> {
        refuse_unknown(&self.read().await?, change.into().union(change.out()))?;
        let input = wish(change);
        let mut sent = vec![self.shared.line("prepare", &input)];
        sent.extend(self.shared.act("prepare", input.clone()).await?.unwrap_or_default());
        Ok(Box::new(Ready { shared: Arc::clone(&self.shared), sent, input }))
    }

    async fn rest(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.tidy("rest", members).await
    }

    async fn cut(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        if !self.shared.capabilities.cut {
            let program = self.shared.settings.program.display();
            return Err(
                Failure::new(format!("{program} cannot cut what is in flight")).next("wait, or go on although it is in flight")
            );
        }
        self.tidy("cut", members).await
    }

    async fn persist(&self) -> Result<Option<Receipt>, Failure> {
        let begun = Instant::now();
        let Some(more) = self.shared.act("persist", String::new()).await? else { return Ok(None) };
        let mut sent = vec![self.shared.line("persist", "")];
        sent.extend(more);
        Ok(Some(Receipt { sent, took: begun.elapsed(), reading: None, window: None }))
    }
}

/// A change that the program has prepared.
struct Ready {
    shared: Arc<Shared>,
    sent: Vec<String>,
    input: String,
}

#[async_trait]
impl Armed for Ready {
    async fn commit(self: Box<Self>) -> Result<Receipt, Failure> {
        let Ready { shared, mut sent, input } = *self;
        sent.push(shared.line("change", &input));
        let begun = Instant::now();
        sent.extend(shared.act("change", input).await?.unwrap_or_default());
        let took = begun.elapsed();
        Ok(Receipt { sent, took, reading: Some(shared.read().await?), window: None })
    }
}

fn list(members: &BTreeSet<MemberName>) -> String {
    serde_json::json!({ "members": members }).to_string()
}

fn wish(change: &Change) -> String {
    serde_json::json!({ "into": change.into(), "out": change.out() }).to_string()
}

fn refuse_unknown<'a>(reading: &Reading, members: impl IntoIterator<Item = &'a MemberName>) -> Result<(), Failure> {
    let list = |names: Vec<&MemberName>| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let unknown: Vec<&MemberName> = members.into_iter().filter(|name| reading.member(name).is_none()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known = list(reading.members.iter().map(|member| &member.name).collect());
    let known = if known.is_empty() { "no members".to_owned() } else { known };
    Err(Failure::new(format!("the balancer has no member {}; it has {known}", list(unknown)))
        .next("write its name at the balancer as `member` of its [[server]]"))
}
