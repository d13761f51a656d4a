//! What can be wrong with a policy.

use std::fmt;

use super::advice::{byte_advice, meant, scheme_advice, wildcard_advice};
use super::check::MAX_POLICY;
use super::problem::CspProblem;
use crate::core::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass};

/// A mistake in a content security policy.
///
/// The path of the [`ConfigError`] around it names the directive and the place in its list, such as `csp.script-src[1]`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CspConfigError {
    /// A directive that browsers once knew and now ignore.
    #[error("refused directive {name:?}: browsers ignore it, {instead}")]
    DeadDirective {
        /// The directive.
        name: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// A directive stands twice.
    #[error(
        "forbidden second {name:?}: browsers obey the first and ignore the others (names in any case), write one list"
    )]
    DuplicateDirective {
        /// The directive.
        name: &'static str,
    },
    /// A directive has no value although it needs one.
    #[error("refused {name:?} without a value: write `{name} 'none'` if nothing is allowed")]
    EmptyDirective {
        /// The directive.
        name: &'static str,
    },
    /// There is no directive at all.
    #[error("invalid policy without a directive: it protects nothing, start from `Csp::strict()`")]
    EmptyPolicy,
    /// `javascript:` URLs are no sources.
    #[error(
        "refused source {value:?}: no list can allow `javascript:` URLs, use event listeners in a script with a nonce"
    )]
    ForbiddenScheme {
        /// The source as given.
        value: String,
    },
    /// The text of a hash is not base64.
    #[error(
        "invalid hash {value:?}: write the digest in base64 or base64url, with its `=` or without, or `Source::sha256(digest)`"
    )]
    HashEncoding {
        /// The hash as given.
        value: String,
    },
    /// A digest is longer or shorter than its algorithm makes them.
    #[error("invalid hash {value:?}: write all {expected} bytes of the digest, these are {length}")]
    HashLength {
        /// The hash as given.
        value: String,
        /// How many bytes the algorithm makes.
        expected: usize,
        /// How many bytes there are.
        length: usize,
    },
    /// A directive has no effect in a `<meta>` element.
    #[error("forbidden {name:?} in a `<meta>` element: browsers ignore it there, send the header")]
    IgnoredInMeta {
        /// The directive, or `'nonce-{}'`.
        name: &'static str,
    },
    /// A directive has no effect in a policy that only reports.
    #[error(
        "forbidden {name:?} in a report-only policy: browsers ignore it there, enforce it or leave it out with `.remove({name:?})`"
    )]
    IgnoredReportOnly {
        /// The directive.
        name: &'static str,
    },
    /// Reports would cross the network in the clear.
    #[error(
        "refused endpoint {value:?}: reports hold addresses of pages, write an `https` URL or a path of this server"
    )]
    InsecureEndpoint {
        /// The endpoint as given.
        value: String,
    },
    /// Scripts would come over a connection that anybody can change.
    #[error(
        "refused source {value:?} for scripts: anybody in the network can change what comes from there, write an `https` host"
    )]
    InsecureSource {
        /// The source as given.
        value: String,
    },
    /// A byte would end the source, the directive, the policy or the header.
    #[error("invalid source {value:?}: {character:?} cannot stand in one, {}", byte_advice(*character))]
    InvalidByte {
        /// The source as given.
        value: String,
        /// The first such character.
        character: char,
    },
    /// An endpoint is neither a path nor an `https` URL.
    #[error(
        "invalid endpoint {value:?}: write a path of this server (\"/csp-report\") or an `https` URL, without blanks, quotes, `,` and `;`"
    )]
    InvalidEndpoint {
        /// The endpoint as given.
        value: String,
    },
    /// A host is none.
    #[error("invalid host in {value:?}: {advice}")]
    InvalidHost {
        /// The source as given, without a user name and password.
        value: String,
        /// What to write instead.
        advice: &'static str,
    },
    /// A path is none, or can match nothing.
    #[error("invalid path in {value:?}: {advice}")]
    InvalidPath {
        /// The source as given.
        value: String,
        /// What to write instead.
        advice: &'static str,
    },
    /// The name of a Trusted Types policy is none.
    #[error("invalid policy name {value:?}: write letters, digits and `-#=_/@.%`")]
    InvalidPolicyName {
        /// The name as given.
        value: String,
    },
    /// A port is none.
    #[error("invalid port in {value:?}: write 1 to 65535 without leading zeros, or `*` for any")]
    InvalidPort {
        /// The source as given.
        value: String,
    },
    /// The name of an endpoint is none.
    #[error(
        "invalid endpoint name {value:?}: write one word of `a-z`, `0-9`, `_`, `-`, `.` and `*` that begins with a letter or `*`"
    )]
    InvalidReportName {
        /// The name as given.
        value: String,
    },
    /// A scheme is none (RFC 3986 section 3.1).
    #[error(
        "invalid scheme in {value:?}: write a letter, then letters, digits, `+`, `-` and `.`, as in \"https\""
    )]
    InvalidScheme {
        /// The source as given.
        value: String,
    },
    /// An address stands where only a name can match.
    #[error(
        "forbidden address in {value:?}: no address but 127.0.0.1 matches (CSP3 section 6.7.2.9), write the host's name"
    )]
    IpAddress {
        /// The source as given.
        value: String,
    },
    /// A keyword, nonce or hash stands in a list where it means nothing.
    #[error("forbidden {value:?} in {name:?}: it means something in {places} only, leave it out")]
    KeywordMisplaced {
        /// The source.
        value: String,
        /// The directive.
        name: &'static str,
        /// Where it belongs.
        places: &'static str,
    },
    /// A nonce is written into the configuration.
    #[error(
        "refused nonce with a fixed value: who reads it once can use it for ever, write `Source::NONCE` (`'nonce-{{}}'` in a template)"
    )]
    LiteralNonce,
    /// `base-uri` is missing.
    #[error(
        "refused policy without `base-uri`: an injected `<base>` turns the page's own scripts into another site's, and nothing falls \
         back, write `base-uri 'none'`"
    )]
    MissingBaseUri,
    /// Plug-in content is not restricted.
    #[error("refused policy without `object-src` and `default-src`: write `object-src 'none'`")]
    MissingObjectSrc,
    /// Scripts are not restricted.
    #[error(
        "refused policy without `script-src` and `default-src`: write `script-src` with `Source::NONCE`, or `default-src 'none'`"
    )]
    MissingScriptSrc,
    /// A source or setting has no effect without another.
    #[error("refused {value} without effect: {needs}")]
    NoEffect {
        /// The source or setting.
        value: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A host is not written in ASCII.
    #[error(
        "invalid host in {value:?}: browsers compare the Punycode spelling, write it as in {instead:?}"
    )]
    NonAsciiHost {
        /// The source as given.
        value: String,
        /// What to write instead.
        instead: String,
    },
    /// `'none'` stands beside other values.
    #[error(
        "forbidden `'none'` beside others in {name:?}: browsers ignore it then, write `'none'` alone or leave it out"
    )]
    NoneWithOthers {
        /// The directive.
        name: &'static str,
    },
    /// The header would be longer than servers and proxies take.
    #[error(
        "refused policy of {length} bytes: servers and proxies cut or refuse long headers, stay within {MAX_POLICY}"
    )]
    PolicyTooLong {
        /// The length with a nonce in each place of one, or of the text that was not read.
        length: usize,
    },
    /// A policy that only reports has nowhere to report to.
    #[error(
        "refused report-only policy without an endpoint: it would do nothing, add `.report_to(..)`"
    )]
    ReportOnlySilent,
    /// `report-to` names an endpoint that is not declared.
    #[error(
        "refused `report-to {value}`: no endpoint of that name is declared, add `.report_to(ReportEndpoint::path({value:?}, ..)?)`"
    )]
    ReportToUnknown {
        /// The name.
        value: String,
    },
    /// A sandboxed page could take its sandbox off.
    #[error(
        "refused `allow-scripts` with `allow-same-origin`: a script of the page can remove its own sandbox, leave one out"
    )]
    SandboxEscape,
    /// A whole scheme may be loaded where one origin would be too much.
    #[error("refused source {value:?} in {name:?}: {}", scheme_advice(name, value))]
    SchemeWide {
        /// The source as given.
        value: String,
        /// The directive.
        name: &'static str,
    },
    /// `'strict-dynamic'` has no script to trust.
    #[error(
        "refused `'strict-dynamic'` alone in {name:?}: it switches hosts off, and no script has a nonce or hash, add `Source::NONCE` or a \
         hash"
    )]
    StrictDynamicAlone {
        /// The directive.
        name: &'static str,
    },
    /// There is no such directive.
    #[error("invalid directive {name:?}: no browser knows it{}", meant(*nearest))]
    UnknownDirective {
        /// The name as given.
        name: String,
        /// The directive that is spelt most like it.
        nearest: Option<&'static str>,
    },
    /// There is no such hash algorithm.
    #[error(
        "invalid hash {value:?}: browsers know sha256, sha384 and sha512, write `Source::sha256(digest)`"
    )]
    UnknownHash {
        /// The hash as given.
        value: String,
    },
    /// There is no such keyword.
    #[error("invalid keyword {value:?}: write it in single quotes on both sides as CSP3 spells it{}", meant(*nearest))]
    UnknownKeyword {
        /// The keyword as given.
        value: String,
        /// The keyword that is spelt most like it.
        nearest: Option<&'static str>,
    },
    /// There is no such sandbox flag.
    #[error("invalid sandbox flag {value:?}: write a variant of `SandboxFlag`{}", meant(*nearest))]
    UnknownSandbox {
        /// The flag as given.
        value: String,
        /// The flag that is spelt most like it.
        nearest: Option<&'static str>,
    },
    /// Trusted types know one group of sinks.
    #[error("invalid sink group {value:?}: write `'script'`, with its quotes")]
    UnknownSink {
        /// The group as given.
        value: String,
    },
    /// Strings would be run as code.
    #[error(
        "refused `'unsafe-eval'` in {name:?}: text becomes code, write `'wasm-unsafe-eval'` for WebAssembly, or require trusted types and \
         write `'trusted-types-eval'`"
    )]
    UnsafeEval {
        /// The directive.
        name: &'static str,
    },
    /// Any script in a page would run, injected ones too.
    #[error(
        "refused `'unsafe-inline'` in {name:?}: injected scripts run too, give each script a nonce or hash, and keep it for `style-src` if \
         styles need it"
    )]
    UnsafeInlineScript {
        /// The directive.
        name: &'static str,
    },
    /// A hash stands without its quotes.
    #[error(
        "invalid source {value:?}: a hash without quotes is a host name, write `Source::sha256(digest)` or `'sha256-...'`"
    )]
    UnquotedHash {
        /// The source as given.
        value: String,
    },
    /// A keyword stands without its quotes.
    #[error("invalid source {value:?}: without quotes it is a host name, write {instead:?}")]
    UnquotedKeyword {
        /// The source as given.
        value: String,
        /// The keyword with its quotes.
        instead: &'static str,
    },
    /// A nonce stands without its quotes.
    #[error("invalid source \"nonce-..\": without quotes it is a host name, write `Source::NONCE`")]
    UnquotedNonce,
    /// A directive has a value that it does not take.
    #[error("invalid value {value:?} of {name:?}: {advice}")]
    ValueNotAllowed {
        /// The value as given.
        value: String,
        /// The directive.
        name: &'static str,
        /// What to write instead.
        advice: &'static str,
    },
    /// Every host may be loaded where one would be too much.
    #[error("refused `*` in {name:?}: {}", wildcard_advice(name))]
    WildcardSource {
        /// The directive.
        name: &'static str,
    },
    /// A wildcard covers names that strangers can get.
    #[error(
        "refused source {value:?}: anybody can get a name there, write at least two labels after `*.`, of a domain that is yours"
    )]
    WildcardSuffix {
        /// The source as given.
        value: String,
    },
}

