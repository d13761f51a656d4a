//! What a layer is made of.

mod rules;

pub use rules::{HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules};
