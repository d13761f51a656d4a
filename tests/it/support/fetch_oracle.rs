//! What a browser makes of a server's answers: the checks of the Fetch standard, in its words and order, nothing cleverer.
//!
//! Source: <https://fetch.spec.whatwg.org/>, "CORS check", "CORS-preflight fetch", "CORS filtered response".

use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, HeaderName,
};

/// What a page asks its browser to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    pub(crate) origin: String,
    /// Credentials mode `include`.
    pub(crate) credentials: bool,
    pub(crate) method: String,
    /// Names of headers that are not safelisted, in lower case.
    pub(crate) headers: Vec<String>,
}

impl Fetch {
    /// Whether the request goes out only after a preflight.
    pub(crate) fn needs_preflight(&self) -> bool {
        !is_safelisted(&self.method) || !self.headers.is_empty()
    }

    /// "CORS-unsafe request-header names": sorted, each once.
    pub(crate) fn unsafe_names(&self) -> Vec<String> {
        let mut names = self.headers.clone();
        names.sort();
        names.dedup();
        names
    }

    /// "CORS check".
    pub(crate) fn may_read(&self, answer: &HeaderMap) -> bool {
        let Some(origin) = get(answer, &ACCESS_CONTROL_ALLOW_ORIGIN) else {
            return false;
        };
        if !self.credentials && origin == "*" {
            return true;
        }
        origin == self.origin
            && (!self.credentials
                || get(answer, &ACCESS_CONTROL_ALLOW_CREDENTIALS).as_deref() == Some("true"))
    }

    /// The checks of the answer to a preflight.
    pub(crate) fn may_go_on(&self, status: StatusCode, answer: &HeaderMap) -> bool {
        if !self.may_read(answer) || !status.is_success() {
            return false;
        }
        let methods = list(answer, &ACCESS_CONTROL_ALLOW_METHODS);
        let names = list(answer, &ACCESS_CONTROL_ALLOW_HEADERS);
        let has = |name: &str| {
            names
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(name))
        };
        let wildcard = |list: &[String]| !self.credentials && list.iter().any(|item| item == "*");
        let method_fits =
            is_safelisted(&self.method) || methods.contains(&self.method) || wildcard(&methods);
        let names_fit = self.headers.iter().all(|name| {
            let needs_its_name = name == "authorization";
            has(name) || (!needs_its_name && wildcard(&names))
        });
        method_fits && names_fit
    }

    /// Whether the page sees this header of an answer that it may read.
    pub(crate) fn sees(&self, name: &str, answer: &HeaderMap) -> bool {
        const ALWAYS: [&str; 7] = [
            "cache-control",
            "content-language",
            "content-length",
            "content-type",
            "expires",
            "last-modified",
            "pragma",
        ];
        let exposed = list(answer, &ACCESS_CONTROL_EXPOSE_HEADERS);
        let named = exposed.iter().any(|item| item.eq_ignore_ascii_case(name));
        let any = !self.credentials && exposed.iter().any(|item| item == "*");
        name != "set-cookie" && (ALWAYS.contains(&name) || named || any)
    }
}

fn is_safelisted(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// "Get": the lines, joined.
fn get(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|line| line.to_str().expect("nothing but ASCII is sent"))
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// "Extract header list values".
fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let all = get(headers, name).unwrap_or_default();
    all.split(',')
        .map(|item| item.trim_matches([' ', '\t']).to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

#[test]
fn the_oracle_knows_the_standard() {
    let headers = |lines: &[(&'static str, &'static str)]| -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        lines.iter().map(line).collect()
    };
    let fetch = |credentials, method: &str, names: &[&str]| Fetch {
        origin: "https://a.example".to_owned(),
        credentials,
        method: method.to_owned(),
        headers: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    const ORIGIN: (&str, &str) = ("access-control-allow-origin", "https://a.example");
    const ANY: (&str, &str) = ("access-control-allow-origin", "*");
    const ALLOW: (&str, &str) = ("access-control-allow-credentials", "true");

    assert!(fetch(false, "GET", &[]).may_read(&headers(&[ANY])));
    assert!(fetch(false, "GET", &[]).may_read(&headers(&[ORIGIN])));
    assert!(fetch(true, "GET", &[]).may_read(&headers(&[ORIGIN, ALLOW])));
    assert!(!fetch(true, "GET", &[]).may_read(&headers(&[ORIGIN])));
    assert!(!fetch(true, "GET", &[]).may_read(&headers(&[ANY, ALLOW])));
    let upper = ("access-control-allow-credentials", "True");
    assert!(!fetch(true, "GET", &[]).may_read(&headers(&[ORIGIN, upper])));
    let path = ("access-control-allow-origin", "https://a.example/");
    assert!(!fetch(false, "GET", &[]).may_read(&headers(&[path])));

    let methods = ("access-control-allow-methods", "put , *");
    let names = ("access-control-allow-headers", "X-A,*");
    let goes = |fetch: Fetch, more| {
        fetch.may_go_on(StatusCode::OK, &headers(&[ORIGIN, ALLOW, methods, more]))
    };
    assert!(goes(fetch(false, "PUT", &["x-a", "x-b"]), names));
    assert!(!goes(fetch(true, "PUT", &[]), names));
    assert!(goes(fetch(true, "POST", &["x-a"]), names));
    assert!(!goes(fetch(true, "POST", &["x-b"]), names));
    assert!(!goes(fetch(false, "POST", &["authorization"]), names));
    assert!(!fetch(false, "GET", &[]).may_go_on(StatusCode::FOUND, &headers(&[ORIGIN])));
    assert!(fetch(false, "GET", &[]).sees("expires", &headers(&[])));
    assert!(!fetch(false, "GET", &[]).sees("etag", &headers(&[])));
}
