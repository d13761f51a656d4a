//! What a gRPC status may say: in the head of an answer, or in its trailers.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::watch::{INTERNAL_ERROR, Watch};
use crate::core::field::{self, Lines};
use crate::core::text::cap;
use crate::core::{GRPC_DETAILS, GRPC_MESSAGE, GRPC_PUSHBACK, GRPC_STATUS, percent};

static STATUS: HeaderName = GRPC_STATUS;
static MESSAGE: HeaderName = GRPC_MESSAGE;
static DETAILS: HeaderName = GRPC_DETAILS;

/// What the status of an answer keeps of its metadata.
static KEPT: [HeaderName; 2] = [CONTENT_TYPE, GRPC_PUSHBACK];

/// A status that tells of the inside of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// 2, and what is none.
    Unknown,
    /// 13.
    Internal,
    /// 14: which of the services behind this one is down.
    Unavailable,
    /// 15.
    DataLoss,
}

impl Fault {
    const fn status(self) -> &'static str {
        match self {
            Self::Unknown => "2",
            Self::Internal => "13",
            Self::Unavailable => "14",
            Self::DataLoss => "15",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Unknown | Self::Internal | Self::DataLoss => "internal error",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The fault that a status tells of. One that is missing where there has to be one, that stands twice or that is no status counts as 2:
/// no client can say what it means.
pub(super) fn fault(headers: &HeaderMap, must_end: bool) -> Option<Fault> {
    let status = match Lines::of(headers, &STATUS) {
        Lines::One(status) => status.as_bytes(),
        Lines::Several(_) => return Some(Fault::Unknown),
        Lines::Absent => {
            let says = headers.contains_key(&MESSAGE) || headers.contains_key(&DETAILS);
            return (must_end || says).then_some(Fault::Unknown);
        }
    };
    match status {
        b"13" => Some(Fault::Internal),
        b"14" => Some(Fault::Unavailable),
        b"15" => Some(Fault::DataLoss),
        b"0" | b"1" | b"3" | b"4" | b"5" | b"6" | b"7" | b"8" | b"9" | b"10" | b"11" | b"12"
        | b"16" => None,
        // 2, a number that no status has, and what is no number.
        _ => Some(Fault::Unknown),
    }
}

/// Leaves of a status and its metadata what a client may know. Returns whether something was replaced.
pub(super) fn mask(headers: &mut HeaderMap, watch: &Watch, fault: Fault) -> bool {
    watch.tell(INTERNAL_ERROR, || detail(headers));
    if !watch.core.replaces() {
        return false;
    }
    keep_only(headers, KEPT.iter().chain(&watch.core.kept));
    let status = HeaderValue::from_static(fault.status());
    field::set(headers, STATUS.clone(), status);
    let message = HeaderValue::from_static(fault.message());
    field::set(headers, MESSAGE.clone(), message);
    true
}

/// Removes all headers but these.
pub(super) fn keep_only<'a>(headers: &mut HeaderMap, names: impl Iterator<Item = &'a HeaderName>) {
    let mut kept = Vec::new();
    for name in names {
        let lines = headers.get_all(name).iter();
        kept.extend(lines.map(|line| (name.clone(), line.clone())));
    }
    headers.clear();
    for (name, line) in kept {
        field::add(headers, name, line);
    }
}

fn detail(headers: &HeaderMap) -> Vec<u8> {
    let value = |name| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let mut detail = b"grpc-status=".to_vec();
    detail.extend_from_slice(value(&STATUS));
    detail.extend_from_slice(b" grpc-message=");
    let message = value(&MESSAGE);
    let mut message = message.get(..4 * cap::DETAIL).unwrap_or(message);
    while let Some((byte, rest)) = percent::first(message) {
        detail.push(byte);
        message = rest;
    }
    detail
}
