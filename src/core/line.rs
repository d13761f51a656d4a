//! A header value, written in place: one allocation, and none for a single digit.

use http::HeaderValue;

/// As long as the longest item of `RateLimit`: a name of 64 letters and two integers of 20 digits.
const CAPACITY: usize = 128;

/// A header value that is being written. What does not fit makes it none.
pub(crate) struct Line {
    bytes: [u8; CAPACITY],
    /// `None`: it did not fit.
    length: Option<usize>,
}

impl Line {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; CAPACITY],
            length: Some(0),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.length = self.length.and_then(|start| {
            let end = start.checked_add(text.len())?;
            self.bytes.get_mut(start..end)?.copy_from_slice(text);
            Some(end)
        });
    }

    pub(crate) fn number(&mut self, number: u64) {
        match number {
            0..10 => self.push(&[digit_of(number)]),
            _ => with_digits(number, |digits| self.push(digits)),
        }
    }

    pub(crate) fn value(&self) -> Option<HeaderValue> {
        let written = self.bytes.get(..self.length?)?;
        HeaderValue::from_bytes(written).ok()
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "below ten")]
const fn digit_of(number: u64) -> u8 {
    b'0'.wrapping_add(number as u8)
}

/// Calls `read` with the decimal digits of a number.
fn with_digits<T>(number: u64, read: impl FnOnce(&[u8]) -> T) -> T {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = digit_of(rest % 10);
        rest /= 10;
        first = first.saturating_sub(1);
        if rest == 0 {
            break;
        }
    }
    read(digits.get(first..).unwrap_or_default())
}

/// A number by itself. Of one digit it allocates nothing.
pub(crate) fn number(number: u64) -> HeaderValue {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let short = usize::try_from(number).ok().and_then(|at| DIGITS.get(at));
    if let Some(digit) = short {
        return HeaderValue::from_static(digit);
    }
    let written = with_digits(number, HeaderValue::from_bytes);
    written.unwrap_or_else(|_| HeaderValue::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for (given, text) in [
            (0, "0"),
            (9, "9"),
            (10, "10"),
            (99, "99"),
            (1_000, "1000"),
            (4_294_967_295, "4294967295"),
            (18_446_744_073_709_551_615, "18446744073709551615"),
        ] {
            assert_eq!(number(given), text);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_none() {
        let mut line = Line::new();
        line.push(&[b'a'; 128]);
        assert_eq!(line.value().unwrap().len(), 128);
        line.number(1);
        assert!(line.value().is_none());
        line.push(b"");
        assert!(line.value().is_none());
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_none() {
        let mut line = Line::new();
        line.push(b"a\nb");
        assert!(line.value().is_none());
    }
}
