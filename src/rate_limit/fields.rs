//! The header fields that tell a client where it stands.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::policy::Policy;
use super::quota::Quota;
use super::store::Standing;
use crate::core::line::{Line, number};
use crate::core::{Mode, field, retry_seconds};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

const NANOS: u64 = 1_000_000_000;

/// In which fields a client is told its limits.
///
/// `RateLimit-Policy: "ip";q=100;w=60` says what there is, 100 units in 60 seconds, and `RateLimit: "ip";r=42;t=1` what is left, 42
/// units and one more in a second. The older fields, which no document defines, are `X-RateLimit-Limit`, `-Remaining` and `-Reset`;
/// the last one is in seconds from now here, as `t` is.
///
/// `Retry-After` is none of them: every refusal that waiting ends has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// The fields of the IETF and the older ones.
    Both(IetfDraft),
    /// The fields of the IETF (default, in the newest version here).
    Ietf(IetfDraft),
    /// The older fields.
    LegacyX,
    /// No such field.
    None,
}

impl Default for HeaderStyle {
    fn default() -> Self {
        Self::Ietf(IetfDraft::Draft10)
    }
}

impl HeaderStyle {
    const fn is_ietf(self) -> bool {
        matches!(self, Self::Ietf(_) | Self::Both(_))
    }

    const fn is_legacy(self) -> bool {
        matches!(self, Self::LegacyX | Self::Both(_))
    }
}

/// A version of the IETF's fields. They are no standard yet, and their form has changed between versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IetfDraft {
    /// [draft-ietf-httpapi-ratelimit-headers-10](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10).
    #[default]
    Draft10,
}

/// Which answers carry the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Emit {
    /// All. A shared cache repeats what it stored: let answers that can be cached be without.
    Always,
    /// Refusals, and answers to clients that have less than this percentage of their burst left.
    Below(u8),
    /// Refusals alone (default): the way of a request that passes costs nothing.
    #[default]
    OnRefusal,
}

/// Where a client stands with the policy that it is told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Its place among the policies.
    pub(super) policy: usize,
    /// 0 is the policy's own quota, 1 its first plan.
    pub(super) plan: usize,
    /// Units left.
    pub(super) remaining: u64,
    /// Nanoseconds until one more is there.
    pub(super) reset: u64,
}

impl Shown {
    #[inline]
    pub(super) const fn of(policy: usize, plan: usize, standing: &Standing) -> Self {
        Self {
            policy,
            plan,
            remaining: standing.remaining,
            reset: standing.reset,
        }
    }
}

/// The fields of a set of policies, as far as they are known before a request is.
#[derive(Clone, Debug)]
pub(super) struct PolicyFields {
    style: HeaderStyle,
    emit: Emit,
    /// The policies that hold for every client, in one line.
    common: Option<HeaderValue>,
    policies: Box<[OneField]>,
}

#[derive(Clone, Debug)]
struct OneField {
    /// `"name";r=`
    start: Box<[u8]>,
    /// The policy's own quota, then its plans.
    quotas: Box<[QuotaField]>,
}

#[derive(Clone, Debug)]
struct QuotaField {
    burst: u64,
    /// `X-RateLimit-Limit`.
    limit: HeaderValue,
    /// Its line, unless it is in the common one.
    line: Option<HeaderValue>,
}

impl PolicyFields {
    /// Writes what does not depend on a request. The policies were checked.
    pub(super) fn new(style: HeaderStyle, emit: Emit, policies: &[&Policy]) -> Self {
        let common: Vec<String> = policies
            .iter()
            .filter(|policy| is_common(policy))
            .filter_map(|policy| item(&policy.name, policy.quota))
            .collect();
        let common = (!common.is_empty()).then(|| HeaderValue::try_from(common.join(", ")).ok());
        Self {
            style,
            emit,
            common: common.flatten(),
            policies: policies
                .iter()
                .map(|policy| OneField::new(policy))
                .collect(),
        }
    }

    /// Whether an answer to a request that passed has fields. Asked before anything is gathered for it.
    #[inline]
    pub(super) fn tells_allowed(&self) -> bool {
        self.emit != Emit::OnRefusal && self.style != HeaderStyle::None
    }

    /// Adds the fields to the answer to a request that passed.
    pub(super) fn tell(&self, shown: &Shown, status: StatusCode, headers: &mut HeaderMap) {
        let Some((one, quota)) = self.find(shown) else {
            return;
        };
        let is_due = match self.emit {
            Emit::Always => true,
            Emit::Below(percent) => {
                shown.remaining.saturating_mul(100) < quota.burst.saturating_mul(u64::from(percent))
            }
            Emit::OnRefusal => false,
        };
        if !is_due || !may_carry(status) {
            return;
        }
        self.ietf(one, quota, shown, |name, value| {
            field::add(headers, name, value);
        });
        if self.style.is_legacy() && !has_less(headers, shown) {
            legacy(quota, shown, |name, value| field::set(headers, name, value));
        }
    }

