use std::borrow::Cow;
use std::fmt;

use super::template::Segment;
use crate::core::percent;

/// The path of a request, decoded once, if it can be read in one way only.
///
/// It begins with `/` and has no empty segment but perhaps the last. Each segment is decoded once; then it is UTF-8, is neither `.` nor
/// `..`, and has no `/`, `\`, `;`, control character or further escape in it. Anything else is no canonical path: the program behind
/// could resolve it to another object than the one that was checked (CWE-436, CWE-647).
///
/// # Example
///
/// ```
/// use tower_security::core::CanonicalPath;
///
/// let path = CanonicalPath::parse("/notes/caf%C3%A9").ok_or("not canonical")?;
/// assert_eq!(path.as_str(), "/notes/caf\u{e9}");
/// for path in ["/notes/%2e%2e/account", "/notes//1", "/notes/1%2f2", "/notes/%2531", "/notes/%ff", "*"] {
///     assert!(CanonicalPath::parse(path).is_none(), "{path}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalPath<'a> {
    text: Cow<'a, str>,
    segments: usize,
}

impl<'a> CanonicalPath<'a> {
    /// Decodes `path`, that of the request target without the query. A path without escapes is borrowed.
    ///
    /// Returns `None` for a path that is not canonical: answer as if it did not exist.
    #[must_use]
    pub fn parse(path: &'a str) -> Option<Self> {
        if let Some(segments) = plain_segments(path) {
            let text = Cow::Borrowed(path);
            return Some(Self { text, segments });
        }
        Self::look_closely(path)
    }

    fn look_closely(path: &'a str) -> Option<Self> {
        let of = |text: Cow<'a, str>| Self {
            segments: text.bytes().filter(|byte| *byte == b'/').count(),
            text,
        };
        if let Some(is_canonical) = look::<true>(path) {
            return is_canonical.then(|| of(Cow::Borrowed(path)));
        }
        if path.contains(['?', '#']) {
            return None;
        }
        let decoded = decode(path)?;
        let is_canonical = look::<false>(&decoded) == Some(true);
        is_canonical.then(|| of(Cow::Owned(decoded)))
    }

    /// Returns the decoded path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how many segments the path has, an empty last one included.
    #[must_use]
    pub const fn segment_count(&self) -> usize {
        self.segments
    }
}

fn decode(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => match percent::escaped(&mut bytes)? {
                // It would become one that separates segments.
                b'/' => return None,
                escaped => escaped,
            },
            byte => byte,
        });
    }
    let decoded = String::from_utf8(decoded).ok()?;
    // `%2531`: whoever decodes once more reads another path.
    let is_escaped_twice = decoded
        .split('%')
        .skip(1)
        .any(|behind| percent::escaped(&mut behind.bytes()).is_some());
    (!is_escaped_twice).then_some(decoded)
}

/// Of a [`CLASSES`] byte: needs a second look wherever it stands.
const ODD: u8 = 1 << 2;
/// The same right behind a slash.
const ODD_FIRST: u8 = 1 << 1;
const SLASH: u8 = 1;

