//! Reading `Access-Control-Request-Headers`.
//!
//! A browser sends the names in lower case, sorted and each once (Fetch, "CORS-preflight fetch"), so that a list of allowed names
//! can be walked along with them. Intermediaries may split the list into several lines and put white space around the commas.
//! Everything else is not a browser's doing, and reading stops at the first of it: the cost is bounded by what is allowed, not by
//! what was sent (rs/cors before 1.11.1 took 127 ms and 121 MB for one header of commas).

use super::fetch;

/// White space that one element may have, before and after the name together.
const MAX_OWS: usize = 2;
/// Elements without a name that all lines may have together.
const MAX_EMPTY: usize = 16;
/// Names that are echoed where any name is allowed.
const MAX_ECHOED_NAMES: usize = 64;
/// Bytes that are echoed where any name is allowed, of all lines together.
const MAX_ECHOED_BYTES: usize = 4_096;

/// The header names that a preflight may ask for, in lower case, sorted and each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AllowedNames {
    names: Box<[Box<str>]>,
    longest: usize,
}

/// What was asked for, when all of it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// At least one name.
    Names,
    /// None: the lines are empty but for commas and white space.
    Nothing,
}

impl AllowedNames {
    pub(super) fn new(mut names: Vec<Box<str>>) -> Self {
        names.sort_unstable();
        names.dedup();
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        Self {
            names: names.into(),
            longest,
        }
    }

    pub(super) fn as_slice(&self) -> &[Box<str>] {
        &self.names
    }

    /// Whether every name in `lines` is allowed; `None` if one is not, or if no browser sends such lines.
    pub(super) fn allow<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Option<Asked> {
        let mut later = &*self.names;
        read(lines, self.longest, |name| {
            let at = later.binary_search_by(|allowed| allowed.as_bytes().cmp(name));
            let next = at.ok()?.checked_add(1)?;
            later = later.get(next..)?;
            Some(())
        })
    }
}

/// Whether `lines` may be echoed where any name is allowed.
pub(super) fn allow_any<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Asked> {
    let mut bytes_left = MAX_ECHOED_BYTES;
    let mut names_left = MAX_ECHOED_NAMES;
    let lines = lines.map(|line| {
        let left = bytes_left.checked_sub(line.len())?;
        bytes_left = left;
        Some(line)
    });
    read_bounded(lines, MAX_ECHOED_BYTES, |name| {
        names_left = names_left.checked_sub(1)?;
        fetch::is_token(name).then_some(())
    })
}

fn read<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    longest: usize,
    visit: impl FnMut(&[u8]) -> Option<()>,
) -> Option<Asked> {
    read_bounded(lines.map(Some), longest, visit)
}

/// Hands every name to `visit`; a line that is `None`, a limit that is passed or a `visit` that gives `None` ends it.
fn read_bounded<'a>(
    lines: impl Iterator<Item = Option<&'a [u8]>>,
    longest: usize,
    mut visit: impl FnMut(&[u8]) -> Option<()>,
) -> Option<Asked> {
    let mut asked = Asked::Nothing;
    let mut empty_left = MAX_EMPTY;
    for line in lines {
        let mut rest = line?;
        loop {
            let (name, after) = element(rest, longest)?;
            if name.is_empty() {
                empty_left = empty_left.checked_sub(1)?;
            } else {
                visit(name)?;
                asked = Asked::Names;
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
    }
    Some(asked)
}

/// The name at the start of `list`, and what follows its comma, if there is one.
fn element(list: &[u8], longest: usize) -> Option<(&[u8], Option<&[u8]>)> {
    let (list, ows_left) = skip_ows(list, MAX_OWS);
    let end = list
        .iter()
        // One more than the longest: what goes on there is no allowed name.
        .take(longest.saturating_add(1))
        .position(|byte| matches!(byte, b',' | b' ' | b'\t'));
    let (name, list) = match end {
        Some(end) => list.split_at_checked(end)?,
        None if list.len() <= longest => (list, &[][..]),
        None => return None,
    };
    match skip_ows(list, ows_left).0 {
        [] => Some((name, None)),
        [b',', after @ ..] => Some((name, Some(after))),
        // A third blank, or a second word.
        _ => None,
    }
}

/// `list` without its first blanks, of which at most `left` are skipped; and how many more might have been.
fn skip_ows(mut list: &[u8], mut left: usize) -> (&[u8], usize) {
    while let [b' ' | b'\t', rest @ ..] = list
        && let Some(fewer) = left.checked_sub(1)
    {
        (list, left) = (rest, fewer);
    }
    (list, left)
}
