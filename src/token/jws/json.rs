//! One JSON object, read strictly (RFC 8259).
//!
//! A header or a set of claims that two parsers read differently is an attack: the one that checks sees `alg` or `exp` where the one
//! that acts sees another. So a member may stand there once, whatever it is escaped to, nothing follows the object, and no string
//! holds half a surrogate pair. Written out rather than put on `serde_json`, whose visitors see numbers in another form as soon as
//! any crate of the build turns on `arbitrary_precision`, and which does not look into what it skips. Nothing is allocated but
//! unescaped text.

use std::borrow::Cow;
use std::fmt;

use super::names::{Names, mark};
use super::scan::ordinary;

/// How much is read before an object is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Members of the object itself.
    pub(crate) members: usize,
    /// Objects and arrays inside each other, the outermost counted.
    pub(crate) depth: usize,
}

/// Why a text is no strict JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    Depth,
    Duplicate,
    Members,
    Syntax,
}

impl JsonError {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Depth => "json_depth",
            Self::Duplicate => "json_duplicate",
            Self::Members => "json_members",
            Self::Syntax => "json_syntax",
        }
    }
}

/// A value, of which nothing is decoded yet; the syntax of all of it has been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Array(Array<'a>),
    #[cfg_attr(not(test), expect(dead_code, reason = "no claim that is read is one"))]
    Bool(bool),
    Null,
    Number(Number<'a>),
    Object(Object<'a>),
    String(Text<'a>),
}

impl<'a> Value<'a> {
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) => Some(text.unescaped()),
            Self::Array(_) | Self::Bool(_) | Self::Null | Self::Number(_) | Self::Object(_) => None,
        }
    }
}

/// A number, as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'a>(&'a str);

impl Number<'_> {
    /// Infinite where the number is too large.
    pub(crate) fn value(self) -> f64 {
        // The grammar of JSON is a part of that of Rust; NaN is in every comparison what does not hold.
        self.0.parse().unwrap_or(f64::NAN)
    }
}

/// What stands between two quotation marks.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// Borrowed but for a text with escapes.
    #[inline]
    pub(crate) fn unescaped(self) -> Cow<'a, str> {
        if !self.has_escapes {
            return Cow::Borrowed(self.raw);
        }
        Cow::Owned(unescape(self.raw))
    }
}

/// The text may be a secret.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

/// An array, with its brackets.
#[derive(Clone, Copy)]
pub(crate) struct Array<'a>(&'a str);

