//! `TotpService`: one-time codes of an app.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::Extensions;

use super::attempts::{Desk, Gate};
use super::config::TotpServiceBuilder;
use super::error::MfaError;
use super::secret::{Code, Found, TotpAlgorithm, TotpSecret, step};
use super::store::TotpStore;
use crate::core::{
    EventContext, Level, Principal, PrincipalBuilder, Secret, StoreError, StoreErrorKind,
};

/// What fits into a picture that cameras still read.
const MOST_ACCOUNT: usize = 256;

/// How far the clock of an app may be off from that of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TotpWindow {
    /// Not at all: the code of the current 30 seconds counts alone, and one that is typed as it changes is refused.
    Current,
    /// One step (default): the code before and the one after count too, as RFC 6238 section 5.2 has it at most. A code is good for 90
    /// seconds, or until it is used.
    #[default]
    OneStep,
}

impl TotpWindow {
    const fn steps(self) -> u64 {
        match self {
            Self::Current => 0,
            Self::OneStep => 1,
        }
    }
}

/// Makes secrets useless to who reads the store. Implemented where there is a vault.
pub(super) trait Seal: Send + Sync + 'static {
    /// `None`: there is no randomness.
    fn seal(&self, request: &EventContext, user: &str, secret: &TotpSecret) -> Option<TotpSecret>;

    /// `None`: it was sealed for another user or enrolment, with a key that is not known, or was changed.
    fn open(&self, request: &EventContext, user: &str, secret: &TotpSecret) -> Option<TotpSecret>;
}

/// What a store gets and gives: secrets as they are, or sealed ones.
#[derive(Default)]
pub(super) struct AtRest {
    pub(super) seal: Option<Arc<dyn Seal>>,
    pub(super) accepts_unsealed: bool,
}

impl AtRest {
    fn opened(
        &self,
        request: &EventContext,
        user: &str,
        secret: &TotpSecret,
    ) -> Result<TotpSecret, StoreError> {
        let corrupt = |text: &str| Err(StoreError::new(StoreErrorKind::Corrupt, text));
        match (&self.seal, secret.is_sealed()) {
            (Some(seal), true) => match seal.open(request, user, secret) {
                Some(opened) => Ok(opened),
                None => corrupt("the sealed secret does not open"),
            },
            (None, true) => corrupt("the secret is sealed, and the service has no key"),
            // Who can write to the table, and has not the key, could put a secret of his own there.
            (Some(_), false) if !self.accepts_unsealed => corrupt("the secret is not sealed"),
            (Some(_) | None, false) => Ok(secret.clone()),
        }
    }
}

/// How codes are made and looked at.
pub(super) struct Codes {
    pub(super) algorithm: TotpAlgorithm,
    pub(super) digits: u8,
    pub(super) window: TotpWindow,
}

/// One-time codes of an authenticator app. Cloning shares it. See [`mod@crate::mfa`].
#[derive(Clone)]
pub struct TotpService {
    inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

struct Inner {
    store: Arc<dyn TotpStore>,
    gate: Gate,
    issuer: Box<str>,
    codes: Codes,
    at_rest: AtRest,
    /// Looked at where a user has none.
    dummy: Option<TotpSecret>,
}

/// What is shown to a user once, so that his app learns the secret.
#[derive(Clone, Debug)]
pub struct Enrolment {
    secret: TotpSecret,
    uri: Secret<String>,
}

impl Enrolment {
    /// Returns what an app reads from a picture (QR code): `otpauth://totp/Shop:alice?secret=..`. Make the picture on a page that is not
    /// cached, never by a service of others, and log no part of it.
    #[must_use]
    pub const fn uri(&self) -> &Secret<String> {
        &self.uri
    }

    /// Returns the secret itself, of 20 bytes for SHA-1, 32 for SHA-256 and 64 for SHA-512.
    #[must_use]
    pub fn secret(&self) -> Secret<Vec<u8>> {
        Secret::from(self.secret.plain().unwrap_or_default())
    }

    /// Returns the secret in base32, for people who type it into their app.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        self.secret.text()
    }
}

/// A second factor was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    at: SystemTime,
    amr: &'static [&'static str],
}

