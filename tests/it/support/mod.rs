//! What the tests of several rooms use.

pub(crate) mod fetch_oracle;
pub(crate) mod service;
pub(crate) mod tree;
pub(crate) mod wire;
