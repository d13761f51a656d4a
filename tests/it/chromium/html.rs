//! What Chromium runs of HTML that was cleaned: nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, Json};
use axum::response::Html;
use axum::routing::{get, post};
use http::Request;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower_security::sanitize::html::{Basic, HtmlPolicy, HtmlPreset, SafeHtml, TextOnly, Ugc};
use tower_security::sanitize::{JsonRules, ParamRules, Rule, SanitizeLayer};
use url::form_urlencoded;

use crate::html::vectors::{OLD, Vector, all};
use crate::support::browser::Browser;
use crate::support::service::go;
use crate::support::wire::Server;

/// Vectors that are judged together, each in a frame of its own.
const TOGETHER: usize = 24;

/// Shows each text in a frame, as a page and, through `innerHTML` twice, as scripts do; then touches every element. What runs says so by
/// calling what a script calls first, or by a message to the top. A link that would run is found by its address: resolved, since browsers
/// do not read it as it is written.
const JUDGE: &str = r"
if (!window.heard) {
    window.heard = new Set();
    addEventListener('message', event => heard.add(event.data));
}
const sleep = time => new Promise(wake => setTimeout(wake, time));
const elements = root => [...Document.prototype.querySelectorAll.call(root, '*')];
const names = element => Element.prototype.getAttributeNames.call(element);
const EVENTS = ['click', 'mouseover', 'focus', 'error', 'load', 'toggle', 'pointerdown', 'pointerover', 'pointerup'];
const AWAY = /^(https?|mailto|tel|ftp):$/;
const RUNS = /^(javascript|vbscript|data):$/;

const addresses = (element, base) => {
    const found = [];
    for (const name of ['href', 'action', 'formAction', 'src', 'data']) {
        const value = element[name];
        const values = value && typeof value === 'object' ? [value.baseVal, value.animVal] : [value];
        for (const value of values.filter(value => typeof value === 'string')) {
            if (URL.canParse(value, base) && RUNS.test(new URL(value, base).protocol)) found.push(value);
        }
    }
    return found;
};

const judge = async ([number, html]) => {
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts allow-same-origin';
    frame.srcdoc = `<!doctype html><script>for (const name of ['alert', 'confirm', 'prompt', 'print'])
        window[name] = () => { top.postMessage(${number}, '*'); };</script><body><div>${html}`;
    const loaded = new Promise(wake => { frame.onload = wake; });
    document.body.append(frame);
    await Promise.race([loaded, sleep(1500)]);
    const page = frame.contentDocument;
    const found = [];
    if (page) {
        Document.prototype.addEventListener.call(page, 'click', event => {
            const link = event.target.closest?.('a, area');
            if (link && AWAY.test(link.protocol)) event.preventDefault();
        }, true);
        const [first, second] = [page.createElement('div'), page.createElement('div')];
        first.innerHTML = html;
        second.innerHTML = first.innerHTML;
        page.documentElement.append(second);
        await sleep(40);
        const base = page.baseURI;
        for (const element of elements(page)) {
            found.push(...addresses(element, base));
            const own = names(element).filter(name => name.startsWith('on')).map(name => name.slice(2));
            for (const name of [...own, ...EVENTS]) {
                const event = name === 'click'
                    ? new MouseEvent(name, { bubbles: true, cancelable: true })
                    : new Event(name, { bubbles: true, cancelable: true });
                element.dispatchEvent(event);
                if (element.localName === 'body') frame.contentWindow.dispatchEvent(new Event(name));
            }
        }
        await sleep(60);
    }
    const left = !page || frame.contentDocument !== page;
    frame.remove();
    return { number, ran: heard.has(number), found, left };
};
Promise.all(given[0].map(judge)).then(done, error => done(String(error)));
";

/// What became of one text.
#[derive(Debug)]
struct Verdict {
    number: usize,
    ran: bool,
    addresses: Vec<String>,
    left: bool,
}

impl Verdict {
    fn of(value: &Value) -> Self {
        let number = value["number"].as_u64().unwrap();
        let addresses = value["found"].as_array().unwrap().iter();
        Self {
            number: usize::try_from(number).unwrap(),
            ran: value["ran"].as_bool().unwrap(),
            addresses: addresses
                .map(|address| address.as_str().unwrap().to_owned())
                .collect(),
            left: value["left"].as_bool().unwrap(),
        }
    }

