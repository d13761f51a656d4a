//! Every refusal of the strict parser by itself, and beside it what looks alike and is right.

use super::super::{Origin, OriginError, OriginPattern};
use super::{code, refusal};
use crate::core::{ConfigErrorKind, ErrorClass};

fn label(len: usize) -> String {
    "a".repeat(len)
}

/// `len` bytes of host.
fn host(len: usize) -> String {
    let mut host = format!("{}.", label(63)).repeat(4);
    host.truncate(len - 4);
    host + ".com"
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_mistake_has_its_code() {
    let rows = [
        ("null", "refused_null_origin"),
        ("*", "refused_wildcard_in_list"),
        ("https://b\u{fc}cher.example", "invalid_origin_non_ascii"),
        ("https://a.example\u{a0}", "invalid_origin_non_ascii"),
        (
            "https://a.example, https://b.example",
            "invalid_origin_list",
        ),
        ("https://a.example,https://b.example", "invalid_origin_list"),
        (" https://a.example", "invalid_origin_list"),
        ("https://a.example\r\n", "invalid_origin_list"),
        ("https://a.example\0", "invalid_origin_list"),
        ("https://a.example\x7f", "invalid_origin_list"),
        ("", "invalid_origin_scheme"),
        ("a.example", "invalid_origin_scheme"),
        ("//a.example", "invalid_origin_scheme"),
        ("https:a.example", "invalid_origin_scheme"),
        ("https:/a.example", "invalid_origin_scheme"),
        ("https//a.example", "invalid_origin_scheme"),
        ("://a.example", "invalid_origin_scheme"),
        ("1a://a.example", "invalid_origin_scheme"),
        ("a_b://a.example", "invalid_origin_scheme"),
        ("mailto:a@a.example", "invalid_origin_scheme"),
        ("HTTPS://a.example", "invalid_origin_uppercase"),
        ("https://A.example", "invalid_origin_uppercase"),
        ("https://[::FFFF]", "invalid_origin_uppercase"),
        ("file://a.example", "refused_opaque_scheme"),
        ("file:///etc/hosts", "refused_opaque_scheme"),
        ("data://a", "refused_opaque_scheme"),
        ("blob://a", "refused_opaque_scheme"),
        ("about://blank", "refused_opaque_scheme"),
        ("javascript://a", "refused_opaque_scheme"),
        ("mailto://a", "refused_opaque_scheme"),
        ("filesystem://a", "refused_opaque_scheme"),
        ("https://user@a.example", "invalid_origin_userinfo"),
        ("https://user:pw@a.example", "invalid_origin_userinfo"),
        ("https://@a.example", "invalid_origin_userinfo"),
        ("https://a.example@evil.example", "invalid_origin_userinfo"),
        ("https://a.example/", "invalid_origin_path"),
        ("https://a.example/path", "invalid_origin_path"),
        ("https://a.example/@b", "invalid_origin_path"),
        ("https://a.example\\b", "invalid_origin_path"),
        ("https://a.example?", "invalid_origin_query"),
        ("https://a.example?/", "invalid_origin_query"),
        ("https://a.example#", "invalid_origin_fragment"),
        ("https://a.example#?", "invalid_origin_fragment"),
        ("https://", "invalid_origin_host_empty"),
        ("https://:8080", "invalid_origin_host_empty"),
        ("https://:", "invalid_origin_host_empty"),
        ("https://a%2eexample", "invalid_origin_host_byte"),
        ("https://a!b", "invalid_origin_host_byte"),
        ("https://a..example", "invalid_origin_label_empty"),
        ("https://.example", "invalid_origin_label_empty"),
        ("https://a.example..", "invalid_origin_label_empty"),
        ("https://.", "invalid_origin_label_empty"),
        ("https://*..example", "invalid_origin_label_empty"),
        ("https://-a.example", "refused_origin_label_hyphen"),
        ("https://a-.example", "refused_origin_label_hyphen"),
        ("https://ab--c.example", "refused_origin_label_hyphen"),
        ("https://xn--.example", "refused_origin_label_hyphen"),
        ("https://xn--abc-.example", "refused_origin_label_hyphen"),
        // Unfinished, overflowing, no digit, beyond Unicode, a surrogate.
        ("https://xn--999.example", "refused_origin_punycode"),
        (
            "https://xn--99999999999a.example",
            "refused_origin_punycode",
        ),
        ("https://xn--a_b.example", "refused_origin_punycode"),
        ("https://xn--0000h.example", "refused_origin_punycode"),
        ("https://xn--ib9b.example", "refused_origin_punycode"),
        ("https://xn---abc.example", "refused_origin_punycode"),
        // A Hebrew letter between Latin ones.
        ("https://xn--ab-vld.example", "refused_origin_punycode"),
        ("https://1", "invalid_origin_ipv4"),
        ("https://127.1", "invalid_origin_ipv4"),
        ("https://0x7f", "invalid_origin_ipv4"),
        ("https://127.0.0.0x1", "invalid_origin_ipv4"),
        ("https://127.0.0.256", "invalid_origin_ipv4"),
        ("https://127.0.0.01", "invalid_origin_ipv4"),
        ("https://127.0.0.1.", "invalid_origin_ipv4"),
        ("https://1.2.3.4.5", "invalid_origin_ipv4"),
        ("https://a.example.1", "invalid_origin_ipv4"),
        ("https://*.127.1", "invalid_origin_ipv4"),
        ("https://[::1", "invalid_origin_ipv6"),
        ("https://::1]", "invalid_origin_ipv6"),
        ("https://::1", "invalid_origin_ipv6"),
        ("https://2001:db8::1:443", "invalid_origin_ipv6"),
        ("https://fe80::1%25eth0", "invalid_origin_ipv6"),
        ("https://[fe80::1%25eth0]", "invalid_origin_ipv6"),
        ("https://[]", "invalid_origin_ipv6"),
        ("https://[::g]", "invalid_origin_ipv6"),
        ("https://[::1]a", "invalid_origin_ipv6"),
        ("https://a[::1]", "invalid_origin_ipv6"),
        ("https://[[::1]]", "invalid_origin_ipv6"),
        ("https://[127.0.0.1]", "invalid_origin_ipv6"),
        ("https://[0:0:0:0:0:0:0:1]", "refused_origin_ipv6_form"),
        ("https://[::0001]", "refused_origin_ipv6_form"),
        ("https://[1::0:0:2]", "refused_origin_ipv6_form"),
        ("https://[::2:3:4:5:6:7:8]", "refused_origin_ipv6_form"),
        ("https://[::ffff:192.0.2.1]", "refused_origin_ipv6_form"),
        ("https://[::ffff:c000:201]", "refused_origin_ipv6_form"),
        ("https://a.example:", "invalid_origin_port"),
        ("https://a.example:0", "invalid_origin_port"),
        ("https://a.example:080", "invalid_origin_port"),
        ("https://a.example:65536", "invalid_origin_port"),
        (
            "https://a.example:99999999999999999999",
            "invalid_origin_port",
        ),
        ("https://a.example:+80", "invalid_origin_port"),
        ("https://a.example:-1", "invalid_origin_port"),
        ("https://a.example:80a", "invalid_origin_port"),
        ("https://a.example:80:80", "invalid_origin_port"),
        ("https://a.example:8*", "invalid_origin_port"),
        ("https://[::1]:", "invalid_origin_port"),
        ("https://a.example:443", "refused_default_port"),
        ("http://a.example:80", "refused_default_port"),
        ("https://*.a.example:443", "refused_default_port"),
        ("https://*a.example", "invalid_pattern_wildcard"),
        ("https://a.*", "invalid_pattern_wildcard"),
        ("https://**.a.example", "invalid_pattern_wildcard"),
        ("https://*.*.a.example", "invalid_pattern_wildcard"),
        ("https://a.*.b.example", "invalid_pattern_wildcard"),
        ("https://*", "invalid_pattern_wildcard"),
        ("https://*.", "invalid_pattern_wildcard"),
        ("https://*:*", "invalid_pattern_wildcard"),
        ("*://a.example", "invalid_pattern_wildcard"),
        ("http*://a.example", "invalid_pattern_wildcard"),
        ("https://*.192.0.2.1", "refused_pattern_on_ip"),
        ("https://*.[::1]", "refused_pattern_on_ip"),
    ];
    for (text, expected) in rows {
        let error = refusal(text);
        assert_eq!(error.code(), expected, "{text:?}");
        let class = if expected.starts_with("refused") {
            ErrorClass::Refused
        } else {
            ErrorClass::Invalid
        };
        assert_eq!(error.class(), class, "{text:?}");
    }
}

#[test]
fn limits_of_length() {
    let scheme = "a".repeat(64);
    let longest = format!("{scheme}://{}:65535", host(253));
    assert_eq!(longest.len(), 326);
    assert!(OriginPattern::parse(&longest).is_ok());
    assert_eq!(
        refusal(&format!("a{longest}")),
        OriginError::InvalidOriginLength { length: 327 }
    );
    assert_eq!(
        code(&format!("a{scheme}://a.example")),
        "invalid_origin_scheme"
    );

    assert!(OriginPattern::parse(&format!("https://{}", host(253))).is_ok());
    assert_eq!(
        code(&format!("https://{}", host(254))),
        "invalid_origin_host_length"
    );
    assert!(OriginPattern::parse(&format!("https://*.{}", host(251))).is_ok());
    assert_eq!(
        code(&format!("https://*.{}", host(252))),
        "invalid_origin_host_length"
    );
    assert!(OriginPattern::parse(&format!("https://{}.com", label(63))).is_ok());
    assert_eq!(
        code(&format!("https://{}.com", label(64))),
        "invalid_origin_host_length"
    );
}

#[test]
fn what_looks_alike_and_is_right() {
    let rows = [
        "https://null",
        "https://a.example",
        "https://a.example.",
        "http://a.example",
        "https://a",
        "https://a_b.example",
        "https://a-b.example",
        "https://a--b.example",
        "https://1.example",
        "https://127.0.0.1.example",
        "https://0x7f.example",
        "https://a.e1",
        "https://192.0.2.1",
        "https://127.0.0.1:8443",
        "https://[::1]",
        "https://[2001:db8::1]:8443",
        "https://[1:0:0:2::3]",
        "https://[0:2:3:4:5:6:7:8]",
        "https://xn--bcher-kva.example",
        "https://xn--fiqs8s",
        // Hebrew letters alone, and with a digit.
        "https://xn--4dbc.example",
        "https://xn--1-zhc.example",
        "https://a.example:1",
        "https://a.example:65535",
        "https://a.example:80",
        "http://a.example:443",
        "https://a.example:*",
        "http://*.a.example",
        "https://*.a.example:8443",
        "https://*.a.example:*",
        "https://*.com",
        "http://[::1]:*",
        "tauri://localhost",
        "chrome-extension://abcdefghijklmnop",
        "a+b-c.1://a.example:443",
    ];
    for text in rows {
        let pattern = OriginPattern::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pattern.as_str(), text);
    }
}

