//! Trusted origins, compiled.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::error::{instead, shown};
use super::index::{Index, Keyed};
use super::pattern::PortRule;
use super::{OriginError, OriginPattern, OriginRef, PublicSuffixes};
use crate::core::{ConfigErrors, Mistakes};

/// More exact origins than any list written by people; a rule of your own is cheaper from there on.
pub(super) const MAX_ORIGINS: usize = 65_536;
/// Patterns are compared with one another when a set is built.
const MAX_PATTERNS: usize = 1024;

/// A compiled set of origins, shared by [`mod@crate::cors`] and [`mod@crate::csrf`]. Cloning it is one reference count.
///
/// # Example
///
/// ```
/// use tower_security::core::origin::{Match, TrustedOrigins};
///
/// let trusted = TrustedOrigins::builder()
///     .origins(["https://app.example.com", "https://*.example.org", "http://localhost:*"])
///     .build()?;
/// assert!(matches!(trusted.matches(b"https://app.example.com"), Some(Match::Exact(_))));
/// assert!(matches!(trusted.matches(b"http://localhost:3000"), Some(Match::Pattern)));
/// assert!(trusted.matches(b"https://example.org").is_none()); // `*.` stands for one label at least
/// assert!(trusted.matches(b"https://evilexample.org").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct TrustedOrigins(Arc<Compiled>);

struct Compiled {
    /// Everything that is accepted, sorted, nothing twice.
    origins: Box<[OriginPattern]>,
    exact: Index<HeaderValue>,
    /// `scheme://host:*`
    hosts: Index<HostRule>,
    /// `scheme://*.host`
    parents: Index<HostRule>,
}

/// All patterns of one scheme and host.
#[derive(Debug)]
struct HostRule {
    scheme: Box<str>,
    host: Box<str>,
    ports: Ports,
}

#[derive(Debug)]
enum Ports {
    Any,
    /// Sorted.
    Only(Vec<Option<u16>>),
}

/// How an origin is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Match<'a> {
    /// By its own entry: the header value that names it, whose clone is a reference count.
    Exact(&'a HeaderValue),
    /// By a pattern.
    Pattern,
}

impl TrustedOrigins {
    /// Starts an empty set.
    pub fn builder() -> TrustedOriginsBuilder {
        TrustedOriginsBuilder {
            path: "origins".to_owned(),
            origins: Vec::new(),
            credentials: true,
            rules: CredentialRules::default(),
        }
    }

    /// Looks the `Origin` header of a request up, byte by byte as it came. Does not allocate.
    #[must_use]
    pub fn matches(&self, origin: &[u8]) -> Option<Match<'_>> {
        self.exact(origin).or_else(|| {
            let is_possible =
                self.has_patterns() && self.matches_pattern(&OriginRef::parse(origin)?);
            is_possible.then_some(Match::Pattern)
        })
    }

    /// [`matches`](Self::matches) for an origin that was parsed already.
    pub(crate) fn contains(&self, origin: &OriginRef<'_>) -> bool {
        self.exact(origin.as_bytes()).is_some() || self.matches_pattern(origin)
    }

    /// Returns how many different origins and patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.origins.len()
    }

    /// Returns whether no origin is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.origins.is_empty()
    }

    /// Returns the origins and then the patterns, sorted, without duplicates and without patterns that another one covers.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &OriginPattern> {
        self.0.origins.iter()
    }

    /// Checks a set that was built for other uses before it is used with credentials.
    pub(crate) fn recheck(&self, path: &str, rules: &CredentialRules) -> Result<(), ConfigErrors> {
        let mut mistakes = Mistakes::default();
        for (index, origin) in self.iter().enumerate() {
            if let Err(error) = rules.check(origin) {
                mistakes.push(format!("{path}[{index}]"), error);
            }
        }
        mistakes.finish(())
    }

    fn exact(&self, origin: &[u8]) -> Option<Match<'_>> {
        self.0.exact.find(origin, |_| true).map(Match::Exact)
    }

    fn has_patterns(&self) -> bool {
        !(self.0.hosts.is_empty() && self.0.parents.is_empty())
    }

    fn matches_pattern(&self, origin: &OriginRef<'_>) -> bool {
        let host = origin.host_bytes();
        let fits = |rule: &HostRule| {
            rule.scheme.as_bytes() == origin.scheme_bytes() && rule.ports.accept(origin.port())
        };
        if self.0.hosts.find(host, fits).is_some() {
            return true;
        }
        // Parent domains from the shortest on, up to the longest one that a pattern has.
        let mut rest = host;
        while let Some(dot) = rest.iter().rposition(|byte| *byte == b'.') {
            let Some((below, parent)) = host.split_at_checked(dot) else {
                return false;
            };
            let parent = parent.get(1..).unwrap_or_default();
            if parent.len() > self.0.parents.longest() {
                return false;
            }
            if self.0.parents.find(parent, fits).is_some() {
                return true;
            }
            rest = below;
        }
        false
    }
}

