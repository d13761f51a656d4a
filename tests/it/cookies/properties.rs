//! What holds for every line.

use cookie::Cookie;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use tower_security::cookies::{CookieLayer, CookiePolicy, Hardened};

use crate::fuzz_bodies::cookies::{cookie_header, set_cookie};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_.-]{1,12}",
        "__(Host|Secure|Http|Host-Http|host|HOST)-[a-z]{0,4}",
        Just("session".to_owned()),
        Just("theme".to_owned()),
        Just("legacy".to_owned()),
        Just(String::new()),
    ]
}

fn attribute() -> impl Strategy<Value = String> {
    prop_oneof![
        "[Ss]ecure( ?= ?[a-z]{0,5})?",
        "(HttpOnly|httponly|HTTPONLY)",
        "SameSite ?= ?(Lax|lax|Strict|None|none|x|)",
        "(Path|path) ?= ?(/|/a|a|)",
        "Domain ?=\\.?(a\\.example|)",
        "Partitioned",
        "Max-Age=-?[0-9]{1,4}",
        Just("Expires=Wed, 09 Jun 2032 10:18:14 GMT".to_owned()),
        "[ =a-z]{0,6}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    let attributes = prop::collection::vec(("[ \t]?", attribute()), 0..8);
    (name(), "[ -:<-~]{0,12}", attributes).prop_map(|(name, value, attributes)| {
        let attributes = attributes
            .into_iter()
            .map(|(space, attribute)| format!(";{space}{attribute}"));
        format!("{name}={value}{}", attributes.collect::<String>())
    })
}

fn cookie_value() -> impl Strategy<Value = String> {
    "([!#-:<-~]([ -:<-~]{0,20}[!#-:<-~])?)?"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Another parser finds the attributes, and the same cookie.
    #[test]
    fn another_parser_agrees(line in line()) {
        let value = HeaderValue::from_str(&line).unwrap();
        let left = match CookiePolicy::default().harden(&value) {
            Hardened::Kept => value,
            Hardened::Changed(changed) => changed,
            _ => return Ok(()),
        };
        let left = left.to_str().unwrap();
        // It knows no nameless cookies.
        let Ok(before) = Cookie::parse(line.as_str()) else {
            return Ok(());
        };
        let after = Cookie::parse(left).unwrap();
        prop_assert_eq!(before.name_value(), after.name_value());
        prop_assert_eq!(after.secure(), Some(true));
        prop_assert_eq!(after.http_only(), Some(true));
        prop_assert!(after.same_site().is_some());
        prop_assert_eq!(before.max_age(), after.max_age());
        prop_assert_eq!(before.expires(), after.expires());
        if after.name().to_ascii_lowercase().starts_with("__host-") {
            prop_assert_eq!(after.path(), Some("/"));
            prop_assert_eq!(after.domain(), None);
        } else {
            prop_assert_eq!(before.path(), after.path());
            prop_assert_eq!(before.domain(), after.domain());
        }
    }

    #[test]
    fn what_was_hardened_is_left_alone(line in line(), choice in 0_u8..16) {
        set_cookie(&[&[choice], line.as_bytes()].concat());
    }

    #[test]
    fn any_bytes_are_hardened(line in prop::collection::vec(any::<u8>(), 0..64), choice in 0_u8..16) {
        set_cookie(&[&[choice], &line[..]].concat());
    }

    /// What goes out as `__Host-session` comes in as `session`, whatever stands beside it.
    #[test]
    fn renaming_is_inverted(
        value in cookie_value(),
        before in "([a-c]=[0-9]{0,3}; ){0,3}",
        behind in "(; [a-c]=[0-9]{0,3}){0,3}",
        planted in prop::option::of(Just("; session=evil; sess%69on=evil")),
    ) {
        let policy = CookieLayer::builder().host_prefix(["session"]).build_policy().unwrap();
        let line = HeaderValue::from_str(&format!("session={value}; Domain=a.example")).unwrap();
        let Hardened::Changed(sent) = policy.harden(&line) else {
            return Err(TestCaseError::fail("it lacks its attributes"));
        };
        let sent = sent.to_str().unwrap();
        let crumb = sent.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        let all = format!("{before}{crumb}{behind}{}", planted.unwrap_or_default());
        headers.insert(COOKIE, HeaderValue::from_str(&all).unwrap());
        policy.restore(&mut headers);
        let expected = format!("{before}session={value}{behind}");
        prop_assert_eq!(headers[COOKIE].to_str().unwrap(), expected.as_str());
    }

    #[test]
    fn nothing_that_reads_as_a_session_gets_in(
        crumbs in prop::collection::vec(prop_oneof![
            "(__Host-|__host-|%5f_Host-|=|==| |\"|%20)?(session|sess%69on|id|%69d|Session|sid)(%20|\"| |)(=|)[a-z=]{0,3}",
            "[ -~]{0,10}",
        ], 0..12),
        separator in "(;|; |\n)",
    ) {
        cookie_header(crumbs.join(&separator).as_bytes());
    }

    #[test]
    fn any_bytes_are_cookies(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        cookie_header(&bytes);
    }
}
