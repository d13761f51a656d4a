//! Who is refused for what was done before: bans, and lists of addresses. [`BanLayer`] has the rules and an example.

mod check;
mod config;
mod error;
mod events;
mod future;
mod keys;
mod layer;
mod refusals;
mod register;
mod rule;
mod service;
mod share;
mod stats;
mod table;
mod table_builder;
mod word;

pub use check::BanRefusal;
pub use config::{BanBuilder, BanStatus, OnDegraded};
pub use error::{BanConfigError, BanPolicyFault};
pub use future::BanAmendment;
pub use layer::{BanHandle, BanLayer};
pub use service::Ban;
pub use share::{BanShare, WeakBanTable};
pub use stats::BanStats;
pub use table::BanTable;
pub use table_builder::BanTableBuilder;
