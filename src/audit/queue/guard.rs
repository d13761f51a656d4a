//! The end of a queue.

use std::sync::{MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::sink::{Phase, QueueSink, Shared, State};
use crate::core::{Clock, SystemClock};

/// For how long a guard that is dropped waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes what waits, and ends the queue when it is dropped.
///
/// Dropped, it waits for two seconds at most; what is not written by then is counted as dropped, and so is whatever is recorded
/// afterwards. `let _ = guard;` keeps it, `let (sink, _) = ..` drops it at once.
#[derive(Debug)]
#[must_use = "dropped, it ends the queue: keep it to the end of `main`"]
pub struct QueueGuard {
    sink: QueueSink,
    thread: Option<JoinHandle<()>>,
}

impl QueueGuard {
    pub(super) const fn new(sink: QueueSink, thread: JoinHandle<()>) -> Self {
        Self {
            sink,
            thread: Some(thread),
        }
    }

    /// Waits until all that was recorded before is written, and tells whether it is. It blocks the thread that it is called on.
    #[must_use = "it tells whether all is written"]
    pub fn flush(&self, timeout: Duration) -> bool {
        let shared = &self.sink.0;
        let mut state = shared.lock();
        let wanted = state.buffer.pushed();
        state.flush_wanted = state.flush_wanted.max(wanted);
        shared.wake.notify_one();
        shared.wait(state, timeout, |state| state.flushed >= wanted)
    }
}

impl Shared {
    /// Waits for the thread to come so far.
    fn wait(
        &self,
        mut state: MutexGuard<'_, State>,
        timeout: Duration,
        is_done: impl Fn(&State) -> bool,
    ) -> bool {
        let start = SystemClock.monotonic();
        loop {
            if is_done(&state) {
                return true;
            }
            let passed = SystemClock.monotonic().saturating_sub(start);
            let left = timeout.saturating_sub(passed);
            if left.is_zero() {
                return false;
            }
            let waited = self.progress.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for QueueGuard {
    fn drop(&mut self) {
        let shared = &self.sink.0;
        let mut state = shared.lock();
        if state.phase == Phase::Running {
            state.phase = Phase::Closing;
        }
        shared.wake.notify_one();
        let is_done = shared.wait(state, PATIENCE, |state| state.phase == Phase::Ended);
        let mut state = shared.lock();
        state.phase = Phase::Ended;
        state.buffer.abandon();
        drop(state);
        shared.wake.notify_one();
        if is_done && let Some(thread) = self.thread.take() {
            // It has said that it is done, so that it ends at once.
            let _ = thread.join();
        }
    }
}
