//! The rules of a guard, and which of them a request belongs to.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use http::Method;

use crate::core::{CanonicalPath, PathParams, Template, TemplateTree};
use crate::ownership::{Action, IdShape, Manner, ResourceExtractor, RuleRoute};

/// What is asked about the objects of one route.
pub(crate) struct Rule<T> {
    /// Its place among the rules.
    pub(crate) at: usize,
    pub(crate) key: Key,
    pub(crate) source: Source,
    /// The path has parameters besides the id.
    pub(crate) has_more_params: bool,
    pub(crate) shape: IdShape,
    pub(crate) actions: Actions,
    pub(crate) manner: Manner,
    pub(crate) name: Option<Box<str>>,
    /// `None` for the rule of a single route, which the router names.
    pub(crate) route: Option<Arc<RuleRoute>>,
    pub(crate) target: T,
}

/// Which requests a rule is for.
pub(crate) enum Key {
    Template(Template),
    Rpc(Box<str>),
    /// All that reach the layer.
    Route,
}

/// Where the id stands.
#[derive(Clone)]
pub(crate) enum Source {
    /// In the parameter of this name.
    Param(Box<str>),
    Extractor(Arc<dyn ResourceExtractor>),
}

/// What a method does.
#[derive(Clone)]
pub(crate) enum Actions {
    /// What the table of methods says, but for these.
    ByMethod(Vec<(Method, Action)>),
    /// Always this: every gRPC call is a `POST`.
    Always(Action),
}

impl Key {
    /// What it is written as.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Template(template) => template.as_str(),
            Self::Rpc(path) => path,
            Self::Route => "for_route",
        }
    }

    /// Whether it says more than how many segments there are.
    fn has_literal(&self) -> bool {
        let mut segments = self.as_str().split('/');
        segments.any(|segment| !segment.is_empty() && !segment.starts_with('{'))
    }
}

impl Actions {
    pub(crate) fn of(&self, method: &Method) -> Option<Action> {
        match self {
            Self::ByMethod(own) => own
                .iter()
                .find_map(|(other, action)| (other == method).then_some(*action))
                .or_else(|| Action::of_method(method)),
            Self::Always(action) => Some(*action),
        }
    }
}

impl<T> Rule<T> {
    /// What events call it: its own name, else its key.
    pub(crate) fn label(&self) -> Option<&str> {
        match (&self.name, &self.key) {
            (Some(name), _) => Some(name),
            (None, Key::Template(template)) => Some(template.as_str()),
            (None, Key::Rpc(path)) => Some(path),
            (None, Key::Route) => None,
        }
    }
}

/// All rules, by what they are found with.
pub(crate) struct Rules<T> {
    all: Vec<Rule<T>>,
    /// Indices by the form of the template.
    forms: HashMap<u64, Vec<usize>, BuildHasherDefault<Ready>>,
    /// For each count of segments the indices of what can match so many, in the order of the rules; the last for all that are longer.
    by_count: Vec<Vec<usize>>,
    rpc: HashMap<Box<str>, usize>,
    tree: TemplateTree,
    /// For each rule whether an earlier one is for a part of its route.
    behind_parts: Vec<bool>,
}

