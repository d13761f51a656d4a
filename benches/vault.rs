//! Encryption at rest: a field of 16 bytes and one of 4 KiB, beside the cipher alone, `aes-gcm` and `orion`.
//!
//! ```text
//! cargo bench --features vault --bench vault                      allocations and time, then each bar
//! cargo bench --features vault --bench vault -- --instructions    instructions, counted by valgrind's callgrind
//! ```
//!
//! Each row draws its nonce from the operating system. The rivals authenticate nothing beside the value, but for the row that gets the bytes
//! that ours is bound to: version, key, purpose and context; and none but ours wipes a plaintext. Of 16 bytes, three tenths of the time are the
//! binding; of 4 KiB, a tenth is the wiping. The bars are about what comes on top: they compare with the cipher that does both.

mod harness;

use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use aes_gcm::Aes256Gcm;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use tower_security::core::{NoopSink, Secret};
use tower_security::vault::{IndexBits, KeyRing, Protector};

use harness::Group;

const OURS: &str = "tower-security";
const OURS_64: &str = "tower-security, 64 keys";
const RAW: &str = "chacha20poly1305";
const BOUND: &str = "chacha20poly1305, bound";

const CONTEXT: [&str; 2] = ["tenant-0001", "0190b8c4-7d6e-7c1a-9d0f-2f6f5f0d9a11"];
/// As many as ours authenticates for the purpose and the context above.
const AAD: [u8; 140] = [7; 140];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let is_counted = arguments.any(|argument| argument.starts_with("--") && argument != "--bench");
    let code = harness::main("vault", &groups());
    if is_counted || code != ExitCode::SUCCESS {
        return code;
    }
    bars()
}

fn key(number: u32) -> [u8; 32] {
    Sha256::digest(number.to_be_bytes()).into()
}

fn column(keys: u32) -> Protector {
    let ring = KeyRing::builder()
        .active(0, Secret::new(key(0)))
        .events(NoopSink::new());
    let ring = (1..keys).fold(ring, |ring, id| ring.retired(id, Secret::new(key(id))));
    let ring = ring.build().expect("it is sound");
    ring.purpose(&["users", "ssn"]).expect("it is a purpose")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("there is randomness");
    bytes
}

fn raw(cipher: &XChaCha20Poly1305, plain: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce = random::<24>();
    let payload = Payload { msg: plain, aad };
    let body = cipher.encrypt(&nonce.into(), payload);
    black_box(nonce);
    body.expect("it is short")
}

fn groups() -> Vec<Group> {
    vec![
        protect("protect 16 B", 16),
        protect("protect 4 KiB", 4_096),
        unprotect("unprotect 16 B", 16),
        unprotect("unprotect 4 KiB", 4_096),
        Group::new("beside values", "blind index")
            .row("nothing", || (|| (), |()| ()))
            .row("blind index", || {
                let ssn = column(1);
                let call = move |()| ssn.blind_index(b"123-45-6789", IndexBits::default());
                (|| (), call)
            })
            .row("needs_rotation", || {
                let ssn = column(1);
                let sealed = ssn.protect(b"123-45-6789", &CONTEXT).expect("it is short");
                (|| (), move |()| ssn.needs_rotation(&sealed))
            })
            .row("derive a purpose, 1 key", || {
                let ring = KeyRing::builder().active(0, Secret::new(key(0)));
                let ring = ring.build().expect("it is sound");
                (|| (), move |()| ring.purpose(&["users", "ssn"]).is_ok())
            }),
    ]
}

fn protect(name: &'static str, length: usize) -> Group {
    let plain = Rc::<[u8]>::from(vec![7; length]);
    let of = move || Rc::clone(&plain);
    Group::new(name, RAW)
        .row("nonce", || (|| (), |()| random::<24>()))
        .row(RAW, {
            let plain = of();
            move || {
                let (cipher, plain) = (XChaCha20Poly1305::new(&key(0).into()), Rc::clone(&plain));
                (|| (), move |()| raw(&cipher, &plain, &[]))
            }
        })
        .row(BOUND, {
            let plain = of();
            move || {
                let (cipher, plain) = (XChaCha20Poly1305::new(&key(0).into()), Rc::clone(&plain));
                (|| (), move |()| raw(&cipher, &plain, &AAD))
            }
        })
        .row("aes-gcm", {
            let plain = of();
            move || {
                let (cipher, plain) = (Aes256Gcm::new(&key(0).into()), Rc::clone(&plain));
                let call = move |()| {
                    let nonce = random::<12>();
                    cipher.encrypt(&nonce.into(), &*plain).expect("it is short")
                };
                (|| (), call)
            }
        })
        .row("orion", {
            let plain = of();
            move || {
                let key = orion::aead::SecretKey::generate().expect("there is randomness");
                let plain = Rc::clone(&plain);
                let call = move |()| orion::aead::seal(&key, &plain).expect("it is short");
                (|| (), call)
            }
        })
        .row(OURS, {
            let plain = of();
            move || {
                let (ssn, plain) = (column(1), Rc::clone(&plain));
                (|| (), move |()| ssn.protect(&plain, &CONTEXT))
            }
        })
}

