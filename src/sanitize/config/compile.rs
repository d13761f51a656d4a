//! Checks a configuration.

use super::builder::SanitizeBuilder;
use super::error::{MAX_BODY, SanitizeConfigError};
use super::fields;
use crate::core::field::is_token;
use crate::core::{ConfigErrors, Mistakes};
use crate::sanitize::check::Methods;
use crate::sanitize::rule::{Rule, Section};
use crate::sanitize::rule_set::RuleActions;

/// The deepest nesting that `serde_json` reads.
const MAX_DEPTH: usize = 127;

/// Carries out the changes of single rules, and looks for mistakes.
pub(super) fn compile(builder: &mut SanitizeBuilder) -> Result<(), ConfigErrors> {
    let mut mistakes = Mistakes::default();
    if let Methods::Listed(methods) = &builder.request.line.methods
        && methods.is_empty()
    {
        mistakes.push("sanitize.methods", SanitizeConfigError::MethodsEmpty);
    }
    rules(&mut mistakes, builder);
    builder.fields = fields::compile(&mut mistakes, builder);
    limits(&mut mistakes, builder);
    types(
        &mut mistakes,
        "sanitize.allow_type",
        &mut builder.body.allowed,
    );
    types(
        &mut mistakes,
        "sanitize.json_type",
        &mut builder.body.json_types,
    );
    mistakes.finish(())
}

fn rules(mistakes: &mut Mistakes, builder: &mut SanitizeBuilder) {
    let parts = [
        ("path", builder.request.path.actions),
        ("params", builder.request.params.actions),
        ("headers", builder.request.headers.actions),
        ("json", builder.json.actions),
        ("multipart", builder.multipart.actions),
    ];
    for (part, actions) in parts {
        for rule in actions.misplaced.iter() {
            let path = format!("sanitize.{part}");
            mistakes.push(path, SanitizeConfigError::RuleMisplaced { rule, part });
        }
        for rule in actions.weakened.iter() {
            let path = format!("sanitize.{part}");
            mistakes.push(path, SanitizeConfigError::CoreRuleRefused { rule });
        }
    }
    for (rule, action) in std::mem::take(&mut builder.changes) {
        match actions_of(builder, rule) {
            None => mistakes.push("sanitize", fixed(rule)),
            Some(actions) => {
                actions.set(rule, action);
                if actions.weakened.contains(rule) {
                    mistakes.push("sanitize", SanitizeConfigError::CoreRuleRefused { rule });
                }
            }
        }
    }
    for rule in builder.allowed.clone() {
        match actions_of(builder, rule) {
            None => mistakes.push("sanitize.dangerous_allow", fixed(rule)),
            Some(actions) => actions.force(rule, crate::sanitize::Action::Off),
        }
    }
}

/// Where a rule is kept, if it can be set at all.
fn actions_of(builder: &mut SanitizeBuilder, rule: Rule) -> Option<&mut RuleActions> {
    Some(match rule.section() {
        Section::Line => &mut builder.request.line.actions,
        Section::Path => &mut builder.request.path.actions,
        Section::Params => &mut builder.request.params.actions,
        Section::Headers => &mut builder.request.headers.actions,
        Section::Body => &mut builder.body.actions,
        Section::Json => &mut builder.json.actions,
        Section::Multipart => &mut builder.multipart.actions,
        Section::Html | Section::Text => return None,
    })
}

const fn fixed(rule: Rule) -> SanitizeConfigError {
    let reason = match rule.section() {
        Section::Html => {
            "what cannot be cleaned must not pass as cleaned, leave the field out of `html_json` and `html_form`"
        }
        _ => "no request is refused by it, it belongs to a detector or a text type",
    };
    SanitizeConfigError::RuleFixed { rule, reason }
}

fn limits(mistakes: &mut Mistakes, builder: &SanitizeBuilder) {
    let body = builder.body.limit;
    if body > MAX_BODY {
        let error = SanitizeConfigError::BodyLimitRefused { bytes: body };
        mistakes.push("sanitize.body_limit", error);
    }
    let (json, params) = (&builder.json, &builder.request.params);
    let (headers, multipart) = (&builder.request.headers, &builder.multipart);
    // A limit of a preset holds whatever the limit of the body is.
    let below_body = |value: usize, presets: [usize; 2]| {
        if presets.contains(&value) || value == usize::MAX {
            usize::MAX
        } else {
            body
        }
    };
    let all = usize::MAX;
    let limits = [
        ("body_limit", body, all),
        ("max_target_len", builder.request.line.max_target, all),
        ("params.max_count", params.max_count, all),
        ("params.max_name_len", params.max_name_len, all),
        ("params.max_value_len", params.max_value_len, all),
        ("headers.max_count", headers.max_count, all),
        ("headers.max_bytes", headers.max_bytes, all),
        ("headers.max_range_parts", headers.max_range_parts, all),
        ("json.max_depth", json.max_depth, MAX_DEPTH),
        (
            "json.max_nodes",
            json.max_nodes,
            below_body(json.max_nodes, [10_000, 100_000]),
        ),
        (
            "json.max_keys",
            json.max_keys,
            below_body(json.max_keys, [1_000, 10_000]),
        ),
        (
            "json.max_array_len",
            json.max_array_len,
            below_body(json.max_array_len, [10_000, 100_000]),
        ),
        (
            "json.max_key_len",
            json.max_key_len,
            below_body(json.max_key_len, [256, 1_024]),
        ),
        (
            "json.max_string_len",
            json.max_string_len,
            below_body(json.max_string_len, [65_536, 65_536]),
        ),
        ("multipart.max_parts", multipart.max_parts, all),
        ("multipart.max_files", multipart.max_files, all),
    ];
    for (name, value, most) in limits {
        if value == 0 || value > most {
            let path = format!("sanitize.{name}");
            let most = if most == all {
                MAX_BODY.max(body)
            } else {
                most
            };
            mistakes.push(
                path,
                SanitizeConfigError::LimitInvalid { name, value, most },
            );
        }
    }
}

/// Checks a list of media types, and makes them lower case.
fn types(mistakes: &mut Mistakes, path: &str, types: &mut [String]) {
    for (index, text) in types.iter_mut().enumerate() {
        text.make_ascii_lowercase();
        let value = text.clone();
        let is_part = |part: &str| is_token(part.as_bytes()) && !part.contains('*');
        let parts = text.split_once('/');
        let is_type = parts.is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype));
        let error = if !is_type {
            SanitizeConfigError::TypeInvalid { value }
        } else if text.starts_with("application/grpc") {
            SanitizeConfigError::TypeForbidden { value }
        } else {
            continue;
        };
        mistakes.push(format!("{path}[{index}]"), error);
    }
}
