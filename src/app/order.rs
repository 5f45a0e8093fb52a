//! Orders to a running rollout from any shell of the machine: go, hold, rollback, retry, exclude, cut, contract.

use super::begin::Refusal;
use super::engine::has_end;
use super::follow::{Print, Until, follow};
use super::{Answer, place, spawn};
use crate::cli::text::say;
use crate::cli::{ExcludeArguments, ExitStatus, Global, GoArguments};
use crate::engine::client::Client;
use crate::engine::snapshot::OutcomeWord;
use crate::engine::wire::Hello;
use crate::model::Printable;
use crate::rollout::{Command, ContractWhen};

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
    let alive = pool.holder().is_some_and(|holder| holder.alive);
    let mut client = if alive || pool.unfinished(&has_end).is_none() {
        place::engine(&pool, &Hello::new(false, false)).await?
    } else {
        let started = spawn::start(&super::resume::job(global, &pool, false)?)?;
        Client::connect(&started.socket, &Hello::new(false, false)).await?
    };
    let already = "it is going back already";
    if let Err(refused) = client.ask(None, Command::RollBack).await
        && refused.what.as_str() != already
    {
        return Err(refused.into());
    }
    let rollout = place::rollout(&pool, None)?.path;
    let status = follow(client, &rollout, Print::Lines, Until::RolledBack).await?;
    Ok(if status == ExitStatus::from(OutcomeWord::RolledBack) { ExitStatus::Done } else { status })
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
    Ok(follow(client, &place::rollout(&pool, None)?.path, Print::Lines, Until::Held).await?)
}

/// Has the word typed, where standard input is a terminal; a script has typed it by writing the command.
pub fn typed(word: &str) -> Result<(), Refusal> {
    use std::io::{BufRead, IsTerminal, Write};
    if !std::io::stdin().is_terminal() {
        return Ok(());
    }
    print!("There is no way back after this. Type the word {word}: ");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    if line.trim() == word {
        return Ok(());
    }
    let typed = Printable::cut(line.trim(), 40);
    Err(Refusal::Refused(crate::model::Failure::new(format!("`{typed}` is not `{word}`: nothing was done"))))
}
