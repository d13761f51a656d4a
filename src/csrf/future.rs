//! What isolation adds to answers.

use http::header::{HeaderValue, VARY};
use http::{HeaderMap, Method, Response};

use super::check::CsrfPolicy;
use crate::core::{Amend, field};

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
    if METADATA
        .iter()
        .any(|name| field::varies_by(headers, name.as_bytes()))
    {
        METADATA.iter().for_each(|name| vary_by(headers, name));
    } else {
        // One line for the usual answer.
        field::add(headers, VARY, METADATA_LINE);
    }
}

fn vary_by(headers: &mut HeaderMap, name: &'static str) {
    if !field::varies_by(headers, name.as_bytes()) {
        field::add(headers, VARY, HeaderValue::from_static(name));
    }
}
