//! Stored hashes: none that a parser of its own kind reads differently lets anybody in, or takes more than is permitted.

use std::sync::LazyLock;

use tower_security::core::{NoopSink, Secret};
use tower_security::password::{Ceiling, PasswordHasher, VerifyError};

/// 1 MiB and two passes at most, so that whatever the input asks for is computed in no time.
static HASHER: LazyLock<PasswordHasher> = LazyLock::new(|| {
    PasswordHasher::builder()
        .dangerous_test_cost()
        .ceiling(Ceiling::new(1_024, 2, 4))
        .accept_bcrypt(4..=4)
        .events(NoopSink::new())
        .build()
        .expect("it is sound")
});

/// What a hash of Argon2 asks for, read by pieces. `None` if it is none.
fn argon2(text: &str) -> Option<[u64; 3]> {
    let rest = text
        .strip_prefix("$argon2id$")
        .or_else(|| text.strip_prefix("$argon2i$"))?;
    let rest = ["v=19$", "v=16$"]
        .iter()
        .find_map(|version| rest.strip_prefix(version))
        .unwrap_or(rest);
    let mut parts = rest.splitn(4, '$');
    let (costs, salt, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let is_base64 = |text: &str| {
        let mut letters = text.bytes();
        letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    };
    let is_sound = parts.next().is_none() && is_base64(salt) && is_base64(tag);
    let mut numbers = costs.split(',').zip(["m=", "t=", "p="]);
    let mut number = || -> Option<u64> {
        let (text, name) = numbers.next()?;
        let digits = text.strip_prefix(name)?;
        let number = digits.parse::<u32>().ok()?;
        (number.to_string() == digits).then_some(number.into())
    };
    let costs = [number()?, number()?, number()?];
    (is_sound && salt.len() >= 11 && tag.len() >= 22).then_some(costs)
}

fn is_bcrypt(text: &str) -> bool {
    let known = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|kind| text.starts_with(kind));
    known && text.len() == 60 && text.is_ascii()
}

/// A password and what is stored, in two lines. The answer is what can be said without computing anything, or it takes a hash.
pub fn phc_string(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (password, stored) = text.split_once('\n').unwrap_or(("", text));
    let answer = HASHER.verify_blocking(&Secret::from(password), Some(stored));
    match (answer, argon2(stored)) {
        // The longest one is tried last: an input of a megabyte is no password.
        (Err(VerifyError::TooLong), _) => assert!(password.len() > 1_024),
        (Err(VerifyError::CostAboveCeiling), Some([memory, passes, lanes])) => {
            let is_long = stored.len() > 97;
            assert!(
                memory > 1_024 || passes > 2 || lanes > 4 || is_long,
                "{stored}"
            );
        }
        (Err(VerifyError::CostAboveCeiling), None) => assert!(is_bcrypt(stored), "{stored}"),
        (Err(VerifyError::MalformedHash), _) => {}
        (Err(VerifyError::Invalid), Some([memory, passes, lanes])) => {
            assert!(
                memory <= 1_024 && passes <= 2 && lanes <= 4 && memory >= 8 * lanes,
                "{stored}"
            );
        }
        (Err(VerifyError::Invalid), None) => assert!(is_bcrypt(stored), "{stored}"),
        (Ok(verified), _) => {
            assert!(!password.is_empty());
            // What is to be stored instead is a hash of the same password, and stays.
            if let Some(new) = verified.rehash {
                let again = HASHER.verify_blocking(&Secret::from(password), Some(&new));
                assert_eq!(again.expect("it was made for it").rehash, None);
            }
        }
        (Err(error), _) => panic!("{error}: {stored}"),
    }
}
