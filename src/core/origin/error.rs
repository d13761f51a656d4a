//! What can be wrong with a configured origin, and what to write instead.

use thiserror::Error;

use super::OriginPattern;
use crate::core::{ConfigErrorKind, ErrorClass};

/// Stands in a message when nothing closer to the given text can be suggested.
const EXAMPLE: &str = "https://app.example.com";

/// A configured origin, pattern or public suffix list that cannot be used as it stands.
///
/// `value` is the offending text without its user name and password; `instead` is a text that the parser accepts.
///
/// # Example
///
/// ```
/// use tower_security::core::origin::{Origin, OriginError};
///
/// let error = Origin::parse("HTTPS://App.Example.com/").unwrap_err();
/// assert!(matches!(error, OriginError::InvalidOriginUppercase { .. }));
/// assert_eq!(error.instead(), Some("https://app.example.com"));
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginError {
    /// There is a `#`.
    #[error("invalid origin {value:?}: an origin has no fragment, write {instead:?}")]
    InvalidOriginFragment {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// The host holds a character that no browser sends there.
    #[error(
        "invalid origin {value:?}: {character:?} cannot stand in a host, write one of a-z, 0-9, `-`, `.` and `_`"
    )]
    InvalidOriginHostByte {
        /// The text as given.
        value: String,
        /// The first such character.
        character: char,
    },
    /// There is no host.
    #[error("invalid origin {value:?}: the host is missing, write one as in {EXAMPLE:?}")]
    InvalidOriginHostEmpty {
        /// The text as given.
        value: String,
    },
    /// The host is longer than DNS allows.
    #[error(
        "invalid origin {value:?}: write a host of at most 253 bytes (251 after `*.`) with labels of at most 63"
    )]
    InvalidOriginHostLength {
        /// The text as given.
        value: String,
    },
    /// The last label starts with a digit, and the host is no IPv4 address that a browser would send.
    #[error(
        "invalid origin {value:?}: write an IPv4 address as four decimals, as in \"https://192.0.2.1\""
    )]
    InvalidOriginIpv4 {
        /// The text as given.
        value: String,
    },
    /// The host is no IPv6 address in brackets.
    #[error(
        "invalid origin {value:?}: write an IPv6 address in brackets and without a zone, as in \"https://[::1]\""
    )]
    InvalidOriginIpv6 {
        /// The text as given.
        value: String,
    },
    /// The host has an empty label.
    #[error("invalid origin {value:?}: a label of the host is empty, write one dot between labels")]
    InvalidOriginLabelEmpty {
        /// The text as given.
        value: String,
    },
    /// The text is longer than any origin.
    #[error(
        "invalid origin of {length} bytes: no origin is longer than 326, write one origin an element"
    )]
    InvalidOriginLength {
        /// The length of the text.
        length: usize,
    },
    /// Several origins, or white space and control characters around one.
    #[error(
        "invalid origin {value:?}: write one origin an element without spaces and commas, as in {instead:?}"
    )]
    InvalidOriginList {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// There are characters beyond ASCII, which browsers do not send.
    #[error(
        "invalid origin {value:?}: browsers send the Punycode spelling, write it as in {instead:?}"
    )]
    InvalidOriginNonAscii {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// There is a path, be it a lone `/`.
    #[error("invalid origin {value:?}: an origin has no path, write {instead:?}")]
    InvalidOriginPath {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// The port is none that a browser would send.
    #[error(
        "invalid origin {value:?}: write a port of 1 to 65535 without leading zeros, or `:*` for any port"
    )]
    InvalidOriginPort {
        /// The text as given.
        value: String,
    },
    /// There is a `?`.
    #[error("invalid origin {value:?}: an origin has no query, write {instead:?}")]
    InvalidOriginQuery {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// The text does not begin with a scheme and `://`.
    #[error(
        "invalid origin {value:?}: an origin begins with a scheme and `://`, write it as in {instead:?}"
    )]
    InvalidOriginScheme {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// The scheme or the host is not in lower case.
    #[error(
        "invalid origin {value:?}: browsers send scheme and host in lower case, write {instead:?}"
    )]
    InvalidOriginUppercase {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// There is a user name, perhaps with a password.
    #[error(
        "invalid origin {value:?} (shown without its user name): browsers do not send one, write {instead:?}"
    )]
    InvalidOriginUserinfo {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// A `*` stands where it means nothing.
    #[error(
        "invalid pattern {value:?}: write `*` only as the first label of a pattern (\"https://*.example.com\") \
         or as its whole port (\"http://localhost:*\")"
    )]
    InvalidPatternWildcard {
        /// The text as given.
        value: String,
    },
    /// A public suffix list holds no rule, or one that is malformed.
    #[error(
        "invalid public suffix list at line {line}: {rule:?} is no rule, write one as in \"co.uk\", \"*.ck\" or \"!www.ck\""
    )]
    InvalidPublicSuffixList {
        /// The line, counted from 1; 0 if there is no rule at all.
        line: usize,
        /// The malformed rule; empty if there is none.
        rule: String,
    },
    /// The port is the default one, which browsers leave out.
    #[error(
        "refused origin {value:?}: browsers leave the default port out and this would never match, write {instead:?}"
    )]
    RefusedDefaultPort {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// An origin that an attacker in the network can impersonate would be trusted with the user's cookies.
    #[error(
        "refused origin {value:?}: anybody in the network can impersonate it, write {instead:?} \
         or set `dangerous_allow_insecure_origins`"
    )]
    RefusedInsecureOrigin {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// `null` is the origin of every sandboxed frame.
    #[error(
        "refused origin \"null\": sandboxed frames and data: URLs of any site send it, write `any_origin()` for public data"
    )]
    RefusedNullOrigin,
    /// The scheme is one whose pages have no origin.
    #[error(
        "refused origin {value:?}: browsers send \"null\" for pages of this scheme, write an `https` origin as in {EXAMPLE:?}"
    )]
    RefusedOpaqueScheme {
        /// The text as given.
        value: String,
    },
    /// The IPv6 address is not spelt as browsers send it.
    #[error(
        "refused origin {value:?}: browsers send the address in its shortest form and this would never match, write {instead:?}"
    )]
    RefusedOriginIpv6Form {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// A label begins or ends with a hyphen, or has two where only `xn--` may have them.
    #[error(
        "refused origin {value:?}: write the label {label:?} without hyphens at its ends and without `--` after two characters"
    )]
    RefusedOriginLabelHyphen {
        /// The text as given.
        value: String,
        /// The first such label.
        label: String,
    },
    /// An `xn--` label is no Punycode, or mixes right-to-left letters with Latin ones.
    #[error(
        "refused origin {value:?}: {label:?} is no international label, write the Punycode spelling that browsers show in their console"
    )]
    RefusedOriginPunycode {
        /// The text as given.
        value: String,
        /// The first such label.
        label: String,
    },
    /// `*.` stands before an IP address, which has no sub-domains.
    #[error("refused pattern {value:?}: an IP address has no sub-domains, write {instead:?}")]
    RefusedPatternOnIp {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// Strangers can get a name that the pattern would trust with the user's cookies.
    #[error(
        "refused pattern {value:?}: anybody can get a name under {suffix:?}, write your own domain below it \
         or set `dangerous_allow_public_suffix_subdomains`"
    )]
    RefusedPublicSuffix {
        /// The text as given.
        value: String,
        /// The domain of the pattern.
        suffix: String,
    },
    /// A pattern was given as one of the server's own origins.
    #[error(
        "refused self origin {value:?}: sub-domains and ports are other origins, write each exact origin of this server"
    )]
    RefusedSelfOriginPattern {
        /// The text as given.
        value: String,
    },
    /// A scheme was given as the server's own that no HTTP server has.
    #[error(
        "refused self origin {value:?}: pages of this server come over `https`, write {instead:?}"
    )]
    RefusedSelfOriginScheme {
        /// The text as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// The list is too long.
    #[error(
        "refused list of more than {limit} {entries}: write patterns, or decide by your own rule"
    )]
    RefusedTooManyOrigins {
        /// The largest number.
        limit: usize,
        /// What was counted: `origins` or `patterns`.
        entries: &'static str,
    },
    /// `*` stands in a list of origins.
    #[error(
        "refused origin \"*\" in a list: any origin is no origin of its own, write `any_origin()` for public data"
    )]
    RefusedWildcardInList,
}

