//! The plan at work and the plan back, as a screen shows them: phases, steps, raw commands, and where they stand; and the
//! drains under way. It decides words and what is left out of a large pool, never what happens.

use super::live::Live;
use super::rendering::{Rendering, ShownStage, price};
use super::snapshot::{DrainView, PhaseState, PlanPhaseView, PlanStepView, Snapshot};
use super::world::World;
use crate::model::moment::millis::as_millis;
use crate::model::{MemberName, Printable, Rotation, ServerName};
use crate::rollout::lane::{LaneAt, LaneState};
use crate::rollout::plan::{Phase, Plan, Stage, Step, back};
use crate::rollout::state::Body;
use crate::rollout::{Command, DrainChoice, State, operate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Lanes of a stage that are listed one by one. A screen has no room for more, and the part stays a few kilobytes for a
/// thousand servers; `halfstep plan` prints all.
const LISTED: usize = 12;
/// Points of a drain's curve.
const CURVE: usize = 60;

/// Both plans in commands, made anew only when there is another plan.
#[derive(Debug, Default)]
pub struct Planned {
    at_work: Option<Rendered>,
    back: Option<Rendered>,
}

#[derive(Debug)]
struct Rendered {
    plan: Arc<Plan>,
    /// Had every node been read? Some commands depend on what it says.
    heard: bool,
    phases: Vec<PlanPhaseView>,
    /// For each step of each phase, the stage, lane and last step of the plan that it shows.
    places: Vec<Vec<Place>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    stage: usize,
    lane: usize,
    /// The first and the last step of the lane, from its end: a retry puts steps before those that are left.
    left: (usize, usize),
}

impl Planned {
    /// Puts both plans and the drains into a snapshot.
    pub fn show(&mut self, snapshot: &mut Snapshot, world: &World, state: &State, live: &Live, now: Duration) {
        let heard = state.facts.nodes.values().filter(|node| node.heard).count() == state.beginning.nodes.len();
        snapshot.plan = Self::fresh(&mut self.at_work, Arc::clone(&state.plan), heard, BTreeMap::new, world, state).marked(state);
        snapshot.back = if snapshot.price.steps.is_empty() || state.ended.is_some() {
            Vec::new()
        } else {
            let plan = Arc::new(back::plan(state));
            Self::fresh(&mut self.back, plan, heard, || standing(state), world, state).phases.clone()
        };
        snapshot.drains = drains(state, live, now);
    }

    fn fresh<'a>(
        kept: &'a mut Option<Rendered>,
        plan: Arc<Plan>,
        heard: bool,
        standing: impl FnOnce() -> BTreeMap<MemberName, Rotation>,
        world: &World,
        state: &State,
    ) -> &'a Rendered {
        let again = kept.take().filter(|kept| kept.heard == heard && *kept.plan == *plan);
        kept.insert(
            again.unwrap_or_else(|| rendered(plan, heard, &mut Rendering::new(world, &state.beginning, standing()), state)),
        )
    }
}

/// Where each member is now, as the nodes say.
fn standing(state: &State) -> BTreeMap<MemberName, Rotation> {
    let seen = state.facts.nodes.values().flat_map(|node| &node.members);
    seen.map(|(member, seen)| (member.clone(), seen.rotation)).collect()
}

fn rendered(plan: Arc<Plan>, heard: bool, rendering: &mut Rendering<'_>, state: &State) -> Rendered {
    let mut phases = Vec::new();
    let mut places = Vec::new();
    for phase in &plan.phases {
        let (mut steps, mut at, mut more) = (Vec::new(), Vec::new(), 0);
        for (number, stage) in phase.stages.iter().enumerate() {
            let (listed, hidden) = first_lanes(stage);
            more += hidden.len();
            let shown = rendering.stage(&listed);
            hidden.iter().for_each(|lane| rendering.pass(lane));
            for (lane, left, view) in steps_of(shown, state.beginning.nodes.len()) {
                steps.push(view);
                at.push(Place { stage: number, lane, left });
            }
        }
        phases.push(view(phase, steps, more, state));
        places.push(at);
    }
    Rendered { plan, heard, phases, places }
}

