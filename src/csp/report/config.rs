//! What can be set, and what can be wrong with it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::browser_report::BrowserReport;
use super::layer::{Core, CspReportLayer};
use super::service::CspReportService;
use crate::core::{
    Clock, ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, EventSink, Events, is_exact_path,
};

/// Whose pages may report. Default: [`SameOrigin`](Self::SameOrigin).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Collect {
    /// Pages of this origin. Nothing is refused for coming from elsewhere, since a sender can say what it likes: other origins' browsers
    /// merely do not send `application/reports+json` here.
    #[default]
    SameOrigin,
    /// Pages of any origin: preflights are answered, without credentials.
    AnyOrigin,
}

/// A mistake in the configuration of a [`CspReportLayer`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CspReportConfigError {
    /// The path is none, or one that no browser sends.
    #[error(
        "invalid path {path:?}: write an absolute path of plain segments as browsers send it, such as \"/csp-report\", without \
         query, escapes, `;` and `,`"
    )]
    InvalidPath {
        /// The path as given.
        path: String,
    },
    /// The path is longer than any endpoint's.
    #[error("refused path of {bytes} bytes: write at most 256")]
    RefusedPathLength {
        /// Its length.
        bytes: usize,
    },
    /// Every request to the start page would be taken for a report.
    #[error(
        "refused path \"/\": the start page could not be reached, write a path of its own such as \"/csp-report\""
    )]
    RefusedRootPath,
}

impl ConfigErrorKind for CspReportConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidPath { .. } => ErrorClass::Invalid,
            Self::RefusedPathLength { .. } | Self::RefusedRootPath => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidPath { .. } => "invalid_path",
            Self::RefusedPathLength { .. } => "refused_path_length",
            Self::RefusedRootPath => "refused_root_path",
        }
    }
}

/// Builds a [`CspReportLayer`] or a [`CspReportService`]. Made by [`CspReportLayer::builder`] and [`CspReportService::builder`].
///
/// # Example
///
/// ```
/// use tower_security::csp::report::{BrowserReport, Collect, CspReportLayer};
///
/// let layer = CspReportLayer::builder()
///     .cross_origin(Collect::AnyOrigin)
///     .on_report(|report: &BrowserReport| println!("{report:?}"))
///     .at("/csp-report")?;
/// assert_eq!(layer.path(), "/csp-report");
/// assert!(CspReportLayer::builder().at("/").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `at` or `service` is called"]
pub struct CspReportBuilder {
    collect: Collect,
    events: Events,
    on_report: OnReport,
}

impl CspReportBuilder {
    /// Sets whose pages may report. Default: [`Collect::SameOrigin`].
    pub fn cross_origin(mut self, collect: Collect) -> Self {
        self.collect = collect;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets the clock by which repetitions and the budget are counted. Default: the stack's, else the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.events = self.events.with_clock(clock);
        self
    }

    /// Sets what hears of each report that is told, of every kind. Default: nothing.
    ///
    /// It is called where an event would be recorded: after repetitions and what is over the budget were left out, so at most 600
    /// times a minute. It runs inside the request and must not block. A panic in it is caught.
    pub fn on_report(mut self, hear: impl Fn(&BrowserReport) + Send + Sync + 'static) -> Self {
        self.on_report = OnReport(Some(Arc::new(hear)));
        self
    }

    /// Makes the layer that answers at this path and passes every other request through.
    ///
    /// The path is compared byte by byte with that of the request, as this layer sees it: inside a nested router without the prefix.
    ///
    /// Accepted: `/csp-report`, `/.well-known/csp`, `/reports/`. Refused: `/`, `csp-report`, `//csp`, `/csp?x`, `/csp;v=1`, `/%63sp`, `/a/../b`.
    ///
    /// # Errors
    ///
    /// Fails with a [`CspReportConfigError`] for such a path.
    pub fn at(self, path: impl Into<String>) -> Result<CspReportLayer, ConfigErrors> {
        let path = path.into();
        check_path(&path).map_err(|kind| ConfigError::new("csp.reports.path", kind))?;
        Ok(CspReportLayer::of(self.core(path)))
    }

    /// Makes the service that takes every request for a report: for a route of a router.
    #[must_use]
    pub fn service(self) -> CspReportService {
        CspReportService::of(self.core(String::new()))
    }

    pub(super) fn core(self, path: String) -> Arc<Core> {
        Arc::new(Core::new(path, self.collect, self.events, self.on_report))
    }
}

fn check_path(path: &str) -> Result<(), CspReportConfigError> {
    const MOST: usize = 256;
    if path.len() > MOST {
        return Err(CspReportConfigError::RefusedPathLength { bytes: path.len() });
    }
    if path == "/" {
        return Err(CspReportConfigError::RefusedRootPath);
    }
    // A `,` would end the policy that names the path.
    if is_exact_path(path) && !path.contains(',') {
        Ok(())
    } else {
        Err(CspReportConfigError::InvalidPath {
            path: path.to_owned(),
        })
    }
}

/// A user's function that hears of reports.
#[derive(Clone, Default)]
pub(super) struct OnReport(Option<Arc<dyn Fn(&BrowserReport) + Send + Sync>>);

impl OnReport {
    pub(super) fn hear(&self, report: &BrowserReport) {
        if let Some(hear) = &self.0 {
            // The browser that reports has no part in the fault, and the other reports are still told.
            let _ = catch_unwind(AssertUnwindSafe(|| hear(report)));
        }
    }
}

impl fmt::Debug for OnReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "<fn>" } else { "<none>" })
    }
}
