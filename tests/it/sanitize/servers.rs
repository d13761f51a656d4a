//! Real servers: what is rewritten, what is left alone, what streams.

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Json, Multipart};
use axum::routing::{any, post};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Layer;
use tower_security::SecurityStack;
use tower_security::sanitize::{JsonRules, SanitizeLayer};

use super::Handler;
use crate::support::wire::Server;

fn json(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "app.example")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

/// HTTP/2 needs no `Host`.
fn without_host(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.headers_mut().remove("host");
    request
}

#[cfg(feature = "sanitize-html")]
#[tokio::test]
async fn a_cleaned_body_has_its_own_length_on_both_versions() {
    use tower_security::sanitize::html::HtmlPolicy;

    async fn echo(headers: http::HeaderMap, body: Bytes) -> String {
        let length = headers["content-length"].to_str().unwrap().to_owned();
        assert!(!headers.contains_key("transfer-encoding"));
        format!("{length} {}", std::str::from_utf8(&body).unwrap())
    }

    let layer = SanitizeLayer::builder()
        .html_json("/bio", HtmlPolicy::basic())
        .build()
        .unwrap();
    let server = Server::axum(Router::new().route("/", post(echo)).layer(layer)).await;
    let dirty = "{\"bio\":\"a<script>x</script>b\",\"n\":1.0}";
    let clean = "20 {\"bio\":\"ab\",\"n\":1.0}";
    let one = server.http1(json("/", dirty)).await;
    assert_eq!(one.body(), clean.as_bytes());
    let two = server.http2(without_host(json("/", dirty))).await.unwrap();
    assert_eq!(two.body(), clean.as_bytes());
    // Sent in chunks, without a length.
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         {:x}\r\n{dirty}\r\n0\r\n\r\n",
        dirty.len()
    );
    let answer = server.raw(chunked.as_bytes()).await;
    assert!(answer.ends_with(clean), "{answer}");
}

#[tokio::test]
async fn axum_does_not_notice() {
    async fn sum(Json(numbers): Json<Vec<u64>>) -> String {
        numbers.into_iter().sum::<u64>().to_string()
    }

    let stack = SecurityStack::new().sanitize(SanitizeLayer::strict());
    let router = Router::new().route("/sum", post(sum));
    for router in [
        router.clone().layer(SanitizeLayer::strict()),
        router.layer(stack),
    ] {
        let server = Server::axum(router).await;
        for refused in [
            json("/sum", "[1,2"),
            json("/sum/../sum", "[1,2]"),
            json("/sum?a=%00", "[1]"),
        ] {
            assert_eq!(
                server.http1(refused).await.status(),
                StatusCode::BAD_REQUEST
            );
        }
        assert_eq!(server.http1(json("/sum", "[1,2]")).await.body(), "3");
        let two = server
            .http2(without_host(json("/sum", "[1,2]")))
            .await
            .unwrap();
        assert_eq!(two.body(), "3");
        // Found to be too long by the limit of axum, which the layer hands on.
        let long = format!("[{}1]", "1,".repeat(9_000));
        assert_eq!(server.http1(json("/sum", long)).await.body(), "9001");
    }
}

/// A limit of axum's own stays a 413 behind the layer.
#[tokio::test]
async fn errors_of_a_body_are_those_that_it_had() {
    async fn length(body: Bytes) -> String {
        body.len().to_string()
    }

    let layer = SanitizeLayer::builder()
        .allow_type("application/octet-stream")
        .build()
        .unwrap();
    let router = Router::new()
        .route("/", post(length))
        .layer(axum::extract::DefaultBodyLimit::max(4))
        .layer(layer);
    let server = Server::axum(router).await;
    for media_type in ["application/octet-stream", "application/json"] {
        for (body, status) in [("1111", 200), ("11111", 413)] {
            let mut request = json("/", body);
            let headers = request.headers_mut();
            headers.insert("content-type", media_type.parse().unwrap());
            let answer = server.http1(request).await;
            assert_eq!(answer.status().as_u16(), status, "{media_type} {body}");
        }
    }
}

fn upload(file_name: &str, content: &str) -> (String, String) {
    let body = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
         --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n{content}\r\n--XX--\r\n"
    );
    ("multipart/form-data; boundary=XX".to_owned(), body)
}

