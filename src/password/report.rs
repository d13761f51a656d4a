//! What a hasher tells the sink of events. It does not know who logs in.

use super::error::{BUSY, LOGIN_FAILED, PasswordFault, TOO_LONG};
use super::pool::Refused;
use super::stored::Defect;
use crate::core::sampler::Sampler;
use crate::core::{EventName, Events, Level, Outcome, SecurityEvent};

const LAYER: &str = "password";
const FAULT: &str = "internal_error";

/// At most 100 a second of each: what is left out is counted in the next one, as `suppressed`.
pub(super) struct Reports {
    events: Events,
    busy: Sampler,
    defects: Sampler,
    faults: Sampler,
    lengths: Sampler,
}

impl Reports {
    pub(super) const fn new(events: Events) -> Self {
        Self {
            events,
            busy: Sampler::of_refusals(),
            defects: Sampler::of_refusals(),
            faults: Sampler::of_refusals(),
            lengths: Sampler::of_refusals(),
        }
    }

    /// Nothing was computed, or nothing came of it.
    pub(super) fn refused(&self, refused: Refused) {
        match refused {
            Refused::Busy { .. } => {
                let name = EventName::ExcessRateLimitExceeded;
                self.say(&self.busy, name, Level::Warn, BUSY, |event| event);
            }
            Refused::Fault(fault) => self.fault(fault),
        }
    }

    pub(super) fn fault(&self, fault: PasswordFault) {
        let name = match fault {
            PasswordFault::Randomness => EventName::CryptEncryptFail,
            _ => EventName::SysCrash,
        };
        self.say(&self.faults, name, Level::Error, FAULT, |event| {
            event.rule(fault.code()).outcome(Outcome::Fault)
        });
    }

    /// A stored hash cannot be used.
    pub(super) fn defect(&self, defect: Defect) {
        let name = EventName::AuthnLoginFail;
        self.say(&self.defects, name, Level::Error, LOGIN_FAILED, |event| {
            event.rule(defect.as_str())
        });
    }

    pub(super) fn too_long(&self, length: usize) {
        let name = EventName::InputValidationFail;
        self.say(&self.lengths, name, Level::Warn, TOO_LONG, |event| {
            event.own_rule(&format!("{length} bytes"))
        });
    }

    fn say(
        &self,
        sampler: &Sampler,
        name: EventName,
        level: Level,
        code: &'static str,
        more: impl FnOnce(SecurityEvent<'static>) -> SecurityEvent<'static>,
    ) {
        let Some(suppressed) = sampler.admit(self.events.monotonic(None)) else {
            return;
        };
        self.events.emit(None, name, level, || {
            let event = more(SecurityEvent::new(name, LAYER, code));
            match suppressed {
                0 => event,
                _ => event.own_detail(&format!("suppressed={suppressed}")),
            }
        });
    }
}
