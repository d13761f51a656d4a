//! The members of a key in JSON (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).

use std::borrow::Cow;

use super::curve::Curve;
use super::header::is_kid;
use super::json::Value;
use super::jwk::Provenance;
use super::key::Key;
use super::provider::Backend;
use super::{Algorithm, Jwk, JwkError, base64url};
use crate::core::Secret;
use crate::core::text::clean;

/// Characters of a quoted value.
const MOST_QUOTED: usize = 64;

/// What has been read of a key so far.
#[derive(Default)]
pub(super) struct Fields<'a> {
    kty: Option<Cow<'a, str>>,
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    crv: Option<Cow<'a, str>>,
    x: Option<Cow<'a, str>>,
    y: Option<Cow<'a, str>>,
    n: Option<Cow<'a, str>>,
    e: Option<Cow<'a, str>>,
    k: Option<Cow<'a, str>>,
    is_private: bool,
    is_for_other_use: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, name: &str, value: Value<'a>) -> Result<(), JwkError> {
        match name {
            "kty" => {
                self.kty = Some(
                    value
                        .text()
                        .ok_or_else(|| JwkError::TypeRefused("".into()))?,
                );
            }
            "alg" => {
                self.alg = Some(
                    value
                        .text()
                        .ok_or_else(|| JwkError::AlgorithmRefused("".into()))?,
                );
            }
            "kid" => {
                let kid = value.text().filter(|kid| is_kid(kid));
                self.kid = Some(kid.ok_or(JwkError::KidInvalid)?);
            }
            "crv" => {
                self.crv = Some(
                    value
                        .text()
                        .ok_or_else(|| JwkError::CurveRefused("".into()))?,
                );
            }
            "x" => self.x = Some(value.text().ok_or(JwkError::ComponentInvalid("x"))?),
            "y" => self.y = Some(value.text().ok_or(JwkError::ComponentInvalid("y"))?),
            "n" => self.n = Some(value.text().ok_or(JwkError::ComponentInvalid("n"))?),
            "e" => self.e = Some(value.text().ok_or(JwkError::ComponentInvalid("e"))?),
            "k" => self.k = Some(value.text().ok_or(JwkError::ComponentInvalid("k"))?),
            "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" => self.is_private = true,
            "use" => self.is_for_other_use |= value.text().as_deref() != Some("sig"),
            "key_ops" => self.is_for_other_use |= !has_verify(value),
            // Unknown members are ignored (RFC 7517 section 4); certificates are no keys.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn key(self, provenance: Provenance) -> Result<Jwk, JwkError> {
        if self.is_private {
            return Err(JwkError::PrivateKey);
        }
        if self.is_for_other_use {
            return Err(JwkError::NotForVerifying);
        }
        let algorithm = match self.alg.as_deref() {
            None => None,
            Some(name) => Some(
                Algorithm::from_name(name)
                    .ok_or_else(|| JwkError::AlgorithmRefused(quoted(name)))?,
            ),
        };
        let backend = Backend::preferred().ok_or(JwkError::BackendMissing)?;
        let key = match self.kty.as_deref().unwrap_or_default() {
            "RSA" => self.rsa(backend, algorithm)?,
            "EC" => self.ec(backend, algorithm)?,
            "OKP" => self.okp(backend, algorithm)?,
            "oct" => self.oct(backend, algorithm, provenance)?,
            other => return Err(JwkError::TypeRefused(quoted(other))),
        };
        match self.kid {
            Some(kid) => key.with_kid(kid),
            None => Ok(key),
        }
    }

    fn rsa(&self, backend: Backend, algorithm: Option<Algorithm>) -> Result<Jwk, JwkError> {
        let n = bytes("n", self.n.as_deref())?;
        let e = bytes("e", self.e.as_deref())?;
        let algorithms = match algorithm {
            Some(algorithm) if algorithm.is_rsa() => algorithm.alone(),
            Some(algorithm) => return Err(mismatch(algorithm, "an RSA key")),
            None => &[
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ],
        };
        Ok(Jwk::new(algorithms, Key::rsa(backend, &n, &e)?))
    }

    fn ec(&self, backend: Backend, algorithm: Option<Algorithm>) -> Result<Jwk, JwkError> {
        let (curve, fitting) = match self.crv.as_deref().unwrap_or_default() {
            "P-256" => (Curve::P256, Algorithm::Es256),
            "P-384" => (Curve::P384, Algorithm::Es384),
            other => return Err(JwkError::CurveRefused(quoted(other))),
        };
        if let Some(algorithm) = algorithm
            && algorithm != fitting
        {
            return Err(mismatch(algorithm, "a key on another curve"));
        }
        let x = bytes("x", self.x.as_deref())?;
        let y = bytes("y", self.y.as_deref())?;
        Ok(Jwk::new(fitting.alone(), Key::ec(backend, curve, &x, &y)?))
    }

    fn okp(&self, backend: Backend, algorithm: Option<Algorithm>) -> Result<Jwk, JwkError> {
        match self.crv.as_deref().unwrap_or_default() {
            "Ed25519" => {}
            other => return Err(JwkError::CurveRefused(quoted(other))),
        }
        if let Some(algorithm) = algorithm
            && algorithm != Algorithm::EdDsa
        {
            return Err(mismatch(algorithm, "an Ed25519 key"));
        }
        let x = bytes("x", self.x.as_deref())?;
        Ok(Jwk::new(
            Algorithm::EdDsa.alone(),
            Key::ed25519(backend, &x)?,
        ))
    }

    fn oct(
        &self,
        backend: Backend,
        algorithm: Option<Algorithm>,
        provenance: Provenance,
    ) -> Result<Jwk, JwkError> {
        if provenance == Provenance::Elsewhere {
            return Err(JwkError::SecretPublished);
        }
        if let Some(algorithm) = algorithm
            && !algorithm.is_hmac()
        {
            return Err(mismatch(algorithm, "a secret"));
        }
        let secret = Secret::new(bytes("k", self.k.as_deref())?);
        Jwk::from_secret(backend, secret.expose(), algorithm, provenance)
    }
}

const fn mismatch(algorithm: Algorithm, key: &'static str) -> JwkError {
    JwkError::KeyMismatch { algorithm, key }
}

fn bytes(name: &'static str, text: Option<&str>) -> Result<Vec<u8>, JwkError> {
    text.and_then(|text| base64url::decode(text.as_bytes()).ok())
        .ok_or(JwkError::ComponentInvalid(name))
}

fn quoted(text: &str) -> Box<str> {
    clean(text, MOST_QUOTED).into()
}

fn has_verify(value: Value<'_>) -> bool {
    let Value::Array(operations) = value else {
        return false;
    };
    let mut has_verify = false;
    let read = operations.each(|operation| match operation.text() {
        Some(operation) => {
            has_verify |= operation == "verify";
            Ok(())
        }
        None => Err(JwkError::NotForVerifying),
    });
    has_verify && read.is_ok()
}
