//! What does not build, each beside its nearest twin that does.

use tower_security::core::{ErrorClass, Mode};
use tower_security::headers::{
    AgentCluster, Allow, Banner, CachePolicy, ClearSiteData, Coep, Coop, Corp, Feature,
    HeadersConfigError, IntegrityPolicy, PermissionsPolicy, Preset, ReferrerPolicy,
    SecurityHeadersBuilder, SecurityHeadersLayer, WeakReferrerPolicy,
};

fn empty() -> SecurityHeadersBuilder {
    SecurityHeadersLayer::builder()
}

fn web() -> SecurityHeadersBuilder {
    empty().preset(Preset::Web)
}

/// The path, code and class of the only mistake.
#[track_caller]
fn the_mistake(builder: SecurityHeadersBuilder) -> (String, &'static str, ErrorClass) {
    let errors = builder.build().expect_err("it must not build");
    assert_eq!(errors.len(), 1, "{errors}");
    let error = errors.into_iter().next().expect("there is one");
    let message = error.message();
    assert!(!message.ends_with('.'), "{message}");
    assert!(message.starts_with(error.class().as_str()), "{message}");
    assert!(error.downcast::<HeadersConfigError>().is_some());
    (error.path().to_owned(), error.code(), error.class())
}

use ErrorClass::{Forbidden, Invalid, Refused};

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn custom_headers_that_are_none_of_this_layers() {
    let rows: [(&str, &[u8], &str, ErrorClass); 43] = [
        ("x-a", b"a\r\nset-cookie: b", "invalid_header", Invalid),
        ("x-a", b"a\rb", "invalid_header", Invalid),
        ("x-a", b"a\nb", "invalid_header", Invalid),
        ("x-a", b"a\0b", "invalid_header", Invalid),
        ("x-a", b"a\x7f", "invalid_header", Invalid),
        ("x a", b"a", "invalid_header", Invalid),
        ("x-a\r\n", b"a", "invalid_header", Invalid),
        ("", b"a", "invalid_header", Invalid),
        ("content-security-policy", b"a", "wrong_layer", Refused),
        (
            "Content-Security-Policy-Report-Only",
            b"a",
            "wrong_layer",
            Refused,
        ),
        (
            "strict-transport-security",
            b"max-age=1",
            "wrong_layer",
            Refused,
        ),
        ("set-cookie", b"a=1", "wrong_layer", Refused),
        ("access-control-allow-origin", b"*", "wrong_layer", Refused),
        ("content-type", b"text/html", "wrong_layer", Refused),
        ("content-encoding", b"gzip", "wrong_layer", Refused),
        ("location", b"/", "wrong_layer", Refused),
        ("vary", b"*", "wrong_layer", Refused),
        ("x-xss-protection", b"1; mode=block", "dead_header", Refused),
        ("expect-ct", b"max-age=1", "dead_header", Refused),
        ("feature-policy", b"camera 'none'", "dead_header", Refused),
        ("public-key-pins", b"a", "dead_header", Refused),
        ("public-key-pins-report-only", b"a", "dead_header", Refused),
        ("x-download-options", b"noopen", "dead_header", Refused),
        ("x-webkit-csp", b"a", "dead_header", Refused),
        ("x-content-security-policy", b"a", "dead_header", Refused),
        ("content-length", b"1", "forbidden_header", Forbidden),
        (
            "transfer-encoding",
            b"chunked",
            "forbidden_header",
            Forbidden,
        ),
        ("connection", b"close", "forbidden_header", Forbidden),
        ("upgrade", b"h2c", "forbidden_header", Forbidden),
        ("te", b"trailers", "forbidden_header", Forbidden),
        ("trailer", b"a", "forbidden_header", Forbidden),
        ("keep-alive", b"1", "forbidden_header", Forbidden),
        ("proxy-connection", b"1", "forbidden_header", Forbidden),
        (
            "x-frame-options",
            b"ALLOW-FROM https://a.example",
            "dead_value",
            Refused,
        ),
        (
            "cross-origin-opener-policy",
            b"unsafe-none",
            "weak_value",
            Refused,
        ),
        (
            "cross-origin-opener-policy",
            b"unsafe-none; report-to=\"a\"",
            "weak_value",
            Refused,
        ),
        (
            "cross-origin-embedder-policy",
            b"unsafe-none",
            "weak_value",
            Refused,
        ),
        ("referrer-policy", b"unsafe-url", "weak_value", Refused),
        (
            "referrer-policy",
            b"no-referrer, Unsafe-URL",
            "weak_value",
            Refused,
        ),
        (
            "referrer-policy",
            b"no-referrer-when-downgrade",
            "weak_value",
            Refused,
        ),
        ("referrer-policy", b"no-referrer", "typed_header", Refused),
        ("cache-control", b"public", "typed_header", Refused),
        ("permissions-policy", b"camera=()", "typed_header", Refused),
    ];
    for (name, value, code, class) in rows {
        let mistake = the_mistake(empty().custom("x-fine", "1").custom(name, value));
        assert_eq!(
            mistake,
            ("headers.custom[1]".to_owned(), code, class),
            "{name}"
        );
    }
    let other = empty().without("x-content-type-options");
    let mistake = the_mistake(other.clone().custom("x-content-type-options", "sniff"));
    assert_eq!(mistake.1, "dead_value");
    assert!(
        other
            .custom("x-content-type-options", "nosniff")
            .build()
            .is_ok()
    );

    let fine: [(&str, &[u8]); 7] = [
        ("x-a", b"a\tb"),
        ("X-A", b"caf\xe9"),
        ("x-robots-tag", b"noindex"),
        ("cross-origin-opener-policy-report-only", b"same-origin"),
        ("permissions-policy-report-only", b"camera=()"),
        ("content-language", b"en"),
        ("x-dns-prefetch-control", b"off"),
    ];
    for (name, value) in fine {
        assert!(empty().custom(name, value).build().is_ok(), "{name}");
    }
}

