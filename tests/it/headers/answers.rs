//! Statuses, methods, gRPC, and what the handler has set itself.

use http::{Method, Request};
use http_body_util::Full;
use tower_security::core::Mode;
use tower_security::headers::{
    AgentCluster, Allow, Banner, CachePolicy, Coep, Coop, Corp, Feature, FrameOptions,
    IntegrityPolicy, PermissionsPolicy, Preset, ReferrerPolicy, SecurityHeadersBuilder,
    SecurityHeadersLayer, WeakReferrerPolicy,
};

use super::{answer, get, header, lines, sorted, values};

const API: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store, max-age=0"),
];

#[tokio::test]
async fn answers_of_every_final_status_and_method_are_treated_alike() {
    let layer = SecurityHeadersLayer::api();
    for status in [200, 204, 301, 400, 401, 403, 404, 429, 500, 503] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            let request = Request::builder().method(&method).uri("/a");
            let request = request.body(Full::default()).unwrap();
            let answer = answer(&layer, &[], status, request).await;
            assert_eq!(lines(answer.headers()), sorted(&API), "{method} {status}");
        }
    }
}

#[tokio::test]
async fn a_304_gets_no_cache_control_and_keeps_its_own() {
    for layer in [SecurityHeadersLayer::api(), SecurityHeadersLayer::web()] {
        for (handler, expected) in [
            (&[("set-cookie", "a=1")][..], &[][..]),
            (&[("cache-control", "max-age=60")], &["max-age=60"]),
        ] {
            let answer = answer(&layer, handler, 304, get()).await;
            assert_eq!(values(&answer, "cache-control"), expected);
            assert_eq!(values(&answer, "x-content-type-options"), ["nosniff"]);
        }
    }
    let answer = answer(&SecurityHeadersLayer::api(), &[], 305, get()).await;
    assert_eq!(values(&answer, "cache-control"), ["no-store, max-age=0"]);
}

#[tokio::test]
async fn an_interim_answer_is_untouched() {
    let handler = [("server", "a"), ("upgrade", "websocket")];
    for status in [100, 101, 103, 199] {
        let answer = answer(&SecurityHeadersLayer::owasp_2026(), &handler, status, get()).await;
        assert_eq!(lines(answer.headers()), sorted(&handler), "{status}");
    }
}

