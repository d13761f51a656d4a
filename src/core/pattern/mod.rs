//! Path templates such as `/orders/{id}`, on any server.
//!
//! A template is matched in one of two ways, and which one is right depends on what a match does:
//!
//! - [`Template::match_raw`] compares the path as it was sent and never decodes. For what a match *opens* (a CSRF exemption): a path that
//!   two programs could read differently does not match.
//! - [`Template::match_canonical`] compares a [`CanonicalPath`], decoded once. For what a match *guards* (an ownership rule on plain
//!   hyper): `/%6frders/1` must find the rule of `/orders/{id}`, and a path that is not canonical is refused before any rule is asked.

mod canonical;
mod error;
mod template;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use canonical::is_exact_path;
pub use canonical::{CanonicalPath, PathParams};
pub use error::{TemplateError, TemplateSyntax};
pub use template::Template;
pub(crate) use tree::{Coverage, TemplateTree, is_of_route};