#[test]
fn the_message_says_what_to_write() {
    let rows = [
        ("https://A.Example/", "https://a.example"),
        ("HTTPS://user:pw@A.Example:443/?q#f", "https://a.example"),
        ("https://a.example/path?q", "https://a.example"),
        ("https://a.example:8443?", "https://a.example:8443"),
        ("https://a.example#top", "https://a.example"),
        ("a.example", "https://a.example"),
        ("//a.example/", "https://a.example"),
        ("https:/a.example", "https://a.example"),
        ("*.a.example", "https://*.a.example"),
        ("https://a.example, https://b.example", "https://a.example"),
        (" https://a.example\n", "https://a.example"),
        (
            "https://B\u{fc}cher.example/",
            "https://xn--bcher-kva.example",
        ),
        (
            "https://*.b\u{fc}cher.example:8443",
            "https://*.xn--bcher-kva.example:8443",
        ),
        ("https://a.example:443", "https://a.example"),
        ("http://*.a.example:80", "http://*.a.example"),
        ("https://[0:0:0:0:0:0:0:1]:8443", "https://[::1]:8443"),
        ("https://[::ffff:192.0.2.1]", "https://192.0.2.1"),
        ("https://*.[::1]:8443", "https://[::1]:8443"),
        // Nothing near is right.
        ("https://user@", "https://app.example.com"),
        ("localhost:3000/", "https://localhost:3000"),
    ];
    for (text, instead) in rows {
        let error = refusal(text);
        assert_eq!(error.instead(), Some(instead), "{text:?}");
        assert!(
            error.to_string().contains(&format!("{instead:?}")),
            "{error}"
        );
    }
    assert_eq!(
        refusal("https://a.example/").to_string(),
        "invalid origin \"https://a.example/\": an origin has no path, write \"https://a.example\""
    );
}

