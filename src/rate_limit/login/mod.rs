//! Counts attempts to log in.

mod account;
mod attempt;
mod begin;
mod compile;
mod config;
mod device;
mod error;
mod future;
mod guard;
mod layer;
mod pressure;
mod refusal;
mod rules;
mod service;
mod spray;
mod throttle;
mod told;

pub use attempt::{LoginAccount, LoginAttempt, LoginOutcome};
pub use begin::LoginBegin;
pub use config::LoginThrottleBuilder;
pub use error::LoginConfigError;
pub use future::LoginFuture;
pub use guard::LoginGuard;
pub use layer::LoginThrottleLayer;
pub use pressure::Pressure;
pub use refusal::{LoginDimension, LoginRefusal};
pub use service::LoginService;
pub use throttle::LoginThrottle;
