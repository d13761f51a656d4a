//! `CookieLayer`: gives every `Set-Cookie` the attributes without which a cookie can be read, stolen or planted.

mod check;
mod compile;
mod config;
mod error;
mod future;
mod layer;
mod parse;
mod rename;
mod service;

pub use check::{CookiePolicy, CookieViolation, Hardened};
pub use config::{CookieBuilder, CookieConfig, Violation};
pub use error::{CookieConfigError, NameProblem};
pub use future::CookieAmendment;
pub use layer::CookieLayer;
pub use parse::SameSite;
pub use rename::Restored;
pub use service::CookieService;