impl OriginError {
    /// Returns the text to write instead of the given one, if there is one.
    ///
    /// It is syntactically right; whether it is the site that was meant, only its author knows.
    #[must_use]
    pub fn instead(&self) -> Option<&str> {
        match self {
            Self::InvalidOriginFragment { instead, .. }
            | Self::InvalidOriginList { instead, .. }
            | Self::InvalidOriginNonAscii { instead, .. }
            | Self::InvalidOriginPath { instead, .. }
            | Self::InvalidOriginQuery { instead, .. }
            | Self::InvalidOriginScheme { instead, .. }
            | Self::InvalidOriginUppercase { instead, .. }
            | Self::InvalidOriginUserinfo { instead, .. }
            | Self::RefusedDefaultPort { instead, .. }
            | Self::RefusedInsecureOrigin { instead, .. }
            | Self::RefusedOriginIpv6Form { instead, .. }
            | Self::RefusedPatternOnIp { instead, .. }
            | Self::RefusedSelfOriginScheme { instead, .. } => Some(instead),
            _ => None,
        }
    }
}

impl ConfigErrorKind for OriginError {
    fn class(&self) -> ErrorClass {
        if self.code().starts_with("refused") {
            ErrorClass::Refused
        } else {
            ErrorClass::Invalid
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidOriginFragment { .. } => "invalid_origin_fragment",
            Self::InvalidOriginHostByte { .. } => "invalid_origin_host_byte",
            Self::InvalidOriginHostEmpty { .. } => "invalid_origin_host_empty",
            Self::InvalidOriginHostLength { .. } => "invalid_origin_host_length",
            Self::InvalidOriginIpv4 { .. } => "invalid_origin_ipv4",
            Self::InvalidOriginIpv6 { .. } => "invalid_origin_ipv6",
            Self::InvalidOriginLabelEmpty { .. } => "invalid_origin_label_empty",
            Self::InvalidOriginLength { .. } => "invalid_origin_length",
            Self::InvalidOriginList { .. } => "invalid_origin_list",
            Self::InvalidOriginNonAscii { .. } => "invalid_origin_non_ascii",
            Self::InvalidOriginPath { .. } => "invalid_origin_path",
            Self::InvalidOriginPort { .. } => "invalid_origin_port",
            Self::InvalidOriginQuery { .. } => "invalid_origin_query",
            Self::InvalidOriginScheme { .. } => "invalid_origin_scheme",
            Self::InvalidOriginUppercase { .. } => "invalid_origin_uppercase",
            Self::InvalidOriginUserinfo { .. } => "invalid_origin_userinfo",
            Self::InvalidPatternWildcard { .. } => "invalid_pattern_wildcard",
            Self::InvalidPublicSuffixList { .. } => "invalid_public_suffix_list",
            Self::RefusedDefaultPort { .. } => "refused_default_port",
            Self::RefusedInsecureOrigin { .. } => "refused_insecure_origin",
            Self::RefusedNullOrigin => "refused_null_origin",
            Self::RefusedOpaqueScheme { .. } => "refused_opaque_scheme",
            Self::RefusedOriginIpv6Form { .. } => "refused_origin_ipv6_form",
            Self::RefusedOriginLabelHyphen { .. } => "refused_origin_label_hyphen",
            Self::RefusedOriginPunycode { .. } => "refused_origin_punycode",
            Self::RefusedPatternOnIp { .. } => "refused_pattern_on_ip",
            Self::RefusedPublicSuffix { .. } => "refused_public_suffix",
            Self::RefusedSelfOriginPattern { .. } => "refused_self_origin_pattern",
            Self::RefusedSelfOriginScheme { .. } => "refused_self_origin_scheme",
            Self::RefusedTooManyOrigins { .. } => "refused_too_many_origins",
            Self::RefusedWildcardInList => "refused_wildcard_in_list",
        }
    }
}

/// `text` as it may be shown: without a user name and password, wherever a browser would see them.
pub(super) fn shown(text: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) if super::parse::is_scheme(scheme.as_bytes()) => {
            format!("{scheme}://{host}")
        }
        Some(_) | None => host.to_owned(),
    }
}

/// `candidate`, or what would have to be written instead of it: a suggestion is never wrong itself.
///
/// This ends because each suggestion is free of the mistake it is made for.
pub(super) fn instead(candidate: String) -> String {
    match OriginPattern::parse(&candidate) {
        Ok(_) => candidate,
        Err(error) => error.instead().unwrap_or(EXAMPLE).to_owned(),
    }
}
