//! Over real connections: a body that breaks never looks like the whole.

use axum::Router;
use axum::body::Body as AxumBody;
use axum::routing::{get as on_get, post};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::*;
use crate::support::wire::Server;

/// A server whose paths say how the body goes on behind its first bytes.
async fn server(log: &Log) -> Server {
    let layer = mask(log).mask_client_errors(true).build().unwrap();
    let service = layer.layer(service_fn(|request: Request<Incoming>| async move {
        let path = request.uri().path().to_owned();
        assert!(path != "/panic", "SELECT 1");
        let last = match path.as_str() {
            "/chunked/panic" | "/length/panic" => vec![Step::Panic("SELECT 1")],
            "/chunked/error" | "/length/error" => vec![Step::Fail("SELECT 1")],
            _ => vec![Step::Data("apples")],
        };
        let steps = [Step::Data("seven "), Step::Wait].into_iter().chain(last);
        let mut answer = Response::new(Script::of(steps));
        if path.starts_with("/length") {
            answer.body_mut().length = Some(12);
        }
        if path == "/500" {
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            let reason = hyper::ext::ReasonPhrase::from_static(b"SELECT 1");
            answer.extensions_mut().insert(reason);
        }
        Ok::<_, Infallible>(answer)
    }));
    Server::hyper(service).await
}

async fn raw(server: &Server, method: &str, path: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    server.raw(request.as_bytes()).await
}

fn without_date(answer: &str) -> String {
    answer
        .split("\r\n")
        .filter(|line| !line.starts_with("date:"))
        .collect::<Vec<_>>()
        .join("\r\n")
}

#[tokio::test]
async fn over_http1_a_broken_body_is_cut() {
    for fault in ["panic", "error"] {
        let log = Log::default();
        let server = server(&log).await;
        let chunked = raw(&server, "GET", &format!("/chunked/{fault}")).await;
        assert!(chunked.contains("transfer-encoding: chunked"), "{chunked}");
        assert!(chunked.contains("seven "), "{chunked}");
        assert!(
            !chunked.ends_with("0\r\n\r\n"),
            "it looks like the whole: {chunked}"
        );

        let length = raw(&server, "GET", &format!("/length/{fault}")).await;
        assert!(length.contains("content-length: 12"), "{length}");
        assert!(length.ends_with("\r\n\r\nseven "), "{length}");

        assert!(!format!("{chunked}{length}").contains("SELECT"));
        assert_eq!(
            log.codes(),
            [format!("body_{fault}"), format!("body_{fault}")]
        );
    }
}

