//! What Chromium blocks under the policies of `CspLayer`, and what it leaves to a benign page.
//!
//! Each attack is also made on the same page without a policy, where it has to succeed: otherwise it would prove nothing.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::time::timeout;
use tower_security::core::{RequestScheme, SchemeSource};
use tower_security::csp::{Csp, CspLayer, CspNonce};
use tower_security::{SecurityHeadersLayer, SecurityStack};

use crate::readme::csp_page;
use crate::support::browser::{Browser, DEADLINE};
use crate::support::wire::Server;

/// Waits until the page says that it is done, and returns its title.
const TITLE: &str = "\
    const wait = () => document.body && document.body.dataset.done ? done(document.title) : setTimeout(wait, 20);
    wait();";

/// Says that the page is done, when all that it loads has been loaded or refused and timers had their turn.
const DONE: &str = "<script nonce='{nonce}'>addEventListener('load', () => setTimeout(() => { document.body.dataset.done = 'yes' }, 300))</script>";

async fn title(browser: &Browser, url: &str) -> String {
    browser.open(url).await;
    let title = timeout(DEADLINE, browser.ask(TITLE, Vec::new()))
        .await
        .unwrap_or_else(|_| panic!("{url}: the page is never done"));
    title.as_str().expect("a title is text").to_owned()
}

/// A site of test pages; `{nonce}` in them is the nonce of the answer, `{query}` what the request says behind `?html=`.
fn pages(rows: &'static [(&'static str, &'static str)]) -> Router {
    let page = move |Path(name): Path<String>,
                     Query(query): Query<Vec<(String, String)>>,
                     parts: Parts| async move {
        let (_, html) = rows
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or(StatusCode::NOT_FOUND)?;
        let nonce = CspNonce::from_request_parts(&parts)
            .map(|nonce| nonce.to_string())
            .unwrap_or_default();
        let injected = query
            .into_iter()
            .find(|(key, _)| key == "html")
            .map(|(_, value)| value)
            .unwrap_or_default();
        let html = html
            .replace("{done}", DONE)
            .replace("{query}", &injected)
            .replace("{nonce}", &nonce);
        Ok::<_, StatusCode>(Html(format!(
            "<!doctype html><meta charset=utf-8><link rel=icon href=/own.svg><title>page</title><body>{html}"
        )))
    };
    Router::new()
        .route("/page/{name}", get(page))
        .route("/own.js", get(async || typed("text/javascript", "document.title += ' own'")))
        .route("/ran.js", get(async || typed("text/javascript", "document.title = 'ran'")))
        .route("/ran.txt", get(async || typed("text/plain", "document.title = 'ran'")))
        .route("/own.css", get(async || typed("text/css", "body { color: rgb(1, 2, 3) }")))
        .route("/own.svg", get(async || typed("image/svg+xml", SVG)))
        .route("/hostile.svg", get(async || typed("image/svg+xml", HOSTILE_SVG)))
        .route("/worker.js", get(async || typed("text/javascript", WORKER)))
        .route("/closed.js", get(async || ([(header::CONTENT_SECURITY_POLICY, "script-src 'none'")], typed("text/javascript", WORKER))))
        .route("/jsonp", get(async |Query(query): Query<Callback>| ([(header::CONTENT_TYPE, "text/javascript")], format!("{}({{}})", query.callback))))
        .route("/imported.js", get(async || typed("text/javascript", "self.imported = 'imported'")))
        .route("/data.json", get(async || typed("application/json", "{\"ok\":true}")))
        .route("/widget", get(async || Html("<title>ran</title><script>try { top.document.title = 'ran' } catch {}</script>")))
        .route("/form", post(async || Html("<title>ran</title><body data-done=yes>")))
}

/// What a JSONP endpoint lets anybody choose: code.
#[derive(serde::Deserialize)]
struct Callback {
    callback: String,
}

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9' height='9'/></svg>";
const HOSTILE_SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg'><title>page</title><script>document.querySelector('title').textContent = 'ran'</script></svg>";
const WORKER: &str = "\
    try { importScripts('/imported.js') } catch (error) { self.imported = String(error) }
    postMessage(self.imported);";

fn typed(content_type: &'static str, body: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type)], body)
}

/// The stack of a site of pages on plain HTTP.
fn strict(pages: Router) -> Router {
    let stack = SecurityStack::web().scheme(SchemeSource::Listener(RequestScheme::Http));
    pages.layer(stack)
}

