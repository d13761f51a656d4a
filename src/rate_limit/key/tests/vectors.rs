use std::hash::{Hash, Hasher};

use proptest::prelude::*;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::*;

const SECRET: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn wide(bytes: &[u8]) -> u128 {
    let mut hasher = KeyHasher::new(&KeySeed::fleet(SECRET));
    hasher.write(bytes);
    let key = hasher.key();
    u128::from(key.high()) << 64 | u128::from(key.low())
}

/// The first rows of `vectors_sip128` of the reference implementation (github.com/veorq/SipHash, vectors.h, CC0): the hash
/// of the bytes 0, 1, 2 ... under the key 0 to 15.
#[test]
fn the_reference_vectors_of_siphash_2_4_128_pass() {
    #[rustfmt::skip]
    let rows: &[(usize, [u8; 16])] = &[
        (0, [0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93]),
        (1, [0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45]),
        (2, [0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff, 0xe4]),
        (3, [0x9c, 0x70, 0xb6, 0x0c, 0x52, 0x67, 0xa9, 0x4e, 0x5f, 0x33, 0xb6, 0xb0, 0x29, 0x85, 0xed, 0x51]),
    ];
    for (length, expected) in rows {
        let bytes: Vec<u8> = (0..u8::try_from(*length).unwrap()).collect();
        assert_eq!(wide(&bytes).to_le_bytes(), *expected, "{length}");
    }
}

#[test]
fn every_length_agrees_with_another_implementation() {
    let bytes: Vec<u8> = (0..=255).collect();
    for length in 0..=255 {
        let mut other = SipHasher24::new_with_key(&SECRET);
        other.write(&bytes[..length]);
        assert_eq!(
            wide(&bytes[..length]),
            other.finish128().as_u128(),
            "{length}"
        );
    }
}

/// What is written to a key.
#[derive(Clone, Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Raw(Vec<u8>),
    Byte(u8),
    Word(u64),
    V4(u32),
    V6(u128),
}

impl Piece {
    fn write(&self, hasher: &mut KeyHasher) {
        match self {
            Self::Bytes(bytes) => hasher.bytes(bytes),
            Self::Raw(bytes) => hasher.write(bytes),
            Self::Byte(byte) => hasher.write_u8(*byte),
            Self::Word(word) => hasher.u64(*word),
            Self::V4(bits) => hasher.ip(IpAddr::from(bits.to_be_bytes())),
            Self::V6(bits) => hasher.ip(IpAddr::from(bits.to_be_bytes())),
        }
    }

    /// The same as bytes.
    fn flat(&self) -> Vec<u8> {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        match self {
            Self::Bytes(bytes) => {
                let mut flat: Vec<u8> = words(&[bytes.len() as u64]);
                flat.extend(bytes);
                flat
            }
            Self::Raw(bytes) => bytes.clone(),
            Self::Byte(byte) => vec![*byte],
            Self::Word(word) => words(&[*word]),
            Self::V4(bits) => words(&[4 << 32 | u64::from(*bits)]),
            Self::V6(bits) if *bits >> 32 == 0xffff => {
                words(&[4 << 32 | u64::try_from(bits & 0xffff_ffff).unwrap()])
            }
            Self::V6(bits) => words(&[
                6 << 32,
                u64::try_from(bits >> 64).unwrap(),
                u64::try_from(bits & u128::from(u64::MAX)).unwrap(),
            ]),
        }
    }
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let piece = prop_oneof![
        bytes().prop_map(Piece::Bytes),
        bytes().prop_map(Piece::Raw),
        any::<u8>().prop_map(Piece::Byte),
        any::<u64>().prop_map(Piece::Word),
        any::<u32>().prop_map(Piece::V4),
        any::<u128>().prop_map(Piece::V6),
        any::<u32>().prop_map(|bits| Piece::V6(0xffff << 32 | u128::from(bits))),
    ];
    proptest::collection::vec(piece, 0..12)
}

proptest! {
    #[test]
    fn pieces_hash_as_their_bytes(pieces in pieces(), secret in any::<[u8; 16]>()) {
        let flat: Vec<u8> = pieces.iter().flat_map(Piece::flat).collect();
        let mut fleet = KeyHasher::new(&KeySeed::fleet(secret));
        for piece in &pieces {
            piece.write(&mut fleet);
        }
        let mut other = SipHasher24::new_with_key(&secret);
        other.write(&flat);
        let expected = other.finish128();
        prop_assert_eq!(fleet.key(), KeyHash::new(expected.h1, expected.h2));

        let seed = KeySeed::local(secret);
        let mut process = KeyHasher::new(&seed);
        for piece in &pieces {
            piece.write(&mut process);
        }
        let mut other = SipHasher13::new_with_key(&secret);
        other.write(&flat);
        prop_assert_eq!(process.key(), KeyHash::new(other.finish(), 0));
        prop_assert_eq!(process.finish(), other.finish());
    }

    #[test]
    fn texts_do_not_run_into_each_other(a in ".{0,12}", b in ".{0,12}", c in ".{0,12}", d in ".{0,12}") {
        let seed = KeySeed::fleet(SECRET);
        let pair = |first: &str, second: &str| {
            let mut hasher = KeyHasher::new(&seed);
            hasher.str(first);
            hasher.str(second);
            hasher.key()
        };
        prop_assert_eq!(pair(&a, &b) == pair(&c, &d), (&a, &b) == (&c, &d));
    }

    #[test]
    fn a_normalised_text_is_its_lower_case(text in "\\PC{0,20}") {
        let seed = KeySeed::fleet(SECRET);
        let key = |text: &str, normalise| {
            let mut hasher = KeyHasher::new(&seed);
            hasher.normalise(normalise);
            hasher.str(text);
            hasher.key()
        };
        let lower: String = text.trim().chars().flat_map(char::to_lowercase).collect();
        let lower = lower.replace('\u{3c2}', "\u{3c3}");
        prop_assert_eq!(key(&text, true), key(&lower, false));
        prop_assert_eq!(key(&lower, true), key(&lower, false));
    }
}

#[test]
fn seeds_are_drawn_and_not_shown() {
    let key = |seed: &KeySeed| {
        let mut hasher = KeyHasher::new(seed);
        42_u64.hash(&mut hasher);
        hasher.key()
    };
    let (a, b) = (KeySeed::random(), KeySeed::random());
    assert_ne!(key(&a), key(&b));
    assert_eq!(key(&a), key(&a.clone()));
    assert_eq!(key(&a).high(), 0);
    assert!(!a.is_shared());
    assert_eq!(format!("{a:?}"), "<seed of this process>");
    let fleet = KeySeed::fleet(*b"correct horse ba");
    assert!(fleet.is_shared());
    assert_ne!(key(&fleet).high(), 0);
    assert_eq!(format!("{fleet:?}"), "<seed of a fleet>");
}
