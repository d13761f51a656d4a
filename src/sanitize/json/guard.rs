//! The guard: the parser of the application, run once without keeping a value, with a look at every key and string.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::sanitize::rule::{Action, Rule};
use crate::sanitize::rule_set::RuleSet;
use crate::sanitize::{JsonRules, Part, Violation};

use super::keys::{KeyStack, Object};
use super::walk;

/// What begins the keys by which `serde_json` passes numbers and raw values to itself.
const RESERVED: &str = "$serde_json::private";
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Looks at a body. The rules that are broken and not enforced come back.
pub(super) fn inspect(rules: &JsonRules, body: &[u8]) -> Result<RuleSet, Violation> {
    let mut guard = Guard {
        rules,
        body,
        has_del: memchr::memchr(0x7f, body).is_some(),
        compares_keys: rules.actions.is_on(Rule::JsonDuplicateKey),
        nodes: 0,
        depth: 0,
        keys: KeyStack::new(),
        reported: RuleSet::EMPTY,
        hit: None,
    };
    let text = match body.strip_prefix(BOM) {
        None => body,
        Some(behind) => {
            if guard
                .broken(Rule::JsonBom, Place::At(0, BOM.len()))
                .is_err()
            {
                return Err(Violation::new(Rule::JsonBom, Part::Body, 0, BOM.len()));
            }
            behind
        }
    };
    let skipped = body.len() - text.len();
    let mut parser = serde_json::Deserializer::from_slice(text);
    let read = Node::plain(&mut guard).deserialize(&mut parser);
    let Err(error) = read.and_then(|()| parser.end()) else {
        return Ok(guard.reported);
    };
    let end = skipped + walk::offset(text, error.line(), error.column());
    if let Some(hit) = guard.hit {
        return Err(hit.violation(body, end));
    }
    match rules.actions.action(Rule::JsonSyntax) {
        Action::Reject => Err(Violation::new(Rule::JsonSyntax, Part::Body, end, 0)),
        Action::Report => Ok(guard.reported.with(Rule::JsonSyntax)),
        Action::Off => Ok(guard.reported),
    }
}

/// Where a rule is broken.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// At so many bytes from the beginning, so many bytes long.
    At(usize, usize),
    /// In the text that ends where the parser stopped.
    Escaped,
    /// Where the parser stopped.
    Here,
}

#[derive(Clone, Copy, Debug)]
struct Hit {
    rule: Rule,
    place: Place,
}

impl Hit {
    #[cold]
    fn violation(self, body: &[u8], end: usize) -> Violation {
        let (at, len) = match self.place {
            Place::At(at, len) => (at, len),
            Place::Escaped => walk::text_before(body, end),
            Place::Here => (end, 0),
        };
        Violation::new(self.rule, Part::Body, at, len).in_field(walk::pointer(body, at))
    }
}

struct Guard<'r, 'de> {
    rules: &'r JsonRules,
    body: &'de [u8],
    /// Without one in the whole body no string without escapes has to be looked through.
    has_del: bool,
    compares_keys: bool,
    nodes: usize,
    depth: usize,
    keys: KeyStack<'de>,
    reported: RuleSet,
    hit: Option<Hit>,
}

/// The parser is to stop: the reason is in the guard.
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl<'de> Guard<'_, 'de> {
    #[cold]
    #[inline(never)]
    fn broken(&mut self, rule: Rule, place: Place) -> Result<(), Stop> {
        match self.rules.actions.action(rule) {
            Action::Reject => {
                self.hit = Some(Hit { rule, place });
                Err(Stop)
            }
            Action::Report => {
                self.reported.insert(rule);
                Ok(())
            }
            Action::Off => Ok(()),
        }
    }

    #[inline]
    fn node(&mut self) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > self.rules.max_nodes {
            return self.broken(Rule::JsonTooManyNodes, Place::Here);
        }
        Ok(())
    }

    #[inline]
    fn deeper(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > self.rules.max_depth {
            return self.broken(Rule::JsonDepth, Place::Here);
        }
        Ok(())
    }

    /// Where a piece of the body stands in it; `None` for text that is none.
    #[inline]
    fn place(&self, text: &str) -> Option<Place> {
        let range = self.body.as_ptr_range();
        let start = text.as_ptr();
        range
            .contains(&start)
            .then(|| Place::At(start as usize - range.start as usize, text.len()))
    }

    #[inline]
    fn borrowed_text(&mut self, text: &'de str) -> Result<(), Stop> {
        self.node()?;
        if text.len() > self.rules.max_string_len || self.has_del {
            let place = self.place(text).unwrap_or(Place::Here);
            self.text(text, place)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn escaped_text(&mut self, text: &str) -> Result<(), Stop> {
        self.node()?;
        self.text(text, Place::Escaped)
    }

    fn text(&mut self, text: &str, place: Place) -> Result<(), Stop> {
        if text.len() > self.rules.max_string_len {
            self.broken(Rule::JsonStringTooLong, place)?;
        }
        let controls = controls(text);
        if controls.is_empty() {
            return Ok(());
        }
        self.all_broken(controls, place)
    }

    #[cold]
    fn all_broken(&mut self, rules: RuleSet, place: Place) -> Result<(), Stop> {
        rules.iter().try_for_each(|rule| self.broken(rule, place))
    }

    /// Looks at a key in the order in which the rules decide.
    #[inline]
    fn key(
        &mut self,
        key: Cow<'de, str>,
        place: Place,
        object: &mut Object,
        of: Under,
    ) -> Result<Under, Stop> {
        let first = key.as_bytes().first();
        let is_operator = first == Some(&b'$');
        if is_operator && key.starts_with(RESERVED) {
            self.broken(Rule::JsonReservedKey, place)?;
        }
        if object.count() > self.rules.max_keys {
            self.broken(Rule::JsonTooManyKeys, place)?;
        }
        if key.len() > self.rules.max_key_len {
            self.broken(Rule::JsonKeyTooLong, place)?;
        }
        let mut under = Under::Other;
        match first {
            Some(b'_') if key == "__proto__" => self.broken(Rule::JsonProtoKey, place)?,
            Some(b'p') if of == Under::Constructor && key == "prototype" => {
                self.broken(Rule::JsonProtoKey, place)?;
            }
            Some(b'c') if key == "constructor" => under = Under::Constructor,
            _ => {}
        }
        let controls = if self.has_del || matches!(place, Place::Escaped) {
            controls(&key)
        } else {
            RuleSet::EMPTY
        };
        if self.compares_keys && self.keys.add(object, key) {
            self.broken(Rule::JsonDuplicateKey, place)?;
        }
        if !controls.is_empty() {
            self.all_broken(controls, place)?;
        }
        if is_operator && self.rules.actions.is_on(Rule::JsonOperatorKey) {
            self.broken(Rule::JsonOperatorKey, place)?;
        }
        Ok(under)
    }
}

/// The key that a value stands under, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Under {
    Constructor,
    Other,
    /// None: the parser passes a number in the guise of an object.
    Number,
}

