//! `PasswordHasher`: hashes passwords, and says whether one belongs to a stored hash.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::Extensions;

use super::config::PasswordHasherBuilder;
use super::cost::{Argon2Cost, Ceiling};
use super::error::{HashError, PasswordFault, VerifyError};
use super::pool::{Bounds, Load, Place, Pool, Refused};
use super::report::Reports;
use super::stored::{Argon2Hash, Defect, SALT, Stored};
use super::wait;
use crate::core::{Clock, EventContext, Events, PepperRing, Secret, SystemClock, random};

/// Hashes passwords with Argon2id and verifies them, with a bound on the memory and the processors that this takes.
///
/// See the [module](super) for what it decides and why. Clones share their memory and their queue: make one and clone it.
#[derive(Clone)]
pub struct PasswordHasher {
    inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

/// A password is right.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// A new hash, where the stored one was not made as new ones are: of another algorithm or cost, without the pepper or with an old one.
    ///
    /// Write it in place of the stored one, and only if that still stands there (`UPDATE .. SET hash = $new WHERE id = $id AND hash = $old`):
    /// the password may have been changed meanwhile. If that fails, drop it; the next login makes another.
    pub rehash: Option<String>,
}

/// Shows whether there is a hash, not the hash.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rehash = self.rehash.as_ref().map(|_| "[redacted]");
        f.debug_struct("Verified").field("rehash", &rehash).finish()
    }
}

pub(super) struct Settings {
    pub(super) cost: Argon2Cost,
    pub(super) is_test_cost: bool,
    pub(super) pepper: Option<PepperRing>,
    pub(super) max_len: usize,
    pub(super) bcrypt: RangeInclusive<u32>,
    pub(super) ceiling: Ceiling,
    pub(super) floor: Option<Duration>,
    pub(super) events: Events,
}

struct Inner {
    settings: Settings,
    /// How new hashes are made. Of no user: its salt is drawn, its tag is of no password.
    dummy: Argon2Hash,
    pool: Arc<Pool>,
    reports: Reports,
}

impl PasswordHasher {
    /// Starts with the defaults of the [module](super).
    pub fn builder() -> PasswordHasherBuilder {
        PasswordHasherBuilder::new()
    }

    pub(super) fn new(settings: Settings, bounds: Bounds) -> Self {
        let pepper = settings.pepper.as_ref();
        let key_id = pepper.map_or(&[][..], |ring| ring.current().id());
        // Without randomness a hash cannot be made either; what stands here then is told by its time all the same.
        let salt = random::bytes::<SALT>().unwrap_or_default();
        let dummy = Argon2Hash::new(settings.cost, key_id, salt);
        let blocks = dummy.blocks();
        let pool = Pool::new(Bounds { blocks, ..bounds }, settings.events.clone());
        Self {
            inner: Arc::new(Inner {
                dummy,
                pool: Arc::new(pool),
                reports: Reports::new(settings.events.clone()),
                settings,
            }),
            request: EventContext::default(),
        }
    }

    /// Returns the same hasher for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of its own, if it [was given one](PasswordHasherBuilder::events), hears of them instead.
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    /// Returns the cost of new hashes.
    #[must_use]
    pub fn cost(&self) -> Argon2Cost {
        self.inner.settings.cost
    }

    /// Returns how many hashes are computed at once.
    #[must_use]
    pub fn concurrency(&self) -> u32 {
        self.inner.pool.bounds().concurrency
    }

    /// Whether [`dangerous_test_cost`](PasswordHasherBuilder::dangerous_test_cost) is in use: for a check at the start of a program.
    #[must_use]
    pub fn has_test_cost(&self) -> bool {
        self.inner.settings.is_test_cost
    }

