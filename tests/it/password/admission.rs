//! Who is let in to compute a hash, who waits, and who is sent away.

use std::task::Poll;
use std::time::Duration;

use tower_security::password::{
    Argon2Cost, HashError, PasswordFault, PasswordHasher, PasswordHasherBuilder, VerifyError,
};

use super::gate::{Gate, poll};
use super::{STAPLE, quick, secret};

const NO_TIME: Duration = Duration::ZERO;

/// One hash at once, which a gate holds back.
fn one_at_once(gate: &Gate) -> PasswordHasherBuilder {
    quick().concurrency(1).clock(gate.clone())
}

const fn busy(retry_after: Duration) -> VerifyError {
    VerifyError::Busy { retry_after }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn who_finds_no_place_in_the_queue_is_sent_away_at_once() {
    let gate = Gate::closed(NO_TIME);
    let hasher = one_at_once(&gate).queue(2).build().unwrap();
    let password = secret(STAPLE);

    let mut running = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut running), Poll::Pending);
    gate.wait_for(1);
    let mut waiting = Box::pin(hasher.verify(&password, None));
    let mut hashing = Box::pin(hasher.hash(&password));
    assert_eq!(poll(&mut waiting), Poll::Pending);
    assert!(poll(&mut hashing).is_pending());

    let mut third = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut third), Poll::Ready(Err(busy(SECOND))));
    let mut third = Box::pin(hasher.hash(&password));
    let expected = HashError::Busy {
        retry_after: SECOND,
    };
    assert_eq!(poll(&mut third), Poll::Ready(Err(expected)));
    let blocking = hasher.verify_blocking(&password, None);
    assert_eq!(blocking, Err(busy(SECOND)), "it is the same queue");

    // Who gives up makes room in the queue.
    drop(waiting);
    let mut waiting = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut waiting), Poll::Pending);

    gate.open();
    assert_eq!(running.await, Err(VerifyError::Invalid));
    assert!(hashing.await.is_ok());
    assert_eq!(waiting.await, Err(VerifyError::Invalid));
    assert_eq!(
        hasher.verify(&password, None).await,
        Err(VerifyError::Invalid)
    );
}

#[tokio::test]
async fn a_client_that_disconnects_frees_no_permit() {
    let gate = Gate::closed(NO_TIME);
    let hasher = one_at_once(&gate).queue(1).build().unwrap();
    let password = secret(STAPLE);

    let mut running = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut running), Poll::Pending);
    gate.wait_for(1);
    drop(running);

    let mut waiting = Box::pin(hasher.verify(&password, None));
    for _ in 0..100 {
        assert_eq!(poll(&mut waiting), Poll::Pending);
    }
    let mut another = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut another), Poll::Ready(Err(busy(SECOND))));
    assert_eq!(gate.readings(), 1, "no other hash has begun");

    gate.open();
    assert_eq!(waiting.await, Err(VerifyError::Invalid));
    // Both have been computed to the end.
    assert_eq!(gate.readings(), 4);
}

/// Whatever the user is, he waits for a permit; who is refused before does not.
#[tokio::test]
async fn an_unknown_user_and_a_broken_hash_cost_a_hash_too() {
    let gate = Gate::closed(NO_TIME);
    let hasher = one_at_once(&gate).build().unwrap();
    let password = secret(STAPLE);
    let mut running = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut running), Poll::Pending);
    gate.wait_for(1);

    let waits = [
        None,
        Some(""),
        Some("$2x$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
        Some("5f4dcc3b5aa765d61d8327deb882cf99"),
        Some("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        Some("$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        Some("$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
    ];
    let empty = secret("");
    let mut calls: Vec<_> = waits
        .iter()
        .map(|stored| Box::pin(hasher.verify(&password, *stored)))
        .chain([Box::pin(hasher.verify(&empty, None))])
        .collect();
    for call in &mut calls {
        assert_eq!(poll(call), Poll::Pending);
    }

    let mut dear = Box::pin(hasher.verify(&password, Some("$argon2id$v=19$m=1048576,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")));
    assert_eq!(
        poll(&mut dear),
        Poll::Ready(Err(VerifyError::CostAboveCeiling))
    );
    let long = secret(&"a".repeat(1_025));
    let mut long = Box::pin(hasher.verify(&long, None));
    assert_eq!(poll(&mut long), Poll::Ready(Err(VerifyError::TooLong)));

    gate.open();
    assert_eq!(running.await, Err(VerifyError::Invalid));
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.map(|_| "verified"));
    }
    let malformed = Err(VerifyError::MalformedHash);
    let invalid = Err(VerifyError::Invalid);
    let verified = Ok("verified");
    assert_eq!(
        answers,
        [
            invalid, malformed, malformed, malformed, invalid, malformed, verified, invalid
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_too_long_is_sent_away() {
    let gate = Gate::closed(NO_TIME);
    let builder = one_at_once(&gate).queue_timeout(Duration::from_secs(3));
    let hasher = builder.build().unwrap();
    let password = secret(STAPLE);
    let mut running = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut running), Poll::Pending);
    gate.wait_for(1);

    let mut waiting = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut waiting), Poll::Pending);
    tokio::time::advance(Duration::from_millis(2_900)).await;
    assert_eq!(poll(&mut waiting), Poll::Pending);
    tokio::time::advance(Duration::from_millis(200)).await;
    assert_eq!(poll(&mut waiting), Poll::Ready(Err(busy(SECOND))));
    // Who runs is not interrupted.
    assert_eq!(poll(&mut running), Poll::Pending);
    gate.open();
    assert_eq!(running.await, Err(VerifyError::Invalid));
}

