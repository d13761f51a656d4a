//! A ban that was started just now, and the event that tells of it.

use std::time::Duration;

use super::keys;
use crate::core::text::cap;
use crate::core::{AbuseKind, CleanText, EventName, Level, SecurityEvent};
use crate::rate_limit::key::KeyHash;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) length: Duration,
    /// How many bans this key has had that are not forgotten, this one included.
    pub(super) rung: u8,
}

impl Started {
    pub(super) const EVENT: EventName = EventName::ExcessRateLimitExceeded;
    pub(super) const LEVEL: Level = Level::Warn;

    pub(super) fn event<'a>(self, key: KeyHash) -> SecurityEvent<'a> {
        let target = keys::text(key);
        let detail = format!("duration={}s bans={}", self.length.as_secs(), self.rung);
        let mut event = SecurityEvent::new(Self::EVENT, "bans", "ban_started");
        event.target = Some(CleanText::new(&target, cap::TARGET).into_owned());
        event.clean_detail(CleanText::new(&detail, cap::DETAIL).into_owned())
    }
}

/// A kind of abuse as events name it.
pub(super) const fn kind_name(kind: AbuseKind) -> &'static str {
    match kind {
        AbuseKind::RateLimited => "rate_limited",
        AbuseKind::AuthFailed => "auth_failed",
        AbuseKind::CsrfRefused => "csrf_refused",
        AbuseKind::OwnershipRefused => "ownership_refused",
        AbuseKind::InputRefused => "input_refused",
        AbuseKind::Spray => "spray",
        AbuseKind::Custom(name) => name,
    }
}
