//! Sessions
mod auth;
mod check;
mod config;
mod cookie;
mod error;
mod key;
mod memory;
mod record;
mod store;

pub use auth::{SessionAuth, SessionInfo};
pub use config::SessionAuthBuilder;
pub use cookie::SessionSameSite;
pub use error::{CookieProblem, SessionConfigError, SessionError};
pub use key::SessionKey;
pub use memory::MemorySessionStore;
pub use record::SessionRecord;
pub use store::SessionStore;
