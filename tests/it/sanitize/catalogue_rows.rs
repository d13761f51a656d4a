//! The rows of the catalogue: rule, code, status, what the presets do, three that break it and three that nearly do.

use http::Version;
use tower_security::sanitize::{
    Action, Detector, Field, Finding, JsonRules, ParamRules, Rule, SanitizeBuilder,
};

use super::Case;
use super::catalogue::Row;

const fn same(builder: SanitizeBuilder) -> SanitizeBuilder {
    builder
}

fn row(
    (rule, code, status, presets): (Rule, &'static str, u16, &'static str),
    hits: Vec<Case>,
    near: Vec<Case>,
) -> Row {
    Row {
        rule,
        code,
        status,
        presets,
        with: same,
        hits,
        near,
    }
}

impl Row {
    fn with(mut self, with: fn(SanitizeBuilder) -> SanitizeBuilder) -> Self {
        self.with = with;
        self
    }
}

pub(super) fn rows() -> Vec<Row> {
    [
        line(),
        path(),
        path_of_strict(),
        params(),
        params_of_strict(),
        headers(),
        body(),
        json(),
        json_texts(),
        multipart(),
        multipart_parts(),
        detectors(),
        #[cfg(feature = "sanitize-html")]
        super::catalogue_html::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn gets<const N: usize>(targets: [&str; N]) -> Vec<Case> {
    targets.into_iter().map(Case::get).collect()
}

fn host(host: &str) -> Case {
    Case::get("/").without("host").header("host", host)
}

fn methods<const N: usize>(methods: [&'static str; N]) -> Vec<Case> {
    methods
        .into_iter()
        .map(|method| Case::new(method, "/"))
        .collect()
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn line() -> Vec<Row> {
    let long = |length: usize| Case::get(format!("/{}", "a".repeat(length - 1)));
    let h2 = |target: &str| Case::get(target).version(Version::HTTP_2).without("host");
    let absolute =
        |target: &str, host: &str| Case::get(target).without("host").header("host", host);
    vec![
        row(
            (Rule::MethodNotAllowed, "method_not_allowed", 405, "RR"),
            methods(["TRACE", "TRACK", "TRACE"]),
            methods(["GET", "OPTIONS", "trace"]),
        ),
        row(
            (Rule::HostMissing, "host_missing", 400, "RR"),
            vec![
                Case::get("/").without("host"),
                Case::new("POST", "/a?b").without("host"),
                h2("/"),
            ],
            vec![
                Case::get("/"),
                h2("http://app.example/"),
                Case::get("/").without("host").version(Version::HTTP_10),
            ],
        ),
        row(
            (Rule::HostDuplicate, "host_duplicate", 400, "RR"),
            vec![
                host("a.example").header("host", "a.example"),
                host("a.example").header("host", "b.example"),
                host("a.example").header("host", "").header("host", "a"),
            ],
            vec![
                host("a.example"),
                host("a.example").header("x-forwarded-host", "b.example"),
                host("a.example").header("forwarded", "host=b"),
            ],
        ),
        row(
            (Rule::HostInvalid, "host_invalid", 400, "RR"),
            [
                "",
                " ",
                "a b",
                "user@a.example",
                "a.example:",
                "a.example/x",
                "a.example:8a",
                "a.example:123456",
                "[::1",
                "[::1]x",
                "[v1.a]",
                "[1.2.3.4]",
                "::1",
                "a\u{e9}",
                "a,b:80:80",
                "a%2",
                ":80",
                "a?b",
                "a#b",
                "a\\b",
                "\"a\"",
                "a<b",
            ]
            .map(host)
            .into_iter()
            .filter(|case| case.headers[0].1 != b"a.example:")
            .collect(),
            [
                "a.example",
                "a.example:",
                "a.example:80",
                "A.EXAMPLE:65535",
                "[::1]",
                "[::1]:8080",
                "127.0.0.1:1",
                "a_b.example",
                "a",
                "a.example.",
                "xn--a-ecp.example",
                "a%2db",
            ]
            .map(host)
            .to_vec(),
        ),
        row(
            (Rule::TargetTooLong, "target_too_long", 414, "RR"),
            vec![
                long(16_385),
                Case::get(format!("/?{}", "a&".repeat(8_192))),
                absolute(
                    &format!("http://app.example/{}", "a".repeat(16_366)),
                    "app.example",
                ),
            ],
            vec![
                long(8_192),
                long(16_384),
                absolute(
                    &format!("http://app.example/{}", "a".repeat(16_365)),
                    "app.example",
                ),
            ],
        ),
        row(
            (Rule::HostMismatch, "host_mismatch", 400, "RR"),
            vec![
                absolute("http://a.example/", "b.example"),
                absolute("http://a.example/", "a.example:8080"),
                absolute("https://a.example/", "a.example:80"),
                absolute("http://a.example/", "a.example.").version(Version::HTTP_2),
            ],
            vec![
                absolute("http://a.example/", "A.EXAMPLE"),
                absolute("http://a.example:80/", "a.example"),
                absolute("https://a.example/", "a.example:443"),
                absolute("http://a.example:/", "a.example").version(Version::HTTP_2),
            ],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn path() -> Vec<Row> {
    vec![
        row(
            (Rule::PathNul, "path_nul", 400, "RR"),
            gets(["/a%00", "/%00/..", "/a.txt%00.png"]),
            gets(["/a%20", "/?%20", "/a00"]),
        ),
        row(
            (Rule::PathCrlf, "path_crlf", 400, "RR"),
            gets(["/a%0d%0ab", "/a%0A", "/%0d"]),
            gets(["/a%20", "/0d0a", "/a%C3%8A"]),
        ),
        row(
            (Rule::PathControl, "path_control", 400, "RR"),
            gets(["/a%01", "/a%7f", "/a%C2%80", "/a%1B[0m", "/a%09b"]),
            gets(["/a%20", "/a%7c", "/a%C2%A0", "/a~b"]),
        ),
        row(
            (Rule::PathBackslash, "path_backslash", 400, "RR"),
            gets(["/a\\b", "/a%5cb", "/%5C%5Chost"]),
            gets(["/a|b", "/a%5bb", "/?a\\b"]),
        ),
        row(
            (Rule::PathBadEscape, "path_bad_escape", 400, "RR"),
            gets(["/a%zz", "/%u002e%u002e", "/%%32%65", "/a%", "/a%4"]),
            gets(["/a%5A", "/a%C3%a9", "/a%20b"]),
        ),
        row(
            (Rule::PathNotUtf8, "path_not_utf8", 400, "RR"),
            gets(["/%c0%ae%c0%ae/", "/a%ff", "/a%C3", "/%ED%A0%80"]),
            gets(["/caf%C3%A9", "/%F0%9F%8D%B7", "/caf\u{e9}"]),
        ),
        row(
            (Rule::PathDotSegment, "path_dot_segment", 400, "RR"),
            gets([
                "/..",
                "/a/../b",
                "/./a",
                "/a/.",
                "/a/%2e%2e/b",
                "/..%2fa",
                "/a/..;x=1/b",
                "/a/..%20",
                "/a/..%20b",
                "/.;/a",
            ]),
            gets(["/.a", "/..a", "/a..", "/a./b", "/a/..b/c", "/a...b"]),
        ),
        row(
            (Rule::PathDoubleEncoding, "path_double_encoding", 400, "RR"),
            gets([
                "/%252e%252e/",
                "/a%252Fb",
                "/a%255cb",
                "/a%2500",
                "/a%252525",
                "/a%25%30%61",
                "/a%250d",
            ]),
            gets(["/100%25", "/a%2520b", "/a%2541"]),
        ),
        row(
            (Rule::PathLineSeparator, "path_line_separator", 400, "RR"),
            gets(["/a%E2%80%A8b", "/a%e2%80%a9", "/a%C2%85b"]),
            gets(["/a%E2%80%A7b", "/a%C2%A0b", "/a%E2%80%A6"]),
        ),
        row(
            (Rule::PathEncodedDot, "path_encoded_dot", 400, "Rr"),
            gets(["/a%2eb", "/%2Ewell-known", "/a%2Etxt"]),
            gets(["/a.b", "/a%2Cb", "/?a%2eb"]),
        ),
        row(
            (Rule::PathEncodedSlash, "path_encoded_slash", 400, "Rr"),
            gets(["/a%2fb", "/a%2Fb", "/repo/a%2fb/c"]),
            gets(["/a/b", "/a%2Bb", "/?a%2fb"]),
        ),
        row(
            (Rule::PathEmptySegment, "path_empty_segment", 400, "Rr"),
            gets(["//a", "/a//b", "/a//"]),
            gets(["/a/", "/", "/?a//b"]),
        ),
        row(
            (Rule::PathSemicolon, "path_semicolon", 400, "Rr"),
            gets(["/a;b=1", "/;", "/cars;color=red;year=1"]),
            gets(["/a:b", "/a,b", "/?a;b"]),
        ),
        row(
            (Rule::PathBidi, "path_bidi", 400, "Rr"),
            gets([
                "/a%E2%80%AEb",
                "/%E2%81%A6a",
                "/a%E2%80%8Bb",
                "/%EF%BB%BF",
                "/a%E2%81%A0",
            ]),
            gets(["/%D7%90%D7%91", "/a%E2%80%AFb", "/a%E2%80%90b"]),
        ),
        row(
            (Rule::PathLookalike, "path_lookalike", 400, "Rr"),
            gets([
                "/%EF%BC%8E%EF%BC%8E/",
                "/a%EF%BC%8Fb",
                "/a%EF%BC%BCb",
                "/a%E2%80%A4b",
                "/a%E2%81%84b",
                "/a%E2%88%95b",
                "/a%E2%A7%B5b",
            ]),
            gets(["/a%E2%80%A6b", "/a%C2%B7b", "/a%E2%88%96b"]),
        ),
    ]
}

fn path_of_strict() -> Vec<Row> {
    vec![
        row(
            (Rule::PathEncodedPercent, "path_encoded_percent", 400, "R-"),
            gets(["/100%25", "/%25", "/a%2520b"]),
            gets(["/100%20", "/a%24", "/?a=100%25"]),
        ),
        row(
            (Rule::PathNotAscii, "path_not_ascii", 400, "R-"),
            gets(["/caf\u{e9}", "/\u{1f377}", "/a\u{a0}b"]),
            gets(["/caf%C3%A9", "/~a", "/?caf%C3%A9"]),
        ),
        row(
            (
                Rule::PathEncodedUnreserved,
                "path_encoded_unreserved",
                400,
                "R-",
            ),
            gets(["/%61dmin", "/a%2Db", "/%7euser", "/%5f", "/%30"]),
            gets(["/admin", "/a%20b", "/a%2Bb", "/%40user"]),
        ),
    ]
}

fn query(text: &str) -> Case {
    Case::get(format!("/?{text}"))
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn params() -> Vec<Row> {
    let many = |count: usize| {
        (0..count)
            .map(|n| format!("p{n}="))
            .collect::<Vec<_>>()
            .join("&")
    };
    let name = |length: usize| format!("{}=1", "n".repeat(length));
    let value = |length: usize| format!("v={}", "v".repeat(length));
    vec![
        row(
            (Rule::ParamTooMany, "param_too_many", 400, "RR"),
            vec![
                query(&many(1_001)),
                Case::form(many(1_001)),
                Case::form(many(5_000)),
            ],
            vec![
                query(&many(1_000)),
                Case::form(many(1_000)),
                query(&"&".repeat(2_000)),
            ],
        ),
        row(
            (Rule::ParamNameTooLong, "param_name_too_long", 400, "RR"),
            vec![
                query(&name(1_025)),
                Case::form(name(1_025)),
                Case::form(format!("{}=1", "%6e".repeat(1_025))),
            ],
            vec![
                query(&name(256)),
                query(&name(1_024)),
                Case::form(format!("{}=1", "%6e".repeat(1_024))),
            ],
        ),
        row(
            (Rule::ParamValueTooLong, "param_value_too_long", 400, "RR"),
            // The compatible preset has no limit of its own.
            vec![
                query(&value(101)),
                Case::form(value(101)),
                Case::form(format!("v={}", "%76".repeat(101))),
            ],
            vec![
                query(&value(100)),
                Case::form(value(100)),
                Case::form(format!("v={}", "%76".repeat(100))),
            ],
        )
        .with(|builder| builder.params(ParamRules::strict().max_value_len(100))),
        row(
            (Rule::ParamBadEscape, "param_bad_escape", 400, "RR"),
            vec![
                query("a=%zz"),
                query("a%=1"),
                Case::form("a=%u0041"),
                Case::form("a=100%"),
            ],
            vec![
                query("a=%41"),
                Case::form("a=100%25"),
                Case::form("a=%c3%A9"),
            ],
        ),
        row(
            (Rule::ParamNotUtf8, "param_not_utf8", 400, "RR"),
            vec![
                query("a=%ff"),
                query("%c0%ae=1"),
                Case::form(b"a=\xff".to_vec()),
                Case::form("a=%ED%A0%80"),
            ],
            vec![
                query("a=%C3%A9"),
                Case::form("a=\u{e9}"),
                Case::form("a=%F0%9F%8D%B7"),
            ],
        ),
        row(
            (Rule::ParamNul, "param_nul", 400, "RR"),
            vec![query("a=%00"), query("a%00b=1"), Case::form("a=x\0")],
            vec![query("a=0"), query("a=%30"), Case::form("a=%200")],
        ),
        row(
            (Rule::ParamProto, "param_proto", 400, "RR"),
            vec![
                query("__proto__[x]=1"),
                query("a[__proto__][x]=1"),
                query("a.__proto__=1"),
                query("constructor[prototype][x]=1"),
                Case::form("a%5B__proto__%5D=1"),
                Case::form("a.constructor.prototype.b=1"),
            ],
            vec![
                query("proto=1"),
                query("constructor=1"),
                query("prototype[constructor]=1"),
                query("a=__proto__"),
                query("__proto=1"),
                query("constructor[x][prototype]=1"),
            ],
        ),
        row(
            (Rule::ParamControl, "param_control", 400, "Rr"),
            vec![
                query("a=%01"),
                query("a=%7f"),
                query("a%0a=1"),
                Case::form("a=%1b[0m"),
                Case::form("a%09b=1"),
                Case::form("a=\u{8}"),
            ],
            vec![
                query("a=%20"),
                Case::form("a=%09%0d%0a"),
                Case::form("a=x\r\n\ty"),
                query("a=%C2%80"),
            ],
        ),
        row(
            (Rule::ParamDuplicate, "param_duplicate", 400, "Rr"),
            vec![
                query("id=1&id=2"),
                query("id=1&i%64=1"),
                query("a=1&b&c&b=2"),
                Case::form("a+b=1&a%20b=2"),
                Case::form(
                    (0..40)
                        .map(|n| format!("p{}=1&", n % 39))
                        .collect::<String>(),
                ),
            ],
            vec![
                query("id=1&Id=2"),
                query("a[]=1&a[]=2"),
                query("a=1&&&b=2"),
                Case::form((0..40).map(|n| format!("p{n}=1&")).collect::<String>()),
            ],
        ),
        row(
            (Rule::ParamOperator, "param_operator", 400, "Rr"),
            vec![
                query("a[$ne]=1"),
                query("a.$gt=1"),
                Case::form("a%5B%24where%5D=1"),
                Case::form("a[b][$in][]=1"),
            ],
            vec![
                query("$filter=a"),
                query("a=$ne"),
                query("a[ne$]=1"),
                Case::form("price$=1"),
            ],
        ),
    ]
}

fn params_of_strict() -> Vec<Row> {
    vec![
        row(
            (
                Rule::ParamMethodOverride,
                "param_method_override",
                400,
                "R-",
            ),
            vec![
                query("_method=DELETE"),
                Case::form("_method=PUT"),
                Case::form("a=1&%5Fmethod=x"),
            ],
            vec![
                query("method=DELETE"),
                query("a=_method"),
                Case::form("_methods=1"),
            ],
        ),
        row(
            (
                Rule::HeaderMethodOverride,
                "header_method_override",
                400,
                "R-",
            ),
            vec![
                Case::get("/").header("x-http-method", "DELETE"),
                Case::get("/").header("x-http-method-override", "DELETE"),
                Case::get("/").header("x-method-override", "DELETE"),
            ],
            vec![
                Case::get("/").header("x-method", "DELETE"),
                Case::get("/").header("access-control-request-method", "DELETE"),
                Case::get("/").header("x-http-methods", "a"),
            ],
        ),
        row(
            (Rule::ParamFileName, "param_file_name", 400, "RR"),
            vec![
                query("file=..%2fa"),
                query("file=a%20"),
                Case::form("file=C:a"),
                Case::form("file=CON.txt"),
                Case::form("file="),
            ],
            vec![
                query("file=report.pdf"),
                query("path=a:b"),
                Case::form("file=caf%C3%A9+1.txt"),
            ],
        )
        .with(|builder| builder.params(ParamRules::strict().file_names(["file"]))),
    ]
}

fn headers() -> Vec<Row> {
    let lines = |count: usize| {
        // One is the host.
        (1..count).fold(Case::get("/"), |case, _| case.header("x-a", "1"))
    };
    // `host` and `app.example` are fifteen bytes, `x-a` is three.
    let bytes = |length: usize| Case::get("/").header("x-a", "a".repeat(length - 18));
    let ranges = |count: usize| {
        Case::get("/").header("range", format!("bytes={}", vec!["0-1"; count].join(",")))
    };
    let twice = |name, value| Case::get("/").header(name, value).header(name, value);
    vec![
        row(
            (Rule::HeadersTooMany, "headers_too_many", 431, "RR"),
            vec![lines(201), lines(202), lines(1_000)],
            vec![lines(100), lines(200), Case::get("/")],
        ),
        row(
            (Rule::HeadersTooLarge, "headers_too_large", 431, "RR"),
            vec![bytes(65_537), bytes(65_538), bytes(100_000)],
            vec![bytes(16_384), bytes(65_536), bytes(19)],
        ),
        row(
            (Rule::HeaderDuplicate, "header_duplicate", 400, "RR"),
            vec![
                twice("content-type", "application/json"),
                twice("content-encoding", "identity"),
                twice("origin", "https://a.example"),
                twice("range", "bytes=0-1"),
            ],
            vec![
                twice("accept", "a/b"),
                twice("cookie", "a=1"),
                Case::get("/")
                    .header("origin", "https://a.example")
                    .header("range", "bytes=0-1"),
            ],
        ),
        row(
            (Rule::HeaderRangeParts, "header_range_parts", 400, "RR"),
            vec![ranges(21), ranges(22), ranges(500)],
            vec![ranges(5), ranges(20), ranges(1)],
        ),
        row(
            (Rule::HeaderNotAscii, "header_not_ascii", 400, "R-"),
            vec![
                Case::get("/").header("x-a", "caf\u{e9}"),
                Case::get("/").header("user-agent", b"\xff".as_slice()),
                Case::get("/").header("cookie", b"a=\x80".as_slice()),
            ],
            vec![
                Case::get("/").header("x-a", "cafe"),
                Case::get("/").header("x-a", "a\tb"),
                Case::get("/").header("x-a", "~"),
            ],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn body() -> Vec<Row> {
    let text = |length: usize| Case::json(format!("\"{}\"", "a".repeat(length - 2)));
    let announced = |length: usize| Case::json("1").header("content-length", length.to_string());
    let typed = |media_type: &str| Case::post(media_type, "{}");
    vec![
        row(
            (Rule::BodyTooLarge, "body_too_large", 413, "RR"),
            vec![
                text(1_048_577),
                announced(1_048_577),
                Case::form(format!("a={}", "b".repeat(1_048_575))),
            ],
            vec![
                Case::form(format!("a={}", "b".repeat(1_048_574))),
                announced(1_048_576),
                text(65_538),
            ],
        ),
        row(
            (Rule::BodyTypeInvalid, "body_type_invalid", 415, "RR"),
            [
                "json",
                "",
                "application/",
                "/json",
                "application/json;charset",
                "a/b/c",
                "a/b, c/d",
                "text/x; a=\"b",
                "application/x-www-form-urlencoded+json",
                "Application/X-WWW-Form-Urlencoded2; charset=utf-8",
            ]
            .map(typed)
            .to_vec(),
            [
                "application/json",
                "application/json;",
                "Application/JSON ; a=\"b\\\"c\"",
                "application/json ;;a=b",
                "application/x-www-form-urlencoded;a=b",
            ]
            .map(typed)
            .to_vec(),
        ),
        row(
            (Rule::BodyEncoded, "body_encoded", 415, "RR"),
            vec![
                Case::json("{}").header("content-encoding", "gzip"),
                Case::form("a=1").header("content-encoding", "br"),
                Case::multipart(&[]).header("content-encoding", "GZIP, identity"),
            ],
            vec![
                Case::json("{}"),
                Case::json("{}").header("content-encoding", "identity"),
                Case::json("{}").header("content-encoding", "Identity"),
                Case::json("{}").header("accept-encoding", "gzip"),
            ],
        ),
        row(
            (Rule::BodyCharset, "body_charset", 415, "RR"),
            vec![
                typed("application/json; charset=utf-16"),
                typed("application/json; charset=utf-8; charset=utf-7"),
                typed("application/json; CHARSET=\"iso-8859-1\""),
                Case::post("application/x-www-form-urlencoded; charset=latin1", "a=1"),
            ],
            vec![
                typed("application/json; charset=utf-8"),
                typed("application/json; charset=\"UTF-8\""),
                typed("application/json; x=utf-16"),
            ],
        ),
        row(
            (Rule::BodyUnexpected, "body_unexpected", 400, "Rr"),
            vec![
                Case::get("/")
                    .header("content-type", "application/json")
                    .body("{}"),
                Case::new("HEAD", "/")
                    .header("content-type", "application/json")
                    .body("{}"),
                Case::get("/")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body("a=1"),
            ],
            vec![
                Case::get("/").header("content-type", "application/json"),
                Case::json("{}"),
                Case::new("DELETE", "/")
                    .header("content-type", "application/json")
                    .body("{}"),
            ],
        ),
        row(
            (Rule::BodyTypeMissing, "body_type_missing", 415, "Rr"),
            vec![
                Case::new("POST", "/").body("{}"),
                Case::new("PUT", "/").body("a=1"),
                Case::new("DELETE", "/").body("x"),
            ],
            vec![Case::new("POST", "/"), Case::json("{}"), Case::form("")],
        ),
        row(
            (Rule::BodyTypeNotAllowed, "body_type_not_allowed", 415, "R-"),
            [
                "text/plain",
                "application/x-ndjson",
                "application/json-seq",
                "multipart/mixed; boundary=a",
                "application/jsonp",
                "application/+json",
                "image/svg+json",
                "application/grpcweb",
                "application/grpc",
                "application/grpc;a=b",
                "application/grpc+proto",
                "application/grpc-web",
                "application/grpc-web-text+proto",
            ]
            .map(typed)
            .to_vec(),
            ["application/json", "text/json", "application/problem+JSON"]
                .map(typed)
                .to_vec(),
        ),
    ]
}

fn jsons<const N: usize>(texts: [&str; N]) -> Vec<Case> {
    texts.into_iter().map(Case::json).collect()
}

fn nested(depth: usize) -> Case {
    Case::json(format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn json() -> Vec<Row> {
    let values = |count: usize| format!("[{}]", vec!["0"; count].join(","));
    let object = |count: usize| {
        let keys: Vec<_> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let key = |length: usize| Case::json(format!("{{\"{}\":0}}", "k".repeat(length)));
    let string = |length: usize| Case::json(format!("\"{}\"", "s".repeat(length)));
    vec![
        row(
            (Rule::JsonSyntax, "json_syntax", 400, "RR"),
            jsons([
                "{",
                "{\"a\":1,}",
                "[NaN]",
                "1 2",
                "{'a':1}",
                "[\"\\ud800\"]",
                "1e999",
            ]),
            jsons(["{}", "1", "\"\"", " null ", "[1e99]"]),
        ),
        row(
            (Rule::JsonBom, "json_bom", 400, "RR"),
            jsons(["\u{feff}{}", "\u{feff}1", "\u{feff}"]),
            jsons(["\"\u{feff}\"", "{}", "{\"\u{feff}\":1}"]),
        ),
        row(
            (Rule::JsonReservedKey, "json_reserved_key", 400, "RR"),
            jsons([
                "{\"$serde_json::private::Number\":\"1\"}",
                "[{\"\\u0024serde_json::private::RawValue\":1}]",
                "{\"a\":{\"$serde_json::private\":1}}",
            ]),
            jsons([
                "{\"serde_json\":1}",
                "{\"$serde\":1}",
                "\"$serde_json::private::Number\"",
            ]),
        ),
        row(
            (Rule::JsonDepth, "json_depth", 400, "RR"),
            vec![nested(65), nested(127), nested(128), nested(100_000)],
            vec![nested(1), nested(32), nested(64)],
        ),
        row(
            (Rule::JsonTooManyNodes, "json_too_many_nodes", 400, "RR"),
            vec![
                Case::json(format!("[{0},{0}]", values(50_000))),
                Case::json(format!("{{\"a\":{},\"b\":{}}}", values(99_999), values(10))),
                Case::json(values(100_000)),
            ],
            vec![
                Case::json(format!("[{0},{0}]", values(4_998))),
                Case::json(values(99_999)),
                Case::json(values(9_999)),
            ],
        ),
        row(
            (Rule::JsonTooManyKeys, "json_too_many_keys", 400, "RR"),
            vec![
                Case::json(object(10_001)),
                Case::json(format!("[{}]", object(10_001))),
                Case::json(format!("{{\"a\":{}}}", object(10_001))),
            ],
            vec![
                Case::json(object(1_000)),
                Case::json(object(10_000)),
                Case::json(format!("[{0},{0}]", object(1_000))),
            ],
        ),
        row(
            (Rule::JsonArrayTooLong, "json_array_too_long", 400, "RR"),
            vec![
                Case::json(values(11)),
                Case::json(format!("[{}]", values(11))),
                Case::json(format!("{{\"a\":{}}}", values(50))),
            ],
            vec![
                Case::json(values(10)),
                Case::json(format!("[{0},{0}]", values(10))),
                Case::json(object(11)),
            ],
        )
        .with(|builder| builder.json(JsonRules::strict().max_array_len(10))),
        row(
            (Rule::JsonKeyTooLong, "json_key_too_long", 400, "RR"),
            vec![
                key(1_025),
                key(2_000),
                Case::json(format!("{{\"{}\":0}}", "\\u0061".repeat(1_025))),
            ],
            vec![
                key(256),
                key(1_024),
                Case::json(format!("{{\"{}\":0}}", "\\u0061".repeat(1_024))),
            ],
        ),
        row(
            (Rule::JsonStringTooLong, "json_string_too_long", 400, "RR"),
            vec![
                string(65_537),
                string(100_000),
                Case::json(format!("[\"{}\"]", "\\n".repeat(65_537))),
            ],
            vec![
                string(65_536),
                string(10),
                Case::json(format!("[\"{}\"]", "\\n".repeat(65_536))),
            ],
        )
        .with(|builder| builder.json(JsonRules::strict())),
        row(
            (Rule::JsonProtoKey, "json_proto_key", 400, "RR"),
            jsons([
                "{\"__proto__\":1}",
                "[{\"a\":{\"\\u005f_proto__\":{}}}]",
                "{\"constructor\":{\"prototype\":1}}",
                "{\"constructor\":{\"a\":1,\"prot\\u006ftype\":1}}",
            ]),
            jsons([
                "{\"proto\":1}",
                "\"__proto__\"",
                "{\"constructor\":1,\"prototype\":2}",
                "{\"constructor\":{\"a\":{\"prototype\":1}}}",
                "{\"prototype\":{\"constructor\":1}}",
            ]),
        ),
    ]
}

fn json_texts() -> Vec<Row> {
    vec![
        row(
            (Rule::JsonDuplicateKey, "json_duplicate_key", 400, "Rr"),
            jsons([
                "{\"a\":1,\"a\":2}",
                "{\"a\":1,\"\\u0061\":2}",
                "[{\"b\":{\"\":1,\"\":1}}]",
            ]),
            jsons([
                "{\"a\":1,\"A\":2}",
                "{\"a\":{\"a\":1}}",
                "[{\"a\":1},{\"a\":2}]",
            ]),
        ),
        row(
            (Rule::JsonNul, "json_nul", 400, "Rr"),
            jsons(["\"\\u0000\"", "[\"a\\u0000b\"]", "{\"k\\u0000\":1}"]),
            jsons(["\"\\\\u0000\"", "\"0\"", "[\"\\u0020\"]"]),
        ),
        row(
            (Rule::JsonControl, "json_control", 400, "Rr"),
            jsons([
                "\"\\u0001\"",
                "\"\\b\"",
                "\"\u{7f}\"",
                "{\"\\f\":1}",
                "[\"\\u001b[0m\"]",
            ]),
            jsons(["\"\\t\\r\\n\"", "\"\\u0020\"", "\"\\u00a0\"", "\"\\u0080\""]),
        ),
        row(
            (Rule::JsonOperatorKey, "json_operator_key", 400, "RR"),
            jsons(["{\"$gt\":1}", "{\"a\":{\"\\u0024ne\":1}}", "[{\"$\":1}]"]),
            jsons(["{\"gt$\":1}", "{\"a\":\"$gt\"}", "\"$\""]),
        )
        .with(|builder| builder.json(JsonRules::strict().deny_operator_keys())),
    ]
}

/// A part with these header lines.
fn part(lines: &str) -> Case {
    Case::multipart(&[&format!("{lines}\r\n\r\nv")])
}

fn disposition(params: &str) -> Case {
    part(&format!("Content-Disposition: form-data; {params}"))
}

fn multipart() -> Vec<Row> {
    let field = "Content-Disposition: form-data; name=\"a\"\r\n\r\nv";
    let file = "Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nv";
    let fields = |count: usize| Case::multipart(&vec![field; count]);
    let files = |count: usize| Case::multipart(&vec![file; count]);
    let typed = |media_type: &str| Case::post(media_type, format!("--XX\r\n{field}\r\n--XX--\r\n"));
    let raw = |body: &str| Case::post("multipart/form-data; boundary=XX", body);
    vec![
        row(
            (Rule::MultipartBoundary, "multipart_boundary", 400, "RR"),
            vec![
                typed("multipart/form-data"),
                typed("multipart/form-data; boundary=XX; boundary=XX"),
                typed("multipart/form-data; boundary=\"\""),
                typed("multipart/form-data; boundary=\"X{X\""),
                typed("multipart/form-data; boundary=\"X\\X\""),
                typed("multipart/form-data; a=\"\\\"\"; boundary=XX"),
                typed("multipart/form-data+x"),
                typed(&format!("multipart/form-data; boundary={}", "X".repeat(71))),
            ],
            vec![
                typed("multipart/form-data; boundary=XX"),
                typed("multipart/form-data+x; boundary=XX"),
                typed("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"XX\""),
                Case::post(
                    &format!("multipart/form-data; boundary={}", "X".repeat(70)),
                    format!("--{0}\r\n{field}\r\n--{0}--\r\n", "X".repeat(70)),
                ),
            ],
        ),
        row(
            (Rule::MultipartTruncated, "multipart_truncated", 400, "RR"),
            vec![
                raw(&format!("--XX\r\n{field}")),
                raw(&format!("--XX\r\n{field}\r\n--XX\r\n")),
                raw("--XX\r\nContent-Disposition: form-data"),
            ],
            vec![
                fields(1),
                raw(&format!("--XX\r\n{field}\r\n--XX--")),
                raw(&format!("--XX\r\n{field}\r\n--XX\r\n{field}\r\n--XX--\r\n")),
            ],
        ),
        row(
            (
                Rule::MultipartTooManyParts,
                "multipart_too_many_parts",
                400,
                "RR",
            ),
            vec![fields(1_001), fields(1_002), fields(2_000)],
            vec![fields(100), fields(1_000), fields(1)],
        ),
        row(
            (
                Rule::MultipartTooManyFiles,
                "multipart_too_many_files",
                400,
                "RR",
            ),
            vec![files(101), files(102), files(200)],
            vec![files(20), files(100), fields(21)],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn multipart_parts() -> Vec<Row> {
    let lines = |count: usize| {
        let more = "X-A: 1\r\n".repeat(count - 1);
        part(&format!("{more}Content-Disposition: form-data; name=\"a\""))
    };
    let with = |line: &str| {
        part(&format!(
            "Content-Disposition: form-data; name=\"a\"\r\n{line}"
        ))
    };
    let file = |name: &str| disposition(&format!("name=\"a\"; filename=\"{name}\""));
    vec![
        row(
            (
                Rule::MultipartPartHeaders,
                "multipart_part_headers",
                400,
                "RR",
            ),
            vec![
                lines(33),
                with(&format!("X-A: {}", "a".repeat(8_192))),
                with("X-A: a\r\n b"),
                with("X-A: a\0b"),
                with("X-A: a\nX-B: b"),
            ],
            vec![lines(8), lines(32), with("X-A: a b")],
        ),
        row(
            (
                Rule::MultipartDisposition,
                "multipart_disposition",
                400,
                "RR",
            ),
            vec![
                part("Content-Type: text/plain"),
                with("Content-Disposition: form-data; name=\"b\""),
                part("Content-Disposition: attachment; name=\"a\""),
                disposition("filename=\"a\""),
                disposition("Name=\"a\""),
                disposition("name=\"a\"; name=\"b\""),
                disposition("name=\"a\"; filename*=UTF-8''a"),
                disposition("namename=b; name=\"a\""),
                disposition("filenamename=\"b\"; name=\"a\""),
                disposition("xfilenamefilename=\"b\"; name=\"a\""),
                disposition("filename=\"namename=b;\"; name=\"a\""),
            ],
            vec![
                disposition("name=\"a\""),
                disposition("name=a"),
                disposition("xname=b; name=\"a\""),
                disposition("name=\"a\"; filename=\"namename=b\""),
                part("content-disposition: form-data; name=\"a\"; filename=\"b.txt\""),
            ],
        ),
        row(
            (
                Rule::MultipartTransferEncoding,
                "multipart_transfer_encoding",
                400,
                "RR",
            ),
            ["base64", "quoted-printable", "x-own"]
                .map(|coding| with(&format!("Content-Transfer-Encoding: {coding}")))
                .to_vec(),
            ["7bit", "8bit", "BINARY"]
                .map(|coding| with(&format!("Content-Transfer-Encoding: {coding}")))
                .to_vec(),
        ),
        row(
            (Rule::MultipartFileName, "multipart_file_name", 400, "RR"),
            [
                "../a",
                "a/b",
                "CON",
                "a%00.png",
                "a%0d%0ab",
                ".htaccess",
                "a ",
                "C:a",
                "a\u{202e}gpj.exe",
            ]
            .map(file)
            .to_vec(),
            ["a.png", "caf\u{e9}.txt", "100%.txt", "a b (1).pdf"]
                .map(file)
                .to_vec(),
        ),
        row(
            (
                Rule::MultipartCharsetField,
                "multipart_charset_field",
                400,
                "Rr",
            ),
            vec![
                disposition("name=\"_charset_\""),
                disposition("name=_charset_"),
                disposition("name=\"_charset_\"; filename=\"a\""),
            ],
            vec![
                disposition("name=\"charset\""),
                disposition("name=\"_charset\""),
                disposition("name=\"a\"; filename=\"_charset_\""),
            ],
        ),
    ]
}

/// Finds a word.
struct Word;

impl Detector for Word {
    fn name(&self) -> &'static str {
        "word"
    }

    fn inspect(&self, field: Field<'_>) -> Option<Finding> {
        field
            .value()
            .contains("union select")
            .then(|| Finding::new("word", "sql", 50))
    }
}

fn detectors() -> Vec<Row> {
    vec![
        row(
            (Rule::DetectorFinding, "detector_finding", 422, "rr"),
            vec![
                Case::json("{\"q\":\"1 union select 2\"}"),
                Case::json("{\"q\":\"union \\u0073elect\"}"),
                Case::form("a=1&q=union+select"),
            ],
            vec![
                Case::json("{\"p\":\"1 union select 2\"}"),
                Case::json("{\"q\":\"the union elected him\"}"),
                Case::form("p=union+select"),
            ],
        )
        .with(|builder| {
            builder
                .detect("/q", Word, Action::Report)
                .detect("q", Word, Action::Report)
        }),
    ]
}
