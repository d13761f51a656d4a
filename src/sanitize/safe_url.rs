//! `SafeUrl`: a link to the web.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// The longest URL in bytes, as it comes and as it is written.
const MAX: usize = 2_048;

/// Why a text is no [`SafeUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no absolute URL with a host.
    #[error("no absolute URL with a host: write it as in \"https://example.com/page\"")]
    Invalid,
    /// Its scheme is neither `http` nor `https`.
    #[error("the scheme of a link is http or https")]
    Scheme,
    /// It has more than 2,048 bytes.
    #[error("a URL has 2048 bytes at most")]
    TooLong,
    /// It has a user name or a password.
    #[error("a link has no user name and no password")]
    UserInfo,
}

/// A link to the web that a user gave: absolute, `http` or `https`, with a host, without a user name and a password, of at most 2,048 bytes.
///
/// The value is the URL as a browser understands it ([URL](https://url.spec.whatwg.org/)): the scheme and the host in lower case, the host in
/// Punycode, `..` resolved, tabs and line ends gone. What was checked is then what is shown and followed, and a script in the place of the
/// scheme, however it is written, is refused. User names are refused because `https://bank.example@evil.test` leads to `evil.test`.
///
/// It is safe to be followed by a browser, and still has to be encoded where it is written, as in `href="..."`. It is **not** safe to be
/// fetched by a server: `http://localhost/` and `http://169.254.169.254/` are links like any other (server-side request forgery,
/// [CWE-918](https://cwe.mitre.org/data/definitions/918.html)).
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{SafeUrl, UrlError};
///
/// let link = SafeUrl::parse("HTTPS://Example.com/a/../b?c=d")?;
/// assert_eq!(link.as_str(), "https://example.com/b?c=d");
/// assert_eq!(link.host(), "example.com");
///
/// for (text, error) in [
///     ("java\nscript:alert(1)", UrlError::Scheme),
///     ("//example.com", UrlError::Invalid),
///     ("https://bank.example@evil.test/", UrlError::UserInfo),
/// ] {
///     assert_eq!(SafeUrl::parse(text), Err(error));
/// }
/// # Ok::<(), UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// It breaks one of the rules above. The error names the rule, and nothing of the text.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX {
            return Err(UrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Invalid)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(UrlError::Invalid);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::UserInfo);
        }
        // Escapes make it longer.
        if url.as_str().len() > MAX {
            return Err(UrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the host in lower case, in Punycode, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SafeUrl").field(&self.as_str()).finish()
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for SafeUrl {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for SafeUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for SafeUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl Serialize for SafeUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_refused() {
        for (text, error) in [
            ("", UrlError::Invalid),
            ("/path", UrlError::Invalid),
            ("//example.com/", UrlError::Invalid),
            ("example.com", UrlError::Invalid),
            ("https://", UrlError::Invalid),
            ("https:///", UrlError::Invalid),
            ("https://a b/", UrlError::Invalid),
            ("https://[::1", UrlError::Invalid),
            ("https://example.com:99999/", UrlError::Invalid),
            ("javascript:alert(1)", UrlError::Scheme),
            ("JavaScript://example.com/%0aalert(1)", UrlError::Scheme),
            ("java\tscript:alert(1)", UrlError::Scheme),
            ("\u{1}javascript:alert(1)", UrlError::Scheme),
            ("data:text/html,x", UrlError::Scheme),
            ("vbscript:x", UrlError::Scheme),
            ("blob:https://example.com/x", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("ftp://example.com/", UrlError::Scheme),
            ("mailto:a@example.com", UrlError::Scheme),
            ("https://user@example.com/", UrlError::UserInfo),
            ("https://:password@example.com/", UrlError::UserInfo),
            ("https://bank.example@evil.test/", UrlError::UserInfo),
        ] {
            assert_eq!(SafeUrl::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_value_is_what_a_browser_reads() {
        for (text, value) in [
            ("https://example.com", "https://example.com/"),
            ("http://example.com:80/", "http://example.com/"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            ("HTTPS://EXAMPLE.com/%7Ea", "https://example.com/%7Ea"),
            ("https:\\\\example.com\\a", "https://example.com/a"),
            ("https:example.com", "https://example.com/"),
            ("https://exa\nmple.com/", "https://example.com/"),
            (
                "https://b\u{fc}cher.example/\u{fc}",
                "https://xn--bcher-kva.example/%C3%BC",
            ),
            (
                "https://example.com/\"><script>",
                "https://example.com/%22%3E%3Cscript%3E",
            ),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("https://example.com/a@b", "https://example.com/a@b"),
            ("https://[::1]/", "https://[::1]/"),
        ] {
            assert_eq!(SafeUrl::parse(text).unwrap().as_str(), value, "{text:?}");
        }
        assert!(SafeUrl::parse("https://example.com/").unwrap().is_https());
        assert!(!SafeUrl::parse("http://example.com/").unwrap().is_https());
    }

    #[test]
    fn both_sides_of_the_length() {
        let url =
            |count: usize, letter: &str| format!("https://a.example/{}", letter.repeat(count));
        assert!(SafeUrl::parse(&url(2_030, "a")).is_ok());
        assert_eq!(SafeUrl::parse(&url(2_031, "a")), Err(UrlError::TooLong));
        // Three bytes each when they are escaped.
        assert!(SafeUrl::parse(&url(676, " b")).is_err());
        assert!(SafeUrl::parse(&url(500, " b")).is_ok());
    }

    #[test]
    fn it_is_read_checked_and_written_plain() {
        let link: SafeUrl = serde_json::from_str("\"https://a.example\"").unwrap();
        assert_eq!(
            serde_json::to_string(&link).unwrap(),
            "\"https://a.example/\""
        );
        assert_eq!(
            format!("{link} {link:?}"),
            "https://a.example/ SafeUrl(\"https://a.example/\")"
        );
        let error = serde_json::from_str::<SafeUrl>("\"javascript:secret\"").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