#[tokio::test]
async fn grpc_gets_nosniff_and_cache_control_alone() {
    let rows = [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        // Browsers take the last of several types: a page.
        ("application/grpc, text/html", false),
        ("application/grpc; a=b, text/html", false),
        ("application/GRPC-web-text", true),
        ("application/graphql", false),
        ("application/json", false),
        ("text/html; charset=utf-8", false),
    ];
    for (content_type, is_grpc) in rows {
        let content_type: &'static str = content_type;
        let layer = SecurityHeadersLayer::owasp_2026();
        let handler = [
            ("content-type", content_type),
            ("server", "a"),
            ("grpc-status", "0"),
        ];
        let answer = answer(&layer, &handler, 200, get()).await;
        let short = [
            ("content-type", content_type),
            ("grpc-status", "0"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store, max-age=0"),
        ];
        if is_grpc {
            assert_eq!(lines(answer.headers()), sorted(&short), "{content_type}");
        } else {
            assert_eq!(answer.headers().len(), 12, "{content_type}");
        }
    }
    // The same in two lines, in either order.
    let types = ["application/grpc", "text/html"].map(|one| ("content-type", one));
    for handler in [[types[0], types[1]], [types[1], types[0]]] {
        let answer = answer(&SecurityHeadersLayer::web(), &handler, 200, get()).await;
        assert_eq!(values(&answer, "x-frame-options"), ["DENY"], "{handler:?}");
    }
}

#[tokio::test]
async fn an_answer_of_two_types_is_no_grpc() {
    let layer = SecurityHeadersLayer::api();
    let both = |first, second| [("content-type", first), ("content-type", second)];
    for (types, all) in [
        (both("application/grpc", "text/html"), true),
        (both("text/html", "application/grpc"), true),
        (both("application/grpc", "application/grpc"), true),
        (
            [("content-type", "application/grpc"), ("x-own", "text/html")],
            false,
        ),
    ] {
        let answer = answer(&layer, &types, 200, get()).await;
        let framing = answer.headers().contains_key("x-frame-options");
        assert_eq!(framing, all, "{types:?}");
    }
}

#[tokio::test]
async fn grpc_without_what_was_configured_gets_none() {
    let layer = SecurityHeadersLayer::builder()
        .preset(Preset::Web)
        .without("x-content-type-options")
        .build()
        .unwrap();
    let handler = [("content-type", "application/grpc")];
    let answer = answer(&layer, &handler, 200, get()).await;
    assert_eq!(lines(answer.headers()), sorted(&handler));
}

#[tokio::test]
async fn off_hands_everything_on() {
    let off = |mode| {
        SecurityHeadersLayer::builder()
            .preset(Preset::Api)
            .mode(mode)
            .build()
            .unwrap()
    };
    let handler = [("server", "a"), ("x-frame-options", "ALLOWALL")];
    let untouched = answer(&off(Mode::Off), &handler, 200, get()).await;
    assert_eq!(lines(untouched.headers()), sorted(&handler));
    assert_eq!(off(Mode::Off).mode(), Mode::Off);
    let enforced = answer(&off(Mode::Enforce), &handler, 200, get()).await;
    assert_eq!(lines(enforced.headers()), sorted(&API));
}

/// With one header of the handler the answer is rebuilt, with many it is added to: both ways are in the rows.
#[tokio::test]
async fn the_handlers_lines_go_or_stay_as_configured() {
    const MANY: [(&str, &str); 12] = [
        ("x-a0", "1"),
        ("x-a1", "1"),
        ("x-a2", "1"),
        ("x-a3", "1"),
        ("x-a4", "1"),
        ("x-a5", "1"),
        ("x-a6", "1"),
        ("x-a7", "1"),
        ("x-a8", "1"),
        ("x-a9", "1"),
        ("x-b0", "1"),
        ("x-b1", "1"),
    ];
    let overwrite = SecurityHeadersLayer::owasp_2026();
    let if_absent = SecurityHeadersLayer::builder()
        .preset(Preset::Owasp2026)
        .if_absent(http::header::X_FRAME_OPTIONS)
        .if_absent("cache-control")
        .build()
        .unwrap();
    for more in [&[][..], &MANY[..]] {
        let own = [
            ("x-frame-options", "SAMEORIGIN"),
            ("x-frame-options", "second"),
            ("cache-control", "max-age=60"),
            ("referrer-policy", "origin"),
            ("vary", "accept"),
            ("vary", "origin"),
        ];
        let handler = own.iter().chain(more).copied().collect::<Vec<_>>();
        let replaced = answer(&overwrite, &handler, 200, get()).await;
        let kept = answer(&if_absent, &handler, 200, get()).await;
        let rows: [(_, &[&str], &[&str]); 4] = [
            ("x-frame-options", &["deny"], &["SAMEORIGIN", "second"]),
            ("cache-control", &["no-store, max-age=0"], &["max-age=60"]),
            ("referrer-policy", &["no-referrer"], &["no-referrer"]),
            ("vary", &["accept", "origin"], &["accept", "origin"]),
        ];
        for (name, with_overwrite, with_if_absent) in rows {
            assert_eq!(values(&replaced, name), with_overwrite, "{name}");
            assert_eq!(values(&kept, name), with_if_absent, "{name}");
        }
        for (name, value) in more {
            assert_eq!(values(&replaced, name), [*value]);
            assert_eq!(values(&kept, name), [*value]);
        }
        let nothing_set = answer(&if_absent, more, 200, get()).await;
        assert_eq!(values(&nothing_set, "x-frame-options"), ["deny"]);
        assert_eq!(
            values(&nothing_set, "cache-control"),
            ["no-store, max-age=0"]
        );
    }
}

#[tokio::test]
async fn grpc_minds_if_absent_too() {
    let layer = SecurityHeadersLayer::builder()
        .preset(Preset::Grpc)
        .if_absent("cache-control")
        .if_absent("x-content-type-options")
        .build()
        .unwrap();
    let own = [
        ("content-type", "application/grpc"),
        ("cache-control", "max-age=1"),
        ("x-content-type-options", "own"),
    ];
    let kept = answer(&layer, &own, 200, get()).await;
    assert_eq!(lines(kept.headers()), sorted(&own));
    let replaced = answer(&SecurityHeadersLayer::grpc(), &own, 200, get()).await;
    assert_eq!(values(&replaced, "cache-control"), ["no-store"]);
    assert_eq!(values(&replaced, "x-content-type-options"), ["nosniff"]);
}

fn web() -> SecurityHeadersBuilder {
    SecurityHeadersLayer::builder().preset(Preset::Web)
}

/// Each option changes one header.
#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn every_typed_value_is_written_as_its_specification_spells_it() {
    let rows: Vec<(SecurityHeadersBuilder, &str, &str)> = vec![
        (
            web().frame_options(FrameOptions::Deny),
            "x-frame-options",
            "DENY",
        ),
        (
            web().frame_options(FrameOptions::SameOrigin),
            "x-frame-options",
            "SAMEORIGIN",
        ),
        (
            web().referrer_policy(ReferrerPolicy::NoReferrer),
            "referrer-policy",
            "no-referrer",
        ),
        (
            web().referrer_policy(ReferrerPolicy::Origin),
            "referrer-policy",
            "origin",
        ),
        (
            web().referrer_policy(ReferrerPolicy::OriginWhenCrossOrigin),
            "referrer-policy",
            "origin-when-cross-origin",
        ),
        (
            web().referrer_policy(ReferrerPolicy::SameOrigin),
            "referrer-policy",
            "same-origin",
        ),
        (
            web().referrer_policy(ReferrerPolicy::StrictOrigin),
            "referrer-policy",
            "strict-origin",
        ),
        (
            web().referrer_policy(ReferrerPolicy::StrictOriginWhenCrossOrigin),
            "referrer-policy",
            "strict-origin-when-cross-origin",
        ),
        (
            web().dangerous_referrer_policy(WeakReferrerPolicy::UnsafeUrl),
            "referrer-policy",
            "unsafe-url",
        ),
        (
            web().dangerous_referrer_policy(WeakReferrerPolicy::NoReferrerWhenDowngrade),
            "referrer-policy",
            "no-referrer-when-downgrade",
        ),
        (
            web().cross_origin_opener_policy(Coop::SameOriginAllowPopups),
            "cross-origin-opener-policy",
            "same-origin-allow-popups",
        ),
        (
            web().cross_origin_opener_policy(Coop::NoopenerAllowPopups),
            "cross-origin-opener-policy",
            "noopener-allow-popups",
        ),
        (
            web().cross_origin_opener_policy(Coop::SameOrigin),
            "cross-origin-opener-policy",
            "same-origin",
        ),
        (
            web().dangerous_unsafe_none_opener_policy(),
            "cross-origin-opener-policy",
            "unsafe-none",
        ),
        (
            web().cross_origin_embedder_policy(Coep::Credentialless),
            "cross-origin-embedder-policy",
            "credentialless",
        ),
        (
            web().cross_origin_embedder_policy(Coep::RequireCorp),
            "cross-origin-embedder-policy",
            "require-corp",
        ),
        (
            web().cross_origin_resource_policy(Corp::SameSite),
            "cross-origin-resource-policy",
            "same-site",
        ),
        (
            web().cross_origin_resource_policy(Corp::CrossOrigin),
            "cross-origin-resource-policy",
            "cross-origin",
        ),
        (
            web().cross_origin_resource_policy(Corp::SameOrigin),
            "cross-origin-resource-policy",
            "same-origin",
        ),
        (
            web().origin_agent_cluster(AgentCluster::SiteKeyed),
            "origin-agent-cluster",
            "?0",
        ),
        (
            web().origin_agent_cluster(AgentCluster::OriginKeyed),
            "origin-agent-cluster",
            "?1",
        ),
        (
            web().permissions_policy(
                PermissionsPolicy::deny([Feature::Camera])
                    .allow(Feature::Fullscreen, [Allow::SelfOrigin]),
            ),
            "permissions-policy",
            "camera=(), fullscreen=(self)",
        ),
        (
            web().integrity_policy(IntegrityPolicy::scripts()),
            "integrity-policy",
            "blocked-destinations=(script)",
        ),
        (
            web()
                .integrity_policy(IntegrityPolicy::scripts().report_to("main"))
                .reporting_endpoint("main", "/reports"),
            "integrity-policy",
            "blocked-destinations=(script), endpoints=(main)",
        ),
        (
            web().document_policy("force-load-at-top, js-profiling"),
            "document-policy",
            "force-load-at-top, js-profiling",
        ),
        (
            web()
                .reporting_endpoint("main", "/reports?a=1")
                .reporting_endpoint("other", "https://reports.example/r"),
            "reporting-endpoints",
            r#"main="/reports?a=1", other="https://reports.example/r""#,
        ),
        (
            web().custom("X-Robots-Tag", "noindex"),
            "x-robots-tag",
            "noindex",
        ),
    ];
    for (builder, name, expected) in rows {
        let layer = builder.build().unwrap();
        assert_eq!(header(&layer, &[], name).await, [expected]);
        // Everything else is as it was.
        let all = answer(&layer, &[], 200, get()).await;
        let before = answer(&SecurityHeadersLayer::web(), &[], 200, get()).await;
        let others = |headers| {
            let mut lines = lines(headers);
            lines.retain(|(other, _)| other != name && other != "reporting-endpoints");
            lines
        };
        assert_eq!(others(all.headers()), others(before.headers()), "{name}");
    }
}

