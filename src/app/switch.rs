//! `halfstep switch A|B|both`: the pool in a known state, outside a rollout. What goes in must be healthy and on one version; all
//! nodes are made ready, then told at once, and read back; what cannot be confirmed is told once more, then all goes back.
//!
//! Whether it may, and what to ask for, is decided here and in [`wish`]; how the nodes are told stands in [`tell`].

mod tell;
mod wish;

use super::begin::Refusal;
use super::engine::{has_end, load, not_taken, places, target_locks};
use super::hands::Hands;
use super::survey::Survey;
use super::{Answer, place};
use crate::cli::text::Table;
use crate::cli::{ExitStatus, Format, Global, SwitchTo};
use crate::engine::home::LockInfo;
use crate::model::{Printable, Version};
use serde::Serialize;
use tell::Told;

/// What was done, as JSON.
#[derive(Serialize)]
struct Done {
    pool: Printable,
    to: &'static str,
    /// What those in rotation answer, where they tell.
    version: Option<Version>,
    #[serde(flatten)]
    told: Told,
}

/// Brings the pool there. Doing it twice does no harm.
pub async fn switch(global: &Global, to: SwitchTo) -> Answer {
    let path = place::config_file(global).map_err(Refusal::Usage)?;
    let config = load(&path)?;
    let (home, pool) = places(&config, global.state.as_deref())?;
    let why = Printable::new(&format!("halfstep switch {}", word(to)));
    let lock = pool.take(LockInfo::new(&path, Some(why)), &has_end).map_err(|taken| not_taken(&taken))?;
    let answer = async {
        let _targets = target_locks(&config, &home)?;
        let hands = Hands::build(&config).await?;
        let survey = Survey::take(&config, &hands).await;
        let wish = wish::wish(&config, &survey, to)?;
        let told = tell::tell(&config, &hands, &survey, &wish.change).await;
        Ok::<_, Refusal>(Done { pool: Printable::new(pool.name()), to: word(to), version: wish.version, told })
    }
    .await;
    // Given back whatever came of it; a lock file that cannot be emptied holds nobody off.
    let _ = lock.release();
    let done = answer?;
    match global.format {
        Format::Json => super::print_json(&done)?,
        Format::Text | Format::Markdown | Format::Html => super::print(|to| text(&done, to))?,
    };
    Ok(match done.told.outcome {
        tell::Outcome::Done => ExitStatus::Done,
        tell::Outcome::WentBack | tell::Outcome::Open => ExitStatus::Failed,
    })
}

fn word(to: SwitchTo) -> &'static str {
    match to {
        SwitchTo::A => "A",
        SwitchTo::B => "B",
        SwitchTo::Both => "both",
    }
}

fn text(done: &Done, to: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut table = Table::new(["node", "took", "read back"]).right("took");
    for node in &done.told.nodes {
        let took = node.took_ms.map(|took| format!("{took:.1} ms")).unwrap_or_default();
        let back = node.trouble.clone().unwrap_or_else(|| "as asked".into());
        table.row([node.node.to_string(), took, back.to_string()]);
    }
    write!(to, "{table}")?;
    for node in &done.told.nodes {
        for sent in &node.sent {
            writeln!(to, "sent to {}: {sent}", node.node)?;
        }
    }
    for advice in &done.told.advice {
        writeln!(to, "note: {advice}")?;
    }
    let version = done.version.as_ref().map(|version| format!(" on {version}")).unwrap_or_default();
    match done.told.outcome {
        tell::Outcome::Done => match done.to {
            "both" => writeln!(to, "{}: both halves are in rotation{version}", done.pool),
            half => writeln!(to, "{}: half {half} is in rotation{version}, the other is out", done.pool),
        },
        tell::Outcome::WentBack => writeln!(to, "{}: not done; every node is as it was before", done.pool),
        tell::Outcome::Open => {
            writeln!(to, "{}: not done, and not every node could be brought back: look at each (halfstep check)", done.pool)
        }
    }
}
