//! Rate limits: servers.
