//! The rules: what becomes of a line of `Set-Cookie`, decided from the line alone.

use http::HeaderValue;

use super::config::{CookieConfig, Violation};
use super::parse::{self, Attributes, Line, SameSite, Set};
use super::rename::HOST;
use crate::core::SchemeSource;

/// Why browsers refuse a `Set-Cookie` line.
///
/// # Example
///
/// ```
/// use http::HeaderValue;
/// use tower_security::cookies::{CookiePolicy, CookieViolation, Hardened};
///
/// let line = HeaderValue::from_static("__Host-id=1; Domain=example.com");
/// let hardened = CookiePolicy::default().harden(&line);
/// assert_eq!(hardened, Hardened::Dropped(CookieViolation::PrefixDomain));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CookieViolation {
    /// It has neither a name nor a value.
    #[error("the cookie has neither a name nor a value")]
    Empty,
    /// It has no name, and a value with `=`, which a server would read as another cookie: `=a=1` would be sent as `a=1`.
    #[error("the cookie has no name and a value that would be read as another cookie")]
    NamelessPair,
    /// It has no name, and a value that begins with a prefix: a server may read it as a cookie that has the prefix.
    #[error("the cookie has no name and a value that begins with a cookie prefix")]
    NamelessPrefix,
    /// Its name begins with `__Host-` and it has a `Domain`: which of the two was meant cannot be told.
    #[error("the cookie has the prefix __Host- and a Domain")]
    PrefixDomain,
    /// Name and value have more than 4,096 bytes together, the prefix of a renamed cookie included.
    #[error("the name and value of the cookie have more than 4096 bytes")]
    TooLong,
}

impl CookieViolation {
    /// Returns the stable snake-case name, such as `prefix_domain`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NamelessPair => "nameless_pair",
            Self::NamelessPrefix => "nameless_prefix",
            Self::PrefixDomain => "prefix_domain",
            Self::TooLong => "too_long",
        }
    }
}

/// What [`CookiePolicy::harden`] makes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hardened {
    /// This stands in its place.
    Changed(HeaderValue),
    /// Browsers would refuse it; it is left out.
    Dropped(CookieViolation),
    /// It has all that it needs.
    Kept,
}

/// The compiled rules. Usable without Tower.
///
/// Made by [`CookieLayer::builder`](super::CookieLayer::builder) and
/// [`CookieBuilder::build_policy`](super::CookieBuilder::build_policy); the default one is that of
/// [`CookieLayer::strict`](super::CookieLayer::strict).
#[derive(Clone, Debug, Default)]
pub struct CookiePolicy {
    /// Sorted by name.
    pub(super) names: Box<[(Box<str>, NameRule)]>,
    pub(super) renamed: Box<[Box<str>]>,
    pub(super) plain_http: Option<SchemeSource>,
    pub(super) config: CookieConfig,
}

/// What is said of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NameRule {
    pub(super) same_site: Option<SameSite>,
    pub(super) script_readable: bool,
    pub(super) skip: bool,
    pub(super) rename: bool,
}

/// Whether cookies without `Secure` are let be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// `Secure` is added, also where nobody knows how the request came.
    Secured,
    /// It came over plain HTTP, and `dangerous_insecure_on_plain_http` is on.
    Exposed,
}

/// What is found out about a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) violation: Option<CookieViolation>,
    pub(super) edit: Edit,
    /// A `Domain` with a value is among what is removed.
    pub(super) loses_domain: bool,
}

/// What has to be changed in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edit {
    rename: bool,
    remove: Set,
    add: Set,
    same_site: SameSite,
}

impl CookiePolicy {
    /// Hardens one line of `Set-Cookie`, as for a request that came over TLS.
    ///
    /// Allocates nothing for a line that is kept or dropped, and one buffer for one that is changed.
    /// [`Mode`](crate::core::Mode) belongs to the layer and is not looked at. With [`Violation::Report`] nothing is
    /// [`Dropped`](Hardened::Dropped).
    ///
    /// # Example
    ///
    /// ```
    /// use http::HeaderValue;
    /// use tower_security::cookies::{CookiePolicy, Hardened};
    ///
    /// let policy = CookiePolicy::default();
    /// let line = HeaderValue::from_static("theme=dark; Path=/");
    /// let Hardened::Changed(hardened) = policy.harden(&line) else {
    ///     panic!("it lacks three attributes");
    /// };
    /// assert_eq!(hardened, "theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax");
    /// assert_eq!(policy.harden(&hardened), Hardened::Kept);
    /// ```
    #[must_use]
    pub fn harden(&self, line: &HeaderValue) -> Hardened {
        self.carry_out(self.judge(line.as_bytes(), Transport::Secured), line)
    }

    pub(super) fn carry_out(&self, judgement: Judgement, line: &HeaderValue) -> Hardened {
        match judgement.violation {
            Some(violation) if self.config.on_violation == Violation::Drop => {
                Hardened::Dropped(violation)
            }
            _ if judgement.edit.is_empty() => Hardened::Kept,
            _ => match judgement.edit.apply(line) {
                Some(changed) => Hardened::Changed(changed),
                // Cannot be: what is added are visible characters.
                None => Hardened::Dropped(CookieViolation::Empty),
            },
        }
    }

