//! Stored hashes that are accepted, and which of them are replaced.

use tower_security::core::{PepperRing, Secret};
use tower_security::password::{HashError, PasswordHasher, PasswordHasherBuilder, VerifyError};

use super::{STAPLE, quick, secret};

const NEW: &[u8; 16] = b"the key of today";
const OLD: &[u8; 16] = b"the key of 2025.";

fn ring(id: &str, key: &[u8; 16]) -> tower_security::core::PepperRingBuilder {
    PepperRing::builder(id, Secret::from(key))
}

fn build(builder: PasswordHasherBuilder) -> PasswordHasher {
    builder.build().unwrap()
}

fn peppered(ring: tower_security::core::PepperRingBuilder) -> PasswordHasher {
    build(quick().pepper(ring.build().unwrap()))
}

/// Whether the right password is accepted, and what is to be stored instead. The wrong one never is.
fn verify(
    hasher: &PasswordHasher,
    password: &str,
    stored: &str,
) -> Result<Option<String>, VerifyError> {
    let wrong = hasher.verify_blocking(&secret("Tr0ub4dor&3"), Some(stored));
    let answer = hasher.verify_blocking(&secret(password), Some(stored));
    match answer {
        Err(error) => assert_eq!(wrong, Err(error)),
        Ok(_) => assert_eq!(wrong, Err(VerifyError::Invalid)),
    }
    answer.map(|verified| verified.rehash)
}

/// As `verify`; what is stored instead is like what is made today, and is not replaced again.
#[track_caller]
fn upgrades(hasher: &PasswordHasher, password: &str, stored: &str) -> bool {
    match verify(hasher, password, stored).unwrap() {
        None => false,
        Some(new) => {
            assert_eq!(verify(hasher, password, &new), Ok(None), "{new}");
            true
        }
    }
}

#[test]
fn a_hash_of_today_is_a_phc_string_that_others_read() {
    use argon2::password_hash::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    let hasher = build(PasswordHasher::builder());
    let stored = hasher.hash_blocking(&secret(STAPLE)).unwrap();
    let other = hasher.hash_blocking(&secret(STAPLE)).unwrap();
    assert_ne!(stored, other, "each has a salt of its own");
    assert_eq!(stored.len(), 97);
    let parsed = PasswordHash::new(&stored).unwrap();
    assert_eq!(
        (parsed.salt.unwrap().len(), parsed.hash.unwrap().len()),
        (16, 32)
    );
    let theirs = argon2::Argon2::default();
    assert!(theirs.verify_password(STAPLE.as_bytes(), &parsed).is_ok());
    assert!(theirs.verify_password(b"Tr0ub4dor&3", &parsed).is_err());

    // And theirs is read here, with its pepper.
    let hasher = peppered(ring("2026", NEW));
    let stored = hasher.hash_blocking(&secret(STAPLE)).unwrap();
    assert!(stored.contains("$m=64,t=1,p=1,keyid=MjAyNg$"), "{stored}");
    let parsed = PasswordHash::new(&stored).unwrap();
    let theirs = argon2::Argon2::new_with_secret(
        NEW,
        Default::default(),
        Default::default(),
        Default::default(),
    );
    assert!(
        theirs
            .unwrap()
            .verify_password(STAPLE.as_bytes(), &parsed)
            .is_ok()
    );
}

