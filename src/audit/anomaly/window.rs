//! What is known of one key of one rule.

/// The numbers of a rule, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) limit: u32,
    pub(super) window: u64,
    pub(super) cooldown: u64,
}

/// Two fixed windows, of which the older counts for the part of it that is still inside of a sliding one; or the different values of
/// one sliding window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// When the newer of the two began.
    start: u64,
    silent_until: u64,
    newer: u32,
    older: u32,
    /// Its rule, whose bounds say when it is over.
    pub(super) rule: u8,
}

/// A value that was seen: the upper half of its hash, and when, in parts of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    value: u32,
    /// 0 for none.
    tick: u32,
}

impl Window {
    pub(super) const fn new(rule: u8, now: u64) -> Self {
        Self {
            start: now,
            silent_until: 0,
            newer: 0,
            older: 0,
            rule,
        }
    }

    /// Counts one event, and returns how many there are if that is a finding.
    pub(super) fn count(&mut self, now: u64, bounds: &Bounds) -> Option<u32> {
        self.advance(now, bounds.window);
        self.newer = self.newer.saturating_add(1);
        let count = self.estimate(now, bounds.window);
        self.judge(count, now, bounds)
    }

    /// Counts one of several different values, and returns how many there are if that is a finding.
    pub(super) fn count_distinct(
        &mut self,
        marks: &mut [Mark],
        value: u64,
        now: u64,
        bounds: &Bounds,
    ) -> Option<u32> {
        // A window is 2^20 ticks: what is over is known to a millionth of it.
        let tick_length = (bounds.window >> 20).max(1);
        let tick = now.checked_div(tick_length).unwrap_or_default();
        let value = Mark {
            value: u32::try_from(value >> 32).unwrap_or_default(),
            // It comes round after 4,096 windows. What was last seen then is long over: each look takes out what is.
            tick: u32::try_from(tick & u64::from(u32::MAX))
                .unwrap_or_default()
                .max(1),
        };
        let ticks = bounds.window.checked_div(tick_length).unwrap_or_default();
        let mut count = 0;
        let mut is_known = false;
        let (mut free, mut oldest) = (None, (0, None));
        for (at, mark) in marks.iter_mut().enumerate() {
            let age = value.tick.wrapping_sub(mark.tick);
            // A clock that goes back a little makes marks of the future: they are as young as can be.
            let age = if age > u32::MAX / 2 { 0 } else { age };
            if u64::from(age) >= ticks {
                *mark = Mark::default();
            }
            if mark.tick == 0 {
                free = free.or(Some(at));
                continue;
            }
            count += 1;
            if mark.value == value.value {
                mark.tick = value.tick;
                is_known = true;
            } else if age >= oldest.0 {
                oldest = (age, Some(at));
            }
        }
        if !is_known {
            count += u32::from(free.is_some());
            let place = free.or(oldest.1).and_then(|at| marks.get_mut(at));
            if let Some(mark) = place {
                *mark = value;
            }
        }
        self.advance(now, bounds.window);
        self.newer = count;
        self.older = 0;
        self.judge(count, now, bounds)
    }

    fn judge(&mut self, count: u32, now: u64, bounds: &Bounds) -> Option<u32> {
        if count < bounds.limit || self.is_silent(now, bounds) {
            return None;
        }
        self.silent_until = now.saturating_add(bounds.cooldown);
        Some(count)
    }

    /// Silence that lasts for longer than a cooldown was begun by a clock that went back since.
    const fn is_silent(&self, now: u64, bounds: &Bounds) -> bool {
        let left = self.silent_until.saturating_sub(now);
        left > 0 && left <= bounds.cooldown
    }

    /// Time that goes back a little neither clears nor fills a window.
    const fn advance(&mut self, now: u64, window: u64) {
        if self.start > now.saturating_add(window) {
            self.start = now;
        }
        let passed = now.saturating_sub(self.start);
        if passed < window {
            return;
        }
        if passed < window.saturating_mul(2) {
            self.older = self.newer;
            self.start = self.start.saturating_add(window);
        } else {
            self.older = 0;
            self.start = now;
        }
        self.newer = 0;
    }

    fn estimate(&self, now: u64, window: u64) -> u32 {
        let passed = now.saturating_sub(self.start).min(window);
        let left = u128::from(window.saturating_sub(passed));
        let inside = u128::from(self.older).saturating_mul(left);
        let inside = inside.checked_div(u128::from(window)).unwrap_or_default();
        self.newer
            .saturating_add(u32::try_from(inside).unwrap_or(u32::MAX))
    }

    /// Whether nothing of it counts any more.
    pub(super) const fn is_over(&self, now: u64, bounds: &Bounds) -> bool {
        let passed = now.saturating_sub(self.start);
        passed >= bounds.window.saturating_mul(2) && !self.is_silent(now, bounds)
    }

    /// How near it is to its limit, in thousandths: what is nearest is given up last.
    pub(super) fn progress(&self, now: u64, bounds: &Bounds) -> u64 {
        if self.is_silent(now, bounds) {
            return u64::MAX;
        }
        let count = u64::from(self.newer.max(self.older)).saturating_mul(1_000);
        count
            .checked_div(u64::from(bounds.limit))
            .unwrap_or_default()
    }
}
