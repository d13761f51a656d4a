//! Encryption at rest.

use sha2::{Digest, Sha256};
use tower_security::core::{NoopSink, Secret};
use tower_security::vault::{IndexBits, KeyRing, Protector, VaultError};

use super::*;

fn key(number: u32) -> Secret<[u8; 32]> {
    Secret::new(Sha256::digest(number.to_be_bytes()).into())
}

fn ring(keys: u32) -> KeyRing {
    let ring = KeyRing::builder().active(0, key(0)).events(NoopSink::new());
    let ring = (1..keys).fold(ring, |ring, id| ring.retired(id, key(id)));
    ring.build().expect("it is sound")
}

fn column(keys: u32) -> Protector {
    ring(keys)
        .purpose(&["users", "ssn"])
        .expect("it is a purpose")
}

/// Both parts together have so many bytes.
fn context(length: usize) -> [Vec<u8>; 2] {
    [vec![b'a'; length / 2], vec![b'b'; length.div_ceil(2)]]
}

#[test]
fn a_value_costs_its_buffer_alone() {
    for keys in [1, 64] {
        let ssn = column(keys);
        for length in [0, 16, 4_096] {
            let plain = vec![7; length];
            let context = context(64);
            let (sealed, made) = counted(|| ssn.protect(&plain, &context));
            let sealed = sealed.expect("there is randomness");
            assert_eq!(made, 1, "protect {length}");
            let (opened, made) = counted(|| ssn.unprotect(&sealed, &context));
            assert_eq!(*opened.expect("it opens"), plain);
            assert_eq!(made, usize::from(length > 0), "unprotect {length}");
            assert_eq!(allocations(|| ssn.needs_rotation(&sealed)), 0);
            let (anew, made) = counted(|| ssn.reprotect(&sealed, &context));
            assert_eq!((anew, made), (Ok(None), 0));
            let (opened, made) = counted(|| ssn.unprotect_in_place(sealed, &context));
            assert_eq!(*opened.expect("it opens"), plain);
            assert_eq!(made, 0, "in place {length}");
        }
    }
}

#[test]
fn text_costs_one_more() {
    let ssn = column(1);
    let (text, made) = counted(|| ssn.protect_str(b"123-45-6789", &["user-7"]));
    assert_eq!(made, 2);
    let text = text.expect("there is randomness");
    let (opened, made) = counted(|| ssn.unprotect_str(&text, &["user-7"]));
    assert_eq!(*opened.expect("it opens"), b"123-45-6789");
    assert_eq!(made, 1);
}

#[test]
fn a_long_context_costs_one_more() {
    // 512 bytes but the count (8), the head (13), the purpose with its label (56) and the length of each part (8).
    const FITS: usize = 512 - 8 - 13 - 56 - 2 * 8;
    let ssn = column(1);
    for (length, expected) in [(FITS, 1), (FITS + 1, 2), (4_096, 2)] {
        let context = context(length);
        let (sealed, made) = counted(|| ssn.protect(b"x", &context));
        assert_eq!(made, expected, "{length}");
        let sealed = sealed.expect("there is randomness");
        let (opened, made) = counted(|| ssn.unprotect(&sealed, &context));
        assert!(opened.is_ok());
        assert_eq!(made, expected, "{length}");
        let opened = allocations(|| ssn.unprotect_in_place(sealed, &context));
        assert_eq!(opened, expected - 1, "{length}");
    }
}

#[test]
fn what_is_refused_before_it_is_decrypted_costs_nothing() {
    let ssn = column(2);
    let mut sealed = ssn.protect(b"x", &["7"]).expect("there is randomness");
    let (outcome, made) = counted(|| ssn.unprotect(&sealed[..44], &["7"]));
    assert_eq!((outcome, made), (Err(VaultError::Rejected), 0));
    sealed[4] = 9;
    let (outcome, made) = counted(|| ssn.unprotect(&sealed, &["7"]));
    assert_eq!((outcome, made), (Err(VaultError::Rejected), 0));
}

#[test]
fn an_index_and_a_clone_cost_nothing() {
    let ssn = column(3);
    let bits = IndexBits::default();
    assert_eq!(allocations(|| ssn.blind_index(b"x", bits)), 0);
    assert_eq!(allocations(|| ssn.blind_index_all(b"x", bits)), 1);
    assert_eq!(allocations(|| ssn.clone()), 0);
    let users = ring(1).pseudonym("users").expect("it is a name");
    assert_eq!(allocations(|| users.of(b"alice")), 0);
}
