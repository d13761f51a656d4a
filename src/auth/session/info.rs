//! Sessions as a page shows them.

use std::time::SystemTime;

use super::record::SessionRecord;
use crate::core::Principal;

/// A session as its owner may see it: no secret, and nothing that leads to one.
#[derive(Clone, Debug)]
pub struct SessionInfo(pub(super) SessionRecord);

impl SessionInfo {
    /// Returns the name of the session, for [`SessionAuth::revoke`](super::SessionAuth::revoke). That of the current one is [`Principal::session_id`].
    #[must_use]
    pub fn id(&self) -> &str {
        self.principal().session_id().unwrap_or_default()
    }

    /// Returns who is logged in, and how.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        self.0.principal()
    }

    /// Returns when somebody logged in.
    #[must_use]
    pub const fn created_at(&self) -> SystemTime {
        self.0.created_at()
    }

    /// Returns when it was last used, to a thirtieth of the idle time.
    #[must_use]
    pub const fn seen_at(&self) -> SystemTime {
        self.0.seen_at()
    }

    /// Returns when it ends if it is not used.
    #[must_use]
    pub const fn ends_at(&self) -> SystemTime {
        self.0.ends_at()
    }
}
