//! Bodies of the fuzz targets for forwarding headers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use tower_security::core::{
    ClientIp, ForwardHeader, IpNet, IpSource, PeerAddr, ProtoHeader, RequestScheme, SchemeSource,
    TrustedProxies,
};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// Reads `data` as lines of `Forwarded`, by trust and by count, for the client and for the scheme.
pub fn forwarded(data: &[u8]) {
    let name = header::FORWARDED;
    let client = check(
        ForwardHeader::Forwarded,
        &name,
        data,
        b"for=192.0.2.7;proto=http",
    );
    let trusted = proxies(ForwardHeader::Forwarded);
    let source = SchemeSource::forwarded_proto(trusted, ProtoHeader::Forwarded)
        .expect("the proxies are named");
    // Whatever stands left of a plain hop, the request was readable there.
    let headers = lines(&name, data, b"for=192.0.2.7;proto=http");
    let scheme = source.resolve_from(&headers, &extensions());
    assert_eq!(scheme, Ok(RequestScheme::Http));
    // A line that ends the walk at the peer is never taken for an address.
    if client.is_degraded() {
        assert!(is_trusted(client.ip()));
    }
}

/// Reads `data` as lines of `X-Forwarded-For`, by trust and by count.
pub fn x_forwarded_for(data: &[u8]) {
    let name = HeaderName::from_static("x-forwarded-for");
    check(ForwardHeader::XForwardedFor, &name, data, b"192.0.2.7");
}

/// What holds for every list; returns the client by `data` alone.
fn check(header: ForwardHeader, name: &HeaderName, data: &[u8], own: &[u8]) -> ClientIp {
    let proxies = proxies(header);
    let mut headers = lines(name, data, b"");
    let client = resolve(&proxies, &headers);
    assert_eq!(client.ip(), client.ip().to_canonical());
    match client.source() {
        IpSource::Peer => assert_eq!(client.ip(), PEER),
        IpSource::Forwarded => assert!(!is_trusted(client.ip())),
        IpSource::AllTrusted | IpSource::Degraded => assert!(is_trusted(client.ip())),
        other => panic!("no resolver answers {other:?}"),
    }

    // What the nearest proxy writes into a line of its own wins over all that stands left of it.
    if let Ok(own) = HeaderValue::from_bytes(own) {
        headers.append(name, own);
    }
    let honest = resolve(&proxies, &headers);
    assert_eq!(honest.ip().to_string(), "192.0.2.7");
    assert_eq!(honest.source(), IpSource::Forwarded);

    // In the line of the client it wins too, or the address is marked as degraded.
    let joined = resolve(&proxies, &lines(name, data, own));
    assert!(joined == honest || (joined.is_degraded() && joined.ip() == PEER));
    client
}

/// `data` split at line feeds, with `own` appended to the last line; bytes that no header may hold are left out.
fn lines(name: &HeaderName, data: &[u8], own: &[u8]) -> HeaderMap {
    let mut values: Vec<Vec<u8>> = data
        .split(|&byte| byte == b'\n')
        .take(64)
        .map(|line| {
            let legal = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
            line.iter().copied().filter(legal).collect()
        })
        .collect();
    if let (Some(last), false) = (values.last_mut(), own.is_empty()) {
        last.extend_from_slice(b", ");
        last.extend_from_slice(own);
    }
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    headers
}

fn extensions() -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(PeerAddr::from(SocketAddr::new(PEER, 443)));
    extensions
}

fn resolve(proxies: &TrustedProxies, headers: &HeaderMap) -> ClientIp {
    proxies.resolve_from(headers, &extensions()).unwrap()
}

fn proxies(header: ForwardHeader) -> TrustedProxies {
    TrustedProxies::builder()
        .parse_nets(["10.0.0.0/8"])
        .header(header)
        .build()
        .unwrap()
}

fn is_trusted(ip: IpAddr) -> bool {
    "10.0.0.0/8".parse::<IpNet>().unwrap().contains(ip)
}
