//! API keys and sessions whose store is in memory, with the layer that asks for them.

use std::time::Duration;

use http::HeaderMap;
use tower_security::auth::AuthLayer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth};
use tower_security::core::ManualClock;

use super::*;

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory answers at once"),
    }
}

fn with(name: &'static str, value: &str) -> Request<Full<Bytes>> {
    let mut request = from_peer("192.0.2.7:9");
    let value = HeaderValue::try_from(value).expect("it is ASCII");
    request.headers_mut().insert(name, value);
    request
}

/// Status and allocations of a request, after the first of which everything is warm.
fn measured(layer: &AuthLayer, name: &'static str, value: &str) -> (u16, usize) {
    let mut service = layer.layer(Bare);
    go(&mut service, with(name, value));
    let request = with(name, value);
    let (answer, count) = counted(|| go(&mut service, request));
    (answer.status().as_u16(), count)
}

#[test]
fn a_key_costs_what_the_layer_costs() {
    for server_key in [None, Some(*b"0123456789abcdef0123456789abcdef")] {
        let builder = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk");
        let keys = match server_key {
            Some(key) => builder.server_key(key),
            None => builder,
        };
        let keys = keys.build().expect("it is sound");
        let robot = Principal::builder("robot").scopes(["orders:read"]).build();
        let issued = ready(keys.issue(&robot, None)).expect("there is room");
        let layer = AuthLayer::builder().api_key(keys).build();
        let layer = layer.expect("it is sound");
        // The extension, and the map of the answer for `Vary`.
        let good = measured(&layer, "x-api-key", issued.key().expose());
        assert_eq!(good, (200, 1 + 2));
    }
}

#[test]
fn a_session_costs_what_the_layer_costs() {
    let clock = ManualClock::new();
    let sessions = SessionAuth::builder(MemorySessionStore::new()).clock(clock.clone());
    let sessions = sessions.build().expect("it is sound");
    let alice = Principal::builder("alice").roles(["customer"]).build();
    let line = ready(sessions.login(&HeaderMap::new(), &alice)).expect("there is room");
    let line = line.to_str().expect("it is ASCII");
    let cookie = line.split(';').next().expect("it has a value");
    let layer = AuthLayer::builder().session(sessions).build();
    let layer = layer.expect("it is sound");
    // The extension, and the map of the answer for `Vary` and `Cache-Control`.
    assert_eq!(measured(&layer, "cookie", cookie), (200, 1 + 2));
    // That a use is noted costs no more.
    clock.advance(Duration::from_secs(60));
    let mut service = layer.layer(Bare);
    let request = with("cookie", cookie);
    assert_eq!(allocations(|| go(&mut service, request)), 1 + 2);
}
