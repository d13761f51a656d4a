//! The content security policy.

mod advice;
mod append;
mod builder;
mod check;
mod config;
mod directive;
mod entry;
mod error;
mod forms;
mod future;
mod hash;
mod host;
mod keyword;
mod layer;
mod layer_config;
mod lint;
mod media;
mod nonce;
mod parse;
mod policy;
mod problem;
mod reporting;
mod route;
mod service;
mod source;
mod spelling;
#[cfg(test)]
mod tests;
mod twin;
mod words;

pub use builder::CspBuilder;
pub use config::Csp;
pub use error::CspConfigError;
pub use future::{CspAmendment, CspFuture};
pub use layer::CspLayer;
pub use layer_config::{CspLayerBuilder, CspLayerConfigError, NonceCaching, Precedence};
pub use lint::CspLint;
pub use nonce::CspNonce;
pub use policy::CspPolicy;
pub use problem::CspProblem;
pub use reporting::ReportEndpoint;
pub use route::{CspOverride, CspOverrideAmendment, CspOverrideService};
pub use service::CspService;
pub use source::Source;
pub use words::{SandboxFlag, TrustedTypes, Webrtc};
#[cfg(feature = "csp-report")]
pub mod report;
