//! The directives whose values are no sources: sandbox flags, trusted types, WebRTC.

use super::advice::shown;
use super::directive::Directive;
use super::error::CspConfigError;
use super::reporting::{self, ReportEndpoint};
use super::spelling;

/// What a sandboxed page may do nevertheless ([HTML](https://html.spec.whatwg.org/multipage/browsers.html#sandboxing)).
///
/// Given to [`CspBuilder::sandbox`](super::CspBuilder::sandbox). [`AllowScripts`](Self::AllowScripts) together with
/// [`AllowSameOrigin`](Self::AllowSameOrigin) is refused: the page can take its sandbox off then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SandboxFlag {
    /// `allow-downloads`
    AllowDownloads,
    /// `allow-forms`
    AllowForms,
    /// `allow-modals`
    AllowModals,
    /// `allow-orientation-lock`
    AllowOrientationLock,
    /// `allow-pointer-lock`
    AllowPointerLock,
    /// `allow-popups`
    AllowPopups,
    /// `allow-popups-to-escape-sandbox`
    AllowPopupsToEscapeSandbox,
    /// `allow-presentation`
    AllowPresentation,
    /// `allow-same-origin`
    AllowSameOrigin,
    /// `allow-scripts`
    AllowScripts,
    /// `allow-storage-access-by-user-activation`
    AllowStorageAccessByUserActivation,
    /// `allow-top-navigation`
    AllowTopNavigation,
    /// `allow-top-navigation-by-user-activation`
    AllowTopNavigationByUserActivation,
    /// `allow-top-navigation-to-custom-protocols`
    AllowTopNavigationToCustomProtocols,
}

impl SandboxFlag {
    const ALL: [Self; 14] = [
        Self::AllowDownloads,
        Self::AllowForms,
        Self::AllowModals,
        Self::AllowOrientationLock,
        Self::AllowPointerLock,
        Self::AllowPopups,
        Self::AllowPopupsToEscapeSandbox,
        Self::AllowPresentation,
        Self::AllowSameOrigin,
        Self::AllowScripts,
        Self::AllowStorageAccessByUserActivation,
        Self::AllowTopNavigation,
        Self::AllowTopNavigationByUserActivation,
        Self::AllowTopNavigationToCustomProtocols,
    ];

    /// Returns the flag as a policy writes it, such as `allow-forms`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowDownloads => "allow-downloads",
            Self::AllowForms => "allow-forms",
            Self::AllowModals => "allow-modals",
            Self::AllowOrientationLock => "allow-orientation-lock",
            Self::AllowPointerLock => "allow-pointer-lock",
            Self::AllowPopups => "allow-popups",
            Self::AllowPopupsToEscapeSandbox => "allow-popups-to-escape-sandbox",
            Self::AllowPresentation => "allow-presentation",
            Self::AllowSameOrigin => "allow-same-origin",
            Self::AllowScripts => "allow-scripts",
            Self::AllowStorageAccessByUserActivation => "allow-storage-access-by-user-activation",
            Self::AllowTopNavigation => "allow-top-navigation",
            Self::AllowTopNavigationByUserActivation => "allow-top-navigation-by-user-activation",
            Self::AllowTopNavigationToCustomProtocols => "allow-top-navigation-to-custom-protocols",
        }
    }
}

/// Whether pages may open WebRTC connections. Given to [`CspBuilder::webrtc`](super::CspBuilder::webrtc).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Webrtc {
    /// `'allow'`, which is what browsers do without the directive.
    Allow,
    /// `'block'`
    Block,
}

impl Webrtc {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Allow => "'allow'",
            Self::Block => "'block'",
        }
    }
}

/// Which trusted types policies a page may make. Given to [`CspBuilder::trusted_types`](super::CspBuilder::trusted_types).
///
/// # Example
///
/// ```
/// use tower_security::csp::{Csp, TrustedTypes};
///
/// let policy = Csp::strict().trusted_types(TrustedTypes::policies(["app", "default"]).allow_duplicates()).build()?;
/// assert!(policy.to_template().contains("trusted-types app default 'allow-duplicates'"));
///
/// assert!(Csp::strict().trusted_types(TrustedTypes::policies(["bad!name"])).build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct TrustedTypes {
    /// `None`: the directive `trusted-types` is not written.
    names: Option<Vec<String>>,
    allows_duplicates: bool,
}

impl TrustedTypes {
    /// Lets a page make policies of these names, such as `app`; `default` is the one that browsers call by themselves.
    ///
    /// Rejected: names with other characters than letters, digits and `-#=_/@.%`, and `*`.
    pub fn policies(names: impl IntoIterator<Item: Into<String>>) -> Self {
        Self {
            names: Some(collected(names)),
            allows_duplicates: false,
        }
    }

    /// Lets a page make no policy, so that text never reaches a dangerous sink.
    pub fn none() -> Self {
        Self {
            names: Some(vec!["'none'".to_owned()]),
            allows_duplicates: false,
        }
    }

    /// Lets a page make policies of any name: only `require-trusted-types-for 'script'` is written.
    pub const fn any_policy() -> Self {
        Self {
            names: None,
            allows_duplicates: false,
        }
    }

