//! The builder of the table, and what is wrong with its rules.

use http::Method;

use super::error::AccessConfigError;
use super::layer::{AccessTable, Core};
use super::rules::{Key, Rule, Rules};
use crate::authorize::Requirement;
use crate::authorize::config::check_requirement;
use crate::authorize::roles::RoleTree;
use crate::core::{
    Clock, ConfigErrors, EventSink, Events, Mistakes, Mode, Template, TemplateError, TemplateSyntax,
};

/// Builds an [`AccessTable`]. Made by [`AccessTable::builder`].
///
/// Rules are asked in the order in which they are written, and the first that matches counts. `HEAD` is decided as `GET`.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct AccessTableBuilder {
    rules: Vec<Draft>,
    included: Vec<(String, Vec<String>)>,
    hides_unmatched: bool,
    mode: Mode,
    events: Events,
}

/// A rule as it is written.
#[derive(Clone, Debug)]
struct Draft {
    method: Option<Method>,
    key: DraftKey,
    requirement: Requirement,
}

#[derive(Clone, Debug)]
enum DraftKey {
    Pattern(String),
    Rpc(String),
    AnyRequest,
}

impl AccessTableBuilder {
    pub(super) fn new() -> Self {
        Self {
            rules: Vec::new(),
            included: Vec::new(),
            hides_unmatched: false,
            mode: Mode::Enforce,
            events: Events::default(),
        }
    }

    /// Says who may call what this pattern matches, by this method. Of `GET`, `HEAD` too.
    pub fn rule(self, method: Method, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        let key = DraftKey::Pattern(pattern.as_ref().to_owned());
        self.add(Some(method), key, requirement)
    }

    /// Says who may `GET` what this pattern matches, and ask for its head.
    pub fn get(self, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        self.rule(Method::GET, pattern, requirement)
    }

    /// Says who may `POST` to what this pattern matches.
    pub fn post(self, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        self.rule(Method::POST, pattern, requirement)
    }

    /// Says who may `PUT` what this pattern matches.
    pub fn put(self, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        self.rule(Method::PUT, pattern, requirement)
    }

    /// Says who may `PATCH` what this pattern matches.
    pub fn patch(self, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        self.rule(Method::PATCH, pattern, requirement)
    }

    /// Says who may `DELETE` what this pattern matches.
    pub fn delete(self, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        self.rule(Method::DELETE, pattern, requirement)
    }

    /// Says who may call what this pattern matches, by whatever method.
    pub fn any_method(self, pattern: impl AsRef<str>, requirement: Requirement) -> Self {
        let key = DraftKey::Pattern(pattern.as_ref().to_owned());
        self.add(None, key, requirement)
    }

    /// Says who may call this gRPC method, `/package.Service/Method`, or all of a service, `/package.Service/*`.
    ///
    /// It holds for every request with this path, whatever its method and content type are: a server may not look at them either.
    pub fn rpc(self, path: impl AsRef<str>, requirement: Requirement) -> Self {
        let key = DraftKey::Rpc(path.as_ref().to_owned());
        self.add(None, key, requirement)
    }

    /// Says who may do all that no rule before is for. Nothing can stand behind it. Without it nobody may.
    pub fn any_request(self, requirement: Requirement) -> Self {
        self.add(None, DraftKey::AnyRequest, requirement)
    }

    /// Says that who has `role` has these roles too, and all that they include, in the rules of this table.
    pub fn role_implies(
        mut self,
        role: impl AsRef<str>,
        included: impl IntoIterator<Item: AsRef<str>>,
    ) -> Self {
        let included = included.into_iter().map(|role| role.as_ref().to_owned());
        let role = role.as_ref().to_owned();
        self.included.push((role, included.collect()));
        self
    }

    /// Answers 404 to everybody where no rule is, as if there were nothing. By default it is 403, and 401 to who is not logged in.
    pub fn unmatched_as_not_found(mut self) -> Self {
        self.hides_unmatched = true;
        self
    }

