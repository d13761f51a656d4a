//! Allocations of bans: none for who is not banned, few for who is.

use std::time::Duration;

use super::*;
use tower_security::core::{AbuseKind, AbuseSignal, IpSet};
use tower_security::rate_limit::{BanLayer, BanTable};

const HOUR: Duration = Duration::from_secs(3_600);
const ALICE: &str = "192.0.2.7:9";
const BOB: &str = "192.0.2.8:9";

/// A request with a header, as every client sends some: its map has been made already.
fn typed(peer: &str) -> Request<Full<Bytes>> {
    let mut request = from_peer(peer);
    let value = HeaderValue::from_static("application/json");
    request.headers_mut().insert("content-type", value);
    request
}

fn ban(table: &BanTable, ip: &str) {
    let client = ClientIp::resolved_by_caller(ip.parse().expect("an address"));
    assert!(table.ban(table.client_key(client), HOUR));
}

/// Answers with a sign of abuse: the box of the extension, the map it stands in, and the table of the map.
#[derive(Clone, Copy, Debug)]
struct Signalling;

const SIGNAL: usize = 3;

impl<B> Service<Request<B>> for Signalling {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        response
            .extensions_mut()
            .insert(AbuseSignal(AbuseKind::AuthFailed));
        ready(Ok(response))
    }
}

#[test]
fn who_is_not_banned_costs_none() {
    let office: IpSet = ["198.51.100.0/24".parse().expect("a net")]
        .into_iter()
        .collect();
    let plain = BanLayer::new(BanTable::new());
    let full = BanLayer::builder()
        .safelist(office)
        .on(AbuseKind::AuthFailed, 255, HOUR, HOUR)
        .fail2ban(|head| head.uri.path() == "/.env", 3, HOUR, HOUR)
        .allow2ban(|head| head.uri.path() == "/", 255, HOUR, HOUR)
        .build()
        .expect("it is sound");
    for layer in [plain, full] {
        // Makes the part of the table in which both are.
        ban(layer.table(), "192.0.2.7");
        let mut service = layer.layer(Bare);
        for peer in [BOB, "198.51.100.1:9", "[2001:db8::1]:9"] {
            // The first request of a key makes its part of the counts of `allow2ban`, once.
            let _ = go(&mut service, typed(peer));
            let request = typed(peer);
            let (answer, made) = counted(|| go(&mut service, request));
            assert_eq!((answer.status().as_u16(), made), (200, 0), "{peer}");
        }
    }
}

#[test]
fn a_signal_that_is_counted_costs_its_mark() {
    let layer = BanLayer::builder()
        .on(AbuseKind::AuthFailed, 255, HOUR, HOUR)
        .build()
        .expect("it is sound");
    let mut service = layer.layer(Signalling);
    let _ = go(&mut service, typed(BOB));
    let request = typed(BOB);
    assert_eq!(allocations(|| go(&mut service, request)), SIGNAL + 1);
    let request = typed(BOB);
    assert_eq!(allocations(|| go(&mut Signalling, request)), SIGNAL);
}

#[test]
fn who_is_banned_costs_at_most_four() {
    let blocked = ["198.51.100.0/24".parse().expect("a net")];
    let layer = BanLayer::builder()
        .blocklist(blocked.into_iter().collect())
        .fail2ban(|head| head.uri.path() == "/", 255, HOUR, HOUR)
        .build()
        .expect("it is sound");
    ban(layer.table(), "192.0.2.7");
    let mut service = layer.layer(Bare);
    let _ = go(&mut service, typed(BOB));
    for peer in [ALICE, "198.51.100.1:9", BOB] {
        let request = typed(peer);
        let (answer, made) = counted(|| go(&mut service, request));
        assert_eq!(answer.status().as_u16(), 403, "{peer}");
        assert!(made <= 4, "{peer}: {made}");
    }
}
