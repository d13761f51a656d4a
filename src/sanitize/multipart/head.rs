//! The header lines of a part.

use crate::core::field::{is_tchar, is_token};
use crate::sanitize::file_name;
use crate::sanitize::rule::Rule;
use crate::sanitize::rule_set::RuleSet;

/// Parameters of one line, more than anybody has.
const MOST_PARAMETERS: usize = 16;

/// What the header lines of a part say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) is_file: bool,
    /// Browsers send a field for which no file was chosen as a file without a name and without content.
    pub(super) has_no_file_name: bool,
}

/// Reads the lines in front of the empty one, and says which rules they break.
pub(super) fn parse(block: &[u8], max_lines: usize) -> (Head, RuleSet) {
    let mut head = None;
    let mut broken = RuleSet::EMPTY;
    let (mut has_encoding, mut has_type) = (false, false);
    if block.is_empty() {
        return (Head::default(), broken.with(Rule::MultipartDisposition));
    }
    let last = block.split(|byte| *byte == b'\n').count();
    for (line, index) in block.split(|byte| *byte == b'\n').zip(1_usize..) {
        // A line ends in CR LF, but for the last one, whose end is not in the block.
        let is_last = index == last;
        let line = match line.strip_suffix(b"\r") {
            Some(line) if !is_last => line,
            None if is_last => line,
            _ => {
                broken.insert(Rule::MultipartPartHeaders);
                line
            }
        };
        let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if index > max_lines || is_folded || line.iter().copied().any(is_control) {
            broken.insert(Rule::MultipartPartHeaders);
        }
        let colon = memchr::memchr(b':', line);
        let Some((name, value)) = colon.and_then(|at| line.split_at_checked(at)) else {
            broken.insert(Rule::MultipartPartHeaders);
            continue;
        };
        if !is_token(name) {
            broken.insert(Rule::MultipartPartHeaders);
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-disposition") {
            let (found, rules) = disposition(value);
            broken = broken.union(rules);
            if head.replace(found).is_some() {
                broken.insert(Rule::MultipartDisposition);
            }
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            let is_plain = [&b"7bit"[..], b"8bit", b"binary"]
                .iter()
                .any(|known| value.eq_ignore_ascii_case(known));
            if !is_plain || std::mem::replace(&mut has_encoding, true) {
                broken.insert(Rule::MultipartTransferEncoding);
            }
        } else if name.eq_ignore_ascii_case(b"content-type")
            && std::mem::replace(&mut has_type, true)
        {
            broken.insert(Rule::MultipartPartHeaders);
        }
    }
    if head.is_none() {
        broken.insert(Rule::MultipartDisposition);
    }
    (head.unwrap_or_default(), broken)
}

const fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0a..=0x1f | 0x7f)
}

/// A parameter as it stands in the line.
struct Parameter<'a> {
    name: &'a [u8],
    /// Without quotes.
    value: &'a [u8],
    /// Where its name stands.
    at: usize,
}

