//! The tops of scales: 1, 2, 5, 10 … and slow to come down, so that a chart does not jump when a figure trembles around one
//! of them.

use crate::engine::snapshot::Snapshot;
use crate::model::figure::step_above;

/// A scale is left for a lower one when everything in it is below this share of that one.
const COMES_DOWN: f64 = 0.8;

/// What the top of a scale stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale(f64);

impl Default for Scale {
    fn default() -> Self {
        Scale(1.0)
    }
}

impl Scale {
    /// What the top stands for; never zero.
    #[must_use]
    pub fn top(self) -> f64 {
        self.0
    }

    /// Goes up at once when something is higher, and down only when nothing comes near.
    pub fn follow(&mut self, greatest: f64) {
        let lower = step_above(greatest / COMES_DOWN);
        if greatest > self.0 {
            self.0 = step_above(greatest);
        } else if lower < self.0 {
            self.0 = lower;
        }
    }
}

/// The scales of one screen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scales {
    /// Of all sparklines, so that servers can be compared.
    pub servers: Scale,
    /// Of the chart.
    pub pool: Scale,
}

impl Scales {
    /// Takes what a newer snapshot shows.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let servers = snapshot.servers.iter().flat_map(|server| server.history.iter().flatten()).max();
        self.servers.follow(f64::from(servers.copied().unwrap_or(0)));
        let samples = snapshot.history.samples.iter();
        let pool = samples.flat_map(|sample| [sample.current, sample.next]).flatten().max();
        self.pool.follow(f64::from(pool.unwrap_or(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_trembles_around_a_step_changes_the_scale_once() {
        let mut scale = Scale::default();
        let mut tops = Vec::new();
        for figure in [480.0, 503.0, 496.0, 505.0, 470.0, 410.0] {
            scale.follow(figure);
            tops.push(scale.top());
        }
        assert_eq!(tops, [500.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0]);
        scale.follow(390.0);
        assert!((scale.top() - 500.0).abs() < 1e-9);
        scale.follow(0.0);
        assert!((scale.top() - 1.0).abs() < 1e-9);
    }
}