/// A value.
struct Node<'g, 'r, 'de> {
    guard: &'g mut Guard<'r, 'de>,
    under: Under,
}

impl<'g, 'r, 'de> Node<'g, 'r, 'de> {
    #[inline]
    const fn plain(guard: &'g mut Guard<'r, 'de>) -> Self {
        Self {
            guard,
            under: Under::Other,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, 'de> {
    type Value = ();

    #[inline]
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.guard.node().map_err(E::custom)
    }

    #[inline]
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.guard.node().map_err(E::custom)
    }

    #[inline]
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.guard.node().map_err(E::custom)
    }

    #[inline]
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.guard.node().map_err(E::custom)
    }

    #[inline]
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.guard.node().map_err(E::custom)
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.guard.borrowed_text(text).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.guard.escaped_text(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let guard = self.guard;
        guard.node().map_err(A::Error::custom)?;
        guard.deeper().map_err(A::Error::custom)?;
        let mut length = 0;
        while values.next_element_seed(Node::plain(guard))?.is_some() {
            length += 1;
            if length > guard.rules.max_array_len {
                guard
                    .broken(Rule::JsonArrayTooLong, Place::Here)
                    .map_err(A::Error::custom)?;
            }
        }
        guard.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { guard, under: of } = self;
        guard.node().map_err(A::Error::custom)?;
        let mut object = guard.keys.enter();
        let mut key = entries.next_key_seed(Key {
            guard,
            object: &mut object,
            of,
        })?;
        if key == Some(Under::Number) {
            entries.next_value::<IgnoredAny>()?;
            return Ok(());
        }
        guard.deeper().map_err(A::Error::custom)?;
        while let Some(under) = key {
            entries.next_value_seed(Node { guard, under })?;
            key = entries.next_key_seed(Key {
                guard,
                object: &mut object,
                of,
            })?;
        }
        guard.keys.leave(&object);
        guard.depth -= 1;
        Ok(())
    }
}

/// A key of an object.
struct Key<'g, 'o, 'r, 'de> {
    guard: &'g mut Guard<'r, 'de>,
    object: &'o mut Object,
    /// The key that the object stands under.
    of: Under,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_, 'de> {
    type Value = Under;

    #[inline]
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Under, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, '_, '_, 'de> {
    type Value = Under;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Under, E> {
        let guard = self.guard;
        // With its feature `arbitrary_precision` the parser passes a number as an object with one key, which is not of the body. A
        // client who writes that key does not get here: it stands in the body.
        let Some(place) = guard.place(key) else {
            return Ok(Under::Number);
        };
        let key = Cow::Borrowed(key);
        let looked = guard.key(key, place, self.object, self.of);
        looked.map_err(E::custom)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Under, E> {
        let key = Cow::Owned(key.to_owned());
        let looked = self.guard.key(key, Place::Escaped, self.object, self.of);
        looked.map_err(E::custom)
    }
}

/// The control characters of a text. A raw one of C0 is an error of syntax: where no escape is, there is DEL alone.
fn controls(text: &str) -> RuleSet {
    let mut found = RuleSet::EMPTY;
    for byte in text.bytes() {
        match byte {
            0 => found.insert(Rule::JsonNul),
            b'\t' | b'\n' | b'\r' => {}
            0x01..0x20 | 0x7f => found.insert(Rule::JsonControl),
            _ => {}
        }
    }
    found
}
