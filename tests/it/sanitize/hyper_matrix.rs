//! What a server lets through to the layer, asked with raw bytes.

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::Layer;
use tower_security::sanitize::SanitizeLayer;

use super::Handler;

/// Refused by hyper itself.
const HYPER: &str = "hyper";
const SERVED: &str = "";

/// The status of the answer, and the code of the refusal; [`HYPER`] if it has none.
async fn answer(layer: &SanitizeLayer, request: &[u8]) -> (u16, String) {
    let handler = Handler::default();
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let service = TowerToHyperService::new(layer.layer(handler.clone()));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let server = tokio::spawn(connection);
    client.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    let _ = server.await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{answer:?}"));
    let code = answer
        .split_once("\"code\":\"")
        .and_then(|(_, behind)| behind.split_once('"'));
    let code = match code {
        Some((code, _)) => code,
        None if status == 200 => SERVED,
        None => HYPER,
    };
    assert_eq!(handler.calls(), usize::from(code == SERVED), "{answer}");
    (status, code.to_owned())
}

fn get(target: &str) -> Vec<u8> {
    lines(&format!("GET {target} HTTP/1.1"), "Host: a.example\r\n")
}

fn lines(request_line: &str, lines: &str) -> Vec<u8> {
    format!("{request_line}\r\n{lines}Connection: close\r\n\r\n").into_bytes()
}

fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{lines}\r\n{body}")
        .into_bytes()
}

