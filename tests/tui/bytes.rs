//! How many bytes a second a picture costs that stands still but for its figures: the frames of a minute, one a second, as
//! a terminal gets them. Sizes, not times, so that the figure is the same on every machine.

use crate::pictures::{app, now};
use crate::samples;
use halfstep::engine::snapshot::{STEP_MS, SampleView, Snapshot};
use halfstep::model::{Half, Printable};
use halfstep::tui::widget::Now;
use ratatui::Terminal;
use ratatui::TerminalOptions;
use ratatui::Viewport;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

const SECONDS: u32 = 120;
/// The first picture is whole, and the histories have to fill before they show what they cost.
const SETTLED: u32 = 60;

#[derive(Clone, Default)]
struct Counter(Rc<RefCell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.borrow_mut() += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From -1 to 1, other for each second and place.
fn tremble(second: u32, place: usize) -> f64 {
    let seed = u64::from(second).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (place as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (seed ^ (seed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// As an engine would tell it at that second: each server in rotation gets about 400 requests a second, five percent up or
/// down; or nobody asks anything.
fn told(snapshot: &mut Snapshot, second: u32, load: f64) {
    let step_ends = u64::from(second).is_multiple_of(STEP_MS / 1000);
    let mut all = 0.0;
    for (at, server) in snapshot.servers.iter_mut().enumerate() {
        let serves = server.half() == Some(Half::B);
        let rate = if serves { (load * (1.0 + 0.05 * tremble(second, at))).round() } else { 0.0 };
        server.requests_per_second = Some(rate);
        all += rate;
        if step_ends {
            server.history.remove(0);
            server.history.push(Some(rate as u32));
        }
    }
    let figure = halfstep::model::figure::rate(all);
    snapshot.traffic.requests_per_second = Some(halfstep::model::figure::three_digits(all));
    snapshot.traffic.by_version[0].1 = all;
    snapshot.traffic.capacity = Printable::new(&format!("B carries {figure} of 4 400 req/s ({:.0} %)", all / 44.0));
    snapshot.rollout.at_half_ms = Some(f64::from(second) * 1000.0);
    if let Some(phase) = snapshot.phases.iter_mut().find(|phase| phase.state == halfstep::engine::snapshot::PhaseState::Now) {
        phase.took_ms = Some(f64::from(second) * 1000.0);
    }
    if step_ends {
        let sample = SampleView { current: Some(all as u32), next: Some(0), errors: Some(0), switched_to: None };
        snapshot.history.samples.remove(0);
        snapshot.history.samples.push(sample);
        snapshot.history.count += 1;
    }
}

/// Bytes a second, once the picture has settled.
fn bytes_a_second(mut snapshot: Snapshot, load: f64) -> usize {
    let counter = Counter::default();
    let viewport = Viewport::Fixed(Rect::new(0, 0, 120, 40));
    let mut terminal =
        Terminal::with_options(CrosstermBackend::new(counter.clone()), TerminalOptions { viewport }).expect("a terminal");
    let mut app = app(snapshot.clone());
    let mut before = 0;
    for second in 0..SECONDS {
        told(&mut snapshot, second, load);
        app.show(&snapshot);
        let time = Now { wall: &now().wall + jiff::SignedDuration::from_secs(i64::from(second)), ..now() };
        terminal.draw(|frame| app.draw(&time, frame.area(), frame.buffer_mut())).expect("drawn");
        if second == SETTLED {
            before = *counter.0.borrow();
        }
    }
    (*counter.0.borrow() - before) / (SECONDS - SETTLED - 1) as usize
}

#[test]
fn sixteen_servers_with_traffic_cost_less_than_a_kilobyte_a_second() {
    let bytes = bytes_a_second(samples::sixteen_waiting(), 400.0);
    assert!(bytes < 1000, "{bytes} bytes a second");
}

#[test]
fn an_idle_pool_costs_next_to_nothing() {
    let bytes = bytes_a_second(samples::sixteen_waiting(), 0.0);
    assert!(bytes < 150, "{bytes} bytes a second");
}
