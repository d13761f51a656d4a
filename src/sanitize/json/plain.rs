//! A look that is enough for most bodies: JSON in its usual spellings that breaks no rule.

use super::guard::{CONSTRUCTOR, PROTO, RESERVED};
use super::keys::{KeyStack, Object};
use crate::sanitize::JsonRules;
use crate::sanitize::rule::Rule;

/// As deep as the parser goes, whatever the rules say.
const MAX_DEPTH: usize = 127;

/// The longest number that is plain, in bytes: no number without an exponent that is as long is beyond those of the parser.
const LONGEST_NUMBER: usize = 300;

/// Whether a body is JSON and breaks no rule, as far as that is plain to see.
///
/// What is accepted here, the guard accepts without a word. What is not plain is left to it, and it reads the body from the beginning with
/// the parser of the application: exponents, escapes of which a rule may have something to say, whatever breaks a rule or is no JSON. So
/// this may know less than the parser, and never more.
pub(super) fn is_plain(rules: &JsonRules, body: &[u8]) -> bool {
    let has_del = || memchr::memchr(0x7f, body).is_some();
    // Outside of strings it is ASCII (RFC 8259, section 2).
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let mut reader = Reader {
        rules,
        max_depth: rules.max_depth.min(MAX_DEPTH),
        compares_keys: rules.actions.is_on(Rule::JsonDuplicateKey),
        takes_operators: !rules.actions.is_on(Rule::JsonOperatorKey),
        text,
        at: 0,
        nodes: 0,
        keys: KeyStack::new(),
    };
    reader.value(0).is_some() && reader.next().is_none() && !has_del()
}

struct Reader<'r, 'de> {
    rules: &'r JsonRules,
    max_depth: usize,
    compares_keys: bool,
    takes_operators: bool,
    text: &'de str,
    at: usize,
    nodes: usize,
    keys: KeyStack<'de>,
}

/// `None` says of each of them that something is not plain.
impl<'de> Reader<'_, 'de> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes the next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.take()? {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                byte => return Some(byte),
            }
        }
    }

    /// Takes a value, `depth` arrays and objects deep.
    fn value(&mut self, depth: usize) -> Option<()> {
        self.nodes += 1;
        if self.nodes > self.rules.max_nodes {
            return None;
        }
        match self.next()? {
            b'"' => {
                let text = self.text(Escapes::Usual)?;
                (text.len() <= self.rules.max_string_len).then_some(())
            }
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            first => self.number(first),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        if depth > self.max_depth {
            return None;
        }
        let mut object = self.keys.enter();
        let mut next = self.next()?;
        if next == b'}' {
            return Some(());
        }
        loop {
            if next != b'"' {
                return None;
            }
            self.key(&mut object)?;
            if self.next()? != b':' {
                return None;
            }
            self.value(depth)?;
            match self.next()? {
                b',' => next = self.next()?,
                b'}' => break,
                _ => return None,
            }
        }
        self.keys.leave(&object);
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        if depth > self.max_depth {
            return None;
        }
        if self.next()? == b']' {
            return Some(());
        }
        self.at -= 1;
        let mut length = 0;
        loop {
            length += 1;
            if length > self.rules.max_array_len {
                return None;
            }
            self.value(depth)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    #[inline]
    fn key(&mut self, object: &mut Object) -> Option<()> {
        let key = self.text(Escapes::None)?;
        let is_suspect = match key.as_bytes().first() {
            Some(b'$') => !self.takes_operators || key.starts_with(RESERVED),
            Some(b'_') => key == PROTO,
            // Under it another key may be refused.
            Some(b'c') => key == CONSTRUCTOR,
            _ => false,
        };
        if is_suspect
            || object.count() > self.rules.max_keys
            || key.len() > self.rules.max_key_len
            || (self.compares_keys && self.keys.add(object, key))
        {
            return None;
        }
        Some(())
    }

    /// The rest of a string whose first quote was taken, as it is spelt.
    #[inline]
    fn text(&mut self, escapes: Escapes) -> Option<&'de str> {
        let start = self.at;
        loop {
            self.at += length_of_run(self.text.as_bytes().get(self.at..)?);
            match self.take()? {
                b'"' => return self.text.get(start..self.at - 1),
                b'\\' if escapes == Escapes::Usual => self.escape()?,
                // A control character is none of a string.
                _ => return None,
            }
        }
    }

    /// The rest of an escape. Control characters but tabs and line ends break a rule, and surrogates come in pairs.
    fn escape(&mut self) -> Option<()> {
        match self.take()? {
            b'"' | b'\\' | b'/' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                let mut code = 0;
                for digit in digits {
                    code = code << 4 | char::from(*digit).to_digit(16)?;
                }
                self.at += 4;
                let is_plain = matches!(code, 0x20..=0x7e | 0x80..=0xd7ff | 0xe000..);
                is_plain.then_some(())
            }
            _ => None,
        }
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        let end = self.at + rest.len();
        let is_there = self.text.as_bytes().get(self.at..end) == Some(rest);
        self.at = end;
        is_there.then_some(())
    }

    /// The rest of a number. That nothing of it is left, the caller sees.
    #[inline]
    fn number(&mut self, first: u8) -> Option<()> {
        let start = self.at;
        let first = if first == b'-' { self.take()? } else { first };
        match first {
            // Nothing stands behind it but a point.
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.take()?.is_ascii_digit() {
                return None;
            }
            self.digits();
        }
        (self.at - start < LONGEST_NUMBER).then_some(())
    }

    #[inline]
    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }
}

