//! Where it was measured, and what a row of figures says: median and spread. Nothing here judges a figure.

use serde_json::{Value, json};
use std::fs;

/// The machine, and how busy it is now.
pub fn machine() -> Value {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(':'));
    json!({
        "at": jiff::Timestamp::now(),
        "cores": std::thread::available_parallelism().map(usize::from).unwrap_or(0),
        "cpu": model.map(|(_, name)| name.trim()),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "load_average": load(),
        "halfstep": env!("CARGO_PKG_VERSION"),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    })
}

/// Of the last 1, 5 and 15 minutes.
pub fn load() -> Vec<f64> {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).filter_map(|word| word.parse().ok()).collect()
}

/// Median, least, most, and the distance between the quartiles. `null` where there is no figure.
pub fn spread(figures: impl IntoIterator<Item = f64>) -> Value {
    let mut all: Vec<f64> = figures.into_iter().filter(|figure| figure.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    let Some(median) = quantile(&all, 0.5) else { return Value::Null };
    let quartiles = quantile(&all, 0.75).zip(quantile(&all, 0.25)).map(|(high, low)| round(high - low));
    json!({ "median": round(median), "least": all.first(), "most": all.last(), "between_quartiles": quartiles, "count": all.len() })
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * place.fract())
}

/// To a thousandth.
pub fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// The figures of one name out of a row of runs.
pub fn column<'a>(runs: &'a [Value], name: &'a str) -> impl Iterator<Item = f64> + 'a {
    runs.iter().filter_map(move |run| run.get(name)?.as_f64())
}
