//! A table of fixed size: a million addresses take no more room than one.
#![expect(
    clippy::disallowed_types,
    reason = "a table of fixed size in 16 parts; each lock is held for eight comparisons"
)]

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::window::{Bounds, Mark, Window};

const SHARDS: usize = 16;
const WAYS: usize = 8;

/// Windows by key. A key has one of eight places, chosen by its hash.
///
/// When they are taken, a window that is over makes way, else the one that is furthest from its limit: a flood of fresh keys drives out
/// fresh keys, not a counter that has nearly reached its limit.
pub(super) struct Table {
    shards: Box<[Mutex<Shard>]>,
    sets: usize,
    /// Marks of each key.
    stride: usize,
}

#[derive(Debug)]
struct Shard {
    keys: Box<[[u64; WAYS]]>,
    windows: Box<[[Window; WAYS]]>,
    marks: Box<[Mark]>,
}

/// One event, as a table counts it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) rule: u8,
    /// Never 0.
    pub(super) key: u64,
    /// Which of several values it has.
    pub(super) value: Option<u64>,
    pub(super) now: u64,
}

impl Table {
    /// Room for `keys`, each with `stride` different values.
    pub(super) fn new(keys: usize, stride: usize) -> Self {
        let sets = keys.div_ceil(SHARDS * WAYS);
        let shard = || Shard {
            keys: vec![[0; WAYS]; sets].into_boxed_slice(),
            windows: vec![[Window::default(); WAYS]; sets].into_boxed_slice(),
            marks: vec![Mark::default(); sets.saturating_mul(WAYS).saturating_mul(stride)]
                .into_boxed_slice(),
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            sets,
            stride,
        }
    }

    /// Counts an event, and returns how many there are if that is a finding.
    pub(super) fn hit(&self, hit: Hit, bounds: &[Bounds]) -> Option<u32> {
        let of_rule = bounds.get(usize::from(hit.rule))?;
        // The hash is uniform: its low bits choose the shard, the others the set.
        let shard = usize::try_from(hit.key).unwrap_or_default() % SHARDS;
        let set = usize::try_from(hit.key >> 8)
            .unwrap_or_default()
            .checked_rem(self.sets)?;
        // Plain numbers are whole after any panic.
        let mut shard = self
            .shards
            .get(shard)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Shard {
            keys,
            windows,
            marks,
        } = &mut *shard;
        let (keys, windows) = (keys.get_mut(set)?, windows.get_mut(set)?);
        let known = keys.iter().position(|key| *key == hit.key);
        let way = known.or_else(|| place(keys, windows, hit.now, bounds))?;
        let first = (set * WAYS + way) * self.stride;
        let marks = marks.get_mut(first..first + self.stride)?;
        let window = windows.get_mut(way)?;
        if known.is_none() || window.is_over(hit.now, of_rule) {
            *keys.get_mut(way)? = hit.key;
            *window = Window::new(hit.rule, hit.now);
            marks.fill(Mark::default());
        }
        match hit.value {
            None => window.count(hit.now, of_rule),
            Some(value) => window.count_distinct(marks, value, hit.now, of_rule),
        }
    }
}

/// The place for a new key.
fn place(
    keys: &[u64; WAYS],
    windows: &[Window; WAYS],
    now: u64,
    bounds: &[Bounds],
) -> Option<usize> {
    let worth = |(key, window): (&u64, &Window)| {
        if *key == 0 {
            return 0;
        }
        let Some(bounds) = bounds.get(usize::from(window.rule)) else {
            return 0;
        };
        if window.is_over(now, bounds) {
            return 1;
        }
        window.progress(now, bounds).saturating_add(2)
    };
    let worths = keys.iter().zip(windows).map(worth).enumerate();
    worths.min_by_key(|(_, worth)| *worth).map(|(way, _)| way)
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("keys", &(self.sets * SHARDS * WAYS))
            .field("values", &self.stride)
            .finish()
    }
}
