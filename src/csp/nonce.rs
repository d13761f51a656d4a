//! The nonce: drawn once for a request, said once in the header and once in each script tag.

use std::fmt;

use http::Extensions;
use http::request::Parts;

use super::layer::LAYER;
use crate::core::{EventName, Events, Level, Outcome, RequestId, SecurityEvent, Shared};

/// 144 bits. CSP3 section 7.1 asks for 128 at least; 18 bytes are the least above that to make base64 without padding.
const RAW: usize = 18;
/// Characters of [`RAW`] bytes in base64.
pub(super) const LENGTH: usize = 24;

/// The nonce of one request, for the `nonce` attribute of `<script>` and `<style>` tags.
///
/// 144 bits from the operating system as 24 characters of base64url (RFC 4648 section 5), `A-Z a-z 0-9 - _`: nothing that a template
/// engine would escape. [`CspLayer`](super::CspLayer) draws it before the handler is called, where one of its policies has a place
/// for a nonce, and puts it into the request's extensions; an axum handler takes it as an argument. The header of the answer says the
/// same nonce. It cannot be made of text: a nonce that somebody chose is none.
///
/// Write it into tags of your own templates alone. A template that puts it into text which a user wrote lets the user's script run,
/// and so does code that adds it to every tag of finished HTML. `Debug` does not show it.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, header::CONTENT_SECURITY_POLICY};
/// use http_body_util::{BodyExt, Full};
/// use std::convert::Infallible;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_security::csp::{CspLayer, CspNonce};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let page = service_fn(|request: Request<()>| async move {
///     let nonce = CspNonce::from_request_parts(&request.into_parts().0);
///     let script = nonce.map(|nonce| format!("<script nonce=\"{nonce}\">start()</script>"));
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(script.unwrap_or_default()))))
/// });
/// let answer = ServiceExt::<Request<()>>::oneshot(CspLayer::strict().layer(page), Request::new(())).await?;
///
/// let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str()?.to_owned();
/// let body = answer.into_body().collect().await?.to_bytes();
/// let nonce = std::str::from_utf8(&body[15..39])?;
/// assert!(policy.contains(&format!("script-src 'nonce-{nonce}' 'strict-dynamic'")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct CspNonce([u8; LENGTH]);

impl CspNonce {
    /// Returns the nonce of a request, if a layer drew one.
    #[must_use]
    pub fn from_request_parts(head: &Parts) -> Option<Self> {
        Self::from_extensions(&head.extensions)
    }

    /// Returns the nonce of a request that is not in parts.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        extensions.get().copied()
    }

    /// Returns the 24 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    fn draw() -> Option<Self> {
        random().map(|raw| Self(encode(&raw)))
    }
}

impl fmt::Display for CspNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whoever reads a log must not be able to use what is written there while the page is open.
impl fmt::Debug for CspNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CspNonce(..)")
    }
}

/// What became of drawing a nonce for a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    /// `None`: the operating system had no randomness to give.
    pub(super) nonce: Option<CspNonce>,
    /// Whether the request had a nonce already, of a layer further outside.
    pub(super) is_second: bool,
}

/// Draws the nonce of a request and puts it into the extensions. One that is there already is replaced, also by none: whoever
/// copies the extensions of one request to another must not make two answers share a nonce.
pub(super) fn attach(extensions: &mut Extensions, events: &Events) -> Drawn {
    match CspNonce::draw() {
        Some(nonce) => Drawn {
            nonce: Some(nonce),
            is_second: extensions.insert(nonce).is_some(),
        },
        None => unavailable(extensions, events),
    }
}

#[cold]
fn unavailable(extensions: &mut Extensions, events: &Events) -> Drawn {
    const NAME: EventName = EventName::CryptEncryptFail;
    let is_second = extensions.remove::<CspNonce>().is_some();
    let shared = Shared::from_extensions(extensions);
    events.emit(shared, NAME, Level::Error, || {
        let mut event =
            SecurityEvent::new(NAME, LAYER, "nonce_unavailable").outcome(Outcome::Fault);
        event.request_id = RequestId::from_extensions(extensions);
        event
    });
    Drawn {
        nonce: None,
        is_second,
    }
}

