//! What attempts are counted by in a store, and where.

use std::sync::Arc;

use super::super::fallback::scaled;
use super::super::key::{KeyHash, KeyHasher, KeySeed};
use super::super::rule::{Gcra, Ladder, Rule};
use super::super::store::{
    Acquire, Charge, CounterSpec, Nanos, Overflow, Receipt, Standing, Store,
};
use super::account::AccountHash;
use super::device::DeviceId;
use super::refusal::{LoginDimension, LoginRefusal};
use crate::core::StoreError;

/// The rules of one throttle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) account: Ladder,
    /// The hard bound, of an account and of each device that it trusts.
    pub(super) bound: Ladder,
    pub(super) device: Gcra,
    pub(super) address: Gcra,
}

impl Rules {
    /// What one node of several may spend alone: fewer attempts at once, at least one, that take longer to come back. Delays stay as
    /// they are, and so few failures in a row that an honest owner has them do not lock.
    pub(super) fn part(self, fraction: f64) -> Self {
        const HONEST: u8 = 20;
        let free = |ladder: Ladder, least: u8| {
            let whole = ladder.free();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the cast saturates, and a fraction is no exact matter"
            )]
            let part = (f64::from(whole) * fraction) as u8;
            let free = part.max(least.min(whole));
            Ladder::new(free, ladder.first(), ladder.longest(), ladder.decay())
        };
        Self {
            account: free(self.account, 1),
            bound: free(self.bound, HONEST),
            device: scaled(self.device, fraction),
            address: scaled(self.address, fraction),
        }
    }
}

/// Whose charges these are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) account: AccountHash,
    /// A device that the account trusts and that is not over its limit: it is counted by itself.
    pub(super) device: Option<DeviceId>,
    pub(super) address: AddressKey,
}

/// The prefix of a client's address, hashed with the secret of the throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressKey(pub(super) KeyHash);

/// A store and the counters in it.
#[derive(Debug)]
pub(super) struct Counters<St: Store> {
    pub(super) store: St,
    seed: KeySeed,
    rules: Rules,
    account: Arc<St::Counter>,
    bound: Arc<St::Counter>,
    device: Arc<St::Counter>,
    address: Arc<St::Counter>,
}

/// What was booked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Booked {
    Trusted,
    Untrusted { account: Receipt, address: Receipt },
}

/// What a store answers to one set of charges.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Booked {
        booked: Booked,
        /// How many failures in a row there are, if this is one.
        in_a_row: u64,
        /// This one is the last before the lock.
        reaches_bound: bool,
    },
    /// The device has failed too often to be trusted.
    Distrusted,
    Refused {
        refusal: LoginRefusal,
        count: u64,
    },
}

/// As [`Acquire`], with the charges understood.
pub(super) enum Asked<P> {
    Ready(Verdict),
    Pending(P),
    Failed(StoreError),
}

impl<St: Store> Counters<St> {
    pub(super) fn open(store: St, name: &str, rules: Rules) -> Self {
        // Nobody is forgotten for a flood of fresh keys.
        let open = |of: &str| {
            let name = format!("{name}.{of}");
            store.open(&CounterSpec::new(&name, Overflow::Share))
        };
        Self {
            seed: store.key_seed(),
            rules,
            account: open("account"),
            bound: open("bound"),
            device: open("device"),
            address: open("address"),
            store,
        }
    }

    pub(super) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Charges everything that an attempt counts towards, or nothing.
    pub(super) fn acquire(&self, subject: Subject, now: Nanos) -> Asked<St::Pending> {
        match subject.device {
            Some(device) => {
                let key = self.device_key(subject.account, device);
                let bound = Rule::Ladder(self.rules.bound);
                let mut charges = [
                    Charge::new(&*self.device, key, Rule::Gcra(self.rules.device), 1),
                    Charge::new(&*self.bound, key, bound, 1),
                ];
                let answer = self.store.acquire(now, &mut charges);
                self.answered(answer, &charges.map(|charge| charge.standing))
            }
            None => {
                let key = self.account_key(subject.account);
                let account = Rule::Ladder(self.rules.account);
                let bound = Rule::Ladder(self.rules.bound);
                let address = self.key(|hasher| {
                    hasher.u64(subject.address.0.low());
                    hasher.u64(subject.address.0.high());
                });
                let mut charges = [
                    Charge::new(&*self.account, key, account, 1),
                    Charge::new(&*self.bound, key, bound, 1),
                    Charge::new(&*self.address, address, Rule::Gcra(self.rules.address), 1),
                ];
                let answer = self.store.acquire(now, &mut charges);
                self.answered(answer, &charges.map(|charge| charge.standing))
            }
        }
    }

