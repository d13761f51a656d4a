//! Blind indexes and pseudonyms.

use std::collections::HashMap;

use proptest::prelude::*;
use tower_security::vault::{IndexBits, Protector};

use super::{key, quiet, ssn};

fn index(protector: &Protector, value: &[u8], bits: u16) -> Vec<u8> {
    let bits = IndexBits::new(bits).unwrap();
    protector.blind_index(value, bits).as_bytes().to_vec()
}

#[test]
fn bits_decide_the_length_and_how_often_values_meet() {
    let ssn = ssn(quiet(1));
    for bits in [16, 24, 32, 48, 64, 128] {
        assert_eq!(index(&ssn, b"x", bits).len() * 8, usize::from(bits));
    }
    // Of 20,000 values a space of 2^16 has thousands that meet, and one of 2^64 none.
    let groups = |bits| {
        let mut rows = HashMap::<Vec<u8>, u32>::new();
        for value in 0..20_000_u32 {
            *rows
                .entry(index(&ssn, &value.to_be_bytes(), bits))
                .or_default() += 1;
        }
        rows.len()
    };
    assert!((16_000..18_500).contains(&groups(16)));
    assert_eq!(groups(64), 20_000);
}

#[test]
fn during_a_rotation_there_is_one_for_each_key() {
    let bits = IndexBits::default();
    let before = ssn(quiet(1)).blind_index(b"x", bits);
    let ring = quiet(2).retired(1, key(1)).next(3, key(3)).revoked(4);
    let ssn = ssn(ring);
    let all = ssn.blind_index_all(b"x", bits);
    assert_eq!(
        all.iter().map(|index| index.key_id()).collect::<Vec<_>>(),
        [2, 1, 3]
    );
    assert_eq!(all[0], ssn.blind_index(b"x", bits));
    assert!(all.contains(&before));
    assert_ne!(all[0], all[1]);
    assert!(!ssn.blind_index_all(b"y", bits).contains(&before));
}

#[test]
fn a_pseudonym_says_its_key_and_can_be_looked_for_after_a_rotation() {
    let users = |ring: tower_security::vault::KeyRingBuilder, name: &str| {
        ring.build().unwrap().pseudonym(name).unwrap()
    };
    let before = users(quiet(1), "users").of(b"alice").to_string();
    assert!(before.starts_with("1.") && before.len() == 34, "{before}");
    let after = users(quiet(2).retired(1, key(1)).revoked(0), "users");
    let all: Vec<_> = after
        .all_of(b"alice")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(all, [after.of(b"alice").to_string(), before.clone()]);
    assert_ne!(users(quiet(1), "staff").of(b"alice").to_string(), before);
    assert_ne!(users(quiet(1), "users").of(b"bob").to_string(), before);
}

proptest! {
    #[test]
    fn equal_if_and_only_if_the_values_are(
        one in proptest::collection::vec(any::<u8>(), 0..40),
        other in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let ssn = ssn(quiet(1));
        let bits = IndexBits::default();
        prop_assert_eq!(ssn.blind_index(&one, bits), ssn.blind_index(&one, bits));
        let equal = ssn.blind_index(&one, bits) == ssn.blind_index(&other, bits);
        prop_assert_eq!(equal, one == other);
    }
}
