//! What of a person stands in a log.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg(feature = "vault")]
use super::owned::Field;
use super::owned::OwnedEvent;
#[cfg(feature = "vault")]
use crate::vault::{Pseudonym, Pseudonyms};

/// How the user of a request stands in a log.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum PrincipalPrivacy {
    /// As the subject that the service knows. The default: who reads the log has to find the user.
    #[default]
    Plain,
    /// As a pseudonym of the subject: `7.9f86d081884c7d659a2feaa0c55ad015`. Who has the key ring finds a user in the log, also what was written
    /// before the ring was rotated ([`Pseudonyms::all_of`]); nobody else does.
    ///
    /// ```
    /// use tower_security::audit::{AuditConfig, IpPrivacy, PrincipalPrivacy};
    /// use tower_security::vault::KeyRing;
    ///
    /// let ring = KeyRing::builder().active(7, KeyRing::generate_key()?).build()?;
    /// let config = AuditConfig::builder("shop")
    ///     .principal(PrincipalPrivacy::Pseudonym(ring.pseudonym("users")?))
    ///     .client_ip(IpPrivacy::Pseudonym(ring.pseudonym("addresses")?))
    ///     .build()?;
    /// assert_eq!(config.privacy(), ["pseudonym", "pseudonym"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "vault")]
    #[cfg_attr(docsrs, doc(cfg(feature = "vault")))]
    Pseudonym(Pseudonyms),
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
    /// As a pseudonym of the text of the address. Take a name of its own for it, [`KeyRing::pseudonym`](crate::vault::KeyRing::pseudonym), so
    /// that no pseudonym of a user is one of an address.
    #[cfg(feature = "vault")]
    #[cfg_attr(docsrs, doc(cfg(feature = "vault")))]
    Pseudonym(Pseudonyms),
}

/// The client of an [`OwnedEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditClient {
    /// Its address, or its network with zeros behind.
    Ip(IpAddr),
    /// What stands for its address.
    #[cfg(feature = "vault")]
    #[cfg_attr(docsrs, doc(cfg(feature = "vault")))]
    Pseudonym(Pseudonym),
}

impl AuditClient {
    /// Returns the address or network, unless a pseudonym stands for it.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(ip),
            #[cfg(feature = "vault")]
            Self::Pseudonym(_) => None,
        }
    }
}

impl fmt::Display for AuditClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            #[cfg(feature = "vault")]
            Self::Pseudonym(pseudonym) => pseudonym.fmt(f),
        }
    }
}

/// The settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Privacy {
    pub(super) principal: PrincipalPrivacy,
    pub(super) ip: IpPrivacy,
}

impl Privacy {
    /// Takes out of an event what is not to be told.
    pub(super) fn apply(&self, event: &mut OwnedEvent) {
        #[cfg(feature = "vault")]
        if let PrincipalPrivacy::Pseudonym(pseudonyms) = &self.principal
            && let Some(principal) = event.principal()
        {
            let pseudonym = pseudonyms.of(principal.as_bytes());
            event.replace(Field::Principal, &pseudonym.to_string());
        }
        if let Some(ip) = event.client().and_then(AuditClient::ip) {
            event.set_client(self.client(ip.to_canonical()));
        }
    }

    fn client(&self, ip: IpAddr) -> AuditClient {
        match &self.ip {
            IpPrivacy::Full => AuditClient::Ip(ip),
            IpPrivacy::Truncated => AuditClient::Ip(network(ip)),
            #[cfg(feature = "vault")]
            IpPrivacy::Pseudonym(pseudonyms) => {
                AuditClient::Pseudonym(pseudonyms.of(ip.to_string().as_bytes()))
            }
        }
    }

    /// Words for what is hidden.
    pub(super) const fn names(&self) -> [&'static str; 2] {
        let principal = match self.principal {
            PrincipalPrivacy::Plain => "plain",
            #[cfg(feature = "vault")]
            PrincipalPrivacy::Pseudonym(_) => "pseudonym",
        };
        let ip = match self.ip {
            IpPrivacy::Full => "plain",
            IpPrivacy::Truncated => "truncated",
            #[cfg(feature = "vault")]
            IpPrivacy::Pseudonym(_) => "pseudonym",
        };
        [principal, ip]
    }
}

fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}
