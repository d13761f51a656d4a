//! `CspHashes` and how they are made.

use super::collect::{Attributes, Found, read_page};
use super::error::{CspHashesError, MOST_BYTES};
use crate::core::{ConfigErrors, Mistakes};
use crate::csp::Source;

/// The hashes of the inline scripts and styles of static pages.
///
#[doc = include_str!("guide.md")]
///
/// # Example
///
/// ```
/// use tower_security::csp::{Csp, CspHashes};
///
/// let hashes = CspHashes::from_html("<!doctype html><script>alert('Hello, world.');</script><style>p { margin: 0 }</style>")?;
/// let policy = Csp::spa(hashes.scripts()).add_style_src(hashes.styles()).build()?;
/// assert!(policy.to_template().contains("script-src 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"));
///
/// let errors = CspHashes::from_html("<p>\n<a href='javascript:go()' style='color: red'>go</a>").unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["refused_javascript_url", "refused_style_attribute"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CspHashes {
    found: Found,
}

impl CspHashes {
    /// Hashes the inline scripts and styles of one page. See [`CspHashesBuilder`] for several.
    ///
    /// The page must be trusted: every script in it will run.
    ///
    /// # Errors
    ///
    /// Fails with each [`CspHashesError`]: event handlers, `style` attributes, `javascript:` addresses, and `integrity` that
    /// nothing matches.
    pub fn from_html(html: &str) -> Result<Self, ConfigErrors> {
        Self::builder().html(html).build()
    }

    /// Hashes the text between `<script>` and `</script>`, such as a snippet that a template writes into every page. An empty one
    /// needs no hash.
    ///
    /// Line ends are hashed as the browser's parser hands them on: CR LF and CR are LF.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::CspHashes;
    ///
    /// assert_eq!(CspHashes::script("a();\r\nb();"), CspHashes::script("a();\nb();"));
    /// assert_ne!(CspHashes::script("a();"), CspHashes::script(" a();"));
    /// ```
    #[must_use]
    pub fn script(text: &str) -> Self {
        let mut found = Found::default();
        found.script(&as_parsed(text));
        Self { found }
    }

    /// Hashes the text between `<style>` and `</style>`. See [`script`](Self::script) for line ends.
    #[must_use]
    pub fn style(text: &str) -> Self {
        let mut found = Found::default();
        found.style(&as_parsed(text));
        Self { found }
    }

    /// Starts from nothing.
    pub fn builder() -> CspHashesBuilder {
        CspHashesBuilder::default()
    }

    /// Returns what `script-src` needs, each source once: the hashes, and `'unsafe-hashes'` where some are those of attributes.
    pub fn scripts(&self) -> impl Iterator<Item = Source> + '_ {
        with_keyword(&self.found.scripts, self.found.has_script_attributes)
    }

    /// Returns what `style-src` needs, each source once: the hashes, and `'unsafe-hashes'` where some are those of attributes.
    pub fn styles(&self) -> impl Iterator<Item = Source> + '_ {
        with_keyword(&self.found.styles, self.found.has_style_attributes)
    }

    /// Returns the addresses of scripts that the pages load without `integrity`, as they are written there. No hash allows them:
    /// their hosts, or `'self'`, have to stand beside the hashes.
    pub fn external_scripts(&self) -> impl Iterator<Item = &str> {
        self.found.external.iter().map(String::as_str)
    }

    /// Whether attributes are among the hashes, by [`CspHashesBuilder::dangerous_unsafe_hashes`].
    #[must_use]
    pub fn has_unsafe_hashes(&self) -> bool {
        self.found.has_script_attributes || self.found.has_style_attributes
    }
}

fn with_keyword(hashes: &[Source], has_attributes: bool) -> impl Iterator<Item = Source> + '_ {
    let keyword = has_attributes.then(Source::dangerous_unsafe_hashes);
    hashes.iter().cloned().chain(keyword)
}

/// Line ends and NUL as the parser hands them on (HTML, sections 13.2.3.5 and 13.2.5.4).
fn as_parsed(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\0', "\u{fffd}")
}

/// Hashes several pages and snippets for one policy. Made by [`CspHashes::builder`].
///
/// # Example
///
/// ```
/// use tower_security::csp::CspHashes;
///
/// let hashes = CspHashes::builder()
///     .html("<!doctype html><script>start()</script>")
///     .html("<!doctype html><script>start()</script><style>p { margin: 0 }</style>")
///     .script("track()")
///     .build()?;
/// assert_eq!((hashes.scripts().count(), hashes.styles().count()), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CspHashesBuilder {
    pages: Vec<String>,
    found: Found,
    attributes: Attributes,
}

impl CspHashesBuilder {
    /// Adds a page. Repeatable. At most 16 MiB.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.pages.push(html.into());
        self
    }

    /// Adds the text of an inline script. Repeatable.
    pub fn script(mut self, text: &str) -> Self {
        self.found.script(&as_parsed(text));
        self
    }

    /// Adds the text of an inline style. Repeatable.
    pub fn style(mut self, text: &str) -> Self {
        self.found.style(&as_parsed(text));
        self
    }

    /// Hashes event handlers, `style` attributes and `javascript:` addresses instead of refusing them, and adds `'unsafe-hashes'`.
    ///
    /// Whoever can inject markup can then put each of these handlers, and each of the inline scripts, into an attribute of an element of
    /// their own: `<img src=x onerror="...">` runs what a button was meant to. A `javascript:` address with escapes or beyond ASCII
    /// stays refused, since browsers hash it in different spellings.
    pub fn dangerous_unsafe_hashes(mut self) -> Self {
        self.attributes = Attributes::Hash;
        self
    }

    /// Reads the pages.
    ///
    /// # Errors
    ///
    /// Fails with each [`CspHashesError`] of every page, in the order of lines, at `csp.hashes.pages[0]` and on.
    pub fn build(self) -> Result<CspHashes, ConfigErrors> {
        let mut found = self.found;
        let mut mistakes = Mistakes::default();
        for (number, page) in self.pages.iter().enumerate() {
            let path = format!("csp.hashes.pages[{number}]");
            if page.len() > MOST_BYTES {
                let bytes = page.len();
                mistakes.push(path, CspHashesError::RefusedPageLength { bytes });
                continue;
            }
            for problem in read_page(page, self.attributes, &mut found) {
                mistakes.push(path.clone(), problem);
            }
        }
        mistakes.finish(CspHashes { found })
    }
}