#[tokio::test]
async fn headers_are_left_out_and_taken_off() {
    let layer = web()
        .without("permissions-policy")
        .without(http::header::X_FRAME_OPTIONS)
        .remove_header("x-runtime")
        .remove_header("X-XSS-Protection")
        .build()
        .unwrap();
    let handler = [
        ("x-runtime", "1"),
        ("x-xss-protection", "1"),
        ("x-frame-options", "own"),
        ("x-runtime-2", "1"),
        ("server", "a"),
    ];
    let answer = answer(&layer, &handler, 200, get()).await;
    for gone in [
        "permissions-policy",
        "x-runtime",
        "x-xss-protection",
        "server",
    ] {
        assert_eq!(values(&answer, gone), [""; 0], "{gone}");
    }
    assert_eq!(values(&answer, "x-frame-options"), ["own"]);
    assert_eq!(values(&answer, "x-runtime-2"), ["1"]);

    let own = SecurityHeadersLayer::builder()
        .remove(Banner::Owasp)
        .build()
        .unwrap();
    assert_eq!(header(&own, &[("server", "a")], "server").await, [""; 0]);
    assert_eq!(header(&own, &[("servers", "a")], "servers").await, ["a"]);
}

/// A content security policy inside writes the same header; a dictionary may span lines (RFC 9651, section 3.2).
#[tokio::test]
async fn reporting_endpoints_are_added_to_those_of_the_handler() {
    let with = || web().reporting_endpoint("main", "/reports");
    let own = [("reporting-endpoints", "csp=\"/csp\"")];
    let added = header(&with().build().unwrap(), &own, "reporting-endpoints").await;
    assert_eq!(added, ["csp=\"/csp\"", "main=\"/reports\""]);
    let kept = with().if_absent("reporting-endpoints").build().unwrap();
    assert_eq!(
        header(&kept, &own, "reporting-endpoints").await,
        ["csp=\"/csp\""]
    );
}

