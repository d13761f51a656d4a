//! What a layer is made of.

mod builder;
mod compile;
mod error;
mod fields;
#[cfg(feature = "sanitize-html")]
mod html;
mod rules;

pub(super) use builder::Preset;
pub use builder::SanitizeBuilder;
pub use error::SanitizeConfigError;
pub use rules::{HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules};
