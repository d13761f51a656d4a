//! The guard: the parser of the application, run once without keeping a value, with a look at every key and string.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::sanitize::rule::{Action, Rule};
use crate::sanitize::rule_set::RuleSet;
use crate::sanitize::{JsonRules, Part, Violation};

use super::keys::{KeyStack, Object};
use super::plain::is_plain;
use super::walk;

/// What begins the keys by which `serde_json` passes numbers and raw values to itself.
pub(super) const RESERVED: &str = "$serde_json::private";
pub(super) const CONSTRUCTOR: &str = "constructor";
pub(super) const PROTO: &str = "__proto__";
const PROTOTYPE: &str = "prototype";
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Looks at a body. The rules that are broken and not enforced come back.
pub(super) fn inspect(rules: &JsonRules, body: &[u8]) -> Result<RuleSet, Violation> {
    if is_plain(rules, body) {
        return Ok(RuleSet::EMPTY);
    }
    read(rules, body)
}

/// The same for all that is not plain, and whatever else.
pub(super) fn read(rules: &JsonRules, body: &[u8]) -> Result<RuleSet, Violation> {
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
            if guard.broken(Rule::JsonBom, Place::Here).is_err() {
                return Err(Violation::new(Rule::JsonBom, Part::Body, 0, BOM.len()));
            }
            behind
        }
    };
    let skipped = body.len() - text.len();
    // Once for the whole text, where the parser would do it for each string. Outside of strings it is ASCII (RFC 8259, section 2).
    let read = match std::str::from_utf8(text) {
        Ok(text) => guard.read(text),
        Err(error) => Err(error.valid_up_to()),
    };
    let Err(end) = read else {
        return Ok(guard.reported);
    };
    let end = skipped + end;
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
enum Place<'de> {
    /// At a piece of the body.
    Piece(&'de str),
    /// In the string that ends where the parser stopped.
    Escaped,
    /// Where the parser stopped.
    Here,
}

#[derive(Clone, Copy, Debug)]
struct Hit<'de> {
    rule: Rule,
    place: Place<'de>,
}

impl Hit<'_> {
    #[cold]
    fn violation(self, body: &[u8], end: usize) -> Violation {
        let (at, len) = match self.place {
            Place::Piece(piece) => {
                let start = body.as_ptr().addr();
                (piece.as_ptr().addr().saturating_sub(start), piece.len())
            }
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
    hit: Option<Hit<'de>>,
}

/// The parser is to stop: the reason is in the guard.
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl<'de> Guard<'_, 'de> {
    /// Reads the text, up to its end or to where the parser stops.
    fn read(&mut self, text: &'de str) -> Result<(), usize> {
        let mut parser = serde_json::Deserializer::from_str(text);
        Node::plain(self)
            .deserialize(&mut parser)
            .and_then(|()| parser.end())
            .map_err(|error| walk::offset(text.as_bytes(), error.line(), error.column()))
    }

    #[cold]
    #[inline(never)]
    fn broken(&mut self, rule: Rule, place: Place<'de>) -> Result<(), Stop> {
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

    #[inline]
    fn borrowed_text(&mut self, text: &'de str) -> Result<(), Stop> {
        self.node()?;
        if text.len() > self.rules.max_string_len || self.has_del {
            self.text(text, Place::Piece(text))?;
        }
        Ok(())
    }

    #[inline(never)]
    fn escaped_text(&mut self, text: &str) -> Result<(), Stop> {
        self.node()?;
        self.text(text, Place::Escaped)
    }

    fn text(&mut self, text: &str, place: Place<'de>) -> Result<(), Stop> {
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
    fn all_broken(&mut self, rules: RuleSet, place: Place<'de>) -> Result<(), Stop> {
        rules.iter().try_for_each(|rule| self.broken(rule, place))
    }

    #[inline]
    fn borrowed_key(
        &mut self,
        key: &'de str,
        object: &mut Object,
        of: Under,
    ) -> Result<Under, Stop> {
        let keys = object.count();
        let is_special = match key.as_bytes().first() {
            Some(b'$' | b'_') => true,
            Some(b'c') => key.len() == CONSTRUCTOR.len(),
            Some(b'p') => key.len() == PROTOTYPE.len(),
            _ => false,
        };
        if is_special
            || self.has_del
            || keys > self.rules.max_keys
            || key.len() > self.rules.max_key_len
        {
            return self.any_key(Cow::Borrowed(key), Place::Piece(key), object, of);
        }
        if self.compares_keys && self.keys.add(object, key) {
            self.broken(Rule::JsonDuplicateKey, Place::Piece(key))?;
        }
        Ok(Under::Other)
    }

    /// Looks at a key in the order in which the rules decide.
    #[inline(never)]
    fn any_key(
        &mut self,
        key: Cow<'de, str>,
        place: Place<'de>,
        object: &mut Object,
        of: Under,
    ) -> Result<Under, Stop> {
        if key.starts_with(RESERVED) {
            // With its feature `arbitrary_precision` the parser passes a number as an object with such a key, which is not of the
            // body. That of a client is.
            if let Place::Piece(piece) = place
                && !self.body.as_ptr_range().contains(&piece.as_ptr())
            {
                return Ok(Under::Number);
            }
            self.broken(Rule::JsonReservedKey, place)?;
        }
        if object.keys() > self.rules.max_keys {
            self.broken(Rule::JsonTooManyKeys, place)?;
        }
        if key.len() > self.rules.max_key_len {
            self.broken(Rule::JsonKeyTooLong, place)?;
        }
        if key == PROTO || (of == Under::Constructor && key == PROTOTYPE) {
            self.broken(Rule::JsonProtoKey, place)?;
        }
        let under = match &*key {
            CONSTRUCTOR => Under::Constructor,
            _ => Under::Other,
        };
        let controls = controls(&key);
        let is_operator = key.starts_with('$');
        if self.compares_keys {
            let is_known = match key {
                Cow::Borrowed(key) => self.keys.add(object, key),
                Cow::Owned(key) => self.keys.add_escaped(object, key),
            };
            if is_known {
                self.broken(Rule::JsonDuplicateKey, place)?;
            }
        }
        if !controls.is_empty() {
            self.all_broken(controls, place)?;
        }
        if is_operator {
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
        let looked = self.guard.borrowed_key(key, self.object, self.of);
        looked.map_err(E::custom)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Under, E> {
        self.object.count();
        let key = Cow::Owned(key.to_owned());
        let looked = self
            .guard
            .any_key(key, Place::Escaped, self.object, self.of);
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
