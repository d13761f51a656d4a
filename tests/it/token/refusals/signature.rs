use super::super::issuer::{
    ES256_X, SECRET, Signer, claims, decode, encode, header, with_claims, with_header,
};
use super::{On, accepted, assert_refused, row};

/// A good token with another signature.
fn signed_by(token: &str, signature: &[u8]) -> String {
    let (input, _) = token.rsplit_once('.').expect("it has three segments");
    format!("{input}.{}", encode(signature))
}

fn signature(token: &str) -> Vec<u8> {
    let (_, signature) = token.rsplit_once('.').expect("it has three segments");
    decode(signature)
}

/// The order of P-256 (FIPS 186-5).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of the base point of Ed25519 (RFC 8032 section 5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// As OpenSSL writes it: two integers in a sequence.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zero: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
        let value = [zero, number].concat();
        [&[2, value.len() as u8], &*value].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, both.len() as u8], &*both].concat()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rows_56_to_60() {
    let good = with_claims(&[]);
    let right = signature(&good);
    assert_eq!(right.len(), 64);
    let mut rows = Vec::new();
    let (r, s) = right.split_at(32);
    for (name, r, s) in [
        ("r = 0", &[0; 32][..], s),
        ("s = 0", r, &[0; 32]),
        ("both 0", &[0; 32], &[0; 32]),
        ("r = n", &P256_ORDER, s),
        ("s = n", r, &P256_ORDER),
        ("r above n", &[0xff; 32], s),
        ("s above n", r, &[0xff; 32]),
    ] {
        rows.push(row(
            56,
            name,
            signed_by(&good, &[r, s].concat()),
            "signature",
        ));
    }
    rows.push(row(57, "DER", signed_by(&good, &der(&right)), "signature"));
    for (name, other) in [
        ("one byte less", right[..63].to_vec()),
        ("one byte less in front", right[1..].to_vec()),
        ("one byte more", [&*right, &[0]].concat()),
        ("one byte more in front", [&[0], &*right].concat()),
        ("half", right[..32].to_vec()),
        ("one byte", vec![1]),
        ("1 KiB", vec![1; 1024]),
        ("4 KiB", vec![1; 4096]),
    ] {
        rows.push(row(58, name, signed_by(&good, &other), "signature"));
    }
    let hs = Signer::Hmac(SECRET).token(header(&[("alg", r#""HS256""#), ("kid", "")]), claims(&[]));
    let tag = signature(&hs);
    assert_eq!(tag.len(), 32);
    accepted(On::Hs, "HS256", &hs);
    for (name, other) in [
        ("half of a tag", tag[..16].to_vec()),
        ("31 bytes of a tag", tag[..31].to_vec()),
        ("33 bytes of a tag", [&*tag, &[0]].concat()),
        ("one byte of a tag", tag[..1].to_vec()),
    ] {
        rows.push(row(58, name, signed_by(&hs, &other), "signature").on(On::Hs));
    }
    for bit in 0..512 {
        let mut other = right.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        rows.push(row(
            59,
            format!("bit {bit}"),
            signed_by(&good, &other),
            "signature",
        ));
    }
    for bit in 0..256 {
        let mut other = tag.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        rows.push(
            row(
                59,
                format!("bit {bit}"),
                signed_by(&hs, &other),
                "signature",
            )
            .on(On::Hs),
        );
    }
    let of_bob = signature(&with_claims(&[("sub", r#""bob""#)]));
    rows.push(row(
        59,
        "of another token",
        signed_by(&good, &of_bob),
        "signature",
    ));
    let of_other_key = Signer::Other256.token(header(&[]), claims(&[]));
    rows.push(row(59, "of another key", of_other_key, "signature"));

    let payload = signed_by(&with_claims(&[("sub", r#""admin""#)]), &right);
    rows.push(row(60, "payload", payload, "signature"));
    let head = signed_by(&with_header(&[("own", "1")]), &right);
    rows.push(row(60, "header", head, "signature"));
    let blank = Signer::Es256.token(header(&[]), claims(&[]) + " ");
    rows.push(row(60, "a blank", signed_by(&blank, &right), "signature"));
    assert_refused(rows, 56..=60);
}

#[test]
fn rows_61_and_62() {
    let head = header(&[("alg", r#""EdDSA""#), ("kid", r#""ed""#)]);
    let good = Signer::Ed25519.token(&head, claims(&[]));
    accepted(On::Ed, "EdDSA", &good);
    let renamed = header(&[("alg", r#""Ed25519""#), ("kid", r#""ed""#)]);
    accepted(
        On::Ed,
        "Ed25519",
        &Signer::Ed25519.token(renamed, claims(&[])),
    );

    // S + L: the same point, another spelling.
    let mut malleable = signature(&good);
    let mut carry = 0;
    for (byte, order) in malleable[32..].iter_mut().zip(ED25519_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let mut rows = vec![row(61, "S + L", signed_by(&good, &malleable), "signature").on(On::Ed)];
    let zero_s = [&signature(&good)[..32], &[0; 32]].concat();
    rows.push(row(61, "S = 0", signed_by(&good, &zero_s), "signature").on(On::Ed));

    // A = R = the neutral element and S = 0 verify every message with a key of small order.
    let neutral = [&[1][..], &[0; 31]].concat();
    let forged = signed_by(&good, &[&*neutral, &[0; 32]].concat());
    rows.push(row(62, "forged for a key of small order", forged, "signature").on(On::Ed));
    let small = format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{}"}}]}}"#,
        encode(neutral)
    );
    let keys = tower_security::token::jws::JwkSet::from_json(small.as_bytes());
    assert!(keys.expect("it is a set").keys().is_empty());
    assert_refused(rows, 61..=62);
}

/// Signatures of the token below by its own key, made with another padding than that of RFC 8017 section 9.2.
const PKCS1: [(&str, &str); 6] = [
    (
        "no null parameter",
        "YqaOgD38P6nTptR-UyFTYrM4aYzhAu08mPiFncfpNIQhwpIX-W29P7FHyrOl7UP1R1bU7WSiQpH1u4PnVg1TxAI8QkqAyPi83vA9I2FXQK6EwpxXrBH1SJ1Ynn0T82nTgX0MNpUTUf6ElBmT0MTVGIT4oqCG1_rxOvlg6CsbQw56GvHn3R5i6jawygPbGHNNTBRXKZqbYSyj9zqMclxDSFu7DzryBf7pJPphhSnwraQWNWPlm3_8xUibNhEkVDQoYVJEuEOUxdwSKLZQMsvh3rcXmvLc7JA0KTC6aeAvShiIx8MOpzbZ44pKIHAWgGREhgkM1wDqZX6psK-5zCd6Zg",
    ),
    (
        "short padding, garbage behind",
        "Oz_pQyCjdmU1jVIMdRvvAl5CqrHdD19jbg9Wgm1sua3G-LgmJr8sAB4HeFRE7rUG9hFfn1K9PNn8s4waeZSyDnZRDcd6rqyY_dyTnuN34f_40Pux3iLN3fGT4J3-dy9n8r8owVv0nSF5NqsefT2k4b6Kj4TsXftWgrnuOTLe3qolzcENu1PcIBYoSDJGQxdXuuj0jqobe3ZFFSSzn5DrPJHgFeV7klob6HHDsabiXSqv3eaFKpcXu-mO7UE1ABv6MEGziQS73wV80hGV05BOPtNeelHVUU3sD--hFGwvwVE65cMrhZ0JznrvP-pHhgGaWvBhvfTsHLfhzOyMaku_aw",
    ),
    (
        "block type 2",
        "HQgC4UvO0ZGQCZkHwaTEYt1fyGjOS7AHRQyFmpraG688F-USwOcspPKWTUP-IVPzSteGjjWRtrEOFAz1CRrK_wn04M2lSdjeSUm40Gptw9flWTFrmHPhQudEZCWgmGV_5W6dxxjQfZeVmX2qMAr46DuaIuJDQcAYWD4t7VostUFQMAMIA4WvSLgMYnThzF6DM6DezOWo7TC9-UfRQjVFI473nVhfQxqwzmcaqKSFBkSgPPkys-JNSWNcZTWy0UFLJ0GiU_n93KNj-xM5XnvbESOz4Eus6k-kNgEMHmmJYhExt0vMRmiTVZDlrd0Oz5Io3C13YGVPAX-BEbGo3gQvaA",
    ),
    (
        "zero padding",
        "Hs_pUD3UBHHgbFOYxVqdzbqYaep-a3c4Gc6Lf_yH73bRYycIPI84P-kxO5-9Fo3ESmTSveDWray9ozgd11Owv7vm32_fwuIdnn8jHC8rTv8a3KNt4PWdrUZ8BSMl_jqSCVX58ZeuPWnYEQdJS3D5rgWc7J_elOpvg2zE4ZUOzLu0JCg08bB8I4gZjQH750yW6tBLViIx1YFRQVpJ7FCGL5LKLCPtk1q6YvGTyvXAfKmXZQefzYUId3G3iEelT54ycQt9YtCsjafnsMiavbjcRDKUMWdnorqKRApqlLtT0jUwVMg_m1wXFqo2w2KAjznBmrWnQWsQ6eKoslQQI5JiTg",
    ),
    (
        "digest without its algorithm",
        "gCAcX6rHrL-N31OCpVjmGZA_O68639064lLZKGvCuToytFwzGRFLOxNWfNvuQtY3toskJwxERMexNekrcdS-0LlkxhFgwXJM5_aopbhTYMfoH5nIN1W4UUReB7x3ExwT3JkWkGp6Xyk81IVkHKJxtOhmJwEuulZwytfreIGKxPCV7cOIUt9Z9Pai4lKZ02PMcWveKuezawKG-_pqvs5Q8meSB60Hh2Eo1iV1iKmkUe6kgCvfsI0iWdNqmJpuWo0R_OfvyQv5BaFOw6caeBF9M9ShPLypB0Qc1qfgdf7f0DuoUu3Byx-uWfLURvDZ9jzmugb1msMqAZdgUk_r9dLYpA",
    ),
    (
        "SHA-1",
        "xgcta5HXlVt5o9fGMUucHoTdKu4LavtU6cOXBynGIM79m2aNMEYGLwGNxzd-exRbLBrXbfXy6XvsXX2H8rbVBnR7SxlX2FW_d45IvJ3qhKj7byyB-0S3ZhFNQilf0pxzPL4LrLLHJWgAxtxFqsat9Qlyw3JgD69V4yLNDl_tUM734cRcR-UWtsavr-XBDisnqK3xYBvnyxTmrppTeP_yGqwMD3bUNOp1_ldUb4vU8OSLPoGBJt0cThLFecchfBonnSzXtfSwBX6T6yPzsrYf4dCQv19fi77aE3XtkMwfrlw_emYdLj62Mc0Yg-k-TUrI3j3Eg2HaRW06wpn09s3NOg",
    ),
];

/// Likewise with other parameters than those of RFC 7518 section 3.5.
const PSS: [(&str, &str); 4] = [
    (
        "salt of 20 bytes",
        "ogvipVm0GlQ9Gx7osR051kneJKcYCa7ysTKxVwMvLg-igYtEstrMVZg7K6xsc_AOqSNTn0aWw9MEwlEovhL7Iz1Gz1pNPh7G18eNjmErsZ4W4qM6Fde6AsJtajp4kI_I-RcHrLA1EZCOasziaXqfmLXyH7W7wVdE0V1ki5X7DuFLKm2CvAqYhoTpyf6DUQk0rstbstHDQDDKcaJZPBAjZTAyV3DxxHOu26aMB7rdJLwk7hzA4BolF9aALnR_lya9T6S6mfAfh0okzL_Ichz1sd-8kmAMhHEwwUB2QMpOwNGwbLRK3wdYiZGFWrPmobWsHqNlZ8O1QS-M_4fxK3fDqw",
    ),
    (
        "no salt",
        "u2Xgth_B1HLHALERzoI0wI0fcKaduDytoG-N2YCsX6SSVx2KA2nnekrfNyCdWcv8WT-YQ3hLR72B7WnJQLVjdM14bYcioy8Ebw1jL8aE8AQ_oxULuuVYpPsJef8OHy65pn-2y3PuWCjabhCl1nYCz_L0A4ZkGbsn8qaGxcJZPIq3Czc7u6IkZKpE6vtGznPxhAOrzT9wfdP_8h8wbpSlNXTYjbzCu_Co_9toxv9RDwgfRulgFK5QwQO3c6BJVzmfw9_5qsiH3W9-UqDwY_SlGdaZojE1QufRiPhY0aAfGXHDOJ_fvmlZb8YWJkYjaR5HUMR_5CWi2iYXuUoOuxu4ww",
    ),
    (
        "salt of 64 bytes",
        "0JN3NeJWZxKK438Tpbdoy87FciQB9BBM9pqoXSG0nqotxJBP6NrxX80-cnHJfz_J5GaH095XSNTNka2LQKgOiiQ8zsLJKUOJMa_VsU2Y6ISlQld6qnEwM3gd-9bZWZ3bt8RRWH95w2G3coVPmXDRnt8FmVnA1ruDMyG8CYUdw0gc8-SCQa-DVpsjQlXPBvX6it8lhLSTXqo-O5JfEXcvaGOWq8OjkV_DL2_Yerq55Rm1Y1go1j2F64QTatDSdMCzegti542iRdRQyxup6V6EX9lizrgqFhVy01_NV9idrY0fjKPy8ZxPJTi6zX_HBdiwuDrV0a705q8J1DFF0fva8w",
    ),
    (
        "mask by SHA-1",
        "gvZOPy4uVZuFz2uuX7L7S3bvn4FB5cnv42zEYwhtnguNBaoKJaHjJ-8MiceOOlZlGdMCi4n1HS1doVUUQOsHAvTyi0aEOvWNIGlm89wJiFTLQe-i64oLCi-IgAOmgRBFmwDgrHKU5qJ4Yk1BRK1genUZ7n7itu033l6f_hpfaBwrL3F3V7pyylyGrGE9P1YKe3GTazeMbB3gsh7vLxIkhGyrE5zz8nQBYHzwn-TaOKFYLN4AdmLQLJhUvr7Vgh9KpZcgqCRQrxkbAqHX7k2qI5HypnQehVm-UtP9tLLmMt5cED0yu64jbFM5MhZ-79ST_Xd34GwpAWcRYkT5aV7YQQ",
    ),
];

/// With the right ones.
const PSS_RIGHT: &str = "n513kcV6FNcbMEUPsTSd9MG-p35uTu2Ae5EaJjW2dWAZEtykcxPeTeyZhOSTT9yLxsTr6G72Xds9qtg75nXu-4XvPoY9bUT1FUoYOkkRRwfGNW8sL6lMbld08rbL-p8pv1Qn4JpeBiVYvNUinnoZ3MfgMeJZItu0WbIK_40D0GEoZBxu8Yl00bZEImG8Z1qAjwNylCn4DnhlleX8DwfCW7YulYE-3Ft9uptYPwzv60ecazcf2LYfKpbJE2KCfavjOLn2BLj-UIW66w02m4F2erfmwQVP_uL25ib0KP36CnwFRnT0CctVNaQWRCYVFKaS6FnPO1YO0p-7_GdNHJh7OQ";

#[test]
fn rows_63_and_64() {
    let rs = header(&[("alg", r#""RS256""#), ("kid", r#""rs""#)]);
    let good = Signer::Rs256.token(rs, claims(&[]));
    accepted(On::EsRs, "RS256", &good);
    let mut rows = Vec::new();
    for (name, signature) in PKCS1 {
        let token = signed_by(&good, &decode(signature));
        rows.push(row(63, name, token, "signature"));
    }
    let ps = header(&[("alg", r#""PS256""#), ("kid", r#""ps""#)]);
    let input = format!("{}.{}", encode(ps), encode(claims(&[])));
    accepted(On::Ps, "PS256", &format!("{input}.{PSS_RIGHT}"));
    for (name, signature) in PSS {
        rows.push(row(64, name, format!("{input}.{signature}"), "signature").on(On::Ps));
    }
    rows.push(
        row(
            64,
            "by the key of ES256",
            format!("{input}.{ES256_X}"),
            "signature",
        )
        .on(On::Ps),
    );
    assert_refused(rows, 63..=64);
}
