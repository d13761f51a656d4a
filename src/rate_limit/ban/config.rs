//! How a layer of bans is set up.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::error::BanConfigError;
use super::layer::{BanLayer, Core, Matcher, RequestRule, Switches, Told, check_lists};
use super::refusals::Known;
use super::rule::BanPolicy;
use super::share::BanShare;
use super::table::BanTable;
use super::table_builder::BanTableBuilder;
use crate::core::{
    AbuseKind, Clock, ConfigErrors, EventSink, Events, IpSet, Mistakes, Mode, Reload,
    TrustedProxies,
};
use crate::rate_limit::OnMissing;
use crate::rate_limit::problem::ABNORMAL_USAGE;

/// With which status the requests of a banned client are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BanStatus {
    /// 403 (default).
    #[default]
    Forbidden,
    /// 429 with the problem type [`BanBuilder::problem_type`], for clients that wait only then.
    TooManyRequests,
}

/// What becomes of a client whose address is [degraded](crate::core::ClientIp::is_degraded): the header of a trusted proxy could not be
/// read up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum OnDegraded {
    /// It is one client for each proxy, apart from the proxy itself (default): counted and banned, and in no list.
    #[default]
    Own,
    /// Its requests are refused with 403 `client_ip_degraded`.
    Refuse,
}

/// Makes a [`BanLayer`].
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::core::{AbuseKind, ClientIp, IpNet, IpSet};
/// use tower_security::rate_limit::BanLayer;
///
/// const MINUTE: Duration = Duration::from_secs(60);
/// let office: IpNet = "192.0.2.0/24".parse()?;
/// let layer = BanLayer::builder()
///     .client_ip(ClientIp::trusted_proxies(["10.0.0.0/8".parse()?])?)
///     .safelist(IpSet::new([office]))
///     // Nobody but a scanner asks for it: refused at once, and at the third time banned.
///     .fail2ban(|head| head.uri.path().ends_with(".php"), 3, 10 * MINUTE, 60 * MINUTE)
///     .on(AbuseKind::AuthFailed, 20, 10 * MINUTE, 60 * MINUTE)
///     .build()?;
///
/// let errors = BanLayer::builder()
///     .safelist(IpSet::new([office]))
///     .blocklist(IpSet::new([office]))
///     .allow2ban(|head| head.uri.path() == "/search", 0, MINUTE, MINUTE)
///     .build()
///     .unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["ban_policy", "list_conflict"]);
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct BanBuilder {
    switches: Switches,
    /// What the layer's own table is made by, and the settings that were given to it.
    own: BanTableBuilder,
    own_settings: Vec<&'static str>,
    table: Option<BanTable>,
    rules: Vec<Rule>,
    proxies: TrustedProxies,
    on_missing: OnMissing,
    on_degraded: OnDegraded,
    hides_duration: bool,
    status: BanStatus,
    problem_type: Cow<'static, str>,
    events: Events,
}

struct Rule {
    matches: Matcher,
    refuses: bool,
    policy: BanPolicy,
}

impl Default for BanBuilder {
    fn default() -> Self {
        Self {
            switches: Switches::default(),
            own: BanTableBuilder::default(),
            own_settings: Vec::new(),
            table: None,
            rules: Vec::new(),
            proxies: TrustedProxies::direct(),
            on_missing: OnMissing::SharedBucket,
            on_degraded: OnDegraded::Own,
            hides_duration: false,
            status: BanStatus::Forbidden,
            problem_type: Cow::Borrowed(ABNORMAL_USAGE),
            events: Events::default(),
        }
    }
}

