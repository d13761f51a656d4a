//! What proves that an attack was blocked: what it wanted did not happen, it met the refusal that is there for it, and an honest
//! request of the same shape was served. A refusal for another reason (a path that does not exist, a limit that somebody else has used up,
//! a body that nobody could read) proves nothing.

use std::fmt;

use super::Answer;

/// A refusal as the attacker sees it.
#[derive(Clone, Copy)]
pub struct Refusal {
    status: u16,
    code: Option<&'static str>,
    header: Option<(&'static str, &'static str)>,
}

pub const fn refusal(status: u16, code: &'static str) -> Refusal {
    Refusal {
        status,
        code: Some(code),
        header: None,
    }
}

impl Refusal {
    /// One without a word of its own.
    pub const fn status(status: u16) -> Self {
        Self {
            status,
            code: None,
            header: None,
        }
    }

    /// It comes with this header, which has this part.
    pub const fn with(mut self, name: &'static str, part: &'static str) -> Self {
        self.header = Some((name, part));
        self
    }

    pub fn is_met_by(&self, answer: &Answer) -> bool {
        let has_header = |(name, part)| answer.header(name).is_some_and(|line| line.contains(part));
        answer.status == self.status
            && answer.code().as_deref() == self.code
            && self.header.is_none_or(has_header)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        match self.header {
            Some((name, "")) => write!(f, ", {name}"),
            Some((_, part)) => write!(f, ", {part}"),
            None => Ok(()),
        }
    }
}

/// What came of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The attacker has what he wanted. Of the ordinary user: all worked.
    GotThrough,
    /// He has not, for the reason that was expected. Of the ordinary user: something did not work.
    Blocked,
    /// He has not, and nobody knows why: for another reason than the expected one, or nobody is served.
    NotProven,
}

/// A row of the table.
pub struct Verdict {
    pub outcome: Outcome,
    pub sent: String,
    /// What has to come where it is blocked.
    pub expected: String,
    pub came: String,
    /// Whether honest requests of the same shape were served.
    pub is_controlled: bool,
}

/// What is known of an attack so far.
pub struct Trial {
    sent: String,
    expected: Vec<String>,
    came: Vec<String>,
    gained: Vec<String>,
    is_met: bool,
    controls: usize,
    failed: Vec<String>,
}

impl Trial {
    pub fn of(sent: impl Into<String>) -> Self {
        Self {
            sent: sent.into(),
            expected: Vec::new(),
            came: Vec::new(),
            gained: Vec::new(),
            is_met: true,
            controls: 0,
            failed: Vec::new(),
        }
    }

    /// An honest request of the same shape has to be served.
    pub fn control(&mut self, what: &str, answer: &Answer) {
        self.control_if(what, answer.is_success(), answer.short());
    }

    /// The same, with more that has to be right.
    pub fn control_if(&mut self, what: &str, is_right: bool, came: impl fmt::Display) {
        self.controls += 1;
        if !is_right {
            self.failed.push(format!("{what}: {came}"));
        }
    }

    /// What the attacker wanted.
    pub fn gain(&mut self, is_gained: bool, what: impl Into<String>) {
        let what = what.into();
        if is_gained && !self.gained.contains(&what) {
            self.gained.push(what);
        }
    }

    /// The answer to the attack has to be this refusal.
    pub fn refused(&mut self, answer: &Answer, refusal: Refusal) {
        let is_met = refusal.is_met_by(answer);
        self.seen(&refusal.to_string(), is_met, answer.short());
    }

    /// Where nothing is refused: what has to be seen instead.
    pub fn seen(&mut self, what: &str, is_seen: bool, came: impl Into<String>) {
        let came = came.into();
        for (list, text) in [(&mut self.expected, what), (&mut self.came, &came)] {
            if !list.iter().any(|each| each == text) {
                list.push(text.to_owned());
            }
        }
        self.is_met &= is_seen;
    }

    pub fn verdict(self) -> Verdict {
        let is_controlled = self.controls > 0 && self.failed.is_empty();
        let is_expected = self.is_met && !self.expected.is_empty();
        let outcome = match (self.gained.is_empty(), is_controlled && is_expected) {
            (false, _) => Outcome::GotThrough,
            (true, true) => Outcome::Blocked,
            (true, false) => Outcome::NotProven,
        };
        let came = match outcome {
            Outcome::GotThrough => self.gained.join(", "),
            Outcome::NotProven if !is_controlled => format!("control: {}", self.failed.join(", ")),
            Outcome::NotProven | Outcome::Blocked => self.came.join(", "),
        };
        Verdict {
            outcome,
            sent: self.sent,
            expected: self.expected.join(", "),
            came,
            is_controlled,
        }
    }
}
