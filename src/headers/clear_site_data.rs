//! `Clear-Site-Data`: what a browser is told to forget when a session ends.

use http::{HeaderMap, HeaderValue};

use super::error::HeadersConfigError as Error;
use super::names::CLEAR_SITE_DATA;
use crate::core::{Mistakes, field, is_exact_path};

/// What a browser forgets of this origin ([Clear Site Data]).
///
/// Browsers obey it over HTTPS alone. `"cookies"` covers the whole registrable domain, sub-domains and siblings too.
///
/// # Example
///
/// In a handler that ends a session by itself:
///
/// ```
/// use http::Response;
/// use tower_security::headers::ClearSiteData;
///
/// let mut response = Response::new("signed out");
/// ClearSiteData::logout().without_cache().insert_into(response.headers_mut());
/// assert_eq!(response.headers()["clear-site-data"], r#""cookies","storage""#);
/// ```
///
/// [Clear Site Data]: https://www.w3.org/TR/clear-site-data/
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "it does nothing until it is given to a builder or inserted into an answer"]
pub struct ClearSiteData(u8);

impl ClearSiteData {
    const CACHE: u8 = 1;
    const COOKIES: u8 = 2;
    const STORAGE: u8 = 4;
    const ALL: u8 = 7;

    /// Starts with nothing.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Clears cache, cookies and storage: the value that [OWASP] gives for signing out.
    ///
    /// [OWASP]: https://owasp.org/www-project-secure-headers/
    pub const fn logout() -> Self {
        Self::new().cache().cookies().storage()
    }

    /// Clears what the browser's cache holds of this origin. It takes seconds in a browser with a large cache.
    pub const fn cache(self) -> Self {
        Self(self.0 | Self::CACHE)
    }

    /// Clears the cookies of the registrable domain.
    pub const fn cookies(self) -> Self {
        Self(self.0 | Self::COOKIES)
    }

    /// Clears local storage, databases and service workers.
    pub const fn storage(self) -> Self {
        Self(self.0 | Self::STORAGE)
    }

    /// Leaves the cache alone, as clearing it is slow.
    pub const fn without_cache(self) -> Self {
        Self(self.0 & !Self::CACHE)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Sets the header of an answer, in place of what stands there; for nothing to clear it does nothing.
    ///
    /// Whether the request came over TLS is not looked at: a browser ignores the header if it did not.
    pub fn insert_into(self, headers: &mut HeaderMap) {
        if !self.is_empty() {
            let value = HeaderValue::from_static(self.as_str());
            field::set(headers, CLEAR_SITE_DATA.clone(), value);
        }
    }

    /// The three bits, for the byte that a request leaves behind.
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL)
    }

    const fn as_str(self) -> &'static str {
        match self.0 {
            0 => "",
            1 => r#""cache""#,
            2 => r#""cookies""#,
            3 => r#""cache","cookies""#,
            4 => r#""storage""#,
            5 => r#""cache","storage""#,
            6 => r#""cookies","storage""#,
            // No other bit is ever set.
            _ => r#""cache","cookies","storage""#,
        }
    }
}

/// The paths with what is cleared on each, or what is wrong.
pub(super) fn compile(
    mistakes: &mut Mistakes,
    lists: &[(Vec<String>, ClearSiteData)],
) -> Vec<(Box<str>, ClearSiteData)> {
    let mut all = Vec::<(Box<str>, ClearSiteData)>::new();
    let invalid = |what, value: &str, instead| Error::InvalidValue {
        what,
        value: value.to_owned(),
        instead,
    };
    for (list, (paths, data)) in lists.iter().enumerate() {
        let path = format!("headers.clear_site_data_on[{list}]");
        if data.is_empty() {
            let instead = "write `ClearSiteData::logout()`, or leave the call out";
            mistakes.push(path.clone(), invalid("Clear-Site-Data", "", instead));
        }
        if paths.is_empty() {
            let instead = "name a path, or leave the call out";
            mistakes.push(
                path.clone(),
                invalid("list of Clear-Site-Data paths", "", instead),
            );
        }
        for (index, text) in paths.iter().enumerate() {
            let path = format!("{path}.paths[{index}]");
            if !is_exact_path(text) {
                let instead = "write one exact path as it is sent, such as \"/logout\"";
                mistakes.push(path, invalid("Clear-Site-Data path", text, instead));
            } else if all.iter().any(|(known, _)| **known == **text) {
                mistakes.push(path, Error::DuplicatePath { path: text.clone() });
            } else {
                all.push((text.as_str().into(), *data));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_names_its_parts_in_one_order() {
        let words = ["cache", "cookies", "storage"];
        for bits in 0..8_u8 {
            let named = words.iter().enumerate();
            let named = named.filter(|(bit, _)| bits & (1 << bit) != 0);
            let expected = named
                .map(|(_, word)| format!("\"{word}\""))
                .collect::<Vec<_>>();
            assert_eq!(ClearSiteData::from_bits(bits).as_str(), expected.join(","));
        }
    }
}