/// A suggestion that repeats the mistake would be followed for ever.
#[test]
fn a_label_too_long_for_punycode_has_no_suggestion_of_its_own() {
    let text = |len| format!("https://{}.example", "\u{fc}".repeat(len));
    assert_eq!(
        refusal(&text(64)).instead(),
        Some("https://app.example.com")
    );
    assert_eq!(
        refusal(&text(3)).instead(),
        Some("https://xn--tdaaa.example")
    );
}

#[test]
fn no_message_shows_a_password() {
    for text in [
        "https://user:hunter2@a.example",
        "HTTPS://user:hunter2@a.example/",
        "https://user:hunter2@a.example/@",
        "https://user:hunter,hunter2@a.example",
        "https://a.example, https://user:hunter2@b.example",
        "https://user:hunter@hunter2@a.example",
        "user:hunter2@a.example",
        "https://user:hunter2@",
        "https://user:hunter2\u{fc}@a.example",
        "https://*.user:hunter2@*",
        "*://user:hunter2@a",
        "https://user:hunter2@a.example:443",
        "https://user:hunter,2@a.example",
        "https://hunter2 x@a.example",
        "user:hunter2@https://a.example",
    ] {
        let error = refusal(text);
        assert!(
            !format!("{error} {error:?}").contains("hunter"),
            "{error:?}"
        );
    }
}

