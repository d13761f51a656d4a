//! What a CORS configuration is refused for, and what it becomes.

use http::{Method, header};
use proptest::prelude::*;
use tower_security::core::origin::{OriginError, OriginGrant, PublicSuffixes, TrustedOrigins};
use tower_security::core::{ConfigErrors, ErrorClass};
use tower_security::cors::{
    CorsBuilder, CorsConfig, CorsConfigError, CorsLayer, CorsOrigins, CorsPolicy, MaxAge, Refuse,
};

use crate::cors::APP;

fn one() -> CorsBuilder {
    CorsLayer::builder().origins([APP])
}

fn public() -> CorsBuilder {
    CorsLayer::builder().any_origin()
}

/// Path and code of each mistake.
fn mistakes(errors: &ConfigErrors) -> Vec<(String, &'static str)> {
    errors
        .iter()
        .map(|error| (error.path().to_owned(), error.code()))
        .collect()
}

#[track_caller]
fn assert_refused(builder: CorsBuilder, path: &str, code: &'static str, says: &str) {
    let errors = builder.build().expect_err(code);
    assert_eq!(mistakes(&errors), [(path.to_owned(), code)]);
    let error = errors.iter().next().expect("never empty");
    assert!(error.message().contains(says), "{}", error.message());
    let word = code.split('_').next().expect("never empty");
    let class = match word {
        "refused" => ErrorClass::Refused,
        "forbidden" => ErrorClass::Forbidden,
        // `missing_` and `conflicting_` are invalid too.
        _ => ErrorClass::Invalid,
    };
    assert_eq!(error.class(), class, "{code}");
    assert!(
        error.message().starts_with(class.as_str()),
        "{}",
        error.message()
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn each_origin_row_alone() {
    let host_254 = format!("https://{}", ["a"; 127].join(".") + "a");
    let label_64 = format!("https://{}.example", "a".repeat(64));
    let below_252 = format!("https://*.{}a", ["a"; 126].join("."));
    let long = format!("https://{}", "a".repeat(319));
    for (origin, code, says) in [
        (&*long, "invalid_origin_length", "326"),
        ("null", "refused_null_origin", "any_origin()"),
        ("*", "refused_wildcard_in_list", "any_origin()"),
        (
            "https://b\u{fc}cher.example",
            "invalid_origin_non_ascii",
            "https://xn--bcher-kva.example",
        ),
        (
            "https://a.example, https://b.example",
            "invalid_origin_list",
            "https://a.example",
        ),
        (
            " https://a.example",
            "invalid_origin_list",
            "https://a.example",
        ),
        ("a.example", "invalid_origin_scheme", "https://a.example"),
        ("", "invalid_origin_scheme", "https://"),
        ("1a://a.example", "invalid_origin_scheme", "https://"),
        (
            "HTTPS://App.example",
            "invalid_origin_uppercase",
            "https://app.example",
        ),
        ("file:///etc", "refused_opaque_scheme", "https"),
        (
            "https://me:secret@a.example",
            "invalid_origin_userinfo",
            "https://a.example",
        ),
        (
            "https://a.example/",
            "invalid_origin_path",
            "https://a.example",
        ),
        (
            "https://a.example\\b",
            "invalid_origin_path",
            "https://a.example",
        ),
        (
            "https://a.example?",
            "invalid_origin_query",
            "https://a.example",
        ),
        (
            "https://a.example#b",
            "invalid_origin_fragment",
            "https://a.example",
        ),
        ("https://", "invalid_origin_host_empty", "host"),
        ("https://:8080", "invalid_origin_host_empty", "host"),
        (&host_254, "invalid_origin_host_length", "253"),
        (&label_64, "invalid_origin_host_length", "63"),
        ("https://a%2eexample", "invalid_origin_host_byte", "a-z"),
        ("https://a..example", "invalid_origin_label_empty", "dot"),
        (
            "https://-a.example",
            "refused_origin_label_hyphen",
            "hyphen",
        ),
        (
            "https://xn--9999999999.example",
            "refused_origin_punycode",
            "Punycode",
        ),
        ("https://127.1", "invalid_origin_ipv4", "four decimals"),
        ("https://[::1", "invalid_origin_ipv6", "[::1]"),
        (
            "https://[2001:0db8::1]",
            "refused_origin_ipv6_form",
            "https://[2001:db8::1]",
        ),
        ("https://a.example:0", "invalid_origin_port", "65535"),
        (
            "https://a.example:443",
            "refused_default_port",
            "https://a.example",
        ),
        (
            "https://*a.example",
            "invalid_pattern_wildcard",
            "https://*.example.com",
        ),
        (
            "https://*.127.0.0.1",
            "refused_pattern_on_ip",
            "https://127.0.0.1",
        ),
    ] {
        assert_refused(
            CorsLayer::builder().origins([APP, origin]),
            "cors.origins[1]",
            code,
            says,
        );
    }
    // Beside each other: what a host or pattern may be long.
    let host_253 = format!("https://{}", ["a"; 127].join("."));
    let below_251 = format!("https://*.{}", ["a"; 126].join("."));
    for origin in [
        &*host_253,
        &below_251,
        "https://a_b.example.",
        "https://1.2.3.4:8443",
    ] {
        CorsLayer::builder()
            .origins([origin])
            .build()
            .expect(origin);
    }
    let code = "invalid_origin_host_length";
    assert_refused(
        CorsLayer::builder().origins([below_252]),
        "cors.origins[0]",
        code,
        "251",
    );
}

#[test]
fn a_secret_in_an_origin_is_not_shown() {
    let errors = CorsLayer::builder()
        .origins(["https://me:secret@a.example"])
        .build()
        .unwrap_err();
    assert!(!errors.to_string().contains("secret") && !format!("{errors:?}").contains("secret"));
}

#[test]
fn origins_with_credentials_have_further_rows() {
    let suffix = "refused_public_suffix";
    let insecure = "refused_insecure_origin";
    for (origin, code) in [
        ("http://app.example.com", insecure),
        ("tauri://localhost.example", insecure),
        ("https://*.com", suffix),
        ("https://*.co.uk", suffix),
        ("https://*.github.io", suffix),
    ] {
        let builder = || CorsLayer::builder().origins([origin]);
        let credentialed = || builder().credentials(true);
        assert_refused(credentialed(), "cors.origins[0]", code, "dangerous_allow_");
        builder()
            .build()
            .expect("without credentials it is no worse than `*`");
        let insecure_allowed = credentialed().dangerous_allow_insecure_origins(true);
        let suffixes_allowed = credentialed().dangerous_allow_public_suffix_subdomains(true);
        assert_eq!(
            insecure_allowed.build().is_ok(),
            code == insecure,
            "{origin}"
        );
        assert_eq!(suffixes_allowed.build().is_ok(), code == suffix, "{origin}");
        // A set that was compiled without credentials is checked again.
        let set = TrustedOrigins::builder()
            .origins([origin])
            .credentials(false)
            .build()
            .unwrap();
        let handed = CorsLayer::builder().trusted_origins(&set).credentials(true);
        assert_refused(handed, "cors.trusted_origins[0]", code, "dangerous_allow_");
        CorsLayer::builder().trusted_origins(&set).build().unwrap();
    }
    for origin in [
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://[::1]:1",
        "https://*.example.com",
    ] {
        let builder = CorsLayer::builder().origins([origin]).credentials(true);
        builder.build().expect(origin);
    }
    let suffixes = PublicSuffixes::parse("example.com\n").unwrap();
    let builder = CorsLayer::builder()
        .origins(["https://*.example.com"])
        .credentials(true)
        .public_suffixes(suffixes);
    assert_refused(builder, "cors.origins[0]", suffix, "example.com");
    let error = PublicSuffixes::parse("// nothing\n").unwrap_err();
    assert!(matches!(
        error,
        OriginError::InvalidPublicSuffixList { line: 0, .. }
    ));
}

#[test]
fn who_is_allowed_is_said_once() {
    let any = || public();
    let path = "cors.origins";
    assert_refused(
        CorsLayer::builder(),
        path,
        "missing_origins",
        "any_origin()",
    );
    let set = TrustedOrigins::builder().origins([APP]).build().unwrap();
    let conflict = "conflicting_origins";
    assert_refused(any().origins([APP]), path, conflict, "not both");
    assert_refused(any().trusted_origins(&set), path, conflict, "not both");
    assert_refused(
        any().dangerous_allow_origin_if(|_, _| true),
        path,
        conflict,
        "not both",
    );
    let code = "refused_any_origin_with_credentials";
    assert_refused(
        any().credentials(true),
        "cors.credentials",
        code,
        "list the origins",
    );
    let code = "refused_private_network_any_origin";
    let path = "cors.dangerous_allow_private_network";
    assert_refused(
        any().dangerous_allow_private_network(true),
        path,
        code,
        "list the origins",
    );
    for builder in [
        any(),
        one(),
        CorsLayer::builder().trusted_origins(&set),
        CorsLayer::builder().dangerous_allow_origin_if(|_, _| true),
        one()
            .credentials(true)
            .dangerous_allow_private_network(true),
    ] {
        builder.build().unwrap();
    }
}

#[test]
fn too_many_origins_are_refused() {
    let origins = |count: usize| (0..count).map(|n| format!("https://a{n}.example"));
    let patterns = |count: usize| (0..count).map(|n| format!("https://*.a{n}.example"));
    let code = "refused_too_many_origins";
    CorsLayer::builder()
        .origins(origins(65_536))
        .build()
        .unwrap();
    assert_refused(
        CorsLayer::builder().origins(origins(65_537)),
        "cors.origins",
        code,
        "65536",
    );
    CorsLayer::builder()
        .origins(patterns(1_024))
        .build()
        .unwrap();
    assert_refused(
        CorsLayer::builder().origins(patterns(1_025)),
        "cors.origins",
        code,
        "1024",
    );
}

#[test]
fn each_method_row_alone() {
    for (method, code, says) in [
        ("P T", "invalid_method", "PUT"),
        ("", "invalid_method", "PUT"),
        ("P\u{dc}T", "invalid_method", "PUT"),
        ("CONNECT", "forbidden_method", "drop it"),
        ("trace", "forbidden_method", "drop it"),
        ("Track", "forbidden_method", "drop it"),
        ("patch", "refused_method_case", "PATCH"),
        ("Patch", "refused_method_case", "PATCH"),
        ("*", "refused_wildcard_method", "any_method()"),
    ] {
        assert_refused(
            one().methods(["PUT", method]),
            "cors.methods[1]",
            code,
            says,
        );
    }
    let both = one().any_method().methods(["PUT"]);
    assert_refused(both, "cors.methods", "conflicting_methods", "not both");
    let methods = one()
        .methods([
            "put", "PUT", "get", "Post", "HEAD", "delete", "options", "PATCH", "purge",
        ])
        .build_policy()
        .unwrap()
        .to_config()
        .methods;
    assert_eq!(methods, ["DELETE", "OPTIONS", "PATCH", "PUT", "purge"]);
    one().methods([Method::PUT, Method::PATCH]).build().unwrap();
}

/// "Forbidden request-header" of the Fetch standard.
const FORBIDDEN: [&str; 21] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

#[test]
fn each_request_header_row_alone() {
    let forbidden = FORBIDDEN
        .iter()
        .chain(&["Cookie", "proxy-authorization", "Sec-Fetch-Site", "sec-x"])
        .map(|name| (*name, "forbidden_request_header", "drop it"));
    let rows = [
        ("x a", "invalid_request_header", "x-tenant"),
        ("", "invalid_request_header", "x-tenant"),
        ("x-\u{e9}", "invalid_request_header", "x-tenant"),
        (
            "access-control-allow-origin",
            "refused_request_header",
            "drop it",
        ),
        (
            "access-control-allow-credentials",
            "refused_request_header",
            "drop it",
        ),
        (
            "access-control-allow-methods",
            "refused_request_header",
            "drop it",
        ),
        (
            "access-control-allow-headers",
            "refused_request_header",
            "drop it",
        ),
        (
            "Access-Control-Max-Age",
            "refused_request_header",
            "drop it",
        ),
        (
            "access-control-expose-headers",
            "refused_request_header",
            "drop it",
        ),
        (
            "*",
            "refused_wildcard_request_header",
            "any_request_header()",
        ),
    ];
    for (name, code, says) in forbidden.chain(rows) {
        let builder = one().request_headers(["x-a", name]);
        assert_refused(builder, "cors.request_headers[1]", code, says);
    }
    let any = || one().any_request_header();
    let code = "conflicting_request_headers";
    assert_refused(
        any().request_headers(["x-a"]),
        "cors.request_headers",
        code,
        "authorization",
    );
    any()
        .request_headers([header::AUTHORIZATION])
        .build()
        .unwrap();
    let names = one()
        .request_headers(["X-Tenant", "secure-x", "proxy", "x-tenant", "sec"])
        .build_policy()
        .unwrap()
        .to_config()
        .request_headers;
    assert_eq!(names, ["proxy", "sec", "secure-x", "x-tenant"]);
}

#[test]
fn each_exposed_header_row_alone() {
    let path = "cors.expose_headers[1]";
    for (name, code, says) in [
        ("x a", "invalid_expose_header", "etag"),
        ("", "invalid_expose_header", "etag"),
        ("Set-Cookie", "forbidden_expose_header", "drop it"),
        ("set-cookie2", "forbidden_expose_header", "drop it"),
        ("Origin", "refused_expose_header", "drop it"),
        (
            "access-control-request-method",
            "refused_expose_header",
            "drop it",
        ),
        (
            "access-control-request-headers",
            "refused_expose_header",
            "drop it",
        ),
        (
            "access-control-allow-methods",
            "refused_expose_header",
            "drop it",
        ),
        (
            "access-control-allow-headers",
            "refused_expose_header",
            "drop it",
        ),
        ("access-control-max-age", "refused_expose_header", "drop it"),
        ("*", "refused_wildcard_expose_header", "expose_any_header()"),
    ] {
        assert_refused(one().expose_headers(["etag", name]), path, code, says);
    }
    let any = || one().expose_any_header();
    let code = "refused_expose_any_with_credentials";
    assert_refused(
        any().credentials(true),
        "cors.expose_any_header",
        code,
        "list the names",
    );
    let code = "conflicting_expose_headers";
    assert_refused(
        any().expose_headers(["etag"]),
        "cors.expose_headers",
        code,
        "not both",
    );
    let names = one()
        .expose_headers([
            "ETag",
            "etag",
            "Content-Type",
            "expires",
            "x-a",
            "access-control-allow-origin",
        ])
        .build_policy()
        .unwrap()
        .to_config()
        .expose_headers;
    assert_eq!(names, ["access-control-allow-origin", "etag", "x-a"]);
}

#[test]
fn each_other_row_alone() {
    let age = |seconds| one().max_age(MaxAge::Secs(seconds));
    assert_refused(
        age(86_401),
        "cors.max_age_secs",
        "refused_max_age",
        "Chromium 7200",
    );
    assert_refused(age(0), "cors.max_age_secs", "invalid_max_age", "Disabled");
    age(86_400).build().unwrap();
    age(1).build().unwrap();
    for status in [0, 199, 300, 403, 1_000] {
        let builder = one().preflight_success_status(status);
        let path = "cors.preflight_success_status";
        assert_refused(builder, path, "invalid_preflight_status", "204");
    }
    for status in [200, 299] {
        one().preflight_success_status(status).build().unwrap();
    }
    assert_refused(
        one().vary(["x-a", "x a"]),
        "cors.vary[1]",
        "invalid_vary_name",
        "x-tenant",
    );
    assert_refused(
        one().vary(["*"]),
        "cors.vary[0]",
        "refused_vary_star",
        "name",
    );
    let own = |origin| one().self_origins([APP, origin]);
    let path = "cors.self_origins[1]";
    assert_refused(
        own("https://*.a.example"),
        path,
        "refused_self_origin_pattern",
        "exact",
    );
    assert_refused(
        own("http://a.example"),
        path,
        "refused_insecure_origin",
        "https",
    );
    assert_refused(
        own("tauri://a"),
        path,
        "refused_self_origin_scheme",
        "https",
    );
    assert_refused(
        own("https://a.example/"),
        path,
        "invalid_origin_path",
        "https://a.example",
    );
    own("http://localhost:80801".trim_end_matches('1'))
        .build()
        .unwrap();
}

#[test]
fn long_lists_are_refused() {
    let names = |count: usize| (0..count).map(|n| format!("x-{n}"));
    let code = "refused_too_many_names";
    for (path, builder, says) in [
        ("cors.methods", one().methods(names(1_025)), "any_method()"),
        (
            "cors.request_headers",
            one().request_headers(names(1_025)),
            "any_request_header()",
        ),
        (
            "cors.expose_headers",
            one().expose_headers(names(1_025)),
            "expose_any_header()",
        ),
        ("cors.vary", one().vary(names(1_025)), "1024"),
    ] {
        assert_refused(builder, path, code, says);
    }
    let longest = one()
        .methods(names(1_024))
        .request_headers(names(1_024))
        .expose_headers(names(1_024))
        .vary(names(1_024));
    longest.build().unwrap();
    // An endless iterator ends.
    assert!(one().methods(std::iter::repeat("PUT")).build().is_err());
}

#[test]
fn all_mistakes_are_reported_together_and_in_order() {
    let builder = || {
        CorsLayer::builder()
            .any_origin()
            .origins(["null", APP, "https://a.example/"])
            .credentials(true)
            .methods(["TRACE", "PUT", "patch"])
            .any_method()
            .request_headers(["cookie", "x-a"])
            .any_request_header()
            .expose_headers(["set-cookie", "*"])
            .expose_any_header()
            .max_age(MaxAge::Secs(90_000))
            .preflight_success_status(302)
            .self_origins(["https://*.a.example"])
            .vary(["*"])
            .dangerous_allow_private_network(true)
    };
    let expected = [
        ("cors.origins", "conflicting_origins"),
        ("cors.origins[0]", "refused_null_origin"),
        ("cors.origins[2]", "invalid_origin_path"),
        ("cors.credentials", "refused_any_origin_with_credentials"),
        ("cors.methods[0]", "forbidden_method"),
        ("cors.methods[2]", "refused_method_case"),
        ("cors.methods", "conflicting_methods"),
        ("cors.request_headers[0]", "forbidden_request_header"),
        ("cors.request_headers", "conflicting_request_headers"),
        ("cors.expose_headers[0]", "forbidden_expose_header"),
        ("cors.expose_headers[1]", "refused_wildcard_expose_header"),
        (
            "cors.expose_any_header",
            "refused_expose_any_with_credentials",
        ),
        ("cors.expose_headers", "conflicting_expose_headers"),
        ("cors.max_age_secs", "refused_max_age"),
        ("cors.preflight_success_status", "invalid_preflight_status"),
        ("cors.self_origins[0]", "refused_self_origin_pattern"),
        ("cors.vary[0]", "refused_vary_star"),
        (
            "cors.dangerous_allow_private_network",
            "refused_private_network_any_origin",
        ),
    ]
    .map(|(path, code)| (path.to_owned(), code));
    for _ in 0..3 {
        assert_eq!(mistakes(&builder().build().unwrap_err()), expected);
    }
}

#[test]
fn mistakes_give_their_kind_back() {
    let errors = CorsLayer::builder()
        .origins(["null"])
        .methods(["patch"])
        .build()
        .unwrap_err();
    let kinds: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error.downcast::<OriginError>().cloned(),
                error.downcast::<CorsConfigError>().cloned(),
            )
        })
        .collect();
    let method = "patch".to_owned();
    assert_eq!(
        kinds,
        [
            (Some(OriginError::RefusedNullOrigin), None),
            (None, Some(CorsConfigError::RefusedMethodCase { method })),
        ]
    );
}

