//! The values of claims, each of exactly one type.

use std::borrow::Cow;

use crate::token::jws::json::{JsonError, Value};

/// The end of the year 9999. What is later is no date but a mistake, or an attempt to make arithmetic overflow.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Why claims are not taken: a fixed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::token) struct Fault(pub(in crate::token) &'static str);

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Self {
        Self(error.reason())
    }
}

/// A string that is not empty.
pub(in crate::token) fn text<'a>(
    value: Value<'a>,
    fault: &'static str,
) -> Result<Cow<'a, str>, Fault> {
    let text = value.text().filter(|text| !text.is_empty());
    text.ok_or(Fault(fault))
}

/// A `NumericDate` (RFC 7519 section 2) in whole seconds.
pub(in crate::token) fn date(value: Value<'_>, fault: &'static str) -> Result<u64, Fault> {
    let Value::Number(number) = value else {
        return Err(Fault(fault));
    };
    let seconds = number.value();
    // Also of a fraction of the last second, and of no number at all.
    if !(0.0..LAST_SECOND + 1.0).contains(&seconds) {
        return Err(Fault(fault));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the fraction is dropped, and the range has been checked"
    )]
    Ok(seconds as u64)
}

/// Whether a string, or one of a list of strings, is among those that are wanted.
pub(super) fn audience(
    value: Value<'_>,
    wanted: &[Box<str>],
    fault: &'static str,
) -> Result<bool, Fault> {
    let is_wanted = |audience: &str| wanted.iter().any(|wanted| **wanted == *audience);
    let Value::Array(list) = value else {
        return text(value, fault).map(|audience| is_wanted(&audience));
    };
    let mut found = false;
    list.each(|member| {
        let audience = member.text().ok_or(Fault(fault))?;
        found |= is_wanted(&audience);
        Ok::<_, Fault>(())
    })?;
    Ok(found)
}
