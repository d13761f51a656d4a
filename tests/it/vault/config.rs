//! What does not build, and its nearest twin that does.

use tower_security::core::{ConfigErrors, ErrorClass, NoopSink, Secret};
use tower_security::vault::{
    IndexBits, KeyRing, KeyRingBuilder, KeyState, PurposeProblem, RingKey, VaultConfigError,
};

use super::{key, quiet};

fn told<T>(outcome: Result<T, ConfigErrors>) -> Vec<(String, VaultConfigError)> {
    let Err(errors) = outcome else {
        return Vec::new();
    };
    let kinds = errors.iter().map(|error| {
        let kind = error
            .downcast::<VaultConfigError>()
            .expect("it is of the room");
        (error.path().to_owned(), kind.clone())
    });
    kinds.collect()
}

fn mistakes(builder: KeyRingBuilder) -> Vec<(String, VaultConfigError)> {
    told(builder.build())
}

fn one(path: &str, kind: VaultConfigError) -> Vec<(String, VaultConfigError)> {
    vec![(path.to_owned(), kind)]
}

fn active(given: impl Into<RingKey>) -> KeyRingBuilder {
    KeyRing::builder().active(9, given).events(NoopSink::new())
}

#[test]
fn one_key_is_active() {
    assert_eq!(mistakes(quiet(1)), []);
    let none = KeyRing::builder().retired(1, key(1));
    let count = |count| VaultConfigError::ActiveKey { count };
    assert_eq!(mistakes(none), one("vault.keys", count(0)));
    assert_eq!(
        mistakes(quiet(1).active(2, key(2))),
        one("vault.keys", count(2))
    );
    assert_eq!(mistakes(quiet(1).retired(2, key(2)).next(3, key(3))), []);
}

#[test]
fn an_id_and_a_key_are_there_once() {
    let twice = VaultConfigError::DuplicateKeyId { id: 1 };
    assert_eq!(
        mistakes(quiet(1).revoked(1)),
        one("vault.keys[1]", twice.clone())
    );
    assert_eq!(
        mistakes(quiet(1).next(1, key(2))),
        one("vault.keys[1]", twice)
    );
    assert_eq!(mistakes(quiet(1).revoked(2)), []);
    let same = VaultConfigError::SameKey { a: 1, b: 2 };
    assert_eq!(
        mistakes(quiet(1).next(2, key(1))),
        one("vault.keys[1]", same)
    );
    assert_eq!(mistakes(quiet(1).next(2, key(2))), []);
}

#[test]
fn a_key_has_32_bytes_in_whichever_form() {
    let raw = key(9);
    let text = KeyRing::key_text(&raw);
    assert_eq!(text.expose().len(), 43);
    let padded = Secret::new(format!("{}=", text.expose()));
    let from_file = Secret::new(format!("{}\n", text.expose()));
    let standard = text.expose().replace('-', "+").replace('_', "/");
    // Each holds the same key: what one encrypts, the others open.
    let given = [
        RingKey::from(raw.clone()),
        Secret::from(raw.expose()).into(),
        text.clone().into(),
        padded.into(),
        from_file.into(),
        Secret::new(standard).into(),
    ];
    let sealed = super::ssn(quiet(9)).protect(b"x", &["7"]).unwrap();
    for given in given {
        let opened = super::ssn(active(given)).unprotect(&sealed, &["7"]);
        assert_eq!(opened.unwrap().as_slice(), b"x");
    }

    let length = |length| {
        one(
            "vault.keys[0]",
            VaultConfigError::KeyLength { id: 9, length },
        )
    };
    for wrong in [0, 16, 31, 33, 44, 64] {
        let bytes: Vec<u8> = (0..wrong)
            .map(|at| u8::try_from(at * 7 % 251).unwrap())
            .collect();
        assert_eq!(mistakes(active(Secret::new(bytes))), length(wrong));
    }
    assert_eq!(mistakes(active(Secret::from("AAECAwQFBgcICQ"))), length(10));
    assert_eq!(mistakes(active(Secret::from(""))), length(0));
    let base64 = one("vault.keys[0]", VaultConfigError::Base64 { id: 9 });
    let cut = &text.expose()[..42];
    let odd = format!("{}A", &text.expose()[..40]);
    for wrong in ["correct horse", "\u{e9}", "====", cut, &odd] {
        let wrong = Secret::from(wrong);
        assert_eq!(
            mistakes(active(wrong.clone())),
            base64,
            "{}",
            wrong.expose()
        );
    }
}

#[test]
fn a_key_is_random() {
    let weak = one("vault.keys[0]", VaultConfigError::WeakKey { id: 9 });
    let counting: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let backwards: [u8; 32] = std::array::from_fn(|at| 200 - u8::try_from(at).unwrap());
    let by_seven: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 % 256).unwrap());
    let of_15: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * at % 15 * 16).unwrap());
    for wrong in [[0; 32], [0xff; 32], counting, backwards, by_seven, of_15] {
        assert_eq!(mistakes(active(Secret::new(wrong))), weak, "{wrong:?}");
    }
    // Sixteen different bytes, out of order.
    let mut of_16: [u8; 32] = std::array::from_fn(|at| u8::try_from(at % 16 * 16).unwrap());
    of_16.swap(3, 9);
    assert_eq!(mistakes(active(Secret::new(of_16))), []);

    let text = one("vault.keys[0]", VaultConfigError::TextKey { id: 9 });
    let phrase = b"correct horse battery staple 123";
    assert_eq!(mistakes(active(Secret::from(phrase))), text);
    // The same phrase in base64 is no better.
    let encoded = "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSAxMjM=";
    assert_eq!(mistakes(active(Secret::from(encoded))), text);
    let mut other = *phrase;
    other[7] = 0x80;
    assert_eq!(mistakes(active(Secret::new(other))), []);
}

