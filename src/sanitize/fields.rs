//! The fields of bodies that are cleaned or shown to detectors.

use std::fmt;
use std::sync::Arc;

use super::content_type::BodyClass;
use super::detector::{Detector, Field, Finding};
use super::json::{Fields, Found, rewrite, visit};
use super::multipart::{self, Piece};
use super::params::{self, Pair};
use super::report::{Part, Violation};
use super::rule::{Action, Rule};
use super::rule_set::RuleSet;
use super::{HtmlBudget, HtmlCleaner, HtmlError, MultipartRules};
use crate::core::Mode;

/// What is looked for in bodies.
#[derive(Debug, Default)]
pub(super) struct FieldRules {
    pub(super) html: HtmlFields,
    pub(super) detected: DetectedFields,
}

/// The fields that are meant to hold HTML.
#[derive(Debug, Default)]
pub(super) struct HtmlFields {
    /// The places in `of_json`.
    pub(super) pointers: Fields,
    pub(super) of_json: Vec<(Box<str>, HtmlCleaner)>,
    pub(super) of_form: Vec<(Box<str>, HtmlCleaner)>,
}

/// The fields that detectors look at.
#[derive(Debug, Default)]
pub(super) struct DetectedFields {
    /// The places in `of_json`.
    pub(super) pointers: Fields,
    pub(super) of_json: Vec<Detection>,
    pub(super) of_form: Vec<Detection>,
}

/// What looks at one field, and what comes of it.
#[derive(Clone)]
pub(super) struct Detection {
    pub(super) field: Box<str>,
    pub(super) detector: Arc<dyn Detector>,
    pub(super) action: Action,
    /// Fingerprints that are honest here.
    pub(super) allowed: Vec<Box<str>>,
}

/// A body in which fields were cleaned.
pub(super) struct Cleaned {
    pub(super) body: Vec<u8>,
    /// The fields that are other than they came.
    pub(super) changed: Vec<Box<str>>,
}

/// What a look at the fields of a body led to.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) cleaned: Option<Cleaned>,
    /// The first one.
    pub(super) finding: Option<(Box<str>, Finding)>,
}

impl FieldRules {
    pub(super) const fn is_empty(&self) -> bool {
        self.html.is_empty() && self.detected.is_empty()
    }

    /// Looks at the fields of a body that the guard has accepted.
    pub(super) fn look_at(
        &self,
        class: &BodyClass,
        body: &[u8],
        mode: Mode,
        reported: &mut RuleSet,
    ) -> Result<Looked, Violation> {
        let mut looked = Looked::default();
        match self.html.clean(class, body) {
            Ok(None) => {}
            Ok(Some(_)) if mode == Mode::ReportOnly => reported.insert(Rule::HtmlWouldChange),
            Ok(cleaned) => looked.cleaned = cleaned,
            Err(violation) if mode == Mode::ReportOnly => reported.insert(violation.rule()),
            Err(violation) => return Err(violation),
        }
        looked.finding = self.detected.inspect(class, body, mode)?;
        if looked.finding.is_some() {
            reported.insert(Rule::DetectorFinding);
        }
        Ok(looked)
    }
}

impl HtmlFields {
    pub(super) const fn is_empty(&self) -> bool {
        self.of_json.is_empty() && self.of_form.is_empty()
    }

    /// The body with its fields cleaned, if one of them changed.
    fn clean(&self, class: &BodyClass, body: &[u8]) -> Result<Option<Cleaned>, Violation> {
        match class {
            BodyClass::Json if !self.of_json.is_empty() => self.clean_json(body),
            BodyClass::Form if !self.of_form.is_empty() => self.clean_form(body),
            BodyClass::Multipart(boundary) if !self.of_form.is_empty() => {
                self.look_at_multipart(boundary.as_deref(), body)?;
                Ok(None)
            }
            BodyClass::Json | BodyClass::Form | BodyClass::Multipart(_) | BodyClass::Opaque => {
                Ok(None)
            }
        }
    }

    fn clean_json(&self, body: &[u8]) -> Result<Option<Cleaned>, Violation> {
        // In UTF-8 a `<` stands there itself or is escaped.
        if memchr::memchr2(b'<', b'\\', body).is_none() {
            return Ok(None);
        }
        let mut budget = HtmlBudget::default();
        let rewritten = rewrite(body, &self.pointers, |field, text| {
            match self.of_json.get(field) {
                Some((_, cleaner)) => cleaner
                    .clean_field(text, &mut budget)
                    .map_err(HtmlError::rule),
                // Each field has a cleaner; one without must not pass.
                None => Err(Rule::HtmlFieldNotText),
            }
        })?;
        Ok(rewritten.map(|rewritten| Cleaned {
            changed: self.names_of(&rewritten.changed),
            body: rewritten.body,
        }))
    }

