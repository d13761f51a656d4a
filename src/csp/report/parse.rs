//! From the bytes of a request to cleaned reports.

use std::time::Duration;

use serde_json::{Map, Value};

use super::address::{self, field};
use super::browser_report::{BrowserReport, Disposition, ReportKind, Texts};
use super::refusal::CspReportRefusal;
use crate::csp::policy::directive::{self, Directive};

/// Reports of one request that are looked at.
pub(super) const MOST_REPORTS: usize = 32;
/// Containers inside each other; real reports have three.
const MOST_DEPTH: usize = 8;
/// Characters of a sample: as many as CSP3 lets browsers send.
const SAMPLE: usize = 40;

/// What the content type says that the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/csp-report`: one object with the member `csp-report`.
    Legacy,
    /// `application/reports+json`: a list of reports.
    Reports,
    /// `application/json`: either.
    Json,
}

/// The reports of one request.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) reports: Vec<BrowserReport>,
    /// Reports of kinds that are not known.
    pub(super) unknown: usize,
    /// Reports behind the first 32.
    pub(super) dropped: usize,
}

pub(super) fn parse(format: Format, bytes: &[u8]) -> Result<Batch, CspReportRefusal> {
    // Before any value is made: the parser's own limit is 128.
    if is_too_deep(bytes) {
        return Err(CspReportRefusal::Depth);
    }
    let value = serde_json::from_slice(bytes).map_err(|_| CspReportRefusal::Syntax)?;
    match (format, &value) {
        (Format::Legacy | Format::Json, Value::Object(object)) if is_legacy(object) => {
            let report = legacy(object).ok_or(CspReportRefusal::Shape)?;
            Ok(Batch {
                reports: vec![report],
                ..Batch::default()
            })
        }
        (Format::Reports | Format::Json, Value::Array(list)) => batch(list),
        // Safari sends some kinds alone, without the list.
        (Format::Reports | Format::Json, Value::Object(_)) => batch(std::slice::from_ref(&value)),
        // Anything else is no report of this format.
        _ => Err(CspReportRefusal::Shape),
    }
}

/// Whether brackets outside of strings are open more than [`MOST_DEPTH`] times. What is no JSON may be misread: it is refused
/// behind this anyway.
fn is_too_deep(bytes: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    bytes.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth = depth.saturating_add(1),
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MOST_DEPTH
    })
}

fn is_legacy(object: &Map<String, Value>) -> bool {
    object.contains_key("csp-report")
}

/// The report of CSP2 and of CSP3, section 5.3, "obtain the deprecated serialization of violation".
fn legacy(object: &Map<String, Value>) -> Option<BrowserReport> {
    let body = Body(object.get("csp-report")?.as_object()?);
    // Older browsers put the whole directive into `violated-directive`, with its sources.
    let directive = body
        .text("effective-directive")
        .or_else(|| body.text("violated-directive"))?;
    let mut report = of_kind(ReportKind::CspViolation);
    report.name_directive(directive);
    report.disposition = disposition(body.text("disposition"));
    report.line = body.number("line-number");
    report.column = body.number("column-number");
    report.status = body.status("status-code");
    report.texts.document = address::cleaned(body.text("document-uri").unwrap_or_default());
    report.texts.blocked = body.address("blocked-uri");
    report.texts.source_file = body.address("source-file");
    report.texts.referrer = body.address("referrer");
    report.texts.sample = body.sample("script-sample");
    Some(report)
}

/// The list of the Reporting API. One malformed report makes the whole list malformed: no browser sends that.
fn batch(list: &[Value]) -> Result<Batch, CspReportRefusal> {
    let mut batch = Batch {
        dropped: list.len().saturating_sub(MOST_REPORTS),
        ..Batch::default()
    };
    for value in list.iter().take(MOST_REPORTS) {
        let object = value.as_object().ok_or(CspReportRefusal::Shape)?;
        let envelope = Body(object);
        let name = envelope.text("type").ok_or(CspReportRefusal::Shape)?;
        match ReportKind::of(name) {
            None => batch.unknown = batch.unknown.saturating_add(1),
            Some(kind) => {
                let report = modern(kind, &envelope).ok_or(CspReportRefusal::Shape)?;
                batch.reports.push(report);
            }
        }
    }
    Ok(batch)
}

