//! The one decision of who the client is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName};

use super::client_ip::Caller;
use super::config::check_hops;
use super::forwarded::{List, from_right, trim_ows};
use super::{
    ClientIp, ForwardHeader, IpNet, IpSet, IpSource, PeerAddr, TrustedProxiesBuilder, address,
};
use crate::core::{ConfigErrors, Mistakes};

/// Which peers may say on whose behalf they call, and in which header. Cloning shares it.
///
/// Anyone can send `X-Forwarded-For: 127.0.0.1` ([CWE-348](https://cwe.mitre.org/data/definitions/348.html)); a header means
/// something only when a proxy of one's own wrote it, and in a list only from the right end up to the first address that is not
/// such a proxy. One `TrustedProxies` answers for the whole application: limits, bans, events, and whether a request came over
/// TLS.
///
/// # How the client is found
///
/// 1. The peer of the connection is looked up as [`PeerAddr::from_extensions`] says. Without one there is no client address.
/// 2. Addresses are compared in one spelling: `::ffff:192.0.2.1` is `192.0.2.1`, and a zone such as `%eth0` is dropped.
/// 3. An untrusted peer is the client ([`IpSource::Peer`]); no header is read.
/// 4. Of a trusted peer's request only the configured header is read. Without it, the peer is the client.
/// 5. `X-Forwarded-For` is walked from the right over all its lines. Elements are `ip`, `ipv4:port`, `[ipv6]` and `[ipv6]:port`;
///    empty ones are passed over. The first address that is not trusted is the client ([`IpSource::Forwarded`]); when all are
///    trusted, it is the leftmost ([`IpSource::AllTrusted`]). An element that is no address ends the walk at the last proxy
///    before it ([`IpSource::Degraded`]), and so do the 33rd element and the 4097th byte.
/// 6. `Forwarded` is walked in the same way by its `for` parameters. A line that breaks the grammar of
///    [RFC 7239](https://www.rfc-editor.org/rfc/rfc7239#section-4), an element without `for`, with two of them, with `unknown`
///    or an obfuscated name ends the walk.
/// 7. The other headers hold one address in one line; anything else is `Degraded`.
/// 8. With [`hops`](Self::hops) the client is the n-th element from the right. Fewer elements are `Degraded`.
///
/// # What it does not stop
///
/// A trusted proxy that lies, a proxy that passes a client's header on instead of appending to it, and clients that share or
/// change their address.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::core::{ForwardHeader, IpSource, PeerAddr, TrustedProxies};
///
/// let proxies = TrustedProxies::builder()
///     .nets(["10.0.0.0/8".parse()?])
///     .header(ForwardHeader::XForwardedFor)
///     .build()?;
/// let request = |peer: &str| -> Result<_, Box<dyn std::error::Error>> {
///     let peer: std::net::SocketAddr = peer.parse()?;
///     let request = Request::builder()
///         .header("x-forwarded-for", "127.0.0.1, 192.0.2.7")
///         .extension(PeerAddr::from(peer))
///         .body(())?;
///     Ok(request.into_parts().0)
/// };
///
/// // The proxy appended 192.0.2.7; what stands left of it is the client's invention.
/// let client = proxies.resolve(&request("10.0.0.1:443")?).ok_or("no peer")?;
/// assert_eq!(client.ip().to_string(), "192.0.2.7");
/// assert_eq!(client.source(), IpSource::Forwarded);
///
/// // A stranger cannot speak for anyone.
/// let client = proxies.resolve(&request("203.0.113.9:443")?).ok_or("no peer")?;
/// assert_eq!(client.ip().to_string(), "203.0.113.9");
/// assert_eq!(client.source(), IpSource::Peer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct TrustedProxies {
    proxies: Option<Arc<Proxies>>,
    unwrap_transition: bool,
    peer_from: Option<fn(&Extensions) -> Option<PeerAddr>>,
}

#[derive(Debug)]
pub(super) struct Proxies {
    pub(super) peers: Peers,
    pub(super) unix_socket: bool,
    pub(super) header: HeaderName,
    pub(super) reading: Reading,
}

#[derive(Debug)]
pub(super) enum Peers {
    Any,
    In(IpSet),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    /// The first address of the list from the right that is no trusted peer.
    Walk(List),
    /// The n-th element of the list from the right.
    Count(List, NonZeroU8),
    Single(ForwardHeader),
}

/// What became of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolution {
    pub(crate) client: Option<ClientIp>,
    /// Also told when there is no address to show for it: over a Unix socket.
    pub(crate) degraded: bool,
}

impl TrustedProxies {
    /// Trusts nobody: the peer of the connection is the client, and no header is ever read. The default.
    ///
    /// Right for a server that clients reach directly. Behind a proxy it takes the proxy for the only client there is.
    #[must_use]
    pub fn direct() -> Self {
        Self::default()
    }