impl<'a> Array<'a> {
    /// Hands over each element in order, until one is refused.
    pub(crate) fn each<E: From<JsonError>>(
        self,
        each: impl FnMut(Value<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut reader = Reader::new(self.0, usize::MAX);
        reader.elements(each)
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Array")
    }
}

/// An object inside another, with its braces.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a>(&'a str);

impl<'a> Object<'a> {
    /// As [`object`].
    pub(crate) fn each<E: From<JsonError>>(
        self,
        limits: Limits,
        each: impl FnMut(&str, Value<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        object_in(self.0, limits, each)
    }

    /// The object as it is written.
    #[cfg(test)]
    pub(crate) const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Object")
    }
}

/// Hands over each member of the one object that `text` is, in order, until one is refused. What was handed over counts for nothing
/// unless all of it is read: a member may turn out at the end to have been there twice.
pub(crate) fn object<'a, E: From<JsonError>>(
    text: &'a [u8],
    limits: Limits,
    each: impl FnMut(&str, Value<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let text = std::str::from_utf8(text).map_err(|_| JsonError::Syntax)?;
    object_in(text, limits, each)
}

/// As [`object`], of what is known to be text.
pub(crate) fn object_in<'a, E: From<JsonError>>(
    text: &'a str,
    limits: Limits,
    mut each: impl FnMut(&str, Value<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader::new(text, limits.depth);
    let mut names = Names::default();
    reader.blank();
    reader.members::<E>(|name, value| {
        let name = name.unescaped();
        let mark = mark(&name);
        if names.has_early(mark, &name) {
            return Err(JsonError::Duplicate.into());
        }
        if names.count() >= limits.members {
            return Err(JsonError::Members.into());
        }
        each(&name, value)?;
        names.push(mark, name);
        Ok(())
    })?;
    if names.has_late_twins() {
        return Err(JsonError::Duplicate.into());
    }
    reader.blank();
    match reader.peek() {
        None => Ok(()),
        Some(_) => Err(JsonError::Syntax.into()),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Objects and arrays that may still be opened inside each other.
    depth: usize,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str, depth: usize) -> Self {
        Self { text, at: 0, depth }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    const fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Whether `byte` stands here; it is passed then.
    fn takes(&mut self, byte: u8) -> bool {
        let is_here = self.peek() == Some(byte);
        if is_here {
            self.skip();
        }
        is_here
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.takes(byte) {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip();
        }
    }

    fn since(&self, start: usize) -> Result<&'a str, JsonError> {
        self.text.get(start..self.at).ok_or(JsonError::Syntax)
    }

    fn open(&mut self, byte: u8) -> Result<(), JsonError> {
        self.expect(byte)?;
        self.depth = self.depth.checked_sub(1).ok_or(JsonError::Depth)?;
        self.blank();
        Ok(())
    }

    const fn close(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    fn members<E: From<JsonError>>(
        &mut self,
        mut each: impl FnMut(Text<'a>, Value<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'{')?;
        if !self.takes(b'}') {
            loop {
                let name = self.string()?;
                self.blank();
                self.expect(b':')?;
                self.blank();
                let value = self.value()?;
                each(name, value)?;
                self.blank();
                if self.takes(b'}') {
                    break;
                }
                self.expect(b',')?;
                self.blank();
            }
        }
        self.close();
        Ok(())
    }

    fn elements<E: From<JsonError>>(
        &mut self,
        mut each: impl FnMut(Value<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'[')?;
        if !self.takes(b']') {
            loop {
                let value = self.value()?;
                each(value)?;
                self.blank();
                if self.takes(b']') {
                    break;
                }
                self.expect(b',')?;
                self.blank();
            }
        }
        self.close();
        Ok(())
    }

    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => {
                self.members(|_, _| Ok::<_, JsonError>(()))?;
                self.since(start).map(|text| Value::Object(Object(text)))
            }
            Some(b'[') => {
                self.elements(|_| Ok::<_, JsonError>(()))?;
                self.since(start).map(|text| Value::Array(Array(text)))
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) | None => Err(JsonError::Syntax),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        word.bytes().try_for_each(|byte| self.expect(byte))?;
        Ok(value)
    }

    fn number(&mut self) -> Result<Number<'a>, JsonError> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.skip();
            if !self.takes(b'+') {
                self.takes(b'-');
            }
            self.digits()?;
        }
        self.since(start).map(Number)
    }

    /// One at least.
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.skip();
        }
        if self.at == start {
            return Err(JsonError::Syntax);
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at = self.at.saturating_add(ordinary(rest));
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.skip();
                    self.escape()?;
                }
                // A control character, or the end.
                Some(_) | None => return Err(JsonError::Syntax),
            }
        }
        let raw = self.since(start)?;
        self.skip();
        Ok(Text { raw, has_escapes })
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), JsonError> {
        let letter = self.peek();
        self.skip();
        match letter {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.unit()? {
                0xd800..=0xdbff => {
                    self.expect(b'\\')?;
                    self.expect(b'u')?;
                    match self.unit()? {
                        0xdc00..=0xdfff => Ok(()),
                        _ => Err(JsonError::Syntax),
                    }
                }
                0xdc00..=0xdfff => Err(JsonError::Syntax),
                _ => Ok(()),
            },
            Some(_) | None => Err(JsonError::Syntax),
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            let digit = digit.ok_or(JsonError::Syntax)?;
            unit = unit << 4 | digit;
            self.skip();
        }
        Ok(unit)
    }
}

/// `raw` has passed [`Reader::string`].
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut reader = Reader::new(raw, 0);
    let mut start = 0;
    while let Some(byte) = reader.peek() {
        if byte != b'\\' {
            reader.skip();
            continue;
        }
        text.push_str(reader.since(start).unwrap_or_default());
        reader.skip();
        let letter = reader.peek();
        reader.skip();
        text.push(match letter {
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => escaped_char(&mut reader),
            Some(byte) => char::from(byte),
            None => char::REPLACEMENT_CHARACTER,
        });
        start = reader.at;
    }
    text.push_str(reader.since(start).unwrap_or_default());
    text
}

/// The character of one `\uXXXX`, or of two that are a surrogate pair.
fn escaped_char(reader: &mut Reader<'_>) -> char {
    let first = reader.unit().unwrap_or_default();
    let mut units = [first, 0];
    let is_pair = matches!(first, 0xd800..=0xdbff) && reader.takes(b'\\') && reader.takes(b'u');
    if is_pair {
        units = [first, reader.unit().unwrap_or_default()];
    }
    char::decode_utf16(units)
        .next()
        .and_then(Result::ok)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
