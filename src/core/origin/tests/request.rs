//! The reader of request headers.

use super::super::{OriginRef, parse::MAX_ORIGIN};

#[test]
fn what_browsers_send() {
    let rows: [(&[u8], (&str, &str, Option<u16>)); 8] = [
        (b"https://a.example", ("https", "a.example", None)),
        (b"http://a.example:8080", ("http", "a.example", Some(8080))),
        (
            b"https://a.example.:65535",
            ("https", "a.example.", Some(65535)),
        ),
        (b"https://a_b.example", ("https", "a_b.example", None)),
        (b"http://127.0.0.1:1", ("http", "127.0.0.1", Some(1))),
        (b"https://[2001:db8::1]", ("https", "[2001:db8::1]", None)),
        (b"http://[::1]:3000", ("http", "[::1]", Some(3000))),
        (b"chrome-extension://abc", ("chrome-extension", "abc", None)),
    ];
    for (bytes, parts) in rows {
        let origin = OriginRef::parse(bytes).unwrap();
        assert_eq!((origin.scheme(), origin.host(), origin.port()), parts);
        assert_eq!(
            (origin.as_bytes(), origin.as_str().as_bytes()),
            (bytes, bytes)
        );
    }
}

#[test]
fn what_is_no_origin() {
    let rows: [&[u8]; 39] = [
        b"",
        b"null",
        b"*",
        b"a.example",
        b"://a.example",
        b"https:",
        b"https:/a.example",
        b"https://",
        b"https://:80",
        b"https://.",
        b"https://.a.example",
        b"https://a..example",
        b"https://a.example..",
        b"https://a.example/",
        b"https://a.example/path",
        b"https://a.example?",
        b"https://a.example#",
        b"https://a.example\\",
        b"https://user@a.example",
        b"https://user:1@a.example",
        b"https://a.example,https://b.example",
        b"https://a.example https://b.example",
        b" https://a.example",
        b"https://a.example ",
        b"https://a.example\t",
        b"https://a.example\xff",
        b"https://\xc3\xbc.example",
        b"HTTPS://a.example",
        b"https://A.example",
        b"https://*.a.example",
        b"https://a.example:",
        b"https://a.example:0",
        b"https://a.example:080",
        b"https://a.example:65536",
        b"https://a.example:+1",
        b"https://a.example:*",
        b"https://[::1",
        b"https://[::A]",
        b"https://[::1]a",
    ];
    for bytes in rows {
        assert_eq!(OriginRef::parse(bytes), None, "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_length_is_looked_at_first() {
    let longest = format!("{}://{}:65535", "a".repeat(64), "a".repeat(253));
    assert_eq!(longest.len(), MAX_ORIGIN);
    assert!(OriginRef::parse(longest.as_bytes()).is_some());
    assert_eq!(OriginRef::parse(format!("{longest}5").as_bytes()), None);
    assert_eq!(
        OriginRef::parse(format!("{}://a", "a".repeat(65)).as_bytes()),
        None
    );
    assert_eq!(
        OriginRef::parse(format!("https://{}", "a".repeat(254)).as_bytes()),
        None
    );
}

#[test]
fn the_origin_of_a_referer() {
    let rows: [(&[u8], Option<&str>); 12] = [
        (b"https://a.example/path?q", Some("https://a.example")),
        (b"https://a.example", Some("https://a.example")),
        (b"https://a.example:8443?q", Some("https://a.example:8443")),
        (b"http://[::1]:3000/", Some("http://[::1]:3000")),
        (b"https://a.example#f", Some("https://a.example")),
        (b"https://a.example@evil.example/", None),
        (b"https://a.example\\@evil.example/", None),
        (b"https:///a.example/", None),
        (b"about:blank", None),
        (b"android-app://a.example/", None),
        (b"/path", None),
        (b"", None),
    ];
    for (referer, expected) in rows {
        let origin = OriginRef::from_referer(referer);
        assert_eq!(
            origin.map(|origin| origin.as_str()),
            expected,
            "{}",
            referer.escape_ascii()
        );
    }
    let long = |len: usize| format!("https://a.example/{}", "a".repeat(len - 18));
    assert!(OriginRef::from_referer(long(4096).as_bytes()).is_some());
    assert_eq!(OriginRef::from_referer(long(4097).as_bytes()), None);
}
