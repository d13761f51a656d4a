use super::*;

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
