//! The `curl` lines in the header of an example, and the requests that they make.

use bytes::Bytes;
use http::{Method, Response};

use super::wire::Server;

/// One `curl` line of an example's header, and what the line above promises.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) text: String,
    method: Method,
    http2: bool,
    path: String,
    /// Of the server that is asked, where an example starts several.
    pub(crate) port: Option<u16>,
    /// Whether the shell waits before, until something has been heard of.
    #[allow(
        dead_code,
        reason = "read by the tests of examples that need more features"
    )]
    pub(crate) waits: bool,
    /// How often it is sent: `curl` makes a request of each number in `[1-60]`, and the promise is about the last.
    times: u32,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// What the shell keeps of the answer, and under which name.
    #[allow(
        dead_code,
        reason = "read by the tests of examples that need more features"
    )]
    pub(crate) kept_as: Option<String>,
    /// Whether the cookies of a file are sent, and those of the answer written to it.
    pub(crate) jar: [bool; 2],
}

pub(crate) fn promises(example: &str) -> Vec<Promise> {
    let lines: Vec<_> = example
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .collect();
    let mut promises = Vec::new();
    for pair in lines.windows(2) {
        let (kept_as, command) = match pair[1].trim().split_once("=$(") {
            Some((name, command)) => (Some(name.to_owned()), command.trim_end_matches(')')),
            None => (None, pair[1].trim()),
        };
        let waiting = command
            .strip_prefix("sleep ")
            .and_then(|rest| rest.split_once("; "));
        let (waits, command) = match waiting {
            Some((_, command)) => (true, command),
            None => (false, command),
        };
        let (Some(text), Some(command)) = (
            pair[0].trim().strip_prefix("# "),
            command.strip_prefix("curl "),
        ) else {
            continue;
        };
        let mut promise = Promise {
            text: text.to_owned(),
            method: Method::GET,
            http2: false,
            path: String::new(),
            port: None,
            waits,
            times: 1,
            headers: Vec::new(),
            body: String::new(),
            kept_as,
            jar: [false; 2],
        };
        let mut quoted = command.split(['\'', '"']);
        while let Some(words) = quoted.next() {
            let mut words = words.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "-i" | "-s" | "--http1.1" | "--path-as-is" => {}
                    "-b" | "-c" => {
                        promise.jar[usize::from(word == "-c")] = true;
                        assert_eq!(words.next(), Some("jar"));
                    }
                    "--http2-prior-knowledge" => promise.http2 = true,
                    "-I" => promise.method = Method::HEAD,
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
                    "-d" => quoted.next().expect("a body").clone_into(&mut promise.body),
                    url => {
                        let (url, numbers) = url.split_once("?[1-").unwrap_or((url, "1]"));
                        let times = numbers.strip_suffix(']').expect("the end of the range");
                        promise.times = times.parse().expect("a number");
                        let url = url.parse::<http::Uri>().expect("a URL");
                        promise.port = url.port_u16();
                        url.path().clone_into(&mut promise.path);
                    }
                }
            }
        }
        promises.push(promise);
    }
    promises
}

/// Sends as many requests as `curl` does, and returns the last answer.
pub(crate) async fn ask(server: &Server, promise: &Promise) -> Response<Bytes> {
    for _ in 1..promise.times {
        ask_once(server, promise).await;
    }
    ask_once(server, promise).await
}

async fn ask_once(server: &Server, promise: &Promise) -> Response<Bytes> {
    let mut request = http::Request::builder()
        .method(promise.method.clone())
        .uri(&promise.path);
    if !promise.http2 {
        request = request.header("host", server.addr.to_string());
    }
    for (name, value) in &promise.headers {
        request = request.header(name, value);
    }
    let says_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
    if !promise.body.is_empty() && !promise.headers.iter().any(says_type) {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let body = http_body_util::Full::from(promise.body.clone());
    let request = request.body(body).expect("a request");
    if promise.http2 {
        server.http2(request).await.expect("an answer")
    } else {
        server.http1(request).await
    }
}