    /// Hashes a password: a PHC string of at most 128 characters, to be stored as it is.
    ///
    /// # Errors
    ///
    /// [`HashError`]: too much load, an empty or too long password, a fault.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the outcome. A hash that has begun is computed to its end, and counts as running until then.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::Secret;
    /// use tower_security::password::PasswordHasher;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hasher = PasswordHasher::builder().build()?;
    /// let stored = hasher.hash(&Secret::from("correct horse battery staple")).await?;
    /// assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn hash(&self, password: &Secret<String>) -> Result<String, HashError> {
        let (load, work) = self.hashing(password)?;
        let outcome = self.inner.pool.run(load, work).await;
        self.hashed(outcome)
    }

    /// As [`hash`](Self::hash), on this thread, which must not be one of a runtime's workers. It waits in the same queue.
    ///
    /// # Errors
    ///
    /// As [`hash`](Self::hash).
    pub fn hash_blocking(&self, password: &Secret<String>) -> Result<String, HashError> {
        let (load, work) = self.hashing(password)?;
        let outcome = self.inner.pool.run_blocking(load, work);
        self.hashed(outcome)
    }

    /// Says whether a password belongs to a stored hash. `None` is for a user who is not there: that takes as long as a wrong password, and
    /// is answered alike.
    ///
    /// Passing `None` is the caller's part: a handler that returns when it finds no user tells everybody who has an account.
    ///
    /// # Errors
    ///
    /// [`VerifyError`], whose [`rejection`](VerifyError::rejection) is the answer to the client.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the outcome. A hash that has begun is computed to its end, and counts as running until then: a client that
    /// disconnects makes room for nobody.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::Secret;
    /// use tower_security::password::{PasswordHasher, VerifyError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hasher = PasswordHasher::builder().build()?;
    /// let password = Secret::from("correct horse battery staple");
    /// let stored = hasher.hash(&password).await?;
    ///
    /// let verified = hasher.verify(&password, Some(&stored)).await?;
    /// assert_eq!(verified.rehash, None);
    ///
    /// let unknown = hasher.verify(&password, None).await;
    /// let wrong = hasher.verify(&Secret::from("Tr0ub4dor&3"), Some(&stored)).await;
    /// assert_eq!(unknown, Err(VerifyError::Invalid));
    /// assert_eq!(unknown, wrong);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(
        &self,
        password: &Secret<String>,
        stored: Option<&str>,
    ) -> Result<Verified, VerifyError> {
        let Inner { settings, .. } = &*self.inner;
        let floor = match settings.floor.map(wait::runtime).transpose() {
            Ok(floor) => floor,
            Err(fault) => return Err(self.failed(Refused::Fault(fault))),
        };
        let answer = match self.verification(password, stored) {
            Ok((load, forced, work)) => {
                let outcome = self.inner.pool.run(load, work).await;
                self.verified(forced, outcome)
            }
            Err(error) => Err(error),
        };
        if let Some((_, moment)) = floor
            && is_of_a_login(&answer)
        {
            wait::sleep_until(moment).await;
        }
        answer
    }

    /// As [`verify`](Self::verify), on this thread, which must not be one of a runtime's workers. It waits in the same queue.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub fn verify_blocking(
        &self,
        password: &Secret<String>,
        stored: Option<&str>,
    ) -> Result<Verified, VerifyError> {
        let begun = SystemClock.monotonic();
        let answer = self
            .verification(password, stored)
            .and_then(|(load, forced, work)| {
                let outcome = self.inner.pool.run_blocking(load, work);
                self.verified(forced, outcome)
            });
        if let Some(floor) = self.inner.settings.floor
            && is_of_a_login(&answer)
        {
            wait::sleep_until_blocking(begun.saturating_add(floor));
        }
        answer
    }
}

/// Whether an answer says something of who has an account.
const fn is_of_a_login(answer: &Result<Verified, VerifyError>) -> bool {
    match answer {
        Ok(_)
        | Err(VerifyError::CostAboveCeiling | VerifyError::Invalid | VerifyError::MalformedHash) => {
            true
        }
        Err(VerifyError::Busy { .. } | VerifyError::Internal(_) | VerifyError::TooLong) => false,
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { cost, pepper, .. } = &self.inner.settings;
        f.debug_struct("PasswordHasher")
            .field("cost", cost)
            .field("pepper", pepper)
            .field("pool", &self.inner.pool)
            .finish_non_exhaustive()
    }
}

/// What the answer is, whatever is computed.
#[derive(Clone, Copy)]
enum Forced {
    Invalid,
    Malformed,
}

type HashOutcome = Result<String, PasswordFault>;
type VerifyOutcome = Result<Option<Verified>, PasswordFault>;

impl PasswordHasher {
    /// What hashing a password takes, and how it is done.
    fn hashing(
        &self,
        password: &Secret<String>,
    ) -> Result<(Load, impl FnOnce(&mut Place) -> HashOutcome + Send + use<>), HashError> {
        let length = password.expose().len();
        if length > self.inner.settings.max_len {
            self.inner.reports.too_long(&self.request, length);
            return Err(HashError::TooLong);
        }
        if length == 0 {
            return Err(HashError::Empty);
        }
        let (inner, password) = (Arc::clone(&self.inner), password.clone());
        let work = move |place: &mut Place| inner.fresh(&password, place);
        Ok((self.inner.load_of_today(), work))
    }

