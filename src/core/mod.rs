//! The words that every layer speaks. This room knows no layer.

mod client;
mod config;
mod sampler;
mod scheme;

pub use client::{
    ClientIp, ClientIpConfigError, ClientIpLayer, ClientIpService, ForwardHeader, HopsFault, IpNet,
    IpNetError, IpSet, IpSource, PeerAddr, TrustedProxies, TrustedProxiesBuilder, WithPeerAddr,
};
pub use config::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, Mode};
pub use scheme::{PeerAddressMissing, ProtoHeader, RequestScheme, SchemeSource, Tls};
