//! What signs: with aws-lc a key that was parsed once, else one that is parsed each time.
#![cfg_attr(
    not(any(feature = "jwt", feature = "jwt-rust-crypto")),
    expect(
        unreachable_code,
        unused_variables,
        reason = "without a backend there is no key"
    )
)]

#[cfg(feature = "jwt")]
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
#[cfg(feature = "jwt")]
use aws_lc_rs::{error::KeyRejected, rand::SystemRandom, rsa};
use jsonwebtoken::EncodingKey;

use super::error::SigningKeyError;
#[cfg(feature = "jwt")]
use super::fields::Rsa;
use super::fields::{Material, Private};
use crate::token::jws::curve::Curve;
use crate::token::jws::jwk::Provenance;
use crate::token::jws::key::Key;
use crate::token::jws::provider::Backend;
use crate::token::jws::{Algorithm, Jwk};

/// The key of a backend.
pub(super) enum Signer {
    #[cfg(feature = "jwt")]
    Ecdsa(EcdsaKeyPair),
    #[cfg(feature = "jwt")]
    Ed25519(Ed25519KeyPair),
    /// HMAC, and all that is signed in Rust alone.
    Other(Backend, EncodingKey),
    #[cfg(feature = "jwt")]
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl Signer {
    /// The key, and its public half.
    pub(super) fn new(backend: Backend, private: &Private) -> Result<(Self, Jwk), SigningKeyError> {
        let algorithm = private.algorithm();
        match private.material() {
            Material::Curve(der) if algorithm == Algorithm::EdDsa => ed25519(backend, der.expose()),
            Material::Curve(der) => ecdsa(backend, algorithm, der.expose()),
            Material::Rsa(key) => match backend {
                #[cfg(feature = "jwt")]
                Backend::AwsLc => rsa(algorithm, key),
                #[cfg(feature = "jwt-rust-crypto")]
                Backend::RustCrypto => {
                    let _ = key;
                    Err(SigningKeyError::RsaSigningRefused)
                }
            },
            Material::Secret(secret) => {
                let secret = secret.expose();
                let public =
                    Jwk::from_secret(backend, secret, Some(algorithm), Provenance::Application)?;
                let signer = Self::Other(backend, EncodingKey::from_secret(secret));
                Ok((signer, public))
            }
        }
    }

    pub(super) fn sign(&self, algorithm: Algorithm, input: &[u8]) -> Option<Vec<u8>> {
        match self {
            #[cfg(feature = "jwt")]
            Self::Ecdsa(key) => {
                let signature = key.sign(&SystemRandom::new(), input).ok()?;
                Some(signature.as_ref().to_vec())
            }
            #[cfg(feature = "jwt")]
            Self::Ed25519(key) => Some(key.try_sign(input).ok()?.as_ref().to_vec()),
            Self::Other(backend, key) => backend.sign(algorithm, key, input),
            #[cfg(feature = "jwt")]
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &SystemRandom::new(), input, &mut signature)
                    .ok()?;
                Some(signature)
            }
        }
    }
}

fn ed25519(backend: Backend, der: &[u8]) -> Result<(Signer, Jwk), SigningKeyError> {
    let x = backend
        .ed25519_component(der)
        .ok_or(SigningKeyError::KeyInvalid)?;
    let public = Jwk::new(Algorithm::EdDsa.alone(), Key::ed25519(backend, &x)?);
    let signer = match backend {
        #[cfg(feature = "jwt")]
        Backend::AwsLc => Ed25519KeyPair::from_pkcs8(der)
            .map(Signer::Ed25519)
            .map_err(|_| SigningKeyError::KeyInvalid)?,
        #[cfg(feature = "jwt-rust-crypto")]
        Backend::RustCrypto => Signer::Other(backend, EncodingKey::from_ed_der(der)),
    };
    Ok((signer, public))
}

fn ecdsa(
    backend: Backend,
    algorithm: Algorithm,
    der: &[u8],
) -> Result<(Signer, Jwk), SigningKeyError> {
    let (x, y) = backend
        .ec_components(algorithm, der)
        .ok_or(SigningKeyError::KeyInvalid)?;
    let curve = match algorithm {
        Algorithm::Es384 => Curve::P384,
        // ES256: the callers come with no other.
        _ => Curve::P256,
    };
    let public = Jwk::new(algorithm.alone(), Key::ec(backend, curve, &x, &y)?);
    let signer = match backend {
        #[cfg(feature = "jwt")]
        Backend::AwsLc => {
            let scheme = match curve {
                Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            };
            EcdsaKeyPair::from_pkcs8(scheme, der)
                .map(Signer::Ecdsa)
                .map_err(|_| SigningKeyError::KeyInvalid)?
        }
        #[cfg(feature = "jwt-rust-crypto")]
        Backend::RustCrypto => Signer::Other(backend, EncodingKey::from_ec_der(der)),
    };
    Ok((signer, public))
}

#[cfg(feature = "jwt")]
fn rsa(algorithm: Algorithm, key: &Rsa) -> Result<(Signer, Jwk), SigningKeyError> {
    let key = match key {
        Rsa::Numbers(numbers) => RsaKeyPair::from_components(&rsa::KeyPairComponents {
            public_key: rsa::PublicKeyComponents {
                n: &numbers.n,
                e: &numbers.e,
            },
            d: numbers.d.expose(),
            p: numbers.p.expose(),
            q: numbers.q.expose(),
            dP: numbers.dp.expose(),
            dQ: numbers.dq.expose(),
            qInv: numbers.qi.expose(),
        }),
        Rsa::Pkcs1(der) => RsaKeyPair::from_der(der.expose()),
        Rsa::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.expose()),
    };
    let key = key.map_err(|error: KeyRejected| rejected(&error))?;
    let public = rsa::PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let public = Key::rsa(Backend::AwsLc, &public.n, &public.e)?;
    let public = Jwk::new(algorithm.alone(), public);
    Ok((Signer::Rsa(key, encoding(algorithm)), public))
}

#[cfg(feature = "jwt")]
fn encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        // RS256: no other algorithm gets here.
        _ => &RSA_PKCS1_SHA256,
    }
}

/// The library says in a word what it does not take.
#[cfg(feature = "jwt")]
fn rejected(error: &KeyRejected) -> SigningKeyError {
    match error.description_() {
        "TooSmall" => SigningKeyError::KeyTooWeak,
        _ => SigningKeyError::KeyInvalid,
    }
}