    /// Lets a page make two policies of one name.
    pub const fn allow_duplicates(mut self) -> Self {
        self.allows_duplicates = true;
        self
    }

    /// The words of the directive `trusted-types`, `None` if it is not written.
    pub(super) fn into_words(self) -> Option<Vec<String>> {
        let mut words = self.names?;
        if self.allows_duplicates {
            words.push(ALLOW_DUPLICATES.to_owned());
        }
        Some(words)
    }
}

const ALLOW_DUPLICATES: &str = "'allow-duplicates'";

/// Words of a list; an endless iterator ends.
pub(super) fn collected(words: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    words
        .into_iter()
        .take(super::source::MAX_SOURCES)
        .map(Into::into)
        .collect()
}

/// A word as policies write it: browsers compare flags and keywords in any case, but names of policies exactly.
pub(super) fn folded(directive: Directive, word: &str) -> String {
    if directive == Directive::Sandbox || word.starts_with('\'') {
        word.to_ascii_lowercase()
    } else {
        word.to_owned()
    }
}

/// Whether a sandboxed page could reach the frame around it and remove the attribute.
pub(super) fn escapes_sandbox(flags: &[String]) -> bool {
    let has = |flag: SandboxFlag| flags.iter().any(|word| word == flag.as_str());
    has(SandboxFlag::AllowScripts) && has(SandboxFlag::AllowSameOrigin)
}

/// Checks one word of `sandbox`, `trusted-types` or `require-trusted-types-for`.
pub(super) fn check_word(directive: Directive, word: &str) -> Result<(), CspConfigError> {
    let value = || shown(word);
    match directive {
        Directive::Sandbox => {
            let known = || SandboxFlag::ALL.into_iter().map(SandboxFlag::as_str);
            if known().any(|flag| flag == word) {
                return Ok(());
            }
            Err(CspConfigError::UnknownSandbox {
                value: value(),
                nearest: spelling::nearest(word, known()),
            })
        }
        Directive::RequireTrustedTypesFor if word == "'script'" => Ok(()),
        Directive::RequireTrustedTypesFor => Err(CspConfigError::UnknownSink { value: value() }),
        Directive::TrustedTypes => check_policy_name(word),
        // The others have a check of their own.
        _ => Ok(()),
    }
}

/// Trusted Types section 4.2.3, `tt-policy-name`.
fn check_policy_name(word: &str) -> Result<(), CspConfigError> {
    let keywords = ["'none'", ALLOW_DUPLICATES];
    if keywords.contains(&word) {
        return Ok(());
    }
    if word == "*" {
        return Err(CspConfigError::WildcardSource {
            name: Directive::TrustedTypes.name(),
        });
    }
    if word.starts_with('\'') {
        return Err(CspConfigError::UnknownKeyword {
            value: shown(word),
            nearest: spelling::nearest(word, keywords),
        });
    }
    if let Some(keyword) = keywords
        .into_iter()
        .find(|keyword| keyword.trim_matches('\'').eq_ignore_ascii_case(word))
    {
        return Err(CspConfigError::UnquotedKeyword {
            value: shown(word),
            instead: keyword,
        });
    }
    let is_name = !word.is_empty()
        && word.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'#' | b'=' | b'_' | b'/' | b'@' | b'.' | b'%')
        });
    if is_name {
        Ok(())
    } else {
        Err(CspConfigError::InvalidPolicyName { value: shown(word) })
    }
}

/// Checks the value of a directive that takes one keyword or none.
pub(super) fn check_single(directive: Directive, words: &[String]) -> Result<(), CspConfigError> {
    let name = directive.name();
    let not_allowed = |advice| CspConfigError::ValueNotAllowed {
        value: shown(&words.join(" ")),
        name,
        advice,
    };
    if directive == Directive::UpgradeInsecureRequests {
        return match words {
            [] => Ok(()),
            _ => Err(not_allowed("write the name alone")),
        };
    }
    let keywords = [Webrtc::Allow.text(), Webrtc::Block.text()];
    match words {
        [] => Err(CspConfigError::EmptyDirective { name }),
        [word] if keywords.contains(&word.as_str()) => Ok(()),
        [word] => {
            let meant = keywords
                .into_iter()
                .find(|keyword| keyword.trim_matches('\'').eq_ignore_ascii_case(word));
            Err(match meant {
                Some(instead) => CspConfigError::UnquotedKeyword {
                    value: shown(word),
                    instead,
                },
                None => CspConfigError::UnknownKeyword {
                    value: shown(word),
                    nearest: spelling::nearest(word, keywords),
                },
            })
        }
        _ => Err(not_allowed("write `'allow'` or `'block'`")),
    }
}

/// Checks that `report-to` names the endpoint that the policy declares.
pub(super) fn check_report_to(
    words: &[String],
    endpoint: Option<&ReportEndpoint>,
) -> Result<(), CspConfigError> {
    let [word] = words else {
        return Err(CspConfigError::InvalidReportName {
            value: shown(&words.join(" ")),
        });
    };
    match endpoint {
        // Its name is checked where it is declared.
        Some(endpoint) if endpoint.name() == word => Ok(()),
        _ => {
            reporting::check_name(word)?;
            Err(CspConfigError::ReportToUnknown { value: shown(word) })
        }
    }
}