/// One difference a row. Of the reference implementation: `argon2.low_level.hash_secret(b"correct horse battery staple",
/// b"0123456789abcdef", 1, 64, 1, 32, Type.ID, 19)` of Python's argon2-cffi, and so on.
#[test]
fn each_difference_from_what_is_made_today_is_an_upgrade() {
    let hasher = build(quick());
    #[rustfmt::skip]
    let rows = [
        ("as today", false, "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$aq42HBL+IPAitHspChw/8mx5JRX2jFDkTmlsBskwH/0"),
        ("argon2i", true, "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$x/KCw2N8MhKp6JDp8+8iRpi/uyVO6cFG20eaviphv5M"),
        ("version 16", true, "$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MlR1nPUKwuK/Ge/AJ5foY5tuf4IVss//yLEuQVcPQXw"),
        ("more memory", true, "$argon2id$v=19$m=65,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$DOJokiv/uEo0p1+V4R4iRzK5dpDHRJVinAqnSpzz/TM"),
        ("less memory", true, "$argon2id$v=19$m=32,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$JZ5VpMbkUHSuJaIwyunuHHoyybaSylUYtwLlaMidzf8"),
        ("more passes", true, "$argon2id$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gAwJW5vx5itn2V9KHlEUjyUCrpDYgKyQf0gMaHGx1h4"),
        ("more lanes", true, "$argon2id$v=19$m=64,t=1,p=2$MDEyMzQ1Njc4OWFiY2RlZg$7fGVnfUHpkpjaYj6xffuAuR1Hl7KYZoU7NPIbqAEwWg"),
        ("a shorter tag", true, "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$005Q9MMgp6h3okGqm6+g8Q"),
        ("a longer tag", true, "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$biqX96SfqXwg4vHWATd+RA1pLA8V6djOjkgmgGcv1aQ5A9e7Hql+osAi4cobY1HMIXs0lghBEe8V5y6KzggMHg"),
        ("a shorter salt", true, "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc$cp7FMpOKrfG5oXixZwJbCz0pWiDjcARtsOABP/4GwiE"),
        ("a longer salt", false, "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg$KhAfhlG/MFWQYK3iBYtn6+1edliBdPgheqjMrC4Qdlk"),
    ];
    for (name, is_upgrade, stored) in rows {
        assert_eq!(upgrades(&hasher, STAPLE, stored), is_upgrade, "{name}");
    }
}

#[test]
fn a_pepper_is_added_rotated_and_lost() {
    let plain = build(quick());
    let first = peppered(ring("2025", OLD));
    let second = peppered(ring("2026", NEW).add_old("2025", OLD));
    let third = peppered(ring("2026", NEW));

    let unpeppered = plain.hash_blocking(&secret(STAPLE)).unwrap();
    assert!(!upgrades(&plain, STAPLE, &unpeppered));
    let added = verify(&first, STAPLE, &unpeppered).unwrap().unwrap();
    assert!(added.contains(",keyid=MjAyNQ$"), "{added}");
    assert!(!upgrades(&first, STAPLE, &added));

    let rotated = verify(&second, STAPLE, &added).unwrap().unwrap();
    assert!(rotated.contains(",keyid=MjAyNg$"), "{rotated}");
    assert!(!upgrades(&second, STAPLE, &rotated));
    assert!(!upgrades(&third, STAPLE, &rotated));

    // The old one is gone, or never was there.
    let lost = Err(VerifyError::MalformedHash);
    assert_eq!(verify(&third, STAPLE, &added), lost);
    assert_eq!(verify(&plain, STAPLE, &added), lost);
    // Another key of the same name is another key.
    let other = peppered(ring("2025", NEW));
    assert_eq!(verify(&other, STAPLE, &added), Err(VerifyError::Invalid));
    // And without the name it is no hash of this password.
    let stripped = added.replace(",keyid=MjAyNQ", "");
    assert_eq!(verify(&first, STAPLE, &stripped), Err(VerifyError::Invalid));
}

