//! What waits to be written, and what became of all the rest. No lock, no thread, no time: these are the rules alone.

use std::collections::VecDeque;

use super::Overflow;
use crate::audit::OwnedEvent;

/// The events that wait, and the counts. Of what was offered each event is written, dropped or waiting, at every moment.
#[derive(Debug)]
pub(super) struct Buffer {
    waiting: VecDeque<Waiting>,
    capacity: usize,
    overflow: Overflow,
    /// Dropped since the last event that waits.
    behind: u64,
    /// Dropped since the queue was empty last.
    episode: u64,
    /// Taken and not yet written.
    in_hand: u64,
    /// Events that have come into the queue, and up to which of them all are written or dropped.
    pushed: u64,
    taken: u64,
    done: u64,
    pub(super) counts: Counts,
}

#[derive(Debug)]
struct Waiting {
    event: OwnedEvent,
    /// So many were dropped between this event and the one before.
    gap: u64,
    number: u64,
}

/// What became of the events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) offered: u64,
    pub(super) written: u64,
    pub(super) dropped: u64,
    pub(super) failed: u64,
}

/// Events to be written together, and where some are missing.
#[derive(Debug)]
pub(super) enum Item {
    Event(OwnedEvent),
    /// So many are missing here.
    Lost(u64),
    /// Nothing is missing any more, after so many in all.
    Recovered(u64),
}

impl Buffer {
    pub(super) fn new(capacity: usize, overflow: Overflow) -> Self {
        Self {
            waiting: VecDeque::with_capacity(capacity),
            capacity,
            overflow,
            behind: 0,
            episode: 0,
            in_hand: 0,
            pushed: 0,
            taken: 0,
            done: 0,
            counts: Counts::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many events have come into the queue, ever.
    pub(super) const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The number of the last event up to which all are written or dropped.
    pub(super) const fn done(&self) -> u64 {
        self.done
    }

    /// In the queue, or in the hands of the exporter.
    pub(super) fn waiting(&self) -> u64 {
        (self.waiting.len() as u64).saturating_add(self.in_hand)
    }

    /// Takes an event, and gives back the one that has no room.
    pub(super) fn push(&mut self, event: OwnedEvent) -> Option<OwnedEvent> {
        self.counts.offered = self.counts.offered.saturating_add(1);
        let mut gap = self.behind;
        let mut evicted = None;
        if self.waiting.len() >= self.capacity {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            match self.overflow {
                Overflow::DropNewest => {
                    self.behind = self.behind.saturating_add(1);
                    return Some(event);
                }
                Overflow::DropOldest => {
                    let oldest = self.waiting.pop_front();
                    let lost = oldest.as_ref().map_or(0, |oldest| oldest.gap);
                    let lost = lost.saturating_add(1);
                    // What is missing stands before the oldest that is left.
                    let next = self.waiting.front_mut();
                    let place = next.map_or(&mut gap, |next| &mut next.gap);
                    *place = place.saturating_add(lost);
                    evicted = oldest.map(|oldest| oldest.event);
                }
            }
        }
        self.behind = 0;
        self.pushed = self.pushed.saturating_add(1);
        let number = self.pushed;
        self.waiting.push_back(Waiting { event, gap, number });
        evicted
    }

    /// Counts an event that comes too late: nobody writes any more.
    pub(super) fn turn_away(&mut self) {
        self.counts.offered = self.counts.offered.saturating_add(1);
        self.counts.dropped = self.counts.dropped.saturating_add(1);
    }

    /// Takes up to `most` events, in the order in which they came, with a mark where some are missing.
    pub(super) fn take(&mut self, most: usize, batch: &mut Vec<Item>) {
        let taken = self.waiting.len().min(most);
        for Waiting { event, gap, number } in self.waiting.drain(..taken) {
            self.taken = number;
            lose(gap, &mut self.episode, batch);
            batch.push(Item::Event(event));
        }
        self.in_hand = taken as u64;
        if self.waiting.is_empty() {
            lose(std::mem::take(&mut self.behind), &mut self.episode, batch);
            if self.episode > 0 {
                batch.push(Item::Recovered(std::mem::take(&mut self.episode)));
            }
        }
    }

    /// What was taken is written.
    pub(super) fn written(&mut self) {
        let taken = std::mem::take(&mut self.in_hand);
        self.counts.written = self.counts.written.saturating_add(taken);
        self.done = self.taken;
    }

    /// What was taken never will be.
    pub(super) fn lost(&mut self) {
        let taken = std::mem::take(&mut self.in_hand);
        self.counts.dropped = self.counts.dropped.saturating_add(taken);
        self.done = self.taken;
        let next = self.waiting.front_mut();
        let place = next.map_or(&mut self.behind, |next| &mut next.gap);
        *place = place.saturating_add(taken);
    }

    pub(super) fn attempt_failed(&mut self) {
        self.counts.failed = self.counts.failed.saturating_add(1);
    }

    /// Gives up all that is not written.
    pub(super) fn abandon(&mut self) {
        let left = self.waiting();
        self.counts.dropped = self.counts.dropped.saturating_add(left);
        self.waiting.clear();
        self.in_hand = 0;
    }

    /// Whether something is to be told of what is missing though no event waits.
    pub(super) fn has_news(&self) -> bool {
        self.behind > 0
    }
}

fn lose(gap: u64, episode: &mut u64, batch: &mut Vec<Item>) {
    if gap > 0 {
        *episode = episode.saturating_add(gap);
        batch.push(Item::Lost(gap));
    }
}
