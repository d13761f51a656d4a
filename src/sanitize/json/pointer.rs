//! Pointers to fields (RFC 6901), with `*` for any one step.

use crate::sanitize::json::walk::Kind;

/// Why a text is no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sanitize) enum PointerFault {
    /// It is empty, which is the whole document.
    Empty,
    /// A `~` is neither `~0` nor `~1`.
    Escape,
    /// It does not begin with `/`.
    Slash,
    /// A `*` is not a whole step.
    Star,
}

/// A pointer to fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sanitize) struct Pointer {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Any key or index.
    Any,
    Name(Box<str>),
}

impl Pointer {
    /// Reads a pointer such as `/comments/*/body`.
    pub(in crate::sanitize) fn parse(text: &str) -> Result<Self, PointerFault> {
        if text.is_empty() {
            return Err(PointerFault::Empty);
        }
        let steps = text.strip_prefix('/').ok_or(PointerFault::Slash)?;
        let steps = steps.split('/').map(Step::parse);
        Ok(Self {
            steps: steps.collect::<Result<_, _>>()?,
        })
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, PointerFault> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.contains('*') {
            return Err(PointerFault::Star);
        }
        let mut pieces = text.split('~');
        let mut name = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (char, rest) = match piece.as_bytes().first() {
                Some(b'0') => ('~', piece.strip_prefix('0')),
                Some(b'1') => ('/', piece.strip_prefix('1')),
                _ => return Err(PointerFault::Escape),
            };
            name.push(char);
            name.push_str(rest.unwrap_or_default());
        }
        Ok(Self::Name(name.into()))
    }
}

/// Several pointers as one tree. A field is the place of its pointer in the list.
#[derive(Clone, Debug, Default)]
pub(in crate::sanitize) struct Fields {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    field: Option<usize>,
    names: Vec<Name>,
    any: Option<usize>,
}

#[derive(Clone, Debug)]
struct Name {
    text: Box<str>,
    /// The index of an array that is written in this way (RFC 6901, section 4: no leading zeros).
    index: Option<usize>,
    node: usize,
}

impl Fields {
    pub(in crate::sanitize) fn new<'p>(pointers: impl IntoIterator<Item = &'p Pointer>) -> Self {
        let mut fields = Self {
            nodes: vec![Node::default()],
        };
        for (field, pointer) in pointers.into_iter().enumerate() {
            let end = pointer
                .steps
                .iter()
                .fold(0, |node, step| fields.child(node, step));
            if let Some(node) = fields.nodes.get_mut(end) {
                node.field.get_or_insert(field);
            }
        }
        fields
    }

    fn child(&mut self, parent: usize, step: &Step) -> usize {
        let new = self.nodes.len();
        let Some(parent) = self.nodes.get_mut(parent) else {
            return 0;
        };
        match step {
            Step::Any => {
                if let Some(known) = parent.any {
                    return known;
                }
                parent.any = Some(new);
            }
            Step::Name(text) => {
                if let Some(known) = parent.names.iter().find(|name| name.text == *text) {
                    return known.node;
                }
                let index = text.parse::<usize>().ok();
                let index = index.filter(|index| *index.to_string() == **text);
                parent.names.push(Name {
                    text: text.clone(),
                    index,
                    node: new,
                });
            }
        }
        self.nodes.push(Node::default());
        new
    }
}

/// How a node was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// By the names of its steps.
    Named,
    /// There is an array where an object with a key of that name was to be: each of its values may be the one under the key, as `serde`
    /// reads structures.
    Placed,
}

/// Which nodes of the tree are reached at each level of a document. Of several pointers to one value the one that names a step goes
/// before the one that says `*`, from the left.
#[derive(Debug)]
pub(super) struct Reached<'f> {
    fields: &'f Fields,
    /// Those of all open levels, and behind them those of the next value.
    nodes: Vec<(usize, Certainty)>,
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    kind: Kind,
    index: usize,
    /// Its nodes are `nodes[start..end]`.
    start: usize,
    end: usize,
}

