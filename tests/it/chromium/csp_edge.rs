//! What Chromium runs by the hashes of a page, and what it reports.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::HeaderName;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;
use tower_security::SecurityHeadersLayer;
use tower_security::csp::report::{BrowserReport, CspReportLayer, Disposition, ReportKind};
use tower_security::csp::{Csp, CspHashes, CspHashesBuilder, CspLayer};

use crate::support::browser::{Browser, DEADLINE};
use crate::support::wire::Server;

/// Each script adds its name to `ran`.
const PAGE: &str = "<!doctype html>\n<html><head><title>page</title><link rel=icon href=data:,>\n\
    <script>\r\nwindow.ran = ['crlf'];\r\n</script>\n\
    <script type=importmap>{\"imports\": {}}</script>\n\
    <script type=module>ran.push('module')</script>\n\
    <script type=' Text/JavaScript '>ran.push('type')</script>\n\
    <script type=text/plain>ran.push('data block')</script>\n\
    <script><!-- a comment\nran.push('open comment');\n</script>\n\
    <script>ran.push('escaped'); // <!-- <script> </script> -->\n</script>\n\
    <script src=/external.js integrity=sha384-pz/CSY9Grkpixoyzep7sDiHn9auHbw0a5ExJ3y1zncJKCJHWByL9DsVlyXcR6aZK></script>\n\
    <style>p > b { color: red }</style><style id=empty></style>\n\
    <style type=text/css media=print>p { color: blue }</style>\n\
    <noscript><style>p { color: green }</style></noscript>\n</head><body>\n\
    <svg><style>g &gt; a { fill: red }</style><script>if (0 &lt; 1) ran.push('svg')</script></svg>\n\
    <svg><script><![CDATA[ran.push('cdata')]]></script></svg>\n\
    <svg><foreignObject><script>ran.push('foreign object')</script></foreignObject></svg>\n\
    <math><mi><script>ran.push('integration point')</script></mi><script>ran.push('mathml')</script></math>\n\
    <table><tr><script>ran.push('table')</script></table>\n\
    <div><template shadowrootmode=open><style>p { margin: 1px }</style><script>ran.push('shadow')</script></template></div>\n\
    <template id=t><script>ran.push('template')</script></template>\n\
    <iframe srcdoc=\"<style>p {}</style><script>parent.ran.push('frame')</script>\"></iframe>\n\
    <!-- <script>ran.push('comment')</script> -->\n\
    <script>document.body.append(document.getElementById('t').content.cloneNode(true))</script>\n\
    <script>document.getElementById('empty').sheet.insertRule('p {}')</script>\n\
    <script>ran.push('unfinished')";

fn expected() -> Value {
    json!([
        "cdata",
        "crlf",
        "escaped",
        "external",
        "foreign object",
        "frame",
        "integration point",
        "module",
        "open comment",
        "shadow",
        "svg",
        "table",
        "template",
        "type",
    ])
}

/// Serves pages at `/`, `/1` and on, with one policy, and takes reports.
async fn serve(pages: &[&str], hashes: &CspHashes, reports: CspReportLayer) -> Server {
    let policy = Csp::spa(hashes.scripts())
        .add_style_src(hashes.styles())
        .upgrade_insecure_requests(false)
        .build()
        .unwrap();
    let policy = format!("{}; report-uri {}", policy.to_template(), reports.path());
    let mut router = Router::new().route("/external.js", get(external));
    for (number, page) in pages.iter().enumerate() {
        let path = match number {
            0 => "/".to_owned(),
            number => format!("/{number}"),
        };
        let served = get(page_of).with_state(((*page).to_owned(), policy.clone()));
        router = router.route(&path, served);
    }
    Server::axum(router.layer(reports)).await
}

async fn page_of(State((page, policy)): State<(String, String)>) -> impl IntoResponse {
    let name = HeaderName::from_static("content-security-policy");
    ([(name, policy)], Html(page))
}

async fn external() -> impl IntoResponse {
    let name = HeaderName::from_static("content-type");
    ([(name, "text/javascript")], "ran.push('external')")
}

fn reports() -> CspReportLayer {
    CspReportLayer::at("/csp-report").unwrap()
}

