//! What a request and the handler's answer have to do with what is written. Pure.

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{Extensions, HeaderMap, HeaderName, Method};

use super::clear_site_data::ClearSiteData;
use super::config::CachePolicy;
use super::settings::Settings;
use crate::core::{Removed, RequestScheme, SchemeSource, field, is_grpc_type};

// Statics, not constants: a constant that owns a name is made and dropped again at each look-up.
static AUTHORIZATION_NAME: HeaderName = AUTHORIZATION;
static COOKIE_NAME: HeaderName = COOKIE;

/// What a request leaves behind for its answer: a bit, and the three of [`ClearSiteData`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notes(u8);

impl Notes {
    const PERSONAL: u8 = 0x80;

    #[inline]
    pub(super) fn of(
        settings: &Settings,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Self {
        let mut notes = 0;
        if let CachePolicy::Sensitive { session_cookies } = &settings.cache
            && is_personal(headers, session_cookies)
        {
            notes |= Self::PERSONAL;
        }
        if !settings.clear.is_empty() {
            notes |= cleared(settings, method, path, headers, extensions).bits();
        }
        Self(notes)
    }

    /// Whether the request carries what tells one user from another.
    pub(super) const fn is_personal(self) -> bool {
        self.0 & Self::PERSONAL != 0
    }

    pub(super) const fn clear(self) -> ClearSiteData {
        ClearSiteData::from_bits(self.0)
    }
}

fn is_personal(headers: &HeaderMap, session_cookies: &[String]) -> bool {
    headers.contains_key(&AUTHORIZATION_NAME)
        || (!session_cookies.is_empty() && has_cookie(headers, session_cookies))
}

/// Whether one of the cookies is there, under the name that the handler knows or with the prefix that a `CookieLayer` inside has
/// given it. HTTP/2 sends each pair in a line of its own (RFC 9113, section 8.2.3).
fn has_cookie(headers: &HeaderMap, names: &[String]) -> bool {
    headers
        .get_all(&COOKIE_NAME)
        .iter()
        .flat_map(field::crumbs)
        // A pair without `=` is taken for a name: at worst an answer is not stored.
        .filter_map(|pair| pair.split(|byte| *byte == b'=').next())
        .map(<[u8]>::trim_ascii)
        .any(|name| {
            let bare = name.strip_prefix(b"__Host-").unwrap_or(name);
            let is = |known: &[u8]| known == name || known == bare;
            names.iter().any(|known| is(known.as_bytes()))
        })
}

/// What the answer is to clear. The scheme is asked for where the path is listed alone.
fn cleared(
    settings: &Settings,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> ClearSiteData {
    let listed = settings.clear.iter().find(|(known, _)| **known == *path);
    match listed {
        // An answer to a preflight ends no session, and any page can cause one.
        Some((_, data))
            if *method != Method::OPTIONS
                && is_https(settings.scheme.as_ref(), headers, extensions) =>
        {
            *data
        }
        Some(_) | None => ClearSiteData::new(),
    }
}

/// Unknown counts as plain HTTP.
fn is_https(source: Option<&SchemeSource>, headers: &HeaderMap, extensions: &Extensions) -> bool {
    RequestScheme::from_extensions(extensions)
        .or_else(|| source?.resolve_from(headers, extensions).ok())
        .is_some_and(RequestScheme::is_https)
}

/// What stands in the handler's answer, found in one pass over its lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u8);

impl Seen {
    const BANNER: u8 = 1;
    const CACHE_CONTROL: u8 = 2;
    const GRPC: u8 = 4;
    const SET_COOKIE: u8 = 8;
    const SHOWN: u8 = 16;
    const TARGETED_CACHE_CONTROL: u8 = 32;

    #[inline]
    pub(super) fn of(headers: &HeaderMap, removed: &Removed) -> Self {
        let mut seen = 0;
        for (name, value) in headers {
            if *name == CONTENT_TYPE {
                seen |= if seen & Self::GRPC == 0 && is_grpc_type(value.as_bytes()) {
                    Self::GRPC
                } else {
                    Self::SHOWN
                };
            } else if *name == CACHE_CONTROL {
                seen |= Self::CACHE_CONTROL;
            } else if *name == SET_COOKIE {
                seen |= Self::SET_COOKIE;
            } else if removed.contains(name) {
                seen |= Self::BANNER;
            } else if field::is_targeted_cache_control(name.as_str()) {
                seen |= Self::TARGETED_CACHE_CONTROL;
            }
        }
        Self(seen)
    }

    pub(super) const fn has_banner(self) -> bool {
        self.0 & Self::BANNER != 0
    }

    pub(super) const fn has_cache_control(self) -> bool {
        self.0 & Self::CACHE_CONTROL != 0
    }

    pub(super) const fn has_targeted_cache_control(self) -> bool {
        self.0 & Self::TARGETED_CACHE_CONTROL != 0
    }

    /// Of several types browsers take the last.
    pub(super) const fn is_grpc(self) -> bool {
        self.0 & (Self::GRPC | Self::SHOWN) == Self::GRPC
    }

    pub(super) const fn sets_cookie(self) -> bool {
        self.0 & Self::SET_COOKIE != 0
    }
}

impl Settings {
    /// Whether what the handler says of caching is not believed.
    pub(super) const fn overrules_caching(&self) -> bool {
        matches!(self.cache, CachePolicy::NoStore) && !self.cache_if_absent
    }

    /// Whether `Cache-Control` is written.
    pub(super) const fn writes_cache_control(&self, notes: Notes, seen: Seen) -> bool {
        match self.cache {
            CachePolicy::Untouched => false,
            CachePolicy::NoStore => !(self.cache_if_absent && seen.has_cache_control()),
            CachePolicy::Sensitive { .. } => {
                (notes.is_personal() || seen.sets_cookie()) && !seen.has_cache_control()
            }
        }
    }
}