    fn answered(&self, answer: Acquire<St::Pending>, standings: &[Standing]) -> Asked<St::Pending> {
        match answer {
            Acquire::Ready => match self.understand(standings) {
                Some(verdict) => Asked::Ready(verdict),
                None => Asked::Failed(corrupt()),
            },
            Acquire::Pending(pending) => Asked::Pending(pending),
            Acquire::Failed(error) => Asked::Failed(error),
        }
    }

    /// What standings mean, in the order of the charges; `None` if they are not as many.
    pub(super) fn understand(&self, standings: &[Standing]) -> Option<Verdict> {
        match standings {
            [device, bound] if device.is_allowed && bound.is_allowed => {
                Some(self.booked(Booked::Trusted, bound))
            }
            [_, _] => Some(Verdict::Distrusted),
            [account, bound, address] => {
                let dimensions = [
                    (LoginDimension::AccountLock, bound),
                    (LoginDimension::Account, account),
                    (LoginDimension::Address, address),
                ];
                let denied = dimensions
                    .into_iter()
                    .filter(|(_, standing)| !standing.is_allowed)
                    // Of several that wait as long, the gravest.
                    .rev()
                    .max_by_key(|(_, standing)| standing.wait);
                let Some((dimension, standing)) = denied else {
                    let booked = Booked::Untrusted {
                        account: account.receipt,
                        address: address.receipt,
                    };
                    return Some(self.booked(booked, bound));
                };
                let count = match dimension {
                    LoginDimension::Address => {
                        self.rules.address.burst().saturating_sub(address.remaining)
                    }
                    _ => self.in_a_row(bound),
                };
                let refusal = LoginRefusal::throttled(dimension, standing.wait);
                Some(Verdict::Refused { refusal, count })
            }
            _ => None,
        }
    }

    fn booked(&self, booked: Booked, bound: &Standing) -> Verdict {
        Verdict::Booked {
            booked,
            in_a_row: self.in_a_row(bound),
            reaches_bound: bound.remaining == 0,
        }
    }

    fn in_a_row(&self, bound: &Standing) -> u64 {
        u64::from(self.rules.bound.free()).saturating_sub(bound.remaining)
    }

    /// Takes back what a successful attempt was charged, and forgets the failures before it that it may.
    pub(super) fn succeed(&self, subject: Subject, booked: Booked, now: Nanos) {
        if let Booked::Untrusted { account, address } = booked {
            self.store.refund(now, &self.account, account);
            self.store.refund(now, &self.address, address);
        }
        self.forget(subject, now);
    }

    /// Forgets the failures in a row, and those of the device.
    pub(super) fn forget(&self, subject: Subject, now: Nanos) {
        if let Some(device) = subject.device {
            let key = self.device_key(subject.account, device);
            self.store.reset(now, &self.device, key);
            self.store.reset(now, &self.bound, key);
        }
        let key = self.account_key(subject.account);
        self.store.reset(now, &self.bound, key);
    }

    /// Forgets everything of an account but its devices, which count by themselves.
    pub(super) fn unlock(&self, account: AccountHash, now: Nanos) {
        let key = self.account_key(account);
        self.store.reset(now, &self.bound, key);
        self.store.reset(now, &self.account, key);
    }

    fn account_key(&self, account: AccountHash) -> KeyHash {
        self.key(|hasher| {
            hasher.u64(1);
            account.add_to(hasher);
        })
    }

    fn device_key(&self, account: AccountHash, device: DeviceId) -> KeyHash {
        self.key(|hasher| {
            hasher.u64(2);
            account.add_to(hasher);
            device.add_to(hasher);
        })
    }

    fn key(&self, write: impl FnOnce(&mut KeyHasher)) -> KeyHash {
        let mut hasher = KeyHasher::new(&self.seed);
        write(&mut hasher);
        hasher.key()
    }
}

/// A store that answers to other charges than it was given.
pub(super) fn corrupt() -> StoreError {
    StoreError::new(
        crate::core::StoreErrorKind::Corrupt,
        "the store answered to another number of charges",
    )
}
