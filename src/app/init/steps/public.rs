//! The end of the fourth part of the talk: the URL that clients ask, by which a switch is timed.

use crate::app::hands;
use crate::app::init::draft::VersionAt;
use crate::app::init::look::{Found, Source};
use crate::app::init::talk::{Question, Stop, Talk};
use crate::app::init::topic::Topic;
use crate::balancer::listing::Listing;
use crate::cli::init::InitArguments;
use crate::model::Failure;
use crate::probe::{Scheme, explore};
use std::time::Duration;

/// The URL that clients ask: proposed where one answers the version already.
pub async fn public(
    talk: &mut Talk,
    arguments: &mut InitArguments,
    found: &Found,
    listing: &Listing,
    version: &VersionAt,
) -> Result<Option<String>, Stop> {
    let judge = |text: &str| match text {
        "none" => Ok(None),
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(Some(url.to_owned())),
        _ => Err("a URL, as http://shop.example/version, or none".to_owned()),
    };
    let public = match &arguments.public {
        Some(said) => judge(said).map_err(|why| Failure::new(format!("--public {said}: {why}")))?,
        None => {
            let front = talk.wait("Looking for a front that answers the version", front(found, listing, version)).await?;
            let proposal = Some(front.unwrap_or_else(|| "none".to_owned()));
            let help = "asked through the balancer during the switch, some hundred times a second, so that the time in which two versions \
                        serve is measured and not estimated; it must answer the version in the same way";
            talk.answer(
                &Question {
                    topic: Topic::Public,
                    ask: "URL that clients ask and that answers the version, or none",
                    help,
                    proposal,
                },
                judge,
            )
            .await?
        }
    };
    arguments.public = Some(public.clone().unwrap_or_else(|| "none".to_owned()));
    Ok(public)
}

/// A front of the pool that answers the version now.
async fn front(found: &Found, listing: &Listing, version: &VersionAt) -> Option<String> {
    let fronts: Vec<String> = match &found.source {
        Source::Haproxy { .. } => {
            let cfg = found.hints.cfg.as_ref()?;
            cfg.fronts
                .iter()
                .filter(|(backend, _)| *backend == listing.name)
                .map(|(_, port)| format!("http://127.0.0.1:{port}"))
                .collect()
        }
        Source::Apache { url, .. } => {
            let url = reqwest::Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
            vec![format!("http://{}:{}", url.host_str()?, url.port_or_known_default()?)]
        }
        Source::Builtin { .. } => Vec::new(),
    };
    for front in fronts {
        let url = format!("{front}{}", version.path);
        let Ok(address) = hands::url_address(&url) else { continue };
        let request = explore::request(&version.path, Scheme::Http, false);
        let page = explore::get(&address, &request, Duration::from_secs(2)).await;
        if page.is_ok_and(|page| page.is_good() && page.value(&version.extract).is_ok()) {
            return Some(url);
        }
    }
    None
}
