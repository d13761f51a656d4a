//! Where the id of an object stands in a request.

mod header;
mod id;
mod path;
mod query;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::request::Parts;

pub use header::{HeaderId, MetadataId};
pub(crate) use id::MAX_ID;
pub use id::{IdShape, ResourceId};
pub(crate) use path::router_value;
pub use path::{PathParam, PathPattern};
pub use query::QueryParam;

use crate::core::ConfigErrors;

/// Why a request has no id that can be used. The client cannot tell the three apart: all are the 404 of what does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// More than one, or one that two programs could read differently.
    #[error("the id is ambiguous")]
    Ambiguous,
    /// Not an id: another shape, too long, not UTF-8.
    #[error("the id is malformed")]
    Malformed,
    /// None.
    #[error("the id is missing")]
    Missing,
}

/// Finds the id of the object that a request is about.
///
/// [`PathParam`], [`PathPattern`], [`QueryParam`], [`HeaderId`] and [`MetadataId`] do, and so does a closure
/// `Fn(&mut Parts) -> Result<ResourceId, ExtractError>`.
///
/// Whatever a handler acts on has to be what was extracted here. Read the same place in the same way, or take the object from the
/// check itself.
///
/// # Example
///
/// ```
/// use http::request::Parts;
/// use tower_security::ownership::{ExtractError, ResourceId};
///
/// let of_the_host = |head: &mut Parts| -> Result<ResourceId, ExtractError> {
///     let host = head.uri.host().ok_or(ExtractError::Missing)?;
///     let (customer, _) = host.split_once('.').ok_or(ExtractError::Malformed)?;
///     Ok(customer.into())
/// };
/// # let _ = of_the_host;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say where the id stands",
    note = "give it a `PathParam`, `QueryParam`, `HeaderId` or `MetadataId`, or a closure `|head: &mut Parts| -> Result<ResourceId, ExtractError>`"
)]
pub trait ResourceExtractor: Send + Sync + 'static {
    /// Finds the id.
    ///
    /// # Errors
    ///
    /// [`ExtractError`]: the request is answered as if the object did not exist.
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError>;

    /// Says what is wrong with its configuration; asked once, when the layer is built.
    ///
    /// # Errors
    ///
    /// All mistakes at once. By default there are none.
    fn validate(&self) -> Result<(), ConfigErrors> {
        Ok(())
    }

    /// The parameter of the router's that it is, so that the parameters are read once.
    #[doc(hidden)]
    fn path_param(&self) -> Option<&str> {
        None
    }
}

impl<F> ResourceExtractor for F
where
    F: Fn(&mut Parts) -> Result<ResourceId, ExtractError> + Send + Sync + 'static,
{
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        self(head)
    }
}

impl<E: ResourceExtractor + ?Sized> ResourceExtractor for Arc<E> {
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        (**self).extract(head)
    }

    fn validate(&self) -> Result<(), ConfigErrors> {
        (**self).validate()
    }

    fn path_param(&self) -> Option<&str> {
        (**self).path_param()
    }
}
