mod properties;
mod tree;

use super::*;
use crate::core::{ConfigErrorKind, ErrorClass};

fn template(pattern: &str) -> Template {
    Template::parse(pattern).unwrap_or_else(|error| panic!("{error}"))
}

/// The decoded parameters of `path`, `None` when it is not canonical or does not match.
fn params(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let template = template(pattern);
    let path = CanonicalPath::parse(path)?;
    let params = template.match_canonical(&path)?;
    Some(
        params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

fn pairs(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
    Some(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

#[test]
fn patterns_that_parse() {
    let rows: [(&str, &[&str], usize, bool, bool); 12] = [
        // pattern, parameters, segments, catch-all, everything
        ("/", &[], 1, false, false),
        ("/orders", &[], 1, false, false),
        ("/orders/", &[], 2, false, false),
        ("/orders/{id}", &["id"], 2, false, false),
        ("/orders/{id}/", &["id"], 3, false, false),
        (
            "/t/{tenant}/o/{order.id}",
            &["tenant", "order.id"],
            4,
            false,
            false,
        ),
        ("/files/{*path}", &["path"], 2, true, false),
        ("/t/{t}/files/{*path}", &["t", "path"], 4, true, false),
        ("/v1/items:cancel/...", &[], 3, false, false),
        ("/{*rest}", &["rest"], 1, true, true),
        ("/{a}/{*rest}", &["a", "rest"], 2, true, true),
        ("/{tenant}/orders", &["tenant"], 2, false, true),
    ];
    for (pattern, names, segments, catch_all, everything) in rows {
        let template = template(pattern);
        assert_eq!(template.as_str(), pattern);
        assert_eq!(template.to_string(), pattern);
        assert_eq!(template.params().collect::<Vec<_>>(), names, "{pattern}");
        assert_eq!(template.segment_count(), segments, "{pattern}");
        assert_eq!(template.has_catch_all(), catch_all, "{pattern}");
        assert_eq!(template.is_everything(), everything, "{pattern}");
    }
}

#[test]
fn patterns_that_do_not_parse() {
    let rows = [
        ("", "invalid_pattern_path"),
        ("orders/{id}", "invalid_pattern_path"),
        ("*", "invalid_pattern_path"),
        ("/a?b", "invalid_pattern_byte"),
        ("/a#b", "invalid_pattern_byte"),
        ("/a b", "invalid_pattern_byte"),
        ("/a\\b", "invalid_pattern_byte"),
        ("/a\nb", "invalid_pattern_byte"),
        ("/a\u{7f}", "invalid_pattern_byte"),
        ("/caf\u{e9}", "invalid_pattern_byte"),
        ("//", "refused_pattern_ambiguous"),
        ("//a", "refused_pattern_ambiguous"),
        ("/a//b", "refused_pattern_ambiguous"),
        ("/a//", "refused_pattern_ambiguous"),
        ("/.", "refused_pattern_ambiguous"),
        ("/a/../b", "refused_pattern_ambiguous"),
        ("/a%20b", "refused_pattern_ambiguous"),
        ("/a%", "refused_pattern_ambiguous"),
        ("/a;v=1", "refused_pattern_ambiguous"),
        ("/*", "refused_pattern_everything"),
        ("/a/*", "invalid_pattern_syntax"),
        ("/a/*rest", "invalid_pattern_syntax"),
        ("/a/:id", "invalid_pattern_syntax"),
        ("/a*b", "invalid_pattern_syntax"),
        ("/{a*}", "invalid_pattern_syntax"),
        ("/{**a}", "invalid_pattern_syntax"),
        ("/{", "invalid_pattern_syntax"),
        ("/{a", "invalid_pattern_syntax"),
        ("/a}", "invalid_pattern_syntax"),
        ("/{a/b}", "invalid_pattern_syntax"),
        ("/{{a}}", "invalid_pattern_syntax"),
        ("/{}", "invalid_pattern_syntax"),
        ("/{*}", "invalid_pattern_syntax"),
        ("/x{a}", "invalid_pattern_syntax"),
        ("/{a}x", "invalid_pattern_syntax"),
        ("/{a}{b}", "invalid_pattern_syntax"),
        ("/{a}/{a}", "invalid_pattern_syntax"),
        ("/{a}/{*a}", "invalid_pattern_syntax"),
        ("/{*rest}/a", "invalid_pattern_catch_all"),
        ("/{*rest}/", "invalid_pattern_catch_all"),
        ("/a/{*rest}/{*more}", "invalid_pattern_catch_all"),
    ];
    for (pattern, code) in rows {
        let error = Template::parse(pattern).expect_err(pattern);
        assert_eq!(error.code(), code, "{pattern}");
        let class = if code.starts_with("refused") {
            ErrorClass::Refused
        } else {
            ErrorClass::Invalid
        };
        assert_eq!(error.class(), class, "{pattern}");
        let message = error.to_string();
        assert!(message.starts_with(class.as_str()), "{message}");
        assert!(message.contains(&format!("{pattern:?}")), "{message}");
    }
}

#[test]
fn syntax_errors_say_what_is_wrong() {
    let rows = [
        ("/x{a}", TemplateSyntax::BesideParam),
        ("/{a}{b}", TemplateSyntax::BesideParam),
        ("/:id", TemplateSyntax::FormerSyntax),
        ("/a/*rest", TemplateSyntax::FormerSyntax),
        ("/{*}", TemplateSyntax::NoName),
        (
            "/t/{id}/o/{id}",
            TemplateSyntax::RepeatedName("id".to_owned()),
        ),
        ("/a*", TemplateSyntax::StrayStar),
        ("/{{a}}", TemplateSyntax::Unbalanced),
        ("/{id", TemplateSyntax::Unbalanced),
    ];
    for (pattern, expected) in rows {
        match Template::parse(pattern) {
            Err(TemplateError::InvalidPatternSyntax { problem, .. }) => {
                assert_eq!(problem, expected, "{pattern}");
            }
            other => panic!("{pattern}: {other:?}"),
        }
    }
    assert_eq!(
        Template::parse("/t/{id}/o/{id}").unwrap_err().to_string(),
        "invalid pattern \"/t/{id}/o/{id}\": \"id\" stands twice, and routers disagree on which value it has; rename one"
    );
}

/// Pattern, paths that match it as they were sent, paths that do not.
const RAW: [(&str, &[&str], &[&str]); 6] = [
    (
        "/webhooks",
        &["/webhooks"],
        &[
            "/webhooks/",
            "/Webhooks",
            "/webhook%73",
            "/webhooks/a",
            "//webhooks",
            "webhooks",
            "",
            "/",
            "*",
        ],
    ),
    (
        "/webhooks/",
        &["/webhooks/"],
        &["/webhooks", "/webhooks//", "/webhooks/a"],
    ),
    ("/", &["/"], &["", "//", "/a", "*", "example.com:443"]),
    (
        "/hooks/{name}",
        &[
            "/hooks/a",
            "/hooks/caf%C3%A9",
            "/hooks/...",
            "/hooks/a.b",
            "/hooks/%2e%2e%2e",
            "/hooks/a%20b",
        ],
        &[
            "/hooks/%2541",
            "/hooks",
            "/hooks/",
            "/hooks/a/",
            "/hooks/a/b",
            "/hooks//a",
            "/hooks/.",
            "/hooks/..",
            "/hooks/%2e",
            "/hooks/%2E%2e",
            "/hooks/.%2e",
            "/hooks/%2e.",
            "/hooks/a%2fb",
            "/hooks/a%2Fb",
            "/hooks/a%5cb",
            "/hooks/a%5Cb",
            "/hooks/a\\b",
            "/hooks/a;b",
            "/hooks/%00",
            "/hooks/a%",
            "/hooks/a%4",
            "/hooks/%zz",
            "/hooks/%+1",
            "/hooks/a?b",
            "/hooks/a#b",
            "/hooks/a b",
            "/hooks/a\n",
            "/h%6Foks/a",
            "http://x/hooks/a",
        ],
    ),
    (
        "/hooks/{name}/done",
        &["/hooks/a/done"],
        &[
            "/hooks/../done",
            "/hooks/%2e%2e/done",
            "/hooks//done",
            "/hooks/a/done/",
            "/hooks/a/b/done",
            "/hooks/a/don%65",
        ],
    ),
    (
        "/webhooks/{*rest}",
        &[
            "/webhooks/a",
            "/webhooks/a/b",
            "/webhooks/a/",
            "/webhooks/a/b%20c/.d",
            "/webhooks/caf%c3%a9",
            "/webhooks/%e2%82%ac/%F0%9F%98%80",
            "/webhooks/\u{e9}%c3%a9\u{e9}",
        ],
        &[
            "/webhooks",
            "/webhooks/",
            "/webhooks//",
            "/webhooks//a",
            "/webhooks/a//",
            "/webhooks/a//b",
            "/webhooks/a/./b",
            "/webhooks/a/..",
            "/webhooks/a/%2e%2E/b",
            "/webhooks/..%20/b",
            "/webhooks/%252e%252e/b",
            "/webhooks/%c0%ae%c0%ae/b",
            "/webhooks/%e0%80%ae%e0%80%ae/b",
            "/webhooks/%f0%80%80%ae/b",
            "/webhooks/%f8%80%80%80%ae/b",
            "/webhooks/x%ae",
            "/webhooks/x%c3",
            "/webhooks/%c3%a9%a9",
            "/webhooks/%c3/%a9",
            "/webhooks/%c3x",
            "/webhooks/%e2%82",
            "/webhooks/%e2%82x",
            "/webhooks/%e2%82%2e",
            "/webhooks/%ed%a0%80",
            "/webhooks/%f4%90%80%80",
            "/webhooks/%c3\u{e9}",
            "/webhooks/x%3b/b",
            "/webhooks/x%3F/b",
            "/webhooks/x%23b",
            "/webhooks/x%0ab",
            "/webhooks/x%7f",
            "/webhooks/x%ff",
            "/webhooks/..",
            "/webhooks/a/b%2fc",
            "/webhooks/a/;",
            "/webhooks/a/%",
            "/webhooks/a\\",
            "/other/a",
        ],
    ),
];

#[test]
fn raw_paths() {
    for (pattern, matching, others) in RAW {
        let template = template(pattern);
        for path in matching {
            assert!(template.match_raw(path), "{pattern} and {path}");
        }
        for path in others {
            assert!(!template.match_raw(path), "{pattern} and {path}");
        }
    }
}

#[test]
fn canonical_paths() {
    let canonical = [
        ("/", "/"),
        ("/orders/1", "/orders/1"),
        ("/orders/1/", "/orders/1/"),
        ("/orders/%31", "/orders/1"),
        ("/%61dmin", "/admin"),
        ("/caf%c3%a9", "/caf\u{e9}"),
        ("/caf\u{e9}", "/caf\u{e9}"),
        ("/a%20b/c+d", "/a b/c+d"),
        ("/100%25", "/100%"),
        ("/100%25%7Aa", "/100%za"),
        ("/.../a.b/.c", "/.../a.b/.c"),
        ("/a%3Fb%23c", "/a?b#c"),
    ];
    for (path, decoded) in canonical {
        assert_eq!(CanonicalPath::parse(path).expect(path).as_str(), decoded);
    }
    let others = [
        "",
        "*",
        "orders/1",
        "http://a/b",
        "//",
        "//orders/1",
        "/orders//1",
        "/orders/1//",
        "/./orders/1",
        "/x/../orders/2",
        "/orders/1/..",
        "/orders/%2e",
        "/orders/.%2E/2",
        "/orders/1%2f2",
        "/orders/..%2F2",
        "/orders/1%5c2",
        "/orders\\1",
        "/orders/1%00",
        "/orders/1%0a",
        "/orders/1\t",
        "/orders/%7f",
        "/orders/%c2%85",
        "/orders/%2531",
        "/orders/%25%33%31",
        "/orders/%252e%252e",
        "/orders/1;x=2",
        "/orders;/1",
        "/orders/1%3bx",
        "/orders/%ff",
        "/orders/%c0%b1",
        "/orders/%c3",
        "/orders/%ed%a0%80",
        "/orders/%",
        "/orders/%3",
        "/orders/%zz",
        "/orders/%+1",
        "/orders/1?x",
        "/orders/1#x",
    ];
    for path in others {
        assert_eq!(CanonicalPath::parse(path), None, "{path}");
    }
}

#[test]
fn canonical_paths_without_escapes_are_borrowed() {
    let path = String::from("/orders/1");
    let canonical = CanonicalPath::parse(&path).unwrap();
    assert!(std::ptr::eq(canonical.as_str(), path.as_str()));
}

#[test]
fn parameters_are_decoded_once() {
    let rows = [
        ("/orders/{id}", "/orders/%31", pairs(&[("id", "1")])),
        ("/orders/{id}", "/%6frders/1", pairs(&[("id", "1")])),
        ("/orders/{id}", "/ORDERS/1", None),
        ("/orders/{id}", "/orders/", None),
        ("/orders/{id}", "/orders/1/", None),
        ("/orders/{id}", "/orders/%2531", None),
        ("/orders/{id}", "/orders/100%25", pairs(&[("id", "100%")])),
        (
            "/t/{tenant}/o/{id}",
            "/t/a%20b/o/2",
            pairs(&[("tenant", "a b"), ("id", "2")]),
        ),
        (
            "/files/{*path}",
            "/files/a/b%20c/",
            pairs(&[("path", "a/b c/")]),
        ),
        ("/files/{*path}", "/files/a%2fb", None),
        ("/files/{*path}", "/files/", None),
        ("/files/{*path}", "/files", None),
        ("/", "/", pairs(&[])),
        ("/a/", "/a", None),
    ];
    for (pattern, path, expected) in rows {
        assert_eq!(params(pattern, path), expected, "{pattern} and {path}");
    }

    let template = template("/t/{tenant}/o/{id}");
    let path = CanonicalPath::parse("/t/acme/o/2").unwrap();
    let params = template.match_canonical(&path).unwrap();
    assert_eq!(params.get("id"), Some("2"));
    assert_eq!(params.get("tenant"), Some("acme"));
    assert_eq!(params.get("ID"), None);
    assert_eq!(format!("{params:?}"), r#"{"tenant": "acme", "id": "2"}"#);
}

#[cfg(feature = "limits")]
#[test]
fn two_templates_share_a_spelling() {
    let rows = [
        ("/a/{x}", "/a/{x}", true),
        ("/a/{x}", "/a/b", true),
        // `/a/b%2Fc`.
        ("/a/{x}", "/a/{x}/{y}", true),
        ("/a/{x}", "/a/b/c/d", true),
        ("/{x}/b", "/a/c/b", true),
        ("/{x}/b", "/{x}/b/{y}", true),
        ("/a/{*rest}", "/a/{x}", true),
        ("/a/{x}", "/b/{x}", false),
        ("/a/{x}", "/a", false),
        ("/a/{x}/c", "/a/{x}/d", false),
        ("/a", "/a/{*rest}", false),
        ("/a/b", "/a/b", true),
        ("/a/b", "/a/c", false),
    ];
    for (one, other, expected) in rows {
        let [one, other] = [one, other].map(template);
        assert_eq!(one.shares_a_spelling(&other), expected, "{one} and {other}");
        assert_eq!(other.shares_a_spelling(&one), expected, "{other} and {one}");
    }
}

#[test]
fn one_template_covers_another() {
    let rows = [
        ("/a/{x}", "/a/{y}", true),
        ("/a/{x}", "/a/b", true),
        ("/a/b", "/a/{x}", false),
        ("/a/{x}", "/a/", false),
        ("/a/{x}", "/a/{*rest}", false),
        ("/a/{*rest}", "/a/{x}", true),
        ("/a/{*rest}", "/a/{x}/b", true),
        ("/a/{*rest}", "/a/{*other}", true),
        ("/a/{*rest}", "/a", false),
        ("/a/{*rest}", "/a/", false),
        ("/a/{*rest}", "/b/c", false),
        ("/a", "/a/b", false),
        ("/a/b", "/a", false),
        ("/{a}/{b}", "/x/{y}", true),
    ];
    for (one, other, expected) in rows {
        assert_eq!(
            template(one).covers(&template(other)),
            expected,
            "{one} and {other}"
        );
    }
}

#[test]
fn the_count_of_segments_agrees() {
    for path in ["/", "/a", "/a/", "/a/b%20c"] {
        let canonical = CanonicalPath::parse(path).unwrap();
        let raw = path.replace("%20", "");
        assert_eq!(
            canonical.segment_count(),
            template(&raw).segment_count(),
            "{path}"
        );
    }
}
