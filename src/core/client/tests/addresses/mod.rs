mod other_headers;
mod x_forwarded_for;

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
