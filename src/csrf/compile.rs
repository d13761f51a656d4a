//! Checks a configuration and compiles it to rules.

use http::{HeaderName, Method};

use super::check::{CsrfPolicy, IsolationRules, Missing, MissingRule};
use super::config::{CsrfConfig, OVERRIDE_HEADERS, Surroundings};
use super::error::CsrfConfigError;
use super::exempt::{self, ExemptionList};
use crate::core::origin::{CredentialRules, OriginError, OriginGrant, SelfOrigin, TrustedOrigins};
use crate::core::{ConfigErrorKind, ConfigErrors, Mistakes, fetch};

/// Each is looked for in every foreign request of a safe method; frameworks read one to three.
pub(super) const MAX_OVERRIDE_HEADERS: usize = 16;

impl Default for CsrfPolicy {
    fn default() -> Self {
        let config = CsrfConfig::default();
        Self {
            trusted: TrustedOrigins::default(),
            self_origin: SelfOrigin::from_host(),
            missing: MissingRule::RefuseWithCookie,
            allow_same_site: false,
            check_websocket: true,
            override_headers: OVERRIDE_HEADERS.map(HeaderName::from_static).into(),
            exemptions: ExemptionList::default().finish(),
            isolation: None,
            config,
        }
    }
}

pub(super) fn compile(
    config: CsrfConfig,
    around: &Surroundings,
) -> Result<CsrfPolicy, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let allow_insecure = config.dangerous_allow_insecure_origins;
    let trusted = trusted_origins(&mut mistakes, &config, around);
    let self_origin = if config.self_origins.is_empty() {
        SelfOrigin::host(allow_insecure)
    } else {
        self_origins(&mut mistakes, &config)
    };
    if config.dangerous_allow_missing_metadata && config.missing_metadata == Missing::Refuse {
        mistakes.push(
            "csrf.dangerous_allow_missing_metadata",
            CsrfConfigError::ConflictingMissingMetadata,
        );
    }
    let missing = match config.missing_metadata {
        _ if config.dangerous_allow_missing_metadata => MissingRule::Pass,
        Missing::Refuse => MissingRule::Refuse,
        Missing::RefuseWithCookie => MissingRule::RefuseWithCookie,
    };
    let override_headers = override_headers(&mut mistakes, &config.method_override_headers);
    let isolation = config.isolation.as_ref().map(|isolation| {
        if isolation.refuse_same_site && config.dangerous_allow_same_site {
            mistakes.push(
                "csrf.isolation.refuse_same_site",
                CsrfConfigError::ConflictingSameSite,
            );
        }
        IsolationRules {
            allow_framing: isolation.allow_framing,
            refuse_same_site: isolation.refuse_same_site,
            public: exempt::public_patterns(
                &mut mistakes,
                "csrf.isolation.public",
                &isolation.public,
            ),
        }
    });
    let exemptions = exemptions(&mut mistakes, &config);
    mistakes.finish(CsrfPolicy {
        trusted,
        self_origin,
        missing,
        allow_same_site: config.dangerous_allow_same_site,
        check_websocket: !config.dangerous_skip_websocket_check,
        override_headers,
        exemptions: exemptions.finish(),
        isolation,
        config,
    })
}

/// The listed origins together with those of the grants.
fn trusted_origins(
    mistakes: &mut Mistakes,
    config: &CsrfConfig,
    around: &Surroundings,
) -> TrustedOrigins {
    const GRANT: &str = "csrf.trust_cors";
    let rules = CredentialRules {
        suffixes: around.suffixes.clone(),
        allow_insecure: config.dangerous_allow_insecure_origins,
        allow_public_suffixes: false,
    };
    let listed = TrustedOrigins::builder()
        .path("csrf.trusted_origins")
        .origins(&config.trusted_origins)
        .public_suffixes(around.suffixes.clone())
        .dangerous_allow_insecure_origins(rules.allow_insecure)
        .build();
    let any_origin = || CsrfConfigError::RefusedAnyOrigin;
    let listed = take_origins(mistakes, listed, any_origin);
    let mut granted = Vec::new();
    for grant in &around.grants {
        match grant {
            OriginGrant::AnyOrigin => {
                mistakes.push(GRANT, CsrfConfigError::RefusedTrustAnyOrigin);
            }
            OriginGrant::Uncredentialed => {
                mistakes.push(GRANT, CsrfConfigError::RefusedTrustUncredentialed);
            }
            OriginGrant::PredicateOnly => {
                mistakes.push(GRANT, CsrfConfigError::RefusedTrustPredicate);
            }
            OriginGrant::Credentialed(origins) => {
                let recheck = origins.recheck(GRANT, &rules);
                if take_origins(mistakes, recheck, any_origin).is_some() {
                    granted.extend(origins.iter());
                }
            }
        }
    }
    let Some(listed) = listed else {
        return TrustedOrigins::default();
    };
    if granted.is_empty() {
        return listed;
    }
    // Each was checked above; together they may still be too many.
    let union = TrustedOrigins::builder()
        .path(GRANT)
        .origins(listed.iter().chain(granted))
        .credentials(false)
        .build();
    mistakes.take(union).unwrap_or_default()
}

