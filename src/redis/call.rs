//! One call to the server, and what its errors mean.
#![expect(
    clippy::disallowed_methods,
    reason = "the type of the connection is the application's: its call is boxed once, in the task that waits for the server"
)]

use std::fmt;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind, Value};

use crate::core::{StoreError, StoreErrorKind};

pub(super) static ACQUIRE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("acquire.lua")));
pub(super) static REFUND: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("refund.lua")));
pub(super) static BANS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("bans.lua")));

/// What the scripts answer when a counter holds something else than they write.
const CORRUPT: &str = "CORRUPT";

/// Why a call came to nothing.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: StoreError,
    /// Whether other calls would fail too. Not so when one counter alone cannot be read.
    pub(super) is_outage: bool,
}

/// A connection of any type.
pub(super) struct Server(Box<dyn Connection>);

trait Connection: Send + Sync {
    fn run(
        &self,
        script: Option<&'static Script>,
        command: Cmd,
    ) -> Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>>;
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Connection for C {
    fn run(
        &self,
        script: Option<&'static Script>,
        command: Cmd,
    ) -> Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>> {
        let mut connection = self.clone();
        Box::pin(async move {
            let answer = command.query_async(&mut connection).await;
            match (answer, script) {
                (Err(error), Some(script)) if is_unknown_script(&error) => {
                    script.load_async(&mut connection).await?;
                    command.query_async(&mut connection).await
                }
                (answer, _) => answer,
            }
        })
    }
}

/// The server was restarted, or its scripts were flushed.
fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

impl Server {
    pub(super) fn new(connection: impl ConnectionLike + Clone + Send + Sync + 'static) -> Self {
        Self(Box::new(connection))
    }

    /// Runs a script, and loads it first if the server does not know it. `limit` holds for both together.
    pub(super) async fn evaluate(
        &self,
        script: &'static Script,
        names: &[String],
        numbers: impl FnOnce(&mut Cmd),
        limit: Duration,
    ) -> Result<Value, Failure> {
        let mut command = Cmd::with_capacity(names.len().saturating_mul(6).saturating_add(5), 256);
        command
            .arg("EVALSHA")
            .arg(script.get_hash())
            .arg(names.len());
        for name in names {
            command.arg(name);
        }
        numbers(&mut command);
        self.within(limit, Some(script), command).await
    }

    /// Runs a command.
    pub(super) async fn command(&self, command: Cmd, limit: Duration) -> Result<Value, Failure> {
        self.within(limit, None, command).await
    }

