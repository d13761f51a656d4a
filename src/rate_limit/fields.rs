//! The header fields that tell a client where it stands.
