//! `halfstep plan`: the plan of a rollout that would begin now, with the raw commands. Looks at the pool, takes no lock, changes
//! nothing; what would refuse the rollout refuses the plan.
//!
//! What is printed is put together in [`shown`]; how it reads as text stands in [`text`].

mod shown;
mod text;

pub use shown::off;

use super::begin::{self, Refusal, Request};
use super::engine::load;
use super::hands::Hands;
use super::migrations::rollout;
use super::survey::Survey;
use super::{Answer, place};
use crate::cli::rollout::PlanArguments;
use crate::cli::{Format, Global};
use crate::rollout::event::StartPace;

/// Prints it.
pub async fn plan(global: &Global, arguments: PlanArguments) -> Answer {
    let path = place::config_file(global).map_err(Refusal::Usage)?;
    let config = load(&path)?;
    let request = Request::new(path, arguments.to, arguments.scope, StartPace::StepByStep);
    let hands = Hands::build(&config).await?;
    let survey = Survey::take(&config, &hands).await;
    let found = if request.to.is_some() { rollout::look(&config).await? } else { rollout::Found::default() };
    let beginning = begin::beginning(&config, &hands, &survey, &found, &request)?;
    let shown = shown::shown(&config, hands, &survey, found, &beginning);
    match global.format {
        Format::Json => super::print_json(&shown),
        Format::Text | Format::Markdown | Format::Html => super::print(|to| write!(to, "{}", text::Text(&shown))),
    }
}
