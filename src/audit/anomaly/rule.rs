//! What is counted, by whom, and how much of it is too much.

use std::time::Duration;

use http::StatusCode;

use crate::audit::error::RuleProblem;
use crate::core::{EventName, Level, Outcome, SecurityEvent};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// Different values that are kept of one key.
pub(super) const MOST_DISTINCT: u32 = 64;

/// Whom or what the events of a rule are counted by. An event that does not tell it is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleKey {
    /// The account that somebody tries to log in to: the target of the event, else its principal, trimmed and in lower case.
    Account,
    /// The address of the client: a whole IPv4 address, the first 64 bits of an IPv6 address.
    Ip,
    /// Who was logged in.
    Principal,
    /// The object asked for.
    Target,
}

impl RuleKey {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Ip => "ip",
            Self::Principal => "principal",
            Self::Target => "target",
        }
    }
}

/// A rule of an [`AnomalyDetector`](super::AnomalyDetector): so many events within so long a time are a finding.
///
/// The window slides: it is two fixed ones, of which the older counts for the part of it that is still inside. What a layer in
/// report-only mode would have refused is not counted.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::audit::{Rule, RuleKey};
/// use tower_security::core::{EventName, Level};
///
/// let rule = Rule::new("login_per_account")
///     .on(EventName::AuthnLoginFail)
///     .at_least(Level::Warn)
///     .key(RuleKey::Account)
///     .limit(5, Duration::from_secs(15 * 60))
///     .finding(EventName::AuthnLoginFailMax);
/// # let _ = rule;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a rule does nothing until a detector has it"]
pub struct Rule {
    pub(super) name: &'static str,
    pub(super) events: Vec<EventName>,
    pub(super) statuses: Vec<StatusCode>,
    pub(super) codes: Vec<&'static str>,
    pub(super) at_least: Level,
    pub(super) key: Option<RuleKey>,
    pub(super) distinct: Option<RuleKey>,
    pub(super) limit: Option<u32>,
    pub(super) window: Duration,
    pub(super) cooldown: Duration,
    pub(super) finding: EventName,
}

