//! Rate limits: model.
