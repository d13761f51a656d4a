//! Addresses as browsers report them, reduced to what may be kept.

use crate::core::text::cap::start_of;

/// Schemes of what browser extensions load: no page's doing.
const EXTENSIONS: [&str; 5] = [
    "chrome-extension",
    "moz-extension",
    "ms-browser-extension",
    "safari-extension",
    "safari-web-extension",
];

/// The longest text that is kept of a field, in bytes. A cleaned text has at most [`FIELD`]; what is longer by one character at
/// least is shown to be cut.
pub(super) const FIELD: usize = 512;
const KEPT: usize = FIELD + 4;

/// As much of a text as a field may hold.
pub(super) fn field(text: &str) -> String {
    start_of(text, KEPT).to_owned()
}

/// An address without user information, query and fragment; of one without a host (`data:`, `blob:`, `javascript:`) the scheme.
/// Words such as `inline` stay as they are.
///
/// Paths are kept, and what is secret in them with them. Blanks are percent-encoded, those beyond ASCII too: an address has none, and
/// none may look like the next field of a log line.
pub(super) fn cleaned(address: &str) -> String {
    let address = address.trim_ascii();
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let kept = match split(address) {
        Address::Word(word) => start_of(word, KEPT).to_owned(),
        Address::Opaque(scheme) => start_of(scheme, KEPT).to_owned(),
        Address::Located { scheme, host, path } => {
            let (scheme, host) = (start_of(scheme, KEPT), start_of(host, KEPT));
            field(&format!("{scheme}://{host}{}", start_of(path, KEPT)))
        }
    };
    if kept.contains(is_blank) {
        return field(&without_blanks(&kept));
    }
    kept
}

/// Control characters are spelt out with the rest of them, line ends too.
fn is_blank(character: char) -> bool {
    character.is_whitespace() && !character.is_control()
}

fn without_blanks(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len().saturating_mul(3));
    for character in text.chars() {
        if is_blank(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string does not fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        } else {
            encoded.push(character);
        }
    }
    encoded
}

/// Scheme and host of a cleaned address, or the word that it is.
pub(super) fn origin(cleaned: &str) -> &str {
    match split(cleaned) {
        Address::Located { path, .. } => cleaned.strip_suffix(path).unwrap_or(cleaned),
        Address::Word(word) | Address::Opaque(word) => word,
    }
}

/// Path of a cleaned address.
pub(super) fn path(cleaned: &str) -> &str {
    match split(cleaned) {
        Address::Located { path, .. } => path,
        Address::Word(word) | Address::Opaque(word) => word,
    }
}

/// Whether an address or word is that of a browser extension.
pub(super) fn is_extension(address: &str) -> bool {
    EXTENSIONS.iter().any(|scheme| has_scheme(address, scheme))
}

/// Whether what was blocked is of an extension, or an empty page that one has put into a frame.
pub(super) fn is_noise(blocked: &str) -> bool {
    is_extension(blocked) || has_scheme(blocked, "about")
}

fn has_scheme(address: &str, scheme: &str) -> bool {
    let found = address.split(':').next().unwrap_or_default();
    found.eq_ignore_ascii_case(scheme)
}

enum Address<'a> {
    /// No scheme: `inline`, `eval`, or what an attacker likes.
    Word(&'a str),
    /// A scheme alone says what matters, and what follows may be a whole document.
    Opaque(&'a str),
    Located {
        scheme: &'a str,
        host: &'a str,
        path: &'a str,
    },
}

fn split(address: &str) -> Address<'_> {
    let end_of_scheme = address.find([':', '/', '\\']);
    let scheme = end_of_scheme.and_then(|end| address.split_at_checked(end));
    let Some((scheme, rest)) =
        scheme.and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix(':')?)))
    else {
        return Address::Word(without_authority(address));
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return Address::Opaque(scheme);
    };
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    // The last one: what stands before it is all user information (WHATWG URL, authority state).
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Address::Located { scheme, host, path }
}

/// What has no scheme has no host either; what looks like one may hold a password.
fn without_authority(word: &str) -> &str {
    let word = word.split('\\').next().unwrap_or_default();
    word.split("//").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_what_may_be_secret() {
        let rows = [
            ("https://a.example/p?token=1", "https://a.example/p"),
            ("https://a.example/p#access_token=1", "https://a.example/p"),
            ("https://a.example?q", "https://a.example"),
            ("https://user:pw@a.example/p", "https://a.example/p"),
            ("https://user@x@a.example/p", "https://a.example/p"),
            ("https://a.example/@user", "https://a.example/@user"),
            ("https://user:pw@a.example", "https://a.example"),
            ("//user@a.example/p", ""),
            ("//user:pw@a.example/p", ""),
            ("https;//user@a.example/p", "https;"),
            ("a//user@b://a.example/p", "a"),
            ("a\\\\user@b://a.example", "a"),
            ("/p/user@b", "/p/user@b"),
            ("https://u:p@a.example\\x@y", "https://a.example\\x@y"),
            ("wss://a.example:8443/s", "wss://a.example:8443/s"),
            ("data:text/html,<b>secret</b>", "data"),
            ("blob:https://a.example/6c1d", "blob"),
            ("javascript:alert(1)", "javascript"),
            ("https:user:pw@a.example", "https"),
            ("about:blank", "about"),
            ("inline", "inline"),
            ("wasm-eval", "wasm-eval"),
            ("  eval \n", "eval"),
            ("/relative?q=1", "/relative"),
            ("https://a.example/a b=c", "https://a.example/a%20b=c"),
            (
                "https://a.example/a\u{a0}b=c",
                "https://a.example/a%C2%A0b=c",
            ),
            ("https://a\u{2003}b=c/", "https://a%E2%80%83b=c/"),
            ("inline\u{3000}b=c", "inline%E3%80%80b=c"),
            ("", ""),
        ];
        for (address, expected) in rows {
            assert_eq!(cleaned(address), expected, "{address}");
            assert_eq!(cleaned(&cleaned(address)), expected, "{address}, again");
        }
    }

    #[test]
    fn a_field_is_cut_between_characters() {
        let long = format!("https://a.example/{}", "\u{e9}".repeat(400));
        let kept = cleaned(&long);
        assert!((FIELD..=KEPT).contains(&kept.len()), "{}", kept.len());
        assert!(long.starts_with(&kept));
        let blanks = cleaned(&format!("https://a.example/{}", " ".repeat(1_000)));
        assert!(blanks.len() <= KEPT, "{}", blanks.len());
    }

    #[test]
    fn an_address_has_an_origin_and_a_path() {
        for (address, of_origin, of_path) in [
            ("https://a.example/p/q", "https://a.example", "/p/q"),
            ("https://a.example", "https://a.example", ""),
            ("inline", "inline", "inline"),
        ] {
            assert_eq!(origin(address), of_origin);
            assert_eq!(path(address), of_path);
        }
    }

    #[test]
    fn extensions_are_noise_and_look_alikes_are_not() {
        for noise in [
            "chrome-extension",
            "chrome-extension://abc/x.js",
            "Moz-Extension://abc",
            "safari-web-extension://abc",
            "safari-extension://abc",
            "ms-browser-extension://abc",
        ] {
            assert!(is_extension(noise) && is_noise(noise), "{noise}");
        }
        for blocked in ["about", "about:blank"] {
            assert!(is_noise(blocked) && !is_extension(blocked), "{blocked}");
        }
        for page in [
            "https://chrome-extension.example/",
            "https://a.example/about:blank",
            "aboutx",
            "inline",
            "",
        ] {
            assert!(!is_noise(page), "{page}");
        }
    }
}
