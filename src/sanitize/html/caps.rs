//! `HtmlCaps` and the counting that they ask for.

use std::collections::HashMap;

use memchr::{memchr, memchr_iter};

use super::error::HtmlError;
use super::tag_state::{Tags, start_tag};

/// How much HTML one field may hold, counted before the parser sees any of it.
///
/// A parser of HTML repairs what it reads, and the repairs of a few kilobytes can cost a second: open formatting elements are made anew in
/// every cell of a table, the attributes of a tag are compared with each other, an end tag looks through everything that is open. The caps
/// bound what each of these shapes costs. They count on the safe side, without telling comments and quoted values from tags.
///
/// | cap | default | code of the refusal |
/// |---|---|---|
/// | bytes | 65,536 | `html_too_large` |
/// | `<` signs | 1,000 | `html_too_many_tags` |
/// | bytes of one tag | 8,192 | `html_tag_too_long` |
/// | attributes of one tag | 64 | `html_too_many_attributes` |
/// | `&` signs and characters U+0080 to U+00BF | 4,000, in a text of all the bytes half of them | `html_too_many_entities` |
/// | cost: `<` signs x (1 + formatting elements that a parser may have to repeat) | 16,000 | `html_too_costly` |
/// | bytes of the result | 262,144 | `html_output_too_large` |
///
/// A result that is not the input is read again (see [`HtmlCleaner::clean`](super::HtmlCleaner::clean)); what that costs is bounded as well:
/// twice the references and the cost, four times the tags, which an ordinary text is far from.
///
/// Text without `<` is not parsed, and no cap holds for it.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::Rule;
/// use tower_security::sanitize::html::{HtmlCaps, SafeHtml, Ugc};
///
/// let chapter = "<p>One more paragraph.</p>".repeat(3_000);
/// assert_eq!(SafeHtml::<Ugc>::clean(&chapter).unwrap_err().rule(), Rule::HtmlTooLarge);
///
/// // On a thread that may block: it takes its time.
/// let caps = HtmlCaps::new().bytes(1 << 20).tags(10_000).cost(200_000).output(1 << 20);
/// let chapter = SafeHtml::<Ugc>::clean_with(&chapter, &caps)?;
/// assert!(chapter.as_html().starts_with("<p>One more"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtmlCaps {
    pub(super) bytes: usize,
    pub(super) tags: usize,
    pub(super) tag_bytes: usize,
    pub(super) attributes: usize,
    pub(super) entities: usize,
    pub(super) cost: usize,
    pub(super) output: usize,
}

impl HtmlCaps {
    /// The defaults: a field within them takes less than 10 ms on ordinary hardware, whatever is in it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: 64 << 10,
            tags: 1_000,
            tag_bytes: 8 << 10,
            attributes: 64,
            entities: 4_000,
            cost: 16_000,
            output: 256 << 10,
        }
    }

    /// Sets how many bytes of HTML there may be.
    #[must_use]
    pub const fn bytes(mut self, most: usize) -> Self {
        self.bytes = most;
        self
    }

    /// Sets how many `<` signs there may be, wherever they stand.
    #[must_use]
    pub const fn tags(mut self, most: usize) -> Self {
        self.tags = most;
        self
    }

    /// Sets how many bytes one tag may have, from its `<` to its `>`.
    #[must_use]
    pub const fn tag_bytes(mut self, most: usize) -> Self {
        self.tag_bytes = most;
        self
    }

    /// Sets how many attributes one tag may have. They cost with their square.
    #[must_use]
    pub const fn attributes(mut self, most: usize) -> Self {
        self.attributes = most;
        self
    }

    /// Sets how many `&` signs and characters U+0080 to U+00BF, the no-break space among them, there may be: in
    /// half the bytes that there may be all of them, in all the bytes half of them. Each costs a look through the rest of its text.
    #[must_use]
    pub const fn entities(mut self, most: usize) -> Self {
        self.entities = most;
        self
    }

    /// Sets how much it may cost: `<` signs x (1 + P). P counts start tags of `b`, `big`, `code`, `em`, `font`, `i`, `s`, `small`, `strike`,
    /// `strong`, `tt` and `u`, of those that are alike, attributes included, at most three, which is how many a parser keeps open.
    #[must_use]
    pub const fn cost(mut self, most: usize) -> Self {
        self.cost = most;
        self
    }

    /// Sets how many bytes the result may have.
    #[must_use]
    pub const fn output(mut self, most: usize) -> Self {
        self.output = most;
        self
    }

    /// What `html` holds, if it is within the caps.
    pub(super) fn measure(&self, html: &str) -> Result<Size, HtmlError> {
        let bytes = html.as_bytes();
        if bytes.len() > self.bytes {
            return Err(HtmlError::TooLarge);
        }
        let tags = memchr_iter(b'<', bytes).count();
        if tags > self.tags {
            return Err(HtmlError::TooManyTags);
        }
        // U+0080 to U+00BF begin with C2, at which html5ever's serializer stops to look for the no-break space as it does at `&`.
        let entities = memchr_iter(b'&', bytes)
            .count()
            .saturating_add(memchr_iter(0xC2, bytes).count());
        // The serializer looks through the rest of a text at each of them.
        let looks = entities.saturating_mul(bytes.len());
        if entities > self.entities || looks > self.entities.saturating_mul(self.bytes) / 2 {
            return Err(HtmlError::TooManyEntities);
        }
        Tags::within(bytes, self.tag_bytes, self.attributes)?;
        let cost = tags.saturating_mul(formatting(bytes).saturating_add(1));
        if cost > self.cost {
            return Err(HtmlError::TooCostly);
        }
        Ok(Size {
            bytes: bytes.len(),
            entities,
            cost,
        })
    }
}

impl Default for HtmlCaps {
    fn default() -> Self {
        Self::new()
    }
}

/// What reading results again may cost, all passes together. An element without an end tag has one in the result, and `>` is a reference
/// there: what is ordinary doubles at most.
#[derive(Debug)]
pub(super) struct Rereads {
    bytes: usize,
    tags: usize,
    entities: usize,
    cost: usize,
}

impl Rereads {
    pub(super) const fn of(caps: &HtmlCaps) -> Self {
        Self {
            bytes: caps.output.saturating_mul(2),
            tags: caps.tags.saturating_mul(4),
            entities: caps.entities.saturating_mul(2),
            cost: caps.cost.saturating_mul(2),
        }
    }

    /// Lets `html` be read once more.
    pub(super) fn take(&mut self, html: &str, caps: &HtmlCaps) -> Result<(), HtmlError> {
        let bytes = html.as_bytes();
        if bytes.len() > caps.output {
            return Err(HtmlError::OutputTooLarge);
        }
        let less = |left: &mut usize, by: usize, error| {
            *left = left.checked_sub(by).ok_or(error)?;
            Ok(())
        };
        less(&mut self.bytes, bytes.len(), HtmlError::TooCostly)?;
        let entities = memchr_iter(b'&', bytes).count();
        less(&mut self.entities, entities, HtmlError::TooManyEntities)?;
        let tags = memchr_iter(b'<', bytes).count();
        less(&mut self.tags, tags, HtmlError::TooCostly)?;
        let cost = tags.saturating_mul(formatting(bytes).saturating_add(1));
        less(&mut self.cost, cost, HtmlError::TooCostly)
    }
}

/// What a text holds that costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) bytes: usize,
    pub(super) entities: usize,
    pub(super) cost: usize,
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

/// How many formatting elements may be opened anew at one place: of those that are alike, in their attributes too, at most three.
fn formatting(bytes: &[u8]) -> usize {
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
    kept.saturating_add(other)
}
