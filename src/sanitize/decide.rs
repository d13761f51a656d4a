//! What becomes of a body that was read, and what is said of it.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::LengthLimitError;

use super::content_type::BodyClass;
use super::detector::Finding;
use super::fields::{Cleaned, Looked};
use super::layer::Core;
use super::report::{Part, SanitizeReport, Violation};
use super::rule::{Action, Rule};
use super::rule_set::RuleSet;
use super::signed;
use crate::core::text::cap;
use crate::core::{
    AbuseKind, CleanText, EventName, Level, Outcome, RefusalContext, Rejection, RejectionBody,
    SecurityEvent, Shared,
};

const LAYER: &str = "sanitize";
const NAME: EventName = EventName::InputValidationFail;
/// More codes would not be read.
const MAX_CODES: usize = 8;

/// What the handler gets.
pub(super) struct Handed {
    pub(super) body: Bytes,
    pub(super) trailers: Option<Box<HeaderMap>>,
}

impl Core {
    /// Checks a whole body and cleans its fields.
    pub(super) fn decide(
        &self,
        head: &mut Parts,
        class: &BodyClass,
        body: Bytes,
        trailers: Option<Box<HeaderMap>>,
        mut reported: RuleSet,
    ) -> Result<Handed, Violation> {
        self.look_at_body(&head.method, class, &body, &mut reported)?;
        let looked = if self.fields.is_empty() || !is_readable(reported) {
            Looked::default()
        } else {
            self.fields
                .look_at(class, &body, self.mode, &mut reported)?
        };
        let mut changed = Vec::new();
        let body = match looked.cleaned {
            None => body,
            Some(cleaned) => {
                changed.clone_from(&cleaned.changed);
                self.replaced(head, trailers.as_deref(), cleaned)?
            }
        };
        if !reported.is_empty() || !changed.is_empty() {
            self.noted(head, reported, changed, looked.finding.as_ref());
        }
        Ok(Handed { body, trailers })
    }

    fn look_at_body(
        &self,
        method: &Method,
        class: &BodyClass,
        body: &[u8],
        reported: &mut RuleSet,
    ) -> Result<(), Violation> {
        match class {
            BodyClass::Opaque => {}
            BodyClass::Json => {
                // What is not there is no text of JSON, and these methods need none.
                let needs_none = !matches!(*method, Method::POST | Method::PUT | Method::PATCH);
                if !(body.is_empty() && needs_none) {
                    *reported = reported.union(self.json.inspect(body)?);
                }
            }
            BodyClass::Form => self.request.params.examine(body, Part::Body, reported)?,
            BodyClass::Multipart(boundary) => {
                *reported = reported.union(self.multipart.inspect(boundary.as_deref(), body)?);
            }
        }
        Ok(())
    }

    /// The body with its fields cleaned, if it may be changed.
    #[cold]
    fn replaced(
        &self,
        head: &mut Parts,
        trailers: Option<&HeaderMap>,
        cleaned: Cleaned,
    ) -> Result<Bytes, Violation> {
        let refused = |rule| {
            let violation = Violation::new(rule, Part::Body, 0, cleaned.body.len());
            let field = cleaned.changed.first();
            field.map_or_else(
                || violation.clone(),
                |field| violation.clone().in_field(&**field),
            )
        };
        if signed::is_signed(&head.headers) || trailers.is_some_and(signed::is_signed) {
            return Err(refused(Rule::HtmlSignedBody));
        }
        if cleaned.body.len() > self.body.limit {
            return Err(refused(Rule::HtmlOutputTooLarge));
        }
        head.headers.remove(TRANSFER_ENCODING);
        let length = HeaderValue::from(cleaned.body.len());
        crate::core::field::set(&mut head.headers, CONTENT_LENGTH, length);
        Ok(Bytes::from(cleaned.body))
    }

    /// Tells of what passes, and leaves a report for the handler.
    #[cold]
    pub(super) fn noted(
        &self,
        head: &mut Parts,
        reported: RuleSet,
        changed: Vec<Box<str>>,
        finding: Option<&(Box<str>, Finding)>,
    ) {
        self.tell_of(head, reported, finding);
        head.extensions
            .insert(SanitizeReport::new(reported, changed));
    }

