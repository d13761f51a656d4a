//! What an answer is to a browser, by its `Content-Type`.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::core::field::{Lines, is_token};
use crate::core::is_grpc_type;

/// What a browser does with an answer, as far as a policy matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// Shows it as a page that may have tags with a nonce.
    Document,
    /// Never sees it.
    Grpc,
    /// May run it as a worker.
    JavaScript,
    /// Shows it as something else, or not at all.
    Other,
}

/// Bytes in which a type and a subtype end: each has 127 at most (RFC 6838, section 4.2). What is cut off was no type that a browser
/// knows.
const MAX_ESSENCE: usize = 256;

/// What the configuration calls documents besides HTML: essences in lower case.
pub(super) type NonceTypes = Box<[Box<str>]>;

impl Media {
    /// Judges by the essence, without case and parameters (MIME Sniffing standard, section 4.4).
    ///
    /// Without a type, with several or with one that is none, browsers may find HTML in the body: a document.
    #[inline]
    pub(super) fn of(headers: &HeaderMap, nonce_types: &[Box<str>]) -> Self {
        let value = match Lines::of(headers, &CONTENT_TYPE) {
            Lines::One(value) => value.as_bytes(),
            Lines::Absent | Lines::Several(_) => return Self::Document,
        };
        // What nearly every answer says, as nearly every framework spells it.
        match value.strip_prefix(b"text/html") {
            Some([] | [b';', ..]) => return Self::Document,
            None if value == b"application/json" && nonce_types.is_empty() => return Self::Other,
            Some(_) | None => {}
        }
        if is_grpc_type(value) {
            return Self::Grpc;
        }
        let essence = value.get(..MAX_ESSENCE).unwrap_or(value);
        let essence = essence.split(|byte| *byte == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        let is = |name: &&[u8]| essence.eq_ignore_ascii_case(name);
        let is_document = DOCUMENTS.iter().any(is) || named(nonce_types, essence);
        if is_document || !is_essence(essence) {
            Self::Document
        } else if is_javascript(essence) && !may_be_several(value) {
            Self::JavaScript
        } else {
            Self::Other
        }
    }
}

/// Of the last three browsers find out by looking at the body (MIME Sniffing standard, section 7).
const DOCUMENTS: [&[u8]; 6] = [
    b"text/html",
    b"application/xhtml+xml",
    b"multipart/x-mixed-replace",
    b"*/*",
    b"application/unknown",
    b"unknown/unknown",
];

fn named(nonce_types: &[Box<str>], essence: &[u8]) -> bool {
    nonce_types
        .iter()
        .any(|name| name.as_bytes().eq_ignore_ascii_case(essence))
}

/// Whether it is a JavaScript MIME type (MIME Sniffing standard, section 4.6). Parameters are part of none.
pub(super) fn is_javascript(essence: &[u8]) -> bool {
    const EITHER: [&[u8]; 4] = [
        b"javascript",
        b"ecmascript",
        b"x-javascript",
        b"x-ecmascript",
    ];
    const TEXT: [&[u8]; 8] = [
        b"javascript1.0",
        b"javascript1.1",
        b"javascript1.2",
        b"javascript1.3",
        b"javascript1.4",
        b"javascript1.5",
        b"jscript",
        b"livescript",
    ];
    let among = |names: &[&[u8]], subtype: &[u8]| {
        let is = |name: &&[u8]| subtype.eq_ignore_ascii_case(name);
        names.iter().any(is)
    };
    match split(essence) {
        Some((kind, subtype)) if kind.eq_ignore_ascii_case(b"text") => {
            among(&EITHER, subtype) || among(&TEXT, subtype)
        }
        Some((kind, subtype)) if kind.eq_ignore_ascii_case(b"application") => {
            among(&EITHER, subtype)
        }
        Some(_) | None => false,
    }
}

/// Whether it is a type and a subtype, neither of them empty.
pub(super) fn is_essence(essence: &[u8]) -> bool {
    split(essence).is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

fn split(essence: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = essence.iter().position(|byte| *byte == b'/')?;
    let (kind, subtype) = essence.split_at_checked(slash)?;
    Some((kind, subtype.get(1..)?))
}

/// Whether further types may stand in the line: browsers take the last (Fetch, section 3.5, "extract a MIME type"), so that
/// `text/javascript; charset=utf-8, text/html` is a page.
fn may_be_several(value: &[u8]) -> bool {
    value.contains(&b',')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_type_is_what_a_browser_makes_of_it() {
        let rows: &[(Media, &[&str])] = &[
            (
                Media::Document,
                &[
                    "text/html",
                    "text/html; charset=utf-8",
                    "TEXT/HTML;charset=utf-8",
                    " text/html ;a=b",
                    "application/xhtml+xml",
                    "multipart/x-mixed-replace; boundary=x",
                    // Browsers look at the body.
                    "",
                    "html",
                    "text/",
                    "/html",
                    "text /html",
                    "text/html, text/plain",
                    "application/grpc, text/html",
                    "application/grpc,text/html",
                    "text/javascript, text/html",
                    "; charset=utf-8",
                    "*/*",
                    "unknown/unknown",
                    "application/unknown; x",
                ],
            ),
            (
                Media::Grpc,
                &[
                    "application/grpc",
                    "application/grpc+proto",
                    "application/grpc-web-text; charset=utf-8",
                    "Application/GRPC",
                ],
            ),
            (
                Media::JavaScript,
                &[
                    "text/javascript",
                    "text/javascript; charset=utf-8",
                    "application/javascript",
                    "Application/JavaScript",
                    "application/x-javascript",
                    "text/ecmascript",
                    "application/ecmascript",
                    "text/javascript1.5",
                    "text/jscript",
                ],
            ),
            (
                Media::Other,
                &[
                    "application/json",
                    "application/json; charset=utf-8",
                    "image/svg+xml",
                    "text/xml",
                    "application/xml",
                    "text/css",
                    "text/plain",
                    "text/htmlx",
                    "text/x-html",
                    "application/jscript",
                    "image/javascript",
                    "application/octet-stream",
                    "application/gr",
                    // Browsers take the last of several types, and the twin is the strictest form.
                    "application/grpc; a=b, text/html",
                    "application/grpc;a=\"b, text/html\"",
                    "text/javascript; charset=utf-8, text/html",
                    "application/json; charset=utf-8, text/html",
                    "multipart/form-data; boundary=x",
                ],
            ),
        ];
        for (expected, types) in rows {
            for value in *types {
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
                assert_eq!(Media::of(&headers, &[]), *expected, "{value:?}");
            }
        }
    }

    #[test]
    fn without_one_type_it_may_be_a_document() {
        let mut headers = HeaderMap::new();
        assert_eq!(Media::of(&headers, &[]), Media::Document);
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(Media::of(&headers, &[]), Media::Other);
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(Media::of(&headers, &[]), Media::Document);
    }

    #[test]
    fn further_types_can_be_called_documents() {
        let svg: &[Box<str>] = &["image/svg+xml".into(), "application/json".into()];
        let media = |value, types: &[Box<str>]| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            Media::of(&headers, types)
        };
        for value in ["image/svg+xml", "Image/SVG+XML; a=b", "application/json;a"] {
            assert_eq!(media(value, svg), Media::Document, "{value}");
            assert_eq!(media(value, &[]), Media::Other, "{value}");
        }
        assert_eq!(media("image/png", svg), Media::Other);
    }
}
