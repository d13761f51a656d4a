//! Address ranges in CIDR notation, and sets of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// A range of addresses in CIDR notation, such as `10.0.0.0/8` or `2001:db8::/32` (RFC 4632, RFC 4291 section 2.3).
///
/// An address without a prefix length is the range of that one address. IPv4-mapped IPv6 addresses count as IPv4 everywhere in
/// this crate, so a range is never written in the mapped form.
///
/// # Example
///
/// ```
/// use tower_security::core::IpNet;
///
/// let net: IpNet = "10.0.0.0/8".parse()?;
/// assert!(net.contains("10.1.2.3".parse()?));
/// assert!(net.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!net.contains("11.0.0.0".parse()?));
///
/// assert_eq!("192.0.2.1".parse::<IpNet>()?.prefix_len(), 32);
/// assert!("10.1.2.3/8".parse::<IpNet>().is_err()); // host bits: 10.0.0.0/8 or 10.1.2.3/32?
/// assert!("::ffff:10.0.0.0/104".parse::<IpNet>().is_err()); // 10.0.0.0/8
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpNet {
    network: IpAddr,
    prefix_len: u8,
}

/// Why a text or a pair of values is not an [`IpNet`].
#[derive(Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpNetError {
    /// What stands before the slash is not an IPv4 or IPv6 address.
    #[error(
        "invalid net {net:?}: write an address or a range, such as 10.0.0.0/8 or 2001:db8::/32"
    )]
    Address {
        /// The text as given.
        net: String,
    },
    /// Bits behind the prefix are set, so that a range and a single address are both possible readings.
    #[error(
        "invalid net {address}/{prefix_len}: it has host bits set; write {network} for the range or {host} for the address"
    )]
    HostBits {
        /// The address as given.
        address: IpAddr,
        /// The prefix length as given.
        prefix_len: u8,
        /// The range that holds the address.
        network: IpNet,
        /// The range of the address alone.
        host: IpNet,
    },
    /// The range is written as IPv4-mapped IPv6 addresses, which are compared as IPv4.
    #[error(
        "invalid net {address}/{prefix_len}: mapped addresses are compared as IPv4; write {v4}"
    )]
    Mapped {
        /// The address as given.
        address: Ipv6Addr,
        /// The prefix length as given.
        prefix_len: u8,
        /// The same range in IPv4 form.
        v4: IpNet,
    },
    /// The prefix length is no plain decimal number or longer than the address.
    #[error(
        "invalid net {net:?}: the prefix length is a number from 0 to {max} without sign or leading zero"
    )]
    PrefixLength {
        /// The text as given.
        net: String,
        /// The longest prefix of this address family.
        max: u8,
    },
}

/// As `Display`: `"10.0.0.1/8".parse()?` in a `main` prints it, and it is meant for people.
impl fmt::Debug for IpNetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl IpNet {
    /// Makes the range of all addresses that share the first `prefix_len` bits of `network`.
    ///
    /// # Errors
    ///
    /// [`IpNetError`] if the prefix is longer than the address, if bits behind the prefix are set, or if `network` is an
    /// IPv4-mapped IPv6 address.
    pub fn new(network: IpAddr, prefix_len: u8) -> Result<Self, IpNetError> {
        let max = width(network);
        if prefix_len > max {
            return Err(IpNetError::PrefixLength {
                net: format!("{network}/{prefix_len}"),
                max,
            });
        }
        // Judged before host bits, whose advice would be the mapped form again. A shorter prefix reaches into the 96 bits of
        // the mapping and has host bits set.
        if let IpAddr::V6(address) = network
            && let Some(v4) = address.to_ipv4_mapped()
            && let Some(v4_prefix_len) = prefix_len.checked_sub(96)
        {
            return Err(IpNetError::Mapped {
                address,
                prefix_len,
                v4: Self::containing(IpAddr::V4(v4), v4_prefix_len),
            });
        }
        let net = Self::containing(network, prefix_len);
        if net.network != network {
            return Err(IpNetError::HostBits {
                address: network,
                prefix_len,
                network: net,
                host: Self {
                    network,
                    prefix_len: max,
                },
            });
        }
        Ok(net)
    }

