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
mod hash;
mod host;
mod keyword;
mod lint;
mod parse;
mod policy;
mod problem;
mod reporting;
mod source;
mod spelling;
mod twin;
mod words;

pub use builder::CspBuilder;
pub use config::Csp;
pub use error::CspConfigError;
pub use lint::CspLint;
pub use policy::CspPolicy;
pub use problem::CspProblem;
pub use reporting::ReportEndpoint;
pub use source::Source;
pub use words::{SandboxFlag, TrustedTypes, Webrtc};
