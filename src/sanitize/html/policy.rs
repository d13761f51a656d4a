//! `HtmlPolicy`: what HTML may hold.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::url::ParseError;
use ammonia::{Builder, Url, UrlRelative};

use super::clean::HtmlCleaner;
use super::error::HtmlConfigError;
use super::names::{
    BASIC_ATTRIBUTES, BASIC_TAGS, DROPPED_WITH_CONTENT, UGC_ATTRIBUTES, UGC_TAGS,
    is_allowed_attribute, is_allowed_tag, is_dangerous_scheme, is_embedded, is_scheme, is_url,
};
use crate::core::{ConfigErrors, Mistakes};

/// Relation of every link: the page that it leads to gets no handle on this one and no address, and search engines do not count it
/// ([HTML, section 4.6.7](https://html.spec.whatwg.org/multipage/links.html#linkTypes)).
const REL: &str = "noopener noreferrer nofollow ugc";

/// What HTML may hold: everything else is taken out, the text of unknown elements stays, scripts and styles go with their content.
///
/// | policy | elements |
/// |---|---|
/// | [`text`](Self::text) | none |
/// | [`basic`](Self::basic) | `p br b strong i em u s code pre blockquote ul ol li a` |
/// | [`ugc`](Self::ugc) | those, and `h1`-`h6 hr table thead tbody tfoot tr th td caption col colgroup img figure figcaption details summary sub sup` |
///
/// - Attributes: `lang` and `title` everywhere, `href` of `a`, `start` of `ol`, `cite` of `blockquote`; with `ugc` `src alt width height` of
///   `img`, `colspan rowspan` of cells, `scope` of `th`, `span` of columns and `open` of `details`.
/// - Addresses: `http`, `https`, `mailto`, `tel`, of embedded files `http` and `https` alone, and relative ones. The scheme is read as
///   browsers read it, so that `java&#10;script:` is none of them.
/// - Links get `rel="noopener noreferrer nofollow ugc"` instead of their own.
/// - Comments, `class`, `id`, `name` and `style` are in no policy: class names dress one thing up as another, names stand in for
///   variables of scripts ([DOM clobbering](https://cheatsheetseries.owasp.org/cheatsheets/DOM_Clobbering_Prevention_Cheat_Sheet.html)).
///
/// A policy is meant for text between tags of a page. In an attribute, a script or a style it protects from nothing: encode for the place
/// where it goes.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::html::HtmlPolicy;
///
/// let cleaner = HtmlPolicy::basic().tag("mark").deny_relative_urls().build()?;
/// let comment = "<p onclick=alert(1)>see <a href='https://example.com'>this</a> and <mark>that</mark><script>x()</script>";
/// assert_eq!(
///     cleaner.clean(comment)?,
///     "<p>see <a href=\"https://example.com\" rel=\"noopener noreferrer nofollow ugc\">this</a> and <mark>that</mark></p>",
/// );
///
/// // No way round these: every mistake is reported.
/// let errors = HtmlPolicy::ugc().tag("svg").attribute("a", "onclick").scheme("javascript").build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["html_tag_refused", "html_attribute_refused", "html_policy_invalid"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HtmlPolicy {
    preset: Preset,
    tags: Vec<&'static str>,
    attributes: Vec<(&'static str, &'static str)>,
    schemes: Vec<&'static str>,
    relative_urls: bool,
}

#[derive(Clone, Copy, Debug)]
enum Preset {
    Text,
    Basic,
    Ugc,
}

impl HtmlPolicy {
    /// No element at all: what remains is text, with its `<`, `>` and `&` written as references.
    #[must_use]
    pub const fn text() -> Self {
        Self::of(Preset::Text)
    }

    /// Paragraphs, emphasis, code, quotations, lists and links.
    #[must_use]
    pub const fn basic() -> Self {
        Self::of(Preset::Basic)
    }

    /// What users write at length: [`basic`](Self::basic), headings, tables, pictures, foldable parts.
    #[must_use]
    pub const fn ugc() -> Self {
        Self::of(Preset::Ugc)
    }

    const fn of(preset: Preset) -> Self {
        Self {
            preset,
            tags: Vec::new(),
            attributes: Vec::new(),
            schemes: Vec::new(),
            relative_urls: true,
        }
    }

    /// Takes out addresses without a scheme, such as `/logout` and `//other.example`: in a feed or a mail they lead nowhere, in a page
    /// they lead to it, with its cookies. Default: they stay.
    #[must_use]
    pub const fn deny_relative_urls(mut self) -> Self {
        self.relative_urls = false;
        self
    }

    /// Allows one element more. Permitted are plain elements of HTML in lower case, such as `mark`, `kbd`, `dl` or `ruby`.
    ///
    /// Building refuses those that run, embed or send something, change how what follows is parsed, or are not of HTML: `script style svg
    /// math iframe frame object embed form input button select textarea template noscript noembed noframes xmp plaintext title base link
    /// meta annotation-xml foreignobject`, custom elements and names that HTML does not have.
    #[must_use]
    pub fn tag(mut self, name: &'static str) -> Self {
        self.tags.push(name);
        self
    }

    /// Allows one attribute more, of an element that the policy allows. Permitted are names in lower case, such as `datetime` of `time`.
    ///
    /// Building refuses `on*`, `style`, `srcdoc`, `srcset`, `action`, `formaction`, `ping`, `xlink:*`, `id`, `name`, `class`, `target` and
    /// others that send, embed or focus by themselves, and `rel`, which every link has already. An address in it is held to the schemes of
    /// the policy.
    #[must_use]
    pub fn attribute(mut self, tag: &'static str, name: &'static str) -> Self {
        self.attributes.push((tag, name));
        self
    }

