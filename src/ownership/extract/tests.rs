use http::Request;
use http::request::Parts;

use super::*;

fn head(target: &str, headers: &[(&'static str, &[u8])]) -> Parts {
    let mut request = Request::get(target).body(()).unwrap();
    for (name, value) in headers {
        let value = http::HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(*name, value);
    }
    request.into_parts().0
}

fn id(text: &str) -> Result<ResourceId, ExtractError> {
    Ok(text.into())
}

const MALFORMED: Result<ResourceId, ExtractError> = Err(ExtractError::Malformed);
const AMBIGUOUS: Result<ResourceId, ExtractError> = Err(ExtractError::Ambiguous);
const MISSING: Result<ResourceId, ExtractError> = Err(ExtractError::Missing);

#[test]
fn an_id_is_the_text_it_was_made_of_whatever_its_length() {
    for length in [0, 1, 36, 37, 38, 39, 255, 256, 257, 1_000] {
        let text = "x".repeat(length);
        let made = ResourceId::from(text.as_str());
        assert_eq!(made.as_str(), text);
        assert_eq!(made, ResourceId::from(text.clone()));
        assert_eq!(made.clone(), made);
        assert_ne!(made, ResourceId::from(format!("{text}y")));
    }
    for text in [
        "caf\u{e9}",
        "\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}",
    ] {
        assert_eq!(&*ResourceId::from(text), text);
    }
    assert_eq!(ResourceId::from(-7_i64).as_str(), "-7");
    assert_eq!(ResourceId::from(u64::MAX).as_str(), "18446744073709551615");
    assert_eq!(size_of::<ResourceId>(), 40);
}

#[test]
fn each_object_has_one_spelling() {
    use IdShape::*;
    let rows = [
        (Any, "7", Some("7")),
        (Any, "a b", Some("a b")),
        (Any, "", None),
        (Any, "a\u{7f}", None),
        (Any, "a\u{85}", None),
        (U64, "0", Some("0")),
        (U64, "18446744073709551615", Some("18446744073709551615")),
        (U64, "18446744073709551616", None),
        (U64, "00", None),
        (U64, "-0", None),
        (U64, "+1", None),
        (U64, " 1", None),
        (U64, "\u{ff11}", None),
        (I64, "-9223372036854775808", Some("-9223372036854775808")),
        (I64, "-9223372036854775809", None),
        (I64, "9223372036854775807", Some("9223372036854775807")),
        (I64, "9223372036854775808", None),
        (I64, "0", Some("0")),
        (I64, "-0", None),
        (I64, "-07", None),
        (I64, "--7", None),
        (I64, "-", None),
        (
            Uuid,
            "67E55044-10B1-426F-9247-BB680E5FE0C8",
            Some("67e55044-10b1-426f-9247-bb680e5fe0c8"),
        ),
        (Uuid, "67e55044-10b1-426f-9247-bb680e5fe0cg", None),
        (Uuid, "67e55044x10b1-426f-9247-bb680e5fe0c8", None),
        (Uuid, "67e550441-0b1-426f-9247-bb680e5fe0c8", None),
        (Uuid, "67e5504410b1426f9247bb680e5fe0c8", None),
        (Slug, "My-note_2", Some("My-note_2")),
        (Slug, "a.b", None),
        (Slug, "caf\u{e9}", None),
    ];
    for (shape, text, read) in rows {
        assert_eq!(shape.read(text).ok().as_deref(), read, "{shape:?} {text:?}");
    }
    for (length, is_ok) in [(256, true), (257, false)] {
        assert_eq!(Any.read(&"a".repeat(length)).is_ok(), is_ok);
        assert_eq!(Slug.read(&"a".repeat(length)).is_ok(), is_ok);
    }
}

#[test]
fn a_query_is_read_in_one_way_only() {
    let doc = QueryParam::new("doc");
    let rows = [
        ("/?doc=7", id("7")),
        ("/?a=1&doc=7&b=2", id("7")),
        ("/?doc=a%20b", id("a b")),
        ("/?doc=a+b", id("a b")),
        ("/?doc=a%2Bb", id("a+b")),
        ("/?doc=%2531", id("%31")),
        ("/?doc=a=b", id("a=b")),
        ("/?d%6fc=7", id("7")),
        ("/", MISSING),
        ("/?", MISSING),
        ("/?doc%3D7", MISSING),
        ("/?xdoc=7", MISSING),
        ("/?docx=7", MISSING),
        ("/?Doc=7", MISSING),
        ("/?doc%00=7", MISSING),
        ("/?+doc=7", MISSING),
        ("/?doc=7&doc=7", AMBIGUOUS),
        ("/?doc=7&doc", AMBIGUOUS),
        ("/?doc&doc=7", AMBIGUOUS),
        ("/?doc=7&%64%6F%63=8", AMBIGUOUS),
        ("/?doc=7;", AMBIGUOUS),
        ("/?a;doc=7", AMBIGUOUS),
        ("/?a;b=1&doc=7", id("7")),
        ("/?doc=%3b", id(";")),
        ("/?doc=", MALFORMED),
        ("/?doc=%", MALFORMED),
        ("/?doc=%4", MALFORMED),
        ("/?doc=%ff", MALFORMED),
        ("/?doc=%00", MALFORMED),
        ("/?doc=7%0d%0a", MALFORMED),
    ];
    for (target, expected) in rows {
        assert_eq!(doc.extract(&mut head(target, &[])), expected, "{target}");
    }
    for (length, is_ok) in [(256, true), (257, false), (100_000, false)] {
        let target = format!("/?doc={}", "%61".repeat(length).get(..length * 3).unwrap());
        // A request target has its own limit.
        if let Ok(request) = Request::get(&target).body(()) {
            let read = doc.extract(&mut request.into_parts().0);
            assert_eq!(read.is_ok(), is_ok, "{length}");
        }
    }
    let blank = QueryParam::new("a b");
    assert_eq!(blank.extract(&mut head("/?a+b=7", &[])), id("7"));
    assert_eq!(blank.extract(&mut head("/?a%20b=7", &[])), id("7"));
}

#[test]
fn a_header_is_one_line_of_plain_characters() {
    let rows: [(&[(&'static str, &[u8])], _); 10] = [
        (&[("x-id", b"7")], id("7")),
        (&[("x-id", b"a/b;c")], id("a/b;c")),
        (&[("x-other", b"7")], MISSING),
        (&[("x-id", b"7"), ("x-id", b"7")], AMBIGUOUS),
        (&[("x-id", b"7,8")], AMBIGUOUS),
        (&[("x-id", b"7,")], AMBIGUOUS),
        (&[("x-id", b"7 8")], MALFORMED),
        (&[("x-id", b"7\t")], MALFORMED),
        (&[("x-id", b"")], MALFORMED),
        (&[("x-id", b"caf\xc3\xa9")], MALFORMED),
    ];
    for (headers, expected) in rows {
        let (plain, call) = (HeaderId::new("X-Id"), MetadataId::new("x-id"));
        assert_eq!(
            plain.extract(&mut head("/", headers)),
            expected,
            "{headers:?}"
        );
        assert_eq!(
            call.extract(&mut head("/", headers)),
            expected,
            "{headers:?}"
        );
    }
    let broken = HeaderId::new("no such name");
    assert_eq!(broken.extract(&mut head("/", &[])), MISSING);
}

#[test]
fn names_of_others_are_no_ids() {
    for (name, is_header, is_metadata) in [
        ("x-order-id", true, true),
        ("X-Order-Id", true, true),
        ("x-order-bin", true, false),
        ("grpc-timeout", true, false),
        ("authorization", false, false),
        ("cookie", false, false),
        ("x-forwarded-for", false, false),
        ("X-Forwarded-User", false, false),
        ("x-forwardedfor", true, true),
        ("x-original-url", false, false),
        ("sec-fetch-site", false, false),
        ("host", false, false),
        ("", false, false),
    ] {
        assert_eq!(HeaderId::new(name).validate().is_ok(), is_header, "{name}");
        assert_eq!(
            MetadataId::new(name).validate().is_ok(),
            is_metadata,
            "{name}"
        );
    }
}

#[test]
fn a_pattern_reads_a_canonical_path_alone() {
    let order = PathPattern::new("/orders/{id}", "id");
    for (target, expected) in [
        ("/orders/7", id("7")),
        ("/orders/%37?id=8", id("7")),
        ("/%6frders/7", id("7")),
        ("/orders/7/", MISSING),
        ("/Orders/7", MISSING),
        ("/orders/", MISSING),
        ("/orders/7%2f8", MALFORMED),
        ("/orders//7", MALFORMED),
        ("/orders/%2537", MALFORMED),
        ("/orders/..", MALFORMED),
    ] {
        assert_eq!(order.extract(&mut head(target, &[])), expected, "{target}");
    }
    for broken in [
        PathPattern::new("/orders/:id", "id"),
        PathPattern::new("/orders/{id}", "order"),
    ] {
        assert_eq!(broken.extract(&mut head("/orders/7", &[])), MISSING);
        assert!(broken.validate().is_err());
    }
    assert!(order.validate().is_ok());
}

#[test]
fn without_a_router_there_is_no_parameter() {
    let param = PathParam::new("id");
    assert_eq!(param.extract(&mut head("/orders/7", &[])), MISSING);
}

#[test]
fn a_closure_and_a_shared_extractor_are_extractors() {
    let host = |head: &mut Parts| -> Result<ResourceId, ExtractError> {
        head.uri.host().map(Into::into).ok_or(ExtractError::Missing)
    };
    let shared: Arc<dyn ResourceExtractor> = Arc::new(host);
    assert_eq!(
        shared.extract(&mut head("http://a.example/", &[])),
        id("a.example")
    );
    assert_eq!(shared.extract(&mut head("/", &[])), MISSING);
    assert!(shared.validate().is_ok() && shared.path_param().is_none());
}