fn encode(raw: &[u8; RAW]) -> [u8; LENGTH] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u8| {
        let digit = ALPHABET.get(usize::from(bits & 63));
        digit.copied().unwrap_or_default()
    };
    let mut text = [0; LENGTH];
    let (groups, _) = raw.as_chunks::<3>();
    let (quads, _) = text.as_chunks_mut::<4>();
    for ([a, b, c], quad) in groups.iter().zip(quads) {
        *quad = [
            digit(a >> 2),
            digit(a << 4 | b >> 4),
            digit(b << 2 | c >> 6),
            digit(*c),
        ];
    }
    text
}

#[cfg(not(test))]
use crate::core::random::bytes as random;

#[cfg(test)]
use tests::random;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;
    use std::collections::HashSet;

    use super::*;

    thread_local! {
        static IS_DRY: Cell<bool> = const { Cell::new(false) };
    }

    /// The random source of unit tests: [`without_randomness`] turns it off.
    pub(super) fn random() -> Option<[u8; RAW]> {
        if IS_DRY.get() {
            return None;
        }
        crate::core::random::bytes()
    }

    /// Runs a test as if the operating system had no randomness to give to this thread.
    pub(in crate::csp) fn without_randomness<T>(test: impl FnOnce() -> T) -> T {
        struct Restore;
        impl Drop for Restore {
            fn drop(&mut self) {
                IS_DRY.set(false);
            }
        }
        IS_DRY.set(true);
        let _restore = Restore;
        test()
    }

    #[test]
    fn bytes_become_base64url_without_padding() {
        let raw = |text: &[u8]| -> [u8; RAW] { text.try_into().unwrap() };
        let rows: [([u8; RAW], &[u8]); 5] = [
            ([0; RAW], b"AAAAAAAAAAAAAAAAAAAAAAAA"),
            ([0xff; RAW], b"________________________"),
            ([0xfb; RAW], b"-_v7-_v7-_v7-_v7-_v7-_v7"),
            // RFC 4648 section 10 has `foobar` as `Zm9vYmFy`.
            (raw(b"foobarfoobarfoobar"), b"Zm9vYmFyZm9vYmFyZm9vYmFy"),
            (raw(b"0123456789abcdefgh"), b"MDEyMzQ1Njc4OWFiY2RlZmdo"),
        ];
        for (raw, expected) in rows {
            assert_eq!(encode(&raw), expected);
        }
    }

    #[test]
    fn a_million_nonces_of_eight_threads_are_unique() {
        let draw = || -> Vec<CspNonce> { (0..125_000).filter_map(|_| CspNonce::draw()).collect() };
        let drawn: Vec<Vec<CspNonce>> = std::thread::scope(|scope| {
            // All are started before the first is waited for.
            let threads = [(); 8].map(|()| scope.spawn(draw));
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let unique: HashSet<&[u8; LENGTH]> =
            drawn.iter().flatten().map(CspNonce::as_bytes).collect();
        assert_eq!(unique.len(), 1_000_000);
    }

    #[test]
    fn a_nonce_shows_itself_to_templates_alone() {
        let nonce = CspNonce(*b"MDEyMzQ1Njc4OWFiY2RlZmdo");
        assert_eq!(nonce.to_string(), "MDEyMzQ1Njc4OWFiY2RlZmdo");
        assert_eq!(format!("{nonce:>26}"), "  MDEyMzQ1Njc4OWFiY2RlZmdo");
        assert_eq!(nonce.as_str(), "MDEyMzQ1Njc4OWFiY2RlZmdo");
        assert_eq!(format!("{nonce:?}"), "CspNonce(..)");
        assert_eq!(format!("{:#?}", Some(nonce)), "Some(\n    CspNonce(..),\n)");
    }

    #[test]
    fn one_nonce_replaces_another_and_none_too() {
        let mut extensions = Extensions::new();
        let events = Events::new(crate::core::NoopSink::new());
        let first = attach(&mut extensions, &events);
        assert!(!first.is_second);
        let second = attach(&mut extensions, &events);
        assert!(second.is_second);
        let text = |drawn: Drawn| drawn.nonce.map(|nonce| nonce.to_string());
        assert_ne!(text(first), text(second));
        let attached = CspNonce::from_extensions(&extensions);
        assert_eq!(attached.map(|nonce| nonce.to_string()), text(second));

        let none = without_randomness(|| attach(&mut extensions, &events));
        assert!(none.nonce.is_none() && none.is_second);
        assert!(CspNonce::from_extensions(&extensions).is_none());
    }
}
