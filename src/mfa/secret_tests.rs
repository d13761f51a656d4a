use std::time::Duration;

use super::*;

/// The seeds of RFC 6238 appendix A: the digits over and over, as long as the hash.
const SEED: &[u8; 64] = b"1234567890123456789012345678901234567890123456789012345678901234";

fn seed(algorithm: TotpAlgorithm, digits: u8) -> TotpSecret {
    let length = match algorithm {
        TotpAlgorithm::Sha1 => 20,
        TotpAlgorithm::Sha256 => 32,
        TotpAlgorithm::Sha512 => 64,
    };
    let key = Secret::from(&SEED[..length]);
    TotpSecret::new(EnrolmentId([7; 16]), &key, algorithm, digits).unwrap()
}

fn find(secret: &TotpSecret, typed: &str, now: u64, window: u64, last: Option<u64>) -> Found {
    secret.find(&Code::parse(typed).unwrap(), now, window, last)
}

#[test]
fn rfc_6238_appendix_b() {
    use TotpAlgorithm::{Sha1, Sha256, Sha512};
    #[rustfmt::skip]
    let rows = [
        (59, Sha1, "94287082"), (59, Sha256, "46119246"), (59, Sha512, "90693936"),
        (1_111_111_109, Sha1, "07081804"), (1_111_111_109, Sha256, "68084774"), (1_111_111_109, Sha512, "25091201"),
        (1_111_111_111, Sha1, "14050471"), (1_111_111_111, Sha256, "67062674"), (1_111_111_111, Sha512, "99943326"),
        (1_234_567_890, Sha1, "89005924"), (1_234_567_890, Sha256, "91819424"), (1_234_567_890, Sha512, "93441116"),
        (2_000_000_000, Sha1, "69279037"), (2_000_000_000, Sha256, "90698825"), (2_000_000_000, Sha512, "38618901"),
        (20_000_000_000, Sha1, "65353130"), (20_000_000_000, Sha256, "77737706"), (20_000_000_000, Sha512, "47863826"),
    ];
    assert_eq!(rows.len(), 18);
    for (seconds, algorithm, code) in rows {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let step = step(time).unwrap();
        let secret = seed(algorithm, 8);
        assert_eq!(
            find(&secret, code, step, 0, None),
            Found::New(step),
            "{seconds} {algorithm:?}"
        );
        assert_eq!(
            find(&secret, code, step + 1, 0, None),
            Found::Nothing,
            "{seconds} {algorithm:?}"
        );
        assert_eq!(
            find(&secret, code.get(2..).unwrap(), step, 0, None),
            Found::Nothing,
            "six digits of eight"
        );
    }
}

#[test]
fn rfc_4226_appendix_d() {
    let codes = [
        "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
        "520489",
    ];
    let secret = seed(TotpAlgorithm::Sha1, 6);
    for (count, code) in (0..).zip(codes) {
        assert_eq!(find(&secret, code, count, 0, None), Found::New(count));
        // Over all ten counters the code belongs to this one alone.
        assert_eq!(find(&secret, code, 5, 5, None), Found::New(count));
        for other in (0..10).filter(|other| *other != count) {
            assert_eq!(
                find(&secret, code, other, 0, None),
                Found::Nothing,
                "{code} {other}"
            );
        }
    }
}

#[test]
fn a_window_has_two_edges_and_no_step_comes_back() {
    let secret = seed(TotpAlgorithm::Sha1, 6);
    // Of step 5.
    let code = "254676";
    for (now, window, last, expected) in [
        (3, 1, None, Found::Nothing),
        (4, 1, None, Found::New(5)),
        (5, 1, None, Found::New(5)),
        (6, 1, None, Found::New(5)),
        (7, 1, None, Found::Nothing),
        (4, 0, None, Found::Nothing),
        (6, 0, None, Found::Nothing),
        (5, 1, Some(4), Found::New(5)),
        (5, 1, Some(5), Found::Used),
        (5, 1, Some(6), Found::Used),
        (6, 1, Some(u64::MAX), Found::Used),
        (0, 1, None, Found::Nothing),
        (u64::MAX, 1, None, Found::Nothing),
    ] {
        assert_eq!(
            find(&secret, code, now, window, last),
            expected,
            "{now} {window} {last:?}"
        );
    }
}

#[test]
fn of_two_steps_with_one_code_the_later_counts() {
    let secret = seed(TotpAlgorithm::Sha1, 6);
    // Two neighbours of this seed show the same, found by trying.
    let (step, typed) = (910_738, "911617");
    assert_eq!(
        find(&secret, typed, step - 1, 0, None),
        Found::New(step - 1)
    );
    assert_eq!(find(&secret, typed, step, 0, None), Found::New(step));
    assert_eq!(find(&secret, typed, step - 1, 1, None), Found::New(step));
    assert_eq!(
        find(&secret, typed, step - 1, 1, Some(step - 1)),
        Found::New(step)
    );
    assert_eq!(find(&secret, typed, step - 1, 1, Some(step)), Found::Used);
}

