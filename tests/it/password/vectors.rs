//! Known answers of the reference implementation (`src/test.c` of phc-winner-argon2). Those of RFC 9106 have a key of 8 bytes, which no
//! ring takes: they stand beside the parser.

use tower_security::password::{Argon2Cost, PasswordHasher, VerifyError};

use super::{quick, secret};

/// Password and hash.
#[rustfmt::skip]
const RIGHT: &[(&str, &str)] = &[
    // Version 16, which was not named.
    ("password", "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"),
    ("password", "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"),
    ("password", "$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs"),
    ("password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZwcHKfbftvj+qf+YFY4NeBbtA"),
    ("password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"),
    ("password", "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"),
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
    ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
    ("password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"),
    ("password", "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"),
    ("differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"),
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw"),
];

/// What is no hash that is accepted, whatever the password is.
#[rustfmt::skip]
const WRONG: &[&str] = &[
    // Argon2d, whatever its version.
    "$argon2d$v=19$m=65536,t=2,p=1$YzI5dFpYTmhiSFFBQUFBQUFBQUFBQQ$Jxy74cswY2mq9y+u+iJcJy8EqOp4t/C7DWDzGwGB3IM",
    "$argon2d$v=16$m=32,t=2,p=3,keyid=8PDw8A,data=Dw8PDw8P$AAAAAAAAAAA$KnH4gniiaFnDvlA1xev3yovC4cnrrI6tnHOYtmja90o",
    // From the reference: a `$` is missing before the salt, or before the tag; the salt is too short; the version is unknown.
    "$argon2i$m=65536,t=2,p=1c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=65536,t=2,p=1$$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$v=42$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=dummy,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=0,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=4294967296,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=65536,t=0,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=65536,t=2,p=0$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=65536,t=2,p=1,keyid=dummy$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "$argon2i$m=65536,t=2,p=1,data=dummy$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    // Truncated, and of other systems.
    "",
    "$",
    "$argon2id",
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$",
    "argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$5$rounds=5000$usesomesillystri$KqJWpanXZHKq2BOB43TSaYhEWsQ1Lr5QNyPCDH/Tp.6",
    "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
    "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "$2$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6C",
    "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CGG",
    "$2b$+4$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "$2b$03$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "$2b$32$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "$2b$04$abcdefghijklmnopqrst!u7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
    "$2b$04$abcdefghijklmnopqrst\u{e4}7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
];

#[test]
fn hashes_of_the_reference_implementation_are_verified() {
    let hasher = quick().build().unwrap();
    for (password, stored) in RIGHT {
        let answer = hasher.verify_blocking(&secret(password), Some(stored));
        assert!(answer.is_ok(), "{stored}: {answer:?}");
        let other = hasher.verify_blocking(&secret("sassword"), Some(stored));
        assert_eq!(other, Err(VerifyError::Invalid), "{stored}");
    }
    // The default computes with a pool that is larger than these, or smaller.
    let hasher = PasswordHasher::builder().build().unwrap();
    assert_eq!(hasher.cost(), Argon2Cost::OWASP);
    for (password, stored) in RIGHT {
        let answer = hasher.verify_blocking(&secret(password), Some(stored));
        assert!(answer.is_ok(), "{stored}: {answer:?}");
    }
}

#[test]
fn what_is_no_hash_of_a_known_kind_verifies_nothing() {
    let hasher = quick().build().unwrap();
    for stored in WRONG {
        for password in ["password", "", "sassword"] {
            let answer = hasher.verify_blocking(&secret(password), Some(stored));
            assert_eq!(answer, Err(VerifyError::MalformedHash), "{stored}");
        }
    }
}

#[test]
fn a_hash_that_asks_for_too_much_is_refused() {
    let hasher = quick().build().unwrap();
    let of = |cost: &str| {
        format!("$argon2id$v=19${cost}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
    };
    for (cost, expected) in [
        (
            "m=4294967295,t=4294967295,p=16777215",
            VerifyError::CostAboveCeiling,
        ),
        ("m=131073,t=1,p=1", VerifyError::CostAboveCeiling),
        ("m=131072,t=1,p=4", VerifyError::Invalid),
        ("m=64,t=11,p=1", VerifyError::CostAboveCeiling),
        ("m=64,t=10,p=1", VerifyError::Invalid),
        ("m=64,t=1,p=5", VerifyError::CostAboveCeiling),
        ("m=64,t=1,p=8", VerifyError::CostAboveCeiling),
        // Fewer than eight blocks for each lane is no cost at all.
        ("m=64,t=1,p=9", VerifyError::MalformedHash),
        // Another order, another spelling, something more.
        ("t=1,m=64,p=1", VerifyError::MalformedHash),
        ("m=064,t=1,p=1", VerifyError::MalformedHash),
        ("m=+64,t=1,p=1", VerifyError::MalformedHash),
        ("m=64,t=1,p=1,", VerifyError::MalformedHash),
        ("m=64,t=1,p=1,keyid=", VerifyError::MalformedHash),
        ("m=64,t=1,p=1,x=1", VerifyError::MalformedHash),
        (
            "m=64,t=1,p=1,data=BAQEBA,keyid=BAQEBA",
            VerifyError::MalformedHash,
        ),
    ] {
        let answer = hasher.verify_blocking(&secret("password"), Some(&of(cost)));
        assert_eq!(answer, Err(expected), "{cost}");
    }
    let many = of(&["m=64,t=1,p=1"; 300].join(","));
    let answer = hasher.verify_blocking(&secret("password"), Some(&many));
    assert_eq!(answer, Err(VerifyError::MalformedHash));

    // Salts of 8 to 64 bytes, tags of 16 to 64.
    for (salt, tag, expected) in [
        (10, 43, VerifyError::MalformedHash),
        (11, 43, VerifyError::Invalid),
        (86, 43, VerifyError::Invalid),
        (87, 43, VerifyError::CostAboveCeiling),
        (11, 20, VerifyError::MalformedHash),
        (11, 22, VerifyError::Invalid),
        (11, 86, VerifyError::Invalid),
        (11, 87, VerifyError::CostAboveCeiling),
    ] {
        let stored = format!(
            "$argon2id$v=19$m=64,t=1,p=1${}${}",
            "A".repeat(salt),
            "A".repeat(tag)
        );
        let answer = hasher.verify_blocking(&secret("password"), Some(&stored));
        assert_eq!(answer, Err(expected), "salt {salt}, tag {tag}");
    }
}
