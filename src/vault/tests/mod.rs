//! What needs a nonce that is known, and the vectors of what is built on.

mod frozen;
mod nonces;
mod published;

use super::KeyRing;
use super::config::KeyRingBuilder;
use crate::core::{NoopSink, Secret};

/// SHA-256 of `the ring key of the vectors`.
pub(super) const KEY: &str = "370c51244d32a329d505093d66e814260486c1294d238a10b944abd819a87e1f";

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let pairs = digits
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

pub(super) fn builder(id: u32) -> KeyRingBuilder {
    KeyRing::builder()
        .active(id, Secret::new(hex(KEY)))
        .events(NoopSink::new())
}
