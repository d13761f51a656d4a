//! `KeyWrap`: keys that a KMS or an HSM keeps the key of.

use super::error::KeyWrapError;
use crate::core::Secret;

/// Wraps the keys of a ring under a key that does not leave its service, such as a KMS or an HSM (envelope encryption). What is wrapped can
/// lie beside the configuration.
///
/// It is asked when a ring is made, and never for a request: where the service is down, nodes that run go on.
/// [`KeyRing::generate_wrapped_key`](super::KeyRing::generate_wrapped_key) makes a wrapped key.
///
/// # Cancel safety
///
/// Dropped, both have no effect.
///
/// # Example
///
/// ```
/// use tower_security::core::Secret;
/// use tower_security::vault::{KeyRing, KeyWrap, KeyWrapError, Protector, KeyWrapErrorKind};
///
/// /// In the place of a client of a KMS: a key of this process.
/// struct Local(Protector);
///
/// impl KeyWrap for Local {
///     async fn wrap(&self, key: &Secret<[u8; 32]>) -> Result<Vec<u8>, KeyWrapError> {
///         let wrapped = self.0.protect(key.expose(), &["ring of the shop"]);
///         wrapped.map_err(|error| KeyWrapError::new(KeyWrapErrorKind::Unavailable, error.to_string()))
///     }
///
///     async fn unwrap(&self, wrapped: &[u8]) -> Result<Secret<[u8; 32]>, KeyWrapError> {
///         let refused = |text: &str| KeyWrapError::new(KeyWrapErrorKind::Refused, text);
///         let key = self.0.unprotect(wrapped, &["ring of the shop"]).map_err(|_| refused("not ours"))?;
///         let key: [u8; 32] = key.as_slice().try_into().map_err(|_| refused("no key"))?;
///         Ok(Secret::new(key))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kms = Local(KeyRing::builder().active(1, KeyRing::generate_key()?).build()?.purpose(&["kms"])?);
/// // Once.
/// let stored = KeyRing::generate_wrapped_key(&kms).await?;
///
/// // When the service starts.
/// let ring = KeyRing::builder().active(1, kms.unwrap(&stored).await?).build()?;
/// # let _ = ring;
/// # Ok(())
/// # }
/// ```
pub trait KeyWrap: Send + Sync + 'static {
    /// Wraps a key.
    fn wrap(
        &self,
        key: &Secret<[u8; 32]>,
    ) -> impl Future<Output = Result<Vec<u8>, KeyWrapError>> + Send;

    /// Unwraps what [`wrap`](Self::wrap) returned.
    fn unwrap(
        &self,
        wrapped: &[u8],
    ) -> impl Future<Output = Result<Secret<[u8; 32]>, KeyWrapError>> + Send;
}
