//! SipHash, so that nobody can choose keys that fall together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

/// A key as counters know it: what is left of an address or an account, never the thing itself.
///
/// 64 bits tell keys apart within a process; with a secret shared by several nodes it has 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyHash {
    low: u64,
    high: u64,
}

impl KeyHash {
    /// Takes both halves; `high` is 0 within a process.
    #[must_use]
    #[inline]
    pub const fn new(low: u64, high: u64) -> Self {
        Self { low, high }
    }

    /// Returns the half that stores of one process use.
    #[must_use]
    #[inline]
    pub const fn low(self) -> u64 {
        self.low
    }

    /// Returns the other half.
    #[must_use]
    #[inline]
    pub const fn high(self) -> u64 {
        self.high
    }
}

/// With what keys are hashed.
#[derive(Clone, Copy)]
pub struct KeySeed {
    key: [u64; 2],
    wide: bool,
}

impl KeySeed {
    /// Draws a seed for this process: SipHash-1-3, 64 bits.
    #[must_use]
    pub fn random() -> Self {
        let draw = || RandomState::new().build_hasher().finish();
        Self {
            key: [draw(), draw()],
            wide: false,
        }
    }

    /// Takes the secret of a fleet: SipHash-2-4 with 128 bits, the same on every node.
    #[must_use]
    pub const fn fleet(secret: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(secret);
        Self {
            #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
            key: [whole as u64, (whole >> 64) as u64],
            wide: true,
        }
    }

    /// Whether another process hashes keys in the same way.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.wide
    }
}

impl std::fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.wide {
            "<seed of a fleet>"
        } else {
            "<seed of this process>"
        })
    }
}

/// Makes a [`KeyHash`] of what a key is made of.
///
/// What is written by [`ip`](Self::ip), [`str`](Self::str), [`bytes`](Self::bytes) and [`u64`](Self::u64) is told apart from its
/// neighbours: `("ab", "c")` is another key than `("a", "bc")`. As a [`Hasher`] it takes any `T: Hash`, whose bytes may differ
/// between two versions of the program: keys of a fleet are not made that way.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    v: [u64; 4],
    tail: u64,
    length: u64,
    wide: bool,
}

impl KeyHasher {
    /// Starts a key.
    #[must_use]
    #[inline]
    pub const fn new(seed: &KeySeed) -> Self {
        let [k0, k1] = seed.key;
        let widened = if seed.wide { 0xee } else { 0 };
        Self {
            v: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d ^ widened,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
            tail: 0,
            length: 0,
            wide: seed.wide,
        }
    }

    /// Adds an address. An IPv4-mapped IPv6 address is the IPv4 address.
    #[inline]
    pub fn ip(&mut self, ip: IpAddr) {
        match ip.to_canonical() {
            IpAddr::V4(v4) => self.u64(4 << 32 | u64::from(v4.to_bits())),
            IpAddr::V6(v6) => {
                self.u64(6 << 32);
                self.write(&v6.octets());
            }
        }
    }

    /// Adds a text.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.write(bytes);
    }

    /// Adds a number.
    #[inline]
    pub fn u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    /// Ends the key.
    #[must_use]
    #[inline]
    pub fn key(&self) -> KeyHash {
        let mut v = self.v;
        let last = self.tail | self.length << 56;
        compress(&mut v, last, self.wide);
        if !self.wide {
            return KeyHash::new(finalize(&mut v, 0xff, 3), 0);
        }
        let low = finalize(&mut v, 0xee, 4);
        v[1] ^= 0xdd;
        for _ in 0..4 {
            round(&mut v);
        }
        KeyHash::new(low, v[0] ^ v[1] ^ v[2] ^ v[3])
    }
}

impl Hasher for KeyHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let filled = self.length % 8;
            self.tail |= u64::from(*byte) << (8 * filled);
            self.length = self.length.wrapping_add(1);
            if filled == 7 {
                compress(&mut self.v, self.tail, self.wide);
                self.tail = 0;
            }
        }
    }

    fn finish(&self) -> u64 {
        self.key().low()
    }
}

#[inline]
fn compress(v: &mut [u64; 4], word: u64, wide: bool) {
    v[3] ^= word;
    round(v);
    if wide {
        round(v);
    }
    v[0] ^= word;
}

#[inline]
fn finalize(v: &mut [u64; 4], mark: u64, rounds: u32) -> u64 {
    v[2] ^= mark;
    for _ in 0..rounds {
        round(v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline]
const fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}
