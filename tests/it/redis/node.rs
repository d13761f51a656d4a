//! One node of a fleet, seen from below the limiter.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;
use tower_security::core::{Clock, StoreError, SystemClock};
use tower_security::rate_limit::key::{KeyHash, KeyHasher};
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, Nanos, Overflow, Quota, Rule, Standing, Store,
};
use tower_security::redis::{RedisCounter, RedisStore, RedisStoreBuilder};

pub(crate) const SECRET: [u8; 16] = *b"0123456789abcdef";

/// A store with one policy, `p`.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) store: RedisStore,
    pub(crate) counter: Arc<RedisCounter>,
    pub(crate) rule: Rule,
}

impl Node {
    pub(crate) fn new<C>(connection: C, quota: Quota) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::with(connection, quota, |builder| builder)
    }

    pub(crate) fn with<C>(
        connection: C,
        quota: Quota,
        set: impl FnOnce(RedisStoreBuilder<C>) -> RedisStoreBuilder<C>,
    ) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        // A busy machine is no server that is away.
        let builder = RedisStore::builder(connection)
            .prefix("t")
            .secret(SECRET)
            .timeout(Duration::from_millis(250));
        let store = set(builder).build().unwrap();
        let counter = store.open(&CounterSpec::new("p", Overflow::Evict));
        let rule = quota.rule().unwrap();
        Self {
            store,
            counter,
            rule,
        }
    }

    /// Charges `cost` to `key`.
    pub(crate) async fn take(&self, key: KeyHash, cost: u32) -> Result<Standing, StoreError> {
        self.take_at(now(), key, cost).await
    }

    pub(crate) async fn take_at(
        &self,
        now: Nanos,
        key: KeyHash,
        cost: u32,
    ) -> Result<Standing, StoreError> {
        let mut charges = [Charge::new(&*self.counter, key, self.rule, cost)];
        let standings = all(&self.store, now, &mut charges).await?;
        Ok(standings[0])
    }

    pub(crate) async fn passes(&self, key: KeyHash) -> bool {
        self.take(key, 1).await.unwrap().is_allowed
    }

    /// How many of `tries` one after the other pass.
    pub(crate) async fn count(&self, key: KeyHash, tries: u32) -> u32 {
        let mut passed = 0;
        for _ in 0..tries {
            passed += u32::from(self.passes(key).await);
        }
        passed
    }
}

/// Acquires, and waits if the store has to ask.
pub(crate) async fn all<C>(
    store: &impl Store<Counter = C>,
    now: Nanos,
    charges: &mut [Charge<'_, C>],
) -> Result<Vec<Standing>, StoreError> {
    match store.acquire(now, charges) {
        Acquire::Ready => Ok(charges.iter().map(|charge| charge.standing).collect()),
        Acquire::Pending(answer) => answer.await,
        Acquire::Failed(error) => Err(error),
    }
}

/// The key of a client.
pub(crate) fn key(name: &str) -> KeyHash {
    let seed = tower_security::rate_limit::key::KeySeed::fleet(SECRET);
    let mut key = KeyHasher::new(&seed);
    key.str(name);
    key.key()
}

pub(crate) fn now() -> Nanos {
    let nanos = SystemClock.monotonic().as_nanos();
    Nanos::new(1_000_000_000 + u64::try_from(nanos).unwrap())
}
