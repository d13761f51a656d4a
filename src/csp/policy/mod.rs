//! Policies: what may be said, what is wrong with it, and how it is sent. It knows nothing of requests.

mod advice;
mod append;
mod builder;
mod check;
mod compiled;
mod config;
pub(in crate::csp) mod directive;
mod entry;
mod error;
mod hash;
mod host;
mod keyword;
mod lint;
mod parse;
mod problem;
mod reporting;
mod source;
mod spelling;
mod twin;
mod words;

pub use builder::CspBuilder;
pub use compiled::CspPolicy;
pub use config::Csp;
pub use error::CspConfigError;
pub use lint::CspLint;
pub use problem::CspProblem;
pub use reporting::ReportEndpoint;
pub use source::Source;
pub use words::{SandboxFlag, TrustedTypes, Webrtc};
