//! Keys that another service wraps.

use std::sync::atomic::{AtomicUsize, Ordering};

use tower_security::core::Secret;
use tower_security::vault::{KeyRing, KeyWrap, KeyWrapError, KeyWrapErrorKind};

use super::key;

/// What a service does with keys.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Sound,
    Down,
    /// It gives another key back.
    Mixed,
}

struct Service(Kind, AtomicUsize);

impl Service {
    fn new(kind: Kind) -> Self {
        Self(kind, AtomicUsize::new(0))
    }
}

impl KeyWrap for Service {
    async fn wrap(&self, key: &Secret<[u8; 32]>) -> Result<Vec<u8>, KeyWrapError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match self.0 {
            Kind::Down => Err(KeyWrapError::new(KeyWrapErrorKind::Unavailable, "timeout")),
            Kind::Sound | Kind::Mixed => Ok(key.expose().iter().map(|byte| !byte).collect()),
        }
    }

    async fn unwrap(&self, wrapped: &[u8]) -> Result<Secret<[u8; 32]>, KeyWrapError> {
        let refused = |_| KeyWrapError::new(KeyWrapErrorKind::Refused, "not of this key");
        let wrapped: [u8; 32] = wrapped.try_into().map_err(refused)?;
        match self.0 {
            Kind::Mixed => Ok(key(1)),
            Kind::Sound | Kind::Down => Ok(Secret::new(wrapped.map(|byte| !byte))),
        }
    }
}

#[tokio::test]
async fn a_wrapped_key_makes_a_ring() {
    let service = Service::new(Kind::Sound);
    let stored = KeyRing::generate_wrapped_key(&service).await.unwrap();
    assert_eq!(service.1.load(Ordering::Relaxed), 1);
    let key = service.unwrap(&stored).await.unwrap();
    let ring = KeyRing::builder().active(1, key).build().unwrap();
    let ssn = ring.purpose(&["users", "ssn"]).unwrap();
    let sealed = ssn.protect(b"x", &["7"]).unwrap();
    assert_eq!(sealed.len(), 46);
    let other = KeyRing::generate_wrapped_key(&service).await.unwrap();
    assert_ne!(stored, other);
}

#[tokio::test]
async fn a_key_that_cannot_be_had_back_is_not_given_out() {
    let outcome = async |kind| KeyRing::generate_wrapped_key(&Service::new(kind)).await;
    let mixed = outcome(Kind::Mixed).await.unwrap_err();
    assert_eq!(mixed.kind(), KeyWrapErrorKind::Refused);
    assert_eq!(
        mixed.to_string(),
        "key wrapping refused: what was unwrapped is not what was wrapped"
    );
    let down = outcome(Kind::Down).await.unwrap_err();
    assert_eq!(down.to_string(), "key wrapping unavailable: timeout");
    assert_eq!(format!("{down:?}"), down.to_string());
}
