//! Reading `Access-Control-Request-Headers`.
//!
//! A browser sends the names in lower case, sorted and each once (Fetch, "CORS-preflight fetch"), so that a list of allowed names
//! can be walked along with them. Intermediaries may split the list into several lines and put white space around the commas.
//! Everything else is not a browser's doing, and reading stops at the first of it: the cost is bounded by what is allowed, not by
//! what was sent (rs/cors before 1.11.1 took 127 ms and 121 MB for one header of commas).

use crate::core::field;

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

    /// Whether a name in `lines` is none of the allowed ones, whatever its case. Reads no more names than are allowed, and stops where
    /// a line stops being a list: what lies behind is not looked for.
    pub(super) fn lack_one<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut lacks_one = false;
        let mut names_left = self.names.len();
        let _ = read(lines, MAX_ECHOED_BYTES, |name| {
            let name = name.to_ascii_lowercase();
            let found = self
                .names
                .binary_search_by(|allowed| allowed.as_bytes().cmp(&name));
            lacks_one = found.is_err();
            names_left = names_left.checked_sub(1)?;
            found.ok().map(|_| ())
        });
        lacks_one
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
        field::is_token(name).then_some(())
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
        let mut list = line?;
        let mut ows_left = MAX_OWS;
        let mut has_name = false;
        loop {
            match list {
                [b',', rest @ ..] => {
                    list = rest;
                    empty_left = empty_left.checked_sub(usize::from(!has_name))?;
                    ows_left = MAX_OWS;
                    has_name = false;
                }
                [b' ' | b'\t', rest @ ..] => {
                    list = rest;
                    ows_left = ows_left.checked_sub(1)?;
                }
                [_, ..] if !has_name => {
                    let (name, rest) = split_name(list, longest)?;
                    visit(name)?;
                    list = rest;
                    has_name = true;
                    asked = Asked::Names;
                }
                // A second word in one element.
                [_, ..] => return None,
                [] => break,
            }
        }
        empty_left = empty_left.checked_sub(usize::from(!has_name))?;
    }
    Some(asked)
}

