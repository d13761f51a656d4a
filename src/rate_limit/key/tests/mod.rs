//! Keys against requests, and the hasher against another implementation.

mod built_in;
mod vectors;

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{HeaderValue, Request};

use super::*;
use crate::core::{PeerAddr, TrustedProxies};

/// A request from `peer` (an address, or `none`) with these header lines.
fn call(peer: &str, headers: &[(&'static str, &[u8])]) -> Parts {
    let mut request = Request::new(());
    for &(name, value) in headers {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(name, value);
    }
    if peer != "none" {
        let ip: IpAddr = peer.parse().unwrap();
        let peer = PeerAddr::from(SocketAddr::new(ip, 40_000));
        request.extensions_mut().insert(peer);
    }
    request.into_parts().0
}

/// The key of a request; `None` if it is missing.
fn key_of(key: &Key, parts: &Parts) -> Option<KeyHash> {
    let proxies = TrustedProxies::direct();
    let head = Head {
        headers: &parts.headers,
        extensions: &parts.extensions,
        parts: Some(parts),
        request: None,
        client: None,
        proxies: &proxies,
    };
    // One seed for all, so that keys can be compared.
    let mut hasher = KeyHasher::new(&KeySeed::fleet(*b"0123456789abcdef"));
    match key.extract(&head, &mut hasher) {
        KeyOutcome::Set => Some(hasher.key()),
        KeyOutcome::Missing => None,
        other => panic!("{other:?}"),
    }
}
