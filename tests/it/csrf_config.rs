//! What does not build, and the configuration as data.

use std::convert::Infallible;
use std::iter::repeat;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::core::origin::{OriginError, OriginGrant, PublicSuffixes, TrustedOrigins};
use tower_security::core::{ConfigErrors, ErrorClass, Mode, TemplateError};
use tower_security::cors::CorsLayer;
use tower_security::csrf::{
    CsrfBuilder, CsrfConfig, CsrfConfigError, CsrfLayer, ExemptMethod, Isolation, Missing, Pass,
};
use tower_security::stack::SecurityStack;

use crate::support::service::{Spy, go};

fn codes(errors: &ConfigErrors) -> Vec<(&str, &str)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect()
}

/// The path and code of the only mistake.
#[track_caller]
fn the_mistake(builder: CsrfBuilder) -> (String, &'static str) {
    let errors = builder.build().expect_err("it must not build");
    assert_eq!(errors.len(), 1, "{errors}");
    let error = errors.into_iter().next().expect("there is one");
    let class = match error.code().split('_').next() {
        Some("refused") => ErrorClass::Refused,
        _ => ErrorClass::Invalid,
    };
    assert_eq!(error.class(), class, "{error}");
    assert!(!error.message().ends_with('.'), "{error}");
    assert!(error.message().starts_with(char::is_lowercase), "{error}");
    (error.path().to_owned(), error.code())
}

#[test]
fn origins_that_cannot_be_trusted_do_not_build() {
    let too_long = format!("https://{}.example.com", "a".repeat(320));
    let long_label = format!("https://{}.example.com", "a".repeat(64));
    let rows = [
        ("*", "refused_any_origin"),
        ("null", "refused_null_origin"),
        (too_long.as_str(), "invalid_origin_length"),
        ("https://\u{fc}mlaut.example", "invalid_origin_non_ascii"),
        (
            "https://a.example, https://b.example",
            "invalid_origin_list",
        ),
        ("app.example.com", "invalid_origin_scheme"),
        ("HTTPS://app.example.com", "invalid_origin_uppercase"),
        ("https://App.example.com", "invalid_origin_uppercase"),
        ("file:///etc", "refused_opaque_scheme"),
        ("https://user@app.example.com", "invalid_origin_userinfo"),
        ("https://app.example.com/", "invalid_origin_path"),
        ("https://app.example.com?", "invalid_origin_query"),
        ("https://app.example.com#", "invalid_origin_fragment"),
        ("https://", "invalid_origin_host_empty"),
        (long_label.as_str(), "invalid_origin_host_length"),
        ("https://app!.example.com", "invalid_origin_host_byte"),
        ("https://app..example.com", "invalid_origin_label_empty"),
        ("https://-app.example.com", "refused_origin_label_hyphen"),
        (
            "https://xn--999999999.example.com",
            "refused_origin_punycode",
        ),
        ("https://127.1", "invalid_origin_ipv4"),
        ("https://[::1", "invalid_origin_ipv6"),
        ("https://[0::1]", "refused_origin_ipv6_form"),
        ("https://app.example.com:", "invalid_origin_port"),
        ("https://app.example.com:0", "invalid_origin_port"),
        ("https://app.example.com:99999", "invalid_origin_port"),
        ("https://app.example.com:443", "refused_default_port"),
        ("https://*app.example.com", "invalid_pattern_wildcard"),
        ("https://*.192.0.2.1", "refused_pattern_on_ip"),
        ("http://app.example.com", "refused_insecure_origin"),
        ("tauri://app", "refused_insecure_origin"),
        ("https://*.co.uk", "refused_public_suffix"),
        ("https://*.github.io", "refused_public_suffix"),
    ];
    for (origin, code) in rows {
        let trusted = CsrfLayer::builder().trusted_origins(["https://a.example", origin]);
        assert_eq!(
            the_mistake(trusted),
            ("csrf.trusted_origins[1]".to_owned(), code),
            "{origin}"
        );
    }
    for fine in [
        "https://app.example.com",
        "https://app.example.com:8443",
        "https://*.example.com",
        "https://me.github.io",
        "https://192.0.2.1",
        "https://[::1]:8443",
        "http://localhost:*",
        "http://app.localhost",
        "http://127.0.0.1:3000",
        "tauri://localhost",
    ] {
        assert!(
            CsrfLayer::builder().trusted_origins([fine]).build().is_ok(),
            "{fine}"
        );
    }
}

