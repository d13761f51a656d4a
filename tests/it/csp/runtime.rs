//! What the layer sends with which answer.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, CONTENT_TYPE,
    HeaderName,
};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};

use tower_security::core::{Mode, RequestScheme, SchemeSource, SecurityEvent, Tls};
use tower_security::csp::{
    Csp, CspLayer, CspLayerBuilder, CspNonce, CspPolicy, NonceCaching, Precedence, ReportEndpoint,
};

pub(super) const FULL: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'nonce-{}' 'strict-dynamic' \
    'report-sample'; style-src 'self' 'nonce-{}'; upgrade-insecure-requests";
pub(super) const TWIN: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'none'; style-src 'self'; \
    upgrade-insecure-requests";
const SCRIPT_TWIN: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'self'; style-src 'self'; \
    upgrade-insecure-requests";
pub(super) const API: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
/// What a handler has set.
pub(super) const OWN: &str = "default-src 'self'";
pub(super) const ROUTE: &str = "default-src 'none'; base-uri 'none'; script-src 'nonce-{}'";
/// A policy with a slot that browsers can report on.
const WATCHED: &str = "default-src 'none'; base-uri 'none'; report-to csp; report-uri /csp-report; script-src 'nonce-{}'";
const REPORTING_ENDPOINTS: HeaderName = HeaderName::from_static("reporting-endpoints");

pub(super) const HTML: (HeaderName, &str) = (CONTENT_TYPE, "text/html; charset=utf-8");
pub(super) const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");

pub(super) fn policy(text: &str) -> CspPolicy {
    Csp::parse(text).build().expect("a good policy")
}

/// Answers as it is told to, and tells the nonce that it has seen.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) lines: Vec<(HeaderName, &'static str)>,
    pub(super) seen: Arc<Mutex<Vec<Option<String>>>>,
}

impl Page {
    pub(super) fn new(status: u16, lines: &[(HeaderName, &'static str)]) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status"),
            lines: lines.to_vec(),
            seen: Arc::default(),
        }
    }

    /// The nonce that the only request had.
    pub(super) fn nonce(&self) -> Option<String> {
        let seen = self.seen.lock().expect("no panic");
        assert_eq!(seen.len(), 1);
        seen[0].clone()
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let nonce = CspNonce::from_extensions(request.extensions());
        let nonce = nonce.map(|nonce| nonce.to_string());
        self.seen.lock().expect("no panic").push(nonce);
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.status;
        for (name, value) in &self.lines {
            let value = HeaderValue::from_static(value);
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl<B> Service<Request<B>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        std::future::ready(Ok(self.answer(&request)))
    }
}

/// An answer, in whose policies `{}` stands for the nonce that the page has seen.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response<Full<Bytes>>,
    pub(super) nonce: Option<String>,
}

impl Answer {
    pub(super) fn lines(&self, name: &HeaderName) -> Vec<String> {
        let lines = self.response.headers().get_all(name).iter();
        let text = |line: &HeaderValue| line.to_str().expect("ASCII").to_owned();
        lines
            .map(text)
            .map(|line| match &self.nonce {
                Some(nonce) => line.replace(nonce.as_str(), "{}"),
                None => line,
            })
            .collect()
    }

    pub(super) fn enforced(&self) -> Vec<String> {
        self.lines(&CONTENT_SECURITY_POLICY)
    }

    pub(super) fn watched(&self) -> Vec<String> {
        self.lines(&CONTENT_SECURITY_POLICY_REPORT_ONLY)
    }
}

pub(super) async fn ask<L>(layer: L, page: Page, request: Request<()>) -> Answer
where
    L: Layer<Page>,
    L::Service: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let service = layer.layer(page.clone());
    let Ok(response) = ServiceExt::<Request<()>>::oneshot(service, request).await;
    Answer {
        response,
        nonce: page.nonce(),
    }
}

