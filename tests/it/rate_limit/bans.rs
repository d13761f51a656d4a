//! Rate limits: bans.
