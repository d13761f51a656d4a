//! Ids in the query.

use http::request::Parts;

use super::{ExtractError, IdShape, MAX_ID, ResourceExtractor, ResourceId};
use crate::core::{ConfigError, ConfigErrors, percent};
use crate::ownership::OwnershipConfigError;

/// A parameter of the query, by its name.
///
/// Names are decoded before they are compared, and then have to be exactly this one: `id[]` and `ID` are other parameters. Twice the
/// same name is [`ExtractError::Ambiguous`], since programs disagree on which of the two counts (CWE-235), and so is a `;` that some of
/// them take for `&`.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::ownership::{ExtractError, QueryParam, ResourceExtractor};
///
/// let doc = QueryParam::new("doc");
/// let (mut head, ()) = Request::get("/export?doc=7&page=2").body(())?.into_parts();
/// assert_eq!(&*doc.extract(&mut head)?, "7");
///
/// let (mut head, ()) = Request::get("/export?doc=7&%64oc=8").body(())?.into_parts();
/// assert_eq!(doc.extract(&mut head), Err(ExtractError::Ambiguous));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct QueryParam(Box<str>);

impl QueryParam {
    /// Takes the parameter of this name.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().into())
    }

    fn is_name(&self, raw: &str) -> bool {
        let mut rest = raw.as_bytes();
        let mut name = self.0.bytes();
        loop {
            match (first(rest), name.next()) {
                (Some((byte, behind)), Some(expected)) if byte == expected => rest = behind,
                (None, None) => return true,
                _ => return false,
            }
        }
    }
}

impl ResourceExtractor for QueryParam {
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        let query = head.uri.query().unwrap_or_default();
        let mut found = None;
        for pair in query.split('&') {
            let mut parts = pair.split(';').map(|part| match part.split_once('=') {
                Some((name, value)) => (name, value),
                None => (part, ""),
            });
            if !parts.clone().any(|(name, _)| self.is_name(name)) {
                continue;
            }
            let value = parts.next().map(|(_, value)| value);
            if found.is_some() || parts.next().is_some() {
                return Err(ExtractError::Ambiguous);
            }
            found = value;
        }
        decode(found.ok_or(ExtractError::Missing)?)
    }

    fn validate(&self) -> Result<(), ConfigErrors> {
        if self.0.is_empty() {
            let name = String::new();
            let kind = OwnershipConfigError::Name { name };
            return Err(ConfigError::new("query_param", kind).into());
        }
        Ok(())
    }
}

/// The first character of a name as forms write it.
fn first(text: &[u8]) -> Option<(u8, &[u8])> {
    match text.split_first()? {
        (b'+', behind) => Some((b' ', behind)),
        _ => percent::first(text),
    }
}

fn decode(value: &str) -> Result<ResourceId, ExtractError> {
    if value.len() > MAX_ID.saturating_mul(3) {
        return Err(ExtractError::Malformed);
    }
    if !value.contains(['%', '+']) {
        return IdShape::Any.read(value);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => percent::escaped(&mut bytes).ok_or(ExtractError::Malformed)?,
            byte => byte,
        });
    }
    let decoded = String::from_utf8(decoded).map_err(|_| ExtractError::Malformed)?;
    IdShape::Any.read(&decoded)
}
