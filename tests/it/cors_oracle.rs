//! What browsers make of the answers: the Fetch standard's own checks, and `tower_http::cors` beside.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use tower::{Layer, Service};
use tower_security::cors::{CorsBuilder, CorsLayer};

use crate::cors::{APP, preflight, request};
use crate::support::fetch_oracle::Fetch;
use crate::support::service::{Spy, go};

const ORIGINS: [&str; 4] = [
    APP,
    "https://a.example.org",
    "http://localhost:3000",
    "https://example.org",
];
/// What pages come from: allowed ones, their look-alikes, and `null`.
const PAGES: [&str; 8] = [
    APP,
    "https://a.example.org",
    "https://b.a.example.org",
    "https://example.org",
    "http://localhost:3000",
    "http://localhost:3001",
    "https://app.example.com.evil.test",
    "null",
];
const METHODS: [&str; 4] = ["PUT", "DELETE", "PATCH", "PURGE"];
const NAMES: [&str; 4] = ["authorization", "content-type", "x-a", "x-ab"];

/// What the author of a policy means.
#[derive(Clone, Debug)]
struct Intent {
    origins: Option<Vec<&'static str>>,
    below: bool,
    credentials: bool,
    methods: Option<Vec<&'static str>>,
    names: Option<Vec<&'static str>>,
    authorization: bool,
    expose: Option<Vec<&'static str>>,
    explain: bool,
}

impl Intent {
    fn builder(&self) -> CorsBuilder {
        let mut builder = CorsLayer::builder()
            .credentials(self.credentials)
            .explain_failures(self.explain);
        builder = match &self.origins {
            None => builder.any_origin(),
            Some(origins) => {
                let below = self.below.then_some("https://*.example.org");
                builder.origins(origins.iter().copied().chain(below))
            }
        };
        builder = match &self.methods {
            None => builder.any_method(),
            Some(methods) => builder.methods(methods),
        };
        let authorization = self.authorization.then_some("authorization");
        builder = match &self.names {
            None => builder.any_request_header().request_headers(authorization),
            Some(names) => builder.request_headers(names),
        };
        match &self.expose {
            None => builder.expose_any_header(),
            Some(names) => builder.expose_headers(names),
        }
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let Some(origins) = &self.origins else {
            return true;
        };
        let is_below = self.below
            && origin
                .strip_prefix("https://")
                .and_then(|host| host.strip_suffix(".example.org"))
                .is_some_and(|label| !label.is_empty());
        is_below || origins.contains(&origin)
    }

    /// Whether the page may send its request.
    fn allows(&self, fetch: &Fetch) -> bool {
        let safelisted = ["GET", "HEAD", "POST"].contains(&&*fetch.method);
        let method = safelisted
            || self
                .methods
                .as_ref()
                .is_none_or(|methods| methods.contains(&&*fetch.method));
        let names = fetch.headers.iter().all(|name| match &self.names {
            Some(names) => names.contains(&&**name),
            None => name != "authorization" || self.authorization || self.credentials,
        });
        self.allows_to_read(fetch) && method && names
    }

    fn allows_to_read(&self, fetch: &Fetch) -> bool {
        self.allows_origin(&fetch.origin) && (self.credentials || !fetch.credentials)
    }
}

fn some<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let most = all.len();
    prop::sample::subsequence(all, 0..=most)
}

fn intents() -> impl Strategy<Value = Intent> {
    let origins = prop::option::weighted(0.8, some(ORIGINS.to_vec()));
    let lists = (
        prop::option::of(some(METHODS.to_vec())),
        prop::option::of(some(NAMES.to_vec())),
        prop::option::of(some(vec!["etag", "x-b", "content-type"])),
    );
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (origins, lists, switches)
        .prop_map(
            |(origins, (methods, names, expose), (below, credentials, authorization, explain))| {
                Intent {
                    below: below && origins.is_some(),
                    credentials: credentials && origins.is_some() && expose.is_some(),
                    origins,
                    methods,
                    names,
                    authorization,
                    expose,
                    explain,
                }
            },
        )
        .prop_filter("nobody is allowed", |intent| {
            intent.below || intent.origins.as_ref().is_none_or(|list| !list.is_empty())
        })
}

