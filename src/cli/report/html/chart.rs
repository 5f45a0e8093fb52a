//! The drawings of a page, as SVG: the phases as a timeline, what each version served, a switch under a magnifier.
//!
//! Colours and weights are the page's style, by class; here are only places. Lengths are in the drawing's own units, of
//! which the page is [`WIDE`] wide.

use super::page::escaped;
use crate::cli::report::{clock, span};
use crate::engine::report::samples::Point;
use crate::engine::report::{Report, SwitchReport};
use crate::model::Version;
use crate::rollout::plan::Direction;
use jiff::Timestamp;
use std::fmt::Write;

const WIDE: f64 = 1000.0;
/// Left of the axes stand names and figures.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 40.0;
const ROW: f64 = 24.0;
/// More points than this cannot be seen; neighbours become one.
const MOST: usize = 500;
/// A gap of so many seconds is no line: nobody looked then.
const GAP: f64 = 10.0;

/// From when to when, and where that lies.
struct Axis {
    from: Timestamp,
    seconds: f64,
}

impl Axis {
    fn of(report: &Report) -> Axis {
        Axis { from: report.began, seconds: seconds(report.began, report.ended).max(0.1) }
    }

    fn x(&self, at: Timestamp) -> f64 {
        LEFT + (seconds(self.from, at) / self.seconds).clamp(0.0, 1.0) * (WIDE - LEFT - RIGHT)
    }

    /// A line with times beneath, at that height.
    fn draw(&self, out: &mut String, y: f64) {
        let _ = writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>", WIDE - RIGHT);
        for at in ticks(self.from, self.seconds) {
            let x = self.x(at);
            let _ = writeln!(out, "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{y}\" x2=\"{x:.1}\" y2=\"{}\"/>", y + 4.0);
            let _ =
                writeln!(out, "<text class=\"dim\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", y + 18.0, clock(at));
        }
    }

    fn switches(&self, out: &mut String, report: &Report, (top, bottom): (f64, f64)) {
        for switch in &report.switches {
            let x = self.x(switch.at);
            let _ = writeln!(
                out,
                "<line class=\"switch\" x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"><title>to half {} at {}</title></line>",
                switch.to_half,
                clock(switch.at)
            );
            let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{}\">→ half {}</text>", x + 4.0, top + 10.0, switch.to_half);
        }
    }

    fn holds(&self, out: &mut String, report: &Report, (top, bottom): (f64, f64)) {
        for hold in &report.holds {
            let x = self.x(hold.at);
            let wide = (hold.seconds / self.seconds * (WIDE - LEFT - RIGHT)).max(2.0);
            let _ = writeln!(
                out,
                "<rect class=\"hold\" x=\"{x:.1}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{}\"><title>held: {}</title></rect>",
                bottom - top,
                escaped(hold.why.as_str())
            );
        }
    }
}

/// Round times on the clock, at most seven.
fn ticks(from: Timestamp, seconds: f64) -> Vec<Timestamp> {
    const STEPS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200];
    let step = STEPS.into_iter().find(|step| seconds / *step as f64 <= 7.0).unwrap_or(86_400);
    let first = from.as_second() + step - from.as_second().rem_euclid(step);
    let last = from.as_second() + seconds.ceil() as i64;
    (0..7)
        .map(|number| first + number * step)
        .take_while(|at| *at <= last)
        .filter_map(|at| Timestamp::from_second(at).ok())
        .collect()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

fn opening(out: &mut String, height: f64, said: &str) {
    let _ = writeln!(out, "<svg viewBox=\"0 0 {WIDE} {height:.0}\" role=\"img\" aria-label=\"{}\">", escaped(said));
}

fn key(entries: &[(&str, String)]) -> String {
    let entry = |(class, text): &(&str, String)| format!("<li><span class=\"{class}\"></span>{}</li>", escaped(text));
    format!("<ul class=\"key\">{}</ul>\n", entries.iter().map(entry).collect::<String>())
}

