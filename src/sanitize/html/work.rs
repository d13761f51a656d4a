//! What a parser of HTML has to do for a text.

use std::collections::HashMap;

use memchr::{memchr, memchr_iter};

use super::caps::HtmlCaps;
use super::error::HtmlError;
use super::tag_state::start_tag;

/// What a text holds that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) bytes: usize,
    /// `<` signs.
    pub(super) tags: usize,
    /// `&` signs, and characters from U+0080 to U+00BF: these begin with C2, at which html5ever's serializer stops to look for a no-break
    /// space as it does at `&`.
    pub(super) references: usize,
    /// Tags that open an element.
    starts: usize,
    /// Formatting elements that may be opened anew at one place.
    formatting: usize,
}

impl Tally {
    pub(super) fn of(html: &str) -> Self {
        Self::counted(html).with_names(html)
    }

    /// What can be counted without looking at names.
    pub(super) fn counted(html: &str) -> Self {
        let bytes = html.as_bytes();
        let count = |byte| memchr_iter(byte, bytes).count();
        Self {
            bytes: bytes.len(),
            tags: count(b'<'),
            references: count(b'&').saturating_add(count(0xC2)),
            starts: 0,
            formatting: 0,
        }
    }

    pub(super) fn with_names(mut self, html: &str) -> Self {
        (self.starts, self.formatting) = names(html.as_bytes());
        self
    }

    pub(super) const fn cost(&self) -> usize {
        self.tags.saturating_mul(self.formatting.saturating_add(1))
    }

    /// The work of reading what somebody wrote, in microseconds, about: each tag may look through all elements that are open, each may open
    /// all formatting elements anew, and the bytes may all be attributes.
    pub(super) const fn work(&self) -> usize {
        let nesting = self.starts.saturating_mul(self.tags) / 560;
        nesting
            .saturating_add(self.cost() / 8)
            .saturating_add(self.bytes / 40)
            .saturating_add(self.plain_work())
    }

    /// The work of reading a result: every element has its end tag, so that end tags look no further than the last element and nothing is
    /// opened anew, and hardly an attribute is left.
    const fn work_again(&self) -> usize {
        let nesting = self.starts.saturating_mul(self.starts) / 560;
        nesting
            .saturating_add(self.cost() / 20)
            .saturating_add(self.bytes / 200)
            .saturating_add(self.plain_work())
    }

    /// A reference is a token of its own, and the serializer looks through the rest of the text at each.
    const fn plain_work(&self) -> usize {
        let looks = self.references.saturating_mul(self.bytes) / 200_000;
        let tokens = self.references.saturating_mul(3) / 8;
        looks.saturating_add(tokens).saturating_add(self.tags / 2)
    }
}

/// What reading results again may take, all passes together. An element without an end tag has one in the result, and `>` is a reference
/// there: what is ordinary doubles at most.
#[derive(Debug)]
pub(super) struct Rereads {
    bytes: usize,
    tags: usize,
    references: usize,
    cost: usize,
    work: usize,
}

impl Rereads {
    /// What is left of the caps after `first`.
    pub(super) const fn after(first: &Tally, caps: &HtmlCaps) -> Self {
        Self {
            bytes: caps.output.saturating_mul(2),
            tags: caps.tags.saturating_mul(4),
            references: caps.entities.saturating_mul(2),
            cost: caps.cost.saturating_mul(2),
            work: caps.work.saturating_sub(first.work()),
        }
    }

    /// Lets `html` be read once more, and returns the work of it.
    pub(super) fn take(&mut self, html: &str, caps: &HtmlCaps) -> Result<usize, HtmlError> {
        if html.len() > caps.output {
            return Err(HtmlError::OutputTooLarge);
        }
        let tally = Tally::of(html);
        let work = tally.work_again();
        less(&mut self.bytes, tally.bytes, HtmlError::TooCostly)?;
        less(
            &mut self.references,
            tally.references,
            HtmlError::TooManyEntities,
        )?;
        less(&mut self.tags, tally.tags, HtmlError::TooCostly)?;
        less(&mut self.cost, tally.cost(), HtmlError::TooCostly)?;
        less(&mut self.work, work, HtmlError::TooCostly)?;
        Ok(work)
    }
}

/// What all fields of one request may hold together: twice what one may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HtmlBudget {
    bytes: usize,
    references: usize,
    cost: usize,
    work: usize,
}

impl HtmlBudget {
    pub(super) const fn new(caps: &HtmlCaps) -> Self {
        Self {
            bytes: caps.bytes.saturating_mul(2),
            references: caps.entities.saturating_mul(2),
            cost: caps.cost.saturating_mul(2),
            work: caps.work.saturating_mul(2),
        }
    }

    /// Lets a field be read.
    pub(super) fn take(&mut self, tally: &Tally) -> Result<(), HtmlError> {
        less(&mut self.bytes, tally.bytes, HtmlError::TooLarge)?;
        less(
            &mut self.references,
            tally.references,
            HtmlError::TooManyEntities,
        )?;
        less(&mut self.cost, tally.cost(), HtmlError::TooCostly)?;
        self.take_work(tally.work())
    }

    pub(super) fn take_work(&mut self, work: usize) -> Result<(), HtmlError> {
        less(&mut self.work, work, HtmlError::TooCostly)
    }
}

impl Default for HtmlBudget {
    fn default() -> Self {
        Self::new(&HtmlCaps::new())
    }
}

fn less(left: &mut usize, by: usize, error: HtmlError) -> Result<(), HtmlError> {
    *left = left.checked_sub(by).ok_or(error)?;
    Ok(())
}

/// Elements that a parser opens anew where they were left open ("list of active formatting elements"), but for `a` and `nobr`, of which a
/// second one closes the first.
const FORMATTING: [&[u8]; 12] = [
    b"b", b"big", b"code", b"em", b"font", b"i", b"s", b"small", b"strike", b"strong", b"tt", b"u",
];
/// How many equal ones the list keeps.
const KEPT: usize = 3;

/// A tag that is longer is like no other.
const COMPARED: usize = 256;

/// How many start tags there are, and how many formatting elements may be opened anew at one place: of those that are alike, in their
/// attributes too, at most three.
fn names(bytes: &[u8]) -> (usize, usize) {
    let mut starts = 0_usize;
    let mut bare = [0_usize; FORMATTING.len()];
    let mut alike: HashMap<&[u8], usize> = HashMap::new();
    let mut other = 0_usize;
    let mut rest = bytes;
    while let Some(at) = memchr(b'<', rest) {
        rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        starts = starts.saturating_add(usize::from(length > 0));
        let known = FORMATTING
            .iter()
            .position(|formatting| formatting.eq_ignore_ascii_case(name));
        let Some(count) = known.and_then(|known| bare.get_mut(known)) else {
            continue;
        };
        match after.first() {
            Some(b'>') => *count = count.saturating_add(1),
            Some(b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'/') => {
                match start_tag(rest, COMPARED) {
                    Some(tag) => {
                        let count = alike.entry(tag).or_default();
                        *count = count.saturating_add(1);
                    }
                    None => other = other.saturating_add(1),
                }
            }
            // Another element, such as `<b-c>`, or no whole tag.
            _ => {}
        }
    }
    let alike = bare.iter().chain(alike.values());
    let kept: usize = alike.map(|count| (*count).min(KEPT)).sum();
    (starts, kept.saturating_add(other))
}
