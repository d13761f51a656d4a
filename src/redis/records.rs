//! What sessions and API keys have in common: records under a key, and which of them belong to a subject.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::redis::{Cmd, Script, Value};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::call::{Failure, unreadable};
use super::inner::{Inner, unavailable};
use crate::core::{Lookup, StoreError};

/// Whoever logs in or out waits longer than a request may that only wants to know who asks.
const PATIENCE: Duration = Duration::from_millis(250);

/// Milliseconds, 2,000 years: Redis refuses a time to live that does not fit when it is added to the date.
const LONGEST: u64 = 1 << 46;

/// The script of a kind of records: what all have in common, and its own.
macro_rules! script {
    ($own:literal) => {
        ::std::sync::LazyLock::new(|| {
            ::redis::Script::new(concat!(include_str!("records.lua"), include_str!($own)))
        })
    };
}
pub(super) use script;

/// The records of one kind.
#[derive(Debug)]
pub(super) struct Records {
    inner: Arc<Inner>,
    script: &'static Script,
    /// What their names begin with.
    records: Box<str>,
    subjects: Box<str>,
}

/// How long somebody waits for an answer.
#[derive(Clone, Copy)]
pub(super) enum Wait {
    /// A handler.
    Handler,
    /// A request on its way to one.
    Request,
}

impl Records {
    /// All of a kind live on one node of a cluster: a script changes a record and the list of its subject together.
    pub(super) fn new(inner: &Arc<Inner>, kind: &str, script: &'static Script) -> Self {
        let prefix = &inner.settings.prefix;
        let name = |part: &str| format!("{prefix}:{{{prefix}:{kind}}}:{part}:").into();
        Self {
            inner: Arc::clone(inner),
            script,
            records: name("record"),
            subjects: name("subject"),
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.inner.settings.prefix
    }

    pub(super) fn record(&self, member: &str) -> String {
        format!("{}{member}", self.records)
    }

    pub(super) fn subject(&self, digest: &str) -> String {
        format!("{}{digest}", self.subjects)
    }

    /// Removes a record, and says whether it was there.
    pub(super) fn revoke(&self, member: &str) -> Lookup<Result<bool, StoreError>> {
        let arguments = vec![member.as_bytes().to_vec()];
        let names = vec![self.record(member)];
        self.run(("revoke", Wait::Handler), names, arguments, is_done)
    }

    /// Removes the records of a subject but one, and says how many.
    pub(super) fn forget(
        &self,
        subject: &str,
        except: Option<String>,
    ) -> Lookup<Result<u64, StoreError>> {
        let names = vec![self.subject(&digest(subject))];
        let except = except.into_iter().map(String::into_bytes);
        self.run(("forget", Wait::Handler), names, except.collect(), count)
    }

    /// Takes fields of the records of a subject, the oldest first: first what each is called. A field that is missing is empty.
    pub(super) fn list<const N: usize, T: Send + 'static>(
        &self,
        subject: &str,
        fields: [&'static str; N],
        read: impl Fn(Vec<u8>, [Vec<u8>; N]) -> Result<T, Failure> + Send + 'static,
    ) -> Lookup<Result<Vec<T>, StoreError>> {
        let names = vec![self.subject(&digest(subject))];
        let fields = fields.map(|field| field.as_bytes().to_vec()).to_vec();
        self.run(("list", Wait::Handler), names, fields, move |answer| {
            let rows = rows(answer)?.into_iter();
            rows.map(|(member, fields)| read(member, fields)).collect()
        })
    }

    /// Runs a command of the script.
    pub(super) fn run<T: Send + 'static>(
        &self,
        (command, wait): (&str, Wait),
        names: Vec<String>,
        arguments: Vec<Vec<u8>>,
        read: impl FnOnce(Value) -> Result<T, Failure> + Send + 'static,
    ) -> Lookup<Result<T, StoreError>> {
        let (inner, script) = (Arc::clone(&self.inner), self.script);
        let head = [command, &self.records, &self.subjects].map(|text| text.as_bytes().to_vec());
        Lookup::pending(async move {
            let limit = wait.limit(&inner);
            let write = |command: &mut Cmd| {
                for argument in head.iter().chain(&arguments) {
                    command.arg(argument.as_slice());
                }
            };
            let ask = async || {
                let answer = inner.server.evaluate(script, &names, write, limit).await;
                answer.and_then(read)
            };
            asked(&inner, ask).await
        })
    }

