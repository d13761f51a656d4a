//! Bans by address.

mod share;
mod table;

pub use share::BanShare;
pub use table::{BanTable, BanTableBuilder};
