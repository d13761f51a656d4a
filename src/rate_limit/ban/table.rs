//! Who is banned, and for how long.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::events::{Started, TableEvents, kind_name};
use super::keys;
use super::register::{Changed, Register};
use super::rule::{BanPolicy, Counter, Escalation};
use super::share::BanShare;
use super::stats::{BanStats, Counts};
use super::table_builder::BanTableBuilder;
use super::word::{AtLeast, Ban, Lift, Micros};
use crate::core::{AbuseKind, Caller, ClientIp, StoreError};
use crate::rate_limit::Nanos;
use crate::rate_limit::key::{KeyHash, KeyHasher, KeySeed, Prefix};
use crate::rate_limit::time::Ticker;

/// Who is banned, for how long, and who was caught how often. Cloning shares it.
///
/// A [`BanLayer`](super::BanLayer) keeps its bans here. Several layers may share one table, and so may whatever else catches
/// abusers: what one of them bans, all of them refuse. Share it between layers of one [`Mode`](crate::core::Mode) only: what a
/// layer that merely reports has banned, the others refuse. A sign of abuse that passes several of them counts once.
///
/// A table has a fixed size. Each rule that counts has one of its own besides; memory is taken as keys come, and never more than
/// 16 bytes for each entry of the capacity. When it is full, bans that have ended give way first, and a ban in force is never given up for a
/// new one: whoever could get many addresses banned would free himself by it. The ban that finds no room is not started, and an
/// event `sys_monitor_disabled` tells of it at most once a minute.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::core::{AbuseKind, ClientIp};
/// use tower_security::rate_limit::BanTable;
///
/// const MINUTE: Duration = Duration::from_secs(60);
/// const COUPON: AbuseKind = AbuseKind::Custom("coupon_guessed");
/// let bans = BanTable::builder().on(COUPON, 3, 10 * MINUTE, 60 * MINUTE).build()?;
/// let guesser = bans.client_key(ClientIp::resolved_by_caller("192.0.2.7".parse()?));
///
/// assert_eq!(bans.signal(guesser, COUPON), None);
/// assert_eq!(bans.signal(guesser, COUPON), None);
/// assert_eq!(bans.signal(guesser, COUPON), Some(60 * MINUTE));
/// assert!(bans.is_banned(guesser).is_some());
///
/// let neighbour = bans.client_key(ClientIp::resolved_by_caller("192.0.2.8".parse()?));
/// assert_eq!(bans.is_banned(neighbour), None);
///
/// assert!(bans.unban(guesser));
/// assert_eq!(bans.is_banned(guesser), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BanTable {
    pub(super) core: Arc<Core>,
}

pub(super) struct Core {
    seed: KeySeed,
    prefix: Prefix,
    ticker: Ticker,
    bans: Register,
    capacity: usize,
    escalation: Escalation,
    signals: Box<[SignalRule]>,
    /// The counters of the layers that use this table.
    others: ArcSwap<Vec<Weak<Counter>>>,
    /// The longest time in which any rule forgets a ban, in microseconds.
    quiet: AtomicU64,
    share: Option<Arc<dyn BanShare>>,
    events: TableEvents,
    counts: Counts,
}

struct SignalRule {
    kind: AbuseKind,
    counter: Arc<Counter>,
}

impl BanTable {
    /// Makes a table without rules for signals: clients are banned by [`ban`](Self::ban) and by the rules of layers.
    #[must_use]
    pub fn new() -> Self {
        BanTableBuilder::default().unchecked()
    }

    /// Starts from the defaults.
    pub fn builder() -> BanTableBuilder {
        BanTableBuilder::default()
    }

    /// Makes what a builder describes that was checked.
    pub(super) fn of(builder: BanTableBuilder) -> Self {
        let BanTableBuilder {
            signals,
            escalation,
            prefix,
            capacity,
            share,
            ticker,
            events,
        } = builder;
        let seed = share
            .as_ref()
            .map_or_else(KeySeed::random, |share| share.key_seed());
        let table = Self {
            core: Arc::new(Core {
                seed,
                prefix,
                ticker,
                bans: Register::new(capacity),
                capacity,
                escalation,
                signals: signals
                    .into_iter()
                    .map(|(kind, policy)| SignalRule {
                        kind,
                        counter: Arc::new(Counter::new(policy, escalation, capacity)),
                    })
                    .collect(),
                others: ArcSwap::default(),
                quiet: AtomicU64::new(0),
                share,
                events: TableEvents::new(events),
                counts: Counts::default(),
            }),
        };
        for rule in &table.core.signals {
            table.core.remember_for(&rule.counter);
        }
        table
    }

