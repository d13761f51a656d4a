//! Names of headers that are taken off answers, and those that never are.

use http::{HeaderMap, HeaderName};

/// Whether a header belongs to the connection or frames the message (RFC 9110, sections 7.6.1 and 8.6): the server writes it, no layer.
pub(crate) fn is_of_connection(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name)
}

/// The names to take off, looked up by the few names that an answer has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Removed {
    /// A bit for each name, so that nearly all others are told apart without a comparison: many answers have `x-` names.
    filter: [u64; WORDS],
    /// In the order of their bytes.
    names: Box<[HeaderName]>,
}

const WORDS: usize = 16;

impl FromIterator<HeaderName> for Removed {
    fn from_iter<I: IntoIterator<Item = HeaderName>>(names: I) -> Self {
        let mut names = names.into_iter().collect::<Vec<_>>();
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        let mut filter = [0; WORDS];
        for name in &names {
            let (word, bit) = place(name.as_str().as_bytes());
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self {
            filter,
            names: names.into(),
        }
    }
}

impl Removed {
    /// The name of the list that an answer's header has.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<&HeaderName> {
        let (word, bit) = place(name.as_bytes());
        if self.filter.get(word)? & bit == 0 {
            return None;
        }
        self.search(name)
    }

    fn search(&self, name: &str) -> Option<&HeaderName> {
        let found = self
            .names
            .binary_search_by(|known| known.as_str().cmp(name))
            .ok()?;
        self.names.get(found)
    }

    pub(crate) fn contains(&self, name: &HeaderName) -> bool {
        self.find(name.as_str()).is_some()
    }

    /// Takes every name of the list off. Each is removed by the list's own name: to clone that of the answer may allocate.
    #[cold]
    pub(crate) fn take_off(&self, headers: &mut HeaderMap) {
        const AT_ONCE: usize = 8;
        loop {
            let mut found = [None; AT_ONCE];
            let names = headers.keys().filter_map(|name| self.find(name.as_str()));
            for (slot, name) in found.iter_mut().zip(names) {
                *slot = Some(name);
            }
            for name in found.iter().flatten() {
                headers.remove(*name);
            }
            if found.contains(&None) {
                return;
            }
        }
    }
}

/// Where a name stands in the filter: by its length and three of its bytes.
#[inline]
fn place(name: &[u8]) -> (usize, u64) {
    let byte = |at: Option<&u8>| u32::from(at.copied().unwrap_or_default());
    let length = u32::try_from(name.len()).unwrap_or_default() & 0xff;
    let mixed =
        length | byte(name.first()) << 8 | byte(name.get(2)) << 16 | byte(name.last()) << 24;
    // Fibonacci hashing: the upper ten bits, four for the word and six for its bit.
    let hash = mixed.wrapping_mul(0x9e37_79b9);
    ((hash >> 28) as usize, 1 << (hash >> 22 & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_off_with_all_its_lines() {
        let names = [
            HeaderName::from_static("server"),
            HeaderName::from_static("x-a"),
        ];
        let removed = names.into_iter().collect::<Removed>();
        let mut headers = HeaderMap::new();
        for (name, value) in [("server", "a"), ("server", "b"), ("x-a", "c"), ("x-b", "d")] {
            headers.append(name, http::HeaderValue::from_static(value));
        }
        removed.take_off(&mut headers);
        let left = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        assert_eq!(left.collect::<Vec<_>>(), [("x-b", b"d".as_slice())]);
    }
}