/// A bar a phase, in the order in which they ran; above them who decided and what failed.
pub(super) fn timeline(report: &Report) -> String {
    let axis = Axis::of(report);
    let top = 30.0;
    let bottom = top + ROW * report.phases.len() as f64 + 4.0;
    let mut out = String::new();
    opening(&mut out, bottom + 24.0, &format!("{} phases over {}", report.phases.len(), span(report.seconds)));
    axis.holds(&mut out, report, (top, bottom));
    for (number, phase) in (0..).zip(&report.phases) {
        let y = top + ROW * f64::from(number);
        let x = axis.x(phase.start);
        let wide = (phase.seconds / axis.seconds * (WIDE - LEFT - RIGHT)).max(2.0).min(WIDE - RIGHT - x + 2.0);
        let class = match (phase.ended, phase.direction) {
            (false, _) => "phase open",
            (true, Direction::Forward) => "phase",
            (true, Direction::Back) => "phase back",
        };
        let _ = writeln!(out, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", LEFT - 8.0, y + 15.0, phase.phase);
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{}\" rx=\"2\"><title>{} {}</title></rect>",
            y + 3.0,
            ROW - 8.0,
            phase.phase,
            span(phase.seconds)
        );
        // Beside the bar, on the side where there is room.
        let (at, anchor) = if x + wide < WIDE * 0.7 { (x + wide + 6.0, "start") } else { (x - 6.0, "end") };
        let _ = writeln!(
            out,
            "<text class=\"dim\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            y + 15.0,
            span(phase.seconds)
        );
    }
    axis.switches(&mut out, report, (2.0, bottom));
    for one in &report.decisions {
        mark(&mut out, axis.x(one.at), ("mark", "▼"), &format!("{} {}: {}", clock(one.at), one.who, one.text));
    }
    for one in &report.failures {
        mark(&mut out, axis.x(one.at), ("mark bad", "✖"), &format!("{} {}: {}", clock(one.at), one.operation, one.why));
    }
    axis.draw(&mut out, bottom);
    out.push_str("</svg>\n");
    let mut entries = vec![("next", "forward".to_owned())];
    if report.phases.iter().any(|phase| phase.direction == Direction::Back) {
        entries.push(("warning", "on the way back".to_owned()));
    }
    if report.phases.iter().any(|phase| !phase.ended) {
        entries.push(("bad", "not ended".to_owned()));
    }
    if !report.holds.is_empty() {
        entries.push(("warning pale", "held".to_owned()));
    }
    out + &key(&entries)
}

fn mark(out: &mut String, x: f64, (class, glyph): (&str, &str), said: &str) {
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"26\" text-anchor=\"middle\">{glyph}<title>{}</title></text>",
        escaped(said)
    );
}

/// Requests a second of each version as a curve, errors a second beneath.
pub(super) fn traffic(report: &Report, points: &[&Point]) -> String {
    const TOP: f64 = 20.0;
    const BASE: f64 = 220.0;
    const ERRORS: f64 = 270.0;
    let axis = Axis::of(report);
    let points = thinned(points);
    let versions = versions(report, &points);
    let greatest = points.iter().flat_map(|point| point.served.iter().map(|served| served.requests)).fold(1.0, f64::max);
    let errors: Vec<(Timestamp, f64)> = points.iter().map(|point| (point.at, point.errors)).collect();
    let most_errors = errors.iter().map(|(_, errors)| *errors).fold(0.0, f64::max);
    let y = |rate: f64| BASE - rate / greatest * (BASE - TOP - 14.0);
    let mut out = String::new();
    opening(
        &mut out,
        ERRORS + 26.0,
        &format!("requests a second by version, at most {greatest:.0}; errors a second, at most {most_errors:.0}"),
    );
    axis.holds(&mut out, report, (TOP, BASE));
    for share in [0.5, 1.0] {
        let height = y(greatest * share);
        let _ =
            writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{height:.1}\" x2=\"{}\" y2=\"{height:.1}\"/>", WIDE - RIGHT);
        figure(&mut out, height + 4.0, &format!("{:.0} req/s", greatest * share));
    }
    let _ = writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{BASE}\" x2=\"{}\" y2=\"{BASE}\"/>", WIDE - RIGHT);
    figure(&mut out, BASE, "0");
    for (version, class) in &versions {
        for run in runs(&points, version) {
            curve(&mut out, class, &run.iter().map(|(at, rate)| (axis.x(*at), y(*rate))).collect::<Vec<_>>(), BASE);
        }
    }
    figure(&mut out, ERRORS - 14.0, "errors/s");
    if most_errors > 0.0 {
        figure(&mut out, ERRORS, &format!("≤ {most_errors:.0}"));
    }
    let wide = ((WIDE - LEFT - RIGHT) / points.len() as f64).clamp(1.5, 8.0);
    for (at, errors) in errors.into_iter().filter(|(_, errors)| *errors > 0.0) {
        let height = (errors / most_errors * 36.0).max(1.5);
        let _ = writeln!(
            out,
            "<rect class=\"errors\" x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{height:.1}\"><title>{} {errors:.1}/s</title></rect>",
            axis.x(at) - wide / 2.0,
            ERRORS - height,
            clock(at)
        );
    }
    axis.switches(&mut out, report, (TOP - 16.0, ERRORS));
    axis.draw(&mut out, ERRORS);
    out.push_str("</svg>\n");
    let mut entries: Vec<(&str, String)> = versions
        .iter()
        .map(|(version, class)| {
            let word = match *class {
                "current" => " (current)",
                "next" => " (next)",
                _ => "",
            };
            (*class, format!("{version}{word}"))
        })
        .collect();
    entries.push(("bad", if most_errors > 0.0 { "errors".to_owned() } else { "errors: none seen".to_owned() }));
    key(&entries) + &out
}

fn figure(out: &mut String, y: f64, text: &str) {
    let _ = writeln!(out, "<text class=\"dim\" x=\"{}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", LEFT - 8.0, escaped(text));
}

