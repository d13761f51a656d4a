//! Percent-encoded text, one byte of the decoded text at a time.

use crate::core::percent;

/// Longer texts are decoded into memory of their own.
const INLINE: usize = 256;

/// One byte of the decoded text, and what stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Where it begins.
    pub(super) at: usize,
    pub(super) byte: u8,
    pub(super) form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Raw,
    Escaped,
    /// A `%` without two digits: it stands for itself.
    BadEscape,
}

impl Unit {
    /// How many bytes stand for it.
    pub(super) const fn len(self) -> usize {
        match self.form {
            Form::Escaped => 3,
            Form::Raw | Form::BadEscape => 1,
        }
    }
}

/// The units of a text.
pub(super) struct Units<'a> {
    rest: &'a [u8],
    at: usize,
    /// In forms and queries a `+` is a space.
    is_form: bool,
}

impl<'a> Units<'a> {
    pub(super) const fn of_path(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            at: 0,
            is_form: false,
        }
    }

    pub(super) const fn of_form(text: &'a [u8]) -> Self {
        Self {
            is_form: true,
            ..Self::of_path(text)
        }
    }

    /// Shows the decoded text.
    pub(super) fn decoded<T>(self, look: impl FnOnce(&[u8]) -> T) -> T {
        if self.rest.len() > INLINE {
            return look(&self.map(|unit| unit.byte).collect::<Vec<u8>>());
        }
        let mut buffer = [0; INLINE];
        let mut length = 0_usize;
        for (place, unit) in buffer.iter_mut().zip(self) {
            *place = unit.byte;
            length = length.saturating_add(1);
        }
        look(buffer.get(..length).unwrap_or_default())
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    #[inline]
    fn next(&mut self) -> Option<Unit> {
        let (first, behind) = self.rest.split_first()?;
        let (byte, form, rest) = match *first {
            b'%' => match behind.split_at_checked(2) {
                Some((digits, rest)) => match percent::escaped(&mut digits.iter().copied()) {
                    Some(byte) => (byte, Form::Escaped, rest),
                    None => (b'%', Form::BadEscape, behind),
                },
                None => (b'%', Form::BadEscape, behind),
            },
            b'+' if self.is_form => (b' ', Form::Raw, behind),
            byte => (byte, Form::Raw, behind),
        };
        let unit = Unit {
            at: self.at,
            byte,
            form,
        };
        self.rest = rest;
        self.at = self.at.saturating_add(unit.len());
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_knows_what_stands_for_it() {
        let units: Vec<_> = Units::of_form(b"a+%2B%4%zz%")
            .map(|unit| (unit.at, unit.byte, unit.form))
            .collect();
        assert_eq!(
            units,
            [
                (0, b'a', Form::Raw),
                (1, b' ', Form::Raw),
                (2, b'+', Form::Escaped),
                (5, b'%', Form::BadEscape),
                (6, b'4', Form::Raw),
                (7, b'%', Form::BadEscape),
                (8, b'z', Form::Raw),
                (9, b'z', Form::Raw),
                (10, b'%', Form::BadEscape),
            ]
        );
        assert!(Units::of_path(b"+").eq([Unit {
            at: 0,
            byte: b'+',
            form: Form::Raw
        }]));
    }

    #[test]
    fn a_text_of_any_length_is_decoded() {
        for length in [0, 1, 255, 256, 257, 5_000] {
            let text = "%61".repeat(length);
            Units::of_path(text.as_bytes())
                .decoded(|decoded| assert_eq!(decoded, "a".repeat(length).as_bytes()));
            let plain = "a".repeat(length);
            Units::of_path(plain.as_bytes())
                .decoded(|decoded| assert_eq!(decoded, plain.as_bytes()));
        }
    }
}