    /// Starts with nobody trusted; [`ClientIp::trusted_proxies`] is shorter for `X-Forwarded-For`.
    pub fn builder() -> TrustedProxiesBuilder {
        TrustedProxiesBuilder::default()
    }

    /// Counts `hops` proxies in `X-Forwarded-For`, of which the nearest calls from `peers`.
    ///
    /// Short for [`TrustedProxiesBuilder::hops`], whose caveats hold.
    ///
    /// # Errors
    ///
    /// Everything that [`build`](TrustedProxiesBuilder::build) refuses: more than 16 hops, no peers, too wide a range.
    pub fn hops(
        hops: NonZeroU8,
        peers: impl IntoIterator<Item = IpNet>,
    ) -> Result<Self, ConfigErrors> {
        Self::builder()
            .nets(peers)
            .hops(hops)
            .header(ForwardHeader::XForwardedFor)
            .build()
    }

    /// Counts `hops` proxies in `X-Forwarded-For`, whoever the peer is.
    ///
    /// # Danger
    ///
    /// Whoever reaches this server without passing all the proxies chooses his own address, and with it escapes limits and
    /// bans. Only for platforms that shut every other way off and give their proxies no stable addresses.
    ///
    /// # Errors
    ///
    /// [`ClientIpConfigError::Hops`](super::ClientIpConfigError::Hops) for more than 16 hops.
    pub fn dangerous_hops_from_any_peer(hops: NonZeroU8) -> Result<Self, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        check_hops(&mut mistakes, hops, true);
        mistakes.finish(Self::of(Some(Arc::new(Proxies {
            peers: Peers::Any,
            unix_socket: true,
            header: ForwardHeader::XForwardedFor.name(),
            reading: Reading::Count(List::XForwardedFor, hops),
        }))))
    }

    pub(super) fn of(proxies: Option<Arc<Proxies>>) -> Self {
        Self {
            proxies,
            ..Self::default()
        }
    }

    /// Asks `peer_from` for the peer before anything else, for servers that attach a type of their own.
    #[must_use]
    pub fn peer_from(mut self, peer_from: fn(&Extensions) -> Option<PeerAddr>) -> Self {
        self.peer_from = Some(peer_from);
        self
    }

    /// Takes the IPv4 address out of client addresses in `64:ff9b::/96` (NAT64), `2002::/16` (6to4) and `2001::/32` (Teredo).
    /// Off by default.
    ///
    /// It makes one client of the two addresses that someone behind such a translator has. It is done last: whether a peer or
    /// an element is trusted is judged by the address as it came, and an embedded address that is private or reserved stays
    /// inside, so that nobody can pass for one.
    #[must_use]
    pub fn unwrap_transition(mut self, unwrap: bool) -> Self {
        self.unwrap_transition = unwrap;
        self
    }

    /// Tells whether nobody is trusted, so that no header is ever read.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        self.proxies.is_none()
    }

    /// Tells whether every peer is trusted: [`dangerous_hops_from_any_peer`](Self::dangerous_hops_from_any_peer).
    #[must_use]
    pub fn trusts_any_peer(&self) -> bool {
        self.proxies
            .as_deref()
            .is_some_and(|proxies| matches!(proxies.peers, Peers::Any))
    }

    /// The one header that is read of trusted peers.
    pub(super) fn header(&self) -> Option<&HeaderName> {
        self.proxies.as_deref().map(|proxies| &proxies.header)
    }

    /// Returns the peer that the server attached to the request, in the one spelling in which addresses are compared.
    #[must_use]
    pub fn peer(&self, extensions: &Extensions) -> Option<PeerAddr> {
        self.peer_from
            .and_then(|peer_from| peer_from(extensions))
            .or_else(|| PeerAddr::from_extensions(extensions))
            .map(PeerAddr::canonical)
    }

    /// Tells whether the headers of `peer` count.
    #[must_use]
    pub fn trusts(&self, peer: PeerAddr) -> bool {
        self.proxies
            .as_deref()
            .is_some_and(|proxies| proxies.trusts(peer))
    }

    /// Finds the client of a request, without a look at what a layer may have attached already. Allocates nothing.
    ///
    /// `None` if the server attached no peer address, or a Unix socket that is not trusted or named no client.
    #[must_use]
    pub fn resolve(&self, parts: &Parts) -> Option<ClientIp> {
        self.resolve_from(&parts.headers, &parts.extensions)
    }

    /// Does what [`resolve`](Self::resolve) does for a request that is not in parts.
    #[must_use]
    pub fn resolve_from(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<ClientIp> {
        self.resolution(headers, extensions).client
    }

    /// Whether somebody is asked for the peer before it is looked for where servers put it.
    #[inline]
    pub(super) const fn asks_for_peer(&self) -> bool {
        self.peer_from.is_some()
    }

    /// As [`resolve_from`](Self::resolve_from), for those who need no more than the address.
    #[inline]
    pub(crate) fn caller(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<Caller> {
        if self.asks_for_peer() {
            return self.caller_of(self.peer(extensions)?, headers);
        }
        let ip = |addr: &SocketAddr| self.caller_from(addr, headers);
        PeerAddr::found(extensions, ip, || self.caller_of(PeerAddr::Unix, headers))?
    }

    /// The client of a request that came from a peer with this address.
    #[inline]
    pub(super) fn caller_from(&self, peer: &SocketAddr, headers: &HeaderMap) -> Option<Caller> {
        if self.proxies.is_none() && !self.unwrap_transition {
            return Some(Caller::new(peer.ip(), false));
        }
        self.caller_of(PeerAddr::Ip(*peer).canonical(), headers)
    }

    #[inline(never)]
    fn caller_of(&self, peer: PeerAddr, headers: &HeaderMap) -> Option<Caller> {
        let (ip, source) = self.address_of(peer, headers);
        ip.map(|ip| Caller::new(ip, source == IpSource::Degraded))
    }

    pub(crate) fn resolution(&self, headers: &HeaderMap, extensions: &Extensions) -> Resolution {
        let Some(peer) = self.peer(extensions) else {
            return Resolution {
                client: None,
                degraded: false,
            };
        };
        let (ip, source) = self.address_of(peer, headers);
        Resolution {
            client: ip.map(|ip| ClientIp::new(ip, source, Some(peer))),
            degraded: source == IpSource::Degraded,
        }
    }

    fn address_of(&self, peer: PeerAddr, headers: &HeaderMap) -> (Option<IpAddr>, IpSource) {
        let peer_ip = match peer {
            PeerAddr::Ip(addr) => Some(addr.ip()),
            PeerAddr::Unix => None,
        };
        let (ip, source) = match self.proxies.as_deref() {
            Some(proxies) if proxies.trusts(peer) => proxies.read(headers, peer_ip),
            Some(_) | None => (peer_ip, IpSource::Peer),
        };
        if self.unwrap_transition {
            (ip.map(address::unwrap_transition), source)
        } else {
            (ip, source)
        }
    }
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedProxies")
            .field("proxies", &self.proxies)
            .field("unwrap_transition", &self.unwrap_transition)
            .field("peer_from", &self.peer_from.map(|_| format_args!("<fn>")))
            .finish()
    }
}