/// Which escapes are plain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Usual,
}

/// How many bytes there are before the next quote, backslash or control character.
#[inline]
fn length_of_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut rest = bytes;
    // Eight at once. The high bit of each byte that is below a limit is set, and perhaps of some behind it, of which none is the first.
    while let Some((eight, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
        let quote = below(word ^ (ONES * 0x22), 1);
        let backslash = below(word ^ (ONES * 0x5c), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return bytes.len() - rest.len() + (found.trailing_zeros() >> 3) as usize;
        }
        rest = behind;
    }
    let is_ordinary = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
    bytes.len() - rest.len() + rest.iter().take_while(is_ordinary).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::rule_set::RuleSet;

    /// Whether it is plain, and that the guard has nothing to say of what is.
    fn is_plain_and_accepted(rules: &JsonRules, body: &[u8]) -> bool {
        let is_plain = is_plain(rules, body);
        if is_plain {
            let found = super::super::guard::read(rules, body);
            assert_eq!(found, Ok(RuleSet::EMPTY), "{}", body.escape_ascii());
        }
        is_plain
    }

    #[test]
    fn what_most_bodies_are_is_plain() {
        for text in [
            "0",
            " -1.25 ",
            "null",
            "[true,false,null]",
            "\"\"",
            "{}",
            "[[],{},[{}]]",
            " { \"a\" :\t[ 1 ,\r\n 2.50 ] , \"b\" : -0.5 } \n",
            r#""a\"b\\c\/d\n\r\t \u00fc\u20AC\ufeff""#,
            r#"{"_id":1,"$set":2,"certificate":3,"prototype":4,"":5}"#,
            "{\"caf\u{e9}\":\"\u{201c}so\u{201d} \u{1f600}\"}",
        ] {
            assert!(
                is_plain_and_accepted(&JsonRules::strict(), text.as_bytes()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_rule_may_be_about_is_not() {
        for text in [
            "",
            "1e2",
            "\u{feff}1",
            "01",
            "-",
            "1.",
            ".5",
            "+1",
            "nul",
            "[1,]",
            "[1",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "1 2",
            "\"",
            "\"\u{7f}\"",
            "\"\n\"",
            r#""\b""#,
            r#""\u0000""#,
            r#""\u007f""#,
            r#""\ud83d\ude00""#,
            r#""\ud83d""#,
            r#""\u+123""#,
            r#""\x41""#,
            r#"{"a":1,"a":2}"#,
            r#"{"\u0061":1}"#,
            r#"{"__proto__":1}"#,
            r#"{"constructor":1}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
        ] {
            assert!(!is_plain(&JsonRules::strict(), text.as_bytes()), "{text}");
        }
        assert!(!is_plain(&JsonRules::strict(), b"\"\xff\""));
        let long = "1".repeat(400);
        assert!(!is_plain(&JsonRules::strict(), long.as_bytes()));
        let operators = JsonRules::strict().deny_operator_keys();
        assert!(!is_plain(&operators, br#"{"$set":2}"#));
    }

    #[test]
    fn each_limit_has_two_sides() {
        let rules = JsonRules::strict();
        for (rules, within, beyond) in [
            (rules.clone().max_depth(2), "[[1]]", "[[[1]]]"),
            (
                rules.clone().max_depth(2),
                "{\"a\":{}}",
                "{\"a\":{\"b\":{}}}",
            ),
            (rules.clone().max_nodes(3), "[1,2]", "[1,2,3]"),
            (rules.clone().max_keys(1), "{\"a\":1}", "{\"a\":1,\"b\":2}"),
            (rules.clone().max_array_len(2), "[1,2]", "[1,2,3]"),
            (rules.clone().max_key_len(2), "{\"ab\":1}", "{\"abc\":1}"),
            (rules.max_string_len(2), "\"ab\"", "\"abc\""),
        ] {
            assert!(is_plain_and_accepted(&rules, within.as_bytes()), "{within}");
            assert!(!is_plain(&rules, beyond.as_bytes()), "{beyond}");
        }
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        let unlimited = JsonRules::strict().max_depth(1_000);
        assert!(is_plain_and_accepted(&unlimited, deep(127).as_bytes()));
        assert!(!is_plain(&unlimited, deep(128).as_bytes()));
    }

    /// All texts of up to six of these pieces: what is accepted here, the guard accepts.
    #[test]
    fn the_guard_accepts_all_that_is_plain() {
        const PIECES: [&str; 15] = [
            "{", "}", "[", "]", ":", ",", "\"", "a", "0", "1", "-", ".", "e", " ", "\\n",
        ];
        fn extend(rules: &JsonRules, text: &mut String, pieces: usize, plain: &mut usize) {
            *plain += usize::from(is_plain_and_accepted(rules, text.as_bytes()));
            if pieces == 0 {
                return;
            }
            for piece in PIECES {
                text.push_str(piece);
                extend(rules, text, pieces - 1, plain);
                text.truncate(text.len() - piece.len());
            }
        }
        let mut plain = 0;
        for start in ["", "{\"a\":", "[1,", "\"", "{\"a\":1,\""] {
            extend(&JsonRules::strict(), &mut start.to_owned(), 4, &mut plain);
        }
        assert!(plain > 1_000, "{plain}");
    }

    #[test]
    fn a_run_ends_where_it_ends_byte_by_byte() {
        for length in 0..40 {
            let ordinary = [b'a', 0x7f, 0x80, b'!', b'#', b'[', b']', b' '];
            let text: Vec<u8> = ordinary.into_iter().cycle().take(length).collect();
            assert_eq!(length_of_run(&text), length);
            for at in 0..length {
                for end in [b'"', b'\\', 0, 0x1f] {
                    let mut text = text.clone();
                    text[at] = end;
                    // What stands behind does not matter, one more of them either.
                    for behind in [end, b'"', 0x21, 0xff] {
                        if let Some(next) = text.get_mut(at + 1) {
                            *next = behind;
                        }
                        assert_eq!(length_of_run(&text), at, "{}", text.escape_ascii());
                    }
                }
            }
        }
    }
}
