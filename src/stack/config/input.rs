//! Malformed requests: `[sanitize]`.

use serde::{Deserialize, Serialize};

use super::StackConfigError;
use super::limiting::method;
use crate::core::{Mistakes, Mode};
use crate::sanitize::{Rule, SanitizeLayer};

/// `[sanitize]`: refuses what is malformed. The fields are the setters of [`SanitizeLayer::builder`], as far as they are data; rules are
/// written by their codes, such as `path_semicolon`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SanitizeConfig {
    /// What to start from. Default: `strict`.
    pub preset: SanitizePreset,
    /// The methods that pass. Default: the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// How long the target may be, in bytes. Default: the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_target_len: Option<usize>,
    /// How long a body may be that is inspected, in bytes. Default: the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_limit: Option<usize>,
    /// Types of bodies that pass without a look. Default: none.
    pub allow_type: Vec<String>,
    /// Types of bodies that are inspected as JSON. Default: none but those of JSON.
    pub json_type: Vec<String>,
    /// Whether calls of gRPC pass, see [`SanitizeBuilder::grpc`](crate::sanitize::SanitizeBuilder::grpc). Default: `false`.
    pub grpc: bool,
    /// Rules that are passed over.
    pub relax: Vec<String>,
    /// Rules of which a breach is reported.
    pub report: Vec<String>,
    /// Rules of which a breach is refused.
    pub reject: Vec<String>,
    /// The mode. Default: `enforce`.
    pub mode: Mode,
    /// See [`SanitizeBuilder::dangerous_allow`](crate::sanitize::SanitizeBuilder::dangerous_allow). Default: none.
    pub dangerous_allow: Vec<String>,
}

/// What a [`SanitizeConfig`] starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SanitizePreset {
    /// [`SanitizeLayer::compatible`].
    Compatible,
    /// [`SanitizeLayer::strict`]. The default.
    #[default]
    Strict,
}

impl SanitizeConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<SanitizeLayer> {
        let builder = SanitizeLayer::builder();
        let mut builder = match self.preset {
            SanitizePreset::Strict => builder.strict(),
            SanitizePreset::Compatible => builder.compatible(),
        }
        .grpc(self.grpc)
        .mode(self.mode);
        if let Some(names) = &self.methods {
            let names = names.iter().enumerate();
            let methods: Vec<_> = names
                .filter_map(|(index, name)| {
                    method(name, &format!("sanitize.methods[{index}]"), mistakes)
                })
                .collect();
            builder = builder.methods(methods);
        }
        if let Some(bytes) = self.max_target_len {
            builder = builder.max_target_len(bytes);
        }
        if let Some(bytes) = self.body_limit {
            builder = builder.body_limit(bytes);
        }
        let types = self.allow_type.iter();
        builder = types.fold(builder, |builder, name| builder.allow_type(name));
        let types = self.json_type.iter();
        builder = types.fold(builder, |builder, name| builder.json_type(name));
        for rule in rules(&self.relax, "relax", mistakes) {
            builder = builder.relax(rule);
        }
        for rule in rules(&self.report, "report", mistakes) {
            builder = builder.report(rule);
        }
        for rule in rules(&self.reject, "reject", mistakes) {
            builder = builder.reject(rule);
        }
        for rule in rules(&self.dangerous_allow, "dangerous_allow", mistakes) {
            builder = builder.dangerous_allow(rule);
        }
        mistakes.take(builder.build())
    }
}

fn rules(codes: &[String], field: &str, mistakes: &mut Mistakes) -> Vec<Rule> {
    let mut found = Vec::new();
    for (index, code) in codes.iter().enumerate() {
        match Rule::ALL.iter().find(|rule| rule.as_str() == code) {
            Some(rule) => found.push(*rule),
            None => {
                let mistake = StackConfigError::InvalidName {
                    what: "rule",
                    value: code.clone(),
                    instead: "path_semicolon",
                };
                mistakes.push(format!("sanitize.{field}[{index}]"), mistake);
            }
        }
    }
    found
}
