//! Values that were changed.

use proptest::prelude::*;
use tower_security::core::{EventName, Level, Outcome};
use tower_security::vault::VaultError;

use super::{Heard, key, quiet, ssn};

const CONTEXT: [&str; 2] = ["acme", "user-7"];

#[test]
fn every_bit_counts() {
    let ssn = ssn(quiet(1));
    for length in 0..=64 {
        let plain = vec![0x5a; length];
        let sealed = ssn.protect(&plain, &CONTEXT).unwrap();
        assert_eq!(sealed.len(), length + 45);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                let opened = ssn.unprotect(&changed, &CONTEXT);
                assert_eq!(opened, Err(VaultError::Rejected), "bit {bit} of byte {at}");
                let opened = ssn.unprotect_in_place(changed, &CONTEXT);
                assert_eq!(opened, Err(VaultError::Rejected), "bit {bit} of byte {at}");
            }
        }
        assert_eq!(*ssn.unprotect(&sealed, &CONTEXT).unwrap(), plain);
    }
}

#[test]
fn nothing_is_cut_off_added_or_put_together() {
    let ssn = ssn(quiet(1));
    for length in [0, 1, 16, 64] {
        let sealed = ssn.protect(&vec![0x5a; length], &CONTEXT).unwrap();
        let other = ssn.protect(&vec![0x5a; length], &CONTEXT).unwrap();
        for end in 0..sealed.len() {
            let opened = ssn.unprotect(&sealed[..end], &CONTEXT);
            assert_eq!(opened, Err(VaultError::Rejected), "cut at {end}");
            let opened = ssn.unprotect(&sealed[sealed.len() - end..], &CONTEXT);
            assert_eq!(opened, Err(VaultError::Rejected), "cut before {end}");
        }
        for more in 1..=32 {
            for byte in [0, 0x5a] {
                let longer = [&sealed[..], &vec![byte; more]].concat();
                let opened = ssn.unprotect(&longer, &CONTEXT);
                assert_eq!(opened, Err(VaultError::Rejected), "{more} more");
            }
        }
        // The head and nonce of one, the ciphertext of the other; and the tag.
        for cut in [29, sealed.len() - 16] {
            if cut == 29 && length == 0 {
                continue;
            }
            let spliced = [&sealed[..cut], &other[cut..]].concat();
            let opened = ssn.unprotect(&spliced, &CONTEXT);
            assert_eq!(opened, Err(VaultError::Rejected), "spliced at {cut}");
        }
        assert!(ssn.unprotect(&other, &CONTEXT).is_ok());
    }
}

#[test]
fn one_error_is_seen_and_the_events_tell_them_apart() {
    let heard = Heard::default();
    let ssn = ssn(quiet(2).retired(1, key(1)).revoked(0).events(heard.sink()));
    let sealed = ssn.protect(b"123-45-6789", &CONTEXT).unwrap();
    let with = |at: usize, byte: u8| {
        let mut changed = sealed.clone();
        changed[at] = byte;
        changed
    };
    let rows = [
        ("nothing", vec![], "rejected", ""),
        ("too short", sealed[..44].to_vec(), "rejected", "key=2"),
        ("another version", with(0, 2), "rejected", ""),
        ("an unknown key", with(4, 9), "unknown_key", "key=9"),
        ("a revoked key", with(4, 0), "revoked_key", "key=0"),
        ("another key", with(4, 1), "rejected", "key=1"),
        ("another nonce", with(5, !sealed[5]), "rejected", "key=2"),
        ("another tag", with(55, !sealed[55]), "rejected", "key=2"),
    ];
    for (name, bytes, code, id) in rows {
        let told = [(code, "users/ssn".to_owned(), id.to_owned())];
        assert_eq!(
            ssn.unprotect(&bytes, &CONTEXT),
            Err(VaultError::Rejected),
            "{name}"
        );
        assert_eq!(heard.codes(), told, "{name}");
        let in_place = ssn.unprotect_in_place(bytes.clone(), &CONTEXT);
        assert_eq!(in_place, Err(VaultError::Rejected), "{name}");
        assert_eq!(heard.codes(), told, "{name}");
        if id != "key=2" {
            let anew = ssn.reprotect(&bytes, &CONTEXT);
            assert_eq!(anew, Err(VaultError::Rejected), "{name}");
            assert_eq!(heard.codes(), told, "{name}");
        }
    }
    assert_eq!(ssn.unprotect_str("?", &CONTEXT), Err(VaultError::Rejected));
    let line = heard.take().pop().unwrap();
    assert_eq!(
        (line.name, line.level),
        (EventName::CryptDecryptFail, Level::Warn)
    );
    assert_eq!((line.outcome, line.request_id), (Outcome::Refused, None));

    assert!(ssn.unprotect(&sealed, &CONTEXT).is_ok());
    assert_eq!(heard.take(), []);
}

