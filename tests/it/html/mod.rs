//! Cleaning of HTML, from outside.

mod oracle;
mod properties;
pub(crate) mod vectors;
