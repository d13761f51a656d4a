//! Ordinary texts pass unchanged: the words of this repository, each as a value in JSON and in a form.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use tower::Layer;
use tower_security::sanitize::{ParamRules, SanitizeBuilder, SanitizeLayer};

use super::{Case, Handler};
use crate::support::service::go;
use crate::support::tree;

/// What people wrote here: comments of the code and lines of the documents.
fn texts() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for file in tree::files(folder, "rs") {
            let lines = file.text.lines().map(str::trim_start);
            let comments = lines.filter_map(|line| line.strip_prefix("//"));
            texts
                .extend(comments.map(|line| line.trim_start_matches(['/', '!']).trim().to_owned()));
        }
    }
    let documents = tree::files("src", "md").into_iter().map(|file| file.text);
    let at_root = ["README.md", "CHANGELOG.md", "SECURITY.md"].map(tree::read);
    for document in documents.chain(at_root) {
        texts.extend(document.lines().map(|line| line.trim().to_owned()));
        // Paragraphs have line ends.
        texts.extend(document.split("\n\n").map(str::to_owned));
    }
    texts.retain(|text| text.len() > 1);
    texts
}

fn form(text: &str) -> String {
    let mut form = String::from("text=");
    for byte in text.bytes() {
        match byte {
            b' ' => form.push('+'),
            byte if byte.is_ascii_alphanumeric() => form.push(char::from(byte)),
            byte => form.push_str(&format!("%{byte:02x}")),
        }
    }
    form
}

/// How many bodies passed, every byte the same.
async fn passed(layer: &SanitizeLayer, texts: &BTreeSet<String>) -> usize {
    let mut count = 0;
    for text in texts {
        let json = serde_json::json!({ "text": text, "n": 1.0 }).to_string();
        for case in [Case::json(json), Case::form(form(text))] {
            let handler = Handler::default();
            let body = Bytes::from(case.body.clone());
            let request = case.request().map(|_| Full::new(body.clone()));
            let answer = go(layer.layer(handler.clone()), request).await;
            assert_eq!(answer.status(), StatusCode::OK, "{text}");
            let seen = handler.last();
            assert_eq!(seen.body.as_deref(), Some(&body[..]), "{text}");
            assert!(seen.report.is_none(), "{text}");
            count += 1;
        }
    }
    count
}

fn with_long_values(builder: SanitizeBuilder) -> SanitizeBuilder {
    builder.params(ParamRules::strict().max_value_len(1 << 20))
}

#[tokio::test]
async fn ordinary_texts_pass_unchanged() {
    let texts = texts();
    assert!(texts.len() >= 10_000, "{}", texts.len());
    let strict = with_long_values(SanitizeLayer::builder()).build().unwrap();
    assert_eq!(passed(&strict, &texts).await, 2 * texts.len());
}

/// A field of HTML without `<` is text, `&` and all.
#[cfg(feature = "sanitize-html")]
#[tokio::test]
async fn a_field_without_a_tag_is_never_changed() {
    use tower_security::sanitize::html::HtmlPolicy;
    let mut texts = texts();
    texts.retain(|text| !text.contains('<'));
    assert!(texts.len() >= 10_000, "{}", texts.len());
    let layer = with_long_values(SanitizeLayer::builder())
        .html_json("/text", HtmlPolicy::text())
        .html_form("text", HtmlPolicy::ugc())
        .build()
        .unwrap();
    assert_eq!(passed(&layer, &texts).await, 2 * texts.len());
}
