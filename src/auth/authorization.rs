//! The header `Authorization` as the schemes `Bearer` and `DPoP` write it (RFC 6750 section 2.1, RFC 9449 section 7.1).

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};

use crate::core::field::is_tchar;
use crate::core::percent;

/// The longest token. A JWT of a thousand claims fits, and no work is done for more.
pub(super) const MAX_TOKEN: usize = 8192;

/// The longest value that is looked at whole: room for the scheme and some blanks.
const MAX_VALUE: usize = MAX_TOKEN + 64;

/// A scheme whose credential is one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenScheme {
    Bearer,
    DPoP,
}

/// What stands in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authorization<'a> {
    /// No header, or another scheme.
    Absent,
    /// The scheme alone, or more than a token behind it.
    Malformed(TokenScheme),
    /// A token of more than [`MAX_TOKEN`] bytes or with characters that no token has.
    Unreadable(TokenScheme),
    Token(TokenScheme, &'a [u8]),
}

impl<'a> Authorization<'a> {
    /// Reads the first line; the layer refuses a second one.
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        headers
            .get(AUTHORIZATION)
            .map_or(Self::Absent, |line| Self::parse(line.as_bytes()))
    }

    pub(super) fn parse(line: &'a [u8]) -> Self {
        let Some((scheme, rest)) = TokenScheme::split(line) else {
            return Self::Absent;
        };
        if line.len() > MAX_VALUE {
            return Self::Unreadable(scheme);
        }
        if rest.first().is_some_and(|byte| !matches!(byte, b' ')) {
            return Self::Malformed(scheme);
        }
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let token = rest.get(blanks..).unwrap_or_default();
        if token.is_empty() {
            return Self::Malformed(scheme);
        }
        match Token::of(token) {
            Token::Several => Self::Malformed(scheme),
            Token::Foreign => Self::Unreadable(scheme),
            Token::Whole if token.len() > MAX_TOKEN => Self::Unreadable(scheme),
            Token::Whole => Self::Token(scheme, token),
        }
    }
}

impl TokenScheme {
    /// Reads the scheme alone.
    #[cfg(feature = "_jwt")]
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let line = headers.get(AUTHORIZATION)?;
        Self::split(line.as_bytes()).map(|(scheme, _)| scheme)
    }

    /// The scheme, and what is behind it; of a line that is too long what is near.
    fn split(line: &[u8]) -> Option<(Self, &[u8])> {
        const NEAR: usize = 64;
        let value = if line.len() > MAX_VALUE {
            // A flood of blanks is not even trimmed.
            line.get(..NEAR)?
        } else {
            line
        };
        let value = value.trim_ascii();
        // What is no letter of a scheme ends it, so that `Bearer,` is a bad `Bearer` and not another scheme that nobody serves.
        let end = value.iter().position(|byte| !is_tchar(*byte));
        let (scheme, rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
        if scheme.eq_ignore_ascii_case(b"bearer") {
            Some((Self::Bearer, rest))
        } else if scheme.eq_ignore_ascii_case(b"dpop") {
            Some((Self::DPoP, rest))
        } else {
            None
        }
    }
}

/// What the bytes behind the scheme are.
enum Token {
    /// Not of the grammar of `b64token` (RFC 9110, section 11.2: `token68`).
    Foreign,
    /// With a blank in them.
    Several,
    Whole,
}

impl Token {
    fn of(bytes: &[u8]) -> Self {
        let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
        let body = bytes
            .get(..bytes.len().saturating_sub(padding))
            .unwrap_or_default();
        let is_whole = !body.is_empty() && are_of_token(body);
        if is_whole {
            Self::Whole
        } else if body.iter().any(|byte| matches!(byte, b' ' | b'\t')) {
            Self::Several
        } else {
            Self::Foreign
        }
    }
}

/// Whether all bytes are characters of `token68` but `=`. In lanes and without an early exit, so that the compiler looks at sixteen at
/// once: a token has many hundred.
fn are_of_token(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<16>();
    let mut lanes = [true; 16];
    for chunk in chunks {
        for (lane, byte) in lanes.iter_mut().zip(chunk) {
            *lane &= is_of_token(*byte);
        }
    }
    lanes.into_iter().all(|lane| lane) && rest.iter().all(|byte| is_of_token(*byte))
}

