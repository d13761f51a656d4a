mod addresses;
mod caller;
mod config;
mod layer;
mod net;
mod peer;
mod properties;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;

use http::request::Parts;
use http::{HeaderValue, Request};

use super::*;

/// Calls from `peer`: an address, `unix`, or `none`.
fn call(peer: &str, headers: &[(&'static str, &[u8])]) -> Parts {
    let mut request = Request::new(());
    for &(name, value) in headers {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(name, value);
    }
    match peer {
        "none" => None,
        "unix" => request.extensions_mut().insert(PeerAddr::Unix),
        ip => {
            let ip: IpAddr = ip.parse().unwrap();
            request
                .extensions_mut()
                .insert(PeerAddr::from(SocketAddr::new(ip, 40_000)))
        }
    };
    request.into_parts().0
}

/// Trusts `10.0.0.0/8` and `2001:db8:ffff::/48`.
fn behind(header: ForwardHeader) -> TrustedProxiesBuilder {
    TrustedProxies::builder()
        .parse_nets(["10.0.0.0/8", "2001:db8:ffff::/48"])
        .header(header)
}

fn hops(count: u8) -> NonZeroU8 {
    NonZeroU8::new(count).unwrap()
}
