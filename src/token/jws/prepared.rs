//! Keys in the form in which aws-lc verifies with them, made once.
//!
//! The verifiers of `jsonwebtoken` make it for each signature: they hash a secret twice, read a modulus, put a point on its curve. Of
//! all that a token of HS256 costs that is a sixth. They cannot be kept, for they are not `Sync`; what they call can.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, VerificationAlgorithm,
};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};

use super::{Algorithm, JwsError};

/// One key, for each algorithm that it has been used with: an RSA key fits six, of which issuers use one.
#[derive(Default)]
pub(super) struct Prepared([OnceLock<Option<Box<Form>>>; ALGORITHMS]);

const ALGORITHMS: usize = 12;

#[expect(
    clippy::large_enum_variant,
    reason = "a form is boxed, and a key has one"
)]
enum Form {
    Public(ParsedPublicKey),
    /// Wiped when dropped.
    Secret(hmac::Key),
}

impl Prepared {
    /// `key` is always the same one.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        key: &DecodingKey,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        let form = self.0.get(algorithm as usize).and_then(|form| {
            let made = form.get_or_init(|| Form::of(algorithm, key).map(Box::new));
            made.as_deref()
        });
        let verified = match form {
            Some(Form::Public(key)) => key.verify_sig(signing_input, signature),
            Some(Form::Secret(key)) => hmac::verify(key, signing_input, signature),
            // It passed what can be asked when it was loaded, and verifies nothing.
            None => return Err(JwsError::Signature),
        };
        verified.map_err(|_| JwsError::Signature)
    }
}

