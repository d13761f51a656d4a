use super::*;
use IpSource::{AllTrusted, Degraded, Forwarded, Peer};

/// Name, peer, headers, the client's address and where it comes from.
type Row = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static [u8])],
    Option<(&'static str, IpSource)>,
);

fn expect(proxies: &TrustedProxies, rows: &[Row]) {
    for &(name, peer, headers, expected) in rows {
        let parts = call(peer, headers);
        let client = proxies.resolve(&parts);
        let seen = client.map(|client| (client.ip(), client.source()));
        let expected = expected.map(|(ip, source)| (ip.parse().unwrap(), source));
        assert_eq!(seen, expected, "{name}");
        if let Some(client) = client {
            assert_eq!(client.is_degraded(), client.source() == Degraded, "{name}");
            assert_eq!(client.peer(), proxies.peer(&parts.extensions), "{name}");
        }
    }
}

const XFF: &str = "x-forwarded-for";
const FWD: &str = "forwarded";

#[test]
fn direct_reads_no_header() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("no header", "192.0.2.7", &[], Some(("192.0.2.7", Peer))),
        ("spoofed", "192.0.2.7", &[(XFF, b"127.0.0.1"), (FWD, b"for=127.0.0.1")], Some(("192.0.2.7", Peer))),
        ("mapped peer", "::ffff:192.0.2.7", &[], Some(("192.0.2.7", Peer))),
        ("compatible is not mapped", "::192.0.2.7", &[], Some(("::192.0.2.7", Peer))),
        ("no peer", "none", &[(XFF, b"192.0.2.7")], None),
        ("unix peer", "unix", &[(XFF, b"192.0.2.7")], None),
    ];
    expect(&TrustedProxies::direct(), rows);
}

