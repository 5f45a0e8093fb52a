//! What actions do while something lies over the screen, as far as they confirm, choose or type; moving, searching and
//! copying is in [`super::browse`].
//!
//! Nothing here closes an overlay because the world moved on: the next Enter would then mean something else. Instead a
//! confirmation whose prompt has changed since it was opened asks once more.

use super::field::type_into;
use super::migrations::Closer;
use super::plan::{Item, is_acceptable};
use super::verb::{self, Order};
use super::{Confirm, Drain, Overlay, Purpose, TextField, command_line};
use crate::model::{GateName, Printable};
use crate::rollout::{Command, ContractWhen, DrainChoice};
use crate::tui::action::Action;
use crate::tui::app::{App, Ask};
use crate::tui::filter::Filter;
use crate::tui::theme::Role;

const MOVED_ON: &str = "things have moved on since you opened this: look again, then once more";
/// Lines that are kept to be called back.
const KEPT_LINES: usize = 100;

impl App {
    pub(in crate::tui) fn update_overlay(&mut self, action: Action) -> Ask {
        match (action, self.overlays.last_mut()) {
            (Action::Back, Some(Overlay::Text(TextField { purpose: Purpose::Filter(before), .. }))) => {
                self.filter = std::mem::take(before);
                self.close();
                Ask::Nothing
            }
            (Action::Back, Some(Overlay::Themes(themes))) => {
                let before = std::mem::take(&mut themes.before);
                self.close();
                self.try_theme(&before);
                Ask::Nothing
            }
            (Action::Back, _) => {
                self.close();
                Ask::Nothing
            }
            (Action::Confirm, Some(_)) => self.confirmed(),
            (Action::Choose(choice), Some(Overlay::Drain(_))) => self.choose(choice),
            (Action::Type(_) | Action::Rub | Action::RubAll | Action::Complete, _) => {
                self.typed_key(action);
                self.filter_as_typed();
                Ask::Nothing
            }
            (Action::Judge, Some(Overlay::Migrations(_))) => self.judge(),
            (Action::Look(closer), Some(Overlay::Migrations(_))) => self.look_closer(closer),
            (action, _) => self.browse(action),
        }
    }

    fn typed_key(&mut self, action: Action) {
        let names = self.names();
        let text = match self.overlays.last_mut() {
            Some(Overlay::Text(field)) => &mut field.text,
            Some(Overlay::CommandLine(line)) if action == Action::Complete => return line.complete(&names),
            Some(Overlay::CommandLine(line)) => &mut line.text,
            Some(
                Overlay::Confirm(_)
                | Overlay::Drain(_)
                | Overlay::Plan(_)
                | Overlay::Log(_)
                | Overlay::Output(_)
                | Overlay::Explain(_)
                | Overlay::Themes(_)
                | Overlay::Seats(_)
                | Overlay::Migrations(_)
                | Overlay::Help(_),
            )
            | None => return,
        };
        if let Action::Type(c) = action {
            type_into(text, c);
        } else if action == Action::Rub {
            text.pop();
        } else if action == Action::RubAll {
            text.clear();
        }
    }

    fn choose(&mut self, choice: DrainChoice) -> Ask {
        let Some(Overlay::Drain(drain)) = self.overlays.last_mut() else { return Ask::Nothing };
        if let Some(why) = drain.refusal(&self.shown, choice) {
            let why = why.to_string();
            drain.choice = None;
            return self.refuse(&choice.to_string(), why);
        }
        if drain.choice != Some(choice) {
            drain.choice = Some(choice);
            self.turned();
        }
        Ask::Nothing
    }

