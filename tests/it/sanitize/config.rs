//! What does not build, and what each option changes.

use http::Method;
use tower_security::SecurityStack;
use tower_security::core::{ConfigErrors, ErrorClass, Mode};
use tower_security::sanitize::{
    Action, Detector, Field, Finding, HeaderRules, JsonRules, MultipartRules, ParamRules,
    PathRules, Rule, SanitizeBuilder, SanitizeConfigError, SanitizeLayer,
};

use super::{Case, Outcome, judged};
use crate::support::posture::warnings;

struct Nothing;

impl Detector for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn inspect(&self, _: Field<'_>) -> Option<Finding> {
        None
    }
}

/// Path, class and code of each mistake.
fn mistakes(builder: SanitizeBuilder) -> Vec<(String, ErrorClass, &'static str)> {
    let errors = builder.build().err();
    errors
        .iter()
        .flat_map(ConfigErrors::iter)
        .map(|error| (error.path().to_owned(), error.class(), error.code()))
        .collect()
}

fn builder() -> SanitizeBuilder {
    SanitizeLayer::builder()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn each_mistake_is_named() {
    use ErrorClass::{Forbidden, Invalid, Refused};
    let rows: Vec<(SanitizeBuilder, &str, ErrorClass, &str)> = vec![
        (
            builder().path(PathRules::strict().relax(Rule::PathNul)),
            "sanitize.path",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().params(ParamRules::strict().report(Rule::ParamProto)),
            "sanitize.params",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().headers(HeaderRules::strict().relax(Rule::HeaderDuplicate)),
            "sanitize.headers",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().json(JsonRules::strict().relax(Rule::JsonSyntax)),
            "sanitize.json",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().multipart(MultipartRules::buffered().relax(Rule::MultipartFileName)),
            "sanitize.multipart",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().relax(Rule::HostMissing),
            "sanitize",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().report(Rule::BodyEncoded),
            "sanitize",
            Refused,
            "core_rule_refused",
        ),
        (
            builder().path(PathRules::strict().relax(Rule::JsonNul)),
            "sanitize.path",
            Invalid,
            "rule_misplaced",
        ),
        (
            builder().relax(Rule::HtmlTooLarge),
            "sanitize",
            Refused,
            "rule_fixed",
        ),
        (
            builder().reject(Rule::TextBidi),
            "sanitize",
            Refused,
            "rule_fixed",
        ),
        (
            builder().dangerous_allow(Rule::HtmlSignedBody),
            "sanitize.dangerous_allow",
            Refused,
            "rule_fixed",
        ),
        (
            builder().body_limit(0),
            "sanitize.body_limit",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().body_limit((64 << 20) + 1),
            "sanitize.body_limit",
            Refused,
            "body_limit_refused",
        ),
        (
            builder().max_target_len(0),
            "sanitize.max_target_len",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_depth(128)),
            "sanitize.json.max_depth",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_depth(0)),
            "sanitize.json.max_depth",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_nodes(1_048_577)),
            "sanitize.json.max_nodes",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_keys(0)),
            "sanitize.json.max_keys",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_array_len(0)),
            "sanitize.json.max_array_len",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_key_len(2 << 20)),
            "sanitize.json.max_key_len",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().json(JsonRules::strict().max_string_len(2 << 20)),
            "sanitize.json.max_string_len",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().params(ParamRules::strict().max_count(0)),
            "sanitize.params.max_count",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().params(ParamRules::strict().max_name_len(0)),
            "sanitize.params.max_name_len",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().params(ParamRules::strict().max_value_len(0)),
            "sanitize.params.max_value_len",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().headers(HeaderRules::strict().max_count(0)),
            "sanitize.headers.max_count",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().headers(HeaderRules::strict().max_bytes(0)),
            "sanitize.headers.max_bytes",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().headers(HeaderRules::strict().max_range_parts(0)),
            "sanitize.headers.max_range_parts",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().multipart(MultipartRules::buffered().max_parts(0)),
            "sanitize.multipart.max_parts",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().multipart(MultipartRules::buffered().max_files(0)),
            "sanitize.multipart.max_files",
            Invalid,
            "limit_invalid",
        ),
        (
            builder().methods([]),
            "sanitize.methods",
            Invalid,
            "methods_empty",
        ),
        (
            builder().allow_type("image/*"),
            "sanitize.allow_type[0]",
            Invalid,
            "type_invalid",
        ),
        (
            builder().allow_type("a/b").allow_type("*/*"),
            "sanitize.allow_type[1]",
            Invalid,
            "type_invalid",
        ),
        (
            builder().allow_type("text"),
            "sanitize.allow_type[0]",
            Invalid,
            "type_invalid",
        ),
        (
            builder().json_type("a/b; c=d"),
            "sanitize.json_type[0]",
            Invalid,
            "type_invalid",
        ),
        (
            builder().json_type("application/grpc+json"),
            "sanitize.json_type[0]",
            Forbidden,
            "type_forbidden",
        ),
        (
            builder().allow_type("Application/GRPC"),
            "sanitize.allow_type[0]",
            Forbidden,
            "type_forbidden",
        ),
        (
            builder().detect("/q", Nothing, Action::Reject),
            "sanitize.detect",
            Refused,
            "detector_blocking_refused",
        ),
        (
            builder().detect("", Nothing, Action::Report),
            "sanitize.detect",
            Invalid,
            "pointer_invalid",
        ),
        (
            builder().detect("/a~2", Nothing, Action::Report),
            "sanitize.detect",
            Invalid,
            "pointer_invalid",
        ),
        (
            builder().detect("/a/**", Nothing, Action::Report),
            "sanitize.detect",
            Invalid,
            "pointer_invalid",
        ),
        (
            builder()
                .detect("q", Nothing, Action::Report)
                .detect("q", Nothing, Action::Report),
            "sanitize.detect",
            Invalid,
            "pointer_duplicate",
        ),
    ];
    for (index, (builder, path, class, code)) in rows.into_iter().enumerate() {
        assert_eq!(
            mistakes(builder),
            [(path.to_owned(), class, code)],
            "row {index}"
        );
    }
}

