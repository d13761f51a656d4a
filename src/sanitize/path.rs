//! The path: decoded once, and never repaired.

use super::config::PathRules;
use super::report::{Part, Violation};
use super::rule::Rule;
use super::rule_set::RuleSet;
use super::units::{Form, Unit, Units};
use crate::core::percent;

const SLASH: u8 = 1;
/// Of interest behind a slash alone: what begins a segment of dots, and another slash.
const BEHIND_SLASH: u8 = 2;
/// Of interest wherever it stands.
const ALWAYS: u8 = 4;

#[expect(
    clippy::indexing_slicing,
    reason = "each index is below the length of the table, and the compiler runs this"
)]
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < table.len() {
        table[byte] = match byte {
            0x2F => SLASH | BEHIND_SLASH,
            0x20 | 0x2E => BEHIND_SLASH,
            // `%`, `;`, `\`, and what is not printable.
            0x25 | 0x3B | 0x5C | 0x00..=0x1F | 0x7F..=0xFF => ALWAYS,
            _ => 0,
        };
        byte = byte.saturating_add(1);
    }
    table
};

/// Whether a path breaks no rule, seen at a glance: most paths.
#[inline]
fn is_plain(path: &[u8]) -> bool {
    let mut seen = 0;
    // What begins without a slash begins as a segment does.
    let mut before = if path.starts_with(b"/") { 0 } else { SLASH };
    for byte in path {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(ALWAYS);
        seen |= class & (ALWAYS | ((before & SLASH) << 1));
        before = class;
    }
    seen == 0
}

impl PathRules {
    /// Checks a path as it stands in a request target, without the query.
    ///
    /// # Errors
    ///
    /// The first rule, in the order of [`Rule::ALL`], that the path breaks and that is not only reported.
    pub fn check(&self, path: &str) -> Result<(), Violation> {
        self.examine(path, &mut RuleSet::default())
    }

    #[inline]
    pub(super) fn examine(&self, path: &str, reported: &mut RuleSet) -> Result<(), Violation> {
        if is_plain(path.as_bytes()) {
            return Ok(());
        }
        self.look_closely(path.as_bytes(), reported)
    }

    #[cold]
    fn look_closely(&self, path: &[u8], reported: &mut RuleSet) -> Result<(), Violation> {
        Units::of_path(path).decoded(|decoded| {
            let mut hits = RuleSet::EMPTY;
            for unit in Units::of_path(path) {
                hits = hits.union(of_unit(unit));
            }
            for &(rule, find) in IN_DECODED {
                if find(decoded, self.any_dots).is_some() {
                    hits.insert(rule);
                }
            }
            match self.actions.settle(hits, reported) {
                None => Ok(()),
                Some(rule) => Err(self.violation(rule, path, decoded)),
            }
        })
    }

    fn violation(&self, rule: Rule, path: &[u8], decoded: &[u8]) -> Violation {
        let in_decoded = IN_DECODED.iter().find(|(of, _)| *of == rule);
        let (first, count) = match in_decoded {
            Some((_, find)) => find(decoded, self.any_dots).unwrap_or_default(),
            None => {
                let breaks = |unit| of_unit(unit).contains(rule);
                (Units::of_path(path).position(breaks).unwrap_or(0), 1)
            }
        };
        // One unit is one byte of the decoded path.
        let mut units = Units::of_path(path).skip(first);
        let at = units.next();
        let last = units.nth(count.saturating_sub(2)).filter(|_| count > 1);
        let start = at.map_or(path.len(), |unit| unit.at);
        let end = last
            .or(at)
            .map_or(start, |unit| unit.at.saturating_add(unit.len()));
        Violation::new(rule, Part::Path, start, end.saturating_sub(start))
    }
}

/// The rules that one byte breaks, however it is written.
fn of_unit(unit: Unit) -> RuleSet {
    let mut hits = RuleSet::EMPTY;
    let is_escaped = unit.form == Form::Escaped;
    let mut hit = |rule, breaks| {
        if breaks {
            hits.insert(rule);
        }
    };
    hit(Rule::PathBadEscape, unit.form == Form::BadEscape);
    hit(
        Rule::PathNotAscii,
        !is_escaped && !matches!(unit.byte, 0x20..=0x7E),
    );
    match unit.byte {
        0 => hit(Rule::PathNul, true),
        b'\r' | b'\n' => hit(Rule::PathCrlf, true),
        0x01..=0x1F | 0x7F => hit(Rule::PathControl, true),
        b'\\' => hit(Rule::PathBackslash, true),
        b';' => hit(Rule::PathSemicolon, true),
        b'.' => hit(Rule::PathEncodedDot, is_escaped),
        b'/' => hit(Rule::PathEncodedSlash, is_escaped),
        b'%' => hit(Rule::PathEncodedPercent, is_escaped),
        b'-' | b'_' | b'~' => hit(Rule::PathEncodedUnreserved, is_escaped),
        byte => hit(
            Rule::PathEncodedUnreserved,
            is_escaped && byte.is_ascii_alphanumeric(),
        ),
    }
    hits
}