fn fetches() -> impl Strategy<Value = Fetch> {
    let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "PURGE", "put",
    ];
    (
        prop::sample::select(PAGES.to_vec()),
        any::<bool>(),
        prop::sample::select(methods.to_vec()),
        some(["authorization", "content-type", "x-a", "x-ab", "x-b"].to_vec()),
    )
        .prop_map(|(origin, credentials, method, headers)| Fetch {
            origin: origin.to_owned(),
            credentials,
            method: method.to_owned(),
            headers: headers.into_iter().map(str::to_owned).collect(),
        })
}

/// How the list of names arrives: in one line, spaced by an intermediary, or split.
#[derive(Clone, Copy, Debug)]
enum Path {
    Plain,
    Spaced,
    Split,
}

fn asked(fetch: &Fetch, path: Path) -> Request<()> {
    let names = fetch.unsafe_names();
    let lines = match path {
        _ if names.is_empty() => Vec::new(),
        Path::Plain => vec![names.join(",")],
        Path::Spaced => vec![names.join(", ")],
        Path::Split => names,
    };
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    preflight(&fetch.origin, &fetch.method, &lines)
}

/// Goes through a whole fetch. Returns whether the request was sent, and the answer if the page may read it.
fn browse<S>(service: &S, fetch: &Fetch, path: Path) -> (bool, Option<HeaderMap>)
where
    S: Service<Request<()>, Response = Response<Full<Bytes>>, Error = std::convert::Infallible>
        + Clone,
{
    let run = |request| futures_block(go(service.clone(), request));
    if fetch.needs_preflight() {
        let answer = run(asked(fetch, path));
        if !fetch.may_go_on(answer.status(), answer.headers()) {
            return (false, None);
        }
    }
    let method = Method::from_bytes(fetch.method.as_bytes()).unwrap();
    let answer = run(request(method, &[("origin", &fetch.origin)]));
    let headers = answer.into_parts().0.headers;
    (true, fetch.may_read(&headers).then_some(headers))
}

/// The services here are ready at once: no runtime is needed.
fn futures_block<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn paths() -> impl Strategy<Value = Path> {
    prop::sample::select(vec![Path::Plain, Path::Spaced, Path::Split])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The browser lets a page do what the author meant, and nothing else.
    #[test]
    fn the_browser_agrees_with_the_intent(intent in intents(), fetch in fetches(), path in paths()) {
        let layer = intent.builder().build().unwrap();
        let spy = Spy::new().header(HeaderName::from_static("x-b"), "b");
        let service = layer.layer(spy.clone());

        let (sent, answer) = browse(&service, &fetch, path);

        let may_send = intent.allows(&fetch);
        prop_assert_eq!(sent, may_send || !fetch.needs_preflight());
        prop_assert_eq!(spy.calls(), usize::from(sent), "a preflight never reaches the handler");
        prop_assert_eq!(answer.is_some(), sent && intent.allows_to_read(&fetch));
        if let Some(answer) = answer {
            let sees = intent.expose.as_ref().is_none_or(|names| names.contains(&"x-b"));
            let wildcard_counts = intent.expose.is_some() || !fetch.credentials;
            prop_assert_eq!(fetch.sees("x-b", &answer), sees && wildcard_counts);
        }
    }

    /// What no browser needs to know is not said.
    #[test]
    fn refused_preflights_say_nothing(intent in intents(), fetch in fetches(), path in paths()) {
        let layer = intent.builder().explain_failures(false).build().unwrap();
        let spy = Spy::new();
        let answer = futures_block(go(layer.layer(spy.clone()), asked(&fetch, path)));

        prop_assert_eq!(spy.calls(), 0);
        if answer.status() == StatusCode::FORBIDDEN {
            prop_assert!(answer.headers().is_empty());
        } else {
            prop_assert_eq!(answer.status(), StatusCode::NO_CONTENT);
            let list = |name: &str| -> Vec<String> {
                let lines = answer.headers().get_all(name).iter();
                lines.flat_map(|line| line.to_str().unwrap().split(',').map(|item| item.trim().to_owned()))
                    .collect()
            };
            let methods = list("access-control-allow-methods");
            prop_assert!(methods.iter().all(|method| *method == fetch.method || method == "*"));
            let names = list("access-control-allow-headers");
            let is_asked = |name: &String| fetch.headers.contains(name);
            let is_wildcard = names == ["*"] || names == ["*", "authorization"];
            prop_assert!(is_wildcard || names.iter().all(is_asked));
        }
        // Explaining to origins that are not allowed would be saying it.
        if !intent.allows_origin(&fetch.origin) {
            let explaining = intent.builder().explain_failures(true).build().unwrap();
            let answer = futures_block(go(explaining.layer(spy), asked(&fetch, path)));
            prop_assert_eq!(answer.status(), StatusCode::FORBIDDEN);
            prop_assert!(answer.headers().is_empty());
        }
    }

    /// A cache that keeps to `Vary` never serves one origin's answer to another.
    #[test]
    fn answers_that_differ_by_origin_say_so(intent in intents(), one in fetches(), other in fetches()) {
        let service = intent.builder().build().unwrap().layer(Spy::new());
        let answer = |fetch: &Fetch| {
            let lines = [("origin", &*fetch.origin)];
            futures_block(go(service.clone(), request(Method::GET, &lines))).into_parts().0.headers
        };
        let without = futures_block(go(service.clone(), request(Method::GET, &[]))).into_parts().0.headers;
        let answers = [answer(&one), answer(&other), without];
        let varies = |headers: &HeaderMap| headers.get("vary").is_some_and(|vary| vary == "Origin");
        let differ = answers.windows(2).any(|pair| pair[0] != pair[1]);
        prop_assert!(!differ || answers.iter().all(varies));
    }
}