    /// Sets what becomes of a request that is refused. [`Mode::Enforce`] by default.
    ///
    /// With [`Mode::ReportOnly`] every request passes, and events tell what would have been refused. Where a rule would have decided, the
    /// ledger notes an exemption; where there is none it notes nothing, and the tripwire still asks for a decision.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets where refusals are told. The stack's sink by default, without one `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Sets the clock by which a principal expires and the age of a login is measured. The stack's by default, without one the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.events = self.events.with_clock(clock);
        self
    }

    fn add(mut self, method: Option<Method>, key: DraftKey, requirement: Requirement) -> Self {
        self.rules.push(Draft {
            method,
            key,
            requirement,
        });
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// All [`AccessConfigError`]s and [`RequireConfigError`](crate::authorize::RequireConfigError)s at once.
    pub fn build(self) -> Result<AccessTable, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if self.rules.is_empty() {
            mistakes.push("access", AccessConfigError::NoRules);
        }
        let roles = roles_of(&self.included, &mut mistakes);
        let mut rules: Vec<Rule> = Vec::with_capacity(self.rules.len());
        for (index, draft) in self.rules.into_iter().enumerate() {
            let path = format!("access.rules[{index}]");
            check_requirement(&draft.requirement, &path, &mut mistakes);
            match draft.compile() {
                Err(mistake) => mistakes.push(path, mistake),
                Ok(rule) => {
                    check_params(&rule, &path, &mut mistakes);
                    if let Some(shadow) = shadow(&rule, &rules) {
                        mistakes.push(path, shadow);
                    }
                    rules.push(rule);
                }
            }
        }
        mistakes.finish(AccessTable::of(Core {
            rules: Rules::new(rules),
            roles,
            hides_unmatched: self.hides_unmatched,
            mode: self.mode,
            events: self.events,
        }))
    }
}

fn roles_of(included: &[(String, Vec<String>)], mistakes: &mut Mistakes) -> RoleTree {
    for (index, (role, included)) in included.iter().enumerate() {
        let names = std::iter::once(role).chain(included);
        for role in names.filter(|role| role.is_empty()) {
            let role = role.clone();
            let path = format!("access.role_implies[{index}]");
            mistakes.push(path, AccessConfigError::RoleName { role });
        }
    }
    RoleTree::new(included).unwrap_or_else(|cycle| {
        let cycle = cycle.join(" -> ");
        mistakes.push(
            "access.role_implies",
            AccessConfigError::RoleCycle { cycle },
        );
        RoleTree::default()
    })
}

impl Draft {
    fn compile(self) -> Result<Rule, AccessConfigError> {
        let (text, key) = match self.key {
            DraftKey::Pattern(pattern) => {
                let template = template_of(&pattern)?;
                (pattern, Key::Template(template))
            }
            DraftKey::Rpc(path) => {
                let template = rpc_template(&path)?;
                (path, Key::Template(template))
            }
            DraftKey::AnyRequest => ("any_request".to_owned(), Key::AnyRequest),
        };
        let label = match &self.method {
            Some(method) => format!("{method} {text}"),
            None => text,
        };
        if self.method == Some(Method::HEAD) {
            return Err(AccessConfigError::HeadRule { key: label });
        }
        Ok(Rule::new(self.method, key, label, self.requirement))
    }
}

fn template_of(pattern: &str) -> Result<Template, AccessConfigError> {
    Template::parse(pattern).map_err(|error| match error {
        TemplateError::InvalidPatternSyntax {
            pattern,
            problem: TemplateSyntax::RepeatedName(param),
        } => AccessConfigError::DuplicateParam { pattern, param },
        error => AccessConfigError::Pattern(error),
    })
}

/// `/package.Service/Method` or `/package.Service/*`, in the letters of protobuf identifiers.
fn rpc_template(path: &str) -> Result<Template, AccessConfigError> {
    let invalid = || AccessConfigError::RpcPath {
        path: path.to_owned(),
    };
    let is_identifier = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let (service, method) = path
        .strip_prefix('/')
        .and_then(|path| path.split_once('/'))
        .ok_or_else(invalid)?;
    if !service.split('.').all(is_identifier) {
        return Err(invalid());
    }
    let template = match method {
        "*" => Template::parse(&format!("/{service}/{{method}}")),
        method if is_identifier(method) => Template::parse(path),
        _ => return Err(invalid()),
    };
    template.map_err(|_| invalid())
}

fn check_params(rule: &Rule, path: &str, mistakes: &mut Mistakes) {
    for param in rule.requirement.params() {
        // An empty one is told by the requirement.
        if !param.is_empty() && !rule.has_param(param) {
            let kind = AccessConfigError::UnknownParam {
                key: rule.label.to_string(),
                param: param.to_owned(),
            };
            mistakes.push(path, kind);
        }
    }
}

/// The earlier rule on account of which this one is never asked.
fn shadow(rule: &Rule, earlier: &[Rule]) -> Option<AccessConfigError> {
    let by = earlier.iter().find(|earlier| earlier.covers(rule))?;
    let key = rule.label.to_string();
    Some(if rule.covers(by) && by.is_for_pattern() {
        AccessConfigError::DuplicateRule { key }
    } else {
        AccessConfigError::UnreachableRule {
            key,
            by: by.label.to_string(),
        }
    })
}
