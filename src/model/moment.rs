//! When something happened. Decisions use only [`Moment::since_start`], which never jumps; people read the wall clock.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A stamp on an event: monotonic time since the rollout began, and the wall clock for people.
///
/// After a crash `since_start` goes on from the journal's last line plus the wall time that passed since (never less
/// than zero), so that it never runs backwards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Monotonic, since the rollout began.
    #[serde(with = "millis")]
    pub since_start: Duration,
    /// For people and for comparing with other logs. Never decides anything.
    pub wall: jiff::Timestamp,
}

/// Durations as milliseconds with three decimals, which is what a person reading the journal wants.
pub mod millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// Writes milliseconds, rounded to a microsecond.
    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(as_millis(*value))
    }

    /// Reads milliseconds. Negative and non-finite numbers are refused.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let value = f64::deserialize(from)?;
        if !value.is_finite() || !(0.0..1e15).contains(&value) {
            return Err(serde::de::Error::custom("not a duration in milliseconds"));
        }
        Ok(Duration::from_micros((value * 1000.0).round() as u64))
    }

    /// A duration in milliseconds, rounded to a microsecond.
    #[must_use]
    pub fn as_millis(value: Duration) -> f64 {
        value.as_micros() as f64 / 1000.0
    }

    /// The same for a duration that may be missing.
    pub mod option {
        use super::{Deserialize, Deserializer, Duration, Serializer};

        /// Writes milliseconds, or null.
        pub fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => to.serialize_some(&super::as_millis(*value)),
                None => to.serialize_none(),
            }
        }

        /// Reads milliseconds, or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
            #[derive(Deserialize)]
            struct Millis(#[serde(with = "super")] Duration);
            Ok(Option::<Millis>::deserialize(from)?.map(|Millis(value)| value))
        }
    }
}
