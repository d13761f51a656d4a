//! What the header of the example says is what happens.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::*;
use crate::support::wire::Server;

#[path = "../../../../examples/login_throttle.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod login_throttle;

const EXAMPLE: &str = include_str!("../../../../examples/login_throttle.rs");

/// What is promised of a `curl` line, its path and its body.
fn promises() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines: Vec<_> = EXAMPLE
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let text = pair[0].strip_prefix("# ")?;
        let command = pair[1].strip_prefix("curl -i -X POST http://127.0.0.1:3004")?;
        let (path, body) = command.split_once(" -d '")?;
        Some((text, path, body.strip_suffix('\'')?))
    });
    pairs.collect()
}

#[tokio::test]
async fn every_curl_line_of_the_example_gives_what_its_comment_says() {
    let app = login_throttle::app(ManualClock::new()).unwrap();
    let server = Server::axum(app).await;
    let commands = EXAMPLE.matches("//! curl ").count();
    let promises = promises();
    assert_eq!((promises.len(), commands), (8, 8));
    for (text, path, body) in promises {
        let request = Request::post(path)
            .header("host", "127.0.0.1")
            .body(Full::from(body))
            .unwrap();
        let answer = server.http1(request).await;
        let (_, promised) = text.split_once(": ").unwrap();
        let status = answer.status().as_u16().to_string();
        assert!(promised.starts_with(&status), "{text}: {answer:?}");
        for header in ["retry-after", "set-cookie"] {
            let is_there = answer.headers().contains_key(header);
            assert_eq!(is_there, promised.contains(header), "{text}: {answer:?}");
        }
        let body: &Bytes = answer.body();
        let body = std::str::from_utf8(body).unwrap();
        let code = "login_throttled";
        assert_eq!(
            body.contains(code),
            promised.contains(code),
            "{text}: {body}"
        );
    }
}

#[tokio::test]
async fn the_attack_verifies_5_guesses_and_a_spray_of_about_20() {
    let app = login_throttle::app(ManualClock::new()).unwrap();
    let server = Server::axum(app).await;
    let report = login_throttle::attack(server.addr).await.unwrap();
    assert_eq!(report.guesses, [5, 195]);
    let [verified, refused] = report.spray;
    assert!(
        (17..=25).contains(&verified) && verified + refused == 200,
        "{report:?}"
    );
    assert_eq!(report.owner, [200, 429]);
}
