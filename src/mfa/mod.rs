//! A second factor.

mod attempts;
mod config;
#[doc(hidden)]
pub mod contract;
mod error;
mod memory;
mod recovery;
mod secret;
mod store;
mod totp;

pub use attempts::{Attempt, AttemptLimit, AttemptLog};
pub use config::{RecoveryBuilder, TotpBuilder};
pub use error::{MfaConfigError, MfaError, RecoveryProblem, TotpProblem};
pub use memory::MemoryMfaStore;
pub use recovery::{CodeDigest, RecoveryCodes, Redeemed};
pub use secret::{EnrolmentId, TotpAlgorithm, TotpRecord, TotpSecret};
pub use store::{AttemptStore, RecoveryStore, TotpStore};
pub use totp::{Enrolment, TotpService, TotpWindow, Verified};
