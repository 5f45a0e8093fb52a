//! What a process uses: processor time and memory, as the system counts them.

use super::machine::round;

/// Ticks a second in `/proc/PID/stat`; the same on every Linux of today.
const USER_HZ: f64 = 100.0;

/// User and system time that it has used, all its threads together.
pub fn processor_seconds(process: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields are counted after it, from the third.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / USER_HZ)
}

/// Its share of the memory, in megabytes of a million bytes.
pub fn pss(process: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(round(kib * 1024.0 / 1e6))
}
