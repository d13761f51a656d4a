//! Origins: what the strict parser accepts is what was written, and the compiled set is the slow matcher.

use std::net::Ipv6Addr;

use tower_security::core::origin::{
    Match, Origin, OriginPattern, OriginRef, PublicSuffixes, TrustedOrigins,
};

/// The text is an origin, a pattern or a public suffix list.
pub fn origin_pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match OriginPattern::parse(text) {
        Ok(pattern) => {
            assert_eq!(pattern.as_str(), text);
            let wild = if pattern.includes_subdomains() {
                "*."
            } else {
                ""
            };
            let port = match pattern.port() {
                Some(port) => format!(":{port}"),
                None if pattern.allows_any_port() => ":*".to_owned(),
                None => String::new(),
            };
            let printed = format!("{}://{wild}{}{port}", pattern.scheme(), pattern.host());
            assert_eq!(printed, text);
            assert_eq!(pattern.is_exact(), Origin::parse(text).is_ok());
        }
        Err(error) => {
            assert!(Origin::parse(text).is_err());
            if let Some(instead) = error.instead() {
                assert!(OriginPattern::parse(instead).is_ok(), "{instead:?}");
            }
        }
    }
    if let Ok(origin) = Origin::parse(text) {
        let request = OriginRef::parse(data).expect("a configured origin is one of a request");
        assert_eq!(
            (
                origin.scheme(),
                origin.host(),
                origin.port(),
                origin.is_local()
            ),
            (
                request.scheme(),
                request.host(),
                request.port(),
                request.is_local()
            )
        );
    }
    if let Ok(suffixes) = PublicSuffixes::parse(text) {
        assert!(suffixes.contains("single"));
    }
    let built = TrustedOrigins::builder().origins([text]).build();
    assert!(built.is_err() || OriginPattern::parse(text).is_ok());
}

/// The first line is the `Origin` of a request, each other line an origin or a pattern.
pub fn origin_request(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let header = lines.next().unwrap_or_default();
    let patterns: Vec<&str> = lines
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter(|line| OriginPattern::parse(line).is_ok())
        .take(64)
        .collect();
    let slow = parse(header);

    let parsed = OriginRef::parse(header);
    assert_eq!(
        parsed.map(|origin| (origin.scheme(), origin.host(), origin.port())),
        slow
    );

    let trusted = TrustedOrigins::builder()
        .origins(&patterns)
        .credentials(false)
        .build()
        .expect("each line is right by itself");
    let expected =
        slow.is_some_and(|origin| patterns.iter().any(|pattern| accepts(pattern, origin)));
    let found = trusted.matches(header);
    assert_eq!(found.is_some(), expected, "{patterns:?}");
    let is_listed = expected && patterns.iter().any(|pattern| pattern.as_bytes() == header);
    assert_eq!(
        matches!(found, Some(Match::Exact(value)) if value.as_bytes() == header),
        is_listed
    );
}

/// A slow reader of a serialised origin.
fn parse(header: &[u8]) -> Option<(&str, &str, Option<u16>)> {
    let text = std::str::from_utf8(header)
        .ok()
        .filter(|text| text.len() <= 326)?;
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = (1..=64).contains(&scheme.len())
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
    let (host, port) = match rest
        .rfind(':')
        .filter(|colon| !rest[*colon..].contains(']'))
    {
        Some(colon) => (&rest[..colon], Some(&rest[colon + 1..])),
        None => (rest, None),
    };
    let port = match port {
        Some(port) => Some(
            port.parse::<u16>()
                .ok()
                .filter(|n| *n > 0 && n.to_string() == port)?,
        ),
        None => None,
    };
    let is_host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok() && address.to_lowercase() == address,
        None => {
            (1..=253).contains(&host.len())
                && host
                    .strip_suffix('.')
                    .unwrap_or(host)
                    .split('.')
                    .all(|label| !label.is_empty())
                && host
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c))
        }
    };
    (is_scheme && is_host).then_some((scheme, host, port))
}

/// A slow matcher over the text of a pattern.
fn accepts(pattern: &str, (scheme, host, port): (&str, &str, Option<u16>)) -> bool {
    let (own_scheme, rest) = pattern.split_once("://").expect("a pattern has a scheme");
    let own_port = rest
        .rfind(':')
        .filter(|colon| !rest[*colon..].contains(']'));
    let (own_host, own_port) = own_port.map_or((rest, None), |colon| {
        (&rest[..colon], Some(&rest[colon + 1..]))
    });
    let fits_host = match own_host.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == own_host,
    };
    let fits_port =
        own_port == Some("*") || own_port.map(str::to_owned) == port.map(|port| port.to_string());
    own_scheme == scheme && fits_host && fits_port
}
