//! The builder.

use std::sync::Arc;

use http::Method;
use http::request::Parts;

use super::compile::compile;
use super::rules::{HeaderRules, JsonRules, MultipartRules, ParamRules, PathRules};
use crate::core::{ConfigErrors, EventSink, Events, Mode};
use crate::sanitize::check::{Methods, RequestRules};
use crate::sanitize::content_type::BodyRules;
use crate::sanitize::fields::{Detection, FieldRules};
use crate::sanitize::layer::{Core, Predicate, SanitizeLayer};
use crate::sanitize::rule::{Action, Rule};
use crate::sanitize::{Detector, HtmlCleaner};

/// What a layer started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sanitize) enum Preset {
    Strict,
    Compatible,
}

impl Preset {
    pub(in crate::sanitize) const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Compatible => "compatible",
        }
    }
}

/// Makes a [`SanitizeLayer`]. Started by [`SanitizeLayer::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SanitizeBuilder {
    pub(super) preset: Preset,
    pub(super) request: RequestRules,
    pub(super) body: BodyRules,
    pub(super) json: JsonRules,
    pub(super) multipart: MultipartRules,
    /// In the order of the calls.
    pub(super) changes: Vec<(Rule, Action)>,
    pub(super) allowed: Vec<Rule>,
    pub(super) html: Vec<HtmlField>,
    pub(super) detections: Vec<Detection>,
    /// A field, and a fingerprint that is honest there.
    pub(super) honest: Vec<(String, String)>,
    pub(super) blocks_on_detection: bool,
    pub(super) fields: FieldRules,
    pub(super) exempt_body: Option<Predicate>,
    pub(super) exempt: Option<Predicate>,
    pub(super) mode: Mode,
    pub(super) events: Events,
}

/// A field of HTML.
#[derive(Debug)]
pub(super) struct HtmlField {
    pub(super) kind: FieldKind,
    pub(super) name: String,
    pub(super) cleaner: Result<HtmlCleaner, ConfigErrors>,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "sanitize-html"),
    expect(dead_code, reason = "only a field of HTML has a kind")
)]
pub(super) enum FieldKind {
    Json,
    Form,
}

impl SanitizeBuilder {
    pub(in crate::sanitize) fn new() -> Self {
        Self {
            preset: Preset::Strict,
            request: RequestRules::strict(),
            body: BodyRules::strict(),
            json: JsonRules::strict(),
            multipart: MultipartRules::buffered(),
            changes: Vec::new(),
            allowed: Vec::new(),
            html: Vec::new(),
            detections: Vec::new(),
            honest: Vec::new(),
            blocks_on_detection: false,
            fields: FieldRules::default(),
            exempt_body: None,
            exempt: None,
            mode: Mode::default(),
            events: Events::default(),
        }
    }

    /// Takes the rules of [`SanitizeLayer::strict`] for every part, which is what a builder starts with. Limits, methods and types that
    /// were set before are gone: call it first.
    pub fn strict(self) -> Self {
        Self {
            preset: Preset::Strict,
            request: RequestRules::strict(),
            body: BodyRules::strict(),
            json: JsonRules::strict(),
            multipart: MultipartRules::buffered(),
            ..self
        }
    }

    /// Takes the rules of [`SanitizeLayer::compatible`] for every part. Limits, methods and types that were set before are gone: call it
    /// first.
    pub fn compatible(self) -> Self {
        Self {
            preset: Preset::Compatible,
            request: RequestRules::compatible(),
            body: BodyRules::compatible(),
            json: JsonRules::compatible(),
            multipart: MultipartRules::streaming(),
            ..self
        }
    }

    /// Takes the rules and the mode of [`SanitizeLayer::report_only`]: those of the strict preset, reported. Call it first.
    pub fn report_only(self) -> Self {
        self.strict().mode(Mode::ReportOnly)
    }

