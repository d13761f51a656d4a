//! The ladder: what a request may do, decided from its head alone.

use http::header::{AUTHORIZATION, COOKIE, ORIGIN, REFERER, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri};

use super::config::CsrfConfig;
use super::exempt::Exemptions;
use crate::core::Template;
use crate::core::field::Lines;
use crate::core::origin::{OriginRef, SelfOrigin, TrustedOrigins};

// Statics, not constants: a constant that owns a name is made and dropped again at each look-up.
static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
pub(super) static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pass {
    /// The request would have been refused; its path is exempt or, with isolation, public.
    Exempt,
    /// It says nothing of where it comes from, and `dangerous_allow_missing_metadata` lets that pass.
    MissingAllowed,
    /// It says nothing of where it comes from, and carries no credential that a browser adds by itself.
    NoCredentials,
    /// Its `Referer` names a page of this server or of a trusted origin, and it says nothing else.
    Referer,
    /// The method is safe, and the request is neither a WebSocket handshake nor another method in disguise.
    Safe,
    /// The browser says that the request comes from this origin, or from the user alone (a bookmark, the address bar).
    SameOrigin,
    /// It comes from another origin of the same site: a safe request that isolation lets pass, or any with
    /// `dangerous_allow_same_site`.
    SameSite,
    /// It comes from a trusted origin.
    Trusted,
}

/// Why a request was refused. It stands in the extensions of the refusal and, as [`as_str`](Self::as_str), in the event.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::csrf::{CsrfPolicy, CsrfRefusal};
///
/// let (head, ()) = Request::post("/transfer").header("origin", "null").body(())?.into_parts();
/// let refusal = CsrfPolicy::default().check(&head).unwrap_err();
/// assert_eq!(refusal, CsrfRefusal::OriginNull);
/// assert!(refusal.is_fallback());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfRefusal {
    /// `Sec-Fetch-Site` is `cross-site`.
    #[error("the request comes from another site")]
    CrossSite,
    /// Isolation is on, and another site's page would read, frame or include the answer.
    #[error("the answer may not be included by another site")]
    Isolation,
    /// A `Sec-Fetch-*` header stands twice; no browser sends that.
    #[error("a Sec-Fetch header stands more than once")]
    MetadataDuplicate,
    /// Nothing says where the request comes from, and it carries credentials that a browser adds by itself.
    #[error("nothing says where the request comes from")]
    MetadataMissing,
    /// `Sec-Fetch-Site` has a value that no browser sends.
    #[error("the value of Sec-Fetch-Site is unknown")]
    MetadataUnknown,
    /// `Origin` stands twice; no browser sends that.
    #[error("the Origin header stands more than once")]
    OriginDuplicate,
    /// `Origin` is no origin in the form that browsers send.
    #[error("the Origin header holds no origin")]
    OriginInvalid,
    /// `Origin` is neither this server nor trusted.
    #[error("the origin is neither this server nor trusted")]
    OriginMismatch,
    /// `Origin` is `null`: a sandboxed frame, or a redirect across origins.
    #[error("the origin is opaque")]
    OriginNull,
    /// `Referer` names a page that is neither of this server nor of a trusted origin, or stands twice.
    #[error("the referring page is neither of this server nor trusted")]
    RefererMismatch,
    /// `Sec-Fetch-Site` is `same-site`: a sibling sub-domain.
    #[error("the request comes from another origin of the same site")]
    SameSite,
}

