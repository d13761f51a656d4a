//! Sanitizing: what a look at a head costs, beside a search for each word; and a look at a body, beside the parser alone and beside a
//! document that is built. See `harness` for the commands.

mod harness;
#[path = "sanitize/head.rs"]
mod head;
#[path = "sanitize/html.rs"]
mod html;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::LazyLock;

use serde::de::IgnoredAny;
use serde_json::Value;
use tower_security::sanitize::JsonRules;

use harness::Group;

/// A body as a client sends it: the comments of a page, about 100 KB and 4,400 strings, keys included.
static COMMENTS: LazyLock<String> = LazyLock::new(|| comments(245));
/// One of 1 KB.
static FEW: LazyLock<String> = LazyLock::new(|| comments(2));

const IGNORED: &str = "parsed, nothing kept";
const VALUE: &str = "parsed to a `Value`";
const ROUND_TRIP: &str = "`Value` and back to text";
const STRICT: &str = "tower-security, strict";

fn main() -> ExitCode {
    harness::main("sanitize", &groups())
}

fn groups() -> Vec<Group> {
    let mut groups = head::groups();
    groups.extend([
        json("JSON, 100 KB", IGNORED, &COMMENTS),
        json("JSON, 100 KB, beside a document", VALUE, &COMMENTS),
        json("JSON, 1 KB", IGNORED, &FEW),
        json("JSON, 1 KB, beside a document", ROUND_TRIP, &FEW),
    ]);
    groups.extend(html::groups());
    groups
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
