//! Two cookies: one with the access token, which pages and sockets send, and one with the refresh token.

use std::time::{Duration, SystemTime};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use tower_security::auth::{AuthFailure, Authenticator, Decision, Presence};
use tower_security::core::{ChallengeScheme, Lookup, Rejection};
use tower_security::token::{JwtVerifier, TokenPair};

pub const ACCESS: &str = "__Host-access";
pub const REFRESH: &str = "__Host-refresh";

/// Whose access token is over has to reach these all the same.
const OPEN: [&str; 4] = ["/login", "/logout", "/register", "/token"];

/// Finds a cookie. One that stands there twice was planted, by whomever, and is none.
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok());
    let mut found = pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(each, _)| *each == name)
        .map(|(_, value)| value);
    found.next().filter(|_| found.next().is_none())
}

/// The lines of `Set-Cookie` for a pair of tokens.
pub fn of_pair(pair: &TokenPair) -> Result<[HeaderValue; 2], Rejection> {
    let refresh_ends = pair.refresh_expires_at.duration_since(SystemTime::now());
    Ok([
        line(
            ACCESS,
            pair.access_token.token().expose(),
            pair.access_token.lifetime(),
        )?,
        line(
            REFRESH,
            pair.refresh_token.expose(),
            refresh_ends.unwrap_or_default(),
        )?,
    ])
}

/// The lines that take them back.
pub fn of_nobody() -> Result<[HeaderValue; 2], Rejection> {
    Ok([
        line(ACCESS, "", Duration::ZERO)?,
        line(REFRESH, "", Duration::ZERO)?,
    ])
}

fn line(name: &str, value: &str, lifetime: Duration) -> Result<HeaderValue, Rejection> {
    let seconds = lifetime.as_secs();
    let line =
        format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    let mut line = HeaderValue::try_from(line).map_err(|_| Rejection::internal())?;
    line.set_sensitive(true);
    Ok(line)
}

/// Accepts the access token out of its cookie. A token in `Authorization` wins over it.
pub struct AccessCookie(JwtVerifier);

impl AccessCookie {
    pub const fn new(verifier: JwtVerifier) -> Self {
        Self(verifier)
    }
}

impl Authenticator for AccessCookie {
    fn presence(&self, head: &Parts) -> Presence {
        // Browsers send it unasked, so that the CSRF layer has to look at such requests.
        if find(&head.headers, ACCESS).is_none() || OPEN.contains(&head.uri.path()) {
            Presence::Absent
        } else {
            Presence::Ambient
        }
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        let Some(token) = find(&head.headers, ACCESS) else {
            return Decision::NotPresent;
        };
        match self.0.verify(token) {
            Lookup::Ready(verified) => verified.map_err(AuthFailure::from).into(),
            Lookup::Pending(verified) => {
                Decision::pending(async move { verified.await.map_err(AuthFailure::from) })
            }
        }
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::custom("Cookie")
    }

    fn headers(&self) -> Vec<HeaderName> {
        vec![header::COOKIE]
    }
}