/// 20 ms for a hash are assumed until one was measured.
#[tokio::test]
async fn who_would_wait_too_long_does_not_wait_at_all() {
    let gate = Gate::closed(NO_TIME);
    let hasher = PasswordHasher::builder()
        .concurrency(1)
        .queue_timeout(Duration::from_millis(100))
        .clock(gate.clone())
        .build()
        .unwrap();
    let password = secret(STAPLE);
    // One that runs and four that wait are 100 ms of work before who comes next.
    let mut calls: Vec<_> = (0..6)
        .map(|_| Box::pin(hasher.verify(&password, None)))
        .collect();
    let found: Vec<_> = calls.iter_mut().map(poll).collect();
    assert_eq!(found, [const { Poll::Pending }; 6]);
    let mut late = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut late), Poll::Ready(Err(busy(SECOND))));

    // A hash of bcrypt counts as many.
    drop(calls.split_off(2));
    let bcrypt = "$2b$12$abcdefghijklmnopqrstuu0sDWleciW5uGBGYwxpcgAsh9WK4bWNy";
    let mut dear = Box::pin(hasher.verify(&password, Some(bcrypt)));
    assert_eq!(poll(&mut dear), Poll::Pending);
    let mut late = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut late), Poll::Ready(Err(busy(SECOND))));
    drop((dear, late));
    let mut next = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut next), Poll::Pending);
    gate.open();
}

#[tokio::test]
async fn the_wait_is_estimated_by_what_hashes_have_taken() {
    // Two looks at the clock are one hash of 8 s: a moving average of 20 ms and an eighth of the difference, 1017.5 ms.
    let gate = Gate::closed(Duration::from_secs(8));
    let hasher = PasswordHasher::builder()
        .concurrency(1)
        .clock(gate.clone())
        .build()
        .unwrap();
    let password = secret(STAPLE);
    gate.open();
    assert_eq!(
        hasher.verify(&password, None).await,
        Err(VerifyError::Invalid)
    );
    gate.close();

    let mut running = Box::pin(hasher.verify(&password, None));
    let mut waiting = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut running), Poll::Pending);
    assert_eq!(poll(&mut waiting), Poll::Pending);
    let mut late = Box::pin(hasher.verify(&password, None));
    let Poll::Ready(Err(error @ VerifyError::Busy { retry_after })) = poll(&mut late) else {
        panic!("it waits");
    };
    assert!((2.0349..2.0351).contains(&retry_after.as_secs_f64()));
    let answer = super::answers::rendered(error.rejection());
    assert_eq!(answer.headers()["retry-after"], "3");
    drop(waiting);
    gate.open();
    assert_eq!(running.await, Err(VerifyError::Invalid));
}

/// While nobody runs, nobody waits: however long a hash takes, one can be computed.
#[tokio::test]
async fn a_free_permit_is_given_however_slow_hashes_are() {
    let gate = Gate::closed(Duration::from_secs(3_600));
    gate.open();
    let hasher = one_at_once(&gate).build().unwrap();
    for _ in 0..3 {
        let answer = hasher.verify(&secret(STAPLE), None).await;
        assert_eq!(answer, Err(VerifyError::Invalid));
    }
}

/// The memory of four at 64 KiB is not exceeded by one of 256, nor by two of 128. Argon2 takes whole fours of KiB (RFC 9106, section 3.2).
#[tokio::test]
async fn a_hash_that_is_larger_holds_the_permits_of_several() {
    let of = |memory: u32| {
        format!(
            "$argon2id$v=19$m={memory},t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
        )
    };
    for (memory, at_once) in [
        (8, 4),
        (64, 4),
        (67, 4),
        (68, 2),
        (128, 2),
        (131, 2),
        (132, 1),
        (256, 1),
        (4_096, 1),
    ] {
        let gate = Gate::closed(NO_TIME);
        let builder = quick().concurrency(4).clock(gate.clone());
        let hasher = builder.build().unwrap();
        let (password, stored) = (secret(STAPLE), of(memory));
        let mut calls: Vec<_> = (0..6)
            .map(|_| Box::pin(hasher.verify(&password, Some(&stored))))
            .collect();
        for call in &mut calls {
            assert_eq!(poll(call), Poll::Pending);
        }
        gate.wait_for(at_once);
        assert_eq!(gate.readings(), at_once, "{memory} KiB");
        gate.open();
        for call in calls {
            assert_eq!(call.await, Err(VerifyError::Invalid));
        }
    }
}

