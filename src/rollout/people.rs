//! Who sits at the screens, and which of them drives.
//!
//! 1. The first screen drives; those that come later observe.
//! 2. Only the driver's keys are commands. Shell commands are from a shell, and need no screen.
//! 3. The driver hands over: to one who observes, or to whoever takes it next.
//! 4. Where nobody drives, anybody who observes may take it. Where somebody does, taking over needs a reason.
//! 5. A screen that came only to watch never drives.
//!
//! What a login is, and that a screen is there, is seen by the engine (`engine::listen`).

use super::command::Command;
use crate::model::Printable;
use serde::{Deserialize, Serialize};

/// The engine's number for a screen; none is used twice while that engine lives.
pub type ScreenNumber = u32;

/// What a screen came for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// To drive, now or when it is its turn.
    Drive,
    /// Only to watch (`--observe`).
    Watch,
}

/// Somebody at a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub screen: ScreenNumber,
    /// As the system says.
    pub login: Printable,
    pub wish: Wish,
}

/// Everybody who is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct People {
    /// In the order in which they came.
    pub there: Vec<Person>,
    pub driver: Option<ScreenNumber>,
}

impl People {
    /// The one at that screen.
    #[must_use]
    pub fn at(&self, screen: ScreenNumber) -> Option<&Person> {
        self.there.iter().find(|person| person.screen == screen)
    }

    /// Who drives.
    #[must_use]
    pub fn driving(&self) -> Option<&Person> {
        self.at(self.driver?)
    }

    /// Somebody sits down. Drives at once where nobody else is there who could.
    pub fn came(&mut self, person: Person) {
        if self.at(person.screen).is_some() {
            return;
        }
        let alone = self.driver.is_none() && self.there.iter().all(|other| other.wish == Wish::Watch);
        if alone && person.wish == Wish::Drive {
            self.driver = Some(person.screen);
        }
        self.there.push(person);
    }

    /// A screen is gone. What it drove, the next may take.
    pub fn left(&mut self, screen: ScreenNumber) {
        self.there.retain(|person| person.screen != screen);
        self.driver = self.driver.filter(|driver| *driver != screen);
    }

    /// Why who sits there (`None`: a shell command, or nobody) may not give that command.
    #[must_use]
    pub fn refusal(&self, screen: Option<ScreenNumber>, command: &Command) -> Option<String> {
        let Some(screen) = screen else {
            return matches!(command, Command::HandOver(_) | Command::TakeOver { .. })
                .then(|| "only a screen drives: halfstep attach, then h".to_owned());
        };
        let Some(person) = self.at(screen) else {
            return Some("the engine does not know this screen yet: press it again".to_owned());
        };
        if person.wish == Wish::Watch {
            return Some("this screen only watches: attach without --observe to drive".to_owned());
        }
        let drives = self.driver == Some(screen);
        if let Command::TakeOver { from, why } = command {
            return self.refuse_take(drives, *from, why);
        }
        if !drives {
            return Some(self.driver_only());
        }
        if let Command::HandOver(Some(to)) = command { self.refuse_hand(screen, *to) } else { None }
    }

    fn refuse_take(&self, drives: bool, from: Option<ScreenNumber>, why: &Printable) -> Option<String> {
        if drives {
            Some("you drive already".to_owned())
        } else if from != self.driver {
            Some(format!("it has changed hands: {}; look again", self.who_drives()))
        } else if from.is_some() && why.is_empty() {
            Some(format!("{}: taking over needs a reason", self.who_drives()))
        } else {
            None
        }
    }

    fn refuse_hand(&self, screen: ScreenNumber, to: ScreenNumber) -> Option<String> {
        match self.at(to) {
            None => Some("whoever that was has left: look again".to_owned()),
            Some(other) if other.wish == Wish::Watch => Some(format!("{} came only to watch", other.login)),
            Some(other) if other.screen == screen => Some("you drive already".to_owned()),
            Some(_) => None,
        }
    }

    /// As `anna drives`.
    fn who_drives(&self) -> String {
        self.driving().map_or_else(|| "nobody drives".to_owned(), |driver| format!("{} drives", driver.login))
    }

