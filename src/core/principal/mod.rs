//! Who is asking.

mod attached;
mod builder;
mod claims;
mod method;
#[cfg(test)]
mod tests;
mod who;

pub(super) use attached::Attached;
pub use builder::PrincipalBuilder;
#[cfg(feature = "_jwt")]
pub(crate) use claims::{Claims, List, Span};
pub use method::{AuthMethod, Confirmation};
pub use who::Principal;
