//! The layer that finds forgotten checks.

mod answer;
mod future;
mod layer;
mod scene;
mod service;

pub use future::TripwireFuture;
pub use layer::{RequireAuthorization, UndecidedErrors};
pub use service::Tripwire;
