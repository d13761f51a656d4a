//! Checking a configuration and compiling it.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN};
use http::{Method, StatusCode};

use super::acrh::AllowedNames;
use super::policy::{Given, Methods, RequestHeaders, Told, Vary};
use super::{CorsBuilder, CorsConfigError, CorsPolicy, MaxAge, fetch};
use crate::core::fetch::is_forbidden_request_header;
use crate::core::origin::{CredentialRules, OriginPattern, SelfOrigin, TrustedOrigins};
use crate::core::{ConfigErrors, Mistakes, field};

pub(super) const VARY_ORIGIN: &str = "Origin";

const MAX_NAMES: usize = 1_024;
const MAX_AGE: u32 = 86_400;

/// Request headers of gRPC-web clients.
static GRPC_WEB_REQUEST: [HeaderName; 4] = [
    CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];
/// Response headers that gRPC-web clients have to read.
static GRPC_WEB_EXPOSED: [HeaderName; 3] = [
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// Checks a configuration and compiles it.
pub(super) fn compile(builder: CorsBuilder) -> Result<CorsPolicy, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let trusted = origins(&builder, &mut mistakes);
    if builder.any_origin && builder.credentials {
        let error = CorsConfigError::RefusedAnyOriginWithCredentials;
        mistakes.push("cors.credentials", error);
    }
    let methods = methods(&builder, &mut mistakes);
    let given_request_headers = given_request_headers(&builder, &mut mistakes);
    let given_expose_headers = given_expose_headers(&builder, &mut mistakes);
    let max_age = builder.max_age.unwrap_or_else(|seconds| {
        // More than any `MaxAge` holds, or less than -1.
        let error = if seconds > 0 {
            CorsConfigError::RefusedMaxAge { seconds }
        } else {
            CorsConfigError::InvalidMaxAge { seconds }
        };
        mistakes.push("cors.max_age_secs", error);
        MaxAge::BrowserDefault
    });
    let max_age_value = max_age_value(max_age, &mut mistakes);
    let preflight_success_status = success_status(&builder, &mut mistakes);
    let self_origin = self_origin(&builder, &mut mistakes);
    let vary = vary(&builder, &mut mistakes);
    if builder.private_network && builder.any_origin {
        mistakes.push(
            "cors.dangerous_allow_private_network",
            CorsConfigError::RefusedPrivateNetworkAnyOrigin,
        );
    }
    let request_headers = request_headers(&builder, &given_request_headers);
    let exposed = exposed(&builder, &given_expose_headers);
    let mut self_origins = builder.self_origins.clone();
    self_origins.sort_unstable();
    self_origins.dedup();
    mistakes.finish(CorsPolicy {
        any_origin: builder.any_origin,
        trusted,
        predicate: builder.predicate,
        credentials: builder.credentials,
        methods,
        request_headers,
        exposed,
        max_age: max_age_value,
        preflight_success_status,
        refuse: builder.refuse,
        self_origin: Arc::new(self_origin),
        vary,
        explain_failures: builder.explain_failures,
        private_network: builder.private_network,
        keep_inner: builder.keep_inner,
        suffixes: builder.suffixes,
        events: builder.events,
        inner_headers_told: Told::default(),
        given: Given {
            request_headers: given_request_headers,
            expose_headers: given_expose_headers,
            grpc_web: builder.grpc_web,
            max_age,
            self_origins,
            vary_on_preflight: builder.vary_on_preflight,
            allow_insecure: builder.allow_insecure,
            allow_public_suffixes: builder.allow_public_suffixes,
        },
    })
}

