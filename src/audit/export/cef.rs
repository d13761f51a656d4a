//! Lines of `ArcSight`'s Common Event Format.

use std::io::{self, Write};
use std::net::IpAddr;

use super::lines::Lines;
use super::timestamp::millis;
use super::{AuditConfig, Exporter, OwnedEvent};
use crate::audit::AuditClient;
use crate::core::Level;

/// Adds an event to `out` as one record of the Common Event Format, without a line break.
///
/// The custom strings are labelled: `cs1` is the rule, `cs2` the target, `cs3` the tenant, `cs4` the layer, `cs5` the template of the
/// route, `cs6` the pseudonym of an address. It is written as it is: [`AuditConfig::redact`] it before.
///
/// # Example
///
/// ```
/// use tower_security::audit::{AuditConfig, OwnedEvent, write_cef};
/// use tower_security::core::{EventName, SecurityEvent};
///
/// let event = SecurityEvent::new(EventName::AuthzFail, "ownership", "object_denied").target("a=b");
/// let mut line = Vec::new();
/// write_cef(&OwnedEvent::from(&event), &AuditConfig::default(), &mut line);
/// let line = String::from_utf8(line)?;
/// assert!(line.starts_with("CEF:0|tower-security|tower-security|"));
/// assert!(line.ends_with(r" cs2Label=target cs2=a\=b cs4Label=layer cs4=ownership"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_cef(event: &OwnedEvent, config: &AuditConfig, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CEF:0");
    let severity = severity(event.level());
    let name = event.name();
    for part in [
        "tower-security",
        config.app_id(),
        env!("CARGO_PKG_VERSION"),
        name.as_str(),
        name.description(),
        severity,
    ] {
        out.push(b'|');
        escaped(out, part, b"|\\");
    }
    out.push(b'|');
    let mut fields = Fields {
        out,
        has_before: false,
    };
    fields.number("rt", millis(event.time()));
    fields.text("cat", name.as_str().split('_').next());
    fields.text("outcome", Some(event.outcome().as_str()));
    fields.text("reason", Some(event.code()));
    fields.text("dvchost", config.hostname());
    fields.text("externalId", event.request_id());
    match event.client() {
        Some(AuditClient::Ip(IpAddr::V4(ip))) => fields.text("src", Some(&ip.to_string())),
        Some(AuditClient::Ip(IpAddr::V6(ip))) => {
            fields.labelled("c6a2", "Source IPv6 Address", Some(&ip.to_string()));
        }
        #[cfg(feature = "vault")]
        Some(AuditClient::Pseudonym(_)) => {}
        None => {}
    }
    fields.text("suser", event.principal());
    fields.text("requestMethod", event.method());
    fields.text("request", event.path());
    fields.text("requestClientApplication", event.user_agent());
    fields.text("msg", event.detail());
    fields.labelled("cs1", "rule", event.rule());
    fields.labelled("cs2", "target", event.target());
    fields.labelled("cs3", "tenant", event.tenant());
    fields.labelled("cs4", "layer", Some(event.layer()));
    fields.labelled("cs5", "route", event.route());
    #[cfg(feature = "vault")]
    if let Some(pseudonym @ AuditClient::Pseudonym(_)) = event.client() {
        fields.labelled("cs6", "source pseudonym", Some(&pseudonym.to_string()));
    }
}

/// 0 to 10.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::Info => "3",
        Level::Warn => "5",
        Level::Error => "7",
        Level::Critical => "10",
    }
}

struct Fields<'a> {
    out: &'a mut Vec<u8>,
    /// A field stands before the next one. What it ends with is a client's choice.
    has_before: bool,
}

impl Fields<'_> {
    fn key(&mut self, parts: [&'static str; 2]) {
        if self.has_before {
            self.out.push(b' ');
        }
        self.has_before = true;
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.push(b'=');
    }

    fn text(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.key([key, ""]);
            escaped(self.out, text, b"=\\");
        }
    }

    fn number(&mut self, key: &'static str, number: u64) {
        self.key([key, ""]);
        // Writing to memory does not fail.
        let _ = write!(self.out, "{number}");
    }

    fn labelled(&mut self, key: &'static str, label: &'static str, text: Option<&str>) {
        if text.is_some() {
            self.key([key, "Label"]);
            self.out.extend_from_slice(label.as_bytes());
            self.text(key, text);
        }
    }
}

/// A backslash before each of the special bytes. Line breaks, which the format escapes too, are spelt out in every text already.
fn escaped(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    for byte in text.bytes() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => {
                if special.contains(&byte) {
                    out.push(b'\\');
                }
                out.push(byte);
            }
        }
    }
}

/// Writes an event a line in the Common Event Format, for a collector that speaks nothing else.
#[derive(Debug)]
pub struct CefLines<W> {
    lines: Lines<W>,
}

impl<W: Write + Send + 'static> CefLines<W> {
    /// Writes to `writer`, a whole batch at a time: it needs no buffer of its own.
    pub const fn new(writer: W) -> Self {
        Self {
            lines: Lines::new(writer),
        }
    }
}

impl<W: Write + Send + 'static> Exporter for CefLines<W> {
    fn write(&mut self, batch: &[OwnedEvent], config: &AuditConfig) -> io::Result<()> {
        self.lines.write(|out| {
            for event in batch {
                write_cef(event, config, out);
                out.push(b'\n');
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}
