//! Refresh tokens: each is good once, and gives the next.

mod classify;
mod config;
mod context;
pub mod contract;
mod error;
mod events;
mod family;
mod info;
mod keys;
mod memory;
mod record;
mod service;
mod steps;
mod store;
mod text;

pub use config::RefreshServiceBuilder;
pub use context::RefreshContext;
pub use error::{RefreshConfigError, RefreshError};
pub use family::{FamilyId, FamilyRecord, RevokeReason};
pub use info::RefreshInfo;
pub use memory::MemoryRefreshStore;
pub use service::{RefreshService, TokenPair};
pub use store::{RefreshStore, Replaced};
