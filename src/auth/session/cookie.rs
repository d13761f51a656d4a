//! The cookie of a session: how it is read, and the lines that set and delete it.

use std::fmt::Write;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::error::CookieProblem;
use crate::core::{Secret, field};

/// With which requests of other sites browsers send the cookie (RFC 6265bis, section 5.6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionSameSite {
    /// With links, not with forms or scripts of other sites (default).
    #[default]
    Lax,
    /// With none: who follows a link from another site arrives without a session.
    Strict,
}

/// What the builder is told of the cookie.
#[derive(Clone, Debug)]
pub(super) struct CookieSettings {
    pub(super) name: String,
    pub(super) domain: Option<String>,
    pub(super) path: String,
    pub(super) same_site: SessionSameSite,
    pub(super) is_plain: bool,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self {
            name: "__Host-session".to_owned(),
            domain: None,
            path: "/".to_owned(),
            same_site: SessionSameSite::Lax,
            is_plain: false,
        }
    }
}

impl CookieSettings {
    /// Everything that is wrong with it.
    pub(super) fn problems(&self) -> impl Iterator<Item = CookieProblem> {
        const LONGEST: usize = 128;
        const PREFIXES: [&str; 3] = ["__Host-", "__Http-", "__Secure-"];
        // Browsers compare without case.
        let has = |prefix: &str| {
            let start = self.name.as_bytes().get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        let is_name = self.name.len() <= LONGEST && field::is_token(self.name.as_bytes());
        let is_bound = self.domain.is_none() && self.path == "/";
        [
            (!is_name, CookieProblem::Name),
            (has("__Host-") && !is_bound, CookieProblem::HostPrefix),
            (
                self.is_plain && PREFIXES.into_iter().any(has),
                CookieProblem::PlainPrefix,
            ),
            (
                self.domain
                    .as_deref()
                    .is_some_and(|domain| !is_host(domain)),
                CookieProblem::Domain,
            ),
            (!is_path(&self.path), CookieProblem::Path),
        ]
        .into_iter()
        .filter(|(is_wrong, _)| *is_wrong)
        .map(|(_, problem)| problem)
    }

    /// The cookie, once nothing is wrong with it.
    pub(super) fn compile(&self) -> Cookie {
        let mut attributes = format!("; Path={}", self.path);
        // Writing to a `String` cannot fail.
        if let Some(domain) = &self.domain {
            let _ = write!(attributes, "; Domain={domain}");
        }
        if !self.is_plain {
            attributes.push_str("; Secure");
        }
        attributes.push_str("; HttpOnly; SameSite=");
        attributes.push_str(match self.same_site {
            SessionSameSite::Lax => "Lax",
            SessionSameSite::Strict => "Strict",
        });
        Cookie {
            deletion: HeaderValue::try_from(format!("{}={attributes}; Max-Age=0", self.name)).ok(),
            name: self.name.as_str().into(),
            attributes: attributes.into(),
            is_plain: self.is_plain,
        }
    }
}

fn is_host(domain: &str) -> bool {
    const LONGEST: usize = 253;
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_inner)
    };
    domain.len() <= LONGEST && domain.split('.').all(is_label)
}

fn is_path(path: &str) -> bool {
    // Browsers ignore an attribute whose value is longer.
    const LONGEST: usize = 1024;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    path.len() <= LONGEST && path.starts_with('/') && path.bytes().all(is_plain)
}

#[derive(Clone, Debug)]
pub(super) struct Cookie {
    name: Box<str>,
    /// Everything behind the value.
    attributes: Box<str>,
    /// Always there: the parts of a line were checked.
    deletion: Option<HeaderValue>,
    is_plain: bool,
}

/// The values of the cookie in a request.
pub(super) enum Found<'a> {
    None,
    One(&'a [u8]),
    /// Which of them is planted, nobody can tell.
    Several,
}

impl Cookie {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The values in all lines: HTTP/2 splits them (RFC 9113, section 8.2.3).
    pub(super) fn values<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        let name = self.name.as_bytes();
        let crumbs = headers.get_all(COOKIE).iter().flat_map(field::crumbs);
        crumbs.filter_map(move |crumb| crumb.strip_prefix(name)?.strip_prefix(b"="))
    }

    pub(super) fn find<'a>(&self, headers: &'a HeaderMap) -> Found<'a> {
        let mut values = self.values(headers);
        match (values.next(), values.next()) {
            (None, _) => Found::None,
            (Some(value), None) => Found::One(value),
            (Some(_), Some(_)) => Found::Several,
        }
    }

    /// The line that sets the cookie until the browser is closed. Not to be kept in the tables of HTTP/2 (RFC 7541, section 7.1.3).
    pub(super) fn line(&self, value: &Secret<String>) -> Option<HeaderValue> {
        let line = Secret::new(format!(
            "{}={}{}",
            self.name,
            value.expose(),
            self.attributes
        ));
        let mut line = HeaderValue::from_str(line.expose()).ok()?;
        line.set_sensitive(true);
        Some(line)
    }

    /// The line that deletes the cookie: a browser finds it by name, domain and path.
    pub(super) fn deletion(&self) -> Option<&HeaderValue> {
        self.deletion.as_ref()
    }
}
