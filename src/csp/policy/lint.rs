//! What builds and deserves a second look.

use std::collections::HashSet;

use thiserror::Error;

use super::check::{MAX_MISTAKES, MAX_POLICY};
use super::directive::Directive;
use super::entry::{Entries, Entry, Facts, Value};
use super::keyword::Keyword;
use super::source::{Expression, Source};

/// From this length on a policy is worth shortening.
const LONG: usize = MAX_POLICY / 2;

/// A warning about a policy that was built. See [`CspPolicy::lints`](super::CspPolicy::lints).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CspLint {
    /// A host is allowed twice: by its name and by its scheme.
    #[error("{directive}: {value:?} is covered by {by:?}")]
    CoveredSource {
        /// The directive.
        directive: &'static str,
        /// The source that says nothing.
        value: String,
        /// The source that covers it.
        by: String,
    },
    /// A source stood twice and is written once.
    #[error("{directive}: {value:?} stood twice")]
    DuplicateSource {
        /// The directive.
        directive: &'static str,
        /// The source.
        value: String,
    },
    /// A source that only some browsers know, and that may change.
    #[error("{directive}: {value:?} is experimental")]
    Experimental {
        /// The directive.
        directive: &'static str,
        /// The source.
        value: String,
    },
    /// Scripts are allowed by where they come from: one file there that answers with chosen text, or one upload, is enough.
    #[error("{directive}: {value:?} allows scripts by their host, a nonce or hash is safer")]
    HostScripts {
        /// The directive.
        directive: &'static str,
        /// The first such source.
        value: String,
    },
    /// Current browsers ignore hosts beside `'strict-dynamic'`.
    #[error("{directive}: {value:?} is ignored beside `'strict-dynamic'`")]
    HostsIgnored {
        /// The directive.
        directive: &'static str,
        /// The source.
        value: String,
    },
    /// What comes from there can be read and changed in the network.
    #[error("{directive}: {value:?} is not encrypted")]
    InsecureSource {
        /// The directive.
        directive: &'static str,
        /// The source.
        value: String,
    },
    /// The header is longer than 4,096 bytes.
    #[error("the header has {length} bytes")]
    LongPolicy {
        /// Its length, with a nonce in each place of one.
        length: usize,
    },
    /// `form-action` is missing and does not fall back: an injected form may send to any site.
    #[error("`form-action` is missing, forms may be sent anywhere")]
    NoFormAction,
    /// `frame-ancestors` is missing and does not fall back: any site may frame the page.
    #[error("`frame-ancestors` is missing, any site may frame the page")]
    NoFrameAncestors,
    /// There is no `report-to`.
    #[error("there is no `report-to`, violations are not heard of")]
    NoReporting,
    /// Chromium 156 does not know it and says so in its console.
    #[error("{directive}: {value:?} is unknown to Chromium")]
    NotInChromium {
        /// The directive.
        directive: &'static str,
        /// The source or value.
        value: String,
    },
    /// Injected styles apply.
    #[error("{directive}: `'unsafe-inline'` lets injected styles apply")]
    StyleUnsafeInline {
        /// The directive.
        directive: &'static str,
    },
    /// Browsers that know nonces ignore `'unsafe-inline'` there, and older ones run every script.
    #[error(
        "{directive}: `'unsafe-inline'` beside a nonce or hash, write `legacy_fallback()` if it is meant for old browsers"
    )]
    UnsafeInlineBesideNonce {
        /// The directive.
        directive: &'static str,
    },
    /// Anybody's server is allowed.
    #[error("{directive}: {value:?} allows servers of strangers")]
    WideSource {
        /// The directive.
        directive: &'static str,
        /// The source.
        value: String,
    },
}

impl CspLint {
    /// Returns the stable snake-case name of the warning, such as `no_form_action`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CoveredSource { .. } => "covered_source",
            Self::DuplicateSource { .. } => "duplicate_source",
            Self::Experimental { .. } => "experimental",
            Self::HostScripts { .. } => "host_scripts",
            Self::HostsIgnored { .. } => "hosts_ignored",
            Self::InsecureSource { .. } => "insecure_source",
            Self::LongPolicy { .. } => "long_policy",
            Self::NoFormAction => "no_form_action",
            Self::NoFrameAncestors => "no_frame_ancestors",
            Self::NoReporting => "no_reporting",
            Self::NotInChromium { .. } => "not_in_chromium",
            Self::StyleUnsafeInline { .. } => "style_unsafe_inline",
            Self::UnsafeInlineBesideNonce { .. } => "unsafe_inline_beside_nonce",
            Self::WideSource { .. } => "wide_source",
        }
    }
}

/// Removes what stands twice in a list and tells of it.
pub(super) fn fold(entries: &mut Entries, lints: &mut Vec<CspLint>) {
    for entry in &mut entries.0 {
        let directive = entry.directive.name();
        match &mut entry.value {
            Value::Sources(sources) => {
                let mut seen = HashSet::with_capacity(sources.len());
                sources.retain(|source| {
                    let is_new = seen.insert(source.clone());
                    if !is_new && lints.len() < MAX_MISTAKES {
                        lints.push(CspLint::DuplicateSource {
                            directive,
                            value: source.to_string(),
                        });
                    }
                    is_new
                });
            }
            Value::Words(words) => {
                let mut seen = HashSet::with_capacity(words.len());
                words.retain(|word| seen.insert(word.clone()));
            }
        }
    }
}

