//! How many hashes are computed at once, who waits, and the memory they are computed in.
#![expect(
    clippy::disallowed_types,
    reason = "a lock that is held to count, or to take a buffer from a list"
)]

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::Block;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::optimization_barrier;

use super::cost::Argon2Cost;
use super::error::PasswordFault;
use super::wait;
use crate::core::{Clock, Events, SystemClock, nanos};

/// What a hash with the default cost takes until one was measured.
const FIRST_GUESS: Duration = Duration::from_millis(20);
/// How far one measurement moves the average.
const SHARE: f64 = 1.0 / 8.0;
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// What bounds a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Hashes at once.
    pub(super) concurrency: u32,
    /// Calls that may wait.
    pub(super) queue: u32,
    /// How long they may.
    pub(super) timeout: Duration,
    /// Blocks of memory for each hash at once.
    pub(super) blocks: usize,
}

/// What a hash takes from the pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    blocks: usize,
    passes: u64,
}

impl Load {
    /// `blocks` of memory, and as much time as [`Argon2Cost::passes`] says.
    pub(super) const fn new(blocks: usize, passes: u64) -> Self {
        Self { blocks, passes }
    }
}

/// Why nothing was computed, or nothing came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Busy { retry_after: Duration },
    Fault(PasswordFault),
}

impl From<PasswordFault> for Refused {
    fn from(fault: PasswordFault) -> Self {
        Self::Fault(fault)
    }
}

pub(super) struct Pool {
    bounds: Bounds,
    /// Fair: who waits for several is not overtaken for ever.
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    clock: Events,
}

struct State {
    idle: Vec<Box<[Block]>>,
    waiting: u32,
    /// KiB that those who wait or run write in all, times the permits that they hold while they do.
    work: u64,
    /// Nanoseconds for a KiB written: a moving average.
    pace: f64,
}

impl State {
    /// How long who comes now waits for a permit.
    fn wait(&self, concurrency: u32) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            reason = "an estimate; 52 bits of KiB are more than any queue writes"
        )]
        let seconds = self.pace * self.work as f64 / f64::from(concurrency) / 1e9;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

impl Pool {
    pub(super) fn new(bounds: Bounds, clock: Events) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a constant of seven digits and one of eight"
        )]
        let pace = nanos(FIRST_GUESS) as f64 / Argon2Cost::OWASP.passes() as f64;
        Self {
            // At most 2 GiB at 8 KiB each, far below what the semaphore can count.
            permits: Arc::new(Semaphore::new(bounds.concurrency as usize)),
            bounds,
            state: Mutex::new(State {
                idle: Vec::new(),
                waiting: 0,
                work: 0,
                pace,
            }),
            clock,
        }
    }

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Runs `work` on a thread that may block, when it is its turn.
    ///
    /// Dropped while it waits, it gives up its place in the queue. Dropped later, it drops the wait for the outcome alone: the memory is in
    /// use until the hash ends, and so the permit is held until then.
    pub(super) async fn run<T, W>(self: &Arc<Self>, load: Load, work: W) -> Result<T, Refused>
    where
        T: Send + 'static,
        W: FnOnce(&mut Place) -> T + Send + 'static,
    {
        let (runtime, deadline) = wait::runtime(self.bounds.timeout)?;
        let mut place = match self.enter(load)? {
            Entry::Free(place) => place,
            Entry::Queued(queued) => {
                let permit = Arc::clone(&self.permits).acquire_many_owned(self.weight(load));
                match wait::until(deadline, permit).await {
                    Some(Ok(permit)) => queued.admit(permit),
                    Some(Err(_)) | None => return Err(self.busy()),
                }
            }
        };
        // Tokio panics where the system has no thread to give.
        let task = catch_unwind(AssertUnwindSafe(|| {
            runtime.spawn_blocking(move || place.carry_out(work))
        }));
        let outcome = task.map_err(|_| PasswordFault::NoThread)?.await;
        outcome.map_err(|error| {
            Refused::Fault(if error.is_panic() {
                PasswordFault::Panicked
            } else {
                PasswordFault::ShutDown
            })
        })
    }

    /// As [`run`](Self::run), on this thread.
    pub(super) fn run_blocking<T>(
        self: &Arc<Self>,
        load: Load,
        work: impl FnOnce(&mut Place) -> T,
    ) -> Result<T, Refused> {
        let mut place = match self.enter(load)? {
            Entry::Free(place) => place,
            Entry::Queued(queued) => {
                let deadline = SystemClock.monotonic().saturating_add(self.bounds.timeout);
                let permit = Arc::clone(&self.permits).acquire_many_owned(self.weight(load));
                match wait::until_blocking(deadline, permit) {
                    Some(Ok(permit)) => queued.admit(permit),
                    Some(Err(_)) | None => return Err(self.busy()),
                }
            }
        };
        // The place unwinds inside, so that its buffer knows of the panic.
        catch_unwind(AssertUnwindSafe(move || place.carry_out(work)))
            .map_err(|_| PasswordFault::Panicked.into())
    }

    /// Takes a permit if one is free, else a place in the queue if it is short enough.
    fn enter(self: &Arc<Self>, load: Load) -> Result<Entry, Refused> {
        let weight = self.weight(load);
        let work = load.passes.saturating_mul(u64::from(weight));
        let mut state = self.state();
        let permit = Arc::clone(&self.permits).try_acquire_many_owned(weight);
        if permit.is_err() {
            let wait = state.wait(self.bounds.concurrency);
            if state.waiting >= self.bounds.queue || wait > self.bounds.timeout {
                let retry_after = retry_after(wait);
                return Err(Refused::Busy { retry_after });
            }
            state.waiting = state.waiting.saturating_add(1);
        }
        state.work = state.work.saturating_add(work);
        drop(state);
        let share = Share {
            pool: Arc::clone(self),
            work,
            is_waiting: permit.is_err(),
        };
        Ok(match permit {
            Ok(permit) => Entry::Free(Place::new(share, permit)),
            Err(_) => Entry::Queued(share),
        })
    }

    /// Permits for a hash: one for each buffer of the pool that its memory is as large as, so that the memory of all stays below that of the
    /// pool, or of the one hash that is larger than it.
    fn weight(&self, load: Load) -> u32 {
        let buffers = load.blocks.div_ceil(self.bounds.blocks.max(1));
        u32::try_from(buffers).map_or(self.bounds.concurrency, |buffers| {
            buffers.clamp(1, self.bounds.concurrency)
        })
    }

    fn busy(&self) -> Refused {
        let wait = self.state().wait(self.bounds.concurrency);
        let retry_after = retry_after(wait);
        Refused::Busy { retry_after }
    }

    /// Takes a measurement into account.
    fn measured(&self, passes: u64, took: Duration) {
        // What a tiny hash takes is what the thread and its memory took.
        if passes == 0 || passes < u64::try_from(self.bounds.blocks).unwrap_or(u64::MAX) {
            return;
        }
        let mut state = self.state();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let pace = nanos(took) as f64 / passes as f64;
        state.pace += (pace - state.pace) * SHARE;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bounds.fmt(f)
    }
}

