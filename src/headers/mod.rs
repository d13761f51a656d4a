//! Security headers of every answer.

mod apply;
mod banners;
mod check;
mod clear_site_data;
mod compile;
mod config;
mod error;
mod feature;
mod future;
mod integrity;
mod layer;
mod permissions;
mod presets;
mod reporting;
mod service;
mod values;

pub use banners::Banner;
pub use clear_site_data::ClearSiteData;
pub use config::{CachePolicy, SecurityHeadersBuilder};
pub use error::{FeatureProblem, HeadersConfigError};
pub use feature::Feature;
pub use future::ResponseFuture;
pub use integrity::IntegrityPolicy;
pub use layer::SecurityHeadersLayer;
pub use permissions::{Allow, PermissionsPolicy};
pub use presets::Preset;
pub use service::SecurityHeaders;
pub use values::{
    AgentCluster, Coep, Coop, Corp, FrameOptions, ReferrerPolicy, WeakReferrerPolicy,
};
