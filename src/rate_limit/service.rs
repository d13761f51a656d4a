//! The service of the layer.