#[test]
fn outside_of_a_runtime_it_is_an_error_that_names_the_way_out() {
    let hasher = quick().build().unwrap();
    let password = secret(STAPLE);
    let mut call = Box::pin(hasher.verify(&password, None));
    let Poll::Ready(Err(error)) = poll(&mut call) else {
        panic!("it goes on");
    };
    assert_eq!(error, VerifyError::Internal(PasswordFault::NoRuntime));
    assert!(error.to_string().contains("`verify_blocking`"), "{error}");
    let mut call = Box::pin(hasher.hash(&password));
    let Poll::Ready(Err(error)) = poll(&mut call) else {
        panic!("it goes on");
    };
    assert_eq!(error, HashError::Internal(PasswordFault::NoRuntime));
    assert!(error.to_string().contains("`hash_blocking`"), "{error}");

    // That way is open.
    let stored = hasher.hash_blocking(&password).unwrap();
    let verified = hasher.verify_blocking(&password, Some(&stored)).unwrap();
    assert_eq!(verified.rehash, None);
    let wrong = hasher.verify_blocking(&secret("Tr0ub4dor&3"), Some(&stored));
    assert_eq!(wrong, Err(VerifyError::Invalid));

    let bare = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let answer = bare.block_on(hasher.verify(&password, None));
    assert_eq!(answer, Err(VerifyError::Internal(PasswordFault::NoTimers)));
}

#[test]
fn threads_of_ones_own_wait_in_the_same_queue() {
    let gate = Gate::closed(NO_TIME);
    let hasher = one_at_once(&gate).build().unwrap();
    let call = || {
        let hasher = hasher.clone();
        std::thread::spawn(move || hasher.verify_blocking(&secret(STAPLE), None))
    };
    let threads: Vec<_> = (0..8).map(|_| call()).collect();
    gate.wait_for(1);
    gate.open();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Err(VerifyError::Invalid));
    }
    assert_eq!(gate.readings(), 16);

    // One that waits in vain.
    gate.close();
    let builder = one_at_once(&gate).queue_timeout(Duration::from_millis(10));
    let hasher = builder.build().unwrap();
    let other = hasher.clone();
    let running = std::thread::spawn(move || other.verify_blocking(&secret(STAPLE), None));
    gate.wait_for(17);
    let late = hasher.verify_blocking(&secret(STAPLE), None);
    assert_eq!(late, Err(busy(SECOND)));
    gate.open();
    assert_eq!(running.join().unwrap(), Err(VerifyError::Invalid));
}

#[tokio::test]
async fn nobody_is_answered_before_the_floor_but_who_is_refused_without_work() {
    const FLOOR: Duration = Duration::from_millis(60);
    let hasher = quick().uniform_floor(FLOOR).build().unwrap();
    let plain = quick().uniform_floor(None).build().unwrap();
    let stored = plain.hash(&secret(STAPLE)).await.unwrap();
    let dear =
        "$argon2id$v=19$m=1048576,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let begin = std::time::Instant::now();
    for (password, stored) in [
        (STAPLE, Some(stored.as_str())),
        ("wrong", Some(&stored)),
        ("wrong", Some("broken")),
        ("wrong", Some(dear)),
        ("wrong", None),
    ] {
        let start = std::time::Instant::now();
        let _ = hasher.verify(&secret(password), stored).await;
        assert!(start.elapsed() >= FLOOR, "{stored:?}");
        let start = std::time::Instant::now();
        let _ = hasher.verify_blocking(&secret(password), stored);
        assert!(start.elapsed() >= FLOOR, "{stored:?}");
    }
    assert!(begin.elapsed() < FLOOR * 100);
    let long = secret(&"a".repeat(1_025));
    let mut call = Box::pin(hasher.verify(&long, None));
    assert_eq!(poll(&mut call), Poll::Ready(Err(VerifyError::TooLong)));
}

/// Not a byte is allocated for it, and nobody waits.
#[test]
fn a_hash_that_asks_for_a_gibibyte_is_refused_within_a_millisecond() {
    let hasher = PasswordHasher::builder().build().unwrap();
    let dear = format!(
        "$argon2id$v=19${},t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "m=1048576"
    );
    let password = secret(STAPLE);
    let quickest = (0..20).map(|_| {
        let start = std::time::Instant::now();
        let answer = hasher.verify_blocking(&password, Some(&dear));
        assert_eq!(answer, Err(VerifyError::CostAboveCeiling));
        start.elapsed()
    });
    assert!(quickest.min().unwrap() < Duration::from_millis(1));
    assert_eq!(hasher.cost(), Argon2Cost::OWASP);
}
