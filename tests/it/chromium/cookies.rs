//! Which cookies Chromium takes: every one that the layer sends, and none that it drops.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, service_fn};
use tower_security::cookies::{CookieLayer, CookiePolicy, Hardened};

use crate::cookies::table::{Becomes, DELETIONS, STRICT};
use crate::support::browser::Browser;
use crate::support::tls::TlsServer;

/// Lines that are legal by the specification, which Chromium 156 refuses: a TAB inside of a name or a value.
const REFUSED_BY_CHROMIUM: &[&[u8]] = &[b"a=1\t2", b"a\tb=1"];

/// `/set?{number}` sends a line, and every path that ends in `/echo` answers with the cookies that came.
fn answer<B>(request: &Request<B>, lines: &[Vec<u8>]) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let mut body = "<!doctype html><title>cookies</title>".to_owned();
    let mut set = None;
    if path == "/set" {
        let number: usize = request.uri().query().unwrap().parse().unwrap();
        set = Some(HeaderValue::from_bytes(&lines[number]).unwrap());
    } else if path.ends_with("/echo") {
        let crumbs = request.headers().get_all(COOKIE).iter();
        let crumbs: Vec<_> = crumbs
            .map(|line| line.as_bytes().escape_ascii().to_string())
            .collect();
        body = crumbs.join("; ");
    }
    let mut response = Response::new(Full::from(body));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    if let Some(set) = set {
        response.headers_mut().append(SET_COOKIE, set);
    }
    response
}

/// A server with a site for every line, so that no cookie meets another.
struct Jar {
    server: TlsServer,
    browser: Browser,
    lines: Vec<Vec<u8>>,
}

impl Jar {
    async fn start(lines: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let lines: Vec<_> = lines
            .into_iter()
            .enumerate()
            .map(|(number, line)| {
                let site = format!("row{number}.test");
                replace(&line, b"site.test", site.as_bytes())
            })
            .collect();
        let sent = Arc::new(lines.clone());
        let service = service_fn(move |request| {
            let response = answer(&request, &sent);
            async { Ok::<_, Infallible>(response) }
        });
        Self {
            server: TlsServer::start(service).await,
            browser: Browser::start().await,
            lines,
        }
    }

    /// Has the page at a path of a site fetch lines, and returns the cookies that go back with a request, and those that a
    /// script sees.
    async fn set(&self, site: usize, path: &str, numbers: &[usize]) -> (Vec<String>, String) {
        let origin = self.server.origin(&format!("app.row{site}.test"));
        self.browser.open(&format!("{origin}{path}")).await;
        for number in numbers {
            let set = format!("{origin}/set?{number}");
            let set = self.browser.fetch(&set, json!({})).await;
            assert_eq!(set.status(), Some(200));
        }
        let echo = format!("{origin}{path}echo");
        let echo = self.browser.fetch(&echo, json!({})).await;
        let body = echo.body().expect("the page may read it");
        let sent = body
            .split("; ")
            .filter(|cookie| !cookie.is_empty())
            .map(str::to_owned)
            .collect();
        let seen = self.browser.ask("done(document.cookie);", vec![]).await;
        (sent, seen.as_str().expect("a text").to_owned())
    }
}

fn replace(line: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match line.windows(from.len()).position(|found| found == from) {
        Some(at) => [&line[..at], to, &line[at + from.len()..]].concat(),
        None => line.to_vec(),
    }
}

