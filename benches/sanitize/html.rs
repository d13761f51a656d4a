//! Fields of HTML: the layer beside what is usually written by hand, and hostile shapes beside ammonia alone.

use std::sync::LazyLock;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tower::Layer;
use tower_security::sanitize::SanitizeLayer;
use tower_security::sanitize::html::{HtmlPolicy, HtmlPreset, Ugc};

use crate::harness::{Group, bare, go};

const NOT_LOOKED_AT: &str = "not looked at";
const AMMONIA: &str = "ammonia alone";
const BY_HAND: &str = "`Value`, ammonia on every string";
const OURS: &str = "tower-security";

pub(crate) fn groups() -> Vec<Group> {
    let mut groups = vec![
        text("HTML, a text of 1 KB without a tag", 3_000, || {
            "Fish & chips, \"quoted\": 2 > 1. ".repeat(32)
        }),
        text("HTML, a comment of 1 KB", 1_000, || PARAGRAPH.repeat(3)),
        text("HTML, an article of 64 KB", 8, || {
            let article = PARAGRAPH.repeat(70);
            let words = "and words, ".repeat((65_000 - article.len()) / 11);
            article + &words
        }),
        body("HTML in 100 KB of JSON, clean", &super::COMMENTS),
        body("HTML in 100 KB of JSON, one in ten with tags", &DIRTY),
    ];
    // At 64 calls a sample.
    groups.extend(SHAPES.iter().map(|(name, make)| text(name, 2, *make)));
    groups
}

const PARAGRAPH: &str = "<p>A paragraph of <b>ordinary</b> text with a <a href=\"https://example.com/page\">link</a>, an \
    <em>emphasis</em> and then some more words so that it is as long as paragraphs are, and a few more on top of them.</p>\n\
    <ul><li>one</li><li>two</li></ul>";

/// Shapes at the caps, and one far above them, which is refused.
const SHAPES: &[(&str, fn() -> String)] = &[
    ("HTML, nested blocks", || "<details>".repeat(1_000)),
    ("HTML, nested lists", || "<ul><li>".repeat(500)),
    ("HTML, nested blocks with text and references", || {
        "><details>\u{a0}&amp; xxxxx".repeat(960)
    }),
    ("HTML, formatting that never ends", || "<b></p>".repeat(500)),
    ("HTML, formatting in rows", || {
        let open = (0..15).map(|number| format!("<b x={number}>"));
        format!("<table>{}{}", open.collect::<String>(), "x<tr>".repeat(100))
    }),
    ("HTML, attributes of many tags", || {
        let attributes: String = (0..64).map(|number| format!(" a{number}")).collect();
        format!("<p{attributes}>").repeat(200)
    }),
    ("HTML, ampersands in a long text", || {
        format!("<p>{}", "&xxxxxxx".repeat(4_000))
    }),
    ("HTML, signs that become references", || {
        format!("<p>{}", ">xxxxxxx".repeat(8_000))
    }),
    ("HTML, formatting in rows, refused", || {
        let open = (0..1_000).map(|number| format!("<b x={number}>"));
        format!("<table>{}{}", open.collect::<String>(), "x<tr>".repeat(100))
    }),
    ("HTML, nested lists, refused", || "<ul><li>".repeat(2_000)),
    ("HTML, one tag of 64 KB, refused", || {
        let attributes: String = (0..9_000).map(|number| format!(" a{number}")).collect();
        format!("<p{attributes}>")
    }),
    ("HTML, 64 KB of ampersands, refused", || {
        format!("<p>{}", "&".repeat(65_000))
    }),
];

fn text(name: &'static str, samples: usize, make: fn() -> String) -> Group {
    let html = LazyLock::<String, fn() -> String>::new(make);
    let html: &'static str = Box::leak(LazyLock::force(&html).clone().into_boxed_str());
    Group::new(name, AMMONIA)
        .samples(samples)
        .row(NOT_LOOKED_AT, move || (move || html, str::len))
        .row(AMMONIA, move || {
            let builder = ammonia::Builder::default();
            (
                move || html,
                move |html: &str| builder.clean(html).to_string(),
            )
        })
        .row(OURS, move || {
            let cleaner = Ugc::cleaner();
            (move || html, move |html: &'static str| cleaner.clean(html))
        })
}

/// Every tenth comment is one of somebody who likes it bold.
static DIRTY: LazyLock<String> = LazyLock::new(|| {
    let mut number = 0;
    let parts = super::COMMENTS.split("\"body\":\"");
    let parts = parts.map(|part| {
        number += 1;
        match number % 10 {
            2 => format!("<b onclick='x()'>Bold.</b> {part}"),
            _ => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("\"body\":\"")
});

fn body(name: &'static str, text: &'static LazyLock<String>) -> Group {
    let request = move || {
        Request::post("/comments")
            .header("host", "app.example.com")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(text.as_bytes())))
            .expect("the request is well-formed")
    };
    Group::new(name, BY_HAND)
        .samples(8)
        .row(NOT_LOOKED_AT, move || (request, go(bare())))
        .row(BY_HAND, move || {
            let mut service = go(bare());
            let call = move |request: Request<Full<Bytes>>| {
                let cleaned = by_hand(text.as_bytes()).expect("it is JSON");
                service(request.map(|_| Full::new(Bytes::from(cleaned))))
            };
            (request, call)
        })
        .row(OURS, move || {
            let layer = SanitizeLayer::builder()
                .html_json("/comments/*/body", HtmlPolicy::ugc())
                .build()
                .expect("the configuration is sound");
            (request, go(layer.layer(bare())))
        })
        .row("tower-security, no field of HTML", move || {
            (request, go(SanitizeLayer::strict().layer(bare())))
        })
}

fn by_hand(body: &[u8]) -> serde_json::Result<Vec<u8>> {
    fn clean(value: &mut Value) {
        match value {
            Value::String(text) => *text = ammonia::clean(text),
            Value::Array(list) => list.iter_mut().for_each(clean),
            Value::Object(map) => map.values_mut().for_each(clean),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value = serde_json::from_slice(body)?;
    clean(&mut value);
    serde_json::to_vec(&value)
}