    /// What verifying a password takes, and how it is done.
    fn verification(
        &self,
        password: &Secret<String>,
        stored: Option<&str>,
    ) -> Result<
        (
            Load,
            Option<Forced>,
            impl FnOnce(&mut Place) -> VerifyOutcome + Send + use<>,
        ),
        VerifyError,
    > {
        let length = password.expose().len();
        if length > self.inner.settings.max_len {
            self.inner.reports.too_long(&self.request, length);
            return Err(VerifyError::TooLong);
        }
        let read = stored.map(|text| self.inner.read(text)).transpose();
        let (target, forced) = match read {
            Ok(Some(target)) if length > 0 => (target, None),
            // An empty password that some system has hashed lets nobody in.
            Ok(Some(target)) => (target, Some(Forced::Invalid)),
            Ok(None) => (Stored::Argon2(self.inner.dummy), Some(Forced::Invalid)),
            Err(defect) => {
                self.inner.reports.defect(&self.request, defect);
                if defect.is_excess() {
                    return Err(VerifyError::CostAboveCeiling);
                }
                (Stored::Argon2(self.inner.dummy), Some(Forced::Malformed))
            }
        };
        let load = Load::new(target.blocks(), target.passes());
        let (inner, password) = (Arc::clone(&self.inner), password.clone());
        let request = self.request.clone();
        let work = move |place: &mut Place| {
            let is_match = inner.compare(&password, &target, load, place)?;
            if !is_match || forced.is_some() {
                return Ok(None);
            }
            let rehash = if inner.is_of_today(&target) {
                None
            } else {
                let fresh = inner.fresh(&password, place);
                // The password is right all the same; the next login tries again.
                fresh
                    .map_err(|fault| inner.reports.fault(&request, fault))
                    .ok()
            };
            Ok(Some(Verified { rehash }))
        };
        Ok((load, forced, work))
    }

    fn hashed(&self, outcome: Result<HashOutcome, Refused>) -> Result<String, HashError> {
        let hash = outcome.and_then(|hash| hash.map_err(Refused::Fault));
        hash.map_err(|refused| {
            self.inner.reports.refused(&self.request, refused);
            match refused {
                Refused::Busy { retry_after } => HashError::Busy { retry_after },
                Refused::Fault(fault) => HashError::Internal(fault),
            }
        })
    }

    fn verified(
        &self,
        forced: Option<Forced>,
        outcome: Result<VerifyOutcome, Refused>,
    ) -> Result<Verified, VerifyError> {
        let verified = outcome.and_then(|verified| verified.map_err(Refused::Fault));
        match (verified, forced) {
            (Err(refused), _) => Err(self.failed(refused)),
            (Ok(Some(verified)), None) => Ok(verified),
            (Ok(_), Some(Forced::Malformed)) => Err(VerifyError::MalformedHash),
            (Ok(_), Some(Forced::Invalid)) | (Ok(None), None) => Err(VerifyError::Invalid),
        }
    }

    fn failed(&self, refused: Refused) -> VerifyError {
        self.inner.reports.refused(&self.request, refused);
        match refused {
            Refused::Busy { retry_after } => VerifyError::Busy { retry_after },
            Refused::Fault(fault) => VerifyError::Internal(fault),
        }
    }
}

impl Inner {
    /// A stored hash that may be computed.
    fn read(&self, text: &str) -> Result<Stored, Defect> {
        let stored = Stored::parse(text)?;
        stored.judge(self.settings.ceiling, &self.settings.bcrypt)?;
        match &stored {
            Stored::Argon2(hash) if self.pepper(hash).is_err() => Err(Defect::PepperUnknown),
            Stored::Argon2(_) | Stored::Bcrypt(_) => Ok(stored),
        }
    }

    /// The pepper that a hash was made with.
    fn pepper(&self, hash: &Argon2Hash) -> Result<Option<&[u8]>, PasswordFault> {
        let id = hash.key_id.as_slice();
        if id.is_empty() {
            return Ok(None);
        }
        let ring = self.settings.pepper.as_ref();
        let pepper = ring.and_then(|ring| ring.find(id));
        pepper
            .map(|pepper| Some(pepper.key()))
            .ok_or(PasswordFault::Hash)
    }

    fn compare(
        &self,
        password: &Secret<String>,
        target: &Stored,
        load: Load,
        place: &mut Place,
    ) -> Result<bool, PasswordFault> {
        let password = password.expose().as_bytes();
        match target {
            Stored::Argon2(hash) => {
                let pepper = self.pepper(hash)?;
                hash.matches(password, pepper, place.memory(load)?)
            }
            Stored::Bcrypt(hash) => {
                place.count(load);
                hash.matches(password)
            }
        }
    }

    /// A new hash of a password.
    fn fresh(&self, password: &Secret<String>, place: &mut Place) -> HashOutcome {
        let salt = random::bytes::<SALT>().ok_or(PasswordFault::Randomness)?;
        let hash = Argon2Hash::new(self.settings.cost, self.dummy.key_id.as_slice(), salt);
        let pepper = self.pepper(&hash)?;
        let memory = place.memory(self.load_of_today())?;
        let hash = hash.fill(password.expose().as_bytes(), pepper, memory)?;
        Ok(hash.to_string())
    }

    fn load_of_today(&self) -> Load {
        Load::new(self.pool.bounds().blocks, self.settings.cost.passes())
    }

    fn is_of_today(&self, target: &Stored) -> bool {
        match target {
            Stored::Argon2(hash) => hash.is_like(&self.dummy),
            Stored::Bcrypt(_) => false,
        }
    }
}
