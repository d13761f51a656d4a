//! Who may change state: the requests that the pages of three sites can send, to a server with and without the layer.

use axum::Router;
use serde_json::json;
use tower_security::csrf::CsrfLayer;

use super::site::Verdict::{Reached, Refused};
use super::site::{Seen, Site};
use crate::support::browser::Browser;

const OWN: &str = "app.localhost";
const SIBLING: &str = "evil.app.localhost";
const OTHER: &str = "127.0.0.1";

/// Leaves the page by a form.
const SUBMIT: &str = "\
    const [action, enctype] = arguments;
    const form = document.createElement('form');
    Object.assign(form, { action, enctype, method: 'post' });
    const field = document.createElement('input');
    Object.assign(field, { name: 'amount', value: '100' });
    form.append(field);
    document.body.append(form);
    form.submit();";

/// Posts a form from a frame whose origin is opaque.
const SUBMIT_SANDBOXED: &str = "\
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-forms allow-scripts';
    frame.srcdoc = `<form method=post action='${arguments[0]}'></form><script>document.forms[0].submit()</script>`;
    document.body.append(frame);";

/// Posts by what scripts have without asking CORS: `done` is called when it was tried.
const FETCH: &str = "\
    const [url] = given;
    fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'amount=100' }).then(() => done(true), done);";
const BEACON: &str = "done(navigator.sendBeacon(given[0], 'amount=100'));";

/// Opens a socket, sends a message and returns the echo, or that it failed.
const SOCKET: &str = "\
    const socket = new WebSocket(given[0]);
    socket.onopen = () => socket.send('hello');
    socket.onmessage = message => done(message.data);
    socket.onerror = () => done('refused');";

async fn app(layer: CsrfLayer) -> Site {
    Site::start(|pages: Router| pages.layer(layer)).await
}