#[test]
fn a_ring_has_64_keys_and_any_number_of_ids_that_are_revoked() {
    let ring = |keys: u32| (1..keys).fold(quiet(0), |ring, id| ring.retired(id, key(id)));
    assert_eq!(
        mistakes((100..300).fold(ring(64), KeyRingBuilder::revoked)),
        []
    );
    let count = VaultConfigError::TooManyKeys { count: 65 };
    assert_eq!(mistakes(ring(65)), one("vault.keys", count));
}

#[test]
fn every_mistake_is_told_at_once() {
    let builder = KeyRing::builder()
        .active(1, Secret::from("not base64!"))
        .active(2, Secret::new([1; 32]))
        .next(3, Secret::from(&[1, 2, 3]))
        .retired(4, key(4))
        .retired(5, key(4))
        .retired(6, Secret::from(b"a pass phrase of 32 characters.."))
        .revoked(6);
    let errors = builder.build().unwrap_err();
    let all: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.class(), error.code()))
        .collect();
    let (invalid, refused) = (ErrorClass::Invalid, ErrorClass::Refused);
    let expected = [
        ("vault.keys", refused, "active_key"),
        ("vault.keys[0]", invalid, "base64"),
        ("vault.keys[1]", refused, "weak_key"),
        ("vault.keys[2]", invalid, "key_length"),
        ("vault.keys[4]", refused, "same_key"),
        ("vault.keys[5]", refused, "text_key"),
        ("vault.keys[6]", refused, "duplicate_key_id"),
    ];
    assert_eq!(all, expected);
    let text = errors.to_string();
    for shown in ["not base64!", "pass phrase of", "[1, 2, 3]", "010203"] {
        assert!(!text.contains(shown), "{text}");
    }
    assert!(
        text.contains("generate_key"),
        "it says what to write: {text}"
    );
}

#[test]
fn a_purpose_has_one_to_eight_parts() {
    let ring = quiet(1).build().unwrap();
    let purpose = |parts: &[&str]| told(ring.purpose(parts));
    let problem = |problem| one("vault.purpose", VaultConfigError::Purpose { problem });
    let (at, length, long) = (1, 256, "a".repeat(256));
    assert_eq!(purpose(&["users", "ssn"]), []);
    assert_eq!(purpose(&["a"; 8]), []);
    assert_eq!(purpose(&["users", &long[1..]]), []);
    assert_eq!(purpose(&[]), problem(PurposeProblem::Empty));
    let empty = problem(PurposeProblem::EmptyPart { at });
    assert_eq!(purpose(&["users", ""]), empty);
    let count = problem(PurposeProblem::TooManyParts { count: 9 });
    assert_eq!(purpose(&["a"; 9]), count);
    let part = problem(PurposeProblem::PartTooLong { at, length });
    assert_eq!(purpose(&["users", &long]), part);
    assert_eq!(purpose(&["", "", &long]).len(), 3);

    assert_eq!(told(ring.cookie("session")), []);
    assert_eq!(told(ring.cookie("")), empty);
    assert_eq!(told(ring.cookie(&long)), part);
    assert_eq!(told(ring.pseudonym("users")), []);
    let empty = problem(PurposeProblem::EmptyPart { at: 0 });
    assert_eq!(told(ring.pseudonym("")), empty);
}

#[test]
fn an_index_has_one_of_six_sizes() {
    for bits in 0..=u16::MAX {
        let made = IndexBits::new(bits);
        if [16, 24, 32, 48, 64, 128].contains(&bits) {
            assert_eq!(u16::from(made.unwrap().get()), bits);
        } else {
            let kind = VaultConfigError::IndexBits { bits };
            assert_eq!(told(made), one("vault.blind_index.bits", kind));
        }
    }
}

#[test]
fn a_ring_rotates_to_a_next_key_alone() {
    use KeyState::{Active, Next, Retired, Revoked};
    let ring = quiet(5)
        .next(9, key(9))
        .next(2, key(2))
        .retired(4, key(4))
        .revoked(1)
        .build()
        .unwrap();
    for id in [5, 4, 1, 7] {
        let unknown = VaultConfigError::UnknownNext { id };
        assert_eq!(told(ring.rotate(id)), one("vault.rotate", unknown));
    }
    let rotated = ring.rotate(9).unwrap();
    let states: Vec<_> = rotated.keys().collect();
    assert_eq!(
        states,
        [
            (9, Active),
            (1, Revoked),
            (2, Next),
            (4, Retired),
            (5, Retired)
        ]
    );
    assert_eq!(rotated.active_id(), 9);
    // The ring that was rotated is as it was.
    let states: Vec<_> = ring.keys().collect();
    assert_eq!(
        states,
        [
            (5, Active),
            (1, Revoked),
            (2, Next),
            (4, Retired),
            (9, Next)
        ]
    );
    let twice = rotated.rotate(2).unwrap();
    assert_eq!(twice.active_id(), 2);
    assert_eq!(told(twice.rotate(9)).len(), 1);
}

#[test]
fn keys_that_are_drawn_differ_and_build() {
    let [one, other] = [KeyRing::generate_key(), KeyRing::generate_key()].map(Result::unwrap);
    assert_ne!(one, other);
    assert_eq!(mistakes(active(one).next(1, other)), []);
}