/// The bytes before the first comma or blank, and the others; `None` if there are more than `longest`.
#[inline]
fn split_name(list: &[u8], longest: usize) -> Option<(&[u8], &[u8])> {
    let mut end = 0;
    for byte in list {
        if matches!(byte, b',' | b' ' | b'\t') {
            break;
        }
        if end == longest {
            return None;
        }
        end += 1;
    }
    list.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::iter;

    use proptest::prelude::*;

    use super::*;

    fn allowed(names: &[&str]) -> AllowedNames {
        AllowedNames::new(names.iter().map(|name| (*name).into()).collect())
    }

    fn listed(lines: &[&str]) -> Option<Asked> {
        allowed(&["x-c", "authorization", "x-a", "x-b"]).allow(lines.iter().map(|l| l.as_bytes()))
    }

    #[test]
    fn names_are_walked_in_order() {
        let ten_empty = ",".repeat(9);
        for (lines, asked) in [
            (&["x-a"][..], Some(Asked::Names)),
            (&["authorization,x-a,x-b,x-c"], Some(Asked::Names)),
            (&["authorization", "x-c"], Some(Asked::Names)),
            (&["x-a, x-b ,x-c"], Some(Asked::Names)),
            (&["\tx-a\t,  x-b"], Some(Asked::Names)),
            (&[",x-a,"], Some(Asked::Names)),
            (&[""], Some(Asked::Nothing)),
            (&[" , ,\t"], Some(Asked::Nothing)),
            // 16 empty elements, and a 17th.
            (&[&ten_empty, ",,,,,"], Some(Asked::Nothing)),
            (&[&ten_empty, ",,,,,,"], None),
            (&[""; 16], Some(Asked::Nothing)),
            (&[""; 17], None),
            // Three blanks in one element.
            (&["x-a ,  x-b "], None),
            (&["   x-a"], None),
            (&["   "], None),
            // Not as a browser sends it.
            (&["X-A"], None),
            (&["x-b,x-a"], None),
            (&["x-a,x-a"], None),
            (&["x-a", "authorization"], None),
            (&["x-a x-b"], None),
            (&["x-a;x-b"], None),
            // Not allowed, also where one is the start of the other.
            (&["x-d"], None),
            (&["x-"], None),
            (&["authorizatio"], None),
            (&["authorizations"], None),
            (&["*"], None),
        ] {
            assert_eq!(listed(lines), asked, "{lines:?}");
        }
    }

    #[test]
    fn a_name_that_is_lacking_is_told_from_a_form_that_is_refused() {
        let allowed = allowed(&["authorization", "x-a"]);
        let lack = |lines: &[&str]| allowed.lack_one(lines.iter().map(|line| line.as_bytes()));
        let long = "x".repeat(4_096);
        for lines in [
            &["x-b"][..],
            &["x-a,x-b"],
            &["X-A", "x-b"],
            &["x-a,authorization,x-b"],
            &[&long],
        ] {
            assert!(lack(lines), "{lines:?}");
        }
        for lines in [
            &[][..],
            &["x-a,authorization"],
            &["X-A"],
            &["x-a,x-a,x-a,x-a"],
            &["   x-a"],
            &["   x-b"],
            &[",,,,,,,,,,,,,,,,,,x-b"],
        ] {
            assert!(!lack(lines), "{lines:?}");
        }
    }

    /// Lines of which no more than `left` bytes may be read.
    fn metered<'a>(line: &'a str, left: &Cell<usize>) -> impl Iterator<Item = &'a [u8]> {
        iter::repeat_with(move || {
            let after = left.get().checked_sub(line.len());
            left.set(after.expect("it stops before"));
            line.as_bytes()
        })
    }

    /// Endless headers end, each at the limit that is its own.
    #[test]
    fn the_work_does_not_grow_with_what_is_sent() {
        let allowed = allowed(&["authorization", "x-a"]);
        let long = "x".repeat(1_000);
        let names = "a".repeat(100);
        for (line, most) in [
            // 17 empty lines or elements.
            ("", 0),
            (" ", 17),
            (",", 9),
            // The second one is not behind the first.
            ("x-a", 2 * "x-a".len()),
            ("x-b", "x-b".len()),
            (&long, long.len()),
        ] {
            let left = Cell::new(most);
            assert_eq!(allowed.allow(metered(line, &left)), None, "{line:?}");
            assert_eq!(left.get(), 0, "{line:?}");
        }
        for (line, lines) in [(",", 9), ("x-a", 3), ("x-b", 1), ("   ", 1)] {
            let left = Cell::new(lines * line.len());
            let lacks = allowed.lack_one(metered(line, &left));
            assert_eq!((lacks, left.get()), (line == "x-b", 0), "{line:?}");
        }
        for (line, lines) in [(",", 9), ("a", 65), (&*names, 41), (&*long, 5)] {
            let left = Cell::new(lines * line.len());
            assert_eq!(allow_any(metered(line, &left)), None, "{line:?}");
            assert_eq!(left.get(), 0, "{line:?}");
        }
    }

    #[test]
    fn the_echo_has_limits_of_its_own() {
        let any = |lines: &[String]| allow_any(lines.iter().map(String::as_bytes));
        let names = |count: usize| vec![vec!["a"; count].join(",")];
        assert_eq!(any(&names(64)), Some(Asked::Names));
        assert_eq!(any(&names(65)), None);
        assert_eq!(any(&["a".repeat(4_096)]), Some(Asked::Names));
        assert_eq!(any(&["a".repeat(4_097)]), None);
        assert_eq!(
            any(&["a".repeat(2_048), "b".repeat(2_048)]),
            Some(Asked::Names)
        );
        assert_eq!(any(&["a".repeat(2_048), "b".repeat(2_049)]), None);
        assert_eq!(any(&["X-B,x-a".into()]), Some(Asked::Names));
        assert_eq!(any(&["x a".into()]), None);
        assert_eq!(any(&["x\u{e9}".into()]), None);
        assert_eq!(any(&[" ".into()]), Some(Asked::Nothing));
    }

    /// Split, trim, count, compare with the sorted list: slow and plain.
    fn naive(lines: &[String], allowed: &[&str]) -> Option<Asked> {
        let elements: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).collect();
        let blank = |c: char| matches!(c, ' ' | '\t');
        let names: Vec<&str> = elements
            .iter()
            .map(|element| element.trim_matches(blank))
            .collect();
        let most_blanks = elements
            .iter()
            .zip(&names)
            .map(|(element, name)| element.len() - name.len())
            .max();
        let empty = names.iter().filter(|name| name.is_empty()).count();
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let fits = most_blanks <= Some(2)
            && empty <= 16
            && names.is_sorted_by(|a, b| a < b)
            && names.iter().all(|name| allowed.contains(name));
        fits.then_some(if names.is_empty() {
            Asked::Nothing
        } else {
            Asked::Names
        })
    }

    proptest! {
        #[test]
        fn the_parser_agrees_with_a_naive_one(
            lines in prop::collection::vec("(a|b|ab|ba|abc|A|,|,|,| |\t|;){0,24}", 1..4),
            names in prop::sample::subsequence(vec!["a", "ab", "abc", "b", "ba"], 0..=5),
        ) {
            let parsed = allowed(&names).allow(lines.iter().map(String::as_bytes));
            prop_assert_eq!(parsed, naive(&lines, &names));
        }
    }
}
