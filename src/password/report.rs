//! What a hasher tells the sink of events. It does not know who logs in.

use super::error::{BUSY, LOGIN_FAILED, PasswordFault, TOO_LONG};
use super::pool::Refused;
use super::stored::Defect;
use crate::core::sampler::Sampler;
use crate::core::{EventContext, EventName, Events, Level, Outcome, SecurityEvent};

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
    pub(super) fn refused(&self, request: &EventContext, refused: Refused) {
        match refused {
            Refused::Busy { .. } => {
                let name = EventName::ExcessRateLimitExceeded;
                let what = (name, LAYER, BUSY);
                self.say(request, &self.busy, Level::Warn, what, |event| event);
            }
            Refused::Fault(fault) => self.fault(request, fault),
        }
    }

    pub(super) fn fault(&self, request: &EventContext, fault: PasswordFault) {
        let name = match fault {
            PasswordFault::Randomness => EventName::CryptEncryptFail,
            _ => EventName::SysCrash,
        };
        let what = (name, LAYER, FAULT);
        self.say(request, &self.faults, Level::Error, what, |event| {
            event.rule(fault.code()).outcome(Outcome::Fault)
        });
    }

    /// A stored hash cannot be used.
    pub(super) fn defect(&self, request: &EventContext, defect: Defect) {
        let name = EventName::AuthnLoginFail;
        let what = (name, LAYER, LOGIN_FAILED);
        self.say(request, &self.defects, Level::Error, what, |event| {
            event.rule(defect.as_str())
        });
    }

    pub(super) fn too_long(&self, request: &EventContext, length: usize) {
        let name = EventName::InputValidationFail;
        let what = (name, LAYER, TOO_LONG);
        self.say(request, &self.lengths, Level::Warn, what, |event| {
            event.own_rule(&format!("{length} bytes"))
        });
    }

    fn say(
        &self,
        request: &EventContext,
        sampler: &Sampler,
        level: Level,
        what: (EventName, &'static str, &'static str),
        more: impl FnOnce(SecurityEvent<'_>) -> SecurityEvent<'_>,
    ) {
        let shared = request.shared();
        let Some(suppressed) = sampler.admit(self.events.monotonic(shared)) else {
            return;
        };
        self.events.emit(shared, what.0, level, || {
            let event = more(request.event(what));
            match suppressed {
                0 => event,
                _ => event.own_detail(&format!("suppressed={suppressed}")),
            }
        });
    }
}
