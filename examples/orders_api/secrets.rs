//! The keys of the service, which stand in neither its code nor its database.

use std::env;

use tower_security::core::Secret;
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::vault::KeyRing;

use super::shop::Fault;

/// 32 random bytes each, and a private key.
#[derive(Clone)]
pub struct Secrets {
    pub pepper: Secret<Vec<u8>>,
    pub rotation: Secret<Vec<u8>>,
    /// PKCS #8, as PEM.
    pub signing: Secret<String>,
    pub throttle: Secret<Vec<u8>>,
    pub vault: Secret<Vec<u8>>,
}

impl Secrets {
    /// Draws them: what they protect ends with the process.
    pub fn generate() -> Result<Self, Fault> {
        let draw = || -> Result<Secret<Vec<u8>>, Fault> {
            Ok(Secret::new(KeyRing::generate_key()?.expose().to_vec()))
        };
        Ok(Self {
            pepper: draw()?,
            rotation: draw()?,
            signing: SigningKey::generate_pem(Algorithm::EdDsa)?,
            throttle: draw()?,
            vault: draw()?,
        })
    }

    /// Takes them from the environment: for a database that outlives the process.
    pub fn from_env() -> Result<Self, Fault> {
        Ok(Self {
            pepper: key("SHOP_PEPPER")?,
            rotation: key("SHOP_ROTATION_KEY")?,
            signing: Secret::new(text(
                "SHOP_SIGNING_KEY",
                "openssl genpkey -algorithm ed25519",
            )?),
            throttle: key("SHOP_THROTTLE_KEY")?,
            vault: key("SHOP_VAULT_KEY")?,
        })
    }
}

fn key(name: &str) -> Result<Secret<Vec<u8>>, Fault> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let text = Secret::new(text(name, "openssl rand -base64 32")?);
    let bytes = STANDARD.decode(text.expose().trim());
    let bytes = Secret::new(bytes.map_err(|_| format!("{name} is no base64"))?);
    match bytes.expose().len() {
        32 => Ok(bytes),
        length => Err(format!("{name} has {length} bytes instead of 32").into()),
    }
}

fn text(name: &str, made_by: &str) -> Result<String, Fault> {
    env::var(name)
        .map_err(|_| format!("set {name}, such as by `export {name}=\"$({made_by})\"`").into())
}
