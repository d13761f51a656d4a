//! Rate limits: login.
