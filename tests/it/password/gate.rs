//! A clock that holds hashes back: the thread of each reads the time before it begins.

use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use tower_security::core::Clock;

/// The thread that made it reads the time as ever.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    owner: ThreadId,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    is_closed: bool,
    readings: usize,
    now: Duration,
    step: Duration,
}

impl Gate {
    /// A closed one. Each look of a hash at the clock takes `step`, so that a hash does.
    pub(super) fn closed(step: Duration) -> Self {
        Self(Arc::new(Inner {
            owner: thread::current().id(),
            state: Mutex::new(State {
                is_closed: true,
                readings: 0,
                now: Duration::ZERO,
                step,
            }),
            changed: Condvar::new(),
        }))
    }

    pub(super) fn open(&self) {
        self.0.state.lock().unwrap().is_closed = false;
        self.0.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.0.state.lock().unwrap().is_closed = true;
    }

    /// Waits until so many have come to the gate.
    pub(super) fn wait_for(&self, readings: usize) {
        let state = self.0.state.lock().unwrap();
        let limit = Duration::from_secs(30);
        let (state, timeout) = self
            .0
            .changed
            .wait_timeout_while(state, limit, |state| state.readings < readings)
            .unwrap();
        assert!(!timeout.timed_out(), "{} came", state.readings);
    }

    pub(super) fn readings(&self) -> usize {
        self.0.state.lock().unwrap().readings
    }
}

impl Clock for Gate {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        let mut state = self.0.state.lock().unwrap();
        if thread::current().id() != self.0.owner {
            state.readings += 1;
            self.0.changed.notify_all();
            state = self
                .0
                .changed
                .wait_while(state, |state| state.is_closed)
                .unwrap();
            let step = state.step;
            state.now += step;
        }
        state.now
    }
}

/// Polls once: a call is under way then, or answered.
pub(super) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
