//! `Reporting-Endpoints`: where browsers send reports.

use http::HeaderValue;

use super::error::HeadersConfigError;
use crate::core::Mistakes;
use crate::core::reporting::{ReportAddress, is_key};

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
        match ReportAddress::of(url) {
            ReportAddress::Sound => {}
            ReportAddress::Insecure => {
                wrong(HeadersConfigError::InsecureEndpoint { url: url.clone() });
            }
            ReportAddress::Invalid => {
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