impl Form {
    fn of(algorithm: Algorithm, key: &DecodingKey) -> Option<Self> {
        let secret = |algorithm| {
            let secret = key.try_get_as_bytes().ok()?;
            Some(Self::Secret(hmac::Key::new(algorithm, secret)))
        };
        let public = |algorithm: &'static dyn VerificationAlgorithm| {
            let key = ParsedPublicKey::new(algorithm, key.try_get_as_bytes().ok()?);
            key.ok().map(Self::Public)
        };
        let rsa = |parameters: &'static RsaParameters| {
            let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else {
                return None;
            };
            let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters);
            key.ok().map(Self::Public)
        };
        match algorithm {
            Algorithm::EdDsa => public(&ED25519),
            Algorithm::Es256 => public(&ECDSA_P256_SHA256_FIXED),
            Algorithm::Es384 => public(&ECDSA_P384_SHA384_FIXED),
            Algorithm::Hs256 => secret(hmac::HMAC_SHA256),
            Algorithm::Hs384 => secret(hmac::HMAC_SHA384),
            Algorithm::Hs512 => secret(hmac::HMAC_SHA512),
            Algorithm::Ps256 => rsa(&RSA_PSS_2048_8192_SHA256),
            Algorithm::Ps384 => rsa(&RSA_PSS_2048_8192_SHA384),
            Algorithm::Ps512 => rsa(&RSA_PSS_2048_8192_SHA512),
            Algorithm::Rs256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
            Algorithm::Rs384 => rsa(&RSA_PKCS1_2048_8192_SHA384),
            Algorithm::Rs512 => rsa(&RSA_PKCS1_2048_8192_SHA512),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    };

    use super::*;
    use crate::token::jws::provider::Backend;

    const INPUT: &[u8] = b"eyJhbGciOiJIUzI1NiJ9.e30";

    /// What each algorithm makes of [`INPUT`], under the key it was made with.
    fn signed() -> Vec<(DecodingKey, Vec<(Algorithm, Vec<u8>)>)> {
        let random = SystemRandom::new();
        let secret = [0x5a; 64];
        let by_secret = [
            (Algorithm::Hs256, hmac::HMAC_SHA256),
            (Algorithm::Hs384, hmac::HMAC_SHA384),
            (Algorithm::Hs512, hmac::HMAC_SHA512),
        ]
        .map(|(algorithm, hash)| {
            let tag = hmac::sign(&hmac::Key::new(hash, &secret), INPUT);
            (algorithm, tag.as_ref().to_vec())
        });

        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let encodings: [(_, &'static dyn RsaEncoding); 6] = [
            (Algorithm::Ps256, &RSA_PSS_SHA256),
            (Algorithm::Ps384, &RSA_PSS_SHA384),
            (Algorithm::Ps512, &RSA_PSS_SHA512),
            (Algorithm::Rs256, &RSA_PKCS1_SHA256),
            (Algorithm::Rs384, &RSA_PKCS1_SHA384),
            (Algorithm::Rs512, &RSA_PKCS1_SHA512),
        ];
        let by_rsa = encodings.map(|(algorithm, encoding)| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, INPUT, &mut signature).unwrap();
            (algorithm, signature)
        });
        let (n, e) = Backend::AwsLc
            .rsa_components(pair.public_key().as_ref())
            .unwrap();

        let ecdsa = |algorithm, signing: &'static EcdsaSigningAlgorithm| {
            let pair = EcdsaKeyPair::generate(signing).unwrap();
            let signature = pair.sign(&random, INPUT).unwrap().as_ref().to_vec();
            let key = DecodingKey::from_ec_der(pair.public_key().as_ref());
            (key, vec![(algorithm, signature)])
        };
        let edwards = Ed25519KeyPair::generate().unwrap();
        let by_edwards = edwards.sign(INPUT).as_ref().to_vec();
        vec![
            (DecodingKey::from_secret(&secret), by_secret.to_vec()),
            (
                DecodingKey::from_rsa_raw_components(&n, &e),
                by_rsa.to_vec(),
            ),
            ecdsa(Algorithm::Es256, &ECDSA_P256_SHA256_FIXED_SIGNING),
            ecdsa(Algorithm::Es384, &ECDSA_P384_SHA384_FIXED_SIGNING),
            (
                DecodingKey::from_ed_der(edwards.public_key().as_ref()),
                vec![(Algorithm::EdDsa, by_edwards)],
            ),
        ]
    }

    #[test]
    fn a_kept_key_judges_as_one_that_is_made_each_time() {
        let mut seen = 0;
        for (key, signatures) in signed() {
            let prepared = Prepared::default();
            let same = |algorithm, input: &[u8], signature: &[u8]| {
                let kept = prepared.verify(algorithm, &key, input, signature);
                let made = Backend::AwsLc.verify_once(algorithm, &key, input, signature);
                assert_eq!(kept, made, "{algorithm}");
                kept.is_ok()
            };
            for (algorithm, signature) in &signatures {
                assert!(same(*algorithm, INPUT, signature), "{algorithm}");
                for place in [0, signature.len() / 2, signature.len() - 1] {
                    let mut forged = signature.clone();
                    forged[place] ^= 1;
                    assert!(!same(*algorithm, INPUT, &forged), "{algorithm}");
                }
                assert!(!same(*algorithm, INPUT, &signature[1..]), "{algorithm}");
                assert!(!same(*algorithm, &INPUT[1..], signature), "{algorithm}");
                // Of the same key, each counts for itself.
                for (other, _) in &signatures {
                    let is_itself = other == algorithm;
                    assert_eq!(same(*other, INPUT, signature), is_itself, "{other}");
                }
                seen += 1;
            }
        }
        assert_eq!(seen, ALGORITHMS);
    }

    #[test]
    fn a_key_that_is_no_point_verifies_nothing() {
        // y = 2 is on no point of the curve (RFC 8032 section 5.1.3).
        let mut y = [0; 32];
        y[0] = 2;
        let key = DecodingKey::from_ed_der(&y);
        let prepared = Prepared::default();
        let answer = prepared.verify(Algorithm::EdDsa, &key, INPUT, &[0; 64]);
        assert_eq!(answer, Err(JwsError::Signature));
        // Neither does a point that aws-lc does not read at all.
        let key = DecodingKey::from_ec_der(&[4; 65]);
        let answer = prepared.verify(Algorithm::Es256, &key, INPUT, &[0; 64]);
        assert_eq!(answer, Err(JwsError::Signature));
    }
}
