//! What pages of other sites may load, frame and link to.

use axum::Router;
use serde_json::json;
use tower_security::csrf::{CsrfLayer, Isolation};

use super::site::Verdict::{Reached, Refused};
use super::site::{Site, Verdict};
use crate::support::browser::Browser;

const OWN: &str = "app.localhost";
const SIBLING: &str = "evil.app.localhost";
const OTHER: &str = "127.0.0.1";

/// Adds an element that loads something, and says whether it could.
const IMAGE: &str = "\
    const image = new Image();
    image.onload = () => done('loaded');
    image.onerror = () => done('failed');
    image.src = given[0];";
const SCRIPT: &str = "\
    const script = document.createElement('script');
    script.onload = () => done(window.included ? 'loaded' : 'empty');
    script.onerror = () => done('failed');
    script.src = given[0];
    document.body.append(script);";
const STYLE: &str = "\
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.onload = () => done('loaded');
    link.onerror = () => done('failed');
    link.href = given[0];
    document.head.append(link);";
const FETCH: &str = "\
    fetch(given[0], { mode: 'no-cors' }).then(() => done('loaded'), () => done('failed'));";

/// Adds an element that shows a page. What it says about a page of another origin is nothing.
const FRAME: &str = "\
    const frame = document.createElement('iframe');
    frame.src = arguments[0];
    document.body.append(frame);";
const OBJECT: &str = "\
    const object = document.createElement('object');
    object.type = 'text/html';
    object.data = arguments[0];
    document.body.append(object);";
const EMBED: &str = "\
    const embed = document.createElement('embed');
    embed.type = 'text/html';
    embed.src = arguments[0];
    document.body.append(embed);";

/// Leaves the page, or opens another window.
const LINK: &str = "\
    const link = document.createElement('a');
    link.href = arguments[0];
    document.body.append(link);
    link.click();";
const FORM: &str = "\
    const form = document.createElement('form');
    form.action = arguments[0];
    document.body.append(form);
    form.submit();";
const WINDOW: &str = "window.open(arguments[0]);";
const WINDOW_WITHOUT_OPENER: &str = "window.open(arguments[0], '_blank', 'noopener');";

const INCLUSIONS: [(&str, &str, &str); 4] = [
    ("an image", IMAGE, "/image.svg"),
    ("a script", SCRIPT, "/script.js"),
    ("a style sheet", STYLE, "/style.css"),
    ("a fetch without CORS", FETCH, "/transfer"),
];
const FRAMES: [(&str, &str); 3] = [
    ("an object", OBJECT),
    ("an embed", EMBED),
    ("a frame", FRAME),
];
const NAVIGATIONS: [(&str, &str); 4] = [
    ("a link", LINK),
    ("a form", FORM),
    ("a window", WINDOW),
    ("a window without opener", WINDOW_WITHOUT_OPENER),
];

async fn app(isolation: Isolation) -> Site {
    let layer = CsrfLayer::builder().isolation(isolation).build().unwrap();
    Site::start(|pages: Router| pages.layer(layer)).await
}

/// Tries everything from a page, and asserts what came of inclusions, of frames and of navigations.
async fn check(page: &Site, host: &str, app: &Site, site: &str, expected: [Verdict; 3]) {
    let [inclusions, frames, navigations] = expected;
    // A browser of its own: a page behind the windows that an earlier one opened is not laid out, and loads no objects.
    let browser = Browser::start().await;
    page.open(&browser, host).await;
    for (name, script, path) in INCLUSIONS {
        println!("{name} from {host}:");
        let url = format!("{}{path}?from={site}", app.origin(OWN));
        let heard = browser.ask(script, vec![json!(url)]).await;
        let seen = app.seen(&format!("{path}?from={site}")).await;
        seen.assert(inclusions, site);
        let expected = match inclusions {
            Reached => "loaded",
            // A `fetch` without CORS does not tell one answer from another.
            Refused if script == FETCH => "loaded",
            Refused => "failed",
        };
        assert_eq!(heard, expected, "{name}");
    }
    for (name, script) in FRAMES {
        println!("{name} from {host}:");
        let url = format!("{}/status/200?from={site}", app.origin(OWN));
        browser.run(script, vec![json!(url)]).await;
        let seen = app.seen(&format!("/status/200?from={site}")).await;
        seen.assert(frames, site);
    }
    for (name, script) in NAVIGATIONS {
        println!("{name} from {host}:");
        page.open(&browser, host).await;
        browser
            .run(
                script,
                vec![json!(format!("{}/transfer?", app.origin(OWN)))],
            )
            .await;
        let seen = app.seen("/transfer?").await;
        seen.assert(navigations, site);
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn its_own_pages_may_load_everything() {
    let app = app(Isolation::new()).await;
    check(&app, OWN, &app, "same-origin", [Reached, Reached, Reached]).await;
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_typed_address_is_nobodys_request() {
    let app = app(Isolation::new().refuse_same_site(true)).await;
    let browser = Browser::start().await;
    for path in ["/transfer", "/image.svg"] {
        browser.open(&format!("{}{path}", app.origin(OWN))).await;
        app.seen(path).await.assert(Reached, "none");
        browser.reload().await;
        app.seen(path).await.assert(Reached, "none");
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn other_sites_may_only_link() {
    let (pages, open) = (Site::unprotected().await, Site::unprotected().await);
    let isolated = app(Isolation::new()).await;
    check(
        &pages,
        OTHER,
        &open,
        "cross-site",
        [Reached, Reached, Reached],
    )
    .await;
    check(
        &pages,
        OTHER,
        &isolated,
        "cross-site",
        [Refused, Refused, Reached],
    )
    .await;
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn sibling_sites_are_other_sites_only_when_told_so() {
    let pages = Site::unprotected().await;
    let (lenient, strict) = (Isolation::new(), Isolation::new().refuse_same_site(true));
    let (lenient, strict) = (app(lenient).await, app(strict).await);
    check(
        &pages,
        SIBLING,
        &lenient,
        "same-site",
        [Reached, Reached, Reached],
    )
    .await;
    check(
        &pages,
        SIBLING,
        &strict,
        "same-site",
        [Refused, Refused, Reached],
    )
    .await;
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn public_paths_and_framing_are_opened_one_by_one() {
    let pages = Site::unprotected().await;
    let app = app(Isolation::new().allow_framing(true).public("/image.svg")).await;
    let browser = Browser::start().await;
    pages.open(&browser, OTHER).await;

    let heard = browser
        .ask(IMAGE, vec![json!(format!("{}/image.svg", app.origin(OWN)))])
        .await;
    app.seen("/image.svg").await.assert(Reached, "cross-site");
    assert_eq!(heard, "loaded");
    let heard = browser
        .ask(
            SCRIPT,
            vec![json!(format!("{}/script.js", app.origin(OWN)))],
        )
        .await;
    app.seen("/script.js").await.assert(Refused, "cross-site");
    assert_eq!(heard, "failed");

    browser
        .run(
            FRAME,
            vec![json!(format!("{}/status/200", app.origin(OWN)))],
        )
        .await;
    app.seen("/status/200").await.assert(Reached, "cross-site");
    browser
        .run(
            OBJECT,
            vec![json!(format!("{}/status/200", app.origin(OWN)))],
        )
        .await;
    app.seen("/status/200").await.assert(Refused, "cross-site");
}
