//! What the header of the example says is what happens, on two nodes over one server.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use http::{Response, StatusCode};

use super::Server;
use crate::support::curl::{Promise, ask, promises};
use crate::support::wire;

#[path = "../../../examples/two_nodes.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on fixed ports"
)]
mod example;

const EXAMPLE: &str = include_str!("../../../examples/two_nodes.rs");

/// Two nodes that have only the server in common, and the keys that each would read from a file.
async fn nodes(redis: &Server) -> [wire::Server; 2] {
    let keys = example::signing_key().unwrap();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let node = example::node(&redis.url(), keys.clone()).await.unwrap();
        nodes.push(wire::Server::axum(node).await);
    }
    nodes.try_into().ok().expect("two nodes")
}

/// What the shell keeps: cookies, and variables in the order in which they were set.
#[derive(Default)]
struct Shell {
    jar: BTreeMap<String, String>,
    variables: Vec<(String, String)>,
}

impl Shell {
    fn fill(&self, promise: &mut Promise) {
        for (name, value) in &self.variables {
            promise.body = promise.body.replace(&format!("${name}"), value);
        }
        assert!(!promise.body.contains('$'), "{promise:?}");
        if promise.jar[0] {
            let cookies: Vec<_> = self.jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let line = (COOKIE.to_string(), cookies.join("; "));
            promise.headers.push(line);
        }
    }

    fn keep(&mut self, promise: &Promise, answer: &Response<Bytes>) {
        for line in answer.headers().get_all(SET_COOKIE) {
            let (pair, _) = line.to_str().unwrap().split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            if promise.jar[1] {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(name) = &promise.kept_as {
            assert_eq!(answer.status(), StatusCode::OK, "{promise:?}: {answer:?}");
            let value = text(answer).trim_end().to_owned();
            assert!(value.len() > 32, "{promise:?}: {value}");
            self.variables.push((name.clone(), value));
        }
    }
}

fn text(answer: &Response<Bytes>) -> &str {
    std::str::from_utf8(answer.body()).unwrap()
}

/// Whether the answer is what stands behind the colon of the comment: `200 orders`, `403, code banned`.
fn keeps(promise: &Promise, answer: &Response<Bytes>) -> bool {
    let (_, promised) = promise
        .text
        .rsplit_once(": ")
        .expect("what it is: what it gives");
    let status = answer.status().as_u16();
    match promised.split_once(", code ") {
        Some((number, code)) => {
            number == status.to_string() && text(answer).contains(&format!("\"{code}\""))
        }
        None => promised == format!("{status} {}", text(answer).trim_end()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn every_curl_line_of_the_example_gives_what_its_comment_says() {
    let redis = Server::start().await;
    let [one, two] = nodes(&redis).await;
    let promises = promises(EXAMPLE);
    assert_eq!(promises.len(), EXAMPLE.matches("curl -").count());
    assert_eq!(promises.len(), 16);

    let mut shell = Shell::default();
    let mut asked = [0, 0];
    for mut promise in promises {
        shell.fill(&mut promise);
        let node = match promise.port {
            Some(3201) => 0,
            Some(3202) => 1,
            other => panic!("no node listens there: {other:?}"),
        };
        asked[node] += 1;
        let server = [&one, &two][node];
        let mut answer = ask(server, &promise).await;
        let start = Instant::now();
        while promise.waits && !keeps(&promise, &answer) {
            assert!(start.elapsed() < Duration::from_secs(5), "{answer:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            answer = ask(server, &promise).await;
        }
        shell.keep(&promise, &answer);
        if promise.kept_as.is_none() {
            assert!(keeps(&promise, &answer), "{promise:?}: {answer:?}");
        }
        let waits = matches!(answer.status().as_u16(), 429) || text(&answer).contains("banned");
        assert_eq!(answer.headers().contains_key(RETRY_AFTER), waits);
    }
    assert_eq!(asked, [9, 7]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server: apt-get install redis-server"]
async fn the_attack_of_the_example_is_stopped_on_both_nodes() {
    let redis = Server::start().await;
    let [one, two] = nodes(&redis).await;
    example::attack([one.addr, two.addr]).await.unwrap();
}