    async fn within(
        &self,
        limit: Duration,
        script: Option<&'static Script>,
        command: Cmd,
    ) -> Result<Value, Failure> {
        match tokio::time::timeout(limit, self.0.run(script, command)).await {
            Ok(answer) => answer.map_err(|error| failure(&error)),
            Err(_) => Err(Failure {
                error: StoreError::new(
                    StoreErrorKind::Timeout,
                    format!("no answer within {limit:?}"),
                ),
                is_outage: true,
            }),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<connection>")
    }
}

/// Takes the numbers of an answer.
pub(super) fn numbers(answer: Value) -> Result<Vec<i64>, Failure> {
    ::redis::from_redis_value(answer).map_err(|error| unreadable(&error.to_string()))
}

/// An answer that no script of ours gives: something else than Redis listens there.
pub(super) fn unreadable(text: &str) -> Failure {
    Failure {
        error: StoreError::new(StoreErrorKind::Corrupt, text),
        is_outage: true,
    }
}

/// What an error of the client means.
pub(super) fn failure(error: &RedisError) -> Failure {
    let (kind, is_outage) = match error.kind() {
        ErrorKind::Extension => match error.code() {
            Some(CORRUPT) => (StoreErrorKind::Corrupt, false),
            Some("OOM") => (StoreErrorKind::Full, true),
            // A word of a newer server, such as BUSY or MISCONF: it serves nobody now.
            _ => (StoreErrorKind::Unavailable, true),
        },
        ErrorKind::Io if error.is_timeout() => (StoreErrorKind::Timeout, true),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => (StoreErrorKind::Corrupt, true),
        // Refused, lost, loading, read-only, moved, not permitted: whatever it is, nothing was decided.
        _ => (StoreErrorKind::Unavailable, true),
    };
    Failure {
        error: StoreError::new(kind, error.to_string()),
        is_outage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// An error as the server writes it.
    fn server(line: &str) -> RedisError {
        let value = ::redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn each_error_of_the_client_has_its_meaning() {
        use StoreErrorKind::{Corrupt, Full, Timeout, Unavailable};
        let io = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        #[rustfmt::skip]
        let rows = [
            (io(io::ErrorKind::TimedOut), Timeout, true),
            (io(io::ErrorKind::ConnectionRefused), Unavailable, true),
            (io(io::ErrorKind::BrokenPipe), Unavailable, true),
            (io(io::ErrorKind::NotFound), Unavailable, true),
            (server("CORRUPT counter x"), Corrupt, false),
            (server("OOM command not allowed when used memory > 'maxmemory'."), Full, true),
            (server("BUSY Redis is busy running a script."), Unavailable, true),
            (server("MISCONF Redis is configured to save RDB snapshots"), Unavailable, true),
            (server("NOAUTH Authentication required."), Unavailable, true),
            (server("NOPERM this user has no permissions"), Unavailable, true),
            (server("LOADING Redis is loading the dataset in memory"), Unavailable, true),
            (server("READONLY You can't write against a read only replica."), Unavailable, true),
            (server("MOVED 3999 127.0.0.1:6381"), Unavailable, true),
            (server("CROSSSLOT Keys in request don't hash to the same slot"), Unavailable, true),
            (server("CLUSTERDOWN The cluster is down"), Unavailable, true),
            (server("NOSCRIPT No matching script."), Unavailable, true),
            (server("ERR unknown command"), Unavailable, true),
            (RedisError::from((ErrorKind::Parse, "not RESP")), Corrupt, true),
            (RedisError::from((ErrorKind::UnexpectedReturnType, "a map")), Corrupt, true),
        ];
        for (error, kind, is_outage) in rows {
            let found = failure(&error);
            assert_eq!(
                (found.error.kind(), found.is_outage),
                (kind, is_outage),
                "{error}"
            );
            assert!(
                !found.error.to_string().contains(&error.to_string()),
                "the server's words are not printed"
            );
        }
    }

    #[test]
    fn an_answer_that_is_no_list_of_numbers_is_corrupt() {
        let list = Value::Array(vec![Value::Int(1), Value::Int(-2)]);
        assert_eq!(numbers(list).unwrap(), [1, -2]);
        for wrong in [
            Value::Array(vec![Value::Int(1), Value::BulkString(b"x".to_vec())]),
            Value::Okay,
        ] {
            let failure = numbers(wrong).unwrap_err();
            assert_eq!(failure.error.kind(), StoreErrorKind::Corrupt);
        }
    }

    #[test]
    fn scripts_keep_what_a_shared_counter_rests_on() {
        for (name, text) in [
            ("acquire", include_str!("acquire.lua")),
            ("refund", include_str!("refund.lua")),
        ] {
            assert!(
                text.contains("redis.call('TIME')"),
                "{name}: the time of the server"
            );
            assert!(
                text.contains("'PX'") && !text.contains("'EX'"),
                "{name}: sub-second periods"
            );
            assert!(!text.contains("tostring("), "{name}: 14 digits");
            assert!(text.contains("'%.0f'"), "{name}: 16 digits");
            assert!(
                text.contains("redis.pcall('GET'"),
                "{name}: WRONGTYPE is ours to report"
            );
            assert!(
                !text.contains("KEYS["),
                "{name}: every key is passed in a list"
            );
            assert!(text.is_ascii(), "{name}");
        }
    }
}
