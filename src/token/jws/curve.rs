//! Whether a public key is a point that may be one (NIST SP 800-186 section 3.2.1, RFC 8032 section 5.1).
//!
//! A backend may look at a point only when it verifies, which would let a key set load that verifies nothing. Points are public and
//! are checked once, so that this is written for being read, not for speed.

/// A curve `y^2 = x^3 - 3x + b` over the integers below a prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    /// As a JWK says it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// Bytes of a coordinate.
    pub(super) const fn width(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// Whether two coordinates of the right width are a point. The point at infinity has none, and both curves have prime order: there
    /// is no small subgroup.
    pub(super) fn contains(self, x: &[u8], y: &[u8]) -> bool {
        match self {
            Self::P256 => is_point::<8>(&P256_PRIME, &P256_B, x, y),
            Self::P384 => is_point::<12>(&P384_PRIME, &P384_B, x, y),
        }
    }
}

/// Least significant digits first, as everywhere below.
const P256_PRIME: [u32; 8] = [
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0,
    0,
    0,
    1,
    0xffff_ffff,
];
const P256_B: [u32; 8] = [
    0x27d2_604b,
    0x3bce_3c3e,
    0xcc53_b0f6,
    0x651d_06b0,
    0x7698_86bc,
    0xb3eb_bd55,
    0xaa3a_93e7,
    0x5ac6_35d8,
];
const P384_PRIME: [u32; 12] = [
    0xffff_ffff,
    0,
    0,
    0xffff_ffff,
    0xffff_fffe,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
    0xffff_ffff,
];
const P384_B: [u32; 12] = [
    0xd3ec_2aef,
    0x2a85_c8ed,
    0x8a2e_d19d,
    0xc656_398d,
    0x5013_875a,
    0x0314_088f,
    0xfe81_4112,
    0x181d_9c6e,
    0xe3f8_2d19,
    0x988e_056b,
    0xe23e_e7e4,
    0xb331_2fa7,
];

fn is_point<const N: usize>(prime: &[u32; N], b: &[u32; N], x: &[u8], y: &[u8]) -> bool {
    let field = Field { prime };
    let (Some(x), Some(y)) = (field.element(x), field.element(y)) else {
        return false;
    };
    let square = field.product(&x, &x);
    let mut three = [0; N];
    if let Some(lowest) = three.first_mut() {
        *lowest = 3;
    }
    let right = field.product(&x, &field.difference(&square, &three));
    field.product(&y, &y) == field.sum(&right, b)
}

/// The integers below a prime whose highest bit is set.
struct Field<'a, const N: usize> {
    prime: &'a [u32; N],
}

impl<const N: usize> Field<'_, N> {
    /// Big-endian bytes, as many as the field has.
    fn element(&self, bytes: &[u8]) -> Option<[u32; N]> {
        let (digits, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() || digits.len() != N {
            return None;
        }
        let mut value = [0; N];
        for (to, from) in value.iter_mut().rev().zip(digits) {
            *to = u32::from_be_bytes(*from);
        }
        let is_below = value.iter().rev().lt(self.prime.iter().rev());
        is_below.then_some(value)
    }

    fn sum(&self, left: &[u32; N], right: &[u32; N]) -> [u32; N] {
        let (sum, carry) = added(left, right);
        let (reduced, borrow) = subtracted(&sum, self.prime);
        if carry || !borrow { reduced } else { sum }
    }

    fn difference(&self, left: &[u32; N], right: &[u32; N]) -> [u32; N] {
        let (difference, borrow) = subtracted(left, right);
        if borrow {
            added(&difference, self.prime).0
        } else {
            difference
        }
    }

    /// Doubles and adds, from the highest bit of `right` on.
    fn product(&self, left: &[u32; N], right: &[u32; N]) -> [u32; N] {
        let mut product = [0; N];
        for digit in right.iter().rev() {
            for bit in (0..u32::BITS).rev() {
                product = self.sum(&product, &product);
                if digit >> bit & 1 == 1 {
                    product = self.sum(&product, left);
                }
            }
        }
        product
    }
}

fn added<const N: usize>(left: &[u32; N], right: &[u32; N]) -> ([u32; N], bool) {
    let mut sum = *left;
    let mut carry = false;
    for (digit, right) in sum.iter_mut().zip(right) {
        let (value, first) = digit.overflowing_add(*right);
        let (value, second) = value.overflowing_add(u32::from(carry));
        *digit = value;
        carry = first | second;
    }
    (sum, carry)
}

fn subtracted<const N: usize>(left: &[u32; N], right: &[u32; N]) -> ([u32; N], bool) {
    let mut difference = *left;
    let mut borrow = false;
    for (digit, right) in difference.iter_mut().zip(right) {
        let (value, first) = digit.overflowing_sub(*right);
        let (value, second) = value.overflowing_sub(u32::from(borrow));
        *digit = value;
        borrow = first | second;
    }
    (difference, borrow)
}

/// Bytes of an Ed25519 public key.
pub(super) const ED25519_WIDTH: usize = 32;

/// The heights of the points of order 1, 2, 4 and 8.
const ED25519_SMALL_ORDER: [[u8; ED25519_WIDTH]; 5] = [
    low(0),
    low(1),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    high(0xec),
];

/// The prime of the field, 2^255 - 19.
const ED25519_PRIME: [u8; ED25519_WIDTH] = high(0xed);

const fn low(first: u8) -> [u8; ED25519_WIDTH] {
    let mut bytes = [0; ED25519_WIDTH];
    bytes[0] = first;
    bytes
}

const fn high(first: u8) -> [u8; ED25519_WIDTH] {
    let mut bytes = [0xff; ED25519_WIDTH];
    bytes[0] = first;
    bytes[ED25519_WIDTH - 1] = 0x7f;
    bytes
}

/// Whether an Ed25519 key may be one. For a key of small order a signature can be made up that fits many messages, without any private
/// key; a height that is not below the prime is another spelling of a key.
pub(super) fn is_ed25519_key(key: &[u8; ED25519_WIDTH]) -> bool {
    let mut height = *key;
    if let Some(last) = height.last_mut() {
        // The sign of the other coordinate.
        *last &= 0x7f;
    }
    height.iter().rev().lt(ED25519_PRIME.iter().rev()) && !ED25519_SMALL_ORDER.contains(&height)
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
