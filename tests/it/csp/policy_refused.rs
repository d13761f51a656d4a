//! What does not build, each beside its nearest policy that does.

use tower_security::core::ErrorClass::{self, Forbidden, Invalid, Refused};
use tower_security::core::{ConfigError, ConfigErrors};
use tower_security::csp::{
    Csp, CspBuilder, CspConfigError, CspPolicy, CspProblem, ReportEndpoint, SandboxFlag, Source,
    TrustedTypes, Webrtc,
};

fn brief(errors: &ConfigErrors) -> Vec<(&str, &str)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect()
}

/// The mistakes that are told, which are not told without need: each message is for people.
#[track_caller]
fn mistakes(builder: CspBuilder, context: &str) -> ConfigErrors {
    let errors = match builder.build() {
        Ok(policy) => panic!("{context} builds as {policy:?}"),
        Err(errors) => errors,
    };
    for error in errors.iter() {
        let message = error.message();
        assert!(message.starts_with(error.class().as_str()), "{message}");
        assert!(!message.ends_with('.'), "{message}");
        assert!(!message.contains(char::is_control), "{message}");
        let kind: &CspConfigError = error.downcast().expect("a mistake of this room");
        assert!(kind.problem().is_none() || error.class() == Refused);
    }
    errors
}

/// One mistake alone: its path, code and class.
#[track_caller]
fn refuses(builder: CspBuilder, context: &str, expected: (&str, &str, ErrorClass)) {
    let errors = mistakes(builder, context);
    let found: Vec<_> = errors
        .iter()
        .map(|error: &ConfigError| (error.path(), error.code(), error.class()))
        .collect();
    assert_eq!(found, [expected], "{context}\n{errors}");
}

#[track_caller]
fn accepts(builder: CspBuilder, context: &str) -> CspPolicy {
    match builder.build() {
        Ok(policy) => policy,
        Err(errors) => panic!("{context}: {errors}"),
    }
}

/// Whole policies: row, input, path, code, class, and the nearest one that builds.
#[rustfmt::skip]
const POLICIES: &[(u8, &str, &str, &str, ErrorClass, &str)] = &[
    (1, "", "csp", "empty_policy", Invalid, "default-src 'none'; base-uri 'none'"),
    (1, " ; \t; ", "csp", "empty_policy", Invalid, "default-src 'none'; base-uri 'none'"),
    (31, "object-src 'none'; base-uri 'none'; img-src 'self'", "csp", "missing_script_src", Refused,
        "object-src 'none'; base-uri 'none'; script-src 'none'"),
    (31, "object-src 'none'; base-uri 'none'; script-src-elem 'nonce-{}'; script-src-attr 'none'", "csp",
        "missing_script_src", Refused,
        "object-src 'none'; base-uri 'none'; script-src 'none'; script-src-elem 'nonce-{}'; script-src-attr 'none'"),
    (32, "script-src 'nonce-{}'; base-uri 'none'", "csp", "missing_object_src", Refused,
        "script-src 'nonce-{}'; base-uri 'none'; object-src 'none'"),
    (33, "default-src 'none'", "csp", "missing_base_uri", Refused, "default-src 'none'; base-uri 'none'"),
    (34, "default-src *; script-src 'none'; base-uri 'none'; object-src 'none'", "csp.default-src[0]", "wildcard_source",
        Refused, "default-src https://a.example; script-src 'none'; base-uri 'none'; object-src 'none'"),
    (38, "default-src 'self' data:; base-uri 'none'; object-src 'none'", "csp.default-src[1]", "scheme_wide", Refused,
        "default-src 'self' data:; base-uri 'none'; object-src 'none'; script-src 'self'"),
    (39, "default-src 'self' data:; base-uri 'none'; script-src 'self'", "csp.default-src[1]", "scheme_wide", Refused,
        "default-src 'self' data:; base-uri 'none'; script-src 'self'; object-src 'none'"),
    (39, "default-src 'none'; base-uri https:", "csp.base-uri[0]", "scheme_wide", Refused,
        "default-src 'none'; base-uri https://a.example"),
    (36, "default-src 'none'; base-uri *", "csp.base-uri[0]", "wildcard_source", Refused,
        "default-src 'none'; base-uri 'self'"),
    (41, "default-src 'self' 'unsafe-inline'; base-uri 'none'", "csp.default-src[1]", "unsafe_inline_script", Refused,
        "default-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'"),
    (46, "default-src 'none'; base-uri 'nonce-{}'", "csp.base-uri[0]", "keyword_misplaced", Forbidden,
        "default-src 'nonce-{}'; base-uri 'none'"),
];

