#![doc = include_str!("guide.md")]

mod acrh;
mod builder;
mod check;
mod compile;
mod config;
mod fetch;
mod layer;
mod policy;
mod service;

pub use builder::{CorsBuilder, MaxAge, Refuse};
pub use check::{CorsRefusal, CorsVerdict, DuplicateHeader, OriginProblem};
pub use config::{CorsConfig, CorsConfigError, CorsOrigins};
pub use layer::{CorsHandle, CorsLayer};
pub use policy::CorsPolicy;
pub use service::{CorsAmendment, CorsService};