#[test]
fn x_forwarded_for_is_walked_from_the_right() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("one proxy", "10.0.0.1", &[(XFF, b"192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("leftmost spoof", "10.0.0.1", &[(XFF, b"127.0.0.1, 192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("spoof of a trusted address", "10.0.0.1", &[(XFF, b"10.9.9.9, 192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("two proxies", "10.0.0.1", &[(XFF, b"6.6.6.6, 192.0.2.7, 10.0.0.2")], Some(("192.0.2.7", Forwarded))),
        ("untrusted peer", "203.0.113.9", &[(XFF, b"192.0.2.7")], Some(("203.0.113.9", Peer))),
        ("nearly trusted peer", "11.0.0.0", &[(XFF, b"192.0.2.7")], Some(("11.0.0.0", Peer))),
        ("absent", "10.0.0.1", &[], Some(("10.0.0.1", Peer))),
        ("empty", "10.0.0.1", &[(XFF, b"")], Some(("10.0.0.1", Peer))),
        ("only commas", "10.0.0.1", &[(XFF, b" ,\t, ,")], Some(("10.0.0.1", Peer))),
        ("no peer", "none", &[(XFF, b"192.0.2.7")], None),
        ("untrusted unix peer", "unix", &[(XFF, b"192.0.2.7")], None),
        ("other family is not consulted", "10.0.0.1", &[(FWD, b"for=192.0.2.7")], Some(("10.0.0.1", Peer))),
        (
            "both families",
            "10.0.0.1",
            &[(FWD, b"for=6.6.6.6"), (XFF, b"192.0.2.7"), ("x-real-ip", b"6.6.6.6")],
            Some(("192.0.2.7", Forwarded)),
        ),
        (
            "several lines, the last first",
            "10.0.0.1",
            &[(XFF, b"6.6.6.6"), (XFF, b"7.7.7.7, 192.0.2.7"), (XFF, b"10.0.0.3, 10.0.0.2")],
            Some(("192.0.2.7", Forwarded)),
        ),
        ("an empty last line", "10.0.0.1", &[(XFF, b"192.0.2.7"), (XFF, b"")], Some(("192.0.2.7", Forwarded))),
        ("empty elements", "10.0.0.1", &[(XFF, b"192.0.2.7, ,, 10.0.0.2 ,")], Some(("192.0.2.7", Forwarded))),
        ("spaces and tabs", "10.0.0.1", &[(XFF, b"6.6.6.6 ,\t 192.0.2.7 \t")], Some(("192.0.2.7", Forwarded))),
        ("all trusted", "10.0.0.1", &[(XFF, b"10.1.0.1, 10.0.0.3, 10.0.0.2")], Some(("10.1.0.1", AllTrusted))),
        ("all trusted over two lines", "10.0.0.1", &[(XFF, b"10.1.0.1"), (XFF, b"10.0.0.2")], Some(("10.1.0.1", AllTrusted))),
        ("garbage left of the client", "10.0.0.1", &[(XFF, b"'; DROP TABLE--, \xff\xfe, 192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("garbage line left of the client", "10.0.0.1", &[(XFF, b"\"open, "), (XFF, b"192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("garbage right of the client", "10.0.0.1", &[(XFF, b"192.0.2.7, garbage")], Some(("10.0.0.1", Degraded))),
        ("garbage behind one proxy", "10.0.0.1", &[(XFF, b"192.0.2.7, garbage, 10.0.0.2")], Some(("10.0.0.2", Degraded))),
        ("not ASCII", "10.0.0.1", &[(XFF, b"192.0.2.7, 192.0.2.\xb2, 10.0.0.2")], Some(("10.0.0.2", Degraded))),
        ("unknown", "10.0.0.1", &[(XFF, b"192.0.2.7, unknown")], Some(("10.0.0.1", Degraded))),
        ("two addresses, one element", "10.0.0.1", &[(XFF, b"192.0.2.7 192.0.2.8")], Some(("10.0.0.1", Degraded))),
    ];
    expect(&behind(ForwardHeader::XForwardedFor).build().unwrap(), rows);
}

#[test]
fn elements_of_x_forwarded_for_are_addresses_with_or_without_port() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("v4 and port", "10.0.0.1", &[(XFF, b"192.0.2.7:1")], Some(("192.0.2.7", Forwarded))),
        ("largest port", "10.0.0.1", &[(XFF, b"192.0.2.7:65535")], Some(("192.0.2.7", Forwarded))),
        ("port too large", "10.0.0.1", &[(XFF, b"192.0.2.7:65536")], Some(("10.0.0.1", Degraded))),
        ("port of six digits", "10.0.0.1", &[(XFF, b"192.0.2.7:000080")], Some(("10.0.0.1", Degraded))),
        ("port empty", "10.0.0.1", &[(XFF, b"192.0.2.7:")], Some(("10.0.0.1", Degraded))),
        ("port with a sign", "10.0.0.1", &[(XFF, b"192.0.2.7:+80")], Some(("10.0.0.1", Degraded))),
        ("proxy with a port", "10.0.0.1", &[(XFF, b"192.0.2.7:80, 10.0.0.2:443")], Some(("192.0.2.7", Forwarded))),
        ("bare v6", "10.0.0.1", &[(XFF, b"2001:db8::7")], Some(("2001:db8::7", Forwarded))),
        ("bare v6 has no port", "10.0.0.1", &[(XFF, b"2001:db8::7:80")], Some(("2001:db8::7:80", Forwarded))),
        ("bracketed v6", "10.0.0.1", &[(XFF, b"[2001:db8::7]")], Some(("2001:db8::7", Forwarded))),
        ("bracketed v6 and port", "10.0.0.1", &[(XFF, b"[2001:db8::7]:80")], Some(("2001:db8::7", Forwarded))),
        ("bracketed v6, port empty", "10.0.0.1", &[(XFF, b"[2001:db8::7]:")], Some(("10.0.0.1", Degraded))),
        ("junk behind the bracket", "10.0.0.1", &[(XFF, b"[2001:db8::7]x")], Some(("10.0.0.1", Degraded))),
        ("bracket not closed", "10.0.0.1", &[(XFF, b"[2001:db8::7")], Some(("10.0.0.1", Degraded))),
        ("bracket not opened", "10.0.0.1", &[(XFF, b"2001:db8::7]")], Some(("10.0.0.1", Degraded))),
        ("bracketed v4", "10.0.0.1", &[(XFF, b"[192.0.2.7]")], Some(("10.0.0.1", Degraded))),
        ("trusted v6 proxy", "2001:db8:ffff::1", &[(XFF, b"2001:db8::7, [2001:db8:ffff::2]:443")], Some(("2001:db8::7", Forwarded))),
        ("zone", "10.0.0.1", &[(XFF, b"fe80::1%eth0")], Some(("fe80::1", Forwarded))),
        ("zone in brackets", "10.0.0.1", &[(XFF, b"[fe80::1%25eth0]:80")], Some(("fe80::1", Forwarded))),
        ("zone empty", "10.0.0.1", &[(XFF, b"fe80::1%")], Some(("10.0.0.1", Degraded))),
        ("zone of a v4", "10.0.0.1", &[(XFF, b"192.0.2.7%eth0")], Some(("10.0.0.1", Degraded))),
        ("zone with a space", "10.0.0.1", &[(XFF, b"fe80::1%eth 0")], Some(("10.0.0.1", Degraded))),
        ("quotes", "10.0.0.1", &[(XFF, b"\"192.0.2.7\"")], Some(("10.0.0.1", Degraded))),
        ("octal", "10.0.0.1", &[(XFF, b"0300.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("leading zero", "10.0.0.1", &[(XFF, b"192.0.2.07")], Some(("10.0.0.1", Degraded))),
        ("hexadecimal", "10.0.0.1", &[(XFF, b"0xc0.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("short", "10.0.0.1", &[(XFF, b"192.0.519")], Some(("10.0.0.1", Degraded))),
        ("one number", "10.0.0.1", &[(XFF, b"3221225991")], Some(("10.0.0.1", Degraded))),
        ("a range", "10.0.0.1", &[(XFF, b"192.0.2.0/24")], Some(("10.0.0.1", Degraded))),
        ("a name", "10.0.0.1", &[(XFF, b"localhost")], Some(("10.0.0.1", Degraded))),
    ];
    expect(&behind(ForwardHeader::XForwardedFor).build().unwrap(), rows);
}

/// GHSA-5847-rm3g-23mw (two spellings, two budgets), CVE-2026-39409 (a filter that the mapped form passed).
#[test]
fn mapped_addresses_are_ipv4() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("mapped peer of a v4 range", "::ffff:10.0.0.1", &[(XFF, b"192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("mapped client", "10.0.0.1", &[(XFF, b"::ffff:192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("mapped client in hexadecimal", "10.0.0.1", &[(XFF, b"[::FFFF:c000:207]:80")], Some(("192.0.2.7", Forwarded))),
        ("mapped proxy", "10.0.0.1", &[(XFF, b"192.0.2.7, ::ffff:10.0.0.2")], Some(("192.0.2.7", Forwarded))),
        ("mapped with a zone", "10.0.0.1", &[(XFF, b"::ffff:192.0.2.7%1")], Some(("192.0.2.7", Forwarded))),
        ("compatible is not trusted", "::10.0.0.1", &[(XFF, b"192.0.2.7")], Some(("::10.0.0.1", Peer))),
        ("compatible is a client", "10.0.0.1", &[(XFF, b"6.6.6.6, ::10.0.0.2")], Some(("::10.0.0.2", Forwarded))),
    ];
    expect(&behind(ForwardHeader::XForwardedFor).build().unwrap(), rows);
}

/// CVE-2026-30827: a /56 mask over `::ffff:0:0` put all of IPv4 into one bucket.
#[test]
fn prefixes_neither_split_a_client_nor_merge_two() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let prefix = |ip: &str| {
        let client = proxies
            .resolve(&call("10.0.0.1", &[(XFF, ip.as_bytes())]))
            .unwrap();
        client.prefix(32, 64).to_string()
    };
    assert_eq!(prefix("192.0.2.7"), "192.0.2.7/32");
    assert_eq!(prefix("::ffff:192.0.2.7"), "192.0.2.7/32");
    assert_eq!(prefix("::ffff:192.0.2.8"), "192.0.2.8/32");
    assert_eq!(prefix("2001:db8:0:1::"), "2001:db8:0:1::/64");
    assert_eq!(
        prefix("2001:db8:0:1:ffff:ffff:ffff:ffff"),
        "2001:db8:0:1::/64"
    );
    assert_eq!(prefix("2001:db8:0:2::"), "2001:db8:0:2::/64");
    let client = ClientIp::resolved_by_caller("2001:db8:1234:5678::1".parse().unwrap());
    assert_eq!(client.prefix(24, 48).to_string(), "2001:db8:1234::/48");
    assert_eq!(client.prefix(0, 0).to_string(), "::/0");
    assert_eq!(
        client.prefix(255, 255).to_string(),
        "2001:db8:1234:5678::1/128"
    );
    let client = ClientIp::resolved_by_caller("::ffff:192.0.2.7".parse().unwrap());
    assert_eq!(client.prefix(24, 48).to_string(), "192.0.2.0/24");
    assert_eq!(client.prefix(255, 0).to_string(), "192.0.2.7/32");
}

#[test]
fn elements_are_counted_to_thirty_two() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let forwarded = behind(ForwardHeader::Forwarded).build().unwrap();
    let seen = |trusted: usize| {
        let list = format!("192.0.2.7{}", ", 10.0.0.2".repeat(trusted));
        let client = proxies
            .resolve(&call("10.0.0.1", &[(XFF, list.as_bytes())]))
            .unwrap();
        let list = format!("for=192.0.2.7{}", ", for=10.0.0.2".repeat(trusted));
        let parts = call("10.0.0.1", &[(FWD, list.as_bytes())]);
        assert_eq!(forwarded.resolve(&parts), Some(client));
        // The same list, one element a line.
        let mut parts = call("10.0.0.1", &[(FWD, b"for=192.0.2.7")]);
        for _ in 0..trusted {
            let line = HeaderValue::from_static("for=10.0.0.2");
            parts.headers.append(FWD, line);
        }
        assert_eq!(forwarded.resolve(&parts), Some(client));
        (client.ip().to_string(), client.source())
    };
    assert_eq!(seen(31), ("192.0.2.7".to_owned(), Forwarded));
    assert_eq!(seen(32), ("10.0.0.2".to_owned(), Degraded));
    assert_eq!(seen(100), ("10.0.0.2".to_owned(), Degraded));

    let all_trusted = vec!["10.0.0.2"; 32].join(",");
    let parts = call("10.0.0.1", &[(XFF, all_trusted.as_bytes())]);
    assert_eq!(proxies.resolve(&parts).unwrap().source(), AllTrusted);

    let spoofed = format!("{}192.0.2.7", "6.6.6.6, ".repeat(100));
    let parts = call("10.0.0.1", &[(XFF, spoofed.as_bytes())]);
    assert_eq!(
        proxies.resolve(&parts).unwrap().ip().to_string(),
        "192.0.2.7"
    );
    let spoofed = format!("{}for=192.0.2.7", "for=6.6.6.6, ".repeat(100));
    let parts = call("10.0.0.1", &[(FWD, spoofed.as_bytes())]);
    assert_eq!(
        forwarded.resolve(&parts).unwrap().ip().to_string(),
        "192.0.2.7"
    );
}

#[test]
fn bytes_are_counted_to_4_kib() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let source = |list: &str| {
        let client = proxies
            .resolve(&call("10.0.0.1", &[(XFF, list.as_bytes())]))
            .unwrap();
        client.source()
    };
    // `192.0.2.7` and the spaces behind it are the 4096 bytes, with or without something left of them.
    assert_eq!(source(&format!("192.0.2.7{}", " ".repeat(4087))), Forwarded);
    assert_eq!(source(&format!("192.0.2.7{}", " ".repeat(4088))), Degraded);
    assert_eq!(
        source(&format!("6.6.6.6,192.0.2.7{}", " ".repeat(4087))),
        Forwarded
    );
    assert_eq!(
        source(&format!("6.6.6.6,192.0.2.7{}", " ".repeat(4088))),
        Degraded
    );
    // Each comma is a byte, and so is the end of a line.
    assert_eq!(source(&format!("192.0.2.7{}", ",".repeat(4087))), Forwarded);
    assert_eq!(source(&format!("192.0.2.7{}", ",".repeat(4088))), Degraded);
    assert_eq!(source(&",".repeat(4095)), Peer);
    assert_eq!(source(&",".repeat(65_536)), Degraded);
    assert_eq!(source(&"x".repeat(65_536)), Degraded);
    // Nothing left of the client is looked at.
    assert_eq!(
        source(&format!("{},192.0.2.7", "x".repeat(65_536))),
        Forwarded
    );

    let mut parts = call("10.0.0.1", &[(XFF, b"192.0.2.7")]);
    for _ in 0..4087 {
        parts.headers.append(XFF, HeaderValue::from_static(""));
    }
    assert_eq!(proxies.resolve(&parts).unwrap().source(), Forwarded);
    parts.headers.append(XFF, HeaderValue::from_static(""));
    assert_eq!(proxies.resolve(&parts).unwrap().source(), Degraded);

    let forwarded = behind(ForwardHeader::Forwarded).build().unwrap();
    let source = |padding: usize| {
        let list = format!("for=192.0.2.7{}", " ".repeat(padding));
        let client = forwarded
            .resolve(&call("10.0.0.1", &[(FWD, list.as_bytes())]))
            .unwrap();
        client.source()
    };
    assert_eq!(source(65_523), Forwarded);
    assert_eq!(source(65_524), Degraded);

    // What a client puts before the element that a proxy adds to the same line does not hide it.
    let padded = format!("for=6.6.6.6;x={}, for=192.0.2.7", "a".repeat(16_384));
    let client = forwarded.resolve(&call("10.0.0.1", &[(FWD, padded.as_bytes())]));
    assert_eq!(client.unwrap().ip().to_string(), "192.0.2.7");
}

#[test]
fn forwarded_is_parsed_by_rfc_7239() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("token", "10.0.0.1", &[(FWD, b"for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("quoted", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7\"")], Some(("192.0.2.7", Forwarded))),
        ("quoted with port", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7:47011\"")], Some(("192.0.2.7", Forwarded))),
        ("section 4, upper case", "10.0.0.1", &[(FWD, b"For=\"[2001:db8:cafe::17]:4711\"")], Some(("2001:db8:cafe::17", Forwarded))),
        ("section 4, all parameters", "10.0.0.1", &[(FWD, b"for=192.0.2.60;proto=http;by=203.0.113.43")], Some(("192.0.2.60", Forwarded))),
        ("section 4, two elements", "10.0.0.1", &[(FWD, b"for=192.0.2.43, for=198.51.100.17")], Some(("198.51.100.17", Forwarded))),
        ("section 7.1, three elements", "10.0.0.1", &[(FWD, b"for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=10.0.0.9")], Some(("2001:db8:cafe::17", Forwarded))),
        ("obfuscated port", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7:_gazonk\"")], Some(("192.0.2.7", Forwarded))),
        ("obfuscated port, empty", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7:_\"")], Some(("10.0.0.1", Degraded))),
        ("escapes", "10.0.0.1", &[(FWD, b"for=\"192\\.0.2\\.7\"")], Some(("192.0.2.7", Forwarded))),
        ("mapped", "10.0.0.1", &[(FWD, b"for=\"[::ffff:192.0.2.7]\"")], Some(("192.0.2.7", Forwarded))),
        ("zone", "10.0.0.1", &[(FWD, b"for=\"[fe80::1%eth0]\"")], Some(("fe80::1", Forwarded))),
        ("leftmost spoof", "10.0.0.1", &[(FWD, b"for=127.0.0.1, for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("two proxies", "10.0.0.1", &[(FWD, b"for=6.6.6.6, for=192.0.2.7;by=10.0.0.2, for=10.0.0.2")], Some(("192.0.2.7", Forwarded))),
        ("several lines", "10.0.0.1", &[(FWD, b"for=6.6.6.6"), (FWD, b"for=192.0.2.7"), (FWD, b"for=10.0.0.2")], Some(("192.0.2.7", Forwarded))),
        ("all trusted", "10.0.0.1", &[(FWD, b"for=10.1.0.1, for=10.0.0.2")], Some(("10.1.0.1", AllTrusted))),
        ("absent", "10.0.0.1", &[], Some(("10.0.0.1", Peer))),
        ("empty elements", "10.0.0.1", &[(FWD, b", ,for=192.0.2.7 , ,")], Some(("192.0.2.7", Forwarded))),
        ("only commas", "10.0.0.1", &[(FWD, b" , ,")], Some(("10.0.0.1", Peer))),
        ("empty pairs", "10.0.0.1", &[(FWD, b";for=192.0.2.7;;proto=https;")], Some(("192.0.2.7", Forwarded))),
        ("spaces around semicolons", "10.0.0.1", &[(FWD, b"proto=https ; for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("quoted comma and semicolon", "10.0.0.1", &[(FWD, b"for=192.0.2.7;host=\"a,for=6.6.6.6;for=\"")], Some(("192.0.2.7", Forwarded))),
        ("quoted quote", "10.0.0.1", &[(FWD, b"for=192.0.2.7;host=\"a\\\",for=6.6.6.6\"")], Some(("192.0.2.7", Forwarded))),
        ("not ASCII in another parameter", "10.0.0.1", &[(FWD, b"for=192.0.2.7;host=\"\xe9\"")], Some(("192.0.2.7", Forwarded))),
        ("untrusted peer", "203.0.113.9", &[(FWD, b"for=192.0.2.7")], Some(("203.0.113.9", Peer))),
        ("other family is not consulted", "10.0.0.1", &[(XFF, b"192.0.2.7")], Some(("10.0.0.1", Peer))),
    ];
    expect(&behind(ForwardHeader::Forwarded).build().unwrap(), rows);
}

#[test]
fn forwarded_stops_at_what_names_no_address() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("unknown", "10.0.0.1", &[(FWD, b"for=192.0.2.7, for=unknown")], Some(("10.0.0.1", Degraded))),
        ("obfuscated", "10.0.0.1", &[(FWD, b"for=192.0.2.7, for=_hidden, for=10.0.0.2")], Some(("10.0.0.2", Degraded))),
        ("obfuscated, quoted", "10.0.0.1", &[(FWD, b"for=\"_SEVKISEK\"")], Some(("10.0.0.1", Degraded))),
        ("unknown left of the client", "10.0.0.1", &[(FWD, b"for=unknown, for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("no for", "10.0.0.1", &[(FWD, b"for=192.0.2.7, proto=https;by=10.0.0.1")], Some(("10.0.0.1", Degraded))),
        ("only a semicolon", "10.0.0.1", &[(FWD, b"for=192.0.2.7, ;")], Some(("10.0.0.1", Degraded))),
        ("two for", "10.0.0.1", &[(FWD, b"for=192.0.2.7;for=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("three for", "10.0.0.1", &[(FWD, b"for=192.0.2.7;For=192.0.2.7;FOR=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("two for left of the client", "10.0.0.1", &[(FWD, b"for=6.6.6.6;for=6.6.6.6, for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("empty for", "10.0.0.1", &[(FWD, b"for=\"\"")], Some(("10.0.0.1", Degraded))),
        ("bare v6 in quotes", "10.0.0.1", &[(FWD, b"for=\"2001:db8::7\"")], Some(("10.0.0.1", Degraded))),
        ("not ASCII", "10.0.0.1", &[(FWD, b"for=\"192.0.2.\xb2\"")], Some(("10.0.0.1", Degraded))),
        ("zone too long", "10.0.0.1", &[(FWD, b"for=\"[fe80::1%\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a]\"")], Some(("10.0.0.1", Degraded))),
        ("open quote", "10.0.0.1", &[(FWD, b"for=192.0.2.7;host=\"a")], Some(("10.0.0.1", Degraded))),
        ("open quote left of the proxy's element", "10.0.0.1", &[(FWD, b"for=\"6.6.6.6, for=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("quote that swallows the proxy's quote", "10.0.0.1", &[(FWD, b"host=\", for=\"[2001:db8::7]\"")], Some(("10.0.0.1", Degraded))),
        ("backslash at the end", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7\\")], Some(("10.0.0.1", Degraded))),
        ("a nameless pair", "10.0.0.1", &[(FWD, b"=x, for=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("a named pair", "10.0.0.1", &[(FWD, b"a=x, for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("a pair without value", "10.0.0.1", &[(FWD, b"a=, for=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("a pair with an empty value", "10.0.0.1", &[(FWD, b"a=\"\", for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("a word alone", "10.0.0.1", &[(FWD, b"a, for=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("junk behind the quote", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7\"x")], Some(("10.0.0.1", Degraded))),
        ("v6 without quotes", "10.0.0.1", &[(FWD, b"for=[2001:db8::7]")], Some(("10.0.0.1", Degraded))),
        ("port without quotes", "10.0.0.1", &[(FWD, b"for=192.0.2.7:80")], Some(("10.0.0.1", Degraded))),
        ("no value", "10.0.0.1", &[(FWD, b"for=")], Some(("10.0.0.1", Degraded))),
        ("no name", "10.0.0.1", &[(FWD, b"=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("no equals sign", "10.0.0.1", &[(FWD, b"192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("space before the equals sign", "10.0.0.1", &[(FWD, b"for =192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("space behind the equals sign", "10.0.0.1", &[(FWD, b"for= 192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("malformed line left of the client's", "10.0.0.1", &[(FWD, b"for=\""), (FWD, b"for=192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("malformed line behind a proxy", "10.0.0.1", &[(FWD, b"for=192.0.2.7, for=\""), (FWD, b"for=10.0.0.2")], Some(("10.0.0.2", Degraded))),
        ("a quoted string never spans lines", "10.0.0.1", &[(FWD, b"for=\"192.0.2.7"), (FWD, b"\"")], Some(("10.0.0.1", Degraded))),
    ];
    expect(&behind(ForwardHeader::Forwarded).build().unwrap(), rows);
}

#[test]
fn headers_with_one_address_have_one_line_and_no_port() {
    const BARE: [(ForwardHeader, &str); 5] = [
        (ForwardHeader::CfConnectingIp, "cf-connecting-ip"),
        (ForwardHeader::FlyClientIp, "fly-client-ip"),
        (ForwardHeader::TrueClientIp, "true-client-ip"),
        (
            ForwardHeader::XEnvoyExternalAddress,
            "x-envoy-external-address",
        ),
        (ForwardHeader::XRealIp, "x-real-ip"),
    ];
    for (header, name) in BARE {
        let proxies = behind(header).build().unwrap();
        #[rustfmt::skip]
        let rows: &[(&str, &[&[u8]], &str, IpSource)] = &[
            ("10.0.0.1", &[b"192.0.2.7"], "192.0.2.7", Forwarded),
            ("10.0.0.1", &[b"2001:db8::7"], "2001:db8::7", Forwarded),
            ("10.0.0.1", &[b"::ffff:192.0.2.7"], "192.0.2.7", Forwarded),
            ("10.0.0.1", &[b"fe80::1%eth0"], "fe80::1", Forwarded),
            ("10.0.0.1", &[b"\t192.0.2.7 "], "192.0.2.7", Forwarded),
            ("10.0.0.1", &[b"10.0.0.2"], "10.0.0.2", Forwarded),
            ("10.0.0.1", &[], "10.0.0.1", Peer),
            ("203.0.113.9", &[b"192.0.2.7"], "203.0.113.9", Peer),
            ("10.0.0.1", &[b"192.0.2.7", b"192.0.2.7"], "10.0.0.1", Degraded),
            ("10.0.0.1", &[b"192.0.2.7, 192.0.2.7"], "10.0.0.1", Degraded),
            ("10.0.0.1", &[b"192.0.2.7:80"], "10.0.0.1", Degraded),
            ("10.0.0.1", &[b"[2001:db8::7]"], "10.0.0.1", Degraded),
            ("10.0.0.1", &[b""], "10.0.0.1", Degraded),
            ("10.0.0.1", &[b"unknown"], "10.0.0.1", Degraded),
            ("10.0.0.1", &[b"192.0.2.\xb2"], "10.0.0.1", Degraded),
        ];
        for &(peer, values, ip, source) in rows {
            let headers: Vec<_> = values.iter().map(|value| (name, *value)).collect();
            let client = proxies.resolve(&call(peer, &headers)).unwrap();
            assert_eq!(
                (client.ip().to_string().as_str(), client.source()),
                (ip, source),
                "{name} {values:?}"
            );
        }
        // Each reads its own header alone.
        for (_, other) in BARE.into_iter().filter(|(_, other)| *other != name) {
            let client = proxies
                .resolve(&call("10.0.0.1", &[(other, b"192.0.2.7")]))
                .unwrap();
            assert_eq!(client.source(), Peer, "{name} {other}");
        }
    }
}

#[test]
fn the_viewer_of_cloudfront_has_a_port_behind_the_last_colon() {
    const CFV: &str = "cloudfront-viewer-address";
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("v4", "10.0.0.1", &[(CFV, b"198.51.100.10:46532")], Some(("198.51.100.10", Forwarded))),
        ("v6", "10.0.0.1", &[(CFV, b"2001:db8:85a3:0:0:8a2e:370:7334:46532")], Some(("2001:db8:85a3::8a2e:370:7334", Forwarded))),
        ("short v6", "10.0.0.1", &[(CFV, b"2001:db8::7:443")], Some(("2001:db8::7", Forwarded))),
        ("v4 without port", "10.0.0.1", &[(CFV, b"198.51.100.10")], Some(("10.0.0.1", Degraded))),
        ("v6 in brackets", "10.0.0.1", &[(CFV, b"[2001:db8::7]:443")], Some(("10.0.0.1", Degraded))),
        ("port too large", "10.0.0.1", &[(CFV, b"198.51.100.10:65536")], Some(("10.0.0.1", Degraded))),
        ("no address", "10.0.0.1", &[(CFV, b":443")], Some(("10.0.0.1", Degraded))),
        ("two lines", "10.0.0.1", &[(CFV, b"198.51.100.10:1"), (CFV, b"198.51.100.10:1")], Some(("10.0.0.1", Degraded))),
        ("absent", "10.0.0.1", &[], Some(("10.0.0.1", Peer))),
        ("untrusted peer", "203.0.113.9", &[(CFV, b"198.51.100.10:46532")], Some(("203.0.113.9", Peer))),
    ];
    expect(
        &behind(ForwardHeader::CloudFrontViewerAddress)
            .build()
            .unwrap(),
        rows,
    );
}

#[test]
fn hops_count_elements_from_the_right() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("exactly two", "10.0.0.1", &[(XFF, b"192.0.2.7, 198.51.100.1")], Some(("192.0.2.7", Forwarded))),
        ("a spoof more", "10.0.0.1", &[(XFF, b"6.6.6.6, 192.0.2.7, 198.51.100.1")], Some(("192.0.2.7", Forwarded))),
        ("two lines", "10.0.0.1", &[(XFF, b"6.6.6.6, 192.0.2.7"), (XFF, b"198.51.100.1")], Some(("192.0.2.7", Forwarded))),
        ("empty elements do not count", "10.0.0.1", &[(XFF, b"192.0.2.7, , 198.51.100.1,")], Some(("192.0.2.7", Forwarded))),
        ("the hops between are not parsed", "10.0.0.1", &[(XFF, b"192.0.2.7, unknown")], Some(("192.0.2.7", Forwarded))),
        ("trusted addresses count as well", "10.0.0.1", &[(XFF, b"6.6.6.6, 10.0.0.3, 10.0.0.2")], Some(("10.0.0.3", Forwarded))),
        ("short by one", "10.0.0.1", &[(XFF, b"192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("unparsable", "10.0.0.1", &[(XFF, b"unknown, 198.51.100.1")], Some(("10.0.0.1", Degraded))),
        ("absent", "10.0.0.1", &[], Some(("10.0.0.1", Peer))),
        ("empty", "10.0.0.1", &[(XFF, b" , ")], Some(("10.0.0.1", Peer))),
        ("peer is no hop", "203.0.113.9", &[(XFF, b"192.0.2.7, 198.51.100.1")], Some(("203.0.113.9", Peer))),
        ("unix peer", "unix", &[(XFF, b"192.0.2.7, 198.51.100.1")], None),
        ("no peer", "none", &[(XFF, b"192.0.2.7, 198.51.100.1")], None),
    ];
    let net = "10.0.0.0/8".parse().unwrap();
    expect(&TrustedProxies::hops(hops(2), [net]).unwrap(), rows);
    let padded = format!("192.0.2.7,{}", " ".repeat(4097));
    let parts = call("10.0.0.1", &[(XFF, padded.as_bytes())]);
    let proxies = TrustedProxies::hops(hops(1), [net]).unwrap();
    assert_eq!(proxies.resolve(&parts).unwrap().source(), Degraded);

    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("exactly two", "10.0.0.1", &[(FWD, b"for=192.0.2.7, for=198.51.100.1")], Some(("192.0.2.7", Forwarded))),
        ("the hops between need no for", "10.0.0.1", &[(FWD, b"for=192.0.2.7, proto=https")], Some(("192.0.2.7", Forwarded))),
        ("short by one", "10.0.0.1", &[(FWD, b"for=192.0.2.7")], Some(("10.0.0.1", Degraded))),
        ("obfuscated", "10.0.0.1", &[(FWD, b"for=_hidden, for=198.51.100.1")], Some(("10.0.0.1", Degraded))),
        ("malformed on the way", "10.0.0.1", &[(FWD, b"for=192.0.2.7"), (FWD, b"for=\"")], Some(("10.0.0.1", Degraded))),
        ("malformed beyond", "10.0.0.1", &[(FWD, b"for=\""), (FWD, b"for=192.0.2.7, for=198.51.100.1")], Some(("192.0.2.7", Forwarded))),
        ("other family", "10.0.0.1", &[(XFF, b"192.0.2.7, 198.51.100.1")], Some(("10.0.0.1", Peer))),
    ];
    expect(
        &behind(ForwardHeader::Forwarded)
            .hops(hops(2))
            .build()
            .unwrap(),
        rows,
    );

    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("any peer", "203.0.113.9", &[(XFF, b"6.6.6.6, 192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("unix peer", "unix", &[(XFF, b"192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("no peer", "none", &[(XFF, b"192.0.2.7")], None),
    ];
    expect(
        &TrustedProxies::dangerous_hops_from_any_peer(hops(1)).unwrap(),
        rows,
    );
}

#[test]
fn a_trusted_unix_socket_has_no_address_of_its_own() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("client", "unix", &[(XFF, b"6.6.6.6, 192.0.2.7")], Some(("192.0.2.7", Forwarded))),
        ("absent", "unix", &[], None),
        ("garbage", "unix", &[(XFF, b"garbage")], None),
        ("addresses are not trusted with it", "10.0.0.1", &[(XFF, b"192.0.2.7")], Some(("10.0.0.1", Peer))),
    ];
    let socket = TrustedProxies::builder().trust_unix_socket();
    let proxies = socket
        .clone()
        .header(ForwardHeader::XForwardedFor)
        .build()
        .unwrap();
    expect(&proxies, rows);
    assert!(
        proxies
            .resolution(
                &call("unix", &[(XFF, b"garbage")]).headers,
                &call("unix", &[]).extensions
            )
            .degraded
    );

    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("behind a proxy", "unix", &[(XFF, b"192.0.2.7, 10.0.0.2")], Some(("192.0.2.7", Forwarded))),
        ("garbage behind a proxy", "unix", &[(XFF, b"garbage, 10.0.0.2")], Some(("10.0.0.2", Degraded))),
        ("all trusted", "unix", &[(XFF, b"10.0.0.2")], Some(("10.0.0.2", AllTrusted))),
    ];
    let both = behind(ForwardHeader::XForwardedFor)
        .trust_unix_socket()
        .build()
        .unwrap();
    expect(&both, rows);

    #[rustfmt::skip]
    let rows: &[Row] = &[("hop 1", "unix", &[(XFF, b"6.6.6.6, 192.0.2.7")], Some(("192.0.2.7", Forwarded)))];
    let counted = socket
        .header(ForwardHeader::XForwardedFor)
        .hops(hops(1))
        .build()
        .unwrap();
    expect(&counted, rows);
}

#[test]
fn private_ranges_are_those_that_the_internet_does_not_route() {
    let proxies = TrustedProxies::builder()
        .private_ranges()
        .header(ForwardHeader::XForwardedFor)
        .build()
        .unwrap();
    for inside in [
        "10.0.0.0",
        "10.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.255",
        "127.0.0.0",
        "127.255.255.255",
        "::1",
        "fc00::",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fe80::",
        "febf::",
    ] {
        let client = proxies
            .resolve(&call(inside, &[(XFF, b"192.0.2.7")]))
            .unwrap();
        assert_eq!(client.source(), Forwarded, "{inside}");
    }
    for outside in [
        "9.255.255.255",
        "11.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.254.0.1",
        "::",
        "::2",
        "fbff::",
        "fe00::",
        "fe7f::",
        "fec0::",
    ] {
        let client = proxies
            .resolve(&call(outside, &[(XFF, b"192.0.2.7")]))
            .unwrap();
        assert_eq!(client.source(), Peer, "{outside}");
    }
}

#[test]
fn transition_addresses_are_unwrapped_on_request_and_only_for_the_answer() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let unwrapping = proxies.clone().unwrap_transition(true);
    let client = |proxies: &TrustedProxies, peer: &str, list: &str| {
        let client = proxies
            .resolve(&call(peer, &[(XFF, list.as_bytes())]))
            .unwrap();
        client.ip().to_string()
    };
    for (wrapped, v4) in [
        ("64:ff9b::c000:207", "192.0.2.7"),
        ("2002:c000:207::1", "192.0.2.7"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdf8", "192.0.2.7"),
    ] {
        assert_eq!(client(&unwrapping, "10.0.0.1", wrapped), v4);
        assert_eq!(client(&unwrapping, wrapped, ""), v4);
        assert_eq!(client(&proxies, "10.0.0.1", wrapped), wrapped);
    }
    for native in [
        // RFC 8215: what a local NAT64 prefix holds is not known.
        "64:ff9b:1::c000:207",
        "2001:db8::c000:207",
        "2003:c000:207::1",
        // An embedded address that is private or reserved stays inside.
        "2002:a00:1::",
        "64:ff9b::7f00:1",
        "2002:a9fe:1::",
        "2002:6440:1::",
        "64:ff9b::",
        "2002:e000:1::",
        "2002:ffff:ffff::",
    ] {
        assert_eq!(
            client(&unwrapping, "10.0.0.1", native),
            native.parse::<IpAddr>().unwrap().to_string()
        );
    }
    // 8.8.8.8 as a proxy: an address that merely embeds it is not one.
    let public = TrustedProxies::builder()
        .parse_nets(["8.8.8.8"])
        .header(ForwardHeader::XForwardedFor)
        .build()
        .unwrap()
        .unwrap_transition(true);
    assert_eq!(client(&public, "2002:808:808::1", "192.0.2.7"), "8.8.8.8");
    assert_eq!(
        client(&public, "8.8.8.8", "192.0.2.7, 2002:808:808::1"),
        "8.8.8.8"
    );
    assert_eq!(client(&public, "8.8.8.8", "192.0.2.7"), "192.0.2.7");
}

#[test]
fn nodes_are_read_to_96_bytes() {
    let proxies = behind(ForwardHeader::Forwarded).build().unwrap();
    let source = |port: &str, letters: usize| {
        let line = format!("for=\"192.0.2.7:_{port}{}\"", "a".repeat(letters));
        let client = proxies.resolve(&call("10.0.0.1", &[(FWD, line.as_bytes())]));
        client.unwrap().source()
    };
    assert_eq!(source("", 85), Forwarded);
    assert_eq!(source("", 86), Degraded);
    assert_eq!(source("\\a", 84), Forwarded);
    assert_eq!(source("\\a", 85), Degraded);
}
