//! Who may read: pages of several origins ask an API of another origin.

use axum::Router;
use http::Method;
use serde_json::{Value, json};
use tower_security::cors::{CorsBuilder, CorsLayer, MaxAge, Refuse};
use tower_security::csrf::CsrfLayer;
use tower_security::rate_limit::{Policy, Quota, RateLimitLayer, key};
use tower_security::stack::SecurityStack;

use super::site::Site;
use crate::support::browser::{Browser, Fetched};

const PAGE: &str = "localhost";
const STRANGER: &str = "other.localhost";
const API: &str = "127.0.0.1";

async fn api(cors: CorsBuilder) -> Site {
    let layer = cors.build().unwrap();
    Site::start(|pages: Router| pages.layer(layer)).await
}

/// A server of pages, and an API that allows one of its names with credentials.
async fn allowed(change: impl FnOnce(CorsBuilder) -> CorsBuilder) -> (Site, Site) {
    let pages = Site::unprotected().await;
    let cors = CorsLayer::builder()
        .origins([pages.origin(PAGE)])
        .credentials(true);
    let api = api(change(cors)).await;
    (pages, api)
}

async fn fetch(browser: &Browser, api: &Site, path: &str, init: Value) -> Fetched {
    browser
        .fetch(&format!("{}{path}", api.origin(API)), init)
        .await
}

/// Returns method, status and calls of the handler of every request to `/transfer`, in their order.
fn transfers(api: &Site) -> Vec<(String, u16, usize)> {
    let seen = api.all_seen("/transfer");
    seen.iter()
        .map(|seen| seen.outcome())
        .map(|(method, status, reached)| (method.to_owned(), status, reached))
        .collect()
}