#[tokio::test]
async fn over_http1_a_whole_body_ends_as_it_should() {
    let log = Log::default();
    let server = server(&log).await;
    let chunked = raw(&server, "GET", "/chunked").await;
    assert!(chunked.ends_with("apples\r\n0\r\n\r\n"), "{chunked}");
    let length = raw(&server, "GET", "/length").await;
    assert!(length.ends_with("\r\n\r\nseven apples"), "{length}");
    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn over_http2_the_stream_is_reset_and_the_connection_goes_on() {
    let log = Log::default();
    let server = server(&log).await;
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let driver = tokio::spawn(connection);
    let mut ask = async |path: &str| {
        let request = Request::get(format!("http://{}{path}", server.addr))
            .body(Full::<Bytes>::default())
            .unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        (
            head.status.as_u16(),
            body.collect().await.map(|whole| whole.to_bytes()),
        )
    };
    for path in [
        "/chunked/panic",
        "/length/panic",
        "/chunked/error",
        "/length/error",
    ] {
        let (status, body) = ask(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(body.is_err(), "{path} looks like the whole");
        let (status, body) = ask("/chunked").await;
        assert_eq!(
            (status, body.unwrap()),
            (200, Bytes::from_static(b"seven apples"))
        );
    }
    let (status, body) = ask("/panic").await;
    assert_eq!(status, 500);
    assert!(body.unwrap().starts_with(b"{\"title\":\"internal error\""));
    drop(sender);
    driver.await.unwrap().unwrap();
    assert_eq!(
        log.codes(),
        [
            "body_panic",
            "body_panic",
            "body_error",
            "body_error",
            "panic"
        ]
    );
}

#[tokio::test]
async fn a_connection_that_is_kept_alive_serves_the_next_request() {
    let log = Log::default();
    let server = server(&log).await;
    let request = "GET /panic HTTP/1.1\r\nhost: a\r\n\r\n\
                   GET /500 HTTP/1.1\r\nhost: a\r\n\r\n\
                   HEAD /500 HTTP/1.1\r\nhost: a\r\n\r\n\
                   GET /length HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = server.raw(request.as_bytes()).await;
    assert_eq!(
        answers
            .matches("HTTP/1.1 500 Internal Server Error\r\n")
            .count(),
        3,
        "{answers}"
    );
    assert_eq!(
        answers.matches("\"code\":\"internal_error\"").count(),
        2,
        "to a HEAD the head alone: {answers}"
    );
    assert_eq!(
        answers.matches("content-length: 63\r\n").count(),
        3,
        "{answers}"
    );
    assert!(answers.ends_with("\r\n\r\nseven apples"), "{answers}");
    assert!(!answers.contains("SELECT"), "{answers}");
}

#[tokio::test]
async fn over_http2_a_head_resets_nothing() {
    let log = Log::default();
    let server = server(&log).await;
    for path in ["/500", "/panic"] {
        let mut request = get(path);
        *request.method_mut() = http::Method::HEAD;
        let answer = server.http2(request).await.expect("no stream is reset");
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["content-length"], "63");
    }
}

/// What axum says by itself, and what its router does not know.
#[tokio::test]
async fn axum_tells_neither_types_nor_routes() {
    let log = Log::default();
    let router = Router::new()
        .route(
            "/users/{id}",
            post(async |axum::Json(_): axum::Json<bool>| "made"),
        )
        .route(
            "/page",
            on_get(async || (StatusCode::NOT_FOUND, "<h1>lost</h1>")),
        )
        .layer(mask(&log).mask_client_errors(true).build().unwrap());
    let server = Server::axum(router).await;
    let body = "{\"name\":1}";
    let request = format!(
        "POST /users/7 HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = server.raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    assert!(
        answer.ends_with("\"code\":\"unprocessable_content\"}"),
        "{answer}"
    );
    let line = log.line();
    assert_eq!(line.route.as_deref(), Some("/users/{id}"));
    assert!(
        line.detail.contains("expected a boolean"),
        "{}",
        line.detail
    );

    let unknown = raw(&server, "GET", "/nowhere").await;
    assert!(
        unknown.ends_with("{\"title\":\"Not found\",\"status\":404,\"code\":\"not_found\"}"),
        "{unknown}"
    );
    let wrong = raw(&server, "DELETE", "/page").await;
    assert!(wrong.contains("allow: GET,HEAD\r\n"), "{wrong}");
    assert!(wrong.contains("\"code\":\"method_not_allowed\""), "{wrong}");
    // A handler's own words in plain text cannot be told from a framework's.
    let page = raw(&server, "GET", "/page").await;
    assert!(
        page.ends_with("{\"title\":\"Not found\",\"status\":404,\"code\":\"not_found\"}"),
        "{page}"
    );
    let head = raw(&server, "HEAD", "/page").await;
    let (head_of_page, _) = page.split_once("\r\n\r\n").expect("a head");
    assert_eq!(
        without_date(&head),
        without_date(&format!("{head_of_page}\r\n\r\n"))
    );
}

/// The body of the mask is one that axum's routers take, under a layer that knows no other than axum's.
#[tokio::test]
async fn the_body_goes_through_axums_layers() {
    let log = Log::default();
    let router: Router = Router::new()
        .route("/", on_get(async || AxumBody::from("seven apples")))
        .layer(mask(&log).build().unwrap())
        .layer(axum::middleware::from_fn(
            async |request: axum::extract::Request, next: axum::middleware::Next| {
                next.run(request).await
            },
        ));
    let server = Server::axum(router).await;
    assert_eq!(server.http1(get("/")).await.body(), "seven apples");
    assert_eq!(server.http2(get("/")).await.unwrap().body(), "seven apples");
}