impl<'a> IntoIterator for &'a TrustedOrigins {
    type Item = &'a OriginPattern;
    type IntoIter = std::slice::Iter<'a, OriginPattern>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.origins.iter()
    }
}

impl fmt::Debug for TrustedOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Default for Compiled {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Compiled {
    fn new(mut origins: Vec<OriginPattern>) -> Self {
        origins.sort_unstable();
        origins.dedup();
        let (exact, patterns): (Vec<_>, Vec<_>) =
            origins.into_iter().partition(OriginPattern::is_exact);
        // An exact origin that a pattern covers stays: its answer is prebuilt.
        let patterns: Vec<_> = patterns
            .iter()
            .filter(|pattern| {
                !patterns
                    .iter()
                    .any(|other| other != *pattern && other.covers(pattern))
            })
            .cloned()
            .collect();
        let rules = |below: bool| {
            HostRule::group(
                patterns
                    .iter()
                    .filter(move |pattern| pattern.includes_subdomains() == below),
            )
        };
        Self {
            exact: Index::new(exact.iter().filter_map(|origin| prebuilt(origin.as_str()))),
            hosts: Index::new(rules(false)),
            parents: Index::new(rules(true)),
            origins: exact.into_iter().chain(patterns.iter().cloned()).collect(),
        }
    }
}

/// A value whose buffer is shared already: the first clone of a fresh one allocates the reference count.
fn prebuilt(origin: &str) -> Option<HeaderValue> {
    let value = HeaderValue::from_str(origin).ok()?;
    drop(value.clone());
    Some(value)
}

impl HostRule {
    /// One rule for all patterns of the same scheme and host.
    fn group<'a>(patterns: impl Iterator<Item = &'a OriginPattern>) -> Vec<Self> {
        let mut patterns: Vec<_> = patterns.collect();
        patterns.sort_unstable_by_key(|pattern| {
            (pattern.scheme(), pattern.host(), pattern.port_rule())
        });
        patterns
            .chunk_by(|a, b| (a.scheme(), a.host()) == (b.scheme(), b.host()))
            .filter_map(|group| {
                let first = group.first()?;
                let ports = group.iter().map(|pattern| match pattern.port_rule() {
                    PortRule::Exactly(port) => Some(port),
                    PortRule::Any => None,
                });
                Some(Self {
                    scheme: first.scheme().into(),
                    host: first.host().into(),
                    ports: ports.collect::<Option<_>>().map_or(Ports::Any, Ports::Only),
                })
            })
            .collect()
    }
}

impl Ports {
    fn accept(&self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(ports) => ports.binary_search(&port).is_ok(),
        }
    }
}

impl Keyed for HeaderValue {
    fn key(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Keyed for HostRule {
    fn key(&self) -> &[u8] {
        self.host.as_bytes()
    }
}

/// Collects the origins of a [`TrustedOrigins`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TrustedOriginsBuilder {
    path: String,
    origins: Vec<String>,
    credentials: bool,
    rules: CredentialRules,
}

impl TrustedOriginsBuilder {
    /// Sets the origins and patterns, in the spelling that browsers send; see [`OriginPattern`]. At most 65,536, and at most 1,024
    /// patterns among them. Default: none.
    pub fn origins(mut self, origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        // One more than is allowed, so that `build` sees that there were too many.
        self.origins = origins
            .into_iter()
            .take(MAX_ORIGINS + 1)
            .map(|origin| origin.as_ref().to_owned())
            .collect();
        self
    }

