//! Which hosts a browser can send in a serialised origin.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::OriginError;
use super::error::{instead, shown};
use super::punycode;

/// The longest host: RFC 1035 section 2.3.4, written without the length bytes.
pub(super) const MAX_HOST: usize = 253;
/// The longest label of a host: RFC 1035 section 2.3.4.
pub(super) const MAX_LABEL: usize = 63;

/// What a host names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostKind {
    Name,
    Ip,
}

/// What a byte is to a host that is not in brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HostByte {
    Other,
    Letter,
    Dot,
}

/// Asked for each byte of a request's origin: a table is half as dear as comparisons.
pub(super) fn class(byte: u8) -> HostByte {
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(HostByte::Other)
}

const CLASSES: [HostByte; 256] = {
    let mut table = [HostByte::Other; 256];
    let mut bytes: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_.";
    while let [byte, rest @ ..] = bytes {
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is a valid index, and the compiler runs this"
        )]
        {
            table[*byte as usize] = if *byte == b'.' {
                HostByte::Dot
            } else {
                HostByte::Letter
            };
        }
        bytes = rest;
    }
    table
};

/// Whether a page on `host` cannot have come over a network, so that `http` is as good as `https`
/// ([Secure Contexts](https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy), RFC 6761 section 6.3).
pub(super) fn is_local(host: &[u8]) -> bool {
    match host {
        b"localhost" | b"[::1]" => true,
        // `127.evil.test` starts like an address: only a whole one counts.
        [b'1', b'2', b'7', b'.', ..] => std::str::from_utf8(host)
            .is_ok_and(|host| host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())),
        _ => host.ends_with(b".localhost"),
    }
}

/// Checks `host`, a part of `text`, without the `*.` and port of a pattern; a `*` elsewhere is left to the caller.
pub(super) fn check(text: &str, host: &str, max: usize) -> Result<HostKind, OriginError> {
    if host.contains(['[', ']', ':']) {
        check_ipv6(text, host)
    } else {
        check_name(text, host, max)
    }
}

fn check_name(text: &str, host: &str, max: usize) -> Result<HostKind, OriginError> {
    // One final dot is legal: a fully qualified name is another origin than the same name without the dot.
    let labels = || host.strip_suffix('.').unwrap_or(host).split('.');
    let value = || shown(text);
    if host.len() > max || labels().any(|label| label.len() > MAX_LABEL) {
        return Err(OriginError::InvalidOriginHostLength { value: value() });
    }
    if let Some(character) = host
        .chars()
        .find(|c| *c != '*' && !u8::try_from(*c).is_ok_and(|byte| class(byte) != HostByte::Other))
    {
        return Err(OriginError::InvalidOriginHostByte {
            value: value(),
            character,
        });
    }
    if labels().any(str::is_empty) {
        return Err(OriginError::InvalidOriginLabelEmpty { value: value() });
    }
    if let Some(label) = labels().find(|label| has_stray_hyphen(label)) {
        return Err(OriginError::RefusedOriginLabelHyphen {
            value: value(),
            label: label.to_owned(),
        });
    }
    if let Some(label) = labels().find(|label| {
        label
            .strip_prefix("xn--")
            .is_some_and(|code| !is_sound(code))
    }) {
        return Err(OriginError::RefusedOriginPunycode {
            value: value(),
            label: label.to_owned(),
        });
    }
    // No top-level domain starts with a digit. Browsers read such hosts as addresses (`0x7f.1` is 127.0.0.1) and send four
    // decimals.
    if labels()
        .next_back()
        .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()))
    {
        return match host.parse::<Ipv4Addr>() {
            Ok(_) => Ok(HostKind::Ip),
            Err(_) => Err(OriginError::InvalidOriginIpv4 { value: value() }),
        };
    }
    Ok(HostKind::Name)
}

fn check_ipv6(text: &str, host: &str) -> Result<HostKind, OriginError> {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .and_then(|inner| Some((inner, inner.parse::<Ipv6Addr>().ok()?)));
    let Some((inner, address)) = address else {
        return Err(OriginError::InvalidOriginIpv6 { value: shown(text) });
    };
    let canonical = match address.to_ipv4_mapped() {
        Some(v4) => v4.to_string(),
        // `Display` writes the form of RFC 5952 section 4, which is that of the URL Standard's host serialiser.
        None if address.to_string() == inner => return Ok(HostKind::Ip),
        None => format!("[{address}]"),
    };
    Err(OriginError::RefusedOriginIpv6Form {
        value: shown(text),
        instead: instead(text.replacen(host, &canonical, 1)),
    })
}

/// RFC 5891 section 4.2.3.1.
fn has_stray_hyphen(label: &str) -> bool {
    label.starts_with('-')
        || label.ends_with('-')
        || (label.get(2..4) == Some("--") && !label.starts_with("xn--"))
}

/// Whether the part of a label after `xn--` decodes, and to letters of one direction (RFC 5893 section 2, rules 2 and 5, as far
/// as Latin letters go).
///
/// Decoding is injective for lower-case input, so what decodes also encodes to the same text again; and as the label does not
/// end with a hyphen, at least one character is beyond ASCII.
fn is_sound(code: &str) -> bool {
    punycode::decode(code)
        .is_some_and(|label| !(label.chars().any(is_right_to_left) && label.chars().any(is_latin)))
}

const fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// The blocks of Hebrew, Arabic, Syriac, Thaana, Nko and the other right-to-left scripts.
const fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}
