//! Waiting, on a runtime and on a thread without one.
#![expect(
    clippy::disallowed_methods,
    reason = "the configured limit of a wait, and the configured floor of an answer's time"
)]

use std::future::pending;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{self, Instant};

use super::error::PasswordFault;
use crate::core::{Clock, SystemClock};

/// The runtime that this call runs in, and the moment so far from now on its clock. It has timers: a wait later on does not panic.
pub(super) fn runtime(after: Duration) -> Result<(Handle, Instant), PasswordFault> {
    let handle = Handle::try_current().map_err(|_| PasswordFault::NoRuntime)?;
    let deadline = catch_unwind(|| time::sleep(after).deadline());
    let deadline = deadline.map_err(|_| PasswordFault::NoTimers)?;
    Ok((handle, deadline))
}

/// The output of a future, if there is one in time.
pub(super) async fn until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    time::timeout_at(deadline, future).await.ok()
}

/// Waits for that moment.
pub(super) async fn sleep_until(moment: Instant) {
    time::sleep_until(moment).await;
}

/// As [`until`], on this thread and without a runtime. `deadline` is on the monotonic hand of the system's clock.
pub(super) fn until_blocking<F: Future>(deadline: Duration, future: F) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unparker(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.checked_sub(SystemClock.monotonic());
        thread::park_timeout(left.filter(|left| !left.is_zero())?);
    }
}

/// As [`sleep_until`], on this thread and without a runtime.
pub(super) fn sleep_until_blocking(moment: Duration) {
    until_blocking(moment, pending::<()>());
}

struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;

    #[test]
    fn a_thread_waits_for_an_output_or_for_the_deadline() {
        let soon = || SystemClock.monotonic() + Duration::from_millis(20);
        assert_eq!(until_blocking(soon(), ready(7)), Some(7));
        assert_eq!(until_blocking(Duration::ZERO, ready(7)), Some(7));
        let deadline = soon();
        assert_eq!(until_blocking(deadline, pending::<u8>()), None);
        assert!(SystemClock.monotonic() >= deadline);

        let (sender, receiver) = tokio::sync::oneshot::channel();
        let other = thread::spawn(move || sender.send(7));
        let far = SystemClock.monotonic() + Duration::from_secs(60);
        assert_eq!(until_blocking(far, receiver), Some(Ok(7)));
        other.join().unwrap().unwrap();
    }

    #[test]
    fn without_a_runtime_or_without_timers_nothing_panics() {
        assert_eq!(
            runtime(Duration::ZERO).unwrap_err(),
            PasswordFault::NoRuntime
        );
        let bare = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = bare.block_on(async { runtime(Duration::ZERO).unwrap_err() });
        assert_eq!(found, PasswordFault::NoTimers);
        let timed = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        assert!(timed.block_on(async { runtime(Duration::ZERO).is_ok() }));
    }
}
