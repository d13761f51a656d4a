//! What the header of the example says is what happens.

use axum_server::Handle;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::*;

#[path = "../../../../examples/resource_server.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on fixed ports"
)]
mod resource_server;

const EXAMPLE: &str = include_str!("../../../../examples/resource_server.rs");

/// A line of the header: what is promised of it, and what it asks.
struct Line {
    text: &'static str,
    method: &'static str,
    host: &'static str,
    path: &'static str,
    authorization: Option<&'static str>,
    is_assigned: bool,
}

fn lines() -> Vec<Line> {
    let lines: Vec<_> = EXAMPLE
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let text = pair[0].strip_prefix("# ")?;
        let assigned = pair[1].strip_prefix("TOKEN=$(");
        let command = assigned.map_or(pair[1], |command| command.strip_suffix(')').unwrap());
        let command = command.strip_prefix("curl ")?;
        let (_, url) = command.split_once("//").unwrap();
        let url = url.split(' ').next().unwrap();
        let slash = url.find('/').unwrap();
        Some(Line {
            text,
            method: if command.contains("-X POST") {
                "POST"
            } else {
                "GET"
            },
            host: &url[..slash],
            path: &url[slash..],
            authorization: command
                .split_once("-H \"Authorization: ")
                .map(|(_, value)| value.strip_suffix('"').unwrap()),
            is_assigned: assigned.is_some(),
        })
    });
    pairs.collect()
}

async fn go(router: &axum::Router, line: &Line, token: &str) -> Response<Bytes> {
    let mut request = Request::builder().method(line.method).uri(line.path);
    if let Some(value) = line.authorization {
        request = request.header("authorization", value.replace("$TOKEN", token));
    }
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = ServiceExt::<Request<axum::body::Body>>::oneshot(router.clone(), request);
    let (head, body) = answer.await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn every_curl_line_of_the_example_gives_what_its_comment_says() {
    // The extractors of the example have no stack, and so go by the clock of the system.
    let clock = ManualClock::new();
    clock.set_now(std::time::SystemTime::now());
    let (tls, roots) = resource_server::certificate().await.unwrap();
    let provider = resource_server::IdentityProvider::new(clock.clone()).unwrap();
    let provider = provider.router();
    let handle = Handle::<std::net::SocketAddr>::new();
    let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), tls);
    let mut servers = JoinSet::new();
    let service = provider.clone().into_make_service();
    servers.spawn(server.handle(handle.clone()).serve(service));
    let port = handle.listening().await.unwrap().port();
    let url = format!("https://localhost:{port}/jwks");
    let keys = resource_server::keys(&url, &roots, clock.clone()).unwrap();
    keys.ready().await.unwrap();
    let api = resource_server::api(keys, clock.clone()).unwrap();

    let lines = lines();
    assert_eq!((lines.len(), EXAMPLE.matches("curl -").count()), (11, 11));
    let mut token = String::new();
    for line in lines {
        let text = line.text;
        if text.starts_with("Half a minute after") {
            let early = go(&api, &line, &token).await;
            assert_eq!(early.status(), 401, "{text}");
            clock.advance(30 * SECOND);
        }
        let router = if line.host == "localhost:3006" {
            &provider
        } else {
            &api
        };
        let answer = go(router, &line, &token).await;
        let body = std::str::from_utf8(answer.body()).unwrap();
        if line.is_assigned {
            assert_eq!(answer.status(), 200, "{text}");
            token = body.to_owned();
            continue;
        }
        let (_, promised) = text.split_once(": ").unwrap();
        let (status, rest) = promised.split_at(3);
        assert_eq!(answer.status().as_str(), status, "{text}: {body}");
        if let Some(challenge) = rest.strip_prefix(", with www-authenticate: ") {
            assert_eq!(answer.headers()["www-authenticate"], challenge, "{text}");
        } else {
            assert_eq!(body.trim(), rest.trim(), "{text}");
        }
    }
}
