//! Nothing that is printed shows a key or a plaintext.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use tower_security::vault::{IndexBits, KeyRing, RingKey};

use super::{Heard, key, quiet};

const PLAIN: &[u8] = b"Qz9~ the number 123-45-6789";

/// Each part of 4 bytes and more, in the ways that bytes are printed in.
fn shows(text: &str, secret: &[u8]) -> bool {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = secret[..4]
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let raw = String::from_utf8(secret[..4].to_vec());
    let texts = [
        Some(hex[..8].to_owned()),
        Some(hex[..8].to_uppercase()),
        Some(list),
        raw.ok(),
        // Of the first 3 bytes on, and of the second and the third.
        Some(STANDARD_NO_PAD.encode(&secret[..6])),
        Some(URL_SAFE_NO_PAD.encode(&secret[..6])),
        Some(STANDARD_NO_PAD.encode(&secret[1..7])),
        Some(STANDARD_NO_PAD.encode(&secret[2..8])),
        Some(secret[..4].escape_ascii().to_string()),
    ];
    texts
        .iter()
        .flatten()
        .any(|part| text.contains(part.as_str()))
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for shown in [
        format!("{:?}", PLAIN),
        "0x517a397e20".to_owned(),
        URL_SAFE_NO_PAD.encode(PLAIN),
        format!("a{}", PLAIN.escape_ascii()),
    ] {
        assert!(shows(&shown, PLAIN), "{shown}");
    }
    assert!(!shows("users/ssn", PLAIN));
}

#[test]
fn debug_errors_and_events_show_ids_and_names_alone() {
    let heard = Heard::default();
    let builder = quiet(2)
        .next(3, key(3))
        .retired(1, key(1))
        .revoked(0)
        .events(heard.sink());
    let ring = builder.clone().build().unwrap();
    let ssn = ring.purpose(&["users", "ssn"]).unwrap();
    let sealed = ssn.protect(PLAIN, &["#of row 7"]).unwrap();
    let rejected = ssn.unprotect(&sealed, &["another"]).unwrap_err();
    let mut changed = sealed.clone();
    changed[40] ^= 1;
    let _ = ssn.unprotect_in_place(changed, &["#of row 7"]).unwrap_err();
    let index = ssn.blind_index(PLAIN, IndexBits::new(128).unwrap());
    let users = ring.pseudonym("users").unwrap();
    let config = KeyRing::builder()
        .active(1, key(7))
        .retired(1, key(7))
        .retired(2, KeyRing::key_text(&key(8)))
        .retired(2, KeyRing::key_text(&key(8)))
        .build()
        .unwrap_err();
    let mut printed = vec![
        format!("{builder:?} {builder:#?}"),
        format!("{ring:?} {ring:#?}"),
        format!("{ssn:?} {ssn:#?}"),
        format!("{users:?} {index:?} {index:#?}"),
        format!("{:?}", RingKey::from(key(2))),
        format!("{:?}", RingKey::from(KeyRing::key_text(&key(2)))),
        format!("{rejected:?} {rejected}"),
        format!("{config:?} {config}"),
    ];
    let lines = heard.take();
    assert_eq!(lines.len(), 2);
    printed.extend(lines.into_iter().map(|line| line.all));
    let keys = [1, 2, 3, 7, 8].map(|id| key(id).expose().to_vec());
    let secrets = keys.iter().map(Vec::as_slice).chain([
        PLAIN,
        b"#of row 7",
        &sealed[5..29],
        &sealed[29..],
        index.as_bytes(),
    ]);
    for secret in secrets {
        for text in &printed {
            assert!(!shows(text, secret), "{text}");
        }
    }
    assert_eq!(
        printed[1].split_once(" KeyRing").unwrap().0,
        "KeyRing { keys: {2: Active, 0: Revoked, 1: Retired, 3: Next}, events: <sink> }"
    );
    assert!(printed[2].starts_with("Protector { purpose: \"users/ssn\", keys: {2: Active"));
}
