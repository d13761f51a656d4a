//! What a parser of HTML finds in a text, whoever wrote it: html5ever, and a tree of its own.

use html5ever::driver::{ParseOpts, parse_fragment};
use html5ever::tendril::TendrilSink;
use html5ever::{QualName, local_name, ns};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use super::vectors::all;
use crate::fuzz_bodies::sanitize_html as tags;
use tower_security::sanitize::html::{HtmlCleaner, HtmlPolicy};

/// What a policy says of itself, written down a second time.
pub(super) struct Allowed {
    pub(super) tags: &'static [&'static str],
    /// Beside `lang` and `title`.
    pub(super) attributes: &'static [(&'static str, &'static str)],
}

pub(super) const TEXT: Allowed = Allowed {
    tags: &[],
    attributes: &[],
};

pub(super) const BASIC: Allowed = Allowed {
    tags: tags::BASIC,
    attributes: &[
        ("a", "href"),
        ("a", "rel"),
        ("ol", "start"),
        ("blockquote", "cite"),
    ],
};

pub(super) const UGC: Allowed = Allowed {
    tags: tags::UGC,
    attributes: &[
        ("a", "href"),
        ("a", "rel"),
        ("ol", "start"),
        ("blockquote", "cite"),
        ("img", "src"),
        ("img", "alt"),
        ("img", "width"),
        ("img", "height"),
        ("td", "colspan"),
        ("td", "rowspan"),
        ("th", "colspan"),
        ("th", "rowspan"),
        ("th", "scope"),
        ("col", "span"),
        ("colgroup", "span"),
        ("details", "open"),
    ],
};

/// Everything in a text that is not allowed.
pub(super) fn faults(html: &str, allowed: &Allowed) -> Vec<String> {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(
        RcDom::default(),
        ParseOpts::default(),
        context,
        Vec::new(),
        true,
    )
    .one(html);
    let root = dom.document.children.borrow()[0].clone();
    let mut open: Vec<Handle> = root.children.borrow().clone();
    let mut faults = Vec::new();
    while let Some(node) = open.pop() {
        match &node.data {
            NodeData::Text { .. } => {}
            NodeData::Element { name, attrs, .. } => {
                let tag = &*name.local;
                if name.ns != ns!(html) || !allowed.tags.contains(&tag) {
                    faults.push(format!("element {name:?}"));
                }
                for attribute in attrs.borrow().iter() {
                    faults.extend(fault_of(
                        tag,
                        &attribute.name.local,
                        &attribute.value,
                        allowed,
                    ));
                }
            }
            NodeData::Comment { .. }
            | NodeData::Doctype { .. }
            | NodeData::Document
            | NodeData::ProcessingInstruction { .. } => faults.push(format!("{:?}", node.data)),
        }
        open.extend(node.children.borrow().iter().cloned());
    }
    faults
}

fn fault_of(tag: &str, name: &str, value: &str, allowed: &Allowed) -> Option<String> {
    let known = ["lang", "title"].contains(&name) || allowed.attributes.contains(&(tag, name));
    if !known {
        return Some(format!("attribute {name} of {tag}"));
    }
    let schemes: &[&str] = match name {
        "rel" => {
            return (value != "noopener noreferrer nofollow ugc").then(|| format!("rel {value}"));
        }
        "href" | "cite" => &["http", "https", "mailto", "tel"],
        "src" => &["http", "https"],
        _ => return None,
    };
    // As a browser reads it on a page of this address.
    let page = url::Url::parse("https://page.example/").unwrap();
    let scheme = page.join(value).map(|url| url.scheme().to_owned());
    let fine = scheme
        .as_deref()
        .is_ok_and(|scheme| schemes.contains(&scheme));
    (!fine).then(|| format!("address {value:?} of {tag}"))
}

pub(super) fn presets() -> [(&'static str, HtmlCleaner, &'static Allowed); 3] {
    [
        ("text", HtmlPolicy::text().build().unwrap(), &TEXT),
        ("basic", HtmlPolicy::basic().build().unwrap(), &BASIC),
        ("ugc", HtmlPolicy::ugc().build().unwrap(), &UGC),
    ]
}

#[test]
fn the_oracle_finds_what_is_there() {
    for (html, fault) in [
        ("<script>x</script>", "element"),
        ("<svg><p>x", "element"),
        ("<!--x-->", "Comment"),
        ("<p onclick=x>", "attribute onclick of p"),
        ("<p href=/x>", "attribute href of p"),
        ("<a href=java&#9;script:x>", "address"),
        ("<img src=mailto:x>", "address"),
        ("<a rel=opener>", "rel opener"),
    ] {
        let faults = faults(html, &UGC);
        assert!(
            faults.iter().any(|found| found.contains(fault)),
            "{html}: {faults:?}"
        );
    }
    assert_eq!(
        faults(
            "<a href=//x.example title=y rel='noopener noreferrer nofollow ugc'>x</a> &lt;script&gt;",
            &UGC
        ),
        [""; 0]
    );
}

#[test]
fn what_is_left_of_each_vector_is_allowed_and_stays_as_it_is() {
    for (name, cleaner, allowed) in presets() {
        for vector in all() {
            let cleaned = cleaner
                .clean(&vector.html)
                .unwrap_or_else(|error| panic!("{error}: {vector:?}"));
            if vector.html.contains('<') {
                assert_eq!(
                    faults(&cleaned, allowed),
                    [""; 0],
                    "{name}: {vector:?}\n{cleaned}"
                );
            } else {
                assert_eq!(cleaned, vector.html, "{name}");
            }
            assert_eq!(
                cleaner.clean(&cleaned).unwrap(),
                cleaned,
                "{name}: {vector:?}"
            );
        }
    }
}
