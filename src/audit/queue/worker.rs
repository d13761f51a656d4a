//! The thread that writes.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::buffer::Item;
use super::sink::{Phase, QueueSink, Rest, Shared, State};
use crate::audit::{Exporter, OwnedEvent};
use crate::core::{EventName, Events, Level, Outcome, SecurityEvent};

/// For how long a batch may fill: a request that finds the thread awake need not wake it.
const LINGER: Duration = Duration::from_millis(20);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(30);

pub(super) fn start<E: Exporter>(
    sink: QueueSink,
    exporter: E,
    batch: usize,
    clock: Events,
) -> io::Result<JoinHandle<()>> {
    let mut worker = Worker {
        sink,
        exporter,
        most: batch,
        clock,
        items: Vec::new(),
        batch: Vec::new(),
    };
    let thread = Builder::new().name("audit-log".to_owned());
    thread.spawn(move || worker.run())
}

struct Worker<E> {
    sink: QueueSink,
    exporter: E,
    most: usize,
    clock: Events,
    items: Vec<Item>,
    batch: Vec<OwnedEvent>,
}

/// The queue has ended: nothing is written any more.
struct Ended;

impl<E: Exporter> Worker<E> {
    fn run(&mut self) {
        while self.turn().is_continue() {}
        let mut state = self.sink.0.lock();
        state.phase = Phase::Ended;
        drop(state);
        self.sink.0.progress.notify_all();
    }

    /// Waits for events and writes them.
    fn turn(&mut self) -> ControlFlow<Ended> {
        self.wait()?;
        self.items.drain(..).for_each(|item| {
            let mut event = event_of(item, &self.clock);
            self.sink.0.config.redact(&mut event);
            self.batch.push(event);
        });
        let written = self.attempt(|exporter, batch, sink| exporter.write(batch, &sink.config))?;
        self.batch.clear();
        let mut state = self.sink.0.lock();
        // Whoever ended the queue has counted them already.
        if state.phase == Phase::Ended {
            return ControlFlow::Break(Ended);
        }
        match written {
            Attempt::Done => state.buffer.written(),
            Attempt::Panicked => state.buffer.lost(),
        }
        let done = state.buffer.done();
        let is_due = state.buffer.is_empty() || state.flush_wanted > state.flushed;
        drop(state);
        if is_due {
            self.attempt(|exporter, _, _| exporter.flush())?;
            self.sink.0.lock().flushed = done;
            self.sink.0.progress.notify_all();
        }
        ControlFlow::Continue(())
    }

    /// Waits until there is something to write, and takes it.
    fn wait(&mut self) -> ControlFlow<Ended> {
        let shared = &self.sink.0;
        let mut state = shared.lock();
        while state.phase == Phase::Running && !state.has_work() {
            state.rest = Rest::Asleep;
            let woken = shared.wake.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.rest = Rest::Busy;
        }
        let is_hurried = state.phase != Phase::Running || state.flush_wanted > state.flushed;
        if !is_hurried && state.buffer.len() < self.most {
            state.rest = Rest::Lingering;
            state = shared.rest(state, LINGER);
            state.rest = Rest::Busy;
        }
        let is_over = state.phase == Phase::Closing && !state.has_work();
        if is_over || state.phase == Phase::Ended {
            return ControlFlow::Break(Ended);
        }
        state.buffer.take(self.most, &mut self.items);
        ControlFlow::Continue(())
    }

    /// Calls the exporter until it succeeds. What panics is not tried again: the next time it would panic too.
    fn attempt(
        &mut self,
        call: impl Fn(&mut E, &[OwnedEvent], &Shared) -> io::Result<()>,
    ) -> ControlFlow<Ended, Attempt> {
        let shared = &*self.sink.0;
        let mut pause = FIRST_RETRY;
        loop {
            let (exporter, batch) = (&mut self.exporter, &*self.batch);
            let outcome = catch_unwind(AssertUnwindSafe(|| call(exporter, batch, shared)));
            match outcome {
                Ok(Ok(())) => return ControlFlow::Continue(Attempt::Done),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(Err(_)) | Err(_) => {}
            }
            let mut state = shared.lock();
            state.buffer.attempt_failed();
            if outcome.is_err() {
                return ControlFlow::Continue(Attempt::Panicked);
            }
            if state.phase != Phase::Ended {
                // Whoever waits for the end has no time for a long pause.
                let is_closing = state.phase == Phase::Closing;
                let limit = if is_closing { FIRST_RETRY } else { LAST_RETRY };
                state = shared.rest(state, pause.min(limit));
                pause = pause.saturating_mul(2).min(LAST_RETRY);
            }
            if state.phase == Phase::Ended {
                return ControlFlow::Break(Ended);
            }
        }
    }
}

/// How the last of several attempts ended.
enum Attempt {
    Done,
    Panicked,
}

impl State {
    fn has_work(&self) -> bool {
        !self.buffer.is_empty() || self.buffer.has_news()
    }
}

impl Shared {
    /// Waits so long, or until somebody is in a hurry.
    fn rest<'a>(&self, state: MutexGuard<'a, State>, pause: Duration) -> MutexGuard<'a, State> {
        let waited = self.wake.wait_timeout(state, pause);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// An event as it is written: one of those that were recorded, or the queue's own.
fn event_of(item: Item, clock: &Events) -> OwnedEvent {
    let (name, level, outcome, code, dropped) = match item {
        Item::Event(event) => return event,
        Item::Lost(dropped) => (
            EventName::SysMonitorDisabled,
            Level::Error,
            Outcome::Fault,
            "audit_dropped",
            dropped,
        ),
        Item::Recovered(dropped) => (
            EventName::SysMonitorEnabled,
            Level::Warn,
            Outcome::Success,
            "audit_recovered",
            dropped,
        ),
    };
    let detail = format!("dropped={dropped}");
    let mut event = SecurityEvent::new(name, "audit", code)
        .level(level)
        .outcome(outcome)
        .detail(&detail);
    event.time = clock.now(None);
    OwnedEvent::from(&event)
}
