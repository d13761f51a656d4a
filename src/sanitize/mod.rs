//! `SanitizeLayer`: refuses malformed and ambiguous requests, cleans the fields of HTML that it is told of, and changes nothing else.

mod body;
mod check;
mod config;
mod content_type;
mod decide;
mod fields;
mod future;
mod json;
mod layer;
mod params;
mod path;
mod report;
mod rule;
mod rule_set;
mod service;
mod signed;
mod units;

pub use body::GuardedBody;
pub use check::RequestRules;
pub use config::{
    HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules, SanitizeBuilder,
    SanitizeConfigError,
};
pub use future::SanitizeFuture;
pub use layer::SanitizeLayer;
pub use report::{Part, SanitizeReport, Violation};
pub use rule::{Action, Rule};
pub use rule_set::RuleSet;
pub use service::SanitizeService;
