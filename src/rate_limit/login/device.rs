//! The cookie by which a device shows that somebody has logged in to the account from it before.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::super::key::{KeyHasher, KeySeed};
use super::account::AccountHash;
use crate::core::{Secret, field, random};

/// Sets this hash apart from the others that are made with the same secret.
const DOMAIN: u64 = u64::from_le_bytes(*b"device\0\0");

const VERSION: &[u8] = b"v1";

/// `v1.`, an id, a dot, at most 12 digits, a dot, a code.
const MAX_VALUE: usize = 2 + 1 + 32 + 1 + 12 + 1 + 32;

/// How device cookies are read and written.
#[derive(Debug)]
pub(super) struct DeviceCookies {
    name: Box<str>,
    lifetime: Duration,
    seed: KeySeed,
    /// The name of the throttle: who has only passed the password is not trusted with the second factor.
    scope: Box<str>,
}

/// Which device. A number drawn at random for each login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeviceId(u128);

impl DeviceCookies {
    pub(super) fn new(name: &str, lifetime: Duration, seed: KeySeed, scope: &str) -> Self {
        Self {
            name: name.into(),
            lifetime,
            seed,
            scope: scope.into(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The value of the cookie, if the request has exactly one: of two, a sibling host may have planted one.
    pub(super) fn find<'a>(&self, headers: &'a HeaderMap) -> Option<&'a [u8]> {
        let name = self.name.as_bytes();
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(field::crumbs)
            .filter_map(|crumb| crumb.strip_prefix(name)?.strip_prefix(b"="));
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The device, if this is a cookie of ours for this account that has not expired.
    pub(super) fn verify(
        &self,
        value: &[u8],
        account: AccountHash,
        now: SystemTime,
    ) -> Option<DeviceId> {
        if value.len() > MAX_VALUE {
            return None;
        }
        let mut parts = value.split(|byte| *byte == b'.');
        let (version, id, expiry, mac) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != VERSION || parts.next().is_some() {
            return None;
        }
        let id = DeviceId(hex(id)?);
        let expiry = seconds(expiry)?;
        // Compared in constant time, so that no digit is guessed by itself.
        let mac = Secret::new(hex(mac)?.to_le_bytes());
        let expected = Secret::new(self.mac(id, expiry, account).to_le_bytes());
        (mac == expected && expiry > unix(now)).then_some(id)
    }

    /// A line of `Set-Cookie` for a device from which somebody has logged in; `None` when there is no randomness.
    pub(super) fn issue(&self, account: AccountHash, now: SystemTime) -> Option<HeaderValue> {
        let id = DeviceId(u128::from_le_bytes(random::bytes()?));
        let lifetime = self.lifetime.as_secs();
        let expiry = unix(now).saturating_add(lifetime);
        let mac = self.mac(id, expiry, account);
        let mut line = String::with_capacity(self.name.len().saturating_add(160));
        // Writing to a `String` cannot fail.
        let _ = write!(
            line,
            "{}=v1.{:032x}.{expiry}.{mac:032x}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={lifetime}",
            self.name, id.0
        );
        HeaderValue::try_from(line).ok()
    }

    fn mac(&self, id: DeviceId, expiry: u64, account: AccountHash) -> u128 {
        let mut hasher = KeyHasher::new(&self.seed);
        hasher.u64(DOMAIN);
        hasher.bytes(VERSION);
        hasher.str(&self.scope);
        id.add_to(&mut hasher);
        hasher.u64(expiry);
        account.add_to(&mut hasher);
        hasher.key().bits()
    }
}

impl DeviceId {
    /// Adds the device to a key.
    pub(super) fn add_to(self, hasher: &mut KeyHasher) {
        hasher.bytes(&self.0.to_le_bytes());
    }
}

/// 32 hexadecimal digits, as they are written here and in no other spelling.
fn hex(text: &[u8]) -> Option<u128> {
    if text.len() != 32 {
        return None;
    }
    text.iter().try_fold(0_u128, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// Decimal digits without a sign, a leading zero or more of them than a date has.
fn seconds(text: &[u8]) -> Option<u64> {
    const MOST: usize = 12;
    if !matches!(text, [b'1'..=b'9', ..]) || text.len() > MOST {
        return None;
    }
    text.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Before 1970 no cookie has expired, and none was made.
fn unix(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Whether browsers take the name for a cookie of one host alone (RFC 6265bis, section 4.1.3.2): the prefix in this spelling, and
/// a token behind it.
pub(super) fn is_host_cookie(name: &str) -> bool {
    const MOST: usize = 128;
    name.len() <= MOST
        && name
            .strip_prefix("__Host-")
            .is_some_and(|rest| field::is_token(rest.as_bytes()))
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
