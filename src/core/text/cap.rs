//! The longest cleaned text of each kind of field, in bytes, the ellipsis of a cut included.

pub(crate) const METHOD: usize = 32;
pub(crate) const RULE: usize = 128;
pub(crate) const USER_AGENT: usize = 256;
pub(crate) const PATH: usize = 1_024;
pub(crate) const ROUTE: usize = 256;
pub(crate) const PRINCIPAL: usize = 128;
pub(crate) const TARGET: usize = 128;
/// A target that is the id of an object.
pub(crate) const OBJECT_ID: usize = 64;
/// `kid` and `alg` of a token.
pub(crate) const KEY_ID: usize = 64;
pub(crate) const DETAIL: usize = 1_024;
