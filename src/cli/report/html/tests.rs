//! Pages of played rollouts: what is in them, what is not, and that no name becomes markup.

use super::html;
use crate::cli::report::tests::{NASTY, good, nasty};
use crate::engine::report::samples::{Point, Served};
use crate::engine::report::{LeftAlone, Report};
use crate::model::{Printable, Version};

/// A second each: current until the switch, next after it, with a few errors.
fn points(report: &Report) -> Vec<Point> {
    let switch = report.switches.first().map_or(report.ended, |switch| switch.at);
    (0..20)
        .map(|step| {
            let share = f64::from(step) / 19.0 * report.seconds;
            let at = report.began.checked_add(jiff::SignedDuration::from_secs_f64(share)).expect("a time");
            let (current, next) = if at < switch { (120.0, 0.0) } else { (0.0, 118.0) };
            let served = |version: &Version, requests, errors| Served {
                version: version.clone(),
                requests_per_second: requests,
                errors_per_second: Some(errors),
            };
            Point {
                at,
                versions: vec![
                    served(&report.current, current, 0.0),
                    served(&report.next, next, if step == 12 { 3.0 } else { 0.0 }),
                ],
                errors: None,
            }
        })
        .collect()
}

#[test]
fn a_page_has_its_parts_and_needs_nothing_else() {
    let report = good();
    let page = html(&report, &points(&report));
    for part in [
        "<title>shop-web: 1.41.0 -&gt; 1.42.0</title>",
        "✔ done",
        "<h2>Timeline</h2>",
        "<h2>Traffic by version</h2>",
        "<h2>The switch to half A under a magnifier</h2>",
        "≤ 2 ms (probe)",
        "set server on lb1",
        "<h3>put in</h3><p>web1, web2</p>",
        "<h3>taken out</h3><p>web3, web4</p>",
        "<h2>Left alone</h2>",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert_eq!(page.matches("<polyline").count(), 2, "a curve a version");
    assert_eq!(page.matches("<rect class=\"phase").count(), report.phases.len());
    assert_eq!(page.matches("<rect class=\"errors\"").count(), 1);
    for foreign in ["http://", "https://", "src=", "url(", "@import", "<script", "<link", "href="] {
        let outside = page.replace("http://halfstep", "");
        assert!(!outside.contains(foreign), "{foreign}");
    }
    for heading in ["Failures", "Holds", "Drift", "Resumed"] {
        assert!(!page.contains(&format!("<h2>{heading}</h2>")), "{heading} did not happen");
    }
}

#[test]
fn no_name_becomes_markup_or_moves_a_cursor() {
    let mut report = nasty();
    report.pool = "<script>alert(1)</script>".into();
    report.next = Version::new("\"><img src=x onerror=alert(1)>");
    report.who = "o'\u{1b}]0;x\u{7}<b>".into();
    report.left_alone.push(LeftAlone { name: "</table><svg onload=alert(1)>".into(), why: NASTY.into() });
    for switch in &mut report.switches {
        switch.into.push(Printable::new("<i>"));
    }
    let page = html(&report, &points(&report));
    for markup in ["<script", "<img", "<b>", "<i>", "<svg onload", "</table><svg"] {
        assert!(!page.contains(markup), "{markup}\n{page}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.chars().all(|c| !c.is_control() || c == '\n'), "control characters are pictures");
    assert!(page.contains('␛') && !page.contains('\u{202e}'));
    assert!(page.contains("<h2>Failures</h2>") && page.contains("<h2>Decisions</h2>"));
}

#[test]
fn without_figures_the_page_says_so() {
    let report = good();
    let page = html(&report, &[]);
    assert!(page.contains("No figures over time are there"));
    assert_eq!(page.matches("<polyline").count(), 0);
}
