//! The longest cleaned text of each kind of field, in bytes, the ellipsis of a cut included.

pub(crate) const METHOD: usize = 32;
pub(crate) const RULE: usize = 128;
pub(crate) const USER_AGENT: usize = 256;
pub(crate) const PATH: usize = 1_024;
pub(crate) const ROUTE: usize = 256;
pub(crate) const PRINCIPAL: usize = 128;
pub(crate) const TARGET: usize = 128;
pub(crate) const DETAIL: usize = 1_024;
