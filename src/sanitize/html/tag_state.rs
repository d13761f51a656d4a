//! How long the tags of a text are, and how many attributes they have, read from every `<` at once.

use memchr::memchr;

use super::error::HtmlError;

/// The states of the tokenizer from a `<` to the end of the tag ([HTML], sections 13.2.5.6 to 13.2.5.8 and 13.2.5.32 to 13.2.5.40).
///
/// [HTML]: https://html.spec.whatwg.org/multipage/parsing.html#tag-open-state
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    EndOpen,
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    DoubleQuoted,
    SingleQuoted,
    Unquoted,
    AfterQuoted,
    SelfClosing,
}

const STATES: [State; 12] = [
    State::Open,
    State::EndOpen,
    State::TagName,
    State::BeforeName,
    State::Name,
    State::AfterName,
    State::BeforeValue,
    State::DoubleQuoted,
    State::SingleQuoted,
    State::Unquoted,
    State::AfterQuoted,
    State::SelfClosing,
];

/// Where a byte leads.
enum Step {
    To(State),
    /// To [`State::Name`], with one attribute more.
    Attribute,
    End,
}

impl State {
    const fn step(self, byte: u8) -> Step {
        match (self, byte) {
            (Self::Open, b'/') => Step::To(Self::EndOpen),
            (Self::Open | Self::EndOpen, letter) if letter.is_ascii_alphabetic() => {
                Step::To(Self::TagName)
            }
            (Self::DoubleQuoted, b'"') | (Self::SingleQuoted, b'\'') => Step::To(Self::AfterQuoted),
            (Self::DoubleQuoted | Self::SingleQuoted, _) => Step::To(self),
            // No tag behind `<` or `</`: text, a comment or a declaration.
            (Self::Open | Self::EndOpen, _) | (_, b'>') => Step::End,
            (Self::BeforeValue, b'"') => Step::To(Self::DoubleQuoted),
            (Self::BeforeValue, b'\'') => Step::To(Self::SingleQuoted),
            // A carriage return is a line feed by the time a tokenizer sees it.
            (_, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ') => Step::To(match self {
                Self::Name | Self::AfterName => Self::AfterName,
                Self::BeforeValue => Self::BeforeValue,
                _ => Self::BeforeName,
            }),
            (Self::BeforeValue | Self::Unquoted, _) => Step::To(Self::Unquoted),
            (_, b'/') => Step::To(Self::SelfClosing),
            (Self::Name | Self::AfterName, b'=') => Step::To(Self::BeforeValue),
            (Self::TagName | Self::Name, _) => Step::To(self),
            (Self::BeforeName | Self::AfterName | Self::AfterQuoted | Self::SelfClosing, _) => {
                Step::Attribute
            }
        }
    }
}

/// Tags that are being read in one state: what comes next is the same for all of them, so that the first and the fullest stand for all.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    start: usize,
    attributes: usize,
}

impl Reading {
    fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            attributes: self.attributes.max(other.attributes),
        }
    }
}

/// Every tag that may begin in a text. A `<` in a comment, a quoted value or a script begins one as well: which of them are tags is decided
/// by a parser alone, and a count that reads all of them is never too low, whatever stands before.
#[derive(Debug, Default)]
pub(super) struct Tags {
    readings: [Reading; STATES.len()],
    /// One bit for each state in which a tag is being read.
    open: u16,
}

impl Tags {
    /// Refuses a tag that is longer, or has more attributes. Takes time in proportion to the text.
    pub(super) fn within(
        bytes: &[u8],
        most_bytes: usize,
        most_attributes: usize,
    ) -> Result<(), HtmlError> {
        let mut at = 0_usize;
        let mut tags = Self::default();
        loop {
            if tags.open == 0 {
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(next) = memchr(b'<', rest) else {
                    return Ok(());
                };
                at = at.saturating_add(next);
            }
            let Some(byte) = bytes.get(at) else {
                return Ok(());
            };
            tags.read(*byte);
            if *byte == b'<' {
                tags.join(
                    State::Open,
                    Reading {
                        start: at,
                        attributes: 0,
                    },
                );
            }
            tags.check(at, most_bytes, most_attributes)?;
            at = at.saturating_add(1);
        }
    }

    fn read(&mut self, byte: u8) {
        let mut open = std::mem::take(&mut self.open);
        let before = self.readings;
        while let Some(state) = STATES.get(open.trailing_zeros() as usize) {
            open &= open.wrapping_sub(1);
            let Some(mut reading) = before.get(*state as usize).copied() else {
                continue;
            };
            match state.step(byte) {
                Step::To(next) => self.join(next, reading),
                Step::Attribute => {
                    reading.attributes = reading.attributes.saturating_add(1);
                    self.join(State::Name, reading);
                }
                Step::End => {}
            }
        }
    }

    fn join(&mut self, state: State, reading: Reading) {
        let bit = 1 << state as u16;
        let Some(into) = self.readings.get_mut(state as usize) else {
            return;
        };
        *into = if self.open & bit == 0 {
            reading
        } else {
            into.join(reading)
        };
        self.open |= bit;
    }

    fn check(&self, at: usize, bytes: usize, attributes: usize) -> Result<(), HtmlError> {
        let mut open = self.open;
        while let Some(reading) = self.readings.get(open.trailing_zeros() as usize) {
            open &= open.wrapping_sub(1);
            if reading.attributes > attributes {
                return Err(HtmlError::TooManyAttributes);
            }
            // The byte at `at` is not the last one.
            if at.saturating_sub(reading.start).saturating_add(2) > bytes {
                return Err(HtmlError::TagTooLong);
            }
        }
        Ok(())
    }
}

/// The start tag at the beginning of `name`, which is what follows a `<`, if it ends within so many bytes.
pub(super) fn start_tag(name: &[u8], most: usize) -> Option<&[u8]> {
    let mut state = State::Open;
    for (at, byte) in name.iter().take(most).enumerate() {
        state = match state.step(*byte) {
            Step::To(next) => next,
            Step::Attribute => State::Name,
            Step::End => return name.get(..=at),
        };
    }
    None
}