#[test]
fn every_header_with_a_method_says_which() {
    for (name, method) in [
        ("cache-control", "cache"),
        ("clear-site-data", "clear_site_data_on"),
        (
            "cross-origin-embedder-policy",
            "cross_origin_embedder_policy",
        ),
        ("cross-origin-opener-policy", "cross_origin_opener_policy"),
        (
            "cross-origin-resource-policy",
            "cross_origin_resource_policy",
        ),
        ("document-policy", "document_policy"),
        ("integrity-policy", "integrity_policy"),
        ("origin-agent-cluster", "origin_agent_cluster"),
        ("permissions-policy", "permissions_policy"),
        ("referrer-policy", "referrer_policy"),
        ("reporting-endpoints", "reporting_endpoint"),
        ("x-frame-options", "frame_options"),
    ] {
        let error = empty().custom(name, "a").build().unwrap_err().to_string();
        let said = format!("refused custom header \"{name}\": write `{method}(..)`");
        assert!(error.contains(&said), "{error}");
    }
}

#[test]
fn one_header_in_two_places() {
    let rows: [(SecurityHeadersBuilder, &str); 11] = [
        (
            empty().custom("x-a", "1").custom("X-A", "1"),
            "headers.custom[1]",
        ),
        (
            web().custom("x-content-type-options", "nosniff"),
            "headers.custom[0]",
        ),
        (
            empty().custom("x-a", "1").remove_header("x-a"),
            "headers.remove_header[0]",
        ),
        (
            web().remove_header("x-frame-options"),
            "headers.remove_header[0]",
        ),
        (
            web().remove_header("cache-control"),
            "headers.remove_header[0]",
        ),
        (
            empty()
                .clear_site_data_on(["/a"], ClearSiteData::logout())
                .remove_header("clear-site-data"),
            "headers.remove_header[0]",
        ),
        (web().custom("server", "me"), "headers.remove"),
        (
            empty().custom("server", "me").remove(Banner::Owasp),
            "headers.remove",
        ),
        (
            web()
                .without("x-frame-options")
                .frame_options(tower_security::headers::FrameOptions::Deny),
            "headers.without[0]",
        ),
        (
            web()
                .referrer_policy(ReferrerPolicy::Origin)
                .dangerous_referrer_policy(WeakReferrerPolicy::UnsafeUrl),
            "headers.dangerous_referrer_policy",
        ),
        (
            web()
                .cross_origin_opener_policy(Coop::SameOrigin)
                .dangerous_unsafe_none_opener_policy(),
            "headers.dangerous_unsafe_none_opener_policy",
        ),
    ];
    for (builder, path) in rows {
        assert_eq!(
            the_mistake(builder),
            (path.to_owned(), "duplicate_header", Refused)
        );
    }
    let fine = [
        empty().custom("x-a", "1").custom("x-b", "1"),
        empty().custom("x-a", "1").remove_header("x-b"),
        empty().custom("server", "me"),
        empty().remove_header("cache-control"),
        web()
            .cache(CachePolicy::Untouched)
            .remove_header("cache-control"),
        web()
            .without("x-frame-options")
            .remove_header("x-frame-options"),
        // The last call of a setter counts.
        web()
            .referrer_policy(ReferrerPolicy::Origin)
            .referrer_policy(ReferrerPolicy::SameOrigin),
    ];
    for builder in fine {
        assert!(builder.clone().build().is_ok(), "{builder:?}");
    }
}

