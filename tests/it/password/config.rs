//! What does not build.

use std::time::Duration;

use tower_security::core::{ErrorClass, PepperRing, Secret};
use tower_security::password::{Argon2Cost, Ceiling, PasswordHasher, PasswordHasherBuilder};

type Change = fn(PasswordHasherBuilder) -> PasswordHasherBuilder;

/// Code and path of each mistake.
fn mistakes(builder: PasswordHasherBuilder) -> Vec<(String, String)> {
    let Err(errors) = builder.build() else {
        return Vec::new();
    };
    let errors = errors.into_iter().map(|error| {
        assert_eq!(error.class(), ErrorClass::Refused);
        (error.code().to_owned(), error.path().to_owned())
    });
    errors.collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn each_mistake_is_refused_and_its_twin_is_not() {
    #[rustfmt::skip]
    let rows: [(&str, Change, Change); 20] = [
        ("cost_too_low password.argon2id", |b| b.argon2id(Argon2Cost::new(47_103, 1, 1)), |b| b.argon2id(Argon2Cost::new(47_104, 1, 1))),
        ("cost_too_low password.argon2id", |b| b.argon2id(Argon2Cost::new(19_455, 2, 1)), |b| b.argon2id(Argon2Cost::new(19_456, 2, 1))),
        ("cost_too_low password.argon2id", |b| b.argon2id(Argon2Cost::new(12_287, 3, 1)), |b| b.argon2id(Argon2Cost::new(12_288, 3, 1))),
        ("cost_too_low password.argon2id", |b| b.argon2id(Argon2Cost::new(19_456, 2, 0)), |b| b.argon2id(Argon2Cost::new(19_456, 2, 4))),
        ("cost_too_low password.argon2id", |b| b.dangerous_test_cost().argon2id(Argon2Cost::new(64, 1, 1)), |b| b.dangerous_test_cost()),
        ("cost_too_high password.argon2id", |b| b.argon2id(Argon2Cost::new(131_073, 1, 1)), |b| b.argon2id(Argon2Cost::new(131_072, 1, 1))),
        ("cost_too_high password.argon2id", |b| b.argon2id(Argon2Cost::new(19_456, 11, 1)), |b| b.argon2id(Argon2Cost::new(19_456, 10, 1))),
        ("cost_too_high password.argon2id", |b| b.argon2id(Argon2Cost::new(19_456, 2, 5)), |b| b.argon2id(Argon2Cost::new(19_456, 2, 5)).ceiling(Ceiling::new(19_456, 2, 5))),
        ("cost_too_high password.ceiling", |b| b.ceiling(Ceiling::new(2_097_153, 10, 4)), |b| b.ceiling(Ceiling::new(2_097_152, 100, 64))),
        ("cost_too_high password.ceiling", |b| b.ceiling(Ceiling::new(131_072, 101, 4)), |b| b.ceiling(Ceiling::new(131_072, 100, 4))),
        ("cost_too_high password.accept_bcrypt", |b| b.accept_bcrypt(4..=17), |b| b.accept_bcrypt(4..=16)),
        ("cost_too_high password.accept_bcrypt", |b| b.accept_bcrypt(3..=12), |b| b.accept_bcrypt(12..=12)),
        ("cost_too_high password.accept_bcrypt", |b| b.accept_bcrypt(std::ops::RangeInclusive::new(12, 10)), |b| b.accept_bcrypt(10..=12)),
        ("pool_refused password.concurrency", |b| b.concurrency(0), |b| b.concurrency(1)),
        // 107 * 19 MiB are 2033 MiB.
        ("pool_refused password.concurrency", |b| b.concurrency(108), |b| b.concurrency(107)),
        ("pool_refused password.queue", |b| b.queue(0), |b| b.queue(1)),
        ("pool_refused password.queue", |b| b.queue(4_097), |b| b.queue(4_096)),
        ("pool_refused password.queue_timeout", |b| b.queue_timeout(Duration::ZERO), |b| b.queue_timeout(SECOND * 30)),
        ("pool_refused password.uniform_floor", |b| b.uniform_floor(SECOND * 31), |b| b.uniform_floor(SECOND * 30)),
        ("length_refused password.max_len", |b| b.max_len(63), |b| b.max_len(64)),
    ];
    for (at, (expected, wrong, right)) in rows.into_iter().enumerate() {
        let found = mistakes(wrong(PasswordHasher::builder()));
        let found = found.iter().map(|(code, path)| format!("{code} {path}"));
        assert_eq!(found.collect::<Vec<_>>(), [expected], "{at}");
        assert_eq!(mistakes(right(PasswordHasher::builder())), [], "{at}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_say_what_to_write() {
    let errors = PasswordHasher::builder()
        .argon2id(Argon2Cost::new(1_024, 1, 1))
        .accept_bcrypt(4..=31)
        .concurrency(3_000)
        .queue(0)
        .queue_timeout(SECOND * 31)
        .uniform_floor(SECOND * 60)
        .max_len(4_097)
        .build()
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "password.accept_bcrypt: refused cost: bcrypt costs 4 to 31, write costs between 4 and 16, such as 4..=14\n\
         password.argon2id: refused cost m=1024,t=1,p=1: write `Argon2Cost::OWASP`, or at least m=47104,t=1 or m=19456,t=2 or \
         m=12288,t=3; in tests `dangerous_test_cost()`\n\
         password.concurrency: refused pool: concurrency 3000 takes 3000 MiB of memory, write 1 to 2048\n\
         password.queue: refused pool: a queue of 0, write 1 to 4096\n\
         password.queue_timeout: refused pool: a wait of 31s, write more than 0 and at most 30 s\n\
         password.uniform_floor: refused pool: floor 60s for the time of an answer, write at most 30 s\n\
         password.max_len: refused longest password of 4097 bytes: write 64 to 4096, such as 1024"
    );
    let errors = PasswordHasher::builder()
        .ceiling(Ceiling::new(19_455, 10, 4))
        .build()
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "password.argon2id: refused cost: m=19456,t=2,p=1 is above the ceiling m=19455,t=10,p=4, write `Argon2Cost::OWASP` or raise the \
         ceiling"
    );
}

#[test]
fn what_is_set_can_be_read_and_no_secret_is_shown() {
    let ring = PepperRing::builder("2026", Secret::from(b"0123456789abcdef")).build();
    let builder = PasswordHasher::builder()
        .pepper(ring.unwrap())
        .concurrency(3);
    let shown = format!("{builder:?}");
    let hasher = builder.build().unwrap();
    assert_eq!(
        (hasher.cost(), hasher.concurrency()),
        (Argon2Cost::OWASP, 3)
    );
    assert!(!hasher.has_test_cost());
    assert!(super::quick().build().unwrap().has_test_cost());
    for shown in [shown, format!("{hasher:?}")] {
        assert!(shown.contains("2026"), "{shown}");
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
        assert!(!shown.contains("48, 49, 50"), "{shown}");
    }
    let hash = super::quick().build().unwrap();
    let stored = hash.hash_blocking(&super::secret(super::STAPLE)).unwrap();
    let verified = hasher.verify_blocking(&super::secret(super::STAPLE), Some(&stored));
    assert_eq!(
        format!("{:?}", verified.unwrap()),
        "Verified { rehash: Some(\"[redacted]\") }"
    );
}

#[test]
fn the_default_is_as_many_hashes_as_processors_and_at_most_four() {
    let processors = std::thread::available_parallelism().unwrap().get();
    let hasher = PasswordHasher::builder().build().unwrap();
    assert_eq!(hasher.concurrency() as usize, processors.min(4));
}
