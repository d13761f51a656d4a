//! The rules of a table, and which of them a request belongs to.

use std::fmt;

use http::{Method, Request};

use crate::authorize::Requirement;
use crate::core::{
    CanonicalPath, Coverage, Template, TemplateTree, is_of_route, route_template, whole_path,
};

/// Who may call what.
pub(super) struct Rule {
    /// `None`: by whatever method.
    method: Option<Method>,
    key: Key,
    /// What events call it.
    pub(super) label: Box<str>,
    pub(super) requirement: Requirement,
    pub(super) compares_params: bool,
}

/// Which requests a rule is for.
pub(super) enum Key {
    Template(Template),
    AnyRequest,
}

/// Which rule a request belongs to.
pub(super) enum Found<'r> {
    Rule(&'r Rule, Spelling),
    None,
    /// Nobody can tell: the path can be read in more than one way, or is not of the route that it came to.
    NotCanonical,
}

/// How the path of a request names the literal parts of a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Plain,
    /// With escapes. Another program may take it for another path.
    Escaped,
}

impl Rule {
    pub(super) fn new(
        method: Option<Method>,
        key: Key,
        label: String,
        requirement: Requirement,
    ) -> Self {
        Self {
            method,
            key,
            label: label.into(),
            compares_params: requirement.compares_params(),
            requirement,
        }
    }

    pub(super) const fn template(&self) -> Option<&Template> {
        match &self.key {
            Key::Template(template) => Some(template),
            Key::AnyRequest => None,
        }
    }

    pub(super) const fn is_for_pattern(&self) -> bool {
        matches!(self.key, Key::Template(_))
    }

    pub(super) fn has_param(&self, name: &str) -> bool {
        self.template()
            .is_some_and(|template| template.params().any(|param| param == name))
    }

    /// Whether every request that `other` is for belongs to this rule too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let has_methods = self.method.is_none() || self.method == other.method;
        has_methods
            && match (&self.key, &other.key) {
                (Key::AnyRequest, _) => true,
                (Key::Template(own), Key::Template(other)) => own.covers(other),
                (Key::Template(_), Key::AnyRequest) => false,
            }
    }

    /// `method` with `HEAD` as `GET`.
    fn is_for(&self, method: &Method) -> bool {
        self.method.as_ref().is_none_or(|own| own == method)
    }
}

/// All rules in their order, and the tree in which they are found.
pub(super) struct Rules {
    all: Vec<Rule>,
    tree: TemplateTree,
    /// The place of the one for any request.
    rest: Option<usize>,
}

impl Rules {
    pub(super) fn new(all: Vec<Rule>) -> Self {
        let mut tree = TemplateTree::default();
        for (at, rule) in all.iter().enumerate() {
            if let Key::Template(template) = &rule.key {
                tree.insert(template, at);
            }
        }
        Self {
            rest: all.iter().position(|rule| !rule.is_for_pattern()),
            all,
            tree,
        }
    }

    /// The one for any request.
    pub(super) fn rest(&self) -> Option<&Rule> {
        self.all.get(self.rest?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }

    /// The rule for a request: by the router's own template if that is enough, else by the path.
    pub(super) fn find<B>(&self, request: &Request<B>) -> Found<'_> {
        let method = match *request.method() {
            Method::HEAD => &Method::GET,
            ref method => method,
        };
        let Some(route) = route_template(request.extensions()) else {
            return self.by_path(method, whole_path(request.uri(), request.extensions()));
        };
        let mut first = First::new(self, method);
        if self.tree.covering(route, &mut |at| first.see(at)) == Coverage::Whole {
            return first.found(Spelling::Plain);
        }
        // The template is that of the whole path, unless somebody has written it over since.
        let path = whole_path(request.uri(), request.extensions());
        if is_of_route(route, path) {
            self.by_path(method, path)
        } else {
            Found::NotCanonical
        }
    }

    fn by_path(&self, method: &Method, path: &str) -> Found<'_> {
        let Some(canonical) = CanonicalPath::parse(path) else {
            return Found::NotCanonical;
        };
        let mut first = First::new(self, method);
        self.tree
            .matching(canonical.as_str(), &mut |at| first.see(at));
        let spelling = match first.rule().and_then(Rule::template) {
            Some(template) if !template.is_spelt_in(path) => Spelling::Escaped,
            Some(_) | None => Spelling::Plain,
        };
        first.found(spelling)
    }
}

/// The first rule for a method of those that are seen.
struct First<'r, 'm> {
    rules: &'r Rules,
    method: &'m Method,
    at: Option<usize>,
}

impl<'r, 'm> First<'r, 'm> {
    const fn new(rules: &'r Rules, method: &'m Method) -> Self {
        Self {
            rules,
            method,
            at: None,
        }
    }

    fn see(&mut self, at: usize) {
        let is_earlier = self.at.is_none_or(|first| at < first);
        if is_earlier
            && let Some(rule) = self.rules.all.get(at)
            && rule.is_for(self.method)
        {
            self.at = Some(at);
        }
    }

    /// Of the rules that were seen, else that for any request.
    fn rule(&self) -> Option<&'r Rule> {
        self.rules.all.get(self.at.or(self.rules.rest)?)
    }

    fn found(&self, spelling: Spelling) -> Found<'r> {
        match self.rule() {
            Some(rule) => Found::Rule(rule, spelling),
            None => Found::None,
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.all.iter().map(|rule| (&rule.label, &rule.requirement)))
            .finish()
    }
}
