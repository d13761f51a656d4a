use std::collections::HashMap;

use super::template::{Segment, Template};

/// Many templates, found by the path that they match or by the route that they cover.
///
/// What it costs to find them grows with the segments of the path and not with the templates. It allocates nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct TemplateTree {
    /// The first is the root, unless there is none.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, usize>,
    param: Option<usize>,
    /// The places of the templates that end here.
    ends: Vec<usize>,
    /// The places of those whose catch-all begins here.
    rests: Vec<usize>,
}

/// What is found for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// All templates that match a path of the route.
    Whole,
    /// There may be others, that match some paths of the route and not all; or others than the router read the path.
    Partial,
}

impl TemplateTree {
    /// Adds a template with its place in a list.
    pub(crate) fn insert(&mut self, template: &Template, place: usize) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for segment in template.segments() {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return;
            };
            at = match segment {
                Segment::Literal(text) => *node.literals.entry(text.clone()).or_insert(next),
                Segment::Param(_) => *node.param.get_or_insert(next),
                Segment::CatchAll(_) => {
                    node.rests.push(place);
                    return;
                }
            };
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends.push(place);
        }
    }

    /// Visits the places of all templates that match this decoded path, in no order.
    pub(crate) fn matching(&self, path: &str, visit: &mut impl FnMut(usize)) {
        if let Some(rest) = path.strip_prefix('/') {
            self.descend(0, Some(rest), visit);
        }
    }

    fn descend(&self, at: usize, rest: Option<&str>, visit: &mut impl FnMut(usize)) {
        let Some(node) = self.nodes.get(at) else {
            return;
        };
        let Some(rest) = rest else {
            node.ends.iter().copied().for_each(visit);
            return;
        };
        let (part, after) = split(rest);
        if let Some(literal) = node.literals.get(part) {
            self.descend(*literal, after, visit);
        }
        if !part.is_empty() {
            if let Some(param) = node.param {
                self.descend(param, after, visit);
            }
            node.rests.iter().copied().for_each(visit);
        }
    }

    /// Whether a template is for some paths of a router's own template and not for all: it has text where that has a parameter.
    pub(crate) fn narrows(&self, route: &str) -> bool {
        let rest = route.strip_prefix('/');
        rest.is_some_and(|rest| self.is_narrower(0, Some(rest), false))
    }

    fn is_narrower(&self, at: usize, rest: Option<&str>, so_far: bool) -> bool {
        let Some(node) = self.nodes.get(at) else {
            return false;
        };
        let Some(rest) = rest else {
            return so_far && !node.ends.is_empty();
        };
        let (part, after) = split(rest);
        let by_param = || {
            let param = node.param;
            param.is_some_and(|param| self.is_narrower(param, after, so_far))
        };
        let by_rest = so_far && !node.rests.is_empty();
        match RoutePart::of(part) {
            RoutePart::Literal => {
                let literal = node.literals.get(part);
                literal.is_some_and(|next| self.is_narrower(*next, after, so_far))
                    || !part.is_empty() && (by_rest || by_param())
            }
            RoutePart::Param => {
                let mut literals = node.literals.iter().filter(|(text, _)| !text.is_empty());
                by_rest
                    || by_param()
                    || literals.any(|(_, next)| self.is_narrower(*next, after, true))
            }
            RoutePart::CatchAll => by_rest || !node.literals.is_empty() || node.param.is_some(),
            RoutePart::Unknown => {
                !node.rests.is_empty() || !node.literals.is_empty() || node.param.is_some()
            }
        }
    }

    /// Visits the places of all templates that match every path of a router's own template, in no order.
    ///
    /// Behind a catch-all somebody else finds his way by the path, so that only the path tells. It is the same with a part of the route that
    /// is written in a way which is not known here.
    pub(crate) fn covering(&self, route: &str, visit: &mut impl FnMut(usize)) -> Coverage {
        match route.strip_prefix('/') {
            Some(rest) => self.cover(0, Some(rest), visit),
            None => Coverage::Partial,
        }
    }

    fn cover(&self, at: usize, rest: Option<&str>, visit: &mut impl FnMut(usize)) -> Coverage {
        let Some(node) = self.nodes.get(at) else {
            return Coverage::Whole;
        };
        let Some(rest) = rest else {
            node.ends.iter().copied().for_each(visit);
            return Coverage::Whole;
        };
        let (part, after) = split(rest);
        let by_literal = match RoutePart::of(part) {
            RoutePart::Literal => node
                .literals
                .get(part)
                .map_or(Coverage::Whole, |next| self.cover(*next, after, visit)),
            RoutePart::Param if node.literals.is_empty() => Coverage::Whole,
            RoutePart::Param => Coverage::Partial,
            RoutePart::CatchAll | RoutePart::Unknown => {
                node.rests.iter().copied().for_each(visit);
                return Coverage::Partial;
            }
        };
        if part.is_empty() {
            return by_literal;
        }
        node.rests.iter().copied().for_each(&mut *visit);
        let by_param = node
            .param
            .map_or(Coverage::Whole, |param| self.cover(param, after, visit));
        by_literal.and(by_param)
    }
}

impl Coverage {
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole, Self::Whole) => Self::Whole,
            _ => Self::Partial,
        }
    }
}

/// Whether a path, as it was sent, is one of a router's own template, for all that can be told.
pub(crate) fn is_of_route(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.strip_prefix('/'), path.strip_prefix('/'));
    loop {
        let (Some(theirs), Some(ours)) = (route, path) else {
            return route.is_none() && path.is_none();
        };
        let ((theirs, route_after), (ours, path_after)) = (split(theirs), split(ours));
        let fits = match RoutePart::of(theirs) {
            RoutePart::CatchAll => return true,
            RoutePart::Literal => theirs == ours,
            RoutePart::Param | RoutePart::Unknown => !ours.is_empty(),
        };
        if !fits {
            return false;
        }
        (route, path) = (route_after, path_after);
    }
}

/// What a segment of a router's own template stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RoutePart {
    Literal,
    Param,
    CatchAll,
    /// `{{`, or a parameter beside text.
    Unknown,
}

impl RoutePart {
    fn of(part: &str) -> Self {
        if !part.contains(['{', '}']) {
            return Self::Literal;
        }
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
            .filter(|name| !name.contains(['{', '}']));
        match name {
            Some(name) if name.starts_with('*') => Self::CatchAll,
            Some(_) => Self::Param,
            None => Self::Unknown,
        }
    }
}

/// The first segment and what follows behind its slash.
fn split(rest: &str) -> (&str, Option<&str>) {
    match rest.split_once('/') {
        Some((part, after)) => (part, Some(after)),
        None => (rest, None),
    }
}
