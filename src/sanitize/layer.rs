//! The layer.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use http::request::Parts;
use tower_layer::Layer;

use super::check::RequestRules;
use super::config::{JsonRules, MultipartRules, Preset, SanitizeBuilder};
use super::content_type::BodyRules;
use super::fields::FieldRules;
use super::rule::Rule;
use super::service::SanitizeService;
use crate::core::{Events, Mode};

/// Refuses malformed and ambiguous requests. The [module](crate::sanitize) has the rules and an example.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct SanitizeLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) request: RequestRules,
    pub(super) body: BodyRules,
    pub(super) json: JsonRules,
    pub(super) multipart: MultipartRules,
    pub(super) fields: FieldRules,
    pub(super) exempt_body: Option<Predicate>,
    pub(super) exempt: Option<Predicate>,
    pub(super) mode: Mode,
    pub(super) events: Events,
    /// The value of `Allow`.
    pub(super) allow: HeaderValue,
    pub(super) preset: Preset,
    /// What was weakened: the rules by their codes, and the exemption.
    pub(super) dangerous: Vec<String>,
}

/// A question about a request.
#[derive(Clone)]
pub(super) struct Predicate(Arc<dyn Fn(&Parts) -> bool + Send + Sync>);

impl Predicate {
    pub(super) fn new(ask: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(super) fn holds(&self, head: &Parts) -> bool {
        (self.0)(head)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<fn>")
    }
}

impl SanitizeLayer {
    /// Refuses everything that two programs may read differently: for a service whose clients you know.
    pub fn strict() -> Self {
        SanitizeBuilder::new().finish()
    }

    /// Refuses what is malformed or an attack whoever sends it, reports what some clients send honestly, and checks uploads while they
    /// stream.
    pub fn compatible() -> Self {
        SanitizeBuilder::new().compatible().finish()
    }

    /// The rules of [`strict`](Self::strict), reported and not enforced: for finding out what they would refuse.
    pub fn report_only() -> Self {
        SanitizeBuilder::new().report_only().finish()
    }

    /// The rules of [`strict`](Self::strict), and calls of [gRPC](SanitizeBuilder::grpc) pass without a look at their messages: for services
    /// of gRPC.
    pub fn grpc() -> Self {
        SanitizeBuilder::new().grpc(true).finish()
    }

    /// Starts from [`strict`](Self::strict).
    pub fn builder() -> SanitizeBuilder {
        SanitizeBuilder::new()
    }

    pub(super) fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Returns the rules for heads.
    #[must_use]
    pub fn request_rules(&self) -> &RequestRules {
        &self.core.request
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// The name of the preset that it started from.
    pub(crate) fn preset(&self) -> &'static str {
        self.core.preset.as_str()
    }

    /// How long a body may be that is inspected, in bytes.
    pub(crate) fn body_limit(&self) -> usize {
        self.core.body.limit
    }

    /// `buffered` or `streaming`.
    pub(crate) fn multipart(&self) -> &'static str {
        if self.core.multipart.streaming {
            "streaming"
        } else {
            "buffered"
        }
    }

    /// The rules that are enforced, and those that are reported.
    pub(crate) fn rule_counts(&self) -> (usize, usize) {
        let core = &self.core;
        let all = [
            &core.request.line.actions,
            &core.request.path.actions,
            &core.request.params.actions,
            &core.request.headers.actions,
            &core.body.actions,
            &core.json.actions,
            &core.multipart.actions,
        ];
        let count = |of: fn(&super::rule_set::RuleActions) -> usize| {
            all.iter().map(|actions| of(actions)).sum()
        };
        (count(|of| of.reject.len()), count(|of| of.report.len()))
    }

    /// How many fields of HTML are cleaned, and how many detectors look at fields.
    pub(crate) fn field_counts(&self) -> (usize, usize) {
        let FieldRules { html, detected } = &self.core.fields;
        let count = |json: usize, form: usize| json.saturating_add(form);
        (
            count(html.of_json.len(), html.of_form.len()),
            count(detected.of_json.len(), detected.of_form.len()),
        )
    }

    /// Whether calls of gRPC pass without a look at their messages.
    pub(crate) fn passes_grpc(&self) -> bool {
        self.core.body.grpc
    }

    /// Whether some bodies are not looked at.
    pub(crate) fn exempts_bodies(&self) -> bool {
        self.core.exempt_body.is_some()
    }

    /// What was weakened.
    pub(crate) fn dangerous(&self) -> impl Iterator<Item = &str> {
        self.core.dangerous.iter().map(String::as_str)
    }
}

impl<S> Layer<S> for SanitizeLayer {
    type Service = SanitizeService<S>;

    fn layer(&self, inner: S) -> SanitizeService<S> {
        SanitizeService::new(inner, Arc::clone(&self.core))
    }
}

impl Core {
    /// Whether a rule for bodies refuses.
    pub(super) fn rejects_body(&self, rule: Rule) -> bool {
        self.body.actions.reject.contains(rule)
    }
}