fn view(phase: &Phase, steps: Vec<PlanStepView>, more: usize, state: &State) -> PlanPhaseView {
    PlanPhaseView {
        name: phase.name,
        does: Printable::new(&phase.does),
        stops: !phase.stages.is_empty() && state.beginning.policy.stop_before.contains(&phase.name),
        gates: phase.gates.clone(),
        price: Printable::new(&price(phase, &state.beginning)),
        steps,
        more,
    }
}

/// The stage with no more lanes than are listed, and the others.
fn first_lanes(stage: &Stage) -> (Stage, &[crate::rollout::plan::Lane]) {
    match stage {
        Stage::Lanes { lanes, at_once } if lanes.len() > LISTED => {
            let (listed, hidden) = lanes.split_at(LISTED);
            (Stage::Lanes { lanes: listed.to_vec(), at_once: *at_once }, hidden)
        }
        Stage::Lanes { .. } | Stage::Change { .. } | Stage::Wait { .. } => (stage.clone(), &[]),
    }
}

/// Lane, first and last step from the lane's end, and the step as it is shown.
fn steps_of(stage: ShownStage, nodes: usize) -> Vec<(usize, (usize, usize), PlanStepView)> {
    let said = |node: &crate::model::NodeName, command: &String| match nodes {
        1 => Printable::new(command),
        _ => Printable::new(&format!("{node}: {command}")),
    };
    let step = |place: &str, what: &str, commands: Vec<Printable>| PlanStepView {
        place: Printable::new(place),
        what: Printable::new(what),
        commands,
        state: PhaseState::ToDo,
    };
    match stage {
        ShownStage::Wait { seconds } => vec![(0, (0, 0), step("", &format!("wait {seconds} s"), vec![]))],
        ShownStage::Change { into, out, switch, commands } => {
            let out = if out.is_empty() { String::new() } else { format!(" · out: {}", names(&out)) };
            let word = if switch.is_some() { "SWITCH, in" } else { "in" };
            let sent = commands.iter().flat_map(|one| one.commands.iter().map(|command| said(&one.node, command))).collect();
            vec![(0, (0, 0), step("", &format!("{word}: {}{out}", names(&into)), sent))]
        }
        ShownStage::Lanes { lanes, .. } => {
            let mut views = Vec::new();
            for (number, lane) in lanes.into_iter().enumerate() {
                let place = names(&lane.servers);
                let last = lane.steps.len().saturating_sub(1);
                if lane.steps.iter().all(|step| step.commands.is_empty() && step.nodes.iter().all(|one| one.commands.is_empty()))
                {
                    let words: Vec<&str> = lane.steps.iter().map(|step| step.step).collect();
                    views.push((number, (last, 0), step(&place, &words.join(", "), vec![])));
                    continue;
                }
                for (at, one) in lane.steps.into_iter().enumerate() {
                    let to_nodes = one.nodes.iter().flat_map(|to| to.commands.iter().map(|command| said(&to.node, command)));
                    let commands = one.commands.iter().map(|command| Printable::new(command)).chain(to_nodes).collect();
                    views.push((number, (last - at, last - at), step(&place, one.step, commands)));
                }
            }
            views
        }
    }
}