impl<'f> Reached<'f> {
    pub(super) fn new(fields: &'f Fields) -> Self {
        Self {
            fields,
            nodes: vec![(0, Certainty::Named)],
            levels: Vec::new(),
        }
    }

    fn next_start(&self) -> usize {
        self.levels.last().map_or(0, |level| level.end)
    }

    /// The field that the next value is.
    pub(super) fn field(&self) -> Option<(usize, Certainty)> {
        let next = self.nodes.get(self.next_start()..)?;
        let reached = |by: Certainty| {
            let mut nodes = next.iter().filter(move |(_, reached)| *reached == by);
            nodes.find_map(|(node, _)| Some((self.fields.nodes.get(*node)?.field?, by)))
        };
        reached(Certainty::Named).or_else(|| reached(Certainty::Placed))
    }

    /// Whether no field is within the next value.
    pub(super) fn is_leaf(&self) -> bool {
        let next = self.nodes.get(self.next_start()..).unwrap_or_default();
        next.iter()
            .filter_map(|(node, _)| self.fields.nodes.get(*node))
            .all(|node| node.any.is_none() && node.names.is_empty())
    }

    /// Whether keys of the innermost object matter.
    pub(super) fn in_object(&self) -> bool {
        let level = self.levels.last();
        level.is_some_and(|level| level.kind == Kind::Object)
    }

    /// The next value is an array or an object, which is entered.
    pub(super) fn enter(&mut self, kind: Kind) {
        self.levels.push(Level {
            kind,
            index: 0,
            start: self.next_start(),
            end: self.nodes.len(),
        });
        if kind == Kind::Array {
            self.index(0);
        }
    }

    /// The innermost array or object ends.
    pub(super) fn leave(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.nodes.truncate(level.start);
        }
    }

    /// The next value stands under a key.
    pub(super) fn key(&mut self, key: &str) {
        self.step(|name| *name.text == *key);
    }

    /// The next value stands behind a comma.
    pub(super) fn comma(&mut self) {
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        if level.kind == Kind::Array {
            level.index += 1;
            let index = level.index;
            self.index(index);
        }
    }

    fn index(&mut self, index: usize) {
        self.step(|name| name.index == Some(index));
    }

    fn step(&mut self, is_named: impl Fn(&Name) -> bool) {
        let in_object = self.in_object();
        let Some(level) = self.levels.last() else {
            return;
        };
        let (start, end) = (level.start, level.end);
        self.nodes.truncate(end);
        for at in start..end {
            let Some((node, by)) = self.nodes.get(at).copied() else {
                continue;
            };
            let Some(node) = self.fields.nodes.get(node) else {
                continue;
            };
            let named = node.names.iter().find(|name| is_named(name));
            self.nodes.extend(named.map(|name| (name.node, by)));
            self.nodes.extend(node.any.map(|any| (any, by)));
            if !in_object {
                let keys = node.names.iter().filter(|name| name.index.is_none());
                self.nodes
                    .extend(keys.map(|name| (name.node, Certainty::Placed)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_as_the_specification_says() {
        let name = |text: &str| Step::Name(text.into());
        let rows = [
            ("/a", vec![name("a")]),
            ("/a/*/0", vec![name("a"), Step::Any, name("0")]),
            ("/", vec![name("")]),
            ("/a/", vec![name("a"), name("")]),
            ("/~0~1~01", vec![name("~/~1")]),
            ("/ ", vec![name(" ")]),
        ];
        for (text, steps) in rows {
            assert_eq!(Pointer::parse(text), Ok(Pointer { steps }), "{text}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_told() {
        let rows = [
            ("", PointerFault::Empty),
            ("a", PointerFault::Slash),
            ("#/a", PointerFault::Slash),
            ("/a~", PointerFault::Escape),
            ("/a~2", PointerFault::Escape),
            ("/~~1", PointerFault::Escape),
            ("/**", PointerFault::Star),
            ("/a*", PointerFault::Star),
        ];
        for (text, fault) in rows {
            assert_eq!(Pointer::parse(text), Err(fault), "{text}");
        }
    }
}