#[test]
fn a_code_is_digits_and_nothing_but_blanks_and_hyphens_between_them() {
    let typed = |text: &str| {
        Code::parse(text).map(|code| String::from_utf8(code.digits[..code.len].to_vec()).unwrap())
    };
    for (text, digits) in [
        ("254676", "254676"),
        ("254 676", "254676"),
        (" 254-676\r\n", "254676"),
        ("2 5 4 6 7 6 8 8", "25467688"),
        ("", ""),
        ("1234567", "1234567"),
    ] {
        assert_eq!(typed(text).as_deref(), Some(digits), "{text:?}");
    }
    for text in [
        "+254676",
        "123456789",
        "25467a",
        "254.676",
        "-254676x",
        "\u{ff12}\u{ff15}\u{ff14}\u{ff16}\u{ff17}\u{ff16}",
        "254\u{a0}676",
        "254676\0",
    ] {
        assert!(typed(text).is_none(), "{text:?}");
    }
    let blanks = |count| format!("254676{}", " ".repeat(count));
    assert!(typed(&blanks(58)).is_some());
    assert!(typed(&blanks(59)).is_none());
    // Another number of digits than the secret's is never right.
    let secret = seed(TotpAlgorithm::Sha1, 6);
    for (text, expected) in [
        ("254676", Found::New(5)),
        ("0254676", Found::Nothing),
        ("54676", Found::Nothing),
        ("", Found::Nothing),
    ] {
        assert_eq!(find(&secret, text, 5, 1, None), expected, "{text}");
    }
}

#[test]
fn base32_is_that_of_the_rfc() {
    // RFC 4648 section 10, without padding.
    for (bytes, text) in [
        ("", ""),
        ("f", "MY"),
        ("fo", "MZXQ"),
        ("foo", "MZXW6"),
        ("foob", "MZXW6YQ"),
        ("fooba", "MZXW6YTB"),
        ("foobar", "MZXW6YTBOI"),
    ] {
        let mut shown = String::new();
        base32(bytes.as_bytes(), &mut shown);
        assert_eq!(shown, text);
    }
    let secret = seed(TotpAlgorithm::Sha1, 6);
    assert_eq!(secret.text().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

#[test]
fn a_uri_holds_unreserved_characters_alone() {
    let secret = seed(TotpAlgorithm::Sha1, 6);
    assert_eq!(
        secret.uri("Shop & Co", "al\u{ef}ce+1@example.com").expose(),
        "otpauth://totp/Shop%20%26%20Co:al%C3%AFce%2B1%40example.com\
         ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop%20%26%20Co&algorithm=SHA1&digits=6&period=30"
    );
    let secret = seed(TotpAlgorithm::Sha512, 8);
    let uri = secret.uri("A", "b");
    assert!(
        uri.expose()
            .ends_with("&issuer=A&algorithm=SHA512&digits=8&period=30")
    );
    // As large as issuer, account and secret may be: the text has not grown, which would leave a copy behind.
    let key = Secret::from([255; 128]);
    let secret = TotpSecret::new(EnrolmentId([7; 16]), &key, TotpAlgorithm::Sha256, 8).unwrap();
    let uri = secret
        .uri(&"&".repeat(64), &"&".repeat(256))
        .expose()
        .clone();
    assert!(uri.len() <= 64 * 6 + 256 * 3 + 320, "{}", uri.len());
}

#[test]
fn a_secret_is_read_back_and_nothing_else_is() {
    let secret = seed(TotpAlgorithm::Sha256, 8);
    let bytes = secret.to_bytes();
    let bytes = bytes.expose();
    assert_eq!(bytes[..3], [1, 2, 8]);
    assert_eq!(bytes[3..19], [7; 16]);
    assert_eq!(bytes[19..], SEED[..32]);
    let read = TotpSecret::from_bytes(bytes).unwrap();
    assert_eq!(
        (read.id(), read.algorithm(), read.digits()),
        (secret.id(), TotpAlgorithm::Sha256, 8)
    );
    assert_eq!(read.key(), secret.key());

    let is_read = |change: fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        TotpSecret::from_bytes(&bytes).is_ok()
    };
    assert!(is_read(|_| {}));
    assert!(is_read(|bytes| bytes[1] = 3));
    assert!(is_read(|bytes| bytes.truncate(35)));
    assert!(is_read(|bytes| bytes.resize(147, 0)));
    assert!(!is_read(|bytes| bytes[0] = 2), "a later version");
    assert!(!is_read(|bytes| bytes[1] = 4), "a hash that is not known");
    assert!(!is_read(|bytes| bytes[2] = 7), "seven digits");
    assert!(!is_read(|bytes| bytes.truncate(34)), "15 bytes of key");
    assert!(!is_read(|bytes| bytes.resize(148, 0)), "129 bytes of key");
    assert!(!is_read(Vec::clear));
}

#[test]
fn a_new_secret_is_as_long_as_its_hash_and_not_shown() {
    for (algorithm, length) in [
        (TotpAlgorithm::Sha1, 20),
        (TotpAlgorithm::Sha256, 32),
        (TotpAlgorithm::Sha512, 64),
    ] {
        let one = TotpSecret::draw(algorithm, 6).unwrap();
        let other = TotpSecret::draw(algorithm, 6).unwrap();
        assert_eq!(one.key().unwrap().expose().len(), length);
        assert_ne!(one.key(), other.key());
        assert_ne!(one.id(), other.id());
    }
    let shown = format!("{:?}", seed(TotpAlgorithm::Sha1, 6));
    assert!(
        !shown.contains("49, 50") && !shown.contains("1234"),
        "{shown}"
    );
}