#[test]
fn calls_without_an_effect() {
    let rows = [
        (
            web().without("x-frame-option"),
            "headers.without[0]",
            "inconsistent",
            Refused,
        ),
        (
            web().without("cache-control"),
            "headers.without[0]",
            "inconsistent",
            Refused,
        ),
        (
            web().without("x frame"),
            "headers.without[0]",
            "invalid_header",
            Invalid,
        ),
        (
            web().if_absent("x-own"),
            "headers.if_absent[0]",
            "inconsistent",
            Refused,
        ),
        // `Sensitive` leaves the handler's line alone anyway.
        (
            web().if_absent("cache-control"),
            "headers.if_absent[0]",
            "inconsistent",
            Refused,
        ),
        (
            web().if_absent("clear-site-data"),
            "headers.if_absent[0]",
            "inconsistent",
            Refused,
        ),
        (
            web().if_absent(""),
            "headers.if_absent[0]",
            "invalid_header",
            Invalid,
        ),
        (
            web().mode(Mode::ReportOnly),
            "headers.mode",
            "no_report_only",
            Refused,
        ),
    ];
    for (builder, path, code, class) in rows {
        assert_eq!(the_mistake(builder), (path.to_owned(), code, class));
    }
    let fine = [
        web().without("X-Frame-Options"),
        web().if_absent("X-Frame-Options"),
        web().custom("x-own", "1").if_absent("x-own"),
        web().cache(CachePolicy::NoStore).if_absent("cache-control"),
        web()
            .clear_site_data_on(["/a"], ClearSiteData::logout())
            .if_absent("clear-site-data"),
        web().mode(Mode::Enforce),
        web().mode(Mode::Off),
    ];
    for builder in fine {
        assert!(builder.clone().build().is_ok(), "{builder:?}");
    }
}

#[test]
fn headers_that_are_not_to_be_taken_off() {
    let rows = [
        ("content-length", "forbidden_header", Forbidden),
        ("connection", "forbidden_header", Forbidden),
        ("set-cookie", "wrong_layer", Refused),
        ("content-security-policy", "wrong_layer", Refused),
        ("strict-transport-security", "wrong_layer", Refused),
        ("access-control-allow-origin", "wrong_layer", Refused),
        ("vary", "wrong_layer", Refused),
        ("x\n", "invalid_header", Invalid),
    ];
    for (name, code, class) in rows {
        let mistake = the_mistake(empty().remove_header("via").remove_header(name));
        assert_eq!(
            mistake,
            ("headers.remove_header[1]".to_owned(), code, class),
            "{name}"
        );
    }
    for fine in ["via", "Server", "x-xss-protection", "x-frame-options"] {
        assert!(empty().remove_header(fine).build().is_ok(), "{fine}");
    }
}

#[test]
fn features_that_are_none() {
    let policy = |feature: &str, allow: Vec<Allow>| {
        let policy = PermissionsPolicy::deny([Feature::Usb]);
        web().permissions_policy(policy.allow(Feature::custom(feature), allow))
    };
    let rows: Vec<(&str, Vec<Allow>)> = vec![
        ("", vec![]),
        ("Camera", vec![]),
        ("web_share", vec![]),
        ("1camera", vec![]),
        ("-camera", vec![]),
        ("camera=", vec![]),
        ("camera\r\n", vec![]),
        ("caf\u{e9}", vec![]),
        ("usb", vec![]),
        ("camera", vec![Allow::origin("https://a.example/")]),
        ("camera", vec![Allow::origin("https://a.example/x")]),
        ("camera", vec![Allow::origin("a.example")]),
        ("camera", vec![Allow::origin("'self'")]),
        ("camera", vec![Allow::origin("self")]),
        ("camera", vec![Allow::origin("*")]),
        ("camera", vec![Allow::origin("")]),
        ("camera", vec![Allow::origin("https://a.example:*")]),
        (
            "camera",
            vec![Allow::origin("https://a.example\" \"https://b.example")],
        ),
        ("camera", vec![Allow::Any, Allow::SelfOrigin]),
        (
            "camera",
            vec![Allow::origin("https://a.example"), Allow::Any],
        ),
        ("camera", vec![Allow::SelfOrigin, Allow::SelfOrigin]),
    ];
    for (feature, allow) in rows {
        let path = "headers.permissions_policy[1]".to_owned();
        let mistake = the_mistake(policy(feature, allow.clone()));
        assert_eq!(
            mistake,
            (path, "invalid_feature", Invalid),
            "{feature} {allow:?}"
        );
    }
    let fine: Vec<(&str, Vec<Allow>)> = vec![
        ("camera", vec![]),
        ("web-share2", vec![]),
        ("camera", vec![Allow::Any]),
        (
            "camera",
            vec![Allow::SelfOrigin, Allow::origin("https://a.example")],
        ),
        ("camera", vec![Allow::origin("https://a.example:8443")]),
        ("camera", vec![Allow::origin("https://*.a.example")]),
    ];
    for (feature, allow) in fine {
        assert!(
            policy(feature, allow.clone()).build().is_ok(),
            "{feature} {allow:?}"
        );
    }
    let known = PermissionsPolicy::deny([Feature::Camera]).allow(Feature::custom("camera"), []);
    assert_eq!(
        the_mistake(web().permissions_policy(known)).1,
        "invalid_feature"
    );
    let nothing = the_mistake(web().permissions_policy(PermissionsPolicy::new()));
    assert_eq!(
        nothing,
        (
            "headers.permissions_policy".to_owned(),
            "invalid_value",
            Invalid
        )
    );
}

