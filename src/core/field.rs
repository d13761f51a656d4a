//! Header fields as several layers read and write them.

use http::header::VARY;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The lines of a header that every honest sender writes once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lines<'a> {
    Absent,
    One(&'a HeaderValue),
    /// Two or more; this is the first.
    Several(&'a HeaderValue),
}

impl<'a> Lines<'a> {
    #[inline]
    pub(crate) fn of(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        match headers.get(name) {
            None => Self::Absent,
            // A map in which no name has a second line: `get_all` would cost half a look-up more.
            Some(line) if headers.len() == headers.keys_len() => Self::One(line),
            Some(line) => Self::among_several(headers, name, line),
        }
    }

    #[cold]
    fn among_several(headers: &'a HeaderMap, name: &HeaderName, first: &'a HeaderValue) -> Self {
        if headers.get_all(name).iter().nth(1).is_some() {
            Self::Several(first)
        } else {
            Self::One(first)
        }
    }
}

/// Whether `bytes` is a `token` of RFC 9110, section 5.6.2: a method or a header name.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_tchar)
}

/// Whether a `token` may have this byte.
#[inline]
pub(crate) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a header tells some caches what to store in the place of `Cache-Control`, which they do not look at then: `CDN-Cache-Control`
/// and what else is named by the scheme of RFC 9213, the older ones of surrogates and of Akamai, and that of nginx.
pub(crate) fn is_targeted_cache_control(name: &str) -> bool {
    match name {
        "edge-control" | "surrogate-control" | "x-accel-expires" => true,
        _ => name.ends_with("-cache-control"),
    }
}

/// Takes off what would have some caches store an answer whatever its `Cache-Control` says.
pub(crate) fn take_off_targeted_cache_control(headers: &mut HeaderMap) {
    let is_targeted = |name: &&HeaderName| is_targeted_cache_control(name.as_str());
    while let Some(name) = headers.keys().find(is_targeted).cloned() {
        headers.remove(name);
    }
}

/// The cookies of a line of `Cookie`. Quotes mean nothing (RFC 6265bis, section 4.1.1): a `;` between them separates.
pub(crate) fn crumbs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes()
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|crumb| !crumb.is_empty())
}

/// Whether an answer says already that it depends on `name`, or on everything.
pub(crate) fn varies_by(headers: &HeaderMap, name: &[u8]) -> bool {
    headers
        .get_all(VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|known| known == b"*" || known.eq_ignore_ascii_case(name))
}

/// Sets a header; in a map of 32,768 names, which is full, it is left out.
#[inline]
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let _ = headers.try_insert(name, value);
}

/// Adds a line to a header; in a map of 32,768 lines, which is full, it is left out.
pub(crate) fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let _ = headers.try_append(name, value);
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ORIGIN};

    use super::*;

    fn map(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn lines_are_counted_whatever_other_headers_do() {
        let one = map(&[(ORIGIN, "a")]);
        assert!(matches!(Lines::of(&one, &ORIGIN), Lines::One(line) if line == "a"));
        assert!(matches!(Lines::of(&one, &ACCEPT), Lines::Absent));

        let beside = map(&[(ACCEPT, "x"), (ORIGIN, "a"), (ACCEPT, "y")]);
        assert!(matches!(Lines::of(&beside, &ORIGIN), Lines::One(line) if line == "a"));
        assert!(matches!(Lines::of(&beside, &ACCEPT), Lines::Several(line) if line == "x"));
    }

    #[test]
    fn a_list_of_names_is_read_without_case() {
        let named = map(&[(VARY, "accept, ORIGIN"), (VARY, "x-a")]);
        for name in ["Origin", "accept", "X-A"] {
            assert!(varies_by(&named, name.as_bytes()), "{name}");
        }
        for name in ["rigin", "x", "accept, origin"] {
            assert!(!varies_by(&named, name.as_bytes()), "{name}");
        }
        assert!(varies_by(&map(&[(VARY, "a, *")]), b"origin"));
    }
}