fn origins(builder: &CorsBuilder, mistakes: &mut Mistakes) -> TrustedOrigins {
    const PATH: &str = "cors.origins";
    let rules = CredentialRules {
        suffixes: builder.suffixes.clone(),
        allow_insecure: builder.allow_insecure,
        allow_public_suffixes: builder.allow_public_suffixes,
    };
    let given = builder.trusted.clone().unwrap_or_default();
    let names_origins =
        !builder.origins.is_empty() || !given.is_empty() || builder.predicate.is_some();
    if builder.any_origin == names_origins {
        mistakes.push(
            PATH,
            if names_origins {
                CorsConfigError::ConflictingOrigins
            } else {
                CorsConfigError::MissingOrigins
            },
        );
    }
    let listed = TrustedOrigins::builder()
        .path(PATH)
        .origins(&builder.origins)
        .credentials(builder.credentials)
        .public_suffixes(rules.suffixes.clone())
        .dangerous_allow_insecure_origins(rules.allow_insecure)
        .dangerous_allow_public_suffix_subdomains(rules.allow_public_suffixes)
        .build();
    let listed = mistakes.take(listed).unwrap_or_default();
    if builder.credentials {
        mistakes.take(given.recheck("cors.trusted_origins", &rules));
    }
    if given.is_empty() {
        return listed;
    }
    if listed.is_empty() {
        return given;
    }
    let both = TrustedOrigins::builder()
        .path(PATH)
        .origins(listed.iter().chain(given.iter()).map(OriginPattern::as_str))
        // Both were checked above.
        .credentials(false)
        .build();
    mistakes.take(both).unwrap_or_default()
}

fn methods(builder: &CorsBuilder, mistakes: &mut Mistakes) -> Methods {
    const PATH: &str = "cors.methods";
    too_many(
        &builder.methods,
        PATH,
        "methods",
        "`any_method()`",
        mistakes,
    );
    let mut listed = Vec::new();
    for (index, method) in builder.methods.iter().take(MAX_NAMES).enumerate() {
        match checked_method(method) {
            Ok(method) if fetch::is_safelisted_method(method.as_str().as_bytes()) => {}
            Ok(method) => listed.extend(prebuilt(method.as_str())),
            Err(error) => mistakes.push(format!("{PATH}[{index}]"), error),
        }
    }
    if !builder.any_method {
        listed.sort_unstable();
        listed.dedup();
        return Methods::Listed(listed.into());
    }
    if !builder.methods.is_empty() {
        mistakes.push(PATH, CorsConfigError::ConflictingMethods);
    }
    Methods::Any
}

fn checked_method(given: &str) -> Result<Method, CorsConfigError> {
    let method = given.to_owned();
    if !field::is_token(given.as_bytes()) {
        return Err(CorsConfigError::InvalidMethod { method });
    }
    if fetch::is_forbidden_method(given) {
        return Err(CorsConfigError::ForbiddenMethod { method });
    }
    if given == "*" {
        return Err(CorsConfigError::RefusedWildcardMethod);
    }
    if given.eq_ignore_ascii_case("PATCH") && given != "PATCH" {
        return Err(CorsConfigError::RefusedMethodCase { method });
    }
    match fetch::normalized_method(given) {
        Some(method) => Ok(method),
        None => Method::from_bytes(given.as_bytes())
            .map_err(|_| CorsConfigError::InvalidMethod { method }),
    }
}

/// The names of the configuration, sorted and each once.
fn given_request_headers(builder: &CorsBuilder, mistakes: &mut Mistakes) -> Vec<HeaderName> {
    const PATH: &str = "cors.request_headers";
    const INSTEAD: &str = "`any_request_header()`";
    let given = &builder.request_headers;
    too_many(given, PATH, "request headers", INSTEAD, mistakes);
    let mut listed = Vec::new();
    for (index, name) in given.iter().take(MAX_NAMES).enumerate() {
        match checked_request_header(name) {
            Ok(name) => listed.push(name),
            Err(error) => mistakes.push(format!("{PATH}[{index}]"), error),
        }
    }
    if builder.any_request_header && listed.iter().any(|name| name != AUTHORIZATION) {
        mistakes.push(PATH, CorsConfigError::ConflictingRequestHeaders);
    }
    sort(&mut listed);
    listed
}

