//! A configuration that was checked, before it is brought into the forms in which it is written.

use http::HeaderValue;

use super::apply::Pair;
use super::clear_site_data::ClearSiteData;
use super::config::CachePolicy;
use super::presets::Preset;
use crate::core::{Mode, Removed, SchemeSource};

/// A configuration that was checked.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) preset: Option<Preset>,
    /// Everything but `Cache-Control` and `Clear-Site-Data`.
    pub(super) headers: Vec<Pair>,
    /// What the preset has and this layer has not, in lower case.
    pub(super) without: Vec<String>,
    /// Whether `Cross-Origin-Resource-Policy` is the user's choice rather than a preset's.
    pub(super) has_own_resource_policy: bool,
    pub(super) cache: CachePolicy,
    pub(super) no_store: HeaderValue,
    pub(super) cache_if_absent: bool,
    pub(super) clear: Vec<(Box<str>, ClearSiteData)>,
    pub(super) clear_if_absent: bool,
    pub(super) removed: Removed,
    pub(super) scheme: Option<SchemeSource>,
    pub(super) mode: Mode,
    pub(super) dangerous: Dangerous,
}

/// The `dangerous_*` methods of the builder.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dangerous {
    pub(super) referrer_policy: bool,
    pub(super) unsafe_none_opener_policy: bool,
}
