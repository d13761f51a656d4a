//! Rate limits: address.
