use super::super::issuer::{Signer, claims, encode, header, with_claims, with_header};
use super::{On, accepted, assert_refused, row};

/// A token whose segment begins with what `change` makes of it, signed as it then is.
fn changed(segment: usize, change: impl Fn(&str) -> String) -> String {
    let good = Signer::Es256.token(header(&[]), claims(&[]));
    let parts: Vec<_> = good.split('.').collect();
    match segment {
        0 => Signer::Es256.segments(&change(parts[0]), parts[1]),
        1 => Signer::Es256.segments(parts[0], &change(parts[1])),
        _ => format!("{}.{}.{}", parts[0], parts[1], change(parts[2])),
    }
}

/// The last character with its lowest bit set, which no encoder leaves.
fn with_bits_left(segment: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(segment.len() % 4, 0, "{segment}");
    let last = segment.as_bytes()[segment.len() - 1];
    let value = ALPHABET
        .iter()
        .position(|letter| *letter == last)
        .expect("it is a letter");
    let odd = char::from(ALPHABET[value | 1]);
    format!("{}{odd}", &segment[..segment.len() - 1])
}

/// A text with blanks behind it, so that its encoding has no whole number of groups.
fn uneven(text: String) -> String {
    let blanks = if text.len().is_multiple_of(3) {
        " "
    } else {
        ""
    };
    text + blanks
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rows_1_to_11() {
    let good = with_claims(&[]);
    let parts: Vec<_> = good.split('.').collect();
    let (h, p, s) = (parts[0], parts[1], parts[2]);
    let mut rows = Vec::new();
    for token in [
        String::new(),
        h.to_owned(),
        format!("{h}.{p}"),
        format!("{good}.{s}"),
        format!("{good}.{s}.{s}"),
    ] {
        rows.push(row(1, "segments", token, "structure"));
    }
    for token in [
        format!(".{p}.{s}"),
        format!("{h}.{p}."),
        format!(".{good}"),
        format!("{good}."),
        "..".to_owned(),
    ] {
        rows.push(row(2, "empty segment", token, "structure"));
    }
    rows.push(row(2, "no payload", format!("{h}..{s}"), "json_syntax"));
    for segment in 0..3 {
        for sign in ["=", "==", "+", "/", "+/"] {
            let token = changed(segment, |text| format!("{text}{sign}"));
            rows.push(row(3, format!("{sign} in {segment}"), token, "encoding"));
        }
        for sign in [" ", "\t", "\n", "\r\n"] {
            let token = changed(segment, |text| {
                format!("{}{sign}{}", &text[..4], &text[4..])
            });
            rows.push(row(5, format!("{sign:?} in {segment}"), token, "encoding"));
        }
        for sign in ["\0", "\u{7f}", "\u{e9}", "\u{202e}", "\u{ff21}"] {
            let token = changed(segment, |text| {
                format!("{}{sign}{}", &text[..4], &text[4..])
            });
            rows.push(row(6, format!("{sign:?} in {segment}"), token, "encoding"));
        }
        let odd = changed(segment, |text| {
            let whole = text.len() / 4 * 4;
            format!("{}A", &text[..whole])
        });
        rows.push(row(11, format!("length of {segment}"), odd, "encoding"));
    }

    let even_header = encode(uneven(header(&[])));
    let even_claims = encode(uneven(claims(&[])));
    let sloppy = [
        Signer::Es256.segments(&with_bits_left(&even_header), p),
        Signer::Es256.segments(h, &with_bits_left(&even_claims)),
        format!("{h}.{p}.{}", with_bits_left(s)),
    ];
    for token in sloppy {
        rows.push(row(4, "bits left over", token, "encoding"));
    }
    accepted(
        On::EsRs,
        "blanks behind",
        &Signer::Es256.segments(&even_header, &even_claims),
    );

    rows.push(row(7, "8193 bytes", of_length(8193), "too_long"));
    rows.push(row(7, "1 MiB", "a.".repeat(512 * 1024), "too_long"));
    accepted(On::EsRs, "8192 bytes", &of_length(8192));

    let long_header = |length: usize| {
        let blanks = " ".repeat(length * 3 / 4 - header(&[]).len());
        encode(header(&[]) + &blanks)
    };
    let header_of_2049 = format!("{}A", long_header(2048));
    rows.push(row(
        8,
        "2049 bytes",
        Signer::Es256.segments(&header_of_2049, p),
        "structure",
    ));
    rows.push(row(
        8,
        "2052 bytes",
        Signer::Es256.segments(&long_header(2052), p),
        "structure",
    ));
    assert_eq!(long_header(2048).len(), 2048);
    accepted(
        On::EsRs,
        "2048 bytes",
        &Signer::Es256.segments(&long_header(2048), p),
    );

    let json = format!(r#"{{"payload":"{p}","protected":"{h}","signature":"{s}"}}"#);
    rows.push(row(9, "JSON serialisation", json, "structure"));
    let json = format!(r#"{{"payload":"{h}.{p}.{s}"}}"#);
    rows.push(row(9, "JSON around it", json, "encoding"));
    rows.push(row(
        10,
        "escaped dots",
        good.replace('.', "%2E"),
        "structure",
    ));
    assert_refused(rows, 1..=11);
}

/// A good token of so many bytes.
fn of_length(length: usize) -> String {
    for spaces in 0..8 {
        let head = encode(header(&[]) + &" ".repeat(spaces));
        let fixed = head.len() + 2 + 86;
        let payload = (length - fixed) / 4 * 3 + (length - fixed) % 4 * 3 / 4;
        let blanks = payload - claims(&[]).len();
        let payload = claims(&[]) + &" ".repeat(blanks);
        let token = Signer::Es256.segments(&head, &encode(payload));
        if token.len() == length {
            return token;
        }
    }
    panic!("no token has {length} bytes");
}

#[test]
fn a_header_that_was_good_once_does_not_make_another_one_good() {
    for verifier in super::verifiers(On::EsRs) {
        assert!(super::answer(&verifier, &with_claims(&[])).is_ok());
        for changes in [
            [("kid", r#""rs""#)],
            [("alg", r#""RS256""#)],
            [("typ", r#""JWT""#)],
        ] {
            assert!(super::answer(&verifier, &with_header(&changes)).is_err());
        }
        let other = Signer::Other256.token(header(&[]), claims(&[]));
        let error = super::answer(&verifier, &other).expect_err("it is another's");
        assert_eq!(error.reason(), "signature");
        assert_eq!(error.detail(), Some("alg=ES256 kid=es"));
        // Events tell of the key as if the header had been read again.
        let expired = with_claims(&[("exp", "1")]);
        let error = super::answer(&verifier, &expired).expect_err("it is over");
        assert_eq!(error.reason(), "expired");
        assert_eq!(error.detail(), Some("alg=ES256 kid=es"));
    }
}
