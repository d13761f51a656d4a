//! A second factor: one-time codes of an app ([RFC 6238]), and recovery codes for whoever has lost it. Against guessed, stuffed and reused
//! passwords ([CWE-308], [ASVS] 6.3.3), codes that are tried out ([CWE-307]) and codes that are used twice ([CWE-294]).
//!
//! Both are services for handlers and no layers: the password was right, now [`TotpService::verify`] or [`RecoveryCodes::redeem`] looks at
//! the code, and [`Verified::step_up`] makes of the principal one that [`RequireLayer::mfa`](crate::RequireLayer::mfa) lets in.
//!
//! # Decision
//!
//! The first line that decides wins:
//!
//! 1. The attempt is charged to the user, before anything is looked at. Too many in the last minutes: **throttled**, nothing is charged, and
//!    the code is not looked at, right or not. Codes of both kinds count together where one store keeps them, and with them those that
//!    [confirm](TotpService::confirm) an app.
//! 2. The code is read. Blanks and hyphens do not count; in a recovery code neither does the case, O is 0, I and L are 1. What is no code
//!    then is **invalid**.
//! 3. One-time codes: the user has no app, or has never shown a code of it. The same is done with a secret of nobody: **invalid**.
//! 4. The code is compared with those of the steps before, now and after, with all of them whichever it is. None: **invalid**. Those of a
//!    step that is not after the last one used alone: **replayed**, which clients cannot tell from invalid.
//! 5. The store sets the last step, if it is still below: of two that bring the same code at the same time, to whichever instance, one is
//!    **replayed**.
//! 6. Recovery codes: the digest under each pepper is looked for among those of the user, and is removed: of two, one gets it. None:
//!    **invalid**.
//! 7. **Verified**. The attempts of the user are forgotten.
//!
//! The code that confirms an enrolment is charged and read in the same way: lines 1 and 2.
//!
//! A store that fails is a 503 in each line, and never "no factor".
#![doc = include_str!("guide.md")]
//!
//! # Example
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use tower_security::core::{ManualClock, Principal, Secret};
//! use tower_security::mfa::{
//!     EnrolmentId, MemoryMfaStore, MfaError, TotpAlgorithm, TotpSecret, TotpService, TotpStore,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryMfaStore::new();
//! // In a service: `totp.enrol(user, account)`, the picture of `Enrolment::uri` on a page, and `totp.confirm(user, code)`. Here the secret
//! // of RFC 4226, which shows 254676 in its fifth step and 287922 in the sixth.
//! let id = EnrolmentId::from_bytes([7; 16]);
//! let secret = TotpSecret::new(id, &Secret::from(b"12345678901234567890"), TotpAlgorithm::Sha1, 6)?;
//! store.enrol("alice", &secret).wait().await?;
//! let clock = ManualClock::new();
//! clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(5 * 30));
//! let totp = TotpService::builder(store, "Shop").clock(clock).build()?;
//! totp.confirm("alice", "254 676").await?;
//!
//! let alice = Principal::builder("alice").amr(["pwd"]).build();
//! let verified = totp.verify("alice", "287922").await?;
//! let stronger = verified.step_up(&alice).acr("aal2").build();
//! assert_eq!(stronger.amr().collect::<Vec<_>>(), ["pwd", "otp", "mfa"]);
//!
//! // Once.
//! let again = totp.verify("alice", "287922").await;
//! assert!(matches!(again, Err(MfaError::Replayed)));
//! assert_eq!(again.unwrap_err().rejection().code(), "login_failed");
//! # Ok(())
//! # }
//! ```
//!
//! Recovery codes, and a configuration that weakens them, which does not build:
//!
//! ```
//! use tower_security::core::{PepperRing, Secret};
//! use tower_security::mfa::{MemoryMfaStore, RecoveryCodes};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = Secret::from(b"32 random bytes, read from a file");
//! let peppers = PepperRing::builder("2026", key).build()?;
//! let recovery = RecoveryCodes::builder(MemoryMfaStore::new(), peppers.clone()).count(8).build()?;
//!
//! let shown_once = recovery.generate("alice").await?;
//! let typed = shown_once[0].expose().to_lowercase();
//! assert_eq!(recovery.redeem("alice", &typed).await?.remaining(), 7);
//! assert!(recovery.redeem("alice", &typed).await.is_err());
//!
//! let errors = RecoveryCodes::builder(MemoryMfaStore::new(), peppers).bits(40).count(100).build().unwrap_err();
//! let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
//! assert_eq!(codes, ["recovery_refused", "recovery_refused"]);
//! # Ok(())
//! # }
//! ```
//!
//! [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
//! [CWE-294]: https://cwe.mitre.org/data/definitions/294.html
//! [CWE-307]: https://cwe.mitre.org/data/definitions/307.html
//! [CWE-308]: https://cwe.mitre.org/data/definitions/308.html
//! [RFC 6238]: https://www.rfc-editor.org/rfc/rfc6238
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

mod attempts;
mod config;
#[doc(hidden)]
pub mod contract;
mod error;
mod memory;
mod recovery;
#[cfg(feature = "vault")]
mod sealing;
mod secret;
mod store;
mod totp;

pub use attempts::{Attempt, AttemptLimit, AttemptLog};
pub use config::{RecoveryCodesBuilder, TotpServiceBuilder};
pub use error::{MfaConfigError, MfaError, RecoveryProblem, TotpProblem};
pub use memory::MemoryMfaStore;
pub use recovery::{CodeDigest, RecoveryCodes, Redeemed};
pub use secret::{EnrolmentId, TotpAlgorithm, TotpRecord, TotpSecret};
pub use store::{AttemptStore, RecoveryStore, TotpStore};
pub use totp::{Enrolment, TotpService, TotpWindow, Verified};