    #[cold]
    fn names_of(&self, fields: &[usize]) -> Vec<Box<str>> {
        let names = fields.iter().filter_map(|field| self.of_json.get(*field));
        names.map(|(name, _)| name.clone()).collect()
    }

    fn clean_form(&self, body: &[u8]) -> Result<Option<Cleaned>, Violation> {
        let mut budget = HtmlBudget::default();
        let mut cleaned = Cleaned {
            body: Vec::new(),
            changed: Vec::new(),
        };
        let mut copied = 0;
        for pair in params::pairs(body) {
            let Some((name, cleaner)) = self.of_pair(&pair) else {
                continue;
            };
            let Some(value) = pair.value_if_tagged() else {
                continue;
            };
            let refused = |rule| pair.violation(rule, Part::Body);
            // Bytes that are no text are refused by a rule of their own.
            let value = String::from_utf8(value).map_err(|_| refused(Rule::ParamNotUtf8))?;
            let clean = cleaner.clean_field(&value, &mut budget);
            let Some(clean) = clean.map_err(HtmlError::rule).map_err(refused)? else {
                continue;
            };
            let range = pair.value_range();
            let before = body.get(copied..range.start).unwrap_or_default();
            cleaned.body.extend_from_slice(before);
            params::encode(&clean, &mut cleaned.body);
            copied = range.end;
            if !cleaned.changed.contains(name) {
                cleaned.changed.push(name.clone());
            }
        }
        if cleaned.changed.is_empty() {
            return Ok(None);
        }
        let rest = body.get(copied..).unwrap_or_default();
        cleaned.body.extend_from_slice(rest);
        Ok(Some(cleaned))
    }

    fn of_pair(&self, pair: &Pair<'_>) -> Option<&(Box<str>, HtmlCleaner)> {
        self.of_form.iter().find(|(name, _)| pair.is_called(name))
    }

    fn look_at_multipart(&self, boundary: Option<&[u8]>, body: &[u8]) -> Result<(), Violation> {
        let mut is_html = false;
        // The rules have been looked at: this is about what is in the parts.
        multipart::visit(&MultipartRules::nothing(), boundary, body, |piece| {
            match piece {
                Piece::Part(part) => is_html = self.of_form.iter().any(|(name, _)| **name == *part),
                Piece::Content(content) if is_html && content.contains(&b'<') => {
                    return Err(Rule::HtmlInMultipart);
                }
                Piece::Content(_) => {}
            }
            Ok(())
        })
        .map(drop)
    }
}

impl DetectedFields {
    const fn is_empty(&self) -> bool {
        self.of_json.is_empty() && self.of_form.is_empty()
    }

    /// The first finding that is reported; one that refuses ends the look.
    fn inspect(
        &self,
        class: &BodyClass,
        body: &[u8],
        mode: Mode,
    ) -> Result<Option<(Box<str>, Finding)>, Violation> {
        let mut first = None;
        let mut look = |detection: &Detection, value: &str| {
            let Some(finding) = detection.inspect(value) else {
                return Ok(());
            };
            if detection.action == Action::Reject && mode != Mode::ReportOnly {
                return Err(Rule::DetectorFinding);
            }
            first.get_or_insert_with(|| (detection.field.clone(), finding));
            Ok(())
        };
        match class {
            BodyClass::Json if !self.of_json.is_empty() => {
                visit(body, &self.pointers, |field, found| {
                    let detection = self.of_json.get(field);
                    match (detection, found) {
                        (Some(detection), Found::Text(text) | Found::Placed(text)) => {
                            look(detection, &text.decode().unwrap_or_default())
                        }
                        _ => Ok(()),
                    }
                })?;
            }
            BodyClass::Form => {
                for pair in params::pairs(body) {
                    let named = |detection: &&Detection| pair.is_called(&detection.field);
                    for detection in self.of_form.iter().filter(named) {
                        // Each part that is text: the rule against what is no UTF-8 may be off.
                        for part in pair.decoded_value().utf8_chunks() {
                            look(detection, part.valid())
                                .map_err(|rule| pair.violation(rule, Part::Body))?;
                        }
                    }
                }
            }
            BodyClass::Json | BodyClass::Multipart(_) | BodyClass::Opaque => {}
        }
        Ok(first)
    }
}

impl Detection {
    fn inspect(&self, value: &str) -> Option<Finding> {
        let finding = self.detector.inspect(Field::new(&self.field, value))?;
        let mut allowed = self.allowed.iter().map(|known| &**known);
        (!allowed.any(|known| known == finding.fingerprint())).then_some(finding)
    }
}

impl fmt::Debug for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detection")
            .field("field", &self.field)
            .field("detector", &self.detector.name())
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}