    /// Sets whether requests from these origins may carry the user's cookies. Default: true, which refuses origins that others can
    /// impersonate.
    ///
    /// Without credentials trusting an origin is no worse than trusting every origin. A set built so is checked again wherever it is
    /// used with credentials.
    pub fn credentials(mut self, credentials: bool) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets what is known as a public suffix. Default: [`PublicSuffixes::builtin`].
    pub fn public_suffixes(mut self, suffixes: PublicSuffixes) -> Self {
        self.rules.suffixes = suffixes;
        self
    }

    /// Accepts origins that are not `https` together with credentials. Default: false; `http` on localhost is always accepted.
    ///
    /// Anybody in the network of a user can then answer for `http://app.example.com` and act with that user's cookies.
    pub fn dangerous_allow_insecure_origins(mut self, allow: bool) -> Self {
        self.rules.allow_insecure = allow;
        self
    }

    /// Accepts patterns over public suffixes together with credentials. Default: false.
    ///
    /// Anybody who gets a name under such a domain can then act with the cookies of each user that visits it.
    pub fn dangerous_allow_public_suffix_subdomains(mut self, allow: bool) -> Self {
        self.rules.allow_public_suffixes = allow;
        self
    }

    /// What errors call the list: `cors.origins` reports `cors.origins[2]`.
    pub(crate) fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Compiles the set.
    ///
    /// # Errors
    ///
    /// Fails with every origin that cannot be used as it stands; each is an [`OriginError`].
    pub fn build(self) -> Result<TrustedOrigins, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if self.origins.len() > MAX_ORIGINS {
            mistakes.push(
                self.path,
                OriginError::RefusedTooManyOrigins {
                    limit: MAX_ORIGINS,
                    entries: "origins",
                },
            );
            return mistakes.finish(TrustedOrigins::default());
        }
        let mut patterns = Vec::with_capacity(self.origins.len());
        for (index, text) in self.origins.iter().enumerate() {
            let checked = OriginPattern::parse(text).and_then(|pattern| {
                if self.credentials {
                    self.rules.check(&pattern)?;
                }
                Ok(pattern)
            });
            match checked {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => mistakes.push(format!("{}[{index}]", self.path), error),
            }
        }
        if patterns
            .iter()
            .filter(|pattern| !pattern.is_exact())
            .count()
            > MAX_PATTERNS
        {
            mistakes.push(
                self.path,
                OriginError::RefusedTooManyOrigins {
                    limit: MAX_PATTERNS,
                    entries: "patterns",
                },
            );
            patterns.clear();
        }
        mistakes.finish(TrustedOrigins(Arc::new(Compiled::new(patterns))))
    }
}

impl PublicSuffixes {
    /// Whether anybody can get an origin that a pattern stands for, by registering a name.
    pub(crate) fn lets_strangers_into(&self, origin: &OriginPattern) -> bool {
        origin.includes_subdomains()
            && !origin.is_local()
            && self.lets_strangers_below(origin.host())
    }
}

/// What origins may be trusted with the user's cookies.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialRules {
    pub(crate) suffixes: PublicSuffixes,
    pub(crate) allow_insecure: bool,
    pub(crate) allow_public_suffixes: bool,
}

impl CredentialRules {
    fn check(&self, origin: &OriginPattern) -> Result<(), OriginError> {
        let is_secure = origin.scheme() == "https" || origin.is_local();
        if !(is_secure || self.allow_insecure) {
            return Err(insecure(origin));
        }
        if self.suffixes.lets_strangers_into(origin) && !self.allow_public_suffixes {
            return Err(OriginError::RefusedPublicSuffix {
                value: shown(origin.as_str()),
                suffix: origin.host().to_owned(),
            });
        }
        Ok(())
    }
}

pub(super) fn insecure(origin: &OriginPattern) -> OriginError {
    let rest = origin
        .as_str()
        .strip_prefix(origin.scheme())
        .unwrap_or_default();
    OriginError::RefusedInsecureOrigin {
        value: origin.as_str().to_owned(),
        instead: instead(format!("https{rest}")),
    }
}

/// What a CORS policy lets other origins read, as far as trust in their requests goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OriginGrant {
    /// Any origin, without credentials: nobody in particular is trusted.
    AnyOrigin,
    /// Listed origins, without credentials: none is trusted with the user's cookies.
    Uncredentialed,
    /// Origins that only a predicate knows.
    PredicateOnly,
    /// Listed origins, with credentials.
    Credentialed(TrustedOrigins),
}