#[test]
fn endpoints_that_are_none() {
    let rows = [
        ("CSP Main", "/r", "invalid_report_name", Invalid),
        ("Main", "/r", "invalid_report_name", Invalid),
        ("", "/r", "invalid_report_name", Invalid),
        ("a\"", "/r", "invalid_report_name", Invalid),
        ("main", "http://c.example/r", "insecure_endpoint", Refused),
        ("main", "//c.example/r", "invalid_endpoint", Invalid),
        ("main", "r", "invalid_endpoint", Invalid),
        ("main", "/a b", "invalid_endpoint", Invalid),
        ("main", "", "invalid_endpoint", Invalid),
        ("main", "/a\"b", "invalid_endpoint", Invalid),
        ("main", "/a\\b", "invalid_endpoint", Invalid),
        ("main", "/a#b", "invalid_endpoint", Invalid),
        ("main", "/caf\u{e9}", "invalid_endpoint", Invalid),
        ("main", "ftp://c.example/r", "invalid_endpoint", Invalid),
        ("main", "https://", "invalid_endpoint", Invalid),
        ("main", "https://u@c.example/r", "invalid_endpoint", Invalid),
        ("first", "/r", "duplicate_endpoint", Refused),
    ];
    for (name, url, code, class) in rows {
        let with = web()
            .reporting_endpoint("first", "/f")
            .reporting_endpoint(name, url);
        let path = "headers.reporting_endpoint[1]".to_owned();
        assert_eq!(the_mistake(with), (path, code, class), "{name} {url}");
    }
    for (name, url) in [
        ("main", "/r"),
        ("*a_-.1", "/r?a=1&b"),
        ("main", "https://c.example"),
        ("main", "https://c.example:8443/r"),
        ("main", "https://c.example?r"),
    ] {
        assert!(
            web().reporting_endpoint(name, url).build().is_ok(),
            "{name} {url}"
        );
    }
}

