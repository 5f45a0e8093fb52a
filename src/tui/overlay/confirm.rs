//! What a command will do, and Enter to have it done.

use super::{lines, paragraph};
use crate::engine::snapshot::Snapshot;
use crate::rollout::{Command, ContractWhen};
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::{View, money::price_look, text::clock};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// A command that waits for Enter.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    pub command: Command,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
}

impl Confirm {
    /// Draws it, with the price and the steps as they are now.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let columns = super::columns(area);
        let mut said = Vec::new();
        for sentence in sentences(&self.command, view.snapshot, &view.keys.said(Action::Exclude)) {
            said.extend(paragraph(view, Role::Plain, &sentence, columns));
        }
        if self.command == Command::RollBack {
            let price = &view.snapshot.price;
            let (glyph, role) = price_look(price.kind);
            said.extend(paragraph(view, role, &format!("{glyph} {}", price.text), columns));
            for (number, step) in price.steps.iter().enumerate() {
                said.extend(paragraph(view, Role::Plain, &format!("{}. {step}", number + 1), columns));
            }
        }
        said.push(Line::default());
        said.push(Line::from(vec![
            view.span(Role::Key, " Enter"),
            view.span(Role::Plain, format!(" {}   ", title(&self.command))),
            view.span(Role::Key, "Esc"),
            view.span(Role::Plain, " back, nothing is done"),
        ]));
        lines(view, title(&self.command), said, 0, area, buffer);
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
        Command::Contract(ContractWhen::Now) => "Contract",
        Command::Contract(ContractWhen::Later) => "Leave contract for later",
        Command::Accept(..) => "Accept a gate",
        Command::Note(_) => "Note",
        Command::HandOver(_) => "Hand over",
        Command::TakeOver { .. } => "Take over",
    }
}

/// What will happen, in sentences. `exclude` is the key for that.
fn sentences(command: &Command, snapshot: &Snapshot, exclude: &str) -> Vec<String> {
    let prompt = &snapshot.prompt;
    let first = if prompt.enter.is_empty() { Vec::new() } else { vec![format!("First: {}.", prompt.enter)] };
    match command {
        Command::Automatic => {
            let mut said = vec![
                "Goes on by itself while every gate passes, and stops before the phases of stop_before. Space holds at any time."
                    .to_owned(),
            ];
            said.extend(first);
            said
        }
        Command::RollBack => {
            vec!["Nothing new begins; what runs finishes; then every server goes back to current. Now:".to_owned()]
        }
        Command::Exclude(name) => vec![
            format!("{name} stays out of rotation to the end. The capacity of its half is checked again without it."),
            format!("Contract waits until it answers next, or is declared gone ({exclude} once more)."),
        ],
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
        Command::Contract(ContractWhen::Later) => vec![
            "The rollout ends with contract pending; halfstep contract runs the migrations later, behind the same gates."
                .to_owned(),
        ],
        Command::SwitchAgain => vec!["Half A goes in and half B out, on every node, in one operation.".to_owned()],
        Command::Go
        | Command::Hold
        | Command::Retry(_)
        | Command::Gone(_)
        | Command::Cut(..)
        | Command::Contract(ContractWhen::Now)
        | Command::Accept(..)
        | Command::HandOver(_)
        | Command::Note(_) => vec![command.to_string()],
    }
}