#[test]
fn own_origins_are_exact_and_of_https() {
    for (origin, code) in [
        ("https://*.example.com", "refused_self_origin_pattern"),
        ("https://app.example.com:*", "refused_self_origin_pattern"),
        ("*", "refused_self_origin_pattern"),
        ("http://app.example.com", "refused_insecure_origin"),
        ("tauri://localhost", "refused_self_origin_scheme"),
        ("null", "refused_null_origin"),
        ("https://app.example.com/", "invalid_origin_path"),
        ("https://app.example.com:443", "refused_default_port"),
    ] {
        let own = CsrfLayer::builder().self_origins([origin]);
        assert_eq!(
            the_mistake(own),
            ("csrf.self_origins[0]".to_owned(), code),
            "{origin}"
        );
    }
    for fine in ["https://app.example.com", "http://localhost:3000"] {
        assert!(
            CsrfLayer::builder().self_origins([fine]).build().is_ok(),
            "{fine}"
        );
    }
    let insecure = |allow| {
        CsrfLayer::builder()
            .self_origins(["http://intra.example.com"])
            .trusted_origins(["http://sso.example.com", "tauri://app"])
            .dangerous_allow_insecure_origins(allow)
            .build()
    };
    assert_eq!(insecure(false).unwrap_err().len(), 3);
    assert!(insecure(true).is_ok());
}

#[test]
fn advice_is_that_of_this_layer() {
    let message = |builder: CsrfBuilder| builder.build().unwrap_err().to_string();
    for origin in ["*", "null", "https://*.co.uk"] {
        let message = message(CsrfLayer::builder().trusted_origins([origin]));
        assert!(!message.contains("any_origin()"), "{message}");
        assert!(
            !message.contains("dangerous_allow_public_suffix"),
            "{message}"
        );
    }
    let errors = CsrfLayer::builder()
        .trusted_origins(["https://a.example/"])
        .build()
        .unwrap_err();
    let error = errors
        .iter()
        .next()
        .unwrap()
        .downcast::<OriginError>()
        .unwrap();
    assert_eq!(error.instead(), Some("https://a.example"));
}

#[test]
fn exempt_and_public_patterns_name_paths_that_are_read_in_one_way() {
    let rows = [
        ("", "invalid_pattern_path"),
        ("hooks", "invalid_pattern_path"),
        ("/hooks?a", "invalid_pattern_byte"),
        ("/hooks#a", "invalid_pattern_byte"),
        ("/ho oks", "invalid_pattern_byte"),
        ("/hooks\\a", "invalid_pattern_byte"),
        ("/hooks\n", "invalid_pattern_byte"),
        ("/caf\u{e9}", "invalid_pattern_byte"),
        ("/hooks//a", "refused_pattern_ambiguous"),
        ("/hooks/./a", "refused_pattern_ambiguous"),
        ("/hooks/../a", "refused_pattern_ambiguous"),
        ("/hooks%2fa", "refused_pattern_ambiguous"),
        ("/hooks;a", "refused_pattern_ambiguous"),
        ("/{*rest}", "refused_pattern_everything"),
        ("/*", "refused_pattern_everything"),
        ("/{a}/{*rest}", "refused_pattern_everything"),
        ("/{a}", "refused_pattern_everything"),
        ("/hooks/*", "invalid_pattern_syntax"),
        ("/hooks/{a", "invalid_pattern_syntax"),
        ("/hooks/{}", "invalid_pattern_syntax"),
        ("/hooks/{a}/{a}", "invalid_pattern_syntax"),
        ("/hooks/{a}{b}", "invalid_pattern_syntax"),
        ("/hooks/{*rest}/a", "invalid_pattern_catch_all"),
    ];
    for (pattern, code) in rows {
        for (builder, path) in [
            (
                CsrfLayer::builder().dangerous_exempt(pattern),
                "csrf.dangerous_exempt[0]",
            ),
            (
                CsrfLayer::builder().dangerous_exempt_method(Method::POST, pattern),
                "csrf.dangerous_exempt_method[0]",
            ),
            (
                CsrfLayer::builder().isolation(Isolation::new().public(pattern)),
                "csrf.isolation.public[0]",
            ),
        ] {
            assert_eq!(the_mistake(builder), (path.to_owned(), code), "{pattern}");
        }
    }
    for fine in [
        "/",
        "/hooks",
        "/hooks/",
        "/hooks/{*rest}",
        "/hooks/{a}/b/{c}",
        "/a.b/..c",
    ] {
        assert!(
            CsrfLayer::builder().dangerous_exempt(fine).build().is_ok(),
            "{fine}"
        );
    }
    let errors = CsrfLayer::builder()
        .dangerous_exempt("/{*rest}")
        .build()
        .unwrap_err();
    assert!(
        errors
            .iter()
            .next()
            .unwrap()
            .downcast::<TemplateError>()
            .is_some()
    );
}

