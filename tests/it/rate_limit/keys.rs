//! Rate limits: keys.
