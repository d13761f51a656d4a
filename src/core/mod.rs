//! The words that every layer speaks. This room knows no layer.

pub(crate) mod base64;
mod body;
mod challenge;
mod client;
mod clock;
mod config;
mod context;
#[doc(hidden)]
pub mod contract;
mod event;
pub(crate) mod fetch;
pub(crate) mod field;
mod future;
pub(crate) mod head;
pub(crate) mod json;
mod ledger;
pub(crate) mod line;
pub mod origin;
mod pattern;
#[cfg(any(feature = "mfa", feature = "password"))]
mod pepper;
pub(crate) mod percent;
mod principal;
pub(crate) mod random;
#[cfg(feature = "opaque-tokens")]
pub(crate) mod record;
mod rejection;
mod reload;
mod removed;
pub(crate) mod reporting;
mod request_id;
mod route;
#[cfg(feature = "opaque-tokens")]
pub(crate) mod rows;
pub(crate) mod sampler;
mod scheme;
mod secret;
mod store;
#[cfg(feature = "quanta")]
mod sync;
pub(crate) mod text;
#[cfg(feature = "quanta")]
mod tie;
#[cfg(test)]
#[cfg(feature = "quanta")]
mod tie_tests;

pub use body::{AdaptedBody, AdaptedFuture, BodyAdapter, BodyAdapterLayer, RejectionBody};
pub use challenge::{ChallengeConfigError, ChallengeScheme, Challenges, ChallengesBuilder};
pub(crate) use challenge::{ChallengeFailure, is_scope_token};
pub(crate) use client::{Caller, ClientEvents};
pub use client::{
    ClientIp, ClientIpConfigError, ClientIpLayer, ClientIpService, ForwardHeader, HopsFault, IpNet,
    IpNetError, IpSet, IpSource, PeerAddr, TrustedProxies, TrustedProxiesBuilder, WithPeerAddr,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub(crate) use clock::{nanos, retry_seconds};
pub use config::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, Mode};
pub(crate) use config::{Mistakes, collected};
pub use context::Shared;
pub(crate) use context::{Context, RequestContext};
#[cfg(any(feature = "opaque-tokens", feature = "password", feature = "vault"))]
pub(crate) use event::EventContext;
#[cfg(feature = "tracing")]
pub use event::TracingSink;
pub use event::{
    CleanText, EventCategory, EventName, EventSink, Level, NoopSink, Outcome, SecurityEvent,
    sink_panics,
};
pub(crate) use event::{Events, guarded};
pub use future::{Amend, ResponseFuture};
pub use ledger::{AuthzFault, AuthzLedger};
pub(crate) use ledger::{LedgerBits, LedgerEntry};
pub use pattern::{CanonicalPath, PathParams, Template, TemplateError, TemplateSyntax};
pub(crate) use pattern::{Coverage, TemplateTree, is_exact_path, is_of_route};
#[cfg(any(feature = "mfa", feature = "password"))]
pub use pepper::{PepperConfigError, PepperProblem, PepperRing, PepperRingBuilder};
pub use principal::{AuthMethod, Confirmation, Principal, PrincipalBuilder};
#[cfg(feature = "_jwt")]
pub(crate) use principal::{Claims, List, Span};
pub use rejection::{
    AbuseKind, AbuseSignal, Accepts, GrpcCode, PreparedBody, Problem, Pushback, RefusalContext,
    Refused, Rejection, RejectionRenderer,
};
pub(crate) use rejection::{
    FixedRefusal, GRPC_DETAILS, GRPC_MESSAGE, GRPC_PUSHBACK, GRPC_STATUS, QUOTA_EXCEEDED, Varying,
    is_grpc, is_grpc_type,
};
pub use reload::{Loaded, Reload, ReloadHandle};
pub(crate) use removed::{Removed, is_of_connection};
pub use request_id::RequestId;
pub(crate) use route::{
    NoParams, RouteParams, RouteTemplate, original_uri, template as route_template, whole_path,
};
pub use scheme::{
    ForwardedProto, PeerAddressMissing, ProtoHeader, RequestScheme, SchemeConfigError,
    SchemeSource, Tls,
};
pub use secret::Secret;
#[cfg(any(feature = "_jwt", feature = "password", feature = "vault"))]
pub(crate) use secret::constant_time_eq;
pub(crate) use secret::is_weak_key;
#[cfg(feature = "_jwt")]
pub(crate) use secret::key_strength;
pub use store::{Lookup, StoreError, StoreErrorKind};