fn full() -> CorsConfig {
    let mut config = CorsConfig::default();
    config.origins = CorsOrigins::List(vec![APP.into(), "https://*.example.org".into()]);
    config.credentials = true;
    config.methods = vec!["PATCH".into(), "PUT".into()];
    config.request_headers = vec!["authorization".into(), "x-a".into()];
    config.expose_headers = vec!["etag".into()];
    config.max_age_secs = -1;
    config.preflight_success_status = 200;
    config.refuse = Refuse::PreflightAndActual;
    config.self_origins = vec!["https://api.example.com".into()];
    config.vary_on_preflight = true;
    config.vary = vec!["x-tenant".into()];
    config.explain_failures = true;
    config.dangerous_allow_insecure_origins = true;
    config.dangerous_allow_public_suffix_subdomains = true;
    config.dangerous_allow_private_network = true;
    config.dangerous_keep_inner_cors = true;
    config
}

fn open() -> CorsConfig {
    let mut config = CorsConfig::default();
    config.origins = CorsOrigins::Any;
    config.any_method = true;
    config.request_headers = vec!["authorization".into()];
    config.any_request_header = true;
    config.expose_any_header = true;
    config.max_age_secs = 600;
    config
}

#[test]
fn a_policy_gives_its_configuration_back() {
    for config in [full(), open()] {
        let policy = config.build().unwrap();
        assert_eq!(policy.to_config(), config);
        assert_eq!(policy.to_config().build().unwrap().to_config(), config);
    }
    let mut grpc = CorsConfig::default();
    grpc.origins = CorsOrigins::List(vec![APP.into()]);
    grpc.grpc_web = true;
    assert_eq!(grpc.build().unwrap().to_config(), grpc);
    grpc.request_headers = vec!["X-Grpc-Web".into(), "x-a".into(), "x-a".into()];
    grpc.self_origins = vec!["https://b.example".into(), APP.into(), APP.into()];
    let canonical = grpc.build().unwrap().to_config();
    assert_eq!(canonical.request_headers, ["x-a", "x-grpc-web"]);
    assert_eq!(canonical.self_origins, [APP, "https://b.example"]);
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let some = prop::sample::subsequence(
        vec![
            "x-b",
            "content-type",
            "grpc-status",
            "X-Grpc-Web",
            "x-a",
            "etag",
        ],
        0..=6,
    );
    let longest = (0..1_024).map(|n| format!("x-{n}")).collect::<Vec<_>>();
    prop_oneof![
        9 => some.prop_map(|names| names.into_iter().map(str::to_owned).collect()),
        1 => Just(longest),
    ]
}

