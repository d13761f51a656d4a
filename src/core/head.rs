//! The head of a request, lent to somebody who wants parts: to take the request apart would move all of it, twice.

use std::mem::swap;

use http::Request;
use http::request::Parts;

/// Shows the head of a request.
pub(crate) fn with_parts<B, T>(request: &mut Request<B>, look: impl FnOnce(&Parts) -> T) -> T {
    let (parts, ()) = take(request).into_parts();
    let seen = look(&parts);
    give_back(request, parts);
    seen
}

/// The head, as a request without a body.
pub(crate) fn take<B>(request: &mut Request<B>) -> Request<()> {
    let mut lent = Request::new(());
    swap_heads(request, &mut lent);
    lent
}

/// Undoes [`take`].
pub(crate) fn give_back<B>(request: &mut Request<B>, parts: Parts) {
    swap_heads(request, &mut Request::from_parts(parts, ()));
}

fn swap_heads<A, B>(one: &mut Request<A>, other: &mut Request<B>) {
    swap(one.method_mut(), other.method_mut());
    swap(one.uri_mut(), other.uri_mut());
    swap(one.version_mut(), other.version_mut());
    swap(one.headers_mut(), other.headers_mut());
    swap(one.extensions_mut(), other.extensions_mut());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_was_lent_comes_back_whole() {
        let mut request = Request::post("/a?b")
            .version(http::Version::HTTP_2)
            .header("x", "1")
            .extension(7_u8)
            .body("body")
            .unwrap();
        let path = with_parts(&mut request, |parts| parts.uri.path().to_owned());
        assert_eq!(path, "/a");
        assert_eq!(
            (request.method().as_str(), request.uri(), request.version()),
            (
                "POST",
                &http::Uri::from_static("/a?b"),
                http::Version::HTTP_2
            )
        );
        assert_eq!(request.headers()["x"], "1");
        assert_eq!(request.extensions().get(), Some(&7_u8));
        assert_eq!(request.into_body(), "body");
    }
}