/// Finds what breaks a rule in a decoded path: where it begins and how long it is. The flag says whether any segment of dots and spaces
/// alone is one.
type Find = fn(&[u8], bool) -> Option<(usize, usize)>;

const IN_DECODED: &[(Rule, Find)] = &[
    (Rule::PathControl, |path, _| {
        // Those of ASCII are found byte by byte, U+0085 is a line separator.
        find_char(path, |c| {
            matches!(c, '\0'..='\x1F' | '\x7F'..='\u{9F}')
                && !matches!(c, '\0' | '\r' | '\n' | '\u{85}')
        })
    }),
    (Rule::PathNotUtf8, |path, _| {
        let error = std::str::from_utf8(path).err()?;
        let length = error.error_len().unwrap_or(1);
        Some((error.valid_up_to(), length))
    }),
    (Rule::PathDotSegment, find_dot_segment),
    (Rule::PathDoubleEncoding, |path, _| {
        let mut places = path.iter().enumerate().filter(|(_, byte)| **byte == b'%');
        places.find_map(|(at, _)| {
            let mut digits = path.iter().skip(at).skip(1).copied();
            let byte = percent::escaped(&mut digits)?;
            b"./\\\0%\n\r".contains(&byte).then_some((at, 3))
        })
    }),
    (Rule::PathLineSeparator, |path, _| {
        find_char(path, |c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))
    }),
    (Rule::PathEmptySegment, |path, _| {
        let at = path.windows(2).position(|pair| pair == b"//")?;
        Some((at, 2))
    }),
    (Rule::PathBidi, |path, _| {
        find_char(path, |c| {
            matches!(
                c,
                '\u{200B}'..='\u{200F}'
                    | '\u{202A}'..='\u{202E}'
                    | '\u{2060}'
                    | '\u{2066}'..='\u{2069}'
                    | '\u{FEFF}'
            )
        })
    }),
    (Rule::PathLookalike, |path, _| {
        find_char(path, |c| {
            matches!(
                c,
                // One dot leader, fraction and division slash, reverse solidus operator, and the full-width forms.
                '\u{2024}'
                    | '\u{2044}'
                    | '\u{2215}'
                    | '\u{29F5}'
                    | '\u{FF0E}'
                    | '\u{FF0F}'
                    | '\u{FF3C}'
            )
        })
    }),
];

/// The first such character of the parts that are UTF-8.
fn find_char(path: &[u8], is_it: fn(char) -> bool) -> Option<(usize, usize)> {
    let mut start = 0_usize;
    for chunk in path.utf8_chunks() {
        let valid = chunk.valid();
        if let Some((at, c)) = valid.char_indices().find(|(_, c)| is_it(*c)) {
            return Some((start.saturating_add(at), c.len_utf8()));
        }
        start = start
            .saturating_add(valid.len())
            .saturating_add(chunk.invalid().len());
    }
    None
}

fn find_dot_segment(path: &[u8], any_dots: bool) -> Option<(usize, usize)> {
    let mut start = 0_usize;
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        if is_dots(segment, any_dots) {
            return Some((start, segment.len()));
        }
        start = start.saturating_add(segment.len()).saturating_add(1);
    }
    None
}

/// Whether a segment is `.` or `..`, for servers that drop spaces at the end or a parameter too.
fn is_dots(segment: &[u8], any_dots: bool) -> bool {
    let behind = segment
        .strip_prefix(b"..")
        .or_else(|| segment.strip_prefix(b"."));
    let is_resolved = match behind {
        Some([] | [b' ' | b';', ..]) => true,
        Some(_) | None => false,
    };
    let is_blank = |byte: &u8| matches!(byte, b'.' | b' ');
    is_resolved || (any_dots && !segment.is_empty() && segment.iter().all(is_blank))
}
