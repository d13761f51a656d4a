//! What builds: its text, its warnings, and that text reads back as the same policy.

use tower_security::csp::{
    Csp, CspBuilder, CspLint, CspPolicy, CspProblem, ReportEndpoint, SandboxFlag, Source,
    TrustedTypes, Webrtc,
};

const STRICT: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; \
    script-src 'nonce-{}' 'strict-dynamic' 'report-sample'; style-src 'self' 'nonce-{}'; upgrade-insecure-requests";
const COMPATIBLE: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self' https: data:; \
    form-action 'self'; frame-ancestors 'self'; frame-src 'self'; img-src 'self' data: https:; manifest-src 'self'; \
    media-src 'self'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' 'report-sample'; \
    style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests; worker-src 'self'";
const API: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
const OWASP: &str = "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; \
    upgrade-insecure-requests";
/// Of the empty text.
const EMPTY_SHA256: &str = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
const EMPTY_SHA384: &str =
    "'sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb'";
const EMPTY_SHA512: &str = "'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='";

#[track_caller]
fn built(builder: CspBuilder) -> CspPolicy {
    match builder.build() {
        Ok(policy) => policy,
        Err(errors) => panic!("{errors}"),
    }
}

fn codes(policy: &CspPolicy) -> Vec<&'static str> {
    policy.lints().iter().map(CspLint::code).collect()
}

fn endpoint() -> ReportEndpoint {
    ReportEndpoint::path("csp", "/csp-report").expect("it is right")
}

#[test]
fn presets_are_byte_for_byte_what_they_say() {
    let hash = || Source::hash_str(EMPTY_SHA256).expect("a hash");
    let spa = STRICT
        .replacen("'nonce-{}'", EMPTY_SHA256, 1)
        .replace(" 'nonce-{}'", "");
    let spa_with_hosts = spa.replace("'strict-dynamic'", "'self'");
    for (name, builder, text) in [
        ("strict", Csp::strict(), STRICT),
        ("compatible", Csp::compatible(), COMPATIBLE),
        ("api", Csp::api(), API),
        ("owasp_2026", Csp::owasp_2026(), OWASP),
        ("spa", Csp::spa([hash()]), &spa),
        (
            "spa with hosts",
            Csp::spa([hash(), Source::SELF]),
            &spa_with_hosts,
        ),
    ] {
        assert_eq!(built(builder).to_template(), text, "{name}");
    }
    // The header of `strict` has 334 bytes: a nonce has 24 characters.
    assert_eq!(STRICT.len() + 2 * 22, 334);
    assert_eq!(CspPolicy::strict(), built(Csp::strict()));
    assert_eq!(CspPolicy::compatible(), built(Csp::compatible()));
    assert_eq!(CspPolicy::api(), built(Csp::api()));
    assert_eq!(CspPolicy::owasp_2026(), built(Csp::owasp_2026()));
}

#[test]
fn presets_warn_of_what_they_leave_open() {
    for (policy, expected) in [
        (CspPolicy::strict(), &["no_reporting"][..]),
        (
            CspPolicy::compatible(),
            &[
                "no_reporting",
                "wide_source",
                "wide_source",
                "style_unsafe_inline",
                "wide_source",
            ],
        ),
        (CspPolicy::api(), &["no_reporting"]),
        (CspPolicy::owasp_2026(), &["no_reporting", "host_scripts"]),
    ] {
        assert_eq!(codes(&policy), expected, "{policy:?}");
    }
    let reporting = built(Csp::strict().report_to(endpoint()));
    assert_eq!(codes(&reporting), [""; 0]);
}