fn names(servers: &[ServerName]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Rendered {
    /// The phases, each step with where it stands.
    fn marked(&self, state: &State) -> Vec<PlanPhaseView> {
        let mut phases = self.phases.clone();
        for (number, (phase, places)) in phases.iter_mut().zip(&self.places).enumerate() {
            for (step, place) in phase.steps.iter_mut().zip(places) {
                step.state = match number.cmp(&state.at) {
                    std::cmp::Ordering::Less => PhaseState::Done,
                    std::cmp::Ordering::Equal => within(state, *place),
                    std::cmp::Ordering::Greater => PhaseState::ToDo,
                };
            }
        }
        phases
    }
}

/// A step of the phase in work.
fn within(state: &State, place: Place) -> PhaseState {
    match (&state.body, place.stage.cmp(&state.stage)) {
        (Body::Boundary, _) | (_, std::cmp::Ordering::Greater) => PhaseState::ToDo,
        (_, std::cmp::Ordering::Less) => PhaseState::Done,
        (Body::Change(_) | Body::Waiting { .. }, std::cmp::Ordering::Equal) => PhaseState::Now,
        (Body::Lanes(lanes), std::cmp::Ordering::Equal) => {
            lanes.get(place.lane).map_or(PhaseState::ToDo, |lane| in_lane(lane, place.left))
        }
    }
}

fn in_lane(lane: &LaneState, (first, last): (usize, usize)) -> PhaseState {
    // Steps that are left of the lane, the one at work included.
    let left = lane.steps.len().saturating_sub(lane.step);
    match &lane.at {
        LaneAt::Excluded => PhaseState::Nothing,
        _ if left <= last => PhaseState::Done,
        _ if left > first + 1 => PhaseState::ToDo,
        LaneAt::Failed(_) | LaneAt::Overdue { .. } => PhaseState::Failed,
        LaneAt::Ready if lane.step == 0 => PhaseState::ToDo,
        LaneAt::Ready | LaneAt::Asked { .. } | LaneAt::Watching { .. } | LaneAt::Repeats { .. } | LaneAt::Done => PhaseState::Now,
    }
}

fn drains(state: &State, live: &Live, now: Duration) -> Vec<DrainView> {
    let Body::Lanes(lanes) = &state.body else { return Vec::new() };
    let draining = lanes.iter().filter(|lane| lane.current() == Some(Step::UntilDrained));
    let views = draining.filter_map(|lane| {
        let (since, until) = match &lane.at {
            LaneAt::Watching { since, until } => (*since, Some(*until)),
            LaneAt::Overdue { since } => (*since, None),
            LaneAt::Ready
            | LaneAt::Asked { .. }
            | LaneAt::Repeats { .. }
            | LaneAt::Failed(_)
            | LaneAt::Done
            | LaneAt::Excluded => return None,
        };
        Some((lane.servers.first()?, since, until))
    });
    views.take(LISTED).map(|(server, since, until)| drain(state, live, server, (since, until), now)).collect()
}

fn drain(
    state: &State,
    live: &Live,
    server: &ServerName,
    (since, until): (Duration, Option<Duration>),
    now: Duration,
) -> DrainView {
    let shown = live.servers.get(server);
    let points = usize::try_from(now.saturating_sub(since).as_secs() + 1).unwrap_or(CURVE).min(CURVE);
    let sank = shown.map_or_else(Vec::new, |shown| {
        let skip = shown.flight.len().saturating_sub(points);
        shown.flight.iter().skip(skip).copied().collect()
    });
    let choices = [DrainChoice::Wait, DrainChoice::GoOn, DrainChoice::Kill, DrainChoice::PutBack];
    let refused = choices.into_iter().filter_map(|choice| {
        let why = operate::refusal(state, &Command::Cut(server.clone(), choice))?;
        Some((choice.to_string(), Printable::new(&why)))
    });
    let member = state.member(server);
    let held_by = member.into_iter().flat_map(|member| live.held_by(member));
    DrainView {
        server: server.clone(),
        since_ms: as_millis(now.saturating_sub(since)),
        left_ms: until.map(|until| as_millis(until.saturating_sub(now))),
        timeout_ms: as_millis(state.beginning.policy.drain_timeout),
        sank,
        held_by: held_by.map(|(node, count)| (Printable::new(node.as_str()), count)).collect(),
        refused: refused.collect(),
    }
}
