//! All balancers of one balancer-manager page with their members, for `halfstep init`.

use super::page::{self, Worker};
use super::request::Desk;
use super::{Settings, advice, member};
use crate::balancer::listing::{Listed, Listing, Speaks, place};
use crate::model::{Failure, MemberName, Rotation};
use std::path::Path;

/// Every balancer of the page. `settings.balancer` is not looked at. `socket`: a Unix socket of this machine that leads to
/// the page's host and port. Changes nothing.
pub async fn list(settings: &Settings, socket: Option<&Path>) -> Result<Vec<Listing>, Failure> {
    let page = Desk::new(settings, socket)?.page().await?;
    let listing = |balancer: &page::Balancer| {
        let rotations = member::rotations(&balancer.workers);
        Listing {
            name: balancer.name.clone(),
            members: balancer.workers.iter().zip(rotations).map(|(worker, rotation)| listed(worker, rotation)).collect(),
            sticky: balancer.sticky.as_deref().map(|by| format!("stickysession {by}").as_str().into()),
            advice: advice(&page, balancer),
        }
    };
    Ok(page.balancers.iter().map(listing).collect())
}

fn listed(worker: &Worker, rotation: Rotation) -> Listed {
    let read = member::reading(worker, MemberName::new(&worker.url), rotation);
    let (scheme, rest) = worker.url.split_once("://").unwrap_or(("", &worker.url));
    let (speaks, port) = match scheme {
        "http" | "ws" | "h2c" => (Speaks::Http, Some(80)),
        "https" | "wss" | "h2" => (Speaks::Https, Some(443)),
        "ajp" => (Speaks::Other, Some(8009)),
        _ => (Speaks::Other, None),
    };
    Listed {
        address: place(rest.split(['/', '?']).next().unwrap_or_default(), port),
        speaks,
        weight: worker.factor.parse().unwrap_or(1.0),
        rotation,
        word: read.word,
        healthy: read.healthy,
        route: Some(worker.route.clone()).filter(|route| !route.is_empty()),
        name: read.name,
    }
}
