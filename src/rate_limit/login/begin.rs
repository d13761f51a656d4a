//! Counting an attempt, as a future that is ready at once where the store is.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::super::memory::MemoryStore;
use super::super::store::{Nanos, Standing, Store};
use super::attempt::LoginAttempt;
use super::counters::{Asked, Booked, Counters, Subject, Verdict, corrupt};
use super::events::Who;
use super::guard::{Home, LoginGuard};
use super::refusal::{LoginDimension, LoginRefusal};
use super::throttle::Core;
use crate::core::StoreError;

pin_project! {
    /// The future of [`LoginThrottle::begin`](super::LoginThrottle::begin).
    ///
    /// It is ready at once unless the store has to ask somebody else, and borrows nothing.
    #[must_use = "an attempt that is not awaited is a failure"]
    pub struct LoginBegin<St: Store = MemoryStore> {
        #[pin]
        state: State<St::Pending, St>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<P, St: Store> {
        Decided { outcome: Option<Result<LoginGuard<St>, LoginRefusal>> },
        Asking { #[pin] pending: P, entry: Option<Entry<St>> },
    }
}

/// An attempt that is being counted.
struct Entry<St: Store> {
    core: Arc<Core<St>>,
    subject: Subject,
    who: Who,
    now: Nanos,
}

/// How far the counting has come.
enum Step<St: Store> {
    Decided(Result<LoginGuard<St>, LoginRefusal>),
    Asking(St::Pending, Entry<St>),
}

impl<St: Store> LoginBegin<St> {
    pub(super) fn start(core: Arc<Core<St>>, attempt: LoginAttempt<'_>) -> Self {
        let (subject, who) = core.identify(attempt);
        let now = core.ticker.now();
        let entry = Entry {
            core,
            subject,
            who,
            now,
        };
        Self {
            state: State::of(entry.ask()),
        }
    }

    /// What was decided, if nobody has to be asked for it.
    pub(super) fn decided(&mut self) -> Option<Result<LoginGuard<St>, LoginRefusal>> {
        match &mut self.state {
            State::Decided { outcome } => outcome.take(),
            State::Asking { .. } => None,
        }
    }
}

impl<St: Store> State<St::Pending, St> {
    fn of(step: Step<St>) -> Self {
        match step {
            Step::Decided(outcome) => Self::Decided {
                outcome: Some(outcome),
            },
            Step::Asking(pending, entry) => Self::Asking {
                pending,
                entry: Some(entry),
            },
        }
    }
}

impl<St: Store> Future for LoginBegin<St> {
    type Output = Result<LoginGuard<St>, LoginRefusal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                // Polled again after it was ready: pending for ever, as a fused future would be.
                StateProjection::Decided { outcome } => {
                    return outcome.take().map_or(Poll::Pending, Poll::Ready);
                }
                StateProjection::Asking { pending, entry } => {
                    let answer = match pending.poll(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(answer) => answer,
                    };
                    let Some(entry) = entry.take() else {
                        return Poll::Pending;
                    };
                    entry.hear(answer)
                }
            };
            state.set(State::of(next));
        }
    }
}

impl<St: Store> Entry<St> {
    /// Asks the store; a device that it trusts no more is asked for once more as a stranger.
    fn ask(self) -> Step<St> {
        if let Some(refusal) = self.sprayed() {
            return Step::Decided(Err(refusal));
        }
        match self.core.counters.acquire(self.subject, self.now) {
            Asked::Ready(verdict) => self.conclude(verdict),
            Asked::Pending(pending) => Step::Asking(pending, self),
            Asked::Failed(error) => self.alone(&error),
        }
    }

    fn hear(self, answer: Result<Vec<Standing>, StoreError>) -> Step<St> {
        match answer {
            Ok(standings) => match self.core.counters.understand(&standings) {
                Some(verdict) if self.fits(&standings) => self.conclude(verdict),
                _ => self.alone(&corrupt()),
            },
            Err(error) => self.alone(&error),
        }
    }

    /// Whether a store has answered to what it was asked.
    fn fits(&self, standings: &[Standing]) -> bool {
        let charges = if self.subject.device.is_some() { 2 } else { 3 };
        standings.len() == charges
    }

    fn conclude(mut self, verdict: Verdict) -> Step<St> {
        match verdict {
            Verdict::Booked {
                booked,
                in_a_row,
                reaches_bound,
            } => {
                let bound = reaches_bound.then_some(in_a_row);
                Step::Decided(Ok(self.guard(booked, bound, Home::Store)))
            }
            Verdict::Distrusted => {
                self.subject.device = None;
                self.ask()
            }
            Verdict::Refused { refusal, count } => Step::Decided(Err(self.refused(refusal, count))),
        }
    }

    /// The store is away: counts here, or refuses. Never lets an attempt pass uncounted.
    fn alone(mut self, error: &StoreError) -> Step<St> {
        let core = Arc::clone(&self.core);
        let Some(away) = &core.away else {
            core.events.store_failed(&self.who, error, "deny", self.now);
            return Step::Decided(Err(LoginRefusal::StoreUnavailable));
        };
        core.events
            .store_failed(&self.who, error, "local", self.now);
        Step::Decided(self.count_here(away))
    }

    fn count_here(&mut self, away: &Counters<MemoryStore>) -> Result<LoginGuard<St>, LoginRefusal> {
        loop {
            match away.acquire(self.subject, self.now) {
                Asked::Ready(Verdict::Booked {
                    booked,
                    in_a_row,
                    reaches_bound,
                }) => {
                    let bound = reaches_bound.then_some(in_a_row);
                    return Ok(self.guard(booked, bound, Home::Here));
                }
                Asked::Ready(Verdict::Distrusted) if self.subject.device.is_some() => {
                    self.subject.device = None;
                    if let Some(refusal) = self.sprayed() {
                        return Err(refusal);
                    }
                }
                Asked::Ready(Verdict::Refused { refusal, count }) => {
                    return Err(self.refused(refusal, count));
                }
                // Counters in memory are neither asked for long nor fail.
                Asked::Ready(Verdict::Distrusted) | Asked::Pending(_) | Asked::Failed(_) => {
                    return Err(LoginRefusal::StoreUnavailable);
                }
            }
        }
    }

    /// The refusal of a stranger's attempt from a prefix that has tried many accounts.
    fn sprayed(&self) -> Option<LoginRefusal> {
        if self.subject.device.is_some() {
            return None;
        }
        let prefix = self.subject.address.0.low();
        let wait = self.core.spray.wait(prefix, self.now)?;
        let refusal = LoginRefusal::throttled(LoginDimension::Spray, wait);
        let count = u64::from(self.core.spray.rule().accounts);
        Some(self.refused(refusal, count))
    }

    fn refused(&self, refusal: LoginRefusal, count: u64) -> LoginRefusal {
        if let Some(dimension) = refusal.dimension() {
            let events = &self.core.events;
            events.refused(&self.who, dimension, count, self.now);
        }
        refusal
    }

    fn guard(&self, booked: Booked, bound: Option<u64>, home: Home) -> LoginGuard<St> {
        let pressure = self.core.gauge.read(self.now);
        let who = self.who.clone();
        LoginGuard::new(
            Arc::clone(&self.core),
            self.subject,
            who,
            (booked, home),
            bound,
            pressure,
        )
    }
}

impl<St: Store> fmt::Debug for LoginBegin<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginBegin").finish_non_exhaustive()
    }
}