#[test]
fn a_pattern_stands_once_for_a_method() {
    let builder = || CsrfLayer::builder().dangerous_exempt("/hooks/{a}");
    for twice in [
        builder().dangerous_exempt("/hooks/{a}"),
        builder().dangerous_exempt("/hooks/{other_name}"),
        builder().dangerous_exempt_method(Method::POST, "/hooks/{a}"),
        CsrfLayer::builder()
            .dangerous_exempt_method(Method::PUT, "/acs")
            .dangerous_exempt_method(Method::PUT, "/acs"),
        CsrfLayer::builder().isolation(Isolation::new().public("/a").public("/a")),
    ] {
        assert_eq!(the_mistake(twice).1, "duplicate_pattern");
    }
    for once in [
        builder().dangerous_exempt("/hooks/{a}/{b}"),
        builder().dangerous_exempt("/hooks/{*rest}"),
        CsrfLayer::builder()
            .dangerous_exempt_method(Method::PUT, "/acs")
            .dangerous_exempt_method(Method::POST, "/acs"),
        builder().isolation(Isolation::new().public("/hooks/{a}")),
    ] {
        assert!(once.build().is_ok());
    }
}

#[test]
fn patterns_are_at_most_256() {
    let exempt = |count: usize| {
        (0..count).fold(CsrfLayer::builder(), |builder, number| {
            builder.dangerous_exempt(format!("/hooks/{number}"))
        })
    };
    assert!(exempt(256).build().is_ok());
    assert!(
        exempt(255)
            .dangerous_exempt_method(Method::PUT, "/acs")
            .build()
            .is_ok()
    );
    let expected = (
        "csrf.dangerous_exempt".to_owned(),
        "refused_too_many_patterns",
    );
    assert_eq!(the_mistake(exempt(257)), expected);
    let with_method = exempt(256).dangerous_exempt_method(Method::PUT, "/acs");
    assert_eq!(the_mistake(with_method), expected);

    let public = |count: usize| {
        let isolation = (0..count).fold(Isolation::new(), |all, n| all.public(format!("/p/{n}")));
        CsrfLayer::builder().isolation(isolation)
    };
    assert!(public(256).build().is_ok());
    assert_eq!(the_mistake(public(257)).1, "refused_too_many_patterns");
}

#[test]
fn an_exemption_is_for_a_method_that_is_checked() {
    for (method, code) in [
        ("GET", "refused_exempt_safe_method"),
        ("HEAD", "refused_exempt_safe_method"),
        ("OPTIONS", "refused_exempt_safe_method"),
        ("post", "invalid_exempt_method"),
        ("Get", "invalid_exempt_method"),
        ("P T", "invalid_exempt_method"),
        ("", "invalid_exempt_method"),
    ] {
        let mut config = CsrfConfig::default();
        config.dangerous_exempt_method = vec![ExemptMethod::new(method, "/acs")];
        let expected = ("csrf.dangerous_exempt_method[0]".to_owned(), code);
        assert_eq!(the_mistake(config.into()), expected, "{method:?}");
    }
    for method in [
        Method::POST,
        Method::TRACE,
        Method::from_bytes(b"purge").unwrap(),
    ] {
        let builder = CsrfLayer::builder().dangerous_exempt_method(method.clone(), "/acs");
        assert!(builder.build().is_ok(), "{method}");
    }
}

