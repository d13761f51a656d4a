//! A request that waits for keys.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::error::FetchError;
use super::judge::Held;
use super::shared::Shared;
use crate::token::source::{KeySnapshot, KeySourceError};

/// Longer than a provider takes, shorter than a client's patience.
const WAIT: Duration = Duration::from_secs(2);

/// A place among those who wait for one fetch. Given up when it is dropped; the fetch goes on.
pub(super) struct Seat {
    shared: Arc<Shared>,
    landing: watch::Receiver<Result<(), FetchError>>,
    kid: Option<Box<str>>,
}

impl Seat {
    pub(super) fn new(
        shared: Arc<Shared>,
        landing: watch::Receiver<Result<(), FetchError>>,
        kid: Option<&str>,
    ) -> Self {
        Self {
            shared,
            landing,
            kid: kid.map(Box::from),
        }
    }

    /// Waits, 2 seconds at most, and says which keys there are then.
    pub(super) async fn wait(mut self) -> Result<KeySnapshot, KeySourceError> {
        let has_landed = matches!(timeout(WAIT, self.landing.changed()).await, Ok(Ok(())));
        let is_fresh = has_landed && self.landing.borrow().is_ok();
        let now = self.shared.now();
        let snapshot = self.shared.live(now).ok_or(KeySourceError::Unavailable)?;
        let Some(kid) = self.kid.as_deref() else {
            return Ok(snapshot);
        };
        if Held::may_hold(&snapshot, kid) {
            return Ok(snapshot);
        }
        if is_fresh {
            self.shared.unknown.insert(kid, now);
        }
        Err(KeySourceError::NotFound)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.leave();
    }
}
