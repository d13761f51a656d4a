//! The names of the headers that this room alone writes, as far as `http` has none for them.

use http::HeaderName;
use http::header::{CACHE_CONTROL, REFERRER_POLICY, X_FRAME_OPTIONS};

use crate::core::reporting::REPORTING_ENDPOINTS;

// Statics, not constants: a constant that owns a name is made and dropped again at each use.
pub(super) static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
pub(super) static COEP: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
pub(super) static COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
pub(super) static CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
pub(super) static DOCUMENT_POLICY: HeaderName = HeaderName::from_static("document-policy");
pub(super) static INTEGRITY_POLICY: HeaderName = HeaderName::from_static("integrity-policy");
pub(super) static ORIGIN_AGENT_CLUSTER: HeaderName =
    HeaderName::from_static("origin-agent-cluster");
pub(super) static PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
pub(super) static X_PERMITTED_CROSS_DOMAIN_POLICIES: HeaderName =
    HeaderName::from_static("x-permitted-cross-domain-policies");

/// Headers with a setter of their own, and the setter.
pub(super) static TYPED: [(&HeaderName, &str); 12] = [
    (&CACHE_CONTROL, "cache(..)"),
    (&CLEAR_SITE_DATA, "clear_site_data_on(..)"),
    (&COEP, "cross_origin_embedder_policy(..)"),
    (&COOP, "cross_origin_opener_policy(..)"),
    (&CORP, "cross_origin_resource_policy(..)"),
    (&DOCUMENT_POLICY, "document_policy(..)"),
    (&INTEGRITY_POLICY, "integrity_policy(..)"),
    (&ORIGIN_AGENT_CLUSTER, "origin_agent_cluster(..)"),
    (&PERMISSIONS_POLICY, "permissions_policy(..)"),
    (&REFERRER_POLICY, "referrer_policy(..)"),
    (&REPORTING_ENDPOINTS, "reporting_endpoint(..)"),
    (&X_FRAME_OPTIONS, "frame_options(..)"),
];
