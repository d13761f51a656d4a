//! The client address as the whole crate uses it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{Extensions, HeaderMap};

use super::{ForwardHeader, IpNet, PeerAddr, TrustedProxies};
use crate::core::{ConfigErrors, RequestContext};

/// The address of the client, and how far it can be relied on.
///
/// Made by [`TrustedProxies::resolve`]; [`ClientIpLayer`](super::ClientIpLayer) does so once per request and attaches the answer
/// as a request extension for rate limits, bans, events and handlers.
///
/// An address names a connection, not a person: many people share one behind a carrier's NAT, and one subscriber owns a whole
/// IPv6 /64, which is why limits count by [`prefix`](Self::prefix).
///
/// # Example
///
/// ```
/// use tower_security::core::{ClientIp, IpSource};
///
/// let client = ClientIp::resolved_by_caller("2001:db8:1:2:3:4:5:6".parse()?);
/// assert_eq!(client.prefix(32, 64).to_string(), "2001:db8:1:2::/64");
/// assert_eq!(client.source(), IpSource::Caller);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp {
    ip: IpAddr,
    source: IpSource,
    peer: Option<PeerAddr>,
}

/// As much of a [`ClientIp`] as limits count by: a quarter of it, on the way of every request.
///
/// The address is a number here. As an `IpAddr` it would be handed on in bytes that were written one by one and are read together,
/// for which a processor waits as long as it takes to hash them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The bits of the address; of IPv4 the last 32.
    bits: u128,
    is_v4: bool,
    pub(crate) is_degraded: bool,
}

impl Caller {
    /// The client of a request: what a layer has attached to it, else what `proxies` find.
    #[inline]
    pub(crate) fn attached_or_found(
        proxies: &TrustedProxies,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<Self> {
        // Most servers attach the peer and nothing else: then no layer has found the client, and three look-ups are spared.
        match PeerAddr::alone(extensions) {
            Some(peer) if !proxies.asks_for_peer() => proxies.caller_from(peer, headers),
            Some(_) | None => Self::otherwise(proxies, headers, extensions),
        }
    }

    #[inline(never)]
    fn otherwise(
        proxies: &TrustedProxies,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<Self> {
        Self::from_extensions(extensions).or_else(|| proxies.caller(headers, extensions))
    }

    /// What a layer has attached to the request.
    #[inline]
    pub(crate) fn from_extensions(extensions: &Extensions) -> Option<Self> {
        if let Some(context) = RequestContext::from_extensions(extensions)
            && let Some(client) = context.client_ip()
        {
            return Some(Self::of(&client));
        }
        extensions.get::<ClientIp>().map(Self::of)
    }

    #[inline]
    pub(crate) const fn of(client: &ClientIp) -> Self {
        Self::new(client.ip, client.is_degraded())
    }

    /// An IPv4-mapped address is the IPv4 address.
    #[inline]
    pub(super) const fn new(ip: IpAddr, is_degraded: bool) -> Self {
        let (bits, is_v4) = match ip.to_canonical() {
            IpAddr::V4(v4) => (v4.to_bits() as u128, true),
            IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        Self {
            bits,
            is_v4,
            is_degraded,
        }
    }

    /// The bits of an IPv4 address, else those of an IPv6 address.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "of IPv4 there are no more")]
    pub(crate) const fn bits(&self) -> Result<u32, u128> {
        if self.is_v4 {
            Ok(self.bits as u32)
        } else {
            Err(self.bits)
        }
    }

    pub(crate) fn ip(&self) -> IpAddr {
        match self.bits() {
            Ok(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4)),
            Err(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6)),
        }
    }
}

/// Where a [`ClientIp`] was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpSource {
    /// Every address in the header belongs to a trusted proxy, and this is the leftmost: a request that began inside.
    AllTrusted,
    /// The caller of [`ClientIp::resolved_by_caller`] vouches for it.
    Caller,
    /// The header of a trusted proxy could not be read up to the client, so this is the last proxy that could be followed.
    Degraded,
    /// A trusted proxy wrote it into the configured header.
    Forwarded,
    /// It is the other end of the connection: no trusted proxy spoke for anyone else.
    Peer,
}

impl ClientIp {
    pub(super) const fn new(ip: IpAddr, source: IpSource, peer: Option<PeerAddr>) -> Self {
        Self { ip, source, peer }
    }

    /// Takes an address that code of your own has found out, for tests and for servers with their own resolver.
    ///
    /// Insert the result into the request extensions outside the layers that read it: a `ClientIp` that is already there is
    /// never replaced.
    #[must_use]
    pub fn resolved_by_caller(ip: IpAddr) -> Self {
        Self::new(ip.to_canonical(), IpSource::Caller, None)
    }

    /// Trusts the `X-Forwarded-For` header of the proxies in `nets`: the short form of [`TrustedProxies::builder`].
    ///
    /// # Errors
    ///
    /// Everything that [`build`](super::TrustedProxiesBuilder::build) refuses: no range, or one as wide as `0.0.0.0/0`.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::ClientIp;
    ///
    /// let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse()?])?;
    /// assert!(!proxies.is_direct());
    /// assert!(ClientIp::trusted_proxies(["0.0.0.0/0".parse()?]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusted_proxies(
        nets: impl IntoIterator<Item = IpNet>,
    ) -> Result<TrustedProxies, ConfigErrors> {
        TrustedProxies::builder()
            .nets(nets)
            .header(ForwardHeader::XForwardedFor)
            .build()
    }

    /// Returns the client address that a layer attached to the request.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        RequestContext::from_extensions(extensions)
            .and_then(RequestContext::client_ip)
            .or_else(|| extensions.get().copied())
    }

    /// Returns the address: never IPv4-mapped, never with a zone.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Returns where the address was taken from.
    #[must_use]
    pub const fn source(&self) -> IpSource {
        self.source
    }

    /// Tells whether the header of a trusted proxy could not be read up to the client.
    ///
    /// Count such a client apart from the proxy whose address it bears, or garbage in a header uses up the limit of the proxy's
    /// own health checks.
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        matches!(self.source, IpSource::Degraded)
    }

    /// Returns the range of `v4` or `v6` leading bits that holds the address, as a key to count by.
    ///
    /// Common are 32 and 64: one host, one IPv6 subscriber. A length beyond that of the address means the address alone.
    #[must_use]
    pub fn prefix(&self, v4: u8, v6: u8) -> IpNet {
        let prefix_len = if self.ip.is_ipv4() { v4 } else { v6 };
        IpNet::containing(self.ip, prefix_len)
    }

    /// Returns the other end of the connection; `None` if the address was [resolved by the
    /// caller](Self::resolved_by_caller).
    #[must_use]
    pub const fn peer(&self) -> Option<PeerAddr> {
        self.peer
    }
}