#[test]
fn an_override_header_is_one_that_pages_can_set() {
    for name in [
        "",
        "x method",
        "x-m\u{e9}thod",
        "cookie",
        "Origin",
        "sec-method",
        "proxy-method",
    ] {
        let builder = CsrfLayer::builder().method_override_headers(["x-method", name]);
        let expected = (
            "csrf.method_override_headers[1]".to_owned(),
            "invalid_override_header",
        );
        assert_eq!(the_mistake(builder), expected, "{name:?}");
    }
    let twice = CsrfLayer::builder().method_override_headers(["x-method", "X-Method"]);
    assert!(twice.build().is_ok());
}

#[test]
fn override_headers_are_at_most_16() {
    let named = |count: usize| {
        let names = (0..count).map(|number| format!("x-method-{number}"));
        CsrfLayer::builder().method_override_headers(names)
    };
    assert!(named(16).build().is_ok());
    let expected = (
        "csrf.method_override_headers".to_owned(),
        "refused_too_many_override_headers",
    );
    assert_eq!(the_mistake(named(17)), expected);
}

#[test]
fn trusted_origins_are_at_most_65536_and_patterns_1024() {
    let origins = |count: usize| {
        CsrfLayer::builder()
            .trusted_origins((0..count).map(|number| format!("https://h{number}.example")))
    };
    let patterns = |count: usize| {
        CsrfLayer::builder()
            .trusted_origins((0..count).map(|number| format!("https://*.h{number}.example")))
    };
    assert!(origins(65_536).build().is_ok());
    assert!(patterns(1_024).build().is_ok());
    for (builder, code) in [
        (origins(65_537), "refused_too_many_origins"),
        (patterns(1_025), "refused_too_many_origins"),
    ] {
        let expected = ("csrf.trusted_origins".to_owned(), code);
        assert_eq!(the_mistake(builder), expected);
    }
}

/// A list may come from a generator that never ends; the builder does.
#[test]
fn endless_lists_are_refused() {
    let builder = CsrfLayer::builder();
    for (endless, path, code) in [
        (
            builder.clone().trusted_origins(repeat("https://a.example")),
            "csrf.trusted_origins",
            "refused_too_many_origins",
        ),
        (
            builder.clone().self_origins(repeat("https://a.example")),
            "csrf.self_origins",
            "refused_too_many_origins",
        ),
        (
            builder.method_override_headers(repeat("x-method")),
            "csrf.method_override_headers",
            "refused_too_many_override_headers",
        ),
    ] {
        assert_eq!(the_mistake(endless), (path.to_owned(), code));
    }
}

#[test]
fn settings_that_exclude_each_other_do_not_build() {
    let missing = |rule| CsrfLayer::builder().missing_metadata(rule);
    let both = missing(Missing::Refuse).dangerous_allow_missing_metadata();
    let expected = "csrf.dangerous_allow_missing_metadata".to_owned();
    assert_eq!(
        the_mistake(both),
        (expected, "conflicting_missing_metadata")
    );
    let default = missing(Missing::RefuseWithCookie).dangerous_allow_missing_metadata();
    assert!(default.build().is_ok());

    let same_site = |allow, refuse| {
        CsrfLayer::builder()
            .dangerous_allow_same_site(allow)
            .isolation(Isolation::new().refuse_same_site(refuse))
    };
    let expected = "csrf.isolation.refuse_same_site".to_owned();
    assert_eq!(
        the_mistake(same_site(true, true)),
        (expected, "conflicting_same_site")
    );
    assert!(same_site(true, false).build().is_ok());
    assert!(same_site(false, true).build().is_ok());
}

fn credentialed(origins: &[&str]) -> OriginGrant {
    let origins = TrustedOrigins::builder()
        .origins(origins)
        .credentials(false)
        .build();
    OriginGrant::Credentialed(origins.expect("the origins are well-formed"))
}

