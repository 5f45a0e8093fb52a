//! What a command will do, and Enter to have it done. The way back is told in [`super::rollback`].

use super::{keys, lines, paragraph, rollback};
use crate::engine::snapshot::Snapshot;
use crate::rollout::{Command, ContractWhen};
use crate::tui::action::Action;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::{View, text::clock};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// A command that waits for Enter.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    pub command: Command,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
    /// How far it was scrolled.
    pub from: usize,
}

impl Confirm {
    /// Waits from now on.
    #[must_use]
    pub fn new(command: Command, prompt: u64) -> Confirm {
        Confirm { command, prompt, from: 0 }
    }

    /// Scrolls; the end is found when it is drawn.
    pub fn scroll(&mut self, by: isize, view_height: u16, snapshot: &Snapshot) {
        let most = if self.command == Command::RollBack { rollback::length(snapshot) } else { 0 };
        let most = most.saturating_sub(super::most_rows(view_height).saturating_sub(2));
        self.from = self.from.saturating_add_signed(by).min(most);
    }

    /// Draws it, with the price and the steps as they are now.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let columns = super::columns(area);
        let mut said = Vec::new();
        if self.command == Command::RollBack {
            said = rollback::lines(view, columns);
        } else {
            for sentence in sentences(&self.command, view) {
                said.extend(paragraph(view, Role::Plain, &sentence, columns));
            }
        }
        let hint = keys(
            view,
            Context::Confirm,
            &[(Action::Confirm, &title(&self.command).to_lowercase()), (Action::Back, "back, nothing is done")],
        );
        lines(view, title(&self.command), (said, vec![Line::default(), hint]), self.from, area, buffer);
    }
}

fn title(command: &Command) -> &'static str {
    match command {
        Command::Go => "Go on",
        Command::Automatic => "Go on by itself",
        Command::Hold => "Hold",
        Command::RollBack => "Roll back",
        Command::Retry(_) => "Retry",
        Command::Exclude(_) => "Exclude",
        Command::Gone(_) => "Declare gone",
        Command::Cut(..) => "Cut a drain",
        Command::SkipBake => "Skip the bake",
        Command::SwitchAgain => "Switch again",
        Command::Contract(ContractWhen::Later) => "Leave it for later",
        Command::Contract(ContractWhen::Now) => "Contract",
        Command::Accept(..) => "Accept a gate",
        Command::Judge { .. } => "Decide about a migration",
        Command::Note(_) => "Note",
        Command::HandOver(_) => "Hand over",
        Command::TakeOver { .. } => "Take over",
    }
}

/// What will happen, in sentences.
fn sentences(command: &Command, view: &View) -> Vec<String> {
    let snapshot = view.snapshot;
    let prompt = &snapshot.prompt;
    let hold = view.keys.said_in(Context::Rollout, Action::Hold);
    match command {
        Command::Automatic => {
            let stops: Vec<String> =
                snapshot.plan.iter().filter(|phase| phase.stops).map(|phase| phase.name.to_string()).collect();
            let stops =
                if stops.is_empty() { "nowhere but at the contract".to_owned() } else { format!("before {}", stops.join(", ")) };
            let mut said =
                vec![format!("Goes on by itself while every gate passes, and stops {stops}. {hold} holds at any time.")];
            if !prompt.enter.is_empty() {
                said.push(format!("First: {}.", prompt.enter));
            }
            said
        }
        Command::Exclude(name) => {
            let again = view.keys.said_in(Context::Rollout, Action::Exclude);
            vec![
                format!("{name} stays out of rotation to the end. The capacity of its half is checked again without it."),
                format!("Contract waits until it answers next, or is declared gone ({again} once more)."),
                format!("Now: {}.", snapshot.traffic.capacity),
            ]
        }
        Command::SkipBake => {
            let left = prompt.countdown_ms.map(|ms| format!("{} of the bake are left. ", clock(ms))).unwrap_or_default();
            vec![
                format!("{left}After the bake half B is stopped, and going back is no longer instant."),
                format!("Going back now: {}", snapshot.price.text),
            ]
        }
        Command::TakeOver { why, .. } => {
            let driver = snapshot.rollout.people.driving().map(|driver| driver.login.to_string());
            vec![
                format!("{} drives now and will observe.", driver.unwrap_or_else(|| "Nobody".to_owned())),
                format!("The journal keeps who took over and why: {why}"),
            ]
        }
        Command::SwitchAgain => vec!["Half A goes in and half B out, on every node, in one operation.".to_owned()],
        Command::Contract(ContractWhen::Later) => vec![
            "The migrations that remove do not run now, and the rollout ends with contract pending.".to_owned(),
            "`halfstep contract` runs them later, with the same gates. Until then old and new code both work.".to_owned(),
        ],
        Command::RollBack
        | Command::Go
        | Command::Hold
        | Command::Retry(_)
        | Command::Gone(_)
        | Command::Cut(..)
        | Command::Contract(ContractWhen::Now)
        | Command::Accept(..)
        | Command::Judge { .. }
        | Command::HandOver(_)
        | Command::Note(_) => vec![command.to_string()],
    }
}