pub(super) async fn get<L>(layer: L, status: u16, lines: &[(HeaderName, &'static str)]) -> Answer
where
    L: Layer<Page>,
    L::Service: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    ask(layer, Page::new(status, lines), Request::new(())).await
}

/// A layer that enforces a policy.
pub(super) fn enforcing(text: &str) -> CspLayerBuilder {
    CspLayer::builder().enforce(policy(text))
}

/// Events as `name code outcome detail`.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    pub(super) fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let told = Arc::clone(&self.0);
        move |event: &SecurityEvent<'_>| {
            let line = format!(
                "{} {} {} {} {} {}",
                event.level.as_str(),
                event.layer,
                event.name,
                event.code,
                event.outcome.as_str(),
                event.detail.as_deref().unwrap_or("-")
            );
            told.lock().expect("no panic").push(line);
        }
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

const GRPC: (HeaderName, &str) = (CONTENT_TYPE, "application/grpc");
const SVG: (HeaderName, &str) = (CONTENT_TYPE, "image/svg+xml; charset=utf-8");
const SCRIPT: (HeaderName, &str) = (CONTENT_TYPE, "text/javascript; charset=utf-8");

/// Status, headers, what a policy with a slot says, and whether one without is sent.
type Row = (
    u16,
    &'static [(HeaderName, &'static str)],
    Option<&'static str>,
    bool,
);

const ROWS: &[Row] = &[
    (200, &[HTML], Some(FULL), true),
    (206, &[HTML], Some(FULL), true),
    (201, &[], Some(FULL), true),
    (200, &[(CONTENT_TYPE, "nonsense")], Some(FULL), true),
    (
        200,
        &[(CONTENT_TYPE, "application/xhtml+xml")],
        Some(FULL),
        true,
    ),
    (403, &[HTML], Some(FULL), true),
    (404, &[], Some(FULL), true),
    (500, &[HTML], Some(FULL), true),
    (503, &[JSON], Some(TWIN), true),
    (200, &[JSON], Some(TWIN), true),
    (404, &[JSON], Some(TWIN), true),
    (200, &[SVG], Some(TWIN), true),
    (200, &[(CONTENT_TYPE, "text/css")], Some(TWIN), true),
    (200, &[(CONTENT_TYPE, "text/plain")], Some(TWIN), true),
    (200, &[SCRIPT], Some(SCRIPT_TWIN), true),
    (404, &[SCRIPT], Some(SCRIPT_TWIN), true),
    // Without a body that could say the nonce.
    (204, &[], Some(TWIN), true),
    (204, &[HTML], Some(TWIN), true),
    (205, &[HTML], Some(TWIN), true),
    (302, &[HTML], Some(TWIN), true),
    (308, &[SCRIPT], Some(TWIN), true),
    // The browser shows the body that it has, with the nonce of that day.
    (304, &[], None, true),
    (304, &[HTML], None, true),
    (304, &[JSON], None, true),
    // No page.
    (101, &[], None, false),
    (103, &[HTML], None, false),
    (200, &[GRPC], None, false),
    (415, &[GRPC], None, false),
    (
        200,
        &[(CONTENT_TYPE, "application/grpc-web+proto")],
        None,
        false,
    ),
];

#[tokio::test]
async fn every_answer_gets_the_form_that_fits() {
    for (status, lines, slotted, unslotted) in ROWS {
        for method in ["GET", "HEAD", "POST"] {
            let name = format!("{method} {status} {lines:?}");
            let request = || {
                Request::builder()
                    .method(method)
                    .body(())
                    .expect("a request")
            };
            let page = || Page::new(*status, lines);
            let answer = ask(CspLayer::strict(), page(), request()).await;
            assert_eq!(answer.enforced(), slotted.as_slice(), "{name}");
            assert_eq!(answer.watched(), [""; 0], "{name}");
            assert!(answer.nonce.is_some(), "{name}");
            let is_full = *slotted == Some(FULL);
            let no_store: &[&str] = if is_full { &["no-store"] } else { &[] };
            assert_eq!(answer.lines(&CACHE_CONTROL), no_store, "{name}");

            let answer = ask(CspLayer::api(), page(), request()).await;
            let expected: &[&str] = if *unslotted { &[API] } else { &[] };
            assert_eq!(answer.enforced(), expected, "{name}");
            assert_eq!(answer.nonce, None, "{name}");
            assert_eq!(answer.lines(&CACHE_CONTROL), [""; 0], "{name}");
        }
    }
}

