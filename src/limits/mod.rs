//! `LimitsLayer`: sizes and times, so that nobody takes the memory, the connections or the tasks of a service.

mod answer;
mod body;
mod compile;
mod config;
mod error;
mod layer;
mod service;
mod timer;
mod watch;

pub use answer::AnswerBody;
pub use body::{BodyLimitError, LimitedBody};
pub use config::{Limit, LimitsBuilder, LimitsConfig, RouteLimits};
pub use error::LimitsConfigError;
pub use layer::LimitsLayer;
pub use service::{Limits, LimitsFuture};
pub use watch::LimitsRefusal;