/// Request, what the strict preset does, and what the compatible one does.
type Row = (
    &'static str,
    Vec<u8>,
    (u16, &'static str),
    (u16, &'static str),
);

const fn both(answer: (u16, &'static str)) -> [(u16, &'static str); 2] {
    [answer, answer]
}

fn row(
    name: &'static str,
    request: Vec<u8>,
    [strict, compatible]: [(u16, &'static str); 2],
) -> Row {
    (name, request, strict, compatible)
}

const OK: (u16, &str) = (200, SERVED);
const BAD: (u16, &str) = (400, HYPER);

fn targets() -> Vec<Row> {
    vec![
        row("plain", get("/a?b=c"), both(OK)),
        row("dots", get("/a/../b"), both((400, "path_dot_segment"))),
        row(
            "doubled slash",
            get("//a"),
            [(400, "path_empty_segment"), OK],
        ),
        row(
            "escaped dots",
            get("/%2e%2e/b"),
            both((400, "path_dot_segment")),
        ),
        row(
            "escaped slash",
            get("/a%2fb"),
            [(400, "path_encoded_slash"), OK],
        ),
        row(
            "escaped twice",
            get("/%252e%252e/b"),
            both((400, "path_double_encoding")),
        ),
        row("NUL", get("/a%00"), both((400, "path_nul"))),
        row("line end", get("/a%0d%0ab"), both((400, "path_crlf"))),
        row("backslash", get("/a\\b"), both((400, "path_backslash"))),
        row("semicolon", get("/a;b"), [(400, "path_semicolon"), OK]),
        row("no escape", get("/%zz"), both((400, "path_bad_escape"))),
        row("no UTF-8", get("/%ff"), both((400, "path_not_utf8"))),
        row(
            "overlong",
            get("/%c0%ae%c0%ae/"),
            both((400, "path_not_utf8")),
        ),
        row(
            "raw UTF-8",
            get("/caf\u{e9}"),
            [(400, "path_not_ascii"), OK],
        ),
        row(
            "raw Latin-1",
            [b"GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n".as_slice()].concat(),
            both(BAD),
        ),
        row("raw angle", get("/<"), both(BAD)),
        row("raw quote", get("/\""), both(OK)),
        row("raw angle in the query", get("/?<"), both(BAD)),
        row("fragment", get("/a#/../b"), both(OK)),
        row("space", get("/a b"), both(BAD)),
        row(
            "other authority",
            lines("GET http://b.example/ HTTP/1.1", "Host: a.example\r\n"),
            both((400, "host_mismatch")),
        ),
        row(
            "same authority",
            lines("GET http://A.example:80/ HTTP/1.1", "Host: a.example\r\n"),
            both(OK),
        ),
        row(
            "star",
            lines("OPTIONS * HTTP/1.1", "Host: a.example\r\n"),
            both(OK),
        ),
    ]
}

fn heads() -> Vec<Row> {
    vec![
        row(
            "TRACE",
            lines("TRACE / HTTP/1.1", "Host: a\r\n"),
            both((405, "method_not_allowed")),
        ),
        row(
            "any token",
            lines("B!# / HTTP/1.1", "Host: a\r\n"),
            [(405, "method_not_allowed"), OK],
        ),
        row(
            "no host",
            lines("GET / HTTP/1.1", ""),
            both((400, "host_missing")),
        ),
        row(
            "HTTP/1.0",
            lines("GET / HTTP/1.0", ""),
            [(400, "host_missing"), OK],
        ),
        row(
            "two hosts",
            lines("GET / HTTP/1.1", "Host: a\r\nHost: b\r\n"),
            both((400, "host_duplicate")),
        ),
        row(
            "empty host",
            lines("GET / HTTP/1.1", "Host:\r\n"),
            both((400, "host_invalid")),
        ),
        row(
            "user",
            lines("GET / HTTP/1.1", "Host: u@a.example\r\n"),
            both((400, "host_invalid")),
        ),
        row(
            "obs-text",
            lines("GET / HTTP/1.1", "Host: a\r\nX-A: \u{e9}\r\n"),
            [(400, "header_not_ascii"), OK],
        ),
        row(
            "obs-fold",
            lines("GET / HTTP/1.1", "Host: a\r\nX-A: b\r\n c\r\n"),
            both(BAD),
        ),
        row(
            "NUL in a value",
            lines("GET / HTTP/1.1", "Host: a\r\nX-A: b\0\r\n"),
            both(BAD),
        ),
        row(
            "space before the colon",
            lines("GET / HTTP/1.1", "Host: a\r\nX-A : b\r\n"),
            both(BAD),
        ),
        row(
            "override",
            lines(
                "POST / HTTP/1.1",
                "Host: a\r\nX-HTTP-Method-Override: DELETE\r\n",
            ),
            [(400, "header_method_override"), OK],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn bodies() -> Vec<Row> {
    const JSON: &str = "Content-Type: application/json\r\n";
    vec![
        row(
            "GET with a body",
            lines(
                "GET / HTTP/1.1",
                &format!("Host: a\r\n{JSON}Content-Length: 2\r\n"),
            )
            .into_iter()
            .chain(*b"{}")
            .collect(),
            [(400, "body_unexpected"), OK],
        ),
        row(
            "JSON",
            post(&format!("{JSON}Content-Length: 2\r\n"), "{}"),
            both(OK),
        ),
        row(
            "chunked",
            post(
                &format!("{JSON}Transfer-Encoding: chunked\r\n"),
                "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            ),
            both(OK),
        ),
        row(
            "chunked, with a trailer",
            post(
                &format!("{JSON}Transfer-Encoding: chunked\r\nTrailer: x-a\r\n"),
                "2\r\n{}\r\n0\r\nX-A: 1\r\n\r\n",
            ),
            both(OK),
        ),
        row(
            "chunked, and no JSON",
            post(
                &format!("{JSON}Transfer-Encoding: chunked\r\n"),
                "1\r\n{\r\n0\r\n\r\n",
            ),
            both((400, "json_syntax")),
        ),
        row(
            "two lengths",
            post(
                &format!("{JSON}Content-Length: 2\r\nContent-Length: 3\r\n"),
                "{}",
            ),
            both(BAD),
        ),
        row(
            "a length with a sign",
            post(&format!("{JSON}Content-Length: +2\r\n"), "{}"),
            both(BAD),
        ),
        row(
            "a coding that does not end in chunked",
            post(&format!("{JSON}Transfer-Encoding: chunked, gzip\r\n"), "{}"),
            both(BAD),
        ),
        row(
            "too long by its word",
            post(&format!("{JSON}Content-Length: 9999999\r\n"), ""),
            both((413, "body_too_large")),
        ),
        row(
            "two types",
            post(
                &format!("{JSON}Content-Type: text/plain\r\nContent-Length: 2\r\n"),
                "{}",
            ),
            both((400, "header_duplicate")),
        ),
        row(
            "no type",
            post("Content-Length: 2\r\n", "{}"),
            [(415, "body_type_missing"), OK],
        ),
        row(
            "compressed",
            post(
                &format!("{JSON}Content-Encoding: gzip\r\nContent-Length: 2\r\n"),
                "{}",
            ),
            both((415, "body_encoded")),
        ),
        row(
            "waits to be told to go on",
            post(
                "Content-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 2\r\n",
                "",
            ),
            [(415, "body_type_not_allowed"), (0, "")],
        ),
    ]
}

#[tokio::test]
async fn what_a_server_lets_through_is_caught() {
    let layers = [SanitizeLayer::strict(), SanitizeLayer::compatible()];
    let rows: Vec<Row> = [targets(), heads(), bodies()]
        .into_iter()
        .flatten()
        .collect();
    assert!(rows.len() >= 36, "{}", rows.len());
    let mut failures = Vec::new();
    for (name, request, strict, compatible) in rows {
        for (layer, (status, code)) in layers.iter().zip([strict, compatible]) {
            // It would be waited for, for ever.
            if status == 0 {
                continue;
            }
            let answered = answer(layer, &request).await;
            if answered != (status, code.to_owned()) {
                failures.push(format!("{name}: {answered:?} instead of {status} {code}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