/// One report of the Reporting API: an envelope of `age type url user_agent body`.
fn modern(kind: ReportKind, envelope: &Body<'_>) -> Option<BrowserReport> {
    let nothing = Map::new();
    let body = match envelope.0.get("body") {
        Some(Value::Object(body)) => Body(body),
        // "A body is either null or an object" (Reporting API, section 2.2); a violation has always something to say.
        None | Some(Value::Null) if kind != ReportKind::CspViolation => Body(&nothing),
        _ => return None,
    };
    let mut report = of_kind(kind);
    report.age = envelope.milliseconds("age");
    report.disposition = match body.0.get("reportOnly") {
        Some(Value::Bool(true)) => Disposition::Report,
        _ => disposition(body.text("disposition")),
    };
    report.line = body.number("lineNumber");
    report.column = body.number("columnNumber");
    report.status = body.status("statusCode");
    let document = body.text("documentURL").or_else(|| envelope.text("url"));
    report.texts = Texts {
        document: address::cleaned(document.unwrap_or_default()),
        blocked: body.address("blockedURL"),
        source_file: body.address("sourceFile"),
        referrer: body.address("referrer"),
        sample: body.sample("sample"),
        subject: subject(kind, &body).map(field),
        message: body.text("message").map(field),
    };
    if kind == ReportKind::CspViolation {
        report.name_directive(body.text("effectiveDirective")?);
    }
    Some(report)
}

/// What a report is about, where each kind says it.
fn subject<'a>(kind: ReportKind, body: &Body<'a>) -> Option<&'a str> {
    match kind {
        ReportKind::CspViolation => None,
        ReportKind::Coep | ReportKind::Coop => body.text("type"),
        ReportKind::Crash => body.text("reason"),
        ReportKind::Deprecation | ReportKind::Intervention => body.text("id"),
        ReportKind::DocumentPolicyViolation => body.text("policyId"),
        ReportKind::IntegrityViolation => body.text("destination"),
        // Chromium called it `featureId` before it followed the specification.
        ReportKind::PermissionsPolicyViolation => {
            body.text("policyId").or_else(|| body.text("featureId"))
        }
    }
}

const fn of_kind(kind: ReportKind) -> BrowserReport {
    BrowserReport {
        kind,
        disposition: Disposition::Enforce,
        directive: None,
        age: Duration::ZERO,
        line: None,
        column: None,
        status: None,
        texts: Texts {
            document: String::new(),
            blocked: None,
            source_file: None,
            referrer: None,
            sample: None,
            subject: None,
            message: None,
        },
    }
}

/// `report` of CSP, `reporting` of the cross-origin policies.
fn disposition(text: Option<&str>) -> Disposition {
    match text {
        Some("report" | "reporting") => Disposition::Report,
        // `enforce`, and what browsers that do not say it mean.
        _ => Disposition::Enforce,
    }
}

impl BrowserReport {
    /// Takes the first word of what a browser calls the directive, one that is dead by now included.
    fn name_directive(&mut self, text: &str) {
        let name = text.split_ascii_whitespace().next().unwrap_or_default();
        let dead = || directive::instead_of_dead(name).map(|(dead, _)| dead);
        self.directive = Directive::parse(name).map(Directive::name).or_else(dead);
        if self.directive.is_none() {
            self.texts.subject = Some(field(name));
        }
    }
}

/// The members of one object. One of the wrong type counts as absent.
struct Body<'a>(&'a Map<String, Value>);

impl<'a> Body<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    /// A cleaned address; an empty one is none.
    fn address(&self, name: &str) -> Option<String> {
        Some(address::cleaned(self.text(name)?)).filter(|address| !address.is_empty())
    }

    fn sample(&self, name: &str) -> Option<String> {
        let sample: String = self.text(name)?.chars().take(SAMPLE).collect();
        Some(sample).filter(|sample| !sample.is_empty())
    }

    fn number(&self, name: &str) -> Option<u32> {
        u32::try_from(self.0.get(name)?.as_u64()?).ok()
    }

    fn status(&self, name: &str) -> Option<u16> {
        u16::try_from(self.0.get(name)?.as_u64()?).ok()
    }

    fn milliseconds(&self, name: &str) -> Duration {
        let value = self.0.get(name).and_then(Value::as_u64);
        Duration::from_millis(value.unwrap_or_default())
    }
}
