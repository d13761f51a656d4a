//! The header of a JWS (RFC 7515 section 4).

use std::borrow::Cow;

use super::json::{self, Limits, Object, Value};
use super::{Algorithm, JwsError};

const LIMITS: Limits = Limits {
    members: 32,
    depth: 32,
};
/// Bytes of a key id.
const MOST_KID: usize = 256;

/// What a header says and is acted upon. Members that are not read here are ignored, as the RFC demands; so nothing a token says about
/// where its key is (`jku`, `x5u`, `x5c`) is ever followed.
#[derive(Clone, Debug)]
pub(crate) struct JoseHeader<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Cow<'a, str>>,
    pub(crate) typ: Option<Cow<'a, str>>,
    /// The key that is embedded in a `DPoP` proof (RFC 9449 section 4.2). Nothing else may look at it: whoever signs a token can put his
    /// own key there.
    pub(crate) jwk: Option<Object<'a>>,
}

impl<'a> JoseHeader<'a> {
    /// Reads a decoded header.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, JwsError> {
        let mut algorithm = Err(JwsError::Header("alg"));
        let mut kid = None;
        let mut typ = None;
        let mut jwk = None;
        json::object(text, LIMITS, |name, value| {
            match name {
                "alg" => algorithm = read_algorithm(value),
                "kid" => kid = Some(read_kid(value)?),
                "typ" => typ = Some(value.text().ok_or(JwsError::Header("typ"))?),
                "jwk" => {
                    if let Value::Object(object) = value {
                        jwk = Some(object);
                    }
                }
                // Each changes what is signed or what the payload is, and none is supported: an extension that has to be
                // understood (RFC 7515 section 4.1.11), a payload that is not encoded (RFC 7797), one that is compressed or
                // encrypted (RFC 7516), a token inside a token (RFC 7519 section 5.2).
                "crit" => return Err(JwsError::Header("crit")),
                "b64" => return Err(JwsError::Header("b64")),
                "zip" => return Err(JwsError::Header("zip")),
                "enc" => return Err(JwsError::Header("enc")),
                "cty" => return Err(JwsError::Header("cty")),
                // What is not understood is ignored (RFC 7515 section 4); what has to be understood is named by `crit`.
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self {
            algorithm: algorithm?,
            kid,
            typ,
            jwk,
        })
    }
}

fn read_algorithm(value: Value<'_>) -> Result<Algorithm, JwsError> {
    let name = value.text().ok_or(JwsError::Header("alg"))?;
    Algorithm::from_name(&name).ok_or(JwsError::AlgorithmRefused)
}

fn read_kid(value: Value<'_>) -> Result<Cow<'_, str>, JwsError> {
    value
        .text()
        .filter(|kid| is_kid(kid))
        .ok_or(JwsError::Header("kid"))
}

/// Whether a text may be the id of a key: it is compared and logged, and nothing else.
pub(super) fn is_kid(text: &str) -> bool {
    (1..=MOST_KID).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<JoseHeader<'_>, JwsError> {
        JoseHeader::parse(text.as_bytes())
    }

    #[test]
    fn what_is_acted_upon_is_read() {
        let text = r#"{"alg":"Ed25519","kid":"k\u00e9","typ":"at+jwt","jwk":{"kty":"EC"},"x5c":[1],"jku":"https://evil.test"}"#;
        let header = parse(text).unwrap();
        assert_eq!(header.algorithm, Algorithm::EdDsa);
        assert_eq!(header.kid.as_deref(), Some("k\u{e9}"));
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(header.jwk.map(Object::as_str), Some(r#"{"kty":"EC"}"#));

        let header = parse(r#"{"alg":"ES256"}"#).unwrap();
        assert!(header.kid.is_none() && header.typ.is_none() && header.jwk.is_none());
        // What only a proof may have is not judged where it is not read.
        assert!(
            parse(r#"{"alg":"ES256","jwk":"none"}"#)
                .unwrap()
                .jwk
                .is_none()
        );
    }

    #[test]
    fn text_is_borrowed() {
        let header = parse(r#"{"alg":"ES256","kid":"a","typ":"b"}"#).unwrap();
        assert!(matches!(header.kid, Some(Cow::Borrowed("a"))));
        assert!(matches!(header.typ, Some(Cow::Borrowed("b"))));
    }
}
