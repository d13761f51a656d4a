//! `SafeHtml`: HTML that was cleaned, as a type.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::caps::HtmlCaps;
use super::clean::HtmlCleaner;
use super::error::HtmlError;
use super::policy::HtmlPolicy;
use super::work::HtmlBudget;

/// A policy as a type: the parameter of [`SafeHtml`].
///
/// # Example
///
/// ```
/// use std::sync::LazyLock;
/// use tower_security::sanitize::html::{HtmlCleaner, HtmlPolicy, HtmlPreset, SafeHtml};
///
/// struct Notes;
///
/// static NOTES: LazyLock<HtmlCleaner> =
///     LazyLock::new(|| HtmlPolicy::basic().tag("mark").build().expect("a test builds it"));
///
/// impl HtmlPreset for Notes {
///     fn cleaner() -> &'static HtmlCleaner {
///         &NOTES
///     }
/// }
///
/// let note = SafeHtml::<Notes>::clean("<mark>milk</mark><hr>")?;
/// assert_eq!(note.as_html(), "<mark>milk</mark>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait HtmlPreset: 'static {
    /// Returns the cleaner, which is made once.
    fn cleaner() -> &'static HtmlCleaner;
}

macro_rules! preset {
    ($(#[$docs:meta])* $name:ident, $policy:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct $name;

        impl HtmlPreset for $name {
            fn cleaner() -> &'static HtmlCleaner {
                static CLEANER: LazyLock<HtmlCleaner> =
                    LazyLock::new(|| HtmlPolicy::$policy().cleaner());
                &CLEANER
            }
        }
    };
}

preset!(
    /// [`HtmlPolicy::text`] as a type.
    TextOnly,
    text
);
preset!(
    /// [`HtmlPolicy::basic`] as a type.
    Basic,
    basic
);
preset!(
    /// [`HtmlPolicy::ugc`] as a type.
    Ugc,
    ugc
);

/// HTML that was cleaned by the policy `P`, to be shown between the tags of a page.
///
/// It comes into being by [`clean`](Self::clean) and by being deserialized, which cleans, from JSON, forms and queries alike; no layer is
/// needed. A string does not become one by itself:
///
/// ```compile_fail,E0277
/// use tower_security::sanitize::html::{SafeHtml, Ugc};
///
/// let html: SafeHtml<Ugc> = String::from("<script>").into();
/// ```
///
/// prost's types of messages know nothing of serde: a handler of tonic calls `clean`.
///
/// In templates that escape, it is what goes into the filter for trusted HTML, such as `{{ body | safe }}`, and nothing else does. It is not
/// for attributes, scripts and styles.
///
/// # Example
///
/// ```
/// use serde::Deserialize;
/// use tower_security::sanitize::html::SafeHtml;
///
/// #[derive(Deserialize)]
/// struct Comment {
///     body: SafeHtml,
/// }
///
/// let comment: Comment = serde_json::from_str(r#"{"body": "<b>fine</b><script>steal()</script>"}"#)?;
/// assert_eq!(comment.body.as_html(), "<b>fine</b>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SafeHtml<P: HtmlPreset = Ugc> {
    html: String,
    preset: PhantomData<fn() -> P>,
}

impl<P: HtmlPreset> SafeHtml<P> {
    /// Cleans HTML. Text without `<` is kept as it is.
    ///
    /// # Errors
    ///
    /// The HTML is more than [`HtmlCaps::new`] allows.
    pub fn clean(html: &str) -> Result<Self, HtmlError> {
        P::cleaner().clean(html).map(Self::of)
    }

    /// Cleans HTML of which there may be more. It belongs on a thread that may block, such as that of `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    ///
    /// The HTML is more than the caps allow.
    pub fn clean_with(html: &str, caps: &HtmlCaps) -> Result<Self, HtmlError> {
        P::cleaner().clean_with(html, caps).map(Self::of)
    }

    /// Takes HTML for safe without looking at it: what a stored value that was cleaned before, or a template of yours, is. Anything that
    /// somebody else wrote runs its scripts in the pages that show it.
    #[must_use]
    pub const fn dangerous_from_trusted(html: String) -> Self {
        Self {
            html,
            preset: PhantomData,
        }
    }

    /// Returns the HTML, to be written between tags as it is.
    #[must_use]
    pub fn as_html(&self) -> &str {
        &self.html
    }

    /// Returns the HTML as a string, which says no more that it is safe.
    #[must_use]
    pub fn into_string(self) -> String {
        self.html
    }

    fn of(html: Cow<'_, str>) -> Self {
        Self::dangerous_from_trusted(html.into_owned())
    }
}

impl<P: HtmlPreset> Clone for SafeHtml<P> {
    fn clone(&self) -> Self {
        Self::dangerous_from_trusted(self.html.clone())
    }
}

impl<P: HtmlPreset> PartialEq for SafeHtml<P> {
    fn eq(&self, other: &Self) -> bool {
        self.html == other.html
    }
}

impl<P: HtmlPreset> Eq for SafeHtml<P> {}

impl<P: HtmlPreset> fmt::Debug for SafeHtml<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SafeHtml").field(&self.html).finish()
    }
}

/// The HTML as it is.
impl<P: HtmlPreset> fmt::Display for SafeHtml<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.html)
    }
}

impl<'de, P: HtmlPreset> Deserialize<'de> for SafeHtml<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let html = String::deserialize(deserializer)?;
        let changed = P::cleaner()
            .clean_field(&html, &mut HtmlBudget::default())
            .map_err(de::Error::custom)?;
        Ok(Self::dangerous_from_trusted(changed.unwrap_or(html)))
    }
}

impl<P: HtmlPreset> Serialize for SafeHtml<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.html)
    }
}