    /// Allows one scheme more in links, such as `xmpp`. Embedded files keep to `http` and `https`.
    ///
    /// Building refuses `javascript`, `vbscript`, `data`, `blob`, `file` and others that run scripts or show a page of somebody's own.
    #[must_use]
    pub fn scheme(mut self, name: &'static str) -> Self {
        self.schemes.push(name);
        self
    }

    /// Checks the policy and makes it ready for use, without Tower. The layer does it by itself.
    ///
    /// # Errors
    ///
    /// Every [`HtmlConfigError`] of the policy.
    pub fn build(self) -> Result<HtmlCleaner, ConfigErrors> {
        self.compile("html")
    }

    /// [`build`](Self::build), its mistakes at `path`.
    pub(crate) fn compile(&self, path: &str) -> Result<HtmlCleaner, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        for tag in &self.tags {
            if !is_allowed_tag(tag) {
                let value = (*tag).to_owned();
                mistakes.push(
                    format!("{path}.tag"),
                    HtmlConfigError::HtmlTagRefused { value },
                );
            }
        }
        for (tag, name) in &self.attributes {
            if let Some(mistake) = self.attribute_mistake(tag, name) {
                mistakes.push(format!("{path}.attribute"), mistake);
            }
        }
        for scheme in &self.schemes {
            let clash = if is_dangerous_scheme(scheme) {
                "a scheme that runs scripts, or shows what the writer made: allow one that leads elsewhere, such as \"xmpp\""
            } else if !is_scheme(scheme) {
                "no scheme: write one in lower case without the colon, as in \"xmpp\""
            } else {
                continue;
            };
            let value = (*scheme).to_owned();
            mistakes.push(
                format!("{path}.scheme"),
                HtmlConfigError::HtmlPolicyInvalid { value, clash },
            );
        }
        mistakes.finish(())?;
        Ok(self.cleaner())
    }

    fn attribute_mistake(&self, tag: &str, name: &str) -> Option<HtmlConfigError> {
        let invalid = |value: &str, clash| {
            let value = value.to_owned();
            Some(HtmlConfigError::HtmlPolicyInvalid { value, clash })
        };
        // ammonia panics at the first text if a policy has its own and an allowed `rel`.
        if name == "rel" {
            return invalid(name, "every link has one already: leave it out");
        }
        if !is_allowed_attribute(name) {
            return Some(HtmlConfigError::HtmlAttributeRefused {
                tag: tag.to_owned(),
                value: name.to_owned(),
            });
        }
        let known = self.preset.tags().any(|known| known == tag) || self.tags.contains(&tag);
        if !known {
            return invalid(
                tag,
                "an attribute of an element that is not allowed: allow it by `tag` as well",
            );
        }
        None
    }

    /// The cleaner of a policy in which nothing is wrong.
    pub(super) fn cleaner(&self) -> HtmlCleaner {
        let mut builder = Builder::empty();
        let mut schemes: HashSet<&'static str> = SCHEMES.into_iter().collect();
        schemes.extend(&self.schemes);
        let mut attributes: HashMap<&'static str, HashSet<&'static str>> = HashMap::new();
        for (tag, name) in self
            .preset
            .attributes()
            .chain(self.attributes.iter().copied())
        {
            attributes.entry(tag).or_default().insert(name);
        }
        builder
            .tags(
                self.preset
                    .tags()
                    .chain(self.tags.iter().copied())
                    .collect(),
            )
            .clean_content_tags(HashSet::from(DROPPED_WITH_CONTENT))
            .generic_attributes(HashSet::from(["lang", "title"]))
            .tag_attributes(attributes)
            .url_schemes(schemes.clone())
            .url_relative(if self.relative_urls {
                UrlRelative::PassThrough
            } else {
                UrlRelative::Deny
            })
            .link_rel(Some(REL));
        let relative_urls = self.relative_urls;
        builder.attribute_filter(move |tag, name, value| {
            let kept = !is_url(name) || is_kept(tag, value, &schemes, relative_urls);
            kept.then_some(Cow::Borrowed(value))
        });
        HtmlCleaner::new(builder)
    }
}

/// Whether an address may stay. ammonia asks the same of `href` and `src` alone, and knows no difference between what is followed and what
/// is fetched.
fn is_kept(tag: &str, value: &str, schemes: &HashSet<&'static str>, relative: bool) -> bool {
    match Url::parse(value) {
        Ok(url) if is_embedded(tag) => matches!(url.scheme(), "http" | "https"),
        Ok(url) => schemes.contains(url.scheme()),
        Err(ParseError::RelativeUrlWithoutBase) => relative,
        // What cannot be read leads nowhere in this reading, and somewhere in another.
        Err(_) => false,
    }
}

const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

impl Preset {
    fn tags(self) -> impl Iterator<Item = &'static str> {
        let (basic, more): (&[_], &[_]) = match self {
            Self::Text => (&[], &[]),
            Self::Basic => (&BASIC_TAGS, &[]),
            Self::Ugc => (&BASIC_TAGS, &UGC_TAGS),
        };
        basic.iter().chain(more).copied()
    }

    fn attributes(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (basic, more): (&[_], &[_]) = match self {
            Self::Text => (&[], &[]),
            Self::Basic => (&BASIC_ATTRIBUTES, &[]),
            Self::Ugc => (&BASIC_ATTRIBUTES, &UGC_ATTRIBUTES),
        };
        basic.iter().chain(more).copied()
    }
}
