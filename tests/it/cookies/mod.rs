//! Hardening of every `Set-Cookie`.
