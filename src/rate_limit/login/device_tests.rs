use super::super::account::Accounts;
use super::*;

const SECRET: [u8; 16] = *b"0123456789abcdef";
const DAYS_90: Duration = Duration::from_secs(90 * 86_400);

fn cookies() -> DeviceCookies {
    DeviceCookies::new("__Host-device", DAYS_90, KeySeed::fleet(SECRET), "login")
}

fn account(name: &str) -> AccountHash {
    Accounts::new(KeySeed::fleet(SECRET), None).hash(name)
}

fn day(days: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + days * 86_400)
}

/// The value of a line of `Set-Cookie`.
fn value(line: &HeaderValue) -> String {
    let line = line.to_str().unwrap();
    let (_, value) = line.split_once('=').unwrap();
    value.split(';').next().unwrap().to_owned()
}

fn issued(name: &str) -> String {
    value(&cookies().issue(account(name), day(0)).unwrap())
}

#[test]
fn a_line_has_the_attributes_of_a_cookie_of_one_host() {
    let line = cookies().issue(account("alice"), day(0)).unwrap();
    let line = line.to_str().unwrap();
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7776000"
    );
    let parts: Vec<_> = pair.split('.').collect();
    // 1,700,000,000 + 7,776,000
    assert_eq!(
        (parts.len(), parts[0], parts[2]),
        (4, "__Host-device=v1", "1707776000")
    );
    assert_eq!((parts[1].len(), parts[3].len()), (32, 32));
}

#[test]
fn two_logins_are_two_devices() {
    let (one, other) = (issued("alice"), issued("alice"));
    let verify = |value: &str| cookies().verify(value.as_bytes(), account("alice"), day(1));
    assert_ne!(verify(&one).unwrap(), verify(&other).unwrap());
}

#[test]
fn a_device_is_trusted_for_its_account_until_it_expires() {
    let value = issued("alice");
    let verify = |name, now| cookies().verify(value.as_bytes(), account(name), now);
    let second = Duration::from_secs(1);
    assert!(verify("alice", day(0)).is_some());
    assert!(verify("Alice ", day(89)).is_some());
    assert!(verify("alice", day(90) - second).is_some());
    assert!(verify("alice", day(90)).is_none(), "expired");
    assert!(verify("bob", day(0)).is_none(), "somebody else's");
    assert!(verify("alice", SystemTime::UNIX_EPOCH - second).is_some());
}

#[test]
fn another_secret_or_throttle_does_not_know_it() {
    let value = issued("alice");
    let verify = |seed, scope| {
        let cookies = DeviceCookies::new("__Host-device", DAYS_90, KeySeed::fleet(seed), scope);
        cookies.verify(value.as_bytes(), account("alice"), day(1))
    };
    assert!(verify(SECRET, "login").is_some());
    assert!(verify(SECRET, "otp").is_none());
    assert!(verify(*b"0123456789abcdeg", "login").is_none());
}

#[test]
fn what_was_changed_is_no_cookie_of_ours() {
    let value = issued("alice");
    let parts: Vec<_> = value.split('.').collect();
    let (id, expiry, mac) = (parts[1], parts[2], parts[3]);
    let later = "1807776000";
    let zeros = "0".repeat(32);
    let rows = [
        String::new(),
        "v1".to_owned(),
        "v1...".to_owned(),
        format!("v1.{id}.{expiry}"),
        format!("v1.{id}.{expiry}."),
        format!("v1.{id}.{later}.{mac}"),
        format!("v1.{zeros}.{expiry}.{mac}"),
        format!("v1.{id}.{expiry}.{zeros}"),
        format!("v2.{id}.{expiry}.{mac}"),
        format!("V1.{id}.{expiry}.{mac}"),
        format!(".{id}.{expiry}.{mac}"),
        format!("v1.{id}.{expiry}.{mac}."),
        format!("v1.{id}.{expiry}.{mac}.x"),
        format!("v1.{}.{expiry}.{mac}", id.to_uppercase() + "A"),
        format!("v1.{id}.{expiry}.{}", mac.get(..31).unwrap()),
        format!("v1.{id}.0{expiry}.{mac}"),
        format!("v1.{id}.+{expiry}.{mac}"),
        format!("v1.{id}.-1.{mac}"),
        format!("v1.{id}.9999999999999.{mac}"),
        format!("v1.{id}.{expiry}x.{mac}"),
        format!(" {value}"),
        format!("{value} "),
        format!("\"{value}\""),
        format!("v1.{}.{expiry}.{mac}", "f".repeat(10_000)),
        "v1.\u{e9}.1.2".to_owned(),
    ];
    let verify = |value: &str| cookies().verify(value.as_bytes(), account("alice"), day(1));
    assert!(verify(&value).is_some());
    for row in rows {
        assert!(verify(&row).is_none(), "{row}");
    }
    // Each digit of each part counts.
    for at in 3..value.len() {
        let mut changed = value.clone().into_bytes();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        assert!(
            cookies()
                .verify(&changed, account("alice"), day(1))
                .is_none(),
            "{at}"
        );
    }
}

