//! The sink that counts.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;

use super::LAYER;
use super::config::AnomalyDetectorBuilder;
use super::finding::Finding;
use super::key::Keys;
use super::rule::{Rule, RuleKey};
use super::table::{Hit, Table};
use super::window::Bounds;
use crate::core::{EventName, EventSink, Events, Level, SecurityEvent, guarded, nanos};

pub(super) type OnFinding = Arc<dyn Fn(&Finding<'_>) + Send + Sync>;

/// Finds in many events what none of them shows: guessing, spraying, enumeration, scans. Cloning shares the counts.
///
/// It stands in front of another sink, and hands every event on. When a [`Rule`] reaches its limit for a key, it records a *finding*:
/// an event of the rule's name, level critical, layer `anomaly`, the name of the rule as its code. Then it calls
/// [`on_finding`](AnomalyDetectorBuilder::on_finding), and is silent about the key for the cooldown.
///
/// Nothing is banned by default. Counts are of this process: an attack that is spread over nodes is seen where their events meet.
///
/// # Default rules
///
/// | rule | counts | by | limit | finding |
/// |---|---|---|---|---|
/// | `login_per_account` | `authn_login_fail`, from `warn` on | account | 5 in 15 min | `authn_login_fail_max` |
/// | `login_per_ip` | the same | address | 20 in 15 min | `authn_login_fail_max` |
/// | `spray` | the same, different accounts | address | 10 in 15 min | `malicious_attack_tool` |
/// | `bad_tokens` | `authn_login_fail` `token_invalid` | address | 50 in 1 min | `authn_login_fail_max` |
/// | `enumeration` | `authz_fail` `object_denied`, `object_absent` | principal | 10 in 1 min | `malicious_direct_reference` |
/// | `enumeration_ip` | the same | address | 30 in 1 min | `malicious_direct_reference` |
/// | `victim` | `authz_fail` `object_denied` | object | 50 in 10 min | `malicious_direct_reference` |
/// | `scan` | answers 404 | address | 30 in 1 min | `malicious_excess_404` |
/// | `token_reuse` | `authn_token_reuse` | principal | 1 | `authn_token_reuse` |
/// | `cors`, `csrf` | `malicious_cors`, `malicious_csrf` | address | 20 in 5 min | the same |
///
/// The last two tell of a page that is visited: the address is that of its visitors, who are not to be banned for it.
///
/// # Example
///
/// A client that guesses is banned by the table that a [`BanLayer`](crate::rate_limit::BanLayer) refuses by:
///
/// ```
/// use std::time::Duration;
/// use tower_security::audit::{AnomalyDetector, MemoryExporter, QueueSink};
/// use tower_security::core::{ClientIp, EventName, EventSink, SecurityEvent};
/// use tower_security::rate_limit::{BanLayer, BanTable};
///
/// let (log, guard) = QueueSink::builder(MemoryExporter::new()).build()?;
/// let bans = BanTable::new();
/// let layer = BanLayer::builder().table(bans.clone()).build()?;
/// # let _ = layer;
///
/// let table = bans.clone();
/// let detector = AnomalyDetector::builder(log)
///     .defaults()
///     .on_finding(move |finding| {
///         if let Some(ip) = finding.offender() {
///             let key = table.client_key(ClientIp::resolved_by_caller(ip));
///             // A table without room tells of it by itself.
///             let _ = table.ban(key, Duration::from_secs(15 * 60));
///         }
///     })
///     .build()?;
///
/// let guesser = "192.0.2.7".parse()?;
/// for _ in 0..20 {
///     detector.record(
///         &SecurityEvent::new(EventName::AuthnLoginFail, "login", "login_failed").client_ip(guesser),
///     );
/// }
/// assert!(bans.is_banned(bans.client_key(ClientIp::resolved_by_caller(guesser))).is_some());
/// # drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AnomalyDetector(Arc<Inner>);

struct Inner {
    next: Arc<dyn EventSink>,
    rules: Box<[Rule]>,
    bounds: Box<[Bounds]>,
    /// The rules that listen to a name, in the order of `EventName::ALL`.
    by_name: Box<[Box<[u8]>]>,
    by_status: Box<[(StatusCode, u8)]>,
    keys: Keys,
    counts: Table,
    distinct: Option<Table>,
    clock: Events,
    on_finding: Option<OnFinding>,
}

impl AnomalyDetector {
    /// Starts without a rule, in front of `next`.
    pub fn builder(next: impl EventSink) -> AnomalyDetectorBuilder {
        AnomalyDetectorBuilder::new(next)
    }

    /// Makes what a builder describes that was checked.
    pub(super) fn new(builder: AnomalyDetectorBuilder) -> Self {
        let AnomalyDetectorBuilder {
            next,
            rules,
            max_keys,
            clock,
            on_finding,
        } = builder;
        // 64 at most.
        let numbered = || (0_u8..).zip(&rules);
        let listeners = |name: &EventName| {
            let listening = numbered().filter(|(_, rule)| rule.events.contains(name));
            listening.map(|(number, _)| number).collect()
        };
        let statuses = numbered().flat_map(|(number, rule)| {
            let statuses = rule.statuses.iter();
            statuses.map(move |status| (*status, number))
        });
        let distinct = rules.iter().filter(|rule| rule.distinct.is_some());
        let stride = distinct.filter_map(|rule| rule.limit).max();
        Self(Arc::new(Inner {
            next,
            bounds: rules.iter().map(bounds).collect(),
            by_name: EventName::ALL.iter().map(listeners).collect(),
            by_status: statuses.collect(),
            keys: Keys::default(),
            counts: Table::new(max_keys, 0),
            distinct: stride
                .map(|stride| Table::new(max_keys, usize::try_from(stride).unwrap_or_default())),
            clock,
            on_finding,
            rules: rules.into_boxed_slice(),
        }))
    }
}

fn bounds(rule: &Rule) -> Bounds {
    Bounds {
        limit: rule.limit.unwrap_or(u32::MAX),
        window: nanos(rule.window),
        cooldown: nanos(rule.cooldown),
    }
}

impl Inner {
    fn listeners(&self, name: EventName) -> impl Iterator<Item = (u8, &Rule)> {
        let numbers = self.by_name.get(name as usize);
        let numbers = numbers.into_iter().flatten();
        numbers.filter_map(|number| Some((*number, self.rules.get(usize::from(*number))?)))
    }

    fn count(&self, event: &SecurityEvent<'_>) {
        // Read for the first rule that counts the event: most events have none.
        let mut now = None;
        for (number, rule) in self.listeners(event.name) {
            if !rule.concerns(event) {
                continue;
            }
            let Some(key) = rule.key.and_then(|key| self.keys.of(number, key, event)) else {
                continue;
            };
            let value = rule.distinct.map(|of| self.keys.of(number, of, event));
            let (table, value) = match (value, &self.distinct) {
                (None, _) => (&self.counts, None),
                (Some(Some(value)), Some(distinct)) => (distinct, Some(value)),
                // Without a value there is nothing to tell apart.
                (Some(_), _) => continue,
            };
            let now = *now.get_or_insert_with(|| self.now());
            let hit = Hit {
                rule: number,
                key,
                value,
                now,
            };
            if let Some(count) = table.hit(hit, &self.bounds) {
                self.found(rule, count, event.client_ip, Some(event));
            }
        }
    }

    fn now(&self) -> u64 {
        nanos(self.clock.monotonic(None))
    }

    #[cold]
    fn found(
        &self,
        rule: &Rule,
        count: u32,
        client: Option<IpAddr>,
        event: Option<&SecurityEvent<'_>>,
    ) {
        let key = rule.key.unwrap_or(RuleKey::Ip);
        if self.next.wants(rule.finding, Level::Critical) {
            let seconds = rule.window.as_secs_f32();
            let detail = format!("count={count} window={seconds}s key={}", key.as_str());
            let mut told = SecurityEvent::new(rule.finding, LAYER, rule.name)
                .level(Level::Critical)
                .rule(rule.name)
                .detail(&detail);
            told.client_ip = client;
            match event {
                Some(event) => {
                    told.time = event.time;
                    told.outcome = event.outcome;
                    told.request_id = event.request_id;
                    told.principal.clone_from(&event.principal);
                    told.tenant.clone_from(&event.tenant);
                    told.target.clone_from(&event.target);
                }
                None => told.time = self.clock.now(None),
            }
            guarded(|| self.next.record(&told));
        }
        if let Some(hook) = &self.on_finding {
            let finding = Finding {
                rule: rule.name,
                name: rule.finding,
                key,
                count,
                window: rule.window,
                client,
                event,
            };
            guarded(|| hook(&finding));
        }
    }
}

impl EventSink for AnomalyDetector {
    fn record(&self, event: &SecurityEvent<'_>) {
        let inner = &*self.0;
        if inner.next.wants(event.name, event.level) {
            guarded(|| inner.next.record(event));
        }
        inner.count(event);
    }

    fn wants(&self, name: EventName, level: Level) -> bool {
        let mut listeners = self.0.listeners(name);
        listeners.any(|(_, rule)| level >= rule.at_least) || self.0.next.wants(name, level)
    }

    fn status(&self, ip: Option<IpAddr>, status: StatusCode) {
        let inner = &*self.0;
        inner.next.status(ip, status);
        let Some(ip) = ip else {
            return;
        };
        for (of, number) in &inner.by_status {
            let Some(rule) = inner.rules.get(usize::from(*number)) else {
                continue;
            };
            if *of != status {
                continue;
            }
            let hit = Hit {
                rule: *number,
                key: inner.keys.ip(*number, ip),
                value: None,
                now: inner.now(),
            };
            if let Some(count) = inner.counts.hit(hit, &inner.bounds) {
                inner.found(rule, count, Some(ip), None);
            }
        }
    }
}

impl fmt::Debug for AnomalyDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnomalyDetector")
            .field("rules", &self.0.rules)
            .field("counts", &self.0.counts)
            .field("distinct", &self.0.distinct)
            .finish_non_exhaustive()
    }
}
