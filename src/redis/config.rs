//! The builder of the store, and what can be wrong with what it is given.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::ConnectionLike;

use super::name::HashTag;
use super::store::RedisStore;
use crate::core::{
    Clock, ConfigErrorKind, ConfigErrors, ErrorClass, Mistakes, Secret, SystemClock, is_weak_key,
};

/// What a key of Redis may begin with, at most.
const MAX_PREFIX: usize = 64;

/// A limiter that waits longer than this for its counters is an outage by itself.
const MAX_TIMEOUT: Duration = Duration::from_millis(250);

const DEFAULT_TIMEOUT: Duration = Duration::from_millis(25);

/// A mistake in the configuration of a [`RedisStore`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConfigError {
    /// A fleet has at least one node.
    #[error("invalid number of nodes 0: write how many processes share the counters, at least 1")]
    ExpectedNodes,
    /// There is no secret to hash keys with.
    #[error(
        "invalid store without a secret: write secret(..) with 16 random bytes that are the same on every node"
    )]
    MissingSecret,
    /// The prefix would be misread as part of a key.
    #[error(
        "invalid prefix {prefix:?}: write 1 to {MAX_PREFIX} of the characters A-Z a-z 0-9 _ . - :, such as \"shop\""
    )]
    Prefix {
        /// The prefix as given.
        prefix: String,
    },
    /// Requests would wait too long for a server that does not answer, or not at all for one that does.
    #[error(
        "refused timeout of {timeout:?}: each request waits this long while the server is down, write 1 ms to 250 ms"
    )]
    Timeout {
        /// The timeout as given.
        timeout: Duration,
    },
    /// Anybody could guess it, and with it the key of any client.
    #[error("refused secret: all its bytes are the same, write 16 random bytes")]
    WeakSecret,
}

impl ConfigErrorKind for RedisConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ExpectedNodes | Self::MissingSecret | Self::Prefix { .. } => ErrorClass::Invalid,
            Self::Timeout { .. } | Self::WeakSecret => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ExpectedNodes => "expected_nodes",
            Self::MissingSecret => "missing_secret",
            Self::Prefix { .. } => "prefix",
            Self::Timeout { .. } => "timeout",
            Self::WeakSecret => "weak_secret",
        }
    }
}

/// Makes a [`RedisStore`]. See [`RedisStore::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RedisStoreBuilder<C> {
    connection: C,
    prefix: String,
    secret: Option<Secret<[u8; 16]>>,
    expected_nodes: Option<u32>,
    timeout: Duration,
    leases: bool,
    hash_tag: HashTag,
    clock: Arc<dyn Clock>,
}

/// A checked configuration.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) prefix: Box<str>,
    pub(super) secret: Secret<[u8; 16]>,
    pub(super) expected_nodes: Option<u32>,
    pub(super) timeout: Duration,
    pub(super) leases: bool,
    pub(super) hash_tag: HashTag,
    pub(super) clock: Arc<dyn Clock>,
}