    /// The range of `prefix_len` that holds `ip`; a prefix longer than the address means the address alone.
    pub(super) fn containing(ip: IpAddr, prefix_len: u8) -> Self {
        let prefix_len = prefix_len.min(width(ip));
        let network = match ip {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !host_mask_v4(prefix_len)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !host_mask_v6(prefix_len)).into(),
        };
        Self {
            network,
            prefix_len,
        }
    }

    /// Returns the ranges that the public Internet does not route and in which a reverse proxy of one's own usually stands:
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` (RFC 1918), `127.0.0.0/8`, `::1`, `fc00::/7` (RFC 4193) and `fe80::/10`.
    #[must_use]
    pub const fn private_ranges() -> [Self; 7] {
        const fn v4(a: u8, b: u8, prefix_len: u8) -> IpNet {
            IpNet {
                network: IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)),
                prefix_len,
            }
        }
        const fn v6(first: u16, last: u16, prefix_len: u8) -> IpNet {
            IpNet {
                network: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last)),
                prefix_len,
            }
        }
        [
            v4(10, 0, 8),
            v4(172, 16, 12),
            v4(192, 168, 16),
            v4(127, 0, 8),
            v6(0, 1, 128),
            v6(0xfc00, 0, 7),
            v6(0xfe80, 0, 10),
        ]
    }

    /// Returns the first address of the range.
    #[must_use]
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// Returns how many leading bits the addresses of the range share: at most 32 for IPv4, 128 for IPv6.
    #[must_use]
    pub const fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// Tells whether `ip` is in the range. An IPv4-mapped IPv6 address counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.network.is_ipv4()
            && Self::containing(ip, self.prefix_len).network == self.network
    }

    /// Tells whether every address of `other` is in this range.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.prefix_len >= self.prefix_len && self.contains(other.network)
    }
}

const fn width(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The bits behind the prefix.
fn host_mask_v4(prefix_len: u8) -> u32 {
    u32::MAX.checked_shr(prefix_len.into()).unwrap_or(0)
}

fn host_mask_v6(prefix_len: u8) -> u128 {
    u128::MAX.checked_shr(prefix_len.into()).unwrap_or(0)
}

/// The range of one address; the IPv4-mapped form becomes IPv4.
impl From<IpAddr> for IpNet {
    fn from(ip: IpAddr) -> Self {
        let network = ip.to_canonical();
        Self {
            network,
            prefix_len: width(network),
        }
    }
}

impl FromStr for IpNet {
    type Err = IpNetError;

    fn from_str(net: &str) -> Result<Self, IpNetError> {
        let (address, prefix_len) = match net.split_once('/') {
            Some((address, prefix_len)) => (address, Some(prefix_len)),
            None => (net, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(IpNetError::Address {
                net: net.to_owned(),
            });
        };
        let max = width(address);
        let prefix_len = match prefix_len {
            None => max,
            // `u8::from_str` would take `+8` and `008` too.
            Some(digits) if is_plain_number(digits) => {
                digits.parse().map_err(|_| IpNetError::PrefixLength {
                    net: net.to_owned(),
                    max,
                })?
            }
            Some(_) => {
                return Err(IpNetError::PrefixLength {
                    net: net.to_owned(),
                    max,
                });
            }
        };
        Self::new(address, prefix_len)
    }
}

fn is_plain_number(digits: &str) -> bool {
    digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_len)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for IpNet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for IpNet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A set of addresses, made from any number of [`IpNet`]s. Cloning shares it.
///
/// Overlapping and adjacent ranges are merged when the set is made; a look-up is one binary search and allocates nothing. The
/// set is immutable: to change it under traffic, swap the whole set.
///
/// # Example
///
/// ```
/// use tower_security::core::IpSet;
///
/// let set: IpSet = ["10.0.0.0/8".parse()?, "2001:db8::/32".parse()?].into_iter().collect();
/// assert!(set.contains("10.255.0.1".parse()?));
/// assert!(set.contains("::ffff:10.255.0.1".parse()?));
/// assert!(!set.contains("192.0.2.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IpSet {
    v4: Arc<[(u32, u32)]>,
    v6: Arc<[(u128, u128)]>,
    nets: Arc<[IpNet]>,
}

impl IpSet {
    /// Makes the union of `nets`.
    pub fn new(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let mut nets: Vec<IpNet> = nets.into_iter().collect();
        nets.sort_unstable();
        nets.dedup();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in &nets {
            match net.network {
                IpAddr::V4(first) => {
                    let first = first.to_bits();
                    v4.push((first, first | host_mask_v4(net.prefix_len)));
                }
                IpAddr::V6(first) => {
                    let first = first.to_bits();
                    v6.push((first, first | host_mask_v6(net.prefix_len)));
                }
            }
        }
        Self {
            v4: merge(v4, |last| last.checked_add(1)),
            v6: merge(v6, |last| last.checked_add(1)),
            nets: nets.into(),
        }
    }

    /// Returns the ranges that the set was made from, sorted and each once.
    #[must_use]
    pub fn nets(&self) -> &[IpNet] {
        &self.nets
    }

    /// Tells whether `ip` is in the set. An IPv4-mapped IPv6 address counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(v4) => find(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => find(&self.v6, v6.to_bits()),
        }
    }

    /// The whole of a family of which the set has a quarter: all IPv4 addresses, or all that the Internet routes in IPv6 (`2000::/3`).
    pub(crate) fn everyone(&self) -> Option<IpNet> {
        let v4 = self.v4.iter().fold(0_u64, |sum, (first, last)| {
            sum.saturating_add(u64::from(last.saturating_sub(*first)))
                .saturating_add(1)
        });
        let v6 = self.v6.iter().fold(0_u128, |sum, (first, last)| {
            sum.saturating_add(last.saturating_sub(*first))
                .saturating_add(1)
        });
        let all = |network: IpAddr| IpNet {
            network,
            prefix_len: 0,
        };
        if v4 >= 1 << 30 {
            Some(all(Ipv4Addr::UNSPECIFIED.into()))
        } else if v6 >= 1 << 123 {
            Some(all(Ipv6Addr::UNSPECIFIED.into()))
        } else {
            None
        }
    }

    /// Tells whether there is no address in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

/// Two sets of the same addresses are equal, however their ranges were written.
impl PartialEq for IpSet {
    fn eq(&self, other: &Self) -> bool {
        self.v4 == other.v4 && self.v6 == other.v6
    }
}

impl Eq for IpSet {}

impl FromIterator<IpNet> for IpSet {
    fn from_iter<I: IntoIterator<Item = IpNet>>(nets: I) -> Self {
        Self::new(nets)
    }
}

/// Sorts inclusive ranges and joins those that overlap or touch.
fn merge<T: Copy + Ord>(
    mut ranges: Vec<(T, T)>,
    successor: impl Fn(T) -> Option<T>,
) -> Arc<[(T, T)]> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        // Without a successor the kept range reaches the end of the address space.
        let joins = successor(kept.1).is_none_or(|after| next.0 <= after);
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
    ranges.into()
}

fn find<T: Copy + Ord>(ranges: &[(T, T)], value: T) -> bool {
    let candidate = ranges.partition_point(|&(_, last)| last < value);
    ranges
        .get(candidate)
        .is_some_and(|&(first, _)| first <= value)
}
