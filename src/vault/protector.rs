//! `Protector`: encrypts and decrypts the values of one purpose.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::{AeadInOut, XChaCha20Poly1305};
use http::Extensions;
use zeroize::{Zeroize, Zeroizing};

use super::blind_index::{BlindIndex, IndexBits};
use super::error::VaultError;
use super::format::{BODY, Frame, HEAD, MOST, OVERHEAD, head, key_id, with_aad};
use super::ring::{Keys, Nonces, Other, Ring, SubKeys};
use super::text;
use crate::core::{EventContext, EventName, Events, Outcome};

/// Encrypts and decrypts the values of one purpose, such as a column. Cloning shares it. Made by [`KeyRing::purpose`](super::KeyRing::purpose)
/// and [`KeyRing::cookie`](super::KeyRing::cookie).
///
/// Each value is bound to a context: what says whose it is, such as the tenant and the id of the row. It opens with the same context alone,
/// in the same order, so that it cannot be moved to another row. A context has one part at least, which the compiler checks:
///
/// ```compile_fail,E0080
/// # use tower_security::vault::KeyRing;
/// # let ring = KeyRing::builder().active(1, KeyRing::generate_key().unwrap()).build().unwrap();
/// # let ssn = ring.purpose(&["users", "ssn"]).unwrap();
/// let _ = ssn.protect(b"123-45-6789", &[""; 0]);
/// ```
///
/// Parts that are all empty bind to nothing: know the id of a row before its fields are encrypted, by making it yourself (a UUID), or by writing
/// the row first and the field after it.
///
/// # Example
///
/// ```
/// use tower_security::vault::{KeyRing, VaultError};
///
/// let ring = KeyRing::builder().active(1, KeyRing::generate_key()?).build()?;
/// let ssn = ring.purpose(&["users", "ssn"])?;
///
/// let stored = ssn.protect(b"123-45-6789", &["acme", "user-7"])?;
/// assert_eq!(*ssn.unprotect(&stored, &["acme", "user-7"])?, b"123-45-6789");
///
/// // Copied into the row of another user.
/// assert_eq!(ssn.unprotect(&stored, &["acme", "user-8"]), Err(VaultError::Rejected));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Protector {
    inner: Arc<Inner>,
    /// The request that handlers act for.
    request: EventContext,
}

struct Inner {
    /// The parts of the purpose, for people.
    name: Box<str>,
    info: Box<[u8]>,
    keys: Keys<Box<SubKeys>>,
    events: Events,
    nonces: Nonces,
}

/// What the event says, and the caller does not learn.
enum Refusal {
    Rejected,
    Revoked,
    Unknown,
}

impl Refusal {
    const fn code(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Revoked => "revoked_key",
            Self::Unknown => "unknown_key",
        }
    }
}

