//! What the header of the example says is what happens.

use axum_server::Handle;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::sockets::connect_tls;
use super::*;

#[path = "../../../examples/https.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on fixed ports"
)]
mod https_example;

const EXAMPLE: &str = include_str!("../../../examples/https.rs");

/// A `curl` line and what the comment above it promises.
struct Promise {
    text: &'static str,
    uri: http::Uri,
    lines: Vec<(&'static str, &'static str)>,
}

fn promises() -> Vec<Promise> {
    let mut promises = Vec::new();
    let mut text = "";
    for line in EXAMPLE
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
    {
        if let Some(comment) = line.strip_prefix("# ") {
            text = comment;
        }
        let Some(command) = line.strip_prefix("curl ") else {
            continue;
        };
        let mut words = command
            .split('\'')
            .enumerate()
            .flat_map(|(index, part)| match index % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            });
        let mut uri = None;
        let mut lines = Vec::new();
        while let Some(word) = words.next() {
            match word {
                "-i" | "-ik" => {}
                "--resolve" => drop(words.next()),
                "-H" => lines.push(words.next().and_then(|line| line.split_once(": ")).unwrap()),
                url => uri = Some(url.parse().expect("a URL")),
            }
        }
        let uri = uri.expect("a URL");
        promises.push(Promise { text, uri, lines });
    }
    promises
}

async fn ask<I>(io: I, promise: &Promise) -> Response<Bytes>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(io));
    let (mut sender, connection) = handshake.await.expect("it speaks HTTP/1");
    let driver = tokio::spawn(connection);
    let path = promise.uri.path_and_query().expect("a path").as_str();
    let mut request = request("GET", path, &promise.lines);
    let host = promise.uri.authority().expect("a host").as_str();
    let host = host.parse().expect("a value");
    request.headers_mut().entry(HOST).or_insert(host);
    let (head, body) = sender
        .send_request(request)
        .await
        .expect("an answer")
        .into_parts();
    let body = body.collect().await.expect("it is whole").to_bytes();
    drop(sender);
    let _ = driver.await.expect("no panic");
    Response::from_parts(head, body)
}

fn assert_kept(promise: &Promise, answer: &Response<Bytes>) {
    let text = promise.text;
    let (_, promised) = text.split_once(": ").expect("what it is: what it gives");
    let status = answer.status().as_u16().to_string();
    assert!(promised.starts_with(&status), "{text}: {answer:?}");
    let header = |name| {
        let value = answer.headers().get(name);
        value.map(|value| value.to_str().expect("it is ASCII"))
    };
    let named = |name: &str| promised.split_once(name).map(|(_, value)| value);
    let hsts = named("strict-transport-security: ");
    assert_eq!(header("strict-transport-security"), hsts, "{text}");
    if let Some(location) = named("location: ") {
        assert_eq!(header("location"), Some(location), "{text}");
    }
    assert_eq!(header("location").is_some(), status == "308", "{text}");
    let body = std::str::from_utf8(answer.body()).expect("it is text");
    if let Some(code) = named("code ") {
        let code = code.split(',').next().expect("a word");
        assert!(
            body.contains(&format!("\"code\":\"{code}\"")),
            "{text}: {body}"
        );
    }
}

#[tokio::test]
async fn every_curl_line_of_the_example_gives_what_its_comment_says() {
    let app = https_example::app(3443).expect("it builds");
    let (acceptor, certificate) = https_example::acceptor().await.expect("a certificate");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (secure, plain) = (Handle::new(), Handle::new());
    let mut servers = JoinSet::new();
    let server = axum_server::bind(any).handle(secure.clone());
    let service = app
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    servers.spawn(server.acceptor(acceptor).serve(service));
    let server = axum_server::bind(any).handle(plain.clone());
    servers.spawn(server.serve(app.into_make_service_with_connect_info::<SocketAddr>()));
    let secure = secure.listening().await.expect("a port");
    let plain = plain.listening().await.expect("a port");

    let promises = promises();
    assert_eq!(promises.len(), 8);
    for promise in promises {
        let answer = if promise.uri.scheme_str() == Some("https") {
            let certificate = certificate.clone();
            let stream =
                connect_tls(secure, certificate, https_example::HOSTS[0], "http/1.1").await;
            ask(stream, &promise).await
        } else {
            ask(TcpStream::connect(plain).await.unwrap(), &promise).await
        };
        assert_kept(&promise, &answer);
    }
}
