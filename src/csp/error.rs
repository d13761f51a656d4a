//! Stand-in for the policy half.

use thiserror::Error;

use crate::core::{ConfigErrorKind, ErrorClass};

/// Mistakes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CspConfigError {
    /// Row 50.
    #[error("ignored")]
    IgnoredReportOnly,
    /// Row 51.
    #[error("silent")]
    ReportOnlySilent,
}

impl ConfigErrorKind for CspConfigError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Forbidden
    }

    fn code(&self) -> &'static str {
        match self {
            Self::IgnoredReportOnly => "ignored_report_only",
            Self::ReportOnlySilent => "report_only_silent",
        }
    }
}
