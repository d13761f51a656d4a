//! A page under a strict content security policy, to open in a browser and attack by pressing buttons.
//!
//! ```sh
//! cargo run --example csp_page --features axum,csp-report,limits,sanitize
//! ```
//!
//! Open <http://127.0.0.1:3002/>. Each attack has two buttons: against this page, and against its twin without a policy, where
//! it runs. What the browser blocks it also reports; the reports appear in the terminal as security events.
//!
//! ```sh
//! # The policy, with a nonce that no second answer has: 200, with content-security-policy and cache-control: no-store
//! curl -i http://127.0.0.1:3002/
//!
//! # An attack on the page: 200, with content-security-policy; a browser does not run the script in it
//! curl -i http://127.0.0.1:3002/attack/inline-script
//!
//! # A report that is none: 400
//! curl -i -X POST http://127.0.0.1:3002/csp-report -H 'Content-Type: application/csp-report' -d 'no'
//!
//! # No report at all: 405, with allow: POST
//! curl -i http://127.0.0.1:3002/csp-report
//! ```

use std::error::Error;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use tower_security::core::{RequestScheme, SchemeSource, SecurityEvent};
use tower_security::csp::{Csp, CspLayer, CspNonce, ReportEndpoint};
use tower_security::{
    CookieLayer, CspReportLayer, CsrfLayer, LimitsLayer, SanitizeLayer, SecurityHeadersLayer,
    SecurityStack,
};

/// What an attacker has got into the page, by whatever hole. Each changes the title to `ran` if it runs.
pub const ATTACKS: &[(&str, &str)] = &[
    ("inline-script", "<script>document.title = 'ran'</script>"),
    (
        "wrong-nonce",
        "<script nonce='AAAAAAAAAAAAAAAAAAAAAAAA'>document.title = 'ran'</script>",
    ),
    (
        "event-handler",
        "<img src='/none.png' onerror=\"document.title = 'ran'\">",
    ),
    (
        "javascript-url",
        "<a id='press' href=\"javascript:void(document.title = 'ran')\">free money</a>",
    ),
    (
        "data-script",
        "<script src=\"data:text/javascript,document.title = 'ran'\"></script>",
    ),
    (
        "foreign-script",
        "<script src='/elsewhere/app.js'></script>",
    ),
    // The page's own script is loaded by a relative path, from where the attacker says.
    ("base-hijack", "<base href='/elsewhere/'>"),
    (
        "object",
        "<object type='text/html' data='/elsewhere/widget.html'></object>",
    ),
    ("frame", "<iframe src='/elsewhere/widget.html'></iframe>"),
    (
        "foreign-form",
        "<form action='http://localhost:3002/elsewhere/widget.html'><button id='press'>log in</button></form>",
    ),
    // Not markup: the page's own script turns text into code.
    ("eval", "<p id='code'>document.title = 'ran'</p>"),
];

pub fn app() -> Result<Router, Box<dyn Error>> {
    let policy = Csp::strict()
        .report_to(ReportEndpoint::path("csp", "/csp-report")?)
        .build()?;
    let stack = SecurityStack::new()
        .headers(SecurityHeadersLayer::web())
        .csp(CspLayer::builder().enforce(policy).build()?)
        .cookies(CookieLayer::strict())
        .limits(LimitsLayer::new())
        .csp_reports(CspReportLayer::at("/csp-report")?)
        .csrf(CsrfLayer::new())
        .sanitize(SanitizeLayer::strict())
        // This server speaks plain HTTP, so that the browser is not told to upgrade.
        .scheme(SchemeSource::Listener(RequestScheme::Http))
        .events(|event: &SecurityEvent<'_>| println!("{} {}", event.name.as_str(), event.code));

    let protected = Router::new()
        .route("/", get(index))
        .route("/attack/{name}", get(attacked))
        .route("/app.js", get(own_script))
        .route("/attack/app.js", get(own_script))
        .layer(stack);
    let unprotected = Router::new()
        .route("/unprotected/{name}", get(unprotected))
        // What the attacker controls: another host, or a folder of uploads.
        .route(
            "/elsewhere/app.js",
            get(async || script("document.title = 'ran'")),
        )
        .route("/elsewhere/widget.html", get(async || Html(WIDGET)))
        .route("/unprotected/app.js", get(own_script));
    Ok(unprotected.fallback_service(protected))
}

const WIDGET: &str =
    "<!doctype html><title>ran</title><script>try { top.document.title = 'ran' } catch {}</script>";

async fn own_script() -> impl IntoResponse {
    script("document.body.dataset.app = 'own'")
}

fn script(source: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript")], source)
}

async fn index(nonce: CspNonce) -> Html<String> {
    let buttons: String = ATTACKS
        .iter()
        .map(|(name, _)| {
            format!(
                "<tr><th>{name}<td><form action='/attack/{name}'><button>attack</button></form>\
                 <td><form action='/unprotected/{name}'><button>without a policy</button></form>"
            )
        })
        .collect();
    Html(page(
        nonce.as_str(),
        "<h1>Press a button</h1>",
        &format!("<table>{buttons}</table>"),
    ))
}

async fn attacked(nonce: CspNonce, Path(name): Path<String>) -> Result<Html<String>, StatusCode> {
    let markup = markup(&name).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Html(page(nonce.as_str(), markup, RESULT)))
}

/// The same page, sent without any header: every attack runs.
async fn unprotected(Path(name): Path<String>) -> Result<Html<String>, StatusCode> {
    let markup = markup(&name).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Html(page("", markup, RESULT)))
}

fn markup(name: &str) -> Option<&'static str> {
    ATTACKS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, markup)| *markup)
}

/// The elements that say how it went.
const RESULT: &str = "<p>The attack <output>is tried</output>.<ul></ul><p><a href='/'>back</a>";

/// A template engine would write `{nonce}` in the same two places; nothing of what a user wrote may stand in a script.
fn page(nonce: &str, untrusted: &str, trusted: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>page</title>\
         <style nonce={nonce:?}>body {{ font-family: sans-serif }} th {{ text-align: left }}</style>\
         <script nonce={nonce:?}>{SCRIPT}</script>\
         <body>{untrusted}{trusted}<script nonce={nonce:?} src='app.js'></script>"
    )
}

/// The page's own script: shows violations, presses what the attacker wants pressed, and says how it went.
const SCRIPT: &str = "
addEventListener('securitypolicyviolation', event => {
    const line = document.createElement('li');
    line.textContent = `blocked by ${event.effectiveDirective}: ${event.blockedURI}`;
    document.querySelector('ul')?.append(line);
});
addEventListener('load', () => {
    const code = document.querySelector('#code');
    try { if (code) eval(code.textContent) } catch { /* blocked */ }
    document.querySelector('#press')?.click();
    setTimeout(() => {
        const ran = document.title === 'ran';
        const result = document.querySelector('output');
        if (result) result.textContent = ran ? 'RAN' : 'was blocked';
        document.body.dataset.done = 'yes';
    }, 300);
});";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3002").await?;
    println!("open http://{}/ in a browser", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