    fn confirmed(&mut self) -> Ask {
        let shown = self.shown.prompt.number;
        match self.overlays.last_mut() {
            Some(Overlay::Confirm(confirm)) => {
                // The way back is shown live and is always open, and who drives is no matter of the prompt: not asked for twice.
                let stands_alone = matches!(confirm.command, Command::RollBack | Command::TakeOver { .. });
                if confirm.prompt != shown && !stands_alone {
                    confirm.prompt = shown;
                    return self.say(MOVED_ON);
                }
                let command = confirm.command.clone();
                self.send_and_close(command)
            }
            Some(Overlay::Drain(drain)) => {
                let Some(command) = drain.command() else { return self.say("choose one of the four first") };
                if drain.prompt != shown {
                    drain.prompt = shown;
                    return self.say(MOVED_ON);
                }
                self.send_and_close(command)
            }
            Some(Overlay::Text(_)) => self.text_confirmed(),
            Some(Overlay::CommandLine(_)) => self.line_confirmed(),
            Some(Overlay::Seats(seats)) => {
                let command = seats.command();
                self.send_and_close(command)
            }
            Some(Overlay::Plan(plan)) => match plan.selected(&self.shown) {
                Some(Item::Gate(_, gate)) => self.accept(gate, String::new()),
                Some(Item::Phase(phase)) => {
                    plan.turn(phase);
                    Ask::Nothing
                }
                Some(Item::Step(..)) | None => {
                    let go = self.keys().said(Action::Go);
                    self.say(format!("a step begins when its phase does: {go} on the rollout begins it"))
                }
            },
            Some(Overlay::Log(log)) => match log.selected(&self.shown).and_then(|(_, entry)| entry.output.clone()) {
                Some(path) => Ask::Read(path),
                None => self.say("this line has no output: only commands that were run have"),
            },
            Some(Overlay::Output(output)) if output.is_file() => Ask::Read(output.path.clone()),
            Some(Overlay::Output(_)) => self.say("this was said once: go back, and ask again"),
            Some(Overlay::Migrations(migrations)) => {
                migrations.turn(&self.shown);
                Ask::Nothing
            }
            Some(Overlay::Themes(themes)) => {
                let name = themes.name().to_owned();
                self.close();
                self.keep_theme(&name)
            }
            Some(Overlay::Help(_) | Overlay::Explain(_)) | None => Ask::Nothing,
        }
    }

    fn text_confirmed(&mut self) -> Ask {
        let shown = self.shown.prompt.number;
        let Some(Overlay::Text(field)) = self.overlays.last_mut() else { return Ask::Nothing };
        match field.command() {
            Err(why) => self.say(why),
            Ok(Some(command @ Command::TakeOver { .. })) => {
                let prompt = field.prompt;
                self.close();
                self.open(Overlay::Confirm(Confirm::new(command, prompt)))
            }
            Ok(Some(command)) => {
                if field.prompt != shown && field.purpose != Purpose::Note {
                    field.prompt = shown;
                    return self.say(MOVED_ON);
                }
                self.send_and_close(command)
            }
            Ok(None) if field.purpose == Purpose::Search => {
                let text = field.text.trim().to_owned();
                self.search(&text)
            }
            Ok(None) => {
                self.close();
                self.filtered()
            }
        }
    }

    /// Says what the filter does; a selected server that it hides is no longer selected.
    fn filtered(&mut self) -> Ask {
        let hidden =
            |app: &App| app.selected.as_ref().and_then(|name| app.server(name)).is_some_and(|server| !app.filter.matches(server));
        if hidden(self) {
            self.selected = None;
        }
        let shown = self.shown.servers.iter().filter(|server| self.filter.matches(server)).count();
        if self.filter.is_empty() || shown > 0 {
            return Ask::Nothing;
        }
        let text = self.filter.text();
        self.say(format!("no server matches {text}"))
    }

    /// Does what the line says as its key would; a line that is not understood stays to be corrected.
    fn line_confirmed(&mut self) -> Ask {
        let (shown, names) = (self.shown.prompt.number, self.names());
        let Some(Overlay::CommandLine(line)) = self.overlays.last_mut() else { return Ask::Nothing };
        let text = line.text.trim().to_owned();
        if text.is_empty() {
            self.close();
            return Ask::Nothing;
        }
        let order = match verb::order(&text, &names) {
            Ok(order) => order,
            Err(why) => return self.say(why),
        };
        let at_once = matches!(order, Order::Key(Action::Go) | Order::Retry(_));
        if at_once && line.prompt != shown {
            line.prompt = shown;
            return self.say(MOVED_ON);
        }
        self.close();
        self.typed.retain(|one| *one != text);
        self.typed.push(text);
        if self.typed.len() > KEPT_LINES {
            self.typed.remove(0);
        }
        self.ordered(order)
    }