impl<T> Rules<T> {
    pub(crate) fn new(all: Vec<Rule<T>>) -> Self {
        let mut rules = Self {
            forms: HashMap::default(),
            by_count: Vec::new(),
            rpc: HashMap::new(),
            tree: TemplateTree::default(),
            behind_parts: vec![false; all.len()],
            all: Vec::new(),
        };
        let templates = || {
            all.iter()
                .enumerate()
                .filter_map(|(at, rule)| match &rule.key {
                    Key::Template(template) => Some((at, template)),
                    Key::Rpc(_) | Key::Route => None,
                })
        };
        let longest = templates().map(|(_, it)| it.segment_count()).max();
        for count in 0..=longest.map_or(0, |longest| longest.saturating_add(1)) {
            let can_match = |template: &Template| match template.segment_count() {
                least if template.has_catch_all() => least <= count,
                exact => exact == count,
            };
            let fitting = templates().filter(|(_, template)| can_match(template));
            rules.by_count.push(fitting.map(|(at, _)| at).collect());
        }
        for (at, template) in templates() {
            let form = form_of(template.as_str());
            rules.forms.entry(form).or_default().push(at);
            if let Some(is_behind) = rules.behind_parts.get_mut(at) {
                *is_behind = rules.tree.narrows(template.as_str());
            }
            rules.tree.insert(template, at);
        }
        for (at, rule) in all.iter().enumerate() {
            if let Key::Rpc(path) = &rule.key {
                rules.rpc.insert(path.clone(), at);
            }
        }
        rules.all = all;
        rules
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule<T>> {
        self.all.iter()
    }

    pub(crate) fn at(&self, at: usize) -> Option<&Rule<T>> {
        self.all.get(at)
    }

    /// The rule of a layer for one route.
    pub(crate) fn of_route(&self) -> Option<&Rule<T>> {
        self.all
            .first()
            .filter(|rule| matches!(rule.key, Key::Route))
    }

    pub(crate) fn of_rpc(&self, path: &str) -> Option<&Rule<T>> {
        if self.rpc.is_empty() {
            return None;
        }
        self.all.get(*self.rpc.get(path)?)
    }

    /// The rule for a template of the router's, whatever the parameters are called: where the names differ, the parameter is missing
    /// and the request refused, not passed by.
    pub(crate) fn of_template(&self, template: &str) -> Option<&Rule<T>> {
        let candidates = self.forms.get(&form_of(template))?;
        let mut rules = candidates.iter().filter_map(|at| self.all.get(*at));
        rules.find(|rule| match &rule.key {
            Key::Template(own) => is_same_form(own.as_str(), template),
            Key::Rpc(_) | Key::Route => false,
        })
    }

    /// Whether the template alone does not tell the rule: another, or an earlier one than the rule that was found by it, may be for some
    /// of its paths.
    pub(crate) fn needs_path(&self, template: &str, found: Option<&Rule<T>>) -> bool {
        match found {
            Some(rule) => self
                .behind_parts
                .get(rule.at)
                .is_none_or(|is_behind| *is_behind),
            // Behind a catch-all somebody else routes on.
            None => template.contains("{*") || self.tree.narrows(template),
        }
    }

    pub(crate) fn of_path<'r, 'p>(
        &'r self,
        path: &'p CanonicalPath<'_>,
    ) -> Option<(&'r Rule<T>, PathParams<'r, 'p>)> {
        let longest = self.by_count.len().saturating_sub(1);
        let candidates = self.by_count.get(path.segment_count().min(longest))?;
        let mut rules = candidates.iter().filter_map(|at| self.all.get(*at));
        rules.find_map(|rule| match &rule.key {
            Key::Template(template) => Some((rule, template.match_canonical(path)?)),
            Key::Rpc(_) | Key::Route => None,
        })
    }
}

/// Rules for the end of a route: somebody mounted the route deeper than whoever wrote them knew.
impl<T> Rules<T> {
    /// The rule whose template the template of a route ends with.
    pub(super) fn of_template_end(&self, template: &str) -> Option<&Rule<T>> {
        ends(template)
            .filter_map(|end| self.of_template(end))
            .find(|rule| rule.key.has_literal())
    }

    /// The rule that is for the end of a path.
    pub(super) fn of_path_end(&self, path: &CanonicalPath<'_>) -> Option<&Rule<T>> {
        let beyond = self.by_count.len().saturating_sub(1);
        let is_any_longer = self.by_count.last().is_some_and(|rules| !rules.is_empty());
        // A gRPC path has two segments.
        let longest = if is_any_longer {
            usize::MAX
        } else {
            beyond.max(2)
        };
        ends(path.as_str())
            .zip(1..=longest)
            .find_map(|(end, count)| {
                self.spelt_in(end, count)
                    .or_else(|| (count == 2).then(|| self.of_rpc(end)).flatten())
            })
    }

