//! What the header of the example says is what happens.

use crate::support::curl::{ask, promises};
use crate::support::wire::Server;

#[path = "../../../examples/ownership.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod ownership;

const EXAMPLE: &str = include_str!("../../../examples/ownership.rs");

#[tokio::test]
async fn every_curl_line_of_the_example_gives_what_its_comment_says() {
    let (router, keys) = ownership::app().await.expect("it builds");
    let server = Server::axum(router).await;
    let promises = promises(EXAMPLE);
    assert_eq!(promises.len(), EXAMPLE.matches("//! curl ").count());
    assert_eq!(promises.len(), 19);
    for mut promise in promises {
        for (name, key) in ["$ALICE", "$BOB", "$ROOT"].into_iter().zip(&keys) {
            for (_, value) in &mut promise.headers {
                *value = value.replace(name, key);
            }
        }
        let answer = ask(&server, &promise).await;
        let body = std::str::from_utf8(answer.body()).unwrap();
        let (_, promised) = promise.text.split_once(": ").expect("what it gives");
        let status = answer.status().as_u16().to_string();
        assert!(promised.starts_with(&status), "{promise:?}: {answer:?}");
        match promised.split_once(", code ") {
            Some((_, code)) => assert!(body.contains(&format!("\"code\":\"{code}\"")), "{body}"),
            None => assert_eq!(format!("200 {}", body.trim_end()), promised),
        }
    }
}

/// Not a byte but the id of the request tells the order of somebody else from one that does not exist.
#[tokio::test]
async fn denied_and_absent_are_the_same_bytes() {
    let (router, [alice, ..]) = ownership::app().await.expect("it builds");
    let server = Server::axum(router).await;
    let mut seen = Vec::new();
    for id in ["2", "9", "x"] {
        let request = http::Request::get(format!("/orders/{id}"))
            .header("host", "127.0.0.1")
            .header("x-api-key", &alice)
            .body(http_body_util::Full::default())
            .unwrap();
        let (mut head, body) = server.http1(request).await.into_parts();
        for name in ["date", "x-request-id"] {
            head.headers.remove(name);
        }
        let text = String::from_utf8(body.to_vec()).unwrap();
        let (text, _) = text.split_once(",\"request_id\":").expect("an id");
        seen.push((head.status, head.headers, text.to_owned()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}
