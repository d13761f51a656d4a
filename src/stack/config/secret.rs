//! Secrets by reference: the one place that reads the environment.
#![expect(
    clippy::disallowed_methods,
    reason = "a configuration names the variable; nothing else of the environment is read"
)]

use std::env;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

use super::{KeysConfig, StackConfigError};
use crate::core::{Mistakes, Secret};

/// Bytes of a file or a variable; more than any key set has.
const MOST: u64 = 256 * 1024;

/// Where a secret stands: `{ env = "JWT_KEY" }` or `{ file = "/run/secrets/jwt" }`, never the secret itself.
///
/// A file's last line end does not count. What stands in clear is read, dropped and refused when the configuration is built: an error of
/// parsing would show the line that it stands in.
///
/// # Example
///
/// ```
/// use tower_security::stack::config::SecretRef;
///
/// let key: SecretRef = serde_json::from_str(r#"{ "env": "JWT_KEY" }"#)?;
/// assert_eq!(key, SecretRef::env("JWT_KEY"));
///
/// let clear: SecretRef = serde_json::from_str(r#""hunter2""#)?;
/// assert!(!format!("{clear:?}").contains("hunter2"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Env(String),
    File(PathBuf),
    /// It stood in the configuration. What it was is gone.
    InClear,
    /// Both, or neither.
    Unclear,
}

impl SecretRef {
    /// Names a variable of the environment.
    #[must_use]
    pub fn env(name: impl Into<String>) -> Self {
        Self(Place::Env(name.into()))
    }

    /// Names a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into()))
    }

    /// Reads the secret, or records why that is not possible.
    pub(super) fn read(&self, path: &str, mistakes: &mut Mistakes) -> Option<Secret<Vec<u8>>> {
        let (place, read) = match &self.0 {
            Place::Env(name) => (name.clone(), variable(name)),
            Place::File(file) => (file.display().to_string(), contents(file)),
            Place::InClear => {
                mistakes.push(path, StackConfigError::SecretInClear);
                return None;
            }
            Place::Unclear => {
                let choices = "`env` and `file`";
                mistakes.push(path, StackConfigError::InvalidChoice { choices });
                return None;
            }
        };
        match read {
            Ok(secret) => Some(secret),
            Err(reason) => {
                mistakes.push(path, StackConfigError::SecretUnreadable { place, reason });
                None
            }
        }
    }
}

fn variable(name: &str) -> Result<Secret<Vec<u8>>, &'static str> {
    // `var` panics at none of these; `set_var` does.
    match env::var(name) {
        Ok(text) if text.is_empty() => Err("the variable is empty"),
        Ok(text) => Ok(Secret::new(text.into_bytes())),
        Err(env::VarError::NotPresent) => Err("there is no such variable"),
        Err(env::VarError::NotUnicode(_)) => Err("the variable is no UTF-8"),
    }
}

fn contents(path: &Path) -> Result<Secret<Vec<u8>>, &'static str> {
    let file = File::open(path).map_err(|_| "the file cannot be opened")?;
    let mut bytes = Vec::new();
    let read = file.take(MOST.saturating_add(1)).read_to_end(&mut bytes);
    let mut secret = Secret::new(bytes);
    let length = read.map_err(|_| "the file cannot be read")?;
    if u64::try_from(length).is_ok_and(|length| length > MOST) {
        return Err("the file has more than 256 KiB");
    }
    let kept = without_line_end(secret.expose()).len();
    if kept == 0 {
        return Err("the file is empty");
    }
    if kept < length {
        secret = Secret::from(without_line_end(secret.expose()));
    }
    Ok(secret)
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Place::Env(name) => serializer.collect_map([("env", name.as_str())]),
            Place::File(path) => match path.to_str() {
                Some(path) => serializer.collect_map([("file", path)]),
                None => Err(S::Error::custom("invalid path of a secret: it is no UTF-8")),
            },
            Place::InClear | Place::Unclear => Err(S::Error::custom(
                "refused secret without a place: it is not written again",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reference { name: None })
    }
}

/// Reads the place of a secret, or what is named by one of its fields.
struct Reference {
    name: Option<fn(String) -> Place>,
}

impl<'de> DeserializeSeed<'de> for Reference {
    type Value = SecretRef;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<SecretRef, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reference {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" } or { file = \"path\" }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretRef, E> {
        let place = self.name.map(|name| name(text.to_owned()));
        Ok(SecretRef(place.unwrap_or(Place::InClear)))
    }

    fn visit_string<E: serde::de::Error>(self, mut text: String) -> Result<SecretRef, E> {
        if let Some(name) = self.name {
            return Ok(SecretRef(name(text)));
        }
        text.zeroize();
        Ok(SecretRef(Place::InClear))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<SecretRef, E> {
        Ok(SecretRef(Place::InClear))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretRef, E> {
        Ok(SecretRef(Place::InClear))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<SecretRef, E> {
        Ok(SecretRef(Place::InClear))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretRef, E> {
        Ok(SecretRef(Place::InClear))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<SecretRef, E> {
        Ok(SecretRef(Place::InClear))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SecretRef, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(SecretRef(Place::InClear))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let mut place = Place::Unclear;
        let mut count = 0_u8;
        while let Some(name) = map.next_key::<String>()? {
            count = count.saturating_add(1);
            let name: fn(String) -> Place = match (name.as_str(), self.name) {
                ("env", None) => Place::Env,
                ("file", None) => |path| Place::File(path.into()),
                _ => |_| Place::InClear,
            };
            let next = map.next_value_seed(Self { name: Some(name) })?.0;
            if place != Place::InClear {
                place = next;
            }
        }
        Ok(SecretRef(match (place, count) {
            (Place::InClear, _) => Place::InClear,
            (place, 1) => place,
            _ => Place::Unclear,
        }))
    }
}

/// Reads the table of keys. What stands in its place is not repeated, for it may be a key.
pub(super) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeysConfig, D::Error> {
    deserializer.deserialize_any(Keys)
}

struct Keys;

fn in_clear<E: serde::de::Error>() -> E {
    E::custom(
        "invalid keys in clear: write a table such as { hmac = { env = \"JWT_KEY\" } }, and replace them, for they were read",
    )
}

impl<'de> Visitor<'de> for Keys {
    type Value = KeysConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table such as { hmac = { env = \"JWT_KEY\" } }")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<KeysConfig, E> {
        Err(in_clear())
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<KeysConfig, E> {
        Err(in_clear())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<KeysConfig, E> {
        Err(in_clear())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<KeysConfig, E> {
        Err(in_clear())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<KeysConfig, E> {
        Err(in_clear())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<KeysConfig, E> {
        Err(in_clear())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<KeysConfig, A::Error> {
        Err(in_clear())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeysConfig, A::Error> {
        KeysConfig::deserialize(MapAccessDeserializer::new(map))
    }
}
