//! The content security policy.

mod config;
mod error;
mod forms;
mod future;
mod layer;
mod layer_config;
mod media;
mod nonce;
mod policy;
mod route;
mod service;
#[cfg(test)]
mod tests;

pub use config::{Csp, CspBuilder, ReportEndpoint, Source};
pub use error::CspConfigError;
pub use future::{CspAmendment, CspFuture};
pub use layer::CspLayer;
pub use layer_config::{CspLayerBuilder, CspLayerConfigError, NonceCaching, Precedence};
pub use nonce::CspNonce;
pub use policy::CspPolicy;
pub use route::{CspOverride, CspOverrideAmendment, CspOverrideService};
pub use service::CspService;