    fn is_hit(&self) -> bool {
        self.ran || !self.addresses.is_empty()
    }
}

/// A page to show frames in, and what vectors load.
async fn site() -> Server {
    let script = [(CONTENT_TYPE, "text/javascript")];
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>";
    let page = "<!doctype html><title>judge</title><link rel=icon href=data:,><style>iframe { width: 200px; height: 90px }</style><body>";
    let router = Router::new()
        .route("/", get(async move || Html(page)))
        .route("/empty", get(async || Html("")))
        .route(
            "/empty.css",
            get(async || ([(CONTENT_TYPE, "text/css")], "")),
        )
        .route(
            "/dot.svg",
            get(async move || ([(CONTENT_TYPE, "image/svg+xml")], svg)),
        )
        .route("/hit.js", get(async move || (script, "alert(1)")))
        .route(
            "/hit.mjs",
            get(async || ([(CONTENT_TYPE, "text/javascript")], "alert(1)")),
        );
    Server::axum(router).await
}

/// Judges numbered texts, in a new page each time: what one of them left behind is not heard in the next.
async fn judge(browser: &Browser, server: &Server, texts: &[(usize, String)]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    browser.open(&format!("http://{}/", server.addr)).await;
    for texts in texts.chunks(TOGETHER) {
        let texts: Vec<_> = texts
            .iter()
            .map(|(number, html)| json!([number, html.replace("LOCAL", &server.addr.to_string())]))
            .collect();
        let answer = browser.ask(JUDGE, vec![Value::Array(texts)]).await;
        let answers = answer.as_array().unwrap_or_else(|| panic!("{answer}"));
        verdicts.extend(answers.iter().map(Verdict::of));
    }
    verdicts
}

/// Cleaned texts, each once: many vectors leave the same behind.
fn cleaned(vectors: &[Vector], clean: impl Fn(&str) -> String) -> Vec<(usize, String)> {
    let mut seen = BTreeSet::new();
    let texts = vectors.iter().map(|vector| clean(&vector.html)).enumerate();
    texts
        .filter(|(_, html)| seen.insert(html.clone()))
        .collect()
}

fn assert_quiet(what: &str, vectors: &[Vector], texts: &[(usize, String)], verdicts: &[Verdict]) {
    assert_eq!(verdicts.len(), texts.len());
    let mut hits = Vec::new();
    for (verdict, (number, html)) in verdicts.iter().zip(texts) {
        assert_eq!(verdict.number, *number);
        if verdict.is_hit() || verdict.left {
            hits.push(format!("{verdict:?}\n  {:?}\n  {html:?}", vectors[*number]));
        }
    }
    println!(
        "{what}: {} texts that differ, {} ran",
        texts.len(),
        hits.len()
    );
    assert!(hits.is_empty(), "{what}:\n{}", hits.join("\n"));
}

/// What a handler behind the layer gets of each vector: half of them come as JSON, half as a form.
async fn handed_on(vectors: &[Vector]) -> HashMap<String, String> {
    async fn json(Json(body): Json<Value>) -> String {
        body["page"][0]["html"].as_str().unwrap().to_owned()
    }
    async fn form(Form(fields): Form<Vec<(String, String)>>) -> String {
        fields[0].1.clone()
    }
    let layer = SanitizeLayer::builder()
        // The vectors are to be cleaned, and not to be refused for a control character in them.
        .strict()
        .json(JsonRules::syntax_only())
        .params(ParamRules::compatible())
        .dangerous_allow(Rule::ParamNul)
        .html_json("/page/*/html", HtmlPolicy::ugc())
        .html_form("html", HtmlPolicy::ugc())
        .build()
        .unwrap();
    let router = Router::new()
        .route("/json", post(json))
        .route("/form", post(form))
        .layer(layer);
    let mut got = HashMap::new();
    for (number, Vector { html, .. }) in vectors.iter().enumerate() {
        let (path, kind, body) = if number % 2 == 0 {
            let body = json!({ "page": [{ "html": html }] });
            ("/json", "application/json", body.to_string())
        } else {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("html", html)
                .finish();
            ("/form", "application/x-www-form-urlencoded", body)
        };
        let request = Request::post(path)
            .header(HOST, "app.example")
            .header(CONTENT_TYPE, kind);
        let answer = go(router.clone(), request.body(Body::from(body)).unwrap()).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(status, 200, "{html:?}: {text}");
        got.insert(html.clone(), text);
    }
    got
}

