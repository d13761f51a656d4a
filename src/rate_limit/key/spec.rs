//! What a key is made of.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderName, Request};

use super::prefix::Prefix;
use super::{KeyHasher, KeyOutcome};
use crate::core::Mistakes;
use crate::rate_limit::error::RateLimitConfigError;

/// Whom a policy counts. Made by the functions of [this module](super); cloning shares it.
#[derive(Clone)]
#[must_use]
pub struct Key(pub(super) Kind);

/// The built-in ones are no functions behind a pointer: they are hashed in a few nanoseconds.
#[derive(Clone)]
pub(super) enum Kind {
    All(Arc<[Key]>),
    BadHeader(Arc<str>),
    Client(Prefix),
    Custom(Arc<dyn Fn(&Parts, &mut KeyHasher) -> KeyOutcome + Send + Sync>),
    Extension(fn(&Extensions, &mut KeyHasher) -> KeyOutcome, &'static str),
    Global,
    #[cfg_attr(
        not(feature = "tower-governor"),
        expect(dead_code, reason = "what `key::governor` makes")
    )]
    Foreign(Arc<Foreign>),
    Header(HeaderName),
    Normalised(Arc<Key>),
    Or(Arc<[Key; 2]>),
    Principal {
        or_address: bool,
    },
    Route,
}

/// An extractor that wants the request, not its parts.
pub(super) struct Foreign {
    pub(super) extract: Box<dyn Fn(&Request<()>, &mut KeyHasher) -> KeyOutcome + Send + Sync>,
    pub(super) name: &'static str,
    /// Whether the bytes of the key are the same on every node.
    pub(super) is_stable: bool,
}

impl Key {
    /// Takes `other` for requests in which this key is missing.
    ///
    /// The two never fall together, whatever they are made of.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::rate_limit::key;
    ///
    /// let by_account_or_address = key::principal_only().or(key::client_prefix(32, 56));
    /// # let _ = by_account_or_address;
    /// ```
    pub fn or(self, other: Self) -> Self {
        Self(Kind::Or(Arc::new([self, other])))
    }

    /// Takes texts trimmed and in lower case: `" Ada@Example.com"` and `"ada@example.com"` are one key.
    ///
    /// It concerns what is written by [`KeyHasher::str`]: headers, names of principals, and what a [`custom`](super::custom) key
    /// writes that way. The bytes of a [`Hash`] implementation stay as they are.
    pub fn normalised(self) -> Self {
        Self(Kind::Normalised(Arc::new(self)))
    }