    /// Takes fields of a record; `None` where there is none.
    pub(super) fn fields<const N: usize, T: Send + 'static>(
        &self,
        name: &str,
        fields: [&'static str; N],
        read: impl FnOnce([Option<Vec<u8>>; N]) -> Result<T, Failure> + Send + 'static,
    ) -> Lookup<Result<T, StoreError>> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(name).arg(&fields);
        self.values(command, |values| {
            let values = values.try_into();
            read(values.map_err(|_| unreadable("another number of fields than asked for"))?)
        })
    }

    /// Takes records that are one value each; `None` where there is none.
    pub(super) fn all_of<T: Send + 'static>(
        &self,
        names: &[String],
        read: impl FnOnce(Vec<Option<Vec<u8>>>) -> Result<T, Failure> + Send + 'static,
    ) -> Lookup<Result<T, StoreError>> {
        let mut command = ::redis::cmd("MGET");
        command.arg(names);
        self.values(command, read)
    }

    /// Asks on the path of a request.
    fn values<T: Send + 'static>(
        &self,
        command: Cmd,
        read: impl FnOnce(Vec<Option<Vec<u8>>>) -> Result<T, Failure> + Send + 'static,
    ) -> Lookup<Result<T, StoreError>> {
        let inner = Arc::clone(&self.inner);
        Lookup::pending(async move {
            let ask = async || {
                let limit = Wait::Request.limit(&inner);
                let answer = inner.server.command(command, limit).await?;
                let values = ::redis::from_redis_value(answer);
                read(values.map_err(|error| unreadable(&error.to_string()))?)
            };
            asked(&inner, ask).await
        })
    }

    /// How long something is kept that need not be any more at `until`, by the clock of the application.
    pub(super) fn rest_until(&self, until: SystemTime) -> Vec<u8> {
        rest(self.inner.settings.clock.now(), until)
    }
}

impl Wait {
    const fn limit(self, inner: &Inner) -> Duration {
        match self {
            Self::Handler => PATIENCE,
            Self::Request => inner.settings.timeout,
        }
    }
}

/// Asks the server, unless it is known not to answer.
async fn asked<T>(
    inner: &Inner,
    ask: impl AsyncFnOnce() -> Result<T, Failure>,
) -> Result<T, StoreError> {
    if Handle::try_current().is_err() {
        return Err(unavailable("no Tokio runtime to wait for the server on"));
    }
    if !inner.breaker.admits(inner.settings.clock.monotonic()) {
        return Err(unavailable(
            "not asked: the server has failed five times in a row",
        ));
    }
    let answer = ask().await;
    inner.note(&answer);
    answer.map_err(|failure| failure.error)
}

/// A record that cannot be read says nothing about the server.
pub(super) const fn corrupt(error: StoreError) -> Failure {
    Failure {
        error,
        is_outage: false,
    }
}

/// What the script answers to a change: how much of it there was.
pub(super) fn count(answer: Value) -> Result<u64, Failure> {
    ::redis::from_redis_value(answer).map_err(|error| unreadable(&error.to_string()))
}

pub(super) fn is_done(answer: Value) -> Result<bool, Failure> {
    count(answer).map(|done| done > 0)
}

/// The rows of a list: what a record is called, and `N` of its fields.
fn rows<const N: usize>(answer: Value) -> Result<Vec<(Vec<u8>, [Vec<u8>; N])>, Failure> {
    let values: Vec<Vec<u8>> =
        ::redis::from_redis_value(answer).map_err(|error| unreadable(&error.to_string()))?;
    let mut values = values.into_iter();
    let mut rows = Vec::new();
    while let Some(member) = values.next() {
        let fields: Vec<_> = values.by_ref().take(N).collect();
        let fields = fields.try_into();
        let fields = fields.map_err(|_| unreadable("a list that ends in the middle of a row"))?;
        rows.push((member, fields));
    }
    Ok(rows)
}

pub(super) fn decimal(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

pub(super) fn parse_decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// How long a record lives. Counted by the server from now on, so that its clock and the application's need not agree.
pub(super) fn rest(from: SystemTime, to: SystemTime) -> Vec<u8> {
    let rest = to.duration_since(from).unwrap_or_default().as_millis();
    decimal(u64::try_from(rest).unwrap_or(LONGEST).clamp(1, LONGEST))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS.get(usize::from(half)).copied().unwrap_or(b'0'));
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

pub(super) fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let half = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| Some(half(high)? << 4 | half(low)?))
        .collect();
    bytes?.try_into().ok()
}

/// What a subject is called in the names of keys: any text, of any length.
pub(super) fn digest(subject: &str) -> String {
    hex(&Sha256::digest(subject.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_back() {
        assert_eq!(hex(&[0x00, 0x9a, 0xff]), "009aff");
        assert_eq!(from_hex(b"009aff"), Some([0x00, 0x9a, 0xff]));
        for wrong in ["009af", "009aff0", "009aff00", "009AFF", "009ag0", ""] {
            assert_eq!(from_hex::<3>(wrong.as_bytes()), None, "{wrong}");
        }
        // `printf alice | sha256sum`.
        assert_eq!(
            digest("alice"),
            "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"
        );
    }

    #[test]
    fn a_list_is_read_in_rows() {
        let list = |length: usize| Value::Array(vec![Value::BulkString(b"x".to_vec()); length]);
        assert_eq!(rows::<1>(list(4)).unwrap().len(), 2);
        assert!(rows::<1>(list(0)).unwrap().is_empty());
        assert!(rows::<1>(list(3)).is_err());
        assert!(rows::<1>(Value::Okay).is_err());
    }

    #[test]
    fn a_record_lives_a_millisecond_at_least() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        assert_eq!(rest(at(5), at(1_805)), b"1800");
        assert_eq!(rest(at(5), at(5)), b"1");
        assert_eq!(rest(at(5), at(4)), b"1");
        assert_eq!(rest(at(0), at(1 << 60)), b"70368744177664");
    }
}