    /// A preset has no mistake.
    pub(in crate::sanitize) fn finish(self) -> SanitizeLayer {
        SanitizeLayer::of(self.into_core())
    }

    /// Sets the rules for paths. Default: [`PathRules::strict`].
    pub fn path(mut self, rules: PathRules) -> Self {
        self.request.path = rules;
        self
    }

    /// Sets the rules for the parameters of queries and forms. Default: [`ParamRules::strict`].
    pub fn params(mut self, rules: ParamRules) -> Self {
        self.request.params = rules;
        self
    }

    /// Sets the rules for headers. Default: [`HeaderRules::strict`].
    pub fn headers(mut self, rules: HeaderRules) -> Self {
        self.request.headers = rules;
        self
    }

    /// Sets the rules for JSON bodies. Default: [`JsonRules::strict`].
    pub fn json(mut self, rules: JsonRules) -> Self {
        self.json = rules;
        self
    }

    /// Sets the rules for `multipart/form-data` bodies. Default: [`MultipartRules::buffered`].
    pub fn multipart(mut self, rules: MultipartRules) -> Self {
        self.multipart = rules;
        self
    }

    /// Sets the methods that pass, upper and lower case told apart. Default: GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS; in the
    /// compatible preset all but TRACE and TRACK.
    ///
    /// A `WebSocket` over HTTP/2 needs CONNECT (RFC 8441).
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.request.line.methods = Methods::Listed(methods.into_iter().collect());
        self
    }

    /// Sets how long the target may be, in bytes. Default: 8 KiB, in the compatible preset 16 KiB.
    pub const fn max_target_len(mut self, bytes: usize) -> Self {
        self.request.line.max_target = bytes;
        self
    }

    /// Sets how long a body may be that is inspected, in bytes. Default: 1 MiB; at most 64 MiB.
    ///
    /// Each request holds so much in memory until it is decided: pair it with a limit on concurrent requests and with one on the time
    /// that a body may take. Decoded bytes count where something further outside decompresses bodies.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body.limit = bytes;
        self
    }

    /// Lets bodies of this type pass without a look. Repeatable.
    ///
    /// Accepted: `application/octet-stream`, `image/png`. Refused: `image/*`, `*/*`, `text/plain; charset=utf-8`.
    pub fn allow_type(mut self, media_type: impl Into<String>) -> Self {
        self.body.allowed.push(media_type.into());
        self
    }

    /// Sets whether calls of gRPC pass without a look at their messages. Default: false, and their types are refused like any other that
    /// is not [allowed](Self::allow_type): 415 `body_type_not_allowed`, which a client of gRPC reads as `INVALID_ARGUMENT`.
    ///
    /// A call is a POST of `application/grpc` over HTTP/2, or one of `application/grpc-web` or `application/grpc-web-text` over any
    /// version, with any format of messages but `+json`. **Anybody can send these types**, and a handler that reads its body whatever
    /// its type is then gets it unseen, fields of HTML as they came. Set it for the services of gRPC alone, each with a layer of its own.
    pub const fn grpc(mut self, speaks: bool) -> Self {
        self.body.grpc = speaks;
        self
    }

    /// Inspects bodies of this type as JSON. Repeatable. `application/json`, `text/json` and `application/*+json` are JSON without.
    pub fn json_type(mut self, media_type: impl Into<String>) -> Self {
        self.body.json_types.push(media_type.into());
        self
    }

    /// Passes over a rule of any part. Repeatable; it comes after the rules of the parts, whatever the order of the calls.
    ///
    /// A rule that both presets enforce takes [`dangerous_allow`](Self::dangerous_allow).
    pub fn relax(mut self, rule: Rule) -> Self {
        self.changes.push((rule, Action::Off));
        self
    }

    /// Reports what breaks a rule and lets it pass. See [`relax`](Self::relax).
    pub fn report(mut self, rule: Rule) -> Self {
        self.changes.push((rule, Action::Report));
        self
    }

    /// Refuses what breaks a rule. See [`relax`](Self::relax).
    pub fn reject(mut self, rule: Rule) -> Self {
        self.changes.push((rule, Action::Reject));
        self
    }

    /// Does not read the bodies of these requests, such as large uploads and webhooks with a signature. The rules for the request line
    /// and the headers hold.
    pub fn exempt_body(mut self, ask: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.exempt_body = Some(Predicate::new(ask));
        self
    }

    /// Shows the values of a field to a detector. Repeatable.
    ///
    /// A field that begins with `/` is a JSON pointer (RFC 6901), in which `*` is one segment; any other is the name of a field of a form.
    /// What is found is reported, with the words of the detector and without the value; nothing at all is done with [`Action::Off`].
    /// [`Action::Reject`] takes [`dangerous_block_on_detection`](Self::dangerous_block_on_detection).
    pub fn detect(
        mut self,
        field: impl Into<String>,
        detector: impl Detector,
        action: Action,
    ) -> Self {
        self.detections.push(Detection {
            field: field.into().into(),
            detector: Arc::new(detector),
            action,
            allowed: Vec::new(),
        });
        self
    }

    /// Passes over a fingerprint in a field, which is written as for [`detect`](Self::detect). Repeatable.
    pub fn detect_allow(
        mut self,
        field: impl Into<String>,
        fingerprint: impl Into<String>,
    ) -> Self {
        self.honest.push((field.into(), fingerprint.into()));
        self
    }

    /// Lets detectors with [`Action::Reject`] refuse requests.
    ///
    /// Detectors take honest texts for attacks: users are refused who wrote nothing but their names, and attackers learn to word theirs
    /// differently.
    pub const fn dangerous_block_on_detection(mut self) -> Self {
        self.blocks_on_detection = true;
        self
    }

    /// Lets pass what breaks a rule that both presets enforce.
    ///
    /// What is malformed or an attack on any server reaches the handler, and it has to tell it from the rest.
    pub fn dangerous_allow(mut self, rule: Rule) -> Self {
        self.allowed.push(rule);
        self
    }

    /// Does not look at these requests at all.
    ///
    /// Neither the path nor the headers are checked: whoever can make a request to be among them gets past every rule.
    pub fn dangerous_exempt(
        mut self,
        ask: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.exempt = Some(Predicate::new(ask));
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`]. With [`Mode::ReportOnly`] nothing is refused or changed.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once, each a [`SanitizeConfigError`](crate::sanitize::SanitizeConfigError).
    pub fn build(mut self) -> Result<SanitizeLayer, ConfigErrors> {
        compile(&mut self)?;
        Ok(self.finish())
    }

    fn into_core(mut self) -> Core {
        if self.mode == Mode::ReportOnly {
            self.request.report_only();
            self.body.actions.report_only();
            self.json.actions.report_only();
            self.multipart.actions.report_only();
        }
        self.body.streams_multipart = self.multipart.streaming;
        let mut dangerous: Vec<_> = self
            .allowed
            .iter()
            .map(|rule| format!("dangerous_allow {rule}"))
            .collect();
        if !self
            .json
            .actions
            .reject
            .union(self.json.actions.report)
            .contains(Rule::JsonProtoKey)
            && !self.allowed.contains(&Rule::JsonProtoKey)
        {
            dangerous.push("json syntax_only".to_owned());
        }
        if self.blocks_on_detection {
            dangerous.push("dangerous_block_on_detection".to_owned());
        }
        if self.exempt.is_some() {
            dangerous.push("dangerous_exempt".to_owned());
        }
        Core {
            allow: self.request.line.methods.allow(),
            request: self.request,
            body: self.body,
            json: self.json,
            multipart: self.multipart,
            fields: self.fields,
            exempt_body: self.exempt_body,
            exempt: self.exempt,
            mode: self.mode,
            events: self.events,
            preset: self.preset,
            dangerous,
        }
    }
}