    /// Whether the whole head of the request is needed to find the key.
    pub(in crate::rate_limit) fn needs_parts(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Custom(_)))
    }

    /// Whether a whole request is needed, as extractors of `tower_governor` do.
    pub(in crate::rate_limit) fn needs_request(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Foreign(_)))
    }

    /// Whether the address of the client can be a part of the key.
    pub(in crate::rate_limit) fn needs_client(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Client(_) | Kind::Principal { or_address: true }))
    }

    /// Whether every node hashes the same bytes.
    pub(in crate::rate_limit) fn is_stable(&self) -> bool {
        !self.has(|kind| match kind {
            Kind::Extension(..) => true,
            Kind::Foreign(foreign) => !foreign.is_stable,
            Kind::All(_)
            | Kind::BadHeader(_)
            | Kind::Client(_)
            | Kind::Custom(_)
            | Kind::Global
            | Kind::Header(_)
            | Kind::Normalised(_)
            | Kind::Or(_)
            | Kind::Principal { .. }
            | Kind::Route => false,
        })
    }

    /// Whether all requests have this key.
    pub(in crate::rate_limit) const fn is_global(&self) -> bool {
        matches!(self.0, Kind::Global)
    }

    /// Whether each IPv6 address counts by itself.
    pub(in crate::rate_limit) fn counts_each_v6(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Client(prefix) if prefix.is_full_v6()))
    }

    /// Whether the client writes a part of the key.
    pub(in crate::rate_limit) fn trusts_header(&self) -> bool {
        self.has(|kind| matches!(kind, Kind::Header(_)))
    }

    /// Whether the two give the same hash for every request, so that it is computed once.
    pub(in crate::rate_limit) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::All(a), Kind::All(b)) => same(a, b),
            (Kind::Or(a), Kind::Or(b)) => same(&a[..], &b[..]),
            (Kind::Normalised(a), Kind::Normalised(b)) => a.is_same(b),
            (Kind::Client(a), Kind::Client(b)) => a == b,
            (Kind::Header(a), Kind::Header(b)) => a == b,
            (Kind::Principal { or_address: a }, Kind::Principal { or_address: b }) => a == b,
            (Kind::Custom(a), Kind::Custom(b)) => Arc::ptr_eq(a, b),
            (Kind::Foreign(a), Kind::Foreign(b)) => Arc::ptr_eq(a, b),
            (Kind::Global, Kind::Global) | (Kind::Route, Kind::Route) => true,
            // Two kinds, or two function pointers, of which equal ones need not have equal addresses: hashed once more.
            _ => false,
        }
    }

    /// What the key is made of, for messages and posture.
    pub(in crate::rate_limit) fn describe(&self) -> String {
        format!("{self:?}")
    }

    /// Records what is wrong with the key.
    pub(in crate::rate_limit) fn check(
        &self,
        path: &str,
        is_shared: bool,
        mistakes: &mut Mistakes,
    ) {
        self.check_parts(path, mistakes);
        if self.needs_parts() && self.needs_request() {
            let key = self.describe();
            mistakes.push(path, RateLimitConfigError::MixedKey { key });
        }
        if is_shared && !self.is_stable() {
            let key = self.describe();
            mistakes.push(path, RateLimitConfigError::UnstableKey { key });
        }
    }

    fn check_parts(&self, path: &str, mistakes: &mut Mistakes) {
        match &self.0 {
            Kind::BadHeader(name) => {
                let name = name.as_ref().to_owned();
                mistakes.push(path, RateLimitConfigError::HeaderName { name });
            }
            Kind::Client(prefix) => prefix.check(path, mistakes),
            other => {
                for key in other.parts() {
                    key.check_parts(path, mistakes);
                }
            }
        }
    }

    /// Whether the key or a part of it is of this kind.
    fn has(&self, is: impl Fn(&Kind) -> bool + Copy) -> bool {
        is(&self.0) || self.0.parts().iter().any(|key| key.has_dyn(&is))
    }

    fn has_dyn(&self, is: &dyn Fn(&Kind) -> bool) -> bool {
        is(&self.0) || self.0.parts().iter().any(|key| key.has_dyn(is))
    }
}

impl Kind {
    /// The keys of which it is made.
    fn parts(&self) -> &[Key] {
        match self {
            Self::All(parts) => parts,
            Self::Normalised(part) => std::slice::from_ref(part.as_ref()),
            Self::Or(parts) => parts.as_slice(),
            Self::BadHeader(_)
            | Self::Client(_)
            | Self::Custom(_)
            | Self::Extension(..)
            | Self::Global
            | Self::Foreign(_)
            | Self::Header(_)
            | Self::Principal { .. }
            | Self::Route => &[],
        }
    }
}

fn same(a: &[Key], b: &[Key]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}

/// As it is written: `all(client_ip, header("x-api-key"))`.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::All(parts) => {
                f.write_str("all")?;
                let mut tuple = f.debug_tuple("");
                for part in parts.iter() {
                    tuple.field(part);
                }
                tuple.finish()
            }
            Kind::BadHeader(name) => write!(f, "dangerous_header({name:?})"),
            Kind::Client(prefix) if prefix.is_full_v6() => f.write_str("dangerous_full_v6"),
            Kind::Client(Prefix::SUBSCRIBER) => f.write_str("client_ip"),
            Kind::Client(prefix) => {
                let (v4, v6) = prefix.given();
                write!(f, "client_prefix({v4}, {v6})")
            }
            Kind::Custom(_) => f.write_str("custom(<fn>)"),
            Kind::Extension(_, name) => write!(f, "extension::<{name}>"),
            Kind::Global => f.write_str("global"),
            Kind::Foreign(foreign) => write!(f, "governor({})", foreign.name),
            Kind::Header(name) => write!(f, "dangerous_header({:?})", name.as_str()),
            Kind::Normalised(part) => write!(f, "{part:?}.normalised"),
            Kind::Or(parts) => {
                let [first, second] = &**parts;
                write!(f, "{first:?}.or({second:?})")
            }
            Kind::Principal { or_address: true } => f.write_str("principal"),
            Kind::Principal { or_address: false } => f.write_str("principal_only"),
            Kind::Route => f.write_str("route"),
        }
    }
}