#[test]
fn hexadecimal_digits_have_one_spelling() {
    assert_eq!(
        hex(b"000102030405060708090a0b0c0d0e0f"),
        Some(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f)
    );
    for wrong in [
        "",
        "0",
        "000102030405060708090A0b0c0d0e0f",
        "+00102030405060708090a0b0c0d0e0f",
        "000102030405060708090a0b0c0d0e0g",
    ] {
        assert_eq!(hex(wrong.as_bytes()), None, "{wrong}");
    }
}

#[test]
fn a_request_names_its_device_once() {
    let find = |lines: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        cookies().find(&headers).map(<[u8]>::to_vec)
    };
    let rows: [(&[&'static str], Option<&str>); 14] = [
        (&["__Host-device=x"], Some("x")),
        (&["a=1; __Host-device=x; b=2"], Some("x")),
        (&["a=1", "__Host-device=x"], Some("x")),
        (&["__Host-device=x=y"], Some("x=y")),
        (&["__Host-device="], Some("")),
        (&[], None),
        (&["a=1"], None),
        (&["__Host-device"], None),
        (&["__host-device=x"], None),
        (&["=__Host-device=x"], None),
        (&["x__Host-device=x"], None),
        (&["__Host-devices=x"], None),
        (&["__Host-device=x; __Host-device=x"], None),
        (&["__Host-device=x", "__Host-device=y"], None),
    ];
    for (lines, value) in rows {
        assert_eq!(
            find(lines),
            value.map(|value| value.as_bytes().to_vec()),
            "{lines:?}"
        );
    }
}

#[test]
fn the_name_is_one_that_only_this_host_can_set() {
    for right in ["__Host-device", "__Host-d", "__Host-Http-device"] {
        assert!(is_host_cookie(right), "{right}");
    }
    let long = format!("__Host-{}", "d".repeat(121));
    assert!(is_host_cookie(&long));
    for wrong in [
        "",
        "device",
        "__Host-",
        "__host-device",
        "__Secure-device",
        " __Host-device",
        "__Host-a b",
        "__Host-a=b",
        "__Host-a;b",
        "__Host-\u{e9}",
    ] {
        assert!(!is_host_cookie(wrong), "{wrong}");
    }
    assert!(!is_host_cookie(&(long + "d")));
}

/// The code is that of another implementation of SipHash-2-4 with 128 bits, over bytes that are written out here.
#[test]
fn the_code_is_siphash_over_version_throttle_id_expiry_and_account() {
    use siphasher::sip128::{Hasher128, SipHasher24};
    use std::hash::Hasher as _;

    let hash = |parts: &[&[u8]]| {
        let mut hasher = SipHasher24::new_with_key(&SECRET);
        parts.iter().for_each(|part| hasher.write(part));
        hasher.finish128()
    };
    let name = hash(&[b"account\0", b"alice", &[0xff]]);
    let value = issued("alice");
    let parts: Vec<_> = value.split('.').collect();
    let id = u128::from_str_radix(parts[1], 16).unwrap();
    let expiry: u64 = parts[2].parse().unwrap();
    let mac = hash(&[
        b"device\0\0",
        &2_u64.to_le_bytes(),
        b"v1",
        &5_u64.to_le_bytes(),
        b"login",
        &16_u64.to_le_bytes(),
        &id.to_le_bytes(),
        &expiry.to_le_bytes(),
        &name.h1.to_le_bytes(),
        &name.h2.to_le_bytes(),
    ]);
    assert_eq!(parts[3], format!("{:016x}{:016x}", mac.h2, mac.h1));
}
