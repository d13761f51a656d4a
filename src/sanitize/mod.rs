//! `SanitizeLayer`: refuses malformed and ambiguous requests, cleans the fields of HTML that it is told of, and changes nothing else.

mod config;
mod detector;
mod file_name;
#[cfg(feature = "sanitize-html")]
pub mod html;
mod json;
mod newtype;
mod report;
mod rule;
mod rule_set;
#[cfg(feature = "sanitize-html")]
mod safe_url;
mod sanitized;
mod text;

pub use config::{HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules};
pub use detector::{Detector, Field, Finding};
pub use file_name::{FileNameError, SafeFileName};
pub use report::{Part, SanitizeReport, Violation};
pub use rule::{Action, Rule};
pub use rule_set::RuleSet;
#[cfg(feature = "sanitize-html")]
pub use safe_url::{SafeUrl, UrlError};
pub use sanitized::{Sanitize, Sanitized};
pub use text::{Identifier, IdentifierError, PlainLine, PlainText, TextError};
