//! Real servers: axum, hyper with HTTP/1 and HTTP/2, tonic.

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Json, Multipart};
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{any, get, post};
use http::Request;
use http_body_util::Full;
use http_body_util::channel::Channel;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Layer;
use tower_security::SecurityStack;
use tower_security::limits::RouteLimits;
use tower_security::sanitize::SanitizeLayer;

use super::*;
use crate::support::wire::Server;

fn quick() -> LimitsBuilder {
    LimitsLayer::builder()
        .body_limit(100)
        .body_idle(millis(200))
        .body_time(millis(500))
        .response_time(millis(300))
        .answer_idle(millis(200))
}

fn full(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Full::new(body.into())).unwrap()
}

/// A list of JSON of so many bytes.
fn list(bytes: usize) -> String {
    let rest = " ".repeat(bytes - 2);
    format!("[{rest}]")
}

async fn sum(Json(numbers): Json<Vec<u64>>) -> String {
    numbers.into_iter().sum::<u64>().to_string()
}

/// The head of a request over HTTP/1 and the start of its body; then nothing more is said. What comes back until the server hangs up.
async fn hang(server: &Server, head: &str, start: &str) -> String {
    let text = format!("{head}\r\nHost: a\r\nContent-Type: application/json\r\n{start}");
    server.raw(text.as_bytes()).await
}