impl Proxies {
    fn trusts(&self, peer: PeerAddr) -> bool {
        match (peer, &self.peers) {
            (PeerAddr::Ip(_), Peers::Any) => true,
            (PeerAddr::Ip(addr), Peers::In(nets)) => nets.contains(addr.ip()),
            (PeerAddr::Unix, _) => self.unix_socket,
        }
    }

    fn read(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> (Option<IpAddr>, IpSource) {
        match self.reading {
            Reading::Walk(list) => self.walk(list, headers, peer),
            Reading::Count(list, hops) => self.count(list, hops, headers, peer),
            Reading::Single(header) => self.single(header, headers, peer),
        }
    }

    fn walk(
        &self,
        list: List,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> (Option<IpAddr>, IpSource) {
        let mut last_proxy = (peer, IpSource::Peer);
        let found = from_right(list, &self.header, headers, |entry| match entry.address() {
            None => ControlFlow::Break(None),
            Some(ip) if self.trusts_address(ip) => {
                last_proxy = (Some(ip), IpSource::AllTrusted);
                ControlFlow::Continue(())
            }
            Some(ip) => ControlFlow::Break(Some(ip)),
        });
        match found {
            Some(Some(client)) => (Some(client), IpSource::Forwarded),
            Some(None) => (last_proxy.0, IpSource::Degraded),
            None => last_proxy,
        }
    }

    fn count(
        &self,
        list: List,
        hops: NonZeroU8,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> (Option<IpAddr>, IpSource) {
        let mut hop = 0;
        let found = from_right(list, &self.header, headers, |entry| {
            hop += 1;
            if hop == hops.get() {
                ControlFlow::Break(entry.address())
            } else {
                ControlFlow::Continue(())
            }
        });
        match found.flatten() {
            Some(client) => (Some(client), IpSource::Forwarded),
            // An empty list is no list (RFC 9110 section 5.6.1).
            None if hop == 0 => (peer, IpSource::Peer),
            None => (peer, IpSource::Degraded),
        }
    }

    fn single(
        &self,
        header: ForwardHeader,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> (Option<IpAddr>, IpSource) {
        let mut lines = headers.get_all(&self.header).iter();
        match (lines.next(), lines.next()) {
            (None, _) => (peer, IpSource::Peer),
            (Some(line), None) => match header.single(trim_ows(line.as_bytes())) {
                Some(client) => (Some(client), IpSource::Forwarded),
                None => (peer, IpSource::Degraded),
            },
            // The proxy that wrote one line did not remove the client's own.
            (Some(_), Some(_)) => (peer, IpSource::Degraded),
        }
    }

    fn trusts_address(&self, ip: IpAddr) -> bool {
        match &self.peers {
            Peers::Any => true,
            Peers::In(nets) => nets.contains(ip),
        }
    }
}