#[tokio::test]
async fn a_grpc_call_has_no_nonce_and_is_answered_with_less() {
    for (status, lines, slotted, _) in ROWS {
        for (method, is_call) in [("POST", true), ("GET", false)] {
            let request = Request::builder()
                .method(method)
                .header(CONTENT_TYPE, "application/grpc+proto");
            let request = request.body(()).expect("a request");
            let answer = ask(CspLayer::strict(), Page::new(*status, lines), request).await;
            let name = format!("{method} {status} {lines:?}");
            assert_eq!(answer.nonce.is_none(), is_call, "{name}");
            let expected = slotted.map(|text| if is_call && text == FULL { TWIN } else { text });
            assert_eq!(answer.enforced(), expected.as_slice(), "{name}");
        }
    }
}

#[tokio::test]
async fn precedence_says_what_becomes_of_the_handlers_header() {
    use Precedence::{Both, Handler, Layer};
    let rows: &[(Precedence, u16, bool, &[&str], &[&str])] = &[
        // Precedence, status, JSON, lines of a policy with a slot, lines of one without.
        (Handler, 200, false, &[OWN], &[OWN]),
        (Handler, 200, true, &[OWN], &[OWN]),
        (Handler, 304, false, &[OWN], &[OWN]),
        (Layer, 200, false, &[FULL], &[API]),
        (Layer, 200, true, &[TWIN], &[API]),
        (Layer, 404, false, &[FULL], &[API]),
        // A line of a 304 would replace the stored ones, which say the nonce of the stored body.
        (Layer, 304, false, &[], &[API]),
        (Both, 200, false, &[OWN, FULL], &[OWN, API]),
        (Both, 200, true, &[OWN, TWIN], &[OWN, API]),
        (Both, 304, false, &[], &[OWN, API]),
    ];
    let strict = Csp::strict().build().expect("it is sound");
    let api = Csp::api().build().expect("it is sound");
    for (precedence, status, is_json, slotted, unslotted) in rows {
        let media = if *is_json { JSON } else { HTML };
        let lines = [media, (CONTENT_SECURITY_POLICY, OWN)];
        for (policy, expected) in [(&strict, slotted), (&api, unslotted)] {
            let builder = CspLayer::builder().enforce(policy.clone());
            let layer = builder
                .precedence(*precedence)
                .build()
                .expect("it is sound");
            let answer = get(layer, *status, &lines).await;
            let name = format!("{precedence:?} {status} {is_json}");
            assert_eq!(answer.enforced(), *expected, "{name}");
        }
    }
}

#[tokio::test]
async fn all_lines_of_a_handler_are_kept_or_replaced() {
    let lines = [
        HTML,
        (CONTENT_SECURITY_POLICY, OWN),
        (CONTENT_SECURITY_POLICY, "img-src 'none'"),
    ];
    let rows: [(Precedence, &[&str]); 3] = [
        (Precedence::Handler, &[OWN, "img-src 'none'"]),
        (Precedence::Layer, &[API]),
        (Precedence::Both, &[OWN, "img-src 'none'", API]),
    ];
    for (precedence, expected) in rows {
        let api = Csp::api().build().expect("it is sound");
        let builder = CspLayer::builder().enforce(api).precedence(precedence);
        let answer = get(builder.build().expect("it is sound"), 200, &lines).await;
        assert_eq!(answer.enforced(), expected, "{precedence:?}");
    }
}

