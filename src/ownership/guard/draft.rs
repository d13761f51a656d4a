//! The rules as they are written, and what is wrong with them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::error::OwnershipConfigError;
use super::layer::Core;
use super::rules::{Actions, Key, Rule, Rules, Source, is_same_form};
use crate::core::{ConfigErrors, Events, Mistakes, Mode, Template, TemplateError, TemplateSyntax};
use crate::ownership::{Action, IdShape, Manner, ResourceExtractor, RuleRoute};

/// The longest time that a policy may take or a refusal may be held back.
const MAX_WAIT: Duration = Duration::from_secs(30);
const WAIT_RANGE: &str = "more than 0 and at most 30 s; 2 s are usual";

/// A guard that is still written.
#[derive(Clone)]
pub(crate) struct Draft<T> {
    rules: Vec<DraftRule<T>>,
    /// What was set before any rule.
    orphans: Vec<&'static str>,
    /// Patterns of what is nobody's.
    unowned: Vec<String>,
    pub(crate) events: Events,
    pub(crate) mode: Mode,
    pub(crate) denies_unmatched: bool,
    pub(crate) records_grants: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) floor: Option<Duration>,
}

#[derive(Clone)]
struct DraftRule<T> {
    key: DraftKey,
    shape: IdShape,
    actions: Actions,
    reveals: bool,
    name: Option<String>,
    target: T,
}

#[derive(Clone)]
enum DraftKey {
    /// With the parameter that is the id, if it was said.
    Param(String, Option<String>),
    Extractor(String, Arc<dyn ResourceExtractor>),
    Rpc(String, Arc<dyn ResourceExtractor>),
    Route(Arc<dyn ResourceExtractor>),
}

impl DraftKey {
    fn extractor(&self) -> Option<&Arc<dyn ResourceExtractor>> {
        match self {
            Self::Param(..) => None,
            Self::Extractor(_, extractor) | Self::Rpc(_, extractor) | Self::Route(extractor) => {
                Some(extractor)
            }
        }
    }
}

impl<T> Draft<T> {
    pub(crate) fn new() -> Self {
        Self {
            rules: Vec::new(),
            orphans: Vec::new(),
            unowned: Vec::new(),
            events: Events::default(),
            mode: Mode::Enforce,
            denies_unmatched: false,
            records_grants: false,
            timeout: None,
            floor: None,
        }
    }

    /// `pattern` with its only parameter, or with this one, as the id.
    pub(crate) fn resource(&mut self, pattern: &str, param: Option<&str>, target: T) {
        let key = DraftKey::Param(pattern.to_owned(), param.map(str::to_owned));
        self.add(key, Actions::ByMethod(Vec::new()), target);
    }

    pub(crate) fn resource_from(
        &mut self,
        pattern: &str,
        extractor: impl ResourceExtractor,
        target: T,
    ) {
        let key = DraftKey::Extractor(pattern.to_owned(), Arc::new(extractor));
        self.add(key, Actions::ByMethod(Vec::new()), target);
    }

    pub(crate) fn rpc(
        &mut self,
        path: &str,
        action: Action,
        extractor: impl ResourceExtractor,
        target: T,
    ) {
        let key = DraftKey::Rpc(path.to_owned(), Arc::new(extractor));
        self.add(key, Actions::Always(action), target);
    }

    pub(crate) fn route(&mut self, extractor: impl ResourceExtractor, target: T) {
        let key = DraftKey::Route(Arc::new(extractor));
        self.add(key, Actions::ByMethod(Vec::new()), target);
    }

    fn add(&mut self, key: DraftKey, actions: Actions, target: T) {
        self.rules.push(DraftRule {
            key,
            shape: IdShape::Any,
            actions,
            reveals: false,
            name: None,
            target,
        });
    }

    pub(crate) fn shape(&mut self, shape: IdShape) {
        self.last("shape", |rule| rule.shape = shape);
    }

    pub(crate) fn actions(&mut self, actions: impl IntoIterator<Item = (Method, Action)>) {
        self.last("actions", |rule| {
            if let Actions::ByMethod(own) = &mut rule.actions {
                // The last word counts.
                own.splice(0..0, actions);
            }
        });
    }

