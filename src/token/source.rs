//! Where the keys are from with which tokens are verified.

use super::jws::JwkSet;
use crate::core::Lookup;

/// A key set at one point in time. Cloning shares it.
#[derive(Clone, Debug)]
pub struct KeySnapshot {
    set: JwkSet,
    generation: u64,
}

impl KeySnapshot {
    /// `generation` changes whenever a key does: what was verified under another one is verified again.
    #[must_use]
    pub const fn new(set: JwkSet, generation: u64) -> Self {
        Self { set, generation }
    }

    /// Returns the keys.
    #[must_use]
    pub const fn set(&self) -> &JwkSet {
        &self.set
    }

    /// Returns what changes whenever a key does.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}

/// What a source has at hand.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyState {
    /// Keys that may be used.
    Ready(KeySnapshot),
    /// No keys yet, or none that are fresh enough: [`KeySource::refresh`] is asked.
    Missing,
}

/// Why a source has no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySourceError {
    /// The source has fresh keys, and the wanted one is none of them: the token is invalid.
    NotFound,
    /// The source cannot be reached: a 503, since the token may be good.
    Unavailable,
}

/// Gives the keys with which tokens are verified.
///
/// [`JwkSet`] is a source of keys that never change.
pub trait KeySource: Send + Sync + 'static {
    /// Returns what is at hand. Asked for every token; does not wait.
    fn state(&self) -> KeyState;

    /// Looks for newer keys, because none is at hand or none has the id `kid`. What comes back has been looked for in vain or is newer
    /// than [`state`](Self::state); the caller looks for `kid` in it once and asks no second time.
    fn refresh(&self, kid: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>>;

    /// Whether the keys never change, so that a verifier without a usable one is refused when it is built. Default: false.
    fn is_fixed(&self) -> bool {
        false
    }

    /// Returns the settings that weaken the protection, each with whether it is on: a verifier tells of them beside its own. Default:
    /// none.
    fn dangerous(&self) -> Vec<(&'static str, bool)> {
        Vec::new()
    }
}

impl KeySource for JwkSet {
    fn state(&self) -> KeyState {
        KeyState::Ready(KeySnapshot::new(self.clone(), 0))
    }

    fn refresh(&self, _: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
        Lookup::Ready(Err(KeySourceError::NotFound))
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn dangerous(&self) -> Vec<(&'static str, bool)> {
        vec![("dangerous_guessable_secrets", self.is_guessable())]
    }
}
