//! What counters are called in Redis.

use crate::rate_limit::key::KeyHash;

/// Which part of a key decides on which node of a cluster it lives. All counters of one call have to live on the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashTag {
    /// All counters live on one node (default): `{shop}:login:..`. A limiter may use any keys.
    #[default]
    PerLimiter,
    /// The counters of one key live together and the keys are spread: `shop:login:{..}`. Only where all policies of a limiter use
    /// the same key: with others, and under a login throttle, which charges accounts and addresses, `build()` refuses it.
    PerKey,
}

/// RFC 4648, section 6, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The digits of 128 bits.
const DIGITS: usize = 26;

/// What stands before the hash in the names of a policy's counters.
pub(super) fn head(tag: HashTag, prefix: &str, policy: &str) -> Box<str> {
    match tag {
        HashTag::PerLimiter => format!("{{{prefix}}}:{policy}:"),
        HashTag::PerKey => format!("{prefix}:{policy}:{{"),
    }
    .into()
}

/// The name of one counter.
pub(super) fn counter(tag: HashTag, head: &str, key: KeyHash) -> String {
    let mut name = String::with_capacity(head.len().saturating_add(DIGITS).saturating_add(1));
    name.push_str(head);
    digits(key, &mut name);
    if tag == HashTag::PerKey {
        name.push('}');
    }
    name
}

/// Writes the 128 bits in base32, the bytes in the order in which `SipHash` gives them.
pub(super) fn digits(key: KeyHash, text: &mut String) {
    let bits = key.bits().swap_bytes();
    for digit in 0..DIGITS {
        // 25 digits hold 125 bits, and the last one 3 with two zeros behind.
        let shifted = match 123_usize.checked_sub(digit.saturating_mul(5)) {
            Some(right) => bits >> right,
            None => bits << 2,
        };
        let index = usize::try_from(shifted & 31).unwrap_or_default();
        text.push(BASE32.get(index).map_or('a', |byte| char::from(*byte)));
    }
}

/// Reads what [`digits`] wrote.
pub(super) fn parse(text: &[u8]) -> Option<KeyHash> {
    let (last, rest) = text.split_last().filter(|_| text.len() == DIGITS)?;
    let value = |byte: &u8| {
        let at = BASE32.iter().position(|digit| digit == byte)?;
        u128::try_from(at).ok()
    };
    let mut bits = 0_u128;
    for byte in rest {
        bits = bits << 5 | value(byte)?;
    }
    let last = value(last).filter(|last| last & 3 == 0)?;
    let bits = (bits << 3 | last >> 2).swap_bytes();
    let low = u64::try_from(bits & u128::from(u64::MAX)).ok()?;
    let high = u64::try_from(bits >> 64).ok()?;
    Some(KeyHash::new(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digits of the bytes 00 01 .. 0f, by `base32` of GNU coreutils: `AAAQEAYEAUDAOCAJBIFQYDIOB4======`.
    const COUNTING: &str = "aaaqeayeaudaocajbifqydiob4";

    fn counting() -> KeyHash {
        KeyHash::new(
            u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7]),
            u64::from_le_bytes([8, 9, 10, 11, 12, 13, 14, 15]),
        )
    }

    #[test]
    fn a_name_is_prefix_policy_and_base32() {
        let rows = [
            (HashTag::PerLimiter, format!("{{shop}}:login:{COUNTING}")),
            (HashTag::PerKey, format!("shop:login:{{{COUNTING}}}")),
        ];
        for (tag, expected) in rows {
            let head = head(tag, "shop", "login");
            assert_eq!(counter(tag, &head, counting()), expected, "{tag:?}");
        }
    }

    #[test]
    fn the_digits_of_a_key_are_read_back() {
        for key in [
            counting(),
            KeyHash::new(0, 0),
            KeyHash::new(u64::MAX, u64::MAX),
            KeyHash::new(1, u64::MAX << 63),
        ] {
            let mut text = String::new();
            digits(key, &mut text);
            assert_eq!(parse(text.as_bytes()), Some(key), "{text}");
        }
        assert_eq!(parse(COUNTING.as_bytes()), Some(counting()));
    }

    #[test]
    fn digits_that_no_key_has_are_refused() {
        for wrong in [
            "",
            "aaaqeayeaudaocajbifqydiob",
            "aaaqeayeaudaocajbifqydiob4a",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4",
            "aaaqeayeaudaocajbifqydiob5",
            "aaaqeayeaudaocajbifqydiob1",
        ] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