/// `perl -e 'print crypt("..", "\$2a\$04\$abcdefghijklmnopqrstuu")'`, which is libxcrypt.
#[test]
fn bcrypt_is_accepted_and_upgraded() {
    let hasher = build(quick());
    let salted = |version: &str, tail: &str| format!("${version}$04$abcdefghijklmnopqrstuu{tail}");
    let staple = "7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
    for version in ["2a", "2b", "2y"] {
        assert!(
            upgrades(&hasher, STAPLE, &salted(version, staple)),
            "{version}"
        );
    }
    let umlaut = salted("2b", "m174eFeoTj0DHmtuueFaS3Wde4P7wHG");
    assert!(upgrades(&hasher, "p\u{e4}ssword", &umlaut));

    // Its maker has cut off what follows the 72nd byte, and the upgrade has not.
    let long = salted("2a", "BzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe");
    for length in [72, 73, 200] {
        let password = "a".repeat(length);
        let new = verify(&hasher, &password, &long).unwrap().unwrap();
        assert_eq!(verify(&hasher, &password, &new), Ok(None));
        let longer = verify(&hasher, &format!("{password}b"), &new);
        assert_eq!(longer, Err(VerifyError::Invalid));
    }
    let shorter = verify(&hasher, &"a".repeat(71), &long);
    assert_eq!(shorter, Err(VerifyError::Invalid));

    // To bcrypt "a\0a" is "a": it repeats a password and its zero until there are 72 bytes.
    let a = salted("2b", "MFdJu9yVgmagVAIC24fOZkaFqd3s9JC");
    assert!(upgrades(&hasher, "a", &a));
    assert_eq!(bcrypt::verify("a\0a", &a).ok(), Some(true));
    assert_eq!(verify(&hasher, "a\0a", &a), Err(VerifyError::Invalid));

    // A fault of another program made it, and the crate would compute something else.
    let faulty = salted("2x", staple);
    assert_eq!(bcrypt::verify(STAPLE, &faulty).ok(), Some(true));
    assert_eq!(
        verify(&hasher, STAPLE, &faulty),
        Err(VerifyError::MalformedHash)
    );
}

#[test]
fn bcrypt_of_cost_12_verifies_and_15_is_above_the_ceiling() {
    let hasher = build(quick());
    let of_12 = "$2b$12$abcdefghijklmnopqrstuu0sDWleciW5uGBGYwxpcgAsh9WK4bWNy";
    assert!(upgrades(&hasher, STAPLE, of_12));
    let of_15 = of_12.replace("$12$", "$15$");
    assert_eq!(
        verify(&hasher, STAPLE, &of_15),
        Err(VerifyError::CostAboveCeiling)
    );
    let strict = build(quick().accept_bcrypt(12..=12));
    assert!(upgrades(&strict, STAPLE, of_12));
    let stricter = build(quick().accept_bcrypt(13..=13));
    assert_eq!(
        verify(&stricter, STAPLE, of_12),
        Err(VerifyError::MalformedHash)
    );
    let low = build(quick().accept_bcrypt(4..=11));
    assert_eq!(
        verify(&low, STAPLE, of_12),
        Err(VerifyError::CostAboveCeiling)
    );
}

#[test]
fn an_empty_password_lets_nobody_in() {
    let hasher = build(quick());
    assert_eq!(hasher.hash_blocking(&secret("")), Err(HashError::Empty));
    // Of the empty password, which some other system has accepted.
    let empty = "$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq";
    assert_eq!(bcrypt::verify("", empty).ok(), Some(true));
    let answer = hasher.verify_blocking(&secret(""), Some(empty));
    assert_eq!(answer, Err(VerifyError::Invalid));
}

#[test]
fn a_password_is_taken_whole_and_as_it_is() {
    let hasher = build(quick().max_len(1_024));
    let longest = "a".repeat(1_024);
    // The last one is the e with an accent of one character and of two.
    for (password, other) in [
        (longest.as_str(), &longest[1..]),
        ("correct horse", "Correct horse"),
        (" correct", "correct"),
        ("a\0b", "a\0c"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("\u{1f434}\u{1f50b}", "\u{1f434}"),
    ] {
        let stored = hasher.hash_blocking(&secret(password)).unwrap();
        assert_eq!(verify(&hasher, password, &stored), Ok(None));
        assert_eq!(verify(&hasher, other, &stored), Err(VerifyError::Invalid));
    }
    let long = secret(&"a".repeat(1_025));
    assert_eq!(hasher.hash_blocking(&long), Err(HashError::TooLong));
    // Bytes count, not characters.
    let long = secret(&"\u{e4}".repeat(513));
    assert_eq!(
        hasher.verify_blocking(&long, None),
        Err(VerifyError::TooLong)
    );
}
