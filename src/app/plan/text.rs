//! A plan as text: one block a phase, commands as they will be sent.

use super::shown::{Shown, ShownPhase};
use crate::engine::rendering::{NodeCommands, ShownLane, ShownStage, ShownStep};
use crate::model::{PhaseName, Printable, ServerName};
use crate::rollout::event::Purpose;
use std::fmt::{self, Display, Formatter};

/// The plan, to be printed.
pub struct Text<'a>(pub &'a Shown);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plan = self.0;
        match plan.purpose {
            Purpose::Rollout => writeln!(
                f,
                "{}  {} -> {}   (release {}, back to {})",
                plan.pool, plan.current, plan.next, plan.release, plan.from
            )?,
            Purpose::Restart => writeln!(f, "{}  restart on {}", plan.pool, plan.current)?,
            Purpose::Switch(goal) => writeln!(f, "{}  switch to {goal} on {}", plan.pool, plan.next)?,
        }
        let lists = [
            ("half A", &plan.half_a),
            ("half B", &plan.half_b),
            ("workers", &plan.workers),
            ("left alone", &plan.left),
            ("on next already", &plan.on_next),
            ("drained first", &plan.drain_first),
        ];
        for (title, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            writeln!(f, "{title:<16}{}", list(names))?;
        }
        for node in &plan.nodes {
            let about = &node.capabilities;
            writeln!(f, "{:<16}{} ({}): {}", "node", node.name, node.kind, Printable::new(&about.switch))?;
        }
        writeln!(f, "{:<16}{}", "mixed window", plan.mixed_window.words)?;
        let width = plan.phases.iter().map(|phase| phase.name.word().len()).max().unwrap_or(0);
        for (index, phase) in plan.phases.iter().enumerate() {
            writeln!(f)?;
            one_phase(f, index + 1, phase, width)?;
        }
        Ok(())
    }
}

fn one_phase(f: &mut Formatter<'_>, number: usize, phase: &ShownPhase, width: usize) -> fmt::Result {
    let word = phase.name.word();
    if phase.stages.is_empty() {
        // Preflight looks, also where it has nothing to run.
        let does = if phase.name == PhaseName::Preflight { phase.does.as_str() } else { "nothing to do" };
        return writeln!(f, "{number:>2} {word:<width$}  {does}");
    }
    let stops = if phase.stops { "   [an automatic run stops before it]" } else { "" };
    writeln!(f, "{number:>2} {word:<width$}  {}{stops}", Printable::new(&phase.does))?;
    if !phase.gates.is_empty() {
        let gate = |gate: &super::shown::ShownGate| match &gate.off {
            Some(why) => format!("{} (off: {why})", gate.name),
            None => gate.name.to_string(),
        };
        writeln!(f, "     gates: {}", phase.gates.iter().map(gate).collect::<Vec<_>>().join(", "))?;
    }
    for stage in &phase.stages {
        one_stage(f, stage)?;
    }
    writeln!(f, "     rolling back from here: {}", phase.price)
}

fn one_stage(f: &mut Formatter<'_>, stage: &ShownStage) -> fmt::Result {
    match stage {
        ShownStage::Wait { seconds } => writeln!(f, "     wait {seconds} s"),
        ShownStage::Change { into, out, commands, .. } => {
            let out = if out.is_empty() { String::new() } else { format!(" · out: {}", list(out)) };
            writeln!(f, "     in: {}{out}", list(into))?;
            to_nodes(f, commands)
        }
        ShownStage::Lanes { at_once, lanes } => {
            if usize::from(*at_once) < lanes.len() {
                writeln!(f, "     {at_once} at once")?;
            }
            lanes.iter().try_for_each(|lane| one_lane(f, lane))
        }
    }
}

fn one_lane(f: &mut Formatter<'_>, lane: &ShownLane) -> fmt::Result {
    let name = list(&lane.servers);
    // Steps without commands stand on one line.
    if lane.steps.iter().all(|step| step.commands.is_empty() && step.nodes.is_empty()) {
        let words: Vec<&str> = lane.steps.iter().map(|step| step.step).collect();
        return writeln!(f, "     {}", [name, words.join(", ")].join("  ").trim_start());
    }
    if !name.is_empty() {
        writeln!(f, "     {name}")?;
    }
    lane.steps.iter().try_for_each(|step| one_step(f, step))
}

fn one_step(f: &mut Formatter<'_>, step: &ShownStep) -> fmt::Result {
    if step.commands.is_empty() {
        writeln!(f, "       {}", step.step)?;
    }
    for command in &step.commands {
        writeln!(f, "       {:<14}$ {}", step.step, Printable::new(command))?;
    }
    to_nodes(f, &step.nodes)
}

fn to_nodes(f: &mut Formatter<'_>, nodes: &[NodeCommands]) -> fmt::Result {
    for node in nodes {
        for command in &node.commands {
            writeln!(f, "       {}  {}", node.node, Printable::new(command))?;
        }
    }
    Ok(())
}

fn list(names: &[ServerName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
