//! HTML as users send it: what is left of it is of the policy, stays as it is, and is not much.

use std::sync::LazyLock;

use tower_security::sanitize::html::{HtmlCaps, HtmlCleaner, HtmlPolicy};

/// A policy, and its elements written down a second time.
static POLICIES: LazyLock<[(HtmlCleaner, &[&str]); 3]> = LazyLock::new(|| {
    let build = |policy: HtmlPolicy| policy.build().expect("it is sound");
    [
        (build(HtmlPolicy::text()), &[]),
        (build(HtmlPolicy::basic()), BASIC),
        (build(HtmlPolicy::ugc()), UGC),
    ]
});

/// The elements of the basic policy, in its documentation's words.
pub const BASIC: &[&str] = &[
    "p",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "a",
];

/// The elements of what users write.
pub const UGC: &[&str] = &[
    "p",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "a",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
    "col",
    "colgroup",
    "img",
    "figure",
    "figcaption",
    "details",
    "summary",
    "sub",
    "sup",
];

/// What stands outside of the quotes of a tag that the cleaner has written, and each value behind what is before it.
fn attributes(tag: &str) -> (String, Vec<(&str, &str)>) {
    let (mut names, mut values) = (String::new(), Vec::new());
    let mut parts = tag.split('"');
    while let Some(outside) = parts.next() {
        if let Some((end, _)) = outside.split_once('>') {
            names.push_str(end);
            break;
        }
        names.push_str(outside);
        if let Some(value) = parts.next() {
            values.push((outside, value));
        }
    }
    (names, values)
}

/// Every `<` of a result begins a tag of the policy, for in text and in values it is a reference.
pub fn html(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for (cleaner, tags) in &*POLICIES {
        let Ok(cleaned) = cleaner.clean(text) else {
            assert!(text.contains('<'), "text is never refused");
            continue;
        };
        if !text.contains('<') {
            assert_eq!(cleaned, text);
            continue;
        }
        assert!(cleaned.len() <= 256 << 10);
        for tag in cleaned.split('<').skip(1) {
            let tag = tag.strip_prefix('/').unwrap_or(tag);
            let end = tag.find([' ', '>']).expect("a tag ends");
            assert!(tags.contains(&&tag[..end]), "<{tag}");
        }
        for tag in cleaned.split('<').skip(1) {
            let (names, values) = attributes(tag);
            assert!(
                !names.contains(" on") && !names.contains(" style="),
                "<{tag}"
            );
            let script = |(name, value): &(&str, &str)| {
                ["href=", "src="].iter().any(|end| name.ends_with(end))
                    && value.trim_start().starts_with("javascript:")
            };
            assert!(!values.iter().any(script), "<{tag}");
        }
        // More than the input, so that the caps of a field may be too small for it.
        let caps = HtmlCaps::new()
            .bytes(1 << 20)
            .tags(1 << 20)
            .entities(1 << 20)
            .cost(1 << 30)
            .work(1 << 30)
            .attributes(1 << 10)
            .tag_bytes(1 << 20);
        let again = cleaner.clean_with(&cleaned, &caps);
        assert_eq!(again.as_deref(), Ok(&*cleaned), "cleaned twice");
    }
}
