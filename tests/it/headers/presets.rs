//! Each preset byte for byte.

use tower_security::SecurityStack;
use tower_security::core::{Mode, RequestScheme, SchemeSource};
use tower_security::headers::{
    CachePolicy, ClearSiteData, PermissionsPolicy, Preset, SecurityHeadersLayer,
};

use super::{answer, get, lines, sorted};

const W: &str = "accelerometer=(), autoplay=(self), browsing-topics=(), camera=(), clipboard-read=(), clipboard-write=(self), display-capture=(), encrypted-media=(self), fullscreen=(self), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(self), publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(self), serial=(), usb=(), window-management=(), xr-spatial-tracking=()";
const O: &str = "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), idle-detection=(), interest-cohort=(), serial=(), unload=()";

const WEB: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("permissions-policy", W),
];
const WEB_COMPATIBLE: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("cross-origin-opener-policy", "same-origin-allow-popups"),
    ("cross-origin-resource-policy", "same-site"),
    ("origin-agent-cluster", "?1"),
];
const API: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store, max-age=0"),
];
const GRPC: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
];
const OWASP: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "deny"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("permissions-policy", O),
    ("cache-control", "no-store, max-age=0"),
    ("x-dns-prefetch-control", "off"),
    ("x-permitted-cross-domain-policies", "none"),
];
const STATIC: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
];

type Row = (
    Preset,
    fn() -> SecurityHeadersLayer,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const ROWS: [Row; 6] = [
    (
        Preset::Web,
        SecurityHeadersLayer::web,
        "web",
        "sensitive",
        WEB,
    ),
    (
        Preset::WebCompatible,
        SecurityHeadersLayer::web_compatible,
        "web_compatible",
        "sensitive",
        WEB_COMPATIBLE,
    ),
    (
        Preset::Api,
        SecurityHeadersLayer::api,
        "api",
        "no_store",
        API,
    ),
    (
        Preset::Grpc,
        SecurityHeadersLayer::grpc,
        "grpc",
        "no_store",
        GRPC,
    ),
    (
        Preset::Owasp2026,
        SecurityHeadersLayer::owasp_2026,
        "owasp_2026",
        "no_store",
        OWASP,
    ),
    (
        Preset::StaticAssets,
        SecurityHeadersLayer::static_assets,
        "static_assets",
        "untouched",
        STATIC,
    ),
];

#[tokio::test]
async fn each_preset_writes_its_headers_and_no_other() {
    for (preset, constructor, name, cache, expected) in ROWS {
        let built = SecurityHeadersLayer::builder().preset(preset).build();
        for layer in [constructor(), built.unwrap()] {
            let answer = answer(&layer, &[], 200, get()).await;
            assert_eq!(lines(answer.headers()), sorted(expected), "{name}");
            assert_eq!(layer.preset(), Some(preset));
            let stack = SecurityStack::new().headers(layer.clone());
            let posture = stack.posture();
            let entry = posture.entries().iter();
            let entry = entry.filter(|entry| entry.protection() == "headers");
            let settings = entry.flat_map(|entry| entry.settings()).collect::<Vec<_>>();
            assert!(settings.contains(&("preset", name)), "{settings:?}");
            assert!(settings.contains(&("cache", cache)), "{settings:?}");
            assert_eq!(layer.mode(), Mode::Enforce);
            let told = layer.headers().map(|(name, value)| {
                (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
            });
            let mut told = told.collect::<Vec<_>>();
            told.sort();
            let mut expected = sorted(expected);
            expected.retain(|(name, _)| name != "cache-control");
            assert_eq!(told, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn without_a_preset_there_is_nosniff_alone() {
    let layer = SecurityHeadersLayer::builder().build().unwrap();
    let answer = answer(&layer, &[("server", "a")], 200, get()).await;
    let expected = [("server", "a"), ("x-content-type-options", "nosniff")];
    assert_eq!(lines(answer.headers()), sorted(&expected));
    assert_eq!(*layer.cache_policy(), CachePolicy::Untouched);
    assert_eq!(layer.preset(), None);
}

#[tokio::test]
async fn banners_are_taken_off_by_all_presets_but_that_of_grpc() {
    let banners = [
        ("server", "nginx"),
        ("x-powered-by", "PHP"),
        ("$wsep", "1"),
        ("x-ruxit-js-agent", "1"),
        ("x-aspnet-version", "4"),
        ("x-kong-upstream-status", "200"),
    ];
    let kept = [
        ("via", "1.1 a"),
        ("x-request-id", "1"),
        ("set-cookie", "a=1"),
    ];
    let handler = banners.iter().chain(&kept).copied().collect::<Vec<_>>();
    for (preset, constructor, name, ..) in ROWS {
        let answer = answer(&constructor(), &handler, 200, get()).await;
        for (banner, _) in banners {
            let is_there = answer.headers().contains_key(banner);
            assert_eq!(is_there, preset == Preset::Grpc, "{name}: {banner}");
        }
        for (header, value) in kept {
            assert_eq!(answer.headers()[header], value, "{name}");
        }
    }
}

#[test]
fn the_policy_of_the_web_preset_can_be_started_from() {
    assert_eq!(PermissionsPolicy::web().to_string(), W);
}

#[tokio::test]
async fn the_owasp_value_for_signing_out() {
    let layer = SecurityHeadersLayer::builder()
        .preset(Preset::Owasp2026)
        .clear_site_data_on(["/logout"], ClearSiteData::logout())
        .scheme(SchemeSource::Listener(RequestScheme::Https))
        .build()
        .unwrap();
    let mut request = get();
    *request.uri_mut() = "/logout".parse().unwrap();
    let answer = answer(&layer, &[], 303, request).await;
    let mut expected = OWASP.to_vec();
    expected.push(("clear-site-data", r#""cache","cookies","storage""#));
    assert_eq!(lines(answer.headers()), sorted(&expected));
}

/// What OWASP wants to be absent, and what browsers dropped.
#[tokio::test]
async fn no_preset_writes_a_dead_header() {
    for (_, constructor, name, ..) in ROWS {
        let answer = answer(&constructor(), &[], 200, get()).await;
        for dead in [
            "x-xss-protection",
            "expect-ct",
            "feature-policy",
            "public-key-pins",
            "x-download-options",
            "strict-transport-security",
            "content-security-policy",
        ] {
            assert!(!answer.headers().contains_key(dead), "{name}: {dead}");
        }
    }
}
