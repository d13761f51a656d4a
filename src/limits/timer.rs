//! The one timer of a body or of an answer, in place: nothing is allocated, and nothing is started until somebody has to wait.
#![expect(
    clippy::disallowed_methods,
    reason = "configured time limits, and the clock that their timer goes by"
)]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time by the clock of tokio's timer.
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The end of a wait. What no clock can express is as good as never.
pub(super) fn after(start: Instant, wait: Duration) -> Instant {
    /// Thirty years, which tokio takes for the far future too.
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    start.checked_add(wait).unwrap_or_else(|| start + NEVER)
}

pin_project! {
    /// A timer of tokio's that may not have been set yet.
    #[derive(Debug, Default)]
    pub(super) struct Timer {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Timer {
    /// Sets it, or sets it anew. To put off one that runs takes no lock.
    pub(super) fn set(self: Pin<&mut Self>, deadline: Instant) {
        let mut sleep = self.project().sleep;
        match sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.reset(deadline),
            None => sleep.set(Some(sleep_until(deadline))),
        }
    }

    /// When it goes off, if it was set.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.sleep.as_ref().map(Sleep::deadline)
    }

    /// Ready once it has gone off. One that was not set never does.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Pending,
        }
    }
}