    /// Returns the key of a client: its address, cut to the prefix lengths of this table.
    ///
    /// An address that is [degraded](ClientIp::is_degraded) has a key of its own: whoever sends garbage through a proxy does not
    /// get the proxy banned.
    #[must_use]
    #[inline]
    pub fn client_key(&self, client: ClientIp) -> KeyHash {
        self.caller_key(&Caller::of(&client))
    }

    /// Returns the key of anything else, such as an account: `write` says what it is made of.
    ///
    /// A layer looks for the keys of clients alone: check these by [`is_banned`](Self::is_banned).
    #[must_use]
    pub fn key(&self, write: impl FnOnce(&mut KeyHasher)) -> KeyHash {
        keys::of(&self.core.seed, write)
    }

    /// As [`client_key`](Self::client_key), for as much of a client as keys are made of.
    #[inline]
    pub(super) fn caller_key(&self, caller: &Caller) -> KeyHash {
        keys::client(&self.core.seed, &self.core.prefix, caller)
    }

    /// The key of all clients that have no address.
    pub(super) fn missing_key(&self) -> KeyHash {
        keys::missing(&self.core.seed)
    }

    /// Returns how long a key is banned yet.
    #[must_use]
    #[inline]
    pub fn is_banned(&self, key: KeyHash) -> Option<Duration> {
        let word = self.core.bans.word(key);
        // Nearly everybody: the clock is not even read.
        if word == 0 {
            return None;
        }
        Ban::rest(word, Micros::of(self.now())).map(Micros::to_duration)
    }

