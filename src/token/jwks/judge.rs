//! Which answers of a provider become keys.

use std::time::Duration;

use http::StatusCode;
use sha2::{Digest, Sha256};

use super::config::Settings;
use super::error::{FetchError, FetchErrorKind};
use super::fetch::JwksReply;
use crate::core::nanos;
use crate::token::jws::{JwkSet, JwkSetError};
use crate::token::source::KeySnapshot;

/// Keys, and how long they are good for.
pub(super) struct Held {
    pub(super) snapshot: KeySnapshot,
    /// How long they are fresh.
    pub(super) lifetime: Duration,
    /// Nanoseconds at which nothing is verified with them any more.
    pub(super) dies: u64,
    pub(super) etag: Option<Box<str>>,
    /// Of the body: the same keys once more are no change that empties caches.
    digest: [u8; 32],
}

impl Held {
    /// Whether a token with this key id may be signed with one of them: one has the id, or the only one has none.
    pub(super) fn may_hold(snapshot: &KeySnapshot, kid: &str) -> bool {
        let keys = snapshot.set().keys();
        let is_sole = matches!(keys, [sole] if sole.kid().is_none());
        is_sole || keys.iter().any(|key| key.kid() == Some(kid))
    }
}

/// Makes keys of an answer to a request that was sent at `begun`. Whatever is no good set of keys is an error, and the keys that are
/// there stay.
pub(super) fn judge(
    reply: JwksReply,
    had: Option<&Held>,
    settings: &Settings,
    begun: u64,
) -> Result<Held, FetchError> {
    let dies = begun.saturating_add(nanos(settings.hard_ttl));
    if reply.status == StatusCode::NOT_MODIFIED
        && let Some(had) = had.filter(|had| had.etag.is_some())
    {
        let said = reply.max_age.map(|age| settings.lifetime(Some(age)));
        return Ok(Held {
            snapshot: had.snapshot.clone(),
            lifetime: said.unwrap_or(had.lifetime),
            dies,
            etag: had.etag.clone(),
            digest: had.digest,
        });
    }
    check_form(&reply)?;
    let digest = Sha256::digest(&reply.body).into();
    let snapshot = match had.filter(|had| had.digest == digest) {
        Some(had) => had.snapshot.clone(),
        None => {
            let generation = had.map_or(0, |had| had.snapshot.generation());
            let set = read(&reply.body, settings.max_keys)?;
            KeySnapshot::new(set, generation.saturating_add(1))
        }
    };
    Ok(Held {
        snapshot,
        lifetime: settings.lifetime(reply.max_age),
        dies,
        etag: reply.etag,
        digest,
    })
}

fn check_form(reply: &JwksReply) -> Result<(), FetchError> {
    if reply.status != StatusCode::OK {
        let text = format!("the provider answered {}", reply.status);
        return Err(FetchError::new(FetchErrorKind::Status, text));
    }
    if !reply.is_json {
        let text = "neither application/json nor application/jwk-set+json";
        return Err(FetchError::new(FetchErrorKind::ContentType, text));
    }
    if reply.body.len() > JwksReply::MAX_BODY {
        let text = "more than 262144 bytes";
        return Err(FetchError::new(FetchErrorKind::TooLarge, text));
    }
    Ok(())
}

fn read(body: &[u8], max_keys: usize) -> Result<JwkSet, FetchError> {
    let set = JwkSet::from_remote(body).map_err(|error| {
        let kind = match error {
            JwkSetError::TooManyKeys => FetchErrorKind::TooManyKeys,
            _ => FetchErrorKind::Malformed,
        };
        FetchError::new(kind, error.to_string())
    })?;
    let refused = set.rejected().len();
    let listed = set.keys().len().saturating_add(refused);
    if listed > max_keys {
        let text = format!("{listed} keys, and at most {max_keys} are allowed");
        return Err(FetchError::new(FetchErrorKind::TooManyKeys, text));
    }
    if set.keys().is_empty() {
        let text = format!("no usable key, {refused} refused");
        return Err(FetchError::new(FetchErrorKind::NoKeys, text));
    }
    Ok(set)
}
