//! Accounts as counters and events know them: a keyed hash, never the name.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use super::super::key::{KeyHash, KeyHasher, KeySeed};

/// A user's function that brings all spellings of an account to one.
pub(super) type Normalise = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Sets this hash apart from the others that are made with the same secret.
const DOMAIN: u64 = u64::from_le_bytes(*b"account\0");

/// How accounts are hashed.
#[derive(Clone)]
pub(super) struct Accounts {
    seed: KeySeed,
    normalise: Option<Normalise>,
}

/// An account that is known, or one that is not: nobody can tell by it. Keyed, so that a log of it is no list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccountHash(KeyHash);

impl Accounts {
    pub(super) const fn new(seed: KeySeed, normalise: Option<Normalise>) -> Self {
        Self { seed, normalise }
    }

    /// Linear in the length of the name, which is a client's choice, and without a copy of it.
    pub(super) fn hash(&self, account: &str) -> AccountHash {
        let mut hasher = KeyHasher::new(&self.seed);
        hasher.u64(DOMAIN);
        match &self.normalise {
            Some(normalise) => hasher.str(&normalise(account)),
            None => folded(account, &mut hasher),
        }
        AccountHash(hasher.key())
    }
}

/// Trimmed and in lower case. The final sigma of Greek words is the same letter as any other: `str::to_lowercase` looks at its
/// neighbours for it, and two spellings of one name would have a budget each.
fn folded(account: &str, hasher: &mut KeyHasher) {
    let mut utf8 = [0; 4];
    for character in account.trim().chars().flat_map(char::to_lowercase) {
        let character = match character {
            '\u{3c2}' => '\u{3c3}',
            other => other,
        };
        hasher.write(character.encode_utf8(&mut utf8).as_bytes());
    }
    // No byte of UTF-8: the name ends here.
    hasher.write(&[0xff]);
}

impl AccountHash {
    /// Adds the account to a key.
    pub(super) fn add_to(self, hasher: &mut KeyHasher) {
        hasher.u64(self.0.low());
        hasher.u64(self.0.high());
    }

    /// One of 64, for counting how many different accounts there were.
    pub(super) const fn bit(self) -> u64 {
        1 << (self.0.high() & 63)
    }
}

impl fmt::Display for AccountHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let normalise = self.normalise.as_ref().map(|_| format_args!("<fn>"));
        f.debug_struct("Accounts")
            .field("normalise", &normalise)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::new(KeySeed::fleet(*b"0123456789abcdef"), None)
    }

    #[test]
    fn spellings_of_one_account_are_one() {
        let accounts = accounts();
        let rows = [
            ("alice", " Alice\t"),
            ("alice", "ALICE\u{a0}"),
            ("stra\u{df}e", "STRA\u{df}E"),
            (
                "\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
                "\u{39f}\u{394}\u{39f}\u{3a3}",
            ),
            (
                "\u{3bf}\u{3b4}\u{3bf}\u{3c3}",
                "\u{39f}\u{394}\u{39f}\u{3a3}",
            ),
            ("", "  "),
        ];
        for (one, other) in rows {
            assert_eq!(accounts.hash(one), accounts.hash(other), "{other:?}");
        }
    }

    #[test]
    fn accounts_that_differ_are_told_apart() {
        let accounts = accounts();
        let names = ["alice", "alic", "alicee", "al ice", "", "a", "\u{e9}", "e"];
        for (index, one) in names.iter().enumerate() {
            for other in names.iter().skip(index + 1) {
                assert_ne!(
                    accounts.hash(one),
                    accounts.hash(other),
                    "{one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn the_hash_depends_on_the_secret_and_fills_32_digits() {
        let other = Accounts::new(KeySeed::fleet(*b"0123456789abcdeg"), None);
        assert_ne!(accounts().hash("alice"), other.hash("alice"));
        let text = accounts().hash("alice").to_string();
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
    }

    #[test]
    fn a_normaliser_takes_the_place_of_the_default() {
        let without_tag = |account: &str| account.split('+').next().unwrap_or_default().to_owned();
        let accounts = Accounts::new(KeySeed::fleet([7; 16]), Some(Arc::new(without_tag)));
        assert_eq!(accounts.hash("a+1"), accounts.hash("a+2"));
        assert_ne!(accounts.hash("a"), accounts.hash("A"));
    }
}
