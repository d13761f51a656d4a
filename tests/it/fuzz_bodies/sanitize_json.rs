//! The guard of JSON bodies against a model that keeps the document.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use tower_security::sanitize::{JsonRules, Rule};

/// A document with all its keys, repeated ones too.
#[derive(Debug)]
enum Document {
    Scalar,
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keep;

        impl<'de> Visitor<'de> for Keep {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E: Error>(self) -> Result<Document, E> {
                Ok(Document::Scalar)
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Document, E> {
                Ok(Document::Scalar)
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Document, E> {
                Ok(Document::Scalar)
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Document, E> {
                Ok(Document::Scalar)
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Document, E> {
                Ok(Document::Scalar)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Document, E> {
                Ok(Document::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Document, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = values.next_element()? {
                    list.push(value);
                }
                Ok(Document::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
                let mut object = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    object.push(entry);
                }
                Ok(Document::Object(object))
            }
        }

        deserializer.deserialize_any(Keep)
    }
}

/// The limits of a preset.
struct Limits {
    depth: usize,
    nodes: usize,
    keys: usize,
    array: usize,
    key: usize,
    text: usize,
}

const NONE: Limits = Limits {
    depth: 127,
    nodes: usize::MAX,
    keys: usize::MAX,
    array: usize::MAX,
    key: usize::MAX,
    text: usize::MAX,
};

const STRICT: Limits = Limits {
    depth: 32,
    nodes: 10_000,
    keys: 1_000,
    array: 10_000,
    key: 256,
    text: 65_536,
};

const COMPATIBLE: Limits = Limits {
    depth: 64,
    nodes: 100_000,
    keys: 10_000,
    array: 100_000,
    key: 1_024,
    text: usize::MAX,
};

/// Every rule that a document breaks.
#[derive(Default)]
struct Broken {
    rules: HashSet<Rule>,
    nodes: usize,
}

impl Broken {
    fn by(&mut self, document: &Document, limits: &Limits, depth: usize, under: &str) {
        self.nodes += 1;
        self.when(self.nodes > limits.nodes, Rule::JsonTooManyNodes);
        match document {
            Document::Scalar => {}
            Document::Text(text) => {
                self.when(text.len() > limits.text, Rule::JsonStringTooLong);
                self.controls(text);
            }
            Document::List(list) => {
                self.when(depth + 1 > limits.depth, Rule::JsonDepth);
                self.when(list.len() > limits.array, Rule::JsonArrayTooLong);
                for value in list {
                    self.by(value, limits, depth + 1, "");
                }
            }
            Document::Object(object) => {
                self.when(depth + 1 > limits.depth, Rule::JsonDepth);
                self.when(object.len() > limits.keys, Rule::JsonTooManyKeys);
                let mut keys = HashSet::new();
                for (key, value) in object {
                    self.when(!keys.insert(key), Rule::JsonDuplicateKey);
                    self.when(key.len() > limits.key, Rule::JsonKeyTooLong);
                    self.when(
                        key.starts_with("$serde_json::private"),
                        Rule::JsonReservedKey,
                    );
                    self.when(key.starts_with('$'), Rule::JsonOperatorKey);
                    let is_proto =
                        key == "__proto__" || (under == "constructor" && key == "prototype");
                    self.when(is_proto, Rule::JsonProtoKey);
                    self.controls(key);
                    self.by(value, limits, depth + 1, key);
                }
            }
        }
    }

    fn controls(&mut self, text: &str) {
        self.when(text.contains('\0'), Rule::JsonNul);
        let is_control = |char: char| char.is_ascii_control() && !"\0\t\n\r".contains(char);
        self.when(text.contains(is_control), Rule::JsonControl);
    }

    fn when(&mut self, is_broken: bool, rule: Rule) {
        if is_broken {
            self.rules.insert(rule);
        }
    }
}

/// Whether numbers come as objects: then a document cannot be told from its numbers here.
fn numbers_are_objects() -> bool {
    serde_json::from_str::<serde_json::Value>("1e400").is_ok()
}

/// The guard refuses what the parser refuses, and of the rest what the model finds.
pub fn json(data: &[u8]) {
    let rows: [(JsonRules, &Limits, fn(&Rule) -> bool); 4] = [
        (JsonRules::syntax_only(), &NONE, |rule| {
            *rule == Rule::JsonReservedKey
        }),
        (JsonRules::strict(), &STRICT, |rule| {
            *rule != Rule::JsonOperatorKey
        }),
        (JsonRules::compatible(), &COMPATIBLE, |rule| rule.is_core()),
        (JsonRules::strict().deny_operator_keys(), &STRICT, |_| true),
    ];
    let Ok(document) = serde_json::from_slice::<Document>(data) else {
        for (rules, _, _) in rows {
            assert!(rules.check(data).is_err());
        }
        return;
    };
    if numbers_are_objects() {
        return;
    }
    for (rules, limits, is_enforced) in rows {
        let mut broken = Broken::default();
        broken.by(&document, limits, 0, "");
        broken.rules.retain(is_enforced);
        match rules.check(data) {
            Ok(()) => assert!(broken.rules.is_empty(), "{:?}", broken.rules),
            Err(refused) => {
                assert!(broken.rules.contains(&refused.rule()), "{refused}");
                assert!(refused.at() + refused.len() <= data.len());
            }
        }
    }
}
