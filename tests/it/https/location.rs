//! Where a redirect leads, as the URL standard reads it.

use http::{HeaderValue, Uri};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tower_security::https::{HttpsDecision, HttpsPolicy};
use url::Url;

use super::*;

fn policy(port: u16) -> HttpsPolicy {
    let hosts = RedirectHost::allow(["app.example", "*.shop.example", "[2001:db8::1]"]);
    HttpsLayer::builder(SchemeSource::Tls)
        .on_insecure(OnInsecure::Redirect(hosts))
        .https_port(port)
        .build_policy()
        .expect("it builds")
}

/// What a redirect of `target` under `host` says.
fn location(policy: &HttpsPolicy, target: &[u8], host: &[u8]) -> Option<Vec<u8>> {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::try_from(target).ok()?;
    let host = HeaderValue::from_bytes(host).ok()?;
    request.headers_mut().insert(HOST, host);
    let (head, ()) = request.into_parts();
    match policy.check(&head) {
        HttpsDecision::Redirect { location, .. } => Some(location.as_bytes().to_vec()),
        _ => None,
    }
}

fn assert_leads_home(location: &[u8], port: u16, target: &[u8]) {
    // Browsers read a location as UTF-8; the http crate takes no other target.
    let text = std::str::from_utf8(location).expect("it is UTF-8");
    let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let host = url.host_str().expect("it has a host");
    assert!(
        host == "app.example"
            || host == "[2001:db8::1]"
            || host
                .strip_suffix(".shop.example")
                .is_some_and(|label| !label.is_empty()),
        "{text} leads to {host}"
    );
    assert_eq!(
        (url.scheme(), url.port_or_known_default()),
        ("https", Some(port))
    );
    assert_eq!((url.username(), url.password()), ("", None));
    assert!(
        location.ends_with(target) || target.starts_with(b"http"),
        "{text}"
    );
}

/// Pieces that URL parsers stumble over.
const PIECES: &[&str] = &[
    "/",
    "//",
    "\\",
    "@",
    ":",
    "?",
    "#",
    "*",
    "%",
    "%2f",
    "%0d%0a",
    "..",
    ".",
    "evil.example",
    "a",
    "A",
    "http:",
    "https://",
    "[::1]",
    "&",
    "=",
    ";",
    "\"",
    "<",
    ">",
    "^",
    "`",
    "{",
    "}",
    "|",
    "\u{e9}",
    "~",
];
const HOSTS: &[&str] = &[
    "app.example",
    "APP.EXAMPLE",
    "app.example.",
    "app.example:80",
    "a.shop.example",
    "-.shop.example",
    "1.shop.example",
    "_a.shop.example",
    "a--b.shop.example",
    "a-.b.shop.example",
    "shop.example",
    "[2001:db8::1]",
    "[2001:DB8::1]:80",
    "evil.example",
    "app.example@evil.example",
    "",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_location_leads_to_an_allowed_host(
        pieces in vec(select(PIECES), 0..8),
        absolute in any::<bool>(),
        host in select(HOSTS),
        port in select(vec![443_u16, 8443]),
    ) {
        let tail = pieces.concat();
        let target = if absolute { format!("http://{host}{tail}") } else { format!("/{tail}") };
        if let Some(location) = location(&policy(port), target.as_bytes(), host.as_bytes()) {
            let sent = target.split('#').next().unwrap_or_default();
            assert_leads_home(&location, port, sent.as_bytes());
        }
    }

    #[test]
    fn so_does_one_of_any_bytes(
        tail in vec(any::<u8>(), 0..24),
        host in vec(select(b"ap.exmlsho-_:8@[]/\\%\xc3\xa9 ".to_vec()), 0..20),
        suffix in select(vec!["", ".shop.example", "app.example", "app.example:80"]),
    ) {
        let target = [b"/".as_slice(), &tail].concat();
        let host = [&host, suffix.as_bytes()].concat();
        if let Some(location) = location(&policy(443), &target, &host) {
            let sent = target.split(|byte| *byte == b'#').next().unwrap_or_default();
            assert_leads_home(&location, 443, sent);
        }
    }
}

#[test]
fn the_properties_see_redirects() {
    let policy = policy(443);
    let seen = HOSTS
        .iter()
        .filter(|host| location(&policy, b"/a", host.as_bytes()).is_some())
        .count();
    assert_eq!(seen, 12, "of {} hosts", HOSTS.len());
}