/// The same policy for `tower_http`, as far as it can say it.
fn rival(intent: &Intent) -> tower_http::cors::CorsLayer {
    use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, ExposeHeaders};
    let origins = match &intent.origins {
        None => AllowOrigin::any(),
        Some(origins) => AllowOrigin::list(
            origins
                .iter()
                .map(|origin| HeaderValue::from_static(origin)),
        ),
    };
    let methods = match &intent.methods {
        None if intent.credentials => AllowMethods::mirror_request(),
        None => AllowMethods::any(),
        Some(methods) => AllowMethods::list(
            methods
                .iter()
                .map(|method| Method::from_bytes(method.as_bytes()).unwrap()),
        ),
    };
    let names = match &intent.names {
        None if intent.credentials => AllowHeaders::mirror_request(),
        None => AllowHeaders::any(),
        Some(names) => AllowHeaders::list(names.iter().map(|name| HeaderName::from_static(name))),
    };
    let exposed = match &intent.expose {
        None => ExposeHeaders::any(),
        Some(names) => ExposeHeaders::list(names.iter().map(|name| HeaderName::from_static(name))),
    };
    tower_http::cors::CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods)
        .allow_headers(names)
        .expose_headers(exposed)
        .allow_credentials(intent.credentials)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Browsers see no difference to `tower_http` where both can say the same.
    #[test]
    fn browsers_agree_with_tower_http(intent in intents(), fetch in fetches()) {
        // It has no patterns, and no way to name `authorization` beside a wildcard.
        let intent = Intent {
            below: false,
            authorization: false,
            explain: false,
            ..intent
        };
        prop_assume!(intent.origins.as_ref().is_none_or(|list| !list.is_empty()));
        let name = HeaderName::from_static("x-b");
        let handler = || Spy::new().header(name.clone(), "b");
        let ours = intent.builder().build().unwrap().layer(handler());
        let theirs = rival(&intent).layer(handler());

        let (sent, read) = browse(&ours, &fetch, Path::Plain);
        let (sent_there, read_there) = browse(&theirs, &fetch, Path::Plain);

        prop_assert_eq!(sent, sent_there);
        prop_assert_eq!(read.is_some(), read_there.is_some());
        if let (Some(ours), Some(theirs)) = (read, read_there) {
            prop_assert_eq!(fetch.sees("x-b", &ours), fetch.sees("x-b", &theirs));
        }
    }
}
