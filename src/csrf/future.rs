//! What isolation adds to answers.

use http::header::{HeaderValue, VARY};
use http::{HeaderMap, Method, Response};

use super::check::CsrfPolicy;
use crate::core::Amend;

/// What an answer of an isolated service depends on, for caches.
const METADATA: [&str; 3] = ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"];
const METADATA_LINE: HeaderValue =
    HeaderValue::from_static("Sec-Fetch-Site, Sec-Fetch-Mode, Sec-Fetch-Dest");

/// What the layer does to an answer with isolation on: the `Vary` of a GET or HEAD.
#[derive(Clone, Copy, Debug)]
pub struct CsrfAmendment(Vary);

#[derive(Clone, Copy, Debug)]
enum Vary {
    Metadata,
    /// Trusted origins are let through by their `Origin`.
    MetadataAndOrigin,
}

impl CsrfPolicy {
    /// The amendment for an answer to `method`. Others are not cached.
    #[inline]
    pub(super) fn amendment(&self, method: &Method) -> Option<CsrfAmendment> {
        if !self.is_isolating() || !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        Some(CsrfAmendment(if self.trusted.is_empty() {
            Vary::Metadata
        } else {
            Vary::MetadataAndOrigin
        }))
    }
}

impl Amend for CsrfAmendment {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        match self.0 {
            Vary::Metadata => vary_by_metadata(headers),
            Vary::MetadataAndOrigin => {
                vary_by_metadata(headers);
                vary_by(headers, "Origin");
            }
        }
    }
}

fn vary_by_metadata(headers: &mut HeaderMap) {
    if METADATA.iter().any(|name| varies_by(headers, name)) {
        METADATA.iter().for_each(|name| vary_by(headers, name));
    } else {
        // One line for the usual answer.
        append(headers, METADATA_LINE);
    }
}

fn vary_by(headers: &mut HeaderMap, name: &'static str) {
    if !varies_by(headers, name) {
        append(headers, HeaderValue::from_static(name));
    }
}

/// Whether the answer says already that it depends on `name`, or on everything.
fn varies_by(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|known| known == b"*" || known.eq_ignore_ascii_case(name.as_bytes()))
}

fn append(headers: &mut HeaderMap, value: HeaderValue) {
    // Only a map of 32,768 lines is full.
    let _ = headers.try_append(VARY, value);
}
