//! `Reporting-Endpoints`: where browsers send reports.

use http::HeaderValue;

use super::error::HeadersConfigError;
use crate::core::Mistakes;
use crate::core::origin::Origin;

/// The value of the header, or what is wrong.
pub(super) fn compile(
    mistakes: &mut Mistakes,
    endpoints: &[(String, String)],
) -> Option<HeaderValue> {
    let mut sound = true;
    let mut members = Vec::new();
    for (index, (name, url)) in endpoints.iter().enumerate() {
        let mut wrong = |error| {
            sound = false;
            mistakes.push(format!("headers.reporting_endpoint[{index}]"), error);
        };
        if !is_key(name) {
            wrong(HeadersConfigError::InvalidReportName { name: name.clone() });
        }
        if endpoints.iter().take(index).any(|(known, _)| known == name) {
            wrong(HeadersConfigError::DuplicateEndpoint { name: name.clone() });
        }
        match Address::of(url) {
            Address::Sound => {}
            Address::Insecure => {
                wrong(HeadersConfigError::InsecureEndpoint { url: url.clone() });
            }
            Address::Invalid => {
                wrong(HeadersConfigError::InvalidEndpoint { url: url.clone() });
            }
        }
        members.push(format!("{name}=\"{url}\""));
    }
    if !sound || members.is_empty() {
        return None;
    }
    HeaderValue::try_from(members.join(", ")).ok()
}

enum Address {
    Sound,
    Insecure,
    Invalid,
}

impl Address {
    fn of(url: &str) -> Self {
        // Neither ends the quoted text of RFC 9651 nor is read in two ways by URL parsers; a fragment is never sent.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\<>^`{|}#".contains(&byte);
        if !url.bytes().all(is_plain) {
            return Self::Invalid;
        }
        if url.starts_with('/') {
            return if url.starts_with("//") {
                Self::Invalid
            } else {
                Self::Sound
            };
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        match Origin::parse(&format!("{scheme}://{authority}")) {
            Ok(origin) if origin.scheme() == "https" => Self::Sound,
            Ok(origin) if origin.scheme() == "http" => Self::Insecure,
            // Another scheme, or no address at all.
            Ok(_) | Err(_) => Self::Invalid,
        }
    }
}

/// A key of RFC 9651, section 3.1.2.
pub(super) fn is_key(text: &str) -> bool {
    let rest =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
        && text.bytes().all(rest)
}

/// Whether a text looks like a dictionary of RFC 9651: visible ASCII and spaces, and a key before each value. Browsers read the rest.
pub(super) fn is_dictionary(text: &str) -> bool {
    let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if !text.bytes().all(visible) {
        return false;
    }
    let mut depth = 0_u32;
    let mut quoted = false;
    let mut escaped = false;
    let members = text.split(|c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth = depth.saturating_add(1),
            ')' if !quoted => depth = depth.saturating_sub(1),
            ',' => return !quoted && depth == 0,
            _ => {}
        }
        false
    });
    let mut keys = members.map(|member| member.split(['=', ';']).next());
    let sound = keys.all(|key| key.is_some_and(|key| is_key(key.trim_matches(' '))));
    sound && !quoted && depth == 0
}