#[test]
fn a_cors_policy_is_trusted_only_where_it_names_origins_with_credentials() {
    for (grant, code) in [
        (OriginGrant::AnyOrigin, "refused_trust_any_origin"),
        (OriginGrant::Uncredentialed, "refused_trust_uncredentialed"),
        (OriginGrant::PredicateOnly, "refused_trust_predicate"),
    ] {
        let builder = CsrfLayer::builder().trust_cors(grant);
        assert_eq!(the_mistake(builder), ("csrf.trust_cors".to_owned(), code));
    }
    for (origin, code) in [
        ("http://app.example.com", "refused_insecure_origin"),
        ("https://*.co.uk", "refused_public_suffix"),
    ] {
        let builder = CsrfLayer::builder().trust_cors(credentialed(&[origin]));
        assert_eq!(
            the_mistake(builder),
            ("csrf.trust_cors[0]".to_owned(), code)
        );
    }
    let layer = CsrfLayer::builder()
        .trusted_origins(["https://sso.example.com"])
        .trust_cors(credentialed(&[
            "https://app.example.com",
            "https://*.apps.example.com",
        ]))
        .build()
        .unwrap();
    let trusted: Vec<_> = layer
        .policy()
        .trusted_origins()
        .iter()
        .map(AsRef::as_ref)
        .collect();
    assert_eq!(
        trusted,
        [
            "https://app.example.com",
            "https://sso.example.com",
            "https://*.apps.example.com"
        ]
    );
    assert_eq!(
        layer.policy().config().trusted_origins,
        ["https://sso.example.com"]
    );
}

/// The statuses of forged requests: from an origin of the CORS policy, from one of our own list, from a stranger to a page and
/// to an exempt path.
async fn statuses<L>(stack: &L) -> [u16; 4]
where
    L: Layer<Spy>,
    L::Service: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let mut statuses = [0; 4];
    let requests = [
        ("/", "https://app.example.com"),
        ("/", "https://sso.example.com"),
        ("/", "https://evil.example"),
        ("/hooks", "https://evil.example"),
    ];
    for (status, (path, origin)) in statuses.iter_mut().zip(requests) {
        let request = Request::post(path)
            .header("sec-fetch-site", "cross-site")
            .header("origin", origin)
            .body(())
            .unwrap();
        *status = go(stack.layer(Spy::new()), request).await.status().as_u16();
    }
    statuses
}

#[tokio::test]
async fn a_stack_trusts_the_cors_origins_only_when_told_to() {
    let cors = |credentials| {
        CorsLayer::builder()
            .origins(["https://app.example.com"])
            .credentials(credentials)
            .build()
            .unwrap()
    };
    let layer = CsrfLayer::builder()
        .trusted_origins(["https://sso.example.com"])
        .dangerous_exempt("/hooks")
        .build()
        .unwrap();
    let stack = |credentials| {
        SecurityStack::new()
            .cors(cors(credentials))
            .csrf(layer.clone())
    };
    let errors = stack(false).trust_cors_origins().unwrap_err();
    assert_eq!(
        codes(&errors),
        [("csrf.trust_cors", "refused_trust_uncredentialed")]
    );
    assert_eq!(statuses(&stack(true)).await, [403, 200, 403, 200]);
    let told = stack(true).trust_cors_origins().unwrap();
    assert_eq!(statuses(&told).await, [200, 200, 403, 200]);
    // A handle that was taken before the stack was built switches it still.
    layer.handle().set_mode(Mode::Off);
    assert_eq!(statuses(&told).await, [200, 200, 200, 200]);
}

#[test]
fn every_mistake_is_reported_at_once_in_the_order_of_the_fields() {
    let suffixes = PublicSuffixes::parse("example\n").unwrap();
    let errors = CsrfLayer::builder()
        .public_suffixes(suffixes)
        .dangerous_exempt_method(Method::GET, "/acs")
        .dangerous_exempt("/{*rest}")
        .dangerous_exempt("/a/../b")
        .isolation(Isolation::new().refuse_same_site(true).public("embed"))
        .method_override_headers(["host"])
        .missing_metadata(Missing::Refuse)
        .dangerous_allow_missing_metadata()
        .dangerous_allow_same_site(true)
        .self_origins(["https://*.example.com", "http://app.example.com"])
        .trust_cors(OriginGrant::AnyOrigin)
        .trusted_origins(["null", "https://ok.example.com", "https://*.example", "*"])
        .build()
        .unwrap_err();
    assert_eq!(
        codes(&errors),
        [
            ("csrf.trusted_origins[0]", "refused_null_origin"),
            ("csrf.trusted_origins[2]", "refused_public_suffix"),
            ("csrf.trusted_origins[3]", "refused_any_origin"),
            ("csrf.trust_cors", "refused_trust_any_origin"),
            ("csrf.self_origins[0]", "refused_self_origin_pattern"),
            ("csrf.self_origins[1]", "refused_insecure_origin"),
            (
                "csrf.dangerous_allow_missing_metadata",
                "conflicting_missing_metadata"
            ),
            ("csrf.method_override_headers[0]", "invalid_override_header"),
            ("csrf.isolation.refuse_same_site", "conflicting_same_site"),
            ("csrf.isolation.public[0]", "invalid_pattern_path"),
            ("csrf.dangerous_exempt[0]", "refused_pattern_everything"),
            ("csrf.dangerous_exempt[1]", "refused_pattern_ambiguous"),
            (
                "csrf.dangerous_exempt_method[0]",
                "refused_exempt_safe_method"
            ),
        ]
    );
    let kind = errors.iter().next().unwrap().downcast::<CsrfConfigError>();
    assert_eq!(kind, Some(&CsrfConfigError::RefusedNullOrigin));
}

