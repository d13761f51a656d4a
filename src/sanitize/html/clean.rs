//! `HtmlCleaner`: the fast path, the caps, ammonia, and what makes its result stable.

use std::borrow::Cow;
use std::fmt;

use ammonia::Builder;
use memchr::memchr;
use memchr::memmem::find_iter;

use super::caps::HtmlCaps;
use super::error::HtmlError;
use super::work::{HtmlBudget, Rereads};

/// A checked [`HtmlPolicy`](super::HtmlPolicy), ready for use: by the layer, by [`SafeHtml`](super::SafeHtml), or by itself.
///
/// # Example
///
/// ```
/// use std::borrow::Cow;
/// use tower_security::sanitize::html::HtmlPolicy;
///
/// let cleaner = HtmlPolicy::ugc().build()?;
/// assert_eq!(cleaner.clean("<h1>News</h1><img src=x onerror=alert(1)>")?, "<h1>News</h1><img src=\"x\">");
///
/// // Without `<` there is nothing that could be a tag: the text is the caller's own.
/// assert!(matches!(cleaner.clean("fish & chips > 3")?, Cow::Borrowed("fish & chips > 3")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HtmlCleaner {
    builder: Builder<'static>,
    caps: HtmlCaps,
}

impl HtmlCleaner {
    pub(super) fn new(builder: Builder<'static>) -> Self {
        let cleaner = Self {
            builder,
            caps: HtmlCaps::new(),
        };
        // ammonia asserts that its settings agree when it cleans: here, and not at the first request.
        let _ = cleaner.once("<p>");
        cleaner
    }

    /// Cleans what is meant to stand between tags. Idempotent: what it returns stays as it is.
    ///
    /// Text without `<` is returned as it is, `&` and all: a tokenizer of HTML makes nothing but characters of it. It is text, then, and
    /// nothing that may go anywhere else in a page.
    ///
    /// # Errors
    ///
    /// The HTML is more than [`HtmlCaps::new`] allows. It must not be shown then.
    pub fn clean<'t>(&self, html: &'t str) -> Result<Cow<'t, str>, HtmlError> {
        self.clean_with(html, &self.caps)
    }

    /// [`clean`](Self::clean) with caps of your own. With larger ones it belongs on a thread that may block.
    ///
    /// # Errors
    ///
    /// The HTML is more than the caps allow.
    pub fn clean_with<'t>(
        &self,
        html: &'t str,
        caps: &HtmlCaps,
    ) -> Result<Cow<'t, str>, HtmlError> {
        let cleaned = self.changed(html, caps, &mut HtmlBudget::new(caps))?;
        Ok(cleaned.map_or(Cow::Borrowed(html), Cow::Owned))
    }

    /// The cleaned text of one field of a request; `None` if it stays as it is.
    pub(crate) fn clean_field(
        &self,
        html: &str,
        budget: &mut HtmlBudget,
    ) -> Result<Option<String>, HtmlError> {
        self.changed(html, &self.caps, budget)
    }

    fn changed(
        &self,
        html: &str,
        caps: &HtmlCaps,
        budget: &mut HtmlBudget,
    ) -> Result<Option<String>, HtmlError> {
        // In the data state of the tokenizer `<` alone leads to a state that can emit anything but characters.
        if memchr(b'<', html.as_bytes()).is_none() {
            return Ok(None);
        }
        let tally = caps.measure(html)?;
        budget.take(&tally)?;
        let mut cleaned = self.once(html);
        if cleaned == html {
            return Ok(None);
        }
        // What a removed element held apart can mean something else without it: a paragraph in an object in a paragraph. The tree that was
        // checked is the one that a browser makes of the result only if the result stays as it is when it is read again.
        let mut rereads = Rereads::after(&tally, caps);
        loop {
            budget.take_work(rereads.take(&cleaned, caps)?)?;
            let again = self.once(&cleaned);
            if again == cleaned {
                return Ok((cleaned != html).then_some(cleaned));
            }
            cleaned = again;
        }
    }

    fn once(&self, html: &str) -> String {
        // A document of ammonia is full of `Rc`: it never leaves this line.
        keep_line_feeds(self.builder.clean(html).to_string())
    }
}

impl fmt::Debug for HtmlCleaner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtmlCleaner").finish_non_exhaustive()
    }
}

/// A parser drops the line feed after `<pre>`, so that one that is left is written twice. In text and in values of attributes the serializer
/// writes `<` as a reference: what looks like a tag here is one.
fn keep_line_feeds(html: String) -> String {
    let starts = find_iter(html.as_bytes(), "<pre").filter_map(|at| {
        let rest = html.get(at..)?;
        let end = at.saturating_add(rest.find('>')?).saturating_add(1);
        let tag = rest.as_bytes().get(4)?;
        let fed = matches!(tag, b' ' | b'>') && html.as_bytes().get(end) == Some(&b'\n');
        fed.then_some(end)
    });
    let starts: Vec<usize> = starts.collect();
    if starts.is_empty() {
        return html;
    }
    let mut kept = String::with_capacity(html.len().saturating_add(starts.len()));
    let mut from = 0;
    for start in starts {
        kept.push_str(html.get(from..start).unwrap_or_default());
        kept.push('\n');
        from = start;
    }
    kept.push_str(html.get(from..).unwrap_or_default());
    kept
}