#[expect(
    clippy::indexing_slicing,
    reason = "a constant: an index out of bounds would not compile"
)]
const CLASSES: [u8; 256] = {
    let mut classes = [ODD; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        classes[byte as usize] = match byte {
            b'/' => SLASH | ODD_FIRST,
            b'.' => ODD_FIRST,
            b'#' | b'%' | b';' | b'?' | b'\\' => ODD,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// How many segments a path has that is canonical at first sight: visible ASCII, nothing that is escaped or could be, no segment that is
/// empty or begins with a dot. Every request pays for it, so that it looks at each byte once, and branches at none.
#[inline]
fn plain_segments(path: &str) -> Option<usize> {
    let (mut odd, mut before) = (0, 0);
    let mut slashes = 0_usize;
    for byte in path.bytes() {
        let class = CLASSES.get(usize::from(byte)).copied().unwrap_or(ODD);
        odd |= class & (ODD | (before << 1 & ODD_FIRST));
        slashes = slashes.wrapping_add(usize::from(class & SLASH));
        before = class;
    }
    (odd == 0 && path.starts_with('/')).then_some(slashes)
}

/// Whether a path is canonical; `None` if it is raw and has an escape in it.
fn look<const RAW: bool>(path: &str) -> Option<bool> {
    let mut bytes = path.bytes();
    if bytes.next() != Some(b'/') {
        return Some(false);
    }
    // Of the segment at hand.
    let (mut length, mut dots) = (0_usize, 0_usize);
    let mut is_ascii = true;
    for byte in bytes {
        match byte {
            b'/' if length == 0 || is_dots(length, dots) => return Some(false),
            b'/' => (length, dots) = (0, 0),
            b'%' if RAW => return None,
            b'?' | b'#' if RAW => return Some(false),
            b'\\' | b';' => return Some(false),
            byte if byte.is_ascii_control() => return Some(false),
            byte => {
                length = length.saturating_add(1);
                dots = dots.saturating_add(usize::from(byte == b'.'));
                is_ascii &= byte.is_ascii();
            }
        }
    }
    Some(!is_dots(length, dots) && (is_ascii || !path.contains(char::is_control)))
}

/// Whether a segment is `.` or `..`.
const fn is_dots(length: usize, dots: usize) -> bool {
    length == dots && matches!(length, 1 | 2)
}

/// Whether a path is spelt in the one way in which every client sends it and every program reads it: no escape, parameter, query or
/// empty segment, and nothing that a person could mean as a pattern.
///
/// For paths of a configuration that are compared with those of requests byte by byte.
pub(crate) fn is_exact_path(path: &str) -> bool {
    // RFC 3986, section 3.3, less `%`, `*` and `;`.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()+,=:@".contains(&byte);
    path.starts_with('/') && path.bytes().all(plain) && has_plain_segments(path)
}

/// Whether no segment is resolved or dropped on the way.
fn has_plain_segments(path: &str) -> bool {
    !path.contains("//") && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The parameters of a path that matched a [`Template`](super::Template).
#[derive(Clone, Copy)]
pub struct PathParams<'t, 'p> {
    /// From the first parameter on.
    segments: &'t [Segment],
    /// What they stand for.
    path: &'p str,
}

impl<'t, 'p> PathParams<'t, 'p> {
    /// `path` has to match `segments`.
    pub(super) const fn new(segments: &'t [Segment], path: &'p str) -> Self {
        Self { segments, path }
    }

    /// Returns the value of the parameter `name`, decoded.
    #[must_use]
    #[inline]
    pub fn get(&self, name: &str) -> Option<&'p str> {
        self.iter()
            .find_map(|(other, value)| (other == name).then_some(value))
    }

    /// Returns names and values in the order of the template.
    pub fn iter(&self) -> impl Iterator<Item = (&'t str, &'p str)> + use<'t, 'p> {
        let mut rest = Some(self.path);
        let last = self.segments.len().saturating_sub(1);
        self.segments
            .iter()
            .enumerate()
            .filter_map(move |(at, segment)| {
                // The path has no more segments than the template.
                let part = if at == last {
                    rest.take()?
                } else {
                    segment.take(&mut rest)?
                };
                Some((segment.name()?, part))
            })
    }
}

impl fmt::Debug for PathParams<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_canonical_at_first_sight_is_so_at_the_second() {
        const LETTERS: [char; 14] = [
            '/', '.', 'a', '~', '%', ';', '\\', '?', '#', ' ', '\0', '\u{7f}', '\u{80}', '\u{e9}',
        ];
        let mut plain = 0;
        for first in LETTERS {
            for second in LETTERS {
                for third in LETTERS {
                    for fourth in LETTERS {
                        let path: String = [first, second, third, fourth].iter().collect();
                        if let Some(segments) = plain_segments(&path) {
                            plain += 1;
                            assert_eq!(look::<true>(&path), Some(true), "{path:?}");
                            assert_eq!(segments, path.matches('/').count(), "{path:?}");
                        }
                    }
                }
            }
        }
        // A slash; then a letter, and of `a` and `~`, `/` and `.` what does not follow a slash to make it odd.
        assert_eq!(plain, 28);
        for path in [
            "/",
            "/a",
            "/a/",
            "/a.b/c..d/~",
            "/orders/67e55044-10b1-426f-9247-bb680e5fe0c8",
        ] {
            assert!(plain_segments(path).is_some(), "{path}");
        }
        for path in [
            "",
            "a",
            "//",
            "/.",
            "/..",
            "/.well-known",
            "/a//b",
            "/a/../b",
            "/a/./b",
            "/caf\u{e9}",
        ] {
            assert!(plain_segments(path).is_none(), "{path}");
        }
    }
}
