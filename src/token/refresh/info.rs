//! A family as its owner may see it.

use std::net::IpAddr;
use std::time::SystemTime;

use super::family::FamilyRecord;
use crate::core::Principal;

/// A family as its owner may see it: no secret, and nothing that leads to one.
#[derive(Clone, Debug)]
pub struct RefreshInfo(FamilyRecord);

impl RefreshInfo {
    pub(super) const fn new(record: FamilyRecord) -> Self {
        Self(record)
    }

    /// Returns the public name of the family, for [`RefreshService::revoke`](super::RefreshService::revoke): the `sid` of its access
    /// tokens, a digest of its id. That of the current one is [`Principal::session_id`].
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.principal.session_id().unwrap_or_default()
    }

    /// Returns who has logged in, and how.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        self.0.principal()
    }

    /// Returns when somebody logged in.
    #[must_use]
    pub const fn created_at(&self) -> SystemTime {
        self.0.created_at()
    }

    /// Returns when it was used last.
    #[must_use]
    pub const fn refreshed_at(&self) -> SystemTime {
        self.0.rotated_at()
    }

    /// Returns when it ends if it is not used.
    #[must_use]
    pub const fn ends_at(&self) -> SystemTime {
        self.0.ends_at()
    }

    /// Returns what the device was called at the login.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.0.label()
    }

    /// Returns the address that it was used from last.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.0.client_ip()
    }
}
