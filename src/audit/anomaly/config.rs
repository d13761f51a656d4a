//! How a detector is set up.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::detector::{AnomalyDetector, OnFinding};
use super::finding::Finding;
use super::rule::Rule;
use crate::audit::error::{AuditConfigError, RuleProblem};
use crate::core::{Clock, ConfigErrors, EventSink, Events, Mistakes};

const MOST_RULES: usize = 64;

/// Makes an [`AnomalyDetector`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct AnomalyDetectorBuilder {
    pub(super) next: Arc<dyn EventSink>,
    pub(super) rules: Vec<Rule>,
    pub(super) max_keys: usize,
    pub(super) clock: Events,
    pub(super) on_finding: Option<OnFinding>,
}

impl AnomalyDetectorBuilder {
    pub(super) fn new(next: impl EventSink) -> Self {
        Self {
            next: Arc::new(next),
            rules: Vec::new(),
            max_keys: 100_000,
            clock: Events::default(),
            on_finding: None,
        }
    }

    /// Adds the rules of [the table](super::AnomalyDetector#default-rules).
    pub fn defaults(mut self) -> Self {
        self.rules.extend(Rule::defaults());
        self
    }

    /// Adds a rule. At most 64 stand together.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets how many keys are counted at once, of all rules together. By default 100,000, which take 4 MiB; with a rule of
    /// [different values](Rule::distinct) as many again, with 8 bytes more for each value.
    ///
    /// Permitted: 1,000 to 10,000,000. Take three times as many as count at once: a key finds room in one of eight places.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// Reads the time from `clock`. By default from that of the system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Events::default().with_clock(clock);
        self
    }

    /// Calls `hook` for each finding, inside of the request that made it one: it must not block. By default nothing is done about
    /// a finding but to tell of it.
    ///
    /// A panic in it is caught and counted by [`sink_panics`](crate::core::sink_panics).
    pub fn on_finding(mut self, hook: impl Fn(&Finding<'_>) + Send + Sync + 'static) -> Self {
        self.on_finding = Some(Arc::new(hook));
        self
    }

    /// Checks the rules, of which there has to be one at least, and makes the detector.
    ///
    /// # Errors
    ///
    /// All mistakes together, each an [`AuditConfigError`].
    pub fn build(self) -> Result<AnomalyDetector, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut names = BTreeSet::new();
        if self.rules.is_empty() {
            mistakes.push("audit.rules", AuditConfigError::NoRules);
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let name = rule.name;
            let mut problems = rule.problems();
            if !names.insert(name) {
                problems.push(RuleProblem::Duplicate);
            }
            if at >= MOST_RULES {
                problems.push(RuleProblem::TooMany);
            }
            for problem in problems {
                let path = format!("audit.rules[{at}]");
                mistakes.push(path, AuditConfigError::Rule { name, problem });
            }
        }
        if !(1_000..=10_000_000).contains(&self.max_keys) {
            let keys = self.max_keys;
            mistakes.push("audit.max_keys", AuditConfigError::MaxKeys { keys });
        }
        mistakes.finish(())?;
        Ok(AnomalyDetector::new(self))
    }
}

impl fmt::Debug for AnomalyDetectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnomalyDetectorBuilder")
            .field("rules", &self.rules)
            .field("max_keys", &self.max_keys)
            .field("on_finding", &self.on_finding.as_ref().map(|_| "<fn>"))
            .finish_non_exhaustive()
    }
}
