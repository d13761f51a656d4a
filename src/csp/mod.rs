//! The content security policy.
