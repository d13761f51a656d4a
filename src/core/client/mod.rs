//! Who is calling: the peer of the connection, the proxies that may speak for others, and the client address made of both.

mod address;
mod client_ip;
mod config;
pub(in crate::core) mod degraded;
mod forwarded;
mod header;
mod layer;
mod net;
mod peer;
mod proxies;
mod service;
#[cfg(test)]
mod tests;

pub use client_ip::{ClientIp, IpSource};
pub use config::{ClientIpConfigError, HopsFault, TrustedProxiesBuilder};
pub(crate) use degraded::DegradedAddress;
pub use header::ForwardHeader;
pub use layer::ClientIpLayer;
pub use net::{IpNet, IpNetError, IpSet};
pub use peer::{PeerAddr, WithPeerAddr};
pub use proxies::TrustedProxies;
pub use service::ClientIpService;

pub(in crate::core) use forwarded::{Elements, Parameter, trim_ows};
