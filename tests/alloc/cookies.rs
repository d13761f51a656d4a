//! Hardening of every `Set-Cookie`.

use super::*;

use http::header::{COOKIE, SET_COOKIE};
use tower_security::cookies::{CookieLayer, CookiePolicy};

const CONFORMING: &str = "a=1; Path=/; Secure; HttpOnly; SameSite=Lax";

/// Answers with the first so many of its lines.
#[derive(Clone, Copy, Debug)]
struct Sets(&'static [&'static str]);

impl<B> Service<Request<B>> for Sets {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        for line in self.0 {
            let line = HeaderValue::from_static(line);
            response.headers_mut().append(SET_COOKIE, line);
        }
        ready(Ok(response))
    }
}

fn renaming() -> CookieLayer {
    let builder = CookieLayer::builder().host_prefix(["session", "id"]);
    builder.build().expect("it is sound")
}

fn request(lines: &[&str]) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    for line in lines {
        // As hyper makes it: a part of a shared buffer.
        let value = HeaderValue::from_maybe_shared(Bytes::copy_from_slice(line.as_bytes()));
        let value = value.expect("it is a value");
        drop(value.clone());
        request.headers_mut().append(COOKIE, value);
    }
    request
}

#[test]
fn cookies_make_one_for_a_line_that_is_changed_and_none_for_others() {
    let rows: [(&str, &'static [&'static str], usize); 7] = [
        ("no cookie", &[], 0),
        ("conforming", &[CONFORMING], 0),
        ("three conforming", &[CONFORMING, CONFORMING, CONFORMING], 0),
        ("changed", &["a=1"], 1),
        (
            "attributes removed",
            &["__Host-a=1; SameSite=x; Path=/x; Domain=a.example; Domain="],
            1,
        ),
        ("one of two", &[CONFORMING, "a=1; Path=/"], 1),
        ("three", &["a=1", "b=2; SameSite=None", "c=3"], 3),
    ];
    for (name, lines, expected) in rows {
        let bare = allocations(|| go(&mut Sets(lines), request(&[])));
        for layer in [CookieLayer::strict(), renaming()] {
            let mut service = layer.layer(Sets(lines));
            let made = allocations(|| go(&mut service, request(&[])));
            assert_eq!(made - bare, expected, "{name}");
        }
    }
    let renamed: &[&str] = &["session=1; Domain=a.example; Path=/app"];
    let bare = allocations(|| go(&mut Sets(renamed), request(&[])));
    let mut service = renaming().layer(Sets(renamed));
    assert_eq!(allocations(|| go(&mut service, request(&[]))) - bare, 1);
}

#[test]
fn cookies_of_a_request_make_one_when_they_are_changed() {
    let many = "a=1; ".repeat(10_000);
    let rows: [(&str, Vec<&str>, usize); 6] = [
        ("none", vec![], 0),
        ("others", vec!["a=1; b=2", "c=3"], 0),
        ("many others", vec![&many], 0),
        ("session", vec!["a=1; __Host-session=v; b=2"], 1),
        ("crumbs", vec!["a=1", "__Host-session=v", "__Host-id=1"], 1),
        // Nothing is left.
        ("planted", vec!["%73ession=v"], 0),
    ];
    let layer = renaming();
    for (name, lines, expected) in rows {
        let (mut head, ()) = request(&lines).map(|_| ()).into_parts();
        let made = allocations(|| layer.policy().restore(&mut head.headers));
        assert_eq!(made, expected, "{name}");
        if name != "planted" {
            let mut service = layer.layer(Bare);
            let request = request(&lines);
            assert_eq!(
                allocations(|| go(&mut service, request)),
                expected,
                "{name}"
            );
            let mut service = CookieLayer::strict().layer(Bare);
            let request = self::request(&lines);
            assert_eq!(allocations(|| go(&mut service, request)), 0, "{name}");
        }
    }
}

#[test]
fn a_line_of_nothing_but_semicolons_makes_one() {
    let line = format!("a=1{}", ";".repeat(2_000));
    let line = HeaderValue::try_from(line).expect("it is a value");
    let policy = CookiePolicy::default();
    assert_eq!(allocations(|| policy.harden(&line)), 1);
}