impl Rule {
    /// Starts a rule. The name is the code of its findings.
    ///
    /// Permitted: 1 to 64 of `a-z`, `0-9` and `_`. Rejected: anything else, a name that another rule has.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            events: Vec::new(),
            statuses: Vec::new(),
            codes: Vec::new(),
            at_least: Level::Info,
            key: None,
            distinct: None,
            limit: None,
            window: MINUTE,
            cooldown: Duration::from_secs(5 * 60),
            finding: EventName::MaliciousAttackTool,
        }
    }

    /// Counts events of this name. May be called for several.
    pub fn on(mut self, event: EventName) -> Self {
        self.events.push(event);
        self
    }

    /// Counts answers with this status that [`EventSink::status`](crate::core::EventSink::status) is told of.
    pub fn on_status(mut self, status: StatusCode) -> Self {
        self.statuses.push(status);
        self
    }

    /// Counts events with one of these codes alone. By default any.
    pub fn codes(mut self, codes: impl IntoIterator<Item = &'static str>) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Counts events of this level and above alone. By default all. A missing or an expired token is `info`: it is no guess.
    pub const fn at_least(mut self, level: Level) -> Self {
        self.at_least = level;
        self
    }

    /// Sets whom or what events are counted by.
    pub const fn key(mut self, key: RuleKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Counts how many different values of `of` come with one key, rather than events. A value counts for one window after it came last.
    ///
    /// Takes 8 bytes of each key for each value that the limit says.
    pub const fn distinct(mut self, of: RuleKey) -> Self {
        self.distinct = Some(of);
        self
    }

    /// Sets how many within which time are a finding.
    ///
    /// Permitted: 1 and more, [different values](Self::distinct) 2 to 64; a window of up to 24 hours. Rejected: 0.
    pub const fn limit(mut self, count: u32, window: Duration) -> Self {
        self.limit = Some(count);
        self.window = window;
        self
    }

    /// Sets for how long the rule is silent about a key after a finding. By default 5 minutes.
    ///
    /// Permitted: 0 to 24 hours. With 0 each further event is a finding.
    pub const fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// Sets the name of its findings. By default [`EventName::MaliciousAttackTool`].
    pub const fn finding(mut self, name: EventName) -> Self {
        self.finding = name;
        self
    }

    pub(super) fn concerns(&self, event: &SecurityEvent<'_>) -> bool {
        event.level >= self.at_least
            && event.outcome != Outcome::WouldRefuse
            && (self.codes.is_empty() || self.codes.contains(&event.code))
    }

    pub(super) fn problems(&self) -> Vec<RuleProblem> {
        let limit = self.limit.unwrap_or(1);
        let is_distinct = self.distinct.is_some();
        let is_by_ip = matches!(self.key, None | Some(RuleKey::Ip)) && !is_distinct;
        let (window, cooldown) = (self.window, self.cooldown);
        let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let is_named = (1..=64).contains(&self.name.len()) && self.name.bytes().all(legal);
        [
            (!is_named, RuleProblem::Name),
            (
                self.events.is_empty() && self.statuses.is_empty(),
                RuleProblem::NoEvent,
            ),
            (self.key.is_none(), RuleProblem::NoKey),
            (self.limit.is_none(), RuleProblem::NoLimit),
            (limit == 0, RuleProblem::Limit),
            (
                is_distinct && self.limit.is_some() && !(2..=MOST_DISTINCT).contains(&limit),
                RuleProblem::Distinct { limit },
            ),
            (
                window.is_zero() || window > DAY,
                RuleProblem::Window { window },
            ),
            (cooldown > DAY, RuleProblem::Cooldown { cooldown }),
            (
                !self.statuses.is_empty() && !is_by_ip,
                RuleProblem::StatusKey,
            ),
        ]
        .into_iter()
        .filter_map(|(is_wrong, problem)| is_wrong.then_some(problem))
        .collect()
    }

    /// The rules that a detector has by default.
    pub(super) fn defaults() -> Vec<Self> {
        let quarter = Duration::from_secs(15 * 60);
        let of_logins = |name| {
            Self::new(name)
                .on(EventName::AuthnLoginFail)
                .at_least(Level::Warn)
                .finding(EventName::AuthnLoginFailMax)
        };
        let of_objects = |name| {
            Self::new(name)
                .on(EventName::AuthzFail)
                .finding(EventName::MaliciousDirectReference)
        };
        let of_browsers = |name, event| {
            Self::new(name)
                .on(event)
                .key(RuleKey::Ip)
                .limit(20, Duration::from_secs(5 * 60))
                .finding(event)
        };
        const OBJECTS: [&str; 2] = ["object_absent", "object_denied"];
        vec![
            of_logins("login_per_account")
                .key(RuleKey::Account)
                .limit(5, quarter),
            of_logins("login_per_ip")
                .key(RuleKey::Ip)
                .limit(20, quarter),
            of_logins("spray")
                .key(RuleKey::Ip)
                .distinct(RuleKey::Account)
                .limit(10, quarter)
                .finding(EventName::MaliciousAttackTool),
            of_logins("bad_tokens")
                .codes(["token_invalid"])
                .key(RuleKey::Ip)
                .limit(50, MINUTE),
            of_objects("enumeration")
                .codes(OBJECTS)
                .key(RuleKey::Principal)
                .limit(10, MINUTE),
            of_objects("enumeration_ip")
                .codes(OBJECTS)
                .key(RuleKey::Ip)
                .limit(30, MINUTE),
            of_objects("victim")
                .codes(["object_denied"])
                .key(RuleKey::Target)
                .limit(50, Duration::from_secs(10 * 60)),
            Self::new("scan")
                .on_status(StatusCode::NOT_FOUND)
                .key(RuleKey::Ip)
                .limit(30, MINUTE)
                .finding(EventName::MaliciousExcess404),
            Self::new("token_reuse")
                .on(EventName::AuthnTokenReuse)
                .key(RuleKey::Principal)
                .limit(1, MINUTE)
                .finding(EventName::AuthnTokenReuse),
            of_browsers("cors", EventName::MaliciousCors),
            of_browsers("csrf", EventName::MaliciousCsrf),
        ]
    }
}