fn request_headers(builder: &CorsBuilder, given: &[HeaderName]) -> RequestHeaders {
    if builder.any_request_header {
        let authorization = given.contains(&AUTHORIZATION);
        return RequestHeaders::Any { authorization };
    }
    let grpc_web = GRPC_WEB_REQUEST.iter().filter(|_| builder.grpc_web);
    let names = given.iter().chain(grpc_web);
    let names = AllowedNames::new(names.map(|name| name.as_str().into()).collect());
    let all = joined(names.as_slice().iter().map(AsRef::as_ref), ",");
    RequestHeaders::Listed { names, all }
}

fn checked_request_header(given: &str) -> Result<HeaderName, CorsConfigError> {
    let name = given.to_owned();
    let Ok(header) = HeaderName::try_from(given) else {
        return Err(CorsConfigError::InvalidRequestHeader { name });
    };
    if is_forbidden_request_header(&header) {
        return Err(CorsConfigError::ForbiddenRequestHeader { name });
    }
    if fetch::is_answered(&header) {
        return Err(CorsConfigError::RefusedRequestHeader { name });
    }
    if given == "*" {
        return Err(CorsConfigError::RefusedWildcardRequestHeader);
    }
    Ok(header)
}

/// The names of the configuration, sorted and each once.
fn given_expose_headers(builder: &CorsBuilder, mistakes: &mut Mistakes) -> Vec<HeaderName> {
    const PATH: &str = "cors.expose_headers";
    const INSTEAD: &str = "`expose_any_header()`";
    let given = &builder.expose_headers;
    too_many(given, PATH, "exposed headers", INSTEAD, mistakes);
    let mut listed = Vec::new();
    for (index, name) in given.iter().take(MAX_NAMES).enumerate() {
        match checked_exposed_header(name) {
            Ok(name) if fetch::is_safelisted_response_header(&name) => {}
            Ok(name) => listed.push(name),
            Err(error) => mistakes.push(format!("{PATH}[{index}]"), error),
        }
    }
    if builder.expose_any_header {
        if builder.credentials {
            mistakes.push(
                "cors.expose_any_header",
                CorsConfigError::RefusedExposeAnyWithCredentials,
            );
        }
        if !given.is_empty() {
            mistakes.push(PATH, CorsConfigError::ConflictingExposeHeaders);
        }
    }
    sort(&mut listed);
    listed
}

fn exposed(builder: &CorsBuilder, given: &[HeaderName]) -> Option<HeaderValue> {
    if builder.expose_any_header {
        return Some(HeaderValue::from_static("*"));
    }
    let grpc_web = GRPC_WEB_EXPOSED.iter().filter(|_| builder.grpc_web);
    let mut names: Vec<HeaderName> = given.iter().chain(grpc_web).cloned().collect();
    sort(&mut names);
    joined(names.iter().map(HeaderName::as_str), ",")
}

fn checked_exposed_header(given: &str) -> Result<HeaderName, CorsConfigError> {
    let name = given.to_owned();
    let Ok(header) = HeaderName::try_from(given) else {
        return Err(CorsConfigError::InvalidExposeHeader { name });
    };
    if fetch::is_forbidden_response_header(&header) {
        return Err(CorsConfigError::ForbiddenExposeHeader { name });
    }
    if fetch::is_never_exposed(&header) {
        return Err(CorsConfigError::RefusedExposeHeader { name });
    }
    if given == "*" {
        return Err(CorsConfigError::RefusedWildcardExposeHeader);
    }
    Ok(header)
}

fn max_age_value(max_age: MaxAge, mistakes: &mut Mistakes) -> Option<HeaderValue> {
    let seconds = max_age.to_secs();
    match max_age {
        MaxAge::BrowserDefault => None,
        MaxAge::Disabled => Some(HeaderValue::from_static("0")),
        MaxAge::Secs(0) => {
            mistakes.push(
                "cors.max_age_secs",
                CorsConfigError::InvalidMaxAge { seconds },
            );
            None
        }
        MaxAge::Secs(1..=MAX_AGE) => prebuilt(&seconds.to_string()),
        MaxAge::Secs(_) => {
            mistakes.push(
                "cors.max_age_secs",
                CorsConfigError::RefusedMaxAge { seconds },
            );
            None
        }
    }
}

