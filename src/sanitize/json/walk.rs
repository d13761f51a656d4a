//! Walks a JSON text that has been accepted, token by token and without decoding it. Of any other text it makes some tokens or other,
//! and ends.

use std::borrow::Cow;

/// What stands between the white space and the colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The beginning of an object or an array.
    Open(Kind),
    /// The end of either.
    Close,
    Comma,
    Text(Text<'a>),
    /// A number, a truth value or null.
    Scalar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Object,
}

/// A string as it stands in the text, with its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sanitize) struct Text<'a> {
    quoted: &'a [u8],
    /// Where its first quote stands.
    at: usize,
}

impl<'a> Text<'a> {
    /// Where it stands, quotes included.
    pub(super) const fn range(self) -> std::ops::Range<usize> {
        self.at..self.at + self.quoted.len()
    }

    /// What stands between the quotes.
    pub(super) fn raw(self) -> &'a [u8] {
        let behind = self.quoted.strip_prefix(b"\"").unwrap_or_default();
        behind.strip_suffix(b"\"").unwrap_or(behind)
    }

    /// Whether it may hold a `<` when it is decoded: in UTF-8 that stands there itself, or is escaped.
    pub(in crate::sanitize) fn may_hold_tag(self) -> bool {
        memchr::memchr2(b'<', b'\\', self.quoted).is_some()
    }

    /// Decodes it; `None` if it is no string of an accepted text.
    pub(in crate::sanitize) fn decode(self) -> Option<Cow<'a, str>> {
        if memchr::memchr(b'\\', self.quoted).is_none() {
            return std::str::from_utf8(self.raw()).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice(self.quoted).ok().map(Cow::Owned)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Where it stands: behind the last token.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes to the end of the array or object whose beginning was the last token.
    pub(super) fn skip_container(&mut self) {
        let mut depth = 1_usize;
        while let Some(byte) = self.text.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => self.at += length_of_text(self.rest()),
                b'[' | b'{' => depth += 1,
                b']' | b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let start = self.at;
            let byte = self.text.get(start)?;
            self.at += 1;
            let token = match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b':' => continue,
                b'[' => Token::Open(Kind::Array),
                b'{' => Token::Open(Kind::Object),
                b']' | b'}' => Token::Close,
                b',' => Token::Comma,
                b'"' => {
                    self.at += length_of_text(self.rest());
                    let quoted = self.text.get(start..self.at).unwrap_or_default();
                    Token::Text(Text { quoted, at: start })
                }
                _ => {
                    let rest = self.rest().iter();
                    self.at += rest.take_while(|byte| !ends_scalar(**byte)).count();
                    Token::Scalar
                }
            };
            return Some(token);
        }
    }
}

const fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
}

/// How long the rest of a string is behind its first quote, the last one included.
fn length_of_text(behind: &[u8]) -> usize {
    let mut rest = behind;
    loop {
        let Some(at) = memchr::memchr2(b'"', b'\\', rest) else {
            return behind.len();
        };
        // The escape and what it escapes, or the quote.
        let (taken, ends) = match rest.get(at) {
            Some(b'"') => (at + 1, true),
            _ => ((at + 2).min(rest.len()), false),
        };
        rest = rest.get(taken..).unwrap_or_default();
        if ends {
            return behind.len() - rest.len();
        }
    }
}

/// Where a line and a column are, as `serde_json` counts them: lines from 1, columns in bytes.
pub(super) fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(before) => memchr::memchr_iter(b'\n', text)
            .nth(before)
            .map_or(0, |at| at + 1),
    };
    (start + column).min(text.len())
}

/// Where the string begins whose last quote is the last thing before `end`, and its length, both without quotes.
pub(super) fn text_before(body: &[u8], end: usize) -> (usize, usize) {
    let body = body.get(..end).unwrap_or(body).trim_ascii_end();
    let Some(text) = body.strip_suffix(b"\"") else {
        return (end, 0);
    };
    let mut before = text;
    while let Some(quote) = memchr::memrchr(b'"', before) {
        before = before.get(..quote).unwrap_or_default();
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\');
        if escapes.count() % 2 == 0 {
            return (quote + 1, text.len() - quote - 1);
        }
    }
    (end, 0)
}

/// The longest pointer that is made: a client may write long ones.
const MOST: usize = 256;

/// The pointer (RFC 6901) to what stands at an offset, whose text has been accepted up to there. A long one ends early.
pub(super) fn pointer(body: &[u8], at: usize) -> String {
    let mut walk = Walk::new(body);
    let mut path: Vec<Step<'_>> = Vec::new();
    let mut is_key = false;
    while let Some(token) = walk.next() {
        let is_there = walk.at() > at;
        match token {
            Token::Text(text) if is_key => {
                if let Some(step) = path.last_mut() {
                    *step = Step::Key(Some(text));
                }
                is_key = false;
            }
            _ if is_there => break,
            Token::Text(_) | Token::Scalar => {}
            Token::Open(Kind::Array) => path.push(Step::Index(0)),
            Token::Open(Kind::Object) => {
                path.push(Step::Key(None));
                is_key = true;
            }
            Token::Comma => match path.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Key(_)) => is_key = true,
                None => {}
            },
            Token::Close => {
                path.pop();
                is_key = false;
            }
        }
        if is_there {
            break;
        }
    }
    let mut pointer = String::new();
    for step in path {
        let step = match step {
            Step::Index(index) => Cow::Owned(index.to_string()),
            Step::Key(Some(key)) => key.decode().unwrap_or_default(),
            Step::Key(None) => break,
        };
        if pointer.len() + step.len() >= MOST {
            break;
        }
        pointer.push('/');
        for char in step.chars() {
            match char {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                _ => pointer.push(char),
            }
        }
    }
    pointer
}

