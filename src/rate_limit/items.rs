//! The words of a decision.

use http::Method;

use super::fields::Shown;
use super::key::{Head, KeyHash, KeyOutcome};
use super::policy::MAX_POLICIES;
use super::refusal::Refusal;
use super::store::Standing;

/// A request, as a decision looks at it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) method: &'a Method,
    pub(super) head: Head<'a>,
}

/// What came of looking for a key.
pub(super) type Found = (KeyOutcome, KeyHash);

/// What becomes of a request.
pub(super) enum Step<P> {
    /// It passes, and nothing is left to do.
    Pass,
    /// It passes, and something is still to be done with it or with its answer.
    Allowed(Kept),
    /// It does not pass.
    Refused(Refusal),
    /// The store is being asked.
    Waiting(Box<Waiting>, P),
}

/// One policy that concerns a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Its place in the set.
    pub(super) index: usize,
    /// 0 is its own quota.
    pub(super) plan: usize,
    pub(super) key: KeyHash,
    pub(super) cost: u32,
    /// It is not enforced for this key.
    pub(super) reported: bool,
}

/// The policies that concern a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<const N: usize> {
    list: [Item; N],
    pub(super) len: usize,
}

/// What was booked, for whoever needs it after the decision.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What is told to the client, if anything is.
    pub(super) binding: Option<Shown>,
    /// The charges that are looked at again.
    pub(super) charged: Vec<Charged>,
    /// They were booked in the fallback.
    pub(super) is_local: bool,
}

/// One charge and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charged {
    pub(super) item: Item,
    pub(super) standing: Standing,
}

/// A decision that waits for the store.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) items: Items<MAX_POLICIES>,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    Enforced,
    /// The enforced policies have let the request pass.
    Reported(Option<Kept>),
}

impl Waiting {
    pub(super) fn boxed<const N: usize>(items: &Items<N>, stage: Stage) -> Box<Self> {
        Box::new(Self {
            items: items.all(),
            stage,
        })
    }
}

impl<const N: usize> Items<N> {
    pub(super) const EMPTY: Self = {
        let nothing = Item {
            index: 0,
            plan: 0,
            key: KeyHash::new(0, 0),
            cost: 0,
            reported: false,
        };
        Self {
            list: [nothing; N],
            len: 0,
        }
    };

    /// One policy that somebody has named.
    pub(super) fn one(item: Item) -> Self {
        let mut items = Self::EMPTY;
        items.push(item);
        items
    }

    #[inline]
    pub(super) fn push(&mut self, item: Item) {
        if let Some(place) = self.list.get_mut(self.len) {
            *place = item;
            self.len = self.len.saturating_add(1);
        }
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> + Clone {
        self.list.iter().take(self.len)
    }

    /// Those that are enforced, or those that are not.
    #[inline]
    pub(super) fn of(&self, reported: bool) -> impl Iterator<Item = &Item> + Clone {
        self.iter().filter(move |item| item.reported == reported)
    }

    /// The same, in as many places as there can be policies.
    pub(super) fn all(&self) -> Items<MAX_POLICIES> {
        let mut items = Items::EMPTY;
        self.iter().for_each(|item| items.push(*item));
        items
    }
}
