//! Builders of limiter and layer.
