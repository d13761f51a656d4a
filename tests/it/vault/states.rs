//! What each state of a key does.

use tower_security::vault::{KeyRing, KeyRingBuilder, Protector, VaultError};

use super::{key, quiet, ssn};

fn seal(ring: KeyRingBuilder) -> Vec<u8> {
    ssn(ring).protect(b"x", &["7"]).unwrap()
}

fn opens(protector: &Protector, bytes: &[u8]) -> bool {
    match protector.unprotect(bytes, &["7"]) {
        Ok(plain) => plain.as_slice() == b"x",
        Err(error) => {
            assert_eq!(error, VaultError::Rejected);
            false
        }
    }
}

#[test]
fn next_and_retired_decrypt_and_revoked_and_unknown_refuse() {
    let of: Vec<_> = (1..=5).map(|id| seal(quiet(id))).collect();
    let ring = quiet(2).next(3, key(3)).retired(1, key(1)).revoked(4);
    let ssn = ssn(ring);
    assert_eq!(
        of.iter()
            .map(|sealed| opens(&ssn, sealed))
            .collect::<Vec<_>>(),
        [true, true, true, false, false]
    );
    // Whatever the others are, the active one encrypts.
    let sealed = ssn.protect(b"x", &["7"]).unwrap();
    assert_eq!(sealed[..5], [1, 0, 0, 0, 2]);
    assert_eq!(ssn.current_head(), [1, 0, 0, 0, 2]);
}

#[test]
fn ids_are_written_big_endian() {
    let sealed = seal(quiet(0x0102_0304));
    assert_eq!(sealed[..5], [1, 1, 2, 3, 4]);
    assert!(opens(&ssn(quiet(u32::MAX)), &seal(quiet(u32::MAX))));
}

#[test]
fn what_is_older_needs_rotation_and_what_is_newer_does_not() {
    let ssn = ssn(quiet(2).next(3, key(3)).retired(1, key(1)).revoked(4));
    let rows = [(1, true), (2, false), (3, false), (4, true), (5, true)];
    for (id, needs) in rows {
        let sealed = seal(quiet(id));
        assert_eq!(ssn.needs_rotation(&sealed), needs, "{id}");
        assert_eq!(
            ssn.needs_rotation(&sealed[..5]),
            needs,
            "the head is enough: {id}"
        );
    }
    for no_value in [&b""[..], &[1, 0, 0, 0], &[0, 0, 0, 0, 2], &[2, 0, 0, 0, 2]] {
        assert!(ssn.needs_rotation(no_value));
    }
}

#[test]
fn a_value_is_encrypted_anew_once() {
    let (old, ring) = (ssn(quiet(1)), quiet(2).retired(1, key(1)).revoked(0));
    let new = ssn(ring);
    let before = old.protect(b"x", &["7"]).unwrap();
    let after = new.reprotect(&before, &["7"]).unwrap().unwrap();
    assert!(after.starts_with(&new.current_head()));
    assert!(opens(&new, &after) && !opens(&old, &after) && opens(&new, &before));
    assert_eq!(new.reprotect(&after, &["7"]), Ok(None));
    assert_eq!(new.reprotect(&before, &["8"]), Err(VaultError::Rejected));

    let text = old.protect_str(b"x", &["7"]).unwrap();
    let after = new.reprotect_str(&text, &["7"]).unwrap().unwrap();
    assert_eq!(new.unprotect_str(&after, &["7"]).unwrap().as_slice(), b"x");
    assert_eq!(new.reprotect_str(&after, &["7"]), Ok(None));
    assert_eq!(new.reprotect_str("?", &["7"]), Err(VaultError::Rejected));

    let unbound = old.protect_unbound(b"x").unwrap();
    assert_eq!(new.reprotect(&unbound, &["7"]), Err(VaultError::Rejected));
    let after = new.reprotect_unbound(&unbound).unwrap().unwrap();
    assert_eq!(new.unprotect_unbound(&after).unwrap().as_slice(), b"x");
    assert_eq!(new.reprotect_unbound(&after), Ok(None));
}

#[test]
fn a_ring_of_64_finds_each() {
    let ring =
        |keys: u32| (0..keys).fold(quiet(1_000), |ring, id| ring.retired(id * 3, key(id * 3)));
    let ssn = ssn(ring(63));
    for id in (0..63).map(|id| id * 3) {
        assert!(opens(&ssn, &seal(quiet(id))), "{id}");
        assert!(!opens(&ssn, &seal(quiet(id + 1))), "{id}");
    }
}

#[test]
fn a_clone_is_the_same_ring() {
    let ring: KeyRing = quiet(1).build().unwrap();
    let purpose = |ring: &KeyRing| ring.purpose(&["users", "ssn"]).unwrap();
    let sealed = purpose(&ring).protect(b"x", &["7"]).unwrap();
    let clone = ring.clone();
    assert!(opens(&purpose(&clone), &sealed) && opens(&purpose(&ring), &sealed));
}