impl CspConfigError {
    /// The row that [`dangerous_accept`](super::CspBuilder::dangerous_accept) can turn off, if this mistake is one.
    #[must_use]
    pub fn problem(&self) -> Option<CspProblem> {
        CspProblem::ALL
            .into_iter()
            .find(|problem| problem.code() == self.code())
    }
}

/// As `Display`: `Source::host(..)?` in a `main` prints it, and it is meant for people.
impl fmt::Debug for CspConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ConfigErrorKind for CspConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::DuplicateDirective { .. }
            | Self::IgnoredInMeta { .. }
            | Self::IgnoredReportOnly { .. }
            | Self::IpAddress { .. }
            | Self::KeywordMisplaced { .. }
            | Self::NoneWithOthers { .. } => ErrorClass::Forbidden,
            Self::DeadDirective { .. }
            | Self::EmptyDirective { .. }
            | Self::ForbiddenScheme { .. }
            | Self::InsecureEndpoint { .. }
            | Self::InsecureSource { .. }
            | Self::LiteralNonce
            | Self::MissingBaseUri
            | Self::MissingObjectSrc
            | Self::MissingScriptSrc
            | Self::NoEffect { .. }
            | Self::PolicyTooLong { .. }
            | Self::ReportOnlySilent
            | Self::ReportToUnknown { .. }
            | Self::SandboxEscape
            | Self::SchemeWide { .. }
            | Self::StrictDynamicAlone { .. }
            | Self::UnsafeEval { .. }
            | Self::UnsafeInlineScript { .. }
            | Self::WildcardSource { .. }
            | Self::WildcardSuffix { .. } => ErrorClass::Refused,
            Self::EmptyPolicy
            | Self::HashEncoding { .. }
            | Self::HashLength { .. }
            | Self::InvalidByte { .. }
            | Self::InvalidEndpoint { .. }
            | Self::InvalidHost { .. }
            | Self::InvalidPath { .. }
            | Self::InvalidPolicyName { .. }
            | Self::InvalidPort { .. }
            | Self::InvalidReportName { .. }
            | Self::InvalidScheme { .. }
            | Self::NonAsciiHost { .. }
            | Self::UnknownDirective { .. }
            | Self::UnknownHash { .. }
            | Self::UnknownKeyword { .. }
            | Self::UnknownSandbox { .. }
            | Self::UnknownSink { .. }
            | Self::UnquotedHash { .. }
            | Self::UnquotedKeyword { .. }
            | Self::UnquotedNonce
            | Self::ValueNotAllowed { .. } => ErrorClass::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::DeadDirective { .. } => "dead_directive",
            Self::DuplicateDirective { .. } => "duplicate_directive",
            Self::EmptyDirective { .. } => "empty_directive",
            Self::EmptyPolicy => "empty_policy",
            Self::ForbiddenScheme { .. } => "forbidden_scheme",
            Self::HashEncoding { .. } => "hash_encoding",
            Self::HashLength { .. } => "hash_length",
            Self::IgnoredInMeta { .. } => "ignored_in_meta",
            Self::IgnoredReportOnly { .. } => "ignored_report_only",
            Self::InsecureEndpoint { .. } => "insecure_endpoint",
            Self::InsecureSource { .. } => "insecure_source",
            Self::InvalidByte { .. } => "invalid_byte",
            Self::InvalidEndpoint { .. } => "invalid_endpoint",
            Self::InvalidHost { .. } => "invalid_host",
            Self::InvalidPath { .. } => "invalid_path",
            Self::InvalidPolicyName { .. } => "invalid_policy_name",
            Self::InvalidPort { .. } => "invalid_port",
            Self::InvalidReportName { .. } => "invalid_report_name",
            Self::InvalidScheme { .. } => "invalid_scheme",
            Self::IpAddress { .. } => "ip_address",
            Self::KeywordMisplaced { .. } => "keyword_misplaced",
            Self::LiteralNonce => "literal_nonce",
            Self::MissingBaseUri => "missing_base_uri",
            Self::MissingObjectSrc => "missing_object_src",
            Self::MissingScriptSrc => "missing_script_src",
            Self::NoEffect { .. } => "no_effect",
            Self::NonAsciiHost { .. } => "non_ascii_host",
            Self::NoneWithOthers { .. } => "none_with_others",
            Self::PolicyTooLong { .. } => "policy_too_long",
            Self::ReportOnlySilent => "report_only_silent",
            Self::ReportToUnknown { .. } => "report_to_unknown",
            Self::SandboxEscape => "sandbox_escape",
            Self::SchemeWide { .. } => "scheme_wide",
            Self::StrictDynamicAlone { .. } => "strict_dynamic_alone",
            Self::UnknownDirective { .. } => "unknown_directive",
            Self::UnknownHash { .. } => "unknown_hash",
            Self::UnknownKeyword { .. } => "unknown_keyword",
            Self::UnknownSandbox { .. } => "unknown_sandbox",
            Self::UnknownSink { .. } => "unknown_sink",
            Self::UnquotedHash { .. } => "unquoted_hash",
            Self::UnquotedKeyword { .. } => "unquoted_keyword",
            Self::UnquotedNonce => "unquoted_nonce",
            Self::UnsafeEval { .. } => "unsafe_eval",
            Self::UnsafeInlineScript { .. } => "unsafe_inline_script",
            Self::ValueNotAllowed { .. } => "value_not_allowed",
            Self::WildcardSource { .. } => "wildcard_source",
            Self::WildcardSuffix { .. } => "wildcard_suffix",
        }
    }
}

/// A source that was made outside of a builder, so that `Source::host(..)?` stands in a function of `Result<_, ConfigErrors>`.
impl From<CspConfigError> for ConfigErrors {
    fn from(error: CspConfigError) -> Self {
        ConfigError::new("csp.source", error).into()
    }
}
