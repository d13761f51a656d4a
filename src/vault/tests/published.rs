//! Published vectors of what the format is built on, through the same calls.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::hex;

/// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
#[test]
fn xchacha20_poly1305() {
    let key: [u8; 32] = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")
        .try_into()
        .unwrap();
    let nonce: [u8; 24] = hex("404142434445464748494a4b4c4d4e4f5051525354555657")
        .try_into()
        .unwrap();
    let aad = hex("50515253c0c1c2c3c4c5c6c7");
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let sealed = hex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
         731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
         2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
         21f9664c97637da9768812f615c68b13b52e",
    );
    let tag = hex("c0875924c1c7987947deafd8780acf49");

    let cipher = XChaCha20Poly1305::new(&key.into());
    let nonce = XNonce::from(nonce);
    let mut buffer = plain.to_vec();
    let made = cipher
        .encrypt_inout_detached(&nonce, &aad, buffer.as_mut_slice().into())
        .unwrap();
    assert_eq!((&buffer, made.as_slice()), (&sealed, &*tag));
    cipher
        .decrypt_inout_detached(&nonce, &aad, buffer.as_mut_slice().into(), &made)
        .unwrap();
    assert_eq!(buffer, plain);
}

const CASE_3: &str =
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";

/// RFC 5869, appendix A.1 to A.3.
#[test]
fn hkdf_sha256() {
    let count = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let rows = [
        (
            vec![0x0b; 22],
            count(0, 0x0c),
            count(0xf0, 0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            count(0, 0x4f),
            count(0x60, 0xaf),
            count(0xb0, 0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8\
             367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (vec![0x0b; 22], vec![], vec![], CASE_3),
    ];
    for (key, salt, info, expected) in rows {
        let expected = hex(expected);
        let mut derived = vec![0; expected.len()];
        Hkdf::<Sha256>::new(Some(&salt), &key)
            .expand(&info, &mut derived)
            .unwrap();
        assert_eq!(derived, expected);
    }
    // Without a salt is with an empty one (section 2.2).
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, &[0x0b; 22])
        .expand(&[], &mut derived)
        .unwrap();
    assert_eq!(derived, hex(CASE_3)[..32]);
}

/// RFC 4231, sections 4.2 to 4.5.
#[test]
fn hmac_sha256() {
    let rows: [(Vec<u8>, &[u8], &str); 4] = [
        (
            vec![0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            vec![0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            (1..=25).collect(),
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
    ];
    for (key, text, expected) in rows {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(text);
        assert_eq!(mac.finalize().into_bytes().as_slice(), hex(expected));
    }
}