/// Every element that a policy can have.
fn widest() -> HtmlPolicy {
    let tags = [
        "abbr", "acronym", "address", "article", "aside", "audio", "bdi", "bdo", "big", "center",
        "cite", "data", "dd", "del", "dfn", "div", "dl", "dt", "footer", "header", "hgroup", "ins",
        "kbd", "main", "mark", "menu", "nav", "q", "rp", "rt", "ruby", "samp", "search", "section",
        "small", "source", "span", "strike", "time", "tt", "var", "video", "wbr",
    ];
    let policy = tags.into_iter().fold(HtmlPolicy::ugc(), HtmlPolicy::tag);
    policy
        .attribute("video", "src")
        .attribute("video", "poster")
        .attribute("audio", "src")
        .attribute("source", "src")
        .attribute("q", "cite")
        .attribute("a", "tabindex")
        .attribute("p", "hidden")
        .attribute("div", "dir")
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn vectors_run_until_they_are_cleaned() {
    let vectors = all();
    assert!(vectors.len() >= 800, "{}", vectors.len());
    let server = site().await;
    let browser = Browser::start().await;

    let raw: Vec<_> = vectors
        .iter()
        .map(|vector| vector.html.clone())
        .enumerate()
        .collect();
    let verdicts = judge(&browser, &server, &raw).await;
    let mut groups = BTreeMap::<&str, (usize, usize)>::new();
    for (vector, verdict) in vectors.iter().zip(&verdicts) {
        let (ran, of) = groups.entry(vector.group).or_default();
        *ran += usize::from(verdict.is_hit());
        *of += 1;
    }
    for (group, (ran, of)) in &groups {
        println!("as it came: {group}: {ran} of {of} ran");
        assert!(
            *ran > 0 || OLD.contains(group),
            "{group}: the judge sees nothing"
        );
    }
    let ran = verdicts.iter().filter(|verdict| verdict.ran).count();
    println!("as it came: {ran} of {} ran", vectors.len());
    assert!(ran >= 300, "{ran}");

    let presets = [
        ("text", TextOnly::cleaner()),
        ("basic", Basic::cleaner()),
        ("ugc", Ugc::cleaner()),
    ];
    let through = handed_on(&vectors).await;
    let texts = cleaned(&vectors, |html| through[html].clone());
    let verdicts = judge(&browser, &server, &texts).await;
    assert_quiet("through the layer", &vectors, &texts, &verdicts);

    let widest = widest().build().unwrap();
    for (name, cleaner) in presets.into_iter().chain([("widest", &widest)]) {
        let texts = cleaned(&vectors, |html| cleaner.clean(html).unwrap().into_owned());
        let verdicts = judge(&browser, &server, &texts).await;
        assert_quiet(name, &vectors, &texts, &verdicts);
    }
}

/// Text without `<` is left as it is, whatever is in it.
#[tokio::test]
#[ignore = "needs chromium and chromedriver: apt-get install chromium chromium-driver"]
async fn text_without_a_tag_runs_nothing() {
    let vectors: Vec<Vector> = all()
        .into_iter()
        .step_by(7)
        .map(|Vector { group, html }| Vector {
            group,
            html: html.replace('<', "&lt;"),
        })
        .collect();
    let server = site().await;
    let browser = Browser::start().await;
    let texts = cleaned(&vectors, |html| {
        SafeHtml::<Ugc>::clean(html).unwrap().into_string()
    });
    assert!(
        texts
            .iter()
            .all(|(number, html)| *html == vectors[*number].html),
        "unchanged"
    );
    let verdicts = judge(&browser, &server, &texts).await;
    assert_quiet("without a tag", &vectors, &texts, &verdicts);
}
