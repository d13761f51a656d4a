//! Real sockets: cookies that HTTP/2 splits into lines, and bytes as they are on the wire.

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use tower::Layer;
use tower_security::cookies::CookieLayer;

use crate::support::wire::Server;

/// A handler that sets cookies and answers with the lines of `Cookie` that it got.
async fn echo(
    headers: HeaderMap,
) -> (AppendHeaders<[(http::HeaderName, &'static str); 3]>, String) {
    let lines = headers.get_all(COOKIE).iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
    let set = [
        (SET_COOKIE, "session=1; Domain=a.example"),
        (SET_COOKIE, "__Host-a=1; Domain=a.example"),
        (
            SET_COOKIE,
            "theme=dark; Expires=Wed, 09 Jun 2032 10:18:14 GMT",
        ),
    ];
    (AppendHeaders(set), lines.join(" | "))
}

const SET: [&str; 2] = [
    "__Host-session=1; Path=/; Secure; HttpOnly; SameSite=Lax",
    "theme=dark; Expires=Wed, 09 Jun 2032 10:18:14 GMT; Secure; HttpOnly; SameSite=Lax",
];

fn layer() -> CookieLayer {
    let builder = CookieLayer::builder().host_prefix(["session"]);
    builder.build().unwrap()
}

fn router() -> Router {
    Router::new().route("/", get(echo))
}

fn request(lines: &[&str]) -> Request<Full<Bytes>> {
    let request = Request::get("/").header("host", "app.example.com");
    lines
        .iter()
        .fold(request, |request, line| request.header(COOKIE, *line))
        .body(Full::default())
        .unwrap()
}

#[track_caller]
fn assert_answer(answer: &Response<Bytes>, seen: &str, name: &str) {
    let set: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(set, SET, "{name}");
    assert_eq!(answer.body(), seen, "{name}");
}

#[tokio::test]
async fn both_versions_carry_the_same_cookies() {
    let axum = Server::axum(router().layer(layer())).await;
    let hyper = Server::hyper(layer().layer(router())).await;
    let rows: [(&[&str], &str); 6] = [
        (&["a=1; session=evil; __Host-session=v"], "a=1; session=v"),
        // Crumbs.
        (
            &["a=1", "session=evil", "__Host-session=v", "b=2"],
            "a=1; session=v; b=2",
        ),
        (&["__Host-session=v", "a=1", "__Host-session=w"], "a=1"),
        (&["a=1", "b=2"], "a=1 | b=2"),
        (&["session=evil"], ""),
        (&[], ""),
    ];
    for (lines, seen) in rows {
        let name = lines.join(" | ");
        for server in [&axum, &hyper] {
            assert_answer(&server.http1(request(lines)).await, seen, &name);
            let answer = server.http2(request(lines)).await.unwrap();
            assert_answer(&answer, seen, &name);
        }
    }
}

/// Without the layer the crumbs arrive as several lines: the rows above would prove nothing otherwise.
#[tokio::test]
async fn crumbs_arrive_as_lines() {
    let server = Server::hyper(router()).await;
    let answer = server.http2(request(&["a=1", "b=2"])).await.unwrap();
    assert_eq!(answer.body(), "a=1 | b=2");
}

#[tokio::test]
async fn the_bytes_on_the_wire_are_read_as_they_are() {
    let server = Server::axum(router().layer(layer())).await;
    let rows: [(&[u8], &str); 5] = [
        (
            b"Cookie:  a=1;session=evil ;\t__Host-session=v\r\n",
            "a=1; session=v",
        ),
        (
            b"COOKIE: sess%69on=evil\r\ncookie: __Host-session=v\r\n",
            "session=v",
        ),
        (
            b"Cookie: \xc2\xa0session=evil; __Host-session=v\r\n",
            "session=v",
        ),
        (
            b"Cookie: =__Host-session=evil; __Host-session=v\r\n",
            "session=v",
        ),
        (b"Cookie:\r\nCookie: __Host-session=v\r\n", "session=v"),
    ];
    for (lines, seen) in rows {
        let head = b"GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n";
        let answer = server.raw(&[head, lines, b"\r\n"].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{seen}")), "{answer}");
        assert_eq!(answer.matches("set-cookie: ").count(), 2, "{answer}");
        for line in SET {
            assert!(
                answer.contains(&format!("set-cookie: {line}\r\n")),
                "{answer}"
            );
        }
    }
}

/// 64 KiB of cookies, more than which no server reads by default.
#[tokio::test]
async fn a_long_list_passes_a_server() {
    let server = Server::hyper(layer().layer(router())).await;
    let crumbs = "a=1; ".repeat(12 * 1024);
    let line = format!("{crumbs}session=evil; __Host-session=v");
    let answer = server.http1(request(&[&line])).await;
    assert_answer(&answer, &format!("{crumbs}session=v"), "64 KiB");
}