fn unprotect(name: &'static str, length: usize) -> Group {
    let ours = move |keys| {
        move || {
            let ssn = column(keys);
            let sealed = ssn
                .protect(&vec![7; length], &CONTEXT)
                .expect("it is short");
            (|| (), move |()| ssn.unprotect(&sealed, &CONTEXT))
        }
    };
    let raw = move |aad: &'static [u8]| {
        move || {
            let cipher = XChaCha20Poly1305::new(&key(0).into());
            let nonce = [9; 24];
            let msg: &[u8] = &vec![7; length];
            let sealed = cipher.encrypt(&nonce.into(), Payload { msg, aad });
            let sealed = sealed.expect("it is short");
            let call = move |()| cipher.decrypt(&nonce.into(), Payload { msg: &sealed, aad });
            (|| (), call)
        }
    };
    Group::new(name, RAW)
        .row("nothing", || (|| (), |()| ()))
        .row(RAW, raw(&[]))
        .row(BOUND, raw(&AAD))
        .row("aes-gcm", move || {
            let cipher = Aes256Gcm::new(&key(0).into());
            let nonce = [9; 12];
            let sealed = cipher.encrypt(&nonce.into(), &*vec![7; length]);
            let sealed = sealed.expect("it is short");
            (|| (), move |()| cipher.decrypt(&nonce.into(), &*sealed))
        })
        .row("orion", move || {
            let key = orion::aead::SecretKey::generate().expect("there is randomness");
            let sealed = orion::aead::seal(&key, &vec![7; length]).expect("it is short");
            (|| (), move |()| orion::aead::open(&key, &sealed))
        })
        .row(OURS, ours(1))
        .row(OURS_64, ours(64))
        .row("tower-security, in place", move || {
            let ssn = column(1);
            let sealed = ssn
                .protect(&vec![7; length], &CONTEXT)
                .expect("it is short");
            let call = move |sealed| ssn.unprotect_in_place(sealed, &CONTEXT);
            (move || sealed.clone(), call)
        })
}

/// The fifth percentile of both, which take turns, for each call.
fn both(mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    const CALLS: u32 = 64;
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..3_000 {
        let [of_one, of_other] = &mut samples;
        let start = Instant::now();
        (0..CALLS).for_each(|_| one());
        of_one.push(start.elapsed());
        let start = Instant::now();
        (0..CALLS).for_each(|_| other());
        of_other.push(start.elapsed());
    }
    let [one, other] = samples.map(|mut samples: Vec<Duration>| {
        samples.sort_unstable();
        samples[samples.len() / 20].as_secs_f64() / f64::from(CALLS)
    });
    (one, other)
}

fn bars() -> ExitCode {
    let mut missed = 0;
    let mut at_most = |what: &str, figure: f64, bar: f64| {
        let is_reached = figure <= bar;
        let word = if is_reached { "pass" } else { "MISSED" };
        println!("  {what:<58} {figure:>8.3}  (bar {bar})  {word}");
        missed += usize::from(!is_reached);
    };
    println!(
        "\nbars: time of ours, divided by that of the cipher with the same bytes bound, and wiped, in the same run"
    );
    let (ssn, of_64) = (column(1), column(64));
    let cipher = XChaCha20Poly1305::new(&key(0).into());
    for (name, length, bar) in [("16 B", 16, 1.15), ("4 KiB", 4_096, 1.0 / 0.95)] {
        let plain = vec![7; length];
        let (ours, alone) = both(
            || drop(black_box(ssn.protect(black_box(&plain), &CONTEXT))),
            || drop(black_box(raw(&cipher, black_box(&plain), &AAD))),
        );
        at_most(&format!("protect {name}"), ours / alone, bar);
        if length == 4_096 {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let rate = length as f64 / ours / 1e6;
            at_most(&format!("500 MB/s, at {rate:.0} MB/s"), 500.0 / rate, 1.0);
        }
        let sealed = ssn.protect(&plain, &CONTEXT).expect("it is short");
        let nonce = [9; 24].into();
        let bound = |msg| Payload { msg, aad: &AAD };
        let of_raw = cipher.encrypt(&nonce, bound(&plain)).expect("it is short");
        let open = || cipher.decrypt(&nonce, bound(black_box(&of_raw)));
        let (ours, alone) = both(
            || drop(black_box(ssn.unprotect(black_box(&sealed), &CONTEXT))),
            || drop(black_box(open().map(Zeroizing::new))),
        );
        at_most(&format!("unprotect {name}"), ours / alone, bar);
        let last = column_of_last();
        let sealed_by_last = last.protect(&plain, &CONTEXT).expect("it is short");
        let (of_many, of_one) = both(
            || {
                drop(black_box(
                    of_64.unprotect(black_box(&sealed_by_last), &CONTEXT),
                ))
            },
            || {
                drop(black_box(
                    last.unprotect(black_box(&sealed_by_last), &CONTEXT),
                ))
            },
        );
        at_most(
            &format!("unprotect {name}, the last of 64 keys"),
            of_many / of_one,
            1.05,
        );
    }
    if missed == 0 {
        println!("\nall bars reached");
        ExitCode::SUCCESS
    } else {
        println!("\n{missed} bars missed");
        ExitCode::FAILURE
    }
}

/// The column as the key that is the last of 64 sees it, alone.
fn column_of_last() -> Protector {
    let ring = KeyRing::builder().active(63, Secret::new(key(63)));
    let ring = ring.build().expect("it is sound");
    ring.purpose(&["users", "ssn"]).expect("it is a purpose")
}
