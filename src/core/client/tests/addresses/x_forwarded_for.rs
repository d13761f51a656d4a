use super::*;

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
