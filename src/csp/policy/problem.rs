//! Refusals that a policy can be built in spite of.

/// A refusal that [`CspBuilder::dangerous_accept`](super::CspBuilder::dangerous_accept) turns off for one policy.
///
/// These are the mistakes of [`CspConfigError`](super::CspConfigError) of the same name that this crate refuses although they
/// have a meaning. What browsers cannot read, what the specification rules out, fixed nonces, `javascript:` sources and dead
/// directives cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CspProblem {
    /// A list without a value: browsers read it as `'none'`.
    EmptyDirective,
    /// Reports go over plain HTTP, readable for the network.
    InsecureEndpoint,
    /// Scripts come over plain HTTP: whoever is in the network runs code in the page.
    InsecureSource,
    /// `base-uri` is missing: an injected `<base>` redirects relative scripts.
    MissingBaseUri,
    /// Plug-in content is not restricted.
    MissingObjectSrc,
    /// Scripts are not restricted.
    MissingScriptSrc,
    /// A keyword or setting does nothing.
    NoEffect,
    /// More than 8,192 bytes, but never more than 65,536.
    PolicyTooLong,
    /// A policy that only reports has no endpoint.
    ReportOnlySilent,
    /// `report-to` names an endpoint that another program declares.
    ReportToUnknown,
    /// A sandboxed page can take its sandbox off.
    SandboxEscape,
    /// Scripts, plug-in content, `<base>` or framing pages of a whole scheme.
    SchemeWide,
    /// `'strict-dynamic'` blocks every script.
    StrictDynamicAlone,
    /// Text becomes code.
    UnsafeEval,
    /// Injected scripts run.
    UnsafeInlineScript,
    /// `*` where any server is too many.
    WildcardSource,
    /// A wildcard over a domain in which strangers get names.
    WildcardSuffix,
}

impl CspProblem {
    pub(super) const ALL: [Self; 17] = [
        Self::EmptyDirective,
        Self::InsecureEndpoint,
        Self::InsecureSource,
        Self::MissingBaseUri,
        Self::MissingObjectSrc,
        Self::MissingScriptSrc,
        Self::NoEffect,
        Self::PolicyTooLong,
        Self::ReportOnlySilent,
        Self::ReportToUnknown,
        Self::SandboxEscape,
        Self::SchemeWide,
        Self::StrictDynamicAlone,
        Self::UnsafeEval,
        Self::UnsafeInlineScript,
        Self::WildcardSource,
        Self::WildcardSuffix,
    ];

    /// Returns the code of the mistake, such as `unsafe_eval`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmptyDirective => "empty_directive",
            Self::InsecureEndpoint => "insecure_endpoint",
            Self::InsecureSource => "insecure_source",
            Self::MissingBaseUri => "missing_base_uri",
            Self::MissingObjectSrc => "missing_object_src",
            Self::MissingScriptSrc => "missing_script_src",
            Self::NoEffect => "no_effect",
            Self::PolicyTooLong => "policy_too_long",
            Self::ReportOnlySilent => "report_only_silent",
            Self::ReportToUnknown => "report_to_unknown",
            Self::SandboxEscape => "sandbox_escape",
            Self::SchemeWide => "scheme_wide",
            Self::StrictDynamicAlone => "strict_dynamic_alone",
            Self::UnsafeEval => "unsafe_eval",
            Self::UnsafeInlineScript => "unsafe_inline_script",
            Self::WildcardSource => "wildcard_source",
            Self::WildcardSuffix => "wildcard_suffix",
        }
    }
}
