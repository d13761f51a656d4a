//! A private key, taken apart and told of which kind it is.

use super::der::{self, Kind};
use super::error::SigningKeyError;
use crate::core::Secret;
use crate::token::jws::fields::Fields;
use crate::token::jws::json::{self, Limits, Value};
use crate::token::jws::jwk::Provenance;
use crate::token::jws::{Algorithm, Jwk, JwkError, base64url};

const LIMITS: Limits = Limits {
    members: 64,
    depth: 32,
};

/// A private key that no backend has looked at yet.
pub(super) struct Private {
    algorithm: Algorithm,
    material: Material,
    /// The public half that came with it.
    told: Option<Jwk>,
}

pub(super) enum Material {
    /// PKCS #8 of a key on a curve.
    Curve(Secret<Vec<u8>>),
    Rsa(Rsa),
    Secret(Secret<Vec<u8>>),
}

#[cfg_attr(
    not(feature = "jwt"),
    expect(dead_code, reason = "only aws-lc signs with it")
)]
pub(super) enum Rsa {
    Numbers(Box<Numbers>),
    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    Pkcs1(Secret<Vec<u8>>),
    Pkcs8(Secret<Vec<u8>>),
}

/// The numbers of an RSA key (RFC 7518 section 6.3), of which `n` and `e` are public.
#[cfg_attr(
    not(feature = "jwt"),
    expect(dead_code, reason = "only aws-lc signs with them")
)]
pub(super) struct Numbers {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
    pub(super) d: Secret<Vec<u8>>,
    pub(super) p: Secret<Vec<u8>>,
    pub(super) q: Secret<Vec<u8>>,
    pub(super) dp: Secret<Vec<u8>>,
    pub(super) dq: Secret<Vec<u8>>,
    pub(super) qi: Secret<Vec<u8>>,
}

impl Private {
    pub(super) fn from_pem(pem: &[u8], algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        let (label, der) = der::from_pem(pem).ok_or(SigningKeyError::PemInvalid)?;
        let material = match label {
            "PRIVATE KEY" => return Self::from_pkcs8(der.expose(), algorithm),
            "RSA PRIVATE KEY" if algorithm.is_rsa() => Material::Rsa(Rsa::Pkcs1(der)),
            "RSA PRIVATE KEY" => return Err(mismatch(algorithm, Kind::Rsa.name())),
            "EC PRIVATE KEY" if matches!(algorithm, Algorithm::Es256 | Algorithm::Es384) => {
                Material::Curve(der::of_curve(algorithm, der.expose()))
            }
            "EC PRIVATE KEY" => return Err(mismatch(algorithm, "a key on a curve")),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(SigningKeyError::PublicKey),
            // With a password, of OpenSSH, or of something else.
            _ => return Err(SigningKeyError::PemInvalid),
        };
        Ok(Self::new(algorithm, material))
    }

    pub(super) fn from_pkcs8(der: &[u8], algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        let kind = der::kind(der).ok_or(SigningKeyError::KeyInvalid)?;
        if !kind.fits(algorithm) {
            return Err(mismatch(algorithm, kind.name()));
        }
        let der = Secret::new(der.to_vec());
        let material = match kind {
            Kind::Rsa => Material::Rsa(Rsa::Pkcs8(der)),
            // `Other` fits no algorithm.
            Kind::Ed25519 | Kind::Other | Kind::P256 | Kind::P384 => Material::Curve(der),
        };
        Ok(Self::new(algorithm, material))
    }

    pub(super) fn from_secret(
        secret: Secret<Vec<u8>>,
        algorithm: Algorithm,
    ) -> Result<Self, SigningKeyError> {
        if !algorithm.is_hmac() {
            return Err(mismatch(algorithm, "a secret"));
        }
        Ok(Self::new(algorithm, Material::Secret(secret)))
    }

    pub(super) fn from_jwk(text: &[u8]) -> Result<Self, SigningKeyError> {
        let mut public = Fields::default();
        let mut private = PrivateFields::default();
        json::object(text, LIMITS, |name, value| {
            if private.take(name, value)? {
                return Ok(());
            }
            public.take(name, value).map_err(SigningKeyError::from)
        })?;
        let told = public.key(Provenance::Application)?;
        let [algorithm] = *told.algorithms() else {
            return Err(SigningKeyError::AlgorithmMissing);
        };
        let material = private.material(algorithm)?;
        Ok(Self {
            told: Some(told),
            ..Self::new(algorithm, material)
        })
    }