    /// Whether nobody was ever banned: nobody's key has to be made then.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        self.core.bans.is_unused()
    }

    /// Counts one sign of abuse and returns how long the ban is that it has started, if it has.
    ///
    /// A kind without a rule is not counted, and neither is anything while the key is banned.
    #[expect(
        clippy::must_use_candidate,
        reason = "it is called to count; who wants to know of bans has the events"
    )]
    pub fn signal(&self, key: KeyHash, kind: AbuseKind) -> Option<Duration> {
        let started = self.strike_by(key, kind)?;
        self.core.events.started(started, key, kind_name(kind));
        Some(started.length)
    }

    /// Bans a key for at least `duration` from now, and tells whether it is.
    ///
    /// A ban that ends later stays as it is: to shorten one, [lift](Self::unban) it first. The ban lengthens later ones as every
    /// ban does. It is `false` without a duration or when the table has no room.
    #[must_use = "a table without room bans nobody"]
    pub fn ban(&self, key: KeyHash, duration: Duration) -> bool {
        match self.prolong(key, duration) {
            Changed::To(_) => {
                self.core.counts.started();
                if let Some(share) = &self.core.share {
                    share.started(key, duration);
                }
                true
            }
            Changed::No => !duration.is_zero() && self.is_banned(key).is_some(),
            Changed::NoRoom => false,
        }
    }

    /// Ends the ban of a key and tells whether there was one. The next ban is as long as if it had ended by itself.
    #[expect(clippy::must_use_candidate, reason = "it is called to lift the ban")]
    pub fn unban(&self, key: KeyHash) -> bool {
        let is_lifted = self.lift(key);
        if is_lifted {
            self.core.counts.lifted();
            if let Some(share) = &self.core.share {
                share.lifted(key);
            }
        }
        is_lifted
    }

    /// Forgets all about a key: its counts, its ban, and that it ever had one.
    pub fn reset(&self, key: KeyHash) {
        // Counts first: one that reaches its limit between the two would start a ban behind our back.
        for rule in &self.core.signals {
            rule.counter.clear(key);
        }
        for counter in self.core.others.load().iter().filter_map(Weak::upgrade) {
            counter.clear(key);
        }
        self.unban(key);
        self.core.bans.forget(key);
    }

    /// Takes over a ban that another node reports, for at least `rest` from now. Nobody is told of it.
    ///
    /// It lengthens later bans as one that was started here.
    pub fn absorb(&self, key: KeyHash, rest: Duration) {
        self.prolong(key, rest);
    }

    /// Lifts a ban that another node has lifted. Nobody is told of it.
    pub fn release(&self, key: KeyHash) {
        self.lift(key);
    }

    /// Tells, at most once a minute, that other nodes cannot be reached: bans of the others are not heard of, and those of this one
    /// not told.
    pub fn share_failed(&self, error: &StoreError) {
        self.core.events.share_failed(error, self.now());
    }

    /// Returns what has happened since the table was made.
    #[must_use]
    pub fn stats(&self) -> BanStats {
        self.core.counts.read()
    }

    /// Tells whether signals of any kind are counted.
    #[must_use]
    #[inline]
    pub fn counts_signals(&self) -> bool {
        !self.core.signals.is_empty()
    }

    /// Tells whether [`dangerous_full_v6`](BanTableBuilder::dangerous_full_v6) was set.
    #[must_use]
    pub fn is_full_v6(&self) -> bool {
        self.core.prefix.is_full_v6()
    }

    /// Tells whether other nodes hear of the bans of this one.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.core.share.is_some()
    }

    /// Tells it from other tables as long as it is there.
    pub(super) fn identity(&self) -> usize {
        Arc::as_ptr(&self.core).addr()
    }

    /// Counts one sign of abuse by each rule for its kind.
    pub(super) fn strike_by(&self, key: KeyHash, kind: AbuseKind) -> Option<Started> {
        let mut rules = self.core.signals.iter().filter(|rule| rule.kind == kind);
        // One that starts a ban ends the count: nothing is counted while banned.
        rules.find_map(|rule| self.strike(&rule.counter, key))
    }

    /// Counts one time more by `counter`, unless the key is banned, and starts the ban if that is too often.
    pub(super) fn strike(&self, counter: &Counter, key: KeyHash) -> Option<Started> {
        let now = self.now();
        let time = Micros::of(now);
        if Ban::rest(self.core.bans.word(key), time).is_some() || !counter.add(key, now) {
            return None;
        }
        let quiet = self.core.quiet();
        match self.core.bans.change(key, now, counter.sentence, quiet) {
            Changed::To(word) => {
                // After the ban: nothing is added to the count that the ban's end finds.
                counter.clear(key);
                let started = Started {
                    length: Ban::rest(word, time)?.to_duration(),
                    rung: Ban::rung(word),
                };
                self.core.counts.started();
                if let Some(share) = &self.core.share {
                    share.started(key, started.length);
                }
                Some(started)
            }
            // Another request was faster.
            Changed::No => None,
            Changed::NoRoom => {
                self.core.tell_no_room();
                None
            }
        }
    }

    /// Makes the counter of a rule of a layer.
    pub(super) fn counter(&self, policy: BanPolicy) -> Arc<Counter> {
        let counter = Arc::new(Counter::new(
            policy,
            self.core.escalation,
            self.core.capacity,
        ));
        self.core.remember_for(&counter);
        self.core.others.rcu(|others| {
            let alive = others.iter().filter(|other| other.strong_count() > 0);
            let mut alive: Vec<_> = alive.cloned().collect();
            alive.push(Arc::downgrade(&counter));
            alive
        });
        counter
    }

    pub(super) fn escalation(&self) -> Escalation {
        self.core.escalation
    }

    /// Time as counters know it.
    pub(super) fn now(&self) -> Nanos {
        self.core.ticker.now()
    }

    fn prolong(&self, key: KeyHash, length: Duration) -> Changed {
        let quiet = self.core.quiet();
        let length = Micros::from_duration(length);
        let changed = self
            .core
            .bans
            .change(key, self.now(), AtLeast { length, quiet }, quiet);
        if changed == Changed::NoRoom {
            self.core.tell_no_room();
        }
        changed
    }

    fn lift(&self, key: KeyHash) -> bool {
        let is_banned = self.is_banned(key).is_some();
        if is_banned {
            self.core
                .bans
                .change(key, self.now(), Lift, self.core.quiet());
        }
        is_banned
    }
}

impl Core {
    fn remember_for(&self, counter: &Counter) {
        self.quiet
            .fetch_max(counter.sentence.quiet.get(), Ordering::Relaxed);
    }

    fn quiet(&self) -> Micros {
        Micros::new(self.quiet.load(Ordering::Relaxed))
    }

    fn tell_no_room(&self) {
        self.counts.dropped();
        self.events.full(self.capacity, self.ticker.now());
    }
}

impl Default for BanTable {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BanTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanTable")
            .field("capacity", &self.core.capacity)
            .field("prefix", &self.core.prefix)
            .field("signals", &self.core.signals.len())
            .field("is_shared", &self.is_shared())
            .finish_non_exhaustive()
    }
}
