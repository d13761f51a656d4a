//! One source of a list: its constants, its grammar, its text.

use std::borrow::Cow;
use std::fmt;

use super::advice::shown;
use super::check::MAX_POLICY;
use super::directive::Place;
use super::error::CspConfigError;
use super::hash::{Algorithm, Hash, Target};
use super::host::{Host, parse_scheme};
use super::keyword::{self, Keyword};
use crate::core::{ConfigErrors, Mistakes};
use crate::csp::forms::SLOT;

/// One source of a list, such as `'self'`, `https://cdn.example.com` or a hash.
///
/// It always is one source and nothing more: no text that comes in can end a directive or begin a header. What weakens a policy
/// is made by a `dangerous_*` function alone, and a nonce with a fixed value cannot be made at all: [`NONCE`](Self::NONCE) stands
/// for the one of each request.
///
/// # Example
///
/// ```
/// use tower_security::csp::Source;
///
/// assert_eq!(Source::SELF.to_string(), "'self'");
/// assert_eq!(Source::host("https://*.CDN.example.com:8443/js/")?.to_string(), "https://*.cdn.example.com:8443/js/");
/// assert!(Source::host("https://a.example; script-src *").is_err());
/// assert!(Source::host("https://user:pw@a.example").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Source(pub(super) Expression);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Expression {
    Any,
    Hash(Hash),
    Host(Host),
    Keyword(Keyword),
    Nonce,
    /// In lower case, without the colon.
    Scheme(Cow<'static, str>),
}

impl Source {
    /// `'self'`: the origin of the page.
    pub const SELF: Self = Self(Expression::Keyword(Keyword::OwnOrigin));
    /// `'none'`: nothing at all. Stands alone.
    pub const NONE: Self = Self(Expression::Keyword(Keyword::Nothing));
    /// The nonce of the request: `'nonce-..'` with a value that is new each time.
    pub const NONCE: Self = Self(Expression::Nonce);
    /// `'strict-dynamic'`: what a trusted script loads is trusted; hosts, schemes and `'self'` are ignored. Needs a nonce or hash.
    pub const STRICT_DYNAMIC: Self = Self(Expression::Keyword(Keyword::StrictDynamic));
    /// `'report-sample'`: reports hold the first 40 characters of what was blocked.
    pub const REPORT_SAMPLE: Self = Self(Expression::Keyword(Keyword::ReportSample));
    /// `'wasm-unsafe-eval'`: WebAssembly may be compiled, text may not.
    pub const WASM_UNSAFE_EVAL: Self = Self(Expression::Keyword(Keyword::WasmUnsafeEval));
    /// `'inline-speculation-rules'`: `<script type="speculationrules">` without a nonce.
    pub const INLINE_SPECULATION_RULES: Self =
        Self(Expression::Keyword(Keyword::InlineSpeculationRules));
    /// `'trusted-types-eval'`: text that a trusted types policy made may become code, where trusted types are enforced.
    pub const TRUSTED_TYPES_EVAL: Self = Self(Expression::Keyword(Keyword::TrustedTypesEval));
    /// `'report-sha256'`: reports hold the hashes of the scripts that were loaded.
    pub const REPORT_SHA256: Self = Self(Expression::Keyword(Keyword::ReportSha256));
    /// As [`REPORT_SHA256`](Self::REPORT_SHA256), with SHA-384.
    pub const REPORT_SHA384: Self = Self(Expression::Keyword(Keyword::ReportSha384));
    /// As [`REPORT_SHA256`](Self::REPORT_SHA256), with SHA-512.
    pub const REPORT_SHA512: Self = Self(Expression::Keyword(Keyword::ReportSha512));
    /// `data:` URLs. For images and fonts; refused for scripts, where each is an inline script.
    pub const DATA: Self = Self(Expression::Scheme(Cow::Borrowed("data")));
    /// `blob:` URLs. For images, media and workers; refused for scripts.
    pub const BLOB: Self = Self(Expression::Scheme(Cow::Borrowed("blob")));
    /// `https:`: any host over TLS. Refused for scripts.
    pub const HTTPS: Self = Self(Expression::Scheme(Cow::Borrowed("https")));
    /// `wss:`: any WebSocket over TLS.
    pub const WSS: Self = Self(Expression::Scheme(Cow::Borrowed("wss")));
    /// `mediastream:` URLs.
    pub const MEDIASTREAM: Self = Self(Expression::Scheme(Cow::Borrowed("mediastream")));

