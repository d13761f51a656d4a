//! Encryption at rest.

use sha2::{Digest, Sha256};
use tower_security::core::{NoopSink, Secret};
use tower_security::vault::{IndexBits, KeyRing, Protector, VaultError};

use super::*;

fn key(number: u32) -> Secret<[u8; 32]> {
    Secret::new(Sha256::digest(number.to_be_bytes()).into())
}

fn ring(keys: u32) -> KeyRing {
    let ring = (1..keys).fold(ring_of(0), |ring, id| ring.retired(id, key(id)));
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

/// Random enough, and the same in every run.
const PLAIN: [u8; 32] = *b"Qz9~ the number of a row: 123-45";

#[test]
fn what_is_left_behind_is_found() {
    let secret = *key(1).expose();
    assert_eq!(left_behind(&secret, || secret.to_vec()), 1);
    assert_eq!(left_behind(&secret[1..], || secret.to_vec()), 1);
    let grown = || {
        let mut list = vec![secret];
        list.reserve_exact(100);
        list
    };
    assert_eq!(left_behind(&secret, grown), 2);
    assert_eq!(left_behind(&secret, || Secret::from(&secret)), 0);
    assert_eq!(left_behind(&secret, || PLAIN.to_vec()), 0);
}

#[test]
fn memory_that_is_given_back_holds_no_key() {
    let all = || {
        let ring = (5..30).fold(ring_of(1), |ring, id| ring.retired(id, key(id)));
        let ring = ring.next(2, KeyRing::key_text(&key(2))).revoked(3);
        let ring = ring.build().expect("it is sound");
        let rotated = ring.rotate(2).expect("it is a next key");
        let [before, after] = [ring, rotated].map(|ring| {
            drop(ring.pseudonym("users").expect("it is a name"));
            drop(ring.cookie("session").expect("it is a name"));
            ring.purpose(&["users", "ssn"]).expect("it is a purpose")
        });
        let sealed = before.protect(&PLAIN, &["7"]).expect("there is randomness");
        assert!(
            after
                .reprotect(&sealed, &["7"])
                .is_ok_and(|anew| anew.is_some())
        );
        drop(after.blind_index_all(&PLAIN, IndexBits::default()));
    };
    let text = KeyRing::key_text(&key(2));
    for (what, secret) in [
        ("the active one", &key(1).expose()[..]),
        ("the next one", key(2).expose()),
        ("a retired one", key(7).expose()),
        ("the last one", key(29).expose()),
        ("the text of one", text.expose().as_bytes()),
    ] {
        // Its beginning, and its end.
        for from in [0, 24] {
            assert_eq!(left_behind(&secret[from..], all), 0, "{what}");
        }
    }
    let refused = || {
        let ring = ring_of(1)
            .next(2, key(1))
            .retired(3, key(3))
            .active(4, key(4));
        assert!(ring.build().is_err());
    };
    for number in [1, 3, 4] {
        assert_eq!(left_behind(&key(number).expose()[8..], refused), 0);
    }
}

#[test]
fn memory_that_is_given_back_holds_no_sub_key() {
    use hkdf::Hkdf;

    let part = |part: &str| [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat();
    let info = [
        b"tower-security/vault/v1\x01",
        &*part("users"),
        &*part("ssn"),
    ]
    .concat();
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key(1).expose())
        .expand(&info, &mut derived)
        .expect("it is short");
    let all = || {
        let ring = ring_of(1).build().expect("it is sound");
        let ssn = ring.purpose(&["users", "ssn"]).expect("it is a purpose");
        let sealed = ssn.protect(&PLAIN, &["7"]).expect("there is randomness");
        assert!(ssn.unprotect(&sealed, &["7"]).is_ok());
    };
    for from in [0, 8, 24] {
        assert_eq!(left_behind(&derived[from..], all), 0);
    }
}

#[test]
fn memory_that_is_given_back_holds_no_plaintext() {
    let ssn = column(1);
    let opened = || {
        let sealed = ssn.protect(&PLAIN, &["7"]).expect("there is randomness");
        assert!(ssn.unprotect(&sealed, &["8"]).is_err());
        assert!(ssn.unprotect_in_place(sealed.clone(), &["8"]).is_err());
        assert_eq!(*ssn.unprotect(&sealed, &["7"]).expect("it opens"), PLAIN);
        let opened = ssn.unprotect_in_place(sealed, &["7"]);
        assert_eq!(*opened.expect("it opens"), PLAIN);
        let text = ssn
            .protect_str(&PLAIN, &["7"])
            .expect("there is randomness");
        assert_eq!(*ssn.unprotect_str(&text, &["7"]).expect("it opens"), PLAIN);
    };
    for from in [0, 8, 24] {
        assert_eq!(left_behind(&PLAIN[from..], opened), 0);
    }
}

fn ring_of(active: u32) -> tower_security::vault::KeyRingBuilder {
    KeyRing::builder()
        .active(active, key(active))
        .events(NoopSink::new())
}
