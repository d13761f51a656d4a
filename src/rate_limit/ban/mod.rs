//! Bans by address.

mod check;
mod config;
mod error;
mod future;
mod keys;
mod layer;
mod register;
mod rule;
mod service;
mod share;
mod started;
mod table;
mod table_builder;
mod word;

pub use check::BanRefusal;
pub use config::{BanBuilder, BanStatus};
pub use error::{BanConfigError, BanPolicyFault};
pub use future::BanAmendment;
pub use layer::{BanHandle, BanLayer};
pub use service::Ban;
pub use share::{BanShare, WeakBanTable};
pub use table::{BanStats, BanTable};
pub use table_builder::BanTableBuilder;