impl Verified {
    pub(super) const fn new(at: SystemTime, amr: &'static [&'static str]) -> Self {
        Self { at, amr }
    }

    /// Returns the methods as RFC 8176 names them: `otp` and `mfa` for a one-time code, `mfa` alone for a recovery code.
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.amr
    }

    /// Returns when it was.
    #[must_use]
    pub const fn at(&self) -> SystemTime {
        self.at
    }

    /// Begins `who` with these methods besides those of before, and with the time of now as the time of its authentication: what
    /// [`SessionAuth::renew`](crate::auth::session::SessionAuth::renew) and [`RequireLayer::mfa`](crate::RequireLayer::mfa) want. An `acr` is
    /// yours to add. Whether `who` is the user whose code it was, you know alone.
    ///
    /// # Example
    ///
    /// ```
    /// # use tower_security::core::{ManualClock, Principal, Clock, Secret};
    /// # use tower_security::mfa::{MemoryMfaStore, MfaError, TotpService};
    /// async fn step_up(totp: &TotpService, who: &Principal, code: &str) -> Result<Principal, MfaError> {
    ///     let verified = totp.verify(who.subject(), code).await?;
    ///     Ok(verified.step_up(who).acr("aal2").build())
    /// }
    /// ```
    pub fn step_up(&self, who: &Principal) -> PrincipalBuilder {
        let new = self.amr.iter().copied();
        let new = new.filter(|new| who.amr().all(|old| old != *new));
        let amr: Vec<&str> = who.amr().chain(new).collect();
        who.to_builder().amr(amr).auth_time(self.at)
    }
}

impl TotpService {
    /// Starts from the defaults, with the secrets in `store`. Apps show `issuer` beside the account: the name of your service.
    ///
    /// Permitted: 1 to 64 bytes, such as `Shop`. Refused: an empty one, one with `:` or a control character.
    pub fn builder(store: impl TotpStore, issuer: impl Into<String>) -> TotpServiceBuilder {
        TotpServiceBuilder::new(store, issuer.into())
    }

