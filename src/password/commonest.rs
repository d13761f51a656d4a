//! Passwords that many use: those that come with the crate, and those of a file.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use crate::core::Secret;

/// The 3000 commonest passwords of 8 characters or more in lower case, a line each, in the order of their bytes. From the list of the
/// crate zxcvbn 3.1.1 (MIT, see common.LICENSE beside it).
const COMMON: &[u8] = include_bytes!("common.txt");
const SHORTEST_COMMON: usize = 8;
const LONGEST_COMMON: usize = 18;
/// A longer one is not looked through for common ones that stand one behind the other.
const LONGEST_CHAIN: usize = 256;

/// Read at once, and kept in memory.
const MOST_FILE: u64 = 64 << 20;

/// The same in lower case, so that it is the same for whatever has the same capitals: they are made first, since there are two small sigmas,
/// and SS is the capital of a sharp s. Each letter by itself: `str::to_lowercase` looks at what stands beside it. Wiped when it is dropped.
pub(super) fn lower_case(text: &str) -> Secret<String> {
    // No letter takes more than three times as much: the text does not grow, which would leave copies of it behind.
    let mut lower = String::with_capacity(text.len().saturating_mul(3));
    // In lower case before, for the one capital of a sharp s that is its own.
    let capitals = text
        .chars()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase);
    lower.extend(capitals.flat_map(char::to_lowercase));
    Secret::new(lower)
}

/// Whether it is a common password, or nothing but some of them one behind the other.
pub(super) fn is_common(password: &[u8]) -> bool {
    if password.len() > LONGEST_CHAIN {
        return false;
    }
    // Where one may begin: at the beginning, and wherever another ends.
    let mut begins = vec![0];
    let mut next = 0;
    while let Some(begin) = begins.get(next).copied() {
        next = next.saturating_add(1);
        let Some(rest) = password.get(begin..) else {
            continue;
        };
        for length in SHORTEST_COMMON..=LONGEST_COMMON.min(rest.len()) {
            let Some(part) = rest.get(..length).filter(|part| is_line(COMMON, part)) else {
                continue;
            };
            let end = begin.saturating_add(part.len());
            if end == password.len() {
                return true;
            }
            if !begins.contains(&end) {
                begins.push(end);
            }
        }
    }
    false
}

/// Whether a text is one of these lines, which stand in the order of their bytes.
pub(super) fn is_line(lines: &[u8], text: &[u8]) -> bool {
    let mut lines = lines;
    while !lines.is_empty() {
        let middle = lines.len() / 2;
        let Some((before, after)) = lines.split_at_checked(middle) else {
            return false;
        };
        let is_end = |byte: &u8| *byte == b'\n';
        let begin = before.iter().rposition(is_end);
        let begin = begin.map_or(0, |at| at.saturating_add(1));
        let end = after.iter().position(is_end).unwrap_or(after.len());
        let end = middle.saturating_add(end);
        lines = match text.cmp(lines.get(begin..end).unwrap_or_default()) {
            Ordering::Equal => return true,
            Ordering::Less => lines.get(..begin),
            Ordering::Greater => lines.get(end.saturating_add(1)..),
        }
        .unwrap_or_default();
    }
    false
}

/// The lines of a file in lower case, sorted. A line that is no UTF-8 is no password that anybody can send; a file of another encoding,
/// or of nothing, is a mistake, for it would refuse nobody.
pub(super) fn read(path: &Path) -> io::Result<Box<[u8]>> {
    let mut bytes = Vec::new();
    // What is no file has no length to ask for, and may not end.
    let mut file = File::open(path)?.take(MOST_FILE.saturating_add(1));
    file.read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_FILE) {
        return Err(ErrorKind::FileTooLarge.into());
    }
    if bytes.contains(&0) {
        let text = "it holds NUL bytes: write it in UTF-8";
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    // What some editors put in front of UTF-8 belongs to no password.
    let lines = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let lines = lines.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let texts = lines.filter_map(|line| std::str::from_utf8(line).ok());
    let lower = |text| lower_case(text).expose().clone();
    let mut texts: Vec<String> = texts.map(lower).collect();
    texts.retain(|text| !text.is_empty());
    texts.sort_unstable();
    texts.dedup();
    if texts.is_empty() {
        let text = "no password stands in it";
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    Ok(texts.join("\n").into_bytes().into())
}

#[cfg(test)]
#[path = "commonest_tests.rs"]
mod tests;
