//! What Chromium does with the cookie of a session: login, renewal, logout.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_security::auth::AuthLayer;
use tower_security::auth::session::{MemorySessionStore, SessionAuth, SessionError};
use tower_security::core::{NoopSink, Principal};

use crate::support::browser::Browser;
use crate::support::tls::TlsServer;

type Answer = Response<Full<Bytes>>;

fn text(body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

fn with_cookie(line: Result<HeaderValue, SessionError>) -> Answer {
    let mut response = text("done");
    match line {
        Ok(line) => {
            response.headers_mut().append(SET_COOKIE, line);
        }
        Err(error) => *response.status_mut() = error.rejection().status(),
    }
    response
}

/// `/login`, `/renew` and `/logout` do so; `/echo` answers with the cookies that came; `/who` is behind the layer, and so is `/maybe`,
/// where nobody has to be logged in.
async fn answer<B>(sessions: Arc<SessionAuth>, request: Request<B>) -> Answer {
    let who = Principal::builder("alice").build();
    let layer = || {
        let builder = AuthLayer::builder().session((*sessions).clone());
        builder.events(NoopSink::new())
    };
    let protected = service_fn(async |request: Request<B>| {
        let who = Principal::from_extensions(request.extensions());
        let name = who.map_or("nobody", Principal::subject).to_owned();
        Ok::<_, Infallible>(text(name))
    });
    let headers = request.headers();
    match request.uri().path() {
        "/login" => with_cookie(sessions.login(headers, &who).await),
        "/renew" => with_cookie(sessions.renew(headers, &who).await),
        "/logout" => with_cookie(sessions.logout(headers).await),
        "/echo" => {
            let lines = headers.get_all(COOKIE).iter();
            let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
            text(lines.join("; "))
        }
        "/who" => {
            let service = layer().build().unwrap().layer(protected);
            ServiceExt::<Request<B>>::oneshot(service, request)
                .await
                .unwrap()
        }
        "/maybe" => {
            let service = layer().optional().build().unwrap().layer(protected);
            ServiceExt::<Request<B>>::oneshot(service, request)
                .await
                .unwrap()
        }
        _ => text("<!doctype html><title>page</title>"),
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_browser_logs_in_changes_its_id_and_logs_out() {
    let sessions = SessionAuth::builder(MemorySessionStore::new()).events(NoopSink::new());
    let sessions = Arc::new(sessions.build().unwrap());
    let shared = Arc::clone(&sessions);
    let service = service_fn(move |request| {
        let sessions = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(sessions, request).await) }
    });
    let server = TlsServer::start(service).await;
    let browser = Browser::start().await;
    let origin = server.origin("app.site.test");
    browser.open(&origin).await;
    let fetch = async |path: &str| {
        let answer = browser.fetch(&format!("{origin}{path}"), json!({})).await;
        let body = answer.body().expect("an answer").to_owned();
        (answer.status().unwrap(), body)
    };
    let status = u64::from(StatusCode::UNAUTHORIZED.as_u16());
    let cookie = async || fetch("/echo").await.1;
    assert_eq!(fetch("/who").await.0, status);
    assert_eq!(fetch("/maybe").await, (200, "nobody".to_owned()));

    fetch("/login").await;
    let first = cookie().await;
    assert!(first.starts_with("__Host-session="), "{first}");
    assert_eq!(fetch("/who").await, (200, "alice".to_owned()));
    let seen = browser.ask("done(document.cookie);", vec![]).await;
    assert_eq!(seen, json!(""), "no script reads it");

    fetch("/renew").await;
    let second = cookie().await;
    assert!(second.starts_with("__Host-session=") && second != first);
    assert!(!second.contains(';'), "in the place of the first: {second}");
    assert_eq!(fetch("/who").await, (200, "alice".to_owned()));
    assert_eq!(sessions.list("alice").await.unwrap().len(), 1);

    // A login over a session has another id too.
    fetch("/login").await;
    let third = cookie().await;
    assert!(third != second && third != first);
    assert_eq!(sessions.list("alice").await.unwrap().len(), 1);

    // A sibling cannot plant one.
    let evil = server.origin("evil.site.test");
    browser.open(&evil).await;
    let plant = "document.cookie = given[0]; done(document.cookie);";
    let planted = "__Host-session=planted; domain=site.test; path=/; secure";
    browser.ask(plant, vec![json!(planted)]).await;
    browser.open(&origin).await;
    assert_eq!(cookie().await, third);

    fetch("/logout").await;
    assert_eq!(cookie().await, "");
    assert_eq!(fetch("/who").await.0, status);
    assert!(sessions.list("alice").await.unwrap().is_empty());

    // Ended elsewhere: the refusal deletes the cookie, and the browser goes on as nobody.
    fetch("/login").await;
    sessions.revoke_subject("alice").await.unwrap();
    assert_eq!(fetch("/maybe").await.0, status);
    assert_eq!(cookie().await, "");
    assert_eq!(fetch("/maybe").await, (200, "nobody".to_owned()));
}
