//! Sanitizing: what a look at a head costs, beside a dozen searches for words; and a look at a body, beside the parser alone and beside a
//! document that is built. See `harness` for the commands.

mod harness;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::LazyLock;

use http::Request;
use http::request::Parts;
use serde::de::IgnoredAny;
use serde_json::Value;
use tower_security::sanitize::{JsonRules, RequestRules};

use harness::Group;

/// A body as a client sends it: the comments of a page, about 100 KB and 4,400 strings, keys included.
static COMMENTS: LazyLock<String> = LazyLock::new(|| comments(245));
/// One of 1 KB.
static FEW: LazyLock<String> = LazyLock::new(|| comments(2));

const SEARCHED: &str = "a search for each word";
const IGNORED: &str = "parsed, nothing kept";
const VALUE: &str = "parsed to a `Value`";
const ROUND_TRIP: &str = "`Value` and back to text";
const STRICT: &str = "tower-security, strict";

fn main() -> ExitCode {
    harness::main("sanitize", &groups())
}

fn groups() -> Vec<Group> {
    vec![
        head("GET, 12 headers", &ORDINARY),
        head("GET, 12 headers, escapes", &ESCAPED),
        json("JSON, 100 KB", IGNORED, &COMMENTS),
        json("JSON, 100 KB, beside a document", VALUE, &COMMENTS),
        json("JSON, 1 KB", IGNORED, &FEW),
        json("JSON, 1 KB, beside a document", ROUND_TRIP, &FEW),
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

fn json(name: &'static str, rival: &'static str, text: &'static LazyLock<String>) -> Group {
    let body = move || text.as_bytes();
    Group::new(name, rival)
        .samples(if text.len() > 10_000 { 60 } else { 3_000 })
        .row("not looked at", move || (body, <[u8]>::len))
        .row(IGNORED, move || {
            (body, |body: &[u8]| {
                serde_json::from_slice::<IgnoredAny>(body).is_ok()
            })
        })
        .row(VALUE, move || {
            (body, |body: &[u8]| {
                serde_json::from_slice::<Value>(body).ok()
            })
        })
        .row(ROUND_TRIP, move || {
            (body, |body: &[u8]| {
                let value = serde_json::from_slice::<Value>(body).ok()?;
                serde_json::to_vec(&value).ok()
            })
        })
        .row(STRICT, move || {
            let rules = JsonRules::strict();
            (body, move |body: &[u8]| rules.check(body).is_ok())
        })
        .row("tower-security, syntax alone", move || {
            let rules = JsonRules::syntax_only();
            (body, move |body: &[u8]| rules.check(body).is_ok())
        })
}

fn comments(count: usize) -> String {
    let mut text = String::from("{\"page\":\"/articles/tower\",\"comments\":[");
    for number in 0..count {
        if number > 0 {
            text.push(',');
        }
        write!(
            text,
            "{{\"id\":{},\"author\":{{\"name\":\"Reader {number}\",\"email\":\"reader{number}@example.com\",\"verified\":{}}},\
             \"body\":\"I read it twice; \u{201c}section {number}\u{201d} was new to me. 2 > 1, isn't it & shouldn't it be? The part about \
             layers could say more of the order in which they stand, and why that order matters at all.\",\
             \"tags\":[\"tower\",\"http\"],\"score\":{}.25,\"likes\":{},\"parent\":null,\
             \"created\":\"2026-03-{:02}T10:{:02}:00Z\",\"position\":[51.5072,-0.1276]}}",
            1_000_000 + number,
            number % 3 == 0,
            number % 7,
            number * 31 % 1_000,
            number % 28 + 1,
            number % 60,
        )
        .expect("writing to memory");
    }
    text.push_str("]}");
    text
}