    /// Why an observer's key is no command, and what to do.
    fn driver_only(&self) -> String {
        match self.driving() {
            Some(driver) => format!("{} drives and you observe: h takes over, with a reason", driver.login),
            None => "nobody drives: h takes it".to_owned(),
        }
    }

    /// Does what was asked, where it is not refused.
    pub fn obey(&mut self, screen: Option<ScreenNumber>, command: &Command) {
        if let Command::HandOver(to) = command {
            self.driver = *to;
        } else if matches!(command, Command::TakeOver { .. }) {
            self.driver = screen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(wishes: &[Wish]) -> People {
        let mut people = People::default();
        for (screen, wish) in (1..).zip(wishes) {
            people.came(Person { screen, login: Printable::new(&format!("login{screen}")), wish: *wish });
        }
        people
    }

    fn take(from: Option<ScreenNumber>, why: &str) -> Command {
        Command::TakeOver { from, why: Printable::new(why) }
    }

    #[test]
    fn one_the_first_drives_and_later_ones_observe() {
        let people = people(&[Wish::Watch, Wish::Drive, Wish::Drive]);
        assert_eq!(people.driver, Some(2));
        assert_eq!(people.refusal(Some(2), &Command::Go), None);
        let why = people.refusal(Some(3), &Command::Hold).expect("refused");
        assert_eq!(why, "login2 drives and you observe: h takes over, with a reason");
    }

    #[test]
    fn two_a_shell_needs_no_screen_and_cannot_drive() {
        let people = people(&[Wish::Drive]);
        assert_eq!(people.refusal(None, &Command::RollBack), None);
        assert!(people.refusal(None, &take(Some(1), "why")).is_some());
        assert!(people.refusal(Some(9), &Command::Go).is_some(), "a screen that nobody has seen");
    }

    #[test]
    fn three_the_driver_hands_over_and_only_to_who_may_drive() {
        let mut people = people(&[Wish::Drive, Wish::Drive, Wish::Watch]);
        for (to, refused) in [(Some(1), true), (Some(2), false), (Some(3), true), (Some(4), true), (None, false)] {
            assert_eq!(people.refusal(Some(1), &Command::HandOver(to)).is_some(), refused, "{to:?}");
        }
        assert!(people.refusal(Some(2), &Command::HandOver(None)).is_some());
        people.obey(Some(1), &Command::HandOver(Some(2)));
        assert_eq!(people.driver, Some(2));
        assert!(people.refusal(Some(1), &Command::Go).is_some());
    }

    #[test]
    fn four_taking_over_needs_a_reason_only_from_somebody_and_names_whom() {
        let mut people = people(&[Wish::Drive, Wish::Drive, Wish::Drive]);
        assert!(people.refusal(Some(2), &take(Some(1), "")).is_some());
        assert!(people.refusal(Some(2), &take(None, "he sleeps")).is_some(), "it believed that nobody drives");
        assert_eq!(people.refusal(Some(2), &take(Some(1), "he sleeps")), None);
        people.obey(Some(2), &take(Some(1), "he sleeps"));
        assert_eq!(people.driver, Some(2));
        let late = people.refusal(Some(3), &take(Some(1), "he sleeps")).expect("refused");
        assert!(late.contains("login2 drives"), "{late}");
        people.left(2);
        assert_eq!(people.driver, None, "nobody gets it unasked");
        assert!(people.refusal(Some(1), &Command::Go).expect("refused").contains("h takes it"));
        assert_eq!(people.refusal(Some(3), &take(None, "")), None);
    }

    #[test]
    fn five_who_came_to_watch_never_drives() {
        let mut people = people(&[Wish::Drive, Wish::Watch]);
        people.left(1);
        for command in [Command::Go, Command::Note("x".into()), take(None, "why"), Command::HandOver(None)] {
            assert!(people.refusal(Some(2), &command).expect("refused").contains("--observe"));
        }
    }

    #[test]
    fn who_comes_where_others_wait_does_not_get_it_unasked() {
        let mut people = people(&[Wish::Drive, Wish::Drive]);
        people.left(1);
        people.came(Person { screen: 7, login: "late".into(), wish: Wish::Drive });
        assert_eq!(people.driver, None);
        people.left(2);
        people.left(7);
        people.came(Person { screen: 8, login: "back".into(), wish: Wish::Drive });
        assert_eq!(people.driver, Some(8));
    }
}