    /// Names a script or style by the SHA-256 digest of its exact text.
    #[must_use]
    pub fn sha256(digest: [u8; 32]) -> Self {
        Self::of_hash(Target::Content, Algorithm::Sha256, &digest)
    }

    /// Names a script or style by the SHA-384 digest of its exact text.
    #[must_use]
    pub fn sha384(digest: [u8; 48]) -> Self {
        Self::of_hash(Target::Content, Algorithm::Sha384, &digest)
    }

    /// Names a script or style by the SHA-512 digest of its exact text.
    #[must_use]
    pub fn sha512(digest: [u8; 64]) -> Self {
        Self::of_hash(Target::Content, Algorithm::Sha512, &digest)
    }

    /// Names an external script by the SHA-256 digest of its URL as written in the page. Experimental: a lint says so.
    #[must_use]
    pub fn url_sha256(digest: [u8; 32]) -> Self {
        Self::of_hash(Target::Url, Algorithm::Sha256, &digest)
    }

    /// Names a text that a script evaluates by its SHA-256 digest. Experimental: a lint says so.
    #[must_use]
    pub fn eval_sha256(digest: [u8; 32]) -> Self {
        Self::of_hash(Target::Eval, Algorithm::Sha256, &digest)
    }

    fn of_hash(target: Target, algorithm: Algorithm, digest: &[u8]) -> Self {
        Self(Expression::Hash(Hash::new(target, algorithm, digest)))
    }

    /// Reads a hash as browsers' consoles print it, `sha256-` and base64 or base64url, with its quotes or without.
    ///
    /// It is written in padded base64, which is the form that every browser compares with.
    ///
    /// Accepted: `sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=`. Rejected: `sha1-..`, a digest that is cut, characters
    /// that are not base64.
    ///
    /// # Errors
    ///
    /// Fails with [`HashEncoding`](CspConfigError::HashEncoding), [`HashLength`](CspConfigError::HashLength) or
    /// [`UnknownHash`](CspConfigError::UnknownHash).
    pub fn hash_str(text: &str) -> Result<Self, CspConfigError> {
        check_bytes(text)?;
        let bare = text
            .strip_prefix('\'')
            .and_then(|text| text.strip_suffix('\''))
            .unwrap_or(text);
        Hash::parse(bare)
            .unwrap_or_else(|| Err(CspConfigError::UnknownHash { value: shown(text) }))
            .map(|hash| Self(Expression::Hash(hash)))
    }

    /// Reads a host, perhaps with a scheme before it and a port and path behind.
    ///
    /// Without a scheme it matches that of the page and its upgrade to TLS; without a port the default one. A path that ends in
    /// `/` matches all below it, any other exactly itself; after a redirect paths are not compared (CSP3 section 6.7.2.8). Scheme
    /// and host are folded to lower case.
    ///
    /// Accepted: `cdn.example.com`, `https://*.example.com`, `https://cdn.example.com:8443/js/`, `wss://ws.example.com`,
    /// `http://localhost:*`, `127.0.0.1`. Rejected: `self` (write [`Source::SELF`]), `*`, `https://`, `https://cdn*.example.com`,
    /// `https://10.0.0.1`, `https://a.example/p?q=1`, and everything with blanks, quotes, `;`, `,` or control characters.
    /// `https://*.com` is refused when the policy is built.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong and what to write instead. To collect the mistakes of several hosts, see [`hosts`](Self::hosts).
    pub fn host(text: &str) -> Result<Self, CspConfigError> {
        check_bytes(text)?;
        if text == "*" {
            return Err(CspConfigError::InvalidHost {
                value: text.to_owned(),
                advice: "write the host, or `Source::dangerous_any()` for all of them",
            });
        }
        if text.contains(['\'', '"']) && !text.contains('/') {
            return Err(CspConfigError::InvalidHost {
                value: shown(text),
                advice: "write a host without quotes, or a constant of `Source` for a keyword",
            });
        }
        keyword::check_unquoted(text)?;
        Host::parse(text).map(|host| Self(Expression::Host(host)))
    }