impl Protector {
    pub(super) fn new(
        ring: &Ring,
        name: Box<str>,
        info: Box<[u8]>,
        keys: Keys<Box<SubKeys>>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                name,
                info,
                keys,
                events: ring.events.clone(),
                nonces: ring.nonces,
            }),
            request: EventContext::default(),
        }
    }

    /// Returns the same protector for a handler of the request with these extensions: events of what it does go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that the request came through, with the request's id and the client's address. A sink
    /// of the ring, if it [was given one](super::KeyRingBuilder::events), hears of them instead.
    #[must_use]
    pub fn for_request(&self, extensions: &Extensions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: EventContext::of(extensions),
        }
    }

    /// As [`for_request`](Self::for_request), for a service that keeps which request it acts for.
    #[cfg(feature = "mfa")]
    pub(crate) fn acting_for(&self, request: &EventContext) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: request.clone(),
        }
    }

    /// Encrypts a value, which gets 45 bytes longer. The same value twice gives two ciphertexts.
    ///
    /// # Errors
    ///
    /// [`VaultError::TooLarge`]: the value is longer than 16 MiB. [`VaultError::Entropy`]: the operating system gives no randomness, and
    /// nothing takes its place.
    pub fn protect<C: AsRef<[u8]>, const N: usize>(
        &self,
        plaintext: &[u8],
        context: &[C; N],
    ) -> Result<Vec<u8>, VaultError> {
        self.seal(plaintext, &bound(context))
    }

    /// Decrypts a value. It is wiped when it is dropped.
    ///
    /// # Errors
    ///
    /// [`VaultError::Rejected`], whatever is wrong with it.
    pub fn unprotect<C: AsRef<[u8]>, const N: usize>(
        &self,
        bytes: &[u8],
        context: &[C; N],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open(bytes, &bound(context))
    }

    /// As [`unprotect`](Self::unprotect), in the buffer of the ciphertext.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn unprotect_in_place<C: AsRef<[u8]>, const N: usize>(
        &self,
        bytes: Vec<u8>,
        context: &[C; N],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open_in_place(Zeroizing::new(bytes), &bound(context))
    }

    /// As [`protect`](Self::protect), as text for columns of text and for cookies: base64 (RFC 4648 section 5) without padding.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn protect_str<C: AsRef<[u8]>, const N: usize>(
        &self,
        plaintext: &[u8],
        context: &[C; N],
    ) -> Result<String, VaultError> {
        Ok(text::encode(&self.protect(plaintext, context)?))
    }

    /// Decrypts what [`protect_str`](Self::protect_str) wrote. No other spelling of it opens.
    ///
    /// # Errors
    ///
    /// [`VaultError::Rejected`], whatever is wrong with it.
    pub fn unprotect_str<C: AsRef<[u8]>, const N: usize>(
        &self,
        text: &str,
        context: &[C; N],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match text::decode(text) {
            Some(bytes) => self.unprotect_in_place(bytes, context),
            None => Err(self.refused(None, &Refusal::Rejected)),
        }
    }

    /// Encrypts a value that belongs to nothing: who can write to the table can put it in the place of any other of this purpose that is
    /// bound to nothing. For values that there is one of.
    ///
    /// # Errors
    ///
    /// As [`protect`](Self::protect).
    pub fn protect_unbound(&self, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.seal(plaintext, &[])
    }

    /// Decrypts what [`protect_unbound`](Self::protect_unbound) wrote.
    ///
    /// # Errors
    ///
    /// [`VaultError::Rejected`], whatever is wrong with it.
    pub fn unprotect_unbound(&self, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open(bytes, &[])
    }

    /// Whether a value is not of the active key: a comparison of 5 bytes, which a database can make too
    /// ([`current_head`](Self::current_head)). A value of a [next](super::KeyState::Next) key needs none: another node has rotated already.
    #[must_use]
    pub fn needs_rotation(&self, bytes: &[u8]) -> bool {
        let keys = &self.inner.keys;
        match key_id(bytes) {
            Some(id) => id != keys.active_id && !matches!(keys.other(id), Some(Other::Next(_))),
            None => true,
        }
    }

    /// Returns what values of the active key begin with: `WHERE substr(ssn, 1, 5) <> $head` finds the others.
    #[must_use]
    pub fn current_head(&self) -> [u8; HEAD] {
        head(self.inner.keys.active_id)
    }

    /// Encrypts a value anew with the active key, `None` if it need not be: it can be done again after a crash, from anywhere. Write it with
    /// `UPDATE .. SET ssn = $new WHERE id = $id AND ssn = $old`, so that who has changed the value meanwhile wins.
    ///
    /// # Errors
    ///
    /// As [`unprotect`](Self::unprotect) and [`protect`](Self::protect).
    pub fn reprotect<C: AsRef<[u8]>, const N: usize>(
        &self,
        bytes: &[u8],
        context: &[C; N],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        self.reseal(bytes, &bound(context))
    }

    /// As [`reprotect`](Self::reprotect), for what [`protect_str`](Self::protect_str) wrote.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn reprotect_str<C: AsRef<[u8]>, const N: usize>(
        &self,
        text: &str,
        context: &[C; N],
    ) -> Result<Option<String>, VaultError> {
        let bytes = text::decode(text).ok_or_else(|| self.refused(None, &Refusal::Rejected))?;
        let anew = self.reprotect(&bytes, context)?;
        Ok(anew.map(|bytes| text::encode(&bytes)))
    }

    /// As [`reprotect`](Self::reprotect), for what [`protect_unbound`](Self::protect_unbound) wrote.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn reprotect_unbound(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
        self.reseal(bytes, &[])
    }

    /// Returns what equal values have in common, for a column that is looked up by it: `WHERE ssn_index = $index`, and compare what is found
    /// after it is decrypted. Whoever reads the table sees which rows are equal, and how often each value is there.
    ///
    /// Normalize before: case, blanks, NFC, in the same way when it is written and when it is looked for. It is made with the active key:
    /// keep [`key_id`](BlindIndex::key_id) beside it, and during a rotation look for [`blind_index_all`](Self::blind_index_all).
    #[must_use]
    pub fn blind_index(&self, value: &[u8], bits: IndexBits) -> BlindIndex {
        let keys = &self.inner.keys;
        BlindIndex::new(keys.active_id, &keys.active.index, value, bits)
    }

    /// Returns the index under each key that decrypts, that of the active one first: 64 at most.
    #[must_use]
    pub fn blind_index_all(&self, value: &[u8], bits: IndexBits) -> Vec<BlindIndex> {
        let live = self.inner.keys.live();
        live.map(|(id, keys)| BlindIndex::new(id, &keys.index, value, bits))
            .collect()
    }

    fn seal(&self, plaintext: &[u8], context: &[&[u8]]) -> Result<Vec<u8>, VaultError> {
        let inner = &*self.inner;
        if plaintext.len() > MOST {
            return Err(VaultError::TooLarge);
        }
        let Some(nonce) = (inner.nonces)() else {
            self.no_entropy();
            return Err(VaultError::Entropy);
        };
        let head = head(inner.keys.active_id);
        let mut sealed = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD));
        sealed.extend_from_slice(&head);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let cipher = &inner.keys.active.cipher;
        let tag = with_aad(head, &inner.info, context, |aad| {
            let body = sealed.get_mut(BODY..)?;
            let tag = cipher.encrypt_inout_detached(&nonce.into(), aad, body.into());
            tag.ok()
        });
        let Some(tag) = tag else {
            sealed.zeroize();
            return Err(VaultError::TooLarge);
        };
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    fn open(&self, bytes: &[u8], context: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (frame, cipher, body) = self.framed(bytes)?;
        let mut plain = Zeroizing::new(body.to_vec());
        self.decrypt(&frame, cipher, &mut plain, context)?;
        Ok(plain)
    }

    fn open_in_place(
        &self,
        mut bytes: Zeroizing<Vec<u8>>,
        context: &[&[u8]],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (frame, cipher, body) = self.framed(&bytes)?;
        let end = BODY.saturating_add(body.len());
        let Some(body) = bytes.get_mut(BODY..end) else {
            return Err(self.refused(Some(frame.id), &Refusal::Rejected));
        };
        self.decrypt(&frame, cipher, body, context)?;
        bytes.copy_within(BODY..end, 0);
        bytes.truncate(end.saturating_sub(BODY));
        Ok(bytes)
    }

    fn reseal(&self, bytes: &[u8], context: &[&[u8]]) -> Result<Option<Vec<u8>>, VaultError> {
        if !self.needs_rotation(bytes) {
            return Ok(None);
        }
        let plain = self.open(bytes, context)?;
        self.seal(&plain, context).map(Some)
    }

    /// The parts of a value and the one key that is tried.
    fn framed<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(Frame, &XChaCha20Poly1305, &'a [u8]), VaultError> {
        let Some((frame, body)) = Frame::read(bytes) else {
            return Err(self.refused(key_id(bytes), &Refusal::Rejected));
        };
        let keys = &self.inner.keys;
        let id = frame.id;
        if id == keys.active_id {
            return Ok((frame, &keys.active.cipher, body));
        }
        match keys.other(id) {
            Some(Other::Next(key) | Other::Retired(key)) => Ok((frame, &key.cipher, body)),
            Some(Other::Revoked) => Err(self.refused(Some(id), &Refusal::Revoked)),
            None => Err(self.refused(Some(id), &Refusal::Unknown)),
        }
    }

    fn decrypt(
        &self,
        frame: &Frame,
        cipher: &XChaCha20Poly1305,
        body: &mut [u8],
        context: &[&[u8]],
    ) -> Result<(), VaultError> {
        let opened = with_aad(head(frame.id), &self.inner.info, context, |aad| {
            let (nonce, tag) = (frame.nonce.into(), frame.tag.into());
            cipher
                .decrypt_inout_detached(&nonce, aad, body.into(), &tag)
                .ok()
        });
        opened.ok_or_else(|| self.refused(Some(frame.id), &Refusal::Rejected))
    }

    #[cold]
    fn refused(&self, id: Option<u32>, refusal: &Refusal) -> VaultError {
        let what = (EventName::CryptDecryptFail, "vault", refusal.code());
        self.request.tell(&self.inner.events, what, |event| {
            let event = event.outcome(Outcome::Refused).own_rule(&self.inner.name);
            match id {
                Some(id) => event.own_detail(&format!("key={id}")),
                None => event,
            }
        });
        VaultError::Rejected
    }

    #[cold]
    fn no_entropy(&self) {
        let what = (EventName::CryptEncryptFail, "vault", "nonce_unavailable");
        self.request.tell(&self.inner.events, what, |event| {
            let id = format!("key={}", self.inner.keys.active_id);
            let event = event.outcome(Outcome::Fault).own_rule(&self.inner.name);
            event.own_detail(&id)
        });
    }
}

/// A context of no part would let values of one purpose be swapped.
fn bound<C: AsRef<[u8]>, const N: usize>(context: &[C; N]) -> [&[u8]; N] {
    const {
        assert!(
            N > 0,
            "a context has one part at least; or `protect_unbound`"
        )
    };
    context.each_ref().map(AsRef::as_ref)
}

/// Shows the purpose and ids, and no key.
impl fmt::Debug for Protector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protector")
            .field("purpose", &self.inner.name)
            .field("keys", &self.inner.keys)
            .finish_non_exhaustive()
    }
}
