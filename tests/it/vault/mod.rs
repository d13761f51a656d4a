//! Encryption at rest.

mod config;
mod example;
mod index;
mod leaks;
mod rollout;
#[cfg(feature = "serde")]
mod sealed;
mod states;
mod swaps;
mod tamper;
mod wrapped;

use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tower_security::core::{EventName, Level, NoopSink, Outcome, Secret, SecurityEvent};
use tower_security::vault::{KeyRing, KeyRingBuilder, Protector};

/// A key of tests: random enough, and the same in every run.
pub(crate) fn key(number: u32) -> Secret<[u8; 32]> {
    Secret::new(Sha256::digest(number.to_be_bytes()).into())
}

/// A ring whose active key is this one.
pub(crate) fn quiet(active: u32) -> KeyRingBuilder {
    KeyRing::builder()
        .active(active, key(active))
        .events(NoopSink::new())
}

/// The column of tests.
pub(crate) fn ssn(ring: KeyRingBuilder) -> Protector {
    let ring = ring.build().expect("it is sound");
    ring.purpose(&["users", "ssn"]).expect("it is a purpose")
}

/// What a sink has heard.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Line>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: EventName,
    pub(crate) level: Level,
    pub(crate) outcome: Outcome,
    pub(crate) code: &'static str,
    pub(crate) rule: String,
    pub(crate) detail: String,
    pub(crate) request_id: Option<String>,
    pub(crate) all: String,
}

impl Heard {
    pub(crate) fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static + use<> {
        let lines = Arc::clone(&self.0);
        move |event| {
            assert_eq!(event.layer, "vault");
            lines.lock().unwrap().push(Line {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                code: event.code,
                rule: event.rule.as_deref().unwrap_or_default().to_owned(),
                detail: event.detail.as_deref().unwrap_or_default().to_owned(),
                request_id: event.request_id.map(ToString::to_string),
                all: format!("{event:?}"),
            });
        }
    }

    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The code, the purpose and the key of each.
    pub(crate) fn codes(&self) -> Vec<(&'static str, String, String)> {
        self.take()
            .into_iter()
            .map(|line| (line.code, line.rule, line.detail))
            .collect()
    }
}
