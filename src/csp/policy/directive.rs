//! The directives: their names, what they fall back to, and which keywords mean something where.

use super::spelling;

/// A directive that current browsers know, in the order in which policies are written: `default-src`, then by the alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::csp) enum Directive {
    DefaultSrc,
    BaseUri,
    ChildSrc,
    ConnectSrc,
    FencedFrameSrc,
    FontSrc,
    FormAction,
    FrameAncestors,
    FrameSrc,
    ImgSrc,
    ManifestSrc,
    MediaSrc,
    ObjectSrc,
    ReportTo,
    ReportUri,
    RequireTrustedTypesFor,
    Sandbox,
    ScriptSrc,
    ScriptSrcAttr,
    ScriptSrcElem,
    StyleSrc,
    StyleSrcAttr,
    StyleSrcElem,
    TrustedTypes,
    UpgradeInsecureRequests,
    Webrtc,
    WorkerSrc,
}

/// Where a source means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In every list of sources.
    Anywhere,
    /// In `connect-src` and `default-src`.
    Connections,
    /// In the lists that fall back to `default-src`, and there.
    Fetches,
    /// In `script-src`, its two parts and `default-src`.
    Scripts,
    /// There, and in `style-src` and its two parts.
    ScriptsAndStyles,
}

impl Place {
    /// Names the directives, for messages.
    pub(super) const fn names(self) -> &'static str {
        match self {
            Self::Anywhere => "a list of sources",
            Self::Connections => "`connect-src` or `default-src`",
            Self::Fetches => "`default-src` or a list that falls back to it",
            Self::Scripts => "`script-src`, `script-src-elem`, `script-src-attr` or `default-src`",
            Self::ScriptsAndStyles => "`script-src`, `style-src`, their parts or `default-src`",
        }
    }

    pub(super) fn holds(self, directive: Directive) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Connections => {
                matches!(directive, Directive::ConnectSrc | Directive::DefaultSrc)
            }
            Self::Fetches => directive == Directive::DefaultSrc || !directive.fallback().is_empty(),
            Self::Scripts => directive == Directive::DefaultSrc || directive.is_script(),
            Self::ScriptsAndStyles => Self::Scripts.holds(directive) || directive.is_style(),
        }
    }
}

impl Directive {
    pub(super) const ALL: [Self; 27] = [
        Self::DefaultSrc,
        Self::BaseUri,
        Self::ChildSrc,
        Self::ConnectSrc,
        Self::FencedFrameSrc,
        Self::FontSrc,
        Self::FormAction,
        Self::FrameAncestors,
        Self::FrameSrc,
        Self::ImgSrc,
        Self::ManifestSrc,
        Self::MediaSrc,
        Self::ObjectSrc,
        Self::ReportTo,
        Self::ReportUri,
        Self::RequireTrustedTypesFor,
        Self::Sandbox,
        Self::ScriptSrc,
        Self::ScriptSrcAttr,
        Self::ScriptSrcElem,
        Self::StyleSrc,
        Self::StyleSrcAttr,
        Self::StyleSrcElem,
        Self::TrustedTypes,
        Self::UpgradeInsecureRequests,
        Self::Webrtc,
        Self::WorkerSrc,
    ];