fn configurations() -> impl Strategy<Value = CorsConfig> {
    let origins = prop::sample::subsequence(
        vec!["https://*.example.org", APP, "http://localhost:*"],
        1..=3,
    );
    let self_origins = prop::sample::subsequence(vec![APP, "https://b.example"], 0..=2);
    (
        (prop::option::of(origins), self_origins),
        (names(), names(), names()),
        prop::collection::vec(
            prop::sample::select(vec!["PUT", "get", "delete", "ODD"]),
            0..4,
        ),
        any::<[bool; 13]>(),
        -1..=86_400_i64,
        200..=299_u16,
    )
        .prop_map(
            |((origins, self_origins), lists, methods, switches, max_age, status)| {
                let [
                    credentials,
                    method,
                    name,
                    expose,
                    actual,
                    vary,
                    grpc,
                    explain,
                    by_origin,
                    rest @ ..,
                ] = switches;
                let mut config = CorsConfig::default();
                let is_listed = origins.is_some();
                config.origins = origins.map_or(CorsOrigins::Any, |list| {
                    CorsOrigins::List(list.into_iter().map(str::to_owned).collect())
                });
                config.credentials = credentials && is_listed;
                config.any_method = method;
                config.any_request_header = name;
                config.expose_any_header = expose && !config.credentials;
                if !config.any_method {
                    config.methods = methods.into_iter().map(str::to_owned).collect();
                }
                (config.request_headers, config.expose_headers, config.vary) = lists;
                config.vary.truncate(if by_origin { 1_023 } else { 1_024 });
                config.vary.extend(by_origin.then(|| "origin".to_owned()));
                if config.any_request_header {
                    config.request_headers = vec!["Authorization".to_owned()];
                }
                if config.expose_any_header {
                    config.expose_headers.clear();
                }
                if actual {
                    config.refuse = Refuse::PreflightAndActual;
                }
                config.self_origins = self_origins.into_iter().map(str::to_owned).collect();
                config.vary_on_preflight = vary;
                config.grpc_web = grpc;
                config.explain_failures = explain;
                config.max_age_secs = max_age;
                config.preflight_success_status = status;
                config.dangerous_allow_insecure_origins = rest[0];
                config.dangerous_allow_public_suffix_subdomains = rest[1];
                config.dangerous_allow_private_network = rest[2] && is_listed;
                config.dangerous_keep_inner_cors = rest[3];
                config
            },
        )
}