impl<C> RedisStoreBuilder<C> {
    pub(super) fn new(connection: C) -> Self {
        Self {
            connection,
            prefix: "tower".to_owned(),
            secret: None,
            expected_nodes: None,
            timeout: DEFAULT_TIMEOUT,
            leases: true,
            hash_tag: HashTag::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Begins each key in Redis with `prefix` (default `tower`), so that several applications can use one server.
    ///
    /// Permitted: `shop`, `shop.eu:v2`. Rejected: the empty string, `{shop}` (braces mark a cluster's hash tag), 65 characters.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Hashes keys with `secret`: 16 random bytes, the same on every node. Required.
    ///
    /// Nobody who reads the database learns an address or an account without it. Changing it forgets all counters.
    ///
    /// Permitted: 16 bytes of a random generator. Rejected: `[0; 16]` and any other byte 16 times.
    pub fn secret(mut self, secret: impl Into<Secret<[u8; 16]>>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Tells how many processes share the counters (default: unknown).
    ///
    /// Each may take 1 / (4 x `nodes`) of a burst in advance, and counts 1 / `nodes` of a quota by itself while the server is away.
    /// Unknown, nobody takes anything in advance, and each counts the full quota.
    ///
    /// Permitted: 1 and more. Rejected: 0.
    pub const fn expected_nodes(mut self, nodes: u32) -> Self {
        self.expected_nodes = Some(nodes);
        self
    }

    /// Waits at most `timeout` for an answer (default 25 ms). It holds whatever the connection's own limit is.
    ///
    /// Permitted: 1 ms to 250 ms. Rejected: shorter, and longer: while the server is away, the requests of the first moment wait
    /// this long.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether units of hot keys are taken in advance (default `true`); see [`mod@crate::redis`]. With `false` each request that is
    /// allowed asks the server.
    pub const fn lease(mut self, leases: bool) -> Self {
        self.leases = leases;
        self
    }

    /// How keys are spread over the nodes of a cluster (default [`HashTag::PerLimiter`]).
    pub const fn hash_tag(mut self, tag: HashTag) -> Self {
        self.hash_tag = tag;
        self
    }

    /// Reads the time for pauses after failures from `clock` (default: the system's). For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStoreBuilder<C> {
    /// Makes the store. The server is not asked for anything yet.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`RedisConfigError`]: a prefix that cannot stand in a key, a secret that is missing or
    /// weak, no nodes, a timeout out of bounds.
    pub fn build(self) -> Result<RedisStore, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte);
        if !(1..=MAX_PREFIX).contains(&self.prefix.len()) || !self.prefix.bytes().all(is_plain) {
            mistakes.push(
                "redis.prefix",
                RedisConfigError::Prefix {
                    prefix: self.prefix.chars().take(2 * MAX_PREFIX).collect(),
                },
            );
        }
        match &self.secret {
            None => mistakes.push("redis.secret", RedisConfigError::MissingSecret),
            Some(secret) if is_weak_key(secret.expose()) => {
                mistakes.push("redis.secret", RedisConfigError::WeakSecret);
            }
            Some(_) => {}
        }
        if self.expected_nodes == Some(0) {
            mistakes.push("redis.expected_nodes", RedisConfigError::ExpectedNodes);
        }
        if !(Duration::from_millis(1)..=MAX_TIMEOUT).contains(&self.timeout) {
            mistakes.push(
                "redis.timeout",
                RedisConfigError::Timeout {
                    timeout: self.timeout,
                },
            );
        }
        let settings = mistakes.finish(Settings {
            prefix: self.prefix.into(),
            secret: self.secret.unwrap_or(Secret::new([0; 16])),
            expected_nodes: self.expected_nodes,
            timeout: self.timeout,
            leases: self.leases,
            hash_tag: self.hash_tag,
            clock: self.clock,
        })?;
        Ok(RedisStore::open(self.connection, settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::Store;
    use ::redis::aio::ConnectionManager;

    fn builder() -> RedisStoreBuilder<ConnectionManager> {
        let client = ::redis::Client::open("redis://127.0.0.1/").unwrap();
        let lazy = ConnectionManager::new_lazy_with_config(client, Default::default()).unwrap();
        RedisStore::builder(lazy).secret(*b"0123456789abcdef")
    }

    fn mistake(builder: RedisStoreBuilder<ConnectionManager>) -> Option<(String, &'static str)> {
        let errors = builder.build().err()?;
        assert_eq!(errors.len(), 1, "{errors}");
        let error = errors.into_iter().next().unwrap();
        Some((error.path().to_owned(), error.code()))
    }

    fn is_refused(builder: RedisStoreBuilder<ConnectionManager>, path: &str, code: &str) {
        let found = mistake(builder).unwrap();
        assert_eq!((found.0.as_str(), found.1), (path, code));
    }

    #[tokio::test]
    async fn each_limit_has_two_sides() {
        let long = "x".repeat(64);
        for prefix in ["shop", "shop.eu:v2", "A_b-9", &long] {
            assert_eq!(mistake(builder().prefix(prefix)), None, "{prefix}");
        }
        let too_long = "x".repeat(65);
        for prefix in ["", "{shop}", "shop eu", "sh\u{f6}p", "a\r\nb", &too_long] {
            is_refused(builder().prefix(prefix), "redis.prefix", "prefix");
        }

        let milli = Duration::from_millis;
        for timeout in [milli(1), milli(25), milli(250)] {
            assert_eq!(mistake(builder().timeout(timeout)), None, "{timeout:?}");
        }
        for timeout in [Duration::ZERO, Duration::from_micros(999), milli(251)] {
            is_refused(builder().timeout(timeout), "redis.timeout", "timeout");
        }

        assert_eq!(mistake(builder().expected_nodes(1)), None);
        is_refused(
            builder().expected_nodes(0),
            "redis.expected_nodes",
            "expected_nodes",
        );

        let mut secret = [7; 16];
        is_refused(builder().secret(secret), "redis.secret", "weak_secret");
        secret[15] = 8;
        assert_eq!(mistake(builder().secret(secret)), None);
        let mut without = builder();
        without.secret = None;
        is_refused(without, "redis.secret", "missing_secret");
    }

    #[tokio::test]
    async fn all_mistakes_are_told_together_and_none_shows_the_secret() {
        let errors = builder()
            .prefix("")
            .secret([113; 16])
            .expected_nodes(0)
            .timeout(Duration::from_secs(1))
            .build()
            .unwrap_err();
        let classes: Vec<_> = errors
            .iter()
            .map(|error| (error.code(), error.class()))
            .collect();
        assert_eq!(
            classes,
            [
                ("prefix", ErrorClass::Invalid),
                ("weak_secret", ErrorClass::Refused),
                ("expected_nodes", ErrorClass::Invalid),
                ("timeout", ErrorClass::Refused),
            ]
        );
        assert!(!errors.to_string().contains("113"), "{errors}");
        let shown = format!("{:?}", builder().build().unwrap());
        assert!(
            !shown.contains("48, 49") && !shown.contains("0123456789abcdef"),
            "{shown}"
        );
    }

    #[tokio::test]
    async fn the_limiter_learns_who_counts() {
        let store = builder().expected_nodes(3).build().unwrap();
        assert!(store.is_shared() && store.key_seed().is_shared());
        assert_eq!(store.expected_nodes(), Some(3));
        assert_eq!(builder().build().unwrap().expected_nodes(), None);
    }
}
