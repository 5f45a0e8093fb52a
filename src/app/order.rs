//! Orders to a running rollout from any shell of the machine: go, hold, rollback, retry, exclude, cut, contract.

use super::begin::Refusal;
use super::engine::{Job, ResumeRequest, has_end, how_it_ended};
use super::follow::{Print, Until, as_it_ended, follow};
use super::{Answer, place, spawn};
use crate::cli::text::say;
use crate::cli::{Again, ExcludeArguments, ExitStatus, Global, GoArguments};
use crate::engine::account;
use crate::engine::client::Client;
use crate::engine::home::PoolHome;
use crate::engine::wire::Hello;
use crate::model::{Failure, Printable};
use crate::rollout::{Command, ContractWhen, End};

/// Gives one command and says that it was taken.
pub async fn one(global: &Global, command: Command) -> Answer {
    let pool = place::pool(global)?;
    let mut client = place::engine(&pool, &Hello::new(false, false)).await?;
    client.ask(None, command.clone()).await?;
    say(format!("{}: {command}", pool.name()));
    Ok(ExitStatus::Done)
}

/// `halfstep go`, perhaps accepting an unknown gate first.
pub async fn go(global: &Global, arguments: GoArguments) -> Answer {
    match (arguments.accept, arguments.why) {
        (Some(gate), why) => one(global, Command::Accept(gate, why.unwrap_or_default())).await,
        (None, Some(why)) => {
            one(global, Command::Note(why)).await?;
            one(global, Command::Go).await
        }
        (None, None) => one(global, Command::Go).await,
    }
}

/// `halfstep exclude`, or with `--gone` the promise that it will not come back.
pub async fn exclude(global: &Global, arguments: ExcludeArguments) -> Answer {
    let name = arguments.name;
    one(global, if arguments.gone { Command::Gone(name) } else { Command::Exclude(name) }).await
}

/// `halfstep rollback`: asks, brings a dead engine back for it, and waits until everything is back.
pub async fn rollback(global: &Global) -> Answer {
    let pool = place::pool(global)?;
    let rollout = pool.newest().map(|rollout| rollout.path).unwrap_or_default();
    let status = match ask_back(global, &pool).await {
        Ok(client) => follow(client, &rollout, Print::Lines, Until::RolledBack, &Again::of(global)).await?,
        // A dead engine that was on its way back may have had nothing more to do than to say so.
        Err(refusal) => match pool.unfinished(&has_end) {
            None if how_it_ended(&rollout.join("journal.jsonl")) == Some(End::RolledBack) => {
                as_it_ended(&rollout, Print::Lines).ok_or(refusal)?
            }
            None | Some(_) => return Err(refusal),
        },
    };
    match status {
        ExitStatus::RolledBack => Ok(ExitStatus::Done),
        ExitStatus::Done => Err(Failure::new("it was done before it could go back").next("roll out the old release").into()),
        other => Ok(other),
    }
}

async fn ask_back(global: &Global, pool: &PoolHome) -> Result<Client, Refusal> {
    let alive = pool.holder().is_some_and(|holder| holder.alive);
    let mut client = if alive || pool.unfinished(&has_end).is_none() {
        place::engine(pool, &Hello::new(false, false)).await?
    } else {
        // Asked for before it goes on: nothing more is done forward, and an engine that is soon through cannot be missed.
        let order = Some((account::own_login(), Command::RollBack));
        let request = ResumeRequest { order, ..super::resume::request(global, pool)? };
        let started = spawn::start(&Job::Resume(request))?;
        Client::connect(&started.socket, &Hello::new(false, false)).await?
    };
    let already = ["it is going back already", "the way back begins as soon as what runs is finished"];
    match client.ask(None, Command::RollBack).await {
        Err(refused) if !already.contains(&refused.what.as_str()) => Err(refused.into()),
        Ok(()) | Err(_) => Ok(client),
    }
}

/// `halfstep contract`: now takes a typed word where somebody is there to type it.
pub async fn contract(global: &Global, when: ContractWhen) -> Answer {
    let pool = place::pool(global)?;
    if pool.unfinished(&has_end).is_none() {
        return super::contract::pending(global, &pool, when).await;
    }
    if when == ContractWhen::Now {
        typed("contract")?;
    }
    let mut client = place::engine(&pool, &Hello::new(false, false)).await?;
    client.ask(None, Command::Contract(when)).await?;
    Ok(follow(client, &place::rollout(&pool, None)?.path, Print::Lines, Until::Held, &Again::of(global)).await?)
}

/// Has the word typed, where standard input is a terminal; a script has typed it by writing the command.
pub fn typed(word: &str) -> Result<(), Refusal> {
    typed_after("There is no way back after this.", word)
}

/// The same, after another warning.
pub fn typed_after(warning: &str, word: &str) -> Result<(), Refusal> {
    use std::io::{BufRead, IsTerminal, Write};
    if !std::io::stdin().is_terminal() {
        return Ok(());
    }
    print!("{warning} Type the word {word}: ");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    if line.trim() == word {
        return Ok(());
    }
    let typed = Printable::cut(line.trim(), 40);
    Err(Refusal::Refused(Failure::new(format!("`{typed}` is not `{word}`: nothing was done"))))
}
