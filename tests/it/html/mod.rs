//! Cleaning of HTML, from outside.

mod oracle;
mod properties;
mod shapes;
pub(crate) mod vectors;
