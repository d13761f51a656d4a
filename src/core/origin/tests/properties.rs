//! What holds for all inputs.

use std::net::Ipv6Addr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Origin, OriginPattern, OriginRef, TrustedOrigins, punycode};

/// Hosts of few labels, so that they cover, extend and nearly equal one another.
fn host() -> impl Strategy<Value = String> {
    let label = select(vec!["a", "b", "ab", "ba", "aa", "xn--bcher-kva"]);
    (vec(label, 1..4), any::<bool>())
        .prop_map(|(labels, dot)| labels.join(".") + if dot { "." } else { "" })
}

fn scheme() -> impl Strategy<Value = &'static str> {
    select(vec!["https", "http", "app"])
}

fn pattern() -> impl Strategy<Value = String> {
    let (wild, port) = (
        select(vec!["", "*."]),
        select(vec!["", ":1", ":8443", ":*"]),
    );
    (scheme(), wild, host(), port)
        .prop_map(|(scheme, wild, host, port)| format!("{scheme}://{wild}{host}{port}"))
}

fn origin() -> impl Strategy<Value = String> {
    let port = select(vec![
        "", ":1", ":8443", ":0", ":", ":443", "/", "@a", ":65536",
    ]);
    (scheme(), host(), port).prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

/// A slow matcher over text, written from the definition of patterns alone.
fn naive(patterns: &[String], origin: &str) -> bool {
    let (scheme, rest) = origin.split_once("://").unwrap();
    let (host, port) = rest
        .split_once(':')
        .map_or((rest, None), |(host, port)| (host, Some(port)));
    let is_port = port.is_none_or(|port| {
        port.parse::<u16>()
            .is_ok_and(|n| n > 0 && n.to_string() == port)
    });
    let is_host = host
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
    is_port
        && is_host
        && patterns.iter().any(|pattern| {
            let (own_scheme, rest) = pattern.split_once("://").unwrap();
            let (own_host, own_port) = rest
                .split_once(':')
                .map_or((rest, None), |(host, port)| (host, Some(port)));
            let fits_host = match own_host.strip_prefix('*') {
                Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
                None => host == own_host,
            };
            scheme == own_scheme && fits_host && (own_port == Some("*") || own_port == port)
        })
}

fn compile(patterns: &[String]) -> TrustedOrigins {
    TrustedOrigins::builder()
        .origins(patterns)
        .credentials(false)
        .build()
        .unwrap()
}

/// Texts that go wrong in interesting ways.
fn mess() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "https", "http", "://", ":", "/", "//", "*.", "*", "a", "B", ".", "..", "-", "xn--", "[",
        "]", "::", "1", "127", "0x", "@", "?", "#", ",", " ", "%", "\\", "\u{fc}", "443", "0",
        "com",
    ]);
    prop_oneof![
        vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        any::<String>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_compiled_matcher_is_the_naive_one(patterns in vec(pattern(), 0..6), origins in vec(origin(), 1..20)) {
        let set = compile(&patterns);
        for origin in origins {
            let expected = naive(&patterns, &origin);
            prop_assert_eq!(set.matches(origin.as_bytes()).is_some(), expected, "{} {:?}", origin, &patterns);
            let parsed = OriginRef::parse(origin.as_bytes());
            prop_assert_eq!(parsed.is_some_and(|parsed| set.contains(&parsed)), expected);
        }
    }

    #[test]
    fn compaction_keeps_the_accepted_set(patterns in vec(pattern(), 1..8), origins in vec(origin(), 1..20)) {
        let left: Vec<String> = compile(&patterns).iter().map(ToString::to_string).collect();
        prop_assert!(left.iter().all(|pattern| patterns.contains(pattern)));
        for origin in origins {
            prop_assert_eq!(naive(&left, &origin), naive(&patterns, &origin), "{} {:?} {:?}", origin, &left, &patterns);
        }
        prop_assert_eq!(compile(&left).len(), left.len());
    }

    #[test]
    fn parsing_prints_what_it_read(text in prop_oneof![mess(), pattern()]) {
        match OriginPattern::parse(&text) {
            Ok(pattern) => {
                prop_assert_eq!(pattern.as_str(), &text);
                let wild = if pattern.includes_subdomains() { "*." } else { "" };
                let port = match pattern.port() {
                    Some(port) => format!(":{port}"),
                    None if pattern.allows_any_port() => ":*".to_owned(),
                    None => String::new(),
                };
                prop_assert_eq!(format!("{}://{wild}{}{port}", pattern.scheme(), pattern.host()), text);
            }
            Err(error) => {
                if let Some(instead) = error.instead() {
                    prop_assert!(OriginPattern::parse(instead).is_ok(), "{} -> {}", text, instead);
                }
            }
        }
    }

    #[test]
    fn both_parsers_agree(text in prop_oneof![mess(), origin(), pattern()]) {
        if let Ok(origin) = Origin::parse(&text) {
            let request = OriginRef::parse(text.as_bytes()).unwrap();
            prop_assert_eq!((origin.scheme(), origin.host(), origin.port()), (request.scheme(), request.host(), request.port()));
            prop_assert_eq!(origin.is_local(), request.is_local());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in vec(any::<u8>(), 0..400)) {
        let set = compile(&["https://*.a".to_owned(), "https://a".to_owned()]);
        prop_assert_eq!(set.matches(&bytes), None);
        prop_assert!(OriginRef::from_referer(&bytes).is_none_or(|origin| bytes.starts_with(origin.as_bytes())));
    }

    #[test]
    fn addresses_have_one_spelling(address in any::<u128>().prop_map(Ipv6Addr::from_bits), shift in 0_u32..128) {
        let address = Ipv6Addr::from_bits(address.to_bits() >> shift);
        let canonical = address.to_string();
        let long = address.segments().map(|group| format!("{group:x}")).join(":");
        for text in [&canonical, &long] {
            let accepted = OriginPattern::parse(&format!("https://[{text}]")).is_ok();
            prop_assert_eq!(accepted, *text == canonical && address.to_ipv4_mapped().is_none(), "{}", text);
        }
    }

    #[test]
    fn punycode_is_that_of_idna(label in "[a-z0-9\u{e0}-\u{ff}\u{430}-\u{44f}\u{4e00}-\u{4e20}\u{1f600}]{1,30}") {
        let code = punycode::encode(&label).unwrap();
        prop_assert_eq!(Some(code.clone()), idna::punycode::encode_str(&label));
        if !label.is_ascii() && code.len() <= 63 {
            prop_assert_eq!(punycode::decode(&code), Some(label));
        }
    }

    /// What makes "decodes" imply "round-trips".
    #[test]
    fn decoding_is_injective(code in "[a-z0-9]{0,6}(-[a-z0-9]{1,8})?") {
        let decoded = punycode::decode(&code);
        prop_assert_eq!(&decoded, &idna::punycode::decode_to_string(&code));
        if let Some(decoded) = decoded {
            prop_assert_eq!(punycode::encode(&decoded), Some(code));
        }
    }

    #[test]
    fn what_idna_accepts_strictly_is_accepted(label in prop_oneof![
        "[a-z0-9-]{1,8}",
        "[a-z]{0,3}[\u{e0}-\u{f6}\u{5d0}-\u{5ea}\u{430}-\u{44f}\u{4e00}-\u{4e20}]{1,4}[a-z0-9]{0,2}",
    ]) {
        let strict = Uts46::new().to_ascii(label.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
        let host = strict.as_deref().unwrap_or(&label);
        let accepted = OriginPattern::parse(&format!("https://{host}.example")).is_ok();
        prop_assert!(accepted || strict.is_err(), "{}", host);
        if label.is_ascii() && !label.starts_with("xn--") {
            prop_assert_eq!(accepted, strict.is_ok(), "{}", label);
        }
    }
}
