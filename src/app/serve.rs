//! `halfstep serve`: the built-in balancer of a config, in the foreground until a signal.

use super::begin::Refusal;
use super::{Answer, place};
use crate::balancer::KindSettings;
use crate::cli::internal::ServeArguments;
use crate::cli::text::say;
use crate::cli::{ExitStatus, Global};
use crate::lab::process::{self, Lifetime};
use crate::model::Failure;
use crate::proxy::{self, MemberSettings, ServeSettings};
use tokio_util::sync::CancellationToken;

/// Serves the first `builtin` balancer of the config.
pub async fn serve(global: &Global, arguments: &ServeArguments) -> Answer {
    let config = place::config(global)?;
    let builtin = config.nodes.iter().find_map(|node| match &node.kind {
        KindSettings::Builtin(settings) => Some(settings.clone()),
        KindSettings::Apache(_) | KindSettings::Haproxy(_) | KindSettings::Command(_) => None,
    });
    let no_builtin =
        || Refusal::Usage(Failure::new("the config has no balancer of kind = \"builtin\"").next("serve is only for that kind"));
    let settings = builtin.ok_or_else(no_builtin)?;
    let no_address = || {
        Refusal::Usage(
            Failure::new("[balancer] listen is not set").next("say where clients come in: listen = \"127.0.0.1:8080\""),
        )
    };
    let listen = settings.listen.ok_or_else(no_address)?;
    let members = config.pool.balanced().filter_map(|server| {
        Some(MemberSettings {
            name: server.member.clone()?,
            address: server.address.clone(),
            weight: server.weight,
            rotation: crate::model::Rotation::In,
        })
    });
    let settings = ServeSettings {
        listen,
        control: settings.control,
        members: members.collect(),
        answer_within: ServeSettings::ANSWER_WITHIN,
    };
    let lifetime = arguments.with.map_or(Lifetime::UntilSignalled, Lifetime::With);
    let shutdown = CancellationToken::new();
    tokio::spawn(end(lifetime, shutdown.clone()));
    say(format!("serving {} on {listen}", config.pool.name));
    proxy::serve(settings, shutdown).await?;
    Ok(ExitStatus::Done)
}

async fn end(lifetime: Lifetime, shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = process::end_of(lifetime) => {}
    }
    shutdown.cancel();
}