#[test]
fn events_name_the_request() {
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use tower::{Layer, ServiceExt, service_fn};
    use tower_security::SecurityStack;
    use tower_security::core::TrustedProxies;
    use tower_security::vault::KeyRing;

    let heard = Heard::default();
    let ring = KeyRing::builder().active(1, key(1)).build().unwrap();
    let ssn = ring.purpose(&["users", "ssn"]).unwrap();
    let handler = service_fn(move |request: Request<()>| {
        let opened = ssn.for_request(request.extensions()).unprotect(b"", &["7"]);
        assert_eq!(opened, Err(VaultError::Rejected));
        std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(Full::<
            Bytes,
        >::default(
        ))))
    });
    let stack = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .events(heard.sink());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let answer = runtime
        .block_on(ServiceExt::<Request<()>>::oneshot(
            stack.layer(handler),
            Request::new(()),
        ))
        .unwrap();
    let lines = heard.take();
    let [line] = &lines[..] else {
        panic!("{lines:?}");
    };
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(
        (line.code, line.request_id.as_deref()),
        ("rejected", Some(id))
    );
}

#[test]
fn text_has_one_spelling() {
    let ssn = ssn(quiet(1));
    for length in 0..=6 {
        let plain = vec![b'x'; length];
        let text = ssn.protect_str(&plain, &CONTEXT).unwrap();
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(text.bytes().all(is_letter), "{text}");
        assert_eq!(text.len(), ((45 + length) * 8).div_ceil(6));
        assert_eq!(*ssn.unprotect_str(&text, &CONTEXT).unwrap(), plain);

        let pads = [format!("{text}="), format!("{text}==")];
        let blanks = [
            format!(" {text}"),
            format!("{text}\n"),
            text.replacen('A', "A ", 1),
        ];
        for wrong in pads.iter().chain(&blanks) {
            let opened = ssn.unprotect_str(wrong, &CONTEXT);
            assert_eq!(opened, Err(VaultError::Rejected), "{wrong:?}");
        }
        // The bits that are left over of the last letter are zero.
        let last = text.chars().last().unwrap();
        let alphabet = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['-', '_']);
        for other in alphabet.filter(|letter| *letter != last) {
            let wrong = format!("{}{other}", &text[..text.len() - 1]);
            let opened = ssn.unprotect_str(&wrong, &CONTEXT);
            assert_eq!(opened, Err(VaultError::Rejected), "{wrong}");
        }
    }
    // The other alphabet.
    let texts = (0..64).map(|_| ssn.protect_str(b"x", &CONTEXT).unwrap());
    for text in texts.filter(|text| text.contains(['-', '_'])) {
        let wrong = text.replace('-', "+").replace('_', "/");
        assert_eq!(
            ssn.unprotect_str(&wrong, &CONTEXT),
            Err(VaultError::Rejected)
        );
    }
}

#[test]
fn a_value_has_16_mib_at_most() {
    const MOST: usize = 16 * 1_024 * 1_024;
    let ssn = ssn(quiet(1));
    let plain = vec![7; MOST];
    let sealed = ssn.protect(&plain, &CONTEXT).unwrap();
    assert!(*ssn.unprotect(&sealed, &CONTEXT).unwrap() == plain);
    let longer = vec![7; MOST + 1];
    assert_eq!(ssn.protect(&longer, &CONTEXT), Err(VaultError::TooLarge));
    assert_eq!(
        ssn.protect_str(&longer, &CONTEXT),
        Err(VaultError::TooLarge)
    );
    assert_eq!(ssn.protect_unbound(&longer), Err(VaultError::TooLarge));
    let text = "A".repeat((MOST + 45).div_ceil(3) * 4 + 1);
    assert_eq!(
        ssn.unprotect_str(&text, &CONTEXT),
        Err(VaultError::Rejected)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_value_comes_back_with_its_context(
        plain in proptest::collection::vec(any::<u8>(), 0..300),
        tenant in proptest::collection::vec(any::<u8>(), 0..300),
        row in proptest::collection::vec(any::<u8>(), 0..300),
        other in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let ssn = ssn(quiet(1));
        let context = [&tenant, &row];
        let [one, again] = [ssn.protect(&plain, &context), ssn.protect(&plain, &context)];
        let (one, again) = (one.unwrap(), again.unwrap());
        prop_assert_ne!(&one, &again);
        prop_assert_eq!(&*ssn.unprotect(&one, &context).unwrap(), &plain);
        prop_assert_eq!(&*ssn.unprotect_in_place(again, &context).unwrap(), &plain);
        let text = ssn.protect_str(&plain, &context).unwrap();
        prop_assert_eq!(&*ssn.unprotect_str(&text, &context).unwrap(), &plain);
        prop_assert_eq!(ssn.unprotect(&one, &[&tenant, &other]).is_ok(), row == other);
        prop_assert_eq!(ssn.unprotect(&one, &[&row, &tenant]).is_ok(), row == tenant);
        let joined = [&tenant[..], &row[..]].concat();
        prop_assert!(ssn.unprotect(&one, &[joined]).is_err());
    }

    #[test]
    fn any_bytes_are_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let ssn = ssn(quiet(1));
        let headed = [&[1, 0, 0, 0, 1], &bytes[..]].concat();
        for bytes in [bytes, headed] {
            prop_assert_eq!(ssn.unprotect(&bytes, &CONTEXT), Err(VaultError::Rejected));
            prop_assert_eq!(ssn.unprotect_unbound(&bytes), Err(VaultError::Rejected));
        }
    }
}
