//! Text that is what it seems: `PlainLine`, `PlainText` and `Identifier`.

use unicode_normalization::is_nfc;

use super::newtype::checked_text;
use super::rule::Rule;

/// Why a text is not plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.rule())]
#[non_exhaustive]
pub enum TextError {
    /// It has a character that reorders what is read: `text_bidi`.
    Bidi,
    /// It has a control character or a line separator: `text_control`.
    Control,
    /// It is not in normalization form C: `text_not_nfc`.
    NotNfc,
    /// It has too many characters: `text_too_long`.
    TooLong,
}

impl TextError {
    /// Returns the rule.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self {
            Self::Bidi => Rule::TextBidi,
            Self::Control => Rule::TextControl,
            Self::NotNfc => Rule::TextNotNfc,
            Self::TooLong => Rule::TextTooLong,
        }
    }
}

/// One line of text of at most `MAX` characters: names, titles, subjects of mails.
///
/// Refused are
///
/// - control characters (C0, DEL, C1) and the line ends U+2028 and U+2029: they forge lines of logs and headers of mails
///   ([CWE-117](https://cwe.mitre.org/data/definitions/117.html), [CWE-93](https://cwe.mitre.org/data/definitions/93.html)),
/// - embeddings, overrides and isolates of writing direction, U+202A to U+202E and U+2066 to U+2069, with which a text shows in another
///   order than it has ([UAX 9](https://www.unicode.org/reports/tr9/)),
/// - text that is not in normalization form C ([UAX 15](https://www.unicode.org/reports/tr15/)): the same letters in other bytes, so that
///   two accounts have one name. What keyboards and browsers send is in this form.
///
/// Everything else passes and nothing is escaped: `<`, `'` and `&` are text, and encoding belongs where the text is shown. So do the marks
/// U+200E and U+200F, which Hebrew and Arabic need, the joiners of names and emoji, and letters that look alike; where those matter, take an
/// [`Identifier`]. The empty text passes.
///
/// It is checked when it is deserialized, from JSON, forms and queries alike.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{PlainLine, TextError};
///
/// assert_eq!(PlainLine::<40>::new("Conan O'Brien <3")?.as_str(), "Conan O'Brien <3");
///
/// for (text, error) in [
///     ("two\nlines", TextError::Control),
///     ("\u{202e}gpj.exe", TextError::Bidi),
///     ("Zoe\u{308}", TextError::NotNfc),
///     ("fifty of these: ##################################", TextError::TooLong),
/// ] {
///     assert_eq!(PlainLine::<40>::new(text), Err(error));
/// }
/// # Ok::<(), TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlainLine<const MAX: usize>(String);

checked_text!(PlainLine<const MAX>, TextError, |text| check(text, MAX, false));

/// Text of at most `MAX` characters and any number of lines: comments, descriptions, addresses.
///
/// As [`PlainLine`], but tabs and line ends pass: LF, and CR before LF, which is what forms send.
///
/// # Example
///
/// ```
/// use serde::Deserialize;
/// use tower_security::sanitize::PlainText;
///
/// #[derive(Deserialize)]
/// struct Comment {
///     body: PlainText<1000>,
/// }
///
/// let comment: Comment = serde_json::from_str(r#"{"body": "Dear all,\n\n\tif (a < b) { c(); }"}"#)?;
/// assert!(comment.body.as_str().starts_with("Dear all,"));
/// assert!(serde_json::from_str::<Comment>(r#"{"body": "\u0000"}"#).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
#[doc = include_str!("sql.md")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlainText<const MAX: usize>(String);

checked_text!(PlainText<const MAX>, TextError, |text| check(text, MAX, true));

fn check(text: &str, max: usize, lines: bool) -> Result<(), TextError> {
    // A character has four bytes at most: what is far too long is not read.
    if text.len() > max.saturating_mul(4) || text.chars().count() > max {
        return Err(TextError::TooLong);
    }
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\t' | '\n' if lines => {}
            '\r' if lines && characters.peek() == Some(&'\n') => {}
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                return Err(TextError::Control);
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => return Err(TextError::Bidi),
            // Every other character is text.
            _ => {}
        }
    }
    if is_nfc(text) {
        Ok(())
    } else {
        Err(TextError::NotNfc)
    }
}

/// Why a text is no [`Identifier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// It has a character that is not allowed there.
    #[error(
        "an identifier has letters and digits of ASCII, and after the first one `.`, `_` and `-`"
    )]
    Character,
    /// It is empty.
    #[error("an identifier is not empty")]
    Empty,
    /// It has too many bytes.
    #[error("the identifier is too long")]
    TooLong,
}

/// A name for machines of 1 to `MAX` characters: `[A-Za-z0-9][A-Za-z0-9._-]*`, as in names of accounts, slugs and keys.
///
/// No letter of it looks like another one of another script, it needs no escape in a URL, a file name or a header, and no program takes it
/// for an option. Upper and lower case differ; compare as your names are compared.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{Identifier, IdentifierError};
///
/// assert_eq!(Identifier::<32>::new("ada.lovelace-1815")?.as_str(), "ada.lovelace-1815");
///
/// // The second letter is a Cyrillic one.
/// assert_eq!(Identifier::<32>::new("p\u{430}ypal"), Err(IdentifierError::Character));
/// assert_eq!(Identifier::<32>::new("--force"), Err(IdentifierError::Character));
/// # Ok::<(), IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier<const MAX: usize>(String);

checked_text!(Identifier<const MAX>, IdentifierError, |text| identify(text, MAX));