#[test]
fn an_origin_is_no_pattern() {
    for text in ["https://*.a.example", "http://localhost:*"] {
        assert!(OriginPattern::parse(text).is_ok());
        assert_eq!(
            Origin::parse(text).unwrap_err().code(),
            "invalid_pattern_wildcard"
        );
    }
}

#[test]
fn parts() {
    let origin = Origin::parse("http://[::1]:8080").unwrap();
    assert_eq!(
        (origin.scheme(), origin.host(), origin.port()),
        ("http", "[::1]", Some(8080))
    );
    assert_eq!(origin.to_string(), "http://[::1]:8080");

    let pattern = OriginPattern::parse("https://*.a.example:*").unwrap();
    assert_eq!(
        (pattern.scheme(), pattern.host(), pattern.port()),
        ("https", "a.example", None)
    );
    assert!(pattern.includes_subdomains() && pattern.allows_any_port() && !pattern.is_exact());
    let pattern = OriginPattern::parse("https://a.example:8443").unwrap();
    assert_eq!((pattern.host(), pattern.port()), ("a.example", Some(8443)));
    assert!(!pattern.includes_subdomains() && !pattern.allows_any_port() && pattern.is_exact());
}

#[test]
fn local_hosts() {
    let rows = [
        ("http://localhost", true),
        ("http://localhost:3000", true),
        ("http://app.localhost", true),
        ("http://127.0.0.1", true),
        ("http://127.255.0.9:1", true),
        ("http://[::1]", true),
        ("tauri://localhost", true),
        ("http://notlocalhost", false),
        ("http://localhost.example", false),
        ("http://127.example", false),
        ("http://127.0.0.1.example", false),
        ("http://128.0.0.1", false),
        ("http://0.0.0.0", false),
        ("http://[::]", false),
        ("http://localhost.", false),
    ];
    for (text, expected) in rows {
        assert_eq!(Origin::parse(text).unwrap().is_local(), expected, "{text}");
    }
}
