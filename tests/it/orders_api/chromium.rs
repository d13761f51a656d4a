//! The same in a browser: an ordinary user, and pages of another site.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::{Value, json};

use super::example::db;
use super::example::stack::Deployment;
use super::{Shop, shop};
use crate::support::browser::{Browser, Fetched};
use crate::support::wire::Server;

/// Fills in the form of the page, and waits until the page's own script has its answer.
const LOG_IN: &str = "\
    const [account, password] = given;
    const form = document.querySelector('form');
    Object.assign(form.account, { value: account });
    Object.assign(form.password, { value: password });
    const real = window.fetch;
    window.fetch = async (...all) => {
        const answer = await real(...all);
        done(answer.status);
        return answer;
    };
    form.requestSubmit();";

const SOCKET: &str = "\
    const socket = new WebSocket(given[0]);
    socket.onmessage = message => done(message.data);
    socket.onerror = () => done('refused');";

/// What a page can have sent without asking CORS. Whatever comes back it does not read.
const FORGE: &str = "\
    const init = { method: 'POST', mode: 'no-cors', credentials: 'include' };
    fetch(given[0], init).then(() => done('answered'), () => done('withheld'));";

impl Shop {
    async fn status(&self, order: i64) -> String {
        let query = sqlx::query_scalar("SELECT status FROM orders WHERE id = ?");
        let status: String = query.bind(order).fetch_one(&self.db).await.expect("a row");
        status
    }
}

#[tokio::test]
#[ignore = "needs chromium: apt-get install chromium chromium-driver"]
async fn a_browser_of_an_ordinary_user_and_pages_of_another_site() {
    let app = blank("app").await;
    let app = format!("http://localhost:{}", app.addr.port());
    let shop = shop(Deployment::local().app(&app)).await;
    let port = shop.server.addr.port();
    let own = format!("http://127.0.0.1:{port}");
    let live = format!("ws://127.0.0.1:{port}/orders/42/live");
    let pay = format!("{own}/orders/42/pay");
    let browser = Browser::start().await;

    log_in(&browser, &own).await;
    cookies_are_for_the_server_alone(&browser).await;
    nothing_of_a_user_runs(&browser, &shop, &own).await;
    let heard = browser.ask(SOCKET, vec![json!(live)]).await;
    let is_hers = heard.as_str().is_some_and(|text| text.contains("lamp"));
    assert!(is_hers, "{heard}");

    the_web_application_may(&browser, &app, &own).await;

    let evil = blank("evil").await;
    browser
        .open(&format!("http://localhost:{}/", evil.addr.port()))
        .await;
    let with_cookies = json!({ "credentials": "include" });
    for path in ["/orders/42", "/me"] {
        let read = browser
            .fetch(&format!("{own}{path}"), with_cookies.clone())
            .await;
        assert!(matches!(read, Fetched::Failed), "{path}");
    }
    // It was sent, and refused; `Cross-Origin-Resource-Policy` keeps even the refusal from the page.
    let sent: Value = browser.ask(FORGE, vec![json!(pay)]).await;
    assert_eq!(
        (sent, shop.status(42).await),
        (json!("withheld"), "open".to_owned())
    );
    assert_eq!(
        browser.ask(SOCKET, vec![json!(live)]).await,
        json!("refused")
    );

    browser.open(&format!("{own}/orders/42/page")).await;
    let sent = browser.ask(FORGE, vec![json!(pay)]).await;
    assert_eq!(
        (sent, shop.status(42).await),
        (json!("answered"), "paid".to_owned())
    );
}

/// A page of another origin, for scripts to run in.
async fn blank(title: &'static str) -> Server {
    let page = async move || Html(format!("<!doctype html><title>{title}</title>"));
    Server::axum(Router::new().route("/", get(page))).await
}

/// With a password, and then with the token; what a page of another origin may not is what it may.
const WITH_TOKEN: &str = "\
    const [shop, account, password] = given;
    const json = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ account, password });
    const ask = async () => {
        const login = await fetch(shop + '/login', { method: 'POST', headers: json, body });
        const token = (await login.json()).access_token;
        const order = await fetch(shop + '/orders/42', { headers: { Authorization: 'Bearer ' + token } });
        return [login.status, order.status, (await order.json()).goods];
    };
    ask().then(done, error => done(String(error)));";

