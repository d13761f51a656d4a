//! How a layer hands an event to the sink that is in force.

use std::fmt;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::{Extensions, StatusCode};

use super::{EventName, EventSink, Level, SecurityEvent};
use crate::core::{ClientIp, Clock, RequestId, Shared, SystemClock};

static SINK_PANICS: AtomicU64 = AtomicU64::new(0);

/// Returns how often a sink, or the clock that its events are stamped by, has panicked since the process started. The request it
/// served went on.
#[must_use]
pub fn sink_panics() -> u64 {
    SINK_PANICS.load(Ordering::Relaxed)
}

/// A layer's own sink and clock, if it was given them.
#[derive(Clone, Default)]
pub(crate) struct Events {
    sink: Option<Arc<dyn EventSink>>,
    clock: Option<Arc<dyn Clock>>,
}

impl Events {
    pub(crate) fn new(sink: impl EventSink) -> Self {
        Self::default().with_sink(sink)
    }

    pub(crate) fn with_sink(mut self, sink: impl EventSink) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    pub(crate) fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The wall-clock time of the layer's own clock, else of the stack's, else of the system's. One that panics is passed over.
    pub(crate) fn now(&self, shared: Option<&Shared>) -> SystemTime {
        let own = self.clock(shared);
        own.and_then(|clock| guarded(|| clock.now()))
            .unwrap_or_else(|| SystemClock.now())
    }

    /// As [`now`](Self::now), the time since a fixed start.
    pub(crate) fn monotonic(&self, shared: Option<&Shared>) -> Duration {
        let own = self.clock(shared);
        own.and_then(|clock| guarded(|| clock.monotonic()))
            .unwrap_or_else(|| SystemClock.monotonic())
    }

    fn clock<'a>(&'a self, shared: Option<&'a Shared>) -> Option<&'a dyn Clock> {
        match &self.clock {
            Some(own) => Some(&**own),
            None => shared.and_then(Shared::own_clock),
        }
    }

    /// Records what `make` returns in the layer's own sink, else in the stack's, else in the default one.
    ///
    /// `make` is called, and the time read, only when that sink wants an event of this name and level.
    pub(crate) fn emit<'a>(
        &self,
        shared: Option<&Shared>,
        name: EventName,
        level: Level,
        make: impl FnOnce() -> SecurityEvent<'a>,
    ) {
        let sink = self.sink(shared);
        if !wants(sink, name, level) {
            return;
        }
        let mut event = make();
        event.level = level;
        event.time = self.now(shared);
        guarded(|| sink.record(&event));
    }

    /// Whether [`emit`](Self::emit) would record an event: for a layer that has to take the request apart to make one.
    pub(crate) fn wants(&self, shared: Option<&Shared>, name: EventName, level: Level) -> bool {
        wants(self.sink(shared), name, level)
    }

    /// Tells the sink of an answer that is no event by itself.
    pub(crate) fn status(&self, shared: Option<&Shared>, ip: Option<IpAddr>, status: StatusCode) {
        guarded(|| self.sink(shared).status(ip, status));
    }

    fn sink<'a>(&'a self, shared: Option<&'a Shared>) -> &'a dyn EventSink {
        match (&self.sink, shared.and_then(Shared::sink)) {
            (Some(own), _) => &**own,
            (None, Some(stack)) => stack,
            (None, None) => default_sink(),
        }
    }
}

impl<'a> SecurityEvent<'a> {
    /// Records what a handler has to tell, of the request with these extensions: in the sink of the [`SecurityStack`] that it came
    /// through, else in the default one. Sets the time; and the id of the request and the address of the client, unless they are set.
    ///
    /// Layers and services tell of what they do themselves. This is for what they do not see: a password that is stored, a role that is
    /// given, an account that is closed.
    ///
    /// # Example
    ///
    /// ```
    /// use http::request::Parts;
    /// use tower_security::core::{EventName, Outcome, Principal, SecurityEvent};
    ///
    /// fn account_closed(head: &Parts, who: &Principal) {
    ///     SecurityEvent::new(EventName::UserDeleted, "accounts", "account_closed")
    ///         .outcome(Outcome::Success)
    ///         .principal(who.subject())
    ///         .emit(&head.extensions);
    /// }
    /// ```
    ///
    /// [`SecurityStack`]: crate::SecurityStack
    pub fn emit(mut self, extensions: &'a Extensions) {
        let id = self.request_id;
        self.request_id = id.or_else(|| RequestId::from_extensions(extensions));
        let client = || ClientIp::from_extensions(extensions).map(|client| client.ip());
        self.client_ip = self.client_ip.or_else(client);
        let (name, level) = (self.name, self.level);
        Events::default().emit(Shared::from_extensions(extensions), name, level, || self);
    }
}

fn wants(sink: &dyn EventSink, name: EventName, level: Level) -> bool {
    guarded(|| sink.wants(name, level)).unwrap_or(false)
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sink.is_some() {
            "<sink>"
        } else {
            "<default>"
        })
    }
}

/// Runs a user's code that must not take the request down with it.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    if outcome.is_err() {
        SINK_PANICS.fetch_add(1, Ordering::Relaxed);
    }
    outcome.ok()
}

#[cfg(feature = "tracing")]
fn default_sink() -> &'static dyn EventSink {
    &super::TracingSink
}

#[cfg(not(feature = "tracing"))]
fn default_sink() -> &'static dyn EventSink {
    &super::NoopSink
}
