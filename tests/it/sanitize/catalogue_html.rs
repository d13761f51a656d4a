//! The rows for fields of HTML.

use tower_security::sanitize::html::HtmlPolicy;
use tower_security::sanitize::{JsonRules, MultipartRules, ParamRules, Rule, SanitizeBuilder};

use super::Case;
use super::catalogue::Row;

fn configured(builder: SanitizeBuilder) -> SanitizeBuilder {
    builder
        .json(JsonRules::compatible())
        .params(ParamRules::compatible())
        .multipart(MultipartRules::buffered())
        .html_json("/h", HtmlPolicy::ugc())
        .html_json("/list/*/h", HtmlPolicy::ugc())
        .html_form("h", HtmlPolicy::basic())
}

fn small(builder: SanitizeBuilder) -> SanitizeBuilder {
    configured(builder).body_limit(1_000)
}

fn field(html: &str) -> Case {
    Case::json(format!("{{\"h\":\"{html}\"}}"))
}

fn in_form(html: &str) -> Case {
    Case::form(format!("a=1&h={html}"))
}

fn row(
    (rule, code): (Rule, &'static str),
    with: fn(SanitizeBuilder) -> SanitizeBuilder,
    hits: Vec<Case>,
    near: Vec<Case>,
) -> Row {
    Row {
        rule,
        code,
        status: 422,
        presets: "RR",
        with,
        hits,
        near,
    }
}

pub(super) fn rows() -> Vec<Row> {
    [caps(), bodies()].into_iter().flatten().collect()
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn caps() -> Vec<Row> {
    let sized = |length: usize| format!("<p>{}", "a".repeat(length - 3));
    let tags = |count: usize| "<p>".repeat(count);
    let tag = |length: usize| format!("<p title='{}'>", "a".repeat(length - 12));
    let attributes = |count: usize| {
        let names: String = (0..count).map(|n| format!(" a{n}")).collect();
        format!("<p{names}>")
    };
    let entities = |count: usize| format!("<p>{}", "&".repeat(count));
    // Those that are alike count once.
    let formats = |count: usize| (0..count).map(|n| format!("<b x={n}>")).collect::<String>();
    vec![
        row(
            (Rule::HtmlTooLarge, "html_too_large"),
            configured,
            vec![
                field(&sized(65_537)),
                in_form(&sized(65_537)),
                Case::json(format!(
                    "{{\"list\":[{{\"h\":\"{0}\"}},{{\"h\":\"{0}\"}},{{\"h\":\"<p>\"}}]}}",
                    sized(65_536)
                )),
            ],
            vec![
                field(&sized(65_536)),
                in_form(&sized(65_536)),
                field(&"a".repeat(100_000)),
            ],
        ),
        row(
            (Rule::HtmlTooManyTags, "html_too_many_tags"),
            configured,
            vec![
                field(&tags(1_001)),
                in_form(&"%3Cp>".repeat(1_001)),
                field(&"\\u003c".repeat(1_001)),
            ],
            vec![
                field(&tags(1_000)),
                field(&">".repeat(2_000)),
                field(&tags(1)),
            ],
        ),
        row(
            (Rule::HtmlTagTooLong, "html_tag_too_long"),
            configured,
            vec![
                field(&tag(8_200)),
                in_form(&tag(9_000)),
                field(&tag(20_000)),
            ],
            vec![
                field(&tag(8_000)),
                in_form(&tag(100)),
                field(&sized(20_000)),
            ],
        ),
        row(
            (Rule::HtmlTooManyAttributes, "html_too_many_attributes"),
            configured,
            vec![
                field(&attributes(65)),
                field(&attributes(500)),
                field(&format!("<i>{}", attributes(66))),
            ],
            vec![
                field(&attributes(64)),
                field(&attributes(1)),
                field(&attributes(40).repeat(2)),
            ],
        ),
        row(
            (Rule::HtmlTooManyEntities, "html_too_many_entities"),
            configured,
            vec![
                field(&entities(4_001)),
                field(&entities(10_000)),
                in_form(&format!("<p>{}", "%26".repeat(4_001))),
            ],
            vec![
                field(&entities(4_000)),
                field(&entities(1)),
                field(&"&".repeat(9_000)),
            ],
        ),
        row(
            (Rule::HtmlTooCostly, "html_too_costly"),
            configured,
            vec![
                field(&formats(130)),
                field(&formats(900)),
                in_form(&formats(300).replace(' ', "+")),
            ],
            vec![
                field(&formats(120)),
                field(&"<p x=1>".repeat(900)),
                in_form("<b>"),
            ],
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let long = |count: usize| field(&format!("<p>{}</p>", "&".repeat(count)));
    let dirty = || field("<script>1</script>");
    let signed = |case: Case, name: &'static str| case.header(name, "a");
    let part = |name: &str, value: &str| {
        Case::multipart(&[&format!(
            "Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}"
        )])
    };
    vec![
        row(
            (Rule::HtmlOutputTooLarge, "html_output_too_large"),
            small,
            vec![
                long(250),
                long(900),
                in_form(&format!("<b>{}</b>", "%26".repeat(120))),
            ],
            vec![
                long(190),
                long(1),
                in_form(&format!("<b>{}</b>", "%26".repeat(50))),
            ],
        ),
        row(
            (Rule::HtmlFieldNotText, "html_field_not_text"),
            configured,
            [
                "{\"h\":[\"<p>\"]}",
                "{\"h\":{\"a\":\"<p>\"}}",
                "{\"list\":[{\"h\":\"a\"},{\"h\":[[\"<\"]]}]}",
            ]
            .map(Case::json)
            .to_vec(),
            [
                "{\"h\":1,\"a\":\"<p>\"}",
                "{\"h\":null,\"a\":[\"<p>\"]}",
                "{\"list\":[true,\"<p>\",{\"a\":[\"<\"]}]}",
            ]
            .map(Case::json)
            .to_vec(),
        ),
        row(
            (Rule::HtmlSignedBody, "html_signed_body"),
            configured,
            vec![
                signed(dirty(), "content-digest"),
                signed(dirty(), "signature-input"),
                signed(dirty(), "x-hub-signature-256"),
                signed(in_form("<script>"), "stripe-signature"),
                dirty().header("authorization", "AWS4-HMAC-SHA256 Credential=a"),
            ],
            vec![
                signed(field("<p>a</p>"), "content-digest"),
                signed(field("a"), "signature-input"),
                signed(dirty(), "etag"),
                dirty().header("authorization", "Bearer a"),
            ],
        ),
        row(
            (Rule::HtmlInMultipart, "html_in_multipart"),
            configured,
            vec![part("h", "<p>"), part("h", "a < b"), part("h", "x\r\n<i>")],
            vec![part("h", "a & b"), part("a", "<p>"), part("h", "%3Cp>")],
        ),
    ]
}
