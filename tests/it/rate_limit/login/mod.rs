//! The login throttle: what is verified, what is refused, and what nobody can tell.

mod config;
mod devices;
mod dimensions;
mod events;
#[cfg(feature = "axum")]
mod example;
mod layer;
mod stores;

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tower_security::core::{ClientIp, EventName, Level, ManualClock, Outcome, SecurityEvent};
use tower_security::rate_limit::Store;
use tower_security::rate_limit::login::{
    LoginAttempt, LoginGuard, LoginRefusal, LoginThrottle, LoginThrottleBuilder,
};

const SECRET: [u8; 16] = *b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn minutes(minutes: u64) -> Duration {
    seconds(minutes * 60)
}

/// One event, as far as the tests ask.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    name: EventName,
    level: Level,
    outcome: Outcome,
    code: &'static str,
    target: Option<String>,
    rule: Option<String>,
    detail: Option<String>,
    whole: String,
}

/// The events of one throttle.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event: &SecurityEvent<'_>| {
            log.lock().unwrap().push(Told {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                code: event.code,
                target: event.target.as_ref().map(ToString::to_string),
                rule: event.rule.as_ref().map(ToString::to_string),
                detail: event.detail.as_ref().map(ToString::to_string),
                whole: format!("{event:?}"),
            });
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn codes(&self) -> Vec<&'static str> {
        self.take().iter().map(|told| told.code).collect()
    }
}

/// A throttle whose time stands still, and its clock.
fn with(
    change: impl FnOnce(LoginThrottleBuilder) -> LoginThrottleBuilder,
) -> (LoginThrottle, ManualClock, Log) {
    let (clock, log) = (ManualClock::new(), Log::default());
    let builder = LoginThrottle::builder(&SECRET[..])
        .clock(clock.clone())
        .events(log.sink());
    (change(builder).build().unwrap(), clock, log)
}

fn throttle() -> (LoginThrottle, ManualClock, Log) {
    with(|builder| builder)
}

fn client(ip: &str) -> ClientIp {
    ClientIp::resolved_by_caller(ip.parse().unwrap())
}

/// A client of its own for each number.
fn nth_client(number: u32) -> ClientIp {
    ClientIp::resolved_by_caller(IpAddr::from((0x0a00_0000 + number).to_be_bytes()))
}

/// What a future that is ready at once is ready with.
#[track_caller]
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is not ready at once"),
    }
}

#[track_caller]
fn begin<St: Store>(
    throttle: &LoginThrottle<St>,
    account: &str,
    client: ClientIp,
) -> Result<LoginGuard<St>, LoginRefusal> {
    at_once(throttle.begin(LoginAttempt::new(account).ip(client)))
}

/// An attempt with a wrong password. Returns whether the password was looked at, or how long to wait.
#[track_caller]
fn fail<St: Store>(
    throttle: &LoginThrottle<St>,
    account: &str,
    client: ClientIp,
) -> Result<(), u64> {
    match begin(throttle, account, client) {
        Ok(guard) => {
            guard.failure();
            Ok(())
        }
        Err(refusal) => Err(refusal.retry_after()),
    }
}

/// An attempt with the right password.
#[track_caller]
fn succeed<St: Store>(throttle: &LoginThrottle<St>, account: &str, client: ClientIp) -> String {
    let cookie = begin(throttle, account, client).unwrap().success();
    cookie_value(cookie.unwrap().to_str().unwrap())
}

/// The value of a line of `Set-Cookie`.
fn cookie_value(line: &str) -> String {
    let (_, value) = line.split_once('=').unwrap();
    value.split(';').next().unwrap().to_owned()
}
