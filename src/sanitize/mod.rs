//! `SanitizeLayer`: refuses malformed and ambiguous requests, cleans the fields of HTML that it is told of, and changes nothing else.

mod body;
mod check;
mod config;
mod content_type;
mod decide;
mod detector;
mod fields;
mod file_name;
mod future;
#[cfg(feature = "sanitize-html")]
pub mod html;
mod json;
mod layer;
mod multipart;
mod newtype;
#[cfg(not(feature = "sanitize-html"))]
mod no_html;
mod params;
mod path;
mod report;
mod rule;
mod rule_set;
#[cfg(feature = "sanitize-html")]
mod safe_url;
mod sanitized;
mod service;
mod signed;
mod text;
mod units;

pub use body::GuardedBody;
pub use check::RequestRules;
pub use config::{
    HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules, SanitizeBuilder,
    SanitizeConfigError,
};
pub use detector::{Detector, Field, Finding};
pub use file_name::{FileNameError, SafeFileName};
pub use future::SanitizeFuture;
pub use layer::SanitizeLayer;
pub use report::{Part, SanitizeReport, Violation};
pub use rule::{Action, Rule};
pub use rule_set::RuleSet;
#[cfg(feature = "sanitize-html")]
pub use safe_url::{SafeUrl, UrlError};
pub use sanitized::{Sanitize, Sanitized};
pub use service::SanitizeService;
pub use text::{Identifier, IdentifierError, PlainLine, PlainText, TextError};

#[cfg(feature = "sanitize-html")]
use html::{HtmlBudget, HtmlCleaner, HtmlError};
#[cfg(not(feature = "sanitize-html"))]
use no_html::{HtmlBudget, HtmlCleaner, HtmlError};
