//! Lines of JSON.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::time::SystemTime;

use super::lines::Lines;
use super::{AuditConfig, Exporter, OwnedEvent, ecs, ocsf, owasp, timestamp};
use crate::audit::AuditClient;
use crate::core::json::{write_json_text, write_unit};

/// What the fields of a JSON log are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Schema {
    /// The fields of the [OWASP Logging Vocabulary], and ours beside them.
    ///
    /// `event` is the name, the principal and the code: `authn_login_fail:alice,token_invalid`.
    ///
    /// [OWASP Logging Vocabulary]: https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
    Owasp,
    /// [Elastic Common Schema] 8.17, with dotted names. What it has no field for stands under `labels`. Findings are of the kind `alert`.
    ///
    /// [Elastic Common Schema]: https://www.elastic.co/docs/reference/ecs
    Ecs,
    /// [Open Cybersecurity Schema Framework] 1.3: Account Change (3001), Authentication (3002), Detection Finding (2004), Application
    /// Lifecycle (6002), and API Activity (6003) for all that a request was refused for, as there is no class for decisions on objects.
    /// What it has no attribute for stands under `unmapped`.
    ///
    /// [Open Cybersecurity Schema Framework]: https://schema.ocsf.io
    Ocsf,
}

impl Schema {
    /// Adds an event to `out`, as a JSON object without a line break, its keys sorted.
    ///
    /// It is written as it is: [`AuditConfig::redact`] it before, as a [`QueueSink`](crate::audit::QueueSink) does.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::audit::{AuditConfig, OwnedEvent, Schema};
    /// use tower_security::core::{EventName, SecurityEvent};
    ///
    /// let event = SecurityEvent::new(EventName::AuthnLoginFail, "auth", "token_invalid")
    ///     .principal("alice");
    /// let mut line = Vec::new();
    /// Schema::Owasp.write(&OwnedEvent::from(&event), &AuditConfig::default(), &mut line);
    /// let line = String::from_utf8(line)?;
    /// assert!(line.contains(r#""event":"authn_login_fail:alice,token_invalid""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(self, event: &OwnedEvent, config: &AuditConfig, out: &mut Vec<u8>) {
        let is_ascii = false;
        self.write_to(Json::new(out, is_ascii), event, config);
    }

    fn write_to(self, mut json: Json<'_>, event: &OwnedEvent, config: &AuditConfig) {
        json.object(|json| match self {
            Self::Owasp => owasp::write(json, event, config),
            Self::Ecs => ecs::write(json, event, config),
            Self::Ocsf => ocsf::write(json, event, config),
        });
    }
}

/// Writes an event a line as JSON.
///
/// # Example
///
/// ```
/// use tower_security::audit::{JsonLines, QueueSink, Schema};
///
/// let log = Vec::new(); // a file, a pipe, standard output
/// let (sink, guard) = QueueSink::builder(JsonLines::new(log, Schema::Ecs)).build()?;
/// # let _ = (sink, guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonLines<W> {
    lines: Lines<W>,
    schema: Schema,
    is_ascii: bool,
}

impl<W: Write + Send + 'static> JsonLines<W> {
    /// Writes to `writer`, a whole batch at a time: it needs no buffer of its own.
    pub const fn new(writer: W, schema: Schema) -> Self {
        Self {
            lines: Lines::new(writer),
            schema,
            is_ascii: false,
        }
    }

    /// Writes what is not ASCII as `\u` escapes, for a reader that takes the log for another encoding. By default it is UTF-8.
    #[must_use]
    pub const fn ascii(mut self) -> Self {
        self.is_ascii = true;
        self
    }
}

