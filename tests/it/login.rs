//! A whole login: what the example says is what happens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_security::core::{EventName, ManualClock, Outcome, SecurityEvent};
use tower_security::stack::SecurityStack;

#[path = "../../examples/login.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example: its `main` listens on a fixed port"
)]
mod example;

const EXAMPLE: &str = include_str!("../../examples/login.rs");

/// A command of the header, and the comment above it.
struct Command {
    text: &'static str,
    sleeps: Duration,
    /// The variables that take the words of the answer.
    variables: Vec<&'static str>,
    method: &'static str,
    path: &'static str,
    authorization: Option<&'static str>,
    data: &'static str,
}

/// Returns what stands between `before` and the quote that follows it.
fn quoted(command: &'static str, before: &str) -> Option<&'static str> {
    let (_, rest) = command.split_once(before)?;
    let quote = rest.chars().next()?;
    rest[1..].split(quote).next()
}

fn command((text, line): (&'static str, &'static str)) -> Command {
    let (sleeps, line) = match line.strip_prefix("sleep ") {
        Some(rest) => {
            let (seconds, line) = rest.split_once("; ").expect("a command behind it");
            let seconds = seconds.parse().expect("a number of seconds");
            (Duration::from_secs(seconds), line)
        }
        None => (Duration::ZERO, line),
    };
    let (variables, curl) = if let Some(rest) = line.strip_prefix("read -r ") {
        let (names, curl) = rest.split_once(" < <(").expect("a command to read from");
        (names.split(' ').collect(), curl)
    } else if let Some((name, curl)) = line.split_once("=$(") {
        (vec![name], curl)
    } else {
        (Vec::new(), line)
    };
    assert!(curl.starts_with("curl -"), "{curl}");
    let (_, path) = curl.split_once("127.0.0.1:3009").expect("a URL");
    Command {
        text,
        sleeps,
        variables,
        method: if curl.contains("-X POST") {
            "POST"
        } else {
            "GET"
        },
        path: path.split([' ', ')']).next().expect("a path"),
        authorization: quoted(curl, "-H ").map(|header| {
            let (_, value) = header.split_once(": ").expect("a header");
            value
        }),
        data: quoted(curl, "-d ").unwrap_or_default(),
    }
}

fn commands() -> Vec<Command> {
    let lines: Vec<_> = EXAMPLE
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    let pairs = lines.windows(2);
    let pairs = pairs.filter_map(|pair| Some((pair[0].strip_prefix("# ")?, pair[1])));
    pairs.map(command).collect()
}

async fn go(app: &Router, command: &Command, variables: &HashMap<&str, String>) -> Response<Bytes> {
    let filled = |text: &str| {
        let mut text = text.to_owned();
        for (name, value) in variables {
            text = text.replace(&format!("${name}"), value);
        }
        assert!(!text.contains('$'), "{text}");
        text
    };
    let mut request = Request::builder().method(command.method).uri(command.path);
    if let Some(value) = command.authorization {
        request = request.header("authorization", filled(value));
    }
    let request = request.body(Body::from(filled(command.data))).unwrap();
    let answer = ServiceExt::<Request<Body>>::oneshot(app.clone(), request);
    let (head, body) = answer.await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn every_line_of_the_example_gives_what_its_comment_says() {
    let clock = ManualClock::new();
    let app = example::app(clock.clone()).await.unwrap();
    let commands = commands();
    assert_eq!(commands.len(), 21);
    assert_eq!(EXAMPLE.matches("curl -").count(), 21);
    let mut variables = HashMap::new();
    for command in commands {
        let text = command.text;
        clock.advance(command.sleeps);
        let answer = go(&app, &command, &variables).await;
        let body = std::str::from_utf8(answer.body()).unwrap();
        if !command.variables.is_empty() {
            assert_eq!(answer.status(), 200, "{text}: {body}");
            let words: Vec<_> = body.split_whitespace().collect();
            assert_eq!(words.len(), command.variables.len(), "{text}: {body}");
            for (name, word) in command.variables.into_iter().zip(words) {
                variables.insert(name, word.to_owned());
            }
            continue;
        }
        let (_, promised) = text.rsplit_once(": ").unwrap();
        let (status, rest) = promised.split_at(3);
        assert_eq!(answer.status().as_str(), status, "{text}: {body}");
        assert!(body.contains(rest.trim()), "{text}: {body}");
        if !answer.status().is_success() {
            assert_eq!(answer.headers()["cache-control"], "no-store", "{text}");
        }
    }
}

/// Password and code are asked for at once, so that an answer that differs would tell whose password was right.
#[tokio::test]
async fn nobody_is_told_whether_it_was_the_password_or_the_code() {
    let app = example::app(ManualClock::new()).await.unwrap();
    let mut answers = Vec::new();
    for data in [
        "alice&correct horse&12345",
        "nobody&correct horse&12345",
        "alice&correct horse battery&12345",
        "alice&correct horse battery&0123-4567-89AB-CDEF",
    ] {
        let request = Request::post("/login").body(Body::from(data)).unwrap();
        let answer = ServiceExt::<Request<Body>>::oneshot(app.clone(), request).await;
        let (head, body) = answer.unwrap().into_parts();
        assert_eq!(head.status, 401, "{data}");
        let body = body.collect().await.unwrap().to_bytes();
        answers.push((head.headers, body));
    }
    for answer in &answers {
        assert_eq!(*answer, answers[0]);
    }
}

/// Who tries a stolen password often enough is not told by the attempts of the code that it is the right one.
#[tokio::test]
async fn no_number_of_attempts_tells_whether_the_password_was_right() {
    let mut answers = Vec::new();
    for data in [
        "alice&correct horse&000000",
        "alice&correct horse battery&000000",
    ] {
        let clock = ManualClock::new();
        let app = example::app(clock.clone()).await.unwrap();
        let command = Command {
            text: "a guess",
            sleeps: Duration::ZERO,
            variables: Vec::new(),
            method: "POST",
            path: "/login",
            authorization: None,
            data,
        };
        for _ in 0..8 {
            // Within the window of the codes, and no sooner than the throttle of logins permits.
            clock.advance(Duration::from_secs(20));
            let answer = go(&app, &command, &HashMap::new()).await;
            answers.push((
                answer.status(),
                answer.headers().clone(),
                answer.into_body(),
            ));
        }
    }
    assert!(answers.iter().all(|answer| answer.0 == 401), "{answers:?}");
    let (wrong, right) = answers.split_at(8);
    assert_eq!(wrong, right);
}

async fn post(app: &Router, path: &str, token: Option<&str>, data: String) -> (StatusCode, String) {
    let mut request = Request::post(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(data)).unwrap();
    let answer = ServiceExt::<Request<Body>>::oneshot(app.clone(), request);
    let (head, body) = answer.await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, String::from_utf8(body.to_vec()).unwrap())
}

/// What the app on the phone shows now.
async fn phone(app: &Router) -> String {
    let request = Request::get("/phone").body(Body::empty()).unwrap();
    let answer = ServiceExt::<Request<Body>>::oneshot(app.clone(), request);
    let body = answer.await.unwrap().into_body();
    let code = body.collect().await.unwrap().to_bytes();
    String::from_utf8(code.to_vec()).unwrap()
}

/// Apps show a blank in the middle, and some people type it.
#[tokio::test]
async fn a_code_of_the_phone_is_one_however_it_is_typed() {
    for sign in [" ", "-"] {
        let app = example::app(ManualClock::new()).await.unwrap();
        let mut code = phone(&app).await;
        assert_eq!(code.len(), 6);
        code.insert_str(3, sign);
        let data = format!("alice&correct horse battery&{code}");
        assert_eq!(post(&app, "/login", None, data).await.0, 200, "{sign:?}");
    }
}

/// The change, by the handler's own event, and what was done for it.
#[tokio::test]
async fn a_password_that_was_changed_is_told_of() {
    type Told = (EventName, Outcome, Option<String>, bool);
    let told: Arc<Mutex<Vec<Told>>> = Arc::default();
    let log = Arc::clone(&told);
    let stack = SecurityStack::new().events(move |event: &SecurityEvent<'_>| {
        let principal = event.principal.as_deref().map(str::to_owned);
        let is_of_request = event.request_id.is_some();
        let line = (event.name, event.outcome, principal, is_of_request);
        log.lock().unwrap().push(line);
    });
    let app = example::app(ManualClock::new()).await.unwrap().layer(stack);
    let data = format!("alice&correct horse battery&{}", phone(&app).await);
    let (status, tokens) = post(&app, "/login", None, data).await;
    assert_eq!(status, 200, "{tokens}");
    let access = tokens.split_whitespace().next();
    let change = async |data: &str| {
        told.lock().unwrap().clear();
        let (status, _) = post(&app, "/password", access, data.to_owned()).await;
        let is_change = |told: &&Told| told.0 == EventName::AuthnPasswordChange;
        let told = told.lock().unwrap();
        let changes: Vec<_> = told.iter().filter(is_change).cloned().collect();
        (status.as_u16(), changes)
    };
    let refused = change("correct horse battery&password123").await;
    assert_eq!(refused, (422, vec![]));
    let (name, alice) = (EventName::AuthnPasswordChange, Some("alice".to_owned()));
    let stored = change("correct horse battery&nine purple otters").await;
    assert_eq!(stored, (204, vec![(name, Outcome::Success, alice, true)]));
}
