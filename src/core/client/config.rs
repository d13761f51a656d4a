//! Which proxies are trusted to say what, checked once.

use std::fmt;
use std::num::NonZeroU8;
use std::sync::Arc;

use thiserror::Error;

use super::proxies::{Peers, Proxies, Reading};
use super::{ForwardHeader, IpNet, IpNetError, IpSet, TrustedProxies};
use crate::core::{ConfigErrorKind, ConfigErrors, ErrorClass, Mistakes};

/// Most hops that [`TrustedProxiesBuilder::hops`] takes.
const MAX_HOPS: u8 = 16;

/// Shortest prefixes that a range of proxies may have. One /8 is the largest block an organisation was ever given, and no
/// registry allocates more than a /16 of IPv6.
const MIN_V4_PREFIX: u8 = 8;
const MIN_V6_PREFIX: u8 = 16;

/// A mistake in the choice of trusted proxies.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientIpConfigError {
    /// A range does not parse.
    #[error(transparent)]
    BadNet(IpNetError),
    /// Anyone in a private network could write the header of a public CDN, whose servers never call from there.
    #[error(
        "refused header {header} with private ranges alone: name the ranges that the CDN publishes, \
         or the address of its local agent"
    )]
    CdnHeaderUntrusted {
        /// The header that was chosen.
        header: ForwardHeader,
    },
    /// Proxies and header do not belong together: one without the other, or several headers.
    #[error("{}", header_choice(headers))]
    HeaderChoice {
        /// The headers that were chosen, in order.
        headers: Vec<ForwardHeader>,
    },
    /// The hops cannot be counted: too many, no peers that may be hop 1, or a header that is no list.
    #[error("invalid number of hops {hops}: {fault}")]
    Hops {
        /// How many proxies stand in front of this server.
        hops: NonZeroU8,
        /// Why they cannot be counted.
        fault: HopsFault,
    },
    /// The range holds so many addresses that anyone could write a client address of his choice.
    #[error(
        "refused net {net}: it trusts everyone to write the client address; name the real ranges of the proxies \
         (at least /8 for IPv4, /16 for IPv6), or count them with TrustedProxies::hops"
    )]
    TrustsEveryone {
        /// The range that is too wide.
        net: IpNet,
    },
}

/// Why hops cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HopsFault {
    /// No peer may be hop 1.
    NoPeers,
    /// The header carries a single address.
    NotAList(ForwardHeader),
    /// More than 16.
    TooMany,
}

impl fmt::Display for HopsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPeers => {
                f.write_str("name the ranges of the proxy that is nearest to this server")
            }
            Self::NotAList(header) => write!(
                f,
                "{header} carries a single address; count in X-Forwarded-For or Forwarded, or leave hops out"
            ),
            Self::TooMany => write!(f, "write at most {MAX_HOPS}"),
        }
    }
}

fn header_choice(headers: &[ForwardHeader]) -> String {
    match headers {
        [] => "invalid choice of header: none is named; say which one the proxies write, \
               such as header(ForwardHeader::XForwardedFor)"
            .to_owned(),
        [header] => format!(
            "invalid choice of header: {header} without proxies that may write it; name their ranges with nets"
        ),
        [first, rest @ ..] => {
            let names = rest.iter().fold(first.to_string(), |names, header| {
                format!("{names}, {header}")
            });
            format!("invalid choice of header: {names}; name the one that the proxies write")
        }
    }
}

impl ConfigErrorKind for ClientIpConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::BadNet(_) | Self::HeaderChoice { .. } | Self::Hops { .. } => ErrorClass::Invalid,
            Self::CdnHeaderUntrusted { .. } | Self::TrustsEveryone { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadNet(_) => "bad_net",
            Self::CdnHeaderUntrusted { .. } => "cdn_header_untrusted",
            Self::HeaderChoice { .. } => "header_choice",
            Self::Hops { .. } => "hops",
            Self::TrustsEveryone { .. } => "trusts_everyone",
        }
    }
}

/// Says which peers are proxies, and in which header they name the client.
///
/// Made by [`TrustedProxies::builder`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustedProxiesBuilder {
    nets: Vec<Result<IpNet, IpNetError>>,
    private_ranges: bool,
    unix_socket: bool,
    headers: Vec<ForwardHeader>,
    hops: Option<NonZeroU8>,
}

impl TrustedProxiesBuilder {
    /// Adds ranges of addresses that proxies call from, and only proxies.
    ///
    /// Permitted are ranges from /8 (IPv4) and /16 (IPv6) on, and every range inside
    /// [`IpNet::private_ranges`]. Rejected is what lets anyone in: `0.0.0.0/0`, `::/0`, `0.0.0.0/1`.
    pub fn nets(mut self, nets: impl IntoIterator<Item = IpNet>) -> Self {
        self.nets.extend(nets.into_iter().map(Ok));
        self
    }

    /// Adds ranges in their text form, such as `10.0.0.0/8`, and leaves their mistakes to [`build`](Self::build).
    pub fn parse_nets(mut self, nets: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let parsed = nets.into_iter().map(|net| net.as_ref().parse());
        self.nets.extend(parsed);
        self
    }

    /// Adds [`IpNet::private_ranges`]: loopback and the private networks.
    ///
    /// For a proxy that shares a network with this server, when nothing else does. In a cloud network of several tenants every
    /// neighbour could then write a client address of his choice: name the addresses of the proxies there.
    pub fn private_ranges(mut self) -> Self {
        self.private_ranges = true;
        self
    }