impl CsrfRefusal {
    /// Returns the stable snake-case name, such as `cross_site`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CrossSite => "cross_site",
            Self::Isolation => "isolation",
            Self::MetadataDuplicate => "metadata_duplicate",
            Self::MetadataMissing => "metadata_missing",
            Self::MetadataUnknown => "metadata_unknown",
            Self::OriginDuplicate => "origin_duplicate",
            Self::OriginInvalid => "origin_invalid",
            Self::OriginMismatch => "origin_mismatch",
            Self::OriginNull => "origin_null",
            Self::RefererMismatch => "referer_mismatch",
            Self::SameSite => "same_site",
        }
    }

    /// Returns whether no browser sends such a request: it was a program, whatever page it claims to come from.
    ///
    /// That is so of a header that stands twice. Only this is a sign of abuse
    /// ([`AbuseKind::CsrfRefused`](crate::core::AbuseKind::CsrfRefused)). Who sends the others may be the victim, or have a browser of
    /// tomorrow: if they counted, any page could have its visitors banned.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csrf::CsrfRefusal;
    ///
    /// assert!(CsrfRefusal::MetadataDuplicate.is_no_browser());
    /// assert!(!CsrfRefusal::CrossSite.is_no_browser());
    /// ```
    #[must_use]
    pub const fn is_no_browser(self) -> bool {
        match self {
            Self::MetadataDuplicate | Self::OriginDuplicate => true,
            Self::CrossSite
            | Self::Isolation
            | Self::MetadataMissing
            | Self::MetadataUnknown
            | Self::OriginInvalid
            | Self::OriginMismatch
            | Self::OriginNull
            | Self::RefererMismatch
            | Self::SameSite => false,
        }
    }

    /// Returns whether it was decided without `Sec-Fetch-Site`: a browser of before 2020 to 2023, plain HTTP, or no browser.
    #[must_use]
    pub const fn is_fallback(self) -> bool {
        match self {
            Self::MetadataMissing
            | Self::OriginDuplicate
            | Self::OriginInvalid
            | Self::OriginMismatch
            | Self::OriginNull
            | Self::RefererMismatch => true,
            Self::CrossSite
            | Self::Isolation
            | Self::MetadataDuplicate
            | Self::MetadataUnknown
            | Self::SameSite => false,
        }
    }
}

/// What to do with a checked request that has neither `Sec-Fetch-Site` nor `Origin` nor `Referer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Missing {
    /// Refuses it.
    Refuse,
    /// Refuses it if it carries what a browser adds by itself: a cookie, or `Authorization` of the scheme `Basic`, `Digest`,
    /// `Negotiate` or `NTLM`. The default: programs with a token of their own keep working.
    #[default]
    RefuseWithCookie,
}

/// The compiled rules: which requests pass. Usable without Tower.
///
/// Made by [`CsrfLayer::builder`](super::CsrfLayer::builder) and [`CsrfBuilder::build_policy`](super::CsrfBuilder::build_policy);
/// the default one is that of [`CsrfLayer::new`](super::CsrfLayer::new).
#[derive(Debug)]
pub struct CsrfPolicy {
    pub(super) trusted: TrustedOrigins,
    pub(super) self_origin: SelfOrigin,
    pub(super) missing: MissingRule,
    pub(super) allow_same_site: bool,
    pub(super) check_websocket: bool,
    pub(super) override_headers: Box<[HeaderName]>,
    pub(super) exemptions: Exemptions,
    pub(super) isolation: Option<IsolationRules>,
    pub(super) config: CsrfConfig,
}

/// [`Missing`], and what `dangerous_allow_missing_metadata` makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissingRule {
    Pass,
    Refuse,
    RefuseWithCookie,
}

/// Compiled from [`Isolation`](super::Isolation).
#[derive(Debug)]
pub(super) struct IsolationRules {
    pub(super) allow_framing: bool,
    pub(super) refuse_same_site: bool,
    pub(super) public: Box<[Template]>,
}

/// What `Sec-Fetch-Site` says, when it is neither `same-origin` nor `none`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Site {
    Missing,
    Same,
    Cross,
    Unknown,
    Duplicate,
}

impl Site {
    /// `None` for a request of this origin or of the user alone.
    #[inline]
    fn foreign(headers: &HeaderMap) -> Option<Self> {
        let line = match Value::of(headers, &SEC_FETCH_SITE) {
            Value::None => return Some(Self::Missing),
            Value::One(line) => line,
            Value::Several => return Some(Self::Duplicate),
        };
        // Byte-exact: the specification of Fetch Metadata knows lower case alone, and no parameters.
        if line == b"same-origin" || line == b"none" {
            return None;
        }
        Some(match line {
            b"same-site" => Self::Same,
            b"cross-site" => Self::Cross,
            // What cannot be read is refused like `cross-site`.
            _ => Self::Unknown,
        })
    }
}

/// The one line of a header, as bytes; a single line without a value counts as none.
enum Value<'a> {
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> Value<'a> {
    #[inline]
    fn of(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        match Lines::of(headers, name) {
            Lines::Absent => Self::None,
            Lines::One(line) if line.is_empty() => Self::None,
            Lines::One(line) => Self::One(line.as_bytes()),
            Lines::Several(_) => Self::Several,
        }
    }
}