fn retry_after(wait: Duration) -> Duration {
    wait.clamp(Duration::from_secs(1), LONGEST_RETRY)
}

enum Entry {
    Free(Place),
    Queued(Share),
}

/// A part of what the pool has to do, until it is dropped.
struct Share {
    pool: Arc<Pool>,
    work: u64,
    is_waiting: bool,
}

impl Share {
    fn admit(mut self, permit: OwnedSemaphorePermit) -> Place {
        self.pool.state().leave_queue(&mut self.is_waiting);
        Place::new(self, permit)
    }
}

impl State {
    fn leave_queue(&mut self, is_waiting: &mut bool) {
        if std::mem::take(is_waiting) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.leave_queue(&mut self.is_waiting);
        state.work = state.work.saturating_sub(self.work);
    }
}

/// The right to compute hashes, and the memory to do it in. Who holds it is counted until it is dropped.
pub(super) struct Place {
    // The order in which they are given back: who gets the permit next finds the buffer.
    buffer: Option<Buffer>,
    passes: u64,
    share: Share,
    permit: OwnedSemaphorePermit,
}

impl Place {
    fn new(share: Share, permit: OwnedSemaphorePermit) -> Self {
        Self {
            buffer: None,
            passes: 0,
            share,
            permit,
        }
    }

    /// Memory for one hash, and that it is computed in this time.
    pub(super) fn memory(&mut self, load: Load) -> Result<&mut [Block], PasswordFault> {
        let Load { blocks, passes } = load;
        self.passes = self.passes.saturating_add(passes);
        let is_enough = |buffer: &Buffer| buffer.blocks.len() >= blocks;
        let buffer = match self.buffer.take().filter(is_enough) {
            Some(buffer) => buffer,
            None => Buffer::new(&self.share.pool, blocks, self.permit.num_permits())?,
        };
        let buffer = self.buffer.insert(buffer);
        buffer.used = buffer.used.max(blocks);
        buffer
            .blocks
            .get_mut(..blocks)
            .ok_or(PasswordFault::OutOfMemory)
    }

    /// Counts a hash that needs no memory.
    pub(super) const fn count(&mut self, load: Load) {
        self.passes = self.passes.saturating_add(load.passes);
    }

    fn carry_out<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let pool = Arc::clone(&self.share.pool);
        let begun = pool.clock.monotonic(None);
        let outcome = work(self);
        self.buffer = None;
        let took = pool.clock.monotonic(None).saturating_sub(begun);
        pool.measured(self.passes, took);
        outcome
    }
}

/// Memory that a password has been mixed into: wiped when it is given back.
struct Buffer {
    pool: Arc<Pool>,
    blocks: Box<[Block]>,
    used: usize,
}

impl Buffer {
    fn new(pool: &Arc<Pool>, blocks: usize, permits: usize) -> Result<Self, PasswordFault> {
        let own = pool.bounds.blocks;
        let idle = {
            let mut state = pool.state();
            if blocks <= own {
                state.idle.pop()
            } else {
                // It holds the permits of as many buffers, which nobody can use meanwhile.
                let left = state.idle.len().saturating_sub(permits);
                state.idle.truncate(left);
                None
            }
        };
        let blocks = match idle {
            Some(idle) => idle,
            None => allocate(blocks.max(own))?,
        };
        Ok(Self {
            pool: Arc::clone(pool),
            blocks,
            used: 0,
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(used) = self.blocks.get_mut(..self.used) {
            wipe(used);
        }
        let is_of_the_pool = self.blocks.len() == self.pool.bounds.blocks;
        if is_of_the_pool && !thread::panicking() {
            let blocks = std::mem::take(&mut self.blocks);
            self.pool.state().idle.push(blocks);
        }
    }
}

fn allocate(blocks: usize) -> Result<Box<[Block]>, PasswordFault> {
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(blocks)
        .map_err(|_| PasswordFault::OutOfMemory)?;
    memory.resize(blocks, Block::new());
    Ok(memory.into_boxed_slice())
}

/// As `Zeroize` does, word by word, in a third of the time.
fn wipe(blocks: &mut [Block]) {
    for block in &mut *blocks {
        block.as_mut().fill(0);
    }
    // The stores before it cannot be left out, even if the memory is given back next.
    optimization_barrier(blocks);
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