const fn is_of_token(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // `-`, `.`, `/` and the digits stand one behind the other.
    let is_digit_or_mark = byte.wrapping_sub(b'-') <= b'9' - b'-';
    is_letter | is_digit_or_mark | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

/// Whether the query has a member `access_token` (RFC 6750, section 2.3), however its name is escaped.
///
/// A client uses one way alone (section 2), and what stands in a query stands in logs.
pub(super) fn has_query_token(uri: &Uri) -> bool {
    const NAME: &[u8] = b"access_token";
    let query = uri.query().unwrap_or_default().as_bytes();
    // Nearly all members, and a flood of empty ones, are passed over by their length.
    let members = query
        .split(|byte| *byte == b'&')
        .filter(|member| member.len() >= NAME.len());
    members
        .filter_map(|member| member.split(|byte| *byte == b'=').next())
        .any(|name| unescaped(name).eq(NAME.iter().copied()))
}

/// The bytes of a name as a form decoder reads them.
fn unescaped(name: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let (byte, behind) = percent::first(rest)?;
        rest = behind;
        Some(byte)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_of_a_token_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            for length in [1, 15, 16, 17, 40] {
                for place in [0, length / 2, length - 1] {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    assert_eq!(are_of_token(&bytes), expected, "{byte:#x} at {place}");
                }
            }
        }
        assert!(are_of_token(b""));
    }

    const BEARER: TokenScheme = TokenScheme::Bearer;

    #[test]
    fn exactly_one_token_stands_behind_the_scheme() {
        let longest = "a".repeat(MAX_TOKEN);
        let too_long = "a".repeat(MAX_TOKEN + 1);
        let rows: [(&[u8], Authorization<'_>); 40] = [
            (b"Bearer t", Authorization::Token(BEARER, b"t")),
            (b"bearer t", Authorization::Token(BEARER, b"t")),
            (b"BEARER t", Authorization::Token(BEARER, b"t")),
            (b"Bearer  t", Authorization::Token(BEARER, b"t")),
            (b" \tBearer t \t", Authorization::Token(BEARER, b"t")),
            (
                b"Bearer aZ09-._~+/==",
                Authorization::Token(BEARER, b"aZ09-._~+/=="),
            ),
            (b"DPoP t", Authorization::Token(TokenScheme::DPoP, b"t")),
            (b"dpop t", Authorization::Token(TokenScheme::DPoP, b"t")),
            (
                &[b"Bearer ", longest.as_bytes()].concat(),
                Authorization::Token(BEARER, longest.as_bytes()),
            ),
            (
                &[b"Bearer ", too_long.as_bytes()].concat(),
                Authorization::Unreadable(BEARER),
            ),
            (
                &[b"Bearer ", "a b".repeat(MAX_TOKEN).as_bytes()].concat(),
                Authorization::Unreadable(BEARER),
            ),
            (
                &[b"Bearer t".to_vec(), vec![b' '; MAX_VALUE]].concat(),
                Authorization::Unreadable(BEARER),
            ),
            (
                &[vec![b' '; MAX_VALUE], b"Bearer t".to_vec()].concat(),
                Authorization::Absent,
            ),
            (&[b'a'; MAX_VALUE + 1], Authorization::Absent),
            (b"", Authorization::Absent),
            (b"Basic dDp0", Authorization::Absent),
            (b"BearerX t", Authorization::Absent),
            (b"Bearer!", Authorization::Absent),
            (b",Bearer t", Authorization::Absent),
            (b"Token t", Authorization::Absent),
            (b"t", Authorization::Absent),
            (b"Bearer", Authorization::Malformed(BEARER)),
            (b"Bearer ", Authorization::Malformed(BEARER)),
            (b"DPoP", Authorization::Malformed(TokenScheme::DPoP)),
            (b"Bearer\tt", Authorization::Malformed(BEARER)),
            (b"Bearer,", Authorization::Malformed(BEARER)),
            (b"Bearer=t", Authorization::Malformed(BEARER)),
            (b"Bearer\xa0t", Authorization::Malformed(BEARER)),
            (b"Bearer \tt", Authorization::Malformed(BEARER)),
            (b"Bearer a b", Authorization::Malformed(BEARER)),
            (b"Bearer a\tb", Authorization::Malformed(BEARER)),
            (b"Bearer a, Bearer b", Authorization::Malformed(BEARER)),
            (b"Bearer a =", Authorization::Malformed(BEARER)),
            (b"Bearer a,b", Authorization::Unreadable(BEARER)),
            (b"Bearer =", Authorization::Unreadable(BEARER)),
            (b"Bearer a=b", Authorization::Unreadable(BEARER)),
            (b"Bearer \"t\"", Authorization::Unreadable(BEARER)),
            (b"Bearer a%2Eb", Authorization::Unreadable(BEARER)),
            (b"Bearer t\xe9", Authorization::Unreadable(BEARER)),
            (b"Bearer t\x00", Authorization::Unreadable(BEARER)),
        ];
        for (line, expected) in rows {
            let shown = line.get(..40).unwrap_or(line).escape_ascii();
            assert_eq!(Authorization::parse(line), expected, "{shown}");
        }
    }
}
