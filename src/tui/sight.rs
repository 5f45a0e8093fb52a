//! Which picture a person has before them, so that a key means what the screen said when it was pressed, on a link of
//! any length too.
//!
//! A terminal answers questions in the order in which it draws, and its answer stands among the keys. So after each
//! picture on which Enter means something else the cursor is put into a column and the terminal is asked where it is: a
//! key that comes before the answer was pressed before the picture was there. What such a key may do all the same
//! (hold; look at something) is decided in [`super::app`]. It knows no clock: a terminal that does not answer is given up
//! by the loop.

use std::collections::VecDeque;

/// More questions than this are not asked at once: a link that is so far behind is asked again when it answers. Each has
/// a column of its own, and the smallest terminal has more.
const MOST_WAITING: u16 = 32;
/// The first of the columns. Not the first of the screen, where a cursor stands anyway.
const FIRST_COLUMN: u16 = 3;

/// What decides what Enter means on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// The prompt's number.
    pub prompt: u64,
    /// Goes up whenever something is laid over the screen, taken away, or chosen in it.
    pub turn: u64,
}

/// Is the terminal to be asked?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// With the cursor in that column.
    Ask(u16),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    /// What is drawn counts as seen.
    Trusted,
    Asked,
    /// It has not answered in time; one late answer, and it is asked again.
    Silent,
}

/// What was drawn and what was seen.
#[derive(Debug)]
pub struct Sight {
    terminal: Terminal,
    asked: Option<Picture>,
    /// Questions without an answer, oldest first, with their columns.
    waiting: VecDeque<(u16, Picture)>,
    next: u16,
    seen: Option<Picture>,
}

impl Sight {
    /// Of a terminal that is never asked.
    #[must_use]
    pub fn trusted() -> Sight {
        Sight { terminal: Terminal::Trusted, asked: None, waiting: VecDeque::new(), next: 0, seen: None }
    }

    /// Of a terminal that is asked after each picture.
    #[must_use]
    pub fn asked() -> Sight {
        Sight { terminal: Terminal::Asked, ..Sight::trusted() }
    }

    /// That picture is sent now.
    pub fn draws(&mut self, picture: Picture) -> Question {
        let known = self.terminal == Terminal::Trusted || self.asked == Some(picture);
        if known || self.waiting.len() >= usize::from(MOST_WAITING) {
            return Question::Nothing;
        }
        self.asked = Some(picture);
        let column = FIRST_COLUMN + self.next;
        self.next = (self.next + 1) % MOST_WAITING;
        self.waiting.push_back((column, picture));
        Question::Ask(column)
    }

    /// The terminal says that its cursor is in that column. One that answers without having put it there is believed
    /// to have drawn all that it was sent.
    pub fn answered(&mut self, column: u16) {
        let at = self.waiting.iter().position(|(asked, _)| *asked == column).or(self.waiting.len().checked_sub(1));
        if let Some((_, picture)) = at.and_then(|at| self.waiting.drain(..=at).next_back()) {
            self.seen = Some(picture);
            self.terminal = Terminal::Asked;
        }
    }

    /// It has not answered anything for too long: if it never did, what is drawn counts as seen.
    pub fn waited_in_vain(&mut self) {
        if self.seen.is_none() && self.terminal == Terminal::Asked {
            self.terminal = Terminal::Silent;
        }
    }

    /// Is an answer on its way?
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.terminal == Terminal::Asked && self.seen.is_some() && !self.waiting.is_empty()
    }

    /// Has it answered at least once, or is it not expected to?
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.seen.is_some() || self.terminal != Terminal::Asked
    }

    /// Does the person have that picture before them?
    #[must_use]
    pub fn sees(&self, picture: Picture) -> bool {
        self.terminal != Terminal::Asked || self.seen == Some(picture)
    }

    /// Do they see at least what lies over the screen? Prompts may have gone on below it.
    #[must_use]
    pub fn sees_turn(&self, turn: u64) -> bool {
        self.terminal != Terminal::Asked || self.seen.is_some_and(|seen| seen.turn == turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(prompt: u64, turn: u64) -> Picture {
        Picture { prompt, turn }
    }

    /// The column of a question.
    fn asks(question: Question) -> u16 {
        match question {
            Question::Ask(column) => column,
            Question::Nothing => panic!("nothing was asked"),
        }
    }

    #[test]
    fn a_picture_is_seen_once_the_terminal_has_answered_for_it() {
        let mut sight = Sight::asked();
        let first = asks(sight.draws(picture(1, 0)));
        assert!(!sight.sees(picture(1, 0)));
        assert_eq!(sight.draws(picture(1, 0)), Question::Nothing, "asked once");
        let second = asks(sight.draws(picture(2, 0)));
        sight.answered(first);
        assert!(sight.sees(picture(1, 0)) && !sight.sees(picture(2, 0)));
        sight.answered(second);
        assert!(sight.sees(picture(2, 0)) && sight.sees_turn(0) && !sight.sees_turn(1));
        sight.answered(first);
        assert!(sight.sees(picture(2, 0)), "an answer that nobody asked for means nothing");
    }

    #[test]
    fn a_lost_answer_and_one_from_another_place_do_not_leave_us_behind() {
        let mut sight = Sight::asked();
        sight.draws(picture(1, 0));
        let second = asks(sight.draws(picture(2, 0)));
        sight.answered(second);
        assert!(sight.sees(picture(2, 0)));
        sight.draws(picture(3, 0));
        sight.draws(picture(4, 0));
        sight.answered(1);
        assert!(sight.sees(picture(4, 0)));
    }

    #[test]
    fn a_terminal_that_never_answers_is_trusted_and_one_that_did_never_given_up() {
        let mut silent = Sight::asked();
        let first = asks(silent.draws(picture(1, 0)));
        assert!(!silent.is_settled());
        silent.waited_in_vain();
        assert!(silent.sees(picture(7, 3)));
        silent.answered(first);
        assert!(silent.sees(picture(1, 0)) && !silent.sees(picture(7, 3)), "it does answer, only late");
        silent.waited_in_vain();
        assert!(!silent.sees(picture(7, 3)));
        assert!(Sight::trusted().sees(picture(7, 3)));
    }

    #[test]
    fn a_link_that_is_far_behind_is_asked_again_when_it_answers() {
        let mut sight = Sight::asked();
        let first = asks(sight.draws(picture(0, 0)));
        for prompt in 1..100 {
            sight.draws(picture(prompt, 0));
        }
        assert_eq!(sight.draws(picture(100, 0)), Question::Nothing);
        sight.answered(first);
        asks(sight.draws(picture(100, 0)));
    }
}
