//! The URL of a request, as a proof names it.

use std::fmt::Write;

use crate::core::percent;

/// The external URL of the service, in normal form and without a slash at its end.
#[derive(Debug, Default)]
pub(super) struct Base(String);

impl Base {
    pub(super) fn parse(url: &str) -> Option<Self> {
        if url.contains(['?', '#']) {
            return None;
        }
        let mut normal = normal(url)?;
        let host = normal.split_once("://").map(|(_, rest)| rest)?;
        let host = host.split(['/']).next()?;
        let is_local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
            let port = host.strip_prefix(local);
            port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
        });
        if !normal.starts_with("https://") && !is_local {
            return None;
        }
        while normal.ends_with('/') {
            normal.pop();
        }
        Some(Self(normal))
    }

    /// The URL of a request to this path, in normal form.
    pub(super) fn join(&self, path: &str) -> Option<String> {
        // `OPTIONS *` and `CONNECT host:port` have no URL.
        if !path.starts_with('/') {
            return None;
        }
        let mut url = self.0.clone();
        push_path(&mut url, path)?;
        Some(url)
    }
}

/// The normal form of an HTTP URL without query and fragment (RFC 3986 sections 6.2.2 and 6.2.3): scheme and host in lower case, no default
/// port, escapes in upper case and only where they are needed, `/` for no path.
pub(super) fn normal(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, "/"),
    };
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    // The colons of an IPv6 address stand in brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        Some(_) | None => (authority, ""),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    let is_sound = !host.is_empty()
        && host.bytes().all(is_host)
        && port.len() <= 5
        && port.bytes().all(|byte| byte.is_ascii_digit());
    if !is_sound {
        return None;
    }
    let mut normal = scheme;
    normal.push_str("://");
    normal.push_str(&host.to_ascii_lowercase());
    if !port.is_empty() && port != default_port {
        normal.push(':');
        normal.push_str(port);
    }
    push_path(&mut normal, path)?;
    Some(normal)
}

fn push_path(url: &mut String, path: &str) -> Option<()> {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            // What is no printable ASCII character stands in no URL.
            if !byte.is_ascii_graphic() {
                return None;
            }
            url.push(char::from(byte));
            continue;
        }
        let escaped = percent::escaped(&mut bytes)?;
        if escaped.is_ascii_alphanumeric() || b"-._~".contains(&escaped) {
            url.push(char::from(escaped));
        } else {
            // Writing to a string does not fail.
            let _ = write!(url, "%{escaped:02X}");
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_normal_form() {
        let rows = [
            ("https://api.example.com/a", "https://api.example.com/a"),
            ("HTTPS://API.Example.com/A", "https://api.example.com/A"),
            ("https://api.example.com:443/a", "https://api.example.com/a"),
            ("https://api.example.com:/a", "https://api.example.com/a"),
            (
                "https://api.example.com:8443/a",
                "https://api.example.com:8443/a",
            ),
            ("http://api.example.com:80/a", "http://api.example.com/a"),
            (
                "https://api.example.com:80/a",
                "https://api.example.com:80/a",
            ),
            ("https://api.example.com", "https://api.example.com/"),
            (
                "https://api.example.com/a?b=c#d",
                "https://api.example.com/a",
            ),
            ("https://api.example.com?b", "https://api.example.com/"),
            ("https://[::1]:443/a", "https://[::1]/a"),
            ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
            (
                "https://a.example/%7euser/%2f%c3%a9",
                "https://a.example/~user/%2F%C3%A9",
            ),
        ];
        for (url, expected) in rows {
            assert_eq!(normal(url).as_deref(), Some(expected), "{url}");
        }
        for url in [
            "",
            "/a",
            "api.example.com/a",
            "ftp://api.example.com/a",
            "https:///a",
            "https://user@api.example.com/a",
            "https://api.example.com:99999x/a",
            "https://api.example.com/a b",
            "https://api.example.com/\u{e9}",
            "https://api.ex\u{e4}mple.com/",
            "https://api.example.com/%2",
            "https://api.example.com/%zz",
        ] {
            assert_eq!(normal(url), None, "{url:?}");
        }
    }

    #[test]
    fn a_base_is_of_https_or_of_this_machine() {
        let join = |base, path| Base::parse(base).and_then(|base| base.join(path));
        let rows = [
            ("https://api.example.com", "/a", "https://api.example.com/a"),
            (
                "https://api.example.com/",
                "/a",
                "https://api.example.com/a",
            ),
            (
                "https://API.example.com:443/v1/",
                "/a%7E",
                "https://api.example.com/v1/a~",
            ),
            ("http://localhost:3000", "/", "http://localhost:3000/"),
            ("http://127.0.0.1", "/a", "http://127.0.0.1/a"),
            ("http://[::1]:80", "/a", "http://[::1]/a"),
        ];
        for (base, path, expected) in rows {
            assert_eq!(join(base, path).as_deref(), Some(expected), "{base}");
        }
        for base in [
            "",
            "api.example.com",
            "http://api.example.com",
            "http://localhost.evil.test",
            "https://api.example.com?a",
            "https://api.example.com#a",
            "https://user@api.example.com",
        ] {
            assert!(Base::parse(base).is_none(), "{base}");
        }
        assert_eq!(join("https://api.example.com", "*"), None);
    }
}
