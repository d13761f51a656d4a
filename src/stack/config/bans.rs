//! Who keeps on: `[bans]`.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client::nets;
use super::{StackConfigError, StackParts};
use crate::core::{AbuseKind, Mistakes, Mode, TrustedProxies};
use crate::rate_limit::{BanLayer, BanStatus, BanTable, OnDegraded, OnMissing, Store};

/// `[bans]`: refuses clients that keep on. The fields are the setters of [`BanLayer::builder`], as far as they are data.
///
/// `on`, `escalation`, `client_prefix`, `capacity` and `dangerous_full_v6` set up the table, which keeps its bans through reloads: a
/// change of these needs a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BansConfig {
    /// The mode. Default: `enforce`.
    pub mode: Mode,
    /// Ranges of clients that are never refused. Default: none.
    pub safelist: Vec<String>,
    /// Ranges of clients that are always refused. Default: none.
    pub blocklist: Vec<String>,
    /// What becomes of requests without an address. Default: `shared_bucket`.
    pub on_missing: OnMissing,
    /// What becomes of clients whose address cannot be read. Default: `own`.
    pub on_degraded: OnDegraded,
    /// Whether `Retry-After` is left out. Default: `false`.
    pub hide_duration: bool,
    /// The status of refusals. Default: `forbidden`.
    pub status: BanStatus,
    /// The problem type of refusals with 429. Default: that of the builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_type: Option<String>,
    /// Which refusals lead to a ban. Default: none.
    pub on: Vec<BanRuleConfig>,
    /// How much longer each further ban is. Default: twice, up to a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationConfig>,
    /// How many leading bits make a client, for IPv4 and IPv6. Default: 32 and 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_prefix: Option<(u8, u8)>,
    /// How many bans there is room for. Default: 65,536.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<usize>,
    /// See [`BanBuilder::dangerous_full_v6`](crate::rate_limit::BanBuilder::dangerous_full_v6). Default: `false`.
    pub dangerous_full_v6: bool,
}

/// A ban of `ban_secs` after `times` refusals of one kind within `find_secs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BanRuleConfig {
    /// The kind of refusal.
    pub signal: Signal,
    /// 1 to 255.
    pub times: u32,
    /// The window in seconds, from the first of them.
    pub find_secs: u64,
    /// In seconds.
    pub ban_secs: u64,
}

/// What leads to a ban. See [`AbuseKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// [`AbuseKind::AuthFailed`].
    AuthFailed,
    /// [`AbuseKind::CsrfRefused`].
    CsrfRefused,
    /// [`AbuseKind::InputRefused`].
    InputRefused,
    /// [`AbuseKind::OwnershipRefused`].
    OwnershipRefused,
    /// [`AbuseKind::RateLimited`].
    RateLimited,
    /// [`AbuseKind::Spray`].
    Spray,
}

impl Signal {
    const fn kind(self) -> AbuseKind {
        match self {
            Self::AuthFailed => AbuseKind::AuthFailed,
            Self::CsrfRefused => AbuseKind::CsrfRefused,
            Self::InputRefused => AbuseKind::InputRefused,
            Self::OwnershipRefused => AbuseKind::OwnershipRefused,
            Self::RateLimited => AbuseKind::RateLimited,
            Self::Spray => AbuseKind::Spray,
        }
    }
}

/// How much longer each further ban of a client is. See
/// [`BanTableBuilder::escalation`](crate::rate_limit::BanTableBuilder::escalation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EscalationConfig {
    /// How many times as long.
    pub multiplier: u32,
    /// The longest ban, in seconds.
    pub max_secs: u64,
}

/// A table of bans with the settings that it was made by.
#[derive(Clone, Debug)]
pub(super) struct Bans {
    made_by: BansConfig,
    pub(super) table: BanTable,
}

/// Calls the setters that the builder of a table and that of a layer share.
macro_rules! table_settings {
    ($builder:ident, $config:expr) => {
        for rule in &$config.on {
            let find = Duration::from_secs(rule.find_secs);
            let ban = Duration::from_secs(rule.ban_secs);
            $builder = $builder.on(rule.signal.kind(), rule.times, find, ban);
        }
        if let Some(escalation) = $config.escalation {
            let max = Duration::from_secs(escalation.max_secs);
            $builder = $builder.escalation(escalation.multiplier, max);
        }
        if let Some((v4, v6)) = $config.client_prefix {
            $builder = $builder.client_prefix(v4, v6);
        }
        if let Some(capacity) = $config.capacity {
            $builder = $builder.capacity(capacity);
        }
        if $config.dangerous_full_v6 {
            $builder = $builder.dangerous_full_v6();
        }
    };
}

impl BansConfig {
    /// Those of the settings that a table keeps, with the path of each.
    fn differences(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let differs = [
            ("bans.on", self.on != other.on),
            ("bans.escalation", self.escalation != other.escalation),
            (
                "bans.client_prefix",
                self.client_prefix != other.client_prefix,
            ),
            ("bans.capacity", self.capacity != other.capacity),
            (
                "bans.dangerous_full_v6",
                self.dangerous_full_v6 != other.dangerous_full_v6,
            ),
        ];
        let differs = differs.into_iter().filter(|(_, differs)| *differs);
        differs.map(|(path, _)| path)
    }

    /// The table of a stack that runs already, or a new one.
    pub(super) fn table(
        &self,
        running: Option<&Bans>,
        parts: &StackParts<impl Store>,
        mistakes: &mut Mistakes,
    ) -> Option<Bans> {
        if let Some(table) = &parts.bans {
            return Some(Bans {
                made_by: self.clone(),
                table: table.clone(),
            });
        }
        if let Some(running) = running {
            let before = mistakes.len();
            for path in self.differences(&running.made_by) {
                mistakes.push(path, StackConfigError::NeedsRestart);
            }
            return (mistakes.len() == before).then(|| running.clone());
        }
        let mut builder = BanTable::builder();
        if let Some(clock) = &parts.clock {
            builder = builder.clock(Arc::clone(clock));
        }
        if let Some(sink) = &parts.sink {
            builder = builder.events(Arc::clone(sink));
        }
        table_settings!(builder, self);
        let table = mistakes.take(builder.build())?;
        Some(Bans {
            made_by: self.clone(),
            table,
        })
    }

    pub(super) fn compile(
        &self,
        bans: Option<&Bans>,
        parts: &StackParts<impl Store>,
        mistakes: &mut Mistakes,
    ) -> Option<BanLayer> {
        let mut builder = BanLayer::builder()
            .client_ip(TrustedProxies::direct())
            .mode(self.mode)
            .safelist(nets(&self.safelist, "bans.safelist", mistakes))
            .blocklist(nets(&self.blocklist, "bans.blocklist", mistakes))
            .on_missing(self.on_missing)
            .on_degraded(self.on_degraded)
            .status(self.status);
        if self.hide_duration {
            builder = builder.hide_duration();
        }
        if let Some(uri) = &self.problem_type {
            builder = builder.problem_type(uri.clone());
        }
        if let Some(bans) = bans {
            builder = builder.table(bans.table.clone());
        }
        if parts.bans.is_some() {
            // The builder refuses each: that table is set up already.
            table_settings!(builder, self);
        }
        mistakes.take(builder.build())
    }
}