#[test]
fn values_that_their_header_does_not_know() {
    let clear = |path: &str| web().clear_site_data_on([path], ClearSiteData::logout());
    for path in [
        "",
        "logout",
        "/logout?a",
        "/logout#a",
        "/a/../b",
        "/..",
        "/.",
        "/a//b",
        "//",
        "/%6c",
        "/*",
        "/{id}",
        "/a b",
        "/a;b",
        "/caf\u{e9}",
        "/a\\b",
        "/a\n",
    ] {
        let at = "headers.clear_site_data_on[0].paths[0]".to_owned();
        assert_eq!(
            the_mistake(clear(path)),
            (at, "invalid_value", Invalid),
            "{path:?}"
        );
    }
    for path in ["/", "/logout", "/a/b/", "/a.b/..c", "/~a/@b:c,d=e+f&g!$'()"] {
        assert!(clear(path).build().is_ok(), "{path}");
    }
    let at = || "headers.clear_site_data_on[0]".to_owned();
    let empty_set = web().clear_site_data_on(["/a"], ClearSiteData::new());
    assert_eq!(the_mistake(empty_set), (at(), "invalid_value", Invalid));
    let empty_list = web().clear_site_data_on([""; 0], ClearSiteData::logout());
    assert_eq!(the_mistake(empty_list), (at(), "invalid_value", Invalid));
    let twice = clear("/a").clear_site_data_on(["/b", "/a"], ClearSiteData::logout());
    let second = "headers.clear_site_data_on[1].paths[1]".to_owned();
    assert_eq!(the_mistake(twice), (second, "duplicate_path", Refused));

    let integrity = |policy| web().integrity_policy(policy);
    let at = || "headers.integrity_policy".to_owned();
    assert!(integrity(IntegrityPolicy::scripts()).build().is_ok());
    let unknown = integrity(IntegrityPolicy::scripts().report_to("main"));
    assert_eq!(
        the_mistake(unknown.clone()),
        (at(), "inconsistent", Refused)
    );
    assert!(unknown.reporting_endpoint("main", "/r").build().is_ok());
    let misnamed = integrity(IntegrityPolicy::scripts().report_to("Main"));
    assert_eq!(
        the_mistake(misnamed),
        (at(), "invalid_report_name", Invalid)
    );

    for text in [
        "",
        "Force-Load-At-Top",
        "a,",
        ",a",
        "a\n",
        "caf\u{e9}",
        "a=\"b",
        "a=(b",
        "=1",
    ] {
        let at = "headers.document_policy".to_owned();
        assert_eq!(
            the_mistake(web().document_policy(text)),
            (at, "invalid_value", Invalid),
            "{text:?}"
        );
    }
    for text in [
        "force-load-at-top",
        "a=1, b;c=2",
        "a=\"b, \\\"C\", d",
        "a=(b c), d=?0",
    ] {
        assert!(web().document_policy(text).build().is_ok(), "{text}");
    }

    for name in ["", "a b", "a=b", "a;", "\u{e9}"] {
        let cache = web().cache(CachePolicy::sensitive(["fine", name]));
        let at = "headers.cache.session_cookies[1]".to_owned();
        assert_eq!(
            the_mistake(cache),
            (at, "invalid_cookie_name", Invalid),
            "{name}"
        );
    }
    assert!(
        web()
            .cache(CachePolicy::sensitive(["__Host-a", "connect.sid"]))
            .build()
            .is_ok()
    );
}

#[test]
fn headers_that_do_not_go_together() {
    let coep = empty().cross_origin_embedder_policy(Coep::RequireCorp);
    let at = "headers.cross_origin_embedder_policy".to_owned();
    assert_eq!(the_mistake(coep.clone()), (at, "inconsistent", Refused));
    assert!(
        coep.cross_origin_resource_policy(Corp::SameSite)
            .build()
            .is_ok()
    );

    let owasp = || empty().preset(Preset::Owasp2026);
    let shared = owasp().origin_agent_cluster(AgentCluster::SiteKeyed);
    let at = "headers.origin_agent_cluster".to_owned();
    assert_eq!(the_mistake(shared.clone()), (at, "inconsistent", Refused));
    for fine in [
        owasp().origin_agent_cluster(AgentCluster::OriginKeyed),
        shared
            .clone()
            .cross_origin_opener_policy(Coop::SameOriginAllowPopups),
        shared.without("cross-origin-embedder-policy"),
    ] {
        assert!(fine.clone().build().is_ok(), "{fine:?}");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let errors = web()
        .custom("x-xss-protection", "0")
        .custom("content-length", "1")
        .custom("referrer-policy", "unsafe-url")
        .without("nothing")
        .permissions_policy(PermissionsPolicy::deny([
            Feature::custom("A"),
            Feature::custom("B"),
        ]))
        .reporting_endpoint("main", "http://a.example")
        .clear_site_data_on(["logout"], ClearSiteData::new())
        .cache(CachePolicy::sensitive([""]))
        .remove_header("set-cookie")
        .if_absent("x-own")
        .mode(Mode::ReportOnly)
        .build()
        .unwrap_err();
    let codes = errors
        .iter()
        .map(|error| (error.path().to_owned(), error.code()));
    let expected = [
        ("headers.permissions_policy[0]", "invalid_feature"),
        ("headers.permissions_policy[1]", "invalid_feature"),
        ("headers.reporting_endpoint[0]", "insecure_endpoint"),
        ("headers.without[0]", "inconsistent"),
        ("headers.custom[0]", "dead_header"),
        ("headers.custom[1]", "forbidden_header"),
        ("headers.custom[2]", "weak_value"),
        ("headers.cache.session_cookies[0]", "invalid_cookie_name"),
        ("headers.clear_site_data_on[0]", "invalid_value"),
        ("headers.clear_site_data_on[0].paths[0]", "invalid_value"),
        ("headers.if_absent[0]", "inconsistent"),
        ("headers.remove_header[0]", "wrong_layer"),
        ("headers.mode", "no_report_only"),
    ];
    let expected = expected.map(|(path, code)| (path.to_owned(), code));
    assert_eq!(codes.collect::<Vec<_>>(), expected);
}
