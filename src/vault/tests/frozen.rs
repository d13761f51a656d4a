//! Values of version 1, computed from its description by another program (`HChaCha20`, `ChaCha20`, Poly1305 and HKDF written out in Python).
//! They never change: what stands in databases must open.

use super::{builder, hex};
use crate::vault::{IndexBits, KeyRing};

const NONCE: &str = "000102030405060708090a0b0c0d0e0f1011121314151617";

fn counted() -> Option<[u8; 24]> {
    Some(hex(NONCE).try_into().unwrap())
}

fn ring(id: u32) -> KeyRing {
    builder(id).nonces(counted).build().unwrap()
}

fn value(id: &str, body: &str, tag: &str) -> Vec<u8> {
    hex(&format!("01 {id} {NONCE} {body} {tag}"))
}

#[test]
fn a_value_of_a_column_is_what_it_was() {
    let ssn = ring(2).purpose(&["users", "ssn"]).unwrap();
    let context = ["acme", "user-7"];
    let frozen = value(
        "00000002",
        "15d1c65a8296ac25ab1d86",
        "1e9a8e4ac249b03dc253b2565606715f",
    );
    assert_eq!(ssn.protect(b"123-45-6789", &context).unwrap(), frozen);
    assert_eq!(*ssn.unprotect(&frozen, &context).unwrap(), b"123-45-6789");

    let text = "AQAAAAIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcV0cZagpasJasdhh6ajkrCSbA9wlOyVlYGcV8";
    assert_eq!(ssn.protect_str(b"123-45-6789", &context).unwrap(), text);
    assert_eq!(*ssn.unprotect_str(text, &context).unwrap(), b"123-45-6789");
}

#[test]
fn a_value_of_a_long_context_is_what_it_was() {
    let ssn = ring(2).purpose(&["users", "ssn"]).unwrap();
    let context = ["t".repeat(300), "r".repeat(300)];
    let frozen = value("00000002", "5c", "d4ab5e957132deb3cdb3d8426e9206e1");
    assert_eq!(ssn.protect(b"x", &context).unwrap(), frozen);
    assert_eq!(*ssn.unprotect(&frozen, &context).unwrap(), b"x");
}

#[test]
fn an_empty_value_that_is_bound_to_nothing_is_what_it_was() {
    let site = ring(0x0102_0304).purpose(&["site"]).unwrap();
    let frozen = value("01020304", "", "a87bec457a241f2aa4da993c8c248da2");
    assert_eq!(frozen.len(), 45);
    assert_eq!(site.protect_unbound(b"").unwrap(), frozen);
    assert_eq!(*site.unprotect_unbound(&frozen).unwrap(), b"");
}

#[test]
fn a_value_of_a_cookie_is_what_it_was() {
    let session = ring(2).cookie("session").unwrap();
    let frozen = value("00000002", "f9904a972c", "20ec49b4a01319fcc23d266d7e984a01");
    let sealed = session.protect(b"alice", &["example.com"]).unwrap();
    assert_eq!(sealed, frozen);
    let opened = session.unprotect(&frozen, &["example.com"]).unwrap();
    assert_eq!(*opened, b"alice");
}

#[test]
fn blind_indexes_are_what_they_were() {
    let ring = ring(2);
    let ssn = ring.purpose(&["users", "ssn"]).unwrap();
    for (bits, frozen) in [
        (16, "9ec8"),
        (24, "9ec8e5"),
        (32, "9ec8e517"),
        (48, "9ec8e517215c"),
        (64, "9ec8e517215c3aa0"),
        (128, "9ec8e517215c3aa0b54926e853a6d6ef"),
    ] {
        let bits = IndexBits::new(bits).unwrap();
        let index = ssn.blind_index(b"123-45-6789", bits);
        assert_eq!((index.as_bytes(), index.key_id()), (&*hex(frozen), 2));
    }
    let session = ring.cookie("session").unwrap();
    let index = session.blind_index(b"alice", IndexBits::default());
    assert_eq!(index.as_bytes(), hex("ca2db54701fe908e"));
}

#[test]
fn a_pseudonym_is_what_it_was() {
    let users = ring(2).pseudonym("users").unwrap();
    let alice = users.of(b"alice@example.com");
    assert_eq!(alice.to_string(), "2.05a86e4cddc252624349c8b6d2bd4417");
    assert_eq!(format!("{alice:?}"), alice.to_string());
}
