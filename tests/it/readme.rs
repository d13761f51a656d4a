//! What README and the examples say is what happens.

use http::Method;

use crate::support::wire::Server;

#[path = "../../examples/quickstart.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod quickstart;

const QUICKSTART: &str = include_str!("../../examples/quickstart.rs");

#[test]
fn the_quickstart_of_the_readme_is_the_example() {
    let (_, code) = QUICKSTART.split_once("\n\n").expect("a header, then code");
    assert!(include_str!("../../README.md").contains(code));
}

/// One `curl` line of an example's header, and what the line above promises.
#[derive(Debug)]
struct Promise {
    text: String,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
}

fn promises(example: &str) -> Vec<Promise> {
    let lines: Vec<_> = example
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .collect();
    let mut promises = Vec::new();
    for pair in lines.windows(2) {
        let (Some(text), Some(command)) = (
            pair[0].trim().strip_prefix("# "),
            pair[1].trim().strip_prefix("curl "),
        ) else {
            continue;
        };
        let mut promise = Promise {
            text: text.to_owned(),
            method: Method::GET,
            path: String::new(),
            headers: Vec::new(),
        };
        let mut quoted = command.split('\'');
        while let Some(words) = quoted.next() {
            let mut words = words.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "-i" => {}
                    "-X" => {
                        promise.method = words.next().expect("a method").parse().expect("a method")
                    }
                    "-H" => {
                        let (name, value) = quoted
                            .next()
                            .and_then(|header| header.split_once(": "))
                            .expect("a header");
                        promise.headers.push((name.to_owned(), value.to_owned()));
                    }
                    url => {
                        promise.path = url.parse::<http::Uri>().expect("a URL").path().to_owned()
                    }
                }
            }
        }
        promises.push(promise);
    }
    promises
}

#[tokio::test]
async fn every_curl_line_of_the_quickstart_gives_what_its_comment_says() {
    let server = Server::axum(quickstart::app().expect("it builds")).await;
    let promises = promises(QUICKSTART);
    assert_eq!(promises.len(), 6);
    for promise in promises {
        let mut request = http::Request::builder()
            .method(promise.method.clone())
            .uri(&promise.path)
            .header("host", "127.0.0.1:3000");
        for (name, value) in &promise.headers {
            request = request.header(name, value);
        }
        let answer = server
            .http1(
                request
                    .body(http_body_util::Full::default())
                    .expect("a request"),
            )
            .await;
        let (_, promised) = promise
            .text
            .split_once(": ")
            .expect("what it is: what it gives");
        let status = answer.status().as_u16().to_string();
        assert!(promised.starts_with(&status), "{promise:?}: {answer:?}");
        let body = String::from_utf8_lossy(answer.body());
        let cors = answer.headers().get("access-control-allow-origin");
        assert_eq!(
            cors.is_some(),
            promised.contains("access-control-allow-origin"),
            "{promise:?}: {answer:?}"
        );
        assert_eq!(
            body.contains("csrf_refused"),
            promised.contains("csrf_refused"),
            "{promise:?}: {answer:?}"
        );
        if let Some((_, methods)) = promised.split_once("access-control-allow-methods: ") {
            assert_eq!(answer.headers()["access-control-allow-methods"], methods);
        }
        if let Some((_, allow)) = promised.split_once("allow: ") {
            assert_eq!(
                answer.headers()["allow"],
                allow.trim_end_matches(" from the handler")
            );
        }
        if promised.contains("without a word") {
            assert!(body.is_empty());
            assert!(
                !answer
                    .headers()
                    .keys()
                    .any(|name| name.as_str().starts_with("access-control"))
            );
        }
    }
}
