use super::*;

#[test]
fn nets_parse_and_print() {
    for (text, printed) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/32", "192.0.2.7/32"),
        ("192.0.2.128/25", "192.0.2.128/25"),
        ("::/0", "::/0"),
        ("2001:DB8:0:0::/32", "2001:db8::/32"),
        ("2001:db8::7", "2001:db8::7/128"),
        ("::ffff:0:0:0/96", "::ffff:0:0:0/96"),
        ("::192.0.2.0/120", "::c000:200/120"),
    ] {
        assert_eq!(text.parse::<IpNet>().unwrap().to_string(), printed);
    }
    for text in [
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/8/8",
        "10.0.0.0 /8",
        " 10.0.0.0/8",
        "10.0.0/8",
        "0x0a000000/8",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/08",
        "10.0.0.0/33",
        "10.0.0.0/256",
        "::/129",
        "fe80::1%eth0",
        "[::1]",
        "[::1]/128",
        "192.0.2.7:80",
        "10.0.0.1/8",
        "192.0.2.128/24",
        "2001:db8::1/64",
        "::ffff:192.0.2.7",
        "::ffff:10.0.0.0/104",
        "::ffff:10.0.0.1/104",
        "::ffff:0:0/96",
        "::ffff:0:0/80",
    ] {
        assert!(text.parse::<IpNet>().is_err(), "{text:?}");
    }
}

#[test]
fn advice_on_a_net_is_a_net() {
    let error = "10.1.2.3/8".parse::<IpNet>().unwrap_err();
    assert!(
        matches!(&error, IpNetError::HostBits { network, host, .. }
            if network.to_string() == "10.0.0.0/8" && host.to_string() == "10.1.2.3/32"),
        "{error:?}"
    );
    for (mapped, form) in [
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ] {
        let error = mapped.parse::<IpNet>().unwrap_err();
        assert!(
            matches!(&error, IpNetError::Mapped { v4, .. } if v4.to_string() == form),
            "{error:?}"
        );
    }
    let error = "::ffff:0:0/80".parse::<IpNet>().unwrap_err();
    assert!(
        matches!(&error, IpNetError::HostBits { network, .. } if network.to_string() == "::/80"),
        "{error:?}"
    );
}

#[test]
fn nets_hold_both_ends_and_nothing_beyond() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    for (net, inside, outside) in [
        (
            "10.0.0.0/8",
            ["10.0.0.0", "10.255.255.255"],
            ["9.255.255.255", "11.0.0.0"],
        ),
        (
            "192.0.2.7/32",
            ["192.0.2.7", "::ffff:192.0.2.7"],
            ["192.0.2.6", "192.0.2.8"],
        ),
        (
            "0.0.0.0/0",
            ["0.0.0.0", "255.255.255.255"],
            ["::", "::192.0.2.7"],
        ),
        (
            "2001:db8::/33",
            ["2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"],
            ["2001:db7:ffff::", "2001:db8:8000::"],
        ),
        ("::/0", ["::", "ffff::"], ["0.0.0.0", "::ffff:192.0.2.7"]),
    ] {
        let net: IpNet = net.parse().unwrap();
        let set = IpSet::new([net]);
        for inside in inside.map(ip) {
            assert!(
                net.contains(inside) && set.contains(inside),
                "{net} {inside}"
            );
        }
        for outside in outside.map(ip) {
            assert!(
                !net.contains(outside) && !set.contains(outside),
                "{net} {outside}"
            );
        }
    }
}

#[test]
fn hosts_become_nets_in_one_spelling() {
    let net = |text: &str| IpNet::from(text.parse::<IpAddr>().unwrap()).to_string();
    assert_eq!(net("192.0.2.7"), "192.0.2.7/32");
    assert_eq!(net("::ffff:192.0.2.7"), "192.0.2.7/32");
    assert_eq!(net("2001:db8::7"), "2001:db8::7/128");
}

#[test]
fn sets_merge_what_overlaps_or_touches() {
    let set = |nets: &[&str]| -> IpSet {
        nets.iter()
            .map(|net| net.parse::<IpNet>().unwrap())
            .collect()
    };
    assert_eq!(
        set(&["10.128.0.0/9", "10.0.0.0/9", "10.1.0.0/16"]),
        set(&["10.0.0.0/8"])
    );
    assert_eq!(
        set(&["128.0.0.0/1", "255.255.255.255", "0.0.0.0/1"]),
        set(&["0.0.0.0/0"])
    );
    assert_eq!(set(&["8000::/1", "::/1", "ffff::/16"]), set(&["::/0"]));
    assert_ne!(set(&["10.0.0.0/9"]), set(&["10.0.0.0/8"]));
    assert!(set(&[]).is_empty() && IpSet::default().is_empty());
    assert!(!set(&["::1"]).is_empty() && !set(&["0.0.0.0"]).is_empty());
}

#[cfg(feature = "serde")]
#[test]
fn nets_stand_in_configuration_files_as_text() {
    let net: IpNet = serde_json::from_str("\"10.0.0.0\\/8\"").unwrap();
    assert_eq!(serde_json::to_string(&net).unwrap(), "\"10.0.0.0/8\"");
    let error = serde_json::from_str::<IpNet>("\"10.0.0.1/8\"").unwrap_err();
    assert!(error.to_string().contains("10.0.0.0/8"), "{error}");
    let header: ForwardHeader = serde_json::from_str("\"x_forwarded_for\"").unwrap();
    assert_eq!(header, ForwardHeader::XForwardedFor);
}

#[test]
fn a_set_knows_its_ranges_and_is_equal_by_its_addresses() {
    let halves: IpSet = ["10.128.0.0/9", "10.0.0.0/9", "10.0.0.0/9"]
        .map(ip_net)
        .into_iter()
        .collect();
    let whole = IpSet::new([ip_net("10.0.0.0/8")]);
    assert_eq!(halves.nets(), ["10.0.0.0/9", "10.128.0.0/9"].map(ip_net));
    assert_eq!(whole.nets(), [ip_net("10.0.0.0/8")]);
    assert_eq!(halves, whole);
    assert_ne!(halves, IpSet::new([ip_net("10.0.0.0/9")]));
    assert!(IpSet::default().nets().is_empty());
}

fn ip_net(text: &str) -> IpNet {
    text.parse().unwrap()
}