impl<W: Write + Send + 'static> Exporter for JsonLines<W> {
    fn write(&mut self, batch: &[OwnedEvent], config: &AuditConfig) -> io::Result<()> {
        let (schema, is_ascii) = (self.schema, self.is_ascii);
        self.lines.write(|out| {
            for event in batch {
                schema.write_to(Json::new(out, is_ascii), event, config);
                out.push(b'\n');
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

/// Writes objects. Whoever calls it gives the keys in their order.
#[derive(Debug)]
pub(super) struct Json<'a> {
    out: &'a mut Vec<u8>,
    is_ascii: bool,
    /// Something stands before the next key.
    has_before: bool,
}

impl<'a> Json<'a> {
    const fn new(out: &'a mut Vec<u8>, is_ascii: bool) -> Self {
        Self {
            out,
            is_ascii,
            has_before: false,
        }
    }

    fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        self.has_before = false;
        fill(self);
        self.out.push(b'}');
        self.has_before = true;
    }

    fn key(&mut self, key: &'static str) {
        if self.has_before {
            self.out.push(b',');
        }
        self.has_before = true;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(super) fn nested(&mut self, key: &'static str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.object(fill);
    }

    /// A list with one object.
    pub(super) fn only(&mut self, key: &'static str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.out.push(b'[');
        self.object(fill);
        self.out.push(b']');
    }

    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        self.key(key);
        self.string(text);
    }

    /// A word of this crate, which has nothing to escape.
    pub(super) fn word(&mut self, key: &'static str, word: &'static str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    pub(super) fn maybe(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn joined(&mut self, key: &'static str, parts: &[&str]) {
        self.key(key);
        self.out.push(b'"');
        parts.iter().for_each(|part| self.part(part));
        self.out.push(b'"');
    }

    pub(super) fn list(&mut self, key: &'static str, texts: &[&'static str]) {
        self.key(key);
        self.out.push(b'[');
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.string(text);
        }
        self.out.push(b']');
    }

    pub(super) fn number(&mut self, key: &'static str, number: u64) {
        self.key(key);
        // Writing to memory does not fail.
        let _ = write!(self.out, "{number}");
    }

    pub(super) fn time(&mut self, key: &'static str, time: SystemTime) {
        self.key(key);
        self.out.push(b'"');
        timestamp::write_rfc3339(self.out, time);
        self.out.push(b'"');
    }

    /// An address or a pseudonym, neither of which has anything to escape.
    pub(super) fn client(&mut self, key: &'static str, client: AuditClient) {
        self.key(key);
        self.out.push(b'"');
        match client {
            AuditClient::Ip(IpAddr::V4(ip)) => write_v4(self.out, ip),
            // Writing to memory does not fail.
            client => drop(write!(self.out, "{client}")),
        }
        self.out.push(b'"');
    }

    fn string(&mut self, text: &str) {
        self.out.push(b'"');
        self.part(text);
        self.out.push(b'"');
    }

    fn part(&mut self, text: &str) {
        if !self.is_ascii || text.is_ascii() {
            write_json_text(self.out, text);
            return;
        }
        let mut escaped = Vec::new();
        write_json_text(&mut escaped, text);
        let escaped = String::from_utf8(escaped).unwrap_or_default();
        let mut units = [0; 2];
        for character in escaped.chars() {
            match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => self.out.push(byte),
                _ => {
                    let units = character.encode_utf16(&mut units);
                    units.iter().for_each(|unit| write_unit(self.out, *unit));
                }
            }
        }
    }
}

/// As `Display` writes it, which takes longer than all other fields of a line.
fn write_v4(out: &mut Vec<u8>, ip: Ipv4Addr) {
    let digit = |number: u8| b'0'.saturating_add(number % 10);
    for (at, octet) in ip.octets().into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        if octet >= 100 {
            out.push(digit(octet / 100));
        }
        if octet >= 10 {
            out.push(digit(octet / 10));
        }
        out.push(digit(octet));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_is_shown() {
        for octet in 0..=u8::MAX {
            let ip = Ipv4Addr::new(octet, 0, 255 - octet, 10);
            let mut out = Vec::new();
            write_v4(&mut out, ip);
            assert_eq!(String::from_utf8(out).unwrap(), ip.to_string());
        }
    }
}
