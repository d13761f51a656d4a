//! Secrets of one-time codes under a key of the server.

use std::sync::Arc;

use super::config::TotpServiceBuilder;
use super::secret::{Key, SEALED, TotpSecret};
use super::totp::Seal;
use crate::core::EventContext;
use crate::vault::{Protector, VaultError};

impl TotpServiceBuilder {
    /// Seals secrets before the store gets them (default: not sealed). Each is bound to its user and its enrolment: in the row of another
    /// user it does not open. Events of what does not open are those of the [`vault`](mod@crate::vault) and, for who logs in, a store that fails.
    ///
    /// A secret that is not sealed is refused from then on, for who can write to the table could put one of his own there: bring those that
    /// are there over with [`TotpSecret::reseal`], and accept both [meanwhile](Self::dangerous_accept_unsealed).
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::mfa::{MemoryMfaStore, TotpService};
    /// use tower_security::vault::KeyRing;
    ///
    /// let ring = KeyRing::builder().active(1, KeyRing::generate_key()?).build()?;
    /// let totp = TotpService::builder(MemoryMfaStore::new(), "Shop")
    ///     .seal(ring.purpose(&["users", "totp"])?)
    ///     .build()?;
    /// assert!(totp.is_sealing());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seal(mut self, protector: Protector) -> Self {
        self.at_rest.seal = Some(Arc::new(protector));
        self
    }

    /// Accepts secrets that are not sealed (default: refused where [`seal`](Self::seal) is set), until all of a table are. Whoever can write
    /// to the table, and has not the key, can meanwhile put a secret of his own into the row of any user.
    pub const fn dangerous_accept_unsealed(mut self) -> Self {
        self.at_rest.accepts_unsealed = true;
        self
    }
}

impl TotpSecret {
    /// Seals a secret for this user, or seals it anew where it is of an older key; `None` if it need not be. For a job that goes through a
    /// table when secrets begin to be sealed and after a rotation: write [`to_bytes`](Self::to_bytes) of it with
    /// `UPDATE .. SET secret = $new WHERE user_id = $user AND secret = $old`.
    ///
    /// # Errors
    ///
    /// [`VaultError::Rejected`]: it was sealed for another user, for another enrolment or with another key.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::Secret;
    /// use tower_security::mfa::{EnrolmentId, TotpAlgorithm, TotpSecret};
    /// use tower_security::vault::KeyRing;
    ///
    /// let ring = KeyRing::builder().active(1, KeyRing::generate_key()?).build()?;
    /// let protector = ring.purpose(&["users", "totp"])?;
    /// let key = Secret::from(b"12345678901234567890");
    /// let plain = TotpSecret::new(EnrolmentId::from_bytes([7; 16]), &key, TotpAlgorithm::Sha1, 6)?;
    ///
    /// let sealed = plain.reseal(&protector, "alice")?.ok_or("it was not sealed")?;
    /// assert_eq!(sealed.key(), None);
    /// assert!(sealed.reseal(&protector, "alice")?.is_none());
    /// assert_eq!(sealed.unseal(&protector, "alice")?.key(), Some(key));
    /// assert!(sealed.unseal(&protector, "bob").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reseal(&self, protector: &Protector, user: &str) -> Result<Option<Self>, VaultError> {
        let context = [user.as_bytes(), &self.head(SEALED)];
        let sealed = match self.form() {
            Key::Sealed(sealed) => protector.reprotect(sealed, &context)?,
            Key::Plain(totp) => Some(protector.protect(totp.secret().as_bytes(), &context)?),
        };
        Ok(sealed.map(|sealed| self.with_sealed(sealed)))
    }

    /// Returns the secret as it was before it was sealed, for moving it to another system.
    ///
    /// # Errors
    ///
    /// As [`reseal`](Self::reseal).
    pub fn unseal(&self, protector: &Protector, user: &str) -> Result<Self, VaultError> {
        let Key::Sealed(sealed) = self.form() else {
            return Ok(self.clone());
        };
        let context = [user.as_bytes(), &self.head(SEALED)];
        let key = protector.unprotect(sealed, &context)?;
        self.with_plain(&key).ok_or(VaultError::Rejected)
    }
}

impl Seal for Protector {
    fn seal(&self, request: &EventContext, user: &str, secret: &TotpSecret) -> Option<TotpSecret> {
        secret.reseal(&self.acting_for(request), user).ok()?
    }

    fn open(&self, request: &EventContext, user: &str, secret: &TotpSecret) -> Option<TotpSecret> {
        secret.unseal(&self.acting_for(request), user).ok()
    }
}