#[tokio::test]
async fn the_cache_policy_replaces_that_of_the_preset() {
    let rows = [
        (CachePolicy::NoStore, &["no-store, max-age=0"][..]),
        (CachePolicy::Untouched, &[]),
        (CachePolicy::sensitive([""; 0]), &[]),
    ];
    for preset in [Preset::Api, Preset::Grpc, Preset::Web] {
        for (policy, expected) in &rows {
            let layer = SecurityHeadersLayer::builder()
                .preset(preset)
                .cache(policy.clone());
            let layer = layer.build().unwrap();
            assert_eq!(header(&layer, &[], "cache-control").await, *expected);
            assert_eq!(layer.cache_policy(), policy);
        }
    }
}

/// A cache that heeds one of these looks at no `Cache-Control` (RFC 9213, section 2.2).
#[tokio::test]
async fn what_speaks_to_some_caches_goes_with_cache_control() {
    let handler = [
        ("cdn-cache-control", "public, max-age=99"),
        ("cloudflare-cdn-cache-control", "max-age=99"),
        ("vercel-cdn-cache-control", "public, max-age=99"),
        ("surrogate-control", "max-age=99"),
        ("edge-control", "max-age=99"),
        ("x-accel-expires", "99"),
    ];
    let others = [("surrogate-key", "a"), ("cache-control-notes", "b")];
    let all = [&handler[..], &others[..]].concat();
    let strict = || SecurityHeadersLayer::builder().cache(CachePolicy::NoStore);
    let named = strict().if_absent("cache-control");
    let sets_cookie = ("set-cookie", "a=1");
    let rows = [
        (SecurityHeadersLayer::api(), false),
        (SecurityHeadersLayer::grpc(), false),
        (SecurityHeadersLayer::owasp_2026(), false),
        (strict().build().unwrap(), false),
        // The handler is believed.
        (named.build().unwrap(), true),
        (SecurityHeadersLayer::web(), true),
        (SecurityHeadersLayer::static_assets(), true),
    ];
    for (layer, stay) in rows {
        for content_type in ["application/json", "application/grpc"] {
            let mut lines = all.clone();
            lines.extend([("content-type", content_type), sets_cookie]);
            let given: &'static [_] = lines.leak();
            let kept = answer(&layer, given, 200, get()).await;
            for (name, value) in handler {
                let expected = if stay { &[value][..] } else { &[] };
                assert_eq!(values(&kept, name), expected, "{name} {layer:?}");
            }
            for (name, value) in others {
                assert_eq!(values(&kept, name), [value]);
            }
            // What confirms a stored answer says nothing of it that is not the handler's.
            let confirmed = answer(&layer, given, 304, get()).await;
            assert_eq!(values(&confirmed, "surrogate-control"), ["max-age=99"]);
        }
    }
    let off = strict().mode(Mode::Off).build().unwrap();
    let untouched = answer(&off, &handler, 200, get()).await;
    assert_eq!(lines(untouched.headers()), sorted(&handler));
}