    pub(in crate::csp) const fn name(self) -> &'static str {
        match self {
            Self::DefaultSrc => "default-src",
            Self::BaseUri => "base-uri",
            Self::ChildSrc => "child-src",
            Self::ConnectSrc => "connect-src",
            Self::FencedFrameSrc => "fenced-frame-src",
            Self::FontSrc => "font-src",
            Self::FormAction => "form-action",
            Self::FrameAncestors => "frame-ancestors",
            Self::FrameSrc => "frame-src",
            Self::ImgSrc => "img-src",
            Self::ManifestSrc => "manifest-src",
            Self::MediaSrc => "media-src",
            Self::ObjectSrc => "object-src",
            Self::ReportTo => "report-to",
            Self::ReportUri => "report-uri",
            Self::RequireTrustedTypesFor => "require-trusted-types-for",
            Self::Sandbox => "sandbox",
            Self::ScriptSrc => "script-src",
            Self::ScriptSrcAttr => "script-src-attr",
            Self::ScriptSrcElem => "script-src-elem",
            Self::StyleSrc => "style-src",
            Self::StyleSrcAttr => "style-src-attr",
            Self::StyleSrcElem => "style-src-elem",
            Self::TrustedTypes => "trusted-types",
            Self::UpgradeInsecureRequests => "upgrade-insecure-requests",
            Self::Webrtc => "webrtc",
            Self::WorkerSrc => "worker-src",
        }
    }

    /// The directive of a name in any case: CSP3 section 2.2.1 step 3.4 lowers it.
    pub(in crate::csp) fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|directive| directive.name().eq_ignore_ascii_case(name))
    }

    /// The directive whose name is spelt most like `name`.
    pub(super) fn nearest(name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        spelling::nearest(&name, Self::ALL.into_iter().map(Self::name))
    }

    /// Where the list of this one comes from when it is not set, nearest first: CSP3 section 6.8.3. Empty for what does not fall
    /// back.
    pub(super) const fn fallback(self) -> &'static [Self] {
        match self {
            Self::ConnectSrc
            | Self::FontSrc
            | Self::ImgSrc
            | Self::ManifestSrc
            | Self::MediaSrc
            | Self::ObjectSrc
            | Self::ChildSrc
            | Self::ScriptSrc
            | Self::StyleSrc => &[Self::DefaultSrc],
            Self::FencedFrameSrc => &[Self::FrameSrc, Self::ChildSrc, Self::DefaultSrc],
            Self::FrameSrc => &[Self::ChildSrc, Self::DefaultSrc],
            Self::ScriptSrcAttr | Self::ScriptSrcElem => &[Self::ScriptSrc, Self::DefaultSrc],
            Self::StyleSrcAttr | Self::StyleSrcElem => &[Self::StyleSrc, Self::DefaultSrc],
            Self::WorkerSrc => &[Self::ChildSrc, Self::ScriptSrc, Self::DefaultSrc],
            Self::DefaultSrc
            | Self::BaseUri
            | Self::FormAction
            | Self::FrameAncestors
            | Self::ReportTo
            | Self::ReportUri
            | Self::RequireTrustedTypesFor
            | Self::Sandbox
            | Self::TrustedTypes
            | Self::UpgradeInsecureRequests
            | Self::Webrtc => &[],
        }
    }

    /// Whether the value is a list of sources.
    pub(super) const fn takes_sources(self) -> bool {
        !matches!(
            self,
            Self::ReportTo
                | Self::ReportUri
                | Self::RequireTrustedTypesFor
                | Self::Sandbox
                | Self::TrustedTypes
                | Self::UpgradeInsecureRequests
                | Self::Webrtc
        )
    }

    pub(super) const fn is_script(self) -> bool {
        matches!(
            self,
            Self::ScriptSrc | Self::ScriptSrcAttr | Self::ScriptSrcElem
        )
    }

    pub(super) const fn is_style(self) -> bool {
        matches!(
            self,
            Self::StyleSrc | Self::StyleSrcAttr | Self::StyleSrcElem
        )
    }

    /// Whether browsers ignore it in a policy that only reports: CSP3 section 6.3.2, Upgrade Insecure Requests section 3.1.
    pub(super) const fn is_ignored_report_only(self) -> bool {
        matches!(self, Self::Sandbox | Self::UpgradeInsecureRequests)
    }

    /// Whether browsers ignore it in a `<meta>` element: CSP3 section 3.3.
    pub(super) const fn is_ignored_in_meta(self) -> bool {
        matches!(
            self,
            Self::FrameAncestors | Self::Sandbox | Self::ReportTo | Self::ReportUri
        )
    }
}

/// What to do instead of a directive that was in use once and that browsers ignore now.
pub(in crate::csp) fn instead_of_dead(name: &str) -> Option<(&'static str, &'static str)> {
    const DEAD: [(&str, &str); 7] = [
        (
            "block-all-mixed-content",
            "write `upgrade-insecure-requests`",
        ),
        (
            "navigate-to",
            "leave it out and restrict forms with `form-action`",
        ),
        ("plugin-types", "write `object-src 'none'`"),
        (
            "prefetch-src",
            "leave it out, `default-src` governs what is prefetched",
        ),
        (
            "referrer",
            "leave it out and send the header `Referrer-Policy`",
        ),
        (
            "reflected-xss",
            "leave it out, no browser has such a filter",
        ),
        (
            "require-sri-for",
            "leave it out and send the header `Integrity-Policy`",
        ),
    ];
    DEAD.into_iter()
        .find(|(dead, _)| dead.eq_ignore_ascii_case(name))
}
