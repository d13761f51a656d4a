//! The short way to an address against the long one.

use http::Extensions;

use super::*;
use crate::core::client::Caller;
use crate::core::{Context, LedgerBits, RequestContext, Shared};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn context(client: Option<ClientIp>) -> RequestContext {
    RequestContext::new(Context {
        request_id: None,
        client_ip: client,
        scheme: None,
        is_proxied: false,
        ledger: LedgerBits::default(),
        shared: Shared::new(None, None, None),
        outer: None,
    })
}

/// Puts one thing into the extensions that says who calls, or who is called for.
type Attach = fn(&mut Extensions);

const ATTACHED: &[Attach] = &[
    |extensions| drop(extensions.insert(PeerAddr::Ip("10.0.0.1:1".parse().unwrap()))),
    |extensions| drop(extensions.insert(PeerAddr::Unix)),
    |extensions| drop(extensions.insert(PeerAddr::Ip("[::ffff:192.0.2.1]:1".parse().unwrap()))),
    |extensions| drop(extensions.insert(PeerAddr::Ip("[2002:c000:207::1]:1".parse().unwrap()))),
    |extensions| drop(extensions.insert("192.0.2.2:2".parse::<SocketAddr>().unwrap())),
    #[cfg(feature = "axum")]
    |extensions| {
        let addr: SocketAddr = "192.0.2.3:3".parse().unwrap();
        extensions.insert(axum::extract::ConnectInfo(addr));
    },
    #[cfg(feature = "axum")]
    |extensions| {
        let addr: SocketAddr = "10.0.0.4:4".parse().unwrap();
        extensions.insert(axum::extract::connect_info::MockConnectInfo(addr));
    },
    |extensions| drop(extensions.insert(ClientIp::resolved_by_caller(ip("192.0.2.5")))),
    |extensions| {
        let client = ClientIp::resolved_by_caller(ip("2001:db8::6"));
        extensions.insert(context(Some(client)));
    },
    |extensions| drop(extensions.insert(context(None))),
    |extensions| drop(extensions.insert("a word of somebody else")),
];

#[test]
fn whatever_is_attached_the_short_way_finds_whom_the_long_one_finds() {
    let walk = behind(ForwardHeader::XForwardedFor);
    let proxies = [
        TrustedProxies::direct(),
        TrustedProxies::direct().unwrap_transition(true),
        TrustedProxies::direct().peer_from(|_| None),
        TrustedProxies::direct().peer_from(|_| Some(PeerAddr::Ip("10.0.0.9:9".parse().unwrap()))),
        walk.build().unwrap(),
        behind(ForwardHeader::XForwardedFor)
            .trust_unix_socket()
            .build()
            .unwrap(),
    ];
    let headers = [
        None,
        Some("192.0.2.8, 10.0.0.3, 10.0.0.2"),
        Some("192.0.2.8, garbage"),
    ];
    let mut found_some = 0;
    for first in ATTACHED {
        for second in ATTACHED {
            let mut extensions = Extensions::new();
            first(&mut extensions);
            second(&mut extensions);
            for (proxies, forwarded) in proxies
                .iter()
                .flat_map(|one| headers.map(|line| (one, line)))
            {
                let mut parts = call("none", &[]);
                if let Some(line) = forwarded {
                    let line = HeaderValue::from_static(line);
                    parts.headers.insert("x-forwarded-for", line);
                }
                let short = Caller::attached_or_found(proxies, &parts.headers, &extensions);
                let long = ClientIp::from_extensions(&extensions)
                    .or_else(|| proxies.resolve_from(&parts.headers, &extensions));
                let told = |caller: Caller| (caller.ip(), caller.is_degraded);
                let expected = long.map(|client| (client.ip(), client.is_degraded()));
                assert_eq!(
                    short.map(told),
                    expected,
                    "{extensions:?} {proxies:?} {forwarded:?}"
                );
                found_some += usize::from(expected.is_some());
            }
        }
    }
    assert!(found_some > 1_000, "{found_some}");
}