    /// Trusts what connects over a Unix domain socket, where the file's permissions decide who may.
    ///
    /// Such a peer has no address: when it names no client, there is none.
    pub fn trust_unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Names the header in which the proxies write the client address. There is no default.
    pub fn header(mut self, header: ForwardHeader) -> Self {
        if !self.headers.contains(&header) {
            self.headers.push(header);
        }
        self
    }

    /// Counts proxies instead of recognising them: the client is the `hops`-th element of the header from the right, at most
    /// the 16th, and the named ranges are those of the nearest proxy alone.
    ///
    /// For chains whose outer proxies have no known addresses. One proxy more or less, and every address is wrong; where the
    /// addresses are known, leave it out.
    pub fn hops(mut self, hops: NonZeroU8) -> Self {
        self.hops = Some(hops);
        self
    }

    /// Checks all choices together. Without any, the result is [`TrustedProxies::direct`].
    ///
    /// # Errors
    ///
    /// A [`ClientIpConfigError`] for each range that does not parse or is too wide, for proxies without a header and a header
    /// without proxies, for several headers, for hops that cannot be counted, and for the header of a public CDN with
    /// private ranges alone.
    pub fn build(self) -> Result<TrustedProxies, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if let Some(hops) = self.hops {
            check_hops(&mut mistakes, hops, self.has_peers());
        }
        let reading = self.reading(&mut mistakes);
        let private = self.private_ranges.then(IpNet::private_ranges);
        let peers = self
            .nets
            .into_iter()
            .enumerate()
            .filter_map(|(index, net)| check_net(&mut mistakes, index, net))
            .chain(private.into_iter().flatten())
            .collect::<IpSet>();
        if let Some(net) = peers.everyone() {
            mistakes.push(
                "client_ip.nets",
                ClientIpConfigError::TrustsEveryone { net },
            );
        }
        let proxies = reading.map(|(header, reading)| {
            Arc::new(Proxies {
                peers: Peers::In(peers),
                unix_socket: self.unix_socket,
                header: header.name(),
                reading,
            })
        });
        mistakes.finish(TrustedProxies::of(proxies))
    }

    /// A public CDN does not call from a private address: whatever does could write its header.
    fn trusts_private_ranges_alone(&self) -> bool {
        let private = IpNet::private_ranges();
        let mut nets = self.nets.iter().flatten();
        (self.private_ranges || !self.nets.is_empty())
            && nets.all(|net| private.iter().any(|range| range.covers(net)))
    }

    fn has_peers(&self) -> bool {
        !self.nets.is_empty() || self.private_ranges || self.unix_socket
    }

    fn reading(&self, mistakes: &mut Mistakes) -> Option<(ForwardHeader, Reading)> {
        let header = match (self.headers.as_slice(), self.hops) {
            ([], None) if !self.has_peers() => return None,
            // The missing peers of a header with hops are reported with the hops.
            (&[header], hops) if self.has_peers() || hops.is_some() => header,
            (headers, _) => {
                let headers = headers.to_vec();
                mistakes.push(
                    "client_ip.header",
                    ClientIpConfigError::HeaderChoice { headers },
                );
                return None;
            }
        };
        if header.is_written_by_public_cdn() && self.trusts_private_ranges_alone() {
            mistakes.push(
                "client_ip.header",
                ClientIpConfigError::CdnHeaderUntrusted { header },
            );
        }
        let reading = match (header.list(), self.hops) {
            (Some(list), None) => Reading::Walk(list),
            (Some(list), Some(hops)) => Reading::Count(list, hops),
            (None, None) => Reading::Single(header),
            (None, Some(hops)) => {
                let fault = HopsFault::NotAList(header);
                mistakes.push("client_ip.hops", ClientIpConfigError::Hops { hops, fault });
                return None;
            }
        };
        Some((header, reading))
    }
}

pub(super) fn check_hops(mistakes: &mut Mistakes, hops: NonZeroU8, has_peers: bool) {
    let faults = [
        (hops.get() > MAX_HOPS).then_some(HopsFault::TooMany),
        (!has_peers).then_some(HopsFault::NoPeers),
    ];
    for fault in faults.into_iter().flatten() {
        mistakes.push("client_ip.hops", ClientIpConfigError::Hops { hops, fault });
    }
}

fn check_net(
    mistakes: &mut Mistakes,
    index: usize,
    net: Result<IpNet, IpNetError>,
) -> Option<IpNet> {
    let mistake = match net {
        Ok(net) if !is_too_wide(net) => return Some(net),
        Ok(net) => ClientIpConfigError::TrustsEveryone { net },
        // `::ffff:0:0/96` is all of IPv4.
        Err(IpNetError::Mapped { v4, .. }) if is_too_wide(v4) => {
            ClientIpConfigError::TrustsEveryone { net: v4 }
        }
        Err(error) => ClientIpConfigError::BadNet(error),
    };
    mistakes.push(format!("client_ip.nets[{index}]"), mistake);
    None
}

fn is_too_wide(net: IpNet) -> bool {
    let shortest = if net.network().is_ipv4() {
        MIN_V4_PREFIX
    } else {
        MIN_V6_PREFIX
    };
    net.prefix_len() < shortest
        && !IpNet::private_ranges()
            .iter()
            .any(|private| private.covers(&net))
}