fn identify(text: &str, max: usize) -> Result<(), IdentifierError> {
    if text.len() > max {
        return Err(IdentifierError::TooLong);
    }
    let (first, rest) = text
        .as_bytes()
        .split_first()
        .ok_or(IdentifierError::Empty)?;
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if first.is_ascii_alphanumeric() && rest.iter().all(inner) {
        Ok(())
    } else {
        Err(IdentifierError::Character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_that_is_refused_and_its_neighbours() {
        // First and last of what is refused, in both types.
        let refused = [
            ('\0', '\u{8}', TextError::Control),
            ('\u{b}', '\u{c}', TextError::Control),
            ('\u{e}', '\u{1f}', TextError::Control),
            ('\u{7f}', '\u{9f}', TextError::Control),
            ('\u{2028}', '\u{2029}', TextError::Control),
            ('\u{202a}', '\u{202e}', TextError::Bidi),
            ('\u{2066}', '\u{2069}', TextError::Bidi),
        ];
        for (first, last, error) in refused {
            for character in first..=last {
                let text = format!("a{character}b");
                assert_eq!(PlainLine::<3>::new(text.as_str()), Err(error), "{text:?}");
                assert_eq!(PlainText::<3>::new(text.as_str()), Err(error), "{text:?}");
            }
        }
        let passed = " ~\u{a0}\u{2027}\u{202f}\u{2065}\u{206a}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{feff}<>&'\"\\/%$";
        for character in passed.chars() {
            assert!(
                PlainLine::<1>::new(character.to_string()).is_ok(),
                "{character:?}"
            );
        }
        for text in ["a\tb", "a\nb", "a\r\nb"] {
            assert_eq!(
                PlainLine::<9>::new(text),
                Err(TextError::Control),
                "{text:?}"
            );
            assert!(PlainText::<9>::new(text).is_ok(), "{text:?}");
        }
        for text in ["a\rb", "a\n\r", "\r"] {
            assert_eq!(
                PlainText::<9>::new(text),
                Err(TextError::Control),
                "{text:?}"
            );
        }
    }

    #[test]
    fn names_of_people_pass() {
        for name in [
            "O'Brien",
            "Jos\u{e9}",
            "Nguy\u{1ec5}n",
            "\u{674e}\u{5c0f}\u{9f99}",
            "\u{645}\u{62d}\u{645}\u{62f}",
            "\u{928}\u{94d}\u{200d}",
            "\u{646}\u{6cc}\u{200c}\u{632}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{d55c}\u{ae00}",
            "null",
            "",
        ] {
            assert_eq!(PlainLine::<20>::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn one_spelling_of_a_letter() {
        for (decomposed, composed) in [
            ("e\u{301}", "\u{e9}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("\u{212b}", "\u{c5}"),
        ] {
            assert_eq!(
                PlainText::<9>::new(decomposed),
                Err(TextError::NotNfc),
                "{decomposed:?}"
            );
            assert!(PlainText::<9>::new(composed).is_ok(), "{composed:?}");
        }
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert!(PlainLine::<3>::new("\u{1f600}\u{1f600}\u{1f600}").is_ok());
        assert_eq!(PlainLine::<3>::new("abcd"), Err(TextError::TooLong));
        assert!(PlainLine::<0>::new("").is_ok());
        assert_eq!(PlainLine::<0>::new("a"), Err(TextError::TooLong));
        let long = PlainText::<100>::new("\0".repeat(1 << 20));
        assert_eq!(
            long,
            Err(TextError::TooLong),
            "its length is looked at first"
        );
    }

    #[test]
    fn identifiers() {
        for text in ["a", "Z", "0", "a.b_c-d", "A-", "1.", "aaaaaaaa"] {
            assert!(Identifier::<8>::new(text).is_ok(), "{text}");
        }
        for text in [
            ".", "..", "-a", "_a", ".a", "a b", "a/b", "a%b", "a\n", "\u{e9}", "a\u{430}", "a\0",
            "a$",
        ] {
            assert_eq!(
                Identifier::<8>::new(text),
                Err(IdentifierError::Character),
                "{text:?}"
            );
        }
        assert_eq!(Identifier::<8>::new(""), Err(IdentifierError::Empty));
        assert_eq!(
            Identifier::<8>::new("aaaaaaaaa"),
            Err(IdentifierError::TooLong)
        );
    }

    #[test]
    fn they_are_read_checked_and_written_plain() {
        let line: PlainLine<9> = serde_json::from_str("\"a'b\"").unwrap();
        assert_eq!(serde_json::to_string(&line).unwrap(), "\"a'b\"");
        assert_eq!(line.to_string(), "a'b");
        assert_eq!("a'b".parse(), Ok(line.clone()));
        assert_eq!(PlainLine::try_from("a'b".to_owned()), Ok(line.clone()));
        assert_eq!(
            (line.as_ref(), line.clone().into_string().as_str()),
            ("a'b", "a'b")
        );
        for (text, rule) in [
            ("secret\0", Rule::TextControl),
            ("secret\u{202e}", Rule::TextBidi),
            ("secre\u{301}t", Rule::TextNotNfc),
            ("secret secret", Rule::TextTooLong),
        ] {
            let json = serde_json::to_string(text).unwrap();
            let error = serde_json::from_str::<PlainLine<9>>(&json).unwrap_err();
            let message = error.to_string();
            assert!(
                message.starts_with(rule.as_str()) && !message.contains("secre"),
                "{message}"
            );
        }
        let error = serde_json::from_str::<Identifier<9>>("\"secret!\"").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