#[tokio::test]
async fn both_headers_say_one_nonce_and_are_decided_each_by_itself() {
    let layer = || {
        let strict = Csp::strict().build().expect("it is sound");
        let builder = CspLayer::builder()
            .enforce(strict)
            .report_only(policy_watched());
        builder.build().expect("it is sound")
    };
    let answer = get(layer(), 200, &[HTML]).await;
    assert_eq!(
        (answer.enforced(), answer.watched()),
        (vec![FULL.to_owned()], vec![WATCHED.to_owned()])
    );

    let own = (CONTENT_SECURITY_POLICY, OWN);
    let answer = get(layer(), 200, &[HTML, own]).await;
    assert_eq!(
        (answer.enforced(), answer.watched()),
        (vec![OWN.to_owned()], vec![WATCHED.to_owned()])
    );

    let own = (CONTENT_SECURITY_POLICY_REPORT_ONLY, OWN);
    let answer = get(layer(), 200, &[HTML, own]).await;
    assert_eq!(
        (answer.enforced(), answer.watched()),
        (vec![FULL.to_owned()], vec![OWN.to_owned()])
    );
}

/// [`WATCHED`], with its endpoint.
fn policy_watched() -> CspPolicy {
    let endpoint = ReportEndpoint::path("csp", "/csp-report").expect("it is sound");
    Csp::parse(ROUTE)
        .report_to(endpoint)
        .build()
        .expect("it is sound")
}

#[tokio::test]
async fn report_only_mode_sends_the_enforced_policy_as_a_report_only_one() {
    let builder = || {
        CspLayer::builder()
            .enforce(policy_watched())
            .mode(Mode::ReportOnly)
    };
    let answer = get(builder().build().expect("it is sound"), 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [""; 0]);
    assert_eq!(answer.watched(), [WATCHED]);

    let layer = builder().report_only(policy_watched()).build();
    let answer = get(layer.expect("it is sound"), 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [""; 0]);
    assert_eq!(answer.watched(), [WATCHED, WATCHED]);

    // A header that is enforced is another one.
    let own = (CONTENT_SECURITY_POLICY, OWN);
    let answer = get(builder().build().expect("it is sound"), 200, &[HTML, own]).await;
    assert_eq!(answer.enforced(), [OWN]);
    assert_eq!(answer.watched(), [WATCHED]);
}

#[test]
fn a_policy_that_nobody_would_hear_of_is_no_report_only_one() {
    let codes = |builder: CspLayerBuilder| -> Vec<String> {
        match builder.build() {
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .iter()
                .map(|error| format!("{} {}", error.path(), error.code()))
                .collect(),
        }
    };
    let strict = || Csp::strict().build().expect("it is sound");
    let api = || Csp::api().build().expect("it is sound");
    let refused = |path: &str| {
        ["ignored_report_only", "report_only_silent"].map(|code| format!("{path} {code}"))
    };
    let enforced = CspLayer::builder().enforce(strict());
    assert_eq!(codes(enforced.clone()), [""; 0]);
    assert_eq!(codes(enforced.clone().mode(Mode::Off)), [""; 0]);
    assert_eq!(
        codes(enforced.mode(Mode::ReportOnly)),
        refused("csp.enforce")
    );
    let watched = CspLayer::builder().enforce(strict()).report_only(api());
    assert_eq!(codes(watched), refused("csp.report_only"));
    assert_eq!(
        codes(CspLayer::builder().report_only(policy_watched())),
        [""; 0]
    );
    let all = CspLayer::builder()
        .enforce(strict())
        .report_only(api())
        .mode(Mode::ReportOnly)
        .nonce_media_types(["a"]);
    let mut expected = refused("csp.enforce").to_vec();
    expected.extend(refused("csp.report_only"));
    expected.push("csp.nonce_media_types[0] invalid_media_type".to_owned());
    assert_eq!(codes(all), expected);
}

