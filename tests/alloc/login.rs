//! The login throttle in memory: what it makes is the device cookie.

use http::header::SET_COOKIE;
use tower_security::core::NoopSink;
use tower_security::rate_limit::login::{
    LoginAccount, LoginAttempt, LoginGuard, LoginRefusal, LoginThrottle, LoginThrottleLayer,
};

use super::*;

const SECRET: &[u8] = b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";

/// The text of the line, and what makes a header value of it shared.
const COOKIE: usize = 2;

fn throttle() -> LoginThrottle {
    let builder = LoginThrottle::builder(SECRET).events(NoopSink::new());
    let throttle = builder.build().expect("it builds");
    // The tables are made when the first key comes.
    drop(begin(&throttle, "first"));
    throttle
}

fn begin(throttle: &LoginThrottle, account: &str) -> Result<LoginGuard, LoginRefusal> {
    let client = ClientIp::resolved_by_caller([203, 0, 113, 9].into());
    let attempt = LoginAttempt::new(account).ip(client);
    let mut context = Context::from_waker(Waker::noop());
    match pin!(throttle.begin(attempt)).poll(&mut context) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the answer is not ready at once"),
    }
}

#[test]
fn a_login_makes_its_cookie_alone() {
    let throttle = throttle();
    drop(begin(&throttle, "alice"));
    let log_in = || {
        begin(&throttle, "Alice ")
            .expect("it is verified")
            .success()
    };
    assert!(log_in().is_some());
    let (cookie, made) = counted(log_in);
    assert!(cookie.is_some());
    assert_eq!(made, COOKIE);
}

#[test]
fn a_failure_and_a_refusal_make_none() {
    let throttle = throttle();
    drop(begin(&throttle, "alice"));
    for _ in 0..4 {
        let failure = || begin(&throttle, "alice").map(LoginGuard::failure).is_ok();
        assert_eq!(counted(failure), (true, 0));
    }
    let refused = || begin(&throttle, "alice").is_err();
    assert_eq!(counted(refused), (true, 0));
}

#[test]
fn a_trusted_device_is_known_without_any() {
    let throttle = throttle();
    let line = begin(&throttle, "alice").expect("it is verified").success();
    let line = line.expect("there is randomness");
    let text = line.to_str().expect("it is ASCII");
    let value = text.split(['=', ';']).nth(1).expect("a value");
    let client = ClientIp::resolved_by_caller([203, 0, 113, 9].into());
    let attempt = LoginAttempt::new("alice").ip(client).device(value);
    let known = || {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(throttle.begin(attempt)).poll(&mut context) {
            Poll::Ready(Ok(guard)) => guard.is_trusted(),
            Poll::Ready(Err(_)) | Poll::Pending => false,
        }
    };
    // The table of the devices is made when the first of them comes.
    assert!(known());
    assert_eq!(counted(known), (true, 0));
}

fn request() -> Request<Full<Bytes>> {
    let mut request = from_peer("203.0.113.9:9");
    request.extensions_mut().insert(LoginAccount::new("alice"));
    // A real request has headers, whose map the refusal takes over.
    request.headers_mut().reserve(8);
    request
}

#[test]
fn the_layer_makes_the_cookie_and_a_refusal_its_mark_and_its_reason() {
    let layer = LoginThrottleLayer::new(throttle());
    let passing = layer.clone().success_when(|answer| answer.status == 200);
    let mut service = passing.layer(Bare);
    go(&mut service, request());
    let request_of_it = request();
    let (answer, made) = counted(|| go(&mut service, request_of_it));
    assert!(answer.headers().contains_key(SET_COOKIE));
    // The first header of an answer costs it its map.
    assert_eq!(made, COOKIE + 2);

    let mut service = layer.layer(Bare);
    let status = |request| go(&mut service, request).status().as_u16();
    assert_eq!([(); 5].map(|()| request()).map(status), [200; 5]);
    // The first clone of a prepared body makes it shared.
    go(&mut service, request());
    let request = request();
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!((answer.status().as_u16(), made), (429, REFUSAL));
}

/// The mark and the reason; the value of `Retry-After` has one digit.
const REFUSAL: usize = 2;
