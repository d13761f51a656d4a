//! Does this user own this object?

mod authz;
mod cache;
mod case;
mod decision;
mod extract;
mod guard;
pub mod policy;
mod request;

pub use authz::Authz;
pub use cache::{CachedPolicy, CachedPolicyBuilder};
pub use case::OwnershipRefusal;
pub(crate) use case::{Case, Manner, Scene, caller};
pub use decision::{AsyncPolicy, Decision, Policy, StepUp, Verdict, async_policy};
pub use extract::{
    ExtractError, HeaderId, IdShape, MetadataId, PathParam, PathPattern, QueryParam,
    ResourceExtractor, ResourceId,
};
pub(crate) use extract::{MAX_ID, router_value};
pub(crate) use guard::{Ask, Core, Draft, Grant};
pub use guard::{
    OwnershipConfigError, OwnershipFuture, OwnershipGuard, OwnershipGuardBuilder, OwnershipService,
};
pub use request::{AccessRequest, Action};
pub(crate) use request::{Params, Place, Route, RuleRoute};