#[test]
fn wrong_settings_of_a_layer_are_told_together() {
    let rows: [(&[&str], &[&str]); 7] = [
        (&["image/svg+xml", "application/XML"], &[]),
        (
            &["text/*", "*/*"],
            &["invalid_media_type", "invalid_media_type"],
        ),
        (&["text/html; charset=utf-8"], &["invalid_media_type"]),
        (&["", "text", "/", "text/"], &["invalid_media_type"; 4]),
        (&["te xt/html", "text/ht\nml"], &["invalid_media_type"; 2]),
        (
            &["application/grpc+proto", "Application/gRPC"],
            &["grpc_media_type"; 2],
        ),
        (&["a/b"; 33], &["too_many_media_types"]),
    ];
    for (types, expected) in rows {
        let codes: Vec<&str> = match enforcing(FULL).nonce_media_types(types).build() {
            Ok(_) => Vec::new(),
            Err(errors) => errors.iter().map(|error| error.code()).collect(),
        };
        assert_eq!(codes, expected, "{types:?}");
    }
    assert!(
        enforcing(FULL)
            .nonce_media_types(["a/b"; 32])
            .build()
            .is_ok()
    );
    let errors = CspLayer::builder()
        .nonce_media_types(["x"])
        .build()
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "csp: refused layer without a policy: give it one by `enforce` or `report_only`, or write `CspLayer::strict()`\n\
         csp.nonce_media_types[0]: invalid media type \"x\": write one type and subtype without parameters, such as `image/svg+xml`"
    );
}

#[test]
fn two_policies_do_not_report_to_two_places_of_one_name() {
    let reporting = |name, path| {
        let endpoint = ReportEndpoint::path(name, path).expect("it is sound");
        Csp::parse(ROUTE)
            .report_to(endpoint)
            .build()
            .expect("it is sound")
    };
    let rows = [
        ("csp", "/csp-report", None),
        ("next", "/next", None),
        ("next", "/csp-report", None),
        (
            "csp",
            "/next",
            Some(
                "csp.report_only: invalid report endpoint \"csp\": it is another place in the enforced policy, and browsers know \
                 one for a name; give it another name",
            ),
        ),
    ];
    for (name, path, expected) in rows {
        let builder = CspLayer::builder().enforce(reporting("csp", "/csp-report"));
        let built = builder.report_only(reporting(name, path)).build();
        let told = built.err().map(|errors| errors.to_string());
        assert_eq!(told.as_deref(), expected, "{name} {path}");
    }
}

#[test]
fn warnings_about_the_policies_are_told_at_the_start() {
    let recorder = Recorder::default();
    let builder = CspLayer::builder()
        .enforce(policy(API))
        .report_only(policy_watched())
        .events(recorder.sink());
    let _ = builder.build().expect("it is sound");
    let event = |code, detail| format!("info csp sys_monitor_disabled {code} success {detail}");
    assert_eq!(
        recorder.take(),
        [
            event(
                "no_reporting",
                "there is no `report-to`, violations are not heard of"
            ),
            event(
                "no_frame_ancestors",
                "`frame-ancestors` is missing, any site may frame the page"
            ),
            event(
                "no_form_action",
                "`form-action` is missing, forms may be sent anywhere"
            ),
        ]
    );
    // What does not build warns of nothing.
    let builder = enforcing(API)
        .nonce_media_types(["x"])
        .events(recorder.sink());
    assert!(builder.build().is_err());
    assert_eq!(recorder.told(), [""; 0]);
}

#[tokio::test]
async fn turned_off_it_sends_nothing_and_pages_keep_their_nonce() {
    let off = |text| {
        enforcing(text)
            .mode(Mode::Off)
            .build()
            .expect("it is sound")
    };
    let answer = get(off(FULL), 200, &[HTML]).await;
    assert!(answer.nonce.is_some());
    assert_eq!(answer.response.headers().len(), 1);
    let answer = get(off(API), 200, &[HTML]).await;
    assert!(answer.nonce.is_none());

    // The nonce of a layer that is on stays.
    let stack = tower::ServiceBuilder::new()
        .layer(CspLayer::strict())
        .layer(off(FULL));
    let answer = get(stack, 200, &[HTML]).await;
    assert_eq!(answer.enforced(), [FULL]);
}

