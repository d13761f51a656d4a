//! Counters of one 64-bit word in a table of fixed size.
//!
//! A table is made of sets of eight slots. The hash of a key says which set; a slot holds the rest of the hash as a mark, and the
//! word of the rule. A key that is there is charged without a lock: one compare-and-swap of its word. A key that is not takes, under
//! the mutex of its stripe, the slot of one that owes nothing any more, or else of the one that owes least: what is forgotten is
//! what protects least, never the offender who was away longest. Memory is what the capacity says, and a stripe is made when its
//! first key comes.
//!
//! [`set`] holds the protocol and why it is right; `tests/loom` runs the same files under a model checker.

mod fit;
mod gcra;
mod ladder;
mod set;
mod single;
mod slot;
mod striped;
mod sync;
mod word;

pub(in crate::rate_limit) use fit::{Booked, Fit};
pub(in crate::rate_limit) use gcra::Overdraw;
pub(in crate::rate_limit) use set::{Demand, Verdict};
pub(in crate::rate_limit) use single::Single;
pub(in crate::rate_limit) use slot::Slot;
pub(in crate::rate_limit) use striped::{Table, Usage};
pub(in crate::rate_limit) use word::{Left, Step, Undo, WordRule};

use super::rule;
use super::store::Overflow;

#[cfg(test)]
mod races;
#[cfg(test)]
mod tests;
