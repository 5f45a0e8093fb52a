//! When a frame is drawn. A key and what presses are drawn at once, figures and clocks once a second; where the link
//! does not keep up, figures less often, and never a key later for it.
//!
//! Pure: the time is handed in.

use crate::engine::snapshot::Snapshot;
use std::time::{Duration, Instant};

/// Between two frames that show nothing but new figures. Half of it would double the bytes for nobody's good.
const FIGURES: Duration = Duration::from_secs(1);
/// A write that takes longer than this was blocked by the link.
const BLOCKED: Duration = Duration::from_millis(100);
/// Figures are never older than so many seconds for a slow link's sake.
const MOST_STRETCHED: u32 = 8;

/// Why the next frame is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Wish {
    /// The clock goes on.
    #[default]
    Clock,
    /// Something presses, or a key was pressed.
    Now,
}

/// When the next frame is due.
#[derive(Debug)]
pub struct Pace {
    wish: Wish,
    /// When figures are drawn next.
    figures: Instant,
    /// Figures are drawn every so many seconds.
    stretch: u32,
}

impl Pace {
    /// The first frame is due at once.
    #[must_use]
    pub fn new(now: Instant) -> Pace {
        Pace { wish: Wish::Now, figures: now, stretch: 1 }
    }

    /// Something must be seen at once.
    pub fn press(&mut self) {
        self.wish = Wish::Now;
    }

    /// When to draw.
    #[must_use]
    pub fn due(&self, now: Instant) -> Instant {
        match self.wish {
            Wish::Clock => self.figures,
            Wish::Now => now,
        }
    }

    /// Are new figures due too?
    #[must_use]
    pub fn shows_figures(&self, now: Instant) -> bool {
        now >= self.figures
    }

    /// A frame is drawn; `into_second` is how far the clock on the wall is into its second, so that its seconds are drawn
    /// when they begin.
    pub fn drawn(&mut self, now: Instant, into_second: Duration) {
        self.wish = Wish::Clock;
        if self.shows_figures(now) {
            let left = FIGURES.saturating_sub(into_second);
            // A frame a moment before its second would be followed by another one at once.
            let left = if left < FIGURES / 10 { left + FIGURES } else { left };
            self.figures = now + left + FIGURES * (self.stretch - 1);
        }
    }

    /// A frame took so long to leave.
    pub fn wrote(&mut self, took: Duration) {
        self.stretch = if took > BLOCKED { (self.stretch * 2).min(MOST_STRETCHED) } else { (self.stretch - 1).max(1) };
    }
}

/// Does this press: is what a key means, who may press one, or where the rollout stands other than what was shown?
#[must_use]
pub fn presses(shown: &Snapshot, news: &Snapshot) -> bool {
    let rollout = |snapshot: &Snapshot| {
        let rollout = &snapshot.rollout;
        let people = rollout.people.clone();
        (rollout.pace, rollout.purpose, rollout.held.clone(), rollout.needs_person, rollout.outcome.clone(), people)
    };
    let prompt = |snapshot: &Snapshot| {
        // Why something is refused may hold figures; that it is does not.
        let refused: Vec<String> = snapshot.prompt.refused.keys().cloned().collect();
        (snapshot.prompt.number, snapshot.prompt.enter.clone(), refused)
    };
    let phases = |snapshot: &Snapshot| snapshot.phases.iter().map(|phase| (phase.name, phase.state)).collect::<Vec<_>>();
    rollout(shown) != rollout(news) || prompt(shown) != prompt(news) || phases(shown) != phases(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_key_is_due_at_once_and_figures_at_the_next_second() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(start), start);
        pace.drawn(start, 300 * MS);
        assert_eq!(pace.due(start), start + 700 * MS);
        let pressed = start + 250 * MS;
        pace.press();
        assert_eq!(pace.due(pressed), pressed);
        assert!(!pace.shows_figures(pressed));
        pace.drawn(pressed, 550 * MS);
        assert_eq!(pace.due(pressed), start + 700 * MS, "a key moves no figure");
        let second = start + 700 * MS;
        assert!(pace.shows_figures(second));
        pace.drawn(second, Duration::ZERO);
        assert_eq!(pace.due(second), second + 1000 * MS);
        pace.drawn(second + 1000 * MS, 990 * MS);
        assert_eq!(pace.due(second), second + 2010 * MS, "a timer that came early draws no second twice");
    }

    #[test]
    fn a_slow_link_gets_fewer_figures_and_recovers() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for seconds in [2, 4, 8, 8] {
            pace.wrote(400 * MS);
            pace.figures = start;
            pace.drawn(start, Duration::ZERO);
            assert_eq!(pace.due(start), start + Duration::from_secs(seconds));
        }
        pace.press();
        assert_eq!(pace.due(start), start, "a key is not later for it");
        for _ in 0..8 {
            pace.wrote(MS);
        }
        pace.figures = start;
        pace.drawn(start, Duration::ZERO);
        assert_eq!(pace.due(start), start + Duration::from_secs(1));
    }

    #[test]
    fn figures_do_not_press_and_a_prompt_does() {
        let shown = Snapshot::default();
        let mut news = shown.clone();
        news.rollout.since_start_ms = 12.0;
        news.traffic.requests_per_second = Some(3.0);
        news.prompt.countdown_ms = Some(1.0);
        assert!(!presses(&shown, &news));
        news.prompt.number = 1;
        assert!(presses(&shown, &news));
        let mut held = shown.clone();
        held.rollout.held = Some("web1 failed".into());
        assert!(presses(&shown, &held));
    }
}
