//! Who is banned, and for how long.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::share::BanShare;
use crate::rate_limit::key::KeyHash;

/// Who is banned, and for how long. Cloning shares it.
#[derive(Clone, Default)]
pub struct BanTable {
    share: Option<Arc<dyn BanShare>>,
}

impl BanTable {
    /// Starts from the defaults.
    pub fn builder() -> BanTableBuilder {
        BanTableBuilder::default()
    }

    /// Takes over a ban that another node reports. Nobody is told of it.
    pub fn absorb(&self, key: KeyHash, rest: Duration) {
        let _ = (key, rest);
    }

    /// Lifts a ban that another node has lifted. Nobody is told of it.
    pub fn release(&self, key: KeyHash) {
        let _ = key;
    }
}

impl fmt::Debug for BanTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanTable")
            .field("shared", &self.share.is_some())
            .finish()
    }
}

/// Makes a [`BanTable`].
#[derive(Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BanTableBuilder {
    share: Option<Arc<dyn BanShare>>,
}

impl BanTableBuilder {
    /// Tells other nodes of bans.
    pub fn share(mut self, share: impl BanShare) -> Self {
        self.share = Some(Arc::new(share));
        self
    }
}

impl fmt::Debug for BanTableBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanTableBuilder")
            .field("shared", &self.share.is_some())
            .finish()
    }
}
