//! What README and the examples say is what happens.

use std::fs;

use bytes::Bytes;
use http::{Method, Response};

use crate::support::tree;
use crate::support::wire::Server;

#[path = "../../examples/hyper_service.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod hyper_service;

#[path = "../../examples/quickstart.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod quickstart;

const HYPER_SERVICE: &str = include_str!("../../examples/hyper_service.rs");
const QUICKSTART: &str = include_str!("../../examples/quickstart.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_quickstart_of_the_readme_is_the_example() {
    let (_, code) = QUICKSTART.split_once("\n\n").expect("a header, then code");
    assert!(README.contains(code));
}

/// Returns what stands between two `@` and looks like a name that a script would replace.
fn placeholders(text: &str) -> Vec<&str> {
    let mut between: Vec<_> = text.split('@').skip(1).collect();
    between.pop();
    between.retain(|name| {
        let in_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        !name.is_empty() && name.bytes().all(in_name)
    });
    between
}

#[test]
fn no_document_has_a_placeholder() {
    assert_eq!(placeholders("0, @A_1@ | a@b.c @ @@ @C@D"), ["A_1", "C"]);
    for document in ["README.md", "SECURITY.md", "CHANGELOG.md"] {
        let text = tree::read(document);
        assert_eq!(placeholders(&text), [""; 0], "{document}");
    }
}

/// Returns the words in backticks, outside of code blocks, that look like paths of this repository.
fn named_paths(markdown: &str) -> Vec<&str> {
    const FOLDERS: [&str; 5] = ["src/", "tests/", "examples/", "benches/", ".ci/"];
    let prose = markdown.split("```").step_by(2);
    prose
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .flat_map(str::split_whitespace)
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .collect()
}

/// Whether a path is there; its last part may hold one `*`.
fn exists(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let (folder, name) = path.rsplit_once('/').expect("it has a folder");
    let Ok(entries) = fs::read_dir(tree::root().join(folder)) else {
        return false;
    };
    let (start, end) = name.split_once('*').unwrap_or((name, ""));
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|found| found.into_string().ok())
        .any(|found| {
            found == name
                || name.contains('*')
                    && found
                        .strip_prefix(start)
                        .is_some_and(|rest| rest.ends_with(end))
        })
}

#[test]
fn every_path_that_the_readme_names_exists() {
    let sample = "`src/core/text` `a/b`\n```sh\n`src/c`\n```\n`ls tests/x*.rs`";
    assert_eq!(named_paths(sample), ["src/core/text", "tests/x*.rs"]);
    for (path, there) in [
        ("src/core/text", true),
        ("src/core/text/", true),
        ("src/core/text.rs", false),
        ("src/core/tex", false),
        ("nowhere/a", false),
        ("tests/it/csrf*.rs", true),
        ("tests/it/*.md", false),
        ("tests/it/nothing*.rs", false),
    ] {
        assert_eq!(exists(path), there, "{path}");
    }

    let paths = named_paths(README);
    assert!(paths.contains(&"tests/it/stack.rs"), "{paths:?}");
    for path in paths {
        assert!(exists(path), "{path}");
    }
}

/// Returns the instructions in the README's table of costs, row by row: tower-http's and ours.
fn costs_of_the_readme() -> Vec<[String; 2]> {
    let instructions = |cell: &str| {
        let (_, count) = cell.split_once(", ").expect("allocations, instructions");
        count.trim().replace(',', "")
    };
    README
        .lines()
        .filter(|line| {
            ["| CORS: ", "| CSRF: ", "| both: "]
                .iter()
                .any(|start| line.starts_with(start))
        })
        .map(|line| {
            let cells: Vec<_> = line.split('|').collect();
            [instructions(cells[2]), instructions(cells[3])]
        })
        .collect()
}