#[tokio::test]
async fn uploads_are_checked_before_or_while_they_are_read() {
    async fn take(mut parts: Multipart) -> Result<String, StatusCode> {
        let mut taken = String::new();
        loop {
            match parts.next_field().await {
                Ok(Some(part)) => {
                    let name = part.name().unwrap().to_owned();
                    let text = part.text().await.map_err(|_| StatusCode::IM_A_TEAPOT)?;
                    taken.push_str(&format!("{name}={} ", text.len()));
                }
                Ok(None) => return Ok(taken),
                Err(_) => return Err(StatusCode::IM_A_TEAPOT),
            }
        }
    }

    let request = |(media_type, body): (String, String)| {
        let mut request = json("/", body);
        let headers = request.headers_mut();
        headers.insert("content-type", media_type.parse().unwrap());
        request
    };
    for layer in [SanitizeLayer::strict(), SanitizeLayer::compatible()] {
        let router = Router::new().route("/", post(take)).layer(layer);
        let server = Server::axum(router).await;
        let good = server.http1(request(upload("a.txt", "abc"))).await;
        assert_eq!(
            (good.status(), &good.body()[..]),
            (StatusCode::OK, &b"note=5 file=3 "[..])
        );
        let bad = server.http1(request(upload("../a.txt", "abc"))).await;
        assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
        assert!(String::from_utf8_lossy(bad.body()).contains("multipart_file_name"));
        let (media_type, body) = upload("a.txt", "abc");
        let cut = body.replace("--XX--\r\n", "");
        let cut = server.http1(request((media_type, cut))).await;
        assert_eq!(cut.status(), StatusCode::BAD_REQUEST);
        assert!(String::from_utf8_lossy(cut.body()).contains("multipart_truncated"));
    }
    // What streams may be longer than what is kept in memory.
    let large = upload("a.txt", &"a".repeat(1_500_000));
    let length = |layer: SanitizeLayer| {
        let large = large.clone();
        async move {
            let server = Server::axum(Router::new().route("/", post(take)).layer(layer)).await;
            server.http1(request(large)).await
        }
    };
    let refused = length(SanitizeLayer::strict()).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let taken = length(SanitizeLayer::compatible()).await;
    assert_eq!(taken.body(), "note=5 file=1500000 ");
}

#[tokio::test]
async fn a_grpc_call_passes_and_its_messages_are_not_read() {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let layer = SanitizeLayer::builder()
        .json(JsonRules::strict().max_nodes(1))
        .body_limit(1)
        .grpc(true)
        .build()
        .unwrap();
    let server = Server::tonic(layer, routes).await;
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().status, 1);
    let unknown = HealthCheckRequest {
        service: "nobody".repeat(100),
    };
    assert_eq!(
        client.check(unknown).await.unwrap_err().code(),
        Code::NotFound
    );
    let mut doubled = tonic::Request::new(HealthCheckRequest::default());
    doubled
        .metadata_mut()
        .insert("x-method-override", "GET".parse().unwrap());
    assert_eq!(
        client.check(doubled).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    // A stream of answers is never touched.
    let mut watched = client
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status, 1);
}

#[tokio::test]
async fn a_grpc_call_is_refused_with_a_status_where_nobody_asked_for_it() {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let server = Server::tonic(SanitizeLayer::strict(), routes).await;
    let endpoint: Endpoint = format!("http://{}", server.addr).parse().unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let refused = client.check(HealthCheckRequest::default()).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
}

/// A handler that reads its body whatever the type is: naming gRPC does not get a body past the rules.
#[tokio::test]
async fn who_names_grpc_is_looked_at_all_the_same() {
    async fn read(body: Bytes) -> Result<String, StatusCode> {
        let value: serde_json::Value =
            serde_json::from_slice(&body).map_err(|_| StatusCode::IM_A_TEAPOT)?;
        Ok(value.to_string())
    }

    let stack = SecurityStack::api().sanitize(SanitizeLayer::strict());
    let server = Server::axum(Router::new().route("/", post(read)).layer(stack)).await;
    let hostile = "{\"a\":1,\"a\":2,\"__proto__\":{\"x\":1}}";
    for media_type in [
        "application/json",
        "application/grpc",
        "application/grpc-web",
        "application/grpc+proto",
        "application/grpc;a=b",
        "application/grpc-web-text",
    ] {
        let typed = || {
            let mut request = json("/", hostile);
            let headers = request.headers_mut();
            headers.insert("content-type", media_type.parse().unwrap());
            request
        };
        let one = server.http1(typed()).await;
        let two = server.http2(without_host(typed())).await.unwrap();
        for answer in [one, two] {
            if media_type == "application/json" {
                assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
            } else {
                // The refusal of a call is a status of gRPC.
                assert_eq!(answer.headers()["grpc-status"], "3", "{media_type}");
            }
        }
    }
    assert_eq!(
        server.http1(json("/", "{\"a\":1}")).await.body(),
        "{\"a\":1}"
    );
}

#[tokio::test]
async fn a_web_socket_is_opened_and_not_read() {
    async fn echo(mut socket: WebSocket) {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    }

    let route = any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) });
    let router = Router::new()
        .route("/ws", route)
        .layer(SanitizeLayer::strict());
    let server = Server::axum(router).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream
        .write_all(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    // A text of three bytes, masked with zeros: what it says is no JSON and holds a NUL.
    stream.write_all(b"\x81\x83\0\0\0\0{\0<").await.unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"\x81\x03{\0<");
}

/// On plain hyper a handler is generic over its body, or takes the one of the layer.
#[tokio::test]
async fn hyper_serves_a_guarded_body() {
    let handler = Handler::default();
    let server = Server::hyper(SanitizeLayer::strict().layer(handler.clone())).await;
    assert_eq!(server.http1(json("/", "[1]")).await.body(), "served");
    assert_eq!(handler.last().body.unwrap(), "[1]");
    let two = server.http2(without_host(json("/", "[2]"))).await.unwrap();
    assert_eq!(two.body(), "served");
    assert_eq!(handler.last().body.unwrap(), "[2]");
    let refused = server
        .http2(without_host(json("/a%00", "[2]")))
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}