#[tokio::test]
async fn axum_does_not_notice_and_its_extractors_make_nothing_else_of_it() {
    let upload = async |mut parts: Multipart| {
        while let Some(part) = parts.next_field().await? {
            part.bytes().await?;
        }
        Ok::<_, axum::extract::multipart::MultipartError>("taken")
    };
    let router = Router::new()
        .route("/sum", post(sum))
        .route("/text", post(async |text: String| text.len().to_string()))
        .route("/upload", post(upload))
        .layer(quick().build().unwrap());
    let server = Server::axum(router).await;
    for (path, size, status) in [
        ("/sum", 100, 200),
        ("/sum", 101, 413),
        ("/text", 100, 200),
        ("/text", 101, 413),
    ] {
        let one = server.http1(full(path, list(size))).await;
        assert_eq!(one.status(), status, "{path} {size}");
        let two = server.http2(full(path, list(size))).await.unwrap();
        assert_eq!(two.status(), status, "{path} {size}");
        if status == 413 {
            for answer in [one, two] {
                let problem: Value = serde_json::from_slice(answer.body()).unwrap();
                assert_eq!(problem["code"], "body_too_large");
            }
        }
        // Without a length, so that it is found while it is read.
        let chunked = format!(
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}\r\n0\r\n\r\n",
            list(size)
        );
        let answer = hang(&server, &format!("POST {path} HTTP/1.1"), &chunked).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(answer.contains("body_too_large"), status == 413, "{answer}");
    }
    // Slow bodies, with and without a length: the extractors answer 400 to both.
    for start in [
        "Content-Length: 5\r\n\r\n[1,",
        "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
    ] {
        for path in ["/sum", "/text", "/upload"] {
            let content_type = match path {
                "/upload" => "multipart/form-data; boundary=XX",
                _ => "application/json",
            };
            let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}");
            let answer = server.raw(format!("{head}\r\n{start}").as_bytes()).await;
            assert!(
                answer.starts_with("HTTP/1.1 408 "),
                "{path} {start:?} {answer}"
            );
            assert!(answer.contains("body_stalled"), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
        }
    }
    // A drop now and then.
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let drips = async {
        loop {
            sleep(millis(50)).await;
            if to.write_all(b" ").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut answer = vec![0; 13];
    tokio::select! {
        read = from.read_exact(&mut answer) => { read.unwrap(); }
        () = drips => unreachable!("it never ends"),
    }
    assert_eq!(answer, b"HTTP/1.1 408 ");
}

/// A body of HTTP/2 that comes as it is told, and the answer to it.
async fn over_http2(server: &Server, path: &str, pieces: &[(u64, &'static str)]) -> (u16, String) {
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let (mut to, body) = Channel::<Bytes>::new(8);
    let uri = format!("http://{}{path}", server.addr);
    let request = Request::post(uri).header("content-type", "application/json");
    let pieces = pieces.to_vec();
    let writes = async move {
        for (pause, piece) in pieces {
            sleep(millis(pause)).await;
            if to
                .send_data(Bytes::from_static(piece.as_bytes()))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    let (answer, ()) = tokio::join!(sender.send_request(request.body(body).unwrap()), writes);
    let (head, body) = answer.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status.as_u16(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn a_body_over_http2_is_timed_and_counted() {
    let router = Router::new().route("/sum", post(sum));
    let server = Server::axum(router.layer(quick().build().unwrap())).await;
    let rows: [(&[(u64, &str)], u16, &str); 4] = [
        (&[(0, "[1,"), (50, "2]")], 200, "3"),
        (&[(0, "[1,"), (1_000, "2]")], 408, "body_stalled"),
        (
            &[
                (0, "["),
                (150, "1"),
                (150, "1"),
                (150, "1"),
                (150, "1"),
                (150, "]"),
            ],
            408,
            "body_too_slow",
        ),
        (
            &[
                (0, "["),
                (
                    0,
                    "                                                                                                    ",
                ),
            ],
            413,
            "body_too_large",
        ),
    ];
    for (pieces, status, text) in rows {
        let (answered, body) = over_http2(&server, "/sum", pieces).await;
        assert_eq!(answered, status, "{body}");
        assert!(body.contains(text), "{body}");
    }
}

/// An upload gets room of its own, of axum too.
#[tokio::test]
async fn a_route_of_uploads_takes_more() {
    let limits = quick()
        .route(RouteLimits::new("/uploads/{name}").body_limit(5 << 20))
        .build()
        .unwrap();
    let length = async |body: Bytes| body.len().to_string();
    let router = Router::new()
        .route("/uploads/{name}", post(length))
        .layer(DefaultBodyLimit::max(5 << 20))
        .route("/orders", post(length))
        .layer(limits);
    let server = Server::axum(router).await;
    let large = || Bytes::from(vec![b'a'; 3 << 20]);
    assert_eq!(
        server.http1(full("/uploads/a", large())).await.body(),
        "3145728"
    );
    assert_eq!(
        server
            .http2(full("/uploads/a", large()))
            .await
            .unwrap()
            .body(),
        "3145728"
    );
    let refused = server.http2(full("/orders", list(101))).await.unwrap();
    assert_eq!(refused.status(), 413);
}

#[tokio::test]
async fn a_handler_and_its_answer_are_timed() {
    let hangs = || async {
        std::future::pending::<()>().await;
        "never"
    };
    let cut = |pause: u64| async move {
        let (mut to, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            to.send_data(Bytes::from_static(b"half")).await.unwrap();
            sleep(millis(pause)).await;
            let _ = to.send_data(Bytes::from_static(b"half")).await;
        });
        Response::new(axum::body::Body::new(body))
    };
    let router = Router::new()
        .route("/hangs", get(hangs))
        .route("/cut", get(move || cut(10_000)))
        .route("/slow", get(move || cut(50)))
        .layer(quick().build().unwrap());
    let server = Server::axum(router).await;
    let get = |path: &str| Request::get(path).body(Full::default()).unwrap();
    let one = server.http1(get("/hangs")).await;
    assert_eq!(one.status(), 504);
    let two = server.http2(get("/hangs")).await.unwrap();
    assert_eq!(two.status(), 504);
    let head = Request::head("/hangs").body(Full::default()).unwrap();
    let head = server.http2(head).await.unwrap();
    assert_eq!((head.status().as_u16(), head.body().len()), (504, 0));
    assert_eq!(server.http1(get("/slow")).await.body(), "halfhalf");
    // Half an answer is never taken for the whole: the last chunk does not come, the stream is reset.
    let raw = server.raw(b"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(raw.ends_with("4\r\nhalf\r\n"), "{raw}");
    assert!(server.http2(get("/cut")).await.is_err());
}

/// What goes on after the head is cut by no time but its own.
#[tokio::test]
async fn streams_and_sockets_go_on() {
    let events = || async {
        let (to, from) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            for number in ["one", "two"] {
                sleep(millis(600)).await;
                let event = Ok::<_, Infallible>(Event::default().data(number));
                if to.send(event).await.is_err() {
                    break;
                }
            }
        });
        Sse::new(Events(from))
    };
    async fn echo(mut socket: WebSocket) {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    }
    let socket = any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) });
    let layer = quick().max_concurrent(1).build().unwrap();
    let router = Router::new()
        .route("/events", get(events))
        .route("/socket", socket)
        .layer(layer.clone());
    let server = Server::axum(router).await;
    let get = Request::get("/events").body(Full::default()).unwrap();
    let answer = server.http2(get).await.unwrap();
    assert_eq!(answer.body(), "data: one\n\ndata: two\n\n");

    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    // Longer than any of the times.
    sleep(millis(700)).await;
    assert_eq!(layer.serving(), 0);
    stream.write_all(b"\x81\x83\0\0\0\0abc").await.unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"\x81\x03abc");
}

struct Events(tokio::sync::mpsc::Receiver<Result<Event, Infallible>>);

impl tonic::codegen::tokio_stream::Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Event, Infallible>>> {
        self.0.poll_recv(cx)
    }
}