#[test]
fn a_policy_keeps_what_it_was_built_from() {
    let mut config = CsrfConfig::default();
    config.trusted_origins = vec!["https://sso.example.com".to_owned()];
    config.mode = Mode::ReportOnly;
    config.dangerous_exempt = vec!["/hooks".to_owned()];
    let layer = config.clone().build().unwrap();
    assert_eq!(*layer.policy().config(), config);
    assert_eq!(layer.mode(), Mode::ReportOnly);
    let (head, ()) = Request::post("/hooks")
        .header("sec-fetch-site", "cross-site")
        .body(())
        .unwrap()
        .into_parts();
    assert_eq!(layer.policy().check(&head), Ok(Pass::Exempt));
    assert_eq!(*CsrfLayer::new().policy().config(), CsrfConfig::default());
}

#[cfg(feature = "serde")]
mod file {
    use super::*;

    const FILE: &str = r#"
        trusted_origins = ["https://sso.example.com"]
        self_origins = ["https://www.example.com"]
        missing_metadata = "refuse"
        method_override_headers = []
        mode = "report_only"
        dangerous_allow_same_site = true
        dangerous_exempt = ["/webhooks/{*rest}"]
        dangerous_exempt_method = [{ method = "POST", pattern = "/saml/acs" }]

        [isolation]
        allow_framing = true
        public = ["/embed/{*rest}"]
    "#;

    #[test]
    fn a_file_says_what_the_builder_says() {
        let config: CsrfConfig = toml::from_str(FILE).unwrap();
        let built = CsrfLayer::builder()
            .trusted_origins(["https://sso.example.com"])
            .self_origins(["https://www.example.com"])
            .missing_metadata(Missing::Refuse)
            .method_override_headers([""; 0])
            .mode(Mode::ReportOnly)
            .dangerous_allow_same_site(true)
            .dangerous_exempt("/webhooks/{*rest}")
            .dangerous_exempt_method(Method::POST, "/saml/acs")
            .isolation(
                Isolation::new()
                    .allow_framing(true)
                    .public("/embed/{*rest}"),
            )
            .build()
            .unwrap();
        assert_eq!(*built.policy().config(), config);
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<CsrfConfig>(&written).unwrap(), config);
        assert!(config.build().is_ok());
    }

    #[test]
    fn an_empty_file_is_the_default_and_an_unknown_field_an_error() {
        assert_eq!(
            toml::from_str::<CsrfConfig>("").unwrap(),
            CsrfConfig::default()
        );
        for unknown in [
            "trusted = []",
            "mode = \"log\"",
            "missing_metadata = \"allow\"",
            "[isolation]\nframing = true",
            "dangerous_exempt_method = [{ method = \"POST\", path = \"/\" }]",
        ] {
            assert!(toml::from_str::<CsrfConfig>(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_file_is_refused_what_the_builder_is_refused() {
        let config = "trusted_origins = [\"https://a.example\", \"http://b.example\"]";
        let config: CsrfConfig = toml::from_str(config).unwrap();
        let errors = config.build().unwrap_err();
        assert_eq!(
            codes(&errors),
            [("csrf.trusted_origins[1]", "refused_insecure_origin")]
        );
    }
}
