//! What the contracts of stores are made of. Users see the macros alone, such as
//! [`session_store_contract!`](crate::session_store_contract).
//!
//! A contract is a module `contract` beside the trait: one public async function for each promise, over [`Stores`], and a macro that
//! names them all. The macro expands in the crate of whoever wrote the store, where there is a test harness and a runtime.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Lookup, StoreError};

/// What somebody's id may be, besides a long one.
pub const SUBJECTS: [&str; 9] = [
    "",
    "a",
    "A",
    "a\0b",
    ":",
    "*",
    "{}",
    "a b\r\n",
    "\u{202e}\u{e9}",
];

/// The 1st of January 2100: a store that forgets by a clock of its own what is over keeps what the checks put into it.
const BEGIN: u64 = 4_102_444_800;

/// Returns the date so many seconds after the beginning of a check.
#[must_use]
pub fn at(seconds: u64) -> SystemTime {
    moment(Duration::from_secs(BEGIN.saturating_add(seconds)))
}

/// Returns the last second of the year 9999, and a millisecond: what does not fit in 32 bits, or loses a digit as a number with a
/// fraction.
#[must_use]
pub fn last_date() -> SystemTime {
    moment(Duration::from_millis(253_402_300_799_001))
}

fn moment(since: Duration) -> SystemTime {
    let date = SystemTime::UNIX_EPOCH.checked_add(since);
    date.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Returns [`SUBJECTS`], and one of 4 KiB.
pub fn subjects() -> impl Iterator<Item = String> + Clone {
    let long = "x".repeat(4_096);
    SUBJECTS.into_iter().map(str::to_owned).chain([long])
}

/// A promise that a store does not keep.
#[derive(Debug)]
pub struct Violation(String);

impl Violation {
    /// Says what was expected, and what was seen.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Violation {}

/// Fails unless both are the same.
///
/// # Errors
///
/// What was looked at, what was expected of it and what it was.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a check compares what it has just been given"
)]
pub fn same<T, U>(what: &str, seen: T, expected: U) -> Result<(), Violation>
where
    T: fmt::Debug + PartialEq<U>,
    U: fmt::Debug,
{
    if seen == expected {
        return Ok(());
    }
    Err(Violation(format!(
        "{what}: expected {expected:?}, seen {seen:?}"
    )))
}

/// Returns what a store that is there answers.
///
/// # Errors
///
/// The store's own words, if it fails.
pub async fn told<T>(asked: Lookup<Result<T, StoreError>>) -> Result<T, Violation> {
    let answer = asked.wait().await;
    answer.map_err(|error| Violation(format!("{error}: {}", error.text())))
}

/// Returns what has to be there.
///
/// # Errors
///
/// What was looked for.
pub fn present<T>(what: &str, found: Option<T>) -> Result<T, Violation> {
    found.ok_or_else(|| Violation(format!("{what}: nothing is there")))
}

/// Runs tasks at the same time: the runtime is the user's.
pub trait Tasks {
    /// Returns what they come to, in their order.
    fn run<T: Send + 'static>(
        &self,
        tasks: Vec<impl Future<Output = T> + Send + 'static>,
    ) -> impl Future<Output = Vec<T>>;
}

/// Two handles on the same data, and how to use them at the same time.
#[derive(Debug)]
pub struct Stores<S, T> {
    one: Arc<S>,
    other: Arc<S>,
    tasks: T,
}

impl<S, T: Tasks> Stores<S, T> {
    /// Takes two handles on an empty store.
    pub fn new(one: S, other: S, tasks: T) -> Self {
        Self {
            one: Arc::new(one),
            other: Arc::new(other),
            tasks,
        }
    }

    /// Returns the handle that a check mostly changes with, and the one that it mostly looks with.
    pub fn both(&self) -> (&S, &S) {
        (&self.one, &self.other)
    }

    /// Runs 200 tasks, numbered from 0, each with one of the two handles, and returns what each came to.
    ///
    /// # Errors
    ///
    /// The first failure.
    pub async fn at_once<F, V>(&self, task: impl Fn(u8, Arc<S>) -> F) -> Result<Vec<V>, Violation>
    where
        F: Future<Output = Result<V, Violation>> + Send + 'static,
        V: Send + 'static,
    {
        let store = |number: u8| match number.is_multiple_of(2) {
            true => Arc::clone(&self.one),
            false => Arc::clone(&self.other),
        };
        let tasks = (0..200).map(|number| task(number, store(number)));
        let outcomes = self.tasks.run(tasks.collect()).await;
        outcomes.into_iter().collect()
    }
}

/// One test for each check of a contract: `[attributes] (make) [path of the checks] names`.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_contract {
    ($attributes:tt $make:tt $checks:tt $($check:ident)*) => {
        $($crate::__store_check! { $attributes $make $checks $check })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_check {
    ([$($attribute:meta)*] ($make:expr) [$($checks:tt)*] $check:ident) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$attribute])*
        async fn $check() {
            struct Tokio;
            impl $crate::core::contract::Tasks for Tokio {
                async fn run<T: ::std::marker::Send + 'static>(
                    &self,
                    tasks: ::std::vec::Vec<
                        impl ::std::future::Future<Output = T> + ::std::marker::Send + 'static,
                    >,
                ) -> ::std::vec::Vec<T> {
                    let begun = tasks.into_iter().map(::tokio::spawn);
                    let begun: ::std::vec::Vec<_> = begun.collect();
                    let mut outcomes = ::std::vec::Vec::new();
                    for task in begun {
                        outcomes.push(task.await.expect("a task of the contract ends"));
                    }
                    outcomes
                }
            }
            // What is behind the two handles lives until the end of the test.
            let made = ($make)().await;
            let stores = $crate::core::contract::Stores::new(made.0, made.1, Tokio);
            if let ::std::result::Result::Err(violation) = $($checks)*::$check(&stores).await {
                ::std::panic!("{violation}");
            }
        }
    };
}
