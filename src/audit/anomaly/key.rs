//! Keys as counters know them: a keyed hash, never the address or the name.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};

use super::rule::RuleKey;
use crate::core::SecurityEvent;

/// Hashes with a secret of this process (SipHash), so that nobody can choose keys that fall together.
#[derive(Debug, Default)]
pub(super) struct Keys(RandomState);

impl Keys {
    /// Hashes what an event tells of `key`, if it does. 0 stands for no key.
    pub(super) fn of(&self, rule: u8, key: RuleKey, event: &SecurityEvent<'_>) -> Option<u64> {
        let account = || event.target.as_deref().or(event.principal.as_deref());
        match key {
            RuleKey::Ip => event.client_ip.map(|ip| self.ip(rule, ip)),
            RuleKey::Account => account().map(|account| self.account(rule, account)),
            RuleKey::Principal => event.principal.as_deref().map(|who| self.text(rule, who)),
            RuleKey::Target => event.target.as_deref().map(|what| self.text(rule, what)),
        }
    }

    /// Every subscriber owns 2^64 addresses of IPv6: they are one.
    pub(super) fn ip(&self, rule: u8, ip: IpAddr) -> u64 {
        let mut hasher = self.hasher(rule);
        match ip.to_canonical() {
            IpAddr::V4(ip) => hasher.write_u32(ip.to_bits()),
            IpAddr::V6(ip) => hasher.write_u64(prefix(ip)),
        }
        nonzero(hasher.finish())
    }

    fn text(&self, rule: u8, text: &str) -> u64 {
        let mut hasher = self.hasher(rule);
        hasher.write(text.as_bytes());
        nonzero(hasher.finish())
    }

    /// One account, however it is written.
    fn account(&self, rule: u8, account: &str) -> u64 {
        let account = account.trim();
        if !account
            .bytes()
            .any(|byte| byte >= 0x80 || byte.is_ascii_uppercase())
        {
            return self.text(rule, account);
        }
        let mut hasher = self.hasher(rule);
        let mut utf8 = [0; 4];
        for character in account.chars().flat_map(char::to_lowercase) {
            hasher.write(character.encode_utf8(&mut utf8).as_bytes());
        }
        nonzero(hasher.finish())
    }

    fn hasher(&self, rule: u8) -> impl Hasher + use<> {
        let mut hasher = self.0.build_hasher();
        hasher.write_u8(rule);
        hasher
    }
}

fn prefix(ip: Ipv6Addr) -> u64 {
    u64::try_from(ip.to_bits() >> 64).unwrap_or_default()
}

const fn nonzero(hash: u64) -> u64 {
    if hash == 0 { 1 } else { hash }
}