#[tokio::test]
async fn endpoints_are_added_once_where_a_page_may_report() {
    let layer = || {
        let builder = CspLayer::builder().enforce(policy_watched());
        builder
            .report_only(policy_watched())
            .build()
            .expect("it is sound")
    };
    let line = "csp=\"/csp-report\"";
    let rows: [(u16, &[(HeaderName, &'static str)], &[&str]); 5] = [
        (200, &[HTML], &[line]),
        (
            200,
            &[HTML, (REPORTING_ENDPOINTS, "own=\"/r\"")],
            &["own=\"/r\"", line],
        ),
        (
            200,
            &[HTML, (REPORTING_ENDPOINTS, "csp=\"/csp-report\"")],
            &[line],
        ),
        (200, &[JSON], &[]),
        (304, &[HTML], &[]),
    ];
    for (status, lines, expected) in rows {
        let answer = get(layer(), status, lines).await;
        assert_eq!(
            answer.lines(&REPORTING_ENDPOINTS),
            expected,
            "{status} {lines:?}"
        );
    }
    // Nested, still once.
    let nested = tower::ServiceBuilder::new().layer(layer()).layer(layer());
    let answer = get(nested, 200, &[HTML]).await;
    assert_eq!(answer.lines(&REPORTING_ENDPOINTS), [line]);
    // Where neither policy is sent nobody reports.
    let own = [
        HTML,
        (CONTENT_SECURITY_POLICY, OWN),
        (CONTENT_SECURITY_POLICY_REPORT_ONLY, OWN),
    ];
    let answer = get(layer(), 200, &own).await;
    assert_eq!(answer.lines(&REPORTING_ENDPOINTS), [""; 0]);
}

#[tokio::test]
async fn a_page_with_a_nonce_stays_out_of_caches() {
    let rows: [(&[(HeaderName, &'static str)], &[&str], &[&str]); 6] = [
        // Header of the handler, `Cache-Control` by default, with `Leave`.
        (&[HTML], &["no-store"], &[]),
        (&[JSON], &[], &[]),
        (
            &[HTML, (CACHE_CONTROL, "private")],
            &["private"],
            &["private"],
        ),
        (&[HTML, (CACHE_CONTROL, "public")], &["public"], &["public"]),
        (&[HTML, (CACHE_CONTROL, "")], &[""], &[""]),
        // The handler's policy is sent, and no nonce of the layer.
        (&[HTML, (CONTENT_SECURITY_POLICY, OWN)], &[], &[]),
    ];
    for (lines, by_default, left) in rows {
        for (caching, expected) in [
            (NonceCaching::NoStore, by_default),
            (NonceCaching::Leave, left),
        ] {
            let layer = enforcing(FULL).nonce_caching(caching).build();
            let answer = get(layer.expect("it is sound"), 200, lines).await;
            assert_eq!(
                answer.lines(&CACHE_CONTROL),
                expected,
                "{caching:?} {lines:?}"
            );
        }
    }
    // A report-only nonce is one too.
    let layer = CspLayer::builder().report_only(policy_watched()).build();
    let answer = get(layer.expect("it is sound"), 200, &[HTML]).await;
    assert_eq!(answer.lines(&CACHE_CONTROL), ["no-store"]);
}

#[tokio::test]
async fn a_nonce_for_shared_caches_is_told_once() {
    let event = |line: &str| {
        format!("warn csp sys_monitor_disabled nonce_cached fault cache_control={line}")
    };
    let rows: [(&str, &str, bool); 15] = [
        (HTML.1, "public", true),
        (HTML.1, "PUBLIC, max-age=60", true),
        (HTML.1, "max-age=0,s-maxage=60", true),
        (HTML.1, "s-maxage = 60", true),
        (HTML.1, "private", false),
        (HTML.1, "Private, max-age=60", false),
        (HTML.1, "max-age=60 , no-store", false),
        (HTML.1, "no-store", false),
        // RFC 9111, section 3: what says nothing else may be stored, by a lifetime that is given or guessed.
        (HTML.1, "max-age=60", true),
        (HTML.1, "no-cache", true),
        (HTML.1, "no-transform", true),
        (HTML.1, "publicity", true),
        (HTML.1, "", true),
        (HTML.1, "private=\"set-cookie\"", true),
        // No nonce is sent.
        (JSON.1, "public", false),
    ];
    for (media, line, is_told) in rows {
        let recorder = Recorder::default();
        let layer = enforcing(FULL)
            .events(recorder.sink())
            .build()
            .expect("it is sound");
        // The warnings about the policy.
        recorder.take();
        let lines = [(CONTENT_TYPE, media), (CACHE_CONTROL, line)];
        for _ in 0..3 {
            let answer = get(layer.clone(), 200, &lines).await;
            assert_eq!(answer.lines(&CACHE_CONTROL), [line]);
        }
        let expected = if is_told {
            vec![event(line)]
        } else {
            Vec::new()
        };
        assert_eq!(recorder.told(), expected, "{media} {line}");
    }
    let recorder = Recorder::default();
    let builder = enforcing(FULL).nonce_caching(NonceCaching::Leave);
    let layer = builder
        .events(recorder.sink())
        .build()
        .expect("it is sound");
    recorder.take();
    get(layer, 200, &[HTML, (CACHE_CONTROL, "public")]).await;
    assert_eq!(recorder.told(), [""; 0]);
}

#[tokio::test]
async fn without_tls_nothing_is_upgraded() {
    const UPGRADE: &str = "; upgrade-insecure-requests";
    let tls = Some(SchemeSource::Tls);
    let listener = Some(SchemeSource::Listener(RequestScheme::Http));
    let rows: [(
        &str,
        Option<SchemeSource>,
        Option<RequestScheme>,
        bool,
        bool,
    ); 8] = [
        // Source, scheme that a layer has found, marker of the acceptor, upgraded.
        ("unknown", None, None, false, true),
        ("marker alone", None, None, true, true),
        ("known http", None, Some(RequestScheme::Http), false, false),
        ("known https", None, Some(RequestScheme::Https), false, true),
        ("source says http", tls.clone(), None, false, false),
        ("source says https", tls.clone(), None, true, true),
        (
            "known before asked",
            tls,
            Some(RequestScheme::Https),
            false,
            true,
        ),
        (
            "listener",
            listener,
            Some(RequestScheme::Https),
            false,
            true,
        ),
    ];
    for (name, source, known, marker, is_upgraded) in rows {
        for (lines, text) in [
            (HTML, FULL),
            (JSON, TWIN),
            ((CONTENT_TYPE, "text/javascript"), SCRIPT_TWIN),
        ] {
            let builder = CspLayer::builder().enforce(Csp::strict().build().expect("it is sound"));
            let builder = match source.clone() {
                Some(source) => builder.scheme(source),
                None => builder,
            };
            let mut request = Request::new(());
            if let Some(known) = known {
                request.extensions_mut().insert(known);
            }
            if marker {
                request.extensions_mut().insert(Tls);
            }
            let layer = builder.build().expect("it is sound");
            let answer = ask(layer, Page::new(200, &[lines]), request).await;
            let expected = if is_upgraded {
                text.to_owned()
            } else {
                text.replace(UPGRADE, "")
            };
            assert_eq!(answer.enforced(), [expected], "{name}");
        }
    }
}

#[tokio::test]
async fn each_request_has_a_nonce_of_its_own() {
    let page = Page::new(200, &[HTML]);
    let service = CspLayer::strict().layer(page.clone());
    let mut earlier = Vec::new();
    for _ in 0..3 {
        let mut request = Request::new(());
        // A nonce of another request is not taken over.
        if let Some(nonce) = earlier.last().copied() {
            request.extensions_mut().insert::<CspNonce>(nonce);
        }
        let keep = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&keep);
        let inner = service.clone();
        let outer = CspLayer::strict().layer(service_fn(move |request: Request<()>| {
            *kept.lock().expect("no panic") = CspNonce::from_extensions(request.extensions());
            ServiceExt::<Request<()>>::oneshot(inner.clone(), request)
        }));
        let Ok(_) = ServiceExt::<Request<()>>::oneshot(outer, request).await;
        earlier.extend(*keep.lock().expect("no panic"));
    }
    let mut all: Vec<String> = earlier.iter().map(ToString::to_string).collect();
    all.extend(
        page.seen
            .lock()
            .expect("no panic")
            .iter()
            .flatten()
            .cloned(),
    );
    assert_eq!(all.len(), 6);
    for nonce in &all {
        assert_eq!(nonce.len(), 24);
        assert!(
            nonce
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6);
}

#[tokio::test]
async fn of_nested_layers_the_inner_one_is_a_handler_to_the_outer() {
    let rows: [(Precedence, &str, &str, &[&str]); 8] = [
        (Precedence::Handler, FULL, ROUTE, &[ROUTE]),
        (Precedence::Layer, FULL, ROUTE, &[FULL]),
        (Precedence::Both, FULL, ROUTE, &[ROUTE, FULL]),
        (Precedence::Handler, FULL, API, &[API]),
        (Precedence::Both, FULL, API, &[API, FULL]),
        (Precedence::Handler, API, FULL, &[FULL]),
        (Precedence::Layer, API, FULL, &[API]),
        (Precedence::Both, API, FULL, &[FULL, API]),
    ];
    for (precedence, outer, inner, expected) in rows {
        let outer_layer = enforcing(outer).precedence(precedence).build();
        let stack = tower::ServiceBuilder::new()
            .layer(outer_layer.expect("it is sound"))
            .layer(enforcing(inner).build().expect("it is sound"));
        let answer = get(stack, 200, &[HTML]).await;
        // With `{}` for the nonce that the page has seen: it is the same in each line.
        assert_eq!(
            answer.enforced(),
            expected,
            "{precedence:?} {outer} {inner}"
        );
    }
}

#[tokio::test]
async fn further_documents_say_a_nonce() {
    for (types, expected) in [(&["Image/SVG+xml"][..], FULL), (&[], TWIN)] {
        let layer = enforcing(FULL).nonce_media_types(types).build();
        let answer = get(layer.expect("it is sound"), 200, &[SVG]).await;
        assert_eq!(answer.enforced(), [expected]);
    }
}

#[tokio::test]
async fn an_error_of_the_service_is_passed_on() {
    let failing = service_fn(|_: Request<()>| async { Err::<Response<()>, _>("broken") });
    let answer = CspLayer::strict().layer(failing);
    let answer = ServiceExt::<Request<()>>::oneshot(answer, Request::new(())).await;
    assert_eq!(answer.err(), Some("broken"));
}

#[tokio::test]
async fn it_is_as_ready_as_the_service_inside() {
    let (mut mock, mut handle) =
        tower_test::mock::spawn_layer::<Request<()>, Response<()>, _>(CspLayer::strict());
    handle.allow(0);
    assert!(mock.poll_ready().is_pending());
    handle.allow(1);
    assert!(mock.poll_ready().is_ready());
    let answer = mock.call(Request::new(()));
    let (request, send) = handle.next_request().await.expect("it was called");
    assert!(CspNonce::from_extensions(request.extensions()).is_some());
    send.send_response(Response::new(()));
    let answer = answer.await.expect("it was answered");
    assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY));
}

#[test]
fn a_layer_tells_what_it_does() {
    let layer = CspLayer::strict();
    assert!(layer.has_nonce() && layer.enforced().is_some() && layer.report_only().is_none());
    assert_eq!(layer.mode(), Mode::Enforce);
    assert_eq!(layer.precedence(), Precedence::Handler);
    assert_eq!(layer.nonce_caching(), NonceCaching::NoStore);
    let layer = CspLayer::builder()
        .report_only(policy_watched())
        .mode(Mode::Off)
        .precedence(Precedence::Both)
        .nonce_caching(NonceCaching::Leave)
        .build()
        .expect("it is sound");
    assert!(layer.has_nonce() && layer.enforced().is_none() && layer.report_only().is_some());
    assert_eq!(layer.mode(), Mode::Off);
    assert_eq!(layer.precedence(), Precedence::Both);
    assert_eq!(layer.nonce_caching(), NonceCaching::Leave);
    assert!(!CspLayer::api().has_nonce() && !CspLayer::owasp_2026().has_nonce());
    assert!(CspLayer::compatible().has_nonce());
}
