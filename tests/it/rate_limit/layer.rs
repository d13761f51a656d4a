//! Rate limits: layer.
