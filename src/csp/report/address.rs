//! Addresses as browsers report them, reduced to what may be kept.

use crate::core::text::cap::start_of;

/// Schemes of what browsers and their extensions load by themselves: no page's doing.
const NOISE: [&str; 6] = [
    "about",
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
/// Paths are kept, and what is secret in them with them. Blanks become `%20`: an address has none, and none may look like the next
/// field of a log line.
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
    if kept.contains(' ') {
        return field(&kept.replace(' ', "%20"));
    }
    kept
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

/// Whether an address or word is that of a browser extension or of a page of the browser's own.
pub(super) fn is_noise(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    NOISE.iter().any(|noise| scheme.eq_ignore_ascii_case(noise))
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
    let Some((scheme, rest)) = address.split_once(':') else {
        return Address::Word(address);
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
            "about",
            "about:blank",
        ] {
            assert!(is_noise(noise), "{noise}");
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