/// Sends every request that a page of another origin can forge.
async fn forge(browser: &Browser, page: &Site, host: &str, app: &Site) -> Vec<Seen> {
    let transfer = format!("{}/transfer", app.origin(OWN));
    let mut seen = Vec::new();

    for enctype in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data",
    ] {
        page.open(browser, host).await;
        browser
            .run(SUBMIT, vec![json!(transfer), json!(enctype)])
            .await;
        seen.push(app.seen("/transfer").await);
    }

    page.open(browser, host).await;
    for script in [FETCH, BEACON] {
        assert_eq!(
            browser.ask(script, vec![json!(transfer)]).await,
            json!(true)
        );
        seen.push(app.seen("/transfer").await);
    }
    seen
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn its_own_pages_may_post() {
    let app = app(CsrfLayer::new()).await;
    let browser = Browser::start().await;
    let transfer = format!("{}/transfer", app.origin(OWN));

    app.open(&browser, OWN).await;
    browser.run(SUBMIT, vec![json!(transfer), json!("")]).await;
    let form = app.seen("/transfer").await;
    form.assert(Reached, "same-origin");
    assert_eq!(form.cookie.as_deref(), Some("session=1"));

    browser.reload().await;
    let again = app.seen("/transfer").await;
    assert_eq!(
        again.outcome(),
        ("POST", 200, 1),
        "a posted page can be loaded again"
    );

    app.open(&browser, OWN).await;
    let fetched = browser.fetch(&transfer, json!({ "method": "POST" })).await;
    assert_eq!(fetched.body(), Some("done"));
    app.seen("/transfer").await.assert(Reached, "same-origin");
    for method in ["PUT", "DELETE", "PATCH"] {
        let fetched = browser.fetch(&transfer, json!({ "method": method })).await;
        assert_eq!(fetched.body(), Some("done"));
        app.seen("/transfer").await.assert(Reached, "same-origin");
    }
    for script in [FETCH, BEACON] {
        browser.ask(script, vec![json!(transfer)]).await;
        app.seen("/transfer").await.assert(Reached, "same-origin");
    }

    let bounce = format!("{}/bounce?{transfer}", app.origin(OWN));
    browser.run(SUBMIT, vec![json!(bounce), json!("")]).await;
    app.seen("/transfer").await.assert(Reached, "same-origin");

    // Such a page sends `Origin: null` to its own server.
    browser.open(&format!("{}/quiet", app.origin(OWN))).await;
    browser.run(SUBMIT, vec![json!(transfer), json!("")]).await;
    let quiet = app.seen("/transfer").await;
    quiet.assert(Reached, "same-origin");
    assert_eq!(quiet.origin.as_deref(), Some("null"));
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn pages_of_other_origins_may_not_post() {
    let pages = Site::unprotected().await;
    let (protected, unprotected) = (app(CsrfLayer::new()).await, Site::unprotected().await);
    let trusting = app(CsrfLayer::builder()
        .trusted_origins([pages.origin(OTHER), pages.origin(SIBLING)])
        .build()
        .unwrap())
    .await;
    let browser = Browser::start().await;
    unprotected.open(&browser, OWN).await;

    for (host, site) in [(OTHER, "cross-site"), (SIBLING, "same-site")] {
        for seen in forge(&browser, &pages, host, &unprotected).await {
            seen.assert(Reached, site);
            assert_eq!(
                seen.cookie.as_deref(),
                Some("session=1"),
                "it would be done in the user's name"
            );
        }
        for seen in forge(&browser, &pages, host, &protected).await {
            seen.assert(Refused, site);
        }
        for seen in forge(&browser, &pages, host, &trusting).await {
            seen.assert(Reached, site);
        }
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn sibling_pages_may_post_only_to_who_says_so() {
    let pages = Site::unprotected().await;
    let layer = CsrfLayer::builder()
        .dangerous_allow_same_site(true)
        .build()
        .unwrap();
    let app = app(layer).await;
    let browser = Browser::start().await;

    for seen in forge(&browser, &pages, SIBLING, &app).await {
        seen.assert(Reached, "same-site");
    }
    for seen in forge(&browser, &pages, OTHER, &app).await {
        seen.assert(Refused, "cross-site");
    }
}

/// Redirects with 307 keep the method and the body, and take the request to whom the page could not send it.
#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_chain_of_redirects_is_as_foreign_as_its_most_foreign_part() {
    let pages = Site::unprotected().await;
    let (protected, unprotected) = (app(CsrfLayer::new()).await, Site::unprotected().await);
    let trusting = CsrfLayer::builder()
        .trusted_origins([pages.origin(OTHER)])
        .build()
        .unwrap();
    let trusting = app(trusting).await;
    let browser = Browser::start().await;
    let submit = async |page: &Site, host: &str, chain: &[String], app: &Site| {
        page.open(&browser, host).await;
        browser
            .run(SUBMIT, vec![json!(chain.join("?")), json!("")])
            .await;
        app.seen("/transfer").await
    };

    for (host, site) in [(OTHER, "cross-site"), (SIBLING, "same-site")] {
        let away = format!("{}/bounce", pages.origin(host));
        for (app, expected) in [(&unprotected, Reached), (&protected, Refused)] {
            let (bounce, transfer) = (
                format!("{}/bounce", app.origin(OWN)),
                format!("{}/transfer", app.origin(OWN)),
            );
            let foreign = submit(&pages, host, &[away.clone(), transfer.clone()], app).await;
            let there_and_back = submit(app, OWN, &[bounce, away.clone(), transfer], app).await;
            for seen in [foreign, there_and_back] {
                assert_eq!(seen.origin.as_deref(), Some("null"));
                seen.assert(expected, site);
            }
        }
    }

    // Who sends a redirect is not who sends a request: what is trusted is `Origin`, and that is gone.
    let transfer = format!("{}/transfer", trusting.origin(OWN));
    let away = format!("{}/bounce", pages.origin(OTHER));
    submit(&pages, OTHER, &[away, transfer.clone()], &trusting)
        .await
        .assert(Refused, "cross-site");
    submit(&pages, OTHER, &[transfer], &trusting)
        .await
        .assert(Reached, "cross-site");
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn an_opaque_origin_is_not_trusted_for_the_page_around_it() {
    let pages = Site::unprotected().await;
    let layer = CsrfLayer::builder()
        .trusted_origins([pages.origin(OTHER)])
        .build()
        .unwrap();
    let app = app(layer).await;
    let browser = Browser::start().await;
    let transfer = json!(format!("{}/transfer", app.origin(OWN)));

    pages.open(&browser, OTHER).await;
    browser.run(SUBMIT_SANDBOXED, vec![transfer.clone()]).await;
    let sandboxed = app.seen("/transfer").await;
    sandboxed.assert(Refused, "cross-site");
    assert_eq!(sandboxed.origin.as_deref(), Some("null"));

    browser.run(SUBMIT, vec![transfer, json!("")]).await;
    app.seen("/transfer").await.assert(Reached, "cross-site");
}

/// Chromium sends a handshake without `Sec-Fetch-*`: `Origin` decides.
#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn sockets_open_for_its_own_pages_alone() {
    let pages = Site::unprotected().await;
    let protected = app(CsrfLayer::new()).await;
    let skipping = CsrfLayer::builder()
        .dangerous_skip_websocket_check(true)
        .build()
        .unwrap();
    let skipping = app(skipping).await;
    let browser = Browser::start().await;
    let connect = async |page: &Site, host: &str, app: &Site| {
        page.open(&browser, host).await;
        let url = app.origin(OWN).replace("http://", "ws://") + "/socket";
        let heard = browser.ask(SOCKET, vec![json!(url)]).await;
        let seen = app.seen("/socket").await;
        assert_eq!(seen.origin, Some(page.origin(host)), "{seen}");
        assert_eq!(seen.cookie.as_deref(), Some("session=1"), "{seen}");
        let (_, status, reached) = seen.outcome();
        (status, reached, heard)
    };
    let (open, refused) = ((101, 1, json!("hello")), (403, 0, json!("refused")));

    assert_eq!(connect(&protected, OWN, &protected).await, open);
    for host in [OTHER, SIBLING] {
        assert_eq!(connect(&pages, host, &protected).await, refused);
        assert_eq!(connect(&pages, host, &skipping).await, open);
    }
}

/// Over plain HTTP, names other than those of localhost get no `Sec-Fetch-*`: there the decision falls back to `Origin`.
#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn without_metadata_the_origin_decides() {
    let (own, sibling) = ("app.test", "evil.app.test");
    let strict = app(CsrfLayer::new()).await;
    let intranet = CsrfLayer::builder()
        .dangerous_allow_insecure_origins(true)
        .build()
        .unwrap();
    let intranet = app(intranet).await;
    let browser = Browser::start().await;
    let post = async |page: &Site, host: &str, app: &Site| {
        page.open(&browser, host).await;
        let transfer = format!("{}/transfer", app.origin(own));
        browser.run(SUBMIT, vec![json!(transfer), json!("")]).await;
        let seen = app.seen("/transfer").await;
        assert_eq!(seen.site, None, "{seen}");
        assert_eq!(seen.origin, Some(page.origin(host)), "{seen}");
        seen
    };

    let seen = post(&strict, own, &strict).await;
    assert_eq!(
        seen.outcome(),
        ("POST", 403, 0),
        "anybody in the network can be that page"
    );
    let seen = post(&intranet, own, &intranet).await;
    assert_eq!(seen.outcome(), ("POST", 200, 1));
    let seen = post(&intranet, sibling, &intranet).await;
    assert_eq!(seen.outcome(), ("POST", 403, 0));
    let seen = post(&strict, own, &intranet).await;
    assert_eq!(
        seen.outcome(),
        ("POST", 403, 0),
        "another port is another origin"
    );
}