impl BanBuilder {
    /// Sets what the layer does with what it refuses. Default: [`Mode::Enforce`].
    ///
    /// With [`Mode::ReportOnly`] everything is counted and banned as it would be, and every request passes; an event tells of each
    /// that would have been refused. So that nobody else refuses by such bans, the layer needs a table of its own.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.switches.mode = mode;
        self
    }

    /// Names the clients that are never refused and never counted: monitoring, an office, a partner. By default nobody.
    ///
    /// It is stronger than the blocklist and than any ban. A [degraded](crate::core::ClientIp::is_degraded) address is never safe:
    /// it is that of a proxy, and whoever sends garbage through the proxy has it.
    pub fn safelist(mut self, safelist: IpSet) -> Self {
        self.switches.safelist = safelist;
        self
    }

    /// Names the clients that are always refused. By default nobody.
    ///
    /// A [degraded](crate::core::ClientIp::is_degraded) address is that of a proxy: whoever hides behind one is not found in the list.
    /// [`on_degraded`](Self::on_degraded) shuts that way.
    pub fn blocklist(mut self, blocklist: IpSet) -> Self {
        self.switches.blocklist = blocklist;
        self
    }

    /// Finds clients by these proxies where no layer outside has found them, such as
    /// [`ClientIpLayer`](crate::core::ClientIpLayer). Default: [`TrustedProxies::direct`].
    pub fn client_ip(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets what becomes of requests without a client address. By default all of them count as one client, and an event tells, at
    /// most once a minute, how to attach the address.
    ///
    /// With [`OnMissing::Refuse`] they get 403 `client_ip_missing`.
    pub fn on_missing(mut self, on_missing: OnMissing) -> Self {
        self.on_missing = on_missing;
        self
    }

    /// Sets what becomes of clients whose address is [degraded](crate::core::ClientIp::is_degraded). By default those behind one proxy
    /// are one client, which is counted and banned, but not found in a [`blocklist`](Self::blocklist).
    ///
    /// With [`OnDegraded::Refuse`] they get 403 `client_ip_degraded`, whatever else is known of them, and are not counted. Choose it
    /// where a blocklist or a ban has to hold against clients that can spoil the header: those of a proxy that appends to the
    /// `Forwarded` line it was sent. It costs everybody behind a trusted proxy that hides its clients (`for=unknown`), and whoever has a
    /// proxy of his own that writes lines which do not parse: watch for `client_ip_degraded` among the events first.
    ///
    /// A proxy on a Unix socket has no address that a client could bear instead: requests that it forwards with such a header have
    /// none, and [`on_missing`](Self::on_missing) decides.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::{ForwardHeader, IpNet, IpSet, TrustedProxies};
    /// use tower_security::rate_limit::{BanLayer, OnDegraded};
    ///
    /// let proxies = TrustedProxies::builder()
    ///     .nets(["10.0.0.0/8".parse()?])
    ///     .header(ForwardHeader::Forwarded)
    ///     .build()?;
    /// let feed: IpNet = "198.51.100.0/24".parse()?;
    /// let layer = BanLayer::builder()
    ///     .client_ip(proxies)
    ///     .blocklist(IpSet::new([feed]))
    ///     // `Forwarded: for="x` hides nobody.
    ///     .on_degraded(OnDegraded::Refuse)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_degraded(mut self, on_degraded: OnDegraded) -> Self {
        self.on_degraded = on_degraded;
        self
    }

    /// Refuses the requests of which `matches` is true with 403 `blocked`, counts them, and bans for `ban` with the one that is
    /// number `times` within `find`, counted from the first.
    ///
    /// For what nobody asks for by accident: `/wp-login.php`, `/.env`. The first such rule that matches decides.
    pub fn fail2ban(
        self,
        matches: impl Fn(&Parts) -> bool + Send + Sync + 'static,
        times: u32,
        find: Duration,
        ban: Duration,
    ) -> Self {
        self.rule(Arc::new(matches), true, BanPolicy { times, find, ban })
    }

    /// Counts the requests of which `matches` is true and lets them pass; with the one that is number `times` within `find`, counted
    /// from the first, the client is banned for `ban`.
    ///
    /// That one still passes, unless a rule of [`fail2ban`](Self::fail2ban) refuses it, and the next is refused whatever it asks for.
    /// For what is normal in small numbers: registering,
    /// a costly search.
    pub fn allow2ban(
        self,
        matches: impl Fn(&Parts) -> bool + Send + Sync + 'static,
        times: u32,
        find: Duration,
        ban: Duration,
    ) -> Self {
        self.rule(Arc::new(matches), false, BanPolicy { times, find, ban })
    }

    /// Leaves `Retry-After` out of refusals, so that a banned client does not learn when to come back.
    pub fn hide_duration(mut self) -> Self {
        self.hides_duration = true;
        self
    }

    /// Sets the status for banned clients. Default: [`BanStatus::Forbidden`]. Over gRPC it is always 7 `PERMISSION_DENIED`: clients
    /// retry 8 by themselves.
    pub fn status(mut self, status: BanStatus) -> Self {
        self.status = status;
        self
    }

    /// Sets the problem type, an absolute URI, that stands in refusals with [`BanStatus::TooManyRequests`]. Default:
    /// `#abnormal-usage-detected` of the IANA registry of problem types.
    pub fn problem_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.problem_type = uri.into();
        self
    }

    /// Sends events to `sink`. By default to that of the stack, else to `tracing`.
    ///
    /// At most 100 a second: what is left out is counted in the next one, as `suppressed`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        let sink: Arc<dyn EventSink> = Arc::new(sink);
        self.own = self.own.events(Arc::clone(&sink));
        self.events = self.events.with_sink(sink);
        self
    }

    /// Keeps bans in `table`, which others may share. By default in a table of the layer's own, which the following methods set up.
    pub fn table(mut self, table: BanTable) -> Self {
        self.table = Some(table);
        self
    }

    /// As [`BanTableBuilder::on`], for the layer's own table.
    ///
    /// The layer counts what [`AbuseSignal::of`](crate::core::AbuseSignal::of) finds in answers: the refusals of the layers inside
    /// it, and what handlers say.
    pub fn on(self, kind: AbuseKind, times: u32, find: Duration, ban: Duration) -> Self {
        self.own("on", |table| table.on(kind, times, find, ban))
    }

    /// As [`BanTableBuilder::escalation`], for the layer's own table.
    pub fn escalation(self, multiplier: u32, max: Duration) -> Self {
        self.own("escalation", |table| table.escalation(multiplier, max))
    }

    /// As [`BanTableBuilder::client_prefix`], for the layer's own table.
    pub fn client_prefix(self, v4: u8, v6: u8) -> Self {
        self.own("client_prefix", |table| table.client_prefix(v4, v6))
    }

    /// As [`BanTableBuilder::dangerous_full_v6`], for the layer's own table.
    ///
    /// # Danger
    ///
    /// Every subscriber owns 2^64 addresses and is never banned for longer than it takes to use the next.
    pub fn dangerous_full_v6(self) -> Self {
        self.own("dangerous_full_v6", BanTableBuilder::dangerous_full_v6)
    }

    /// As [`BanTableBuilder::capacity`], for the layer's own table.
    pub fn capacity(self, capacity: usize) -> Self {
        self.own("capacity", |table| table.capacity(capacity))
    }

    /// As [`BanTableBuilder::share`], for the layer's own table.
    pub fn share(self, share: impl BanShare) -> Self {
        self.own("share", |table| table.share(share))
    }

    /// As [`BanTableBuilder::clock`], for the layer's own table and its events.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.events = self.events.with_clock(Arc::clone(&clock));
        self.own("clock", |table| table.clock(clock))
    }

    /// Checks the settings and makes the layer.
    ///
    /// # Errors
    ///
    /// All mistakes together, each a [`BanConfigError`].
    pub fn build(mut self) -> Result<BanLayer, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let escalation = match &self.table {
            Some(table) => {
                for setting in &self.own_settings {
                    let mistake = BanConfigError::TableGiven { setting };
                    mistakes.push(format!("bans.{setting}"), mistake);
                }
                table.escalation()
            }
            None => {
                self.own.check(&mut mistakes);
                self.own.escalation
            }
        };
        for (index, rule) in self.rules.iter().enumerate() {
            let path = format!("bans.{}", rule.name(index));
            rule.policy.check(&mut mistakes, &path, escalation);
        }
        check_lists(
            &mut mistakes,
            &self.switches.safelist,
            &self.switches.blocklist,
        );
        mistakes.finish(())?;
        let table = match self.table.take() {
            Some(table) => table,
            None => self.own.clone().unchecked(),
        };
        Ok(self.unchecked(table))
    }

    pub(super) fn unchecked(self, table: BanTable) -> BanLayer {
        let rules = self.rules.into_iter().enumerate();
        let rules = rules.map(|(index, rule)| RequestRule {
            name: rule.name(index).into(),
            counter: table.counter(rule.policy),
            matches: rule.matches,
            refuses: rule.refuses,
        });
        let rules = rules.collect();
        let (switches, handle) = Reload::shared(Arc::new(self.switches));
        BanLayer::of(Core {
            table,
            switches,
            handle,
            rules,
            proxies: self.proxies,
            on_missing: self.on_missing,
            on_degraded: self.on_degraded,
            hides_duration: self.hides_duration,
            refusals: Known::new(self.status, self.problem_type),
            events: self.events,
            told: Arc::new(Told::new()),
        })
    }

    fn rule(mut self, matches: Matcher, refuses: bool, policy: BanPolicy) -> Self {
        self.rules.push(Rule {
            matches,
            refuses,
            policy,
        });
        self
    }

    fn own(
        mut self,
        setting: &'static str,
        set: impl FnOnce(BanTableBuilder) -> BanTableBuilder,
    ) -> Self {
        self.own = set(self.own);
        if !self.own_settings.contains(&setting) {
            self.own_settings.push(setting);
        }
        self
    }
}

impl Rule {
    /// What it is called in mistakes and events; `index` counts the rules of both kinds.
    fn name(&self, index: usize) -> String {
        let kind = if self.refuses {
            "fail2ban"
        } else {
            "allow2ban"
        };
        format!("{kind}[{index}]")
    }
}

impl fmt::Debug for BanBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanBuilder")
            .field("switches", &self.switches)
            .field("own", &self.own)
            .field("table", &self.table)
            .field("rules", &self.rules.len())
            .field("proxies", &self.proxies)
            .field("on_missing", &self.on_missing)
            .field("on_degraded", &self.on_degraded)
            .field("hides_duration", &self.hides_duration)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