/// Returns what a bench has stored, less the rows behind axum.
fn stored_costs(bench: &str) -> Vec<[String; 2]> {
    let text = tree::read(&format!("benches/instructions/{bench}.tsv"));
    let mut peer = "";
    let mut costs = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("axum: ")) {
        let cells: Vec<_> = line.split('\t').collect();
        let (row, count) = (cells[1], cells[2]);
        if row.starts_with("tower-http") {
            peer = count;
        } else if row.starts_with("tower-security") {
            costs.push([peer.to_owned(), count.to_owned()]);
        }
    }
    costs
}

#[test]
fn the_costs_in_the_readme_are_all_that_the_benches_have_stored() {
    let stored: Vec<_> = ["cors", "csrf", "stack"]
        .into_iter()
        .flat_map(stored_costs)
        .collect();
    assert!(stored.len() > 20, "{stored:?}");
    assert_eq!(costs_of_the_readme(), stored);
}

/// One `curl` line of an example's header, and what the line above promises.
#[derive(Debug)]
struct Promise {
    text: String,
    method: Method,
    http2: bool,
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
            http2: false,
            path: String::new(),
            headers: Vec::new(),
        };
        let mut quoted = command.split('\'');
        while let Some(words) = quoted.next() {
            let mut words = words.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "-i" | "--http1.1" => {}
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

/// Sends a request as `curl` does.
async fn ask(server: &Server, promise: &Promise) -> Response<Bytes> {
    let mut request = http::Request::builder()
        .method(promise.method.clone())
        .uri(&promise.path);
    if !promise.http2 {
        request = request.header("host", server.addr.to_string());
    }
    for (name, value) in &promise.headers {
        request = request.header(name, value);
    }
    let body = http_body_util::Full::default();
    let request = request.body(body).expect("a request");
    if promise.http2 {
        server.http2(request).await.expect("an answer")
    } else {
        server.http1(request).await
    }
}

fn assert_kept(promise: &Promise, answer: &Response<Bytes>) {
    let (_, promised) = promise
        .text
        .split_once(": ")
        .expect("what it is: what it gives");
    let status = answer.status().as_u16().to_string();
    assert!(promised.starts_with(&status), "{promise:?}: {answer:?}");
    let body = String::from_utf8_lossy(answer.body());
    let headers = answer.headers();
    assert_eq!(
        headers.contains_key("access-control-allow-origin"),
        promised.contains("access-control-allow-origin"),
        "{promise:?}: {answer:?}"
    );
    assert_eq!(
        body.contains("csrf_refused"),
        promised.contains("csrf_refused"),
        "{promise:?}: {answer:?}"
    );
    if let Some((_, methods)) = promised.split_once("access-control-allow-methods: ") {
        assert_eq!(headers["access-control-allow-methods"], methods);
    }
    if let Some((_, allow)) = promised.split_once("allow: ") {
        assert_eq!(
            headers["allow"],
            allow.trim_end_matches(" from the handler")
        );
    }
    if let Some((_, who)) = promised.split_once("hello ") {
        assert_eq!(body, format!("hello {who}\n"));
    }
    if promised.contains("the head alone") {
        assert!(body.is_empty(), "{promise:?}: {answer:?}");
        assert_eq!(headers["content-type"], "application/problem+json");
    }
    if promised.contains("without a word") {
        assert!(body.is_empty());
        assert!(
            !headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control"))
        );
    }
}

#[tokio::test]
async fn every_curl_line_of_the_quickstart_gives_what_its_comment_says() {
    let server = Server::axum(quickstart::app().expect("it builds")).await;
    let promises = promises(QUICKSTART);
    assert_eq!(promises.len(), 6);
    for promise in promises {
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}

#[tokio::test]
async fn every_curl_line_of_the_hyper_service_gives_what_its_comment_says() {
    let server = Server::hyper(hyper_service::service().expect("it builds")).await;
    let promises = promises(HYPER_SERVICE);
    assert_eq!(promises.len(), 3);
    for promise in promises {
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}