/// Directives behind `default-src 'none'; base-uri 'none'`.
#[rustfmt::skip]
const PARTS: &[(u8, &str, &str, &str, ErrorClass, &str)] = &[
    (2, "script-src", "csp.script-src", "empty_directive", Refused, "script-src 'none'"),
    (2, "trusted-types", "csp.trusted-types", "empty_directive", Refused, "trusted-types 'none'"),
    (2, "report-uri", "csp.report-uri", "empty_directive", Refused, "report-uri /r"),
    (3, "img-src 'self'; img-src a.example", "csp.img-src", "duplicate_directive", Forbidden, "img-src 'self' a.example"),
    (3, "Script-Src 'self'; script-src 'none'", "csp.script-src", "duplicate_directive", Forbidden, "Script-Src 'self'"),
    (4, "scripts-src 'self'", "csp", "unknown_directive", Invalid, "script-src 'self'"),
    (4, "style_src 'self'", "csp", "unknown_directive", Invalid, "style-src 'self'"),
    (4, "imgSrc 'self'", "csp", "unknown_directive", Invalid, "img-src 'self'"),
    (5, "block-all-mixed-content", "csp", "dead_directive", Refused, "upgrade-insecure-requests"),
    (5, "plugin-types application/pdf", "csp", "dead_directive", Refused, "object-src 'none'"),
    (6, "prefetch-src 'self'", "csp", "dead_directive", Refused, "connect-src 'self'"),
    (6, "navigate-to 'self'", "csp", "dead_directive", Refused, "form-action 'self'"),
    (7, "require-sri-for script", "csp", "dead_directive", Refused, "require-trusted-types-for 'script'"),
    (7, "reflected-xss block", "csp", "dead_directive", Refused, "webrtc 'block'"),
    (7, "Referrer no-referrer", "csp", "dead_directive", Refused, "sandbox"),
    (8, "script-src self", "csp.script-src[0]", "unquoted_keyword", Invalid, "script-src 'self'"),
    (8, "object-src none", "csp.object-src[0]", "unquoted_keyword", Invalid, "object-src 'none'"),
    (9, "script-src strict-dynamic 'nonce-{}'", "csp.script-src[0]", "unquoted_keyword", Invalid,
        "script-src 'strict-dynamic' 'nonce-{}'"),
    (9, "style-src Unsafe-Inline", "csp.style-src[0]", "unquoted_keyword", Invalid, "style-src 'unsafe-inline'"),
    (10, "script-src nonce-abc", "csp.script-src[0]", "unquoted_nonce", Invalid, "script-src nonce-abc.example"),
    (10, "script-src sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "csp.script-src[0]", "unquoted_hash", Invalid,
        "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    (11, "script-src 'nonce-abc123'", "csp.script-src[0]", "literal_nonce", Refused, "script-src 'nonce-{}'"),
    (11, "script-src 'NONCE-abc123'", "csp.script-src[0]", "literal_nonce", Refused, "script-src 'nonce-{}'"),
    (11, "script-src 'nonce-'", "csp.script-src[0]", "literal_nonce", Refused, "script-src 'nonce-{}'"),
    (12, "script-src 'slef'", "csp.script-src[0]", "unknown_keyword", Invalid, "script-src 'SELF'"),
    (13, "script-src \"self\"", "csp.script-src[0]", "unknown_keyword", Invalid, "script-src 'self'"),
    (13, "script-src 'self", "csp.script-src[0]", "unknown_keyword", Invalid, "script-src 'self'"),
    (13, "script-src self'", "csp.script-src[0]", "unknown_keyword", Invalid, "script-src 'self'"),
    (14, "script-src \u{2018}self\u{2019}", "csp.script-src[0]", "invalid_byte", Invalid, "script-src 'self'"),
    (16, "img-src a.example, default-src", "csp.img-src[0]", "invalid_byte", Invalid, "img-src a.example default-src"),
    (18, "img-src a\u{0}b.example", "csp.img-src[0]", "invalid_byte", Invalid, "img-src a.b.example"),
    (29, "script-src javascript:", "csp.script-src[0]", "forbidden_scheme", Refused, "script-src 'none'"),
    (29, "img-src JavaScript:", "csp.img-src[0]", "forbidden_scheme", Refused, "img-src blob:"),
    (29, "frame-src javascript://a.example", "csp.frame-src[0]", "forbidden_scheme", Refused, "frame-src https://a.example"),
    (30, "script-src 'none' 'self'", "csp.script-src", "none_with_others", Forbidden, "script-src 'self'"),
    (30, "script-src 'none' 'report-sample'", "csp.script-src", "none_with_others", Forbidden, "script-src 'report-sample'"),
    (35, "script-src *", "csp.script-src[0]", "wildcard_source", Refused, "script-src 'nonce-{}' 'strict-dynamic'"),
    (35, "script-src-elem *", "csp.script-src-elem[0]", "wildcard_source", Refused, "script-src-elem 'self'"),
    (35, "script-src-attr *", "csp.script-src-attr[0]", "wildcard_source", Refused, "script-src-attr 'none'"),
    (35, "worker-src *", "csp.worker-src[0]", "wildcard_source", Refused, "worker-src 'self'"),
    (35, "child-src *", "csp.child-src[0]", "wildcard_source", Refused, "child-src *; worker-src 'self'"),
    (36, "object-src *", "csp.object-src[0]", "wildcard_source", Refused, "object-src https://a.example"),
    (36, "frame-ancestors *", "csp.frame-ancestors[0]", "wildcard_source", Refused, "frame-ancestors https://a.example"),
    (36, "frame-ancestors https:", "csp.frame-ancestors[0]", "scheme_wide", Refused, "frame-src https:"),
    (36, "frame-ancestors 'self' http:", "csp.frame-ancestors[1]", "scheme_wide", Refused,
        "frame-ancestors 'self' http://a.example"),
    (37, "script-src https:", "csp.script-src[0]", "scheme_wide", Refused, "script-src https: 'nonce-{}' 'strict-dynamic'"),
    (37, "script-src 'nonce-{}' https:", "csp.script-src[1]", "scheme_wide", Refused,
        "script-src 'nonce-{}' https://a.example"),
    (37, "script-src http:", "csp.script-src[0]", "insecure_source", Refused, "connect-src http:"),
    (37, "script-src http://cdn.example", "csp.script-src[0]", "insecure_source", Refused, "script-src https://cdn.example"),
    (37, "script-src ws://cdn.example", "csp.script-src[0]", "insecure_source", Refused, "script-src wss://cdn.example"),
    (38, "script-src data:", "csp.script-src[0]", "scheme_wide", Refused, "worker-src data:"),
    (38, "script-src-elem blob:", "csp.script-src-elem[0]", "scheme_wide", Refused, "worker-src blob:"),
    (38, "script-src 'nonce-{}' 'strict-dynamic' filesystem:", "csp.script-src[2]", "scheme_wide", Refused,
        "script-src 'nonce-{}' 'strict-dynamic'"),
    (39, "object-src data:", "csp.object-src[0]", "scheme_wide", Refused, "img-src data:"),
    (40, "script-src 'self' 'unsafe-inline'", "csp.script-src[1]", "unsafe_inline_script", Refused,
        "script-src 'self' 'nonce-{}' 'unsafe-inline'"),
    (40, "script-src-elem 'unsafe-inline'", "csp.script-src-elem[0]", "unsafe_inline_script", Refused,
        "script-src-elem 'unsafe-inline' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    (40, "script-src-attr 'unsafe-inline'", "csp.script-src-attr[0]", "unsafe_inline_script", Refused,
        "style-src-attr 'unsafe-inline'"),
    (40, "script-src 'unsafe-inline' 'url-sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "csp.script-src[0]",
        "unsafe_inline_script", Refused, "script-src 'url-sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    (42, "script-src 'nonce-{}' 'unsafe-eval'", "csp.script-src[1]", "unsafe_eval", Refused,
        "script-src 'nonce-{}' 'wasm-unsafe-eval'"),
    (43, "script-src 'nonce-{}' 'unsafe-hashes'", "csp.script-src[1]", "no_effect", Refused,
        "script-src 'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    (44, "script-src 'strict-dynamic'", "csp.script-src[0]", "strict_dynamic_alone", Refused,
        "script-src 'strict-dynamic' 'nonce-{}'"),
    (44, "script-src 'strict-dynamic' 'self' https://a.example", "csp.script-src[0]", "strict_dynamic_alone", Refused,
        "script-src 'self' https://a.example"),
    (45, "img-src 'strict-dynamic'", "csp.img-src[0]", "keyword_misplaced", Forbidden, "img-src 'self'"),
    (45, "form-action 'strict-dynamic'", "csp.form-action[0]", "keyword_misplaced", Forbidden, "form-action 'self'"),
    (45, "worker-src 'strict-dynamic'", "csp.worker-src[0]", "keyword_misplaced", Forbidden, "worker-src 'self'"),
    (46, "connect-src 'nonce-{}'", "csp.connect-src[0]", "keyword_misplaced", Forbidden, "style-src 'nonce-{}'"),
    (46, "frame-ancestors 'unsafe-inline'", "csp.frame-ancestors[0]", "keyword_misplaced", Forbidden, "frame-ancestors 'self'"),
    (46, "frame-ancestors 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "csp.frame-ancestors[0]",
        "keyword_misplaced", Forbidden, "style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    (46, "img-src 'report-sample'", "csp.img-src[0]", "keyword_misplaced", Forbidden, "style-src 'report-sample'"),
    (46, "img-src 'unsafe-webtransport-hashes'", "csp.img-src[0]", "keyword_misplaced", Forbidden,
        "connect-src 'unsafe-webtransport-hashes'"),
    (46, "form-action 'unsafe-allow-redirects'", "csp.form-action[0]", "keyword_misplaced", Forbidden,
        "connect-src 'unsafe-allow-redirects'"),
    (46, "style-src 'eval-sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", "csp.style-src[0]", "keyword_misplaced",
        Forbidden, "script-src 'eval-sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    (47, "style-src 'unsafe-eval'", "csp.style-src[0]", "keyword_misplaced", Forbidden, "style-src 'self'"),
    (47, "style-src 'wasm-unsafe-eval'", "csp.style-src[0]", "keyword_misplaced", Forbidden, "script-src 'wasm-unsafe-eval'"),
    (48, "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAA='", "csp.script-src[0]", "hash_length", Invalid,
        "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"),
    (48, "script-src 'sha256-!!'", "csp.script-src[0]", "hash_encoding", Invalid,
        "script-src 'SHA256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"),
    (48, "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='", "csp.script-src[0]", "hash_encoding", Invalid,
        "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'"),
    (48, "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB='", "csp.script-src[0]", "hash_encoding", Invalid,
        "script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE='"),
    (49, "script-src 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk='", "csp.script-src[0]", "unknown_hash", Invalid,
        "script-src 'sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb'"),
    (49, "script-src 'md5-1B2M2Y8AsgTpgAmY7PhCfg=='", "csp.script-src[0]", "unknown_hash", Invalid, "script-src 'none'"),
    (52, "report-to csp", "csp.report-to", "report_to_unknown", Refused, "report-uri /csp"),
    (53, "report-uri http://c.example/r", "csp.report-uri[0]", "insecure_endpoint", Refused, "report-uri https://c.example/r"),
    (53, "report-uri //c.example/r", "csp.report-uri[0]", "invalid_endpoint", Invalid, "report-uri /c.example/r"),
    (53, "report-uri r", "csp.report-uri[0]", "invalid_endpoint", Invalid, "report-uri /r"),
    (53, "report-uri https://u@c.example/r", "csp.report-uri[0]", "invalid_endpoint", Invalid,
        "report-uri https://c.example/u@r"),
    (54, "report-to CSP", "csp.report-to", "invalid_report_name", Invalid, "report-uri /CSP"),
    (54, "report-to csp main", "csp.report-to", "invalid_report_name", Invalid, "report-uri /csp /main"),
    (55, "trusted-types 'none' app", "csp.trusted-types", "none_with_others", Forbidden, "trusted-types app"),
    (56, "trusted-types bad!name", "csp.trusted-types[0]", "invalid_policy_name", Invalid, "trusted-types good#name=_/@.%-1"),
    (56, "trusted-types app *", "csp.trusted-types[1]", "wildcard_source", Refused, "trusted-types app"),
    (56, "trusted-types 'allow-duplicate'", "csp.trusted-types[0]", "unknown_keyword", Invalid,
        "trusted-types 'ALLOW-DUPLICATES'"),
    (56, "trusted-types none", "csp.trusted-types[0]", "unquoted_keyword", Invalid, "trusted-types 'none'"),
    (57, "require-trusted-types-for 'style'", "csp.require-trusted-types-for[0]", "unknown_sink", Invalid,
        "require-trusted-types-for 'script'"),
    (57, "require-trusted-types-for", "csp.require-trusted-types-for", "empty_directive", Refused,
        "require-trusted-types-for 'script'"),
    (57, "sandbox allow-all", "csp.sandbox[0]", "unknown_sandbox", Invalid, "sandbox ALLOW-modals"),
    (58, "sandbox allow-scripts allow-same-origin", "csp.sandbox", "sandbox_escape", Refused, "sandbox allow-scripts"),
    (59, "upgrade-insecure-requests 1", "csp.upgrade-insecure-requests", "value_not_allowed", Invalid,
        "upgrade-insecure-requests"),
    (59, "webrtc 'maybe'", "csp.webrtc", "unknown_keyword", Invalid, "webrtc 'allow'"),
    (59, "webrtc block", "csp.webrtc", "unquoted_keyword", Invalid, "webrtc 'block'"),
    (59, "webrtc 'allow' 'block'", "csp.webrtc", "value_not_allowed", Invalid, "webrtc 'BLOCK'"),
    (59, "webrtc", "csp.webrtc", "empty_directive", Refused, "webrtc 'block'"),
];

/// Hosts, as code gives them and as a policy writes them: row, input, code, class, and the nearest one that is right.
#[rustfmt::skip]
const HOSTS: &[(u8, &str, &str, ErrorClass, &str)] = &[
    (8, "self", "unquoted_keyword", Invalid, "self.example"),
    (9, "Strict-Dynamic", "unquoted_keyword", Invalid, "strict-dynamic.example"),
    (10, "nonce-YWJj", "unquoted_nonce", Invalid, "nonce.example"),
    (10, "sha512-foo", "unquoted_hash", Invalid, "sha512.example"),
    (14, "\u{201c}self\u{201d}", "invalid_byte", Invalid, "self.example"),
    (16, "a.example,b.example", "invalid_byte", Invalid, "a.example/p%2Cq"),
    (18, "a.example\u{7f}", "invalid_byte", Invalid, "a.example"),
    (19, "https://b\u{fc}cher.example", "non_ascii_host", Invalid, "https://xn--bcher-kva.example"),
    (19, "*.b\u{fc}cher.example", "non_ascii_host", Invalid, "*.xn--bcher-kva.example"),
    (20, "https://*.*.example.com", "invalid_host", Invalid, "https://*.example.com"),
    (20, "https://cdn*.example.com", "invalid_host", Invalid, "https://cdn1.example.com"),
    (20, "https://cdn.*.com", "invalid_host", Invalid, "https://*.cdn.com"),
    (21, "https://my_cdn.example", "invalid_host", Invalid, "https://my-cdn.example"),
    (22, "https://", "invalid_host", Invalid, "https://a"),
    (22, "://a.example", "invalid_host", Invalid, "a.example"),
    (22, "//a.example", "invalid_host", Invalid, "a.example"),
    (22, "a..example", "invalid_host", Invalid, "a.example."),
    (22, ".a.example", "invalid_host", Invalid, "*.a.example"),
    (22, "https:///p", "invalid_host", Invalid, "https://a.example/p"),
    (22, "a!.example", "invalid_host", Invalid, "a--.example"),
    (23, "https://user:pw@a.example", "invalid_host", Invalid, "https://a.example/user@"),
    (24, "https://a.example:99999", "invalid_port", Invalid, "https://a.example:65535"),
    (24, "https://a.example:0", "invalid_port", Invalid, "https://a.example:1"),
    (24, "https://a.example:", "invalid_port", Invalid, "https://a.example:*"),
    (24, "https://a.example:080", "invalid_port", Invalid, "https://a.example:80"),
    (24, "https://a.example:+80", "invalid_port", Invalid, "https://a.example:80/"),
    (24, "https://a.example:80:80", "invalid_port", Invalid, "https://a.example:80/:80"),
    (25, "https://a.example/p?q=1", "invalid_path", Invalid, "https://a.example/p"),
    (25, "https://a.example/p#f", "invalid_path", Invalid, "https://a.example/p%23f"),
    (25, "https://a.example?q", "invalid_path", Invalid, "https://a.example/q"),
    (25, "https://a.example/%zz", "invalid_path", Invalid, "https://a.example/%25zz"),
    (25, "https://a.example/%2", "invalid_path", Invalid, "https://a.example/%2f"),
    (25, "https://a.example//p", "invalid_path", Invalid, "https://a.example/p//q"),
    (25, "https://a.example/a/../b", "invalid_path", Invalid, "https://a.example/a/...b"),
    (25, "https://a.example/\u{e9}", "invalid_path", Invalid, "https://a.example/%C3%A9"),
    (25, "https://a.example/{}", "invalid_path", Invalid, "https://a.example/(~$&*+=:@!'.-_)"),
    (26, "192.168.0.1", "ip_address", Forbidden, "127.0.0.1"),
    (26, "https://10.0.0.1", "ip_address", Forbidden, "https://127.0.0.1:8443"),
    (26, "[::1]", "ip_address", Forbidden, "localhost"),
    (26, "https://[2001:db8::1]:443", "ip_address", Forbidden, "https://2001-db8--1.example:443"),
    (26, "0x7f.1", "ip_address", Forbidden, "0x7f.1.example"),
    (26, "a.0x7F", "ip_address", Forbidden, "a.f0x7F"),
    (26, "*.127.0.0.1", "ip_address", Forbidden, "127.0.0.1"),
    (28, "ht!tp://a.example", "invalid_scheme", Invalid, "h+t-t.p://a.example"),
    (28, "1http://a.example", "invalid_scheme", Invalid, "http1://a.example"),
];

#[test]
fn every_bad_policy_is_refused_and_its_twin_is_not() {
    for (row, bad, path, code, class, good) in POLICIES {
        let context = format!("row {row}: {bad:?}");
        refuses(Csp::parse(bad), &context, (path, code, *class));
        accepts(Csp::parse(good), &format!("row {row}: {good:?}"));
    }
    for (row, bad, path, code, class, good) in PARTS {
        let whole = |part: &str| format!("default-src 'none'; base-uri 'none'; {part}");
        let context = format!("row {row}: {bad:?}");
        refuses(Csp::parse(&whole(bad)), &context, (path, code, *class));
        accepts(Csp::parse(&whole(good)), &format!("row {row}: {good:?}"));
    }
}

#[test]
fn every_bad_host_is_refused_and_its_twin_is_not() {
    let base = "default-src 'none'; base-uri 'none'; img-src 'self' ";
    for (row, bad, code, class, good) in HOSTS {
        let errors = ConfigErrors::from(Source::host(bad).expect_err(bad));
        assert_eq!(
            brief(&errors),
            [("csp.source", *code)],
            "row {row}: {bad:?}"
        );
        assert_eq!(
            errors.iter().map(ConfigError::class).collect::<Vec<_>>(),
            [*class]
        );
        let context = format!("row {row}: {bad:?} in a policy");
        refuses(
            Csp::parse(&format!("{base}{bad}")),
            &context,
            ("csp.img-src[1]", code, *class),
        );
        let source = Source::host(good).unwrap_or_else(|error| panic!("row {row}: {error}"));
        let text = accepts(Csp::parse(&format!("{base}{good}")), good).to_template();
        assert_eq!(text, format!("{base}{source}"), "row {row}");
    }
}

#[test]
fn a_source_is_one_source() {
    // Rows 15 to 18: white space ends a source in a policy, and nothing may end the one that code gives.
    for bad in [
        "https://a.example; script-src *",
        "https://a.example;script-src",
        "a.example, default-src *",
        "a.example b.example",
        " a.example",
        "a.example ",
        "a.example\r\nset-cookie: a=b",
        "a.example\n",
        "a.example\u{0}",
        "a\tb.example",
        "a.example\u{7f}",
        "a.example\u{85}",
        "a.example\u{a0}b.example",
        "a.example\u{2028}",
        "\u{2018}self\u{2019}",
    ] {
        let error = Source::host(bad).expect_err(bad);
        assert!(
            matches!(error, CspConfigError::InvalidByte { .. }),
            "{bad:?}: {error}"
        );
        assert!(!error.to_string().contains(char::is_control), "{error}");
        assert!(Source::scheme(bad).is_err(), "{bad:?}");
        assert!(Source::hash_str(bad).is_err(), "{bad:?}");
    }
    for bad in [
        "*",
        "'self'",
        "\"self\"",
        "'none'",
        "'nonce-{}'",
        "'unsafe-inline'",
        "",
        "/",
        "/path",
        "data:",
    ] {
        assert!(Source::host(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_scheme_is_one_of_rfc_3986() {
    // Row 28.
    for bad in [
        "ht!tp",
        "1http",
        "",
        ":",
        "https://",
        "https://a",
        "a b",
        "h\u{e9}",
        "self'",
    ] {
        let error = ConfigErrors::from(Source::scheme(bad).expect_err(bad));
        let code = if bad == "a b" {
            "invalid_byte"
        } else {
            "invalid_scheme"
        };
        assert_eq!(brief(&error), [("csp.source", code)], "{bad:?}");
    }
    for (good, text) in [
        ("blob", "blob:"),
        ("MyApp:", "myapp:"),
        ("web+a.b-1", "web+a.b-1:"),
    ] {
        assert_eq!(Source::scheme(good).expect(good).to_string(), text);
    }
}

#[test]
fn wildcards_over_domains_of_strangers_are_refused() {
    // Row 27, for lists of every kind; strangers also get names under `github.io`, and their scripts are refused.
    for (list, source, is_right) in [
        ("img-src", "https://*.com", false),
        ("connect-src", "*.localhost", false),
        ("img-src", "https://*", false),
        ("img-src", "*:8443", false),
        ("img-src", "https://*.com.", false),
        ("img-src", "https://*.example.com", true),
        ("img-src", "https://*.github.io", true),
        ("script-src", "https://*.github.io", false),
        ("script-src", "https://*.co.uk", false),
        ("script-src", "https://*.me.github.io", true),
        // `*` stands for any number of labels: `me.blob.core.windows.net`.
        ("script-src", "https://*.windows.net", false),
        ("script-src", "https://*.azure.com", false),
        ("script-src", "https://*.amazonaws.com", false),
        ("script-src", "https://*.windows.example.net", true),
        // Strangers there would redirect the page's own scripts, run as its plug-ins, or frame it.
        ("base-uri", "https://*.github.io", false),
        ("base-uri", "https://*.example.com", true),
        ("frame-ancestors", "https://*.github.io", false),
        ("frame-ancestors", "https://*.example.com", true),
        ("object-src", "https://*.github.io", false),
        ("object-src", "https://*.example.com", true),
        ("frame-src", "https://*.github.io", true),
    ] {
        let context = format!("{list} {source}");
        let policy = Csp::parse("default-src 'none'; base-uri 'none'").directive(list, source);
        if is_right {
            accepts(policy, &context);
        } else {
            let path = format!("csp.{list}[0]");
            refuses(policy, &context, (&path, "wildcard_suffix", Refused));
        }
    }
}

#[test]
fn endpoints_are_checked_where_they_are_made() {
    // Rows 53 and 54.
    let code = |result: Result<ReportEndpoint, CspConfigError>| {
        let errors = ConfigErrors::from(result.expect_err("it is wrong"));
        errors.iter().map(ConfigError::code).collect::<Vec<_>>()
    };
    for bad in [
        "//c.example/r",
        "r",
        "/a b",
        "/a\"b",
        "/a;b",
        "/a,b",
        "/a\n",
        "/a\\b",
        "/\u{e9}",
        "/a#b",
        "",
    ] {
        assert_eq!(
            code(ReportEndpoint::path("csp", bad)),
            ["invalid_endpoint"],
            "{bad:?}"
        );
    }
    for bad in [
        "/r",
        "c.example/r",
        "https:///r",
        "https://u:p@c.example/",
        "ftp://c.example/r",
        "https://",
    ] {
        assert_eq!(
            code(ReportEndpoint::https("csp", bad)),
            ["invalid_endpoint"],
            "{bad:?}"
        );
    }
    for bad in [
        "CSP Main", "CSP", "", "1csp", "-csp", "csp\"", "csp;", "c\u{e9}",
    ] {
        assert_eq!(
            code(ReportEndpoint::path(bad, "/r")),
            ["invalid_report_name"],
            "{bad:?}"
        );
    }
    for (name, path) in [("csp", "/"), ("*a-b_c.d*1", "/r?a=b&c=%20")] {
        accepts(
            Csp::strict().report_to(ReportEndpoint::path(name, path).expect(name)),
            name,
        );
    }
    let endpoint = |url| ReportEndpoint::https("csp", url).expect(url);
    accepts(
        Csp::strict().report_to(endpoint("https://c.example:8443/r")),
        "https",
    );
    let plain = Csp::strict().report_to(endpoint("http://c.example/r"));
    refuses(
        plain.clone(),
        "http",
        ("csp.report_to", "insecure_endpoint", Refused),
    );
    accepts(
        plain.dangerous_accept(CspProblem::InsecureEndpoint),
        "http, accepted",
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_code_gives_is_checked_like_text() {
    let strict = Csp::strict;
    refuses(Csp::builder(), "nothing", ("csp", "empty_policy", Invalid));
    refuses(
        strict().script_src([]),
        "no scripts",
        ("csp.script-src", "empty_directive", Refused),
    );
    refuses(
        strict().script_src([Source::STRICT_DYNAMIC]),
        "strict-dynamic",
        ("csp.script-src[0]", "strict_dynamic_alone", Refused),
    );
    refuses(
        strict().script_src([Source::SELF, Source::dangerous_unsafe_eval()]),
        "eval",
        ("csp.script-src[1]", "unsafe_eval", Refused),
    );
    refuses(
        strict()
            .sandbox([SandboxFlag::AllowScripts])
            .add_sandbox([SandboxFlag::AllowSameOrigin]),
        "sandbox",
        ("csp.sandbox", "sandbox_escape", Refused),
    );
    refuses(
        strict().trusted_types(TrustedTypes::policies(["app", "*"])),
        "trusted types",
        ("csp.trusted-types[1]", "wildcard_source", Refused),
    );
    refuses(
        strict().trusted_types(TrustedTypes::none().allow_duplicates()),
        "trusted types",
        ("csp.trusted-types", "none_with_others", Forbidden),
    );
    refuses(
        strict().trusted_types(TrustedTypes::policies(["a b"])),
        "a name",
        ("csp.trusted-types[0]", "invalid_policy_name", Invalid),
    );
    refuses(
        Csp::api().legacy_fallback(),
        "legacy",
        ("csp.legacy_fallback", "no_effect", Refused),
    );
    refuses(
        strict().report_uri(["/a", "b"]),
        "a URL",
        ("csp.report-uri[1]", "invalid_endpoint", Invalid),
    );
    refuses(
        strict().report_uri(["/a;b"]),
        "a URL",
        ("csp.report-uri[0]", "invalid_endpoint", Invalid),
    );
    refuses(
        strict().remove("base-uri"),
        "base-uri",
        ("csp", "missing_base_uri", Refused),
    );
    refuses(
        strict().remove("img_src"),
        "removal",
        ("csp", "unknown_directive", Invalid),
    );
    refuses(
        strict().directive("img-src", "'slef'"),
        "text",
        ("csp.img-src[0]", "unknown_keyword", Invalid),
    );
    refuses(
        strict().directive("image-source", "'self'"),
        "text",
        ("csp", "unknown_directive", Invalid),
    );
    refuses(
        strict().directive("img-src", "'self'; script-src *"),
        "injection",
        ("csp.img-src[0]", "invalid_byte", Invalid),
    );
    for fine in [
        strict()
            .webrtc(Webrtc::Block)
            .sandbox([SandboxFlag::AllowScripts]),
        strict()
            .trusted_types(TrustedTypes::any_policy())
            .report_uri(["/a", "/b"]),
        strict()
            .directive("img-src", "'self'")
            .directive("IMG-SRC", "'none'"),
        strict()
            .remove("sandbox")
            .remove("Upgrade-Insecure-Requests"),
    ] {
        accepts(fine, "the twins of the above");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = Csp::parse(
        "default_src 'none'; script-src 'slef' https: 'unsafe-eval'; script-src 'self'; img-src self a..example; sandbox allow-all; \
         plugin-types x",
    )
    .report_to(ReportEndpoint::https("csp", "http://c.example/").expect("an endpoint"))
    .directive("webrtc", "maybe")
    .build()
    .expect_err("there is much wrong");
    assert_eq!(
        brief(&errors),
        [
            ("csp", "unknown_directive"),
            ("csp.script-src[0]", "unknown_keyword"),
            ("csp.script-src", "duplicate_directive"),
            ("csp.img-src[0]", "unquoted_keyword"),
            ("csp.img-src[1]", "invalid_host"),
            ("csp", "dead_directive"),
            ("csp.report_to", "insecure_endpoint"),
            ("csp.script-src[0]", "scheme_wide"),
            ("csp.script-src[1]", "unsafe_eval"),
            ("csp.sandbox[0]", "unknown_sandbox"),
            ("csp.webrtc", "unknown_keyword"),
            ("csp", "missing_object_src"),
            ("csp", "missing_base_uri"),
        ],
        "{errors}"
    );
}

#[test]
fn messages_say_what_to_write_instead() {
    for (text, advice) in [
        ("scripts-src 'self'", "\"script-src\""),
        ("default_src 'self'", "\"default-src\""),
        ("defaultSrc 'self'", "\"default-src\""),
        ("img-src 'slef'", "\"'self'\""),
        ("img-src self", "\"'self'\""),
        (
            "img-src https://b\u{fc}cher.example",
            "\"xn--bcher-kva.example\"",
        ),
        ("sandbox alow-forms", "\"allow-forms\""),
        ("script-src 'nonce-abc'", "`'nonce-{}'`"),
        ("object-src *", "`'none'`"),
        ("block-all-mixed-content", "`upgrade-insecure-requests`"),
        ("prefetch-src 'self'", "`default-src`"),
        ("require-sri-for script", "`Integrity-Policy`"),
        ("img-src a.example,b.example", "`%2C`"),
    ] {
        let errors = Csp::parse(text).build().expect_err(text).to_string();
        assert!(errors.contains(advice), "{text}: {errors}");
    }
    let errors = Csp::parse("img-src https://me:s3cret@a.example 'nonce-s3cret'");
    let errors = errors.build().expect_err("a password").to_string();
    assert!(!errors.contains("s3cret"), "{errors}");
}

#[test]
fn a_refusal_is_accepted_only_by_its_own_name() {
    let rows: &[(&str, CspProblem)] = &[
        ("script-src", CspProblem::EmptyDirective),
        ("report-uri http://c.example/", CspProblem::InsecureEndpoint),
        ("script-src http://a.example", CspProblem::InsecureSource),
        (
            "script-src 'nonce-{}' 'unsafe-hashes'",
            CspProblem::NoEffect,
        ),
        ("report-to csp", CspProblem::ReportToUnknown),
        (
            "sandbox allow-scripts allow-same-origin",
            CspProblem::SandboxEscape,
        ),
        ("script-src https:", CspProblem::SchemeWide),
        (
            "script-src 'strict-dynamic'",
            CspProblem::StrictDynamicAlone,
        ),
        ("script-src 'unsafe-eval'", CspProblem::UnsafeEval),
        ("script-src 'unsafe-inline'", CspProblem::UnsafeInlineScript),
        ("script-src *", CspProblem::WildcardSource),
        ("img-src *.com", CspProblem::WildcardSuffix),
    ];
    for (part, problem) in rows {
        let builder = Csp::parse(&format!("default-src 'none'; base-uri 'none'; {part}"));
        for (_, other) in rows.iter().filter(|(_, other)| other != problem) {
            let errors = mistakes(builder.clone().dangerous_accept(*other), part);
            assert_eq!(errors.len(), 1, "{part} with {other:?}");
        }
        let policy = accepts(builder.dangerous_accept(*problem), part);
        assert!(policy.to_template().ends_with(part), "{part}");
        // What is accepted once is accepted of its overrides too.
        let same = policy.append(|csp| csp).expect(part);
        assert_eq!(same, policy);
    }
    for (text, problem) in [
        (
            "object-src 'none'; base-uri 'none'",
            CspProblem::MissingScriptSrc,
        ),
        (
            "script-src 'none'; base-uri 'none'",
            CspProblem::MissingObjectSrc,
        ),
        ("default-src 'none'", CspProblem::MissingBaseUri),
    ] {
        assert_eq!(mistakes(Csp::parse(text), text).len(), 1);
        accepts(Csp::parse(text).dangerous_accept(problem), text);
    }
    // What has no meaning stays an error whatever is accepted.
    for text in [
        "script-src 'nonce-abc'",
        "script-src javascript:",
        "plugin-types x",
        "img-src self",
        "img-src 'none' a.example",
    ] {
        let all = rows.iter().fold(Csp::strict(), |csp, (_, problem)| {
            csp.dangerous_accept(*problem)
        });
        let (name, value) = text.split_once(' ').expect("a directive");
        assert_eq!(mistakes(all.directive(name, value), text).len(), 1);
    }
}

#[test]
fn long_policies_are_refused_at_the_byte() {
    // Row 60. `img-src` takes what is left: 8,192 bytes with a nonce of 24 characters in its place.
    let base = "default-src 'none'; base-uri 'none'; script-src 'nonce-{}'; img-src";
    let of = |length: usize| {
        let mut text = base.to_owned();
        let mut number = 100;
        while text.len() + 22 < length {
            let left = length - text.len() - 22;
            // What is left over is long enough for one more.
            let next = if left < 200 { left } else { 100 };
            let path = "p".repeat(next - " 100.b/".len());
            text.push_str(&format!(" {number}.b/{path}"));
            number += 1;
        }
        assert_eq!(text.len() + 22, length);
        Csp::parse(&text)
    };
    let policy = accepts(of(8_192), "8192 bytes");
    assert_eq!(policy.to_template().len(), 8_192 - 22);
    refuses(of(8_193), "8193 bytes", ("csp", "policy_too_long", Refused));
    accepts(
        of(8_193).dangerous_accept(CspProblem::PolicyTooLong),
        "accepted",
    );
    accepts(
        of(65_000).dangerous_accept(CspProblem::PolicyTooLong),
        "accepted",
    );
    // A long address that ends its directive would begin another one, before `script-src`.
    for (end, code) in [
        ("", "policy_too_long"),
        ("; script-src *", "invalid_endpoint"),
    ] {
        let address = format!("/{}{end}", "r".repeat(8_192));
        let builder = || Csp::strict().report_uri([&address]);
        let found = brief(&mistakes(builder(), end))[0].1.to_owned();
        assert_eq!(found, code);
        let accepted = builder().dangerous_accept(CspProblem::PolicyTooLong);
        assert_eq!(accepted.build().is_ok(), end.is_empty(), "{end}");
    }
    let accepted = of(65_536 + 22).dangerous_accept(CspProblem::PolicyTooLong);
    refuses(
        accepted,
        "more than 64 KiB",
        ("csp", "policy_too_long", Refused),
    );
}

#[test]
fn hostile_configuration_costs_little() {
    // Each of these took minutes or gigabytes if a list were compared with itself, or every mistake told.
    let many = |part: &str| part.repeat(65_000 / part.len());
    for text in [
        many("x;"),
        format!("img-src {}", many("'x' ")),
        format!("img-src {}", many("a.example ")),
        format!("img-src {}", many("\u{2018} ")),
        format!("sandbox {}", many("y ")),
        format!("trusted-types {}", many("! ")),
        format!("report-uri {}", many("r ")),
        many("img-src a;"),
        many(" "),
        many(";"),
        "x".repeat(65_000),
        format!("script-src '{}'", "x".repeat(65_000)),
        "a".repeat(10_000_000),
        format!("img-src {}", "a".repeat(10_000_000)),
    ] {
        let errors = Csp::parse(&text).build().expect_err("nonsense");
        assert!(errors.len() <= 64, "{}", errors.len());
        assert!(
            errors.to_string().len() < 40_000,
            "{}",
            errors.to_string().len()
        );
    }
    let endless = std::iter::repeat_with(|| Source::SELF);
    let policy = accepts(Csp::strict().img_src(endless), "an endless list");
    assert!(policy.to_template().contains("img-src 'self';"));
    assert!(policy.lints().len() <= 64);
    let endless = std::iter::repeat("!");
    assert_eq!(Source::hosts(endless).expect_err("no hosts").len(), 64);
    assert!(Source::host(&"a".repeat(10_000_000)).is_err());
    assert!(Source::hash_str(&"a".repeat(10_000_000)).is_err());
    assert!(ReportEndpoint::path("csp", &format!("/{}", "a".repeat(10_000_000))).is_err());
}

#[test]
fn what_browsers_ignore_in_meta_is_refused_there() {
    // Row 61.
    let base = "default-src 'none'; base-uri 'none'";
    let policy = |part: &str| accepts(Csp::parse(&format!("{base}; {part}")), part);
    for (part, path) in [
        ("frame-ancestors 'none'", "csp.meta.frame-ancestors"),
        ("sandbox", "csp.meta.sandbox"),
        ("report-uri /r", "csp.meta.report-uri"),
        ("script-src 'nonce-{}'", "csp.meta"),
    ] {
        let errors = policy(part).to_meta().expect_err(part);
        assert_eq!(brief(&errors), [(path, "ignored_in_meta")]);
        assert!(errors.iter().all(|error| error.class() == Forbidden));
    }
    let all = Csp::strict().report_to(ReportEndpoint::path("csp", "/r").expect("an endpoint"));
    assert_eq!(accepts(all, "all").to_meta().expect_err("four").len(), 4);
    assert_eq!(
        policy(
            "upgrade-insecure-requests; img-src https://a.example/?'&b"
                .replace('?', "")
                .as_str()
        )
        .to_meta()
        .expect("it is right"),
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; upgrade-insecure-requests; \
         img-src https://a.example/'&amp;b\">"
    );
}