/// One step from a value to a value within it.
enum Step<'a> {
    Index(usize),
    Key(Option<Text<'a>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_walked_token_by_token() {
        let text = br#" {"a\"]": [1, -2.5e3,true ,null], "b":"\\", "c" : {} }"#;
        let tokens = Walk::new(text).map(|token| match token {
            Token::Open(Kind::Array) => "[".to_owned(),
            Token::Open(Kind::Object) => "{".to_owned(),
            Token::Close => ")".to_owned(),
            Token::Comma => ",".to_owned(),
            Token::Scalar => "0".to_owned(),
            Token::Text(text) => text.decode().expect("a string").into_owned(),
        });
        let tokens = tokens.collect::<Vec<_>>();
        let expected = [
            "{", "a\"]", "[", "0", ",", "0", ",", "0", ",", "0", ")", ",", "b", "\\", ",", "c",
            "{", ")", ")",
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_container_is_skipped_whatever_it_holds() {
        let text = br#"[{"}": ["]", "\"]\\"], "x": {}}, 7]"#;
        let mut walk = Walk::new(text);
        assert_eq!(walk.next(), Some(Token::Open(Kind::Array)));
        assert_eq!(walk.next(), Some(Token::Open(Kind::Object)));
        walk.skip_container();
        assert_eq!(walk.at(), text.len() - 4);
        let rest = walk.collect::<Vec<_>>();
        assert_eq!(rest, [Token::Comma, Token::Scalar, Token::Close]);
    }

    #[test]
    fn other_texts_end_as_well() {
        let rows: [&[u8]; 8] = [
            b"", b"\"", b"\"\\", b"\"\\\"", b"]", b"{{", b"[\"", b"\xff\0:",
        ];
        for text in rows {
            let tokens = Walk::new(text).count();
            assert!(tokens <= text.len());
            let mut walk = Walk::new(text);
            walk.skip_container();
            assert!(walk.at() <= text.len());
            for at in 0..=text.len() {
                let _ = (pointer(text, at), text_before(text, at));
            }
        }
    }

    #[test]
    fn lines_and_columns_are_counted_as_the_parser_does() {
        let text = b"ab\ncd\n\nef";
        let rows = [
            (1, 0, 0),
            (1, 2, 2),
            (2, 0, 3),
            (2, 2, 5),
            (4, 1, 8),
            (4, 9, 9),
            (0, 0, 0),
        ];
        for (line, column, at) in rows {
            assert_eq!(offset(text, line, column), at, "{line}:{column}");
        }
    }

    #[test]
    fn the_string_before_is_found_by_its_quotes() {
        let rows: [(&str, &str); 6] = [
            (r#"["abc""#, "abc"),
            (r#"{"abc" "#, "abc"),
            (r#"["a\"b""#, r#"a\"b"#),
            (r#"["a\\","b\\""#, r"b\\"),
            (r#"["a\\\"""#, r#"a\\\""#),
            (r#"[ """#, ""),
        ];
        for (text, expected) in rows {
            let (at, len) = text_before(text.as_bytes(), text.len());
            assert_eq!(text.get(at..at + len), Some(expected), "{text}");
        }
        assert_eq!(text_before(b"[1", 2), (2, 0));
    }

    #[test]
    fn a_pointer_leads_to_what_stands_at_an_offset() {
        let text = r#"{"a/b": [10, {"~": "x"}, []], "c\u0064": {"e": 20}, "f": 30}"#;
        let rows = [
            ("10", "/a~1b/0"),
            ("\"~", "/a~1b/1/~0"),
            ("\"x", "/a~1b/1/~0"),
            ("[]", "/a~1b/2"),
            ("\"c", "/cd"),
            ("20", "/cd/e"),
            ("30", "/f"),
            ("{\"a", ""),
        ];
        for (piece, expected) in rows {
            let at = text.find(piece).expect("it is there");
            assert_eq!(pointer(text.as_bytes(), at), expected, "{piece}");
        }
    }

    #[test]
    fn a_pointer_ends_before_it_is_too_long() {
        let key = "k".repeat(100);
        let text = format!(r#"{{"{key}":{{"{key}":{{"{key}":7}}}}}}"#);
        let found = pointer(text.as_bytes(), text.len() - 4);
        assert_eq!(found, format!("/{key}/{key}"));
    }
}