fn success_status(builder: &CorsBuilder, mistakes: &mut Mistakes) -> StatusCode {
    let status = builder.preflight_success_status;
    let success = StatusCode::from_u16(status)
        .ok()
        .filter(StatusCode::is_success);
    success.unwrap_or_else(|| {
        mistakes.push(
            "cors.preflight_success_status",
            CorsConfigError::InvalidPreflightStatus { status },
        );
        StatusCode::NO_CONTENT
    })
}

fn self_origin(builder: &CorsBuilder, mistakes: &mut Mistakes) -> SelfOrigin {
    let allow_insecure = builder.allow_insecure;
    if builder.self_origins.is_empty() {
        return SelfOrigin::host(allow_insecure);
    }
    let listed = SelfOrigin::listed("cors.self_origins", &builder.self_origins, allow_insecure);
    mistakes.take(listed).unwrap_or_default()
}

fn vary(builder: &CorsBuilder, mistakes: &mut Mistakes) -> Vary {
    const PATH: &str = "cors.vary";
    too_many(
        &builder.vary,
        PATH,
        "names for Vary",
        "the most telling",
        mistakes,
    );
    let mut names = Vec::new();
    for (index, given) in builder.vary.iter().take(MAX_NAMES).enumerate() {
        match HeaderName::try_from(given) {
            Ok(_) if given == "*" => {
                mistakes.push(format!("{PATH}[{index}]"), CorsConfigError::RefusedVaryStar);
            }
            Ok(name) => names.push(name),
            Err(_) => mistakes.push(
                format!("{PATH}[{index}]"),
                CorsConfigError::InvalidVaryName {
                    name: given.clone(),
                },
            ),
        }
    }
    sort(&mut names);
    // Also for a list of one origin: an answer cached without the CORS headers would be served to that origin.
    let by_origin = !builder.any_origin || names.contains(&ORIGIN);
    let names: Vec<&str> = by_origin
        .then_some(VARY_ORIGIN)
        .into_iter()
        .chain(
            names
                .iter()
                .filter(|name| *name != ORIGIN)
                .map(HeaderName::as_str),
        )
        .collect();
    let mut asked = vec![
        "Access-Control-Request-Method",
        "Access-Control-Request-Headers",
    ];
    if builder.private_network {
        asked.push("Access-Control-Request-Private-Network");
    }
    let on_preflight = if names.contains(&VARY_ORIGIN) {
        joined(names.iter().chain(&asked).copied(), ", ")
    } else {
        // Without an `Origin` line it is no preflight.
        joined(
            [VARY_ORIGIN].iter().chain(&names).chain(&asked).copied(),
            ", ",
        )
    };
    Vary {
        line: match names.as_slice() {
            // A static value is cheaper to clone.
            [VARY_ORIGIN] => Some(HeaderValue::from_static(VARY_ORIGIN)),
            names => joined(names.iter().copied(), ", "),
        },
        names: names.iter().filter_map(|name| prebuilt(name)).collect(),
        on_preflight: on_preflight.filter(|_| builder.vary_on_preflight),
    }
}

fn sort(names: &mut Vec<HeaderName>) {
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
}

fn too_many(
    list: &[String],
    path: &str,
    entries: &'static str,
    instead: &'static str,
    mistakes: &mut Mistakes,
) {
    if list.len() > MAX_NAMES {
        mistakes.push(
            path,
            CorsConfigError::RefusedTooManyNames {
                limit: MAX_NAMES,
                entries,
                instead,
            },
        );
    }
}

/// A value whose clones only count references: the first clone of a buffer allocates its counter.
fn prebuilt(text: &str) -> Option<HeaderValue> {
    let value = HeaderValue::try_from(text).ok()?;
    drop(value.clone());
    Some(value)
}

/// `None` for an empty list: there is nothing to say then.
fn joined<'a>(names: impl Iterator<Item = &'a str>, separator: &str) -> Option<HeaderValue> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| prebuilt(&names.join(separator)))?
}
