//! The layer, and what its services share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::request::Parts;
use tower_layer::Layer;

use super::browser_report::{BrowserReport, Disposition, ReportKind};
use super::config::{Collect, CspReportBuilder, OnReport};
use super::parse::Batch;
use super::quota::{Admission, Budget, Recent};
use super::refusal::CspReportRefusal;
use super::service::CspReports;
use crate::core::sampler::Sampler;
use crate::core::{ConfigErrors, EventName, Events, Level, Outcome, SecurityEvent, Shared};

const LAYER: &str = "csp_report";

/// Takes the reports of browsers at one path and passes every other request through. [The module](crate::csp::report) has the
/// rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct CspReportLayer {
    core: Arc<Core>,
}

impl CspReportLayer {
    /// Makes the layer with its defaults at this path, such as `/csp-report`. See [`CspReportBuilder::at`].
    ///
    /// # Errors
    ///
    /// Fails with a [`CspReportConfigError`](super::CspReportConfigError) for a path that is none.
    pub fn at(path: impl Into<String>) -> Result<Self, ConfigErrors> {
        Self::builder().at(path)
    }

    /// Starts from the defaults.
    pub fn builder() -> CspReportBuilder {
        CspReportBuilder::default()
    }

    pub(super) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A layer that hands everything on, for a stack whose configuration has no endpoint.
    #[cfg(feature = "serde")]
    pub(crate) fn absent() -> Self {
        // No path of a request has a blank.
        Self::of(Self::builder().core(" ".to_owned()))
    }

    /// Counts on from where `running` is. Only for a layer that nobody has a clone of.
    #[cfg(feature = "serde")]
    pub(crate) fn continuing(mut self, running: &Self) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.kept = Arc::clone(&running.core.kept);
        }
        self
    }

    /// Returns the path that is answered.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.core.path
    }

    /// Returns whose pages may report.
    #[must_use]
    pub fn collects(&self) -> Collect {
        self.core.collect
    }

    /// Returns how many reports came so far, and what became of them.
    #[must_use]
    pub fn stats(&self) -> CspReportStats {
        self.core.kept.tally.stats()
    }
}

impl<S> Layer<S> for CspReportLayer {
    type Service = CspReports<S>;

    fn layer(&self, inner: S) -> CspReports<S> {
        CspReports::new(inner, Arc::clone(&self.core))
    }
}

/// What became of the reports since the layer was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CspReportStats {
    /// Told: an event was due and [`on_report`](CspReportBuilder::on_report) was called.
    pub told: u64,
    /// Caused by browser extensions.
    pub filtered: u64,
    /// The same as one that was told less than a minute before.
    pub repeated: u64,
    /// More than 600 in one minute.
    pub over_budget: u64,
    /// Of kinds that are not known.
    pub unknown: u64,
    /// Behind the first 32 of one request.
    pub dropped: u64,
    /// Requests, not reports, that were refused.
    pub refused: u64,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) path: String,
    pub(super) collect: Collect,
    events: Events,
    on_report: OnReport,
    kept: Arc<Kept>,
}

/// What is counted. A layer that goes on where another one ends has it from there.
#[derive(Debug)]
struct Kept {
    recent: Recent,
    budget: Budget,
    /// Whoever sends junk may not fill the log with it.
    junk: Sampler,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    told: AtomicU64,
    filtered: AtomicU64,
    repeated: AtomicU64,
    over_budget: AtomicU64,
    unknown: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl Core {
    pub(super) fn new(path: String, collect: Collect, events: Events, on_report: OnReport) -> Self {
        Self {
            path,
            collect,
            events,
            on_report,
            kept: Arc::new(Kept {
                recent: Recent::new(),
                budget: Budget::default(),
                junk: Sampler::new(Duration::from_secs(60)),
                tally: Tally::default(),
            }),
        }
    }

    pub(super) fn stats(&self) -> CspReportStats {
        self.kept.tally.stats()
    }

    /// Tells of the reports of one request, each once a minute and within the budget.
    pub(super) fn accept(&self, head: &Parts, batch: &Batch) {
        add(&self.kept.tally.unknown, batch.unknown);
        add(&self.kept.tally.dropped, batch.dropped);
        let shared = Shared::from_extensions(&head.extensions);
        let now = self.events.monotonic(shared);
        for report in &batch.reports {
            let counted = if report.is_noise() {
                &self.kept.tally.filtered
            } else {
                let has_room = || self.kept.budget.take(now);
                match self.kept.recent.admit(report.identity(), now, has_room) {
                    Admission::Repeated => &self.kept.tally.repeated,
                    Admission::OverBudget => &self.kept.tally.over_budget,
                    Admission::Told(repeated) => {
                        self.tell(head, report, repeated);
                        &self.kept.tally.told
                    }
                }
            };
            add(counted, 1);
        }
    }

    fn tell(&self, head: &Parts, report: &BrowserReport, repeated: u32) {
        self.on_report.hear(report);
        // The vocabulary has a name for violations of content alone. The other kinds are no attacks: `on_report` hears of them.
        if !matches!(
            report.kind,
            ReportKind::CspViolation | ReportKind::IntegrityViolation
        ) {
            return;
        }
        let (level, outcome) = match report.disposition {
            Disposition::Enforce => (Level::Warn, Outcome::Refused),
            Disposition::Report => (Level::Info, Outcome::WouldRefuse),
        };
        let name = EventName::MaliciousCspViolation;
        let shared = Shared::from_extensions(&head.extensions);
        self.events.emit(shared, name, level, || {
            let mut event = SecurityEvent::new(name, LAYER, report.code())
                .request(head)
                .outcome(outcome)
                .clean_detail(report.detail(repeated));
            if let Some(blocked) = &report.texts.blocked {
                event = event.target(blocked);
            }
            if let Some(subject) = &report.texts.subject {
                event = event.rule(subject);
            }
            event
        });
    }

    /// Tells of a request that was refused, at most once a minute.
    pub(super) fn refused(&self, head: &Parts, refusal: CspReportRefusal, code: &'static str) {
        add(&self.kept.tally.refused, 1);
        let shared = Shared::from_extensions(&head.extensions);
        let now = self.events.monotonic(shared);
        let Some(suppressed) = self.kept.junk.admit(now) else {
            return;
        };
        let name = EventName::InputValidationFail;
        let detail = format!("suppressed={suppressed}");
        self.events.emit(shared, name, Level::Info, || {
            SecurityEvent::new(name, LAYER, code)
                .request(head)
                .rule(refusal.as_str())
                .detail(&detail)
        });
    }
}

impl Tally {
    fn stats(&self) -> CspReportStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CspReportStats {
            told: read(&self.told),
            filtered: read(&self.filtered),
            repeated: read(&self.repeated),
            over_budget: read(&self.over_budget),
            unknown: read(&self.unknown),
            dropped: read(&self.dropped),
            refused: read(&self.refused),
        }
    }
}

fn add(count: &AtomicU64, more: usize) {
    // Relaxed: the counts protect no other memory.
    count.fetch_add(u64::try_from(more).unwrap_or_default(), Ordering::Relaxed);
}
