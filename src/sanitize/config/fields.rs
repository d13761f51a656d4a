//! Checks the fields that are cleaned or shown to detectors.

use super::builder::{FieldKind, SanitizeBuilder};
use super::error::SanitizeConfigError;
use crate::core::Mistakes;
use crate::sanitize::fields::{DetectedFields, Detection, FieldRules, HtmlFields};
use crate::sanitize::json::{Fields, Pointer};
use crate::sanitize::rule::{Action, Rule};

/// What has to hold for every field of HTML to be found.
const NEEDED_FOR_HTML: [Rule; 15] = [
    Rule::HeaderDuplicate,
    Rule::BodyTooLarge,
    Rule::BodyTypeInvalid,
    Rule::BodyEncoded,
    Rule::BodyCharset,
    Rule::BodyUnreadable,
    Rule::JsonSyntax,
    Rule::JsonBom,
    Rule::JsonReservedKey,
    Rule::ParamNotUtf8,
    Rule::MultipartBoundary,
    Rule::MultipartTruncated,
    Rule::MultipartPartHeaders,
    Rule::MultipartDisposition,
    Rule::MultipartTransferEncoding,
];

pub(super) fn compile(mistakes: &mut Mistakes, builder: &mut SanitizeBuilder) -> FieldRules {
    let html = html(mistakes, builder);
    FieldRules {
        html,
        detected: detected(mistakes, builder),
    }
}

fn html(mistakes: &mut Mistakes, builder: &mut SanitizeBuilder) -> HtmlFields {
    let mut fields = HtmlFields::default();
    let mut pointers = Vec::new();
    let mut known = Vec::new();
    for field in std::mem::take(&mut builder.html) {
        let path = match field.kind {
            FieldKind::Json => "sanitize.html_json",
            FieldKind::Form => "sanitize.html_form",
        };
        if known.contains(&(field.kind, field.name.clone())) {
            let value = field.name.clone();
            mistakes.push(path, SanitizeConfigError::PointerDuplicate { value });
        }
        known.push((field.kind, field.name.clone()));
        let cleaner = mistakes.take(field.cleaner);
        let name = field.name;
        match field.kind {
            FieldKind::Json => {
                let pointer = pointer(mistakes, path, &name);
                if let (Some(pointer), Some(cleaner)) = (pointer, cleaner) {
                    pointers.push(pointer);
                    fields.of_json.push((name.into(), cleaner));
                }
            }
            FieldKind::Form => {
                if builder.multipart.streaming {
                    let field = name.clone();
                    mistakes.push(path, SanitizeConfigError::HtmlMultipartStreaming { field });
                }
                if let Some(cleaner) = cleaner {
                    fields.of_form.push((name.into(), cleaner));
                }
            }
        }
    }
    fields.pointers = Fields::new(&pointers);
    if !known.is_empty() {
        keep_from_passing_by(mistakes, builder);
    }
    fields
}

/// Refuses what could be read by the handler and was not by the layer.
fn keep_from_passing_by(mistakes: &mut Mistakes, builder: &mut SanitizeBuilder) {
    for rule in [Rule::BodyTypeMissing, Rule::BodyTypeNotAllowed] {
        builder.body.actions.force(rule, Action::Reject);
    }
    for rule in NEEDED_FOR_HTML {
        if builder.allowed.contains(&rule) {
            let reason =
                "a body that is not understood would pass with its fields of HTML as they came";
            let error = SanitizeConfigError::RuleFixed { rule, reason };
            mistakes.push("sanitize.dangerous_allow", error);
        }
    }
}

fn detected(mistakes: &mut Mistakes, builder: &mut SanitizeBuilder) -> DetectedFields {
    const PATH: &str = "sanitize.detect";
    let mut fields = DetectedFields::default();
    let mut pointers: Vec<Pointer> = Vec::new();
    let honest = std::mem::take(&mut builder.honest);
    for mut detection in std::mem::take(&mut builder.detections) {
        if detection.action == Action::Reject && !builder.blocks_on_detection {
            let field = detection.field.to_string();
            mistakes.push(PATH, SanitizeConfigError::DetectorBlockingRefused { field });
        }
        if detection.action == Action::Off {
            continue;
        }
        let here = honest
            .iter()
            .filter(|(field, _)| **field == *detection.field);
        detection.allowed = here
            .map(|(_, fingerprint)| fingerprint.as_str().into())
            .collect();
        let list = if detection.field.starts_with('/') {
            let Some(pointer) = pointer(mistakes, PATH, &detection.field) else {
                continue;
            };
            pointers.push(pointer);
            &mut fields.of_json
        } else {
            &mut fields.of_form
        };
        let is_same = |known: &Detection| known.field == detection.field;
        if detection.field.is_empty() {
            let value = String::new();
            mistakes.push(PATH, SanitizeConfigError::PointerInvalid { value });
        } else if list.iter().any(is_same) {
            let value = detection.field.to_string();
            mistakes.push(PATH, SanitizeConfigError::PointerDuplicate { value });
        }
        list.push(detection);
    }
    fields.pointers = Fields::new(&pointers);
    fields
}

fn pointer(mistakes: &mut Mistakes, path: &str, text: &str) -> Option<Pointer> {
    let pointer = Pointer::parse(text);
    if pointer.is_err() {
        let value = text.to_owned();
        mistakes.push(path, SanitizeConfigError::PointerInvalid { value });
    }
    pointer.ok()
}
