//! What of an answer has to be replaced. Pure.

use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED, TRAILER,
    TRANSFER_ENCODING,
};
use http::{Extensions, HeaderMap, HeaderName, StatusCode};

use super::config::DEBUG_PREFIX;
use super::layer::Core;
use crate::core::{Problem, Refused, Rejection, is_grpc_type};

/// Headers that say something of a body, and say it of none when that is replaced.
static OF_BODY: [HeaderName; 15] = [
    ACCEPT_RANGES,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_LOCATION,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    TRAILER,
    TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

pub(super) fn is_of_body(name: &HeaderName) -> bool {
    OF_BODY.contains(name)
}

pub(super) fn remove_those_of_body(headers: &mut HeaderMap) {
    for name in &OF_BODY {
        headers.remove(name);
    }
}

/// What stands in the head of an answer, found in one pass over its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(u8);

impl Seen {
    const BANNER: u8 = 1;
    const DEBUG: u8 = 1 << 1;
    const ENCODED: u8 = 1 << 2;
    const GRPC: u8 = 1 << 3;
    const GRPC_STATUS: u8 = 1 << 4;
    const LENGTH: u8 = 1 << 5;
    const PLAIN: u8 = 1 << 6;
    const TYPED: u8 = 1 << 7;

    #[inline]
    pub(super) fn of(headers: &HeaderMap, core: &Core) -> Self {
        let mut seen = 0;
        for (name, value) in headers {
            seen |= match name.as_str() {
                "content-type" if is_grpc_type(value.as_bytes()) => Self::GRPC | Self::TYPED,
                "content-type" if is_plain_text(value.as_bytes()) => Self::PLAIN | Self::TYPED,
                "content-type" if value.as_bytes().trim_ascii().is_empty() => 0,
                "content-type" => Self::TYPED,
                "content-encoding" => Self::ENCODED,
                "content-length" if value != "0" => Self::LENGTH,
                "grpc-status" | "grpc-message" | "grpc-status-details-bin" => Self::GRPC_STATUS,
                text if is_debug(text) => Self::DEBUG,
                text if core.removed.find(text).is_some() => Self::BANNER,
                _ => 0,
            };
        }
        Self(seen)
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// Whether nothing is to be taken off, and neither head nor trailers are gRPC's.
    pub(super) const fn is_plain_answer(self) -> bool {
        !self.has(Self::BANNER | Self::DEBUG | Self::GRPC | Self::GRPC_STATUS)
    }

    pub(super) const fn is_grpc(self) -> bool {
        self.has(Self::GRPC)
    }

    /// Whether the head says how a call of gRPC has ended.
    pub(super) const fn has_grpc_status(self) -> bool {
        self.has(Self::GRPC_STATUS)
    }

    /// Whether the body was compressed, so that nobody can look into it.
    pub(super) const fn is_encoded(self) -> bool {
        self.has(Self::ENCODED)
    }

    pub(super) const fn has_banner(self) -> bool {
        self.has(Self::BANNER | Self::DEBUG)
    }
}

fn is_debug(name: &str) -> bool {
    name.starts_with(DEBUG_PREFIX)
}

fn is_plain_text(value: &[u8]) -> bool {
    const PLAIN: &[u8] = b"text/plain";
    value
        .split_at_checked(PLAIN.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(PLAIN)
                && matches!(rest.first(), None | Some(b';' | b' ' | b'\t'))
        })
}

/// Takes off what tells which software answers.
pub(super) fn strip(headers: &mut HeaderMap, seen: Seen, core: &Core) {
    if seen.has(Seen::BANNER) {
        core.removed.take_off(headers);
    }
    if seen.has(Seen::DEBUG) {
        while let Some(name) = headers.keys().find(|name| is_debug(name.as_str())).cloned() {
            headers.remove(name);
        }
    }
}

/// What becomes of an answer that is not gRPC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is handed on.
    Keep,
    /// The framework's word on a request that it could not read, or a router's that it knows no such route.
    MaskClientError,
    /// A fault of the server: nothing of it goes out.
    MaskFault,
}

impl Verdict {
    /// Judges a final answer. `is_empty`: its body has no bytes.
    pub(super) fn of(
        core: &Core,
        status: StatusCode,
        seen: Seen,
        extensions: &Extensions,
        is_empty: bool,
    ) -> Self {
        if status.as_u16() < 400 || is_deliberate(extensions) {
            return Self::Keep;
        }
        match status {
            _ if status.is_server_error() || status.as_u16() >= 600 => Self::MaskFault,
            // To a HEAD the framework may have removed a body whose length it still tells.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                if core.all_not_found || (is_empty && !seen.has(Seen::LENGTH)) =>
            {
                Self::MaskClientError
            }
            _ if core.client_errors && seen.has(Seen::PLAIN) => Self::MaskClientError,
            // On plain hyper words have no type unless somebody gives them one.
            _ if core.client_errors && !is_empty && !seen.has(Seen::TYPED) => Self::MaskClientError,
            // Said by a handler, for all that can be told.
            _ => Self::Keep,
        }
    }
}

/// Whether whoever made an answer has chosen its words for the client.
pub(super) fn is_deliberate(extensions: &Extensions) -> bool {
    extensions.get::<Refused>().is_some() || Problem::is(extensions)
}

/// What takes the place of an answer with this status.
pub(super) fn replacement(core: &Core, status: StatusCode) -> Rejection {
    let rejection = Rejection::uniform(status);
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => rejection.prepared(core.internal.clone()),
        StatusCode::NOT_FOUND => rejection.prepared(core.not_found.clone()),
        _ => rejection,
    }
}
