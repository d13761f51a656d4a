//! Bytes and texts that nobody has protected, and texts of keys.

use std::sync::LazyLock;

use tower_security::core::{NoopSink, Secret};
use tower_security::vault::{KeyRing, Protector, VaultError};

/// 32 random bytes each.
const KEYS: [&str; 2] = [
    "NwxRJE0yo2nVBQk9ZugUJgSGwSlNI4oQuUSrudgZqH4",
    "m0S0pQ7wP2k1oYVx8dZr3uTnLhEJcGfIa6iSbyWqKtU",
];

static SSN: LazyLock<Protector> = LazyLock::new(|| {
    let ring = KeyRing::builder()
        .active(1, Secret::from(KEYS[0]))
        .retired(0, Secret::from(KEYS[1]))
        .revoked(2)
        .events(NoopSink::new())
        .build()
        .expect("it is sound");
    ring.purpose(&["users", "ssn"]).expect("it is a purpose")
});

/// Arbitrary bytes open as nothing, whichever way they come. What they say of a key is not an error either, nor a panic.
pub fn vault_unprotect(data: &[u8]) {
    let ssn = &*SSN;
    let row = ["user-7"];
    let rejected = Err(VaultError::Rejected);
    assert_eq!(ssn.unprotect(data, &row), rejected);
    assert_eq!(ssn.unprotect_unbound(data), rejected);
    assert_eq!(ssn.unprotect_in_place(data.to_vec(), &row), rejected);
    // With a head that is right, so that the cipher is reached.
    let headed = [&ssn.current_head(), data].concat();
    assert_eq!(ssn.unprotect(&headed, &row), rejected);
    assert!(!ssn.needs_rotation(&headed));
    let anew = ssn.reprotect(data, &row);
    assert_eq!(anew.is_ok(), !ssn.needs_rotation(data));
    assert!(matches!(anew, Ok(None) | Err(VaultError::Rejected)));

    // What is protected comes back, in whatever context.
    let sealed = ssn.protect(data, &[data]).expect("there is randomness");
    assert_eq!(
        ssn.unprotect(&sealed, &[data])
            .as_deref()
            .map(Vec::as_slice),
        Ok(data)
    );

    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(ssn.unprotect_str(text, &row), rejected);
        let key = Secret::from(text);
        let ring = KeyRing::builder().active(1, key).build();
        // 32 bytes are 43 letters.
        assert!(ring.is_err() || text.trim_ascii().len() >= 43);
    }
}