    fn ordered(&mut self, order: Order) -> Ask {
        let prompt = self.shown.prompt.number;
        match order {
            Order::Key(action) => self.act(action),
            Order::Retry(server) => self.command(Command::Retry(server)),
            Order::Exclude(server) => self.confirm(Command::Exclude(server)),
            Order::Gone(server) => self.ask_for("gone", Purpose::Gone(server)),
            Order::Drain(server) => self.open(Overlay::Drain(Drain::new(server, prompt))),
            Order::Cut(server, choice) => match self.refusal("cut") {
                Some(why) => self.refuse("cut", why),
                None => {
                    self.open(Overlay::Drain(Drain::new(server, prompt)));
                    self.choose(choice)
                }
            },
            Order::Contract(ContractWhen::Later) => self.act(Action::ContractLater),
            Order::Contract(ContractWhen::Now) => match self.shown.prompt.typed_word.clone() {
                Some(word) => self.ask_for("contract", Purpose::Contract(word)),
                None => {
                    let why = self.refusal("contract").unwrap_or_else(|| "contract is not next".to_owned());
                    self.refuse("contract", why)
                }
            },
            Order::Accept(gate, reason) => self.accept(gate, reason),
            Order::Note(text) => self.command(Command::Note(Printable::new(&text))),
            Order::Theme(name) => self.keep_theme(&name),
            Order::Filter(text) => {
                self.filter = Filter::new(&text);
                self.filtered()
            }
        }
    }

    /// What a line may hold.
    pub(in crate::tui) fn names(&self) -> verb::Names {
        let themes = self.likes().looks().iter().map(|look| look.name.clone()).collect();
        command_line::names(&self.shown, themes)
    }

    /// Opens a line in which a word, a name or a reason is typed, unless it would be refused.
    pub(in crate::tui) fn ask_for(&mut self, word: &str, purpose: Purpose) -> Ask {
        match self.refusal(word) {
            Some(why) => self.refuse(word, why),
            None => self.open(Overlay::Text(TextField::new(purpose, self.shown.prompt.number))),
        }
    }

    pub(in crate::tui) fn confirm(&mut self, command: Command) -> Ask {
        match self.refusal(command.word()) {
            Some(why) => self.refuse(command.word(), why),
            None => self.open(Overlay::Confirm(Confirm::new(command, self.shown.prompt.number))),
        }
    }

    fn send_and_close(&mut self, command: Command) -> Ask {
        let ask = self.command(command);
        if ask != Ask::Nothing {
            self.close();
        }
        ask
    }

    /// Opens the line in which somebody says where the selected migration belongs.
    fn judge(&mut self) -> Ask {
        let Some(name) = self.selected_migration() else { return self.say("no migration of this rollout is run by halfstep") };
        self.ask_for("judge", Purpose::Judge(name))
    }

    fn selected_migration(&self) -> Option<Printable> {
        let Some(Overlay::Migrations(migrations)) = self.overlays.last() else { return None };
        migrations.selected(&self.shown).map(|item| item.file().clone())
    }

    fn look_closer(&mut self, closer: Closer) -> Ask {
        let Some(name) = self.selected_migration() else { return self.say("there is no file here to look at") };
        let words = closer.words(&self.shown.pending.config, name.as_str());
        self.tell(Role::Dim, format!("halfstep {} …", words.join(" ")));
        Ask::Work(words)
    }

    fn accept(&mut self, name: GateName, reason: String) -> Ask {
        let Some(gate) = self.shown.gates.iter().find(|gate| gate.name == name).cloned() else {
            return self.say(format!("the gate {name} does not stand before the next phase"));
        };
        if !name.may_be_accepted() {
            return self.say(format!("{name} stands behind a promise and is never accepted by hand"));
        }
        if !is_acceptable(&gate) {
            return self.say(format!("{name} is {}: only an unknown gate can be accepted", gate.verdict));
        }
        if let Some(why) = self.refusal("accept") {
            return self.refuse("accept", why);
        }
        let field = TextField { text: reason, ..TextField::new(Purpose::Accept(name), self.shown.prompt.number) };
        self.open(Overlay::Text(field))
    }
}
