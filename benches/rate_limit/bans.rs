//! Bans: what the layer costs above a bare service, beside a map of addresses behind a lock.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};

use tower_security::core::{AbuseKind, ClientIp, NoopSink, PeerAddr};
use tower_security::rate_limit::{BanBuilder, BanLayer};

use super::harness::{Group, bare, go};

const OURS: &str = "tower-security";
const RIVAL: &str = "by hand";
const HOUR: Duration = Duration::from_secs(3_600);
const ALICE: [u8; 4] = [192, 0, 2, 7];
const BOB: [u8; 4] = [192, 0, 2, 8];

pub(crate) fn groups() -> Vec<Group> {
    vec![
        group("bans: nobody is banned", 0, from_bob, |builder| builder),
        group("bans: 10,000 others are", 10_000, from_bob, |builder| {
            builder
        }),
        group("bans: signals are counted", 10_000, from_bob, |builder| {
            builder.on(AbuseKind::AuthFailed, 20, HOUR, HOUR)
        }),
        group("bans: a request rule", 10_000, from_bob, |builder| {
            builder.fail2ban(|head| head.uri.path().ends_with(".php"), 3, HOUR, HOUR)
        }),
        group("bans: refused", 10_000, from_alice, |builder| builder),
    ]
}

fn group(
    name: &'static str,
    others: u32,
    request: fn() -> Request<Full<Bytes>>,
    configure: fn(BanBuilder) -> BanBuilder,
) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (request, go(bare())))
        .row(RIVAL, move || {
            let end = Instant::now() + HOUR;
            let bans = banned(others).map(|ip| (ip, end)).collect();
            (request, go(ByHand(Arc::new(RwLock::new(bans)))))
        })
        .row(OURS, move || {
            let builder = BanLayer::builder().events(NoopSink::new());
            let layer = configure(builder).build().expect("it is sound");
            let table = layer.table();
            for ip in banned(others) {
                let key = table.client_key(ClientIp::resolved_by_caller(ip));
                // A few find their set of slots full.
                let _ = table.ban(key, HOUR);
            }
            (request, go(layer.layer(bare())))
        })
}

/// Alice, if anybody is, and others.
fn banned(others: u32) -> impl Iterator<Item = IpAddr> {
    let first = u32::from_be_bytes([10, 0, 0, 0]);
    let alice = (others > 0).then_some(IpAddr::from(ALICE));
    let others = (0..others).map(move |number| IpAddr::from((first + number).to_be_bytes()));
    alice.into_iter().chain(others)
}

fn from_alice() -> Request<Full<Bytes>> {
    from(ALICE)
}

fn from_bob() -> Request<Full<Bytes>> {
    from(BOB)
}

fn from(ip: [u8; 4]) -> Request<Full<Bytes>> {
    Request::get("/orders/7")
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "curl/8.5.0")
        .extension(PeerAddr::from(SocketAddr::from((ip, 50_000))))
        .body(Full::default())
        .expect("it is a request")
}

/// The least that a ban can be: one address, one time, no count.
#[derive(Clone)]
struct ByHand(Arc<RwLock<HashMap<IpAddr, Instant>>>);

impl<B> Service<Request<B>> for ByHand {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let end = match request.extensions().get::<PeerAddr>() {
            Some(PeerAddr::Ip(peer)) => {
                let bans = self.0.read().expect("nobody panics");
                bans.get(&peer.ip()).copied()
            }
            _ => None,
        };
        let rest = end.and_then(|end| end.checked_duration_since(Instant::now()));
        let Some(rest) = rest else {
            return bare().call(request);
        };
        let mut response = Response::new(Full::new(Bytes::from_static(b"{\"code\":\"banned\"}")));
        *response.status_mut() = StatusCode::FORBIDDEN;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(RETRY_AFTER, HeaderValue::from(rest.as_secs()));
        ready(Ok(response))
    }
}