/// The cookie as a request carries it.
fn crumb(line: &[u8]) -> String {
    let pair = line.split(|byte| *byte == b';').next().unwrap();
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let (first, second) = (parts.next().unwrap(), parts.next());
    let trimmed = |text: &[u8]| text.trim_ascii().escape_ascii().to_string();
    match second {
        Some(value) if !first.trim_ascii().is_empty() => {
            format!("{}={}", trimmed(first), trimmed(value))
        }
        Some(value) => trimmed(value),
        None => trimmed(first),
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn every_line_that_is_sent_is_taken_and_none_that_is_dropped() {
    let policy = CookiePolicy::default();
    let many = [b"a=1".as_slice(), &b";".repeat(2_000)].concat();
    let long = [b"a=".as_slice(), &b"v".repeat(4_095)].concat();
    let too_long = [b"a=".as_slice(), &b"v".repeat(4_096)].concat();
    let mut rows: Vec<(Vec<u8>, bool)> = Vec::new();
    for row in STRICT {
        rows.push(match row.becomes {
            Becomes::Dropped(_) => (row.line.to_vec(), false),
            Becomes::Kept => (row.line.to_vec(), true),
            Becomes::This(line) => (line.to_vec(), true),
        });
    }
    for (line, is_taken) in [(many, true), (long, true), (too_long, false)] {
        match policy.harden(&HeaderValue::from_bytes(&line).unwrap()) {
            Hardened::Changed(changed) if is_taken => {
                rows.push((changed.as_bytes().to_vec(), true))
            }
            Hardened::Dropped(_) if !is_taken => rows.push((line, false)),
            other => panic!("{other:?}"),
        }
    }
    for line in REFUSED_BY_CHROMIUM {
        let line = HeaderValue::from_bytes(line).unwrap();
        let Hardened::Changed(changed) = policy.harden(&line) else {
            panic!("the specification does not refuse {line:?}");
        };
        rows.push((changed.as_bytes().to_vec(), false));
    }

    let jar = Jar::start(rows.iter().map(|(line, _)| line.clone())).await;
    let mut wrong = Vec::new();
    for (number, (line, is_taken)) in rows.iter().enumerate() {
        let line = line.escape_ascii().to_string();
        let is_below_z = line.contains("=/z");
        let path = if is_below_z { "/z/" } else { "/" };
        let (sent, seen) = jar.set(number, path, &[number]).await;
        let expected = if *is_taken {
            vec![crumb(&jar.lines[number])]
        } else {
            Vec::new()
        };
        println!("{line:.80} -> {:.80}", sent.join("; "));
        // What is sent is `HttpOnly`, whatever else stands in the line.
        if sent != expected || !seen.is_empty() {
            wrong.push(format!("{line:.200}: sent {sent:?}, seen {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_deletion_finds_its_cookie() {
    let policy = CookiePolicy::default();
    let mut lines = Vec::new();
    for row in DELETIONS {
        let Becomes::This(deletion) = row.becomes else {
            continue;
        };
        let name = crumb(deletion);
        let set = HeaderValue::from_str(&format!("{name}1")).unwrap();
        let Hardened::Changed(set) = policy.harden(&set) else {
            panic!("it lacks its attributes");
        };
        lines.extend([set.as_bytes().to_vec(), deletion.to_vec()]);
    }
    assert_eq!(lines.len(), 6);
    let jar = Jar::start(lines.clone()).await;
    for number in (0..lines.len()).step_by(2) {
        let (sent, _) = jar.set(number, "/", &[number]).await;
        assert_eq!(sent, [crumb(&lines[number])]);
        let (sent, _) = jar.set(number, "/", &[number + 1]).await;
        assert_eq!(sent, [""; 0], "{}", lines[number + 1].escape_ascii());
    }
}

/// A sibling host plants cookies for the whole site, under every name that a reader of cookies may take for the session.
#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_sibling_cannot_plant_a_session() {
    const PLANT: &str = "\
        for (const pair of given) document.cookie = `${pair}; domain=site.test; path=/; secure`;
        done(document.cookie);";
    let planted = [
        "session=planted",
        "sess%69on=planted",
        "%73ession=planted",
        "%5f_Host-session=planted",
        "session%20=planted",
        "\"session\"=planted",
        "__Host-session=planted",
        "__host-session=planted",
        "=__Host-session=planted",
        "=session=planted",
        "session",
        "other=1",
    ];
    let lines = [b"session=real; Domain=site.test".to_vec()];
    let handler = service_fn(move |request| {
        let response = answer(&request, &lines);
        async { Ok::<_, Infallible>(response) }
    });
    let layer = CookieLayer::builder().host_prefix(["session"]).build();
    let protected = TlsServer::start(layer.unwrap().layer(handler.clone())).await;
    let unprotected = TlsServer::start(handler).await;

    for (server, is_protected) in [(protected, true), (unprotected, false)] {
        let browser = Browser::start().await;
        let (app, evil) = (
            server.origin("app.site.test"),
            server.origin("evil.site.test"),
        );
        browser.open(&app).await;
        browser.fetch(&format!("{app}/set?0"), json!({})).await;
        browser.open(&evil).await;
        browser
            .ask(PLANT, planted.map(|pair| json!(pair)).to_vec())
            .await;
        browser.open(&app).await;
        let echo = browser.fetch(&format!("{app}/echo"), json!({})).await;
        let mut sent: Vec<_> = echo.body().expect("an answer").split("; ").collect();
        println!("{sent:?}");
        sent.sort_unstable();
        if is_protected {
            assert_eq!(sent, ["other=1", "session=real"]);
        } else {
            assert!(sent.contains(&"session=planted"), "{sent:?}");
            assert!(sent.contains(&"sess%69on=planted"), "{sent:?}");
        }
    }
}