/// What ran, once the page is loaded.
async fn ran(browser: &Browser) -> Value {
    browser.ask("done([...ran].sort())", Vec::new()).await
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn every_script_of_the_page_runs_and_none_that_was_added() {
    let hashes = CspHashes::from_html(PAGE).unwrap();
    let injected = PAGE.replace(
        "<body>",
        "<body><script>ran.push('evil')</script><img src=x onerror=\"ran.push('evil')\"><svg onload=\"ran.push('evil')\"></svg>\
         <script src=data:text/javascript,ran.push('evil')></script><p style='color: red' id=styled>",
    );
    let layer = reports();
    let server = serve(&[PAGE, &injected], &hashes, layer.clone()).await;
    let browser = Browser::start().await;

    browser.open(&format!("http://{}/", server.addr)).await;
    assert_eq!(ran(&browser).await, expected());
    let console = browser.console().await;
    assert_eq!(console, [""; 0], "no word of a violation");

    browser.open(&format!("http://{}/1", server.addr)).await;
    assert_eq!(ran(&browser).await, expected());
    let console = browser.console().await;
    assert!(
        console
            .iter()
            .any(|line| line.contains("Content Security Policy"))
    );
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn attributes_run_by_unsafe_hashes() {
    let page = "<!doctype html><link rel=icon href=data:,><script>window.ran = []</script>\
        <button onclick=\"ran.push(&quot;handler&quot;)\">x</button><a href=' JavaScript:void(ran.push(\"address\"))'>x</a>\
        <p style='color: rgb(1, 2, 3)'>x</p>";
    let build = |start: CspHashesBuilder| start.html(page).build();
    assert!(build(CspHashes::builder()).is_err());
    let hashes = build(CspHashes::builder().dangerous_unsafe_hashes()).unwrap();
    let server = serve(&[page], &hashes, reports()).await;
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.addr)).await;
    let clicks = "document.querySelector('button').click(); document.querySelector('a').click(); \
        setTimeout(() => done([ran, getComputedStyle(document.querySelector('p')).color]), 0)";
    let found = browser.ask(clicks, Vec::new()).await;
    assert_eq!(found, json!([["handler", "address"], "rgb(1, 2, 3)"]));
    assert_eq!(browser.console().await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_violation_arrives_as_a_report() {
    let (sender, mut heard) = unbounded_channel();
    let layer = CspReportLayer::builder()
        .on_report(move |report: &BrowserReport| {
            let _ = sender.send(report.clone());
        })
        .at("/csp-report")
        .unwrap();
    let page = "<!doctype html><link rel=icon href=data:,>\n<script>evil(document.cookie)</script>";
    let server = serve(&[page], &CspHashes::script("other()"), layer).await;
    let browser = Browser::start().await;
    let address = format!("http://{}/", server.addr);
    browser.open(&format!("{address}?token=secret")).await;

    let report = timeout(DEADLINE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(report.kind(), ReportKind::CspViolation);
    assert_eq!(report.disposition(), Disposition::Enforce);
    assert_eq!(report.directive(), Some("script-src-elem"));
    assert_eq!(report.blocked().as_deref(), Some("inline"));
    assert_eq!(*report.document(), *address, "without the query");
    assert_eq!((report.line(), report.status()), (Some(2), Some(200)));
    assert_eq!(report.sample().as_deref(), Some("evil(document.cookie)"));
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_script_in_an_injected_frame_is_told() {
    let (sender, mut heard) = unbounded_channel();
    let layer = CspReportLayer::builder()
        .on_report(move |report: &BrowserReport| {
            let _ = sender.send(report.clone());
        })
        .at("/csp-report")
        .unwrap();
    let page = "<!doctype html><link rel=icon href=data:,><iframe srcdoc='<script>evil()</script>'></iframe>";
    let server = serve(&[page], &CspHashes::script("other()"), layer).await;
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.addr)).await;

    let report = timeout(DEADLINE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(report.directive(), Some("script-src-elem"));
    assert_eq!(report.blocked().as_deref(), Some("inline"));
    assert_eq!(report.source_file().as_deref(), Some("about"));
}

/// Several types in one line, of which browsers take the last, or what a quoted comma makes of them.
const SEVERAL: [&str; 5] = [
    "application/grpc, text/html",
    "application/grpc; a=b, text/html",
    "text/javascript; charset=utf-8, text/html",
    "text/javascript, text/html",
    "application/json; charset=utf-8, text/html",
];

async fn labelled(Path(number): Path<usize>) -> impl IntoResponse {
    let page = "<!doctype html><link rel=icon href=data:,><title>page</title><script>document.title += ' inline'</script>\
        <script src=/own.js></script>";
    let name = HeaderName::from_static("content-type");
    ([(name, SEVERAL[number])], page)
}

async fn own() -> impl IntoResponse {
    let name = HeaderName::from_static("content-type");
    ([(name, "text/javascript")], "document.title += ' own'")
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn a_page_is_protected_under_whatever_label_it_is_shown() {
    let router = Router::new()
        .route("/{number}", get(labelled))
        .route("/own.js", get(own));
    let bare = Server::axum(router.clone()).await;
    let layers = router.layer(CspLayer::strict());
    let safe = Server::axum(layers.layer(SecurityHeadersLayer::web())).await;
    let browser = Browser::start().await;
    for (number, label) in SEVERAL.iter().enumerate() {
        for (server, expected) in [(&bare, "page inline own"), (&safe, "page")] {
            browser
                .open(&format!("http://{}/{number}", server.addr))
                .await;
            let title = browser.ask("done(document.title)", Vec::new()).await;
            assert_eq!(title, expected, "{label}");
        }
    }
}
