//! The layer that asks before the handler is called.

mod ask;
mod config;
mod draft;
mod error;
mod examine;
mod future;
mod layer;
mod rules;
mod service;
#[cfg(feature = "limits")]
mod timer;
#[cfg(not(feature = "limits"))]
#[path = "no_timer.rs"]
mod timer;

pub(crate) use ask::{Ask, Grant};
pub use config::OwnershipGuardBuilder;
pub use error::OwnershipConfigError;
pub use future::OwnershipFuture;
pub(crate) use layer::Core;
pub use layer::OwnershipGuard;
pub use service::OwnershipService;
