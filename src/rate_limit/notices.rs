//! What a decision has to tell besides its outcome.

use super::marks::Marks;
use super::store::Nanos;
use crate::core::StoreError;

/// What came up while a request was decided. Nearly always nothing.
#[derive(Debug, Default)]
pub(super) struct Notices {
    is_any: bool,
    /// The time of the decision.
    pub(super) now: Nanos,
    /// The client's address was read only up to a proxy, and nobody further outside has told.
    pub(super) is_degraded: bool,
    /// A policy that found no key.
    pub(super) missing: Option<usize>,
    /// What would have been refused.
    pub(super) would_refuse: Option<WouldRefuse>,
    pub(super) store_error: Option<StoreError>,
    pub(super) is_store_back: bool,
}

/// The policies that deny and are only reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct WouldRefuse {
    pub(super) denied: Marks,
    /// The one with the longest wait.
    pub(super) binding: usize,
    pub(super) wait: u64,
}

impl Notices {
    pub(super) fn at(now: Nanos) -> Self {
        Self {
            now,
            ..Self::default()
        }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        !self.is_any
    }

    #[cold]
    pub(super) const fn degraded(&mut self) {
        self.is_any = true;
        self.is_degraded = true;
    }

    pub(super) fn missing(&mut self, index: usize) {
        self.is_any = true;
        self.missing.get_or_insert(index);
    }

    pub(super) fn would_refuse(&mut self, index: usize, wait: u64) {
        self.is_any = true;
        let told = self.would_refuse.get_or_insert(WouldRefuse {
            denied: Marks::NONE,
            binding: index,
            wait,
        });
        told.denied.insert(index);
        if wait > told.wait {
            told.binding = index;
            told.wait = wait;
        }
    }

    pub(super) fn store_failed(&mut self, error: StoreError) {
        self.is_any = true;
        self.store_error = Some(error);
    }

    pub(super) const fn store_is_back(&mut self) {
        self.is_any = true;
        self.is_store_back = true;
    }
}