    /// Finds what is wrong with a line. Allocates nothing.
    pub(super) fn judge(&self, line: &[u8], transport: Transport) -> Judgement {
        let line = Line::of(line);
        let rule = self.rule(line.name);
        if rule.skip {
            return Judgement::default();
        }
        // Browsers take `__Host-` over TLS alone.
        let rename = rule.rename && transport == Transport::Secured;
        let demands = if rename {
            Set::SECURE.and(Set::PATH)
        } else {
            parse::demands(line.name)
        };
        let seen = Attributes::of(&line);
        let violation = violation(&line, rename, demands, seen);
        if violation == Some(CookieViolation::Empty) {
            return Judgement {
                violation,
                ..Judgement::default()
            };
        }

        let mut edit = Edit {
            rename,
            same_site: self.config.same_site,
            ..Edit::default()
        };
        if demands.has(Set::PATH) {
            if !seen.path_is_root {
                edit.remove.add(Set::PATH);
                edit.add.add(Set::PATH);
            }
            // One that a later one takes back too: not every browser goes by the last.
            if seen.names_domain && (rename || !seen.has_domain) {
                edit.remove.add(Set::DOMAIN);
            }
        }
        let same_site = seen.same_site.unwrap_or_else(|| {
            edit.same_site = rule.same_site.unwrap_or(self.config.same_site);
            edit.remove.add(Set::SAME_SITE);
            edit.add.add(Set::SAME_SITE);
            edit.same_site
        });
        let needs_secure = transport == Transport::Secured
            || demands.has(Set::SECURE)
            || same_site == SameSite::None
            || seen.present.has(Set::PARTITIONED);
        if needs_secure && !seen.present.has(Set::SECURE) {
            edit.add.add(Set::SECURE);
        }
        let needs_http_only = !rule.script_readable || demands.has(Set::HTTP_ONLY);
        if needs_http_only && !seen.present.has(Set::HTTP_ONLY) {
            edit.add.add(Set::HTTP_ONLY);
        }
        Judgement {
            violation,
            edit,
            loses_domain: rename && seen.names_domain,
        }
    }

    /// What is said of a cookie by its name, with or without the prefix that renaming gives it.
    fn rule(&self, name: &[u8]) -> NameRule {
        if self.names.is_empty() {
            return NameRule::default();
        }
        let find = |name: &[u8]| {
            self.names
                .binary_search_by(|(known, _)| known.as_bytes().cmp(name))
                .ok()
                .and_then(|at| self.names.get(at))
                .map(|(_, rule)| *rule)
        };
        let renamed_already = || {
            let bare = find(name.strip_prefix(HOST)?)?;
            bare.rename.then_some(NameRule {
                rename: false,
                ..bare
            })
        };
        find(name).or_else(renamed_already).unwrap_or_default()
    }
}

fn violation(
    line: &Line<'_>,
    rename: bool,
    demands: Set,
    seen: Attributes,
) -> Option<CookieViolation> {
    let is_nameless = line.name.is_empty();
    if is_nameless && line.value.is_empty() {
        return Some(CookieViolation::Empty);
    }
    if line.is_too_long(if rename { HOST.len() } else { 0 }) {
        return Some(CookieViolation::TooLong);
    }
    if is_nameless && !parse::demands(line.value).is_empty() {
        return Some(CookieViolation::NamelessPrefix);
    }
    if is_nameless && line.value.contains(&b'=') {
        return Some(CookieViolation::NamelessPair);
    }
    (demands.has(Set::PATH) && seen.has_domain && !rename).then_some(CookieViolation::PrefixDomain)
}

impl Edit {
    pub(super) const fn is_empty(self) -> bool {
        !self.rename && self.remove.is_empty() && self.add.is_empty()
    }

    /// The attributes that it adds, each with its separator.
    fn additions(self) -> impl Iterator<Item = &'static str> {
        let same_site = match self.same_site {
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
            SameSite::Strict => "; SameSite=Strict",
        };
        let add = self.add;
        [
            (Set::PATH, "; Path=/"),
            (Set::SECURE, "; Secure"),
            (Set::HTTP_ONLY, "; HttpOnly"),
            (Set::SAME_SITE, same_site),
        ]
        .into_iter()
        .filter(move |(attribute, _)| add.has(*attribute))
        .map(|(_, text)| text)
    }

    fn pieces(self, line: &[u8], mut take: impl FnMut(&[u8])) {
        let parts = Line::of(line);
        let mut kept = line;
        if self.rename {
            take(HOST);
            kept = line.trim_ascii_start();
        }
        if self.remove.is_empty() {
            take(kept);
        } else {
            take(if self.rename {
                parts.pair.trim_ascii_start()
            } else {
                parts.pair
            });
            for segment in parts.segments() {
                if parse::attribute(segment).is_none_or(|(found, _)| !self.remove.has(found)) {
                    take(b";");
                    take(segment);
                }
            }
        }
        self.additions()
            .for_each(|addition| take(addition.as_bytes()));
    }

    /// Writes the line anew, into one buffer of its exact size: a larger one would be shared by a second allocation.
    fn apply(self, line: &HeaderValue) -> Option<HeaderValue> {
        let mut length = 0_usize;
        self.pieces(line.as_bytes(), |piece| {
            length = length.saturating_add(piece.len());
        });
        let mut text = Vec::with_capacity(length);
        self.pieces(line.as_bytes(), |piece| text.extend_from_slice(piece));
        let mut changed = HeaderValue::try_from(text).ok()?;
        changed.set_sensitive(line.is_sensitive());
        Some(changed)
    }
}
