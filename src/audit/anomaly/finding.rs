//! What a rule has found.

use std::net::IpAddr;
use std::time::Duration;

use super::rule::RuleKey;
use crate::core::{EventName, SecurityEvent};

/// A rule has reached its limit for one key.
#[derive(Clone, Debug)]
pub struct Finding<'a> {
    pub(super) rule: &'static str,
    pub(super) name: EventName,
    pub(super) key: RuleKey,
    pub(super) count: u32,
    pub(super) window: Duration,
    pub(super) client: Option<IpAddr>,
    pub(super) event: Option<&'a SecurityEvent<'a>>,
}

impl<'a> Finding<'a> {
    /// Returns the name of the rule.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }

    /// Returns the name of the event that tells of it.
    #[must_use]
    pub const fn name(&self) -> EventName {
        self.name
    }

    /// Returns whom or what the rule counts by.
    #[must_use]
    pub const fn key(&self) -> RuleKey {
        self.key
    }

    /// Returns how many there were.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Returns within which time.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Returns the address that did it: of a rule that counts by address. For a ban.
    ///
    /// Of another rule it is `None`. The last of two hundred addresses that guess at one account is not the one to be banned. Neither is
    /// the browser that sends what a page of somebody else tells it to: of [`MaliciousCors`](EventName::MaliciousCors) and
    /// [`MaliciousCsrf`](EventName::MaliciousCsrf) it is `None` as well.
    #[must_use]
    pub fn offender(&self) -> Option<IpAddr> {
        let is_of_a_browser = self.event.is_some_and(|event| {
            matches!(
                event.name,
                EventName::MaliciousCors | EventName::MaliciousCsrf
            )
        });
        self.client
            .filter(|_| self.key == RuleKey::Ip && !is_of_a_browser)
    }

    /// Returns the event that made it one; `None` where it was the status of an answer.
    #[must_use]
    pub const fn event(&self) -> Option<&'a SecurityEvent<'a>> {
        self.event
    }
}