fn rows(rows: &[(&str, u16, usize)]) -> Vec<(String, u16, usize)> {
    rows.iter()
        .map(|&(method, status, reached)| (method.to_owned(), status, reached))
        .collect()
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_simple_answer_is_readable_for_the_listed_origin_alone() {
    let (pages, api) = allowed(|cors| cors).await;
    let browser = Browser::start().await;

    pages.open(&browser, PAGE).await;
    for method in ["GET", "HEAD", "POST"] {
        let fetched = fetch(&browser, &api, "/transfer", json!({ "method": method })).await;
        assert_eq!(fetched.status(), Some(200));
        assert_eq!(
            fetched.body(),
            Some(if method == "HEAD" { "" } else { "done" })
        );
        assert_eq!(transfers(&api), rows(&[(method, 200, 1)]));
    }

    // The request arrives all the same: whether an answer may be read is not whether the request may be made.
    pages.open(&browser, STRANGER).await;
    for method in ["GET", "HEAD", "POST"] {
        let fetched = fetch(&browser, &api, "/transfer", json!({ "method": method })).await;
        assert_eq!(fetched, Fetched::Failed);
        assert_eq!(transfers(&api), rows(&[(method, 200, 1)]));
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn actual_requests_of_other_origins_are_refused_when_told_so() {
    let (pages, api) = allowed(|cors| cors.refuse(Refuse::PreflightAndActual)).await;
    let browser = Browser::start().await;

    pages.open(&browser, STRANGER).await;
    let fetched = fetch(&browser, &api, "/transfer", json!({ "method": "POST" })).await;
    assert_eq!(fetched, Fetched::Failed);
    assert_eq!(transfers(&api), rows(&[("POST", 403, 0)]));

    pages.open(&browser, PAGE).await;
    let fetched = fetch(&browser, &api, "/transfer", json!({ "method": "POST" })).await;
    assert_eq!(fetched.body(), Some("done"));
    assert_eq!(transfers(&api), rows(&[("POST", 200, 1)]));

    api.open(&browser, API).await;
    let fetched = fetch(&browser, &api, "/transfer", json!({ "method": "POST" })).await;
    assert_eq!(
        fetched.body(),
        Some("done"),
        "its own pages send `Origin` too"
    );
    assert_eq!(transfers(&api), rows(&[("POST", 200, 1)]));
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_preflight_lets_through_what_is_listed() {
    let (pages, api) = allowed(|cors| {
        cors.methods([Method::PUT])
            .request_headers(["content-type", "x-tenant", "x-trace"])
    })
    .await;
    let browser = Browser::start().await;
    let wanted: [(&str, Value); 3] = [
        ("PUT", json!({ "method": "PUT" })),
        (
            "POST",
            json!({ "method": "POST", "headers": { "content-type": "application/json" } }),
        ),
        (
            "PUT",
            json!({ "method": "PUT", "headers": { "X-Trace": "1", "X-Tenant": "2", "Content-Type": "a/b" } }),
        ),
    ];

    pages.open(&browser, PAGE).await;
    for (method, init) in wanted {
        let fetched = fetch(&browser, &api, "/transfer", init).await;
        assert_eq!(fetched.body(), Some("done"));
        let seen = transfers(&api);
        // The first preflight is remembered for 5 seconds, and may answer for the third request.
        assert_eq!(seen.last(), rows(&[(method, 200, 1)]).last());
        assert!(
            seen.iter()
                .rev()
                .skip(1)
                .all(|seen| *seen == rows(&[("OPTIONS", 204, 0)])[0]),
            "{seen:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_refused_preflight_ends_it() {
    let (pages, api) =
        allowed(|cors| cors.methods([Method::PUT]).request_headers(["x-tenant"])).await;
    let browser = Browser::start().await;
    let refused = rows(&[("OPTIONS", 403, 0)]);

    pages.open(&browser, PAGE).await;
    for init in [
        json!({ "method": "DELETE" }),
        json!({ "method": "put2" }),
        json!({ "method": "PUT", "headers": { "x-secret": "1" } }),
        json!({ "method": "PUT", "headers": { "x-tenant": "1", "authorization": "Bearer 1" } }),
        json!({ "method": "POST", "headers": { "content-type": "application/json" } }),
    ] {
        assert_eq!(
            fetch(&browser, &api, "/transfer", init.clone()).await,
            Fetched::Failed,
            "{init}"
        );
        assert_eq!(transfers(&api), refused, "{init}");
    }

    pages.open(&browser, STRANGER).await;
    let fetched = fetch(&browser, &api, "/transfer", json!({ "method": "PUT" })).await;
    assert_eq!(fetched, Fetched::Failed);
    assert_eq!(transfers(&api), refused);
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn an_answer_to_cookies_is_readable_for_the_listed_origin_alone() {
    let (pages, credentialed) = allowed(|cors| cors).await;
    let plain = api(CorsLayer::builder().origins([pages.origin(PAGE)])).await;
    let public = api(CorsLayer::builder().any_origin()).await;
    let browser = Browser::start().await;
    // Cookies belong to a host, whatever the port.
    credentialed.open(&browser, API).await;
    let with = || json!({ "credentials": "include" });
    let without = || json!({ "credentials": "omit" });

    pages.open(&browser, PAGE).await;
    let fetched = fetch(&browser, &credentialed, "/cookies", with()).await;
    assert_eq!(fetched.body(), Some("session=1"));
    let fetched = fetch(&browser, &credentialed, "/cookies", without()).await;
    assert_eq!(fetched.body(), Some("none"));
    for api in [&plain, &public] {
        assert_eq!(
            fetch(&browser, api, "/cookies", with()).await,
            Fetched::Failed
        );
        assert_eq!(
            api.seen("/cookies").await.cookie.as_deref(),
            Some("session=1")
        );
        assert_eq!(
            fetch(&browser, api, "/cookies", without()).await.body(),
            Some("none")
        );
    }

    pages.open(&browser, STRANGER).await;
    assert_eq!(
        fetch(&browser, &credentialed, "/cookies", with()).await,
        Fetched::Failed
    );
    assert_eq!(
        fetch(&browser, &public, "/cookies", without()).await.body(),
        Some("none")
    );
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn the_null_origin_reads_public_data_alone() {
    let (pages, listed) = allowed(|cors| cors).await;
    let public = api(CorsLayer::builder().any_origin()).await;
    let browser = Browser::start().await;
    let sandboxed = "\
        const [url] = given;
        addEventListener('message', message => done(message.data), { once: true });
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.srcdoc = `<script>
            fetch('${url}').then(answer => answer.text(), () => 'failed').then(text => parent.postMessage(text, '*'));
        </script>`;
        document.body.append(frame);";

    pages.open(&browser, PAGE).await;
    for (api, heard) in [(&listed, "failed"), (&public, "secret")] {
        let url = format!("{}/headers", api.origin(API));
        assert_eq!(browser.ask(sandboxed, vec![json!(url)]).await, heard);
        assert_eq!(api.seen("/headers").await.origin.as_deref(), Some("null"));
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn exposed_headers_are_readable() {
    let (pages, api) = allowed(|cors| cors.expose_headers(["x-request-id"])).await;
    let browser = Browser::start().await;

    pages.open(&browser, PAGE).await;
    let fetched = fetch(&browser, &api, "/headers", json!({})).await;
    assert_eq!(fetched.header("x-request-id"), Some("7"));
    assert_eq!(fetched.header("x-internal"), None);
    assert_eq!(
        fetched.header("content-type"),
        Some("text/plain; charset=utf-8"),
        "always readable"
    );
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn failures_are_readable_whichever_layer_made_them() {
    let pages = Site::unprotected().await;
    let origin = pages.origin(PAGE);
    let stack = SecurityStack::new().csrf(CsrfLayer::new()).cors(
        CorsLayer::builder()
            .origins([origin])
            .credentials(true)
            .build()
            .unwrap(),
    );
    let api = Site::start(|pages: Router| pages.layer(stack)).await;
    let browser = Browser::start().await;

    pages.open(&browser, PAGE).await;
    for status in [401, 403, 404, 500] {
        let path = format!("/status/{status}");
        let fetched = fetch(&browser, &api, &path, json!({})).await;
        assert_eq!(fetched.status(), Some(status));
        assert_eq!(api.seen(&path).await.outcome().2, 1);
    }
    // To be read from and to be trusted to write are two grants.
    let forged = fetch(&browser, &api, "/transfer", json!({ "method": "POST" })).await;
    assert_eq!(forged.status(), Some(403));
    assert!(
        forged.body().unwrap().contains("\"csrf_refused\""),
        "{forged:?}"
    );
    assert_eq!(transfers(&api), rows(&[("POST", 403, 0)]));

    pages.open(&browser, STRANGER).await;
    assert_eq!(
        fetch(&browser, &api, "/status/500", json!({})).await,
        Fetched::Failed
    );
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_pattern_covers_sub_domains_and_not_the_domain_itself() {
    let pages = Site::unprotected().await;
    let cors = CorsLayer::builder()
        .origins(["http://*.app.localhost:*"])
        .credentials(true);
    let api = api(cors).await;
    let browser = Browser::start().await;

    for host in ["a.app.localhost", "b.a.app.localhost"] {
        pages.open(&browser, host).await;
        let fetched = fetch(
            &browser,
            &api,
            "/transfer",
            json!({ "credentials": "include" }),
        )
        .await;
        assert_eq!(fetched.body(), Some("done"), "{host}");
    }
    for host in [
        "app.localhost",
        "a.evilapp.localhost",
        "evilapp.localhost",
        "localhost",
    ] {
        pages.open(&browser, host).await;
        let fetched = fetch(
            &browser,
            &api,
            "/transfer",
            json!({ "credentials": "include" }),
        )
        .await;
        assert_eq!(fetched, Fetched::Failed, "{host}");
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_preflight_is_remembered_as_long_as_it_says() {
    let pages = Site::unprotected().await;
    let put = || {
        CorsLayer::builder()
            .origins([pages.origin(PAGE)])
            .methods([Method::PUT])
    };
    let remembered = api(put().max_age(MaxAge::Secs(600))).await;
    let forgotten = api(put().max_age(MaxAge::Disabled)).await;
    let browser = Browser::start().await;
    let (preflight, actual) = (("OPTIONS", 204, 0), ("PUT", 200, 1));

    pages.open(&browser, PAGE).await;
    for (api, expected) in [
        (&remembered, rows(&[preflight, actual, actual])),
        (&forgotten, rows(&[preflight, actual, preflight, actual])),
    ] {
        for _ in 0..2 {
            let fetched = fetch(&browser, api, "/transfer", json!({ "method": "PUT" })).await;
            assert_eq!(fetched.body(), Some("done"));
        }
        assert_eq!(transfers(api), expected);
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn the_console_names_what_is_missing_when_failures_are_explained() {
    let pages = Site::unprotected().await;
    let listed = || {
        CorsLayer::builder()
            .origins([pages.origin(PAGE)])
            .methods([Method::PUT])
            .request_headers(["x-tenant"])
    };
    let silent = api(listed()).await;
    let telling = api(listed().explain_failures(true)).await;
    let browser = Browser::start().await;
    let console = async |api: &Site, init: Value| {
        assert_eq!(
            fetch(&browser, api, "/transfer", init).await,
            Fetched::Failed
        );
        assert!(
            transfers(api)
                .iter()
                .all(|(method, _, reached)| method == "OPTIONS" && *reached == 0)
        );
        let console = browser.console().await.join("\n");
        println!("{console}");
        console
    };

    pages.open(&browser, PAGE).await;
    let delete = || json!({ "method": "DELETE" });
    let secret = || json!({ "method": "PUT", "headers": { "x-secret": "1" } });
    let bare = "No 'Access-Control-Allow-Origin' header is present";
    for init in [delete(), secret()] {
        assert!(console(&silent, init).await.contains(bare));
    }
    assert!(
        console(&telling, delete())
            .await
            .contains("Method DELETE is not allowed")
    );
    assert!(
        console(&telling, secret())
            .await
            .contains("Request header field x-secret is not allowed")
    );

    pages.open(&browser, STRANGER).await;
    assert!(
        console(&telling, delete()).await.contains(bare),
        "other origins learn nothing"
    );
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_page_reads_that_it_is_too_fast_and_for_how_long() {
    let pages = Site::unprotected().await;
    let limit = |policy| RateLimitLayer::builder().policy(policy).build().unwrap();
    let once = || Policy::new("once", Quota::per_hour(1)).key(key::client_ip());
    let cors = CorsLayer::builder()
        .origins([pages.origin(PAGE)])
        .expose_headers(["Retry-After"])
        .build()
        .unwrap();
    let stack = SecurityStack::api().cors(cors).rate_limit(limit(once()));
    let api = Site::start(|pages: Router| pages.layer(stack)).await;
    // The same limit around CORS instead of inside: what the page gets of a refusal then.
    let cors = CorsLayer::builder().origins([pages.origin(PAGE)]);
    let cors = cors.build().unwrap();
    let outside = limit(once());
    let wrong = Site::start(|pages: Router| pages.layer(cors).layer(outside)).await;

    let browser = Browser::start().await;
    pages.open(&browser, PAGE).await;
    let ask = async |api: &Site| fetch(&browser, api, "/transfer", json!({})).await;
    for api in [&api, &wrong] {
        assert_eq!(ask(api).await.body(), Some("done"));
    }
    let refused = ask(&api).await;
    assert_eq!(refused.status(), Some(429));
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3_590..=3_600).contains(&seconds), "{seconds}");
    assert!(refused.body().unwrap().contains("rate_limited"));
    assert_eq!(transfers(&api), rows(&[("GET", 200, 1), ("GET", 429, 0)]));
    assert_eq!(ask(&wrong).await, Fetched::Failed);
}
