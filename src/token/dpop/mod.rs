//! Proofs of possession (RFC 9449, DPoP): a stolen token is of no use without the key that it is bound to.

mod nonce;
mod policy;
mod proof;
mod replay;
mod target;

pub use policy::DpopPolicy;
pub(super) use proof::{Dpop, ProofRequest};
