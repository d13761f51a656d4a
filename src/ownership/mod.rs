//! Does this user own this object?

mod authz;
mod case;
mod decision;
mod extract;
mod guard;
mod request;

pub use authz::Authz;
pub use case::OwnershipRefusal;
pub(crate) use case::{Case, Manner, Scene, caller};
pub use decision::{AsyncPolicy, Decision, Policy, StepUp, Verdict, async_policy};
pub(crate) use extract::of_router;
pub use extract::{
    ExtractError, HeaderId, IdShape, MetadataId, PathParam, PathPattern, QueryParam,
    ResourceExtractor, ResourceId,
};
pub use guard::OwnershipConfigError;
pub use request::{AccessRequest, Action};
pub(crate) use request::{Params, Place, Route, RuleRoute};