    pub(super) fn new(
        store: Arc<dyn TotpStore>,
        gate: Gate,
        issuer: Box<str>,
        codes: Codes,
        at_rest: AtRest,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                gate,
                issuer,
                dummy: TotpSecret::dummy(codes.algorithm, codes.digits),
                codes,
                at_rest,
            }),
            request: EventContext::default(),
        }
    }

    /// Returns the same service for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of its own, if it [was given one](TotpServiceBuilder::events), hears of them instead.
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    fn desk<'a>(&'a self, user: &'a str) -> Desk<'a> {
        Desk {
            gate: &self.inner.gate,
            request: &self.request,
            user,
        }
    }

    /// Draws a secret for a user, to be shown to him once. It counts when a code of it was [confirmed](Self::confirm); the one of before
    /// counts until then, so that nobody is locked out by a page that he closed.
    ///
    /// `user` is your id of him, `account` what his app shows: his e-mail address, say.
    ///
    /// Ask for the password, or for a code of the factor that there is, before you call it: it replaces the factor.
    ///
    /// # Errors
    ///
    /// `user` is empty, `account` is empty, longer than 256 bytes or holds `:` or a control character; the store fails; there is no
    /// randomness.
    ///
    /// # Cancel safety
    ///
    /// Dropped, a secret may wait for a code that nobody can make. The one of before counts.
    pub async fn enrol(&self, user: &str, account: &str) -> Result<Enrolment, MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        if user.is_empty() {
            return Err(MfaError::UserEmpty);
        }
        if !is_label(account, MOST_ACCOUNT) {
            return Err(MfaError::AccountInvalid);
        }
        let secret = TotpSecret::draw(inner.codes.algorithm, inner.codes.digits);
        let secret = secret.ok_or_else(|| desk.fault(MfaError::Randomness))?;
        let sealed = match &inner.at_rest.seal {
            Some(seal) => seal
                .seal(&self.request, user, &secret)
                .ok_or_else(|| desk.fault(MfaError::Randomness))?,
            None => secret.clone(),
        };
        let kept = inner.store.enrol(user, &sealed).wait().await;
        desk.told(kept)?;
        Ok(Enrolment {
            uri: secret.uri(&inner.issuer, account),
            secret,
        })
    }

    /// Makes the secret that waits the one that counts, if `code` is of it. The code is used up by that.
    ///
    /// The attempt is charged as those of [`verify`](Self::verify) are: a secret may wait that the owner has been shown and has not
    /// confirmed, and nobody else is to find a code of it by trying.
    ///
    /// Afterwards end the other sessions of the user, and tell him that his factor was changed ([ASVS] 7.4.3, 6.3.7).
    ///
    /// # Errors
    ///
    /// Too many attempts, the code is wrong, nothing waits to be confirmed, the user is empty, the clock stands before 1970, or the store
    /// fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the attempt stays charged, and the new secret may count or not.
    ///
    /// [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
    pub async fn confirm(&self, user: &str, code: &str) -> Result<Verified, MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        let (now, _) = desk.begin(&*inner.store).await?;
        let step = step(now)?;
        let record = inner.store.load(user).wait().await;
        let record = desk.told(record)?.unwrap_or_default();
        let secret = record.pending().ok_or(MfaError::NotPending)?;
        let opened = inner.at_rest.opened(&self.request, user, secret);
        let secret = desk.told(opened)?;
        let found = Code::parse(code)
            .map(|code| secret.find(&code, step, inner.codes.window.steps(), None));
        let Some(Found::New(used)) = found else {
            return Err(desk.fail(MfaError::Invalid));
        };
        let done = inner.store.confirm(user, &secret.id(), used).wait().await;
        if !desk.told(done)? {
            return Err(MfaError::NotPending);
        }
        desk.forgive(&*inner.store).await;
        desk.changed("totp_enrolled");
        Ok(Verified::new(now, AMR))
    }

    /// Accepts a code of the user's app, once.
    ///
    /// The attempt is charged before anything is looked at. Blanks and hyphens in the code do not count. For a user without a factor the same
    /// is done, with the same answer: [`is_enrolled`](Self::is_enrolled) tells them apart, before.
    ///
    /// # Errors
    ///
    /// [`MfaError::Throttled`]: too many attempts. [`MfaError::Invalid`], [`MfaError::Replayed`]: the code is wrong, or was used. The
    /// user is empty, the clock stands before 1970, the store fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the attempt stays charged, and the code may be used up.
    pub async fn verify(&self, user: &str, code: &str) -> Result<Verified, MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        let (now, earlier) = desk.begin(&*inner.store).await?;
        let step = step(now)?;
        let record = inner.store.load(user).wait().await;
        let record = desk.told(record)?.unwrap_or_default();
        let Some(code) = Code::parse(code) else {
            return Err(desk.fail(MfaError::Invalid));
        };
        let window = inner.codes.window.steps();
        let Some((secret, last_step)) = record.confirmed() else {
            if let Some(dummy) = &inner.dummy {
                std::hint::black_box(dummy.find(&code, step, window, None));
            }
            return Err(desk.fail(MfaError::Invalid));
        };
        let opened = inner.at_rest.opened(&self.request, user, secret);
        let secret = desk.told(opened)?;
        let used = match secret.find(&code, step, window, Some(last_step)) {
            Found::New(used) => used,
            Found::Nothing => return Err(desk.fail(MfaError::Invalid)),
            Found::Used => return Err(desk.fail(MfaError::Replayed)),
        };
        let consumed = inner.store.consume(user, &secret.id(), used).wait().await;
        if !desk.told(consumed)? {
            return Err(desk.fail(MfaError::Replayed));
        }
        let told = ("totp_verified", Level::Info);
        desk.succeed(&*inner.store, earlier, told).await;
        Ok(Verified::new(now, AMR))
    }

    /// Whether the store gets no secret that is of use without a key of the server: for a check at the start of a program. Without it
    /// whoever reads the table makes codes of everybody.
    #[must_use]
    pub fn is_sealing(&self) -> bool {
        self.inner.at_rest.seal.is_some()
    }

    /// Whether `dangerous_accept_unsealed` is in use: for a check at the start of a program.
    #[must_use]
    pub fn accepts_unsealed(&self) -> bool {
        self.inner.at_rest.accepts_unsealed
    }

    /// Returns whether the user has a factor that counts.
    ///
    /// # Errors
    ///
    /// The store fails: do not take that for "no".
    pub async fn is_enrolled(&self, user: &str) -> Result<bool, MfaError> {
        let record = self.inner.store.load(user).wait().await;
        let record = self.desk(user).told(record)?;
        Ok(record.is_some_and(|record| record.confirmed().is_some()))
    }

    /// Removes the factor of a user, and says whether there was one, confirmed or not. Ask for a code of it before, and do what is to be
    /// done after [`confirm`](Self::confirm).
    ///
    /// # Errors
    ///
    /// The store fails.
    pub async fn disable(&self, user: &str) -> Result<bool, MfaError> {
        let inner = &*self.inner;
        let desk = self.desk(user);
        let deleted = inner.store.delete(user).wait().await;
        let deleted = desk.told(deleted)?;
        if deleted {
            desk.changed("totp_disabled");
        }
        Ok(deleted)
    }
}

impl fmt::Debug for TotpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpService")
            .field("issuer", &self.inner.issuer)
            .field("algorithm", &self.inner.codes.algorithm)
            .field("digits", &self.inner.codes.digits)
            .field("window", &self.inner.codes.window)
            .field("attempts", &self.inner.gate.limit)
            .field("is_sealing", &self.is_sealing())
            .finish_non_exhaustive()
    }
}

/// RFC 8176, section 2.
const AMR: &[&str] = &["otp", "mfa"];

/// What apps show as it is, and can tell from what stands beside it.
pub(super) fn is_label(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && !text.contains(|c: char| c == ':' || c.is_control())
}
