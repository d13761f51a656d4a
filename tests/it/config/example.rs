//! What the header of the example says is what happens, before and after each change of the file.

use std::fs;
use std::path::PathBuf;

use crate::support::curl::{Promise, ask, promises};
use crate::support::wire::Server;

#[path = "../../../examples/config_file.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod config_file;

const EXAMPLE: &str = include_str!("../../../examples/config_file.rs");
const FILE: &str = include_str!("../../../examples/security.toml");

/// A copy of the file that is removed again.
struct Copy(PathBuf);

impl Copy {
    fn new() -> Self {
        let name = format!("tower-security-{}-security.toml", std::process::id());
        let copy = Self(std::env::temp_dir().join(name));
        copy.write(FILE, 0);
        copy
    }

    /// Writes at a time of its own: a test is faster than the clock of a file system.
    fn write(&self, text: &str, at: u64) {
        fs::write(&self.0, text).unwrap();
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000 + at);
        let file = fs::File::options().write(true).open(&self.0).unwrap();
        file.set_modified(written).unwrap();
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What the `sed` lines of the header do, in their order.
fn edits() -> Vec<Vec<(String, String)>> {
    let lines = EXAMPLE
        .lines()
        .filter_map(|line| line.strip_prefix("//! sed -i '"));
    lines
        .map(|line| {
            let (script, _) = line.split_once('\'').expect("the end of the script");
            let commands = script.split("; ").map(|command| {
                let command = command.replace("\\/", "\0");
                let parts: Vec<_> = command.split('/').collect();
                let [_, from, to, _] = parts[..] else {
                    panic!("{command}");
                };
                (from.to_owned(), to.replace('\0', "/"))
            });
            commands.collect()
        })
        .collect()
}

async fn assert_kept(server: &Server, promise: &Promise) {
    let answer = ask(server, promise).await;
    let body = std::str::from_utf8(answer.body()).unwrap();
    let (_, promised) = promise.text.split_once(": ").expect("what it gives");
    let status = answer.status().as_u16().to_string();
    assert!(promised.starts_with(&status), "{promise:?}: {answer:?}");
    match promised.split_once(", code ") {
        Some((_, code)) => assert!(body.contains(&format!("\"code\":\"{code}\"")), "{body}"),
        None => assert_eq!(format!("200 {}", body.trim_end()), promised),
    }
}

#[tokio::test]
async fn every_line_of_the_example_gives_what_its_comment_says() {
    let copy = Copy::new();
    let (router, stack) = config_file::app(&copy.0).expect("it builds");
    let mut watch = config_file::Watch::new(copy.0.clone(), &stack);
    let server = Server::axum(router).await;
    let promises = promises(EXAMPLE);
    assert_eq!(promises.len(), EXAMPLE.matches("//! curl ").count());
    let (first, rest) = promises.split_at(3);
    let (second, third) = rest.split_at(2);
    assert_eq!(third.len(), 1);

    for promise in first {
        assert_kept(&server, promise).await;
    }
    assert!(watch.look().is_none());

    let mut text = FILE.to_owned();
    let mut edited = Vec::new();
    for edit in edits() {
        for (from, to) in edit {
            assert!(text.contains(&from), "{from}");
            text = text.replace(&from, &to);
        }
        edited.push(text.clone());
    }
    copy.write(&edited[0], 1);
    watch.look().expect("it has changed").expect("it is sound");
    assert!(watch.look().is_none());
    for promise in second {
        assert_kept(&server, promise).await;
    }

    copy.write(&edited[1], 2);
    let errors = watch
        .look()
        .expect("it has changed")
        .unwrap_err()
        .to_string();
    let paths: Vec<_> = errors
        .lines()
        .filter_map(|line| line.split(": ").next())
        .collect();
    assert_eq!(paths, ["cors.origins[0]", "rate_limit.policies[0].quota"]);
    for promise in third {
        assert_kept(&server, promise).await;
    }

    // What is no TOML at all, or gone, changes nothing either.
    copy.write("[cors", 3);
    assert!(watch.look().expect("it has changed").is_err());
    fs::remove_file(&copy.0).unwrap();
    assert!(watch.look().is_none());
    assert_kept(&server, &third[0]).await;
}

#[test]
fn the_file_protects_what_it_says() {
    let (_, stack) = config_file::app(&PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/security.toml"
    )))
    .expect("it builds");
    let posture = stack.posture();
    let names: Vec<_> = posture
        .entries()
        .iter()
        .map(|entry| entry.protection())
        .collect();
    assert_eq!(
        names,
        [
            "context",
            "headers",
            "csp",
            "cors",
            "error_mask",
            "bans",
            "rate_limit",
            "limits",
            "csrf",
            "sanitize"
        ]
    );
    assert_eq!(posture.warnings(), ["https: absent"]);
}
