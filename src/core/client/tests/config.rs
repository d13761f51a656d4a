use super::*;
use crate::core::{ConfigErrors, ErrorClass};

/// The path, class, code and message of each mistake.
fn told(result: Result<TrustedProxies, ConfigErrors>) -> Vec<String> {
    let errors = result.unwrap_err();
    let line = |error: &crate::core::ConfigError| {
        let (path, class, code) = (error.path(), error.class(), error.code());
        format!("{path} {class} {code}: {}", error.message())
    };
    errors.iter().map(line).collect()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

#[test]
fn nets_that_trust_everyone_are_refused_and_their_widest_twins_accepted() {
    for (refused, accepted) in [
        ("0.0.0.0/0", "8.0.0.0/8"),
        ("8.0.0.0/7", "9.0.0.0/8"),
        ("::/0", "2001::/16"),
        ("2000::/15", "2000::/16"),
        ("fc00::/6", "fc00::/7"),
        ("fe80::/9", "fe80::/10"),
    ] {
        let errors = told(ClientIp::trusted_proxies([net(refused)]));
        assert_eq!(
            errors,
            [format!(
                "client_ip.nets[0] refused trusts_everyone: refused net {refused}: it trusts everyone to write the \
                 client address; name the real ranges of the proxies (at least /8 for IPv4, /16 for IPv6), or count \
                 them with TrustedProxies::hops"
            )]
        );
        assert!(
            ClientIp::trusted_proxies([net(accepted)]).is_ok(),
            "{accepted}"
        );
    }
    let mapped = TrustedProxies::builder()
        .parse_nets(["::ffff:0:0/96"])
        .header(ForwardHeader::XForwardedFor)
        .build()
        .unwrap_err();
    let kind = mapped.iter().next().unwrap().downcast().cloned();
    let everyone = net("0.0.0.0/0");
    assert_eq!(
        kind,
        Some(ClientIpConfigError::TrustsEveryone { net: everyone })
    );
}

#[test]
fn nets_that_do_not_parse_are_told_with_their_place() {
    let result = TrustedProxies::builder()
        .parse_nets([
            "10.0.0.0/8",
            "10.1.2.3/8",
            "::ffff:10.0.0.0/104",
            "10.0.0.0/33",
            "proxy",
        ])
        .header(ForwardHeader::XForwardedFor)
        .build();
    assert_eq!(
        told(result),
        [
            "client_ip.nets[1] invalid bad_net: invalid net 10.1.2.3/8: it has host bits set; \
             write 10.0.0.0/8 for the range or 10.1.2.3/32 for the address",
            "client_ip.nets[2] invalid bad_net: invalid net ::ffff:10.0.0.0/104: mapped addresses are compared as IPv4; \
             write 10.0.0.0/8",
            "client_ip.nets[3] invalid bad_net: invalid net \"10.0.0.0/33\": \
             the prefix length is a number from 0 to 32 without sign or leading zero",
            "client_ip.nets[4] invalid bad_net: invalid net \"proxy\": \
             write an address or a range, such as 10.0.0.0/8 or 2001:db8::/32",
        ]
    );
}

#[test]
fn proxies_and_header_go_together() {
    let nets = || TrustedProxies::builder().nets([net("10.0.0.0/8")]);
    assert_eq!(
        told(nets().build()),
        [
            "client_ip.header invalid header_choice: invalid choice of header: none is named; \
          say which one the proxies write, such as header(ForwardHeader::XForwardedFor)"
        ]
    );
    assert_eq!(
        told(
            TrustedProxies::builder()
                .header(ForwardHeader::XRealIp)
                .build()
        ),
        [
            "client_ip.header invalid header_choice: invalid choice of header: X-Real-IP without proxies that may write it; \
          name their ranges with nets"
        ]
    );
    assert_eq!(
        told(
            nets()
                .header(ForwardHeader::XForwardedFor)
                .header(ForwardHeader::Forwarded)
                .build()
        ),
        [
            "client_ip.header invalid header_choice: invalid choice of header: X-Forwarded-For, Forwarded; \
          name the one that the proxies write"
        ]
    );
    let named_twice = nets()
        .header(ForwardHeader::XForwardedFor)
        .header(ForwardHeader::XForwardedFor);
    assert!(named_twice.build().is_ok());
    for peers in [
        nets(),
        TrustedProxies::builder().private_ranges(),
        TrustedProxies::builder().trust_unix_socket(),
    ] {
        assert!(peers.clone().header(ForwardHeader::XRealIp).build().is_ok());
        assert!(peers.build().is_err());
    }
    assert!(TrustedProxies::builder().build().unwrap().is_direct());
}

#[test]
fn hops_have_peers_and_a_list_and_a_limit() {
    let nets = || [net("10.0.0.0/8")];
    assert!(TrustedProxies::hops(hops(16), nets()).is_ok());
    assert_eq!(
        told(TrustedProxies::hops(hops(17), nets())),
        ["client_ip.hops invalid hops: invalid number of hops 17: write at most 16"]
    );
    assert_eq!(
        told(TrustedProxies::hops(hops(2), [])),
        ["client_ip.hops invalid hops: invalid number of hops 2: \
          name the ranges of the proxy that is nearest to this server"]
    );
    assert!(
        TrustedProxies::dangerous_hops_from_any_peer(hops(16))
            .unwrap()
            .trusts_any_peer()
    );
    assert_eq!(
        told(TrustedProxies::dangerous_hops_from_any_peer(hops(17))),
        ["client_ip.hops invalid hops: invalid number of hops 17: write at most 16"]
    );
    let counted = |header| behind(header).hops(hops(1)).build();
    assert_eq!(
        told(counted(ForwardHeader::XRealIp)),
        [
            "client_ip.hops invalid hops: invalid number of hops 1: X-Real-IP carries a single address; \
          count in X-Forwarded-For or Forwarded, or leave hops out"
        ]
    );
    assert!(counted(ForwardHeader::Forwarded).is_ok());
}

#[test]
fn headers_of_a_public_cdn_need_its_ranges() {
    for header in [
        ForwardHeader::CfConnectingIp,
        ForwardHeader::CloudFrontViewerAddress,
        ForwardHeader::TrueClientIp,
    ] {
        let private = TrustedProxies::builder().private_ranges().header(header);
        assert_eq!(
            told(private.clone().build()),
            [format!(
                "client_ip.header refused cdn_header_untrusted: refused header {header} with private ranges alone: \
                 name the ranges that the CDN publishes, or the address of its local agent"
            )]
        );
        assert!(private.nets([net("173.245.48.0/20")]).build().is_ok());
        for nets in [
            &IpNet::private_ranges()[..],
            &[net("10.0.0.0/8")],
            &[net("10.1.2.3/32")],
        ] {
            let spelt_out = TrustedProxies::builder().nets(nets.to_vec()).header(header);
            let errors = spelt_out.build().unwrap_err();
            assert_eq!(
                errors.iter().map(|error| error.code()).collect::<Vec<_>>(),
                ["cdn_header_untrusted"]
            );
        }
    }
    for header in [
        ForwardHeader::FlyClientIp,
        ForwardHeader::Forwarded,
        ForwardHeader::XEnvoyExternalAddress,
        ForwardHeader::XForwardedFor,
        ForwardHeader::XRealIp,
    ] {
        let private = TrustedProxies::builder().private_ranges().header(header);
        assert!(private.build().is_ok(), "{header}");
    }
}

#[test]
fn many_narrow_ranges_are_everyone_too() {
    let slash_8 = |count: u32| {
        let nets = (0..count).map(|first| net(&format!("{first}.0.0.0/8")));
        TrustedProxies::builder()
            .nets(nets)
            .header(ForwardHeader::XForwardedFor)
            .build()
    };
    assert!(slash_8(32).is_ok());
    let errors = slash_8(256).unwrap_err();
    assert_eq!(
        errors.iter().map(|error| error.code()).collect::<Vec<_>>(),
        ["trusts_everyone"]
    );

    let v6 = (0..0x2000_u32).map(|first| net(&format!("{:x}::/16", 0x2000 + first)));
    let v6 = TrustedProxies::builder()
        .nets(v6)
        .header(ForwardHeader::XForwardedFor);
    assert!(v6.build().is_err());
}

#[test]
fn all_mistakes_are_told_together() {
    let errors = TrustedProxies::builder()
        .nets([net("0.0.0.0/0")])
        .parse_nets(["10.0.0.1/8", "::/0"])
        .hops(hops(20))
        .header(ForwardHeader::XRealIp)
        .build()
        .unwrap_err();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code(), error.class()))
        .collect();
    assert_eq!(
        told,
        [
            ("client_ip.hops", "hops", ErrorClass::Invalid),
            ("client_ip.hops", "hops", ErrorClass::Invalid),
            ("client_ip.nets[0]", "trusts_everyone", ErrorClass::Refused),
            ("client_ip.nets[1]", "bad_net", ErrorClass::Invalid),
            ("client_ip.nets[2]", "trusts_everyone", ErrorClass::Refused),
        ]
    );
}

#[test]
fn what_is_trusted_can_be_asked() {
    let proxies = behind(ForwardHeader::XForwardedFor).build().unwrap();
    let peer = |text: &str| PeerAddr::from(text.parse::<SocketAddr>().unwrap());
    assert!(!proxies.is_direct() && !proxies.trusts_any_peer());
    assert!(proxies.trusts(peer("10.0.0.1:1")));
    assert!(proxies.trusts(peer("[::ffff:10.0.0.1]:1")));
    assert!(!proxies.trusts(peer("11.0.0.1:1")));
    assert!(!proxies.trusts(PeerAddr::Unix));
    let direct = TrustedProxies::direct();
    assert!(direct.is_direct() && !direct.trusts_any_peer() && !direct.trusts(peer("127.0.0.1:1")));
    let shown = format!("{:?}", proxies.peer_from(|_| None));
    assert!(
        shown.contains("Some(<fn>)") && shown.contains("XForwardedFor"),
        "{shown}"
    );
}
