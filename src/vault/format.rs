//! The bytes of a protected value, and what is authenticated beside them.
//!
//! Version 1, which no setting changes: the version, the id of the key (4 bytes, big endian), the nonce (24), the ciphertext, the tag (16).

use super::error::{PurposeProblem, VaultConfigError};
use crate::core::{ConfigErrors, Mistakes};

/// XChaCha20-Poly1305 with keys by HKDF-SHA256.
const VERSION: u8 = 1;
/// Version and id of the key.
pub(super) const HEAD: usize = 5;
pub(super) const NONCE: usize = 24;
const TAG: usize = 16;
/// Where the ciphertext begins.
pub(super) const BODY: usize = HEAD + NONCE;
pub(super) const OVERHEAD: usize = BODY + TAG;
/// A field, not a file.
pub(super) const MOST: usize = 16 * 1_024 * 1_024;

/// What is authenticated fits into so much, unless the names of purpose and context are long.
const STACK: usize = 512;
const LABEL: &[u8] = b"tower-security/vault/v1";

const MOST_PARTS: usize = 8;
const MOST_PART: usize = 255;

pub(super) const fn head(id: u32) -> [u8; HEAD] {
    let [a, b, c, d] = id.to_be_bytes();
    [VERSION, a, b, c, d]
}

/// The id of the key of bytes that begin as those of version 1 do.
pub(super) fn key_id(bytes: &[u8]) -> Option<u32> {
    match bytes.first_chunk::<HEAD>()? {
        [VERSION, id @ ..] => Some(u32::from_be_bytes(*id)),
        // Of a later version, or damaged.
        _ => None,
    }
}

/// A protected value, taken apart.
pub(super) struct Frame {
    pub(super) id: u32,
    pub(super) nonce: [u8; NONCE],
    pub(super) tag: [u8; TAG],
}

impl Frame {
    /// `None` for what is too short, too long or of another version.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let id = key_id(bytes)?;
        let (nonce, rest) = bytes.get(HEAD..)?.split_first_chunk()?;
        let (body, tag) = rest.split_last_chunk()?;
        let frame = Self {
            id,
            nonce: *nonce,
            tag: *tag,
        };
        (body.len() <= MOST).then_some((frame, body))
    }
}

/// What a key is derived for. No two of them share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Encrypt = 1,
    BlindIndex = 2,
    Pseudonym = 3,
    Cookie = 4,
}

/// The `info` of RFC 5869: the label, the use, and each part behind its length.
pub(super) fn info(purpose: Use, parts: &[&str]) -> Box<[u8]> {
    let mut info = LABEL.to_vec();
    info.push(purpose as u8);
    for part in parts {
        info.extend_from_slice(&length(part.as_bytes()));
        info.extend_from_slice(part.as_bytes());
    }
    info.into()
}

/// # Errors
///
/// What is wrong with the parts, all of it.
pub(super) fn check(parts: &[&str]) -> Result<(), ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let mut invalid = |problem| {
        mistakes.push("vault.purpose", VaultConfigError::Purpose { problem });
    };
    let count = parts.len();
    if count == 0 {
        invalid(PurposeProblem::Empty);
    }
    if count > MOST_PARTS {
        invalid(PurposeProblem::TooManyParts { count });
    }
    for (at, part) in parts.iter().enumerate() {
        match part.len() {
            0 => invalid(PurposeProblem::EmptyPart { at }),
            1..=MOST_PART => {}
            length => invalid(PurposeProblem::PartTooLong { at, length }),
        }
    }
    mistakes.finish(())
}

/// Gives `work` what is authenticated: the head, the purpose, how many parts the context has, and the parts. Each stands behind its length,
/// so that `["ab", "c"]` and `["a", "bc"]` never meet. `None` if it were not written whole: less must not be authenticated.
pub(super) fn with_aad<T>(
    head: [u8; HEAD],
    info: &[u8],
    context: &[&[u8]],
    work: impl FnOnce(&[u8]) -> Option<T>,
) -> Option<T> {
    let count = (context.len() as u64).to_le_bytes();
    let total = [head.as_slice(), info]
        .iter()
        .chain(context)
        .map(|part| part.len().saturating_add(count.len()))
        .fold(count.len(), usize::saturating_add);
    let mut stack = [0; STACK];
    let mut heap = Vec::new();
    let aad = if let Some(aad) = stack.get_mut(..total) {
        aad
    } else {
        heap.resize(total, 0);
        heap.as_mut_slice()
    };
    let mut free = &mut *aad;
    put(&mut free, &length(&head))?;
    put(&mut free, &head)?;
    put(&mut free, &length(info))?;
    put(&mut free, info)?;
    put(&mut free, &count)?;
    for part in context {
        put(&mut free, &length(part))?;
        put(&mut free, part)?;
    }
    work(aad)
}

fn put(free: &mut &mut [u8], bytes: &[u8]) -> Option<()> {
    let (to, rest) = std::mem::take(free).split_at_mut_checked(bytes.len())?;
    to.copy_from_slice(bytes);
    *free = rest;
    Some(())
}

fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_le_bytes()
}