    /// Tells of the rules that a request broke and that are not enforced.
    #[cold]
    pub(super) fn tell_of(
        &self,
        head: &Parts,
        reported: RuleSet,
        finding: Option<&(Box<str>, Finding)>,
    ) {
        if let Some(first) = reported.first() {
            let codes: Vec<_> = reported.iter().take(MAX_CODES).map(Rule::as_str).collect();
            let mut detail = format!("rules={}", codes.join(","));
            let mut field = None;
            if let Some((of, finding)) = finding {
                let (detector, fingerprint) = (finding.detector(), finding.fingerprint());
                let score = finding.score();
                detail =
                    format!("{detail} detector={detector} fingerprint={fingerprint} score={score}");
                field = Some(&**of);
            }
            self.tell(head, Outcome::WouldRefuse, first, field, &detail);
        }
    }

    /// A body that is longer than what is inspected and passes all the same.
    #[cold]
    pub(super) fn note_too_long(&self, head: &mut Parts, reported: RuleSet) {
        self.note_one(head, reported, Rule::BodyTooLarge);
    }

    fn note_one(&self, head: &mut Parts, mut reported: RuleSet, rule: Rule) {
        if self.body.actions.report.contains(rule) {
            reported.insert(rule);
        }
        if !reported.is_empty() {
            self.noted(head, reported, Vec::new(), None);
        }
    }

    /// The status of a refusal for a body that cannot be read, unless it passes.
    #[cold]
    pub(super) fn settle_failure(
        &self,
        head: &mut Parts,
        error: &(dyn Error + 'static),
        reported: RuleSet,
    ) -> Result<(), StatusCode> {
        if self.body.actions.action(Rule::BodyUnreadable) == Action::Reject {
            return Err(status_of(error));
        }
        self.note_one(head, reported, Rule::BodyUnreadable);
        Ok(())
    }

    #[cold]
    pub(super) fn refused_too_long<B: RejectionBody>(&self, head: Parts) -> Response<B> {
        let violation = Violation::new(Rule::BodyTooLarge, Part::Body, self.body.limit, 0);
        self.refused(head, violation)
    }

    #[cold]
    pub(super) fn refused_unreadable<B: RejectionBody>(
        &self,
        head: Parts,
        status: StatusCode,
    ) -> Response<B> {
        let violation = Violation::new(Rule::BodyUnreadable, Part::Body, 0, 0);
        self.refused_as(head, violation, status)
    }

    /// The answer to a request that is refused.
    #[cold]
    pub(super) fn refused<B: RejectionBody>(
        &self,
        head: Parts,
        violation: Violation,
    ) -> Response<B> {
        let status = violation.rule().status();
        self.refused_as(head, violation, status)
    }

    fn refused_as<B: RejectionBody>(
        &self,
        head: Parts,
        violation: Violation,
        status: StatusCode,
    ) -> Response<B> {
        let rule = violation.rule();
        let detail = format!("part={} len={}", violation.part().as_str(), violation.len());
        self.tell(&head, Outcome::Refused, rule, violation.field(), &detail);
        let context = RefusalContext::new(&head);
        let mut rejection = Rejection::new(status, rule.as_str(), rule.title())
            .reuse(head)
            .abuse(AbuseKind::InputRefused)
            .reason(violation);
        if rule == Rule::MethodNotAllowed {
            rejection = rejection.header(ALLOW, self.allow.clone());
        }
        rejection.into_response(&context)
    }

    fn tell(&self, head: &Parts, outcome: Outcome, rule: Rule, field: Option<&str>, detail: &str) {
        let shared = Shared::from_extensions(&head.extensions);
        self.events.emit(shared, NAME, Level::Warn, || {
            let event = SecurityEvent::new(NAME, LAYER, rule.as_str())
                .request(head)
                .outcome(outcome)
                .clean_detail(CleanText::new(detail, cap::DETAIL).into_owned());
            match field {
                None => event,
                Some(field) => event.own_target(field),
            }
        });
    }
}

/// Whether fields can be looked for in a body that broke these rules.
fn is_readable(reported: RuleSet) -> bool {
    ![
        Rule::JsonSyntax,
        Rule::MultipartTruncated,
        Rule::MultipartBoundary,
    ]
    .iter()
    .any(|rule| reported.contains(*rule))
}

/// Whose fault it is that a body cannot be read: a limit on its length further outside, or on its time, is among the sources of the
/// error.
fn status_of(error: &(dyn Error + 'static)) -> StatusCode {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return StatusCode::REQUEST_TIMEOUT;
        }
        next = error.source();
    }
    StatusCode::BAD_REQUEST
}