    pub(crate) fn reveal(&mut self) {
        self.last("reveal", |rule| rule.reveals = true);
    }

    pub(crate) fn name(&mut self, name: &str) {
        self.last("name", |rule| rule.name = Some(name.to_owned()));
    }

    pub(crate) fn unowned(&mut self, pattern: &str) {
        self.unowned.push(pattern.to_owned());
    }

    fn last(&mut self, setting: &'static str, change: impl FnOnce(&mut DraftRule<T>)) {
        match self.rules.last_mut() {
            Some(rule) => change(rule),
            None => self.orphans.push(setting),
        }
    }

    /// Checks everything, and reports all mistakes together.
    pub(crate) fn build(self) -> Result<Core<T>, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if self.rules.is_empty() {
            mistakes.push("ownership", OwnershipConfigError::NoRules);
        }
        for setting in self.orphans {
            mistakes.push("ownership", OwnershipConfigError::NoRuleBefore { setting });
        }
        for (what, wait) in [("policy_timeout", self.timeout), ("deny_floor", self.floor)] {
            if let Some(wait) = wait.filter(|wait| wait.is_zero() || *wait > MAX_WAIT) {
                let path = format!("ownership.{what}");
                mistakes.push(path, OwnershipConfigError::limit(what, wait, WAIT_RANGE));
            }
        }
        let mut rules = Vec::new();
        for (index, draft) in self.rules.into_iter().enumerate() {
            let path = format!("ownership.rules[{index}]");
            let at = rules.len();
            if let Some(rule) = draft.compile(at, self.records_grants, &path, &mut mistakes) {
                if let Some(shadow) = shadow(&rule, &rules) {
                    mistakes.push(path, shadow);
                }
                rules.push(rule);
            }
        }
        let mut unowned = Vec::new();
        for (index, pattern) in self.unowned.iter().enumerate() {
            match template_of(pattern) {
                Ok(template) => unowned.push(template),
                Err(mistake) => mistakes.push(format!("ownership.unowned[{index}]"), mistake),
            }
        }
        mistakes.finish(Core {
            rules: Rules::new(rules),
            unowned: unowned.into(),
            events: self.events,
            mode: self.mode,
            denies_unmatched: self.denies_unmatched,
            timeout: self.timeout,
            floor: self.floor,
        })
    }
}

