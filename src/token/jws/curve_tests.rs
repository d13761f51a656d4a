use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let digits = hex.as_bytes().chunks(2);
    let values = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
    values
        .map(Result::unwrap)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

/// The base points (NIST SP 800-186 section 3.2.1).
const P256_X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
const P256_Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
const P384_X: &str = "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38\
                      5502f25dbf55296c3a545e3872760ab7";
const P384_Y: &str = "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0\
                      0a60b1ce1d7e819d7a431d7c90ea0e5f";

#[test]
fn base_points_are_on_their_curve_and_no_neighbour_is() {
    let (x, y) = (bytes::<32>(P256_X), bytes::<32>(P256_Y));
    assert!(Curve::P256.contains(&x, &y));
    assert!(!Curve::P256.contains(&y, &x));
    for bit in 0..256 {
        let mut other = y;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!Curve::P256.contains(&x, &other), "{bit}");
    }

    let (x, y) = (bytes::<48>(P384_X), bytes::<48>(P384_Y));
    assert!(Curve::P384.contains(&x, &y));
    for bit in 0..384 {
        let mut other = x;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!Curve::P384.contains(&other, &y), "{bit}");
    }
}

#[test]
fn the_negative_of_a_point_is_one_and_a_point_has_one_spelling() {
    let x = bytes::<32>(P256_X);
    // The prime less the other coordinate.
    let y = bytes::<32>("b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a");
    assert!(Curve::P256.contains(&x, &y));

    // Points with the smallest coordinates there are: x = 5, and the same with the prime added to it.
    let y = bytes::<32>("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc");
    let mut five = [0; 32];
    five[31] = 5;
    assert!(Curve::P256.contains(&five, &y));
    let again = bytes::<32>("ffffffff00000001000000000000000000000001000000000000000000000004");
    assert!(!Curve::P256.contains(&again, &y));
    let prime = bytes::<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    assert!(!Curve::P256.contains(&prime, &y));
    assert!(!Curve::P256.contains(&[0; 32], &[0; 32]));
    assert!(!Curve::P256.contains(&[0xff; 32], &[0xff; 32]));
    assert!(!Curve::P384.contains(&[0xff; 48], &[0xff; 48]));
}

#[test]
fn coordinates_have_their_full_length() {
    let (x, y) = (bytes::<32>(P256_X), bytes::<32>(P256_Y));
    let padded = [&[0][..], &x].concat();
    assert!(!Curve::P256.contains(&x[1..], &y));
    assert!(!Curve::P256.contains(&padded, &y));
    assert!(!Curve::P256.contains(&[], &[]));
    assert!(!Curve::P384.contains(&x, &y));
}

#[test]
fn keys_of_small_order_are_refused_with_either_sign() {
    let order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let mut keys = order_8.map(bytes::<32>).to_vec();
    for (first, rest, last) in [(0, 0, 0), (1, 0, 0), (0xec, 0xff, 0x7f)] {
        let mut key = [rest; 32];
        (key[0], key[31]) = (first, last);
        keys.push(key);
    }
    assert_eq!(keys.len(), 5);
    for key in keys {
        let mut negative = key;
        negative[31] ^= 0x80;
        assert!(!is_ed25519_key(&key), "{key:x?}");
        assert!(!is_ed25519_key(&negative), "{key:x?}");
    }
    // The base point, and RFC 8032 section 7.1, test 1.
    let mut base = [0x66; 32];
    base[0] = 0x58;
    assert!(is_ed25519_key(&base));
    assert!(is_ed25519_key(&bytes(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )));
}

#[test]
fn a_height_that_is_not_below_the_prime_is_refused() {
    // From the prime to 2^255 - 1.
    for first in 0xed..=0xff {
        let mut key = [0xff; 32];
        key[0] = first;
        assert!(!is_ed25519_key(&key), "{first:x}");
        key[31] = 0x7f;
        assert!(!is_ed25519_key(&key), "{first:x}");
    }
    let mut key = [0xff; 32];
    key[0] = 0xeb;
    assert!(is_ed25519_key(&key));
}
