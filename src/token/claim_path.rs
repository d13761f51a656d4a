//! Where a claim stands.

/// Where a claim stands: its name, or a JSON pointer (RFC 6901) to it whose parts are names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimPath(Box<[Box<str>]>);

impl ClaimPath {
    /// Reads `tid`, `/roles`, `/realm_access/roles`, `/https:~1~1example.com~1roles`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        /// Claims nest 32 deep at most.
        const MOST: usize = 16;
        let parts: Option<Vec<_>> = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescaped).collect(),
            None => Some(vec![text.into()]),
        };
        let parts = parts?;
        let is_sound = |part: &str| !part.is_empty() && !part.chars().any(char::is_control);
        (parts.len() <= MOST && parts.iter().all(|part| is_sound(part))).then(|| Self(parts.into()))
    }

    pub(super) fn parts(&self) -> &[Box<str>] {
        &self.0
    }

    /// The name of the top-level member.
    pub(super) fn head(&self) -> &str {
        self.0.first().map_or("", |head| head)
    }

    /// Whether both point to the same value, or one into that of the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a == b)
    }
}

/// RFC 6901 section 4: `~1` is `/`, `~0` is `~`, and nothing else follows a tilde.
fn unescaped(part: &str) -> Option<Box<str>> {
    let mut pieces = part.split('~');
    let mut text = String::from(pieces.next()?);
    for piece in pieces {
        if let Some(rest) = piece.strip_prefix('0') {
            text.push('~');
            text.push_str(rest);
        } else {
            text.push('/');
            text.push_str(piece.strip_prefix('1')?);
        }
    }
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_pointers_are_read() {
        let rows: [(&str, &[&str]); 7] = [
            ("tid", &["tid"]),
            ("https://example.com/tid", &["https://example.com/tid"]),
            ("/roles", &["roles"]),
            ("/realm_access/roles", &["realm_access", "roles"]),
            (
                "/https:~1~1example.com~1roles",
                &["https://example.com/roles"],
            ),
            ("/~01", &["~1"]),
            ("/a~0b~1c", &["a~b/c"]),
        ];
        for (text, parts) in rows {
            let path = ClaimPath::parse(text).expect("it is a path");
            assert_eq!(
                path.parts().iter().map(|part| &**part).collect::<Vec<_>>(),
                parts,
                "{text}"
            );
        }
        let deep = "/a".repeat(16);
        assert!(ClaimPath::parse(&deep).is_some());
        for text in ["", "/", "/a/", "//a", "/~", "/~2", "a\n", &(deep + "/a")] {
            assert_eq!(ClaimPath::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_path_into_another_overlaps_it() {
        let path = |text| ClaimPath::parse(text).expect("it is a path");
        assert!(path("/a").overlaps(&path("a")));
        assert!(path("/a/b").overlaps(&path("/a")));
        assert!(!path("/a/b").overlaps(&path("/a/c")));
        assert!(!path("/a").overlaps(&path("/b")));
    }
}
