//! API keys
mod auth;
mod check;
mod config;
mod error;
mod memory;
mod record;
mod store;
mod text;

pub use auth::{ApiKeyAuth, ApiKeyInfo, IssuedApiKey};
pub use config::ApiKeyAuthBuilder;
pub use error::{ApiKeyConfigError, ApiKeyError};
pub use memory::MemoryApiKeyStore;
pub use record::{ApiKeyDigest, ApiKeyRecord};
pub use store::ApiKeyStore;
pub use text::{ApiKeyId, ApiKeyIdError};