/// Reads a value of `Content-Disposition` (RFC 7578, section 4.2), in the one form that all readers read in the same way: no white space
/// around `=`, no escapes between quotes, each parameter once.
fn disposition(value: &[u8]) -> (Head, RuleSet) {
    let mut head = Head::default();
    let mut broken = RuleSet::EMPTY;
    let Some(parameters) = parameters(value) else {
        broken.insert(Rule::MultipartDisposition);
        return (head, broken);
    };
    let position = |name: &[u8]| {
        let mut of_name = parameters.iter().filter(|parameter| parameter.name == name);
        of_name.next().map(|parameter| parameter.at)
    };
    let is_ambiguous = parameters.iter().enumerate().any(|(index, parameter)| {
        // `filename*` (RFC 7578, section 4.2, forbids it), `name*0` of RFC 2231; names that are found by their case here and not there.
        let is_odd =
            |known: &[u8]| parameter.name.eq_ignore_ascii_case(known) && parameter.name != known;
        let is_twice = |other: &Parameter<'_>| other.name.eq_ignore_ascii_case(parameter.name);
        parameter.name.contains(&b'*')
            || is_odd(b"name")
            || is_odd(b"filename")
            || parameters.iter().skip(index + 1).any(is_twice)
    });
    let is_misread = misleads(value, b"name", position(b"name"))
        || misleads(value, b"filename", position(b"filename"));
    if is_ambiguous || is_misread {
        broken.insert(Rule::MultipartDisposition);
    }
    let mut has_name = false;
    for Parameter { name, value, .. } in parameters {
        if name == b"filename" {
            head.is_file = true;
            head.has_no_file_name = value.is_empty();
            if !value.is_empty() && !is_file_name(value) {
                broken.insert(Rule::MultipartFileName);
            }
            continue;
        }
        let text = std::str::from_utf8(value).ok();
        if value.contains(&b'\\') || text.is_none() {
            broken.insert(Rule::MultipartDisposition);
        }
        if name == b"name" {
            has_name = true;
            text.unwrap_or_default().clone_into(&mut head.name);
        }
    }
    if !has_name {
        broken.insert(Rule::MultipartDisposition);
    }
    if head.name.eq_ignore_ascii_case("_charset_") {
        broken.insert(Rule::MultipartCharsetField);
    }
    (head, broken)
}

/// The parameters of `form-data`; `None` for another type or what is no list of parameters.
fn parameters(value: &[u8]) -> Option<Vec<Parameter<'_>>> {
    let (kind, mut rest) = value.split_at_checked(b"form-data".len())?;
    if !kind.eq_ignore_ascii_case(b"form-data") {
        return None;
    }
    let mut parameters = Vec::new();
    loop {
        rest = without_spaces(rest);
        if rest.is_empty() {
            return Some(parameters);
        }
        rest = without_spaces(rest.strip_prefix(b";")?);
        if rest.is_empty() {
            return Some(parameters);
        }
        let at = value.len() - rest.len();
        let (name, behind) = rest.split_at_checked(memchr::memchr(b'=', rest)?)?;
        let behind = behind.strip_prefix(b"=")?;
        let (content, behind) = match behind.strip_prefix(b"\"") {
            Some(quoted) => {
                let (content, behind) = quoted.split_at_checked(memchr::memchr(b'"', quoted)?)?;
                (content, behind.strip_prefix(b"\"")?)
            }
            None => {
                let length = behind.iter().take_while(|byte| is_tchar(**byte)).count();
                behind.split_at_checked(length).filter(|_| length > 0)?
            }
        };
        if !is_token(name) || parameters.len() == MOST_PARAMETERS {
            return None;
        }
        parameters.push(Parameter {
            name,
            value: content,
            at,
        });
        rest = behind;
    }
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// Whether a reader who looks for the first `name=` behind white space or `;`, in quotes or not, finds another one than that at `actual`.
/// Some do.
fn misleads(value: &[u8], name: &[u8], actual: Option<usize>) -> bool {
    let value = value.to_ascii_lowercase();
    let mut found = memchr::memmem::find_iter(&value, name).filter(|at| {
        let before = at.checked_sub(1).and_then(|at| value.get(at));
        before.is_none_or(|byte| byte.is_ascii_whitespace() || *byte == b';')
    });
    match actual {
        Some(actual) => found.next() != Some(actual),
        None => found.any(|at| {
            let behind = value.get(at + name.len()..).unwrap_or_default();
            behind.trim_ascii_start().starts_with(b"=")
        }),
    }
}

/// Whether it is a [`SafeFileName`](crate::sanitize::SafeFileName), and is one too when a reader decodes it.
fn is_file_name(name: &[u8]) -> bool {
    let is_ended = |escape: &[u8]| matches!(escape, [b'%', b'0', b'0' | b'a' | b'A' | b'd' | b'D']);
    std::str::from_utf8(name).is_ok_and(|name| file_name::check(name).is_ok())
        && !name.windows(3).any(is_ended)
}