impl<T> DraftRule<T> {
    fn compile(
        self,
        at: usize,
        records_grants: bool,
        path: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Rule<T>> {
        if self.name.as_deref() == Some("") {
            let name = String::new();
            mistakes.push(path, OwnershipConfigError::Name { name });
        }
        let is_valid = self
            .key
            .extractor()
            .is_none_or(|extractor| mistakes.take(extractor.validate()).is_some());
        let key = match key_of(&self.key) {
            Ok(key) => Some(key),
            Err(mistake) => {
                mistakes.push(path, mistake);
                None
            }
        };
        let ((key, source), true) = (key?, is_valid) else {
            return None;
        };
        Some(Rule {
            at,
            route: route_of(&key, &source),
            has_more_params: has_more_params(&key, &source),
            key,
            source,
            shape: self.shape,
            actions: self.actions,
            manner: Manner {
                reveals: self.reveals,
                records_grants,
            },
            name: self.name.map(Into::into),
            target: self.target,
        })
    }
}

fn has_more_params(key: &Key, source: &Source) -> bool {
    match (key, source) {
        (Key::Template(template), Source::Param(_)) => template.params().nth(1).is_some(),
        (Key::Template(template), Source::Extractor(_)) => template.params().next().is_some(),
        (Key::Rpc(_), _) => false,
        (Key::Route, _) => true,
    }
}

fn key_of(draft: &DraftKey) -> Result<(Key, Source), OwnershipConfigError> {
    Ok(match draft {
        DraftKey::Param(pattern, param) => {
            let template = template_of(pattern)?;
            let param = param_of(&template, param.as_deref())?.into();
            (Key::Template(template), Source::Param(param))
        }
        DraftKey::Extractor(pattern, extractor) => {
            let template = template_of(pattern)?;
            if let Some(param) = extractor.path_param() {
                param_of(&template, Some(param))?;
            }
            (Key::Template(template), source_of(extractor))
        }
        DraftKey::Rpc(path, _) if !is_rpc_path(path) => {
            return Err(OwnershipConfigError::RpcPath { path: path.clone() });
        }
        DraftKey::Rpc(path, extractor) => {
            if let Some(param) = extractor.path_param() {
                return Err(OwnershipConfigError::UnknownParam {
                    pattern: path.clone(),
                    param: param.to_owned(),
                });
            }
            (Key::Rpc(path.as_str().into()), source_of(extractor))
        }
        DraftKey::Route(extractor) => (Key::Route, source_of(extractor)),
    })
}

fn template_of(pattern: &str) -> Result<Template, OwnershipConfigError> {
    Template::parse(pattern).map_err(|error| match error {
        TemplateError::InvalidPatternSyntax {
            pattern,
            problem: TemplateSyntax::RepeatedName(param),
        } => OwnershipConfigError::DuplicateParam { pattern, param },
        error => OwnershipConfigError::Pattern(error),
    })
}

/// The parameter that is the id.
fn param_of<'t>(
    template: &'t Template,
    param: Option<&str>,
) -> Result<&'t str, OwnershipConfigError> {
    let pattern = || template.as_str().to_owned();
    let mut params = template.params();
    if let Some(param) = param {
        return params.find(|name| *name == param).ok_or_else(|| {
            OwnershipConfigError::UnknownParam {
                pattern: pattern(),
                param: param.to_owned(),
            }
        });
    }
    match (params.next(), params.next()) {
        (None, _) => Err(OwnershipConfigError::MissingParam { pattern: pattern() }),
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(OwnershipConfigError::AmbiguousParam { pattern: pattern() }),
    }
}

fn source_of(extractor: &Arc<dyn ResourceExtractor>) -> Source {
    match extractor.path_param() {
        Some(name) => Source::Param(name.into()),
        None => Source::Extractor(Arc::clone(extractor)),
    }
}

fn route_of(key: &Key, source: &Source) -> Option<Arc<RuleRoute>> {
    let route = match key {
        Key::Template(template) => template.as_str(),
        Key::Rpc(path) => path,
        Key::Route => return None,
    };
    let id_param = match source {
        Source::Param(name) => Some(name.clone()),
        Source::Extractor(_) => None,
    };
    Some(Arc::new(RuleRoute {
        route: route.into(),
        id_param,
    }))
}

/// `/package.Service/Method`, in the letters of protobuf identifiers.
fn is_rpc_path(path: &str) -> bool {
    let is_identifier = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    path.strip_prefix('/')
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(service, method)| {
            service.split('.').all(is_identifier) && is_identifier(method)
        })
}

/// The earlier rule on account of which this one is never asked.
fn shadow<T>(rule: &Rule<T>, earlier: &[Rule<T>]) -> Option<OwnershipConfigError> {
    earlier
        .iter()
        .find_map(|earlier| match (&earlier.key, &rule.key) {
            (Key::Rpc(by), Key::Rpc(path)) => {
                (by == path).then(|| OwnershipConfigError::DuplicateRule {
                    key: path.to_string(),
                })
            }
            (Key::Template(by), Key::Template(template)) => {
                let key = template.as_str().to_owned();
                if is_same_form(by.as_str(), &key) {
                    return Some(OwnershipConfigError::DuplicateRule { key });
                }
                by.covers(template)
                    .then(|| OwnershipConfigError::UnreachableRule {
                        key,
                        by: by.as_str().to_owned(),
                    })
            }
            (Key::Route, _) => Some(OwnershipConfigError::UnreachableRule {
                key: rule.key.as_str().to_owned(),
                by: Key::Route.as_str().to_owned(),
            }),
            _ => None,
        })
}

impl<T> fmt::Debug for Draft<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("rules", &self.rules.len())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
