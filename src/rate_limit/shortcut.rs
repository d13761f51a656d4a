//! The short way of a decision, for what most limiters are asked: may this address, or may everybody, have one more?
//!
//! It finds the client once, hashes once, and asks the store; what passes is done. Everything else goes on where the
//! [long way](super::check) would have arrived: a request without a client before anything is charged, a denial with what the store
//! has said.

use http::{Extensions, HeaderMap};

use super::check::Check;
use super::config::Settings;
use super::examine::Core;
use super::fallback::can_be_away;
use super::fields::Shown;
use super::items::{Items, Kept, Step};
use super::key::{KeyHash, KeySeed, Prefix, client_key};
use super::marks::Marks;
use super::notices::Notices;
use super::refusal::{Refusal, Why};
use super::set::{Active, PolicySet};
use super::store::{Acquire, Charge, Nanos, Store};
use crate::core::Caller;

/// Most policies of a set that has a shortcut.
const MOST: usize = 3;

/// Whom all policies of a set count, where they count one key, a fixed cost, and look at nothing else of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shortcut {
    Client(Prefix),
    Everybody(KeyHash),
}

impl Shortcut {
    pub(super) fn of<C>(active: &[Active<C>], settings: &Settings, seed: &KeySeed) -> Option<Self> {
        let (first, others) = active.split_first()?;
        let is_one_key = others.iter().all(|one| one.same_key_as == Some(0));
        let is_short = active.len() <= MOST && active.iter().all(Active::is_plain);
        if !is_one_key || !is_short || settings.expose_info {
            return None;
        }
        first.key.shortcut(seed)
    }
}

/// What the short way leads to.
pub(super) enum Short {
    Passed,
    /// The charge of this key was not booked yet: more has to be known of it than that it fits.
    Charge(KeyHash, Nanos),
    /// Nothing has happened: there is no short way, or no client.
    Nowhere,
}

impl<St: Store> Core<St> {
    /// Goes the short way as far as it leads.
    #[inline]
    pub(super) fn shortly(
        &self,
        set: &PolicySet<St::Counter>,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Short {
        let key = match &set.shortcut {
            Some(Shortcut::Client(prefix)) => {
                match Caller::attached_or_found(&self.proxies, headers, extensions) {
                    Some(client) if client.is_degraded => return Short::Nowhere,
                    Some(client) if self.is_exempt(Some(&client)) => return Short::Passed,
                    Some(client) => client_key(prefix, &client, &self.seed),
                    None => return Short::Nowhere,
                }
            }
            // Whether somebody is exempt is a question of his address.
            Some(Shortcut::Everybody(key)) if self.exempt.is_empty() => *key,
            Some(Shortcut::Everybody(_)) | None => return Short::Nowhere,
        };
        let now = self.ticker.now();
        if self.passes(set, key, now) {
            Short::Passed
        } else {
            Short::Charge(key, now)
        }
    }

    /// Whether the charges fit, are booked, and nobody asks for more.
    #[inline]
    fn passes(&self, set: &PolicySet<St::Counter>, key: KeyHash, now: Nanos) -> bool {
        if set.fields.tells_allowed() || (can_be_away::<St>() && self.teller.is_store_away()) {
            return false;
        }
        let charge = |one| charge(one, key);
        match &*set.active {
            [one] => self.store.pass(now, &mut [charge(one)]),
            [one, two] => self.store.pass(now, &mut [charge(one), charge(two)]),
            [one, two, three] => {
                let mut charges = [charge(one), charge(two), charge(three)];
                self.store.pass(now, &mut charges)
            }
            _ => false,
        }
    }
}

impl<St: Store> Check<'_, St> {
    /// Charges a key that did not simply pass.
    #[inline(never)]
    pub(super) fn charge_alike(&self, key: KeyHash, notices: &mut Notices) -> Step<St::Pending> {
        match &*self.set.active {
            [one] => self.charge_all([one], key, notices),
            [one, two] => self.charge_all([one, two], key, notices),
            [one, two, three] => self.charge_all([one, two, three], key, notices),
            // Such a set has no shortcut.
            _ => Step::Refused(Refusal::new(Why::StoreUnavailable, Marks::NONE, 0)),
        }
    }

    #[inline]
    fn charge_all<const N: usize>(
        &self,
        active: [&Active<St::Counter>; N],
        key: KeyHash,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let mut charges = active.map(|one| charge(one, key));
        let answer = self.core.store.acquire(self.now, &mut charges);
        // Of one policy there is nothing to choose, and at most the client wants to know.
        if let ([charge], Acquire::Ready) = (&charges[..], &answer)
            && charge.standing.is_allowed
        {
            self.core.teller.answered(notices);
            if !self.set.fields.tells_allowed() {
                return Step::Pass;
            }
            return Step::Allowed(Kept {
                binding: Some(Shown::of(0, 0, &charge.standing)),
                ..Kept::default()
            });
        }
        let mut items = Items::<N>::EMPTY;
        for (index, one) in active.into_iter().enumerate() {
            items.push(one.item(index, key, None));
        }
        self.answered(&items, &charges, answer, notices)
    }
}

#[inline]
fn charge<C>(one: &Active<C>, key: KeyHash) -> Charge<'_, C> {
    one.charge(key, 0, one.cost(None))
}