    /// Reads a list of [`host`](Self::host)s, such as one from a configuration file.
    ///
    /// # Errors
    ///
    /// Fails with the mistakes of all of them at once, up to 64.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::Source;
    ///
    /// assert_eq!(Source::hosts(["https://api.example.com", "wss://ws.example.com"])?.len(), 2);
    ///
    /// let errors = Source::hosts(["https://a..example", "https://b.example", "https://c.example:0"]).unwrap_err();
    /// assert_eq!(errors.iter().map(|error| error.path()).collect::<Vec<_>>(), ["csp.hosts[0]", "csp.hosts[2]"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hosts(texts: impl IntoIterator<Item: AsRef<str>>) -> Result<Vec<Self>, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut left = super::check::MAX_MISTAKES;
        let mut sources = Vec::new();
        for (index, text) in texts.into_iter().take(MAX_SOURCES).enumerate() {
            match Self::host(text.as_ref()) {
                Ok(source) => sources.push(source),
                Err(error) => {
                    mistakes.push(format!("csp.hosts[{index}]"), error);
                    left = left.saturating_sub(1);
                }
            }
            if left == 0 {
                break;
            }
        }
        mistakes.finish(sources)
    }

    /// Reads a scheme, with its colon or without.
    ///
    /// Accepted: `blob`, `myapp:`. Rejected: `ht!tp`, `1http`, the empty text, `https://`. `javascript` is refused when the policy
    /// is built.
    ///
    /// # Errors
    ///
    /// Fails with [`InvalidScheme`](CspConfigError::InvalidScheme).
    pub fn scheme(text: &str) -> Result<Self, CspConfigError> {
        check_bytes(text)?;
        let scheme = parse_scheme(text, text.strip_suffix(':').unwrap_or(text))?;
        Ok(Self(Expression::Scheme(Cow::Owned(scheme.into()))))
    }

    /// `'unsafe-inline'`: inline styles without nonce or hash. Refused for scripts, unless a nonce or hash makes browsers ignore
    /// it there.
    ///
    /// Injected style sheets can read the page by attribute selectors and lay a false one over it.
    #[must_use]
    pub const fn dangerous_unsafe_inline() -> Self {
        Self(Expression::Keyword(Keyword::UnsafeInline))
    }

    /// `'unsafe-eval'`: `eval`, `new Function` and timers run text. Refused until
    /// [`UnsafeEval`](super::CspProblem::UnsafeEval) is accepted.
    ///
    /// A text that an attacker gets into one of these calls is a script.
    #[must_use]
    pub const fn dangerous_unsafe_eval() -> Self {
        Self(Expression::Keyword(Keyword::UnsafeEval))
    }

    /// `'unsafe-hashes'`: hashes also allow event handlers and `style` attributes.
    ///
    /// An injected element may carry an allowed handler to a place where it does harm.
    #[must_use]
    pub const fn dangerous_unsafe_hashes() -> Self {
        Self(Expression::Keyword(Keyword::UnsafeHashes))
    }

    /// `*`: any host over the page's scheme or its upgrade. Refused for scripts, plug-in content, `<base>` and framing.
    ///
    /// What an injected element loads or sends may go anywhere.
    #[must_use]
    pub const fn dangerous_any() -> Self {
        Self(Expression::Any)
    }

    /// `http:`: any host, without TLS too.
    ///
    /// Anybody in the network can read and change what comes from there.
    #[must_use]
    pub const fn dangerous_http() -> Self {
        Self(Expression::Scheme(Cow::Borrowed("http")))
    }

    /// `'unsafe-allow-redirects'`: redirects are not compared. Chromium does not know it: a lint says so.
    #[must_use]
    pub const fn dangerous_unsafe_allow_redirects() -> Self {
        Self(Expression::Keyword(Keyword::UnsafeAllowRedirects))
    }

    /// `'unsafe-webtransport-hashes'`: WebTransport to servers known by the hash of their certificate, which is any server that
    /// an injected script names. Chromium does not know it: a lint says so.
    #[must_use]
    pub const fn dangerous_unsafe_webtransport_hashes() -> Self {
        Self(Expression::Keyword(Keyword::UnsafeWebtransportHashes))
    }

    /// `'strict-dynamic-url'`: scripts named by the hash of their URL pass their trust on, whatever the server delivers there.
    /// Experimental: a lint says so.
    #[must_use]
    pub const fn dangerous_strict_dynamic_url() -> Self {
        Self(Expression::Keyword(Keyword::StrictDynamicUrl))
    }

    /// Reads any source as a policy writes it.
    pub(super) fn parse(text: &str) -> Result<Self, CspConfigError> {
        check_bytes(text)?;
        if text.starts_with(['\'', '"']) || text.ends_with(['\'', '"']) && !text.contains('/') {
            return Self::parse_quoted(text);
        }
        if text == "*" {
            return Ok(Self(Expression::Any));
        }
        // A colon may also end a path.
        if let Some(scheme) = text.strip_suffix(':')
            && !scheme.contains('/')
        {
            return Self::scheme(scheme);
        }
        keyword::check_unquoted(text)?;
        Host::parse(text).map(|host| Self(Expression::Host(host)))
    }

    fn parse_quoted(text: &str) -> Result<Self, CspConfigError> {
        if text == SLOT {
            return Ok(Self::NONCE);
        }
        let inner = text.trim_matches(['\'', '"']);
        if keyword::is_nonce(inner) {
            return Err(CspConfigError::LiteralNonce);
        }
        let is_quoted = text.len() >= 2 && text.starts_with('\'') && text.ends_with('\'');
        if is_quoted && let Some(hash) = Hash::parse(inner) {
            return hash.map(|hash| Self(Expression::Hash(hash)));
        }
        match Keyword::parse(text) {
            Some(keyword) => Ok(Self(Expression::Keyword(keyword))),
            None => Err(CspConfigError::UnknownKeyword {
                value: shown(text),
                nearest: Keyword::nearest(text),
            }),
        }
    }

    /// Where it means something.
    pub(super) fn place(&self) -> Place {
        match &self.0 {
            Expression::Any | Expression::Host(_) | Expression::Scheme(_) => Place::Anywhere,
            Expression::Hash(hash) if hash.is_of_content() => Place::ScriptsAndStyles,
            Expression::Hash(_) => Place::Scripts,
            Expression::Nonce => Place::ScriptsAndStyles,
            Expression::Keyword(keyword) => keyword.place(),
        }
    }

    /// The function that makes it, when that is a `dangerous_*` one.
    pub(super) fn dangerous(&self) -> Option<&'static str> {
        match &self.0 {
            Expression::Any => Some("dangerous_any"),
            Expression::Scheme(scheme) if scheme == "http" => Some("dangerous_http"),
            Expression::Keyword(keyword) => keyword.dangerous(),
            Expression::Hash(_)
            | Expression::Host(_)
            | Expression::Nonce
            | Expression::Scheme(_) => None,
        }
    }

    /// Whether it allows by where something comes from.
    pub(super) fn is_place(&self) -> bool {
        matches!(
            self.0,
            Expression::Any
                | Expression::Host(_)
                | Expression::Scheme(_)
                | Expression::Keyword(Keyword::OwnOrigin)
        )
    }

    pub(super) fn is(&self, keyword: Keyword) -> bool {
        self.0 == Expression::Keyword(keyword)
    }
}

/// Sources of one list that are looked at: an endless iterator ends. More cannot stand in a header anyway.
pub(super) const MAX_SOURCES: usize = 65_537;

/// Checks what no source may hold, whatever it is: bytes that end a source, a directive, a policy or a header.
fn check_bytes(text: &str) -> Result<(), CspConfigError> {
    if text.len() > MAX_POLICY {
        return Err(CspConfigError::PolicyTooLong { length: text.len() });
    }
    let stray = text.chars().find(|character| {
        matches!(
            character,
            ';' | ',' | ' ' | '\u{2018}'..='\u{201f}' | '\u{2032}' | '\u{2033}' | '\u{b4}'
        ) || character.is_control()
            || (!character.is_ascii() && character.is_whitespace())
    });
    match stray {
        Some(character) => Err(CspConfigError::InvalidByte {
            value: shown(text),
            character,
        }),
        None => Ok(()),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Expression::Any => f.write_str("*"),
            Expression::Hash(hash) => hash.fmt(f),
            Expression::Host(host) => host.fmt(f),
            Expression::Keyword(keyword) => f.write_str(keyword.text()),
            Expression::Nonce => f.write_str(SLOT),
            Expression::Scheme(scheme) => write!(f, "{scheme}:"),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}
