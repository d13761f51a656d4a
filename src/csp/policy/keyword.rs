//! The keywords that stand in single quotes.

use super::advice::shown;
use super::directive::Place;
use super::error::CspConfigError;
use super::spelling;

/// A keyword of CSP3 section 2.3.1, of Trusted Types or of a neighbour of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Keyword {
    InlineSpeculationRules,
    Nothing,
    OwnOrigin,
    ReportSample,
    ReportSha256,
    ReportSha384,
    ReportSha512,
    StrictDynamic,
    StrictDynamicUrl,
    TrustedTypesEval,
    UnsafeAllowRedirects,
    UnsafeEval,
    UnsafeHashes,
    UnsafeInline,
    UnsafeWebtransportHashes,
    WasmUnsafeEval,
}

impl Keyword {
    const ALL: [Self; 16] = [
        Self::InlineSpeculationRules,
        Self::Nothing,
        Self::OwnOrigin,
        Self::ReportSample,
        Self::ReportSha256,
        Self::ReportSha384,
        Self::ReportSha512,
        Self::StrictDynamic,
        Self::StrictDynamicUrl,
        Self::TrustedTypesEval,
        Self::UnsafeAllowRedirects,
        Self::UnsafeEval,
        Self::UnsafeHashes,
        Self::UnsafeInline,
        Self::UnsafeWebtransportHashes,
        Self::WasmUnsafeEval,
    ];

    /// With its quotes.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::InlineSpeculationRules => "'inline-speculation-rules'",
            Self::Nothing => "'none'",
            Self::OwnOrigin => "'self'",
            Self::ReportSample => "'report-sample'",
            Self::ReportSha256 => "'report-sha256'",
            Self::ReportSha384 => "'report-sha384'",
            Self::ReportSha512 => "'report-sha512'",
            Self::StrictDynamic => "'strict-dynamic'",
            Self::StrictDynamicUrl => "'strict-dynamic-url'",
            Self::TrustedTypesEval => "'trusted-types-eval'",
            Self::UnsafeAllowRedirects => "'unsafe-allow-redirects'",
            Self::UnsafeEval => "'unsafe-eval'",
            Self::UnsafeHashes => "'unsafe-hashes'",
            Self::UnsafeInline => "'unsafe-inline'",
            Self::UnsafeWebtransportHashes => "'unsafe-webtransport-hashes'",
            Self::WasmUnsafeEval => "'wasm-unsafe-eval'",
        }
    }

    /// The keyword of a text with its quotes, in any case: CSP3 compares them so.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|keyword| keyword.text().eq_ignore_ascii_case(text))
    }

    /// The keyword that is spelt most like `text`.
    pub(super) fn nearest(text: &str) -> Option<&'static str> {
        let bare = text.trim_matches(['\'', '"']);
        spelling::nearest(
            &format!("'{}'", bare.replace('_', "-")),
            Self::ALL.into_iter().map(Self::text),
        )
    }

    pub(super) const fn place(self) -> Place {
        match self {
            Self::Nothing | Self::OwnOrigin => Place::Anywhere,
            Self::ReportSample | Self::UnsafeHashes | Self::UnsafeInline => Place::ScriptsAndStyles,
            Self::InlineSpeculationRules
            | Self::ReportSha256
            | Self::ReportSha384
            | Self::ReportSha512
            | Self::StrictDynamic
            | Self::StrictDynamicUrl
            | Self::TrustedTypesEval
            | Self::UnsafeEval
            | Self::WasmUnsafeEval => Place::Scripts,
            Self::UnsafeAllowRedirects => Place::Fetches,
            Self::UnsafeWebtransportHashes => Place::Connections,
        }
    }

    /// Whether it lets text or WebAssembly become code, and loads nothing.
    pub(super) const fn is_eval(self) -> bool {
        matches!(
            self,
            Self::TrustedTypesEval | Self::UnsafeEval | Self::WasmUnsafeEval
        )
    }

    /// Whether it only says what reports hold.
    pub(super) const fn is_report(self) -> bool {
        matches!(
            self,
            Self::ReportSample | Self::ReportSha256 | Self::ReportSha384 | Self::ReportSha512
        )
    }

    pub(super) const fn dangerous(self) -> Option<&'static str> {
        match self {
            Self::StrictDynamicUrl => Some("dangerous_strict_dynamic_url"),
            Self::UnsafeAllowRedirects => Some("dangerous_unsafe_allow_redirects"),
            Self::UnsafeEval => Some("dangerous_unsafe_eval"),
            Self::UnsafeHashes => Some("dangerous_unsafe_hashes"),
            Self::UnsafeInline => Some("dangerous_unsafe_inline"),
            Self::UnsafeWebtransportHashes => Some("dangerous_unsafe_webtransport_hashes"),
            Self::InlineSpeculationRules
            | Self::Nothing
            | Self::OwnOrigin
            | Self::ReportSample
            | Self::ReportSha256
            | Self::ReportSha384
            | Self::ReportSha512
            | Self::StrictDynamic
            | Self::TrustedTypesEval
            | Self::WasmUnsafeEval => None,
        }
    }
}

/// Whether a text without its quotes is a nonce source.
pub(super) fn is_nonce(bare: &str) -> bool {
    bare.get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("nonce-"))
}

/// Checks that a text without quotes is not meant to have them: browsers take `self` for the host of that name, and say nothing.
pub(super) fn check_unquoted(text: &str) -> Result<(), CspConfigError> {
    let bare = |keyword: &Keyword| keyword.text().trim_matches('\'').eq_ignore_ascii_case(text);
    if let Some(keyword) = Keyword::ALL.iter().find(|keyword| bare(keyword)) {
        return Err(CspConfigError::UnquotedKeyword {
            value: text.to_owned(),
            instead: keyword.text(),
        });
    }
    // A host of more than one label may begin so.
    if text.contains('.') {
        return Ok(());
    }
    if is_nonce(text) {
        return Err(CspConfigError::UnquotedNonce);
    }
    let is_hash = ["sha256-", "sha384-", "sha512-"].iter().any(|start| {
        text.get(..start.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(start))
    });
    if is_hash {
        return Err(CspConfigError::UnquotedHash { value: shown(text) });
    }
    Ok(())
}
