//! Who is calling: the peer of the connection, the proxies that may speak for others, and the client address made of both.

mod address;
mod client_ip;
mod config;
mod forwarded;
mod header;
mod layer;
mod net;
mod peer;
mod proxies;
mod service;
#[cfg(test)]
mod tests;
pub(in crate::core) mod told;

pub(crate) use client_ip::Caller;
pub use client_ip::{ClientIp, IpSource};
pub use config::{ClientIpConfigError, HopsFault, TrustedProxiesBuilder};
pub use header::ForwardHeader;
pub use layer::ClientIpLayer;
pub use net::{IpNet, IpNetError, IpSet};
pub use peer::{PeerAddr, WithPeerAddr};
pub use proxies::TrustedProxies;
pub use service::ClientIpService;
pub(crate) use told::ClientEvents;

pub(in crate::core) use forwarded::{Elements, Parameter, trim_ows};
