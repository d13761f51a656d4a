//! Values that were moved to where they do not belong.

use tower_security::vault::{KeyRing, Protector, VaultError};

use super::{Heard, key, quiet};

const PLAIN: &[u8] = b"123-45-6789";

fn ring(key_of: u32, heard: &Heard) -> KeyRing {
    // The same id, so that it is the key that decides.
    KeyRing::builder()
        .active(1, key(key_of))
        .events(heard.sink())
        .build()
        .unwrap()
}

/// A value and how it is opened.
type Place = (&'static str, Box<dyn Fn(&[u8]) -> bool>, Vec<u8>);

fn place<const N: usize>(
    name: &'static str,
    protector: &Protector,
    context: [&'static str; N],
) -> Place {
    let sealed = if N == 0 {
        protector.protect_unbound(PLAIN)
    } else {
        seal(protector, context)
    };
    let protector = protector.clone();
    let open = move |bytes: &[u8]| {
        let opened = if N == 0 {
            protector.unprotect_unbound(bytes)
        } else {
            open(&protector, bytes, context)
        };
        match opened {
            Ok(opened) => {
                assert_eq!(*opened, PLAIN);
                true
            }
            Err(error) => {
                assert_eq!(error, VaultError::Rejected);
                false
            }
        }
    };
    (name, Box::new(open), sealed.unwrap())
}

#[test]
fn each_opens_in_its_own_place_alone() {
    let heard = Heard::default();
    let (ours, theirs) = (ring(1, &heard), ring(2, &heard));
    let purpose = |parts: &[&str]| ours.purpose(parts).unwrap();
    let ssn = purpose(&["users", "ssn"]);
    let places = [
        place("its own", &ssn, ["acme", "user-7"]),
        place("another row", &ssn, ["acme", "user-8"]),
        place("another tenant", &ssn, ["evil", "user-7"]),
        place(
            "another column",
            &purpose(&["users", "iban"]),
            ["acme", "user-7"],
        ),
        place(
            "another table",
            &purpose(&["staff", "ssn"]),
            ["acme", "user-7"],
        ),
        place(
            "another ring",
            &theirs.purpose(&["users", "ssn"]).unwrap(),
            ["acme", "user-7"],
        ),
        place(
            "another boundary of the purpose",
            &purpose(&["userss", "sn"]),
            ["acme", "user-7"],
        ),
        place(
            "one part of the purpose",
            &purpose(&["usersssn"]),
            ["acme", "user-7"],
        ),
        place(
            "a longer purpose",
            &purpose(&["users", "ssn", "acme"]),
            ["acme", "user-7"],
        ),
        place(
            "another order of the purpose",
            &purpose(&["ssn", "users"]),
            ["acme", "user-7"],
        ),
        place("another boundary of the context", &ssn, ["acmeu", "ser-7"]),
        place("one part of the context", &ssn, ["acmeuser-7"]),
        place("a longer context", &ssn, ["acme", "user-7", ""]),
        place("a shorter context", &ssn, ["acme"]),
        place("another order of the context", &ssn, ["user-7", "acme"]),
        place("an empty part", &ssn, [""]),
        place("no context", &ssn, []),
        place(
            "a cookie",
            &ours.cookie("session").unwrap(),
            ["acme", "user-7"],
        ),
        place(
            "another cookie",
            &ours.cookie("theme").unwrap(),
            ["acme", "user-7"],
        ),
        place(
            "a column of the name of the cookie",
            &purpose(&["cookie", "session"]),
            ["acme", "user-7"],
        ),
    ];
    for (from, _, sealed) in &places {
        for (to, opens, _) in &places {
            assert_eq!(opens(sealed), from == to, "from {from} to {to}");
            let codes = heard.codes();
            let told = codes.iter().map(|(code, _, id)| (*code, id.as_str()));
            let expected = if from == to {
                vec![]
            } else {
                vec![("rejected", "key=1")]
            };
            assert_eq!(told.collect::<Vec<_>>(), expected, "from {from} to {to}");
        }
    }
}

#[test]
fn a_blind_index_belongs_to_its_purpose() {
    use tower_security::vault::IndexBits;

    let ring = quiet(1).build().unwrap();
    let bits = IndexBits::new(128).unwrap();
    let of = |protector: Protector| protector.blind_index(PLAIN, bits).as_bytes().to_vec();
    let purpose = |parts: &[&str]| of(ring.purpose(parts).unwrap());
    let all = [
        purpose(&["users", "ssn"]),
        purpose(&["userss", "sn"]),
        purpose(&["staff", "ssn"]),
        purpose(&["cookie", "session"]),
        of(ring.cookie("session").unwrap()),
        of(quiet(2)
            .build()
            .unwrap()
            .purpose(&["users", "ssn"])
            .unwrap()),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(all[at + 1..].iter().all(|other| other != one), "{at}");
    }
    assert_eq!(purpose(&["users", "ssn"]), all[0]);
}

fn seal<const N: usize>(
    protector: &Protector,
    context: [&'static str; N],
) -> Result<Vec<u8>, VaultError> {
    match &context[..] {
        [a] => protector.protect(PLAIN, &[a]),
        [a, b] => protector.protect(PLAIN, &[a, b]),
        [a, b, c] => protector.protect(PLAIN, &[a, b, c]),
        _ => unreachable!("one to three"),
    }
}

fn open<const N: usize>(
    protector: &Protector,
    bytes: &[u8],
    context: [&'static str; N],
) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
    match &context[..] {
        [a] => protector.unprotect(bytes, &[a]),
        [a, b] => protector.unprotect(bytes, &[a, b]),
        [a, b, c] => protector.unprotect(bytes, &[a, b, c]),
        _ => unreachable!("one to three"),
    }
}