async fn serve(router: Router) -> (Server, String) {
    let server = Server::axum(router).await;
    let origin = format!("http://127.0.0.1:{}", server.addr.port());
    (server, origin)
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn every_attack_of_the_example_runs_without_a_policy_and_is_blocked_with_one() {
    let (_server, origin) = serve(csp_page::app().expect("it is well configured")).await;
    let browser = Browser::start().await;
    for (name, _) in csp_page::ATTACKS {
        // Its target is written for the port of the example; below it is tried against a port that is there.
        if *name == "foreign-form" {
            continue;
        }
        let unprotected = title(&browser, &format!("{origin}/unprotected/{name}")).await;
        assert_eq!(unprotected, "ran", "{name}: the attack proves nothing");
        let protected = title(&browser, &format!("{origin}/attack/{name}")).await;
        assert_eq!(protected, "page", "{name}");
        let app = browser
            .ask("done(document.body.dataset.app)", Vec::new())
            .await;
        assert_eq!(app, "own", "{name}: the page's own script");
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_benign_page_works_and_the_console_is_empty() {
    const PAGES: &[(&str, &str)] = &[(
        "benign",
        "<style nonce='{nonce}'>p { color: rgb(4, 5, 6) }</style><link rel=stylesheet href=/own.css><p>text</p><img src=/own.svg>\
         <img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"/>'><script nonce='{nonce}' src=/own.js></script>\
         <form method=post action=/form></form>\
         <script nonce='{nonce}'>addEventListener('load', async () => {\
             const answer = await (await fetch('/data.json')).json();\
             const loaded = document.createElement('script');\
             loaded.src = '/own.js';\
             loaded.onload = () => { document.title += ` ${answer.ok}`; document.body.dataset.done = 'yes' };\
             document.body.append(loaded);\
         })</script>",
    )];
    let http = || SchemeSource::Listener(RequestScheme::Http);
    let rows = [
        (
            "web, strict",
            SecurityHeadersLayer::web(),
            CspLayer::strict(),
        ),
        (
            "web_compatible, compatible",
            SecurityHeadersLayer::web_compatible(),
            CspLayer::compatible(),
        ),
        (
            "web, strict with the legacy fallback",
            SecurityHeadersLayer::web(),
            {
                let policy = Csp::strict()
                    .legacy_fallback()
                    .build()
                    .expect("it is well configured");
                CspLayer::builder()
                    .enforce(policy)
                    .build()
                    .expect("it is well configured")
            },
        ),
    ];
    for (name, headers, csp) in rows {
        let stack = SecurityStack::new()
            .headers(headers)
            .csp(csp)
            .scheme(http());
        let (_server, origin) = serve(pages(PAGES).layer(stack)).await;
        let browser = Browser::start().await;
        let title = title(&browser, &format!("{origin}/page/benign")).await;
        assert_eq!(title, "page own own true", "{name}");
        let colours = "done([...document.querySelectorAll('body, p')].map(e => getComputedStyle(e).color).join(' '))";
        let colours = browser.ask(colours, Vec::new()).await;
        assert_eq!(colours, "rgb(1, 2, 3) rgb(4, 5, 6)", "{name}");
        assert_eq!(browser.console().await, [""; 0], "{name}");
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_page_without_inline_scripts_works_under_the_owasp_presets() {
    const PAGES: &[(&str, &str)] = &[(
        "external",
        "<link rel=stylesheet href=/own.css><img src=/own.svg><script src=/own.js></script><script src=/done.js></script>",
    )];
    const DONE_JS: &str = "addEventListener('load', () => { document.body.dataset.done = 'yes' })";
    let done = get(async || typed("text/javascript", DONE_JS));
    let stack = SecurityStack::new()
        .headers(SecurityHeadersLayer::owasp_2026())
        .csp(CspLayer::owasp_2026())
        .scheme(SchemeSource::Listener(RequestScheme::Http));
    let router = pages(PAGES).route("/done.js", done).layer(stack);
    let (_server, origin) = serve(router).await;
    let browser = Browser::start().await;
    let title = title(&browser, &format!("{origin}/page/external")).await;
    assert_eq!(title, "page own");
    // OWASP names features that this browser does not know on every system.
    let mut console = browser.console().await;
    console.retain(|line| !line.contains("Unrecognized feature"));
    assert_eq!(console, [""; 0]);
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_nonce_of_another_answer_is_worth_nothing() {
    const PAGES: &[(&str, &str)] = &[("echo", "{query}<p data-nonce={nonce}></p>{done}")];
    let (_server, origin) = serve(strict(pages(PAGES))).await;
    let browser = Browser::start().await;
    assert_eq!(
        title(&browser, &format!("{origin}/page/echo")).await,
        "page"
    );
    let old = browser
        .ask(
            "done(document.querySelector('p').dataset.nonce)",
            Vec::new(),
        )
        .await;
    let old = old.as_str().expect("the page shows its nonce").to_owned();
    assert_eq!(old.len(), 24);

    let with = |nonce: &str| {
        format!(
            "{origin}/page/echo?html=%3Cscript%20nonce='{nonce}'%3Edocument.title='ran'%3C/script%3E"
        )
    };
    assert_eq!(title(&browser, &with(&old)).await, "page");
    assert_eq!(
        title(&browser, &with("AAAAAAAAAAAAAAAAAAAAAAAA")).await,
        "page"
    );
    // The right one does run: the page writes its own nonce where the request says `{nonce}`.
    assert_eq!(title(&browser, &with("%7Bnonce%7D")).await, "ran");
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn what_a_form_a_document_and_a_worker_may_do() {
    const PAGES: &[(&str, &str)] = &[
        (
            "form",
            "<form method=post action='http://localhost:{query}/form'></form>{done}<script nonce='{nonce}'>addEventListener('load', () => document.forms[0].submit())</script>",
        ),
        (
            "sniff",
            "<script nonce='{nonce}' src=/ran.txt></script>{done}",
        ),
        (
            "jsonp",
            "<script src=\"/jsonp?callback=document.title='ran';String\"></script>{done}",
        ),
        (
            "worker",
            "<script nonce='{nonce}'>const worker = new Worker('/{query}.js'); worker.onmessage = event => { document.title = event.data; document.body.dataset.done = 'yes' }; worker.onerror = () => { document.title = 'no worker'; document.body.dataset.done = 'yes' }</script>",
        ),
    ];
    let (_server, origin) = serve(strict(pages(PAGES))).await;
    let (bare, bare_origin) = serve(pages(PAGES)).await;
    let port = bare.addr.port();
    let browser = Browser::start().await;

    let form = |origin: &str| format!("{origin}/page/form?html={port}");
    assert_eq!(title(&browser, &form(&bare_origin)).await, "ran");
    assert_eq!(title(&browser, &form(&origin)).await, "page");

    assert_eq!(
        title(&browser, &format!("{bare_origin}/page/sniff")).await,
        "ran"
    );
    assert_eq!(
        title(&browser, &format!("{origin}/page/sniff")).await,
        "page"
    );

    // A list of hosts would have allowed it: the endpoint is the page's own.
    let jsonp = |origin: &str| format!("{origin}/page/jsonp");
    assert_eq!(title(&browser, &jsonp(&bare_origin)).await, "ran");
    assert_eq!(title(&browser, &jsonp(&origin)).await, "page");

    // The policy of the worker's own answer lets it import from its own origin, or does not.
    let worker = |name: &str| format!("{origin}/page/worker?html={name}");
    assert_eq!(title(&browser, &worker("worker")).await, "imported");
    let closed = title(&browser, &worker("closed")).await;
    assert!(closed.starts_with("NetworkError"), "{closed}");

    let svg = "const title = document.querySelector('title'); done(title.textContent)";
    browser.open(&format!("{bare_origin}/hostile.svg")).await;
    assert_eq!(browser.ask(svg, Vec::new()).await, "ran");
    browser.open(&format!("{origin}/hostile.svg")).await;
    assert_eq!(browser.ask(svg, Vec::new()).await, "page");
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_page_cannot_be_framed() {
    const PAGES: &[(&str, &str)] = &[
        (
            "framed",
            "<script nonce='{nonce}'>parent.postMessage('framed', '*')</script>",
        ),
        ("outer", "<iframe></iframe>{done}"),
    ];
    const FRAME: &str = "\
        addEventListener('message', event => done(event.data));
        const frame = document.querySelector('iframe');
        frame.onload = () => setTimeout(() => done('empty'), 300);
        frame.src = given[0];";
    let (_server, origin) = serve(strict(pages(PAGES))).await;
    let (_bare, bare_origin) = serve(pages(PAGES)).await;
    let browser = Browser::start().await;
    title(&browser, &format!("{bare_origin}/page/outer")).await;
    let framed = |origin: &str| json!(format!("{origin}/page/framed"));
    assert_eq!(
        browser.ask(FRAME, vec![framed(&bare_origin)]).await,
        "framed"
    );
    assert_eq!(browser.ask(FRAME, vec![framed(&origin)]).await, "empty");
}

/// Answers a page once, and later says that it has not changed.
async fn revalidated(
    State(asked): State<Arc<Mutex<Vec<bool>>>>,
    nonce: CspNonce,
    headers: HeaderMap,
) -> Response {
    let has_it = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag == "\"1\"");
    asked.lock().unwrap().push(has_it);
    let caching = [(header::ETAG, "\"1\""), (header::CACHE_CONTROL, "no-cache")];
    if has_it {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let page = format!(
        "<!doctype html><link rel=icon href=data:,><title>page</title><body><script nonce='{nonce}'>document.title = 'own'; document.body.dataset.done = 'yes'</script>"
    );
    (caching, Html(page)).into_response()
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_page_that_has_not_changed_still_works() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let router = Router::new()
        .route("/", get(revalidated))
        .with_state(Arc::clone(&asked));
    let (_server, origin) = serve(strict(router)).await;
    let browser = Browser::start().await;
    assert_eq!(title(&browser, &format!("{origin}/")).await, "own");
    browser.reload().await;
    assert_eq!(browser.ask(TITLE, Vec::new()).await, "own");
    assert_eq!(*asked.lock().unwrap(), [false, true]);
    assert_eq!(browser.console().await, [""; 0]);
}