/// Scripts behind `base-uri 'none'; object-src 'none'; script-src`: number, list, as printed, and its warnings.
#[rustfmt::skip]
const SCRIPTS: &[(u8, &str, &str, &[&str])] = &[
    (7, "'nonce-{}'", "'nonce-{}'", &[]),
    (8, "'nonce-{}' 'strict-dynamic'", "'nonce-{}' 'strict-dynamic'", &[]),
    (9, "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'strict-dynamic'",
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'strict-dynamic'", &[]),
    (10, "'sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb'",
        "'sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb'", &[]),
    (11, "'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg'",
        "'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='", &[]),
    (12, "'self'", "'self'", &["host_scripts"]),
    (13, "'self' https://cdn.example", "'self' https://cdn.example", &["host_scripts"]),
    (14, "https://*.cdn.example", "https://*.cdn.example", &["host_scripts"]),
    (15, "https://cdn.example:8443", "https://cdn.example:8443", &["host_scripts"]),
    (16, "https://cdn.example:*", "https://cdn.example:*", &["host_scripts"]),
    (17, "https://cdn.example/js/", "https://cdn.example/js/", &["host_scripts"]),
    (18, "https://cdn.example/js/app.js", "https://cdn.example/js/app.js", &["host_scripts"]),
    (19, "https://cdn.example/a%2Cb%3Bc", "https://cdn.example/a%2Cb%3Bc", &["host_scripts"]),
    (20, "'nonce-{}' 'strict-dynamic' 'unsafe-inline' https:", "'nonce-{}' 'strict-dynamic' 'unsafe-inline' https:", &[]),
    (21, "'nonce-{}' 'wasm-unsafe-eval'", "'nonce-{}' 'wasm-unsafe-eval'", &[]),
    (22, "'nonce-{}' 'inline-speculation-rules'", "'nonce-{}' 'inline-speculation-rules'", &[]),
    (23, "'nonce-{}' 'trusted-types-eval'", "'nonce-{}' 'trusted-types-eval'", &[]),
    (24, "'nonce-{}' 'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "'nonce-{}' 'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", &[]),
    (25, "'report-sample'", "'report-sample'", &[]),
    (39, "127.0.0.1", "127.0.0.1", &["host_scripts"]),
];

/// Directives behind `default-src 'none'; base-uri 'none'`: number, text, as printed, and its warnings.
#[rustfmt::skip]
const PARTS: &[(u8, &str, &str, &[&str])] = &[
    (26, "script-src-elem 'nonce-{}'; script-src-attr 'none'", "script-src-elem 'nonce-{}'; script-src-attr 'none'", &[]),
    (28, "img-src 'self' data: blob:", "img-src 'self' data: blob:", &[]),
    (29, "img-src *", "img-src *", &["wide_source"]),
    (30, "connect-src 'self' wss://ws.example", "connect-src 'self' wss://ws.example", &[]),
    (31, "worker-src 'self' blob:", "worker-src 'self' blob:", &[]),
    (32, "frame-ancestors 'self' https://a.example", "frame-ancestors 'self' https://a.example", &[]),
    (33, "form-action 'none'", "form-action 'none'", &[]),
    (34, "sandbox", "sandbox", &[]),
    (35, "sandbox allow-forms allow-scripts", "sandbox allow-forms allow-scripts", &[]),
    (36, "trusted-types app default 'allow-duplicates'", "trusted-types app default 'allow-duplicates'", &[]),
    (37, "trusted-types 'none'", "trusted-types 'none'", &[]),
    (38, "style-src 'self' 'unsafe-inline'", "style-src 'self' 'unsafe-inline'", &["style_unsafe_inline"]),
    (39, "connect-src 127.0.0.1", "connect-src 127.0.0.1", &[]),
    (40, "connect-src http://localhost:3000", "connect-src http://localhost:3000", &["insecure_source"]),
    (41, "img-src https://xn--bcher-kva.example", "img-src https://xn--bcher-kva.example", &[]),
    (42, "img-src a.example.", "img-src a.example.", &[]),
    (43, "IMG-src HTTPS://A.Example/Path", "img-src https://a.example/Path", &[]),
    (44, "img-src myapp:", "img-src myapp:", &[]),
    (46, "img-src a.example 'self' A.example 'SELF'", "img-src a.example 'self'", &["duplicate_source", "duplicate_source"]),
    (47, "report-uri /r", "report-uri /r", &[]),
];

#[test]
fn every_good_policy_builds_prints_and_reads_back() {
    let base = "base-uri 'none'; object-src 'none'; script-src ";
    let quiet = "; frame-ancestors 'none'; form-action 'none'";
    for (number, list, printed, lints) in SCRIPTS {
        let policy = built(Csp::parse(&format!("{base}{list}{quiet}")));
        assert_eq!(
            policy.to_template(),
            format!("{base}{printed}{quiet}"),
            "{number}"
        );
        reads_back(&policy);
        assert_eq!(
            codes(&policy),
            [&["no_reporting"], *lints].concat(),
            "{number}"
        );
    }
    let base = "default-src 'none'; base-uri 'none'; ";
    for (number, text, printed, lints) in PARTS {
        let policy = built(Csp::parse(&format!("{base}{text}")));
        assert_eq!(policy.to_template(), format!("{base}{printed}"), "{number}");
        reads_back(&policy);
        let general = ["no_frame_ancestors", "no_form_action", "no_reporting"];
        let own: Vec<_> = codes(&policy)
            .into_iter()
            .filter(|code| !general.contains(code))
            .collect();
        assert_eq!(own, *lints, "{number}");
    }
    // 47: `report-uri` alone is not heard of by current browsers that prefer `report-to`.
    let uri_only = built(Csp::api().report_uri(["/r"]));
    assert_eq!(codes(&uri_only), ["no_reporting"]);
    // 27: everything falls back to it but `base-uri`.
    reads_back(&built(Csp::parse("default-src 'none'; base-uri 'none'")));
}

#[track_caller]
fn reads_back(policy: &CspPolicy) {
    let text = policy.to_template();
    let again = built(Csp::parse(&text));
    assert_eq!(again, *policy, "{text}");
    assert_eq!(again.to_template(), text);
    // As a browser reads it: in any white space.
    let loose = text.replace("; ", " ;;\n\t").replace(' ', "\x0c\r ");
    assert_eq!(built(Csp::parse(&loose)), *policy, "{loose:?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn policies_of_code_print_as_they_read() {
    let strict = Csp::strict;
    let with = |part: &str| STRICT.replace("upgrade-", &format!("{part}; upgrade-"));
    for (builder, text) in [
        // 6
        (
            strict().trusted_types(TrustedTypes::policies(["app"])).legacy_fallback(),
            STRICT
                .replace("'report-sample'", "'report-sample' 'unsafe-inline' https:")
                .replace("script-src", "require-trusted-types-for 'script'; script-src")
                .replace("upgrade-", "trusted-types app; upgrade-"),
        ),
        // 20: the fallback is split off `default-src`, whose images stay as they are, and is written once.
        (
            Csp::parse("default-src 'nonce-{}' 'strict-dynamic'; base-uri 'none'").legacy_fallback().legacy_fallback(),
            "default-src 'nonce-{}' 'strict-dynamic'; base-uri 'none'; script-src 'nonce-{}' 'strict-dynamic' 'unsafe-inline' https:"
                .to_owned(),
        ),
        (
            Csp::parse("default-src 'none'; base-uri 'none'; script-src 'nonce-{}' https: 'strict-dynamic'; script-src-elem 'nonce-{}'")
                .legacy_fallback(),
            "default-src 'none'; base-uri 'none'; script-src 'nonce-{}' https: 'strict-dynamic' 'unsafe-inline'; script-src-elem 'nonce-{}'"
                .to_owned(),
        ),
        (
            strict().report_to(endpoint()),
            STRICT.replace("script-src", "report-to csp; report-uri /csp-report; script-src"),
        ),
        (
            strict().report_uri(["/a"]).add_report_uri(["https://b.example/"]),
            STRICT.replace("script-src", "report-uri /a https://b.example/; script-src"),
        ),
        (
            strict().sandbox([SandboxFlag::AllowForms]).add_sandbox([SandboxFlag::AllowScripts, SandboxFlag::AllowForms]),
            STRICT.replace("script-src", "sandbox allow-forms allow-scripts; script-src"),
        ),
        (
            strict().trusted_types(TrustedTypes::none()).add_trusted_types(["app"]),
            STRICT
                .replace("script-src", "require-trusted-types-for 'script'; script-src")
                .replace("upgrade-", "trusted-types app; upgrade-"),
        ),
        (
            strict().trusted_types(TrustedTypes::policies(["app"])).trusted_types(TrustedTypes::any_policy()),
            STRICT.replace("script-src", "require-trusted-types-for 'script'; script-src"),
        ),
        (strict().upgrade_insecure_requests(false), STRICT.replace("; upgrade-insecure-requests", "")),
        (strict().webrtc(Webrtc::Block), format!("{STRICT}; webrtc 'block'")),
        (strict().webrtc(Webrtc::Allow).remove("WEBRTC"), STRICT.to_owned()),
        (strict().report_to(endpoint()).remove("report-to").remove("report-uri"), STRICT.to_owned()),
        (strict().worker_src([Source::SELF, Source::BLOB]), format!("{STRICT}; worker-src 'self' blob:")),
        (
            strict().script_src([Source::NONCE]).script_src_attr([Source::NONE]).script_src_elem([Source::NONCE]),
            STRICT.replace(
                "script-src 'nonce-{}' 'strict-dynamic' 'report-sample'",
                "script-src 'nonce-{}'; script-src-attr 'none'; script-src-elem 'nonce-{}'",
            ),
        ),
        (
            strict().style_src_attr([Source::NONE]).style_src_elem([Source::SELF]),
            with("style-src-attr 'none'; style-src-elem 'self'"),
        ),
        (
            strict().child_src([Source::SELF]).fenced_frame_src([Source::NONE]).frame_src([Source::BLOB]).media_src([Source::MEDIASTREAM]),
            STRICT
                .replace("connect-src", "child-src 'self'; connect-src")
                .replace("font-src", "fenced-frame-src 'none'; font-src")
                .replace("img-src", "frame-src blob:; img-src")
                .replace("object-src", "media-src mediastream:; object-src"),
        ),
        (
            strict().default_src([Source::SELF]).base_uri([Source::SELF]).object_src([Source::SELF]).manifest_src([Source::NONE]),
            STRICT
                .replace("default-src 'none'", "default-src 'self'")
                .replace("base-uri 'none'", "base-uri 'self'")
                .replace("object-src 'none'", "object-src 'self'")
                .replace("manifest-src 'self'", "manifest-src 'none'"),
        ),
    ] {
        let policy = built(builder);
        assert_eq!(policy.to_template(), text);
        if !text.contains("report-to") {
            reads_back(&policy);
        }
    }
    let reporting = built(strict().report_to(endpoint()));
    let read = Csp::parse(&reporting.to_template());
    assert!(read.clone().build().is_err());
    assert_eq!(built(read.clone().report_to(endpoint())), reporting);
    // The same text with another address of the endpoint is another policy.
    let other = ReportEndpoint::https("csp", "https://r.example/").expect("it is right");
    assert_ne!(built(read.report_to(other)), reporting);
    assert_ne!(reporting, CspPolicy::strict());
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn sources_print_as_browsers_read_them() {
    let digest = |byte: u8| [byte; 32];
    for (source, text) in [
        (Source::SELF, "'self'"),
        (Source::NONE, "'none'"),
        (Source::NONCE, "'nonce-{}'"),
        (Source::STRICT_DYNAMIC, "'strict-dynamic'"),
        (Source::REPORT_SAMPLE, "'report-sample'"),
        (Source::WASM_UNSAFE_EVAL, "'wasm-unsafe-eval'"),
        (
            Source::INLINE_SPECULATION_RULES,
            "'inline-speculation-rules'",
        ),
        (Source::TRUSTED_TYPES_EVAL, "'trusted-types-eval'"),
        (Source::REPORT_SHA256, "'report-sha256'"),
        (Source::REPORT_SHA384, "'report-sha384'"),
        (Source::REPORT_SHA512, "'report-sha512'"),
        (Source::DATA, "data:"),
        (Source::BLOB, "blob:"),
        (Source::HTTPS, "https:"),
        (Source::WSS, "wss:"),
        (Source::MEDIASTREAM, "mediastream:"),
        (Source::dangerous_unsafe_inline(), "'unsafe-inline'"),
        (Source::dangerous_unsafe_eval(), "'unsafe-eval'"),
        (Source::dangerous_unsafe_hashes(), "'unsafe-hashes'"),
        (Source::dangerous_any(), "*"),
        (Source::dangerous_http(), "http:"),
        (
            Source::dangerous_unsafe_allow_redirects(),
            "'unsafe-allow-redirects'",
        ),
        (
            Source::dangerous_unsafe_webtransport_hashes(),
            "'unsafe-webtransport-hashes'",
        ),
        (
            Source::dangerous_strict_dynamic_url(),
            "'strict-dynamic-url'",
        ),
        (
            Source::sha256(digest(0)),
            "'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='",
        ),
        (
            Source::sha384([0xff; 48]),
            &format!("'sha384-{}'", "/".repeat(64)),
        ),
        (
            Source::sha512([0; 64]),
            &format!("'sha512-{}=='", "A".repeat(86)),
        ),
        (
            Source::url_sha256(digest(0)),
            "'url-sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='",
        ),
        (
            Source::eval_sha256(digest(0)),
            "'eval-sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='",
        ),
    ] {
        assert_eq!(source.to_string(), text);
        assert_eq!(format!("{source:?}"), format!("Source({text})"));
    }
    for text in [EMPTY_SHA256, EMPTY_SHA384, EMPTY_SHA512] {
        let bare = text.trim_matches('\'');
        for spelling in [
            text.to_owned(),
            bare.to_owned(),
            bare.replacen("sha", "SHA", 1),
            bare.replace('+', "-").replace('/', "_"),
            bare.trim_end_matches('=').to_owned(),
        ] {
            let hash = Source::hash_str(&spelling).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(hash.to_string(), text, "{spelling}");
        }
    }
    let hosts = ["https://a.example", "b.example:*/c/"];
    let sources = Source::hosts(hosts).expect("both are right");
    assert_eq!(
        sources.iter().map(Source::to_string).collect::<Vec<_>>(),
        hosts
    );
}

#[test]
fn warnings_name_the_directive_and_the_source() {
    #[rustfmt::skip]
    let rows: &[(&str, &[(&str, &str)])] = &[
        ("script-src 'nonce-{}' 'unsafe-inline'",
            &[("unsafe_inline_beside_nonce", "script-src: `'unsafe-inline'` beside a nonce or hash, write `legacy_fallback()` if it is \
            meant for old browsers")]),
        ("script-src 'nonce-{}' 'strict-dynamic' 'unsafe-inline'",
            &[("unsafe_inline_beside_nonce", "script-src: `'unsafe-inline'` beside a nonce or hash, write `legacy_fallback()` if it is \
            meant for old browsers")]),
        ("script-src 'nonce-{}' 'strict-dynamic' a.example 'self'",
            &[("hosts_ignored", "script-src: \"a.example\" is ignored beside `'strict-dynamic'`"),
            ("hosts_ignored", "script-src: \"'self'\" is ignored beside `'strict-dynamic'`")]),
        ("script-src 'nonce-{}' 'strict-dynamic' https:",
            &[("hosts_ignored", "script-src: \"https:\" is ignored beside `'strict-dynamic'`")]),
        ("script-src a.example 'self'",
            &[("host_scripts", "script-src: \"a.example\" allows scripts by their host, a nonce or hash is safer")]),
        ("style-src 'nonce-{}' 'unsafe-inline'",
            &[("unsafe_inline_beside_nonce", "style-src: `'unsafe-inline'` beside a nonce or hash, write `legacy_fallback()` if it is \
            meant for old browsers")]),
        ("style-src-attr 'unsafe-inline'",
            &[("style_unsafe_inline", "style-src-attr: `'unsafe-inline'` lets injected styles apply")]),
        ("img-src https:", &[("wide_source", "img-src: \"https:\" allows servers of strangers")]),
        ("media-src *", &[("wide_source", "media-src: \"*\" allows servers of strangers")]),
        ("font-src *.github.io", &[("wide_source", "font-src: \"*.github.io\" allows servers of strangers")]),
        ("connect-src wss:", &[("wide_source", "connect-src: \"wss:\" allows servers of strangers")]),
        ("connect-src ws://a.example", &[("insecure_source", "connect-src: \"ws://a.example\" is not encrypted")]),
        ("img-src http:", &[("insecure_source", "img-src: \"http:\" is not encrypted")]),
        ("img-src https: https://a.example b.example",
            &[("wide_source", "img-src: \"https:\" allows servers of strangers"),
            ("covered_source", "img-src: \"https://a.example\" is covered by \"https:\"")]),
        ("img-src https://a.example http:",
            &[("covered_source", "img-src: \"https://a.example\" is covered by \"http:\""),
            ("insecure_source", "img-src: \"http:\" is not encrypted")]),
        ("img-src a.example A.example", &[("duplicate_source", "img-src: \"a.example\" stood twice")]),
        ("connect-src 'unsafe-webtransport-hashes'",
            &[("not_in_chromium", "connect-src: \"'unsafe-webtransport-hashes'\" is unknown to Chromium")]),
        ("img-src 'unsafe-allow-redirects'",
            &[("not_in_chromium", "img-src: \"'unsafe-allow-redirects'\" is unknown to Chromium")]),
        ("webrtc 'block'", &[("not_in_chromium", "webrtc: \"'block'\" is unknown to Chromium")]),
        ("script-src 'nonce-{}' 'strict-dynamic-url'",
            &[("experimental", "script-src: \"'strict-dynamic-url'\" is experimental")]),
        ("script-src 'url-sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
            &[("experimental", "script-src: \"'url-sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='\" is experimental")]),
        ("img-src a.example data: blob: 'self' https://*.example.com wss://ws.example", &[]),
        ("script-src 'nonce-{}' 'strict-dynamic' 'unsafe-inline' https:", &[]),
    ];
    let base = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; report-to csp; report-uri /r; ";
    for (part, expected) in rows {
        let report = ReportEndpoint::path("csp", "/r").expect("it is right");
        let policy = built(Csp::parse(&format!("{base}{part}")).report_to(report));
        let lints: Vec<_> = policy
            .lints()
            .iter()
            .map(|lint| (lint.code(), lint.to_string()))
            .collect();
        let lints: Vec<_> = lints.iter().map(|(code, text)| (*code, &**text)).collect();
        assert_eq!(lints, *expected, "{part}");
    }
    let policy = built(Csp::parse(
        "default-src 'self'; base-uri 'none'; script-src 'none'",
    ));
    assert_eq!(
        codes(&policy),
        ["no_frame_ancestors", "no_form_action", "no_reporting"]
    );
}

#[test]
fn long_policies_are_warned_of_at_the_byte() {
    let of = |length: usize| {
        let base = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src a.b/";
        let path = "p".repeat(length - base.len());
        codes(&built(Csp::parse(&format!("{base}{path}"))))
    };
    assert_eq!(of(4_096), ["no_reporting"]);
    assert_eq!(of(4_097), ["no_reporting", "long_policy"]);
}

#[test]
fn what_is_shown_of_a_policy_is_its_template() {
    let policy = built(Csp::api());
    assert_eq!(format!("{policy:?}"), format!("CspPolicy({API:?})"));
    let builder = Csp::strict().dangerous_accept(CspProblem::UnsafeEval);
    assert!(format!("{builder:?}").contains("UnsafeEval"));
}