proptest! {
    /// Data that a policy gives is data that a policy takes.
    #[test]
    fn each_policy_is_built_again_from_its_data(config in configurations()) {
        let policy = config.build().unwrap();
        let given = policy.to_config();
        let again = given.build().unwrap();
        prop_assert_eq!(&again.to_config(), &given);
        let (_layer, handle) = CorsLayer::reloadable(policy.clone());
        handle.try_reload(&given).unwrap();
        // Everything that is decided by, too, word by word: the sets have an order of their own.
        let shown = |policy: &CorsPolicy| {
            let text = format!("{policy:?}");
            let mut words: Vec<_> = text.split([' ', ',', '(', ')', '{', '}']).map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        prop_assert!(shown(&again) == shown(&policy));
    }
}

#[test]
fn sets_of_origins_are_joined() {
    let set = TrustedOrigins::builder()
        .origins(["https://b.example", APP])
        .build()
        .unwrap();
    let policy = CorsLayer::builder()
        .origins([APP, "https://*.c.example"])
        .trusted_origins(&set)
        .build_policy()
        .unwrap();
    assert_eq!(policy.trusted_origins().len(), 3);
    for origin in [APP, "https://b.example", "https://x.c.example"] {
        assert!(
            policy
                .trusted_origins()
                .matches(origin.as_bytes())
                .is_some()
        );
    }
    assert!(
        public()
            .build_policy()
            .unwrap()
            .trusted_origins()
            .is_empty()
    );
}

#[test]
fn grants_trust_nobody_without_credentials() {
    let grant = |builder: CorsBuilder| builder.build_policy().unwrap().origin_grant();
    assert!(matches!(grant(public()), OriginGrant::AnyOrigin));
    assert!(matches!(grant(one()), OriginGrant::Uncredentialed));
    let predicate = CorsLayer::builder().dangerous_allow_origin_if(|_, _| true);
    assert!(matches!(
        grant(predicate.clone()),
        OriginGrant::Uncredentialed
    ));
    assert!(matches!(
        grant(predicate.credentials(true)),
        OriginGrant::PredicateOnly
    ));
    let listed = one()
        .credentials(true)
        .dangerous_allow_origin_if(|_, _| true);
    match grant(listed) {
        OriginGrant::Credentialed(set) => assert_eq!(set.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_of_a_file_are_checked() {
    for (seconds, code) in [
        (-2, "invalid_max_age"),
        (i64::MIN, "invalid_max_age"),
        (i64::MAX, "refused_max_age"),
        (86_401, "refused_max_age"),
    ] {
        let mut config = open();
        config.max_age_secs = seconds;
        let errors = config.build().unwrap_err();
        assert_eq!(mistakes(&errors), [("cors.max_age_secs".to_owned(), code)]);
        assert!(errors.to_string().contains(&seconds.to_string()));
    }
}

#[cfg(feature = "serde")]
mod files {
    use super::*;

    #[test]
    fn a_file_is_read_and_written() {
        let text = r#"
            origins = ["https://app.example.com", "https://*.example.org"]
            credentials = true
            methods = ["PUT"]
            max_age_secs = 600
            refuse = "preflight_and_actual"
        "#;
        let config: CorsConfig = toml::from_str(text).unwrap();
        assert_eq!(config.max_age_secs, 600);
        assert_eq!(config.refuse, Refuse::PreflightAndActual);
        assert_eq!(config.preflight_success_status, 204);
        config.build().unwrap();
        for config in [full(), open()] {
            let text = toml::to_string(&config).unwrap();
            assert_eq!(toml::from_str::<CorsConfig>(&text).unwrap(), config);
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<CorsConfig>(&text).unwrap(), config);
        }
    }

    #[test]
    fn a_file_names_what_it_cannot_read() {
        let read = |text: &str| toml::from_str::<CorsConfig>(text);
        assert_eq!(read("origins = '*'").unwrap().origins, CorsOrigins::Any);
        for (text, says) in [
            ("origins = 'https://a.example'", "write \"*\" or a list"),
            ("origins = '*'\nallow_methods = ['PUT']", "allow_methods"),
            ("origins = '*'\nrefuse = 'all'", "preflight_and_actual"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let errors = read("").unwrap().build().unwrap_err();
        assert_eq!(
            mistakes(&errors),
            [("cors.origins".to_owned(), "missing_origins")]
        );
    }
}