impl CsrfPolicy {
    /// Decides on a request. Allocates nothing.
    ///
    /// The [module](crate::csrf) has the steps. [`Mode`](crate::core::Mode) belongs to the layer and is not looked at.
    ///
    /// # Errors
    ///
    /// Fails with the reason for which the layer would refuse the request.
    ///
    /// # Example
    ///
    /// ```
    /// use http::Request;
    /// use tower_security::csrf::{CsrfPolicy, CsrfRefusal, Pass};
    ///
    /// let policy = CsrfPolicy::default();
    /// let (own, ()) = Request::post("/").header("sec-fetch-site", "same-origin").body(())?.into_parts();
    /// let (forged, ()) = Request::post("/").header("sec-fetch-site", "cross-site").body(())?.into_parts();
    /// assert_eq!(policy.check(&own), Ok(Pass::SameOrigin));
    /// assert_eq!(policy.check(&forged), Err(CsrfRefusal::CrossSite));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, head: &Parts) -> Result<Pass, CsrfRefusal> {
        self.decide(&head.method, &head.uri, &head.headers)
    }

    /// [`check`](Self::check) for a request that was not taken apart.
    #[inline]
    pub(super) fn decide(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Pass, CsrfRefusal> {
        match Site::foreign(headers) {
            // What nearly every request of a browser says. A page of this origin may open WebSockets and name any method.
            None => Ok(Pass::SameOrigin),
            Some(site) => self.decide_foreign(site, method, uri, headers),
        }
    }

    fn decide_foreign(
        &self,
        site: Site,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Pass, CsrfRefusal> {
        // Not `Method::is_safe`, for which TRACE is safe too: there is no reason to be lenient with what no page may send.
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_safe && !self.is_disguised(headers) {
            return match &self.isolation {
                None => Ok(Pass::Safe),
                Some(rules) => self.isolate(rules, site, method, uri, headers),
            };
        }
        self.verify(site, uri, headers).or_else(|refusal| {
            if self.exemptions.cover(method, uri.path()) {
                Ok(Pass::Exempt)
            } else {
                Err(refusal)
            }
        })
    }

    /// Whether a request of a safe method does what that method may not.
    fn is_disguised(&self, headers: &HeaderMap) -> bool {
        let is_websocket = self.check_websocket
            && headers
                .get_all(UPGRADE)
                .iter()
                .any(|line| names_websocket(line.as_bytes()));
        is_websocket
            || self
                .override_headers
                .iter()
                .any(|name| headers.contains_key(name))
    }

    fn verify(&self, site: Site, uri: &Uri, headers: &HeaderMap) -> Result<Pass, CsrfRefusal> {
        let refusal = match site {
            Site::Missing => return self.verify_origin(uri, headers),
            Site::Same if self.allow_same_site => return Ok(Pass::SameSite),
            // Whoever can double a header can double the other one too.
            Site::Duplicate => return Err(CsrfRefusal::MetadataDuplicate),
            Site::Same => CsrfRefusal::SameSite,
            Site::Cross => CsrfRefusal::CrossSite,
            Site::Unknown => CsrfRefusal::MetadataUnknown,
        };
        if self.has_trusted_origin(headers) {
            Ok(Pass::Trusted)
        } else {
            Err(refusal)
        }
    }

    fn has_trusted_origin(&self, headers: &HeaderMap) -> bool {
        match Value::of(headers, &ORIGIN) {
            Value::One(origin) => self.trusted.matches(origin).is_some(),
            Value::None | Value::Several => false,
        }
    }

    fn verify_origin(&self, uri: &Uri, headers: &HeaderMap) -> Result<Pass, CsrfRefusal> {
        let line = match Value::of(headers, &ORIGIN) {
            Value::None => return self.verify_referer(uri, headers),
            Value::One(b"null") => return Err(CsrfRefusal::OriginNull),
            Value::One(line) => line,
            Value::Several => return Err(CsrfRefusal::OriginDuplicate),
        };
        let origin = OriginRef::parse(line).ok_or(CsrfRefusal::OriginInvalid)?;
        if self.self_origin.is_self_of(uri, headers, &origin) {
            Ok(Pass::SameOrigin)
        } else if self.trusted.contains(&origin) {
            Ok(Pass::Trusted)
        } else {
            Err(CsrfRefusal::OriginMismatch)
        }
    }

    /// Browsers of before 2020 leave `Origin` out of form posts and send `Referer`.
    fn verify_referer(&self, uri: &Uri, headers: &HeaderMap) -> Result<Pass, CsrfRefusal> {
        let page = match Value::of(headers, &REFERER) {
            Value::None => None,
            Value::One(line) => OriginRef::from_referer(line),
            Value::Several => return Err(CsrfRefusal::RefererMismatch),
        };
        match page {
            None => self.judge_missing(headers),
            Some(page)
                if self.self_origin.is_self_of(uri, headers, &page)
                    || self.trusted.contains(&page) =>
            {
                Ok(Pass::Referer)
            }
            Some(_) => Err(CsrfRefusal::RefererMismatch),
        }
    }

    fn judge_missing(&self, headers: &HeaderMap) -> Result<Pass, CsrfRefusal> {
        match self.missing {
            MissingRule::Pass => Ok(Pass::MissingAllowed),
            MissingRule::RefuseWithCookie if !has_ambient_credentials(headers) => {
                Ok(Pass::NoCredentials)
            }
            MissingRule::Refuse | MissingRule::RefuseWithCookie => {
                Err(CsrfRefusal::MetadataMissing)
            }
        }
    }

    /// The resource isolation policy of <https://web.dev/articles/fetch-metadata>, for what the ladder lets pass as safe.
    fn isolate(
        &self,
        rules: &IsolationRules,
        site: Site,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Pass, CsrfRefusal> {
        match site {
            // No browser of today, or plain HTTP.
            Site::Missing => return Ok(Pass::Safe),
            Site::Same if !rules.refuse_same_site => return Ok(Pass::SameSite),
            Site::Duplicate => return Err(CsrfRefusal::MetadataDuplicate),
            Site::Same | Site::Cross | Site::Unknown => {}
        }
        if self.has_trusted_origin(headers) {
            return Ok(Pass::Trusted);
        }
        let mode = Value::of(headers, &SEC_FETCH_MODE);
        let destination = Value::of(headers, &SEC_FETCH_DEST);
        if matches!(mode, Value::Several) || matches!(destination, Value::Several) {
            return Err(CsrfRefusal::MetadataDuplicate);
        }
        let is_navigation = matches!(mode, Value::One(b"navigate"))
            && matches!(*method, Method::GET | Method::HEAD)
            && match destination {
                // Browsers knew the mode a little earlier than the destination.
                Value::None | Value::One(b"document") => true,
                Value::One(b"iframe" | b"frame" | b"fencedframe") => rules.allow_framing,
                // `object` and `embed` frame as well, and so may whatever destination comes next: a list of those that are
                // refused would let that one in.
                Value::One(_) | Value::Several => false,
            };
        if is_navigation {
            Ok(Pass::Safe)
        } else if rules.public.iter().any(|page| page.match_raw(uri.path())) {
            Ok(Pass::Exempt)
        } else {
            Err(CsrfRefusal::Isolation)
        }
    }

    #[inline]
    pub(super) const fn is_isolating(&self) -> bool {
        self.isolation.is_some()
    }

    /// Returns the configuration that these rules were compiled from, the origins of `trust_cors` left out.
    #[must_use]
    pub fn config(&self) -> &CsrfConfig {
        &self.config
    }

    /// Returns the origins that are trusted, those of `trust_cors` among them.
    #[must_use]
    pub fn trusted_origins(&self) -> &TrustedOrigins {
        &self.trusted
    }
}

/// Whether a line of `Upgrade` names the protocol `websocket`, with or without a version (RFC 9110, section 7.8).
fn names_websocket(line: &[u8]) -> bool {
    line.split(|byte| *byte == b',').any(|protocol| {
        let name = protocol.split(|byte| *byte == b'/').next();
        name.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    })
}

/// Whether the request carries a credential that a browser adds without the page's help.
fn has_ambient_credentials(headers: &HeaderMap) -> bool {
    const BY_BROWSER: [&[u8]; 4] = [b"Basic", b"Digest", b"Negotiate", b"NTLM"];
    headers.contains_key(COOKIE)
        || headers.get_all(AUTHORIZATION).iter().any(|line| {
            let line = line.as_bytes().trim_ascii_start();
            let scheme = line.split(u8::is_ascii_whitespace).next();
            scheme.is_some_and(|scheme| {
                BY_BROWSER
                    .iter()
                    .any(|known| scheme.eq_ignore_ascii_case(known))
            })
        })
}