/// The origin that the CORS policy names reads; another one, which does the same, does not. Their ports are all that differs.
async fn the_web_application_may(browser: &Browser, app: &str, own: &str) {
    let given = || vec![json!(own), json!(db::ALICE.name), json!(db::ALICE.password)];
    browser.open(app).await;
    let read = browser.ask(WITH_TOKEN, given()).await;
    assert_eq!(read, json!([200, 200, "lamp"]));
    let other = blank("other").await;
    let other = format!("http://localhost:{}/", other.addr.port());
    browser.open(&other).await;
    let read = browser.ask(WITH_TOKEN, given()).await;
    assert_eq!(read, json!("TypeError: Failed to fetch"));
}

/// A script sees cookies, but none of these; and all of them have every flag.
async fn cookies_are_for_the_server_alone(browser: &Browser) {
    let script = "document.cookie = 'plain=1'; done(document.cookie)";
    assert_eq!(browser.ask(script, Vec::new()).await, json!("plain=1"));
    let mut names = Vec::new();
    for line in browser.cookies().await {
        let name = line.split('=').next().expect("a name").to_owned();
        let has = |flag: &str| line.split("; ").any(|each| each == flag);
        let flags = ["Secure", "HttpOnly", "Path=/"].map(has);
        let is_strict = has("SameSite=Strict") || has("SameSite=Lax");
        // The prefix: of this host alone, whatever the line says.
        let is_hardened = name.starts_with("__Host-") && flags == [true; 3] && is_strict;
        assert_eq!(
            is_hardened,
            name != "plain",
            "{name}: {flags:?} {is_strict}"
        );
        names.push(name);
    }
    names.sort_unstable();
    let expected = ["__Host-access", "__Host-device", "__Host-refresh", "plain"];
    assert_eq!(names, expected);
    browser
        .ask(
            "document.cookie = 'plain=; Max-Age=0'; done(document.cookie)",
            Vec::new(),
        )
        .await;
}

/// By the form of the page, whose script has the nonce. The cookies are for no script.
async fn log_in(browser: &Browser, own: &str) {
    browser.open(own).await;
    let person = |password: &str| vec![json!(db::ALICE.name), json!(password)];
    assert_eq!(browser.ask(LOG_IN, person("wrong")).await, json!(401));
    browser.open(own).await;
    assert_eq!(
        browser.ask(LOG_IN, person(db::ALICE.password)).await,
        json!(200)
    );
    // Where the script leads by itself, for what comes next not to be cut short by it.
    browser.open(&format!("{own}/search")).await;

    assert_eq!(
        browser.ask("done(document.cookie)", Vec::new()).await,
        json!("")
    );
    let Fetched::Answer(me) = browser.fetch("/me", json!({})).await else {
        panic!("the page may read what is its own");
    };
    assert!(
        me["body"]
            .as_str()
            .is_some_and(|body| body.contains("alice")),
        "{me}"
    );
}

/// Neither what is asked for nor what is stored.
async fn nothing_of_a_user_runs(browser: &Browser, shop: &Shop, own: &str) {
    browser
        .open(&format!(
            "{own}/search?q=%3Cscript%3Edocument.title='ran'%3C/script%3E"
        ))
        .await;
    assert_eq!(
        browser.ask("done(document.title)", Vec::new()).await,
        json!("Search")
    );
    // Had the cleaning failed, the policy would still stand.
    let query = "UPDATE orders SET note = ? WHERE id = 42";
    let note =
        "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">";
    sqlx::query(query)
        .bind(note)
        .execute(&shop.db)
        .await
        .expect("it is written");
    browser.open(&format!("{own}/orders/42/page")).await;
    let ran = "setTimeout(() => done([document.title, document.body.dataset.ready]), 0)";
    assert_eq!(
        browser.ask(ran, Vec::new()).await,
        json!(["Order 42", "yes"])
    );
}