#[test]
fn what_is_next_to_a_mistake_builds() {
    for builder in [
        builder().body_limit(64 << 20),
        builder().body_limit(1),
        builder().json(JsonRules::strict().max_depth(127)),
        builder().json(JsonRules::strict().max_nodes(1_048_576)),
        builder().json(JsonRules::syntax_only()),
        builder().compatible().body_limit(100),
        builder().methods([Method::GET]),
        builder()
            .allow_type("image/png")
            .json_type("application/csp-report"),
        builder()
            .relax(Rule::PathSemicolon)
            .reject(Rule::HostMissing),
        builder().dangerous_allow(Rule::PathNul),
        builder()
            .detect("/q", Nothing, Action::Reject)
            .dangerous_block_on_detection(),
        builder()
            .detect("/q", Nothing, Action::Report)
            .detect("q", Nothing, Action::Report),
        builder().reject(Rule::JsonOperatorKey),
    ] {
        assert_eq!(mistakes(builder), []);
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_say_what_to_write() {
    let errors = builder()
        .methods([])
        .relax(Rule::PathNul)
        .body_limit(1 << 30)
        .allow_type("*/*")
        .detect("/q", Nothing, Action::Reject)
        .build()
        .unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(
        codes,
        [
            "methods_empty",
            "core_rule_refused",
            "detector_blocking_refused",
            "body_limit_refused",
            "type_invalid"
        ]
    );
    let text = errors.to_string();
    for instead in [
        "dangerous_allow(Rule::PathNul)",
        "dangerous_block_on_detection",
        "exempt_body",
        "application/octet-stream",
        "OPTIONS",
    ] {
        assert!(text.contains(instead), "{instead}: {text}");
    }
    let first = errors.iter().nth(1).unwrap();
    assert_eq!(
        first.downcast(),
        Some(&SanitizeConfigError::CoreRuleRefused {
            rule: Rule::PathNul
        })
    );
}

#[cfg(feature = "sanitize-html")]
#[test]
fn fields_of_html_do_not_build_where_they_would_not_hold() {
    use ErrorClass::{Invalid, Refused};
    use tower_security::sanitize::html::HtmlPolicy;
    let html = |pointer: &str| builder().html_json(pointer, HtmlPolicy::ugc());
    let json = "sanitize.html_json".to_owned();
    let invalid = || vec![(json.clone(), Invalid, "pointer_invalid")];
    for pointer in ["", "bio", "/a~", "/a~2b", "/a/**", "/a*b"] {
        assert_eq!(mistakes(html(pointer)), invalid(), "{pointer:?}");
    }
    for pointer in ["/", "/bio", "/a/*/b", "/a~0~1b", "/*"] {
        assert_eq!(mistakes(html(pointer)), [], "{pointer:?}");
    }
    let twice = html("/a").html_json("/a", HtmlPolicy::text());
    assert_eq!(
        mistakes(twice),
        [(json.clone(), Invalid, "pointer_duplicate")]
    );
    let streaming = || builder().multipart(MultipartRules::streaming());
    assert_eq!(
        mistakes(streaming().html_form("bio", HtmlPolicy::basic())),
        [(
            "sanitize.html_form".to_owned(),
            Invalid,
            "html_multipart_streaming"
        )]
    );
    assert_eq!(
        mistakes(streaming().html_json("/bio", HtmlPolicy::basic())),
        []
    );
    let bad = html("/a").html_json("/b", HtmlPolicy::ugc().tag("script"));
    let [(path, class, code)] = &mistakes(bad)[..] else {
        panic!("one mistake")
    };
    assert_eq!((*class, *code), (Refused, "html_tag_refused"));
    assert!(path.starts_with("sanitize.html_json[\"/b\"]"), "{path}");
    for rule in [
        Rule::JsonSyntax,
        Rule::BodyCharset,
        Rule::BodyTooLarge,
        Rule::BodyEncoded,
        Rule::BodyUnreadable,
        Rule::JsonReservedKey,
        Rule::MultipartPartHeaders,
        Rule::MultipartDisposition,
        Rule::MultipartTransferEncoding,
    ] {
        assert_eq!(
            mistakes(html("/a").dangerous_allow(rule)),
            [("sanitize.dangerous_allow".to_owned(), Refused, "rule_fixed")]
        );
        assert_eq!(mistakes(builder().dangerous_allow(rule)), []);
    }
}

/// With a field of HTML no type gets past the cleaning, whatever the preset says.
#[cfg(feature = "sanitize-html")]
#[tokio::test]
async fn fields_of_html_close_the_way_around() {
    use tower_security::sanitize::html::HtmlPolicy;
    let plain = SanitizeLayer::compatible();
    let html = builder()
        .compatible()
        .html_json("/bio", HtmlPolicy::ugc())
        .allow_type("image/png")
        .build()
        .unwrap();
    for (case, rule) in [
        (Case::post("text/plain", "{}"), Rule::BodyTypeNotAllowed),
        (Case::new("POST", "/").body("{}"), Rule::BodyTypeMissing),
    ] {
        let passed = judged(&plain, case.request()).await;
        assert!(matches!(passed, Outcome::Passed(_)));
        let refused = judged(&html, case.request()).await;
        assert_eq!(
            refused,
            Outcome::Refused(rule, http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
        );
    }
    let allowed = judged(&html, Case::post("image/png", "a").request()).await;
    assert_eq!(allowed, Outcome::Passed(Vec::new()));
}

#[tokio::test]
async fn a_rule_is_relaxed_reported_or_refused() {
    let case = || Case::get("/a;b").request();
    let strict = SanitizeLayer::strict();
    let refused = Outcome::Refused(Rule::PathSemicolon, http::StatusCode::BAD_REQUEST);
    assert_eq!(judged(&strict, case()).await, refused);
    let rows = [
        (
            builder().relax(Rule::PathSemicolon),
            Outcome::Passed(Vec::new()),
        ),
        (
            builder().report(Rule::PathSemicolon),
            Outcome::Passed(vec![Rule::PathSemicolon]),
        ),
        (
            builder().path(PathRules::strict().relax(Rule::PathSemicolon)),
            Outcome::Passed(Vec::new()),
        ),
        (
            builder().path(PathRules::strict().report(Rule::PathSemicolon)),
            Outcome::Passed(vec![Rule::PathSemicolon]),
        ),
        (
            builder().compatible(),
            Outcome::Passed(vec![Rule::PathSemicolon]),
        ),
        (
            builder().compatible().reject(Rule::PathSemicolon),
            refused.clone(),
        ),
        // Those of the builder come last.
        (
            builder()
                .relax(Rule::PathSemicolon)
                .path(PathRules::strict()),
            Outcome::Passed(Vec::new()),
        ),
        (
            builder().dangerous_allow(Rule::PathSemicolon),
            Outcome::Passed(Vec::new()),
        ),
        (builder().mode(Mode::Off), Outcome::Passed(Vec::new())),
        (
            builder().report_only(),
            Outcome::Passed(vec![Rule::PathSemicolon]),
        ),
    ];
    for (index, (builder, expected)) in rows.into_iter().enumerate() {
        let layer = builder.build().unwrap();
        assert_eq!(judged(&layer, case()).await, expected, "row {index}");
    }
}

#[tokio::test]
async fn what_is_dangerous_opens_what_it_says() {
    let open = builder()
        .dangerous_allow(Rule::PathNul)
        .dangerous_allow(Rule::JsonProtoKey)
        .build()
        .unwrap();
    let passed = Outcome::Passed(Vec::new());
    for case in [Case::get("/a%00b"), Case::json("{\"__proto__\":1}")] {
        assert_eq!(judged(&open, case.request()).await, passed);
    }
    let refused = judged(&open, Case::get("/a%0ab").request()).await;
    assert!(matches!(refused, Outcome::Refused(Rule::PathCrlf, _)));
}

#[tokio::test]
async fn names_may_be_listed_as_repeated_or_as_those_of_files() {
    let layer = builder()
        .params(
            ParamRules::strict()
                .multi_value(["tag", "a b"])
                .file_names(["file"]),
        )
        .build()
        .unwrap();
    for (query, rule) in [
        ("tag=1&t%61g=2&tag=3&a+b=1&a%20b=2", None),
        ("tag=1&tags=2&tags=3", Some(Rule::ParamDuplicate)),
        ("Tag=1&Tag=2", Some(Rule::ParamDuplicate)),
        ("file=a.pdf&other=..", None),
        ("f%69le=a%2fb", Some(Rule::ParamFileName)),
    ] {
        let outcome = judged(&layer, Case::get(format!("/?{query}")).request()).await;
        let expected = match rule {
            None => Outcome::Passed(Vec::new()),
            Some(rule) => Outcome::Refused(rule, http::StatusCode::BAD_REQUEST),
        };
        assert_eq!(outcome, expected, "{query}");
        let refused = layer_rules(&layer, query);
        assert_eq!(refused, rule, "{query}");
    }
}

/// The same without Tower.
fn layer_rules(layer: &SanitizeLayer, query: &str) -> Option<Rule> {
    let request = Case::get(format!("/?{query}")).request();
    let (head, _) = request.into_parts();
    let checked = layer.request_rules().check(&head);
    checked.err().map(|violation| violation.rule())
}

#[tokio::test]
async fn methods_are_those_that_were_listed() {
    let layer = builder()
        .methods([Method::GET, Method::CONNECT])
        .build()
        .unwrap();
    let answer = |method: &'static str| {
        let layer = &layer;
        async move { judged(layer, Case::new(method, "/").request()).await }
    };
    assert_eq!(answer("GET").await, Outcome::Passed(Vec::new()));
    assert_eq!(answer("CONNECT").await, Outcome::Passed(Vec::new()));
    for method in ["HEAD", "POST", "OPTIONS", "get"] {
        let refused = answer(method).await;
        assert!(
            matches!(refused, Outcome::Refused(Rule::MethodNotAllowed, _)),
            "{method}"
        );
    }
}

#[test]
fn a_posture_tells_what_is_enforced_and_what_was_opened() {
    let stack = SecurityStack::new().sanitize(SanitizeLayer::strict());
    let posture = stack.posture();
    let entry = &posture.entries()[0];
    let settings: Vec<_> = entry.settings().collect();
    assert_eq!(entry.protection(), "sanitize");
    assert_eq!(
        settings,
        [
            ("preset", "strict"),
            ("enforced", "71"),
            ("reported", "0"),
            ("body_limit", "1048576"),
            ("multipart", "buffered"),
        ]
    );
    assert_eq!(warnings(&posture), [""; 0]);

    let layer = builder()
        .compatible()
        .dangerous_allow(Rule::PathNul)
        .dangerous_exempt(|_| false)
        .dangerous_block_on_detection()
        .detect("/q", Nothing, Action::Reject)
        .exempt_body(|_| false)
        .json(JsonRules::syntax_only())
        .mode(Mode::ReportOnly)
        .build()
        .unwrap();
    let posture = SecurityStack::new().sanitize(layer).posture();
    let text = posture.to_string();
    for part in [
        "report-only",
        "preset=compatible",
        "multipart=streaming",
        "detectors=1",
        "exempt=some bodies",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        warnings(&posture),
        [
            "sanitize: report-only",
            "sanitize: dangerous_allow path_nul",
            "sanitize: json syntax_only",
            "sanitize: dangerous_block_on_detection",
            "sanitize: dangerous_exempt",
        ]
    );
}