    const fn new(algorithm: Algorithm, material: Material) -> Self {
        Self {
            algorithm,
            material,
            told: None,
        }
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn material(&self) -> &Material {
        &self.material
    }

    /// Whether a public half is the one that came with the key, if any did.
    pub(super) fn has_public(&self, public: &Jwk) -> bool {
        let told = self.told.as_ref();
        told.is_none_or(|told| told.thumbprint() == public.thumbprint())
    }
}

/// The members of a JWK that are secret.
#[derive(Default)]
struct PrivateFields {
    d: Option<Secret<Vec<u8>>>,
    p: Option<Secret<Vec<u8>>>,
    q: Option<Secret<Vec<u8>>>,
    dp: Option<Secret<Vec<u8>>>,
    dq: Option<Secret<Vec<u8>>>,
    qi: Option<Secret<Vec<u8>>>,
    k: Option<Secret<Vec<u8>>>,
    /// Public, and wanted again where a key is made of all its numbers.
    n: Vec<u8>,
    e: Vec<u8>,
}

impl PrivateFields {
    /// Whether a member is not one for the public half.
    fn take(&mut self, name: &str, value: Value<'_>) -> Result<bool, SigningKeyError> {
        let (name, slot) = match name {
            "d" => ("d", &mut self.d),
            "p" => ("p", &mut self.p),
            "q" => ("q", &mut self.q),
            "dp" => ("dp", &mut self.dp),
            "dq" => ("dq", &mut self.dq),
            "qi" => ("qi", &mut self.qi),
            // Both halves: a secret has but one.
            "k" => {
                self.k = Some(secret("k", value)?);
                return Ok(false);
            }
            "n" => {
                self.n = bytes("n", value)?;
                return Ok(false);
            }
            "e" => {
                self.e = bytes("e", value)?;
                return Ok(false);
            }
            // Keys of more than two primes, which no backend signs with.
            "oth" => return Err(SigningKeyError::ComponentInvalid("oth")),
            "key_ops" => {
                return if names_sign(value) {
                    Ok(true)
                } else {
                    Err(SigningKeyError::NotForSigning)
                };
            }
            // No part of the key: who has it, what it is called, whatever else (RFC 7517, section 4).
            _ => return Ok(false),
        };
        *slot = Some(secret(name, value)?);
        Ok(true)
    }

    fn material(self, algorithm: Algorithm) -> Result<Material, SigningKeyError> {
        if let Some(secret) = self.k
            && algorithm.is_hmac()
        {
            return Ok(Material::Secret(secret));
        }
        let d = self.d.ok_or(SigningKeyError::PublicKey)?;
        if !algorithm.is_rsa() {
            let width = if algorithm == Algorithm::Es384 {
                48
            } else {
                32
            };
            let der = der::pkcs8(algorithm, d.expose()).filter(|_| d.expose().len() == width);
            return Ok(Material::Curve(
                der.ok_or(SigningKeyError::ComponentInvalid("d"))?,
            ));
        }
        let needed = |number: Option<Secret<Vec<u8>>>, name| {
            number.ok_or(SigningKeyError::ComponentInvalid(name))
        };
        Ok(Material::Rsa(Rsa::Numbers(Box::new(Numbers {
            n: self.n,
            e: self.e,
            d,
            p: needed(self.p, "p")?,
            q: needed(self.q, "q")?,
            dp: needed(self.dp, "dp")?,
            dq: needed(self.dq, "dq")?,
            qi: needed(self.qi, "qi")?,
        }))))
    }
}

fn bytes(name: &'static str, value: Value<'_>) -> Result<Vec<u8>, SigningKeyError> {
    value
        .text()
        .and_then(|text| base64url::decode(text.as_bytes()).ok())
        .ok_or(SigningKeyError::ComponentInvalid(name))
}

fn secret(name: &'static str, value: Value<'_>) -> Result<Secret<Vec<u8>>, SigningKeyError> {
    bytes(name, value).map(Secret::new)
}

fn names_sign(value: Value<'_>) -> bool {
    let Value::Array(operations) = value else {
        return false;
    };
    let mut has_sign = false;
    let read = operations.each(|operation| {
        has_sign |= operation.text().as_deref() == Some("sign");
        Ok::<_, JwkError>(())
    });
    has_sign && read.is_ok()
}

const fn mismatch(algorithm: Algorithm, key: &'static str) -> SigningKeyError {
    SigningKeyError::KeyMismatch { algorithm, key }
}
