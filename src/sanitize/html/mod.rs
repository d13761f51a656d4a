//! Fields that are meant to hold HTML: what may be in them, and what it may cost to clean them.
//!
//! Stored cross-site scripting ([CWE-79](https://cwe.mitre.org/data/definitions/79.html)) needs a page that shows what a user wrote as HTML.
//! Most fields are text, and a page that encodes them needs nothing of this. A few are meant to hold HTML: what a [`HtmlPolicy`] takes out of
//! them are scripts, handlers, frames, forms, styles and addresses that run; [`SafeHtml`] says by its type that this was done.
//!
//! The parser is that of [ammonia](https://docs.rs/ammonia); no list of bad words is involved. Around it stand [`HtmlCaps`], for a parser of
//! HTML can be made to work for seconds by a few kilobytes, and a second reading of the result, for what was checked has to be what a
//! browser reads.

mod caps;
mod clean;
mod error;
mod names;
mod policy;
mod safe_html;
mod tag_state;
#[cfg(test)]
mod tests;
mod work;

pub use caps::HtmlCaps;
pub use clean::HtmlCleaner;
pub use error::{HtmlConfigError, HtmlError};
pub use policy::HtmlPolicy;
pub use safe_html::{Basic, HtmlPreset, SafeHtml, TextOnly, Ugc};
pub(crate) use work::HtmlBudget;
