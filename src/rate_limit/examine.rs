//! What a limiter and its services share, and how they look at a request.

use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request};

use super::check::Check;
use super::config::Settings;
use super::events::Teller;
use super::fallback::Fallback;
use super::items::{Found, Step, Subject};
use super::key::{Head, KeySeed};
use super::notices::{Notices, Told};
use super::policy::MAX_POLICIES;
use super::refusal::Refusal;
use super::set::{Label, PolicySet};
use super::store::{Nanos, Store};
use super::time::Ticker;
use crate::core::head;
use crate::core::{Caller, IpSet, Reload, ReloadHandle, TrustedProxies};

/// What a limiter, its layer and all their services share.
pub(super) struct Core<St: Store> {
    pub(super) store: St,
    pub(super) seed: KeySeed,
    pub(super) sets: Reload<PolicySet<St::Counter>>,
    pub(super) handle: ReloadHandle<PolicySet<St::Counter>>,
    pub(super) settings: Settings,
    pub(super) proxies: TrustedProxies,
    pub(super) exempt: IpSet,
    pub(super) ticker: Ticker,
    /// Another limiter has it too if this one goes on where that one ends.
    pub(super) teller: Arc<Teller>,
    /// There if a policy counts in this process while the store is away.
    pub(super) fallback: Option<Fallback>,
}

impl<St: Store> Core<St> {
    /// Decides about a request of which no more is looked at than this. [`Needs::whole`](super::set::Needs::whole) says whether that is
    /// so.
    #[inline]
    pub(super) fn examine(
        &self,
        set: &PolicySet<St::Counter>,
        method: &Method,
        headers: &HeaderMap,
        extensions: &Extensions,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let client = self.client(set, headers, extensions, notices);
        let client = client.as_ref();
        if self.is_exempt(client) {
            return Step::Pass;
        }
        let subject = Subject {
            method,
            head: Head {
                headers,
                extensions,
                parts: None,
                request: None,
                client,
                proxies: &self.proxies,
            },
        };
        notices.now = self.ticker.now();
        self.check(set, notices.now)
            .decide(subject, &mut [], notices)
    }

    /// Decides about a request of which a closure or an extractor wants to see more than built-in keys do.
    #[inline(never)]
    pub(super) fn examine_whole<B>(
        &self,
        set: &PolicySet<St::Counter>,
        request: &mut Request<B>,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let client = self.client(set, request.headers(), request.extensions(), notices);
        let client = client.as_ref();
        if self.is_exempt(client) {
            return Step::Pass;
        }
        notices.now = self.ticker.now();
        let check = self.check(set, notices.now);
        let lent = head::take(request);
        let mut found: [Option<Found>; MAX_POLICIES] = [const { None }; MAX_POLICIES];
        let head = Head {
            headers: lent.headers(),
            extensions: lent.extensions(),
            parts: None,
            request: Some(&lent),
            client,
            proxies: &self.proxies,
        };
        for (place, active) in found.iter_mut().zip(&set.active) {
            if active.key.needs_request() {
                *place = Some(check.extract(active, &head));
            }
        }
        let (parts, ()) = lent.into_parts();
        let subject = Subject {
            method: &parts.method,
            head: self.head(&parts, client),
        };
        let step = check.decide(subject, &mut found, notices);
        head::give_back(request, parts);
        step
    }

    /// Records a refusal.
    pub(super) fn record_refusal(
        &self,
        set: &PolicySet<St::Counter>,
        head: Option<&Parts>,
        refusal: &Refusal,
        now: Nanos,
    ) {
        let extensions = head.map(|head| &head.extensions);
        if let Some(suppressed) = self.teller.refused(extensions, refusal, now) {
            self.teller
                .tell_refused(head, refusal, &set.labels, suppressed);
        }
        self.record_crowding(set, head, now);
    }

    /// As [`record_refusal`](Self::record_refusal), of a request whose head is lent only if something is told: most of a flood is not.
    pub(super) fn record_refused<B>(
        &self,
        set: &PolicySet<St::Counter>,
        request: &mut Request<B>,
        refusal: &Refusal,
        now: Nanos,
    ) {
        let due = self
            .teller
            .refused(Some(request.extensions()), refusal, now);
        if let Some(suppressed) = due {
            head::with_parts(request, |head| {
                self.teller
                    .tell_refused(Some(head), refusal, &set.labels, suppressed);
            });
        }
        for label in self.newly_crowded(set) {
            head::with_parts(request, |head| self.teller.crowded(Some(head), label, now));
        }
    }

    /// Records what came up besides.
    #[cold]
    pub(super) fn record(
        &self,
        set: &PolicySet<St::Counter>,
        head: Option<&Parts>,
        told: &Told,
        now: Nanos,
    ) {
        self.teller
            .tell(head, told, &set.labels, &self.proxies, now);
        if told.would_refuse.is_some() {
            self.record_crowding(set, head, now);
        }
    }

    fn record_crowding(&self, set: &PolicySet<St::Counter>, head: Option<&Parts>, now: Nanos) {
        for label in self.newly_crowded(set) {
            self.teller.crowded(head, label, now);
        }
    }

    /// Asked when somebody is over a limit: as long as nobody is, nothing was lost that matters.
    fn newly_crowded<'a>(
        &'a self,
        set: &'a PolicySet<St::Counter>,
    ) -> impl Iterator<Item = &'a Label> {
        let policies = set.active.iter().zip(&*set.labels);
        policies
            .filter(|(active, _)| self.store.is_newly_crowded(&active.counter))
            .map(|(_, label)| label)
    }

    pub(super) fn head<'a>(&'a self, parts: &'a Parts, client: Option<&'a Caller>) -> Head<'a> {
        Head {
            headers: &parts.headers,
            extensions: &parts.extensions,
            parts: Some(parts),
            request: None,
            client,
            proxies: &self.proxies,
        }
    }

    #[inline]
    pub(super) fn check<'a>(
        &'a self,
        set: &'a PolicySet<St::Counter>,
        now: Nanos,
    ) -> Check<'a, St> {
        Check {
            core: self,
            set,
            now,
            keeps_all: self.settings.expose_info,
        }
    }

    /// The client of a request, where somebody besides the keys asks for it: they find it too, once for all that are alike, and what is
    /// handed about costs more than to look it up.
    #[inline]
    pub(super) fn client(
        &self,
        set: &PolicySet<St::Counter>,
        headers: &HeaderMap,
        extensions: &Extensions,
        notices: &mut Notices,
    ) -> Option<Caller> {
        let is_told_of = set.needs.client && !self.proxies.is_direct();
        if !is_told_of && self.exempt.is_empty() {
            return None;
        }
        self.found_client(headers, extensions, notices)
    }

    #[inline(never)]
    fn found_client(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        notices: &mut Notices,
    ) -> Option<Caller> {
        if let Some(client) = Caller::from_extensions(extensions) {
            return Some(client);
        }
        let client = self.proxies.caller(headers, extensions)?;
        if client.is_degraded {
            notices.degraded();
        }
        Some(client)
    }

    /// A client that could not be read up to its end bears the address of a proxy, which is no reason to let it pass.
    #[inline]
    pub(super) fn is_exempt(&self, client: Option<&Caller>) -> bool {
        !self.exempt.is_empty()
            && client.is_some_and(|client| !client.is_degraded && self.exempt.contains(client.ip()))
    }
}
