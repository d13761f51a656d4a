//! `HtmlCaps`: how much HTML one field may hold.

use super::error::HtmlError;
use super::tag_state::Tags;
use super::work::Tally;

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
/// | `&` signs and characters U+0080 to U+00BF | 4,000 | `html_too_many_entities` |
/// | cost: `<` signs times (1 + formatting elements that a parser may have to repeat) | 16,000 | `html_too_costly` |
/// | work: microseconds, about, that all this takes together, the result read again included | 9,000 | `html_too_costly` |
/// | bytes of the result | 262,144 | `html_output_too_large` |
///
/// A result that is not the input is read again (see [`HtmlCleaner::clean`](super::HtmlCleaner::clean)): the references and the cost of all
/// readings are at most twice these, the tags four times.
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
/// let caps = HtmlCaps::new().bytes(1 << 20).tags(10_000).cost(200_000).work(1_000_000).output(1 << 20);
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
    pub(super) work: usize,
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
            work: 9_000,
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

    /// Sets how many `&` signs and characters U+0080 to U+00BF, the no-break space among them, there may be. Each costs a look through the rest
    /// of its text.
    #[must_use]
    pub const fn entities(mut self, most: usize) -> Self {
        self.entities = most;
        self
    }

    /// Sets how much it may cost: `<` signs times (1 + P). P counts start tags of `b`, `big`, `code`, `em`, `font`, `i`, `s`, `small`, `strike`,
    /// `strong`, `tt` and `u`, of those that are alike, attributes included, at most three, which is how many a parser keeps open.
    #[must_use]
    pub const fn cost(mut self, most: usize) -> Self {
        self.cost = most;
        self
    }

    /// Sets how much work all of it may be: each of the others can be at its cap, and not all of them at once. A unit is about a microsecond
    /// of a processor of 2023.
    #[must_use]
    pub const fn work(mut self, most: usize) -> Self {
        self.work = most;
        self
    }

    /// Sets how many bytes the result may have.
    #[must_use]
    pub const fn output(mut self, most: usize) -> Self {
        self.output = most;
        self
    }

    /// What `html` holds, if it is within the caps.
    pub(super) fn measure(&self, html: &str) -> Result<Tally, HtmlError> {
        if html.len() > self.bytes {
            return Err(HtmlError::TooLarge);
        }
        let counted = Tally::counted(html);
        if counted.tags > self.tags {
            return Err(HtmlError::TooManyTags);
        }
        if counted.references > self.entities {
            return Err(HtmlError::TooManyEntities);
        }
        Tags::within(html.as_bytes(), self.tag_bytes, self.attributes)?;
        let tally = counted.with_names(html);
        if tally.cost() > self.cost || tally.work() > self.work {
            return Err(HtmlError::TooCostly);
        }
        Ok(tally)
    }
}

impl Default for HtmlCaps {
    fn default() -> Self {
        Self::new()
    }
}
