//! Heads of requests, beside what is written by hand.

use std::sync::LazyLock;

use http::Request;
use http::request::Parts;
use tower_security::sanitize::RequestRules;

use super::STRICT;
use super::harness::Group;

const SEARCHED: &str = "a search for each word";

pub(super) fn groups() -> Vec<Group> {
    vec![
        head("GET, 12 headers", &ORDINARY),
        head("GET, 12 headers, escapes", &ESCAPED),
    ]
}

/// A page that a browser asks for.
static ORDINARY: LazyLock<Parts> =
    LazyLock::new(|| browser("/articles/tower/comments?page=2&sort=newest&tag[]=http&tag[]=rust"));
/// The same with escapes.
static ESCAPED: LazyLock<Parts> = LazyLock::new(|| {
    browser("/artikel/caf%C3%A9%20noir/comments?page=2&q=%C3%A9t%C3%A9+noir&tag%5B%5D=http")
});

fn browser(target: &str) -> Parts {
    let lines = [
        ("host", "app.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        ),
        (
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        ),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-US,en;q=0.9,de;q=0.8"),
        (
            "cookie",
            "__Host-session=3f2c9a7be51d48f0a6c17d22b90e4f58; theme=dark",
        ),
        ("referer", "https://app.example.com/articles/tower"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-user", "?1"),
        ("upgrade-insecure-requests", "1"),
    ];
    let request = Request::get(target);
    let request = lines.into_iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    request.body(()).expect("a request").into_parts().0
}

/// What is written by hand against the same attacks: a search for each of their words.
fn searched(head: &Parts) -> bool {
    const IN_PATH: [&str; 12] = [
        "..", "//", "\\", ";", "%2e", "%2E", "%2f", "%2F", "%5c", "%00", "%0a", "%25",
    ];
    const IN_QUERY: [&str; 5] = ["%00", "__proto__", "[$", "%0a", "_method"];
    let query = head.uri.query().unwrap_or_default();
    let overrides = [
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    ];
    let mut names: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.ends_with("[]"))
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    !IN_PATH.iter().any(|word| head.uri.path().contains(word))
        && !IN_QUERY.iter().any(|word| query.contains(word))
        && names.len() == count
        && head.headers.get_all("host").iter().count() == 1
        && !overrides
            .iter()
            .any(|name| head.headers.contains_key(*name))
        && head.headers.len() <= 100
        && head.headers.values().all(|value| value.to_str().is_ok())
        && head
            .headers
            .values()
            .map(http::HeaderValue::len)
            .sum::<usize>()
            <= 16_384
}

fn head(name: &'static str, parts: &'static LazyLock<Parts>) -> Group {
    let head = move || &**parts;
    Group::new(name, SEARCHED)
        .samples(3_000)
        .row("not looked at", move || {
            (head, |head: &Parts| head.uri.path().len())
        })
        .row(SEARCHED, move || (head, searched))
        .row(STRICT, move || {
            let rules = RequestRules::strict();
            (head, move |head: &Parts| rules.check(head).is_ok())
        })
        .row("tower-security, compatible", move || {
            let rules = RequestRules::compatible();
            (head, move |head: &Parts| rules.check(head).is_ok())
        })
}