fn curve(out: &mut String, class: &str, places: &[(f64, f64)], base: f64) {
    let (Some((first, _)), Some((last, _))) = (places.first(), places.last()) else { return };
    let line: String = places.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
    let _ = writeln!(out, "<polygon class=\"area {class}\" points=\"{first:.1},{base} {line}{last:.1},{base}\"/>");
    let _ = writeln!(out, "<polyline class=\"line {class}\" points=\"{}\"/>", line.trim_end());
}

/// Some neighbouring seconds.
struct Few {
    at: Timestamp,
    served: Vec<Rate>,
    errors: f64,
}

struct Rate {
    version: Version,
    requests: f64,
}

/// At most [`MOST`]: rates are averaged, of errors the greatest stays.
fn thinned(points: &[&Point]) -> Vec<Few> {
    let per = points.len().div_ceil(MOST).max(1);
    let few = |chunk: &[&Point]| {
        let mut served: Vec<Rate> = Vec::new();
        for one in chunk.iter().flat_map(|point| &point.versions) {
            let share = one.requests_per_second / chunk.len() as f64;
            match served.iter_mut().find(|rate| rate.version == one.version) {
                Some(rate) => rate.requests += share,
                None => served.push(Rate { version: one.version.clone(), requests: share }),
            }
        }
        let errors = |point: &&Point| point.versions.iter().filter_map(|one| one.errors_per_second).sum::<f64>();
        Some(Few { at: chunk.first()?.at, served, errors: chunk.iter().map(errors).fold(0.0, f64::max) })
    };
    points.chunks(per).filter_map(few).collect()
}

/// Each version that served, current first, with its class.
fn versions(report: &Report, points: &[Few]) -> Vec<(Version, &'static str)> {
    let mut versions: Vec<(Version, &'static str)> = Vec::new();
    for rate in points.iter().flat_map(|point| &point.served) {
        if versions.iter().any(|(known, _)| *known == rate.version) {
            continue;
        }
        let class = match (rate.version == report.next, rate.version == report.current) {
            (true, _) => "next",
            (false, true) => "current",
            (false, false) => "other",
        };
        versions.push((rate.version.clone(), class));
    }
    versions.sort_by_key(|(_, class)| *class);
    versions
}

/// The curve of a version, in pieces where nobody looked for a while.
fn runs(points: &[Few], version: &Version) -> Vec<Vec<(Timestamp, f64)>> {
    let mut runs: Vec<Vec<(Timestamp, f64)>> = Vec::new();
    let step = points.windows(2).map(|pair| seconds(pair[0].at, pair[1].at)).fold(f64::INFINITY, f64::min);
    for point in points {
        let Some(rate) = point.served.iter().find(|rate| rate.version == *version) else { continue };
        let near = runs.last().and_then(|run| run.last()).is_some_and(|(at, _)| seconds(*at, point.at) < GAP.max(step * 3.0));
        match runs.last_mut().filter(|_| near) {
            Some(run) => run.push((point.at, rate.requests)),
            None => runs.push(vec![(point.at, rate.requests)]),
        }
    }
    runs
}

/// How long each node took, and how long two versions served, to one scale.
pub(super) fn magnifier(switch: &SwitchReport) -> String {
    let mut bars: Vec<(String, &str, f64, String)> = switch
        .nodes
        .iter()
        .filter_map(|node| {
            Some((node.node.to_string(), "told", node.took_ms?, format!("answered after {:.1} ms", node.took_ms?)))
        })
        .collect();
    if let Some(window) = switch.mixed_window_ms {
        bars.push(("both versions".to_owned(), "window", window, switch.text.to_string()));
    }
    if bars.is_empty() {
        return String::new();
    }
    let longest = bars.iter().map(|(_, _, length, _)| *length).fold(0.1, f64::max);
    let bottom = ROW * bars.len() as f64 + 6.0;
    let mut out = String::new();
    opening(&mut out, bottom + 22.0, &format!("the switch over {longest:.1} ms"));
    for (number, (name, class, length, said)) in (0..).zip(&bars) {
        let y = ROW * f64::from(number);
        let wide = (length / longest * (WIDE - LEFT - RIGHT) * 0.6).max(2.0);
        let shown = crate::model::Printable::cut(name, 13);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 16.0,
            escaped(shown.as_str())
        );
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{}\" rx=\"2\"/>",
            y + 4.0,
            ROW - 8.0
        );
        let _ =
            writeln!(out, "<text class=\"dim\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", LEFT + wide + 6.0, y + 16.0, escaped(said));
    }
    let _ = writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{bottom}\" x2=\"{}\" y2=\"{bottom}\"/>", WIDE - RIGHT);
    for share in [0.0, 0.5, 1.0] {
        let x = LEFT + share * (WIDE - LEFT - RIGHT) * 0.6;
        let _ = writeln!(
            out,
            "<text class=\"dim\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{:.1} ms</text>",
            bottom + 16.0,
            share * longest
        );
    }
    out.push_str("</svg>\n");
    out
}
