//! Authentication and authorization on real servers.
