//! The device cookie of a login: trusted is what the throttle has signed for this account, and nothing that only looks like it.

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderValue, Request};
use tower_security::core::{ManualClock, NoopSink};
use tower_security::rate_limit::login::{LoginAttempt, LoginGuard, LoginThrottle};

const SECRET: &[u8] = b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";

/// Signed with the secret for `alice` on the day that the clock shows.
const SIGNED: &[u8] =
    b"v1.974ef19cb2ee1b0f9d0570015407426e.1743465600.22a6764a256de7ed9ab28ef2b90626b3";

/// Every attempt succeeds, so that none is refused for those before it.
static THROTTLE: LazyLock<LoginThrottle> = LazyLock::new(|| {
    LoginThrottle::builder(SECRET)
        .clock(ManualClock::new())
        .events(NoopSink::new())
        .build()
        .expect("it is sound")
});

fn begin(attempt: LoginAttempt<'_>) -> LoginGuard {
    match pin!(THROTTLE.begin(attempt)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(guard) => guard.expect("nobody has failed"),
        Poll::Pending => panic!("the store is in memory"),
    }
}

/// Whether the attempt is trusted, and the cookie that its success is given.
fn log_in(attempt: LoginAttempt<'_>) -> (bool, String) {
    let guard = begin(attempt);
    let is_trusted = guard.is_trusted();
    let line = guard.success().expect("there is randomness");
    let line = line.to_str().expect("it is ASCII");
    let (cookie, _) = line.split_once("; Path=/").expect("it has attributes");
    (is_trusted, cookie.to_owned())
}

fn head<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Parts {
    let mut request = Request::new(());
    for line in lines {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            request.headers_mut().append(COOKIE, line);
        }
    }
    request.into_parts().0
}

/// The values of the device cookie in a request.
fn devices(head: &Parts) -> Vec<&[u8]> {
    head.headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .map(|crumb| {
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
            let start = crumb
                .iter()
                .position(|byte| !is_blank(byte))
                .unwrap_or(crumb.len());
            let end = crumb
                .iter()
                .rposition(|byte| !is_blank(byte))
                .map_or(start, |at| at + 1);
            &crumb[start..end]
        })
        .filter_map(|crumb| crumb.strip_prefix(b"__Host-device="))
        .collect()
}

/// The first line is an account, the second a cookie's value, each further one a line of `Cookie`.
pub fn device_cookie(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n').take(100);
    let account = lines.next().unwrap_or_default();
    let value = lines.next().unwrap_or_default();
    let Ok(account) = std::str::from_utf8(account) else {
        return;
    };
    let is_alice = account.trim().to_lowercase() == "alice";

    if let Ok(text) = std::str::from_utf8(value) {
        let (is_trusted, _) = log_in(LoginAttempt::new(account).device(text));
        assert_eq!(is_trusted, is_alice && value == SIGNED);
    }
    let others: Vec<&[u8]> = lines.collect();
    let parts = head(others.iter().copied());
    let (is_trusted, own) = log_in(LoginAttempt::new(account).head(&parts));
    assert_eq!(is_trusted, is_alice && devices(&parts) == [SIGNED]);

    // What it has signed itself is read back, if nobody has put another beside it, and is of no use for another account.
    let with_own = head(others.iter().copied().chain([own.as_bytes()]));
    let is_alone = devices(&parts).is_empty();
    let (is_trusted, again) = log_in(LoginAttempt::new(account).head(&with_own));
    assert_eq!(is_trusted, is_alone);
    assert_ne!(own, again, "each login has an id of its own");
    let (_, own) = own.split_once('=').expect("it has a value");
    let other = format!("{account}x");
    assert!(log_in(LoginAttempt::new(account).device(own)).0);
    assert!(!log_in(LoginAttempt::new(&other).device(own)).0);
}
