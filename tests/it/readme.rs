//! What README and the examples say is what happens.

use std::fs;

use bytes::Bytes;
use http::Response;

use crate::support::curl::{Promise, ask, promises};
use crate::support::tree;
use crate::support::wire::Server;

#[cfg(all(feature = "csp-report", feature = "limits", feature = "sanitize"))]
#[path = "../../examples/csp_page.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
pub(crate) mod csp_page;

#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
#[path = "../../examples/hyper_service.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod hyper_service;

#[cfg(all(feature = "limits", feature = "sanitize"))]
#[path = "../../examples/own_layer.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod own_layer;

#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
#[path = "../../examples/quickstart.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod quickstart;

#[path = "../../examples/security_headers.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod security_headers;

#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
#[path = "../../examples/sessions.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod sessions;

#[cfg(all(feature = "csp-report", feature = "limits", feature = "sanitize"))]
const CSP_PAGE: &str = include_str!("../../examples/csp_page.rs");
#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
const HYPER_SERVICE: &str = include_str!("../../examples/hyper_service.rs");
#[cfg(all(feature = "limits", feature = "sanitize"))]
const OWN_LAYER: &str = include_str!("../../examples/own_layer.rs");
const QUICKSTART: &str = include_str!("../../examples/quickstart.rs");
const SECURITY_HEADERS: &str = include_str!("../../examples/security_headers.rs");
#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
const SESSIONS: &str = include_str!("../../examples/sessions.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_quickstart_of_the_readme_is_the_example() {
    let (_, code) = QUICKSTART.split_once("\n\n").expect("a header, then code");
    assert!(README.contains(code));
    let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(README.contains(&format!("These {lines} lines are `examples/quickstart.rs`")));
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

/// The targets of the links in a cell of a table.
fn targets(cell: &str) -> Vec<&str> {
    let rest = cell.split("](").skip(1);
    rest.filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn every_answer_links_to_its_room_and_its_proof() {
    let readme = tree::read("README.md");
    let (_, table) = readme
        .split_once("\n| attack | answer | proof |\n|---|---|---|\n")
        .expect("the table");
    let (table, _) = table.split_once("\n\n").expect("its end");
    let mut left_to_others = Vec::new();
    for row in table.lines() {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let [attack, answer, proof] = cells[..] else {
            panic!("three cells: {row}");
        };
        for target in targets(answer).into_iter().chain(targets(proof)) {
            assert!(tree::root().join(target).exists(), "{attack}: {target}");
        }
        if answer.contains("duty") {
            left_to_others.push(attack.trim());
            continue;
        }
        let is_room = |target: &&str| {
            target.starts_with("src/") && target.ends_with(".md") || target.ends_with("/mod.rs")
        };
        assert!(targets(answer).iter().any(is_room), "{attack}: its room");
        let is_test = |target: &&str| target.contains("test") && target.ends_with(".rs");
        assert!(targets(proof).iter().any(is_test), "{attack}: its proof");
    }
    assert_eq!(
        left_to_others,
        [
            "known holes in dependencies (CWE-1395)",
            "floods of packets and connections, slow headers, old versions of TLS"
        ]
    );
    assert!(table.contains("\n| SQL injection (CWE-89) |"));
}

#[test]
fn the_picture_of_costs_has_the_numbers_of_the_table() {
    let readme = tree::read("README.md");
    let script = tree::read("src/manual/costs.py");
    let picture = tree::read("src/manual/costs.svg");
    let labels: Vec<_> = script
        .lines()
        .filter_map(|line| line.strip_prefix("    (\"")?.split('"').next())
        .collect();
    assert!(labels.len() > 10, "{labels:?}");
    let is_pair = |line: &&str| {
        let (_, rest) = line.split_once(" to ").unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    let mut drawn = picture.lines().filter(is_pair);
    for label in labels {
        let row = readme
            .lines()
            .find_map(|line| line.strip_prefix(&format!("| {label} | ")));
        let row = row.unwrap_or_else(|| panic!("{label}: not in the table"));
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let instructions = |cell: &str| cell.split_once(", ").expect("two numbers").1.to_owned();
        let text = format!(
            ">{} to {}</text>",
            instructions(cells[1]),
            instructions(cells[0])
        );
        let line = drawn.next().unwrap_or_default();
        assert!(line.contains(&text), "{label}: {text}; {line}");
        assert!(
            picture.contains(&format!(">{}</text>", cells[2])),
            "{label}"
        );
    }
    assert_eq!(drawn.next(), None);
}

/// The benches, and how their rows begin in the README's table of costs.
const BENCHES: [(&str, &[&str]); 10] = [
    ("cors", &["CORS: "]),
    ("csrf", &["CSRF: "]),
    ("headers", &["headers: "]),
    ("csp", &["CSP: "]),
    ("https", &["HTTPS: "]),
    ("cookies", &["cookies: "]),
    ("stack", &["both: ", "preset: "]),
    ("rate_limit", &["limits: ", "bans: "]),
    ("rate_store", &["store: "]),
    ("limits", &["sizes and times: "]),
];

/// Returns the instructions in the README's table of costs, row by row: the rival's and ours.
fn costs_of_the_readme(starts: &[&str]) -> Vec<[String; 2]> {
    let instructions = |cell: &str| {
        let (_, count) = cell.split_once(", ").expect("allocations, instructions");
        count.trim().replace(',', "")
    };
    README
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter(|line| starts.iter().any(|start| line.starts_with(start)))
        .map(|line| {
            let cells: Vec<_> = line.split('|').collect();
            [instructions(cells[1]), instructions(cells[2])]
        })
        .collect()
}

/// Returns what a bench has stored, less the rows that have no rival and those behind axum, if there are others.
fn stored_costs(bench: &str) -> Vec<[String; 2]> {
    let text = tree::read(&format!("benches/instructions/{bench}.tsv"));
    // A middleware written by hand is one of axum's.
    let is_wanted = |line: &&str| bench == "https" || !line.starts_with("axum: ");
    let mut costs = Vec::new();
    // The group, and its first row.
    let (mut current, mut rival) = ("", None);
    for line in text.lines().filter(is_wanted) {
        let [group, row, count] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}");
        };
        if group != current {
            (current, rival) = (group, None);
        }
        if row.starts_with("tower-security") {
            costs.extend(rival.map(|rival: &str| [rival.to_owned(), count.to_owned()]));
        } else {
            rival = rival.or(Some(count));
        }
    }
    costs
}

#[test]
fn the_costs_in_the_readme_are_all_that_the_benches_have_stored() {
    for (bench, starts) in BENCHES {
        let stored = stored_costs(bench);
        assert!(stored.len() > 1, "{bench}: {stored:?}");
        assert_eq!(costs_of_the_readme(starts), stored, "{bench}");
    }
}

#[test]
fn the_readme_has_a_row_of_each_request_to_a_full_stack() {
    let stored = tree::read("benches/instructions/stack.tsv");
    let mut groups: Vec<_> = stored
        .lines()
        .filter_map(|line| line.strip_prefix("axum: full stack, "))
        .filter_map(|line| line.split('\t').next())
        .collect();
    groups.dedup();
    let rows: Vec<_> = README
        .lines()
        .filter_map(|line| line.strip_prefix("| full stack: "))
        .filter(|row| !row.starts_with("the same"))
        .collect();
    assert_eq!(groups.len(), rows.len(), "{groups:?}, {rows:?}");
    for (group, row) in groups.iter().zip(&rows) {
        assert!(row.starts_with(group), "{group}: {row}");
    }
}
#[expect(clippy::too_many_lines, reason = "a list of what a promise can say")]
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
    for code in [
        "authentication_required",
        "authentication_unavailable",
        "authorization_unavailable",
        "credentials_ambiguous",
        "csrf_refused",
        "forbidden",
        "login_failed",
        "not_found",
        "path_dot_segment",
        "rate_limited",
        "session_invalid",
        "stronger_authentication",
        "token_invalid",
    ] {
        assert_eq!(
            body.contains(code),
            promised.contains(code),
            "{promise:?}: {answer:?}"
        );
    }
    for (name, value) in headers {
        // Where the comment names a value, it is the whole value.
        let told = promised.split_once(&format!("{name}: "));
        let value = value.to_str().expect("it is ASCII");
        let told = told.map(|(_, told)| told.starts_with(value));
        assert_ne!(told, Some(false), "{promise:?}: {answer:?}");
    }
    assert_eq!(
        headers.contains_key("retry-after"),
        promised.contains("retry-after"),
        "{promise:?}: {answer:?}"
    );
    for name in [
        "cache-control",
        "clear-site-data",
        "content-security-policy",
        "server",
        "x-content-type-options",
        "x-frame-options",
    ] {
        if promised.contains(&format!("no {name}")) {
            assert!(!headers.contains_key(name), "{promise:?}: {answer:?}");
        } else if promised.contains(name) {
            assert!(headers.contains_key(name), "{promise:?}: {answer:?}");
        }
    }
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
    if promised.contains("as problem+json") {
        assert_eq!(headers["content-type"], "application/problem+json");
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

#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
#[tokio::test]
async fn every_curl_line_of_the_quickstart_gives_what_its_comment_says() {
    let (keys, issued) = key_of_alice().await;
    let server = Server::axum(quickstart::app(keys).expect("it builds")).await;
    let promises = promises(QUICKSTART);
    assert_eq!(promises.len(), 9);
    for mut promise in promises {
        fill(&mut promise, &issued);
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}

#[cfg(all(feature = "limits", feature = "sanitize"))]
#[tokio::test]
async fn every_curl_line_of_the_own_layer_gives_what_its_comment_says() {
    let server = Server::axum(own_layer::app().expect("it builds")).await;
    let promises = promises(OWN_LAYER);
    assert_eq!(promises.len(), 17);
    for promise in promises {
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}

#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
#[tokio::test]
async fn every_curl_line_of_the_hyper_service_gives_what_its_comment_says() {
    let (keys, issued) = key_of_alice().await;
    let server = Server::hyper(hyper_service::service(keys).expect("it builds")).await;
    let promises = promises(HYPER_SERVICE);
    assert_eq!(promises.len(), 8);
    for mut promise in promises {
        fill(&mut promise, &issued);
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}

/// Keys of a service, and one of alice's.
#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
async fn key_of_alice() -> (tower_security::auth::api_key::ApiKeyAuth, String) {
    use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
    use tower_security::core::Principal;

    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build();
    let keys = keys.expect("it builds");
    let alice = Principal::builder("alice").scopes(["orders:read"]).build();
    let issued = keys.issue(&alice, None).await.expect("it is stored");
    (keys, issued.key().expose().clone())
}

/// What the shell does with `$KEY`.
#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
fn fill(promise: &mut Promise, key: &str) {
    for (_, value) in &mut promise.headers {
        *value = value.replace("$KEY", key);
    }
}

#[cfg(all(feature = "csp-report", feature = "limits", feature = "sanitize"))]
#[tokio::test]
async fn every_curl_line_of_the_csp_page_gives_what_its_comment_says() {
    let server = Server::axum(csp_page::app().expect("it builds")).await;
    let promises = promises(CSP_PAGE);
    assert_eq!(promises.len(), 4);
    for promise in promises {
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}

#[tokio::test]
async fn every_curl_line_of_the_security_headers_gives_what_its_comment_says() {
    let server = Server::axum(security_headers::app().expect("it builds")).await;
    let promises = promises(SECURITY_HEADERS);
    assert_eq!(promises.len(), 5);
    for promise in promises {
        assert_kept(&promise, &ask(&server, &promise).await);
    }
}

#[cfg(all(feature = "limits", feature = "opaque-tokens", feature = "sanitize"))]
#[tokio::test]
async fn every_curl_line_of_the_sessions_gives_what_its_comment_says() {
    use http::header::SET_COOKIE;

    let server = Server::axum(sessions::app().expect("it builds")).await;
    let promises = promises(SESSIONS);
    assert_eq!(promises.len(), 14);
    let mut jar = std::collections::BTreeMap::<String, String>::new();
    let mut kept = None::<(String, String)>;
    for mut promise in promises {
        if let Some((name, value)) = &kept {
            for (_, header) in &mut promise.headers {
                *header = header.replace(&format!("${name}"), value);
            }
        }
        if promise.jar[0] {
            let cookies: Vec<_> = jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let line = ("cookie".to_owned(), cookies.join("; "));
            promise.headers.push(line);
        }
        let answer = ask(&server, &promise).await;
        if promise.jar[1] {
            for line in answer.headers().get_all(SET_COOKIE) {
                let (pair, _) = line.to_str().unwrap().split_once(';').expect("attributes");
                let (name, value) = pair.split_once('=').expect("a pair");
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = String::from_utf8(answer.body().to_vec()).expect("it is text");
        if let Some(name) = promise.kept_as.take() {
            assert_eq!(answer.status(), 200, "{promise:?}: {answer:?}");
            kept = Some((name, body));
            continue;
        }
        assert_kept(&promise, &answer);
        if let Some((_, said)) = promise.text.split_once(": 200 ") {
            assert_eq!(body, format!("{said}\n"), "{promise:?}");
        }
    }
    let (name, key) = kept.expect("one was issued");
    assert!(name == "KEY" && key.starts_with("shop_"), "{name}");
}
