//! `SanitizeLayer`: refuses malformed and ambiguous requests, cleans the fields of HTML that it is told of, and changes nothing else.

mod config;
#[cfg(feature = "sanitize-html")]
pub mod html;
mod report;
mod rule;
mod rule_set;

pub use config::{HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules};
pub use report::{Part, SanitizeReport, Violation};
pub use rule::{Action, Rule};
pub use rule_set::RuleSet;