/// The warnings about a policy without mistakes, up to 64, after those of [`fold`].
pub(super) fn lint(entries: &Entries, lints: &mut Vec<CspLint>) {
    let mut found = Vec::new();
    if !entries.has(Directive::FrameAncestors) {
        found.push(CspLint::NoFrameAncestors);
    }
    if !entries.has(Directive::FormAction) {
        found.push(CspLint::NoFormAction);
    }
    if !entries.has(Directive::ReportTo) {
        found.push(CspLint::NoReporting);
    }
    let length = entries.header_length();
    if length > LONG {
        found.push(CspLint::LongPolicy { length });
    }
    for entry in entries.iter() {
        if found.len() >= MAX_MISTAKES {
            break;
        }
        match &entry.value {
            Value::Sources(sources) => lint_list(entries, entry, sources, &mut found),
            Value::Words(words) if entry.directive == Directive::Webrtc => {
                found.push(CspLint::NotInChromium {
                    directive: entry.directive.name(),
                    value: words.join(" "),
                });
            }
            Value::Words(_) => {}
        }
    }
    lints.extend(found);
    lints.truncate(MAX_MISTAKES);
}

fn lint_list(entries: &Entries, entry: &Entry, sources: &[Source], found: &mut Vec<CspLint>) {
    let directive = entry.directive.name();
    let facts = Facts::of(sources);
    let for_scripts = entries.governs_scripts(entry.directive);
    let schemes: HashSet<&str> = sources
        .iter()
        .filter_map(|source| match &source.0 {
            Expression::Scheme(scheme) => Some(&**scheme),
            _ => None,
        })
        .collect();
    if facts.has_unsafe_inline {
        if facts.ignores_unsafe_inline() && !facts.has_legacy_fallback() {
            found.push(CspLint::UnsafeInlineBesideNonce { directive });
        } else if entries.governs_styles(entry.directive) && !facts.ignores_unsafe_inline() {
            found.push(CspLint::StyleUnsafeInline { directive });
        }
    }
    if for_scripts && !facts.names_elements() {
        let host = sources.iter().find(|source| source.is_place());
        found.extend(host.map(|source| CspLint::HostScripts {
            directive,
            value: source.to_string(),
        }));
    }
    for source in sources {
        if found.len() >= MAX_MISTAKES {
            return;
        }
        let value = || source.to_string();
        if for_scripts
            && facts.ignores_hosts()
            && source.is_place()
            && !(facts.has_legacy_fallback() && *source == Source::HTTPS)
        {
            found.push(CspLint::HostsIgnored {
                directive,
                value: value(),
            });
            continue;
        }
        let covering = match &source.0 {
            Expression::Host(host) => host.scheme().and_then(|scheme| {
                let covering = [scheme, upgraded_from(scheme)];
                covering.into_iter().find(|scheme| schemes.contains(scheme))
            }),
            _ => None,
        };
        if let Some(scheme) = covering {
            found.push(CspLint::CoveredSource {
                directive,
                value: value(),
                by: format!("{scheme}:"),
            });
        }
        found.extend(lint_source(directive, source, for_scripts));
    }
}

/// The scheme that a source also stands for (CSP3 section 6.7.2.7): `http:` matches `https:` too.
fn upgraded_from(scheme: &str) -> &'static str {
    match scheme {
        "https" => "http",
        "wss" => "ws",
        _ => "",
    }
}

fn lint_source(directive: &'static str, source: &Source, for_scripts: bool) -> Option<CspLint> {
    let value = || source.to_string();
    let is_insecure = |scheme: &str| matches!(scheme, "http" | "ws" | "ftp");
    match &source.0 {
        Expression::Any => Some(CspLint::WideSource {
            directive,
            value: value(),
        }),
        Expression::Scheme(scheme) if is_insecure(scheme) => Some(CspLint::InsecureSource {
            directive,
            value: value(),
        }),
        Expression::Scheme(scheme) if matches!(&**scheme, "https" | "wss") && !for_scripts => {
            Some(CspLint::WideSource {
                directive,
                value: value(),
            })
        }
        Expression::Host(host) if host.scheme().is_some_and(is_insecure) => {
            Some(CspLint::InsecureSource {
                directive,
                value: value(),
            })
        }
        Expression::Host(host) if host.is_wild_over_public_suffix() => Some(CspLint::WideSource {
            directive,
            value: value(),
        }),
        Expression::Hash(hash) if !hash.is_of_content() => Some(CspLint::Experimental {
            directive,
            value: value(),
        }),
        Expression::Keyword(Keyword::StrictDynamicUrl) => Some(CspLint::Experimental {
            directive,
            value: value(),
        }),
        Expression::Keyword(Keyword::UnsafeAllowRedirects | Keyword::UnsafeWebtransportHashes) => {
            Some(CspLint::NotInChromium {
                directive,
                value: value(),
            })
        }
        Expression::Hash(_)
        | Expression::Host(_)
        | Expression::Keyword(_)
        | Expression::Nonce
        | Expression::Scheme(_) => None,
    }
}
