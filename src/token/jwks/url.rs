//! Addresses that keys may come from.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

use super::error::{JwksConfigError, JwksUrlProblem};

/// Where keys are, if they cannot be replaced on the way.
pub(super) fn parse(text: &str, allows_http: bool) -> Result<Uri, JwksConfigError> {
    check(text, allows_http).map_err(|problem| JwksConfigError::JwksUrlRefused {
        url: shown(text),
        problem,
    })
}

fn check(text: &str, allows_http: bool) -> Result<Uri, JwksUrlProblem> {
    // The parser of `Uri` drops it.
    if text.contains('#') {
        return Err(JwksUrlProblem::Fragment);
    }
    let uri: Uri = text.parse().map_err(|_| JwksUrlProblem::Syntax)?;
    // A bare host is an authority without a scheme.
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(JwksUrlProblem::Syntax);
    };
    if authority.as_str().contains('@') {
        return Err(JwksUrlProblem::Userinfo);
    }
    let port = authority.as_str().strip_prefix(authority.host());
    let has_sound_port = port.is_some_and(|port| port.is_empty())
        || authority.port_u16().is_some_and(|port| port != 0);
    if authority.host().is_empty() || !has_sound_port {
        return Err(JwksUrlProblem::Syntax);
    }
    let is_safe = *scheme == Scheme::HTTPS || allows_http && is_plain_loopback(&uri);
    if is_safe {
        Ok(uri)
    } else {
        Err(JwksUrlProblem::NotHttps)
    }
}

/// Whether it is HTTP without TLS, to this machine.
pub(super) fn is_plain_loopback(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTP) && uri.host().is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bare.unwrap_or(host).parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761 section 6.3.
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// The text without what may be a name and a password.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://***@{after}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_and_over_http_from_this_machine_alone() {
        const HTTPS: JwksUrlProblem = JwksUrlProblem::NotHttps;
        let refused = [
            ("http://login.example.com/jwks", HTTPS),
            ("http://127.0.0.1.evil.test/jwks", HTTPS),
            ("http://localhost.evil.test/jwks", HTTPS),
            ("http://[2001:db8::1]/jwks", HTTPS),
            ("ftp://localhost/jwks", HTTPS),
            ("file://localhost/etc/keys", HTTPS),
            (
                "https://login.example.com/jwks#keys",
                JwksUrlProblem::Fragment,
            ),
            (
                "https://me:secret@login.example.com/",
                JwksUrlProblem::Userinfo,
            ),
            ("https://me@login.example.com/", JwksUrlProblem::Userinfo),
            ("/jwks", JwksUrlProblem::Syntax),
            ("login.example.com", JwksUrlProblem::Syntax),
            ("https:///jwks", JwksUrlProblem::Syntax),
            ("https://login.example.com:0/", JwksUrlProblem::Syntax),
            ("https://login.example.com:65536/", JwksUrlProblem::Syntax),
            ("https://login.example.com/a b", JwksUrlProblem::Syntax),
            ("", JwksUrlProblem::Syntax),
        ];
        for (text, problem) in refused {
            assert_eq!(check(text, true), Err(problem), "{text}");
        }
        for text in [
            "https://login.example.com/.well-known/jwks.json",
            "https://login.example.com:8443/keys?tenant=7",
            "HTTPS://login.example.com",
            "https://127.0.0.1:1/jwks",
        ] {
            assert_eq!(check(text, false), Ok(text.parse().unwrap()), "{text}");
        }
        for text in [
            "http://127.0.0.1:8080/jwks",
            "http://127.9.9.9/jwks",
            "http://[::1]:8080/jwks",
            "http://localhost/jwks",
        ] {
            assert_eq!(check(text, true), Ok(text.parse().unwrap()), "{text}");
            assert_eq!(check(text, false), Err(HTTPS), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let error = parse("https://me:hidden@login.example.com/jwks", false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "refused JWKS URL \"https://***@login.example.com/jwks\": leave out user name and password"
        );
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        let error = parse("me:hidden@x@login.example.com#a", false).unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}
