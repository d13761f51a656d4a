//! The decision.

use std::time::Duration;

use http::request::Parts;

use super::config::OnDegraded;
use super::events::Started;
use super::layer::{Core, Switches};
use crate::core::{Caller, IpSet};
use crate::rate_limit::OnMissing;
use crate::rate_limit::key::KeyHash;

/// Why a [`BanLayer`](super::BanLayer) refused a request. Stands in the extensions of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BanRefusal {
    /// The header of a trusted proxy does not tell the client, and such requests are refused.
    AddressDegraded,
    /// The server attached no client address, and such requests are refused.
    AddressMissing,
    /// The client is banned.
    Banned {
        /// For how long yet.
        rest: Duration,
    },
    /// The client stands in the blocklist.
    Blocklisted,
    /// A rule of [`fail2ban`](super::BanBuilder::fail2ban) matches.
    RequestRule,
}

impl BanRefusal {
    /// Returns the stable code that clients see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AddressDegraded => "client_ip_degraded",
            Self::AddressMissing => "client_ip_missing",
            Self::Banned { .. } => "banned",
            Self::Blocklisted | Self::RequestRule => "blocked",
        }
    }

    /// Returns the reason in snake case, as events name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressDegraded => "address_degraded",
            Self::AddressMissing => "address_missing",
            Self::Banned { .. } => "banned",
            Self::Blocklisted => "blocklisted",
            Self::RequestRule => "request_rule",
        }
    }
}

/// What lists and bans say of a client, before the request is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Whatever it does is not counted.
    Safe,
    /// It is counted by its key, which is made when there is something to count.
    Counted,
    /// The key is there if it was needed.
    Refused(BanRefusal, Option<KeyHash>),
}

/// What the rules say of a request.
#[derive(Debug, Default)]
pub(super) struct Ruling<'a> {
    /// The name of the rule that refuses it.
    pub(super) refused_by: Option<&'a str>,
    /// The ban that it started, and the name of the rule.
    pub(super) started: Option<(Started, KeyHash, &'a str)>,
}

impl Core {
    #[inline]
    pub(super) fn standing(&self, switches: &Switches, client: Option<&Caller>) -> Standing {
        match client {
            None if self.on_missing == OnMissing::Refuse => {
                return Standing::Refused(BanRefusal::AddressMissing, None);
            }
            None => {}
            Some(client) if client.is_degraded && self.on_degraded == OnDegraded::Refuse => {
                return Standing::Refused(BanRefusal::AddressDegraded, None);
            }
            Some(client) => {
                let is_in = |list: &IpSet| !list.is_empty() && list.contains(client.ip());
                // A degraded address is that of a proxy, for whoever sends garbage through it.
                if !client.is_degraded && is_in(&switches.safelist) {
                    return Standing::Safe;
                }
                if is_in(&switches.blocklist) {
                    return Standing::Refused(BanRefusal::Blocklisted, None);
                }
            }
        }
        if self.table.is_unused() {
            return Standing::Counted;
        }
        let key = self.key(client);
        match self.table.is_banned(key) {
            Some(rest) => Standing::Refused(BanRefusal::Banned { rest }, Some(key)),
            None => Standing::Counted,
        }
    }

    /// Under which key a client is counted and banned.
    #[inline]
    pub(super) fn key(&self, client: Option<&Caller>) -> KeyHash {
        match client {
            Some(client) => self.table.caller_key(client),
            // A limit may leave such requests out on its owner's word; bans know no such word.
            None => self.table.missing_key(),
        }
    }

    /// Asks the rules in order, up to the first that refuses. Once one has started a ban, the others count nothing more.
    pub(super) fn ruling(&self, head: &Parts, client: Option<&Caller>) -> Ruling<'_> {
        let mut ruling = Ruling::default();
        for rule in &self.rules {
            if !(rule.matches)(head) {
                continue;
            }
            let key = self.key(client);
            if let Some(started) = self.table.strike(&rule.counter, key) {
                ruling.started = Some((started, key, &rule.name));
            }
            if rule.refuses {
                ruling.refused_by = Some(&rule.name);
                break;
            }
        }
        ruling
    }
}
