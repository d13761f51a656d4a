//! `SipHash`, so that nobody can choose keys that fall together.

use std::fmt;
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

    /// Both halves in one number.
    #[inline]
    pub(crate) const fn bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

/// Hexadecimal digits, as events name whom they are about: 16, or 32 with a secret shared by several nodes.
impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.high != 0 {
            write!(f, "{:016x}", self.high)?;
        }
        write!(f, "{:016x}", self.low)
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

    /// The key of one number, as [`KeyHasher::u64`] and [`KeyHasher::key`] make it: an IPv4 address, of which most keys are made.
    #[inline]
    pub(super) const fn key_of(&self, number: u64) -> KeyHash {
        let mut hasher = KeyHasher::new(self);
        if self.wide {
            hasher.word(number);
            return hasher.wide_key();
        }
        compress(&mut hasher.v, number, false);
        compress(&mut hasher.v, 8 << 56, false);
        KeyHash::new(finalize(&mut hasher.v, 0xff), 0)
    }

    /// A seed of this process that is known.
    #[cfg(test)]
    pub(super) const fn local(secret: [u8; 16]) -> Self {
        Self {
            wide: false,
            ..Self::fleet(secret)
        }
    }

    /// Whether another process hashes keys in the same way.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.wide
    }
}

impl fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
///
/// Nothing is kept of what is written, and nothing allocates: a text of 64 KiB costs the time to read it.
///
/// # Example
///
/// ```
/// use tower_security::rate_limit::key::{KeyHasher, KeySeed};
///
/// let seed = KeySeed::random();
/// let key_of = |parts: [&str; 2]| {
///     let mut hasher = KeyHasher::new(&seed);
///     parts.iter().for_each(|part| hasher.str(part));
///     hasher.key()
/// };
/// assert_eq!(key_of(["ab", "c"]), key_of(["ab", "c"]));
/// assert_ne!(key_of(["ab", "c"]), key_of(["a", "bc"]));
/// ```
#[derive(Clone)]
pub struct KeyHasher {
    v: [u64; 4],
    tail: u64,
    length: u64,
    wide: bool,
    normalise: bool,
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
            normalise: false,
        }
    }

    /// Adds an address. An IPv4-mapped IPv6 address is the IPv4 address.
    #[inline]
    pub fn ip(&mut self, ip: IpAddr) {
        match ip.to_canonical() {
            IpAddr::V4(v4) => self.word(4 << 32 | u64::from(v4.to_bits())),
            IpAddr::V6(v6) => {
                let [high, low] = halves(v6.to_bits());
                self.word(6 << 32);
                self.word(high);
                self.word(low);
            }
        }
    }

    /// Adds a text. In a key that is [normalised](super::Key::normalised) it is trimmed and in lower case.
    #[inline]
    pub fn str(&mut self, text: &str) {
        if self.normalise {
            self.normalised(text.trim());
        } else {
            self.bytes(text.as_bytes());
        }
    }

    /// Adds bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        self.run(bytes);
    }

    /// Adds a number.
    #[inline]
    pub fn u64(&mut self, number: u64) {
        self.word(number);
    }

    /// Ends the key.
    #[must_use]
    #[inline]
    pub const fn key(&self) -> KeyHash {
        if self.wide {
            return self.wide_key();
        }
        let mut v = self.v;
        compress(&mut v, self.tail | self.length << 56, false);
        KeyHash::new(finalize(&mut v, 0xff), 0)
    }

    /// Apart from the keys of one process, which are made on the way of every request.
    #[inline(never)]
    const fn wide_key(&self) -> KeyHash {
        let mut v = self.v;
        compress(&mut v, self.tail | self.length << 56, true);
        let low = finalize(&mut v, 0xee);
        v[1] ^= 0xdd;
        rounds(&mut v, 4);
        KeyHash::new(low, v[0] ^ v[1] ^ v[2] ^ v[3])
    }

    /// From here on texts are written trimmed and in lower case. Returns whether they were before.
    #[inline]
    pub(super) const fn normalise(&mut self, normalise: bool) -> bool {
        std::mem::replace(&mut self.normalise, normalise)
    }

    /// Eight bytes, the lowest first.
    #[inline]
    const fn word(&mut self, word: u64) {
        let filled = (self.length & 7) << 3;
        if filled == 0 {
            compress(&mut self.v, word, self.wide);
        } else {
            compress(&mut self.v, self.tail | word << filled, self.wide);
            self.tail = word >> 64_u64.wrapping_sub(filled);
        }
        self.length = self.length.wrapping_add(8);
    }

    /// Bytes as they are, without their number.
    fn run(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.byte(*byte);
        }
    }

    #[inline]
    const fn byte(&mut self, byte: u8) {
        let filled = (self.length & 7) << 3;
        self.tail |= (byte as u64) << filled;
        self.length = self.length.wrapping_add(1);
        if filled == 56 {
            compress(&mut self.v, self.tail, self.wide);
            self.tail = 0;
        }
    }

    fn normalised(&mut self, text: &str) {
        if text.is_ascii() {
            self.word(text.len() as u64);
            for byte in text.bytes() {
                self.byte(byte.to_ascii_lowercase());
            }
            return;
        }
        // The case of some letters changes their length, which is written first.
        let length: usize = lower(text).map(char::len_utf8).sum();
        self.word(length as u64);
        for letter in lower(text) {
            for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                self.byte(byte);
            }
        }
    }
}

/// Its words would show the seed, and of a short key the key.
impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHasher(..)")
    }
}

/// Letters in lower case. The final form of sigma has the same capital as the other one, so they are one letter here.
fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase).map(|letter| {
        if letter == '\u{3c2}' {
            '\u{3c3}'
        } else {
            letter
        }
    })
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
pub(super) const fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

impl Hasher for KeyHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.run(bytes);
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.byte(number);
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn finish(&self) -> u64 {
        self.key().low()
    }
}

#[inline]
const fn compress(v: &mut [u64; 4], word: u64, wide: bool) {
    v[3] ^= word;
    // Not a loop: the keys of a process have one round, on the way of every request.
    round(v);
    if wide {
        round(v);
    }
    v[0] ^= word;
}

/// SipHash-1-3 has three rounds for `mark` 0xff, SipHash-2-4 with 128 bits four for 0xee.
#[inline]
const fn finalize(v: &mut [u64; 4], mark: u64) -> u64 {
    v[2] ^= mark;
    rounds(v, if mark == 0xff { 3 } else { 4 });
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline]
const fn rounds(v: &mut [u64; 4], count: u32) {
    let mut left = count;
    while left > 0 {
        round(v);
        left = left.wrapping_sub(1);
    }
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
