//! API keys
