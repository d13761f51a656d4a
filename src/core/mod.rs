//! The words that every layer speaks. This room knows no layer.

mod body;
mod client;
mod clock;
mod config;
mod context;
mod event;
mod future;
mod random;
mod rejection;
mod reload;
mod request_id;
mod route;
mod sampler;
mod scheme;
mod secret;
pub(crate) mod text;
mod shim;
mod ledger { #[derive(Debug, Default)] pub(crate) struct LedgerBits; }
pub use shim::Principal;

pub use body::{AdaptedBody, AdaptedFuture, BodyAdapter, BodyAdapterLayer, RejectionBody};
pub use client::{
    ClientIp, ClientIpConfigError, ClientIpLayer, ClientIpService, ForwardHeader, HopsFault, IpNet,
    IpNetError, IpSet, IpSource, PeerAddr, TrustedProxies, TrustedProxiesBuilder, WithPeerAddr,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, Mode};
pub(crate) use config::Mistakes;
pub(crate) use context::{Context, RequestContext};
pub use context::Shared;
#[cfg(feature = "tracing")]
pub use event::TracingSink;
pub(crate) use event::Events;
pub use event::{
    CleanText, EventCategory, EventName, EventSink, Level, NoopSink, Outcome, SecurityEvent,
    sink_panics,
};
pub use future::{Amend, ResponseFuture};
pub use rejection::{
    AbuseKind, AbuseSignal, Accepts, GrpcCode, PreparedBody, Problem, Pushback, RefusalContext,
    Refused, Rejection, RejectionRenderer,
};
pub use reload::{Loaded, Reload, ReloadHandle};
pub use request_id::RequestId;
pub use scheme::{PeerAddressMissing, ProtoHeader, RequestScheme, SchemeSource, Tls};
pub use secret::Secret;