    /// The rule that is for some of the paths that a route ends with, and for the end of this one.
    ///
    /// The end of the route begins with text, which the rule has too: a parameter that happens to be called as a rule begins tells nothing.
    pub(super) fn of_part_end(&self, template: &str, path: &CanonicalPath<'_>) -> Option<&Rule<T>> {
        let path = path.as_str();
        if template.split('/').count() != path.split('/').count() {
            return None;
        }
        let pairs = ends(template).zip(ends(path)).zip(1..);
        let mut parts = pairs.filter(|((route, _), _)| {
            !route.starts_with("/{") && !route.ends_with('/') && self.tree.narrows(route)
        });
        parts.find_map(|((_, end), count)| self.spelt_in(end, count))
    }

    /// The first rule with text of its own that is for a path of so many segments.
    fn spelt_in(&self, path: &str, count: usize) -> Option<&Rule<T>> {
        let beyond = self.by_count.len().saturating_sub(1);
        let candidates = self.by_count.get(count.min(beyond))?;
        let mut rules = candidates.iter().filter_map(|at| self.all.get(*at));
        rules.find(|rule| match &rule.key {
            Key::Template(template) => rule.key.has_literal() && template.is_spelt_in(path),
            Key::Rpc(_) | Key::Route => false,
        })
    }
}

/// What a path or a template ends with, from the last segment to all of it.
fn ends(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/')
        .filter_map(|(at, _)| path.get(at..))
}

impl<T> fmt::Debug for Rules<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.all.iter().map(|rule| rule.label().unwrap_or("route")))
            .finish()
    }
}

/// The hash of a template without the names of its parameters (FNV-1a).
///
/// Templates are the program's own, never a client's: nobody can make them collide.
fn form_of(template: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    form(template).fold(BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

pub(super) fn is_same_form(one: &str, other: &str) -> bool {
    one == other || form(one).eq(form(other))
}

/// The bytes of a template without the names of its parameters.
fn form(template: &str) -> impl Iterator<Item = u8> {
    let mut is_name = false;
    template.bytes().filter(move |byte| {
        match byte {
            b'{' => {
                is_name = true;
                return true;
            }
            b'}' => is_name = false,
            _ => {}
        }
        !is_name || *byte == b'*'
    })
}

/// A hash that is one already.
#[derive(Clone, Copy, Debug, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_compared_without_the_names_of_their_parameters() {
        for (one, other, is_same) in [
            ("/orders/{id}", "/orders/{id}", true),
            ("/orders/{id}", "/orders/{order_id}", true),
            ("/t/{a}/o/{b}", "/t/{b}/o/{a}", true),
            ("/f/{*path}", "/f/{*rest}", true),
            ("/f/{*path}", "/f/{path}", false),
            ("/orders/{id}", "/orders/id", false),
            ("/orders/{id}", "/orders/{id}/", false),
            ("/orders/{id}", "/order/{sid}", false),
            ("/orders/{id}/x", "/orders/{id}/y", false),
            ("/{a}/{b}", "/{a}{b}", false),
            ("/", "", false),
        ] {
            assert_eq!(is_same_form(one, other), is_same, "{one} {other}");
            assert_eq!(form_of(one) == form_of(other), is_same, "{one} {other}");
        }
    }

    #[test]
    fn methods_have_the_actions_of_their_rule() {
        let own = Actions::ByMethod(vec![
            (Method::POST, Action::Custom("cancel")),
            (Method::OPTIONS, Action::Read),
        ]);
        let always = Actions::Always(Action::Update);
        for (method, by_method, of_rule) in [
            (Method::GET, Some(Action::Read), Some(Action::Read)),
            (Method::HEAD, Some(Action::Read), Some(Action::Read)),
            (
                Method::POST,
                Some(Action::Create),
                Some(Action::Custom("cancel")),
            ),
            (Method::PUT, Some(Action::Update), Some(Action::Update)),
            (Method::PATCH, Some(Action::Update), Some(Action::Update)),
            (Method::DELETE, Some(Action::Delete), Some(Action::Delete)),
            (Method::OPTIONS, None, Some(Action::Read)),
            (Method::TRACE, None, None),
            (Method::CONNECT, None, None),
            (Method::from_bytes(b"get").unwrap(), None, None),
        ] {
            assert_eq!(
                Actions::ByMethod(Vec::new()).of(&method),
                by_method,
                "{method}"
            );
            assert_eq!(own.of(&method), of_rule, "{method}");
            assert_eq!(always.of(&method), Some(Action::Update));
        }
    }
}