#[tokio::test]
async fn a_grpc_call_that_is_too_large_is_a_status() {
    for grpc in [false, true] {
        let (_, health) = tonic_health::server::health_reporter();
        let routes = tonic::service::Routes::new(health);
        let layer = quick().grpc(grpc).build().unwrap();
        let stack = SecurityStack::new().limits(layer.clone());
        let server = Server::tonic(stack, routes).await;
        let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
        let mut client = HealthClient::new(endpoint.connect().await.unwrap());
        let ask = |length: usize| HealthCheckRequest {
            service: "a".repeat(length),
        };
        let answer = client.check(ask(0)).await.unwrap();
        assert_eq!(answer.into_inner().status, 1);
        // The tag and the length of the field, and the prefix of the message: 98 or 93 is the longest name.
        let longest = if grpc { 98 } else { 93 };
        let unknown = client.check(ask(longest)).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let refused = client.check(ask(longest + 1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        // A stream of answers stands still for as long as it wants.
        let mut watched = client.watch(ask(0)).await.unwrap().into_inner();
        assert_eq!(watched.message().await.unwrap().unwrap().status, 1);
        sleep(millis(700)).await;
        assert_eq!(layer.serving(), 0);
        let more = tokio::time::timeout(millis(50), watched.message()).await;
        assert!(more.is_err(), "it is still open: {more:?}");
    }
}

/// On plain hyper a handler is generic over its body, or takes that of the layers.
#[tokio::test]
async fn hyper_serves_a_limited_body() {
    use tower_security::sanitize::GuardedBody;

    type Body = GuardedBody<LimitedBody<Incoming>>;
    let handler = tower::service_fn(|request: Request<Body>| async {
        let read = request.into_body().collect().await;
        let length = read.map(|read| read.to_bytes().len().to_string());
        let answer = length.unwrap_or_else(|error| error.to_string());
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(answer)))
    });
    let stack = SecurityStack::new()
        .limits(quick().build().unwrap())
        .sanitize(SanitizeLayer::strict());
    let both = Server::hyper(stack.layer(handler)).await;
    let alone = Server::hyper(quick().build().unwrap().layer(Reader::default())).await;
    for server in [&both, &alone] {
        for (size, status) in [(100, 200), (101, 413)] {
            let mut one = full("/", list(size));
            one.headers_mut().insert("host", "a".parse().unwrap());
            assert_eq!(server.http1(one).await.status(), status);
            let two = server.http2(full("/", list(size))).await.unwrap();
            assert_eq!(two.status(), status);
        }
        let hung = hang(server, "POST / HTTP/1.1", "Content-Length: 5\r\n\r\n[1,").await;
        assert!(hung.starts_with("HTTP/1.1 408 "), "{hung}");
        // A client that asks whether it may send its body is not told to.
        let expects = "Connection: close\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n";
        let refused = hang(server, "POST / HTTP/1.1", expects).await;
        assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    }
}

#[tokio::test]
async fn a_stack_of_both_fits_axum_and_tonic() {
    let stack = |sanitize: SanitizeLayer| {
        SecurityStack::new()
            .limits(quick().build().unwrap())
            .sanitize(sanitize)
    };
    let router = Router::new().route("/sum", post(sum));
    let router = router.layer(stack(SanitizeLayer::strict()));
    let server = Server::axum(router).await;
    let with_host = |body: String| {
        let mut request = full("/sum", body);
        request.headers_mut().insert("host", "a".parse().unwrap());
        request
    };
    assert_eq!(server.http1(with_host("[1,2]".into())).await.body(), "3");
    assert_eq!(server.http1(with_host("[1,2".into())).await.status(), 400);
    assert_eq!(server.http1(with_host(list(101))).await.status(), 413);
    let chunked = format!(
        "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        list(101)
    );
    let answer = hang(&server, "POST /sum HTTP/1.1", &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");

    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let server = Server::tonic(stack(SanitizeLayer::grpc()), routes).await;
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().status, 1);
}
