//! One clock for all processes of this machine, so that a server's stamp and a client's can be subtracted.

/// Nanoseconds of `CLOCK_MONOTONIC`: comparable between processes of one machine, until it boots again.
#[must_use]
pub fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