fn self_origins(mistakes: &mut Mistakes, config: &CsrfConfig) -> SelfOrigin {
    let origins = SelfOrigin::listed(
        "csrf.self_origins",
        &config.self_origins,
        config.dangerous_allow_insecure_origins,
    );
    let any = || OriginError::RefusedSelfOriginPattern {
        value: "*".to_owned(),
    };
    take_origins(mistakes, origins, any).unwrap_or_default()
}

/// Takes over the mistakes of an origin list. Where their advice is that for CORS, they are said in the words of this layer;
/// `any` stands for `*`.
fn take_origins<T, K: ConfigErrorKind>(
    mistakes: &mut Mistakes,
    result: Result<T, ConfigErrors>,
    any: fn() -> K,
) -> Option<T> {
    let errors = match result {
        Ok(value) => return Some(value),
        Err(errors) => errors,
    };
    for error in errors {
        let path = error.path().to_owned();
        match error.downcast::<OriginError>() {
            Some(OriginError::RefusedWildcardInList) => mistakes.push(path, any()),
            Some(OriginError::RefusedNullOrigin) => {
                mistakes.push(path, CsrfConfigError::RefusedNullOrigin);
            }
            Some(OriginError::RefusedPublicSuffix { value, suffix }) => mistakes.push(
                path,
                CsrfConfigError::RefusedPublicSuffix {
                    value: value.clone(),
                    suffix: suffix.clone(),
                },
            ),
            _ => mistakes.extend(error.into()),
        }
    }
    None
}

fn override_headers(mistakes: &mut Mistakes, names: &[String]) -> Box<[HeaderName]> {
    let mut known: Vec<HeaderName> = Vec::new();
    let count = names.len();
    if count > MAX_OVERRIDE_HEADERS {
        mistakes.push(
            "csrf.method_override_headers",
            CsrfConfigError::RefusedTooManyOverrideHeaders { count },
        );
        return Box::default();
    }
    for (index, text) in names.iter().enumerate() {
        match HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) if !fetch::is_forbidden_request_header(&name) => {
                if !known.contains(&name) {
                    known.push(name);
                }
            }
            _ => mistakes.push(
                format!("csrf.method_override_headers[{index}]"),
                CsrfConfigError::InvalidOverrideHeader { name: text.clone() },
            ),
        }
    }
    known.into()
}

fn exemptions(mistakes: &mut Mistakes, config: &CsrfConfig) -> ExemptionList {
    let mut list = ExemptionList::default();
    let (all, by_method) = (&config.dangerous_exempt, &config.dangerous_exempt_method);
    let count = all.len().saturating_add(by_method.len());
    if exempt::is_too_long(mistakes, "csrf.dangerous_exempt", count) {
        return list;
    }
    for (index, pattern) in all.iter().enumerate() {
        list.add(
            mistakes,
            format!("csrf.dangerous_exempt[{index}]"),
            None,
            pattern,
        );
    }
    for (index, exemption) in by_method.iter().enumerate() {
        let path = format!("csrf.dangerous_exempt_method[{index}]");
        match exempt_method(&exemption.method) {
            Ok(method) => list.add(mistakes, path, Some(method), &exemption.pattern),
            Err(error) => mistakes.push(path, error),
        }
    }
    list
}

/// The method of an exemption that can have an effect.
fn exempt_method(text: &str) -> Result<Method, CsrfConfigError> {
    const STANDARD: [&str; 9] = [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
    ];
    let invalid = || CsrfConfigError::InvalidExemptMethod {
        method: text.to_owned(),
    };
    let method = Method::from_bytes(text.as_bytes()).map_err(|_| invalid())?;
    if matches!(method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Err(CsrfConfigError::RefusedExemptSafeMethod {
            method: text.to_owned(),
        });
    }
    // `post` is a method, and one that no client sends.
    let is_misspelt = STANDARD
        .iter()
        .any(|known| known.eq_ignore_ascii_case(text) && *known != text);
    if is_misspelt {
        Err(invalid())
    } else {
        Ok(method)
    }
}