    /// Adds the fields to a refusal.
    pub(super) fn refuse(&self, shown: &Shown, headers: &mut HeaderMap) {
        let Some((one, quota)) = self.find(shown) else {
            return;
        };
        self.ietf(one, quota, shown, |name, value| {
            field::add(headers, name, value);
        });
        if self.style.is_legacy() {
            legacy(quota, shown, |name, value| field::set(headers, name, value));
        }
    }

    fn find(&self, shown: &Shown) -> Option<(&OneField, &QuotaField)> {
        let one = self.policies.get(shown.policy)?;
        Some((one, one.quotas.get(shown.plan)?))
    }

    fn ietf(
        &self,
        one: &OneField,
        quota: &QuotaField,
        shown: &Shown,
        mut add: impl FnMut(HeaderName, HeaderValue),
    ) {
        if !self.style.is_ietf() {
            return;
        }
        for line in [&self.common, &quota.line].into_iter().flatten() {
            add(POLICY, line.clone());
        }
        let mut line = Line::new();
        line.push(&one.start);
        line.number(shown.remaining.min(MAX_INTEGER));
        if shown.reset > 0 && shown.remaining < quota.burst {
            line.push(b";t=");
            line.number(seconds(shown.reset));
        }
        if let Some(value) = line.value() {
            add(LIMIT, value);
        }
    }
}

impl OneField {
    fn new(policy: &Policy) -> Self {
        let is_common = is_common(policy);
        let quotas = policy.all_quotas().map(|quota| QuotaField {
            burst: u64::from(quota.burst_size()),
            limit: number(u64::from(quota.burst_size())),
            line: (!is_common)
                .then(|| item(&policy.name, quota))
                .flatten()
                .and_then(|line| HeaderValue::try_from(line).ok()),
        });
        Self {
            start: format!("\"{}\";r=", policy.name).into_bytes().into(),
            quotas: quotas.collect(),
        }
    }
}

/// Largest integer of a structured field (RFC 9651, section 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// Whether a policy is the same for all clients. The others are told to those whom they bind: what is only reported shows nowhere.
fn is_common(policy: &Policy) -> bool {
    let is_enforced = policy.mode == Mode::Enforce;
    is_enforced && policy.plans.is_none() && policy.enforce_percent.is_none_or(|share| share >= 100)
}

/// An item of `RateLimit-Policy`. The letters of a name need no escapes.
fn item(name: &str, quota: Quota) -> Option<String> {
    let window = seconds(quota.compile().ok()?.window()).max(1);
    Some(format!("\"{name}\";q={};w={window}", quota.burst_size()))
}

fn legacy(quota: &QuotaField, shown: &Shown, mut add: impl FnMut(HeaderName, HeaderValue)) {
    add(X_LIMIT, quota.limit.clone());
    add(X_REMAINING, number(shown.remaining));
    add(X_RESET, number(seconds(shown.reset)));
}

/// Whether an inner layer has told the client of less: the three fields are one statement and stay together.
fn has_less(headers: &HeaderMap, shown: &Shown) -> bool {
    let told = |name| headers.get(name).and_then(parse);
    match told(X_REMAINING) {
        None => false,
        Some(left) if left == shown.remaining => told(X_RESET) >= Some(seconds(shown.reset)),
        Some(left) => left < shown.remaining,
    }
}

fn parse(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

/// Not on 1xx, nor on redirections that are followed: a client that reads `r=0` there would stop.
fn may_carry(status: StatusCode) -> bool {
    !status.is_informational() && !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whole seconds, rounded up: nobody is told to come too early.
const fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(NANOS)
}

/// What `Retry-After` says of a denial: at least 1, and not before the next unit is there. `None` if waiting never helps.
pub(super) fn retry_after(standing: &Standing) -> Option<u64> {
    let wait = standing.wait.max(standing.reset);
    (standing.wait != Standing::NEVER).then(|| retry_seconds(Duration::from_nanos(wait)))
}

/// A wait, longer by up to `percent`: those who were refused together do not come back together.
pub(super) const fn jittered(wait: u64, percent: u8, random: u64) -> u64 {
    let most = (wait / 100).saturating_mul(percent as u64);
    wait.saturating_add((most / 1_024).saturating_mul(random % 1_025))
}
