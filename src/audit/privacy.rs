//! What of a person stands in a log.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg(feature = "vault")]
use hmac::{Hmac, KeyInit, Mac};
#[cfg(feature = "vault")]
use sha2::Sha256;

use super::error::AuditConfigError;
#[cfg(feature = "vault")]
use super::owned::Field;
use super::owned::OwnedEvent;
#[cfg(feature = "vault")]
use crate::core::{Secret, key_strength};

/// How the user of a request stands in a log.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum PrincipalPrivacy {
    /// As the subject that the service knows. The default: who reads the log has to find the user.
    #[default]
    Plain,
    /// As a pseudonym: the first 16 bytes of HMAC-SHA-256 with this key over `tower-security/audit/principal/v1`, a zero byte and the
    /// subject, in hexadecimal digits. Who has the key finds a user in the log; nobody else does.
    ///
    /// Permitted: 32 random bytes and more. Refused: fewer, or bytes that are all alike.
    #[cfg(feature = "vault")]
    #[cfg_attr(docsrs, doc(cfg(feature = "vault")))]
    Hmac(Secret<Vec<u8>>),
}

/// How the address of a client stands in a log.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum IpPrivacy {
    /// Whole. The default: whoever bans an address has to know it.
    #[default]
    Full,
    /// Its network: the first 24 bits of an IPv4 address, 48 of an IPv6 address, zeros behind.
    Truncated,
    /// As a pseudonym, like [`PrincipalPrivacy::Hmac`], over `tower-security/audit/ip/v1`, a zero byte and the text of the address.
    #[cfg(feature = "vault")]
    #[cfg_attr(docsrs, doc(cfg(feature = "vault")))]
    Hmac(Secret<Vec<u8>>),
}

impl PrincipalPrivacy {
    /// Makes the key ready, unless it can be guessed.
    pub(super) fn compiled(&self) -> Result<Hide, AuditConfigError> {
        match self {
            Self::Plain => Ok(Hide::Nothing),
            #[cfg(feature = "vault")]
            Self::Hmac(key) => mac(key, b"tower-security/audit/principal/v1").map(Hide::Behind),
        }
    }
}

impl IpPrivacy {
    /// As [`PrincipalPrivacy::compiled`].
    pub(super) fn compiled(&self) -> Result<Hide, AuditConfigError> {
        match self {
            Self::Full => Ok(Hide::Nothing),
            Self::Truncated => Ok(Hide::Host),
            #[cfg(feature = "vault")]
            Self::Hmac(key) => mac(key, b"tower-security/audit/ip/v1").map(Hide::Behind),
        }
    }
}

/// The client of an [`OwnedEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditClient {
    /// Its address, or its network with zeros behind.
    Ip(IpAddr),
    /// What stands for its address, printed as 32 hexadecimal digits.
    Pseudonym(u128),
}

impl fmt::Display for AuditClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Pseudonym(bits) => write!(f, "{bits:032x}"),
        }
    }
}

/// The settings, with keys made ready.
#[derive(Clone, Debug, Default)]
pub(super) struct Privacy {
    pub(super) principal: Hide,
    pub(super) ip: Hide,
}

#[derive(Clone, Default)]
pub(super) enum Hide {
    #[default]
    Nothing,
    Host,
    #[cfg(feature = "vault")]
    Behind(Hmac<Sha256>),
}

impl Privacy {
    /// Takes out of an event what is not to be told.
    pub(super) fn apply(&self, event: &mut OwnedEvent) {
        #[cfg(feature = "vault")]
        if let Hide::Behind(mac) = &self.principal
            && let Some(principal) = event.principal()
        {
            let pseudonym = pseudonym(mac, principal.as_bytes());
            event.replace(Field::Principal, &format!("{pseudonym:032x}"));
        }
        if let Some(AuditClient::Ip(ip)) = event.client() {
            event.set_client(self.client(ip.to_canonical()));
        }
    }

    fn client(&self, ip: IpAddr) -> AuditClient {
        match &self.ip {
            Hide::Nothing => AuditClient::Ip(ip),
            Hide::Host => AuditClient::Ip(network(ip)),
            #[cfg(feature = "vault")]
            Hide::Behind(mac) => AuditClient::Pseudonym(pseudonym(mac, ip.to_string().as_bytes())),
        }
    }

    /// Words for what is hidden, never a key.
    pub(super) const fn names(&self) -> [&'static str; 2] {
        [self.principal.name(), self.ip.name()]
    }
}

impl Hide {
    const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "plain",
            Self::Host => "truncated",
            #[cfg(feature = "vault")]
            Self::Behind(_) => "hmac",
        }
    }
}

impl fmt::Debug for Hide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

/// The key for one purpose: one secret may serve both, and no pseudonym of a user is one of an address.
#[cfg(feature = "vault")]
fn mac(key: &Secret<Vec<u8>>, purpose: &[u8]) -> Result<Hmac<Sha256>, AuditConfigError> {
    const LEAST: usize = 32;
    // A random key ends with one zero by chance, and with five never.
    const LEAST_COUNTED: usize = LEAST - 4;
    let key = key.expose();
    let is_weak = key.len() < LEAST || key_strength(key) < LEAST_COUNTED;
    let mac = Hmac::<Sha256>::new_from_slice(key).ok();
    let weak = AuditConfigError::WeakKey { length: key.len() };
    let mut mac = mac.filter(|_| !is_weak).ok_or(weak)?;
    mac.update(purpose);
    mac.update(&[0]);
    Ok(mac)
}

#[cfg(feature = "vault")]
fn pseudonym(mac: &Hmac<Sha256>, value: &[u8]) -> u128 {
    let mut mac = mac.clone();
    mac.update(value);
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    let (half, _) = whole.split_first_chunk().unwrap_or((&[0; 16], &[]));
    u128::from_be_bytes(*half)
}
