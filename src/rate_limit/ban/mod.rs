//! Bans by address.
