//! Ids in a header or in the metadata of gRPC.

use http::header::{HeaderMap, HeaderName};
use http::request::Parts;

use super::{ExtractError, IdShape, ResourceExtractor, ResourceId};
use crate::core::field::Lines;
use crate::core::{ConfigError, ConfigErrors};
use crate::ownership::OwnershipConfigError;

/// A header of your own, by its name.
///
/// It has to be there once, in visible ASCII without blanks. Two lines, and a list with commas, are [`ExtractError::Ambiguous`].
///
/// Names that say who is asking or where from are refused when the layer is built: `Authorization`, `Cookie`, `Forwarded`,
/// `X-Forwarded-*` and the like name no object.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::ownership::{ExtractError, HeaderId, ResourceExtractor};
///
/// let order = HeaderId::new("x-order-id");
/// let (mut head, ()) = Request::get("/order").header("x-order-id", "7").body(())?.into_parts();
/// assert_eq!(&*order.extract(&mut head)?, "7");
///
/// let (mut head, ()) = Request::get("/order").header("x-order-id", "7, 8").body(())?.into_parts();
/// assert_eq!(order.extract(&mut head), Err(ExtractError::Ambiguous));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeaderId(Field);

impl HeaderId {
    /// Takes the header of this name. What is wrong with it is told when the layer is built; until then it is never there.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Field::new(name.as_ref()))
    }
}

impl ResourceExtractor for HeaderId {
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        self.0.read(&head.headers)
    }

    fn validate(&self) -> Result<(), ConfigErrors> {
        self.0.validate("header_id", |_| false)
    }
}

/// A key of a gRPC call's metadata, by its name.
///
/// It is read as [`HeaderId`] reads a header. A key that ends in `-bin` is binary and refused when the layer is built, and so is one that
/// begins with `grpc-`, which belongs to the protocol.
#[derive(Clone, Debug)]
pub struct MetadataId(Field);

impl MetadataId {
    /// Takes the key of this name. What is wrong with it is told when the layer is built; until then it is never there.
    #[must_use]
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(Field::new(key.as_ref()))
    }
}

impl ResourceExtractor for MetadataId {
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        self.0.read(&head.headers)
    }

    fn validate(&self) -> Result<(), ConfigErrors> {
        self.0.validate("metadata_id", |name| {
            name.ends_with("-bin") || name.starts_with("grpc-")
        })
    }
}

#[derive(Clone, Debug)]
struct Field {
    given: Box<str>,
    name: Option<HeaderName>,
}

impl Field {
    fn new(name: &str) -> Self {
        Self {
            given: name.into(),
            name: HeaderName::try_from(name).ok(),
        }
    }

    fn read(&self, headers: &HeaderMap) -> Result<ResourceId, ExtractError> {
        let name = self.name.as_ref().ok_or(ExtractError::Missing)?;
        let line = match Lines::of(headers, name) {
            Lines::Absent => return Err(ExtractError::Missing),
            Lines::One(line) => line,
            Lines::Several(_) => return Err(ExtractError::Ambiguous),
        };
        let bytes = line.as_bytes();
        if bytes.contains(&b',') {
            return Err(ExtractError::Ambiguous);
        }
        // `to_str` takes tabs too.
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(ExtractError::Malformed);
        }
        IdShape::Any.read(line.to_str().map_err(|_| ExtractError::Malformed)?)
    }

    fn validate(
        &self,
        path: &'static str,
        is_reserved: fn(&str) -> bool,
    ) -> Result<(), ConfigErrors> {
        let name = self.name.as_ref().map(HeaderName::as_str);
        let is_own = name.is_some_and(|name| !is_of_others(name) && !is_reserved(name));
        if is_own {
            return Ok(());
        }
        let name = self.given.to_string();
        Err(ConfigError::new(path, OwnershipConfigError::HeaderId { name }).into())
    }
}

/// Headers that say something else than which object is meant; proxies write some of them.
fn is_of_others(name: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "forwarded",
        "host",
        "origin",
        "proxy-authorization",
        "referer",
        "transfer-encoding",
        "x-http-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    OTHERS.contains(&name) || name.starts_with("x-forwarded-") || name.starts_with("sec-")
}
