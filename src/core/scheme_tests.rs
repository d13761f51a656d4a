use std::net::{IpAddr, SocketAddr};

use super::RequestScheme::{Http, Https};
use super::*;
use crate::core::{ClientIp, ForwardHeader};

const XFP: &str = "x-forwarded-proto";
const FWD: &str = "forwarded";

fn call(peer: &str, headers: &[(&'static str, &[u8])]) -> Parts {
    let mut request = http::Request::new(());
    for &(name, value) in headers {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(name, value);
    }
    match peer {
        "none" => {}
        "unix" => {
            request.extensions_mut().insert(PeerAddr::Unix);
        }
        ip => {
            let ip: IpAddr = ip.parse().unwrap();
            let peer = PeerAddr::from(SocketAddr::new(ip, 40_000));
            request.extensions_mut().insert(peer);
        }
    }
    request.into_parts().0
}

fn tls(mut parts: Parts) -> Parts {
    parts.extensions.insert(Tls);
    parts
}

fn forwarded(header: ProtoHeader) -> SchemeSource {
    let trusted = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    SchemeSource::forwarded_proto(trusted, header).unwrap()
}

#[test]
fn the_marker_decides_and_nothing_that_the_client_writes() {
    let source = SchemeSource::Tls;
    let plain = call("10.0.0.1", &[(XFP, b"https"), (FWD, b"proto=https")]);
    assert_eq!(source.resolve(&plain), Ok(Http));
    assert_eq!(source.resolve(&tls(plain)), Ok(Https));
    for version in [http::Version::HTTP_11, http::Version::HTTP_2] {
        let mut absolute = call("none", &[]);
        absolute.uri = "https://app.example/".parse().unwrap();
        absolute.version = version;
        assert_eq!(source.resolve(&absolute), Ok(Http), "{version:?}");
    }
}

#[test]
fn a_listener_or_the_operator_can_decide_alone() {
    let says_http = || call("10.0.0.1", &[(XFP, b"http")]);
    assert_eq!(
        SchemeSource::Listener(Http).resolve(&tls(says_http())),
        Ok(Http)
    );
    assert_eq!(
        SchemeSource::Listener(Https).resolve(&says_http()),
        Ok(Https)
    );
    assert_eq!(SchemeSource::AssumeHttps.resolve(&says_http()), Ok(Https));
    assert_eq!(
        SchemeSource::AssumeHttps.resolve(&call("none", &[])),
        Ok(Https)
    );
}

#[test]
fn x_forwarded_proto_counts_when_every_trusted_hop_says_https() {
    let source = forwarded(ProtoHeader::XForwardedProto);
    #[rustfmt::skip]
    let rows: &[(&str, &[&[u8]], RequestScheme)] = &[
        ("10.0.0.1", &[b"https"], Https),
        ("10.0.0.1", &[b"HTTPS"], Https),
        ("10.0.0.1", &[b" https\t"], Https),
        ("10.0.0.1", &[b"http"], Http),
        ("10.0.0.1", &[], Http),
        ("10.0.0.1", &[b""], Http),
        ("10.0.0.1", &[b"on"], Http),
        ("10.0.0.1", &[b"wss"], Http),
        ("10.0.0.1", &[b"httpsx"], Http),
        ("10.0.0.1", &[b"\"https\""], Http),
        ("10.0.0.1", &[b"https\xff"], Http),
        ("10.0.0.1", &[b"https, http"], Http),
        ("10.0.0.1", &[b"http, https"], Http),
        ("10.0.0.1", &[b"https, https"], Https),
        ("10.0.0.1", &[b"https,,https"], Http),
        ("10.0.0.1", &[b"https,"], Http),
        ("10.0.0.1", &[b"https", b"http"], Http),
        ("10.0.0.1", &[b"http", b"https"], Http),
        ("10.0.0.1", &[b"https", b"https"], Https),
        ("10.0.0.1", &[b"https", b""], Http),
        ("203.0.113.9", &[b"https"], Http),
        ("11.0.0.1", &[b"https"], Http),
        ("::ffff:10.0.0.1", &[b"https"], Https),
        ("::10.0.0.1", &[b"https"], Http),
    ];
    for &(peer, values, scheme) in rows {
        let headers: Vec<_> = values.iter().map(|value| (XFP, *value)).collect();
        let parts = call(peer, &headers);
        assert_eq!(source.resolve(&parts), Ok(scheme), "{peer} {values:?}");
        assert_eq!(
            source.resolve_from(&parts.headers, &parts.extensions),
            Ok(scheme)
        );
    }
}

#[test]
fn the_marker_speaks_for_peers_that_are_no_proxies() {
    let source = forwarded(ProtoHeader::XForwardedProto);
    assert_eq!(source.resolve(&tls(call("203.0.113.9", &[]))), Ok(Https));
    assert_eq!(
        source.resolve(&tls(call("203.0.113.9", &[(XFP, b"http")]))),
        Ok(Https)
    );
    // A proxy that re-encrypts says what its client did.
    assert_eq!(
        source.resolve(&tls(call("10.0.0.1", &[(XFP, b"http")]))),
        Ok(Http)
    );
    assert_eq!(source.resolve(&tls(call("10.0.0.1", &[]))), Ok(Http));
}

#[test]
fn without_a_peer_nobody_knows() {
    let source = forwarded(ProtoHeader::XForwardedProto);
    for parts in [
        call("none", &[(XFP, b"https")]),
        tls(call("none", &[])),
        call("unix", &[(XFP, b"https")]),
    ] {
        assert_eq!(source.resolve(&parts), Err(PeerAddressMissing));
    }
    let trusted = TrustedProxies::builder()
        .trust_unix_socket()
        .header(ForwardHeader::XForwardedFor)
        .build()
        .unwrap();
    let header = ProtoHeader::XForwardedProto;
    let source = SchemeSource::forwarded_proto(trusted, header).unwrap();
    assert_eq!(source.resolve(&call("unix", &[(XFP, b"https")])), Ok(Https));
    assert_eq!(source.resolve(&call("unix", &[])), Ok(Http));
}

#[test]
fn forwarded_counts_when_every_element_says_https() {
    let source = forwarded(ProtoHeader::Forwarded);
    #[rustfmt::skip]
    let rows: &[(&[&[u8]], RequestScheme)] = &[
        (&[b"for=1.2.3.4;proto=https"], Https),
        (&[b"Proto=\"https\""], Https),
        (&[b"proto=\"ht\\tps\""], Https),
        (&[b"proto=HTTPS"], Https),
        (&[b"proto=http"], Http),
        (&[b"for=1.2.3.4"], Http),
        (&[b"proto=https\"", ], Http),
        (&[b"proto=\"https"], Http),
        (&[b"for=\"a,proto=https\""], Http),
        (&[b"for=\"a,proto=https"], Http),
        (&[b"proto=https;proto=https"], Http),
        (&[b"proto=\"https \""], Http),
        (&[b"proto=\"\\h\\t\\t\\p\\s\\s\""], Http),
        (&[b"proto=https, proto=https"], Https),
        (&[b"proto=https, proto=http"], Http),
        (&[b"proto=https, for=1.2.3.4"], Http),
        (&[b"proto=https", b"proto=https"], Https),
        (&[b"proto=http", b"proto=https"], Http),
        (&[b"for=\"", b"proto=https"], Http),
        (&[b""], Http),
        (&[b", ,"], Http),
        (&[b"proto=https ,"], Https),
    ];
    for &(values, scheme) in rows {
        let headers: Vec<_> = values.iter().map(|value| (FWD, *value)).collect();
        assert_eq!(
            source.resolve(&call("10.0.0.1", &headers)),
            Ok(scheme),
            "{values:?}"
        );
        assert_eq!(
            source.resolve(&call("203.0.113.9", &headers)),
            Ok(Http),
            "{values:?}"
        );
    }
}

#[test]
fn one_header_is_read() {
    let families: &[(&'static str, &[u8])] = &[
        (XFP, b"https"),
        (FWD, b"proto=https"),
        ("x-scheme", b"https"),
    ];
    for (index, header) in [
        ProtoHeader::XForwardedProto,
        ProtoHeader::Forwarded,
        ProtoHeader::Custom(HeaderName::from_static("x-scheme")),
    ]
    .into_iter()
    .enumerate()
    {
        let source = forwarded(header);
        for (other, pair) in families.iter().enumerate() {
            let expected = if other == index { Https } else { Http };
            assert_eq!(
                source.resolve(&call("10.0.0.1", &[*pair])),
                Ok(expected),
                "{pair:?}"
            );
        }
    }
}

#[test]
fn four_kib_are_read() {
    let source = forwarded(ProtoHeader::XForwardedProto);
    let padded = |spaces: usize| format!("https{}", " ".repeat(spaces)).into_bytes();
    assert_eq!(
        source.resolve(&call("10.0.0.1", &[(XFP, &padded(4091))])),
        Ok(Https)
    );
    assert_eq!(
        source.resolve(&call("10.0.0.1", &[(XFP, &padded(4092))])),
        Ok(Http)
    );
    let two = [(XFP, &*padded(2043)), (XFP, &*padded(2043))];
    assert_eq!(source.resolve(&call("10.0.0.1", &two)), Ok(Https));
    let two = [(XFP, &*padded(2043)), (XFP, &*padded(2044))];
    assert_eq!(source.resolve(&call("10.0.0.1", &two)), Ok(Http));
}

#[test]
fn the_scheme_of_a_request_is_read_from_its_extensions() {
    let mut parts = call("none", &[]);
    assert_eq!(RequestScheme::from_extensions(&parts.extensions), None);
    parts.extensions.insert(Https);
    assert_eq!(
        RequestScheme::from_extensions(&parts.extensions),
        Some(Https)
    );
    assert!(Https.is_https() && !Http.is_https());
}

#[test]
fn proxies_that_are_nobody_or_anybody_tell_no_scheme() {
    let anybody = TrustedProxies::dangerous_hops_from_any_peer(std::num::NonZeroU8::MIN).unwrap();
    for trusted in [TrustedProxies::direct(), anybody] {
        let header = ProtoHeader::XForwardedProto;
        let errors = SchemeSource::forwarded_proto(trusted, header).unwrap_err();
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error.path(), error.code()))
            .collect();
        assert_eq!(told, [("scheme.trusted", "proxies_too_wide")]);
    }
}
